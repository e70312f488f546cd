"""Stencils: the loops around a kernel, and what `a[di, dj]` in a kernel means.

The kernel is compiled as it stands. Its arrays are views (the intrinsic stencil_view): an array, the place that (0, 0, ...) stands for, how far the
kernel's indices reach, what lies beyond the array. Places from which all indices stay within the arrays make up the inner part, whose loops read
without a test; around it lies the border, two boxes per axis, where indices are mapped into the array, or where nothing is computed at all."""
from coluber.extending import implements
from coluber.lib.intrinsics import (
    address, array_view, assign, cast, dtype_of, empty_array, get, guard, is_array, is_complex, is_integer, is_readonly, put, rounds, static_error,
    stencil_dtype, stencil_reach, stencil_view, tuple_repeat, tuple_set, view_part)
from coluber.lib.numpy._common import as_tuple, copy_of, product

WORK = 8                # of one place, as rounds() counts: some five items are read

# ---- indices


def _offsets(key, ndim):
    """The indices of an access, as a tuple of ints."""
    k = as_tuple(key)
    if len(k) != ndim:
        static_error("a stencil's array needs one index per axis, not ", key)
    _check_integers(k)
    return k


def _check_integers(k):
    if len(k) > 0:
        if not is_integer(k[0]):
            static_error("a stencil's array is indexed by integers, not by ", k[0])
        _check_integers(k[1:])


def _check_reach(k, reach, axis):
    """Constant indices pass without code; others, of loops in the kernel, are tested where the compiler cannot tell."""
    if len(k) > 0:
        low, high = reach[0]
        guard((k[0] >= low) & (k[0] <= high), "StencilIndex", k[0], axis, low, high)
        _check_reach(k[1:], reach[1:], axis + 1)


def _moved(at, k):
    if len(k) == 0:
        return ()
    return (at[0] + k[0],) + _moved(at[1:], k[1:])


def _indices(v, key):
    """The place an access is about; it may be beyond the array."""
    k = _offsets(key, view_part(v, 0).ndim)
    _check_reach(k, view_part(v, 2), 0)
    return _moved(view_part(v, 1), k)


@implements("op:getitem:stencil_inside")
def inside(v, key):
    return get(view_part(v, 0), _indices(v, key))


def _mapped(f, at, shape):
    if len(at) == 0:
        return ()
    return (f(at[0], shape[0]),) + _mapped(f, at[1:], shape[1:])


def _get_mapped(f, v, key):
    a = view_part(v, 0)
    return get(a, _mapped(f, _indices(v, key), a.shape))


def _nearest(i, n):
    return min(max(i, 0), n - 1)


def _wrap(i, n):
    if i >= 0 and i < n:
        return i
    return i % n


def _reflect(i, n):
    """d c b a | a b c d | d c b a"""
    if i >= 0 and i < n:
        return i
    j = i % (2 * n)
    return min(j, 2 * n - 1 - j)


def _mirror(i, n):
    """d c b | a b c d | c b a"""
    if i >= 0 and i < n:
        return i
    j = i % max(2 * n - 2, 1)
    return min(j, 2 * n - 2 - j)


@implements("op:getitem:stencil_nearest")
def nearest(v, key):
    return _get_mapped(_nearest, v, key)


@implements("op:getitem:stencil_wrap")
def wrap(v, key):
    return _get_mapped(_wrap, v, key)


@implements("op:getitem:stencil_reflect")
def reflect(v, key):
    return _get_mapped(_reflect, v, key)


@implements("op:getitem:stencil_mirror")
def mirror(v, key):
    return _get_mapped(_mirror, v, key)


def _is_within(at, shape):
    if len(at) == 0:
        return True
    return (at[0] >= 0) & (at[0] < shape[0]) & _is_within(at[1:], shape[1:])


@implements("op:getitem:stencil_padded")
def padded(v, key):
    a = view_part(v, 0)
    at = _indices(v, key)
    if _is_within(at, a.shape):
        return get(a, at)
    return view_part(v, 3)


# ---- loops

def _view(mode, x, relative, at, reach, padding):
    if not relative or not is_array(x):
        return x
    if mode == "padded":
        return stencil_view(mode, x, at, reach, cast(padding, dtype_of(x)))
    return stencil_view(mode, x, at, reach, None)


def _views(mode, args, relative, at, reach, padding):
    if len(args) == 0:
        return ()
    return (_view(mode, args[0], relative[0], at, reach, padding),) + _views(mode, args[1:], relative[1:], at, reach, padding)


def _fill(kernel, mode, out, args, relative, low, high, at, reach, padding):
    """The places from low to below high; `at` has the indices along the first axes. Several threads share the inner part; edges are short."""
    k = len(at)
    if k == out.ndim:
        put(out, cast(kernel(*_views(mode, args, relative, at, reach, padding)), dtype_of(out)), at)
    elif k == 0 and mode == "inside":
        for i in rounds(high[0] - low[0], WORK * product(out.shape[1:])):
            _fill(kernel, mode, out, args, relative, low, high, (low[0] + i,), reach, padding)
    else:
        for i in range(low[k], high[k]):
            _fill(kernel, mode, out, args, relative, low, high, at + (i,), reach, padding)


def _differences(low, high):
    if len(low) == 0:
        return ()
    return (high[0] - low[0],) + _differences(low[1:], high[1:])


def _bytes_to(at, strides):
    if len(at) == 0:
        return 0
    return at[0] * strides[0] + _bytes_to(at[1:], strides[1:])


def _set_all(a, value):
    for i in range(a.shape[0]):
        if a.ndim == 1:
            put(a, value, i)
        else:
            _set_all(a[i], value)


def _edge(kernel, mode, out, args, relative, low, high, reach, padding):
    if mode != "constant":
        _fill(kernel, mode, out, args, relative, low, high, (), reach, padding)
    elif padding is not None:
        _set_all(array_view(out, _differences(low, high), out.strides, _bytes_to(low, out.strides), "A"), cast(padding, dtype_of(out)))


def _cover(kernel, mode, out, args, relative, low, high, inner_low, inner_high, axis, reach, padding):
    """The box from low to high: what lies below and above the inner part on this axis, then the rest on the axes behind it."""
    if axis == out.ndim:
        _fill(kernel, "inside", out, args, relative, low, high, (), reach, None)
        return
    _edge(kernel, mode, out, args, relative, low, tuple_set(high, axis, inner_low[axis]), reach, padding)
    _edge(kernel, mode, out, args, relative, tuple_set(low, axis, inner_high[axis]), high, reach, padding)
    _cover(kernel, mode, out, args, relative, tuple_set(low, axis, inner_low[axis]), tuple_set(high, axis, inner_high[axis]), inner_low, inner_high,
           axis + 1, reach, padding)


def _inner_low(shape, reach):
    if len(shape) == 0:
        return ()
    return (min(max(-reach[0][0], 0), shape[0]),) + _inner_low(shape[1:], reach[1:])


def _inner_high(shape, reach, low):
    if len(shape) == 0:
        return ()
    return (max(shape[0] - max(reach[0][1], 0), low[0]),) + _inner_high(shape[1:], reach[1:], low[1:])


# ---- arguments

def _check_sizes(small, large):
    if len(small) > 0:
        if small[0] > large[0]:
            raise ValueError("Secondary stencil array has some dimension smaller the same dimension in the first stencil input.")
        _check_sizes(small[1:], large[1:])


def _check_arrays(first, args, relative):
    if len(args) > 0:
        if relative[0] and is_array(args[0]):
            if args[0].ndim != first.ndim:
                raise ValueError("Secondary stencil array does not have same number of dimensions as the first stencil input.")
            _check_sizes(first.shape, args[0].shape)
        _check_arrays(first, args[1:], relative[1:])


def _reach_down(n, stride):
    return min((n - 1) * stride, 0)


def _reach_up(n, stride):
    return max((n - 1) * stride, 0)


def _extreme(f, a, k):
    if k == a.ndim:
        return 0
    return f(a.shape[k], a.strides[k]) + _extreme(f, a, k + 1)


def _overlap(a, b):
    """Do the stretches of memory overlap that the arrays lie in?"""
    first = address(a) + _extreme(_reach_down, a, 0) < address(b) + _extreme(_reach_up, b, 0) + dtype_of(b).itemsize
    second = address(b) + _extreme(_reach_down, b, 0) < address(a) + _extreme(_reach_up, a, 0) + dtype_of(a).itemsize
    return first & second


def _any_overlap(out, args):
    if len(args) == 0:
        return False
    if is_array(args[0]):
        return _overlap(out, args[0]) | _any_overlap(out, args[1:])
    return _any_overlap(out, args[1:])


def _run_into(kernel, out, args, relative, mode, padding, reach):
    low = _inner_low(out.shape, reach)
    high = _inner_high(out.shape, reach, low)
    _cover(kernel, mode, out, args, relative, tuple_repeat(0, out.ndim), out.shape, low, high, 0, reach, padding)


def _known(kernel, probe, neighborhood):
    if neighborhood is None:
        return stencil_reach(kernel, probe)
    return neighborhood


def run(kernel, args, relative, mode, cval, neighborhood, out):
    """A call of a stencil. relative: which arguments are indexed so; cval None: not given; neighborhood None: to be read off the kernel."""
    if len(args) != len(relative):
        raise TypeError(f"the stencil takes {len(relative)} positional arguments but {len(args)} were given")
    if not is_array(args[0]):
        static_error("The first argument to a stencil kernel must be the primary input array.")
    a = args[0]
    if a.ndim == 0:
        static_error("a stencil needs an array of at least one dimension")
    if neighborhood is not None and len(neighborhood) != a.ndim:
        raise ValueError(f"{len(neighborhood)} dimensional neighborhood specified for {a.ndim} dimensional input array")
    _check_arrays(a, args, relative)
    probe = _views("inside", args, relative, tuple_repeat(0, a.ndim), tuple_repeat((0, 0), a.ndim), None)
    reach = _known(kernel, probe, neighborhood)
    d = stencil_dtype(kernel, probe)
    if is_complex(cval) and not is_complex(d):
        static_error("cval type does not match stencil return type.")
    if out is None:
        made = empty_array(a.shape, d)
        if mode == "constant" and cval is None:
            _run_into(kernel, made, args, relative, mode, 0, reach)
        else:
            _run_into(kernel, made, args, relative, mode, cval, reach)
        return made
    _run_out(kernel, a, out, args, relative, mode, cval, reach)
    return out


def _run_out(kernel, a, out, args, relative, mode, cval, reach):
    if not is_array(out) or out.ndim != a.ndim:
        static_error("out has to be an array of as many dimensions as the first argument, not ", out)
    if is_readonly(out):
        raise ValueError("assignment destination is read-only")
    if a.shape != out.shape:
        raise ValueError("out has to be of the shape of the first argument")
    if _any_overlap(out, args):
        apart = copy_of(out, dtype_of(out))
        _run_into(kernel, apart, args, relative, mode, cval, reach)
        assign(out, apart)
    else:
        _run_into(kernel, out, args, relative, mode, cval, reach)
