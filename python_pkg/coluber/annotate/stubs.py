"""Types as Python writes them: .pyi stubs of a file, and a copy of it with annotations put in.

Results are what a caller sees (scalars come back as Python's own); parameters are what was compiled for."""
import ast

from .. import types
from .explain import items_of
from .text import literal_type

RANK = ["bool", "int", "float", "complex"]     # each is taken where a later one is wanted


# ---- types

def annotation(t, result=False):
    """The text of a type for a parameter or a result."""
    if isinstance(t, types.Boolean):
        return "bool"
    if isinstance(t, types.Number):
        wide = {"int64": "int", "pyint": "int", "float64": "float", "pyfloat": "float", "complex128": "complex", "pycomplex": "complex"}
        narrow = "int" if isinstance(t, types.Integer) else "float" if isinstance(t, types.Float) else "complex"
        return wide.get(t.text) or (narrow if result else f"np.{t.text}")
    if isinstance(t, types.Array):
        return f"NDArray[np.{'bool_' if t.dtype.text == 'bool' else t.dtype.text}]"
    if isinstance(t, types.NamedTuple):
        return t.instance_class.__name__
    if isinstance(t, types.BaseTuple):
        return f"tuple[{', '.join(annotation(i, result) for i in t.types) or '()'}]"
    if isinstance(t, types.List):
        return f"list[{annotation(t.dtype, result)}]"
    if isinstance(t, types.Optional):
        return f"{annotation(t.type, result)} | None"
    simple = {types.NoneType: "None", types.UnicodeType: "str", types.RangeType: "range", types.SliceType: "slice"}
    return simple.get(type(t), "Callable[..., Any]" if isinstance(t, types.Function) else "Any")


def _narrower(a, b):
    return a == b or (a in RANK and b in RANK and RANK.index(a) < RANK.index(b))


def union(texts):
    """The types of several signatures as one; float takes int in, and so on."""
    parts = list(dict.fromkeys(p for t in texts for p in t.split(" | ")))
    if "Any" in parts:
        return "Any"
    kept = [p for p in parts if not any(q != p and _narrower(p, q) and q != "complex" for q in parts)]
    return " | ".join(sorted(kept, key=lambda p: p == "None"))


def described(text):
    """The annotation for a variable of a type in the words of the listing, or None. Scalars are Python's, as they are where they come out."""
    text = literal_type(text)
    simple = {"int": "int", "float": "float", "complex": "complex", "bool": "bool", "numpy.bool": "bool", "str": "str", "None": "None"}
    if text in simple:
        return simple[text]
    if text.startswith("array("):
        dtype = text[len("array("):].split(",")[0].replace("numpy.bool", "bool_")
        return f"NDArray[np.{dtype}]"
    if text.startswith("list("):
        item = described(text[len("list("):-1])
        return item and f"list[{item}]"
    if text.startswith("tuple("):
        items = [described(i) for i in items_of(text)]
        return f"tuple[{', '.join(items) or '()'}]" if all(items) else None
    if text.startswith("Optional("):
        item = described(text[len("Optional("):-1])
        return item and f"{item} | None"
    plain = text.rstrip("0123456789").removeprefix("u")
    return plain if plain in ("int", "float", "complex") else None


# ---- what is known of a function

class Known:
    """The signatures of one function: [(parameter annotations, result annotation)]."""

    def __init__(self, dispatcher):
        self.function = dispatcher.py_func
        self.signatures = []
        for args, result, *_ in dispatcher._specializations():
            row = ([annotation(types.from_text(a)) for a in args], annotation(types.from_text(result), True))
            if row not in self.signatures:
                self.signatures.append(row)
        self.signatures = self._merged()

    def _merged(self):
        """One row for equal parameters, the narrower first, so that an overload that fits is found."""
        results = {}
        for args, result in self.signatures:
            results.setdefault(tuple(args), []).append(result)
        order = {name: i for i, name in enumerate(RANK)}
        return [(args, union(found)) for args, found in sorted(results.items(), key=lambda r: [order.get(a, 9) for a in r[0]])]

    def parameter(self, index):
        return union([args[index] for args, _ in self.signatures])

    @property
    def result(self):
        return union([result for _, result in self.signatures])


def known_functions(dispatchers, source):
    """{def node: Known} of the dispatchers that have signatures."""
    found = {}
    for d in dispatchers:
        node = source.function_at(d.py_func.__name__, d.py_func.__code__.co_firstlineno)
        if node is not None and d._specializations():
            found[node] = Known(d)
    return found


# ---- .pyi

def _parameters(node, annotated):
    """The parameter list; annotated: {parameter name: annotation}, for *args that of the items."""
    a = node.args
    plain = [*a.posonlyargs, *a.args]
    required = len(plain) - len(a.defaults)

    def one(arg, default):
        text = annotated.get(arg.arg) or (ast.unparse(arg.annotation) if arg.annotation else None)
        return arg.arg + (f": {text}" if text else "") + ((" = ..." if text else "=...") if default else "")

    parts = [one(p, i >= required) for i, p in enumerate(plain)]
    if a.posonlyargs:
        parts.insert(len(a.posonlyargs), "/")
    if a.vararg:
        parts.append("*" + one(a.vararg, False))
    elif a.kwonlyargs:
        parts.append("*")
    parts += [one(p, d is not None) for p, d in zip(a.kwonlyargs, a.kw_defaults)]
    if a.kwarg:
        parts.append("**" + one(a.kwarg, False))
    return ", ".join(parts)


def _names(node):
    """The parameters in the order of a signature: positional, keyword-only, *args."""
    a = node.args
    return [p.arg for p in (*a.posonlyargs, *a.args, *a.kwonlyargs)] + ([a.vararg.arg] if a.vararg else [])


def _named(node, args):
    named = dict(zip(_names(node), args))
    if node.args.vararg and node.args.vararg.arg in named:
        items = named[node.args.vararg.arg][len("tuple["):-1]
        named[node.args.vararg.arg] = items.split(", ")[0] if items != "()" and len(set(items.split(", "))) == 1 else "Any"
    return named


def _decorators(node, indent):
    kept = ("staticmethod", "classmethod", "property")
    return [f"{indent}@{d.id}" for d in node.decorator_list if isinstance(d, ast.Name) and d.id in kept]


def _overlaps(signatures, i):
    """Whether a later signature takes these arguments too and gives something else: mypy says so, rightly; the narrower one is meant."""
    args, result = signatures[i]
    return any(all(map(_narrower, args, other)) and not _narrower(result, theirs) for other, theirs in signatures[i + 1:])


def _function_stub(node, known, indent):
    head = f"{indent}{'async ' if isinstance(node, ast.AsyncFunctionDef) else ''}def {node.name}"
    if known is None:
        result = ast.unparse(node.returns) if node.returns else "Any"
        return [*_decorators(node, indent), f"{head}({_parameters(node, {})}) -> {result}: ..."]
    rows = []
    for i, (args, result) in enumerate(known.signatures):
        if len(known.signatures) > 1:
            rows.append(f"{indent}@overload")
        ignored = "  # type: ignore[overload-overlap]" if _overlaps(known.signatures, i) else ""
        rows += [*_decorators(node, indent), f"{head}({_parameters(node, _named(node, args))}) -> {result}: ...{ignored}"]
    return rows


def _plain_type(value):
    return type(value.value).__name__ if isinstance(value, ast.Constant) and isinstance(value.value, (bool, int, float, complex, str, bytes)) else "Any"


def _assignment_stub(node, indent):
    if isinstance(node, ast.AnnAssign):
        return [f"{indent}{ast.unparse(node.target)}: {ast.unparse(node.annotation)}"] if isinstance(node.target, ast.Name) else []
    return [f"{indent}{t.id}: {_plain_type(node.value)}" for t in node.targets if isinstance(t, ast.Name)]


def _stub_body(body, known, indent=""):
    rows = []
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            rows += _function_stub(node, known.get(node), indent)
        elif isinstance(node, ast.ClassDef):
            bases = ", ".join(ast.unparse(b) for b in node.bases)
            inside = _stub_body(node.body, known, indent + "    ")
            rows += [f"{indent}class {node.name}{f'({bases})' if bases else ''}:{'' if inside else ' ...'}", *inside]
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            rows += _assignment_stub(node, indent)
        elif isinstance(node, (ast.Import, ast.ImportFrom)) and not indent and getattr(node, "module", "") != "__future__":
            rows.append(ast.unparse(node))
    return rows


def _imports(text, bound):
    """The imports that the annotations in the text need."""
    rows = []
    if "np." in text and "np" not in bound:
        rows.append("import numpy as np")
    if "NDArray[" in text:
        rows.append("from numpy.typing import NDArray")
    typing = [n for n in ("Any", "overload") if (f"@{n}" if n == "overload" else n) in text]
    if typing:
        rows.insert(0, f"from typing import {', '.join(typing)}")
    if "Callable[" in text:
        rows.insert(0, "from collections.abc import Callable")
    return rows


def _bound_names(tree):
    """Names that the module's own imports bind."""
    return {(a.asname or a.name.split(".")[0]) for n in tree.body if isinstance(n, (ast.Import, ast.ImportFrom)) for a in n.names}


def stub(source, dispatchers):
    """The text of the file's .pyi."""
    rows = _stub_body(source.tree.body, known_functions(dispatchers, source))
    text = "\n".join(rows)
    return "\n".join([*_imports(text, _bound_names(source.tree)), text]) + "\n"


# ---- annotated copy

class _Edits:
    """Insertions into the text, at positions of the syntax tree."""

    def __init__(self, source):
        self.source, self.found = source, []

    def insert(self, line, byte_col, text):
        self.found.append((line, self.source.chars(line, byte_col), text))

    def apply(self):
        lines = self.source.text.splitlines(keepends=True)
        for line, col, text in sorted(self.found, reverse=True):
            row = lines[line - 1]
            lines[line - 1] = row[:col] + text + row[col:]
        return "".join(lines)


def _spaced(edits, p):
    """Between an annotation and a default there are spaces: adds the one behind the `=`, gives the one before."""
    end = p.col_offset + len(p.arg.encode())
    row = edits.source.line(p.lineno)
    column = edits.source.chars(p.lineno, end)
    if row[column:column + 1] != "=":
        return ""
    if row[column + 1:column + 2] != " ":
        edits.insert(p.lineno, end + 1, " ")
    return " "


def _annotate_parameters(edits, node, known):
    types_ = [known.parameter(i) for i in range(len(known.signatures[0][0]))]
    named = _named(node, types_)
    a = node.args
    plain = [*a.posonlyargs, *a.args]
    for p in (*plain, *a.kwonlyargs, *([a.vararg] if a.vararg else [])):
        if p.annotation is None and p.arg in named:
            edits.insert(p.lineno, p.col_offset + len(p.arg.encode()), f": {named[p.arg]}{_spaced(edits, p)}")
    place = edits.source.end_of_parameters(node) if node.returns is None else None
    if place:
        edits.found.append((*place, f" -> {known.result}"))


def _own_statements(node):
    """The statements of a function without those of functions and classes inside."""
    stack = list(reversed(node.body))
    while stack:
        statement = stack.pop()
        yield statement
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        for field in ("body", "orelse", "handlers", "finalbody", "cases"):
            stack += reversed(getattr(statement, field, []))


def _variable_types(bodies):
    """{variable: annotation} over all signatures, where each of its values has one."""
    found = {}
    for body in bodies:
        for v in body.values:
            if v.variable:
                found.setdefault(v.variable, []).append(described(v.type))
    return {name: union(texts) for name, texts in found.items() if all(texts)}


def _annotate_variables(edits, node, bodies):
    """The first assignment of each variable, when it is a plain one: `s = 0.0` becomes `s: float = 0.0`."""
    types_, done = _variable_types(bodies), set(_names(node))
    for statement in ast.walk(node):
        if isinstance(statement, (ast.Global, ast.Nonlocal)):
            done.update(statement.names)
    for statement in _own_statements(node):
        plain = isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name)
        if plain:
            target = statement.targets[0]
            parenthesised = edits.source.line(target.end_lineno)[edits.source.chars(target.end_lineno, target.end_col_offset):].lstrip()[:1] == ")"
            if target.id not in done and target.id in types_ and not parenthesised:
                edits.insert(target.end_lineno, target.end_col_offset, f": {types_[target.id]}")
        for name in ast.walk(statement):
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                done.add(name.id)


def _place_of_imports(source):
    """After how many lines imports may stand: behind the docstring, `from __future__` and comments at the top."""
    body = source.tree.body
    futures = [n for n in body if isinstance(n, ast.ImportFrom) and n.module == "__future__"]
    documented = body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant) and isinstance(body[0].value.value, str)
    if futures or documented:
        return (futures[-1] if futures else body[0]).end_lineno
    place = 0
    while place < len(source.lines) and source.lines[place].startswith("#"):
        place += 1
    return place


def _add_imports(text, inserted, source):
    """Annotations are not evaluated then, so that the names they need are for type checkers only."""
    added = []
    if not any(isinstance(n, ast.ImportFrom) and n.module == "__future__" and any(a.name == "annotations" for a in n.names) for n in source.tree.body):
        added.append("from __future__ import annotations")
    needed = _imports(inserted, _bound_names(source.tree))
    if needed:
        added += ["", "from typing import TYPE_CHECKING", "", "if TYPE_CHECKING:", *("    " + row for row in needed)]
    if not added:
        return text
    lines, place = text.splitlines(keepends=True), _place_of_imports(source)
    following = lines[place].strip() if place < len(lines) else ""
    return "".join([*lines[:place], "\n" * (place > 0), "\n".join(added), "\n" + "\n" * bool(following), *lines[place:]])


def annotated_copy(source, dispatchers, bodies_of):
    """The file with parameters, results and variables annotated. bodies_of(dispatcher): the bodies of its specialisations."""
    edits = _Edits(source)
    by_node = known_functions(dispatchers, source)
    for d in dispatchers:
        node = source.function_at(d.py_func.__name__, d.py_func.__code__.co_firstlineno)
        if node not in by_node:
            continue
        _annotate_parameters(edits, node, by_node[node])
        _annotate_variables(edits, node, [b for b in bodies_of(d) if source.function_at(b.function, b.line) is node])
    inserted = " ".join(text for _, _, text in edits.found)
    return _add_imports(edits.apply(), inserted, source) if edits.found else source.text
