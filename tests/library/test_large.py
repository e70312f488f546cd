"""Sizes at which the algorithms of NumPy branch: sums are equal to the last bit, sorts and searches on long arrays."""
import coluber
import numpy as np
import pytest

from grid import same

pytestmark = pytest.mark.slow

rng = np.random.default_rng(5)
SIZES = [0, 1, 7, 8, 9, 127, 128, 129, 1000, 8191, 8192, 8193, 20001, 100003]


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128, np.complex64, np.int32])
@pytest.mark.parametrize("n", SIZES)
def test_sum_of_a_vector(n, dtype):
    a = (rng.standard_normal(2 * n) * 1000).astype(dtype)
    f, g = coluber.njit(lambda a: a.sum()), coluber.njit(lambda a: (a.mean(), a.var()))
    for x in (a[:n], a[::2], a[:n][::-1]):
        assert same(x.sum(), f(x), True) is None
        if n > 1 and x.flags.c_contiguous:
            assert same((x.mean(), x.var()), g(x), True) is None


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32])
@pytest.mark.parametrize("shape", [(3, 5), (300, 17), (17, 300), (5, 4, 300), (300, 4, 5), (4, 300, 5)])
def test_sums_along_axes(shape, dtype):
    a = (rng.standard_normal(shape) * 1000).astype(dtype)
    axes = [0, 1, -1, (0, 1)] + ([2, (0, 2), (1, 2), (0, 1, 2)] if len(shape) == 3 else [])
    for axis in axes:
        names = {"np": np}
        exec(f"def f(a): return np.sum(a, axis={axis}), np.mean(a, axis={axis}), np.max(a, axis={axis}), np.std(a, axis={axis})", names)
        f = names["f"]
        for x in (a, np.asfortranarray(a), a.astype(dtype)[..., ::2]):
            assert same(f(x), coluber.njit(f)(x), x.flags.forc) is None, (axis, x.flags)


def test_run_time_axis():
    def f(a, k):
        return a.sum(k), np.cumsum(a, k), np.argmax(a, k), a.max(k), np.roll(a, 1, k)

    a = rng.standard_normal((4, 5, 6))
    g = coluber.njit(f)
    for k in range(-3, 3):
        assert same(f(a, k), g(a, k), False) is None


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.int8, np.complex128])
def test_sorts(dtype):
    a = (rng.standard_normal((50, 201)) * 100).astype(dtype)

    def f(a):
        b = a.copy()
        b.sort()
        return np.sort(a), np.sort(a, axis=0), np.argsort(a, axis=1, kind="stable"), np.unique(a), np.median(a, axis=0), b

    if dtype == np.complex128:
        def f(a):
            return np.sort(a), np.sort(a, axis=0), np.argsort(a, axis=1, kind="stable"), np.unique(a)
    assert same(f(a), coluber.njit(f)(a), True) is None


def test_search_and_histogram():
    a, v = np.sort(rng.standard_normal(5000)), rng.standard_normal((30, 40))

    def f(a, v):
        return np.searchsorted(a, v), np.searchsorted(a, v, side="right"), np.histogram(v, bins=37), np.histogram(v, bins=a[::100]), np.digitize(v.ravel(), a), np.percentile(v, 37.5)

    assert same(f(a, v), coluber.njit(f)(a, v), True) is None


def test_products():
    a, b, v = rng.standard_normal((40, 30)), rng.standard_normal((30, 50)), rng.standard_normal(30)

    def f(a, b, v):
        return a @ b, a @ v, v @ b, v @ v, a.T @ a, np.dot(a, b), a[::2] @ b[:, ::2], np.outer(v, v), np.kron(a[:2, :2], b[:2, :2])

    assert same(f(a, b, v), coluber.njit(f)(a, b, v), False) is None
    with pytest.raises(ValueError):
        coluber.njit(lambda a, b: a @ b)(a, a)


def test_reconstruction():
    """What a decomposition gives multiplies back, whatever signs LAPACK chose."""
    @coluber.njit
    def f(a):
        u, s, vh = np.linalg.svd(a, full_matrices=False)
        q, r = np.linalg.qr(a)
        w, v = np.linalg.eigh(a.T @ a)
        return (u * s) @ vh, q @ r, (v * w) @ v.T

    a = rng.standard_normal((30, 12))
    for got, want in zip(f(a), (a, a, a.T @ a)):
        assert np.allclose(got, want)


def test_lists_of_arrays():
    """A list literal of arrays serves where its length has to be known."""
    def f(a, b):
        return np.concatenate([a, b]), np.vstack([a, b, a]), np.stack([a, b], axis=1), np.array([a, b]), np.array([[1, 2], [3, 4]]), np.array([[1.0, 2], [3, a[0]]])

    a, b = np.arange(3.0), np.ones(3)
    assert same(f(a, b), coluber.njit(f)(a, b), True) is None
