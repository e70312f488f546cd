// The lattice of types and constants: equality, join, NEP 50 promotion.
#include <cmath>
#include <cstring>

#include "typing/value.h"

namespace coluber::typing {
using namespace ir;

bool is_range(TypeRef t) { return t->is(Kind::Range) || (t->is(Kind::View) && t->name.rfind("range", 0) == 0); }

TypeRef for_python(TypeRef t) {
  if (is_range(t)) return scalar(Kind::Range);
  if (t->is(Kind::Optional)) return optional_of(for_python(t->elem));
  if (!t->is(Kind::Tuple)) return t;
  std::vector<TypeRef> items;
  for (TypeRef i : t->items) items.push_back(for_python(i));
  return t->names.empty() ? tuple_of(items) : namedtuple_of(t->handle, t->names, items);
}

bool same_const(const clb_const* a, const clb_const* b) {
  if (a == b) return true;
  if (!a || !b || a->kind != b->kind) return false;
  switch (a->kind) {
    case CLB_NONE: case CLB_ELLIPSIS: return true;
    case CLB_BOOL: case CLB_INT: return a->i == b->i;
    case CLB_FLOAT: return !std::memcmp(a->f, b->f, sizeof(double));
    case CLB_COMPLEX: return !std::memcmp(a->f, b->f, 2 * sizeof(double));
    case CLB_STR: case CLB_BIGINT: case CLB_BYTES:
      return a->n == b->n && !std::memcmp(a->s, b->s, static_cast<size_t>(a->n));
    case CLB_DTYPE: case CLB_TYPE: return !std::strcmp(a->s, b->s) && a->flags == b->flags;
    case CLB_INTRINSIC: return !std::strcmp(a->s, b->s);
    case CLB_SCALAR: return !std::strcmp(a->s, b->s) && a->i == b->i && !std::memcmp(a->f, b->f, sizeof a->f);
    case CLB_TUPLE: case CLB_LIST: {
      if (a->n != b->n) return false;
      for (int64_t k = 0; k < a->n; k++)
        if (!same_const(&a->items[k], &b->items[k])) return false;
      return a->kind == CLB_TUPLE || a->handle == b->handle;
    }
    case CLB_CODE: return a->code == b->code;
    default: return a->handle == b->handle;
  }
}

bool same(const AbsVal& a, const AbsVal& b) { return a.type == b.type && same_const(a.c, b.c) && a.site == b.site; }

std::string const_text(const clb_const* c) {
  switch (c->kind) {
    case CLB_NONE: return "None";
    case CLB_BOOL: return c->i ? "True" : "False";
    case CLB_INT: return std::to_string(c->i);
    case CLB_FLOAT: { char b[40]; snprintf(b, sizeof b, "%a", c->f[0]); return b; }
    case CLB_COMPLEX: { char b[80]; snprintf(b, sizeof b, "%a+%aj", c->f[0], c->f[1]); return b; }
    case CLB_STR: return "'" + std::string(c->s, static_cast<size_t>(c->n)) + "'";
    case CLB_ELLIPSIS: return "...";
    case CLB_TUPLE: {
      std::string t = "(";
      for (int64_t k = 0; k < c->n; k++) t += const_text(&c->items[k]) + ",";
      return t + ")";
    }
    case CLB_DTYPE: case CLB_TYPE: return std::string(c->s) + (c->flags & 1 ? "*" : "");
    case CLB_INTRINSIC: return std::string("%") + c->s;
    case CLB_SCALAR: { char b[80]; snprintf(b, sizeof b, "%s:%lld:%a:%a", c->s, static_cast<long long>(c->i), c->f[0], c->f[1]); return b; }
    default: return "#" + std::to_string(c->handle);
  }
}

std::string describe(TypeRef t) {
  switch (t->kind) {
    case Kind::PyBool: return "bool";
    case Kind::PyInt: return "int";
    case Kind::PyFloat: return "float";
    case Kind::PyComplex: return "complex";
    case Kind::None: return "None";
    case Kind::Bool: return "numpy.bool";
    case Kind::Array:
      return "array(" + describe(t->elem) + ", " + std::to_string(t->ndim) + "d, " + "CFSA"[static_cast<int>(t->layout)] + (t->readonly ? ", read-only)" : ")");
    case Kind::List: return t->elem->is(Kind::Bottom) ? "empty list" : "list(" + describe(t->elem) + ")";
    case Kind::Optional: return "Optional(" + describe(t->elem) + ")";
    case Kind::Unbound: return t->elem->is(Kind::Bottom) ? "unassigned variable" : "possibly unassigned " + describe(t->elem);
    case Kind::Tuple: {
      std::string s = "tuple(";
      for (size_t k = 0; k < t->items.size(); k++) s += (k ? ", " : "") + describe(t->items[k]);
      return s + ")";
    }
    case Kind::Const: case Kind::Closure: return "function or object";
    case Kind::DType: return "the dtype " + describe(t->elem);
    case Kind::Ellipsis: return "Ellipsis";
    case Kind::Slice: return "slice";
    case Kind::View: return t->name.rfind("range", 0) == 0 ? "range" : is_stencil_view(t) ? "stencil array of " + describe(t->items[0]->elem) : t->name;
    case Kind::Method: return "the method " + t->name + "() of " + describe(t->elem);
    case Kind::Iter: return "an iterator over " + describe(t->elem);
    case Kind::Exc: return "exception";
    case Kind::Bottom: return "unknown";
    default: return t->text;
  }
}

std::string describe(const AbsVal& v) {
  if (v.c) switch (v.c->kind) {
    case CLB_BOOL: case CLB_INT: case CLB_STR: return "the literal " + const_text(v.c);
    case CLB_FUNCTION: case CLB_BUILTIN: case CLB_CLASS: return std::string(v.c->s);
    case CLB_MODULE: return std::string("module ") + v.c->s;
    case CLB_OBJECT: return std::string("an object of type ") + v.c->s;
    default: break;
  }
  return describe(v.type);
}

int slot_count(TypeRef t) {
  switch (t->kind) {
    case Kind::Bottom: case Kind::None: case Kind::Ellipsis: case Kind::DType: case Kind::Const: return 0;
    case Kind::PyComplex: case Kind::Complex64: case Kind::Complex128: return 2;
    case Kind::Str: case Kind::Range: return 3;
    case Kind::Tuple: case Kind::Slice: case Kind::Closure: case Kind::View: {
      int n = 0;
      for (TypeRef i : t->items)
        n += t->is(Kind::Slice) && i->is(Kind::None) ? 0 : slot_count(i);
      return n;
    }
    case Kind::Array: {
      int strides = t->layout == Layout::A ? t->ndim : t->layout == Layout::S ? t->ndim - 1 : 0;
      return 2 + t->ndim + strides;
    }
    case Kind::Optional: case Kind::Unbound: return 1 + slot_count(t->elem);
    case Kind::Method: return slot_count(t->elem);
    case Kind::Iter: return 2;   // always more than none; the exact layout is typing/iterate.cc's
    default: return 1;
  }
}
bool has_slots(TypeRef t) { return slot_count(t) > 0; }

bool fits(const clb_const* c, TypeRef t) {
  if (!c) return false;
  double v;
  if (c->kind == CLB_INT || c->kind == CLB_BOOL) {
    if (is_integer(t)) {
      if (t->is(Kind::PyInt) || t->is(Kind::Int64)) return true;
      int bits = item_size(t) * 8;
      if (is_signed(t)) return c->i >= -(int64_t{1} << (bits - 1)) && c->i < (int64_t{1} << (bits - 1));
      return c->i >= 0 && (bits == 64 || c->i < (int64_t{1} << bits));
    }
    if (is_bool(t)) return false;
    v = static_cast<double>(c->i);
    if (static_cast<int64_t>(v) != c->i) return false;
  } else if (c->kind == CLB_FLOAT) {
    if (is_integer(t) || is_bool(t)) return false;
    v = c->f[0];
  } else {
    return false;
  }
  if (t->is(Kind::Float32) || t->is(Kind::Complex64)) return static_cast<double>(static_cast<float>(v)) == v || std::isnan(v);
  return is_float(t) || is_complex(t);
}

namespace {

int int_bits(TypeRef t) { return is_bool(t) ? 1 : item_size(t) * 8; }
TypeRef int_type(int bits, bool sign) {
  static const Kind kSigned[] = {Kind::Int8, Kind::Int16, Kind::Int32, Kind::Int64};
  static const Kind kUnsigned[] = {Kind::UInt8, Kind::UInt16, Kind::UInt32, Kind::UInt64};
  int i = bits <= 8 ? 0 : bits <= 16 ? 1 : bits <= 32 ? 2 : 3;
  return scalar(sign ? kSigned[i] : kUnsigned[i]);
}
TypeRef complex_of(TypeRef f) { return scalar(f->is(Kind::Float32) ? Kind::Complex64 : Kind::Complex128); }

TypeRef promote_strong(TypeRef a, TypeRef b) {
  if (a == b) return a;
  if (is_complex(a) || is_complex(b)) {
    TypeRef fa = is_complex(a) ? real_of(a) : a, fb = is_complex(b) ? real_of(b) : b;
    TypeRef f = promote_strong(fa, fb);
    return complex_of(is_float(f) ? f : promote_strong(f, scalar(Kind::Float32)));
  }
  if (is_float(a) || is_float(b)) {
    if (is_float(a) && is_float(b)) return scalar(Kind::Float64);
    TypeRef f = is_float(a) ? a : b, i = is_float(a) ? b : a;
    if (f->is(Kind::Float64)) return f;
    return int_bits(i) <= 16 ? f : scalar(Kind::Float64);
  }
  if (is_bool(a)) return b;
  if (is_bool(b)) return a;
  if (is_signed(a) == is_signed(b)) return int_bits(a) > int_bits(b) ? a : b;
  TypeRef s = is_signed(a) ? a : b, u = is_signed(a) ? b : a;
  if (int_bits(s) > int_bits(u)) return s;
  return int_bits(u) == 64 ? scalar(Kind::Float64) : int_type(int_bits(u) * 2, true);
}

int rank(TypeRef t) { return is_bool(t) ? 0 : is_integer(t) ? 1 : is_float(t) ? 2 : 3; }

}  // namespace

TypeRef promote(TypeRef a, TypeRef b) {
  bool wa = is_weak(a), wb = is_weak(b);
  if (wa && wb) return rank(a) >= rank(b) ? a : b;
  if (!wa && !wb) return promote_strong(a, b);
  TypeRef w = wa ? a : b, s = wa ? b : a;
  if (rank(w) <= rank(s)) return s;
  if (w->is(Kind::PyInt)) return scalar(Kind::Int64);
  if (w->is(Kind::PyFloat)) return scalar(Kind::Float64);
  return s->is(Kind::Float32) ? scalar(Kind::Complex64) : scalar(Kind::Complex128);
}

namespace {

Layout join_layout(Layout a, Layout b) {
  if (a == b) return a;
  auto rows = [](Layout l) { return l == Layout::C || l == Layout::S; };
  return rows(a) && rows(b) ? Layout::S : Layout::A;
}

// Joining numbers for a variable (not for an operation): see the header.
TypeRef join_numbers(TypeRef a, const clb_const* ca, TypeRef b, const clb_const* cb) {
  if (is_weak(a) && is_weak(b)) return promote(a, b);
  if (!is_weak(a) && !is_weak(b)) return promote_strong(a, b);
  TypeRef w = is_weak(a) ? a : b, s = is_weak(a) ? b : a;
  const clb_const* c = is_weak(a) ? ca : cb;
  if (w->is(Kind::PyBool) && s->is(Kind::Bool)) return s;
  if (fits(c, s) && rank(w) <= rank(s)) return s;
  if (s->is(Kind::UInt64) && w->is(Kind::PyInt)) return s;
  return promote_strong(strong(w), s);
}

}  // namespace

TypeRef join_types(TypeRef a, const clb_const* ca, TypeRef b, const clb_const* cb) {
  if (a == b) return a;
  if (a->is(Kind::Bottom)) return b;
  if (b->is(Kind::Bottom)) return a;
  if (a->is(Kind::Unbound) || b->is(Kind::Unbound)) {
    TypeRef e = join_types(a->is(Kind::Unbound) ? a->elem : a, ca, b->is(Kind::Unbound) ? b->elem : b, cb);
    return e ? unbound_of(e) : nullptr;
  }
  if (a->is(Kind::None)) return optional_of(b);
  if (b->is(Kind::None)) return optional_of(a);
  if (a->is(Kind::Optional) || b->is(Kind::Optional)) {
    TypeRef e = join_types(a->is(Kind::Optional) ? a->elem : a, ca, b->is(Kind::Optional) ? b->elem : b, cb);
    return e ? optional_of(e) : nullptr;
  }
  if (is_number(a) && is_number(b)) return join_numbers(a, ca, b, cb);
  if (a != b && is_range(a) && is_range(b)) return scalar(Kind::Range);   // different steps
  if (a->kind != b->kind) return nullptr;
  switch (a->kind) {
    case Kind::Array:
      if (a->elem != b->elem || a->ndim != b->ndim) return nullptr;
      return array_of(a->elem, a->ndim, join_layout(a->layout, b->layout), a->readonly || b->readonly);
    case Kind::List: {
      if (a->elem->is(Kind::Bottom)) return b;
      if (b->elem->is(Kind::Bottom)) return a;
      return nullptr;
    }
    case Kind::Tuple: case Kind::Slice: case Kind::View: case Kind::Closure: {
      if (a->items.size() != b->items.size() || a->handle != b->handle || a->name != b->name || a->names != b->names) return nullptr;
      std::vector<TypeRef> items;
      for (size_t k = 0; k < a->items.size(); k++) {
        auto part = [k](const clb_const* c) { return c && c->kind == CLB_TUPLE ? &c->items[k] : nullptr; };
        TypeRef t = join_types(a->items[k], part(ca), b->items[k], part(cb));
        if (!t) return nullptr;
        items.push_back(t);
      }
      if (a->is(Kind::Slice)) return slice_of(items[0], items[1], items[2]);
      if (a->is(Kind::View)) return view_of(a->name, items);
      if (a->is(Kind::Closure)) return closure_of(a->handle, items);
      return a->names.empty() ? tuple_of(items) : namedtuple_of(a->handle, a->names, items);
    }
    case Kind::Iter: {
      TypeRef t = join_types(a->elem, nullptr, b->elem, nullptr);
      return t ? iter_of(t) : nullptr;
    }
    case Kind::Exc: return exc_of(-1);
    default: return nullptr;
  }
}

bool join(const AbsVal& a, const AbsVal& b, AbsVal* out) {
  TypeRef t = join_types(a.type, a.c, b.type, b.c);
  if (!t) return false;
  AbsVal r;
  r.type = t;
  if (a.is_bottom()) r = b;
  else if (b.is_bottom()) r = a;
  else if (same_const(a.c, b.c) && a.type == b.type) r.c = a.c;
  r.type = t;
  r.site = a.site != ~0u ? a.site : b.site;
  *out = r;
  return true;
}

}  // namespace coluber::typing
