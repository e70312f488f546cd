"""Integers to floats and back in loops: the forms that are written for whole vectors and for checked conversions, at the edges of both types."""
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coluber import njit

from check import same

pytestmark = pytest.mark.numpy

EDGES = [0, 1, -1, 2**31, -2**31, 2**32 - 1, 2**32, -2**32, 2**52, 2**53 + 1, -2**53 - 1, 2**54 + 3, 2**62 + 257, 2**63 - 1, 2**63 - 513, -2**63, -2**63 + 1]


def floats_of(ints, out):
    for i in range(len(ints)):
        out[i] = float(ints[i]) / 3.0


@pytest.mark.parametrize("size", [0, 1, 3, 4, 17, 1001])
def test_int64_to_float64(size):
    ints = np.resize(np.array(EDGES, dtype=np.int64), size)
    out, want = np.zeros(size), np.zeros(size)
    njit(floats_of)(ints, out)
    floats_of(ints, want)
    assert out.tobytes() == want.tobytes()


@given(st.lists(st.integers(-2**63, 2**63 - 1), min_size=1, max_size=64))
def test_any_int64_is_rounded_once(values):
    ints = np.array(values, dtype=np.int64)
    out = np.empty(len(ints))
    convert(ints, out)
    assert out.tolist() == [float(v) / 3.0 for v in values]


convert = njit(floats_of)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.uint8, np.uint16, np.uint32, np.uint64])
def test_other_ints(dtype):
    info = np.iinfo(dtype)
    ints = np.resize(np.array([0, 1, 7, info.min, info.max, info.max // 2 + 1], dtype=dtype), 101)
    out, want = np.zeros(101), np.zeros(101)
    njit(floats_of)(ints, out)
    floats_of(ints, want)
    assert out.tobytes() == want.tobytes()


def rounded_sum(x, least):
    total = 0
    for i in range(x.shape[0]):
        d = int(round(math.sqrt(x[i] * x[i])) if least > 1e6 else math.trunc(x[i]))
        if d > least:
            total += d // 2
    return total


compiled_sum = njit(rounded_sum)
FLOATS = [0.0, -0.0, 0.5, -1.5, 2.5, 1e9, -1e9, 4.5e15, math.nextafter(2.0**63, 0), -math.nextafter(2.0**63, 0)]


@pytest.mark.parametrize("least", [-2**63 + 1, 0, 10])
def test_float64_to_int64(least):
    x = np.resize(np.array(FLOATS[:8]), 103)
    assert compiled_sum(x, least) == rounded_sum(x, least)
    for v in FLOATS:
        assert compiled_sum(np.array([v]), least) == rounded_sum(np.array([v]), least), v


@pytest.mark.parametrize("bad, error", [(math.nan, ValueError), (math.inf, OverflowError), (-math.inf, OverflowError)])
@pytest.mark.parametrize("where", [0, 1, 50, 102])
def test_what_is_no_integer(bad, error, where):
    x = np.ones(103)
    x[where] = bad
    for f in (rounded_sum, compiled_sum):
        with pytest.raises(error):
            f(x, 0)


@pytest.mark.parametrize("large", [2.0**63, math.nextafter(2.0**63, math.inf), math.nextafter(-(2.0**63), -math.inf), 1e300, -1e300])
def test_what_does_not_fit(large):
    x = np.ones(9)
    x[5] = large
    with pytest.raises(OverflowError):
        compiled_sum(x, 0)


def test_the_least_int64_is_refused():
    """docs/deviations.md: one comparison, of the magnitude, decides what fits."""
    with pytest.raises(OverflowError):
        compiled_sum(np.array([1.0, -(2.0**63)]), 0)
    assert compiled_sum(np.array([1.0, -math.nextafter(2.0**63, 0)]), -2**63) == 1 // 2 - math.nextafter(2.0**63, 0) // 2


def count_in_range(x, scale, counts):
    for v in x:
        k = int(v * scale)
        if 0 <= k < counts.size:
            counts[k] += 1


def count_at_index(x, scale, counts):
    for v in x:
        counts[int(v * scale)] += 1


def signs(x, scale, counts):
    for v in x:
        if int(v * scale) >= 0:
            counts[0] += 1
        else:
            counts[1] += 1


@pytest.mark.parametrize("function", [count_in_range, count_at_index, signs])
@pytest.mark.parametrize("odd", [0.5, -0.5, -1.0, -3.0, 1.0, 2.0, 2.0**61, -(2.0**61), math.nan, math.inf, -math.inf])
def test_a_number_that_is_compared_after_its_conversion(function, odd):
    for where in (0, 7, 30):
        x = np.linspace(0, 0.9, 31)
        x[where] = odd
        if function is count_at_index and abs(odd) > 2.0**32:
            for f in (function, njit(function)):        # what numpy says of a float that is too large for an index differs from int()'s message
                with pytest.raises((IndexError, OverflowError)):
                    f(x, 3.0, np.zeros(3, np.int64))
        else:
            same(function, x, 3.0, np.zeros(3, np.int64))


@pytest.mark.parametrize("function", [count_in_range, count_at_index, signs])
@pytest.mark.parametrize("large", [2.0**63, -(2.0**63), 1e300, -1e300])
def test_a_number_that_does_not_fit_is_found_whatever_it_is_compared_with(function, large):
    x = np.full(31, 0.25)
    x[17] = large
    counts = np.zeros(3, np.int64)
    with pytest.raises(OverflowError, match="does not fit"):
        njit(function)(x, 1.0, counts)
    assert counts[0] == 17
