"""Results: who owns what."""
import gc

import numpy as np
import pytest

from coluber import njit


@njit
def new_array(n):
    pass


@njit
def new_tail(n):
    pass


@njit
def new_twice(n):
    pass


@njit
def new_empty(n):
    pass


@njit
def tail(a):
    pass


@pytest.fixture(autouse=True)
def no_leak(stats):
    gc.collect()
    before = stats()["live_blocks"]
    yield
    gc.collect()
    assert stats()["live_blocks"] == before


def test_a_new_array_owns_its_memory():
    a = new_array(5)
    assert a.flags.owndata and a.base is None and a.flags.writeable and a.flags.aligned
    assert a.ctypes.data % 64 == 0
    np.testing.assert_array_equal(a, np.arange(5.0))
    a += 1
    a.resize(100, refcheck=False)               # through our memory handler
    np.testing.assert_array_equal(a[:5], np.arange(5.0) + 1)
    assert new_array(0).shape == (0,)


def test_large_arrays(stats):
    a = new_empty(1 << 22)
    a[:] = 7
    assert a.sum() == 7 * (1 << 22) and stats()["live_bytes"] >= a.nbytes
    b = a[5:]
    del a
    assert b[-1] == 7


def test_no_memory():
    with pytest.raises(MemoryError):
        new_empty(1 << 60)
    with pytest.raises(MemoryError):
        new_empty(-5)


def test_a_part_of_our_memory_keeps_it_alive():
    a = new_tail(5)
    assert not a.flags.owndata and type(a.base).__name__ == "PyCapsule"
    gc.collect()
    np.testing.assert_array_equal(a, np.arange(1.0, 5))


def test_one_array_twice_is_one_object():
    a, b, c = new_twice(4)
    assert a is b and c.base is a
    c[0] = 9
    assert a[1] == 9
    del a, b
    gc.collect()
    assert c[0] == 9


def test_a_view_of_an_argument():
    a = np.arange(4.0)
    t = tail(a)
    assert t.base is a and t.flags.writeable
    t[0] = 5
    assert a[1] == 5
    part = a[1:]
    assert tail(part).base is a                 # as NumPy: views of views have the owner as base


def test_pickle_and_copy_of_results():
    import copy
    import pickle
    a = new_array(4)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(a)), a)
    np.testing.assert_array_equal(copy.deepcopy(a), a)


def test_sort_by_numpy():
    @njit
    def sort_array(a):
        pass
    rng = np.random.default_rng(1)
    for n in (0, 1, 2, 1000):
        a = rng.normal(size=n)
        b = np.sort(a)
        sort_array(a)
        np.testing.assert_array_equal(a, b)
