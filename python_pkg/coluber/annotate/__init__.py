"""Seeing what the compiler did: `f.annotate()`, `f.inspect_types()`, `f.explain()`, `python -m coluber annotate`, `%%coluber --annotate`.

    model.py     the records               collect.py   from dispatchers (and what the engine lists) to a Page
    source.py    the file's syntax tree    remarks.py   LLVM's remarks, loop by loop, in plain words
    text.py      listings                  stubs.py     .pyi files, annotated copies
    html.py      the page                  style.py     its style sheet and script
    explain.py   why a type                cfg.py       blocks and jumps as SVG
    command.py   the command line          magic.py     IPython

Nothing of this is imported before it is asked for."""


class Annotation:
    """The page of one or several functions. Notebooks show it; `save(path)` writes it, `html` and `text` have it as text."""

    def __init__(self, page):
        self.page = page

    @property
    def html(self):
        from .html import render
        return render(self.page)

    @property
    def text(self):
        from .text import annotated_source
        return annotated_source(self.page)

    def save(self, path):
        with open(path, "w", encoding="utf-8") as out:
            out.write(self.html)
        return path

    def _repr_html_(self):
        """In a frame of its own, so that its style and the notebook's leave each other alone."""
        from html import escape
        height = min(160 + 22 * len(self.page.lines), 720)
        return (f'<iframe srcdoc="{escape(self.html)}" style="width:100%;height:{height}px;border:1px solid #8886;border-radius:6px" '
                'sandbox="allow-scripts"></iframe>')

    def __repr__(self):
        return self.text


def annotate(dispatcher, signature=None):
    from .collect import page_of_function
    return Annotation(page_of_function(dispatcher, signature))
