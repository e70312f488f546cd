"""Updates of array items that several rounds of a prange loop may make at once. Each returns what the item was.

    @njit(parallel=True)
    def histogram(x, counts):
        for i in prange(len(x)):
            atomic.add(counts, int(x[i]), 1)

`index` is an integer or a tuple of them; items are integers or floats. In Python they are plain updates."""

__all__ = ["add", "sub", "min", "max", "exchange", "cas"]


def _checked(array, value):
    if array.dtype.kind not in "iuf":
        raise TypeError(f"atomic updates are of integers and floats, not {array.dtype}")
    if array.dtype.kind in "iu" and isinstance(value, float) or getattr(getattr(value, "dtype", None), "kind", "") == "f" != array.dtype.kind:
        raise TypeError(f"a float cannot be stored in an array of {array.dtype}")


def add(array, index, value):
    """array[index] += value"""
    _checked(array, value)
    old = array[index]
    array[index] += array.dtype.type(value)
    return old


def sub(array, index, value):
    """array[index] -= value"""
    _checked(array, value)
    old = array[index]
    array[index] -= array.dtype.type(value)
    return old


def min(array, index, value):
    """array[index] = value where that is smaller"""
    _checked(array, value)
    old = array[index]
    if value < old:
        array[index] = value
    return old


def max(array, index, value):
    """array[index] = value where that is greater"""
    _checked(array, value)
    old = array[index]
    if value > old:
        array[index] = value
    return old


def exchange(array, index, value):
    """array[index] = value"""
    _checked(array, value)
    old = array[index]
    array[index] = value
    return old


def cas(array, index, expected, value):
    """Compare and swap: array[index] = value where it was `expected`, bit for bit."""
    _checked(array, expected)
    _checked(array, value)
    old = array[index]
    if old.tobytes() == array.dtype.type(expected).tobytes():
        array[index] = value
    return old
