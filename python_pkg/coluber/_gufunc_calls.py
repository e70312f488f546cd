"""Generalised ufuncs in compiled code: the function that a call of one becomes, written from its layout."""
from ._registry import Implementation, library
from ._ufunc_loops import _compiled, fits
from .lib.intrinsics import array_view, assign, cast, dtype_of, empty_array, get, is_array, same_type, static_error, tuple_map
from .lib.numpy._broadcast import joined_shape, stretched
from .lib.numpy._common import as_array, copy_of


@library
def items(x, d):
    """An operand as an array of the loop's dtype."""
    if not is_array(x):
        return as_array(cast(x, d))
    if same_type(dtype_of(x), d):
        return x
    return copy_of(x, d)


@library
def outer_shape(a, core):
    return a.shape[:a.ndim - core]


@library
def joined(s, t):
    return joined_shape(s, t, ValueError, "operands could not be broadcast together")


@library
def check_core(have, want, text):
    if have != want:
        raise ValueError(text)


@library
def returned(o, r):
    """Results go into the caller's array when they are complete: it may overlap the inputs."""
    if o is None:
        if r.ndim == 0:
            return get(r, ())
        return r
    if o.ndim != r.ndim:
        static_error("the output of a generalised ufunc has ", o.ndim, " dimensions, its result ", r.ndim)
    for k in range(r.ndim):
        if o.shape[k] != r.shape[k]:
            raise ValueError("the output of a generalised ufunc has another shape than its result")
    assign(o, r)
    return o


@library
def _row(a, i):
    if a.ndim == 1:
        return array_view(a, (), (), i * a.strides[0], "C")
    return a[i]


@library
def _argument(a):
    if a.ndim == 0:
        return get(a, ())
    return a


@library
def _place(a):
    if a.ndim == 0:
        return array_view(a, (1,), (), 0, "C")
    return a


@library
def rounds(kernel, ins, outs, left):
    if left == 0:
        kernel(*tuple_map(_argument, ins), *tuple_map(_place, outs))
    else:
        for i in range((outs + ins)[0].shape[0]):
            rounds(kernel, tuple_map(_row, ins, i), tuple_map(_row, outs, i), left - 1)


_NAMES = {"items": items, "outer_shape": outer_shape, "joined": joined, "check_core": check_core, "returned": returned, "rounds": rounds, "fits": fits,
          "stretched": stretched, "empty_array": empty_array, "dtype_of": dtype_of, "static_error": static_error}


def _one_loop(name, layout, indent):
    """The text behind the choice of a loop: a0, a1, ... are the inputs, q0, ... the dtypes of the outputs."""
    sizes, lines = {}, []
    for k, core in enumerate(layout.inputs):
        for place, dim in enumerate(core):
            size = f"a{k}.shape[a{k}.ndim - {len(core) - place}]"
            frozen = layout.names[dim].isdigit()
            if dim not in sizes:
                lines.append(f"n{dim} = {layout.names[dim] if frozen else size}")
                sizes[dim] = True
                if not frozen:
                    continue
            lines.append(f"check_core({size}, n{dim}, {f'{name}(): input {k + 1} has another size of core dimension {layout.names[dim]}'!r})")
    for dim, label in enumerate(layout.names):
        if dim not in sizes:
            lines.append(f"n{dim} = {label}" if label.isdigit() else f"static_error({f'{name}(): no input has the core dimension {label}: call it outside of compiled code'!r})")
    outer = "()"
    for k, core in enumerate(layout.inputs):
        outer = f"joined({outer}, outer_shape(a{k}, {len(core)}))"
    lines.append(f"outer = {outer}")
    for k, core in enumerate(layout.outputs):
        lines.append(f"r{k} = empty_array(outer + ({''.join(f'n{d}, ' for d in core)}), q{k})")
    ins = "".join(f"stretched(a{k}, outer + a{k}.shape[a{k}.ndim - {len(core)}:]), " for k, core in enumerate(layout.inputs))
    lines.append(f"rounds(kernel, ({ins}), ({''.join(f'r{k}, ' for k in range(len(layout.outputs)))}), len(outer))")
    results = [f"returned(o{k}, r{k})" for k in range(len(layout.outputs))]
    lines.append(f"return {results[0] if len(results) == 1 else ', '.join(results)}")
    return [indent + line for line in lines]


def core_form(kernel, name, layout, signatures):
    """signatures: [(input dtypes, output dtypes)]; None: the operands say, and outputs have to be passed."""
    nin, nout = len(layout.inputs), len(layout.outputs)
    space = {"kernel": kernel, **_NAMES}
    lines = [f"def call({', '.join([f'x{k}' for k in range(nin)] + [f'o{k}=None' for k in range(nout)])}):"]
    if signatures is None:
        lines += [f"    a{k} = items(x{k}, dtype_of(x{k}))" for k in range(nin)]
        lines += [f"    if o{k} is None:\n        static_error({f'{name}() has no signatures: pass its outputs'!r})\n    q{k} = dtype_of(o{k})" for k in range(nout)]
        return _compiled("\n".join(lines + _one_loop(name, layout, "    ")), name, space)
    for s, (inputs, outputs) in enumerate(signatures):
        space.update({f"d{s}_{k}": d for k, d in enumerate(inputs)}, **{f"q{s}_{k}": d for k, d in enumerate(outputs)})
        lines.append(f"    if {' and '.join(f'fits(x{k}, d{s}_{k})' for k in range(nin))}:")
        lines += [f"        a{k} = items(x{k}, d{s}_{k})" for k in range(nin)] + [f"        q{k} = q{s}_{k}" for k in range(nout)]
        lines += _one_loop(name, layout, "        ")
    shown = ", ".join(f'" and ", x{k}' if k else f"x{k}" for k in range(nin))
    lines.append(f"    static_error({f'the ufunc {name} has no loop for '!r}, {shown})")
    return _compiled("\n".join(lines), name, space)


def implementation(info):
    """The row of the registry for a generalised ufunc; None for those that compiled code cannot call."""
    if info.writable or not info.nout or info.arrays_of_one:
        return None
    return Implementation(core_form(info.kernel, info.name, info.layout, info.dtypes or None), False, (), (), True)
