"""math: functions that take more than a formula: accurate sums and norms, gamma and its logarithm.

hypot, dist, fsum and sumprod give the correctly rounded result or come within a hair of it, by error-free transformations: the rounding
error of a + b and (with fma) of a * b is itself a float (Knuth 1969, Dekker 1971, Ogita, Rump and Oishi 2005)."""
import math

from coluber.extending import implements

from .intrinsics import fdiv, get, guard, is_float, is_homogeneous, is_integer, is_tuple, item, list_new, list_push, list_set_len, math_bool, math_int
from .intrinsics import math as native
from .intrinsics import put, range_tuple, tuple_map, weak
from .math import has

LEAST_NORMAL = 2.2250738585072014e-308


# ---- error-free transformations

def two_sum(a, b):
    """a + b and its rounding error."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def fast_two_sum(a, b):
    """As two_sum, for abs(a) >= abs(b)."""
    s = a + b
    return s, (a - s) + b


def two_product(a, b):
    """a * b and its rounding error."""
    p = a * b
    return p, native("fma", a, b, -p)


# ---- the Euclidean norm

def scaled_norm(v, top, factor):
    """sqrt(sum(x * x)) for the x of v times factor; top is the largest of them. Scaled to below 1 by a power of two; the sum starts at 1, so
    that each term is the smaller one; at the end one step of Newton's method on the root, with the exact residue."""
    scale = native("ldexp", 1.0, -math_int("frexp_exponent", top))
    total = 1.0
    products = 0.0
    sums = 0.0
    for x in v:
        x = x * factor * scale
        p, e = two_product(x, x)
        products += e
        total, e = fast_two_sum(total, p)
        sums += e
    h = native("sqrt", total - 1.0 + (products + sums))
    p, e = two_product(-h, h)
    products += e
    total, e = fast_two_sum(total, p)
    sums += e
    rest = total - 1.0 + (products + sums)
    return fdiv(h + fdiv(rest, 2.0 * h), scale)


def norm(v):
    top = 0.0
    nan = False
    for x in v:
        a = native("fabs", x)
        nan = nan | (a != a)
        top = native("fmax", top, a)
    if top == math.inf:
        return math.inf
    if nan:
        return math.nan
    if top == 0.0 or len(v) <= 1:
        return top
    if top < 5.562684646268003e-309:                   # 2**-1024: one over it is infinite
        return LEAST_NORMAL * scaled_norm(v, top * 4.49423283715579e+307, 4.49423283715579e+307)
    return scaled_norm(v, top, 1.0)


@implements(math.hypot)
def hypot(*coordinates):
    if len(coordinates) == 0:
        return 0.0
    return norm(tuple_map(float, coordinates))


def difference(k, p, q):
    return float(item(p, k)) - float(item(q, k))


@implements(math.dist)
def dist(p, q):
    if len(p) != len(q):
        raise ValueError("both points must have the same number of dimensions")
    if is_tuple(p) and is_tuple(q):
        if len(p) == 0:
            return 0.0
        return norm(tuple_map(difference, range_tuple(len(p)), p, q))
    gaps = list_new(0.0, len(p))
    for k in range(len(p)):
        list_push(gaps, difference(k, p, q))
    return norm(gaps)


# ---- sums

def keep(partials, n, x):
    if n < len(partials):
        put(partials, x, n)
    else:
        list_push(partials, x)


def add_exactly(partials, n, x):
    """Adds x to n partial sums that do not overlap; returns how many there are now, and the rest that goes on top."""
    kept = 0
    for k in range(n):
        x, low = two_sum(x, get(partials, k))
        if low != 0.0:
            keep(partials, kept, low)
            kept += 1
    return kept, x


def round_partials(partials, n):
    """The sum of non-overlapping partials, rounded once, halves to even."""
    if n == 0:
        return 0.0
    n -= 1
    high = get(partials, n)
    low = 0.0
    while n > 0:
        n -= 1
        high, low = fast_two_sum(high, get(partials, n))
        if low != 0.0:
            break
    if n > 0 and low != 0.0 and (low < 0.0) == (get(partials, n - 1) < 0.0):
        twice = low * 2.0                              # an exact half, and what is below it goes the same way
        up = high + twice
        if up - high == twice:
            high = up
    return high


@implements(math.fsum)
def fsum(seq):
    """Shewchuk's algorithm: the exact sum as a list of floats that do not overlap, rounded at the end."""
    partials = list_new(0.0, 32)
    n = 0
    infinities = 0.0
    special = 0.0
    for value in seq:
        added = float(value)
        n, x = add_exactly(partials, n, added)
        if x != 0.0:
            if math_bool("isfinite", x):
                keep(partials, n, x)
                n += 1
            else:
                if math_bool("isfinite", added):
                    raise OverflowError("intermediate overflow in fsum")
                if math_bool("isinf", added):
                    infinities += added
                special += added
                n = 0
    if special != 0.0:
        if infinities != infinities:
            raise ValueError("-inf + inf in fsum")
        return special
    return round_partials(partials, n)


@implements(math.prod)
def prod(iterable, *, start=1):
    if is_tuple(iterable):
        if not is_homogeneous(iterable):
            return product_from(iterable, 0, start)
    r = start
    for x in iterable:
        r = r * x
    return r


def product_from(t, k, r):
    """r times the items of a tuple from number k on."""
    if k == len(t):
        return r
    return product_from(t, k + 1, r * t[k])


def exact_products(p, q, n):
    """Products added up in three floats; from where that overflows on, plainly."""
    high = 0.0
    low = 0.0
    tiny = 0.0
    for k in range(n):
        x = float(item(p, k))
        y = float(item(q, k))
        m, e = two_product(x, y)
        s, es = two_sum(high, m)
        if not math_bool("isfinite", s):
            r = three_to_one(high, low, tiny)
            for j in range(k, n):
                r += float(item(p, j)) * float(item(q, j))
            return r
        l1, t1 = two_sum(low, e)
        low, t2 = two_sum(l1, es)
        high = s
        tiny += t1 + t2
    return three_to_one(high, low, tiny)


def three_to_one(high, low, tiny):
    a, b = two_sum(low, tiny)
    s, e = two_sum(high, a)
    return s


@implements(*has("sumprod"))
def sumprod(p, q):
    n = len(p)
    if n != len(q):
        raise ValueError("Inputs are not the same length")
    if is_tuple(p):
        if is_tuple(q):
            return products_of(tuple_map(weak, p), tuple_map(weak, q), n)
        return products_of(tuple_map(weak, p), q, n)
    if is_tuple(q):
        return products_of(p, tuple_map(weak, q), n)
    return products_of(p, q, n)


def products_of(p, q, n):
    if n == 0:
        return 0
    a = item(p, 0)
    b = item(q, 0)
    if is_float(a) and (is_float(b) or is_integer(b)) or is_integer(a) and is_float(b):
        return exact_products(p, q, n)
    r = a * b
    for k in range(1, n):
        r += item(p, k) * item(q, k)
    return r


# ---- gamma. Lanczos' approximation (1964) with the rational function that Boost publishes for g = 6.0247 and 13 terms.

G = 6.024680040776729583740234375
G_LESS_HALF = 5.524680040776729583740234375
LOG_PI = 1.144729885849400174143427351353058711647
TOP = (
    2.5066282746310002701649081771338373386264310793408, 210.82427775157934587250973392071336271166969580291,
    8071.6720023658162106380029022722506138218516325024, 186056.26539522349504029498971604569928220784236328,
    2876370.6289353724412254090516208496135991145378768, 31426415.585400194380614231628318205362874684987640,
    248874557.86205415651146038641322942321632125127801, 1439720407.3117216736632230727949123939715485786372,
    6039542586.3520280050642916443072979210699388420708, 17921034426.037209699919755754458931112671403265390,
    35711959237.355668049440185451547166705960488635843, 42919803642.649098768957899047001988850926355848959,
    23531376880.410759688572007674451636754734846804940)


BOTTOM = (1.0, 66.0, 1925.0, 32670.0, 357423.0, 2637558.0, 13339535.0, 45995730.0, 105258076.0, 150917976.0, 120543840.0, 39916800.0, 0.0)
FACTORIALS = (1.0, 1.0, 2.0, 6.0, 24.0, 120.0, 720.0, 5040.0, 40320.0, 362880.0, 3628800.0, 39916800.0, 479001600.0, 6227020800.0,
              87178291200.0, 1307674368000.0, 20922789888000.0, 355687428096000.0, 6402373705728000.0, 121645100408832000.0,
              2432902008176640000.0, 51090942171709440000.0, 1124000727777607680000.0)


def lanczos_sum(x):
    """The rational function at x > 0: by powers of x from the top, or of 1 / x from the bottom, so that nothing overflows."""
    top = 0.0
    bottom = 0.0
    if x < 5.0:
        for k in range(13):
            top = top * x + TOP[k]
            bottom = bottom * x + BOTTOM[k]
    else:
        for k in range(12, -1, -1):
            top = fdiv(top, x) + TOP[k]
            bottom = fdiv(bottom, x) + BOTTOM[k]
    return fdiv(top, bottom)


def sin_pi(x):
    """sin(pi * x), exact at multiples of 1/2."""
    y = native("fabs", x) % 2.0
    n = int(native("round", 2.0 * y))
    if n == 0:
        r = native("sin", math.pi * y)
    elif n == 1:
        r = native("cos", math.pi * (y - 0.5))
    elif n == 2:
        r = native("sin", math.pi * (1.0 - y))
    elif n == 3:
        r = -native("cos", math.pi * (y - 1.5))
    else:
        r = native("sin", math.pi * (y - 2.0))
    return native("copysign", 1.0, x) * r


def gamma_of_size(x, a):
    """gamma(x) for a = abs(x) from 1e-20 to 200, not a negative whole number."""
    y = a + G_LESS_HALF
    if a > G_LESS_HALF:
        error = (y - a) - G_LESS_HALF
    else:
        error = (y - G_LESS_HALF) - a
    error = fdiv(error * G, y)
    if x < 0.0:
        r = fdiv(fdiv(fdiv(-math.pi, sin_pi(a)), a) * native("exp", y), lanczos_sum(a))
        r -= error * r
        if a < 140.0:
            return fdiv(r, native("pow", y, a - 0.5))
        root = native("pow", y, a / 2.0 - 0.25)
        return fdiv(fdiv(r, root), root)
    r = fdiv(lanczos_sum(a), native("exp", y))
    r += error * r
    if a < 140.0:
        return r * native("pow", y, a - 0.5)
    root = native("pow", y, a / 2.0 - 0.25)
    return r * root * root


@implements(math.gamma)
def gamma(x):
    x = float(x)
    if not math_bool("isfinite", x):
        guard(not (x < 0.0), "MathDomain")
        return x
    if x == native("floor", x):
        guard(x > 0.0, "MathDomain")
        if x <= 23.0:
            return FACTORIALS[int(x) - 1]
    a = native("fabs", x)
    if a < 1e-20:
        r = fdiv(1.0, x)
    elif a > 200.0:
        guard(x < 0.0, "MathRange")
        r = fdiv(0.0, sin_pi(x))
    else:
        r = gamma_of_size(x, a)
    guard(math_bool("isfinite", r), "MathRange")
    return r


@implements(math.lgamma)
def lgamma(x):
    x = float(x)
    if not math_bool("isfinite", x):
        return native("fabs", x)
    if x == native("floor", x) and x <= 2.0:
        guard(x > 0.0, "MathDomain")
        return 0.0
    a = native("fabs", x)
    if a < 1e-20:
        return -native("log", a)
    r = native("log", lanczos_sum(a)) - G
    r += (a - 0.5) * (native("log", a + G - 0.5) - 1.0)
    if x < 0.0:
        r = LOG_PI - native("log", native("fabs", sin_pi(a))) - native("log", a) - r
    guard(math_bool("isfinite", r), "MathRange")
    return r
