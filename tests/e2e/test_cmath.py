"""cmath: every function over special values, bit for bit."""
import cmath
import itertools
import math
import random

import pytest
from check import made, same

PARTS = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, math.inf, -math.inf, math.nan, 5e-324, 1e-310, 1e300, -1e300, 1.7e308, 709.5, -709.5, 1.0000000000000002, 100.0]
RANDOM = random.Random(2)
VALUES = [complex(x, y) for x, y in itertools.product(PARTS, PARTS)] + [complex(RANDOM.uniform(-3, 3), RANDOM.uniform(-3, 3)) for _ in range(100)]
ONE = ["acos", "acosh", "asin", "asinh", "atan", "atanh", "cos", "cosh", "exp", "isfinite", "isinf", "isnan", "log", "log10", "phase", "polar", "sin",
       "sinh", "sqrt", "tan", "tanh"]


def of(name, parameters="x"):
    return made(f"def f({parameters}):\n    return cmath.{name}({parameters})", cmath=cmath)


def test_all_functions_are_here():
    assert {n for n in dir(cmath) if not n.startswith("_") and callable(getattr(cmath, n))} == {*ONE, "rect", "isclose"}


@pytest.mark.parametrize("name", ONE)
def test_one_argument(name):
    f = of(name)
    for z in VALUES:
        if name == "phase" and 0 < abs(z.imag) < 1e-300 and not abs(z.real) < 0.5:
            continue                                   # CPython takes an underflow in atan2 for an error
        same(f, z)
    same(f, 2)
    same(f, 0.5)


def test_log_with_base():
    f = of("log", "x, y")
    for x, y in itertools.product(VALUES[::29] + [0j, 1 + 0j], VALUES[::31] + [0j, 1 + 0j]):
        same(f, x, y)


def test_rect():
    f = of("rect", "x, y")
    for x, y in itertools.product(PARTS, PARTS):
        same(f, x, y)


def test_isclose():
    f = of("isclose", "x, y")
    for x, y in itertools.product(VALUES[::23] + [1 + 1e-12j, 1 + 0j], repeat=2):
        same(f, x, y)


def test_abs():
    f = made("def f(x): return abs(x)")
    for z in VALUES:
        same(f, z)


def test_constants():
    same(made("def f(x): return x + cmath.pi, cmath.infj, cmath.nanj, cmath.inf", cmath=cmath), 1j)
