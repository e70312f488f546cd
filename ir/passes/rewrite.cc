// See rewrite.h.
#include "ir/passes/rewrite.h"

#include "ir/analysis/uses.h"

namespace coluber::ir {

void ValueMap::apply(Function& f) {
  if (!any_) return;
  auto map = [&](ValueId& v) { v = find(v); };
  auto map_state = [&](std::vector<ValueId>& list) {
    for (ValueId& v : list)
      if (v != kNoId) v = find(v);
  };
  for (Block& b : f.blocks) {
    for (Op& op : b.ops) {
      for_each_use(op, map);
      for (ValueId& v : op.on_error) map(v);
    }
    for (ValueId& v : b.on_error.args) map(v);
    if (b.state) {
      map_state(b.state->locals);
      map_state(b.state->stack);
    }
  }
}

void remove_params(Function& f, const std::vector<uint8_t>& dead) {
  std::vector<uint8_t> touched(f.blocks.size(), 0);
  for (BlockId b = 0; b < f.blocks.size(); ++b)
    for (ValueId v : f.blocks[b].params) touched[b] |= dead[v];
  auto prune = [&](Edge& e) {
    if (!e.valid() || !touched[e.block]) return;
    const std::vector<ValueId>& params = f.blocks[e.block].params;
    size_t kept = 0;
    for (size_t i = 0; i < params.size(); ++i)
      if (!dead[params[i]]) e.args[kept++] = e.args[i];
    e.args.resize(kept);
  };
  for (Block& b : f.blocks) {
    if (!b.ops.empty())
      for (Edge& e : b.ops.back().targets) prune(e);
    prune(b.on_error);
  }
  for (BlockId b = 0; b < f.blocks.size(); ++b)
    if (touched[b]) std::erase_if(f.blocks[b].params, [&](ValueId v) { return dead[v] != 0; });
}

bool remove_unreachable(Function& f) {
  std::vector<BlockId> stack{0}, number(f.blocks.size(), kNoId);
  number[0] = 0;
  size_t reached = 0;
  while (!stack.empty()) {
    BlockId b = stack.back();
    stack.pop_back();
    ++reached;
    for_each_edge(f, b, [&](const Edge& e, Pred) {
      if (number[e.block] != kNoId) return;
      number[e.block] = 0;
      stack.push_back(e.block);
    });
  }
  if (reached == f.blocks.size()) return false;
  BlockId next = 0;
  for (BlockId b = 0; b < f.blocks.size(); ++b) {
    if (number[b] == kNoId) continue;
    number[b] = next;
    if (next != b) f.blocks[next] = std::move(f.blocks[b]);
    ++next;
  }
  f.blocks.resize(next);
  for (Block& b : f.blocks) {
    for (Edge& e : b.ops.back().targets) e.block = number[e.block];
    if (b.on_error.valid()) b.on_error.block = number[b.on_error.block];
  }
  for (Value& v : f.values)
    if (v.block != kNoId) v.block = number[v.block];
  return true;
}

bool has_raising_op(const Block& b) {
  for (const Op& op : b.ops)
    if (op.has(Raises) || op.code == OpCode::ParLoop) return true;
  return false;
}

bool keeps_error_edge(const Block& b) { return b.on_error.valid() && (b.loop_header || has_raising_op(b)); }

void move_ops(Function& f, BlockId to, std::vector<Op>& from, size_t first, size_t last) {
  std::vector<Op>& ops = f.blocks[to].ops;
  for (size_t i = first; i < last; ++i) {
    for (ValueId v : from[i].results) f.values[v].block = to;
    ops.push_back(std::move(from[i]));
  }
}

}  // namespace coluber::ir
