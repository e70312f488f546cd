"""LLVM's remarks, gathered loop by loop of the source and put into plain words.

One loop of Python may be several of LLVM's: a fast copy and one with checks, an array expression inside a statement, a loop of the library
that was inlined. The best outcome is told, and the rest as notes."""
import ast
import re

from .model import Loop
from .source import FUNCTIONS

VECTORIZED = re.compile(r"vectorized loop \(vectorization width: (\d+), interleaved count: (\d+)\)")
INTERLEAVED = re.compile(r"interleaved loop \(interleaved count: (\d+)\)")
UNROLLED = re.compile(r"(completely unrolled loop with (\d+) iterations|unrolled loop by a factor of (\d+).*)")

# (a piece of LLVM's text, what it means to the author of the Python code), the most telling first: of several the first is given.
REASONS = [
    ("reorder floating-point operations", "the order of the floating-point operations would change (fastmath={'reassoc'} allows it)"),
    ("unsafe dependent memory operations", "one iteration may read or write what another one writes"),
    ("value that could not be identified as reduction", "a value is carried from one iteration to the next, and not as a plain sum, product, minimum or maximum"),
    ("cannot identify array bounds", "the range of memory that an index reaches is not known before the loop"),
    ("cannot check memory dependencies at runtime", "whether arrays overlap cannot be tested before the loop"),
    ("too many memory checks", "too many pairs of arrays would have to be tested for overlap"),
    ("call instruction cannot be vectorized", "it calls a function that has no vector form"),
    ("control flow cannot be substituted for a select", "a branch in its body cannot be turned into a choice of values"),
    ("loop is not the innermost loop", "it contains another loop; only innermost loops are vectorised"),
    ("early exit", "it may be left early"),
    ("could not determine number of loop iterations", "how often it runs is not known when it begins: it may be left by a break, a check or an error"),
    ("control flow is not understood", "its control flow is too irregular"),
    ("instruction cannot be vectorized", "an operation in its body has no vector form"),
    ("use of type", "a type in its body has no vector form"),
    ("cost-model indicates that vectorization is not beneficial", "it would not be faster, by the compiler's cost model"),
    ("volatile", "it asks in each turn whether the interpreter wants something (Ctrl-C)"),
]
SILENT = ("loop not vectorized", "vectorization and interleaving is explicitly disabled", "interleaving is not beneficial",
          "cost-model indicates that interleaving")


class Remark:
    def __init__(self, line, col, kind, llvm_pass, text):
        self.line, self.col, self.kind, self.llvm_pass, self.text = line, col, kind, llvm_pass, text

    @property
    def is_slow_copy(self):
        """Said of the copy of a loop that keeps its checks and is entered only where one may fail."""
        return "vectorization is explicitly disabled" in self.text


class Loops(list):
    """The loops of one signature; printed one below the other."""

    def __init__(self, title, loops):
        super().__init__(loops)
        self.title = title

    def __repr__(self):
        return "\n".join([self.title, *map(repr, self)]) if self else f"{self.title}: no loops"


# What LLVM says because of the question in each block of turns whether the interpreter wants something, and not because of the user's code.
OF_THE_POLL = ("call instruction", "control flow cannot be substituted", "could not determine number", "volatile")


def _said_against(remarks):
    """LLVM's words against vectorising, without those of copies and of the poll (those come back when there are no others)."""
    texts = [r.text for r in remarks if r.llvm_pass == "loop-vectorize" and r.kind != "passed" and not r.is_slow_copy]
    if any("volatile" in t for t in texts):
        own = [t for t in texts if not any(p in t for p in OF_THE_POLL) and t not in SILENT]
        return own or [t for t in texts if "could not determine" in t]
    return texts


def _reason(remarks, checks):
    """The most telling reason in plain words, or "". checks: lines of the loop with checks that may leave it."""
    texts = _said_against(remarks)
    for piece, words in REASONS:
        if any(piece in t for t in texts):
            if piece == "could not determine number of loop iterations" and checks:
                return f"a check in its body may leave it (line {', '.join(map(str, checks))})"
            return words
    rest = [t.removeprefix("loop not vectorized: ") for t in texts if not any(t == s or s in t[20:] for s in SILENT)]
    return rest[0] if rest else ""


def _notes(remarks, vectorized, reason):
    notes = []
    for width, interleave in vectorized[1:]:
        notes.append(f"another copy of the loop: {width} lanes" + (f", {interleave} interleaved" if interleave > 1 else ""))
    if vectorized and any("volatile" in r.text for r in remarks):
        notes.append("it runs in blocks, and between them asks whether the interpreter wants something (Ctrl-C)")
    elif vectorized and reason:
        notes.append(f"another copy is not vectorised: {reason}")
    if any(r.is_slow_copy for r in remarks):
        notes.append("a copy with all checks, not vectorised, runs where an index may be out of range or arrays overlap")
    for r in remarks:
        if r.llvm_pass == "slp-vectorizer" and r.kind == "passed":
            notes.append("straight-line operations were joined into vectors")
    return list(dict.fromkeys(notes))


def _unrolled(remarks):
    for r in remarks:
        found = UNROLLED.search(r.text) if r.llvm_pass == "loop-unroll" and r.kind == "passed" else None
        if found:
            return f"completely, {found[2]} turns" if found[2] else f"{found[3]} times"
    return ""


def _loop(line, kind, remarks, checks):
    passed = [r.text for r in remarks if r.llvm_pass == "loop-vectorize" and r.kind == "passed"]
    found = sorted({(int(m[1]), int(m[2])) for m in map(VECTORIZED.search, passed) if m}, reverse=True)
    interleaved = [int(m[1]) for m in map(INTERLEAVED.search, passed) if m]
    width, interleave = found[0] if found else (1, max(interleaved, default=1))
    reason = _reason(remarks, checks)
    notes = _notes(remarks, found, reason)
    return Loop(line, kind, width > 1, width, interleave, _unrolled(remarks), "" if width > 1 else reason, notes)


def _is_epilogue(source, remark):
    """A loop of ours on the way out of a function (it completes a traceback) has the place of a return statement."""
    if remark.kind == "passed":
        return False
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Return) and node.lineno == remark.line and node.col_offset + 1 == remark.col:
            return True
    return False


def _checks_in(loops, line, effects):
    last = max([end for start, _, end, _ in loops if start == line], default=line)
    return [n for n in sorted(effects) if line <= n <= last and (effects[n]["bounds check"] or effects[n]["check"])]


def _array_lines(source, body, first, last):
    """Lines with loops that Python does not show: whole arrays are made or handed to functions there."""
    arrays = {name for name, text in body.args if text.startswith("array(")} | {v.variable for v in body.values if v.type.startswith("array(")} - {""}
    found = {v.line for v in body.values if v.type.startswith("array(")}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and first <= node.lineno <= last:
            given = [*node.args, *([node.func.value] if isinstance(node.func, ast.Attribute) else [])]
            whole = any(isinstance(n, ast.Name) and n.id in arrays for n in given)
            if whole and not (isinstance(node.func, ast.Name) and node.func.id in ("len", "enumerate", "zip")):
                found.add(node.lineno)
    return found


def loops_of(source, body, remarks, effects, first, last):
    """{line: Loop} of the lines first..last: of each loop of Python, and of each line whose array expressions became one.
    effects: Counters by line."""
    node = source.function_at(body.function, body.line)
    loops = source.loops(node) if node else []
    arrays = _array_lines(source, body, first, last)
    kinds = {line: kind for line, _, _, kind in reversed(loops)}
    mine = {line: [] for line in kinds}
    inner = {n for f in ast.walk(node) if f is not node and isinstance(f, FUNCTIONS) for n in range(f.lineno, f.end_lineno + 1)} if node else ()
    for r in remarks:
        if not first <= r.line <= last or r.line in inner or (r.line not in kinds and _is_epilogue(source, r)):
            continue
        line = r.line
        if line not in kinds and (r.kind != "passed" or line not in arrays):
            # The place of a loop may be that of an instruction in its body.
            around = [start for start, begin, end, _ in loops if begin <= line <= end]
            line = around[-1] if around else line
        mine.setdefault(line, []).append(r)
    made = {line: _loop(line, kinds.get(line, "array expression" if node else "loop"), found, _checks_in(loops, line, effects)) for line, found in mine.items()}
    outers = {outer for outer, begin, end, _ in loops for line, *_ in loops if begin < line <= end}
    for line, loop in made.items():
        if not mine[line] and line in outers:
            made[line] = loop._replace(reason="it contains another loop; only innermost loops are vectorised")
        elif not mine[line]:
            made[line] = loop._replace(reason="the compiler removed it or replaced it by a call or a formula")
    # A line that is no loop of Python's and about which nothing good is known is none of the user's.
    return {line: loop for line, loop in sorted(made.items()) if line in kinds or loop.vectorized or loop.reason}
