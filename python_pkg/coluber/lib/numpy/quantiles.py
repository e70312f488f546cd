"""median, quantile, percentile, and the same passing nan over: rows are sorted by NumPy's sort, and each gives one number."""
import numpy as np

from coluber.extending import implements
from coluber.lib.intrinsics import (
    array_view, cast, dtype_of, empty_array, get, is_bool, is_complex, is_float, is_number, math, promote, put, sort_in_place, static_error,
    tuple_repeat)
from coluber.lib.numpy._common import as_array, axis_last, check_axis, contiguous, copy_of, flat_view, float_dtype, is_nan, product, ravelled, result
from coluber.lib.numpy._reduce import axes_mask, keep_shape

# ---- rows: the axes of a reduction as one last axis

# Before 2.5, NumPy let reshape find the length of merged axes, which it cannot when there are no rows (the nan functions go another way).
LENGTH_UNKNOWN = tuple(int(part) for part in np.__version__.split(".")[:2]) < (2, 5)


def _kept(mask, k):
    """The axes that stay, in order."""
    if k == len(mask):
        return ()
    if mask[k]:
        return _kept(mask, k + 1)
    return (k,) + _kept(mask, k + 1)


def _gone(mask, k):
    if k == len(mask):
        return ()
    if mask[k]:
        return (k,) + _gone(mask, k + 1)
    return _gone(mask, k + 1)


def _merged(x, kept, gone):
    moved = contiguous(np.transpose(x, kept + gone))
    n = len(kept)
    return array_view(moved, moved.shape[:n] + (product(moved.shape[n:]),), (), 0, "C")


def rows_of(x, axis):
    """x with the items that go into one result along the last axis."""
    if axis is None:
        return ravelled(x if x.ndim > 0 else x[None])
    if isinstance(axis, tuple):
        mask = axes_mask(axis, x.ndim)
        return _merged(x, _kept(mask, 0), _gone(mask, 0))
    return axis_last(x, check_axis(axis, x.ndim))


def _ones(x, axis):
    """The shape of x with 1 for the reduced axes."""
    if axis is None:
        return tuple_repeat(1, x.ndim)
    return keep_shape(x.shape, axes_mask(axis, x.ndim))


def _check_lengths(a, axis):
    if LENGTH_UNKNOWN and isinstance(axis, tuple) and len(axis) > 1:
        x = as_array(a)
        if product(_ones(x, axis)) == 0:
            raise ValueError("cannot reshape array of size 0: the length of the merged axes is unknown")


def _sorted_rows(x, d):
    """A copy with each row along the last axis in order."""
    out = copy_of(x, d)
    n = out.shape[out.ndim - 1]
    if out.ndim == 1:
        sort_in_place(out, "quick")
    elif n > 1:
        flat = flat_view(out)
        at = 0
        while at < out.size:
            sort_in_place(flat[at:at + n], "quick")
            at += n
    return out


def _fill_rows(out, s, q, d, row):
    for i in range(s.shape[0]):
        if s.ndim == 2:
            put(out, row(s[i], q, d), i)
        else:
            _fill_rows(out[i], s[i], q, d, row)


def _per_row(s, q, d, row):
    """row(items, q, d) for each row of s: a number or an array of them."""
    if s.ndim == 1:
        return row(s, q, d)
    out = empty_array(s.shape[:s.ndim - 1], d)
    _fill_rows(out, s, q, d, row)
    return out


def _with_axes(r, x, axis, keepdims, d):
    """Reduced axes come back with length 1."""
    if not keepdims:
        return r
    if is_number(r):
        out = empty_array(_ones(x, axis), d)
        put(out, r, tuple_repeat(0, out.ndim))
        return out
    return array_view(contiguous(r), _ones(x, axis), (), 0, "C")


# ---- medians

def _nan_last(s):
    return is_nan(get(s, s.shape[0] - 1))


def _numbers(s):
    """Sorted items without the nans at their end."""
    n = s.shape[0]
    while n > 0 and is_nan(get(s, n - 1)):
        n -= 1
    return s[:n]


def _middle(s, q, d):
    """The median of sorted numbers, in dtype d."""
    n = s.shape[0]
    if n == 0:
        return cast(np.nan, d)
    if _nan_last(s):
        return cast(get(s, n - 1), d)
    half = n // 2
    if n & 1:
        return cast(get(s, half), d)
    return (cast(get(s, half - 1), d) + cast(get(s, half), d)) / cast(2, d)


def _middle_number(s, q, d):
    return _middle(_numbers(s), q, d)


def _medians(a, axis, keepdims, row):
    x = as_array(a)
    d = float_dtype(x, None)
    return _with_axes(_per_row(_sorted_rows(rows_of(x, axis), dtype_of(x)), 0.5, d, row), x, axis, keepdims, d)


@implements(np.median, examples=[
    lambda np: (np.array([3.0, 1.0, 2.0]),), lambda np: (np.array([3, 1, 2, 4]),), lambda np: (np.array([3.0, np.nan, 2.0]),), lambda np: (np.arange(12.0).reshape(3, 4) ** 2 % 7, 0),
    lambda np: (np.arange(12).reshape(3, 4) ** 2 % 7, 1), lambda np: (np.arange(12.0).reshape(3, 4), 1, None, False, True), lambda np: (np.arange(6, dtype=np.float32),),
    lambda np: (np.arange(24.0).reshape(2, 3, 4) ** 2 % 11, (0, 2)), lambda np: (np.arange(24.0).reshape(2, 3, 4) ** 2 % 11, (-1, 1), None, False, True), lambda np: (np.arange(6.0).reshape(2, 3), None, None, False, True)])
def median(a, axis=None, out=None, overwrite_input=False, keepdims=False):
    _check_lengths(a, axis)
    return result(_medians(a, axis, keepdims, _middle), out)


@implements(np.nanmedian, examples=[
    lambda np: (np.array([3.0, np.nan, 2.0, 7.0, 1.0]),), lambda np: (np.array([[1.0, np.nan, 3.0], [np.nan, np.nan, np.nan]]), 1), lambda np: (np.array([[1.0, np.nan, 3.0], [4.0, 2.0, np.nan]]), 0, None, False, True),
    lambda np: (np.array([[1.0, np.nan, 3.0], [4.0, 2.0, np.nan]]), (0, 1)), lambda np: (np.arange(6),)])
def nanmedian(a, axis=None, out=None, overwrite_input=False, keepdims=False):
    return result(_medians(a, axis, keepdims, _middle_number), out)


# ---- quantiles

def _quantile_row(s, q, d):
    """Linear interpolation between the neighbours in sorted numbers, as NumPy rounds it."""
    n = s.shape[0]
    if n == 0:
        raise IndexError("index -1 is out of bounds for axis 0 with size 0")
    if _nan_last(s):
        return cast(get(s, n - 1), d)
    return _between(s, q, d)


def _quantile_numbers(s, q, d):
    numbers = _numbers(s)
    if numbers.shape[0] == 0:
        return cast(np.nan, d)
    return _between(numbers, q, d)


def _between(s, q, d):
    n = s.shape[0]
    place = cast(n - 1, np.float64) * q
    if place != place or place >= n - 1:
        return cast(get(s, n - 1), d)
    if place < 0:
        return cast(get(s, 0), d)
    before = math("floor", place)
    t = cast(place - before, d)
    i = int(before)
    lo = cast(get(s, i), d)
    hi = cast(get(s, i + 1), d)
    span = cast(get(s, i + 1) - get(s, i), d)
    if t >= 0.5:
        return hi - span * (cast(1, d) - t)
    return lo + span * t


def _check_quantile(q):
    if not (q >= 0.0 and q <= 1.0):
        raise ValueError("Quantiles must be in the range [0, 1]")


def _quantile_dtype(x, q):
    d = promote(float_dtype(x, None), q)
    if is_float(d) or is_complex(d):
        return d
    return dtype_of(np.float64)


def _quantiles(a, q, axis, keepdims, scale, method, row):
    if method != "linear":
        static_error("quantiles by other methods than 'linear' are not supported yet")
    x = as_array(a)
    if is_bool(dtype_of(x)):
        static_error("quantiles of bools are not defined: NumPy does not subtract bools")
    s = _sorted_rows(rows_of(x, axis), dtype_of(x))
    if is_number(q):
        d = _quantile_dtype(x, q)
        p = cast(q, np.float64) / scale
        _check_quantile(p)
        return _with_axes(_per_row(s, p, d, row), x, axis, keepdims, d)
    probabilities = as_array(q)
    if probabilities.ndim != 1:
        static_error("quantiles are given as a number, a list, a tuple or a one-dimensional array")
    d = _quantile_dtype(x, probabilities)
    m = probabilities.shape[0]
    out = empty_array((m,) + s.shape[:s.ndim - 1], d)
    for i in range(m):
        p = cast(get(probabilities, i), np.float64) / scale
        _check_quantile(p)
        if s.ndim == 1:
            put(out, row(s, p, d), i)
        else:
            _fill_rows(out[i], s, p, d, row)
    if keepdims:
        return array_view(out, (m,) + _ones(x, axis), (), 0, "C")
    return out


@implements(np.quantile, examples=[
    lambda np: (np.array([3.0, 1.0, 2.0, 7.5]), 0.3), lambda np: (np.arange(10), np.array([0.0, 0.25, 0.9, 1.0])), lambda np: (np.arange(12.0).reshape(3, 4) ** 2 % 7, 0.6, 0),
    lambda np: (np.array([1.0, np.nan]), 0.5), lambda np: (np.arange(4.0), 1.5), lambda np: (np.array([3.0, 1.0, 2.0, 7.5], np.float32), [0.25, 0.5]),
    lambda np: (np.arange(10), (0.1, 0.8)), lambda np: (np.arange(24.0).reshape(2, 3, 4) ** 2 % 11, 0.3, (0, 2)),
    lambda np: (np.arange(12.0).reshape(3, 4) ** 2 % 7, np.array([0.2, 0.6]), 1, None, False, "linear", True)])
def quantile(a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False):
    _check_lengths(a, axis)
    return result(_quantiles(a, q, axis, keepdims, 1.0, method, _quantile_row), out)


@implements(np.percentile, examples=[
    lambda np: (np.array([3.0, 1.0, 2.0, 7.5]), 30), lambda np: (np.arange(10), np.array([0.0, 25.0, 90.0, 100.0])), lambda np: (np.arange(12.0).reshape(3, 4) ** 2 % 7, 60.0, 1), lambda np: (np.arange(4.0), 101), lambda np: (np.arange(12.0).reshape(3, 4) ** 2 % 7, [10, 50], 0),
    lambda np: (np.arange(12.0).reshape(3, 4) ** 2 % 7, 60.0, None, None, False, "linear", True)])
def percentile(a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False):
    _check_lengths(a, axis)
    return result(_quantiles(a, q, axis, keepdims, 100.0, method, _quantile_row), out)


@implements(np.nanquantile, examples=[
    lambda np: (np.array([3.0, np.nan, 2.0, 7.5]), 0.3), lambda np: (np.array([[1.0, np.nan, 3.0], [np.nan, np.nan, np.nan]]), 0.5, 1), lambda np: (np.array([[1.0, np.nan, 3.0], [4.0, 2.0, np.nan]]), np.array([0.1, 0.7]), 0)])
def nanquantile(a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False):
    return result(_quantiles(a, q, axis, keepdims, 1.0, method, _quantile_numbers), out)


@implements(np.nanpercentile, examples=[lambda np: (np.array([3.0, np.nan, 2.0, 7.5]), 30), lambda np: (np.array([[1.0, np.nan, 3.0], [4.0, 2.0, np.nan]]), 70.0, (0, 1), None, False, "linear", True)])
def nanpercentile(a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False):
    return result(_quantiles(a, q, axis, keepdims, 100.0, method, _quantile_numbers), out)
