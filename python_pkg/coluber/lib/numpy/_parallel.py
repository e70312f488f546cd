"""Reductions of long vectors on several threads, under the option parallel. How a vector is cut depends on its length alone, never on the number of
threads: results are the same on any machine. Sums of floats are cut where NumPy's pairwise summation cuts them, and put together as it does, so that
they are NumPy's bit for bit."""
import numpy as np

from coluber.lib.intrinsics import array_view, cast, dtype_of, empty_array, fold, get, is_complex, is_parallel, layout, make_complex, put, real_dtype, rounds

SPLIT = 32768           # vectors from this length on are cut
PIECE = 16384           # ... in pieces of about that length,
MOST_PIECES = 256       # but not in more than so many
COST = 4                # of one item, as rounds() counts


def piece(a, first, n):
    """a[first:first + n] of a vector; the bounds are in range."""
    return array_view(a, (n,), a.strides, first * a.strides[0], layout(a))


def row_work(a):
    """What all items of a[i] take, as rounds() counts."""
    if is_parallel():
        return COST * a.size // max(a.shape[0], 1)
    return 0


def is_split(a):
    return is_parallel() and a.shape[0] >= SPLIT


def in_pieces(acc, a, row, op, seed):
    """op of acc and of what row(seed, piece) makes of the pieces, in their order. seed: what row may begin with in each of them."""
    n = a.shape[0]
    m = min(n // PIECE, MOST_PIECES)
    found = empty_array((m,), dtype_of(acc))
    for k in rounds(m, n // m * COST):
        first = k * n // m
        put(found, cast(row(seed, piece(a, first, (k + 1) * n // m - first)), dtype_of(acc)), k)
    for k in range(m):
        acc = op(acc, get(found, k))
    return acc


def _nothing(d):
    """What added to x is x, also to -0.0."""
    if is_complex(d):
        return make_complex(cast(-0.0, real_dtype(d)), cast(-0.0, real_dtype(d)))
    return cast(-0.0, d)


def _half(a, n):
    """Where NumPy cuts n items in two: in the middle, at a multiple of eight floats."""
    if is_complex(dtype_of(a)):
        return (n - n % 8) // 2
    return n // 2 - n // 2 % 8


def pairwise_in_pieces(acc, a):
    """acc + NumPy's pairwise sum of a vector. The pieces are the parts after some rounds of halving."""
    n = a.shape[0]
    m = 2
    while m < MOST_PIECES and n // m > PIECE:
        m *= 2
    sums = empty_array((m,), dtype_of(a))
    for k in rounds(m, n // m * COST):
        first = 0
        count = n
        bit = m // 2
        while bit > 0:
            half = _half(a, count)
            if k & bit:
                first += half
                count -= half
            else:
                count = half
            bit //= 2
        put(sums, fold(np.add, _nothing(dtype_of(a)), piece(a, first, count)), k)
    while m > 1:
        m //= 2
        for k in range(m):
            put(sums, get(sums, 2 * k) + get(sums, 2 * k + 1), k)
    return acc + get(sums, 0)


def buffered_in_pieces(acc, a, size):
    """As NumPy adds up what it takes through a buffer of `size` items: one sum after the other."""
    n = a.shape[0]
    m = (n + size - 1) // size
    sums = empty_array((m,), dtype_of(a))
    for k in rounds(m, size * COST):
        put(sums, fold(np.add, _nothing(dtype_of(a)), piece(a, k * size, min(size, n - k * size))), k)
    for k in range(m):
        acc += get(sums, k)
    return acc
