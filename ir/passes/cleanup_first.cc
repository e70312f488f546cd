// Part of cleanup: what a block's parameter brings over an edge that nobody comes by to read it. Where the values on the edge decide the branch at the
// end of the block, and the parameter is used behind the other side only, zero does as well: the first test of a loop over a constant range.
//
//     jump ^1(%0, %x)                                      jump ^1(%0, %zero)
//   ^1(%1: pyint, %2: float64) loop:      %0 = const 0
//     br (lt %1, 3), ^2(%1), ^3                            (what was in %x need not live up to here: a variable that the loop assigns is a new one)
//   ^2(%3): ...  jump ^1(%4, %5)
//   ^3: uses %2
#include <algorithm>

#include "ir/analysis/dominators.h"
#include "ir/analysis/uses.h"
#include "ir/passes/cleanup.h"
#include "ir/passes/fold.h"

namespace coluber::ir {
namespace {

class Unread {
 public:
  explicit Unread(Function& f) : f_(f), defs_(f.values.size(), nullptr) {}

  bool run() {
    for (const Block& b : f_.blocks)
      for (const Op& op : b.ops)
        if (op.results.size() == 1) defs_[op.result()] = &op;
    find_decided();
    if (decided_.empty()) return false;
    Cfg cfg(f_);
    DomTree dom(f_, cfg);
    DefUse uses(f_);
    for (const Decided& d : decided_) {
      const Block& to = f_.blocks[edge_of(f_, d.edge).block];
      for (size_t k = 0; k < to.params.size(); ++k) {
        ValueId arg = edge_of(f_, d.edge).args[k];
        if (cfg.reachable(d.edge.block) && !is_zero(arg) && unread(to.params[k], d.taken, cfg, dom, uses)) found_.push_back({d.edge, k});
      }
    }
    for (auto& [edge, k] : found_) {       // inserts ops: positions of uses and defs_ are stale from here on
      ValueId with = zero(edge.block, f_.type_of(edge_of(f_, edge).args[k]));
      edge_of(f_, edge).args[k] = with;
    }
    return !found_.empty();
  }

 private:
  struct Decided {
    Pred edge;
    size_t taken;                          // of the branch's targets
  };

  // Edges to blocks of several ways in that decide which way out is taken.
  void find_decided() {
    for (BlockId b = 0; b < f_.blocks.size(); ++b) {
      const Op& term = f_.blocks[b].term();
      for (uint32_t i = 0; i < term.targets.size(); ++i) {
        const Edge& e = term.targets[i];
        const Op& branch = f_.blocks[e.block].term();
        if (e.args.size() < 2 || branch.code != OpCode::Branch || branch.targets[0].block == branch.targets[1].block) continue;
        if (int truth = decide(branch.args[0], e, 0); truth >= 0) decided_.push_back({{b, i}, truth ? 0u : 1u});
      }
    }
  }

  // A condition of the edge's block as it is on the edge: 1, 0, or -1 where it is not known.
  int decide(ValueId cond, const Edge& e, int depth) const {
    constexpr int kDeepest = 4;
    const Op* op = defs_[cond];
    if (!op || depth > kDeepest || f_.values[cond].block != e.block) return -1;
    if (op->code == OpCode::Likely) return decide(op->args[0], e, depth + 1);
    if (op->code == OpCode::Not && is_bool(f_.type_of(op->args[0]))) {
      int truth = decide(op->args[0], e, depth + 1);
      return truth < 0 ? -1 : 1 - truth;
    }
    if (op->args.size() != 2) return -1;
    const Op *a = constant(op->args[0], e), *b = constant(op->args[1], e);
    Number result;
    if (!a || !b || !fold_binary(op->code, f_.type_of(op->args[0]), {a->imm, a->fimm, a->fimm2}, {b->imm, b->fimm, b->fimm2}, &result)) return -1;
    return result.i != 0;
  }

  const Op* constant(ValueId v, const Edge& e) const {
    const std::vector<ValueId>& params = f_.blocks[e.block].params;
    if (!defs_[v] && f_.values[v].block == e.block) {
      auto at = std::find(params.begin(), params.end(), v);
      if (at == params.end()) return nullptr;
      v = e.args[static_cast<size_t>(at - params.begin())];
    }
    return defs_[v] && defs_[v]->code == OpCode::Const ? defs_[v] : nullptr;
  }

  bool is_zero(ValueId v) const {
    const Op* op = defs_[v];
    if (op && op->code == OpCode::Some) return is_zero(op->args[0]);
    return op && (op->code == OpCode::Const || op->code == OpCode::Zero);
  }

  // Is v, a parameter, used on the side that is not taken only: by its edge, or where only that leads?
  bool unread(ValueId v, size_t taken, const Cfg& cfg, const DomTree& dom, const DefUse& uses) const {
    BlockId b = f_.values[v].block;
    const Op& branch = f_.blocks[b].term();
    const std::vector<ValueId>& brings = branch.targets[taken].args;
    if (branch.args[0] == v || std::find(brings.begin(), brings.end(), v) != brings.end()) return false;
    BlockId other = branch.targets[1 - taken].block;
    bool alone = cfg.preds(other).size() == 1;
    return std::all_of(uses.uses(v).begin(), uses.uses(v).end(), [&](const Position& at) {
      if (at.block == b) return at.op == f_.blocks[b].ops.size() - 1;
      return alone && dom.dominates(other, at.block);
    });
  }

  // Of a variable that may be unbound: one that is bound, so that no one asks whether it is.
  ValueId zero(BlockId b, TypeRef type) {
    bool number = is_number(type) || is_bool(type);
    ValueId in = type->is(Kind::Unbound) ? zero(b, type->elem) : kNoId;
    std::vector<Op>& ops = f_.blocks[b].ops;
    Op made;
    made.code = in != kNoId ? OpCode::Some : number ? OpCode::Const : OpCode::Zero;
    if (in != kNoId) made.args = {in};
    made.results = {f_.add_value(type, b)};
    made.loc = ops.back().loc;
    ops.insert(ops.end() - 1, std::move(made));
    return ops[ops.size() - 2].result();
  }

  Function& f_;
  std::vector<const Op*> defs_;
  std::vector<Decided> decided_;
  std::vector<std::pair<Pred, size_t>> found_;
};

}  // namespace

bool drop_unread_args(Function& f) { return Unread(f).run(); }

}  // namespace coluber::ir
