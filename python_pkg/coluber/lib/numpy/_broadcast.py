"""Broadcasting of shapes, and of index arrays."""
from coluber.lib.intrinsics import array_view, tuple_map, tuple_repeat, tuple_set
from coluber.lib.numpy.shape import broadcast_strides


def _most(t):
    if len(t) == 1:
        return t[0].ndim
    return max(t[0].ndim, _most(t[1:]))


def joined_shape(shape, other, error, message):
    """The broadcast of two shapes; `error(message)` is raised where they do not fit."""
    if len(shape) < len(other):
        return joined_shape(other, shape, error, message)
    if len(other) == 0:
        return shape
    extra = len(shape) - len(other)
    for k in range(len(other)):
        n = other[k]
        have = shape[k + extra]
        if have == 1:
            shape = tuple_set(shape, k + extra, n)
        elif n != 1 and n != have:
            raise error(message)
    return shape


def _extend_all(shape, arrays):
    if len(arrays) == 0:
        return shape
    return _extend_all(joined_shape(shape, arrays[0].shape, IndexError, "shape mismatch: indexing arrays could not be broadcast together"), arrays[1:])


def common_shape(arrays):
    return _extend_all(tuple_repeat(1, _most(arrays)), arrays)


def stretched(a, shape):
    """a under a shape that it broadcasts to; read by index only."""
    return array_view(a, shape, broadcast_strides(a, shape), 0, "A")


def broadcast_all(arrays):
    """The arrays of a tuple under their common shape."""
    if len(arrays) == 1:
        return arrays
    return tuple_map(stretched, arrays, common_shape(arrays))
