"""Teaching Coluber functions: `implements`, and Numba's `overload` family for code that comes from Numba.

    @implements(np.ptp, "method:array.ptp", examples=[lambda np: (np.arange(5.0),)])
    def ptp(a):
        return a.max() - a.min()

The body is the implementation, written in what Coluber compiles. Tests on types (`is_array(a)`, `axis is None`, `a.ndim == 2`) are decided
while compiling, so that one body serves all dtypes and ranks; intrinsics are in coluber.lib.intrinsics."""
from . import _registry


def implements(*targets, elementwise=False, examples=(), library=None):
    """Makes the decorated function the implementation of `targets` in compiled code.

    targets: callables (np.sum, math.sin) or keys ("method:array.sum", "op:add:list,list").
    elementwise: the function takes scalars; calls with arrays apply it element by element, with broadcasting and out=.
    examples: functions of numpy that return a tuple of arguments; the tests call NumPy and Coluber with them and compare.
    """
    def decorate(function):
        lib = function.__module__.startswith("coluber.lib.") if library is None else library
        function.__coluber_implementation__ = _registry.register(targets, function, elementwise, examples, lib)
        return function
    return decorate


def overload(target, **options):
    """Numba's protocol: the decorated function is called with the argument types and returns the function to compile, or None."""
    def decorate(chooser):
        _registry.register_overload(target, chooser)
        return chooser
    return decorate


def _kind(typ):
    from .types import kind_name
    return typ if isinstance(typ, str) else kind_name(typ)


def overload_method(typ, name, **options):
    """As overload, for the method `name` of values of a type."""
    return overload(f"method:{_kind(typ)}.{name}", **options)


def overload_attribute(typ, name, **options):
    """As overload, for the attribute `name` of values of a type."""
    return overload(f"attr:{_kind(typ)}.{name}", **options)


def register_jitable(*args, **options):
    """Marks a function as one that compiled code may call. Nothing has to be done: undecorated functions are compiled on demand."""
    if len(args) == 1 and callable(args[0]) and not options:
        return args[0]
    return lambda function: function
