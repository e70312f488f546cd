"""Runs the text form of untyped IR in Python: what the IR means, told once more, to compare with what the function does.

Error edges are followed as ir/function.h describes them: an op that raises leaves its block by the error edge with values from before the
block; without one it leaves the function.
"""
import ast
import builtins
import operator
import re
import sys

TOKEN = re.compile(r'\s*(?:(%\d+)|\^(\d+)|("(?:[^"\\]|\\.)*")|(-?\d+)|([\[\](){},=])|([\w.]+)|(!\w+))')
OPERATORS = {"add": "add", "sub": "sub", "mul": "mul", "truediv": "truediv", "floordiv": "floordiv", "mod": "mod", "pow": "pow", "matmul": "matmul",
             "and": "and_", "or": "or_", "xor": "xor", "lshift": "lshift", "rshift": "rshift"}
UNARY = {"neg": operator.neg, "pos": operator.pos, "invert": operator.invert, "not": operator.not_}
CONVERSIONS = {0: None, 1: str, 2: repr, 3: ascii}


class Unbound:
    """A variable without a value."""


UNBOUND = Unbound()


class Unsupported(Exception):
    """The IR says that compiled code cannot do this."""


class OutOfSteps(BaseException):
    """It runs too long."""


def constant(text):
    if text == "...":
        return Ellipsis
    if text.startswith("'"):
        return text[1:-1]
    return complex(text) if text.endswith("j") else ast.literal_eval(text)


class Op:
    """One line: results, name, operands, immediates, targets."""

    def __init__(self, line):
        self.results, self.args, self.imm, self.sym, self.ints, self.names, self.targets = [], [], 0, "", [], [], []
        tokens = [m.groups() for m in TOKEN.finditer(line)]
        if any(t[4] == "=" for t in tokens):
            split = next(i for i, t in enumerate(tokens) if t[4] == "=")
            self.results = [t[0] for t in tokens[:split] if t[0]]
            tokens = tokens[split + 1:]
        self.code, at = tokens[0][5], 1
        while at < len(tokens):
            value, block, string, number, mark, _, _ = tokens[at]
            if value:
                self.args.append(value)
            elif block:
                self.targets.append(block_reference(tokens, at))
                at += 2 + 2 * len(self.targets[-1][1]) - 1 if self.targets[-1][1] else 0
            elif string:
                self.sym = unquote(string)
            elif number:
                self.imm = int(number)
            elif mark in ("[", "{"):
                end = next(i for i in range(at, len(tokens)) if tokens[i][4] in ("]", "}"))
                items = tokens[at + 1:end]
                if mark == "[":
                    self.ints = [int(t[3]) for t in items if t[3]]
                else:
                    self.names = [unquote(t[2]) for t in items if t[2]]
                at = end
            at += 1


def unquote(text):
    return re.sub(r"\\(x..|.)", lambda m: chr(int(m[1][1:], 16)) if m[1][0] == "x" else "\n" if m[1] == "n" else m[1], text[1:-1])


def block_reference(tokens, at):
    """^3(%1, %2) as (3, [%1, %2])."""
    args = []
    if at + 1 < len(tokens) and tokens[at + 1][4] == "(":
        for t in tokens[at + 2:]:
            if t[4] == ")":
                break
            if t[0]:
                args.append(t[0])
    return int(tokens[at][1]), args


class Block:
    def __init__(self, head):
        tokens = [m.groups() for m in TOKEN.finditer(head)]
        self.ops, self.error, self.params = [], None, block_reference(tokens, 0)[1]
        for i, t in enumerate(tokens):
            if t[6] == "!err":
                self.error = block_reference(tokens, i + 1)


class Function:
    """The IR of a function and of those nested in it. `texts`: label -> text, as the tool prints them."""

    def __init__(self, label, texts):
        self.label, self.blocks, self.nested = label, [], []
        for line in texts[label].splitlines():
            if line.startswith("^"):
                self.blocks.append(Block(line))
            elif line.startswith("  ") and self.blocks:
                self.blocks[-1].ops.append(Op(line))
        counts = {}
        for op in (op for b in self.blocks for op in b.ops if op.code == "py.function"):
            name = f"{label}.{op.sym[5:]}"
            op.nested = name + "'" * counts.get(name, 0)
            counts[name] = counts.get(name, 0) + 1
        self.texts = texts

    def run(self, args, namespace, cells=(), steps=None):
        return Frame(self, namespace, cells, steps if steps is not None else [20000]).run(args)


class Frame:
    def __init__(self, function, namespace, cells, steps):
        self.function, self.namespace, self.cells, self.steps, self.values, self.pending = function, namespace, cells, steps, {}, None

    def run(self, args):
        block, incoming = 0, list(args)
        while True:
            b = self.function.blocks[block]
            assert len(incoming) == len(b.params)
            self.values.update(zip(b.params, incoming))
            error = [self.values[v] for v in b.error[1]] if b.error else None
            try:
                what, value = self.run_block(b)
            except Unsupported:
                raise
            except Exception as e:
                if b.error is None:
                    raise
                self.pending, block, incoming = e, b.error[0], error
                continue
            if what == "return":
                return value
            block, incoming = value[0], [self.values[v] for v in value[1]]

    def run_block(self, b):
        for op in b.ops:
            self.steps[0] -= 1
            if self.steps[0] < 0:
                raise OutOfSteps
            args = [self.values[v] for v in op.args]
            if op.code == "return":
                return "return", args[0]
            if op.code == "jump":
                return "go", op.targets[0]
            if op.code == "br":
                assert isinstance(args[0], bool), "a branch on what is no bool"
                return "go", op.targets[0 if args[0] else 1]
            results = getattr(self, op.code.replace("py.", "do_"))(op, *args)
            if len(op.results) == 1:
                self.values[op.results[0]] = results
            elif op.results:
                self.values.update(zip(op.results, results))
        raise AssertionError("a block without an end")

    def do_const(self, op):
        return constant(op.sym)

    def do_global(self, op):
        if op.sym in self.namespace:
            return self.namespace[op.sym]
        try:
            return getattr(builtins, op.sym)
        except AttributeError:
            raise NameError(op.sym) from None

    def do_deref(self, op):
        if self.cells[op.imm] is UNBOUND:
            raise NameError(op.sym)
        return self.cells[op.imm]

    def do_unbound(self, op):
        return UNBOUND

    def do_check_bound(self, op, x):
        if x is UNBOUND:
            raise UnboundLocalError(op.sym)
        return x

    def do_refine(self, op, x, cond):
        assert not isinstance(cond, bool) or cond == bool(op.imm), "a refinement on the wrong side of its branch"
        return x

    def do_attr(self, op, x):
        if op.sym in ("__enter__", "__exit__") and sys.version_info >= (3, 11) and not hasattr(type(x), op.sym):
            raise TypeError(f"{type(x).__name__!r} object does not support the context manager protocol")      # it is a with statement's
        return getattr(x, op.sym)

    def do_set_attr(self, op, x, value):
        setattr(x, op.sym, value)

    def do_binop(self, op, a, b):
        return getattr(operator, OPERATORS[op.sym])(a, b)

    def do_inplace(self, op, a, b):
        return getattr(operator, "i" + OPERATORS[op.sym].rstrip("_") + "_" * OPERATORS[op.sym].endswith("_"))(a, b) if op.sym not in ("and", "or") else \
            (operator.iand if op.sym == "and" else operator.ior)(a, b)

    def do_unary(self, op, a):
        return UNARY[op.sym](a)

    def do_compare(self, op, a, b):
        return getattr(operator, op.sym)(a, b)

    def do_is(self, op, a, b):
        return (a is b) != bool(op.imm)

    def do_contains(self, op, a, b):
        return (a in b) != bool(op.imm)

    def do_truth(self, op, a):
        return bool(a)

    def do_getitem(self, op, a, k):
        return a[k]

    def do_setitem(self, op, a, k, v):
        a[k] = v

    def do_delitem(self, op, a, k):
        del a[k]

    def do_slice(self, op, *parts):
        return slice(*parts)

    def do_tuple(self, op, *items):
        return items

    def do_list(self, op, *items):
        return list(items)

    def do_dict(self, op, *pairs):
        return dict(zip(pairs[::2], pairs[1::2]))

    def do_set(self, op, *items):
        return set(items)

    def do_list_append(self, op, a, x):
        a.append(x)

    def do_set_add(self, op, a, x):
        a.add(x)

    def do_map_add(self, op, a, k, v):
        a[k] = v

    def do_list_extend(self, op, a, xs):
        a.extend(xs)

    def do_list_to_tuple(self, op, a):
        return tuple(a)

    def do_call(self, op, f, *args):
        n = len(args) - len(op.names)
        return f(*args[:n], **dict(zip(op.names, args[n:])))

    def do_call_ex(self, op, f, args, keywords=None):
        return f(*args, **(keywords or {}))

    def do_iter(self, op, x):
        return iter(x)

    def do_next(self, op, it):
        for x in it:
            return it, x, True
        return it, UNBOUND, False

    def do_unpack(self, op, x):
        items = list(x)
        if len(items) != len(op.results):
            raise ValueError("unpack")
        return items if len(items) > 1 else items[0]

    def do_unpack_ex(self, op, x):
        items, before, after = list(x), op.imm, len(op.results) - op.imm - 1
        if len(items) < before + after:
            raise ValueError("unpack")
        end = len(items) - after
        results = [*items[:before], items[before:end], *items[end:]]
        return results if len(results) > 1 else results[0]

    def do_function(self, op, *values):
        function = Function(op.nested, self.function.texts)
        captured, flags = op.ints[1], op.ints[3:]
        first = len(values) - captured
        cells = list(values[first:])
        positional = values[:op.ints[0]]
        keyword = dict(zip(op.names, values[op.ints[0]:first]))
        params = re.findall(r'%\d+ "(\w+)"', next(line for line in function.texts[op.nested].splitlines() if line.startswith("^0")))[:len(function.blocks[0].params)]

        def call(*args, **keywords):
            given = dict(zip(params, args))
            for name, value in zip(params[len(params) - len(keyword) - len(positional):], positional):
                given.setdefault(name, keywords.get(name, value))
            given.update({**keyword, **keywords})
            if len(args) > len(params) or set(given) != set(params):
                raise TypeError("arguments")
            return function.run([given[p] for p in params], self.namespace, cells, self.steps)

        for index in flags:
            cells[index] = call
        return call

    def do_format(self, op, value, spec=""):
        convert = CONVERSIONS[op.imm]
        return format(convert(value) if convert else value, spec)

    def do_string(self, op, *parts):
        return "".join(parts)

    def do_raise(self, op, *args):
        if not args:
            raise RuntimeError("No active exception to reraise")
        if len(args) == 2:
            raise args[0] from args[1]
        raise args[0]

    def do_reraise(self, op, e):
        raise e

    def do_catch(self, op):
        return self.pending

    def do_exc_match(self, op, e, classes):
        return isinstance(e, classes)

    def do_import(self, op):
        return __import__(op.sym, self.namespace, None, op.names or None, op.imm)

    def do_store_global(self, op, value):
        self.namespace[op.sym] = value

    def do_unsupported(self, op):
        raise Unsupported(op.sym)

    def do_with_kind(self, op, x):
        return False                       # objmode is not in the corpus

    def do_with(self, op, *args):
        raise Unsupported("a with statement: its body is another function")
