"""Matching arguments: types, binding, explicit signatures, descriptors."""
import enum
import inspect
import math
import weakref
from collections import namedtuple

import numpy as np
import pytest

import coluber
from coluber import errors, njit, types

Point = namedtuple("Point", "x y")


def echo_of(value):
    @njit
    def echo(a):
        pass
    return echo(value), str(echo.signatures[0][0].text).split("#")[0]


@pytest.mark.parametrize("value, text", [
    (True, "pybool"), (5, "pyint"), (-2**63, "pyint"), (1.5, "pyfloat"), (1 + 2j, "pycomplex"), (None, "none"), ("grüße", "str"), (..., "ellipsis"),
    (range(2, 9, 3), "range"), (slice(1, None, 2), "slice(pyint,none,pyint)"), ((1, 2.5), "tuple(pyint,pyfloat)"), ((), "tuple()"),
    (Point(1, 2.5), "namedtuple"), (np.float64, "dtype(float64)"),
    (np.bool_(True), "bool"), (np.int8(-3), "int8"), (np.uint8(200), "uint8"), (np.int16(-3), "int16"), (np.uint16(60000), "uint16"),
    (np.int32(-3), "int32"), (np.uint32(4000000000), "uint32"), (np.int64(-3), "int64"), (np.uint64(2**64 - 1), "uint64"), (np.longlong(7), "int64"),
    (np.float32(0.5), "float32"), (np.float64(0.1), "float64"), (np.complex64(1 - 2j), "complex64"), (np.complex128(1 - 2j), "complex128"),
])
def test_echo_scalars(value, text):
    got, typed = echo_of(value)
    assert typed == text
    assert got == value
    expected = value.item() if isinstance(value, np.generic) else value
    assert type(got) is type(expected)          # scalars come back as Python's


def test_echo_objects_by_identity():
    for value in (math.sin, np.add, len, ValueError, Point):
        assert echo_of(value)[0] is value

    @njit
    def echo(f):
        pass
    assert echo(math.sin) is math.sin and echo(math.cos) is math.cos and len(echo.signatures) == 2


ARRAYS = [np.arange(6.0), np.zeros((2, 3)), np.zeros((2, 3), order="F"), np.zeros((4, 6))[:, :3], np.zeros((4, 6))[:, ::2], np.arange(8)[::2],
          np.array(3.0), np.zeros((0, 3)), np.zeros((2, 2, 2), np.complex64), np.zeros(3, np.bool_), np.zeros((1, 5), np.int8), np.arange(4, dtype=np.longlong)]
LAYOUTS = ["C", "C", "F", "S", "A", "A", "C", "C", "C", "C", "C", "C"]


@pytest.mark.parametrize("a, layout", list(zip(ARRAYS, LAYOUTS)), ids=lambda v: v if isinstance(v, str) else f"{v.dtype}{v.shape}")
def test_echo_arrays(a, layout):
    got, text = echo_of(a)
    assert got is a
    assert text == f"array({a.dtype},{a.ndim},{layout})"


def test_readonly_and_memmap(tmp_path):
    a = np.arange(3.0)
    a.flags.writeable = False
    assert echo_of(a)[0] is a
    assert echo_of(a)[1] == "array(float64,1,C,ro)"
    m = np.memmap(tmp_path / "m", dtype=np.float64, shape=4, mode="w+")
    assert echo_of(m)[0] is m and echo_of(m)[1] == "array(float64,1,C)"


def test_one_specialisation_per_type_and_no_confusion():
    @njit
    def echo(a):
        pass
    values = [1, 1.0, True, np.float64(1), np.zeros(2), np.zeros((2, 2)), np.zeros(4)[::2], np.zeros(2, np.int64), (1,), (1.0,), None, "s", [1], [1.0], []]
    for _ in range(3):
        for v in values:
            got = echo(v) if not isinstance(v, list) else None
            assert isinstance(v, list) or got is v or (got == v and type(got) in (type(v), float))
    assert len(echo.signatures) == len(values) - 3


# ---- binding

def python_error(f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except TypeError as e:
        return str(e)
    pytest.fail("CPython accepts this")


def first_two(a, b=2.0, *, c=3.0):
    pass


def first_only(a, /, b):
    pass


@pytest.mark.parametrize("f, args, kwargs", [
    (first_two, (), {}), (first_two, (1, 2, 3), {}), (first_two, (1,), {"d": 1}), (first_two, (1,), {"a": 1}), (first_only, (1,), {}),
    (first_only, (), {"a": 1, "b": 2}), (first_only, (1, 2, 3), {}), (first_two, (1,), {"b": 1, "x": 2}),
])
def test_wrong_calls_say_what_python_says(f, args, kwargs):
    with pytest.raises(TypeError) as caught:
        njit(f)(*args, **kwargs)
    assert str(caught.value) == python_error(f, *args, **kwargs)


def test_keywords_and_defaults():
    f = njit(first_two)
    assert f(1.0) == f(a=1.0) == f(1.0, 5.0) == f(1.0, c=4.0) == f(b=1.0, a=1.0) == 1.0
    assert len(f.signatures) == 1               # defaults are typed as if they were passed
    assert [t.text for t in f.signatures[0]] == ["pyfloat"] * 3


def test_star_args_are_a_tuple():
    @njit
    def echo_args(*args):
        pass
    assert echo_args() == () and echo_args(1, 2.0) == (1, 2.0)
    assert [s[0].text for s in echo_args.signatures] == ["tuple()", "tuple(pyint,pyfloat)"]


def test_keyword_dict_is_refused():
    @njit
    def f(**kw):
        pass
    with pytest.raises(errors.TypingError, match=r"\*\*keywords"):
        f(a=1)


# ---- arguments that cannot be

class MyArray(np.ndarray):
    pass


@pytest.mark.parametrize("value, words", [
    ({}, ["'b'", "dict", "arrays or lists"]), (np.ma.array([1.0]), ["masked", "x.mask"]), (np.zeros(2).view(MyArray), ["MyArray", "numpy.asarray"]),
    (np.zeros(2, ">f8"), ["byte order", "newbyteorder"]), (np.array([None]), ["dtype object", "astype"]), (object(), ["object", "separate arguments"]),
    (np.zeros(2, "M8[s]"), ["datetime64"]), ([object()], ["item of type object"]), (np.float16(1), ["float16"]), ([np.int32(1), np.float32(1)], ["mixes"]),
    ((1, {}), ["a tuple with", "dict"]), (np.frombuffer(b"x" * 17, np.uint8)[1:].view(np.float64), ["aligned", "copy"]),
])
def test_unsupported_arguments_are_named(value, words):
    @njit
    def first(a, b):
        pass
    with pytest.raises(errors.TypingError) as caught:
        first(1, value)
    assert isinstance(caught.value, TypeError)
    for word in words + ["first()"]:
        assert word in str(caught.value)


def test_big_ints_overflow_and_say_so():
    @njit
    def first(a, b):
        pass
    first(1, 2)
    for args in ((1, 2**63), (1, -2**63 - 1)):
        with pytest.raises(OverflowError, match=r"argument 'b'.*does not fit 64 bits"):
            first(*args)
    with pytest.raises(OverflowError, match="item 1 of the list"):
        first(1, [1, 2**70])
    with pytest.raises(OverflowError):
        first(1, range(2**65))


def test_subclasses_of_int_and_float_by_value():
    class Colour(enum.IntEnum):
        RED = 3

    class MyFloat(float):
        pass
    assert echo_of(Colour.RED) == (3, "pyint")
    assert echo_of(MyFloat(2.5)) == (2.5, "pyfloat")


# ---- explicit signatures

def test_explicit_signature_converts_safely():
    @njit("float64(float64, int64)")
    def first(a, b):
        pass
    assert first(1, 2) == 1.0 and isinstance(first(1, 2), float)
    assert first(np.float32(0.5), True) == 0.5
    assert first(a=3, b=np.int8(1)) == 3.0
    for bad in ((1.0, 2.0), ("x", 1), (1j, 1), (1.0, None)):
        with pytest.raises(TypeError, match="no matching signature") as caught:
            first(*bad)
        assert "(float64, int64) -> float64" in str(caught.value)
    assert len(first.signatures) == 1


def test_explicit_narrow_integers():
    @njit(["uint8(uint8)"])
    def echo(a):
        pass
    assert echo(200) == 200
    with pytest.raises(OverflowError, match="does not fit uint8"):
        echo(300)
    with pytest.raises(TypeError, match="no matching"):
        echo(np.int64(3))


def test_several_signatures_in_order():
    @njit([types.int64(types.int64), "float64(float64)"])
    def echo(a):
        pass
    assert echo(3) == 3 and isinstance(echo(3), int)
    assert echo(2.5) == 2.5
    assert len(echo.signatures) == 2


def test_explicit_arrays_accept_what_their_layout_can_describe():
    @njit("void(float64[:, :])")
    def nothing(a):
        pass
    for a in (np.zeros((2, 3)), np.zeros((3, 2)).T, np.zeros((4, 4))[::2, ::2]):
        assert nothing(a) is None
    with pytest.raises(TypeError):
        nothing(np.zeros(3))
    with pytest.raises(TypeError):
        nothing(np.zeros((2, 2), np.float32))

    @njit("void(float64[::1])")
    def nothing(a):
        pass
    with pytest.raises(TypeError):
        nothing(np.zeros(6)[::2])


def test_explicit_optional():
    @njit([types.Optional(types.float64)(types.Optional(types.float64))])
    def echo(a):
        pass
    assert echo(None) is None and echo(2.5) == 2.5 and echo(3) == 3.0


def test_wrong_number_of_types():
    with pytest.raises(TypeError, match="signature of 1 arguments is given for a function of 2"):
        njit("float64(float64)")(lambda a, b: a)


def test_disable_compile():
    @njit
    def echo(a):
        pass
    echo(1)
    echo.disable_compile()
    assert echo(2) == 2
    with pytest.raises(TypeError, match="no matching signature"):
        echo("x")


# ---- what a dispatcher is

def test_metadata():
    def add(a, b=2):
        "Adds."
        return a + b
    f = njit(add)
    assert (f.__name__, f.__doc__, f.__module__, f.__qualname__) == (add.__name__, "Adds.", add.__module__, add.__qualname__)
    assert f.__wrapped__ is f.py_func is add
    assert inspect.signature(f) == inspect.signature(add) == f.__signature__
    assert isinstance(f, coluber.Dispatcher) and "add" in repr(f)
    assert weakref.ref(f)() is f
    f.note = 5
    assert f.note == 5
    assert njit(f).py_func is add


def test_methods_bind():
    class Thing:
        @njit
        def echo(self):
            pass

        @staticmethod
        @njit
        def echo_static(a):
            pass
    assert Thing.echo_static(3) == 3
    with pytest.raises(errors.TypingError, match="'self'"):
        Thing().echo()
    assert inspect.ismethod(Thing().echo)


def test_many_arguments():
    source = "def first(" + ", ".join(f"a{i}" for i in range(40)) + "): pass"
    space = {}
    exec(source, space)
    f = njit(space["first"])
    assert f(*range(40)) == 0
    arrays = [np.arange(3.0) + i for i in range(40)]
    assert f(*arrays) is arrays[0]


def test_compile_and_inspect():
    @njit
    def add(a, b):
        return a + b
    add.compile("float64(float64, float64)")
    assert add.signatures == [(types.float64, types.float64)]
    add.compile((types.pyint, types.pyint))
    assert add(1, 2) == 3 and len(add.signatures) == 2
    assert add.overloads[(types.pyint, types.pyint)].signature.return_type == types.pyint
    assert set(add.inspect_llvm().values()) == {"; fake llvm"}
    assert add.inspect_asm((types.pyint, types.pyint)) == "fake text"
    assert add.stats.code_sizes.keys() == add.stats.calls.keys() == set(add.signatures) and add.stats.calls[(types.pyint, types.pyint)] == 1
    add.recompile()
    assert len(add.signatures) == 2 and add(1, 2) == 3
    assert add.cache_info().hits == 0 and any("off" in n or "cache" in n for n in add.cache_info().notes)


def test_garbage_collection():
    import gc

    def make():
        @njit
        def echo(a):
            return echo                          # a cycle through the closure
        echo(np.zeros(3))
        echo(len)
        return weakref.ref(echo), weakref.ref(echo.py_func)
    refs = make()
    gc.collect()
    assert [r() for r in refs] == [None, None]
