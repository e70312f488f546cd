// Natural loops: what jumps back to a block that dominates it. Cycles that can be entered at several blocks (Python cannot write them)
// are no loops; irreducible() says that there are some.
#pragma once
#include <cstdint>
#include <vector>

#include "ir/analysis/dominators.h"

namespace coluber::ir {

using LoopId = uint32_t;

struct Loop {
  BlockId header = kNoId;
  LoopId parent = kNoId;
  uint32_t depth = 1;                      // 1: outermost
  std::vector<BlockId> blocks;             // inner loops' too; the header first
  std::vector<Pred> latches;               // the edges back to the header
  std::vector<Pred> entries;               // the other edges to the header
  std::vector<Pred> exits;                 // edges out, error edges included
  // The block in front of the loop: the only entry, by a jump; kNoId when there is none (see add_preheader).
  BlockId preheader = kNoId;
};

class LoopInfo {
 public:
  LoopInfo(const Function& f, const Cfg& cfg, const DomTree& dom);

  const std::vector<Loop>& loops() const { return loops_; }            // outer loops before their inner ones
  LoopId loop_of(BlockId b) const { return loop_of_[b]; }              // the innermost; kNoId: none
  uint32_t depth(BlockId b) const { return loop_of_[b] == kNoId ? 0 : loops_[loop_of_[b]].depth; }
  bool contains(LoopId loop, BlockId b) const;
  bool irreducible() const { return irreducible_; }

 private:
  void collect(const Function& f, const Cfg& cfg);

  std::vector<Loop> loops_;
  std::vector<LoopId> loop_of_;
  bool irreducible_ = false;
};

// Gives the loop a preheader. Analyses are stale afterwards, when a block was made.
BlockId add_preheader(Function& f, const Loop& loop);

}  // namespace coluber::ir
