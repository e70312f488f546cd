"""split, array_split, hsplit, vsplit, dsplit: parts of an array as views, in a tuple. The number of parts has to be known while compiling."""
import numpy as np

from coluber.extending import implements
from coluber.lib.intrinsics import is_literal, is_number, range_tuple, static_error, tuple_map
from coluber.lib.numpy._common import as_array, check_axis, narrow


def _clipped(i, n):
    """A bound of a slice, in range."""
    if i < 0:
        return max(i + n, 0)
    return min(i, n)


def _section(k, x, axis, sections):
    n = x.shape[axis]
    each = n // sections
    extra = n % sections
    return narrow(x, axis, k * each + min(k, extra), (k + 1) * each + min(k + 1, extra))


def _cut(x, axis, start, bounds):
    n = x.shape[axis]
    if len(bounds) == 0:
        return (narrow(x, axis, start, n),)
    stop = max(_clipped(bounds[0], n), start)
    return (narrow(x, axis, start, stop),) + _cut(x, axis, _clipped(bounds[0], n), bounds[1:])


def _parts(x, where, axis):
    k = check_axis(axis, x.ndim)
    if is_number(where):
        if not is_literal(where):
            static_error("the number of parts has to be a literal up to 16: it decides the type of the result")
        if where <= 0:
            raise ValueError("number sections must be larger than 0.")
        return tuple_map(_section, range_tuple(where), x, k, where)
    if not isinstance(where, tuple):
        static_error("the places to split at are given as a tuple: their number decides the type of the result")
    return _cut(x, k, 0, where)


@implements(np.array_split, examples=[
    lambda np: (np.arange(9.0), 4), lambda np: (np.arange(12).reshape(3, 4), 3, 1), lambda np: (np.arange(9), (3, 5)), lambda np: (np.arange(9), (-2, 20)), lambda np: (np.arange(3), 5), lambda np: (np.arange(3), 0)])
def array_split(ary, indices_or_sections, axis=0):
    return _parts(as_array(ary), indices_or_sections, axis)


@implements(np.split, examples=[
    lambda np: (np.arange(9.0), 3), lambda np: (np.arange(12).reshape(3, 4), 2, 1), lambda np: (np.arange(9), (3, 5)), lambda np: (np.arange(9), 4), lambda np: (np.arange(12).reshape(3, 4), (1, 2), -1)])
def split(ary, indices_or_sections, axis=0):
    x = as_array(ary)
    if is_number(indices_or_sections):
        if indices_or_sections > 0 and x.shape[check_axis(axis, x.ndim)] % indices_or_sections != 0:
            raise ValueError("array split does not result in an equal division")
    return _parts(x, indices_or_sections, axis)


@implements(np.hsplit, examples=[lambda np: (np.arange(12).reshape(3, 4), 2), lambda np: (np.arange(6.0), (1, 4))])
def hsplit(ary, indices_or_sections):
    x = as_array(ary)
    if x.ndim == 0:
        raise ValueError("hsplit only works on arrays of 1 or more dimensions")
    return split(x, indices_or_sections, 1 if x.ndim > 1 else 0)


@implements(np.vsplit, examples=[lambda np: (np.arange(12).reshape(4, 3), 2), lambda np: (np.arange(6.0), 2)])
def vsplit(ary, indices_or_sections):
    x = as_array(ary)
    if x.ndim < 2:
        raise ValueError("vsplit only works on arrays of 2 or more dimensions")
    return split(x, indices_or_sections, 0)


@implements(np.dsplit, examples=[lambda np: (np.arange(12).reshape(2, 3, 2), 2)])
def dsplit(ary, indices_or_sections):
    x = as_array(ary)
    if x.ndim < 3:
        raise ValueError("dsplit only works on arrays of 3 or more dimensions")
    return split(x, indices_or_sections, 2)
