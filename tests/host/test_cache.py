"""The disk cache through the dispatcher, with the real engine: what is found again, and what must not be."""
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from coluber import _coluber

HERE = Path(_coluber.__file__).parent
pytestmark = pytest.mark.skipif(not (HERE / "libcoluber_engine.so").exists() or not (HERE / "coluber-link").exists(),
                                reason="the engine is not built")

MODULE = """
import math
from collections import namedtuple
import numpy as np
from coluber import njit
import other

SCALE = 3
Point = namedtuple("Point", "x y")

class MyError(Exception):
    pass

def helper(x):
    return x * SCALE

@njit
def scaled(x):
    return helper(x) + 1

@njit
def remote(x):
    return other.shift(x) + other.OFFSET

def make(k):
    @njit
    def closure(x):
        return x + k
    return closure

closure = make(10)

@njit
def apply(f, x):
    return f(x)

@njit
def point(p):
    return p.x + p.y

@njit
def fails(x):
    if x > 2:
        raise MyError("too big", x)
    return x

@njit
def total(a):
    return np.sum(a) + math.sqrt(a[0])

@njit
def solved(a):
    b = np.sort(np.linalg.solve(a, a @ np.ones(2)))    # NumPy's loops, its sort function, and the classes of what may be raised
    return round(np.concatenate((b, a[0])).sum(), 6)

@njit(cache=False)
def uncached(x):
    return x
"""
OTHER = """
OFFSET = 100
def shift(x):
    return x - 1
"""


class Project:
    def __init__(self, folder):
        self.folder, self.cache = folder, folder / "cache"
        (folder / "tmp").mkdir()
        self.write(MODULE, OTHER)

    def write(self, module=None, other=None):
        for name, text in (("mod", module), ("other", other)):
            if text is not None:
                (self.folder / f"{name}.py").write_text(text)

    def run(self, code, **env):
        """Runs code with mod imported; returns what it prints, per line."""
        environment = {k: v for k, v in os.environ.items() if k not in ("COLUBER_ENGINE", "COLUBER_CACHE")}
        # TMPDIR: where entries go when the directory cannot be used, and would be found by later runs.
        environment.update({"COLUBER_CACHE_DIR": str(self.cache), "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(self.folder / "tmp"), **env})
        program = f"import sys\nsys.path.insert(0, {str(self.folder)!r})\nimport mod, numpy as np\n" + textwrap.dedent(code)
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def hits(self, call, **env):
        """The value of a call and whether it came from the cache."""
        name = call.split("(")[0]
        value, hits = self.run(f"print({call}); print(mod.{name.split('.')[1]}.cache_info().hits)", **env)
        return value, int(hits)

    def settle(self, entries):
        """Waits until the link helper has written that many entries."""
        for _ in range(200):
            if len(list(self.cache.glob("??/*.so"))) >= entries:
                return
            time.sleep(0.05)
        pytest.fail("the entry was not written")

    def entries(self):
        return sorted(self.cache.glob("??/*.so"))


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


CALLS = {"mod.scaled(2)": "7", "mod.remote(5)": "104", "mod.closure(1)": "11", "mod.apply(mod.helper, 4)": "12", "mod.point(mod.Point(1, 2.5))": "3.5",
         "mod.total(np.ones(3))": "4.0", "mod.fails(1)": "1",
         "mod.solved(np.eye(2))": "3.0"}


@pytest.mark.parametrize("call", CALLS)
def test_found_in_the_next_process(project, call):
    assert project.hits(call) == (CALLS[call], 0)
    project.settle(1)
    assert project.hits(call) == (CALLS[call], 1)
    code = f"print({call}); import coluber; maps = open('/proc/self/maps').read(); print('libcoluber_engine' in maps)"
    assert project.run(code) == [CALLS[call], "False"]     # without LLVM


@pytest.mark.parametrize("call, module, other, value", [
    ("mod.scaled(2)", MODULE.replace("SCALE = 3", "SCALE = 4"), None, "9"),
    ("mod.scaled(2)", MODULE.replace("return x * SCALE", "return x * SCALE + 1"), None, "8"),
    ("mod.scaled(2)", MODULE.replace("helper(x) + 1", "helper(x) + 2"), None, "8"),
    ("mod.remote(5)", None, OTHER.replace("x - 1", "x - 2"), "103"),
    ("mod.remote(5)", None, OTHER.replace("100", "200"), "204"),
    ("mod.closure(1)", MODULE.replace("make(10)", "make(20)"), None, "21"),
    ("mod.apply(mod.helper, 4)", MODULE.replace("SCALE = 3", "SCALE = 5"), None, "20"),
    ("mod.apply(mod.helper, 4)", MODULE.replace("return x * SCALE", "return x"), None, "4"),
])
def test_edits_are_noticed(project, call, module, other, value):
    project.hits(call)
    project.settle(1)
    project.write(module, other)
    assert project.hits(call) == (value, 0)
    project.settle(2)
    assert project.hits(call) == (value, 1)
    project.write(MODULE, OTHER)                             # and back: the first entry still lies there
    assert project.hits(call) == (CALLS[call], 1)


def test_moving_a_function_is_no_edit_and_tracebacks_follow(project):
    code = """
    import traceback
    try:
        mod.fails(3)
    except mod.MyError as e:
        print(e.args, traceback.extract_tb(e.__traceback__)[-1].line, mod.fails.cache_info().hits)
    """
    expected = "('too big', 3) raise MyError(\"too big\", x)"
    assert project.run(code) == [expected + " 0"]
    project.settle(1)
    project.write("# a\n# few\n# lines\n" + MODULE)
    assert project.run(code) == [expected + " 1"]


def test_results_have_classes_of_this_process(project):
    code = """
    from coluber import njit
    print(type(mod.point).__name__, mod.point(mod.Point(1, 2)), mod.fails(2))
    """
    assert project.run(code) == project.run(code) == ["Dispatcher 3 2"]


def test_options_are_part_of_the_key(project):
    project.hits("mod.scaled(2)")
    project.settle(1)
    project.write(MODULE.replace("@njit\ndef scaled", "@njit(fastmath=True)\ndef scaled"))
    assert project.hits("mod.scaled(2)") == ("7", 0)


def test_off_and_uncached(project):
    assert project.hits("mod.uncached(2)") == project.hits("mod.uncached(2)") == ("2", 0)
    assert project.hits("mod.scaled(2)", COLUBER_CACHE="off") == ("7", 0)
    assert not project.entries()
    assert project.run("from coluber import njit\nf = njit(eval('lambda x: x'))\nf(1)\nprint(f.cache_info().notes[0])") == ["(): the function is not defined in a file"]


def test_read_only(project):
    assert project.hits("mod.scaled(2)", COLUBER_CACHE="ro") == ("7", 0)
    assert not project.entries()
    project.hits("mod.scaled(2)")
    project.settle(1)
    assert project.hits("mod.scaled(2)", COLUBER_CACHE="ro") == ("7", 1)


def test_check_mode_compiles_and_compares(project):
    project.hits("mod.scaled(2)")
    project.settle(1)
    assert project.hits("mod.scaled(2)", COLUBER_CACHE="check") == ("7", 0)


def test_damage_is_a_miss(project):
    project.hits("mod.scaled(2)")
    project.settle(1)
    [entry] = project.entries()
    data = bytearray(entry.read_bytes())
    for damaged in (data[:100], data[:-10], bytes(len(data)), data[:500] + b"x" + data[501:]):
        entry.write_bytes(damaged)
        assert project.hits("mod.scaled(2)") == ("7", 0)
        project.settle(1)


def test_unwritable_directory_is_no_error(project):
    project.cache.write_text("not a folder")
    assert project.hits("mod.scaled(2)")[0] == "7"


def test_eight_processes_at_once(project):
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUBER_ENGINE", "COLUBER_CACHE")}
    environment.update(COLUBER_CACHE_DIR=str(project.cache), PYTHONDONTWRITEBYTECODE="1")
    program = f"import sys; sys.path.insert(0, {str(project.folder)!r}); import mod; print(mod.scaled(2), mod.remote(5))"
    running = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment) for _ in range(8)]
    assert [p.communicate(timeout=120)[0] for p in running] == ["7 104\n"] * 8
    project.settle(2)
    assert project.hits("mod.scaled(2)") == ("7", 1)


def test_implementations_registered_later_are_noticed(project):
    code = """
    from coluber import extending
    if {register}:
        @extending.implements(mod.helper)
        def mine(x):
            return x * 1000
    print(mod.scaled(2))
    """
    assert project.run(code.format(register=False)) == ["7"]
    project.settle(1)
    assert project.run(code.format(register=True)) == ["2001"]
    assert project.run(code.format(register=False)) == ["7"]


def child_environment(project):
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUBER_ENGINE", "COLUBER_CACHE")}
    return dict(environment, COLUBER_CACHE_DIR=str(project.cache), PYTHONDONTWRITEBYTECODE="1")


def test_missing_directory_is_made_and_may_vanish(project):
    project.cache = project.folder / "a" / "b" / "cache"
    assert project.hits("mod.scaled(2)") == ("7", 0)
    project.settle(1)
    code = """
    import shutil
    print(mod.scaled(2), mod.scaled.cache_info().hits)
    shutil.rmtree(%r)                                      # under a process that has it open
    print(mod.remote(5), mod.scaled(3.0))
    """ % str(project.cache)
    assert project.run(code) == ["7 1", "104 10.0"]
    assert project.hits("mod.total(np.ones(3))")[0] == "4.0"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_directory_without_the_right_to_write(project):
    project.hits("mod.scaled(2)")
    project.settle(1)
    folders = [project.cache, *project.cache.glob("??")]
    for folder in folders:
        folder.chmod(0o500)
    try:
        assert project.hits("mod.scaled(2)") == ("7", 1)
        assert project.hits("mod.remote(5)") == ("104", 0)
    finally:
        for folder in folders:
            folder.chmod(0o700)


@pytest.mark.parametrize("elsewhere", [True, False])
def test_noexec_directory_is_passed_over(project, elsewhere):
    """dlopen refuses what lies there: the next candidate is taken, the temporary folder; where that is no better, memory. Never an error."""
    def inside(*command):
        script = 'mkdir -p "$1" && mount -t tmpfs -o noexec,mode=700 tmpfs "$1" && shift && exec "$@"'
        return subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", str(project.cache), *command], capture_output=True, text=True,
                              env=dict(child_environment(project), TMPDIR=str(project.folder if elsewhere else project.cache)), timeout=120)
    if inside("true").returncode:
        pytest.skip("mounting needs root")
    once = (f"import sys, glob, time; sys.path.insert(0, {str(project.folder)!r}); import mod; print(mod.scaled(2), mod.scaled.cache_info().hits, flush=True)\n"
            f"end = time.time() + {20 if elsewhere else 1}\n"
            f"while time.time() < end and not glob.glob({str(project.folder)!r} + '/coluber-*/??/*.so'): time.sleep(0.05)\n"
            f"assert not glob.glob({str(project.cache)!r} + '/**/*.so', recursive=True)")
    done = inside("sh", "-c", '"$1" -c "$2" && "$1" -c "$2"', "sh", sys.executable, once)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["7 0", "7 1" if elsewhere else "7 0"]


def test_fork_before_and_after_the_first_call(project):
    """Children find what the parent compiled, compile for themselves, and store it; nobody waits for threads that fork left behind."""
    code = """
    import os, warnings
    warnings.simplefilter("ignore")
    def in_child(f):
        pid = os.fork()
        if pid == 0:
            try:
                os._exit(0 if f() else 3)
            except BaseException:
                os._exit(4)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print(in_child(lambda: mod.scaled(2) == 7))            # the child compiles first
    mod.remote(5)
    print(in_child(lambda: mod.remote(5) == 104 and mod.scaled(2.0) == 7.0 and mod.point(mod.Point(1, 2)) == 3))
    print(mod.scaled(2), mod.closure(1))
    """
    assert project.run(code) == ["0", "0", "7 11"]
    project.settle(2)
    assert project.hits("mod.remote(5)") == ("104", 1)
    assert project.hits("mod.closure(1)") == ("11", 1)


def test_killed_writers_leave_a_sound_cache(project):
    """Processes are killed at all moments around the time when entries are written; what is there afterwards is whole."""
    program = f"import sys; sys.path.insert(0, {str(project.folder)!r}); import mod, numpy as np; print(mod.scaled(2), flush=True); mod.remote(5); mod.total(np.ones(3)); mod.closure(1)"
    for delay in (0.0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1):
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=child_environment(project))
        assert process.stdout.readline() == "7\n"
        time.sleep(delay)
        process.kill()
        process.communicate()
    for call in ("mod.scaled(2)", "mod.remote(5)", "mod.total(np.ones(3))", "mod.closure(1)"):
        assert project.hits(call)[0] == CALLS[call]
    project.settle(4)
    for call in ("mod.scaled(2)", "mod.remote(5)", "mod.total(np.ones(3))", "mod.closure(1)"):
        assert project.hits(call) == (CALLS[call], 1)
