"""match statements on structures, and super() without arguments, in object mode: compiled, and as in CPython."""
from collections import OrderedDict, namedtuple

import numpy as np
import pytest
from check import exact, outcome

from coluber import jit

pytestmark = pytest.mark.filterwarnings("ignore::coluber.ObjectModeWarning")

Point = namedtuple("Point", "x y")


class Shape:
    __match_args__ = ("kind", "size")

    def __init__(self, kind, size=0):
        self.kind, self.size = kind, size


class Odd:
    __match_args__ = "kind"


class Missing:
    __match_args__ = ("nothing",)


class Names:
    __match_args__ = (1,)


def structure(v):
    match v:
        case []:
            return "empty"
        case [x]:
            return "one", x
        case [x, *rest, "end"]:
            return "end", x, rest
        case (x, y, *_) if x == y:
            return "same", x
        case [_, _, *rest]:
            return "many", rest
        case {"kind": "circle", "radius": float(r)}:
            return "circle", r
        case {"kind": kind, **rest}:
            return kind, sorted(rest.items())
        case {}:
            return "mapping", len(v)
        case Shape("square", size=n) | Shape("cube", n):
            return "square", n
        case Shape(kind, size) if size > 2:
            return "large", kind, size
        case Point(x=0, y=y):
            return "on the axis", y
        case int(n) | float(n):
            return "number", n
        case str() as s:
            return "text", s
        case None | True:
            return "constant"
        case _:
            return "other"


VALUES = [[], [1], [1, 2, "end"], [1, 1, 3], [1, 2, 3], (1, 2), (), {"kind": "circle", "radius": 2.5}, {"kind": "circle", "radius": 2}, {"kind": "x", "b": 1},
          {}, {"a": 1}, OrderedDict(kind="z"), Shape("square", 3), Shape("cube", 4), Shape("ball", 1), Shape("ball", 5), Point(0, 4), Point(1, 2), 5, 2.5,
          True, False, None, "text", b"bytes", range(3), {1, 2}, np.arange(3), object, 10**30]


@pytest.mark.parametrize("value", VALUES, ids=lambda v: repr(v).split(" at ")[0])
def test_structures(value):
    f = jit(structure, cache=False)
    assert exact(f(value)) == exact(structure(value))
    assert exact(f(value)) == exact(structure(value))


def test_it_is_compiled():
    f = jit(structure, cache=False)
    f(Shape("square", 1))
    assert f.mode((f.signatures[0])) == "mixed" if f.signatures else False


def odd(v):
    match v:
        case Odd(x):
            return x
        case Shape(a, b, c):
            return a, b, c
        case Missing(x):
            return x
        case Names(x):
            return x
        case Shape("k", kind=k):
            return k
    return None


def test_errors():
    f = jit(odd, cache=False)
    for value in (Odd(), Shape(1, 2), Missing(), Names(), 1):
        (want, _), (got, _) = outcome(odd, (value,), {}), outcome(f, (value,), {})
        assert got == want


def twice(v):
    match v:
        case {"a": x, "b": y}:
            return x, y
        case Shape(kind=k, size=n):
            return k, n
    return None


class Default(dict):
    def __missing__(self, key):
        return "made"


def test_missing_keys_are_not_made():
    f = jit(twice, cache=False)
    for value in (Default(a=1), Default(a=1, b=2), Shape(1), object()):
        assert f(value) == twice(value)


class Base:
    def name(self, n=1):
        return "base" * n

    @classmethod
    def made(cls):
        return cls.__name__


class Derived(Base):
    @jit(cache=False)
    def name(self, n=1):
        return "derived " + super().name(n)

    @jit(cache=False)
    def proxy(self):
        s = super()
        return s.name(), type(s).__name__

    @classmethod
    @jit(cache=False)
    def made(cls):
        return "class " + super().made()

    @jit(cache=False)
    def captured(self):
        return [super(Derived, self).name() for _ in range(2)], (lambda: self.name())(), super().name(2)


def test_super():
    d = Derived()
    for _ in range(2):
        assert d.name(2) == "derived basebase"
        assert d.proxy() == ("base", "super")
        assert d.captured() == (["base", "base"], "derived base", "basebase")
        assert Derived.made() == "class Derived"
    for f in (Derived.name, Derived.proxy):
        assert set(f._object_mode()[0][1:2]) != {None}, f._object_mode()
