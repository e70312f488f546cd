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
    return [tuple(map(types.from_text, args)) for args in texts]


_STRONG = {"pybool": "bool", "pyint": "int64", "pyfloat": "float64", "pycomplex": "complex128"}


def _plain(texts):
    """Python's scalars as signatures write them."""
    return tuple(_STRONG.get(t, t) for t in texts)


def mode(dispatcher, signature):
    """'native' or 'object' (the original function runs). KeyError for types the function was neither called with nor compiled for."""
    wanted = _plain(t.text for t in types.parse_signature(signature).args)
    if dispatcher.targetoptions.get("forceobj"):
        return "object"
    if any(_plain(row[0]) == wanted for row in _rows(dispatcher)):
        return "native"
    if any(_plain(args) == wanted for args, _ in dispatcher._in_python()):
        return "object"
    raise KeyError(f"{dispatcher.__qualname__} has not met {signature}")


class Overload:
    """One specialisation: its signature, the seconds each stage of the compiler took, and whether it came from the disk cache."""
    __slots__ = ("signature", "times", "from_cache", "entry_point")

    def __init__(self, args, result, times, from_cache):
        self.signature = types.Signature(types.from_text(result), map(types.from_text, args))
        self.times, self.from_cache = times, from_cache

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
    __slots__ = ("cache_path", "cache_hits", "cache_misses")

    def __repr__(self):
        return f"Stats(cache_path={self.cache_path!r}, cache_hits={self.cache_hits}, cache_misses={self.cache_misses})"


def stats(dispatcher):
    info, made = cache_info(dispatcher), Stats()
    hits = {args for args, _, _, cached in _rows(dispatcher) if cached}
    made.cache_path = info.process["directory"]
    made.cache_hits = {a: 1 for a in hits}
    made.cache_misses = {a: 1 for a, *_ in _rows(dispatcher) if a not in hits}
    return made


def compile(dispatcher, signature):
    """Compiles for a signature; the dispatcher keeps accepting others."""
    s = types.parse_signature(signature)
    dispatcher._compile(tuple(t.text for t in s.args), s.return_type.text if s.return_type else None)


def _dumps(dispatcher, signature, stage):
    rows = _rows(dispatcher)
    if signature is None:
        return {tuple(map(types.from_text, row[0])): dispatcher._dump(i, stage) for i, row in enumerate(rows)}
    wanted = tuple(t.text for t in types.parse_signature(signature).args)
    for i, row in enumerate(rows):
        if row[0] == wanted:
            return dispatcher._dump(i, stage)
    raise KeyError(f"{dispatcher.__qualname__} has not been compiled for {signature}")


def inspect_llvm(dispatcher, signature=None):
    return _dumps(dispatcher, signature, "llvm")


def inspect_asm(dispatcher, signature=None):
    return _dumps(dispatcher, signature, "asm")


def inspect_ir(dispatcher, signature=None):
    return _dumps(dispatcher, signature, "types")


def inspect_types(dispatcher, file=None, signature=None, pretty=False, **kwargs):
    """Prints the typed code of each signature."""
    out = file or sys.stdout
    for i, row in enumerate(_rows(dispatcher)):
        args = ", ".join(repr(types.from_text(t)) for t in row[0])
        print(f"{dispatcher.__qualname__} ({args}) -> {types.from_text(row[1])!r}", file=out)
        print("-" * 80, file=out)
        print(dispatcher._dump(i, "types"), file=out)
