"""Right-hand sides that overlap where they are stored go by way of memory of their own, which is held until it is copied: with a C library that
overwrites what is freed."""
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.numpy

SCRIPT = """
import numpy as np
from coluber import njit


def shifted(u):
    u[1:] = u[:-1] * 2
    return u


def out(u):
    np.multiply(u[:-1], 2.0, out=u[1:])
    return u


def reversed_sum(u):
    np.add(u[::-1], u, out=u)
    u[:] = u[::-1] + u
    return u


def rolled(u):
    u[:] = np.roll(u, 1, 0) + u
    np.add(np.roll(u, -1, 0), u, out=u)
    return u


for function in (shifted, out, reversed_sum, rolled):
    compiled = njit(cache=False)(function)
    for n in (1, 2, 5, 40, 231, 2000):
        for a in (np.arange(float(n)), np.arange(3.0 * n).reshape(n, 3), np.arange(3.0 * n).reshape(3, n).T, np.arange(6.0 * n).reshape(2 * n, 3)[::2]):
            np.testing.assert_array_equal(compiled(a.copy(order="K")), function(a.copy(order="K")))
"""


def test_memory_of_the_result_is_held():
    environment = {**os.environ, "MALLOC_PERTURB_": "165"}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
