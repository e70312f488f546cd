"""sum, prod, min, max, any, all, count_nonzero, ptp, mean, var, std, argmin and argmax, cumsum and cumprod."""
import numpy as np

from coluber.extending import implements
from coluber.lib.intrinsics import (
    array_view, assign, cast, dtype_of, elementwise, empty_array, fold, get, is_array, is_bool, is_complex, is_f_contiguous, is_float, is_integer, is_literal, math,
    put, real_dtype, same_type, select)
from coluber.lib.numpy._common import (
    as_array, check_axis, complex_less, float_dtype, is_nan, result, sum_dtype)
from coluber.lib.numpy._reduce import (
    BUFFER, axes_mask, count_items, flipped, in_pieces, is_split, reduce, shared_buffered_sum, shared_fold, shared_sum, transposed)

# A row function folds the items of a vector into an accumulator. Where NumPy's own reduction is as fast as ours would be, it is called: sums of
# floats are then pairwise as NumPy's are, to the last bit. Integers and complex extrema are loops of ours, which vectorise (2 to 15 times faster).

# ---- sums

# Before 2.3, NumPy's iterator took all vectors in parts of its buffer's size; later ones still do where they convert.
SUMS_IN_PARTS = tuple(int(part) for part in np.__version__.split(".")[:2]) < (2, 3)


def _plus(acc, x):
    return acc + x


def _sum_row(acc, a):
    d = dtype_of(acc)
    if is_float(d) or is_complex(d):
        if not same_type(dtype_of(a), d):
            return _sum_converted(acc, a, d)
        if SUMS_IN_PARTS:
            return shared_buffered_sum(acc, a)
        return shared_sum(acc, a)
    if is_split(a):
        return in_pieces(acc, a, _sum_integers, _plus, cast(0, d))
    return _sum_integers(acc, a)


def _sum_integers(acc, a):
    d = dtype_of(acc)
    for i in range(a.shape[0]):
        acc += cast(get(a, i), d)
    return acc


def _sum_converted(acc, a, d):
    n = a.shape[0]
    buffer = empty_array((min(n, BUFFER),), d)
    for at in range(0, n, BUFFER):
        m = min(BUFFER, n - at)
        for i in range(m):
            put(buffer, cast(get(a, at + i), d), i)
        acc = fold(np.add, acc, array_view(buffer, (m,), (), 0, "C"))
    return acc


def sum_in(a, axis, d, keepdims):
    return reduce(a, axis, d, keepdims, _plus, _sum_row, 0, "sum")


@implements(np.sum, "method:array.sum", examples=[
    lambda np: (np.arange(1000.0) / 7,), lambda np: (np.linspace(0, 1, 12).reshape(3, 4), 0), lambda np: (np.linspace(0, 1, 12).reshape(3, 4), 1),
    lambda np: (np.linspace(0, 1, 24).reshape(2, 3, 4), (0, 2)), lambda np: (np.arange(10, dtype=np.int8),), lambda np: (np.arange(10) > 3,),
    lambda np: (np.arange(12).reshape(3, 4), -1, None, None, True), lambda np: ([1, 2, 3],), lambda np: (np.arange(5), None, np.float32)])
def sum_(a, axis=None, dtype=None, out=None, keepdims=False, initial=0, where=True):
    x = as_array(a)
    d = sum_dtype(x, dtype)
    if is_literal(where) and where:
        return result(reduce(x, axis, d, keepdims, _plus, _sum_row, initial, "sum"), out)
    return result(reduce(elementwise(_only, where, x, cast(0, dtype_of(x))), axis, d, keepdims, _plus, _sum_row, initial, "sum"), out)


def _only(c, x, other):
    return select(c, x, other)


def _times(acc, x):
    return acc * x


def _prod_row(acc, a):
    d = dtype_of(acc)
    if is_float(d) and same_type(dtype_of(a), d):
        return fold(np.multiply, acc, a)
    if is_integer(d) and is_split(a):
        return in_pieces(acc, a, _prod_integers, _times, cast(1, d))
    return _prod_integers(acc, a)


def _prod_integers(acc, a):
    d = dtype_of(acc)
    for i in range(a.shape[0]):
        acc *= cast(get(a, i), d)
    return acc


@implements(np.prod, "method:array.prod", examples=[
    lambda np: (np.arange(1.0, 9.0) / 3,), lambda np: (np.arange(1, 13).reshape(3, 4), 0), lambda np: (np.arange(1, 7, dtype=np.int8),), lambda np: (np.zeros(0),)])
def prod(a, axis=None, dtype=None, out=None, keepdims=False, initial=1, where=True):
    x = as_array(a)
    d = sum_dtype(x, dtype)
    if is_literal(where) and where:
        return result(reduce(x, axis, d, keepdims, _times, _prod_row, initial, "prod"), out)
    return result(reduce(elementwise(_only, where, x, cast(1, dtype_of(x))), axis, d, keepdims, _times, _prod_row, initial, "prod"), out)


# ---- extrema

def _least(acc, x):
    if is_float(acc):
        return math("minimum", acc, x)
    if is_complex(acc):
        return select(is_nan(acc) or complex_less(acc, x) or acc == x, acc, x)
    if is_bool(acc):
        return acc & x
    return math("imin", acc, x)


def _greatest(acc, x):
    if is_float(acc):
        return math("maximum", acc, x)
    if is_complex(acc):
        return select(is_nan(acc) or complex_less(x, acc) or acc == x, acc, x)
    if is_bool(acc):
        return acc | x
    return math("imax", acc, x)


def _least_row(acc, a):
    if not is_complex(acc):
        return shared_fold(np.minimum, acc, a)
    for i in range(a.shape[0]):
        acc = _least(acc, get(a, i))
    return acc


def _greatest_row(acc, a):
    if not is_complex(acc):
        return shared_fold(np.maximum, acc, a)
    for i in range(a.shape[0]):
        acc = _greatest(acc, get(a, i))
    return acc


@implements(np.min, "method:array.min", examples=[
    lambda np: (np.array([3.0, 1.0, 2.0]),), lambda np: (np.arange(12).reshape(3, 4), 0), lambda np: (np.zeros(0),), lambda np: (np.array([1.0, np.nan, 0.5]),),
    lambda np: (np.arange(12.0).reshape(3, 4), 1, None, True), lambda np: (np.arange(5, dtype=np.uint8),)])
def min_(a, axis=None, out=None, keepdims=False, initial=None, where=True):
    x = as_array(a)
    return result(reduce(x, axis, dtype_of(x), keepdims, _least, _least_row, initial, "min"), out)


@implements(np.max, "method:array.max", examples=[
    lambda np: (np.array([3.0, 1.0, 2.0]),), lambda np: (np.arange(12).reshape(3, 4), 0), lambda np: (np.zeros(0),), lambda np: (np.array([1.0, np.nan, 0.5]),),
    lambda np: (np.arange(12.0).reshape(3, 4), (0, 1)), lambda np: (np.arange(24).reshape(2, 3, 4), (0, 2))])
def max_(a, axis=None, out=None, keepdims=False, initial=None, where=True):
    x = as_array(a)
    return result(reduce(x, axis, dtype_of(x), keepdims, _greatest, _greatest_row, initial, "max"), out)


@implements(np.amin)
def amin(a, axis=None, out=None, keepdims=False, initial=None, where=True):
    return min_(a, axis, out, keepdims, initial, where)


@implements(np.amax)
def amax(a, axis=None, out=None, keepdims=False, initial=None, where=True):
    return max_(a, axis, out, keepdims, initial, where)


@implements(np.ptp, examples=[lambda np: (np.array([3.0, 1.0, 2.0]),), lambda np: (np.arange(12).reshape(3, 4), 0)])
def ptp(a, axis=None, out=None, keepdims=False):
    return result(max_(a, axis, None, keepdims) - min_(a, axis, None, keepdims), out)


# ---- truth

def _or(acc, x):
    return acc | x


def _and(acc, x):
    return acc & x


def _search(a, wanted):
    """Whether an item whose truth is `wanted` occurs: whole blocks are looked through without a branch."""
    n = a.shape[0]
    at = 0
    while at < n:
        to = min(at + 1024, n)
        hits = 0
        for i in range(at, to):
            hits |= int((get(a, i) != 0) == wanted)
        if hits:
            return True
        at = to
    return False


def _any_row(acc, a):
    if is_bool(dtype_of(a)):
        return shared_fold(np.logical_or, acc, a)
    return cast(acc or _search(a, True), np.bool_)


def _all_row(acc, a):
    if is_bool(dtype_of(a)):
        return shared_fold(np.logical_and, acc, a)
    return cast(acc and not _search(a, False), np.bool_)


@implements(np.any, "method:array.any", examples=[
    lambda np: (np.array([False, True]),), lambda np: (np.arange(12).reshape(3, 4) > 5, 0), lambda np: (np.zeros(0),), lambda np: (np.array([0.0, np.nan]),)])
def any_(a, axis=None, out=None, keepdims=False, where=True):
    return result(reduce(as_array(a), axis, dtype_of(np.bool_), keepdims, _or, _any_row, False, "any"), out)


@implements(np.all, "method:array.all", examples=[
    lambda np: (np.array([False, True]),), lambda np: (np.arange(12).reshape(3, 4) > 5, 1), lambda np: (np.zeros(0),), lambda np: (np.array([1.0, np.nan]),)])
def all_(a, axis=None, out=None, keepdims=False, where=True):
    return result(reduce(as_array(a), axis, dtype_of(np.bool_), keepdims, _and, _all_row, True, "all"), out)


@implements("op:truth:array")
def truth_of(a):
    if a.size != 1:
        raise ValueError("The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()")
    return bool(a.item())


def _is_true(x):
    return x != 0


@implements(np.count_nonzero, examples=[lambda np: (np.array([0, 1, 2, 0]),), lambda np: (np.arange(12).reshape(3, 4) % 3, 0), lambda np: (np.array([0.0, np.nan]),)])
def count_nonzero(a, axis=None, keepdims=False):
    x = as_array(a)
    if is_bool(dtype_of(x)):
        return sum_in(x, axis, dtype_of(np.int64), keepdims)
    return sum_in(elementwise(_is_true, x), axis, dtype_of(np.int64), keepdims)


# ---- mean and variance

def _count(a, axis):
    if axis is None:
        return a.size
    if is_literal(axis):
        return count_items(a.shape, axes_mask(axis, a.ndim))
    return a.shape[check_axis(axis, a.ndim)]


def divided(s, n, d):
    """s / n, computed in float64 (complex128) and stored in d."""
    if is_array(s):
        for_d = empty_array(s.shape, d)
        if is_array(n):
            assign(for_d, s / n)
        else:
            assign(for_d, s / cast(n, np.float64))
        return for_d
    return cast(s / cast(n, np.float64), d)


@implements(np.mean, "method:array.mean", examples=[
    lambda np: (np.linspace(0, 1, 1001),), lambda np: (np.arange(12).reshape(3, 4), 0), lambda np: (np.arange(10, dtype=np.float32) / 3,),
    lambda np: (np.linspace(0, 1, 24).reshape(2, 3, 4), (0, 1)), lambda np: (np.arange(12.0).reshape(3, 4), 1, None, None, True), lambda np: (np.arange(4) > 1,)])
def mean(a, axis=None, dtype=None, out=None, keepdims=False):
    x = as_array(a)
    d = float_dtype(x, dtype)
    return result(divided(sum_in(x, axis, d, keepdims), _count(x, axis), d), out)


def _square_deviation(x, m):
    d = x - m
    if is_complex(d):
        return d.real * d.real + d.imag * d.imag
    return d * d


def _variance(x, axis, d, ddof, keepdims):
    if x.ndim > 1 and is_f_contiguous(x) and axis is not None and is_literal(axis):
        return transposed(_variance(x.T, flipped(axis, x.ndim), d, ddof, keepdims))
    n = _count(x, axis)
    m = divided(sum_in(x, axis, d, axis is not None), n, d)
    squares = elementwise(_square_deviation, x, m)
    left = max(cast(n - ddof, np.float64), cast(0, np.float64))
    rd = real_dtype(d)
    return divided(sum_in(squares, axis, rd, keepdims), left, rd)


@implements(np.var, "method:array.var", examples=[
    lambda np: (np.linspace(0, 1, 101),), lambda np: (np.arange(12).reshape(3, 4), 0), lambda np: (np.arange(10, dtype=np.float32) / 3,),
    lambda np: (np.linspace(0, 1, 24).reshape(2, 3, 4), (0, 1)), lambda np: (np.arange(12.0).reshape(3, 4), 1, None, None, 1)])
def var(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, correction=None):
    x = as_array(a)
    if correction is not None:
        return result(_variance(x, axis, float_dtype(x, dtype), correction, keepdims), out)
    return result(_variance(x, axis, float_dtype(x, dtype), ddof, keepdims), out)


@implements(np.std, "method:array.std", examples=[
    lambda np: (np.linspace(0, 1, 101),), lambda np: (np.arange(12).reshape(3, 4), 0), lambda np: (np.arange(12.0).reshape(3, 4), 1, None, None, 1)])
def std(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, correction=None):
    return result(_root(var(a, axis, dtype, None, ddof, keepdims, correction)), out)


def _root(v):
    if is_array(v):
        return elementwise(_sqrt, v)
    return math("sqrt", v)


def _sqrt(x):
    return math("sqrt", x)
