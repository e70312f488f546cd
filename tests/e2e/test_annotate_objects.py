"""The annotated page, listings, stats and dumps of object mode: shares of C-API calls, lifted loops with the types they were compiled for."""
import io

import numpy as np
import pytest

from coluber import jit, njit, objmode

pytestmark = pytest.mark.filterwarnings("ignore::coluber.ObjectModeWarning")


class Data:
    def __init__(self, values):
        self.values = values


def report(d, n):
    name = d.values.dtype.name
    x = d.values
    s = 0.0
    for i in range(len(x)):
        s += x[i] * n
    k = n + 1
    return f"{name}: {s} {k}"


def first_line(f):
    return f.__code__.co_firstlineno


@pytest.fixture(scope="module")
def compiled():
    f = jit(report, cache=False)
    f(Data(np.arange(5.0)), 2)
    return f


def test_page_has_the_function_and_its_loop(compiled):
    page = compiled.annotate().page
    titles = [s.title for s in page.specializations]
    line = first_line(report)
    assert titles[0].startswith("report(object, int) -> ") and not page.failures
    loops = [t for t in titles if t.startswith(f"report, loop at line {line + 4}(")]
    assert loops and all("x: array(float64, 1d, C)" in t and "n: int" in t for t in loops)


def test_lines_are_shaded_by_their_share_of_python(compiled):
    page = compiled.annotate().page
    whole, line = page.specializations[0], first_line(report)
    through = {n - line: whole.effects_of(n)["python"] for n in range(line, line + 9)}
    assert through[1] >= 3 and through[2] >= 1 and through[7] >= 1      # attributes, the f-string
    assert through[3] == 0
    [loop] = [s for s in page.specializations[1:] if "array" in s.title][:1]
    assert not any(loop.effects_of(n)["python"] for n in range(line, line + 9))
    html = compiled.annotate().html
    assert "--share:" in html and "operations through the Python C API" in html


def test_listing_names_reason_and_types(compiled):
    out = io.StringIO()
    compiled.inspect_types(file=out)
    text = out.getvalue()
    assert "[object mode" in text
    assert "lifted: entered natively with" in text and "x: array(float64, 1d, C)" in text
    assert "name: object" in text
    assert "lifted: entered natively" in compiled.annotate().text


def test_stats_and_dumps(compiled):
    stats = compiled.stats()
    kinds = [p.kind for p in stats.parts]
    assert kinds[0] == "function" and "loop" in kinds
    assert all(p.code_size > 0 and p.calls > 0 and p.compile_time > 0 for p in stats.parts)
    assert "object mode: 1 call" in repr(stats) and "loop at line" in repr(stats)
    [(args, text)] = compiled.inspect_llvm().items()
    assert [repr(a) for a in args] == ["object", "int64"] and "coluber_object_getattr" in text
    assert compiled.inspect_asm(args) and "obj " in compiled.inspect_ir(args)


def body(x):
    with objmode(y="int64"):
        y = len(str(x))
    return y + 1


def test_bodies_of_objmode():
    f = njit(body, cache=False)
    f(2.5)
    page, line = f.annotate().page, first_line(body)
    titles = [s.title for s in page.specializations]
    assert titles[0] == "body(float) -> int64" and titles[1].startswith(f"body, body at line {line + 2}(x: float")
    assert page.specializations[0].effects_of(line + 1)["python"] == 1
    assert page.specializations[1].effects_of(line + 2)["python"] >= 2


def fails_in_loop(d):
    s = 0
    for i in range(3):
        s += len({i: d})
    return s


def test_a_loop_that_runs_on_objects_says_why():
    f = jit(fails_in_loop, cache=False)
    f(Data(1))
    out = io.StringIO()
    f.inspect_types(file=out)
    assert "runs on objects: " in out.getvalue()
