"""`python -m coluber annotate`: signatures given and signatures seen, each form of output, and IPython's magic."""
import ast
import os
import subprocess
import sys
import warnings
from pathlib import Path

import coluber
import numpy as np
import pytest
from coluber import njit, types
from coluber.annotate import collect, stubs
from coluber.annotate.command import split_signature
from coluber.annotate.source import Source

SAMPLE = Path(__file__).parent / "annotate_sample.py"
ENV = {**os.environ, "PYTHONPATH": str(Path(coluber.__file__).parents[1]), "COLUBER_CACHE": "off", "PYTHONWARNINGS": "ignore"}


def command(*arguments, code=0):
    done = subprocess.run([sys.executable, "-m", "coluber", "annotate", *map(str, arguments)], env=ENV, capture_output=True, text=True, timeout=110)
    assert done.returncode == code, done.stderr
    return done


def run(path, *arguments):
    return subprocess.run([sys.executable, str(path), *arguments], env=ENV, capture_output=True, text=True, check=True, timeout=110).stdout


# ---- which functions

def test_signatures_given():
    """A plain function is compiled too, what it calls is shown, and the script's own part does not run."""
    done = command(SAMPLE, "--text", "--sig", "scale(float64[::1], float64, float64[::1])", "--sig", "Box.area(int64, int64)")
    rows = done.stdout.splitlines()
    assert "below: float64" in next(r for r in rows if "below = total" in r)
    assert "vectorised" in next(r for r in rows if "for i in range(n)" in r)
    assert "s: float64" in next(r for r in rows if "s += x" in r), "total, which scale calls"
    assert "return: int64" in next(r for r in rows if "def area" in r)
    assert "#" not in next(r for r in rows if "def mix" in r)
    assert "[]" not in rows[-1] and done.stderr == ""


def test_the_text_is_the_program(tmp_path):
    copy = tmp_path / "sample.py"
    copy.write_text(command(SAMPLE, "--text", "--run").stdout)
    assert ast.dump(ast.parse(copy.read_text())) == ast.dump(ast.parse(SAMPLE.read_text()))
    assert run(copy, "1") == run(SAMPLE, "1")


def test_a_signature_that_fails(tmp_path):
    out = tmp_path / "o.html"
    done = command(SAMPLE, "-o", out, "--sig", "classes(int64)", "--sig", "Box.area(int64, int64)")
    assert "1 signature, 1 not compiled" in done.stderr
    page = out.read_text()
    assert "class definition" in page and 'class="mark x"' in page


def test_signatures_seen(tmp_path):
    out = tmp_path / "o.html"
    done = command(SAMPLE, "-o", out, "--run", "x", "--text")
    assert "['x', '--text']" in done.stdout, "arguments behind --run are the script's"
    page = out.read_text()
    for title in ("total(array(float64, 1d, C), float) -&gt; float64", "total(array(float32, 1d, C), float) -&gt; float32", "Box.area(float, float) -&gt; float",
                  "inner.add(int) -&gt; int", "maybe(int) -&gt; Optional(int)"):
        assert title in page, title
    assert "object mode: a class definition is not supported in compiled code" in page, "jit fell back for classes()"


def test_a_script_that_raises(tmp_path):
    script = tmp_path / "s.py"
    script.write_text("from coluber import njit\n@njit(cache=False)\ndef f(x):\n    return x.nothing\n@njit(cache=False)\ndef g(x):\n    return x\ng(1)\nf(1)\n")
    done = command(script, "--run", code=1)
    assert "TypingError" in done.stderr and "1 signature, 1 not compiled" in done.stderr
    page = (tmp_path / "s.html").read_text()
    assert "has no attribute" in page and "g(int) -&gt; int" in page


@pytest.mark.parametrize("arguments, message", [
    (["/nowhere.py"], "there is no file"), ([SAMPLE, "--sig", "total"], "--sig takes a function"), ([SAMPLE, "--sig", "nothing(int64)"], "has no function nothing"),
    ([SAMPLE, "--sig", "total(int64)"], "a signature of 1 arguments is given"),
    ([SAMPLE, "--sig", "total(int64)", "--run"], "not both"),
])
def test_mistakes(arguments, message):
    assert message in command(*arguments, code=1).stderr


def test_a_file_of_a_package(tmp_path):
    package = tmp_path / "pack" / "inner"
    package.mkdir(parents=True)
    (tmp_path / "pack" / "__init__.py").write_text("")
    (package / "__init__.py").write_text("from .work import f\n")
    (package / "work.py").write_text("from ..base import K\nfrom coluber import njit\n@njit(cache=False)\ndef f(x):\n    y = x * K\n    return y\n")
    (tmp_path / "pack" / "base.py").write_text("K = 2.5\n")
    assert "y: float64" in command(package / "work.py", "--text", "--sig", "f(int64)").stdout


def test_a_file_named_as_a_module_of_python(tmp_path):
    (tmp_path / "random.py").write_text("def f(x):\n    y = x * 2.5\n    return y\n")
    assert "y: float64" in command(tmp_path / "random.py", "--text", "--sig", "f(int64)").stdout


@pytest.mark.parametrize("text, name, args", [
    ("f()", "f", ()), ("f(int64)", "f", (types.int64,)), ("a.b(float64[:, ::1], (int64, int64))", "a.b", None), ("f(int64,)", "f", (types.int64,)),
])
def test_split_signature(text, name, args):
    if args is None:
        with pytest.raises((ValueError, TypeError)):
            split_signature(text)              # a tuple's type is spelt Tuple((int64, int64))
        return
    assert split_signature(text) == (name, args)


# ---- stubs

def test_stub():
    text = command(SAMPLE, "--pyi", "--run").stdout
    tree = ast.parse(text)
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            found.setdefault(node.name, []).append(f"{ast.unparse(node.args)} -> {ast.unparse(node.returns)}")
    assert found["total"] == ["a: NDArray[np.float64], limit: float=... -> float", "a: NDArray[np.float32], limit: float=... -> float"]
    assert found["area"] == ["w: int, h: int=... -> int", "w: float, h: float=... -> float"]
    assert found["mix"] == ["*args: int, start: int=... -> int"]
    assert found["first"] == ["a: NDArray[np.float64] -> tuple[float, int]"]
    assert found["maybe"] == ["n: int -> int | None"] and found["scale"] == ["a, k, out -> Any"]
    assert "LIMIT: float" in text and "scale_of: int" in text and "NAMES: Any" in text


@pytest.mark.parametrize("t, parameter, result", [
    (types.pyint, "int", "int"), (types.int32, "np.int32", "int"), (types.float32, "np.float32", "float"), (types.boolean, "bool", "bool"),
    (types.complex64, "np.complex64", "complex"), (types.float64[:, ::1], "NDArray[np.float64]", "NDArray[np.float64]"),
    (types.boolean[:], "NDArray[np.bool_]", "NDArray[np.bool_]"), (types.Tuple((types.int64, types.float32)), "tuple[int, np.float32]", "tuple[int, float]"),
    (types.List(types.float64), "list[float]", "list[float]"), (types.Optional(types.int64), "int | None", "int | None"), (types.none, "None", "None"),
    (types.unicode_type, "str", "str"), (types.range_type, "range", "range"),
])
def test_annotation(t, parameter, result):
    assert (stubs.annotation(t), stubs.annotation(t, True)) == (parameter, result)


@pytest.mark.parametrize("texts, expected", [
    (["int", "float"], "float"), (["int", "None"], "int | None"), (["str", "int", "str"], "str | int"), (["Any", "int"], "Any"), (["int | None", "float"], "float | None"),
])
def test_union(texts, expected):
    assert stubs.union(texts) == expected


def test_mypy_takes_them(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "sample.pyi").write_text(command(SAMPLE, "--pyi", "--run").stdout)
    (tmp_path / "written.py").write_text(command(SAMPLE, "--annotations", "--run").stdout)
    (tmp_path / "use.py").write_text("import numpy as np\nimport sample\nx: float = sample.total(np.zeros(3), 1.0)\ny: str = sample.Box.area(2, 3)\n")
    settings = ["--ignore-missing-imports", "--no-incremental", "--cache-dir", os.devnull]
    done = subprocess.run([sys.executable, "-m", "mypy", *settings, "sample.pyi"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    done = subprocess.run([sys.executable, "-m", "mypy", *settings, "use.py"], cwd=tmp_path, capture_output=True, text=True)
    assert "use.py:4" in done.stdout and "use.py:3" not in done.stdout, "the stub's types are used"
    done = subprocess.run([sys.executable, "-m", "mypy", *settings, "written.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


# ---- annotated copies

def test_annotated_copy(tmp_path):
    copy = tmp_path / "copy.py"
    copy.write_text(command(SAMPLE, "--annotations", "--run").stdout)
    assert run(copy, "1", "2") == run(SAMPLE, "1", "2")
    text = copy.read_text()
    for line in ("def total(a: NDArray[np.float64] | NDArray[np.float32], limit: float = LIMIT) -> float:", "    s: float = 0.0",
                 "    def area(w: float, h: float = 1) -> float:", "def mix(*args: int, start: int = 0) -> int:", "    t: int = start",
                 "def maybe(n: int) -> int | None:", "    r: int | None = None", "    found: tuple[float, int] = (best, where)", "        y: int = x + k",
                 "          out):                                # writes out"):
        assert line in text.splitlines(), line
    # All else is as it was: without what was put in, it is the same text.
    kept = [row for row in text.splitlines() if row in SAMPLE.read_text().splitlines()]
    assert len(kept) >= len(SAMPLE.read_text().splitlines()) - 16


def test_annotations_of_a_plain_function(tmp_path):
    text = command(SAMPLE, "--annotations", "--sig", "scale(float64[::1], float64, float64[::1])").stdout
    assert "def scale(a: NDArray[np.float64], k: float,\n          out: NDArray[np.float64]) -> tuple[float, int]:                                # writes out\n" in text
    assert "    n: int = len(a)\n" in text and "    below: float = total(out, 2.0)\n" in text
    compile(text, "copy", "exec")


@pytest.mark.parametrize("source", [
    "def f(x):\n    global G\n    G = x\n    return x\n",
    "def f(x):\n    (y) = x + 1\n    return y\n",
    "def f(x): y = x; z = y; return z\n",
    "def f(x, *, k: int = 3, é=2):\n    ö = x + é; return ö + k\n",
    "def f(x: int) -> int:\n    y: int = x\n    y = 2\n    return y\n",
    "def f(\n    x,  # ) a comment\n    k=(1, 2),\n):\n    a = b = x\n    return a + b + k[0]\n",
    "'''doc'''\nfrom __future__ import annotations\ndef f(x):\n    for i in range(3):\n        t = i\n    return t + x\n",
])
def test_copies_compile_and_agree(source, tmp_path):
    """Corners of the syntax: names that may not be annotated, one-line bodies, characters of several bytes, annotations that are there."""
    file = tmp_path / "m.py"
    file.write_text(source)
    spaces = [{}, {}]
    exec(compile(source, str(file), "exec"), spaces[0])
    f = njit(spaces[0]["f"], cache=False)
    try:
        value = f(3)
    except coluber.ColuberError:
        value = None                           # a global store: nothing was compiled, so that nothing is annotated
    parsed = Source(str(file), source)
    bodies = [b for i in range(len(f._specializations())) for b in collect.specialization(f, i, parsed).bodies]
    copy = stubs.annotated_copy(parsed, [f], lambda d: bodies)
    exec(compile(copy, "copy", "exec"), spaces[1])
    assert value is None and copy == source or spaces[1]["f"](3) == value == f.py_func(3)
    assert value is None or ("-> int" in copy and copy != source or "-> int" in source)


# ---- notebooks

CELL = """
import numpy as np
def scale(a, k):
    out = np.empty_like(a)
    for i in range(a.shape[0]):
        out[i] = a[i] * k
    return out
def unused(x):
    return x + 1
r = scale(np.arange(3.0), 2.0)
"""


@pytest.fixture(scope="module")
def shell():
    pytest.importorskip("IPython")
    from IPython.testing.globalipapp import start_ipython
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = start_ipython()
    made.display_formatter.active_types = made.display_formatter.format_types      # a terminal shows text only
    made.run_line_magic("load_ext", "coluber")
    return made


def shown(shell, line, cell):
    from IPython.utils.capture import capture_output
    with capture_output() as captured:
        shell.run_cell_magic("coluber", line, cell)
    return captured


def test_magic(shell):
    captured = shown(shell, "--annotate --sig 'unused(int64)'", CELL)
    assert isinstance(shell.user_ns["scale"], coluber.Dispatcher) and list(shell.user_ns["r"]) == [0.0, 2.0, 4.0]
    pages = [o.data["text/html"] for o in captured.outputs if "text/html" in o.data]
    assert len(pages) == 1 and pages[0].startswith("<iframe srcdoc=")
    assert "scale(array(float64, 1d, C), float)" in pages[0] and "unused(int64)" in pages[0] and "for: vectorised" in pages[0]
    assert "__coluber_jit__" not in shell.user_ns


def test_magic_without_a_page(shell):
    assert shown(shell, "", "def twice(x):\n    return 2 * x\n").outputs == []
    assert isinstance(shell.user_ns["twice"], coluber.Dispatcher) and shell.user_ns["twice"](4) == 8


def test_magic_of_what_fails(shell):
    captured = shown(shell, "--annotate", "def wrong(x):\n    return x.nothing\nwrong(1)\n")
    pages = [o.data["text/html"] for o in captured.outputs if "text/html" in o.data]
    assert len(pages) == 1 and "has no attribute" in pages[0]


def test_annotate_in_a_notebook(shell):
    shown(shell, "", CELL)
    bundle = shell.display_formatter.format(shell.user_ns["scale"].annotate())[0]
    assert bundle["text/html"].startswith("<iframe srcdoc=") and "vectorised" in bundle["text/plain"]


def test_arrays_of_the_sample_agree():
    """The sample itself is right: compiled and in CPython."""
    space = {"__name__": "sample"}
    exec(compile(SAMPLE.read_text(), str(SAMPLE), "exec"), space)
    a = np.array([0.25, 3.0, -1.0])
    assert space["first"](a) == space["first"].py_func(a) and space["total"](a) == space["total"].py_func(a)
