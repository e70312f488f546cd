"""From dispatchers to pages: asks the engine for the listing of each specialisation and sorts it by lines."""
import json
import os
from collections import Counter

from .. import types
from ..errors import ColuberError
from ..inspect import ParallelLoop, _letters, line_of_entry, parts
from .explain import complete
from .model import Body, Failure, Page, Specialization, Value, plain
from .remarks import Remark, loops_of
from .source import Source


def same_file(a, b):
    return a == b or os.path.abspath(a) == os.path.abspath(b)


def listing(dispatcher, index):
    return json.loads(dispatcher._dump(index, "listing"))


# ---- one specialisation

def _values(source, rows):
    return [Value(line, source.chars(line, col), end_line, source.chars(end_line, end_col), text, variable)
            for line, col, end_line, end_col, text, variable in rows]


def _bodies(source, found):
    made = []
    for t in found["types"]:
        if same_file(t["file"], source.file):
            made.append(Body(t["function"], t["line"], [tuple(a) for a in t["args"]], t["result"], _values(source, t["values"])))
    return made


def _code(source, rows, home):
    """{line: [text]}. What has no line of its own (joins of values, the way in) stands at the def."""
    made = {}
    for file, line, text in rows:
        if file and not same_file(file, source.file):
            continue
        made.setdefault(line or home, []).append(text)
    return made


def _extent(source, body):
    """The lines of a body; of a lambda or without a source those that have values."""
    node = source.function_at(body.function, body.line)
    return body.line, node.end_lineno if node else max([body.line, *(max(v.line, v.end_line) for v in body.values)])


def _fill(spec, source, found):
    spec.bodies = [complete(b, source) for b in _bodies(source, found)]
    for file, line, what in found["effects"]:
        if same_file(file, source.file):
            spec.effects.setdefault(line, Counter())[what] += 1
    spec.llvm, spec.assembly = _code(source, found["llvm"], spec.line), _code(source, found["asm"], spec.line)
    remarks = [Remark(line, col, kind, name, text) for file, line, col, kind, name, text in found["remarks"] if same_file(file, source.file)]
    for body in spec.bodies:
        spec.loops.update(loops_of(source, body, remarks, spec.effects, *_extent(source, body)))


def _threads(dispatcher, index, source):
    """{line: [text]} of the loops that were to run on several threads."""
    made = {}
    for note in map(ParallelLoop, json.loads(dispatcher._dump(index, "loops"))):
        said = made.setdefault(note.line, []) if same_file(note.file, source.file) else []
        texts = [note.text] + ([f"not fused with the loop in front of it: {note.apart}"] if note.apart and note.parallel else [])
        said += [text for text in texts if text not in said]
    return made


def specialization(dispatcher, index, source):
    args, result, *_ = dispatcher._specializations()[index]
    shown = [plain(types.from_text(t)) for t in args]
    name = dispatcher.py_func.__qualname__.replace("<locals>.", "")
    made = Specialization(name, shown, plain(types.from_text(result)), def_line(dispatcher.py_func, source))
    made.dispatcher = dispatcher
    _fill(made, source, listing(dispatcher, index))
    made.threads = _threads(dispatcher, index, source)
    return made


# ---- object mode

def of_parts(dispatcher, signature, source):
    """Of what object mode has compiled, for a signature or for any."""
    chosen = parts_wanted(dispatcher, signature)
    return [_of_part(dispatcher, p, chosen, source) for p in chosen]


def _of_part(dispatcher, p, chosen, source):
    """The function, a part of it, or a loop that was entered with types. chosen: the parts that are shown, lifted loops among them."""
    args = [f"{name}: {text}" if p.part else text for name, text in p.args]
    made = Specialization(p.title, args, None if p.part else plain(p.result), p.line if p.part else def_line(dispatcher.py_func, source))
    made.dispatcher = dispatcher
    found = listing(dispatcher, p.index)
    if p.part:                                # it does not begin at the def, and what it returns is its variables
        for t in found["types"]:
            if t["function"] == dispatcher.py_func.__qualname__ and t["line"] == dispatcher.py_func.__code__.co_firstlineno:
                t["line"], t["result"] = p.line, None
    _fill(made, source, found)
    if p.kind != "loop":
        made.notes = {line: list(rows) for line, rows in _notes(dispatcher, p, chosen, made.line).items()}
    return made


def _notes(dispatcher, part, chosen, line):
    """Why the function is in object mode, and by which types its loops were entered."""
    notes = {}
    reasons = [why for args, why in dispatcher._in_python() if _letters(args) == part.letters] if part.kind == "function" else []
    notes[line] = ["object mode" + (f": {reasons[0].splitlines()[0]}" if reasons else "")]
    for loop in chosen:
        if loop.kind == "loop":
            types_ = ", ".join(f"{name}: {text}" for name, text in loop.args)
            notes.setdefault(loop.line, []).append(f"lifted: entered natively with {types_}" if types_ else "lifted: entered natively")
    for text, compiled, why in dispatcher._loops():
        if why and not compiled:
            notes.setdefault(line_of_entry(dispatcher.py_func.__code__, text), []).append(f"runs on objects: {why.splitlines()[0]}")
    return notes


def def_line(function, source):
    node = source.function_at(function.__name__, function.__code__.co_firstlineno)
    return node.lineno if node else function.__code__.co_firstlineno


# ---- pages

def failure(function, title, error, source):
    return Failure(function.__qualname__, def_line(function, source), title, getattr(error, "message", None) or str(error),
                   getattr(error, "hint", None), tuple(getattr(error, "spans", ())))


def wanted(dispatcher, signature):
    """Indices of the specialisations: all, or that of a signature."""
    rows = dispatcher._specializations()
    if signature is None:
        return list(range(len(rows)))
    args = tuple(t.text for t in types.parse_signature(signature).args)
    found = [i for i, row in enumerate(rows) if row[0] == args]
    if not found and not parts_wanted(dispatcher, signature):
        raise KeyError(f"{dispatcher.__qualname__} has not been compiled for {signature}")
    return found


def parts_wanted(dispatcher, signature):
    """What object mode has compiled for a signature, or for any; lifted loops belong to each."""
    all_parts = parts(dispatcher)
    if signature is None:
        return all_parts
    letters = _letters([t.text for t in types.parse_signature(signature).args])
    found = [p for p in all_parts if p.kind == "function" and p.letters == letters]
    return found and found + [p for p in all_parts if p.kind != "function"]


def page_of_file(file, dispatchers, source=None):
    """The whole file with all that its dispatchers have compiled."""
    source = source or Source(file)
    page = Page(file, source.lines)
    page.source = source
    for d in dispatchers:
        for i in range(len(d._specializations())):
            try:
                page.specializations.append(specialization(d, i, source))
            except ColuberError as e:            # a global was rebound to something else after the call
                page.failures.append(failure(d.py_func, d.py_func.__qualname__, e, source))
        page.specializations += of_parts(d, None, source)
        page.failures += in_python(d, source)
    return page


def in_python(dispatcher, source):
    """The signatures that jit runs in the interpreter: compiled once more, to hear why not."""
    found = []
    compiled = {key for key, result, _ in dispatcher._object_mode() if result is not None}
    for args, _ in dispatcher._in_python():
        if _letters(args) in compiled:         # in object mode: no failure
            continue
        try:
            dispatcher._compile(args, None)
        except ColuberError as e:
            shown = ", ".join(plain(types.from_text(t)) for t in args)
            found.append(failure(dispatcher.py_func, f"{dispatcher.__qualname__}({shown})", e, source))
    return found


def source_of(dispatcher):
    file = dispatcher.py_func.__code__.co_filename
    return Source(file)


def page_of_function(dispatcher, signature=None):
    """The lines of one function."""
    source = source_of(dispatcher)
    code = dispatcher.py_func.__code__
    node = source.function_at(dispatcher.py_func.__name__, code.co_firstlineno)
    last = node.end_lineno if node else code.co_firstlineno
    page = Page(source.file, source.lines[code.co_firstlineno - 1:last], code.co_firstlineno)
    page.source = source
    page.specializations = [specialization(dispatcher, i, source) for i in wanted(dispatcher, signature)]
    page.specializations += of_parts(dispatcher, signature, source)
    page.failures = in_python(dispatcher, source) if signature is None else []
    return page
