"""NumPy's ufuncs of floats and complex numbers: exponentials, logarithms, trigonometry, rounding, parts of a float. Complex results agree
with NumPy's to a few units in the last place: both are computed from real functions, but not by the same formulas everywhere."""
import math

import numpy as np

from coluber.extending import implements

from .cmath import acos_parts, acosh_parts, asinh_parts, atanh_parts, cosh_parts, exp_parts, log_parts, sinh_parts, sqrt_parts, tanh_parts
from .intrinsics import cast, dtype_of, elementwise, is_array, is_bool, is_complex, is_integer, make_complex, math_int, select
from .intrinsics import math as native
from .ufuncs import as_float, as_floats, strong

LN2 = 0.6931471805599453
LN10 = 2.302585092994046
LOG2_OF_E = 1.4426950408889634
KEEPS_INTS = np.floor(np.int64(1)).dtype.kind == "i"   # floor, ceil and trunc of integers: since NumPy 2.1


def parts(z):
    """The parts of a complex number as float."""
    return float(z.real), float(z.imag)


def joined(z, re, im):
    """A complex number of z's type."""
    return cast(make_complex(re, im), dtype_of(z))


# ---- exponentials and logarithms

@implements(np.exp, elementwise=True)
def exp(x):
    if is_complex(x):
        a, b = parts(x)
        re, im = exp_parts(a, b)
        return joined(x, re, im)
    return native("exp", as_float(x))


@implements(np.exp2, elementwise=True)
def exp2(x):
    if is_complex(x):
        a, b = parts(x)
        re, im = exp_parts(a * LN2, b * LN2)
        return joined(x, re, im)
    return native("exp2", as_float(x))


@implements(np.expm1, elementwise=True)
def expm1(x):
    if is_complex(x):
        a, b = parts(x)
        s = native("sin", b / 2.0)
        re = native("expm1", a) * native("cos", b) - 2.0 * s * s
        im = native("exp", a) * native("sin", b)
        return joined(x, re, im)
    return native("expm1", as_float(x))


@implements(np.log, elementwise=True)
def log(x):
    if is_complex(x):
        a, b = parts(x)
        re, im = log_parts(a, b)
        return joined(x, re, im)
    return native("log", as_float(x))


@implements(np.log2, elementwise=True)
def log2(x):
    if is_complex(x):
        a, b = parts(x)
        re, im = log_parts(a, b)
        re = re * LOG2_OF_E
        im = im * LOG2_OF_E
        return joined(x, re, im)
    return native("log2", as_float(x))


@implements(np.log10, elementwise=True)
def log10(x):
    if is_complex(x):
        a, b = parts(x)
        re, im = log_parts(a, b)
        re = re / LN10
        im = im / LN10
        return joined(x, re, im)
    return native("log10", as_float(x))


@implements(np.log1p, elementwise=True)
def log1p(x):
    if is_complex(x):
        a, b = parts(x)
        re = native("log", native("hypot", a + 1.0, b))
        im = native("atan2", b, a + 1.0)
        return joined(x, re, im)
    return native("log1p", as_float(x))


@implements(np.sqrt, elementwise=True)
def sqrt(x):
    if is_complex(x):
        a, b = parts(x)
        re, im = sqrt_parts(a, b)
        return joined(x, re, im)
    return native("sqrt", as_float(x))


@implements(np.cbrt, elementwise=True)
def cbrt(x):
    return native("cbrt", as_float(x))


# ---- trigonometry

@implements(np.sin, elementwise=True)
def sin(x):
    if is_complex(x):
        a, b = parts(x)
        im, re = sinh_parts(-b, a)
        im = -im
        return joined(x, re, im)
    return native("sin", as_float(x))


@implements(np.cos, elementwise=True)
def cos(x):
    if is_complex(x):
        a, b = parts(x)
        re, im = cosh_parts(-b, a)
        return joined(x, re, im)
    return native("cos", as_float(x))


@implements(np.tan, elementwise=True)
def tan(x):
    if is_complex(x):
        a, b = parts(x)
        im, re = tanh_parts(-b, a)
        im = -im
        return joined(x, re, im)
    return native("tan", as_float(x))


@implements(np.arcsin, elementwise=True)
def arcsin(x):
    if is_complex(x):
        a, b = parts(x)
        im, re = asinh_parts(-b, a)
        im = -im
        return joined(x, re, im)
    return native("asin", as_float(x))


@implements(np.arccos, elementwise=True)
def arccos(x):
    if is_complex(x):
        a, b = parts(x)
        re, im = acos_parts(a, b)
        return joined(x, re, im)
    return native("acos", as_float(x))


@implements(np.arctan, elementwise=True)
def arctan(x):
    if is_complex(x):
        a, b = parts(x)
        im, re = atanh_parts(-b, a)
        im = -im
        return joined(x, re, im)
    return native("atan", as_float(x))


@implements(np.sinh, elementwise=True)
def sinh(x):
    if is_complex(x):
        a, b = parts(x)
        re, im = sinh_parts(a, b)
        return joined(x, re, im)
    return native("sinh", as_float(x))


@implements(np.cosh, elementwise=True)
def cosh(x):
    if is_complex(x):
        a, b = parts(x)
        re, im = cosh_parts(a, b)
        return joined(x, re, im)
    return native("cosh", as_float(x))


@implements(np.tanh, elementwise=True)
def tanh(x):
    if is_complex(x):
        a, b = parts(x)
        re, im = tanh_parts(a, b)
        return joined(x, re, im)
    return native("tanh", as_float(x))


@implements(np.arcsinh, elementwise=True)
def arcsinh(x):
    if is_complex(x):
        a, b = parts(x)
        re, im = asinh_parts(a, b)
        return joined(x, re, im)
    return native("asinh", as_float(x))


@implements(np.arccosh, elementwise=True)
def arccosh(x):
    if is_complex(x):
        a, b = parts(x)
        re, im = acosh_parts(a, b)
        return joined(x, re, im)
    return native("acosh", as_float(x))


@implements(np.arctanh, elementwise=True)
def arctanh(x):
    if is_complex(x):
        a, b = parts(x)
        re, im = atanh_parts(a, b)
        return joined(x, re, im)
    return native("atanh", as_float(x))


@implements(np.arctan2, elementwise=True)
def arctan2(y, x):
    y, x = as_floats(y, x)
    return native("atan2", y, x)


@implements(np.hypot, elementwise=True)
def hypot(x, y):
    x, y = as_floats(x, y)
    return native("hypot", x, y)


@implements(np.degrees, np.rad2deg, elementwise=True)
def degrees(x):
    return as_float(x) * 57.29577951308232


@implements(np.radians, np.deg2rad, elementwise=True)
def radians(x):
    return as_float(x) * 0.017453292519943295


# ---- log(exp(x) + exp(y))

@implements(np.logaddexp, elementwise=True)
def logaddexp(x, y):
    x, y = as_floats(x, y)
    if x == y:
        return x + cast(LN2, dtype_of(x))
    d = x - y
    if d > 0:
        return x + native("log1p", native("exp", -d))
    if d <= 0:
        return y + native("log1p", native("exp", d))
    return d


@implements(np.logaddexp2, elementwise=True)
def logaddexp2(x, y):
    x, y = as_floats(x, y)
    if x == y:
        return x + cast(1, dtype_of(x))
    d = x - y
    if d > 0:
        return x + native("log1p", native("exp2", -d)) * cast(LOG2_OF_E, dtype_of(x))
    if d <= 0:
        return y + native("log1p", native("exp2", d)) * cast(LOG2_OF_E, dtype_of(x))
    return d


# ---- rounding

@implements(np.floor, elementwise=True)
def floor(x):
    if KEEPS_INTS and (is_integer(x) or is_bool(x)):
        return strong(x)
    return native("floor", as_float(x))


@implements(np.ceil, elementwise=True)
def ceil(x):
    if KEEPS_INTS and (is_integer(x) or is_bool(x)):
        return strong(x)
    return native("ceil", as_float(x))


@implements(np.trunc, elementwise=True)
def trunc(x):
    if KEEPS_INTS and (is_integer(x) or is_bool(x)):
        return strong(x)
    return native("trunc", as_float(x))


@implements(np.rint, elementwise=True)
def rint(x):
    if is_complex(x):
        x = strong(x)
        return make_complex(native("rint", x.real), native("rint", x.imag))
    return native("rint", as_float(x))


# ---- parts of a float

@implements(np.fabs, elementwise=True)
def fabs(x):
    return native("fabs", as_float(x))


@implements(np.copysign, elementwise=True)
def copysign(x, y):
    x, y = as_floats(x, y)
    return native("copysign", x, y)


@implements(np.nextafter, elementwise=True)
def nextafter(x, y):
    x, y = as_floats(x, y)
    return native("nextafter", x, y)


@implements(np.spacing, elementwise=True)
def spacing(x):
    x = as_float(x)
    far = cast(math.inf, dtype_of(x))
    return native("nextafter", x, select(x < 0, -far, far)) - x


@implements(np.ldexp, elementwise=True)
def ldexp(x, n):
    n = int(n)
    n = select(n > 5000, 5000, select(n < -5000, -5000, n))
    return native("ldexp", as_float(x), n)


def fraction(x):
    x = as_float(x)
    return select(math_isinf(x), native("copysign", cast(0.0, dtype_of(x)), x), native("modf_frac", x))


def math_isinf(x):
    return native("fabs", x) == cast(math.inf, dtype_of(x))


def whole_part(x):
    return native("modf_int", as_float(x))


@implements(np.modf)
def modf(x):
    if is_array(x):
        return elementwise(fraction, x), elementwise(whole_part, x)
    return fraction(x), whole_part(x)


def is_plain(x):
    return (x - x == 0) & (x != 0)


def mantissa(x):
    x = as_float(x)
    return select(is_plain(x), native("frexp_mantissa", x), x)


def exponent(x):
    x = as_float(x)
    return cast(select(is_plain(x), math_int("frexp_exponent", x), 0), np.int32)


@implements(np.frexp)
def frexp(x):
    if is_array(x):
        return elementwise(mantissa, x), elementwise(exponent, x)
    return mantissa(x), exponent(x)
