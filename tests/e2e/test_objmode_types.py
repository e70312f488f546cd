"""Variables behind `with objmode()` that have no declared type: Python runs the first call, and they have the types that were seen then."""
import gc
import sys
import traceback

import numpy as np
import pytest
from check import exact, in_threads, outcome

from coluber import TypingError, _coluber, _objmode, jit, njit, objmode, prange

RUNS = []


@pytest.fixture(autouse=True)
def nothing_seen():
    _objmode._RECORDS.clear()


def runs_twice(function, *args, decorator=njit):
    """The first call runs in Python, the second one is compiled; both give what Python gives. Gives the compiled function."""
    compiled = decorator(cache=False)(function)
    for k in range(3):
        want, after = outcome(function, args, {})
        got, left = outcome(compiled, args, {})
        assert (got[0], exact(got[1])) == (want[0], exact(want[1])), (k, got, want)
        assert exact(left) == exact(after)
        assert len(compiled.signatures) == (k > 0)
    return compiled


def of_any_type(x):
    with objmode():
        y = x * 2
    return y


@pytest.mark.parametrize("x", [3, 2.5, 1j, True, np.float32(1.5), np.arange(3.0), np.arange(6).reshape(2, 3), np.asfortranarray(np.ones((2, 3))), (1, 2.5), [1, 2], "ab"],
                         ids=str)
def test_types_of_a_first_run(x):
    runs_twice(of_any_type, x)


def test_each_type_of_arguments_has_its_own_run():
    f = njit(cache=False)(of_any_type)
    for _ in range(2):
        for x in (3, 2.5, np.arange(3.0), 4, "x"):
            assert exact(f(x)) == exact(of_any_type(x))
    assert len(f.signatures) == 4


def several(x, n):
    with objmode():
        a = x.tolist()
        b = sum(a)
        c = str(n)
        d = x * b
    return len(a), b, c, d


def some_declared(x):
    with objmode(a="float64"):
        a = 1
        b = x.sum()
    return a + b


def sure_and_unsure(n):
    with objmode():
        y = n
        if n > 2:
            z = n * 0.5
    return (y, z) if n > 2 else (y, 1.5)


def many_ways_out(n):
    total = 0
    for i in range(n):
        with objmode():
            k = len(bin(i))
            if k % 2:
                continue
            m = k * 2
        total += k + m
    return total


def in_a_handler(n):
    try:
        with objmode():
            y = {3: 30}[n]
    except KeyError:
        return -1
    return y


def test_forms():
    runs_twice(several, np.arange(4.0), 7)
    runs_twice(some_declared, np.arange(4.0))
    runs_twice(sure_and_unsure, 5)
    runs_twice(many_ways_out, 40)
    runs_twice(in_a_handler, 3)


def test_under_jit():
    runs_twice(of_any_type, 3, decorator=jit)


def reached_late(n):
    y = 0.5
    if n > 5:
        with objmode():
            z = np.ones(n)
        y = z.sum()
    return y


def test_a_body_that_is_not_reached_at_first():
    f = njit(cache=False)(reached_late)
    assert [f(n) for n in (1, 2, 9)] == [0.5, 0.5, 9.0]
    assert not f.signatures
    assert f(10) == 10.0 and f(1) == 0.5
    assert len(f.signatures) == 1


@njit(cache=False)
def inner(i):
    with objmode():
        k = len(str(i))
    return k


def plain_inner(i):
    with objmode():
        k = len(str(i)) / 2
    return k


def calls(n):
    s = 0.0
    for i in range(n):
        s += inner(i) + plain_inner(i)
    return s


def test_callees():
    runs_twice(calls, 30)


def rounds(n):
    out = np.zeros(n)
    for i in prange(n):
        with objmode():
            k = len(str(i)) / 2
        out[i] = k
    return out


def test_rounds_of_prange():
    f = njit(parallel=True, cache=False)(rounds)
    for n in (20, 30, 200):
        assert exact(f(n)) == exact(rounds(n))


def other_types_later(n, kind):
    with objmode():
        y = {0: n, 1: n / 2, 2: str(n)}[kind]
    return y


def test_other_types_later():
    f = njit(cache=False)(other_types_later)
    assert [f(n, 0) for n in range(3)] == [0, 1, 2]
    for kind, left in ((1, "float"), (2, "str")):
        with pytest.raises(TypeError, match=f"variable 'y' was int when the body first ran, and now it has left {left}: declare a type that holds for both"):
            f(1, kind)
    assert f(5, 0) == 5
    g = njit(cache=False)(other_types_later)     # what was seen is of the function
    assert g(5, 0) == 5 and len(g.signatures) == 1


def int_or_float(n):
    x = 1
    if n > 2:
        x = 2.5
    with objmode():
        y = x * 2
    return y


def test_the_compiler_has_another_type_than_python():
    """x is a float in compiled code, an int in Python: after two runs nothing better will come."""
    f = njit(cache=False)(int_or_float)
    assert [f(1), f(1)] == [2, 2]
    with pytest.raises(TypeError, match="variable 'y' was int when the body first ran, and now it has left float"):
        f(1)


def numpy_scalars(x):
    s = 0.0
    for i in range(len(x)):
        s += x[i]
    k = x[0]
    with objmode():
        y = s * k
    return y


def test_numpy_scalars():
    runs_twice(numpy_scalars, np.arange(5.0) + 1)
    f = njit(cache=False)(numpy_scalars)
    assert type(f(np.arange(5) + 1)) in (np.float64, float)


def has_no_type(n):
    with objmode():
        y = {n: n}
    return y


def test_a_value_without_a_type():
    """Python runs all calls."""
    f = njit(cache=False)(has_no_type)
    assert [f(n) for n in range(3)] == [{0: 0}, {1: 1}, {2: 2}]
    assert not f.signatures


def raises(n):
    with objmode():
        y = {1: 10}[n]
    return y


def test_exceptions_of_the_first_run():
    f = njit(cache=False)(raises)
    for n in (5, 5, 1, 1, 5):
        if n == 1:
            assert f(n) == 10
            continue
        with pytest.raises(KeyError) as caught:
            f(n)
        assert [e.name for e in traceback.extract_tb(caught.value.__traceback__)][1:] == ["raises"]


def test_signatures_that_are_given_need_types():
    f = njit("(int64,)", cache=False)(undeclared)
    with pytest.raises(TypingError, match="'y'"):
        f(1)


def undeclared(x):
    with objmode():
        y = x + len(RUNS)
    return y


def test_threads():
    f = njit(cache=False)(several)
    x = np.arange(10.0)
    want, found = exact(several(x, 3)), []
    in_threads(4, lambda _: found.extend(exact(f(x, 3)) for _ in range(20)))
    assert found == [want] * 80


def test_nothing_leaks():
    f = njit(cache=False)(several)
    x = np.arange(1000.0)
    for _ in range(3):
        f(x, 3)
    gc.collect()
    blocks, references = _coluber._runtime_stats()["live_blocks"], sys.getrefcount(x)
    for _ in range(50):
        f(x, 3)
    gc.collect()
    assert _coluber._runtime_stats()["live_blocks"] == blocks
    assert sys.getrefcount(x) == references


def test_what_was_seen_is_forgotten_with_the_function():
    def make(n):
        space = {"njit": njit, "objmode": objmode}
        exec(f"def f(x):\n    with objmode():\n        y = x * {n}.5\n    return y", space)
        f = njit(cache=False)(space["f"])
        assert [f(2), f(2)] == [2 * (n + 0.5)] * 2
    gc.collect()
    before = len(_objmode._RECORDS)
    for n in range(3):
        make(n)
    gc.collect()
    assert len(_objmode._RECORDS) == before
