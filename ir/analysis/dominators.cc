// Dominators by the semi-NCA algorithm (Georgiadis): semidominators with path compression, then immediate dominators by climbing. It is
// near linear on what compilers see; the simpler iterative scheme is quadratic when thousands of blocks share one handler.
#include "ir/analysis/dominators.h"

#include <algorithm>

namespace coluber::ir {
namespace {

// Successor lists of the nodes, in one array.
struct Graph {
  std::vector<uint32_t> first;
  std::vector<NodeId> to;
};

class SemiNca {
 public:
  SemiNca(const Graph& g, size_t nodes) : g_(g), number_(nodes, kNoId) { search(); }

  // Depth-first numbers are used throughout; 0 is the entry.
  void run(std::vector<NodeId>* idom) {
    uint32_t n = static_cast<uint32_t>(order_.size());
    build_preds();
    semi_.resize(n);
    label_.resize(n);
    std::vector<uint32_t> dom(parent_);
    ancestor_ = parent_;
    for (uint32_t v = 0; v < n; ++v) semi_[v] = label_[v] = v;
    for (uint32_t w = n; w-- > 1;) {
      semi_[w] = parent_[w];
      for (uint32_t i = pred_first_[w]; i < pred_first_[w + 1]; ++i) semi_[w] = std::min(semi_[w], semi_[eval(preds_[i], w)]);
      label_[w] = w;
    }
    for (uint32_t w = 1; w < n; ++w) {
      while (dom[w] > semi_[w]) dom[w] = dom[dom[w]];
      (*idom)[order_[w]] = order_[dom[w]];
    }
  }

 private:
  void search() {
    struct Frame {
      NodeId node;
      uint32_t next;
    };
    std::vector<Frame> stack{{0, g_.first[0]}};
    visit(0, 0);
    while (!stack.empty()) {
      Frame& top = stack.back();
      if (top.next == g_.first[top.node + 1]) {
        stack.pop_back();
        continue;
      }
      NodeId s = g_.to[top.next++];
      if (number_[s] != kNoId) continue;
      visit(s, number_[top.node]);
      stack.push_back({s, g_.first[s]});
    }
  }

  void visit(NodeId node, uint32_t parent) {
    number_[node] = static_cast<uint32_t>(order_.size());
    order_.push_back(node);
    parent_.push_back(parent);
  }

  void build_preds() {
    uint32_t n = static_cast<uint32_t>(order_.size());
    pred_first_.assign(n + 1, 0);
    for (NodeId node : order_)
      for (uint32_t i = g_.first[node]; i < g_.first[node + 1]; ++i) ++pred_first_[number_[g_.to[i]] + 1];
    for (uint32_t i = 1; i <= n; ++i) pred_first_[i] += pred_first_[i - 1];
    preds_.resize(pred_first_[n]);
    std::vector<uint32_t> fill(pred_first_.begin(), pred_first_.end() - 1);
    for (NodeId node : order_)
      for (uint32_t i = g_.first[node]; i < g_.first[node + 1]; ++i) preds_[fill[number_[g_.to[i]]]++] = number_[node];
  }

  // The vertex of least semidominator on the path from v up to, not including, the part of the tree numbered up to `last` (not linked
  // yet). Paths are compressed; no recursion, as they may be long.
  uint32_t eval(uint32_t v, uint32_t last) {
    if (v <= last) return v;
    path_.clear();
    uint32_t u = v;
    while (ancestor_[u] > last) {
      path_.push_back(u);
      u = ancestor_[u];
    }
    while (!path_.empty()) {
      uint32_t x = path_.back();
      path_.pop_back();
      uint32_t above = ancestor_[x];
      if (semi_[label_[above]] < semi_[label_[x]]) label_[x] = label_[above];
      ancestor_[x] = ancestor_[above];
    }
    return label_[v];
  }

  const Graph& g_;
  std::vector<uint32_t> number_, parent_, semi_, label_, ancestor_, pred_first_, preds_, path_;
  std::vector<NodeId> order_;
};

}  // namespace

DomTree::DomTree(const Function& f, const Cfg& cfg) : blocks_(static_cast<uint32_t>(f.blocks.size())), tail_(f.blocks.size()) {
  for (BlockId b = 0; b < blocks_; ++b) {
    tail_[b] = b;
    if (!f.blocks[b].on_error.valid() || !cfg.reachable(b)) continue;
    tail_[b] = blocks_ + static_cast<NodeId>(tail_block_.size());
    tail_block_.push_back(b);
  }
  size_t nodes = blocks_ + tail_block_.size();
  idom_.assign(nodes, kNoId);
  if (blocks_ == 0) return;

  Graph g;
  g.first.reserve(nodes + 1);
  for (NodeId n = 0; n < nodes; ++n) {
    g.first.push_back(static_cast<uint32_t>(g.to.size()));
    BlockId b = block(n);
    if (!cfg.reachable(b)) continue;
    bool split = tail_[b] != b;
    if (split && n == b) {
      g.to.push_back(tail_[b]);
      g.to.push_back(f.blocks[b].on_error.block);
      continue;
    }
    if (!f.blocks[b].ops.empty())
      for (const Edge& e : f.blocks[b].ops.back().targets) g.to.push_back(e.block);
  }
  g.first.push_back(static_cast<uint32_t>(g.to.size()));
  SemiNca(g, nodes).run(&idom_);
  number(cfg);
}

// Numbers the tree: children in reverse postorder of their blocks, so that a walk meets definitions in program order.
void DomTree::number(const Cfg& cfg) {
  size_t nodes = idom_.size();
  std::vector<NodeId> first_child(nodes, kNoId), sibling(nodes, kNoId);
  const std::vector<BlockId>& rpo = cfg.rpo();
  auto attach = [&](NodeId n) {
    if (idom_[n] == kNoId) return;
    sibling[n] = first_child[idom_[n]];
    first_child[idom_[n]] = n;
  };
  for (size_t i = rpo.size(); i-- > 0;) {                 // backwards: attaching puts a child in front
    attach(head(rpo[i]));
    if (tail_[rpo[i]] != rpo[i]) attach(tail_[rpo[i]]);
  }
  enter_.assign(nodes, kNoId);
  exit_.assign(nodes, 0);
  preorder_.reserve(nodes);
  std::vector<NodeId> stack{0};
  // A node is on the stack until its subtree is done; first_child is used up as we go.
  enter_[0] = 0;
  preorder_.push_back(0);
  while (!stack.empty()) {
    NodeId n = stack.back();
    NodeId child = first_child[n];
    if (child == kNoId) {
      exit_[n] = static_cast<uint32_t>(preorder_.size());
      stack.pop_back();
      continue;
    }
    first_child[n] = sibling[child];
    enter_[child] = static_cast<uint32_t>(preorder_.size());
    preorder_.push_back(child);
    stack.push_back(child);
  }
}

BlockId DomTree::idom_block(BlockId b) const {
  NodeId n = idom_[head(b)];
  return n == kNoId ? kNoId : block(n);
}

}  // namespace coluber::ir
