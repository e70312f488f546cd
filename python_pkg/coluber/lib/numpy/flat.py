"""a.flat: items, slices and index arrays of it, read and written; np.put, fill_diagonal. Items are met in C order whatever the layout."""
import numpy as np

from coluber.extending import implements
from coluber.lib.intrinsics import cast, dtype_of, get, is_bool, is_contiguous, is_number, is_readonly, is_slice, put
from coluber.lib.lists import slice_bounds
from coluber.lib.numpy._common import as_array, flat_view, ravelled
from coluber.lib.numpy.shape import flat_item, unravel


def _place(i, n):
    if i < -n or i >= n:
        raise IndexError(f"index {i} is out of bounds for size {n}")
    if i < 0:
        return i + n
    return i


def _one(a):
    if a.ndim == 0:
        return a[None]
    return a


@implements("op:getitem:flat")
def flat_get(a, key):
    if is_slice(key):
        return np.copy(ravelled(_one(a))[key])
    if is_number(key):
        return flat_item(a, _place(int(key), a.size))
    return ravelled(_one(a))[as_array(key)]


def _store(a, i, value):
    """Item i in C order; i is in range."""
    if a.ndim == 0:
        put(a, value)
    elif is_contiguous(a):
        put(flat_view(a), value, i)
    else:
        put(a, value, unravel(i, a.shape))


def _values(value):
    """What is assigned, as a vector: it begins anew when it ends."""
    return ravelled(_one(as_array(value)))


def _check_writable(a):
    if is_readonly(a):
        raise ValueError("assignment destination is read-only")


@implements("op:setitem:flat")
def flat_set(a, key, value):
    _check_writable(a)
    d = dtype_of(a)
    if is_number(key):
        if is_number(value):
            _store(a, _place(int(key), a.size), cast(value, d))
        else:
            _store(a, _place(int(key), a.size), cast(get(_values(value), 0), d))
    elif is_slice(key):
        start, count, step = slice_bounds(key, a.size)
        if is_number(value):
            for j in range(count):
                _store(a, start + j * step, cast(value, d))
        else:
            values = _values(value)
            if count > 0 and values.shape[0] == 0:
                raise ValueError("Error setting single item of array.")
            for j in range(count):
                _store(a, start + j * step, cast(get(values, j % values.shape[0]), d))
    else:
        _store_all(a, as_array(key), value)


def _store_all(a, places, value):
    if is_bool(dtype_of(places)):
        _store_all(a, np.nonzero(ravelled(places))[0], value)
        return
    n = a.size
    if is_number(value):
        for j in range(places.shape[0]):
            _store(a, _place(int(get(places, j)), n), cast(value, dtype_of(a)))
    else:
        values = _values(value)
        if values.shape[0] > 0:
            for j in range(places.shape[0]):
                _store(a, _place(int(get(places, j)), n), cast(get(values, j % values.shape[0]), dtype_of(a)))


@implements("op:setattr:flat")
def flat_fill(a, value):
    flat_set(a, slice(None, None, None), value)


def _put_place(i, n, mode):
    if mode == "wrap":
        return i % n
    if mode == "clip":
        return min(max(i, 0), n - 1)
    if i < -n or i >= n:
        raise IndexError(f"index {i} is out of bounds for axis 0 with size {n}")
    if i < 0:
        return i + n
    return i


@implements(np.put, "method:array.put")
def put_items(a, ind, v, mode="raise"):
    _check_writable(a)
    places = ravelled(_one(as_array(ind)))
    values = _values(v)
    if values.shape[0] > 0:
        for j in range(places.shape[0]):
            _store(a, _put_place(int(get(places, j)), a.size, mode), cast(get(values, j % values.shape[0]), dtype_of(a)))


def _all_same(shape):
    if len(shape) < 2:
        return True
    return shape[0] == shape[1] and _all_same(shape[1:])


@implements(np.fill_diagonal)
def fill_diagonal(a, val, wrap=False):
    _check_writable(a)
    if a.ndim < 2:
        raise ValueError("array must be at least 2-d")
    if a.ndim > 2:
        if not _all_same(a.shape):
            raise ValueError("All dimensions of input must be of equal length")
        step = 1
        for k in range(a.ndim - 1):
            step = 1 + step * a.shape[0]
        flat_set(a, slice(None, None, step), val)
    elif wrap:
        flat_set(a, slice(None, None, a.shape[1] + 1), val)
    else:
        flat_set(a, slice(None, min(a.shape[1] * a.shape[1], a.size), a.shape[1] + 1), val)
