"""Slices, strides and broadcasting of arrays that hypothesis makes: few signatures, many shapes. Of
errors about shapes the class is compared: the messages do not name whole shapes (docs/deviations.md)."""
import numpy as np
import pytest
from check import same
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.numpy

BOUND = st.integers(-9, 9) | st.sampled_from([-2**62, 2**62])
STEP = st.integers(-4, 4)                      # 0: ValueError


def sliced(a, i, j, k):
    return a[i:j:k].copy()


def open_ends(a, i, k):
    return a[i:].copy(), a[:i].copy(), a[::k].copy(), a[i::k].copy(), a[:i:k].copy()


def stored(a, i, j, k, value):
    a[i:j:k] = value
    return a


def stored_array(a, i, j, k, b):
    a[i:j:k] = b
    return a


def shifted_onto_itself(a, i, j, k):
    a[i:] = a[:len(a) - i] * k
    a[j::2] += 1.0
    return a


def two_axes(a, i, j, k, m, n):
    b = a[i:j:k, m::n]
    return b.copy(), b.shape, b.T[::-1].copy(), b[:, ::-1].sum()


def mixed(a, i, j, k):
    return a[i, ::k].copy(), a[..., j].copy(), a[None, i:j, 0].copy(), a[:, :, None][j].copy()


def sum_and_scale(a, b):
    c = a + b
    c *= a * 2.0 - b
    return c, np.maximum(a, b)


def in_place(a, b):
    a += b
    a[...] = a - b * 0.5
    return a


def reshaped(a, m):
    return a.reshape(m, -1), a.ravel(), a.T.copy()


@st.composite
def vectors(draw):
    """1-d, in C order or with strides, also negative ones."""
    n = draw(st.integers(0, 8))
    base = np.arange(1.0, 3 * n + 4)
    return base[:n].copy() if draw(st.booleans()) else base[draw(st.sampled_from([slice(None, None, 3), slice(None, None, -2), slice(1, None, 2)]))][:n]


@st.composite
def matrices(draw):
    m, n = draw(st.integers(0, 5)), draw(st.integers(0, 5))
    base = np.arange(4.0 * m * n).reshape(2 * m, 2 * n)
    return {"C": base[:m, :n].copy(), "A": base[::-2, 1::2]}[draw(st.sampled_from("CA"))]


@st.composite
def pairs(draw):
    """Shapes of one to three axes that often fit each other, and sometimes do not."""
    axes = draw(st.lists(st.integers(0, 4), min_size=1, max_size=3))
    shapes = []
    for _ in range(2):
        shape = [draw(st.sampled_from([n, n, n, 1])) for n in axes]
        if draw(st.integers(0, 7)) == 0:
            shape[draw(st.integers(0, len(shape) - 1))] += 1
        shapes.append(tuple(shape[draw(st.integers(0, len(shape) - 1)):]))
    a, b = (np.arange(1.0, 1 + np.prod(s)).reshape(s) for s in shapes)
    return (a, b) if draw(st.booleans()) else (b, a)


@given(vectors(), BOUND, BOUND, STEP)
def test_slices_of_vectors(a, i, j, k):
    same(sliced, a, i, j, k)
    same(open_ends, a, i, k)
    same(stored, a, i, j, k, 7.5)


@given(vectors(), BOUND, BOUND, STEP, st.integers(0, 8))
def test_slices_that_are_stored_to(a, i, j, k, n):
    same(stored_array, a, i, j, k, np.arange(n) + 0.5, message=False)      # of the length needed, of length one, or a ValueError


@given(vectors(), st.integers(0, 4), st.integers(-3, 3), st.floats(-2, 2))
def test_overlapping_stores(a, i, j, k):
    same(shifted_onto_itself, a, min(i, len(a)), j, k)


@given(matrices(), BOUND, BOUND, STEP, BOUND, STEP)
def test_slices_of_matrices(a, i, j, k, m, n):
    same(two_axes, a, i, j, k, m, n)


@given(matrices(), st.integers(-6, 5), st.integers(-6, 5), STEP)
def test_integers_and_slices(a, i, j, k):
    same(mixed, a, i, j, k)


@given(pairs())
def test_broadcasting(pair):
    same(sum_and_scale, *pair, message=False)
    if pair[0].ndim >= pair[1].ndim:           # more axes than the target has are refused when it is compiled
        same(in_place, *pair, message=False)


@given(matrices(), st.integers(-1, 6))
def test_reshapes(a, m):
    same(reshaped, a, m, message=False)
