// Attributes of values: what needs no code of its own is answered here, the rest is a library function ("attr:array.T") or a method to
// be called later (type method#name).
#include "typing/session.h"

namespace coluber::typing {
using namespace ir;

namespace {

TV dtype_value(Emit& e, TypeRef elem) {
  clb_const c{};
  c.kind = CLB_DTYPE;
  std::string t = elem->text;
  c.s = e.session().make_str(t)->s;
  c.n = static_cast<int64_t>(t.size());
  TV r;
  r.type = dtype_of(elem);
  r.c = e.session().make_const(c);
  return r;
}

TV transpose(Emit& e, const TV& a) {
  const Type* t = a.type;
  if (t->ndim < 2) return a;
  std::vector<TV> shape, strides;
  for (int k = t->ndim - 1; k >= 0; k--) {
    shape.push_back(e.shape(a, k));
    strides.push_back(e.stride(a, k));
  }
  Layout l = t->layout == Layout::C ? Layout::F : t->layout == Layout::F ? Layout::C : Layout::A;
  return e.array_make(array_of(t->elem, t->ndim, l, t->readonly), e.op(OpCode::ArrayOwner, {a}, owner()),
                      e.op(OpCode::ArrayData, {a}, ptr_to(t->elem)), shape, strides);
}

TV complex_part(Emit& e, const TV& a, bool imag) {
  const Type* t = a.type;
  TypeRef f = real_of(t->elem);
  std::vector<TV> shape, strides;
  for (int k = 0; k < t->ndim; k++) {
    shape.push_back(e.shape(a, k));
    strides.push_back(e.stride(a, k));
  }
  TV data = e.op(OpCode::PtrCast, {e.op(OpCode::ArrayData, {a}, ptr_to(t->elem))}, ptr_to(f));
  if (imag) data = e.op(OpCode::PtrAdd, {data, e.const_int(item_size(f))}, data.type);
  return e.array_make(array_of(f, t->ndim, Layout::A, t->readonly), e.op(OpCode::ArrayOwner, {a}, owner()), data, shape, strides);
}

bool array_attr(Emit& e, const TV& a, const std::string& n, TV* out) {
  const Type* t = a.type;
  auto size = [&] {
    TV s = e.const_int(1);
    for (int k = 0; k < t->ndim; k++) s = e.mul(s, e.shape(a, k));
    return s;
  };
  if (n == "shape" || n == "strides") {
    std::vector<TV> items;
    for (int k = 0; k < t->ndim; k++) items.push_back(n == "shape" ? e.shape(a, k) : e.op(OpCode::ArrayStride, {a}, pyint(), k));
    *out = e.tuple(items);
  } else if (n == "ndim") *out = e.const_int(t->ndim);
  else if (n == "size") *out = size();
  else if (n == "dtype") *out = dtype_value(e, t->elem);
  else if (n == "itemsize") *out = e.const_int(item_size(t->elem));
  else if (n == "nbytes") *out = e.mul(size(), e.const_int(item_size(t->elem)));
  else if (n == "T") *out = transpose(e, a);
  else if (n == "real") *out = is_complex(t->elem) ? complex_part(e, a, false) : a;
  else if (n == "imag" && is_complex(t->elem)) *out = complex_part(e, a, true);
  else if (n == "flat") { TV p[] = {a}; *out = e.make(p, view_of("flat", {t})); }
  else return false;
  return true;
}

bool number_attr(Emit& e, const TV& v, const std::string& n, TV* out) {
  TypeRef t = v.type;
  if (n == "real") *out = is_complex(t) ? e.op(OpCode::ComplexReal, {v}, real_of(t)) : is_bool(t) && is_weak(t) ? e.cast(v, pyint()) : v;
  else if (n == "imag") {
    if (is_complex(t)) *out = e.op(OpCode::ComplexImag, {v}, real_of(t));
    else *out = is_float(t) ? e.const_float(0, t) : e.const_int(0, is_bool(t) ? pyint() : t);
  } else if (is_weak(t)) return false;
  else if (n == "dtype") *out = dtype_value(e, t);
  else if (n == "ndim") *out = e.const_int(0);
  else if (n == "itemsize" || n == "nbytes") *out = e.const_int(item_size(t));
  else if (n == "size") *out = e.const_int(1);
  else if (n == "shape") *out = e.tuple({});
  else return false;
  return true;
}

bool dtype_attr(Emit& e, const TV& v, const std::string& n, TV* out) {
  TypeRef t = v.type->elem;
  if (n == "itemsize") *out = e.const_int(item_size(t));
  else if (n == "type") *out = v;
  else if (n == "kind") *out = e.const_str(is_bool(t) ? "b" : is_complex(t) ? "c" : is_float(t) ? "f" : is_signed(t) ? "i" : "u");
  else if (n == "name") *out = e.const_str(t->text);
  else return false;
  return true;
}

}  // namespace

// What the keys of the library call values of this type: context managers are views by their name.
std::string library_kind(TypeRef t) {
  if (t->is(Kind::View) && t->name.rfind("with_", 0) == 0) return t->name;
  return is_number(t) ? "number" : kind_text(t->kind);
}

TV get_attr(Emit& e, const TV& v, const std::string& n) {
  const Type* t = v.type;
  TV out;
  if (t->is(Kind::Const)) {
    const clb_const* o = v.c ? v.c : e.session().object(t->handle);
    bool with = n == "__enter__" || n == "__exit__";      // of a class or function: what it makes is meant, or nothing
    const clb_const* c = with ? nullptr : e.session().attr(o->handle, n);
    if (with) fail("NoContextManager", {describe(v)});
    if (!c) fail_name(e, "NoAttribute", {describe(v), n}, o->handle, "attribute", n);
    return e.constant(c);
  }
  if (t->is(Kind::Array) && array_attr(e, v, n, &out)) return out;
  if (is_number(t) && number_attr(e, v, n, &out)) return out;
  if (t->is(Kind::DType) && dtype_attr(e, v, n, &out)) return out;
  if (t->is(Kind::Tuple))
    for (size_t k = 0; k < t->names.size(); k++)
      if (t->names[k] == n) return e.item(v, static_cast<int>(k));
  if ((t->is(Kind::Slice) || t->is(Kind::Range)) && (n == "start" || n == "stop" || n == "step")) {
    int k = n == "start" ? 0 : n == "stop" ? 1 : 2;
    if (t->is(Kind::Range)) return e.get(v, k, pyint());
    if (v.c && v.c->kind == CLB_TUPLE) return e.constant(&v.c->items[k]);
    return t->items[static_cast<size_t>(k)]->is(Kind::None) ? e.none() : e.get(v, k, t->items[static_cast<size_t>(k)]);
  }
  if (t->is(Kind::View) && (t->name == "range" || t->name == "range_down")) {
    if (n == "start") return e.get(v, 0, pyint());
    if (n == "stop") return e.get(v, 1, pyint());
    if (n == "step") return e.const_int(t->name == "range" ? 1 : -1);
  }
  if (t->is(Kind::Optional)) {
    return get_attr(e, e.not_none(v, "'NoneType' object has no attribute '" + n + "'", "NoneAttribute"), n);
  }
  std::string kind = library_kind(t);
  const clb_const* impl = nullptr;
  if (find_library(e, "attr:" + kind + "." + n, &impl)) return call_function(e, e.session().function(impl->handle), {v}, {});
  bool method = find_library(e, "method:" + kind + "." + n, &impl);
  if (!method && (n == "__enter__" || n == "__exit__")) fail("NoContextManager", {describe(v)});
  if (!method) fail_name(e, "NoAttribute", {describe(v), n}, -1, kind.c_str(), n);
  TV r = v;                 // a method is carried by its self
  r.type = method_of(t, n);
  return r;
}

}  // namespace coluber::typing
