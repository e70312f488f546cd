"""Reductions of array expressions, which are computed block by block with them: NumPy's bits at all lengths, whether the array is used otherwise or not."""
import numpy as np
import pytest
from check import compiled, exact, outcome, same, same_outcome

from coluber import njit

pytestmark = pytest.mark.sampled

RNG = np.random.default_rng(23)
SIZES = [0, 1, 7, 8, 127, 129, 1023, 1024, 1025, 2047, 5000, 8191, 8193, 40_001]


def sums(a, b):
    return np.sum(a * 2 + b), (a - b).mean(), np.sum(a * b, dtype=np.float64)


def complex_sums(a, b):
    c = b - a
    return np.sum(a + b), c, np.sum(c), (a - b).sum()


def kept(a, b):
    c = a * 2 + b
    s = np.sum(c)
    return s, c, np.prod(c * 0.25), c[:3].sum()


def extrema(a, b):
    return (a - b).min(), np.max(a + b * b), (a * b).max()


def truths(a, b):
    return np.any(a > b + 3), (a > b).all(), np.any(a == b), np.all(a - 9 < b)


def deviations(a):
    return a.var(), np.std(a * 3), np.mean(abs(a - a.mean()))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128", "complex64", "int64"])
def test_bits(dtype, n):
    a, b = ((RNG.standard_normal((2, n)) * 10.0 ** RNG.integers(-3, 4, (2, n))).astype(dtype))
    if dtype[0] == "c":
        a, b = a + a[::-1] * 1j, b - 2j * b
    if dtype[0] == "c":
        same(complex_sums, a, b)
    else:
        if n:
            same(sums, a, b)
        same(kept, a, b)
        same(extrema, a, b)
        same(truths, a, b)
    if dtype == "float64" and n:
        same(deviations, a)


def rows(a, row):
    return np.sum(a * row), np.sum(a * a + 1), (a / 3).mean(), np.max(a.T * 2)


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (3, 700), (700, 3), (65, 64)])
def test_several_dimensions(shape):
    a, row = RNG.standard_normal(shape), RNG.standard_normal(shape[1])
    for x in (a, np.asfortranarray(a), a[::-1, ::2], a[:1]):
        if x.shape[1] == len(row):
            same(rows, x, row)


def broadcast(a, b):
    c = a * b
    return np.sum(a + b), c.sum(), c


def test_broadcast():
    a, one = RNG.standard_normal(3000), np.array([0.5])
    same(broadcast, a, one)
    same(broadcast, one, a)
    same(broadcast, a, a[:2999], message=False)                     # an error
    same(broadcast, a[::2], a[1::2])


def changed_between(a):
    c = a * 2
    c[1] = 5.0
    s = c.sum()
    d = a + 1
    a[2] = 100.0
    return s, np.sum(d), a.sum()


def begun_in_a_branch(a, which):
    c = a + 1
    if which:
        return np.sum(c)
    return c.max()


def in_a_loop(a, n):
    s = 0.0
    for k in range(n):
        s += np.sum(a[k:] * s - k)
    return s


def test_where_it_stands():
    a = RNG.standard_normal(2500)
    same(changed_between, a)
    same(begun_in_a_branch, a, True)
    same(begun_in_a_branch, a, False)
    same(in_a_loop, a * 1e-4, 20)


@pytest.mark.parametrize("f", [sums, kept, extrema, truths])
def test_in_parallel_functions(f):
    a, b = RNG.standard_normal((2, 50_001))
    want, _ = outcome(f, (a, b), {})
    assert exact(njit(f, parallel=True, cache=False)(a, b)) == exact(want[1])


def test_no_memory_is_left():
    from coluber import _coluber
    f = compiled(kept)
    a = RNG.standard_normal(3000)
    f(a, a)
    before = _coluber._runtime_stats()["live_blocks"]
    for _ in range(5):
        f(a, a)
        with pytest.raises(ValueError):
            f(a, a[:7])
    assert _coluber._runtime_stats()["live_blocks"] == before
    same_outcome(kept, a, a)
