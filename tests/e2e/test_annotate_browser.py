"""The annotated page in Chromium: lines unfold on a click and by the address, the selector chooses a signature, colours follow."""
import sys
from pathlib import Path

import pytest
from coluber import njit
from coluber.annotate import Annotation, collect

sys.path.insert(0, str(Path(__file__).parent))
import annotated  # noqa: E402
import browser  # noqa: E402

pytestmark = pytest.mark.skipif(browser.executable() is None, reason="no Chromium: apt-get install chromium")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    functions = []
    for name in ("plus", "scale", "gather", "nested", "zeros"):
        functions.append(njit(getattr(annotated, name), cache=False))
        functions[-1](*annotated.CALLS[name])
    functions[0](1.5, 2.5)
    page = collect.page_of_file(annotated.__file__, functions)
    # Compiled code that goes through the C API, in two signatures out of three, and a function that could not be compiled: colours.
    plus = [s for s in page.specializations if s.function == "plus"]
    plus[0].effects[10] = collect.Counter({"python": 9})
    page.failures.append(collect.Failure("halve", 56, "halve(int)", "told for the test", None, ()))
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(Annotation(page).html)
    return path.as_uri()


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with browser.Browser(tmp_path_factory.mktemp("profile")) as b:
        yield b


def is_open(tab, line):
    return tab.run(f"document.getElementById('L{line}').open")


def visible(tab, selector):
    return tab.run(f"[...document.querySelectorAll({selector!r})].filter(e => e.checkVisibility()).length")


def test_lines_unfold_on_a_click(tab, address):
    tab.open(address)
    assert tab.run("document.title") == "annotated.py - coluber annotate"
    assert not is_open(tab, 14) and visible(tab, "#L14 .detail") == 0
    tab.click("#L14 summary")
    assert is_open(tab, 14) and visible(tab, "#L14 .detail") == 1
    assert "vectorised" in tab.run("document.querySelector('#L14 .loop').innerText")
    assert visible(tab, "#L14 pre") == 0, "the code is folded at first"
    tab.click("#L14 details.llvm summary")
    assert visible(tab, "#L14 details.llvm pre") == 1 and "double" in tab.run("document.querySelector('#L14 details.llvm pre').innerText")
    tab.click("#L14 summary")
    assert not is_open(tab, 14)


def test_a_line_that_says_nothing_stays(tab, address):
    tab.open(address)
    assert tab.run("document.getElementById('L1').tagName") == "DIV"


def test_the_address_unfolds(tab, address):
    tab.open(address + "#L35")
    assert is_open(tab, 35) and not is_open(tab, 14)
    assert "bounds check" in tab.run("document.querySelector('#L35 .detail').innerText")
    tab.run("location.hash = 'L14'; new Promise(done => setTimeout(done, 100))")
    assert is_open(tab, 14)


def test_buttons(tab, address):
    tab.open(address)
    count = tab.run("document.querySelectorAll('details.line').length")
    tab.click("#open")
    assert tab.run("document.querySelectorAll('details.line[open]').length") == count > 10
    tab.click("#close")
    assert tab.run("document.querySelectorAll('details.line[open]').length") == 0


def background(tab, line):
    return tab.run(f"getComputedStyle(document.querySelector('#L{line} .row')).backgroundColor")


def choose(tab, value):
    tab.run(f"(() => {{ const s = document.getElementById('signature'); s.value = '{value}'; s.dispatchEvent(new Event('change')); }})()")


def test_colours_follow_the_signature(tab, address):
    tab.open(address + "#L10")
    clear = background(tab, 14)
    assert clear.endswith(", 0)"), "native lines are not shaded"
    assert not background(tab, 10).endswith(", 0)") and not background(tab, 57).endswith(", 0)")
    assert visible(tab, "#L10 .spec") == 2
    choose(tab, 1)
    assert background(tab, 10) == clear or background(tab, 10).endswith(", 0)"), "the other signature is native"
    assert visible(tab, "#L10 .spec") == 1
    choose(tab, 0)
    assert not background(tab, 10).endswith(", 0)") and visible(tab, "#L10 .spec") == 1
    choose(tab, "all")
    assert visible(tab, "#L10 .spec") == 2


def luminance(tab, selector, what):
    r, g, b = tab.run(f"getComputedStyle(document.querySelector({selector!r})).{what}.match(/[0-9.]+/g).slice(0, 3).map(Number)")
    return (0.299 * r + 0.587 * g + 0.114 * b) / 255


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark(tab, address, scheme, tmp_path):
    tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    tab.open(address + "#L35")
    back, text, word = luminance(tab, "body", "backgroundColor"), luminance(tab, "body", "color"), luminance(tab, ".types td + td", "color")
    assert (back > 0.9) if scheme == "light" else (back < 0.2)
    assert abs(back - text) > 0.6 and abs(back - word) > 0.3, "readable"
    assert len(tab.picture(tmp_path / "page.png")) > 20_000
    tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "light"}])


def test_nothing_is_loaded(tab, address):
    tab.open(address)
    assert tab.run("performance.getEntriesByType('resource').length") == 0


def test_without_scripts(tab, address):
    """Lines unfold without JavaScript too."""
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        tab.call("Page.navigate", url=address + "?plain")
        for _ in range(100):
            if tab.run("document.readyState === 'complete' && location.search") == "?plain":
                break
        assert not is_open(tab, 14)
        tab.click("#L14 summary")
        assert is_open(tab, 14)
    finally:
        tab.call("Emulation.setScriptExecutionDisabled", value=False)

