"""reduction='deterministic': the same bits for any number of threads and any schedule."""
import numpy as np
import pytest
from parallel import agree, compiled, loops, on_threads

import coluber
from coluber import njit, prange

RNG = np.random.default_rng(3)
SCHEDULES = ["static", "dynamic", "guided", "auto"]


def loop_of(schedule, chunk="", fast="deterministic"):
    space = {"prange": prange, "np": np}
    exec(f"""
def f(x, out):
    s, p, low, at = 0.0, 1.0, 1e300, -1
    for i in prange(len(x), schedule={schedule!r}{chunk}, reduction={fast!r}):
        s += x[i]
        p *= 1.0 + x[i] * 1e-20
        out[i % 7] += x[i]
    return s, p
def g(x):
    s, low, at = np.float32(0), 1e300, -1
    for i in prange(len(x), schedule={schedule!r}{chunk}, reduction={fast!r}):
        s -= np.float32(x[i] * 1e-10)
        if x[i] < low:
            low, at = x[i], i
    return s, low, at""", space)
    return space["f"], space["g"]


FUNCTIONS = {(s, c): [njit(f, parallel=True, cache=False) for f in loop_of(s, c)] for s in SCHEDULES for c in ("", ", chunk=3")}


def with_threads(count, call):
    with on_threads(count):
        return call()


@pytest.mark.parametrize("n", [1, 2, 63, 1000, 1025, 50_001])
def test_the_same_bits(n):
    x = RNG.standard_normal(n) * 10.0 ** RNG.integers(-8, 16, n)       # sums cancel: the order shows
    seen = set()
    for f, g in FUNCTIONS.values():
        for count in range(1, 9):
            out = np.zeros(7)
            s, p = with_threads(count, lambda: f(x, out))
            seen.add((s, p, out.tobytes(), *with_threads(count, lambda: g(x))))
    assert len(seen) == 1
    s, p, _, _, low, at = seen.pop()
    assert low == x.min() and at == x.argmin()
    assert abs(s - x.sum()) <= 1e-12 * np.abs(x).sum()


def total(x):
    s = 0.0
    for i in prange(len(x)):
        s += x[i]
    return s


@pytest.mark.parametrize("fastmath", [False, True])
def test_as_an_option(fastmath):
    f = njit(total, parallel=True, reduction="deterministic", fastmath=fastmath, cache=False)
    x = RNG.standard_normal(30_000) * 10.0 ** RNG.integers(-8, 16, 30_000)
    assert len({with_threads(k, lambda: f(x)) for k in range(1, 9) for _ in range(3)}) == 1
    assert loops(f)[0].schedule == "equal parts, deterministic"
    assert len({with_threads(k, lambda: compiled(total)(x)) for k in range(1, 9)}) > 1, "these sums should depend on their order"


def inner(x):
    s = 0.0
    for i in prange(len(x)):
        s += total_of(x[i:i + 50])
    return s


total_of = njit(total, parallel=True, reduction="deterministic", cache=False)


def test_inside_of_another_loop():
    f = njit(inner, parallel=True, reduction="deterministic", cache=False)
    x = RNG.standard_normal(400) * 10.0 ** RNG.integers(-8, 16, 400)
    assert len({with_threads(k, lambda: f(x)) for k in range(1, 9)}) == 1


def counts_and_raises(x, out):
    s = 0
    for i in prange(len(x), reduction="deterministic"):
        out[x[i]] += 1
        s += i
    return s


def test_errors():
    from coluber import _coluber
    agree(counts_and_raises, RNG.integers(0, 9, 3000), np.zeros(9), parallel=1)
    f = compiled(counts_and_raises)
    before = _coluber._runtime_stats()["live_blocks"]
    for count in (1, 2, 5):
        bad = RNG.integers(0, 9, 3000)
        bad[1700], bad[200] = 9, -10
        with pytest.raises(IndexError, match="index -10"):
            with_threads(count, lambda: f(bad, np.zeros(9)))
    assert _coluber._runtime_stats()["live_blocks"] == before


def test_names():
    with pytest.raises(ValueError, match="no reduction 'same'"):
        prange(3, reduction="same")
    with pytest.raises(ValueError, match="reduction: one of fast deterministic is expected"):
        njit(total, reduction="same")
    f, _ = loop_of("static", fast="same")
    with pytest.raises(coluber.TypingError, match="no reduction 'same'"):
        compiled(f)(np.zeros(3), np.zeros(7))
