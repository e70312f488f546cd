"""Schedules and threads: who runs what, several threads that enter at once, fork(), other libraries' OpenMP."""
import multiprocessing
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from check import in_threads
from parallel import agree, compiled, loops

import coluber
from coluber import get_num_threads, get_thread_id, prange, set_num_threads, threading_layer


# ---- schedules

def loop_of(arguments):
    space = {"prange": prange}
    exec(f"""
def f(n, k, out):
    s = 0
    for i in prange(n{arguments}):
        for j in range(i % 5):
            out[i] += j
        s += i
    return s""", space)
    return space["f"]


@pytest.mark.parametrize("schedule", ["static", "dynamic", "guided", "runtime", "auto"])
@pytest.mark.parametrize("chunk", ["", ", chunk=1", ", chunk=k", ", chunk=10**9"])
@pytest.mark.parametrize("count", ["", ", num_threads=3"])
def test_schedules(schedule, chunk, count):
    f = loop_of(f", schedule={schedule!r}{chunk}{count}")
    for n in (0, 1, 2, 7, 5000):
        agree(f, n, 7, np.zeros(n, np.int64), parallel=1)


def owners(n, out):
    for i in prange(n, schedule="static", chunk=3):
        out[i] = get_thread_id()


def shares(n, out):
    for i in prange(n):
        out[i] = get_thread_id()


def test_static_deals_in_turn(threads):
    threads(4)
    out = np.full(31, -1)
    compiled(owners)(31, out)
    assert out.tolist() == [i // 3 % 4 for i in range(31)]
    compiled(shares)(31, out)
    assert out.tolist() == sorted(out.tolist()) and np.bincount(out).tolist() == [8, 8, 8, 7]


def uneven(n, out):
    for i in prange(n):
        k, x = 0, 0.5
        while k < i * 40:
            x = 3.9 * x * (1 - x)
            k += 1
        out[i] = get_thread_id() + 0 * x


def even(n, out):
    for i in prange(n):
        out[i] = i


def test_what_varies_is_dealt_by_time():
    out = np.zeros(2000, np.int64)
    compiled(uneven)(2000, out)
    compiled(even)(2000, out)
    assert loops(compiled(uneven))[0].schedule == "parts by measured time"
    assert loops(compiled(even))[0].schedule == "equal parts"


@pytest.mark.parametrize("bad, error", [("schedule='fair'", coluber.TypingError), ("schedule=n", coluber.TypingError), ("chunk=0", ValueError),
                                        ("num_threads=-1", ValueError), ("pieces=3", coluber.TypingError)])
def test_bad_arguments(bad, error):
    f = loop_of(", " + bad)
    with pytest.raises(error):
        compiled(f)(3, 1, np.zeros(3, np.int64))
    with pytest.raises((ValueError, TypeError)):
        f(3, 1, np.zeros(3, np.int64))


# ---- counts

def counts(n):
    outside, inside, most = get_num_threads(), 0, 0
    for i in prange(n):
        inside = max(inside, get_num_threads())
        most = max(most, get_thread_id())
    return outside, inside, most, get_thread_id()


@pytest.mark.parametrize("n", [1, 2, 3, 16])
def test_set_num_threads(threads, n):
    threads(n)
    assert get_num_threads() == n
    assert compiled(counts)(1000) == (n, n, n - 1, 0)


def sets(n):
    set_num_threads(n)
    return get_num_threads()


def test_set_num_threads_in_compiled_code(threads):
    assert compiled(sets)(5) == 5 == get_num_threads()
    for f in (compiled(sets), set_num_threads):
        for bad in (0, -3, 1025):
            with pytest.raises(ValueError, match="between 1 and 1024"):
                f(bad)


def test_count_is_the_threads_own(threads):
    threads(3)
    seen = []
    t = threading.Thread(target=lambda: (set_num_threads(7), seen.append(compiled(counts)(100)[:2])))
    t.start()
    t.join()
    assert seen == [(7, 7)] and get_num_threads() == 3


def in_process(code, **environment):
    code = "import numpy as np\nfrom coluber import njit, prange, get_num_threads, set_num_threads, get_thread_id, threading_layer, _coluber\n" + code
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_environment():
    assert threading_layer() == "omp"
    assert in_process("print(get_num_threads())", OMP_NUM_THREADS="3") == "3"
    assert in_process("import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); print(get_num_threads())") == "1"


def test_the_library_of_the_process_is_used():
    code = """
import ctypes
path = _coluber._openmp()[0] if {first} else None
before = path or ctypes.CDLL("libomp.so.5")
path, found = _coluber._openmp()
with open("/proc/self/maps") as maps:
    print(found, len({{line.split()[-1] for line in maps if "libomp" in line or "libiomp" in line}}))"""
    try:
        assert in_process(code.format(first=False)) == "True 1"
    except AssertionError as e:
        if "cannot open shared object" not in str(e):
            raise
    assert in_process(code.format(first=True)) == "False 1"


def test_another_library_may_bring_its_own_later(tmp_path):
    code = f"""
import ctypes, shutil
@njit(parallel=True)
def f(n):
    s = 0
    for i in prange(n):
        s += i
    return s
before = f(1000)
path = _coluber._openmp()[0]
with open("/proc/self/maps") as maps:
    path = next(line.split()[-1] for line in maps if path.split("/")[-1].split(".")[0] in line)
shutil.copy(path, {str(tmp_path / "libomp_of_another.so")!r})
other = ctypes.CDLL({str(tmp_path / "libomp_of_another.so")!r})
print(before, other.omp_get_max_threads() > 0, f(1000))"""
    assert in_process(code, COLUBER_CACHE="off") == "499500 True 499500"


def test_import_loads_no_openmp():
    assert in_process("print('libomp' in open('/proc/self/maps').read())") == "False"


# ---- several threads, processes

def total(x):
    s = 0.0
    for i in prange(len(x)):
        s += x[i]
    return s


def fill(n):
    out = np.empty(n)
    for i in prange(n):
        t = np.full(5, i)
        out[i] = t.sum()
    return out


def work(rounds, errors):
    try:
        for k in range(rounds):
            n = 1 + k % 97
            assert compiled(total)(np.ones(n)) == n
            if k % 10 == 0:
                assert (compiled(fill)(n) == 5.0 * np.arange(n)).all()
    except BaseException as e:
        errors.append(e)


def child(n):
    return compiled(total)(np.ones(n)) == n and (compiled(fill)(n) == 5.0 * np.arange(n)).all()


def test_many_entries_from_many_threads_and_forks():
    assert child(10)
    errors = []
    workers = [threading.Thread(target=work, args=(1250, errors)) for _ in range(8)]
    for w in workers:
        w.start()
    for k in range(10):
        pid = os.fork()
        if pid == 0:
            os._exit(0 if child(100 + k) and child(5000) else 1)
        assert os.waitpid(pid, 0)[1] == 0
        assert child(50)
    for w in workers:
        w.join()
    assert errors == []


def test_process_pools():
    assert child(10)
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            assert all(pool.map(child, [1, 10, 1000, 20]))



def test_nogil_callers():
    f = coluber.njit(parallel=True, nogil=True, cache=False)(total)
    results = []
    in_threads(4, lambda _: results.extend(f(np.ones(1000)) for _ in range(200)))
    assert results == [1000.0] * 800


def test_from_the_disk_cache(tmp_path):
    module = tmp_path / "cached.py"
    module.write_text("""
from coluber import njit, prange
@njit(parallel=True)
def f(x, out):
    s = 0.0
    for i in prange(len(x)):
        out[i] = x[i] * 2
        s += x[i]
    return s
""")
    code = f"""
import sys, time
sys.path.insert(0, {str(tmp_path)!r})
from cached import f
x = np.arange(1000.0); out = np.empty(1000)
print(f(x, out), (out == 2 * x).all(), sum(f.stats().cache_hits.values()))
time.sleep(0.3)
"""
    environment = {"COLUBER_CACHE": "on", "COLUBER_CACHE_DIR": str(tmp_path / "cache")}
    assert in_process(code, **environment) == "499500.0 True 0"
    assert in_process(code, **environment) == "499500.0 True 1"


# ---- threads that cannot be started

def test_fewer_threads_than_wanted():
    code = """
import resource, threading
@njit(parallel=True, cache=False)
def f(n):
    s, most = 0, 0
    for i in prange(n, schedule="dynamic", chunk=1):
        s += i
        most = max(most, get_thread_id())
    return s, most
assert f(1000)[0] == 499500
with open("/proc/self/statm") as statm:
    size = int(statm.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + {more} * 2**20,) * 2)     # no room for the stacks of many threads
set_num_threads(200)
for _ in range(3):
    s, most = f(20_000)
    assert s == 199990000 and most < 199, (s, most)
results = []
def enter():
    set_num_threads(100)
    results.append(f(1000)[0])
workers = []
for _ in range(3):
    try:
        workers.append(threading.Thread(target=enter))
        workers[-1].start()
    except RuntimeError:                   # CPython's own threads need room, too
        workers.pop()
for w in workers:
    w.join()
print(set(results) <= {{499500}})"""
    for more in (1, 30, 200):
        assert in_process(code.format(more=more), OMP_NUM_THREADS="2") == "True"


def test_a_shortage_is_remembered_for_a_second():
    code = """
import resource, time
@njit(parallel=True, cache=False)
def team(n):
    most = 0
    for i in prange(n):
        most = max(most, get_thread_id())
    return most + 1
team(2)
limits = resource.getrlimit(resource.RLIMIT_AS)
for wanted in range(120, 60, -20):          # each less than what was refused before
    with open("/proc/self/statm") as statm:
        size = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + 2**20, limits[1]))
    began = time.monotonic()
    few = team(wanted)
    resource.setrlimit(resource.RLIMIT_AS, limits)
    again = team(wanted)                   # there would be room now
    if time.monotonic() - began < 0.9:
        break
    assert few < wanted
smaller = team(wanted - 10)
time.sleep(1.1)
print(few < wanted, again == few, smaller == wanted - 10, team(wanted) == wanted)"""
    assert in_process(code, OMP_NUM_THREADS="120") == "True True True True"
