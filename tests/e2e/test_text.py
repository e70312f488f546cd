"""print, f-strings in messages, strings as choices."""
import pytest
from check import compiled, same


def prints(i, f, b, c):
    print(i, f, b, c)
    print("text", i, sep="-")
    print(f, end="!\n")
    print()
    print(None, -i, f * 1e300, f / 3)
    print((i, f), (i,), ())
    print(f"{i} and {f!r}", str(b))


def message(i, f):
    raise ValueError(f"bad value {i} of {f}: {i + f}")


def choose(mode):
    if mode == "sum":
        return 1
    elif mode in ("mean", "median"):
        return 2
    return 0


def choices(x):
    return choose("sum") * 100 + choose("median") * 10 + choose("other") + x


def test_print(capsys):
    for args in [(1, 2.5, True, 1 + 2j), (-3, 1e-7, False, -0.0 + 0j), (2**62, float("nan"), True, complex("inf")), (0, 1e16, False, 1e16j)]:
        prints(*args)
        want = capsys.readouterr().out
        compiled(prints)(*args)
        assert capsys.readouterr().out == want


def test_print_goes_through_sys_stdout(capsys):
    compiled(prints)(1, 2.0, True, 1j)
    assert capsys.readouterr().out.startswith("1 2.0 True 1j\n")


@pytest.mark.parametrize("f", [0.1, 1e22, 1e-5, 123456789.0, float("inf"), -0.0, 5e-324, 1.7976931348623157e308, 1 / 3])
def test_message(f):
    same(message, 3, f)


def test_choices():
    same(choices, 1)
    same(choose, "sum")
    same(choose, "mean")
    same(choose, "x")
