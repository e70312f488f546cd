"""The intrinsics: what library code is built on. They exist inside compiled code only (typing/intrinsics.cc has one row for each).

Tests on types answer at compile time and take values or dtypes: is_none is_array is_list is_tuple is_str is_slice is_optional is_dtype is_number
is_bool is_integer is_float is_complex is_weak (Python's own scalar, in the sense of NEP 50) is_literal is_contiguous is_f_contiguous is_readonly
is_function is_signed same_type(a, b) is_homogeneous(tuple); layout(a) is "C", "F", "S" (C order, rows contiguous) or "A".

static_error(text, ...)            compilation fails with this message
dtype_of(x) promote(a, b, ...) real_dtype(d) complex_dtype(d) element_type(iterable)    dtypes, usable as dtype arguments
cast(x, dtype)  bitcast(x, dtype)  weak(x)        conversions of scalars, unchecked as in C; weak: a NumPy scalar as int/float/complex
math(name, x, ...)  math_bool(name, x)  math_int(name, x)   a row of ir/intrinsics.def; result of the operands' type, bool, int
select(c, a, b)                    without a branch: both sides are evaluated
int_quotient(a, b)                 a / b of ints, rounded once; b is not zero
make_complex(re, im) truncdiv truncrem fdiv shl shr floordiv mod    unchecked operations of two scalars
guard(cond, diag, ints...)         raises the RUNTIME row `diag` of ir/diag.def unless cond
likely(cond)
usual(cond)                         likely, and worth a version of the loop in which it is known to hold
usual(cond, 2)                      where usual() does not hold: worth another version; false in all other places. Either way must be right in any case
tuple_set(t, i, v) tuple_remove(t, i) tuple_insert(t, i, v) tuple_repeat(v, n) tuple_reverse(t) tuple_map(f, t, more...) range_tuple(n)
empty_array(shape, dtype[, order[, zeroed]])   checks sizes; memory is not initialised
array_view(a, shape, strides, offset, layout[, dtype])   bytes; shares a's memory
get(a, i, ...) put(a, value, i, ...)   item of an array or list at indices known to be in range (a tuple of indices is fine too)
load(a, bytes) store(a, bytes, value)  item at a byte offset from the first element
assign(dst, src)                   dst[...] = src with broadcasting, cast and care for overlap; assign(dst, src, 1): where src raises, dst may have some of it
as_readonly(a) as_layout(a, layout) elementwise(f, operands...) mem_copy(dst, src, bytes)
rolled(copy, a, shift, axis)       copy(a, shift, axis), which rolls an array; in an array expression no copy is made. axis -1: all items of an array in C order
list_new(item_or_dtype_or_list, capacity) list_push(l, x) list_set_len(l, n) list_reserve(l, n)
item(iterable, i) zero_item(iterable)   item at an index in range; a zero of the element type
ufunc_call(ufunc, "dd->d", (arrays...), (dims...), (steps...))   one call of NumPy's own loop; returns the FE_* flags it raised
ufunc_loop(ufunc, dtype, (arrays...), (dims...), (steps...))   the same for a loop of one dtype that cannot fail
fold(ufunc, x, a)                  NumPy's reduction of a 1-d array of x's dtype, begun with x
fold_shared(ufunc, x, a, how)      the same on several threads. how: 0 where twice does no harm (min, max), 1 pairwise sum of floats, 2 of complex; 3, 4: by buffers
dot_items(a, b)                    sum of products of two 1-d arrays of one dtype and length, by NumPy's dtype
place_of("argmax", a) or "argmin"  where NumPy finds the extremum of a contiguous 1-d array that has items
sort_in_place(a, kind) argsort_in_place(a, indices, kind)   NumPy's sort of a contiguous 1-d array, or of a list's items; kind "quick" or "merge"
text(x)                            str(x)
atomic(op, a, i, v)                a[i] = op(a[i], v) as one step: "add", "sub", "xchg" (v itself), of integers "min", "max" too; what a[i] was.
                                   atomic("cas", a, i, expected, v): v where a[i] has the bits of `expected`
thread_count() set_thread_count(n) thread_number() chunk_size() set_chunk_size(n)
critical_enter(key) critical_exit(key)   the lock of a key, which text_hash(name) makes of a literal
manager(name, values...)           a context manager; "method:with_NAME.__enter__" and __exit__ get it as self, and its values by part(self, k)
rounds(n, work)                    as range(n). Under the option parallel the rounds may run at once, where n * work is worth it; work: what one takes, the
                                   addition of two items being 4. They must not collide, and carry nothing from one to the next
stencil_view(mode, a, place, reach, padding)   a as a stencil's kernel sees it: see typing/stencils.cc. view_part(v, k): these parts, the array first
stencil_reach(kernel, args) stencil_dtype(kernel, args)   of a stencil: ((low, high), ...) of the indices it uses; the dtype of what it returns
address(a)                         of an array's first item, an int
is_parallel()                      whether the caller has the option parallel"""


class Intrinsic:
    __slots__ = ("name", "__doc__")

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return f"<intrinsic {self.name}>"

    def __call__(self, *args):
        raise RuntimeError(f"the intrinsic {self.name} exists in compiled code only")


is_none = Intrinsic("is_none")
is_array = Intrinsic("is_array")
is_list = Intrinsic("is_list")
is_tuple = Intrinsic("is_tuple")
is_str = Intrinsic("is_str")
is_slice = Intrinsic("is_slice")
is_optional = Intrinsic("is_optional")
is_dtype = Intrinsic("is_dtype")
is_number = Intrinsic("is_number")
is_bool = Intrinsic("is_bool")
is_integer = Intrinsic("is_integer")
is_float = Intrinsic("is_float")
is_complex = Intrinsic("is_complex")
is_weak = Intrinsic("is_weak")
is_literal = Intrinsic("is_literal")
is_contiguous = Intrinsic("is_contiguous")
is_f_contiguous = Intrinsic("is_f_contiguous")
layout = Intrinsic("layout")
is_readonly = Intrinsic("is_readonly")
is_function = Intrinsic("is_function")
is_signed = Intrinsic("is_signed")
same_type = Intrinsic("same_type")
is_homogeneous = Intrinsic("is_homogeneous")
static_error = Intrinsic("static_error")
dtype_of = Intrinsic("dtype_of")
promote = Intrinsic("promote")
real_dtype = Intrinsic("real_dtype")
complex_dtype = Intrinsic("complex_dtype")
cast = Intrinsic("cast")
bitcast = Intrinsic("bitcast")
weak = Intrinsic("weak")
math = Intrinsic("math")
math_bool = Intrinsic("math_bool")
math_int = Intrinsic("math_int")
select = Intrinsic("select")
make_complex = Intrinsic("make_complex")
truncdiv = Intrinsic("truncdiv")
truncrem = Intrinsic("truncrem")
fdiv = Intrinsic("fdiv")
shl = Intrinsic("shl")
shr = Intrinsic("shr")
floordiv = Intrinsic("floordiv")
mod = Intrinsic("mod")
guard = Intrinsic("guard")
likely = Intrinsic("likely")
usual = Intrinsic("usual")
int_quotient = Intrinsic("int_quotient")
assume_index = Intrinsic("assume_index")
tuple_set = Intrinsic("tuple_set")
tuple_remove = Intrinsic("tuple_remove")
tuple_insert = Intrinsic("tuple_insert")
tuple_repeat = Intrinsic("tuple_repeat")
tuple_reverse = Intrinsic("tuple_reverse")
tuple_map = Intrinsic("tuple_map")
range_tuple = Intrinsic("range_tuple")
empty_array = Intrinsic("empty_array")
array_view = Intrinsic("array_view")
data = Intrinsic("data")
load = Intrinsic("load")
store = Intrinsic("store")
get = Intrinsic("get")
put = Intrinsic("put")
assign = Intrinsic("assign")
as_readonly = Intrinsic("as_readonly")
as_layout = Intrinsic("as_layout")
elementwise = Intrinsic("elementwise")
rolled = Intrinsic("rolled")
mem_copy = Intrinsic("mem_copy")
list_new = Intrinsic("list_new")
list_push = Intrinsic("list_push")
list_set_len = Intrinsic("list_set_len")
list_reserve = Intrinsic("list_reserve")
element_type = Intrinsic("element_type")
item = Intrinsic("item")
zero_item = Intrinsic("zero_item")
ufunc_call = Intrinsic("ufunc_call")
ufunc_loop = Intrinsic("ufunc_loop")
fold = Intrinsic("fold")
fold_shared = Intrinsic("fold_shared")
dot_items = Intrinsic("dot_items")
place_of = Intrinsic("place_of")
sort_in_place = Intrinsic("sort_in_place")
argsort_in_place = Intrinsic("argsort_in_place")
text = Intrinsic("text")
atomic = Intrinsic("atomic")
thread_count = Intrinsic("thread_count")
set_thread_count = Intrinsic("set_thread_count")
thread_number = Intrinsic("thread_number")
chunk_size = Intrinsic("chunk_size")
set_chunk_size = Intrinsic("set_chunk_size")
critical_enter = Intrinsic("critical_enter")
critical_exit = Intrinsic("critical_exit")
manager = Intrinsic("manager")
part = Intrinsic("part")
text_hash = Intrinsic("text_hash")
rounds = Intrinsic("rounds")
is_parallel = Intrinsic("is_parallel")
stencil_view = Intrinsic("stencil_view")
view_part = Intrinsic("view_part")
stencil_reach = Intrinsic("stencil_reach")
stencil_dtype = Intrinsic("stencil_dtype")
address = Intrinsic("address")
