"""a.flat, put and fill_diagonal: read and written, in every layout, against NumPy; views of the bytes share memory."""
import coluber
import numpy as np
import pytest

from grid import outcome, same

BODIES = [
    "a.flat[5]", "a.flat[-1]", "a.flat[40]", "a.flat[2:9:3]", "a.flat[::-1]", "a.flat[np.array([1, 7, -2])]",
    "a.flat = 7", "a.flat = (1, 2, 3)", "a.flat[3] = 9.5", "a.flat[-13] = 1", "a.flat[1:8] = 4", "a.flat[1:8] = np.array([50, 60])", "a.flat[::5] = a[0]", "a.flat[::-2] = np.arange(40)",
    "a.flat[np.array([0, 5, -1])] = 8", "a.flat[np.array([0, 5, -1])] = np.array([70.0, 80.0])", "np.put(a, np.array([0, -1, 5]), np.array([1, 2]))", "np.put(a, 40, 1)",
    "np.put(a, np.array([40, -50]), 5, 'wrap')", "np.put(a, np.array([40, -50]), 5, 'clip')", "np.fill_diagonal(a, 7)", "np.fill_diagonal(a, np.array([7, 8]))", "np.fill_diagonal(a, 3, True)",
]


def layouts(a):
    yield a
    yield np.asfortranarray(a)
    yield np.repeat(a, 2, axis=-1)[..., ::2]
    yield a.T


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("dtype", [np.float64, np.int32])
def test_flat(body, dtype):
    statement = "=" in body.replace("==", "") or "put" in body or "fill" in body
    names = {"np": np}
    exec(f"def f(a):\n    {'' if statement else 'r = '}{body}\n    return a{'' if statement else ', r'}\n", names)
    f = names["f"]
    for a in layouts(np.arange(12).reshape(3, 4).astype(dtype)):
        (want, error), (got, ours) = outcome(f, [a]), outcome(coluber.njit(f), [a])
        assert type(error) is type(ours), (error, ours)
        assert error is None or str(error).replace("axis 0 with ", "") == str(ours).replace("axis 0 with ", "")   # NumPy 2.3 changed the words
        assert error is not None or same(want, got, True) is None, (body, a.strides)


def test_iteration_and_sum():
    def f(a):
        s = 0.0
        for x in a.flat:
            s = s * 1.5 + x
        return s

    for a in layouts(np.arange(12.0).reshape(3, 4)):
        assert f(a) == coluber.njit(f)(a)


def test_read_only():
    def f(a):
        a.flat[0] = 1.0

    a = np.arange(3.0)
    a.flags.writeable = False
    with pytest.raises(ValueError):
        coluber.njit(f)(a)


def test_view_shares_memory():
    @coluber.njit
    def f(a):
        a.view(np.int64)[0] = 0x3FF8000000000000
        return a[0], a[::2].view(np.int64).sum()

    a = np.arange(4.0)
    assert f(a) == (1.5, a[::2].view(np.int64).sum())
    for shape, dtype in (((5,), np.float64), ((2, 3), np.complex128)):
        with pytest.raises(ValueError):
            coluber.njit(lambda a: a.view(np.float64) if dtype is np.float64 else a.view(np.complex128))(np.zeros(shape, np.float32))
    with pytest.raises(ValueError, match="last axis must be contiguous"):
        coluber.njit(lambda a: a.view(np.int32))(np.zeros(6)[::2])
