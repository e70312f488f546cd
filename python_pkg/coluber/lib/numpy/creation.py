"""New arrays: empty, zeros, ones, full and their *_like, arange, linspace, eye, array and asarray with what they are made of."""
import math as pymath

import numpy as np

from coluber.extending import implements
from coluber.lib.intrinsics import (
    assign, cast, dtype_of, empty_array, is_array, is_contiguous, is_f_contiguous, is_integer, is_list, is_literal, is_number, is_tuple, item,
    promote, put, rounds, same_type, weak, zero_item)
from coluber.lib.numpy._common import as_array, as_tuple, contiguous


def _order(a, order):
    """The layout of a new array after `a` under an order argument of NumPy."""
    if order == "F":
        return "F"
    if order == "C":
        return "C"
    if is_f_contiguous(a) and not is_contiguous(a):
        return "F"
    return "C"


def _dtype(a, dtype):
    if dtype is None:
        return dtype_of(a)
    return dtype_of(dtype)


def _plain(order):
    if order == "F":
        return "F"
    return "C"


@implements(np.empty, examples=[])
def empty(shape, dtype=np.float64, order="C"):
    return empty_array(as_tuple(shape), _dtype(0.0, dtype), _plain(order))


@implements(np.zeros, examples=[lambda np: (5,), lambda np: ((2, 3), np.int32), lambda np: ((2, 3), np.complex64, "F"), lambda np: (0,)])
def zeros(shape, dtype=np.float64, order="C"):
    return empty_array(as_tuple(shape), _dtype(0.0, dtype), _plain(order), True)


@implements(np.ones, examples=[lambda np: (5,), lambda np: ((2, 3), np.int32), lambda np: ((2, 3), np.bool_, "F"), lambda np: ((),)])
def ones(shape, dtype=np.float64, order="C"):
    out = empty_array(as_tuple(shape), _dtype(0.0, dtype), _plain(order))
    assign(out, cast(1, dtype_of(out)))
    return out


@implements(np.full, examples=[lambda np: (5, 2.5), lambda np: ((2, 3), 7), lambda np: ((2, 3), 7.9, np.int16), lambda np: ((2, 3), 1j)])
def full(shape, fill_value, dtype=None, order="C"):
    out = empty_array(as_tuple(shape), _dtype(fill_value, dtype), _plain(order))
    assign(out, as_fill(fill_value))
    return out


def as_fill(v):
    if is_number(v):
        return v
    return as_array(v)


def _like(prototype, dtype, order, shape):
    if shape is None:
        return empty_array(prototype.shape, _dtype(prototype, dtype), _order(prototype, order))
    return empty_array(as_tuple(shape), _dtype(prototype, dtype), _order(prototype, order))


@implements(np.empty_like)
def empty_like(prototype, dtype=None, order="K", subok=True, shape=None):
    return _like(as_array(prototype), dtype, order, shape)


@implements(np.zeros_like, examples=[lambda np: (np.arange(6.0).reshape(2, 3),), lambda np: (np.arange(4), np.float32), lambda np: ([1, 2],)])
def zeros_like(a, dtype=None, order="K", subok=True, shape=None):
    out = _like(as_array(a), dtype, order, shape)
    assign(out, cast(0, dtype_of(out)))
    return out


@implements(np.ones_like, examples=[lambda np: (np.arange(6.0).reshape(2, 3),), lambda np: (np.arange(4), np.float32)])
def ones_like(a, dtype=None, order="K", subok=True, shape=None):
    out = _like(as_array(a), dtype, order, shape)
    assign(out, cast(1, dtype_of(out)))
    return out


@implements(np.full_like, examples=[lambda np: (np.arange(6.0).reshape(2, 3), 7), lambda np: (np.arange(4), 2.5), lambda np: (np.arange(4), 2.5, float)])
def full_like(a, fill_value, dtype=None, order="K", subok=True, shape=None):
    out = _like(as_array(a), dtype, order, shape)
    assign(out, as_fill(fill_value))
    return out


@implements(np.arange, examples=[
    lambda np: (10,), lambda np: (0,), lambda np: (2, 9), lambda np: (2, 9, 3), lambda np: (9, 2, -2), lambda np: (0.0, 1.0, 0.1),
    lambda np: (1.0, 0.0, -0.3), lambda np: (5.5,), lambda np: (0, 10, 0.5), lambda np: (5, 1), lambda np: (0, 7, 2, np.int8), lambda np: (0.0, 3.0, 0.7, np.float32)])
def arange(start, stop=None, step=1, dtype=None):
    if stop is None:
        return _arange(0, start, step, dtype)
    if step is None:
        return _arange(start, stop, 1, dtype)
    return _arange(start, stop, step, dtype)


def _arange(start, stop, step, dtype):
    if dtype is None:
        d = promote(start, stop, step)
    else:
        d = dtype_of(dtype)
    if is_literal(step) and step == 1 and is_integer(start) and is_integer(stop) and is_integer(d):
        n = max(int(stop) - int(start), 0)
        out = empty_array((n,), d)
        for i in rounds(n, 2):
            put(out, cast(start + i, d), i)
        return out
    length = (weak(stop) - weak(start)) / weak(step)
    if length != length:
        raise ValueError("arange: cannot compute length")
    if length > 9.2e18:
        raise ValueError("Maximum allowed size exceeded")
    n = max(pymath.ceil(length), 0)
    out = empty_array((n,), d)
    first = cast(start, d)
    delta = cast(start + step, d) - first
    for i in rounds(n, 4):
        put(out, first + cast(i, d) * delta, i)
    return out


@implements(np.linspace, examples=[
    lambda np: (0.0, 1.0), lambda np: (0, 10, 7), lambda np: (2.0, 3.0, 5, False), lambda np: (1.0, 1.0, 4), lambda np: (0.0, 1.0, 1), lambda np: (0.0, 1.0, 0),
    lambda np: (5, 1, 9, True, False, np.int64), lambda np: (0.0, 1.0, 5, True, True), lambda np: (0.0, 1j, 5), lambda np: (0.0, 1.0, -1)])
def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None):
    if num < 0:
        raise ValueError("Number of samples must be non-negative.")
    dt = promote(start, stop, 1.0)
    if endpoint:
        div = num - 1
    else:
        div = num
    first = cast(start, dt)
    last = cast(stop, dt)
    delta = last - first
    step = delta / cast(max(div, 1), dt)
    y = empty_array((num,), dt)
    for i in rounds(num, 4):
        put(y, cast(i, dt) * step + first, i)
    if step == 0 and delta != 0:
        _underflown(y, first, delta, div)
    if endpoint and num > 1:
        put(y, last, num - 1)
    if retstep:
        return _linspace_cast(y, dtype), step if div > 0 else cast(np.nan, dt)
    return _linspace_cast(y, dtype)


def _underflown(y, first, delta, div):
    """The interval is not zero, but its part is: NumPy divides first then. At most a handful of float's smallest numbers apart."""
    i = 0
    while i < y.shape[0]:
        put(y, (cast(i, dtype_of(y)) / cast(div, dtype_of(y))) * delta + first, i)
        i += 1


def _linspace_cast(y, dtype):
    if dtype is None:
        return y
    d = dtype_of(dtype)
    out = empty_array(y.shape, d)
    if is_integer(d):
        assign(out, np.floor(y))
    else:
        assign(out, y)
    return out


@implements(np.eye, examples=[lambda np: (3,), lambda np: (2, 4), lambda np: (4, 3, 1), lambda np: (3, None, -1, np.int64), lambda np: (3, 3, 5)])
def eye(N, M=None, k=0, dtype=np.float64, order="C"):
    if M is None:
        return _eye(N, N, k, dtype, order)
    return _eye(N, M, k, dtype, order)


def _eye(n, m, k, dtype, order):
    out = empty_array((n, m), dtype_of(dtype), _plain(order), True)
    one = cast(1, dtype_of(dtype))
    for i in range(max(0, -k), min(n, m - k)):
        put(out, one, i, i + k)
    return out


@implements(np.identity, examples=[lambda np: (3,), lambda np: (2, np.int32)])
def identity(n, dtype=None):
    if dtype is None:
        return _eye(n, n, 0, np.float64, "C")
    return _eye(n, n, 0, dtype, "C")


@implements(np.tri, examples=[lambda np: (3,), lambda np: (3, 5, 1), lambda np: (4, 3, -1, np.int64)])
def tri(N, M=None, k=0, dtype=np.float64):
    if M is None:
        return _tri(N, N, k, dtype)
    return _tri(N, M, k, dtype)


def _tri(n, m, k, dtype):
    out = empty_array((n, m), dtype_of(dtype), "C", True)
    one = cast(1, dtype_of(dtype))
    for i in range(n):
        for j in range(min(max(i + k + 1, 0), m)):
            put(out, one, i, j)
    return out


# ---- arrays of nested sequences

def _sequence_shape(x):
    """Lengths of a nested sequence, from its first items."""
    if is_array(x):
        return x.shape
    if is_tuple(x):
        if len(x) == 0:
            return (0,)
        return (len(x),) + _sequence_shape(x[0])
    if is_list(x):
        return (len(x),) + _sequence_shape(zero_item(x))
    if is_number(x):
        return ()
    return (len(x),)


def _ragged(n, want):
    if n != want:
        raise ValueError("setting an array element with a sequence. The requested array has an inhomogeneous shape")


def _fill(dst, x):
    """dst[...] = x, a nested sequence of the same shape."""
    if is_number(x):
        put(dst, cast(x, dtype_of(dst)))
    elif is_array(x):
        if x.ndim == dst.ndim and x.ndim > 0:
            for k in range(x.ndim):
                _ragged(x.shape[k], dst.shape[k])
        assign(dst, x)
    elif is_tuple(x):
        _ragged(len(x), dst.shape[0])
        _fill_tuple(dst, x, 0)
    else:
        _ragged(len(x), dst.shape[0])
        for i in range(len(x)):
            if dst.ndim == 1:
                put(dst, cast(item(x, i), dtype_of(dst)), i)
            else:
                _fill(dst[i], item(x, i))


def _fill_tuple(dst, x, at):
    if len(x) > 0:
        if dst.ndim == 1:
            if is_number(x[0]):
                put(dst, cast(x[0], dtype_of(dst)), at)
            elif is_array(x[0]):
                put(dst, cast(x[0].item(), dtype_of(dst)), at)
            else:
                _ragged(1, 0)
        else:
            _fill(dst[at], x[0])
        _fill_tuple(dst, x[1:], at + 1)


@implements("op:as_array")
def sequence_array(x):
    return sequence_array_dtype(x, _sequence_dtype(x))


@implements("op:as_array_dtype")
def sequence_array_dtype(x, dtype):
    if is_array(x):
        return x.astype(dtype)
    out = empty_array(_sequence_shape(x), dtype_of(dtype))
    _fill(out, x)
    return out


def _sequence_dtype(x):
    """The dtype of an array made of x; nested tuples promote over all items."""
    if is_tuple(x):
        if len(x) == 0:
            return dtype_of(np.float64)
        if len(x) == 1:
            return _sequence_dtype(x[0])
        return promote(_sequence_dtype(x[0]), _sequence_dtype(x[1:]))
    return dtype_of(x)


@implements("op:assign_sequence")
def assign_sequence(dst, x):
    """dst[...] = x for a list or tuple x."""
    a = sequence_array(x)
    if dst.ndim > 0 and a.ndim > 0 and a.shape[a.ndim - 1] != dst.shape[dst.ndim - 1] and a.shape[a.ndim - 1] != 1:
        raise ValueError("could not broadcast input array from the sequence's shape into the destination's")
    assign(dst, a)


def _ordered(a, d, order, copy):
    """The array a under a dtype and an order; a itself where nothing has to change and copy is False."""
    if not copy and same_type(dtype_of(a), d):
        if order == "C":
            return contiguous(a)
        if order != "F" or is_f_contiguous(a):
            return a
    out = empty_array(a.shape, d, _order(a, order))
    assign(out, a)
    return out


@implements(np.array, examples=[
    lambda np: (np.arange(6).reshape(2, 3),), lambda np: ([1.5, 2.5, 3.0],), lambda np: (((1, 2), (3, 4)),), lambda np: (((1, 2.5), (3, 4)),),
    lambda np: ([1, 2, 3], np.float32), lambda np: (3.5,)])
def array(object, dtype=None, *, copy=True, order="K", subok=False, ndmin=0):
    if not is_array(object):
        a = sequence_array_dtype(object, _sequence_dtype(object) if dtype is None else dtype)
        return _at_least(a, ndmin)
    if copy is None:
        return _at_least(_ordered(object, _dtype(object, dtype), order, False), ndmin)
    return _at_least(_ordered(object, _dtype(object, dtype), order, copy), ndmin)


def _at_least(a, ndmin):
    if a.ndim >= ndmin:
        return a
    return _at_least(a[None], ndmin)


@implements(np.asarray, examples=[
    lambda np: (np.arange(6).reshape(2, 3),), lambda np: ([1.5, 2.5, 3.0],), lambda np: ((1, 2, 3), np.float64), lambda np: (np.arange(4), np.int64)])
def asarray(a, dtype=None, order=None, *, copy=None):
    if not is_array(a):
        return sequence_array_dtype(a, _sequence_dtype(a) if dtype is None else dtype)
    if copy is None:
        return _ordered(a, _dtype(a, dtype), order, False)
    return _ordered(a, _dtype(a, dtype), order, copy)


@implements(np.ascontiguousarray, examples=[lambda np: (np.arange(6.0).reshape(2, 3).T,), lambda np: (np.arange(6.0)[::2],), lambda np: (np.arange(4), np.float32)])
def ascontiguousarray(a, dtype=None):
    r = asarray(a, dtype, "C")
    if r.ndim == 0:
        return r[None]
    return r


@implements(np.asfortranarray, examples=[lambda np: (np.arange(6.0).reshape(2, 3),), lambda np: (np.arange(6.0)[::2],)])
def asfortranarray(a, dtype=None):
    r = asarray(a, dtype, "F")
    if r.ndim == 0:
        return r[None]
    return r


@implements(np.copy, examples=[lambda np: (np.arange(6.0).reshape(2, 3),), lambda np: (np.arange(6.0).reshape(2, 3).T,), lambda np: ([1, 2],)])
def copy(a, order="K", subok=False):
    if not is_array(a):
        return asarray(a)
    return _ordered(a, dtype_of(a), order, True)


@implements("method:array.copy", examples=[lambda np: (np.arange(6.0).reshape(2, 3),), lambda np: (np.arange(6.0).reshape(2, 3).T,), lambda np: (np.arange(8)[::2],)])
def array_copy(a, order="C"):
    return _ordered(a, dtype_of(a), order, True)
