"""Neighbouring array statements that become one loop: what each of them gives, in order, whatever shares memory, serial and parallel."""
import numpy as np
import pytest
from check import exact
from hypothesis import given, settings
from hypothesis import strategies as st
from parallel import loops

from coluber import njit

_compiled = {}


def both(f):
    """f compiled for one thread and for several."""
    if f not in _compiled:
        _compiled[f] = njit(f, cache=False), njit(f, parallel=True, cache=False)
    return _compiled[f]


def run(f, memory, views):
    """What f gives for views of a copy of the memory, and the memory afterwards."""
    own = [m.copy("K") for m in memory]
    try:
        with np.errstate(all="ignore"):
            r = f(*(view(own) for view in views))
        r = ("value", exact(r))
    except Exception as e:                                 # noqa: BLE001 - any exception is an outcome
        r = ("raises", type(e))                            # texts differ: they name axes
    return r, [exact(m) for m in own]


def agree(f, memory, views):
    want = run(f, memory, views)
    for compiled in both(f):
        assert run(compiled, memory, views) == want, want[0][:1]


def whole(k):
    return lambda memory: memory[k]


def arrays(f, *args):
    """agree() of arrays that share nothing."""
    agree(f, args, [whole(k) for k in range(len(args))])


def fused(f, kind="array expression"):
    """The lines of the function, from 1, that each of its parallel loops is fused with."""
    first = f.__code__.co_firstlineno
    return [[line - first for line in loop.fused] for loop in loops(both(f)[1], kind=kind) if loop.fused]


def chain(a, b, c):
    t = a + b
    u = t * 2
    c[:] = u - a
    return (t * u).sum()


def three(a, b):
    return a + b, a - b, a * b


def updates(a, b, c):
    a += b
    b *= 2
    c[:] = a - b
    a -= c
    return a + 1


def dead(a, b):
    t = a * b
    u = t + a
    v = t - u
    return u + v


def mixed(a, b, c):
    t = a + b
    c[:] = t
    d = c > 1
    return t, d


RNG = np.random.default_rng(5)


@pytest.mark.parametrize("f, n", [(chain, 3), (three, 2), (updates, 3), (dead, 2), (mixed, 3)])
@pytest.mark.parametrize("shape", [(0,), (1,), (7,), (1000,), (120_001,), (5, 7), (1, 4), (0, 3), (400, 301), (3, 4, 5)])
def test_shapes(f, n, shape):
    arrays(f, *(RNG.random(shape) for _ in range(n)))


@pytest.mark.parametrize("f, n", [(chain, 3), (three, 2), (updates, 3), (dead, 2), (mixed, 3)])
def test_layouts(f, n):
    base = [RNG.random((12, 14)) for _ in range(n)]
    for view in (lambda m: m.T, lambda m: m[::2, ::-1], lambda m: m[:, 3:9], lambda m: m[:, 2], lambda m: np.asfortranarray(m)):
        agree(f, base, [lambda own, k=k, view=view: view(own[k]) for k in range(n)])


@pytest.mark.parametrize("f, n", [(three, 2), (updates, 3), (dead, 2), (mixed, 3)])
def test_dtypes(f, n):
    for dtypes in (["f4"] * n, ["i8"] * n, ["i4"] * n, ["f8", "f4", "f4"], ["c16"] * n, ["i2", "i2", "f8"]):
        if f is mixed and "c" in dtypes[0] or f is updates and dtypes[0] != dtypes[-1]:
            continue                                       # NumPy refuses them
        arrays(f, *(RNG.integers(-9, 9, 33).astype(t) for t in dtypes[:n]))


def test_sizes_that_broadcast():
    for shapes in ([(5, 1), (5, 4), (5, 4)], [(1, 4), (5, 4), (5, 4)], [(5, 4), (1, 1), (5, 4)], [(1, 1), (1, 1), (5, 4)], [(1, 4), (5, 1), (5, 4)]):
        for f, n in ((chain, 3), (three, 2), (updates, 3), (dead, 2), (mixed, 3)):
            arrays(f, *(RNG.random(s) for s in shapes[:n]))


def test_what_is_stored_before_an_exception():
    for shapes in ([(5,), (4,), (5,)], [(5,), (5,), (4,)], [(5,), (1,), (4,)], [(1,), (5,), (5,)]):
        for f, n in ((chain, 3), (three, 2), (updates, 3), (mixed, 3)):
            arrays(f, *(RNG.random(s) for s in shapes[:n]))


def keeps(x):
    m = x.mean(axis=1)
    n = m.reshape(m.shape[0], 1)
    t = x - n
    u = n * 2
    return t, u, t * 2


def test_columns():
    arrays(keeps, RNG.random((6, 5)))
    arrays(keeps, RNG.random((6, 1)))


def temporaries(n):
    x = np.zeros(n)
    y = np.ones(n)
    x[:] = y + x
    y[:] = x * 2 + y
    z = x + y
    z[1:] = z[:-1] * 2
    return x, y, z


def test_arrays_of_its_own():
    for n in (0, 1, 2, 50, 100_000):
        agree(temporaries, [np.zeros(1)], [lambda own, n=n: n])


def scalars(a, b, k):
    a[:] = k
    b[:] = a[0] + k
    a[0] = 3
    c = a + b
    d = a * k
    return c, d, a.sum()


def test_items_in_between():
    agree(scalars, [np.zeros(9), np.ones(9)], [whole(0), whole(1), lambda own: 2.5])


def test_what_diagnostics_say():
    a = np.arange(6.0)
    arrays(chain, a, a + 1, a + 2)
    assert fused(chain) == [[2, 3, 4]]
    arrays(three, a, a + 1)
    assert "3 array operations in one loop" in loops(both(three)[1], kind="array expression")[0].text
    arrays(updates, a, a + 1, a + 2)
    assert fused(updates) == [[2, 3, 4, 5]]
    shared = loops(both(chain)[1], kind="array expression")[0]
    assert "fused with lines" in shared.text and shared.parallel


# ---- programs that hypothesis makes: statements over one range, of arrays that may be views of one another

NAMES = ["a", "b", "c", "d"]
OPERATORS = ["+", "-", "*"]


@st.composite
def programs(draw):
    lines, made = [], []
    for k in range(draw(st.integers(2, 6))):
        operand = st.sampled_from(NAMES + made + ["2", "0.5"])
        x, y = draw(st.sampled_from(NAMES + made)), draw(operand)
        value = f"{x} {draw(st.sampled_from(OPERATORS))} {y}"
        if draw(st.booleans()):
            value = f"{draw(st.sampled_from(NAMES + made))} {draw(st.sampled_from(OPERATORS))} ({value})"
        kind = draw(st.sampled_from(["new", "new", "store", "update", "part"]))
        if kind == "new":
            lines.append(f"t{k} = {value}")
            made.append(f"t{k}")
        elif kind == "store":
            lines.append(f"{draw(st.sampled_from(NAMES + made))}[:] = {value}")
        elif kind == "update":
            lines.append(f"{draw(st.sampled_from(NAMES + made))} {draw(st.sampled_from(OPERATORS))}= {draw(operand)}")
        else:
            lines.append(f"{draw(st.sampled_from(NAMES + made))}[1:] = {draw(st.sampled_from(NAMES + made))}[:-1] + 1")
    result = ", ".join(draw(st.lists(st.sampled_from(NAMES + made), min_size=1, max_size=3)))
    return "def f(a, b, c, d):\n" + "".join(f"    {line}\n" for line in lines) + f"    return {result},\n"


def view_of(which, start, step, n):
    if step < 0:
        return lambda memory: memory[which][start:start + n][::-1]
    return lambda memory: memory[which][start:start + n]


@settings(max_examples=60, deadline=None)
@given(programs(), st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4), st.sampled_from([1, 1, 1, -1])), min_size=12, max_size=12),
       st.sampled_from([0, 1, 5, 40]))
def test_random_statements(source, places, n):
    space = {}
    exec(compile(source, "<statements>", "exec"), space)   # noqa: S102
    f = space["f"]
    memory = [RNG.integers(-5, 6, n + 4).astype(float) for _ in range(3)]
    for k in range(0, 12, 4):
        agree(f, memory, [view_of(*place, n) for place in places[k:k + 4]])
    _compiled.pop(f)
