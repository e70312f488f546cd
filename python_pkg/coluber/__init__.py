"""Coluber compiles numeric Python at call time. `from coluber import njit`.

Nothing is imported here: names are found when they are first asked for."""
__version__ = "0.1.0"

_API = {"jit", "njit", "prange", "typeof", "Dispatcher"}
_OBJMODE = {"objmode"}
_THREADS = {"get_num_threads", "set_num_threads", "get_thread_id", "threading_layer", "parallel_chunksize", "get_parallel_chunksize",
            "set_parallel_chunksize", "critical", "reduction"}
_UFUNCS = {"vectorize", "guvectorize"}
_MODULES = {"api", "atomic", "threads", "types", "errors", "extending", "inspect"}
_ERRORS = {"ColuberError", "TypingError", "UnsupportedError", "LoweringError", "InternalError", "ObjectModeWarning", "RaceError"}


def __getattr__(name):
    if name in _API:
        from . import api as module
    elif name in _OBJMODE:
        from . import _objmode as module
    elif name in _THREADS:
        from . import threads as module
    elif name in _UFUNCS:
        from . import ufuncs as module
    elif name in _MODULES:
        from importlib import import_module
        return import_module(f"coluber.{name}")
    elif name in _ERRORS:
        from . import errors as module
    elif name.startswith("__"):
        raise AttributeError(f"module 'coluber' has no attribute {name!r}")
    else:
        from . import types as module
        if name not in module.__all__:
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
    return sorted({*globals(), *_API, *_OBJMODE, *_THREADS, *_UFUNCS, *_MODULES, *_ERRORS, *types.__all__})
