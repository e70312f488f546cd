"""The workloads: plain Python functions as a user would write them, with inputs, a C form and, where there is one, a NumPy form.

A Case's `c` is the name of a function in peers_src/kernels.c and `bind` makes a call of it out of the same arguments: it returns a function
without parameters. `value` picks what is compared out of (arguments, result)."""
import ctypes
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

CASES = []


@dataclass
class Case:
    name: str
    function: Callable
    make: Callable                     # make(n) -> arguments
    sizes: tuple                       # of n: check, quick, full
    work: Callable                     # work(n): proportional to the time
    c: str = ""
    bind: Callable = None              # bind(c function, arguments) -> call
    numpy: Callable = None
    value: Callable = lambda arguments, result: result
    tolerance: float = 1e-12
    cython: bool = True                # peers_src/kernels_cy.pyx has a function of this case's name


def case(**fields):
    """Registers the decorated function as a case."""
    def register(function):
        CASES.append(Case(name=function.__name__, function=function, **fields))
        return function
    return register


def random(n, seed=1):
    return np.random.default_rng(seed).random(n)


# ---------------------------------------------------------------- binding of C functions

KINDS = {"i": ctypes.c_int64, "d": ctypes.c_double, "p": ctypes.c_void_p, "v": None}


def caller(result, kinds, pick):
    """bind() for a C function with these parameter kinds; pick(arguments) gives them, arrays for `p`."""
    def bind(function, arguments):
        function.restype, function.argtypes = KINDS[result], [KINDS[k] for k in kinds]
        picked = pick(*arguments)
        raw = [a.ctypes.data if isinstance(a, np.ndarray) else a for a in picked]
        return lambda keep=picked: function(*raw)
    return bind


def giving(bind, array):
    """The same, but the result is what `array` picks out of the arguments after the call."""
    def bound(function, arguments):
        call = bind(function, arguments)

        def run():
            call()
            return array(*arguments)
        return run
    return bound


# ---------------------------------------------------------------- sums and series

@case(make=lambda n: (random(n),), sizes=(1000, 200_000, 2_000_000), work=lambda n: n, c="sum_array", numpy=np.sum, tolerance=1e-9,
      bind=caller("d", "pi", lambda x: (x, x.size)))
def sum_array(x):
    total = 0.0
    for i in range(x.shape[0]):
        total += x[i]
    return total


@case(make=lambda n: (n,), sizes=(1000, 1_000_000, 20_000_000), work=lambda n: n, c="pi_series", bind=caller("d", "i", lambda n: (n,)))
def pi_series(n):
    total = 0.0
    for k in range(n):
        total += (1.0 if k % 2 == 0 else -1.0) / (2 * k + 1)
    return 4.0 * total


@case(make=lambda n: (random(n), random(n, 2)), sizes=(1000, 200_000, 2_000_000), work=lambda n: n, c="dot_loop", numpy=np.dot, tolerance=1e-9,
      bind=caller("d", "ppi", lambda x, y: (x, y, x.size)))
def dot_loop(x, y):
    total = 0.0
    for i in range(len(x)):
        total += x[i] * y[i]
    return total


# ---------------------------------------------------------------- escape times

def plane(n):
    side = np.linspace(-1.5, 1.5, n)
    points = (side[None, :] + 1j * side[:, None]).ravel()
    return points, complex(-0.7269, 0.1889)


def julia_for_c(points, c, limit, counts=None):
    points = np.asarray(points)
    return points, c.real, c.imag, limit, np.empty(points.size, np.int64) if counts is None else counts, points.size


JULIA_BIND = caller("v", "pddipi", julia_for_c)


def bind_julia_list(function, arguments):
    picked = julia_for_c(*arguments)
    call = JULIA_BIND(function, (picked[0], arguments[1], arguments[2], picked[4]))

    def run():
        call()
        return picked[4]
    return run


@case(make=lambda n: (plane(n)[0].tolist(), plane(n)[1], 200), sizes=(40, 150, 500), work=lambda n: n * n, c="julia", bind=bind_julia_list,
      value=lambda arguments, result: np.asarray(result))
def julia_lists(points, c, limit):
    counts = []
    for z in points:
        n = 0
        while n < limit and abs(z) <= 2.0:
            z = z * z + c
            n += 1
        counts.append(n)
    return counts


@case(make=lambda n: (*plane(n), 200, np.zeros(n * n, np.int64)), sizes=(40, 150, 500), work=lambda n: n * n, c="julia_square",
      bind=giving(JULIA_BIND, lambda points, c, limit, counts: counts), value=lambda arguments, result: arguments[3].copy())
def julia_arrays(points, c, limit, counts):
    for i in range(points.shape[0]):
        z = points[i]
        n = 0
        while n < limit and z.real * z.real + z.imag * z.imag <= 4.0:
            z = z * z + c
            n += 1
        counts[i] = n


@case(make=lambda n: (n, 100), sizes=(30, 150, 500), work=lambda n: n * n, c="mandelbrot", bind=caller("i", "ii", lambda n, limit: (n, limit)))
def mandelbrot_tuples(n, limit):
    def step(z, c):
        return z[0] * z[0] - z[1] * z[1] + c[0], 2.0 * z[0] * z[1] + c[1]

    total = 0
    for row in range(n):
        for column in range(n):
            c = (3.0 * column / n - 2.0, 2.0 * row / n - 1.0)
            z = (0.0, 0.0)
            count = 0
            while count < limit and z[0] * z[0] + z[1] * z[1] < 4.0:
                z = step(z, c)
                count += 1
            total += count
    return total


# ---------------------------------------------------------------- pairs and primes

@case(make=lambda n: (random(n) * 50, random(10 * n, 2) * 50), sizes=(30, 300, 1500), work=lambda n: 10 * n * n, c="pair_distances",
      bind=caller("i", "pipi", lambda a, b: (a, a.size, b, b.size)))
def pair_distances(a, b):
    total = 0
    for x in a:
        for y in b:
            if x < y:
                d = int(round(math.sqrt(x ** 2 + y ** 2)))
                if d > 5:
                    total += d
    return total


@case(make=lambda n: (n,), sizes=(500, 20_000, 150_000), work=lambda n: n ** 1.4, c="primes", bind=caller("i", "i", lambda n: (n,)))
def primes(n):
    count = 0
    for k in range(2, n):
        d = 2
        while d * d <= k:
            if k % d == 0:
                break
            d += 1
        else:
            count += 1
    return count


def bind_append(function, arguments):
    n = arguments[0]
    function.restype, function.argtypes = ctypes.c_int64, [ctypes.c_int64]
    return lambda: function(n)


@case(make=lambda n: (n,), sizes=(500, 100_000, 2_000_000), work=lambda n: n, c="list_append", bind=bind_append)
def list_append(n):
    squares = []
    for k in range(n):
        squares.append(k * k % 1000)
    total = 0
    for s in squares:
        total += s
    return total


@case(make=lambda n: (list(range(n)),), sizes=(500, 100_000, 1_000_000), work=lambda n: n, c="sum_list", numpy=sum,
      bind=lambda f, a: caller("i", "pi", lambda x: (x, x.size))(f, (np.array(a[0]),)))
def sum_list(values):
    total = 0
    for v in values:
        total += v
    return total


# ---------------------------------------------------------------- heat on a torus or with fixed edges

def hot(n):
    grid = random((n, n)) * 0.01
    grid[n // 3:n // 2, n // 3:n // 2] = 1.0
    return grid, 20 if n > 100 else 5


def bind_heat(function, arguments):
    grid, steps = arguments
    function.restype, function.argtypes = None, [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64]

    def run():
        a, b = grid.copy(), grid.copy()
        function(a.ctypes.data, b.ctypes.data, grid.shape[0], steps)
        return b if steps % 2 else a
    return run


HEAT = dict(make=hot, sizes=(24, 256, 768), work=lambda n: n * n * hot(n)[1], bind=bind_heat)


@case(c="heat_inside", **HEAT)
def heat_loops(grid, steps):
    old, new = grid.copy(), grid.copy()
    rows, columns = grid.shape
    for _ in range(steps):
        for i in range(1, rows - 1):
            for j in range(1, columns - 1):
                new[i, j] = old[i, j] + 0.2 * (old[i - 1, j] + old[i + 1, j] + old[i, j - 1] + old[i, j + 1] - 4.0 * old[i, j])
        old, new = new, old
    return old


@case(c="heat_torus", **HEAT)
def heat_mod(grid, steps):
    old, new = grid.copy(), grid.copy()
    n, m = grid.shape
    for _ in range(steps):
        for i in range(n):
            for j in range(m):
                new[i, j] = old[i, j] + 0.2 * (old[(i - 1) % n, j] + old[(i + 1) % n, j] + old[i, (j - 1) % m] + old[i, (j + 1) % m]
                                               - 4.0 * old[i, j])
        old, new = new, old
    return old


def heat_slices_numpy(grid, steps):
    old, new = grid.copy(), grid.copy()
    for _ in range(steps):
        new[1:-1, 1:-1] = old[1:-1, 1:-1] + 0.2 * (old[:-2, 1:-1] + old[2:, 1:-1] + old[1:-1, :-2] + old[1:-1, 2:] - 4.0 * old[1:-1, 1:-1])
        old, new = new, old
    return old


def heat_roll_numpy(grid, steps):
    for _ in range(steps):
        around = np.roll(grid, 1, axis=0) + np.roll(grid, -1, axis=0) + np.roll(grid, 1, axis=1) + np.roll(grid, -1, axis=1)
        grid = grid + 0.2 * (around - 4.0 * grid)
    return grid


@case(c="heat_inside", numpy=heat_slices_numpy, cython=False, **HEAT)
def heat_slices(grid, steps):
    old, new = grid.copy(), grid.copy()
    for _ in range(steps):
        new[1:-1, 1:-1] = old[1:-1, 1:-1] + 0.2 * (old[:-2, 1:-1] + old[2:, 1:-1] + old[1:-1, :-2] + old[1:-1, 2:] - 4.0 * old[1:-1, 1:-1])
        old, new = new, old
    return old


@case(c="heat_torus", numpy=heat_roll_numpy, cython=False, **HEAT)
def heat_roll(grid, steps):
    for _ in range(steps):
        around = np.roll(grid, 1, axis=0) + np.roll(grid, -1, axis=0) + np.roll(grid, 1, axis=1) + np.roll(grid, -1, axis=1)
        grid = grid + 0.2 * (around - 4.0 * grid)
    return grid


# ---------------------------------------------------------------- arrays

@case(make=lambda n: (random((n, n)), 1.7, np.empty((n, n))), sizes=(30, 300, 1200), work=lambda n: n * n, c="scale",
      bind=giving(caller("v", "pdpi", lambda a, k, out: (a, k, out, a.size)), lambda a, k, out: out),
      numpy=lambda a, k, out: np.multiply(a, k, out=out), value=lambda arguments, result: arguments[2].copy())
def scale(a, k, out):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            out[i, j] = a[i, j] * k


def bind_matmul(function, arguments):
    a, b = arguments
    out = np.empty((a.shape[0], b.shape[1]))
    call = caller("v", "pppi", lambda a, b: (a, b, out, a.shape[0]))(function, arguments)

    def run():
        call()
        return out
    return run


@case(make=lambda n: (random((n, n)), random((n, n), 2)), sizes=(20, 120, 300), work=lambda n: n ** 3, c="matmul", bind=bind_matmul)
def matmul_loops(a, b):
    n = a.shape[0]
    out = np.zeros((n, n))
    for i in range(n):
        for k in range(n):
            x = a[i, k]
            for j in range(n):
                out[i, j] += x * b[k, j]
    return out


@case(make=lambda n: (random((n, n)), random((n, n), 2)), sizes=(20, 200, 500), work=lambda n: n ** 3, numpy=np.matmul, cython=False, tolerance=1e-9)
def matmul_operator(a, b):
    return a @ b


def bind_wave(function, arguments):
    out = np.empty(arguments[0].size)
    call = caller("v", "ppi", lambda x: (x, out, x.size))(function, arguments)

    def run():
        call()
        return out
    return run


@case(make=lambda n: (random(n),), sizes=(1000, 100_000, 1_000_000), work=lambda n: n, c="wave", bind=bind_wave,
      numpy=lambda x: np.sin(x) * np.exp(-x * x) + np.sqrt(x), cython=False, tolerance=1e-13)
def wave(x):
    return np.sin(x) * np.exp(-x * x) + np.sqrt(x)


@case(make=lambda n: (random(n),), sizes=(1000, 100_000, 1_000_000), work=lambda n: n, numpy=lambda x: np.sort(x), cython=False)
def sort_copy(x):
    return np.sort(x.copy())
