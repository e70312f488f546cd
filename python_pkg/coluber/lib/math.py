"""math: the elementary functions and those on integers. Results are the C library's, as in CPython, with CPython's errors;
in vectorised loops those of vector functions, a unit in the last place from the truth at most.

Functions that later Pythons added are there where the running Python has them. Each check is one comparison on the operand where that
is enough, so that loops around it can still be optimised. math_sums.py has what needs more than a formula."""
import math
import sys

import numpy as np

from coluber.extending import implements

from .intrinsics import bitcast, cast, guard, is_bool, is_integer, is_weak, math_bool, math_int, select, shl, shr, static_error, truncdiv
from .intrinsics import math as native
from .intrinsics import truncrem, tuple_map

POW_OF_ZERO_MAY_BE_INF = sys.version_info >= (3, 11)   # pow(0.0, -inf) was an error before
LARGEST_ROOT = 3037000499                              # isqrt(2**63 - 1)


def has(*names):
    """Those functions of math that the running Python has."""
    return [getattr(math, n) for n in names if hasattr(math, n)]


# ---- no errors

@implements(math.fabs)
def fabs(x):
    return native("fabs", float(x))


@implements(math.copysign)
def copysign(x, y):
    return native("copysign", float(x), float(y))


@implements(math.atan)
def atan(x):
    return native("atan", float(x))


@implements(math.atan2)
def atan2(y, x):
    return native("atan2", float(y), float(x))


@implements(math.asinh)
def asinh(x):
    return native("asinh", float(x))


@implements(math.tanh)
def tanh(x):
    return native("tanh", float(x))


@implements(math.erf)
def erf(x):
    return native("erf", float(x))


@implements(math.erfc)
def erfc(x):
    return native("erfc", float(x))


@implements(*has("cbrt"))
def cbrt(x):
    return native("cbrt", float(x))


@implements(math.degrees)
def degrees(x):
    return float(x) * 57.29577951308232


@implements(math.radians)
def radians(x):
    return float(x) * 0.017453292519943295


@implements(math.isnan)
def isnan(x):
    return math_bool("isnan", float(x))


@implements(math.isinf)
def isinf(x):
    return math_bool("isinf", float(x))


@implements(math.isfinite)
def isfinite(x):
    return math_bool("isfinite", float(x))


# ---- a domain

@implements(math.sqrt)
def sqrt(x):
    x = float(x)
    guard(not (x < 0.0), "MathDomain")
    return native("sqrt", x)


@implements(math.sin)
def sin(x):
    x = float(x)
    guard(not math_bool("isinf", x), "MathDomain")
    return native("sin", x)


@implements(math.cos)
def cos(x):
    x = float(x)
    guard(not math_bool("isinf", x), "MathDomain")
    return native("cos", x)


@implements(math.tan)
def tan(x):
    x = float(x)
    guard(not math_bool("isinf", x), "MathDomain")
    return native("tan", x)


@implements(math.asin)
def asin(x):
    x = float(x)
    guard(not (native("fabs", x) > 1.0), "MathDomain")
    return native("asin", x)


@implements(math.acos)
def acos(x):
    x = float(x)
    guard(not (native("fabs", x) > 1.0), "MathDomain")
    return native("acos", x)


@implements(math.acosh)
def acosh(x):
    x = float(x)
    guard(not (x < 1.0), "MathDomain")
    return native("acosh", x)


@implements(math.atanh)
def atanh(x):
    x = float(x)
    guard(not (native("fabs", x) >= 1.0), "MathDomain")
    return native("atanh", x)


@implements(math.log1p)
def log1p(x):
    x = float(x)
    guard(not (x <= -1.0), "MathDomain")
    return native("log1p", x)


@implements(math.log2)
def log2(x):
    x = float(x)
    guard(not (x <= 0.0), "MathDomain")
    return native("log2", x)


@implements(math.log10)
def log10(x):
    x = float(x)
    guard(not (x <= 0.0), "MathDomain")
    return native("log10", x)


def natural_log(x):
    x = float(x)
    guard(not (x <= 0.0), "MathDomain")
    return native("log", x)


@implements(math.log)
def log(x, base=None):
    top = natural_log(x)
    if base is None:
        return top
    bottom = natural_log(base)
    if bottom == 0.0:
        raise ZeroDivisionError("float division by zero")
    return top / bottom


@implements(math.fmod)
def fmod(x, y):
    x = float(x)
    y = float(y)
    r = truncrem(x, y)
    guard((r == r) | (x != x) | (y != y), "MathDomain")
    return r


@implements(math.remainder)
def remainder(x, y):
    x = float(x)
    y = float(y)
    r = native("remainder", x, y)
    guard((r == r) | (x != x) | (y != y), "MathDomain")
    return r


# ---- a range

def in_range(r, x):
    """r, unless it is infinite while x is not."""
    guard(math_bool("isfinite", r) | (not math_bool("isfinite", x)), "MathRange")
    return r


@implements(math.exp)
def exp(x):
    x = float(x)
    return in_range(native("exp", x), x)


@implements(*has("exp2"))
def exp2(x):
    x = float(x)
    return in_range(native("exp2", x), x)


@implements(math.expm1)
def expm1(x):
    x = float(x)
    return in_range(native("expm1", x), x)


@implements(math.sinh)
def sinh(x):
    x = float(x)
    return in_range(native("sinh", x), x)


@implements(math.cosh)
def cosh(x):
    x = float(x)
    return in_range(native("cosh", x), x)


@implements(math.pow)
def pow(x, y):
    x = float(x)
    y = float(y)
    r = native("pow", x, y)
    unbounded = math_bool("isinf", r)                  # no branches: they would keep loops from vectorising
    guard((r == r) | (x != x) | (y != y), "MathDomain")
    guard((not unbounded) | (x != 0.0) | (math_bool("isinf", y) & POW_OF_ZERO_MAY_BE_INF), "MathDomain")
    guard((not unbounded) | (x == 0.0) | math_bool("isinf", x) | math_bool("isinf", y), "MathRange")
    return r


@implements(*has("fma"))
def fma(x, y, z):
    x = float(x)
    y = float(y)
    z = float(z)
    r = native("fma", x, y, z)
    if not math_bool("isfinite", r):
        if r != r:
            if (x == x) & (y == y) & (z == z):
                raise ValueError("invalid operation in fma")
        elif math_bool("isfinite", x) & math_bool("isfinite", y) & math_bool("isfinite", z):
            raise OverflowError("overflow in fma")
    return r


# ---- parts of a float

def whole(x):
    """int(x) of a float that is a whole number."""
    return int(x)


@implements(math.floor)
def floor(x):
    if is_integer(x) and is_weak(x):
        return x
    return whole(native("floor", float(x)))


@implements(math.ceil)
def ceil(x):
    if is_integer(x) and is_weak(x):
        return x
    return whole(native("ceil", float(x)))


@implements(math.trunc)
def trunc(x):
    return int(x)


@implements(math.modf)
def modf(x):
    x = float(x)
    if math_bool("isinf", x):
        return native("copysign", 0.0, x), x
    return native("modf_frac", x), native("modf_int", x)


@implements(math.frexp)
def frexp(x):
    x = float(x)
    if x == 0.0 or not math_bool("isfinite", x):
        return x, 0
    return native("frexp_mantissa", x), math_int("frexp_exponent", x)


@implements(math.ldexp)
def ldexp(x, i):
    if not is_integer(i):
        static_error("ldexp() takes an int as its second argument")
    x = float(x)
    i = min(max(int(i), -5000), 5000)                  # beyond that every float is 0 or infinite
    return in_range(native("ldexp", x, i), x)


@implements(math.ulp)
def ulp(x):
    x = native("fabs", float(x))
    if not math_bool("isfinite", x):
        return x
    above = native("nextafter", x, math.inf)
    if above == math.inf:
        return x - native("nextafter", x, 0.0)
    return above - x


def bits_of(x):
    return bitcast(cast(x, np.float64), np.uint64)


def from_bits(u):
    return float(bitcast(u, np.float64))


def many_steps(x, y, steps):
    """The float `steps` floats from x towards y: floats of one sign are ordered as their bits are."""
    sign = cast(1, np.uint64) << 63
    bx = bits_of(x)
    by = bits_of(y)
    n = cast(steps, np.uint64)
    ax = bx & ~sign
    ay = by & ~sign
    if (bx ^ by) & sign != 0:
        if ax + ay <= n:
            return y
        if ax < n:
            return from_bits((by & sign) | (n - ax))
        return from_bits(bx - n)
    if ax > ay:
        return from_bits(bx - n) if ax - ay >= n else y
    return from_bits(bx + n) if ay - ax >= n else y


@implements(math.nextafter)
def nextafter(x, y, *, steps=None):
    x = float(x)
    y = float(y)
    if steps is None:
        return native("nextafter", x, y)
    if steps < 0:
        raise ValueError("steps must be a non-negative integer")
    if steps == 0 or x != x:
        return x
    if y != y:
        return y
    if bits_of(x) == bits_of(y):
        return x
    return many_steps(x, y, steps)


@implements(math.isclose)
def isclose(a, b, *, rel_tol=1e-09, abs_tol=0.0):
    a = float(a)
    b = float(b)
    rel_tol = float(rel_tol)
    abs_tol = float(abs_tol)
    if rel_tol < 0.0 or abs_tol < 0.0:
        raise ValueError("tolerances must be non-negative")
    if a == b:
        return True
    if math_bool("isinf", a) or math_bool("isinf", b):
        return False
    gap = native("fabs", b - a)
    return gap <= native("fabs", rel_tol * b) or gap <= native("fabs", rel_tol * a) or gap <= abs_tol


# ---- integers

def whole_number(x):
    if not is_integer(x) and not is_bool(x):
        static_error("an integer is needed here, not ", x)
    return int(x)


def magnitude(x):
    """abs(x) as uint64; the least integer has one too."""
    x = whole_number(x)
    return cast(select(x < 0, 0 - x, x), np.uint64)


def as_int(u):
    """A uint64 as int; OverflowError when it has 64 bits."""
    r = cast(u, np.int64)
    guard(r >= 0, "IntOverflow")
    return int(r)


def times(a, b):
    """The product of two uint64; OverflowError beyond 63 bits."""
    r = a * b
    guard((native("umulh", a, b) == 0) & (cast(r, np.int64) >= 0), "IntOverflow")
    return r


def gcd2(a, b):
    """Stein's algorithm on uint64: shifts and subtractions only."""
    if a == 0:
        return b
    if b == 0:
        return a
    twos = native("ctz", a | b)
    a = shr(a, native("ctz", a))
    while b != 0:
        b = shr(b, native("ctz", b))
        low = select(a < b, a, b)
        b = select(a < b, b, a) - low
        a = low
    return shl(a, twos)


@implements(math.gcd)
def gcd(*integers):
    r = cast(0, np.uint64)
    if len(integers) > 0:
        for x in tuple_map(magnitude, integers):
            r = gcd2(r, x)
    return as_int(r)


@implements(math.lcm)
def lcm(*integers):
    r = cast(1, np.uint64)
    if len(integers) > 0:
        for x in tuple_map(magnitude, integers):
            g = gcd2(r, x)
            r = times(r, truncdiv(x, g)) if g != 0 else cast(0, np.uint64)
    return as_int(r)


@implements(math.isqrt)
def isqrt(n):
    n = whole_number(n)
    if n < 0:
        raise ValueError("isqrt() argument must be nonnegative")
    r = min(int(native("sqrt", float(n))), LARGEST_ROOT)
    if r * r > n:                                      # the conversion to float may have rounded up
        r -= 1
    return r


@implements(math.factorial)
def factorial(n):
    n = whole_number(n)
    if n < 0:
        raise ValueError("factorial() not defined for negative values")
    guard(n <= 20, "IntOverflow")
    r = 1
    for k in range(2, n + 1):
        r *= k
    return r


def check_counts(n, k):
    if n < 0:
        raise ValueError("n must be a non-negative integer")
    if k < 0:
        raise ValueError("k must be a non-negative integer")


@implements(math.comb)
def comb(n, k):
    n = whole_number(n)
    k = whole_number(k)
    check_counts(n, k)
    if k > n:
        return 0
    k = min(k, n - k)
    r = cast(1, np.uint64)
    for i in range(1, k + 1):                          # r is comb(n - k + i, i), which never decreases
        step = cast(n - k + i, np.uint64)
        under = cast(i, np.uint64)
        g = gcd2(r, under)
        r = times(truncdiv(r, g), truncdiv(step, truncdiv(under, g)))
    return as_int(r)


@implements(math.perm)
def perm(n, k=None):
    if k is None:
        return factorial(n)
    n = whole_number(n)
    k = whole_number(k)
    check_counts(n, k)
    if k > n:
        return 0
    r = cast(1, np.uint64)
    for i in range(n - k + 1, n + 1):
        r = times(r, cast(i, np.uint64))
    return as_int(r)
