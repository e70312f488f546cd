// Which values are live at the head of each block. Computed value by value, walking back from the uses, so the cost is that of the
// answer; no bit set per block.
//
// `key` maps a value to the one whose life its uses prolong (itself; its root, for ownership), kNoId to leave it out. Uses by an error
// edge count at every op of the block that may raise: a value that the handler needs is live until the last of those.
#pragma once
#include <utility>
#include <vector>

#include "ir/analysis/cfg.h"

namespace coluber::ir {

class Liveness {
 public:
  Liveness(const Function& f, const Cfg& cfg) : Liveness(f, cfg, identity(f)) {}
  Liveness(const Function& f, const Cfg& cfg, const std::vector<ValueId>& key);

  const std::vector<ValueId>& live_in(BlockId b) const { return live_in_[b]; }   // without the block's parameters
  bool is_live_in(ValueId v, BlockId b) const;                                   // linear in live_in(b)
  std::vector<std::vector<ValueId>> take() { return std::move(live_in_); }

 private:
  static std::vector<ValueId> identity(const Function& f);
  void mark(const Cfg& cfg, const Function& f, ValueId v, BlockId b);

  std::vector<std::vector<ValueId>> live_in_;
  std::vector<ValueId> last_;                // per block: the value that was marked last
  std::vector<BlockId> stack_;
};

}  // namespace coluber::ir
