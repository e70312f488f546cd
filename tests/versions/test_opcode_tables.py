"""Each row of ir/frontend/opcodes_3xx.def against the running interpreter's own opcode module."""
import opcode
import pathlib
import re
import sys

import pytest

FRONTEND = pathlib.Path(__file__).parents[2] / "ir" / "frontend"
VERSION = sys.version_info[0] * 100 + sys.version_info[1]
ROW = re.compile(r"^OPCODE\((\d+), (\w+), (\w+), (\w+), (\d+), (\w+), (.+)\)$", re.M)
MICRO = re.compile(r"^(?:MICRO|LOWER)\((\w+)", re.M)


def read_rows(version):
    text = (FRONTEND / f"opcodes_{version}.def").read_text()
    rows = {name: (int(number), lowering, argument, int(caches), jump) for number, name, lowering, argument, caches, jump, _ in ROW.findall(text)}
    assert len(rows) == text.count("\nOPCODE("), "a row that this test cannot read"
    return rows


def real_opcodes():
    """What may stand in co_code: no pseudo-ops of the compiler, no forms that only a running interpreter puts in."""
    return {name: number for name, number in opcode.opmap.items() if number < 256 and not name.startswith("INSTRUMENTED_")}


ROWS = read_rows(VERSION) if (FRONTEND / f"opcodes_{VERSION}.def").exists() else {}


def cache_entries():
    entries = getattr(opcode, "_inline_cache_entries", {})
    return entries if isinstance(entries, dict) else {opcode.opname[i]: n for i, n in enumerate(entries)}


def listed(number, name):
    return number in getattr(opcode, name, ())


def test_there_is_a_table_for_this_version():
    assert ROWS


def test_all_opcodes_have_rows():
    assert {name: row[0] for name, row in ROWS.items()} == real_opcodes()


@pytest.mark.parametrize("name", sorted(ROWS))
def test_row(name):
    number, lowering, argument, caches, jump = ROWS[name]
    assert caches == cache_entries().get(name, 0)
    has_argument = listed(number, "hasarg") if hasattr(opcode, "hasarg") else number >= opcode.HAVE_ARGUMENT
    assert (argument != "None") == has_argument
    assert (argument == "Const") == listed(number, "hasconst")
    assert argument.startswith("Name") == listed(number, "hasname")
    assert argument.startswith("Local") == listed(number, "haslocal")
    assert (argument in ("Cell", "Slot")) == listed(number, "hasfree")
    assert (jump in ("Forward", "Backward")) == listed(number, "hasjrel")
    assert (jump == "Absolute") == listed(number, "hasjabs")
    assert (jump == "Backward") == (listed(number, "hasjrel") and "BACKWARD" in name)
    assert (argument == "Target") == (jump != "None")


def test_lowerings_exist():
    micro_ops = set(MICRO.findall((FRONTEND / "micro_ops.def").read_text()))
    assert {row[1] for row in ROWS.values()} <= micro_ops


def test_comparisons_are_in_the_expected_order():
    assert opcode.cmp_op[:6] == ("<", "<=", "==", "!=", ">", ">=")      # kLt... in decode.h


@pytest.mark.skipif(not hasattr(opcode, "_nb_ops"), reason="BINARY_OP came with 3.11")
def test_binary_operators_are_in_the_expected_order():
    names = [name for name, _ in opcode._nb_ops]
    text = (FRONTEND / "decode.cc").read_text()
    listed = re.search(r"kBinaryOps\[\] = \{([^}]*)\}", text).group(1).replace("k", "").split(", ")
    spelt = {"FloorDiv": "FLOOR_DIVIDE", "MatMul": "MATRIX_MULTIPLY", "Mul": "MULTIPLY", "Mod": "REMAINDER", "Pow": "POWER", "Sub": "SUBTRACT", "TrueDiv": "TRUE_DIVIDE"}
    expected = [spelt.get(op, op.upper()) for op in listed]
    assert [f"NB_{op}" for op in expected] == names[:13]
    assert [f"NB_INPLACE_{op}" for op in expected] == names[13:26]
