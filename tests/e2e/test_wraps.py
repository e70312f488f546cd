"""Loops whose index goes round the end of an array, on arrays so small that the first turn is the last one, too."""
import numpy as np
import pytest

from coluber import njit

pytestmark = pytest.mark.numpy


def ring(x, out):
    n = len(x)
    for i in range(n):
        out[i] = 0.25 * x[i - 1] + 0.5 * x[i] + 0.25 * x[(i + 1) % n]
    return out


def wide_ring(x, out):
    n = len(x)
    for i in range(n):
        out[i] = x[i - 2] + x[(i + 2) % n]
    return out


def torus(a, out):
    n, m = a.shape
    for i in range(n):
        for j in range(m):
            out[i, j] = a[(i - 1) % n, j] + a[(i + 1) % n, j] + 2 * a[i, (j - 1) % m] + 3 * a[i, (j + 1) % m]
    return out


def until(x, stop):
    n = len(x)
    total = 0.0
    for i in range(n):
        total = total * 0.5 + x[i - 1] - x[(i + 1) % n]
        if x[i] == stop:
            return total, i
    return total, -1


def shifted(x, first, last):
    n = len(x)
    total = 0.0
    for i in range(first, last):
        total = total * 0.5 + x[i - 1] + x[(i + 1) % n]
    return total


@pytest.mark.parametrize("function", [ring, wide_ring])
@pytest.mark.parametrize("dtype", ["f8", "f4", "i4", "c16"])
def test_rings(function, dtype):
    compiled = njit(cache=False)(function)
    for n in [*range(0 if function is ring else 2, 12), 63, 64, 65, 200]:
        x = (np.arange(n) * 3 % 7 + 1).astype(dtype)
        out = np.zeros(n, dtype if dtype == "c16" else "f8")
        np.testing.assert_array_equal(compiled(x, out.copy()), function(x, out.copy()))


def test_index_beyond_the_other_end_raises():
    with pytest.raises(IndexError):
        njit(cache=False)(wide_ring)(np.ones(1), np.zeros(1))


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (1, 5), (2, 2), (3, 1), (4, 33), (17, 64)])
def test_torus(shape):
    a = np.random.default_rng(1).random(shape)
    want = torus(a, np.zeros(shape))
    compiled = njit(cache=False)(torus)
    np.testing.assert_array_equal(compiled(a, np.zeros(shape)), want)
    wide = np.zeros((shape[0], 2 * shape[1]))
    wide[:, ::2] = a
    np.testing.assert_array_equal(compiled(wide[:, ::2], np.zeros(shape)), want)


def test_left_in_each_part():
    compiled = njit(cache=False)(until)
    x = np.arange(40.0)
    for stop in (0.0, 1.0, 20.0, 38.0, 39.0, -1.0):
        assert compiled(x, stop) == until(x, stop)


def test_other_starts_and_ends():
    compiled = njit(cache=False)(shifted)
    x = np.arange(1.0, 9.0)
    for first in (-7, -1, 0, 1, 3, 8):
        for last in (-3, 0, 1, 2, 7, 8):
            assert compiled(x, first, last) == shifted(x, first, last)
    with pytest.raises(IndexError):
        compiled(x, 0, 12)
