// Object mode: the rules of a function in which values may be of the type `object`, the top of the lattice. A value stays native while its
// type is certain, a bool, an int, a float, None, or an iterator over a range; what inference cannot type is an object, and operations on it are
// calls of jit/runtime/objects.def. Where two types meet, the result is an object: an int on one way and a float on another stay what they are.
//
// Whatever has an identity that can show (strings, tuples, arrays, lists) is an object always, and a parameter keeps the object it came as
// (TV::obj), so that `is`, id() and what callees keep are CPython's. Python's ints have no limit: see integer() for what is native of them.
#include <cstring>
#include <functional>

#include "ir/frontend/regions.h"
#include "typing/session.h"

namespace coluber::typing {
using namespace ir;

namespace {

using In = std::span<const TV>;
using Out = std::vector<TV>*;

TypeRef object() { return scalar(Kind::Object); }

// ---- making ops -----------------------------------------------------------------------------------------------------------------------

TV import(Emit& e, const std::string& key) { return e.op(OpCode::ObjImport, {}, object(), 0, key); }
TV this_function(Emit& e) { return import(e, "obj:" + std::to_string(e.spec().fn->handle)); }

// An operation of jit/runtime/objects.def: operands are made objects unless `raw`.
struct Call {
  const char* name;
  int64_t imm = 0;
  std::string key = {};                        // of an import
  bool raw = false;
};
void emit(Emit& e, const Call& call, std::vector<TV> args, std::initializer_list<TypeRef> types, Out out) {
  if (!call.raw)
    for (TV& a : args) a = as_object(e, a);
  if (e.dry()) {
    for (TypeRef t : types) {
      TV r;
      r.type = t;
      out->push_back(r);
    }
    return;
  }
  e.op(OpCode::ObjOp, args, none(), call.imm, call.name);
  Op& op = *e.last_op();
  if (!call.key.empty()) op.names = {call.key};
  for (TypeRef t : types) {
    TV r;
    r.type = t;
    r.id = e.function()->add_value(t, e.block());
    op.results.push_back(r.id);
    out->push_back(r);
  }
}
TV one(Emit& e, const Call& call, std::vector<TV> args, TypeRef type = object()) {
  std::vector<TV> out;
  emit(e, call, std::move(args), {type}, &out);
  return out[0];
}
void effect(Emit& e, const Call& call, std::vector<TV> args) {
  std::vector<TV> out;
  emit(e, call, std::move(args), {}, &out);
}

std::string name_key(const std::string& name) { return "name:" + name; }
std::string names_key(std::span<const std::string> names) {
  std::string key = "names:";
  for (const std::string& n : names) key += (key.size() > 6 ? "," : "") + n;
  return key;
}

// ---- what stays native ------------------------------------------------------------------------------------------------------------------

bool native(const TV& v) { return v.is(Kind::PyBool) || v.is(Kind::PyInt) || v.is(Kind::PyFloat); }
bool native_float(const TV& v) { return v.is(Kind::PyFloat); }
bool integral(const TV& v) { return v.is(Kind::PyInt) || v.is(Kind::PyBool); }

// Runs a rule of native code; false when it does not apply or its result would not be native here.
bool attempt(Out out, const std::function<TV()>& rule) {
  try {
    TV r = rule();
    if (!r.is_bottom() && !native(r)) return false;
    out->push_back(r);
    return true;
  } catch (TypeFail&) {
    return false;
  }
}

// Operators of ints that cannot leave 64 bits, and those that are checked where execution can go on from here. The others run on objects.
bool stays_in_range(Emit& e, const std::string& op) {
  if (op == "and" || op == "or" || op == "xor" || op == "truediv" || op == "mod") return true;
  return e.frame() && (op == "add" || op == "sub" || op == "mul" || op == "floordiv");
}

int operator_index(const std::string& op) {
  static const char* const kText[] = {"add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "lshift", "rshift"};
  for (int k = 0; k < 13; k++)
    if (op == kText[k]) return k;
  fail("InternalNoValue", {op});
}
int comparison_index(const std::string& op) {
  static const char* const kText[] = {"lt", "le", "eq", "ne", "gt", "ge"};
  for (int k = 0; k < 6; k++)
    if (op == kText[k]) return k;
  fail("InternalNoValue", {op});
}

// ---- names ------------------------------------------------------------------------------------------------------------------------------

bool is_constant(const clb_const* c) { return c->kind == CLB_MODULE || c->kind == CLB_BUILTIN || c->kind == CLB_CLASS; }

void o_const(Emit& e, const Op& op, Out out) {
  const clb_const* c = e.spec().fn->consts.at(static_cast<size_t>(op.imm));
  switch (c->kind) {
    case CLB_NONE: case CLB_BOOL: case CLB_INT: case CLB_FLOAT: case CLB_STR: out->push_back(e.constant(c)); break;
    case CLB_ELLIPSIS: out->push_back(import(e, "py:Ellipsis")); break;
    default:
      if (c->handle <= 0) fail("InternalNoValue", {"a constant"});
      out->push_back(import(e, "obj:" + std::to_string(c->handle)));
  }
}
// Builtins, classes and modules are constants that the call's guards watch, so that calls of builtins can be native; all else is read when
// it is asked for, as it may change while the function runs.
void o_global(Emit& e, const Op& op, Out out) {
  const clb_const* c = e.session().global(e.spec().fn->handle, op.sym);
  if (c && is_constant(c)) return out->push_back(e.constant(c));
  out->push_back(one(e, {"global", 0, name_key(op.sym)}, {this_function(e)}));
}
void o_deref(Emit& e, const Op& op, Out out) { out->push_back(one(e, {"cell", op.imm, name_key(op.sym)}, {this_function(e)})); }

void o_attr(Emit& e, const Op& op, In a, Out out) {
  if (a[0].is(Kind::Const) && a[0].c && a[0].c->kind == CLB_MODULE) {
    const clb_const* c = e.session().attr(a[0].c->handle, op.sym);
    if (c && is_constant(c)) return out->push_back(e.constant(c));
  }
  out->push_back(one(e, {"getattr", 0, name_key(op.sym)}, {a[0]}));
}

// ---- operators --------------------------------------------------------------------------------------------------------------------------

void o_binop(Emit& e, const Op& op, In a, Out out) {
  bool inplace = op.code == OpCode::PyInplace;
  bool floats = native(a[0]) && native(a[1]) && (native_float(a[0]) || native_float(a[1])) && op.sym != "pow";
  bool logic = op.sym == "and" || op.sym == "or" || op.sym == "xor";
  bool ints = integral(a[0]) && integral(a[1]) && stays_in_range(e, op.sym) && (!logic || a[0].type == a[1].type);
  if ((floats || ints) && attempt(out, [&] { return binary(e, op.sym, a[0], a[1], false); })) return;
  out->push_back(one(e, {inplace ? "inplace" : "binary", operator_index(op.sym)}, {a[0], a[1]}));
}
void o_unary(Emit& e, const Op& op, In a, Out out) {
  if (op.sym == "not") {
    TV t = native(a[0]) || a[0].is_none() ? truth(e, a[0]) : one(e, {"truth"}, {a[0]}, pybool());
    return out->push_back(e.logic_not(t));
  }
  bool safe = native_float(a[0]) || (e.frame() && integral(a[0])) || (op.sym != "neg" && integral(a[0])) || (integral(a[0]) && a[0].c && a[0].c->i != INT64_MIN);
  if (safe && attempt(out, [&] { return unary(e, op.sym, a[0]); })) return;
  out->push_back(one(e, {"unary", op.sym == "neg" ? 0 : op.sym == "pos" ? 1 : 2}, {a[0]}));
}
// A float and an int are compared by value, beyond 2**53 too: only what has one type is native.
void o_compare(Emit& e, const Op& op, In a, Out out) {
  bool same = native(a[0]) && native(a[1]) && ((native_float(a[0]) && native_float(a[1])) || (integral(a[0]) && integral(a[1])));
  bool exact = native(a[0]) && native(a[1]) && ((a[0].c && integral(a[0]) && std::abs(a[0].c->i) < int64_t{1} << 53) || (a[1].c && integral(a[1]) && std::abs(a[1].c->i) < int64_t{1} << 53));
  if ((same || exact) && attempt(out, [&] { return compare(e, op.sym, a[0], a[1]); })) return;
  out->push_back(one(e, {"compare", comparison_index(op.sym)}, {a[0], a[1]}));
}
void o_is(Emit& e, const Op& op, In a, Out out) {
  TV r;
  bool none0 = a[0].is_none(), none1 = a[1].is_none();
  if (none0 && none1) r = e.const_bool(true);
  else if ((none0 && native(a[1])) || (none1 && native(a[0]))) r = e.const_bool(false);
  else r = one(e, {"is"}, {a[0], a[1]}, pybool());
  out->push_back(op.imm ? e.logic_not(r) : r);
}
void o_truth(Emit& e, In a, Out out) {
  if (native(a[0]) || a[0].is_none()) {
    TV t = truth(e, a[0]);
    return out->push_back(t.is(Kind::PyBool) ? t : e.cast(t, pybool()));
  }
  out->push_back(one(e, {"truth"}, {a[0]}, pybool()));
}

// ---- calls and iteration ----------------------------------------------------------------------------------------------------------------

bool starts_with(const char* text, const char* prefix) { return text && !std::strncmp(text, prefix, std::strlen(prefix)); }

// Builtins on native values whose result is native whatever the values are.
bool native_call(Emit& e, const Op& op, In a, Out out) {
  const clb_const* c = a[0].is(Kind::Const) ? a[0].c : nullptr;
  if (!c || !op.names.empty() || !c->s) return false;
  auto is = [&](const char* name) { return !std::strcmp(c->s, name); };
  std::vector<TV> args(a.begin() + 1, a.end());
  bool all = true, floats = true, ints = true;
  for (const TV& v : args) {
    all = all && native(v);
    floats = floats && native_float(v);
    ints = ints && integral(v);
  }
  if (is("builtins.len") && args.size() == 1 && args[0].is(Kind::Object)) return out->push_back(one(e, {"length"}, args, pyint())), true;
  if (is("builtins.range") && ints && !args.empty() && args.size() <= 3) return out->push_back(call(e, a[0], args, {})), true;
  if (is("builtins.float") && all && args.size() == 1) return attempt(out, [&] { return call(e, a[0], args, {}); });
  if (is("builtins.abs") && floats && args.size() == 1) return attempt(out, [&] { return call(e, a[0], args, {}); });
  if (!starts_with(c->s, "math.") || !all || args.empty()) return false;
  Emit dry(e.session(), e.spec());             // floor and the like have no limit
  std::vector<TV> found;
  bool applies = attempt(&found, [&] { return call(dry, TV(a[0]), std::vector<TV>(args), {}); }) && (found[0].is(Kind::PyFloat) || found[0].is(Kind::PyBool));
  return applies && attempt(out, [&] { return call(e, a[0], args, {}); });
}
void o_call(Emit& e, const Op& op, In a, Out out) {
  if (native_call(e, op, a, out)) return;
  out->push_back(one(e, {"call", 0, op.names.empty() ? "" : names_key(op.names)}, {a.begin(), a.end()}));
}
void o_iter(Emit& e, In a, Out out) { out->push_back(is_range(a[0].type) ? start_iter(e, a[0]) : one(e, {"iter"}, {a[0]})); }
void o_next(Emit& e, In a, Out out) {
  std::vector<TV> made;
  if (a[0].is(Kind::Object)) {
    emit(e, {"next"}, {a[0]}, {object(), pybool()}, &made);
    made.insert(made.begin(), a[0]);
  } else {                                     // dry runs only: lower.cc places the value behind the test
    TV next, has;
    next_iter(e, a[0], &next, &has);
    made = {next, iter_value(e, a[0]), has};
  }
  out->insert(out->end(), made.begin(), made.end());
}
void o_unpack(Emit& e, const Op& op, In a, Out out) {
  size_t n = op.results.size();
  bool starred = op.code == OpCode::PyUnpackEx;
  int64_t imm = starred ? op.imm | static_cast<int64_t>(n - static_cast<size_t>(op.imm) - 1) << 8 : static_cast<int64_t>(n);
  if (e.dry()) return out->resize(n, [] { TV v; v.type = object(); return v; }());
  e.op(OpCode::ObjOp, {as_object(e, a[0])}, none(), imm, starred ? "unpack_ex" : "unpack");
  Op& made = *e.last_op();
  for (size_t k = 0; k < n; k++) {
    TV r;
    r.type = object();
    r.id = e.function()->add_value(object(), e.block());
    made.results.push_back(r.id);
    out->push_back(r);
  }
}
void o_function(Emit& e, const Op& op, In a, Out out) {
  const clb_const* code = e.spec().fn->consts.at(static_cast<size_t>(op.imm));
  int64_t positional = op.ints[0], captured = op.ints[1], keywords = static_cast<int64_t>(a.size()) - positional - captured;
  if (op.ints.size() > 3 || (op.ints[2] & 4)) fail("Unsupported", {"an inner function that calls itself or has annotations"});
  std::vector<TV> args{this_function(e), import(e, "obj:" + std::to_string(code->handle))};
  for (const TV& v : a) {
    if (v.is(Kind::Unbound)) fail("Unsupported", {"an inner function that captures a variable before it is set"});
    args.push_back(v);
  }
  std::span<const std::string> names(op.names.data(), static_cast<size_t>(keywords));
  out->push_back(one(e, {"function", positional | keywords << 16 | captured << 32, keywords ? names_key(names) : ""}, args));
}

// ---- exceptions and the rest ------------------------------------------------------------------------------------------------------------

void o_import(Emit& e, const Op& op, Out out) {
  TV from = op.names.empty() ? e.none() : import(e, names_key(op.names));
  out->push_back(one(e, {"import", op.imm, name_key(op.sym)}, {this_function(e), from}));
}
void o_object(Emit& e, const Op& op, In a, Out out) {
  if (op.sym == "own") return out->push_back(a[0].is(Kind::Object) ? e.op(OpCode::ObjTake, {a[0]}, object()) : a[0]);
  std::vector<TV> args(a.begin(), a.end());
  if (op.sym == "delete_global" || op.sym == "own_cell") args.insert(args.begin(), this_function(e));
  Call c{op.sym.c_str(), op.imm, op.names.empty() ? "" : name_key(op.names[0])};
  bool flag = op.sym == "match_mapping" || op.sym == "match_sequence";
  switch (op.results.size()) {
    case 0: return effect(e, c, args);
    case 1: return out->push_back(one(e, c, args, flag ? pybool() : op.sym == "length" ? pyint() : object()));
    default: return emit(e, c, args, {object(), op.sym == "send" ? pybool() : object()}, out);
  }
}
// A variable's object, or null when it is not bound.
TV object_or_null(Emit& e, const TV& v) {
  if (!v.is(Kind::Unbound)) return as_object(e, v);
  if (v.type->elem->is(Kind::Bottom)) return e.op(OpCode::Zero, {}, object());
  TV held = e.op(OpCode::Payload, {v}, v.type->elem);
  if (held.is(Kind::Object)) return held;      // null when absent
  return one(e, {"if_bound", 0, {}, true}, {e.op(OpCode::Present, {v}, pybool()), as_object(e, held)});
}
void o_lift(Emit& e, const Op& op, In a, Out out) {
  std::vector<TypeRef> types;
  for (int64_t n : op.ints) {
    types.push_back(pybool());
    for (int64_t k = 0; k < n; k++) types.insert(types.end(), {pybool(), object()});
  }
  std::vector<TV> args;
  for (const TV& v : a) args.push_back(e.dry() ? v : object_or_null(e, v));
  if (!e.dry()) {
    e.op(OpCode::ObjOp, args, none(), static_cast<int64_t>(types.size()), "lift");
    e.last_op()->names = {"entry:" + op.sym};
  }
  for (TypeRef t : types) {
    TV r;
    r.type = t;
    if (!e.dry()) {
      r.id = e.function()->add_value(t, e.block());
      e.last_op()->results.push_back(r.id);
    }
    out->push_back(r);
  }
}
// The frame is kept as it is, numbers and iterators over ranges unboxed. What its cells are and of which types the part that goes on is becomes
// part of the site's text: "entry|a letter per cell|types;...". Letters: o an object, m an object or null (unbound), x a number.
void o_suspend(Emit& e, const Op& op, In a, Out out) {
  out->push_back(as_object(e, a[0]));
  if (e.dry()) return;
  std::string cells, types;
  std::vector<TV> kept;
  for (const TV& v : a.subspan(1)) {
    TypeRef t = kept_type(v);
    types += (types.empty() ? "" : ";") + t->text;
    if (t->is(Kind::None) || (t->is(Kind::Unbound) && t->elem->is(Kind::Bottom))) continue;
    std::vector<TypeRef> parts = t->is(Kind::Iter) ? iter_items(t->elem) : std::vector<TypeRef>{};
    for (size_t k = 0; k < parts.size(); k++) kept.push_back(e.get(v, static_cast<int>(k), parts[k]));
    if (t->is(Kind::Unbound) || t->is(Kind::Object)) kept.push_back(object_or_null(e, v));
    else if (parts.empty()) kept.push_back(v);
    cells += t->is(Kind::Unbound) ? "m" : t->is(Kind::Object) ? "o" : std::string(std::max<size_t>(parts.size(), 1), 'x');
  }
  e.op(OpCode::ObjSuspend, kept, none(), op.imm, "entry:" + op.sym + "|" + cells + "|" + types);
}
void o_exit(Emit& e, const Op& op, In a, Out out) {
  if (e.dry()) return out->push_back(one(e, {"exit_with"}, {}));
  std::vector<TV> args;
  for (const TV& v : a) args.push_back(object_or_null(e, v));
  out->push_back(one(e, {"exit_with", op.imm, {}, true}, args));
}
void o_keep(Emit& e, In a) {
  std::vector<TV> objects;
  for (const TV& v : a) {
    if (v.obj != kNoId) continue;              // a parameter: the caller holds it
    if (v.is(Kind::Object) || (v.is(Kind::Unbound) && v.type->elem->is(Kind::Object))) objects.push_back(v);
  }
  if (!objects.empty()) e.op(OpCode::ObjKeep, objects, none());
}

// Ops that are one call with the operands as they are.
struct Row {
  OpCode code;
  const char* name;
  TypeRef (*type)();                           // null: no result
};
TypeRef yes_or_no() { return pybool(); }
const Row kRows[] = {
    {OpCode::PyGetItem, "getitem", object}, {OpCode::PySetItem, "setitem", nullptr}, {OpCode::PyDelItem, "delitem", nullptr},
    {OpCode::PySlice, "slice", object}, {OpCode::PyTuple, "tuple", object}, {OpCode::PyList, "list", object}, {OpCode::PyDict, "dict", object},
    {OpCode::PySet, "set", object}, {OpCode::PyListAppend, "list_append", nullptr}, {OpCode::PySetAdd, "set_add", nullptr},
    {OpCode::PyMapAdd, "map_add", nullptr}, {OpCode::PyListExtend, "list_extend", nullptr}, {OpCode::PyListToTuple, "list_to_tuple", object},
    {OpCode::PyCallEx, "call_ex", object}, {OpCode::PyFormat, "format", object}, {OpCode::PyString, "string", object},
    {OpCode::PyExcMatch, "exc_match", yes_or_no}, {OpCode::PyCatch, "catch", object}, {OpCode::PyRaise, "raise", nullptr},
    {OpCode::PyReraise, "reraise", nullptr}, {OpCode::PyHandled, "handled", nullptr}};

bool by_row(Emit& e, const Op& op, In a, Out out) {
  for (const Row& row : kRows) {
    if (row.code != op.code) continue;
    Call c{row.name, op.imm};
    if (row.type) out->push_back(one(e, c, {a.begin(), a.end()}, row.type()));
    else effect(e, c, {a.begin(), a.end()});
    return true;
  }
  return false;
}

// The iterator over `v` that gives the item `index` next, as Python has it.
TV iterator_at(Emit& e, const TV& v, const TV& index) {
  auto part = [&](size_t k) { return e.get(v, static_cast<int>(k), v.type->items[k]); };
  auto of_range = [&](TV start, TV stop, TV step) { return one(e, {"iter"}, {one(e, {"range", 0, {}, true}, {start, stop, step})}); };
  if (v.is(Kind::Range)) {
    TV step = e.get(v, 2, pyint());
    return of_range(e.add(e.get(v, 0, pyint()), e.mul(index, step)), e.get(v, 1, pyint()), step);
  }
  if (!v.is(Kind::View)) return one(e, {"iter_at", 0, {}, true}, {as_object(e, v), index});
  const std::string& name = v.type->name;
  if (name == "range") return of_range(e.add(part(0), index), part(1), e.const_int(1));
  if (name == "range_down") return of_range(e.sub(part(0), index), part(1), e.const_int(-1));
  if (name == "enumerate") return one(e, {"enumerate", 0, {}, true}, {iterator_at(e, part(0), index), e.add(part(1), index)});
  std::vector<TV> parts;
  for (size_t k = 0; k < v.type->items.size(); k++) parts.push_back(iterator_at(e, part(k), index));
  return one(e, {"zip", 0, {}, true}, parts);
}
bool has_iterator(TypeRef t) {
  switch (t->kind) {
    case Kind::Range: case Kind::Array: case Kind::List: return true;
    case Kind::Tuple: return can_be_object(TV(AbsVal{t}));
    case Kind::View:
      if (is_range(t)) return true;
      if (t->name == "enumerate") return has_iterator(t->items[0]);
      if (t->name != "zip") return false;
      for (TypeRef i : t->items)
        if (!has_iterator(i)) return false;
      return true;
    default: return false;
  }
}
// A native iterator as a Python one that stands where it stands.
TV iterator_object(Emit& e, const TV& it) {
  TypeRef over = it.type->elem;
  std::vector<TypeRef> types = iter_items(over);
  auto part = [&](int k) { return e.get(it, k, types[static_cast<size_t>(k)]); };
  if (!is_range(over)) return iterator_at(e, part(0), part(1));
  TV start = part(0), stop, step;
  if (over->is(Kind::View)) {
    stop = part(1);
    step = e.const_int(over->name == "range" ? 1 : -1);
  } else {                                     // (index, count, start, step)
    step = part(3);
    stop = e.add(part(2), e.mul(part(1), step));
    start = e.add(part(2), e.mul(part(0), step));
  }
  return one(e, {"iter"}, {one(e, {"range", 0, {}, true}, {start, stop, step})});
}

}  // namespace

bool can_be_object(const TV& v) {
  switch (v.type->kind) {
    case Kind::Unbound: return v.type->elem->is(Kind::Bottom) || can_be_object(TV(AbsVal{v.type->elem}));
    case Kind::Iter: return has_iterator(v.type->elem);
    case Kind::Method: return can_be_object(TV(AbsVal{v.type->elem}));
    case Kind::Object: case Kind::None: case Kind::Array: case Kind::List: case Kind::Str: case Kind::Const: case Kind::Range: return true;
    case Kind::Tuple:
      for (TypeRef item : v.type->items)
        if (!can_be_object(TV(AbsVal{item}))) return false;
      return true;
    default: return is_number(v.type) || is_range(v.type);
  }
}

TypeRef kept_type(const AbsVal& v) {
  if (v.is(Kind::Unbound)) return v.type->elem->is(Kind::Bottom) ? v.type : unbound_of(object());
  return v.is_none() || v.is(Kind::PyBool) || v.is(Kind::PyInt) || v.is(Kind::PyFloat) || (v.is(Kind::Iter) && is_range(v.type->elem)) ? v.type : object();
}

void leave(Emit& e, const Op& frame) {
  ir::frontend::EntryPoint at;
  ir::frontend::EntryPoint::parse(e.spec().fn->entry, &at);
  size_t n = static_cast<size_t>(frame.ints[1]);
  at.offset = static_cast<uint32_t>(frame.ints[0]);
  at.resume = 0;
  at.markers.clear();
  at.blocks.clear();
  at.vars.assign(frame.ints.begin() + 2, frame.ints.begin() + 2 + static_cast<std::ptrdiff_t>(n));
  at.holes.assign(frame.ints.begin() + 2 + static_cast<std::ptrdiff_t>(n), frame.ints.end());
  at.again.clear();
  at.stack = static_cast<int>(frame.args.size() - n);
  std::vector<TV> args;
  for (ValueId v : frame.args) args.push_back(object_or_null(e, e.value_of(v)));
  e.op(OpCode::ObjOp, args, none(), 0, "leave");
  e.last_op()->names = {"entry:" + at.text()};
  e.terminate(OpCode::Left, {}, {});
}

TV as_object(Emit& e, const TV& v) {
  if (v.is(Kind::Object) || v.is_bottom()) return v;
  TV r;
  r.type = object();
  if (e.dry()) return r;
  if (v.obj != kNoId) {
    r.id = v.obj;
    return r;
  }
  if (v.is_none()) return import(e, "py:None");
  if (v.is(Kind::PyBool)) return v.c ? import(e, v.c->i ? "py:True" : "py:False") : one(e, {"from_bool", 0, {}, true}, {v});
  if (v.is(Kind::PyInt)) return one(e, {"from_int", 0, {}, true}, {v});
  if (v.is(Kind::PyFloat)) return one(e, {"from_float", 0, {}, true}, {v});
  if (v.c && v.c->handle > 0) return import(e, "obj:" + std::to_string(v.c->handle));
  if (v.is(Kind::Iter)) return iterator_object(e, v);
  if (v.is(Kind::Method)) {
    TV self = v;
    self.type = v.type->elem;
    return one(e, {"getattr", 0, name_key(v.type->name)}, {self});
  }
  if (v.is(Kind::Array) || v.is(Kind::List) || v.is(Kind::Tuple) || v.is(Kind::Str) || is_number(v.type)) return e.op(OpCode::Box, {v}, object());
  if (v.is(Kind::Const)) return import(e, "obj:" + std::to_string(v.type->handle));
  if (is_range(v.type)) {
    TV whole = convert(e, v, scalar(Kind::Range));
    return one(e, {"range", 0, {}, true}, {e.get(whole, 0, pyint()), e.get(whole, 1, pyint()), e.get(whole, 2, pyint())});
  }
  fail("NoConversion", {describe(v), "object"});
}

// Different types have the object as their join, and so have different constants of types that are not numbers.
AbsVal join_objects(const AbsVal& a, const AbsVal& b) {
  if (a.is_bottom()) return b;
  if (b.is_bottom()) return a;
  AbsVal r;
  if (a.is(Kind::Unbound) || b.is(Kind::Unbound)) {
    auto payload = [](const AbsVal& v) {
      AbsVal p = v;
      if (v.is(Kind::Unbound)) p.type = v.type->elem, p.c = nullptr;
      return p;
    };
    AbsVal p = join_objects(payload(a), payload(b));
    bool plain = p.is_bottom() || p.is(Kind::PyInt) || p.is(Kind::PyFloat) || p.is(Kind::PyBool);
    r.type = unbound_of(plain ? p.type : object());
    return r;
  }
  if (same(a, b)) return a;
  r.type = a.type;
  if (a.type == b.type && is_number(a.type)) return r;
  bool loops = (a.is(Kind::Iter) && b.is(Kind::Iter)) || (is_range(a.type) && is_range(b.type));
  if (loops) {
    AbsVal j;
    if (join(a, b, &j)) return j;
  }
  r.type = object();
  return r;
}

void eval_object_op(Emit& e, const Op& op, uint64_t key, std::span<const TV> a, std::vector<TV>* out) {
  if (by_row(e, op, a, out)) return;
  switch (op.code) {
    case OpCode::PyConst: return o_const(e, op, out);
    case OpCode::PyGlobal: return o_global(e, op, out);
    case OpCode::PyDeref: return o_deref(e, op, out);
    case OpCode::PyRefine: case OpCode::PyLocal: return out->push_back(a[0]);
    case OpCode::PyAttr: return o_attr(e, op, a, out);
    case OpCode::PySetAttr: return effect(e, {"setattr", 0, name_key(op.sym)}, {a[0], a[1]});
    case OpCode::PyBinop: case OpCode::PyInplace: return o_binop(e, op, a, out);
    case OpCode::PyUnary: return o_unary(e, op, a, out);
    case OpCode::PyCompare: return o_compare(e, op, a, out);
    case OpCode::PyIs: return o_is(e, op, a, out);
    case OpCode::PyContains: {
      TV r = one(e, {"contains"}, {a[0], a[1]}, pybool());
      return out->push_back(op.imm ? e.logic_not(r) : r);
    }
    case OpCode::PyTruth: return o_truth(e, a, out);
    case OpCode::PyCall: return o_call(e, op, a, out);
    case OpCode::PyIter: return o_iter(e, a, out);
    case OpCode::PyNext: return o_next(e, a, out);
    case OpCode::PyUnpack: case OpCode::PyUnpackEx: return o_unpack(e, op, a, out);
    case OpCode::PyFunction: return o_function(e, op, a, out);
    case OpCode::PyImport: return o_import(e, op, out);
    case OpCode::PyStoreGlobal: return effect(e, {"store_global", 0, name_key(op.sym)}, {this_function(e), a[0]});
    case OpCode::PyObject: return o_object(e, op, a, out);
    case OpCode::PyKeep: return o_keep(e, a);
    case OpCode::PyFrame: return out->push_back(e.none());
    case OpCode::PyLift: return o_lift(e, op, a, out);
    case OpCode::PyExit: return o_exit(e, op, a, out);
    case OpCode::PySuspend: return o_suspend(e, op, a, out);
    default: return eval_native_op(e, op, key, a, out);   // unbound, check_bound, unsupported, debug_local
  }
}

}  // namespace coluber::typing
