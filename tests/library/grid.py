"""Runs an example of a library function in NumPy and in Coluber and compares: value, dtype, shape, exception class.

Arrays, lists and floats of an example become parameters of a small function; integers, strings, None, dtypes and tuples of those stand in its
text, since a literal axis decides the type of the result."""
import warnings

import coluber
import numpy as np

LITERALS = (int, str, type(None), bool, type, np.dtype)
EXACT = {"sum", "prod", "mean", "min", "max", "cumsum", "cumprod", "linspace", "arange", "histogram", "median", "diff", "clip", "where"}


def is_literal(x):
    return isinstance(x, LITERALS) or isinstance(x, tuple) and all(is_literal(i) for i in x)


def text_of(x, names):
    """The source text of a literal; classes and dtypes by a name of the namespace."""
    if isinstance(x, tuple):
        return "(" + "".join(text_of(i, names) + ", " for i in x) + ")"
    if isinstance(x, (type, np.dtype)):
        name = f"t{len(names)}"
        names[name] = x
        return name
    return repr(x)


def function_for(target, args):
    """(a Python function of the arguments that are no literals, those arguments)."""
    names = {"np": np, "target": target}
    params, parts, values = [], [], []
    for a in args:
        if is_literal(a):
            parts.append(text_of(a, names))
        else:
            params.append(f"a{len(params)}")
            parts.append(params[-1])
            values.append(a)
    if isinstance(target, str):
        call = f"{parts[0]}.{target}({', '.join(parts[1:])})"
    else:
        call = f"target({', '.join(parts)})"
    exec(f"def example({', '.join(params)}):\n    return {call}\n", names)
    return names["example"], values


def copied(values):
    return [v.copy(order="K") if isinstance(v, np.ndarray) and v.flags.writeable and v.flags.forc else v for v in values]


def outcome(f, values):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return f(*copied(values)), None
        except Exception as e:
            return None, e



def same(want, got, exact, where="result"):
    """None, or what differs."""
    if isinstance(want, (tuple, list)):
        if not isinstance(got, type(want)) and not isinstance(got, (tuple, list)):
            return f"{where}: {type(want).__name__} expected, {type(got).__name__} came"
        if len(want) != len(got):
            return f"{where}: {len(want)} items expected, {len(got)} came"
        for k, (w, g) in enumerate(zip(want, got)):
            problem = same(w, g, exact, f"{where}[{k}]")
            if problem:
                return problem
        return None
    if want is None or isinstance(want, str):
        return None if want == got else f"{where}: {want!r} expected, {got!r} came"
    w, g = np.asarray(want), np.asarray(got)
    if isinstance(want, np.ndarray) and want.ndim and not isinstance(got, np.ndarray):
        return f"{where}: an array expected, {type(got).__name__} came"
    if w.shape != g.shape:
        return f"{where}: shape {w.shape} expected, {g.shape} came"
    if isinstance(want, np.ndarray) and isinstance(got, np.ndarray) and w.dtype != g.dtype:
        return f"{where}: dtype {w.dtype} expected, {g.dtype} came"
    if w.dtype.kind.replace("u", "i") != g.dtype.kind.replace("u", "i"):
        return f"{where}: kind {w.dtype} expected, {g.dtype} came"
    if exact or w.dtype.kind in "biu":
        equal = np.array_equal(w, g, equal_nan=w.dtype.kind in "fc")
    else:
        single = w.dtype.itemsize <= (8 if w.dtype.kind == "c" else 4)
        scale = np.max(np.abs(w[np.isfinite(w)]), initial=0)
        equal = np.allclose(w, g, rtol=2e-5 if single else 1e-12, atol=scale * (1e-5 if single else 1e-13), equal_nan=True)
    return None if equal else f"{where}: {want!r} expected, {got!r} came"


def compare(target, args, exact=False, unsupported=False):
    """None, or what differs between NumPy and Coluber for these arguments. unsupported: a clear refusal is fine too."""
    f, values = function_for(target, args)
    want, error = outcome(f, values)
    got, our_error = outcome(coluber.njit(f), values)
    if error is not None:
        if our_error is None:
            return f"{type(error).__name__} expected ({error}), {got!r} came"
        static = isinstance(our_error, coluber.errors.TypingError) and isinstance(error, TypeError)
        if not static and not isinstance(our_error, (type(error), *type(error).__bases__)):
            return f"{type(error).__name__} expected ({error}), {type(our_error).__name__} came ({our_error})"
        return None
    if np.asarray(want[0] if isinstance(want, (tuple, list)) and want else want).dtype == np.float16:
        return None                # a dtype that Coluber does not have
    if unsupported and getattr(our_error, "id", None) == "LibraryError":
        return None
    if our_error is not None:
        return f"{want!r} expected, {type(our_error).__name__} came: {our_error}"
    return same(want, got, exact)


# ---- variants of an example

DTYPES = [np.float64, np.float32, np.int64, np.int32, np.uint8, np.bool_, np.complex128]


def layouts(a):
    """The same values in other layouts."""
    if a.ndim:
        yield "strided", np.repeat(a, 2, axis=-1)[..., ::2]
        yield "reversed", a[::-1].copy()[::-1]
    if a.ndim > 1:
        yield "F", np.asfortranarray(a)
        yield "rows", np.concatenate([a, a], axis=-1)[..., :a.shape[-1]]
    frozen = a.copy()
    frozen.flags.writeable = False
    yield "readonly", frozen


def variants(args):
    """(name, arguments): the example itself, and its first array in other dtypes and layouts, and empty."""
    yield "as given", args
    first = next((k for k, a in enumerate(args) if isinstance(a, np.ndarray)), None)
    if first is None:
        return
    a = args[first]

    def replaced(x):
        return args[:first] + (x,) + args[first + 1:]

    for name, x in layouts(a):
        yield name, replaced(x)
    for dtype in DTYPES:
        if dtype != a.dtype.type:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield np.dtype(dtype).name, replaced(a.astype(dtype))
    if a.ndim and sum(isinstance(x, np.ndarray) for x in args) == 1:
        yield "empty", replaced(a[:0].copy())
