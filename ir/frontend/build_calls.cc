// Micro-ops of calls, functions and imports.
#include <cstring>

#include "ir/frontend/stack_to_ssa.h"

namespace coluber::ir::frontend {
namespace {

enum FunctionPart { kDefaults = 1, kKwDefaults = 2, kAnnotations = 4, kCaptures = 8 };

}  // namespace

std::vector<std::string> Builder::strings(const clb_const* tuple) {
  if (!tuple || tuple->kind != CLB_TUPLE) bad("a tuple of names is wanted");
  std::vector<std::string> out;
  for (int64_t i = 0; i < tuple->n; ++i) {
    const clb_const& c = tuple->items[i];
    if (c.kind != CLB_STR) bad("a tuple of names is wanted");
    out.emplace_back(c.s, static_cast<size_t>(c.n));
  }
  return out;
}

// What is called lies in two slots: a null and the callee in either order, or the callee and its first argument.
std::pair<ValueId, ValueId> Builder::pop_callee() {
  Slot second = pop_slot(), first = pop_slot();
  bool has_first = first.kind != Slot::Null, has_second = second.kind != Slot::Null;
  if (!has_first && !has_second) bad("a call of nothing");
  materialise(&first);
  materialise(&second);
  if (has_first && has_second) return {first.value, second.value};
  return {has_first ? first.value : second.value, kNoId};
}

void Builder::call(ValueId callee, std::vector<ValueId> args, std::vector<std::string> names, bool generator) {
  if (names.size() > args.size()) bad("a call with more keywords than arguments");
  Op* function = def_of(callee);
  if (!unit_.objects && function && function->code == OpCode::PyFunction && !std::strcmp(unit_.consts[static_cast<size_t>(function->imm)]->code->name, "<genexpr>"))
    return push(value(OpCode::PyUnsupported, {}, "a generator expression here"));
  bool super = unit_.objects && args.empty() && function && function->code == OpCode::PyGlobal && function->sym == "super";
  if (super && !super_arguments(&args))
    return push(value(OpCode::PyUnsupported, {}, "super() without arguments"));
  args.insert(args.begin(), callee);
  Op& op = emit(OpCode::PyCall, std::move(args), 1);
  op.names = std::move(names);
  op.imm = generator;
  push(op.results[0]);
}

// super() is super(__class__, the first parameter): what the compiler keeps in a cell, and what the variable is now.
bool Builder::super_arguments(std::vector<ValueId>* args) {
  if (!has_self_ || cfg_block_->foreign) return false;
  for (size_t k = 0; k < unit_.frees.size(); ++k) {
    if (std::strcmp(unit_.frees[k], "__class__")) continue;
    args->push_back(value(OpCode::PyDeref, {}, unit_.frees[k], static_cast<int64_t>(k)));
    args->push_back(in_cell(0) ? object("cell_get", {cell_of(0)}, unit_.vars[0].name) : read(0, true));
    return true;
  }
  return false;
}

void Builder::do_CallPlain(const Inst& i) {
  std::vector<ValueId> args = pop_many(static_cast<size_t>(i.a));
  ValueId callee = pop();
  call(callee, std::move(args), {}, i.flag);
}
void Builder::do_CallKwPlain(const Inst& i) {
  std::vector<std::string> names = strings(constant_of(pop()));
  std::vector<ValueId> args = pop_many(static_cast<size_t>(i.a));
  ValueId callee = pop();
  call(callee, std::move(args), std::move(names), i.flag);
}
void Builder::do_Call(const Inst& i) {
  std::vector<ValueId> args = pop_many(static_cast<size_t>(i.a));
  auto [callee, self] = pop_callee();
  if (self != kNoId) args.insert(args.begin(), self);
  call(callee, std::move(args), i.b ? strings(unit_.consts[static_cast<size_t>(i.b - 1)]) : std::vector<std::string>{}, i.flag);
}
void Builder::do_CallKw(const Inst& i) {
  std::vector<std::string> names = strings(constant_of(pop()));
  std::vector<ValueId> args = pop_many(static_cast<size_t>(i.a));
  auto [callee, self] = pop_callee();
  if (self != kNoId) args.insert(args.begin(), self);
  call(callee, std::move(args), std::move(names), i.flag);
}
void Builder::do_CallEx(const Inst& i) {
  std::vector<ValueId> args = pop_many(i.a ? 2 : 1);
  auto [callee, self] = i.b ? pop_callee() : std::pair{pop(), kNoId};
  if (self != kNoId) bad("a call with both a first argument and a tuple");
  args.insert(args.begin(), callee);
  push(value(OpCode::PyCallEx, std::move(args)));
}

// Below the code (and, in 3.10, its name) lie the parts that the flags tell, the last one on top.
void Builder::do_Function(const Inst& i) {
  if (i.b == 2) pop();
  ValueId code = pop();
  const clb_const* c = constant_of(code);
  if (!c || c->kind != CLB_CODE || !c->code) bad("a function without code");
  Op op;
  op.imm = def_of(code)->imm;
  op.ints = {0, 0, 0};
  for (int flag : {kCaptures, kAnnotations, kKwDefaults, kDefaults})
    if (i.a & flag) function_part(&op, flag, pop());
  Op& made = emit(OpCode::PyFunction, std::move(op.args), 1);
  made.imm = op.imm;
  made.ints = std::move(op.ints);
  made.names = std::move(op.names);
  push(made.results[0]);
}

// 3.13 adds the parts to the finished function. The op is made again, behind what the part needs.
void Builder::do_FunctionAttr(const Inst& i) {
  ValueId function = pop(), part = pop();
  Op* old = def_of(function);
  if (!old || old->code != OpCode::PyFunction) bad("a part for something that is no function");
  Op op;
  op.args = old->args;
  op.imm = old->imm;
  op.ints = old->ints;
  op.names = old->names;
  drop(function);
  if (i.a != kDefaults && i.a != kKwDefaults && i.a != kAnnotations && i.a != kCaptures) bad("an unknown part of a function");
  function_part(&op, i.a, part);
  Op& made = emit(OpCode::PyFunction, std::move(op.args), 1);
  made.imm = op.imm;
  made.ints = std::move(op.ints);
  made.names = std::move(op.names);
  push(made.results[0]);
}

// Operands: positional defaults, keyword-only defaults, captures; names: of the last two.
void Builder::function_part(Op* op, int flag, ValueId part) {
  op->ints[2] |= flag;
  size_t defaults = static_cast<size_t>(op->ints[0]), captures = static_cast<size_t>(op->ints[1]);
  if (flag == kDefaults) {
    if (defaults) bad("defaults given twice");
    std::vector<ValueId> values = items_of(part);
    op->ints[0] = static_cast<int64_t>(values.size());
    op->args.insert(op->args.begin(), values.begin(), values.end());
  } else if (flag == kKwDefaults) {
    Op* dict = def_of(part);
    if (!dict || dict->code != OpCode::PyDict) bad("keyword defaults that are no dict");
    std::vector<ValueId> pairs = dict->args;
    for (size_t k = 0; k + 1 < pairs.size(); k += 2) {
      const clb_const* name = constant_of(pairs[k]);
      if (!name || name->kind != CLB_STR) bad("a keyword default without a name");
      op->names.insert(op->names.end() - static_cast<ptrdiff_t>(captures), std::string(name->s, static_cast<size_t>(name->n)));
      op->args.insert(op->args.end() - static_cast<ptrdiff_t>(captures), pairs[k + 1]);
    }
    drop(part);
  } else if (flag == kCaptures) {
    const clb_code& code = *unit_.consts[static_cast<size_t>(op->imm)]->code;
    std::vector<ValueId> values = items_of(part);
    if (captures || values.size() != static_cast<size_t>(code.nfreevars)) bad("a function with a wrong number of captured variables");
    op->ints[1] = static_cast<int64_t>(values.size());
    op->args.insert(op->args.end(), values.begin(), values.end());
    op->names.insert(op->names.end(), code.freevars, code.freevars + code.nfreevars);
  }
}

void Builder::do_Import(const Inst& i) {
  ValueId from = pop(), level = pop();
  const clb_const *names = constant_of(from), *dots = constant_of(level);
  std::vector<std::string> list;
  if (names && names->kind == CLB_TUPLE) list = strings(names);
  ValueId module = value(OpCode::PyImport, {}, unit_.names[static_cast<size_t>(i.a)], dots && dots->kind == CLB_INT ? dots->i : 0);
  def_of(module)->names = std::move(list);
  push(module);
}
void Builder::do_ImportFrom(const Inst& i) {
  ValueId module = below(1);
  if (unit_.objects) return push(object("import_from", {module}, unit_.names[static_cast<size_t>(i.a)]));
  push(value(OpCode::PyAttr, {module}, unit_.names[static_cast<size_t>(i.a)]));
}

void Builder::do_Yield(const Inst&) { simple(OpCode::PyUnsupported, 1, "yield"); }

void Builder::do_Unsupported(const Inst& i) {
  for (int n = 0; n < pops(i); ++n) pop_slot();
  ValueId v = value(OpCode::PyUnsupported, {}, unit_.names[static_cast<size_t>(i.b)]);
  for (int n = 0; n < pushes(i); ++n) push(v);
}

}  // namespace coluber::ir::frontend
