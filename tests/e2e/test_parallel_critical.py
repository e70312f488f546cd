"""coluber.critical(): what one thread does at a time; with statements of it; parallel_chunksize."""
import contextlib
import os
import signal
import threading
import time

import numpy as np
import pytest
from parallel import agree, compiled, loops

import coluber
from coluber import critical, get_parallel_chunksize, get_thread_id, njit, parallel_chunksize, prange, set_parallel_chunksize
from coluber.lib.intrinsics import store

RNG = np.random.default_rng(8)


def best(x, out):
    for i in prange(len(x)):
        with critical():
            if x[i] > out[0]:
                out[0], out[1] = x[i], i


def test_a_critical_section(threads):
    for count in (1, 2, 8):
        threads(count)
        for n in (0, 1, 5000):
            agree(best, RNG.permutation(n).astype(float), np.array([-1.0, -1.0]), parallel=1, races="error")
    assert loops(compiled(best, races="error"))[0].unproved == []


def counts(n, a, b):
    for i in prange(n, schedule="dynamic", chunk=1):
        with critical("first"):
            a[0] += 1
            a[1] = a[1] * 2 % 1_000_003 + 1
            with critical("second"):
                b[0] += a[0] * 0 + 1
        with critical("second"):
            b[0] += 1


def test_names_and_nesting(threads):
    threads(8)
    agree(counts, 3000, np.ones(2, np.int64), np.zeros(1, np.int64), parallel=1, races="error")


def enters_again(n, a):
    for i in prange(n):
        with critical():
            with critical():
                a[0] += 1
            a[0] += 1


def test_it_may_be_entered_again(threads):
    threads(4)
    agree(enters_again, 2000, np.zeros(1, np.int64), parallel=1)


def leaves_early(x, a):
    for i in prange(len(x)):
        with critical():
            if x[i] == 1:
                continue
            a[0] += x[i]
            if x[i] > 3:
                raise ValueError(x[i])


def early_return(x, a):
    with critical("return"):
        for i in range(len(x)):
            if x[i] < 0:
                return i
            a[0] += x[i]
    return -1


def test_each_way_out_gives_it_back(threads):
    threads(4)
    x = RNG.integers(1, 4, 3000)
    agree(leaves_early, x, np.zeros(1, np.int64), parallel=1, races="error")
    bad = x.copy()
    bad[1500] = 4
    for _ in range(5):
        with pytest.raises(ValueError):
            compiled(leaves_early, races="error")(bad, np.zeros(1, np.int64))
        agree(leaves_early, x, np.zeros(1, np.int64), races="error")
    for sign in (1, -1):
        agree(early_return, x * sign, np.zeros(1, np.int64))
    other = threading.Thread(target=lambda: compiled(early_return)(x, np.zeros(1, np.int64)))
    other.start()
    other.join(10)
    assert not other.is_alive()


def caught(x, a):
    n = 0
    for i in range(len(x)):
        try:
            with critical():
                if x[i] > 2:
                    raise ValueError
                a[0] += 1
        except ValueError:
            n += 1
    return n


def test_exceptions_that_are_caught():
    agree(caught, RNG.integers(0, 5, 100), np.zeros(1, np.int64))


def index_error(x, a):
    for i in prange(len(x)):
        with critical("index"):
            a[x[i]] += 1


def test_errors_of_indices(threads):
    threads(4)
    for _ in range(20):
        with pytest.raises(IndexError):
            compiled(index_error)(np.array([0, 1, 2, 3] * 100), np.zeros(3))
    with critical("index"):
        pass
    agree(index_error, np.array([0, 1, 2] * 100), np.zeros(3))


# ---- without the GIL, and with it

def slow_section(n, a):
    with critical("slow"):
        before = a[0]
        k = 0
        while k < n:
            k += 1 + (k < 0) * int(a[1])
        a[0] = before + 1


def test_python_threads_with_and_without_the_gil():
    a = np.zeros(2, np.int64)
    nogil, gil = njit(slow_section, nogil=True, cache=False), njit(slow_section, cache=False)
    nogil(1, a), gil(1, a)

    def python_form():
        for _ in range(50):
            with critical("slow"):
                before = a[0]
                time.sleep(0.0001)
                a[0] = before + 1

    workers = [threading.Thread(target=lambda f=f: [f(20_000, a) for _ in range(50)]) for f in (nogil, gil, nogil, gil)]
    workers += [threading.Thread(target=python_form) for _ in range(2)]
    for w in workers:
        w.start()
    for w in workers:
        w.join(60)
    assert not any(w.is_alive() for w in workers) and a[0] == 2 + 6 * 50


def test_after_fork():
    entered, go = threading.Event(), threading.Event()

    def holder():
        with critical("fork"):
            entered.set()
            go.wait()

    t = threading.Thread(target=holder)
    t.start()
    entered.wait()
    pid = os.fork()
    if pid == 0:                               # the thread that has the lock is not there
        with critical("fork"):
            os._exit(0)
    go.set()
    t.join()
    assert os.waitpid(pid, 0)[1] == 0


def test_python_form():
    with critical() as nothing, critical("a"):
        assert nothing is None
        with critical():
            pass
    with pytest.raises(RuntimeError, match="not in that critical section"):
        critical("never entered").__exit__(None, None, None)
    with pytest.raises(TypeError, match="is a str, not int"):
        critical(3)


def name_of_an_argument(k, a):
    with critical(k):
        a[0] = 1


def no_manager(a):
    with len:
        a[0] = 1


def test_errors():
    with pytest.raises(coluber.TypingError, match="a constant is needed here"):
        njit(name_of_an_argument)(3, np.zeros(1))
    with pytest.raises(coluber.UnsupportedError, match="no context manager that can be compiled"):
        njit(no_manager)(np.zeros(1))


def outside_of_it(x, a):
    for i in prange(len(x)):
        with critical():
            a[0] += x[i]
        a[0] = 3


def two_names(x, a):
    for i in prange(len(x)):
        if x[i] > 0:
            with critical("x"):
                a[0] = a[1] + 1
        with critical("y"):
            a[1] = x[i]


def test_races_beside_critical_sections():
    with pytest.raises(coluber.TypingError, match="collide"):
        compiled(outside_of_it)(np.ones(5), np.zeros(1))
    with pytest.raises(coluber.TypingError, match="not known whether"):
        compiled(two_names, races="error")(np.ones(5), np.zeros(2))


@njit
def stores_somewhere(a, k, x):
    if k > 100:                                # too much of it to be made a part of the round
        return stores_somewhere(a, k - 100, x)
    s = 0.0
    for j in range(k % 7):
        s += j * x
        a[(k + j) % len(a)] = s
    return s


def a_call_and_a_read(x, k, a, out):
    for i in prange(len(x)):
        with critical("a"):
            stores_somewhere(a, k[i], x[i])
        out[i] = a[0]


def a_call_and_a_store(x, k, a, out):
    for i in prange(len(x)):
        a[i] = x[i]
        with critical("a"):
            stores_somewhere(a, k[i], x[i])


def calls_under_two_locks(x, k, a, out):
    for i in prange(len(x)):
        with critical("a"):
            stores_somewhere(a, k[i], x[i])
        with critical("b"):
            stores_somewhere(a, k[i], 1.0)


def by_a_pointer(x, k, a, out):
    for i in prange(len(x)):
        with critical("a"):
            store(a, 8 * k[i], x[i])
        out[i] = a[0]


@pytest.mark.parametrize("f", [a_call_and_a_read, a_call_and_a_store, calls_under_two_locks, by_a_pointer])
def test_races_with_calls_in_critical_sections(f):
    args = np.ones(20), np.arange(20), np.zeros(20), np.zeros(20)
    compiled(f)(*args)
    (_, what), *_ = loops(compiled(f))[0].unproved
    assert "'a'" in what
    with pytest.raises(coluber.TypingError, match="not known whether"):
        compiled(f, races="error")(*args)


def calls_under_one_lock(x, k, a, out):
    for i in prange(len(x)):
        with critical("a"):
            stores_somewhere(a, k[i], 0.0)
            a[0] += x[i] * 0
        with critical("b"):
            with critical("a"):
                stores_somewhere(a, k[i], a[1])
        out[i] = x[i]


def test_calls_in_critical_sections_of_one_name():
    agree(calls_under_one_lock, np.ones(300), np.arange(300), np.zeros(20), np.zeros(300), parallel=1, races="error")


# ---- sizes of chunks

def owners(out):
    for i in prange(len(out)):
        out[i] = get_thread_id()


def owners_by_chunk(out, n):
    before = get_parallel_chunksize()
    with parallel_chunksize(n):
        inside = get_parallel_chunksize()
        for i in prange(len(out)):
            out[i] = get_thread_id()
    old = set_parallel_chunksize(9)
    return before, inside, get_parallel_chunksize(), old, set_parallel_chunksize(before)


def test_chunk_sizes(threads):
    threads(3)
    out = np.full(60, -1)
    with parallel_chunksize(4):
        assert get_parallel_chunksize() == 4
        compiled(owners)(out)
    assert out.tolist() == [i // 4 % 3 for i in range(60)] and get_parallel_chunksize() == 0
    assert compiled(owners_by_chunk)(out, 5) == (0, 5, 9, 0, 9) and get_parallel_chunksize() == 0
    assert out.tolist() == [i // 5 % 3 for i in range(60)]
    assert owners_by_chunk(out, 5) == (0, 5, 9, 0, 9)
    compiled(owners)(out)
    assert out.tolist() == sorted(out.tolist())


def raises_inside(n):
    with parallel_chunksize(n):
        raise KeyError(n)


def test_the_chunk_size_is_put_back():
    for f in (raises_inside, njit(raises_inside)):
        with pytest.raises(KeyError):
            f(7)
        assert get_parallel_chunksize() == 0
        for bad in (-1, -2**40):
            with pytest.raises(ValueError, match="must not be negative"):
                f(bad)
    with pytest.raises(ValueError, match="must not be negative"):
        set_parallel_chunksize(-1)
    seen = []
    with parallel_chunksize(3):
        t = threading.Thread(target=lambda: seen.append(get_parallel_chunksize()))
        t.start()
        t.join()
    assert seen == [0]


# ---- Ctrl-C

def counts_for_long(n, a):
    with critical("long"):
        s = 0
        for i in range(n):
            s ^= i * 3 + (s >> 1)
        a[0] = s


@contextlib.contextmanager
def ctrl_c():
    """Comes half a second later, and ends what is inside."""
    timer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        yield
    timer.join()


def runs_in_another_thread(f, a):
    other = threading.Thread(target=f, args=(10, a))
    other.start()
    other.join(10)
    return not other.is_alive()


def test_ctrl_c_gives_it_back():
    f = njit(counts_for_long, cache=False)
    a = np.zeros(1, np.int64)
    f(10, a)
    with critical("other"), ctrl_c():
        f(10**13, a)
    assert runs_in_another_thread(f, a)


def enters_twice(n, a):
    with critical("long"):
        with critical("long"):
            s = 0
            for i in range(n):
                s ^= i * 3 + (s >> 1)
            a[0] = s


def rounds_that_take_long(n, a):
    for i in prange(4):
        with critical("long"):
            s = 0
            for k in range(n):
                s ^= k * 3 + (s >> 1)
            a[i] = s


@pytest.mark.parametrize("function", [counts_for_long, enters_twice])
def test_ctrl_c_gives_back_what_was_entered_again(function):
    f = njit(function, cache=False)
    a = np.zeros(4, np.int64)
    f(10, a)
    seen = []
    with critical("long"):
        with ctrl_c():
            f(10**13, a)
        other = threading.Thread(target=lambda: (f(10, a), seen.append(1)))
        other.start()
        other.join(0.3)
        assert other.is_alive() and not seen   # Python has it still
    other.join(10)
    assert not other.is_alive() and seen


def test_ctrl_c_gives_back_what_a_round_entered_again(threads):
    threads(1)                                 # others would wait for the lock that Python has
    f = compiled(rounds_that_take_long)
    a = np.zeros(4, np.int64)
    f(10, a)
    with critical("long"), ctrl_c():
        f(10**13, a)
    assert runs_in_another_thread(f, a)
