"""Generators under jit: the same conversations with CPython's generators and with compiled ones."""
import collections.abc
import contextlib
import copy
import gc
import inspect
import itertools
import pickle
import sys
import traceback
import warnings
import weakref

import pytest
from check import in_threads

from coluber import jit

pytestmark = pytest.mark.filterwarnings("ignore::coluber.ObjectModeWarning", "ignore::DeprecationWarning",
                                        "ignore::pytest.PytestUnraisableExceptionWarning")
FORCED = {"forceobj": True}


class Loud(Exception):
    pass


def squares(n):
    i = 0
    while i < n:
        yield i * i
        i += 1


def each(xs):
    for x in xs:
        yield x


def only_even(xs):
    for x in xs:
        if x % 2 == 0:
            yield x
    return "end"


def echo(log):
    got = None
    while True:
        got = yield got
        log.append(got)


def counts(n, step=1, *rest, last=None):
    total = 0
    for i in range(0, n, step):
        total += i
        yield i, total, rest
    return last


def nested_loops(n):
    for i in range(n):
        s = 0
        for j in range(i):
            s += j * i
        yield s
        for c in "ab":
            yield c + str(s)


def grows(x):
    while True:
        x = x * x
        y = yield x
        if y:
            return x


def cleans(log):
    try:
        log.append("in")
        got = yield 1
        log.append(got)
        yield 2
    except ValueError as e:
        log.append(("caught", str(e), sys.exc_info()[1] is e))
        yield "handled"
        log.append(("still", sys.exc_info()[1] is not None))
        yield "again"
    except GeneratorExit:
        log.append("exit")
        raise
    finally:
        log.append("finally")
    log.append(("behind", sys.exc_info()[0]))
    yield 3


def yields_in_finally(log):
    try:
        yield 1
    finally:
        got = yield 2
        log.append(got)
        log.append(sys.exc_info()[0])


def ignores_exit():
    while True:
        try:
            yield 1
        except GeneratorExit:
            yield "no"


def returns_on_exit():
    try:
        yield 1
    except GeneratorExit:
        return "left"


def raises_behind(n):
    for i in range(n):
        yield i
    raise Loud("behind")


def stops(n):
    yield n
    raise StopIteration("by hand")


def reraises(log):
    try:
        raise Loud("first")
    except Loud:
        yield 1
        try:
            yield 2
        except ValueError as e:
            log.append(repr(e.__context__))
        log.append(repr(sys.exc_info()[1]))
        raise


class Manager:
    def __init__(self, log, swallow=False):
        self.log, self.swallow = log, swallow

    def __enter__(self):
        self.log.append("enter")
        return self

    def __exit__(self, kind, value, tb):
        self.log.append(kind.__name__ if kind else None)
        return self.swallow and kind is not GeneratorExit


def with_around(log, swallow):
    with Manager(log, swallow) as m:
        yield m is not None
        with Manager(log):
            yield 2
    yield 3


def delegates(xs):
    got = yield from xs
    yield ("returned", got)
    return "end"


def delegates_twice(log):
    try:
        got = yield from cleans(log)
        log.append(("got", got))
    except Loud as e:
        log.append(repr(e))
        yield from "xy"
    return 7


def sums(xs):
    total = 0.0
    for x in xs:
        total += x
        sent = yield total
        if sent is not None:
            total = sent


def closure(n):
    seen = []

    def note(x):
        seen.append(x + n)
        return seen
    for i in range(n):
        yield note(i)[-1]
        n = n + 1
    yield lambda: n


def unbound(n):
    if n > 2:
        x = n
    yield 1
    del n
    yield x
    yield n


def big(n):
    f = 1
    for i in range(1, n):
        f *= i
        yield f


def comprehends(xs):
    yield [x * 2 for x in xs]
    a, *b = [y for x in xs for y in (x, -x)]
    yield {k: v for k, v in zip("abc", b)}, a
    yield sum(x for x in xs)


def matches(xs):
    for x in xs:
        match x:
            case [a, *rest]:
                yield a, rest
            case {"k": v}:
                yield v
            case int():
                got = yield x + 1
                if got:
                    break
    else:
        yield "else"


def no_yield():
    return 5
    yield


def send_all(*values):
    """A conversation: None is next(), an exception is thrown in, "close" closes, others are sent."""
    def talk(g, log):
        out = []
        for v in values:
            v = copy.copy(v)
            try:
                if v is None:
                    out.append(next(g))
                elif v == "close":
                    out.append(("closed", g.close()))
                elif isinstance(v, BaseException) or isinstance(v, type):
                    out.append(g.throw(v))
                elif isinstance(v, tuple) and v and isinstance(v[0], type):
                    out.append(g.throw(*v))
                else:
                    out.append(g.send(v))
            except BaseException as e:
                out.append((type(e), str(e), getattr(e, "value", None), repr(e.__context__), repr(e.__cause__), lines_of(e)))
            out.append((sys.exc_info()[0], g.gi_running, g.gi_frame is None, repr(type(g.gi_yieldfrom)).replace("coluber.", "")))
            if sys.version_info >= (3, 11):
                out.append(g.gi_suspended)
        return out, log
    return talk


def lines_of(e):
    return [(s.name, s.lineno) for s in traceback.extract_tb(e.__traceback__) if s.name != "talk"]


NEXT = [None] * 9
TALKS = [
    (squares, lambda log: (5,), NEXT), (squares, lambda log: (0,), NEXT[:3]), (squares, lambda log: (2.5,), NEXT), (each, lambda log: ("abc",), NEXT),
    (each, lambda log: (5,), NEXT[:2]), (only_even, lambda log: ([1, 2, 3, 4, 5],), NEXT), (only_even, lambda log: ([2, "x%d", None],), NEXT[:5]),
    (echo, lambda log: (log,), [1, None, 1, "a", None, Loud("in"), None]), (echo, lambda log: (log,), ["close", None]), (echo, lambda log: (log,), [Loud, None]),
    (counts, lambda log: (5,), NEXT), (counts, lambda log: (9, 2, "r", 4), NEXT), (nested_loops, lambda log: (3,), NEXT + NEXT),
    (grows, lambda log: (3,), NEXT[:8] + [1, None]), (grows, lambda log: (1.5,), NEXT[:4] + [1, None]), (grows, lambda log: (2 ** 40,), NEXT[:3]),
    (cleans, lambda log: (log,), NEXT[:5]), (cleans, lambda log: (log,), [None, "v", None, None, None]), (cleans, lambda log: (log,), [None, ValueError("v"), None, None, None, None]),
    (cleans, lambda log: (log,), [None, "close", None]), (cleans, lambda log: (log,), [None, ValueError("v"), "close", None]),
    (cleans, lambda log: (log,), [None, ValueError("v"), Loud("w"), None]), (cleans, lambda log: (log,), [None, Loud("l"), None]), (cleans, lambda log: (log,), ["close"]),
    (cleans, lambda log: (log,), [ValueError("before"), None]), (cleans, lambda log: (log,), [None, (ValueError, "text"), None]),
    (cleans, lambda log: (log,), [None, (ValueError, ("a",)), None]), (cleans, lambda log: (log,), [None, 5.5, int, None]),
    (cleans, lambda log: (log,), [None, (ValueError("x"), "y"), None]),
    (yields_in_finally, lambda log: (log,), [None, Loud("x"), "got", None]), (yields_in_finally, lambda log: (log,), [None, None, "got", None]),
    (yields_in_finally, lambda log: (log,), [None, "close", "close", None]), (ignores_exit, lambda log: (), [None, "close", None]),
    (returns_on_exit, lambda log: (), [None, "close", None]), (returns_on_exit, lambda log: (), [None, GeneratorExit(), None]),
    (raises_behind, lambda log: (2,), NEXT[:5]), (stops, lambda log: (2,), NEXT[:3]), (stops, lambda log: (2,), [None, StopIteration("in"), None]),
    (reraises, lambda log: (log,), NEXT[:4]), (reraises, lambda log: (log,), [None, None, ValueError("v"), None]), (reraises, lambda log: (log,), [None, ValueError("v"), None]),
    (with_around, lambda log: (log, False), NEXT[:5]), (with_around, lambda log: (log, True), [None, Loud("x"), None]), (with_around, lambda log: (log, True), [None, None, Loud("x"), None]),
    (with_around, lambda log: (log, False), [None, Loud("x"), None]), (with_around, lambda log: (log, False), [None, None, "close", None]),
    (delegates, lambda log: ("ab",), NEXT[:5]), (delegates, lambda log: (squares(2),), NEXT[:5]), (delegates, lambda log: (cleans(log),), [None, "s", None, None, None, None]),
    (delegates, lambda log: (cleans(log),), [None, ValueError("v"), None, None, None, None]), (delegates, lambda log: (cleans(log),), [None, "close", None]),
    (delegates, lambda log: (returns_on_exit(),), [None, GeneratorExit("g"), None]), (delegates, lambda log: (iter([1, 2]),), [None, "close", None]),
    (delegates, lambda log: (iter([1, 2]),), [None, Loud("no throw"), None]), (delegates, lambda log: (iter([1, 2]),), [None, "sent", None]),
    (delegates, lambda log: (5,), NEXT[:2]), (delegates, lambda log: (raises_behind(1),), NEXT[:3]), (delegates, lambda log: (only_even([2]),), NEXT[:4]),
    (delegates, lambda log: (ignores_exit(),), [None, "close", None]), (delegates, lambda log: (echo(log),), [None, 1, ("a", "b"), Loud("t"), None]),
    (delegates, lambda log: (iter([1, 2]),), [None, StopIteration(3), None, None]),
    (delegates_twice, lambda log: (log,), NEXT[:7]), (delegates_twice, lambda log: (log,), [None, Loud("l"), None, None, None]),
    (sums, lambda log: ([1, 2.5, 3],), [None, None, 10.0, None]), (closure, lambda log: (3,), NEXT[:3]), (unbound, lambda log: (3,), NEXT[:4]), (unbound, lambda log: (1,), NEXT[:3]),
    (big, lambda log: (40,), [None] * 41), (comprehends, lambda log: ([1, 2, 3],), NEXT[:4]), (matches, lambda log: ([[1, 2], {"k": 3}, 4, 5.5],), NEXT[:5]),
    (matches, lambda log: ([7, 8],), [None, 1, None]), (no_yield, lambda log: (), NEXT[:2]),
]


@pytest.mark.parametrize("options", [{}, FORCED], ids=["jit", "forceobj"])
@pytest.mark.parametrize("function, make, values", TALKS, ids=[f"{k}-{c[0].__name__}" for k, c in enumerate(TALKS)])
def test_conversations(function, make, values, options):
    def outcome(f):
        log = []
        return repr(send_all(*values)(f(*make(log)), log))
    f = jit(function, **options)
    want = outcome(function)
    for _ in range(2):
        assert outcome(f) == want
    if options:
        assert all(why is None for _, _, why in f._object_mode()), f._object_mode()
        assert type(f(*make([]))).__name__ == "generator" and not inspect.isgenerator(f(*make([])))


def test_contextmanager_over_a_compiled_generator():
    log = []

    @contextlib.contextmanager
    @jit
    def managed(x):
        log.append("enter")
        try:
            yield x
        except KeyError:
            log.append("caught")
        finally:
            log.append("exit")
    with managed(5) as x:
        log.append(x)
    with managed(6):
        raise KeyError
    with pytest.raises(Loud), managed(7):
        raise Loud
    assert log == ["enter", 5, "exit", "enter", "caught", "exit", "enter", "exit"]


def test_consumers():
    f = jit(squares)
    assert list(itertools.islice(f(10 ** 9), 5)) == [0, 1, 4, 9, 16] and sum(f(100)) == sum(squares(100)) and dict(zip("ab", f(2))) == {"a": 0, "b": 1}
    a, b = itertools.tee(f(3))
    assert list(a) == list(b) == [0, 1, 4] and [*f(2), *f(1)] == [0, 1, 0] and 9 in f(5)
    assert isinstance(f(1), collections.abc.Generator) and iter(g := f(1)) is g


def test_interleaved_and_recursive():
    f, g = jit(squares)(4), jit(squares)(4)
    assert [x for pair in zip(f, g) for x in pair] == [0, 0, 1, 1, 4, 4, 9, 9]

    def make(wrap):
        @wrap
        def walk(tree):
            if tree:
                left, x, right = tree
                yield from walk(left)
                yield x
                yield from walk(right)
        return walk
    tree = None
    for k in range(60):
        tree = (tree, k, (None, -k, None))
    assert list(make(jit)(tree)) == list(make(lambda f: f)(tree))


def test_a_running_generator_is_not_entered():
    def itself(box):
        yield next(box[0])
    box = []
    box.append(jit(itself)(box))
    with pytest.raises(ValueError, match="generator already executing"):
        next(box[0])
    assert list(box[0]) == []


def test_methods_are_generators_too():
    class Bag:
        def __init__(self, xs):
            self.xs = xs

        @jit
        def __iter__(self):
            for x in self.xs:
                yield x * 2
    assert list(Bag([1, "a"])) == [2, "aa"]


def test_dropped_where_it_stands():
    log = []
    g = jit(cleans)(log)
    next(g)
    del g
    gc.collect()
    assert log == ["in", "exit", "finally"]
    ring = []
    g = jit(cleans)(ring)
    next(g)
    ring.append(g)
    r = weakref.ref(g)
    del g, ring
    gc.collect()
    assert r() is None


def test_variables_live_as_long_as_in_python():
    def holds(log):
        a = Loud()
        r = weakref.ref(a)
        yield r() is not None
        del a
        log.append(r() is None)
        yield 1
    log = []
    assert list(jit(holds)(log)) == [True, 1] and log == [True]


def test_references_balance():
    functions = [jit(f) for f in (squares, cleans, delegates_twice, closure, nested_loops)]

    def run():
        for f in functions:
            for steps in (0, 1, 2, 50):
                g = f([] if f.__name__ in ("cleans", "delegates_twice") else 3)
                list(itertools.islice(g, steps))
                with contextlib.suppress(Loud):
                    g.throw(Loud())
    run()
    gc.collect()
    before = len(gc.get_objects()), sys.getrefcount(None)
    for _ in range(100):
        run()
    gc.collect()
    assert abs(len(gc.get_objects()) - before[0]) < 40 and abs(sys.getrefcount(None) - before[1]) < 40


def test_threads_have_their_own():
    f = jit(squares)
    in_threads(8, lambda k: [list(f(50 + k)) for _ in range(20)] == [[i * i for i in range(50 + k)]] * 20 or 1 / 0)


def test_no_copies():
    g = jit(squares)(3)
    for copies in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            copies(g)
    with pytest.raises(TypeError):
        type(g)()


def test_names_and_states():
    f = jit(squares)
    g = f(1)
    assert (g.__name__, g.__qualname__, g.gi_code) == ("squares", "squares", squares.__code__) and repr(g).startswith("<generator object squares at ")
    if sys.version_info >= (3, 11):
        assert inspect.getgeneratorstate(g) == "GEN_CREATED"
        next(g)
        assert inspect.getgeneratorstate(g) == "GEN_SUSPENDED"
    list(g)
    assert inspect.getgeneratorstate(g) == "GEN_CLOSED"


def test_recompiled_while_suspended():
    f = jit(squares)
    g = f(4)
    next(g)
    f.recompile()
    assert list(g) == [1, 4, 9]


def test_coroutines_run_in_python():
    async def waits():
        return 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        c = jit(waits)()
    assert inspect.iscoroutine(c)
    c.close()
