"""The registry of library functions: which Python function implements a callable or an operation in compiled code.

Two tables, by object and by key. An object is looked up by identity, a key is a string such as "op:add:list,list",
"method:array.sum" or "attr:array.flags". The library's own files are imported when first needed: coluber/lib/_index.py
says which file registers which name."""
from importlib import import_module

_by_object = {}     # id(object) -> Implementation
_by_key = {}        # key -> Implementation
_overloads = {}     # id(object) or key -> list of choosers (Numba's protocol)
_index = None


class Implementation:
    """A function whose body is the implementation. `elementwise`: it takes and gives scalars and is a ufunc's kernel."""
    __slots__ = ("function", "elementwise", "examples", "targets", "library")

    def __init__(self, function, elementwise, examples, targets, library):
        self.function = function
        self.elementwise = elementwise
        self.examples = examples
        self.targets = targets
        self.library = library


def qualified_name(obj):
    """The name by which the index knows a callable: "numpy.sum", "math.sin", "builtins.sum"."""
    name = getattr(obj, "__qualname__", None) or getattr(obj, "__name__", None) or type(obj).__name__
    if type(obj).__name__ == "ufunc":
        return "numpy." + obj.__name__
    return f"{getattr(obj, '__module__', None) or 'builtins'}.{name}"


def register(targets, function, elementwise=False, examples=(), library=False):
    entry = Implementation(function, elementwise, examples, targets, library)
    for t in targets:
        if isinstance(t, str):
            _by_key[t] = entry
        else:
            _by_object[id(t)] = entry
    return entry


_LIBRARY = Implementation(None, False, (), (), True)


def library(function):
    """Marks a function made outside of coluber.lib as library code: it may use intrinsics, passes constants on, and takes the option parallel from
    its caller. (Functions of coluber.lib are not looked at by the cache: these are.)"""
    function.__coluber_implementation__ = _LIBRARY
    return function


def register_overload(target, chooser):
    _overloads.setdefault(target if isinstance(target, str) else id(target), []).append(chooser)


def overloads(obj, key):
    return _overloads.get(key if obj is None else id(obj), ())


def _load(name):
    global _index
    if _index is None:
        from .lib._index import INDEX as _index
    module = _index.get(name)
    if module is None:
        return False
    import_module("coluber.lib." + module)
    return True


def implementation(obj, key):
    """The Implementation of a callable (key None) or of a key (obj None); None when there is none."""
    table, k = (_by_key, key) if obj is None else (_by_object, id(obj))
    found = table.get(k)
    if found is None and _load(key if obj is None else qualified_name(obj)):
        found = table.get(k)
    if found is None and type(obj).__name__ in ("ufunc", "GUFunc", "vectorize"):
        from .ufuncs import implementation_of
        found = implementation_of(obj)
    return found
