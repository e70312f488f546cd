"""Each folder's README tells of each file in it."""
import re
from pathlib import PurePosixPath

import tree

NOT_TOLD = {"__init__.py", "conftest.py"}


def told(name, text):
    """By its name, by its stem (which may stand for a pair of files, or have an x for digits), or by a pattern such as `test_annotate*.py`."""
    path = PurePosixPath(name)
    if re.search(rf"\b{re.escape(path.stem)}\b", text) or re.sub(r"\d\d\b", "xx", path.stem) in text:
        return True
    return any(path.match(pattern) or PurePosixPath(path.stem).match(pattern) for pattern in re.findall(r"`([\w.]*\*[\w.*]*)`", text))


def test_each_file_is_told_of():
    silent = []
    for readme in tree.files("README.md"):
        folder = PurePosixPath(readme).parent
        if str(folder) == ".":
            continue
        silent += [n for n in tree.files(".cc", ".h", ".py", ".def", ".txt")
                   if PurePosixPath(n).parent == folder and PurePosixPath(n).name not in NOT_TOLD and not told(n, tree.text(readme))]
    assert not silent


def test_files_that_are_told_of_are_there():
    names = {PurePosixPath(n).name for n in tree.files()}
    gone = [(readme, name) for readme in tree.files("README.md")
            for name in re.findall(r"`(\w+\.(?:cc|h|py|def))`", tree.text(readme)) if name not in names and "xx" not in name]
    assert not gone
