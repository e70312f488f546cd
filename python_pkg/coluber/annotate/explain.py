"""Why a value is of its type: from the expression or variable back through the assignments to the arguments, as lines of the source."""
import ast
from collections import namedtuple

from .model import Value
from .text import literal_type

Step = namedtuple("Step", "depth line text type reason")
DEEPEST, LONGEST = 8, 40


def joined(found):
    """The types of a variable's values, as one text. A Python number gives way to NumPy's of its kind: paths that meet make it one."""
    found = list(dict.fromkeys(filter(None, found)))
    for weak in ("int", "float", "complex"):
        if weak in found and any(f.rstrip("0123456789") in (weak, "u" + weak) for f in found if f != weak):
            found.remove(weak)
    return " | ".join(found)


class Explanation:
    """`steps`: (depth, line, text, type, reason); printed as an indented chain."""

    def __init__(self, title, steps):
        self.title, self.steps = title, steps

    def __repr__(self):
        rows = [self.title]
        for s in self.steps:
            where = f"line {s.line}: " if s.line else ""
            rows.append("  " * (s.depth + 1) + where + s.text + (f" is {s.type}" if s.type else "") + (f": {s.reason}" if s.reason else ""))
        return "\n".join(rows)


def _targets(node):
    """The names that a statement binds, with the expression each comes from."""
    if isinstance(node, ast.Assign):
        pairs = [(t, node.value) for t in node.targets]
    elif isinstance(node, (ast.AugAssign, ast.AnnAssign, ast.NamedExpr)):
        pairs = [(node.target, node.value)] if node.value else []
    elif isinstance(node, (ast.For, ast.comprehension)):
        pairs = [(node.target, node.iter)]
    else:
        pairs = []
    found = []
    for target, value in pairs:
        if isinstance(target, (ast.Tuple, ast.List)):
            same = isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts)
            found += [(t.id, value.elts[i] if same else value) for i, t in enumerate(target.elts) if isinstance(t, ast.Name)]
        elif isinstance(target, ast.Name):
            found.append((target.id, value))
    return found


class Explainer:
    def __init__(self, source, body):
        self.source, self.body = source, body
        self.node = source.function_at(body.function, body.line)
        self.args = dict(body.args)
        self.types = {}                        # place -> type; the first is the expression's, later ones are conversions of it
        for v in body.values:
            if not v.type.startswith("an iterator over ") and not (v.variable and self._is_loop(v)):
                self.types.setdefault((v.line, v.col, v.end_line, v.end_col), literal_type(v.type))
        self.asking, self.assignments = set(), {}
        self.assignments = self._assignments()
        self.steps, self.told = [], set()

    def _is_loop(self, value):
        return any(start == value.line and kind != "while" for start, _, _, kind in self.source.loops())

    def _assignments(self):
        """{variable: [(line, expression, statement, type)]}"""
        found = {}
        for node in ast.walk(self.node) if self.node else ():
            for name, value in _targets(node):
                line = getattr(node, "lineno", value.lineno)
                found.setdefault(name, []).append((line, value, node, self._stored(name, line) or self.type_of(value)))
        return {name: sorted(rows, key=lambda r: r[0]) for name, rows in found.items()}

    def _stored(self, name, line):
        return next((literal_type(v.type) for v in self.body.values if v.variable == name and v.line == line), None)

    def text(self, node):
        return self.source.segment(node.lineno, self.source.chars(node.lineno, node.col_offset), node.end_lineno,
                                   self.source.chars(node.end_lineno, node.end_col_offset))

    def type_of(self, node):
        if isinstance(node, ast.Constant):
            return type(node.value).__name__
        if isinstance(node, ast.Name):
            return self.type_of_name(node.id)
        if isinstance(node, ast.Tuple) and all(types_ := [self.type_of(e) for e in node.elts]):
            return f"tuple({', '.join(types_)})"
        place = (node.lineno, self.source.chars(node.lineno, node.col_offset), node.end_lineno, self.source.chars(node.end_lineno, node.end_col_offset))
        return self.types.get(place, "")

    def type_of_name(self, name):
        found = [self.args[name]] if name in self.args else []
        found += [literal_type(v.type) for v in self.body.values if v.variable == name]
        if not found and name not in self.asking:      # what has no value of its own: y = x
            self.asking.add(name)
            found = [self.type_of(value) for _, value, node, _ in self.assignments.get(name, ()) if isinstance(node, ast.Assign)]
            self.asking.discard(name)
        return joined(found)

    # ---- the chain

    def add(self, depth, line, text, type_, reason=""):
        self.steps.append(Step(depth, line, text, type_, reason))

    def variable(self, name, depth):
        if name in self.told or depth > DEEPEST or len(self.steps) > LONGEST:
            return
        self.told.add(name)
        if name in self.args:
            self.add(depth, None, name, self.args[name], "an argument")
        for line, value, node, type_ in self.assignments.get(name, ()):
            if isinstance(node, ast.For):
                self.add(depth, line, name, type_, f"the items of {self.text(value)}")
            elif isinstance(node, ast.comprehension):
                self.add(depth, line, name, type_, f"the items of {self.text(value)}")
            elif isinstance(node, ast.AugAssign):
                self.add(depth, line, name, type_, f"from {self.text(node)}")
                self.operands([node.target, node.value], depth + 1)
                continue
            else:
                self.add(depth, line, name, type_, f"from {name} = {self.text(value)}")
            self.expression(value, depth + 1, told=True)

    def operands(self, nodes, depth):
        for node in nodes:
            self.expression(node, depth)

    def expression(self, node, depth, told=False):
        """What decides an expression's type: its parts. told: the expression itself has been shown."""
        if depth > DEEPEST or len(self.steps) > LONGEST or isinstance(node, ast.Constant):
            if isinstance(node, ast.Constant) and not told:
                self.add(depth, node.lineno, self.text(node), self.type_of(node), "a constant")
            return
        if isinstance(node, ast.Name):
            if node.id in self.args or node.id in self.assignments:
                self.variable(node.id, depth)
            return
        type_ = self.type_of(node)
        if not told and type_:
            self.add(depth, node.lineno, self.text(node), type_, self.rule(node))
            depth += 1
        self.operands(self.parts(node), depth)

    def rule(self, node):
        """How the parts make the type, in words."""
        parts = [f"{self.text(p)} ({t})" for p in self.parts(node) if (t := self.type_of(p))]
        if isinstance(node, ast.Subscript):
            return f"an item of {parts[0]}" if parts else ""
        if isinstance(node, ast.Attribute):
            return f"an attribute of {parts[0]}" if parts else ""
        if isinstance(node, ast.Call):
            return f"what {self.text(node.func)} gives for " + ", ".join(parts) if parts else f"what {self.text(node.func)} gives"
        return " and ".join(parts)

    def parts(self, node):
        if isinstance(node, ast.Call):
            owner = [node.func.value] if isinstance(node.func, ast.Attribute) and self.type_of(node.func.value) else []
            return owner + node.args + [k.value for k in node.keywords]
        if isinstance(node, ast.Subscript):
            return [node.value]
        if isinstance(node, (ast.ListComp, ast.GeneratorExp)):
            return [node.elt]
        return [n for n in ast.iter_child_nodes(node) if isinstance(n, ast.expr)]


def items_of(text):
    """The types in `tuple(int, list(float))`; [] of anything else."""
    if not text.startswith("tuple("):
        return []
    items, depth, start = [], 0, len("tuple(")
    for i, c in enumerate(text[start:], start):
        if c in "," and depth == 0 or i == len(text) - 1:
            items.append(text[start:i].strip())
            start = i + 1
        depth += (c == "(") - (c == ")")
    return items


def complete(body, source):
    """The body with the variables that have no value of their own: after `p = (a, b); x, y = p` the compiler knows a and b only."""
    e = Explainer(source, body)
    if e.node is None:
        return body
    stored, added = {(v.variable, v.line) for v in body.values}, []
    for name, rows in e.assignments.items():
        for line, value, node, type_ in rows:
            if (name, line) in stored or not isinstance(node, ast.Assign):
                continue
            targets = next((t.elts for t in node.targets if isinstance(t, (ast.Tuple, ast.List)) and not isinstance(value, (ast.Tuple, ast.List))), None)
            if targets:
                items = items_of(type_ or e.type_of(value))
                place = [t.id if isinstance(t, ast.Name) else None for t in targets].index(name)
                type_ = items[place] if len(items) == len(targets) else ""
            if type_:
                added.append(Value(line, 0, line, 0, type_, name))
    return body._replace(values=[*body.values, *added])


def _find(explainer, text):
    """The expressions of the function that are written so."""
    wanted = " ".join(text.split())
    return [n for n in ast.walk(explainer.node) if isinstance(n, ast.expr) and explainer.text(n) == wanted]


def explain(spec, source, what):
    """Of one specialisation: the chain for a variable, for an expression as it is written, or for "return"."""
    body = next((b for b in spec.bodies if source.function_at(b.function, b.line) is not None and b.function.split(".")[-1] == spec.function.split(".")[-1]),
                None)
    if body is None:
        raise ValueError(f"the source of {spec.function} is not at hand: a chain of lines cannot be made")
    e = Explainer(source, body)
    if what in e.args or what in e.assignments:
        e.variable(what, 0)
        title = f"{what} is {e.type_of_name(what)}"
    elif what == "return":
        title = f"the result is {body.result}"
        for node in ast.walk(e.node):
            if isinstance(node, ast.Return) and node.value is not None:
                e.add(0, node.lineno, e.text(node), e.type_of(node.value))
                e.expression(node.value, 1, told=True)
    else:
        nodes = _find(e, what)
        if not nodes:
            raise ValueError(f"{what!r} is neither a variable nor an expression of {spec.function}; write it as it stands in the source")
        title = f"{what} is {joined(map(e.type_of, nodes)) or 'of no type of its own'}"
        for node in nodes:
            e.expression(node, 0)
    return Explanation(f"{title}, in {spec.title}", e.steps)
