"""Functions whose listings test_annotate.py knows: one construct each. Signatures are in CALLS."""
import math

import numpy as np

LIMIT = 0.5


def plus(a, b):
    return a + b


def scale(a, out, k):
    for i in range(a.shape[0]):
        out[i] = a[i] * k + 1.0


def total(a):
    s = 0.0
    for x in a:
        s += x
    return s


def isum(a):
    s = 0
    for x in a:
        s += x
    return s


def gather(a, idx):
    t = 0.0
    for j in idx:
        t = a[j]
    return t


def expression(a, b):
    return a * 2 + np.sqrt(b)


def zeros(n):
    c = np.zeros(n)
    return c


def nested(a):
    t = 0.0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            t += a[i, j]
    return t


def halve(t):
    while t > 0:
        t //= 2
    return t


def squares(n):
    return [i * i for i in range(n)]


def grow(n):
    out = []
    for i in range(n):
        out.append(i * 0.5) if i > 0 else None
    return out


def maybe(n):
    o = None
    if n > 3:
        o = 4
    return o


def pair(a, b):
    p = (a, b)
    first, second = p
    return second, first


def text(name):
    greeting = name
    return greeting


def calls(x):
    y = plus(x, 1.5)
    return y


def root(x):
    return math.sqrt(x)


def compare(a, limit=LIMIT):
    return a > limit


def half(a):
    h = a / 2
    k = h
    return k


def mixed(*args):
    t = 0
    for a in args:
        t += a
    return t


def complexes(z):
    w = z * 1j
    return w.real


A = np.arange(6.0)
CALLS = {
    "plus": (1, 2), "scale": (A, A.copy(), 2.0), "total": (A,), "isum": (np.arange(5, dtype=np.int32),), "gather": (A, np.arange(3)),
    "expression": (A, A), "zeros": (4,), "nested": (A.reshape(2, 3),), "halve": (9,), "squares": (4,), "grow": (3,), "maybe": (5,),
    "pair": (1, 2.5), "text": ("you",), "calls": (2.0,), "root": (2.0,), "compare": (0.25,), "half": (A.astype(np.float32),),
    "mixed": (1, 2, 3), "complexes": (1 + 2j,),
}
