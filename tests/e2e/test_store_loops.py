"""Loops that store and may raise: they run in pieces without their checks, and what a piece has stored behind the point where it should have raised
is taken back (ir/passes/guards_undo.cc). So after an exception arrays are as CPython leaves them, whatever overlaps what."""
import math

import numpy as np
import pytest
from check import compiled, exact
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.numpy

SIZES = [0, 1, 2, 7, 8, 9, 20, 511, 512, 513, 520, 521, 1030]


def roots(x, out):
    for i in range(len(x)):
        out[i] = math.sqrt(x[i])


def ratios(x, y, out):
    for i in range(len(x)):
        out[i] = float(x[i]) / float(y[i])


def quotients(x, y, out):
    for i in range(len(x)):
        a, b = int(x[i]), int(y[i])
        out[i] = a // b + a % b


def in_place(x):
    for i in range(len(x)):
        x[i] = 1.0 / float(x[i])


def from_next(x):
    for i in range(len(x) - 1):
        x[i] = 1.0 / float(x[i + 1])


def from_last(x):
    for i in range(1, len(x)):
        x[i] = 1.0 / float(x[i - 1])


def two_stores(x, a, b):
    for i in range(len(x)):
        a[i] = x[i] + 1.0
        b[i] = 2.0 / float(x[i])


def now_and_then(x, out):
    for i in range(len(x)):
        if x[i] > 0.5:
            out[i] = math.sqrt(x[i] - 0.6)


def shifted(x, out):
    for i in range(2, len(x) - 1):
        out[i - 2] = math.sqrt(x[i + 1])
    return len(x)


def with_sum(x, out):
    total = 0.0
    for i in range(len(x)):
        out[i] = 1.0 / float(x[i])
        total += x[i]
    return total


def rows(x, out):
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            out[i, j] = math.sqrt(x[i, j])


def caught(x, out):
    done = 0
    try:
        for i in range(len(x)):
            out[i] = math.sqrt(x[i])
            done += 1
    except ValueError:
        return -done
    return done


def agrees(f, *arrays):
    """The same value or exception, and the same arrays afterwards. Arrays of one call that share memory do so in its copies."""
    results = []
    for g in (f, compiled(f)):
        bases = {}
        mine = []
        for a in arrays:
            base = a if a.base is None else a.base
            copy = bases.setdefault(id(base), base.copy())
            offset = a.__array_interface__["data"][0] - base.__array_interface__["data"][0]
            mine.append(np.ndarray(a.shape, a.dtype, copy, offset, a.strides))
        try:
            with np.errstate(all="ignore"):
                got = ("value", exact(g(*mine)))
        except (ValueError, ZeroDivisionError) as e:
            got = (type(e), str(e))
        results.append((got, [a.tobytes() for a in bases.values()]))
    assert results[0][0] == results[1][0]
    assert results[0][1] == results[1][1], f"{f.__name__}: arrays differ after {results[0][0]}"


def floats(n):
    return np.random.default_rng(n).random(n) + 0.7


def bad_places(n):
    return sorted({k for k in (0, 1, 6, 7, 8, 9, 300, 511, 512, 513, 519, n // 2, n - 2, n - 1) if 0 <= k < n}) + [None]


@pytest.mark.parametrize("n", SIZES)
def test_a_failing_check_leaves_what_was_stored_before(n):
    for bad in bad_places(n):
        x, y, out = floats(n), floats(n), np.zeros(n)
        i, j, iout = np.arange(n) * 7 - 100, np.arange(n) % 5 + 1, np.zeros(n, np.int64)
        if bad is not None:
            x[bad], y[bad], j[bad] = -1.0, 0.0, 0
        zero = np.where(x < 0, 0.0, x)
        agrees(roots, x, out)
        agrees(in_place, zero)
        agrees(from_next, zero)
        agrees(from_last, zero)
        agrees(two_stores, zero, out, np.zeros(n))
        agrees(two_stores, zero, out, out)
        agrees(now_and_then, np.where(x < 0, 0.55, x), out)
        agrees(shifted, x, out)
        agrees(with_sum, zero, out)
        agrees(caught, x, out)
        agrees(ratios, x, y, out)
        agrees(quotients, i, j, iout)


@pytest.mark.parametrize("n", [3, 40, 700])
@pytest.mark.parametrize("shift", [-9, -1, 0, 1, 9])
def test_overlapping_arrays(n, shift):
    for bad in bad_places(n):
        memory = floats(n + 20)
        if bad is not None:
            memory[10 + bad] = -1.0
        agrees(roots, memory[10:10 + n], memory[10 + shift:10 + shift + n])


def test_strided_and_two_dimensional():
    for bad in (None, (0, 0), (3, 11), (6, 599), (9, 8)):
        x = np.random.default_rng(3).random((10, 600)) + 0.1
        if bad:
            x[bad] = -1.0
        for a, b in ((x, np.zeros((10, 600))), (x[:, ::2], np.zeros((10, 300))), (np.asfortranarray(x), np.zeros((10, 600))), (x.T, np.zeros((600, 10)))):
            agrees(rows, np.ascontiguousarray(a) if a.base is None else a, b)
        agrees(roots, x.ravel()[::3], np.zeros(4000)[::2])


def test_types():
    def as_ints(x, out):
        for i in range(len(x)):
            out[i] = math.sqrt(x[i]) * 10

    for dtype in (np.int8, np.int16, np.int32, np.int64, np.float32, np.bool_, np.complex128):
        for bad in (None, 5, 530):
            x = floats(600)
            if bad is not None:
                x[bad] = -1.0
            got = np.zeros(600, dtype)
            if bad is None:
                compiled(as_ints)(x, got)
            else:
                with pytest.raises(ValueError):
                    compiled(as_ints)(x, got)
            want = np.zeros(600, dtype)
            want[:bad] = (np.sqrt(x[:bad]) * 10).astype(dtype)
            assert got.tobytes() == want.tobytes()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([0.0, 1.0, 2.5, -3.0, math.nan, math.inf]), max_size=40), st.integers(0, 1100))
def test_any_values(values, filler):
    x = np.concatenate([np.ones(filler), np.array(values, float)])
    agrees(roots, x, np.zeros(len(x)))
    agrees(in_place, x)
    agrees(with_sum, x, np.zeros(len(x)))


def test_the_loops_are_vector_loops():
    x = floats(600)
    for f, args in ((roots, (x, x.copy())), (ratios, (x, x, x.copy())), (in_place, (x,)), (from_next, (x,)), (two_stores, (x, x.copy(), x.copy())),
                    (shifted, (x, x.copy())), (with_sum, (x, x.copy()))):
        c = compiled(f)
        c(*args)
        assert ": vectorised, " in str(c.vectorization()), c.vectorization()
