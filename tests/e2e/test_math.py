"""math: every function over special values, bit for bit."""
import itertools
import math
import random
import sys

import pytest
from check import compiled, made, same

INF, NAN = math.inf, math.nan
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, 1.5, -2.5, INF, -INF, NAN, 5e-324, -5e-324, 2.3e-308, 1e-20, 1e-300, 1e300, -1e300, 1.7e308,
           709.0, 710.0, -745.0, -746.0, 0.1, 100.0, 171.5, 171.7, 200.5, -200.5, -100.3, 1e-310, 22.0, 23.0, 24.0, -0.3, 0.71, 4.5, -4.5, math.pi, 1e16]
RANDOM = random.Random(1)
VALUES = SPECIAL + [RANDOM.uniform(-10, 10) for _ in range(100)] + [RANDOM.choice([-1, 1]) * 2.0 ** RANDOM.uniform(-1074, 1023) for _ in range(100)]
INTS = [0, 1, -1, 2, 3, 10, -5, 2**53, 10**18]

ONE = ["acos", "acosh", "asin", "asinh", "atan", "atanh", "cbrt", "cos", "cosh", "degrees", "erf", "erfc", "exp", "exp2", "expm1", "fabs", "frexp",
       "gamma", "isfinite", "isinf", "isnan", "lgamma", "log", "log10", "log1p", "log2", "modf", "radians", "sin", "sinh", "sqrt", "tan", "tanh", "ulp"]
TWO = ["atan2", "copysign", "fmod", "isclose", "log", "nextafter", "pow", "remainder", "hypot"]
WHOLE = ["floor", "ceil", "trunc"]
OTHERS = ["comb", "perm", "factorial", "isqrt", "gcd", "lcm", "dist", "fsum", "prod", "sumprod", "fma", "ldexp"]


def of(name, parameters="x"):
    return made(f"def f({parameters}):\n    return math.{name}({parameters})", math=math)


def test_all_functions_are_here():
    functions = {n for n in dir(math) if not n.startswith("_") and callable(getattr(math, n))}
    assert functions <= {*ONE, *TWO, *WHOLE, *OTHERS}


@pytest.mark.parametrize("name", [n for n in ONE if hasattr(math, n)])
def test_one_argument(name):
    f = of(name)
    for x in VALUES:
        same(f, x)
    for x in INTS:
        same(f, x)


@pytest.mark.parametrize("name", [n for n in TWO if hasattr(math, n)])
def test_two_arguments(name):
    f = of(name, "x, y")
    for x, y in itertools.product(SPECIAL[:24], SPECIAL[:24]):
        if name == "hypot" and sys.version_info < (3, 11) and 0 < max(abs(x), abs(y)) < 1e-307:
            continue                                   # 3.10 rounds these less well
        same(f, x, y)
    for _ in range(200):
        same(f, RANDOM.choice(VALUES), RANDOM.uniform(-5, 5))


@pytest.mark.parametrize("name", WHOLE)
def test_rounding(name):
    f = of(name)
    for x in VALUES:
        if abs(x) < 9e18 or x != x or abs(x) == INF:
            same(f, x)
    for x in INTS:
        same(f, x)


def test_isclose_tolerances():
    f = made("def f(a, b, r, t):\n    return math.isclose(a, b, rel_tol=r, abs_tol=t)", math=math)
    for a, b in itertools.product([0.0, 1.0, 1.0 + 1e-10, 1e10, INF, NAN], repeat=2):
        for r, t in [(1e-9, 0.0), (0.0, 1e-9), (0.5, 0.5), (-1.0, 0.0), (0.0, -1.0)]:
            same(f, a, b, r, t)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="steps came with 3.12")
def test_nextafter_steps():
    f = made("def f(a, b, n):\n    return math.nextafter(a, b, steps=n)", math=math)
    for a, b in itertools.product(SPECIAL[:16], SPECIAL[:16]):
        for n in (0, 1, 2, 100, 2**62):
            same(f, a, b, n)
    with pytest.raises(ValueError):
        compiled(f)(1.0, 2.0, -1)


@pytest.mark.skipif(not hasattr(math, "fma"), reason="fma came with 3.13")
def test_fma():
    f = of("fma", "x, y, z")
    for x, y, z in itertools.product(SPECIAL[:18:2] + [1e300, 0.1], repeat=3):
        same(f, x, y, z)


def test_ldexp():
    f = of("ldexp", "x, y")
    for x, n in itertools.product(SPECIAL, [0, 1, -1, 10, -10, 1000, -1000, 2000, -2000, 2**40, -2**40]):
        same(f, x, n)


@pytest.mark.parametrize("name", ["gcd", "lcm"])
def test_divisors(name):
    cases = [(0, 0), (0, 5), (12, 18), (-12, 18), (2**62, 2**61), (17, 2**31), (10**17, 10**9)]
    f = of(name, "x, y")
    for a, b in cases:
        same(f, a, b)
    same(made(f"def f(x): return math.{name}(), math.{name}(x), math.{name}(x, 6, 10, 15), math.{name}(x, 0)", math=math), -30)
    if name == "lcm":
        with pytest.raises(OverflowError):
            compiled(f)(2**62, 3**30)


@pytest.mark.parametrize("name", ["factorial", "isqrt"])
def test_one_int(name):
    f = of(name)
    for n in [-1, 0, 1, 2, 3, 10, 15, 16, 20]:
        same(f, n)
    if name == "isqrt":
        for n in [2**62, 2**63 - 1, 3037000499**2, 3037000499**2 - 1, (2**31)**2 - 1, 10**18]:
            same(f, n)
    else:
        with pytest.raises(OverflowError):
            compiled(f)(21)


@pytest.mark.parametrize("name", ["comb", "perm"])
def test_counting(name):
    f = of(name, "x, y")
    for n, k in itertools.product([0, 1, 2, 5, 10, 20, 30, 61, -1], [0, 1, 2, 3, 5, 10, 30, -1]):
        try:
            if getattr(math, name)(n, k) >= 2**63:
                with pytest.raises(OverflowError):
                    compiled(f)(n, k)
                continue
        except ValueError:
            pass
        same(f, n, k)
    if name == "perm":
        same(of("perm"), 5)
        same(of("perm"), -5)


def vectors(count, values):
    for _ in range(count):
        n = RANDOM.randint(1, 6)
        yield [RANDOM.choice(values) for _ in range(n)], [RANDOM.choice(values) for _ in range(n)]


def test_fsum():
    f = of("fsum")
    for values in (SPECIAL, [RANDOM.uniform(-1, 1) * 2.0 ** RANDOM.randint(-60, 60) for _ in range(50)], [0.1, 0.2, 1e16, -1e16]):
        for p, q in vectors(60, values):
            same(f, p + q)
    same(f, [])
    same(f, [1, 2, 3])
    same(of("fsum"), (0.1, 0.2, 0.3))


def test_prod():
    f = of("prod")
    for p, _ in vectors(40, SPECIAL):
        same(f, p)
    for xs in ([1, 2, 3], [-5], [2] * 20):
        same(f, xs)
    same(made("def f(xs): return math.prod(xs, start=3), math.prod((1, 2.5, True)), math.prod(range(1, 6))", math=math), [2, 4])


def test_hypot_and_dist():
    f = made("def f(a, b, c): return math.hypot(a, b, c), math.hypot(a), math.hypot(), math.hypot(a, 2, b)", math=math)
    for _ in range(100):
        same(f, RANDOM.uniform(-1, 1), RANDOM.uniform(-1e5, 1e5), RANDOM.uniform(-1, 1))
    g = made("def f(a, b): return math.dist(a, b)", math=math)
    for p, q in vectors(60, [v for v in VALUES if v == 0 or abs(v) > 1e-300]):
        same(g, p, q)
    same(g, (1.0, 2.0, 3.0), (4.0, 5.5, -1.0))
    same(g, (1, 2.5), (4, 5))
    same(g, [1.0], [1.0, 2.0])


@pytest.mark.skipif(not hasattr(math, "sumprod"), reason="sumprod came with 3.12")
def test_sumprod():
    f = of("sumprod", "x, y")
    for values in (SPECIAL[:14], VALUES):
        for p, q in vectors(60, values):
            same(f, p, q)
    same(f, [1, 2, 3], [4, 5, 6])
    same(f, [1, 2, 3], [0.1, 0.2, 0.3])
    same(f, [1.0], [1.0, 2.0])


def test_constants():
    same(made("def f(x): return x + math.pi, math.e, math.tau, math.inf, math.nan", math=math), 1.0)


def test_numpy_arguments_give_floats():
    import numpy as np
    for name in ["sin", "sqrt", "exp", "floor"]:
        for x in [np.float32(1.5), np.int16(3), np.float64(2.5), True]:
            same(of(name), x)
