"""Types, spelt as in Numba: `float64`, `float64[:, ::1]`, `float64(int64, float64)`, `Tuple((int64, float64))`, ...

Each has `text`, its spelling inside the compiler."""


class Type:
    __slots__ = ("text",)

    def __init__(self, text):
        self.text = text

    def __eq__(self, other):
        return isinstance(other, Type) and self.text == other.text

    def __hash__(self):
        return hash(self.text)

    def __repr__(self):
        return self.text

    def __reduce__(self):
        return from_text, (self.text,)

    def __call__(self, *args):
        """A signature (of types), or the conversion of a value."""
        if all(isinstance(a, Type) for a in args):
            return Signature(self, args)
        return self._convert(*args)

    def _convert(self, *args):
        raise TypeError(f"{self} cannot be called with {args}")

    def __getitem__(self, index):
        return _array_of(self, index)

    @property
    def name(self):
        return repr(self)

    @property
    def key(self):
        return self.text


class Number(Type):
    __slots__ = ()

    def _convert(self, value):
        import numpy
        return getattr(numpy, _NUMPY_NAME.get(self.text, self.text))(value)

    @property
    def bitwidth(self):
        return int("".join(c for c in self.text if c.isdigit()) or 64)


class Integer(Number):
    __slots__ = ()

    @property
    def signed(self):
        return not self.text.startswith("u")


class Float(Number):
    __slots__ = ()


class Complex(Number):
    __slots__ = ()


class Boolean(Number):
    __slots__ = ()


class NoneType(Type):
    __slots__ = ()


class UnicodeType(Type):
    __slots__ = ()


class RangeType(Type):
    __slots__ = ()


class Opaque(Type):
    __slots__ = ()


class SliceType(Type):
    __slots__ = ()


class Function(Type):
    """A function or class as a value, known at compile time."""
    __slots__ = ()


class DType(Type):
    __slots__ = ("dtype",)

    def __init__(self, dtype):
        self.dtype = dtype
        self.text = f"dtype({dtype.text})"


class Array(Type):
    __slots__ = ("dtype", "ndim", "layout", "readonly")

    def __init__(self, dtype, ndim, layout, readonly=False, aligned=True, name=None):
        if layout not in ("C", "F", "A", "S"):
            raise ValueError(f"the layout of an array is C, F or A, not {layout!r}")
        if not aligned:
            raise ValueError("arrays must be aligned")
        dtype = as_type(dtype)
        if not isinstance(dtype, Number):
            raise TypeError(f"an array of {dtype} is not supported")
        self.dtype, self.ndim, self.layout, self.readonly = _strong(dtype), ndim, layout, bool(readonly)
        self.text = f"array({self.dtype.text},{ndim},{layout}{',ro' if readonly else ''})"

    def __repr__(self):
        return f"array({self.dtype}, {self.ndim}d, {self.layout}{', readonly' if self.readonly else ''})"

    @property
    def mutable(self):
        return not self.readonly

    def copy(self, dtype=None, ndim=None, layout=None, readonly=None):
        return Array(dtype or self.dtype, self.ndim if ndim is None else ndim, layout or self.layout, self.readonly if readonly is None else readonly)


class Sequence(Type):
    __slots__ = ()


class BaseTuple(Sequence):
    __slots__ = ("types",)

    def __len__(self):
        return len(self.types)

    def __iter__(self):
        return iter(self.types)

    def __getitem__(self, index):
        return self.types[index] if isinstance(index, int) else Type.__getitem__(self, index)

    @property
    def count(self):
        return len(self.types)

    def __repr__(self):
        if self.types and all(t == self.types[0] for t in self.types):
            return f"UniTuple({self.types[0]}, {len(self.types)})"
        return f"Tuple({', '.join(map(repr, self.types))})"


class Tuple(BaseTuple):
    __slots__ = ()

    def __init__(self, types):
        self.types = tuple(map(as_type, types))
        self.text = f"tuple({','.join(t.text for t in self.types)})"


class NamedTuple(BaseTuple):
    __slots__ = ("instance_class", "fields")

    def __init__(self, types, cls):
        from ._coluber import _typeof
        self.types = tuple(map(as_type, types))
        self.instance_class, self.fields = cls, cls._fields
        sample = _typeof(cls(*(0 for _ in cls._fields)))        # for the class's handle
        head = sample[:sample.index("(")]
        self.text = head + "(" + ",".join(f"{f}:{t.text}" for f, t in zip(cls._fields, self.types)) + ")"

    def __repr__(self):
        return f"{self.instance_class.__name__}({', '.join(map(repr, self.types))})"


class List(Sequence):
    __slots__ = ("dtype",)

    def __init__(self, dtype, reflected=False):
        self.dtype = as_type(dtype)
        self.text = f"list({self.dtype.text})"

    def __repr__(self):
        return f"list({self.dtype})"


class Optional(Type):
    __slots__ = ("type",)

    def __init__(self, type):
        self.type = as_type(type)
        self.text = f"optional({self.type.text})"

    def __repr__(self):
        return f"Optional({self.type})"


class Signature:
    """Argument types and, when it is given, the result's."""
    __slots__ = ("return_type", "args")

    def __init__(self, return_type, args):
        self.return_type, self.args = return_type, tuple(map(as_type, args))

    def __eq__(self, other):
        return isinstance(other, Signature) and (self.return_type, self.args) == (other.return_type, other.args)

    def __hash__(self):
        return hash((self.return_type, self.args))

    def __iter__(self):
        return iter(self.args)

    def __len__(self):
        return len(self.args)

    def __repr__(self):
        args = ", ".join(map(repr, self.args))
        return f"({args}) -> {self.return_type}" if self.return_type else f"({args})"


def UniTuple(dtype, count):
    return Tuple((dtype,) * count)


# ---- the simple types, with all their names

_NUMPY_NAME = {"bool": "bool_", "pybool": "bool_", "pyint": "int64", "pyfloat": "float64", "pycomplex": "complex128"}
_STRONG = {"pybool": "bool", "pyint": "int64", "pyfloat": "float64", "pycomplex": "complex128"}
_SIMPLE = {}


def _simple(cls, *names):
    for name in names:
        _SIMPLE[name] = cls(name)


_simple(Integer, "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "pyint")
_simple(Float, "float32", "float64", "pyfloat")
_simple(Complex, "complex64", "complex128", "pycomplex")
_simple(Boolean, "bool", "pybool")
_simple(NoneType, "none")
_simple(UnicodeType, "str")
_simple(RangeType, "range")
_simple(Opaque, "ellipsis", "bottom", "object")

int8, int16, int32, int64 = (_SIMPLE[n] for n in ("int8", "int16", "int32", "int64"))
uint8, uint16, uint32, uint64 = (_SIMPLE[n] for n in ("uint8", "uint16", "uint32", "uint64"))
float32, float64, complex64, complex128 = (_SIMPLE[n] for n in ("float32", "float64", "complex64", "complex128"))
pyint, pyfloat, pycomplex, pybool = (_SIMPLE[n] for n in ("pyint", "pyfloat", "pycomplex", "pybool"))
boolean = bool_ = bool8 = b1 = _SIMPLE["bool"]
none = void = _SIMPLE["none"]
unicode_type = string = _SIMPLE["str"]
range_type = range_state64_type = _SIMPLE["range"]
ellipsis, pyobject = _SIMPLE["ellipsis"], _SIMPLE["object"]
i1 = char = byte = int8
i2 = short = int16
i4 = intc = int32
i8 = intp = int_ = long_ = longlong = ssize_t = int64
u1 = uchar = uint8
u2 = ushort = uint16
u4 = uintc = uint32
u8 = uintp = uint = ulong = ulonglong = size_t = uint64
f4 = float_ = float32
f8 = double = float64
c8 = complex64
c16 = complex128

_NOT_PUBLIC = ("annotations",)
__all__ = sorted(k for k, v in globals().items() if not k.startswith("_") and k not in _NOT_PUBLIC and (isinstance(v, (Type, type)) or k == "UniTuple"))


def _strong(dtype):
    return _SIMPLE[_STRONG.get(dtype.text, dtype.text)]


def _array_of(dtype, index):
    """float64[:], float64[::1] (C), float64[::1, :] (F), float64[:, ::1] (C)."""
    parts = index if isinstance(index, tuple) else (index,)
    for p in parts:
        if not isinstance(p, slice) or p.start is not None or p.stop is not None or p.step not in (None, 1):
            raise TypeError(f"an array type is spelt with : and ::1 as in {dtype}[:, ::1]")
    steps = [p.step == 1 for p in parts]
    if sum(steps) > 1 or any(steps[1:-1]):
        raise TypeError("::1 marks the contiguous axis: the last (C) or the first (F)")
    layout = "C" if steps[-1] else "F" if steps[0] else "A"
    return Array(dtype, len(parts), layout)


def as_type(value):
    """A type from what may stand for one: a type, None, a Python or NumPy scalar class, a dtype, a text."""
    if isinstance(value, Type):
        return value
    if value is None:
        return none
    if isinstance(value, str):
        return _evaluate(value)
    plain = {int: pyint, float: pyfloat, complex: pycomplex, bool: pybool, str: unicode_type}.get(value)
    if plain is not None:
        return plain
    from ._coluber import _typeof
    text = _typeof(value)
    if isinstance(text, str) and text.startswith("dtype("):
        return from_text(text[6:-1])
    raise TypeError(f"{value!r} is not a type")


def _evaluate(text):
    names = {n: globals()[n] for n in __all__}
    names.update(int=pyint, float=pyfloat, complex=pycomplex, bool=boolean, str=unicode_type, slice=slice, array=Array, optional=Optional)
    names["None"] = none
    try:
        return eval(text, {"__builtins__": {}}, names)
    except Exception as e:
        raise ValueError(f"{text!r} is not a signature or type: {e}; write it as in 'float64(float64[:, ::1], int64)'") from None


def parse_signature(given):
    """A Signature from a text, a signature object or a tuple of types."""
    if isinstance(given, str):
        given = _evaluate(given)
    if isinstance(given, Signature):
        return given
    if isinstance(given, Type) and not isinstance(given, BaseTuple):
        given = (given,)
    if isinstance(given, (tuple, list)):
        return Signature(None, given)
    raise TypeError(f"{given!r} is not a signature")


# ---- from the compiler's text

class _Reader:
    def __init__(self, text):
        self.text, self.at = text, 0

    def peek(self):
        return self.text[self.at:self.at + 1]

    def word(self):
        start = self.at
        while self.peek().isalnum() or self.peek() == "_":
            self.at += 1
        return self.text[start:self.at]

    def items(self, read):
        found = []
        self.at += 1
        while self.peek() != ")":
            found.append(read())
            if self.peek() == ",":
                self.at += 1
        self.at += 1
        return found

    def field(self):
        name = self.word()
        self.at += 1
        return name, self.type()

    def array(self):
        end = self.text.index(")", self.at)
        start = self.at + 1
        self.at = end + 1
        dtype, ndim, layout, *ro = self.text[start:end].split(",")
        return Array(_SIMPLE[dtype], int(ndim), layout, bool(ro))

    def type(self):
        start = self.at
        head = self.word()
        if head == "array":
            return self.array()
        if self.peek() == "#":
            self.at += 1
            tag = self.word()
            if head == "namedtuple":
                return self.named(int(tag), start)
        if self.peek() != "(":
            return _SIMPLE.get(head) or Function(self.text[start:self.at])
        items = self.items(self.type)
        make = {"tuple": lambda: Tuple(items), "list": lambda: List(items[0]), "optional": lambda: Optional(items[0]),
                "dtype": lambda: DType(items[0]), "slice": lambda: SliceType(self.text[start:self.at])}.get(head)
        return make() if make else Opaque(self.text[start:self.at])

    def named(self, handle, start):
        from ._coluber import _object
        fields = self.items(self.field)
        made = NamedTuple.__new__(NamedTuple)
        made.types = tuple(t for _, t in fields)
        made.fields = tuple(n for n, _ in fields)
        made.instance_class = _object(handle)
        made.text = self.text[start:self.at]
        return made


def from_text(text):
    return _Reader(text).type()


def typeof(value):
    from ._coluber import _typeof
    text = _typeof(value)
    if isinstance(text, str):
        return from_text(text)
    from .errors import TypingError
    raise TypingError(f"the value is {text[1]}, which compiled code does not take\n  hint: {text[2]}")


def kind_name(typ):
    """The word by which the registry knows a type's kind: "array", "list", "str", "pyint", ... from a type or a class of types."""
    if isinstance(typ, Type):
        return typ.text.split("(")[0].split("#")[0].replace("namedtuple", "tuple")
    return {Array: "array", List: "list", BaseTuple: "tuple", Tuple: "tuple", UnicodeType: "str", RangeType: "range", SliceType: "slice",
            Optional: "optional"}.get(typ) or getattr(typ, "__name__", str(typ)).lower()
