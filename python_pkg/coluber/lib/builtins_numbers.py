"""Operations on numbers that take more than an instruction: abs and powers of complex numbers, powers, round, pow, divmod, hash, methods."""
import builtins
import math
import sys

import numpy as np

from coluber.extending import implements

from .intrinsics import cast, dtype_of, fdiv, guard, int_quotient, is_bool, is_complex, is_float, is_integer, is_none, is_signed, is_tuple, is_weak
from .intrinsics import make_complex, math_bool, math_int, select, shl, shr, static_error, tuple_map, usual, weak
from .intrinsics import math as native
from .math_sums import two_product

INF = math.inf
NAN = math.nan
POWERS = (1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22)
PRIME = 2305843009213693951                            # 2**61 - 1: the modulus of CPython's hashes
HASH_OF_NONE_IS_FIXED = sys.version_info >= (3, 12)


def finite(x):
    return math_bool("isfinite", x)


# ---- abs and powers

@implements("op:abs:complex")
def abs_complex(z):
    r = native("hypot", z.real, z.imag)
    if is_weak(z):
        if not finite(r) and finite(z.real) and finite(z.imag):
            raise OverflowError("absolute value too large")
    return r


def one_like(x):
    if is_weak(x):
        return 1
    return cast(1, dtype_of(x))


def int_power(x, n):
    if is_weak(x):
        guard(n >= 0, "NegativePow")
    elif is_signed(n):
        if n < 0:
            raise ValueError("Integers to negative integer powers are not allowed.")
    r = one_like(x)
    while n != 0:
        if n & 1:
            r = r * x
        n = n >> 1
        x = x * x
    return r


def float_power(x, y):
    r = native("pow", x, y)
    if not finite(r):
        if r != r:
            if (x == x) & (y == y):
                raise ValueError("a negative number to a fractional power is complex in Python, but the type here is float: use a complex base")
        elif finite(x) & finite(y):
            guard(x != 0.0, "ZeroDivPow")
            raise OverflowError(34, "Numerical result out of range")
    return r


def repeated(z, n):
    """z ** n for n > 0 in CPython's order of multiplications."""
    mask = 1
    r = one_complex(z)
    while mask <= n:
        if n & mask:
            r = r * z
        mask = mask << 1
        z = z * z
    return r


def one_complex(z):
    return make_complex(cast_like(1.0, z.real), cast_like(0.0, z.real))


def cast_like(value, x):
    if is_weak(x):
        return value
    return cast(value, dtype_of(x))


def polar_power(x, y):
    """x ** y by logarithm and angle."""
    size = native("hypot", x.real, x.imag)
    angle = native("atan2", x.imag, x.real)
    r = native("pow", size, y.real)
    phase = angle * y.real
    if y.imag != 0.0:
        r = fdiv(r, native("exp", angle * y.imag))
        phase = phase + y.imag * native("log", size)
    if is_weak(x):
        if math_bool("isinf", phase):
            raise ZeroDivisionError("0.0 to a negative or complex power")
    return make_complex(r * native("cos", phase), r * native("sin", phase))


def small_whole(y):
    return y.imag == 0.0 and y.real == native("floor", y.real) and native("fabs", y.real) <= 100.0


def complex_power(x, y):
    if small_whole(y):
        n = int(y.real)
        if n >= 0:
            r = repeated(x, n)
        else:
            below = repeated(x, -n)
            if below.real == 0.0 and below.imag == 0.0:
                raise ZeroDivisionError("0.0 to a negative or complex power")
            r = fdiv(one_complex(x), below)
    elif x.real == 0.0 and x.imag == 0.0:
        if y.imag != 0.0 or y.real < 0.0:
            raise ZeroDivisionError("0.0 to a negative or complex power")
        r = make_complex(0.0, 0.0)
    else:
        r = polar_power(x, y)
    if math_bool("isinf", r.real) or math_bool("isinf", r.imag):
        raise OverflowError("complex exponentiation")
    return r


def numpy_complex_power(x, y):
    zero = cast_like(0.0, x.real)
    if y.real == 0.0 and y.imag == 0.0:
        return one_complex(x)
    if x.real == 0.0 and x.imag == 0.0:
        if y.real > 0.0:
            return make_complex(zero, zero)
        return make_complex(cast_like(NAN, x.real), cast_like(NAN, x.real))
    if small_whole(y) and native("fabs", y.real) < 100.0:
        n = int(y.real)
        if n > 0:
            return repeated(x, n)
        return fdiv(one_complex(x), repeated(x, -n))
    return polar_power(x, y)


@implements("op:pow")
def power(x, y):
    """x ** y of two operands of one type, but for the cases that the compiler writes out (literal exponents)."""
    if is_integer(x):
        return int_power(x, y)
    if is_float(x):
        if is_weak(x):
            return float_power(x, y)
        return native("pow", x, y)
    if is_weak(x):
        return complex_power(x, y)
    return numpy_complex_power(x, y)


# ---- int / int

EXACT = 2 ** 53                                        # up to here a float holds every int
WIDE = 2 ** 62                                         # below, its float is an int, too


@implements("op:int_quotient")
def quotient(a, b):
    if usual((a >= -EXACT) & (a <= EXACT) & (b >= -EXACT) & (b <= EXACT)):
        return weak(fdiv(cast(a, np.float64), cast(b, np.float64)))
    # Operands and remainder are split into floats; the quotient that is corrected by the remainder is off by 2**-102 of itself at most before it
    # is rounded. It is right where that much more or less rounds to the same.
    fits = (a > -WIDE) & (a < WIDE) & (b > -WIDE) & (b < WIDE) & (a != 0)
    m, n = select(fits, a, 1), select(fits, b, 1)
    x, y = cast(m, np.float64), cast(n, np.float64)
    first = fdiv(x, y)
    rest = native("fma", -first, y, x) + native("fma", -first, _below(n, y), _below(m, x))
    correction = fdiv(rest, y)
    q = first + correction
    error = correction - (q - first)
    slack = native("fabs", q) * 2.0 ** -100
    if usual(fits & (q + (error + slack) == q) & (q + (error - slack) == q), 2):
        return weak(q)
    return int_quotient(a, b)


def _below(n, x):
    """What the float x lacks of the int n."""
    return cast(n - cast(x, np.int64), np.float64)


# ---- pow with a modulus

def modular_product(a, b, m):
    """a * b % m for 0 <= a, b < m, without leaving 64 bits."""
    if m <= 3037000499:
        return a * b % m
    r = 0
    while b > 0:
        if b & 1:
            r = select(r >= m - a, r - (m - a), r + a)
        a = select(a >= m - a, a - (m - a), a + a)
        b = b >> 1
    return r


def modular_inverse(a, m):
    r0 = m
    r1 = a % m
    t0 = 0
    t1 = 1
    while r1 != 0:
        q = r0 // r1
        r0, r1 = r1, r0 - q * r1
        t0, t1 = t1, t0 - q * t1
    if r0 != 1:
        raise ValueError("base is not invertible for the given modulus")
    return t0 % m


def modular_power(base, exp, mod):
    if mod == 0:
        raise ValueError("pow() 3rd argument cannot be 0")
    m = abs(mod)
    if m == 1:
        return 0
    a = base % m
    if exp < 0:
        a = modular_inverse(a, m)
        exp = -exp
    r = 1
    while exp > 0:
        if exp & 1:
            r = modular_product(r, a, m)
        a = modular_product(a, a, m)
        exp = exp >> 1
    if mod < 0 and r > 0:
        return r + mod
    return r


@implements(builtins.pow)
def builtin_pow(base, exp, mod=None):
    if mod is None:
        return base ** exp
    if not (is_integer(base) and is_integer(exp) and is_integer(mod)):
        static_error("pow() with a modulus takes integers")
    return modular_power(int(base), int(exp), int(mod))


@implements(builtins.divmod)
def builtin_divmod(x, y):
    if is_float(x) or is_float(y):
        if is_weak(x) and is_weak(y):
            if y == 0:
                raise ZeroDivisionError("float divmod()")
    elif is_weak(x) and is_weak(y):
        guard(y != 0, "ZeroDivInt")
    return x // y, x % y


# ---- round

def rounded_down_digits(x, n):
    """x to n digits behind the point, 1 <= n <= 22, correctly rounded: x * 10**n is known to twice the precision, and is then an exact whole
    number over an exact power."""
    scale = POWERS[n]
    p, e = two_product(x, scale)
    if not (native("fabs", p) < 9007199254740992.0):
        return x                                       # the last digit of x is worth more than what is rounded away
    r = native("rint", p)
    rest = p - r
    if rest == 0.5 and e > 0.0:                        # rint took a half down that is more than one
        r = r + 1.0
    elif rest == -0.5 and e < 0.0:
        r = r - 1.0
    elif rest == 0.5 and e < 0.0:
        r = native("floor", p)
    elif rest == -0.5 and e > 0.0:
        r = native("ceil", p)
    return native("copysign", fdiv(r, scale), x)


def rounded_before_point(x, k):
    """x to a multiple of 10**k, 1 <= k <= 22."""
    scale = POWERS[k]
    r = native("rint", fdiv(x, scale))
    if not (native("fabs", r) < 9007199254740992.0):
        return x
    p, e = two_product(r, scale)
    rest = (x - p) - e
    half = scale * 0.5
    odd = r - 2.0 * native("floor", r * 0.5)
    if rest > half or (rest == half and odd == 1.0):
        r = r + 1.0
    elif rest < -half or (rest == -half and odd == 1.0):
        r = r - 1.0
    return native("copysign", r * scale, x)


def round_float(x, n):
    if not finite(x) or n > 323:
        return x
    if n < -308:
        return native("copysign", 0.0, x)
    if n > 22:                                         # powers of ten are inexact here: right up to the last bit
        scale = native("pow", 10.0, float(min(n - 22, 300)))
        big = x * 1e22 * scale
        if not (native("fabs", big) < 9007199254740992.0):
            return x
        return fdiv(fdiv(native("rint", big), scale), 1e22)
    if n < -22:
        scale = native("pow", 10.0, float(-n))
        r = native("rint", fdiv(x, scale)) * scale
    elif n > 0:
        r = rounded_down_digits(x, n)
    elif n == 0:
        r = native("rint", x)
    else:
        r = rounded_before_point(x, -n)
    if not finite(r):
        raise OverflowError("rounded value too large to represent")
    return r


def round_numpy_float(x, n):
    scale = cast_like(native("pow", 10.0, float(abs(n))), x)
    if n == 0:
        return native("rint", x)
    if n > 0:
        return fdiv(native("rint", x * scale), scale)
    return native("rint", fdiv(x, scale)) * scale


def round_int(x, n):
    """To a multiple of 10**-n, halves to even."""
    if n >= 0:
        return x
    if n < -19:
        return x * 0
    scale = 10
    for _ in range(-n - 1):
        scale *= 10
    if n == -19:                                       # 10**19 is beyond 64 bits; half of it is not
        return x * 0
    low = x % scale
    q = x // scale
    if low * 2 > scale or (low * 2 == scale and q & 1 != 0):
        return (q + 1) * scale
    return q * scale


@implements(builtins.round)
def builtin_round(number, ndigits=None):
    if is_complex(number):
        static_error("round() does not take a complex number")
    if is_float(number):
        if ndigits is None:
            return int(native("rint", number))
        if is_weak(number):
            return round_float(number, int(ndigits))
        return round_numpy_float(number, int(ndigits))
    if ndigits is None:
        return int(number)
    if is_bool(number):
        return round_int(int(number), int(ndigits))
    return round_int(number, int(ndigits))


# ---- hash

def rotate(x, n):
    return (shl(x, n) & PRIME) | shr(x, 61 - n)


def hash_int(x):
    size = select(x < 0, -(x % -PRIME), x % PRIME)
    r = select(x < 0, -size, size)
    return select(r == -1, -2, r)


def hash_float(x):
    if not finite(x):
        if x != x:
            return 0
        return 314159 if x > 0.0 else -314159
    m = native("frexp_mantissa", native("fabs", x))
    e = math_int("frexp_exponent", x)
    if x == 0.0:
        return 0
    r = 0
    while m != 0.0:
        r = rotate(r, 28)
        m = m * 268435456.0
        e -= 28
        y = int(m)
        m = m - float(y)
        r += y
        if r >= PRIME:
            r -= PRIME
    r = rotate(r, e % 61)
    if x < 0.0:
        r = -r
    return select(r == -1, -2, r)


def hash_tuple(t):
    """xxHash's mixing of the items' hashes, as CPython has it for tuples."""
    p1 = cast(-7046029288634856825, "uint64")
    p2 = cast(-4417276706812531889, "uint64")
    p5 = cast(2870177450012600261, "uint64")
    r = p5
    if len(t) > 0:
        for h in tuple_map(hash_one, t):
            r = r + cast(h, "uint64") * p2
            r = shl(r, 31) | shr(r, 33)
            r = r * p1
    r = r + (cast(len(t), "uint64") ^ (p5 ^ cast(3527539, "uint64")))
    s = int(cast(r, "int64"))
    return select(s == -1, 1546275796, s)


@implements("builtin:hash")
def hash_one(x):
    if is_none(x):
        if not HASH_OF_NONE_IS_FIXED:
            static_error("hash(None) differs from process to process in this Python")
        return 4238894112
    if is_tuple(x):
        return hash_tuple(x)
    if is_bool(x):
        return int(x)
    if is_integer(x):
        if not is_signed(x):
            return int(x % cast(PRIME, "uint64"))
        return hash_int(int(x))
    if is_float(x):
        return hash_float(float(x))
    if is_complex(x):
        r = hash_float(float(x.real)) + 1000003 * hash_float(float(x.imag))
        return select(r == -1, -2, r)
    static_error("hash() of ", x, " is not supported")


# ---- methods of numbers

@implements("method:number.conjugate")
def conjugate(x):
    if is_complex(x):
        return make_complex(x.real, -x.imag)
    if is_bool(x):
        return int(x)
    return x


@implements("method:number.bit_length")
def bit_length(x):
    if not is_integer(x) and not is_bool(x):
        static_error(x, " has no method bit_length")
    n = int(x)
    return 64 - native("clz", select(n < 0, -n, n))


@implements("method:number.bit_count")
def bit_count(x):
    if is_bool(x):
        return int(x)
    if is_weak(x):
        return native("popcount", select(x < 0, -x, x))
    return native("popcount", select(x < 0, cast(0, dtype_of(x)) - x, x))


@implements("method:number.is_integer")
def is_whole(x):
    if is_complex(x):
        static_error(x, " has no method is_integer")
    if is_float(x):
        return finite(x) & (native("floor", x) == x)
    return True


@implements("method:number.as_integer_ratio")
def as_integer_ratio(x):
    if is_integer(x) or is_bool(x):
        return int(x), 1
    x = float(x)
    if not finite(x):
        if x != x:
            raise ValueError("cannot convert NaN to integer ratio")
        raise OverflowError("cannot convert Infinity to integer ratio")
    if x == 0.0:
        return 0, 1
    top = int(native("frexp_mantissa", x) * 9007199254740992.0)
    e = math_int("frexp_exponent", x) - 53
    twos = native("ctz", top)
    top = shr(top, twos)
    e += twos
    if e >= 0:
        guard(e < native("clz", abs(top)), "IntOverflow")
        return shl(top, e), 1
    guard(e > -63, "IntOverflow")
    return top, shl(1, -e)


@implements("method:number.item")
def item_of(x):
    return weak(x)


@implements("method:number.astype")
def astype(x, dtype):
    return cast(x, dtype)
