"""Bodies of `with objmode():` among loops, handlers, callees and threads, and what is kept alive."""
import gc
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest
from check import exact, in_threads, outcome, same_outcome
from test_objmode import caught, in_place, reversed_list

from coluber import _coluber, critical, jit, njit, objmode, parallel_chunksize, prange

SEEN = []


# ---- control flow

def in_loop(n):
    s = 0
    for i in range(n):
        with objmode(k="int64"):
            k = len(bin(i))
        s += k
    return s


def breaks(n):
    s = 0
    for i in range(n):
        with objmode():
            if i == 4:
                break
            if i % 2:
                continue
            SEEN.append(i)
        s += i
    return s, i


def loops_inside(x):
    with objmode(s="float64"):
        s = 0.0
        for row in x.tolist():
            for v in row:
                if v < 0:
                    continue
                s += v
            else:
                s += 0.5
    return s


def nested_with(n):
    with objmode(y="int64"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            y = n + 1
    return y


def two(n):
    with objmode(a="int64"):
        a = len(str(n))
    b = a * 2
    with objmode(c="float64"):
        c = float(str(b))
    return a, b, c


def in_handler(n):
    try:
        if n > 1:
            raise ValueError("x")
    except ValueError:
        with objmode(y="int64"):
            y = len(str(n))
        return y
    return 0


def while_around(n):
    k = 0
    while k < n:
        with objmode(step="int64"):
            step = max(1, len(str(k)) - 1)
        k += step
    return k


def returns_constant(n):
    with objmode(y="int64"):
        y = n
        if n > 3:
            return 1
    return y


def comprehensions(n):
    k = n + 1
    with objmode(y="int64", z="int64"):
        y = sum([i * k for i in range(n)])
        add = lambda v: v + k + y               # noqa: E731
        z = add(1)
        k = 100
        z += add(0)
    return y, z, k


def generator_inside(n):
    k = n
    with objmode(y="int64"):
        y = sum(i * k for i in range(n) if i % 2)
    return y + k


def many_ints(n):
    with objmode(y="float64"):
        y = 1
        for i in range(1, n):
            y *= i
        y = float(y)
    return y


def bound_in_a_try(n):
    out = np.zeros(3)
    with objmode():
        try:
            if n == 1:
                raise KeyError(n)                  # nothing is bound yet: UnboundLocalError takes its place
            k, last = 0, -1
            for k in range(n):
                last = 7 // (5 - k)                # up to n == 5
        finally:
            out[0], out[1] = k, last
    return out


def rebinds_an_argument(n):
    with objmode(n="int64"):
        try:
            n = n + 10 // (n - 1)
        except ZeroDivisionError:
            n += 100
    return n


def bound_in_some_rounds(n):
    s = 0
    for i in range(n):
        with objmode(s="int64"):
            try:
                if i > 2:
                    late = i
                s += late
            except UnboundLocalError as e:
                s += len(str(e))
    return s


@pytest.mark.parametrize("f", [in_loop, breaks, nested_with, two, bound_in_a_try, bound_in_some_rounds, rebinds_an_argument, in_handler, while_around, returns_constant, comprehensions, generator_inside, many_ints])
@pytest.mark.parametrize("n", [0, 1, 5, 30])
def test_control_flow(f, n):
    same_outcome(f, n)


def numeric_loop_inside(n):
    with objmode(s="float64", best="int64"):
        values = {"x": np.arange(float(n)) % 7}["x"]
        s, best = 0.0, -1
        for i in range(len(values)):
            if values[i] > s / 10:
                best = i
            s += values[i] * 2
    return s, best


def test_a_loop_of_the_body_is_native():
    f = same_outcome(numeric_loop_inside, 100)
    [(text, compiled, why)] = [row for row in f._loops() if row[1] or row[2]][:1]
    assert compiled and not why, (text, why)


def test_loops_inside():
    same_outcome(loops_inside, np.array([[1.0, -2.0], [3.0, np.nan]]))


# ---- callees, threads, options

@njit(cache=False)
def callee(n):
    with objmode(y="int64"):
        y = len(str(n))
    return y


def plain_callee(n):
    with objmode(y="int64"):
        y = len(str(n))
    return y


def calls(n):
    s = 0
    for i in range(n):
        s += callee(i) + plain_callee(i)
    return s


def test_in_callees():
    same_outcome(calls, 120)


def in_another_with(n, a):
    total = 0
    for i in range(n):
        with critical("outer"):
            a[0] += i
            with objmode(k="int64"):
                k = len(str(i))
                if i == 7:
                    continue
            total += k
            with parallel_chunksize(3), objmode(m="int64"):
                m = k * 2
            total += m
    return total


def raises_in_another_with(n, a):
    y = 0
    try:
        with critical("outer"):
            a[0] += 1
            with objmode(y="int64"):
                y = {1: 10, 2: 20}[n]
            a[0] += y
    except KeyError:
        return -1
    return y


def objmode_around(n, a):
    with objmode(y="int64"):
        with critical("outer"):
            with objmode(z="int64"):
                z = len(str(n))
            y = z + 1
    return y


def returns_from_both(n, a):
    with critical("outer"):
        with objmode():
            if n > 2:
                return 5
        a[0] += 1
    return 6


def test_in_another_with_statement():
    for n in (0, 1, 5, 20):
        for f in (in_another_with, raises_in_another_with, objmode_around, returns_from_both):
            same_outcome(f, n, np.zeros(1))
    other = threading.Thread(target=lambda: same_outcome(raises_in_another_with, 1, np.zeros(1)))
    other.start()
    other.join(20)
    assert not other.is_alive()


def inner_functions(n):
    def digits(i, b):
        with objmode(y="int64"):
            y = len(str(i)) + sum(v for v in range(b))
        return y

    def shout(s):
        with objmode(t="unicode_type"):
            t = s.upper() + str(len(SEEN))
        return t
    s = 0
    for i in range(n):
        s += digits(i, 3)
    return s, shout("abc")


def test_in_inner_functions():
    SEEN.clear()
    for n in (0, 5, 200):
        same_outcome(inner_functions, n)


def test_inner_functions_are_not_kept_on_disk(tmp_path):
    (tmp_path / "inner_module.py").write_text("from coluber import njit, objmode\n\n@njit(cache=True)\ndef f(n):\n    def g(i):\n        with objmode(y='int64'):\n"
                                              "            y = len(str(i))\n        return y\n    return g(n) + 1\n")
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from inner_module import f; print(f(123))"
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert done.stdout == "4\n", done.stderr


def make(k):
    @njit(cache=False)
    def f(n):
        with objmode(y="int64"):
            y = n + k + len(SEEN)
        return y
    return f


def test_free_variables():
    SEEN.clear()
    assert make(3)(4) == 7
    assert make(30)(4) == 34
    SEEN.append(1)
    assert make(3)(4) == 8


def parallel_rounds(n):
    out = np.zeros(n, np.int64)
    for i in prange(n):
        with objmode(k="int64"):
            k = len(str(i))
        out[i] = k
    return out


@pytest.mark.parametrize("n", [0, 1, 7, 1000])
def test_in_prange(n):
    want = parallel_rounds(n)
    assert (njit(parallel=True, cache=False)(parallel_rounds)(n) == want).all()


def parallel_raises(n):
    out = np.zeros(n, np.int64)
    for i in prange(n):
        with objmode(k="int64"):
            k = i
            if i >= 50:
                raise ValueError(i)
        out[i] = k
    return out


def test_exception_in_prange():
    with pytest.raises(ValueError) as e:
        njit(parallel=True, cache=False)(parallel_raises)(200)
    assert e.value.args == (50,)


def late_and_early(n):
    for i in prange(n, schedule="static", chunk=1, num_threads=2):
        with objmode():
            if i == 1:
                time.sleep(0.3)
            if i >= 1:
                raise ValueError(i)


def test_the_lowest_rounds_exception_wins_whichever_thread_comes_first():
    """The thread that entered the loop raises in round 2 while the other one is still in round 1. That is no Ctrl-C, which would end it all."""
    with pytest.raises(ValueError) as e:
        njit(parallel=True, cache=False)(late_and_early)(8)
    assert e.value.args == (1,)


def test_threads_of_prange_come_again():
    """Each time with another thread state, which those before may lie in the memory of."""
    f = njit(parallel=True, cache=False)(parallel_calls)
    keep = []
    for k in range(30):
        thread = threading.Thread(target=lambda: keep.append(threading.get_ident()))
        thread.start()
        assert f(6).tolist() == [0, 1, 4, 9, 16, 25]
        thread.join()


def parallel_calls(n):
    out = np.zeros(n, np.int64)
    for i in prange(n, schedule="static", chunk=1, num_threads=2):
        with objmode(k="int64"):
            k = int(str(i)) ** 2
        out[i] = k
    return out


def test_nogil_from_threads():
    f = njit(nogil=True, cache=False)(in_loop)
    want, found = in_loop(300), []
    in_threads(4, lambda _: found.append(f(300)))
    assert found == [want] * 4


@pytest.mark.filterwarnings("ignore::coluber.ObjectModeWarning")
def test_under_jit():
    for f, args in ((in_loop, (20,)), (reversed_list, (np.arange(3.0),)), (comprehensions, (5,)), (caught, (3,)), (in_place, (np.array([2.0, 5.0]),))):
        want, _ = outcome(f, args, {})
        got, _ = outcome(jit(cache=False)(f), args, {})
        assert (got[0], exact(got[1])) == (want[0], exact(want[1]))


def test_disabled():
    """In Python it is a context manager that does nothing."""
    with objmode(y="float64[:]") as nothing_at_all:
        y = 3
    assert y == 3 and nothing_at_all is None
    with pytest.raises(ZeroDivisionError), objmode():
        _ = 1 / (y - 3)


def test_rebound_global_is_seen_by_the_body():
    f = njit(cache=False)(lambda n: n)          # noqa: F841
    SEEN.clear()
    g = make(1)
    assert g(1) == 2
    SEEN.extend([0, 0])
    assert g(1) == 4


# ---- references

def array_round(x):
    with objmode(y="float64[:]", s="unicode_type"):
        y = x * 2
        s = "text" * 3
    return y[0] + (s == "texttexttext")


def array_returned(x):
    with objmode(y="float64[:]"):
        y = x * 2
    return y


def one_of_two(x, n):
    with objmode(y="float64[:]", z="int64"):
        y = x * 2
        z = "not a number" if n else 1
    return y[0] + z


def test_nothing_leaks():
    x = np.arange(1000.0)
    f, g, h = (njit(cache=False)(k) for k in (array_round, array_returned, one_of_two))
    for _ in range(3):
        f(x), g(x), h(x, 0)
        with pytest.raises(TypeError):
            h(x, 1)
    gc.collect()
    blocks, references = _coluber._runtime_stats()["live_blocks"], sys.getrefcount(x)
    for _ in range(50):
        f(x), g(x), h(x, 0)
        with pytest.raises(TypeError):
            h(x, 1)
    gc.collect()
    assert _coluber._runtime_stats()["live_blocks"] == blocks
    assert sys.getrefcount(x) == references


def test_result_is_the_array_the_body_made():
    SEEN.clear()

    @njit(cache=False)
    def f(n):
        with objmode(y="float64[:]"):
            y = np.arange(float(n))
            SEEN.append(y)
        y[0] = 7.0
        return y
    assert f(3) is SEEN[0] and SEEN[0][0] == 7.0


def test_a_body_may_have_its_function_compiled_anew():
    @njit(cache=False)
    def f(n):
        with objmode(y="int64"):
            f.recompile()
            y = n + 1
        return y
    assert [f(n) for n in range(4)] == [1, 2, 3, 4]
