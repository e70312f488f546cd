"""Functions that call functions, in compiled code: numpy.vectorize, apply_along_axis, apply_over_axes, fromfunction, functools.reduce."""
import functools
import operator

import numpy as np
import pytest
from check import same
from coluber import njit

pytestmark = pytest.mark.numpy

RNG = np.random.default_rng(8)


@njit(cache=False)
def twice(x):
    return 2 * x


def step(x, y):
    return x if x < y else y * y


stepped = np.vectorize(step)
stepped_as_float = np.vectorize(step, otypes=[np.float32])


def arrays(shape, dtype):
    x = RNG.integers(-5, 6, shape).astype(dtype)
    return [x, np.asfortranarray(x), np.repeat(x, 2, axis=0)[::2], x[::-1]]


# ---- vectorize

def made_inside(x, y):
    f = np.vectorize(lambda a, b: a * b + 1)
    return f(x, y)


def made_outside(x, y):
    return stepped(x, y)


def with_otypes(x, y):
    return stepped_as_float(x, y)


def of_a_compiled_function(x):
    return np.vectorize(twice)(x)


def capturing(x, k):
    def add(a):
        return a + k
    return np.vectorize(add)(x)


@pytest.mark.parametrize("dtype", ["int64", "int32", "float32", "float64"])
@pytest.mark.parametrize("shape", [(1,), (5,), (3, 4), (2, 3, 4)])
def test_vectorize(shape, dtype):
    for x in arrays(shape, dtype):
        for f in (made_inside, made_outside, with_otypes):
            same(f, x, x + 1)
            same(f, x, x[..., :1])
            same(f, x, x.dtype.type(2))
        if x.dtype.itemsize == 8:      # called from Python, a compiled function gives Python's numbers
            same(of_a_compiled_function, x)
        same(capturing, x, 3)
        same(capturing, x, 2.5)


def test_vectorize_of_nothing():
    same(made_outside, np.zeros(0), np.zeros(0))
    same(with_otypes, np.zeros(0), np.zeros(0))


# ---- along axes

def sums(x, axis):
    return np.apply_along_axis(np.sum, axis, x)


def sorted_slices(x, axis):
    return np.apply_along_axis(lambda s: np.sort(s)[::-1], axis, x)


def powers(x, axis, p):
    return np.apply_along_axis(lambda s, q: (s[0] + s[-1]) ** q, axis, x, p)


def tables(x):
    return np.apply_along_axis(lambda s: s.reshape(2, 2) * 2, 1, x)


@pytest.mark.parametrize("dtype", ["int64", "float64"])
@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 4, 5), (4, 0), (0, 4)])
def test_apply_along_axis(shape, dtype):
    for x in arrays(shape, dtype):
        for axis in range(-len(shape), len(shape)):
            same(sums, x, axis)
            same(sorted_slices, x, axis)
            if x.size:
                same(powers, x, axis, 2)


def test_apply_along_axis_with_results_of_two_dimensions():
    for x in arrays((3, 4), "float64"):
        same(tables, x)
    for x in arrays((2, 4, 3), "int64"):
        same(tables, x)


def test_axes_that_are_not_there():
    same(sums, np.ones((2, 3)), 2)
    same(sums, np.ones((2, 3)), -3)


def over_two(x):
    return np.apply_over_axes(np.sum, x, (0, -1))


def over_one(x):
    return np.apply_over_axes(np.cumsum, x, 1)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4)])
def test_apply_over_axes(shape):
    for x in arrays(shape, "int64"):
        same(over_two, x)
        same(over_one, x)


# ---- fromfunction

def grid(n, m):
    return np.fromfunction(lambda i, j: i * 10 + j, (n, m))


def whole_grid(n, m):
    return np.fromfunction(lambda i, j: i == j, (n, m), dtype=np.int64)


def line(n):
    return np.fromfunction(lambda i: i ** 2 + 0.5, (n,))


@pytest.mark.parametrize("n, m", [(0, 0), (0, 3), (1, 1), (3, 4), (30, 7)])
def test_fromfunction(n, m):
    same(grid, n, m)
    same(whole_grid, n, m)
    same(line, n)


# ---- reduce

def product(x):
    return functools.reduce(operator.mul, x)


def horner(x, at):
    return functools.reduce(lambda s, c: s * at + c, x, 0.0)


def widest(t):
    return functools.reduce(lambda a, b: a if a > b else b, t)


def row_sums(x):
    return functools.reduce(lambda a, b: a + b, x)


def compiled_one(x):
    return functools.reduce(step, x, 1)


def test_reduce():
    for x in (np.arange(1.0, 6), np.arange(1, 6), np.arange(12.0)[::3], [1, 2, 3], [2.5], (1, 2.5, 3), range(1, 5)):
        same(product, x)
        if not isinstance(x, tuple):
            same(horner, x, 2.0)
    same(widest, (1.0, 5.0, 3.0))
    same(compiled_one, np.arange(3, 8))
    same(row_sums, np.arange(12.0).reshape(3, 4))


def test_reduce_of_nothing():
    for x in (np.zeros(0), [], range(0)):
        if not isinstance(x, list):
            same(product, x)
        same(horner, x, 2.0)
