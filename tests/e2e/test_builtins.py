"""Builtin functions."""
import itertools
import random
import sys

import numpy as np
import pytest
from check import made, same

RANDOM = random.Random(3)
INTS = [[], [3], [3, -1, 2], [5, 5, 5], [0, 0], [1, 0], list(range(40, 0, -1)), [RANDOM.randint(-9, 9) for _ in range(200)]]
FLOATS = [[1.5], [0.1] * 10, [1e16, 1.0, -1e16], [-0.0], [0.0, -0.0], [1e308, 1e308], [float("inf"), 1.0], [float("inf"), float("-inf")],
          [RANDOM.uniform(-1, 1) * 10.0 ** RANDOM.randint(-5, 5) for _ in range(300)]]
ROUNDED = [0.0, -0.0, 0.5, 1.5, 2.5, -0.5, -2.5, 2.675, 1.005, 0.15, 1e16, 123456.789, -99.995, 1e22, 5e-324, 1e300, 1.7e308, 0.1, 1234567890.5]


def sums(xs):
    return sum(xs), sum(xs, 10), sum(xs, 0.5)


def logic(xs):
    return any(xs), all(xs)


def extremes(xs):
    return min(xs), max(xs), min(xs, default=7), max(xs, key=abs), min(xs, key=lambda x: -x)


def orders(xs):
    return sorted(xs), sorted(xs, reverse=True), sorted(xs, key=abs), sorted(xs, key=lambda x: x * x, reverse=True)


def of_arguments(a, b, c):
    return min(a, b), max(a, b, c), min((a, b, c)), max([a, b, c]), min(a, b, c, key=abs)


def of_tuples(a, b):
    t = (a, b, a + 3)
    return sum(t), sum((a, 3, True)), any(t), all(t), min(t), max(t), sorted((3, 1, 2)), sum(()), any(()), all(())


def filtered(xs):
    return list(filter(lambda x: x > 0, xs)), list(filter(None, xs))


@pytest.mark.parametrize("f", [sums, logic, extremes, orders, filtered], ids=lambda f: f.__name__)
def test_over_lists(f):
    for xs in INTS[1:]:
        same(f, xs)
    for xs in FLOATS:
        same(f, xs)


def test_over_empty_lists():
    for f in (made("def f(x): return min(x)"), made("def f(x): return max(x)"), logic, made("def f(x): return sum(x)"),
              made("def f(x): return sorted(x)"), made("def f(x): return min(x, default=3), max(x, default=-1)")):
        same(f, [])


def test_over_other_iterables():
    same(of_arguments, 3, -5, 2)
    same(of_arguments, 1.5, 0.5, -2.5)
    same(of_tuples, 1, 2)
    same(of_tuples, 0.1, 0.0)
    same(made("def f(x): return sum(range(x)), max(range(1, x)), list(range(0, x, 3)), sorted(range(x, 0, -1)), sum(reversed(range(x)))"), 9)
    same(made("def f(x): return list(reversed(x)), list(map(abs, x)), list(map(lambda a, b: a + b, x, x)), any(map(bool, x))"), [1, -2, 0])
    for dtype in ("int64", "float64", "float32", "int32"):
        same(made("def f(x): return sum(x), min(x), max(x)"), np.array([3, 1, 2], dtype))


@pytest.mark.parametrize("values", [[7, -7, 3, -3, 1], [7.5, -7.5, 2.0, -0.25, float("inf")]], ids=["int", "float"])
def test_divmod(values):
    f = made("def f(a, b): return divmod(a, b)")
    for a, b in itertools.product(values, values + [values[0] * 0]):
        same(f, a, b)
    same(f, 7, 2.5)


def test_round():
    one, two = made("def f(x): return round(x)"), made("def f(x, n): return round(x, n)")
    for x in ROUNDED + [float("nan"), float("inf")]:
        if abs(x) < 9e18 or x != x or x == float("inf"):
            same(one, x)
        for n in (0, 1, 2, 3, 5, 10, 15, 20, -1, -2, -5, 400, -400):
            same(two, x, n)
    for _ in range(300):
        same(two, RANDOM.uniform(-100, 100), RANDOM.randint(0, 12))
        same(two, RANDOM.randint(-10**6, 10**6) / RANDOM.choice([2, 4, 8, 1000]), RANDOM.randint(0, 5))
    for i in [0, 5, 15, 25, -15, -25, 123456789, 10**18]:
        same(one, i)
        for n in (0, 3, -1, -2, -5, -18):
            same(two, i, n)
    for x in (np.float64(2.675), np.float32(1.255)):
        same(one, x)
        same(two, x, 2)


def test_pow():
    f = made("def f(a, b, m): return pow(a, b, m)")
    for a, b, m in itertools.product([0, 1, 2, 3, -3, 10, 2**40], [0, 1, 2, 5, -1, 100], [1, 7, 13, 10, -7, 2**61 - 1, 0, 2**62 + 5]):
        same(f, a, b, m)
    same(made("def f(a, b): return pow(a, b), pow(a, 2)"), 3, 4)
    same(made("def f(a, b): return pow(a, b), pow(a, 2)"), 1.5, 2.5)


def test_hash():
    f = made("def f(x): return hash(x)")
    for x in [0, 1, -1, 2**61 - 1, 2**61, -2**61, 2**63 - 1, True, 0.5, -1.0, 1e300, float("inf"), float("-inf"), 5e-324, 1.5 + 2j, -1 + 0j]:
        same(f, x)
    same(made("def f(x, y): return hash((x, y)), hash((x, (y, True))), hash(())"), 1, 2.5)
    for x in [np.int32(-5), np.float32(0.1), np.uint8(7), np.uint64(2**64 - 1)]:
        same(f, x)
    if sys.version_info >= (3, 12):
        same(made("def f(x): return hash(None) + x"), 1)


def test_isinstance():
    f = made("def f(x): return isinstance(x, int), isinstance(x, float), isinstance(x, (int, complex)), isinstance(x, bool), isinstance(x, object)")
    for x in [1, 2.5, True, 1j, np.float64(1.5), np.int32(3)]:
        same(f, x)


def test_len():
    same(made("def f(x): return len(x), len((1, 2)), len(range(3, 10, 2)), len('text')"), [1, 2, 3])


def test_abs():
    f = made("def f(x): return abs(x)")
    for x in [0, -3, 2.5, -0.0, float("-inf"), True, 3 - 4j, np.int8(-5), np.uint8(5), np.complex64(3 - 4j)]:
        same(f, x)
