"""Loops that append in every round get their room in front (ir/passes/appends.cc, room.cc): the lists, and what is seen of them, are CPython's."""
import numpy as np
import pytest
from check import compiled, made, same, same_outcome

COUNTS = [-3, 0, 1, 2, 7, 64, 1000]


def into_argument(xs, n):
    for i in range(n):
        xs.append(i * i % 7)
    return len(xs)


def from_another(xs, ys):
    for y in ys:
        xs.append(y + len(ys))
    return xs[-1] if xs else 0


def twice_each(xs, n):
    for i in range(n):
        xs.append(i)
        xs.append(-i)
    return len(xs)


def one_list_by_two_names(xs, n):
    ys = xs
    for i in range(n):
        xs.append(i)
        ys.append(i + 1000)
    return len(ys)


def two_lists(xs, n):
    ys = [0.5]
    for i in range(n):
        xs.append(i)
        ys.append(i * 0.5)
    return len(xs), ys[-1]


def reads_what_it_appends(xs, n):
    for i in range(n):
        xs.append((xs[i] + 3 * xs[-1]) % 1000)
    return xs[len(xs) - 1]


def reads_the_length(xs, n):
    for i in range(n):
        xs.append(len(xs))
    return xs[-1]


def pops_too(xs, n):
    for i in range(n):
        xs.append(i)
        if i % 3 == 0:
            xs.pop()
    return len(xs)


def leaves(xs, n):
    for i in range(n):
        xs.append(i)
        if i == 5:
            break
    else:
        xs.append(-1)
    return len(xs)


def some_rounds(xs, n):
    for i in range(n):
        if i % 3:
            xs.append(i)
    return len(xs)


def rows(xs, n):
    for i in range(n):
        for j in range(i % 5):
            xs.append(i * j)
    return len(xs)


def by_steps(xs, n):
    for i in range(n, -5, -3):
        xs.append(i)
    return len(xs)


def through_a_function(xs, n):
    def add(k):
        xs.append(k)
    for i in range(n):
        add(i)
        xs.append(i + 1)
    return len(xs)


WAYS = [into_argument, twice_each, one_list_by_two_names, two_lists, reads_what_it_appends, reads_the_length, pops_too, leaves, some_rounds, rows, by_steps,
        through_a_function]


@pytest.mark.parametrize("f", WAYS, ids=lambda f: f.__name__)
def test_ways(f):
    for xs in ([1], [4, 5, 6]):
        for n in COUNTS:
            same(f, xs, n)


def test_from_another_list():
    for ys in ([1], [3, 4, 5], list(range(500))):
        same(from_another, [7], ys)


def test_from_itself():
    def once(xs, stop):
        for x in xs:
            if len(xs) >= stop:
                break
            xs.append(x + 1)
        return len(xs)
    same(once, [1, 2], 50)


def divides(xs, n, k):
    for i in range(n):
        xs.append(100 // (k - i))
    return len(xs)


def indexes(xs, ys, n):
    for i in range(n):
        xs.append(ys[i])
    return len(xs)


def caught(xs, n, k):
    try:
        for i in range(n):
            xs.append(100 // (k - i))
    except ZeroDivisionError:
        xs.append(-1)
    return len(xs)


def caught_inside(xs, n, k):
    for i in range(n):
        try:
            xs.append(100 // (k - i))
        except ZeroDivisionError:
            xs.append(-1)
    return len(xs)


@pytest.mark.parametrize("f", [divides, caught, caught_inside], ids=lambda f: f.__name__)
def test_rounds_that_raise(f):
    for n in (3, 10, 100):
        for k in (0, 4, 9, 1000):
            same(f, [5], n, k)


def test_rounds_that_raise_at_an_index():
    for n in (2, 3, 4, 50):
        same(indexes, [1], [9, 8, 7], n)


@pytest.mark.parametrize("items", ["str(i)", "(i, i * 0.5)", "[i, 1]", "i > 3", "1j * i", "np.float32(i)"])
def test_items(items):
    f = made(f"def f(n):\n    xs = []\n    for i in range(n):\n        xs.append({items})\n    return xs[-1], xs[n // 2], len(xs)", np=np)
    for n in (1, 5, 100):
        same_outcome(f, n)


@pytest.mark.parametrize("start, stop", [(-2**63 + 10, 2**63 - 1), (0, 2**63 - 1), (-5, 2**62), (0, 2**47)])
def test_more_than_there_can_be(start, stop):
    def to_new(start, stop):
        xs = []
        for i in range(start, stop):
            xs.append(i)
        return len(xs)
    with pytest.raises(MemoryError):
        compiled(to_new)(start, stop)


def test_kept_room_is_not_seen():
    def f(xs, n):
        for i in range(n):
            xs.append(i)
        for i in range(n):
            xs.pop()
        for i in range(3):
            xs.append(i)
        return len(xs)
    same(f, [1], 1000)
