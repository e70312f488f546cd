// Where values are defined and used. Positions are indices into a block's ops and hold until ops are inserted or removed.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "ir/function.h"

namespace coluber::ir {

struct Position {
  static constexpr uint32_t kHead = ~0u;   // a parameter, or (as a use) an argument of the block's error edge
  BlockId block = kNoId;
  uint32_t op = kHead;
};

class DefUse {
 public:
  // Frame states and on_error lists are no uses: they follow the values and do not keep them.
  explicit DefUse(const Function& f);

  Position def(ValueId v) const { return defs_[v]; }
  size_t values() const { return defs_.size(); }           // those that were there
  const Op* def_op(const Function& f, ValueId v) const {
    Position p = defs_[v];
    return p.block == kNoId || p.op == Position::kHead ? nullptr : &f.blocks[p.block].ops[p.op];
  }
  // One entry per operand or edge argument, so an op that uses a value twice is there twice.
  std::span<const Position> uses(ValueId v) const { return {uses_.data() + first_[v], first_[v + 1] - first_[v]}; }
  uint32_t count(ValueId v) const { return first_[v + 1] - first_[v]; }

 private:
  std::vector<Position> defs_, uses_;
  std::vector<uint32_t> first_;
};

// Marks, beside the values that are marked, what they become as block parameters, and the parameters that they come from.
void mark_through_params(const Function& f, std::vector<uint8_t>* marked);

// Calls fn(ValueId&) for each operand and edge argument of an op.
template <class OpRef, class Fn>
void for_each_use(OpRef& op, Fn fn) {
  for (auto& v : op.args) fn(v);
  for (auto& e : op.targets)
    for (auto& v : e.args) fn(v);
}

}  // namespace coluber::ir
