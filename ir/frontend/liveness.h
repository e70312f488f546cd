// What is known of variables before values are built: which may still be read at the head of each block, on any way, error edges included,
// and which a loop assigns.
#pragma once
#include <vector>

#include "ir/frontend/blocks.h"

namespace coluber::ir::frontend {

class Liveness {
 public:
  // kept: the first variables that count as read where the function returns (object mode: frames hold them until then).
  Liveness(const Cfg& cfg, size_t vars, size_t kept = 0, const Unit* unit = nullptr);
  bool live(int block, int var) const { return sets_[word(block, var)] >> (var & 63) & 1; }
  std::vector<int> list(int block) const;  // in ascending order

 private:
  size_t word(int block, int var) const { return static_cast<size_t>(block) * words_ + static_cast<size_t>(var >> 6); }
  void own_effect(const CfgBlock& b, uint64_t* use, uint64_t* def) const;

  size_t words_, kept_;
  const Unit* unit_;                       // whose lifts and exits read variables; null: there are none
  std::vector<uint64_t> sets_;
};

// For blocks that a later one leads back to: which variables are assigned on the ways from there back to there.
class LoopEffects {
 public:
  LoopEffects(const Cfg& cfg, size_t vars);
  bool header(int block) const { return !sets_[static_cast<size_t>(block)].empty(); }
  bool assigns(int block, int var) const { return sets_[static_cast<size_t>(block)][static_cast<size_t>(var)]; }

 private:
  std::vector<std::vector<bool>> sets_;    // empty: no header
};

}  // namespace coluber::ir::frontend
