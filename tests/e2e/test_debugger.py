"""debug=True: gdb stops at lines of Python in compiled code and prints the variables there. COLUBER_PERF=1: perf's map of addresses."""
import os
import shutil
import subprocess
import sys
import textwrap

import pytest

PROGRAM = """\
import coluber, numpy as np

@coluber.njit(debug=True, cache=False)
def run(a, n, w, z, flag):
    total = 0.0
    pair, mixed = (n, w), 0
    for i in range(n):
        item = a[i] * w
        total, mixed = total + item, mixed + 0.5
        n = n
    z = z * z
    return total, pair, z, flag

print(run(np.arange(6.0).reshape(3, 2)[:, 0], 3, 2.5, 1 + 2j, True))
"""


def gdb(tmp_path, commands):
    program = tmp_path / "stopped.py"
    program.write_text(PROGRAM)
    script = tmp_path / "commands.gdb"
    script.write_text("set pagination off\nset breakpoint pending on\nset debuginfod enabled off\n" + textwrap.dedent(commands))
    python = os.path.realpath(sys.executable)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run(["gdb", "-q", "-batch", "-iex", "set auto-load off", "-x", str(script), "--args", python, str(program)],
                          capture_output=True, text=True, timeout=100, env=env)
    return done.stdout.splitlines(), done.stdout + done.stderr


@pytest.mark.skipif(not shutil.which("gdb"), reason="no gdb")
def test_gdb_stops_at_a_line_and_prints_the_variables(tmp_path):
    lines, everything = gdb(tmp_path, """
        break stopped.py:10
        run
        continue
        echo place:\\n
        backtrace 1
        echo values:\\n
        print i
        print item
        print total
        print w
        print n
        print z
        print flag
        print pair
        print a.shape[0]
        print a.data[2]
        print mixed
        next
        """)
    assert any("stopped.py:10" in line and "run ()" in line for line in lines), everything
    values = [line.split(" = ", 1)[1] for line in lines if line.startswith("$")]
    assert values[:5] == ["1", "5", "5", "2.5", "3"], everything
    assert values[5].startswith("1 + 2") and values[6] == "true", everything
    assert values[7] == "{item0 = 3, item1 = 2.5}" and values[8:11] == ["3", "2", "1"], everything


def test_the_result_is_the_same_without_a_debugger():
    space = {}
    exec(compile(PROGRAM.replace("print(", "result = ("), "<debug>", "exec"), space)
    assert space["result"] == (15.0, (3, 2.5), -3 + 4j, True)


def test_perf_finds_the_names_of_functions():
    code = """
import os
import coluber
def twice(x): return x + x
coluber.njit(cache=False)(twice)(1)
print(open(f"/tmp/perf-{os.getpid()}.map").read())
os.unlink(f"/tmp/perf-{os.getpid()}.map")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "COLUBER_PERF": "1"}, timeout=60)
    rows = [line.split() for line in done.stdout.splitlines() if line]
    assert any(len(row) == 3 and row[2] == "coluber.twice" and int(row[0], 16) and int(row[1], 16) for row in rows), done.stderr
