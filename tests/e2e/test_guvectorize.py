"""guvectorize against NumPy: generalised ufuncs over core dimensions in memory of all shapes."""
import pickle

import numpy as np
import pytest
from check import in_threads, same_values
from coluber import TypingError, guvectorize, njit
from coluber import inspect as looking

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(6)


@guvectorize(["void(int64[:,:], int64[:,:], int64[:,:])", "void(float64[:,:], float64[:,:], float64[:,:])"], "(m,n),(n,p)->(m,p)", cache=False)
def matmul(a, b, out):
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            s = abs(a[0, 0]) * 0
            for k in range(a.shape[1]):
                s += a[i, k] * b[k, j]
            out[i, j] = s


@guvectorize(["void(float64[:], int64, float64[:])"], "(n),()->(n)", cache=False)
def moving(a, width, out):
    s = 0.0
    for i in range(len(a)):
        s += a[i]
        if i >= width:
            s -= a[i - width]
        out[i] = s / min(i + 1, width)


@guvectorize(["void(int64[:], int64[:])", "void(float32[:], float32[:])", "void(float64[:], float64[:])"], "(n)->()", cache=False)
def last(x, out):
    out[0] = x[-1]


@guvectorize(["void(float64[:], float64[:], float64[:])"], "(n)->(),()", cache=False)
def ends(x, low, high):
    low[0], high[0] = x.min(), x.max()


def moving_in_numpy(a, width):
    out = np.empty(np.broadcast_shapes(a.shape[:-1], np.shape(width)) + a.shape[-1:])
    a = np.broadcast_to(a, out.shape)
    width = np.broadcast_to(width, out.shape[:-1])
    for place in np.ndindex(out.shape[:-1]):
        looking.ufunc(moving).py_func(a[place], int(width[place]), out[place])
    return out


def views(shape, dtype=float):
    x = RNG.integers(-9, 9, shape).astype(dtype)
    yield x
    yield np.asfortranarray(x)
    yield np.repeat(x, 2, axis=-1)[..., ::2]
    yield x[::-1].copy()[::-1]
    yield np.stack([x, x], axis=-1)[..., 0]
    ro = x.copy()
    ro.flags.writeable = False
    yield ro


def test_it_is_a_numpy_ufunc():
    assert type(matmul) is np.ufunc and matmul.signature == "(m,n),(n,p)->(m,p)" and matmul.types == ["ll->l", "dd->d"]
    assert (ends.nin, ends.nout) == (1, 2) and looking.ufunc(matmul).py_func.__name__ == "matmul"


@pytest.mark.parametrize("dtype", ["int64", "float64", "int32"])
@pytest.mark.parametrize("left, right", [((2, 3), (3, 4)), ((1, 1), (1, 1)), ((5, 2, 3), (3, 2)), ((4, 1, 2, 2), (3, 2, 5)), ((0, 2, 3), (3, 1)), ((3, 7), (7, 1))])
def test_matmul(left, right, dtype):
    for a in views(left, dtype):
        for b in views(right, dtype):
            same_values(a @ b if dtype != "int32" else (a @ b).astype(int), matmul(a, b))


@pytest.mark.parametrize("n", [0, 1, 2, 5, 100])
def test_scalars_among_the_inputs(n):
    for x in views((3, n)):
        same_values(moving_in_numpy(x, 3), moving(x, 3))
        same_values(moving_in_numpy(x, np.array([1, 2, 5])), moving(x, np.array([1, 2, 5])))
        same_values(moving_in_numpy(x[0], np.array([[1], [2]])), moving(x[0], np.array([[1], [2]])))


def test_scalar_outputs_are_arrays_of_one_item():
    for x in views((4, 3, 2)):
        same_values(x[..., -1], last(x))
        low, high = ends(x)
        same_values(x.min(-1), low)
        same_values(x.max(-1), high)
    assert last(np.arange(5)) == 4 and type(last(np.arange(5.0))) is np.float64
    assert last(np.arange(5, dtype=np.int16)).dtype == np.float32 or last(np.arange(5, dtype=np.int16)).dtype == np.int64


def test_out_axes_axis_keepdims():
    x = RNG.normal(size=(4, 5, 6))
    same_values(np.take(x, -1, axis=1), last(x, axis=1))
    same_values(np.take(x, [-1], axis=0), last(x, axis=0, keepdims=True))
    out = np.zeros((4, 6, 5))[:, ::-1]
    assert moving(x.transpose(0, 2, 1), 2, out) is out
    same_values(moving_in_numpy(x.transpose(0, 2, 1), 2), out)
    a = RNG.integers(-9, 9, (3, 4, 2))
    same_values(np.matmul(a, a.transpose(1, 2, 0), axes=[(0, 1), (0, 2), (1, 2)]), matmul(a, a.transpose(1, 2, 0), axes=[(0, 1), (0, 2), (1, 2)]))
    same_values(a[0].T @ a[0], matmul(a[0], a[0].T, axes=[(1, 0), (1, 0), (0, 1)]))


def test_outputs_that_overlap():
    want = RNG.normal(size=(3, 8))
    got = want.copy()
    moving(got, 3, out=got)
    same_values(moving_in_numpy(want, 3), got)
    big = RNG.normal(size=(4, 8))
    want = moving_in_numpy(big[:-1].copy(), 2)
    moving(big[:-1], 2, out=big[1:])
    same_values(want, big[1:])


@pytest.mark.parametrize("target", ["cpu", "parallel"])
def test_in_place(target):
    f = guvectorize(["void(int64[:,:], int64[:,:], int64[:,:])"], "(m,n),(n,p)->(m,p)", target=target, cache=False)(looking.ufunc(matmul).py_func)
    for shape in ((3, 3), (700, 4, 4)):
        for x in (RNG.integers(-9, 9, shape), RNG.integers(-9, 9, shape).swapaxes(-1, -2)):
            y = RNG.integers(-9, 9, shape[-2:])
            for left, right in ((x, y), (y, x), (x, x)):
                for axes in (None, [(0, 1), (1, 0), (0, 1)] if x.ndim == 2 else None):
                    got = x.copy(order="K")
                    pair = [got if operand is x else operand for operand in (left, right)]
                    want = np.matmul(left, right, **({"axes": axes} if axes else {}))
                    f(*pair, out=got, **({"axes": axes} if axes else {}))
                    same_values(want, got)


def test_casts_of_operands():
    x = np.arange(6, dtype=np.int8).reshape(2, 3)
    same_values(moving_in_numpy(x.astype(float), 2), moving(x, np.int16(2)))
    with pytest.raises(TypeError):
        moving(x, 2.5)
    with pytest.raises(TypeError):
        matmul(x.astype(complex), x.T)


def test_wrong_shapes():
    with pytest.raises(ValueError, match="mismatch in its core dimension"):
        matmul(np.ones((2, 3)), np.ones((2, 3)))
    with pytest.raises(ValueError, match="enough dimensions"):
        matmul(np.ones(3), np.ones((3, 3)))


def test_fixed_sizes():
    @guvectorize(["void(float64[:], float64[:], float64[:])"], "(3),(3)->(3)", cache=False)
    def cross(a, b, out):
        out[0] = a[1] * b[2] - a[2] * b[1]
        out[1] = a[2] * b[0] - a[0] * b[2]
        out[2] = a[0] * b[1] - a[1] * b[0]
    a, b = RNG.normal(size=(100, 3)), RNG.normal(size=(3,))
    same_values(np.cross(a, b), cross(a, b))
    with pytest.raises(ValueError):
        cross(np.ones(4), b)


def test_without_outputs():
    @guvectorize(["void(float64[:], float64)"], "(n),()", cache=False)
    def scale(x, by):
        for i in range(len(x)):
            x[i] *= by
    x = np.arange(6.0).reshape(2, 3)
    scale(x, np.array([2.0, 10.0]))
    same_values(np.arange(6.0).reshape(2, 3) * [[2.0], [10.0]], x)
    ro = x.copy()
    ro.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        scale(ro, 2.0)


def test_inputs_are_stored_to_only_if_they_are_writable():
    def swap(a, b, out):
        out[0] = a[0]
        a[0] = b[0]
    with pytest.raises((TypingError, ValueError), match="read-only"):
        guvectorize(["void(float64[:], float64[:], float64[:])"], "(n),(n)->()", cache=False)(swap)(np.ones(3), np.zeros(3))
    f = guvectorize(["void(float64[:], float64[:], float64[:])"], "(n),(n)->()", cache=False, writable_args=("a",))(swap)
    a = np.arange(1.0, 4)
    assert f(a, np.zeros(3)) == 1
    same_values(np.array([0.0, 2.0, 3.0]), a)
    with pytest.raises(ValueError, match="writable_args"):
        guvectorize(["void(float64[:], float64[:], float64[:])"], "(n),(n)->()", writable_args=("c",))(swap)


# ---- without signatures

def test_dynamic():
    @guvectorize("(n),()->(n)", cache=False)
    def shifted(x, by, out):
        for i in range(len(x)):
            out[i] = x[i] + by
    for dtype in ("int8", "uint16", "int32", "float32", "float64", "complex64", "complex128"):
        for x in views((3, 4), dtype):
            out = np.zeros((3, 4), dtype)
            assert shifted(x, 2, out) is out
            same_values(x + x.dtype.type(2), out)
            out = np.zeros((3, 4), complex)
            shifted(x, 2.5, out=out)
            same_values((x + 2.5).astype(complex), out)
    x, out = np.arange(3, dtype=np.float32), np.zeros(3)
    shifted(x, 0.1, out)                            # computed for outputs of float64, not cast to it afterwards
    same_values((x + np.float32(0.1)).astype(float), out)
    assert len(shifted.types) == len(set(shifted.types)) and shifted.signature == "(n),()->(n)"
    with pytest.raises(TypeError, match="pass the outputs"):
        shifted(x, 1)
    assert pickle.loads(pickle.dumps(dynamic_total)) is dynamic_total
    info = looking.ufunc(shifted)
    assert info.py_func is shifted.py_func and len(info.signatures) == len(shifted.types) and looking.ufunc(shifted.ufunc) is info


@guvectorize("(n)->()", cache=False)
def dynamic_total(x, out):
    out[0] = x.sum()


# ---- errors

def test_exceptions_of_the_kernel():
    @guvectorize(["void(float64[:], float64[:])"], "(n)->()", cache=False)
    def picky(x, out):
        if x[0] == 8:
            raise ValueError("eight")
        out[0] = x[len(x) - 1]
    x = np.arange(2000.0).reshape(1000, 2)[:, ::-1] + 1
    with pytest.raises(ValueError, match="eight"):
        picky(x)
    same_values(x[:2, 1], picky(x[:2]))
    with pytest.raises(IndexError):
        picky(np.zeros((3, 0)))


def test_a_kernel_that_returns_a_value():
    @guvectorize(["void(float64[:], float64[:])"], "(n)->()", cache=False)
    def f(x, out):
        return x[0]
    with pytest.raises(TypeError, match="returns nothing, this one returns float64"):
        f(np.ones(3))


# ---- parallel

@pytest.mark.parametrize("shape", [(0, 3), (1, 5), (5000, 3), (40, 4000), (3, 50, 50, 7)])
def test_parallel_target(shape):
    f = guvectorize(["void(float64[:], int64, float64[:])"], "(n),()->(n)", target="parallel", cache=False)(looking.ufunc(moving).py_func)
    for x in views(shape):
        same_values(moving(x, 3), f(x, 3))


def test_parallel_errors_and_threads():
    @guvectorize(["void(int64[:], int64[:])"], "(n)->()", target="parallel", cache=False)
    def picky(x, out):
        if x[0] < 0:
            raise ValueError("negative")
        out[0] = x.sum()
    x = np.arange(30_000).reshape(10_000, 3)
    with pytest.raises(ValueError, match="negative"):
        picky(x - 20_000)

    def work(_):
        for _ in range(30):
            same_values(x.sum(1), picky(x))
    in_threads(4, work)


def test_pickle_by_name_and_by_value():
    assert pickle.loads(pickle.dumps(matmul)) is matmul
    cloudpickle = pytest.importorskip("cloudpickle")
    copy = pickle.loads(cloudpickle.dumps(guvectorize(["void(float64[:], float64[:])"], "(n)->()", cache=False)(lambda x, out: last_item(x, out))))
    same_values(np.array([2.0, 5.0]), copy(np.arange(6.0).reshape(2, 3)))


def last_item(x, out):
    out[0] = x[len(x) - 1]


# ---- in compiled code

@njit(cache=False)
def use_matmul(a, b):
    return matmul(a, b)


@njit(cache=False)
def use_ends(x):
    return ends(x)


@njit(cache=False)
def use_moving(x, width, out):
    moving(x, width, out)
    return moving(x, 2)


@njit(cache=False)
def use_dynamic(x, out):
    dynamic_total(x, out)
    return out


@pytest.mark.parametrize("left, right", [((2, 3), (3, 4)), ((5, 2, 3), (3, 2)), ((4, 1, 2, 2), (3, 2, 5)), ((0, 2, 3), (3, 1))])
def test_in_compiled_code(left, right):
    for a in views(left, "int64"):
        for b in views(right, "int32"):
            same_values(matmul(a, b), use_matmul(a, b))
            same_values(matmul(a.astype(float), b), use_matmul(a.astype(float), b))


def test_in_compiled_code_with_scalars_and_outputs():
    for x in views((4, 5)):
        for want, got in zip(ends(x), use_ends(x)):
            same_values(want, got)
        for width in (2, np.array([1, 2, 3, 4])):
            want, got = np.zeros((4, 5)), np.zeros((4, 5))
            moving(x, width, want)
            same_values(moving(x, 2), use_moving(x, width, got))
            same_values(want, got)
        x = x.copy()
        want = moving(x, 3)
        use_moving(x, 3, x)                         # in place
        same_values(want, x)
        same_values(x.sum(1), use_dynamic(x, np.zeros(4)))
    assert use_ends(np.arange(5.0)) == (0.0, 4.0)


def test_errors_in_compiled_code():
    with pytest.raises(ValueError, match="input 2 has another size of core dimension n"):
        use_matmul(np.ones((2, 3)), np.ones((2, 3)))
    with pytest.raises(ValueError, match="broadcast"):
        use_matmul(np.ones((2, 2, 2)), np.ones((3, 2, 2)))
    with pytest.raises(ValueError, match="another shape"):
        use_moving(np.ones(3), 2, np.ones(4))
    with pytest.raises(TypingError, match="matmul has no loop"):
        use_matmul(np.ones((2, 2), complex), np.ones((2, 2)))
