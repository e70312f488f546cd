"""What `inspect_types`, `vectorization`, `explain`, `stats`, `inspect_cfg` and the annotated page say of functions whose answers are known."""
import io
import sys
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import coluber
import numpy as np
import pytest
from coluber import njit
from coluber.annotate import collect
from coluber.errors import TypingError

sys.path.insert(0, str(Path(__file__).parent))
import annotated  # noqa: E402

COLUMNS = sys.version_info >= (3, 11)          # 3.10's bytecode knows lines only
GOLDEN = Path(__file__).parent / "annotated.txt"
needs_columns = pytest.mark.skipif(not COLUMNS, reason="Python 3.10 has no columns in its bytecode: expressions have no place")


def compiled(name):
    f = njit(getattr(annotated, name), cache=False)
    f(*annotated.CALLS[name])
    return f


def listing(f, **options):
    out = io.StringIO()
    f.inspect_types(file=out, **options)
    return out.getvalue()


def expected():
    """The listings in annotated.txt, by function."""
    blocks = GOLDEN.read_text().split("\n\n")
    return {b.split("(", 1)[0]: b.strip("\n") for b in blocks if b.strip()}


# ---- inspect_types

def test_each_function_is_listed():
    assert set(expected()) == set(annotated.CALLS) and len(annotated.CALLS) >= 20


@needs_columns
@pytest.mark.parametrize("name", annotated.CALLS)
def test_listing(name):
    assert listing(compiled(name)).strip("\n") == expected()[name]


@pytest.mark.parametrize("name", annotated.CALLS)
def test_variables_are_listed_on_each_version(name):
    """The variables of the expected text, without the expressions."""
    got = listing(compiled(name))
    source = annotated.__file__
    for row in expected()[name].splitlines()[2:]:
        code, _, comment = row.partition("  # ")
        facts = [f for f in comment.split("; ") if f.split(":")[0].isidentifier()]
        mine = next(r for r in got.splitlines() if r.startswith(code.rstrip()[:40].rstrip()))
        for fact in facts:
            assert fact in mine or fact in got, (source, fact)


def test_one_signature_of_several():
    f = njit(annotated.plus, cache=False)
    f(1, 2), f(1.0, 2.0)
    both = listing(f)
    assert "plus(int, int) -> int" in both and "plus(float, float) -> float" in both
    only = listing(f, signature=(coluber.typeof(1.0), coluber.typeof(1.0)))
    assert only.startswith("plus(float, float) -> float") and "int" not in only
    with pytest.raises(KeyError, match="has not been compiled"):
        listing(f, signature="(complex128, complex128)")


def test_a_function_without_source():
    space = {}
    exec("def f(a):\n    s = a + 1\n    return s\n", space)
    f = njit(space["f"], cache=False)
    f(2)
    text = listing(f)
    assert "argument a: int" in text and "line 2: s: int" in text and "returns int" in text


def test_loops_without_source_and_in_inner_functions():
    space = {}
    exec("def f(n):\n    s = 0\n    while n > 1:\n        n //= 3\n        s += n\n    return s\n", space)
    f = njit(space["f"], cache=False)
    f(2)
    assert [(loop.kind, loop.vectorized, loop.line in (3, 4)) for loop in f.vectorization()] == [("loop", False, True)]
    assert f.annotate().html.count("<details") == 0 and repr(f.annotate()) == "\n"

    def outer(a):
        def inner(b):
            t = 0.0
            for x in b:
                t += x
            return t
        return inner(a)

    def unused(a):
        def inner(b):
            for x in b:
                a[0] = x
        return a.sum()

    f, g = njit(outer, cache=False), njit(unused, cache=False)
    f(np.ones(3)), g(np.ones(3))
    assert [loop.line - outer.__code__.co_firstlineno for loop in f.vectorization() if loop.kind == "for"] == [3]
    assert all(loop.kind != "for" for loop in g.vectorization()), "the loop of a function that is never called was not compiled"


def test_a_lambda_among_loops():
    f = njit(lambda a: a + 1, cache=False)
    f(np.ones(3))
    assert [loop.kind for loop in f.vectorization()] == ["array expression"] or not COLUMNS or f.vectorization()[0].kind == "loop"
    assert "<lambda>" in listing(f)


def test_nothing_is_imported_early():
    import subprocess
    code = "import coluber, sys; coluber.njit; print([m for m in sys.modules if m.startswith('coluber.annotate')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


# ---- loops

def test_vectorization():
    loops = compiled("scale").vectorization()
    assert [(loop.line, loop.kind, loop.vectorized) for loop in loops] == [(14, "for", True)]
    assert loops[0].width >= 2 and loops[0].interleave >= 1 and loops[0].reason == ""
    assert loops[0].notes == []                # its check stands behind it: there is no copy

    def nest(a, out):
        for i in range(a.shape[0]):
            for j in range(a.shape[1]):
                out[i, j] = a[i, j] * 2.0

    f = njit(nest, cache=False)
    f(np.ones((3, 4)), np.ones((3, 4)))
    assert any("copy" in note for loop in f.vectorization() for note in loop.notes)
    assert "vectorised" in repr(loops) and "line 14" in repr(loops)


@pytest.mark.parametrize("name, line, kind, words", [
    ("gather", 34, "for", "a check in its body may leave it"), ("nested", 50, "for", "contains another loop"), ("halve", 57, "while", "carried from one"),
    ("grow", 68, "for", "calls a function"),
])
def test_reason(name, line, kind, words):
    found = [loop for loop in compiled(name).vectorization() if loop.line == line]
    assert len(found) == 1 and found[0].kind == kind and not found[0].vectorized and found[0].width == 1
    assert words in found[0].reason


@needs_columns
def test_an_array_expression_is_a_loop():
    loops = compiled("expression").vectorization()
    assert [(loop.line, loop.kind, loop.vectorized) for loop in loops] == [(40, "array expression", True)]


def test_a_loop_and_the_array_expressions_in_it():
    """LLVM gives some loops the place of their body: those without arrays as a whole are the `for` itself."""
    def dot(a, b):
        s = 0.0
        for i in range(len(a)):
            s += a[i] * b[i] if a[i] > 0 else 0.0
        return s

    def sums(a, n):
        for _ in range(n):
            a = a * 0.5 + 1
        return a

    a, first = np.arange(5.0), dot.__code__.co_firstlineno
    f, g = njit(dot, cache=False), njit(sums, cache=False)
    f(a, a), g(a, 3)
    assert [(loop.line - first, loop.kind, loop.vectorized) for loop in f.vectorization()] == [(2, "for", True)]
    found = {loop.line - sums.__code__.co_firstlineno: loop for loop in g.vectorization()}
    assert found[2].kind == "array expression" and found[2].vectorized
    assert found[1].kind == "for" and not found[1].vectorized


def test_no_loops_and_no_signatures():
    assert compiled("plus").vectorization() == []
    with pytest.raises(ValueError, match="not been compiled"):
        njit(annotated.plus, cache=False).vectorization()


# ---- explain

def test_explain_variable():
    why = compiled("total").explain("s")
    assert why.title.startswith("s is float64")
    text = repr(why)
    assert "line 19: s is float: from s = 0.0" in text
    assert "line 21: s is float64: from s += x" in text
    assert "line 20: x is float64: the items of a" in text
    assert text.splitlines()[-1].strip() == "a is array(float64, 1d, C): an argument"


@needs_columns
def test_explain_expression():
    why = repr(compiled("scale").explain("a[i] * k"))
    assert why.startswith("a[i] * k is float64")
    assert "a[i] is float64: an item of a (array(float64, 1d, C))" in why and "k is float: an argument" in why


def test_explain_through_unpacking():
    why = repr(compiled("pair").explain("first"))
    assert why.startswith("first is int") and "a is int: an argument" in why


def test_explain_the_result_and_the_unknown():
    f = compiled("isum")
    assert repr(f.explain("return")).startswith("the result is int32")
    with pytest.raises(ValueError, match="neither a variable nor an expression"):
        f.explain("nothing_of_the_kind")


# ---- stats

def test_stats():
    f = njit(annotated.plus, cache=False)
    for i in range(5):
        f(i, 2)
    f(1.5, 2.5)
    stats = f.stats()
    assert stats.cache_hits == {} and len(stats.cache_misses) == 2      # Numba's fields
    assert [repr(a) for a in stats.calls] == ["(pyint, pyint)", "(pyfloat, pyfloat)"]
    assert list(stats.calls.values()) == [5, 1]
    assert all(0 < size < 100_000 for size in stats.code_sizes.values())
    assert all({"frontend", "inference", "codegen"} <= set(times) and all(t >= 0 for t in times.values()) for times in stats.compile_times.values())
    assert "5 calls" in repr(stats) and "1 call," in repr(stats) and repr(f.stats) == repr(stats)


def test_calls_count_those_that_raise_and_convert():
    def check(x):
        if x < 0:
            raise ValueError("negative")
        return x

    f = njit("int64(int64)", cache=False)(check)
    f(3), f(np.int32(3)), f(True)
    with pytest.raises(ValueError):
        f(-1)
    assert list(f.stats.calls.values()) == [4]


def test_code_size_from_the_cache(tmp_path):
    """Code of a library of the cache has a size too."""
    import subprocess
    script = tmp_path / "m.py"
    script.write_text("import coluber\n@coluber.njit\ndef f(x):\n    return x * 2 + 1\nf(3)\ns = f.stats()\nprint(list(s.code_sizes.values())[0], len(s.cache_hits))\n")
    env = {"COLUBER_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(Path(coluber.__file__).parents[1]), "PATH": "/usr/bin:/bin"}
    sizes = [subprocess.run([sys.executable, str(script)], env=env, capture_output=True, text=True, check=True).stdout.split() for _ in range(2)]
    assert [s[1] for s in sizes] == ["0", "1"] and all(int(s[0]) > 0 for s in sizes)


# ---- inspect_cfg

def test_cfg():
    f = compiled("nested")
    drawing = f.inspect_cfg(f.signatures[0])
    root = ElementTree.fromstring(drawing.svg)
    tag = "{http://www.w3.org/2000/svg}"
    blocks = {g.get("id"): g for g in root.iter(f"{tag}g") if g.get("id")}
    edges = [(p.get("data-from"), p.get("data-to"), p.get("class")) for p in root.iter(f"{tag}path") if p.get("data-from")]
    assert len(blocks) >= 4 and sum(g.get("class") == "loop" for g in blocks.values()) >= 2
    assert sum("back" in kind for *_, kind in edges) >= 2, "each loop has an edge back"
    assert all(f"b{a}" in blocks and f"b{b}" in blocks for a, b, _ in edges)
    boxes = [tuple(float(r.get(k)) for k in ("x", "y", "width", "height")) for g in blocks.values() for r in g.iter(f"{tag}rect")]
    for i, (x, y, w, h) in enumerate(boxes):
        assert not any(x < u + w2 and u < x + w and y < v + h2 and v < y + h for u, v, w2, h2 in boxes[i + 1:]), "boxes overlap"
    assert drawing._repr_svg_() == drawing.svg and set(f.inspect_cfg()) == set(f.signatures)


# ---- the page

class Reader(HTMLParser):
    """Lines and what is folded in them: {id: text}, open tags balanced, no address outside of the page."""
    VOID = {"meta", "br", "link", "img"}

    def __init__(self, text):
        super().__init__()
        self.stack, self.lines, self.inside, self.sources, self.outside = [], {}, {}, {}, []
        self.shares, self.line, self.options, self.classes = {}, None, [], {}
        self.feed(text)
        self.close()
        assert not self.stack, f"left open: {self.stack}"

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        if tag not in self.VOID:
            self.stack.append(tag)
        self.outside += [v for k, v in attributes if k in ("src", "href") and v]
        if a.get("id", "").startswith("L") and a["id"][1:].isdigit():
            self.line = int(a["id"][1:])
            self.lines[self.line] = tag
            self.inside[self.line], self.sources[self.line], self.classes[self.line] = [], "", []
        if self.line:
            self.classes[self.line] += a.get("class", "").split()
            self.classes[self.line].append(a.get("class", ""))
        if "--share" in (a.get("style") or ""):
            self.shares[self.line] = float(a["style"].split(":")[1])
        self.current = a.get("class", "")
        if tag == "option":
            self.options.append(a["value"])
        if tag == "script":
            self.line = None

    def handle_endtag(self, tag):
        assert self.stack and self.stack[-1] == tag, (tag, self.stack)
        self.stack.pop()
        self.current = ""

    def handle_data(self, data):
        if self.line is None:
            return
        if self.current == "source":
            self.sources[self.line] += data
        elif data.strip():
            self.inside[self.line].append(data)


@pytest.fixture(scope="module")
def page():
    functions = [compiled(name) for name in annotated.CALLS]
    return collect.page_of_file(annotated.__file__, functions)


def test_page_has_every_line(page):
    read = Reader(coluber.annotate.Annotation(page).html)
    source = Path(annotated.__file__).read_text().splitlines()
    assert sorted(read.sources) == list(range(1, len(source) + 1))
    assert [read.sources[n].strip() for n in sorted(read.sources)] == [line.strip() for line in source]
    assert read.outside == [], "the page needs no network"
    assert read.options == ["all", *map(str, range(len(annotated.CALLS)))]
    assert read.shares == {}, "all of it is native"


def test_page_details(page):
    read = Reader(coluber.annotate.Annotation(page).html)
    assert read.lines[14] == "details" and read.lines[12] == "div", "only lines with something to say unfold"
    loop = "\n".join(read.inside[14])
    assert "for: vectorised" in loop and "LLVM IR" in loop and "Assembly" in loop
    vectors = "\n".join(read.inside[15])
    assert "fmul <" in vectors and "mulpd" in vectors, "the body of a vectorised loop is vector code"
    assert "mark v" in read.classes[14] and "mark n" not in read.classes[14]
    assert "mark n" in read.classes[57] and "not vectorised" in "\n".join(read.inside[57])
    assert "mark c" in read.classes[35] and "bounds check" in "\n".join(read.inside[35])
    assert "mark a" in read.classes[44] and "allocation" in "\n".join(read.inside[44])
    assert "float64" in read.inside[21]


def test_page_of_one_function():
    f = compiled("scale")
    shown = f.annotate()
    read = Reader(shown.html)
    assert sorted(read.lines) == [13, 14, 15]
    frame = shown._repr_html_()
    assert frame.startswith("<iframe srcdoc=") and "&lt;details" in frame and frame.count("<") == 2
    assert "for i in range(a.shape[0]):  # " in repr(shown) and "vectorised" in repr(shown)


def test_page_of_what_fails():
    def bad(x):
        return x.nothing

    f = njit(bad, cache=False)
    with pytest.raises(TypingError) as caught:
        f(1)
    source = collect.source_of(f)
    made = collect.page_of_file(source.file, [f], source)
    made.failures.append(collect.failure(f.py_func, "bad(int)", caught.value, source))
    read = Reader(coluber.annotate.Annotation(made).html)
    line = bad.__code__.co_firstlineno
    assert read.lines[line] == "details" and read.shares[line] > 0 and read.shares[line + 1] > 0
    assert "not compiled: it runs in the interpreter" in read.inside[line] and caught.value.message in read.inside[line]
    assert line - 2 not in read.shares
