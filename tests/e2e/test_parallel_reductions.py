"""Reductions of prange loops: sums, products, extrema and their places, bits, logic; arrays that rounds only add to."""
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parallel import agree, compiled, loops, on_threads

import coluber
from coluber import _coluber, prange

pytestmark = [pytest.mark.numpy, pytest.mark.sampled]

RNG = np.random.default_rng(7)
SIZES = [0, 1, 2, 3, 63, 64, 65, 1001, 20_000]


# ---- scalars

def sums(x):
    a, b, c = 0.0, 100.0, 0
    for i in prange(len(x)):
        a += x[i]
        b -= x[i] * 2
        if x[i] > 0.5:
            c += 1
        elif i % 3 == 0:
            c -= 2
    return a, b, c


def products(x):
    p, q = 1.0, 1e6
    for i in prange(len(x)):
        p *= 1 + x[i] / 100
        q /= 1 + x[i] / 100
    return p, q


def extrema(x):
    low, high, low2, high2, most = x[0], x[0], math.inf, -math.inf, 0
    for i in prange(len(x)):
        low = min(low, x[i])
        high = max(x[i], high)
        if x[i] < low2:
            low2 = x[i]
        if not x[i] <= high2:
            high2 = x[i]
        most = max(most, int(x[i] * 1000))
    return low, high, low2, high2, most


def places(x):
    low, at, high, first, n = x[0], 0, -1.0, -1, 0
    for i in prange(len(x)):
        n += 1
        if x[i] < low:
            low = x[i]
            at = i
        v = x[i] * 2
        if v > high:
            high, first = v, i
    return low, at, high, first, n


@pytest.mark.parametrize("n", SIZES[1:])
@pytest.mark.parametrize("kinds", [3, 10**6])             # many equals: the first counts
def test_places_of_extrema(n, kinds):
    agree(places, RNG.integers(0, kinds, n) / 7, parallel=1)


def bits(x):
    a, o, r = -1, 0, 0
    for i in prange(len(x)):
        v = int(x[i] * 1000)
        a &= v | 3
        o |= v
        r ^= v
    return a, o, r


def logic(x, limit):
    every, some, found, none = True, False, False, True
    for i in prange(len(x)):
        every = every and x[i] < limit
        some = some or x[i] > limit
        if x[i] > limit:
            found = True
        none = none & (x[i] < limit)
    return every, some, found, none


def inner_sums(x):
    s, n = 0.0, 0
    for i in prange(len(x)):
        for j in range(i % 9):
            s += x[i] * j
            if j > 4:
                n += j
    return s, n


def complex_sums(x):
    s, p = 0j, 1 + 0j
    for i in prange(len(x)):
        s += complex(x[i], -x[i])
        p *= complex(1, x[i] / 10_000)
    return s, p


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("f, ulps", [(sums, 2000), (products, 500), (bits, 0), (inner_sums, 2000), (complex_sums, 2000)])
def test_reductions(f, ulps, n):
    agree(f, RNG.random(n), ulps=ulps, parallel=1)


@pytest.mark.parametrize("n", SIZES[1:])
def test_extrema(n):
    agree(extrema, RNG.random(n), parallel=1)
    agree(extrema, -RNG.random(n))


@pytest.mark.parametrize("limit", [0.0, 0.5, 0.9999, 2.0])
@pytest.mark.parametrize("n", SIZES)
def test_logic(n, limit):
    agree(logic, RNG.random(n), limit, parallel=1)


def small_types(x):
    s, m, k = x[0], x[0], np.int32(7)
    for i in prange(1, len(x)):
        s += x[i]
        m = max(m, x[i])
        k += np.int32(i)
    return s, m, k


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int32", "uint64", "int64"])
def test_integers_of_each_size_wrap(dtype):
    agree(small_types, RNG.integers(0, 120, 5000).astype(dtype), parallel=1)


def negative_zero(x):
    s = -0.0
    for i in prange(len(x)):
        s += x[i]
    return s


@pytest.mark.parametrize("n", [0, 1, 100])
def test_negative_zero(n):
    agree(negative_zero, np.full(n, -0.0))


def exact_sum(x):
    s = 0.0
    for i in prange(len(x)):
        s += x[i]
    return s


@given(st.lists(st.integers(-2**40, 2**40), max_size=300), st.integers(1, 9))
def test_sums_of_integers_as_floats_are_exact(items, threads):
    with on_threads(threads):
        agree(exact_sum, np.array(items, np.float64))


# ---- arrays that rounds only add to

def adds_rows(rows, out):
    for i in prange(len(rows)):
        out += rows[i]
        out -= 0.5 * rows[i]


def adds_to_rows(rows, out):
    for i in prange(len(rows)):
        out[i % len(out)] += rows[i]


def adds_items(rows, out):
    for i in prange(len(rows)):
        for j in range(rows.shape[1]):
            out[j] += rows[i, j]


def columns(rows, out):
    for i in prange(len(rows)):
        for j in range(rows.shape[1]):
            out[j, 0] *= 1 + rows[i, j] / 1000
            out[j, 0] *= 1.001


def own_sums(rows):
    total = np.zeros(rows.shape[1])
    count = np.zeros((2, 3), np.int64)
    s = 0.0
    for i in prange(len(rows)):
        total += rows[i] * 2
        count[i % 2, 1] += 1
        s += rows[i, 0]
    return total, count, s


@pytest.mark.parametrize("n", [0, 1, 2, 50, 3000])
def test_arrays_that_are_added_to(n):
    rows = RNG.integers(0, 50, (n, 4)).astype(float)
    whole = RNG.integers(0, 9, (6, 8)).astype(float)
    for out in (np.ones(4), whole[1, ::2].copy(), whole[::-1, 3][:4], np.asfortranarray(whole)[2:6, 0]):
        agree(adds_rows, rows, out, parallel=1)
        agree(adds_items, rows, out, parallel=1)
    for out in (np.ones((3, 4)), np.asfortranarray(whole)[:3, :4], whole[::2, ::2]):
        agree(adds_to_rows, rows, out, parallel=1)
        agree(columns, rows, np.ones((4, 2), order="F"), parallel=1, ulps=5000)
    agree(own_sums, rows, parallel=1)
    assert loops(compiled(own_sums))[0].reductions == ["s (+)", "an array (+)", "an array (+)"]
    assert loops(compiled(adds_items))[0].reductions == ["out[] (+)"]
    for f in (adds_rows, adds_to_rows, columns):
        out = np.ones((4, 2), order="F") if f is columns else np.ones(4) if f is adds_rows else np.ones((3, 4))
        f = compiled(f, races="error")             # not by luck
        f(rows, out)
        assert loops(f)[0].reductions


def counts(x, out):
    for i in prange(len(x)):
        out[x[i]] += 1


def masks(x, out):
    for i in prange(len(x)):
        out[x[i] % 3] |= x[i]
        out[x[i] % 3] |= 1


def flips(x, out):
    for i in prange(len(x)):
        out[0] ^= x[i]


@pytest.mark.parametrize("size", [10, 100_000])             # more items than are worth copies: on one thread
@pytest.mark.parametrize("dtype", ["int8", "uint32", "int64", "float32", "float64", "complex128"])
def test_histograms(dtype, size):
    agree(counts, RNG.integers(0, 10, 5000), np.zeros(size, dtype), parallel=1)
    if dtype in ("uint32", "int64"):
        agree(masks, RNG.integers(0, 1000, 5000).astype(dtype), np.zeros(size, dtype), parallel=1)
        agree(flips, RNG.integers(0, 1000, 5000).astype(dtype), np.zeros(size, dtype), parallel=1)


def counts_and_fails(x, out):
    for i in prange(len(x)):
        out[x[i]] += 1


def test_arrays_of_threads_are_freed():
    f = compiled(counts_and_fails)
    f(np.zeros(100, int), np.zeros(50))
    before = _coluber._runtime_stats()["live_blocks"]
    for _ in range(10):
        f(RNG.integers(0, 50, 5000), np.zeros(50))
        with pytest.raises(IndexError):
            f(RNG.integers(0, 51, 5000), np.zeros(50))
    assert _coluber._runtime_stats()["live_blocks"] == before
