"""Calls: arguments of all kinds, functions in functions, closures, recursion."""
import math

import pytest
from check import compiled, made, same

FACTOR = 3


def helper(a, b=10, *, c=100):
    return a + b * 2 + c * 3


def call_ways(x):
    return helper(x), helper(x, 1), helper(x, b=2), helper(x, c=5), helper(c=1, b=2, a=x), helper(*(x, 4), c=2)


def gather(*args):
    s = 0
    for a in args:
        s = s * 10 + a
    return s, len(args)


def call_gather(x):
    return gather(), gather(x), gather(x, 2, 3), gather(*(1, 2), x)


def first_and_rest(first, *rest):
    return first, rest, len(rest)


def call_first(x):
    return first_and_rest(x), first_and_rest(x, 1.5, True)


def defaults(a, b=2, c=None, d=True):
    if c is None:
        return a + b + d
    return a * b * c


def positional_only(a, /, b, *, c):
    return a - b * c


def call_positional_only(x):
    return positional_only(x, 2, c=3), positional_only(x, b=2, c=3)


def inner(x):
    def add(y):
        return x + y * FACTOR
    return add(1) + add(2.5)


def lambdas(x):
    double = lambda y: 2 * y
    add = lambda a, b: a + b + x
    return double(x), add(1, 2), (lambda: x)()


def apply(f, x):
    return f(x)


def functions_as_arguments(x):
    return apply(helper, x), apply(lambda y: y - x, 10), apply(math.sqrt, x), apply(abs, -x)


def changed_before_call(x):
    y = 1
    f = lambda: x + y
    y = 5
    return f() + y


def factorial(n):
    return 1 if n <= 1 else n * factorial(n - 1)


def fib(n):
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)


def is_even(n):
    return True if n == 0 else is_odd(n - 1)


def is_odd(n):
    return False if n == 0 else is_even(n - 1)


def ackermann(m, n):
    if m == 0:
        return n + 1
    if n == 0:
        return ackermann(m - 1, 1)
    return ackermann(m - 1, ackermann(m, n - 1))


def deep(n):
    return 0 if n == 0 else 1 + deep(n - 1)


def endless(n):
    return endless(n + 1) + 1


def make_adder(n):
    def adder(x):
        return x + n
    return adder


def returns_none(x):
    if x > 0:
        return None


def list_argument(xs):
    xs.append(4)
    change(xs)
    return sum(xs)


def change(ys):
    ys[0] = 100


def nested_twice(x):
    def outer(y):
        def innermost(z):
            return x * 100 + y * 10 + z
        return innermost(3)
    return outer(2)


CASES = [
    (call_ways, (1,), (2.5,)), (call_gather, (7,)), (call_first, (3,)), (gather, (), (1,), (1, 2, 3)), (call_positional_only, (5,)),
    (inner, (1,), (0.5,)), (lambdas, (4,), (1.5,)), (functions_as_arguments, (4,)), (factorial, (10,), (0,)), (fib, (15,)), (is_even, (10,), (7,)),
    (ackermann, (2, 3)), (deep, (500,)), (returns_none, (1,), (-1,)), (list_argument, ([1, 2, 3],)), (nested_twice, (1,)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c[0].__name__)
def test_call(case):
    for args in case[1:]:
        same(case[0], *args)


def test_keywords_and_defaults_at_the_boundary():
    same(defaults, 1)
    same(defaults, 1, 5)
    same(defaults, 1, c=4)
    same(defaults, a=1, d=False, b=7)
    same(helper, 1, c=2)
    same(first_and_rest, 1, 2, 3)
    with pytest.raises(TypeError):
        compiled(defaults)()
    with pytest.raises(TypeError):
        compiled(defaults)(1, e=3)
    with pytest.raises(TypeError):
        compiled(defaults)(1, 2, 3, True, 5)


def test_closures_made_outside():
    assert compiled(make_adder(5))(1) == 6
    assert compiled(make_adder(2.5))(1) == 3.5
    assert compiled(make_adder(7))(1) == 8


def test_jitted_callee():
    jitted = compiled(fib)

    def caller(n):
        return jitted(n) + 1
    assert compiled(caller)(10) == fib(10) + 1


def test_endless_recursion_is_an_error():
    with pytest.raises(RecursionError):
        compiled(endless)(1)
    assert compiled(deep)(100) == 100


def test_rebound_global():
    global FACTOR
    assert compiled(inner)(1) == inner(1)
    try:
        FACTOR = 10
        assert compiled(inner)(1) == inner(1)
    finally:
        FACTOR = 3
    assert compiled(inner)(1) == inner(1)


def test_returned_ranges():
    for text in ("range(n)", "range(2, n)", "range(n, 0, -1)", "range(1, n, 3)", "(range(n), n)", "range(n) if n > 3 else range(0, n, 2)", "None if n > 3 else range(n)"):
        f = made(f"def f(n): return {text}")
        for n in (0, 3, 9):
            same(f, n)


def recursive_with_default(n):
    def factorial(k, acc=1):
        return acc if k <= 1 else factorial(k - 1, acc * k)
    return factorial(n), factorial(n, 2), factorial(n, acc=3)


def recursive_with_defaults_and_captures(n, m):
    def go(k, s=m, *, t=2):
        if k == 0:
            return s + t + m
        return go(k - 1, s + 1) if k % 2 else go(k - 1, s, t=t + n)
    return go(n), go(n, 1), go(n, t=5)


def test_inner_functions_that_call_themselves():
    for n in (0, 1, 5, 8):
        same(recursive_with_default, n)
        same(recursive_with_defaults_and_captures, n, 7)
