"""Arithmetic of Python's and NumPy's scalars, at the extremes."""
import itertools
import operator
import random

import numpy as np
import pytest
from check import compiled, made, same

pytestmark = pytest.mark.numpy

OPERATORS = ["+", "-", "*", "/", "//", "%"]
BITS = ["&", "|", "^"]
COMPARISONS = ["==", "!=", "<", "<=", ">", ">="]
INTS = [0, 1, -1, 2, -2, 3, 7, -7, 10, 2**31, -2**31, 2**53 + 1, 2**62]
FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 1e300, -1e300, 5e-324, 1e-300, float("inf"), float("-inf"), float("nan"), 0.1, 1e16]
COMPLEX = [0j, 1 + 0j, -1.5 + 2j, 1e200 + 1e-200j, complex("inf"), complex("nan"), -0.0 - 0.0j, 3 - 4j, 1e308 + 1e308j]
NUMPY = [np.int8(-5), np.int8(127), np.uint8(200), np.int16(300), np.uint16(7), np.int32(-70000), np.uint32(4000000000), np.int64(-3), np.uint64(2**63 + 5),
         np.float32(1.5), np.float32(-0.1), np.float64(2.5), np.complex64(1 + 2j), np.complex128(-1 + 0.5j), np.bool_(True)]
PYTHON = [3, -2, 0.25, True, 1 - 1j]


def binary(op):
    return made(f"def f(a, b):\n    return a {op} b", __name__="made")


def fits(x):
    return not isinstance(x, int) or -2**63 <= x < 2**63


def expected_to_differ(f, a, b):
    """int results beyond 64 bits wrap, by design."""
    try:
        with np.errstate(all="ignore"):
            return not fits(f(a, b))
    except (ArithmeticError, ValueError, TypeError):
        return False


@pytest.mark.parametrize("op", OPERATORS + COMPARISONS)
def test_floats(op):
    f = binary(op)
    for a, b in itertools.product(FLOATS, FLOATS):
        same(f, a, b, message=False)


@pytest.mark.parametrize("op", OPERATORS + COMPARISONS + BITS)
def test_ints(op):
    f = binary(op)
    exact = [i for i in INTS if abs(i) <= 2**53] if op == "/" else INTS      # beyond, the quotient is that of the floats
    for a, b in itertools.product(exact, exact):
        if not expected_to_differ(f, a, b):
            same(f, a, b, message=False)


@pytest.mark.parametrize("op", ["<<", ">>"])
def test_shifts(op):
    f = binary(op)
    for a, b in itertools.product(INTS, [0, 1, 5, 31, -1, 60]):
        if not expected_to_differ(f, a, b):
            same(f, a, b)
    for a in INTS:
        assert compiled(binary(">>"))(a, 100) == a >> 100


@pytest.mark.parametrize("op", OPERATORS + COMPARISONS)
def test_int_with_float(op):
    f = binary(op)
    small = [i for i in INTS if abs(i) <= 2**53]       # comparisons of large ints with floats are by value in Python
    for a, b in itertools.product(small, FLOATS):
        same(f, a, b, message=False)
        same(f, b, a, message=False)


@pytest.mark.parametrize("op", ["+", "-", "*", "/", "==", "!="])
def test_complex(op):
    f = binary(op)
    for a, b in itertools.product(COMPLEX, COMPLEX):
        same(f, a, b)
    for a, b in itertools.product(COMPLEX, [2.5, -0.0, 1e300]):
        same(f, a, complex(b))


@pytest.mark.parametrize("op", OPERATORS + BITS + COMPARISONS)
def test_bools(op):
    f = binary(op)
    for a, b in itertools.product([True, False], [True, False]):
        same(f, a, b, message=False)
    for a, b in itertools.product([True, False], [0, 3, -2]):
        same(f, a, b, message=False)


def unary_ops(x):
    return -x, +x, not x, abs(x)


def test_unary():
    for x in INTS + FLOATS + [True, False]:
        same(unary_ops, x)
    for x in INTS + [True, False]:
        same(made("def f(x): return ~x"), x)
    for x in COMPLEX[:-1]:
        same(unary_ops, x)
    same(unary_ops, COMPLEX[-1] * 10)


@pytest.mark.parametrize("op", ["+", "-", "*", "/"])
def test_numpy_scalars(op):
    """NEP 50: the value and the type that NumPy gives (seen through its item())."""
    f = binary(op)
    for a, b in itertools.product(NUMPY, NUMPY[::3] + PYTHON):
        same_or_typing(f, a, b)
        same_or_typing(f, b, a)


@pytest.mark.parametrize("op", ["//", "%", "<", "==", ">="])
def test_numpy_real_scalars(op):
    f = binary(op)
    real = [x for x in NUMPY if not isinstance(x, np.complexfloating)]
    for a, b in itertools.product(real, real[::3] + PYTHON[:4]):
        same_or_typing(f, a, b)
        same_or_typing(f, b, a)


def same_or_typing(f, a, b):
    """What NumPy rejects by a TypeError may be rejected while compiling."""
    from coluber import TypingError
    try:
        with np.errstate(all="ignore"):
            f(a, b)
    except TypeError:
        with pytest.raises((TypeError, TypingError)):
            compiled(f)(a, b)
        return
    except OverflowError:                              # a Python int that does not fit NumPy's type
        return
    same(f, a, b)


def test_powers():
    f = binary("**")
    for a, b in itertools.product([0, 1, -1, 2, -3, 10], [0, 1, 2, 3, 18]):
        same(f, a, b)
    for a, b in itertools.product(FLOATS, FLOATS):
        if a < 0 and b == b and abs(b) != float("inf") and b != int(b):
            continue                                   # complex in Python
        same(f, a, b)
    for a, b in itertools.product(COMPLEX[:6], [2 + 0j, 3 + 0j, -1 + 0j, 0.5 + 0j, 1j, 0j, 1.5 - 0.5j]):
        same(f, a, b)
    with pytest.raises(ValueError, match="negative"):
        compiled(f)(2, -1)
    with pytest.raises(ValueError, match="complex"):
        compiled(f)(-2.0, 0.5)


def literal_powers(x):
    return x ** 0, x ** 1, x ** 2, x ** 3, x ** 5, 2 ** x


def test_literal_powers():
    for x in [0, 1, 2, 3, 10]:
        same(literal_powers, x)
    for x in [0.5, -1.5, 3.0, 0.0]:
        same(literal_powers, x)
    for x in [0.5, 2.0, -0.1]:
        same(made("def f(x): return x ** -1, x ** -2, x ** 0.5 if x > 0 else 0.0"), x)


def test_wrapping():
    """Integers are of 64 bits and wrap: a deviation, but a certain one."""
    for op, a, b in [("+", 2**63 - 1, 1), ("-", -2**63, 1), ("*", 2**62, 4), ("*", 3**39, 3**10)]:
        want = {"+": operator.add, "-": operator.sub, "*": operator.mul}[op](a, b)
        assert compiled(binary(op))(a, b) == (want + 2**63) % 2**64 - 2**63
    with pytest.raises(OverflowError):
        compiled(binary("+"))(2**63, 1)


def test_overflow_option():
    from coluber import njit
    f = njit(overflow="raise", cache=False)(lambda a, b: a * b + 1)
    assert f(3, 4) == 13
    with pytest.raises(OverflowError):
        f(2**62, 2)
    with pytest.raises(OverflowError):
        f(2**63 - 1, 1)


def test_numpy_error_model():
    from coluber import njit
    f = njit(error_model="numpy", cache=False)(lambda a, b: a / b)
    assert f(1.0, 0.0) == float("inf") and f(-1.0, 0.0) == float("-inf") and f(0.0, 0.0) != f(0.0, 0.0)


def conversions(x):
    return int(x), float(x), bool(x), complex(x)


def test_conversions():
    for x in [0, -3, 2**53, True, 0.5, -2.7, 1e15]:
        same(conversions, x)
    for x in [float("nan"), float("inf"), float("-inf")]:
        same(made("def f(x): return int(x)"), x)
    for x in [1 + 2j, 0j]:
        same(made("def f(x): return bool(x), complex(x), x.real, x.imag, x.conjugate()"), x)
    same(made("def f(x): return int(), float(), bool(), complex(), complex(x, 2), complex(1j, 2), float('inf')"), 3)


def number_methods(x):
    return x.bit_length(), x.bit_count(), x.conjugate(), x.real, x.imag, x.as_integer_ratio()


def test_number_methods():
    for x in [0, 1, -1, 255, -256, 2**62]:
        same(number_methods, x)
    for x in [0.5, -3.0, 1e10, 0.1, 0.0, float("inf"), float("nan")]:
        same(made("def f(x): return x.is_integer(), x.conjugate()"), x)
        same(made("def f(x): return x.as_integer_ratio()"), x)


def quotient(a, b):
    return a / b


def test_int_quotient_is_rounded_once():
    rng = random.Random(7)
    edges = [1, -1, 3, -7, 2**53 - 1, 2**53, 2**53 + 1, -(2**53) - 1, 2**54 + 2, 2**62 + 1, 2**63 - 1, -(2**63), 10**18 + 1]
    pairs = [(a, b) for a in [0, *edges] for b in edges]
    pairs += [(rng.getrandbits(rng.randint(1, 63)) * rng.choice([1, -1]), (rng.getrandbits(rng.randint(1, 63)) | 1) * rng.choice([1, -1])) for _ in range(3000)]
    # quotients that lie half-way between two floats, or next to it
    for _ in range(500):
        m, b = 2 * rng.getrandbits(53) + 1, rng.choice([1, 2, 3, 5, 64])
        pairs += [(m * b + d, b) for d in (-1, 0, 1) if m * b < 2**62]
    for a, b in pairs:
        same(quotient, a, b)
    same(quotient, 2**62, 0)
    same(made("def f(a): return a / 3, 1 / a, a / (2**60 + 1), True / a"), 2**61 + 1)


def test_power_overflows():
    for f in ("x ** y", "x ** 2", "x ** 2.0", "x ** 3", "pow(x, y)"):
        g = made(f"def f(x, y): return {f}")
        for x, y in [(2.0, 5000.0), (-2.0, 5001.0), (1e200, 2.0), (-1e200, 2.0), (float("inf"), 2.0), (float("-inf"), 3.0), (float("nan"), 2.0),
                     (0.5, -5000.0), (2.0, -5000.0), (1e-200, 2.0), (2.0, float("inf")), (1.5, 3.0)]:
            same(g, x, y)
    same(made("def f(x): return x ** 2, x ** 3"), np.array([1e200, 2.0]))


OPERATORS = ["+", "-", "*", "//", "%", "**", "&", "|", "^", "<<", ">>", "<", "==", "/"]


@pytest.mark.parametrize("op", OPERATORS)
def test_python_int_beside_numpy(op):
    """NEP 50: it must fit the NumPy type, but for comparisons and true division."""
    left, right = made(f"def f(a, n): return a {op} n"), made(f"def f(a, n): return n {op} a")
    for dtype in (np.uint8, np.int16, np.uint64):
        for n in (2, 300, -1, 70000):
            for f in (left, right):
                if (op, n) == ("**", -1) or (op in ("<<", ">>") and n > 60) or (op in ("<<", ">>") and f is right):
                    continue
                if (op, dtype, f) == ("**", np.uint64, right) or op == "/" and dtype == np.uint8:   # float16 in NumPy
                    continue
                same(f, np.array([1, 2], dtype), n)


def test_literal_beside_numpy():
    same(made("def f(a): return a + 300"), np.array([1, 2], np.uint8))
    same(made("def f(a): return a + 255, a - 1, 200 - a"), np.array([1, 2], np.uint8))
    same(made("def f(a): return a[0] + 300"), np.array([1, 2], np.uint8))
    same(made("def f(a): return a * -1"), np.array([1, 2], np.uint32))
    same(made("def f(a):\n    a += 300\n    return a"), np.array([1, 2], np.int8))
    same(made("def f(a, b): return a + b + 300"), np.array([1, 2], np.uint8), np.array([1, 2], np.int16))
    same(made("def f(a, n): return np.add(a, n), np.maximum(a, n)", np=np), np.array([1, 2], np.uint8), 256)
    same(made("def f(a, n): return np.add(a, n), np.maximum(a, n)", np=np), np.array([1, 2], np.uint8), 255)
    same(made("def f(a):\n    for i in range(len(a)):\n        a[i] = a[i] + 100 * i\n    return a"), np.ones(5, np.uint8))


def sum_of_squares(lo, hi):
    s = 0.0
    for k in range(lo, hi):
        s += 1 / k ** 2
    return s


def sum_to(n):
    s = 0.0
    for k in range(94_906_266 - 40_000, n):
        s = s * 0.5 - k / (k * k - 1)
    return s


def sum_in_a_nest(n, m):
    s = 0.0
    for i in range(n):
        for k in range(1, m):
            s += (i * 2 ** 50 + 3) / (k + i)
            if s < 0:
                return s, i
    return s, -1


@pytest.mark.parametrize("lo, hi", [(1, 1000), (94906200, 94906400), (94906266 - 70000, 94906266 + 70000), (2 ** 30, 2 ** 30 + 100), (2 ** 31 - 90, 2 ** 31 + 90),
                                    (3037000400, 3037000499), (-5, 0), (-3, 5), (3, 3)])
def test_int_quotients_in_a_sum_are_rounded_once(lo, hi):
    """The loop runs on floats, and where a square has more bits than a float holds, on floats that are corrected."""
    same(sum_of_squares, lo, hi)


def test_int_quotients_in_other_loops():
    for n in (0, 94_906_266, 94_906_266 + 40_000, 94_906_266 + 100_000):
        same(sum_to, n)
    for n, m in ((3, 7), (40, 40), (0, 5), (5, 1)):
        same(sum_in_a_nest, n, m)


def test_quotients_of_lists_are_rounded_once():
    """Operands at which the corrections are large, ties, and those beyond what is corrected."""
    def total(a, b):
        s = 0.0
        for k in range(min(len(a), len(b))):
            s = s * 0.5 + a[k] / b[k]
        return s
    rng = random.Random(3)

    def number(bits):
        return (rng.getrandbits(bits) | 1) * rng.choice([1, -1])
    for bits in (10, 53, 54, 60, 62, 63):
        for other in (10, 53, 54, 60, 62, 63):
            for n in (1, 7, 40):
                same(total, [number(bits) for _ in range(n)], [number(other) for _ in range(n)])
    for b in (1, 2, 64, -4, 3):
        same(total, [number(54) for _ in range(40)] + [0, 0], [b] * 42)
    same(total, [0, 1, 2 ** 62, -(2 ** 63), 2 ** 63 - 1], [2 ** 60 + 1, -(2 ** 63), 2 ** 62 + 1, 2 ** 53 + 1, -1])
    same(total, [1] * 40, [2 ** 60 + 1] * 39 + [0])
