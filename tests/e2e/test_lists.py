"""Lists: as arguments (changed in place), results and locals."""
import itertools
import operator
import random

import pytest
from check import compiled, made, same

from coluber import njit
from coluber.errors import TypingError

pytestmark = pytest.mark.numpy

LISTS = [[], [1], [3, 1, 2], [1, 2, 2, 3], [7, 6, 5, 4, 3, 2, 1]]
PLACES = [0, 1, 2, -1, -2, 5, -9, 100]
RANDOM = random.Random(4)


def filled(*more):
    """The lists whose item type can be known."""
    return [xs for xs in LISTS if xs] + list(more)


METHODS = {
    "pop": "xs.pop(i)", "pop_last": "xs.pop()", "insert": "xs.insert(i, 77)", "remove": "xs.remove(i)", "index": "xs.index(i)",
    "index_from": "xs.index(2, i)", "count": "xs.count(i)", "append": "xs.append(i)", "extend": "xs.extend([i, i])", "extend_self": "xs.extend(xs)",
    "extend_tuple": "xs.extend((i, 5))", "extend_range": "xs.extend(range(i))", "clear": "xs.clear()", "copy": "xs.copy()", "reverse": "xs.reverse()",
    "sort": "xs.sort()", "sort_down": "xs.sort(reverse=True)", "sort_key": "xs.sort(key=lambda x: x % 3)", "get": "xs[i]", "contains": "i in xs",
    "not_contains": "i not in xs", "times": "xs * i if i < 50 else xs", "times_right": "2 * xs", "plus": "xs + [i]", "contains_float": "2.0 in xs"}
STATEMENTS = {"set": "xs[i] = 50", "delete": "del xs[i]", "iadd": "xs += [i, 1]", "imul": "xs *= 3", "delete_slice": "del xs[i:]", "aug": "xs[i] += 5",
              "set_slice": "xs[1:i] = [9, 8]", "set_all": "xs[:] = [5]", "swap": "xs[0], xs[-1] = xs[-1], xs[0]"}


@pytest.mark.parametrize("name", METHODS)
def test_method(name):
    f = made(f"def f(xs, i):\n    r = {METHODS[name]}\n    return r, len(xs)")
    for xs, i in itertools.product(filled(), PLACES):
        same(f, xs, i)


@pytest.mark.parametrize("name", STATEMENTS)
def test_statement(name):
    f = made(f"def f(xs, i):\n    {STATEMENTS[name]}\n    return len(xs)")
    for xs, i in itertools.product(filled(), PLACES):
        same(f, xs, i, message=name not in ("set", "aug"))


def test_slices():
    get = made("def f(xs, a, b, c): return xs[a:b:c]")
    delete = made("def f(xs, a, b, c):\n    del xs[a:b:c]")
    put = made("def f(xs, a, b, c):\n    xs[a:b:c] = [9, 8]")
    for xs in filled()[1:]:
        for a, b, c in itertools.product(PLACES[:7], PLACES[:7], [1, 2, -1, -3, 0]):
            same(get, xs, a, b, c)
            same(delete, xs, a, b, c)
            same(put, xs, a, b, c)


def test_partial_slices():
    f = made("def f(xs, i): return xs[i:], xs[:i], xs[:], xs[::2], xs[::-1], xs[i::2], xs[:i:-1], xs[-2:]")
    for xs, i in itertools.product(filled(), PLACES):
        same(f, xs, i)
    same(made("def f(i): return list(range(20)[i:]), list(range(20)[::3]), list(range(1, 20, 2)[-3:i])"), 5)


@pytest.mark.parametrize("op", ["eq", "ne", "lt", "le", "gt", "ge", "add"])
def test_operators(op):
    f = made(f"def f(a, b): return operator.{op}(a, b)", operator=operator)
    for a, b in itertools.product(filled([1, 2]), repeat=2):
        same(f, a, b)
    same(f, [1.5, 2.5], [1.5, float("nan")])


def test_mixed():
    assert compiled(made("def f(a, b): return a + b"))([1, 2], [0.5]) == [1.0, 2.0, 0.5]
    same(made("def f(a, b): return a == b"), [1, 2], [1.0, 2.0])
    same(made("def f(a): return a == 3, a != (1, 2), [1.0, 2.5, 3.0]"), [1, 2])


@pytest.mark.parametrize("n", [0, 1, 2, 23, 24, 25, 48, 49, 100, 1000])
def test_sort(n):
    f = made("def f(xs):\n    ys = xs.copy()\n    ys.sort(reverse=True)\n    xs.sort()\n    return ys, sorted(ys, key=lambda x: x // 4)")
    same(f, [RANDOM.randint(0, 30) for _ in range(n + 1)])
    same(f, [RANDOM.uniform(-1, 1) for _ in range(n + 1)])
    g = made("def f(xs):\n    ys = xs.copy()\n    ys.sort(reverse=True)\n    xs.sort()\n    return ys, sorted(ys, key=lambda x: abs(x))")   # inf // 4 is a nan
    same(g, [RANDOM.choice([0.0, -0.0, 1.0, -2.5, float("inf"), float("-inf")]) for _ in range(n + 1)])      # equal ones stay in order
    same(f, [RANDOM.choice([2 ** 63 - 1, -(2 ** 63), 0, -1, 5]) for _ in range(n + 1)])
    same(made("def f(xs):\n    xs.sort()\n    return sorted(xs, reverse=True)"), [RANDOM.random() < 0.5 for _ in range(n + 1)])


def sort_on_the_way(xs, k):
    xs.append(xs[0])
    xs.sort()
    first, n = xs[0], len(xs)
    for i in range(n):
        xs[i] += i
    xs.sort(reverse=True)
    return first, xs[k], xs


def sort_nothing():
    xs = []
    xs.sort()
    return len(xs)


def test_sort_among_other_reads():
    """What is known of the items before is not taken to hold behind."""
    same(sort_on_the_way, [5, 3, 9, -1], 2)
    same(sort_on_the_way, [5.5, 3.0, -0.0, 0.0], 0)
    same(sort_nothing)


def grow(n):
    xs = []
    for i in range(n):
        xs.append(i * i)
    return xs


def grow_float(n):
    xs = []
    for i in range(n):
        xs.append(i)
        xs.append(0.5)
    return xs


def sieve(n):
    flags = [True] * (n + 1)
    flags[0] = flags[1] = False
    i = 2
    while i * i <= n:
        if flags[i]:
            for j in range(i * i, n + 1, i):
                flags[j] = False
        i += 1
    return [i for i in range(n + 1) if flags[i]]


def fill(n):
    return [0] * n, [1.5] * n, [1, 2] * n, [True] * n


def alias(xs):
    ys = xs
    ys.append(1)
    zs = ys[:]
    zs.append(2)
    return xs is ys, xs is zs, len(xs), len(zs)


def popped(n):
    xs = list(range(n))
    s = 0
    while xs:
        s += xs.pop()
        if len(xs) > 2:
            s -= xs.pop(0)
    return s


def empties(n):
    xs = []
    ys = [] if n > 0 else [1]
    ys.append(n)
    return len(xs), ys


@pytest.mark.parametrize("f", [grow, sieve, fill, popped, empties], ids=lambda f: f.__name__)
def test_locals(f):
    for n in (1, 2, 10, 100):
        same(f, n)


def test_alias():
    same(alias, [1, 2, 3])


def test_float_items():
    assert compiled(grow_float)(2) == [0.0, 0.5, 1.0, 0.5]


def test_tuples():
    f = made("def f(t, x): return t.count(x), x in t, t.index(x)")
    for t in [(1, 2, 1), (1, 2.5, True), (3,)]:
        for x in (1, 2, 3):
            same(f, t, x)


def test_ranges():
    f = made("def f(a, b, c, x):\n    r = range(a, b, c)\n    return x in r, len(r), r.start, r.stop, r.step")
    for a, b, c in [(0, 10, 1), (3, 50, 7), (50, 3, -7), (5, 5, 1)]:
        for x in (0, 3, 10, 17, 24, 43, 50):
            same(f, a, b, c, x)
        for x in (3.0, 3.5, float("nan"), float("inf"), 1e300):
            same(f, a, b, c, x)


def put(xs, v):
    xs.append(v)


EMPTY = {
    "append": "    xs.append(n)\n    return xs", "floats": "    for i in range(n):\n        xs.append(i * 0.5)\n    return len(xs)",
    "extend": "    xs.extend([1.5])\n    xs += [2.5]\n    xs.insert(0, 3.5)\n    return xs", "callee": "    put(xs, 1.5)\n    put(xs, 2.5)\n    return sum(xs)",
    "unused": "    return xs, len(xs), [x + 1 for x in xs]", "alias": "    ys = xs\n    ys.append(n)\n    return xs, ys is xs",
    "on_paths": "    ys = xs if n > 2 else [1]\n    ys.append(n)\n    return ys", "pop": "    xs.append(n)\n    return xs.pop(), xs"}


@pytest.mark.parametrize("name", EMPTY)
def test_empty_argument(name):
    f = made(f"def f(xs, n):\n{EMPTY[name]}", put=put)
    for n in (1, 5):
        same(f, [], n)
    assert compiled(f)([], 3) is not None      # the compiled code takes empty lists again


def test_two_empty_arguments():
    f = made("def f(xs, ys):\n    xs.append(1)\n    ys.append(2.5)\n    return xs, ys")
    same(f, [], [])
    g = made("def f(xs, ys):\n    xs.append(1)\n    ys.append(2)\n    return len(xs)")
    one = []
    assert compiled(g)(one, one) == 2 and one == [1, 2]
    f = compiled(made("def f(xs):\n    xs.append(1)\n    return xs"))
    xs = []
    assert f(xs) is xs and f(xs) is xs and xs == [1, 1]


def test_items_that_come_later():
    for start in ("list()", "[]", "[1]", "list(range(n))", "list((1, 2))", "[i for i in range(n)]"):
        f = made(f"def f(n):\n    xs = {start}\n    xs.append(2)\n    xs.append(0.5)\n    return xs")
        assert compiled(f)(2) == f(2)
        assert all(type(x) is float for x in compiled(f)(2))
    same(made("def f(n):\n    xs = list()\n    for i in range(n):\n        xs.append(i)\n    return xs, list(xs), list(), list((1, 2, n))"), 3)


def test_an_empty_list_takes_only_what_can_go_back():
    def put(xs, n):
        for i in range(n):
            xs.append("odd" if i % 2 else "even")
        return n

    with pytest.raises(TypingError, match="list\\(str\\)"):
        njit(put)([], 3)
