"""Exceptions, Ctrl-C and memory in parallel loops."""
import gc
import signal
import subprocess
import sys
import threading
import time
import traceback

import numpy as np
import pytest
from parallel import agree, compiled, loops

import coluber
from coluber import _coluber, critical, get_parallel_chunksize, get_thread_id, njit, parallel_chunksize, prange

RNG = np.random.default_rng(3)


# ---- which exception

def raises_twice(x, first, second):
    for i in prange(len(x)):
        x[i] = 1
        if i == second:
            raise KeyError("later", i)
        if i == first:
            raise ValueError("earlier", i)


@pytest.mark.parametrize("schedule", [{}, {"schedule": "static", "chunk": 3}, {"schedule": "dynamic", "chunk": 1}, {"schedule": "guided"}])
def test_the_lowest_round_wins(schedule):
    arguments = "".join(f", {k}={v!r}" for k, v in schedule.items())
    space = {"prange": prange}
    exec(f"""
def f(x, first, second):
    for i in prange(len(x){arguments}):
        if i == second:
            raise KeyError("later", i)
        if i == first:
            raise ValueError("earlier", i)""", space)
    f = compiled(space["f"])
    for first, second in [(0, 1), (10, 900), (700, 701), (499, 500), (998, 999)] * 20:
        with pytest.raises(ValueError) as e:
            f(np.zeros(1000), first, second)
        assert e.value.args == ("earlier", first)
    assert loops(f)[0].parallel


def bounds(x, out):
    for i in prange(len(x)):
        out[i] = x[i + 1]


def division(x):
    s = 0
    for i in prange(1, len(x)):
        s += 100 // (len(x) - 1 - i)
    return s


def message(x):
    for i in prange(len(x)):
        if x[i] > 0:
            raise RuntimeError(f"round {i} of {len(x)}")


@pytest.mark.parametrize("f, args", [(bounds, (np.arange(500.0), np.zeros(500))), (division, (np.arange(300),)),
                                     (message, (np.arange(-400.0, 400.0),)), (bounds, (np.zeros(0), np.zeros(0)))])
def test_as_in_python(f, args):
    g = compiled(f)
    outcomes = []
    for function in (f, g):
        try:
            outcomes.append(function(*args))
        except Exception as e:
            outcomes.append((type(e), e.args))
    assert outcomes[0] == outcomes[1]
    assert loops(g)[0].parallel


def test_traceback():
    try:
        compiled(message)(np.ones(100))
    except RuntimeError as e:
        frames = traceback.extract_tb(e.__traceback__)
    assert [f.name for f in frames] == ["test_traceback", "message"]
    assert frames[-1].line.startswith("raise RuntimeError")


def handled_inside(x):
    bad = 0
    for i in prange(len(x)):
        try:
            if x[i] > 0.5:
                raise ValueError
            x[i] = 1 / (i % 10)
        except ZeroDivisionError:
            x[i] = -1
        except ValueError:
            bad += 1
    return bad


def handled_outside(x, limit):
    code = 0
    try:
        for i in prange(len(x)):
            if x[i] > limit:
                raise ValueError(i)
            x[i] = 0
    except ValueError:
        code = 1
    finally:
        code += 10
    return code


def test_handlers():
    agree(handled_inside, RNG.random(2000), parallel=1)
    for limit in (0.0, 2.0):
        f, x = compiled(handled_outside), RNG.random(2000)
        assert f(x, limit) == handled_outside(x.copy(), limit)
    assert loops(f)[0].parallel


# ---- nothing is left behind

def keeps_memory(x, stop):
    total = 0.0
    whole = x * 2
    for i in prange(len(x)):
        t = np.full(20, x[i])
        items = [x[i], whole[i]]
        items.append(t.sum())
        if i >= stop:
            raise ValueError(i)
        total += items[2]
    return total


def test_no_leaks():
    f, x = compiled(keeps_memory), RNG.random(500)
    f(x, 1000)
    gc.collect()
    before, references = _coluber._runtime_stats()["live_blocks"], sys.getrefcount(x)
    for stop in [1000, 0, 250, 499, 400, 1] * 5:
        try:
            f(x, stop)
        except ValueError:
            pass
    gc.collect()
    assert _coluber._runtime_stats()["live_blocks"] == before and sys.getrefcount(x) == references
    assert loops(f)[0].parallel


def shared_lists(rows):
    out = np.zeros(len(rows))
    for i in prange(len(rows)):
        a, b = rows[i], rows[0]
        c = a if i % 2 else b
        out[i] = c[0] + b[0]
    return out


def test_counts_of_what_is_shared():
    a = RNG.random((2000, 3))
    for _ in range(20):
        agree(shared_lists, a)
    assert sys.getrefcount(a) == 2


# ---- Ctrl-C

PRELUDE = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
import numpy as np
from coluber import njit, prange, _coluber
"""
ENDLESS = {
    "flat": """
def f(n, out):
    s = 0
    for i in prange(n):
        s += i % 7
    return s""",
    "inner": """
def f(n, out):
    for i in prange(n):
        for j in range(1000):
            out[i % 4096] = j
    return 0""",
    "while": """
def f(n, out):
    for i in prange(8):
        k = 0
        while k < n:
            k += 1 if out[i] == 0 else 2
        out[i] = k
    return 0""",
    "helper_only": """
def f(n, out):
    s = 0
    for i in prange(2):
        k = 0
        while i == 1 and k < n:
            k += 1 if out[i] == 0 else 2
        s += k
    return s""",
    "one_thread": """
def f(n, out):
    s = 0
    for i in prange(n, num_threads=1):
        s += i % 7
    return s""",
}


@pytest.mark.parametrize("name", ENDLESS)
def test_ctrl_c(name):
    code = PRELUDE + ENDLESS[name] + """
f = njit(parallel=True, cache=False, races="warn")(f)
out = np.zeros(4096)
f(1, out)
out[:] = 0
alive = _coluber._runtime_stats()["live_blocks"]
print("ready", flush=True)
try:
    f(10**15, out)
except KeyboardInterrupt:
    print("stopped", f(1, out) >= 0, _coluber._runtime_stats()["live_blocks"] - alive, flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[0] == "stopped True 0\n"
    finally:
        process.kill()


def spins(n):
    s = 0
    for i in prange(n):
        s += i % 3
    return s


def test_other_threads_run_meanwhile():
    f, ticks = compiled(spins), []
    f(10)
    stop = threading.Event()

    def tick():
        while not stop.is_set():
            ticks.append(1)
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    f(400_000_000)
    stop.set()
    thread.join()
    assert len(ticks) > 2


def prints(n):
    for i in prange(n):
        print("round", i)


def test_print(capfd):
    compiled(prints)(50)
    sys.stdout.flush()
    assert sorted(capfd.readouterr().out) == sorted("".join(f"round {i}\n" for i in range(50)))   # lines may mix, as with threads in CPython


def test_coluber_errors_keep_their_class():
    with pytest.raises(coluber.TypingError):
        compiled(spins)("text")


def handlers_in_and_around(x, log):
    try:
        for i in prange(len(x)):
            try:
                if x[i] < 0:
                    raise ValueError
            finally:
                coluber.atomic.add(log, 2, 1)
    finally:
        log[0] += 1
        log[1] = get_thread_id()


def test_a_handler_around_the_loop_runs_once(threads):
    """It does nothing but go on raising, as the one within the rounds does: still it is no part of them."""
    threads(4)
    f = njit(parallel=True, cache=False)(handlers_in_and_around)
    for x in (np.ones(20_000), np.where(np.arange(20_000) % 100, 1.0, -1.0)):
        for _ in range(20):
            log = np.array([0, -1, 0])
            try:
                f(x.copy(), log)
            except ValueError:
                assert x.min() < 0
            else:
                assert x.min() > 0
            assert log.tolist()[:2] == [1, 0] and log[2] > 0
    (loop,) = loops(f)
    assert loop.parallel


def in_a_part_of_it(x, log):
    with parallel_chunksize(4):
        for i in prange(len(x)):
            with critical():
                log[0] += 1
                if x[i] < 0:
                    raise ValueError
    return get_parallel_chunksize()


def test_context_managers_in_and_around(threads):
    threads(3)
    f = njit(parallel=True, cache=False)(in_a_part_of_it)
    log = np.array([0])
    assert f(np.ones(1000), log) == 0 and log[0] == 1000
    for _ in range(20):
        with pytest.raises(ValueError):
            f(np.where(np.arange(1000) % 7, 1.0, -1.0), log)
        assert get_parallel_chunksize() == 0


@njit(parallel=True, cache=False)
def parallel_callee(a):
    return a * 2.0 + 1.0


@njit(cache=False)
def serial_caller(a):
    return parallel_callee(a) + (a - 3.0)


def test_the_option_stays_with_its_function():
    a = np.arange(1000.0)
    assert (serial_caller(a) == a * 2 + 1 + (a - 3)).all()
    (note,) = serial_caller.parallel_diagnostics()
    assert note.function == "parallel_callee" and note.parallel
