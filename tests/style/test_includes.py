"""The dependency rule, on the #includes: who may know Python, LLVM, NumPy's C API, and each other."""
import re

import pytest
import tree

SOURCES = tree.files(".cc", ".h", ".c", ".def")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)

# Headers and tables that depend on nothing: all that the engine and the extension share.
SHARED = ("jit/engine_api.h", "jit/options.def", "jit/runtime/abi.h", "jit/runtime/symbols.def", "ir/diag.def", "ir/types.def", "ir/schedule.h")

# What a folder may include of the project, by prefix. The order of the rows is the order of the pipeline.
MAY_INCLUDE = {
    "ir": ("ir/", *SHARED),
    "typing": ("typing/", "ir/", *SHARED),
    "backends": ("backends/", "typing/", "ir/", "jit/trace.h", *SHARED),
    "jit/driver": ("jit/driver/", "jit/trace.h", "backends/", "typing/", "ir/", *SHARED),
    "jit/host": ("jit/host/", "jit/cache/", "jit/runtime/", *SHARED),
    "jit/cache": ("jit/cache/",),
    "jit/runtime": ("jit/runtime/", "jit/host/", *SHARED),
}
NUMPY_FILES = re.compile(r"jit/host/[^/]*(typeof|box|numpy)[^/]*$|jit/runtime/numpy_[^/]*$")


def includes(name):
    return [(m.group(2), m.group(1) == '"') for m in INCLUDE.finditer(tree.text(name))]


def folder_of(name):
    return next((f for f in sorted(MAY_INCLUDE, key=len, reverse=True) if name.startswith(f + "/")), None)


@pytest.mark.parametrize("folder", MAY_INCLUDE)
def test_includes_go_one_way(folder):
    wrong = []
    for name in SOURCES:
        if folder_of(name) != folder:
            continue
        for path, quoted in includes(name):
            inside = path.split("/")[0] in tree.CXX_FOLDERS
            if inside and not path.startswith(MAY_INCLUDE[folder]):
                wrong.append(f"{name} includes {path}")
            if inside and not quoted:
                wrong.append(f"{name} includes <{path}>: our own headers are quoted")
            if quoted and not inside and not path.startswith(("llvm/", "lld/", "numpy/", "gtest/", "internal/")) and path != "Python.h":
                wrong.append(f'{name} includes "{path}": our headers are named from the root')
    assert not wrong, "\n".join(wrong)


def test_shared_headers_depend_on_nothing():
    wrong = [(name, path) for name in SHARED if name in SOURCES for path, _ in includes(name) if path.split("/")[0] in tree.CXX_FOLDERS]
    assert not wrong


def users_of(pattern):
    return [name for name in SOURCES if any(re.match(pattern, path) for path, _ in includes(name))]


def test_python_is_known_in_host_and_runtime_only():
    assert not [n for n in users_of(r"Python\.h$") if not n.startswith(("jit/host/", "jit/runtime/"))]


def test_llvm_is_known_in_backends_only():
    assert not [n for n in users_of(r"(llvm|llvm-c|lld|clang)/") if not n.startswith(("backends/", "tests/unit/backends/"))]


def test_numpy_api_is_known_in_few_files():
    assert not [n for n in users_of(r"numpy/") if not NUMPY_FILES.search(n)]


def test_version_tests_have_one_place():
    """`#if PY_VERSION_HEX` belongs into pycompat.h."""
    users = [n for n in SOURCES if re.search(r"^\s*#\s*(el)?if.*PY_(VERSION_HEX|MINOR_VERSION)", tree.text(n), re.M)]
    assert not [n for n in users if not n.startswith("jit/host/pycompat")]


def test_the_rule_sees_something():
    assert any(includes(name) for name in SOURCES)
