"""The decorators."""
from os import environ

from ._coluber import Dispatcher

__all__ = ["jit", "njit", "prange", "typeof", "Dispatcher"]

_FUNCTION = type(environ.get.__func__)     # the class of Python functions, without importing types


def njit(signature_or_function=None, **options):
    """Compiles a function. Bare, or with a signature (text, object, or a list of them) and options: see `python -m coluber options`."""
    if signature_or_function is None:
        return lambda function: _decorate(function, options, None)
    if isinstance(signature_or_function, (_FUNCTION, Dispatcher)):
        return _decorate(signature_or_function, options, None)
    signatures = _signatures(signature_or_function)
    return lambda function: _decorate(function, options, signatures)


def jit(signature_or_function=None, **options):
    """As njit, but a call that cannot be compiled runs the original function, with one ObjectModeWarning that says why.

    nopython=True: an error instead, as njit. forceobj=True: nothing is compiled. fallback: 'warn', 'silent' or 'error'."""
    if not options.get("nopython"):
        options.setdefault("fallback", "warn")
    return njit(signature_or_function, **options)


def _signatures(given):
    """[(argument type texts, result type text or None), ...]"""
    from . import types
    if callable(given) and not isinstance(given, types.Signature):
        raise TypeError(f"jit takes Python functions, not {type(given).__name__} {given!r}")
    if not isinstance(given, list):
        given = [given]
    signatures = [types.parse_signature(s) for s in given]
    return [(tuple(t.text for t in s.args), s.return_type.text if s.return_type else None) for s in signatures]


def is_disabled():
    """Whether COLUBER_DISABLE_JIT says that decorated functions run in Python."""
    return environ.get("COLUBER_DISABLE_JIT", "0") not in ("", "0")


def _decorate(function, options, signatures):
    if isinstance(function, Dispatcher):
        function = function.py_func
    if is_disabled():
        return function
    if not isinstance(function, _FUNCTION):
        raise TypeError(f"jit takes Python functions, not {type(function).__name__} {function!r}")
    return Dispatcher(function, options, signatures)


_SCHEDULES = (None, "auto", "static", "dynamic", "guided", "runtime")


_REDUCTIONS = (None, "fast", "deterministic")


def prange(*args, schedule=None, chunk=None, num_threads=None, collapse=None, reduction=None):
    """range() whose rounds may run at once, on several threads, under njit(parallel=True). In Python it is range().

    schedule: how rounds are dealt out. 'static': equal parts, or parts of `chunk` rounds in turn; 'dynamic': parts of `chunk` rounds, or as many
    as take some 40 us, to whichever thread is free; 'guided': ever smaller parts, down to `chunk`; 'runtime': as OMP_SCHEDULE says. Without
    one, loops whose rounds take about the same time go in equal parts, others by measured time. num_threads: how many threads take part.
    collapse: so many loops, each directly inside of the one before, are one iteration space. reduction: 'deterministic' gives the same bits for
    any number of threads and any schedule."""
    if reduction not in _REDUCTIONS:
        raise ValueError(f"prange() has no reduction {reduction!r}")
    if schedule not in _SCHEDULES:
        raise ValueError(f"prange() has no schedule {schedule!r}")
    for name, count in (("chunk", chunk), ("num_threads", num_threads), ("collapse", collapse)):
        if count is not None and count < 1:
            raise ValueError(f"{name} of prange() must be at least 1")
    return range(*args)


prange.__module__ = "coluber"


def typeof(value):
    """The type that compiled code sees."""
    from . import types
    return types.typeof(value)
