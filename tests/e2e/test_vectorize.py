"""vectorize against NumPy: the ufunc that it makes, and numpy.frompyfunc or NumPy's own functions on the same operands."""
import math
import warnings

import numpy as np
import pytest
from check import exact, same_values
from coluber import TypingError, vectorize
from coluber import inspect as looking
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.numpy

DTYPES = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "complex64", "complex128"]
SPECIAL = [0.0, -0.0, 1.0, -1.5, np.nan, np.inf, -np.inf, 1e308, 5e-324]
RNG = np.random.default_rng(5)


def sample(dtype, n):
    """n items of a dtype, with its extremes among them."""
    d = np.dtype(dtype)
    if d.kind == "b":
        return RNG.random(n) < 0.5
    if d.kind in "iu":
        x = RNG.integers(-100 if d.kind == "i" else 0, 100, n).astype(d)
        ends = np.array([np.iinfo(d).min, np.iinfo(d).max], d)
        x[:2] = ends[:len(x[:2])]
        return x
    x = RNG.normal(size=n).astype(d)
    if d.kind == "c":
        x += 1j * RNG.normal(size=n).astype(d.type(0).real.dtype)
    else:
        with np.errstate(over="ignore"):
            x[:len(SPECIAL)] = np.array(SPECIAL, d)[:n]
    return x


def layouts(x):
    """The same items in memory of different shapes."""
    yield "C", x.copy()
    wide = np.zeros(2 * len(x), x.dtype)
    wide[::2] = x
    yield "strided", wide[::2]
    yield "reversed", x[::-1].copy()[::-1]
    ro = x.copy()
    ro.flags.writeable = False
    yield "read-only", ro
    yield "2-d F", np.asfortranarray(np.stack([x, x]))
    yield "2-d view", np.stack([x, x, x])[::2, ::-1]


def quietly(f, *args, **kwargs):
    with np.errstate(all="ignore"):
        return f(*args, **kwargs)


@vectorize(cache=False)
def added(a, b):
    """The sum."""
    return a + b


@vectorize(["int32(int32, int32)", "int64(int64, int64)", "float32(float32, float32)", "float64(float64, float64)"], identity=0, cache=False)
def total(a, b):
    return a + b


@vectorize(cache=False)
def clipped(x, top):
    return x if x < top else top


# ---- what it is

def test_it_is_a_numpy_ufunc():
    for f in (added, total):
        assert type(f) is np.ufunc and (f.nin, f.nout, f.nargs) == (2, 1, 3)
    assert total.__name__ == "total" and total.types == ["ii->i", "ll->l", "ff->f", "dd->d"]
    assert "The sum." in added.__doc__ and added.identity is None and total.identity == 0
    info = looking.ufunc(total)
    assert info.py_func(2, 3) == 5 and [str(s.return_type) for s in info.signatures] == ["int32", "int64", "float32", "float64"]
    assert looking.ufunc(np.add) is None and looking.ufunc(3) is None


def test_attributes_of_users():
    if not hasattr(total, "__dict__"):
        pytest.skip("ufuncs of this NumPy have no attributes of users")
    assert total.py_func(1, 2) == 3 and total.__module__ == __name__ and total.__qualname__ == "total"
    total(np.arange(3.0), np.arange(3.0))
    assert any("define" in text for text in total.inspect_llvm().values())


# ---- values

@pytest.mark.parametrize("n", [0, 1, 2, 7, 33, 1000])
@pytest.mark.parametrize("dtype", DTYPES)
def test_lazy_over_dtypes_and_layouts(dtype, n):
    for name, x in layouts(sample(dtype, n)):
        want, got = quietly(np.add, x, x), quietly(added, x, x)
        assert want.dtype == got.dtype and exact(want) == exact(got), name


@pytest.mark.parametrize("left", DTYPES)
@pytest.mark.parametrize("right", ["bool", "uint8", "int32", "uint64", "float32", "complex128"])
def test_lazy_promotes_as_numpy(left, right):
    a, b = sample(left, 9), sample(right, 9)
    same_values(quietly(np.add, a, b), quietly(added, a, b))


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d != "bool"])
@pytest.mark.parametrize("weak", [2, 2.5, 1 + 2j, True])
def test_pythons_numbers_are_weak(dtype, weak):
    x = sample(dtype, 5)
    same_values(quietly(np.add, x, weak), quietly(added, x, weak))
    same_values(quietly(np.add, weak, x), quietly(added, weak, x))
    same_values(quietly(np.add, x[0], weak), quietly(added, x[0], weak))


@pytest.mark.parametrize("args", [(1, 2), (1, 2.5), (2.5, 1), (1.0, 2j), (np.float32(1), 2), (np.int8(1), np.int16(2)), (np.array(1.5), 2)])
def test_scalars(args):
    same_values(np.add(*args), added(*args))


def test_ints_that_do_not_fit_raise_as_in_numpy():
    for f in (np.add, added):
        with pytest.raises(OverflowError):
            f(np.arange(3, dtype=np.int8), 300)


@pytest.mark.parametrize("dtype", ["int16", "int32", "int64", "float32", "float64", "bool", "uint8"])
def test_fixed_signatures_resolve_by_safe_casts(dtype):
    x = sample(dtype, 20)
    want = {"int16": "int32", "int32": "int32", "int64": "int64", "float32": "float32", "float64": "float64", "bool": "int32", "uint8": "int32"}[dtype]
    same_values(quietly(np.add, x.astype(want), x.astype(want)), quietly(total, x, x))


def test_no_loop_for_what_is_not_safe():
    with pytest.raises(TypeError, match="casting"):
        total(np.ones(3, complex), np.ones(3))


def test_the_return_type_of_a_signature_counts():
    @vectorize(["float32(float64)"], cache=False)
    def half(x):
        return x / 2
    x = sample("float64", 30)[9:]
    same_values((x / 2).astype(np.float32), half(x))


def test_broadcasting():
    a, b = RNG.normal(size=(3, 1, 5)), RNG.normal(size=(4, 1))
    same_values(a + b, added(a, b))
    same_values(a + b[0, 0], added(a, b[0, 0]))
    same_values(np.add.outer(a, b), added.outer(a, b))


@pytest.mark.parametrize("n", [0, 1, 5, 64, 100, 20000])
def test_branches(n):
    x = RNG.normal(size=n)
    same_values(np.minimum(x, 0.25), clipped(x, 0.25))
    same_values(np.minimum(x, x[::-1]), clipped(x, x[::-1]))


# ---- NumPy's machinery

def test_out_where_casting_dtype():
    a, b = np.arange(10), np.arange(10)[::-1] * 1.5
    out = np.full(10, -1.0)
    assert added(a, b, out=out) is out
    same_values(a + b, out)
    out = np.full(10, -1.0)
    added(a, b, out=out, where=a % 2 == 0)
    same_values(np.add(a, b, out=np.full(10, -1.0), where=a % 2 == 0), out)
    for kwargs in ({"out": np.zeros(10, int)}, {"dtype": int}, {"casting": "no", "out": np.zeros(10, np.float32)}):
        for f in (np.add, added):
            with pytest.raises(TypeError):
                f(a, b, **kwargs)
    same_values(np.add(a, a, dtype=np.float32), added(a, a, dtype=np.float32))
    same_values(np.add(a, a, signature="ff->f", casting="unsafe"), added(a, a, signature="ff->f", casting="unsafe"))
    same_values(np.add(a, b, dtype=np.int64, casting="unsafe"), added(a, b, dtype=np.int64, casting="unsafe"))


@pytest.mark.parametrize("overlap", [lambda x: (x, x, x), lambda x: (x[1:], x[:-1], x[1:]), lambda x: (x[:-1], x[1:], x[:-1]), lambda x: (x[::2], x[1::2], x[::2]),
                                     lambda x: (x, x[0], x), lambda x: (x[::-1], x, x)])
@pytest.mark.parametrize("n", [2, 34, 1000])
def test_outputs_that_overlap_inputs(overlap, n):
    want, got = np.arange(1.0, n + 1), np.arange(1.0, n + 1)
    a, b, out = overlap(want)
    np.add(a, b, out=out)
    a, b, out = overlap(got)
    added(a, b, out=out)
    same_values(want, got)


@pytest.mark.parametrize("dtype", ["int64", "int32", "float64", "complex128"])
@pytest.mark.parametrize("shape", [(1,), (7,), (100,), (3, 4), (4, 1, 5)])
def test_reductions(dtype, shape):
    x = RNG.integers(-5, 6, shape).astype(dtype)            # sums of small ints are exact in any order
    wide = x.dtype if dtype != "int32" else np.int32
    for f in (added, total) if dtype != "complex128" else (added,):
        same_values(np.add.reduce(x, dtype=wide), f.reduce(x))
        same_values(np.add.reduce(x, axis=-1, dtype=wide), f.reduce(x, axis=-1))
        same_values(np.add.reduce(x[::-1], axis=-1, dtype=wide, keepdims=True, initial=3), f.reduce(x[::-1], axis=-1, keepdims=True, initial=3))
        same_values(np.add.accumulate(x, axis=0, dtype=wide), f.accumulate(x, axis=0))
        same_values(np.add.accumulate(x, axis=-1, dtype=wide), f.accumulate(x, axis=-1))
        same_values(np.add.reduceat(x, [0], axis=0, dtype=wide), f.reduceat(x, [0], axis=0))
    if x.shape[0] > 2:
        same_values(np.add.reduceat(x, [0, 2, 1], axis=0, dtype=wide), added.reduceat(x, [0, 2, 1], axis=0))


def test_reduction_of_nothing_needs_an_identity():
    assert total.reduce(np.zeros(0)) == 0
    with pytest.raises(ValueError, match="identity"):
        added.reduce(np.zeros(0))
    with pytest.raises(ValueError, match="not reorderable"):
        added.reduce(np.ones((2, 3)), axis=(0, 1))
    assert total.reduce(np.ones((2, 3)), axis=None) == 6

    @vectorize(identity="reorderable", cache=False)
    def largest(a, b):
        return a if a > b else b
    x = RNG.normal(size=(4, 5, 6))
    same_values(x.max(axis=(0, 2)), largest.reduce(x, axis=(0, 2)))
    same_values(np.maximum.accumulate(x, axis=1), largest.accumulate(x, axis=1))

    @vectorize(["int64(int64, int64)"], identity=-7, cache=False)
    def odd(a, b):
        return a + b + 7
    assert odd.reduce(np.zeros(0, int)) == -7 and odd.identity == -7


def test_at():
    a, b = np.zeros(5), np.zeros(5)
    where, what = [0, 3, 3, -1, 0], np.arange(5.0)
    np.add.at(a, where, what)
    added.at(b, where, what)
    same_values(a, b)


def test_other_operands_of_numpy():
    x = np.arange(5.0)
    same_values(np.add(np.ma.array(x, mask=[0, 1, 0, 0, 0]).filled(9), 1), np.asarray(np.ma.filled(added(np.ma.array(x, mask=[0, 1, 0, 0, 0]).filled(9), 1))))
    same_values(np.add(x.astype(">f8"), x), added(x.astype(">f8"), x))
    same_values(np.add(x.tolist(), 1), added(x.tolist(), 1))
    same_values(np.float32(3), added(np.float16(1), np.float16(2)))
    half = np.arange(3, dtype=np.float16)
    assert added(half, half).dtype == np.float32


def test_array_ufunc_is_honoured():
    class Mine:
        def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
            return ufunc, method, len(inputs), kwargs
    assert added(Mine(), 1, dtype=float) == (added, "__call__", 2, {"dtype": float})
    assert total.reduce(Mine())[:2] == (total, "reduce")

    class Never:
        __array_ufunc__ = None
    with pytest.raises(TypeError):
        added(Never(), 1)

    class Sub(np.ndarray):
        pass
    assert type(added(np.arange(3.0).view(Sub), 1)) is Sub


# ---- errors

def test_exceptions_of_the_kernel():
    @vectorize(cache=False)
    def picky(x):
        if x < 0:
            raise ValueError("negative")
        return x * 2

    x = np.arange(2000.0)
    same_values(x * 2, picky(x))
    for bad in (x - 1, -x[::3], (x - 1500).reshape(40, 50).T, np.float64(-1), (x - 5).astype(np.float32)):
        with pytest.raises(ValueError, match="negative"):
            picky(bad)
    out = np.zeros((40, 50))
    with pytest.raises(ValueError, match="negative"):
        picky(x.reshape(40, 50)[::2] - 30, out=out[::2], where=np.ones((20, 50), bool))
    same_values(x * 2, picky(x))


@pytest.mark.parametrize("method", ["reduce", "accumulate", "outer", "at", "reduceat"])
def test_exceptions_in_methods(method):
    @vectorize(cache=False)
    def picky(x, y):
        if y == 3:
            raise KeyError("three")
        return x + y
    x = np.arange(1000.0)
    args = {"outer": (x[:9], x[:9]), "at": (x, [0, 1], [3.0, 3.0]), "reduceat": (x, [0, 5])}.get(method, (x,))
    with pytest.raises(KeyError, match="three"):
        getattr(picky, method)(*args)


def test_traceback_names_the_line():
    @vectorize(["int64(int64)"], cache=False)
    def item(i):
        return (10, 20, 30)[i]
    same_values(np.array([10, 30]), item(np.array([0, 2])))
    with pytest.raises(IndexError) as e:
        item(np.array([0, 3]))
    assert e.traceback[-1].lineno + 1 == item_line(looking.ufunc(item).py_func)


def item_line(function):
    return function.__code__.co_firstlineno + 2


def test_division_follows_numpy_unless_asked():
    @vectorize(cache=False)
    def quotient(a, b):
        return a / b if b < 1 else 1.0 / math.fabs(b) * a

    @vectorize(cache=False, error_model="python")
    def strict(a, b):
        return a + 1.0 / math.fabs(b)       # numbers of NumPy's divide as NumPy does, a Python float raises
    x = np.array([1.0, -1.0, 0.0, 4.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        same_values(np.array([np.inf, -np.inf, np.nan, 2.0]), quotient(x, np.array([0.0, 0.0, 0.0, 2.0])))
    with pytest.raises(ZeroDivisionError):
        strict(x, np.zeros(4))


def test_vector_loops_set_off_no_warnings():
    @vectorize(cache=False)
    def root(x):
        return math.sqrt(x) if x > 0 else 1 / (x - 1)
    x = np.linspace(-5, 5, 4001)
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        root(x)


def test_kernels_that_do_not_compile():
    @vectorize(cache=False)
    def words(x):
        return x + "a"

    @vectorize(cache=False)
    def pair(x):
        return x, x
    with pytest.raises(TypingError, match="operator"):
        words(np.arange(3.0))
    with pytest.raises(TypingError, match="returns a number"):
        pair(np.arange(3.0))
    for bad in (np.array(["a"]), np.array([object()]), np.array([1], "M8[s]"), np.ones(2, np.longdouble)):
        with pytest.raises(TypeError, match="convert with astype"):
            added(bad, bad)


# ---- anything

@settings(max_examples=40, deadline=None)
@given(st.sampled_from(DTYPES[1:]), st.sampled_from(DTYPES[1:]), st.integers(0, 50), st.sampled_from([1, 2, -1, 3]), st.sampled_from([1, -2, 2]), st.randoms())
def test_any_operands(left, right, n, step, other, random):
    a = np.repeat(sample(left, n), abs(step))[::step]
    b = np.repeat(sample(right, n), abs(other))[::other]
    if random.random() < 0.3 and n:
        b = b[:1]
    same_values(quietly(np.add, a, b), quietly(added, a, b))
