"""Writes _index.py: which library file registers which name. Run it after adding a library function:

    python -m coluber.lib._make_index [--check]

With --check nothing is written; the exit status tells whether the file is up to date."""
import sys
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent


def modules():
    for path in sorted(HERE.rglob("*.py")):
        rel = path.relative_to(HERE).with_suffix("")
        if rel.name.startswith("_") or rel.name == "intrinsics":
            continue
        yield ".".join(rel.parts)


def build():
    from coluber import _registry
    index = {}
    for name in modules():
        module = import_module("coluber.lib." + name)
        for value in list(vars(module).values()):
            entry = getattr(value, "__coluber_implementation__", None)
            if entry is None or value.__module__ != module.__name__:
                continue
            for target in entry.targets:
                index[target if isinstance(target, str) else _registry.qualified_name(target)] = name
    return index


def text(index):
    lines = ['"""Which library file registers which name. Written by _make_index.py."""', "INDEX = {"]
    lines += [f"    {k!r}: {v!r}," for k, v in sorted(index.items())]
    return "\n".join(lines + ["}"]) + "\n"


def main():
    want = text(build())
    path = HERE / "_index.py"
    if "--check" in sys.argv:
        return 0 if path.exists() and path.read_text() == want else 1
    path.write_text(want)
    return 0


if __name__ == "__main__":
    sys.exit(main())
