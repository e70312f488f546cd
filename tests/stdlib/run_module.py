"""Runs one of CPython's own test files with every function of the module it tests under @jit, or as it is.

    python run_module.py plain|jit MODULE TEST_MODULE      prints a JSON object: the outcome of each test, and how the functions ran

Functions and methods are replaced in the module and in its classes; what is a generator, a coroutine or not written in Python stays."""
import importlib
import io
import json
import sys
import types
import unittest
import warnings


def wrap_all(names, jit):
    """Replaces the functions of these modules; returns the dispatchers."""
    made = []

    def wrapped(function):
        made.append(jit(function, fallback="silent"))
        return made[-1]

    def of_class(cls, seen):
        if cls in seen:
            return
        seen.add(cls)
        for key, value in list(vars(cls).items()):
            if isinstance(value, types.FunctionType) and value.__module__ == cls.__module__:
                setattr(cls, key, wrapped(value))
            elif isinstance(value, (staticmethod, classmethod)) and isinstance(value.__func__, types.FunctionType):
                setattr(cls, key, type(value)(wrapped(value.__func__)))
            elif isinstance(value, property) and isinstance(value.fget, types.FunctionType):
                setattr(cls, key, property(wrapped(value.fget), value.fset, value.fdel, value.__doc__))
            elif isinstance(value, type) and value.__module__ == cls.__module__:
                of_class(value, seen)

    for name in names:
        module = importlib.import_module(name)
        for key, value in list(vars(module).items()):
            if getattr(value, "__module__", None) != name:
                continue
            if isinstance(value, types.FunctionType):
                setattr(module, key, wrapped(value))
            elif isinstance(value, type) and not issubclass(value, (BaseException, tuple)):
                of_class(value, set())
    return made


class Outcomes(unittest.TextTestResult):
    def __init__(self, *args):
        super().__init__(*args)
        self.outcomes = {}

    def startTest(self, test):
        super().startTest(test)
        self.outcomes[test.id()] = "passed"

    def _note(self, test, outcome):
        self.outcomes[getattr(test, "test_case", test).id()] = outcome

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._note(test, "skipped")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._note(test, "failed")

    def addError(self, test, err):
        super().addError(test, err)
        self._note(test, "failed")

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._note(test, "failed")


def how(dispatchers):
    """How many functions were called, and how many specialisations ran native, mixed and in the interpreter, with the reasons for the last."""
    count = {"functions": len(dispatchers), "called": 0, "native": 0, "mixed": 0, "interpreter": 0}
    reasons = {}
    for d in dispatchers:
        modes = d._object_mode()
        native = len(d.nopython_signatures)
        count["native"] += native
        count["called"] += bool(native or modes or d._in_python())
        for _, result, why in modes:
            count["mixed" if why is None else "interpreter"] += 1
            if why is not None:
                reasons.setdefault(why.splitlines()[0], []).append(d.__qualname__)
    return count, reasons


def main(mode, modules, test):
    dispatchers = []
    warnings.simplefilter("ignore")
    if mode == "jit":
        from coluber import jit
        importlib.import_module(test)            # tests may keep pristine copies of the module
        dispatchers = wrap_all(modules.split(","), jit)
    suite = unittest.defaultTestLoader.loadTestsFromName(test)
    out = io.StringIO()
    result = unittest.TextTestRunner(out, resultclass=Outcomes, verbosity=0).run(suite)
    count, reasons = how(dispatchers)
    json.dump({"outcomes": result.outcomes, "count": count, "reasons": reasons, "log": out.getvalue()[-20000:]}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
