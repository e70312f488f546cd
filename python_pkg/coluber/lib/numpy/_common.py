"""What several files of the NumPy library need: axes, shapes, views, dtypes. Tests on types and on literals are decided while compiling."""
import numpy as np
from numpy.exceptions import AxisError

from coluber.lib.intrinsics import (
    array_view, assign, dtype_of, empty_array, is_array, is_bool, is_complex, is_contiguous, is_f_contiguous, is_float, is_integer, is_parallel, is_signed, layout,
    math_bool, same_type, tuple_insert, tuple_remove, tuple_set)


def as_array(x):
    """x itself when it is an array, else an array made of it."""
    if is_array(x):
        return x
    return np.asarray(x)


def check_axis(axis, ndim):
    if axis < -ndim or axis >= ndim:
        raise AxisError(axis, ndim)
    if axis < 0:
        return axis + ndim
    return axis


def as_tuple(x):
    if isinstance(x, tuple):
        return x
    return (x,)


def product(t):
    if len(t) == 0:
        return 1
    return t[0] * product(t[1:])


def flat_view(a):
    """A contiguous array (C or F) as one dimension, in memory order."""
    return array_view(a, (a.size,), (), 0, "C")


def reshaped(a, shape):
    """A C-contiguous array under another shape of the same size."""
    return array_view(a, shape, (), 0, "C")


def narrow(a, axis, start, stop):
    """a[..., start:stop, ...] along an axis; the bounds are in range."""
    if layout(a) == "A" or a.ndim == 1 and not is_contiguous(a):
        return array_view(a, tuple_set(a.shape, axis, stop - start), a.strides, start * a.strides[axis], "A")
    if layout(a) == "F":
        return array_view(a, tuple_set(a.shape, axis, stop - start), a.strides, start * a.strides[axis], "A")
    return array_view(a, tuple_set(a.shape, axis, stop - start), a.strides, start * a.strides[axis], "S")


def axis_first(a, axis):
    """A view with `axis` moved to the front."""
    if axis == 0:
        return a
    return array_view(a, (a.shape[axis],) + tuple_remove(a.shape, axis), (a.strides[axis],) + tuple_remove(a.strides, axis), 0, "A")


def axis_last(a, axis):
    """A view with `axis` moved to the end."""
    if axis == a.ndim - 1:
        return a
    return array_view(a, tuple_remove(a.shape, axis) + (a.shape[axis],), tuple_remove(a.strides, axis) + (a.strides[axis],), 0, "A")


def axis_back(a, axis):
    """The last axis moved to `axis`: undoes axis_last."""
    if axis == a.ndim - 1:
        return a
    n = a.ndim - 1
    return array_view(a, tuple_insert(a.shape[:n], axis, a.shape[n]), tuple_insert(a.strides[:n], axis, a.strides[n]), 0, "A")


def without_axis(a, axis):
    """A C-contiguous array that has length 1 along `axis`, without that axis."""
    return array_view(a, tuple_remove(a.shape, axis), (), 0, "C")


def contiguous(a):
    """a itself when it is C-contiguous, else a copy that is."""
    if is_contiguous(a):
        return a
    out = empty_array(a.shape, dtype_of(a))
    assign(out, a)
    return out


def copy_of(a, dtype):
    """A C-contiguous copy under another dtype."""
    out = empty_array(a.shape, dtype)
    assign(out, a)
    return out


def ravelled(a):
    """The items in C order, one-dimensional; a view where the layout allows."""
    if a.ndim == 1:
        return a
    return flat_view(contiguous(a))


def like(a, dtype):
    """An uninitialised array of a's shape, in F order when a is."""
    if is_f_contiguous(a) and not is_contiguous(a):
        return empty_array(a.shape, dtype, "F")
    return empty_array(a.shape, dtype)


def filled(shape, dtype, value):
    out = empty_array(shape, dtype)
    assign(out, value)
    return out


def sum_dtype(a, dtype):
    """The dtype in which sum, prod, cumsum and cumprod add up."""
    if dtype is not None:
        return dtype_of(dtype)
    d = dtype_of(a)
    if is_bool(d):
        return dtype_of(np.int64)
    if is_integer(d) and d.itemsize < 8:
        if is_signed(d):
            return dtype_of(np.int64)
        return dtype_of(np.uint64)
    return d


def float_dtype(a, dtype):
    """The dtype of a mean: integers are float64."""
    if dtype is not None:
        return dtype_of(dtype)
    d = dtype_of(a)
    if is_bool(d) or is_integer(d):
        return dtype_of(np.float64)
    return d


def _length_text(n):
    return "newaxis" if n < 0 else f"{n}"


def _lengths_text(shape):
    if len(shape) == 1:
        return _length_text(shape[0])
    return f"{_length_text(shape[0])},{_lengths_text(shape[1:])}"


def shape_text(shape):
    """A shape as NumPy's messages write it."""
    if len(shape) == 0:
        return "()"
    if len(shape) == 1:
        return f"({_length_text(shape[0])},)"
    return f"({_lengths_text(shape)})"


def promote_with_float(a):
    """An array of floats or complex numbers: integers become float64."""
    d = float_dtype(a, None)
    if same_type(dtype_of(a), d):
        return a
    return copy_of(a, d)


def result(r, out):
    """What a function with the parameter out= returns."""
    if out is None:
        return r
    assign(out, r)
    return out


def complex_less(a, b):
    """Order of complex numbers as NumPy has it: by real part, then by imaginary part; nan comes last."""
    return a.real < b.real or (a.real == b.real and a.imag < b.imag)


def is_nan(x):
    if is_complex(x):
        return math_bool("isnan", x.real) or math_bool("isnan", x.imag)
    if is_float(x):
        return math_bool("isnan", x)
    return False


COST = 4                # of one item, as the intrinsic rounds() counts


def row_work(a):
    """What all items of a[i] take, as rounds() counts."""
    if is_parallel():
        return COST * product(a.shape[1:])
    return 0
