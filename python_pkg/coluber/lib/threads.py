"""Threads of parallel loops, what only one of them does at a time, and atomic updates of array items."""
import numpy as np

import coluber.atomic as target
from coluber import threads
from coluber.extending import implements

from .intrinsics import (atomic, bitcast, cast, chunk_size, critical_enter, critical_exit, dtype_of, guard, is_integer, manager, part, same_type,
                         set_chunk_size, set_thread_count, text_hash, thread_count, thread_number)


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


# array[index] = value where that is less (or greater), of floats; ints have an instruction.
def swap_where(less, array, index, value):
    wanted = cast(value, dtype_of(array))
    old = array[index]
    while wanted < old if less else wanted > old:
        seen = atomic("cas", array, index, old, wanted)
        if same_bits(seen, old):
            break
        old = seen
    return old


@implements(target.min)
def minimum(array, index, value):
    if is_integer(array[index]):
        return atomic("min", array, index, value)
    return swap_where(True, array, index, value)


@implements(target.max)
def maximum(array, index, value):
    if is_integer(array[index]):
        return atomic("max", array, index, value)
    return swap_where(False, array, index, value)


@implements(threads.get_parallel_chunksize)
def get_parallel_chunksize():
    return chunk_size()


@implements(threads.set_parallel_chunksize)
def set_parallel_chunksize(count):
    guard(count >= 0, "ChunkSize")
    before = chunk_size()
    set_chunk_size(count)
    return before


@implements(threads.parallel_chunksize)
def parallel_chunksize(count):
    guard(count >= 0, "ChunkSize")
    return manager("chunks", count, chunk_size())


@implements("method:with_chunks.__enter__")
def enter_chunks(self):
    set_chunk_size(part(self, 0))


@implements("method:with_chunks.__exit__")
def exit_chunks(self, kind, value, trace):
    set_chunk_size(part(self, 1))


@implements(threads.critical)
def critical(name=""):
    return manager("critical", text_hash(name))


@implements("method:with_critical.__enter__")
def enter_critical(self):
    critical_enter(part(self, 0))


@implements("method:with_critical.__exit__")
def exit_critical(self, kind, value, trace):
    critical_exit(part(self, 0))
