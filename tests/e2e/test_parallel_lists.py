"""Lists that rounds of parallel loops fill, item by item: prange in comprehensions and appends, comprehensions and map under parallel=True."""
import math

import numpy as np
import pytest
from check import exact, same
from parallel import agree, compiled, loops

from coluber import njit, prange

pytestmark = pytest.mark.sampled

RNG = np.random.default_rng(21)
SIZES = [0, 1, 2, 7, 3001]
WORTH_IT = 60_000                       # several threads, for what costs little


def in_a_comprehension(x):
    return [x[i] * 2 for i in prange(len(x))]


def from_a_start(n):
    return [i * i for i in prange(-3, n)], [i > 4 for i in prange(0, n, 3)]


def behind_other_items(x):
    out = [-1.0, -2.0]
    for i in prange(len(x)):
        s = 0.0
        for k in range(i % 4):
            s += x[k] * k
        out.append(s + x[i] if i % 3 else 0.5)
    out.append(9.0)
    return out


def two_lists_after_each_other(x):
    a, b = [1j], [True]
    for i in prange(len(x)):
        a.append(x[i] + 1j)
    for i in prange(len(x)):
        b.append(x[i] > 0.5)
    return a, b, len(a) + len(b)


def with_a_reduction(x):
    out = [0]
    total = 0.0
    for i in prange(len(x)):
        total += 1.5
        out.append(i // 2)
    return total, out


@pytest.mark.parametrize("n", SIZES)
def test_rounds_that_append(n):
    x = RNG.random(n)
    for f, parallel in ((in_a_comprehension, 1), (behind_other_items, 1), (two_lists_after_each_other, 2), (with_a_reduction, 1)):
        agree(f, x, parallel=parallel, races="error")
    agree(from_a_start, n - 3, parallel=2, races="error")
    agree(in_a_comprehension, x, parallel=1, check_races=True)
    agree(with_a_reduction, x, parallel=1, reduction="deterministic")


@pytest.mark.parametrize("schedule", ["static", "dynamic", "guided"])
def test_order_does_not_depend_on_the_schedule(schedule):
    def squares(n):
        out = [0.0]
        for i in prange(n, schedule=schedule, chunk=3):
            out.append(i * 0.5)
        return out
    assert njit(squares, parallel=True, cache=False)(1000) == [0.0] + [i * 0.5 for i in range(1000)]


def not_in_every_round(x):
    out = [1.0]
    for i in prange(len(x)):
        if x[i] > 0.5:
            out.append(x[i])
    return out


def twice_in_a_round(x):
    out = [1.0]
    for i in prange(len(x)):
        out.append(x[i])
        out.append(-x[i])
    return out


def looks_at_the_list(x):
    out = [1.0]
    for i in prange(len(x)):
        out.append(out[-1] + x[i])
    return out


def asks_for_its_length(x):
    out = [1]
    for i in prange(len(x)):
        out.append(len(out))
    return out


def in_a_loop_of_the_round(x):
    out = [1.0]
    for i in prange(len(x)):
        for _ in range(i % 3):
            out.append(x[i])
    return out


def of_tuples(x):
    return [(x[i], i) for i in prange(len(x))]


def left_early(x):
    out = [1.0]
    for v in x:
        if v > 2:
            break
        out.append(v)
    return out


def test_a_loop_that_is_left_early():
    agree(left_early, np.arange(50.0), parallel=0)
    assert loops(compiled(left_early), kind="comprehension") == []


@pytest.mark.parametrize("f", [not_in_every_round, twice_in_a_round, looks_at_the_list, asks_for_its_length, in_a_loop_of_the_round, of_tuples])
def test_what_is_filled_in_order(f):
    agree(f, RNG.random(500), parallel=0)
    assert [loop.why for loop in loops(compiled(f))] == ["its rounds fill a list in order"]


def raises_in_a_round(x, bad):
    out = [1.0]
    for i in prange(len(x)):
        if i == bad:
            raise ValueError("round", i)
        out.append(x[i])
    return out


def caught(x, bad):
    out = [2.0]
    try:
        for i in prange(len(x)):
            if i == bad:
                raise KeyError(i)
            out.append(x[i])
    except KeyError:
        return 0.0
    return out[len(x)]


def test_exceptions():
    for n, bad in ((1, 0), (5000, 17), (5000, 4999), (5000, -1), (0, 0)):
        agree(raises_in_a_round, RNG.random(n), bad, parallel=1)
        agree(caught, RNG.random(n), bad, parallel=1)


def test_no_memory_is_lost():
    from coluber import _coluber
    f = compiled(raises_in_a_round)
    x = RNG.random(5000)
    counts = []
    for _ in range(3):
        for _ in range(20):
            f(x, -1)
            with pytest.raises(ValueError, match="round"):
                f(x, 3000)
        counts.append(_coluber._runtime_stats()["live_blocks"])
    assert counts[1] == counts[2]


# ---- lists by other names

def by_a_choice(x, flag):
    out = [1.0]
    other = [2.0, 3.0]
    again = out if flag else other
    s = 0
    for i in range(len(x)):
        out.append(x[i])
        s += len(again)
    return out, s


def both_appended_to(x, flag):
    out = [1.0]
    other = [2.0]
    again = out if flag else other
    for i in range(len(x)):
        out.append(x[i])
        again.append(-x[i])
    return out, again


def in_a_tuple(x, flag):
    out = [np.float64(1.0)]
    pair = (out, 5) if flag else ([np.float64(0.0)], 6)
    s = 0.0
    for i in range(len(x)):
        out.append(x[i])
        s += pair[0][-1]
    return out, s


def read_by_what_raises(x, flag):
    out = [1.0]
    for i in range(len(x)):
        out.append(x[i])
        if i == 5 and flag:
            raise ValueError(len(out), float(out[-1]))
    return out


def read_by_a_callee(x, flag):
    out = [0.0]
    s = 0.0
    for i in range(len(x)):
        out.append(x[i])
        s += last_of(out, i)
    return out, s


@njit
def last_of(items, n):
    s = 0.0
    for k in range(n % 3):
        s += items[-1] * k
    return s


@pytest.mark.parametrize("f", [by_a_choice, both_appended_to, in_a_tuple, read_by_what_raises, read_by_a_callee])
def test_lists_that_are_seen_by_another_name(f):
    for n in (0, 1, 9, 100):
        for flag in (False, True):
            same(f, RNG.random(n), flag)
            agree(f, RNG.random(n), flag)


def seen_by_a_handler(x, bad):
    out = [1.0]
    try:
        for i in prange(len(x)):
            if i == bad:
                raise KeyError(i)
            out.append(x[i])
    except KeyError:
        return out[0]
    return out[len(x)]


def test_a_list_that_a_handler_sees():
    for bad in (-1, 3, 99):
        agree(seen_by_a_handler, RNG.random(100), bad)


# ---- without prange

@njit
def slow_square(v):
    s = 0.0
    for k in range(20):
        s += math.sin(v) * k
    return s * s


def comprehension(x):
    return [slow_square(x[i]) for i in range(len(x))]


def over_items(x):
    return [v * 2 + w for v, w in zip(x, x[::-1])]


def over_a_range(x):
    n = len(x)
    return [math.sqrt(i) for i in range(5, n)]


def filled_by_append(x):
    out = [0.0]
    for v in x:
        t = np.zeros(3)
        t[0] = v
        out.append(t[0] + t[1])
    return out


def mapped(x):
    return list(map(lambda v: v * 2.5, x))


def raises(x):
    return [1 / (v - x[len(x) // 2]) for v in x]


@pytest.mark.parametrize("n", [*SIZES, WORTH_IT])
@pytest.mark.parametrize("f", [comprehension, over_items, over_a_range, filled_by_append, mapped, raises])
def test_comprehensions(f, n):
    n = min(n, 5000) if f in (comprehension, over_a_range) else n
    agree(f, RNG.random(n))
    found = loops(compiled(f), kind="comprehension")
    assert [loop.parallel for loop in found] == [True], found
    if n < 5000:
        same(f, RNG.random(n))                                    # and without the option


def prints(x):
    return [print(v) is None for v in x]


def counts_calls(x, calls):
    out = []
    for v in x:
        calls[0] += 1
        out.append(v)
    return out


@pytest.mark.parametrize("f", [prints, counts_calls])
def test_rounds_with_other_effects_stay_in_order(f, capfd):
    x = np.arange(50_000.0 if f is counts_calls else 300.0)
    args = (x, np.zeros(1)) if f is counts_calls else (x,)
    g = compiled(f)
    got = g(*args)
    assert loops(g, kind="comprehension") == []
    if f is counts_calls:
        assert args[1][0] == len(x) and got == x.tolist()
    if f is prints:
        assert capfd.readouterr().out.split() == [str(v) for v in x]


def within_prange(x):
    out = np.zeros(len(x))
    for i in prange(len(x)):
        row = [x[i] * k for k in range(i % 50)]
        out[i] = sum(row)
    return out


def test_within_the_rounds_of_another():
    agree(within_prange, RNG.random(400), parallel=1)
    (loop,) = loops(compiled(within_prange), kind="comprehension")
    assert loop.why == "it is inside of a parallel loop"


def test_items_are_python_objects_of_the_right_class():
    for f, item in ((lambda n: [i for i in prange(n)], int), (lambda n: [i > 2 for i in prange(n)], bool), (lambda n: [i * 1j for i in prange(n)], complex)):
        got = njit(f, parallel=True, cache=False)(5)
        assert exact(got) == exact([item(v) for v in got]) and {type(v) for v in got} == {item}
