"""The page: one HTML file without a network. Each line of the source is a <details>: its summary is the line, shaded by how much of it goes
through the Python C API and with marks in the margin; inside are, for each signature, types, loops, effects, LLVM IR and assembly."""
import html
import json

from .style import SCRIPT, STYLE
from .text import facts_of

MARKS = [("v", "v", "vectorised loop"), ("n", "-", "loop that is not vectorised"), ("c", "c", "check"), ("a", "a", "allocation"),
         ("r", "r", "reference count"), ("x", "!", "not compiled")]
EFFECTS = [("bounds check", "{} bounds check{s} left: {an} index is compared with a length each time"),
           ("check", "{} check{s} left: of shapes, sizes, division by zero or overflow"),
           ("allocation", "{} allocation{s} of memory"),
           ("reference", "{} reference count{s} changed: an array or list is shared or given up"),
           ("call", "{} call{s} that {was} not inlined"),
           ("python", "{} operation{s} through the Python C API")]

escape = html.escape


def _counted(text, n):
    return text.format(n, s="" if n == 1 else "s", an="an" if n == 1 else "each", was="was" if n == 1 else "were")


class _Lines:
    """What the specialisations say, by line, worked out once."""

    def __init__(self, page):
        self.page = page
        self.facts = [self._facts(s) for s in page.specializations]
        self.failed = {}                       # line -> Failure: all lines of a function that could not be compiled
        for f in page.failures:
            node = page.source.function_at(f.function, f.line)
            for line in range(f.line, (node.end_lineno if node else f.line) + 1):
                self.failed.setdefault(line, f)

    def _facts(self, spec):
        found = {}
        for body in spec.bodies:
            node = self.page.source.function_at(body.function, body.line)
            found.setdefault(node.lineno if node else body.line, [])[:0] = body.head
            for line, facts in facts_of(body, self.page.source).items():
                found.setdefault(line, []).extend(f for f in facts if f not in found.get(line, []))
        return found

    def share(self, spec, line):
        """How much of the line goes through the Python C API: 0 (nothing, or not compiled code) to 1."""
        through = spec.effects_of(line)["python"]
        return round(through / (through + max(len(spec.assembly.get(line, ())) / 8, 1)), 2) if through else 0

    def marks(self, spec, line):
        loop, effects = spec.loops.get(line), spec.effects_of(line)
        return [loop is not None and loop.vectorized, loop is not None and not loop.vectorized, effects["bounds check"] + effects["check"] > 0,
                effects["allocation"] > 0, effects["reference"] > 0, False]

    def says(self, number, line):
        spec = self.page.specializations[number]
        return bool(self.facts[number].get(line) or line in spec.loops or line in spec.notes or line in spec.threads or spec.effects_of(line) or spec.llvm.get(line))


def _code_block(name, rows, unit):
    if not rows:
        return ""
    return f'<details class="code {name.split()[0].lower()}"><summary>{name}, {len(rows)} {unit}</summary><pre>{escape(chr(10).join(rows))}</pre></details>'


def _loop(loop):
    out = [f'<div class="said loop {"v" if loop.vectorized else "n"}">{escape(loop.kind)}: {escape(loop.text)}</div>']
    return out + [f'<div class="note">{escape(n)}</div>' for n in loop.notes]


def _detail(lines, number, line):
    spec = lines.page.specializations[number]
    out = [f'<div class="spec" data-spec="{number}"><div class="signature">{escape(spec.title)}</div>']
    facts = lines.facts[number].get(line)
    if facts:
        rows = "".join(f"<tr><td>{escape(what)}</td><td>{escape(text)}</td></tr>" for what, text in facts)
        out.append(f'<table class="types">{rows}</table>')
    if line in spec.loops:
        out += _loop(spec.loops[line])
    out += [f'<div class="note">{escape(n)}</div>' for n in spec.notes.get(line, ())]
    out += [f'<div class="said loop">{escape(text)}</div>' for text in spec.threads.get(line, ())]
    effects = spec.effects_of(line)
    out += [f'<div class="said effect">{_counted(text, effects[what])}</div>' for what, text in EFFECTS if effects[what]]
    out.append(_code_block("LLVM IR", spec.llvm.get(line), "instructions, optimised"))
    out.append(_code_block("Assembly", spec.assembly.get(line), "lines"))
    return "".join(out) + "</div>"


def _failure(f):
    out = [f'<div class="failure"><div class="signature">{escape(f.title)}</div><div class="said x">not compiled: it runs in the interpreter'
           f'</div><pre>{escape(f.message)}</pre>']
    if f.hint:
        out.append(f'<div class="note">hint: {escape(f.hint)}</div>')
    return "".join(out) + "</div>"


def _mark_spans(lines, line):
    out = []
    for spec in lines.page.specializations:
        flags = lines.marks(spec, line)
        marks = "".join(f'<span class="mark {cls}" title="{title}">{sign}</span>' for (cls, sign, title), on in zip(MARKS, flags) if on)
        if marks and marks not in out:
            out.append(marks)
    text = "".join(dict.fromkeys(m for marks in out for m in marks.replace("</span>", "</span>\n").splitlines()))
    return text + ('<span class="mark x" title="not compiled">!</span>' if line in lines.failed else "")


def _row(lines, line, code):
    shares = {n: lines.share(s, line) for n, s in enumerate(lines.page.specializations)}
    shares = {n: s for n, s in shares.items() if s}
    failed = line in lines.failed
    share = 0.75 if failed else max(shares.values(), default=0)
    style = f' style="--share:{share}"' if share else ""
    data = f" data-shares='{json.dumps(shares)}'" if shares and not failed else ""
    return (f'<div class="row"{style}{data}><span class="number">{line}</span><span class="fold"></span><span class="marks">{_mark_spans(lines, line)}'
            f'</span><span class="source">{escape(code) or " "}</span></div>')


def _line(lines, line, code):
    row = _row(lines, line, code)
    inside = [_detail(lines, n, line) for n in range(len(lines.page.specializations)) if lines.says(n, line)]
    f = lines.failed.get(line)
    if f and (line == f.line or any(line == span[2] for span in f.spans)):
        inside += [_failure(g) for g in lines.page.failures if g.line == f.line]
    if not inside:
        return f'<div class="line {"failed" if f else "plain"}" id="L{line}">{row}</div>'
    return f'<details class="line" id="L{line}"><summary>{row}</summary><div class="detail">{"".join(inside)}</div></details>'


def _selector(page):
    if not page.specializations:
        return '<span class="none">no function has been compiled</span>'
    options = "".join(f'<option value="{n}">{escape(s.title)}</option>' for n, s in enumerate(page.specializations))
    return f'<label>signature <select id="signature"><option value="all">all ({len(page.specializations)})</option>{options}</select></label>'


LEGEND = ('<div class="legend"><span><span class="swatch"></span> none &ndash; much of the line goes through the Python C API</span>'
          + "".join(f'<span><b class="mark {cls}">{sign}</b> {title}</span>' for cls, sign, title in MARKS) + "<span>grey: not compiled code</span><span>click a line to unfold it</span></div>")


def render(page):
    lines = _Lines(page)
    body = "\n".join(_line(lines, n, code) for n, code in page.numbered())
    title = escape(page.file.rsplit("/", 1)[-1])
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}'
            f' - coluber annotate</title><style>{STYLE}</style></head>\n<body><header><h1>{title}</h1><div class="bar">{_selector(page)}'
            f'<button id="open">unfold all</button><button id="close">fold all</button></div>{LEGEND}</header>\n<main>\n{body}\n</main>'
            f'<script>{SCRIPT}</script></body></html>\n')
