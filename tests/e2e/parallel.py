"""What the tests of parallel loops share."""
import contextlib
import copy
import io

import numpy as np
from check import close, exact, outcome, short, unboxed

from coluber import get_num_threads, njit, set_num_threads

_compiled = {}


def compiled(f, **options):
    key = (f, *options.items())
    if key not in _compiled:
        _compiled[key] = njit(f, parallel=True, cache=False, **options)
    return _compiled[key]


@contextlib.contextmanager
def on_threads(count):
    """So many threads run the parallel loops inside; behind it as many as before."""
    before = get_num_threads()
    set_num_threads(count)
    try:
        yield
    finally:
        set_num_threads(before)


def loops(f, signature=None, kind="prange"):
    """What parallel_diagnostics says of a compiled function; kind None: of array expressions and library functions, too."""
    with contextlib.redirect_stdout(io.StringIO()):
        found = f.parallel_diagnostics(signature)
    found = found if isinstance(found, list) else next(iter(found.values()))
    return [loop for loop in found if kind is None or loop.kind == kind]


def agree(f, *args, ulps=0, parallel=None, unproved=False, **options):
    """The same in CPython and on several threads; scalars and arrays by their bits, or within `ulps`. parallel: how many loops have to be so.
    unproved: the compiler does not know whether rounds collide; they do not."""
    g = compiled(f, **options)
    want, args_want = outcome(f, args, {})
    got, args_got = outcome(g, args, {})
    shown = f"{f.__name__}{short(args)}: CPython {short(want)}, compiled {short(got)}"
    assert want[:2] == got[:2] if want[0] == "raises" else want[0] == got[0], shown
    if want[0] == "raises":
        assert want[2] == got[2], shown
    else:
        assert close(unboxed(want[1]), unboxed(got[1]), ulps) if ulps else exact(want[1]) == exact(got[1]), shown
    for a, b in zip(args_want, args_got):
        same = close(a, b, ulps) if ulps and isinstance(a, np.ndarray) else exact(a) == exact(b)
        assert same, f"arguments afterwards: {short(args_want)}, compiled {short(args_got)}; {shown}"
    if parallel is not None:
        found = loops(g)
        assert sum(loop.parallel for loop in found) == parallel, found
        assert any(loop.unproved for loop in found) == unproved, found


def copies(*args):
    return copy.deepcopy(args)
