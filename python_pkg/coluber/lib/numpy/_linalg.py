"""What the files of linear algebra share: dtypes, stacks of matrices as one loop call, errors.

The loops work in float64 and complex128, as numpy.linalg has them do; float32 and complex64 results are converted at the end. A loop says by the
floating-point flag `invalid` that LAPACK failed."""
import numpy as np
from numpy.linalg import LinAlgError

from coluber.lib.intrinsics import array_view, dtype_of, is_complex, is_contiguous, same_type
from coluber.lib.numpy._common import copy_of, product

INVALID = 1                        # FE_INVALID on x86-64 and AArch64

# Examples that both files use.
SPD = lambda np: (np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.25], [0.5, 0.25, 2.0]]),)
STACK = lambda np: (np.array([[[4.0, 1.0], [1.0, 3.0]], [[2.0, 0.5], [0.5, 1.0]]]),)
COMPLEX = lambda np: (np.array([[4.0, 1 - 1j], [1 + 1j, 3.0]]),)
SINGULAR = lambda np: (np.array([[1.0, 2.0], [2.0, 4.0]]),)
TALL = lambda np: (np.arange(12.0).reshape(4, 3) ** 2 % 7,)
WIDE = lambda np: (np.arange(12.0).reshape(3, 4) ** 2 % 7,)


def of_loop(d, real, complex_):
    """The signature of a loop for a dtype in which it works."""
    if is_complex(d):
        return complex_
    return real



def work_dtype(a):
    """The dtype in which a loop works."""
    if is_complex(dtype_of(a)):
        return dtype_of(np.complex128)
    return dtype_of(np.float64)


def result_dtype(a):
    """The dtype of the result for an input."""
    d = dtype_of(a)
    if same_type(d, np.float32) or same_type(d, np.complex64):
        return d
    return work_dtype(a)


def real_result(d):
    if same_type(d, np.float32) or same_type(d, np.complex64):
        return dtype_of(np.float32)
    return dtype_of(np.float64)


def two_work(a, b):
    if is_complex(dtype_of(a)) or is_complex(dtype_of(b)):
        return dtype_of(np.complex128)
    return dtype_of(np.float64)


def _single(d):
    return same_type(d, np.float32) or same_type(d, np.complex64)


def two_result(a, b):
    if is_complex(dtype_of(a)) or is_complex(dtype_of(b)):
        if _single(dtype_of(a)) and _single(dtype_of(b)):
            return dtype_of(np.complex64)
        return dtype_of(np.complex128)
    if _single(dtype_of(a)) and _single(dtype_of(b)):
        return dtype_of(np.float32)
    return dtype_of(np.float64)


def stack_of(a, d):
    """A C-contiguous array of dtype d with three axes: a stack of matrices."""
    c = packed(a, d)
    return array_view(c, (product(c.shape[:c.ndim - 2]), c.shape[c.ndim - 2], c.shape[c.ndim - 1]), (), 0, "C")


def packed(a, d):
    if same_type(dtype_of(a), d) and is_contiguous(a):
        return a
    return copy_of(a, d)


def converted(a, d):
    """a in dtype d; a itself when it is."""
    if same_type(dtype_of(a), d):
        return a
    return copy_of(a, d)


def unstacked(r, outer):
    """The results of a stack of matrices under the outer shape of the input."""
    return array_view(r, outer + r.shape[1:], (), 0, "C")


def check_matrix(a):
    if a.ndim < 2:
        raise LinAlgError("array given is not at least two-dimensional")


def check_square(a):
    if a.ndim < 2:
        raise LinAlgError("array given is not at least two-dimensional. Array must be at least two-dimensional")
    if a.shape[a.ndim - 2] != a.shape[a.ndim - 1]:
        raise LinAlgError("Last 2 dimensions of the array must be square")
