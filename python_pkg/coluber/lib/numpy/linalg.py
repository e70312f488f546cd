"""numpy.linalg: systems of equations and determinants. solve, inv, det, slogdet, cholesky, lstsq, matrix_power, pinv, matrix_rank, tensor-free."""
import numpy as np
from numpy.linalg import LinAlgError

from coluber.extending import implements
from coluber.lib.intrinsics import array_view, assign, cast, dtype_of, empty_array, get, put, ufunc_call
from coluber.lib.numpy import _linalg_loops as loops
from coluber.lib.numpy._common import as_array, copy_of
from coluber.lib.numpy._linalg import (
    COMPLEX, INVALID, SINGULAR, SPD, STACK, TALL, check_square, converted, of_loop, packed, real_result, result_dtype, stack_of, two_result, two_work, unstacked, work_dtype)
from coluber.lib.numpy.products import _stack_shape
from coluber.lib.numpy.shape import broadcast_to


# ---- solve

def _solve_stack(a, b, d):
    """a: (N, n, n), b: (N, n, k), both C-contiguous."""
    n = a.shape[1]
    k = b.shape[2]
    out = empty_array(b.shape, d)
    s = out.itemsize
    flags = ufunc_call(loops.solve, of_loop(d, "dd->d", "DD->D"), (a, b, out), (a.shape[0], n, k),
                       (n * n * s, n * k * s, n * k * s, n * s, s, k * s, s, k * s, s))
    if flags & INVALID:
        raise LinAlgError("Singular matrix")
    return out


def _broadcast_stack(a, outer):
    return broadcast_to(a, outer + a.shape[a.ndim - 2:])


@implements(np.linalg.solve, examples=[
    lambda np: (np.array([[3.0, 1.0], [1.0, 2.0]]), np.array([9.0, 8.0])), lambda np: (np.array([[3, 1], [1, 2]]), np.array([[9, 8], [1, 2]])), lambda np: (np.array([[1.0, 2.0], [2.0, 4.0]]), np.array([1.0, 2.0])),
    lambda np: (STACK(np)[0], np.array([[1.0, 2.0], [3.0, 4.0]])), lambda np: (COMPLEX(np)[0], np.array([1.0, 2.0])), lambda np: (np.zeros((2, 3)), np.zeros(2))])
def solve(a, b):
    x = as_array(a)
    y = as_array(b)
    check_square(x)
    d = two_work(x, y)
    n = x.shape[x.ndim - 1]
    if y.ndim == 1:
        if y.shape[0] != n:
            raise ValueError("solve1: Input operand 1 has a mismatch in its core dimension 0")
        r = solve(x, broadcast_to(y, x.shape[:x.ndim - 1])[..., None])
        return array_view(r, x.shape[:x.ndim - 1], (), 0, "C")
    if y.shape[y.ndim - 2] != n:
        raise ValueError("solve: Input operand 1 has a mismatch in its core dimension 0")
    if x.ndim == 2 and y.ndim == 2:
        r2 = _solve_stack(stack_of(x, d), stack_of(y, d), d)
        return converted(array_view(r2, y.shape, (), 0, "C"), two_result(x, y))
    outer = _stack_shape(x.shape[:x.ndim - 2], y.shape[:y.ndim - 2])
    r3 = _solve_stack(stack_of(_broadcast_stack(x, outer), d), stack_of(_broadcast_stack(y, outer), d), d)
    return converted(unstacked(r3, outer), two_result(x, y))


@implements(np.linalg.inv, examples=[SPD, STACK, COMPLEX, SINGULAR, lambda np: (np.arange(6.0).reshape(2, 3),), lambda np: (np.array([[2, 1], [1, 1]]),), lambda np: (np.array([[2, 1], [1, 1]], np.float32),)])
def inv(a):
    x = as_array(a)
    check_square(x)
    d = work_dtype(x)
    m = stack_of(x, d)
    n = m.shape[1]
    out = empty_array(m.shape, d)
    s = out.itemsize
    flags = ufunc_call(loops.inv, of_loop(d, "d->d", "D->D"), (m, out), (m.shape[0], n), (n * n * s, n * n * s, n * s, s, n * s, s))
    if flags & INVALID:
        raise LinAlgError("Singular matrix")
    return converted(unstacked(out, x.shape[:x.ndim - 2]), result_dtype(x))


# ---- determinants

@implements(np.linalg.det, examples=[SPD, STACK, COMPLEX, SINGULAR, lambda np: (np.arange(6.0).reshape(2, 3),), lambda np: (np.zeros((0, 0)),)])
def det(a):
    x = as_array(a)
    check_square(x)
    d = work_dtype(x)
    m = stack_of(x, d)
    n = m.shape[1]
    out = empty_array((m.shape[0],), d)
    s = out.itemsize
    ufunc_call(loops.det, of_loop(d, "d->d", "D->D"), (m, out), (m.shape[0], n), (n * n * s, s, n * s, s))
    if x.ndim == 2:
        return cast(get(out, 0), result_dtype(x))
    return converted(unstacked(out, x.shape[:x.ndim - 2]), result_dtype(x))


@implements(np.linalg.slogdet, examples=[SPD, STACK, COMPLEX, SINGULAR])
def slogdet(a):
    x = as_array(a)
    check_square(x)
    d = work_dtype(x)
    m = stack_of(x, d)
    n = m.shape[1]
    sign = empty_array((m.shape[0],), d)
    size = empty_array((m.shape[0],), np.float64)
    s = sign.itemsize
    ufunc_call(loops.slogdet, of_loop(d, "d->dd", "D->Dd"), (m, sign, size), (m.shape[0], n), (n * n * s, s, 8, n * s, s))
    if x.ndim == 2:
        return cast(get(sign, 0), result_dtype(x)), cast(get(size, 0), real_result(dtype_of(x)))
    outer = x.shape[:x.ndim - 2]
    return converted(unstacked(sign, outer), result_dtype(x)), converted(unstacked(size, outer), real_result(dtype_of(x)))


# ---- Cholesky

def _cholesky_call(m, out, d, upper):
    n = m.shape[1]
    s = out.itemsize
    if upper:
        return ufunc_call(loops.cholesky_up, of_loop(d, "d->d", "D->D"), (m, out), (m.shape[0], n), (n * n * s, n * n * s, n * s, s, n * s, s))
    return ufunc_call(loops.cholesky_lo, of_loop(d, "d->d", "D->D"), (m, out), (m.shape[0], n), (n * n * s, n * n * s, n * s, s, n * s, s))


@implements(np.linalg.cholesky, examples=[SPD, STACK, COMPLEX, lambda np: (np.array([[1.0, 2.0], [2.0, 1.0]]),), lambda np: (np.arange(6.0).reshape(2, 3),)])
def cholesky(a, upper=False):
    x = as_array(a)
    check_square(x)
    d = work_dtype(x)
    m = stack_of(x, d)
    out = empty_array(m.shape, d)
    if _cholesky_call(m, out, d, upper) & INVALID:
        raise LinAlgError("Matrix is not positive definite")
    return converted(unstacked(out, x.shape[:x.ndim - 2]), result_dtype(x))


# ---- least squares

def _lstsq_call(x, y, cut, sol, res, rank, sv, d):
    m = x.shape[0]
    n = x.shape[1]
    k = y.shape[1]
    s = x.itemsize
    arrays = (x, y, cut, sol, res, rank, sv)
    dims = (1, m, n, k)
    steps = (0, 0, 0, 0, 0, 0, 0, x.strides[0], s, y.strides[0], s, sol.strides[0], s, 8, 8)
    if m <= n:
        return ufunc_call(loops.lstsq_wide, of_loop(d, "ddd->ddid", "DDd->Ddid"), arrays, _with_p(dims, m), steps)
    return ufunc_call(loops.lstsq_tall, of_loop(d, "ddd->ddid", "DDd->Ddid"), arrays, _with_p(dims, n), steps)


_SEPARATE = loops.lstsq_wide is not loops.lstsq_tall     # before NumPy 2.1 the number of singular values was no dimension of its own


def _with_p(dims, p):
    if _SEPARATE:
        return dims
    return dims + (p,)


@implements(np.linalg.lstsq, examples=[
    lambda np: (TALL(np)[0], np.arange(4.0)), lambda np: (TALL(np)[0], np.arange(8.0).reshape(4, 2)), lambda np: (np.arange(6.0).reshape(2, 3), np.array([1.0, 2.0])), lambda np: (TALL(np)[0], np.arange(3.0))])
def lstsq(a, b, rcond=None):
    x = as_array(a)
    y = as_array(b)
    if x.ndim != 2:
        raise LinAlgError("Array must be two-dimensional")
    if y.ndim == 1:
        sol, res, rank, sv = lstsq(x, y[:, None], rcond)
        return array_view(sol, (sol.shape[0],), (), 0, "C"), res, rank, sv
    if y.ndim != 2:
        raise LinAlgError("Array must be two-dimensional")
    m = x.shape[0]
    n = x.shape[1]
    if m != y.shape[0]:
        raise LinAlgError("Incompatible dimensions")
    d = two_work(x, y)
    k = y.shape[1]
    cut = empty_array((1,), np.float64)
    put(cut, 2.220446049250313e-16 * max(m, n) if rcond is None else cast(rcond, np.float64), 0)
    sol = empty_array((n, max(k, 1)), d, "C", True)
    res = empty_array((max(k, 1),), np.float64, "C", True)
    rank = empty_array((1,), np.int32, "C", True)
    sv = empty_array((min(m, n),), np.float64)
    rhs = empty_array((m, max(k, 1)), d, "C", True)
    assign(rhs[:, :k], y)
    if _lstsq_call(packed(x, d), rhs, cut, sol, res, rank, sv, d) & INVALID:
        raise LinAlgError("SVD did not converge in Linear Least Squares")
    found = int(get(rank, 0))
    kept = k if found == n and m > n else 0
    r = two_result(x, y)
    return converted(np.copy(sol[:, :k]), r), copy_of(res[:kept], real_result(r)), found, copy_of(sv, real_result(r))


# ---- powers

@implements(np.linalg.matrix_power, examples=[lambda np: (np.array([[1, 2], [3, 4]]), 3), lambda np: (np.array([[1.0, 2.0], [3.0, 4.0]]), -2), lambda np: (np.array([[1.0, 2.0], [3.0, 4.0]]), 0), lambda np: (np.zeros((2, 3)), 2)])
def matrix_power(a, n):
    x = as_array(a)
    check_square(x)
    if n < 0:
        return _power(copy_of(inv(x), result_dtype(x)), -n)
    return _power(np.ascontiguousarray(x), n)


def _power(x, n):
    r = np.zeros_like(np.ascontiguousarray(x))
    k = r.shape[r.ndim - 1]
    flat = np.reshape(r, (-1, k, k)) if r.size > 0 else np.zeros((0, k, k), dtype_of(r))
    for s in range(flat.shape[0]):
        for i in range(k):
            put(flat, cast(1, dtype_of(r)), s, i, i)
    base = np.copy(np.ascontiguousarray(x))
    while n > 0:
        if n & 1:
            r = np.matmul(r, base)
        n >>= 1
        if n > 0:
            base = np.matmul(base, base)
    return r
