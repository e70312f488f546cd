"""A process that has not imported NumPy: what needs its classes imports it then, and what does not, does not."""
import subprocess
import sys

import pytest

HEAD = "import sys\nfrom coluber import jit, njit, objmode\nassert 'numpy' not in sys.modules\n"


def run(text):
    done = subprocess.run([sys.executable, "-c", HEAD + text], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint64", "float32", "float64", "complex64"])
def test_declared_scalars(dtype):
    text = f"f = njit('{dtype}({dtype})', cache=False)(lambda x: x + 1)\nprint(f(5), f(True))\nimport numpy as np\nprint(f(np.{dtype}(3)))"
    want = {"complex64": ["(6+0j)", "(2+0j)", "(4+0j)"]}.get(dtype) or [f"{6.0 if dtype[0] == 'f' else 6}", f"{2.0 if dtype[0] == 'f' else 2}", f"{4.0 if dtype[0] == 'f' else 4}"]
    assert run(text) == want


def test_declared_arrays_refuse_what_is_none():
    text = """
f = njit("float64(float64[:])", cache=False)(lambda x: x[0])
for wrong in ([1.5], 5, None, "x", (1.0,)):
    try:
        f(wrong)
    except TypeError:
        print("refused")
import numpy as np
print(f(np.array([1.5])))
"""
    assert run(text) == ["refused"] * 5 + ["1.5"]


def test_what_comes_out_of_objmode():
    text = """
@njit(cache=False)
def f(n):
    with objmode(a="int64", b="float32", c="int8", d="boolean", e="int64"):
        a = n + 1
        b = 1.5
        c = 77
        d = n > 2
        e = len(str(n))
    return a, b, c, d, e
print(*f(123))
"""
    assert run(text) == ["124", "1.5", "77", "True", "3"]


def test_python_numbers_do_not_import_it():
    text = """
@njit(cache=False)
def f(n, x, l):
    return n * 2, x + 0.5, [v + 1 for v in l], n > 3, complex(n, x)
print(*f(3, 1.5, [1, 2]))
print("numpy" in sys.modules)
"""
    assert run(text) == "6 2.0 [2, 3] False (3+1.5j) False".split()
