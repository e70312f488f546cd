// The dominator tree.
//
// An op that raises leaves its block in the middle: what the block's ops define is there for the blocks behind the terminator but not
// for the handler. So a block with an error edge is two nodes: its head (parameters; the error edge leaves here) and its tail (the ops;
// the terminator's edges leave here). Other blocks have one node for both. Passes that walk the tree see each block's ops at its tail.
#pragma once
#include <cstdint>
#include <vector>

#include "ir/analysis/cfg.h"

namespace coluber::ir {

using NodeId = uint32_t;

class DomTree {
 public:
  DomTree(const Function& f, const Cfg& cfg);

  NodeId head(BlockId b) const { return b; }
  NodeId tail(BlockId b) const { return tail_[b]; }
  BlockId block(NodeId n) const { return n < blocks_ ? n : tail_block_[n - blocks_]; }
  bool is_tail(NodeId n) const { return tail_[block(n)] == n; }

  NodeId idom(NodeId n) const { return idom_[n]; }                    // kNoId of the entry and of unreachable nodes
  const std::vector<NodeId>& preorder() const { return preorder_; }   // of the tree: a node before what it dominates
  uint32_t last(NodeId n) const { return exit_[n]; }                  // the subtree of n is preorder()[first(n) .. last(n))
  uint32_t first(NodeId n) const { return enter_[n]; }
  bool reachable(NodeId n) const { return enter_[n] != kNoId; }

  bool dominates_node(NodeId a, NodeId b) const { return enter_[a] <= enter_[b] && enter_[b] < exit_[a]; }
  // Blocks as a whole: a == b counts.
  bool dominates(BlockId a, BlockId b) const { return dominates_node(head(a), head(b)); }
  // The nearest block other than b that dominates b; kNoId of the entry.
  BlockId idom_block(BlockId b) const;
  // May a value defined in block `def` (as a parameter, or else by an op) be used at the head of block `use`, that is by its error edge,
  // or, with def != use, by its ops?
  bool available(BlockId def, bool parameter, BlockId use) const {
    return dominates_node(parameter ? head(def) : tail(def), head(use)) && (parameter || def != use);
  }

 private:
  void number(const Cfg& cfg);

  uint32_t blocks_ = 0;
  std::vector<NodeId> tail_, idom_, preorder_;
  std::vector<BlockId> tail_block_;
  std::vector<uint32_t> enter_, exit_;
};

}  // namespace coluber::ir
