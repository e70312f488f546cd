"""Lists: methods, operators, slices. Items are numbers, so that no item owns anything."""
from coluber.extending import implements

from .intrinsics import get, is_bool, is_float, is_integer, is_list, is_none, is_tuple, item, list_new, list_push, list_reserve, list_set_len, math_bool
from .intrinsics import put, same_type, sort_in_place, tuple_map, zero_item


def new_like(iterable):
    """An empty list for the items of an iterable, with room for them."""
    if is_list(iterable):
        return list_new(iterable, len(iterable))
    return list_new(zero_item(iterable), len(iterable))


# ---- methods

@implements("method:list.append")
def append(self, x):
    list_push(self, x)


@implements("method:list.clear")
def clear(self):
    list_set_len(self, 0)


def copy_range(source, first, count):
    """A new list of `count` items from number `first` on."""
    r = list_new(source, count)
    for k in range(count):
        put(r, get(source, first + k), k)
    list_set_len(r, count)
    return r


@implements("method:list.copy")
def copy(self):
    return copy_range(self, 0, len(self))


@implements("method:list.count")
def count(self, value):
    n = 0
    for x in self:
        if x == value:
            n += 1
    return n


def push_to(x, self):
    list_push(self, x)
    return 0


@implements("method:list.extend", "op:iadd:list,list", "op:iadd:list,tuple", "op:iadd:list,array", "op:iadd:list,range", "op:iadd:list,view")
def extend(self, iterable):
    if is_tuple(iterable):
        tuple_map(push_to, iterable, self)
    else:
        n = len(iterable)
        list_reserve(self, len(self) + n)
        for k in range(n):
            list_push(self, item(iterable, k))


def from_end(i, n):
    """A bound as list.index and list.insert take it: counted from the end when negative, within 0..n."""
    if i < 0:
        i += n
    return min(max(i, 0), n)


@implements("method:list.index")
def index(self, value, start=0, stop=9223372036854775807):
    n = len(self)
    k = from_end(start, n)
    last = from_end(stop, n)
    while k < last and k < len(self):
        if get(self, k) == value:
            return k
        k += 1
    raise ValueError(f"{value!r} is not in list")


@implements("method:list.insert")
def insert(self, index, value):
    n = len(self)
    at = from_end(int(index), n)
    list_push(self, value)
    for k in range(n, at, -1):
        put(self, get(self, k - 1), k)
    put(self, value, at)


def remove_at(self, at):
    n = len(self)
    for k in range(at, n - 1):
        put(self, get(self, k + 1), k)
    list_set_len(self, n - 1)


@implements("method:list.pop")
def pop(self, index=-1):
    n = len(self)
    if n == 0:
        raise IndexError("pop from empty list")
    at = int(index)
    if at < 0:
        at += n
    if at < 0 or at >= n:
        raise IndexError("pop index out of range")
    r = get(self, at)
    remove_at(self, at)
    return r


@implements("method:list.remove")
def remove(self, value):
    for k in range(len(self)):
        if get(self, k) == value:
            remove_at(self, k)
            return
    raise ValueError("list.remove(x): x not in list")


@implements("method:list.reverse")
def reverse(self):
    k = 0
    j = len(self) - 1
    while k < j:
        x = get(self, k)
        put(self, get(self, j), k)
        put(self, x, j)
        k += 1
        j -= 1


# ---- sorting: by NumPy where equal items cannot be told apart; else stable, runs of 24 by insertion, then merged. `values` are moved along with
# `keys`, or are None.

RUN = 24


def before(a, b, down):
    """Whether a has to come before b; equal items stay in order, downwards too."""
    if down:
        return b < a
    return a < b


def insertion_sort(keys, values, first, last, down):
    for k in range(first + 1, last):
        x = get(keys, k)
        j = k
        if is_none(values):
            while j > first and before(x, get(keys, j - 1), down):
                put(keys, get(keys, j - 1), j)
                j -= 1
        else:
            v = get(values, k)
            while j > first and before(x, get(keys, j - 1), down):
                put(keys, get(keys, j - 1), j)
                put(values, get(values, j - 1), j)
                j -= 1
            put(values, v, j)
        put(keys, x, j)


def move(source, source_values, k, target, target_values, at):
    put(target, get(source, k), at)
    if not is_none(source_values):
        put(target_values, get(source_values, k), at)


def merge(keys, values, into, into_values, first, middle, last, down):
    a = first
    b = middle
    for k in range(first, last):
        if b >= last or (a < middle and not before(get(keys, b), get(keys, a), down)):
            move(keys, values, a, into, into_values, k)
            a += 1
        else:
            move(keys, values, b, into, into_values, k)
            b += 1


def merge_sort(keys, values, down):
    n = len(keys)
    for first in range(0, n, RUN):
        insertion_sort(keys, values, first, min(first + RUN, n), down)
    if n <= RUN:
        return
    spare = copy_range(keys, 0, n)
    spare_values = values
    if not is_none(values):
        spare_values = copy_range(values, 0, n)
    width = RUN
    turned = False
    while width < n:
        for first in range(0, n, 2 * width):
            middle = min(first + width, n)
            last = min(first + 2 * width, n)
            if turned:
                merge(spare, spare_values, keys, values, first, middle, last, down)
            else:
                merge(keys, values, spare, spare_values, first, middle, last, down)
        turned = not turned
        width *= 2
    if turned:
        for k in range(n):
            move(spare, spare_values, k, keys, values, k)


def one_order(self):
    """Is there only one way to sort these floats? Where 0.0 and -0.0 are equal, or a nan is neither more nor less, it depends on how it is done."""
    r = True
    for x in self:
        r = r & (x == x) & ((x != 0) | (not math_bool("signbit", x)))
    return r


def sort_items(self, down):
    sort_in_place(self, "quick")
    list_set_len(self, len(self))                          # its items have changed
    if down:
        reverse(self)


def sort_list(self, key, down):
    if is_none(key):
        if is_integer(zero_item(self)) or is_bool(zero_item(self)):
            sort_items(self, bool(down))
        elif is_float(zero_item(self)) and one_order(self):
            sort_items(self, bool(down))
        else:
            merge_sort(self, None, bool(down))
    elif len(self) > 0:
        keys = list_new(key(get(self, 0)), len(self))
        for x in self:
            list_push(keys, key(x))
        merge_sort(keys, self, bool(down))


@implements("method:list.sort")
def sort(self, *, key=None, reverse=False):
    sort_list(self, key, reverse)


# ---- operators

@implements("op:add:list,list")
def add(a, b):
    if not same_type(a, b):
        return [*a, *b]
    n = len(a)
    m = len(b)
    r = list_new(a, n + m)
    for k in range(n):
        put(r, get(a, k), k)
    for k in range(m):
        put(r, get(b, k), n + k)
    list_set_len(r, n + m)
    return r


def repeat_into(r, source, n, times):
    """Fills r with `times` copies of the first n items of source; r may be source."""
    if n == 1:
        x = get(source, 0)
        for k in range(times):
            put(r, x, k)
    else:
        for t in range(times):
            for k in range(n):
                put(r, get(source, k), t * n + k)


@implements("op:mul:list,pyint", "op:mul:list,pybool", "op:mul:list,int64", "op:mul:list,int32")
def multiply(a, times):
    times = max(int(times), 0)
    n = len(a)
    r = list_new(a, n * times)
    repeat_into(r, a, n, times)
    list_set_len(r, n * times)
    return r


@implements("op:mul:pyint,list", "op:mul:pybool,list", "op:mul:int64,list", "op:mul:int32,list")
def multiply_right(times, a):
    return multiply(a, times)


@implements("op:imul:list,pyint", "op:imul:list,pybool", "op:imul:list,int64")
def multiply_in_place(self, times):
    times = max(int(times), 0)
    n = len(self)
    list_reserve(self, n * times)
    repeat_into(self, self, n, times)
    list_set_len(self, n * times)


@implements("op:eq:list,list")
def equal(a, b):
    if len(a) != len(b):
        return False
    for k in range(len(a)):
        if get(a, k) != get(b, k):
            return False
    return True


@implements("op:ne:list,list")
def not_equal(a, b):
    return not equal(a, b)


def first_difference(a, b):
    n = min(len(a), len(b))
    for k in range(n):
        if get(a, k) != get(b, k):
            return k
    return n


@implements("op:lt:list,list")
def less(a, b):
    k = first_difference(a, b)
    if k < len(a) and k < len(b):
        return bool(get(a, k) < get(b, k))
    return len(a) < len(b)


@implements("op:le:list,list")
def less_equal(a, b):
    k = first_difference(a, b)
    if k < len(a) and k < len(b):
        return bool(get(a, k) <= get(b, k))
    return len(a) <= len(b)


@implements("op:gt:list,list")
def greater(a, b):
    return less(b, a)


@implements("op:ge:list,list")
def greater_equal(a, b):
    return less_equal(b, a)


@implements("op:contains:list")
def contains(self, value):
    for x in self:
        if x == value:
            return True
    return False


def in_range(r, i):
    if r.step > 0:
        return r.start <= i and i < r.stop and (i - r.start) % r.step == 0
    return r.stop < i and i <= r.start and (r.start - i) % -r.step == 0


@implements("op:contains:range", "op:contains:view")
def range_contains(r, value):
    if isinstance(r, range):
        if is_integer(value):
            return in_range(r, int(value))
        if is_float(value):
            x = float(value)
            return bool(x == x and abs(x) < 9.2e18 and x == float(int_or_zero(x)) and in_range(r, int_or_zero(x)))
    for x in r:
        if x == value:
            return True
    return False


def int_or_zero(x):
    return int(x) if math_bool("isfinite", x) and abs(x) < 9.2e18 else 0


# ---- slices

def slice_bounds(s, n):
    """start, count and step of s over n items, by the rules of slice.indices."""
    step = 1 if s.step is None else s.step
    if step == 0:
        raise ValueError("slice step cannot be zero")
    low = 0 if step > 0 else -1
    high = n if step > 0 else n - 1
    start = (low if step > 0 else high) if s.start is None else clamp(s.start, n, low, high)
    stop = (high if step > 0 else low) if s.stop is None else clamp(s.stop, n, low, high)
    if step > 0:
        count = max(stop - start + step - 1, 0) // step
    else:
        count = max(start - stop - step - 1, 0) // -step
    return start, count, step


def clamp(i, n, low, high):
    if i < 0:
        i += n
    return min(max(i, low), high)


def is_unit(s):
    """Known to go by steps of one, at compile time."""
    if s.step is None:
        return True
    return False


@implements("op:getitem:list,slice")
def get_slice(self, s):
    start, count, step = slice_bounds(s, len(self))
    if is_unit(s):
        return copy_range(self, start, count)
    r = list_new(self, count)
    for k in range(count):
        put(r, get(self, start + k * step), k)
    list_set_len(r, count)
    return r


@implements("op:list_slice")
def list_slice(iterable, start, stop):
    """[*iterable][start:stop] for bounds in range."""
    n = stop - start
    if is_list(iterable):
        return copy_range(iterable, start, n)
    r = list_new(zero_item(iterable), n)
    for k in range(start, stop):
        list_push(r, item(iterable, k))
    return r


@implements("op:getitem:range,slice")
def range_slice(r, s):
    start, count, step = slice_bounds(s, len(r))
    first = r.start + start * r.step
    return range(first, first + count * step * r.step, step * r.step)


def make_gap(self, start, count, want):
    """Makes the items start..start+count be `want` ones, whose values do not matter."""
    n = len(self)
    by = want - count
    if by > 0:
        list_reserve(self, n + by)
        for k in range(n - 1, start + count - 1, -1):
            put(self, get(self, k), k + by)
    elif by < 0:
        for k in range(start + count, n):
            put(self, get(self, k), k + by)
    list_set_len(self, n + by)


@implements("op:setitem:list,slice")
def set_slice(self, s, value):
    if is_tuple(value):
        set_slice(self, s, [*value])
    elif not is_list(value):
        r = new_like(value)
        for x in value:
            list_push(r, x)
        set_slice(self, s, r)
    elif same_type(self, value):
        if self is value:
            value = value.copy()
        store_slice(self, s, value)
    else:
        store_slice(self, s, value)


def store_slice(self, s, value):
    start, count, step = slice_bounds(s, len(self))
    m = len(value)
    if step == 1:
        make_gap(self, start, count, m)
    elif m != count:
        raise ValueError(f"attempt to assign sequence of size {m} to extended slice of size {count}")
    for k in range(m):
        put(self, get(value, k), start + k * step)


@implements("op:delitem:list")
def delete_item(self, key):
    n = len(self)
    if is_integer(key):
        at = int(key)
        if at < 0:
            at += n
        if at < 0 or at >= n:
            raise IndexError("list assignment index out of range")
        remove_at(self, at)
    else:
        start, count, step = slice_bounds(key, n)
        if step < 0:
            start = start + (count - 1) * step
            step = -step
        kept = start
        for k in range(start, n):
            if k >= start + count * step or (k - start) % step != 0:
                put(self, get(self, k), kept)
                kept += 1
        list_set_len(self, n - count)


# ---- tuples

def equals(x, value):
    return bool(x == value)


@implements("method:tuple.count")
def tuple_count(self, value):
    n = 0
    if len(self) > 0:
        for same in tuple_map(equals, self, value):
            if same:
                n += 1
    return n


@implements("method:tuple.index")
def tuple_index(self, value, start=0, stop=9223372036854775807):
    n = len(self)
    if n > 0:
        same = tuple_map(equals, self, value)
        for k in range(from_end(start, n), from_end(stop, n)):
            if same[k]:
                return k
    raise ValueError("tuple.index(x): x not in tuple")
