"""Exceptions of compiled code and diagnostics of the compiler."""
import gc
import sys
import traceback

import numpy as np
import pytest

from coluber import errors, njit


@njit
def raise_value(n):
    raise ValueError("bad value", n)


@njit
def raise_index(n):
    pass


@njit
def unknown_function(a):
    return a.something(1)


def test_class_arguments_and_traceback():
    with pytest.raises(ValueError) as caught:
        raise_value(7)
    assert caught.value.args == ("bad value", 7)
    entries = traceback.extract_tb(caught.value.__traceback__)
    assert [(e.name, e.filename, e.lineno) for e in entries[-2:]] == [("raise_value", "outer_file.py", 11), ("inner", "inner_file.py", 7)]
    assert "inner_file.py" in "".join(traceback.format_exception(caught.value))
    for entry in traceback.walk_tb(caught.value.__traceback__):
        assert isinstance(dict(entry[0].f_locals), dict)   # debuggers look at them


def test_frame_positions():
    """Code objects for traceback entries carry the columns of the real expression, where the version has columns."""
    from coluber import _support

    def f(a):
        return a[0] + missing(a)                # noqa: F821
    code = f.__code__
    if not hasattr(code, "co_positions"):
        assert _support.frame_code("f", "x.py", 3, -1, code).co_firstlineno == 3
        return
    line, end_line, col, end_col = next(p for p in code.co_positions() if p[2] is not None and p[3] - p[2] == len("missing(a)"))
    made = _support.frame_code("f", code.co_filename, line, col, code)
    assert next(iter(made.co_positions())) == (line, line, col, end_col)
    assert (made.co_name, made.co_filename, made.co_firstlineno) == ("f", code.co_filename, line)


def test_table_of_runtime_messages():
    with pytest.raises(IndexError, match="index 9 is out of bounds for axis 0 with size 5"):
        raise_index(9)


def test_no_leak_on_raise(stats):
    gc.collect()
    before = stats()["live_blocks"]
    for n in range(5):
        with pytest.raises(ValueError):
            raise_value(n)
        with pytest.raises(IndexError):
            raise_index(n)
    gc.collect()
    assert stats()["live_blocks"] == before


def test_reference_counts():
    a = np.zeros(3)

    @njit
    def tail(a):
        pass
    tail(a)
    counts = sys.getrefcount(a), sys.getrefcount(ValueError)
    for _ in range(10):
        tail(a)
        with pytest.raises(ValueError):
            raise_value(1)
    gc.collect()
    assert (sys.getrefcount(a), sys.getrefcount(ValueError)) == counts


def test_diagnostics_show_the_place():
    with pytest.raises(errors.TypingError) as caught:
        unknown_function(1)
    text = str(caught.value)
    assert caught.value.id == "NoSuchThing" and caught.value.hint == "do something else"
    first, where, source, *rest = text.splitlines()
    assert first == "there is no fake of unknown_function"
    line = unknown_function.py_func.__code__.co_firstlineno + 1
    assert where.strip() == f"{__file__}:{line}:5 in unknown_function"
    assert source.strip() == "def unknown_function(a):" or source.strip() == "return a.something(1)"
    assert rest[0].strip() == "^" * 8
    assert "here" in text and "hint: do something else" in text


def test_carets_stand_under_the_expression():
    text = errors.format_diag("m", "", [(__file__, "f", 1, 3, 1, 13, None)])
    source, carets = text.splitlines()[2:4]
    assert source[carets.index("^"):carets.rindex("^") + 1] == "Exceptions"
    assert "^" not in errors.format_diag("m", "", [(__file__, "f", 1, 0, 0, 0, None)])   # 3.10: lines only


def test_wrong_objects():
    for thing in (len, int, 3, [1]):
        with pytest.raises((TypeError, ValueError)):
            njit(thing)(lambda a: a)
    with pytest.raises(TypeError, match="no option 'fastmaths'.*fastmath"):
        njit(fastmaths=True)(lambda a: a)
    with pytest.raises(ValueError, match="error_model"):
        njit(error_model="c")(lambda a: a)
    with pytest.raises(ValueError, match="unknown flag"):
        njit(fastmath={"quick"})(lambda a: a)
