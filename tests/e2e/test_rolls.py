"""np.roll as a part of array expressions, where no array is made of it: every way round the end, next to arrays that broadcast, into new arrays
and into those that are read."""
import numpy as np
import pytest
from check import same
from hypothesis import given, settings, strategies as st

pytestmark = [pytest.mark.numpy, pytest.mark.sampled]


def layouts(a):
    """The array in C order, in Fortran order, as rows and as every other item of larger ones, read-only."""
    a = np.ascontiguousarray(a)
    wide = np.zeros([n + 3 for n in a.shape], a.dtype)
    rows = wide[tuple(slice(1, 1 + n) for n in a.shape)]
    rows[...] = a
    double = np.zeros([2 * n for n in a.shape], a.dtype)
    strided = double[tuple(slice(None, None, 2) for _ in a.shape)]
    strided[...] = a
    fixed = a.copy()
    fixed.flags.writeable = False
    return [a, np.asfortranarray(a), rows, strided, fixed]


def numbers(*shape, dtype=np.float64):
    return (np.arange(int(np.prod(shape))) * 7 % 23 - 5).reshape(shape).astype(dtype)


def ring(x, k):
    return np.roll(x, 1) - 2 * x + np.roll(x, -1) * np.roll(x, k)


def torus(u):
    return np.roll(u, 1, 0) + np.roll(u, -1, 0) + np.roll(u, 1, 1) + np.roll(u, -1, 1) - 4.0 * u


def by_variables(u, k, m):
    return np.roll(u, k, axis=0) * 2 - np.roll(u, m, axis=-1)


def both_axes(u, k, m):
    return np.roll(u, (k, m), (0, 1)) + np.roll(u, (m, k), axis=(1, 0)) + np.roll(u, 1, (0, 0))


def all_items(u, k):
    return np.roll(u, k) + 10 * u


def all_items_and_axis(u, k):
    return np.roll(u, k) + 10 * np.roll(u, k, 1)


def of_expressions(u, v, k):
    return np.roll(u * 2 + v, k, 0) - np.roll(np.roll(u - v, k, 1) * v, -1, 0)


def alone(u, k):
    return np.roll(u, k, 0), np.roll(u, k), np.roll(u + 1, k, 1)


SHAPES = [(0, 0), (0, 3), (3, 0), (1, 1), (1, 5), (5, 1), (2, 2), (3, 4), (7, 33), (33, 7), (4, 130)]


@pytest.mark.parametrize("shape", SHAPES)
def test_torus(shape):
    for u in layouts(numbers(*shape)):
        same(torus, u)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 16, 17, 63, 64, 65, 200])
def test_ring(n):
    for x in layouts(numbers(n)):
        for k in (0, 1, -1, 5, n, -n, n - 1, 1000, -1001, 2 ** 62, -2 ** 63):
            same(ring, x, k)


@pytest.mark.parametrize("dtype", ["i1", "u2", "i8", "f4", "c8", "?"])
def test_dtypes(dtype):
    for u in layouts(numbers(5, 6, dtype=dtype)):
        same(all_items, u, 4)
        if dtype != "?":
            same(by_variables, u, 1, -2)


@pytest.mark.parametrize("function", [by_variables, both_axes])
def test_shifts_at_run_time(function):
    for shape in SHAPES:
        for u in layouts(numbers(*shape)):
            for k, m in ((0, 0), (1, -1), (3, 2), (-5, 100), (shape[0], -shape[1])):
                same(function, u, k, m)


@pytest.mark.parametrize("function", [all_items, all_items_and_axis, alone])
def test_all_items(function):
    for shape in SHAPES:
        for u in layouts(numbers(*shape)):
            for k in (0, 1, -1, 7, 1000):
                same(function, u, k)


def test_operands_that_are_expressions():
    for shape in SHAPES:
        u = numbers(*shape)
        for v in (u + 3, u[:1] if shape[0] else u, u[:, :1] if shape[1] else u, numbers(shape[1])):
            for k in (0, 1, -2):
                same(of_expressions, u, v, k)
    same(of_expressions, numbers(3, 4), numbers(2, 4), 1, message=False)                      # do not broadcast


def rows_and_columns(u, row, column):
    return np.roll(u, 1, 0) * row + np.roll(column, 1, 0) - np.roll(row, 2) + np.roll(u + row, 1, 1)


def test_next_to_arrays_that_broadcast():
    for shape in SHAPES:
        for u in layouts(numbers(*shape)):
            same(rows_and_columns, u, numbers(shape[1]), numbers(shape[0], 1))
            same(rows_and_columns, u, numbers(1), numbers(1, 1))
            same(rows_and_columns, u, numbers(shape[1] + 2), numbers(shape[0], 1), message=False)


def cube(u, k):
    return np.roll(u, k, 0) + np.roll(u, k, 1) - np.roll(u, k, 2) * np.roll(u, (k, -k, 1), (0, 1, 2)) + np.roll(u, k)


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 3, 4), (0, 3, 4), (5, 1, 17), (3, 3, 64)])
def test_three_axes(shape):
    for u in layouts(numbers(*shape)):
        for k in (1, -2, 9):
            same(cube, u, k)


# ---- stores: the right-hand side is what was there before

def into_itself(u, k):
    u[:] = np.roll(u, k, 1) + u
    u += np.roll(u, k, 0)
    u[1:] = np.roll(u[:-1], k, 0) * 2
    return u


def into_an_item_before(u, k):
    r = np.roll(u, k, 0)
    u[0, 0] = 100.0
    s = np.roll(u, k, 0)
    u[:, 0] = -1.0
    return r + s + u


def by_out(u, k):
    np.add(np.roll(u, k, 1), u, out=u)
    np.multiply(np.roll(u, k, 0), 2.0, out=u)
    return u


def swapped(a, b, steps):
    for _ in range(steps):
        b[:] = np.roll(a, 1, 0) + np.roll(a, -1, 1)
        a, b = b, a
    return a


def overlapping(whole):
    return swapped(whole[:6], whole[2:8], 3)


@pytest.mark.parametrize("function", [into_itself, into_an_item_before, by_out])
def test_stores_into_what_is_rolled(function):
    for shape in [(2, 2), (3, 4), (7, 33), (20, 3)]:
        for u in layouts(numbers(*shape))[:4]:
            for k in (0, 1, -1, 5):
                same(function, u, k)


def test_two_arrays_in_turns():
    for shape in [(1, 1), (3, 4), (8, 65)]:
        same(swapped, numbers(*shape), np.zeros(shape), 3)
    same(overlapping, numbers(9, 8))


def in_a_handler(u, v):
    try:
        return np.roll(u, 1, 0) + v
    except ValueError as e:
        return np.roll(u, 2, 0) * 3.0


def test_errors():
    same(in_a_handler, numbers(3, 4), numbers(2, 4))
    same(in_a_handler, numbers(3, 4), numbers(3, 4))


def an_axis_too_many(u):
    return np.roll(u, 1, 2) + u


def axis_at_run_time(u, axes):
    total = u * 0
    for axis in axes:
        total += np.roll(u, 2, axis)
    return total


def test_axes():
    same(an_axis_too_many, numbers(3, 4))
    same(axis_at_run_time, numbers(3, 4), [0, 1, -1])


def counted(x):
    """A roll that is read twice, once by way of its shape, once by an item."""
    r = np.roll(x, 1)
    return r.sum() + len(r) + r[0] * x[-1]


def test_rolls_that_are_arrays_too():
    for n in (1, 2, 65):
        same(counted, numbers(n))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 9), st.integers(0, 70), st.integers(-200, 200), st.integers(-200, 200))
def test_any_size_and_shift(n, m, k, j):
    u = numbers(n, m)
    same(by_variables, u, k, j)
    same(both_axes, u, k, j)
    same(of_expressions, u, u + 1, k)
