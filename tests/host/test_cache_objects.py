"""The disk cache of object mode: specialisations with objects, lifted loops, bodies of objmode, and what does not compile."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_cache import HERE, Project  # noqa: E402

pytestmark = pytest.mark.skipif(not (HERE / "libcoluber_engine.so").exists() or not (HERE / "coluber-link").exists(), reason="the engine is not built")

MODULE = '''
import warnings
from collections import namedtuple
import numpy as np
from coluber import jit, njit, objmode
import other
warnings.simplefilter("ignore")

SCALE = 3
TABLE = {"a": 1}
Point = namedtuple("Point", "x y")

class Data:
    def __init__(self, values):
        self.values = values

@jit
def mixed(d, n):
    text = f"{n}:{len(d.values)}" + "-" * 2
    return text, (1, "two", 3.5j), [k for k in range(n)], 10**20, b"x", SCALE

@jit
def lifted(d):
    x = d.values
    s = 0.0
    for i in range(len(x)):
        s += x[i] * 2
    return s

@jit
def lifted_points(d):
    s = 0.0
    p = d.values
    for i in range(3):
        s += p.x * i + p.y
    return s, type(p).__name__

@jit
def table(n):
    TABLE["n"] = n
    return sorted(TABLE.items())

@jit
def makes(d, n):
    return other.Made(n).n, isinstance(d, Data), max(n, 2)

@jit
def overflows(d, n):
    s = 1
    for i in range(1, n):
        s = s * i
    return s, len(d.values)

@njit
def body(x, n):
    with objmode(y="float64[:]", t="unicode_type"):
        y = np.array(sorted(x.tolist()))
        t = f"{n:04d}"
    return y[0] + (t == "0007")

@jit
def raising(d):
    return d.values.nothing
'''
OTHER = '''
class Made:
    def __init__(self, n):
        self.n = n
'''
CALLS = {
    "mod.mixed(mod.Data([1]), 2)": "('2:1--', (1, 'two', 3.5j), [0, 1], 100000000000000000000, b'x', 3)",
    "mod.lifted(mod.Data(np.arange(4.0)))": "12.0",
    "mod.lifted_points(mod.Data(mod.Point(2.0, 1.0)))": "(9.0, 'Point')",
    "mod.table(5)": "[('a', 1), ('n', 5)]",
    "mod.makes(mod.Data(1), 7)": "(7, True, 7)",
    "mod.overflows(mod.Data([]), 25)": "(620448401733239439360000, 0)",
    "mod.body(np.array([2.0, 1.0]), 7)": "2.0",
}


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path)
    made.write(MODULE, OTHER)
    return made


def engine_used(project, call):
    """The value of a call, and whether the engine was loaded for it."""
    code = f"print({call}); print('libcoluber_engine' in open('/proc/self/maps').read())"
    return tuple(project.run(code))


@pytest.mark.parametrize("call", CALLS)
def test_found_in_the_next_process(project, call):
    assert engine_used(project, call) == (CALLS[call], "True")
    project.settle(1)
    for _ in range(20):                        # one call may have stored several entries: they appear one after the other
        value, used = engine_used(project, call)
        assert value == CALLS[call]
        if used == "False":
            return
    notes = project.run(f"{call}\nprint(mod.{call.split('(')[0][4:]}.cache_info())")
    pytest.fail("\n".join(notes))


EDITS = [
    ("mod.mixed(mod.Data([1]), 2)", 'text = f"{n}', 'text = f"{n + 1}', CALLS["mod.mixed(mod.Data([1]), 2)"].replace("2:1", "3:1")),
    ("mod.mixed(mod.Data([1]), 2)", "SCALE = 3", "SCALE = 4", CALLS["mod.mixed(mod.Data([1]), 2)"].replace("b'x', 3", "b'x', 4")),
    ("mod.mixed(mod.Data([1]), 2)", '"two"', '"zwei"', CALLS["mod.mixed(mod.Data([1]), 2)"].replace("two", "zwei")),
    ("mod.lifted(mod.Data(np.arange(4.0)))", "x[i] * 2", "x[i] * 3", "18.0"),
    ("mod.makes(mod.Data(1), 7)", "import other", "import other\\nmax = min", "(7, True, 2)"),
    ("mod.body(np.array([2.0, 1.0]), 7)", "sorted(x.tolist())", "sorted(x.tolist(), reverse=True)", "3.0"),
]


@pytest.mark.parametrize("call, old, new, value", EDITS)
def test_edits_are_noticed(project, call, old, new, value):
    assert project.run(f"print({call})") == [CALLS[call]]
    project.settle(1)
    project.write(MODULE.replace(old, new.replace("\\n", "\n")))
    for _ in range(2):
        assert project.run(f"print({call})") == [value]
    project.write(MODULE)
    assert project.run(f"print({call})") == [CALLS[call]]


def test_the_warning_and_its_line_are_the_same(project):
    code = """
    import warnings, traceback
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        mod.table(1)
    print(len(found), found[0].lineno, str(found[0].message).splitlines()[0])
    try:
        mod.raising(mod.Data(1))
    except AttributeError as e:
        print(traceback.extract_tb(e.__traceback__)[-1].line)
    print(mod.table.mode("(int64,)"))
    """
    first = project.run(code)
    assert first[1:] == ["return d.values.nothing", "mixed"]
    project.settle(3)
    assert project.run(code) == first
    project.write("# one\n# two\n" + MODULE)
    moved = project.run(code)
    assert int(moved[0].split()[1]) == int(first[0].split()[1]) + 2 and moved[1:] == first[1:]


def test_what_compiles_later_is_compiled(project):
    """The news that something does not compile goes by the same content as code."""
    plain = MODULE.replace("TABLE[\"n\"] = n\n    return sorted(TABLE.items())", "return TABLE + n")
    for _ in range(2):
        project.write(plain.replace('TABLE = {"a": 1}', "TABLE = 7"))
        assert project.run('print(mod.table(5), mod.table.mode("(int64,)"))') == ["12 native"]
        project.write(plain)
        for _ in range(2):
            assert project.run("""
            try:
                mod.table(5)
            except TypeError as e:
                print(e, mod.table.mode("(int64,)"))
            """) == ["unsupported operand type(s) for +: 'dict' and 'int' mixed"]


def test_off(project):
    for _ in range(2):
        assert project.run("print(mod.lifted(mod.Data(np.arange(4.0))), mod.lifted.cache_info().hits)", COLUBER_CACHE="off") == ["12.0 0"]
    assert not project.entries()
