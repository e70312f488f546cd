"""What a page says: plain records, filled in by collect.py, shown by text.py, html.py and stubs.py."""
import re
from collections import Counter, namedtuple

# An expression (variable: "") or what is stored to a variable. Columns count characters; end_col 0: the place is a line (Python 3.10).
Value = namedtuple("Value", "line col end_line end_col type variable")


class Body(namedtuple("Body", "function line args result values")):
    """A function of the file as it was compiled for one combination of argument types, or a part of one (result: None)."""
    __slots__ = ()

    @property
    def head(self):
        """What stands beside the def, or where the part begins."""
        return [*self.args, *([("return", self.result)] if self.result is not None else [])]


# A function that could not be compiled: `line` is where it stands, the spans are the places of the diagnostic.
Failure = namedtuple("Failure", "function line title message hint spans")


class Loop(namedtuple("Loop", "line kind vectorized width interleave unrolled reason notes")):
    """One loop of the source. kind: "for", "while", "comprehension" or "array expression"; reason: why it was not vectorised, in plain
    words; notes: what else is to be said, of copies that the compiler made of it."""
    __slots__ = ()

    @property
    def text(self):
        if self.vectorized:
            said = f"vectorised, {self.width} lanes" + (f", {self.interleave} interleaved" if self.interleave > 1 else "")
        else:
            said = "not vectorised" + (f": {self.reason}" if self.reason else "")
        return said + (f"; unrolled {self.unrolled}" if self.unrolled else "")

    def __repr__(self):
        return f"line {self.line}: {self.kind}: {self.text}" + "".join(f"\n    {n}" for n in self.notes)


class Specialization:
    """One signature of a dispatcher: its bodies in the page's file, and by line its effects, loops and code."""

    def __init__(self, function, args, result, line):
        self.function, self.args, self.result, self.line = function, args, result, line
        self.bodies = []
        self.effects = {}                      # line -> Counter of "bounds check", "check", "allocation", "reference", "call", "python"
        self.loops = {}                        # line -> Loop
        self.threads = {}                      # line -> [what became of its parallel loops]
        self.llvm, self.assembly = {}, {}      # line -> [text]
        self.notes = {}                        # line -> [text]: of object mode, and of its loops

    @property
    def title(self):
        return f"{self.function}({', '.join(self.args)})" + (f" -> {self.result}" if self.result is not None else "")

    def effects_of(self, line):
        return self.effects.get(line, Counter())


def plain(type_):
    """A type as a person reads it: int, not pyint."""
    return re.sub(r"\bpy(int|float|complex|bool)\b", r"\1", re.sub(r"\bnone\b", "None", repr(type_)))


class Page:
    """A file, and what was made of its functions."""

    def __init__(self, file, lines, first=1):
        self.file, self.lines, self.first = file, lines, first     # first: the number of the first line (a single function's page)
        self.specializations, self.failures = [], []

    def numbered(self):
        return enumerate(self.lines, self.first)
