"""argmin, argmax; cumsum, cumprod."""
import numpy as np

from coluber.extending import implements
from coluber.lib.intrinsics import (
    array_view, assign, cast, dtype_of, empty_array, get, is_complex, is_literal, place_of, put, rounds, tuple_insert, tuple_remove)
from coluber.lib.numpy._common import COST, as_array, axis_first, axis_last, check_axis, contiguous, is_nan, ravelled, result, row_work, sum_dtype
from coluber.lib.numpy._reduce import MOST_PIECES, PIECE, cut, is_split, nth_piece


def _less(x, y):
    return x < y


def _greater(x, y):
    return x > y


def _argmin_row(a):
    return _place("argmin", a, _less)


def _argmax_row(a):
    return _place("argmax", a, _greater)


def _place(name, a, better):
    if is_complex(dtype_of(a)) or not is_split(a):
        return place_of(name, contiguous(a))
    n = a.shape[0]
    m = min(n // PIECE, MOST_PIECES)
    places = empty_array((m,), np.int64)
    for k in rounds(m, n // m * COST):
        put(places, cut(n, k, m) + place_of(name, contiguous(nth_piece(a, k, m))), k)
    best = get(places, 0)
    for k in range(1, m):
        x, y = get(a, get(places, k)), get(a, best)
        if better(x, y) or is_nan(x) and not is_nan(y):    # of equals, and of nans, the first
            best = get(places, k)
    return best


def _each(dst, src, place):
    """dst[i] = the place in src[i], for the rows along the last axis of src; several threads take rows."""
    for i in rounds(src.shape[0], row_work(src)):
        _each_row(dst, src, place, i)


def _each_row(dst, src, place, i):
    if src.ndim == 2:
        put(dst, place_of(place, contiguous(src[i])), i)
    else:
        for k in range(src.shape[1]):
            _each_row(dst[i], src[i], place, k)


def _arg(a, axis, keepdims, row, place, name):
    if axis is None:
        if a.size == 0:
            _empty(name)
        r = cast(row(ravelled(_one(a))), np.int64)
        if keepdims:
            return np.full(np.ones_like(a).shape, r)
        return r
    k = check_axis(axis, a.ndim)
    if a.shape[k] == 0:
        _empty(name)
    if a.ndim == 1 and not keepdims:
        return cast(row(a), np.int64)
    if a.ndim == 1:
        out = empty_array((1,), np.int64)
        put(out, row(a), 0)
        return out
    out = empty_array(tuple_remove(a.shape, k), np.int64)
    _each(out, axis_last(a, k), place)
    if keepdims:
        return array_view(out, tuple_insert(out.shape, k, 1), (), 0, "C")
    return out


def _one(a):
    if a.ndim == 0:
        return a[None]
    return a


def _empty(name):
    if name == "min":
        raise ValueError("attempt to get argmin of an empty sequence")
    raise ValueError("attempt to get argmax of an empty sequence")


@implements(np.argmin, "method:array.argmin", examples=[
    lambda np: (np.array([3.0, 1.0, 2.0, 1.0]),), lambda np: (np.array([3.0, np.nan, 1.0]),), lambda np: (np.arange(12).reshape(3, 4) % 5, 0),
    lambda np: (np.arange(12).reshape(3, 4) % 5, 1), lambda np: (np.zeros(0),), lambda np: (np.arange(24).reshape(2, 3, 4) % 7, 1)])
def argmin(a, axis=None, out=None, keepdims=False):
    return result(_arg(as_array(a), axis, keepdims, _argmin_row, "argmin", "min"), out)


@implements(np.argmax, "method:array.argmax", examples=[
    lambda np: (np.array([3.0, 1.0, 2.0, 3.0]),), lambda np: (np.array([3.0, np.nan, 4.0]),), lambda np: (np.arange(12).reshape(3, 4) % 5, 0),
    lambda np: (np.arange(12).reshape(3, 4) % 5, -1), lambda np: (np.zeros(0),), lambda np: (np.array([False, True, True]),)])
def argmax(a, axis=None, out=None, keepdims=False):
    return result(_arg(as_array(a), axis, keepdims, _argmax_row, "argmax", "max"), out)


# ---- running sums and products

def _plus(x, y):
    return x + y


def _times(x, y):
    return x * y


def _scan(dst, src, axis, op, start):
    d = dtype_of(dst)
    if axis > 0:
        for i in range(src.shape[0]):
            _scan(dst[i], src[i], axis - 1, op, start)
    elif src.ndim == 1:
        acc = cast(start, d)
        for i in range(src.shape[0]):
            acc = op(acc, cast(get(src, i), d))
            put(dst, acc, i)
    else:
        if src.shape[0] > 0:
            assign(dst[0], src[0])
        for i in range(1, src.shape[0]):
            _scan_rows(dst[i], dst[i - 1], src[i], op)


def _scan_rows(dst, before, src, op):
    if src.ndim == 1:
        d = dtype_of(dst)
        for j in range(src.shape[0]):
            put(dst, op(get(before, j), cast(get(src, j), d)), j)
    else:
        for i in range(src.shape[0]):
            _scan_rows(dst[i], before[i], src[i], op)


def _scanned(a, axis, d, op, start):
    """start leaves any number as it is: -0.0 for sums."""
    if axis is None:
        flat = ravelled(_one(a))
        out = empty_array(flat.shape, d)
        _scan(out, flat, 0, op, start)
        return out
    out = empty_array(a.shape, d)
    k = check_axis(axis, a.ndim)
    if is_literal(k):
        _scan(out, a, k, op, start)
    else:
        _scan(axis_first(out, k), axis_first(a, k), 0, op, start)
    return out


@implements(np.cumsum, "method:array.cumsum", examples=[
    lambda np: (np.linspace(0, 1, 20),), lambda np: (np.arange(12).reshape(3, 4), 0), lambda np: (np.arange(12).reshape(3, 4), 1), lambda np: (np.arange(12).reshape(3, 4),),
    lambda np: (np.arange(5, dtype=np.int8),), lambda np: (np.zeros(0),)])
def cumsum(a, axis=None, dtype=None, out=None):
    x = as_array(a)
    return result(_scanned(x, axis, sum_dtype(x, dtype), _plus, -0.0), out)


@implements(np.cumprod, "method:array.cumprod", examples=[lambda np: (np.linspace(1, 2, 20),), lambda np: (np.arange(1, 13).reshape(3, 4), 0)])
def cumprod(a, axis=None, dtype=None, out=None):
    x = as_array(a)
    return result(_scanned(x, axis, sum_dtype(x, dtype), _times, 1), out)
