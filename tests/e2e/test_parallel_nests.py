"""prange(..., collapse=n): loops inside of each other that are one iteration space."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parallel import agree, compiled, loops, on_threads

import coluber
from coluber import prange

RNG = np.random.default_rng(4)
SHAPES = [(0, 3), (3, 0), (1, 1), (1, 1000), (1000, 1), (2, 3), (7, 5), (64, 65), (3, 40_000)]


def fill(a, out):
    n, m = a.shape
    for i in prange(n, collapse=2):
        for j in prange(m):
            out[i, j] = a[i, j] * 2 + i - j


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("order", "CF")
def test_fill(shape, order):
    a = np.array(RNG.random(shape), order=order)
    agree(fill, a, np.zeros_like(a), parallel=1, races="error")


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_fewer_rows_than_threads(threads, count):
    threads(count)
    agree(owners_differ, 2, 100, parallel=1)
    agree(fill, RNG.random((2, 999)), np.zeros((2, 999)), parallel=1, races="error")


def owners_differ(n, m):
    most = 0
    for i in prange(n, collapse=2, schedule="static"):
        for j in prange(m):
            most = max(most, i * m + j)
    return most


def thread_numbers(n, m, out):
    for i in prange(n, collapse=2, schedule="static"):
        for j in prange(m):
            out[i, j] = coluber.get_thread_id()


def test_rows_are_cut(threads):
    threads(3)
    out = np.full((2, 30), -1)
    compiled(thread_numbers)(2, 30, out)
    assert out.ravel().tolist() == [0] * 20 + [1] * 20 + [2] * 20


def sums(a):
    s, n, last = 0.0, 0, -1
    for i in prange(len(a), collapse=2):
        for j in prange(a.shape[1]):
            s += a[i, j]
            if a[i, j] > 4:
                n += i - j
            last = i * 10_000 + j
    return s, n, last, i, j


@pytest.mark.parametrize("shape", SHAPES[2:])
def test_reductions_and_last_values(shape):
    agree(sums, RNG.integers(0, 9, shape).astype(float), parallel=1)


def three(out):
    n, m, k = out.shape
    s = 0
    for i in prange(n, collapse=3):
        for j in prange(m):
            for l in prange(k):
                out[i, j, l] = i * 100 + j * 10 + l
                s += l
    return s


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 3, 4), (5, 1, 7), (0, 2, 2), (2, 0, 2), (2, 2, 0), (3, 50, 41)])
def test_three_loops(shape):
    agree(three, np.zeros(shape, np.int64), parallel=1, races="error")


def two_of_three(out):
    n, m, k = out.shape
    for i in prange(n, collapse=2):
        for j in prange(m):
            for l in prange(k):
                out[i, j, l] += i * 100 + j * 10 + l


def test_some_of_the_loops():
    agree(two_of_three, np.zeros((5, 6, 7), np.int64), parallel=1, races="error")
    assert [loop.why for loop in loops(compiled(two_of_three, races="error"))] == ["", "it is one with the loop around it", "it is inside of a parallel loop"]


def bounds(a, b, c, d, out):
    s = 0
    for i in prange(a, b, collapse=2):
        for j in prange(c, d):
            out[i - a, j - c] += i * j
            s += i - j
    return s


@given(st.integers(-9, 9), st.integers(-9, 30), st.integers(-9, 9), st.integers(-9, 30), st.integers(1, 8))
def test_bounds(a, b, c, d, count):
    with on_threads(count):
        agree(bounds, a, b, c, d, np.zeros((50, 50), np.int64))


def steps(n, m, out):
    for i in prange(n, 0, -2, collapse=2):
        for j in prange(0, m, 3):
            out[i, j] = i * 100 + j


@pytest.mark.parametrize("n, m", [(1, 1), (8, 10), (9, 11), (40, 41)])
def test_steps(n, m):
    agree(steps, n, m, np.zeros((n + 1, m + 1), np.int64), parallel=1)


@pytest.mark.parametrize("schedule", ["static", "dynamic", "guided", "runtime"])
@pytest.mark.parametrize("chunk", ["", ", chunk=1", ", chunk=13"])
def test_schedules(schedule, chunk):
    space = {"prange": prange}
    exec(f"""
def f(out):
    s = 0
    for i in prange(len(out), schedule={schedule!r}, collapse=2{chunk}):
        for j in prange(out.shape[1]):
            for k in range(j % 3):
                out[i, j] += k + i
            s += i ^ j
    return s""", space)
    for shape in ((3, 5), (20, 31)):
        agree(space["f"], np.zeros(shape, np.int64), parallel=1)


def raises(a, at):
    for i in prange(len(a), collapse=2):
        for j in prange(a.shape[1]):
            if i * a.shape[1] + j >= at:
                raise ValueError(i, j)
            a[i, j] = 1.0


@pytest.mark.parametrize("at", [0, 1, 17, 99])
def test_the_first_exception(at, threads):
    for count in (1, 2, 5):
        threads(count)
        with pytest.raises(ValueError) as e:
            compiled(raises)(np.zeros((10, 10)), at)
        assert e.value.args == divmod(at, 10)


# ---- errors

def triangle(out):
    for i in prange(len(out), collapse=2):
        for j in prange(i):
            out[i, j] = 1.0


def work_between(out):
    for i in prange(len(out), collapse=2):
        out[i, 0] = 2.0
        for j in prange(3):
            out[i, j] = 1.0


def nothing_inside(out):
    for i in prange(len(out), collapse=2):
        out[i, 0] = 2.0


def plain_range(out):
    for i in prange(len(out), collapse=2):
        for j in range(3):
            out[i, j] = 1.0


def begins_anew(out):
    for i in prange(len(out), collapse=2):
        s = 0.0
        for j in prange(3):
            s += out[i, j]
            out[i, j] = s


@pytest.mark.parametrize("f, why", [(triangle, "bounds of an inner loop depend"), (work_between, "work between the loops"), (nothing_inside, "not just one loop"),
                                    (plain_range, "no prange"), (begins_anew, "goes from round to round of a loop inside")])
def test_what_is_not_one_space(f, why):
    with pytest.raises(coluber.TypingError, match="collapse=2 of prange.*" + why):
        compiled(f)(np.zeros((4, 4)))


def rows_only(out):
    for i in prange(len(out), collapse=2):
        for j in prange(out.shape[1]):
            out[i, 0] = j


def previous_column(out):
    for i in prange(len(out), collapse=2):
        for j in prange(1, out.shape[1]):
            out[i, j] = out[i, j - 1] + 1


def previous_row(out):
    for i in prange(1, len(out), collapse=2):
        for j in prange(out.shape[1]):
            out[i, j] = out[i - 1, j] + 1


@pytest.mark.parametrize("f", [rows_only, previous_column, previous_row])
def test_races_of_each_counter(f):
    with pytest.raises(coluber.TypingError, match="rounds of the prange loop collide"):
        compiled(f)(np.zeros((4, 4)))


def test_python_form():
    assert list(prange(3, collapse=2)) == [0, 1, 2]
    with pytest.raises(ValueError, match="collapse of prange"):
        prange(3, collapse=0)
