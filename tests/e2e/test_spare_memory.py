"""Large blocks that were dropped are kept for the next array or list: contents, bounds, time, threads, fork."""
import gc
import os
import time

import numpy as np
import pytest
from check import in_threads

from coluber import _coluber, njit

pytestmark = pytest.mark.numpy

MB = 1 << 20
LIMIT = 65 * MB


@njit(cache=False)
def filled(n, value):
    a = np.empty(n)
    for i in range(n):
        a[i] = value
    return a


@njit(cache=False)
def zeros(n):
    return np.zeros(n)


@njit(cache=False)
def temporaries(n, rounds):
    total = 0.0
    for k in range(rounds):
        a = np.full(n, float(k))
        b = a + 1.0
        total += b[n - 1] + a[0]
    return total


@njit(cache=False)
def grown(n):
    items = []
    for k in range(n):
        items.append(k)
    return items


@njit(cache=False)
def nothing(x):
    return x


@pytest.fixture
def spare():
    """How much is kept; nothing at first."""
    def ask():
        return _coluber._runtime_stats()["spare_bytes"]
    expire()
    return ask


def expire():
    time.sleep(1.1)
    nothing(1)


def test_dropped_array_is_used_again(spare):
    a = filled(MB, 1.0)
    at = a.ctypes.data
    del a
    gc.collect()
    assert 8 * MB <= spare() < 9 * MB
    b = filled(MB, 2.0)
    assert b.ctypes.data == at and spare() == 0
    assert (b == 2.0).all()


def test_zeros_are_zero_in_used_memory(spare):
    filled(MB, 7.0)
    assert spare() > 0
    assert not zeros(MB).any()


def test_much_smaller_array_takes_no_large_block(spare):
    filled(4 * MB, 1.0)
    before = spare()
    small = filled(MB, 1.0)
    assert spare() == before and (small == 1.0).all()


def test_bounded_between_calls(spare):
    held = [filled(MB, float(k)) for k in range(20)]
    held.clear()
    assert 0 < spare() <= LIMIT
    filled(16 * MB, 1.0)                       # 128 MB: more than is ever kept
    assert spare() <= LIMIT
    assert temporaries(8 * MB, 3) == 9.0       # 64 MB each: kept within the call, not behind it
    assert spare() <= LIMIT


def test_many_blocks(spare):
    held = [filled(20_000 + k, float(k)) for k in range(200)]
    assert all(a[-1] == k and a[0] == k for k, a in enumerate(held))
    held.clear()
    assert spare() <= 32 * 8 * 20_200 * 1.1


def test_idle_blocks_go(spare):
    filled(MB, 1.0)
    assert spare() > 0
    expire()
    assert spare() == 0


def test_growing_list(spare):
    filled(MB, 1.0)
    for n in (10, 20_000, 300_000, 2_000_000):
        assert grown(n) == list(range(n))
    assert spare() <= LIMIT


def test_many_threads():
    def work(thread):
        for k in range(60):
            n = 20_000 + 1000 * (k % 7)
            a = filled(n, thread + 1.0)
            assert (a == thread + 1.0).all() and not zeros(n).any()
    in_threads(6, work)


def test_child_of_fork():
    filled(MB, 1.0)
    child = os.fork()
    if child == 0:
        good = (filled(MB, 3.0) == 3.0).all() and not zeros(MB).any()
        os._exit(0 if good else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (filled(MB, 4.0) == 4.0).all()
