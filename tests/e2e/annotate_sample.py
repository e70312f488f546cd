#!/usr/bin/env python3
"""A file for test_annotate_command.py: decorated and plain functions, a method, what cannot be compiled, a script's end.

More than one line of docstring."""
import sys

import numpy as np
from coluber import jit, njit

LIMIT = 0.5
NAMES = ["a", "b"]
scale_of: int = 3


@njit(cache=False)
def total(a, limit=LIMIT):
    s = 0.0
    for x in a:
        if x < limit:
            s += x
    return s


def scale(a, k,
          out):                                # writes out
    """Multiplies."""
    n = len(a)
    for i in range(n):
        out[i] = a[i] * k
    below = total(out, 2.0)
    return below, n


@jit(cache=False)
def classes(x):
    class C:
        value = x
    return C.value


class Box:
    size = 1

    @staticmethod
    @njit(cache=False)
    def area(w, h=1):
        return w * h


@njit(cache=False)
def mix(*args, start=0):
    t = start
    for a in args:
        t += a
    return t


@njit(cache=False)
def first(a):
    best, where = a[0], 0
    for i, x in enumerate(a):
        if x > best:
            best, where = x, i
    found = (best, where)
    return found


@njit(cache=False)
def maybe(n: int):
    r = None
    if n > 0:
        r = n
    return r


def inner(k):
    @njit(cache=False)
    def add(x):
        y = x + k
        return y
    return add


def main():
    print(total(np.arange(4.0)), total(np.arange(4, dtype=np.float32), 2.0), Box.area(2, 3), Box.area(2.0, 3.5), mix(1, 2, 3))
    print(first(np.array([1.0, 3.0, 2.0])), maybe(2), classes(5), inner(2)(3), "é", sys.argv[1:])


if __name__ == "__main__":
    main()
