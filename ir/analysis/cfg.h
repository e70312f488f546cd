// The control-flow graph of a function: predecessors and an order of the blocks. Error edges count as edges.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "ir/function.h"

namespace coluber::ir {

// One edge into a block. `index`: which of the terminator's targets it is; of an error edge kErrorEdge.
struct Pred {
  static constexpr uint32_t kErrorEdge = ~0u;
  BlockId block = kNoId;
  uint32_t index = 0;
  bool error() const { return index == kErrorEdge; }
};

const Edge& edge_of(const Function& f, const Pred& p);
Edge& edge_of(Function& f, const Pred& p);

// The edge `onward` of a block that is reached by `in`, as seen from where `in` begins.
Edge edge_through(const Edge& in, const Block& block, const Edge& onward);

class Cfg {
 public:
  explicit Cfg(const Function& f);

  // Edges from reachable blocks only, in the order of their blocks.
  std::span<const Pred> preds(BlockId b) const { return {preds_.data() + first_[b], first_[b + 1] - first_[b]}; }
  const std::vector<BlockId>& rpo() const { return rpo_; }            // reachable blocks in reverse postorder
  bool reachable(BlockId b) const { return order_[b] != kNoId; }
  uint32_t order(BlockId b) const { return order_[b]; }               // index into rpo(); kNoId: unreachable
  size_t size() const { return order_.size(); }

 private:
  std::vector<BlockId> rpo_;
  std::vector<uint32_t> order_, first_;
  std::vector<Pred> preds_;
};

// Calls fn(edge, pred) for each edge that leaves block b. Blocks without terminator (in the making) have none but the error edge.
template <class Fn>
void for_each_edge(const Function& f, BlockId b, Fn fn) {
  const Block& block = f.blocks[b];
  if (!block.ops.empty()) {
    const Op& term = block.ops.back();
    for (uint32_t i = 0; i < term.targets.size(); ++i) fn(term.targets[i], Pred{b, i});
  }
  if (block.on_error.valid()) fn(block.on_error, Pred{b, Pred::kErrorEdge});
}

}  // namespace coluber::ir
