// What simplify knows while it walks, and the rules that use it.
#pragma once
#include <deque>
#include <utility>
#include <vector>

#include "ir/passes/fold.h"
#include "ir/passes/rewrite.h"

namespace coluber::ir {

class Knowledge {
 public:
  explicit Knowledge(Function& f) : f_(f), map_(f.values.size()), defs_(f.values.size(), nullptr), truth_(f.values.size(), -1) {}

  Function& function() { return f_; }
  ValueMap& map() { return map_; }
  TypeRef type(ValueId v) const { return f_.values[v].type; }

  void define(const Op& op) {
    for (ValueId v : op.results) defs_[v] = &op;
  }
  // The op that made v when its code is `code`, else null. Ops of blocks not walked yet are not known.
  const Op* made_by(ValueId v, OpCode code) const { return defs_[v] && defs_[v]->code == code ? defs_[v] : nullptr; }
  const Op* constant(ValueId v) const { return made_by(v, OpCode::Const); }
  bool is_int(ValueId v, int64_t value) const;             // an integer or bool constant of that value

  // 1, 0, or -1 when a condition is not decided here.
  int truth(ValueId v) const;
  void learn(ValueId cond, bool value);
  size_t facts() const { return facts_.size(); }
  void forget(size_t facts);

  // The block whose ops are being looked at.
  void enter(BlockId b) { block_ = b; }
  // A constant at the head of that block. (Not of the entry: where that has a handler, the handler would not see it.)
  ValueId make_constant(TypeRef type, int64_t value);
  // Puts new constants and all replacements into the function.
  void finish();

 private:
  Function& f_;
  ValueMap map_;
  std::vector<const Op*> defs_;
  std::vector<int8_t> truth_;
  std::vector<ValueId> facts_;             // conditions in truth_, oldest first
  std::deque<std::pair<BlockId, Op>> constants_;           // those of a block together; defs_ points into it
  BlockId block_ = 0;
};

// Applies the rules to an op. Either it becomes simpler in place, or its results are replaced (its uses are gone then); true in both
// cases. An op that raises and is found superfluous becomes a no-op without results.
bool simplify_op(Knowledge& know, Op& op);

// An op without effect and results, to be removed later.
void make_no_op(Op& op);

}  // namespace coluber::ir
