"""Each example of each library function, over dtypes and layouts, against NumPy."""
import os
from importlib import import_module

import numpy as np
import pytest
from coluber import _registry
from coluber.lib._make_index import modules

from grid import DTYPES, EXACT, compare, variants

pytestmark = pytest.mark.sampled

NAMES = {np.dtype(d).name for d in DTYPES}
FULL = os.environ.get("COLUBER_GRID") == "full"
SHORT = {"as given", "strided", "F", "float32", "int32", "empty"}     # all but a function's first example, unless COLUBER_GRID=full


def cases():
    """(label, what to call, example)"""
    for name in modules():
        if name.startswith("numpy."):
            import_module("coluber.lib." + name)
    seen = set()
    for entry in [*_registry._by_object.values(), *_registry._by_key.values()]:
        if id(entry) in seen or not entry.function.__module__.startswith("coluber.lib.numpy."):
            continue
        seen.add(id(entry))
        for target in entry.targets:
            if isinstance(target, str) and not target.startswith("method:array."):
                continue
            what = target.split(".", 1)[1] if isinstance(target, str) else target
            label = "." + what if isinstance(target, str) else getattr(target, "__name__", str(target))
            for k, example in enumerate(entry.examples):
                if isinstance(target, str) and not isinstance(example(np)[0], np.ndarray):
                    continue
                yield pytest.param(what, example, label.strip(".") in EXACT, k, id=f"{label}-{k}")


@pytest.mark.parametrize("what, example, exact, rank", cases())
def test_example(what, example, exact, rank):
    failures = []
    for name, args in variants(tuple(example(np))):
        if not FULL and (isinstance(what, str) and name != "as given" or rank and name not in SHORT):
            continue               # a method is its function by another name
        problem = compare(what, args, exact, unsupported=name in NAMES)
        if problem:
            failures.append(f"{name}: {problem}")
    assert not failures, "\n".join(failures)
