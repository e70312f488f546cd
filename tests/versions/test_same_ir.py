"""The bytecode of every Python version becomes the same canonical IR.

golden/<module>.txt has the IR of corpus/<module>.py. golden/<module>.3xx.txt has what must differ in one version; it opens with a comment
that says why. COLUBER_BLESS=1 writes them anew: with the newest version the common file, with an older one what differs from that.
"""
import os
import re
import sys

import pytest
from corpus_files import CORPUS, FOLDER

VERSION = f"{sys.version_info[0]}{sys.version_info[1]}"
NEWEST = "313"
GOLDEN = FOLDER / "golden"
HEAD = "# The canonical IR of tests/versions/corpus/{}.py; see tests/versions/test_same_ir.py.\n"
WHY = "# why this differs:"


def read(path):
    """The leading comment, and label -> text."""
    comment, texts, label = "", {}, None
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else ():
        if line.startswith("== "):
            label = line[3:].strip()
            texts[label] = ""
        elif label is None:
            comment += line
        else:
            texts[label] += line
    return comment, texts


def write(path, comment, texts):
    path.write_text(comment + "".join(f"== {label}\n{text}" for label, text in texts.items()), encoding="utf-8")


def bless(module, dump):
    common, special = GOLDEN / f"{module}.txt", GOLDEN / f"{module}.{VERSION}.txt"
    if VERSION == NEWEST:
        write(common, HEAD.format(module), dump)
    _, texts = read(common)
    differs = {label: text for label, text in dump.items() if texts.get(label) != text}
    if differs:
        write(special, read(special)[0] or f"{WHY}\n", differs)
    elif special.exists():
        special.unlink()


@pytest.mark.parametrize("module", CORPUS)
def test_same_ir(module, corpus_dumps):
    # Where the body of a with statement stands in the bytecode is not the same in two versions.
    dump = {label: re.sub(r'(py\.with .*)"\d+;[^"]*"', r'\1"..."', text) for label, text in corpus_dumps[module].items()}
    if os.environ.get("COLUBER_BLESS"):
        bless(module, dump)
    _, expected = read(GOLDEN / f"{module}.txt")
    comment, special = read(GOLDEN / f"{module}.{VERSION}.txt")
    assert not special or comment.replace(WHY, "").strip("# \n"), "say at the top of the file why this version differs"
    expected.update(special)
    assert list(dump) == [label for label in expected if label in dump]
    wrong = [label for label in dump if dump[label] != expected.get(label)]
    assert not wrong, "\n".join(f"== {label}\n{dump[label]}--- expected\n{expected.get(label)}" for label in wrong[:3])
    assert set(expected) == set(dump)


def test_the_corpus_is_large(corpus_dumps):
    assert sum(map(len, corpus_dumps.values())) >= 200


def test_errors_are_the_expected_ones(corpus_dumps):
    """What of the corpus is refused, and with which message; all else is built."""
    errors = {label: text.split(":")[0].split()[1] for dump in corpus_dumps.values() for label, text in dump.items() if text.startswith("error")}
    assert errors == {"generator": "GeneratorFunction", "coroutine": "GeneratorFunction"}
