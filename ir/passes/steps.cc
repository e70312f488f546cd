// Steps: what a loop multiplies its counter by is added in each round instead.
//
//   before                                        after
//     jump ^1(%lo)                                  %p = mul %lo, %s     jump ^1(%lo, %p)
//   ^1(%i) loop:                                  ^1(%i, %m) loop:
//     ... %m = mul %i, %s                           ...
//     jump ^1(%i + 1)                               jump ^1(%i + 1, %m + %s)
//
// That is the item of a range whose step is no constant. LLVM does this last of all, behind unrolling, and for eight products at once it has not the
// registers: it leaves them all. The bits are the same: both wrap.
//
// Requires typed IR without reference counts, and one back edge per loop, so behind latches; in front of rotate.
#include <algorithm>
#include <map>

#include "ir/analysis/loops.h"
#include "ir/passes/manager.h"
#include "ir/passes/rewrite.h"

namespace coluber::ir {
namespace {

constexpr size_t kMostSteps = 3;           // of a loop: each holds a register

class Steps {
 public:
  explicit Steps(Function& f) : f_(f), cfg_(f), dom_(f, cfg_), loops_(f, cfg_, dom_), replaced_(f.values.size()) {
    def_.resize(f.values.size(), {kNoId, 0});
    for (BlockId b = 0; b < f.blocks.size(); ++b)
      for (uint32_t k = 0; k < f.blocks[b].ops.size(); ++k)
        for (ValueId v : f.blocks[b].ops[k].results) def_[v] = {b, k};
  }

  void run() {
    if (loops_.irreducible()) return;
    std::vector<uint8_t> outer(loops_.loops().size(), 0);
    for (const Loop& loop : loops_.loops())
      if (loop.parent != kNoId) outer[loop.parent] = 1;
    for (LoopId id = 0; id < loops_.loops().size(); ++id)
      if (!outer[id]) look_at(id);
    if (!replaced_.any()) return;
    replaced_.apply(f_);
    for (const Loop& loop : loops_.loops())
      for (BlockId b : loop.blocks)
        std::erase_if(f_.blocks[b].ops, [&](const Op& op) { return op.code == OpCode::Mul && carried_[op.result()]; });
  }

 private:
  struct Counter {
    uint32_t param;
    int64_t by;
  };

  void look_at(LoopId id) {
    const Loop& loop = loops_.loops()[id];
    if (loop.latches.size() != 1 || loop.latches[0].error() || loop.entries.empty()) return;
    if (std::any_of(loop.entries.begin(), loop.entries.end(), [](const Pred& p) { return p.error(); })) return;
    std::map<ValueId, std::vector<ValueId>> products;       // of the counter, by what it is multiplied by
    for (const Counter& counter : counters(loop)) {
      products.clear();
      ValueId i = f_.blocks[loop.header].params[counter.param];
      for (BlockId b : loop.blocks)
        for (const Op& op : f_.blocks[b].ops)
          if (ValueId by = factor(op, i, id); by != kNoId) products[by].push_back(op.result());
      if (products.size() > kMostSteps) continue;
      for (const auto& [by, of] : products) carry(loop, counter, by, of);
    }
  }

  // Parameters to which each round adds a constant.
  std::vector<Counter> counters(const Loop& loop) const {
    std::vector<Counter> found;
    const Block& header = f_.blocks[loop.header];
    for (uint32_t k = 0; k < header.params.size(); ++k) {
      if (!f_.type_of(header.params[k])->is(Kind::PyInt)) continue;
      const Op* next = def(edge_of(f_, loop.latches[0]).args[k]);
      if (!next || next->code != OpCode::Add || next->args[0] != header.params[k]) continue;
      const Op* by = def(next->args[1]);
      if (by && by->code == OpCode::Const && (by->imm == 1 || by->imm == -1)) found.push_back({k, by->imm});
    }
    return found;
  }

  // What `op` multiplies the counter by, where that is computed outside of the loop and no constant.
  ValueId factor(const Op& op, ValueId counter, LoopId id) const {
    if (op.code != OpCode::Mul || (op.args[0] == counter) == (op.args[1] == counter)) return kNoId;
    ValueId by = op.args[op.args[0] == counter ? 1 : 0];
    const Op* made = def(by);
    if (!f_.type_of(by)->is(Kind::PyInt) || (made && made->code == OpCode::Const) || loops_.contains(id, f_.values[by].block)) return kNoId;
    return by;
  }

  void carry(const Loop& loop, const Counter& counter, ValueId by, const std::vector<ValueId>& products) {
    ValueId sum = f_.add_value(pyint(), loop.header);
    f_.blocks[loop.header].params.push_back(sum);
    auto pass = [&](const Pred& p, OpCode code, ValueId left) {
      Op op;
      op.code = code;
      op.loc = f_.blocks[p.block].term().loc;
      op.args = {left, by};
      op.results = {f_.add_value(pyint(), p.block)};
      edge_of(f_, p).args.push_back(op.results[0]);
      std::vector<Op>& ops = f_.blocks[p.block].ops;
      ops.insert(ops.end() - 1, std::move(op));
    };
    for (const Pred& entry : loop.entries) pass(entry, OpCode::Mul, edge_of(f_, entry).args[counter.param]);
    pass(loop.latches[0], counter.by == 1 ? OpCode::Add : OpCode::Sub, sum);
    replaced_.grow(f_.values.size());
    carried_.resize(f_.values.size(), 0);
    for (ValueId v : products) {
      replaced_.replace(f_, v, sum);
      carried_[v] = 1;
    }
  }

  const Op* def(ValueId v) const {
    if (v >= def_.size() || def_[v].first == kNoId) return nullptr;
    const std::vector<Op>& ops = f_.blocks[def_[v].first].ops;
    // Ops were put in front of terminators only, behind all that was there.
    return &ops[def_[v].second];
  }

  Function& f_;
  Cfg cfg_;
  DomTree dom_;
  LoopInfo loops_;
  ValueMap replaced_;
  std::vector<std::pair<BlockId, uint32_t>> def_;
  std::vector<uint8_t> carried_;           // products that nobody asks for any more, by value
};

}  // namespace

void run_steps(Function& f, const PassOptions&) {
  if (!f.typed || f.blocks.size() < 3) return;
  Steps(f).run();
}

}  // namespace coluber::ir
