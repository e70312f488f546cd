"""Writes docs/supported.md, the list of what compiled code can call, from the index of library functions.

    python docs/make_supported.py [--check]"""
import sys
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILTINS = ("abs bool complex divmod enumerate float hash int isinstance len list map max min pow print range reversed round slice sorted sum str "
            "tuple type zip any all").split()


def entries():
    """group -> names. The index knows the names that this Python or NumPy lacks, too."""
    from coluber.lib._index import INDEX
    groups = defaultdict(set)
    for target in INDEX:
        if ":" in target:
            if target.startswith("method:with_"):                    # of a context manager: `with` calls them
                continue
            if target.startswith(("method:", "attr:")):
                kind, _, member = target.split(":")[1].partition(".")
                groups[f"{kind}: methods and attributes"].add(member)
            continue
        module, _, name = target.rpartition(".")
        groups[module.lstrip("_")].add(name)   # what C implements names the module behind it
    groups["builtins"].update(BUILTINS)
    return groups


def text():
    lines = ["# What compiled code can call", "", "Written by docs/make_supported.py from the library's index. Functions of the library are ordinary",
             "Python in python_pkg/coluber/lib; adding one is adding one function there.", ""]
    for group, names in sorted(entries().items()):
        lines += [f"## {group}", "", ", ".join(f"`{n}`" for n in sorted(names)), ""]
    return "\n".join(lines)


def main():
    path = HERE / "supported.md"
    want = text()
    if "--check" in sys.argv:
        return 0 if path.exists() and path.read_text() == want else 1
    path.write_text(want)
    return 0


if __name__ == "__main__":
    sys.exit(main())
