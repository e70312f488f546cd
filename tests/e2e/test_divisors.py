"""Floor division and modulo in loops by numbers that the loop does not change: a multiplication for positive ones, the same results for all."""
import numpy as np
import pytest
from check import made, same, same_outcome
from hypothesis import given, settings
from hypothesis import strategies as st

from coluber import njit

EDGES = [1, 2, 3, 5, 7, 10, 641, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**62 - 1, 2**62, 2**62 + 1, 2**63 - 1]
DIVISORS = EDGES + [-d for d in EDGES if d > 1] + [-2**63]
DIVIDENDS = [0] + EDGES + [-x for x in EDGES] + [-2**63]


@njit
def both(a, d, quotients, rests):
    for i in range(len(a)):
        quotients[i] = int(a[i]) // d
        rests[i] = int(a[i]) % d


@pytest.mark.parametrize("d", DIVISORS)
def test_edges(d):
    a = np.array(DIVIDENDS)
    quotients, rests = np.empty_like(a), np.empty_like(a)
    both(a, d, quotients, rests)
    assert quotients.tolist() == [x // d for x in DIVIDENDS]
    assert rests.tolist() == [x % d for x in DIVIDENDS]


longs = st.one_of(st.integers(-2**63, 2**63 - 1), st.integers(-100, 100), st.builds(lambda k, e: max(-2**63, min(2**63 - 1, 2**k + e)), st.integers(0, 63), st.integers(-3, 3)))


@given(st.lists(longs, min_size=1, max_size=40), longs.filter(lambda d: d not in (0, -1)))
def test_any(values, d):
    a = np.array(values)
    quotients, rests = np.empty_like(a), np.empty_like(a)
    both(a, d, quotients, rests)
    assert quotients.tolist() == [x // d for x in values]
    assert rests.tolist() == [x % d for x in values]


def test_by_zero_and_minus_one():
    a = np.array([4, -7, 0])
    out = np.empty_like(a)
    with pytest.raises(ZeroDivisionError):
        both(a, 0, out, out.copy())
    both(a, -1, out, out.copy())
    assert out.tolist() == [-4, 7, 0]
    both(a[:0], 0, out, out)                   # no turn, no division


@pytest.mark.parametrize("w", [1, 2, 7, 64, -3])
def test_rows_and_columns(w):
    def unravel(n, w, out):
        for i in range(n):
            out[i, 0] = i // w
            out[i, 1] = i % w
    out, want = np.zeros((1000, 2), int), np.zeros((1000, 2), int)
    njit(unravel)(1000, w, out)
    unravel(1000, w, want)
    assert (out == want).all()


def test_divisors_of_outer_loops():
    """Made once per turn of the loop that changes it; the inner loop may not run."""
    def count(n):
        total = 0
        for d in range(1, n):
            for k in range(d - 3, n):
                if k % d == 0:
                    total += k // d
            for k in range(d - n, 0):
                total -= k // (d + 1)
        return total
    assert njit(count)(60) == count(60)


def test_while_loops_with_a_way_out():
    def digits(x, base):
        n, s = 0, 0
        while x > 0:
            s += x % base
            x //= base
            n += 1
            if n > 100:
                break
        return n, s
    compiled = njit(digits)
    for x in (0, 1, 99, 100, 2**63 - 1):
        for base in (2, 7, 10, 2**40):
            assert compiled(x, base) == digits(x, base)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.int8, np.uint32, np.uint64])
def test_arrays_of_ints(dtype):
    def wrapped(a, d, out):
        for i in range(a.shape[0]):
            out[i] = a[i] % d + a[i] // d
    a = np.arange(-50, 50).astype(dtype)
    for d in (3, 10, 100):
        out, want = np.zeros(100, dtype), np.zeros(100, dtype)
        njit(wrapped)(a, dtype(d), out)
        wrapped(a, dtype(d), want)
        assert (out == want).all()


def test_handlers_around_divisions():
    def guarded(a, d):
        total = 0
        for i in range(len(a)):
            try:
                total += int(a[i]) // d
                if a[i] == 5:
                    raise ValueError
            except ZeroDivisionError:
                total += 1000
            except ValueError:
                total += 7
        return total
    compiled = njit(guarded)
    a = np.arange(9)
    for d in (0, 1, 2, -3):
        assert compiled(a, d) == guarded(a, d)


def test_divisors_of_another_type():
    def by(a, d):
        total = 0
        for i in range(len(a)):
            total += int(a[i]) % int(d)
        return total
    a = np.arange(100)
    for d in (np.int64(7), np.int32(9), np.uint8(200)):
        assert njit(by)(a, d) == by(a, d)


@pytest.mark.parametrize("d", [d for d in DIVISORS if -2**63 < d])
def test_constants(d):
    """Of int64 by multiplication, and of shorter integers."""
    f = njit(made(f"def f(a, quotients, rests):\n    for i in range(len(a)):\n        quotients[i] = int(a[i]) // {d}\n        rests[i] = int(a[i]) % {d}"), cache=False)
    near = [x for k in (-3, -1, 1, 2, 5) for x in (k * d - 1, k * d, k * d + 1) if -2**63 <= x < 2**63]
    a = np.array(DIVIDENDS + near)
    quotients, rests = np.empty_like(a), np.empty_like(a)
    f(a, quotients, rests)
    assert quotients.tolist() == [x // d for x in a.tolist()]
    assert rests.tolist() == [x % d for x in a.tolist()]


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8", "uint64"])
@pytest.mark.parametrize("d", [1, 3, 7, 8, 100])
def test_constants_of_arrays(dtype, d):
    f = made(f"def f(a):\n    return a // {d}, a % {d}")
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    a = np.array([low, low + 1, 0, 1, d - 1, d, d + 1, high - 1, high] + [max(low, -d), max(low, -d - 1), max(low, 1 - d)]).astype(dtype)
    same_outcome(f, a)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 2**63 - 1), st.lists(longs, min_size=1, max_size=20))
def test_any_constant(d, xs):
    f = njit(made(f"def f(x):\n    return x // {d}, x % {d}"), cache=False)
    for x in xs:
        assert f(x) == (x // d, x % d)


def divides(x, y, out):
    for i in range(len(x)):
        out[i] = x[i] % y[i] == 0


def first_divisor(n, among):
    at = 0
    for p in among:
        if n % p == 0:
            return at
        at += 1
    return -1


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64, np.uint8, np.uint64])
def test_remainders_that_are_compared_with_zero(dtype):
    """NumPy's remainder by zero is zero, and -1 divides everything."""
    edges = np.array([0, 1, 2, 3, -1, -2, -3, 6, 7, np.iinfo(dtype).min, np.iinfo(dtype).max]).astype(dtype)
    x, y = [a.ravel() for a in np.meshgrid(edges, edges)]
    same(divides, x, y, np.zeros(len(x), bool))
    for n in edges:
        for k in range(len(edges)):
            same(first_divisor, n, edges[k:])
