"""Object mode, compiled: the same functions in CPython and under jit, with values, types, identities, exceptions, tracebacks and references compared."""
import gc
import sys
import traceback
import warnings
import weakref

import numpy as np
import pytest
from check import in_threads

from coluber import jit

pytestmark = [pytest.mark.numpy, pytest.mark.filterwarnings("ignore::coluber.ObjectModeWarning")]


class Thing:
    def __init__(self, x=1):
        self.x = x

    def __repr__(self):
        return f"Thing({self.x!r})"

    def __eq__(self, other):
        return isinstance(other, Thing) and self.x == other.x

    def twice(self, y=0, *, z=0):
        return (self.x * 2, y, z)

    def __enter__(self):
        self.log = ["enter"]
        return self

    def __exit__(self, kind, value, tb):
        self.log.append(kind.__name__ if kind else None)
        return kind is KeyError


class Loud(Exception):
    pass


class Broken:
    def __bool__(self):
        raise Loud("bool")

    def __iter__(self):
        raise Loud("iter")

    def __getattr__(self, name):
        raise Loud(name)


COUNTER = 0


def attributes(t):
    t.y = t.x + 1
    del t.x
    return t.y, hasattr(t, "x"), t.__dict__


def operators(a, b):
    return [a + b, a - b, a * b, a == b, a < b, a | b, a & b, a ^ b, -a, +a, ~a, not a, a is b, a in (b, 1), a not in [a]]


def inplace(t, n):
    t.items = []
    t.items += [n]
    t.items *= 3
    t.x **= 2
    return t.items, t.x


def containers(t, n):
    x, *y, z = [t, 1, 2, n]
    d = {"a": x, **{"b": n}, "c": (*y, n)}
    s = {n, *y}
    m = d["c"][1:]
    del d["a"]
    return x, y, z, d, s, m, [*range(n)], {k: v for k, v in d.items()}, {v for v in y}, [v for v in y if v], [[i + j for i in range(2)] for j in range(n)]


def strings(t, n):
    return f"{t} {n!r:>6} {t.x:05d} {'%s' % n} {n:{n}}", "%d-%s" % (n, t), "a" "b" * n


def calls(t, n):
    args, kwargs = (1,), {"z": n}
    return t.twice(), t.twice(n, z=2), t.twice(*args, **kwargs), max([n, 1], key=lambda v: -v), dict(a=n, **kwargs), print.__name__


def handlers(t, n):
    log = []
    for k in range(n):
        try:
            if k == 0:
                raise KeyError(k)
            elif k == 1:
                t.nothing
            elif k == 2:
                1 // (k - 2)
            elif k == 3:
                continue
            log.append("end")
        except (KeyError, ZeroDivisionError) as e:
            log.append((type(e), str(e), sys.exc_info()[0]))
        except AttributeError:
            log.append(str(sys.exc_info()[1]))
        else:
            log.append("else")
        finally:
            log.append(k)
    return log, sys.exc_info()


def chained(t):
    try:
        try:
            t.nothing
        except AttributeError as e:
            raise Loud("first") from e
    except Loud as e:
        first = e
    try:
        try:
            raise KeyError(1)
        finally:
            t.also
    except AttributeError as e:
        second = e
    return repr(first), repr(first.__cause__), repr(second), repr(second.__context__)


def with_statement(t):
    with t as same:
        same.log.append("in")
    first = t.log
    with t:
        raise KeyError("swallowed")
    with t as a, Thing() as b:
        return first, t.log, a is t, b.x


def with_raises(t):
    with t:
        raise Loud(t.x)


def closures(t, n):
    count = 0

    def add(k=n, *, by=1):
        nonlocal count
        count += k * by
        return count
    add()
    add(2, by=3)
    fs = [lambda v, i=i: (v, i, t) for i in range(2)]
    return count, fs[1](0), add.__defaults__, add.__kwdefaults__, add.__name__


def local_class(t):
    class Inner(Thing):
        y = t.x

        def get(self):
            return self.y
    return Inner(3).get(), Inner.__name__, Inner.__mro__[1] is Thing


def imports(t):
    import os.path as p
    from math import floor as f
    import json
    return p.join("a", "b"), f(2.5), json.loads("[1]"), t


def globals_too(t):
    global COUNTER
    COUNTER = COUNTER + 1
    return COUNTER, len([t])


def big_ints(t, n):
    a = 1
    for i in range(n):
        a = a * 7 + i
    return a, a - 1, -a, a // 3, a % 7, a << 3, a ** 2, t


def generators(t, n):
    g = (t.x * k for k in range(n))
    return sum(g), list(g), any(k > 1 for k in range(n)), sorted((k for k in range(n)), reverse=True)


def numbers(t, n):
    i = 5
    x = 0.5
    b = n > 3
    while i < 100:
        i = i * 2 + 1
        x = x * i
    return i, x, b, i / 3, i // 3, i % 7, -i, x > i, i == 5.0, x if b else i, t, abs(x), float(i), (i, x)


def which(t, n):
    v = 1 if n > 3 else 1.5
    w = None if n > 3 else t
    return v, w, type(v)


def arrays(t, n):
    a = np.arange(n) * 0.5
    b = np.zeros((2, n))
    b[0] = a
    t.kept = a
    a[0] = 9
    return a is t.kept, b, a.sum(), np.float32(1) + n, a[a > 0.5]


def unpacking(t):
    (a, b), c = (t, 1), [2]
    a, b = b, a
    return a, b, c


def nothing(t):
    pass


CASES = [(attributes, lambda: (Thing(2),)), (operators, lambda: (True, 6)), (operators, lambda: ({1, 2}, {2})), (inplace, lambda: (Thing(3), 4)),
         (containers, lambda: (Thing(), 3)), (strings, lambda: (Thing(7), 8)), (calls, lambda: (Thing(), 5)), (handlers, lambda: (Thing(), 6)),
         (chained, lambda: (Thing(),)), (with_statement, lambda: (Thing(),)), (with_raises, lambda: (Thing(5),)), (closures, lambda: (Thing(), 4)),
         (local_class, lambda: (Thing(8),)), (imports, lambda: (Thing(),)), (big_ints, lambda: (Thing(), 50)), (big_ints, lambda: (Thing(), 3)),
         (generators, lambda: (Thing(2), 4)), (numbers, lambda: (Thing(), 5)), (numbers, lambda: (Thing(), 1)), (which, lambda: (Thing(), 5)),
         (which, lambda: (Thing(), 1)), (arrays, lambda: (Thing(), 4)), (unpacking, lambda: (Thing(),)), (nothing, lambda: (Thing(),)),
         (attributes, lambda: (Broken(),)), (operators, lambda: ("a", 1)), (containers, lambda: (1, "n"))]


def outcome(f, args):
    try:
        return "value", f(*args)
    except Exception as e:
        names = [(s.name, s.lineno) for s in traceback.extract_tb(e.__traceback__)][1:]
        return "error", type(e), str(e), names, repr(e.__context__), repr(e.__cause__)


@pytest.mark.parametrize("function, make", CASES, ids=[f"{k}-{c[0].__name__}" for k, c in enumerate(CASES)])
def test_as_in_python(function, make):
    f = jit(function)
    for _ in range(3):                         # compiled, then by the table
        assert repr(outcome(f, make())) == repr(outcome(function, make()))
    assert all(why is None for _, _, why in f._object_mode()), f._object_mode()


def test_stores_to_globals():
    f, before = jit(globals_too), COUNTER
    assert f(Thing()) == (before + 1, 1) and f(Thing()) == (before + 2, 1) and COUNTER == before + 2


def test_identity_of_what_passes_through():
    def passes(t, x, s, n):
        t.seen = [x, s, n]
        return x, s, n
    t, x, s, n = Thing(), 1.5, "text" * 3, 10 ** 6
    got = jit(passes)(t, x, s, n)
    assert got[0] is x and got[1] is s and got[2] is n and t.seen[0] is x


@pytest.mark.parametrize("function, make", CASES[:24], ids=[f"{k}-{c[0].__name__}" for k, c in enumerate(CASES[:24])])
def test_references_balance(function, make):
    """Neither objects nor references are left behind, on the ways of exceptions too."""
    f = jit(function)

    def run():
        for _ in range(50):
            try:
                f(*make())
            except Exception:
                pass
    run()
    gc.collect()
    watched = [Thing, None, sys.exc_info, Loud, ()]
    before = len(gc.get_objects()), [sys.getrefcount(w) for w in watched]
    for _ in range(3):
        run()
    gc.collect()
    after = len(gc.get_objects()), [sys.getrefcount(w) for w in watched]
    assert abs(after[0] - before[0]) < 30
    assert all(abs(a - b) < 30 for a, b in zip(after[1], before[1])), (before, after)


def test_variables_live_as_long_as_in_python():
    def holds(t, log):
        a = Thing(t.x)
        r = weakref.ref(a)
        log.append(r() is not None)
        a = 5
        log.append(r() is None)
        b = Thing(t.x)
        q = weakref.ref(b)
        del b
        log.append(q() is None)
        c = Thing(t.x)
        p = weakref.ref(c)
        nothing(t)
        log.append(p() is not None)
        return p
    log = []
    p = jit(holds)(Thing(), log)
    assert log == [True] * 4 and p() is None


def test_tracebacks_have_the_lines():
    def outer(t):
        x = t.x
        return inner_fails(t,
                           x)
    with pytest.raises(AttributeError) as caught:
        jit(outer)(Thing())
    names = [(e.name, e.lineno + 1 - e.frame.code.firstlineno) for e in caught.traceback][1:]
    first = outer.__code__.co_firstlineno
    lines = [s.lineno for s in traceback.extract_tb(caught.tb)]
    assert first + 2 in lines and [n for n, _ in names][-2:] == ["outer", "inner_fails"]


def inner_fails(t, x):
    return t.missing + x


def test_what_looks_at_frames_runs_in_the_interpreter():
    def looks(t):
        a = t.x
        return sorted(locals()), eval("a + 1")
    f = jit(looks)
    assert f(Thing()) == (["a", "t"], 2)
    assert f.mode("(pyobject,)") == "object"
    assert "frame" in f._object_mode()[0][2]


def test_recursion_ends_with_recursion_error():
    def deep(t, f):
        return f(t, f)
    f = jit(deep)
    with pytest.raises(RecursionError):
        f(Thing(), f)


def test_two_threads():
    f = jit(containers)

    def work(_):
        for _ in range(100):
            assert repr(f(Thing(), 3)) == repr(containers(Thing(), 3))
    in_threads(4, work)


def test_the_warning_names_line_and_reason():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        jit(containers)(Thing(), 3)
    assert len(caught) == 1 and "object mode" in str(caught[0].message) and "argument 't'" in str(caught[0].message)


def test_ints_of_native_functions_have_no_limit_either():
    def power(x, n):
        r = 1
        for _ in range(n):
            r = r * x
        return r

    def factorial(n):
        return 1 if n < 2 else n * factorial_jit(n - 1)
    f = jit(power)
    assert f(3, 20) == 3 ** 20 and f(3, 100) == 3 ** 100 and f(-2, 63) == -2 ** 63 and f(2, 63) == 2 ** 63
    factorial_jit = jit(factorial)
    assert factorial_jit(10) == 3628800 and factorial_jit(30) == 265252859812191058636308480000000

    def mixed_result(n):
        if n % 2:
            return n
        return n / 2
    g = jit(mixed_result)
    assert [type(g(k)) for k in (3, 4)] == [int, float]


def test_dispatchers_and_classes_are_collected():
    def make():
        class Local:
            x = 1

        def reads(o):
            s = 0
            for k in [1, 2]:
                s += k * o.x
            return s
        f = jit(reads)
        assert f(Local()) == 3 and f(Local()) == 3
        return weakref.ref(f), weakref.ref(Local)
    refs = make()
    gc.collect()
    gc.collect()
    assert [r() for r in refs] == [None, None]
