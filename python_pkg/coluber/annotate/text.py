"""Listings: the source with types beside it, as comments."""
import re

MARGIN = 2
WIDEST = 64                                    # code wider than this has its comment below
NUMBER = re.compile(r"[\d_.]+(e[+-]?\d+)?j?", re.I)


def is_telling(text):
    """Whether a type is worth a word: not of literals, functions, modules and the machinery of loops."""
    plain = ("the literal ", "module ", "an iterator over ", "the method ", "the dtype ", "an object of type ", "function or object", "unknown", "slice")
    return not text.startswith(plain) and text not in ("None", "Ellipsis", "range") and not _is_name_of_function(text)


def _is_name_of_function(text):
    return "." in text and "(" not in text and " " not in text and text not in ("numpy.bool",)


def literal_type(text):
    """`the literal 3` is an int."""
    if not text.startswith("the literal "):
        return text
    value = text[len("the literal "):]
    return "bool" if value in ("True", "False") else "int" if value.lstrip("-").isdigit() else "str"


def _shorten(text, limit=40):
    return text if len(text) <= limit else text[:limit - 3] + "..."


def facts_of(body, source):
    """{line: [(what, type)]}: what is stored to variables and what expressions yield, in the order of evaluation."""
    facts = {}
    seen = set()
    for v in body.values:
        if v.variable:
            what, text = v.variable, literal_type(v.type)
        else:
            what, text = source.segment(v.line, v.col, v.end_line, v.end_col), v.type
            # The same place twice: the expression's value, then a conversion of it.
            if not what or not is_telling(text) or NUMBER.fullmatch(what) or (v.line, v.col, v.end_line, v.end_col) in seen:
                continue
            seen.add((v.line, v.col, v.end_line, v.end_col))
        row = facts.setdefault(v.line, [])
        if (what, text) not in row:
            row.append((_shorten(what), text))
    return facts


def _effects(spec, line):
    found = spec.effects_of(line)
    names = {"bounds check": "bounds checks", "check": "checks", "allocation": "allocations", "reference": "reference counts", "call": "calls",
             "python": "operations through the Python C API"}
    return [f"{n} {what if n == 1 else names[what]}" for what, n in sorted(found.items())]


def comment_of(facts):
    return "; ".join(f"{what}: {text}" for what, text in facts)


# ---- inspect_types: one function, line numbers, a block per signature

def _beside(code, comments, width):
    if not comments:
        return [code]
    if len(code) > width:
        return [code, *(" " * (width + MARGIN) + "# " + c for c in comments)]
    head = code.ljust(width + MARGIN) + "# " + comments[0]
    return [head, *(" " * (width + MARGIN) + "# " + c for c in comments[1:])]


def _wrapped(facts, limit=88):
    rows = []
    for what, text in facts:
        piece = f"{what}: {text}"
        if rows and len(rows[-1]) + len(piece) + 2 <= limit:
            rows[-1] += "; " + piece
        else:
            rows.append(piece)
    return rows


def _head(body, line, source):
    """What stands beside the def: the arguments and the result."""
    node = source.function_at(body.function, body.line)
    return (node.lineno if node else body.line) == line and body.head


def typed_lines(spec, source, first, last):
    """The lines first..last of the source, numbered, with types beside them."""
    bodies = [b for b in spec.bodies if first <= b.line <= last]
    by_line = {}
    for body in bodies:
        for line, facts in facts_of(body, source).items():
            by_line.setdefault(line, []).extend(f for f in facts if f not in by_line.get(line, []))
    rows = []
    codes = {n: f"{n:5} | {source.line(n)}".rstrip() for n in range(first, last + 1)}
    width = min(max(map(len, codes.values()), default=0), WIDEST)
    for n, code in codes.items():
        facts = list(by_line.get(n, []))
        for body in bodies:
            facts = (_head(body, n, source) or []) + facts
        rows += _beside(code, _wrapped(facts) + [f"[{note}]" for note in spec.notes.get(n, ())], width)
    return rows


def print_types(dispatcher, out, signature=None):
    from .collect import page_of_function
    page = page_of_function(dispatcher, signature)
    for spec in page.specializations:
        print(spec.title, file=out)
        print("-" * 80, file=out)
        if page.lines:
            for row in typed_lines(spec, page.source, page.first, page.first + len(page.lines) - 1):
                print(row, file=out)
        else:
            _print_without_source(spec, out)
        print(file=out)


def _print_without_source(spec, out):
    """A function typed at a prompt or made by exec: its lines are nowhere to be read, its variables are known."""
    for body in spec.bodies:
        for what, text in body.args:
            print(f"    argument {what}: {text}", file=out)
        for v in body.values:
            if v.variable:
                print(f"    line {v.line}: {v.variable}: {literal_type(v.type)}", file=out)
        if body.result is not None:
            print(f"    returns {body.result}", file=out)


# ---- --text: the file with comments, still Python

def _merged(page):
    """{line: {what: [types]}} over all specialisations."""
    merged = {}
    for spec in page.specializations:
        for body in spec.bodies:
            rows = facts_of(body, page.source)
            node = page.source.function_at(body.function, body.line)
            rows.setdefault(node.lineno if node else body.line, [])[:0] = body.head
            for line, facts in rows.items():
                for what, text in facts:
                    types_ = merged.setdefault(line, {}).setdefault(what, [])
                    if text not in types_:
                        types_.append(text)
    return merged


def annotated_source(page):
    """The page's lines with the types, loops and effects as comments. Where signatures differ, `|` stands between their types."""
    merged, places = _merged(page), page.source.comment_lines()
    comments = {}
    for line, facts in sorted(merged.items()):
        text = "; ".join(f"{what}: {' | '.join(found)}" for what, found in facts.items())
        comments.setdefault(places.get(line, line), []).append(text)
    for line in sorted({n for s in page.specializations for n in (*s.loops, *s.effects, *s.threads, *s.notes)}):
        said = list(dict.fromkeys(s.loops[line].text for s in page.specializations if line in s.loops))
        said += list(dict.fromkeys(text for s in page.specializations for text in s.threads.get(line, ())))
        said += list(dict.fromkeys(n for s in page.specializations for n in s.notes.get(line, ())))
        said += list(dict.fromkeys(", ".join(_effects(s, line)) for s in page.specializations if s.effects_of(line)))
        comments.setdefault(places.get(line, line), []).append("[" + "; ".join(said) + "]")
    for f in page.failures:
        comments.setdefault(places.get(f.line, f.line), []).append(f"[not compiled: {' '.join(f.message.split())}]")
    width = min(max((len(page.source.line(n)) for n in comments), default=0), WIDEST)
    rows = []
    for n, code in page.numbered():
        found = comments.get(n)
        rows.append(f"{code.ljust(width + MARGIN)}# {'  '.join(found)}" if found else code)
    return "\n".join(rows) + "\n"
