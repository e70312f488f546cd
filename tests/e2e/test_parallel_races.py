"""Rounds that collide: what is an error, what runs and is told, and the atomic updates that avoid it."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parallel import agree, compiled, loops

import coluber
from coluber import atomic, njit, prange

RNG = np.random.default_rng(5)
VECTOR, MATRIX, INDICES = np.zeros(60), np.zeros((60, 60)), np.arange(60)


# ---- certain

def fixed_element(a, b, k):
    for i in prange(60):
        a[0] = i


def scales_in_place(a, b, k):
    for i in prange(60):
        for j in range(60):
            a[j] = a[j] * 2 + i


def reads_what_it_adds_to(a, b, k):
    for i in prange(60):
        for j in range(60):
            a[j] += i
        b[i, 0] = a[3]


def previous(a, b, k):
    for i in prange(1, 60):
        a[i] = a[i - 1] + 1


def next_one(a, b, k):
    for i in prange(59):
        a[i] = a[i + 1] + 1


def two_before(a, b, k):
    for i in prange(30):
        a[2 * i + 2] = a[2 * i] * 0.5


def previous_row(a, b, k):
    for i in prange(1, 60):
        for j in range(60):
            b[i, j] = b[i - 1, j] + 1


def whole_array(a, b, k):
    for i in prange(60):
        b[:] = i


def column(a, b, k):
    for i in prange(60):
        b[:, 2] = a


def fixed_row(a, b, k):
    for i in prange(60):
        row = b[3]
        row[5] = i


RACES = [fixed_element, scales_in_place, reads_what_it_adds_to, previous, next_one, two_before, previous_row, whole_array, column, fixed_row]


@pytest.mark.parametrize("f", RACES)
def test_races_are_errors(f):
    with pytest.raises(coluber.TypingError, match="rounds of the prange loop collide") as e:
        compiled(f)(VECTOR.copy(), MATRIX.copy(), INDICES)
    text = str(e.value)
    assert "atomic" in text and "reduction" in text and "private copy" in text
    line = next(part for part in text.split("\n") if ".py:" in part)
    assert f" in {f.__name__}" in line


def fixed_item(items):
    for i in prange(10):
        items[3] = i


def test_races_on_lists():
    with pytest.raises(coluber.TypingError, match="collide"):
        compiled(fixed_item)([1, 2, 3, 4])


# ---- independent

def strided(a, b, k):
    for i in prange(30):
        a[2 * i] = a[2 * i + 1] + 1


def reversed_store(a, b, k):
    for i in prange(60):
        a[59 - i] = i


def offset(a, b, k):
    for i in prange(50):
        a[i + 10] = i


def own_element(a, b, k):
    for i in prange(60):
        a[i] += b[i, 0]
        a[i] *= 2
        for j in range(60):
            b[i, j] = a[i] + j


def columns(a, b, k):
    for i in prange(60):
        for j in range(60):
            b[j, i] = b[j, i] + a[j]


def two_columns(a, b, k):
    for i in prange(60):
        b[i, 0] = b[i, 1] + 1


def rows(a, b, k):
    for i in prange(60):
        b[i] = b[i] * 2 + a
        b[i, 3:10] = i


def row_views(a, b, k):
    for i in prange(60):
        row = b[i]
        for j in range(1, 60):
            row[j] = row[j - 1] + 1


def own_arrays(a, b, k):
    for i in prange(60):
        t = np.zeros(4)
        t[0] = i
        t[1:] += t[0]
        a[i] = t.sum()


def other_array(a, b, k):
    for i in prange(1, 60):
        b[i, 0] = a[i - 1] + a[0]


def rows_of_its_own(a, b, k):
    out = np.zeros((60, 3))
    part = np.ones((60, 4), order="F")
    for i in prange(60):
        out[i] = a[i]
        out[i, 1:] += b[i, 0]
        part[i] = out[i, 0]
        a[i] = out[i].sum() + part[i].sum()


def two_rows_by_name(a, b, k):
    x, y, z = b[0], b[1], b[2]
    for i in prange(60):
        x[i] = y[i] + z[59 - i]
        z[59 - i] = a[i]


def two_columns_by_name(a, b, k):
    out = np.ones((60, 3))
    x, y = out[:, 0], out[:, 2]
    u, v = b[:, 5], b[:, 7]
    for i in prange(60):
        x[i] = y[59 - i] + a[i]
        u[i] = v[59 - i]
    a[:] = x


@njit
def reads_row(row, n):
    s = 0.0
    for j in range(n):
        s += row[j % 3] if j % 7 else row[j % 2] * row[0]
    return s


def calls_on_rows(a, b, k):
    for i in prange(60):
        b[i, 1] = reads_row(b[i], 5) + reads_row(a, 4)


INDEPENDENT = [rows_of_its_own, two_rows_by_name, two_columns_by_name, calls_on_rows, strided, reversed_store, offset, own_element, columns, two_columns, rows, row_views, own_arrays, other_array]


@pytest.mark.parametrize("f", INDEPENDENT)
def test_independent_rounds(f):
    agree(f, RNG.random(60), RNG.random((60, 60)), INDICES, parallel=1, races="error")
    assert loops(compiled(f, races="error"))[0].unproved == []


# ---- not known

def by_index(a, b, k):
    for i in prange(60):
        a[k[i]] = i


def by_condition(a, b, k):
    for i in prange(60):
        if i == 7:
            a[0] = 5


def flattened(a, b, k):
    for i in prange(6):
        for j in range(10):
            a[i * 10 + j] = i - j


def gathers(a, b, k):
    for i in prange(60):
        a[i] = a[k[i]] + 1


def windows(a, b, k):
    for i in prange(0, 60, 2):
        a[i:i + 2] = i


def reads_by_a_call(a, b, k):
    for i in prange(1, 60):
        b[i, 0] = reads_row(b[k[i]], 5) + i
        a[i] = 1.0


def reads_by_a_reduction(a, b, k):
    for i in prange(1, 60):
        a[i] = b[k[i], 1:].sum()
        b[i, 0] = a[i]


def two_names(a, b, k):
    c = a[:]
    for i in prange(60):
        a[i] = c[i] + 1


def a_name_of_a_row(a, b, k):
    row = b[0]
    for i in prange(60):
        row[i] = b[0, i] * 2
    a[:] = row


def two_shapes(a, b, k):
    out = np.zeros((60, 2))
    flat = out.reshape(-1)
    for i in prange(60):
        out[i, 0] += a[i]
        flat[2 * i + 1] = i
    a[:] = out[:, 0] + out[:, 1]


@pytest.mark.parametrize("f", [by_index, by_condition, flattened, gathers, windows, reads_by_a_call, reads_by_a_reduction, two_names, a_name_of_a_row, two_shapes])
def test_what_is_not_known_runs_and_is_told(f):
    agree(f, RNG.random(60), RNG.random((60, 60)), INDICES, parallel=1, unproved=True)
    (line, what), *_ = loops(compiled(f))[0].unproved
    assert (line > f.__code__.co_firstlineno or f is reads_by_a_call) and ("'a'" in what or f in (reads_by_a_call, reads_by_a_reduction, two_names, a_name_of_a_row, two_shapes))
    with pytest.raises(coluber.TypingError, match="not known whether rounds of the prange loop collide"):
        compiled(f, races="error")(VECTOR.copy(), MATRIX.copy(), INDICES)


# ---- atomic updates

def histogram(x, counts):
    for i in prange(len(x)):
        atomic.add(counts, x[i], 1)


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int32", "int64", "float32", "float64"])
def test_histogram(dtype):
    agree(histogram, RNG.integers(0, 10, 50_000), np.zeros(10, dtype), parallel=1, races="error")


def extrema(x, low, high):
    for i in prange(len(x)):
        atomic.min(low, 0, x[i])
        atomic.max(high, (0, -1), x[i])
        atomic.sub(high, (0, 0), 1)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint32", "int64", "uint64", "float32", "float64"])
def test_extrema(dtype):
    x = RNG.integers(3, 120, 20_000).astype(dtype)
    agree(extrema, x, np.full(1, 100, dtype), np.full((2, 3), 5, dtype), parallel=1)


def one_by_one(a, x):
    old = atomic.add(a, 1, x)
    old2 = atomic.exchange(a, -1, x)
    old3 = atomic.cas(a, 0, a[0], x)
    old4 = atomic.cas(a, 2, old2, old)
    return old, old2, old3, old4, atomic.max(a, 0, x), atomic.min(a, 2, x)


@given(st.lists(st.floats(allow_nan=True), min_size=3, max_size=3), st.floats())
def test_results_of_float_updates(items, x):
    agree(one_by_one, np.array(items), x)


@given(st.lists(st.integers(-2**63, 2**63 - 1), min_size=3, max_size=3), st.integers(-2**40, 2**40))
def test_results_of_integer_updates(items, x):
    agree(one_by_one, np.array(items), x)


def test_errors_of_atomic_updates():
    f = compiled(histogram)
    with pytest.raises(IndexError):
        f(np.array([10]), np.zeros(10))
    frozen = np.zeros(10)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        f(np.array([1]), frozen)
    for bad in (np.zeros(10, complex), np.zeros(10, bool), [0] * 10):
        with pytest.raises(coluber.TypingError):
            f(np.array([1]), bad)
    with pytest.raises(TypeError):
        atomic.add(np.zeros(3, int), 0, 0.5)
    with pytest.raises(TypeError):
        atomic.add(np.zeros(3, complex), 0, 1)
