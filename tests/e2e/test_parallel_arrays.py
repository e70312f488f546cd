"""Array expressions, reductions, creation and assignment under parallel=True: results are those of NumPy to the bit, on however many threads."""
import copy
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from check import exact
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from parallel import agree, compiled, loops, on_threads

from coluber import njit, prange

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(11)
LONG = 100_003                                             # beyond the threshold of the cheapest expression


def clone(x):
    """A copy of the same strides."""
    if not isinstance(x, np.ndarray) or x.base is None:
        return copy.deepcopy(x)
    offset = x.__array_interface__["data"][0] - x.base.__array_interface__["data"][0]
    made = np.ndarray(x.shape, x.dtype, x.base.copy("K").ravel("K"), offset, x.strides)
    made.flags.writeable = x.flags.writeable
    return made


def run(f, args):
    args = tuple(map(clone, args))
    try:
        with np.errstate(all="ignore"):
            return ("value", f(*args)), args
    except Exception as e:                                 # noqa: BLE001 - any exception is an outcome
        return ("raises", type(e)), args


def agree_numpy(f, *args):
    """The same value, dtype and bits as the function has in CPython, and the same arguments afterwards."""
    want, args_want = run(f, args)
    got, args_got = run(compiled(f), args)
    assert want[0] == got[0] and (want[0] == "value" or want[1] is got[1]), (want, got)
    if want[0] == "value":
        for w, g in zip(want[1], got[1]) if isinstance(want[1], tuple) else [(want[1], got[1])]:
            same_bits(w, g)
    for w, g in zip(args_want, args_got):
        same_bits(w, g)


def same_bits(w, g):
    """Of arrays and scalars; nans are one value. exact() of check.py, for long arrays."""
    if not isinstance(w, np.ndarray):
        assert exact(w.item() if isinstance(w, np.generic) else w) == exact(g.item() if isinstance(g, np.generic) else g)
        return
    assert w.dtype == g.dtype and w.shape == g.shape
    w, g = np.ascontiguousarray(w), np.ascontiguousarray(g)
    different = (w.view(f"V{w.itemsize}") != g.view(f"V{w.itemsize}")) & ~((w != w) & (g != g))
    assert not different.any(), (np.argwhere(different)[:3], w[different][:3], g[different][:3])


# ---- expressions

def expression(a, b):
    return a * 2 + b - a * b


def two_results(a, b):
    x = a + b
    y = x * x - a
    return x, y


@pytest.mark.parametrize("n", [0, 1, 2, 63, 1001, LONG])
@pytest.mark.parametrize("f", [expression, two_results])
@pytest.mark.parametrize("dtype", ["f8", "f4", "i4", "u1", "c16"])
def test_vectors(f, dtype, n):
    agree_numpy(f, (RNG.random(n) * 100).astype(dtype), (RNG.random(n) * 100).astype(dtype))


def matrices(shape):
    base = RNG.random(shape)
    yield base
    yield np.asfortranarray(base)
    yield RNG.random((shape[0] * 2, shape[1] * 3))[::2, ::3]
    yield base[::-1, ::-1]
    frozen = base.copy()
    frozen.flags.writeable = False
    yield frozen


@pytest.mark.parametrize("shape", [(0, 5), (1, 1), (7, 3), (300, 401), (2, 60_001), (60_001, 2)])
def test_layouts(shape):
    for a in matrices(shape):
        for b in matrices(shape):
            agree_numpy(expression, a, b)


def broadcast(a, row, column):
    return a * row + column


def outer(x, y):
    return x[:, None] * y[None, :] + y


def test_broadcasting():
    agree_numpy(broadcast, RNG.random((300, 400)), RNG.random(400), RNG.random((300, 1)))
    agree_numpy(broadcast, RNG.random((300, 1)), RNG.random(400), RNG.random((300, 400)))
    agree_numpy(outer, RNG.random(333), RNG.random(444))
    agree_numpy(broadcast, RNG.random((300, 400)), RNG.random(401), RNG.random((300, 1)))     # ValueError


def extremes(a):
    return np.sqrt(a) + np.exp(a) * (a > 0) - np.minimum(a, 1.0)


def test_extremes():
    with np.errstate(all="ignore"):
        a = np.tile(np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e308, 5e-324, 2.0]), 9000)
        want, got = extremes(a), compiled(extremes)(a)
    np.testing.assert_array_max_ulp(want[np.isfinite(want)], got[np.isfinite(want)], 2)
    np.testing.assert_array_equal(np.isnan(want), np.isnan(got))


def cube(a):
    return np.roll(a, 3) + np.roll(a, -1, 0)


def test_rolls():
    agree_numpy(cube, RNG.random((200, 301)))
    agree_numpy(cube, RNG.random(LONG))


@settings(max_examples=60, deadline=None)
@given(nps.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=9), st.sampled_from(["f8", "i8", "f4"]))
def test_any_shapes(shapes, dtype):
    a, b = (np.arange(np.prod(s, dtype=int)).reshape(s).astype(dtype) for s in shapes.input_shapes)
    agree_numpy(expression, a, b)


# ---- assignment

def assign_slices(a, x):
    a[1:] = a[:-1] * 2
    a[::2] = x[::2] + a[::2]
    a += x
    a[:] = x - a
    a[3:9] = 7


def assign_copy(a, x):
    a[:] = x
    a[1:] = a[:-1]
    return a.copy()


def fill_masks(a, x):
    a[a > 0.5] = 0.25
    a[x > 0.5] = -1
    return a


@pytest.mark.parametrize("f", [assign_slices, assign_copy, fill_masks])
@pytest.mark.parametrize("n", [9, 10, 1001, LONG])
def test_assignment(f, n):
    agree_numpy(f, RNG.random(n), RNG.random(n))
    agree_numpy(f, RNG.random(3 * n)[::3], RNG.random(2 * n)[::-2])


def mask_matrix(a, m):
    a[m] = 3.5
    return a


def test_masks_of_matrices():
    for a in matrices((300, 401)):
        agree_numpy(mask_matrix, a.copy(), RNG.random(a.shape) > 0.5)
    agree_numpy(mask_matrix, RNG.random((300, 401)), RNG.random(300) > 0.5)
    agree_numpy(mask_matrix, RNG.random((300, 401)), RNG.random(301) > 0.5)                    # IndexError


# ---- creation

def create(n):
    return np.ones(n), np.full(n, 2.5), np.zeros(n), np.arange(n), np.arange(n) * 0.5, np.linspace(0.0, 1.0, n), np.arange(0.0, n * 0.25, 0.25)


@pytest.mark.parametrize("n", [0, 1, 2, 1001, LONG])
def test_creation(n):
    agree_numpy(create, n)


# ---- reductions

SIZES = [0, 1, 7, 8, 129, 8192, 8193, 32767, 32768, 32769, 40_000, LONG, 300_001, 1 << 20]

def sums(a):
    return a.sum(), a.mean(), np.sum(a * a)


def spreads(a):
    return a.min(), a.max(), np.ptp(a), a.var(), a.std()


def places(a):
    return np.argmin(a), np.argmax(a)


@pytest.mark.parametrize("n", [s for s in SIZES if s])
def test_places(n):
    """The first of equals, the first nan."""
    for dtype in ("f8", "i4", "?", "c16"):
        agree_numpy(places, (RNG.random(n) * 9).astype(dtype))
    a = RNG.random(n)
    a[[n // 3, n - 1]] = np.nan
    agree_numpy(places, a)
    agree_numpy(places, np.zeros(n))
    agree_numpy(places, RNG.random(3 * n)[::-3])


def truths(a):
    return np.any(a > 50), np.all(a >= 0), np.count_nonzero(a > 50)



@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("dtype", ["f8", "f4", "c16", "c8", "i8", "i4", "u1", "?"])
def test_sums(dtype, n):
    a = (RNG.random(n) * 100).astype(dtype)
    if n:
        agree_numpy(lambda x: x.sum(), a) if dtype == "?" else agree_numpy(sums, a)
    agree_numpy(total, a)


def total(a):
    return np.sum(a)


@pytest.mark.parametrize("step", [2, -1, -3])
def test_sums_of_views(step):
    agree_numpy(total, RNG.random(400_003)[::step])
    agree_numpy(total, (RNG.random(400_003) + 1j)[::step])


def test_negative_zeros():
    agree_numpy(total, np.full(50_000, -0.0))
    agree_numpy(total, np.full(50_000, complex(-0.0, -0.0)))


@pytest.mark.parametrize("n", [s for s in SIZES if s])
def test_spreads(n):
    for dtype in ("f8", "f4", "i8", "u1"):
        agree_numpy(spreads, (RNG.random(n) * 100).astype(dtype))
    agree_numpy(truths, RNG.random(n) * 100)
    a = RNG.random(n)
    a[n // 2] = np.nan
    agree_numpy(spreads, a)


def product(a):
    return np.prod(a)


def test_products():
    agree_numpy(product, RNG.integers(-5, 5, LONG) * 2 + 1)
    agree_numpy(product, 1 + RNG.random(LONG) / 1e5)       # in order, on one thread


def over_axes(a):
    return a.sum(0), a.sum(1), a.sum(-1), a.max(0), a.min(1), a.mean(0), a.var(1), np.sum(a, axis=1, keepdims=True)


@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (3, 100_001), (100_001, 3), (400, 500)])
def test_axes(shape):
    for a in matrices(shape):
        agree_numpy(over_axes, a)


def over_cube(a):
    return a.sum(), a.sum(0), a.sum(1), a.sum(2), a.sum((0, 1)), a.sum((0, 2)), a.sum((1, 2)), a.max((0, 2))


def test_cubes():
    agree_numpy(over_cube, RNG.random((40, 50, 60)))
    agree_numpy(over_cube, np.asfortranarray(RNG.random((40, 50, 60))))
    views = RNG.random((40, 50, 120))[:, :, ::2]           # of which NumPy makes longer rows
    for parallel, serial in zip(compiled(over_cube)(views), njit(over_cube, cache=False)(views)):
        same_bits(serial, parallel)


def test_empty():
    for f in (spreads, product):
        agree_numpy(f, np.zeros(0))


# ---- with the rest

def in_rounds(a, out):
    for i in prange(len(a)):
        out[i] = np.sum(a[i] * 2) + (a[i] - 1).max()


def test_inside_of_prange():
    agree(in_rounds, RNG.random((50, 40_001)), np.empty(50), parallel=1)
    found = loops(compiled(in_rounds), kind="array expression")
    assert [n.why for n in found] and all(not n.parallel for n in found)


def helper(a):
    return a + 1


def calls(a):
    return helper(a) * 2


def test_callees_are_their_own():
    """As in Numba, the option is that of the function that an expression stands in."""
    agree_numpy(calls, RNG.random(LONG))


def handled(a, b):
    try:
        c = a + b
    except ValueError:
        c = a - 1
    return c


def test_exceptions():
    agree_numpy(handled, RNG.random(LONG), RNG.random(LONG))
    agree_numpy(handled, RNG.random(LONG), RNG.random(LONG - 1))


def test_diagnostics():
    f = njit(expression, parallel=True, cache=False)
    f(np.ones(10), np.ones(10))
    (note,) = loops(f, kind=None)
    assert note.kind == "array expression" and note.parallel and note.operations == 4
    assert note.line == expression.__code__.co_firstlineno + 1 and note.function == "expression"
    assert "array expression" in repr(note) and "4 array operations" in repr(note)
    assert "array expression: parallel, where it is worth it, 4 array operations in one loop" in str(f.annotate())
    serial = njit(expression, cache=False)
    serial(np.ones(10), np.ones(10))
    assert loops(serial, kind=None) == []


def test_from_threads():
    from concurrent.futures import ThreadPoolExecutor
    f = compiled(expression)
    a, b = RNG.random(LONG), RNG.random(LONG)
    with ThreadPoolExecutor(8) as pool:
        for got in pool.map(lambda _: f(a, b), range(64)):
            same_bits(expression(a, b), got)


def test_any_number_of_threads():
    a = RNG.random(LONG)
    for count in (1, 2, 3, 7):
        with on_threads(count):
            agree_numpy(sums, a)
            agree_numpy(expression, a, a)


# ---- when threads are used

def used_threads(n, **env):
    """Whether a + a of n items in a new process loaded OpenMP."""
    code = (f"import numpy as np, coluber; f = coluber.njit(lambda a: a + a, parallel=True, cache=False); f(np.ones({n})); "
            "print('libomp' in open('/proc/self/maps').read())")
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "OMP_NUM_THREADS": "2", **env}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip() == "True"


def test_threshold():
    assert not used_threads(100)
    assert used_threads(1_000_000)
    assert used_threads(100, COLUBER_PARALLEL_THRESHOLD="0")
    assert not used_threads(1_000_000, COLUBER_PARALLEL_THRESHOLD=str(10**12))
    assert not used_threads(100, COLUBER_PARALLEL_THRESHOLD="nonsense")


@pytest.mark.skipif("COLUBER_PARALLEL_THRESHOLD" in os.environ, reason="this is the second run")
def test_small_arrays_on_threads():
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-k", "vectors or layouts or roll or slices or assign or masks or creation or axes or exceptions", str(Path(__file__))],
                          env={**os.environ, "COLUBER_PARALLEL_THRESHOLD": "0", "OMP_NUM_THREADS": "3"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
