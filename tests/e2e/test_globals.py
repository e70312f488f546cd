"""Arrays outside of the function: globals, closures, tuples of them. They are bound by reference: what changes in them is seen."""
import gc
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from check import made, outcome, exact, compiled

from coluber import njit
from coluber.errors import TypingError

pytestmark = pytest.mark.numpy

G = np.arange(5.0)
M = np.arange(6).reshape(2, 3)
F = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3))
READ_ONLY = np.arange(3)
READ_ONLY.setflags(write=False)
STRIDED = np.arange(10.0)[::2]
TUPLE = (G, 3, (M, "x"))
LIST = [1, 2]


def item(i):
    return G[i] + M[1, 2]


def loop():
    t = 0.0
    for i in range(len(G)):
        t += G[i] * STRIDED[i]
    for x in G:
        if x > 2:
            return t, x
    return t, -1.0


def store(i, v):
    G[i] = v
    M[0] = 7
    return G.sum(), M.sum()


def of_tuple():
    return TUPLE[0][1] + TUPLE[2][0].sum() + TUPLE[1], TUPLE


def views():
    return G[1:3], M.T, F, STRIDED, READ_ONLY, F.shape, STRIDED.strides


def expression(a):
    return (G + a) * STRIDED - F[1, 2]


def overlapping(a):
    G[1:] = G[:-1] + a[:-1]
    return G


def read_only():
    READ_ONLY[0] = 1


def one_of(c):
    x = G if c else STRIDED
    return x[1], x


def or_none(c):
    x = None
    if c:
        x = G
    return x is None, G is G, G is not None


def method():
    f = G.max
    return f(), G.sum()


def inner_functions():
    def at(i):
        return G[i]
    shifted = lambda z: z + M[0, 0]            # noqa: E731
    return at(1) + shifted(2)


def with_default(a, b=G):
    return a + b


def through_calls(a):
    return with_default(G), with_default(a), loop(), item(1)


def in_handler(i):
    try:
        return G[i] + 1
    except IndexError:
        return G[0] + 100


CASES = {item: [(3,), (-1,), (7,)], loop: [()], store: [(2, 9.5), (8, 1.0)], of_tuple: [()], views: [()], expression: [(2.0,), (np.ones(5),)],
         overlapping: [(np.ones(5),)], read_only: [()], one_of: [(True,), (False,)], or_none: [(True,), (False,)], method: [()],
         inner_functions: [()], through_calls: [(np.ones(5),)], in_handler: [(1,), (9,)]}


@pytest.mark.parametrize("f", CASES, ids=lambda f: f.__name__)
def test_as_python(f):
    arrays = [G, M, F, STRIDED]
    before = [a.copy() for a in arrays]
    for args in CASES[f]:
        seen = []
        for g in (f, compiled(f)):
            for a, old in zip(arrays, before):
                a[:] = old
            result, _ = outcome(g, args, {})
            seen.append((exact(result[1]) if result[0] == "value" else result, exact(arrays)))
        assert seen[0] == seen[1]


def test_identity():
    def same():
        return G, TUPLE

    g, t = njit(same, cache=False)()
    assert g is G and t[0] is G and t[2][0] is M
    part = njit(lambda: G[1:3], cache=False)()
    assert part.base is G


def test_changes_are_seen():
    space = {"A": np.arange(4.0)}
    f = made("def f(): return A.sum(), A.shape", **space)
    space = f.__globals__
    g = njit(f, cache=False)

    def check():
        assert exact(g()) == exact(f())

    check()
    space["A"][1] = 50
    check()
    space["A"] += 1
    check()
    space["A"] = np.arange(3.0)                # rebound: the same type, then others
    check()
    space["A"] = np.arange(3)
    check()
    space["A"] = np.arange(12.0).reshape(3, 4)
    check()
    space["A"].shape = (4, 3)                  # the array itself: its shape, its rank, its memory, its flags
    check()
    space["A"].shape = (2, 2, 3)
    check()
    space["A"] = np.arange(12.0)
    check()
    space["A"].resize(1000, refcheck=False)
    check()
    space["A"].setflags(write=False)
    check()
    space["A"] = 3.0
    with pytest.raises(TypingError):
        g()
    space["A"] = np.ones(2)
    check()
    del space["A"]
    with pytest.raises(TypingError, match="name 'A' is not defined"):
        g()


def closure_over(a):
    def f(i):
        a[i] += 1
        return a[i] + len(a), a
    return f


def test_closures():
    arrays = [np.ones(3), np.full(5, 7.0), np.arange(4)]
    for a in arrays:
        want, got = closure_over(a.copy()), njit(closure_over(a), cache=False)
        for i in (0, 1, 0, 9):
            assert exact(outcome(want, (i,), {})[0][1]) == exact(outcome(got, (i,), {})[0][1])
        assert got(0)[1] is a


def test_a_closure_rebinds():
    def outer():
        a = np.ones(2)

        def f():
            return a.sum()

        def rebind(x):
            nonlocal a
            a = x
        return njit(f, cache=False), rebind

    f, rebind = outer()
    assert f() == 2
    rebind(np.full(3, 2.0))
    assert f() == 6
    rebind(np.arange(3))
    assert exact(f()) == exact(3)


def test_nothing_leaks():
    f = njit(lambda: G, cache=False)
    f()
    before = sys.getrefcount(G)
    results = [f() for _ in range(100)]
    assert sys.getrefcount(G) == before + 100
    del results
    assert sys.getrefcount(G) == before
    a = np.ones(4)
    count = sys.getrefcount(a)
    g = njit(closure_over(a), cache=False)
    g(1)
    del g
    gc.collect()
    assert sys.getrefcount(a) == count


def test_what_is_no_array():
    with pytest.raises(TypingError, match="the global 'LIST' of type list cannot be used"):
        njit(lambda: LIST[0], cache=False)()


MODULE = """
import numpy as np
from coluber import njit

TABLE = np.arange(4.0)
PAIR = (TABLE, np.ones(3, np.int32))

@njit
def total(i):
    TABLE[i] += 1
    return TABLE.sum()

@njit
def of_pair():
    return PAIR[0].sum() + PAIR[1].sum(), PAIR[1]

def make(a):
    @njit
    def f(x):
        return a[0] + x, a
    return f
"""

RUN = """
import sys
sys.path.insert(0, {folder!r})
import numpy as np
import module as m
print(m.total(1), m.total(1), m.TABLE.tolist())
s, a = m.of_pair()
print(s, a is m.PAIR[1])
one, two = m.make(np.ones(2)), m.make(np.full(2, 5.0))
print(one(1)[0], two(1)[0], one(2)[0], two(2)[0])
m.TABLE = np.arange(3.0)
print(m.total(0))
print(sum(f.cache_info().hits for f in (m.total, m.of_pair, one, two)), file=sys.stderr)
"""


def test_across_processes(tmp_path):
    (tmp_path / "module.py").write_text(textwrap.dedent(MODULE))
    env = dict(os.environ, COLUBER_CACHE="on", COLUBER_CACHE_DIR=str(tmp_path / "cache"))
    env.pop("COLUBER_ENGINE", None)
    hits = []
    for _ in range(3):
        run = subprocess.run([sys.executable, "-c", RUN.format(folder=str(tmp_path))], env=env, capture_output=True, text=True, check=True)
        assert run.stdout.splitlines() == ["7.0 8.0 [0.0, 3.0, 2.0, 3.0]", "11.0 True", "2.0 6.0 3.0 7.0", "4.0"]
        hits.append(int(run.stderr.split()[-1]))
    assert hits[1] >= 3                        # two closures alive at a time cannot share the library: the second is compiled
