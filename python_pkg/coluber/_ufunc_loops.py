"""The loops around a user's function that inner loops of ufuncs run, and what compiled code calls for a ufunc. All are compiled as library code.

Which loop runs when: jit/host/numpy_ufunc_loop.h."""
from ._registry import library
from .lib.intrinsics import assign, cast, dtype_of, elementwise, get, is_weak, promote, put, same_type, static_error, tuple_map


@library
def item(x, i):
    return get(x, i)


def map_items(kernel):
    """Items that have nothing to do with each other."""
    @library
    def loop(out, *xs):
        assign(out, elementwise(kernel, *xs), 1)
    return loop


def walk_items(kernel):
    """Items in order, each stored before the next is read."""
    @library
    def loop(out, *xs):
        for i in range(out.shape[0]):
            put(out, cast(kernel(*tuple_map(item, xs, i)), dtype_of(out)), i)
    return loop


def fold_items(kernel):
    """All items into one."""
    @library
    def loop(acc, xs):
        r = get(acc, 0)
        for i in range(xs.shape[0]):
            r = cast(kernel(r, get(xs, i)), dtype_of(acc))
        put(acc, r, 0)
    return loop


# ---- for calls in compiled code

@library
def fits(x, d):
    """Whether a number of x's type becomes one of dtype d without loss, in NumPy's sense."""
    return same_type(promote(x, d), d)


@library
def strong_ones(t):
    if len(t) == 0:
        return ()
    if is_weak(t[0]):
        return strong_ones(t[1:])
    return (t[0],) + strong_ones(t[1:])


@library
def beside(x, t):
    """x as NumPy's number: one of Python's own has the type that it takes beside the others (NEP 50)."""
    if is_weak(x):
        return cast(x, promote(*strong_ones(t), x))
    return x


def _compiled(source, name, space):
    code = compile(source, f"<ufunc {name}>", "exec")
    space["__name__"] = __name__
    exec(code, space)
    return library(space["call"])


def scalar_form(kernel, name, nin, signatures):
    """The function of scalars that a ufunc is in compiled code. signatures: [(input dtypes, output dtype), ...]; None: of any types."""
    xs = [f"x{k}" for k in range(nin)]
    all_xs = ", ".join(xs)
    space = {"kernel": kernel, "cast": cast, "fits": fits, "beside": beside, "static_error": static_error}
    lines = [f"def call({', '.join(xs)}):"]
    if signatures is None:
        lines.append(f"    return kernel({', '.join(f'beside({x}, ({all_xs},))' for x in xs)})")
        return _compiled("\n".join(lines), name, space)
    for number, (inputs, output) in enumerate(signatures):
        names = [f"d{number}_{k}" for k in range(nin)]
        space.update(zip(names, inputs), **{f"r{number}": output})
        lines.append(f"    if {' and '.join(f'fits({x}, {d})' for x, d in zip(xs, names))}:")
        lines.append(f"        return cast(kernel({', '.join(f'cast({x}, {d})' for x, d in zip(xs, names))}), r{number})")
    shown = ", ".join(f'" and ", {x}' if k else x for k, x in enumerate(xs))
    lines.append(f"    static_error({f'the ufunc {name} has no loop for '!r}, {shown})")
    return _compiled("\n".join(lines), name, space)
