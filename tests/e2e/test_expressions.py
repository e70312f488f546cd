"""Expressions that hypothesis makes: the compiled value is CPython's, bit for bit."""
from check import made, outcome, same
from hypothesis import given
from hypothesis import strategies as st

SMALL = 2**31
ints = st.integers(-SMALL, SMALL)
floats = st.floats(allow_nan=True, allow_infinity=True)


def expressions(leaves, binary, extra):
    return st.recursive(leaves, lambda e: st.one_of(
        st.tuples(e, st.sampled_from(binary), e).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        *[e.map(form) for form in extra],
        st.tuples(e, e, e).map(lambda t: f"({t[0]} if {t[1]} > {t[2]} else {t[2]})")), max_leaves=10)


float_expressions = expressions(st.sampled_from(["x", "y", "z", "1.5", "0.1", "-2.0"]), ["+", "-", "*", "/", "//", "%"],
                                [lambda e: f"(-{e})", lambda e: f"abs({e})", lambda e: f"min({e}, 2.5)", lambda e: f"float({e} > 0.0)"])
int_expressions = expressions(st.sampled_from(["x", "y", "z", "3", "-7", "1"]), ["+", "-", "&", "|", "^", "//", "%"],
                              [lambda e: f"(-{e})", lambda e: f"(~{e})", lambda e: f"abs({e})", lambda e: f"max({e}, 5)", lambda e: f"({e} >> 3)"])


def check(expression, examples):
    f = made(f"def f(x, y, z):\n    return {expression}")
    for values in examples:
        kind, result = outcome(f, values, {})[0][:2]
        if kind == "value" and isinstance(result, int) and not -2**63 <= result < 2**63:
            continue
        same(f, *values, message=False)


@given(float_expressions, st.lists(st.tuples(floats, floats, floats), min_size=3, max_size=3))
def test_float_expressions(expression, examples):
    check(expression, examples)


@given(int_expressions, st.lists(st.tuples(ints, ints, ints), min_size=3, max_size=3))
def test_int_expressions(expression, examples):
    check(expression, examples)


@given(float_expressions, int_expressions, st.lists(st.tuples(ints, ints, ints), min_size=2, max_size=2))
def test_statements(condition, value, examples):
    f = made(f"""def f(x, y, z):
    total = 0
    for i in range(3):
        x = x + i
        if {condition} > 1.0:
            total = total ^ {value}
        elif y % 2:
            continue
        else:
            total -= 1
    return total""")
    for values in examples:
        same(f, *values, message=False)
