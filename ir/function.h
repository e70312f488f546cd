// The IR: functions of basic blocks in SSA form with block parameters. One set of classes for both states: untyped (every value has
// the type bottom and the ops are py.*) and typed.
//
//   func @f(%0: pyint, %1: pyint) -> pyint {
//   ^0(%0: pyint, %1: pyint):            parameters of block 0 are the function's
//     %2 = add %0, %1 : pyint !3
//     jump ^1(%2)
//   ^1(%3: pyint) !err ^2(%3):           error edge: where an op of this block goes when it raises (none: out of the function)
//     return %3
//   }
//
// Errors. An op flagged Raises that fails leaves the block by its error edge. The arguments of an error edge are values that are
// defined before the block begins (its parameters or values of dominating blocks), never values defined in it. The handler finds the
// exception in the context (exc.catch). Ownership at that point: `Op::on_error` lists what must be released on the way.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ir/type.h"

namespace coluber::ir {

enum OpFlag : uint32_t { Pure = 1, Raises = 2, Reads = 4, Writes = 8, Term = 16, View = 32, Takes = 64 };

enum class OpCode : uint16_t {
#define OP(Enum, text, operands, results, flags) Enum,
#include "ir/ops.def"
};

struct OpInfo {
  const char* text;
  int operands, results;
  uint32_t flags;
};
const OpInfo& info(OpCode code);
bool op_from_text(std::string_view text, OpCode* out);

using ValueId = uint32_t;
using BlockId = uint32_t;
inline constexpr uint32_t kNoId = ~0u;

struct Edge {
  BlockId block = kNoId;
  std::vector<ValueId> args;
  bool valid() const { return block != kNoId; }
};

// Where an op comes from. `scope` indexes Function::scopes (0: the function itself; others: functions inlined into it).
struct Loc {
  uint32_t line = 0, col = 0, end_line = 0, end_col = 0;
  uint32_t scope = 0;
};
struct Scope {                             // a function whose body is (partly) in this one
  int64_t code = -1;                       // host handle of the function
  std::string name, file;
  uint32_t parent = kNoId, parent_loc = 0; // the call it was inlined at: a scope and an index into Function::locs
};

struct Op {
  OpCode code = OpCode::Unreachable;
  std::vector<ValueId> args;
  std::vector<ValueId> results;
  std::vector<Edge> targets;               // of terminators
  int64_t imm = 0;
  double fimm = 0, fimm2 = 0;
  std::string sym;
  TypeRef type = nullptr;                  // a type immediate, where a row has one
  std::vector<int64_t> ints;
  std::vector<std::string> names;
  std::vector<ValueId> on_error;           // released when this op raises (filled by passes/refcount)
  uint32_t loc = 0;                        // index into Function::locs

  ValueId result(size_t i = 0) const { return results[i]; }
  bool has(OpFlag f) const { return info(code).flags & f; }
};

struct Value {
  TypeRef type = nullptr;                  // bottom() in untyped IR
  BlockId block = kNoId;                   // where it is defined
  uint32_t op = kNoId;                     // index into that block's ops at definition time is not kept: see analysis/; kNoId: a parameter
  std::string name;                        // the Python variable it was last stored to, for debug info and messages; may be empty
};

// The frame state at the head of a block: which value each Python local and stack position has (kNoId: unbound or dead).
struct FrameState {
  uint32_t bytecode_offset = 0;
  std::vector<ValueId> locals, stack;
};

struct Block {
  std::vector<ValueId> params;
  std::vector<Op> ops;                     // the last one is the terminator
  Edge on_error;
  std::unique_ptr<FrameState> state;       // kept for loop headers
  bool loop_header = false;

  Op& term() { return ops.back(); }
  const Op& term() const { return ops.back(); }
};

struct Function {
  std::string name;                        // unique in its program
  TypeRef result = nullptr;                // typed IR: type of the returned value
  std::vector<Value> values;
  std::vector<Block> blocks;               // block 0 is the entry; it has no predecessors
  std::vector<Loc> locs{1};                // locs[0]: unknown
  std::vector<Scope> scopes;
  bool typed = false;
  bool exported = false;                   // the entry of a specialisation
  bool recursive = false;                  // part of a call-graph cycle: checks the stack limit
  bool always_inline = false;
  bool parallel = false;                   // its array expressions may run on several threads
  bool by_cells = false;                   // called by the runtime: parameters come in cells of 8 bytes, as those of an exported one

  ValueId add_value(TypeRef type, BlockId block, std::string name = {});
  BlockId add_block();
  TypeRef type_of(ValueId v) const { return values[v].type; }
};

// Everything that is compiled into one object.
struct Program {
  std::vector<std::unique_ptr<Function>> functions;
  Function* find(std::string_view name) const;
};

std::string print(const Function& f);
std::string print(const Program& p);
// Parses the text form. On failure returns null and says where and why in *error.
std::unique_ptr<Function> parse_function(std::string_view text, std::string* error);
std::unique_ptr<Program> parse_program(std::string_view text, std::string* error);
// Checks the rules listed at the top of verify.cc; empty when all hold.
std::string verify(const Function& f, const Program* program = nullptr);

}  // namespace coluber::ir
