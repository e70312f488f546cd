"""sort, argsort, searchsorted, digitize, partition by NumPy's own sort functions; unique and the set functions."""
import numpy as np

from coluber.extending import implements
from coluber.lib.intrinsics import (
    argsort_in_place, assign, cast, dtype_of, empty_array, get, is_complex, is_contiguous, is_float, is_literal,
    is_number, is_tuple, promote, put, sort_in_place, static_error)
from coluber.lib.numpy._common import as_array, axis_back, axis_last, check_axis, complex_less, contiguous, copy_of, flat_view, is_nan, ravelled


def _kind(kind):
    if kind == "stable" or kind == "mergesort":
        return "merge"
    return "quick"


def _sort_rows(rows, kind):
    """Sorts a C-contiguous array along its last axis."""
    n = rows.shape[rows.ndim - 1]
    if n > 1:
        flat = flat_view(rows)
        at = 0
        while at < rows.size:
            sort_in_place(flat[at:at + n], kind)
            at += n


def _sorted_copy(x, kind):
    out = copy_of(x, dtype_of(x))
    if out.ndim == 1:
        sort_in_place(out, kind)
    else:
        _sort_rows(out, kind)
    return out


def _wanted(kind, stable):
    if stable is not None and stable:
        return "merge"
    return _kind(kind)


@implements(np.sort, examples=[
    lambda np: (np.array([3.0, 1.0, 2.0]),), lambda np: (np.array([3.0, np.nan, 2.0, -np.inf]),), lambda np: (np.arange(12).reshape(3, 4) * 7 % 5,), lambda np: (np.arange(12).reshape(3, 4) * 7 % 5, 0),
    lambda np: (np.arange(12).reshape(3, 4) * 7 % 5, None), lambda np: (np.array([2, 1, 2, 0]), -1, "stable"), lambda np: (np.zeros(0),)])
def sort(a, axis=-1, kind=None, order=None, stable=None):
    x = as_array(a)
    if axis is None:
        return _sorted_copy(ravelled(x if x.ndim > 0 else x[None]), _wanted(kind, stable))
    k = check_axis(axis, x.ndim)
    return axis_back(_sorted_copy(axis_last(x, k), _wanted(kind, stable)), k)


@implements("method:array.sort")
def array_sort(a, axis=-1, kind=None, order=None, stable=None):
    k = check_axis(axis, a.ndim)
    if is_contiguous(a) and is_literal(k) and k == a.ndim - 1:
        assign(a[:0], a[:0])       # raises for a read-only array
        if a.ndim == 1:
            sort_in_place(a, _wanted(kind, stable))
        else:
            _sort_rows(a, _wanted(kind, stable))
    else:
        assign(a, sort(a, axis, kind, order, stable))


def _argsort_into(out, x, kind):
    if x.ndim == 1:
        argsort_in_place(x, out, kind)
        return
    n = x.shape[x.ndim - 1]
    keys = flat_view(x)
    indices = flat_view(out)
    for at in range(0, x.size, max(n, 1)):
        argsort_in_place(keys[at:at + n], indices[at:at + n], kind)


def _argsorted(x, kind):
    rows = contiguous(x)
    out = empty_array(rows.shape, np.int64)
    _argsort_into(out, rows, kind)
    return out


@implements(np.argsort, "method:array.argsort", examples=[
    lambda np: (np.array([3.0, 1.0, 2.0]),), lambda np: (np.array([3.0, np.nan, 2.0]),), lambda np: (np.arange(12).reshape(3, 4) * 7 % 11,), lambda np: (np.arange(12).reshape(3, 4) * 7 % 11, 0),
    lambda np: (np.array([2, 1, 2, 0]), -1, "stable"), lambda np: (np.arange(12).reshape(3, 4) * 7 % 11, None)])
def argsort(a, axis=-1, kind=None, order=None, stable=None):
    x = as_array(a)
    if axis is None:
        return _argsorted(ravelled(x if x.ndim > 0 else x[None]), _wanted(kind, stable))
    k = check_axis(axis, x.ndim)
    return axis_back(_argsorted(axis_last(x, k), _wanted(kind, stable)), k)


def _lexsorted(keys, order):
    """The order by all keys: each sort leaves the order of equal keys as the one before made it."""
    if len(keys) == 0:
        return order
    return _lexsorted(keys[1:], order[argsort(keys[0][order], -1, "stable")])


@implements(np.lexsort, examples=[lambda np: ((np.array([1, 5, 1, 4]), np.array([9, 4, 0, 4])),), lambda np: ((np.array([1.0, 5.0, 1.0]), np.array([2, 2, 1]), np.array([0, 0, 0])),)])
def lexsort(keys, axis=-1):
    if not is_tuple(keys):
        static_error("lexsort() takes the keys as a tuple here: their number has to be known")
    if keys[0].ndim != 1:
        static_error("lexsort() takes one-dimensional keys here")
    return _lexsorted(keys[1:], argsort(keys[0], -1, "stable"))


@implements(np.partition, examples=[])
def partition(a, kth, axis=-1, kind="introselect", order=None):
    return sort(a, axis)           # a sorted array is partitioned at every place


@implements(np.argpartition, examples=[])
def argpartition(a, kth, axis=-1, kind="introselect", order=None):
    return argsort(a, axis)


# ---- searching

def less(x, y):
    """x before y in sorted order: nan comes last."""
    if is_complex(x):
        return complex_less(x, y) or (is_nan(y) and not is_nan(x))
    if is_float(x):
        return x < y or (y != y and x == x)
    return x < y


def _search_left(a, v):
    lo = 0
    n = a.shape[0]
    while n > 0:
        half = n >> 1
        if less(cast(get(a, lo + half), dtype_of(v)), v):
            lo += half + 1
            n -= half + 1
        else:
            n = half
    return lo


def _search_right(a, v):
    lo = 0
    n = a.shape[0]
    while n > 0:
        half = n >> 1
        if less(v, cast(get(a, lo + half), dtype_of(v))):
            n = half
        else:
            lo += half + 1
            n -= half + 1
    return lo


def _search_all(out, a, v, side, d):
    if v.ndim == 1:
        for i in range(v.shape[0]):
            x = cast(get(v, i), d)
            put(out, _search_left(a, x) if side == "left" else _search_right(a, x), i)
    else:
        for i in range(v.shape[0]):
            _search_all(out[i], a, v[i], side, d)


@implements(np.searchsorted, "method:array.searchsorted", examples=[
    lambda np: (np.array([1.0, 2.0, 2.0, 5.0]), 2.0), lambda np: (np.array([1.0, 2.0, 2.0, 5.0]), np.array([0.0, 2.0, 9.0, np.nan]), "right"), lambda np: (np.arange(5), np.array([[1.5, 2], [0, 7]])),
    lambda np: (np.array([1.0, np.nan]), np.array([np.nan, 3.0])), lambda np: (np.array([3, 1, 2]), np.array([2]), "left", np.array([1, 2, 0]))])
def searchsorted(a, v, side="left", sorter=None):
    x = as_array(a)
    if sorter is not None:
        return searchsorted(x[sorter], v, side)
    d = promote(x, v)
    if is_number(v):
        if side == "left":
            return cast(_search_left(x, cast(v, d)), np.int64)
        return cast(_search_right(x, cast(v, d)), np.int64)
    values = as_array(v)
    out = empty_array(values.shape, np.int64)
    if values.ndim == 0:
        put(out, searchsorted(x, get(values), side))
    else:
        _search_all(out, x, values, side, d)
    return out


@implements(np.digitize, examples=[
    lambda np: (np.array([0.2, 6.4, 3.0, 1.6]), np.array([0.0, 1.0, 2.5, 4.0, 10.0])), lambda np: (np.array([1, 4, 2]), np.array([4, 2, 1])), lambda np: (np.array([1, 2, 3]), np.array([1, 2, 3]), True)])
def digitize(x, bins, right=False):
    edges = as_array(bins)
    if is_complex(promote(x, edges)):
        static_error("digitize() does not take complex numbers")
    n = edges.shape[0]
    up = True
    down = True
    for i in range(1, n):
        if get(edges, i - 1) > get(edges, i):
            up = False
        if get(edges, i - 1) < get(edges, i):
            down = False
    if not up and not down:
        raise ValueError("bins must be monotonically increasing or decreasing")
    ordered = contiguous(edges)
    if not up:
        ordered = np.copy(edges[::-1])
    places = searchsorted(ordered, x, "left" if right else "right")
    if not up:
        places = n - places
    return places
