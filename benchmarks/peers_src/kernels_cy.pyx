# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# The workloads of cases.py as one would type them in Cython: with Python objects at the boundary, and the Python names.
import numpy as np
from libc.math cimport hypot, rint, sqrt


def sum_array(double[::1] x):
    cdef double total = 0
    cdef Py_ssize_t i
    for i in range(x.shape[0]):
        total += x[i]
    return total


def pi_series(long n):
    cdef double total = 0
    cdef long k
    for k in range(n):
        total += (1.0 if k % 2 == 0 else -1.0) / (2 * k + 1)
    return 4.0 * total


def dot_loop(double[::1] x, double[::1] y):
    cdef double total = 0
    cdef Py_ssize_t i
    for i in range(x.shape[0]):
        total += x[i] * y[i]
    return total


def julia_lists(list points, double complex c, long limit):
    cdef double complex z
    cdef long n
    counts = []
    for item in points:
        z = item
        n = 0
        while n < limit and hypot(z.real, z.imag) <= 2.0:
            z = z * z + c
            n += 1
        counts.append(n)
    return counts


def julia_arrays(double complex[::1] points, double complex c, long limit, long[::1] counts):
    cdef double complex z
    cdef long n
    cdef Py_ssize_t i
    for i in range(points.shape[0]):
        z = points[i]
        n = 0
        while n < limit and z.real * z.real + z.imag * z.imag <= 4.0:
            z = z * z + c
            n += 1
        counts[i] = n


def mandelbrot_tuples(long n, long limit):
    cdef long total = 0, row, column, count
    cdef double cr, ci, re, im, t
    for row in range(n):
        for column in range(n):
            cr = 3.0 * column / n - 2.0
            ci = 2.0 * row / n - 1.0
            re = im = 0.0
            count = 0
            while count < limit and re * re + im * im < 4.0:
                t = re * re - im * im + cr
                im = 2.0 * re * im + ci
                re = t
                count += 1
            total += count
    return total


def pair_distances(double[::1] a, double[::1] b):
    cdef long total = 0, d
    cdef Py_ssize_t i, j
    for i in range(a.shape[0]):
        for j in range(b.shape[0]):
            if a[i] < b[j]:
                d = <long>rint(sqrt(a[i] * a[i] + b[j] * b[j]))
                if d > 5:
                    total += d
    return total


def primes(long n):
    cdef long count = 0, k, d
    for k in range(2, n):
        d = 2
        while d * d <= k:
            if k % d == 0:
                break
            d += 1
        else:
            count += 1
    return count


def list_append(long n):
    cdef long total = 0, k
    squares = []
    for k in range(n):
        squares.append(k * k % 1000)
    for s in squares:
        total += <long>s
    return total


def sum_list(list values):
    cdef long total = 0
    for v in values:
        total += <long>v
    return total


def heat_loops(grid, long steps):
    cdef double[:, ::1] old = grid.copy(), new = grid.copy()
    cdef Py_ssize_t i, j, s
    for s in range(steps):
        for i in range(1, old.shape[0] - 1):
            for j in range(1, old.shape[1] - 1):
                new[i, j] = old[i, j] + 0.2 * (old[i - 1, j] + old[i + 1, j] + old[i, j - 1] + old[i, j + 1] - 4.0 * old[i, j])
        old, new = new, old
    return np.asarray(old)


def heat_mod(grid, long steps):
    cdef double[:, ::1] old = grid.copy(), new = grid.copy()
    cdef Py_ssize_t i, j, s, n = old.shape[0], m = old.shape[1]
    for s in range(steps):
        for i in range(n):
            for j in range(m):
                new[i, j] = old[i, j] + 0.2 * (old[(i - 1 + n) % n, j] + old[(i + 1) % n, j] + old[i, (j - 1 + m) % m] + old[i, (j + 1) % m]
                                               - 4.0 * old[i, j])
        old, new = new, old
    return np.asarray(old)


def scale(double[:, ::1] a, double k, double[:, ::1] out):
    cdef Py_ssize_t i, j
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            out[i, j] = a[i, j] * k


def matmul_loops(double[:, ::1] a, double[:, ::1] b):
    cdef Py_ssize_t n = a.shape[0], i, j, k
    result = np.zeros((n, n))
    cdef double[:, ::1] out = result
    cdef double x
    for i in range(n):
        for k in range(n):
            x = a[i, k]
            for j in range(n):
                out[i, j] += x * b[k, j]
    return result


def ring_blur(double[::1] x, double[::1] out):
    cdef Py_ssize_t i, n = x.shape[0]
    for i in range(n):
        out[i] = 0.25 * x[i - 1 if i else n - 1] + 0.5 * x[i] + 0.25 * x[(i + 1) % n]


def prefix_sums(double[::1] x, double[::1] out):
    cdef double total = 0
    cdef Py_ssize_t i
    for i in range(x.shape[0]):
        total += x[i]
        out[i] = total


def histogram(double[::1] x, long bins):
    cdef long k
    cdef Py_ssize_t i
    result = np.zeros(bins, np.int64)
    cdef long[::1] counts = result
    for i in range(x.shape[0]):
        k = <long>(x[i] * bins)
        if 0 <= k < bins:
            counts[k] += 1
    return result


def list_floats(list values):
    cdef double v
    out = []
    for v in values:
        out.append(v * 0.5 + 1.0)
    return out


def sieve(long n):
    cdef list composite = [False] * (n + 1)
    cdef long count = 0, k, m
    for k in range(2, n + 1):
        if not composite[k]:
            count += 1
            for m in range(k * k, n + 1, k):
                composite[m] = True
    return count
