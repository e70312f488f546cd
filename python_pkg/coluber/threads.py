"""The threads of parallel loops: how many, how rounds are dealt out, what only one of them does at a time, reductions of one's own."""
from . import _coluber

__all__ = ["get_num_threads", "set_num_threads", "get_thread_id", "threading_layer", "parallel_chunksize", "get_parallel_chunksize",
           "set_parallel_chunksize", "critical", "reduction"]


def get_num_threads():
    """How many threads run a parallel loop that this thread enters; inside of one, how many run it.

    Unless set: OMP_NUM_THREADS, or the processors that this process may use (affinity, a container's limit)."""
    return _coluber._num_threads()


def set_num_threads(count):
    """Of the loops that this thread enters from now on; more than there are processors is allowed, up to 1024."""
    _coluber._set_num_threads(count)


def get_thread_id():
    """Inside of a parallel loop the number of the thread, from 0; else 0."""
    return _coluber._thread_number()


def threading_layer():
    """'omp'. Loads OpenMP's runtime if no loop has yet; RuntimeError where there is none."""
    path, found = _coluber._openmp()
    if path is None:
        raise RuntimeError(f"there is no OpenMP runtime: {found}")
    return "omp"


def get_parallel_chunksize():
    """In parts of how many rounds loops that this thread enters are dealt out, where prange says no `chunk`; 0: the runtime decides."""
    return _coluber._chunk_size()


def set_parallel_chunksize(count):
    """Of the loops that this thread enters from now on; returns what it was."""
    before = _coluber._chunk_size()
    _coluber._set_chunk_size(count)
    return before


class parallel_chunksize:
    """with parallel_chunksize(n): the loops that this thread enters inside are dealt out in parts of n rounds. In compiled code, too."""

    def __init__(self, count):
        self.count = count

    def __enter__(self):
        self.before = set_parallel_chunksize(self.count)

    def __exit__(self, kind, value, trace):
        _coluber._set_chunk_size(self.before)


class critical:
    """with critical(): what only one thread of the process does at a time; with critical("name"): one of those that give this name.

    Inside of a prange loop and outside, in compiled code and in Python: it is one lock. A thread that has it may enter it again; an exception
    gives it back. In compiled code the name is a literal."""

    def __init__(self, name=""):
        if not isinstance(name, str):
            raise TypeError(f"the name of critical() is a str, not {type(name).__name__}")
        self.name = name

    def __enter__(self):
        _coluber._critical_enter(self.name)

    def __exit__(self, kind, value, trace):
        _coluber._critical_exit(self.name)


def reduction(op, identity):
    """A reduction of prange loops by a function of two values, which are numbers, tuples of numbers, or arrays:

        farther = coluber.reduction(lambda a, b: a if abs(a) > abs(b) else b, 0.0)

        for i in prange(len(x)):
            most = farther(most, x[i])

    The function has to be associative, and op(a, identity) to be a: each thread begins with the identity, and what they arrive at is combined in
    the order of their rounds (under the schedules 'dynamic' and 'guided' it has to commute). Of arrays the identity is one number for all items, or a
    function that makes it, of the accumulator or of nothing, and all results have the accumulator's shape. In Python, and outside of parallel loops, farther(a, b) is op(a, b)."""
    if not callable(op):
        raise TypeError(f"a reduction is by a function of two values, not by {op!r}")

    def step(accumulator, value):
        return op(accumulator, value)

    step.op, step.identity = op, identity

    step.__module__, step.__qualname__, step.__name__ = "coluber", "reduction.step", "reduction.step"
    return step
