"""prange: forms of loops, what they may contain, variables behind the loop. Compared with the same function in CPython, where prange is range."""
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parallel import agree, compiled, loops

import coluber
from coluber import prange

pytestmark = pytest.mark.numpy

RNG = np.random.default_rng(7)
SIZES = [0, 1, 2, 3, 63, 64, 65, 1001, 20_000]


# ---- maps

def double(x, out):
    for i in prange(len(x)):
        out[i] = x[i] * 2


@pytest.mark.parametrize("n", SIZES)
def test_map(n):
    agree(double, RNG.random(n), np.empty(n), parallel=1)


def layouts():
    whole = RNG.random((40, 6))
    yield whole[:, 0], np.empty(40)
    yield whole[::-2, 3], np.empty(80)[::4]
    yield np.asfortranarray(whole)[3], np.empty(6)
    frozen = whole[:, 1].copy()
    frozen.flags.writeable = False
    yield frozen, np.empty(40, np.float32)
    yield np.array([np.nan, np.inf, -np.inf, -0.0, 1e308, 5e-324]), np.empty(6)
    yield np.array([2**62, -2**63, 2**63 - 1, 0]), np.empty(4, np.int64)


@pytest.mark.parametrize("x, out", list(layouts()))
def test_layouts(x, out):
    agree(double, x, out)


def rows(a, out):
    n, m = a.shape
    for i in prange(n):
        for j in range(m):
            out[i, j] = a[i, j] + a[i, (j + 1) % m] * a[(i + 1) % n, j]


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (7, 5), (130, 33)])
@pytest.mark.parametrize("order", "CF")
def test_rows(shape, order):
    a = np.array(RNG.random(shape), order=order)
    agree(rows, a, np.empty_like(a), parallel=1)


def stencil_steps(a, steps):
    now, then = a.copy(), a.copy()
    for _ in range(steps):
        for i in prange(1, len(a) - 1):
            then[i] = 0.25 * now[i - 1] + 0.5 * now[i] + 0.25 * now[i + 1]
        now, then = then, now
    return now


def test_steps():
    agree(stencil_steps, RNG.random(500), 40, parallel=1)


def whole_rows(a, out):
    for i in prange(len(a)):
        out[i] = a[i] * 2 + a[i].max()
    for i in prange(a.shape[1]):
        out[:, i] -= out[:, i].sum() * 0.5


def test_array_operations_of_rounds():
    agree(whole_rows, RNG.random((70, 9)), np.zeros((70, 9)), parallel=2)


def own_memory(x):
    out = np.zeros((len(x), 3))
    for i in prange(len(x)):
        t = np.empty(3)
        t[:] = x[i]
        items = [x[i], 2.0]
        items.append(float(i))
        out[i] = t * items[2] + len(items)
    return out


def test_memory_of_a_round():
    agree(own_memory, RNG.random(3000), parallel=1)


def helper(x, k):
    s = 0.0
    while k > 0:
        s += x / k
        k -= 1
    return s


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def calls(x):
    out = np.empty_like(x)
    for i in prange(len(x)):
        out[i] = helper(x[i], i % 50) + fib(i % 12) + math.sin(x[i])
    return out


def test_calls():
    agree(calls, RNG.random(2000), parallel=1, ulps=1)


def tuples(points):
    out = np.zeros(len(points))
    for i in prange(len(points)):
        p = (points[i, 0], points[i, 1])
        a, b = p[1], p[0]
        out[i] = a - b
    return out


def test_tuples():
    agree(tuples, RNG.random((300, 2)), parallel=1)


def from_list(x, out):
    for i in prange(len(x)):
        out[i] = x[len(x) - 1 - i] + i


def test_lists():
    agree(from_list, [float(i) for i in range(500)], [0.0] * 500, parallel=1)


# ---- ranges

def squares(start, stop, step, out):
    s = 0
    for i in prange(start, stop, step):
        s += i * i
        out[i] = i
    return s


@given(st.integers(-40, 40), st.integers(-40, 40), st.integers(-7, 7))
def test_ranges(start, stop, step):
    agree(squares, start, stop, step, np.full(81, 99))


def down(x):
    s = 0
    for i in prange(len(x) - 1, -1, -1):
        x[i] = i
        s += 1
    return s


def test_down():
    agree(down, np.zeros(1001, np.int64), parallel=1)


def extremes(start, stop, step):
    n = 0
    for _i in prange(start, stop, step):
        n += 1
    return n


@pytest.mark.parametrize("args", [(2**63 - 3, 2**63 - 1, 1), (-2**63, -2**63 + 3, 1), (-2**62, 2**62 - 1, 2**60), (2**62 - 1, -2**62, -2**60)])
def test_extremes(args):
    agree(extremes, *args)


def carries_on(x):
    n = 0
    for i in prange(len(x)):
        if x[i] < 0.3:
            continue
        if x[i] > 0.8:
            x[i] = 0
            continue
        n += 1
    return n


def test_continue():
    agree(carries_on, RNG.random(3000), parallel=1)


def nested(a):
    n, m = a.shape
    total = 0.0
    for i in prange(n):
        for j in prange(m):
            a[i, j] += i * j
        for j in prange(m):
            total += a[i, j]
    return total


def test_nested():
    agree(nested, np.arange(600.0).reshape(20, 30), parallel=1)
    inner = [loop.why for loop in loops(compiled(nested)) if not loop.parallel]
    assert inner == ["it is inside of a parallel loop"] * 2


def calls_parallel(a, out):
    for i in prange(len(a)):
        out[i] = summed(a[i])
    return summed(out)


def summed(x):
    s = 0.0
    for i in prange(len(x)):
        s += x[i]
    return s


def test_a_round_calls_a_parallel_function():
    inner = coluber.njit(summed, parallel=True, cache=False)
    f = coluber.njit(parallel=True, cache=False)(type(calls_parallel)(calls_parallel.__code__, {**globals(), "summed": inner}))
    a, out, want = np.arange(300.0).reshape(30, 10), np.zeros(30), np.zeros(30)
    assert f(a, out) == calls_parallel(a, want)
    assert (out == want).all()


def leaves(x, limit):
    for i in prange(len(x)):
        if x[i] > limit:
            return i
    return -1


def breaks(x, limit):
    n = 0
    for i in prange(len(x)):
        if x[i] > limit:
            break
        n += 1
    return n


@pytest.mark.parametrize("f", [leaves, breaks])
def test_loops_that_are_left_stay_serial(f):
    agree(f, RNG.random(200), 0.9, parallel=0)
    assert "break or return" in loops(compiled(f))[0].why


def test_without_the_option_it_is_range():
    f = coluber.njit(double, cache=False)
    out = np.empty(5)
    f(np.arange(5.0), out)
    assert out.tolist() == [0, 2, 4, 6, 8] and loops(f) == []


def checked(n, by):
    s = 0
    for i in prange(n):
        s += by
    return s


def test_sums_that_are_checked_for_overflow_stay_serial():
    f = compiled(checked, overflow="raise")
    assert f(5, 2**60) == 5 * 2**60
    with pytest.raises(OverflowError):
        f(8, 2**60)
    assert "overflow" in loops(f)[0].why


# ---- variables behind the loop

def last(x):
    t, i = -1.0, -5
    for i in prange(len(x)):
        t = x[i] * 2
    return t, i


def last_of_two(x):
    a, b = 0, 0.0
    for i in prange(3, len(x), 4):
        a = i
        if i % 2:
            b = x[i]
        else:
            b = -x[i]
    return a, b


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("f", [last, last_of_two])
def test_last_values(f, n):
    agree(f, RNG.random(n), parallel=1)


def only_inside(x):
    for i in prange(len(x)):
        k = i * 2
        if k > 100:
            k = 0
        x[i] = k
    k = 5
    return k


def test_private_variables():
    agree(only_inside, np.zeros(200), parallel=1)


def set_by_a_loop(a, out):
    for i in prange(len(out)):
        for _ in range(1):
            s = 0.0
        for k in range(a.shape[1]):
            s += a[i, k]
        out[i] = s


def set_by_a_loop_down(a, out):
    s = 5.0
    for i in prange(len(out)):
        for j in range(2, -1, -1):
            for k in range(2):
                s = a[i, j] - k
        for k in range(a.shape[1]):
            s *= a[i, k]
        out[i] = s
    return s


def pair_set_by_a_loop(a, out):
    for i in prange(len(out)):
        for j in range(0, 6, 4):
            t = (i + j, a[i, 0])
            if a[i, 1] > 0.75:
                break
        out[i] = t[0] + t[1]
    return out


def row_set_by_a_loop(a, out):
    for i in prange(len(out)):
        j = 0
        while j < 2:
            row = a[i] * j
            j += 1
        out[i] = row[1] + row[2]


@pytest.mark.parametrize("f", [set_by_a_loop, set_by_a_loop_down, pair_set_by_a_loop, row_set_by_a_loop])
def test_a_loop_that_runs_for_certain_assigns(f):
    agree(f, RNG.random((97, 5)), np.zeros(97), parallel=1)


def set_by_a_loop_perhaps(x):
    s = 1.0
    for i in prange(len(x)):
        for j in range(i % 2):
            s = x[i]
        x[i] = s
    return s


def set_and_kept(x):
    s = 1.0
    for i in prange(len(x)):
        for j in range(2):
            s = s / 2 + j
        x[i] = s
    return s


def swaps(x):
    a, b = 1.0, 2.0
    for i in prange(len(x)):
        a, b = b, a
    return a


def shifted(x):
    before = 0.0
    for i in prange(len(x)):
        x[i] += before
        before = x[i]
    return before


def mixed(x):
    s = 0.0
    for i in prange(len(x)):
        s += x[i]
        s *= 2
    return s


def reads(x):
    s = 0.0
    for i in prange(len(x)):
        s += x[i]
        x[i] = s
    return s


def compares(x):
    s = 0.0
    for i in prange(len(x)):
        if s < 5:
            s += x[i]
    return s


def counts_by_hand(x):
    k = 0
    for i in prange(len(x)):
        x[k] = i
        k += 1
    return k


def place_of_some(x):
    low, at = 100.0, -1
    for i in prange(len(x)):
        if x[i] < low:
            low = x[i]
            if i % 2:
                at = i
    return low, at


def last_of_equals(x):
    low, at = 100.0, -1
    for i in prange(len(x)):
        if x[i] <= low:
            low = x[i]
            at = i
    return low, at


@pytest.mark.parametrize("f, name", [(swaps, "a"), (shifted, "before"), (mixed, "s"), (reads, "s"), (compares, "s"), (counts_by_hand, "k"), (place_of_some, "at"),
                                     (last_of_equals, "at"), (set_by_a_loop_perhaps, "s"), (set_and_kept, "s")])
def test_what_goes_from_round_to_round_is_an_error(f, name):
    with pytest.raises(coluber.TypingError, match=f"variable '[ab]'|variable '{name}'") as e:
        compiled(f)(RNG.random(10))
    assert "reduction" in str(e.value)
