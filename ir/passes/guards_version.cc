// Part of guards: two versions of a loop nest.
//
//   before                                   after
//     jump ^1(0)                               jump ^7(0)
//   ^1(%i) loop:                             ^7(%k):                            the test: would any check in the nest fail?
//     br (lt %i, %n), ^2, ^3                   %ok = le %n, (array.shape %a, 0)
//   ^2:                                        br (likely %ok), ^8(%k), ^1(%k)
//     %j = index_check %i, (shape of %a)     ^8(%i') loop: ... array.load %a, %i' ...
//     ... array.load %a, %j ...              ^1(%i) loop: as it was
//     jump ^1(%i + 1)                        ^3: as it was; takes over what it used from either loop as parameters
//   ^3:
//
// The test holds only if every check that was dropped holds on every turn; which turns there are follows from where the counters begin and
// stop (guards_bounds). It has no effect and raises nothing, so it may run where the loop would not have run at all.
// A nest is copied once, at the outermost loop from where all its checks can be told; its inner loops are left alone then. Loops that stay
// without an answer for some checks get one for the others when they are innermost.
#include <algorithm>

#include "ir/passes/guards_bounds.h"

namespace coluber::ir::guards {
namespace {

constexpr size_t kMaxOps = 300;            // of a nest that is copied
constexpr size_t kMaxCopied = 4000;        // ops copied per function

struct Answer {
  bool dropped = false, wraps = false;
};

class Versions {
 public:
  Versions(Function& f, Analyses& a, SlowLoops* slow) : f_(f), a_(a), slow_(slow) {}

  void run() {
    const std::vector<Loop>& loops = a_.loops.loops();
    inner_.assign(loops.size(), 0);
    done_.assign(loops.size(), 0);
    for (const Loop& loop : loops)
      if (loop.parent != kNoId) inner_[loop.parent] = 1;
    for (LoopId id = 0; id < loops.size(); ++id) {          // outer loops come first
      LoopId parent = loops[id].parent;
      if (parent != kNoId && done_[parent]) done_[id] = 1;
      if (!done_[id] && try_loop(id)) done_[id] = 1;
    }
  }

 private:
  static uint64_t key(BlockId b, size_t op) { return uint64_t{b} << 32 | op; }

  bool suitable(const Loop& loop) {
    size_t ops = 0;
    for (BlockId b : loop.blocks) {
      ops += f_.blocks[b].ops.size();
      if (a_.touched[b]) return false;
    }
    if (ops > kMaxOps || copied_ + ops > kMaxCopied) return false;
    for (const Pred& p : loop.entries)
      if (p.error()) return false;
    for (const Pred& p : loop.latches)
      if (p.error() || (f_.blocks[p.block].term().imm & 1)) return false;      // seldom run: not worth a copy
    copied_now_ = ops;
    return true;
  }

  bool try_loop(LoopId id) {
    const Loop& loop = a_.loops.loops()[id];
    if (!suitable(loop) || (!inner_[id] && speculates(f_, a_, loop))) return false;
    // The dispatch block's parameters are made first: the conditions are about them.
    std::vector<ValueId> entry;
    for (ValueId v : f_.blocks[loop.header].params) entry.push_back(f_.add_value(f_.type_of(v), kNoId, std::string(f_.values[v].name)));
    LoopBounds bounds(f_, a_, id, entry);
    std::unordered_map<uint64_t, Answer> answers;
    Condition all;
    size_t checks = 0;
    bool innermost = false, unusual = false;
    for (BlockId b : loop.blocks)
      for (uint32_t i = 0; i < f_.blocks[b].ops.size(); ++i) {
        const Op& op = f_.blocks[b].ops[i];
        if (!is_check(op)) continue;
        checks += !is_usual(op);             // one that stays is no reason to leave the nest
        Answer answer{true, false};
        Condition c;
        bool told = op.code != OpCode::IndexCheck ? bounds.guard(op.args[0], true, {b, i}, &c) : bounds.index(op, {b, i}, &answer.wraps, &c);
        if (!told) continue;
        checks += is_usual(op);
        unusual |= is_usual(op);
        answers[key(b, i)] = answer;
        LoopBounds::append(&all, c);
        innermost |= !inner_[a_.loops.loop_of(b)];
      }
    if (answers.empty() || !innermost || (answers.size() < checks && inner_[id])) return false;
    ValueId cond = bounds.whole(all);
    if (cond == kNoId) cond = bounds.emit(OpCode::Const, {}, pybool(), 1);
    make(loop, entry, bounds.take_code(), cond, answers);
    mark_seldom(f_, a_, id);
    (*slow_)[loop.header] = unusual ? Slow::Unusual : Slow::Yes;
    return true;
  }

  void make(const Loop& loop, const std::vector<ValueId>& entry, std::vector<Op> code, ValueId cond,
            const std::unordered_map<uint64_t, Answer>& answers) {
    Region region(f_, a_, loop);
    BlockId dispatch = make_dispatch(f_, a_, loop);
    f_.blocks[dispatch].params = entry;
    for (ValueId v : entry) f_.values[v].block = dispatch;
    region.copy([&](Block& made, BlockId from) { drop(made, from, region.block_copy(from), answers); });
    for (Op& op : code)
      for (ValueId v : op.results) f_.values[v].block = dispatch;
    ValueId expected = f_.add_value(f_.type_of(cond), dispatch);
    Op likely;
    likely.code = OpCode::Likely;
    likely.imm = 1;
    likely.args = {cond};
    likely.results = {expected};
    code.push_back(std::move(likely));
    Op branch;
    branch.code = OpCode::Branch;
    branch.args = {expected};
    code.push_back(std::move(branch));
    f_.blocks[dispatch].ops = std::move(code);
    add_target(f_, a_, dispatch, region.block_copy(loop.header), entry);
    add_target(f_, a_, dispatch, loop.header, entry);
    region.merge_values();
    copied_ += copied_now_;
  }

  // Takes the checks out of a block of the copy.
  void drop(Block& made, BlockId from, BlockId to, const std::unordered_map<uint64_t, Answer>& answers) {
    std::vector<Op> ops;
    for (size_t i = 0; i < made.ops.size(); ++i) {
      Op& op = made.ops[i];
      auto it = is_check(op) ? answers.find(key(from, i)) : answers.end();
      if (it == answers.end()) {
        ops.push_back(std::move(op));
        continue;
      }
      if (op.code == OpCode::Guard) continue;
      if (op.code == OpCode::Likely) {
        op.code = OpCode::Const;
        op.args.clear();
        op.ints.clear();
        ops.push_back(std::move(op));
        continue;
      }
      // The checked index: the index itself, or, where it may be negative, wrapped.
      ValueId x = op.args[0], n = op.args[1], result = op.result();
      auto emit = [&](OpCode code, std::vector<ValueId> args, TypeRef type) {
        Op& o = ops.emplace_back();
        o.code = code;
        o.args = std::move(args);
        o.loc = op.loc;
        o.results = {f_.add_value(type, to)};
        return o.result();
      };
      ValueId with = x;
      ValueId truth = kNoId;
      if (it->second.wraps) {
        ValueId zero = emit(OpCode::Const, {}, pyint());
        truth = emit(OpCode::Lt, {x, zero}, pybool());
        with = emit(OpCode::Add, {x, n}, pyint());
      } else {
        truth = emit(OpCode::Const, {}, pybool());
      }
      emit(OpCode::Select, {truth, with, x}, pyint());
      ops.back().results = {result};
    }
    made.ops = std::move(ops);
  }

  Function& f_;
  Analyses& a_;
  SlowLoops* slow_;
  std::vector<uint8_t> inner_, done_;      // has an inner loop; is copied, or part of what is
  size_t copied_ = 0, copied_now_ = 0;
};

}  // namespace

void version_loops(Function& f, Analyses& a, SlowLoops* slow) { Versions(f, a, slow).run(); }

}  // namespace coluber::ir::guards
