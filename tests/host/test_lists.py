"""Lists at the boundary."""
import gc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coluber import njit


@njit
def echo_list(a):
    pass


@njit
def push(a):
    pass


@njit
def push_then_raise(a):
    pass


@njit
def new_list(n):
    pass


@njit
def first(a, b):
    pass


def typed(value):
    @njit
    def echo_list(a):
        pass
    assert echo_list(value) is value
    return echo_list.signatures[0][0].text


@pytest.mark.parametrize("value, text", [
    ([1, 2], "list(pyint)"), ([1, 2.5], "list(pyfloat)"), ([2.5, 1], "list(pyfloat)"), ([True, False], "list(pybool)"), ([True, 2], "list(pyint)"),
    ([1, 2j], "list(pycomplex)"), ([], "list(bottom)"), ([np.float64(1), 2.0], "list(float64)"), ([np.int32(1)] * 3, "list(int32)"),
    ([np.bool_(True), False], "list(bool)"), ([(1, 2.0), (3, 4.0)], "list(tuple(pyint,pyfloat))"), ([np.complex64(1j)], "list(complex64)"),
    ([1.5, 2**70], "list(pyfloat)"),
])
def test_types(value, text):
    assert typed(value) == text


def test_tables_do_not_confuse_lists():
    for value in ([1], [1.0], [1, 2.0], [True], [], [1, 2, 3], [True, 5]):
        assert echo_list(value) is value
    assert len(echo_list.signatures) == 4       # pyint, pyfloat, pybool, bottom


@given(st.lists(st.integers(-2**62, 2**62), min_size=1, max_size=40))
def test_write_back(values):
    expected = [values[0] * 2, *values[1:], len(values)]
    expected[0] = (expected[0] + 2**63) % 2**64 - 2**63
    result = list(values)
    push(result)
    assert result == expected


def test_write_back_keeps_unchanged_items_and_works_on_errors():
    big = 10**15
    values = [1, big, True]
    push(values)
    assert values == [2, big, 1, 3] and values[1] is big and values[2] is True
    with pytest.raises(ValueError):
        push_then_raise(values)
    assert values == [4, big, 1, 3, 4]


def test_the_same_list_twice_is_one():
    a = [1, 2]
    assert first(a, a) is a


def test_results():
    assert new_list(0) == [] and new_list(4) == [0, 1, 4, 9]
    values = new_list(100000)
    assert values[-1] == 99999**2 and all(type(v) is int for v in values)


def test_no_leak(stats):
    gc.collect()
    before = stats()["live_blocks"]
    for _ in range(10):
        values = [1, 2, 3]
        push(values)
        new_list(5)
        echo_list(values)
        first(values, [1.5])
        with pytest.raises(ValueError):
            push_then_raise(values)
        with pytest.raises(OverflowError):
            push([2**64])
    gc.collect()
    assert stats()["live_blocks"] == before
