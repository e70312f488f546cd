"""check_races: rounds that use the same memory are found while the loop runs, on several threads and on one."""
import os
import subprocess
import sys

import numpy as np
import pytest
from parallel import agree, compiled, copies, on_threads

import coluber
from coluber import atomic, critical, njit, prange

RNG = np.random.default_rng(6)


@pytest.fixture(params=[1, 2, 4])
def threads(request):
    with on_threads(request.param):
        yield request.param


def lines_of(f, *texts):
    """Numbers of the lines that contain each text."""
    import inspect
    source, first = inspect.getsourcelines(f)
    return [first + next(k for k, line in enumerate(source) if text in line) for text in texts]


def races(f, *args):
    with pytest.raises(coluber.RaceError) as e:
        compiled(f, check_races=True)(*copies(*args))
    assert all(place.startswith(__file__ + ":") for place in e.value.places), e.value.places
    assert str(e.value.iterations[0]) in str(e.value) and e.value.places[0] in str(e.value) and "coluber.atomic" in str(e.value)
    return e.value.iterations, [int(place.rsplit(":", 1)[1]) for place in e.value.places]


# ---- the races of Numba's issue tracker

def histogram(x, counts):
    for i in prange(len(x)):
        k = x[i]
        counts[k] = counts[k] + 1 if counts[k] >= 0 else 0


def test_a_histogram_in_a_shared_array(threads):
    x = np.array([0, 1, 2, 3, 1])
    (a, b), lines = races(histogram, x, np.zeros(9, np.int64))
    assert {a, b} == {1, 4} and set(lines) <= set(lines_of(histogram, "counts[k] = "))
    compiled(histogram, check_races=True)(np.arange(9), np.zeros(9, np.int64))


def adds_to_rows(x, j, res):
    for i in prange(len(x)):
        res[j[i]] = res[j[i]] * 0.5 + x[i]


def test_an_item_that_rounds_add_to(threads):
    (a, b), _ = races(adds_to_rows, np.ones(50), np.arange(50) % 49, np.zeros(50))
    assert {a, b} == {0, 49}
    agree(adds_to_rows, np.ones(50), np.arange(50), np.zeros(50), parallel=1, unproved=True, check_races=True)


def two_loops(a):
    for i in prange(len(a)):
        a[i] = i
    for i in prange(1, len(a)):
        a[len(a) - 1 - i] += 1
    s = 0.0
    for i in prange(len(a) - 1):
        s += a[i + 1]
    return s


def test_consecutive_loops_over_one_array(threads):
    agree(two_loops, np.zeros(40), parallel=3, check_races=True)


def reduction_in_a_branch(x):
    s, n, best = 0, 0, 0
    for i in prange(len(x)):
        if x[i] % 3 == 0:
            s += x[i]
        else:
            n += 1
        if x[i] > best:
            best = x[i]
    return s, n, best


def test_reductions_in_a_branch(threads):
    agree(reduction_in_a_branch, RNG.integers(1, 100, 3000), parallel=1, check_races=True)


# ---- what is found

def reads_behind(a, k):
    for i in prange(len(a) - 4):
        t = a[k[i]]
        a[i] = t + 1


def test_a_read_and_a_store(threads):
    k = np.arange(20)
    k[7] = 9
    (a, b), lines = races(reads_behind, np.zeros(20), k)
    assert {a, b} == {7, 9} and sorted(lines) == lines_of(reads_behind, "t = a[k[i]]", "a[i] = t + 1")


def array_operations(a, k):
    for i in prange(len(k)):
        a[k[i]] = a[0] + a[k[i]] * 2
        row = a[k[i]]
        row[:] = 1.0


def test_array_operations(threads):
    (a, b), _ = races(array_operations, np.zeros((8, 4)), np.arange(8))
    assert 0 in (a, b)


def helper(a, i, value):
    t = np.zeros(3)
    t[0] = value
    a[i] = t.sum()
    return a[i]


def through_calls(a, k):
    for i in prange(len(k)):
        helper(a, k[i], float(i))


def test_calls(threads):
    (a, b), lines = races(through_calls, np.zeros(9), np.array([0, 1, 2, 3, 4, 2]))
    assert {a, b} == {2, 5} and set(lines) <= set(lines_of(helper, "a[i] = t.sum()", "return a[i]"))
    agree(through_calls, np.zeros(9), np.arange(9), check_races=True)


def lists(items, k):
    for i in prange(len(k)):
        items[k[i]] = i


def test_lists(threads):
    (a, b), _ = races(lists, [0] * 5, [0, 1, 2, 1])
    assert {a, b} == {1, 3}
    agree(lists, [0] * 5, [4, 0, 3, 1], check_races=True)


def nested(a, k):
    for i in prange(len(k), collapse=2):
        for j in prange(3):
            a[k[i], j] = a[k[i], j] + i


def test_nests(threads):
    (a, b), _ = races(nested, np.zeros((4, 3)), np.array([0, 1, 2, 1]))
    assert sorted([a, b]) in ([3, 9], [4, 10], [5, 11])
    agree(nested, np.zeros((4, 3)), np.arange(4), parallel=1, unproved=True, check_races=True)


@pytest.mark.parametrize("dtype", ["int8", "uint16", "float32", "float64", "complex128"])
def test_each_size_of_items(threads, dtype):
    x = np.arange(1, 200) // 2
    races(copies_items, np.ones(len(x), dtype), x, np.zeros(200, dtype))
    agree(copies_items, np.ones(90, dtype), np.arange(90), np.zeros(90, dtype), check_races=True)


def copies_items(x, k, out):
    for i in prange(len(k)):
        out[k[i]] = x[i]


# ---- what is none

def without(x, j, counts, sums, bits, most):
    total = 0.0
    for i in prange(len(x)):
        atomic.add(counts, j[i], 1)
        with critical("sums"):
            sums[0] = sums[0] + x[i]
            sums[1] += sums[0]
        bits[i % 3] += x[i]
        t = np.full(5, x[i])
        t[1:] = t[:-1] + 1
        most[i] = t.max()
        total += t[0]
    return total


def test_what_is_no_race(threads):
    n = 500
    x = RNG.integers(0, 9, n).astype(float)
    args = x, np.arange(n) % 10, np.zeros(10, np.int64), np.zeros(2), np.zeros(3), np.zeros(n)
    assert compiled(without, check_races=True)(*args) == x.sum()
    assert (args[2] == n // 10).all() and args[3][0] == x.sum() and args[4].sum() == x.sum() and (args[5] == x + 1).all()


def temporary_lists(x, out):
    for i in prange(len(x)):
        items = [x[i]]
        for k in range(i % 40):
            items.append(float(k))
        out[i] = items[-1] + len(items)


def test_memory_that_rounds_give_back(threads):
    agree(temporary_lists, RNG.random(400), np.zeros(400), check_races=True)


def sets_items_of_lists(x, out):
    for i in prange(len(x)):
        items = [0.0, 1.0, 2.0]
        items[i % 3] = x[i]
        for k in range(i % 40):
            items.append(float(k))
        items[len(items) - 1] += 1.0
        out[i] = items[0] + items[2] + items[len(items) - 1]


def test_buffers_of_lists_that_rounds_give_back(threads):
    for _ in range(5):
        agree(sets_items_of_lists, RNG.random(400), np.zeros(400), check_races=True)


def inner_loop(a, k):
    for i in prange(len(k)):
        writes_twice(a, k[i])


@njit(parallel=True)
def writes_twice(a, k):
    for j in prange(4):
        a[k, j] = j
    for j in prange(4):
        a[k, 3 - j] += 1


def test_loops_within_a_round(threads):
    agree(inner_loop, np.zeros((9, 4)), np.arange(9), check_races=True)
    (a, b), _ = races(inner_loop, np.zeros((9, 4)), np.array([0, 1, 2, 3, 1]))
    assert {a, b} == {1, 4}


def shares_one_lock(x, s):
    for i in prange(len(x)):
        with critical("outer"):
            if i % 2 == 0:
                s[0] += x[i]
                s[1] = s[0]
            else:
                with critical("inner"):
                    with critical("outer"):
                        s[1] = s[0] + x[i]
                        s[0] = s[1]


def shares_the_inner_lock(x, s):
    for i in prange(len(x)):
        if i % 2 == 0:
            with critical("inner"):
                s[0] = s[0] + x[i] if s[0] > -1 else 0
        else:
            with critical("outer"):
                with critical("inner"):
                    with critical("innermost"):
                        s[0] = s[0] + x[i] if s[0] > -1 else 0


def shares_none(x, s):
    for i in prange(len(x)):
        if i % 2 == 0:
            with critical("a"):
                with critical("b"):
                    s[0] = x[i]
        else:
            with critical("c"):
                with critical("d"):
                    s[0] = x[i]


def test_locks_within_locks(threads):
    x = RNG.integers(0, 9, 300).astype(float)
    for f in (shares_one_lock, shares_the_inner_lock):
        agree(f, x, np.zeros(2), parallel=1, check_races=True)
    (a, b), _ = races(shares_none, x, np.zeros(2))
    assert (a + b) % 2 == 1


def no_lock_of_its_own(x, s, k):
    for i in prange(len(x)):
        s[k[i]] = x[i] if s[0] > -1 else 0


def no_lock_of_its_own_either(x, s, k):
    with critical("around"):
        for i in prange(len(x)):
            s[k[i]] = x[i] if s[0] > -1 else 0


def test_locks_around_the_loop_keep_no_rounds_apart(threads):
    x = RNG.integers(0, 9, 300).astype(float)
    with critical("around"):
        races(no_lock_of_its_own, x, np.zeros(1), np.zeros(300, int))
    races(no_lock_of_its_own_either, x, np.zeros(1), np.zeros(300, int))


def test_with_deterministic_reductions(threads):
    x = RNG.integers(0, 9, 400).astype(float)
    f = njit(without, parallel=True, check_races=True, reduction="deterministic", cache=False)
    assert f(x, np.arange(400) % 10, np.zeros(10, np.int64), np.zeros(2), np.zeros(3), np.zeros(400)) == x.sum()


def test_no_memory_is_lost(threads):
    from coluber import _coluber
    f = compiled(through_calls, check_races=True)
    bad = np.array([0, 1, 2, 3, 1])
    for _ in range(2):
        with pytest.raises(coluber.RaceError):
            f(np.zeros(9), bad)
    before = _coluber._runtime_stats()["live_blocks"]
    for _ in range(10):
        with pytest.raises(coluber.RaceError):
            f(np.zeros(9), bad)
    assert _coluber._runtime_stats()["live_blocks"] == before


def test_by_the_environment():
    code = """
import numpy as np
from coluber import njit, prange, RaceError
def f(a, k):
    for i in prange(len(k)):
        a[k[i]] = i
try:
    njit(f, parallel=True, cache=False)(np.zeros(4), np.array([0, 1, 1]))
    print("nothing")
except RaceError as e:
    print(*sorted(e.iterations))"""
    for value, want in (("1", "1 2"), ("0", "nothing"), ("", "nothing")):
        done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "COLUBER_CHECK_RACES": value}, capture_output=True, text=True, timeout=120)
        assert done.stdout.strip() == want, done.stderr
