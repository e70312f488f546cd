// with statements of native code: `with objmode(y='float64[:]'):` runs its body in Python. The variables that the body reads go in as Python objects;
// those that it sets and that are read later come back with the types that the call declares. What has a type already keeps it, declared or not;
// what has none gets the type that it had when Python ran the body before (coluber/_objmode.py).
#include <cstring>

#include "ir/frontend/regions.h"
#include "typing/session.h"

namespace coluber::typing {
using namespace ir;
using ir::frontend::EntryPoint;
using ir::frontend::WithProblem;

bool is_objmode(const TV& callee) { return callee.c && callee.c->kind == CLB_CLASS && callee.c->s && !std::strcmp(callee.c->s, "coluber.objmode"); }

namespace {

// The parts of a py.with, see ir/ops.def.
struct With {
  const Op& op;
  std::span<const TV> args;
  EntryPoint body;
  size_t keywords = 0, set = 0;            // how many keywords, and variables that the body sets (each way out counts its own)

  With(const Op& o, std::span<const TV> a) : op(o), args(a) {
    EntryPoint::parse(o.sym, &body);
    keywords = static_cast<size_t>(o.ints[1]);
    for (const EntryPoint::Exit& e : body.exits) set += e.vars.size();
  }
  const std::string& keyword(size_t k) const { return op.names[k]; }
  const std::string& name_set(size_t k) const { return op.names[keywords + k]; }
  const std::string& name_read(size_t k) const { return op.names[keywords + set + k]; }
  bool bound_for_certain(size_t k) const { return op.ints[2 + k] != 0; }
  bool captured(size_t k) const { return op.ints[2 + set + k] != 0; }
  const TV& declared(size_t k) const { return args[1 + k]; }
  size_t reads() const { return body.vars.size(); }
  const TV& read(size_t k) const { return args[1 + keywords + k]; }
};

void refuse(const Op& op, const TV& callee) {
  if (!is_objmode(callee)) fail("Unsupported", {"a with statement"});
  if (op.ints[0] < 0) fail("ObjmodeBody", {"objmode has to be called", "write `with objmode(y='float64[:]'):`"});
  if (op.ints[0] != op.ints[1]) fail("ObjmodeArguments", {"positional arguments"});
  switch (static_cast<WithProblem>(op.imm)) {
    case WithProblem::None: return;
    case WithProblem::As: fail("ObjmodeBody", {"`with objmode() as name` is not supported", "leave out the `as`: there is nothing to name"});
    case WithProblem::Returns: fail("ObjmodeBody", {"the body of objmode cannot return a value", "assign it to a variable in the body, and return that behind it"});
    case WithProblem::Raises: fail("ObjmodeBody", {"the body of objmode never ends", "raise the exception outside of objmode"});
    case WithProblem::Handler:
      fail("ObjmodeBody", {"the body of objmode sets a variable here that an exception handler around it reads", "put the try statement into the body, or set the variable last"});
    case WithProblem::Shape: fail("ObjmodeBody", {"the body of objmode is of a form that cannot be run apart", "put it into a function of its own, and call that in the body"});
  }
}

// ---- types ------------------------------------------------------------------------------------------------------------------------------

TypeRef declared_type(Emit& e, const std::string& name, const TV& v) {
  std::string text;
  std::string shown = describe(v);
  if (v.is_none()) return ir::none();
  if (!v.c) fail("ObjmodeType", {shown, name});
  bool spelt = v.c->kind == CLB_STR;
  if (spelt) shown = "'" + std::string(v.c->s, static_cast<size_t>(v.c->n)) + "'";
  if (spelt || v.c->kind == CLB_CLASS) text = e.session().hint(spelt ? -1 : v.c->handle, "type", spelt ? v.c->s : "");
  else if (v.c->kind == CLB_TYPE || v.c->kind == CLB_DTYPE) text = v.c->s;
  TypeRef t = text.empty() ? nullptr : parse_type(text);
  if (!t) fail("ObjmodeType", {shown, name});
  return t;
}

bool has_object(TypeRef t) {
  switch (t->kind) {
    case Kind::None: case Kind::Ellipsis: case Kind::Const: case Kind::DType: case Kind::Str: case Kind::Range: case Kind::Slice: case Kind::Array: case Kind::List:
      return true;
    case Kind::Optional: return has_object(t->elem);
    case Kind::Unbound: return t->elem->is(Kind::Bottom) || has_object(t->elem);
    case Kind::Tuple:
      for (TypeRef i : t->items)
        if (!has_object(i)) return false;
      return true;
    default: return is_number(t) || is_range(t);
  }
}
bool comes_back(TypeRef t) {
  if (t->is(Kind::Optional)) return comes_back(t->elem);
  if (t->is(Kind::Const) || t->is(Kind::DType) || t->is(Kind::Ellipsis) || t->is(Kind::Slice) || t->is(Kind::Unbound)) return false;
  if (t->is(Kind::Tuple))
    for (TypeRef i : t->items)
      if (!comes_back(i)) return false;
  return has_object(t);
}

// As it was when the body ran before, in Python, with inputs of these types.
TypeRef seen_type(Emit& e, const With& w, const std::string& name) {
  std::string about = std::to_string(e.spec().fn->ir->locs[w.op.loc].line) + "|" + name;
  for (size_t k = 0; k < w.reads(); k++) {
    TypeRef t = w.read(k).type;
    if (is_number(t) || t->is(Kind::Array) || t->is(Kind::Str) || t->is(Kind::List) || t->is(Kind::Tuple)) about += "|" + w.name_read(k) + "=" + t->text;
  }
  std::string text = e.session().hint(e.spec().fn->handle, "objmode", about);
  TypeRef t = text.empty() ? nullptr : parse_type(text);
  return t && comes_back(t) ? t : nullptr;
}

// The type of the k-th variable that the body sets: as declared, or as it was before, or as it was seen.
TypeRef type_of(Emit& e, const With& w, size_t k, int variable, bool* seen) {
  *seen = false;
  const std::string& name = w.name_set(k);
  for (size_t i = 0; i < w.keywords; i++) {
    if (w.keyword(i) != name) continue;
    TypeRef t = declared_type(e, name, w.declared(i));
    if (!comes_back(t)) fail("ObjmodeType", {describe(t), name});
    return t;
  }
  for (size_t i = 0; i < w.reads(); i++) {
    if (w.body.vars[i] != variable) continue;
    TypeRef t = w.read(i).type;
    if (t->is(Kind::Unbound)) t = t->elem;
    if (is_range(t)) t = scalar(Kind::Range);
    if (!t->is(Kind::Bottom) && comes_back(t)) return t;
  }
  *seen = true;
  if (TypeRef t = seen_type(e, w, name)) return t;
  fail("ObjmodeUntyped", {name});
}

// The host has the code of an inner function, but neither its cells nor, on disk, a name for it.
void inner_function(Emit& e) {
  if (!e.spec().captures.empty()) fail("ObjmodeBody", {"objmode is not supported in an inner function that uses variables of the outer one", "hand them over as arguments"});
  e.session().hint(e.spec().fn->handle, "objmode", "");
}

struct Output {
  TypeRef type;
  bool seen;
};

// "objmode:HANDLE:body|name:captured:type;...|name:certain:type;..." with a / between the ways out; "certain" has an s behind it for types that were seen.
std::string key_of(Emit& e, const With& w, const std::vector<TV>& in, const std::vector<Output>& out) {
  std::string key = "objmode:" + std::to_string(e.spec().fn->handle) + ":" + w.op.sym + "|";
  for (size_t k = 0; k < in.size(); k++) key += (k ? ";" : "") + w.name_read(k) + (w.captured(k) ? ":1:" : ":0:") + in[k].type->text;
  key += "|";
  size_t at = 0;
  for (size_t x = 0; x < w.body.exits.size(); x++) {
    key += x ? "/" : "";
    for (size_t k = 0; k < w.body.exits[x].vars.size(); k++, at++) key += (k ? ";" : "") + w.name_set(at) + (w.bound_for_certain(at) ? ":1" : ":0") + (out[at].seen ? "s:" : ":") + out[at].type->text;
  }
  return key;
}

TV result(Emit& e, TypeRef t) {
  TV r;
  r.type = t;
  if (e.dry()) return r;
  r.id = e.function()->add_value(t, e.block());
  e.last_op()->results.push_back(r.id);
  return r;
}

}  // namespace

void eval_with(Emit& e, const Op& op, std::span<const TV> a, std::vector<TV>* out) {
  refuse(op, a[0]);
  if (e.session().is_inner(e.spec().fn->handle)) inner_function(e);
  With w(op, a);
  for (size_t k = 0; k < w.keywords; k++) declared_type(e, w.keyword(k), w.declared(k));   // all must be right, used or not
  std::vector<TV> in;
  for (size_t k = 0; k < w.reads(); k++) {
    TV v = w.read(k);
    if (!has_object(v.type)) fail("ObjmodeInput", {w.name_read(k), describe(v)});
    in.push_back(is_range(v.type) ? convert(e, v, scalar(Kind::Range)) : v);
  }
  std::vector<Output> types;
  for (const EntryPoint::Exit& exit : w.body.exits)
    for (int v : exit.vars) {
      bool seen;
      TypeRef t = type_of(e, w, types.size(), v, &seen);
      types.push_back({t, seen});
    }
  if (!e.dry()) e.op(OpCode::ObjMode, in, ir::none(), 0, key_of(e, w, in, types));
  size_t at = 0;
  for (const EntryPoint::Exit& exit : w.body.exits) {
    out->push_back(w.body.exits.size() > 1 ? result(e, pybool()) : e.const_bool(true));
    for (size_t k = 0; k < exit.vars.size(); k++, at++) {
      out->push_back(w.bound_for_certain(at) ? e.const_bool(true) : result(e, pybool()));
      out->push_back(result(e, types[at].type));
    }
  }
}

}  // namespace coluber::typing
