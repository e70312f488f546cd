"""Shape and order of the items: reshape, ravel, transpose and their kin, astype, flip, roll, broadcast_to."""
import numpy as np

from coluber.extending import implements
from coluber.lib.intrinsics import (
    array_view, as_readonly, assign, cast, dtype_of, empty_array, get, is_array, is_bool, is_complex, is_contiguous, is_f_contiguous, is_literal,
    layout, mem_copy, range_tuple, rolled, same_type, static_error, tuple_insert, tuple_map, tuple_remove, tuple_repeat, tuple_set, weak)
from coluber.lib.numpy._common import (
    as_array, as_tuple, check_axis, contiguous, flat_view, like, product, shape_text)


# ---- reshape

def _misfit(size, shape):
    raise ValueError(f"cannot reshape array of size {size} into shape {shape_text(shape)}")


def _known(shape, size):
    """The shape with its -1 worked out; ValueError when the size does not fit."""
    if len(shape) == 0:
        if size != 1:
            _misfit(size, shape)
        return ()
    known = 1
    unknown = 0
    for k in range(len(shape)):
        if shape[k] < 0:
            unknown += 1
        else:
            known *= shape[k]
    if unknown > 1:
        raise ValueError("can only specify one unknown dimension")
    if unknown == 1:
        if known == 0 or size % known != 0:
            _misfit(size, shape)
        return tuple_map(_resolve, shape, size // known)
    if known != size:
        _misfit(size, shape)
    return tuple_map(_resolve, shape, 0)


def _whole(n):
    return int(n)


def _resolve(n, rest):
    if n < 0:
        return rest
    return n


def _no_copy_strides(a, shape):
    """Strides of a view of a under a new shape, as NumPy finds them; the first item is False when there is none."""
    strides = tuple_repeat(a.itemsize, len(shape))
    old = 0
    new = 0
    while old < a.ndim and new < len(shape):
        if a.shape[old] == 1:
            old += 1
            continue
        n_old = a.shape[old]
        n_new = shape[new]
        to = old + 1
        upto = new + 1
        while n_old != n_new:
            if n_new < n_old:
                n_new *= shape[upto]
                upto += 1
            else:
                n_old *= a.shape[to]
                to += 1
        before = old
        for k in range(old + 1, to):
            if a.shape[k] != 1:
                if a.shape[before] != 1 and a.strides[before] != a.shape[k] * a.strides[k]:
                    return False, strides
                before = k
        last = a.strides[before]
        for k in range(upto - 1, new - 1, -1):
            strides = tuple_set(strides, k, last)
            last *= shape[k]
        old = to
        new = upto
    return True, strides


def reshape_to(a, shape, order):
    if order == "F":
        return reshape_to(a.T, shape[::-1], "C").T
    to = _known(tuple_map(_whole, shape), a.size)
    if is_contiguous(a):
        return array_view(a, to, (), 0, "C")
    if len(to) == 0 or a.ndim == 0 or is_f_contiguous(a):
        return array_view(contiguous(a), to, (), 0, "C")
    if a.size > 0:
        fits, strides = _no_copy_strides(a, to)
        if fits:
            return array_view(a, to, strides, 0, "A")
    return array_view(array_view(contiguous(a), to, (), 0, "C"), to, _c_strides(to, a.itemsize), 0, "A")


def _c_strides(shape, itemsize):
    if len(shape) == 0:
        return ()
    return (product(shape[1:]) * itemsize,) + _c_strides(shape[1:], itemsize)


@implements(np.reshape, examples=[
    lambda np: (np.arange(12.0), (3, 4)), lambda np: (np.arange(12).reshape(3, 4), (2, -1)), lambda np: (np.arange(12).reshape(3, 4).T, (2, 6)),
    lambda np: (np.arange(12).reshape(3, 4), 12), lambda np: (np.arange(12), (5, 3)), lambda np: (np.arange(12).reshape(3, 4), (4, 3), "F"),
    lambda np: (np.arange(24)[::2], (3, 4)), lambda np: (np.arange(24).reshape(4, 6)[:, ::2], (2, 2, 3))])
def reshape(a, shape, order="C"):
    return reshape_to(as_array(a), as_tuple(shape), order)


@implements("method:array.reshape")
def array_reshape(a, *shape, order="C"):
    if len(shape) == 1:
        return reshape_to(a, as_tuple(shape[0]), order)
    return reshape_to(a, shape, order)


@implements(np.ravel, "method:array.ravel", examples=[
    lambda np: (np.arange(12).reshape(3, 4),), lambda np: (np.arange(12).reshape(3, 4).T,), lambda np: (np.arange(12).reshape(3, 4), "F"), lambda np: (np.arange(8)[::2],)])
def ravel(a, order="C"):
    x = as_array(a)
    if order == "F":
        return ravelled_copy(x.T)
    return ravelled_copy(x)


def ravelled_copy(x):
    if is_contiguous(x):
        return flat_view(x)
    return flat_view(contiguous(x))


@implements("method:array.flatten", examples=[lambda np: (np.arange(12).reshape(3, 4),), lambda np: (np.arange(12).reshape(3, 4).T,), lambda np: (np.arange(6).reshape(2, 3), "F")])
def flatten(a, order="C"):
    if order == "F":
        return flatten(a.T)
    out = empty_array(a.shape, dtype_of(a))
    assign(out, a)
    return flat_view(out)


# ---- axes

def _pick(k, t):
    return t[k]


def _permuted(a, axes):
    return array_view(a, tuple_map(_pick, axes, a.shape), tuple_map(_pick, axes, a.strides), 0, _permuted_layout(a, axes))


def _permuted_layout(a, axes):
    if is_literal(axes) and (layout(a) == "C" or layout(a) == "S") and axes[-1] == a.ndim - 1:
        return "S"
    return "A"


def _check_one(axis, ndim):
    return check_axis(axis, ndim)


def _checked(axes, ndim):
    if len(axes) != ndim:
        raise ValueError("axes don't match array")
    r = tuple_map(_check_one, axes, ndim)
    for k in range(ndim):
        for j in range(k):
            if r[j] == r[k]:
                raise ValueError("repeated axis in transpose")
    return r


@implements(np.transpose, examples=[
    lambda np: (np.arange(12).reshape(3, 4),), lambda np: (np.arange(24).reshape(2, 3, 4), (1, 0, 2)), lambda np: (np.arange(24).reshape(2, 3, 4), (2, 0, 1)),
    lambda np: (np.arange(5),), lambda np: (np.arange(24).reshape(2, 3, 4), (1, 0, 1))])
def transpose(a, axes=None):
    x = as_array(a)
    if axes is None:
        return x.T
    return _permuted(x, _checked(axes, x.ndim))


@implements("method:array.transpose")
def array_transpose(a, *axes):
    if len(axes) == 0:
        return a.T
    if len(axes) == 1:
        return transpose(a, axes[0] if axes[0] is None else as_tuple(axes[0]))
    return transpose(a, axes)


@implements(np.swapaxes, "method:array.swapaxes", examples=[lambda np: (np.arange(12).reshape(3, 4), 0, 1), lambda np: (np.arange(24).reshape(2, 3, 4), 0, -1)])
def swapaxes(a, axis1, axis2):
    x = as_array(a)
    i = check_axis(axis1, x.ndim)
    j = check_axis(axis2, x.ndim)
    if i == j:
        return x
    return _permuted(x, tuple_set(tuple_set(range_tuple(x.ndim), i, j), j, i))


@implements(np.moveaxis, examples=[lambda np: (np.arange(24).reshape(2, 3, 4), 0, -1), lambda np: (np.arange(24).reshape(2, 3, 4), 2, 0)])
def moveaxis(a, source, destination):
    x = as_array(a)
    if isinstance(source, tuple) or isinstance(destination, tuple):
        return _move_all(x, as_tuple(source), as_tuple(destination))
    i = check_axis(source, x.ndim)
    return _permuted(x, tuple_insert(tuple_remove(range_tuple(x.ndim), i), check_axis(destination, x.ndim), i))


def _move_all(x, source, destination):
    if len(source) != len(destination):
        raise ValueError("`source` and `destination` arguments must have the same number of elements")
    return _permuted(x, tuple_map(_source_of, range_tuple(x.ndim), tuple_map(_check_one, source, x.ndim), tuple_map(_check_one, destination, x.ndim), x.ndim))


def _source_of(k, source, destination, ndim):
    """Which axis comes to place k."""
    rank = 0
    for j in range(len(destination)):
        if destination[j] == k:
            return source[j]
        if destination[j] < k:
            rank += 1
    left = k - rank
    for axis in range(ndim):
        if axis not in source:
            if left == 0:
                return axis
            left -= 1
    return 0


@implements(np.rollaxis, examples=[lambda np: (np.arange(24).reshape(2, 3, 4), 2), lambda np: (np.arange(24).reshape(2, 3, 4), 0, 2)])
def rollaxis(a, axis, start=0):
    x = as_array(a)
    i = check_axis(axis, x.ndim)
    if start < 0:
        start += x.ndim
    if i < start:
        start -= 1
    return _permuted(x, tuple_insert(tuple_remove(range_tuple(x.ndim), i), start, i))


def _inserted_layout(a, k):
    if layout(a) == "C":
        return "C"
    if layout(a) == "S":
        return "S"
    if layout(a) == "F" and is_literal(k) and (k == 0 or k == a.ndim):
        return "F"
    return "A"


def _expanded(a, k):
    return array_view(a, tuple_insert(a.shape, k, 1), tuple_insert(a.strides, k, a.itemsize), 0, _inserted_layout(a, k))


@implements(np.expand_dims, examples=[lambda np: (np.arange(4), 0), lambda np: (np.arange(6).reshape(2, 3), -1), lambda np: (np.arange(6).reshape(2, 3), (0, 2))])
def expand_dims(a, axis):
    x = as_array(a)
    if not isinstance(axis, tuple):
        return _expanded(x, check_axis(axis, x.ndim + 1))
    return _expand_all(x, tuple_map(_check_one, axis, x.ndim + len(axis)), 0)


def _expand_all(x, axes, k):
    if len(axes) == 0:
        return x
    if k in axes:
        return _expand_all(_expanded(x, k), _drop_value(axes, k), k + 1)
    return _expand_all(x, axes, k + 1)


def _drop_value(t, k):
    if len(t) == 0:
        return ()
    if t[0] == k:
        return t[1:]
    return (t[0],) + _drop_value(t[1:], k)


def _squeezed_layout(a, k):
    if layout(a) == "C" or layout(a) == "F":
        return layout(a)
    if layout(a) == "S" and k < a.ndim - 1:
        return "S"
    return "A"


@implements(np.squeeze, "method:array.squeeze", examples=[
    lambda np: (np.arange(6).reshape(1, 6), 0), lambda np: (np.arange(6).reshape(2, 1, 3), 1), lambda np: (np.arange(6).reshape(2, 3), 0), lambda np: (np.arange(6).reshape(1, 6, 1), (0, 2))])
def squeeze(a, axis=None):
    x = as_array(a)
    if axis is None:
        static_error("squeeze() needs axis as a literal here: the number of dimensions of the result has to be known")
    if isinstance(axis, tuple):
        if len(axis) == 0:
            return x
        return squeeze(squeeze(x, _largest(tuple_map(_check_one, axis, x.ndim))), _drop_value(tuple_map(_check_one, axis, x.ndim), _largest(tuple_map(_check_one, axis, x.ndim))))
    k = check_axis(axis, x.ndim)
    if x.shape[k] != 1:
        raise ValueError("cannot select an axis to squeeze out which has size not equal to one")
    return array_view(x, tuple_remove(x.shape, k), tuple_remove(x.strides, k), 0, _squeezed_layout(x, k))


def _largest(t):
    if len(t) == 1:
        return t[0]
    return max(t[0], _largest(t[1:]))


@implements(np.atleast_1d, examples=[lambda np: (3.0,), lambda np: (np.arange(3),), lambda np: (np.arange(6).reshape(2, 3),)])
def atleast_1d(a):
    x = as_array(a)
    if x.ndim == 0:
        return x[None]
    return x


@implements(np.atleast_2d, examples=[lambda np: (3.0,), lambda np: (np.arange(3),), lambda np: (np.arange(6).reshape(2, 3),)])
def atleast_2d(a):
    x = as_array(a)
    if x.ndim == 0:
        return x[None, None]
    if x.ndim == 1:
        return x[None]
    return x


def broadcast_strides(a, shape):
    """Strides (0 where a is repeated) of a broadcast to a shape of at least its dimensions."""
    extra = len(shape) - a.ndim
    strides = tuple_repeat(0, len(shape))
    if a.ndim == 0:
        return strides
    for k in range(a.ndim):
        if a.shape[k] == shape[k + extra]:
            strides = tuple_set(strides, k + extra, a.strides[k])
        elif a.shape[k] != 1:
            raise ValueError("operands could not be broadcast together with remapped shapes")
    return strides


@implements(np.broadcast_to, examples=[lambda np: (np.arange(3), (2, 3)), lambda np: (np.arange(3).reshape(3, 1), (3, 4)), lambda np: (2.5, (2, 2)), lambda np: (np.arange(3), (2, 4))])
def broadcast_to(array, shape):
    x = as_array(array)
    to = as_tuple(shape)
    if len(to) < x.ndim:
        raise ValueError("input operand has more dimensions than allowed by the axis remapping")
    return as_readonly(array_view(x, to, broadcast_strides(x, to), 0, "A"))


# ---- items

@implements("method:array.astype", examples=[
    lambda np: (np.arange(6.0).reshape(2, 3) / 2, np.int32), lambda np: (np.arange(6), np.float32), lambda np: (np.arange(6) - 2, bool), lambda np: (np.arange(3), complex),
    lambda np: (np.arange(6.0).reshape(2, 3).T, np.int64)])
def astype(a, dtype, order="K", casting="unsafe", subok=True, copy=True):
    d = dtype_of(dtype)
    if not copy and same_type(dtype_of(a), d):
        return a
    out = like(a, d)
    if is_complex(dtype_of(a)) and not is_complex(d):
        if is_bool(d):
            assign(out, a != 0)
        else:
            assign(out, a.real)
    else:
        assign(out, a)
    return out


def _viewed_row(n, old, new):
    """The length of a row of n items under another size of item."""
    if new > old and n * old % new != 0:
        raise ValueError("When changing to a larger dtype, its size must be a divisor of the total size in bytes of the last axis of the array.")
    return n * old // new


@implements("method:array.view", examples=[
    lambda np: (np.arange(4.0), np.int64), lambda np: (np.arange(4.0), np.int32), lambda np: (np.arange(8, dtype=np.uint8), np.float64), lambda np: (np.arange(6, dtype=np.float32).reshape(2, 3), np.uint32),
    lambda np: (np.arange(6.0).reshape(2, 3), np.complex128), lambda np: (np.arange(4.0),)])
def view(a, dtype=None):
    if dtype is None:
        return a
    d = dtype_of(dtype)
    if is_bool(d) and not is_bool(dtype_of(a)):
        static_error("view(bool) is not supported: the bytes need not be 0 or 1. Compare with 0 instead")
    if d.itemsize == a.itemsize:
        return array_view(a, a.shape, a.strides if layout(a) != "C" else (), 0, layout(a), d)
    if a.ndim == 0:
        raise ValueError("Changing the dtype of a 0d array is only supported if the itemsize is unchanged")
    k = a.ndim - 1
    if a.strides[k] != a.itemsize and a.shape[k] != 1 and a.size > 0:
        raise ValueError("To change to a dtype of a different size, the last axis must be contiguous")
    shape = tuple_set(a.shape, k, _viewed_row(a.shape[k], a.itemsize, d.itemsize))
    if is_contiguous(a) and layout(a) == "C":
        return array_view(a, shape, (), 0, "C", d)
    return array_view(a, shape, tuple_set(a.strides, k, d.itemsize), 0, "A", d)


@implements("method:array.fill")
def fill(a, value):
    if is_array(value):
        assign(a, value.item())
    else:
        assign(a, cast(value, dtype_of(a)))


def _item_at(a, key):
    return weak(a[key])


@implements("method:array.item", examples=[lambda np: (np.array([2.5]),), lambda np: (np.arange(6).reshape(2, 3), 4), lambda np: (np.arange(6).reshape(2, 3), 1, 2), lambda np: (np.arange(3),)])
def item(a, *args):
    if len(args) == 0:
        if a.size != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        return weak(get(a, tuple_repeat(0, a.ndim)))
    if len(args) == 1 and isinstance(args[0], tuple):
        return _item_at(a, args[0])
    if len(args) == 1 and a.ndim > 1:
        return weak(flat_item(a, _in_range(args[0], a.size)))
    return _item_at(a, args)


def _in_range(i, n):
    if i < -n or i >= n:
        raise IndexError("index is out of bounds for the size of the array")
    if i < 0:
        return i + n
    return i


def unravel(i, shape):
    """The indices of item i in C order."""
    if len(shape) <= 1:
        return (i,)
    return unravel(i // shape[-1], shape[:-1]) + (i % shape[-1],)


@implements("flat:item")
def flat_item(a, i):
    """Item i in C order; i is in range."""
    if a.ndim == 0:
        return get(a)
    if is_contiguous(a):
        return get(flat_view(a), i)
    return get(a, unravel(i, a.shape))


@implements("method:array.tolist", examples=[lambda np: (np.arange(5),), lambda np: (np.linspace(0, 1, 4),)])
def tolist(a):
    if a.ndim == 0:
        return a.item()
    if a.ndim > 1:
        static_error("tolist() takes one-dimensional arrays here: lists of lists are not supported yet")
    return [weak(get(a, i)) for i in range(a.shape[0])]


# ---- order

def _flip_one(a, k):
    n = a.shape[k]
    offset = max(n - 1, 0) * a.strides[k]
    return array_view(a, a.shape, tuple_set(a.strides, k, -a.strides[k]), offset, "A")


def _flip_axes(a, axes):
    if len(axes) == 0:
        return a
    return _flip_axes(_flip_one(a, check_axis(axes[0], a.ndim)), axes[1:])


@implements(np.flip, examples=[lambda np: (np.arange(5),), lambda np: (np.arange(12).reshape(3, 4),), lambda np: (np.arange(12).reshape(3, 4), 1), lambda np: (np.arange(24).reshape(2, 3, 4), (0, 2))])
def flip(m, axis=None):
    a = as_array(m)
    if axis is None:
        return _flip_axes(a, range_tuple(a.ndim))
    return _flip_axes(a, as_tuple(axis))


@implements(np.fliplr, examples=[lambda np: (np.arange(12).reshape(3, 4),)])
def fliplr(m):
    return _flip_one(as_array(m), 1)


@implements(np.flipud, examples=[lambda np: (np.arange(12).reshape(3, 4),), lambda np: (np.arange(4),)])
def flipud(m):
    return _flip_one(as_array(m), 0)


@implements(np.rot90, examples=[lambda np: (np.arange(6).reshape(2, 3),), lambda np: (np.arange(6).reshape(2, 3), 2), lambda np: (np.arange(6).reshape(2, 3), -1)])
def rot90(m, k=1):
    a = as_array(m)
    if not is_literal(k):
        static_error("rot90() needs k as a literal here")
    if a.ndim != 2:
        static_error("rot90() takes two-dimensional arrays here")
    turns = k % 4
    if turns == 0:
        return a
    if turns == 1:
        return _flip_one(a, 1).T
    if turns == 2:
        return _flip_one(_flip_one(a, 0), 1)
    return _flip_one(a.T, 1)


def _block_at(a, offset):
    """The memory of a from a byte offset on, to be copied from or to."""
    return array_view(a, (0,), (), offset, "C")


def _roll_blocks(a, shift, k):
    """A contiguous array rolled along an axis: two blocks of memory for each index of the axes before."""
    out = empty_array(a.shape, dtype_of(a))
    n = a.shape[k]
    if a.size > 0:
        row = n * a.strides[k]
        head = (shift % n) * a.strides[k]
        at = 0
        while at < a.nbytes:       # not `for`: a loop of calls gains nothing by being unrolled
            mem_copy(_block_at(out, at + head), _block_at(a, at), row - head)
            mem_copy(_block_at(out, at), _block_at(a, at + row - head), head)
            at += row
    return out


def _roll_copy(a, shift, axis):
    """The array that a roll is, where it is not part of an expression."""
    if is_f_contiguous(a) and a.ndim > 1:
        return _roll_blocks(a.T, shift, a.ndim - 1 - axis).T
    return _roll_blocks(contiguous(a), shift, axis)


def _roll_items(a, shift, axis):
    """The same for all items in C order; axis is -1."""
    return array_view(_roll_blocks(flat_view(a), shift, 0), a.shape, (), 0, "C")


def _roll_each(a, shifts, axes):
    if len(axes) == 0:
        return a
    return _roll_each(rolled(_roll_copy, a, shifts[0], axes[0]), shifts[1:], axes[1:])


@implements(np.roll, examples=[
    lambda np: (np.arange(10), 3), lambda np: (np.arange(10), -3), lambda np: (np.arange(12).reshape(3, 4), 1), lambda np: (np.arange(12).reshape(3, 4), 1, 0),
    lambda np: (np.arange(12).reshape(3, 4), -1, 1), lambda np: (np.arange(12).reshape(3, 4), (1, 2), (0, 1)), lambda np: (np.arange(12).reshape(3, 4), 1, (0, 1)),
    lambda np: (np.arange(12).reshape(3, 4), (1, 1), (0, 0)), lambda np: (np.arange(10), 23), lambda np: (np.zeros(0), 2)])
def roll(a, shift, axis=None):
    x = as_array(a)
    if axis is None:
        if x.ndim == 1:
            return rolled(_roll_copy, x, _total(as_tuple(shift)), 0)
        if is_contiguous(x):
            return rolled(_roll_items, x, _total(as_tuple(shift)), -1)
        return array_view(rolled(_roll_copy, ravelled_copy(x), _total(as_tuple(shift)), 0), x.shape, (), 0, "C")
    axes = tuple_map(_check_one, as_tuple(axis), x.ndim)
    shifts = as_tuple(shift)
    if len(shifts) == 1 and len(axes) > 1:
        shifts = tuple_repeat(shifts[0], len(axes))
    if len(axes) == 1 and len(shifts) > 1:
        shifts = (_total(shifts),)
    if len(shifts) != len(axes):
        raise ValueError("'shift' and 'axis' should be scalars or 1D sequences")
    if len(axes) == 0:
        return np.copy(x)
    return _roll_each(x, shifts, axes)


def _total(t):
    if len(t) == 0:
        return 0
    return t[0] + _total(t[1:])
