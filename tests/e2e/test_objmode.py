"""Bodies of `with objmode():` in compiled code, against the function in Python, where objmode does nothing."""
import traceback

import numpy as np
import pytest
from check import exact, same_outcome
from hypothesis import given, settings
from hypothesis import strategies as st

from coluber import njit, objmode, types

pytestmark = pytest.mark.numpy

OUT = types.int64[:]
TEXT = "float64[::1]"
SEEN = []


# ---- what comes back

def reversed_list(x):
    with objmode(y="float64[:]"):
        y = np.array(list(reversed(x.tolist())))
    return y


def numbers(x, n):
    with objmode(a="int64", b="float64", c="complex128", d="boolean"):
        a = int(str(n)) + 1
        b = float(x.sum())
        c = complex(b, a)
        d = a in {1, 2, 3}
    return a, b * 2, c, d


def by_name(n):
    with objmode(y=OUT, z=types.float64, w=TEXT):
        y = np.arange(n)
        z = sum(v for v in range(n)) / 2
        w = np.ones(n)
    return y, z, w


def text(n):
    with objmode(s="unicode_type"):
        s = f"{n:>5}!"
    return s, s == "    5!"


def tuples(n):
    with objmode(t="Tuple((int64, float64))", u="UniTuple(int64, 2)"):
        t = divmod(n, 7)[0], 1.5
        u = divmod(n, 3)
    return t[0] + u[1], t[1], u


def lists(n):
    with objmode(items="List(int64)"):
        items = sorted({k * k % 7 for k in range(n)})
    total = 0
    for i in items:
        total += i
    return total, len(items)


def nothing(x):
    with objmode():
        SEEN.append(float(x))
    return x + 1


def empty_body(x):
    with objmode():
        pass
    return x


def optional(n):
    with objmode(y="optional(int64)"):
        y = {1: 10}.get(n)
    return y is None, y


@pytest.mark.parametrize("size", [0, 1, 7, 1000])
@pytest.mark.parametrize("dtype", [np.float64, np.int64, np.float32])
def test_array_back(size, dtype):
    same_outcome(reversed_list, np.arange(size).astype(dtype).astype(np.float64))


def test_values_back():
    same_outcome(numbers, np.array([1.5, np.nan, np.inf]), 3)
    for n in (0, 1, 5):
        same_outcome(by_name, n)
        same_outcome(text, n)
        same_outcome(tuples, n)
        same_outcome(lists, n)
        same_outcome(optional, n)
    same_outcome(nothing, 2.0)
    same_outcome(empty_body, 2)


# ---- what goes in

def describe_inputs(a, f, s, t, n, b):
    with objmode(r="unicode_type"):
        r = repr((a.dtype.str, a.flags.c_contiguous, a.flags.f_contiguous, a.flags.writeable, a.tolist(), f, s, t, n, b, [type(v).__name__ for v in (f, s, t, n, b)]))
    return r


def frozen(a):
    a.flags.writeable = False
    return a


@pytest.mark.parametrize("array", [np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(12.0).reshape(3, 4)[::2, ::2],
                                   np.empty((0, 2)), frozen(np.arange(3)), np.array(2.5), np.arange(5)[::-1], np.array([True, False]), np.array([1 + 2j])])
def test_what_goes_in(array):
    f = njit(cache=False)(describe_inputs)
    for other in ((1.5, "text", (1, 2.5), -2**63, True), (np.float32(2), "", (), 2**63 - 1, False)):
        assert f(array, *other) == describe_inputs(array, *other)


def identity(a):
    with objmode(same="boolean"):
        same = a is SEEN[0]
    return same


def test_an_argument_stays_the_object_it_is():
    x = np.arange(3.0)
    SEEN[:] = [x]
    assert njit(cache=False)(identity)(x) is True


def in_place(a):
    b = np.zeros(len(a))
    with objmode():
        a[:] = np.sort(a)[::-1]
        b += a
    return a.sum(), b


def fresh_array_kept(n):
    a = np.ones(n)
    with objmode():
        SEEN.append(a)
    a[0] = 5.0
    return a.sum()


def list_in(items):
    items.append(4)
    with objmode(n="int64"):
        items.sort(reverse=True)
        items.pop()
        n = len(items)
    items.append(7)
    return n, items


def list_made():
    items = [3, 1, 2]
    other = items
    with objmode():
        items.sort()
        other.append(9)
    return items[0], len(other), other


def test_memory_is_shared():
    same_outcome(in_place, np.array([3.0, 1.0, 2.0]))
    SEEN.clear()
    f = njit(cache=False)(fresh_array_kept)
    assert f(4) == 8.0
    assert SEEN[0].tolist() == [5.0, 1.0, 1.0, 1.0]
    f(4)
    assert SEEN[0].tolist() == SEEN[1].tolist() and SEEN[0] is not SEEN[1]


def test_lists_go_in_and_come_back():
    same_outcome(list_in, [5, 1, 3])
    same_outcome(list_in, [])
    same_outcome(list_made)
    f = njit(cache=False)(list_in)
    x = [5, 1, 3]
    n, result = f(x)
    assert result is x and n == 3


def wrong_items(items):
    with objmode():
        items.append("x")
    return len(items)


def test_list_of_other_items():
    with pytest.raises(TypeError, match="items of another type than pyint into the list 'items'"):
        njit(cache=False)(wrong_items)([1, 2])


# ---- types that are not declared

def keeps_type(n):
    y = 1.0
    for _ in range(n):
        with objmode():
            y = y * 1.5 + len(str(y))
    return y


def accumulates(x):
    total = 0.0
    with objmode():
        for v in x.tolist():
            total += v
    return total


def conditional(n):
    if n > 2:
        with objmode(y="int64"):
            y = len(str(n))
    else:
        y = 5
    return y


def maybe(n):
    with objmode(y="int64"):
        if n > 0:
            y = n * 2
    if n > 0:
        return y
    return -1


def unbound(n):
    with objmode(y="int64"):
        if n > 0:
            y = n * 2
    return y


def deleted(n):
    y = n
    with objmode():
        del y
    return y


def test_types_from_before():
    for n in (0, 1, 5):
        for f in (keeps_type, conditional, maybe, unbound, deleted):
            same_outcome(f, n)
    same_outcome(accumulates, np.array([0.5, 1.25]))


# ---- errors

def raises(n):
    with objmode(y="int64"):
        y = n
        if n > 2:
            raise KeyError("no", n)
    return y


def caught(n):
    y = 0
    try:
        with objmode(y="int64"):
            y = {1: 10}[n]
    except KeyError:
        return -1 - y
    return y


def inside(n):
    with objmode(y="int64"):
        try:
            y = {1: 10}[n]
        except KeyError as e:
            y = len(str(e))
        finally:
            SEEN.append(n)
    return y


def finally_around(n, a):
    try:
        with objmode(y="int64"):
            y = int(str(n) + ("x" if n > 1 else ""))
    finally:
        a[0] += 1
    return y


class Mine(Exception):
    pass


def own_class(n):
    try:
        with objmode():
            if n > 2:
                raise Mine(n)
    except Mine:
        return n
    return -1


def test_exceptions():
    for n in (0, 1, 5):
        for f in (raises, caught, inside, own_class):
            same_outcome(f, n)
        same_outcome(finally_around, n, np.zeros(1))


def test_traceback_has_one_line_per_function():
    compiled = njit(cache=False)(raises)
    for _ in range(2):
        with pytest.raises(KeyError) as caught:
            compiled(5)
        entries = [e for e in traceback.extract_tb(caught.value.__traceback__) if e.name == "raises"]
        assert [e.line for e in entries] == ['raise KeyError("no", n)']


def wrong_type(n):
    with objmode(y="float64[:]"):
        y = n
    return y


def wrong_number(n):
    with objmode(y="int64"):
        y = n + 0.5
    return y


def wrong_rank(n):
    with objmode(y="float64[:]"):
        y = np.zeros((n, n))
    return y


def read_only(n):
    with objmode(y="float64[:]"):
        y = np.zeros(n)
        y.flags.writeable = False
    return y


@pytest.mark.parametrize("f, found", [(wrong_type, "int"), (wrong_number, "float"), (wrong_rank, r"array\(float64, 2d, C\)"), (read_only, "readonly")])
def test_wrong_type(f, found):
    compiled = njit(cache=False)(f)
    for _ in range(2):
        with pytest.raises(TypeError, match=f"objmode: variable 'y' is declared as .*, but the body has left .*({found})"):
            compiled(3)


def widened(n):
    with objmode(y="float64", z="complex128"):
        y = n
        z = n
    return y, z


def test_safe_conversions():
    assert exact(njit(cache=False)(widened)(3)) == exact((3.0, 3 + 0j))


# ---- Numba's documented example

out_ty = types.intp[:]


def bar(x):
    # This code is executed by the interpreter.
    return np.asarray(list(reversed(x.tolist())))


@njit(cache=False)
def foo():
    x = np.arange(5)
    y = np.zeros_like(x)
    with objmode(y="intp[:]", z=out_ty):  # annotate return type
        # this region is executed by object-mode.
        y += bar(x)
        z = y
    return y, z


def test_numba_example():
    y, z = foo()
    assert y.tolist() == z.tolist() == [4, 3, 2, 1, 0]


@settings(max_examples=40, deadline=None)
@given(st.integers(-2**63, 2**63 - 1), st.floats(), st.text(max_size=20), st.lists(st.floats(), max_size=5))
def test_any_values(n, x, s, items):
    assert exact(_round_trip(n, x, s, np.array(items))) == exact((n, x, s, np.array(items)))


@njit(cache=False)
def _round_trip(n, x, s, items):
    with objmode(a="int64", b="float64", c="unicode_type", d="float64[:]"):
        a, b, c, d = n, x, s, items
    return a, b, c, d
