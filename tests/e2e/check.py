"""Differential checks: the same call in CPython and compiled."""
import copy
import math
import struct
import threading

import numpy as np

from coluber import njit

_compiled = {}


def compiled(f):
    """f compiled; once per function."""
    if f not in _compiled:
        _compiled[f] = njit(f, cache=False)
    return _compiled[f]


def outcome(f, args, kwargs):
    """("value", result) or ("raises", class, message), and the arguments afterwards."""
    args = copy.deepcopy(args)
    kwargs = copy.deepcopy(kwargs)
    try:
        with np.errstate(all="ignore"):
            return ("value", f(*args, **kwargs)), args
    except Exception as e:                     # noqa: BLE001 - any exception is an outcome
        return ("raises", type(e), str(e)), args


def exact(x):
    """A value that is equal for values of equal types and bits, nans being one value."""
    if isinstance(x, np.ndarray):
        return ("array", x.dtype.str, x.shape, tuple(exact(i) for i in x.ravel().tolist()))
    if isinstance(x, np.generic):
        x = x.item()
    if isinstance(x, float):
        return ("float", "nan" if math.isnan(x) else struct.pack("d", x))
    if isinstance(x, complex):
        return ("complex", exact(x.real), exact(x.imag))
    if isinstance(x, (tuple, list)):
        return (type(x).__name__, tuple(exact(i) for i in x))
    return (type(x).__name__, repr(x))


def close(x, y, ulps):
    """As equality of exact(), with floats a few units in the last place apart."""
    if isinstance(x, np.ndarray) and isinstance(y, np.ndarray):
        return x.dtype == y.dtype and x.shape == y.shape and close(x.ravel().tolist(), y.ravel().tolist(), ulps)
    if isinstance(x, (tuple, list)) and type(x) is type(y):
        return len(x) == len(y) and all(close(a, b, ulps) for a, b in zip(x, y))
    if isinstance(x, complex) and isinstance(y, complex):
        gap, size = abs(x - y), abs(x)
        if math.isfinite(size) and math.isfinite(gap):
            return gap <= ulps * max(math.ulp(size), 5e-324)
        return close([x.real, x.imag], [y.real, y.imag], ulps)
    if isinstance(x, float) and isinstance(y, float) and math.isfinite(x) and math.isfinite(y):
        return abs(x - y) <= ulps * math.ulp(x)
    return exact(x) == exact(y)


def same(f, *args, ulps=0, message=True, **kwargs):
    """Asserts that f gives the same in CPython and compiled. ulps: by how much floats may differ; message: whether messages count."""
    want, args_want = outcome(f, args, kwargs)
    got, args_got = outcome(compiled(f), args, kwargs)
    shown = f"{f.__name__}{short(args)}{kwargs or ''}: CPython {short(want)}, compiled {short(got)}"
    assert want[0] == got[0], shown
    if want[0] == "raises":
        assert want[1] is got[1], shown
        assert not message or want[2] == got[2], shown
        return
    if ulps:
        assert close(unboxed(want[1]), unboxed(got[1]), ulps), shown
    else:
        assert exact(want[1]) == exact(got[1]), shown
    assert exact(list(args_want)) == exact(list(args_got)), f"arguments afterwards: {short(args_want)}, compiled {short(args_got)}; {shown}"


def same_values(want, got):
    """Asserts that two results are of one type and dtype, and equal to the bit."""
    assert type(want) is type(got), (want, got)
    assert getattr(want, "dtype", None) == getattr(got, "dtype", None), (want.dtype, got.dtype)
    assert exact(np.asarray(want)) == exact(np.asarray(got)), (want, got)


def short(x):
    text = " ".join(repr(x).split())
    return text if len(text) < 500 else text[:500] + "..."


def unboxed(x):
    return x.item() if isinstance(x, np.generic) else tuple(map(unboxed, x)) if isinstance(x, tuple) else x


def made(source, **names):
    """The function that `source` (one def) defines, with `names` as its globals."""
    space = dict(names)
    exec(compile(source, "<made>", "exec"), space)
    return next(v for k, v in space.items() if k not in names and callable(v))


def same_outcome(f, *args, **options):
    """The outcome of f compiled is that of f in Python, with the arguments as they are afterwards; twice, since a first run compiles."""
    function = njit(cache=False, **options)(f)
    for _ in range(2):
        want, after = outcome(f, args, {})
        got, left = outcome(function, args, {})
        assert (got[0], exact(got[1])) == (want[0], exact(want[1])), (got, want)
        assert exact(left) == exact(after)
    return function


def in_threads(count, work):
    """work(k) of `count` Python threads at once, for k from 0; asserts that none raises."""
    failures = []

    def run(k):
        try:
            work(k)
        except BaseException as e:             # noqa: BLE001 - an assertion in a thread would be lost
            failures.append(e)
    threads = [threading.Thread(target=run, args=(k,)) for k in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures, failures
