"""The shape of the tree and of its files."""
import re

import pytest
import tree

TEXT = tree.files(".cc", ".h", ".c", ".def", ".py", ".md", ".cmake", ".toml", ".txt", ".sh", ".yml") + ("dev", ".ci/run", "CMakeLists.txt")


def test_no_package_in_the_cxx_folders():
    """`typing/` must never shadow Python's own typing when the root is on sys.path."""
    assert not [n for n in tree.files("__init__.py") if n.startswith(tree.CXX_FOLDERS)]


def test_files_open_with_what_they_do():
    closed = []
    for name in tree.files(".cc", ".h", ".c", ".def", ".py", ".cmake"):
        body = tree.text(name).lstrip()
        if body and not body.startswith(("//", "/*", "#", '"""', 'r"""', "'''")):
            closed.append(name)
    assert not closed


def test_headers_are_guarded():
    bare = [n for n in tree.files(".h") if "#pragma once" not in tree.text(n) and not re.search(r"#ifndef \w+_H\b", tree.text(n))]
    assert not bare


@pytest.mark.parametrize("pattern", [
    pytest.param(r"/(?:home|Users|root|work)/\w+", id="paths of somebody's machine"),
    pytest.param(r"\b(?:TODO|FIXME|XXX|HACK)\b", id="notes to self"),
    pytest.param(r"[ \t]+$", id="white space at the end of a line"),
    pytest.param(r"^(?:<<<<<<<|>>>>>>>) ", id="conflict markers"),
])
def test_forbidden(pattern):
    found = []
    for name in TEXT:
        if name == "tests/style/test_layout.py":
            continue
        for number, line in enumerate(tree.text(name).splitlines(), 1):
            golden = pattern.endswith("]+$") and name.startswith("tests/")      # expected text is as it is printed
            if re.search(pattern, line) and not line.startswith("#!") and not golden:
                found.append(f"{name}:{number}: {line.strip()[:100]}")
    assert not found, "\n".join(found)


def test_a_function_is_implemented_in_one_file():
    """Files of the library are loaded when something of theirs is wanted: with two, what a call gives would depend on what came before."""
    files = {}
    for name in tree.files(".py"):
        if name.startswith("python_pkg/coluber/lib/"):
            for function in re.findall(r"^@implements\(([\w.]+)", tree.text(name), re.M):
                files.setdefault(function, set()).add(name)
    assert len(files) > 300
    assert not {function: names for function, names in files.items() if len(names) > 1}
