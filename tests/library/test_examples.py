"""Each example of each library function, over dtypes and layouts, against NumPy."""
from importlib import import_module

import numpy as np
import pytest
from coluber import _registry
from coluber.lib._make_index import modules

from grid import DTYPES, EXACT, compare, variants

NAMES = {np.dtype(d).name for d in DTYPES}


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
                yield pytest.param(what, example, label.strip(".") in EXACT, id=f"{label}-{k}")


@pytest.mark.parametrize("what, example, exact", cases())
def test_example(what, example, exact):
    failures = []
    for name, args in variants(tuple(example(np))):
        problem = compare(what, args, exact, unsupported=name in NAMES)
        if problem:
            failures.append(f"{name}: {problem}")
    assert not failures, "\n".join(failures)
