"""The option `locals`: each value stored to a variable is cast to the type that the option gives it."""
import numpy as np
import pytest
from check import exact

from coluber import njit, types
from coluber.errors import TypingError


def typed(f, **locals):
    return njit(f, locals=locals, cache=False)


def stored(x):
    y = x
    return y


def parameter(n):
    return n


def accumulated(n):
    s = 0
    for i in range(n):
        s += i * 0.1
    return s


def target(n):
    s = 0.0
    for x in range(n):
        s += x / 3
    return s


def unpacked(a, b):
    x, y = b, a
    return x, y


def walrus(a):
    return (x := a), x


def on_paths(n):
    if n > 2:
        x = 1
    else:
        x = 2.75
    return x


def handled(n):
    x = n
    try:
        x = n + 1
        [1, 2][n]
    except IndexError:
        return x
    return -x


@pytest.mark.parametrize("name", ["int8", "int16", "uint32", "int64", "float32", "float64", "complex64", "complex128", "boolean"])
def test_store_casts_as_astype(name):
    dtype = np.dtype("bool" if name == "boolean" else name)
    for value in (0, 3, 100, 1.0, 2.5, True):
        want = np.array(value).astype(dtype)[()]
        assert exact(typed(stored, y=getattr(types, name))(value)) == exact(want)
        assert exact(typed(parameter, n=getattr(types, name))(value)) == exact(want)


def test_wraps():
    assert typed(stored, y=types.int8)(300) == 44
    assert typed(parameter, n=types.uint16)(-1) == 65535


def test_each_assignment():
    want = np.float32(0)
    for i in range(50):
        want = np.float32(want + np.float32(i * 0.1))
    assert typed(accumulated, s=types.float32)(50) == float(want)
    assert typed(accumulated, s=types.int32)(50) != accumulated(50)


def test_other_ways_to_store():
    assert typed(target, x=types.float32)(5) == float(sum((np.float32(i) / np.float32(3) for i in range(5)), np.float32(0)))
    assert typed(unpacked, x=types.int16)(1.5, 70000.0) == (4464, 1.5)
    assert typed(walrus, x=types.int8)(300) == (300, 44)
    assert exact(typed(on_paths, x=types.float32)(3)) == exact(1.0)
    assert exact(typed(on_paths, x=types.int32)(1)) == exact(2)
    assert [typed(handled, x=types.float64)(n) for n in (0, 5)] == [-1.0, 6.0]


def test_types_that_hold_it():
    assert typed(stored, y=types.Optional(types.float64))(3) == 3.0
    assert typed(stored, y=types.Tuple((types.float64, types.int8)))((1, 2)) == (1.0, 2)
    a = np.arange(6.0).reshape(2, 3)
    assert typed(stored, y=types.Array(types.float64, 2, "A"))(a) is a


def test_other_names_do_not_matter():
    assert exact(typed(stored, z=types.int8)(2.5)) == exact(2.5)


def test_of_a_callee():
    inner = typed(stored, y=types.float32)

    def outer(x):
        return inner(x) + inner(2 * x)

    x = 0.1
    assert njit(outer, cache=False)(x) == float(np.float32(x) + np.float32(2 * x))


@pytest.mark.parametrize("want, value", [("float64", 1j), ("int64", (1, 2)), ("float32", np.ones(3))])
def test_impossible(want, value):
    with pytest.raises(TypingError, match=f"variable 'y' is {want} by the option locals, and .* cannot be converted to that"):
        typed(stored, y=getattr(types, want))(value)
