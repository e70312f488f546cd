// See liveness.h. Uses are grouped by value first, so that one stamp per block tells whether a value was there already.
#include "ir/analysis/liveness.h"

#include <algorithm>

#include "ir/analysis/uses.h"

namespace coluber::ir {

std::vector<ValueId> Liveness::identity(const Function& f) {
  std::vector<ValueId> key(f.values.size());
  for (ValueId v = 0; v < key.size(); ++v) key[v] = v;
  return key;
}

Liveness::Liveness(const Function& f, const Cfg& cfg, const std::vector<ValueId>& key)
    : live_in_(f.blocks.size()), last_(f.blocks.size(), kNoId) {
  std::vector<uint32_t> first(f.values.size() + 1, 0);
  std::vector<BlockId> users;
  // A use in the block of the definition prolongs no life across blocks; only the others are noted.
  auto each = [&](auto fn) {
    for (BlockId b : cfg.rpo()) {
      auto use = [&](ValueId v) {
        ValueId k = key[v];
        if (k != kNoId && f.values[k].block != b) fn(k, b);
      };
      for (ValueId v : f.blocks[b].on_error.args) use(v);
      for (const Op& op : f.blocks[b].ops) for_each_use(op, use);
    }
  };
  each([&](ValueId v, BlockId) { ++first[v + 1]; });
  for (size_t i = 1; i < first.size(); ++i) first[i] += first[i - 1];
  users.resize(first.back());
  std::vector<uint32_t> fill(first.begin(), first.end() - 1);
  each([&](ValueId v, BlockId b) { users[fill[v]++] = b; });
  for (ValueId v = 0; v < f.values.size(); ++v)
    for (uint32_t i = first[v]; i < first[v + 1]; ++i) mark(cfg, f, v, users[i]);
}

void Liveness::mark(const Cfg& cfg, const Function& f, ValueId v, BlockId b) {
  BlockId def = f.values[v].block;
  auto enter = [&](BlockId at) {
    if (at == def || last_[at] == v) return;
    last_[at] = v;
    live_in_[at].push_back(v);
    stack_.push_back(at);
  };
  enter(b);
  while (!stack_.empty()) {
    BlockId at = stack_.back();
    stack_.pop_back();
    for (const Pred& p : cfg.preds(at)) enter(p.block);
  }
}

bool Liveness::is_live_in(ValueId v, BlockId b) const { return std::find(live_in_[b].begin(), live_in_[b].end(), v) != live_in_[b].end(); }

}  // namespace coluber::ir
