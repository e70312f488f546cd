"""python -m coluber annotate FILE: what the compiler did with the functions of a file."""
import argparse
import contextlib
import importlib
import importlib.util
import os
import re
import runpy
import sys
import traceback

from .. import api, types
from ..errors import ColuberError
from . import Annotation, collect
from .source import Source


def parser():
    p = argparse.ArgumentParser(prog="python -m coluber annotate", description=__doc__.split(": ", 1)[1],
                                epilog="Everything behind --run is handed to the script.")
    p.add_argument("file", help="the Python file")
    p.add_argument("--sig", action="append", default=[], metavar="'f(float64[:], int64)'",
                   help="compile f for these argument types; may be repeated. The file is imported, its __main__ part does not run")
    p.add_argument("--run", nargs=argparse.REMAINDER, default=None, metavar="ARG", help="run the file as a script and take the signatures it uses")
    p.add_argument("-o", "--output", help="where to write (default: FILE.html beside the file; texts go to standard output)")
    form = p.add_mutually_exclusive_group()
    form.add_argument("--text", action="store_const", dest="form", const="text", help="the source with types as comments")
    form.add_argument("--pyi", action="store_const", dest="form", const="pyi", help="a stub file")
    form.add_argument("--annotations", action="store_const", dest="form", const="annotations", help="a copy with annotations written in")
    p.set_defaults(form="html")
    return p


# ---- finding the functions

class Recorder:
    """While it is entered, keeps each dispatcher that is made of a wanted function: also those of inner functions, which are gone at the end."""

    def __init__(self, wanted):
        self.wanted, self.made = wanted, []

    def __enter__(self):
        self.decorate = decorate = api._decorate

        def recording(function, options, signatures):
            made = decorate(function, options, signatures)
            self.keep(made)
            return made

        api._decorate = recording
        return self

    def __exit__(self, *_):
        api._decorate = self.decorate

    def keep(self, dispatcher):
        if isinstance(dispatcher, api.Dispatcher) and self.wanted(dispatcher.py_func) and not any(d is dispatcher for d in self.made):
            self.made.append(dispatcher)


def _module_name(file):
    """(dotted name, folder for the path): of a file of a package within that package, so that relative imports work."""
    folder, name = os.path.split(os.path.splitext(file)[0])
    in_package = os.path.exists(os.path.join(folder, "__init__.py"))
    while os.path.exists(os.path.join(folder, "__init__.py")):
        folder, package = os.path.split(folder)
        name = f"{package}.{name}"
    taken = not in_package and (name in sys.modules or name in sys.stdlib_module_names)
    return ("annotated_" + name if taken else name), folder


def _import(file):
    """The file as a module, as if it were imported by a script beside it. Its own folder is on the path."""
    name, folder = _module_name(file)
    sys.path.insert(0, folder)
    if "." in name:
        importlib.import_module(name.rpartition(".")[0])
    if name in sys.modules:                      # its package has imported it
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _lookup(module, path):
    """module.path; for a method that of its class."""
    found = module
    for part in path.split("."):
        found = found.__dict__.get(part) if isinstance(found, type) else getattr(found, part, None)
        if isinstance(found, (staticmethod, classmethod)):
            found = found.__func__
        if found is None:
            raise SystemExit(f"annotate: {module.__name__} has no function {path}")
    return found


SIGNATURE = re.compile(r"\s*([A-Za-z_][\w.]*)\s*(\(.*\))\s*$", re.S)


def split_signature(text):
    """'f(float64[:], int64)' -> "f", the types."""
    found = SIGNATURE.match(text)
    if not found:
        raise SystemExit(f"annotate: --sig takes a function with its argument types, as in 'f(float64[:], int64)', not {text!r}")
    inner = found[2][1:-1].strip()
    return found[1], types.parse_signature(f"({inner},)" if inner and not inner.endswith(",") else f"({inner})").args


def compile_signature(dispatcher, text, failures, source):
    try:
        dispatcher._compile(tuple(t.text for t in split_signature(text)[1]), None)
    except ColuberError as e:
        failures.append(collect.failure(dispatcher.py_func, text, e, source))
    except TypeError as e:                       # not the number of arguments that the function takes
        raise SystemExit(f"annotate: {text}: {e}") from None


def _compile(recorder, module, text, failures, source):
    found = _lookup(module, split_signature(text)[0])
    dispatcher = next((d for d in recorder.made if d.py_func is found), None)      # named twice
    dispatcher = dispatcher or (found if isinstance(found, api.Dispatcher) else api.njit(found, cache=False))
    recorder.keep(dispatcher)
    compile_signature(dispatcher, text, failures, source)


# ---- the steps

def _compiled(options, file, source):
    """(dispatchers, failures, what the script raised)."""
    failures, raised = [], None
    with Recorder(lambda function: collect.same_file(function.__code__.co_filename, file)) as recorder:
        if options.run is not None:
            raised = _run(file, options.run)
        else:
            module = _import(file)
            for text in options.sig:
                _compile(recorder, module, text, failures, source)
        for d in recorder.made:                  # explicit signatures of the decorators, which are compiled at the first call only
            for args, result in d._declared():
                try:
                    d._compile(args, result)
                except ColuberError as e:
                    failures.append(collect.failure(d.py_func, f"{d.__qualname__}({', '.join(args)})", e, source))
        if isinstance(raised, ColuberError):
            failures += blamed(recorder.made, raised, source)
    return recorder.made, failures, raised


def blamed(dispatchers, error, source):
    """The function that could not be compiled, of an error that ended the script: its call led to the place."""
    places = [span for span in error.spans if span[0] and collect.same_file(span[0], source.file)]
    for d in dispatchers:
        code = d.py_func.__code__
        node = source.function_at(d.py_func.__name__, code.co_firstlineno)
        last = node.end_lineno if node else code.co_firstlineno
        if any(code.co_firstlineno <= span[2] <= last for span in places[-1:]):
            return [collect.failure(d.py_func, d.__qualname__, error, source)]
    return []


def _run(file, args):
    saved = sys.argv
    sys.argv = [file, *args]
    sys.path.insert(0, os.path.dirname(file))
    try:
        runpy.run_path(file, run_name="__main__")
    except SystemExit:
        pass                                     # a script's own way to end
    except Exception as e:                       # noqa: BLE001 - shown, and what was compiled until then is listed all the same
        traceback.print_exc()
        return e
    finally:
        sys.argv = saved
    return None


def rendered(form, page, dispatchers):
    if form == "html":
        return Annotation(page).html
    if form == "text":
        return Annotation(page).text
    from . import stubs
    if form == "pyi":
        return stubs.stub(page.source, dispatchers)
    return stubs.annotated_copy(page.source, dispatchers, lambda d: [b for s in page.specializations if s.dispatcher is d for b in s.bodies])


def main(arguments):
    options = parser().parse_args(arguments)
    if options.run is not None and options.sig:
        raise SystemExit("annotate: give --sig or --run, not both")
    file = os.path.abspath(options.file)
    if not os.path.isfile(file):
        raise SystemExit(f"annotate: there is no file {options.file}")
    source = Source(file)
    output = options.output or (os.path.splitext(options.file)[0] + ".html" if options.form == "html" else None)
    # What the script prints must not mix with a text that goes to standard output.
    with contextlib.nullcontext() if output else contextlib.redirect_stdout(sys.stderr):
        dispatchers, failures, raised = _compiled(options, file, source)
    page = collect.page_of_file(file, dispatchers, source)
    page.failures += failures
    text = rendered(options.form, page, dispatchers)
    if output:
        with open(output, "w", encoding="utf-8") as out:
            out.write(text)
        print(f"{output}: {len(page.specializations)} signature{'' if len(page.specializations) == 1 else 's'}"
              + (f", {len(page.failures)} not compiled" if page.failures else ""), file=sys.stderr)
    else:
        sys.stdout.write(text)
    if not page.specializations and not page.failures:
        print("annotate: nothing was compiled; name functions by --sig, or --run the script", file=sys.stderr)
    return 1 if raised is not None else 0
