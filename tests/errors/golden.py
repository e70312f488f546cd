"""Golden texts of messages: cases in a text file, each a small program, a call, and what the user sees.

    === NoOperator              the row of ir/diag.def; more words tell cases of one row apart; `differs`: not what CPython does
    def f(x):                   the program; np, math, njit and types are there, and a plain f is compiled as njit(f)
        return x + "a"
    --- f(1.0)                  the call
    TypingError: operator ...   the message; of a run-time error also the traceback's entries, and what CPython does where it differs
    +++ 3.12                    another text from that version on

Python 3.10 has no columns in its code objects: columns and carets are dropped from the text, and `+++ 3.10` is for 3.10 only.
COLUBER_BLESS=1 writes what is the case now (3.11 first, then the others); read the difference before you commit it."""
import copy
import itertools
import linecache
import math
import os
import re
import sys
import traceback
import types as python_types
from pathlib import Path

import numpy as np

import coluber
from coluber import njit, types

VERSION = "%d.%d" % sys.version_info[:2]
BLESS = os.environ.get("COLUBER_BLESS") == "1"


class Case:
    def __init__(self, title, source, call, texts):
        self.title, self.source, self.call, self.texts = title, source, call, texts
        self.row, *rest = title.split()
        self.differs = "differs" in rest

    def expected(self):
        if VERSION == "3.10":
            return self.texts.get(VERSION) or plain(self.texts[""])
        newest = max((v for v in self.texts if "3.10" < v <= VERSION), default="")
        return self.texts[newest]

    def bless(self, got):
        if VERSION == "3.11":
            self.texts[""] = got
            return
        self.texts.pop(VERSION, None)
        if got != self.expected():
            self.texts[VERSION] = got

    def __str__(self):
        parts = [f"=== {self.title}\n{self.source}--- {self.call}\n{self.texts['']}\n"]
        parts += [f"+++ {version}\n{text}\n" for version, text in sorted(self.texts.items()) if version]
        return "".join(parts)


def plain(text):
    """Without columns and carets."""
    lines = [line for line in text.split("\n") if not re.fullmatch(r" +\^+", line)]
    return "\n".join(re.sub(r"^(  \S+\.py:\d+):\d+", r"\1", line) for line in lines)


def read(path):
    cases = []
    for block in path.read_text().split("=== ")[1:]:
        title, _, rest = block.partition("\n")
        source, _, rest = rest.partition("--- ")
        call, _, rest = rest.partition("\n")
        main, *more = ("\n" + rest).split("\n+++ ")
        texts = {"": main.strip("\n")}
        for part in more:
            version, _, text = part.partition("\n")
            texts[version] = text.strip("\n")
        cases.append(Case(title.strip(), source, call.strip(), texts))
    return cases


def write(path, cases):
    path.write_text("\n".join(map(str, cases)))


def load(case, folder, compiled):
    """The module of a case. compiled False: njit does nothing."""
    name = re.sub(r"\W", "_", case.title)
    file = folder / (name + ".py")
    file.write_text(case.source)
    linecache.checkcache(str(file))
    module = python_types.ModuleType(name)
    decorator = njit if compiled else lambda f=None, *args, **kwargs: f if callable(f) else (lambda g: g)
    module.__dict__.update(np=np, math=math, njit=decorator, types=types, coluber=coluber, __file__=str(file))
    exec(compile(case.source, str(file), "exec"), module.__dict__)
    if compiled and type(module.__dict__.get("f")) is python_types.FunctionType:
        module.f = njit(module.f, cache=False)
    return module


def outcome(case, folder, compiled):
    """What the call does, as text, and the exception."""
    folder.mkdir(exist_ok=True)
    try:
        module = load(case, folder, compiled)
        with np.errstate(all="ignore"):
            value = eval(case.call, dict(module.__dict__, copy=copy))
        return f"value: {value!r}", None
    except Exception as error:                 # noqa: BLE001 - any exception is an outcome
        return f"{type(error).__name__}: {error}".replace(str(folder) + "/", "").rstrip(" "), error


def places(error, folder):
    """The traceback's entries that are in the case, the innermost last."""
    entries = [e for e in traceback.extract_tb(error.__traceback__) if e.filename.startswith(str(folder))]
    lines = [f"\n  {Path(e.filename).name}:{e.lineno} in {e.name}" for e in entries]
    counts = [(line, len(list(same))) for line, same in itertools.groupby(lines)]
    return "".join(line + (f", {n} times" if n > 1 else "") for line, n in counts)
