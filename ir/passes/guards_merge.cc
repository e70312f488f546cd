// Part of guards: several guards of which the last fails whenever one before it does are one test in the way of what goes well.
//
//   before                                       after
//   ^1:  guard (eq %x, %x), "FloatNanToInt"      ^1:  br (likely (lt %a, 2^63)), ^3, ^2
//        %a = math %x, "fabs"                    ^2:  guard (eq %x, %x), ...   guard (ne %a, inf), ...   guard (lt %a, 2^63), ...
//        guard (ne %a, inf), "FloatInfToInt"          jump ^3
//        guard (lt %a, 2^63), "IntOverflow"      ^3:  ...
//        ...
//
// ^2 raises, always; which guard of them does is asked there only.
#include <algorithm>
#include <cmath>

#include "ir/passes/guards.h"

namespace coluber::ir::guards {
namespace {

bool float_constant(const Function& f, const Op* op, double* out) {
  if (!op || op->code != OpCode::Const || !is_float(f.type_of(op->result()))) return false;
  *out = op->fimm;
  return true;
}

// Ops that may as well run when a guard before them failed.
bool harmless(const Op& op) {
  switch (op.code) {
    case OpCode::Const: case OpCode::Math: case OpCode::Eq: case OpCode::Ne: case OpCode::Lt: case OpCode::Le: return true;
    default: return false;
  }
}

struct Group {
  BlockId block;
  size_t first, last;                      // guards
};

class Merger {
 public:
  explicit Merger(Function& f) : f_(f), defs_(f.values.size(), nullptr) {
    for (const Block& b : f.blocks)
      for (const Op& op : b.ops)
        for (ValueId r : op.results) defs_[r] = &op;
  }

  void run() {
    auto def = [this](ValueId v) { return defs_[v]; };
    std::vector<Group> groups;
    for (BlockId b = 0; b < f_.blocks.size(); ++b) {
      const std::vector<Op>& ops = f_.blocks[b].ops;
      for (size_t i = 0; i < ops.size(); ++i) {
        size_t last = told_by(f_, ops, i, def);
        if (last <= i || f_.type_of(ops[last].args[0]) != pybool() || !all_harmless(ops, i, last, def)) continue;
        groups.push_back({b, i, last});
        i = last;
      }
    }
    // From the back: what is behind a group moves into another block.
    for (size_t k = groups.size(); k-- > 0;) divide(groups[k]);
  }

 private:
  bool all_harmless(const std::vector<Op>& ops, size_t first, size_t last, const Definitions& def) const {
    for (size_t i = first + 1; i < last; ++i)
      if (ops[i].code == OpCode::Guard ? told_by(f_, ops, i, def) != last : !harmless(ops[i])) return false;
    return true;
  }

  void divide(const Group& g) {
    BlockId cold = f_.add_block(), rest = f_.add_block();
    Block &from = f_.blocks[g.block], &raises = f_.blocks[cold], &next = f_.blocks[rest];
    raises.on_error = next.on_error = from.on_error;
    std::vector<Op> ops = std::move(from.ops);
    from.ops.clear();
    ValueId well = ops[g.last].args[0];
    uint32_t loc = ops[g.last].loc;
    for (size_t i = 0; i < ops.size(); ++i) {
      bool guard = i >= g.first && i <= g.last && ops[i].code == OpCode::Guard;
      (guard ? raises : i > g.last ? next : from).ops.push_back(std::move(ops[i]));
    }
    for (const Op& op : next.ops)
      for (ValueId r : op.results) f_.values[r].block = rest;
    Op likely, branch, jump;
    likely.code = OpCode::Likely;
    likely.args = {well};
    likely.imm = 1;
    likely.loc = branch.loc = jump.loc = loc;
    likely.results = {f_.add_value(pybool(), g.block)};
    branch.code = OpCode::Branch;
    branch.args = {likely.result()};
    branch.targets = {Edge{rest, {}}, Edge{cold, {}}};
    jump.code = OpCode::Jump;
    jump.targets = {Edge{rest, {}}};
    f_.blocks[g.block].ops.push_back(std::move(likely));
    f_.blocks[g.block].ops.push_back(std::move(branch));
    f_.blocks[cold].ops.push_back(std::move(jump));
  }

  Function& f_;
  std::vector<const Op*> defs_;
};

}  // namespace

size_t told_by(const Function& f, const std::vector<Op>& ops, size_t guard, const Definitions& def) {
  if (ops[guard].code != OpCode::Guard) return 0;
  auto absolute_of = [&](ValueId v) {
    const Op* op = def(v);
    return op && op->code == OpCode::Math && op->sym == "fabs" ? op->args[0] : kNoId;
  };
  const Op* asks = def(ops[guard].args[0]);
  double limit;
  bool nan = asks && asks->code == OpCode::Eq && asks->args[0] == asks->args[1];
  bool infinite = asks && asks->code == OpCode::Ne && absolute_of(asks->args[0]) != kNoId && float_constant(f, def(asks->args[1]), &limit) && std::isinf(limit);
  if (!nan && !infinite) return 0;
  for (size_t i = guard + 1; i < ops.size(); ++i) {
    const Op* less = ops[i].code == OpCode::Guard ? def(ops[i].args[0]) : nullptr;
    if (!less || (less->code != OpCode::Lt && less->code != OpCode::Le)) continue;
    if (!float_constant(f, def(less->args[1]), &limit) || !std::isfinite(limit)) continue;
    if (less->args[0] == asks->args[0] || (nan && absolute_of(less->args[0]) == asks->args[0])) return i;
  }
  return 0;
}

void merge_guards(Function& f) { Merger(f).run(); }

}  // namespace coluber::ir::guards
