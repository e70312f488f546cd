// Builtin functions and classes that need the compiler: type tests, constructors of lazy views, conversions. One row of the table each;
// what can be written in Python is in the library instead.
#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "typing/session.h"

namespace coluber::typing {
using namespace ir;

namespace {

using Args = std::vector<TV>;
using Rule = TV (*)(Emit&, Args&, const std::vector<std::string>&);

void arity(const char* name, const Args& a, size_t lo, size_t hi) {
  if (a.size() < lo || a.size() > hi)
    fail("WrongArguments", {name, "takes " + std::to_string(lo) + (hi > lo ? " to " + std::to_string(hi) : "") + (hi == 1 ? " argument but " : " arguments but ") + std::to_string(a.size()) + (a.size() == 1 ? " was given" : " were given")});
}

TV b_len(Emit& e, Args& a, const std::vector<std::string>&) {
  arity("len()", a, 1, 1);
  if (a[0].is(Kind::Optional)) return length(e, e.not_none(a[0], "object of type 'NoneType' has no len()"));
  return length(e, a[0]);
}

TV b_range(Emit& e, Args& a, const std::vector<std::string>&) {
  arity("range()", a, 1, 3);
  TV start = a.size() > 1 ? e.to_index(a[0]) : e.const_int(0);
  TV stop = e.to_index(a.size() > 1 ? a[1] : a[0]);
  TV step = a.size() > 2 ? e.to_index(a[2]) : e.const_int(1);
  if (step.c && (step.c->i == 1 || step.c->i == -1)) {
    TV parts[] = {start, stop};
    return e.make(parts, view_of(step.c->i == 1 ? "range" : "range_down", {pyint(), pyint()}));
  }
  e.guard(e.cmp(OpCode::Ne, step, e.const_int(0)), "RangeStep");
  TV parts[] = {start, stop, step};
  return e.make(parts, scalar(Kind::Range));
}

// The schedule of a prange that has one, by its name.
std::string schedule_name(const TV& v) {
  if (v.is_none()) return "auto";
  if (!v.c || v.c->kind != CLB_STR) fail("NeedLiteral", {describe(v)});
  std::string name(v.c->s, static_cast<size_t>(v.c->n));
  bool known = name != "measured" && name != "worth" && std::find(schedules().begin(), schedules().end(), name) != schedules().end();
  if (!known) fail("BadSchedule", {name});
  return name;
}

bool reduction_name(const TV& v, bool by_default) {
  if (v.is_none()) return by_default;
  if (!v.c || v.c->kind != CLB_STR) fail("NeedLiteral", {describe(v)});
  std::string name(v.c->s, static_cast<size_t>(v.c->n));
  if (name != "fast" && name != "deterministic") fail("BadReduction", {name});
  return name == "deterministic";
}

// How many loops are one: part of the view's name.
std::string collapsed(Emit& e, const TV& v) {
  if (v.is_none()) return "";
  if (!v.c || v.c->kind != CLB_INT) fail("NeedLiteral", {describe(v)});
  if (v.c->i < 1 || v.c->i > 16) {
    e.guard(e.const_bool(false), "PrangeCount", {}, {"collapse"});
    return "";
  }
  return v.c->i == 1 ? "" : "x" + std::to_string(v.c->i) + "_";
}

// A count that may be left out: 0 stands for that.
TV optional_count(Emit& e, const TV& v, const char* what) {
  if (v.is_none()) return e.const_int(0);
  TV n = e.to_index(v);
  e.guard(e.cmp(OpCode::Ge, n, e.const_int(1)), "PrangeCount", {}, {what});
  return n;
}

// range() whose rounds may run at once. Without the option parallel it is range().
TV b_prange(Emit& e, Args& a, const std::vector<std::string>& keywords) {
  Args plain(a.begin(), a.end() - static_cast<ptrdiff_t>(keywords.size()));
  arity("prange()", plain, 1, 3);
  std::string schedule = "auto", form;
  bool deterministic = e.spec().fn->options.reduction == 1;
  TV chunk = e.const_int(0), threads = e.const_int(0);
  for (size_t k = 0; k < keywords.size(); k++) {
    const TV& v = a[plain.size() + k];
    if (keywords[k] == "schedule") schedule = schedule_name(v);
    else if (keywords[k] == "chunk") chunk = optional_count(e, v, "chunk");
    else if (keywords[k] == "num_threads") threads = optional_count(e, v, "num_threads");
    else if (keywords[k] == "reduction") deterministic = reduction_name(v, deterministic);
    else if (keywords[k] == "collapse") form += collapsed(e, v);
    else fail("WrongArguments", {"prange()", "got an unexpected keyword argument '" + keywords[k] + "'"});
  }
  TV range = b_range(e, plain, {});
  if (!e.spec().fn->options.parallel) return range;
  bool unit = range.is(Kind::View) && range.type->name == "range";
  std::vector<TV> parts{e.get(range, 0, pyint()), e.get(range, 1, pyint())};
  if (!unit) parts.push_back(range.is(Kind::View) ? e.const_int(-1) : e.get(range, 2, pyint()));
  parts.push_back(chunk);
  parts.push_back(threads);
  return e.make(parts, view_of((unit ? "prange_" : "prange_by_") + form + (deterministic ? "same_" : "") + schedule, std::vector<TypeRef>(parts.size(), pyint())));
}

TypeRef class_type(const TV& cls) {
  if (cls.is(Kind::DType)) return cls.type->elem;
  return nullptr;
}

bool is_instance(Emit& e, const TV& v, const TV& cls) {
  if (cls.is(Kind::Tuple)) {
    for (size_t k = 0; k < cls.type->items.size(); k++)
      if (is_instance(e, v, e.item(cls, static_cast<int>(k)))) return true;
    return false;
  }
  TypeRef t = v.type;
  if (TypeRef want = class_type(cls)) return t == want;
  const clb_const* c = cls.c ? cls.c : cls.is(Kind::Const) ? e.session().object(cls.type->handle) : nullptr;
  std::string n = c && c->s ? c->s : "";
  auto one_of = [&](std::initializer_list<const char*> names) {
    for (const char* x : names) if (n == x) return true;
    return false;
  };
  if (n == "builtins.object") return true;
  switch (t->kind) {
    case Kind::PyBool: return one_of({"builtins.bool", "builtins.int", "numbers.Number", "numbers.Real", "numbers.Integral", "numbers.Complex"});
    case Kind::PyInt: return one_of({"builtins.int", "numbers.Number", "numbers.Real", "numbers.Integral", "numbers.Complex"});
    case Kind::PyFloat: return one_of({"builtins.float", "numbers.Number", "numbers.Real", "numbers.Complex"});
    case Kind::Float64: if (n == "builtins.float") return true; break;
    case Kind::PyComplex: return one_of({"builtins.complex", "numbers.Number", "numbers.Complex"});
    case Kind::Complex128: if (n == "builtins.complex") return true; break;
    case Kind::Str: return n == "builtins.str";
    case Kind::List: return one_of({"builtins.list", "collections.abc.Sequence", "collections.abc.Iterable"});
    case Kind::Tuple:
      if (t->handle >= 0 && c && c->handle == t->handle) return true;
      return one_of({"builtins.tuple", "collections.abc.Sequence", "collections.abc.Iterable"});
    case Kind::Array: return n == "numpy.ndarray";
    case Kind::Range: case Kind::View: return n == "builtins.range" && (t->is(Kind::Range) || t->name.rfind("range", 0) == 0);
    case Kind::Slice: return n == "builtins.slice";
    case Kind::None: return n == "builtins.NoneType";
    case Kind::Exc: return c && t->handle >= 0 && e.session().subclass(t->handle, c->handle);
    default: break;
  }
  if (is_number(t)) {
    if (one_of({"numpy.generic", "numbers.Number"})) return true;
    if (is_bool(t)) return n == "numpy.bool";
    if (n == "numpy.number") return true;
    if (is_integer(t)) return one_of({"numpy.integer", "numbers.Integral"}) || n == (is_signed(t) ? "numpy.signedinteger" : "numpy.unsignedinteger");
    if (is_float(t)) return one_of({"numpy.floating", "numpy.inexact", "numbers.Real"});
    return one_of({"numpy.complexfloating", "numpy.inexact"});
  }
  return false;
}

TV b_isinstance(Emit& e, Args& a, const std::vector<std::string>&) {
  arity("isinstance()", a, 2, 2);
  if (a[0].is(Kind::Optional)) {
    AbsVal in;
    in.type = a[0].type->elem;
    TV none = e.none();
    bool inside = is_instance(e, TV(in), a[1]), outside = is_instance(e, none, a[1]);
    if (inside == outside) return e.const_bool(inside);
    TV has = e.op(OpCode::Present, {a[0]}, pybool());
    return inside ? has : e.logic_not(has);
  }
  return e.const_bool(is_instance(e, a[0], a[1]));
}

TV conversion(Emit& e, Args& a, TypeRef to, const char* name) {
  arity(name, a, 0, to->is(Kind::PyComplex) ? 2 : 1);
  if (a.empty()) return to->is(Kind::PyFloat) ? e.const_float(0) : to->is(Kind::PyComplex) ? e.cast(e.const_float(0), to) : e.const_int(0, to);
  TV v = a[0];
  if (v.is(Kind::Optional)) {
    const char* wanted = to->is(Kind::PyInt) ? "a string, a bytes-like object or a real number" : to->is(Kind::PyFloat) ? "a string or a real number" : nullptr;
    v = e.not_none(v, wanted ? std::string(name) + " argument must be " + wanted + ", not 'NoneType'"
                             : std::string(name) + " first argument must be a string or a number, not 'NoneType'");
  }
  if (v.is(Kind::Array)) v = call_library(e, "method:array.item", {v});
  if (a.size() == 2) {
    TV re = to_number(e, v, is_complex(v.type) ? pycomplex() : pyfloat()), im = to_number(e, a[1], is_complex(a[1].type) ? pycomplex() : pyfloat());
    if (!is_complex(re.type) && !is_complex(im.type)) return e.op(OpCode::ComplexMake, {re, im}, pycomplex());
    TV j = e.op(OpCode::ComplexMake, {e.const_float(0), e.const_float(1)}, pycomplex());
    return e.add(e.cast(re, pycomplex()), e.mul(e.cast(im, pycomplex()), j));
  }
  if (is_float(to) && v.c && v.c->kind == CLB_STR) {
    std::string s(v.c->s, static_cast<size_t>(v.c->n));
    if (s == "inf" || s == "+inf") return e.const_float(__builtin_inf());
    if (s == "-inf") return e.const_float(-__builtin_inf());
    if (s == "nan") return e.const_float(__builtin_nan(""));
  }
  return to_number(e, v, to);
}
TV b_int(Emit& e, Args& a, const std::vector<std::string>&) { return conversion(e, a, pyint(), "int()"); }
TV b_float(Emit& e, Args& a, const std::vector<std::string>&) { return conversion(e, a, pyfloat(), "float()"); }
TV b_complex(Emit& e, Args& a, const std::vector<std::string>&) { return conversion(e, a, pycomplex(), "complex()"); }
TV b_bool(Emit& e, Args& a, const std::vector<std::string>&) {
  arity("bool()", a, 0, 1);
  return a.empty() ? e.const_bool(false) : e.cast(truth(e, a[0]), pybool());
}

TV b_abs(Emit& e, Args& a, const std::vector<std::string>&) {
  arity("abs()", a, 1, 1);
  TypeRef t = a[0].type;
  if (t->is(Kind::Array)) return call_library(e, "op:abs:array", {a[0]});
  if (is_float(t)) return e.op(OpCode::Math, {a[0]}, t, 0, "fabs");
  if (is_complex(t)) return call_library(e, "op:abs:complex", {a[0]});
  if (!is_number(t)) fail("NoConversion", {describe(a[0]), "number"});
  TV v = t->is(Kind::PyBool) ? e.cast(a[0], pyint()) : a[0];
  if (is_bool(v.type) || !is_signed(v.type)) return v;
  TV neg = e.c_neg(v);
  return e.select(e.cmp(OpCode::Lt, v, e.const_int(0, v.type)), neg, v);
}

TV extremum(Emit& e, Args& a, const std::vector<std::string>& kw, bool least) {
  if (!kw.empty()) return call_library(e, least ? "builtin:min_kw" : "builtin:max_kw", a, kw);
  arity(least ? "min()" : "max()", a, 1, 1000);
  if (a.size() == 1) {
    if (a[0].is(Kind::Tuple)) {
      Args items;
      for (size_t k = 0; k < a[0].type->items.size(); k++) items.push_back(e.item(a[0], static_cast<int>(k)));
      return extremum(e, items, kw, least);
    }
    return call_library(e, least ? "builtin:min_iter" : "builtin:max_iter", a);
  }
  TV best = a[0];
  for (size_t k = 1; k < a.size(); k++) {
    TV better = truth(e, compare(e, least ? "lt" : "gt", a[k], best));
    AbsVal j;
    if (!join(best, a[k], &j)) fail("CannotJoin", {describe(best), describe(a[k])});
    best = e.select(e.cast(better, pybool()), convert(e, a[k], j.type), convert(e, best, j.type));
  }
  return best;
}
TV b_min(Emit& e, Args& a, const std::vector<std::string>& kw) { return extremum(e, a, kw, true); }
TV b_max(Emit& e, Args& a, const std::vector<std::string>& kw) { return extremum(e, a, kw, false); }

TV view(Emit& e, const char* name, const Args& parts) {
  std::vector<TypeRef> types;
  for (const TV& p : parts) types.push_back(p.type);
  return e.make(parts, view_of(name, types));
}
TV b_zip(Emit& e, Args& a, const std::vector<std::string>& kw) {
  if (!kw.empty()) {
    bool strict = kw.size() == 1 && kw[0] == "strict" && a.back().c && a.back().c->kind == CLB_BOOL;
    if (!strict) fail("WrongArguments", {"zip()", "takes the keyword strict with a literal"});
    bool on = a.back().c->i;
    a.pop_back();
    for (size_t k = 1; on && k < a.size(); k++) {
      TV first = length(e, a[0]), here = length(e, a[k]), number = e.const_int(static_cast<int64_t>(k + 1));
      std::string others = k == 1 ? "argument 1" : "arguments 1-" + std::to_string(k);
      e.guard(e.cmp(OpCode::Ge, here, first), "ZipShorter", {number}, {others});
      e.guard(e.cmp(OpCode::Le, here, first), "ZipLonger", {number}, {others});
    }
  }
  return view(e, "zip", a);
}
TV b_enumerate(Emit& e, Args& a, const std::vector<std::string>& kw) {
  arity("enumerate()", a, 1, 2);
  return view(e, "enumerate", {a[0], a.size() > 1 ? e.to_index(a[1]) : e.const_int(0)});
}
TV b_reversed(Emit& e, Args& a, const std::vector<std::string>&) {
  arity("reversed()", a, 1, 1);
  return view(e, "reversed", {a[0]});
}
TV b_map(Emit& e, Args& a, const std::vector<std::string>&) {
  arity("map()", a, 2, 100);
  return view(e, "map", a);
}
TV b_slice(Emit& e, Args& a, const std::vector<std::string>&) {
  arity("slice()", a, 1, 3);
  TV none = e.none();
  TV p[3] = {none, none, none};
  if (a.size() == 1) p[1] = a[0];
  else for (size_t k = 0; k < a.size(); k++) p[k] = a[k];
  return make_slice(e, p[0], p[1], p[2]);
}

TV b_tuple(Emit& e, Args& a, const std::vector<std::string>&) {
  arity("tuple()", a, 0, 1);
  if (a.empty()) return e.tuple({});
  if (a[0].is(Kind::Tuple)) return a[0];
  fail("TupleLength", {describe(a[0])});
}
TV b_list(Emit& e, Args& a, const std::vector<std::string>&) {
  arity("list()", a, 0, 1);
  return call_library(e, "builtin:list", a);
}

TV b_type(Emit& e, Args& a, const std::vector<std::string>&) {
  arity("type()", a, 1, 1);
  static const std::pair<Kind, const char*> kClasses[] = {{Kind::PyInt, "int"}, {Kind::PyFloat, "float"}, {Kind::PyBool, "bool"}, {Kind::PyComplex, "complex"},
                                                          {Kind::Str, "str"}, {Kind::List, "list"}, {Kind::Tuple, "tuple"}, {Kind::Range, "range"}, {Kind::Slice, "slice"}};
  if (is_number(a[0].type) && !is_weak(a[0].type)) {
    clb_const c{};
    c.kind = CLB_DTYPE;
    c.flags = 1;
    const clb_const* s = e.session().make_str(a[0].type->text);
    c.s = s->s;
    c.n = s->n;
    return e.constant(e.session().make_const(c));
  }
  for (auto& [kind, name] : kClasses)
    if (a[0].is(kind)) return e.constant(e.session().object(e.session().class_handle(name)));
  if (a[0].is(Kind::Exc) && a[0].type->handle >= 0) return e.constant(e.session().object(a[0].type->handle));
  fail("NoType", {describe(a[0])});
}

TV b_print(Emit& e, Args& a, const std::vector<std::string>& kw) {
  TV sep, end;
  bool has_sep = false, has_end = false;
  size_t n = a.size() - kw.size();
  for (size_t k = 0; k < kw.size(); k++) {
    if (kw[k] == "sep" && a[n + k].is(Kind::Str)) { sep = a[n + k]; has_sep = true; }
    else if (kw[k] == "end" && a[n + k].is(Kind::Str)) { end = a[n + k]; has_end = true; }
    else if (kw[k] != "flush") fail("WrongArguments", {"print()", "takes sep and end as strings, and flush"});
  }
  a.resize(n);
  Args flat;
  for (const TV& v : a) {
    if (is_number(v.type) || v.is(Kind::Str) || v.is_none()) flat.push_back(v);
    else flat.push_back(to_string(e, v));
  }
  int64_t options[2] = {-1, -1};
  if (has_sep) { options[0] = static_cast<int64_t>(flat.size()); flat.push_back(sep); }
  if (has_end) { options[1] = static_cast<int64_t>(flat.size()); flat.push_back(end); }
  e.op(OpCode::Print, flat, ir::none());
  if (Op* o = e.last_op()) o->ints = {options[0], options[1]};
  return e.none();
}

TV b_str(Emit& e, Args& a, const std::vector<std::string>&) {
  arity("str()", a, 0, 1);
  if (a.empty()) return e.const_str("");
  return to_string(e, a[0]);
}

TV b_hash(Emit& e, Args& a, const std::vector<std::string>&) {
  arity("hash()", a, 1, 1);
  return call_library(e, "builtin:hash", a);
}

const std::unordered_map<std::string, Rule>& table() {
  static const std::unordered_map<std::string, Rule> kTable = {
      {"builtins.len", b_len}, {"builtins.range", b_range}, {"coluber.prange", b_prange}, {"builtins.isinstance", b_isinstance}, {"builtins.int", b_int},
      {"builtins.float", b_float}, {"builtins.complex", b_complex}, {"builtins.bool", b_bool}, {"builtins.abs", b_abs},
      {"builtins.min", b_min}, {"builtins.max", b_max}, {"builtins.zip", b_zip}, {"builtins.enumerate", b_enumerate},
      {"builtins.reversed", b_reversed}, {"builtins.map", b_map}, {"builtins.slice", b_slice}, {"builtins.tuple", b_tuple},
      {"builtins.list", b_list}, {"builtins.type", b_type}, {"builtins.print", b_print}, {"builtins.str", b_str}, {"builtins.hash", b_hash}};
  return kTable;
}

}  // namespace

TV make_slice(Emit& e, TV start, TV stop, TV step) {
  TV p[3] = {start, stop, step};
  bool all = true;
  std::vector<TypeRef> types;
  std::vector<const clb_const*> consts;
  for (TV& x : p) {
    if (x.is(Kind::Optional)) fail("BadSlice", {describe(x)});
    if (!x.is_none()) x = e.to_index(x);
    types.push_back(x.type);
    consts.push_back(x.c);
    all = all && x.c;
  }
  TypeRef t = slice_of(types[0], types[1], types[2]);
  TV r;
  if (all && e.dry()) { r.type = t; r.c = e.session().make_tuple(consts); return r; }
  if (!e.dry()) r = e.make(p, t);
  r.type = t;
  if (all) r.c = e.session().make_tuple(consts);
  return r;
}

TV to_string(Emit& e, const TV& v) {
  if (v.is(Kind::Str)) return v;
  if (v.is(Kind::Tuple)) {
    Args parts{e.const_str("(")};
    size_t n = v.type->items.size();
    for (size_t k = 0; k < n; k++) {
      parts.push_back(to_string(e, e.item(v, static_cast<int>(k))));
      if (k + 1 < n) parts.push_back(e.const_str(", "));
    }
    parts.push_back(e.const_str(n == 1 ? ",)" : ")"));
    return e.op(OpCode::StrFormat, parts, str());
  }
  if (!is_number(v.type) && !v.is_none() && !v.is(Kind::Exc)) fail("NoText", {describe(v)});
  return e.op(OpCode::StrFormat, {v}, str());
}

bool call_builtin(Emit& e, const std::string& name, const TV& callee, std::vector<TV>& args, const std::vector<std::string>& keywords, TV* out) {
  if (name == kReductionStep) return *out = call_reduction(e, callee, args, keywords), true;
  auto it = table().find(name);
  if (it != table().end()) {
    *out = it->second(e, args, keywords);
    return true;
  }
  const clb_const* c = callee.c ? callee.c : e.session().object(callee.type->handle);
  if (c->kind != CLB_CLASS) return false;
  if (c->flags & 1) {
    if (args.size() > 8) fail("WrongArguments", {name, "takes at most 8 arguments here"});
    for (TV& a : args)
      if (!is_number(a.type) && !a.is(Kind::Str) && !a.is_none()) a = to_string(e, a);
    *out = e.op(OpCode::ExcNew, args, exc_of(c->handle), c->handle);
    return true;
  }
  if (c->flags & 2) {
    std::vector<std::string> names;
    for (int64_t k = 0; k < c->n; k++) names.push_back(c->items[k].s);
    std::vector<TV> items(names.size());
    std::vector<char> given(names.size(), 0);
    size_t positional = args.size() - keywords.size();
    if (args.size() != names.size()) fail("WrongArguments", {name, "takes " + std::to_string(names.size()) + " arguments"});
    for (size_t k = 0; k < positional; k++) { items[k] = args[k]; given[k] = 1; }
    for (size_t k = 0; k < keywords.size(); k++)
      for (size_t f = 0; f < names.size(); f++)
        if (names[f] == keywords[k]) { items[f] = args[positional + k]; given[f] = 1; }
    std::vector<TypeRef> types;
    for (size_t k = 0; k < names.size(); k++) {
      if (!given[k]) fail("WrongArguments", {name, "missing a required argument: '" + names[k] + "'"});
      types.push_back(items[k].type);
    }
    *out = e.make(items, namedtuple_of(c->handle, names, types));
    return true;
  }
  return false;
}

}  // namespace coluber::typing
