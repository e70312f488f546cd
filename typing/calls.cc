// Calls: what a callee is, how arguments are bound to parameters, library and ufunc calls.
#include <cstring>

#include "typing/session.h"

namespace coluber::typing {
using namespace ir;

bool find_library(Emit& e, const std::string& key, const clb_const** out) {
  *out = e.session().implementation(-1, key);
  return *out != nullptr;
}

TV call_library(Emit& e, const std::string& key, std::vector<TV> args, const std::vector<std::string>& keywords) {
  const clb_const* impl = nullptr;
  if (!find_library(e, key, &impl)) {
    std::string what;
    for (const TV& a : args) what += (what.empty() ? "" : ", ") + describe(a);
    fail("NoLibrary", {library_text(key), what});
  }
  return call_function(e, e.session().function(impl->handle), std::move(args), keywords);
}

namespace {

// What of a constant argument travels into the callee's specialisation.
bool pass_literal(const FunctionInfo* fn, const AbsVal& a) {
  if (!a.c) return false;
  if (!has_slots(a.type)) return true;
  switch (a.c->kind) {
    case CLB_STR: return true;
    case CLB_BOOL: return fn->library;
    case CLB_INT: return fn->library && a.c->i >= -16 && a.c->i <= 16;
    case CLB_FLOAT: return false;
    case CLB_TUPLE:
      if (!fn->library) return false;
      for (int64_t k = 0; k < a.c->n; k++) {
        const clb_const& i = a.c->items[k];
        if (i.kind == CLB_INT && (i.i < -16 || i.i > 16)) return false;
        if (i.kind == CLB_FLOAT || i.kind == CLB_COMPLEX || i.kind == CLB_SCALAR) return false;
      }
      return true;
    default: return false;
  }
}

AbsVal as_param(const FunctionInfo* fn, const AbsVal& a) {
  AbsVal p;
  p.type = a.type;
  if (pass_literal(fn, a)) p.c = a.c;
  return p;
}

std::string param_name(const clb_code* code, int k) { return code->varnames[k]; }

std::string parameters_of(const FunctionInfo* fn) {
  if (!fn->snapshot || fn->library) return "";
  const clb_code* code = fn->snapshot->code;
  int npos = code->argcount, nkw = code->kwonlyargcount, star = npos + nkw;
  std::string text;
  auto add = [&](const std::string& name) { text += (text.empty() ? "" : ", ") + name; };
  for (int k = 0; k < npos; k++) add(param_name(code, k) + (k >= npos - fn->snapshot->ndefaults ? "=..." : ""));
  if (code->flags & 4) add("*" + param_name(code, star));
  else if (nkw) add("*");
  for (int k = npos; k < npos + nkw; k++) add(param_name(code, k));
  return "its parameters are (" + text + ")";
}

[[noreturn]] void wrong_count(const FunctionInfo* fn, const std::string& why) { fail("WrongArguments", {fn->name + "()", why, parameters_of(fn)}); }

// CPython's words: "missing 2 required positional arguments: 'a' and 'b'".
[[noreturn]] void missing(const FunctionInfo* fn, const std::vector<std::string>& names, const char* kind) {
  std::string list;
  for (size_t k = 0; k < names.size(); k++) {
    bool last = k + 1 == names.size();
    list += (k == 0 ? "" : !last ? ", " : names.size() > 2 ? ", and " : " and ") + ("'" + names[k] + "'");
  }
  wrong_count(fn, "missing " + std::to_string(names.size()) + " required " + kind + " argument" + (names.size() == 1 ? "" : "s") + ": " + list);
}

// Binds by Python's rules; one TV per parameter in co_varnames order.
// The default value of parameter p: of the function object, or of the closure that holds an inner function's.
bool default_of(Emit& e, const FunctionInfo* fn, int p, const std::vector<TV>& inner, TV* out) {
  const clb_code* code = fn->snapshot->code;
  int npos = code->argcount;
  const clb_const* d = nullptr;
  if (p < npos) {
    int first = npos - fn->snapshot->ndefaults, first_inner = npos - static_cast<int>(fn->inner_defaults);
    if (p >= first) d = &fn->snapshot->defaults[p - first];
    else if (!inner.empty() && p >= first_inner) { *out = inner[static_cast<size_t>(p - first_inner)]; return true; }
  } else {
    for (int k = 0; k < fn->snapshot->nkwdefaults; k++)
      if (param_name(code, p) == fn->snapshot->kwdefault_names[k]) d = &fn->snapshot->kwdefaults[k];
    for (size_t k = 0; k < fn->inner_kwdefaults.size() && !inner.empty(); k++)
      if (param_name(code, p) == fn->inner_kwdefaults[k]) { *out = inner[fn->inner_defaults + k]; return true; }
  }
  if (!d) return false;
  *out = e.constant(e.session().make_const(*d));
  return true;
}

std::vector<TV> bind(Emit& e, FunctionInfo* fn, const std::vector<TV>& args, const std::vector<std::string>& keywords, const std::vector<TV>& inner_defaults) {
  if (!fn->snapshot) return args;
  const clb_code* code = fn->snapshot->code;
  int npos = code->argcount, nkw = code->kwonlyargcount;
  bool star = code->flags & 4, star2 = code->flags & 8;
  std::vector<TV> params(static_cast<size_t>(npos + nkw));
  std::vector<char> given(params.size(), 0);
  size_t positional = args.size() - keywords.size();
  for (size_t k = 0; k < positional && k < static_cast<size_t>(npos); k++) { params[k] = args[k]; given[k] = 1; }
  std::vector<TV> extra;
  for (size_t k = static_cast<size_t>(npos); k < positional; k++) extra.push_back(args[k]);
  if (!extra.empty() && !star)
    wrong_count(fn, "takes " + std::to_string(npos) + " positional argument" + (npos == 1 ? "" : "s") + " but " + std::to_string(positional) + " were given");
  for (size_t k = 0; k < keywords.size(); k++) {
    int found = -1;
    for (int p = code->posonlyargcount; p < npos + nkw; p++)
      if (param_name(code, p) == keywords[k]) found = p;
    if (found < 0) wrong_count(fn, "got an unexpected keyword argument '" + keywords[k] + "'");
    if (given[static_cast<size_t>(found)]) wrong_count(fn, "got multiple values for argument '" + keywords[k] + "'");
    params[static_cast<size_t>(found)] = args[positional + k];
    given[static_cast<size_t>(found)] = 1;
  }
  std::vector<std::string> absent[2];        // positional, keyword-only
  for (int p = 0; p < npos + nkw; p++) {
    size_t at = static_cast<size_t>(p);
    if (given[at]) continue;
    if (!default_of(e, fn, p, inner_defaults, &params[at])) absent[p >= npos].push_back(param_name(code, p));
  }
  if (!absent[0].empty()) missing(fn, absent[0], "positional");
  if (!absent[1].empty()) missing(fn, absent[1], "keyword-only");
  if (star) params.push_back(e.tuple(extra));
  if (star2) fail("NoKwargs", {fn->name + "()"});
  return params;
}

}  // namespace

TV call_function(Emit& e, FunctionInfo* fn, std::vector<TV> args, const std::vector<std::string>& keywords, const std::vector<TV>& captures,
                 const std::vector<TV>& inner_defaults) {
  for (const TV& a : args) if (a.is_bottom()) return TV();
  std::vector<TV> params = bind(e, fn, args, keywords, inner_defaults);
  std::vector<AbsVal> values, caps;
  for (const TV& p : params) values.push_back(as_param(fn, p));
  for (const TV& c : captures) { AbsVal v = c; v.site = ~0u; caps.push_back(v); }
  Spec* spec = e.session().specialise(fn, values, caps, &e.spec());
  if (spec->state == Spec::Running) e.spec().waiting_on.insert(spec);
  for (Spec* w : spec->waiting_on) if (w != &e.spec()) e.spec().waiting_on.insert(w);
  for (uint32_t k : spec->empty_args) {      // what the callee puts in
    AbsVal item;
    item.type = spec->args[k].type->elem;
    if (e.dry() && params[k].site != ~0u) widen_list(e, params[k], item);
  }
  TV r(spec->ret);
  r.site = ~0u;
  if (e.dry()) return r;
  e.session().lower_later(spec, &e);
  std::vector<TV> pass;
  for (size_t k = 0; k < params.size(); k++)
    if (!spec->args[k].c && has_slots(spec->args[k].type)) pass.push_back(convert(e, params[k], spec->args[k].type));
  for (size_t k = 0; k < captures.size(); k++)
    if (!spec->captures[k].c && has_slots(spec->captures[k].type)) pass.push_back(captures[k]);
  TypeRef result = spec->ret.is_bottom() ? ir::none() : spec->ret.type;
  TV out = e.op(OpCode::Call, pass, result, 0, spec->name);
  if (!spec->ret.c && has_slots(spec->ret.type)) r.id = out.id;
  return r;
}

// "operator +" for the compiler's own kernels, whose names are op_add and the like.
static std::string kernel_text(const FunctionInfo* kernel) {
  return kernel->snapshot || kernel->name.rfind("op_", 0) ? kernel->name + "()" : "operator " + operator_text(kernel->name.substr(3));
}

// What a kernel sees of an operand: an array's element, or the scalar, small literals included.
static AbsVal element_of(const TV& v) {
  AbsVal x;
  x.type = v.is(Kind::Array) ? v.type->elem : v.type;
  if (!v.is(Kind::Array) && v.c && v.c->kind == CLB_INT && v.c->i >= -16 && v.c->i <= 16) x.c = v.c;
  return x;
}

// Parameters of a kernel that were not given have their defaults.
static void add_defaults(Emit& e, const FunctionInfo* kernel, std::vector<TV>* params, std::vector<AbsVal>* elems) {
  const clb_function* s = kernel->snapshot;
  if (!s) return;
  for (int p = static_cast<int>(params->size()); p < s->code->argcount; p++) {
    int first = s->code->argcount - s->ndefaults;
    if (p < first) wrong_count(kernel, "missing a required argument: '" + param_name(s->code, p) + "'");
    TV d = e.constant(e.session().make_const(s->defaults[p - first]));
    params->push_back(d);
    elems->push_back(d);
  }
  if (static_cast<int>(params->size()) > s->code->argcount) wrong_count(kernel, "too many arguments");
}

TV call_elementwise(Emit& e, FunctionInfo* kernel, std::vector<TV> args, const TV* out) {
  int ndim = 0;
  bool f_order = false, c_order = false, any = false;
  for (TV& a : args) {
    if (a.is_bottom()) return TV();
    if (a.is(Kind::List) || a.is(Kind::Tuple)) a = call_library(e, "op:as_array", {a});
    if (!a.is(Kind::Array)) {
      if (!is_number(a.type)) fail("NotElementwise", {kernel_text(kernel), describe(a)});
      continue;
    }
    any = any || a.type->ndim > 0;
    ndim = std::max(ndim, a.type->ndim);
  }
  if (!any) {
    for (TV& a : args) if (a.is(Kind::Array)) a = e.op(OpCode::ArrayLoad, {a}, a.type->elem);
    TV r = call_function(e, kernel, args, {});
    if (!out) return r;
    e.op(OpCode::ArrayAssign, {*out, r}, ir::none());
    return *out;
  }
  std::vector<AbsVal> elems;
  std::vector<TV> params = args;
  for (const TV& a : params) {
    if (a.is(Kind::Array) && a.type->ndim == ndim && ndim > 1) (a.type->layout == Layout::F ? f_order : c_order) = true;
    elems.push_back(element_of(a));
  }
  add_defaults(e, kernel, &params, &elems);
  Spec* spec = e.session().specialise(kernel, elems, {}, &e.spec());
  if (spec->state == Spec::Running) e.spec().waiting_on.insert(spec);
  if (spec->ret.is_bottom()) {
    if (!e.dry()) e.session().lower_later(spec, &e);   // reports why the kernel has no result
    return TV();
  }
  if (!is_number(spec->ret.type)) fail("NotElementwise", {kernel_text(kernel), describe(spec->ret)});
  TypeRef elem = strong(spec->ret.type);
  TypeRef type = array_of(elem, ndim, f_order && !c_order ? Layout::F : Layout::C);
  TV r;
  r.type = type;
  if (out) {
    auto rank = [](TypeRef t) { return is_bool(t) ? 0 : is_integer(t) ? 1 : is_float(t) ? 2 : 3; };
    if (rank(elem) > rank(out->type->elem)) fail("OutCast", {describe(elem), describe(out->type->elem)});
    if (out->type->readonly) { e.guard(e.const_bool(false), "ReadOnly"); return *out; }
  }
  if (!e.dry()) {
    e.session().lower_later(spec, &e);
    std::vector<TV> pass;
    for (size_t k = 0; k < params.size(); k++)
      if (!spec->args[k].c && has_slots(spec->args[k].type)) pass.push_back(params[k]);
    r = e.op(OpCode::Elementwise, pass, type, 0, spec->name);
  }
  if (!out) return r;
  e.op(OpCode::ArrayAssign, {*out, r}, ir::none());
  return *out;
}

namespace {

// A ufunc: kernel for scalars, keyword out=, positional out.
TV call_ufunc(Emit& e, FunctionInfo* kernel, std::vector<TV> args, const std::vector<std::string>& keywords) {
  TV out;
  bool have_out = false;
  size_t n = args.size() - keywords.size();
  for (size_t k = 0; k < keywords.size(); k++) {
    if (keywords[k] != "out") fail("UfuncKeyword", {kernel_text(kernel), keywords[k]});
    if (!args[n + k].is_none()) { out = args[n + k]; have_out = true; }
  }
  args.resize(n);
  size_t nin = static_cast<size_t>(kernel->snapshot->code->argcount);
  if (!have_out && args.size() == nin + 1 && args.back().is(Kind::Array)) { out = args.back(); have_out = true; args.pop_back(); }
  if (have_out && out.is(Kind::Tuple) && out.type->items.size() == 1) out = e.item(out, 0);
  if (have_out && !out.is(Kind::Array)) fail("NotElementwise", {kernel_text(kernel), describe(out)});
  bound_operands(e, kernel->name, &args);
  return call_elementwise(e, kernel, args, have_out ? &out : nullptr);
}

TV call_object(Emit& e, const TV& callee, std::vector<TV>& args, const std::vector<std::string>& keywords) {
  const clb_const* c = callee.c ? callee.c : e.session().object(callee.type->handle);
  std::string name = c->s ? c->s : "?";
  TV r;
  switch (c->kind) {
    case CLB_INTRINSIC:
      if (call_intrinsic(e, name, args, keywords, &r)) return r;
      fail("UnknownFunction", {name});
    case CLB_FUNCTION: {
      if (name.rfind("coluber.", 0) == 0 && call_builtin(e, name, callee, args, keywords, &r)) return r;   // its Python form is for the interpreter
      if (const clb_const* impl = e.session().implementation(c->handle, "")) {
        FunctionInfo* fn = e.session().function(impl->handle);
        return impl->flags & 1 ? call_ufunc(e, fn, args, keywords) : call_function(e, fn, args, keywords);
      }
      return call_function(e, e.session().function(c->handle), args, keywords);
    }
    case CLB_BUILTIN: case CLB_CLASS: case CLB_OBJECT: {
      if (is_objmode(callee)) return e.none();         // the with statement looks at the arguments
      if (call_builtin(e, name, callee, args, keywords, &r)) return r;
      if (const clb_const* impl = e.session().implementation(c->handle, "")) {
        FunctionInfo* fn = e.session().function(impl->handle);
        return impl->flags & 1 ? call_ufunc(e, fn, args, keywords) : call_function(e, fn, args, keywords);
      }
      if (const clb_const* impl = e.session().overload(c->handle, "", args))
        return call_function(e, e.session().function(impl->handle), args, keywords);
      fail("UnknownFunction", {name});
    }
    default: fail("NotCallable", {describe(callee)});
  }
}

// list.append and its like put items into the list: its element type has to know before the library body is typed.
void widen_by_method(Emit& e, const TV& self, const std::string& name, const std::vector<TV>& args) {
  if (!self.is(Kind::List)) return;
  if (name == "append" && args.size() == 1) widen_list(e, self, args[0]);
  if (name == "insert" && args.size() == 2) widen_list(e, self, args[1]);
  if (name == "extend" && args.size() == 1) {
    AbsVal i;
    i.type = element_type(e, args[0]);
    widen_list(e, self, i);
  }
}

}  // namespace

// An inner function that calls itself gets its default values along with its captures, in front of them: it has to make its closure again.
size_t carried_defaults(const FunctionInfo& fn) { return fn.self_captures.empty() ? 0 : fn.inner_defaults + fn.inner_kwdefaults.size(); }

TV call(Emit& e, const TV& callee, std::vector<TV> args, const std::vector<std::string>& keywords) {
  for (const TV& a : args) if (a.is_bottom()) return TV();
  switch (callee.type->kind) {
    case Kind::Const: return call_object(e, callee, args, keywords);
    case Kind::DType: {
      if (args.size() != 1) fail("WrongArguments", {describe(callee), "takes one argument"});
      if (args[0].is(Kind::Array)) return call_library(e, "method:array.astype", {args[0], callee});
      if (args[0].is(Kind::List) || args[0].is(Kind::Tuple)) return call_library(e, "op:as_array_dtype", {args[0], callee});
      return to_number(e, args[0], callee.type->elem);
    }
    case Kind::Closure: {
      FunctionInfo* fn = e.session().function(callee.type->handle);
      std::vector<TV> defaults, captured;
      size_t ndefaults = fn->inner_defaults + fn->inner_kwdefaults.size();
      for (size_t k = 0; k < callee.type->items.size(); k++) {
        TV item = e.get(callee, static_cast<int>(k), callee.type->items[k]);
        if (k < ndefaults) defaults.push_back(item);
        if (k >= ndefaults || carried_defaults(*fn)) captured.push_back(item);
      }
      return call_function(e, fn, args, keywords, captured, defaults);
    }
    case Kind::Method: {
      TypeRef st = callee.type->elem;
      TV self = callee;
      self.type = st;
      const std::string& name = callee.type->name;
      std::string kind = library_kind(st);
      widen_by_method(e, self, name, args);
      if (self.is(Kind::List) && self.type->elem->is(Kind::Bottom) && e.dry() && self.site != ~0u) return name == "append" || name == "extend" || name == "insert" ? e.none() : TV();
      args.insert(args.begin(), self);
      const clb_const* impl = nullptr;
      find_library(e, "method:" + kind + "." + name, &impl);
      FunctionInfo* fn = e.session().function(impl->handle);
      return impl->flags & 1 ? call_ufunc(e, fn, args, keywords) : call_function(e, fn, args, keywords);
    }
    default: fail("NotCallable", {describe(callee)});
  }
}

}  // namespace coluber::typing
