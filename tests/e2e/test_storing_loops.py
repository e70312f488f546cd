"""Loops that store and may raise at any turn: what was stored before is there, what comes behind is not, whether or not the loop runs as vectors."""
import numpy as np
import pytest
from check import compiled, exact, outcome, same


def agree(f, *args):
    """The same result or exception, and the same contents of the arguments afterwards."""
    want, args_want = outcome(f, args, {})
    got, args_got = outcome(compiled(f), args, {})
    if want[0] == "raises":
        assert got[0] == "raises" and want[1:] == got[1:], (want, got)
    else:
        assert exact(want[1]) == exact(got[1]), (want, got)
    assert exact(list(args_want)) == exact(list(args_got)), (args_want, args_got)


def squares(out, scale, bad, big):
    for i in range(len(out)):
        x = big if i == bad else i * scale
        out[i] = x ** 2


def inverses(out, start):
    n = len(out)
    for i in range(n):
        out[i] = 1.0 / (i - start)
    return n


def of_a_list(xs, out, k):
    for i in range(len(out)):
        out[i] = xs[i] ** k


def quotients(out, a, b):
    for i in range(len(out)):
        out[i] = (a + i) / (b + i * i)


def chain(out, x):
    """Each turn needs the one before."""
    for i in range(len(out)):
        x = 2.0 - 1.0 / x
        out[i] = x


def out_is_read(out):
    for i in range(1, len(out)):
        out[i] = 1.0 / (float(out[i - 1]) - 0.5)


def half(out, start):
    for i in range(len(out)):
        if i % 2 == 0:
            out[i] = 1.0 / (i - start)
        else:
            out[i] = -1.0


def until(out, start, stop):
    for i in range(len(out)):
        if i > stop:
            return i
        out[i] = 1.0 / (i - start)
    return -1


def into_a_list(xs, start):
    for i in range(len(xs)):
        xs[i] = 1.0 / (i - start)


def list_of_itself(xs):
    for i in range(1, len(xs)):
        xs[i] = 1.0 / xs[i - 1]


def rows(out, start):
    total = 0.0
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            x = 1.0 / (i * 10 + j - start)
            out[i, j] = x ** 2
            total += x
    return total


def caught(out, start):
    try:
        for i in range(len(out)):
            out[i] = 1.0 / (i - start)
    except ZeroDivisionError as e:
        return str(e), out.sum()
    return "", 0.0


SIZES = [0, 1, 2, 7, 8, 9, 64, 100, 131]


@pytest.mark.parametrize("n", SIZES)
def test_stores_stop_where_it_raises(n):
    out = np.full(n, 7.0)
    for bad in (-1, 0, n // 2, n - 1):
        agree(squares, out, 0.5, bad, 1e200)
        agree(squares, out, 0.5, bad, float("inf"))
        agree(inverses, out, bad)
        agree(inverses, out, bad + 0.5)
        agree(half, out, bad)
        agree(caught, out, bad)
        for stop in (bad - 1, bad, bad + 1, 3):
            agree(until, out, bad, stop)


@pytest.mark.parametrize("n", SIZES)
def test_lists(n):
    for bad in (-1, 0, n // 2, n - 1):
        xs = [0.25 * k for k in range(n)]
        if 0 <= bad:
            xs[bad:bad + 1] = [1e300]
        agree(of_a_list, xs, np.zeros(n), 2)
        agree(of_a_list, xs, np.zeros(n), 3)
        agree(into_a_list, [float(k) for k in range(n)], bad)
        agree(list_of_itself, [2.0 if k != bad else 0.0 for k in range(n)])


@pytest.mark.parametrize("n", SIZES)
def test_values_that_depend_on_turns_before(n):
    agree(chain, np.zeros(n), 0.5)
    agree(chain, np.zeros(n), 3.0)
    agree(chain, np.zeros(n), 4.0 / 3.0)
    agree(out_is_read, np.full(n, 2.0))
    agree(out_is_read, np.array([2.5] + [0.0] * max(n - 1, 0))[:n])


@pytest.mark.parametrize("n", SIZES)
def test_quotients_of_ints(n):
    for a, b in ((1, 1), (-5, -16), (2 ** 53 - 3, 7), (2 ** 60, 2 ** 61 + 1), (0, -4)):
        agree(quotients, np.zeros(n), a, b)


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (3, 4), (5, 70)])
def test_nests(shape):
    for start in (-1, 0, 5, 23, 1000):
        agree(rows, np.zeros(shape), start)
    agree(rows, np.zeros(shape).T, 3)


def aliased(a, b, start):
    for i in range(len(a)):
        a[i] = b[i] + 1.0 / (i - start)


def test_the_same_array_twice():
    whole = np.arange(50.0)
    for start in (-1, 20):
        same(overlapping, whole, start)


def overlapping(whole, start):
    try:
        aliased(whole[1:], whole[:-1], start)
    except ZeroDivisionError:
        return whole, True
    return whole, False
