"""The IR does what the function does: the corpus runs in CPython and, as IR, in interpret.py, and results, exceptions, calls and changed
arguments are compared."""
import copy
import inspect
import itertools
import random
import sys
import types
import zlib

import numpy.linalg                            # noqa: F401 - corpus functions import it: a first import takes more lines than one of them may
import pytest
from corpus_files import CORPUS, corpus_source
from interpret import Function, OutOfSteps, Unsupported

INPUTS = 60
LINES = 3000


class Log:
    """The functions that the corpus calls: they note their calls and raise now and then."""

    def __init__(self, seed):
        self.random, self.calls = random.Random(seed), []

    def function(self, name):
        def call(*args, **keywords):
            self.calls.append((name, repr_of(args), repr_of(keywords)))
            if len(self.calls) > 300:
                raise RuntimeError("too many calls")
            choice = self.random.randrange(8)
            if choice < 3:
                raise [ValueError, TypeError, KeyError][choice](name)
            return [0, 1, 2, 3, None, -1, 5, 2.5][self.random.randrange(8)]
        return call


def repr_of(value):
    if isinstance(value, types.FunctionType):
        return "function"
    if isinstance(value, (list, tuple)):
        return type(value).__name__ + "[" + ", ".join(map(repr_of, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {repr_of(v)}" for k, v in value.items()) + "}"
    if isinstance(value, BaseException):
        return f"{type(value).__name__}"
    if isinstance(value, types.SimpleNamespace):
        return "namespace" + repr_of(vars(value))
    if type(value).__module__ == "builtins" and not isinstance(value, (types.ModuleType, type, types.BuiltinFunctionType)) and " at 0x" in repr(value):
        return type(value).__name__
    return repr(value)


def pool(rng):
    return [0, 1, 2, 3, 7, -1, -2, 2.5, True, None, [1, 2, 3], [], [0, 5], [3, -1, 0, 4], (1, 2), [[1, 2], [0, 3]], [(1, 2), (3, 4)], [((1, 2), 3)], (1, (2, 3)),
            [2, 0], "text", {"a": 1}, types.SimpleNamespace(x=1, y=2, z=types.SimpleNamespace(w=3), shape=(4, 5)), range(4), [None, 1]]


def stop_after(lines):
    left = [lines]

    def trace(frame, event, arg):
        left[0] -= 1
        if left[0] < 0:
            raise OutOfSteps
        return trace
    return trace


def outcome(call, args, log, namespace):
    """What happened, in a form that can be compared; None when it took too long."""
    try:
        result = ("returned", repr_of(call(*args)))
    except (OutOfSteps, RecursionError):
        return None
    except Unsupported:
        raise
    except Exception as e:
        result = ("raised", type(e).__name__, repr_of(e.__cause__))
    return result, log.calls, [repr_of(a) for a in args], namespace.get("COUNTER")



def compare(function, ir, seed):
    rng = random.Random(seed)
    params = inspect.signature(function).parameters
    args = [copy.deepcopy(rng.choice(pool(rng))) for _ in params]
    runs = []
    for run in (0, 1):
        log = Log(seed)
        namespace = dict(function.__globals__)
        for name in ("f", "g", "h", "apply"):
            namespace[name] = log.function(name)
        mine = [log.function(p) if p in ("f", "g", "h") else copy.deepcopy(a) for p, a in zip(params, args)]
        if run == 0:
            bound = types.FunctionType(function.__code__, namespace, function.__name__)
            keyword = [p for p in params if params[p].kind is inspect.Parameter.KEYWORD_ONLY]
            call = (lambda *a: bound(*a[:len(a) - len(keyword)], **dict(zip(keyword, a[len(a) - len(keyword):])))) if keyword else bound
            sys.settrace(stop_after(LINES))
            try:
                runs.append(outcome(call, mine, log, namespace))
            finally:
                sys.settrace(None)
        else:
            runs.append(outcome(lambda *a: ir.run(a, namespace), mine, log, namespace))
        if runs[-1] is None:
            return None
    assert runs[0] == runs[1], f"arguments {args!r}"
    return runs[0][0][0]


# Not compared: what compiled code refuses, and parameters that need a caller's help.
LEFT_OUT = {"parameters", "constants"}


def corpus_functions():
    for module in CORPUS:
        namespace = {}
        exec(compile(corpus_source(module), module + ".py", "exec", dont_inherit=True), namespace)
        for name, value in namespace.items():
            if inspect.isfunction(value) and name not in LEFT_OUT:
                yield pytest.param(module, value, id=f"{module}-{name}")


@pytest.mark.parametrize("module, function", list(corpus_functions()))
@pytest.mark.filterwarnings("ignore")
def test_meaning(module, function, corpus_dumps):
    texts = corpus_dumps[module]
    if texts[function.__name__].startswith("error"):
        pytest.skip("refused")
    ir = Function(function.__name__, texts)
    seed = zlib.crc32(function.__name__.encode())
    ends = []
    for i in range(INPUTS if inspect.signature(function).parameters else 1):
        try:
            ends.append(compare(function, ir, seed + i))
        except Unsupported:
            if "py.unsupported" in texts[function.__name__] or "py.with" in texts[function.__name__]:
                pytest.skip("not supported in compiled code")
            raise
    assert any(ends) or function.__name__ in ("infinite",)


def test_the_interpreter_notices_differences(corpus_dumps):
    """IR with one operator exchanged is told apart."""
    def straight(a, b):
        c = a + b
        d = c * a - b
        return d
    texts = {"straight": corpus_dumps["flow"]["straight"].replace('"add"', '"sub"')}
    with pytest.raises(AssertionError):
        for seed in range(INPUTS):
            compare(straight, Function("straight", texts), seed)
