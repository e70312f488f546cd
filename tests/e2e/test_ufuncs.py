"""NumPy's ufuncs, on scalars and arrays, over the dtypes that they take."""
import itertools

import numpy as np
import pytest
from check import compiled, made, same

from coluber import ColuberError

pytestmark = [pytest.mark.numpy, pytest.mark.sampled]

REAL = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]
DTYPES = REAL + ["complex64", "complex128"]
WITHOUT_ARRAYS = {"matmul", "vecdot", "matvec", "vecmat", "isnat"}
TWO_RESULTS = {"divmod", "modf", "frexp"}
UFUNCS = sorted({v.__name__ for v in vars(np).values() if isinstance(v, np.ufunc)} - WITHOUT_ARRAYS)
ONE = [n for n in UFUNCS if getattr(np, n).nin == 1]
TWO = [n for n in UFUNCS if getattr(np, n).nin == 2]
# NumPy computes these with vector code of its own, within a few units in the last place; complex ones by other formulas than ours.
INEXACT = {"exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh",
           "arccosh", "arctanh", "cbrt", "power", "float_power", "arctan2", "hypot", "logaddexp", "logaddexp2", "degrees", "radians", "rad2deg", "deg2rad"}


def values(dtype):
    kind = np.dtype(dtype).kind
    if kind == "b":
        return np.array([True, False, True, True, False, True, False, True])
    if kind == "u":
        return np.array([0, 1, 2, 3, 7, 30, 100, np.iinfo(dtype).max], dtype)
    if kind == "i":
        return np.array([0, 1, -1, 2, -7, 30, np.iinfo(dtype).max, np.iinfo(dtype).min], dtype)
    if kind == "f":
        return np.array([0.0, -0.0, 1.5, -2.5, 0.3, np.inf, -np.inf, np.nan, 1e-30, 7.0, -0.7, 30.0], dtype)
    return np.array([0, 1 + 2j, -1.5 + 0.5j, 0.25 - 0.75j, 2, -3j, 0.5, 1 - 1j], dtype)


def loop_dtypes(ufunc, dtypes):
    """The dtypes of NumPy's result; None where it has no loop."""
    try:
        with np.errstate(all="ignore"):
            r = ufunc(*(np.ones(2, d) for d in dtypes))
    except TypeError:
        return None
    return [x.dtype for x in (r if isinstance(r, tuple) else (r,))]


def function(name, parameters):
    return made(f"def f({parameters}): return np.{name}({parameters})", np=np)


def compare(name, *arrays):
    ufunc = getattr(np, name)
    f = function(name, ", ".join("xy"[:len(arrays)]))
    want = loop_dtypes(ufunc, [a.dtype for a in arrays])
    if want is None:
        with pytest.raises((ColuberError, TypeError)):
            compiled(f)(*arrays)
        return
    if any(d == np.float16 for d in want):                # float32 here
        with np.errstate(all="ignore"):
            near = ufunc(*arrays)
        got = compiled(f)(*arrays)
        for w, g in zip(near if isinstance(near, tuple) else (near,), got if isinstance(got, tuple) else (got,)):
            assert g.dtype == (np.float32 if w.dtype == np.float16 else w.dtype)
            if name in {"spacing", "nextafter"}:
                continue
            with np.errstate(all="ignore"):
                np.testing.assert_allclose(g.astype(np.float16).astype(float), w.astype(float), rtol=2e-3, atol=1e-6)
        return
    complex_ = any(np.dtype(d).kind == "c" for d in want) and name not in {"add", "subtract", "multiply", "conjugate", "positive", "negative"}
    if complex_ or (name in INEXACT and want[0].kind in "fc"):
        with np.errstate(all="ignore"):
            near = ufunc(*arrays)
        got = compiled(f)(*arrays)
        assert got.dtype == near.dtype
        eps = np.finfo(near.dtype).eps
        with np.errstate(all="ignore"):
            np.testing.assert_allclose(got, near, rtol=(16 if complex_ else 6) * eps, atol=(16 if complex_ else 0) * eps)
        return
    if name in {"maximum", "minimum", "fmax", "fmin"}:    # which zero it is when signs differ is not settled
        got, near = compiled(f)(*arrays), ufunc(*arrays)
        assert got.dtype == near.dtype
        np.testing.assert_array_equal(got, near)
        return
    same(f, *arrays)


@pytest.mark.parametrize("name", ONE)
def test_one_operand(name):
    for dtype in DTYPES:
        xs = values(dtype)
        if name == "reciprocal" and xs.dtype.kind in "iu":
            xs = xs[xs != 0]
        if xs.dtype.kind == "c" and name in {"exp", "exp2", "expm1", "arctanh", "log", "log2", "log10", "log1p", "reciprocal", "sqrt", "square"}:
            xs = xs[1:]
        compare(name, xs)


@pytest.mark.parametrize("name", TWO)
def test_two_operands(name):
    pairs = [(d, d) for d in DTYPES] + [("int8", "uint8"), ("int32", "float32"), ("int64", "uint64"), ("float32", "float64"), ("bool", "int16"), ("uint8", "float32")]
    if name == "ldexp":
        pairs = [("float32", "int32"), ("float64", "int64"), ("float64", "int8")]
    for a, b in pairs:
        x, y = values(a), values(b)
        xs, ys = np.repeat(x, len(y)), np.tile(y, len(x))
        if name in {"power", "float_power"}:
            ys = np.abs(ys) if ys.dtype.kind == "i" else ys
            keep = (ys.real >= 0) & (ys.real < 60) if ys.dtype.kind not in "b" else ys == ys
            if xs.dtype.kind == "c":
                keep &= xs != 0
            xs, ys = xs[keep], ys[keep]
        if name in {"floor_divide", "remainder", "divmod", "fmod"} and xs.dtype.kind == "i" and ys.dtype.kind in "iu":
            keep = ~((xs == np.iinfo(a).min) & (ys == -1)) if ys.dtype.kind == "i" else ys == ys
            xs, ys = xs[keep], ys[keep]
        if name == "divide" and xs.dtype.kind == "c":
            keep = ys != 0
            xs, ys = xs[keep], ys[keep]
        compare(name, xs, ys)


@pytest.mark.parametrize("dtype", DTYPES)
def test_abs_of_python(dtype):
    def difference(a):
        return abs(a), abs(a[::-1] + a)
    same(difference, values(dtype), ulps=1 if "complex" in dtype else 0)


@pytest.mark.parametrize("name", ["add", "maximum", "arctan2", "power", "less", "floor_divide", "bitwise_and", "left_shift", "logical_xor", "copysign"])
def test_weak_operands(name):
    """Arrays with Python's scalars, from either side."""
    for dtype, scalar in itertools.product(["int8", "uint16", "int64", "float32", "float64"], [2, 3.5, True]):
        f = made(f"def f(x, s): return np.{name}(x, s)", np=np)
        g = made(f"def f(x, s): return np.{name}(s, x)", np=np)
        x = values(dtype)
        x = x[(x > 0) & (x < 50)]
        for h in (f, g):
            try:
                with np.errstate(all="ignore"):
                    want = h(x, scalar)
            except TypeError:
                continue
            if want.dtype == np.float16:
                continue
            got = compiled(h)(x, scalar)
            assert got.dtype == want.dtype, (name, dtype, scalar, got.dtype, want.dtype)
            np.testing.assert_allclose(got, want, rtol=1e-6)


@pytest.mark.parametrize("name", [n for n in UFUNCS if n not in {"ldexp"}])
def test_scalars(name):
    nin = getattr(np, name).nin
    f = function(name, "x" if nin == 1 else "x, y")
    for args in ([(3,), (0.5,)] if nin == 1 else [(3, 2), (0.5, 2.0)]):
        try:
            want = getattr(np, name)(*args)
        except TypeError:
            continue
        if np.result_type(*(want if isinstance(want, tuple) else (want,))) == np.float16:
            continue
        same(f, *args, ulps=4 if name in INEXACT else 0)


def test_out():
    f = made("def f(x, y, out):\n    np.add(x, y, out=out)\n    np.sqrt(out, out)\n    return np.multiply(out, 2.0, out=out)", np=np)
    same(f, np.arange(5.0), np.ones(5), np.empty(5))


def test_broadcasting():
    f = made("def f(x, y): return np.hypot(x, y) + np.maximum(x, y)", np=np)
    same(f, np.arange(3.0)[:, None] * 3, np.arange(4.0) * 4, ulps=2)
    same(f, np.arange(12.0).reshape(3, 4)[:, ::2], np.float64(2.0), ulps=2)


def test_inside_a_loop():
    f = made("def f(xs):\n    s = 0.0\n    for x in xs:\n        s += np.sqrt(x) * np.cos(x) - np.floor(x)\n    return s", np=np)
    same(f, np.arange(10.0), ulps=8)
    same(f, [1.5, 2.5], ulps=8)


def test_isscalar():
    same(made("def f(x): return np.isscalar(x), np.isscalar('a'), np.isscalar((1, 2))", np=np), 3)
