"""Ranges whose step is computed, in loops (ir/passes/empty.cc): how many rounds there are, none above all, and what is seen behind them."""
import itertools

import pytest
from check import compiled, same, same_outcome

NUMBERS = [-7, -2, -1, 0, 1, 2, 3, 10]


def sieve(n):
    composite = [False] * (n + 1)
    found = []
    for k in range(2, n + 1):
        if not composite[k]:
            found.append(k)
            for m in range(k * k, n + 1, k):
                composite[m] = True
    return found, composite


def test_sieve():
    for n in (1, 2, 3, 10, 100, 1000):
        same(sieve, n)


def rounds(lo, hi, steps):
    total = 0
    last = -1
    for s in steps:
        for m in range(lo + s, hi, s):
            total += m
            last = m
    return total, last


def rounds_and_else(lo, hi, steps):
    total = 0
    for s in steps:
        for m in range(lo, hi + s, s):
            total = (total * 3 + m) % 1000
            if m == 7:
                break
        else:
            total += 1000
    return total


def length_seen(lo, hi, steps):
    total = 0
    for s in steps:
        r = range(lo, hi, s)
        total += len(r)
        for m in r:
            total += m * len(r)
    return total


def in_pairs(lo, hi, steps):
    total = 0
    for s in steps:
        for a in range(lo, hi, s):
            for b in range(a, hi, a * a + s * s):
                total += a * 100 + b
    return total


def carried(lo, hi, steps):
    x, y = 1, 0.5
    for s in steps:
        for m in range(lo, hi, s):
            x, y = x + m, y * 0.5 + x
        lo += x % 3
    return x, y, lo


@pytest.mark.parametrize("f", [rounds, rounds_and_else, length_seen, in_pairs, carried], ids=lambda f: f.__name__)
def test_rounds(f):
    for lo, hi in itertools.product(NUMBERS, NUMBERS):
        same(f, lo, hi, [s for s in NUMBERS if s != 0])


def test_a_step_of_zero():
    for steps in ([0], [1, 0], [2, 3, 0, 1]):
        same(rounds, 0, 10, steps)
        same(carried, 5, 0, steps)


def test_variables_that_are_bound_in_rounds_only():
    def f(steps):
        for s in steps:
            for m in range(5, 9, s):
                pass
        return m
    for steps in ([1], [-1, 2], [-1, -2]):
        same_outcome(f, steps)


def test_ends_of_the_ints():
    def f(lo, hi, steps):
        n = 0
        for s in steps:
            for m in range(lo, hi, s):
                n += 1
                if n > 20:
                    break
        return n
    big = 2**63 - 1
    for lo, hi in ((big - 3, big), (-big - 1, -big + 5), (big, -big)):
        assert compiled(f)(lo, hi, [2, 3]) == f(lo, hi, [2, 3])
