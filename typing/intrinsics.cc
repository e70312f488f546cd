// The intrinsics of coluber.lib: what library code is built on. One row of the table each; python_pkg/coluber/lib/intrinsics.py has the
// same names with their documentation. Tests on types answer at compile time.
#include <cstring>
#include <unordered_map>

#include "ir/schedule.h"
#include "typing/session.h"

namespace coluber::typing {
using namespace ir;

namespace {

using Args = std::vector<TV>;
using Rule = TV (*)(Emit&, Args&);

void need(const Args& a, size_t n, const char* name) {
  if (a.size() != n) fail("WrongArguments", {name, "takes " + std::to_string(n) + " arguments"});
}
TypeRef subject(const TV& v) { return v.is(Kind::DType) ? v.type->elem : v.type; }
template <bool (*Test)(TypeRef)> TV test(Emit& e, Args& a) { return e.const_bool(Test(subject(a.at(0)))); }
template <Kind K> TV test_kind(Emit& e, Args& a) { return e.const_bool(a.at(0).is(K)); }

std::string text(const TV& v) {
  if (!v.c || v.c->kind != CLB_STR) fail("NeedLiteral", {describe(v)});
  return std::string(v.c->s, static_cast<size_t>(v.c->n));
}
int64_t literal_int(const TV& v) {
  if (!v.c || (v.c->kind != CLB_INT && v.c->kind != CLB_BOOL)) fail("NeedLiteral", {describe(v)});
  return v.c->i;
}
TypeRef dtype_arg(const TV& v) {
  if (v.is(Kind::DType)) return v.type->elem;
  if (v.c && v.c->kind == CLB_CLASS) {
    std::string n = v.c->s;
    if (n == "builtins.float") return scalar(Kind::Float64);
    if (n == "builtins.int") return scalar(Kind::Int64);
    if (n == "builtins.bool") return scalar(Kind::Bool);
    if (n == "builtins.complex") return scalar(Kind::Complex128);
  }
  if (v.c && v.c->kind == CLB_STR) {
    TypeRef t = parse_type(text(v));
    static const std::pair<const char*, const char*> kShort[] = {{"f8", "float64"}, {"f4", "float32"}, {"i8", "int64"}, {"i4", "int32"}, {"i2", "int16"}, {"i1", "int8"},
                                                                 {"u1", "uint8"}, {"u2", "uint16"}, {"u4", "uint32"}, {"u8", "uint64"}, {"c16", "complex128"}, {"c8", "complex64"}, {"?", "bool"}};
    for (auto& [s, full] : kShort) if (text(v) == s) t = parse_type(full);
    if (t && is_number(t) && !is_weak(t)) return t;
  }
  fail("BadDtype", {describe(v)});
}
TV dtype_value(Emit& e, TypeRef elem) {
  clb_const c{};
  c.kind = CLB_DTYPE;
  const clb_const* s = e.session().make_str(elem->text);
  c.s = s->s;
  c.n = s->n;
  return e.constant(e.session().make_const(c));
}
Layout layout_arg(const TV& v) {
  std::string s = text(v);
  return s == "C" ? Layout::C : s == "F" ? Layout::F : s == "S" ? Layout::S : Layout::A;
}

// ---- types
TV i_is_number(Emit& e, Args& a) { return e.const_bool(is_number(subject(a.at(0)))); }
TV i_is_literal(Emit& e, Args& a) { return e.const_bool(a.at(0).c != nullptr); }
TV i_is_contiguous(Emit& e, Args& a) { return e.const_bool(a.at(0).is(Kind::Array) && (a[0].type->layout == Layout::C || (a[0].type->ndim <= 1 && a[0].type->layout != Layout::A))); }
TV i_is_f_contiguous(Emit& e, Args& a) { return e.const_bool(a.at(0).is(Kind::Array) && (a[0].type->layout == Layout::F || (a[0].type->ndim <= 1 && a[0].type->layout != Layout::A))); }
TV i_layout(Emit& e, Args& a) { const char* n[] = {"C", "F", "S", "A"}; return e.const_str(a.at(0).is(Kind::Array) ? n[static_cast<int>(a[0].type->layout)] : ""); }
TV i_is_readonly(Emit& e, Args& a) { return e.const_bool(a.at(0).is(Kind::Array) && a[0].type->readonly); }
TV i_is_function(Emit& e, Args& a) { return e.const_bool(a.at(0).is(Kind::Const) || a[0].is(Kind::Closure)); }
TV i_is_signed(Emit& e, Args& a) { return e.const_bool(is_signed(subject(a.at(0)))); }
TV i_same_type(Emit& e, Args& a) { return e.const_bool(subject(a.at(0)) == subject(a.at(1))); }
TV i_is_homogeneous(Emit& e, Args& a) {
  bool h = a.at(0).is(Kind::Tuple);
  if (h) for (TypeRef t : a[0].type->items) h = h && t == a[0].type->items[0];
  return e.const_bool(h);
}
TV i_static_error(Emit& e, Args& a) {
  std::string m;
  for (TV& v : a) m += v.c && v.c->kind == CLB_STR ? text(v) : describe(v);
  fail("LibraryError", {m});
}
TV i_dtype_of(Emit& e, Args& a) {   // the NumPy dtype of a value, dtype or class
  const TV& v = a.at(0);
  if (v.is(Kind::Array)) return dtype_value(e, v.type->elem);
  if (is_number(v.type)) return dtype_value(e, strong(v.type));
  if (v.is(Kind::List) || v.is(Kind::Tuple)) {
    TypeRef t = v.type;
    while (t->is(Kind::List) || t->is(Kind::Tuple)) {
      if (t->is(Kind::Tuple)) {
        if (t->items.empty()) return dtype_value(e, scalar(Kind::Float64));
        TypeRef j = t->items[0];
        for (TypeRef i : t->items) {
          if (is_number(i) && is_number(j)) j = promote(i, j);
        }
        t = j;
      } else t = t->elem;
    }
    if (t->is(Kind::Bottom)) return dtype_value(e, scalar(Kind::Float64));
    if (t->is(Kind::Array)) t = t->elem;
    if (!is_number(t)) fail("BadDtype", {describe(v)});
    return dtype_value(e, strong(t));
  }
  return dtype_value(e, dtype_arg(v));
}
TV i_promote(Emit& e, Args& a) {
  TypeRef t = nullptr;
  for (TV& v : a) {
    TypeRef s = v.is(Kind::Array) ? v.type->elem : subject(v);
    if (!is_number(s)) s = dtype_arg(v);
    t = t ? promote(t, s) : s;
  }
  return dtype_value(e, strong(t));
}
TV i_real_dtype(Emit& e, Args& a) { TypeRef t = dtype_arg(a.at(0)); return dtype_value(e, is_complex(t) ? strong(real_of(t)) : t); }
TV i_complex_dtype(Emit& e, Args& a) {
  TypeRef t = dtype_arg(a.at(0));
  return dtype_value(e, is_complex(t) ? t : scalar(t->is(Kind::Float32) ? Kind::Complex64 : Kind::Complex128));
}
TV i_cast(Emit& e, Args& a) {
  need(a, 2, "cast");
  TypeRef t = dtype_arg(a[1]);
  if (!is_number(a[0].type)) fail("NoConversion", {describe(a[0]), describe(t)});
  if (is_bool(t) && !is_bool(a[0].type)) return e.cast(truth(e, a[0]), t);
  if (is_complex(a[0].type) && !is_complex(t)) return e.cast(e.op(OpCode::ComplexReal, {a[0]}, real_of(a[0].type)), t);
  return e.cast(a[0], t);
}
TV i_bitcast(Emit& e, Args& a) { return e.op(OpCode::Bitcast, {a.at(0)}, dtype_arg(a.at(1))); }
TV i_weak(Emit& e, Args& a) {   // a NumPy scalar as Python's own
  TypeRef t = a.at(0).type;
  if (is_weak(t)) return a[0];
  return e.cast(a[0], is_bool(t) ? pybool() : is_integer(t) ? pyint() : is_float(t) ? pyfloat() : pycomplex());
}

// ---- numbers
TV i_math(Emit& e, Args& a) {
  Args rest(a.begin() + 1, a.end());
  return e.op(OpCode::Math, rest, rest.at(0).type, 0, text(a.at(0)));
}
TV i_math_bool(Emit& e, Args& a) {   // isnan, isinf, isfinite, signbit
  Args rest(a.begin() + 1, a.end());
  return e.op(OpCode::Math, rest, pybool(), 0, text(a.at(0)));
}
TV i_math_int(Emit& e, Args& a) {    // rows whose result is an int
  Args rest(a.begin() + 1, a.end());
  return e.op(OpCode::Math, rest, pyint(), 0, text(a.at(0)));
}
TV i_select(Emit& e, Args& a) {
  need(a, 3, "select");
  AbsVal j;
  if (!join(a[1], a[2], &j)) fail("CannotJoin", {describe(a[1]), describe(a[2])});
  return e.select(e.cast(truth(e, a[0]), pybool()), convert(e, a[1], j.type), convert(e, a[2], j.type));
}
TV i_complex(Emit& e, Args& a) {
  TypeRef f = a.at(0).type;
  TypeRef t = f->is(Kind::Float32) ? scalar(Kind::Complex64) : f->is(Kind::PyFloat) ? pycomplex() : scalar(Kind::Complex128);
  return e.op(OpCode::ComplexMake, {a[0], a.at(1)}, t);
}
template <OpCode C> TV i_binary(Emit& e, Args& a) {
  TypeRef t = promote(a.at(0).type, a.at(1).type);
  return e.op(C, {e.cast(a[0], t), e.cast(a[1], t)}, t);
}
TV i_guard(Emit& e, Args& a) {
  std::vector<TV> all{e.cast(truth(e, a.at(0)), pybool())};
  for (size_t k = 2; k < a.size(); k++) all.push_back(e.to_index(a[k]));
  if (all[0].c && all[0].c->i) return e.none();
  e.op(OpCode::Guard, all, ir::none(), 0, text(a.at(1)));
  return e.none();
}
TV i_int_quotient(Emit& e, Args& a) { return e.op(OpCode::CallRt, {a.at(0), a.at(1)}, pyfloat(), 0, "coluber_int_quotient"); }
TV i_usual(Emit& e, Args& a) {
  TV r = e.op(OpCode::Likely, {truth(e, a.at(0))}, pybool(), 1);
  if (Op* op = e.last_op()) op->ints = {a.size() > 1 ? literal_int(a[1]) : 1};
  return r;
}
TV i_likely(Emit& e, Args& a) { return e.op(OpCode::Likely, {truth(e, a.at(0))}, pybool(), a.size() > 1 ? literal_int(a[1]) : 1); }
TV i_assume_index(Emit& e, Args& a) { return a.at(0); }

// ---- tuples
TV i_tuple_set(Emit& e, Args& a) {   // (t, index, value): homogeneous when the index is not literal
  need(a, 3, "tuple_set");
  std::vector<TV> items;
  for (size_t k = 0; k < a[0].type->items.size(); k++) {
    TV old = e.item(a[0], static_cast<int>(k));
    if (a[1].c) items.push_back(static_cast<int64_t>(k) == a[1].c->i ? a[2] : old);
    else items.push_back(e.select(e.cmp(OpCode::Eq, a[1], e.const_int(static_cast<int64_t>(k))), convert(e, a[2], old.type), old));
  }
  return e.tuple(items);
}
TV i_tuple_remove(Emit& e, Args& a) {   // (t, index)
  std::vector<TV> items;
  size_t n = a.at(0).type->items.size();
  for (size_t k = 0; k + (a[1].c ? 0 : 1) < n; k++) {
    TV here = e.item(a[0], static_cast<int>(k));
    if (a[1].c) { if (static_cast<int64_t>(k) != a[1].c->i) items.push_back(here); }
    else items.push_back(e.select(e.cmp(OpCode::Lt, e.const_int(static_cast<int64_t>(k)), a[1]), here, e.item(a[0], static_cast<int>(k + 1))));
  }
  return e.tuple(items);
}
TV i_tuple_insert(Emit& e, Args& a) {   // (t, index, value)
  std::vector<TV> items;
  int64_t n = static_cast<int64_t>(a.at(0).type->items.size());
  if (n == 0) return e.tuple(std::vector<TV>{a.at(2)});
  for (int64_t k = 0; k <= n; k++) {
    if (a[1].c) {
      if (k == a[1].c->i) items.push_back(a[2]);
      if (k < n) items.push_back(e.item(a[0], static_cast<int>(k)));
      continue;
    }
    TV before = e.item(a[0], static_cast<int>(std::min(k, n - 1))), after = e.item(a[0], static_cast<int>(std::max<int64_t>(k - 1, 0)));
    TV r = e.select(e.cmp(OpCode::Lt, e.const_int(k), a[1]), before, after);
    items.push_back(e.select(e.cmp(OpCode::Eq, e.const_int(k), a[1]), convert(e, a[2], r.type), r));
  }
  return e.tuple(items);
}
TV i_tuple_repeat(Emit& e, Args& a) { std::vector<TV> items(static_cast<size_t>(literal_int(a.at(1))), a[0]); return e.tuple(items); }
TV i_tuple_reverse(Emit& e, Args& a) {
  std::vector<TV> items;
  for (size_t k = a.at(0).type->items.size(); k-- > 0;) items.push_back(e.item(a[0], static_cast<int>(k)));
  return e.tuple(items);
}
TV i_tuple_map(Emit& e, Args& a) {   // (f, t): (f(t[0]), ...)
  std::vector<TV> items;
  for (size_t k = 0; k < a.at(1).type->items.size(); k++) {
    Args one{e.item(a[1], static_cast<int>(k))};
    for (size_t j = 2; j < a.size(); j++) one.push_back(a[j]);
    items.push_back(call(e, a[0], one, {}));
  }
  for (const TV& i : items) if (i.is_bottom()) return TV();
  return e.tuple(items);
}
TV i_range_tuple(Emit& e, Args& a) {   // (n): (0, 1, ..., n-1), n literal
  std::vector<TV> items;
  for (int64_t k = 0, n = literal_int(a.at(0)); k < n; k++) items.push_back(e.const_int(k));
  return e.tuple(items);
}

// ---- memory and arrays
TV i_empty(Emit& e, Args& a) {   // (shape tuple, dtype, order, zeroed): sizes are known to be >= 0
  TypeRef elem = dtype_arg(a.at(1));
  Layout l = a.size() > 2 ? layout_arg(a[2]) : Layout::C;
  bool zeroed = a.size() > 3 && literal_int(a[3]);
  std::vector<TV> shape;
  TV bytes = e.const_int(item_size(elem));
  for (size_t k = 0; k < a[0].type->items.size(); k++) {
    TV n = e.to_index(e.item(a[0], static_cast<int>(k)));
    e.guard(e.cmp(OpCode::Ge, n, e.const_int(0)), "NegativeDimensions");
    shape.push_back(n);
    if (e.dry() || (bytes.c && n.c)) { bytes = e.mul(bytes, n); continue; }
    TV next = e.op(OpCode::MulOvf, {bytes, n}, pyint());
    ValueId flag = e.function()->add_value(pybool(), e.block());
    e.last_op()->results.push_back(flag);
    TV o;
    o.type = pybool();
    o.id = flag;
    e.guard(e.logic_not(o), "ArrayTooBig");
    bytes = next;
  }
  TypeRef t = array_of(elem, static_cast<int>(shape.size()), shape.size() < 2 ? Layout::C : l);
  TV own = e.op(OpCode::Alloc, {bytes}, owner(), zeroed);
  TV data = e.op(OpCode::PtrCast, {e.op(OpCode::OwnerData, {own}, ptr_to(scalar(Kind::UInt8)))}, ptr_to(elem));
  return e.array_make(t, own, data, shape, {});
}
TV i_view(Emit& e, Args& a) {   // (array, shape, strides in bytes, offset in bytes, layout[, dtype])
  TypeRef elem = a.size() > 5 ? dtype_arg(a[5]) : a.at(0).type->elem;
  std::vector<TV> shape, strides;
  for (size_t k = 0; k < a[1].type->items.size(); k++) shape.push_back(e.to_index(e.item(a[1], static_cast<int>(k))));
  for (size_t k = 0; k < a[2].type->items.size(); k++) strides.push_back(e.to_index(e.item(a[2], static_cast<int>(k))));
  Layout l = layout_arg(a.at(4));
  if (shape.empty() || (shape.size() == 1 && l != Layout::A)) l = Layout::C;
  TV data = e.op(OpCode::ArrayData, {a[0]}, ptr_to(a[0].type->elem));
  if (elem != a[0].type->elem) data = e.op(OpCode::PtrCast, {data}, ptr_to(elem));
  if (!(a[3].c && a[3].c->i == 0)) data = e.op(OpCode::PtrAdd, {data, e.to_index(a[3])}, data.type);
  return e.array_make(array_of(elem, static_cast<int>(shape.size()), l, a[0].type->readonly), e.op(OpCode::ArrayOwner, {a[0]}, owner()), data, shape, strides);
}
TV i_data(Emit& e, Args& a) { return e.op(OpCode::ArrayData, {a.at(0)}, ptr_to(a[0].type->elem)); }
TV i_address(Emit& e, Args& a) { return e.op(OpCode::PtrToInt, {e.op(OpCode::ArrayData, {a.at(0)}, ptr_to(a[0].type->elem))}, pyint()); }
TV i_load(Emit& e, Args& a) {   // (array, flat byte offset)
  TV p = e.op(OpCode::ArrayData, {a.at(0)}, ptr_to(a[0].type->elem));
  return e.op(OpCode::Load, {e.op(OpCode::PtrAdd, {p, e.to_index(a.at(1))}, p.type)}, a[0].type->elem);
}
TV i_store(Emit& e, Args& a) {   // (array, flat byte offset, value)
  TV p = e.op(OpCode::ArrayData, {a.at(0)}, ptr_to(a[0].type->elem));
  e.op(OpCode::Store, {e.op(OpCode::PtrAdd, {p, e.to_index(a.at(1))}, p.type), e.cast(a.at(2), a[0].type->elem)}, ir::none());
  return e.none();
}
TV i_get(Emit& e, Args& a) {     // a[i, ...] with indices known to be in range
  Args args{a.at(0)};
  if (a.size() == 2 && a[1].is(Kind::Tuple)) for (size_t k = 0; k < a[1].type->items.size(); k++) args.push_back(e.to_index(e.item(a[1], static_cast<int>(k))));
  else for (size_t k = 1; k < a.size(); k++) args.push_back(e.to_index(a[k]));
  if (a[0].is(Kind::List)) return a[0].type->elem->is(Kind::Bottom) ? TV() : e.op(OpCode::ListLoad, args, a[0].type->elem);
  if (static_cast<int>(args.size()) - 1 != a[0].type->ndim) fail("TooManyIndices", {std::to_string(a[0].type->ndim), std::to_string(args.size() - 1)});
  return e.op(OpCode::ArrayLoad, args, a[0].type->elem);
}
TV i_set(Emit& e, Args& a) {     // (array, value, i, ...) with indices known to be in range
  if (a.at(0).is(Kind::List)) {
    if (a[0].type->elem->is(Kind::Bottom)) return e.none();
    e.op(OpCode::ListStore, {a[0], e.to_index(a.at(2)), convert(e, a.at(1), a[0].type->elem)}, ir::none());
    return e.none();
  }
  Args args{a[0], to_number(e, a.at(1), a[0].type->elem)};
  if (a.size() == 3 && a[2].is(Kind::Tuple)) for (size_t k = 0; k < a[2].type->items.size(); k++) args.push_back(e.to_index(e.item(a[2], static_cast<int>(k))));
  else for (size_t k = 2; k < a.size(); k++) args.push_back(e.to_index(a[k]));
  e.op(OpCode::ArrayStore, args, ir::none());
  return e.none();
}
TV i_assign(Emit& e, Args& a) {
  if (a.at(0).type->readonly) { e.guard(e.const_bool(false), "ReadOnly"); return e.none(); }
  e.op(OpCode::ArrayAssign, {a[0], a.at(1)}, ir::none(), a.size() > 2 ? literal_int(a[2]) : 0);
  return e.none();
}
TV i_readonly(Emit& e, Args& a) {
  const Type* t = a.at(0).type;
  return e.op(OpCode::ArrayAs, {a[0]}, array_of(t->elem, t->ndim, t->layout, true));
}
TV i_as_layout(Emit& e, Args& a) {   // (array, layout): the caller knows that the strides fit
  const Type* t = a.at(0).type;
  return e.op(OpCode::ArrayAs, {a[0]}, array_of(t->elem, t->ndim, layout_arg(a.at(1)), t->readonly));
}
TV i_elementwise(Emit& e, Args& a) {   // (f, operands...)
  Args rest(a.begin() + 1, a.end());
  const clb_const* c = a.at(0).c ? a[0].c : e.session().object(a[0].type->handle);
  return call_elementwise(e, e.session().function(c->handle), rest, nullptr);
}
TV i_rolled(Emit& e, Args& a) {   // (f, array, shift, axis): f(array, shift, axis), or in an array expression its items by their indices
  const clb_const* c = a.at(0).c ? a[0].c : e.session().object(a[0].type->handle);
  if (!a.at(3).c || a[3].c->kind != CLB_INT || a[3].c->i > 16) return call_function(e, e.session().function(c->handle), {a[1], a[2], a[3]}, {});
  int64_t axis = a[3].c->i;
  std::vector<AbsVal> args(3);
  args[0].type = a[1].type;
  args[1].type = pyint();
  args[2] = a[3];
  Spec* spec = e.session().specialise(e.session().function(c->handle), args, {}, &e.spec());
  if (spec->state == Spec::Running) e.spec().waiting_on.insert(spec);
  if (!e.dry()) e.session().lower_later(spec, &e);
  if (spec->ret.is_bottom()) return TV();
  return e.op(OpCode::ArrayRoll, {a[1], e.to_index(a[2])}, spec->ret.type, axis, spec->name);
}
TV i_mem_copy(Emit& e, Args& a) {   // (destination array, source array, bytes), from their first elements
  e.op(OpCode::MemCopy, {e.op(OpCode::ArrayData, {a.at(0)}, ptr_to(a[0].type->elem)), e.op(OpCode::ArrayData, {a.at(1)}, ptr_to(a[1].type->elem)), e.to_index(a.at(2))}, ir::none());
  return e.none();
}

// ---- lists
TV i_list_new(Emit& e, Args& a) {   // (example item or dtype, capacity)
  TypeRef t = a.at(0).is(Kind::DType) ? a[0].type->elem : a[0].is(Kind::List) ? a[0].type->elem : a[0].type;
  if (t->is(Kind::Bottom)) t = pyint();   // an empty list's: nothing is ever put in
  return e.op(OpCode::ListNew, {e.to_index(a.at(1))}, list_of(t));
}
TV i_list_push(Emit& e, Args& a) {
  if (a.at(0).type->elem->is(Kind::Bottom)) return e.none();
  e.op(OpCode::ListPush, {a[0], convert(e, a.at(1), a[0].type->elem)}, ir::none());
  return e.none();
}
TV i_list_set_len(Emit& e, Args& a) { e.op(OpCode::ListSetLen, {a.at(0), e.to_index(a.at(1))}, ir::none()); return e.none(); }
TV i_list_reserve(Emit& e, Args& a) { e.op(OpCode::ListReserve, {a.at(0), e.to_index(a.at(1))}, ir::none()); return e.none(); }
TV i_element_type(Emit& e, Args& a) {
  TypeRef t = element_type(e, a.at(0));
  if (t->is(Kind::Bottom) || !is_number(t)) { TV r; if (t->is(Kind::Bottom)) return r; fail("BadDtype", {describe(t)}); }
  return dtype_value(e, t);
}
TV i_item(Emit& e, Args& a) { return item_at(e, a.at(0), e.to_index(a.at(1))); }   // item of any iterable at an index in range
TV i_zero(Emit& e, Args& a) {   // a zero of the element type; of an empty list: an int
  TypeRef t = element_type(e, a.at(0));
  return e.op(OpCode::Zero, {}, t->is(Kind::Bottom) ? pyint() : t);
}

// ---- NumPy's loops
const char* type_letter(TypeRef t) {   // of a dtype, as in a loop's signature
  switch (t->kind) {
    case Kind::Bool: return "?";
    case Kind::Int8: return "b";
    case Kind::UInt8: return "B";
    case Kind::Int16: return "h";
    case Kind::UInt16: return "H";
    case Kind::Int32: return "i";
    case Kind::UInt32: return "I";
    case Kind::Int64: return "l";
    case Kind::UInt64: return "L";
    case Kind::Float32: return "f";
    case Kind::Float64: return "d";
    case Kind::Complex64: return "F";
    case Kind::Complex128: return "D";
    default: fail("BadDtype", {describe(t)});
  }
}
// The import keys of a ufunc's loop, without what is asked of it: "loop:12:3".
std::string loop_key(Emit& e, const TV& ufunc, const std::string& signature) {
  const clb_const* u = ufunc.c ? ufunc.c : e.session().object(ufunc.type->handle);
  int64_t loop = e.session().ufunc_loop(u->handle, signature);
  if (loop < 0) fail("NoLoop", {u->s ? u->s : "ufunc", signature});
  return "loop:" + std::to_string(u->handle) + ":" + std::to_string(loop);
}
TV import(Emit& e, const std::string& key) { return e.op(OpCode::Import, {}, ptr_to(scalar(Kind::UInt8)), 0, key); }
TV first_item(Emit& e, const TV& array) { return e.op(OpCode::ArrayData, {array}, ptr_to(array.type->elem)); }

// One call of a loop with the arrays, dimensions and steps of tuples, in memory.
void call_loop(Emit& e, const Args& a, const std::string& key) {
  TypeRef p = ptr_to(scalar(Kind::UInt8)), pp = ptr_to(p), pi = ptr_to(pyint());
  auto cells = [&](const TV& t, TypeRef cell, bool pointers) {
    size_t n = t.type->items.size();
    TV mem = e.op(OpCode::StackAlloc, {}, cell, static_cast<int64_t>(8 * std::max<size_t>(n, 1)));
    for (size_t k = 0; k < n; k++) {
      TV v = e.item(t, static_cast<int>(k));
      if (pointers) {
        if (v.is(Kind::Array)) v = first_item(e, v);
        v = e.op(OpCode::PtrToInt, {v}, pyint());
      } else v = e.to_index(v);
      TV at = e.op(OpCode::PtrCast, {mem}, pi);
      e.op(OpCode::Store, {e.op(OpCode::PtrAdd, {at, e.const_int(static_cast<int64_t>(8 * k))}, pi), v}, ir::none());
    }
    return mem;
  };
  TV args = cells(a[2], pp, true), dims = cells(a[3], pi, false), steps = cells(a[4], pi, false);
  e.op(OpCode::CallPtr, {import(e, key + ":fn"), args, dims, steps, import(e, key + ":data")}, ir::none(), 1);
}
// ufunc_call(ufunc, "dd->d", (array or pointer...), (dims...), (steps...)): calls the loop once. Returns the FE_* flags it raised.
TV i_ufunc_call(Emit& e, Args& a) {
  need(a, 5, "ufunc_call");
  std::string key = loop_key(e, a[0], text(a[1]));
  if (e.dry()) { TV r; r.type = pyint(); return r; }
  e.op(OpCode::CallRt, {}, ir::none(), 0, "coluber_fpe_clear");
  call_loop(e, a, key);
  TV flags = e.op(OpCode::CallRt, {}, pyint(), 0, "coluber_fpe_test");
  e.op(OpCode::CallRt, {}, ir::none(), 0, "coluber_check_python_error");
  return flags;
}
// ufunc_loop(ufunc, dtype, ...): the same for a loop of one dtype that cannot fail and whose flags nobody asks for.
TV i_ufunc_loop(Emit& e, Args& a) {
  need(a, 5, "ufunc_loop");
  std::string t = type_letter(dtype_arg(a[1]));
  std::string key = loop_key(e, a[0], t + t + "->" + t);
  if (!e.dry()) call_loop(e, a, key);
  return e.none();
}
TV fold(Emit& e, Args& a, int64_t how) {
  TypeRef d = a[2].type->elem;
  std::string t = type_letter(d), key = loop_key(e, a[0], t + t + "->" + t);
  return e.op(OpCode::Fold, {import(e, key + ":fn"), import(e, key + ":data"), e.cast(a[1], d), a[2]}, d, how);
}
// fold(ufunc, x, array): the ufunc's reduction of a 1-d array of x's dtype, begun with x.
TV i_fold(Emit& e, Args& a) {
  need(a, 3, "fold");
  TypeRef d = a[2].type->elem;
  const clb_const* u = a[0].c ? a[0].c : e.session().object(a[0].type->handle);
  std::string_view name = u->s ? u->s : "";
  bool search = name == "numpy.logical_or" || name == "numpy.logical_and";
  int64_t how = name != "numpy.add" ? search ? int64_t{kFoldSearch} : kAny : is_complex(d) ? kPairwiseComplex : is_float(d) ? kPairwise : kAny;
  return fold(e, a, how);
}
// fold_shared(ufunc, x, array, how): the same, cut in pieces for several threads. how: 0 min, max and their like; 1 pairwise sum of floats;
// 2 of complex numbers; 3 and 4 the same, of what a buffer of NumPy's holds.
TV i_fold_shared(Emit& e, Args& a) {
  need(a, 4, "fold_shared");
  return fold(e, a, literal_int(a[3]) | kFoldShared);
}
// dot_items(a, b): the sum of products of two 1-d arrays of one dtype and length.
TV i_dot(Emit& e, Args& a) {
  need(a, 2, "dot_items");
  TypeRef d = a[0].type->elem;
  TV cell = e.op(OpCode::StackAlloc, {}, ptr_to(d), 16);
  TV fn = import(e, "dot:" + d->text), none = e.op(OpCode::Zero, {}, ptr_to(d));
  e.op(OpCode::CallPtr, {fn, first_item(e, a[0]), e.stride(a[0], 0), first_item(e, a[1]), e.stride(a[1], 0), cell, e.shape(a[0], 0), none}, ir::none(), 1);
  return e.op(OpCode::Load, {cell}, d);
}
// place_of("argmax" or "argmin", array): where NumPy finds the extremum of a contiguous 1-d array that has items.
TV i_place(Emit& e, Args& a) {
  need(a, 2, "place_of");
  TV fn = import(e, text(a[0]) + ":" + a[1].type->elem->text);
  return e.op(OpCode::CallRt, {fn, first_item(e, a[1]), e.shape(a[1], 0)}, pyint(), 0, "coluber_place");
}
TV i_sort(Emit& e, Args& a) {   // (array, "quick" or "merge"): a contiguous one, or a list of numbers, in place
  if (a.at(0).is(Kind::List)) {
    TypeRef t = a[0].type->elem;
    if (!t->is(Kind::Bottom) && !is_number(t)) fail("BadDtype", {describe(t)});
    if (t->is(Kind::Bottom) || e.dry()) return e.none();
    TV fn = import(e, "sort:" + strong(t)->text + ":" + text(a.at(1)));
    e.op(OpCode::CallRt, {fn, e.op(OpCode::ListData, {a[0]}, ptr_to(t)), e.op(OpCode::ListLen, {a[0]}, pyint())}, ir::none(), 0, "coluber_sort");
    return e.none();
  }
  TV fn = import(e, "sort:" + a.at(0).type->elem->text + ":" + text(a.at(1)));
  e.op(OpCode::CallRt, {fn, first_item(e, a[0]), e.shape(a[0], 0)}, ir::none(), 0, "coluber_sort");
  return e.none();
}
TV i_argsort(Emit& e, Args& a) {   // (array, indices, kind): fills the indices
  TV fn = import(e, "argsort:" + a.at(0).type->elem->text + ":" + text(a.at(2)));
  e.op(OpCode::CallRt, {fn, first_item(e, a[0]), first_item(e, a.at(1)), e.shape(a[0], 0)}, ir::none(), 0, "coluber_argsort");
  return e.none();
}
TV i_atomic(Emit& e, Args& a) {  // (operation, array, index, value[, value])
  return atomic_item(e, text(a.at(0)), a.at(1), a.at(2), Args(a.begin() + 3, a.end()));
}
// rounds(n, work): as range(n); under the option parallel its rounds may run at once, where n * work is worth it.
TV i_rounds(Emit& e, Args& a) {
  need(a, 2, "rounds");
  TV zero = e.const_int(0), n = e.to_index(a[0]);
  if (!e.spec().parallel) {
    TV parts[] = {zero, n};
    return e.make(parts, view_of("range", {pyint(), pyint()}));
  }
  TV parts[] = {zero, n, zero, e.mul(n, e.to_index(a[1]))};          // the last one: all the work
  return e.make(parts, view_of("prange_worth", {pyint(), pyint(), pyint(), pyint()}));
}
TV i_is_parallel(Emit& e, Args&) { return e.const_bool(e.spec().parallel); }
TV i_thread_count(Emit& e, Args&) { return e.op(OpCode::CallRt, {}, pyint(), 0, "coluber_num_threads"); }
TV i_set_thread_count(Emit& e, Args& a) {
  e.op(OpCode::CallRt, {e.to_index(a.at(0))}, ir::none(), 0, "coluber_set_num_threads");
  return e.none();
}
TV i_thread_number(Emit& e, Args&) { return e.op(OpCode::CallRt, {}, pyint(), 0, "coluber_thread_number"); }
TV i_chunk_size(Emit& e, Args&) { return e.op(OpCode::CallRt, {}, pyint(), 0, "coluber_chunk_size"); }
template <const char* Symbol> TV i_effect(Emit& e, Args& a) {   // a runtime function of an int, without a result
  e.op(OpCode::CallRt, {e.to_index(a.at(0))}, ir::none(), 0, Symbol);
  return e.none();
}
constexpr char kSetChunkSize[] = "coluber_set_chunk_size", kEnter[] = "coluber_critical_enter", kExit[] = "coluber_critical_exit";
// (name, values...): a context manager with methods "method:with_NAME.__enter__" and __exit__, which reach the values by part(self, k)
TV i_manager(Emit& e, Args& a) {
  Args values(a.begin() + 1, a.end());
  std::vector<TypeRef> types;
  for (const TV& v : values) types.push_back(v.type);
  return e.make(values, view_of("with_" + text(a.at(0)), types));
}
TV i_part(Emit& e, Args& a) {
  int64_t k = literal_int(a.at(1));
  return e.get(a[0], static_cast<int>(k), a[0].type->items.at(static_cast<size_t>(k)));
}
TV i_text_hash(Emit& e, Args& a) {   // of a literal; the runtime's critical_key does the same
  uint64_t h = 14695981039346656037u;
  for (unsigned char c : text(a.at(0))) h = (h ^ c) * 1099511628211u;
  return e.const_int(static_cast<int64_t>(h));
}
TV i_exc_class_name(Emit& e, Args& a) { return to_string(e, a.at(0)); }

const std::unordered_map<std::string, Rule>& table() {
  static const std::unordered_map<std::string, Rule> kTable = {
      {"is_none", test_kind<Kind::None>}, {"is_array", test_kind<Kind::Array>}, {"is_list", test_kind<Kind::List>}, {"is_tuple", test_kind<Kind::Tuple>},
      {"is_str", test_kind<Kind::Str>}, {"is_slice", test_kind<Kind::Slice>}, {"is_optional", test_kind<Kind::Optional>}, {"is_dtype", test_kind<Kind::DType>},
      {"is_number", i_is_number}, {"is_bool", test<is_bool>}, {"is_integer", test<is_integer>}, {"is_float", test<is_float>}, {"is_complex", test<is_complex>},
      {"is_weak", test<is_weak>}, {"is_literal", i_is_literal}, {"is_contiguous", i_is_contiguous}, {"is_f_contiguous", i_is_f_contiguous}, {"layout", i_layout},
      {"is_readonly", i_is_readonly}, {"is_function", i_is_function}, {"is_signed", i_is_signed}, {"same_type", i_same_type}, {"is_homogeneous", i_is_homogeneous},
      {"static_error", i_static_error}, {"dtype_of", i_dtype_of}, {"promote", i_promote}, {"real_dtype", i_real_dtype}, {"complex_dtype", i_complex_dtype},
      {"cast", i_cast}, {"bitcast", i_bitcast}, {"weak", i_weak}, {"math", i_math}, {"math_bool", i_math_bool}, {"math_int", i_math_int}, {"select", i_select},
      {"make_complex", i_complex}, {"truncdiv", i_binary<OpCode::TruncDiv>}, {"truncrem", i_binary<OpCode::TruncRem>}, {"fdiv", i_binary<OpCode::FDiv>},
      {"shl", i_binary<OpCode::Shl>}, {"shr", i_binary<OpCode::Shr>}, {"floordiv", i_binary<OpCode::FloorDiv>}, {"mod", i_binary<OpCode::Mod>},
      {"guard", i_guard}, {"likely", i_likely}, {"usual", i_usual}, {"int_quotient", i_int_quotient}, {"assume_index", i_assume_index}, {"tuple_set", i_tuple_set}, {"tuple_remove", i_tuple_remove},
      {"tuple_insert", i_tuple_insert}, {"tuple_repeat", i_tuple_repeat}, {"tuple_reverse", i_tuple_reverse}, {"tuple_map", i_tuple_map}, {"range_tuple", i_range_tuple},
      {"empty_array", i_empty}, {"array_view", i_view}, {"data", i_data}, {"load", i_load}, {"store", i_store}, {"get", i_get}, {"put", i_set}, {"assign", i_assign},
      {"as_readonly", i_readonly}, {"as_layout", i_as_layout}, {"elementwise", i_elementwise}, {"rolled", i_rolled}, {"mem_copy", i_mem_copy}, {"list_new", i_list_new},
      {"list_push", i_list_push}, {"list_set_len", i_list_set_len}, {"list_reserve", i_list_reserve}, {"element_type", i_element_type}, {"item", i_item},
      {"zero_item", i_zero}, {"ufunc_call", i_ufunc_call}, {"ufunc_loop", i_ufunc_loop},
      {"fold", i_fold}, {"dot_items", i_dot}, {"place_of", i_place}, {"sort_in_place", i_sort}, {"argsort_in_place", i_argsort}, {"text", i_exc_class_name},
      {"atomic", i_atomic}, {"thread_count", i_thread_count}, {"set_thread_count", i_set_thread_count}, {"thread_number", i_thread_number}, {"chunk_size", i_chunk_size},
      {"set_chunk_size", i_effect<kSetChunkSize>}, {"critical_enter", i_effect<kEnter>}, {"critical_exit", i_effect<kExit>}, {"manager", i_manager}, {"part", i_part},
      {"text_hash", i_text_hash},
      {"fold_shared", i_fold_shared}, {"rounds", i_rounds}, {"is_parallel", i_is_parallel}, {"stencil_view", make_stencil_view}, {"view_part", stencil_view_part},
      {"stencil_reach", stencil_reach}, {"stencil_dtype", stencil_dtype}, {"address", i_address}};
  return kTable;
}

}  // namespace

bool call_intrinsic(Emit& e, const std::string& name, std::vector<TV>& args, const std::vector<std::string>& keywords, TV* out) {
  auto it = table().find(name);
  if (it == table().end()) return false;
  if (!keywords.empty()) fail("WrongArguments", {name, "takes no keywords"});
  try {
    *out = it->second(e, args);
  } catch (const std::out_of_range&) {
    fail("WrongArguments", {name, "has too few arguments"});
  }
  return true;
}

}  // namespace coluber::typing
