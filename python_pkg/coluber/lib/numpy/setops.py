"""unique and the functions on sets: they sort, then compare neighbours."""
import numpy as np

from coluber.extending import implements
from coluber.lib.intrinsics import argsort_in_place, dtype_of, empty_array, get, promote, put, select, sort_in_place
from coluber.lib.numpy._common import as_array, copy_of, is_nan, ravelled


def _differs(x, y):
    return not (x == y or (is_nan(x) and is_nan(y)))


def _flat_copy(a):
    x = as_array(a)
    flat = ravelled(x if x.ndim > 0 else x[None])
    return copy_of(flat, dtype_of(flat))


def _distinct(s):
    """The distinct items of a sorted array, which is overwritten: they are moved to its front first, without branches."""
    n = s.shape[0]
    if n == 0:
        return s
    at = 0
    for i in range(1, n):
        x = get(s, i)
        last = get(s, at)
        new = _differs(last, x)
        at += int(new)
        put(s, select(new, x, last), at)
    return np.copy(s[:at + 1])


@implements(np.unique, examples=[
    lambda np: (np.array([3, 1, 2, 3, 1]),), lambda np: (np.array([2.0, np.nan, 1.0, np.nan]),), lambda np: (np.array([3, 1, 2, 3, 1]), True), lambda np: (np.array([3, 1, 2, 3, 1]), False, True),
    lambda np: (np.array([3, 1, 2, 3, 1]), False, False, True), lambda np: (np.array([3, 1, 2, 3, 1]), True, True, True), lambda np: (np.arange(6).reshape(2, 3) % 4,), lambda np: (np.zeros(0),)])
def unique(ar, return_index=False, return_inverse=False, return_counts=False, axis=None, equal_nan=True, sorted=True):
    if not return_index and not return_inverse and not return_counts:
        s = _flat_copy(ar)
        sort_in_place(s, "quick")
        return _distinct(s)
    keys = _flat_copy(ar)
    n = keys.shape[0]
    order = np.arange(n)
    argsort_in_place(keys, order, "merge")
    s = keys[order]
    values = _distinct(np.copy(s))
    first = empty_array(values.shape, np.int64)
    counts = empty_array(values.shape, np.int64)
    inverse = empty_array((n,), np.int64)
    at = -1
    for i in range(n):
        if i == 0 or _differs(get(s, i - 1), get(s, i)):
            at += 1
            put(first, get(order, i), at)
            put(counts, 0, at)
        put(counts, get(counts, at) + 1, at)
        put(inverse, at, get(order, i))
    r = (values,)
    if return_index:
        r = r + (first,)
    if return_inverse:
        r = r + (np.reshape(inverse, as_array(ar).shape),)
    if return_counts:
        r = r + (counts,)
    return r


def _in_sorted(s, x):
    k = np.searchsorted(s, x)
    return k < s.shape[0] and get(s, k) == x


@implements(np.isin, examples=[lambda np: (np.arange(6), np.array([1, 4])), lambda np: (np.arange(6).reshape(2, 3), [1, 5], False, True), lambda np: (np.array([1.0, np.nan]), np.array([np.nan, 1.0]))])
def isin(element, test_elements, assume_unique=False, invert=False, kind=None):
    x = as_array(element)
    s = np.sort(ravelled(_raised(as_array(test_elements))))
    out = empty_array(x.shape, np.bool_)
    flat = ravelled(x)
    to = ravelled(out)
    for i in range(flat.shape[0]):
        put(to, _in_sorted(s, get(flat, i)) != invert, i)
    return out


def _raised(x):
    if x.ndim == 0:
        return x[None]
    return x


def _members(a, b, wanted):
    """The items of a sorted distinct array that are (or are not) in another one."""
    count = 0
    for i in range(a.shape[0]):
        if _in_sorted(b, get(a, i)) == wanted:
            count += 1
    out = empty_array((count,), dtype_of(a))
    at = 0
    for i in range(a.shape[0]):
        if _in_sorted(b, get(a, i)) == wanted:
            put(out, get(a, i), at)
            at += 1
    return out


@implements(np.intersect1d, examples=[lambda np: (np.array([1, 3, 4, 3]), np.array([3, 1, 2, 1])), lambda np: (np.array([1.5, 2]), np.array([2, 3]))])
def intersect1d(ar1, ar2, assume_unique=False, return_indices=False):
    d = promote(dtype_of(as_array(ar1)), dtype_of(as_array(ar2)))
    return _members(copy_of(unique(ar1), d), copy_of(unique(ar2), d), True)


@implements(np.setdiff1d, examples=[lambda np: (np.array([1, 2, 3, 2, 4, 1]), np.array([3, 4, 5, 6]))])
def setdiff1d(ar1, ar2, assume_unique=False):
    return _members(unique(ar1), unique(ar2), False)


@implements(np.union1d, examples=[lambda np: (np.array([-1, 0, 1]), np.array([-2, 0, 2])), lambda np: (np.array([1, 2]), np.array([1.5]))])
def union1d(ar1, ar2):
    return unique(np.concatenate((ravelled(_raised(as_array(ar1))), ravelled(_raised(as_array(ar2))))))


@implements(np.setxor1d, examples=[lambda np: (np.array([1, 2, 3, 2, 4]), np.array([2, 3, 5, 7, 5]))])
def setxor1d(ar1, ar2, assume_unique=False):
    a = unique(ar1)
    b = unique(ar2)
    return np.sort(np.concatenate((_members(a, b, False), _members(b, a, False))))
