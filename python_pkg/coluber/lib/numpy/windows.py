"""as_strided and sliding_window_view: views with strides of the caller's choice, and all windows over an array as one view."""
import numpy as np

from coluber.extending import implements
from coluber.lib.intrinsics import array_view, as_readonly, tuple_set
from coluber.lib.numpy._common import as_array, as_tuple, check_axis
from coluber.lib.numpy.shape import _c_strides


def _strides_for(a, shape):
    """NumPy's strides where none are given: those of the new shape if a is in C order, else a's."""
    if len(shape) != a.ndim:
        if not a.flags.c_contiguous:
            raise ValueError("mismatch in length of strides and shape")
        return _c_strides(shape, a.itemsize)
    return _c_strides(shape, a.itemsize) if a.flags.c_contiguous else a.strides


@implements(np.lib.stride_tricks.as_strided, examples=[lambda np: (np.arange(12),), lambda np: (np.arange(12.0).reshape(3, 4),)])
def as_strided(x, shape=None, strides=None, subok=False, writeable=True):
    a = as_array(x)
    to = a.shape if shape is None else as_tuple(shape)
    by = _strides_for(a, to) if strides is None else as_tuple(strides)
    if len(to) != len(by):
        raise ValueError("mismatch in length of strides and shape")
    for n in to:
        if n < 0:
            raise ValueError("negative dimensions are not allowed")
    view = array_view(a, to, by, 0, "A")
    return view if writeable else as_readonly(view)


def _trimmed(shape, axis, window):
    if shape[axis] < window:
        raise ValueError("window shape cannot be larger than input array shape")
    return tuple_set(shape, axis, shape[axis] - window + 1)


@implements(np.lib.stride_tricks.sliding_window_view, examples=[
    lambda np: (np.arange(7), 3), lambda np: (np.arange(7.0), (3,)), lambda np: (np.arange(20).reshape(4, 5), (2, 3)),
    lambda np: (np.arange(20).reshape(4, 5), 3, 1),
    lambda np: (np.arange(20).reshape(4, 5), 3, -2), lambda np: (np.arange(20).reshape(4, 5).T, (2, 2), (1, 0)),
    lambda np: (np.arange(20).reshape(4, 5), (2, 2), (1, 1)),
    lambda np: (np.arange(4), 5), lambda np: (np.arange(4), -1)])
def sliding_window_view(x, window_shape, axis=None, subok=False, writeable=False):
    a = as_array(x)
    window = as_tuple(window_shape)
    for n in window:
        if n < 0:
            raise ValueError("`window_shape` cannot contain negative values")
    trimmed = a.shape
    by = window
    if axis is None:
        if len(window) != a.ndim:
            raise ValueError("Since axis is `None`, must provide window_shape for all dimensions of `x`; "
                             f"got {len(window)} window_shape elements and `x.ndim` is {a.ndim}.")
        by = a.strides
        for k in range(len(window)):
            trimmed = _trimmed(trimmed, k, window[k])
    else:
        axes = as_tuple(axis)
        if len(window) != len(axes):
            raise ValueError(f"Must provide matching length window_shape and axis; got {len(window)} window_shape elements and {len(axes)} axes elements.")
        for k in range(len(window)):
            d = check_axis(axes[k], a.ndim)
            by = tuple_set(by, k, a.strides[d])
            trimmed = _trimmed(trimmed, d, window[k])
    view = array_view(a, trimmed + window, a.strides + by, 0, "A")
    return view if writeable else as_readonly(view)
