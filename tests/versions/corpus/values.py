"""Operators, variables, containers, strings, calls, functions, imports."""


def arithmetic(a, b):
    return (a + b) * (a - b) / (a // b) % (a ** b) @ a


def bits(a, b):
    return (a & b | a ^ b) << (a >> b)


def unary(a):
    return -a, +a, ~a, not a


def comparisons(a, b):
    return a < b, a <= b, a == b, a != b, a > b, a >= b


def membership(a, b):
    return a in b, a not in b, a is b, a is not b


def inplace(a, b):
    a += b
    a -= b
    a *= b
    a /= b
    a //= b
    a %= b
    a **= b
    a @= b
    a &= b
    a |= b
    a ^= b
    a <<= b
    a >>= b
    return a


def constants():
    return 1, -2.5, 3j, "text", None, True, ..., 10**30, b"bytes"


def display(a):
    return [1, 2, 3], [a, 1], (a, 2), [], (), {}, {a: 1, "k": a}, {a, 2}


def display_star(a, b):
    return [*a, 1, *b], (*a, *b)


def unpack_two(p):
    a, b = p
    return a + b


def unpack_nested(p):
    a, (b, c) = p
    return a + b + c


def unpack_star(p):
    a, *b, c = p
    return a, b, c


def swap(a, b):
    a, b = b, a
    return a - b


def rotate(a, b, c):
    a, b, c = b, c, a
    return a, b, c


def rotate_four(a, b, c, d):
    a, b, c, d = d, c, b, a
    return a, b, c, d


def several_targets(a):
    x = y = a[0]
    return x + y


def index(a, i, j):
    return a[i], a[i, j], a[-1], a[i][j]


def slices(a, i, j):
    return a[i:j], a[:j], a[i:], a[:], a[::2], a[i:j:-1], a[i, 1:], a[..., None]


def store_slices(a, b, i):
    a[:] = b
    a[i:] = 0
    a[1:i, ::2] = b
    a[i] += 1
    a[i:] += b
    return a


def delete(a, i):
    del a[i]
    del a[1:]
    return a


def delete_local(a):
    b = a + 1
    del a
    a = b
    return a


def deleted_read(a):
    del a
    return a


def maybe_unbound(a):
    if a:
        x = 1
    return x


def maybe_unbound_twice(a):
    if a:
        x = 1
    y = x
    return x + y


def unbound_in_loop(n):
    for i in range(n):
        if i > 2:
            y += 1
        y = i
    return y


def never_bound():
    return q
    q = 1


def attributes(a):
    a.x = a.y
    a.z.w += 1
    return a.shape[0]


def delete_attribute(a):
    del a.x


def methods(a, b):
    a.append(b)
    return a.sum(axis=0).max(b, out=a)


def module_functions(x):
    return math.sin(x) + np.linalg.norm(x)


def calls(f, a, b):
    return f(), f(a), f(a, b), f(a, key=b), f(key=a, other=b)


def calls_star(f, a, b):
    return f(*a), f(1, *a), f(*a, *b), f(*a, key=b)


def calls_dict(f, a, kw):
    return f(**kw)


def nested_calls(f, g, h, x):
    return f(g(h(x), x), h(x))


def call_of_call(f, x):
    return f(x)(x)


def parameters(a, /, b, c=1, *args, d, e=2, **kwargs):
    return a, b, c, args, d, e, kwargs


def default_values(a, b=None, c=(1, 2)):
    if b is None:
        b = a
    return b


def fstring(a, b):
    return f"{a} and {b!r}: {a:>10}" + f"{b}" + f"{a!s:5}"


def fstring_spec(a, w):
    return f"{a:{w}.2f}"


def percent(a, b):
    return "%d %s" % (a, b)


def global_store(a):
    global COUNTER
    COUNTER = a
    return COUNTER


def inner(a, b):
    def add(x):
        return x + a

    return add(b)


def inner_default(a, b):
    def add(x, y=a, *, z=b):
        return x + y + z

    return add(b)


def inner_annotated(a):
    def add(x: int, y: float = 2.0) -> float:
        return x + y

    return add(a)


def inner_lambda(a, xs):
    return apply(lambda x: x * a, xs)


def inner_lambda_plain(xs):
    return sorted(xs, key=lambda x: -x)


def inner_constant_defaults(a):
    def f(x, y=1, z=2.5):
        return x + y + z

    return f(a)


def inner_recursive(n):
    def fact(k):
        return 1 if k < 2 else k * fact(k - 1)

    return fact(n)


def inner_in_loop(n):
    s = 0
    for i in range(n):
        def f(x):
            return x + i
        s += f(n)
    return s


def inner_of_inner(a):
    def f(b):
        def g(c):
            return a + b + c
        return g(1)
    return f(2)


def inner_rebound(a):
    f = lambda: a
    a = 2
    return f() + a


def inner_rebound_dead(a):
    f = lambda: a
    b = f()
    a = 2
    return a + b


def inner_nonlocal(n):
    count = 0

    def bump():
        nonlocal count
        count += 1

    bump()
    return count


def captured_parameter(a):
    a = a + 1
    return (lambda: a)()


def local_class(a):
    class C:
        x = 1

    return C.x + a


def imports():
    import math
    from os.path import join, split as sp
    import numpy.linalg as la
    return math, join, sp, la


def import_star(a):
    import os.path
    return os.path


def use_super(self):
    return super().method()


def generator(n):
    for i in range(n):
        yield i


async def coroutine(x):
    return await x


def with_statement(lock, x):
    with lock:
        x += 1
    return x


def with_as(f):
    with f() as g:
        return g.read()


def match_literal(x):
    match x:
        case 1:
            return 10
        case 2 | 3:
            return 20
        case _:
            return 0


def match_sequence(x):
    match x:
        case [a, b]:
            return a
    return None


def unused_expressions(a, b):
    a
    a + b
    a.x
    1
    "text"
    return None


def shadowing(sum, xs):
    sum = sum + 1
    return sum


def complex_numbers(a):
    return (a + 2j) * (1 - 1j)


def long_chain(a):
    return a.b.c.d[0][1](2)(3).e


def print_it(a):
    print("a =", a, sep="", end="\n")


def refine_none(x):
    if x is None:
        return 0
    return x + 1


def refine_not_none(x, y):
    if x is not None and y is not None:
        return x + y
    return 0


def refine_isinstance(x):
    if isinstance(x, float):
        return x
    elif isinstance(x, (int, bool)):
        return x + 1
    return 0


def refine_not_isinstance(x):
    if not isinstance(x, float):
        x = float(x)
    return x


def refine_truth(x):
    if x:
        return x[0]
    return x


def refine_default(a, out=None):
    if out is None:
        out = a
    out[0] = 1
    return out


def refine_or(x, y):
    if x is None or y > x:
        return 1
    return x
