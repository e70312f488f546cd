// Counts first, then fills one array: no allocation per value.
#include "ir/analysis/uses.h"

namespace coluber::ir {

DefUse::DefUse(const Function& f) : defs_(f.values.size()), first_(f.values.size() + 1, 0) {
  auto each = [&](auto fn) {
    for (BlockId b = 0; b < f.blocks.size(); ++b) {
      const Block& block = f.blocks[b];
      for (ValueId v : block.on_error.args) fn(v, Position{b, Position::kHead});
      for (uint32_t i = 0; i < block.ops.size(); ++i) for_each_use(block.ops[i], [&](ValueId v) { fn(v, Position{b, i}); });
    }
  };
  each([&](ValueId v, Position) { ++first_[v + 1]; });
  for (size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
  uses_.resize(first_.back());
  std::vector<uint32_t> fill(first_.begin(), first_.end() - 1);
  each([&](ValueId v, Position p) { uses_[fill[v]++] = p; });
  for (BlockId b = 0; b < f.blocks.size(); ++b) {
    for (ValueId v : f.blocks[b].params) defs_[v] = {b, Position::kHead};
    for (uint32_t i = 0; i < f.blocks[b].ops.size(); ++i)
      for (ValueId v : f.blocks[b].ops[i].results) defs_[v] = {b, i};
  }
}

void mark_through_params(const Function& f, std::vector<uint8_t>* marked) {
  std::vector<uint8_t>& m = *marked;
  std::vector<uint8_t> param(f.values.size(), 0);
  for (const Block& b : f.blocks)
    for (ValueId v : b.params) param[v] = 1;
  for (bool more = true; more;) {
    more = false;
    for (const Block& b : f.blocks)
      for (const Edge& e : b.term().targets)
        for (size_t k = 0; k < e.args.size(); ++k) {
          ValueId from = e.args[k], to = f.blocks[e.block].params[k];
          if (m[from] && !m[to]) m[to] = more = true;
          if (m[to] && !m[from] && param[from]) m[from] = more = true;
        }
  }
}

}  // namespace coluber::ir
