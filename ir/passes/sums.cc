// Sums: what only some turns of a loop add to a float, every turn adds to, if need be nothing.
//
//   before   ^2: %u = add %s, %y   jump ^L(%u)   ^3: jump ^L(%s)       ^L(%t): jump ^1(%t)
//   after    ^2: jump ^L(%y)                     ^3: jump ^L(-0.0)     ^L(%q): %t = add %s, %q   jump ^1(%t)
//
// x + -0.0 is x, for every float, so that no bit changes. Then there is one sum for all turns, which a vectorised loop can add up in
// order; LLVM does not see one through a branch. Only in loops that call library functions: the sum of each turn waits for the last one's, which
// costs more than a branch where there is little else to do.
//
// Requires one back edge per loop (latches).
#include <algorithm>
#include <optional>

#include "ir/analysis/loops.h"
#include "ir/analysis/uses.h"
#include "ir/builder.h"
#include "ir/passes/manager.h"

namespace coluber::ir {
namespace {

bool calls_library(const Function& f, const Loop& loop) {
  return std::any_of(loop.blocks.begin(), loop.blocks.end(), [&](BlockId b) {
    const std::vector<Op>& ops = f.blocks[b].ops;
    return std::any_of(ops.begin(), ops.end(), [](const Op& op) { return op.code == OpCode::Math && op.imm != 0; });
  });
}

class Sums {
 public:
  Sums(Function& f, const Cfg& cfg, const Loop& loop) : f_(f), loop_(loop), latch_(loop.latches[0].block), preds_(cfg.preds(latch_).begin(), cfg.preds(latch_).end()) {}

  void run() {
    if (loop_.latches[0].error() || f_.blocks[latch_].term().code != OpCode::Jump || f_.blocks[latch_].ops.size() != 1 || preds_.size() < 2) return;
    uses_.emplace(f_);
    const std::vector<ValueId> brought = f_.blocks[latch_].term().targets[0].args;
    const std::vector<ValueId> params = f_.blocks[latch_].params;
    for (size_t k = 0; k < brought.size(); ++k) {
      auto at = std::find(params.begin(), params.end(), brought[k]);
      if (at != params.end()) one(f_.blocks[loop_.header].params[k], static_cast<size_t>(at - params.begin()));
    }
  }

 private:
  const Op* sum(ValueId v, ValueId s) {
    const Op* op = uses_->def_op(f_, v);
    bool fits = op && op->code == OpCode::Add && uses_->count(v) == 1 && (op->args[0] == s) != (op->args[1] == s);
    return fits ? op : nullptr;
  }

  // s: the header's parameter; param: the latch's that brings its next value.
  void one(ValueId s, size_t param) {
    TypeRef type = f_.type_of(s);
    if (!is_float(type) || uses_->count(f_.blocks[latch_].params[param]) != 1) return;
    std::vector<ValueId> added;            // by each predecessor; kNoId: nothing
    for (const Pred& p : preds_) {
      if (p.error()) return;
      ValueId in = edge_of(f_, p).args[param];
      const Op* op = in == s ? nullptr : sum(in, s);
      if (in != s && !op) return;
      added.push_back(!op ? kNoId : op->args[op->args[0] == s ? 1 : 0]);
    }
    auto nothing_added = std::count(added.begin(), added.end(), kNoId);
    if (nothing_added == 0 || static_cast<size_t>(nothing_added) == added.size()) return;
    for (size_t i = 0; i < preds_.size(); ++i) {
      ValueId with = added[i] == kNoId ? nothing(preds_[i].block, type) : added[i];
      edge_of(f_, preds_[i]).args[param] = with;
    }
    ValueId total = f_.blocks[latch_].params[param];
    Block& latch = f_.blocks[latch_];
    ValueId brought = f_.add_value(type, latch_);
    latch.params[param] = brought;
    Op op;
    op.code = OpCode::Add;
    op.args = {s, brought};
    op.results = {total};
    op.loc = latch.term().loc;
    latch.ops.insert(latch.ops.end() - 1, std::move(op));
  }

  ValueId nothing(BlockId b, TypeRef type) {
    Op op;
    op.code = OpCode::Const;
    op.fimm = -0.0;
    op.results = {f_.add_value(type, b)};
    std::vector<Op>& ops = f_.blocks[b].ops;
    ValueId made = op.results[0];
    ops.insert(ops.end() - 1, std::move(op));
    return made;
  }

  Function& f_;
  std::optional<DefUse> uses_;
  const Loop& loop_;
  BlockId latch_;
  std::vector<Pred> preds_;
};

}  // namespace

void run_sums(Function& f, const PassOptions&) {
  bool library = false;
  for (const Block& b : f.blocks)
    for (const Op& op : b.ops) library |= op.code == OpCode::Math && op.imm != 0;
  if (!f.typed || !library) return;
  Cfg cfg(f);
  DomTree dom(f, cfg);
  LoopInfo loops(f, cfg, dom);
  for (const Loop& loop : loops.loops())
    if (loop.latches.size() == 1 && calls_library(f, loop)) Sums(f, cfg, loop).run();
}

}  // namespace coluber::ir
