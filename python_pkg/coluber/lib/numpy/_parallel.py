"""Reductions of long vectors on several threads, under the option parallel. How a vector is cut depends on its length alone, never on the number of
threads: results are the same on any machine. Where NumPy's own loops do it, the runtime cuts (fold.cc); loops of ours are cut here."""
import numpy as np

from coluber.lib.intrinsics import array_view, cast, dtype_of, empty_array, fold, fold_shared, get, is_complex, is_parallel, layout, put, rounds

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


def shared_fold(ufunc, acc, a):
    """fold() of what twice does no harm."""
    if is_parallel():
        return fold_shared(ufunc, acc, a, 0)
    return fold(ufunc, acc, a)


def shared_sum(acc, a):
    """acc + NumPy's pairwise sum of a vector of floats."""
    if is_complex(acc):
        return fold_shared(np.add, acc, a, 2)
    return fold_shared(np.add, acc, a, 1)


def shared_buffered_sum(acc, a):
    """As NumPy before 2.3 adds up: what goes into its buffer, one sum after the other."""
    if is_complex(acc):
        return fold_shared(np.add, acc, a, 4)
    return fold_shared(np.add, acc, a, 3)
