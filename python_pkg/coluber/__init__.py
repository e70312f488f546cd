"""Coluber compiles numeric Python at call time. `from coluber import njit`.

Nothing is imported here: names are found when they are first asked for."""
__version__ = "0.1.0"

_API = {"jit", "njit", "prange", "typeof", "Dispatcher"}
_THREADS = {"get_num_threads", "set_num_threads", "get_thread_id", "threading_layer"}
_MODULES = {"api", "atomic", "threads", "types", "errors", "extending", "inspect", "stencils"}
_ERRORS = {"ColuberError", "TypingError", "UnsupportedError", "LoweringError", "InternalError", "ObjectModeWarning"}


def __getattr__(name):
    if name in _API:
        from . import api as module
    elif name in _THREADS:
        from . import threads as module
    elif name == "stencil":
        from . import stencils as module
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
    return sorted({*globals(), *_API, *_THREADS, "stencil", *_MODULES, *_ERRORS, *types.__all__})
