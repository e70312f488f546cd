// Empty: a loop in a loop whose number of rounds takes a division looks first whether there are any.
//
//   before                                            after
//     %c = lt %lo, %hi                                  %c = lt %lo, %hi             jump ^G(0)
//     %q = floordiv (sub %hi, %lo, 1), %step          ^G(%k):   br %c, ^P, ^3
//     %n = select %c, (add %q, 1), 0   jump ^1(0)     ^P:       %q = floordiv ...    %n = select ...      jump ^1(%k)
//   ^1(%i) loop:  br (lt %i, %n), ^2, ^3              ^1(%i) loop:  br (lt %i, %n), ^2, ^3
//
// That is the length of a range whose step is no constant. Dividing takes as long as ten rounds of a short loop, and what other passes
// compute in front of a loop comes on top; of ranges within a loop many are empty (in a sieve all those of primes beyond the root). What is
// needed for the number of rounds alone goes behind the test. Where the division does not change in the outer loop it stays: it leaves that loop.
//
// Requires typed IR before refcount; in front of guards, which put their tests in front of loops.
#include <algorithm>
#include <set>

#include "ir/passes/guards.h"
#include "ir/passes/manager.h"

namespace coluber::ir {
namespace {

using guards::Analyses;

constexpr size_t kMostOps = 24;            // that move
constexpr size_t kMostLoops = 16;          // of a function

bool divides(OpCode code) { return code == OpCode::FloorDiv || code == OpCode::TruncDiv || code == OpCode::Mod || code == OpCode::TruncRem; }
bool only_computes(const Op& op) { return !op.results.empty() && !op.has(Raises) && !op.has(Reads) && !op.has(Writes) && op.targets.empty(); }

class Bypass {
 public:
  Bypass(Function& f, Analyses& a, LoopId id) : f_(f), a_(a), id_(id), loop_(a.loops.loops()[id]) {}

  // Is there something to be gained?
  bool plan() {
    if (loop_.parent == kNoId || loop_.preheader == kNoId || !tested() || bypassed()) return false;
    gather();
    for (const Op& op : f_.blocks[loop_.header].ops)
      if (uses_moved(op) && (op.result() != f_.blocks[loop_.header].term().args[0] || a_.uses.count(op.result()) != 1)) return false;
    return std::any_of(moved_.begin(), moved_.end(), [&](ValueId v) {
      const Op& op = *def(v);
      return divides(op.code) && def_code(op.args[1]) != OpCode::Const && changes(v, 0);
    });
  }

  void run() {
    Loop test;
    test.header = loop_.header;
    test.blocks = {loop_.header};
    test.exits = {{loop_.header, 0}, {loop_.header, 1}};
    guards::Region region(f_, a_, test);
    // The test waits for what moves.
    region.copy([&](Block& made, BlockId) { std::erase_if(made.ops, [&](const Op& op) { return op.targets.empty() && uses_moved(op); }); });
    BlockId guard = region.block_copy(loop_.header), body = f_.blocks[guard].term().targets[0].block;
    std::erase_if(a_.preds[body], [&](const Pred& p) { return p.block == guard; });
    BlockId before = f_.add_block();
    a_.preds.resize(f_.blocks.size());
    f_.blocks[guard].term().args[0] = condition_;
    f_.blocks[guard].term().targets[0] = Edge{before, {}};
    f_.blocks[guard].loop_header = false;
    edge_of(f_, {loop_.preheader, 0}).block = guard;
    a_.preds[guard].push_back({loop_.preheader, 0});
    a_.preds[before].push_back({guard, 0});
    a_.preds[loop_.header].clear();
    a_.preds[loop_.header].push_back({before, 0});
    for (const Pred& p : loop_.latches) a_.preds[loop_.header].push_back(p);
    region.merge_values();
    move(before);
    Op jump;
    jump.code = OpCode::Jump;
    jump.loc = f_.blocks[guard].term().loc;
    jump.targets = {Edge{loop_.header, f_.blocks[guard].params}};
    f_.blocks[before].ops.push_back(std::move(jump));
  }

 private:
  const Op* def(ValueId v) const { return a_.uses.def_op(f_, v); }
  OpCode def_code(ValueId v) const { return def(v) ? def(v)->code : OpCode::Jump; }
  LoopId level(ValueId v) const { return a_.loops.loop_of(f_.values[v].block); }
  bool uses_moved(const Op& op) const {
    return std::any_of(op.args.begin(), op.args.end(), [&](ValueId v) { return moved_.count(v) != 0; });
  }
  bool is_zero(ValueId v) const { return def_code(v) == OpCode::Const && f_.type_of(v)->is(Kind::PyInt) && def(v)->imm == 0; }

  // From 0 to what a select gives: 0 unless there are rounds.
  bool tested() {
    const Block& header = f_.blocks[loop_.header];
    const Op& term = header.term();
    if (term.code != OpCode::Branch || header.on_error.valid() || !a_.loops.contains(id_, term.targets[0].block)) return false;
    if (a_.loops.contains(id_, term.targets[1].block) || !std::all_of(header.ops.begin(), header.ops.end() - 1, only_computes)) return false;
    const Op* test = def(term.args[0]);
    if (!test || test->code != OpCode::Lt || f_.values[test->result()].block != loop_.header) return false;
    auto at = std::find(header.params.begin(), header.params.end(), test->args[0]);
    const Op* length = def(test->args[1]);
    if (at == header.params.end() || !length || length->code != OpCode::Select || !is_zero(length->args[2])) return false;
    if (!is_zero(edge_of(f_, {loop_.preheader, 0}).args[static_cast<size_t>(at - header.params.begin())])) return false;
    condition_ = length->args[0];
    length_ = length->result();
    return std::none_of(loop_.latches.begin(), loop_.latches.end(), [](const Pred& p) { return p.error(); });
  }

  // By an earlier round.
  bool bypassed() const {
    const std::vector<Pred>& preds = a_.preds[loop_.preheader];
    if (preds.size() != 1 || preds[0].error()) return false;
    const Op& term = f_.blocks[preds[0].block].term();
    return term.code == OpCode::Branch && term.args[0] == condition_;
  }

  // What is computed on the way to the loop, for it alone.
  void gather() {
    LoopId around = a_.loops.loop_of(loop_.preheader);
    std::vector<ValueId> wanted{length_};
    for (size_t k = 0; k < wanted.size() && moved_.size() < kMostOps; ++k) {
      ValueId v = wanted[k];
      const Op* op = def(v);
      if (!op || moved_.count(v) || v == condition_ || level(v) != around || op->results.size() != 1 || !only_computes(*op)) continue;
      auto uses = a_.uses.uses(v);
      bool alone = std::all_of(uses.begin(), uses.end(), [&](const Position& p) {
        if (a_.loops.contains(id_, p.block)) return true;
        const Op* user = p.op == Position::kHead ? nullptr : &f_.blocks[p.block].ops[p.op];
        return user && user->targets.empty() && user->results.size() == 1 && moved_.count(user->result());
      });
      if (!alone || a_.state_uses.count(v)) continue;
      moved_.insert(v);
      wanted.insert(wanted.end(), op->args.begin(), op->args.end());
    }
  }

  // In the loop around this one?
  bool changes(ValueId v, size_t depth) const {
    if (!a_.loops.contains(loop_.parent, f_.values[v].block)) return false;
    const Op* op = def(v);
    if (!op || !only_computes(*op) || depth > kMostOps) return true;
    return std::any_of(op->args.begin(), op->args.end(), [&](ValueId x) { return changes(x, depth + 1); });
  }

  void move(BlockId to) {
    for (BlockId b : a_.cfg.rpo()) {
      if (b == loop_.header || a_.loops.contains(id_, b)) continue;
      std::vector<Op> kept;
      std::vector<Op>& ops = f_.blocks[b].ops;
      bool any = std::any_of(ops.begin(), ops.end(), [&](const Op& op) { return op.results.size() == 1 && moved_.count(op.result()); });
      if (!any) continue;
      for (Op& op : ops) {
        bool moves = op.results.size() == 1 && moved_.count(op.result());
        if (moves) f_.values[op.result()].block = to;
        (moves ? f_.blocks[to].ops : kept).push_back(std::move(op));
      }
      f_.blocks[b].ops = std::move(kept);
    }
  }

  Function& f_;
  Analyses& a_;
  const LoopId id_;
  const Loop& loop_;
  ValueId condition_ = kNoId, length_ = kNoId;
  std::set<ValueId> moved_;
};

bool has_division(const Function& f) {
  for (const Block& b : f.blocks)
    for (const Op& op : b.ops)
      if (op.code == OpCode::FloorDiv || op.code == OpCode::TruncDiv) return true;
  return false;
}

}  // namespace

void run_empty(Function& f, const PassOptions&) {
  if (!f.typed || f.blocks.size() < 6 || !has_division(f)) return;
  // One at a time: what moves would put the places of other ops out of date.
  for (size_t round = 0; round < kMostLoops; ++round) {
    Analyses a(f);
    if (a.loops.irreducible()) return;
    bool found = false;
    for (LoopId id = 0; id < a.loops.loops().size() && !found; ++id)
      if (Bypass bypass(f, a, id); bypass.plan()) bypass.run(), found = true;
    if (!found) return;
  }
}

}  // namespace coluber::ir
