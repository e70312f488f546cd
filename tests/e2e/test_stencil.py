"""Stencils: against a slow reference in Python, and against scipy.ndimage where it is installed."""
import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import coluber
from coluber import njit, stencil

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(5)
MODES = ["constant", "nearest", "reflect", "mirror", "wrap", "grid-constant"]
SCIPY = {"grid-constant": "constant"}                      # scipy's names where they differ


# ---- the reference: numpy.pad knows the modes by other names, and arrays that are smaller than the padding

def mapped(i, n, mode):
    """The index in 0..n-1 that index i stands for, step by step; None: beyond the array."""
    while not 0 <= i < n:
        if mode == "nearest":
            i = 0 if i < 0 else n - 1
        elif mode == "wrap":
            i += n if i < 0 else -n
        elif mode == "reflect":
            i = -1 - i if i < 0 else 2 * n - 1 - i
        elif mode == "mirror":
            i = 0 if n == 1 else -i if i < 0 else 2 * n - 2 - i
        else:
            return None
    return i


class View:
    def __init__(self, a, at, mode, cval):
        self.a, self.at, self.mode, self.cval, self.left = a, at, mode, cval, False

    def __getitem__(self, key):
        key = key if isinstance(key, tuple) else (key,)
        index = [mapped(i + k, n, self.mode) for i, k, n in zip(self.at, key, self.a.shape)]
        if None in index:
            self.left = True
            return self.a.dtype.type(self.cval or 0)
        return self.a[tuple(index)]


def reference(kernel, args, relative, mode, cval, reach, dtype, out=None):
    a = args[0]
    result = np.zeros(a.shape, dtype) if out is None else out
    if mode == "constant" and (out is None or cval is not None):
        result[...] = cval or 0
    for at in np.ndindex(a.shape):
        views = [View(x, at, mode, cval) if r and isinstance(x, np.ndarray) else x for x, r in zip(args, relative)]
        inner = all(-min(low, 0) <= i < n - max(high, 0) for i, n, (low, high) in zip(at, a.shape, reach))
        if mode != "constant" or inner:
            result[at] = kernel(*views)
    return result


def check(kernel, args, reach, mode="constant", cval=None, dtype=np.float64, standard=(), out=None, parallel=False, **options):
    code = kernel.__code__
    relative = [name not in standard for name in code.co_varnames[:code.co_argcount]]
    wanted = reference(kernel, args, relative, mode, cval, reach, dtype, None if out is None else out.copy())
    f = stencil(mode, cval=cval, standard_indexing=standard, cache=False, parallel=parallel, **options)(kernel)
    if out is None:
        got = f(*args)
    else:
        got = f(*args, out=out)
        assert got is out
    assert got.dtype == wanted.dtype and got.shape == wanted.shape
    np.testing.assert_array_equal(got, wanted)


# ---- kernels

def shift(a):
    return a[-1] + 2 * a[2]


def far(a):
    return a[-3] - a[4]


def five(a):
    return 0.25 * (a[0, 1] + a[1, 0] + a[0, -1] + a[-1, 0]) - a[0, 0]


def askew(a):
    return a[-2, 1] * 3.0 + a[0, 2] - a[1, -1]


def ahead(a):
    return a[1, 2]


def seven(a):
    return a[0, 0, 0] * 6.0 - a[1, 0, 0] - a[-1, 0, 0] - a[0, 1, 0] - a[0, -1, 0] - a[0, 0, 1] - a[0, 0, -1]


KERNELS = [(shift, [(-1, 2)]), (far, [(-3, 4)]), (five, [(-1, 1)] * 2), (askew, [(-2, 1), (-1, 2)]), (ahead, [(0, 1), (0, 2)]), (seven, [(-1, 1)] * 3)]


def layouts(shape):
    base = RNG.random(shape)
    yield base
    yield np.asfortranarray(base)
    yield RNG.random([2 * n for n in shape])[(slice(None, None, 2),) * len(shape)]
    yield base[(slice(None, None, -1),) * len(shape)]
    frozen = base.copy()
    frozen.flags.writeable = False
    yield frozen


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kernel, reach", KERNELS, ids=[k.__name__ for k, _ in KERNELS])
@pytest.mark.parametrize("parallel", [False, True])
def test_modes(kernel, reach, mode, parallel):
    """Sizes from none to larger than the neighbourhood, smaller ones among them."""
    ndim = len(reach)
    f = {}
    for cval in (None, 1.5) if "constant" in mode else (None,):
        f[cval] = stencil(mode, cval=cval, cache=False, parallel=parallel)(kernel)
    sizes = {1: [0, 1, 2, 3, 4, 7, 8, 20], 2: [0, 1, 2, 3, 6], 3: [0, 1, 2, 4]}[ndim]
    for shape in itertools.product(sizes, repeat=ndim):
        for a in layouts(shape):
            for cval, g in f.items():
                wanted = reference(kernel, [a], [True], mode, cval, reach, np.float64)
                np.testing.assert_array_equal(g(a), wanted, err_msg=f"{shape} {cval}")


@pytest.mark.parametrize("mode", [m for m in MODES if m != "constant"])
@settings(max_examples=30, deadline=None)
@given(shape=st.tuples(st.integers(1, 9), st.integers(1, 9)), seed=st.integers(0, 99))
def test_scipy(mode, shape, seed):
    ndimage = pytest.importorskip("scipy.ndimage")
    weights = np.random.default_rng(seed).random((3, 5))

    def kernel(a, w):
        total = 0.0
        for i in range(3):
            for j in range(5):
                total += w[i, j] * a[i - 1, j - 2]
        return total
    a = np.random.default_rng(seed).random(shape)
    f = stencil(mode, neighborhood=((-1, 1), (-2, 2)), standard_indexing=("w",), cval=0.5, cache=False)(kernel)
    np.testing.assert_allclose(f(a, weights), ndimage.correlate(a, weights, mode=SCIPY.get(mode, mode), cval=0.5), rtol=1e-13)


# ---- dtypes

def neighbours(a):
    return a[-1] + a[1]


def fraction(a):
    return a[0] / 2


def larger(a):
    return a[0] > a[1]


def int_literal(a):
    return 1


@pytest.mark.parametrize("dtype", ["f8", "f4", "i8", "i4", "u1", "c16"])
def test_dtypes(dtype):
    a = (RNG.random(20) * 50).astype(dtype)
    for mode in MODES:
        check(neighbours, [a], [(-1, 1)], mode, dtype=dtype)
    check(fraction, [a], [(0, 0)], dtype=(a[:1] / 2).dtype)
    if dtype != "c16":
        check(larger, [a], [(0, 1)], dtype=bool)
    check(int_literal, [a], [(0, 0)], dtype=np.int64)


# ---- several arrays, scalars, standard indexing, neighbourhoods

def weighted(a, b, c):
    return a[0, 1] * c + b[-1, 0]


def test_several_arrays():
    a, b = RNG.random((6, 7)), RNG.random((8, 7))
    check(weighted, [a, b, 2.5], [(-1, 0), (0, 1)])
    check(weighted, [a, np.asfortranarray(b), 3], [(-1, 0), (0, 1)], parallel=True)
    with pytest.raises(ValueError, match="some dimension smaller"):
        stencil(weighted)(b, a, 1.0)
    with pytest.raises(ValueError, match="same number of dimensions"):
        stencil(weighted)(a, b[0], 1.0)


def look_up(a, table):
    return table[a[0]] + table[a[1]]


def test_standard_indexing():
    check(look_up, [RNG.integers(0, 5, 30), RNG.random(5)], [(0, 1)], standard=("table",))
    check(look_up, [RNG.integers(0, 5, 30), RNG.random(5)], [(0, 1)], "wrap", standard=("table",))


def window(a):
    total = 0.0
    for i in range(-2, 3):
        for j in range(-1, 2):
            total += a[i, j]
    return total


REACH = ((-2, 2), (-1, 1))


@pytest.mark.parametrize("mode", MODES)
def test_neighborhood(mode):
    for shape in [(1, 1), (3, 9), (12, 13)]:
        check(window, [RNG.random(shape)], REACH, mode, neighborhood=REACH)


def test_wider_neighborhood():
    check(five, [RNG.random((9, 9))], [(-3, 2), (-1, 1)], neighborhood=((-3, 2), (-1, 1)))


def outside(a, n):
    total = 0.0
    for i in range(n):
        total += a[i]
    return total


def test_index_outside_of_the_neighborhood():
    f = stencil(neighborhood=((0, 2),))(outside)
    np.testing.assert_array_equal(f(np.ones(5), 3), [3, 3, 3, 0, 0])
    with pytest.raises(IndexError, match=r"index 3 on axis 0 is outside of its neighborhood, 0 to 2"):
        f(np.ones(5), 4)


R = 2


def by_global(a):
    return a[-R] + a[R]


def test_constants_of_other_places():
    q = 3

    def by_cell(a):
        k = q - 1
        return a[k] - a[-q]
    check(by_global, [RNG.random(12)], [(-2, 2)])
    check(by_cell, [RNG.random(12)], [(-3, 2)])


def branches(a):
    if a[0] > 0.5:
        return a[1]
    return -a[-1]


def test_branches():
    for mode in MODES:
        check(branches, [RNG.random(50)], [(-1, 1)], mode)


def twice(x):
    return x * 2


def calls(a):
    return twice(a[-1]) + np.sqrt(a[1])


def test_calls():
    check(calls, [RNG.random(50)], [(-1, 1)], "nearest")


def dispatched(a):
    return a[-1] + 1.0


def test_kernel_that_is_decorated():
    a = RNG.random(9)
    np.testing.assert_array_equal(stencil(njit(dispatched))(a), reference(dispatched, [a], [True], "constant", None, [(-1, 0)], float))


# ---- out=

@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_out(mode, parallel):
    a = RNG.random((9, 11))
    check(five, [a], [(-1, 1)] * 2, mode, out=np.full(a.shape, 7.0), parallel=parallel)
    check(five, [a], [(-1, 1)] * 2, mode, out=np.full((18, 22), 7.0)[::2, ::2], parallel=parallel)
    check(five, [a], [(-1, 1)] * 2, mode, cval=2.0, out=np.full(a.shape, 7.0, order="F"))
    check(five, [a], [(-1, 1)] * 2, mode, out=np.zeros(a.shape, np.float32), dtype=np.float32)


@pytest.mark.parametrize("mode", MODES)
def test_out_overlaps(mode):
    a = RNG.random((9, 11))
    f = stencil(mode)(five)
    for source, target in [(np.s_[:8], np.s_[:8]), (np.s_[:8], np.s_[1:]), (np.s_[1:], np.s_[:8])]:
        memory = a.copy()
        wanted = reference(five, [a[source].copy()], [True], mode, None, [(-1, 1)] * 2, float, a[target].copy())
        f(memory[source], out=memory[target])
        np.testing.assert_array_equal(memory[target], wanted)


def test_out_that_does_not_fit():
    a = np.ones((3, 4))
    with pytest.raises(ValueError, match="shape of the first argument"):
        stencil(five)(a, out=np.ones((4, 3)))
    frozen = np.ones((3, 4))
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        stencil(five)(a, out=frozen)
    with pytest.raises(coluber.TypingError, match="as many dimensions"):
        stencil(five)(a, out=np.ones(3))


# ---- inside of compiled code

smooth = stencil(five)
edges = stencil("reflect")(five)


@njit
def steps(a, n):
    for _ in range(n):
        a = smooth(a)
    return a


@njit(parallel=True)
def parallel_steps(a, b):
    edges(a, out=b)
    return smooth(b) + 1


def test_inside_of_compiled_code():
    a = RNG.random((40, 300))
    once = reference(five, [a], [True], "constant", None, [(-1, 1)] * 2, float)
    np.testing.assert_array_equal(steps(a, 1), once)
    np.testing.assert_array_equal(steps(a, 2), reference(five, [once], [True], "constant", None, [(-1, 1)] * 2, float))
    b = np.empty_like(a)
    got = parallel_steps(a, b)
    np.testing.assert_array_equal(b, edges(a))
    np.testing.assert_array_equal(got, smooth(b) + 1)
    found = [n for n in parallel_steps.parallel_diagnostics() if n.kind == "library function" and n.parallel]
    assert found


def test_large_and_parallel():
    a = RNG.random((400, 501))
    for mode in MODES:
        np.testing.assert_array_equal(stencil(mode, parallel=True)(five)(a), stencil(mode)(five)(a))


# ---- errors

def variable(a, n):
    return a[n]


def text(a):
    return "no"


def test_errors():
    with pytest.raises(coluber.TypingError, match="neighborhood="):
        stencil(variable)(np.ones(5), 1)
    with pytest.raises(coluber.TypingError, match="no item of an array"):
        stencil(text)(np.ones(5))
    with pytest.raises(coluber.TypingError, match="one index per axis"):
        stencil(shift)(np.ones((5, 5)))
    with pytest.raises(coluber.TypingError, match="primary input array"):
        stencil(shift)(1.0)
    with pytest.raises(TypeError, match="takes 1 positional arguments but 2 were given"):
        stencil(shift)(np.ones(5), 2)
    with pytest.raises(coluber.TypingError, match="cval"):
        stencil(cval=1j)(shift)(np.ones(5))
    with pytest.raises(ValueError, match="2 dimensional neighborhood"):
        stencil(neighborhood=((-1, 1), (-1, 1)))(shift)(np.ones(5))
    with pytest.raises(ValueError, match="no mode 'sideways'"):
        stencil("sideways")
    with pytest.raises(ValueError, match="not present"):
        stencil(standard_indexing=("b",))(shift)
    with pytest.raises(ValueError, match="first argument"):
        stencil(standard_indexing=("a",))(shift)
    with pytest.raises(TypeError):
        stencil(int)


def test_without_the_compiler():
    program = ("import numpy as np, coluber\n"
               "f = coluber.stencil('wrap')(lambda a: a[-1] + 2 * a[1])\n"
               "g = coluber.stencil(cval=9.0)(lambda a: a[-1] + 2 * a[1])\n"
               "print(f(np.arange(4.0)).tolist(), g(np.arange(4.0)).tolist())")
    done = subprocess.run([sys.executable, "-c", program], env={**os.environ, "COLUBER_DISABLE_JIT": "1"}, capture_output=True, text=True)
    assert done.stdout.strip() == "[5.0, 4.0, 7.0, 2.0] [9.0, 4.0, 7.0, 9.0]", done.stderr


PROGRAM = """
import numpy as np, coluber
@coluber.stencil
def kernel(a):
    return a[-1] + {factor} * a[1]
@coluber.njit
def user(a):
    return kernel(a) + 1
print(kernel(np.arange(4.0)).tolist(), user(np.arange(4.0)).tolist(), kernel.stats.cache_hits != {{}}, user.stats.cache_hits != {{}})
"""


def test_cache(tmp_path):
    """A kernel that has changed is compiled anew, also within the functions that use it."""
    def run(factor):
        (tmp_path / "program.py").write_text(PROGRAM.format(factor=factor))
        done = subprocess.run([sys.executable, "program.py"], cwd=tmp_path, env={**os.environ, "COLUBER_CACHE_DIR": str(tmp_path / "cache")},
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()
    assert run(2) == "[0.0, 4.0, 7.0, 0.0] [1.0, 5.0, 8.0, 1.0] False False"
    for _ in range(20):
        again = run(2)
        if again.endswith("True True"):
            break
    assert again == "[0.0, 4.0, 7.0, 0.0] [1.0, 5.0, 8.0, 1.0] True True"
    assert run(3) == "[0.0, 6.0, 10.0, 0.0] [1.0, 7.0, 11.0, 1.0] False False"


def test_picklable():
    import pickle
    assert pickle.loads(pickle.dumps(smooth)) is smooth


@pytest.mark.skipif("COLUBER_PARALLEL_THRESHOLD" in os.environ, reason="this is the second run")
def test_small_arrays_on_threads():
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-k", "(five and True) or out or inside", str(Path(__file__))],
                          env={**os.environ, "COLUBER_PARALLEL_THRESHOLD": "0", "OMP_NUM_THREADS": "3"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
