"""Functions of thousands of blocks, which are compiled in parts: values that go from part to part, ways out of their middle, loops around them."""
import random
import textwrap
import traceback

import numpy as np
import pytest
from check import same

from coluber import _coluber, njit

pytestmark = pytest.mark.sampled

SNIPPETS = [                                   # what a part may make, leave behind and end with; @ is a number of its own
    "for i in range(len(a)):\n    a[i] = a[i] * 0.5 + @.25",
    "if s > @.0:\n    s -= @.5\nelse:\n    s += a[@ % len(a)]",
    "for i in range(n):\n    if i % 3 == @ % 3:\n        continue\n    t = (t + i * @) % 1000003\n    if t == k:\n        return t, s, -@",
    "xs.append(float(s) * @.0)\nif len(xs) > 40:\n    xs = xs[20:]",
    "try:\n    s += 1.0 / (t % @ - 1 if @ > 3 else 2)\nexcept ZeroDivisionError:\n    s -= @.0",
    "b = a[::-1] + s\ns = b[0] * 0.125",
    "while t % 7 != @ % 7:\n    t += 3",
    "if k == @:\n    raise ValueError('at @')",
    "for i in range(2):\n    for j in range(len(a) - 1):\n        s += a[j + 1] * 0.001 - i\n        if s > 1e6:\n            break",
    "s = s * 0.5 if t % 2 else s + @.0",
    "p, q = (t, s) if t % 5 > 2 else (@, 0.5)\nt += p % 11\ns += q * 0.25",
]


def generated(count, seed, around="{body}"):
    rng = random.Random(seed)
    body = "\n".join(rng.choice(SNIPPETS).replace("@", str(k)) for k in range(1, count + 1))
    begin = "def f(a, n, k):\n    s = 1.0\n    t = 1\n    p = 0\n    q = 0.0\n    xs = [0.5]\n    b = a + 0.0\n"
    source = begin + textwrap.indent(around.replace("{body}", textwrap.indent(body, "    ") if around != "{body}" else body), "    ")
    scope = {}
    exec(compile(source + "\n    return t, s + sum(xs) + b[0], p\n", f"<generated {seed}>", "exec"), scope)  # noqa: S102
    return scope["f"]


@pytest.mark.parametrize("seed", range(4))
def test_statements_of_all_kinds(seed):
    f = generated(150, seed)
    for n, k in [(0, -1), (5, -1), (9, 77), (7, 140), (30, 12)]:
        same(f, np.linspace(-1.0, 2.0, 7), n, k)


@pytest.mark.parametrize("around", [
    "for r in range(3):\n{body}\n    if s > 1e7:\n        break",
    "try:\n{body}\nexcept ValueError as e:\n    s = -1.0\nfinally:\n    t += 1",
    "if n > 4:\n{body}\nelse:\n    t = n",
])
def test_inside_of_other_statements(around):
    f = generated(150, 11, around)
    for n, k in [(0, -1), (5, -1), (9, 77), (30, 12)]:
        same(f, np.linspace(-1.0, 2.0, 7), n, k)


def test_the_line_of_an_exception():
    """From the middle of a part, through those around it."""
    lines = "\n".join(f"    for i in range(len(a)):\n        a[i] = a[i] + {k}.0\n    s += a[{k} % n]" for k in range(160))
    scope = {}
    source = f"def f(a, n):\n    s = 0.0\n{lines}\n    return s\n"
    exec(compile(source, "<generated lines>", "exec"), scope)  # noqa: S102
    f = scope["f"]
    same(f, np.ones(8), 8)
    places = []
    for g in (f, njit(f, cache=False)):
        with pytest.raises(IndexError) as caught:
            g(np.ones(4), 100)
        places.append([frame.lineno for frame in traceback.extract_tb(caught.value.__traceback__) if frame.name == "f"])
    assert places[0] == places[1] and len(places[0]) == 1


def test_lists_and_arrays_are_given_back():
    """Of a function that leaves its parts by an exception, or early."""
    f = generated(150, 2)
    g = njit(f, cache=False)
    a = np.linspace(-1.0, 2.0, 4001)

    def live():
        return _coluber._runtime_stats()["live_blocks"]

    ends = set()
    before = live()
    for k in (-1, 77, 140, 12, 3, 39):
        try:
            g(a.copy(), 9, k)
            ends.add("return")
        except ValueError:
            ends.add("raise")
    assert live() == before and ends == {"return", "raise"}
