"""The Python side of a page: the file's syntax tree, where its functions and loops are, the text of a place."""
import ast
import io
import linecache
import tokenize

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Source:
    def __init__(self, file, text=None):
        self.file = file
        if text is None:
            # "<string>" is code of exec(): what is under that name, if anything, is the text of `python -c`.
            text = "" if file == "<string>" else "".join(linecache.getlines(file))
        self.text, self.lines = text, text.splitlines()
        try:
            self.tree = ast.parse(text)
        except SyntaxError:                    # a cell with magics, or a file that has changed since
            self.tree = ast.Module([], [])
        self.parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    def line(self, number):
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def chars(self, line, offset):
        """A byte offset, as code objects have it, as a position in the text."""
        return len(self.line(line).encode()[:offset].decode(errors="replace"))

    def segment(self, line, col, end_line, end_col):
        """The text of a place, in one line. "" when the place is not known to the column."""
        if not end_col or (end_line, end_col) <= (line, col):
            return ""
        rows = [self.line(n) for n in range(line, end_line + 1)]
        rows[-1] = rows[-1][:end_col]
        rows[0] = rows[0][col:]
        return " ".join(" ".join(rows).split())

    # ---- functions

    def functions(self):
        return [n for n in ast.walk(self.tree) if isinstance(n, FUNCTIONS)]

    def qualname(self, node):
        parts = [node.name]
        while (node := self.parents.get(node)) is not None:
            if isinstance(node, FUNCTIONS):
                parts += ["<locals>", node.name]
            elif isinstance(node, ast.ClassDef):
                parts.append(node.name)
        return ".".join(reversed(parts))

    def function_at(self, name, line):
        """The def of a code object: by its name and first line, which is the first decorator's."""
        for node in self.functions():
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if node.name == name.split(".")[-1] and first <= line <= node.lineno:
                return node
        return None

    def end_of_parameters(self, node):
        """(line, column) behind the `)` of a def."""
        begin, depth = None, 0
        for t in self.tokens():
            if begin is None:
                if t.start[0] >= node.lineno and t.string == "def" and t.start >= (node.lineno, self.chars(node.lineno, node.col_offset)):
                    begin = t.start
            elif t.string in ("(", ")"):
                depth += 1 if t.string == "(" else -1
                if depth == 0:
                    return t.end
        return None

    # ---- loops

    def owner(self, node):
        """The function that a node belongs to."""
        while (node := self.parents.get(node)) is not None and not isinstance(node, (*FUNCTIONS, ast.Lambda)):
            pass
        return node

    def loops(self, function=None):
        """[(line, first, last, kind)]: the loops of the file, or of one function without those inside it; outer ones first."""
        found = []
        for node in ast.walk(function or self.tree):
            if function is not None and node is not function and self.owner(node) is not function:
                continue
            if isinstance(node, (ast.For, ast.While)):
                found.append((node.lineno, node.lineno, node.end_lineno, "for" if isinstance(node, ast.For) else "while"))
            elif isinstance(node, COMPREHENSIONS):
                found.append((node.lineno, node.lineno, node.end_lineno, "comprehension"))
        return sorted(found)

    # ---- tokens

    def tokens(self):
        try:
            return list(tokenize.generate_tokens(io.StringIO(self.text + "\n").readline))
        except (tokenize.TokenError, IndentationError, SyntaxError):
            return []

    def comment_lines(self):
        """{line: the line at whose end a comment about it may stand}: not inside a string, not behind a backslash."""
        place, start, last = {}, 1, 0
        for t in self.tokens():
            if t.type in (tokenize.NEWLINE, tokenize.NL) and t.start[0] > last:
                last = t.start[0]
                place.update(dict.fromkeys(range(start, last + 1), last))
                start = last + 1
        return place
