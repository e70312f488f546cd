"""vectorize: kernels of all kinds, threads and target 'parallel', the disk cache, calls in compiled code, pickling."""
import gc
import math
import os
import pickle
import subprocess
import sys
import time
import weakref

import numpy as np
import pytest
from check import in_threads, same_values
from coluber import TypingError, float32, njit, vectorize
from coluber import inspect as looking
from test_vectorize import RNG, added, quietly, sample, total

pytestmark = pytest.mark.slow


# ---- kernels of all kinds

@pytest.mark.parametrize("target", ["cpu", "parallel"])
def test_any_number_of_operands(target):
    def one(a):
        return -a

    def three(a, b, c):
        return a * b + c

    def five(a, b, c, d, e):
        return a if b < c else d - e
    x = RNG.normal(size=(5, 6000))
    for f, k in ((one, 1), (three, 3), (five, 5)):
        made = vectorize(target=target, cache=False)(f)
        args = tuple(x[:k])
        want = np.array([f(*items) for items in zip(*args)])
        same_values(want, made(*args))
        same_values(want[::-3], made(*(a[::-3] for a in args)))
        if k > 1:
            same_values(np.array([f(*items[:-1], 0.5) for items in zip(*args)]), made(*args[:-1], 0.5))


TABLE = np.array([2.0, 3.0, 5.0])


@njit(cache=False)
def looked_up(i):
    return TABLE[i % 3]


def test_kernels_that_call_and_recur_and_print(capfd):
    @vectorize(["int64(int64)"], cache=False)
    def fib(n):
        return n if n < 2 else inner(n - 1) + inner(n - 2)

    def inner(n):
        return n if n < 2 else inner(n - 1) + inner(n - 2)

    @vectorize(cache=False)
    def indirect(i):
        total = 0.0
        for k in range(i):
            total += looked_up(k)
        return total

    @vectorize(cache=False)
    def loud(x):
        if x == 700:
            print("seven hundred")
        return x
    same_values(np.array([0, 1, 1, 2, 3, 5, 8, 13]), fib(np.arange(8)))
    same_values(np.array([0.0, 2.0, 5.0, 10.0, 12.0]), indirect(np.arange(5)))
    TABLE[0] = 1.0
    same_values(np.array([0.0, 1.0, 4.0]), indirect(np.arange(3)))
    TABLE[0] = 2.0
    loud(np.arange(1000))                    # without the GIL
    loud(700)                                # with it
    assert capfd.readouterr().out == "seven hundred\n" * 2


def test_options():
    @vectorize(["float64(float64, float64)"], fastmath=True, cache=False, nopython=True, boundscheck=False, locals={"s": float32})
    def f(x, y):
        s = x + y
        return s * 2
    same_values(np.float64(np.float32(0.1 + 0.2) * 2), f(0.1, 0.2))
    with pytest.raises(TypeError, match="fastmth"):
        vectorize(fastmth=True)(lambda x: x)


CACHED = """
import sys
import numpy as np
from coluber import guvectorize, njit, vectorize

@vectorize
def f(a, b):
    return a + b * {k}

@guvectorize(["void(float64[:], float64[:])"], "(n)->()")
def g(x, out):
    out[0] = x.sum() * {k}

@njit
def h(x):
    return f(x, 2)

x = np.arange(10.0)
print(f(x, x)[3], f(x[::2], 1)[2], f.reduce(x[:3]), g(x), h(x)[1], "libcoluber_engine" in open("/proc/self/maps").read())
"""


def test_loops_are_kept_on_disk(tmp_path):
    path = tmp_path / "cached_ufuncs.py"
    env = {**os.environ, "COLUBER_CACHE_DIR": str(tmp_path / "cache")}

    def run(k):
        path.write_text(CACHED.replace("{k}", str(k)))
        return subprocess.run([sys.executable, str(path)], env=env, capture_output=True, text=True, check=True).stdout.split()
    def run_from_cache(k):
        """Objects are linked in the background: a process that comes too early compiles."""
        for _ in range(50):
            out = run(k)
            if out[-1] == "False":
                break
            time.sleep(0.2)
        return out
    want = {k: [str(3.0 + 3 * k), str(4.0 + k), str(3.0 * k), str(45.0 * k), str(1.0 + 2 * k)] for k in (2, 3)}
    assert run(2) == [*want[2], "True"]
    assert run_from_cache(2) == [*want[2], "False"]     # nothing is compiled, and the engine not even loaded
    assert run(3) == [*want[3], "True"]
    assert run_from_cache(2) == [*want[2], "False"]


def test_after_fork():
    @vectorize(target="parallel", cache=False)
    def f(x):
        return x * 2
    x = np.arange(50_000.0)
    f(x)
    child = os.fork()
    if not child:
        os._exit(0 if np.array_equal(f(x), x * 2) and np.array_equal(f(x[::2]), x[::2] * 2) else 1)
    assert os.waitpid(child, 0)[1] == 0


# ---- parallel, threads, lifetime

@pytest.mark.parametrize("n", [0, 1, 100, 4096, 100_001])
def test_parallel_target(n):
    @vectorize(target="parallel", cache=False)
    def wave(x, y):
        return math.sin(x) * y if x > 0 else x - y
    want = vectorize(cache=False)(looking.ufunc(wave).py_func)
    x, y = RNG.normal(size=n), RNG.normal(size=n)
    same_values(want(x, y), wave(x, y))
    same_values(want(x[::2], y[::2]), wave(x[::2], y[::2]))
    same_values(want(x, 2.5), wave(x, 2.5))
    got = x.copy()
    wave(got, y, out=got)
    same_values(want(x, y), got)
    if n > 1:
        same_values(want.accumulate(x), wave.accumulate(x))
        same_values(want.reduce(x), wave.reduce(x))


def test_parallel_errors():
    @vectorize(target="parallel", cache=False)
    def picky(x):
        if x == 77_777:
            raise ValueError("found")
        return x
    x = np.arange(100_000.0)
    with pytest.raises(ValueError, match="found"):
        picky(x)
    same_values(x[:70_000], picky(x[:70_000]))


def test_threads_compile_and_run_at_once():
    @vectorize(cache=False)
    def f(x, y):
        return x * 2 + y
    args = [(np.arange(5000, dtype=d), np.arange(5000, dtype=e)) for d in ("i4", "i8", "f4", "f8") for e in ("i4", "f8")]

    def work(_):
        for _ in range(20):
            for a, b in args:
                same_values(a * 2 + b, f(a, b))
    in_threads(6, work)
    assert len(f.types) == len(set(f.types)) == len(args)


def test_nothing_is_kept_alive():
    class Canary:
        pass
    canary = Canary()

    def make():
        def f(x):
            return x + 1
        f.canary = canary
        return vectorize(cache=False)(f)
    gone = weakref.ref(canary)
    f = make()
    f(np.arange(3.0))
    del canary, f
    gc.collect()
    assert gone() is None


SCALE = 2.0


def test_globals_that_change():
    global SCALE

    @vectorize(["float64(float64)"], cache=False)
    def scaled(x):
        return x * SCALE
    x = np.arange(2000.0)
    for SCALE in (2.0, 3.0, 2.0):
        same_values(x * SCALE, scaled(x))


# ---- in compiled code

@njit(cache=False)
def use_lazy(x, y):
    return added(x, y) * 2


@njit(cache=False)
def use_fixed(x, y):
    return total(x, y)


@pytest.mark.parametrize("left", ["int32", "int64", "float32", "float64"])
@pytest.mark.parametrize("right", ["int8", "int64", "float32", "float64"])
def test_in_compiled_code(left, right):
    a, b = sample(left, 12), sample(right, 12)
    same_values(quietly(lambda: added(a, b) * 2), use_lazy(a, b))
    same_values(quietly(total, a, b), use_fixed(a, b))
    same_values(quietly(total, a, b[0]), use_fixed(a, b[0]))
    same_values(total(a, 2), use_fixed(a, 2))
    wide = np.stack([a, a]).T
    same_values(quietly(lambda: added(wide, b[:2]) * 2), use_lazy(wide, b[:2]))


def test_in_compiled_code_with_scalars_and_out():
    @njit(cache=False)
    def f(x, out):
        total(x, x, out)
        return total(1, 2), total(1.5, 2), added(x[0], 2)
    x = np.arange(4.0)
    out = np.zeros(4)
    assert f(x, out) == (3, 3.5, 2.0)
    same_values(x * 2, out)


def test_no_loop_in_compiled_code():
    @njit(cache=False)
    def f(x):
        return total(x, x)
    with pytest.raises(TypingError, match="total has no loop"):
        f(np.ones(3, complex))


# ---- pickling

def test_pickle_by_name_and_by_value():
    assert pickle.loads(pickle.dumps(total)) is total
    assert pickle.loads(pickle.dumps(np.add)) is np.add
    cloudpickle = pytest.importorskip("cloudpickle")
    k = 3

    @vectorize(["float64(float64)"], identity=None, cache=False)
    def local(x):
        return x + k
    copy = pickle.loads(cloudpickle.dumps(local))
    assert type(copy) is np.ufunc and copy.types == ["d->d"]
    same_values(local(np.arange(4.0)), copy(np.arange(4.0)))
    lazy = pickle.loads(cloudpickle.dumps(vectorize(cache=False)(looking.ufunc(local).py_func)))
    same_values(local(np.arange(4.0)), lazy(np.arange(4.0)))
