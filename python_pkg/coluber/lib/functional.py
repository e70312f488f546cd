"""functools.reduce."""
import functools

from coluber.extending import implements

from .intrinsics import is_tuple


@implements(functools.reduce)
def reduce(function, iterable, *initial):
    if is_tuple(iterable):
        if len(initial) == 1:
            return _reduce_tuple(function, initial[0], iterable)
        if len(iterable) == 0:
            raise TypeError("reduce() of empty iterable with no initial value")
        return _reduce_tuple(function, iterable[0], iterable[1:])
    if len(initial) == 1:
        return _reduce_from(function, initial[0], iterable, 0)
    if len(iterable) == 0:
        raise TypeError("reduce() of empty iterable with no initial value")
    return _reduce_from(function, iterable[0], iterable, 1)


def _reduce_from(function, value, items, start):
    for i in range(start, len(items)):
        value = function(value, items[i])
    return value


def _reduce_tuple(function, value, items):
    if len(items) == 0:
        return value
    return _reduce_tuple(function, function(value, items[0]), items[1:])
