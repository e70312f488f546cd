// Part of guards: guards that depend on data, in innermost loops that only compute.
//
//   before                                   after
//     jump ^1(0, 0.0)                          jump ^5(0, 0.0)
//   ^1(%i, %s) loop:                         ^5(%k, %t): jump ^6(%k, %t, 0)
//     br (lt %i, %n), ^2, ^3                 ^6(%i', %s', %bad) loop:
//   ^2:                                        br (lt %i', %n), ^7, ^8
//     guard (ne %x, 0.0), "ZeroDiv"          ^7: ... %bad' = or %bad, cast (not (ne %x', 0.0)) ... jump ^6(%i' + 1, ..., %bad')
//     ...                                    ^8: br (likely ne %bad, 0: no), ^1(%k, %t), ^3
//     jump ^1(%i + 1, ...)                   ^1(%i, %s) loop: as it was, from the beginning
//
// Then the loop is one straight body which vectorises. If a guard would have failed nothing has been lost: nothing was stored, and the loop as
// it was starts over and raises at the very turn. Conditions on the loop: it is counted, so that it ends without its guards too; no op in it
// writes, calls or raises other than by guards. What the guards kept from happening must be harmless: integer divisors are replaced by 1 where
// they are 0, and what is read must be known to be inside of its array without the help of guards. A usual condition
// (guards.h) is taken to hold, and noted like a guard where it does not.
//
// A loop that stores to elements by its counter runs in pieces of some hundred turns. What a piece will overwrite is copied to the stack before,
// and copied back before the loop as it was starts over at the head of the piece (guards_undo.cc), so that nothing behind a failed guard is seen.
//
// A usual condition may fail late (n * n passes 2**53) and nothing is raised then: so that little is done twice, such a copy runs in pieces. ^5 has
// %end = min(%k + kPiece, %n), the copy ends there, and goes back to ^5 when nothing was bad; else the loop as it was does the rest.
// So does a copy inside of a handler: in the midst of a piece it is not known whether anything was bad, so that Ctrl-C is looked for between pieces.
//
// Behind a usual condition there may be another: the quotient of ints is a quotient of floats where floats hold both, else one that is corrected,
// where that is sure to be right, else it is computed bit by bit. Then the rest is done by a second copy, in which the first of the two is taken not
// to hold and the second to hold, and what that one cannot do by the loop as it was.
#include <algorithm>

#include "ir/builder.h"
#include "ir/passes/guards_undo.h"

namespace coluber::ir::guards {
namespace {

constexpr size_t kMaxOps = 200;
constexpr int64_t kPiece = int64_t{1} << 16;

bool divides(const Op& op) {
  return op.code == OpCode::FloorDiv || op.code == OpCode::Mod || op.code == OpCode::TruncDiv || op.code == OpCode::TruncRem;
}

class Speculation {
 public:
  // second: the loop has a copy in which everything is as usual; another one for where that fails.
  Speculation(Function& f, Analyses& a, const Loop& loop, bool second) : f_(f), a_(a), loop_(loop), second_(second) {}

  bool possible() {
    size_t ops = 0, guards = 0;
    bool stores = false;
    find_unusual();
    for (BlockId b : loop_.blocks) {
      if (a_.touched[b]) return false;
      if (skipped_.count(b)) continue;
      for (const Op& op : f_.blocks[b].ops) {
        ++ops;
        usual_ |= is_usual(op);
        if (op.code == OpCode::Guard || is_usual(op)) ++guards;
        else if (op.code == OpCode::ArrayStore) stores = true;
        else if (op.has(Raises) || op.has(Writes) || op.code == OpCode::StackAlloc) return false;
      }
      if (ops > kMaxOps) return false;
    }
    for (const Pred& p : loop_.entries)
      if (p.error()) return false;
    if (guards == 0 || !counted() || !reads_are_safe()) return false;
    if (handled() && !stores && count_ == kNoId) return false;
    if (stores && second_) return false;
    if (stores) undo_ = Undo::of(f_, a_, loop_, counter_, bound_);
    return !stores || undo_;
  }

  bool has_usual() const { return usual_; }
  bool has_second() const { return !undo_ && !nested_.empty(); }
  bool stores() const { return undo_ != nullptr; }

  void make() {
    Region region(f_, a_, loop_);
    BlockId dispatch = make_dispatch(f_, a_, loop_);
    if ((usual_ || handled()) && !undo_ && count_ != kNoId) start_piece(dispatch);
    region.copy([&](Block& made, BlockId from) { edit(made, from, region.block_copy(from)); });
    for (const Pred& latch : loop_.latches) {
      int64_t& what = f_.blocks[region.block_copy(latch.block)].term().imm;
      what = (what & ~1) | (second_ ? 8 : 0);
    }
    // `bad` goes round as the last parameter of every block of the copy. A number: for a bool LLVM would make vectors of 64 turns.
    std::vector<ValueId> start = f_.blocks[dispatch].params, args = start;
    BlockId enter = undo_ ? undo_->begin(dispatch, region) : dispatch;
    Builder b(&f_);
    b.set_block(enter);
    args.push_back(b.const_int(0));
    b.op(OpCode::Jump);
    add_target(f_, a_, enter, region.block_copy(loop_.header), std::move(args));
    std::unordered_set<BlockId> copies;
    for (BlockId b : loop_.blocks) copies.insert(region.block_copy(b));
    for (BlockId from : loop_.blocks) {
      BlockId made = region.block_copy(from);
      for (uint32_t k = 0; k < f_.blocks[made].term().targets.size(); ++k) {
        if (copies.count(f_.blocks[made].term().targets[k].block)) {
          f_.blocks[made].term().targets[k].args.push_back(bad_[made].second);
          continue;
        }
        BlockId ask = leave(made, k, start);
        if (end_ != kNoId && from == loop_.header) next_piece(ask, dispatch, made);
      }
    }
    region.merge_values();
    mark_seldom(f_, a_, a_.loops.loop_of(loop_.header));
  }

 private:
  // Is there a handler around the loop, which sees its variables when Ctrl-C is noticed?
  bool handled() const { return f_.blocks[loop_.header].on_error.valid(); }

  // What never runs in the copy: where a usual condition does not hold. In a second copy those that have another one behind them, which holds
  // for more, are taken not to hold.
  void find_unusual() {
    std::vector<const Op*> branches;
    for (BlockId b : loop_.blocks) {
      const Op& term = f_.blocks[b].term();
      const Op* cond = term.code == OpCode::Branch ? a_.ranges.def(term.args[0]) : nullptr;
      if (cond && is_usual(*cond)) branches.push_back(&term);
    }
    auto behind = [&](BlockId side, BlockId b) { return a_.preds[side].size() == 1 && a_.dom.dominates(side, b); };
    for (const Op* branch : branches)
      for (const Op* other : branches)
        if (a_.ranges.def(other->args[0])->ints[0] == 2 && behind(branch->targets[1].block, f_.values[other->args[0]].block))
          nested_.insert(branch->args[0]);
    for (const Op* branch : branches) {
      BlockId never = branch->targets[second_ && nested_.count(branch->args[0]) ? 0 : 1].block;
      for (BlockId b : loop_.blocks)
        if (behind(never, b)) skipped_.insert(b);
    }
  }

  // At the end of the dispatch block, as polls does it: where the piece ends that begins there.
  void start_piece(BlockId dispatch) {
    Builder b(&f_);
    b.set_block(dispatch);
    ValueId i = f_.blocks[dispatch].params[count_], all = test_->args[1], piece = b.const_int(kPiece);
    ValueId left = b.emit(OpCode::Sub, {all, i}, pyint()), inside = b.emit(OpCode::Lt, {i, all}, pybool());        // else `left` may have wrapped
    ValueId more = b.emit(OpCode::And, {b.emit(OpCode::Gt, {left, piece}, pybool()), inside}, pybool());
    end_ = b.emit(OpCode::Select, {more, b.emit(OpCode::Add, {i, piece}, pyint()), all}, pyint());
    f_.blocks[dispatch].loop_header = true;
  }

  // Where the copy has come to the end of a piece and all went well, goes back to the dispatch block, unless it was the last one.
  void next_piece(BlockId ask, BlockId dispatch, BlockId header) {
    BlockId more = f_.add_block();
    a_.preds.resize(f_.blocks.size());
    Edge out = std::move(f_.blocks[ask].ops.back().targets[1]);
    f_.blocks[ask].ops.back().targets[1] = Edge{more, {}};
    std::erase_if(a_.preds[out.block], [&](const Pred& p) { return p.block == ask && p.index == 1; });
    a_.preds[more].push_back({ask, 1});
    Builder b(&f_);
    b.set_block(more);
    std::vector<ValueId> now = f_.blocks[header].params;
    now.pop_back();                        // `bad`
    ValueId again = b.emit(OpCode::Lt, {now[count_], test_->args[1]}, pybool());
    b.op(OpCode::Branch, {again});
    if (handled()) poll(more, dispatch, header, std::move(now));
    else add_target(f_, a_, more, dispatch, std::move(now));
    add_target(f_, a_, more, out.block, std::move(out.args));
  }

  // Ctrl-C is looked for on the way back to the dispatch block, in place of the copy's head.
  void poll(BlockId more, BlockId dispatch, BlockId header, std::vector<ValueId> now) {
    BlockId made = f_.add_block();
    a_.preds.resize(f_.blocks.size());
    add_target(f_, a_, more, made, {});
    Edge around = std::move(f_.blocks[header].on_error);
    f_.blocks[header].on_error = {};
    for (Pred& p : a_.preds[around.block])
      if (p.block == header && p.error()) p.block = made;
    f_.blocks[made].on_error = std::move(around);
    Builder b(&f_);
    b.set_loc(f_.blocks[loop_.header].term().loc);
    b.set_block(made);
    b.op(OpCode::Poll);
    b.op(OpCode::Jump);
    add_target(f_, a_, made, dispatch, std::move(now));
  }

  // Is the loop left for sure: by a test of a counter against something that does not change?
  bool counted() {
    const Block& header = f_.blocks[loop_.header];
    const Op& term = header.term();
    if (term.code != OpCode::Branch) return false;
    LoopId id = a_.loops.loop_of(loop_.header);
    bool stay0 = a_.loops.contains(id, term.targets[0].block), stay1 = a_.loops.contains(id, term.targets[1].block);
    const Op* test = a_.ranges.def(term.args[0]);
    while (test && test->code == OpCode::Likely) test = a_.ranges.def(test->args[0]);
    if (!stay0 || stay1 || !test || (test->code != OpCode::Lt && test->code != OpCode::Gt)) return false;
    if (!invariant(test->args[1], id)) return false;
    auto at = std::find(header.params.begin(), header.params.end(), test->args[0]);
    if (at == header.params.end()) return false;
    counter_ = *at;
    bound_ = test->code == OpCode::Lt ? test->args[1] : kNoId;
    size_t index = static_cast<size_t>(at - header.params.begin());
    for (const Pred& p : loop_.latches) {
      if (p.error()) return false;
      const Op* next = a_.ranges.def(edge_of(f_, p).args[index]);
      OpCode step = test->code == OpCode::Lt ? OpCode::Add : OpCode::Sub;
      int64_t k;
      if (!next || next->code != step || next->args[0] != *at || !a_.ranges.constant(next->args[1], &k) || k != 1) return false;
    }
    // In pieces only where the bound is known in front of the loop.
    if (test->code == OpCode::Lt && test->result() == term.args[0] && !a_.loops.contains(id, f_.values[test->args[1]].block)) {
      count_ = index;
      test_ = test;
    }
    return true;
  }

  // Nothing in the loop writes: what is computed in it from values of outside (the shape of an array) is the same in each turn.
  bool invariant(ValueId v, LoopId id, int depth = 4) const {
    if (!a_.loops.contains(id, f_.values[v].block)) return true;
    const Op* op = a_.ranges.def(v);
    if (!op || depth == 0) return false;
    return std::all_of(op->args.begin(), op->args.end(), [&](ValueId x) { return invariant(x, id, depth - 1); });
  }

  bool reads_are_safe() {
    for (BlockId b : loop_.blocks)
      for (uint32_t i = 0; i < f_.blocks[b].ops.size(); ++i) {
        const Op& op = f_.blocks[b].ops[i];
        if (skipped_.count(b)) break;
        if (!op.has(Reads) || op.code == OpCode::ListLen || op.code == OpCode::ListData) continue;
        Place at{b, i};
        if (op.code == OpCode::ArrayLoad) {
          for (size_t k = 1; k < op.args.size(); ++k) {
            uint32_t size = a_.ranges.shape_node(op.args[0], static_cast<int>(k - 1));
            if (!a_.ranges.at_least(op.args[k], 0, at) || !a_.ranges.at_most(op.args[k], size, -1, at)) return false;
          }
        } else if (op.code != OpCode::ListLoad || !below_length(op, at)) {
          return false;
        }
      }
    return true;
  }

  // A list's length counts when it was read right in front of the loop: nothing has changed the list since.
  bool below_length(const Op& load, Place at) {
    if (loop_.preheader == kNoId || !a_.ranges.at_least(load.args[1], 0, at)) return false;
    const std::vector<Op>& before = f_.blocks[loop_.preheader].ops;
    for (size_t k = before.size(); k-- > 0;) {
      const Op& op = before[k];
      if (op.code == OpCode::ListLen && op.args[0] == load.args[0] && a_.ranges.at_most(load.args[1], op.result(), -1, at)) return true;
      if (op.has(Writes)) return false;
    }
    return false;
  }

  ValueId emit(std::vector<Op>* ops, BlockId b, OpCode code, std::vector<ValueId> args, TypeRef type, const Op& like, int64_t imm = 0) {
    Op& made = ops->emplace_back();
    made.code = code;
    made.args = std::move(args);
    made.imm = imm;
    made.loc = like.loc;
    made.results = {f_.add_value(type, b)};
    return made.result();
  }

  void edit(Block& made, BlockId from, BlockId b) {
    ValueId in = f_.add_value(pyint(), b), bad = in;
    made.params.push_back(in);
    std::vector<Op> ops;
    auto note = [&](ValueId cond, const Op& op) {
      ValueId failed = emit(&ops, b, OpCode::Not, {cond}, pybool(), op);
      bad = emit(&ops, b, OpCode::Or, {bad, emit(&ops, b, OpCode::Cast, {failed}, pyint(), op)}, pyint(), op);
    };
    for (size_t i = 0; i < made.ops.size(); ++i) {
      Op& op = made.ops[i];
      if (op.code == OpCode::Guard) {
        ValueId cond = op.args[0];
        if (told_by(f_, f_.blocks[from].ops, i, [this](ValueId v) { return a_.ranges.def(v); }) > i) continue;
        if (f_.type_of(cond) != pybool()) cond = emit(&ops, b, OpCode::Cast, {cond}, pybool(), op);
        note(cond, op);
        continue;
      }
      if (is_usual(op)) {                    // taken for granted, and noted where it does not hold
        bool never = second_ && nested_.count(f_.blocks[from].ops[i].result());
        if (never) op.imm = 0;
        else note(op.args[0], op);
        op.code = OpCode::Const;
        op.args.clear();
        op.ints.clear();
      }
      if (end_ != kNoId && from == loop_.header && made.ops.back().args[0] == (op.results.empty() ? kNoId : op.result())) op.args[1] = end_;
      TypeRef t = op.results.empty() ? nullptr : f_.type_of(op.result());
      int64_t k;
      if (divides(op) && is_integer(t) && !(a_.ranges.constant(op.args[1], &k) && k != 0)) {
        ValueId d = op.args[1];
        ValueId zero = emit(&ops, b, OpCode::Const, {}, t, op), one = emit(&ops, b, OpCode::Const, {}, t, op, 1);
        ValueId is_zero = emit(&ops, b, OpCode::Eq, {d, zero}, pybool(), op);
        op.args[1] = emit(&ops, b, OpCode::Select, {is_zero, one, d}, t, op);
      }
      ops.push_back(std::move(op));
    }
    made.ops = std::move(ops);
    bad_[b] = {in, bad};
  }

  // An edge out of the copy asks first whether all went well.
  BlockId leave(BlockId from, uint32_t index, const std::vector<ValueId>& start) {
    BlockId ask = f_.add_block();
    a_.preds.resize(f_.blocks.size());
    Edge out = std::move(f_.blocks[from].ops.back().targets[index]);
    f_.blocks[from].ops.back().targets[index] = Edge{ask, {}};
    std::erase_if(a_.preds[out.block], [&](const Pred& p) { return p.block == from && p.index == index; });
    a_.preds[ask].push_back({from, index});
    Builder b(&f_);
    b.set_block(ask);
    ValueId failed = b.emit(OpCode::Ne, {bad_[from].second, b.const_int(0)}, pybool());
    b.op(OpCode::Branch, {b.emit(OpCode::Likely, {failed}, pybool())});
    add_target(f_, a_, ask, undo_ ? undo_->back() : loop_.header, undo_ ? std::vector<ValueId>() : start);
    if (undo_) undo_->end(ask, std::move(out));
    else add_target(f_, a_, ask, out.block, std::move(out.args));
    return ask;
  }

  Function& f_;
  Analyses& a_;
  const Loop& loop_;
  const bool second_;
  std::unordered_set<BlockId> skipped_;
  std::unordered_set<ValueId> nested_;     // usual conditions behind whose failure there is another one
  bool usual_ = false;
  size_t count_ = kNoId;                  // which parameter of the header counts up to test_->args[1]; kNoId: no pieces
  const Op* test_ = nullptr;
  ValueId counter_ = kNoId, bound_ = kNoId;                           // bound_: where it counts upward
  std::unique_ptr<Undo> undo_;                                        // of a loop that stores
  ValueId end_ = kNoId;                    // of the piece
  std::unordered_map<BlockId, std::pair<ValueId, ValueId>> bad_;      // of each block of the copy: at its head, at its end
};

}  // namespace

void speculate_loops(Function& f, Analyses& a, const SlowLoops& slow, SlowLoops* again) {
  const std::vector<Loop>& loops = a.loops.loops();
  std::vector<uint8_t> inner(loops.size(), 0);
  std::vector<Slow> left(loops.size(), Slow::No);
  for (LoopId id = 0; id < loops.size(); ++id) {
    LoopId parent = loops[id].parent;
    auto at = slow.find(loops[id].header);
    left[id] = at != slow.end() ? at->second : parent != kNoId ? left[parent] : Slow::No;
    if (parent != kNoId) inner[parent] = 1;
  }
  for (LoopId id = 0; id < loops.size(); ++id) {
    if (inner[id] || left[id] == Slow::Yes) continue;
    Speculation s(f, a, loops[id], false);
    if (!s.possible() || (left[id] == Slow::Unusual && !s.has_usual())) continue;
    s.make();
    if (s.has_second()) again->emplace(loops[id].header, Slow::Unusual);
  }
}

bool speculates(Function& f, Analyses& a, const Loop& loop) {
  for (BlockId b : loop.blocks)
    for (const Op& op : f.blocks[b].ops)
      if (op.has(Reads)) return false;
  Speculation s(f, a, loop, false);
  return s.possible() && s.has_usual() && !s.stores();
}

void speculate_again(Function& f, Analyses& a, const SlowLoops& slow) {
  for (const Loop& loop : a.loops.loops()) {
    if (!slow.count(loop.header)) continue;
    Speculation s(f, a, loop, true);
    if (s.possible()) s.make();
  }
}

}  // namespace coluber::ir::guards
