// Part of guards: copies of loops. See guards.h.
#include <algorithm>

#include "ir/passes/guards.h"
#include "ir/passes/rewrite.h"

namespace coluber::ir::guards {

Analyses::Analyses(const Function& f, bool trust_guards)
    : cfg(f), dom(f, cfg), uses(f), loops(f, cfg, dom), ranges(f, cfg, dom, uses, trust_guards), blocks(f.blocks.size()), values(f.values.size()),
      preds(f.blocks.size()), touched(f.blocks.size(), 0) {
  for (BlockId b : cfg.rpo()) for_each_edge(f, b, [&](const Edge& e, Pred p) { preds[e.block].push_back(p); });
  for (BlockId b = 0; b < f.blocks.size(); ++b) {
    if (!f.blocks[b].state) continue;
    for (const auto* list : {&f.blocks[b].state->locals, &f.blocks[b].state->stack})
      for (ValueId v : *list)
        if (v != kNoId) state_uses[v].push_back(b);
  }
}

BlockId make_dispatch(Function& f, Analyses& a, const Loop& loop) {
  BlockId made = f.add_block();
  a.preds.resize(f.blocks.size());
  for (size_t i = 0; i < f.blocks[loop.header].params.size(); ++i) {
    ValueId v = f.blocks[loop.header].params[i];
    f.blocks[made].params.push_back(f.add_value(f.type_of(v), made, std::string(f.values[v].name)));
  }
  for (const Pred& p : loop.entries) {
    edge_of(f, p).block = made;
    a.preds[made].push_back(p);
    std::erase_if(a.preds[loop.header], [&](const Pred& q) { return q.block == p.block && q.index == p.index; });
  }
  return made;
}

void mark_seldom(Function& f, const Analyses& a, LoopId loop) {
  for (const Loop& l : a.loops.loops())
    if (a.loops.contains(loop, l.header))
      for (const Pred& p : l.latches)
        if (!p.error()) f.blocks[p.block].term().imm = 1;
}

void add_target(Function& f, Analyses& a, BlockId from, BlockId to, std::vector<ValueId> args) {
  Op& term = f.blocks[from].ops.back();
  a.preds[to].push_back({from, static_cast<uint32_t>(term.targets.size())});
  term.targets.push_back({to, std::move(args)});
}

BlockId Region::block_copy(BlockId b) const {
  auto it = block_.find(b);
  return it == block_.end() ? b : it->second;
}

ValueId Region::value_copy(ValueId v) const {
  auto it = value_.find(v);
  return it == value_.end() ? v : it->second;
}

void Region::copy(const std::function<void(Block& made, BlockId from)>& edit) {
  for (BlockId b : loop_.blocks) {
    block_[b] = f_.add_block();
    copies_.insert(block_[b]);
  }
  a_.preds.resize(f_.blocks.size());
  auto duplicate = [&](ValueId v, BlockId to) { value_[v] = f_.add_value(f_.type_of(v), to, std::string(f_.values[v].name)); };
  for (BlockId b : loop_.blocks) {
    for (ValueId v : f_.blocks[b].params) duplicate(v, block_[b]);
    for (const Op& op : f_.blocks[b].ops)
      for (ValueId v : op.results) duplicate(v, block_[b]);
  }
  auto map = [&](std::vector<ValueId>& list) {
    for (ValueId& v : list)
      if (v != kNoId) v = value_copy(v);
  };
  for (BlockId b : loop_.blocks) {
    BlockId to = block_[b];
    const Block& from = f_.blocks[b];
    Block& made = f_.blocks[to];
    made.params = from.params;
    made.ops = from.ops;
    made.on_error = from.on_error;
    made.loop_header = from.loop_header;
    if (from.state) made.state = std::make_unique<FrameState>(*from.state);
    map(made.params);
    for (Op& op : made.ops) {
      map(op.args);
      map(op.results);
      map(op.on_error);
      for (Edge& e : op.targets) {
        e.block = block_copy(e.block);
        map(e.args);
      }
    }
    if (made.on_error.valid()) made.on_error.block = block_copy(made.on_error.block);
    map(made.on_error.args);
    if (made.state) map(made.state->locals), map(made.state->stack);
    edit(made, b);
    if (!keeps_error_edge(made)) made.on_error = {};
    for_each_edge(f_, to, [&](const Edge& e, Pred p) { a_.preds[e.block].push_back(p); });
  }
}

// An exit block of the loop through which every way to b leads; what is wanted at b is what there was at its head.
BlockId Region::dominating_exit(BlockId b) const {
  for (BlockId e : exits_)
    if (e != b && a_.dom.dominates(loop_.header, e) && a_.dom.dominates(e, b)) return e;
  return kNoId;
}

ValueId Region::at_end(BlockId b, ValueId v) {
  if (inside(b)) return v;
  if (copies_.count(b)) return value_copy(v);
  return at_head(b, v);
}

ValueId Region::at_head(BlockId b, ValueId v) {
  if (auto it = merged_.find(b); it != merged_.end()) return it->second;
  BlockId exit = b < a_.blocks ? dominating_exit(b) : kNoId;
  if (exit != kNoId) return merged_[b] = at_head(exit, v);
  if (a_.preds[b].size() == 1) return merged_[b] = at_end(a_.preds[b][0].block, v);
  ValueId param = f_.add_value(f_.type_of(v), b, std::string(f_.values[v].name));
  merged_[b] = param;
  f_.blocks[b].params.push_back(param);
  if (b < a_.blocks) a_.touched[b] = 1;
  for (size_t k = 0; k < a_.preds[b].size(); ++k) {
    Pred p = a_.preds[b][k];
    ValueId in = at_end(p.block, v);
    edge_of(f_, p).args.push_back(in);
  }
  return param;
}

void Region::merge(ValueId v) {
  if (v >= a_.values) return;              // made by an earlier merge, in a block that is not copied then
  merged_.clear();
  for (Position at : a_.uses.uses(v)) {
    if (inside(at.block)) continue;
    ValueId with = at_head(at.block, v);
    Block& block = f_.blocks[at.block];
    if (at.op == Position::kHead) {
      std::replace(block.on_error.args.begin(), block.on_error.args.end(), v, with);
      continue;
    }
    Op& op = block.ops[at.op];
    std::replace(op.args.begin(), op.args.end(), v, with);
    for (Edge& e : op.targets) std::replace(e.args.begin(), e.args.end(), v, with);
  }
  auto states = a_.state_uses.find(v);
  if (states == a_.state_uses.end()) return;
  for (BlockId b : states->second) {
    if (inside(b)) continue;
    ValueId with = at_head(b, v);
    for (auto* list : {&f_.blocks[b].state->locals, &f_.blocks[b].state->stack}) std::replace(list->begin(), list->end(), v, with);
  }
}

void Region::merge_values() {
  for (const Pred& p : loop_.exits) {
    BlockId to = edge_of(f_, p).block;
    if (to < a_.blocks && std::find(exits_.begin(), exits_.end(), to) == exits_.end()) exits_.push_back(to);
  }
  for (BlockId b : loop_.blocks) {
    for (size_t i = 0; i < f_.blocks[b].params.size(); ++i) merge(f_.blocks[b].params[i]);
    for (size_t i = 0; i < f_.blocks[b].ops.size(); ++i)
      for (size_t k = 0; k < f_.blocks[b].ops[i].results.size(); ++k) merge(f_.blocks[b].ops[i].results[k]);
  }
}

}  // namespace coluber::ir::guards
