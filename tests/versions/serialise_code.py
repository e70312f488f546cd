"""Writes code objects for coluber-frontend-dump: python serialise_code.py SOURCE.py OUT

All functions at the top level of SOURCE go into OUT, in the format that ir/frontend/tools/read_code.h describes. What a code object holds
is copied as the snapshot does it; constants that a snapshot would not copy become objects of the kind CLB_OBJECT.
"""
import inspect
import struct
import sys
import types

# enum clb_const_kind of jit/engine_api.h
NONE, BOOL, INT, FLOAT, COMPLEX, STR, ELLIPSIS, TUPLE, BIGINT, BYTES, CODE = range(11)
OBJECT = 21


def number(n):
    return struct.pack("<q", n)


def text(s):
    data = s.encode("utf-8", "surrogatepass") if isinstance(s, str) else bytes(s)
    return number(len(data)) + data


def texts(names):
    return number(len(names)) + b"".join(map(text, names))


def constant(value):
    kind, i, f, s, items, code = OBJECT, 0, (0.0, 0.0), type(value).__name__, (), None
    if value is None:
        kind, s = NONE, ""
    elif value is Ellipsis:
        kind, s = ELLIPSIS, ""
    elif isinstance(value, bool):
        kind, i, s = BOOL, int(value), ""
    elif isinstance(value, int):
        fits = -2**63 <= value < 2**63
        kind, i, s = (INT, value, "") if fits else (BIGINT, 0, str(value))
    elif isinstance(value, float):
        kind, f, s = FLOAT, (value, 0.0), ""
    elif isinstance(value, complex):
        kind, f, s = COMPLEX, (value.real, value.imag), ""
    elif isinstance(value, str):
        kind, s = STR, value
    elif isinstance(value, bytes):
        kind, s = BYTES, value
    elif isinstance(value, tuple):
        kind, s, items = TUPLE, "", value
    elif isinstance(value, types.CodeType):
        kind, s, code = CODE, "", value
    out = number(kind) + number(i) + struct.pack("<dd", *f) + text(s) + number(len(items))
    return out + b"".join(map(constant, items)) + (b"" if code is None else code_object(code))


def code_object(c):
    version = sys.version_info[0] * 100 + sys.version_info[1]
    numbers = (version, c.co_argcount, c.co_posonlyargcount, c.co_kwonlyargcount, c.co_nlocals, c.co_stacksize, c.co_flags, c.co_firstlineno)
    return b"".join((
        *map(number, numbers),
        text(c.co_code), text(c.co_linetable), text(getattr(c, "co_exceptiontable", b"")),
        number(len(c.co_consts)), *map(constant, c.co_consts),
        texts(c.co_names), texts(c.co_varnames), texts(c.co_cellvars), texts(c.co_freevars),
        text(c.co_filename), text(c.co_name), text(c.co_name)))


def serialise(codes):
    """Bytes of a file with these (label, code object) pairs."""
    return b"CLBCODE1" + number(len(codes)) + b"".join(text(label) + code_object(code) for label, code in codes)


def functions(source, filename):
    """The top-level functions of a module's source, in order, without running it."""
    module = compile(source, filename, "exec", dont_inherit=True)
    return [(c.co_name, c) for c in module.co_consts if inspect.iscode(c) and not c.co_name.startswith("<")]


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        codes = functions(f.read(), sys.argv[1].rsplit("/", 1)[-1])
    with open(sys.argv[2], "wb") as f:
        f.write(serialise(codes))


if __name__ == "__main__":
    main()
