"""Branches and loops. Nothing here is ever called: the functions are compiled and their IR is compared."""


def straight(a, b):
    c = a + b
    d = c * a - b
    return d


def if_else(a):
    if a > 0:
        r = 1
    else:
        r = -1
    return r


def if_return(a):
    if a > 0:
        return a
    return -a


def elif_chain(a):
    if a < 1:
        r = 10
    elif a < 2:
        r = 20
    elif a < 3:
        r = 30
    else:
        r = 40
    return r


def nested_if(a, b):
    if a:
        if b:
            return 1
        return 2
    if b:
        return 3
    return 4


def and_condition(a, b):
    if a and b:
        return 1
    return 0


def or_condition(a, b, c):
    if a or b or c > 1:
        return 1
    return 0


def mixed_condition(a, b, c):
    if (a and b) or (not c and a > b):
        return 1
    return 0


def and_value(a, b, c):
    return a and b and c


def or_value(a, b):
    x = a or b
    return x


def and_or_value(a, b, c):
    return a and b or c


def or_and_value(a, b, c):
    return (a or b) and c


def not_value(a):
    return not a


def not_condition(a, b):
    if not (a and not b):
        return a
    return b


def not_compare(a, b):
    x = not a < b
    return x


def ternary(a, b):
    return a if a > b else b


def ternary_nested(a, b, c):
    x = a if b else (b if c else c)
    return x + 1


def ternary_argument(f, a, b):
    return f(1, a if b else 2, 3)


def chained(a, b, c):
    return a < b <= c


def chained_condition(a, b, c):
    if a < b < c:
        return 1
    return 0


def chained_in_and(a, b, c, d):
    if a < b < c and d:
        return 1
    return 0


def walrus(a, f):
    if (n := f(a)) > 3:
        return n
    return -n


def while_loop(n):
    i = 0
    while i < n:
        i += 1
    return i


def while_and(a, n):
    i = 0
    while i < n and a[i] != 0:
        i += 1
    return i


def while_or(a, b):
    while a > 0 or b > 0:
        a -= 1
        b -= 2
    return a


def while_true(n):
    i = 0
    while True:
        i += 1
        if i > n:
            break
    return i


def while_else(n):
    while n > 0:
        n -= 1
        if n == 7:
            break
    else:
        n = 100
    return n


def while_continue(n):
    s = 0
    while n > 0:
        n -= 1
        if n % 2:
            continue
        s += n
    return s


def while_nested(n):
    s = 0
    i = 0
    while i < n:
        j = 0
        while j < i:
            s += j
            j += 1
        i += 1
    return s


def while_not(a):
    while not a:
        a = a + 1
    return a


def while_walrus(f):
    s = 0
    while (x := f()) is not None:
        s += x
    return s


def for_range(n):
    s = 0
    for i in range(n):
        s += i
    return s


def for_nested(n, m):
    s = 0
    for i in range(n):
        for j in range(m):
            s += i * j
    return s


def for_break_else(xs, y):
    for x in xs:
        if x == y:
            r = 1
            break
    else:
        r = 0
    return r


def for_continue(xs):
    s = 0
    for x in xs:
        if x < 0:
            continue
        s += x
    return s


def for_return(xs):
    for i, x in enumerate(xs):
        if x:
            return i
    return -1


def for_return_constant(xs):
    for x in xs:
        if x:
            return True
    return False


def for_implicit_none(xs):
    for x in xs:
        if x:
            return
        x.y()


def for_after(xs):
    for x in xs:
        pass
    return x


def for_target_tuple(pairs):
    s = 0
    for (a, b), c in pairs:
        s += a * b + c
    return s


def for_in_while(n):
    while n:
        for i in range(n):
            if i == 3:
                break
        n -= 1


def infinite(f):
    while True:
        f()


def loop_invariant_test(xs, out):
    for x in xs:
        if out is None:
            x += 1
        else:
            out[0] = x
    return out


def dead_code(a):
    return a
    a += 1
    return a


def constant_condition(a):
    if 0:
        a = 1
    while 1:
        if a:
            return a
        a = 2


def no_body():
    pass


def deep_if(a, b, c, d):
    r = 0
    if a:
        if b:
            if c:
                r = 1
            elif d:
                r = 2
        else:
            r = 3
    return r


def pi(n):
    s = 0.0
    for k in range(n):
        s += (-1.0) ** k / (2 * k + 1)
    return 4 * s


def primes(n):
    count = 0
    for i in range(2, n):
        j = 2
        while j * j <= i:
            if i % j == 0:
                break
            j += 1
        else:
            count += 1
    return count


def mandelbrot(cr, ci, limit):
    zr = zi = 0.0
    for i in range(limit):
        zr, zi = zr * zr - zi * zi + cr, 2 * zr * zi + ci
        if zr * zr + zi * zi > 4.0:
            return i
    return limit


def while_attribute(a):
    while a.x:
        a = a.x
    return a


def while_variable(a, xs):
    while a:
        xs.append(a)
        a = a - 1
    return xs


def while_not_none(a):
    while a is not None:
        a = a.z
    return a
