"""Neighbouring loops of prange: one parallel loop where their rounds allow it, told where not; what each of them gives, whatever shares memory."""
import linecache

import numpy as np
import pytest
from check import exact
from hypothesis import given, settings
from hypothesis import strategies as st
from parallel import agree, compiled, loops, on_threads

import coluber
from coluber import njit, prange

pytestmark = [pytest.mark.numpy, pytest.mark.sampled]

RNG = np.random.default_rng(11)
SIZES = [0, 1, 2, 511, 512, 513, 5000]
THREADS = [1, 2, 8]


def together(f):
    """Per loop: how many others it is one with. Behind a call."""
    return [len(loop.fused) for loop in loops(compiled(f))]


def reasons(f):
    return [loop.apart for loop in loops(compiled(f)) if loop.apart]


def run(f, memory, views):
    """What f gives for views of a copy of the memory, and the memory afterwards."""
    own = [m.copy("K") for m in memory]
    try:
        r = ("value", exact(f(*(view(own) for view in views))))
    except Exception as e:                                 # noqa: BLE001 - any exception is an outcome
        r = ("raises", type(e))
    return r, [exact(m) for m in own]


def agree_on(f, memory, views):
    want = run(f, memory, views)
    for threads in THREADS:
        with on_threads(threads):
            assert run(compiled(f), memory, views) == want, (want[0], threads)


# ---- one loop

def chain(a, b):
    n = len(a)
    c = np.empty(n)
    for i in prange(n):
        c[i] = a[i] * 2.0 + b[i]
    d = np.empty(n)
    for i in prange(n):
        d[i] = c[i] * c[i]
    top = 0.0
    for i in prange(n):
        top = max(top, d[i])
    return c, d, top


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("n", SIZES)
def test_chain(n, threads):
    with on_threads(threads):
        agree(chain, RNG.random(n), RNG.random(n), parallel=3)
    assert together(chain) == [2, 2, 2]
    shown = [repr(loop) for loop in loops(compiled(chain))]
    assert all("fused with lines" in text for text in shown) and "fused with lines" in str(compiled(chain).annotate())


def test_an_index_that_does_not_fit():
    """The second array is shorter: the first loop raises, and the others have not begun."""
    for n in [1, 3, 600]:
        for threads in THREADS:
            with on_threads(threads), pytest.raises(IndexError):
                compiled(chain)(RNG.random(n), RNG.random(n - 1))


def second_raises(a, b, c):
    for i in prange(len(a)):
        b[i] = a[i] + 1
    for i in prange(len(a)):
        c[i] = b[i] * 2


@pytest.mark.parametrize("threads", THREADS)
def test_the_first_is_done_where_the_second_raises(threads):
    with on_threads(threads):
        a, b, c = np.arange(700.0), np.zeros(700), np.zeros(699)
        with pytest.raises(IndexError):
            compiled(second_raises)(a, b, c)
        assert (b == a + 1).all()
        agree(second_raises, a, np.zeros(700), np.zeros(700), parallel=2)
        a, b, c = np.arange(700.0), np.zeros(699), np.zeros(700)
        with pytest.raises(IndexError):
            compiled(second_raises)(a, b, c)
        assert (c == 0).all()
    assert together(second_raises) == [1, 1]


def bounds(a, b):
    c = np.zeros_like(a)
    n, m = len(a), c.shape[0]
    for i in prange(n):
        a[i] += 1
    for i in prange(m):
        c[i] = a[i]
    for i in prange(len(b)):
        b[i] += 2
    return c


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("n, m", [(10, 10), (600, 600), (600, 599), (0, 5), (5, 0)])
def test_bounds_that_are_known_to_be_equal_or_not(n, m, threads):
    with on_threads(threads):
        agree(bounds, np.zeros(n), np.zeros(m), parallel=3)
    assert together(bounds) == [1, 1, 0] and reasons(bounds) == ["their ranges are not known to be equal"]


def rows(a, b, out):
    n, m = a.shape
    for i in prange(n):
        for k in range(m):
            b[i, k] = a[i, k] * 3
    total = 0
    for i in prange(n):
        for k in range(m):
            out[i] += b[i, (k + 1) % m]
        total += m
    return total


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (70, 5), (300, 40)])
def test_rows(shape):
    for threads in THREADS:
        with on_threads(threads):
            a = RNG.integers(-9, 9, shape)
            agree(rows, a, np.zeros_like(a), np.zeros(shape[0], np.int64), parallel=2)
    assert together(rows) == [1, 1]


def views_of_rows(a, b):
    n, m = a.shape
    for i in prange(n):
        row = a[i]
        for k in range(m):
            row[k] = i - k
    for i in prange(n):
        row = a[i]
        s = 0
        for k in range(m):
            s += row[k]
        b[i] = s


def test_views_of_rows():
    for threads in THREADS:
        with on_threads(threads):
            agree(views_of_rows, np.zeros((90, 7), np.int64), np.zeros(90, np.int64), parallel=2)
    assert together(views_of_rows) == [1, 1]


def steps(a, b):
    n = len(a)
    for i in prange(1, n, 2):
        a[i] = i
    for i in prange(1, n, 2):
        b[i] = a[i] + a[i - 1] if i > n else a[i]


def test_steps():
    for n in [0, 1, 2, 3, 1001]:
        agree(steps, np.zeros(n), np.zeros(n), parallel=2)


def time_steps(a, b, times):
    n = len(a)
    change = 0
    for _ in range(times):
        for i in prange(1, n - 1):
            b[i] = a[i - 1] + a[i + 1] - a[i]
        change = 0
        for i in prange(1, n - 1):
            change += abs(b[i] - a[i])
        a, b = b, a
    return change


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("n", [0, 1, 2, 3, 700])
def test_loops_in_a_serial_loop(n, threads):
    with on_threads(threads):
        agree(time_steps, RNG.integers(-9, 9, n), RNG.integers(-9, 9, n), 5, parallel=2)
    assert together(time_steps) == [1, 1]


def scratch(a, b):
    for i in prange(len(a)):
        own = np.empty(3)
        own[0] = a[i]
        own[1] = own[0] * 2
        b[i] = own[0] + own[1]
    for i in prange(len(a)):
        own = np.zeros(2)
        own[1] = b[i]
        a[i] = own[0] - own[1]


@pytest.mark.parametrize("n", SIZES)
def test_memory_of_rounds(n):
    for threads in THREADS:
        with on_threads(threads):
            agree(scratch, RNG.random(n), RNG.random(n), parallel=2)
    assert together(scratch) == [1, 1]


# ---- what they carry

def reductions(x):
    s, c, low, place, seen, last = 0, 1, 10**9, -1, False, 0
    for i in prange(len(x)):
        s += x[i]
        if x[i] < low:
            low = x[i]
            place = i
    for i in prange(len(x)):
        c ^= x[i]
        if x[i] == 5:
            seen = True
        last = x[i] * 2
    return s, low, place, c, seen, last


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("n", SIZES)
def test_reductions_of_all_kinds(n, threads):
    with on_threads(threads):
        agree(reductions, RNG.integers(-1000, 1000, n), parallel=2)
    assert together(reductions) == [1, 1]


def asked_reductions(x, y, out):
    s, last, a = 3, 7, 10**15
    for i in prange(len(x)):
        s += x[i]
        a //= x[i] * x[i] + 1
        out[i] = x[i] * 2
    m = -5
    for i in prange(len(x)):
        m = max(m, y[i])
        last = y[i]
    t = 1
    for i in prange(len(x)):
        t *= y[i]
    return s, last, m, a, t


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("shift", [0, 1, 3, 6000])
def test_reductions_of_loops_that_turn_out_to_be_apart(n, shift):
    """What the second and the third read is what the first one stores, and something else."""
    memory = [RNG.integers(-3, 3, 12_000), RNG.integers(-3, 3, n)]
    agree_on(asked_reductions, memory, [whole, lambda m: m[0][shift:shift + n], lambda m: m[0][:n]])
    assert together(asked_reductions) == [2, 2, 2]


farther = coluber.reduction(lambda a, b: a if abs(a) >= abs(b) else b, 0)


def by_function(x, y):
    far, s = 0, 0
    for i in prange(len(x)):
        far = farther(far, x[i])
    for i in prange(len(x)):
        s += y[i]
    return far, s


@pytest.mark.parametrize("n, m", [(0, 0), (1, 1), (700, 700), (700, 3), (3, 700)])
def test_reductions_by_functions(n, m):
    for threads in THREADS:
        with on_threads(threads):
            agree(by_function, np.arange(n) * 7919 % 1009 - 500, np.arange(m), parallel=2)
    assert together(by_function) == [1, 1]


def mean_between(x, out):
    s = 0.0
    n = len(x)
    for i in prange(n):
        s += x[i]
    mean = s / n
    for i in prange(n):
        out[i] = x[i] - mean


def mean_behind(x, out):
    s = 0
    n = len(x)
    for i in prange(n):
        s += x[i]
    mean = s * 3
    for i in prange(n):
        out[i] = x[i] * 2
    return mean


def test_results_of_the_first():
    x = RNG.integers(0, 9, 1000)
    agree(mean_behind, x, np.zeros(1000), parallel=2)
    assert together(mean_behind) == [1, 1]
    f = compiled(mean_between)
    for threads in THREADS:
        with on_threads(threads):
            out = np.zeros(1000)
            f(x.astype(float), out)
            assert np.allclose(out, x - x.mean(), rtol=1e-12, atol=1e-12)
    assert reasons(mean_between) == ["it uses what is computed of the results of the one in front"]


def deterministic(x):
    s = t = 0.0
    for i in coluber.prange(len(x), reduction="deterministic"):
        s += x[i]
    for i in coluber.prange(len(x), reduction="deterministic"):
        t += x[i] * x[i]
    return s, t


def test_deterministic():
    x, bits = RNG.normal(size=30_000), set()
    for threads in [1, 2, 3, 8]:
        with on_threads(threads):
            bits.add(compiled(deterministic)(x))
    assert len(bits) == 1 and together(deterministic) == [1, 1]


# ---- apart

def turned(a, b):
    n = len(a)
    for i in prange(n):
        a[i] = i
    for i in prange(n):
        b[i] = a[n - 1 - i]


def neighbours(a, b):
    for i in prange(1, len(a)):
        a[i] = i * i
    for i in prange(1, len(a)):
        b[i] = a[i - 1]


def stored_later(a, b):
    for i in prange(1, len(a)):
        b[i] = a[i - 1]
    for i in prange(1, len(a)):
        a[i] = 0


def indirect(a, b, k):
    for i in prange(len(a)):
        a[i] = i
    for i in prange(len(a)):
        b[i] = a[k[i]]


def between(a, b):
    for i in prange(len(a)):
        a[i] = i
    a[0] = -5
    for i in prange(len(a)):
        b[i] = a[i]


def schedules(a, b):
    for i in coluber.prange(len(a), schedule="static"):
        a[i] = i
    for i in coluber.prange(len(a), schedule="dynamic"):
        b[i] = a[i]


def numbers_of_threads(a, b):
    for i in coluber.prange(len(a), num_threads=2):
        a[i] = i
    for i in coluber.prange(len(a)):
        b[i] = a[i]


def ranges(a, b):
    for i in prange(len(a)):
        a[i] = i
    for i in prange(len(a) - 1):
        b[i] = a[i]


def errors(a, b):
    for i in prange(len(a)):
        if a[i] > 1e300:
            raise ValueError("large")
        a[i] = i
    for i in prange(len(a)):
        b[i] = a[i]


def counted(a, b):
    for i in prange(len(a)):
        a[i] = i
    for i in prange(len(a)):
        b[int(a[i]) % 2] += 1


USE = "its rounds use parts of 'a' that other rounds of the one in front store to"
APART = {turned: USE, neighbours: USE, indirect: USE, stored_later: "its rounds store to parts of 'a' that other rounds of the one in front use",
         between: "what stands between them comes first", schedules: "their schedules differ", numbers_of_threads: "their numbers of threads differ",
         ranges: "their ranges differ", errors: "the one in front may raise", counted: "threads have arrays of their own in one of them"}


@pytest.mark.parametrize("f", APART, ids=lambda f: f.__name__)
def test_apart(f):
    for n in [1, 2, 700]:
        for threads in THREADS:
            with on_threads(threads):
                agree(f, np.ones(n), np.zeros(max(n, 2)), *([RNG.permutation(n)] if f is indirect else []), parallel=2)
    assert together(f) == [0, 0] and reasons(f) == [APART[f]]
    assert f"not fused with the loop in front of it: {APART[f]}" in repr(loops(compiled(f))[1])
    assert APART[f] in str(compiled(f).annotate())


def same_schedules(a, b):
    for i in coluber.prange(len(a), schedule="dynamic", chunk=7, num_threads=2):
        a[i] = i
    for i in coluber.prange(len(a), schedule="dynamic", chunk=7, num_threads=2):
        b[i] = a[i]


def columns(a, b):
    for i in prange(len(a)):
        a[i, 0] = i
    for i in prange(len(a)):
        b[i] = a[i, 0] + a[len(a) - 1 - i, 1]


def odd_and_even(a, b):
    n = len(a) // 2
    for i in prange(n):
        a[2 * i] = i
    for i in prange(n):
        b[i] = a[2 * (n - 1 - i) + 1]


def test_not_apart():
    agree(same_schedules, np.zeros(100), np.zeros(100), parallel=2)
    assert together(same_schedules) == [1, 1]
    agree(columns, RNG.random((50, 2)), np.zeros(50), parallel=2)
    assert together(columns) == [1, 1]
    agree(odd_and_even, RNG.random(40), np.zeros(40), parallel=2)


def handled(a, b, c):
    try:
        for i in prange(len(a)):
            b[i] = a[i]
        for i in prange(len(a)):
            c[i] = b[i]
    except IndexError:
        return -1
    return 0


def test_handlers():
    for sizes in [(600, 600, 600), (600, 599, 600), (600, 600, 599)]:
        for threads in THREADS:
            with on_threads(threads):
                assert compiled(handled)(*map(np.zeros, sizes)) == handled(*map(np.zeros, sizes))


# ---- memory

@pytest.mark.parametrize("shift", [0, 1, 2, 400])
def test_arguments_that_share_memory(shift):
    """second_raises(a, b, c) stores to c what begins or ends within a."""
    memory = [RNG.random(2000), RNG.random(1000)]
    part = lambda at: lambda m: m[0][at:at + 1000]        # noqa: E731
    agree_on(second_raises, memory, [part(0), whole, part(shift)])
    agree_on(second_raises, memory, [part(shift), whole, part(0)])
    agree_on(second_raises, memory, [lambda m: m[0][:1000][::-1], whole, part(shift)])
    agree_on(second_raises, memory, [lambda m: m[0][::2], whole, lambda m: m[0][shift % 2::2]])


def whole(memory):
    return memory[1]


INDICES = ["i", "i + 1", "n - 1 - i", "2 * i", "i + 3", "i"]
STEPS = [1, 1, 1, 2, -1]


@st.composite
def programs(draw):
    """Loops one behind the other. Each stores to one block of memory, by one index, and reads others: within a loop nothing collides, between loops anything
    may."""
    source, names = [], []

    def view(memory):
        names.append((memory, draw(st.integers(0, 6)), draw(st.sampled_from(STEPS))))
        return f"v{len(names) - 1}"

    for k in range(draw(st.integers(2, 4))):
        memory = draw(st.integers(0, 2))
        others = [m for m in range(3) if m != memory]
        known = [f"v{j}" for j, v in enumerate(names) if v[0] == memory]
        target = draw(st.sampled_from(known)) if known and draw(st.booleans()) else view(memory)
        at = draw(st.sampled_from(INDICES))
        terms = [f"{target}[{at}]"] if draw(st.booleans()) else []
        for _ in range(draw(st.integers(1, 2))):
            readable = [f"v{j}" for j, v in enumerate(names) if v[0] != memory]
            read = draw(st.sampled_from(readable)) if readable and draw(st.booleans()) else view(draw(st.sampled_from(others)))
            terms.append(f"{read}[{draw(st.sampled_from(INDICES))}]")
        body = f"{target}[{at}] = {' + '.join(terms)} - i" if draw(st.integers(0, 3)) else f"s{k} += {' + '.join(terms)}"
        source += [f"    s{k} = {k}", "    for i in prange(n):", f"        {body}"]
    sums = ", ".join(line.split()[0] for line in source if line.startswith("    s"))
    return f"def f(n, {', '.join(f'v{k}' for k in range(len(names)))}):\n" + "\n".join(source) + f"\n    return {sums},\n", names


@settings(max_examples=60, deadline=None)
@given(programs(), st.sampled_from([0, 1, 5, 700]), st.booleans())
def test_random_loops(program, n, fits):
    source, names = program
    file = f"<together {hash(source)}>"
    linecache.cache[file] = len(source), None, source.splitlines(True), file
    space = {"prange": prange}
    exec(compile(source, file, "exec"), space)             # noqa: S102 - the program of this test
    f = space["f"]
    g = njit(f, parallel=True, cache=False)
    memory = [RNG.integers(-100, 100, 5 * n + 40) for _ in range(3)]
    length = 2 * n + 4 if fits else n

    def views(own):
        return [own[m][at + (2 * length if step < 0 else 0):][::step][:length] for m, at, step in names]

    def outcome(h):
        own = [m.copy() for m in memory]
        try:
            return h(n, *views(own)), own
        except IndexError:
            return "IndexError", own

    want, want_memory = outcome(f)
    for threads in THREADS:
        with on_threads(threads):
            got, got_memory = outcome(g)
            assert got == want, source
            if want != "IndexError":                       # what the loop that raised has stored is not told
                assert all((x == y).all() for x, y in zip(want_memory, got_memory)), source


def test_random_loops_are_fused():
    """The programs above are no good if none is fused, or all are."""
    def first(n, v, w):
        for i in prange(n):
            v[i] = w[i + 1] - i
        s = 0
        for i in prange(n):
            s += v[i]
        return s

    agree(first, 700, np.arange(1000), np.arange(1000), parallel=2)
    assert together(first) == [1, 1]
