"""Hostile bytes, size and what the frontend says when it gives up."""
import ast
import importlib.util
import inspect
import opcode
import pathlib
import re
import sys
import sysconfig

import pytest
import serialise_code
from corpus_files import CORPUS, corpus_source


def function(source):
    """The first function of some source text."""
    return serialise_code.functions(source, "test.py")[0]


def changed(original, **fields):
    return original.replace(**{f"co_{k}": v for k, v in fields.items()})


@pytest.mark.parametrize("module", CORPUS)
def test_any_bytes_give_ir_or_an_error(module, tool):
    """Each function with a few bytes of its code and tables changed, many times over; the tool verifies what is built."""
    out = tool.run(serialise_code.functions(corpus_source(module), module), "--mutate", 40, len(module))
    built, refused = (int(part.split()[0]) for part in out.split(","))
    assert built > 100 and refused > 100


def error(tool, code):
    """The message for a code object, in --raw form: id and message, place, hint."""
    (text,) = tool.dump([("f", code)], "--raw").values()
    assert text.startswith("error "), text
    head, place, hint = (text.splitlines() + ["", ""])[:3]
    return head[6:], place.strip(), hint.strip()


def test_bad_bytecode(tool):
    _, code = function("def f(a):\n    return a\n")
    message, _, _ = error(tool, changed(code, code=b"\xff\x00" * 4))
    assert message.startswith("BadBytecode: the bytecode cannot be understood: ")
    message, _, _ = error(tool, changed(code, code=b""))
    assert message.startswith("BadBytecode")


def test_generator(tool):
    _, code = function("def f(n):\n    for i in range(n):\n        yield i\n")
    message, place, _ = error(tool, code)
    assert message == "GeneratorFunction: a generator cannot be compiled"
    assert place.startswith("at 3:")


def test_coroutine(tool):
    _, code = function("async def f(x):\n    return await x\n")
    assert error(tool, code)[0] == "GeneratorFunction: a coroutine cannot be compiled"


def refused(tool, code):
    """Where a function is made that cannot be: the row of diag.def and its arguments, and the line. Code that is not reached is no error."""
    (text,) = tool.dump([("f", code)], "--raw").values()
    row, loc = re.search(r'py\.unsupported \{(.*)\} !(\d+)', text).groups()
    return ast.literal_eval(f"[{row}]"), int(re.search(rf"loc {loc} (\d+):", text)[1])


def test_nonlocal(tool):
    _, code = function("def f():\n    n = 0\n    def g():\n        nonlocal n\n        n += 1\n    g()\n    return n\n")
    assert refused(tool, code) == (["NonlocalStore", "n", "g"], 3)


def test_captured_and_assigned(tool):
    _, code = function("def f(a):\n    g = lambda: a\n    a = 2\n    return g()\n")
    assert refused(tool, code) == (["CapturedRebound", "a", "<lambda>"], 3)


def test_python_version(tool, monkeypatch):
    monkeypatch.setattr(serialise_code.sys, "version_info", (3, 9))
    _, code = function("def f(a):\n    return a\n")
    assert error(tool, code)[0] == "PythonVersion: bytecode of Python 3.9 is not supported"


def test_function_too_large(tool):
    """There is a limit on what is built, which no code of a person reaches."""
    _, code = function("def f(a):\n    return a\n")
    load, pop = opcode.opmap["LOAD_CONST"], opcode.opmap["POP_TOP"]
    message, _, _ = error(tool, changed(code, code=bytes((load, 0, pop, 0)) * 2_100_000 + code.co_code))
    assert message == "FunctionTooLarge: the function is too large to be compiled"


def lines(body, n):
    return "def f(a, b, xs):\n    s = 0.0\n" + "".join(body.replace("@", str(i)) for i in range(n)) + "    return s\n"


BODIES = {
    "straight": "    v@ = a * @ + b\n",
    "branches": "    if a > @:\n        s += b\n    else:\n        s -= @\n",
    "variables": "    if a > @:\n        w@ = @\n    else:\n        w@ = b\n    s += w@\n",
    "loops": "    for i in range(@):\n        if i > a:\n            s += xs[i]\n",
    "while": "    while s < @ and b > s:\n        s += b\n",
    "try": "    try:\n        s += g(s)\n    except ValueError as e:\n        s = b\n",
    "return": "    if a == @:\n        return b\n",
}


@pytest.mark.parametrize("body", BODIES)
def test_large_functions_take_linear_time(body, tool):
    """5,000 lines take well below 0.2 s of processor time, and twice as many at most thrice as long (the rest is noise)."""
    n = 5000 // BODIES[body].count("\n")
    out = tool.run([("once", function(lines(BODIES[body], n))[1]), ("twice", function(lines(BODIES[body], 2 * n))[1])], "--time")
    once, twice = (float(line.split()[1]) for line in out.splitlines())
    assert once < 200
    assert twice < 6 * max(once, 10)


def test_positions(tool):
    """Ops know their line and, from 3.11 on, their columns."""
    _, code = function("def f(a, b):\n    x = a + 1\n    return (x *\n            b)\n")
    (text,) = tool.dump([("f", code)], "--raw").values()
    locs = dict(line.split()[1:3] for line in text.splitlines() if line.startswith("  loc "))
    add = next(line for line in text.splitlines() if '"add"' in line).rsplit("!")[1]
    mul = next(line for line in text.splitlines() if '"mul"' in line).rsplit("!")[1]
    if sys.version_info < (3, 11):
        assert (locs[add], locs[mul]) == ("2:0-0:0", "3:0-0:0")
    else:
        assert (locs[add], locs[mul]) == ("2:8-2:13", "3:12-4:13")


def test_positions_without_columns(tool):
    """What -X no_debug_ranges leaves of the tables."""
    _, code = function("def f(a, b):\n    return a + b\n")
    if sys.version_info < (3, 11):
        pytest.skip("3.10 has no columns anyway")
    units = len(code.co_code) // 2
    table = bytes([0x80 | 13 << 3 | min(units, 8) - 1, 2]) + b"".join(bytes([0x80 | 13 << 3 | min(units - at, 8) - 1, 0]) for at in range(8, units, 8))
    (text,) = tool.dump([("f", changed(code, linetable=table))], "--raw").values()
    assert "loc 1 2:0-0:0" in text and " !1" in text


def test_frame_states_at_loop_headers(tool):
    """A loop header tells which value each local and stack slot has."""
    _, code = function("def f(n):\n    s = 0\n    for i in range(n):\n        s += i\n    return s\n")
    (text,) = tool.dump([("f", code)], "--raw").values()
    header = next(line for line in text.splitlines() if " loop" in line)
    params = dict(p.split(" ")[::-1] if " " in p else ("it", p) for p in header[header.index("(") + 1:header.index(")")].split(", "))
    state = header[header.index("[") + 1:header.index("]")]
    local, stack = (part.strip() for part in state.split("|"))
    assert local == f'_, {params[chr(34) + "s" + chr(34)]}, _' and stack == params["it"]


def nested_codes(code, label):
    """All functions in a module's code, at any depth; comprehensions only as part of theirs."""
    for c in code.co_consts:
        if inspect.iscode(c):
            name = f"{label}.{c.co_name}:{c.co_firstlineno}"
            if c.co_flags & inspect.CO_OPTIMIZED and (not c.co_name.startswith("<") or c.co_name == "<lambda>"):
                yield name, c
            yield from nested_codes(c, name)


LIBRARY = ("_pydecimal", "argparse", "ast", "asyncio.base_events", "asyncio.tasks", "collections", "configparser", "dataclasses", "datetime", "difflib", "dis",
           "email.message", "enum", "fractions", "heapq", "inspect", "ipaddress", "json.decoder", "mailbox", "multiprocessing.process", "optparse", "os", "pickle",
           "random", "shutil", "statistics", "subprocess", "tarfile", "threading", "traceback", "typing", "unittest.mock", "zipfile")


def test_the_standard_library_is_understood(tool):
    """Thousands of functions that nobody wrote for us: each is built and verified, or refused for a reason that is the function's own."""
    codes = []
    for module in LIBRARY:
        place = pathlib.Path(sysconfig.get_path("stdlib"), *module.split("."))
        file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        source = importlib.util.decode_source(file.read_bytes())
        codes += nested_codes(compile(source, file.name, "exec", dont_inherit=True), module)
    assert len(codes) > 2500
    refusals = {line.split(":")[0] for line in tool.run(codes).splitlines() if line.startswith("error ")}
    assert refusals <= {"error GeneratorFunction", "error NonlocalStore", "error CapturedRebound"}
