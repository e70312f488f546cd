// Checks that IR is sound. The rules:
//
// Structure
//   S1  There is a block 0, and no edge leads to it.
//   S2  Each block ends with the one terminator it has.
//   S3  Operands, results and targets are as many as the op's row says.
//   S4  Each edge leads to a block that exists and brings one argument per parameter.
//   S5  Each value is defined once, in the block that Value::block names; value and location numbers exist.
//   S6  A definition dominates its uses. An error edge leaves before the block's ops: its arguments, and what the handler uses, are
//       defined before the block begins.
//   S7  Only ops that may raise have on_error lists; values in frame states dominate the block.
//   S8  Scopes' parents come before them.
// Types (verify_types.cc)
//   T1  Untyped IR has py.* ops and jump, br, return, unreachable only; typed IR has no py.* op and no value without a type.
//   T2  Edge arguments have their parameters' types; the returned value has the function's result type.
//   T3  Operands and results follow the op's own rule (see the table there).
//   T4  Calls of functions of the program agree with their parameters and results.
// Ownership (verify_ownership.cc), once passes/refcount has run
//   O1  On every path, error edges included, each owned value is released or moved exactly once, and not used afterwards.
#include "ir/verify.h"

#include "ir/analysis/dominators.h"
#include "ir/text.h"

namespace coluber::ir {

std::string verify_message(const Function& f, BlockId b, const Op* op, const std::string& why) {
  std::string out = "@" + f.name;
  if (b != kNoId) out += " ^" + std::to_string(b);
  if (op) out += " `" + print(f, *op) + "`";
  return out + ": " + why;
}

bool has_ownership(const Function& f) {
  for (const Block& b : f.blocks)
    for (const Op& op : b.ops)
      if (op.code == OpCode::Retain || op.code == OpCode::Release || !op.on_error.empty()) return true;
  return false;
}

namespace {

constexpr uint32_t kParam = ~0u;            // index of a definition that is a block parameter

std::string percent(ValueId v) { return "%" + std::to_string(v); }

size_t target_count(OpCode code) { return code == OpCode::Jump ? 1 : code == OpCode::Branch ? 2 : 0; }

class Structure {
 public:
  explicit Structure(const Function& f) : f_(f), def_index_(f.values.size(), kNoDef) {}

  std::string run() {
    if (f_.blocks.empty()) return error(kNoId, nullptr, "a function needs a block");
    for (BlockId b = 0; b < f_.blocks.size() && why_.empty(); ++b) block(b);
    for (size_t i = 0; i < f_.scopes.size() && why_.empty(); ++i)
      if (f_.scopes[i].parent != kNoId && (f_.scopes[i].parent >= i || f_.scopes[i].parent_loc >= f_.locs.size()))
        error(kNoId, nullptr, "scope " + std::to_string(i) + " has a parent that does not come before it");
    if (why_.empty()) dominance();
    return why_;
  }

 private:
  static constexpr uint32_t kNoDef = ~0u - 1;

  std::string error(BlockId b, const Op* op, const std::string& why) {
    if (why_.empty()) why_ = verify_message(f_, b, op, why);
    return why_;
  }

  void block(BlockId b) {
    const Block& block = f_.blocks[b];
    if (block.ops.empty()) return (void)error(b, nullptr, "the block is empty");
    for (ValueId v : block.params) define(v, b, kParam, nullptr);
    for (uint32_t i = 0; i < block.ops.size() && why_.empty(); ++i) {
      const Op& op = block.ops[i];
      if (op.has(Term) != (i + 1 == block.ops.size()))
        return (void)error(b, &op, op.has(Term) ? "a terminator in the middle of a block" : "the block does not end with a terminator");
      counts(b, op);
      for (ValueId v : op.results) define(v, b, i, &op);
    }
    if (block.on_error.valid()) edge(b, nullptr, block.on_error);
    if (block.on_error.block == kNoId && !block.on_error.args.empty()) error(b, nullptr, "arguments of an error edge that is not there");
  }

  void counts(BlockId b, const Op& op) {
    const OpInfo& row = info(op.code);
    if (row.operands >= 0 && op.args.size() != static_cast<size_t>(row.operands))
      error(b, &op, "takes " + std::to_string(row.operands) + " operands, has " + std::to_string(op.args.size()));
    if (row.results >= 0 && op.results.size() != static_cast<size_t>(row.results))
      error(b, &op, "has " + std::to_string(row.results) + " results, not " + std::to_string(op.results.size()));
    if (op.targets.size() != target_count(op.code)) error(b, &op, "wrong number of targets");
    if (op.loc >= f_.locs.size()) error(b, &op, "no such location");
    else if (f_.locs[op.loc].scope && f_.locs[op.loc].scope >= f_.scopes.size()) error(b, &op, "its location names no scope");
    if (!op.on_error.empty() && !op.has(Raises)) error(b, &op, "on_error on an op that does not raise");
    for (const Edge& e : op.targets) edge(b, &op, e);
  }

  void edge(BlockId b, const Op* op, const Edge& e) {
    if (e.block >= f_.blocks.size()) return (void)error(b, op, "an edge to a block that does not exist");
    if (e.block == 0) error(b, op, "an edge to the entry block");
    if (e.args.size() != f_.blocks[e.block].params.size())
      error(b, op, "the edge to ^" + std::to_string(e.block) + " brings " + std::to_string(e.args.size()) + " arguments for " +
                       std::to_string(f_.blocks[e.block].params.size()) + " parameters");
  }

  void define(ValueId v, BlockId b, uint32_t index, const Op* op) {
    if (v >= f_.values.size()) return (void)error(b, op, percent(v) + " does not exist");
    if (def_index_[v] != kNoDef) return (void)error(b, op, percent(v) + " is defined twice");
    if (f_.values[v].block != b) return (void)error(b, op, percent(v) + " says that it is defined elsewhere (Value::block)");
    def_index_[v] = index;
  }

  // S6. Uses in unreachable blocks need a definition, no more.
  void dominance() {
    Cfg cfg(f_);
    DomTree dom(f_, cfg);
    dom_ = &dom;
    for (BlockId b = 0; b < f_.blocks.size() && why_.empty(); ++b) {
      const Block& block = f_.blocks[b];
      reachable_ = cfg.reachable(b);
      for (ValueId v : block.on_error.args) head_use(v, b, "argument of the error edge");
      if (block.state) {
        for (ValueId v : block.state->locals) if (v != kNoId) head_use(v, b, "value of the frame state");
        for (ValueId v : block.state->stack) if (v != kNoId) head_use(v, b, "value of the frame state");
      }
      for (uint32_t i = 0; i < block.ops.size() && why_.empty(); ++i) uses(b, i);
    }
  }

  void uses(BlockId b, uint32_t i) {
    const Op& op = f_.blocks[b].ops[i];
    for (ValueId v : op.args) use(v, b, i);
    for (ValueId v : op.on_error) use(v, b, i);
    for (const Edge& e : op.targets)
      for (ValueId v : e.args) use(v, b, i);
  }

  bool exists(ValueId v, BlockId b, const Op* op) {
    if (v < f_.values.size() && def_index_[v] != kNoDef) return true;
    error(b, op, percent(v) + " is not defined");
    return false;
  }

  void use(ValueId v, BlockId b, uint32_t i) {
    const Op& op = f_.blocks[b].ops[i];
    if (!exists(v, b, &op)) return;
    BlockId def = f_.values[v].block;
    bool parameter = def_index_[v] == kParam;
    if (def == b) {
      if (!parameter && def_index_[v] >= i) error(b, &op, percent(v) + " is used before its definition");
    } else if (reachable_ && !dom_->available(def, parameter, b)) {
      error(b, &op, "the definition of " + percent(v) + " does not dominate this use");
    }
  }

  void head_use(ValueId v, BlockId b, const char* what) {
    if (!exists(v, b, nullptr)) return;
    if (reachable_ && !dom_->available(f_.values[v].block, def_index_[v] == kParam, b))
      error(b, nullptr, std::string(what) + " " + percent(v) + " is not defined before the block begins");
  }

  const Function& f_;
  std::vector<uint32_t> def_index_;         // within its block, or kParam, or kNoDef
  const DomTree* dom_ = nullptr;
  bool reachable_ = true;
  std::string why_;
};

}  // namespace

std::string verify_structure(const Function& f) { return Structure(f).run(); }

std::string verify(const Function& f, const Program* program) {
  std::string why = verify_structure(f);
  if (why.empty()) why = verify_types(f, program);
  if (why.empty() && f.typed && has_ownership(f)) why = verify_ownership(f);
  return why;
}

}  // namespace coluber::ir
