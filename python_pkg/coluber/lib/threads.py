"""Threads of parallel loops, and atomic updates of array items."""
import numpy as np

import coluber.atomic as target
from coluber import threads
from coluber.extending import implements

from .intrinsics import atomic, bitcast, cast, dtype_of, guard, is_integer, same_type, set_thread_count, thread_count, thread_number


@implements(threads.get_num_threads)
def get_num_threads():
    return thread_count()


@implements(threads.set_num_threads)
def set_num_threads(count):
    guard(count >= 1 and count <= 1024, "ThreadCount")
    set_thread_count(count)


@implements(threads.get_thread_id)
def get_thread_id():
    return thread_number()


@implements(target.add)
def add(array, index, value):
    return atomic("add", array, index, value)


@implements(target.sub)
def sub(array, index, value):
    return atomic("sub", array, index, value)


@implements(target.exchange)
def exchange(array, index, value):
    return atomic("xchg", array, index, value)


@implements(target.cas)
def cas(array, index, expected, value):
    return atomic("cas", array, index, expected, value)


# Are they the same bits? 0.0 and -0.0 are not.
def same_bits(a, b):
    if same_type(a, np.float32):
        return bitcast(a, np.int32) == bitcast(b, np.int32)
    return bitcast(a, np.int64) == bitcast(b, np.int64)


@implements(target.min)
def minimum(array, index, value):
    if is_integer(array[index]):
        return atomic("min", array, index, value)
    wanted = cast(value, dtype_of(array))
    old = array[index]
    while wanted < old:
        seen = atomic("cas", array, index, old, wanted)
        if same_bits(seen, old):
            break
        old = seen
    return old


@implements(target.max)
def maximum(array, index, value):
    if is_integer(array[index]):
        return atomic("max", array, index, value)
    wanted = cast(value, dtype_of(array))
    old = array[index]
    while wanted > old:
        seen = atomic("cas", array, index, old, wanted)
        if same_bits(seen, old):
            break
        old = seen
    return old
