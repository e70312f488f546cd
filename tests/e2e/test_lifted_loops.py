"""Loops of object mode, entered with the types that their variables have then; ints that leave 64 bits; ways out; what comes back."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import coluber
from coluber import jit, njit

pytestmark = pytest.mark.filterwarnings("ignore::coluber.ObjectModeWarning")


class Data:
    def __init__(self, values):
        self.values = values


def total(d):
    x = d.values
    s = 0
    for i in range(len(x)):
        s += x[i]
    return s


def over_attribute(d):
    n = 0
    s = 0.0
    for v in d.values:
        s = s + v
        n += 1
    return s, n


def over_enumerate(d):
    best = None
    x = d.values
    for i, v in enumerate(x):
        if best is None or v > x[best]:
            best = i
    return best


def over_zip(d):
    a, b = d.values, d.values
    s = 0
    for p, q in zip(a, b):
        s += p * q
    return s


def breaks(d, limit):
    x = d.values
    for i in range(len(x)):
        if x[i] > limit:
            break
    else:
        i = -1
    return i


def returns(d, limit):
    x = d.values
    for i in range(len(x)):
        for j in range(i):
            if x[i] - x[j] > limit:
                return i, j, x[i]
    return None


def while_loop(d):
    x = d.values
    i = 0
    while i < len(x) and x[i] >= 0:
        i += 1
    return i


def stores(d):
    x = d.values
    for i in range(len(x)):
        x[i] = x[i] * 2 + i
    return x is d.values, x


def nested(d, n):
    out = []
    for k in range(n):
        m = d.values
        s = 0.0
        for v in m:
            s += v * k
        out.append(s)
    return out


def handled(d):
    x = d.values
    try:
        for i in range(len(x) + 1):
            x[i] += 1
    except IndexError as e:
        return str(e), x
    return x


def handled_state(d):
    x = d.values
    n = 0
    try:
        for i in range(len(x) + 1):
            n = i
            x[i] += 1
    except IndexError:
        return n
    return -1


def maybe_unbound(d):
    for v in d.values:
        last = v
    try:
        return last
    except UnboundLocalError as e:
        return str(e)


def unbound_in_its_first_rounds(d):
    n = 0
    for v in d.values:
        try:
            n += late
        except UnboundLocalError:
            n += 100
        if n > 150:
            late = n
    return n


def appends(d):
    out = []
    for v in d.values:
        out.append(v * 2)
    return out


def two_loops(d, f):
    x = d.values
    s = 0.0
    for v in x:
        s += v
    y = f(x)
    for i in range(len(y)):
        y[i] = y[i] - s
    return s, y


FUNCTIONS = [total, over_attribute, over_enumerate, over_zip, while_loop, stores, handled, handled_state, maybe_unbound, unbound_in_its_first_rounds, appends]
VALUES = [np.arange(5.0), np.arange(7), np.zeros(0), np.zeros(1, np.int32), np.arange(10.0)[::3], np.asfortranarray(np.arange(4.0)), [1, 2, 3], [1.5, 2.5],
          (1, 2, 3), [], [2 ** 62] * 5, [2 ** 70, 1], [True, False], np.array([np.nan, np.inf, -1.0]), np.array([True, False]), np.arange(3, dtype=np.uint8),
          [1, 2.5], ["a", "b"], np.array([1 + 2j, 3j]), range(5), {3: 1, 4: 2}, np.full(3, 2 ** 63 - 1)]


def copied(v):
    return v.copy() if isinstance(v, (np.ndarray, list, dict)) else v


def outcome(f, *args):
    with np.errstate(all="ignore"):
        try:
            return f(*args)
        except Exception as e:
            return type(e), str(e)


def alike(a, b, empty=False):
    """Equal in value and type, items too. After a loop without rounds a variable that the loop makes a float is one (docs/deviations.md)."""
    if empty and isinstance(a, float) and isinstance(b, (int, float)):
        return a == b
    if isinstance(a, (tuple, list)) and type(a) is type(b):
        return len(a) == len(b) and all(alike(x, y, empty) for x, y in zip(a, b))
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
    return type(a) is type(b) and (repr(a) == repr(b) or a == b)


@pytest.mark.parametrize("value", range(len(VALUES)))
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_loops_give_what_python_gives(function, value):
    f = jit(function)
    v = VALUES[value]
    if function is stores and len(v) == 0:
        pytest.skip("nothing to store")
    for _ in range(2):
        got, expected = outcome(f, Data(copied(v))), outcome(function, Data(copied(v)))
        assert alike(got, expected, empty=len(v) == 0), (got, expected, f._loops())


@pytest.mark.parametrize("limit", [0.5, 2, 100])
@pytest.mark.parametrize("function", [breaks, returns], ids=lambda f: f.__name__)
def test_ways_out(function, limit):
    f = jit(function)
    for v in (np.arange(5.0), np.arange(5), [3, 1, 4], np.zeros(0)):
        assert alike(outcome(f, Data(v), limit), outcome(function, Data(v), limit))


def test_loops_are_native_and_mode_says_so():
    f = jit(total)
    assert f(Data(np.arange(10.0))) == 45.0
    mode = f.mode("(pyobject,)")
    line = total.__code__.co_firstlineno + 3
    assert mode == "mixed" and mode.loops == {line: "native"}
    assert [t for _, types, _ in f._loops() for t in types] == ["array(float64,1,C);pyint"]
    f(Data(np.arange(10)))
    assert len([t for _, types, _ in f._loops() for t in types]) == 2


def test_inner_loops_of_an_object_loop():
    f = jit(nested)
    assert f(Data(np.arange(4.0)), 3) == nested(Data(np.arange(4.0)), 3)
    assert "native" in f.mode("(pyobject, int64)").loops.values() and "object" in f.mode("(pyobject, int64)").loops.values()


def test_a_call_between_two_loops():
    f = jit(two_loops)
    got, expected = f(Data(np.arange(5.0)), np.sqrt), two_loops(Data(np.arange(5.0)), np.sqrt)
    assert got[0] == expected[0] and np.array_equal(got[1], expected[1])
    assert list(f.mode("(pyobject, pyobject)").loops.values()) == ["native", "native"]


def test_a_dict_of_arrays_of_many_types():
    def sums(d):
        out = {}
        for k in d:
            v = d[k]
            s = 0
            for q in v:
                s += q
            out[k] = s
        return out
    d = {"f": np.arange(5.0), "i": np.arange(5), "l": [1, 2, 3], "b": (2 ** 62,) * 4, "s": np.arange(4, dtype=np.float32)}
    got, expected = jit(sums)(d), sums(d)
    assert got == expected and {k: type(v) for k, v in got.items()} == {k: type(v) for k, v in expected.items()}


def grows(o, x, n):
    a = x
    out = []
    k = 0
    while k < n:
        a = a * 3 - k
        b = a + o.values
        k += 1
        out.append(b)
    return a, out


@given(st.integers(-2 ** 70, 2 ** 70), st.integers(0, 60), st.integers(-2 ** 63, 2 ** 63 - 1))
@settings(max_examples=60, deadline=None)
def test_ints_leave_64_bits_at_any_place(x, n, step):
    assert GROWS(Data(step), x, n) == grows(Data(step), x, n)


GROWS = jit(grows)


@given(st.lists(st.integers(-2 ** 63, 2 ** 63 - 1), max_size=6), st.sampled_from(["+", "-", "*", "//", "%", "<<", "**"]), st.integers(-70, 70))
@settings(max_examples=150, deadline=None)
def test_ints_of_lifted_loops_leave_64_bits(values, op, k):
    f, plain = OPERATORS[op]
    assert alike(outcome(f, Data(values), k), outcome(plain, Data(values), k))


def operator_function(op):
    body = f"def f(d, k):\n    a = 1\n    for v in d.values:\n        a = a {op} (v if v else 1)\n        a = a + k\n    return a\n"
    if op in ("<<", "**"):
        body = body.replace("(v if v else 1)", "(v % 5)").replace("a = a + k", "a = -a + (k % 3)")
    space = {}
    exec(body, space)
    return jit(space["f"], fallback="silent"), space["f"]


OPERATORS = {op: operator_function(op) for op in ["+", "-", "*", "//", "%", "<<", "**"]}


def test_lists_are_written_back_before_execution_goes_on_elsewhere():
    def fills(d, x):
        out = d.values
        a = 1
        for i in range(len(out)):
            out[i] = a
            a = a * x
        return out is d.values, a
    for x in (3, 10 ** 9):
        one, two = Data([0] * 12), Data([0] * 12)
        try:
            expected = fills(two, x)
        except OverflowError:
            pytest.fail("Python's ints have no limit")
        assert jit(fills)(one, x) == expected and one.values == two.values


def test_a_global_that_a_loop_reads_may_change():
    space = {"FACTOR": 2, "Data": Data}
    exec("def f(d):\n    s = 0\n    x = d.values\n    for v in x:\n        s += v * FACTOR\n    return s", space)
    f = jit(space["f"], fallback="silent")
    assert f(Data([1, 2])) == 6
    space["FACTOR"] = 5
    assert f(Data([1, 2])) == 15


def test_interrupt_reaches_a_lifted_loop():
    import signal

    def spins(d):
        x = d.values
        i = 0
        while x[0] == 0:
            i = (i + 1) % 1000
        return i
    f = jit(spins)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    old = signal.signal(signal.SIGALRM, lambda *a: (_ for _ in ()).throw(KeyboardInterrupt))
    try:
        with pytest.raises(KeyboardInterrupt):
            f(Data(np.zeros(1)))
    finally:
        signal.signal(signal.SIGALRM, old)


def test_njit_has_none_of_it():
    with pytest.raises(coluber.ColuberError):
        njit(total)(Data(np.arange(3.0)))


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_each_loop_is_compiled_once_for_its_types(function):
    f = jit(function)
    for v in (np.arange(3.0), [1, 2, 3]):
        for _ in range(3):
            outcome(f, Data(copied(v)))
    for _, types, _ in f._loops():
        assert len(types) == len(set(types))


def retries(f, n):
    while n:
        try:
            return f(n)
        except KeyError:
            n -= 1
    return "none"


def fails(n):
    if n > 2:
        raise KeyError
    if n == 1:
        raise Loud
    return n


class Loud(Exception):
    pass


def test_a_loop_whose_way_out_raises_again_is_compiled():
    f = jit(retries)
    assert f(fails, 5) == 2 and f(fails, 0) == "none"
    with pytest.raises(Loud):
        f(fails, 1)
    assert all(why is None for _, _, why in f._object_mode()), f._object_mode()
