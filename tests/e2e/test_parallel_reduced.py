"""Arrays as accumulators of reductions by functions: coluber.reduction(op, identity)."""
import math

import numpy as np
import pytest
from parallel import agree, compiled, loops, on_threads

import coluber
from coluber import _coluber, njit, prange

pytestmark = pytest.mark.sampled

RNG = np.random.default_rng(17)
THREADS = [1, 2, 8]
SIZES = [0, 1, 2, 7, 300]

greatest = coluber.reduction(lambda a, b: np.maximum(a, b), -math.inf)
least = coluber.reduction(np.minimum, 2**31 - 1)
together = coluber.reduction(np.logaddexp, lambda: -math.inf)
union = coluber.reduction(lambda a, b: a | b, False)
longest = coluber.reduction(lambda a, b: np.where(abs(a) >= abs(b), a, b), np.zeros_like)


@pytest.fixture(params=THREADS)
def threads(request):
    with on_threads(request.param):
        yield request.param


def greatest_row(x):
    acc = np.full(x.shape[1], -9.0)
    for i in prange(len(x)):
        acc = greatest(acc, x[i])
    return acc


def least_of_some(x):
    acc = x[0] + 1
    for i in prange(1, len(x)):
        if x[i, 0] > 20:
            acc = least(acc, x[i] * 2)
    return acc


def log_of_sums(x, acc):
    for i in prange(len(x)):
        for j in range(i % 3):
            acc = together(acc, x[i] - j)
    return acc


def flags(x):
    acc = np.zeros(x.shape[1], np.bool_)
    for i in prange(len(x)):
        acc = union(acc, x[i] > 1.5)
    return acc


def several(x):
    low, high, most, n, hits = np.full(x.shape[1], 9.0), np.zeros(x.shape[1]), 0.0, 0, np.zeros(3, np.int64)
    for i in prange(len(x)):
        high = greatest(high, x[i])
        low = longest(low, x[i] * 3)
        most = max(most, x[i, 0])
        hits[i % 3] += 1
        n += i
    return low, high, most, n, hits


@pytest.mark.parametrize("n", SIZES)
def test_rows(threads, n):
    x = RNG.standard_normal((n, 23))
    x[n // 2:, 3] = np.nan
    agree(greatest_row, x, parallel=1)
    agree(flags, x, parallel=1)
    agree(several, x, parallel=1)
    agree(log_of_sums, x, RNG.random(23), ulps=500, parallel=1)


@pytest.mark.parametrize("dtype", ["int64", "int32", "float32", "uint64"])
def test_types(threads, dtype):
    agree(least_of_some, RNG.integers(0, 100, (80, 11)).astype(dtype), parallel=1)


def of_rows(x, out):
    for i in prange(len(x)):
        out = greatest(out, x[i])
    return out


@pytest.mark.parametrize("order", "CF")
def test_values_of_fewer_dimensions(threads, order):
    out = np.asarray(RNG.standard_normal((4, 5)), order=order)
    agree(of_rows, RNG.standard_normal((50, 5)), out, parallel=1)            # a row for all rows
    if order == "C":
        agree(of_rows, RNG.standard_normal((50, 4, 5)), out, parallel=1)
    agree(of_rows, RNG.standard_normal(50), out, parallel=1)                 # one number for all items


def test_the_first_array_stays(threads):
    out = np.zeros(5)
    got = compiled(of_rows)(np.ones((9, 5)), out)
    assert (got == 1).all() and (out == 0).all()


def in_a_nest(x):
    acc = np.zeros(x.shape[2])
    for i in prange(x.shape[0], collapse=2):
        for j in prange(x.shape[1]):
            acc = greatest(acc, x[i, j])
    return acc


def test_loops_that_are_one(threads):
    agree(in_a_nest, RNG.standard_normal((9, 7, 6)), parallel=1)


# ---- functions that do not commute, and are no elementwise ones

product = coluber.reduction(lambda a, b: a @ b % 1009, lambda a: np.eye(len(a)))


def products(x):
    acc = np.eye(x.shape[1])
    for i in prange(len(x)):
        acc = product(acc, x[i])
    return acc


def varying_products(x):
    acc = np.eye(x.shape[1])
    for i in prange(len(x)):
        b = x[i]
        for _ in range(i % 5):
            b = b @ x[i] % 1009
        acc = product(acc, b)
    return acc


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("f", [products, varying_products])
def test_in_the_order_of_the_rounds(threads, f, n):
    x = RNG.integers(0, 1009, (n, 3, 3)).astype(float)        # whole numbers: no rounding
    for _ in range(3):
        agree(f, x, parallel=1, unproved=f is varying_products)
        agree(f, x, parallel=1, unproved=f is varying_products, reduction="deterministic")


in_place = coluber.reduction(np.add, 0.0)


def sums(x):
    acc = np.zeros(x.shape[1])
    for i in prange(len(x), reduction="deterministic"):
        acc = in_place(acc, x[i])
    return acc


def test_deterministic():
    x = RNG.standard_normal((5000, 7)) * 10.0 ** RNG.integers(-8, 16, (5000, 1))
    seen = set()
    for count in range(1, 9):
        with on_threads(count):
            seen.add(compiled(sums)(x).tobytes())
    assert len(seen) == 1
    assert loops(compiled(sums), compiled(sums).signatures[0])[0].schedule == "equal parts, deterministic"
    assert np.abs(np.frombuffer(seen.pop()) - x.sum(0)).max() <= 1e-12 * np.abs(x).sum()


# ---- errors

def careful(a, b):
    if b[0] < 0:
        raise ValueError("no more")
    return a + b


carefully = coluber.reduction(careful, 0.0)


def raises(x):
    acc = np.zeros(x.shape[1])
    for i in prange(len(x)):
        acc = carefully(acc, x[i])
    return acc


def test_what_it_raises(threads):
    x = RNG.integers(0, 9, (200, 5)).astype(float)
    agree(raises, x, parallel=1)
    before = _coluber._runtime_stats()["live_blocks"]
    x[[31, 150], 0] = -1
    for _ in range(5):
        with pytest.raises(ValueError, match="no more"):
            compiled(raises)(x)
        with pytest.raises(ValueError, match="broadcast"):
            compiled(of_rows)(x, np.zeros(3))
        with pytest.raises(ValueError, match="broadcast"):
            compiled(of_rows)(x, np.zeros(1))                  # would become another shape
    assert _coluber._runtime_stats()["live_blocks"] == before


def used_in_the_loop(x):
    acc = np.zeros(x.shape[1])
    for i in prange(len(x)):
        acc = greatest(acc, x[i])
        x[i] = acc
    return acc


def two_functions(x):
    acc = np.zeros(x.shape[1])
    for i in prange(len(x)):
        acc = greatest(acc, x[i])
        acc = in_place(acc, x[i])
    return acc


@pytest.mark.parametrize("f", [used_in_the_loop, two_functions])
def test_what_is_no_reduction(f):
    with pytest.raises(coluber.TypingError, match="variable 'acc' goes from one round of the prange loop to the next, and it is no number"):
        compiled(f)(np.ones((10, 3)))


def of_another_type(x):
    acc = np.zeros(3, np.int64)
    for i in prange(len(x)):
        acc = in_place(acc, x[i])
    return acc


def with_another_identity(x):
    acc = np.zeros(3, np.int64)
    for i in prange(len(x)):
        acc = greatest(acc, x[i])
    return acc


def test_types_that_do_not_fit():
    with pytest.raises(coluber.TypingError, match="'acc' is array.int64, 1d, C. on one path and array.float64, 1d, C. on another"):
        compiled(of_another_type)(np.ones((10, 3)))
    with pytest.raises(coluber.TypingError, match="the function of a reduction of array.int64, 1d, C. gives a value other than its identity"):
        compiled(with_another_identity)(np.ones((10, 3), np.int64))


# ---- outside of parallel loops

def serial(x):
    acc = np.zeros(x.shape[1])
    for i in range(len(x)):
        acc = greatest(acc, x[i])
        x[i] = acc
    return acc


def test_outside_of_parallel_loops():
    x = RNG.standard_normal((20, 3))
    agree(serial, x, parallel=0)
    y = x.copy()
    assert (njit(serial)(x) == serial(y)).all() and (x == y).all()
    assert (greatest(np.zeros(2), np.array([-1.0, 1.0])) == [0, 1]).all()
