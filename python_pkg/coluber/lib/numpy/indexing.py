"""Indexing by arrays and masks, read and write; nonzero, take, compress, extract, put, diag, tril and their kin."""
import numpy as np

from coluber.extending import implements
from coluber.lib.intrinsics import (
    array_view, assign, cast, dtype_of, empty_array, get, guard, is_array, is_bool, is_integer, is_list, is_none, is_number,
    is_slice, is_tuple, put, range_tuple, rounds, select, tuple_map, tuple_repeat)
from coluber.lib.numpy._broadcast import broadcast_all
from coluber.lib.numpy._common import as_array, ravelled, row_work
from coluber.lib.numpy.shape import broadcast_strides

# ---- masks


def count_true(m):
    """How many items of an array are true."""
    n = 0
    if m.ndim == 0:
        return 1 if get(m) else 0
    if m.ndim == 1:
        for i in range(m.shape[0]):
            n += 1 if get(m, i) else 0
        return n
    for i in range(m.shape[0]):
        n += count_true(m[i])
    return n


def _write_positions(m, outs, at, base):
    """Writes the indices of the true items, in C order, from position `at` on; returns the position behind."""
    for i in range(m.shape[0]):
        if m.ndim == 1:
            if get(m, i):
                _write_one(outs, at, base + (i,))
                at += 1
        else:
            at = _write_positions(m[i], outs, at, base + (i,))
    return at


def _write_flat(out, m):
    """Each index is written, and kept when its item is true: no branch that could be guessed wrong."""
    at = 0
    i = 0
    while at < out.shape[0]:
        put(out, i, at)
        at += 1 if get(m, i) else 0
        i += 1


def _select_flat(out, a, m):
    at = 0
    i = 0
    while at < out.shape[0]:
        put(out, get(a, i), at)
        at += 1 if get(m, i) else 0
        i += 1


def _write_one(outs, at, indices):
    put(outs[0], indices[0], at)
    if len(outs) > 1:
        _write_one(outs[1:], at, indices[1:])


def _new_index(k, n):
    return empty_array((n,), np.int64)


@implements(np.nonzero, "method:array.nonzero", examples=[
    lambda np: (np.array([0, 1, 0, 2]),), lambda np: (np.arange(12).reshape(3, 4) % 3,), lambda np: (np.arange(12).reshape(3, 4).T % 3,), lambda np: (np.zeros((0, 2)),), lambda np: (np.array([False, True]),)])
def nonzero(a):
    m = as_array(a)
    if m.ndim == 0:
        raise ValueError("Calling nonzero on 0d arrays is not allowed. Use np.atleast_1d(scalar).nonzero() instead.")
    outs = tuple_map(_new_index, range_tuple(m.ndim), count_true(m))
    if m.ndim == 1:
        _write_flat(outs[0], m)
    else:
        _write_positions(m, outs, 0, ())
    return outs


@implements(np.flatnonzero, examples=[lambda np: (np.array([0, 1, 0, 2]),), lambda np: (np.arange(12).reshape(3, 4) % 3,)])
def flatnonzero(a):
    return nonzero(ravelled(as_array(a)))[0]


@implements(np.argwhere, examples=[lambda np: (np.array([0, 1, 0, 2]),), lambda np: (np.arange(12).reshape(3, 4) % 3,)])
def argwhere(a):
    m = as_array(a)
    outs = nonzero(m)
    r = empty_array((outs[0].shape[0], m.ndim), np.int64)
    _write_columns(r, outs, 0)
    return r


def _write_columns(r, outs, k):
    if len(outs) > 0:
        assign(r[:, k], outs[0])
        _write_columns(r, outs[1:], k + 1)


def _same_leading(a, m):
    for k in range(m.ndim):
        guard(m.shape[k] == a.shape[k], "BooleanIndex", a.shape[k], m.shape[k], k)


def _select_mask(out, a, m, at):
    """Copies the items (or sub-arrays) of a where m is true to out[at], out[at + 1], ..."""
    for i in range(m.shape[0]):
        if m.ndim == 1:
            if get(m, i):
                if a.ndim == 1:
                    put(out, get(a, i), at)
                else:
                    assign(out[at], a[i])
                at += 1
        else:
            at = _select_mask(out, a[i], m[i], at)
    return at


def _take_mask(a, m):
    _same_leading(a, m)
    out = empty_array((count_true(m),) + a.shape[m.ndim:], dtype_of(a))
    if a.ndim == 1:
        _select_flat(out, a, m)
    else:
        _select_mask(out, a, m, 0)
    return out


def _fill_mask(a, m, value):
    for i in rounds(m.shape[0], row_work(a)):
        if m.ndim == 1:
            if get(m, i):
                if a.ndim == 1:
                    put(a, value, i)
                else:
                    assign(a[i], value)
        else:
            _fill_mask(a[i], m[i], value)


def _scatter_mask(a, m, values, at):
    """values has one entry for each true item."""
    for i in range(m.shape[0]):
        if m.ndim == 1:
            if get(m, i):
                if a.ndim == 1:
                    put(a, cast(get(values, at), dtype_of(a)), i)
                else:
                    assign(a[i], values[at])
                at += 1
        else:
            at = _scatter_mask(a[i], m[i], values, at)
    return at


def _put_mask(a, m, value):
    _same_leading(a, m)
    if is_number(value):
        _fill_mask(a, m, cast(value, dtype_of(a)))
    else:
        v = as_array(value)
        if v.ndim == 0:
            _fill_mask(a, m, cast(get(v), dtype_of(a)))
        else:
            _scatter_mask(a, m, _spread(v, (count_true(m),) + a.shape[m.ndim:]), 0)


def _spread(v, shape):
    """The value of an assignment under the shape of what is assigned to."""
    if v.ndim > len(shape):
        if v.shape[0] != 1:
            raise ValueError("shape mismatch: value array could not be broadcast to indexing result")
        return _spread(v[0], shape)
    _check_spread(v, shape)
    return array_view(v, shape, broadcast_strides(v, shape), 0, "A")


def _check_spread(v, shape):
    extra = len(shape) - v.ndim
    if v.ndim > 0:
        for k in range(v.ndim):
            if v.shape[k] != 1 and v.shape[k] != shape[k + extra]:
                raise ValueError("shape mismatch: value array could not be broadcast to indexing result")


# ---- a key of integers, slices, None, Ellipsis, index arrays and masks
# The key is taken apart: the basic part (index arrays become full slices, masks one for each of their axes) makes a view; the index arrays,
# integers beside them counted, are broadcast together and walk over it.

def _axes_of(k):
    """How many axes of the array a part of a key uses."""
    if is_none(k) or k is Ellipsis:
        return 0
    if is_list(k):
        return 1
    if is_array(k):
        if is_bool(dtype_of(k)):
            return k.ndim
        return 1
    return 1


def _used(key):
    if len(key) == 0:
        return 0
    return _axes_of(key[0]) + _used(key[1:])


def _has_ellipsis(key):
    if len(key) == 0:
        return False
    if key[0] is Ellipsis:
        return True
    return _has_ellipsis(key[1:])


def _expanded(key, rest):
    """The key with Ellipsis spelt out as full slices."""
    if len(key) == 0:
        return ()
    if key[0] is Ellipsis:
        return tuple_repeat(slice(None, None, None), rest) + key[1:]
    return (key[0],) + _expanded(key[1:], rest)


def _full_key(a, key):
    rest = a.ndim - _used(key)
    if _has_ellipsis(key):
        return _expanded(key, rest)
    return key + tuple_repeat(slice(None, None, None), rest)


def _basic(key):
    """The basic part: index arrays and integers replaced by full slices."""
    if len(key) == 0:
        return ()
    if is_none(key[0]) or is_slice(key[0]):
        return (key[0],) + _basic(key[1:])
    return tuple_repeat(slice(None, None, None), _axes_of(key[0])) + _basic(key[1:])


def _places(key, at):
    """Which axes of the basic view the index arrays are for."""
    if len(key) == 0:
        return ()
    if is_none(key[0]) or is_slice(key[0]):
        return _places(key[1:], at + 1)
    if _axes_of(key[0]) == 1:
        return (at,) + _places(key[1:], at + 1)
    return _counted(at, _axes_of(key[0])) + _places(key[1:], at + _axes_of(key[0]))


def _counted(at, n):
    if n == 0:
        return ()
    return (at,) + _counted(at + 1, n - 1)


def _index_arrays(key, a, at):
    """The index arrays; masks give one for each of their axes."""
    if len(key) == 0:
        return ()
    k = key[0]
    if is_none(k):
        return _index_arrays(key[1:], a, at)
    if is_slice(k):
        return _index_arrays(key[1:], a, at + 1)
    if is_list(k):
        return _index_arrays((np.asarray(k),) + key[1:], a, at)
    if is_array(k):
        if is_bool(dtype_of(k)):
            for j in range(k.ndim):
                guard(k.shape[j] == a.shape[at + j], "BooleanIndex", a.shape[at + j], k.shape[j], at + j)
            return nonzero(k) + _index_arrays(key[1:], a, at + k.ndim)
        if not is_integer(dtype_of(k)):
            raise IndexError("arrays used as indices must be of integer (or boolean) type")
        return (k,) + _index_arrays(key[1:], a, at + 1)
    return (np.asarray(k),) + _index_arrays(key[1:], a, at + 1)


def _together(places):
    """Whether the index arrays stand side by side."""
    if len(places) < 2:
        return True
    return places[1] == places[0] + 1 and _together(places[1:])


def _together_in_key(key):
    """Side by side in the key itself; a slice, None or Ellipsis between them sets them apart."""
    return _runs(key, False) <= 1


def _runs(key, inside):
    if len(key) == 0:
        return 0
    if is_none(key[0]) or is_slice(key[0]):
        return _runs(key[1:], False)
    if inside:
        return _runs(key[1:], True)
    return 1 + _runs(key[1:], True)


def _others(places, ndim):
    return _not_in(range_tuple(ndim), places)


def _not_in(axes, places):
    if len(axes) == 0:
        return ()
    if axes[0] in places:
        return _not_in(axes[1:], places)
    return (axes[0],) + _not_in(axes[1:], places)


def _pick(k, t):
    return t[k]


def _permuted(a, axes):
    return array_view(a, tuple_map(_pick, axes, a.shape), tuple_map(_pick, axes, a.strides), 0, "A")


def _front(v, places):
    """The view with the indexed axes first."""
    if places == range_tuple(len(places)):
        return v
    return _permuted(v, places + _others(places, v.ndim))


def _at(index, i):
    return get(index, i)


def _row(index, i):
    return index[i]


def _gather(out, v, indices):
    for i in range(out.shape[0]):
        if indices[0].ndim > 1:
            _gather(out[i], v, tuple_map(_row, indices, i))
        elif out.ndim == 1:
            put(out, v[tuple_map(_at, indices, i)], i)
        else:
            assign(out[i], v[tuple_map(_at, indices, i)])


def _scatter(v, indices, values):
    for i in range(values.shape[0]):
        if indices[0].ndim > 1:
            _scatter(v, tuple_map(_row, indices, i), values[i])
        elif values.ndim == 1:
            v[tuple_map(_at, indices, i)] = cast(get(values, i), dtype_of(v))
        else:
            assign(v[tuple_map(_at, indices, i)], values[i])


def _scatter_one(v, indices, value):
    for i in range(indices[0].shape[0]):
        if indices[0].ndim > 1:
            _scatter_one(v, tuple_map(_row, indices, i), value)
        else:
            v[tuple_map(_at, indices, i)] = value


def _raised(x):
    if x.ndim == 0:
        return x[None]
    return x


def _all_scalar(indices):
    if len(indices) == 0:
        return True
    return indices[0].ndim == 0 and _all_scalar(indices[1:])


def _as_key(key):
    if is_tuple(key):
        return key
    return (key,)


def _integers(key):
    if not is_integer(dtype_of(key)):
        raise IndexError("arrays used as indices must be of integer (or boolean) type")
    return key


def _take_rows(a, key):
    out = empty_array(key.shape + a.shape[1:], dtype_of(a))
    if a.ndim == 1 and key.ndim == 1:
        n = a.shape[0]
        _check_all(key, n)
        for i in range(key.shape[0]):
            k = int(get(key, i))
            put(out, get(a, select(k < 0, k + n, k)), i)
    else:
        _gather(out, a, (key,))
    return out


def _check_all(key, n):
    """All indices are looked at beforehand, so that the loop behind has no checks."""
    outside = 0
    for i in range(key.shape[0]):
        k = int(get(key, i))
        outside |= int(k < -n) | int(k >= n)
    if outside:
        at = 0
        while -n <= get(key, at) < n:
            at += 1
        guard(False, "IndexArray", int(get(key, at)), n, 0)


def _one_or_none(a, key):
    """All of a, once or not at all, behind a new axis: what a scalar bool chooses."""
    return a[None][:int(key)]


@implements("op:getitem_fancy")
def getitem(a, key):
    if is_number(key) and is_bool(dtype_of(key)):
        return _one_or_none(a, key).copy()
    if is_array(key) and is_bool(dtype_of(key)) and key.ndim > 0:
        return _take_mask(a, key)
    if is_list(key):
        return getitem(a, np.asarray(key))
    if is_tuple(key) and len(key) == 1 and (is_array(key[0]) or is_list(key[0])):
        return getitem(a, key[0])
    if is_array(key) and key.ndim > 0 and a.ndim > 0:
        return _take_rows(a, _integers(key))
    full = _full_key(a, _as_key(key))
    v = a[_basic(full)]
    places = _places(full, 0)
    arrays = _index_arrays(full, a, 0)
    indices = broadcast_all(tuple_map(_raised, arrays))
    front = _front(v, places)
    out = empty_array(indices[0].shape + front.shape[len(places):], dtype_of(a))
    _gather(out, front, indices)
    return _placed(out, arrays, indices, places, _together_in_key(full))


def _placed(out, arrays, indices, places, together):
    if _all_scalar(arrays):
        return out[0]
    if together and places[0] > 0:
        n = indices[0].ndim
        rest = range_tuple(out.ndim)[n:]
        return _permuted(out, rest[:places[0]] + range_tuple(n) + rest[places[0]:])
    return out


@implements("op:setitem_fancy")
def setitem(a, key, value):
    if is_number(key) and is_bool(dtype_of(key)):
        _one_or_none(a, key)[:] = value
    elif is_array(key) and is_bool(dtype_of(key)) and key.ndim > 0:
        _put_mask(a, key, value)
    elif is_list(key):
        setitem(a, np.asarray(key), value)
    elif is_tuple(key) and len(key) == 1 and (is_array(key[0]) or is_list(key[0])):
        setitem(a, key[0], value)
    elif is_array(key) and key.ndim > 0 and a.ndim > 0:
        if is_number(value) and a.ndim == 1:
            _scatter_one(a, (_integers(key),), cast(value, dtype_of(a)))
        else:
            _scatter(a, (_integers(key),), _spread(as_array(value), key.shape + a.shape[1:]))
    else:
        full = _full_key(a, _as_key(key))
        v = a[_basic(full)]
        places = _places(full, 0)
        arrays = _index_arrays(full, a, 0)
        indices = broadcast_all(tuple_map(_raised, arrays))
        front = _front(v, places)
        if is_number(value) and front.ndim == len(places):
            _scatter_one(front, indices, cast(value, dtype_of(a)))
        else:
            _scatter(front, indices, _arranged(as_array(value), indices, front, places, _together_in_key(full)))


def _arranged(value, indices, front, places, together):
    """The value of an assignment with the axes of the index arrays first."""
    n = indices[0].ndim
    rest = front.shape[len(places):]
    if together and places[0] > 0:
        p = places[0]
        v = _spread(value, rest[:p] + indices[0].shape + rest[p:])
        axes = range_tuple(v.ndim)
        return _permuted(v, axes[p:p + n] + axes[:p] + axes[p + n:])
    return _spread(value, indices[0].shape + rest)
