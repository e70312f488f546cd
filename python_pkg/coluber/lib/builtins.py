"""Builtin functions over iterables. Those that need the compiler (len, range, zip, isinstance, ...) are in typing/builtins.cc."""
import builtins
import sys

from coluber.extending import implements

from .intrinsics import is_array, is_complex, is_float, is_homogeneous, is_none, is_number, is_tuple, is_weak, item, list_new, list_push
from .intrinsics import math as native
from .intrinsics import math_bool, select, static_error, tuple_map, zero_item
from .lists import new_like, sort_list

COMPENSATED = sys.version_info >= (3, 12)              # sum() of floats keeps the rounding errors since 3.12
NEW_EMPTY_MESSAGE = sys.version_info >= (3, 12)


# ---- sum

def plain_sum(iterable, start):
    r = start
    for x in iterable:
        r = r + x
    return r


def compensated_sum(iterable, start):
    """Neumaier's sum: the rounding error of each addition is added up apart."""
    r = float(start)
    c = 0.0
    for x in iterable:
        t = r + x
        c += select(native("fabs", r) >= native("fabs", x), (r - t) + x, (x - t) + r)
        r = t
    if c != 0.0 and math_bool("isfinite", c):
        r += c
    return r


def sum_from(t, k, r, c):
    """The sum of the items of a tuple from number k on; c: the compensation so far."""
    if k == len(t):
        if COMPENSATED and is_float(r) and is_weak(r):
            if c != 0.0 and math_bool("isfinite", c):
                return r + c
        return r
    x = t[k]
    s = r + x
    if COMPENSATED and is_float(x) and is_weak(x) and is_float(s) and is_weak(s):
        return sum_from(t, k + 1, s, c + select(native("fabs", float(r)) >= native("fabs", x), (r - s) + x, (x - s) + r))
    return sum_from(t, k + 1, s, c)


@implements(builtins.sum)
def builtin_sum(iterable, start=0):
    if is_tuple(iterable):
        if not is_homogeneous(iterable) or len(iterable) == 0:
            return sum_from(iterable, 0, start, 0.0)
    if is_array(iterable):
        if iterable.ndim > 1:
            r = start + iterable[0]
            for k in range(1, len(iterable)):
                r = r + iterable[k]
            return r
    if COMPENSATED and is_number(start):
        zero = zero_item(iterable)
        if is_float(zero) and is_weak(zero) and is_weak(start) and not is_complex(start):
            return compensated_sum(iterable, start)
    return plain_sum(iterable, start)


# ---- any, all

def truth_of(x):
    return bool(x)


@implements(builtins.any)
def builtin_any(iterable):
    if is_tuple(iterable):
        if len(iterable) == 0:
            return False
        if not is_homogeneous(iterable):
            return builtin_any(tuple_map(truth_of, iterable))
    for x in iterable:
        if x:
            return True
    return False


@implements(builtins.all)
def builtin_all(iterable):
    if is_tuple(iterable):
        if len(iterable) == 0:
            return True
        if not is_homogeneous(iterable):
            return builtin_all(tuple_map(truth_of, iterable))
    for x in iterable:
        if not x:
            return False
    return True


# ---- min, max

def raise_empty_min():
    if NEW_EMPTY_MESSAGE:
        raise ValueError("min() iterable argument is empty")
    raise ValueError("min() arg is an empty sequence")


def raise_empty_max():
    if NEW_EMPTY_MESSAGE:
        raise ValueError("max() iterable argument is empty")
    raise ValueError("max() arg is an empty sequence")


def least(iterable):
    """The first least item of an iterable that is not empty."""
    best = item(iterable, 0)
    for k in range(1, len(iterable)):
        x = item(iterable, k)
        if x < best:
            best = x
    return best


def greatest(iterable):
    best = item(iterable, 0)
    for k in range(1, len(iterable)):
        x = item(iterable, k)
        if x > best:
            best = x
    return best


@implements("builtin:min_iter")
def min_iter(iterable):
    if len(iterable) == 0:
        raise_empty_min()
    return least(iterable)


@implements("builtin:max_iter")
def max_iter(iterable):
    if len(iterable) == 0:
        raise_empty_max()
    return greatest(iterable)


def least_by(iterable, key):
    best = item(iterable, 0)
    best_key = key(best)
    for k in range(1, len(iterable)):
        x = item(iterable, k)
        x_key = key(x)
        if x_key < best_key:
            best = x
            best_key = x_key
    return best


def greatest_by(iterable, key):
    best = item(iterable, 0)
    best_key = key(best)
    for k in range(1, len(iterable)):
        x = item(iterable, k)
        x_key = key(x)
        if x_key > best_key:
            best = x
            best_key = x_key
    return best


@implements("builtin:min_kw")
def min_kw(*args, key=None, default=...):
    if len(args) > 1:
        if default is not ...:
            static_error("Cannot specify a default for min() with multiple positional arguments")
        if is_none(key):
            return least(args)
        return least_by(args, key)
    iterable = args[0]
    if len(iterable) == 0:
        if default is not ...:
            return default
        raise_empty_min()
    if is_none(key):
        return least(iterable)
    return least_by(iterable, key)


@implements("builtin:max_kw")
def max_kw(*args, key=None, default=...):
    if len(args) > 1:
        if default is not ...:
            static_error("Cannot specify a default for max() with multiple positional arguments")
        if is_none(key):
            return greatest(args)
        return greatest_by(args, key)
    iterable = args[0]
    if len(iterable) == 0:
        if default is not ...:
            return default
        raise_empty_max()
    if is_none(key):
        return greatest(iterable)
    return greatest_by(iterable, key)


# ---- list, sorted, filter

@implements("builtin:list")
def list_of(iterable):
    if is_tuple(iterable):
        return [*iterable]
    r = new_like(iterable)
    for x in iterable:
        list_push(r, x)
    return r


@implements(builtins.sorted)
def builtin_sorted(iterable, *, key=None, reverse=False):
    r = list_of(iterable)
    sort_list(r, key, reverse)
    return r


@implements(builtins.filter)
def builtin_filter(function, iterable):
    """A list, made at once: what compiled code takes for the iterator."""
    r = list_new(zero_item(iterable), 0)
    for x in iterable:
        if is_none(function):
            if x:
                list_push(r, x)
        elif function(x):
            list_push(r, x)
    return r
