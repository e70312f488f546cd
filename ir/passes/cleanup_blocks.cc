// Part of cleanup: the control-flow graph. A branch on a constant becomes a jump; edges to blocks that only jump on (or branch on a
// parameter that is constant on this edge) go to where those lead; a block whose only predecessor jumps to it joins that predecessor;
// what cannot be reached any more goes away.
#include "ir/analysis/uses.h"
#include "ir/passes/cleanup.h"
#include "ir/passes/rewrite.h"

namespace coluber::ir {
namespace {

class Blocks {
 public:
  explicit Blocks(Function& f) : f_(f), map_(f.values.size()) {}

  bool run() {
    find_constants();
    for (Block& b : f_.blocks) {
      if (b.on_error.valid() && !keeps_error_edge(b)) drop_error_edge(b);
      fold_branch(b);
    }
    thread();
    changed_ |= remove_unreachable(f_);
    if (merge()) {
      changed_ = true;
      map_.apply(f_);
      remove_unreachable(f_);
    }
    return changed_;
  }

 private:
  void drop_error_edge(Block& b) {
    b.on_error = {};
    changed_ = true;
  }

  void find_constants() {
    truth_.assign(f_.values.size(), -1);
    for (const Block& b : f_.blocks)
      for (const Op& op : b.ops)
        if (op.code == OpCode::Const && op.results.size() == 1 && is_bool(f_.type_of(op.result()))) truth_[op.result()] = op.imm != 0;
  }

  void fold_branch(Block& b) {
    Op& term = b.term();
    if (term.code != OpCode::Branch) return;
    int8_t truth = truth_[term.args[0]];
    bool same = term.targets[0].block == term.targets[1].block && term.targets[0].args == term.targets[1].args;
    if (truth < 0 && !same) return;
    Edge taken = std::move(term.targets[truth == 0 ? 1 : 0]);
    term.code = OpCode::Jump;
    term.args.clear();
    term.targets.clear();
    term.targets.push_back(std::move(taken));
    changed_ = true;
  }

  // ---- threading -------------------------------------------------------------------------------------------------------------------
  // Blocks of one op, a jump or branch, whose parameters nobody else uses.
  void find_forwarders() {
    std::vector<uint32_t> count(f_.values.size(), 0);
    for (const Block& b : f_.blocks) {
      for (ValueId v : b.on_error.args) ++count[v];
      for (const Op& op : b.ops) {
        for_each_use(op, [&](ValueId v) { ++count[v]; });
        for (ValueId v : op.on_error) ++count[v];
      }
      if (b.state) {
        for (ValueId v : b.state->locals) if (v != kNoId) ++count[v];
        for (ValueId v : b.state->stack) if (v != kNoId) ++count[v];
      }
    }
    forwards_.assign(f_.blocks.size(), 0);
    for (BlockId b = 1; b < f_.blocks.size(); ++b) {
      const Block& block = f_.blocks[b];
      const Op& op = block.ops[0];
      if (block.ops.size() != 1 || block.loop_header || (op.code != OpCode::Jump && op.code != OpCode::Branch)) continue;
      for_each_use(op, [&](ValueId v) { --count[v]; });
      bool own = true;
      for (ValueId v : block.params) own &= count[v] == 0;
      for_each_use(op, [&](ValueId v) { ++count[v]; });
      forwards_[b] = own;
    }
  }

  void thread() {
    find_forwarders();
    substitute_.assign(f_.values.size(), kNoId);
    for (Block& b : f_.blocks) {
      for (Edge& e : b.ops.back().targets) thread(e);
      if (b.on_error.valid()) thread(b.on_error);
      fold_branch(b);
    }
  }

  void thread(Edge& e) {
    constexpr int kMaxSteps = 32;          // there may be a cycle of them
    for (int step = 0; step < kMaxSteps && forwards_[e.block]; ++step) {
      const Block& block = f_.blocks[e.block];
      const Op& op = block.ops[0];
      for (size_t i = 0; i < block.params.size(); ++i) substitute_[block.params[i]] = e.args[i];
      size_t taken = 0;
      bool known = true;
      if (op.code == OpCode::Branch) {
        int8_t truth = truth_[substituted(op.args[0])];
        known = truth >= 0;
        taken = truth == 1 ? 0 : 1;
      }
      Edge next;
      if (known) {
        next.block = op.targets[taken].block;
        for (ValueId v : op.targets[taken].args) next.args.push_back(substituted(v));
      }
      for (ValueId v : block.params) substitute_[v] = kNoId;
      if (!known || next.block == e.block) return;
      e = std::move(next);
      changed_ = true;
    }
  }

  ValueId substituted(ValueId v) const { return substitute_[v] == kNoId ? v : substitute_[v]; }

  // ---- merging ---------------------------------------------------------------------------------------------------------------------
  bool merge() {
    std::vector<uint32_t> preds(f_.blocks.size(), 0);
    for (BlockId b = 0; b < f_.blocks.size(); ++b) for_each_edge(f_, b, [&](const Edge& e, Pred) { ++preds[e.block]; });
    raises_.resize(f_.blocks.size());
    for (BlockId b = 0; b < f_.blocks.size(); ++b) raises_[b] = (f_.blocks[b].loop_header && preds[b] > 1) || has_raising_op(f_.blocks[b]);
    bool any = false;
    for (BlockId b = 0; b < f_.blocks.size(); ++b) {
      if (f_.blocks[b].ops.empty()) continue;              // merged already
      while (f_.blocks[b].term().code == OpCode::Jump) {
        BlockId s = f_.blocks[b].term().targets[0].block;
        if (s == b || preds[s] != 1 || !error_edges_agree(b, s)) break;
        absorb(b, s);
        any = true;
      }
    }
    if (any) drop_merged();
    return any;
  }

  // One error edge has to do for both blocks. A handler may use what dominates it, and what ops of b define would no longer do so if they
  // stood in the block that the error edge leaves: then b must have no ops, and the edge's arguments must come from before b and s.
  bool error_edges_agree(BlockId b, BlockId s) const {
    const Edge &eb = f_.blocks[b].on_error, &es = f_.blocks[s].on_error;
    if (!raises_[s]) return true;
    if (raises_[b]) return eb.block == es.block && eb.args == es.args;
    if (!es.valid()) return true;
    for (ValueId v : es.args)
      if (f_.values[v].block == s) return false;
    return f_.blocks[b].ops.size() == 1;
  }

  void absorb(BlockId b, BlockId s) {
    Block &to = f_.blocks[b], &from = f_.blocks[s];
    std::vector<ValueId> args = std::move(to.term().targets[0].args);
    to.ops.pop_back();
    for (size_t i = 0; i < args.size(); ++i) map_.replace(f_, from.params[i], args[i]);
    if (raises_[s] && !raises_[b]) to.on_error = std::move(from.on_error);
    raises_[b] = raises_[b] || raises_[s];
    move_ops(f_, b, from.ops, 0, from.ops.size());
    from.params.clear();
    from.ops.clear();
    from.on_error = {};
  }

  // Merged blocks have no ops; give them one so that they are blocks like any other until they are removed as unreachable.
  void drop_merged() {
    for (Block& b : f_.blocks)
      if (b.ops.empty()) b.ops.emplace_back().code = OpCode::Unreachable;
  }

  Function& f_;
  ValueMap map_;
  std::vector<int8_t> truth_;              // of values: 0, 1, or -1 when not a constant bool
  std::vector<uint8_t> forwards_, raises_;
  std::vector<ValueId> substitute_;
  bool changed_ = false;
};

}  // namespace

bool simplify_blocks(Function& f) { return Blocks(f).run(); }

}  // namespace coluber::ir
