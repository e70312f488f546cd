"""What compiled generators keep unboxed from one yield to the next, against CPython's: types that vary, ints that leave 64 bits, code made anew between."""
import contextlib
import itertools

import pytest

from coluber import jit

pytestmark = pytest.mark.filterwarnings("ignore::coluber.ObjectModeWarning")
FORCED = {"forceobj": True}


def steps_down(n):
    it = iter(range(n, 0, -1))
    for i in range(3, 50, n):
        for j in range(i, -20, -7):
            yield i * j, next(it, None)
    yield list(it)


def kinds(n):
    """At one yield variables of more combinations of types than parts are made of."""
    a, b, c, d = 0, 1.5, None, True
    for i in range(n):
        yield a, b, c, d
        if i % 2:
            a, b, c, d = b, c, d, a
        else:
            a, c = c, a
        if i % 5 == 4:
            b = "b" if isinstance(b, int) else 2 ** 70
            for j in range(3):
                yield j * i + 1


def maybe_bound(n):
    for i in range(n):
        if i % 3 == 1:
            x = i * 2 + 1
        elif i % 7 == 6:
            del x
        try:
            yield i
            yield x
        except UnboundLocalError as e:
            yield str(e)


def grows_beyond(n):
    x = 3
    for i in range(n):
        x = x * x + i
        for j in range(3):
            x += j * j
            yield x


def looks_at_lists(xs, k):
    for i in range(len(xs) - k + 1):
        s = 0.0
        for j in range(i, i + k):
            s += xs[j]
        yield s / k


def takes_turns(n):
    """Loops and conditions over native numbers, with a value sent in."""
    x, total = 12345, 0.0
    while n > 0:
        x = (x * 1103515245 + 12345) % 2147483648
        total = total * 0.5 + x / 7
        sent = yield x, total
        n -= 1
        if sent is not None:
            n, total = sent, float(sent)
        count = 0
        while x % 3 == 0:
            x //= 3
            count += 1
        yield count


NATIVE = [(steps_down, (2,)), (steps_down, (5,)), (kinds, (60,)), (maybe_bound, (30,)), (grows_beyond, (9,)), (looks_at_lists, ([k * 0.5 for k in range(60)], 7)),
          (looks_at_lists, ([1.0, 2.0, 3.0], 2)), (takes_turns, (40,))]


@pytest.mark.parametrize("options", [{}, FORCED], ids=["jit", "forceobj"])
@pytest.mark.parametrize("function, args", NATIVE, ids=[f"{k}-{c[0].__name__}" for k, c in enumerate(NATIVE)])
def test_native_values_across_yields(function, args, options):
    def outcome(f):
        g, out = f(*args), []
        for k in range(3):
            out += itertools.islice(g, 4 + k)
            with contextlib.suppress(StopIteration):
                out.append(g.send(5 + k) if k else next(g))
        return repr(out + list(g))
    f = jit(function, **options)
    for _ in range(3):
        assert outcome(f) == outcome(function)
    assert all(why is None for _, _, why in f._object_mode()) or not options


def test_globals_change_between_yields():
    def scaled(n):
        for i in range(n):
            yield offset * i + i * 3 % 5
            yield helper(i) + i * i
    names = {"offset": 2, "helper": abs}
    f, g = (type(scaled)(scaled.__code__, names, "scaled") for _ in range(2))
    f = jit(f)

    def outcome(make):
        names.update(offset=2, helper=abs)
        out, it = [], make(6)
        for k, (name, value) in enumerate([("offset", 3), ("helper", float), ("offset", "x"), ("helper", None), ("offset", 1.5)]):
            out.append(called_next(it))
            out.append(called_next(it))
            names[name] = value
        return out + [called_next(it)]

    def called_next(it):
        try:
            return next(it, "end")
        except Exception as e:
            return type(e), str(e)
    assert outcome(f) == outcome(g) == outcome(f)


def test_recompiled_while_it_runs():
    def mixes(n):
        x = 1
        for i in range(n):
            x = (x * 7 + i) % 1000
            if i == 3:
                again()
            yield x
    names = {"again": lambda: f.recompile(), "range": range}
    f = jit(type(mixes)(mixes.__code__, names, "mixes"))
    want = list(type(mixes)(mixes.__code__, {"again": lambda: None}, "mixes")(9))
    assert list(f(9)) == want == list(f(9))
