"""concatenate, stack and their kin, split, repeat, tile, append, pad-free joins; meshgrid."""
import numpy as np

from coluber.extending import implements
from coluber.lib.intrinsics import (
    array_view, assign, dtype_of, empty_array, get, guard, is_array, is_contiguous, is_literal, is_number, is_tuple, mem_copy, promote, put, same_type, static_error,
    tuple_map, tuple_set)
from coluber.lib.numpy._common import as_array, as_tuple, axis_first, check_axis, narrow, ravelled
from coluber.lib.numpy.shape import atleast_1d, atleast_2d, expand_dims


def _each(x):
    return as_array(x)


def _parts(arrays):
    """The arrays of a sequence, as a tuple."""
    if is_array(arrays):
        static_error("pass the arrays as a tuple or a list literal: the number of arrays has to be known")
    if not is_tuple(arrays):
        static_error("a list of arrays is written as a literal or a tuple here: the number of arrays has to be known")
    if len(arrays) == 0:
        raise ValueError("need at least one array to concatenate")
    return tuple_map(_each, arrays)


def _common_dtype(parts):
    if len(parts) == 1:
        return dtype_of(parts[0])
    return promote(dtype_of(parts[0]), _common_dtype(parts[1:]))


def _length(parts, k):
    if len(parts) == 0:
        return 0
    return parts[0].shape[k] + _length(parts[1:], k)


def _copy_part(out, p, k, at):
    """Part p to its place along axis k. Contiguous parts go block by block."""
    if is_contiguous(p) and same_type(dtype_of(p), dtype_of(out)):
        if is_literal(k) and k == 0:
            mem_copy(array_view(out, (0,), (), at * out.strides[0], "C"), p, p.nbytes)
        elif p.size > 0:
            block = p.shape[k] * p.strides[k]
            row = out.shape[k] * out.strides[k]
            to = at * out.strides[k]
            start = 0
            while start < p.nbytes:
                mem_copy(array_view(out, (0,), (), to, "C"), array_view(p, (0,), (), start, "C"), block)
                start += block
                to += row
    else:
        assign(narrow(out, k, at, at + p.shape[k]), p)


def _check_part(out, p, k, index):
    for j in range(out.ndim):
        guard(j == k or p.shape[j] == out.shape[j], "ConcatenateSize", j, out.shape[j], index, p.shape[j])


def _copy_parts(out, parts, k, index):
    if len(parts) > 0:
        p = parts[0]
        if out.ndim > 1 and tuple_set(p.shape, k, 0) != tuple_set(out.shape, k, 0):
            _check_part(out, p, k, index)
        _copy_part(out, p, k, out.shape[k] - _length(parts, k))     # no literal 0: one specialisation for all parts of a type
        _copy_parts(out, parts[1:], k, index + 1)


def _check_ndim(first, parts, index):
    if len(parts) > 0:
        if parts[0].ndim != first:
            raise ValueError(f"all the input arrays must have same number of dimensions, but the array at index 0 has {first} dimension(s) and the array at index {index} has {parts[0].ndim} dimension(s)")
        _check_ndim(first, parts[1:], index + 1)


def _ravel_one(x):
    return ravelled(x)


def join(parts, axis, dtype):
    if parts[0].ndim == 0:
        raise ValueError("zero-dimensional arrays cannot be concatenated")
    _check_ndim(parts[0].ndim, parts[1:], 1)
    k = check_axis(axis, parts[0].ndim)
    out = empty_array(tuple_set(parts[0].shape, k, _length(parts, k)), dtype_of(dtype))
    _copy_parts(out, parts, k, 0)
    return out


def _dtype_for(parts, dtype):
    if dtype is None:
        return _common_dtype(parts)
    return dtype_of(dtype)


@implements(np.concatenate, examples=[
    lambda np: ((np.arange(3), np.arange(4.0)),), lambda np: ((np.arange(6).reshape(2, 3), np.zeros((1, 3), int)),), lambda np: ((np.arange(6).reshape(2, 3), np.zeros((2, 2))), 1),
    lambda np: ((np.arange(6).reshape(2, 3), np.zeros((2, 2))), 0), lambda np: ((np.arange(6).reshape(2, 3), np.zeros((2, 2))), None)])
def concatenate(arrays, axis=0, out=None, dtype=None):
    parts = _parts(arrays)
    if axis is None:
        flat = tuple_map(_ravel_one, parts)
        return join(flat, 0, _dtype_for(parts, dtype))
    r = join(parts, axis, _dtype_for(parts, dtype))
    if out is None:
        return r
    assign(out, r)
    return out


def _new_axis(x, k):
    return expand_dims(x, k)


def _same_shapes(parts):
    if len(parts) > 1:
        if parts[0].ndim != parts[1].ndim:
            raise ValueError("all input arrays must have the same shape")
        if parts[0].shape != parts[1].shape:
            raise ValueError("all input arrays must have the same shape")
        _same_shapes(parts[1:])


@implements(np.stack, examples=[
    lambda np: ((np.arange(3), np.arange(3.0)),), lambda np: ((np.arange(3), np.arange(3) * 2), 1), lambda np: ((np.arange(6).reshape(2, 3), np.ones((2, 3))), -1), lambda np: ((np.arange(3), np.arange(4)),)])
def stack(arrays, axis=0, out=None, dtype=None):
    parts = _parts(arrays)
    _same_shapes(parts)
    k = check_axis(axis, parts[0].ndim + 1)
    r = join(tuple_map(_new_axis, parts, k), k, _dtype_for(parts, dtype))
    if out is None:
        return r
    assign(out, r)
    return out


def _two(x):
    return atleast_2d(x)


def _one(x):
    return atleast_1d(x)


@implements(np.vstack, examples=[lambda np: ((np.arange(3), np.arange(3.0)),), lambda np: ((np.arange(6).reshape(2, 3), np.arange(3)),), lambda np: ((np.arange(3), np.arange(4)),)])
def vstack(tup, dtype=None):
    parts = _parts(tup)
    return join(tuple_map(_two, parts), 0, _dtype_for(parts, dtype))


@implements(np.hstack, examples=[lambda np: ((np.arange(3), np.arange(2.0)),), lambda np: ((np.arange(6).reshape(2, 3), np.ones((2, 1))),), lambda np: ((1.0, 2.0),)])
def hstack(tup, dtype=None):
    parts = tuple_map(_one, _parts(tup))
    if parts[0].ndim == 1:
        return join(parts, 0, _dtype_for(parts, dtype))
    return join(parts, 1, _dtype_for(parts, dtype))


def _three(x):
    a = atleast_2d(x)
    if a.ndim == 2:
        if as_array(x).ndim == 1:
            return a[:, :, None]
        return a[:, :, None]
    return a


@implements(np.dstack, examples=[lambda np: ((np.arange(3), np.arange(3.0)),), lambda np: ((np.arange(6).reshape(2, 3), np.ones((2, 3))),)])
def dstack(tup, dtype=None):
    parts = _parts(tup)
    return join(tuple_map(_three, parts), 2, _dtype_for(parts, dtype))


def _column(x):
    if x.ndim < 2:
        return atleast_2d(x).T
    return x


@implements(np.column_stack, examples=[lambda np: ((np.arange(3), np.arange(3.0)),), lambda np: ((np.arange(6).reshape(3, 2), np.ones(3)),)])
def column_stack(tup):
    parts = _parts(tup)
    return join(tuple_map(_column, parts), 1, _common_dtype(parts))


@implements(np.append, examples=[lambda np: (np.arange(3), 7.5), lambda np: (np.arange(6).reshape(2, 3), np.arange(2)), lambda np: (np.arange(6).reshape(2, 3), np.ones((1, 3)), 0)])
def append(arr, values, axis=None):
    return concatenate((as_array(arr), as_array(values)), axis)


# ---- repetition

@implements(np.repeat, "method:array.repeat", examples=[
    lambda np: (np.arange(4), 3), lambda np: (np.arange(6).reshape(2, 3), 2), lambda np: (np.arange(6).reshape(2, 3), 2, 0), lambda np: (np.arange(6).reshape(2, 3), np.array([1, 0, 2]), 1),
    lambda np: (np.arange(3), np.array([1, 0, 2])), lambda np: (3.5, 4)])
def repeat(a, repeats, axis=None):
    x = as_array(a)
    if axis is None:
        return repeat(ravelled(x if x.ndim > 0 else x[None]), repeats, 0)
    k = check_axis(axis, x.ndim)
    n = x.shape[k]
    if is_number(repeats):
        if repeats < 0:
            raise ValueError("repeats may not contain negative values.")
        out = empty_array(tuple_set(x.shape, k, n * repeats), dtype_of(x))
        _repeat_all(axis_first(out, k), axis_first(x, k), repeats)
        return out
    counts = as_array(repeats)
    if counts.shape[0] == 1:
        return repeat(x, int(counts[0]), axis)
    if counts.shape[0] != n:
        raise ValueError("operands could not be broadcast together")
    total = 0
    for i in range(n):
        if counts[i] < 0:
            raise ValueError("repeats may not contain negative values.")
        total += int(counts[i])
    out = empty_array(tuple_set(x.shape, k, total), dtype_of(x))
    _repeat_each(axis_first(out, k), axis_first(x, k), counts)
    return out


def _repeat_all(out, x, times):
    at = 0
    for i in range(x.shape[0]):
        for r in range(times):
            _store(out, at, x, i)
            at += 1


def _repeat_each(out, x, counts):
    at = 0
    for i in range(x.shape[0]):
        for r in range(counts[i]):
            _store(out, at, x, i)
            at += 1


def _store(out, at, x, i):
    if x.ndim == 1:
        put(out, get(x, i), at)
    else:
        assign(out[at], x[i])


@implements(np.tile, examples=[lambda np: (np.arange(3), 2), lambda np: (np.arange(6).reshape(2, 3), (2, 2)), lambda np: (np.arange(3), (2, 2)), lambda np: (np.arange(6).reshape(2, 3), 2)])
def tile(A, reps):
    x = as_array(A)
    return _tiled(x, as_tuple(reps))


def _tiled(x, reps):
    if len(reps) < x.ndim:
        return _tiled(x, (1,) + reps)
    if x.ndim < len(reps):
        return _tiled(x[None], reps)
    return _tile_axes(np.copy(x) if x.ndim == 0 else x, reps, 0)


def _tile_axes(x, reps, k):
    if k == len(reps):
        return x
    n = x.shape[k]
    out = empty_array(tuple_set(x.shape, k, n * reps[k]), dtype_of(x))
    for r in range(reps[k]):
        assign(narrow(out, k, r * n, (r + 1) * n), x)
    return _tile_axes(out, reps, k + 1)


# ---- grids

@implements(np.meshgrid, examples=[])
def meshgrid(*xi, indexing="xy", copy=True, sparse=False):
    if sparse:
        static_error("meshgrid(sparse=True) is not supported yet")
    parts = tuple_map(_flat_part, xi)
    shape = tuple_map(_size_of, parts)
    if indexing == "xy" and len(xi) > 1:
        to = (shape[1], shape[0]) + shape[2:]
        return _grids(parts, to, 0, True)
    return _grids(parts, shape, 0, False)


def _flat_part(x):
    return ravelled(_one(x))


def _size_of(x):
    return x.shape[0]


def _grids(parts, shape, k, swapped):
    if len(parts) == 0:
        return ()
    axis = (1 - k) if swapped and k < 2 else k
    return (_grid(parts[0], shape, axis),) + _grids(parts[1:], shape, k + 1, swapped)


def _grid(x, shape, axis):
    out = empty_array(shape, dtype_of(x))
    last = axis_first(out, axis)
    for i in range(x.shape[0]):
        if last.ndim == 1:
            put(last, get(x, i), i)
        else:
            assign(last[i], get(x, i))
    return out
