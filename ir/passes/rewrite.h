// What passes share that rewrite a function: replacing values, dropping parameters and blocks.
#pragma once
#include <vector>

#include "ir/analysis/cfg.h"

namespace coluber::ir {

// Values to be replaced by others, chains included.
class ValueMap {
 public:
  explicit ValueMap(size_t values) : to_(values) {
    for (ValueId v = 0; v < values; ++v) to_[v] = v;
  }
  void grow(size_t values) {
    while (to_.size() < values) to_.push_back(static_cast<ValueId>(to_.size()));
  }
  ValueId find(ValueId v) {
    while (to_[v] != v) v = to_[v] = to_[to_[v]];
    return v;
  }
  // From now on `with` stands for v. The variable's name goes along, where `with` has none.
  void replace(Function& f, ValueId v, ValueId with) {
    with = find(with);
    if (with == v) return;
    to_[v] = with;
    any_ = true;
    if (f.values[with].name.empty()) f.values[with].name = f.values[v].name;
  }
  bool any() const { return any_; }
  // Puts the replacements into every op, edge and frame state.
  void apply(Function& f);

 private:
  std::vector<ValueId> to_;
  bool any_ = false;
};

// Removes the parameters marked in `dead` (by value) and the arguments that edges bring for them.
void remove_params(Function& f, const std::vector<uint8_t>& dead);

// Removes blocks that cannot be reached and renumbers the others. Values of removed blocks are left without a definition.
// Returns whether there were any.
bool remove_unreachable(Function& f);

// The mark of a parallel loop counts: its block's error edge tells which handler is around the loop, as opposed to within its rounds.
bool has_raising_op(const Block& b);
// Does a block need its error edge? That of a loop's head tells passes/polls which handler is around the loop.
bool keeps_error_edge(const Block& b);

// Appends `from`'s ops to `to` and names `to` as the block of what they define.
void move_ops(Function& f, BlockId to, std::vector<Op>& from, size_t first, size_t last);

}  // namespace coluber::ir
