// Finds loops header by header, inner ones first: a walk backwards from the latches, which steps over the inner loops that are known
// already, so that each block is met once per nesting level.
#include "ir/analysis/loops.h"

#include <algorithm>

namespace coluber::ir {

LoopInfo::LoopInfo(const Function& f, const Cfg& cfg, const DomTree& dom) : loop_of_(f.blocks.size(), kNoId) {
  const std::vector<BlockId>& rpo = cfg.rpo();
  std::vector<BlockId> stack;
  for (size_t i = rpo.size(); i-- > 0;) {                 // headers of inner loops come later in reverse postorder
    BlockId h = rpo[i];
    Loop loop;
    for (const Pred& p : cfg.preds(h)) {
      bool back = dom.dominates(h, p.block);
      if (!back && cfg.order(p.block) >= cfg.order(h)) irreducible_ = true;
      (back ? loop.latches : loop.entries).push_back(p);
    }
    if (loop.latches.empty()) continue;
    loop.header = h;
    LoopId id = static_cast<LoopId>(loops_.size());
    loops_.push_back(std::move(loop));
    for (const Pred& p : loops_[id].latches) stack.push_back(p.block);
    while (!stack.empty()) {
      BlockId b = stack.back();
      stack.pop_back();
      LoopId inner = loop_of_[b];
      if (inner == kNoId) {
        loop_of_[b] = id;
        if (b == h) continue;
        for (const Pred& p : cfg.preds(b)) stack.push_back(p.block);
        continue;
      }
      while (loops_[inner].parent != kNoId) inner = loops_[inner].parent;
      if (inner == id) continue;
      loops_[inner].parent = id;
      for (const Pred& p : loops_[inner].entries) stack.push_back(p.block);
    }
    loop_of_[h] = loop_of_[h] == kNoId ? id : loop_of_[h];
  }
  collect(f, cfg);
}

// Renumbers the loops outermost first and fills in blocks, depths, exits and preheaders.
void LoopInfo::collect(const Function& f, const Cfg& cfg) {
  LoopId n = static_cast<LoopId>(loops_.size());
  std::reverse(loops_.begin(), loops_.end());
  for (Loop& loop : loops_) {
    if (loop.parent != kNoId) loop.parent = n - 1 - loop.parent;
    loop.depth = loop.parent == kNoId ? 1 : loops_[loop.parent].depth + 1;
  }
  for (LoopId& id : loop_of_)
    if (id != kNoId) id = n - 1 - id;
  for (BlockId b : cfg.rpo()) {                           // the header is first in reverse postorder
    for (LoopId id = loop_of_[b]; id != kNoId; id = loops_[id].parent) loops_[id].blocks.push_back(b);
    for_each_edge(f, b, [&](const Edge& e, Pred p) {
      for (LoopId id = loop_of_[b]; id != kNoId && !contains(id, e.block); id = loops_[id].parent) loops_[id].exits.push_back(p);
    });
  }
  for (Loop& loop : loops_) {
    if (loop.entries.size() != 1 || loop.entries[0].error()) continue;
    const Block& before = f.blocks[loop.entries[0].block];
    if (before.term().targets.size() == 1) loop.preheader = loop.entries[0].block;
  }
}

bool LoopInfo::contains(LoopId loop, BlockId b) const {
  LoopId id = loop_of_[b];
  while (id != kNoId && loops_[id].depth > loops_[loop].depth) id = loops_[id].parent;
  return id == loop;
}

BlockId add_preheader(Function& f, const Loop& loop) {
  if (loop.preheader != kNoId) return loop.preheader;
  BlockId made = f.add_block();
  Block& block = f.blocks[made];
  Op& jump = block.ops.emplace_back();
  jump.code = OpCode::Jump;
  jump.targets.push_back({loop.header, {}});
  for (size_t i = 0; i < f.blocks[loop.header].params.size(); ++i) {
    const Value& param = f.values[f.blocks[loop.header].params[i]];
    ValueId v = f.add_value(TypeRef(param.type), made, std::string(param.name));
    block.params.push_back(v);
    jump.targets[0].args.push_back(v);
  }
  for (const Pred& p : loop.entries) edge_of(f, p).block = made;
  return made;
}

}  // namespace coluber::ir
