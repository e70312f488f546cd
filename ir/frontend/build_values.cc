// Micro-ops that make or change values: the stack, variables, operators, containers, strings.
#include "ir/frontend/stack_to_ssa.h"

namespace coluber::ir::frontend {
namespace {

constexpr size_t kUnfold = 1024;           // constant tuples up to this size become single constants

}  // namespace

void Builder::step(const Inst& i) {
  loc_ = i.loc;
  switch (i.op) {
#define MICRO(Name, pops, pushes, flags) \
  case Micro::Name: return do_##Name(i);
#include "ir/frontend/micro_ops.def"
  }
}

void Builder::simple(OpCode code, size_t operands, std::string_view sym, int64_t imm) {
  std::vector<ValueId> args = pop_many(operands);
  push(value(code, std::move(args), sym, imm));
}

void Builder::effect(OpCode code, std::vector<ValueId> args, std::string_view sym) { emit(code, std::move(args), 0).sym = sym; }

ValueId Builder::below(int n) {
  if (n < 1 || static_cast<size_t>(n) > stack_.size()) bad("it looks below the stack");
  Slot& s = stack_[stack_.size() - static_cast<size_t>(n)];
  if (s.kind == Slot::Null) bad("it uses a stack slot without a value");
  return materialise(&s);
}

// ---- the stack ------------------------------------------------------------------------------------------------------------------------

void Builder::do_Nop(const Inst&) {}
void Builder::do_Pop(const Inst&) { pop_slot(); }
void Builder::do_PopN(const Inst& i) {
  for (int n = 0; n < i.a; ++n) pop_slot();
}
void Builder::do_PushNull(const Inst&) { push_slot({Slot::Null}); }

// Depths were checked by stack_shape.cc.
void Builder::do_Copy(const Inst& i) { push_slot(stack_[stack_.size() - static_cast<size_t>(i.a)]); }
void Builder::do_Swap(const Inst& i) {
  size_t at = stack_.size() - static_cast<size_t>(i.a);
  touched(at);
  std::swap(stack_[at], stack_.back());
}
void Builder::do_Rot(const Inst& i) {
  Slot top = stack_.back();
  size_t to = stack_.size() - static_cast<size_t>(i.a);
  touched(to);
  stack_.pop_back();
  stack_.insert(stack_.begin() + static_cast<ptrdiff_t>(to), top);
}
void Builder::do_DupTwo(const Inst&) {
  push_slot(stack_[stack_.size() - 2]);
  push_slot(stack_[stack_.size() - 2]);
}

// ---- variables ------------------------------------------------------------------------------------------------------------------------

void Builder::do_Const(const Inst& i) { push(constant(i.a)); }
void Builder::do_Local(const Inst& i) {
  if (in_cell(i.a)) return push(object("cell_get", {cell_of(i.a)}, unit_.vars[static_cast<size_t>(i.a)].name));
  push(read(i.a, true));
}
void Builder::do_Closure(const Inst& i) {
  if (in_cell(i.a)) return push(cell_of(i.a));
  // Of an inlined comprehension: inner ones are inlined, too, and read the variable; for a function that lives on there would have to be a cell.
  bool foreign = unit_.objects && static_cast<size_t>(i.a) >= unit_.own_vars;
  push(foreign ? unbound() : read(i.a, false));
}
void Builder::do_LocalClear(const Inst& i) {
  if (in_cell(i.a)) return push(value(OpCode::PyUnsupported, {}, "a captured variable of a comprehension"));
  push(read(i.a, false));
  write(i.a, unbound());
}
void Builder::do_SetLocal(const Inst& i) {
  if (in_cell(i.a)) return object_effect("cell_set", {cell_of(i.a), pop()});
  ValueId v = typed(i.a, pop());
  write(i.a, v);
  const Unit::Var& var = unit_.vars[static_cast<size_t>(i.a)];
  if (var.cell && !unit_.objects) effect(OpCode::Retain, {v}, var.name);   // a mark for closures.cc, which removes it
  if (unit_.debug && static_cast<size_t>(i.a) < unit_.own_vars) effect(OpCode::PyDebugLocal, {v}, var.name);
}
ValueId Builder::typed(int v, ValueId x) {
  size_t at = static_cast<size_t>(v);
  if (unit_.typed_locals.empty() || at >= unit_.own_vars || x == unbound_) return x;
  for (const std::string& name : unit_.typed_locals) {
    if (name != unit_.vars[at].name) continue;
    x = value(OpCode::PyLocal, {x}, name);
    fn_.values[x].name = name;
  }
  return x;
}
void Builder::do_DelLocal(const Inst& i) {
  if (in_cell(i.a)) return object_effect("cell_del", {cell_of(i.a)}, unit_.vars[static_cast<size_t>(i.a)].name);
  read(i.a, true);
  write(i.a, unbound());
  const Unit::Var& var = unit_.vars[static_cast<size_t>(i.a)];
  if (var.cell && !unit_.objects) effect(OpCode::Retain, {unbound()}, var.name);
}
void Builder::do_Free(const Inst& i) {
  if (unit_.objects && i.b) return push(object("own_cell", {}, {}, i.a));
  ValueId v = value(OpCode::PyDeref, {}, unit_.frees[static_cast<size_t>(i.a)], i.a);
  if (i.b) def_of(v)->ints = {1};          // a mark: may be removed when the function is; closures.cc takes it away
  push(v);
}
void Builder::do_Global(const Inst& i) {
  if (const char* why = looks_at_frames(unit_.names[static_cast<size_t>(i.a)])) return push(value(OpCode::PyUnsupported, {}, why));
  push(value(OpCode::PyGlobal, {}, unit_.names[static_cast<size_t>(i.a)]));
}
void Builder::do_SetGlobal(const Inst& i) { effect(OpCode::PyStoreGlobal, {pop()}, unit_.names[static_cast<size_t>(i.a)]); }
void Builder::do_Attr(const Inst& i) {
  if (const char* why = looks_at_frames(unit_.names[static_cast<size_t>(i.a)])) return simple(OpCode::PyUnsupported, 1, why);
  simple(OpCode::PyAttr, 1, unit_.names[static_cast<size_t>(i.a)]);
}
void Builder::do_SetAttr(const Inst& i) {
  ValueId object = pop(), v = pop();
  effect(OpCode::PySetAttr, {object, v}, unit_.names[static_cast<size_t>(i.a)]);
}

// ---- operators ------------------------------------------------------------------------------------------------------------------------

void Builder::do_Binary(const Inst& i) { push(arithmetic(OpCode::PyBinop, 2, i)); }
void Builder::do_Inplace(const Inst& i) { push(arithmetic(OpCode::PyInplace, 2, i)); }
void Builder::do_Unary(const Inst& i) {
  if (i.a != kNot) return push(arithmetic(OpCode::PyUnary, 1, i));
  Slot s = pop_slot();                     // `not` asks for the truth by itself
  if (s.kind == Slot::Null) bad("it uses a stack slot without a value");
  push(value(OpCode::PyUnary, {s.value}, "not"));
}
void Builder::do_Compare(const Inst& i) {
  simple(OpCode::PyCompare, 2, operator_text(i.a));
  stack_.back().to_bool = i.b != 0;
}
void Builder::do_Is(const Inst& i) { simple(OpCode::PyIs, 2, {}, i.a); }
void Builder::do_Contains(const Inst& i) { simple(OpCode::PyContains, 2, {}, i.a); }
void Builder::do_ToBool(const Inst&) { stack_.back().to_bool = true; }
void Builder::do_GetItem(const Inst&) { simple(OpCode::PyGetItem, 2); }
void Builder::do_SetItem(const Inst&) {
  ValueId key = pop(), container = pop(), v = pop();
  effect(OpCode::PySetItem, {container, key, v});
}
void Builder::do_DelItem(const Inst&) { effect(OpCode::PyDelItem, pop_many(2)); }

// ---- containers and strings -------------------------------------------------------------------------------------------------------------

void Builder::do_Slice(const Inst& i) {
  if (i.a != 2 && i.a != 3) bad("a slice of " + std::to_string(i.a) + " parts");
  std::vector<ValueId> parts = pop_many(static_cast<size_t>(i.a));
  if (i.a == 3) return push(value(OpCode::PySlice, std::move(parts)));
  if (last_slice_.block != block_ || last_slice_.start != parts[0] || last_slice_.stop != parts[1]) {   // a[i:] += b: from 3.12 on it is built twice
    last_slice_ = {block_, parts[0], parts[1], kNoId};
    parts.push_back(constant(unit_.none()));
    last_slice_.slice = value(OpCode::PySlice, std::move(parts));
  }
  push(last_slice_.slice);
}
void Builder::do_Tuple(const Inst& i) { simple(OpCode::PyTuple, static_cast<size_t>(i.a)); }
void Builder::do_List(const Inst& i) { simple(OpCode::PyList, static_cast<size_t>(i.a)); }
void Builder::do_Set(const Inst& i) { simple(OpCode::PySet, static_cast<size_t>(i.a)); }
void Builder::do_Map(const Inst& i) { simple(OpCode::PyDict, 2 * static_cast<size_t>(i.a)); }
void Builder::do_String(const Inst& i) { simple(OpCode::PyString, static_cast<size_t>(i.a)); }

void Builder::do_ConstKeyMap(const Inst& i) {
  std::vector<ValueId> keys = items_of(pop()), values = pop_many(static_cast<size_t>(i.a)), pairs;
  if (keys.size() != values.size()) bad("a dict display with a wrong number of keys");
  for (size_t k = 0; k < keys.size(); ++k) {
    pairs.push_back(keys[k]);
    pairs.push_back(values[k]);
  }
  push(value(OpCode::PyDict, std::move(pairs)));
}

// The values of a tuple that the code itself made, constant or not.
std::vector<ValueId> Builder::items_of(ValueId tuple) {
  std::vector<ValueId> out;
  if (const clb_const* c = constant_of(tuple)) {
    if (c->kind != CLB_TUPLE) bad("a tuple is wanted");
    for (int64_t k = 0; k < c->n; ++k) out.push_back(constant(unit_.add_const(&c->items[k])));
    return out;
  }
  Op* op = def_of(tuple);
  if (!op || op->code != OpCode::PyTuple) bad("a tuple is wanted");
  return op->args;
}

void Builder::do_Format(const Inst& i) {
  if (!i.a && !i.b) {                      // of what was converted to a string before: nothing to do
    Op* op = def_of(below(1));
    if (op && op->code == OpCode::PyFormat && op->imm) return;
  }
  if (!i.b) return simple(OpCode::PyFormat, 1, {}, i.a);
  ValueId spec = pop();                    // a constant one comes right before its use in all versions
  if (constant_of(spec)) spec = constant(static_cast<int>(def_of(spec)->imm));
  push(value(OpCode::PyFormat, {pop(), spec}, {}, i.a));
}

void Builder::do_ListAppend(const Inst& i) {
  ValueId item = pop();
  effect(OpCode::PyListAppend, {below(i.a), item});
}
void Builder::do_SetAdd(const Inst& i) {
  ValueId item = pop();
  effect(OpCode::PySetAdd, {below(i.a), item});
}
void Builder::do_MapAdd(const Inst& i) {
  ValueId item = pop(), key = pop();
  effect(OpCode::PyMapAdd, {below(i.a), key, item});
}

// A display of constants is compiled as an empty list that is extended by a constant tuple: make it a plain list again.
void Builder::do_ListExtend(const Inst& i) {
  ValueId items = pop(), list = below(i.a);
  const clb_const* c = constant_of(items);
  Block& block = fn_.blocks[block_];
  size_t n = block.ops.size();
  bool fresh = n >= 2 && block.ops[n - 1].results == std::vector{items} && block.ops[n - 2].results == std::vector{list} &&
               block.ops[n - 2].code == OpCode::PyList && block.ops[n - 2].args.empty();
  if (!fresh || !c || c->kind != CLB_TUPLE || static_cast<size_t>(c->n) > kUnfold) return effect(OpCode::PyListExtend, {list, items});
  block.ops.resize(n - 2);
  defs_[items] = defs_[list] = Def{};
  std::vector<ValueId> values;
  for (int64_t k = 0; k < c->n; ++k) values.push_back(constant(unit_.add_const(&c->items[k])));
  size_t at = stack_.size() - static_cast<size_t>(i.a);
  touched(at);
  stack_[at].value = value(OpCode::PyList, std::move(values));
}
void Builder::do_ListToTuple(const Inst&) { simple(OpCode::PyListToTuple, 1); }

void Builder::do_Unpack(const Inst& i) {
  ValueId v = pop();
  size_t n = static_cast<size_t>(i.a);
  Op* made = def_of(v);
  std::vector<ValueId> items;
  if (made && made->code == OpCode::PyTuple && made->args.size() == n) {   // a, b, c, d = b, c, d, a
    items = made->args;
  } else {
    items = emit(OpCode::PyUnpack, {v}, i.a).results;
  }
  for (size_t k = n; k-- > 0;) push(items[k]);
}
void Builder::do_UnpackEx(const Inst& i) {
  Op& op = emit(OpCode::PyUnpackEx, {pop()}, i.a + i.b + 1);
  op.imm = i.a;
  std::vector<ValueId> items = op.results;
  for (size_t k = items.size(); k-- > 0;) push(items[k]);
}
void Builder::do_Iter(const Inst&) { simple(OpCode::PyIter, 1); }

}  // namespace coluber::ir::frontend
