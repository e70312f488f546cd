// Wraps: innermost counted loops whose body asks of each turn whether it is one of the first or of the last, since an index goes round the end of
// an array there (x[i - 1], x[(i + 1) % n]). The turns between get a loop of their own in which the answer is no.
//
//   before   ^1(%i, ...) loop:  br (lt %i, %n), ^2, ^3
//            ^2:  %j = select (lt (%i - 1), 0), %i - 1 + %m, %i - 1        jump ^1(%i + 1, ...)
//   after    ^D(%i, ...) loop:  br (ge %i, 1 and lt %i, %h), ^F(%i, ...), ^1(%i, ...)       %h = min(%n, %m - 1, ...)
//            ^F(%i, ...) loop:  br (lt %i, %h), ^4, ^D(%i, ...)                            the copy
//            ^4:  %j = select false, ...                                   jump ^F(%i + 1, ...)
//            ^1(%i, ...):       br (lt %i, %n), ^2, ^3                                     one turn as it was
//            ^2:  ...                                                      jump ^D(%i + 1, ...)
//
// The copy is a straight body that vectorises. Questions that are understood: lt (%i - c), 0 and eq (%i + c), %m for constants c > 0 and an %m
// that the loop does not change. If %m - c wraps the copy does not run.
//
// Requires typed IR without reference counts; behind polls, so that a piece of a loop is what is divided.
#include <algorithm>

#include "ir/builder.h"
#include "ir/passes/guards.h"
#include "ir/passes/manager.h"

namespace coluber::ir {
namespace {

using guards::Analyses;

constexpr size_t kMaxOps = 200;
constexpr int64_t kMaxDistance = 16;

class Wraps {
 public:
  Wraps(Function& f, Analyses& a, LoopId id) : f_(f), a_(a), id_(id), loop_(a.loops.loops()[id]) {}

  bool possible() {
    size_t ops = 0;
    for (BlockId b : loop_.blocks) {
      if (a_.touched[b]) return false;
      ops += f_.blocks[b].ops.size();
    }
    if (ops > kMaxOps || loop_.entries.empty() || !counted()) return false;
    for (const Pred& p : loop_.entries)
      if (p.error()) return false;
    for (BlockId b : loop_.blocks)
      for (const Op& op : f_.blocks[b].ops) look(op);
    return !answered_.empty();
  }

  void make() {
    guards::Region region(f_, a_, loop_);
    BlockId dispatch = guards::make_dispatch(f_, a_, loop_), header = loop_.header;
    enter_at(dispatch);
    Builder b(&f_);
    b.set_loc(f_.blocks[header].term().loc);
    b.set_block(dispatch);
    ValueId high = kNoId, inside = kNoId;
    bounds(b, f_.blocks[dispatch].params[param_], &high, &inside);
    region.copy([&](Block& made, BlockId from) { edit(made, from, high, region); });
    BlockId fast = region.block_copy(header);
    Op branch;
    branch.code = OpCode::Branch;
    branch.args = {inside};
    branch.loc = b.loc();
    f_.blocks[dispatch].ops.push_back(std::move(branch));
    f_.blocks[dispatch].loop_header = true;
    f_.blocks[header].loop_header = false;
    guards::add_target(f_, a_, dispatch, fast, f_.blocks[dispatch].params);
    guards::add_target(f_, a_, dispatch, header, f_.blocks[dispatch].params);
    // The copy is left for what follows the last of its turns, the loop as it was after each turn.
    move_edge({fast, 1}, dispatch, f_.blocks[fast].params);
    for (const Pred& latch : loop_.latches) move_edge(latch, dispatch, edge_of(f_, latch).args);
    region.merge_values();
  }

 private:
  // A counter from the header's parameters, upwards by one, against a bound from outside; left by the test's false edge.
  bool counted() {
    const Block& header = f_.blocks[loop_.header];
    const Op& term = header.term();
    if (term.code != OpCode::Branch || !a_.loops.contains(id_, term.targets[0].block) || a_.loops.contains(id_, term.targets[1].block)) return false;
    const Op* test = a_.ranges.def(term.args[0]);
    if (!test || test->code != OpCode::Lt || f_.values[term.args[0]].block != loop_.header || !outside(test->args[1])) return false;
    auto at = std::find(header.params.begin(), header.params.end(), test->args[0]);
    if (at == header.params.end() || !f_.type_of(*at)->is(Kind::PyInt)) return false;
    param_ = static_cast<size_t>(at - header.params.begin());
    counter_ = *at;
    test_ = test;
    int64_t k;
    return std::all_of(loop_.latches.begin(), loop_.latches.end(), [&](const Pred& p) {
      if (p.error() || (f_.blocks[p.block].term().imm & 1)) return false;        // seldom run: not worth a copy
      const Op* next = a_.ranges.def(edge_of(f_, p).args[param_]);
      return next && next->code == OpCode::Add && next->args[0] == counter_ && a_.ranges.constant(next->args[1], &k) && k == 1;
    });
  }

  bool outside(ValueId v) const { return !a_.loops.contains(id_, f_.values[v].block); }

  // v is the counter plus *c.
  bool near_counter(ValueId v, int64_t* c) const {
    const Op* op = a_.ranges.def(v);
    if (!op || (op->code != OpCode::Add && op->code != OpCode::Sub) || op->args[0] != counter_ || !a_.ranges.constant(op->args[1], c)) return false;
    if (*c < -kMaxDistance || *c > kMaxDistance) return false;
    if (op->code == OpCode::Sub) *c = -*c;
    return true;
  }

  void look(const Op& op) {
    int64_t c, zero;
    if ((op.code != OpCode::Lt && op.code != OpCode::Eq) || !near_counter(op.args[0], &c)) return;
    if (op.code == OpCode::Lt) {
      if (c >= 0 || !a_.ranges.constant(op.args[1], &zero) || zero != 0) return;
      low_ = std::max(low_, -c);
    } else {
      if (c <= 0 || !outside(op.args[1])) return;
      ends_.push_back({op.args[1], c});
    }
    answered_.push_back(op.result());
  }

  // At the end of the dispatch block: *high, and whether turn i is one of those in between.
  void bounds(Builder& b, ValueId i, ValueId* high, ValueId* inside) {
    ValueId all = b.emit(OpCode::Ge, {i, b.const_int(low_)}, pybool());
    *high = test_->args[1];
    for (auto [end, distance] : ends_) {
      ValueId last = b.emit(OpCode::Sub, {end, b.const_int(distance)}, pyint());
      all = b.emit(OpCode::And, {all, b.emit(OpCode::Lt, {last, end}, pybool())}, pybool());
      *high = b.emit(OpCode::Select, {b.emit(OpCode::Lt, {last, *high}, pybool()), last, *high}, pyint());
    }
    *inside = b.emit(OpCode::And, {all, b.emit(OpCode::Lt, {i, *high}, pybool())}, pybool());
  }

  void edit(Block& made, BlockId from, ValueId high, const guards::Region& region) {
    for (Op& op : made.ops) {
      if (op.results.empty()) continue;
      auto is_copy = [&](ValueId v) { return region.value_copy(v) == op.result(); };
      if (from == loop_.header && is_copy(test_->result())) op.args[1] = high;
      if (std::none_of(answered_.begin(), answered_.end(), is_copy)) continue;
      op.code = OpCode::Const;                              // false
      op.args.clear();
      op.imm = 0;
    }
  }

  // What leads to the header from copies of loops before this one, which the analysis does not know.
  void enter_at(BlockId dispatch) {
    auto is_latch = [&](const Pred& p) {
      return std::any_of(loop_.latches.begin(), loop_.latches.end(), [&](const Pred& q) { return p.block == q.block && p.index == q.index; });
    };
    for (const Pred& p : std::vector<Pred>(a_.preds[loop_.header]))
      if (!is_latch(p)) move_edge(p, dispatch, edge_of(f_, p).args);
  }

  void move_edge(Pred from, BlockId to, std::vector<ValueId> args) {
    Edge& edge = edge_of(f_, from);
    std::erase_if(a_.preds[edge.block], [&](const Pred& p) { return p.block == from.block && p.index == from.index; });
    edge = Edge{to, std::move(args)};
    a_.preds[to].push_back(from);
  }

  Function& f_;
  Analyses& a_;
  LoopId id_;
  const Loop& loop_;
  size_t param_ = 0;
  ValueId counter_ = kNoId;
  const Op* test_ = nullptr;
  int64_t low_ = 0;
  std::vector<std::pair<ValueId, int64_t>> ends_;           // bound, distance from it
  std::vector<ValueId> answered_;
};

// Cheap: most functions have no such question.
bool may_ask(const Function& f) {
  for (const Block& b : f.blocks)
    for (const Op& op : b.ops)
      if (op.code == OpCode::Select) return true;
  return false;
}

}  // namespace

void run_wraps(Function& f, const PassOptions&) {
  if (!f.typed || !may_ask(f)) return;
  Analyses a(f);
  if (a.loops.irreducible()) return;
  const std::vector<Loop>& loops = a.loops.loops();
  std::vector<uint8_t> inner(loops.size(), 0);
  for (const Loop& loop : loops)
    if (loop.parent != kNoId) inner[loop.parent] = 1;
  for (LoopId id = 0; id < loops.size(); ++id) {
    if (inner[id]) continue;
    Wraps w(f, a, id);
    if (w.possible()) w.make();
  }
}

}  // namespace coluber::ir
