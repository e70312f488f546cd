"""Ctrl-C goes through what is around a loop: finally, except, with; with the variables of that round, and leaving no memory behind. Each case in a
process of its own. What a handler notes has to belong together: it is compared with what Python gives after the same number of rounds."""
import pytest
from test_interrupts import PRELUDE, interrupted

# f(n, out) runs for hours; check(out) says whether what the handlers noted is right.
CASES = {
    "finally": ("""
def f(n, out):
    s, i = 0.0, -1
    try:
        for i in range(n):
            s += i % 4
    finally:
        out[0], out[1] = i, s
    return s""", "out[1] == f_sum(out[0]) and out[0] > 10"),
    "except_while": ("""
def f(n, out):
    s, i = 0, 0
    try:
        while i < n:
            s ^= i
            i += 1
    except KeyboardInterrupt:
        out[0], out[1] = i, s
        raise
    return s""", "out[1] == [int(out[0] - 1), 1, int(out[0]), 0][(int(out[0]) - 1) % 4] and out[0] > 10"),
    "except_base": ("""
def f(n, out):
    s, i = 0.0, -1
    try:
        for i in range(n, 0, -1):
            s += 1.0
    except BaseException:
        out[0], out[1] = n - i + 1, s
        raise
    return s""", "out[1] == out[0] and out[0] > 10"),
    "caught": ("""
def f(n, out):
    s, i = 0.0, -1
    try:
        for i in range(n):
            s += i % 4
    except KeyboardInterrupt:
        out[0], out[1] = i, s
    return raise_it(out)""", "out[1] == f_sum(out[0]) and out[0] > 10"),
    "guards": ("""
def f(n, out):
    s, i = 0.0, -1
    try:
        for i in range(n):
            s += 8.0 / (i % 4 + 1.0 * (i < n))
    except KeyboardInterrupt:
        out[0], out[1] = i, s
        raise
    except ZeroDivisionError:
        out[0] = -5
    return s""", "out[0] > 10 and abs(out[1] - sum(8.0 / (k % 4 + 1) for k in range(4)) * (out[0] + 1) / 4) < 1e-3 * out[1]"),
    "stores": ("""
def f(n, out):
    a = np.zeros(8)
    i = -1
    try:
        for i in range(n):
            a[i % 8] += 1.0
    finally:
        out[0], out[1] = i, a.sum()
    return a[0]""", "out[1] == out[0] + 1 and out[0] > 10"),
    "nested": ("""
def f(n, out):
    s, i, j = 0.0, -1, -1
    try:
        for j in range(3):
            try:
                for i in range(n):
                    s += i % 4
            finally:
                out[0], out[1] = i, s
                out[2] += 1
    finally:
        out[3] = j + 1
    return s""", "out[1] == f_sum(out[0]) and out[2] == 1 and out[3] == 1"),
    "inner_loop_in_outer": ("""
def f(n, out):
    s, i, j = 0.0, -1, -1
    try:
        for j in range(n):
            for i in range(10):
                s += j % 4
    finally:
        out[0], out[1] = j, s
        out[2] = i
    return s""", "abs(out[1] - 10 * f_sum(out[0])) < 60 and out[0] > 10 and -1 <= out[2] < 10"),
    "handler_in_the_loop": ("""
def f(n, out):
    s = 0.0
    try:
        while True:
            try:
                s += 1.0 % (out[4] + 1)
                if n < 100:
                    break
            except:
                out[2] += 1
                continue
    finally:
        out[3] = 1
    return s""", "out[3] == 1 and out[2] == 0"),
    "callee": ("""
@njit(cache=False)
def work(n, out):
    s, i = 0.0, -1
    try:
        for i in range(n):
            s += i % 4
    finally:
        out[0], out[1] = i, s
    return s

def f(n, out):
    s = 0.0
    try:
        s = work(n, out) + work(n, out)
    except KeyboardInterrupt:
        out[2] = 1
        raise
    return s""", "out[1] == f_sum(out[0]) and out[2] == 1"),
    "callee_without_handler": ("""
@njit(cache=False)
def work(n, s):
    for i in range(n):
        s += i % 4
    return s

def f(n, out):
    keep = np.ones(5)
    try:
        s = work(n, 1.0)
    finally:
        out[2] = keep.sum()
    return s""", "out[2] == 5"),
    "critical": ("""
def f(n, out):
    s = 0.0
    with critical("a"):
        with critical("a"):
            for i in range(n):
                s += i % 4
    return s""", "free('a')"),
    "critical_in_rounds": ("""
def f(n, out):
    for k in prange(4):
        with critical("a"):
            s = 0.0
            for i in range(n):
                s += i % 4
            out[k % 2] = s
    return 0.0""", "free('a')"),
    "prange_in_try": ("""
def f(n, out):
    try:
        for k in prange(4):
            s = 0
            for i in range(n):
                s ^= i * 3 + (s >> 1)
            out[k % 2] = s
    finally:
        out[3] = 1
    return 0.0""", "out[3] == 1"),
    "chunk_size": ("""
def f(n, out):
    s = 0.0
    with parallel_chunksize(7):
        for i in range(n):
            s += i % 4
    return s""", "get_parallel_chunksize() == 0"),
    "arrays_of_the_handler": ("""
def f(n, out):
    a = np.ones(6)
    b = [a[0]]
    try:
        for i in range(n):
            a = a * 0.5 + 1.0
            b = [a[0], a[1]]
    finally:
        out[0], out[1] = len(a), len(b)
        out[2] = abs(a[0] - b[0])
    return a""", "out[0] == 6 and out[1] == 2 and out[2] <= 1"),
    "objmode_around": ("""
def f(n, out):
    with objmode():
        try:
            s, i = 0.0, -1
            for i in range(n):
                s += i % 4
        finally:
            out[0], out[1] = i, s
    return 0.0""", "out[1] == f_sum(out[0]) and out[0] > 10"),
    "expressions_of_two_dimensions": ("""
def f(n, out):
    a = np.ones((4, 5))
    k = 0
    try:
        while k < n:
            k += 1
            a[:, 1:] = a[:, :-1] * 0.5 + 1.0
    finally:
        out[0], out[1] = k, a.sum()
    return a""", "out[0] > 10 and 30 < out[1] < 40"),
}
LIFTED = {
    "lifted_finally": ("""
def f(n, out):
    keep = {"rounds": n}
    try:
        s = 0.0
        for i in range(keep["rounds"]):
            s += i % 4
    finally:
        out[3] = len(keep)
    return s""", "out[3] == 1"),
    "lifted_try_inside": ("""
def f(n, out):
    keep = {"rounds": n}
    s = 0.0
    for k in range(len(keep)):
        try:
            for i in range(n):
                s += i % 4
        finally:
            out[0], out[1] = i, s
    return s""", "out[1] == f_sum(out[0]) and out[0] > 10"),
    "lifted_except": ("""
def f(n, out):
    keep = {"rounds": n}
    s = 0.0
    try:
        for i in range(keep["rounds"]):
            s += i % 4
    except KeyboardInterrupt:
        out[3] = len(keep)
        raise
    return s""", "out[3] == 1"),
    "with_of_python": ("""
class Noting:
    def __init__(self, out):
        self.out = out
    def __enter__(self):
        return self
    def __exit__(self, kind, value, where):
        self.out[3] = 1 + (kind is KeyboardInterrupt)

def f(n, out):
    s = 0.0
    with Noting(out):
        for i in range(n):
            s += i % 4
    return s""", "out[3] == 2"),
}
MODULE = """import threading
import numpy as np
from coluber import critical, get_parallel_chunksize, jit, njit, objmode, parallel_chunksize, prange

@njit(cache=False)
def raise_it(out):
    if out[0] >= 0:
        raise KeyboardInterrupt
    return 0.0

def f_sum(i):
    n = int(i) + 1
    return n // 4 * 6 + sum(range(n % 4))

def free(name):
    seen = []
    def enter():
        with critical(name):
            seen.append(1)
    t = threading.Thread(target=enter)
    t.start()
    t.join(10)
    return bool(seen)
"""


def check(tmp_path, source, test, decorator):
    (tmp_path / "loops.py").write_text(MODULE + source)
    out, err, seconds = interrupted(PRELUDE + f"""
sys.path.insert(0, {str(tmp_path)!r})
import warnings
warnings.simplefilter("ignore")
from loops import *
f = {decorator}(f)
out = np.zeros(5)
try:
    f(20, out)                                 # compiled, lifted loops too
except KeyboardInterrupt:
    pass
out = np.zeros(5)
before, counts = alive(), sys.getrefcount(out)
print("ready", flush=True)
try:
    f(10**13, out)
except KeyboardInterrupt as e:
    e.__traceback__ = None
    print("stopped", alive() - before, {test}, out)
""")
    assert out.startswith("stopped 0 True"), (out, err)
    assert seconds < 8                         # a second at most; the rest is for a busy machine


@pytest.mark.parametrize("name", CASES)
def test_handlers(name, tmp_path):
    check(tmp_path, *CASES[name], "njit(cache=False, parallel=True)" if "prange" in CASES[name][0] else "njit(cache=False)")


@pytest.mark.parametrize("name", ["finally", "guards", "arrays_of_the_handler", "critical"])
def test_handlers_without_the_gil(name, tmp_path):
    check(tmp_path, *CASES[name], "njit(cache=False, nogil=True)")


@pytest.mark.parametrize("name", LIFTED)
def test_lifted_loops(name, tmp_path):
    check(tmp_path, *LIFTED[name], "jit(cache=False)")
