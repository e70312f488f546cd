"""Products of arrays: matmul and @, dot, vdot, inner, outer, kron, tensordot, by NumPy's own loops (BLAS for floats)."""
import numpy as np

from coluber.extending import implements
from coluber.lib.intrinsics import (
    array_view, cast, dot_items, dtype_of, elementwise, empty_array, guard, is_complex, is_number, promote, same_type,
    static_error, ufunc_loop)
from coluber.lib.numpy._common import as_array, contiguous, copy_of, flat_view, ravelled, result, shape_text


def _as(a, d):
    """a in dtype d, copied only when it is in another one."""
    if same_type(dtype_of(a), d):
        return a
    return copy_of(a, d)


def _mismatch(n, k):
    guard(n == k, "MatmulMismatch", n, k)


def _vector_vector(a, b, d):
    _mismatch(a.shape[0], b.shape[0])
    return dot_items(a, b)


def _matrix_vector(a, b, d):
    _mismatch(a.shape[1], b.shape[0])
    out = empty_array((a.shape[0],), d)
    ufunc_loop(np.matmul, d, (a, b, out), (1, a.shape[0], a.shape[1], 1),
               (0, 0, 0, a.strides[0], a.strides[1], b.strides[0], 0, out.itemsize, 0))
    return out


def _vector_matrix(a, b, d):
    _mismatch(a.shape[0], b.shape[0])
    out = empty_array((b.shape[1],), d)
    ufunc_loop(np.matmul, d, (a, b, out), (1, 1, a.shape[0], b.shape[1]),
               (0, 0, 0, 0, a.strides[0], b.strides[0], b.strides[1], 0, out.itemsize))
    return out


def _matrix_matrix(out, a, b, d):
    _mismatch(a.shape[1], b.shape[0])
    ufunc_loop(np.matmul, d, (a, b, out), (1, a.shape[0], a.shape[1], b.shape[1]),
               (0, 0, 0, a.strides[0], a.strides[1], b.strides[0], b.strides[1], out.strides[0], out.strides[1]))


def _stack_shape(x, y):
    """The broadcast of two stacks' outer shapes."""
    if len(x) == 0:
        return y
    if len(y) == 0:
        return x
    n = x[-1]
    if n == 1:
        n = y[-1]
    elif y[-1] != 1 and y[-1] != n:
        raise ValueError("operands could not be broadcast together with remapped shapes")
    return _stack_shape(x[:-1], y[:-1]) + (n,)


def _part(a, i, last):
    """Item i of a stack, or the one that is repeated."""
    if a.ndim < last:
        return a
    return a[i if a.shape[0] > 1 else 0]


def _stacked(out, a, b, d):
    if out.ndim == 2:
        _matrix_matrix(out, a, b, d)
    else:
        for i in range(out.shape[0]):
            _stacked(out[i], _part(a, i, out.ndim), _part(b, i, out.ndim), d)


def _too_few(operand):
    return f"matmul: Input operand {operand} does not have enough dimensions (has 0, gufunc core with signature (n?,k),(k,m?)->(n?,m?) requires 1)"


@implements("op:matmul:array,array", np.matmul, examples=[
    lambda np: (np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4)), lambda np: (np.arange(6).reshape(2, 3), np.arange(3)), lambda np: (np.arange(3.0), np.arange(6.0).reshape(3, 2)),
    lambda np: (np.arange(3.0), np.arange(3)), lambda np: (np.arange(12.0).reshape(2, 2, 3), np.arange(6.0).reshape(3, 2)), lambda np: (np.arange(6.0).reshape(2, 3), np.arange(6.0).reshape(2, 3)),
    lambda np: (np.arange(6.0).reshape(2, 3), np.arange(6.0).reshape(2, 3).T), lambda np: (np.zeros((2, 0)), np.zeros((0, 3)))])
def matmul(a, b, out=None):
    x = as_array(a)
    y = as_array(b)
    if x.ndim == 0 or y.ndim == 0:
        raise ValueError(_too_few(0 if x.ndim == 0 else 1))
    d = promote(dtype_of(x), dtype_of(y))
    return result(_multiplied(_as(x, d), _as(y, d), d), out)


def _multiplied(x, y, d):
    if x.ndim == 1 and y.ndim == 1:
        return _vector_vector(x, y, d)
    if x.ndim == 2 and y.ndim == 1:
        return _matrix_vector(x, y, d)
    if x.ndim == 1 and y.ndim == 2:
        return _vector_matrix(x, y, d)
    if x.ndim == 2 and y.ndim == 2:
        out = empty_array((x.shape[0], y.shape[1]), d)
        _matrix_matrix(out, x, y, d)
        return out
    if x.ndim == 1:
        r = _multiplied(x[None], y, d)
        return array_view(r, r.shape[:r.ndim - 2] + (r.shape[r.ndim - 1],), (), 0, "C")
    if y.ndim == 1:
        r = _multiplied(x, y[:, None], d)
        return array_view(r, r.shape[:r.ndim - 1], (), 0, "C")
    stack = empty_array(_stack_shape(x.shape[:x.ndim - 2], y.shape[:y.ndim - 2]) + (x.shape[x.ndim - 2], y.shape[y.ndim - 1]), d)
    _stacked(stack, x, y, d)
    return stack


def _check_aligned(x, y):
    axis = max(y.ndim - 2, 0)
    if x.shape[x.ndim - 1] != y.shape[axis]:
        raise ValueError(f"shapes {shape_text(x.shape)} and {shape_text(y.shape)} not aligned: {x.shape[x.ndim - 1]} (dim {x.ndim - 1}) != {y.shape[axis]} (dim {axis})")


@implements(np.dot, "method:array.dot", examples=[
    lambda np: (np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4)), lambda np: (np.arange(3), np.arange(3)), lambda np: (np.arange(3.0), 2.0), lambda np: (3, 4.5),
    lambda np: (np.arange(6.0).reshape(2, 3), np.arange(3)), lambda np: (np.arange(12.0).reshape(2, 2, 3), np.arange(6.0).reshape(3, 2)), lambda np: (np.arange(3), np.arange(4))])
def dot(a, b, out=None):
    if is_number(a) or is_number(b):
        return result(_strong(a) * _strong(b), out)
    x = as_array(a)
    y = as_array(b)
    if x.ndim == 0 or y.ndim == 0:
        return result(x * y, out)
    d = promote(dtype_of(x), dtype_of(y))
    _check_aligned(x, y)
    if x.ndim <= 2 and y.ndim <= 2 or y.ndim == 1:
        return result(_multiplied(_as(x, d), _as(y, d), d), out)
    k = y.shape[y.ndim - 2]
    left = _rows(_as(x, d))
    right = np.moveaxis(_as(y, d), -2, 0)
    flat = contiguous(right)
    product = _multiplied(left, array_view(flat, (k, flat.size // max(k, 1)), (), 0, "C"), d)
    return result(array_view(product, x.shape[:x.ndim - 1] + right.shape[1:], (), 0, "C"), out)


def _strong(x):
    """A number with NumPy's type: here Python's numbers do not yield to the array's dtype."""
    if is_number(x):
        return cast(x, dtype_of(x))
    return as_array(x)


def _rows(x):
    """All but the last axis made one."""
    c = contiguous(x)
    n = c.shape[c.ndim - 1]
    return array_view(c, (c.size // max(n, 1), n), (), 0, "C")


def _conjugated(x):
    if is_complex(dtype_of(x)):
        return x.conj()
    return x


@implements(np.vdot, examples=[lambda np: (np.arange(4.0), np.arange(4)), lambda np: (np.array([1 + 2j, 3]), np.array([2j, 1])), lambda np: (np.arange(6).reshape(2, 3), np.arange(6).reshape(2, 3))])
def vdot(a, b):
    return dot(_conjugated(ravelled(as_array(a))), ravelled(as_array(b)))


@implements(np.inner, examples=[lambda np: (np.arange(3.0), np.arange(3)), lambda np: (np.arange(6.0).reshape(2, 3), np.arange(3.0)), lambda np: (np.arange(6).reshape(2, 3), np.arange(12).reshape(4, 3)), lambda np: (2, np.arange(3))])
def inner(a, b):
    if is_number(a) or is_number(b):
        return _strong(a) * _strong(b)
    x = as_array(a)
    y = as_array(b)
    if y.ndim == 1:
        return dot(x, y)
    return dot(x, np.moveaxis(y, -1, -2) if y.ndim > 2 else y.T)


def _times(x, y):
    return x * y


@implements(np.outer, examples=[lambda np: (np.arange(3), np.arange(4.0)), lambda np: (np.arange(4).reshape(2, 2), np.arange(2)), lambda np: (2.0, np.arange(3))])
def outer(a, b, out=None):
    x = _raised(as_array(a))
    y = _raised(as_array(b))
    return result(elementwise(_times, ravelled(x)[:, None], ravelled(y)[None, :]), out)


def _raised(x):
    if x.ndim == 0:
        return x[None]
    return x


@implements(np.kron, examples=[lambda np: (np.array([1, 10, 100]), np.array([5, 6, 7])), lambda np: (np.eye(2), np.arange(4.0).reshape(2, 2)), lambda np: (np.arange(2), np.arange(4).reshape(2, 2))])
def kron(a, b):
    x = as_array(a)
    y = as_array(b)
    if x.ndim == 0 or y.ndim == 0:
        return x * y
    if x.ndim < y.ndim:
        return kron(x[None], y)
    if y.ndim < x.ndim:
        return kron(x, y[None])
    if x.ndim == 1:
        r = elementwise(_times, x[:, None], y[None, :])
        return flat_view(contiguous(r))
    if x.ndim > 2:
        static_error("kron() takes arrays of up to two dimensions here")
    r4 = elementwise(_times, x[:, None, :, None], y[None, :, None, :])
    return array_view(contiguous(r4), (x.shape[0] * y.shape[0], x.shape[1] * y.shape[1]), (), 0, "C")
