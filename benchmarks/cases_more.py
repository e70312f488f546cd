"""More workloads of the kinds of cases.py, in other shapes: what was made fast for those has to be fast for these without further work."""
import math

import numpy as np
from cases import bind_append, caller, case, giving, random

# ---------------------------------------------------------------- stencils


def cube(n):
    grid = random((n, n, n)).astype(np.float32)
    return grid, grid.copy(), 4


@case(make=cube, sizes=(8, 48, 160), work=lambda n: n ** 3, c="blur_cube", cython=False, tolerance=1e-6,
      bind=giving(caller("v", "ppii", lambda a, b, steps: (a, b, a.shape[0], steps)), lambda a, b, steps: a),
      value=lambda arguments, result: arguments[0].copy())
def blur_cube(a, b, steps):
    n = a.shape[0]
    w = np.float32(0.125)
    for _ in range(steps):
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                for k in range(1, n - 1):
                    b[i, j, k] = w * (a[i - 1, j, k] + a[i + 1, j, k] + a[i, j - 1, k] + a[i, j + 1, k] + a[i, j, k - 1] + a[i, j, k + 1]
                                      + a[i, j, k] + a[i, j, k])
        a, b = b, a


@case(make=lambda n: (random(n), np.empty(n)), sizes=(1000, 100_000, 1_000_000), work=lambda n: n, c="ring_blur",
      bind=giving(caller("v", "ppi", lambda x, out: (x, out, x.size)), lambda x, out: out), value=lambda arguments, result: arguments[1].copy())
def ring_blur(x, out):
    n = len(x)
    for i in range(n):
        out[i] = 0.25 * x[i - 1] + 0.5 * x[i] + 0.25 * x[(i + 1) % n]


# ---------------------------------------------------------------- running sums, counting, bodies

@case(make=lambda n: (random(n), np.empty(n)), sizes=(1000, 100_000, 1_000_000), work=lambda n: n, c="prefix_sums",
      bind=giving(caller("v", "ppi", lambda x, out: (x, out, x.size)), lambda x, out: out), value=lambda arguments, result: arguments[1].copy())
def prefix_sums(x, out):
    total = 0.0
    for i in range(x.size):
        total += x[i]
        out[i] = total


def bind_histogram(function, arguments):
    counts = np.empty(arguments[1], np.int64)
    call = caller("v", "piip", lambda x, bins: (x, x.size, bins, counts))(function, arguments)

    def run():
        call()
        return counts
    return run


@case(make=lambda n: (random(n), 100), sizes=(1000, 100_000, 1_000_000), work=lambda n: n, c="histogram", bind=bind_histogram,
      numpy=lambda x, bins: np.histogram(x, bins, (0.0, 1.0))[0])
def histogram(x, bins):
    counts = np.zeros(bins, np.int64)
    for v in x:
        k = int(v * bins)
        if 0 <= k < bins:
            counts[k] += 1
    return counts


def bodies(n):
    return random((n, 3)), np.zeros((n, 3)), random(n, 2) + 0.5, 3


@case(make=bodies, sizes=(8, 100, 500), work=lambda n: n * n, c="bodies", tolerance=1e-9,
      bind=giving(caller("v", "pppiii", lambda x, v, m, steps: (x, v, m, *x.shape, steps)), lambda x, v, m, steps: x),
      value=lambda arguments, result: arguments[0].copy(), cython=False)
def n_bodies(position, velocity, mass, steps):
    n = position.shape[0]
    for _ in range(steps):
        for i in range(n):
            ax = ay = az = 0.0
            for j in range(n):
                dx = position[j, 0] - position[i, 0]
                dy = position[j, 1] - position[i, 1]
                dz = position[j, 2] - position[i, 2]
                d = dx * dx + dy * dy + dz * dz + 1e-3
                f = mass[j] / (d * math.sqrt(d))
                ax += f * dx
                ay += f * dy
                az += f * dz
            velocity[i, 0] += 1e-4 * ax
            velocity[i, 1] += 1e-4 * ay
            velocity[i, 2] += 1e-4 * az
        for i in range(n):
            for c in range(3):
                position[i, c] += 1e-4 * velocity[i, c]


# ---------------------------------------------------------------- lists in and out

@case(make=lambda n: (random(n).tolist(),), sizes=(500, 100_000, 1_000_000), work=lambda n: n)
def list_floats(values):
    out = []
    for v in values:
        out.append(v * 0.5 + 1.0)
    return out


@case(make=lambda n: (n,), sizes=(500, 100_000, 2_000_000), work=lambda n: n, c="sieve", bind=bind_append)
def sieve(n):
    composite = [False] * (n + 1)
    count = 0
    for k in range(2, n + 1):
        if not composite[k]:
            count += 1
            for m in range(k * k, n + 1, k):
                composite[m] = True
    return count


@case(make=lambda n: (np.random.default_rng(3).integers(0, n, n).tolist(),), sizes=(500, 50_000, 500_000), work=lambda n: n, cython=False)
def list_sorted(values):
    values = values[:]
    values.sort()
    total = 0
    for k in range(0, len(values), 7):
        total += values[k] * k
    return total
