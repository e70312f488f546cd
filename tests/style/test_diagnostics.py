"""Each message of ir/diag.def is triggered by some test, which names its id (or, for a runtime message, its text)."""
import re

import tree

ROW = re.compile(r'^(DIAG|RUNTIME)\(\s*(\w+)\s*,\s*(\w+)\s*,\s*"((?:[^"\\]|\\.)*)"', re.M)


def rows():
    return [m.groups() for m in ROW.finditer(tree.text("ir/diag.def"))]


def test_rows_are_unique():
    ids = [r[1] for r in rows()]
    assert ids and len(ids) == len(set(ids))


def test_each_row_has_a_test():
    tests = "\n".join(tree.text(n) for n in tree.files(".py", ".cc", ".txt", ".cir") if n.startswith("tests/") and not n.startswith("tests/style/"))
    untested = set()
    for macro, name, _, message in rows():
        plain = max(re.split(r"\{\d\}", message), key=len).strip()      # the longest piece without a placeholder
        by_text = macro == "RUNTIME" and len(plain) > 8 and plain in tests
        if not by_text and not re.search(rf"\b{name}\b", tests):
            untested.add(name)
    listed = tree.allowed("diag")
    assert "*" in listed or not untested - listed, f"no test mentions {sorted(untested - listed)}"
