"""The functions that latency.py calls for the first time. A file of their own, since the cache serves functions that are defined in files."""
import numpy as np


def add(a, b):
    return a + b


def total(x):
    s = 0.0
    for i in range(x.shape[0]):
        s += x[i]
    return s


def julia(points, c, limit, counts):
    for i in range(points.shape[0]):
        z = points[i]
        n = 0
        while n < limit and z.real * z.real + z.imag * z.imag <= 4.0:
            z = z * z + c
            n += 1
        counts[i] = n


def ten(x, y):
    low = np.minimum(x, y)
    grid = np.linspace(0.0, 1.0, x.shape[0])
    both = np.concatenate((x, grid))
    picked = np.where(x > y, x, low)
    ordered = np.sort(both)
    running = np.cumsum(picked)
    return np.sum(ordered) + np.mean(running) + np.dot(x, grid) + np.argmax(y) + np.std(low)


def some(n, seed=0):
    return np.random.default_rng(seed).random(n)


ARGUMENTS = {
    "add": lambda: (1, 2),
    "total": lambda: (some(100),),
    "julia": lambda: (some(100) + 1j * some(100, 1), -0.7 + 0.2j, 50, np.zeros(100, np.int64)),
    "ten": lambda: (some(100), some(100, 1)),
}
