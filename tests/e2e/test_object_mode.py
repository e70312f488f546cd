"""jit: a call that cannot be compiled runs the original function, with one warning; njit raises."""
import pickle
import sys
import types
import warnings

import numpy as np
import pytest

import coluber
from coluber import ObjectModeWarning, jit, njit


def reads_a_file(path, n):
    with open(path) as f:
        text = f.read()
    return len(text) + n


def words(text):
    counts = {}
    for word in text.split():
        counts[word] = counts.get(word, 0) + 1
    return sorted(counts.items())


def numbers(n):
    for i in range(n):
        yield i * i


def keywords(a, **rest):
    return a, rest


def add(a, b):
    return a + b


class Thing:
    def __init__(self, value):
        self.value = value


def of_thing(thing):
    thing.value += 1
    return thing


class Total:
    def __init__(self, value):
        self.value = value

    def __add__(self, other):
        return self.value + other


def called(f, *args, **kwargs):
    """The result and the warnings of a call."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = f(*args, **kwargs)
    return result, [w for w in caught if issubclass(w.category, ObjectModeWarning)]


def test_an_unsupported_statement_runs_in_python_and_warns_once(tmp_path):
    path = tmp_path / "text"
    path.write_text("hello")
    f = jit(reads_a_file)
    result, told = called(f, str(path), 2)
    assert result == 7 and len(told) == 1
    text = str(told[0].message)
    assert "reads_a_file() runs in object mode" in text and "with" in text and f"{__file__}:" in text
    assert told[0].filename == __file__
    first = reads_a_file.__code__.co_firstlineno
    assert first <= told[0].lineno <= first + 3
    assert called(f, str(path), 2) == (7, [])              # once per function and reason
    assert f.mode(f.signatures[0]) == "mixed" and f.nopython_signatures == []


@pytest.mark.parametrize("function, args", [(words, ("b a b",)), (add, ("a", "b")), (add, ([1], [2.5])), (add, (2, 3.5)), (add, (np.arange(3), 2)),
                                            (add, (10 ** 30, 1)), (add, (1, 2 ** 63)), (keywords, (1,))])
def test_results_are_those_of_python(function, args):
    result, _ = called(jit(function), *args)
    expected = function(*args)
    assert type(result) is type(expected)
    np.testing.assert_array_equal(result, expected)


def test_keywords_are_handed_on():
    assert called(jit(keywords), 1, b=2)[0] == (1, {"b": 2})


def test_generators_are_compiled_where_that_pays():
    def mixes(n):
        x = 7
        for i in range(n):
            x = (x * 5 + i) % 101
            yield x
    f = jit(mixes)
    generator, told = called(f, 4)
    assert list(generator) == list(mixes(4)) and len(told) == 1 and "compiled with Python objects" in str(told[0].message)
    assert called(f, 2)[1] == [] and f.mode("int64") == "mixed" and type(f(2)).__module__ == "coluber"


def test_other_generators_run_in_python_without_a_word():
    f = jit(numbers)
    for _ in range(2):
        generator, told = called(f, 4)
        assert list(generator) == [0, 1, 4, 9] and told == [] and type(generator) is types.GeneratorType
    assert f.mode("int64") == "object" and "as fast in the interpreter" in f._object_mode()[0][2]
    compiled = jit(numbers, forceobj=True)(4)
    assert list(compiled) == [0, 1, 4, 9] and type(compiled) is not types.GeneratorType


def test_objects_keep_their_identity():
    thing = Thing(1)
    result, told = called(jit(of_thing), thing)
    assert result is thing and thing.value == 2
    assert "argument 'thing'" in str(told[0].message)


def test_native_and_python_calls_of_one_function():
    f = jit(add)
    assert called(f, 1, 2) == (3, [])
    result, told = called(f, Total(3), 4)
    assert result == 7 and len(told) == 1 and f(5, 6) == 11
    assert f.mode("(int64, int64)") == "native"
    with pytest.raises(KeyError):
        f.mode("(float32, float32)")


def test_integers_have_no_limit_where_arguments_do_not_fit():
    f = jit(add)
    assert f(1, 2) == 3
    result, told = called(f, 2 ** 62, 2 ** 64)
    assert result == 2 ** 62 + 2 ** 64 and len(told) == 1 and "64" in str(told[0].message)
    assert f(1, 2) == 3


def test_errors_of_the_function_itself_pass_through():
    def fails(x):
        with open("/nonexistent/file") as f:
            return f.read() + x
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(FileNotFoundError) as caught:
            jit(fails)("x")
    assert caught.traceback[-1].name == "fails"


def test_compiled_errors_are_not_taken_for_failures_to_compile():
    calls = []

    def observe(a, i):
        return a[i]
    f = jit(observe)
    with pytest.raises(IndexError):
        f(np.zeros(3), 5)
    assert f.mode(f.signatures[0]) == "native" and not calls


@pytest.mark.parametrize("make", [njit, jit(nopython=True), jit(fallback="error")])
def test_njit_raises(make):
    with pytest.raises(coluber.ColuberError):
        make(words)("a")


def test_silent_fallback():
    assert called(jit(fallback="silent")(words), "a a") == ([("a", 2)], [])
    assert called(njit(fallback="silent")(words), "a a") == ([("a", 2)], [])
    with pytest.raises(ValueError, match="error warn silent"):
        jit(fallback="maybe")(words)


def test_forceobj_compiles_nothing():
    f = jit(forceobj=True)(add)
    assert called(f, 1, 2) == (3, []) and f(2 ** 70, 1) == 2 ** 70 + 1
    assert f.signatures == [] and f.mode("(int64, int64)") == "object"
    assert pickle.loads(pickle.dumps(f)).targetoptions == {"forceobj": True, "fallback": "warn"}


def test_a_warning_that_is_an_error_stops_the_call():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ObjectModeWarning):
            jit(words)("a")


def test_declared_signatures_fall_back_too():
    f = jit("(unicode_type,)")(words)
    result, told = called(f, "a b")
    assert result == [("a", 1), ("b", 1)] and len(told) == 1


def test_a_wider_signature_comes_before_python():
    f = jit(["int32(int32, int32)", "int64(int64, int64)"])(add)
    assert called(f, 2 ** 40, 1) == (2 ** 40 + 1, [])
    assert called(f, 2 ** 70, 1)[0] == 2 ** 70 + 1


def test_a_warning_that_is_an_error_is_raised_once_and_the_next_call_runs():
    f = jit(of_thing)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ObjectModeWarning):
            f(Thing(1))
        assert f(Thing(1)).value == 2


def test_recompile_tries_again():
    space = {"helper": lambda x: open(x)}
    exec("def f(x):\n    return helper(x)", space)
    f = jit(fallback="silent")(space["f"])
    with pytest.raises(OSError):
        f(10 ** 6)
    space["helper"] = lambda x: x + 1
    f.recompile()
    assert f(1) == 2 and f.mode(f.signatures[0]) == "native"


def test_references_balance():
    f = jit(fallback="silent")(of_thing)
    thing = Thing(0)
    f(thing)
    before = sys.getrefcount(thing)
    for _ in range(100):
        f(thing)
    assert sys.getrefcount(thing) == before
