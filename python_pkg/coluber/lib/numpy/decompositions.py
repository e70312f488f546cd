"""numpy.linalg: eigenvalues, singular values, QR; norms and what is made of singular values."""
import numpy as np
from numpy.linalg import LinAlgError
from numpy.linalg._linalg import EighResult, EigResult, QRResult, SVDResult

from coluber.extending import implements
from coluber.lib.intrinsics import (
    cast, dtype_of, elementwise, empty_array, get, is_array, is_complex, is_float, is_number, is_str, math, put,
    static_error, ufunc_call)
from coluber.lib.numpy import _linalg_loops as loops
from coluber.lib.numpy._common import as_array, copy_of, ravelled
from coluber.lib.numpy._linalg import (
    COMPLEX, INVALID, SPD, STACK, TALL, WIDE, check_matrix, check_square, converted, of_loop, real_result, result_dtype, stack_of, unstacked, work_dtype)


# ---- symmetric and Hermitian matrices

def _upper(UPLO):
    if UPLO == "U" or UPLO == "u":
        return True
    if UPLO == "L" or UPLO == "l":
        return False
    raise ValueError("UPLO argument must be 'L' or 'U'")


def _eigh_call(m, w, v, d, upper):
    n = m.shape[1]
    s = m.itemsize
    steps = (n * n * s, n * 8, n * n * s, n * s, s, 8, n * s, s)
    if upper:
        return ufunc_call(loops.eigh_up, of_loop(d, "d->dd", "D->dD"), (m, w, v), (m.shape[0], n), steps)
    return ufunc_call(loops.eigh_lo, of_loop(d, "d->dd", "D->dD"), (m, w, v), (m.shape[0], n), steps)


@implements(np.linalg.eigh, examples=[SPD, STACK, COMPLEX, lambda np: (np.array([[2.0, 1.0], [1.0, 3.0]]), "U"), lambda np: (np.arange(6.0).reshape(2, 3),)])
def eigh(a, UPLO="L"):
    x = as_array(a)
    check_square(x)
    d = work_dtype(x)
    m = stack_of(x, d)
    w = empty_array((m.shape[0], m.shape[1]), np.float64)
    v = empty_array(m.shape, d)
    if _eigh_call(m, w, v, d, _upper(UPLO)) & INVALID:
        raise LinAlgError("Eigenvalues did not converge")
    outer = x.shape[:x.ndim - 2]
    return EighResult(converted(unstacked(w, outer), real_result(dtype_of(x))), converted(unstacked(v, outer), result_dtype(x)))


def _eigvalsh_call(m, w, d, upper):
    n = m.shape[1]
    s = m.itemsize
    steps = (n * n * s, n * 8, n * s, s, 8)
    if upper:
        return ufunc_call(loops.eigvalsh_up, of_loop(d, "d->d", "D->d"), (m, w), (m.shape[0], n), steps)
    return ufunc_call(loops.eigvalsh_lo, of_loop(d, "d->d", "D->d"), (m, w), (m.shape[0], n), steps)


@implements(np.linalg.eigvalsh, examples=[SPD, STACK, COMPLEX, lambda np: (np.array([[2.0, 1.0], [1.0, 3.0]]), "U")])
def eigvalsh(a, UPLO="L"):
    x = as_array(a)
    check_square(x)
    d = work_dtype(x)
    m = stack_of(x, d)
    w = empty_array((m.shape[0], m.shape[1]), np.float64)
    if _eigvalsh_call(m, w, d, _upper(UPLO)) & INVALID:
        raise LinAlgError("Eigenvalues did not converge")
    return converted(unstacked(w, x.shape[:x.ndim - 2]), real_result(dtype_of(x)))


# ---- general matrices: complex results always, since their type cannot depend on the values

def _finite(m):
    if not np.all(np.isfinite(m)):
        raise LinAlgError("Array must not contain infs or NaNs")


@implements(np.linalg.eigvals)
def eigvals(a):
    x = as_array(a)
    check_square(x)
    d = work_dtype(x)
    m = stack_of(x, d)
    _finite(m)
    n = m.shape[1]
    s = m.itemsize
    w = empty_array((m.shape[0], n), np.complex128)
    if ufunc_call(loops.eigvals, of_loop(d, "d->D", "D->D"), (m, w), (m.shape[0], n), (n * n * s, n * 16, n * s, s, 16)) & INVALID:
        raise LinAlgError("Eigenvalues did not converge")
    return unstacked(w, x.shape[:x.ndim - 2])


@implements(np.linalg.eig)
def eig(a):
    x = as_array(a)
    check_square(x)
    d = work_dtype(x)
    m = stack_of(x, d)
    _finite(m)
    n = m.shape[1]
    s = m.itemsize
    w = empty_array((m.shape[0], n), np.complex128)
    v = empty_array(m.shape, np.complex128)
    steps = (n * n * s, n * 16, n * n * 16, n * s, s, 16, n * 16, 16)
    if ufunc_call(loops.eig, of_loop(d, "d->DD", "D->DD"), (m, w, v), (m.shape[0], n), steps) & INVALID:
        raise LinAlgError("Eigenvalues did not converge")
    outer = x.shape[:x.ndim - 2]
    return EigResult(unstacked(w, outer), unstacked(v, outer))


# ---- singular values

_SEPARATE = loops.svd_wide is not loops.svd_tall         # before NumPy 2.1 the number of singular values was no dimension of its own


def _dims(n_stack, m, n):
    if _SEPARATE:
        return n_stack, m, n
    return n_stack, m, n, min(m, n)


def _svdvals_stack(m, d):
    rows = m.shape[1]
    cols = m.shape[2]
    s = m.itemsize
    p = min(rows, cols)
    w = empty_array((m.shape[0], p), np.float64)
    steps = (rows * cols * s, p * 8, cols * s, s, 8)
    if rows <= cols:
        flags = ufunc_call(loops.svd_wide, of_loop(d, "d->d", "D->d"), (m, w), _dims(m.shape[0], rows, cols), steps)
    else:
        flags = ufunc_call(loops.svd_tall, of_loop(d, "d->d", "D->d"), (m, w), _dims(m.shape[0], rows, cols), steps)
    if flags & INVALID:
        raise LinAlgError("SVD did not converge")
    return w


def _svd_call(m, u, w, vh, d, full):
    rows = m.shape[1]
    cols = m.shape[2]
    s = m.itemsize
    steps = (rows * cols * s, u.strides[0], w.strides[0], vh.strides[0], cols * s, s, u.strides[1], s, 8, vh.strides[1], s)
    dims = _dims(m.shape[0], rows, cols)
    if full:
        if rows <= cols:
            return ufunc_call(loops.svd_full_wide, of_loop(d, "d->ddd", "D->DdD"), (m, u, w, vh), dims, steps)
        return ufunc_call(loops.svd_full_tall, of_loop(d, "d->ddd", "D->DdD"), (m, u, w, vh), dims, steps)
    if rows <= cols:
        return ufunc_call(loops.svd_thin_wide, of_loop(d, "d->ddd", "D->DdD"), (m, u, w, vh), dims, steps)
    return ufunc_call(loops.svd_thin_tall, of_loop(d, "d->ddd", "D->DdD"), (m, u, w, vh), dims, steps)


@implements(np.linalg.svd, examples=[SPD, STACK, COMPLEX, TALL, WIDE, lambda np: (TALL(np)[0], False), lambda np: (WIDE(np)[0], False), lambda np: (TALL(np)[0], True, False), lambda np: (np.arange(3.0),)])
def svd(a, full_matrices=True, compute_uv=True, hermitian=False):
    if hermitian:
        static_error("svd(hermitian=True) is not supported yet")
    x = as_array(a)
    check_matrix(x)
    d = work_dtype(x)
    m = stack_of(x, d)
    outer = x.shape[:x.ndim - 2]
    if not compute_uv:
        return converted(unstacked(_svdvals_stack(m, d), outer), real_result(dtype_of(x)))
    rows = m.shape[1]
    cols = m.shape[2]
    p = min(rows, cols)
    u = empty_array((m.shape[0], rows, rows if full_matrices else p), d)
    w = empty_array((m.shape[0], p), np.float64)
    vh = empty_array((m.shape[0], cols if full_matrices else p, cols), d)
    if _svd_call(m, u, w, vh, d, full_matrices) & INVALID:
        raise LinAlgError("SVD did not converge")
    return SVDResult(converted(unstacked(u, outer), result_dtype(x)), converted(unstacked(w, outer), real_result(dtype_of(x))),
                     converted(unstacked(vh, outer), result_dtype(x)))


@implements(np.linalg.svdvals, examples=[SPD, TALL, WIDE])
def svdvals(x):
    return svd(x, False, False)


def _eps(d):
    if is_float(d) and d.itemsize == 4 or is_complex(d) and d.itemsize == 8:
        return 1.1920928955078125e-07
    return 2.220446049250313e-16


@implements(np.linalg.matrix_rank, examples=[SPD, TALL, lambda np: (np.array([[1.0, 2.0], [2.0, 4.0]]),), lambda np: (np.arange(3.0),)])
def matrix_rank(A, tol=None, hermitian=False):
    x = as_array(A)
    if x.ndim < 2:
        return cast(1 if np.any(x != 0) else 0, np.int64)
    s = svd(x, False, False)
    if s.ndim > 1:
        static_error("matrix_rank() of stacks of matrices is not supported yet")
    limit = 0.0
    if tol is not None:
        limit = float(tol)
    else:
        limit = float(_greatest(s, -1, False)) * max(x.shape[0], x.shape[1]) * _eps(result_dtype(x))
    return np.count_nonzero(s > limit)


def _conjugate(x):
    if is_complex(dtype_of(x)):
        return x.conj()
    return x


@implements(np.linalg.pinv, examples=[SPD, TALL, WIDE, lambda np: (np.array([[1.0, 2.0], [2.0, 4.0]]),)])
def pinv(a, rcond=None, hermitian=False):
    x = as_array(a)
    if x.ndim != 2:
        static_error("pinv() takes two-dimensional arrays here")
    u, s, vt = svd(_conjugate(x), False)
    tall = 0.0
    if s.shape[0] > 0:
        tall = float(np.max(s)) * (max(x.shape[0], x.shape[1]) * _eps(result_dtype(x)) if rcond is None else float(rcond))
    for i in range(s.shape[0]):
        v = get(s, i)
        put(s, 1 / v if v > tall else cast(0, dtype_of(s)), i)
    return np.matmul(vt.T, s[:, None] * u.T)


@implements(np.linalg.cond, examples=[SPD, TALL])
def cond(x, p=None):
    if p is not None:
        static_error("cond() takes the 2-norm only here")
    a = as_array(x)
    if a.size == 0:
        raise LinAlgError("cond is not defined on empty arrays")
    s = svd(a, False, False)
    return get(s, 0) / get(s, s.shape[0] - 1)


# ---- QR

_QR_SEPARATE = loops.qr_raw_wide is not loops.qr_raw_tall


def _raw_dims(n_stack, m, n):
    if _QR_SEPARATE:
        return n_stack, m, n
    return n_stack, m, n, min(m, n)


def _qr_raw(m, tau, d):
    """Householder vectors in place of the matrices; m is C-contiguous and ours."""
    rows = m.shape[1]
    cols = m.shape[2]
    s = m.itemsize
    steps = (rows * cols * s, tau.strides[0], cols * s, s, s)
    dims = _raw_dims(m.shape[0], rows, cols)
    if rows <= cols:
        return ufunc_call(loops.qr_raw_wide, of_loop(d, "d->d", "D->D"), (m, tau), dims, steps)
    return ufunc_call(loops.qr_raw_tall, of_loop(d, "d->d", "D->D"), (m, tau), dims, steps)


def _upper_part(m, rows):
    """R out of the first rows of what qr_raw left."""
    r = empty_array((m.shape[0], rows, m.shape[2]), dtype_of(m), "C", True)
    for k in range(m.shape[0]):
        for i in range(rows):
            for j in range(i, m.shape[2]):
                put(r, get(m, k, i, j), k, i, j)
    return r


def _q_call(m, tau, q, d, complete):
    rows = m.shape[1]
    cols = m.shape[2]
    s = m.itemsize
    steps = (rows * cols * s, tau.strides[0], q.strides[0], cols * s, s, s, q.strides[1], s)
    if complete:
        return ufunc_call(loops.qr_complete, of_loop(d, "dd->d", "DD->D"), (m, tau, q), (m.shape[0], rows, cols), steps)
    return ufunc_call(loops.qr_reduced, of_loop(d, "dd->d", "DD->D"), (m, tau, q), (m.shape[0], rows, cols, tau.shape[1]), steps)


@implements(np.linalg.qr, examples=[SPD, STACK, COMPLEX, TALL, WIDE, lambda np: (TALL(np)[0], "complete"), lambda np: (WIDE(np)[0], "complete"), lambda np: (TALL(np)[0], "r"), lambda np: (np.arange(3.0),)])
def qr(a, mode="reduced"):
    if mode != "reduced" and mode != "complete" and mode != "r":
        static_error("qr() takes the modes 'reduced', 'complete' and 'r' here")
    x = as_array(a)
    check_matrix(x)
    d = work_dtype(x)
    m = stack_of(copy_of(x, d), d)
    rows = m.shape[1]
    cols = m.shape[2]
    p = min(rows, cols)
    tau = empty_array((m.shape[0], p), d)
    if _qr_raw(m, tau, d) & INVALID:
        raise LinAlgError("Incorrect argument found while performing QR factorization")
    outer = x.shape[:x.ndim - 2]
    if mode == "r":
        return converted(unstacked(_upper_part(m, p), outer), result_dtype(x))
    width = rows if mode == "complete" and rows > cols else p
    complete = rows > cols and mode == "complete"
    q = empty_array((m.shape[0], rows, width), d)
    flags = _q_call(m, tau, q, d, True) if complete else _q_call(m, tau, q, d, False)
    if flags & INVALID:
        raise LinAlgError("Incorrect argument found while performing QR factorization")
    return QRResult(converted(unstacked(q, outer), result_dtype(x)), converted(unstacked(_upper_part(m, width), outer), result_dtype(x)))


# ---- norms

_EMPTY_IS_ZERO = tuple(int(x) for x in np.__version__.split(".")[:2]) >= (2, 3)     # the norms that are maxima, of empty arrays


def _squared(x):
    if is_complex(x):
        return x.real * x.real + x.imag * x.imag
    if is_float(x):
        return x * x
    return cast(x, np.float64) * cast(x, np.float64)


def _size(x):
    if is_complex(x):
        return math("hypot", x.real, x.imag)
    if is_float(x):
        return math("fabs", x)
    return math("fabs", cast(x, np.float64))


def _powered(x, p):
    return math("pow", _size(x), cast(p, dtype_of(_size(x))))


def _nonzero(x):
    return x != 0


def _root(v):
    if is_array(v):
        return np.sqrt(v)
    return math("sqrt", v)


def _greatest(sizes, axis, keepdims):
    if _EMPTY_IS_ZERO:
        return np.max(sizes, axis, None, keepdims, 0)
    return np.max(sizes, axis, None, keepdims)


def _vector_norm(x, ord, axis, keepdims):
    """axis: None, or the literal axis of the vectors."""
    if ord is None or (is_number(ord) and ord == 2):
        return _root(np.sum(elementwise(_squared, x), axis, None, None, keepdims))
    if ord == np.inf:
        return _greatest(elementwise(_size, x), axis, keepdims)
    if ord == -np.inf:
        return np.min(elementwise(_size, x), axis, None, keepdims)
    if ord == 1:
        return np.sum(elementwise(_size, x), axis, None, None, keepdims)
    if ord == 0:
        return np.sum(elementwise(_count_one, x), axis, None, None, keepdims)
    s = np.sum(elementwise(_powered, x, float(ord)), axis, None, None, keepdims)
    return s ** cast(1.0 / ord, dtype_of(s))


def _count_one(x):
    return cast(x != 0, dtype_of(_size(x)))


def _matrix_norm(x, ord):
    if is_str(ord):
        if ord == "fro":
            return _root(np.sum(elementwise(_squared, x), (-2, -1)))
        if ord == "nuc":
            return np.sum(svd(x, False, False), -1)
        raise ValueError("Invalid norm order for matrices.")
    if ord == 2:
        return _greatest(svd(x, False, False), -1, False)
    if ord == -2:
        return np.min(svd(x, False, False), -1)
    if ord == 1:
        return _greatest(np.sum(elementwise(_size, x), -2), -1, False)
    if ord == -1:
        return np.min(np.sum(elementwise(_size, x), -2), -1)
    if ord == np.inf:
        return _greatest(np.sum(elementwise(_size, x), -1), -1, False)
    if ord == -np.inf:
        return np.min(np.sum(elementwise(_size, x), -1), -1)
    raise ValueError("Invalid norm order for matrices.")


def _flat_norm(x):
    """The 2-norm of all items, by the dot product, as NumPy has it."""
    flat = ravelled(x)
    if is_complex(dtype_of(x)):
        re = np.ascontiguousarray(flat.real)
        im = np.ascontiguousarray(flat.imag)
        return math("sqrt", np.dot(re, re) + np.dot(im, im))
    v = converted(flat, result_dtype(x))
    return math("sqrt", np.dot(v, v))


@implements(np.linalg.norm, examples=[
    lambda np: (np.array([3.0, 4.0]),), lambda np: (np.array([3, 4]),), SPD, COMPLEX, lambda np: (np.arange(5.0), 1), lambda np: (np.arange(5.0), np.inf), lambda np: (np.arange(5.0), 3), lambda np: (np.arange(5.0), 0),
    lambda np: (TALL(np)[0], 1), lambda np: (TALL(np)[0], 2), lambda np: (TALL(np)[0], "fro"), lambda np: (TALL(np)[0], np.inf), lambda np: (TALL(np)[0], None, 0), lambda np: (TALL(np)[0], None, 1, True),
    lambda np: (np.arange(5.0), "fro")])
def norm(x, ord=None, axis=None, keepdims=False):
    a = as_array(x)
    if axis is None and ord is None:
        r = _flat_norm(a if a.ndim > 0 else a[None])
        if keepdims:
            return np.full(np.sum(a, None, None, None, True).shape, r)
        return r
    if axis is None:
        if keepdims:
            static_error("norm() takes keepdims with axis here")
        if a.ndim == 1:
            if is_str(ord):
                raise ValueError("Invalid norm order for vectors")
            return _vector_norm(a, ord, None, False)
        if a.ndim == 2:
            return _matrix_norm(a, ord)
        raise ValueError("Improper number of dimensions to norm.")
    if isinstance(axis, tuple):
        if len(axis) == 2:
            if keepdims:
                static_error("norm() of matrices takes no keepdims here")
            return _matrix_norm(np.moveaxis(a, axis, (-2, -1)), "fro" if ord is None else ord)
        return _vector_norm(a, ord, axis[0], keepdims)
    if is_str(ord):
        raise ValueError("Invalid norm order for vectors")
    return _vector_norm(a, ord, axis, keepdims)
