"""The exceptions of Coluber, and how a diagnostic of the compiler becomes one."""


class ColuberError(Exception):
    """Base of all that the compiler reports. `id` names the row of the table of diagnostics; `spans` are the places."""
    id = None
    spans = ()


class TypingError(ColuberError, TypeError):
    """No type fits."""


class UnsupportedError(ColuberError):
    """Python that Coluber does not compile."""


class LoweringError(ColuberError):
    """A function that could be typed, but not turned into machine code."""


class InternalError(ColuberError):
    """A mistake of Coluber's own: please report it."""


class RaceError(ColuberError, RuntimeError):
    """Rounds of a prange loop use the same memory, and one of them stores to it: found while the loop ran, under the option check_races.

    iterations: of the loop variable (of a prange with a step: numbers of the rounds, from 0); places: "file:line" of both accesses."""
    iterations = places = ()


def race_error(first, second):
    """Of two (iteration, stores, place); the second is the one that found it."""
    def told(use):
        return f"iteration {use[0]} {'stores to it' if use[1] else 'reads it'} at {use[2]}"
    e = RaceError(f"iterations of the prange loop use the same memory: {told(first)}, {told(second)}\n  hint: use coluber.atomic, "
                  "coluber.critical(), a reduction (acc += x on a variable), or a private copy per iteration; or write range")
    e.id, e.iterations, e.places = "RaceError", (first[0], second[0]), (first[2], second[2])
    return e


class ColuberWarning(UserWarning):
    pass


class ObjectModeWarning(ColuberWarning):
    """A function under jit, or a signature of it, cannot be compiled: calls run the original function. Once per function and reason."""


# Numba's names, for code that catches them.
NumbaError = ColuberError
NumbaWarning = ColuberWarning
NumbaTypeError = TypingError
UnsupportedBytecodeError = UnsupportedError
CompilerError = InternalError


def _source_line(file, line):
    from linecache import getline
    if file == "<string>":                     # code of exec(): what is under that name, if anything, is the text of `python -c`
        return ""
    return getline(file, line).rstrip("\n")


def _columns(text, start, end):
    """Byte offsets, as code objects have them, to positions in the text."""
    data = text.encode()
    return len(data[:start].decode(errors="replace")), len(data[:end].decode(errors="replace"))


def _show(span):
    """A place: file:line:col in function, the source line, carets under the expression, the note."""
    file, function, line, col, end_line, end_col, note = span
    text = _source_line(file, line) if file and line > 0 else ""
    has_columns = end_col > 0 and (end_line > line or end_col > col)   # 3.10 has lines only
    where = f"{file or '?'}:{line}" + (f":{col + 1}" if has_columns else "") + (f" in {function}" if function else "")
    lines = ["  " + where]
    if text.strip():
        lines.append("    " + text.strip())
        if has_columns:
            indent = len(text) - len(text.lstrip())
            start, end = _columns(text, col, end_col if end_line == line else len(text.encode()))
            lines.append("    " + " " * max(start - indent, 0) + "^" * max(end - start, 1))
    if note:
        lines.append("    " + note)
    return lines


def _shorten(spans):
    """Spans with how often each is repeated; of a long chain the two ends, with None between them."""
    runs = []
    for span in spans:
        if len(runs) > 1 and runs[-1][0] == span:
            runs[-1][1] += 1
        else:
            runs.append([span, 1])
    return runs if len(runs) <= 12 else [*runs[:8], None, *runs[-3:]]


def format_diag(message, hint, spans):
    lines = [message]
    for run in _shorten(spans):
        if run is None:
            lines.append("  ...")
            continue
        lines += _show(run[0])
        if run[1] > 1:
            lines[-1] += f", {run[1]} times"
    if hint:
        lines.append("  hint: " + hint)
    return "\n".join(lines)


def from_diag(id, kind, message, hint, spans):
    """Called by the extension with what the engine reported."""
    cls = globals().get(kind or "", ColuberError)
    if not (isinstance(cls, type) and issubclass(cls, ColuberError)):
        cls = ColuberError
    error = cls(format_diag(message or id or "?", hint, spans))
    error.id = id
    error.message = message
    error.hint = hint or None
    error.spans = spans
    return error


def typing_error(message, hint, function):
    """Called by the extension for an argument that cannot be passed: the place is the function's definition."""
    import re
    message = re.sub(r"view#(\w+)\(.*?\)(?=, |$)", r"\1", message)     # the compiler's spelling of lazy objects
    code = function.__code__
    span = (code.co_filename, code.co_name, code.co_firstlineno, 0, code.co_firstlineno, 0, None)
    return from_diag("Argument", "TypingError", message, hint, (span,))
