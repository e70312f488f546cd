// What follows SSA construction: the untyped IR is made small and the same for all Python versions.
#pragma once
#include "ir/frontend/decode.h"
#include "ir/function.h"

namespace coluber::ir::frontend {

// Removes checks of variables that are bound on all ways; those that a part of a function begins with need not be. Did it change anything?
bool drop_sure_checks(Function* f, bool part);
// Parameters that are always the same value, ops and parameters that nobody uses, superfluous blocks and handlers: until nothing changes.
void simplify(Function* f);
// Captured variables are captured by value: fails where that could be seen, and removes the marks that tell of stores. Were there any?
bool check_closures(Function* f, const Unit& unit);
// Reverse postorder, values numbered in that order, parameters sorted, loop headers marked.
void canonicalise(Function* f);

// ---- shared by these passes -------------------------------------------------------------------------------------------------------------

// Calls visit(edge, is_error) for each edge that leaves a block.
template <class BlockT, class Visit>
void for_edges(BlockT& block, Visit visit) {
  if (!block.ops.empty())
    for (auto& e : block.ops.back().targets) visit(e, false);
  if (block.on_error.valid()) visit(block.on_error, true);
}

bool raises(const Block& block);
std::vector<BlockId> reverse_postorder(const Function& f);

// Values that stand for others.
class Replacements {
 public:
  explicit Replacements(size_t values) : to_(values) {
    for (size_t i = 0; i < values; ++i) to_[i] = static_cast<ValueId>(i);
  }
  ValueId find(ValueId v) {
    while (to_[v] != v) v = to_[v] = to_[to_[v]];
    return v;
  }
  bool replaced(ValueId v) const { return to_[v] != v; }
  void replace(ValueId v, ValueId by) {
    to_[v] = by;
    any_ = true;
  }
  bool any() const { return any_; }
  void apply(Function* f);                 // to all operands, edges and states

 private:
  std::vector<ValueId> to_;
  bool any_ = false;
};

bool remove_trivial_params(Function* f);
bool remove_dead(Function* f);
bool simplify_blocks(Function* f);

}  // namespace coluber::ir::frontend
