"""Looking into dispatchers: the methods and attributes of coluber.Dispatcher that are written in Python."""
import sys

from . import types


def _rows(dispatcher):
    return dispatcher._specializations()


def nopython_signatures(dispatcher):
    """The argument types that are native code."""
    return [tuple(map(types.from_text, row[0])) for row in _rows(dispatcher)]


def signatures(dispatcher):
    """The argument types met so far: compiled, declared but not compiled yet, or running in Python (see mode())."""
    texts = [row[0] for row in _rows(dispatcher)]
    texts += [args for args, _ in dispatcher._declared() if args not in texts]
    texts += [args for args, _ in dispatcher._in_python() if args not in texts]
    known = {_letters(args) for args in texts}
    texts += [tuple(map(_OF_LETTER.get, key)) for key, _, _ in dispatcher._object_mode() if key[:1] not in _DIGITS and key not in known]
    return [tuple(map(types.from_text, args)) for args in texts]


_STRONG = {"pybool": "bool", "pyint": "int64", "pyfloat": "float64", "pycomplex": "complex128"}


def _plain(texts):
    """Python's scalars as signatures write them."""
    return tuple(_STRONG.get(t, t) for t in texts)


# Object mode tells arguments apart by a letter each (jit/host/mixed.h).
_OF_LETTER = {"i": "int64", "f": "float64", "b": "bool", "n": "none", "o": "object"}
_LETTER = {"pyint": "i", "int64": "i", "pyfloat": "f", "float64": "f", "pybool": "b", "bool": "b", "none": "n"}
_DIGITS = tuple("0123456789")                  # parts of functions have their place in front


def _letters(texts):
    return "".join(_LETTER.get(t, "o") for t in texts)


def line_of_entry(code, text):
    """The line where a part of a function begins, by the text of its entry point."""
    import dis
    offset = int(text.split(";")[0])
    return max((start for start in dis.findlinestarts(code) if start[0] <= offset and start[1]), default=(0, code.co_firstlineno))[1]


class Part:
    """What object mode has compiled. kind: 'function', 'loop' (entered natively, with the types its variables had), 'body' (of objmode, or of a
    loop that was left), 'rest' (of the function, from where an int left 64 bits, or of a generator, behind a yield). args: (name, type) of the arguments or variables."""
    __slots__ = ("kind", "part", "line", "title", "letters", "args", "result", "times", "from_cache", "code_size", "calls", "index")

    def __init__(self, dispatcher, index, objects, text, row):
        from .annotate.model import plain
        code = dispatcher.py_func.__code__
        self.index, self.part = index, text
        args, result, self.times, self.from_cache, self.code_size, self.calls = row
        self.letters = _letters(args) if objects and not text else None
        fields = text.split(";")
        self.kind = "function" if not text else "loop" if not objects else "body" if fields[4] else "rest"
        self.line = line_of_entry(code, text) if text else code.co_firstlineno
        names = [*code.co_varnames, *(c for c in code.co_cellvars if c not in code.co_varnames)]
        variables = [int(n) for n in fields[1].split(",") if n] if text else range(len(args))
        self.args = [(names[v] if v < len(names) else "", plain(types.from_text(t))) for v, t in zip(variables, args)]
        self.result = types.from_text(result)
        name = dispatcher.py_func.__qualname__.replace("<locals>.", "")
        what = {"loop": f", loop at line {self.line}", "body": f", body at line {self.line}", "rest": f", from line {self.line} on"}
        self.title = name + what.get(self.kind, "")

    @property
    def compile_time(self):
        return sum(self.times.values())

    def __repr__(self):
        return f"<{self.title}({', '.join(f'{name}: {text}' for name, text in self.args)})>"


def parts(dispatcher):
    base = len(_rows(dispatcher))
    return [Part(dispatcher, base + k, *row) for k, row in enumerate(dispatcher._parts())]


class Mode(str):
    """'native', 'mixed' or 'object'; `loops` tells the same for each loop that was met in object mode, by its line."""
    loops: dict


def _loop_modes(dispatcher):
    """By line: 'native' where the loop was entered with types, else 'object'."""
    modes = {}
    for text, compiled, why in dispatcher._loops():
        line = line_of_entry(dispatcher.py_func.__code__, text)
        if compiled or why:
            modes[line] = "native" if compiled or modes.get(line) == "native" else "object"
    return modes


def mode(dispatcher, signature):
    """How calls with these types run: 'native'; 'mixed': compiled, with Python objects where there is no type, and loops entered natively where
    their variables have types by then; 'object': the original function in the interpreter. `.loops` of the answer tells of each loop. KeyError for
    types the function was neither called with nor compiled for."""
    texts = [t.text for t in types.parse_signature(signature).args]
    wanted, letters = _plain(texts), _letters(texts)
    answer = None
    known = {key: result for key, result, _ in dispatcher._object_mode()}
    if dispatcher.targetoptions.get("forceobj"):
        answer = "mixed" if known.get(letters) is not None else "object"   # of generators
    elif any(_plain(row[0]) == wanted for row in _rows(dispatcher)):
        answer = "native"
    elif letters in known:
        answer = "mixed" if known[letters] is not None else "object"
    elif any(_plain(args) == wanted for args, _ in dispatcher._in_python()):
        answer = "object"
    if answer is None:
        raise KeyError(f"{dispatcher.__qualname__} has not met {signature}")
    answer = Mode(answer)
    answer.loops = _loop_modes(dispatcher) if answer == "mixed" else {}
    return answer


class Overload:
    """One specialisation: its signature, the seconds each stage of the compiler took, whether it came from the disk cache, the bytes of its
    machine code, and how often it has been called."""
    __slots__ = ("signature", "times", "from_cache", "code_size", "calls", "entry_point")

    def __init__(self, args, result, times, from_cache, code_size, calls):
        self.signature = types.Signature(types.from_text(result), map(types.from_text, args))
        self.times, self.from_cache, self.code_size, self.calls = times, from_cache, code_size, calls

    @property
    def compile_time(self):
        return sum(self.times.values())

    def __repr__(self):
        return f"<{self.signature}>"


def overloads(dispatcher):
    made = [Overload(*row) for row in _rows(dispatcher)]
    return {o.signature.args: o for o in made}


class CacheInfo:
    """hits and misses of this dispatcher, `notes` on why a signature was not found or not stored, and the process's own totals."""
    __slots__ = ("hits", "misses", "notes", "process")

    def __init__(self, hits, misses, notes, process):
        self.hits, self.misses, self.notes, self.process = hits, misses, notes, process

    def __repr__(self):
        notes = "".join("\n  " + n for n in self.notes)
        return f"CacheInfo(hits={self.hits}, misses={self.misses}, directory={self.process['directory']!r}){notes}"


def cache_info(dispatcher):
    from . import _coluber
    return CacheInfo(*dispatcher._cache_state(), _coluber._cache())


class Stats:
    """Numba's fields (cache_path, cache_hits, cache_misses), and by signature: compile_times (seconds by stage), code_sizes (bytes), calls.

    `parts`: what object mode has compiled, loops among it (see Part). `f.stats` and `f.stats()` are the same."""
    __slots__ = ("cache_path", "cache_hits", "cache_misses", "compile_times", "code_sizes", "calls", "parts")

    def __call__(self):
        return self

    def __repr__(self):
        rows = [f"Stats(cache_path={self.cache_path!r}, cache_hits={self.cache_hits}, cache_misses={self.cache_misses})"]
        for args, times in self.compile_times.items():
            stages = ", ".join(f"{stage} {seconds * 1000:.2f}" for stage, seconds in times.items())
            spent = f"compiled in {sum(times.values()) * 1000:.2f} ms ({stages})" if times else "from the disk cache"
            rows.append(f"  ({', '.join(map(repr, args))}): {self.calls[args]} call{'' if self.calls[args] == 1 else 's'}, {self.code_sizes[args]} bytes of code, {spent}")
        for part in self.parts:
            spent = "from the disk cache" if part.from_cache else f"compiled in {part.compile_time * 1000:.2f} ms"
            rows.append(f"  {repr(part)[1:-1]}, object mode: {part.calls} call{'' if part.calls == 1 else 's'}, {part.code_size} bytes of code, {spent}")
        return "\n".join(rows)


def stats(dispatcher):
    info, made = cache_info(dispatcher), Stats()
    rows = {args: rest for args, *rest in _rows(dispatcher)}
    made.cache_path = info.process["directory"]
    made.cache_hits = {a: 1 for a, (_, _, cached, _, _) in rows.items() if cached}
    made.cache_misses = {a: 1 for a in rows if a not in made.cache_hits}
    typed = {tuple(map(types.from_text, a)): rest for a, rest in rows.items()}
    made.compile_times = {a: times for a, (_, times, _, _, _) in typed.items()}
    made.code_sizes = {a: size for a, (_, _, _, size, _) in typed.items()}
    made.parts = parts(dispatcher)
    made.calls = {a: calls for a, (_, _, _, _, calls) in typed.items()}
    return made


def compile(dispatcher, signature):
    """Compiles for a signature; the dispatcher keeps accepting others."""
    s = types.parse_signature(signature)
    dispatcher._compile(tuple(t.text for t in s.args), s.return_type.text if s.return_type else None)


def _dumps(dispatcher, signature, stage):
    rows = _rows(dispatcher)
    if signature is None:
        found = {tuple(map(types.from_text, row[0])): dispatcher._dump(i, stage) for i, row in enumerate(rows)}
        for part in parts(dispatcher):
            if part.kind == "function":
                found.setdefault(tuple(types.from_text(_OF_LETTER[letter]) for letter in part.letters), dispatcher._dump(part.index, stage))
        return found
    wanted = tuple(t.text for t in types.parse_signature(signature).args)
    for i, row in enumerate(rows):
        if row[0] == wanted:
            return dispatcher._dump(i, stage)
    for part in parts(dispatcher):
        if part.letters == _letters(wanted):
            return dispatcher._dump(part.index, stage)
    raise KeyError(f"{dispatcher.__qualname__} has not been compiled for {signature}")


def inspect_llvm(dispatcher, signature=None):
    return _dumps(dispatcher, signature, "llvm")


def inspect_asm(dispatcher, signature=None):
    return _dumps(dispatcher, signature, "asm")


def inspect_ir(dispatcher, signature=None):
    return _dumps(dispatcher, signature, "types")


def inspect_types(dispatcher, file=None, signature=None, pretty=False, **kwargs):
    """Prints the source of each signature with the type of each variable and expression beside it. (The IR is inspect_ir's.)"""
    from .annotate.text import print_types
    print_types(dispatcher, file or sys.stdout, signature)


def inspect_cfg(dispatcher, signature=None):
    """The blocks and jumps of the typed IR: a drawing, or a dict of drawings by signature. `save(path)` writes SVG; notebooks show it."""
    from .annotate.cfg import draw
    texts = _dumps(dispatcher, signature, "types")
    return {args: draw(text) for args, text in texts.items()} if signature is None else draw(texts)


def annotate(dispatcher, signature=None):
    """What was done with each line: notebooks show the page, `save(path)` writes it, print() gives a listing."""
    from .annotate import annotate as make
    return make(dispatcher, signature)


def _per_signature(dispatcher, signature, make):
    """make(specialisation, source) of each signature: a dict, or of the one asked for, or of the only one there is."""
    from .annotate import collect
    source = collect.source_of(dispatcher)
    chosen = collect.wanted(dispatcher, signature)
    if not chosen:
        raise ValueError(f"{dispatcher.__qualname__} has not been compiled for any signature yet: call it, or compile(signature)")
    made = {tuple(map(types.from_text, _rows(dispatcher)[i][0])): make(collect.specialization(dispatcher, i, source), source) for i in chosen}
    return made if len(made) > 1 else next(iter(made.values()))


def explain(dispatcher, what, signature=None):
    """Why is it of its type? `what`: a variable, an expression as it stands in the source, or "return". With several signatures and none
    given, a dict."""
    from .annotate.explain import explain as chain
    return _per_signature(dispatcher, signature, lambda spec, source: chain(spec, source, what))


def vectorization(dispatcher, signature=None):
    """The loops of each signature: line, kind, vectorized, width, interleave, reason, notes. With several signatures and none given, a dict."""
    from .annotate.remarks import Loops
    return _per_signature(dispatcher, signature, lambda spec, source: Loops(spec.title, spec.loops.values()))


class ParallelLoop:
    """A loop that was to be parallel: kind ('prange', 'array expression', 'library function', 'comprehension'), function, file, line, parallel, schedule, why (it is
    not parallel), operations (of arrays, that became this one loop), fused (the lines of further statements or loops that are in it), apart (why it
    is not one with the loop in front of it), reductions, and unproved: (line, what) of accesses that may collide with other rounds'."""
    __slots__ = ("kind", "operations", "fused", "apart", "function", "file", "line", "parallel", "schedule", "why", "reductions", "unproved")

    def __init__(self, note):
        for name in self.__slots__:
            setattr(self, name, note[name])
        self.parallel, self.unproved = bool(self.parallel), [tuple(u) for u in self.unproved]

    def __repr__(self):
        return "\n".join(self.lines(2))

    @property
    def text(self):
        what = f"parallel, {self.schedule}" if self.parallel else f"not parallel: {self.why}"
        if self.operations > 1 and self.parallel:
            what += f", {self.operations} array operations in one loop"
        lines = sorted({line for line in self.fused if line != self.line})
        if lines and self.parallel:
            what += f", fused with line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines))}"
        return what if self.kind == "prange" else f"{self.kind}: {what}"

    def lines(self, level):
        lines = [f"line {self.line} of {self.function}: {self.text}"]
        if self.reductions and level > 0:
            lines.append(f"  reductions: {', '.join(self.reductions)}")
        if self.apart and self.parallel and level > 0:
            lines.append(f"  not fused with the loop in front of it: {self.apart}")
        if level > 0:
            lines += [f"  line {line}: {what}: not known whether rounds collide" for line, what in self.unproved]
        return lines


def parallel_diagnostics(dispatcher, signature=None, level=1):
    """Prints what became of each prange loop and array expression, by signature, and returns it: a list of ParallelLoop, or a dict of lists.

    level 0: whether they are parallel; 1 and more: reductions, and stores of which it is not known whether rounds collide."""
    from json import loads
    texts = _dumps(dispatcher, signature, "loops")
    if signature is not None:
        texts = {types.parse_signature(signature).args: texts}
    if not texts:
        raise ValueError(f"{dispatcher.__qualname__} has not been compiled for any signature yet: call it, or compile(signature)")
    found = {args: [ParallelLoop(note) for note in loads(text)] for args, text in texts.items()}
    for args, loops in found.items():
        print(f"{dispatcher.__qualname__}({', '.join(map(repr, args))})")
        for loop in loops:
            print("\n".join("  " + line for line in loop.lines(level)))
        if not loops:
            print("  no prange loops and no array expressions" + ("" if dispatcher.targetoptions.get("parallel") else ": the option parallel is off"))
    return found if len(found) > 1 else next(iter(found.values()))


def ufunc(function):
    """What a ufunc made by vectorize or guvectorize consists of: py_func, kernel (a dispatcher), signatures, inspect_llvm(), ...; None for others."""
    from .ufuncs import info_of
    return info_of(function)
