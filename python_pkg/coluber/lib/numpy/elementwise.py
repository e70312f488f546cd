"""Functions of one or several operands, item by item: where, clip, isclose, nan_to_num, round, real, imag, angle, diff, and what is made of them."""
import numpy as np

from coluber.extending import implements
from coluber.lib.intrinsics import (
    assign, cast, dtype_of, elementwise, is_array, is_bool, is_complex, is_float, is_integer, is_number, make_complex, math, math_bool,
    promote, same_type, select, static_error)
from coluber.lib.numpy._common import as_array, check_axis, complex_less, narrow, result


def operand(x):
    """A number as it is, anything else as an array."""
    if is_number(x) or is_array(x):
        return x
    return np.asarray(x)


def _choose(c, x, y):
    d = promote(x, y)
    return select(c, cast(x, d), cast(y, d))


@implements(np.where, examples=[
    lambda np: (np.arange(6) > 2, np.arange(6), -np.arange(6.0)), lambda np: (np.arange(6) > 2, 1, 0), lambda np: (np.arange(6).reshape(2, 3) % 2 == 0, 1.5, np.arange(3)),
    lambda np: (np.arange(6) % 2,), lambda np: (np.array([True, False]), np.float32(1), 2.0)])
def where(condition, x=None, y=None):
    if x is None:
        return np.nonzero(condition)
    return elementwise(_choose, operand(condition), operand(x), operand(y))


@implements("op:abs:array")
def abs_(a):
    return np.absolute(a)


# ---- clip

def _above(x, lo):
    d = promote(x, lo)
    v = cast(x, d)
    low = cast(lo, d)
    if is_complex(d):
        return select(v == v and (low != low or complex_less(v, low)), low, v)
    return select(v == v and (v < low or low != low), low, v)


def _below(x, hi):
    d = promote(x, hi)
    v = cast(x, d)
    high = cast(hi, d)
    if is_complex(d):
        return select(v == v and (high != high or complex_less(high, v)), high, v)
    return select(v == v and (v > high or high != high), high, v)


def _between(x, lo, hi):
    return _below(_above(x, lo), hi)


@implements(np.clip, "method:array.clip", examples=[
    lambda np: (np.arange(10.0), 2, 7), lambda np: (np.arange(10), 2.5, 7), lambda np: (np.arange(10), None, 5), lambda np: (np.arange(10), 3, None),
    lambda np: (np.array([1.0, np.nan, 9.0]), 2.0, 5.0), lambda np: (np.arange(6).reshape(2, 3), np.array([1, 2, 3]), 4)])
def clip(a, a_min=None, a_max=None, out=None, min=None, max=None):
    lo = min if a_min is None else a_min
    hi = max if a_max is None else a_max
    x = operand(a)
    if lo is None:
        if hi is None:
            return result(np.copy(x), out)
        return result(elementwise(_below, x, operand(hi)), out)
    if hi is None:
        return result(elementwise(_above, x, operand(lo)), out)
    return result(elementwise(_between, x, operand(lo), operand(hi)), out)


# ---- comparison within tolerances

def _size(x):
    if is_complex(x):
        return math("hypot", x.real, x.imag)
    if is_float(x):
        return math("fabs", x)
    return abs(cast(x, np.float64))


def _finite(x):
    if is_complex(x):
        return math_bool("isfinite", x.real) and math_bool("isfinite", x.imag)
    if is_float(x):
        return math_bool("isfinite", x)
    return True


def _nan(x):
    return x != x


def _inexact(x):
    """A number as a float or complex one."""
    if is_float(x) or is_complex(x):
        return x
    return cast(x, np.float64)


def _close(a, b, rtol, atol, equal_nan):
    x = _inexact(a)
    y = _inexact(b)
    near = cast(_size(x - y) <= atol + rtol * _size(y), np.bool_) & cast(_finite(y), np.bool_)
    return cast(near | cast(x == y, np.bool_) | (cast(equal_nan, np.bool_) & cast(_nan(x), np.bool_) & cast(_nan(y), np.bool_)), np.bool_)


@implements(np.isclose, examples=[
    lambda np: (np.array([1.0, 2.0, np.nan, np.inf]), np.array([1.0 + 1e-9, 2.1, np.nan, np.inf])), lambda np: (np.array([1.0, np.nan]), np.nan, 1e-5, 1e-8, True),
    lambda np: (np.arange(4), np.arange(4) + 1e-7), lambda np: (np.array([1 + 1j]), np.array([1 + 1.1j]), 0.5)])
def isclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    return elementwise(_close, operand(a), operand(b), rtol, atol, equal_nan)


@implements(np.allclose, examples=[lambda np: (np.array([1.0, 2.0]), np.array([1.0, 2.0 + 1e-9])), lambda np: (np.array([1.0, 2.0]), 2.0), lambda np: (np.array([np.nan]), np.array([np.nan]))])
def allclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    r = isclose(a, b, rtol, atol, equal_nan)
    if is_array(r):
        return bool(np.all(r))
    return bool(r)


def _same(x, y):
    return x == y


def _same_or_nan(x, y):
    return x == y or (x != x and y != y)


@implements(np.array_equal, examples=[
    lambda np: (np.arange(4), np.arange(4.0)), lambda np: (np.arange(4), np.arange(5)), lambda np: (np.array([np.nan]), np.array([np.nan])), lambda np: (np.array([np.nan]), np.array([np.nan]), True),
    lambda np: (np.arange(4), np.arange(4).reshape(2, 2))])
def array_equal(a1, a2, equal_nan=False):
    x = as_array(a1)
    y = as_array(a2)
    if x.ndim != y.ndim:
        return False
    if x.shape != y.shape:
        return False
    if x.ndim == 0:
        return bool(x == y)
    if equal_nan:
        return bool(np.all(elementwise(_same_or_nan, x, y)))
    return bool(np.all(elementwise(_same, x, y)))


# ---- single numbers

def _largest(x):
    if same_type(x, np.float32):
        return cast(3.4028234663852886e38, np.float32)
    return cast(1.7976931348623157e308, np.float64)


def _tame(x, nan, posinf, neginf):
    r = select(math_bool("isnan", x), cast(nan, dtype_of(x)), x)
    r = select(x == cast(np.inf, dtype_of(x)), cast(posinf, dtype_of(x)), r)
    return select(x == cast(-np.inf, dtype_of(x)), cast(neginf, dtype_of(x)), r)


def _to_num(x, nan, posinf, neginf):
    if is_complex(x):
        return make_complex(_tame(x.real, nan, posinf, neginf), _tame(x.imag, nan, posinf, neginf))
    if is_float(x):
        return _tame(x, nan, posinf, neginf)
    return x


@implements(np.nan_to_num, examples=[lambda np: (np.array([1.0, np.nan, np.inf, -np.inf]),), lambda np: (np.array([1.0, np.nan, np.inf], np.float32),), lambda np: (np.array([np.nan, np.inf]), True, 5.0, 9.0), lambda np: (np.arange(3),)])
def nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None):
    a = operand(x)
    big = _largest(np.float64)
    d = dtype_of(a)
    if same_type(d, np.float32) or same_type(d, np.complex64):
        big = cast(3.4028234663852886e38, np.float64)
    r = elementwise(_to_num, a, nan, big if posinf is None else cast(posinf, np.float64), -big if neginf is None else cast(neginf, np.float64))
    if copy or not is_array(a):
        return r
    assign(a, r)
    return a


# ---- round

def _rint(x):
    if is_complex(x):
        return make_complex(math("rint", x.real), math("rint", x.imag))
    return math("rint", x)


def _round_up(x, f):
    if is_complex(x):
        return make_complex(_round_up(x.real, f), _round_up(x.imag, f))
    return math("rint", x * cast(f, dtype_of(x))) / cast(f, dtype_of(x))


def _round_down(x, f):
    if is_complex(x):
        return make_complex(_round_down(x.real, f), _round_down(x.imag, f))
    return math("rint", x / cast(f, dtype_of(x))) * cast(f, dtype_of(x))


def _round_int(x, f):
    return cast(math("rint", cast(x, np.float64) / f) * f, dtype_of(x))


def _ten_to(n):
    r = 1.0
    for i in range(n):
        r *= 10.0
    return r


@implements(np.round, "method:array.round", examples=[
    lambda np: (np.array([0.5, 1.5, 2.25, -1.75]),), lambda np: (np.array([0.125, 1.375, 2.345]), 2), lambda np: (np.array([123.0, 155.0, -25.0]), -1), lambda np: (np.arange(5),),
    lambda np: (2.5,), lambda np: (np.array([1.25 + 2.75j]), 1)])
def round_(a, decimals=0, out=None):
    x = operand(a)
    if is_array(x) and is_bool(dtype_of(x)):
        static_error("round() of an array of bools is not supported: NumPy gives float16")
    if is_bool(dtype_of(x)) or is_integer(dtype_of(x)):
        if decimals >= 0:
            return result(np.copy(x) if is_array(x) else x, out)
        return result(elementwise(_round_int, x, _ten_to(-decimals)), out)
    if decimals == 0:
        return result(elementwise(_rint, x), out)
    if decimals > 0:
        return result(elementwise(_round_up, x, _ten_to(decimals)), out)
    return result(elementwise(_round_down, x, _ten_to(-decimals)), out)


@implements(np.around)
def around(a, decimals=0, out=None):
    return round_(a, decimals, out)


@implements(np.fix, elementwise=True, examples=[lambda np: (np.array([1.7, -1.7, 0.0]),)])
def fix(x):
    if is_complex(x):
        static_error("fix() does not take complex numbers")
    if is_float(x):
        return math("trunc", x)
    return x


# ---- complex numbers

@implements(np.real, examples=[lambda np: (np.array([1 + 2j, 3.0]),), lambda np: (np.arange(3),), lambda np: (1 + 2j,)])
def real(val):
    return operand(val).real


@implements(np.imag, examples=[lambda np: (np.array([1 + 2j, 3.0]),), lambda np: (np.arange(3.0),), lambda np: (1 + 2j,)])
def imag(val):
    x = operand(val)
    if is_array(x) and not is_complex(dtype_of(x)):
        return np.zeros_like(x)
    return x.imag


def _conj(x):
    if is_complex(x):
        return make_complex(x.real, -x.imag)
    return x


@implements("method:array.conj", "method:array.conjugate", examples=[lambda np: (np.array([1 + 2j, 3.0]),), lambda np: (np.arange(3.0),)])
def array_conj(a):
    if is_complex(dtype_of(a)):
        return elementwise(_conj, a)
    return a


def _angle(z, factor):
    if is_complex(z):
        return math("atan2", z.imag, z.real) * cast(factor, dtype_of(z.real))
    return math("atan2", _zero_like(z), _inexact(z)) * cast(factor, dtype_of(_inexact(z)))


def _zero_like(z):
    return cast(0, dtype_of(_inexact(z)))


@implements(np.angle, examples=[lambda np: (np.array([1 + 2j, -3.0]),), lambda np: (np.array([1.0, -1.0]),), lambda np: (np.array([1j]), True)])
def angle(z, deg=False):
    if deg:
        return elementwise(_angle, operand(z), 180 / np.pi)
    return elementwise(_angle, operand(z), 1.0)


# ---- differences

def _minus(x, y):
    if is_bool(x):
        return x != y
    return x - y


@implements(np.diff, examples=[
    lambda np: (np.array([1.0, 4.0, 9.0, 16.0]),), lambda np: (np.arange(12).reshape(3, 4) ** 2, 1, 0), lambda np: (np.arange(12).reshape(3, 4) ** 2,), lambda np: (np.arange(5) ** 3, 2),
    lambda np: (np.array([True, False, False]),), lambda np: (np.zeros(1),), lambda np: (np.zeros(0),)])
def diff(a, n=1, axis=-1):
    x = as_array(a)
    k = check_axis(axis, x.ndim)
    if n < 0:
        raise ValueError("order must be non-negative")
    if n == 0:
        return x
    length = x.shape[k]
    r = elementwise(_minus, narrow(x, k, min(1, length), length), narrow(x, k, 0, max(length - 1, 0)))
    if n == 1:
        return r
    for i in range(1, n):
        length = r.shape[k]
        r = elementwise(_minus, narrow(r, k, min(1, length), length), narrow(r, k, 0, max(length - 1, 0)))
    return r


@implements(np.ediff1d, examples=[lambda np: (np.arange(6) ** 2,), lambda np: (np.arange(6.0).reshape(2, 3) ** 2,)])
def ediff1d(ary):
    x = np.ravel(as_array(ary))
    return x[1:] - x[:-1]
