"""as_strided and sliding_window_view: values, strides and writeability of the views, memory that is shared, and what is refused, against NumPy."""
import coluber
import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided, sliding_window_view

from grid import outcome

BODIES = [
    "sliding_window_view(a, (2, 3))", "sliding_window_view(a, 2, 1)", "sliding_window_view(a, 3, axis=-2)", "sliding_window_view(a, (2, 2), (1, 0))",
    "sliding_window_view(a, (2, 2), (0, 0))", "sliding_window_view(a, 1, 0)", "sliding_window_view(a, 0, 0)", "sliding_window_view(a, (4, 4))",
    "sliding_window_view(a, 2, 0, writeable=True)", "sliding_window_view(a, 2)", "sliding_window_view(a, (2, 2), 0)", "sliding_window_view(a, 9, 1)",
    "sliding_window_view(a, -1, 1)", "sliding_window_view(a, 2, 2)", "as_strided(a)",
    "as_strided(a, (2, 2))", "as_strided(a, (2, 1, 3))",
    "as_strided(a, (2, 2), (8,))",
    "as_strided(a, (3, 2, 2), (8, 0, 16))",
    "as_strided(a, strides=(0, 8))", "as_strided(a, (4,), (8,), writeable=False)", "as_strided(a, (0, 3))", "as_strided(a[::-1], (2,), (-8,))",
]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("layout", [lambda a: a, np.asfortranarray, lambda a: np.repeat(a, 2, axis=1)[:, ::2]])
def test_views(body, layout):
    names = {"as_strided": as_strided, "sliding_window_view": sliding_window_view}
    exec(f"def f(a):\n    return {body}\n", names)
    a = layout(np.arange(16.0).reshape(4, 4))
    (want, error), (got, ours) = outcome(names["f"], [a]), outcome(coluber.njit(names["f"]), [a])
    assert type(error) is type(ours) and (error is None or str(error).replace('is None', 'is `None`') == str(ours)), (error, ours)
    if error is None:
        assert want.dtype == got.dtype and np.array_equal(want, got)
        assert (want.shape, want.strides, want.flags.writeable) == (got.shape, got.strides, got.flags.writeable)


def test_memory_is_shared():
    def f(a):
        diagonal = as_strided(a, (4,), (40,))
        diagonal[:] = -1.0
        windows = sliding_window_view(a, 2, 1, writeable=True)
        windows[0, 0, 1] = 9.0
        return windows.sum(axis=-1)

    mine, numpys = np.arange(16.0).reshape(4, 4), np.arange(16.0).reshape(4, 4)
    assert np.array_equal(coluber.njit(f)(mine), f(numpys)) and np.array_equal(mine, numpys)


def test_a_window_of_a_size_from_the_call():
    def f(x, n):
        w = sliding_window_view(x, n)
        best = -np.inf
        for i in range(len(w)):
            best = max(best, w[i].mean())
        return best

    x = np.sin(np.arange(50.0))
    for n in (1, 3, 50):
        assert coluber.njit(f)(x, n) == f(x, n)
