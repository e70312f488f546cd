"""Nothing is left behind when compiled code raises: blocks of the runtime, references to arguments and their items, Python objects. Each
function raises with arrays, lists, strings or tuples of them alive, at some depth of calls, loops and handlers."""
import gc
import sys

import numpy as np
import pytest

from coluber import _coluber, njit

pytestmark = pytest.mark.numpy


class Mine(Exception):
    pass


# ---- what raises

def index_in_a_loop(a, n):
    b = a * 2.0
    s = 0.0
    for i in range(n):
        c = b + i
        s += c[i]
    return s


def store_out_of_range(a, n):
    b = np.zeros(3)
    c = a.copy()
    for i in range(n):
        b[i] = c[0]
    return b


def division(a, n):
    keep = [a.copy(), a + 1.0]
    total = 0
    for i in range(n):
        total += 10 // (n - 1 - i)
    return keep, total


def in_a_callee(a, n):
    b = a + 1.0
    return helper(b, n) + b[0]


def helper(b, n):
    c = b * b
    d = [c[0], c[1]]
    if n > 1:
        return deeper(c, d, n)
    return d[0]


def deeper(c, d, n):
    e = np.concatenate((c, c))
    if n > 3:
        raise Mine("deep", n, e[0])
    return d[n]


def recursive(a, n):
    b = a + 1.0
    if n == 0:
        raise ValueError("at the bottom")
    return recursive(b, n - 1) + b[0]


def growing_list(a, n):
    rows = [a[0]]
    for i in range(n * 100):
        rows.append(rows[i] + i)
        if len(rows) > 500:
            rows[501] = 0.0
    return rows


def in_a_comprehension(a, n):
    b = [x * 2.0 for x in a]
    return [b[i] for i in range(n)]


def tuples_of_arrays(a, n):
    p = (a + 1.0, a + 2.0)
    for i in range(n):
        q = (p[1], p[0] * 2.0)
        if i == 2:
            p = q
        if q[0][0] > p[1][i] and i > 1000:
            return q
    return p


def message_of_values(a, n):
    b = a * 3.0
    raise Mine(f"{n} of {b[0]}", "text", n)


def caught_and_raised_anew(a, n):
    b = a * 3.0
    try:
        return b[n]
    except IndexError as e:
        c = b + 1.0
        raise Mine(c[0]) from e


def caught_in_a_loop(a, n):
    hits = 0
    for i in range(n):
        b = a + i
        try:
            c = b * 2.0
            hits += int(c[i + 1])
        except IndexError:
            hits += 1
            b = a - i
        hits += int(b[n])
    return hits


def through_finally(a, n):
    b = a + 1.0
    try:
        c = b + 1.0
        try:
            return c[n]
        finally:
            b = c * 2.0
    finally:
        a[0] = b[0]


def finally_raises(a, n):
    b = a + 1.0
    try:
        return b[n]
    finally:
        c = b * 2.0
        raise Mine(c[0])


def singular(a, n):
    m = np.zeros((n, n))
    b = np.linalg.inv(m + 0.0)
    return b


def not_positive(a, n):
    m = -np.eye(n)
    keep = a + 1.0
    return np.linalg.cholesky(m)[0, 0] + keep[0]


def shapes_do_not_fit(a, n):
    b = a + 1.0
    return b + np.ones(n + 100)


def reshape_fails(a, n):
    return (a + 1.0).reshape(n, n + 1)


def matmul_fails(a, n):
    return np.ones((n, n)) @ (a + 1.0)


def empty_minimum(a, n):
    b = a[n + 50:] * 2.0
    return b.min()


def concatenate_fails(a, n):
    return np.concatenate((np.ones((2, n)), np.ones((2, n + 1))))


def list_pop(a, n):
    b = [a[0]] * n
    while n >= 0:
        b.pop()
        n -= 1
    return b


def unpacks_too_many(a, n):
    b = [x + 1.0 for x in a]
    x, y = b
    return x + y


def inner_function(a, n):
    b = a + 1.0

    def inner(i):
        c = b * i
        return c[i]
    s = 0.0
    for i in range(n + 100):
        s += inner(i)
    return s


def optional_array(a, n):
    b = None
    for i in range(n):
        if i > 1:
            b = a + i
    if b is not None:
        return b[n]
    return 0.0


def masks(a, n):
    b = a[a > -1.0]
    c = b[np.arange(n + 90)]
    return c


def swapped(a, n):
    b, c = a + 1.0, a + 2.0
    for i in range(n + 90):
        b, c = c, b * 2.0
        b[i] = c[i]
    return b


def enumerated(a, n):
    rows = np.zeros((n, len(a))) + a
    for i, row in enumerate(rows):
        for x, y in zip(row, rows[i + 1]):
            a[0] += x - y
    return a


def too_deep(a, n):
    b = a + 1.0
    return too_deep(b, n + 1) + b[0]


CASES = [(index_in_a_loop, IndexError), (store_out_of_range, IndexError), (division, ZeroDivisionError), (in_a_callee, Mine), (recursive, ValueError),
         (growing_list, IndexError), (in_a_comprehension, IndexError), (tuples_of_arrays, IndexError), (message_of_values, Mine),
         (caught_and_raised_anew, Mine), (caught_in_a_loop, IndexError), (through_finally, IndexError), (finally_raises, Mine),
         (singular, np.linalg.LinAlgError), (not_positive, np.linalg.LinAlgError), (shapes_do_not_fit, ValueError), (reshape_fails, ValueError),
         (matmul_fails, ValueError), (empty_minimum, ValueError), (concatenate_fails, ValueError), (list_pop, IndexError),
         (unpacks_too_many, ValueError), (inner_function, IndexError), (optional_array, IndexError), (masks, IndexError), (swapped, IndexError),
         (enumerated, IndexError)]
SIZE, ROUNDS = 6, 7


def stats():
    s = _coluber._runtime_stats()
    return s["live_blocks"], s["live_bytes"]


def expect(f, kind, *args):
    try:
        f(*args)
    except kind as e:
        return type(e)
    raise AssertionError(f"{f} did not raise {kind.__name__}")


def python_blocks(f, kind, *args):
    """By how much 300 calls make CPython's memory grow, once its caches are filled: the least of three times, since a leak is there each time, and
    what the threads of the test runner keep is not."""
    for _ in range(100):
        expect(f, kind, *args)
    growth = []
    for _ in range(3):
        gc.collect()
        before = sys.getallocatedblocks()
        for _ in range(300):
            expect(f, kind, *args)
        gc.collect()
        growth.append(sys.getallocatedblocks() - before)
    return min(growth)


@pytest.mark.parametrize("f, kind", CASES, ids=lambda x: x.__name__)
def test_nothing_is_left(f, kind):
    c = njit(f, cache=False)
    a = np.linspace(1.0, 2.0, SIZE)
    expect(f, kind, a.copy(), ROUNDS)          # CPython
    expect(c, kind, a, ROUNDS)                 # compiles; what is made once is there now
    before, references, classes = stats(), sys.getrefcount(a), sys.getrefcount(kind)
    for _ in range(50):
        expect(c, kind, a, ROUNDS)
    gc.collect()
    assert stats() == before
    assert sys.getrefcount(a) == references
    assert sys.getrefcount(kind) - classes < 5
    assert python_blocks(c, kind, a, ROUNDS) < 100        # a block that leaks makes 300


def test_recursion_without_end():
    c = njit(too_deep, cache=False)
    a = np.ones(3)
    expect(c, RecursionError, a, 0)
    before = stats(), sys.getrefcount(a)
    for _ in range(3):
        expect(c, RecursionError, a, 0)
    assert (stats(), sys.getrefcount(a)) == before


@pytest.mark.parametrize("arguments", [
    ([1.0, 2.0], 5), ([1, 2, 3], 7), ((1.0, np.ones(3)), 3), ("text", 9), ((np.ones(2), [1.0]), 4), (np.ones((2, 2)), 2)])
def test_arguments_of_all_kinds(arguments):
    """Converted arguments and what they hold; written to before the raise where they can be."""
    @njit(cache=False)
    def f(x, i):
        made = [0.5, 1.5]
        made.append(2.5)
        if i > 0:
            raise Mine("with", i, made[1])
        return x
    value, i = arguments
    expect(f, Mine, value, i)
    items = list(value) if isinstance(value, (tuple, list)) else []
    before = stats(), [sys.getrefcount(x) for x in [value, *items]]
    for _ in range(50):
        expect(f, Mine, value, i)
    assert stats() == before[0]
    assert all(abs(sys.getrefcount(x) - n) < 3 for x, n in zip([value, *items], before[1]))


def test_lists_that_were_written_to():
    @njit(cache=False)
    def f(x, y, n):
        for i in range(n):
            x.append(x[i] + y[i])
            x[i] = 0.5
        return x
    for _ in range(30):
        x, y = [1.0, 2.0], [3.0, 4.0]
        before = stats()
        expect(f, IndexError, x, y, 5)
        assert stats() == before and x == [0.5, 0.5, 4.0, 6.0] and y == [3.0, 4.0]


def test_results_that_cannot_be_made():
    """The exception an argument of the wrong kind causes, before anything ran and with others converted already."""
    @njit(cache=False)
    def f(x, y):
        return x
    a = np.ones(3)
    expect(f, TypeError, [a, a], object())
    before = stats(), sys.getrefcount(a)
    for _ in range(20):
        expect(f, TypeError, [1.0, 2.0], object())
        expect(f, TypeError, [1.0, "x"], 1)
        expect(f, TypeError, a, object())
    assert (stats(), sys.getrefcount(a)) == before


def test_exceptions_that_are_kept_hold_no_arguments():
    c = njit(message_of_values, cache=False)
    a = np.ones(3)
    expect(c, Mine, a, 1)
    before = stats(), sys.getrefcount(a)
    kept = []
    for _ in range(10):
        try:
            c(a, 1)
        except Mine as e:
            e.__traceback__ = None             # this frame
            kept.append(e)
    assert kept[3].args == ("1 of 3.0", "text", 1)
    assert (stats(), sys.getrefcount(a)) == before
