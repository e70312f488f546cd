"""Array functions by users: `vectorize` and `guvectorize` make numpy.ufunc objects whose inner loops are compiled.

    @vectorize                                     loops are compiled for the dtypes that come
    def clipped(x, top): return x if x < top else top

    @vectorize(["float32(float32, float32)", "float64(float64, float64)"], target="parallel")
    @guvectorize(["void(float64[:], float64, float64[:])"], "(n),()->(n)")

The objects are made by jit/host/numpy_ufunc.cc; what loops are there, and when they are compiled, by numpy_ufunc_loop.cc."""
from _thread import allocate_lock

import numpy as np

from . import _registry, types
from ._coluber import Dispatcher, _ufunc, _ufunc_info, _ufunc_loop
from .errors import TypingError

__all__ = ["vectorize", "guvectorize"]

_FUNCTION = type(lambda: None)
_TARGETS = ("cpu", "parallel")


def vectorize(signatures=(), *, target="cpu", identity=None, **options):
    """Makes a NumPy ufunc of a function of scalars.

    signatures: a signature or a list of them; the first that takes the operands without loss is used, as by NumPy's own ufuncs. Without any, loops
    are compiled for the dtypes of the calls. target: 'cpu' or 'parallel', which deals long loops out to threads. identity: what reductions of
    nothing give; 'reorderable' has none, but may reduce several axes at once. Options are those of njit; error_model is 'numpy' unless it is given."""
    if isinstance(signatures, (_FUNCTION, Dispatcher)):
        return _vectorized(signatures, (), target, identity, options)
    return lambda function: _vectorized(function, _list_of(signatures), target, identity, options)


def guvectorize(*args, target="cpu", identity=None, writable_args=(), **options):
    """Makes a generalised NumPy ufunc: guvectorize(signatures, layout), or guvectorize(layout) for calls that pass their outputs.

    The function gets views of the core dimensions that the layout names, scalars for inputs that have none, and arrays of one item for such
    outputs; it stores its results and returns nothing. writable_args: names or numbers of inputs that it stores to."""
    if len(args) not in (1, 2) or not isinstance(args[-1], str):
        raise TypeError("guvectorize() takes a list of signatures and a layout, as in guvectorize(['void(float64[:], float64[:])'], '(n)->()'), or a layout alone")
    signatures = args[0] if len(args) == 2 else ()
    return lambda function: _generalised(function, _list_of(signatures), args[-1], target, identity, writable_args, options)


def _list_of(signatures):
    """A decorator takes a signature or a list of them; a tuple of types is a signature."""
    single = isinstance(signatures, tuple) and bool(signatures) and all(isinstance(v, types.Type) for v in signatures)
    return signatures if isinstance(signatures, (list, tuple)) and not single else [signatures]


# ---- what both share

def _function(function, maker):
    if isinstance(function, Dispatcher):
        function = function.py_func
    if not isinstance(function, _FUNCTION):
        raise TypeError(f"{maker}() takes Python functions, not {type(function).__name__} {function!r}")
    code = function.__code__
    if code.co_flags & 0x0c or code.co_kwonlyargcount:
        raise TypeError(f"{function.__qualname__}(): the function of a ufunc has positional parameters only")
    return function


def _check_target(target, maker):
    if target not in _TARGETS:
        raise ValueError(f"{maker}() has no target {target!r}: the targets are 'cpu' and 'parallel'")


def _dtype_text(typ, what):
    """The text of a scalar type as a dtype."""
    if not isinstance(typ, types.Number):
        raise TypeError(f"{what}: {typ} is no type of an array's items: write float64, int32, complex128, bool_, ...")
    return types._strong(typ).text


def _text_of(dtype, name):
    """How compiled code takes items of a dtype of NumPy's."""
    if dtype.kind == "f" and dtype.itemsize == 2:
        return "float32"
    if dtype.kind not in "biufc" or dtype.itemsize > (16 if dtype.kind == "c" else 8):
        raise TypeError(f"{name}() takes booleans, integers, floats and complex numbers of at most 64 bits a part, not {dtype}: convert with astype()")
    return dtype.newbyteorder("=").name


class UfuncInfo:
    """What a ufunc was made of: `coluber.inspect.ufunc(f)`."""

    def __init__(self, function, options, target, identity):
        self.py_func, self.target, self.identity = function, target, identity
        self.name = function.__name__
        self.given = options
        self.kernel = Dispatcher(function, {"inline": "always", "error_model": "numpy", **options})
        self.signatures = []              # types.Signature, in the order of the loops
        self.arguments = None             # of the decorator, for pickling: its name, signatures, layout
        self.lock = allocate_lock()       # around adding a loop; nothing is compiled meanwhile
        self._implementation = None

    def __repr__(self):
        return f"<{self.name}: {', '.join(map(repr, self.signatures)) or 'no loops'}>"

    def dispatchers(self):
        """Those that compile the loops."""
        return [self.kernel]

    def inspect_llvm(self):
        """The LLVM IR of the loops compiled so far: {(loop, argument types): text}."""
        return {(d.__name__, signature): text for d in self.dispatchers() for signature, text in d.inspect_llvm().items()}

    def inspect_asm(self):
        return {(d.__name__, signature): text for d in self.dispatchers() for signature, text in d.inspect_asm().items()}

    def implementation(self):
        """What compiled code calls (a row of the registry), or None. The same each time: then it is compiled once."""
        if self._implementation is None:
            self._implementation = self._make_implementation()
        return self._implementation


def info_of(ufunc):
    """The UfuncInfo of a ufunc made by Coluber; None for others."""
    return ufunc._info if isinstance(ufunc, GUFunc) else _ufunc_info(ufunc)


def implementation_of(obj):
    """What compiled code calls for a ufunc of ours, or for numpy.vectorize(f)."""
    if isinstance(obj, np.vectorize):
        return _of_numpy_vectorize(obj)
    info = info_of(obj)
    return info and info.implementation()


_vectorized_by_numpy = None              # numpy.vectorize object -> Implementation


def _of_numpy_vectorize(obj):
    if obj.excluded or obj.signature is not None or len(obj.otypes or "") > 1:
        return None
    global _vectorized_by_numpy
    if _vectorized_by_numpy is None:
        from weakref import WeakKeyDictionary
        _vectorized_by_numpy = WeakKeyDictionary()
    if obj not in _vectorized_by_numpy:       # the same function each time, so that it is compiled once
        from .lib.numpy import functional

        def call(*args):
            return over_items(function, otypes, args)
        over_items, function, otypes = functional.over_items, obj.pyfunc, np.dtype(obj.otypes[0]) if obj.otypes else None
        _vectorized_by_numpy[obj] = _registry.Implementation(_registry.library(call), False, (), (), True)
    return _vectorized_by_numpy[obj]


def _finish(ufunc, info):
    """What Python looks for on functions, where this NumPy's ufuncs take attributes."""
    attributes = {"__module__": info.py_func.__module__, "__qualname__": info.py_func.__qualname__, "py_func": info.py_func,
                  "signatures": info.signatures, "inspect_llvm": info.inspect_llvm, "inspect_asm": info.inspect_asm}
    try:
        for name, value in attributes.items():
            setattr(ufunc, name, value)
    except AttributeError:
        pass                              # ufuncs of NumPy before 2.2 have no attributes of users: coluber.inspect.ufunc() has it all
    _teach_pickle()
    return ufunc


# ---- vectorize

class Vectorized(UfuncInfo):
    def __init__(self, function, options, target, identity):
        super().__init__(function, options, target, identity)
        self.nin = function.__code__.co_argcount
        self.lazy = False
        self.loops = {}                   # input dtypes -> output dtype
        self._makers = None

    def makers(self):
        if self._makers is None:
            from . import _ufunc_loops as loops
            self._makers = tuple(self._maker(m) for m in (loops.map_items, loops.walk_items, loops.fold_items))
        return self._makers

    def _maker(self, make):
        function = make(self.kernel)
        name = f"{self.name}.{make.__name__}"
        function.__code__ = function.__code__.replace(co_name=name)
        function.__name__ = function.__qualname__ = name
        return Dispatcher(function, {"error_model": "numpy", **{k: v for k, v in self.given.items() if k not in ("locals", "inline")}})

    def dispatchers(self):
        return [self.kernel, *(self._makers or ())]

    def row(self, inputs, output):
        """A loop as _ufunc and _ufunc_loop take it."""
        walk = self.makers()
        fold = walk[2] if len(inputs) == 2 and inputs[0] == output else None
        return tuple((d, 1, (), False) for d in (*inputs, output)), (walk[0], walk[1], fold, None), self.target == "parallel"

    def result(self, inputs):
        """The output's dtype: what the function returns for such numbers."""
        self.kernel._compile(inputs)
        text = next(r[1] for r in self.kernel._specializations() if r[0] == inputs)
        typ = types.from_text(text)
        if not isinstance(typ, types.Number):
            raise TypingError(f"{self.name}(): a function under vectorize returns a number, this one returns {typ} for ({', '.join(inputs)})")
        return types._strong(typ).text

    def note(self, inputs, output):
        self.loops[inputs] = output
        self.signatures.append(types.Signature(types.from_text(output), [types.from_text(t) for t in inputs]))

    def _make_implementation(self):
        from ._ufunc_loops import scalar_form
        signatures = None if self.lazy else [([np.dtype(t) for t in i], np.dtype(o)) for i, o in self.loops.items()]
        return _registry.Implementation(scalar_form(self.kernel, self.name, self.nin, signatures), True, (), (), True)


def _vectorized(function, signatures, target, identity, options):
    _check_target(target, "vectorize")
    function = _function(function, "vectorize")
    info = Vectorized(function, options, target, identity)
    if not info.nin:
        raise TypeError(f"{info.name}(): the function of a ufunc takes at least one argument")
    info.lazy = not signatures
    info.arguments = ("vectorize", list(signatures), None)
    rows = []
    for given in signatures:
        signature = types.parse_signature(given)
        if len(signature.args) != info.nin:
            raise TypeError(f"{info.name}(): the signature {signature} has {len(signature.args)} arguments, the function takes {info.nin}")
        inputs = tuple(_dtype_text(t, f"{info.name}(): the signature {signature}") for t in signature.args)
        output = info.result(inputs) if signature.return_type is None else _dtype_text(signature.return_type, f"{info.name}(): the signature {signature}")
        if inputs not in info.loops:
            info.note(inputs, output)
            rows.append(info.row(inputs, output))
    made = _ufunc(info.name, function.__doc__, None, info.nin, 1, identity, tuple(rows), _resolve if info.lazy else None, info, ())
    return _finish(made, info)


def _beside(inputs, name):
    """The dtypes of operands [(dtype, weak)]: Python's numbers take theirs beside the others."""
    strong = [dtype for dtype, weak in inputs if not weak]
    sample = {"i": 0, "f": 0.0, "c": 0j}
    return tuple(_text_of(np.result_type(*strong, sample[dtype.kind]) if weak else dtype, name) for dtype, weak in inputs)


def _resolve(ufunc, inputs, wanted):
    """The dtypes of a call's operands, and a loop for them. wanted: what `dtype=` or `signature=` say, None where they say nothing."""
    info = _ufunc_info(ufunc)
    nin = info.nin
    output = None
    if wanted is not None:
        output = wanted[nin]
        asked = [output] * nin if output is not None and not any(w is not None for w in wanted[:nin]) else wanted[:nin]
        inputs = [(w, False) if w is not None else pair for w, pair in zip(asked, inputs)]
    texts = _beside(inputs, info.name)
    result = info.loops.get(texts) or info.result(texts)
    if output is not None and _text_of(output, info.name) != result:
        raise TypeError(f"{info.name}() gives {result} for ({', '.join(texts)}), not {output}: convert the result")
    with info.lock:
        if texts not in info.loops:       # while it was compiled another thread may have been here
            _ufunc_loop(ufunc, info.row(texts, result))
            info.note(texts, result)
    return (*texts, result)


# ---- guvectorize

class Layout:
    """'(m,n),(n)->(m)': the core dimensions of the operands, by name and by number in the order of appearance."""

    def __init__(self, text, name):
        self.text = "".join(text.split())
        sides = self.text.split("->")
        if len(sides) > 2:
            self._refuse(name)
        self.names = []
        self.inputs = self._operands(sides[0], name)
        self.outputs = self._operands(sides[1], name) if len(sides) == 2 and sides[1] else []
        self.operands = self.inputs + self.outputs
        if not self.inputs:
            self._refuse(name)

    def _refuse(self, name):
        raise ValueError(f"{name}(): {self.text!r} is no layout of a generalised ufunc: write it as '(m,n),(n)->(m)', with () for scalars")

    def _operands(self, text, name):
        found = []
        while text:
            end = text.find(")")
            if text[0] != "(" or end < 0:
                self._refuse(name)
            dims = text[1:end].split(",") if end > 1 else []
            if not all(d.isidentifier() or d.isdigit() and int(d) > 0 for d in dims):
                self._refuse(name)
            self.names += [d for k, d in enumerate(dims) if d not in self.names and d not in dims[:k]]
            found.append(tuple(self.names.index(d) for d in dims))
            text = text[end + 1:]
            if text and (text[0] != "," or len(text) == 1):
                self._refuse(name)
            text = text[1:]
        return found


class Generalised(UfuncInfo):
    def __init__(self, function, layout, options, target, identity, writable):
        super().__init__(function, options, target, identity)
        self.layout = Layout(layout, self.name)
        self.nin, self.nout = len(self.layout.inputs), len(self.layout.outputs)
        names = function.__code__.co_varnames[:function.__code__.co_argcount]
        if len(names) != self.nin + self.nout:
            raise TypeError(f"{self.name}(): the layout {self.layout.text!r} has {self.nin + self.nout} operands, the function takes {len(names)}")
        if isinstance(writable, (str, int)):
            writable = (writable,)
        for w in writable:
            if w not in names[:self.nin] and w not in range(self.nin):
                raise ValueError(f"{self.name}(): writable_args: {w!r} is no input of the function")
        self.writable = tuple(names.index(w) if isinstance(w, str) else w for w in writable)
        if not self.nout and not writable:
            self.writable = tuple(k for k, core in enumerate(self.layout.inputs) if core)   # else it could do nothing at all
        self.dtypes = []                  # per signature: (of inputs, of outputs)
        self.arrays_of_one = False        # some signature makes an input () an array

    def _make_implementation(self):
        from ._gufunc_calls import implementation
        return implementation(self)

    def row(self, operands):
        """A loop as _ufunc takes it. operands: (dtype, dimensions of the array that the kernel gets, 0 for a scalar) each."""
        full = tuple((d, ndim, core, k < self.nin and k not in self.writable) for k, ((d, ndim), core) in enumerate(zip(operands, self.layout.operands)))
        return full, (None, None, None, self.kernel), self.target == "parallel"

    def operand(self, typ, k, signature):
        """The dtype of an operand and how many dimensions the kernel gets, of a type in a signature."""
        core, where = self.layout.operands[k], f"{self.name}(): argument {k + 1} of the signature {signature}"
        if not isinstance(typ, types.Array):
            if core or k >= self.nin:
                raise TypeError(f"{where} is the scalar {typ}: the layout {self.layout.text!r} makes it an array of {max(len(core), 1)} dimensions")
            return _dtype_text(typ, where), 0
        if typ.ndim != max(len(core), 1):
            raise TypeError(f"{where} has {typ.ndim} dimensions: the layout {self.layout.text!r} gives it {max(len(core), 1)}")
        return _dtype_text(typ.dtype, where), typ.ndim


def _generalised(function, signatures, layout, target, identity, writable, options):
    _check_target(target, "guvectorize")
    info = Generalised(_function(function, "guvectorize"), layout, options, target, identity, writable)
    info.arguments = ("guvectorize", list(signatures), layout)
    rows = []
    for given in signatures:
        signature = types.parse_signature(given)
        if signature.return_type not in (None, types.none):
            raise TypeError(f"{info.name}(): a function under guvectorize returns nothing, the signature says {signature.return_type}: write void(...)")
        if len(signature.args) != info.nin + info.nout:
            raise TypeError(f"{info.name}(): the signature {signature} has {len(signature.args)} arguments, the layout {info.layout.text!r} has {info.nin + info.nout} operands")
        operands = [info.operand(typ, k, signature) for k, typ in enumerate(signature.args)]
        dtypes = [np.dtype(d) for d, _ in operands]
        info.dtypes.append((dtypes[:info.nin], dtypes[info.nin:]))
        info.arrays_of_one |= any(ndim and not core for (_, ndim), core in zip(operands, info.layout.inputs))
        rows.append(info.row(operands))
        info.signatures.append(signature)
    made = _ufunc(info.name, function.__doc__, info.layout.text if info.nout else info.layout.text.rstrip("->"), info.nin, info.nout, identity, tuple(rows), None, info, info.writable)
    _finish(made, info)
    return made if rows else GUFunc(made, info)


_PYTHONS = {int, float, complex}


def _passed(operand):
    """The dtype of an input; of Python's numbers their class, since they take their dtype beside the others."""
    return type(operand) if type(operand) in _PYTHONS else getattr(operand, "dtype", None) or np.asarray(operand).dtype


class GUFunc:
    """A generalised ufunc whose loops are compiled for the dtypes of the calls, outputs included."""

    def __init__(self, ufunc, info):
        from functools import update_wrapper
        update_wrapper(self, info.py_func)
        self.ufunc, self.py_func, self._info = ufunc, info.py_func, info
        self._loops = {}                  # texts of dtypes -> dtypes, of the loops there are
        self._calls = {}                  # what calls have passed (see _passed) -> dtypes of their loop: most calls need no more than this
        self.nin, self.nout, self.nargs, self.signature, self.identity = ufunc.nin, ufunc.nout, ufunc.nargs, ufunc.signature, ufunc.identity

    def __repr__(self):
        return f"<coluber.GUFunc {self.__name__!r}>"

    def __getattr__(self, name):          # types, ntypes, inspect_llvm, ...
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.__dict__["ufunc"], name)

    def __call__(self, *args, **kwargs):
        nin = self.nin
        outputs = kwargs.get("out")
        outputs = args[nin:] if outputs is None else outputs if isinstance(outputs, tuple) else (outputs,)
        if len(args) < nin or len(outputs) != self.nout or any([o is None for o in outputs]):
            raise TypeError(f"{self._info.name}() has no signatures, so that the dtypes of its results are not known: pass the outputs, or give guvectorize() signatures")
        key = (*[_passed(a) for a in args[:nin]], *[o.dtype for o in outputs])
        signature = self._calls.get(key) or self._find_loop(key)
        return self.ufunc(*args, **{"signature": signature, **kwargs})

    def _find_loop(self, key):
        """The dtypes of the loop for such operands, which is compiled if there is none."""
        name = self._info.name
        inputs = [(np.dtype(k), isinstance(k, type) and k in _PYTHONS) for k in key[:self.nin]]
        texts = _beside(inputs, name) + tuple(_text_of(k, name) for k in key[self.nin:])
        with self._info.lock:
            if texts not in self._loops:
                self._add_loop(texts)
        self._calls[key] = self._loops[texts]
        return self._calls[key]

    def _add_loop(self, texts):
        info = self._info
        ranks = [len(core) or int(k >= self.nin) for k, core in enumerate(info.layout.operands)]
        _ufunc_loop(self.ufunc, info.row(list(zip(texts, ranks))))
        info.signatures.append(types.Signature(types.none, [types.Array(t, n, "A") if n else t for t, n in zip(texts, ranks)]))
        self._loops[texts] = tuple(map(np.dtype, texts))

    def __reduce__(self):
        return _reduce_to_text(self) or _by_value(self._info)


# ---- pickling

_numpy_reduce = None


def _teach_pickle():
    """NumPy pickles ufuncs by name; ours may have none that can be imported."""
    global _numpy_reduce
    if _numpy_reduce is None:
        import copyreg
        _numpy_reduce = copyreg.dispatch_table[np.ufunc]
        copyreg.pickle(np.ufunc, _reduce)


def _reduce(ufunc):
    info = _ufunc_info(ufunc)
    if info is None:
        return _numpy_reduce(ufunc)
    return _reduce_to_text(ufunc, info.py_func) or _by_value(info)


def _reduce_to_text(made, function=None):
    """The name under which it can be imported, or None. (Functions of __main__: see coluber._support.reduce.)"""
    import sys

    from ._support import _cloudpickle
    function = function or made.py_func
    value = sys.modules.get(function.__module__)
    for part in function.__qualname__.split("."):
        value = getattr(value, part, None)
    return function.__qualname__ if value is made and (function.__module__ != "__main__" or not _cloudpickle()) else None


def _by_value(info):
    return _rebuild, (info.kernel, *info.arguments, info.target, info.identity, getattr(info, "writable", ()), info.given)


def _rebuild(kernel, maker, signatures, layout, target, identity, writable, options):
    made = kernel.__dict__.get("_coluber_ufunc")      # one copy per process, as of dispatchers
    if made is None:
        if maker == "vectorize":
            made = _vectorized(kernel, signatures, target, identity, options)
        else:
            made = _generalised(kernel, signatures, layout, target, identity, writable, options)
        kernel._coluber_ufunc = made
    return made
