"""try, except, else, finally, raise, assert, with all the bookkeeping that differs between versions."""


def one(a):
    try:
        return 1 / a
    except ZeroDivisionError:
        return 0


def bare(a):
    try:
        x = f(a)
    except:
        x = 0
    return x


def several(a):
    try:
        x = f(a)
    except ValueError:
        x = 1
    except (TypeError, KeyError):
        x = 2
    return x


def as_name(a):
    try:
        x = f(a)
    except ValueError as e:
        x = g(e)
    return x


def as_name_return(a):
    try:
        return f(a)
    except ValueError as e:
        return e.args


def as_name_read_after(a):
    try:
        f(a)
    except ValueError as e:
        pass
    return e


def with_else(a):
    try:
        x = f(a)
    except ValueError:
        x = 1
    else:
        x += 1
    return x


def with_finally(a):
    try:
        x = f(a)
    finally:
        g(a)
    return x


def finally_return(a):
    try:
        return f(a)
    finally:
        g(a)


def everything(a):
    r = 0
    try:
        r = f(a)
    except ValueError as e:
        r = g(e)
    else:
        r += 1
    finally:
        h(r)
    return r


def nested(a):
    try:
        try:
            x = f(a)
        except ValueError:
            x = g(a)
    except TypeError:
        x = 3
    return x


def nested_in_handler(a):
    try:
        x = f(a)
    except ValueError:
        try:
            x = g(a)
        except TypeError:
            x = 4
    return x


def handler_needs_old_value(a):
    x = 0
    try:
        x = f(a)
        x = g(x)
        x = h(x)
    except ValueError:
        return x
    return -x


def handler_needs_two(a):
    x = y = 0
    try:
        x = f(a)
        y = g(x)
        x, y = y, x
        h(x)
    except ValueError:
        return x + y
    return 0


def maybe_unbound_in_handler(a):
    try:
        x = f(a)
        y = g(x)
    except ValueError:
        return x
    return y


def in_loop(xs):
    s = 0
    for x in xs:
        try:
            s += f(x)
        except ValueError:
            continue
        s += 1
    return s


def loop_in_try(xs):
    s = 0
    try:
        for x in xs:
            s += f(x)
    except ValueError:
        s = -s
    return s


def break_in_try(xs):
    for x in xs:
        try:
            if f(x):
                break
        except ValueError:
            break
    return x


def while_with_try(n):
    while True:
        try:
            n = f(n)
        except ValueError:
            return n


def break_in_finally(xs):
    s = 0
    for x in xs:
        try:
            if x:
                continue
            s += 1
        finally:
            s += 10
    return s


def raise_class(a):
    if a < 0:
        raise ValueError
    return a


def raise_message(a):
    if a < 0:
        raise ValueError("negative: " + str(a))
    return a


def raise_fstring(a):
    raise ValueError(f"negative: {a}")


def raise_from(a):
    try:
        return f(a)
    except KeyError as e:
        raise ValueError("bad") from e


def raise_from_none(a):
    try:
        return f(a)
    except KeyError:
        raise ValueError("bad") from None


def raise_again(a):
    try:
        return f(a)
    except ValueError:
        g(a)
        raise


def raise_again_nested(a):
    try:
        f(a)
    except ValueError:
        try:
            g(a)
        except TypeError:
            pass
        raise


def raise_again_outside():
    raise


def assertion(a):
    assert a > 0
    return a


def assertion_message(a):
    assert a > 0, "not positive"
    return a


def try_in_comprehension_argument(xs):
    try:
        return sum([f(x) for x in xs])
    except ValueError as e:
        return str(e)


def nothing_raises(a):
    try:
        b = 1
    except ValueError:
        b = 2
    return b


def pass_in_handler(a):
    try:
        f(a)
    except ValueError:
        pass
    return a


def finally_with_exception(a):
    try:
        f(a)
    except ValueError:
        return 1
    finally:
        g(a)
    return 2


def two_in_a_row(a):
    x = y = 0
    try:
        x = f(a)
    except ValueError:
        pass
    try:
        y = g(a)
    except ValueError:
        pass
    return x + y


def in_except_of_loop(xs):
    last = None
    for x in xs:
        try:
            f(x)
        except ValueError as e:
            last = e
    return last


def try_in_while(a, n):
    i = 0
    while i < n:
        try:
            a[i] = f(i)
        except ValueError:
            a[i] = 0
        i += 1
    return a


def refined_before_try(size):
    if size is None:
        size = -1
    else:
        try:
            index = size.x
        except AttributeError:
            raise TypeError(f"{size!r} is no integer")
        else:
            size = index
    return size


def raise_in_finally(a):
    try:
        try:
            raise TypeError(1)
        finally:
            ve = f(a)
            g(ve)
    except Exception as e:
        pass
    return ve


def try_in_loop_refined(xs):
    x = xs
    while x is not None:
        try:
            x.clear()
        except AttributeError:
            pass
        x = f(x)
    return x
