"""Comprehensions are functions of their own up to 3.11 and inline from 3.12 on; the IR is the same."""


def simple(xs):
    return [x * 2 for x in xs]


def condition(xs):
    return [x for x in xs if x > 0]


def two_conditions(xs):
    return [x for x in xs if x > 0 if x < 10]


def condition_and(xs, a):
    return [x for x in xs if x > a and x != 3]


def two_loops(xs, ys):
    return [x * y for x in xs for y in ys]


def dependent_loops(xss):
    return [x for xs in xss for x in xs]


def nested(n, m):
    return [[i * j for j in range(m)] for i in range(n)]


def nested_iterable(xs):
    return [y for y in [x + 1 for x in xs]]


def captures(xs, a, b):
    return [x * a + b for x in xs]


def tuple_target(ps):
    return [a + b for a, b in ps]


def ternary(xs):
    return [x if x > 0 else -x for x in xs]


def iterable_ternary(xs, ys, c):
    return [x for x in (xs if c else ys)]


def as_argument(f, xs):
    return f(1, [x for x in xs], 2)


def two_in_one(xs, ys):
    return [x for x in xs] + [y for y in ys]


def shadows(x, xs):
    ys = [x for x in xs]
    return x, ys


def shadows_unbound(xs):
    ys = [x for x in xs]
    for x in ys:
        pass
    return x


def unbound_after(xs):
    ys = [x for x in xs]
    return x


def in_loop(n):
    s = 0
    for i in range(n):
        s += sum([j * i for j in range(i)])
    return s


def in_try(xs):
    try:
        ys = [1 / x for x in xs]
    except ZeroDivisionError:
        ys = []
    return ys


def in_condition(xs):
    if [x for x in xs]:
        return 1
    return 0


def walrus(xs):
    ys = [y := x + 1 for x in xs]
    return y, ys


def walrus_condition(xs, f):
    return [y for x in xs if (y := f(x)) > 0]


def lambda_inside(xs, a):
    return [apply(lambda z: z + a, x) for x in xs]


def lambda_captures(xs):
    return [apply(lambda: x) for x in xs]


def in_lambda(xs):
    f = lambda n: [x + n for x in xs]
    return f(1)


def constants(xs):
    return ["a" if x else None for x in xs]


def set_comprehension(xs):
    return {x % 3 for x in xs}


def dict_comprehension(xs):
    return {x: x * x for x in xs}


def sum_of(xs):
    return sum(x * x for x in xs)


def sum_of_two_loops(xs, ys):
    return sum(x * y for x in xs for y in ys if x != y)


def any_of(xs, a):
    return any(x > a for x in xs)


def all_of(xs, a):
    return all(x > a for x in xs)


def any_nested(xss):
    return any(x == 0 for xs in xss for x in xs)


def max_of(xs):
    return max(abs(x) for x in xs)


def tuple_of(xs):
    return tuple(x + 1 for x in xs)


def sorted_of(xs):
    return sorted(-x for x in xs)


def any_in_condition(xs):
    if any(x for x in xs) and all(y > 0 for y in xs):
        return 1
    return 0


def generator_elsewhere(f, xs):
    return f(x for x in xs)


def generator_with_start(xs):
    return sum((x for x in xs), 1.0)


def generator_with_default(xs):
    return max((x for x in xs if x > 0), default=0)


def generator_with_other(xs, f):
    return sum((x for x in xs), f(xs))


def of_free_variable(a, xs):
    def inner(ys):
        return [y + a for y in ys if y and y is not a]

    return inner(xs)
