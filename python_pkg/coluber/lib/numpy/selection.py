"""take, compress, extract, choose, put, diag, diagonal, trace, triu and tril."""
import numpy as np

from coluber.extending import implements
from coluber.lib.intrinsics import (
    array_view, cast, dtype_of, elementwise, empty_array, get, is_bool, is_integer, is_number, is_tuple, put, static_error, tuple_remove, tuple_set)
from coluber.lib.numpy._common import as_array, axis_first, axis_last, check_axis, ravelled, result, sum_dtype
from coluber.lib.numpy.indexing import getitem, nonzero


@implements(np.take, "method:array.take", examples=[
    lambda np: (np.arange(10.0), np.array([1, 5, -1])), lambda np: (np.arange(12).reshape(3, 4), np.array([0, 2]), 0), lambda np: (np.arange(12).reshape(3, 4), np.array([[0, 2], [1, 1]]), 1),
    lambda np: (np.arange(12).reshape(3, 4), 5), lambda np: (np.arange(10), [3, 4]), lambda np: (np.arange(10), np.array([10])), lambda np: (np.arange(10), np.array([12, -3]), None, None, "wrap"),
    lambda np: (np.arange(10), np.array([12, -3]), None, None, "clip")])
def take(a, indices, axis=None, out=None, mode="raise"):
    x = as_array(a)
    if axis is None:
        return take(ravelled(x if x.ndim > 0 else x[None]), indices, 0, out, mode)
    k = check_axis(axis, x.ndim)
    if is_number(indices):
        r = axis_first(x, k)[_placed(indices, x.shape[k], mode)]
        return r if is_number(r) else np.copy(r)
    idx = as_array(indices)
    if mode == "raise":
        return _moved(getitem(axis_first(x, k), idx), k, idx.ndim)
    return _moved(getitem(axis_first(x, k), elementwise(_placed_wrap if mode == "wrap" else _placed_clip, idx, x.shape[k])), k, idx.ndim)


def _placed_wrap(i, n):
    return cast(i, np.int64) % cast(n, np.int64)


def _placed_clip(i, n):
    return min(max(cast(i, np.int64), cast(0, np.int64)), cast(n - 1, np.int64))


def _placed(i, n, mode):
    if mode == "wrap":
        return i % n
    if mode == "clip":
        return min(max(i, 0), n - 1)
    return i


def _moved(r, k, n):
    """The first n axes moved behind k others."""
    if k == 0:
        return r
    if n == 1:
        return np.moveaxis(r, 0, k)
    return np.moveaxis(_moved_last(r, k, n), 0, k)


def _moved_last(r, k, n):
    if n == 1:
        return r
    return _moved_last(np.moveaxis(r, n - 1, k + n - 1), k, n - 1)


@implements(np.compress, examples=[lambda np: (np.array([True, False, True]), np.arange(12).reshape(3, 4), 0), lambda np: (np.array([1, 0, 1]), np.arange(5))])
def compress(condition, a, axis=None):
    x = as_array(a)
    keep = nonzero(as_array(condition))[0]
    return take(x, keep, axis)


@implements("method:array.compress")
def array_compress(a, condition, axis=None):
    return compress(condition, a, axis)


@implements(np.extract, examples=[lambda np: (np.arange(6) % 2 == 0, np.arange(6)), lambda np: (np.arange(6).reshape(2, 3) % 2, np.arange(6).reshape(2, 3))])
def extract(condition, arr):
    return take(ravelled(as_array(arr)), nonzero(ravelled(as_array(condition)))[0], 0)


# ---- diagonals

def _diagonal_view(x, offset):
    row = max(-offset, 0)
    column = max(offset, 0)
    n = max(min(x.shape[0] - row, x.shape[1] - column), 0)
    start = row * x.strides[0] + column * x.strides[1] if n > 0 else 0
    return array_view(x, (n,), (x.strides[0] + x.strides[1],), start, "A")


@implements(np.diagonal, "method:array.diagonal", examples=[lambda np: (np.arange(12).reshape(3, 4),), lambda np: (np.arange(12).reshape(3, 4), 1), lambda np: (np.arange(12).reshape(3, 4), -5)])
def diagonal(a, offset=0, axis1=0, axis2=1):
    x = as_array(a)
    if x.ndim < 2:
        raise ValueError("diag requires an array of at least two dimensions")
    i = check_axis(axis1, x.ndim)
    j = check_axis(axis2, x.ndim)
    if i == j:
        raise ValueError("axis1 and axis2 cannot be the same")
    row = max(-offset, 0)
    column = max(offset, 0)
    n = max(min(x.shape[i] - row, x.shape[j] - column), 0)
    start = row * x.strides[i] + column * x.strides[j] if n > 0 else 0
    shape = tuple_remove(tuple_remove(x.shape, max(i, j)), min(i, j)) + (n,)
    strides = tuple_remove(tuple_remove(x.strides, max(i, j)), min(i, j)) + (x.strides[i] + x.strides[j],)
    return array_view(x, shape, strides, start, "A")


@implements(np.diag, examples=[lambda np: (np.arange(3),), lambda np: (np.arange(3.0), 1), lambda np: (np.arange(12).reshape(3, 4),), lambda np: (np.arange(12).reshape(3, 4), -1)])
def diag(v, k=0):
    x = as_array(v)
    if x.ndim == 1:
        n = x.shape[0] + abs(k)
        out = empty_array((n, n), dtype_of(x), "C", True)
        for i in range(x.shape[0]):
            put(out, get(x, i), i + max(-k, 0), i + max(k, 0))
        return out
    if x.ndim != 2:
        raise ValueError("Input must be 1- or 2-d.")
    return np.copy(_diagonal_view(x, k))


@implements(np.diagflat, examples=[lambda np: (np.arange(4).reshape(2, 2),)])
def diagflat(v, k=0):
    return diag(ravelled(as_array(v)), k)


@implements(np.trace, "method:array.trace", examples=[lambda np: (np.arange(9.0).reshape(3, 3),), lambda np: (np.arange(12).reshape(3, 4), 1), lambda np: (np.arange(24).reshape(2, 3, 4),)])
def trace(a, offset=0, axis1=0, axis2=1, dtype=None):
    return np.sum(diagonal(a, offset, axis1, axis2), -1, dtype)


# ---- triangles

def _triangle(out, x, k, lower):
    """Copies x to out, with zeros above (lower) or below the diagonal k."""
    if x.ndim > 2:
        for i in range(x.shape[0]):
            _triangle(out[i], x[i], k, lower)
    else:
        zero = cast(0, dtype_of(x))
        for i in range(x.shape[0]):
            m = x.shape[1]
            if lower:
                edge = min(max(i + k + 1, 0), m)
                for j in range(edge):
                    put(out, get(x, i, j), i, j)
                for j in range(edge, m):
                    put(out, zero, i, j)
            else:
                edge = min(max(i + k, 0), m)
                for j in range(edge):
                    put(out, zero, i, j)
                for j in range(edge, m):
                    put(out, get(x, i, j), i, j)


@implements(np.tril, examples=[lambda np: (np.arange(12).reshape(3, 4),), lambda np: (np.arange(12.0).reshape(3, 4), 1), lambda np: (np.arange(24).reshape(2, 3, 4), -1)])
def tril(m, k=0):
    x = as_array(m)
    out = empty_array(x.shape, dtype_of(x))
    _triangle(out, x, k, True)
    return out


@implements(np.triu, examples=[lambda np: (np.arange(12).reshape(3, 4),), lambda np: (np.arange(12.0).reshape(3, 4), 1), lambda np: (np.arange(24).reshape(2, 3, 4), -1)])
def triu(m, k=0):
    x = as_array(m)
    out = empty_array(x.shape, dtype_of(x))
    _triangle(out, x, k, False)
    return out


# ---- by index arrays of the same shape

def _choice(a, choices, k):
    if len(choices) == 1:
        return np.where(a == k, choices[0], choices[0])
    return np.where(a == k, choices[0], _choice(a, choices[1:], k + 1))


@implements(np.choose, examples=[
    lambda np: (np.array([2, 0, 1, 0]), (np.array([0, 1, 2, 3]), np.array([10, 11, 12, 13]), np.array([20, 21, 22, 23]))), lambda np: (np.array([0, 1]), (5, 7.5)), lambda np: (np.array([0, 4]), (np.array([1, 2]), np.array([3, 4]))),
    lambda np: (np.array([0, 4]), (np.array([1, 2]), np.array([3, 4])), None, "clip")])
def choose(a, choices, out=None, mode="raise"):
    index = as_array(a)
    if not (is_integer(dtype_of(index)) or is_bool(dtype_of(index))):
        static_error("choose() takes indices of integers: NumPy casts no others safely")
    if not is_tuple(choices):
        static_error("choose() takes the choices as a tuple here: their number has to be known")
    n = len(choices)
    if mode == "wrap":
        return result(_choice(index % n, choices, 0), out)
    if mode == "clip":
        return result(_choice(np.clip(index, 0, n - 1), choices, 0), out)
    if np.any(index < 0) or np.any(index >= n):
        raise ValueError("invalid entry in choice array")
    return result(_choice(index, choices, 0), out)


def _along_rows(out, x, idx):
    if idx.ndim > 1:
        for i in range(idx.shape[0]):
            _along_rows(out[i], x[i], idx[i])
    else:
        for i in range(idx.shape[0]):
            put(out, x[int(get(idx, i))], i)


@implements(np.take_along_axis, examples=[
    lambda np: (np.array([[10, 30, 20], [60, 40, 50]]), np.array([[0, 2, 1], [1, 2, 0]]), 1), lambda np: (np.array([[10.0, 30.0], [60.0, 40.0]]), np.array([[1, 0]]), 0), lambda np: (np.arange(4.0), np.array([3, -1]), 0), lambda np: (np.arange(4.0), np.array([4]), 0)])
def take_along_axis(arr, indices, axis=-1):
    if axis is None:
        return take_along_axis(ravelled(arr), ravelled(indices), 0)
    if arr.ndim != indices.ndim:
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    k = check_axis(axis, arr.ndim)
    if arr.ndim > 1 and tuple_set(arr.shape, k, 0) != tuple_set(indices.shape, k, 0):
        raise IndexError("shape mismatch: indexing arrays could not be broadcast together")
    out = empty_array(indices.shape, dtype_of(arr))
    _along_rows(axis_last(out, k), axis_last(arr, k), axis_last(indices, k))
    return out
