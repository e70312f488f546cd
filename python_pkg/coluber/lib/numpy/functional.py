"""Functions that call a function of the caller's: vectorize, apply_along_axis, apply_over_axes, fromfunction."""
import numpy as np

from coluber.extending import implements
from coluber.lib.intrinsics import (
    array_view, assign, cast, dtype_of, empty_array, get, is_array, is_contiguous, put, range_tuple, static_error, tuple_map, tuple_remove, weak)
from coluber.lib.numpy._broadcast import broadcast_all
from coluber.lib.numpy._common import as_array, as_tuple, axis_back, axis_last, check_axis, product


# ---- vectorize

def _item(a, i):
    return weak(get(a, i))


def _row(a, i):
    return a[i]


def _fill(f, out, arrays):
    if out.ndim == 1:
        for i in range(out.shape[0]):
            put(out, cast(f(*tuple_map(_item, arrays, i)), dtype_of(out)), i)
    else:
        for i in range(out.shape[0]):
            _fill(f, out[i], tuple_map(_row, arrays, i))


def _first(f, arrays):
    """As NumPy finds the dtype: f of its own scalars, while all items are computed as Python's numbers."""
    if arrays[0].ndim == 1:
        return f(*tuple_map(get, arrays, 0))
    return _first(f, tuple_map(_row, arrays, 0))


def _scalar(a):
    return weak(get(a, ()))


def over_items(f, otypes, args):
    """f of the items of arrays, as Python's numbers; the first result says what the dtype is, as in NumPy."""
    arrays = broadcast_all(tuple_map(as_array, args))
    if arrays[0].ndim == 0:
        r = f(*tuple_map(_scalar, arrays))
        return np.asarray(r) if otypes is None else np.asarray(r, dtype_of(otypes))
    shape = arrays[0].shape
    if otypes is None:
        if product(shape) == 0:
            raise ValueError("cannot call `vectorize` on size 0 inputs unless `otypes` is set")
        out = empty_array(shape, dtype_of(_first(f, arrays)))
    else:
        out = empty_array(shape, dtype_of(otypes))
    _fill(f, out, arrays)
    return out


@implements(np.vectorize)
def vectorize(pyfunc, otypes=None):
    def vectorized(*args):
        return over_items(pyfunc, otypes, args)
    return vectorized


# ---- along axes

def _slice(a, k):
    """The k-th of the one-dimensional slices along the last axis, in C order."""
    m = a.ndim - 1
    if is_contiguous(a):
        return array_view(a, (a.shape[m],), (), k * a.shape[m] * a.itemsize, "C")
    offset = 0
    for d in range(m - 1, -1, -1):
        offset += k % a.shape[d] * a.strides[d]
        k = k // a.shape[d]
    return array_view(a, (a.shape[m],), (a.strides[m],), offset, "A")


def _moved_back(out, axis, times):
    if times == 0:
        return out
    return _moved_back(axis_back(out, axis), axis, times - 1)


@implements(np.apply_along_axis)
def apply_along_axis(func1d, axis, arr, *args):
    a = as_array(arr)
    axis = check_axis(axis, a.ndim)
    last = axis_last(a, axis)
    outer = tuple_remove(a.shape, axis)
    n = product(outer)
    if n == 0:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    first = func1d(_slice(last, 0), *args)
    if is_array(first):
        out = empty_array(outer + first.shape, dtype_of(first))
        rows = array_view(out, (n,) + first.shape, (), 0, "C")
        assign(rows[0], first)
        for k in range(1, n):
            assign(rows[k], func1d(_slice(last, k), *args))
        return _moved_back(out, axis, first.ndim)
    if a.ndim == 1:
        return np.asarray(first)
    out = empty_array(outer, dtype_of(first))
    flat = array_view(out, (n,), (), 0, "C")
    put(flat, first, 0)
    for k in range(1, n):
        put(flat, cast(func1d(_slice(last, k), *args), dtype_of(out)), k)
    return out


def _over(func, a, axes):
    if len(axes) == 0:
        return a
    axis = axes[0] + a.ndim if axes[0] < 0 else axes[0]
    r = as_array(func(a, axis))
    if r.ndim == a.ndim:
        return _over(func, r, axes[1:])
    if r.ndim != a.ndim - 1:
        static_error("apply_over_axes: the function gives an array of ", r.ndim, " dimensions for one of ", a.ndim)
    return _over(func, np.expand_dims(r, axis), axes[1:])


@implements(np.apply_over_axes)
def apply_over_axes(func, a, axes):
    return _over(func, as_array(a), as_tuple(axes))


# ---- fromfunction

def _indices(axis, shape, dtype):
    """The index along `axis` at each place of an array of that shape."""
    out = empty_array(shape, dtype)
    inner = product(shape[axis + 1:])
    flat = array_view(out, (product(shape),), (), 0, "C")
    n = shape[axis]
    for i in range(flat.shape[0]):
        put(flat, cast(i // inner % n, dtype), i)
    return out


@implements(np.fromfunction)
def fromfunction(function, shape, dtype=float):
    return function(*tuple_map(_indices, range_tuple(len(shape)), shape, dtype_of(dtype)))
