"""average, cov, corrcoef, histogram, bincount, interp, trapezoid, cross, gradient-free numeric helpers."""
import numpy as np

from coluber.extending import implements
from coluber.lib.intrinsics import (
    cast, dtype_of, elementwise, empty_array, get, is_bool, is_complex, is_float, is_integer, is_number, is_signed, make_complex, math,
    promote, put, static_error)
from coluber.lib.numpy._common import as_array, axis_last, check_axis, copy_of, flat_view, float_dtype, narrow, ravelled, result


def _flat(a):
    x = as_array(a)
    return ravelled(x if x.ndim > 0 else x[None])


# ---- averages, covariance

@implements(np.average, examples=[lambda np: (np.arange(5.0),), lambda np: (np.arange(5), None, np.arange(5.0)), lambda np: (np.arange(6.0).reshape(2, 3), 1), lambda np: (np.arange(6.0).reshape(2, 3), 1, np.array([1.0, 2.0, 3.0]))])
def average(a, axis=None, weights=None, returned=False):
    if returned:
        static_error("average(returned=True) is not supported yet")
    x = as_array(a)
    if weights is None:
        if axis is not None and x.size == 0:
            raise ZeroDivisionError("division by zero")
        return np.mean(x, axis)
    w = as_array(weights)
    if w.ndim == x.ndim:
        scale = np.sum(w, axis, promote(dtype_of(w), float_dtype(x, None)))
        _check_scale(scale)
        return np.sum(x * w, axis, dtype_of(scale)) / scale
    k = check_axis(axis, x.ndim)
    if w.shape[0] != x.shape[k]:
        raise ValueError("Length of weights not compatible with specified axis.")
    shaped = axis_last(x, k) * w
    scale = np.sum(w, None, promote(dtype_of(w), float_dtype(x, None)))
    _check_scale(scale)
    return np.sum(shaped, -1, dtype_of(scale)) / scale


def _check_scale(scale):
    if np.any(as_array(scale) == 0):
        raise ZeroDivisionError("Weights sum to zero, can't be normalized")


def _two(m, rowvar):
    x = as_array(m)
    if x.ndim == 1:
        return x[None]
    if rowvar:
        return x
    return x.T


def _product_conj(x):
    """x @ x.conj().T"""
    if is_complex(dtype_of(x)):
        return np.dot(x, x.conj().T)
    return np.dot(x, x.T)


def _covariance(x, bias, ddof):
    n = x.shape[1]
    less = (0 if bias else 1) if ddof is None else ddof
    left = max(n - less, 0)
    means = np.mean(x, 1)
    centred = np.ascontiguousarray(x - means[:, None])
    c = _product_conj(centred)
    return c * (1.0 / cast(left, np.float64))


def _stacked(m, y, rowvar):
    if y is None:
        x = _two(m, rowvar)
        return copy_of(x, promote(dtype_of(x), np.float64))
    d = promote(dtype_of(as_array(m)), dtype_of(as_array(y)), np.float64)
    return np.concatenate((copy_of(_two(m, rowvar), d), copy_of(_two(y, rowvar), d)), 0)


@implements(np.cov, examples=[lambda np: (np.arange(12.0).reshape(3, 4) ** 2 % 7,), lambda np: (np.arange(5.0), np.arange(5.0) ** 2), lambda np: (np.arange(12.0).reshape(3, 4) ** 2 % 7, None, False)])
def cov(m, y=None, rowvar=True, bias=False, ddof=None):
    c = _covariance(_stacked(m, y, rowvar), bias, ddof)
    if y is None and as_array(m).ndim == 1:
        return c[0, 0]
    return c


@implements(np.corrcoef, examples=[lambda np: (np.arange(12.0).reshape(3, 4) ** 2 % 7,), lambda np: (np.arange(5.0), np.arange(5.0) ** 2)])
def corrcoef(x, y=None, rowvar=True):
    c = cov(x, y, rowvar)
    if is_number(c):
        return c / c
    deviation = np.sqrt(np.diag(c).real)
    c /= deviation[:, None]
    c /= deviation[None, :]
    return elementwise(_to_unit, c)


def _to_unit(x):
    if is_complex(x):
        return make_complex(_to_unit(x.real), _to_unit(x.imag))
    return min(max(x, cast(-1, dtype_of(x))), cast(1, dtype_of(x)))


# ---- counting

@implements(np.bincount, examples=[
    lambda np: (np.array([0, 1, 1, 3]),), lambda np: (np.array([0, 1, 1, 3]), np.array([0.5, 1.0, 2.0, 0.25])), lambda np: (np.array([0, 1]), None, 5), lambda np: (np.zeros(0, int),), lambda np: (np.array([-1]),)])
def bincount(x, weights=None, minlength=0):
    a = as_array(x)
    d = dtype_of(a)
    if not is_bool(d) and (not is_integer(d) or not is_signed(d) and d.itemsize == 8):
        static_error("bincount() takes integers that int64 holds")
    top = -1
    for i in range(a.shape[0]):
        v = int(get(a, i))
        if v < 0:
            raise ValueError("'list' argument must have no negative elements")
        top = max(top, v)
    n = max(top + 1, minlength)
    if weights is None:
        out = empty_array((n,), np.int64, "C", True)
        for i in range(a.shape[0]):
            v = int(get(a, i))
            put(out, get(out, v) + 1, v)
        return out
    w = as_array(weights)
    if w.shape[0] != a.shape[0]:
        raise ValueError("The weights and list don't have the same length.")
    sums = empty_array((n,), np.float64, "C", True)
    for i in range(a.shape[0]):
        v = int(get(a, i))
        put(sums, get(sums, v) + cast(get(w, i), np.float64), v)
    return sums


def _outer_edges(a, limits):
    """The first and the last edge."""
    if limits is not None:
        if limits[0] > limits[1]:
            raise ValueError("max must be larger than min in range parameter.")
        return _apart(cast(limits[0], np.float64), cast(limits[1], np.float64))
    d = _bin_dtype(a)
    if a.size == 0:
        return cast(0, d), cast(1, d)
    return _apart(cast(np.min(a), d), cast(np.max(a), d))


def _apart(lo, hi):
    if not math_finite(lo, hi):
        raise ValueError("autodetected range is not finite")
    if lo == hi:
        return lo - 0.5, hi + 0.5
    return lo, hi


def math_finite(lo, hi):
    return lo - lo == 0 and hi - hi == 0


def _bin_dtype(a):
    d = dtype_of(a)
    if is_complex(d):
        static_error("histograms of complex numbers are not supported")
    if is_float(d):
        return d
    return dtype_of(np.float64)


@implements(np.histogram_bin_edges, examples=[lambda np: (np.array([1.0, 2.0, 5.0]),), lambda np: (np.arange(10), 4), lambda np: (np.zeros(0), 3), lambda np: (np.ones(3), 2, (0.0, 4.0))])
def histogram_bin_edges(a, bins=10, range=None, weights=None):
    x = _flat(a)
    if not is_number(bins):
        return as_array(bins)
    if bins < 1:
        raise ValueError("`bins` must be positive, when an integer")
    lo, hi = _outer_edges(x, range)
    return np.linspace(lo, hi, bins + 1, True, False, _bin_dtype(x))


def _weight(w, i):
    if w is None:
        return 1
    return get(w, i)


def _weight_dtype(w):
    if w is None:
        return dtype_of(np.int64)
    return dtype_of(w)


def _count_uniform(counts, x, edges, lo, hi, w):
    bins = counts.shape[0]
    d = dtype_of(edges)
    first = cast(lo, d)
    last = cast(hi, d)
    width = last - first
    for i in range(x.shape[0]):
        t = cast(get(x, i), d)
        if t >= first and t <= last:
            k = int(((t - first) / width) * cast(bins, d))
            if k == bins:
                k -= 1
            if t < get(edges, k):
                k -= 1
            if t >= get(edges, k + 1) and k != bins - 1:
                k += 1
            put(counts, get(counts, k) + _weight(w, i), k)


def _count_sorted(counts, x, edges, w):
    """Each value into the bin that holds it; the last bin holds its right edge too."""
    bins = counts.shape[0]
    for i in range(x.shape[0]):
        v = get(x, i)
        if v >= get(edges, 0) and v <= get(edges, bins):
            k = int(np.searchsorted(edges, v, "right")) - 1
            k = min(k, bins - 1)
            put(counts, get(counts, k) + _weight(w, i), k)


@implements(np.histogram, examples=[
    lambda np: (np.array([1.0, 2.0, 1.5, 4.0]),), lambda np: (np.arange(10), 3), lambda np: (np.array([1.0, 2.0, 1.5, 4.0]), np.array([0.0, 1.5, 2.0, 4.0])), lambda np: (np.array([1, 2, 1, 4]), 4, (0, 8)),
    lambda np: (np.array([1.0, 2.0, 1.5, 4.0]), 3, None, True), lambda np: (np.array([1.0, 2.0, 4.0]), 3, None, None, np.array([0.5, 0.25, 2.0])), lambda np: (np.zeros(0), 2), lambda np: (np.array([1.0, np.nan]), 2)])
def histogram(a, bins=10, range=None, density=None, weights=None):
    x = _flat(a)
    w = None if weights is None else _flat(weights)
    if w is not None:
        if w.shape[0] != x.shape[0]:
            raise ValueError("weights should have the same shape as a.")
    if is_number(bins):
        if bins < 1:
            raise ValueError("`bins` must be positive, when an integer")
        lo, hi = _outer_edges(x, range)
        edges = np.linspace(lo, hi, bins + 1, True, False, _bin_dtype(x))
        counts = empty_array((bins,), _weight_dtype(w), "C", True)
        _count_uniform(counts, x, edges, lo, hi, w)
        return _histogram_result(counts, edges, density)
    given = as_array(bins)
    if is_complex(promote(dtype_of(x), dtype_of(given))):
        static_error("histograms of complex numbers are not supported")
    for i in np_range(given.shape[0] - 1):
        if get(given, i) > get(given, i + 1):
            raise ValueError("`bins` must increase monotonically, when an array")
    hits = empty_array((max(given.shape[0] - 1, 0),), _weight_dtype(w), "C", True)
    _count_sorted(hits, x, given, w)
    return _histogram_result(hits, given, density)


np_range = range


def _histogram_result(counts, edges, density):
    if density is not None and density:
        widths = copy_of(np.diff(edges), np.float64)
        return counts / widths / np.sum(counts), edges
    return counts, edges


# ---- interpolation and integrals

def _interp_one(v, xp, fp, left, right):
    n = xp.shape[0]
    if v != v:
        return v
    if v < get(xp, 0):
        return left
    if v > get(xp, n - 1):
        return right
    lo = 0
    hi = n
    while lo < hi:
        half = (lo + hi) >> 1
        if v >= get(xp, half):
            lo = half + 1
        else:
            hi = half
    j = lo - 1
    if j == n - 1:
        return get(fp, j)
    if get(xp, j) == v:
        return get(fp, j)
    slope = (get(fp, j + 1) - get(fp, j)) / (get(xp, j + 1) - get(xp, j))
    r = slope * (v - get(xp, j)) + get(fp, j)
    if r != r:
        r = slope * (v - get(xp, j + 1)) + get(fp, j + 1)
        if r != r and get(fp, j) == get(fp, j + 1):
            r = get(fp, j)
    return r


@implements(np.interp, examples=[
    lambda np: (2.5, np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 0.0])), lambda np: (np.array([0.0, 1.0, 1.5, 2.72, 3.14]), np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 0.0])),
    lambda np: (np.array([0.0, 9.0]), np.array([1, 2, 3]), np.array([3, 2, 0]), -1.0, 7.0)])
def interp(x, xp, fp, left=None, right=None, period=None):
    if period is not None:
        static_error("interp() with a period is not supported yet")
    if is_complex(dtype_of(x)) or is_complex(dtype_of(xp)):
        static_error("interp() does not take complex numbers as x or xp")
    xs = copy_of(as_array(xp), np.float64)
    fs = copy_of(as_array(fp), np.float64)
    if xs.shape[0] == 0:
        raise ValueError("array of sample points is empty")
    if xs.shape[0] != fs.shape[0]:
        raise ValueError("fp and xp are not of the same length.")
    lo = get(fs, 0) if left is None else cast(left, np.float64)
    hi = get(fs, fs.shape[0] - 1) if right is None else cast(right, np.float64)
    if is_number(x):
        return _interp_one(cast(x, np.float64), xs, fs, lo, hi)
    points = as_array(x)
    out = empty_array(points.shape, np.float64)
    flat = ravelled(points if points.ndim > 0 else points[None])
    to = flat_view(out)
    for i in range(flat.shape[0]):
        put(to, _interp_one(cast(get(flat, i), np.float64), xs, fs, lo, hi), i)
    return out


@implements(np.trapezoid, examples=[lambda np: (np.array([1.0, 2.0, 4.0]),), lambda np: (np.array([1.0, 2.0, 4.0]), np.array([0.0, 1.0, 3.0])), lambda np: (np.arange(12.0).reshape(3, 4), None, 0.5, 0)])
def trapezoid(y, x=None, dx=1.0, axis=-1):
    v = as_array(y)
    k = check_axis(axis, v.ndim)
    n = v.shape[k]
    pairs = narrow(v, k, min(1, n), n) + narrow(v, k, 0, max(n - 1, 0))
    if x is None:
        return np.sum(dx * pairs / 2.0, k)
    at = as_array(x)
    if at.ndim == v.ndim:
        return np.sum(np.diff(at, 1, k) * pairs / 2.0, k)
    steps = np.diff(at)
    return np.sum(axis_last(pairs, k) * steps / 2.0, -1)


# ---- products of vectors

def _cross_rows(out, a, b):
    if a.ndim == 1:
        put(out, get(a, 1) * get(b, 2) - get(a, 2) * get(b, 1), 0)
        put(out, get(a, 2) * get(b, 0) - get(a, 0) * get(b, 2), 1)
        put(out, get(a, 0) * get(b, 1) - get(a, 1) * get(b, 0), 2)
    else:
        for i in range(a.shape[0]):
            _cross_rows(out[i], a[i], b[i])


@implements(np.cross, examples=[lambda np: (np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0])), lambda np: (np.arange(6).reshape(2, 3), np.arange(6)[::-1].reshape(2, 3))])
def cross(a, b):
    x = as_array(a)
    y = as_array(b)
    if x.ndim != y.ndim:
        static_error("cross() takes arrays of the same number of dimensions here")
    if x.shape != y.shape or x.shape[x.ndim - 1] != 3:
        raise ValueError("incompatible dimensions for cross product (both must hold vectors of length 3 here)")
    out = empty_array(x.shape, promote(dtype_of(x), dtype_of(y)))
    _cross_rows(out, x, y)
    return out


def _correlate_full(out, a, v):
    """out[k] = sum of a[i] * v[i + len(v) - 1 - k]; len(a) >= len(v)."""
    n = a.shape[0]
    m = v.shape[0]
    for k in range(out.shape[0]):
        lo = max(k - m + 1, 0)
        hi = min(k + 1, n)
        s = cast(0, dtype_of(out))
        for i in range(lo, hi):
            s += get(a, i) * get(v, i + m - 1 - k)
        put(out, s, k)


def _mode_slice(full, n, m, mode):
    if mode == "full":
        return full
    if mode == "same":
        at = (min(n, m) - 1) // 2 if n >= m else (n - 1) // 2
        return full[at:at + max(n, m)]
    least = min(n, m)
    return full[least - 1:full.shape[0] - least + 1]


def _convolved(x, y, mode):
    n = x.shape[0]
    m = y.shape[0]
    if n == 0:
        raise ValueError("a cannot be empty")
    if m == 0:
        raise ValueError("v cannot be empty")
    d = promote(dtype_of(x), dtype_of(y))
    full = empty_array((n + m - 1,), d)
    if n >= m:
        _correlate_full(full, copy_of(x, d), copy_of(y[::-1], d))
    else:
        _correlate_full(full, copy_of(y, d), copy_of(x[::-1], d))
    return full


@implements(np.convolve, examples=[
    lambda np: (np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 0.5])), lambda np: (np.arange(7), np.array([1, 2]), "same"), lambda np: (np.arange(7.0), np.array([1.0, 2.0, 1.0, 0.5]), "valid"), lambda np: (np.arange(3), np.arange(5), "same"),
    lambda np: (np.zeros(0), np.arange(5.0))])
def convolve(a, v, mode="full"):
    x = as_array(a)
    y = as_array(v)
    full = _convolved(x, y, mode)
    return np.copy(_mode_slice(full, max(x.shape[0], y.shape[0]), min(x.shape[0], y.shape[0]), mode))


@implements(np.correlate, examples=[lambda np: (np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 0.5])), lambda np: (np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 0.5]), "full"), lambda np: (np.arange(7), np.array([1, 2]), "same")])
def correlate(a, v, mode="valid"):
    x = as_array(a)
    y = as_array(v)
    reverse = y[::-1]
    full = _convolved(x, np.conj(reverse) if is_complex(dtype_of(y)) else reverse, mode)
    return np.copy(_mode_slice(full, x.shape[0], y.shape[0], mode))
