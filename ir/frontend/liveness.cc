// Backward data flow over bit sets. Blocks are in reverse postorder, so that few rounds are needed.
#include "ir/frontend/liveness.h"

#include <bit>

namespace coluber::ir::frontend {

void Liveness::own_effect(const CfgBlock& b, uint64_t* use, uint64_t* def) const {
  for (const Inst& i : b.insts) {
    if (i.op == Micro::Return || i.op == Micro::Suspend) {
      for (size_t v = 0; v < (i.op == Micro::Suspend && unit_ ? unit_->own_vars : kept_); ++v)
        if (!(def[v / 64] >> (v & 63) & 1)) use[v / 64] |= uint64_t{1} << (v & 63);
      continue;
    }
    bool lifts = i.op == Micro::Lift || i.op == Micro::WithBody || i.op == Micro::Exit;
    if (lifts && unit_) {
      const std::vector<int>& read = i.op != Micro::Exit ? unit_->lifts[static_cast<size_t>(i.a)].entry.vars : unit_->entry.exits[static_cast<size_t>(i.a)].vars;
      for (int v : read)
        if (!(def[v / 64] >> (v & 63) & 1)) use[v / 64] |= uint64_t{1} << (v & 63);
      continue;
    }
    bool writes = i.op == Micro::SetLocal || i.op == Micro::DelLocal || i.op == Micro::LocalClear;
    bool reads = i.op == Micro::Local || i.op == Micro::Closure || i.op == Micro::DelLocal || i.op == Micro::LocalClear;
    if (!reads && !writes) continue;
    size_t w = static_cast<size_t>(i.a) / 64;
    uint64_t bit = uint64_t{1} << (i.a & 63);
    if (reads && !(def[w] & bit)) use[w] |= bit;
    if (writes) def[w] |= bit;
  }
}

Liveness::Liveness(const Cfg& cfg, size_t vars, size_t kept, const Unit* unit) : words_(vars / 64 + 1), kept_(kept), unit_(unit), sets_(cfg.blocks.size() * words_) {
  size_t n = cfg.blocks.size();
  std::vector<uint64_t> defs(n * words_);
  for (size_t b = 0; b < n; ++b) own_effect(cfg.blocks[b], &sets_[b * words_], &defs[b * words_]);
  for (bool changed = true; changed;) {
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

LoopEffects::LoopEffects(const Cfg& cfg, size_t vars) : sets_(cfg.blocks.size()) {
  std::vector<std::vector<int>> before(cfg.blocks.size());
  std::vector<std::vector<int>> latches(cfg.blocks.size());
  for (size_t b = 0; b < cfg.blocks.size(); ++b)
    for (int to : {cfg.blocks[b].next, cfg.blocks[b].other, cfg.blocks[b].handler}) {
      if (to < 0) continue;
      before[static_cast<size_t>(to)].push_back(static_cast<int>(b));
      if (to <= static_cast<int>(b)) latches[static_cast<size_t>(to)].push_back(static_cast<int>(b));
    }
  std::vector<int> seen(cfg.blocks.size(), -1);
  for (size_t h = 0; h < cfg.blocks.size(); ++h) {
    if (latches[h].empty()) continue;
    int header = static_cast<int>(h);
    std::vector<bool> set(vars + 1, false);  // never empty
    std::vector<int> work = latches[h];
    bool entered = false;                  // there is a way in beside the header: nothing is sure
    while (!work.empty()) {
      int b = work.back();
      work.pop_back();
      if (seen[static_cast<size_t>(b)] == header) continue;
      seen[static_cast<size_t>(b)] = header;
      entered |= b == 0 && header != 0;
      for (const Inst& i : cfg.blocks[static_cast<size_t>(b)].insts)
        if (i.op == Micro::SetLocal || i.op == Micro::DelLocal || i.op == Micro::LocalClear) set[static_cast<size_t>(i.a)] = true;
      if (b != header) work.insert(work.end(), before[static_cast<size_t>(b)].begin(), before[static_cast<size_t>(b)].end());
    }
    if (entered) set.assign(vars + 1, true);
    sets_[h] = std::move(set);
  }
}

std::vector<int> Liveness::list(int block) const {
  std::vector<int> out;
  for (size_t w = 0; w < words_; ++w)
    for (uint64_t set = sets_[static_cast<size_t>(block) * words_ + w]; set; set &= set - 1)
      out.push_back(static_cast<int>(w * 64) + std::countr_zero(set));
  return out;
}

}  // namespace coluber::ir::frontend
