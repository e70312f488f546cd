"""docs/user_guide.md names each option and each environment variable that there is, and no other."""
import re
from pathlib import Path

from coluber import _coluber

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs/user_guide.md").read_text()
FOR_COMPILER_WORK = {"COLUBER_LLVM_OPTIONS"}     # in backends/README.md


def test_options():
    rows = {name: (kind, default, choices) for name, kind, default, choices, _ in _coluber.options() if kind != "Ignored"}
    table = dict(re.findall(r"^\| `(\w+)` \| (\S+) \|", GUIDE, re.M))
    assert set(table) == set(rows)
    for name, (kind, default, choices) in rows.items():
        if kind == "Choice":
            shown = f'`"{choices.split()[default]}"`'
        else:
            shown = {"Bool": str(bool(default)), "Level": str(default), "Flags": "False", "Types": "{}"}[kind]
        assert table[name] == shown, name


def test_environment():
    used = set()
    for folder in ("backends", "ir", "jit", "python_pkg", "typing"):
        for file in (ROOT / folder).rglob("*"):
            if file.suffix in (".cc", ".h", ".py"):
                used |= set(re.findall(r"(?:getenv|variable|environ\.get|flag)\(\"(COLUBER_\w+)\"", file.read_text()))
    assert used - FOR_COMPILER_WORK == set(re.findall(r"^\| `(COLUBER_\w+)", GUIDE, re.M))
