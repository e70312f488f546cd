"""The operator module: each function is the operator it is named after."""
import operator

from coluber.extending import implements

from .intrinsics import is_integer, is_tuple, static_error


@implements(operator.add)
def add(a, b):
    return a + b


@implements(operator.sub)
def sub(a, b):
    return a - b


@implements(operator.mul)
def mul(a, b):
    return a * b


@implements(operator.truediv)
def truediv(a, b):
    return a / b


@implements(operator.floordiv)
def floordiv(a, b):
    return a // b


@implements(operator.mod)
def mod(a, b):
    return a % b


@implements(operator.pow)
def pow(a, b):
    return a ** b


@implements(operator.matmul)
def matmul(a, b):
    return a @ b


@implements(operator.and_)
def and_(a, b):
    return a & b


@implements(operator.or_)
def or_(a, b):
    return a | b


@implements(operator.xor)
def xor(a, b):
    return a ^ b


@implements(operator.lshift)
def lshift(a, b):
    return a << b


@implements(operator.rshift)
def rshift(a, b):
    return a >> b


@implements(operator.eq)
def eq(a, b):
    return a == b


@implements(operator.ne)
def ne(a, b):
    return a != b


@implements(operator.lt)
def lt(a, b):
    return a < b


@implements(operator.le)
def le(a, b):
    return a <= b


@implements(operator.gt)
def gt(a, b):
    return a > b


@implements(operator.ge)
def ge(a, b):
    return a >= b


@implements(operator.is_)
def is_(a, b):
    return a is b


@implements(operator.is_not)
def is_not(a, b):
    return a is not b


@implements(operator.neg)
def neg(a):
    return -a


@implements(operator.pos)
def pos(a):
    return +a


@implements(operator.invert, operator.inv)
def invert(a):
    return ~a


@implements(operator.not_)
def not_(a):
    return not a


@implements(operator.truth)
def truth(a):
    return bool(a)


@implements(operator.abs)
def absolute(a):
    return abs(a)


@implements(operator.iadd)
def iadd(a, b):
    a += b
    return a


@implements(operator.isub)
def isub(a, b):
    a -= b
    return a


@implements(operator.imul)
def imul(a, b):
    a *= b
    return a


@implements(operator.itruediv)
def itruediv(a, b):
    a /= b
    return a


@implements(operator.ifloordiv)
def ifloordiv(a, b):
    a //= b
    return a


@implements(operator.imod)
def imod(a, b):
    a %= b
    return a


@implements(operator.ipow)
def ipow(a, b):
    a **= b
    return a


@implements(operator.imatmul)
def imatmul(a, b):
    a @= b
    return a


@implements(operator.iand)
def iand(a, b):
    a &= b
    return a


@implements(operator.ior)
def ior(a, b):
    a |= b
    return a


@implements(operator.ixor)
def ixor(a, b):
    a ^= b
    return a


@implements(operator.ilshift)
def ilshift(a, b):
    a <<= b
    return a


@implements(operator.irshift)
def irshift(a, b):
    a >>= b
    return a


@implements(operator.index)
def index(a):
    if not is_integer(a) and not isinstance(a, bool):
        static_error(a, " cannot be interpreted as an integer")
    return int(a)


@implements(operator.concat)
def concat(a, b):
    return a + b


@implements(operator.iconcat)
def iconcat(a, b):
    a += b
    return a


@implements(operator.contains)
def contains(a, b):
    return b in a


@implements(operator.countOf)
def count_of(a, b):
    if is_tuple(a):
        return a.count(b)
    n = 0
    for x in a:
        if x == b:
            n += 1
    return n


@implements(operator.indexOf)
def index_of(a, b):
    if is_tuple(a):
        if a.count(b) > 0:
            return a.index(b)
    else:
        k = 0
        for x in a:
            if x == b:
                return k
            k += 1
    raise ValueError("sequence.index(x): x not in sequence")


@implements(operator.getitem)
def getitem(a, b):
    return a[b]


@implements(operator.setitem)
def setitem(a, b, c):
    a[b] = c


@implements(operator.delitem)
def delitem(a, b):
    del a[b]


@implements(operator.length_hint)
def length_hint(obj, default=0):
    return len(obj)


@implements(*[operator.call] if hasattr(operator, "call") else [])
def call(obj, *args):
    return obj(*args)
