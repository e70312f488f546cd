// Micro-ops of object mode: what compiled code does with Python objects only. Variables that inner functions capture lie in cells, as
// CPython has them; frames hold their variables until these are set anew or the function returns (py.keep).
#include <algorithm>

#include "ir/frontend/stack_to_ssa.h"

namespace coluber::ir::frontend {

// The variables and stack slots that an entry point names are the parameters.
void Builder::part_entry() {
  const EntryPoint& e = unit_.entry;
  auto param = [&](int v) {
    ValueId p = add_param(block_, v);
    vars_[static_cast<size_t>(v)] = p;
    stamps_[static_cast<size_t>(v)] = stamp_;
    return p;
  };
  cells_.assign(unit_.vars.size(), kNoId);
  for (int v : e.vars) {
    ValueId p = param(v);
    if (in_cell(v)) cells_[static_cast<size_t>(v)] = p;
  }
  for (int k = e.stack; k > 0; --k) param(static_cast<int>(unit_.vars.size()) - k);
  if (e.resume) {                          // whoever calls holds them up to Sent only
    for (int v : e.vars) own(in_cell(v) ? &cells_[static_cast<size_t>(v)] : &vars_[static_cast<size_t>(v)]);
    for (int k = e.stack; k > 0; --k) own(&vars_[unit_.vars.size() - static_cast<size_t>(k)]);
  }
  jump(edge_to(0));
}

void Builder::own(ValueId* value) {
  int v = var_of_[*value];
  std::string name = fn_.values[*value].name;
  *value = object("own", {*value});
  var_of_[*value] = v;
  fn_.values[*value].name = std::move(name);
}

// Ends the code with what the generator gives; its frame is kept as the parameters of the part that begins behind the yield.
void Builder::do_Suspend(const Inst& i) {
  for (Slot& s : stack_) materialise(&s);
  EntryPoint at;
  at.offset = i.offset;
  at.resume = 1 + i.b;
  at.on_objects = unit_.entry.on_objects;
  for (const BlockStackEntry& b : cfg_.block_stacks[static_cast<size_t>(cfg_block_->block_stack)]) at.blocks.push_back({b.target, b.depth});
  std::vector<ValueId> args{below(1)};
  for (size_t v = 0; v < unit_.own_vars; ++v) {
    at.vars.push_back(static_cast<int>(v));
    args.push_back(in_cell(static_cast<int>(v)) ? cells_[v] : read(static_cast<int>(v), false));
  }
  for (size_t k = 0; k + 1 < stack_.size(); ++k) {
    if (stack_[k].kind == Slot::Null) {
      at.holes.push_back(static_cast<int>(k));
      continue;
    }
    if (stack_[k].kind == Slot::Marker) at.markers.push_back(static_cast<int>(k));
    args.push_back(stack_[k].value);
    ++at.stack;
  }
  ValueId result = value(OpCode::PySuspend, std::move(args), at.text(), i.b | (at.markers.empty() ? 0 : 2));
  effect(OpCode::Return, {result});
}

void Builder::do_Sent(const Inst&) {
  bool handling = !unit_.entry.markers.empty();
  if (handling) handled();
  ValueId value = object("sent", {}, {}, handling);
  pop();
  push(value);
}
void Builder::do_Mark(const Inst&) {
  ValueId e = pop();
  push_slot({Slot::Marker, false, e});
}
void Builder::do_YieldIter(const Inst&) { push(object("yield_iter", {pop()})); }
void Builder::do_Send(const Inst&) {
  ValueId sent = pop();
  Op& op = emit(OpCode::PyObject, {below(1), sent}, 2);
  op.sym = "send";
  std::vector<ValueId> made = op.results;
  push(made[0]);
  push(made[1]);
}
// What is being handled is not changed by a look at the exception.
void Builder::do_StopValue(const Inst&) {
  ValueId value = object("stop_value", {pop()});
  handled();
  push(value);
}

// Where execution goes on in object mode in front of an instruction: its variables and its stack.
ValueId Builder::frame(const Inst& i) {
  size_t nulls = static_cast<size_t>(unit_.entry.nulls);
  if (!unit_.frames || cfg_block_->foreign) return kNoId;
  const std::vector<uint32_t>& left = unit_.entry.on_objects;
  if (std::find(left.begin(), left.end(), i.offset) != left.end()) return kNoId;
  for (size_t k = 0; k < stack_.size(); ++k)
    if (k < nulls ? stack_[k].kind != Slot::Null : stack_[k].kind == Slot::Marker || stack_[k].to_bool) return kNoId;
  std::vector<ValueId> args;
  std::vector<int64_t> ints{i.offset, 0};
  for (size_t v = 0; v < unit_.own_vars; ++v) {
    ValueId value = in_cell(static_cast<int>(v)) ? cells_[v] : var(static_cast<int>(v));
    if (value == kNoId || value == unbound_) continue;
    args.push_back(value);
    ints.push_back(static_cast<int64_t>(v));
  }
  ints[1] = static_cast<int64_t>(args.size());
  for (size_t k = nulls; k < stack_.size(); ++k) {
    if (stack_[k].kind == Slot::Null) ints.push_back(static_cast<int64_t>(k - nulls));
    else args.push_back(stack_[k].value);
  }
  Op& op = emit(OpCode::PyFrame, std::move(args), 1);
  op.ints = std::move(ints);
  return op.results[0];
}

// An operator, with the frame as its last operand where there is one.
ValueId Builder::arithmetic(OpCode code, size_t operands, const Inst& i) {
  for (size_t k = 0; k < operands && k < stack_.size(); ++k) materialise(&stack_[stack_.size() - 1 - k]);
  ValueId at = frame(i);
  std::vector<ValueId> args = pop_many(operands);
  if (at != kNoId) args.push_back(at);
  return value(code, std::move(args), operator_text(i.a));
}

void Builder::do_Exit(const Inst& i) {
  std::vector<ValueId> args;
  for (size_t e = 0; e < unit_.entry.exits.size(); ++e)
    for (int v : unit_.entry.exits[e].vars) args.push_back(static_cast<int>(e) == i.a ? read(v, false) : unbound());
  ValueId all = value(OpCode::PyExit, std::move(args), {}, i.a);
  effect(OpCode::Return, {all});
}
void Builder::do_Lift(const Inst& i) {
  const EntryPoint& e = unit_.lifts[static_cast<size_t>(i.a)].entry;
  std::vector<ValueId> args;
  for (int v : e.vars) args.push_back(read(v, false));
  for (int k = 0; k < e.slots(); ++k) {
    bool again = std::any_of(e.again.begin(), e.again.end(), [&](const EntryPoint::Again& a) { return a.slot == k; });
    if (!again && std::find(e.holes.begin(), e.holes.end(), k) == e.holes.end()) args.push_back(below(e.slots() - k));
  }
  int results = 0;
  for (const EntryPoint::Exit& exit : e.exits) results += 1 + 2 * static_cast<int>(exit.vars.size());
  Op& op = emit(OpCode::PyLift, std::move(args), results);
  op.sym = e.text();
  op.imm = static_cast<int64_t>(e.exits.size());
  for (const EntryPoint::Exit& exit : e.exits) op.ints.push_back(static_cast<int64_t>(exit.vars.size()));
  lift_results_.resize(unit_.lifts.size());
  lift_results_[static_cast<size_t>(i.a)] = op.results;
}
void Builder::do_LiftResult(const Inst& i) { push(lift_results_[static_cast<size_t>(i.a)].at(static_cast<size_t>(i.b))); }

// One cell per captured variable, made at the function's start; it holds the parameter, if the variable is one.
void Builder::make_cells() {
  cells_.assign(unit_.vars.size(), kNoId);
  for (size_t v = 0; v < unit_.own_vars; ++v) {
    if (!unit_.vars[v].cell) continue;
    ValueId held = var(static_cast<int>(v));
    std::vector<ValueId> args;
    if (held != kNoId) args.push_back(held);
    cells_[v] = object("new_cell", args);
  }
}

ValueId Builder::cell_of(int v) {
  ValueId cell = cells_[static_cast<size_t>(v)];
  if (cell == kNoId) return value(OpCode::PyUnsupported, {}, "a captured variable of a comprehension");
  return cell;
}

void Builder::keep(const std::vector<ValueId>& values) {
  std::vector<ValueId> held;
  for (ValueId v : values)
    if (v != kNoId && v != unbound_ && std::find(held.begin(), held.end(), v) == held.end()) held.push_back(v);
  if (!held.empty()) emit(OpCode::PyKeep, std::move(held), 0);
}

ValueId Builder::object(std::string_view what, std::vector<ValueId> args, std::string_view name, int64_t imm) {
  Op& op = emit(OpCode::PyObject, std::move(args), 1);
  op.sym = what;
  op.imm = imm;
  if (!name.empty()) op.names.emplace_back(name);
  return op.results[0];
}
void Builder::object_effect(std::string_view what, std::vector<ValueId> args, std::string_view name, int64_t imm) {
  Op& op = emit(OpCode::PyObject, std::move(args), 0);
  op.sym = what;
  op.imm = imm;
  if (!name.empty()) op.names.emplace_back(name);
}

// The handlers that are still running are on the stack; without one it is what the caller handles.
void Builder::handled() {
  std::vector<ValueId> exception;
  for (size_t n = stack_.size(); n-- > 0 && exception.empty();)
    if (stack_[n].kind == Slot::Marker) exception.push_back(stack_[n].value);
  emit(OpCode::PyHandled, std::move(exception), 0);
}

// Functions that look at the frame of who calls them: compiled code has none.
const char* Builder::looks_at_frames(std::string_view name) const {
  static constexpr const char* kNames[] = {"locals", "vars", "dir", "eval", "exec", "globals", "breakpoint", "_getframe", "currentframe", "stack",
                                           "extract_stack", "print_stack", "format_stack", "warn", "__class__"};
  if (!unit_.objects) return nullptr;
  for (const char* known : kNames)
    if (name == known) return "a call that looks at its caller's frame (locals, eval, exec, warnings.warn and the like)";
  return nullptr;
}

void Builder::do_SetFree(const Inst& i) { object_effect("cell_set", {object("own_cell", {}, {}, i.a), pop()}); }
void Builder::do_DelFree(const Inst& i) { object_effect("cell_del", {object("own_cell", {}, {}, i.a)}, unit_.frees[static_cast<size_t>(i.a)]); }
void Builder::do_DelAttr(const Inst& i) { object_effect("delattr", {pop()}, unit_.names[static_cast<size_t>(i.a)]); }
void Builder::do_DelGlobal(const Inst& i) { object_effect("delete_global", {}, unit_.names[static_cast<size_t>(i.a)]); }
void Builder::do_BuildClass(const Inst&) { push(object("build_class", {})); }

void Builder::do_Update(const Inst& i) {
  static constexpr const char* kNames[] = {"set_update", "dict_update", "dict_merge"};
  ValueId operand = pop();
  std::vector<ValueId> args{below(i.a), operand};
  if (i.b == kDictMerge) {                 // the callee, for the message: behind the tuple of positional arguments, and maybe a null
    Slot& callee = stack_[stack_.size() - static_cast<size_t>(i.a) - 2];
    bool null = callee.kind == Slot::Null;
    args.push_back(below(i.a + (null ? 3 : 2)));
  }
  object_effect(kNames[i.b], std::move(args));
}

void Builder::do_Peek(const Inst& i) {
  static constexpr const char* kNames[] = {"length", "match_mapping", "match_sequence"};
  push(object(kNames[i.a], {below(1)}));
}
// 3.10 has a bool beside what was found.
void Builder::push_found(ValueId found, bool flag) {
  push(found);
  if (flag) push(value(OpCode::PyIs, {found, constant(unit_.none())}, {}, 1));
}
void Builder::do_MatchKeys(const Inst& i) { push_found(object("match_keys", {below(2), below(1)}), i.a); }
void Builder::do_MatchClass(const Inst& i) { push_found(object("match_class", pop_many(3), {}, i.a), i.b); }
void Builder::do_DictWithout(const Inst&) {
  ValueId keys = pop();
  push(object("dict_without", {below(1), keys}));
}

void Builder::do_SuperAttr(const Inst& i) {
  std::vector<ValueId> args = pop_many(3);
  push(value(OpCode::PyAttr, {value(OpCode::PyCall, std::move(args))}, unit_.names[static_cast<size_t>(i.a)]));
}

// Of the call that makes the context manager, the op that stands for the statement has the callee and the keywords.
Op& Builder::with_op(ValueId context, int results) {
  std::vector<ValueId> args{context};
  std::vector<std::string> names;
  int64_t given = -1;                      // arguments; -1: it is no call
  if (Op* call = def_of(context); call && call->code == OpCode::PyCall) {
    args = call->args;
    names = call->names;
    given = static_cast<int64_t>(args.size()) - 1;
  }
  Op& op = emit(OpCode::PyWith, std::move(args), results);
  op.names = std::move(names);
  op.ints = {given, static_cast<int64_t>(op.names.size())};
  return op;
}

void Builder::do_WithBody(const Inst& i) {
  const Lift& lift = unit_.lifts[static_cast<size_t>(i.a)];
  int results = 0;
  std::vector<std::string> names;
  std::vector<int64_t> flags(lift.sure.begin(), lift.sure.end());
  for (const EntryPoint::Exit& exit : lift.entry.exits) {
    results += 1 + 2 * static_cast<int>(exit.vars.size());
    for (int v : exit.vars) names.emplace_back(unit_.vars[static_cast<size_t>(v)].name);
  }
  for (int v : lift.entry.vars) {
    names.emplace_back(unit_.vars[static_cast<size_t>(v)].name);
    flags.push_back(unit_.vars[static_cast<size_t>(v)].cell);
  }
  std::vector<ValueId> vars;
  ValueId context = pop();
  for (int v : lift.entry.vars) vars.push_back(read(v, false));
  Op& op = with_op(context, results);
  op.args.insert(op.args.end(), vars.begin(), vars.end());
  op.sym = lift.entry.text();
  op.names.insert(op.names.end(), names.begin(), names.end());
  op.ints.insert(op.ints.end(), flags.begin(), flags.end());
  lift_results_.resize(unit_.lifts.size());
  lift_results_[static_cast<size_t>(i.a)] = op.results;
}

// Native code asks what the context manager is; its call has been made by then, and may be asked what it calls.
void Builder::do_WithKind(const Inst&) {
  Op* call = def_of(below(1));
  push(value(OpCode::PyWithKind, {call && call->code == OpCode::PyCall ? call->args[0] : below(1)}));
}

// Without objects a context manager is a value with methods; its __exit__ stays on the stack, to be called on each way out.
void Builder::do_WithEnter(const Inst& i) {
  if (!unit_.objects && i.b) {             // objmode, and its body cannot be cut out
    with_op(pop(), 0).imm = i.b;
    ValueId none = value(OpCode::PyUnsupported, {}, "with statement");
    push(none);
    return push(none);
  }
  if (!unit_.objects) {
    ValueId manager = pop();
    ValueId exit = value(OpCode::PyAttr, {manager}, "__exit__"), enter = value(OpCode::PyAttr, {manager}, "__enter__");
    push(exit);
    return push(value(OpCode::PyCall, {enter}));
  }
  std::vector<ValueId> made = [&] {
    Op& op = emit(OpCode::PyObject, {pop()}, 2);
    op.sym = "enter";
    return op.results;
  }();
  push(made[0]);
  push(made[1]);
}
void Builder::do_WithExit(const Inst& i) {
  ValueId exit = below(i.a), exception = below(1);
  if (!unit_.objects) return push(value(OpCode::PyCall, {exit, exception, exception, constant(unit_.none())}));
  push(object("exit", {exit, exception}));
}

}  // namespace coluber::ir::frontend
