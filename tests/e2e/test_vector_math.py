"""Math functions in vectorised loops (backends/cpu/vector_math.def): how far from the truth, the same at any position, the C library's elsewhere.

The truth is what the C library gives in extended precision, whose errors are a thousandth of a unit in the last place of float64."""
import math

import numpy as np
import pytest
from check import compiled, exact, made, same

from coluber import njit

pytestmark = pytest.mark.sampled

WIDE = (-700.0, 700.0)
# name of NumPy's function: domain of the random arguments
FUNCTIONS = {
    "exp": WIDE, "exp2": WIDE, "expm1": (-40.0, 40.0), "log": (0.0, 1e6), "log2": (0.0, 1e6), "log10": (0.0, 1e6), "log1p": (-0.99, 100.0),
    "sin": (-1e3, 1e3), "cos": (-1e3, 1e3), "tan": (-1e3, 1e3), "arcsin": (-1.0, 1.0), "arccos": (-1.0, 1.0), "arctan": (-100.0, 100.0),
    "sinh": (-30.0, 30.0), "cosh": (-30.0, 30.0), "tanh": (-20.0, 20.0), "arcsinh": (-1e4, 1e4), "arccosh": (1.0, 1e4), "arctanh": (-1.0, 1.0),
    "cbrt": (-1e3, 1e3),
}
TWO = {"power": ((0.0, 30.0), (-20.0, 20.0)), "arctan2": ((-10.0, 10.0), (-10.0, 10.0)), "hypot": ((-10.0, 10.0), (-10.0, 10.0))}
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, math.inf, -math.inf, math.nan, 5e-324, -5e-324, 2.2e-308, 1e-310, 1.7976931348623157e308, -1.7976931348623157e308,
           1e300, -1e300, 1e22, 1e154, 1.5e154, 709.7, 709.8, 710.4, 710.5, -708.5, -744.5, -745.2, -746.0, 88.7, 88.8, 89.4, -87.4, -103.2, -104.0, 1023.9,
           1024.0, -1074.0, -1075.0, 1e-20, 1e-8, 0.9999999999999999, 1.0000000000000002, 1e15, 1e9, 39000.0]
LEAST = {"arcsinh": 512, "arccosh": 512}   # in vectors of that many bits only


def wide_vectors():
    return "avx512f" in open("/proc/cpuinfo").read()


def fused():
    flags = open("/proc/cpuinfo").read().split()
    return "fma" in flags and "avx2" in flags


def loop_of(name, operands=1, options=""):
    """A loop over elements, compiled."""
    more = ", y" if operands == 2 else ""
    item = ", y[i]" if operands == 2 else ""
    f = made(f"def loop(x{more}, out):\n    for i in range(len(x)):\n        out[i] = np.{name}(x[i]{item})\n", np=np)
    return njit(cache=False, fastmath=bool(options))(f)


def arguments(name, dtype, n=4000):
    r = np.random.default_rng(len(name))
    domains = [FUNCTIONS[name]] if name in FUNCTIONS else TWO[name]
    xs = []
    for low, high in domains:
        x = (low + (high - low) * r.random(n)).astype(dtype)
        x[::3] = np.clip(np.ldexp(r.random((n + 2) // 3) * 2 - 1, r.integers(-20, 9, (n + 2) // 3)), low, high)
        x[-len(SPECIAL):] = np.clip(SPECIAL, -np.finfo(dtype).max, np.finfo(dtype).max) if len(domains) > 1 else SPECIAL
        xs.append(x)
    if len(xs) == 2:
        xs[1][-len(SPECIAL):] = r.permutation(xs[1][-len(SPECIAL):])
    return xs


def error(got, truth):
    """The largest error in units in the last place, of results that are finite; what is not must be the same."""
    with np.errstate(all="ignore"):
        rounded = truth.astype(got.dtype)
        plain = np.isfinite(rounded) & np.isfinite(got) & (rounded != 0)
        odd = ~plain
        alike = (got[odd] == rounded[odd]) | (np.isnan(got[odd]) & np.isnan(rounded[odd]))
        assert alike.all(), (got[odd][~alike][:3], rounded[odd][~alike][:3])
        zero = rounded == 0
        assert (np.signbit(got[zero]) == np.signbit(rounded[zero])).all()
        size = np.spacing(np.abs(rounded[plain])).astype(truth.dtype)
        return float((np.abs(got[plain].astype(truth.dtype) - truth[plain]) / size).max(initial=0))


def bits(a):
    """nan has no sign."""
    return np.where(np.isnan(a), np.nan, a).tobytes()


def is_vector_loop(f):
    return ": vectorised, " in str(f.vectorization())


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("fast", ["", "fast"])
@pytest.mark.parametrize("name", [*FUNCTIONS, *TWO])
def test_errors(name, dtype, fast):
    xs = arguments(name, dtype)
    f, out = loop_of(name, len(xs), fast), np.empty_like(xs[0])
    with np.errstate(all="ignore"):
        truth = getattr(np, name)(*(x.astype(np.longdouble if dtype is np.float64 else np.float64) for x in xs))
    if fast:                                   # says nothing of nan and infinity
        keep = np.isfinite(truth.astype(dtype)) & np.all([np.isfinite(x) & (np.abs(x) < 1e30) for x in xs], axis=0)
        xs, truth, out = [x[keep] for x in xs], truth[keep], out[keep]
    f(*xs, out)
    vector = is_vector_loop(f)
    assert vector or not fused() or (not fast and LEAST.get(name, 0) > 256 and not wide_vectors()), f.vectorization()
    bound = 4.0 if fast else 1.1 if name in ("sinh", "cosh") else 1.03    # of them the C library's where they are about to overflow
    assert error(out, truth) <= (bound if vector else 3.1)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("fast", ["", "fast"])
@pytest.mark.parametrize("name", [*FUNCTIONS, *TWO])
def test_position_does_not_matter(name, dtype, fast):
    """Each element comes from the vector loop, the half as wide one behind it and the scalar remainder, by turns."""
    xs = [x[~np.isnan(x)] for x in arguments(name, dtype, 300)]
    xs = [x[:min(map(len, xs))] for x in xs]
    f, whole = loop_of(name, len(xs), fast), np.empty_like(xs[0])
    f(*xs, whole)
    for start in [*range(40), len(whole) - 1]:
        for stop in (len(whole), start + 1, start + 20):
            part = np.empty_like(whole[start:stop])
            f(*(x[start:stop] for x in xs), part)
            assert bits(part) == bits(whole[start:stop]), (start, stop)


def in_branches(x, out):
    for i in range(len(x)):
        if x[i] > 0.5:
            out[i] = np.log(x[i])
        else:
            out[i] = np.exp(x[i]) + 1.0


def mixed(x, k, out):
    for i in range(len(x)):
        out[i] = np.sin(x[i]) + np.cos(k[i])


def logs(x, out):
    for i in range(len(x)):
        out[i] = math.log(x[i])


def test_in_branches():
    x = np.random.default_rng(5).random(1003)
    out = np.empty_like(x)
    f = compiled(in_branches)
    f(x, out)
    assert is_vector_loop(f) or not fused()
    for start in range(17):
        part = np.empty_like(x[start:])
        f(x[start:], part)
        assert part.tobytes() == out[start:].tobytes()
    assert error(out[x > 0.5], np.log(x[x > 0.5].astype(np.longdouble))) <= 1.0


def test_float32_and_float64_in_one_loop():
    r = np.random.default_rng(6)
    x, k = r.random(1003), r.random(1003).astype(np.float32)
    out = np.empty_like(x)
    f = compiled(mixed)
    f(x, k, out)
    assert is_vector_loop(f) or not fused()
    assert np.abs(out - (np.sin(x) + np.cos(k))).max() < 2e-7
    for start in range(17):
        part = np.empty_like(x[start:])
        f(x[start:], k[start:], part)
        assert part.tobytes() == out[start:].tobytes()


def test_an_error_changes_no_result():
    """Where a check fails the loop runs again with its checks: by the same functions."""
    x = np.random.default_rng(7).random(1500) + 0.1
    f, whole = compiled(logs), np.empty_like(x)
    f(x, whole)
    for bad in (0, 5, 511, 512, 1100, 1499):
        y, out = x.copy(), np.zeros_like(x)
        y[bad] = -1.0
        with pytest.raises(ValueError):
            f(y, out)
        assert out[:bad].tobytes() == whole[:bad].tobytes() and not out[bad:].any()


RAISING = {"log": [0.0, -1.0], "log2": [0.0], "log10": [-2.0], "log1p": [-1.0], "exp": [710.0], "expm1": [1e4], "sin": [math.inf], "cos": [-math.inf],
           "tan": [math.inf], "asin": [1.5], "acos": [-1.5], "sinh": [711.0], "cosh": [-711.0], "acosh": [0.5], "atanh": [1.0, -1.0], "sqrt": [-1.0]}


@pytest.mark.parametrize("name", sorted(RAISING))
def test_functions_of_math_raise_and_vectorise(name):
    loop = made(f"def loop(x, out):\n    for i in range(len(x)):\n        out[i] = math.{name}(x[i])\n", math=math)
    total = made(f"def total(x):\n    s = 0.0\n    for i in range(len(x)):\n        s += math.{name}(x[i])\n    return s\n", math=math)
    fine = np.random.default_rng(8).random(700) * 0.8 + (1.1 if name == "acosh" else 0.1)
    f, g = compiled(loop), compiled(total)
    f(fine, fine.copy())
    s = g(fine)
    assert math.isclose(s, total(fine), rel_tol=1e-14)
    if fused() and LEAST.get("arc" + name[1:], 0) <= (512 if wide_vectors() else 256):
        assert is_vector_loop(f), f.vectorization()
        assert is_vector_loop(g), g.vectorization()
    for value in RAISING[name]:
        for bad in (0, 3, 600, 699):
            x = fine.copy()
            x[bad] = value
            same(total, x)
            out, want = np.zeros_like(x), np.zeros_like(x)
            with pytest.raises((ValueError, OverflowError)) as wanted:
                loop(x, want)
            with pytest.raises((ValueError, OverflowError)) as got:
                f(x, out)
            assert got.type is wanted.type and str(got.value) == str(wanted.value)
            assert np.count_nonzero(out) == np.count_nonzero(want) == bad


def scalar(x):
    return math.sin(x) + math.exp(x) * math.log(x + 2.0) - math.pow(x + 1.0, 0.3)


def iterated(x, n):
    for _ in range(n):
        x = math.sin(x) + math.cos(x)
    return x


def until_small(x):
    steps = 0
    while x > 0.01:
        x = math.exp(-x) * math.sin(x) * x
        steps += 1
    return x, steps


def by_index(x, where, out):
    for i in where:
        if i < 0:
            break
        out[i] = math.sin(x[i])
    return out


def test_what_is_not_a_vector_loop_has_the_bits_of_cpython():
    r = np.random.default_rng(9)
    for x in r.random(200).tolist():
        same(scalar, x)
        same(iterated, x, 30)
        same(until_small, x)
    same(by_index, r.random(50), r.permutation(50), np.zeros(50))


def test_sums_take_the_functions_too():
    def total(x):
        s = 0.0
        for v in x:
            s += np.exp(v) * np.sin(v)
        return s

    x = np.random.default_rng(10).random(1003)
    f = compiled(total)
    # In the order written: the sum of the elements' values, which are those of the array expression.
    want = 0.0
    for v in compiled(lambda x: np.exp(x) * np.sin(x))(x).tolist():
        want += v
    assert exact(f(x)) == exact(want)
    assert is_vector_loop(f) or not fused()


def sum_of_some(x, start):
    s = start
    for v in x:
        if v > 0.5:
            s += math.log(v)
    return s


def two_sums(x):
    s, t = 0.0, -0.0
    for v in x:
        if v > 0.7:
            s += np.sin(v)
        elif v > 0.2:
            t += np.cos(v)
        else:
            s -= v
    return s, t


@pytest.mark.parametrize("n", [0, 1, 7, 8, 100, 1003])
def test_sums_in_branches(n):
    """In order, of the elements' values, and without a trace of the turns that add nothing."""
    x = np.random.default_rng(n).random(n)
    logs_of = compiled(lambda x: np.log(x))
    for start in (0.0, -0.0, 3.5, math.inf, math.nan):
        s = start
        for v, y in zip(x.tolist(), logs_of(x).tolist()):
            if v > 0.5:
                s += y
        assert exact(compiled(sum_of_some)(x, start)) == exact(s)
    same(two_sums, x, ulps=200)
    assert is_vector_loop(compiled(sum_of_some)) or not fused(), compiled(sum_of_some).vectorization()


def several(x, out):
    for i in range(len(x)):
        out[i] = np.sin(x[i]) * np.cos(x[i] * 0.5) + np.sin(np.cos(x[i]) * x[i]) - np.tan(x[i])


def stored_between(x, y, out):
    for i in range(len(x)):
        s = np.sin(x[i])
        y[i] = s
        out[i] = np.cos(x[i] + s) + np.exp(-x[i] * x[i])


@pytest.mark.parametrize("beyond", [1e10, -3e15, 1e300])
def test_several_calls_of_a_turn_beyond_their_limits(beyond):
    """One test serves all of them, wherever in the vectors what is beyond lies."""
    x = np.random.default_rng(3).random(40) * 100
    for places in ([], [0], [5], [39], [2, 3, 17], range(40)):
        a = x.copy()
        a[list(places)] = beyond
        out, y = np.empty_like(a), np.empty_like(a)
        compiled(several)(a, out)
        want = np.sin(a) * np.cos(a * 0.5) + np.sin(np.cos(a) * a) - np.tan(a)
        assert np.allclose(out, want, rtol=1e-12, atol=1e-12)
        compiled(stored_between)(a, y, out)
        assert np.allclose(y, np.sin(a), rtol=1e-15, atol=0) and np.allclose(out, np.cos(a + y) + np.exp(-a * a), rtol=1e-12, atol=1e-12)
        alone = [np.empty(1), np.empty(1)]
        for k in range(40):                    # the same by itself, where no other element shares its vector
            compiled(stored_between)(a[k:k + 1], *alone)
            assert (bits(alone[0]), bits(alone[1])) == (bits(y[k:k + 1]), bits(out[k:k + 1]))
