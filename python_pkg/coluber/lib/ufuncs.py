"""NumPy's ufuncs of arithmetic, comparison, logic and bits: kernels on scalars. Which loop NumPy would take is decided while compiling: the
operands are cast to its types first. There is no float16 here: where NumPy computes in it (8-bit integers and booleans to floats), this is
float32. ufuncs_float.py has the functions of floats and complex numbers."""
import numpy as np

from coluber.extending import implements

from .intrinsics import cast, dtype_of, fdiv, is_array, is_bool, is_complex, is_float, is_integer, is_number, is_signed, is_str
from .intrinsics import elementwise, make_complex, math_bool, promote, same_type, select, static_error, truncdiv, truncrem
from .intrinsics import math as native
from .math import gcd2, magnitude


def strong(x):
    """A scalar as NumPy's own type."""
    return cast(x, dtype_of(x))


def both(x, y):
    """Two scalars in the type that NEP 50 gives them."""
    d = promote(x, y)
    return cast(x, d), cast(y, d)


def float_dtype(d):
    """The dtype of the loop that a function of floats takes for operands of dtype d."""
    if is_float(d) or is_complex(d):
        return d
    return promote(d, np.float32)


def as_float(x):
    if is_complex(x):
        static_error("the ufunc does not take complex numbers")
    return cast(x, float_dtype(dtype_of(x)))


def as_floats(x, y):
    d = float_dtype(promote(x, y))
    if is_complex(d):
        static_error("the ufunc does not take complex numbers")
    return cast(x, d), cast(y, d)


def no_bool(x):
    if is_bool(x):
        static_error("the ufunc has no loop for booleans")


def not_complex(x):
    if is_complex(x):
        static_error("the ufunc does not take complex numbers")


def zero_of(x):
    return cast(0, dtype_of(x))


# ---- arithmetic

@implements(np.add, elementwise=True)
def add(x, y):
    x, y = both(x, y)
    return x + y


@implements(np.subtract, elementwise=True)
def subtract(x, y):
    x, y = both(x, y)
    no_bool(x)
    return x - y


@implements(np.multiply, elementwise=True)
def multiply(x, y):
    x, y = both(x, y)
    return x * y


@implements(np.divide, elementwise=True)
def divide(x, y):
    x, y = both(x, y)
    return x / y


@implements(np.floor_divide, elementwise=True)
def floor_divide(x, y):
    x, y = both(x, y)
    return x // y


@implements(np.remainder, elementwise=True)
def remainder(x, y):
    x, y = both(x, y)
    return x % y


@implements(np.fmod, elementwise=True)
def fmod(x, y):
    x, y = both(x, y)
    not_complex(x)
    if is_float(x):
        return truncrem(x, y)
    if is_bool(x):
        return fmod(cast(x, np.int8), cast(y, np.int8))
    safe = select(y == 0, cast(1, dtype_of(y)), y)
    return select(y == 0, zero_of(x), truncrem(x, safe))


@implements(np.power, elementwise=True)
def power(x, y):
    return cast(x, promote(x, y)) ** y                 # y as it is: a literal exponent makes for multiplications


@implements(np.float_power, elementwise=True)
def float_power(x, y):
    d = promote(promote(x, y), np.float64)
    return cast(x, d) ** cast(y, d)


@implements(np.negative, elementwise=True)
def negative(x):
    no_bool(x)
    return -strong(x)


@implements(np.positive, elementwise=True)
def positive(x):
    no_bool(x)
    return strong(x)


@implements(np.absolute, elementwise=True)
def absolute(x):
    return abs(strong(x))


@implements(np.square, elementwise=True)
def square(x):
    if is_bool(x):
        return cast(x, np.int8)
    x = strong(x)
    return x * x


@implements(np.reciprocal, elementwise=True)
def reciprocal(x):
    if is_bool(x):
        return cast(x, np.int8)
    x = strong(x)
    if is_float(x):
        return fdiv(cast(1.0, dtype_of(x)), x)
    if is_complex(x):
        return fdiv(cast(1.0, dtype_of(x)), x)
    safe = select(x == 0, cast(1, dtype_of(x)), x)
    return select(x == 0, one_over_zero(x), truncdiv(cast(1, dtype_of(x)), safe))


def one_over_zero(x):
    """What the conversion of infinity to an integer gives on this machine."""
    if not is_signed(x) or same_type(x, np.int8) or same_type(x, np.int16):
        return zero_of(x)
    return cast(cast(1, dtype_of(x)) << (63 if same_type(x, np.int64) else 31), dtype_of(x))


@implements(np.sign, elementwise=True)
def sign(x):
    no_bool(x)
    x = strong(x)
    if is_complex(x):
        size = abs(x)
        zero = size == 0
        safe = select(zero, cast(1, dtype_of(size)), size)
        return make_complex(x.real / safe, x.imag / safe)
    one = cast(1, dtype_of(x))
    if is_signed(x) or is_float(x):
        below = select(x < 0, -one, x if is_float(x) else zero_of(x))
        if is_float(x):
            return select(x > 0, one, select(x == 0, zero_of(x), below))
        return select(x > 0, one, below)
    return select(x > 0, one, zero_of(x))


@implements(np.heaviside, elementwise=True)
def heaviside(x, h):
    x, h = as_floats(x, h)
    one = cast(1, dtype_of(x))
    return select(x > 0, one, select(x < 0, zero_of(x), select(x == 0, h, x)))


@implements(np.conjugate, elementwise=True)
def conjugate(x):
    if is_complex(x):
        x = strong(x)
        return make_complex(x.real, -x.imag)
    if is_bool(x):
        return cast(x, np.int8)
    return strong(x)


@implements(np.divmod)
def divmod(x, y):
    if is_array(x) or is_array(y):
        return elementwise(floor_divide, x, y), elementwise(remainder, x, y)
    return floor_divide(x, y), remainder(x, y)


@implements(np.gcd, elementwise=True)
def gcd(x, y):
    x, y = both(x, y)
    if not is_integer(x):
        static_error("gcd takes integers")
    return cast(gcd2(size_of(x), size_of(y)), dtype_of(x))


@implements(np.lcm, elementwise=True)
def lcm(x, y):
    x, y = both(x, y)
    if not is_integer(x):
        static_error("lcm takes integers")
    a = size_of(x)
    b = size_of(y)
    g = gcd2(a, b)
    return cast(truncdiv(a, select(g == 0, cast(1, np.uint64), g)) * b, dtype_of(x))


def size_of(x):
    if is_signed(x):
        return magnitude(x)
    return cast(x, np.uint64)


# ---- comparison

def lexical_less(x, y):
    return (x.real < y.real) | ((x.real == y.real) & (x.imag < y.imag))


@implements(np.equal, elementwise=True)
def equal(x, y):
    return cast(x == y, np.bool_)


@implements(np.not_equal, elementwise=True)
def not_equal(x, y):
    return cast(x != y, np.bool_)


@implements(np.less, elementwise=True)
def less(x, y):
    if is_complex(x) or is_complex(y):
        x, y = both(x, y)
        return cast(lexical_less(x, y), np.bool_)
    return cast(x < y, np.bool_)


@implements(np.less_equal, elementwise=True)
def less_equal(x, y):
    if is_complex(x) or is_complex(y):
        x, y = both(x, y)
        return cast(lexical_less(x, y) | ((x.real == y.real) & (x.imag == y.imag)), np.bool_)
    return cast(x <= y, np.bool_)


@implements(np.greater, elementwise=True)
def greater(x, y):
    if is_complex(x) or is_complex(y):
        return less(y, x)
    return cast(x > y, np.bool_)


@implements(np.greater_equal, elementwise=True)
def greater_equal(x, y):
    if is_complex(x) or is_complex(y):
        return less_equal(y, x)
    return cast(x >= y, np.bool_)


# ---- logic

@implements(np.logical_and, elementwise=True)
def logical_and(x, y):
    return cast(x, np.bool_) & cast(y, np.bool_)


@implements(np.logical_or, elementwise=True)
def logical_or(x, y):
    return cast(x, np.bool_) | cast(y, np.bool_)


@implements(np.logical_xor, elementwise=True)
def logical_xor(x, y):
    return cast(x, np.bool_) ^ cast(y, np.bool_)


@implements(np.logical_not, elementwise=True)
def logical_not(x):
    return ~cast(x, np.bool_)


# ---- bits

@implements(np.bitwise_and, elementwise=True)
def bitwise_and(x, y):
    x, y = both(x, y)
    return x & y


@implements(np.bitwise_or, elementwise=True)
def bitwise_or(x, y):
    x, y = both(x, y)
    return x | y


@implements(np.bitwise_xor, elementwise=True)
def bitwise_xor(x, y):
    x, y = both(x, y)
    return x ^ y


@implements(np.invert, elementwise=True)
def invert(x):
    return ~strong(x)


@implements(np.left_shift, elementwise=True)
def left_shift(x, y):
    x, y = both(x, y)
    return x << y


@implements(np.right_shift, elementwise=True)
def right_shift(x, y):
    x, y = both(x, y)
    return x >> y


@implements(np.bitwise_count, elementwise=True)
def bitwise_count(x):
    if is_bool(x):
        return cast(x, np.uint8)
    x = strong(x)
    if is_signed(x):
        x = select(x < 0, -x, x)
    return cast(native("popcount", x), np.uint8)


# ---- extrema. maximum and minimum hand a nan on, fmax and fmin pass it over; of equal operands it is the first.

def has_nan(x):
    if is_complex(x):
        return (x.real != x.real) | (x.imag != x.imag)
    if is_float(x):
        return x != x
    return False


def not_less(x, y):
    if is_complex(x):
        return ~lexical_less(x, y)
    return x >= y


def not_greater(x, y):
    if is_complex(x):
        return ~lexical_less(y, x)
    return x <= y


@implements(np.maximum, elementwise=True)
def maximum(x, y):
    x, y = both(x, y)
    return select(not_less(x, y) | has_nan(x), x, y)


@implements(np.minimum, elementwise=True)
def minimum(x, y):
    x, y = both(x, y)
    return select(not_greater(x, y) | has_nan(x), x, y)


@implements(np.fmax, elementwise=True)
def fmax(x, y):
    x, y = both(x, y)
    return select(not_less(x, y) | has_nan(y), x, y)


@implements(np.fmin, elementwise=True)
def fmin(x, y):
    x, y = both(x, y)
    return select(not_greater(x, y) | has_nan(y), x, y)


# ---- tests

@implements(np.isnan, elementwise=True)
def isnan(x):
    return cast(has_nan(x), np.bool_)


@implements(np.isinf, elementwise=True)
def isinf(x):
    if is_complex(x):
        return cast(math_bool("isinf", x.real) | math_bool("isinf", x.imag), np.bool_)
    if is_float(x):
        return cast(math_bool("isinf", x), np.bool_)
    return cast(False, np.bool_)


@implements(np.isfinite, elementwise=True)
def isfinite(x):
    if is_complex(x):
        return cast(math_bool("isfinite", x.real) & math_bool("isfinite", x.imag), np.bool_)
    if is_float(x):
        return cast(math_bool("isfinite", x), np.bool_)
    return cast(True, np.bool_)


@implements(np.signbit, elementwise=True)
def signbit(x):
    not_complex(x)
    if is_float(x):
        return cast(math_bool("signbit", x), np.bool_)
    if is_bool(x):
        return cast(False, np.bool_)
    return cast(x < 0, np.bool_)


@implements(np.isscalar)
def isscalar(element):
    return is_number(element) or is_str(element)
