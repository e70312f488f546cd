// Builds predecessor lists in one array, and reverse postorder without recursion.
#include "ir/analysis/cfg.h"

#include <algorithm>

namespace coluber::ir {
namespace {

uint32_t successor_count(const Block& b) {
  return (b.ops.empty() ? 0 : static_cast<uint32_t>(b.ops.back().targets.size())) + (b.on_error.valid() ? 1 : 0);
}

BlockId successor(const Block& b, uint32_t i) {
  uint32_t targets = b.ops.empty() ? 0 : static_cast<uint32_t>(b.ops.back().targets.size());
  return i < targets ? b.ops.back().targets[i].block : b.on_error.block;
}

}  // namespace

const Edge& edge_of(const Function& f, const Pred& p) {
  const Block& b = f.blocks[p.block];
  return p.error() ? b.on_error : b.term().targets[p.index];
}
Edge& edge_of(Function& f, const Pred& p) { return const_cast<Edge&>(edge_of(static_cast<const Function&>(f), p)); }

Edge edge_through(const Edge& in, const Block& block, const Edge& onward) {
  Edge e;
  e.block = onward.block;
  for (ValueId v : onward.args) {
    auto it = std::find(block.params.begin(), block.params.end(), v);
    e.args.push_back(it == block.params.end() ? v : in.args[static_cast<size_t>(it - block.params.begin())]);
  }
  return e;
}

Cfg::Cfg(const Function& f) : order_(f.blocks.size(), kNoId), first_(f.blocks.size() + 1, 0) {
  if (f.blocks.empty()) return;
  struct Frame {
    BlockId block;
    uint32_t next;
  };
  std::vector<Frame> stack;
  rpo_.reserve(f.blocks.size());
  order_[0] = 0;                                          // seen
  stack.push_back({0, successor_count(f.blocks[0])});
  // Successors are visited last to first, so that in the reversed order the first one (a branch's true side) comes first.
  while (!stack.empty()) {
    Frame& top = stack.back();
    if (top.next == 0) {
      rpo_.push_back(top.block);
      stack.pop_back();
      continue;
    }
    BlockId s = successor(f.blocks[top.block], --top.next);
    if (order_[s] != kNoId) continue;
    order_[s] = 0;
    stack.push_back({s, successor_count(f.blocks[s])});
  }
  std::reverse(rpo_.begin(), rpo_.end());
  for (uint32_t i = 0; i < rpo_.size(); ++i) order_[rpo_[i]] = i;

  for (BlockId b = 0; b < f.blocks.size(); ++b)
    if (reachable(b)) for_each_edge(f, b, [&](const Edge& e, Pred) { ++first_[e.block + 1]; });
  for (size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
  preds_.resize(first_.back());
  std::vector<uint32_t> fill(first_.begin(), first_.end() - 1);
  for (BlockId b = 0; b < f.blocks.size(); ++b)
    if (reachable(b)) for_each_edge(f, b, [&](const Edge& e, Pred p) { preds_[fill[e.block]++] = p; });
}

}  // namespace coluber::ir
