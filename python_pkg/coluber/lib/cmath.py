"""cmath. The algorithms are those that CPython documents for its own module (Kahan, "Branch cuts for complex elementary functions", 1987),
operation by operation, so that results are equal; what infinities and nans give follows C99's annex G."""
import cmath
import math

from coluber.extending import implements

from .intrinsics import fdiv, guard, make_complex, math_bool
from .intrinsics import math as native

INF = math.inf
NAN = math.nan
PI = math.pi
E = math.e
LN2 = 0.6931471805599453
LN10 = 2.302585092994046
LARGE = 4.4942328371557893e+307            # a quarter of the largest float
SQRT_LARGE = 6.703903964971298e+153
LOG_LARGE = 708.3964185322641
LEAST_NORMAL = 2.2250738585072014e-308
SQRT_LEAST_NORMAL = 1.4916681462400413e-154


def parts(z):
    z = complex(z)
    return z.real, z.imag


def finite(x):
    return math_bool("isfinite", x)


def isinf_(x):
    return math_bool("isinf", x)


def sign_of(size, x):
    return native("copysign", size, x)


def fabs(x):
    return native("fabs", x)


def direction(x):
    """1, 0 or -1, with the sign of x: where x lies as seen from an infinite neighbour."""
    return sign_of(1.0 if isinf_(x) else 0.0, x)


def half_log(x, y):
    """log(hypot(x, y)) of large x and y."""
    return native("log", native("hypot", x / 2.0, y / 2.0)) + LN2 * 2.0


# ---- on pairs (re, im) -> (re, im)

def sqrt_parts(x, y):
    if not (finite(x) and finite(y)):
        if isinf_(y):
            return INF, y
        if x != x:
            return x, NAN
        if x == INF:
            return (INF, sign_of(0.0, y)) if y == y else (INF, NAN)
        if x == -INF:
            return (0.0, sign_of(INF, y)) if y == y else (NAN, INF)
        return NAN, NAN
    if x == 0.0 and y == 0.0:
        return 0.0, y
    ax = fabs(x)
    ay = fabs(y)
    if ax < LEAST_NORMAL and ay < LEAST_NORMAL:
        ax = native("ldexp", ax, 53)
        s = native("ldexp", native("sqrt", ax + native("hypot", ax, native("ldexp", ay, 53))), -27)
    else:
        ax = ax / 8.0
        s = 2.0 * native("sqrt", ax + native("hypot", ax, ay / 8.0))
    d = fdiv(ay, 2.0 * s)
    if x >= 0.0:
        return s, sign_of(d, y)
    return d, sign_of(s, y)


def asinh_parts(x, y):
    if not (finite(x) and finite(y)):
        if x == x and y == y:
            return sign_of(INF, x), native("atan2", direction(y), fabs(direction(x)))
        if isinf_(x):
            return x, NAN
        if isinf_(y):
            return INF, NAN
        return (x if x != x else NAN), (y if y == 0.0 else NAN)
    if fabs(x) > LARGE or fabs(y) > LARGE:
        if y >= 0.0:
            re = sign_of(half_log(x, y), x)
        else:
            re = -sign_of(half_log(x, y), -x)
        return re, native("atan2", y, fabs(x))
    ar, ai = sqrt_parts(1.0 + y, -x)
    br, bi = sqrt_parts(1.0 - y, x)
    return native("asinh", ar * bi - br * ai), native("atan2", y, ar * br - ai * bi)


def atanh_parts(x, y):
    if x < 0.0 or (x == 0.0 and math_bool("signbit", x)):
        re, im = atanh_right(-x, -y)
        return -re, -im
    return atanh_right(x, y)


def atanh_right(x, y):
    """atanh of a point whose real part is not negative."""
    if not (finite(x) and finite(y)):
        if isinf_(y):
            return (sign_of(0.0, x) if x == x else 0.0), sign_of(PI / 2.0, y)
        if isinf_(x):
            return 0.0, (sign_of(PI / 2.0, y) if y == y else NAN)
        return (0.0 if x == 0.0 else NAN), NAN
    ay = fabs(y)
    if x > SQRT_LARGE or ay > SQRT_LARGE:
        h = native("hypot", x / 2.0, y / 2.0)
        return fdiv(fdiv(x / 4.0, h), h), -sign_of(PI / 2.0, -y)
    if x == 1.0 and ay < SQRT_LEAST_NORMAL:
        if ay == 0.0:
            return INF, y
        return (-native("log", fdiv(native("sqrt", ay), native("sqrt", native("hypot", ay, 2.0)))),
                sign_of(native("atan2", 2.0, -ay) / 2.0, y))
    re = native("log1p", fdiv(4.0 * x, (1.0 - x) * (1.0 - x) + ay * ay)) / 4.0
    return re, -native("atan2", -2.0 * y, (1.0 - x) * (1.0 + x) - ay * ay) / 2.0


def acos_parts(x, y):
    if not (finite(x) and finite(y)):
        if x == x and y == y:
            return native("atan2", fabs(direction(y)), direction(x)), sign_of(INF, -y)
        if isinf_(x):
            return NAN, INF
        if isinf_(y):
            return NAN, -y
        return (PI / 2.0 if x == 0.0 else NAN), NAN
    if fabs(x) > LARGE or fabs(y) > LARGE:
        re = native("atan2", fabs(y), x)
        if x < 0.0:
            return re, -sign_of(half_log(x, y), y)
        return re, sign_of(half_log(x, y), -y)
    ar, ai = sqrt_parts(1.0 - x, -y)
    br, bi = sqrt_parts(1.0 + x, y)
    return 2.0 * native("atan2", ar, br), native("asinh", br * ai - bi * ar)


def acosh_parts(x, y):
    if not (finite(x) and finite(y)):
        if x == x and y == y:
            return INF, native("atan2", direction(y), direction(x))
        return (INF if isinf_(x) or isinf_(y) else NAN), NAN
    if fabs(x) > LARGE or fabs(y) > LARGE:
        return half_log(x, y), native("atan2", y, x)
    ar, ai = sqrt_parts(x - 1.0, y)
    br, bi = sqrt_parts(x + 1.0, y)
    return native("asinh", ar * br + ai * bi), 2.0 * native("atan2", ai, br)


def turned(size, y):
    """size * (cos y + i sin y) where size is 0 or infinite: only the signs matter."""
    return sign_of(size, native("cos", y)), sign_of(size, native("sin", y))


def cosh_special(x, y):
    if isinf_(x):
        if y != y:
            return INF, NAN
        if y == 0.0:
            return INF, sign_of(0.0, x) * sign_of(1.0, y)
        re, im = turned(INF, y)
        return re, (im if x > 0.0 else -im)
    if x == 0.0:
        return NAN, 0.0
    return NAN, (0.0 if y == 0.0 else NAN)


def cosh_parts(x, y):
    if not (finite(x) and finite(y)):
        return cosh_special(x, y)
    if fabs(x) > LOG_LARGE:
        less = x - sign_of(1.0, x)
        re = native("cos", y) * native("cosh", less) * E
        im = native("sin", y) * native("sinh", less) * E
    else:
        re = native("cos", y) * native("cosh", x)
        im = native("sin", y) * native("sinh", x)
    return re, im


def sinh_special(x, y):
    if isinf_(x):
        if y != y:
            return INF, NAN
        if y == 0.0:
            return x, y
        re, im = turned(INF, y)
        return (re if x > 0.0 else -re), im
    if x == 0.0:
        return 0.0, NAN
    return NAN, (y if y == 0.0 else NAN)


def sinh_parts(x, y):
    if not (finite(x) and finite(y)):
        return sinh_special(x, y)
    if fabs(x) > LOG_LARGE:
        less = x - sign_of(1.0, x)
        re = native("cos", y) * native("sinh", less) * E
        im = native("sin", y) * native("cosh", less) * E
    else:
        re = native("cos", y) * native("sinh", x)
        im = native("sin", y) * native("cosh", x)
    return re, im


def tanh_special(x, y):
    if isinf_(x):
        one = sign_of(1.0, x)
        if finite(y) and y != 0.0:
            return one, sign_of(0.0, 2.0 * native("sin", y) * native("cos", y))
        return one, (y if y == 0.0 else 0.0)
    return NAN, (y if y == 0.0 and x != 0.0 else NAN)


def tanh_parts(x, y):
    if not (finite(x) and finite(y)):
        return tanh_special(x, y)
    if fabs(x) > LOG_LARGE:
        return sign_of(1.0, x), 4.0 * native("sin", y) * native("cos", y) * native("exp", -2.0 * fabs(x))
    tx = native("tanh", x)
    ty = native("tan", y)
    cx = fdiv(1.0, native("cosh", x))
    both = tx * ty
    under = 1.0 + both * both
    return fdiv(tx * (1.0 + ty * ty), under), (fdiv(ty, under) * cx) * cx


def log_parts(x, y):
    if not (finite(x) and finite(y)):
        im = native("atan2", direction(y), direction(x)) if isinf_(x) or isinf_(y) else NAN
        if x != x or y != y:
            return (INF if isinf_(x) or isinf_(y) else NAN), NAN
        return INF, im
    ax = fabs(x)
    ay = fabs(y)
    if ax > LARGE or ay > LARGE:
        re = native("log", native("hypot", ax / 2.0, ay / 2.0)) + LN2
    elif ax < LEAST_NORMAL and ay < LEAST_NORMAL:
        if ax == 0.0 and ay == 0.0:
            return -INF, native("atan2", y, x)
        re = native("log", native("hypot", native("ldexp", ax, 53), native("ldexp", ay, 53))) - 53.0 * LN2
    else:
        h = native("hypot", ax, ay)
        if 0.71 <= h and h <= 1.73:
            am = ax if ax > ay else ay
            an = ay if ax > ay else ax
            re = native("log1p", (am - 1.0) * (am + 1.0) + an * an) / 2.0
        else:
            re = native("log", h)
    return re, native("atan2", y, x)


def exp_special(x, y):
    if isinf_(x):
        size = INF if x > 0.0 else 0.0
        if finite(y):
            return (size, y) if y == 0.0 else turned(size, y)
        return size, (NAN if x > 0.0 else 0.0)
    return NAN, (y if y == 0.0 else NAN)


def exp_parts(x, y):
    if not (finite(x) and finite(y)):
        return exp_special(x, y)
    if x > LOG_LARGE:
        size = native("exp", x - 1.0)
        return size * native("cos", y) * E, size * native("sin", y) * E
    size = native("exp", x)
    return size * native("cos", y), size * native("sin", y)


# ---- the module's functions

def check_range(x, y, re, im):
    guard((finite(re) & finite(im)) | (not (finite(x) & finite(y))), "MathRange")


def check_hyperbolic(x, y):
    guard(not isinf_(y) or x != x, "MathDomain")


@implements(cmath.sqrt)
def sqrt(z):
    x, y = parts(z)
    re, im = sqrt_parts(x, y)
    return make_complex(re, im)


@implements(cmath.exp)
def exp(z):
    x, y = parts(z)
    guard(not isinf_(y) or x != x or x == -INF, "MathDomain")
    re, im = exp_parts(x, y)
    check_range(x, y, re, im)
    return make_complex(re, im)


@implements(cmath.log)
def log(z, base=None):
    x, y = parts(z)
    re, im = log_parts(x, y)
    if base is None:
        guard(x != 0.0 or y != 0.0, "MathDomain")
        return make_complex(re, im)
    bx, by = parts(base)
    guard(bx != 0.0 or by != 0.0, "MathDomain")
    bre, bim = log_parts(bx, by)
    guard(bre != 0.0 or bim != 0.0, "MathDomain")
    return fdiv(make_complex(re, im), make_complex(bre, bim))


@implements(cmath.log10)
def log10(z):
    x, y = parts(z)
    guard(x != 0.0 or y != 0.0, "MathDomain")
    re, im = log_parts(x, y)
    return make_complex(re / LN10, im / LN10)


@implements(cmath.phase)
def phase(z):
    x, y = parts(z)
    return native("atan2", y, x)


def size_of(x, y):
    r = native("hypot", x, y)
    guard(finite(r) | (not finite(x)) | (not finite(y)), "MathRange")
    return r


@implements(cmath.polar)
def polar(z):
    x, y = parts(z)
    return size_of(x, y), native("atan2", y, x)


@implements(cmath.rect)
def rect(r, phi):
    r = float(r)
    phi = float(phi)
    if not (finite(r) and finite(phi)):
        return rect_special(r, phi)
    if phi == 0.0:
        return make_complex(r, r * phi)
    return make_complex(r * native("cos", phi), r * native("sin", phi))


def rect_special(r, phi):
    guard(not (isinf_(phi) and r == r and r != 0.0), "MathDomain")
    if isinf_(r):
        if phi != phi:
            return make_complex(INF if r > 0.0 else INF, NAN)
        if phi == 0.0:
            return make_complex(r, phi if r > 0.0 else -phi)
        re, im = turned(INF, phi)
        if r > 0.0:
            return make_complex(re, im)
        return make_complex(-re, -im)
    if r == 0.0:
        return make_complex(0.0, 0.0)
    return make_complex(NAN, 0.0 if phi == 0.0 else NAN)


@implements(cmath.cosh)
def cosh(z):
    x, y = parts(z)
    check_hyperbolic(x, y)
    re, im = cosh_parts(x, y)
    check_range(x, y, re, im)
    return make_complex(re, im)


@implements(cmath.sinh)
def sinh(z):
    x, y = parts(z)
    check_hyperbolic(x, y)
    re, im = sinh_parts(x, y)
    check_range(x, y, re, im)
    return make_complex(re, im)


@implements(cmath.tanh)
def tanh(z):
    x, y = parts(z)
    guard(not (isinf_(y) and finite(x)), "MathDomain")
    re, im = tanh_parts(x, y)
    return make_complex(re, im)


@implements(cmath.cos)
def cos(z):
    x, y = parts(z)
    check_hyperbolic(y, x)
    re, im = cosh_parts(-y, x)
    check_range(x, y, re, im)
    return make_complex(re, im)


@implements(cmath.sin)
def sin(z):
    x, y = parts(z)
    check_hyperbolic(y, x)
    re, im = sinh_parts(-y, x)
    check_range(x, y, re, im)
    return make_complex(im, -re)


@implements(cmath.tan)
def tan(z):
    x, y = parts(z)
    guard(not (isinf_(x) and finite(y)), "MathDomain")
    re, im = tanh_parts(-y, x)
    return make_complex(im, -re)


@implements(cmath.asinh)
def asinh(z):
    x, y = parts(z)
    re, im = asinh_parts(x, y)
    return make_complex(re, im)


@implements(cmath.asin)
def asin(z):
    x, y = parts(z)
    re, im = asinh_parts(-y, x)
    return make_complex(im, -re)


@implements(cmath.atanh)
def atanh(z):
    x, y = parts(z)
    guard(fabs(x) != 1.0 or y != 0.0, "MathDomain")
    re, im = atanh_parts(x, y)
    return make_complex(re, im)


@implements(cmath.atan)
def atan(z):
    x, y = parts(z)
    guard(fabs(y) != 1.0 or x != 0.0, "MathDomain")
    re, im = atanh_parts(-y, x)
    return make_complex(im, -re)


@implements(cmath.acos)
def acos(z):
    x, y = parts(z)
    re, im = acos_parts(x, y)
    return make_complex(re, im)


@implements(cmath.acosh)
def acosh(z):
    x, y = parts(z)
    re, im = acosh_parts(x, y)
    return make_complex(re, im)


@implements(cmath.isnan)
def isnan(z):
    x, y = parts(z)
    return (x != x) | (y != y)


@implements(cmath.isinf)
def isinf(z):
    x, y = parts(z)
    return isinf_(x) | isinf_(y)


@implements(cmath.isfinite)
def isfinite(z):
    x, y = parts(z)
    return finite(x) & finite(y)


@implements(cmath.isclose)
def isclose(a, b, *, rel_tol=1e-09, abs_tol=0.0):
    ax, ay = parts(a)
    bx, by = parts(b)
    if rel_tol < 0.0 or abs_tol < 0.0:
        raise ValueError("tolerances must be non-negative")
    if ax == bx and ay == by:
        return True
    if isinf_(ax) or isinf_(ay) or isinf_(bx) or isinf_(by):
        return False
    gap = native("hypot", ax - bx, ay - by)
    return gap <= rel_tol * native("hypot", bx, by) or gap <= rel_tol * native("hypot", ax, ay) or gap <= abs_tol
