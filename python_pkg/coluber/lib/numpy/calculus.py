"""gradient, unwrap, vander."""
import numpy as np

from coluber.extending import implements
from coluber.lib.intrinsics import assign, cast, dtype_of, elementwise, empty_array, get, is_bool, is_complex, is_number, promote, put, select, static_error
from coluber.lib.numpy._common import as_array, axis_first, check_axis, like, narrow, promote_with_float

# ---- gradient


def _rows(a, start, stop):
    return narrow(a, 0, start, stop)


def _central(later, earlier, width):
    return (later - earlier) / width


def _slope(later, earlier, width):
    return (later - earlier) / width


def _three(x, y, z, a, b, c):
    return a * x + b * y + c * z


def _edge(dst, x, y, z, a, b, c):
    assign(dst, elementwise(_three, x, y, z, a, b, c))


def _ends(out, f, first, last, order):
    """One-sided differences at both ends, along the first axis."""
    n = f.shape[0]
    if order == 1:
        assign(_rows(out, 0, 1), elementwise(_slope, _rows(f, 1, 2), _rows(f, 0, 1), first))
        assign(_rows(out, n - 1, n), elementwise(_slope, _rows(f, n - 1, n), _rows(f, n - 2, n - 1), last))
    else:
        _edge(_rows(out, 0, 1), _rows(f, 0, 1), _rows(f, 1, 2), _rows(f, 2, 3), -1.5 / first, 2.0 / first, -0.5 / first)
        _edge(_rows(out, n - 1, n), _rows(f, n - 3, n - 2), _rows(f, n - 2, n - 1), _rows(f, n - 1, n), 0.5 / last, -2.0 / last, 1.5 / last)


def _even(out, f, h, order):
    n = f.shape[0]
    assign(_rows(out, 1, n - 1), elementwise(_central, _rows(f, 2, n), _rows(f, 0, n - 2), 2.0 * h))
    _ends(out, f, h, h, order)


def _uneven(out, f, x, order):
    """Second-order differences over steps of different widths."""
    n = f.shape[0]
    for i in range(1, n - 1):
        before = get(x, i) - get(x, i - 1)
        behind = get(x, i + 1) - get(x, i)
        a = -behind / (before * (before + behind))
        b = (behind - before) / (before * behind)
        c = before / (behind * (before + behind))
        _edge(_rows(out, i, i + 1), _rows(f, i - 1, i), _rows(f, i, i + 1), _rows(f, i + 1, i + 2), a, b, c)
    if order == 1:
        _ends(out, f, get(x, 1) - get(x, 0), get(x, n - 1) - get(x, n - 2), 1)
    else:
        u = get(x, 1) - get(x, 0)
        v = get(x, 2) - get(x, 1)
        _edge(_rows(out, 0, 1), _rows(f, 0, 1), _rows(f, 1, 2), _rows(f, 2, 3), -(2.0 * u + v) / (u * (u + v)), (u + v) / (u * v), -u / (v * (u + v)))
        u = get(x, n - 2) - get(x, n - 3)
        v = get(x, n - 1) - get(x, n - 2)
        _edge(_rows(out, n - 1, n), _rows(f, n - 3, n - 2), _rows(f, n - 2, n - 1), _rows(f, n - 1, n), v / (u * (u + v)), -(v + u) / (u * v), (2.0 * v + u) / (v * (u + v)))


def _all_steps_equal(x):
    first = get(x, 1) - get(x, 0)
    for i in range(2, x.shape[0]):
        if get(x, i) - get(x, i - 1) != first:
            return False
    return True


def _along(f, k, spacing, order):
    if f.shape[k] < order + 1:
        raise ValueError("Shape of array too small to calculate a numerical gradient, at least (edge_order + 1) elements are required.")
    out = like(f, dtype_of(f))
    to = axis_first(out, k)
    src = axis_first(f, k)
    if is_number(spacing):
        _even(to, src, spacing, order)
        return out
    x = as_array(spacing)
    if x.ndim != 1:
        raise ValueError("distances must be either scalars or 1d")
    if x.shape[0] != f.shape[k]:
        raise ValueError("when 1d, distances must match the length of the corresponding dimension")
    places = promote_with_float(x)
    if _all_steps_equal(places):
        _even(to, src, get(places, 1) - get(places, 0), order)
    else:
        _uneven(to, src, places, order)
    return out


def _spacing(spacings, k):
    if len(spacings) == 0:
        return 1.0
    if len(spacings) == 1:
        return spacings[0]
    return spacings[k]


def _each(f, axes, spacings, k, order):
    if k == len(axes):
        return ()
    return (_along(f, check_axis(axes[k], f.ndim), _spacing(spacings, k), order),) + _each(f, axes, spacings, k + 1, order)


def _every_axis(k, n):
    if k == n:
        return ()
    return (k,) + _every_axis(k + 1, n)


@implements(np.gradient, examples=[
    lambda np: (np.array([1.0, 2.0, 4.0, 7.0, 11.0]),), lambda np: (np.array([1.0, 2.0, 4.0, 7.0, 11.0]), 2.0), lambda np: (np.array([1.0, 2.0, 4.0, 7.0]), np.array([0.0, 1.0, 1.5, 4.0])),
    lambda np: (np.arange(12.0).reshape(3, 4) ** 2,), lambda np: (np.arange(12.0).reshape(3, 4) ** 2, 2.0, 0.5), lambda np: (np.arange(4), np.array([0, 2, 4, 6])), lambda np: (np.array([1.0]),)])
def gradient(f, *varargs, axis=None, edge_order=1):
    if edge_order > 2:
        raise ValueError("'edge_order' greater than 2 not supported")
    if is_bool(dtype_of(as_array(f))):
        static_error("gradient() does not take bools: NumPy does not subtract them")
    x = promote_with_float(as_array(f))
    if axis is None:
        axes = _every_axis(0, x.ndim)
    elif isinstance(axis, tuple):
        axes = axis
    else:
        axes = (axis,)
    if len(varargs) > 1 and len(varargs) != len(axes):
        static_error("gradient(): invalid number of arguments")
    results = _each(x, axes, varargs, 0, edge_order)
    if len(results) == 1:
        return results[0]
    return results


# ---- unwrap

def _jump(d, period, discont):
    """What has to be added behind a step of d."""
    high = period / 2
    wrapped = (d + high) % period - high
    back = select(wrapped == -high and d > 0, high, wrapped)
    return select(abs(d) < discont, cast(0, dtype_of(back)), back - d)


@implements(np.unwrap, examples=[lambda np: (np.array([0.0, 1.0, 5.5, 6.5, 0.2]),), lambda np: (np.array([[0.0, 4.0, 1.0], [3.0, -3.0, 3.0]]), None, 0), lambda np: (np.array([0.0, 3.0, 7.0]), 2.0)])
def unwrap(p, discont=None, axis=-1, period=6.283185307179586):
    x = promote_with_float(as_array(p))
    if is_complex(dtype_of(x)):
        static_error("unwrap() does not take complex numbers")
    out = np.copy(x)
    k = check_axis(axis, x.ndim)
    if x.shape[k] > 1:
        limit = period / 2 if discont is None else max(discont, period / 2)
        steps = np.diff(as_array(p), 1, k)        # in p's own dtype
        shifts = np.cumsum(elementwise(_jump, steps, period, limit), k)
        tail = narrow(out, k, 1, x.shape[k])
        assign(tail, tail + shifts)
    return out


# ---- vander

@implements(np.vander, examples=[lambda np: (np.array([1, 2, 3, 5]),), lambda np: (np.array([1.5, 2.0, 3.0]), 4), lambda np: (np.array([1.0, 2.0]), 3, True)])
def vander(x, N=None, increasing=False):
    a = as_array(x)
    if a.ndim != 1:
        raise ValueError("x must be a one-dimensional array or sequence.")
    n = a.shape[0] if N is None else N
    out = empty_array((a.shape[0], n), promote(dtype_of(a), np.int64))
    for i in range(a.shape[0]):
        power = cast(1, dtype_of(out))
        for j in range(n):
            put(out, power, i, j if increasing else n - 1 - j)
            power *= cast(get(a, i), dtype_of(out))
    return out
