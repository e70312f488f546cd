"""The operator module."""
import operator

import pytest
from check import made, same

TWO = ["add", "sub", "mul", "truediv", "floordiv", "mod", "eq", "ne", "lt", "le", "gt", "ge"]
IN_PLACE = ["iadd", "isub", "imul", "itruediv", "ifloordiv", "imod"]
BITS = ["and_", "or_", "xor", "lshift", "rshift", "iand", "ior", "ixor", "ilshift", "irshift", "pow", "ipow"]
ONE = ["neg", "pos", "not_", "truth", "abs"]
NOT_FOR_NUMBERS = {"attrgetter", "itemgetter", "methodcaller", "matmul", "imatmul", "is_none", "is_not_none"}
OTHERS = ["index", "inv", "invert", "concat", "iconcat", "contains", "countOf", "indexOf", "getitem", "setitem", "delitem", "length_hint", "is_", "is_not", "call"]


def test_all_functions_are_here():
    assert set(operator.__all__) <= {*TWO, *IN_PLACE, *BITS, *ONE, *OTHERS} | NOT_FOR_NUMBERS


@pytest.mark.parametrize("name", TWO + IN_PLACE)
def test_two(name):
    f = made(f"def f(a, b): return operator.{name}(a, b)", operator=operator)
    for a, b in [(7, 3), (-7, 2), (7.5, -2.0), (1, 0.5), (True, 2), (3, 0)]:
        same(f, a, b, message=False)


@pytest.mark.parametrize("name", BITS)
def test_bits(name):
    f = made(f"def f(a, b): return operator.{name}(a, b)", operator=operator)
    for a, b in [(12, 3), (-7, 2), (1, 0)]:
        same(f, a, b)


@pytest.mark.parametrize("name", ONE)
def test_one(name):
    f = made(f"def f(a): return operator.{name}(a)", operator=operator)
    for a in (3, -2.5, 0, True):
        same(f, a)


def test_integers():
    same(made("def f(a): return operator.inv(a), operator.invert(a), operator.index(a)", operator=operator), 5)


def test_sequences():
    same(made("def f(a): return operator.concat(a, [9]), operator.contains(a, 2), operator.countOf(a, 2), operator.getitem(a, 1), operator.length_hint(a)",
              operator=operator), [1, 2, 2])
    same(made("def f(a):\n    operator.setitem(a, 0, 5)\n    operator.delitem(a, 1)\n    operator.iconcat(a, [7])", operator=operator), [1, 2, 2])
    index_of = made("def f(a, x): return operator.indexOf(a, x)", operator=operator)
    same(index_of, [1, 2], 2)
    same(index_of, [1, 2], 3)
    same(index_of, (1, 2), 2)
    same(index_of, (1, 2), 3)


def test_identity():
    same(made("def f(a): return operator.is_(a, None), operator.is_not(a, None)", operator=operator), 1)


def test_as_arguments():
    same(made("def g(xs): return list(map(operator.neg, xs)), max(xs, key=operator.neg)", operator=operator), [1, -2, 3])
