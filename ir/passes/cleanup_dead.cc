// Part of cleanup: removes ops without effect whose results nobody needs, and parameters, also such as only feed one another around a
// loop. Works from what is needed: ops with effects, and from there back along operands and edges.
#include "ir/analysis/uses.h"
#include "ir/passes/cleanup.h"
#include "ir/passes/rewrite.h"

namespace coluber::ir {
namespace {

// May an op go away when its results are not used? Fresh memory that nobody looks at need not be allocated either; and a[k] += b stores a view, which
// has got its items already, to itself.
bool removable(const Op& op) {
  if (op.code == OpCode::Alloc || op.code == OpCode::ListNew) return true;
  if (op.code == OpCode::ArrayAssign && op.args[0] == op.args[1]) return true;
  return !op.has(Term) && !op.has(Raises) && !op.has(Writes);
}

class Dead {
 public:
  explicit Dead(Function& f) : f_(f), cfg_(f), needed_(f.values.size(), 0), index_(f.values.size(), 0), defs_(f.values.size(), nullptr) {}

  bool run(bool owned) {
    collect();
    // A counted parameter takes a reference over, even where it is never released: in a loop without end.
    for (const Block& b : f_.blocks)
      for (ValueId v : b.params)
        if (owned && is_managed(f_.type_of(v))) need(v);
    while (!work_.empty()) {
      ValueId v = work_.back();
      work_.pop_back();
      if (defs_[v]) operands(*defs_[v]);
      else arguments(v);
    }
    return sweep();
  }

 private:
  void collect() {
    for (const Block& b : f_.blocks) {
      for (uint32_t i = 0; i < b.params.size(); ++i) index_[b.params[i]] = i;
      for (const Op& op : b.ops)
        for (ValueId v : op.results) defs_[v] = &op;
    }
    for (const Block& b : f_.blocks)
      for (const Op& op : b.ops) {
        if (!removable(op)) operands(op);
        for (ValueId v : op.on_error) need(v);
      }
  }

  void need(ValueId v) {
    if (needed_[v]) return;
    needed_[v] = 1;
    work_.push_back(v);
  }

  void operands(const Op& op) {
    for (ValueId v : op.args) need(v);
  }

  void arguments(ValueId param) {
    BlockId b = f_.values[param].block;
    if (b == 0 || b == kNoId) return;
    for (const Pred& p : cfg_.preds(b)) need(edge_of(f_, p).args[index_[param]]);
  }

  bool sweep() {
    bool changed = false;
    std::vector<uint8_t> dead(f_.values.size(), 0);
    bool params = false;
    for (BlockId b = 1; b < f_.blocks.size(); ++b)
      for (ValueId v : f_.blocks[b].params)
        if (!needed_[v]) dead[v] = 1, params = true;
    if (params) remove_params(f_, dead);
    for (Block& b : f_.blocks) {
      changed |= std::erase_if(b.ops, [&](const Op& op) { return removable(op) && !any_needed(op, &dead); }) != 0;
      if (b.state) {
        forget(b.state->locals, dead);
        forget(b.state->stack, dead);
      }
    }
    return changed || params;
  }

  bool any_needed(const Op& op, std::vector<uint8_t>* dead) const {
    for (ValueId v : op.results)
      if (needed_[v]) return true;
    for (ValueId v : op.results) (*dead)[v] = 1;
    return false;
  }

  // A frame state does not keep values alive.
  static void forget(std::vector<ValueId>& list, const std::vector<uint8_t>& dead) {
    for (ValueId& v : list)
      if (v != kNoId && dead[v]) v = kNoId;
  }

  Function& f_;
  Cfg cfg_;
  std::vector<uint8_t> needed_;
  std::vector<uint32_t> index_;            // of parameters, in their blocks
  std::vector<const Op*> defs_;
  std::vector<ValueId> work_;
};

}  // namespace

bool remove_dead(Function& f, bool owned) { return Dead(f).run(owned); }

}  // namespace coluber::ir
