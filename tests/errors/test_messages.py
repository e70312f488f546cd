"""Each message of ir/diag.def as a user sees it: tests/errors/*.txt, one case or more for a row (golden.py says how to read them)."""
import re
from pathlib import Path

import pytest

import golden

HERE = Path(__file__).parent
DIAG_DEF = (HERE.parents[1] / "ir/diag.def").read_text()
FILES = {path: golden.read(path) for path in sorted(HERE.glob("*.txt"))}


def cases(runtime):
    return [pytest.param(path, case, id=f"{path.stem}-{case.title}") for path, all_cases in FILES.items() for case in all_cases
            if path.stem.startswith("runtime") == runtime]


def check(path, case, got):
    if golden.BLESS:
        case.bless(got)
        golden.write(path, FILES[path])
    assert got == case.expected()


@pytest.mark.parametrize("path, case", cases(runtime=False))
def test_compile_time(path, case, tmp_path):
    got, error = golden.outcome(case, tmp_path / "here", compiled=True)
    assert error is None or getattr(error, "id", case.row) == case.row, got
    check(path, case, got)


@pytest.mark.parametrize("path, case", cases(runtime=True))
def test_run_time(path, case, tmp_path):
    """The same class and text as in CPython; where not, the case says `differs` and its text has both."""
    got, error = golden.outcome(case, tmp_path / "compiled", compiled=True)
    want, _ = golden.outcome(case, tmp_path / "python", compiled=False)
    assert (got != want) == case.differs, f"CPython: {want}\ncompiled: {got}"
    if error is not None:
        got += golden.places(error, tmp_path / "compiled")
    check(path, case, got + (f"\n  Python: {want}" if case.differs else ""))


def test_titles_are_rows():
    rows = set(re.findall(r"^(?:DIAG|RUNTIME)\((\w+)", DIAG_DEF, re.M)) | {"Argument", "TypeError"}
    assert {case.row for path, all_cases in FILES.items() if path.stem != "runtime_deviations" for case in all_cases} <= rows
