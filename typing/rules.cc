// One rule per untyped op: dispatch of eval_op to the areas (numbers, index, attributes, calls, iterate).
#include <array>
#include <cstring>

#include "typing/session.h"

namespace coluber::typing {
using namespace ir;

uint32_t find_site(Spec& spec, uint32_t s);

namespace {

using In = std::span<const TV>;
using Out = std::vector<TV>*;
using Rule = void (*)(Emit&, const Op&, uint64_t, In, Out);

void r_const(Emit& e, const Op& op, uint64_t, In, Out out) { out->push_back(e.constant(e.spec().fn->consts.at(static_cast<size_t>(op.imm)))); }
// What a global or a variable of an enclosing function holds; arrays are bound by reference, the rest are constants.
TV outer_value(Emit& e, const std::string& name, const clb_const* c) {
  switch (c->kind) {
    case CLB_OBJECT: fail("BadGlobal", {name, c->s ? c->s : "object"});
    case CLB_LIST: fail("BadGlobal", {name, "list"});
    case CLB_BYTES: fail("BadGlobal", {name, "bytes"});
    default: return e.constant(c);
  }
}
void r_global(Emit& e, const Op& op, uint64_t, In, Out out) {
  const clb_const* c = e.session().global(e.spec().fn->handle, op.sym);
  if (!c) fail_name(e, "UnknownName", {op.sym}, e.spec().fn->handle, "global", op.sym);
  out->push_back(outer_value(e, op.sym, c));
}
// The inner function itself, as it sees itself among its free variables: its captures are all of its closure.
TV own_closure(Emit& e) {
  Spec& s = e.spec();
  std::vector<TV> items;
  std::vector<TypeRef> types;
  for (size_t k = 0; k < s.captures.size(); k++) {
    items.push_back(e.dry() ? TV(s.captures[k]) : s.capture_values.at(k));
    types.push_back(items.back().type);
  }
  return e.make(items, closure_of(s.fn->handle, types));
}
void r_deref(Emit& e, const Op& op, uint64_t, In, Out out) {
  Spec& s = e.spec();
  size_t k = static_cast<size_t>(op.imm) + carried_defaults(*s.fn);
  if (k < s.captures.size()) {
    for (int64_t self : s.fn->self_captures)
      if (self == op.imm) { out->push_back(own_closure(e)); return; }
    TV v = e.dry() ? TV(s.captures[k]) : s.capture_values.at(k);
    out->push_back(v);
    return;
  }
  const clb_const* c = e.session().cell(s.fn->handle, static_cast<int>(op.imm));
  if (!c) fail("UnknownName", {op.sym});
  out->push_back(outer_value(e, op.sym, c));
}
void r_unbound(Emit& e, const Op&, uint64_t, In, Out out) {
  TV r;
  r.type = unbound_of(bottom());
  if (!e.dry()) { TV z = e.op(OpCode::Absent, {}, r.type); r.id = z.id; }
  out->push_back(r);
}
void r_check_bound(Emit& e, const Op& op, uint64_t, In a, Out out) {
  if (!a[0].is(Kind::Unbound)) { out->push_back(a[0]); return; }
  if (a[0].type->elem->is(Kind::Bottom)) {
    e.guard(e.const_bool(false), "UnboundLocal", {}, {op.sym});
    out->push_back(TV());
    return;
  }
  e.guard(e.op(OpCode::Present, {a[0]}, pybool()), "UnboundLocal", {}, {op.sym});
  out->push_back(e.op(OpCode::Payload, {a[0]}, a[0].type->elem));
}

// Numbers are cast as astype() does it, in tuples too; anything else must be of a type that the variable's holds.
bool castable(TypeRef from, const clb_const* c, TypeRef to) {
  if (is_number(from) && is_number(to)) return is_complex(to) || !is_complex(from);
  bool tuples = from->is(Kind::Tuple) && to->is(Kind::Tuple) && from->items.size() == to->items.size() && from->handle == to->handle;
  if (!tuples) return join_types(from, c, to, nullptr) == to;
  for (size_t k = 0; k < to->items.size(); k++)
    if (!castable(from->items[k], nullptr, to->items[k])) return false;
  return true;
}
void r_local(Emit& e, const Op& op, uint64_t, In a, Out out) {
  const TV& v = a[0];
  TypeRef want = e.spec().fn->local_types.at(op.sym);
  if (!castable(v.type, v.c, want)) fail("LocalType", {op.sym, describe(want), describe(v)});
  out->push_back(convert(e, v, want));
}

// What the condition says about x where it holds (positive) or does not.
TV refined(Emit& e, const TV& x, const Spec& spec, ValueId cond, ValueId subject, bool positive) {
  const FunctionInfo& fn = *spec.fn;
  auto [block, index] = fn.defs[cond];
  if (index == kNoId) return x;
  const Op& d = fn.ir->blocks[block].ops[index];
  auto payload = [&] { return e.op(OpCode::Payload, {x}, x.type->elem); };
  if (!x.is(Kind::Optional)) return x;
  if (d.code == OpCode::PyTruth || (d.code == OpCode::PyUnary && d.sym == "not")) {
    bool pos = d.code == OpCode::PyTruth ? positive : !positive;
    auto [b2, i2] = fn.defs[d.args[0]];
    if (i2 != kNoId) {
      OpCode c = fn.ir->blocks[b2].ops[i2].code;
      if (c == OpCode::PyIs || c == OpCode::PyCall || c == OpCode::PyTruth || c == OpCode::PyUnary || c == OpCode::PyCompare) return refined(e, x, spec, d.args[0], subject, pos);
    }
    return pos ? payload() : x;   // x is true: it is not None
  }
  if (d.code == OpCode::PyIs) {
    AbsVal other = spec.vals[d.args[0]].is_none() ? spec.vals[d.args[0]] : spec.vals[d.args[1]];
    if (!other.is_none()) return x;
    bool is_none = positive == (d.imm == 0);
    return is_none ? e.none() : payload();
  }
  if (d.code == OpCode::PyCall && d.args.size() == 3) {   // isinstance(x, T)
    const AbsVal& f = spec.vals[d.args[0]];
    if (!f.c || !f.c->s || std::strcmp(f.c->s, "builtins.isinstance")) return x;
    return positive ? payload() : x;
  }
  return x;
}
void r_refine(Emit& e, const Op& op, uint64_t, In a, Out out) { out->push_back(refined(e, a[0], e.spec(), op.args[1], op.args[0], op.imm)); }

void r_attr(Emit& e, const Op& op, uint64_t, In a, Out out) { out->push_back(get_attr(e, a[0], op.sym)); }
void r_set_attr(Emit& e, const Op& op, uint64_t, In a, Out) {   // (object, value)
  if (a[0].is(Kind::Array) && op.sym == "flat") { call_library(e, "op:setattr:flat", {a[0], a[1]}); return; }
  fail("NoSetAttr", {describe(a[0]), op.sym});
}
void r_frame(Emit& e, const Op&, uint64_t, In, Out out) { out->push_back(e.none()); }
// A lifted loop's result: which way out, then the variables of all ways.
void r_exit(Emit& e, const Op& op, uint64_t, In a, Out out) {
  std::vector<TV> items{e.const_int(op.imm)};
  items.insert(items.end(), a.begin(), a.end());
  std::vector<TypeRef> types;
  for (const TV& v : items) types.push_back(v.type);
  TV r;
  r.type = tuple_of(types);
  out->push_back(e.dry() ? r : e.op(OpCode::TupleMake, items, r.type));
}
void r_with(Emit& e, const Op& op, uint64_t, In a, Out out) { eval_with(e, op, a, out); }
void r_with_kind(Emit& e, const Op&, uint64_t, In a, Out out) { out->push_back(e.const_bool(is_objmode(a[0]))); }
void r_binop(Emit& e, const Op& op, uint64_t, In a, Out out) { out->push_back(binary(e, op.sym, a[0], a[1], false)); }
void r_inplace(Emit& e, const Op& op, uint64_t, In a, Out out) { out->push_back(binary(e, op.sym, a[0], a[1], true)); }
void r_unary(Emit& e, const Op& op, uint64_t, In a, Out out) { out->push_back(unary(e, op.sym, a[0])); }
void r_compare(Emit& e, const Op& op, uint64_t, In a, Out out) { out->push_back(compare(e, op.sym, a[0], a[1])); }
void r_truth(Emit& e, const Op&, uint64_t, In a, Out out) {
  TV t = truth(e, a[0]);
  out->push_back(t.is(Kind::PyBool) ? t : e.cast(t, pybool()));
}

bool identical_kinds(const AbsVal& a, const AbsVal& b) { return a.type == b.type; }
void r_is(Emit& e, const Op& op, uint64_t, In a, Out out) {
  auto answer = [&](TV same) { out->push_back(op.imm ? e.logic_not(same) : same); };
  for (int k = 0; k < 2; k++) {
    if (!a[static_cast<size_t>(1 - k)].is_none()) continue;
    const TV& x = a[static_cast<size_t>(k)];
    if (x.is(Kind::Optional)) return answer(e.logic_not(e.op(OpCode::Present, {x}, pybool())));
    return answer(e.const_bool(x.is_none()));
  }
  if (a[0].c && a[1].c) return answer(e.const_bool(same_const(a[0].c, a[1].c)));
  if (is_bool(a[0].type) && is_bool(a[1].type)) return answer(compare(e, "eq", a[0], a[1]));
  if (a[0].is(Kind::Ellipsis) || a[1].is(Kind::Ellipsis)) return answer(e.const_bool(a[0].type == a[1].type));
  if (a[0].is(Kind::DType) && a[1].is(Kind::DType)) return answer(e.const_bool(a[0].type == a[1].type));
  if (!identical_kinds(a[0], a[1])) return answer(e.const_bool(false));
  if (a[0].is(Kind::List)) return answer(e.cmp(OpCode::Eq, e.op(OpCode::PtrToInt, {a[0]}, pyint()), e.op(OpCode::PtrToInt, {a[1]}, pyint())));
  fail("NoIdentity", {describe(a[0]), describe(a[1])});
}
void r_contains(Emit& e, const Op& op, uint64_t, In a, Out out) {
  TV r;
  if (a[1].is(Kind::Tuple)) {
    r = e.const_bool(false);
    for (size_t k = 0; k < a[1].type->items.size(); k++) r = e.logic_or(r, e.cast(truth(e, compare(e, "eq", a[0], e.item(a[1], static_cast<int>(k)))), pybool()));
  } else {
    std::string key = std::string("op:contains:") + kind_text(a[1].type->kind);
    const clb_const* impl = nullptr;
    if (!find_library(e, key, &impl)) fail("NoOperator", {"in", describe(a[0]), describe(a[1])});
    r = call_library(e, key, {a[1], a[0]});
    if (r.is_bottom()) { out->push_back(r); return; }
    r = e.cast(truth(e, r), pybool());
  }
  out->push_back(op.imm ? e.logic_not(r) : r);
}
void r_getitem(Emit& e, const Op&, uint64_t, In a, Out out) { TV r = get_item(e, a[0], a[1]); out->push_back(r); }
void r_setitem(Emit& e, const Op&, uint64_t, In a, Out) { set_item(e, a[0], a[1], a[2]); }
void r_delitem(Emit& e, const Op&, uint64_t, In a, Out) { call_library(e, std::string("op:delitem:") + kind_text(a[0].type->kind), {a[0], a[1]}); }
void r_slice(Emit& e, const Op&, uint64_t, In a, Out out) { out->push_back(make_slice(e, a[0], a[1], a[2])); }
void r_tuple(Emit& e, const Op&, uint64_t, In a, Out out) { out->push_back(e.tuple(a)); }

TV new_list(Emit& e, uint64_t key, AbsVal elem, size_t count) {
  Spec& s = e.spec();
  auto [it, fresh] = s.site_of_op.try_emplace(key, static_cast<uint32_t>(s.sites.size()));
  if (fresh) s.sites.push_back({it->second, {}, {}});
  uint32_t site = find_site(s, it->second);
  if (!elem.is_bottom()) {
    AbsVal j;
    if (!join(s.sites[site].elem, elem, &j)) fail("ListItem", {describe(list_of(s.sites[site].elem.type)), describe(elem)});
    s.sites[site].elem = j;
    s.sites[site].elem.c = nullptr;
  }
  TV r;
  TypeRef t = s.sites[site].elem.type;
  bool empty = !e.dry() && t->is(Kind::Bottom);   // nothing is ever put in
  r = e.op(OpCode::ListNew, {e.const_int(static_cast<int64_t>(count))}, list_of(empty ? pyint() : t));
  if (empty) r = e.op(OpCode::RefCast, {r}, list_of(t));
  r.site = site;
  return r;
}
bool star_list(Emit& e, ValueId list) { return list < e.spec().fn->star_list.size() && e.spec().fn->star_list[list]; }
void r_list(Emit& e, const Op& op, uint64_t key, In a, Out out) {
  if (op.code == OpCode::PyList && star_list(e, op.results[0])) { out->push_back(e.none()); return; }   // see r_list_to_tuple
  size_t managed = 0;
  for (const TV& v : a) managed += is_managed(v.type);
  if (managed && managed == a.size()) { out->push_back(e.tuple(a)); return; }   // [a, b] of arrays: as fixed as a tuple, e.g. for np.vstack
  AbsVal elem;
  for (const TV& v : a) {
    AbsVal plain = v, j;
    plain.site = ~0u;
    if (a.size() > 1) plain.c = nullptr;
    bool differs = e.session().options.exact && !elem.is_bottom() && elem.type != plain.type;
    if (differs || !join(elem, plain, &j)) fail("ListItem", {describe(list_of(elem.type)), describe(v)});
    elem = j;
    elem.c = nullptr;
  }
  TV list = new_list(e, key, elem, a.size());
  for (size_t k = 0; k < a.size() && !list.type->elem->is(Kind::Bottom); k++)
    e.op(OpCode::ListPush, {list, convert(e, a[k], list.type->elem)}, ir::none());
  out->push_back(list);
}
void r_list_append(Emit& e, const Op& op, uint64_t, In a, Out) {
  if (!op.args.empty() && star_list(e, op.args[0])) return;
  if (!a[0].is(Kind::List)) fail("ListOfManaged", {describe(a[0])});
  widen_list(e, a[0], a[1]);
  if (a[0].type->elem->is(Kind::Bottom)) return;
  if (is_managed(a[1].type)) fail("ListOfManaged", {describe(a[1].type)});
  if (e.dry() && !join_types(a[0].type->elem, nullptr, a[1].type, a[1].c)) return;
  e.op(OpCode::ListPush, {a[0], e.dry() ? a[1] : convert(e, a[1], a[0].type->elem)}, ir::none());
}
void r_list_extend(Emit& e, const Op& op, uint64_t, In a, Out) {
  if (star_list(e, op.args[0])) return;
  if (!a[0].is(Kind::List)) fail("ListOfManaged", {describe(a[0])});
  if (a[1].is(Kind::Tuple)) {
    for (size_t k = 0; k < a[1].type->items.size(); k++) {
      TV i = e.item(a[1], static_cast<int>(k));
      TV two[] = {a[0], i};
      r_list_append(e, Op{}, 0, two, nullptr);
    }
    return;
  }
  AbsVal i;
  i.type = element_type(e, a[1]);
  widen_list(e, a[0], i);
  if (a[0].type->elem->is(Kind::Bottom) || i.is_bottom()) return;
  call_library(e, "method:list.extend", {a[0], a[1]});
}
// list() and list(x), which may be filled with other types later. False: not that.
bool made_list(Emit& e, const Op& op, uint64_t key, In a, Out out) {
  if (!a[0].c || a[0].c->kind != CLB_CLASS || std::strcmp(a[0].c->s, "builtins.list") || a.size() > 2 || !op.names.empty() || op.imm) return false;
  AbsVal item;
  if (a.size() == 2) {
    if (a[1].is(Kind::Optional) || (a[1].is(Kind::Tuple) && is_managed(a[1].type))) return false;
    if (a[1].is(Kind::Tuple)) {
      std::vector<TV> items;
      for (size_t k = 0; k < a[1].type->items.size(); k++) items.push_back(e.item(a[1], static_cast<int>(k)));
      r_list(e, op, key, items, out);
      return true;
    }
    item.type = element_type(e, a[1]);
    if (is_managed(item.type)) return false;
  }
  TV list = new_list(e, key, item, 0);
  if (!item.is_bottom()) call_library(e, "method:list.extend", {list, a[1]});
  out->push_back(list);
  return true;
}
void r_call(Emit& e, const Op& op, uint64_t key, In a, Out out) {
  if (made_list(e, op, key, a, out)) return;
  if (op.imm == 1 && !(a[0].c && a[0].c->s && !std::strncmp(a[0].c->s, "builtins.", 9))) fail("Unsupported", {"a generator expression as an argument of this function"});
  out->push_back(call(e, a[0], std::vector<TV>(a.begin() + 1, a.end()), op.names));
}
void r_call_ex(Emit& e, const Op&, uint64_t, In a, Out out) {
  if (!a[1].is(Kind::Tuple)) fail("StarArgs", {describe(a[1])});
  bool keywords = a.size() > 2 && a[2].is(Kind::Tuple);
  if (a.size() > 2 && !a[2].is_none() && !keywords) fail("NoKwargs", {"the called function"});
  std::vector<TV> args;
  for (size_t k = 0; k < a[1].type->items.size(); k++) args.push_back(e.item(a[1], static_cast<int>(k)));
  for (size_t k = 0; keywords && k < a[2].type->items.size(); k++) args.push_back(e.item(a[2], static_cast<int>(k)));
  out->push_back(call(e, a[0], args, keywords ? a[2].type->names : std::vector<std::string>{}));
}
void r_iter(Emit& e, const Op&, uint64_t, In a, Out out) { out->push_back(start_iter(e, a[0])); }
void r_next(Emit& e, const Op&, uint64_t, In a, Out out) {   // dry runs only: lower.cc places the value behind the test
  TV next, has;
  next_iter(e, a[0], &next, &has);
  TV value = iter_value(e, a[0]);
  out->push_back(next);
  out->push_back(value);
  out->push_back(has);
}
void r_unpack(Emit& e, const Op& op, uint64_t, In a, Out out) {
  size_t n = op.results.size();
  if (a[0].is(Kind::Tuple)) {
    size_t have = a[0].type->items.size();
    TV want = e.const_int(static_cast<int64_t>(n));
    if (have < n) e.guard(e.const_bool(false), "UnpackFew", {want, e.const_int(static_cast<int64_t>(have))});
    if (have > n) e.guard(e.const_bool(false), "UnpackMany", {want});
    if (have != n) return out->resize(n);
    for (size_t k = 0; k < n; k++) out->push_back(e.item(a[0], static_cast<int>(k)));
    return;
  }
  TV len = length(e, a[0]), want = e.const_int(static_cast<int64_t>(n));
  e.guard(e.cmp(OpCode::Ge, len, want), "UnpackFew", {want, len});
  e.guard(e.cmp(OpCode::Le, len, want), "UnpackMany", {want});
  for (size_t k = 0; k < n; k++) out->push_back(item_at(e, a[0], e.const_int(static_cast<int64_t>(k))));
}
void r_unpack_ex(Emit& e, const Op& op, uint64_t key, In a, Out out) {
  size_t before = static_cast<size_t>(op.imm), after = op.results.size() - before - 1;
  std::vector<TV> rest;
  if (!a[0].is(Kind::Tuple)) {
    TV len = length(e, a[0]);
    e.guard(e.cmp(OpCode::Ge, len, e.const_int(static_cast<int64_t>(before + after))), "UnpackFewStar", {e.const_int(static_cast<int64_t>(before + after)), len});
    for (size_t k = 0; k < before; k++) out->push_back(item_at(e, a[0], e.const_int(static_cast<int64_t>(k))));
    TV stop = e.sub(len, e.const_int(static_cast<int64_t>(after)));
    out->push_back(call_library(e, "op:list_slice", {a[0], e.const_int(static_cast<int64_t>(before)), stop}));
    for (size_t k = 0; k < after; k++) out->push_back(item_at(e, a[0], e.add(stop, e.const_int(static_cast<int64_t>(k)))));
    return;
  }
  size_t n = a[0].type->items.size();
  if (n < before + after) {
    e.guard(e.const_bool(false), "UnpackFewStar", {e.const_int(static_cast<int64_t>(before + after)), e.const_int(static_cast<int64_t>(n))});
    return out->resize(op.results.size());
  }
  for (size_t k = 0; k < before; k++) out->push_back(e.item(a[0], static_cast<int>(k)));
  for (size_t k = before; k < n - after; k++) rest.push_back(e.item(a[0], static_cast<int>(k)));
  r_list(e, op, key, rest, out);
  for (size_t k = n - after; k < n; k++) out->push_back(e.item(a[0], static_cast<int>(k)));
}
void r_function(Emit& e, const Op& op, uint64_t, In a, Out out) {
  const clb_const* code = e.spec().fn->consts.at(static_cast<size_t>(op.imm));
  if (code->kind != CLB_CODE) fail("InternalNoValue", {"code object"});
  size_t ndefaults = op.ints.size() > 0 ? static_cast<size_t>(op.ints[0]) : 0, ncap = op.ints.size() > 1 ? static_cast<size_t>(op.ints[1]) : 0;
  int64_t handle = e.session().nested(e.spec().fn->handle, code->code);
  if (!a.empty()) {
    FunctionInfo* inner = e.session().function(handle);
    inner->inner_defaults = ndefaults;
    inner->inner_kwdefaults.assign(op.names.begin(), op.names.begin() + static_cast<std::ptrdiff_t>(a.size() - ndefaults - ncap));
    inner->self_captures.assign(op.ints.begin() + static_cast<std::ptrdiff_t>(std::min<size_t>(3, op.ints.size())), op.ints.end());
  }
  std::vector<TypeRef> types;
  for (const TV& v : a) types.push_back(v.type);
  if (a.empty()) {
    TV r;
    r.type = object_const(handle);
    r.c = e.session().object(handle);
    out->push_back(r);
    return;
  }
  out->push_back(e.make(a, closure_of(handle, types)));
}
void r_format(Emit& e, const Op& op, uint64_t, In a, Out out) {
  if (a.size() > 1 && !(a[1].c && a[1].c->kind == CLB_STR && a[1].c->n == 0)) fail("FormatSpec", {});
  if (op.imm == 2 && a[0].is(Kind::Str)) fail("FormatSpec", {});
  out->push_back(to_string(e, a[0]));
}
void r_string(Emit& e, const Op&, uint64_t, In a, Out out) { out->push_back(e.op(OpCode::StrFormat, a, str())); }

// raise: an instance or a class
void r_raise(Emit& e, const Op&, uint64_t, In a, Out) {
  if (a.empty()) fail("BareRaise", {});
  TV x = a[0];
  if (x.is(Kind::Const)) x = call(e, x, {}, {});
  if (!x.is(Kind::Exc)) fail("NotAnException", {describe(a[0])});
  if (a.size() > 1 && !a[1].is_none()) {
    TV cause = a[1].is(Kind::Const) ? call(e, a[1], {}, {}) : a[1];
    if (!cause.is(Kind::Exc)) fail("NotAnException", {describe(a[1])});
    e.op(OpCode::CallRt, {x, cause}, ir::none(), 0, "coluber_exc_cause");
  }
  e.op(OpCode::RaiseExc, {x}, ir::none());
}
void r_reraise(Emit& e, const Op&, uint64_t, In a, Out) { e.op(OpCode::RaiseExc, {a[0]}, ir::none()); }
void r_catch(Emit& e, const Op&, uint64_t, In, Out out) { out->push_back(e.op(OpCode::ExcCatch, {}, exc_of(-1))); }
void r_exc_match(Emit& e, const Op&, uint64_t, In a, Out out) {
  auto one = [&](const TV& cls) {
    const clb_const* c = cls.c ? cls.c : cls.is(Kind::Const) ? e.session().object(cls.type->handle) : nullptr;
    if (!c || c->kind != CLB_CLASS || !(c->flags & 1)) fail("NotAnExceptionClass", {describe(cls)});
    return e.op(OpCode::ExcMatch, {a[0]}, pybool(), c->handle);
  };
  if (!a[1].is(Kind::Tuple)) { out->push_back(one(a[1])); return; }
  TV r = e.const_bool(false);
  for (size_t k = 0; k < a[1].type->items.size(); k++) r = e.logic_or(r, one(e.item(a[1], static_cast<int>(k))));
  out->push_back(r);
}
void r_debug_local(Emit& e, const Op& op, uint64_t, In in, Out) {
  if (has_slots(in[0].type)) e.op(OpCode::DebugLocal, {in[0]}, none(), 0, op.sym);
}
void r_import(Emit& e, const Op& op, uint64_t, In, Out) { fail("Unsupported", {"import inside a function"}); }
void r_store_global(Emit& e, const Op& op, uint64_t, In, Out) { fail("Unsupported", {"assignment to the global '" + op.sym + "'"}); }
// What the user wrote, for the opcodes that some common statement needs.
const char* statement_of(const std::string& opcode) {
  static const std::pair<const char*, const char*> kStatements[] = {
      {"LOAD_BUILD_CLASS", "a class definition"}, {"MATCH_", "a pattern of this kind in a match statement"}, {"GET_LEN", "a pattern of this kind in a match statement"},
      {"DELETE_GLOBAL", "del of a global"}, {"DELETE_ATTR", "del of an attribute"}, {"DICT_", "a dict"}, {"SET_", "a set"}, {"IMPORT_", "import inside a function"},
      {"CHECK_EG_MATCH", "except*"}, {"PREP_RERAISE_STAR", "except*"}, {"WITH_EXCEPT_START", "a with statement"}};
  for (auto& [prefix, text] : kStatements)
    if (!opcode.rfind(prefix, 0)) return text;
  return opcode.c_str();
}
void r_unsupported(Emit& e, const Op& op, uint64_t, In, Out) {
  if (!op.names.empty()) fail(op.names[0].c_str(), {op.names.begin() + 1, op.names.end()});
  fail("Unsupported", {statement_of(op.sym)});
}

// A dict display that is nothing but the keywords of a call, f(*args, key=value): a named tuple of them.
bool only_keywords(Spec& spec, ValueId dict) {
  for (BlockId b : spec.fn->uses[dict]) {
    const Block& block = spec.fn->ir->blocks[b];
    for (const Op& op : block.ops) {
      for (size_t k = 0; k < op.args.size(); k++)
        if (op.args[k] == dict && !(op.code == OpCode::PyCallEx && k == 2)) return false;
      for (const Edge& t : op.targets)
        for (ValueId v : t.args) if (v == dict) return false;
    }
    for (ValueId v : block.on_error.args) if (v == dict) return false;
  }
  return true;
}
void r_dict(Emit& e, const Op& op, uint64_t, In a, Out out) {
  std::vector<std::string> names;
  std::vector<TypeRef> types;
  std::vector<TV> values;
  bool keywords = only_keywords(e.spec(), op.results[0]);
  for (size_t k = 0; k + 1 < a.size(); k += 2) {
    keywords = keywords && a[k].c && a[k].c->kind == CLB_STR;
    if (!keywords) break;
    names.emplace_back(a[k].c->s, static_cast<size_t>(a[k].c->n));
    types.push_back(a[k + 1].type);
    values.push_back(a[k + 1]);
  }
  if (!keywords) fail("Unsupported", {"a dict"});
  out->push_back(e.make(values, namedtuple_of(-1, names, types)));
}
void r_set(Emit&, const Op&, uint64_t, In, Out) { fail("Unsupported", {"a set"}); }
// (a, *b, c): the bytecode fills a list and makes it a tuple. All that filled it is in the same block, in order.
void r_list_to_tuple(Emit& e, const Op& op, uint64_t key, In, Out out) {
  const FunctionInfo& fn = *e.spec().fn;
  std::vector<TV> items;
  auto [block, index] = fn.defs[op.results[0]];
  for (uint32_t k = 0; k < index; k++) {
    const Op& o = fn.ir->blocks[block].ops[k];
    if (o.code == OpCode::PyList && o.results[0] == op.args[0]) {
      for (ValueId v : o.args) items.push_back(e.value_of(v));
    } else if (o.code == OpCode::PyListAppend && o.args[0] == op.args[0]) {
      items.push_back(e.value_of(o.args[1]));
    } else if (o.code == OpCode::PyListExtend && o.args[0] == op.args[0]) {
      TV t = e.value_of(o.args[1]);
      if (t.is_bottom()) { out->push_back(t); return; }
      if (!t.is(Kind::Tuple)) fail("StarArgs", {describe(t)});
      for (size_t j = 0; j < t.type->items.size(); j++) items.push_back(e.item(t, static_cast<int>(j)));
    }
  }
  for (const TV& i : items) if (i.is_bottom()) { out->push_back(TV()); return; }
  out->push_back(e.tuple(items));
}

const std::array<Rule, static_cast<size_t>(OpCode::PyUnsupported) + 1>& table() {
  static const auto kTable = [] {
    std::array<Rule, static_cast<size_t>(OpCode::PyUnsupported) + 1> t{};
    auto set = [&](OpCode c, Rule r) { t[static_cast<size_t>(c)] = r; };
    set(OpCode::PyConst, r_const); set(OpCode::PyGlobal, r_global); set(OpCode::PyDeref, r_deref); set(OpCode::PyUnbound, r_unbound);
    set(OpCode::PyCheckBound, r_check_bound); set(OpCode::PyRefine, r_refine); set(OpCode::PyLocal, r_local); set(OpCode::PyAttr, r_attr); set(OpCode::PySetAttr, r_set_attr);
    set(OpCode::PyBinop, r_binop); set(OpCode::PyInplace, r_inplace); set(OpCode::PyUnary, r_unary); set(OpCode::PyCompare, r_compare);
    set(OpCode::PyIs, r_is); set(OpCode::PyContains, r_contains); set(OpCode::PyTruth, r_truth); set(OpCode::PyGetItem, r_getitem);
    set(OpCode::PySetItem, r_setitem); set(OpCode::PyDelItem, r_delitem); set(OpCode::PySlice, r_slice); set(OpCode::PyTuple, r_tuple);
    set(OpCode::PyList, r_list); set(OpCode::PyDict, r_dict); set(OpCode::PySet, r_set); set(OpCode::PyListAppend, r_list_append);
    set(OpCode::PySetAdd, r_set); set(OpCode::PyMapAdd, r_dict); set(OpCode::PyListExtend, r_list_extend); set(OpCode::PyListToTuple, r_list_to_tuple);
    set(OpCode::PyCall, r_call); set(OpCode::PyCallEx, r_call_ex); set(OpCode::PyIter, r_iter); set(OpCode::PyNext, r_next);
    set(OpCode::PyUnpack, r_unpack); set(OpCode::PyUnpackEx, r_unpack_ex); set(OpCode::PyFunction, r_function); set(OpCode::PyFormat, r_format);
    set(OpCode::PyString, r_string); set(OpCode::PyRaise, r_raise); set(OpCode::PyCatch, r_catch); set(OpCode::PyExcMatch, r_exc_match);
    set(OpCode::PyReraise, r_reraise); set(OpCode::PyImport, r_import); set(OpCode::PyStoreGlobal, r_store_global); set(OpCode::PyUnsupported, r_unsupported); set(OpCode::PyFrame, r_frame); set(OpCode::PyExit, r_exit); set(OpCode::PyWith, r_with); set(OpCode::PyWithKind, r_with_kind); set(OpCode::PyDebugLocal, r_debug_local);
    return t;
  }();
  return kTable;
}

}  // namespace

void eval_op(Emit& e, const Op& op, uint64_t key, std::span<const TV> args, std::vector<TV>* out) {
  bool any_bottom = false;
  for (const TV& a : args) any_bottom = any_bottom || a.is_bottom();
  bool framed = !args.empty() && (op.code == OpCode::PyUnary ? args.size() > 1 : (op.code == OpCode::PyBinop || op.code == OpCode::PyInplace) && args.size() > 2);
  const Op* frame = nullptr;
  if (framed) {
    auto [block, index] = e.spec().fn->defs[op.args.back()];
    frame = &e.spec().fn->ir->blocks[block].ops[index];
  }
  if (e.objects() && any_bottom) return out->resize(op.results.size());
  e.set_frame(frame);
  try {
    e.objects() ? eval_object_op(e, op, key, args, out) : eval_native_op(e, op, key, args, out);
  } catch (...) {
    e.set_frame(nullptr);
    throw;
  }
  e.set_frame(nullptr);
}

void eval_native_op(Emit& e, const Op& op, uint64_t key, std::span<const TV> args, std::vector<TV>* out) {
  Rule rule = static_cast<size_t>(op.code) < table().size() ? table()[static_cast<size_t>(op.code)] : nullptr;
  if (!rule) fail("Unsupported", {info(op.code).text});
  bool any_bottom = false;
  for (const TV& a : args) any_bottom = any_bottom || a.is_bottom();
  if (any_bottom && op.code != OpCode::PyListAppend) {
    out->resize(op.results.size());
    return;
  }
  rule(e, op, key, args, out);
}

}  // namespace coluber::typing
