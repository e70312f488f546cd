"""raise, try, except, else, finally."""
import numpy as np
import pytest
from check import same


class Custom(ValueError):
    pass


def raises(kind):
    if kind == 0:
        raise ValueError
    if kind == 1:
        raise ValueError("a message")
    if kind == 2:
        raise KeyError("missing")
    if kind == 3:
        raise Custom("mine")
    if kind == 4:
        raise ValueError("two", 2)
    if kind == 5:
        raise ZeroDivisionError()
    if kind == 6:
        raise IndexError(f"index {kind} of {kind * 1.5}")
    if kind == 7:
        raise StopIteration
    return kind


def catches(kind):
    try:
        raises(kind)
        return 0
    except KeyError:
        return 1
    except (IndexError, ZeroDivisionError):
        return 2
    except ValueError:
        return 3


def catch_order(kind):
    try:
        raises(kind)
    except Custom:
        return 1
    except ValueError:
        return 2
    except Exception:
        return 3
    return 4


def bare(kind):
    try:
        raises(kind)
    except:  # noqa: E722
        return -1
    return 1


def with_else(x):
    log = 0
    try:
        log += 1
        if x < 0:
            raise ValueError("negative")
    except ValueError:
        log += 10
    else:
        log += 100
    finally:
        log += 1000
    return log


def finally_return(x):
    try:
        if x > 0:
            return 1
        if x < 0:
            raise ValueError("negative")
    finally:
        x = 5
    return x


def finally_list(xs, x):
    try:
        xs.append(1)
        if x < 0:
            raise ValueError("negative")
        xs.append(2)
    finally:
        xs.append(3)
    return len(xs)


def finally_in_loop(n):
    s = 0
    for i in range(n):
        try:
            if i == 2:
                continue
            if i == 4:
                break
            s += i
        finally:
            s += 100
    return s


def reraise(kind):
    try:
        raises(kind)
    except ValueError:
        raise
    return 0


def raise_as(kind):
    try:
        raises(kind)
    except ValueError as e:
        raise e
    return 0


def raise_other(kind):
    try:
        raises(kind)
    except ValueError as e:
        raise RuntimeError("other") from e
    return 0


def nested(x):
    try:
        try:
            if x == 0:
                raise KeyError("inner")
            if x == 1:
                raise ValueError("inner")
        except KeyError:
            raise IndexError("from the handler")
        finally:
            x += 10
    except IndexError:
        return x
    except ValueError:
        return -x
    return 2 * x


def from_division(a, b):
    try:
        return a // b
    except ZeroDivisionError:
        return -1


def from_index(xs, i):
    try:
        return xs[i]
    except IndexError:
        return -1


def in_loop(xs):
    good = 0
    for x in xs:
        try:
            if x < 0:
                raise ValueError
            good += 10 // x
        except ValueError:
            good -= 1
        except ZeroDivisionError:
            good -= 100
    return good


def swallowed_name(x):
    try:
        raise ValueError(x)
    except ValueError as e:
        y = 1
        print(e)
    return y


def class_or_instance(kind):
    error = ValueError("kept")
    if kind:
        raise error
    return 1


CASES = [
    (raises, *((k,) for k in range(9))), (catches, *((k,) for k in range(9))), (catch_order, *((k,) for k in range(9))), (bare, (0,), (9,)),
    (with_else, (1,), (-1,)), (finally_return, (1,), (0,), (-1,)), (finally_list, ([0], 1), ([0], -1)), (finally_in_loop, (3,), (10,)),
    (reraise, (1,), (3,), (9,)), (raise_as, (1,), (2,), (9,)), (raise_other, (1,), (9,)), (nested, (0,), (1,), (2,)),
    (from_division, (7, 2), (7, 0)), (from_index, ([1, 2], 1), ([1, 2], 5), ([1, 2], -3)), (in_loop, ([1, -1, 0, 3],), ([],)),
    (class_or_instance, (True,), (False,)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c[0].__name__)
def test_exception(case):
    for args in case[1:]:
        same(case[0], *args)


def test_cause():
    from check import compiled
    with pytest.raises(RuntimeError, match="other") as e:
        compiled(raise_other)(1)
    assert isinstance(e.value.__cause__, ValueError) and str(e.value.__cause__) == "a message"


def test_bound_name_prints(capfd):
    same(swallowed_name, 3)
    out = capfd.readouterr().out
    assert out == "3\n3\n"


def test_traceback_names_the_line():
    from check import compiled
    with pytest.raises(ValueError) as e:
        compiled(raises)(1)
    frames = [(f.name, f.lineno) for f in e.traceback]
    import inspect
    first = inspect.getsourcelines(raises)[1]
    assert any(name == "raises" and line + 1 == first + 4 for name, line in frames) or frames[-1][1] + 1 == first + 4, frames


def handles_in_a_loop(x):
    bad = 0
    for i in range(len(x)):
        try:
            if x[i] > 0.5:
                raise ValueError
            x[i] = 1 / (i % 10)                # that i % 10 is a float without rounding is proved
        except ZeroDivisionError:
            x[i] = -1
        except ValueError:
            bad += 1
    return bad


@pytest.mark.parametrize("n", [0, 1, 1001])
def test_handlers_in_a_loop(n):
    same(handles_in_a_loop, np.linspace(0, 1, n))
