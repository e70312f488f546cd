"""nansum, nanprod, nancumsum, nancumprod, nanmin, nanmax, nanargmin, nanargmax, nanmean, nanvar, nanstd: nan is passed over."""
import numpy as np

from coluber.extending import implements
from coluber.lib.intrinsics import cast, dtype_of, elementwise, fold, is_array, is_complex, is_float, real_dtype, select
from coluber.lib.numpy._common import as_array, float_dtype, is_nan, result, sum_dtype
from coluber.lib.numpy._reduce import reduce
from coluber.lib.numpy.reductions import _root, _square_deviation, divided, sum_in
from coluber.lib.ufuncs import fmax, fmin


def _or_zero(x):
    return select(is_nan(x), cast(0, dtype_of(x)), x)


def _or_one(x):
    return select(is_nan(x), cast(1, dtype_of(x)), x)


def _or_inf(x):
    return select(is_nan(x), cast(np.inf, dtype_of(x)), x)


def _or_minus_inf(x):
    return select(is_nan(x), cast(-np.inf, dtype_of(x)), x)


def _is_number(x):
    return not is_nan(x)


def _inexact(x):
    d = dtype_of(x)
    return is_float(d) or is_complex(d)


def _replaced(a, kernel):
    x = as_array(a)
    if _inexact(x):
        return elementwise(kernel, x)
    return x


@implements(np.nansum, examples=[
    lambda np: (np.array([1.0, np.nan, 3.0]),), lambda np: (np.array([[1.0, np.nan, 3.0], [4.0, 5.0, np.nan]]), 0), lambda np: (np.array([[1.0, np.nan], [4.0, 5.0]]), 1, None, None, True), lambda np: (np.array([np.nan]),)])
def nansum(a, axis=None, dtype=None, out=None, keepdims=False):
    return np.sum(_replaced(a, _or_zero), axis, dtype, out, keepdims)


@implements(np.nanprod, examples=[lambda np: (np.array([1.5, np.nan, 3.0]),), lambda np: (np.array([[1.0, np.nan, 3.0], [4.0, 5.0, np.nan]]), 0)])
def nanprod(a, axis=None, dtype=None, out=None, keepdims=False):
    return np.prod(_replaced(a, _or_one), axis, dtype, out, keepdims)


@implements(np.nancumsum, examples=[lambda np: (np.array([1.5, np.nan, 3.0]),), lambda np: (np.array([[1.0, np.nan, 3.0], [4.0, 5.0, np.nan]]), 1)])
def nancumsum(a, axis=None, dtype=None, out=None):
    return np.cumsum(_replaced(a, _or_zero), axis, dtype, out)


@implements(np.nancumprod, examples=[lambda np: (np.array([1.5, np.nan, 3.0]),), lambda np: (np.array([[1.0, np.nan, 3.0], [4.0, 5.0, np.nan]]), 1)])
def nancumprod(a, axis=None, dtype=None, out=None):
    return np.cumprod(_replaced(a, _or_one), axis, dtype, out)


# ---- extrema

def _fmin_row(acc, a):
    return fold(np.fmin, acc, a)


def _fmax_row(acc, a):
    return fold(np.fmax, acc, a)


@implements(np.nanmin, examples=[
    lambda np: (np.array([3.0, np.nan, 1.0]),), lambda np: (np.array([[1.0, np.nan, 3.0], [4.0, 5.0, np.nan]]), 0), lambda np: (np.array([[np.nan, np.nan], [4.0, 5.0]]), 1, None, True), lambda np: (np.zeros(0),)])
def nanmin(a, axis=None, out=None, keepdims=False):
    x = as_array(a)
    return result(reduce(x, axis, dtype_of(x), keepdims, fmin, _fmin_row, None, "fmin"), out)


@implements(np.nanmax, examples=[
    lambda np: (np.array([3.0, np.nan, 1.0]),), lambda np: (np.array([[1.0, np.nan, 3.0], [4.0, 5.0, np.nan]]), 0), lambda np: (np.array([[np.nan, np.nan], [4.0, 5.0]]), 1, None, True), lambda np: (np.zeros(0),)])
def nanmax(a, axis=None, out=None, keepdims=False):
    x = as_array(a)
    return result(reduce(x, axis, dtype_of(x), keepdims, fmax, _fmax_row, None, "fmax"), out)


def _check_slices(x, axis):
    """A slice of nothing but nan has no place to name."""
    if _inexact(x) and x.size > 0:
        if not np.all(np.any(elementwise(_is_number, x), axis)):
            raise ValueError("All-NaN slice encountered")


@implements(np.nanargmin, examples=[lambda np: (np.array([3.0, np.nan, 1.0]),), lambda np: (np.array([[7.0, np.nan, 3.0], [4.0, 5.0, np.nan]]), 1), lambda np: (np.array([np.nan]),), lambda np: (np.array([np.nan, np.inf]),)])
def nanargmin(a, axis=None, out=None, keepdims=False):
    x = as_array(a)
    _check_slices(x, axis)
    return np.argmin(_replaced(x, _or_inf), axis, out, keepdims)


@implements(np.nanargmax, examples=[lambda np: (np.array([3.0, np.nan, 1.0]),), lambda np: (np.array([[7.0, np.nan, 3.0], [4.0, 5.0, np.nan]]), 1), lambda np: (np.array([np.nan]),)])
def nanargmax(a, axis=None, out=None, keepdims=False):
    x = as_array(a)
    _check_slices(x, axis)
    return np.argmax(_replaced(x, _or_minus_inf), axis, out, keepdims)


# ---- moments

def _count(x, axis, keepdims):
    return sum_in(elementwise(_is_number, x), axis, dtype_of(np.int64), keepdims)


@implements(np.nanmean, examples=[
    lambda np: (np.array([1.0, np.nan, 3.0]),), lambda np: (np.array([[1.0, np.nan, 3.0], [4.0, 5.0, np.nan]]), 0), lambda np: (np.array([[np.nan, np.nan], [4.0, 5.0]]), 1, None, None, True), lambda np: (np.arange(5),)])
def nanmean(a, axis=None, dtype=None, out=None, keepdims=False):
    x = as_array(a)
    if not _inexact(x):
        return np.mean(x, axis, dtype, out, keepdims)
    d = float_dtype(x, dtype)
    return result(divided(sum_in(_replaced(x, _or_zero), axis, d, keepdims), _count(x, axis, keepdims), d), out)


def _square_of_number(x, m):
    return select(is_nan(x), cast(0, real_dtype(dtype_of(x))), _square_deviation(x, m))


def _positive(n, dof):
    return select(dof > 0, dof, cast(np.nan, np.float64))


def _left(n, ddof):
    return _positive(n, cast(n, np.float64) - cast(ddof, np.float64))


@implements(np.nanvar, examples=[
    lambda np: (np.array([1.0, np.nan, 3.0, 7.0]),), lambda np: (np.array([[1.0, np.nan, 3.0], [4.0, 5.0, np.nan]]), 0), lambda np: (np.array([[1.0, np.nan, 3.0], [4.0, 5.0, np.nan]]), 1, None, None, 1), lambda np: (np.arange(5),),
    lambda np: (np.array([[np.nan, np.nan], [4.0, 5.0]]), 1, None, None, 0, True)])
def nanvar(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False):
    x = as_array(a)
    if not _inexact(x):
        return np.var(x, axis, dtype, out, ddof, keepdims)
    d = float_dtype(x, dtype)
    rd = real_dtype(d)
    means = divided(sum_in(_replaced(x, _or_zero), axis, d, axis is not None), _count(x, axis, axis is not None), d)
    squares = elementwise(_square_of_number, x, means)
    n = _count(x, axis, keepdims)
    left = elementwise(_left, n, ddof) if is_array(n) else _left(n, ddof)
    return result(divided(sum_in(squares, axis, rd, keepdims), left, rd), out)


@implements(np.nanstd, examples=[lambda np: (np.array([1.0, np.nan, 3.0, 7.0]),), lambda np: (np.array([[1.0, np.nan, 3.0], [4.0, 5.0, np.nan]]), 0)])
def nanstd(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False):
    return result(_root(nanvar(a, axis, dtype, None, ddof, keepdims)), out)
