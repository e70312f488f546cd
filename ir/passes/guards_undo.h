// What a loop stores, kept for the case that it has to be taken back. See guards_speculate.cc.
#pragma once
#include <memory>

#include "ir/passes/guards.h"

namespace coluber::ir::guards {

class Undo {
 public:
  // Nothing when there is no telling which elements a piece of the loop overwrites, or nothing to gain: a turn that needs what another one
  // has made will not become a vector form. The loop counts `counter` upward by 1 to `bound`.
  static std::unique_ptr<Undo> of(Function& f, Analyses& a, const Loop& loop, ValueId counter, ValueId bound);

  // Fills the dispatch block, which becomes the header of a loop over pieces, and makes the loop that saves. To be called when the copy is
  // made; gives the block, without a terminator, from which a piece enters it.
  BlockId begin(BlockId dispatch, const Region& region);
  // The block to go to for giving the elements back and running the loop as it was from the head of the piece.
  BlockId back();
  // At the end of a piece that went well: the next one, or out.
  void end(BlockId ask, Edge out);

 private:
  struct Index {                           // v, or the counter plus k where there is no v
    ValueId v = kNoId;
    int64_t k = 0;
    bool operator==(const Index&) const = default;
  };
  struct Place {                           // elements of an array, and where they are kept
    ValueId array;
    std::vector<Index> index;
    ValueId memory = kNoId;
  };

  Undo(Function& f, Analyses& a, const Loop& loop, ValueId counter, ValueId bound) : f_(f), a_(a), loop_(loop), counter_(counter), bound_(bound) {}
  bool suitable();
  bool add_store(const Op& op);
  bool only_sums() const;
  static bool stored_before(const std::vector<Index>& load, const std::vector<Index>& store);
  bool index_of(ValueId v, Index* out) const;
  bool indices_of(const Op& op, size_t from, std::vector<Index>* out) const;
  bool inside(const Index& index, uint32_t size) const;
  BlockId copy_loop(bool restore, BlockId from);

  Function& f_;
  Analyses& a_;
  const Loop& loop_;
  ValueId counter_, bound_;
  std::vector<Place> places_;
  BlockId dispatch_ = kNoId, back_ = kNoId;
  ValueId stop_ = kNoId, limit_ = kNoId;   // the bound; where the piece ends
  size_t param_ = 0;                       // which parameter of the header counts
  std::vector<ValueId> next_;              // the header's parameters in the copy
};

}  // namespace coluber::ir::guards
