"""a.flags: a named tuple of what is known of an array."""
from collections import namedtuple

from coluber.extending import implements
from coluber.lib.intrinsics import is_contiguous, is_f_contiguous, is_readonly

Flags = namedtuple("Flags", "c_contiguous f_contiguous contiguous fortran writeable aligned forc")


def _packed(shape, strides, size):
    """Whether the strides are those of rows packed in C order; axes of length 1 do not count."""
    if len(shape) == 0:
        return True
    n = shape[-1]
    if n == 1:
        return _packed(shape[:-1], strides[:-1], size)
    return strides[-1] == size and _packed(shape[:-1], strides[:-1], size * n)


@implements("attr:array.flags")
def flags(a):
    c = is_contiguous(a) or a.size == 0 or _packed(a.shape, a.strides, a.itemsize)
    f = is_f_contiguous(a) or a.size == 0 or _packed(a.shape[::-1], a.strides[::-1], a.itemsize)
    return Flags(c, f, c, f, not is_readonly(a), True, c or f)
