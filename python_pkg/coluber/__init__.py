"""Coluber compiles numeric Python at call time. `from coluber import njit`.

Nothing is imported here: names are found when they are first asked for."""
__version__ = "0.1.0"

_NAMES = {                                              # in which module
    **dict.fromkeys(("jit", "njit", "prange", "typeof", "Dispatcher"), "api"),
    **dict.fromkeys(("get_num_threads", "set_num_threads", "get_thread_id", "threading_layer", "parallel_chunksize", "get_parallel_chunksize",
                     "set_parallel_chunksize", "critical", "reduction"), "threads"),
    **dict.fromkeys(("ColuberError", "TypingError", "UnsupportedError", "LoweringError", "InternalError", "ObjectModeWarning", "RaceError"), "errors"),
    "objmode": "_objmode", "vectorize": "ufuncs", "guvectorize": "ufuncs", "stencil": "stencils",
}
_MODULES = {"api", "atomic", "threads", "types", "errors", "extending", "inspect"}


def __getattr__(name):
    from importlib import import_module
    if name in _MODULES:
        return import_module(f"coluber.{name}")
    if name.startswith("__"):
        raise AttributeError(f"module 'coluber' has no attribute {name!r}")
    module = import_module(f"coluber.{_NAMES.get(name, 'types')}")
    if name not in _NAMES and name not in module.__all__:
        raise AttributeError(f"module 'coluber' has no attribute {name!r}")
    value = getattr(module, name)
    globals()[name] = value
    return value


def load_ipython_extension(shell):
    """%load_ext coluber"""
    from .annotate.magic import load
    load(shell)


def __dir__():
    from . import types
    return sorted({*globals(), *_NAMES, *_MODULES, *types.__all__})
