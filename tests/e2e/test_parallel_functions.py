"""Reductions by functions of one's own, by floor division, and of tuples."""
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parallel import agree, compiled, loops, on_threads

import coluber
from coluber import njit, prange

RNG = np.random.default_rng(11)
SIZES = [0, 1, 2, 3, 64, 1001, 20_000]


# ---- functions

farther = coluber.reduction(lambda a, b: a if abs(a) >= abs(b) else b, 0.0)


def farthest(x):
    most = farther(0.0, x[0]) if len(x) else 0.0
    for i in prange(len(x)):
        most = farther(most, x[i])
    return most


@pytest.mark.parametrize("n", SIZES)
def test_a_lambda(n):
    agree(farthest, RNG.standard_normal(n), parallel=1)
    agree(farthest, -RNG.standard_normal(n))


@njit
def gcd(a, b):
    while b != 0:
        a, b = b, a % b
    return abs(a)


common = coluber.reduction(gcd, 0)


def common_divisor(x):
    d = 0
    for i in prange(len(x)):
        if x[i] != 0:
            d = common(d, int(x[i]))
    return d


@given(st.integers(1, 1000), st.lists(st.integers(-10**6, 10**6), max_size=200), st.integers(1, 8))
def test_a_compiled_function(factor, items, count):
    with on_threads(count):
        agree(common_divisor, np.array([factor * i for i in items], np.int64), parallel=1)


low = coluber.reduction(min, math.inf)
hypotenuse = coluber.reduction(math.hypot, 0.0)


def builtins(x):
    a, b = math.inf, 0.0
    for i in prange(len(x)):
        a = low(a, x[i] * 2)
        b = hypotenuse(b, x[i])
    return a, b


@pytest.mark.parametrize("n", SIZES)
def test_builtin_functions(n):
    agree(builtins, RNG.random(n) + 1, parallel=1, ulps=2000)


def matrix_product(a, b):
    return (a[0] * b[0] + a[1] * b[2], a[0] * b[1] + a[1] * b[3], a[2] * b[0] + a[3] * b[2], a[2] * b[1] + a[3] * b[3])


times = coluber.reduction(matrix_product, (1, 0, 0, 1))


def products(x):
    m = (1, 0, 0, 1)
    for i in prange(len(x)):
        m = times(m, (1, int(x[i]), 0, 1) if x[i] % 2 else (1, 0, int(x[i]), 1))
    return m


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_tuples_are_combined_in_order(threads, n, count):
    threads(count)
    f = compiled(products)
    x = RNG.integers(-50, 50, n)                  # CPython's ints do not wrap: NumPy's are what to compare with
    want = np.array([[1, 0], [0, 1]], np.int64)
    for i in x.tolist():
        want = want @ np.array([[1, i], [0, 1]] if i % 2 else [[1, 0], [i, 1]], np.int64)
    assert f(x) == tuple(want.ravel().tolist())


def place_of_least(a, b):
    return a if a[0] < b[0] or (a[0] == b[0] and a[1] < b[1]) else b


least = coluber.reduction(place_of_least, (math.inf, 2**62))


def places(x):
    found = (math.inf, 2**62)
    for i in prange(len(x), schedule="dynamic"):
        found = least(found, (float(x[i]), i))
    return found


@pytest.mark.parametrize("kinds", [2, 10**6])
@pytest.mark.parametrize("n", SIZES)
def test_value_and_place(n, kinds):
    agree(places, RNG.integers(0, kinds, n).astype(float), parallel=1)


def moments(a, b):
    n = a[0] + b[0]
    if n == 0:
        return (0.0, 0.0, 0.0)
    d = b[1] - a[1]
    return (n, a[1] + d * b[0] / n, a[2] + b[2] + d * d * a[0] * b[0] / n)


welford = coluber.reduction(moments, (0.0, 0.0, 0.0))


def variance(x):
    m = (0.0, 0.0, 0.0)
    for i in prange(len(x)):
        m = welford(m, (1.0, x[i], 0.0))
    return m[2] / m[0]


def test_of_another_form_than_its_values():
    x = RNG.random(10_000)
    assert compiled(variance)(x) == pytest.approx(x.var(), rel=1e-12)
    assert loops(compiled(variance))[0].reductions == ["m (function)"]


def fails(a, b):
    if a + b > 100:
        raise OverflowError("too much")
    return a + b


careful = coluber.reduction(fails, 0)


def adds_carefully(x):
    s = 0
    for i in prange(len(x)):
        s = careful(s, int(x[i]))
    return s


def test_a_function_that_raises(threads):
    for count in (1, 2, 5):
        threads(count)
        agree(adds_carefully, np.full(50, 2), parallel=1)
        agree(adds_carefully, np.full(51, 2))
        agree(adds_carefully, np.full(5000, 2))


def in_a_branch_and_a_loop(x):
    s, p = 0.0, 1.0
    for i in prange(len(x)):
        for j in range(i % 4):
            s = farther(s, x[i] * j)
        if x[i] > 0.5:
            p = farther(p, x[i])
    return s, p


@pytest.mark.parametrize("n", SIZES)
def test_in_branches_and_loops(n):
    agree(in_a_branch_and_a_loop, RNG.random(n), parallel=1)


def serial(x):
    s = 0.0
    for i in range(len(x)):
        s = farther(s, x[i])
        x[i] = s
    return s


def test_outside_of_parallel_loops():
    agree(serial, RNG.standard_normal(100), parallel=0)
    x, y = RNG.standard_normal(100), None
    y = x.copy()
    assert njit(serial)(x) == serial(y) and (x == y).all()


def used_in_the_loop(x):
    s = 0.0
    for i in prange(len(x)):
        s = farther(s, x[i])
        x[i] = s
    return s


def two_functions(x):
    s = 0.0
    for i in prange(len(x)):
        s = farther(s, x[i])
        s = low(s, x[i])
    return s


@pytest.mark.parametrize("f, why", [(used_in_the_loop, "its value is used in the loop"), (two_functions, "different operators are applied to it")])
def test_what_is_no_reduction(f, why):
    with pytest.raises(coluber.TypingError, match=why):
        compiled(f)(np.ones(10))


def test_python_form():
    assert farther(-3.0, 2.0) == -3.0 and times((1, 2, 3, 4), (1, 0, 0, 1)) == (1, 2, 3, 4)
    with pytest.raises(TypeError, match="a function of two values"):
        coluber.reduction(3, 0)


# ---- tuples, item by item

def tuple_sums(x):
    t = (0.0, 0, 1.0)
    for i in prange(len(x)):
        if x[i] > 0.25:
            t = (t[0] + x[i], t[1] + 1, t[2] * 1.0)
    return t


def nested_tuple(x):
    t = ((0, 0), 0)
    for i in prange(len(x)):
        (a, b), c = t
        t = ((a + i, b - i), c | i)
    return t


@pytest.mark.parametrize("n", SIZES)
def test_tuples_of_sums(n):
    agree(tuple_sums, RNG.integers(0, 9, n) / 8, parallel=1)
    agree(nested_tuple, np.zeros(n), parallel=1)


# ---- floor division

def python_quotients(a, x):
    for i in prange(len(x)):
        a //= x[i]
    return a


def quotients(a, x):
    for i in prange(len(x)):
        a //= x[i]
    return a


@given(st.integers(-2**63, 2**63 - 1), st.lists(st.integers(1, 2**63 - 1) | st.integers(1, 5), max_size=60), st.integers(1, 8))
def test_floor_division(a, items, count):
    with on_threads(count):
        got = compiled(quotients)(a, np.array(items, np.int64))
    for i in items:
        a //= i
    assert got == a


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint64", "int64"])
def test_floor_division_of_each_type(dtype):
    info = np.iinfo(dtype)
    scalar = np.dtype(dtype).type
    for a in (info.min, info.max, 0, 1, 77):
        for items in ([1, 2, 1, 3], [info.max, 1], [info.max, 2], [2] * 70, []):
            agree(quotients, scalar(a), np.array(items, dtype))


def test_divisors_have_to_be_positive(threads):
    f = compiled(quotients)
    f(1000, np.array([2, 3]))
    assert loops(f, f.signatures[0])[0].reductions == ["a (//)"]
    for count in (1, 3):
        threads(count)
        with pytest.raises(ValueError, match="positive divisors"):
            f(1000, np.array([2, 3, -1, 4]))
        with pytest.raises(ValueError, match="positive divisors"):
            f(1000, np.array([2, 3, 0, 4]))
        with pytest.raises(ZeroDivisionError):
            compiled(python_quotients)(1000, [2, 3, 0, 4])


def test_floor_division_of_floats_is_no_reduction():
    with pytest.raises(coluber.TypingError, match="floor division of floats depends on the order"):
        compiled(quotients)(100.0, np.ones(3))


# ---- from the disk cache

def test_from_the_disk_cache(tmp_path):
    module, script = tmp_path / "cached.py", tmp_path / "script.py"
    text = """
import coluber
from coluber import njit, prange
step = coluber.reduction(lambda a, b: OP, 0)
@njit(parallel=True)
def f(n):
    s = 0
    for i in prange(n):
        s = step(s, i * i % 37)
    return s
"""
    script.write_text("import time\nfrom cached import f\nprint(f(1000), sum(f.stats().cache_hits.values()))\ntime.sleep(0.3)\n")

    def run(op):
        module.write_text(text.replace("OP", op))
        done = subprocess.run([sys.executable, "-B", str(script)], capture_output=True, text=True, timeout=120,
                              env={**os.environ, "COLUBER_CACHE": "on", "COLUBER_CACHE_DIR": str(tmp_path / "cache")})
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    items = [i * i % 37 for i in range(1000)]
    assert run("max(a, b)") == f"{max(items)} 0"
    assert run("max(a, b)") == f"{max(items)} 1"
    assert run("a + b") == f"{sum(items)} 0"
    assert run("a + b") == f"{sum(items)} 1"
