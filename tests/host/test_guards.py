"""Rebinding what a function was compiled with is noticed at the next call."""
import sys
import types as python_types

import pytest

from coluber import njit

K = 5
OTHER = 0


@njit
def constant():
    return K


@pytest.fixture(autouse=True)
def restore():
    yield
    globals()["K"] = 5


def test_globals(compiled):
    global K, OTHER
    assert constant() == 5
    before = compiled()
    for OTHER in range(100):                    # other names do not matter
        assert constant() == 5
    assert compiled() == before
    K = 6
    assert constant() == 6
    K = 6
    assert constant() == 6
    assert compiled() == before + 1 and len(constant.signatures) == 1
    del K
    assert constant() == -1                     # what the fake gives for an absent name
    globals()["K"] = 8
    assert constant() == 8
    globals().update(K=9)
    assert constant() == 9


def test_a_change_while_another_module_is_changed():
    module = python_types.ModuleType("made_up")
    exec("K = 1\ndef constant(): return K", module.__dict__)
    f = njit(module.constant)
    assert f() == 1
    module.K = 2
    assert f() == 2
    module.__dict__["".join(["K"])] = 3         # a key that is not interned
    assert f() == 3
    vars(module).clear()
    assert f() == -1


def test_cells():
    def make():
        k = 1

        @njit
        def constant_cell():
            return k

        def change(v):
            nonlocal k
            k = v
        return constant_cell, change
    f, change = make()
    assert f() == 1
    change(7)
    assert f() == 7 and f() == 7


def test_builtins_that_become_globals():
    assert constant() == 5
    globals()["ValueError"] = KeyError
    try:
        assert constant() == 5
    finally:
        del globals()["ValueError"]
    assert constant() == 5


def test_watched_dictionaries_may_die():
    for _ in range(20):
        space = {"K": 3}
        exec("def constant(): return K", space)
        assert njit(space["constant"])() == 3
        del space
    if sys.version_info >= (3, 12):
        import gc
        gc.collect()
