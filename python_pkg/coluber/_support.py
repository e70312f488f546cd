"""What the extension leaves to Python because it is rare: errors of calls, traceback entries, pickling, looking things up by name."""
import sys


# ---- calls with the wrong arguments

def refuse_call(function, args, kwargs):
    """Raises the TypeError that CPython raises for such a call: by calling a function of the same parameters that does nothing."""
    code = function.__code__
    names = list(code.co_varnames[:code.co_argcount + code.co_kwonlyargcount])
    parts = names[:code.co_posonlyargcount] + (["/"] if code.co_posonlyargcount else []) + names[code.co_posonlyargcount:code.co_argcount]
    if code.co_flags & 4:
        parts.append("*" + code.co_varnames[len(names)])
    elif code.co_kwonlyargcount:
        parts.append("*")
    parts += names[code.co_argcount:]
    space = {}
    exec(f"def stub({', '.join(parts)}): pass", space)
    stub = space["stub"]
    stub.__defaults__, stub.__kwdefaults__ = function.__defaults__, function.__kwdefaults__
    stub.__name__, stub.__qualname__ = function.__name__, function.__qualname__
    try:
        stub(*args, **kwargs)
    except TypeError as e:
        raise TypeError(*e.args) from None      # without the stub's own place


def python_signature(dispatcher):
    from inspect import signature
    return signature(dispatcher.py_func)


# ---- traceback entries

def _varint(value):
    out = []
    while value >= 64:
        out.append(0x40 | value & 63)
        value >>= 6
    return [*out, value]


def _line_table(code, line, end_line, col, end_col):
    """One position for all of the code: see Objects/locations.md of CPython."""
    units, table = len(code.co_code) // 2, []
    while units > 0:
        n = min(units, 8)
        table += [0x80 | 14 << 3 | n - 1, 0, *_varint(end_line - line), *_varint(col + 1), *_varint(end_col + 1)]
        units -= n
    return bytes(table)


def _codes(code):
    yield code
    for const in code.co_consts:
        if type(const) is type(code):
            yield from _codes(const)


def _find_position(code, line, col):
    """Where the widest expression that begins there ends: (end_line, end_col), or None."""
    ends = [(end, right) for c in _codes(code) for start, end, left, right in c.co_positions() if start == line and left == col and right is not None]
    return max(ends, default=None)


def _nothing():
    pass


def frame_code(name, file, line, col, code):
    """A code object that a traceback shows as function `name` of `file`, at that position."""
    made = _nothing.__code__.replace(co_name=name, co_filename=file, co_firstlineno=line)
    if not hasattr(made, "co_positions"):
        return made
    made = made.replace(co_qualname=getattr(code, "co_qualname", name))
    end = _find_position(code, line, col) if code is not None and col >= 0 else None
    if end is None:
        return made
    return made.replace(co_linetable=_line_table(made, line, end[0], col, end[1]))


# ---- names

def find(name):
    """The object of a name like "numpy.linalg.solve" or "builtins.ValueError"."""
    from importlib import import_module
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        module = sys.modules.get(".".join(parts[:n]))
        if module is None and n == 1:
            module = import_module(parts[0])
        if module is not None:
            value = module
            for part in parts[n:]:
                value = getattr(value, part)
            return value
    raise ImportError(name)


def c_address(obj):
    """The address of a ctypes function."""
    import ctypes
    return ctypes.cast(obj, ctypes.c_void_p).value


def user_keys():
    """What users have registered, as text: a part of the cache's keys."""
    from . import _registry
    names = [str(t) if isinstance(t, str) else _registry.qualified_name(t)
             for table in (_registry._by_key, _registry._by_object) for entry in table.values() if not entry.library for t in entry.targets]
    names += [f"{k}:{len(v)}" for k, v in _registry._overloads.items() if isinstance(k, str)]
    return "\n".join(sorted(names))


# ---- what may help about a name that was not found

_BUILT_IN = {                                # attributes that the compiler answers itself (typing/attributes.cc)
    "array": "shape strides ndim size dtype itemsize nbytes T real imag flat",
    "number": "real imag dtype ndim itemsize nbytes size shape",
    "dtype": "itemsize type kind name",
    "range": "start stop step",
    "slice": "start stop step",
}


def hint(obj, about, name):
    """A sentence for the user, or None. about: "global" (obj: the function), "attribute" (of obj), or a kind of values, "array". "type": the
    compiler's text of the type that obj, or the text `name`, stands for. "objmode": of a variable behind objmode in the function obj, when Python
    last ran it; name: "line|variable|input=type|input=type...", or empty to say that there is such a body."""
    if about == "type":
        return _type_text(obj if obj is not None else name)
    if about == "objmode":
        if not name:
            return None
        from ._objmode import seen
        line, variable, *inputs = name.split("|")
        return seen(obj.__code__, int(line), variable, dict(i.split("=", 1) for i in inputs))
    if about == "global":
        space = obj.__globals__
        known = {**vars(space.get("__builtins__", {})), **space} if hasattr(space.get("__builtins__"), "__dict__") else {**space.get("__builtins__", {}), **space}
        return f"'{name}' is neither a local variable of {obj.__qualname__}(), nor in the module {space.get('__name__', '?')}, nor a builtin" + _meant(name, known)
    if about == "attribute":
        where = getattr(obj, "__name__", None) or type(obj).__name__
        return (f"Python does not find it in {where} either" + _meant(name, dir(obj))) if not hasattr(obj, name) else None
    from . import _registry
    _registry._load("")                      # the index; it names no module
    keys = [*_registry._index, *(k for k in _registry._by_key if isinstance(k, str))]
    known = {k.split(".", 1)[1] for k in keys if k.startswith((f"method:{about}.", f"attr:{about}."))} | set(_BUILT_IN.get(about, "").split())
    meant = _meant(name, known)
    return meant[2:] if meant else None


def _type_text(spelt):
    from . import types
    try:
        found = types.as_type(spelt)
    except (TypeError, ValueError):          # it is no type, and the compiler says so
        return None
    return found.text if isinstance(found, types.Type) else None      # "3" is a number, "array" a class


# ---- what does not compile, in the cache

def pack_error(function, error):
    """The compiler's error as text; None for others. Lines of the function are relative to its first one."""
    from json import dumps

    from .errors import ColuberError, InternalError
    if not isinstance(error, ColuberError) or isinstance(error, InternalError) or not hasattr(error, "spans"):
        return None
    return dumps([error.id, type(error).__name__, error.message, error.hint, [_move(function, span, -1) for span in error.spans]])


def raise_packed(function, text):
    from json import loads

    from .errors import from_diag
    id, kind, message, hint, spans = loads(text)
    raise from_diag(id, kind, message, hint, tuple(_move(function, span, 1) for span in spans))


def _move(function, span, sign):
    """A span of the function's file (0: this one) with lines counted from its first line, or back."""
    code = function.__code__
    file, name, line, col, end_line, end_col, note = span
    if file != (code.co_filename if sign < 0 else 0):
        return span
    first = sign * code.co_firstlineno
    return (0 if sign < 0 else code.co_filename, name, line + first, col, end_line + first, end_col, note)


# ---- bodies of objmode

def refuse_objmode(function, why):
    from .errors import typing_error
    lines = why.split("\n")
    raise typing_error(f"{function.__qualname__}(): the body of objmode cannot be run apart from its function: {lines[0]}",
                       "put it into a function of its own, and call that in the body", function)


def refuse_objmode_value(name, text, value, seen):
    from . import types
    from .annotate.model import plain
    from .errors import TypingError
    try:
        found = plain(types.typeof(value))
    except TypingError:                      # it has none
        found = type(value).__name__
    declared = plain(types.from_text(text))
    if seen:
        raise TypeError(f"objmode: variable '{name}' was {declared} when the body first ran, and now it has left {found}: declare a type that holds for both")
    raise TypeError(f"objmode: variable '{name}' is declared as {declared}, but the body has left {found}")


def _meant(name, known):
    from difflib import get_close_matches
    close = get_close_matches(name, [k for k in known if not k.startswith("_")], 3)
    return f"; did you mean {' or '.join(close)}?" if close else ""


# ---- Numba's overload protocol

_chosen = {}     # (chooser, types) -> function: the same one each time, so that it is compiled once


def overload(obj, key, texts):
    from . import _registry, types
    for chooser in _registry.overloads(obj, key):
        memo = (chooser, texts)
        if memo not in _chosen:
            _chosen[memo] = chooser(*map(types.from_text, texts))
        if _chosen[memo] is not None:
            return _chosen[memo]
    return None


# ---- pickling

_loaded = None        # token -> dispatcher: one copy per process, however often it is sent
_tokens = None        # dispatcher -> token
_pickling = set()     # tokens whose functions are being pickled further up


def _tables():
    global _loaded, _tokens
    if _tokens is None:
        from weakref import WeakKeyDictionary, WeakValueDictionary
        _loaded, _tokens = WeakValueDictionary(), WeakKeyDictionary()
    return _loaded, _tokens


def _importable(dispatcher):
    value = sys.modules.get(dispatcher.__module__)
    for part in dispatcher.__qualname__.split("."):
        value = getattr(value, part, None)
    return value is dispatcher


def _cloudpickle():
    try:
        import cloudpickle
        return cloudpickle
    except ImportError:
        return None


def reduce(dispatcher):
    """By reference when the function can be imported, else by value through cloudpickle. A function of __main__ cannot be imported
    elsewhere in general, but multiprocessing's children have it, so that a reference does where there is no cloudpickle."""
    importable = _importable(dispatcher)
    if importable and (dispatcher.__module__ != "__main__" or not _cloudpickle()):
        return dispatcher.__qualname__
    loaded, tokens = _tables()
    token = tokens.get(dispatcher)
    if token is None:
        from uuid import uuid4
        token = tokens[dispatcher] = uuid4().hex
        loaded[token] = dispatcher
    if token in _pickling:                      # the function refers to its own dispatcher
        return _by_token, (token,)
    dumper = _cloudpickle()
    if not dumper:
        from pickle import PicklingError
        raise PicklingError(f"{dispatcher!r} cannot be imported by name; to pickle it by value, install cloudpickle")
    _pickling.add(token)
    try:
        payload = dumper.dumps(dispatcher.py_func)
    finally:
        _pickling.discard(token)
    declared = dispatcher._declared() or ([(a, r) for a, r, *_ in dispatcher._specializations()] if dispatcher._fixed() else [])
    return rebuild, (token, payload, dispatcher.targetoptions, declared)


def _by_token(token):
    return _tables()[0][token]


def rebuild(token, payload, options, declared):
    from pickle import loads

    from ._coluber import Dispatcher
    loaded, tokens = _tables()
    made = loaded.get(token)
    if made is not None:
        return made
    made = loaded[token] = Dispatcher(_nothing, {})
    tokens[made] = token
    made._fill(loads(payload), options, declared)
    return made


# ---- object mode

def warn_of_object_mode(dispatcher, error, mixed):
    """The warning at the place that could not be compiled. `error`: what njit would have raised."""
    from warnings import warn_explicit

    from .errors import ObjectModeWarning
    code = dispatcher.py_func.__code__
    spans = [s for s in getattr(error, "spans", ()) if s and s[0] and s[1:2]]
    own = next((s for s in spans if s[0] == code.co_filename), None)
    line = own[2] if own and own[2] > 0 else code.co_firstlineno
    how = "in object mode, compiled with Python objects where there is no type" if mixed else "as ordinary Python, uncompiled"
    text = f"{dispatcher.__qualname__}() runs {how}: {error}"
    warn_explicit(text, ObjectModeWarning, code.co_filename, line, dispatcher.py_func.__module__, {})
