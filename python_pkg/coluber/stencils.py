"""The decorator stencil."""
from . import api
from ._coluber import Dispatcher
from ._registry import library
from .lib import stencils as loops

__all__ = ["stencil"]

# As users write them: Numba's 'constant', which computes nothing at the border, and the modes of scipy.ndimage's filters.
_MODES = {"constant": "constant", "nearest": "nearest", "reflect": "reflect", "mirror": "mirror", "wrap": "wrap",
          "grid-constant": "padded", "grid-mirror": "reflect", "grid-wrap": "wrap"}


def stencil(func_or_mode="constant", *, mode=None, neighborhood=None, standard_indexing=None, cval=None, **options):
    """Makes a function of an array's neighbourhood one of the whole array.

        @stencil
        def mean(a):
            return 0.25 * (a[0, 1] + a[1, 0] + a[0, -1] + a[-1, 0])

    The kernel's arrays are indexed relative to the place that is computed, but for those named in standard_indexing. The result has the shape of
    the first argument and the dtype of what the kernel returns; `out=` at the call names an array for it. How far indices reach is read off the
    kernel where they are constants, else neighborhood=((-1, 1), ...) says so, a pair for each axis.

    mode: what happens where indices leave the array. 'constant': the result is cval there (0; in `out` it stays what it was, if no cval is
    given). 'nearest', 'reflect', 'mirror', 'wrap': they are mapped into the array; 'grid-constant': items there are cval. These are the modes
    of scipy.ndimage, whose 'constant' is 'grid-constant' here.

    Further options are those of njit: parallel=True, fastmath=..., of calls from Python. Within compiled code the caller's count."""
    if callable(func_or_mode):
        return _make(func_or_mode, mode or "constant", neighborhood, standard_indexing, cval, options)
    mode = mode or func_or_mode
    _check_mode(mode)
    return lambda kernel: _make(kernel, mode, neighborhood, standard_indexing, cval, options)


def _check_mode(mode):
    if mode not in _MODES:
        raise ValueError(f"stencil() has no mode {mode!r}: the modes are {', '.join(map(repr, _MODES))}")


def _make(kernel, mode, neighborhood, standard_indexing, cval, options):
    _check_mode(mode)
    plain = kernel.py_func if isinstance(kernel, Dispatcher) else kernel
    if not hasattr(plain, "__code__"):
        raise TypeError(f"stencil takes Python functions, not {type(kernel).__name__} {kernel!r}")
    relative = _relative(plain, standard_indexing)
    if neighborhood is not None:
        neighborhood = tuple((int(low), int(high)) for low, high in neighborhood)
    if cval is None and mode == "grid-constant":
        cval = 0
    if api.is_disabled():
        return _interpreted(plain, relative, _MODES[mode], cval, neighborhood)
    driver = _driver(plain, relative, _MODES[mode], cval, neighborhood)
    for name in ("__name__", "__qualname__", "__module__", "__doc__"):
        setattr(driver, name, getattr(plain, name))
    # What the driver does is the library's business: places and tracebacks are those of the kernel, the option parallel is the caller's.
    driver.__code__ = driver.__code__.replace(co_name=plain.__name__, co_filename=loops.__file__)
    return api.njit(library(driver), **options)


def _driver(kernel, relative, mode, cval, neighborhood):
    run = loops.run

    def driver(*args, out=None):
        return run(kernel, args, relative, mode, cval, neighborhood, out)
    return driver


def _relative(kernel, standard_indexing):
    """Which parameters are indexed relatively, if they are arrays."""
    code = kernel.__code__
    names = code.co_varnames[:code.co_argcount]
    standard = (standard_indexing,) if isinstance(standard_indexing, str) else tuple(standard_indexing or ())
    if not names or code.co_kwonlyargcount or code.co_flags & 12:
        raise TypeError(f"the stencil {kernel.__name__}() needs positional parameters, the first one for an array, and no others")
    for name in standard:
        if name not in names:
            raise ValueError(f"Standard indexing requested for an array name not present in the stencil kernel definition: {name!r}")
    if names[0] in standard:
        raise ValueError("The first argument to a stencil kernel must use relative indexing, not standard indexing.")
    return tuple(name not in standard for name in names)


# ---- without the compiler (COLUBER_DISABLE_JIT)

class _Relative:
    """An array as the kernel sees it from a place."""

    def __init__(self, array, mode, cval):
        self.array, self.mode, self.cval, self.at = array, mode, cval, None

    def __getitem__(self, key):
        index = []
        for i, k, n in zip(self.at, key if isinstance(key, tuple) else (key,), self.array.shape, strict=True):
            i += k
            if not 0 <= i < n:
                if self.mode == "padded":
                    return self.array.dtype.type(self.cval)
                i = getattr(loops, "_" + self.mode)(i, n)
            index.append(i)
        return self.array[tuple(index)]


class _Recorder:
    """Finds out how far indices reach, by running the kernel once at a place where all of them can be read."""

    def __init__(self, array):
        self.array, self.reach = array, [[0, 0] for _ in array.shape]

    def __getitem__(self, key):
        for ends, k in zip(self.reach, key if isinstance(key, tuple) else (key,), strict=True):
            ends[:] = min(ends[0], k), max(ends[1], k)
        return self.array.dtype.type(1)


def _interpreted(kernel, relative, mode, cval, neighborhood):
    def call(*args, out=None):
        import numpy as np
        first = args[0]
        arrays = [r and isinstance(x, np.ndarray) for r, x in zip(relative, args, strict=True)]
        recorders = [_Recorder(x) if a else x for a, x in zip(arrays, args)]
        sample = np.asarray(kernel(*recorders))
        found = [r.reach for r, a in zip(recorders, arrays) if a]
        reach = neighborhood or [(min(f[k][0] for f in found), max(f[k][1] for f in found)) for k in range(first.ndim)]
        views = [_Relative(x, mode, cval) if a else x for a, x in zip(arrays, args)]
        result = np.zeros(first.shape, sample.dtype) if out is None else out.copy()
        if mode == "constant" and (out is None or cval is not None):
            result[...] = cval or 0
        inner = [(max(-low, 0), n - max(high, 0)) for (low, high), n in zip(reach, first.shape)]
        for at in np.ndindex(first.shape):
            if mode == "constant" and not all(low <= i < high for i, (low, high) in zip(at, inner)):
                continue
            for v, a in zip(views, arrays):
                if a:
                    v.at = at
            result[at] = kernel(*views)
        if out is None:
            return result
        out[...] = result
        return out
    call.__wrapped__ = kernel
    return call
