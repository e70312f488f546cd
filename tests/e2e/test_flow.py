"""Statements: loops, conditions, assignment."""
import numpy as np
import pytest
from check import compiled, made, same

LIMIT = 7
SCALES = (1, 2.5, -3)


def for_else(n, stop):
    s = 0
    for i in range(n):
        if i == stop:
            break
        s += i
    else:
        s = -s
    return s


def while_else(n, stop):
    i = 0
    while i < n:
        i += 1
        if i % 3 == 0:
            continue
        if i == stop:
            break
    else:
        i = -i
    return i


def nested_loops(n):
    found = -1
    for i in range(n):
        for j in range(i, n):
            if i * j == 12:
                found = 100 * i + j
                break
        else:
            continue
        break
    return found


def ternary(x, y):
    return (x if x > y else y) - (1 if x else 2)


def boolean_values(a, b, c):
    return a and b, a or b, a and b or c, not a, not (a or c)


def chained(a, b, c):
    return a < b < c, a <= b == c, 0 < a != b < 10, (a < b) == True  # noqa: E712


def walrus(n):
    total = 0
    while (n := n - 1) > 0:
        total += (half := n // 2)
        total -= half > 3
    return total, n


def augmented(a, b):
    a += b
    a -= 1
    a *= 3
    a //= 2
    a %= 1000
    a <<= 2
    a >>= 1
    a |= 5
    a &= 1023
    a ^= b
    return a


def augmented_float(a, b):
    a += b
    a *= 2
    a /= 3
    a **= 2
    a -= b
    return a


def swap(a, b):
    a, b = b, a + b
    (c, d), e = (a, b), 3
    return a, b, c, d, e


def starred(t):
    first, *rest = t
    *most, last = t
    a, *middle, z = t
    return first, rest, most, last, a, middle, z


def unpack_list(xs):
    a, b, c = xs
    return a * 100 + b * 10 + c


def star_list(xs):
    a, *b = xs
    return a, b


def many_targets(x):
    a = b = c = x
    b += 1
    return a, b, c


def joins(flag):
    if flag:
        x = 1
    else:
        x = 2.5
    return x * 2


def optional(flag):
    x = None
    if flag:
        x = 3
    if x is None:
        return -1
    return x + 1


def unbound(flag):
    if flag:
        x = 1
    return x  # noqa: F821


def deleted(x):
    y = x + 1
    del x
    z = y * 2
    del y
    return z


def early_return(x):
    if x < 0:
        return -1
    for i in range(10):
        if i * i > x:
            return i
    return 10


def no_return(x):
    x += 1


def constants(x):
    return x + LIMIT + SCALES[1] + len(SCALES)


def enumerations(xs):
    s = 0
    for i, x in enumerate(xs):
        s += i * x
    for i, x in enumerate(xs, 5):
        s += i * x
    for a, b in zip(xs, range(100)):
        s += a - b
    for x in reversed(xs):
        s = s * 3 % 1009 + x
    for i in reversed(range(3)):
        s += i
    for x in map(abs, xs):
        s += x
    return s


def steps(a, b, c):
    s = []
    for i in range(a, b, c):
        s.append(i)
    return s


def comprehension(n):
    squares = [i * i for i in range(n) if i % 2]
    pairs = [i + j for i in range(3) for j in range(i)]
    return squares, pairs


def ranges(a, b):
    r = range(a, b)
    return len(r), r[0], r[-1], a in r, b in r, 3 * a in range(a, b * 4, 3)


def tuple_items(t):
    return t[0] + t[-1], len(t), t[1:], t[::-1], t + (1,), t * 2, t == t, t < t


def loop_over_tuple(a, b, c):
    s = 0
    for x in (a, b, c):
        s = s * 10 + x
    return s


def gcd(a, b):
    while b:
        a, b = b, a % b
    return a


def collatz(n):
    k = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        k += 1
    return k


def shadowed(x):
    y = x
    for x in range(3):
        y += x
    return x, y


CASES = [
    (for_else, (10, 5), (10, 50), (0, 0)), (while_else, (10, 4), (10, 99), (0, 0)), (nested_loops, (8,), (2,)),
    (ternary, (1, 2), (3, 2), (0, 0), (0.5, 2.0)), (boolean_values, (0, 1, 2), (3, 4, 5), (0, 0, 0)), (chained, (1, 2, 3), (3, 2, 1), (1, 1, 1)),
    (walrus, (10,), (0,)), (augmented, (17, 4), (-5, 3)), (augmented_float, (1.5, 2.0), (-1.5, 0.25)), (swap, (1, 2), (1.5, 2)),
    (starred, ((1, 2, 3),), ((1, 2, 3, 4, 5),)), (unpack_list, ([1, 2, 3],), ([1, 2],), ([1, 2, 3, 4],)), (star_list, ([1, 2, 3],), ([1],), ([],)),
    (many_targets, (1,), (2.5,)), (optional, (True,), (False,)), (deleted, (3,)), (early_return, (-1,), (5,), (1000,)), (no_return, (1,)),
    (constants, (1,), (1.5,)), (enumerations, ([3, -1, 4],), ([],), ([1.5, -2.5],)), (steps, (0, 10, 3), (10, 0, -3), (0, 10, -1), (0, 10, 0)),
    (comprehension, (10,), (0,)), (ranges, (2, 9), (-3, 3), (3, 3)), (tuple_items, ((1, 2, 3),), ((1.5, 2),)), (loop_over_tuple, (1, 2, 3)),
    (gcd, (48, 36), (0, 5)), (collatz, (27,)), (shadowed, (5,)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c[0].__name__)
def test_statement(case):
    for args in case[1:]:
        same(case[0], *args)


def test_assert():
    f = made("def f(x):\n    assert x > 0\n    assert x > 1, 'too small'\n    return x")     # pytest rewrites those of this file
    for x in (2, 1, 0):
        same(f, x)


def test_int_or_float_is_float():
    assert compiled(joins)(True) == 2.0 and compiled(joins)(False) == 5.0


def test_unbound():
    same(unbound, True)
    same(unbound, False, message=False)


def set_in_loops(x, n):
    for i in range(n):
        for j in range(3):
            if x > j:
                s = x + j
            t = (x, j)
        for j in range(5, 4, -1):
            u = t[0] - j
        x += u
    return s, t, u


def set_in_no_round(x):
    for j in range(0):
        x = j
        s = x
    return x, s


def test_set_in_loops_of_constant_length():
    for x in (1, 2, 0.5, -1):
        for n in (0, 1, 3):
            same(set_in_loops, x, n, message=False)
    same(set_in_no_round, 3, message=False)


def test_numpy_scalars_as_arguments():
    same(gcd, np.int32(48), np.int32(36))
    same(ternary, np.float32(1.5), np.float64(2.5))


def test_ranges_that_are_empty_by_more_than_an_int_holds():
    def rounds(start, stop, step):
        n = 0
        for _ in range(start, stop, step):
            n += 1
            if n > 5:
                break
        return n

    def up(start, stop):
        n = 0
        for _ in range(start, stop):
            n += 1
        return n

    def down(start, stop):
        n = 0
        for _ in range(start, stop, -1):
            n += 1
        return n
    far = 2**62 + 5
    for a, b in ((far, -far), (far, -2**63), (2**63 - 1, -2**63), (3, 1), (1, 3)):
        same(up, a, b)
        same(down, b, a) if b < a else same(down, a - 5, b - 5)
        same(rounds, a, b, 1 if b < a else -1)             # the other way has more rounds than an int holds
