// Backward data flow over bit sets. Blocks are in reverse postorder, so that few rounds are needed.
#include "ir/frontend/liveness.h"

#include <bit>

namespace coluber::ir {

void Liveness::own_effect(const CfgBlock& b, uint64_t* use, uint64_t* def) const {
  for (const Inst& i : b.insts) {
    bool writes = i.op == Micro::SetLocal || i.op == Micro::DelLocal || i.op == Micro::LocalClear;
    bool reads = i.op == Micro::Local || i.op == Micro::Closure || i.op == Micro::DelLocal || i.op == Micro::LocalClear;
    if (!reads && !writes) continue;
    size_t w = static_cast<size_t>(i.a) / 64;
    uint64_t bit = uint64_t{1} << (i.a & 63);
    if (reads && !(def[w] & bit)) use[w] |= bit;
    if (writes) def[w] |= bit;
  }
}

Liveness::Liveness(const Cfg& cfg, size_t vars) : words_((vars + 63) / 64), sets_(cfg.blocks.size() * words_) {
  size_t n = cfg.blocks.size();
  std::vector<uint64_t> defs(n * words_);
  for (size_t b = 0; b < n; ++b) own_effect(cfg.blocks[b], &sets_[b * words_], &defs[b * words_]);
  for (bool changed = words_ > 0; changed;) {
    changed = false;
    for (size_t b = n; b-- > 0;) {
      const CfgBlock& block = cfg.blocks[b];
      auto add = [&](int from, bool through) {
        if (from < 0) return;
        for (size_t w = 0; w < words_; ++w) {
          uint64_t in = sets_[static_cast<size_t>(from) * words_ + w];
          if (through) in &= ~defs[b * words_ + w];
          uint64_t& set = sets_[b * words_ + w];
          changed |= (in & ~set) != 0;
          set |= in;
        }
      };
      add(block.next, true);
      add(block.other, true);
      add(block.handler, false);           // an error may come before anything is stored
    }
  }
}

std::vector<int> Liveness::list(int block) const {
  std::vector<int> out;
  for (size_t w = 0; w < words_; ++w)
    for (uint64_t set = sets_[static_cast<size_t>(block) * words_ + w]; set; set &= set - 1)
      out.push_back(static_cast<int>(w * 64) + std::countr_zero(set));
  return out;
}

}  // namespace coluber::ir
