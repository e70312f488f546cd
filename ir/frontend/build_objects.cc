// Micro-ops of object mode: what compiled code does with Python objects only. Variables that inner functions capture lie in cells, as
// CPython has them; frames hold their variables until these are set anew or the function returns (py.keep).
#include <algorithm>

#include "ir/frontend/stack_to_ssa.h"

namespace coluber::ir::frontend {

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

void Builder::do_SuperAttr(const Inst& i) {
  std::vector<ValueId> args = pop_many(3);
  push(value(OpCode::PyAttr, {value(OpCode::PyCall, std::move(args))}, unit_.names[static_cast<size_t>(i.a)]));
}

void Builder::do_WithEnter(const Inst&) {
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
  push(object("exit", {exit, exception}));
}

}  // namespace coluber::ir::frontend
