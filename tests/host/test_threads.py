"""Threads, fork, signals."""
import os
import subprocess
import sys
import threading
import time

import pytest

from coluber import njit

K = 5
own_signals = pytest.mark.skipif(os.environ.get("COLUBER_SANITIZE") == "thread", reason="ThreadSanitizer delivers signals late and has stacks of its own")


@njit
def stack_left():
    pass


def test_two_threads_compile_once(compiled):
    @njit
    def constant_slow(a):
        return K
    before = compiled()
    barrier = threading.Barrier(8)
    results = []

    def call():
        barrier.wait()
        results.append(constant_slow(1))
    threads = [threading.Thread(target=call) for _ in range(8)]
    start = time.perf_counter()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == [5] * 8 and compiled() == before + 1 and len(constant_slow.signatures) == 1
    assert time.perf_counter() - start < 5


def test_different_signatures_compile_side_by_side():
    @njit
    def constant_slow(a):
        return K
    start = time.perf_counter()
    threads = [threading.Thread(target=constant_slow, args=(v,)) for v in (1, 1.0, "x", None, True, (1,))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(constant_slow.signatures) == 6
    assert time.perf_counter() - start < 0.2 * 6   # each sleeps 0.2 s


def test_a_compilation_that_fails_lets_others_try():
    @njit
    def not_there(a):
        pass
    errors = []

    def call():
        try:
            not_there(1)
        except TypeError as e:
            errors.append(e)
    threads = [threading.Thread(target=call) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(errors) == 4


@own_signals
def test_stack_limit_per_thread():
    here = stack_left()
    assert 100_000 < here < 1 << 40
    found = []
    old = threading.stack_size(1 << 20)
    try:
        t = threading.Thread(target=lambda: found.append(stack_left()))
        t.start()
        t.join()
    finally:
        threading.stack_size(old)
    assert 0 < found[0] < 1 << 20


PRELUDE = """
import sys, os, time, threading, signal
from coluber import njit
K = 5
@njit
def forever(): pass
@njit(nogil=True)
def forever_nogil(): pass
@njit
def constant_slow(a): return K
@njit
def nothing(): pass
nothing()
"""


def test_fork_while_another_thread_compiles(run_python):
    done = run_python(PRELUDE + """
import warnings; warnings.simplefilter("ignore")
t = threading.Thread(target=constant_slow, args=(1,))
t.start()
time.sleep(0.05)
pid = os.fork()
if pid == 0:
    ok = constant_slow(1) == 5 and constant_slow(2.0) == 5
    os._exit(0 if ok else 3)
t.join()
assert constant_slow(1) == 5
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
""")
    assert done.returncode == 0, done.stderr


def interrupt(code, after=0.5, signals=1):
    # A background job of a shell starts with SIGINT ignored, and then Python leaves it so.
    code = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n" + code
    process = subprocess.Popen([sys.executable, "-u", "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    time.sleep(after)
    for _ in range(signals):
        process.send_signal(2)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


@own_signals
@pytest.mark.parametrize("f", ["forever", "forever_nogil"])
def test_ctrl_c_stops_a_loop(f):
    code = PRELUDE + f"""
print("ready")
start = time.perf_counter()
try:
    {f}()
except KeyboardInterrupt as e:
    print("stopped", e.__traceback__.tb_next, time.perf_counter() - start < 20)
"""
    assert interrupt(code)[:2] == (0, "stopped None True\n")


@own_signals
def test_signal_handlers_run_and_the_loop_goes_on():
    code = PRELUDE + """
hits = []
def handler(*a):
    hits.append(1)
    if len(hits) == 2:
        raise RuntimeError("enough")
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.2, 0.2)
print("ready")
try:
    forever()
except RuntimeError as e:
    print(e, len(hits))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.stdout == "ready\nenough 2\n", done.stderr


def test_other_threads_run_beside_a_long_loop():
    """With the GIL held, the loop yields when another thread asks; with nogil it does not hold it."""
    for f in ("forever", "forever_nogil"):
        code = PRELUDE + f"""
t = threading.Thread(target={f}, daemon=True)
print("ready")
t.start()
start = time.perf_counter()
n = 0
while time.perf_counter() - start < 0.5:
    n += 1
    time.sleep(0.001)
print(n > 5)
sys.stdout.flush()
os._exit(0)
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
        assert done.stdout == "ready\nTrue\n", (f, done.stderr)


def test_waiting_threads_do_not_block_ctrl_c_for_ever():
    code = PRELUDE + """
t = threading.Thread(target=constant_slow, args=(1,))
t.start()
time.sleep(0.02)
print("ready")
try:
    constant_slow(1)
    time.sleep(5)
except KeyboardInterrupt:
    print("stopped")
"""
    assert interrupt(code, after=0.05)[:2] == (0, "stopped\n")


def test_os_fork_has_no_threads_of_ours(run_python):
    done = run_python(PRELUDE + "print(threading.active_count(), len(os.listdir('/proc/self/task')))", COLUBER_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    assert done.stdout == "1 1\n", done.stderr
