"""Ctrl-C stops whatever runs for long, and leaves no memory behind: loops of each kind, also those that come in by inlining and by array
expressions, and recursion. Each case has a process of its own, so that one that does not stop fails alone."""
import signal
import subprocess
import sys
import time

import pytest

PRELUDE = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)   # a background job of a shell starts with SIGINT ignored
import numpy as np
from coluber import _coluber, njit

def alive():
    return _coluber._runtime_stats()["live_blocks"]
"""
# Each would run for hours. n is an argument, so that nothing of it is known when it is compiled.
LOOPS = {
    "counted": """
def f(n):
    s = 0.0
    for i in range(n):
        s += i * 0.5 % 3.0
    return s""",
    "down": """
def f(n):
    s = 0.0
    for i in range(n, 0, -2):
        s += i * 0.5 % 3.0
    return s""",
    "while": """
def f(n):
    s, i = 0.0, 0
    while i < n:
        s += i * 0.5 % 3.0
        i += 1
    return s""",
    "inner": """
def f(n):
    s = 0.0
    for j in range(3):
        for i in range(n):
            s += i * 0.5 % 3.0
    return s""",
    "inner_of_three": """
def f(n):
    s = 0.0
    for k in range(2):
        for j in range(k + 1, 4):
            for i in range(j, n):
                s += i * 0.5 % 3.0
    return s""",
    "inner_constant": """
def f(n):
    s = 0.0
    for j in range(n):
        for i in range(10**13):
            s += i * 0.5 % 3.0
    return s""",
    "numpy_integer": """
def f(n):
    s = 0.0
    for i in range(np.int64(n)):
        s += i * 0.5 % 3.0
    return s""",
    "continues": """
def f(n):
    s = 0
    for i in range(n):
        if i % 3 == 0:
            continue
        if s < 0:
            break
        s ^= i
    return s""",
    "handlers": """
def f(n):
    s = 0.0
    for i in range(n):
        try:
            s += 1.0 % (i % 7)
        except ZeroDivisionError:
            s += 1.0
    return s""",
    "finally": """
def f(n):
    a = np.ones(10)
    try:
        while n > 0:
            a[0] += 1.0
    finally:
        b = a * 2.0
    return b[0]""",
    "callee": """
def g(n):
    s = 0.0
    for i in range(n):
        s += i * 0.5 % 3.0
    return s

def f(n):
    s = 0.0
    for i in range(n):
        s += g(n)
    return s""",
    "small_callee": """
def g(a, i):
    s = 0.0
    for x in a:
        s += x * i
    return s

def f(n):
    a = [1.0, 2.0]
    s = 0.0
    for i in range(n):
        s += g(a, i)
    return s""",
    "array_expressions": """
def f(n):
    a = np.ones(100)
    for i in range(n):
        b = a * i + 1.0
        a[:] = b % 3.0
    return a[0]""",
    "memory": """
def f(n):
    keep = [1.0]
    a = np.ones(50)
    s = 0.0
    for i in range(n):
        b = a + i
        c = [x * 2.0 for x in b]
        s += c[i % 50] + keep[0]
    return s""",
    "linalg": """
def f(n):
    a = np.eye(4)
    for i in range(n):
        a = np.linalg.inv(a)
    return a[0, 0]""",
    "recursion": """
def f(n):
    if n < 2:
        return n
    return f(min(n, 90) - 1) + f(min(n, 90) - 2)""",
    "mutual_recursion": """
def g(n, a):
    if n < 2:
        return a[n]
    return f(n - 1, a * 2.0) + f(n - 2, a)

def f(n, a=None):
    if a is None:
        return g(90, np.ones(2))
    if n < 2:
        return a[n]
    return g(n - 1, a + 1.0) + g(n - 2, a)""",
}


def interrupted(program):
    """Sends SIGINT to a process 0.3 s after it says that it is ready; what it printed then, and after how many seconds it ended."""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n", process.stderr.read()
        time.sleep(0.3)
        start = time.perf_counter()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        return out, err, time.perf_counter() - start
    finally:
        process.kill()


@pytest.mark.parametrize("name, nogil", [(name, False) for name in LOOPS] + [(name, True) for name in ("inner", "memory", "recursion")])
def test_ctrl_c_stops(name, nogil, tmp_path):
    source = tmp_path / "loops.py"             # a file, so that its functions are read as a user's are
    source.write_text("import numpy as np\n" + LOOPS[name])
    out, err, seconds = interrupted(PRELUDE + f"""
sys.path.insert(0, {str(tmp_path)!r})
import loops
f = njit(cache=False, nogil={nogil})(loops.f)

before = alive()
print("ready", flush=True)
try:
    f(10**13)
except KeyboardInterrupt as e:
    print("stopped", alive() - before)
""")
    assert out == "stopped 0\n", err
    assert seconds < 5                         # a second at most; the rest is for a busy machine


def test_the_same_function_runs_again():
    out, err, _ = interrupted(PRELUDE + """
@njit(cache=False)
def f(n, a):
    s = 0.0
    for i in range(n):
        for j in range(len(a)):
            s += a[j] * i
    return s
a = np.ones(4)
counts = sys.getrefcount(a)
print("ready", flush=True)
try:
    f(10**13, a)
except KeyboardInterrupt:
    print(f(3, a), sys.getrefcount(a) - counts, alive())
""")
    assert out == "12.0 0 0\n", err
