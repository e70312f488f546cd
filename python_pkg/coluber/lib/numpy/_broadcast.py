"""Broadcasting of index arrays."""
from coluber.lib.intrinsics import array_view, tuple_map, tuple_repeat, tuple_set
from coluber.lib.numpy.shape import broadcast_strides


def _most(t):
    if len(t) == 1:
        return t[0].ndim
    return max(t[0].ndim, _most(t[1:]))


def _extend(shape, a):
    """The broadcast of a shape and that of an array of at most as many dimensions."""
    if a.ndim == 0:
        return shape
    extra = len(shape) - a.ndim
    for k in range(a.ndim):
        n = a.shape[k]
        have = shape[k + extra]
        if have == 1:
            shape = tuple_set(shape, k + extra, n)
        elif n != 1 and n != have:
            raise IndexError("shape mismatch: indexing arrays could not be broadcast together")
    return shape


def _extend_all(shape, arrays):
    if len(arrays) == 0:
        return shape
    return _extend_all(_extend(shape, arrays[0]), arrays[1:])


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
