// Part of cleanup: what a value is. One walk down the dominator tree, with three kinds of knowledge that hold below the point where they
// were gained: which ops have been computed (the same pure op again is the first one's value), which conditions are decided (behind a
// branch or a guard), and what each value was made by (constants fold; a tuple.get of a tuple.make is the item). Rules are in
// simplify_rules.cc.
//
// Ops are not removed here: one that became superfluous is left without uses, or made a no-op, for remove_dead to take away.
#include <bit>
#include <functional>

#include "ir/analysis/dominators.h"
#include "ir/passes/cleanup.h"
#include "ir/passes/simplify_rules.h"

namespace coluber::ir {
namespace {

// Hash table whose newest entries can be taken back.
class Seen {
 public:
  explicit Seen(size_t ops) : heads_(std::bit_ceil(ops | 15) * 2, kNoId) {}

  template <class Equal>
  const Op* find(uint64_t hash, Equal equal) const {
    for (uint32_t i = heads_[hash & (heads_.size() - 1)]; i != kNoId; i = entries_[i].next)
      if (entries_[i].hash == hash && equal(*entries_[i].op)) return entries_[i].op;
    return nullptr;
  }
  void add(uint64_t hash, const Op* op) {
    uint32_t& head = heads_[hash & (heads_.size() - 1)];
    entries_.push_back({hash, op, head});
    head = static_cast<uint32_t>(entries_.size() - 1);
  }
  size_t size() const { return entries_.size(); }
  void shrink(size_t size) {
    while (entries_.size() > size) {
      heads_[entries_.back().hash & (heads_.size() - 1)] = entries_.back().next;
      entries_.pop_back();
    }
  }

 private:
  struct Entry {
    uint64_t hash;
    const Op* op;
    uint32_t next;
  };
  std::vector<uint32_t> heads_;
  std::vector<Entry> entries_;
};

bool commutes(OpCode code) {
  switch (code) {
    case OpCode::Add: case OpCode::Mul: case OpCode::And: case OpCode::Or: case OpCode::Xor: case OpCode::Eq: case OpCode::Ne:
      return true;
    default:
      return false;
  }
}

class Simplify {
 public:
  Simplify(Function& f, bool owned) : f_(f), cfg_(f), dom_(f, cfg_), know_(f), seen_(count_ops(f)), owned_(owned) {}

  bool run() {
    std::vector<Scope> scopes;
    const std::vector<NodeId>& order = dom_.preorder();
    for (uint32_t i = 0; i < order.size(); ++i) {
      while (!scopes.empty() && scopes.back().end <= i) leave(&scopes);
      scopes.push_back({dom_.last(order[i]), seen_.size(), know_.facts()});
      BlockId b = dom_.block(order[i]);
      if (order[i] == dom_.head(b)) learn_from_branch(b);
      if (dom_.is_tail(order[i])) block(b);
    }
    know_.finish();
    return changed_ || know_.map().any();
  }

 private:
  struct Scope {
    uint32_t end;                          // in the preorder
    size_t seen, facts;
  };

  static size_t count_ops(const Function& f) {
    size_t n = 0;
    for (const Block& b : f.blocks) n += b.ops.size();
    return n;
  }

  void leave(std::vector<Scope>* scopes) {
    seen_.shrink(scopes->back().seen);
    know_.forget(scopes->back().facts);
    scopes->pop_back();
  }

  // In a block that only one side of a branch leads to, the condition is decided.
  void learn_from_branch(BlockId b) {
    if (cfg_.preds(b).size() != 1) return;
    const Pred& p = cfg_.preds(b)[0];
    const Op& term = f_.blocks[p.block].term();
    if (!p.error() && term.code == OpCode::Branch) know_.learn(term.args[0], p.index == 0);
  }

  void block(BlockId b) {
    know_.enter(b);
    for (Op& op : f_.blocks[b].ops) {
      for (ValueId& v : op.args) v = know_.map().find(v);
      if (op.code == OpCode::Branch) branch(op);
      else if (op.code == OpCode::Guard) guard(op);
      else if (!op.results.empty()) value(op);
    }
  }

  void branch(Op& op) {
    int truth = know_.truth(op.args[0]);
    if (truth < 0) return;
    Edge taken = std::move(op.targets[truth ? 0 : 1]);
    op.code = OpCode::Jump;
    op.args.clear();
    op.targets.clear();
    op.targets.push_back(std::move(taken));
    changed_ = true;
  }

  void guard(Op& op) {
    if (know_.truth(op.args[0]) == 1) return erase(op);
    know_.learn(op.args[0], true);         // behind it, and not in the handler: see DomTree
  }

  void value(Op& op) {
    bool counted = owned_ && is_managed(f_.type_of(op.result()));
    if (!counted && simplify_op(know_, op)) {
      changed_ = true;
      if (op.results.empty()) return;
    }
    // An index that was checked on the way here is not checked again.
    bool again = op.code == OpCode::IndexCheck || (op.has(Pure) && op.code != OpCode::StackAlloc && op.code != OpCode::ParLoop);
    if (!again || counted) return know_.define(op);
    uint64_t hash = hash_of(op);
    const Op* before = seen_.find(hash, [&](const Op& o) { return same(o, op); });
    if (!before) {
      know_.define(op);
      return seen_.add(hash, &op);
    }
    for (size_t i = 0; i < op.results.size(); ++i) know_.map().replace(f_, op.results[i], before->results[i]);
    if (!op.has(Pure)) erase(op);
  }

  void erase(Op& op) {
    make_no_op(op);
    changed_ = true;
  }

  uint64_t hash_of(const Op& op) const {
    uint64_t h = static_cast<uint64_t>(op.code) * 0x9e3779b97f4a7c15u;
    auto mix = [&](uint64_t x) { h = (std::rotl(h, 23) ^ x) * 0x9e3779b97f4a7c15u; };
    bool swap = commutes(op.code) && op.args[0] > op.args[1];
    for (size_t i = 0; i < op.args.size(); ++i) mix(op.args[swap ? 1 - i : i]);
    if (op.code != OpCode::IndexCheck) mix(static_cast<uint64_t>(op.imm));   // its imm is for the message only
    mix(std::bit_cast<uint64_t>(op.fimm));
    mix(std::bit_cast<uint64_t>(op.fimm2));
    if (!op.sym.empty()) mix(std::hash<std::string_view>()(op.sym));
    mix(f_.type_of(op.result())->id);
    return h ^ (h >> 29);
  }

  bool same(const Op& a, const Op& b) const {
    if (a.code != b.code || (a.imm != b.imm && a.code != OpCode::IndexCheck) || a.results.size() != b.results.size() || a.type != b.type) return false;
    if (std::bit_cast<uint64_t>(a.fimm) != std::bit_cast<uint64_t>(b.fimm)) return false;
    if (std::bit_cast<uint64_t>(a.fimm2) != std::bit_cast<uint64_t>(b.fimm2)) return false;
    for (size_t i = 0; i < a.results.size(); ++i)
      if (f_.type_of(a.results[i]) != f_.type_of(b.results[i])) return false;
    bool swapped = commutes(a.code) && a.args[0] == b.args[1] && a.args[1] == b.args[0];
    return (swapped || a.args == b.args) && a.sym == b.sym && a.ints == b.ints && a.names == b.names;
  }

  Function& f_;
  Cfg cfg_;
  DomTree dom_;
  Knowledge know_;
  Seen seen_;
  bool owned_, changed_ = false;
};

}  // namespace

bool simplify_values(Function& f, bool owned) { return Simplify(f, owned).run(); }

}  // namespace coluber::ir
