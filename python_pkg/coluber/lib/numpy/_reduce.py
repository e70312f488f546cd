"""The engine of the reductions. A reduction is a pair of functions: op(accumulator, item) for two scalars, and row(accumulator, a) for all items of a
one-dimensional array; the accumulator has the dtype of the result. Axes are a mask, a literal tuple of bools; items are met in the order in which NumPy meets them, so that sums
of floats are NumPy's bit for bit."""
import numpy as np
from numpy.exceptions import AxisError  # noqa: F401  (raised by check_axis)

from coluber.lib.intrinsics import (
    array_view, assign, cast, dtype_of, empty_array, fold, fold_shared, get, is_array, is_complex, is_contiguous, is_f_contiguous, is_literal,
    is_parallel, layout, put, range_tuple, rounds, tuple_insert, tuple_map, tuple_repeat, tuple_set)
from coluber.lib.numpy._common import COST, axis_first, check_axis, flat_view, narrow, product, row_work

COLUMNS = 64            # that a thread takes at least, of a reduction along the first axis
SPLIT = 32768           # vectors from this length on are cut
PIECE = 16384           # ... in pieces of about that length,
MOST_PIECES = 256       # but not in more than so many
BUFFER = 8192           # items that NumPy converts at a time


def _in_axes(k, axis, ndim):
    return k in axis or k - ndim in axis


def _check_each(axis, ndim):
    return check_axis(axis, ndim)


def _no_duplicates(axes):
    if len(axes) > 1:
        if axes[0] in axes[1:]:
            raise ValueError("duplicate value in 'axis'")
        _no_duplicates(axes[1:])


def axes_mask(axis, ndim):
    """Which axes are reduced, as a literal tuple of bools; axis is a literal."""
    if isinstance(axis, tuple):
        axes = tuple_map(_check_each, axis, ndim)
        _no_duplicates(axes)
        return tuple_map(_in_axes, range_tuple(ndim), axis, ndim)
    return tuple_set(tuple_repeat(False, ndim), check_axis(axis, ndim), True)


def all_true(mask):
    if len(mask) == 0:
        return True
    return mask[0] and all_true(mask[1:])


def keep_shape(shape, mask):
    """The shape with 1 for the reduced axes."""
    if len(mask) == 0:
        return ()
    if mask[0]:
        return (1,) + keep_shape(shape[1:], mask[1:])
    return (shape[0],) + keep_shape(shape[1:], mask[1:])


def drop_shape(shape, mask):
    """The shape without the reduced axes."""
    if len(mask) == 0:
        return ()
    if mask[0]:
        return drop_shape(shape[1:], mask[1:])
    return (shape[0],) + drop_shape(shape[1:], mask[1:])


def count_items(shape, mask):
    """How many items go into one result."""
    if len(mask) == 0:
        return 1
    if mask[0]:
        return shape[0] * count_items(shape[1:], mask[1:])
    return count_items(shape[1:], mask[1:])


def _merge_shape(shape, mask):
    if len(mask) < 2:
        return shape
    if mask[0] == mask[1]:
        return _merge_shape((shape[0] * shape[1],) + shape[2:], mask[1:])
    return (shape[0],) + _merge_shape(shape[1:], mask[1:])


def _merge_mask(mask):
    if len(mask) < 2:
        return mask
    if mask[0] == mask[1]:
        return _merge_mask(mask[1:])
    return (mask[0],) + _merge_mask(mask[1:])


def total(a, op, row, d, acc):
    """op over all items of a, begun with acc."""
    if a.ndim == 0:
        return op(acc, cast(get(a), d))
    if a.ndim == 1:
        return row(acc, a)
    for i in range(a.shape[0]):
        acc = total(a[i], op, row, d, acc)
    return acc


def total_of(a, op, row, d, acc):
    """total; contiguous memory is one long row."""
    if a.ndim > 1 and (is_contiguous(a) or is_f_contiguous(a)):
        return total(flat_view(a), op, row, d, acc)
    return total(a, op, row, d, acc)


def _into(dst, src, mask, op, row, d):
    """dst has length 1 along the reduced axes and holds the results so far."""
    if src.ndim == 1:
        if mask[0]:
            put(dst, row(get(dst, 0), src), 0)
        else:
            for j in range(src.shape[0]):
                put(dst, op(get(dst, j), cast(get(src, j), d)), j)
    elif mask[0]:
        part = dst[0]
        for i in range(src.shape[0]):
            _into(part, src[i], mask[1:], op, row, d)
    else:
        for i in range(src.shape[0]):
            _into(dst[i], src[i], mask[1:], op, row, d)


def _all_into(dst, src, mask, op, row, d, start):
    """_into, with what the results begin with: start, or None for the first item."""
    if start is None:
        assign(dst, array_view(src, dst.shape, src.strides, 0, "A"))
    else:
        assign(dst, start)
    _into(dst, src, mask, op, row, d)


def _shared(dst, src, mask, op, row, d, start):
    """_all_into; several threads take rows, or where the first axis is reduced columns, so that each sum is in order."""
    if not is_parallel() or mask[0] and mask[src.ndim - 1]:
        _all_into(dst, src, mask, op, row, d, start)
        return
    if not mask[0]:
        for i in rounds(src.shape[0], row_work(src)):
            _all_into(dst[i], src[i], mask[1:], op, row, d, start)
        return
    n = src.shape[src.ndim - 1]
    step = max(COLUMNS, n // MOST_PIECES)
    for k in rounds((n + step - 1) // step, step * COST * product(src.shape[:src.ndim - 1])):
        first = k * step
        last = min(first + step, n)
        _all_into(narrow(dst, src.ndim - 1, first, last), narrow(src, src.ndim - 1, first, last), mask, op, row, d, start)


def _masked(a, mask, d, op, row, start):
    """A C-contiguous array of the results, with length 1 along the reduced axes, in the shape _merge_shape gives for contiguous arrays."""
    if is_contiguous(a) and a.ndim > 1:
        src = array_view(a, _merge_shape(a.shape, mask), (), 0, "C")
        return _begin(src, _merge_mask(mask), d, op, row, start)
    return _begin(a, mask, d, op, row, start)


def _begin(src, mask, d, op, row, start):
    dst = empty_array(keep_shape(src.shape, mask), d)
    _shared(dst, src, mask, op, row, d, start)
    return dst


def _flip_axis(axis, ndim):
    return ndim - 1 - check_axis(axis, ndim)


def flipped(axis, ndim):
    if isinstance(axis, tuple):
        return tuple_map(_flip_axis, axis, ndim)
    return _flip_axis(axis, ndim)


def _nonempty(a, mask):
    return count_items(a.shape, mask) > 0


def reduce(a, axis, d, keepdims, op, row, start, name):
    """The reduction of an array over axis (None, an int or a tuple of ints) in dtype d. start: the value to begin with, or None: the first
    item, of which there must be one."""
    if axis is None:
        r = _reduce_all(a, d, op, row, start, name)
        if keepdims:
            out = empty_array(tuple_repeat(1, a.ndim), d)
            assign(out, r)
            return out
        return r
    if not is_literal(axis):
        k = check_axis(axis, a.ndim)
        r = reduce(axis_first(a, k), 0, d, False, op, row, start, name)
        if keepdims:
            return _with_axis(r, k, d)
        return r
    if a.ndim > 1 and is_f_contiguous(a):
        return transposed(reduce(a.T, flipped(axis, a.ndim), d, keepdims, op, row, start, name))
    mask = axes_mask(axis, a.ndim)
    if all_true(mask) and not keepdims and a.ndim > 0:
        return _reduce_all(a, d, op, row, start, name)
    if start is None and not _nonempty(a, mask):
        _empty(name)
    dst = _masked(a, mask, d, op, row, start)
    if keepdims:
        return array_view(dst, keep_shape(a.shape, mask), (), 0, "C")
    return array_view(dst, drop_shape(a.shape, mask), (), 0, "C")


def _with_axis(r, k, d):
    """The axis that was reduced away comes back with length 1."""
    if is_array(r):
        return array_view(r, tuple_insert(r.shape, k, 1), (), 0, "C")
    out = empty_array((1,), d)
    put(out, r, 0)
    return out


def transposed(r):
    if is_array(r):
        return r.T
    return r


def _empty(name):
    if name == "min":
        raise ValueError("zero-size array to reduction operation minimum which has no identity")
    if name == "max":
        raise ValueError("zero-size array to reduction operation maximum which has no identity")
    if name == "fmin":
        raise ValueError("zero-size array to reduction operation fmin which has no identity")
    raise ValueError("zero-size array to reduction operation fmax which has no identity")


def _first(a):
    return get(a, tuple_repeat(0, a.ndim))


def _reduce_all(a, d, op, row, start, name):
    if start is None:
        if a.size == 0:
            _empty(name)
        return total_of(a, op, row, d, cast(_first(a), d))
    return total_of(a, op, row, d, cast(start, d))


# ---- long vectors on several threads, under the option parallel
# How a vector is cut depends on its length alone, never on the number of threads: results are the same on any machine. Where NumPy's own loops do it,
# the runtime cuts (jit/runtime/fold.cc); loops of ours are cut here. Whether there are several threads is asked here, not by callers.

def cut(n, k, m):
    """Where the k-th of m pieces of n items begins."""
    return k * n // m


def piece(a, first, n):
    """a[first:first + n] of a vector; the bounds are in range."""
    return array_view(a, (n,), a.strides, first * a.strides[0], layout(a))


def nth_piece(a, k, m):
    """The k-th of m pieces of a vector."""
    first = cut(a.shape[0], k, m)
    return piece(a, first, cut(a.shape[0], k + 1, m) - first)


def is_split(a):
    return is_parallel() and a.shape[0] >= SPLIT


def in_pieces(acc, a, row, op, seed):
    """op of acc and of what row(seed, piece) makes of the pieces, in their order. seed: what row may begin with in each of them."""
    n = a.shape[0]
    m = min(n // PIECE, MOST_PIECES)
    found = empty_array((m,), dtype_of(acc))
    for k in rounds(m, n // m * COST):
        put(found, cast(row(seed, nth_piece(a, k, m)), dtype_of(acc)), k)
    for k in range(m):
        acc = op(acc, get(found, k))
    return acc


def shared_fold(ufunc, acc, a):
    """fold() of what twice does no harm."""
    if is_parallel():
        return fold_shared(ufunc, acc, a, 0)
    return fold(ufunc, acc, a)


def shared_sum(acc, a):
    """acc + NumPy's pairwise sum of a vector of floats."""
    if not is_parallel():
        return fold(np.add, acc, a)
    if is_complex(acc):
        return fold_shared(np.add, acc, a, 2)
    return fold_shared(np.add, acc, a, 1)


def shared_buffered_sum(acc, a):
    """As NumPy before 2.3 adds up: what goes into its buffer, one sum after the other."""
    if not is_parallel():
        n = a.shape[0]
        for at in range(0, n, BUFFER):
            acc = fold(np.add, acc, piece(a, at, min(BUFFER, n - at)))
        return acc
    if is_complex(acc):
        return fold_shared(np.add, acc, a, 4)
    return fold_shared(np.add, acc, a, 3)
