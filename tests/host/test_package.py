"""The Python package: what importing costs, options, types, pickling, the command line."""
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

import coluber
from coluber import errors, njit, prange, types


def test_import_is_lazy(run_python):
    done = run_python("""
import sys
before = set(sys.modules)
import coluber
assert not {m for m in set(sys.modules) - before if m != "coluber"}, set(sys.modules) - before
from coluber import njit
@njit
def echo(a): pass
assert echo(3) == 3
assert "numpy" not in sys.modules
new = {m for m in set(sys.modules) - before if not m.startswith("coluber")}
assert not new & {"typing", "dataclasses", "inspect", "re", "functools", "enum"} - before, new
print(sorted(m for m in set(sys.modules) - before))
""")
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif("COLUBER_SANITIZE" in os.environ, reason="instrumented code is larger")
def test_extension_size(tmp_path):
    from coluber import _coluber
    subprocess.run(["strip", "-o", tmp_path / "stripped", _coluber.__file__], check=True)
    assert 100_000 < (tmp_path / "stripped").stat().st_size < 1_000_000


def test_names():
    assert coluber.float64 is types.float64 and coluber.TypingError is errors.TypingError
    assert {"njit", "jit", "prange", "typeof", "float64", "types"} <= set(dir(coluber))
    with pytest.raises(AttributeError, match="no_such_name"):
        coluber.no_such_name
    assert coluber.jit is not None and list(prange(3)) == [0, 1, 2] and prange(2, 9, 3) == range(2, 9, 3)


def test_disable(run_python):
    done = run_python("""
from coluber import njit, jit
def f(a): return a
assert njit(f) is f and jit("float64(float64)")(f) is f and njit(cache=True)(f) is f
""", COLUBER_DISABLE_JIT="1")
    assert done.returncode == 0, done.stderr


def test_options():
    f = njit(nogil=True, fastmath={"nnan", "contract"}, error_model="numpy", boundscheck=False, cache=False, inline="always", overflow="raise",
             parallel=True, debug=True, opt_level=1, nopython=True, locals={"x": types.float32})(lambda a: a)
    assert f.targetoptions == {"nogil": True, "fastmath": {"nnan", "contract"}, "error_model": "numpy", "boundscheck": False, "cache": False,
                               "inline": "always", "overflow": "raise", "parallel": True, "debug": True, "opt_level": 1}
    assert njit(lambda a: a).targetoptions == {}
    assert njit(boundscheck=None)(lambda a: a).targetoptions == {}
    every = {"nnan", "ninf", "nsz", "arcp", "contract", "afn", "reassoc"}
    assert njit(fastmath=True)(lambda a: a).targetoptions == {"fastmath": every}
    assert njit(fastmath={"nnan": True, "nsz": False})(lambda a: a).targetoptions == {"fastmath": {"nnan"}}
    with pytest.raises(TypeError, match="not one of coluber.types"):
        njit(locals={"x": 3})(lambda a: a)


@pytest.mark.parametrize("text, args, result", [
    ("float64(float64, int64)", ["float64", "int64"], "float64"), ("void(f8[:, ::1])", ["array(float64,2,C)"], "none"), ("(i8, u1)", ["int64", "uint8"], None),
    ("f4[:](f4[::1, :], boolean)", ["array(float32,2,F)", "bool"], "array(float32,1,A)"), ("Tuple((i8, f8))(UniTuple(f8, 2))", ["tuple(float64,float64)"], "tuple(int64,float64)"),
    ("List(f8)(Optional(c16))", ["optional(complex128)"], "list(float64)"), ("none()", [], "none"), ("f8(Array(f8, 1, 'C', readonly=True))", ["array(float64,1,C,ro)"], "float64"),
    ("int_(intp, uintp, double, unicode_type)", ["int64", "uint64", "float64", "str"], "int64"),
])
def test_signatures(text, args, result):
    s = types.parse_signature(text)
    assert [t.text for t in s.args] == args
    assert (s.return_type and s.return_type.text) == result


def test_bad_signatures():
    for text in ("float65(int64)", "f8(", "f8[1](f8)", "f8[::1, ::1](f8)", "__import__('os')"):
        with pytest.raises((ValueError, TypeError)):
            types.parse_signature(text)


def test_types():
    assert types.float64[:, ::1] == types.Array(types.float64, 2, "C") and repr(types.float64[:, :]) == "array(float64, 2d, A)"
    assert types.float64(3) == np.float64(3) and isinstance(types.float32(1), np.float32)
    assert isinstance(types.int32, types.Integer) and types.int32.signed and types.uint8.bitwidth == 8
    assert coluber.typeof(np.zeros((2, 3), order="F")) == types.float64[::1, :]
    assert coluber.typeof((1, 2.0)) == types.Tuple((types.pyint, types.pyfloat)) and coluber.typeof(1) == types.pyint
    assert types.as_type(np.float32) == types.float32 and types.as_type(np.dtype("i4")) == types.int32 and types.as_type(float) == types.pyfloat
    for t in (types.float64, types.float64[:], types.Tuple((types.int8, types.List(types.f8))), types.Optional(types.b1)):
        assert types.from_text(t.text) == t and pickle.loads(pickle.dumps(t)) == t and hash(types.from_text(t.text)) == hash(t)
    with pytest.raises(errors.TypingError, match="dict"):
        coluber.typeof({})


def test_named_tuples():
    from collections import namedtuple
    Point = namedtuple("Point", "x y")
    t = coluber.typeof(Point(1, 2.0))
    assert t.instance_class is Point and t.fields == ("x", "y") and t == types.NamedTuple((types.pyint, types.pyfloat), Point)


# ---- pickling

@njit
def echo(a):
    pass


def test_pickle_by_reference():
    assert pickle.loads(pickle.dumps(echo)) is echo


def test_pickle_by_value(run_python):
    pytest.importorskip("cloudpickle")
    scale = 3

    @njit(fastmath=True, error_model="numpy")
    def echo(a):
        return scale, echo                      # refers to its own dispatcher
    data = pickle.dumps(echo)
    assert pickle.loads(data) is echo           # the same process has it already
    done = run_python(f"""
import pickle
data = {data!r}
f, g = pickle.loads(data), pickle.loads(data)
assert f is g and f(4) == 4
assert f.targetoptions == {{"fastmath": {echo.targetoptions["fastmath"]!r}, "error_model": "numpy"}}
assert f.py_func.__closure__[0].cell_contents is f and f.py_func.__closure__[1].cell_contents == 3
""")
    assert done.returncode == 0, done.stderr


def test_pickle_without_cloudpickle(run_python):
    done = run_python("""
import sys, pickle
sys.modules["cloudpickle"] = None
from coluber import njit
@njit
def echo(a): pass
assert pickle.loads(pickle.dumps(echo)) is echo      # of __main__: by reference, as functions are
def make():
    @njit
    def echo(a): pass
    return echo
try:
    pickle.dumps(make())
except pickle.PicklingError as e:
    assert "cloudpickle" in str(e)
else:
    raise AssertionError
""")
    assert done.returncode == 0, done.stderr


def test_copies():
    import copy
    assert copy.copy(echo) is echo and copy.deepcopy(echo) is echo


@pytest.mark.parametrize("command, words", [("info", ["extension", "engine", "cache"]), ("options", ["fastmath", "nnan", "boundscheck"])])
def test_command_line(command, words):
    done = subprocess.run([sys.executable, "-m", "coluber", command], capture_output=True, text=True)
    assert done.returncode == 0 and all(w in done.stdout for w in words), done.stderr
