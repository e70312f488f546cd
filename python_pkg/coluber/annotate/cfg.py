"""The blocks and jumps of the typed IR as SVG, without graphviz: ranks by longest path from the entry (loops closed by back edges), the order
inside a rank by the mean place of the predecessors, edges as curves, back edges at the side."""
import html
import re

FUNCTION = re.compile(r"^func @(\S+?)\((.*)$", re.M)
BLOCK = re.compile(r"^\^(\d+)(\(.*?\))?( loop)?:$")
TARGET = re.compile(r"\^(\d+)")
NUMBER = re.compile(r" !\d+(?= |$)")           # places: of no interest here

ROW, CHAR, PAD, GAP_X, GAP_Y, MOST = 15, 6.7, 8, 28, 46, 14


class Block:
    def __init__(self, number, parameters, loop):
        self.number, self.parameters, self.loop = number, parameters or "", bool(loop)
        self.rows, self.next = [], []

    def text(self):
        """The lines shown: of a long block the beginning and the end."""
        head = [f"^{self.number}{self.parameters}" + (" loop" if self.loop else "")]
        rows = self.rows if len(self.rows) <= MOST else [*self.rows[:MOST - 3], f"... {len(self.rows) - MOST + 1} more", *self.rows[-2:]]
        return [r if len(r) <= 64 else r[:61] + "..." for r in head + rows]


def parse(text):
    """[(function name, [Block])] of the printed IR."""
    functions = []
    block = None
    for line in text.splitlines():
        head = BLOCK.match(line)
        if line.startswith("func @"):
            functions.append((FUNCTION.match(line)[1], []))
            block = None
        elif head and functions:
            block = Block(int(head[1]), head[2], head[3])
            functions[-1][1].append(block)
        elif block and line.startswith("  "):
            block.rows.append(NUMBER.sub("", line.strip()))
    for _, blocks in functions:
        known = {b.number for b in blocks}
        for b in blocks:
            last = b.rows[-1] if b.rows else ""
            b.next = [n for n in map(int, TARGET.findall(last)) if n in known]
    return [(name, blocks) for name, blocks in functions if blocks]


# ---- layout

def _back_edges(blocks):
    """Edges to a block that is being visited, in a depth-first walk from the entry."""
    by_number = {b.number: b for b in blocks}
    state, back = {}, set()
    stack = [(blocks[0].number, iter(blocks[0].next))]
    state[blocks[0].number] = "open"
    while stack:
        number, rest = stack[-1]
        for n in rest:
            if state.get(n) == "open":
                back.add((number, n))
            elif n not in state:
                state[n] = "open"
                stack.append((n, iter(by_number[n].next)))
                break
        else:
            state[number] = "done"
            stack.pop()
    return back


def _ranks(blocks, back):
    rank = {b.number: 0 for b in blocks}
    for _ in blocks:                           # longest paths: as many rounds as there are blocks at most
        moved = False
        for b in blocks:
            for n in b.next:
                if (b.number, n) not in back and rank[n] <= rank[b.number]:
                    rank[n] = rank[b.number] + 1
                    moved = True
        if not moved:
            break
    return rank


def _chains(blocks, rank, back):
    """{(from, to): the way of an edge through the ranks}: a long edge has a place of its own in each rank between, so that it crosses no box."""
    chains = {}
    for b in blocks:
        for n in b.next:
            if (b.number, n) not in back:
                chains[b.number, n] = [b.number, *((b.number, n, r) for r in range(rank[b.number] + 1, rank[n])), n]
    return chains


def _rows(blocks, rank, chains):
    """Per rank the blocks and ways through, ordered by the mean place of what comes before them."""
    rows = [[] for _ in range(max(rank.values()) + 1)]
    before = {}
    for b in blocks:
        rows[rank[b.number]].append(b.number)
    for chain in chains.values():
        for a, b in zip(chain, chain[1:]):
            before.setdefault(b, []).append(a)
            if isinstance(b, tuple):
                rows[b[2]].append(b)
    for upper, row in zip(rows, rows[1:]):
        place = {n: i / max(len(upper) - 1, 1) for i, n in enumerate(upper)}
        row.sort(key=lambda n: sum(place.get(p, 0.5) for p in before.get(n, ())) / max(len(before.get(n, ())), 1))
    return rows


class Layout:
    """boxes: {block or way through: (x, y, width, height)}; size of the drawing; chains and back edges."""

    def __init__(self, blocks):
        self.back = _back_edges(blocks)
        rank = _ranks(blocks, self.back)
        self.chains = _chains(blocks, rank, self.back)
        rows = _rows(blocks, rank, self.chains)
        size = {b.number: (max(map(len, b.text())) * CHAR + 2 * PAD, len(b.text()) * ROW + 2 * PAD) for b in blocks}
        widths = [sum(size.get(n, (10, 0))[0] for n in row) + GAP_X * (len(row) - 1) for row in rows]
        self.left = 24 + 8 * len(self.back)
        self.boxes, self.below, y = {}, {}, 12 + GAP_Y / 2      # below: where the rank of a box ends
        for row, width in zip(rows, widths):
            x, height = self.left + (max(widths) - width) / 2, max(size[n][1] for n in row if n in size)
            for n in row:
                w, h = size.get(n, (10, height))
                self.boxes[n], self.below[n] = (x, y, w, h), y + height
                x += w + GAP_X
            y += height + GAP_Y
        self.width, self.height = max(widths) + self.left + 24, y


# ---- drawing

def _forward(layout, chain, slot):
    """Down through the chain: curves between the ranks, straight lines beside the boxes."""
    x, y, w, h = layout.boxes[chain[0]]
    path = f"M{x + w * slot:.0f},{y + h:.0f} V{layout.below[chain[0]]:.0f}"
    x, y = x + w * slot, layout.below[chain[0]]
    for n in chain[1:]:
        bx, by, bw, bh = layout.boxes[n]
        to = bx + bw / 2
        bend = max((by - y) / 2, 12)
        path += f" C{x:.0f},{y + bend:.0f} {to:.0f},{by - bend:.0f} {to:.0f},{by:.0f}"
        x, y = to, by
        if isinstance(n, tuple):
            y = by + bh
            path += f" V{y:.0f}"
    return path


def _backward(layout, number, target, lane):
    """Out below the block, up at the left of all boxes, in from above."""
    x1, y1 = layout.boxes[number][0] + 14, layout.boxes[number][1] + layout.boxes[number][3]
    x2, y2 = layout.boxes[target][0] + 14, layout.boxes[target][1]
    side, step = 12 + 8 * lane, 9 + lane % 3 * 4
    return f"M{x1:.0f},{y1:.0f} V{layout.below[number] + step:.0f} H{side} V{y2 - step - 5:.0f} H{x2:.0f} V{y2:.0f}"


def _edges(blocks, layout):
    out, lane = [], 0
    for b in blocks:
        for i, n in enumerate(b.next):
            if (b.number, n) in layout.back:
                path, kind = _backward(layout, b.number, n, lane), "back"
                lane += 1
            else:
                path, kind = _forward(layout, layout.chains[b.number, n], (i + 1) / (len(b.next) + 1)), "edge"
            # Of two ways out the first is taken when the condition holds.
            label = ("", " yes", " no")[0 if len(b.next) != 2 else i + 1]
            out.append(f'<path class="{kind}{label}" data-from="{b.number}" data-to="{n}" d="{path}" marker-end="url(#arrow)"/>')
    return out


def _box(block, box):
    x, y, w, h = box
    rows = "".join(f'<tspan x="{x + PAD:.0f}" y="{y + PAD + 11 + i * ROW:.0f}"{" class=" + chr(34) + "head" + chr(34) if i == 0 else ""}>'
                   f"{html.escape(r)}</tspan>" for i, r in enumerate(block.text()))
    kind = "loop" if block.loop else "block"
    return f'<g class="{kind}" id="b{block.number}"><rect x="{x:.0f}" y="{y:.0f}" width="{w:.0f}" height="{h:.0f}" rx="5"/><text>{rows}</text></g>'


STYLE = ("rect{fill:#f7f8fa;stroke:#8a94a2}.loop rect{fill:#eaf4ec;stroke:#15803d}text{font:11px monospace;fill:#1c2128;white-space:pre}"
         ".head{font-weight:700}path{fill:none;stroke:#6b7480}.yes{stroke:#15803d}.no{stroke:#b42318}.back{stroke-dasharray:5 3}"
         "#arrow path{fill:#6b7480;stroke:none}.paper{fill:#fff;stroke:none}")


def _drawing(name, blocks, top):
    layout = Layout(blocks)
    parts = [f'<text x="12" y="16" class="head">{html.escape(name)}</text>', '<g transform="translate(0 18)">', *_edges(blocks, layout),
             *(_box(b, layout.boxes[b.number]) for b in blocks), "</g>"]
    return f'<g transform="translate(0 {top:.0f})">{"".join(parts)}</g>', layout.width, layout.height + 24


class Cfg:
    """The drawing: notebooks show it, `svg` is its text, `save(path)` writes it."""

    def __init__(self, svg):
        self.svg = svg

    def _repr_svg_(self):
        return self.svg

    def __str__(self):
        return self.svg

    def save(self, path):
        with open(path, "w", encoding="utf-8") as out:
            out.write(self.svg)
        return path


def draw(text):
    """The SVG of printed IR, one function below the other."""
    drawings, top, widest = [], 0, 0
    for name, blocks in parse(text):
        drawing, width, height = _drawing(name, blocks, top)
        drawings.append(drawing)
        top, widest = top + height, max(widest, width)
    return Cfg(f'<svg xmlns="http://www.w3.org/2000/svg" width="{widest:.0f}" height="{top:.0f}" viewBox="0 0 {widest:.0f} {top:.0f}"><style>{STYLE}'
               '</style><defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
               f'<path d="M0,0 L8,4 L0,8 z"/></marker></defs><rect class="paper" width="100%" height="100%"/>{"".join(drawings)}</svg>')
