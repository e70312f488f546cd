"""What import, the first call, a call from the cache and a further call may do at most."""
import json
import os
import subprocess
import sys
import time

import pytest

MODULE = """
import numpy as np
from coluber import njit

@njit
def loop(n):
    s = 0.0
    for i in range(n):
        s += i * 0.5
    return s

@njit
def total(a):
    return (a * 2.0).sum()

@njit
def solved(a, b):
    return np.linalg.solve(a, b)

@njit
def bent(a):
    return np.tanh(a) + np.exp(a)
"""
# step() returns what was done since the last one.
PRELUDE = """
import json, os, sys
import numpy as np
opened = []
sys.addaudithook(lambda event, a: opened.append(str(a[0])) if event == 'open' else None)
known = set(sys.modules)

def step():
    global known
    files = [o for o in opened if not o.startswith('/proc/')]
    modules = sorted(set(sys.modules) - known)
    known = set(sys.modules)
    maps = open('/proc/self/maps').read()
    libraries = [n for n in ('_coluber', 'libcoluber_engine', 'libcoluber_sleef', 'libmvec') if n in maps]
    opened.clear()
    return {'modules': modules, 'files': files, 'libraries': libraries, 'threads': len(os.listdir('/proc/self/task'))}
steps = {}
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "work.py").write_text(MODULE)

    def run(code, **environment):
        environment = {**os.environ, "COLUBER_CACHE_DIR": str(tmp_path / "cache"), "OPENBLAS_NUM_THREADS": "1", **environment}
        program = PRELUDE + f"sys.path.insert(0, {str(tmp_path)!r})\n" + code + "\nprint(json.dumps(steps))"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def settle(entries):
        for _ in range(400):
            if len(list((tmp_path / "cache").glob("??/*.so"))) >= entries:
                return
            time.sleep(0.05)
        pytest.fail("the cache entry was not written")
    run.settle = settle
    return run


def test_import_loads_one_module(project):
    steps = project("import coluber; steps['import'] = step()\nfrom coluber import njit; steps['njit'] = step()\nimport work; steps['decorated'] = step()")
    assert steps["import"]["modules"] == ["coluber"] and len(steps["import"]["files"]) <= 2 and steps["import"]["libraries"] == []
    ours = [m for m in steps["njit"]["modules"] if m.startswith("coluber")]
    assert ours == ["coluber._coluber", "coluber.api"] and len(steps["njit"]["modules"]) <= 6
    assert steps["decorated"]["modules"] == ["work"] and steps["decorated"]["libraries"] == ["_coluber"]     # decorating compiles nothing


def test_the_first_call_loads_the_engine_and_what_it_uses(project):
    steps = project("""
import work; step()
work.loop(3); steps['loop'] = step()
work.total(np.ones(3)); steps['total'] = step()
work.total(np.ones((3, 2))); steps['again'] = step()
""", COLUBER_CACHE="off")
    assert steps["loop"] == {"modules": [], "files": [], "libraries": ["_coluber", "libcoluber_engine"], "threads": 1}
    library = [m for m in steps["total"]["modules"] if m.startswith("coluber.lib.numpy.")]
    assert "coluber.lib.numpy.reductions" in library and len(library) <= 3, library   # the file that is needed, not the library
    assert all(m.startswith("coluber") for m in steps["total"]["modules"]) and len(steps["total"]["modules"]) <= 10
    assert not [m for m in steps["again"]["modules"] if not m.startswith("coluber.lib.numpy.")] and len(steps["again"]["modules"]) <= 1


@pytest.mark.parametrize("call", ["loop(3)", "total(np.ones(3))", "solved(np.eye(2), np.ones(2))"])
def test_from_the_cache_no_engine_is_loaded(project, call):
    code = f"import work; step()\nwork.{call}; steps['call'] = step()\nsteps['hits'] = work.{call.split('(')[0]}.cache_info().hits"
    assert project(code)["hits"] == 0
    project.settle(1)
    steps = project(code)
    assert steps["hits"] == 1 and steps["call"]["libraries"] == ["_coluber"] and steps["call"]["threads"] == 1
    assert len(steps["call"]["modules"]) <= 1 and len(steps["call"]["files"]) <= 2, steps     # coluber._support, where something is looked up


@pytest.mark.skipif("avx2" not in open("/proc/cpuinfo").read(), reason="there is no vector math for this processor")
def test_vector_math_is_loaded_when_code_needs_it(project):
    code = "import work; step()\nwork.loop(3); steps['loop'] = step()\nwork.bent(np.ones(3)); steps['bent'] = step()\n"
    steps = project(code)
    assert "libcoluber_sleef" not in steps["loop"]["libraries"] and "libcoluber_sleef" in steps["bent"]["libraries"]
    project.settle(2)
    steps = project(code)
    assert steps["loop"]["libraries"] == ["_coluber"] and steps["bent"]["libraries"] == ["_coluber", "libcoluber_sleef"]


def test_a_further_call_allocates_no_more_than_its_arrays(project):
    code = """
import gc, work
from coluber import _coluber
def stats():
    return _coluber._runtime_stats()['total_blocks']
a = np.ones(100)
def calls(f, argument):
    for _ in range(10000):
        f(argument)
for name, f, argument in (('loop', work.loop, 3), ('total', work.total, a)):
    calls(f, argument)
    gc.collect(); gc.disable()
    blocks, python = stats(), sys.getallocatedblocks()
    calls(f, argument)
    steps[name] = {'blocks': stats() - blocks, 'python': sys.getallocatedblocks() - python}
    gc.enable()
"""
    steps = project(code, COLUBER_CACHE="off")
    assert steps["loop"]["blocks"] == 0 and steps["total"]["blocks"] == 10000    # one array, a * 2.0, which NumPy's own loop sums up
    assert steps["loop"]["python"] < 20 and steps["total"]["python"] < 20, steps


def test_the_same_types_compile_once(project):
    steps = project("""
import work
for n in range(100):
    work.loop(n)
    work.total(np.ones(n + 1))
steps['loop'], steps['total'] = len(work.loop.signatures), len(work.total.signatures)
""")
    assert steps == {"loop": 1, "total": 1}


def dump(tmp_path, source, call, stage):
    (tmp_path / "dumped.py").write_text("import numpy as np\nfrom coluber import njit\n" + source)
    environment = {**os.environ, "COLUBER_CACHE": "off", "COLUBER_DUMP": stage}
    done = subprocess.run([sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\nimport numpy as np, dumped; dumped.{call}"],
                          capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    return (done.stdout + done.stderr).splitlines()


def test_code_grows_linearly(tmp_path):
    sizes = []
    for lines in (100, 200, 400):
        body = "\n".join(f"    x{k} = a[{k % 7}] * x{k - 1} + {k}.5\n    if x{k} > {k}.0:\n        s += x{k}" for k in range(1, lines))
        source = f"@njit\ndef f(a):\n    x0 = 1.0\n    s = 0.0\n{body}\n    return s\n"
        sizes.append(len(dump(tmp_path, source, "f(np.ones(9))", "llvm")))
    assert sizes[0] > 500
    assert sizes[1] < 2.3 * sizes[0] and sizes[2] < 2.3 * sizes[1], sizes


@pytest.mark.parametrize("source, call, most", [
    ("@njit\ndef f(n):\n    s = 0\n    for i in range(n):\n        s += i\n    return s\n", "f(3)", 1),
    ("@njit\ndef f(a):\n    return a.sum() + a.max()\n", "f(np.ones(3))", 24),
    ("@njit\ndef f(a):\n    return np.sqrt(a * a + 1.0)\n", "f(np.ones(3))", 12),
])
def test_few_functions_are_typed(tmp_path, source, call, most):
    """Specialisations cost inference and lowering each; library code that calls deep chains of helpers shows here."""
    made = [line for line in dump(tmp_path, source, call, "types") if line.startswith("func @")]
    assert 1 <= len(made) <= most, made


LOOPS = {
    "total": ("def f(x):\n    s = 0.0\n    for i in range(x.shape[0]):\n        s += x[i]\n    return s\n", "f(np.ones(9))", 1),
    "axpy": ("def f(a, x, y):\n    for i in range(len(x)):\n        y[i] = a * x[i] + y[i]\n", "f(2.0, np.ones(9), np.ones(9))", 2),
    "stencil": ("def f(x, y):\n    for i in range(1, len(x) - 1):\n        y[i] = 0.25 * x[i - 1] + 0.5 * x[i] + 0.25 * x[i + 1]\n",
                "f(np.ones(9), np.ones(9))", 2),
    "search": ("def f(x, v):\n    for i in range(len(x)):\n        if x[i] == v:\n            return i\n    return -1\n", "f(np.ones(9), 3.0)", 1),
}


@pytest.mark.parametrize("name", LOOPS)
def test_a_small_loop_is_compiled_once(tmp_path, name):
    """One loop of scalars and at most one of vectors; no second version with checks, no pieces, no unrolled rest."""
    source, call, loops = LOOPS[name]
    text = dump(tmp_path, "@njit\n" + source, call, "llvm")
    back = [line for line in text if line.lstrip().startswith("br i1") and "!llvm.loop" in line]
    assert len(back) <= loops, back
    assert not any("coluber_poll" in line for line in text)
    assert len([line for line in text if line.startswith("  ")]) <= (30 if loops == 1 else 110)


def row_of_loops(count):
    body = "\n".join(f"    x = x * 0.5 + {k}.25\n    if x > {k}.5:\n        s += x\n    for i in range(len(a)):\n        s += a[i] * x"
                     for k in range(count))
    return f"@njit\ndef f(a):\n    s, x = 0.0, 1.0\n{body}\n    return s + x\n"


def test_rows_of_loops_grow_linearly(tmp_path):
    sizes = [len(dump(tmp_path, row_of_loops(count), "f(np.ones(3))", "llvm")) for count in (40, 80, 160)]
    assert sizes[0] > 500
    assert sizes[1] < 2.2 * sizes[0] and sizes[2] < 2.2 * sizes[1], sizes


def test_long_rows_of_loops_are_divided(tmp_path):
    """Without polls between them LLVM would look from each loop back along all others, several times for each."""
    polls = [sum(line.strip().startswith("poll") for line in dump(tmp_path, row_of_loops(count), "f(np.ones(3))", "passes")) for count in (8, 64)]
    assert polls == [0, 8]


def test_large_functions_are_divided(tmp_path):
    """What LLVM does for a loop takes as long as there is code around it; the loops are vectorised all the same."""
    body = "\n".join(f"    for i in range(len(a)):\n        a[i] = a[i] * {k}.5 + s" for k in range(200))
    text = dump(tmp_path, f"@njit\ndef f(a):\n    s = 1.0\n{body}\n", "f(np.ones(3))", "llvm")
    parts = [line for line in text if line.startswith("define ")]
    assert 3 <= len(parts) <= 12, parts
    assert sum("fmul <" in line for line in text) >= 200
