"""The threads of parallel loops."""
from . import _coluber

__all__ = ["get_num_threads", "set_num_threads", "get_thread_id", "threading_layer"]


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
