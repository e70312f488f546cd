"""`with objmode():`, and the types that variables had behind it when Python ran the function.

Compiled code has a type for each variable. One that only the body of objmode sets, undeclared, has none before the body has run: then the call runs in
Python (first_run), and a record is made of each with statement: the types of all variables when it was entered and left. The next compilation asks
for them (seen): for those of a record with the same types going in."""
import sys
from weakref import WeakKeyDictionary

_RECORDS = WeakKeyDictionary()               # code -> {line: list of Record}
_runs = _active = 0


class Record:
    __slots__ = ("before", "after", "runs", "last")

    def __init__(self, before, after):
        self.before, self.after, self.runs, self.last = before, after, 0, 0


class objmode:
    """Inside a compiled function, the body of the with statement is run by Python, where everything works; elsewhere it does nothing.

    The keywords give the types that variables set in the body have behind it: texts as in a signature ('int64', 'float64[:, ::1]'), or types
    of coluber.types by name. Variables that had a type before may be left out. For others that are left out Python runs the first call, and
    they have the types that were seen then.

        with objmode(y='float64[:]'):
            y = anything.python.can(x)
    """
    __module__ = "coluber"
    __slots__ = ("_entered",)

    def __init__(self, **types):
        self._entered = None

    def __enter__(self):
        if _active:
            frame = sys._getframe(1)
            self._entered = (frame.f_code, frame.f_lineno), _types(frame)
        return None

    def __exit__(self, *exception):
        if self._entered and exception[0] is None:
            _record(*self._entered, sys._getframe(1))
        return None


def _types(frame):
    from ._coluber import _typeof
    found = {}
    for name, value in frame.f_locals.items():
        text = None if callable(value) else _typeof(value)
        if isinstance(text, str):            # else it has none
            found[name] = text
    return found


def _record(key, before, frame):
    code, line = key
    if frame.f_code is not code:
        return
    after = _types(frame)
    records = _RECORDS.setdefault(code, {}).setdefault(line, [])
    known = next((r for r in records if r.before == before), None)
    if known is None:
        known = Record(before, after)
        records.append(known)
    for name, text in after.items():         # what was seen first counts
        known.after.setdefault(name, text)
    known.runs += known.last != _runs
    known.last = _runs


def first_run(active):
    """Python is about to run a function for its types (active), or has done so."""
    global _active, _runs
    _active += 1 if active else -1
    _runs += active


def seen(code, line, name, inputs):
    """The type of a variable behind the with statement in that line, when variables that it reads have types: {name: text}."""
    records = _RECORDS.get(code, {}).get(line, ())
    fits = [r for r in records if name in r.after and all(_shape(r.before.get(k)) == _shape(text) for k, text in inputs.items())]
    # The compiler may have other types than Python shows (int or float is float): run twice for nothing, it has to do with those.
    fits = fits or [r for r in records if name in r.after and r.runs > 1]
    return fits[-1].after[name] if fits else None


_SHAPES = {"pyint": "int64", "pyfloat": "float64", "pycomplex": "complex128", "pybool": "bool"}


def _shape(text):
    """The type without what may be otherwise in compiled code: the layout of an array, whether a number is NumPy's."""
    return ",".join(text.split(",")[:2]) if text and text.startswith("array(") else _SHAPES.get(text, text)
