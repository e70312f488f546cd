"""Files under 600 lines, functions under 60, folder READMEs of at most 60."""
import ast
import re

import tree

FILE_LIMIT, FUNCTION_LIMIT, DRIVER_LIMIT, README_LIMIT = 600, 60, 150, 60
CODE = tree.files(".cc", ".h", ".c", ".def", ".py", ".cmake") + ("dev", "CMakeLists.txt")
NOT_FUNCTIONS = re.compile(r"^\s*(\}\s*)?(if|for|while|switch|else|do|try|catch|namespace|struct|class|enum|union|extern|return|case|default)\b")


def cxx_functions(text):
    """(name, first line, lines) by layout: a line that ends in `) ... {`, up to the `}` of the same indentation. clang-format makes this so."""
    text = re.sub(r'R"(\w*)\(.*?\)\1"', 'R""', text, flags=re.S)       # expected text in a test is no code
    lines = text.splitlines()
    for i, line in enumerate(lines):
        if not line.endswith("{") or NOT_FUNCTIONS.match(line) or line.lstrip().startswith(("//", "*", "#")):
            continue
        start = i                              # back over parameters and initialisers on lines of their own
        while start and lines[start - 1].strip() and not lines[start - 1].rstrip().endswith((";", "{", "}", ":", "*/")) \
                and not lines[start - 1].lstrip().startswith(("//", "#", "*")):
            start -= 1
        named = re.search(r"([\w:~]+|operator\S+)\s*\(", lines[start])
        if not named or not re.search(r"\)\s*(const|noexcept|override|final|->.*|:.*)*\s*\{$", " ".join(lines[start:i + 1])):
            continue
        close = re.match(r"\s*", lines[start]).group() + "}"
        end = next((j for j in range(i + 1, len(lines)) if lines[j].startswith(close)), len(lines) - 1)
        yield named.group(1), start + 1, end - start + 1


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno - node.lineno + 1


def functions(name):
    if name.endswith((".cc", ".h", ".c")):
        return cxx_functions(tree.text(name))
    if name.endswith(".py") or name == "dev":
        return python_functions(tree.text(name))
    return ()


def test_the_scanner_finds_functions():
    source = "int f(int a,\n      int b) {\n  if (a) {\n    return b;\n  }\n  return a;\n}\nstruct S {\n  int g() const {\n    return 1;\n  }\n};\n"
    assert list(cxx_functions(source)) == [("f", 1, 7), ("g", 9, 3)]


def test_file_lengths():
    long = {n: len(tree.text(n).splitlines()) for n in CODE if len(tree.text(n).splitlines()) > FILE_LIMIT}
    assert set(long) - tree.allowed("file") == set(), long
    assert tree.allowed("file") <= set(long), "rows of allowed.txt that are no longer needed"


def test_function_lengths():
    long = {}
    for name in CODE:
        for function, line, length in functions(name):
            if length > (DRIVER_LIMIT if name.startswith("jit/driver/") else FUNCTION_LIMIT):
                long[f"{name}:{function}"] = f"line {line}: {length} lines"
    extra = {k: v for k, v in long.items() if k not in tree.allowed("function")}
    assert not extra, "\n".join(f"{k} {v}" for k, v in extra.items())
    assert tree.allowed("function") <= set(long), f"no longer needed in allowed.txt: {tree.allowed('function') - set(long)}"


def test_readmes():
    """Each folder with sources of ours has a README of at most 60 lines."""
    folders = {n.rsplit("/", 1)[0] for n in tree.files(".cc", ".h") if n.startswith(tree.CXX_FOLDERS)}
    folders = {f for f in folders if not f.endswith(("/helper", "/tools"))}
    missing = [f for f in sorted(folders) if not (tree.ROOT / f / "README.md").exists() and not (tree.ROOT / f).parent.joinpath("README.md").exists()]
    assert not missing, f"no README.md in {missing}"
    long = [n for n in tree.files("/README.md") if len(tree.text(n).splitlines()) > README_LIMIT]
    assert not long
