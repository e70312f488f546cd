"""IPython: `%load_ext coluber`, then `%%coluber [options]` compiles each function that a cell defines."""
import argparse
import ast
import shlex

from .. import api
from ..errors import ColuberError
from . import Annotation, collect
from .command import Recorder, blamed, compile_signature, split_signature
from .source import Source


def _parser():
    p = argparse.ArgumentParser(prog="%%coluber", add_help=False)
    p.add_argument("-a", "--annotate", action="store_true", help="show what was done, line by line")
    p.add_argument("--sig", action="append", default=[], help="compile a function for these types: 'f(float64[:])'")
    p.add_argument("--fastmath", action="store_true")
    return p


class Jit(ast.NodeTransformer):
    """Puts the decorator above each top-level function that has none of its own."""

    def visit_Module(self, node):
        for statement in node.body:
            if isinstance(statement, ast.FunctionDef) and not statement.decorator_list:
                name = ast.copy_location(ast.Name("__coluber_jit__", ast.Load()), statement)
                statement.decorator_list.append(name)
        return node


def _show(page):
    from IPython.display import display
    display(Annotation(page))


def _run(shell, cell, options):
    """Runs the cell with each of its functions compiled at need: (its dispatchers, IPython's result)."""
    transformer = Jit()
    shell.user_ns["__coluber_jit__"] = lambda f: api.njit(f, cache=False, fastmath=options.fastmath)
    shell.ast_transformers.append(transformer)
    try:
        with Recorder(lambda function: function.__module__ == "__main__") as recorder:
            return recorder.made, shell.run_cell(cell)
    finally:
        shell.ast_transformers.remove(transformer)
        shell.user_ns.pop("__coluber_jit__", None)


def cell_magic(shell, line, cell):
    """Compiles the functions of the cell; --annotate shows what was done with its lines."""
    options = _parser().parse_args(shlex.split(line))
    made, result = _run(shell, cell, options)
    if not made or result.error_before_exec is not None:
        return
    file = made[0].py_func.__code__.co_filename
    source, failures = Source(file), []
    for text in options.sig:
        path, _ = split_signature(text)
        found = [d for d in made if d.__qualname__ == path]
        if not found:
            raise NameError(f"%%coluber --sig: the cell defines no function {path}")
        compile_signature(found[-1], text, failures, source)
    if isinstance(result.error_in_exec, ColuberError):
        failures += blamed(made, result.error_in_exec, source)
    if options.annotate:
        page = collect.page_of_file(file, made, source)
        page.failures += failures
        _show(page)


def load(shell):
    shell.register_magic_function(lambda line, cell: cell_magic(shell, line, cell), "cell", "coluber")
