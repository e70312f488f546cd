// Numbers variables, constants and names function-wide, and answers small questions about micro-ops.
#include <cstring>

#include "ir/frontend/decode.h"
#include "ir/frontend/fail.h"

namespace coluber::ir::frontend {
namespace {

const clb_const kNoneConst = {.kind = CLB_NONE};
const clb_const kFalseConst = {.kind = CLB_BOOL};
const clb_const kTrueConst = {.kind = CLB_BOOL, .i = 1};

int index_of(const char* const* names, int n, const char* name) {
  for (int i = 0; i < n; ++i)
    if (!std::strcmp(names[i], name)) return i;
  return -1;
}

// The part that all code objects have: their locals and cells, as fresh variables, and their constants and names.
CodeScope own_part(Unit* unit, const clb_code& code) {
  CodeScope scope;
  int base = static_cast<int>(unit->vars.size());
  for (int i = 0; i < code.nvarnames; ++i) {
    bool cell = index_of(code.cellvars, code.ncellvars, code.varnames[i]) >= 0;
    unit->vars.push_back({code.varnames[i], cell});
    scope.slots.push_back(base + i);
  }
  for (int i = 0; i < code.ncellvars; ++i) {
    int local = index_of(code.varnames, code.nvarnames, code.cellvars[i]);
    if (local < 0) {
      local = static_cast<int>(scope.slots.size());
      scope.slots.push_back(static_cast<int>(unit->vars.size()));
      unit->vars.push_back({code.cellvars[i], true});
    }
    scope.cells.push_back(local);
  }
  scope.const_base = static_cast<int>(unit->consts.size());
  for (int i = 0; i < code.nconsts; ++i) unit->consts.push_back(&code.consts[i]);
  scope.name_base = static_cast<int>(unit->names.size());
  unit->names.insert(unit->names.end(), code.names, code.names + code.nnames);
  return scope;
}

void add_free(CodeScope* scope, int slot) {
  scope->cells.push_back(static_cast<int>(scope->slots.size()));
  scope->slots.push_back(slot);
}

// The slot of a variable by name, among cells and free variables of `code`.
int find_slot(const clb_code& code, const CodeScope& scope, const char* name) {
  int cell = index_of(code.cellvars, code.ncellvars, name);
  if (cell < 0) cell = index_of(code.freevars, code.nfreevars, name);
  else return scope.slots[static_cast<size_t>(scope.cells[static_cast<size_t>(cell)])];
  if (cell < 0) fail_bytecode(std::string("no enclosing variable '") + name + "'");
  return scope.slots[static_cast<size_t>(scope.cells[static_cast<size_t>(code.ncellvars + cell)])];
}

}  // namespace

CodeScope root_scope(Unit* unit, const clb_code& code) {
  CodeScope scope = own_part(unit, code);
  unit->own_vars = unit->vars.size();
  for (int i = 0; i < code.nfreevars; ++i) {
    add_free(&scope, ~static_cast<int>(unit->frees.size()));
    unit->frees.push_back(code.freevars[i]);
  }
  return scope;
}

CodeScope nested_scope(Unit* unit, const clb_code& code, const clb_code& outer_code, const CodeScope& outer) {
  if (code.nvarnames < 1 || code.argcount != 1) fail_bytecode("a comprehension without its argument");
  CodeScope scope = own_part(unit, code);
  for (int i = 0; i < code.nfreevars; ++i) add_free(&scope, find_slot(outer_code, outer, code.freevars[i]));
  scope.comprehension = true;
  return scope;
}

int Unit::add_const(const clb_const* c) {
  auto [it, fresh] = added_.emplace(c, static_cast<int>(consts.size()));
  if (fresh) consts.push_back(c);
  return it->second;
}
int Unit::none() { return add_const(&kNoneConst); }
int Unit::boolean(bool value) { return add_const(value ? &kTrueConst : &kFalseConst); }

const char* operator_text(int op) {
  static constexpr const char* kText[] = {"add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "lshift", "rshift",
                                          "neg", "pos", "invert", "not", "lt", "le", "eq", "ne", "gt", "ge"};
  return kText[op];
}

int popcount(int bits) { return __builtin_popcount(static_cast<unsigned>(bits)); }

int pops(const Inst& inst) {
  [[maybe_unused]] int a = inst.a, b = inst.b;
  auto kBits = popcount;
  switch (inst.op) {
#define MICRO(Name, pops, pushes, flags) \
  case Micro::Name: return pops;
#include "ir/frontend/micro_ops.def"
  }
  return 0;
}

int pushes(const Inst& inst) {
  [[maybe_unused]] int a = inst.a, b = inst.b;
  switch (inst.op) {
#define MICRO(Name, pops, pushes, flags) \
  case Micro::Name: return pushes;
#include "ir/frontend/micro_ops.def"
  }
  return 0;
}

uint8_t micro_flags(Micro op) {
  static constexpr uint8_t kFlags[] = {
#define MICRO(Name, pops, pushes, flags) flags,
#include "ir/frontend/micro_ops.def"
  };
  return kFlags[static_cast<size_t>(op)];
}

}  // namespace coluber::ir::frontend
