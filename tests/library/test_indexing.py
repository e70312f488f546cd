"""Indexing by arrays and masks, read and write: shapes, order of the axes, errors."""
import coluber
import numpy as np
import pytest

from grid import outcome, same

pytestmark = pytest.mark.sampled

A1, A2, A3 = np.arange(10.0), np.arange(20).reshape(4, 5), np.arange(60).reshape(3, 4, 5)
I, J = np.array([2, 0, -1]), np.array([[1], [0]])
KEYS = [
    (A1, "a[i]", I), (A1, "a[i]", J), (A1, "a[i]", np.array([10])), (A1, "a[i]", [3, 4]), (A1, "a[i]", A1 > 4), (A1, "a[i]", np.zeros(0, int)), (A1, "a[i]", np.zeros(10, bool)), (A1, "a[i]", np.array([1, 2], np.uint8)),
    (A1, "a[i]", np.ones(3, bool)), (A2, "a[i]", I), (A2, "a[i]", A2 % 3 == 0), (A2, "a[i]", np.array([True, False, True, True])), (A2, "a[:, i]", I), (A2, "a[i, 1]", I), (A2, "a[1, i]", I), (A2, "a[i, i]", I),
    (A2, "a[i, 1:3]", I), (A2, "a[1:3, i]", I), (A2, "a[i, ::2]", J), (A2, "a[..., i]", I), (A2, "a[None, i]", I), (A2, "a[i, None]", I), (A2, "a[:, i]", np.array([True, False, True, False, True])),
    (A2, "a[i, j]", (np.array([0, 1]), np.array([2, 3]))), (A2, "a[i, j]", (np.array([[0], [1]]), np.array([2, 3]))), (A2, "a[i, j]", (np.array([0, 1]), np.array([2, 3, 4]))), (A2, "a[i]", np.array(2)), (A2, "a[i, 1]", np.array(2)),
    (A3, "a[i]", I), (A3, "a[:, i]", I), (A3, "a[:, :, i]", I), (A3, "a[i, :, i]", np.array([0, 2])), (A3, "a[:, i, i]", np.array([0, 2])), (A3, "a[i, i, :]", np.array([0, 2])), (A3, "a[1, :, i]", np.array([0, 2])),
    (A3, "a[:, 1, i]", np.array([0, 2])), (A3, "a[i, 1:3, None]", J), (A3, "a[..., i, 2]", I), (A3, "a[i]", A3 % 2 == 0), (A3, "a[i]", np.ones((3, 4), bool)), (A3, "a[:, i]", np.arange(20).reshape(4, 5) % 2 == 0), (A3, "a[i, 1]", np.array([True, False, True])),
    (A3, "a[i, j]", (np.array([True, False, True]), np.array([1, 3]))), (A3, "a[i, None, j]", (np.array([0, 1]), np.array([1, 3]))),
]


def call(text, values, body):
    names = {"np": np}
    exec(body.format(text=text), names)
    f = names["f"]
    return outcome(f, values), outcome(coluber.njit(f), values)


def check(plain, compiled):
    (want, error), (got, our_error) = plain, compiled
    if error is not None:
        assert isinstance(our_error, type(error)), f"{error!r} expected, {our_error!r} came"
        return
    assert our_error is None, f"{want!r} expected, {our_error!r} came"
    problem = same(want, got, True)
    assert problem is None, problem


def arguments(a, key):
    return [a, *key] if isinstance(key, tuple) else [a, key]


def layouts(a):
    yield a
    yield np.asfortranarray(a)
    yield np.repeat(a, 2, axis=-1)[..., ::2]


@pytest.mark.parametrize("a, text, key", KEYS, ids=lambda x: x if isinstance(x, str) else "")
def test_read(a, text, key):
    for x in layouts(a):
        check(*call(text, arguments(x, key), "def f(a, i, j=None):\n    return {text}\n"))


VALUES = [7, "like", "row", np.arange(77.0)]


@pytest.mark.parametrize("a, text, key", KEYS, ids=lambda x: x if isinstance(x, str) else "")
def test_write(a, text, key):
    for x in layouts(a):
        for value in VALUES:
            if isinstance(value, str):
                try:
                    part = eval(text, {"a": x, "i": arguments(a, key)[1], "j": arguments(a, key)[-1]})
                except IndexError:
                    continue
                if np.ndim(part) == 0:
                    continue
                value = part * 10 + 1 if value == "like" else part[..., :1] * 3
            body = "def f(a, v, i, j=None):\n    b = a.copy()\n    {text} = v\n    return b\n".replace("{text}", text.replace("a[", "b[", 1))
            check(*call("", [x, value, *arguments(a, key)[1:]], body))


def test_read_only():
    @coluber.njit
    def f(a, i):
        a[i] = 1.0

    a = np.arange(3.0)
    a.flags.writeable = False
    with pytest.raises(ValueError):
        f(a, np.array([1]))
    with pytest.raises(ValueError):
        f(a, a > 1)


def test_augmented_mask():
    def f(a):
        a[a > 2] *= 10
        a[np.array([0, 1])] += 5
        return a

    assert np.array_equal(coluber.njit(f)(np.arange(6.0)), f(np.arange(6.0)))


@pytest.mark.parametrize("a", [A1, A2, np.array(3.0)])
@pytest.mark.parametrize("key", [True, False, np.True_, np.False_])
def test_a_scalar_bool_chooses_all_or_nothing(a, key):
    def read(a, key):
        return a[key]

    def write(a, key):
        a[key] = 5
        return a

    def write_array(a, key):
        a[key] = np.full(1, 8)
        return a

    for f in (read, write, write_array):
        (want, error), (got, ours) = outcome(f, [a, key]), outcome(coluber.njit(f), [a, key])
        assert type(error) is type(ours), (f.__name__, error, ours)
        assert error is not None or same(want, got, True) is None, f.__name__
