"""The runtime functions: text of numbers, print."""
import io
from contextlib import redirect_stdout

from hypothesis import example, given, settings
from hypothesis import strategies as st

from coluber import _coluber, njit


@njit
def format_float(x):
    pass


@njit
def print_float(x):
    pass


@settings(max_examples=1000)
@given(st.floats())
@example(1e16)
@example(1e-5)
@example(9999999999999998.0)
@example(1e22)
@example(5e-324)
@example(-0.0)
def test_float_text_is_repr(x):
    assert _coluber._float_text(x) == repr(x)


def test_format_and_print(stats):
    before = stats()["live_blocks"]
    assert format_float(0.1) == "<0.1>" and format_float(-1e300) == "<-1e+300>"
    out = io.StringIO()
    with redirect_stdout(out):
        assert print_float(2.5) is None
    assert out.getvalue() == "x =|2.5.\n"
    assert stats()["live_blocks"] == before


def test_print_errors_come_through():
    class Broken(io.StringIO):
        def write(self, text):
            raise OSError("broken pipe")
    try:
        with redirect_stdout(Broken()):
            print_float(1.0)
    except OSError as e:
        assert str(e) == "broken pipe"
    else:
        raise AssertionError("nothing was raised")
