// Rotate: a loop that tests at its head tests at its foot, behind a copy of the test in front of it.
//
//   before                                   after
//     jump ^1(0)                               jump ^G(0)
//   ^1(%i) loop:                             ^G(%k):       br (lt %k, %n), ^P, ^X
//     br (lt %i, %n), ^2, ^3                 ^P:           jump ^2(%k)
//   ^2:                                      ^2(%b) loop:  ... %b ...   jump ^1(%b + 1)
//     ... jump ^1(%i + 1)                    ^1(%i):       br (lt %i, %n), ^2(%i), ^E
//                                            ^E:           jump ^X          ^X: jump ^3
//
// LLVM does the same, loop by loop, and repairs its dominator tree and memory SSA behind each: in a function of a thousand loops that took most
// of the compilation, since a repair visits all that follows. Its other loop passes look from each loop back to the entry of the function along blocks
// with one predecessor; a guarded loop ends that walk. Here it is linear.
//
// Requires typed IR without reference counts, and one back edge per loop, so behind latches. What a jump back says of the loop (imm) is
// said by the branch at the foot then. Nothing that removes empty blocks may run behind it.
#include <algorithm>

#include "ir/passes/guards.h"
#include "ir/passes/manager.h"

namespace coluber::ir {
namespace {

using guards::Analyses;

constexpr size_t kMaxOps = 12;             // of a test that is copied

// Which of the header's edges stays in the loop; kNoId: the loop is not one to rotate.
uint32_t edge_inside(const Function& f, const LoopInfo& loops, LoopId id) {
  const Loop& loop = loops.loops()[id];
  const Block& header = f.blocks[loop.header];
  const Op& term = header.term();
  if (term.code != OpCode::Branch || header.on_error.valid() || header.ops.size() > kMaxOps + 1) return kNoId;
  for (const Op& op : header.ops)
    if (op.has(Writes) || op.code == OpCode::Call || op.code == OpCode::StackAlloc) return kNoId;
  bool first = loops.contains(id, term.targets[0].block), second = loops.contains(id, term.targets[1].block);
  if (first == second || loop.latches.size() != 1 || loop.latches[0].error() || loop.latches[0].block == loop.header) return kNoId;
  for (const Pred& p : loop.entries)
    if (p.error()) return kNoId;
  for (const Edge& e : f.blocks[loop.latches[0].block].term().targets)       // tests at its foot already
    if (!loops.contains(id, e.block)) return kNoId;
  return first ? 0 : 1;
}

// A block of its own on an edge; what the edge passed the new block passes on.
BlockId split(Function& f, Pred p) {
  BlockId made = f.add_block();
  Edge& edge = edge_of(f, p);
  Op jump;
  jump.code = OpCode::Jump;
  jump.loc = f.blocks[p.block].term().loc;
  jump.targets.push_back(std::move(edge));
  edge_of(f, p) = Edge{made, {}};
  f.blocks[made].ops.push_back(std::move(jump));
  return made;
}

class Rotation {
 public:
  Rotation(Function& f, Analyses& a, LoopId id, uint32_t inside) : f_(f), a_(a), id_(id), loop_(a.loops.loops()[id]), inside_(inside) {}

  void run() {
    if (a_.touched[loop_.header] || used_beyond()) return;
    Loop test;
    test.header = loop_.header;
    test.blocks = {loop_.header};
    test.exits = {{loop_.header, 0}, {loop_.header, 1}};
    guards::Region region(f_, a_, test);
    region.copy([](Block& made, BlockId) { made.term().imm = 0; });
    BlockId guard = region.block_copy(loop_.header);
    for (const Pred& p : loop_.entries) {
      edge_of(f_, p).block = guard;
      a_.preds[guard].push_back(p);
      std::erase_if(a_.preds[loop_.header], [&](const Pred& q) { return q.block == p.block && q.index == p.index; });
    }
    region.merge_values();
    Op& latch = f_.blocks[loop_.latches[0].block].term();
    Op& foot = f_.blocks[loop_.header].term();
    std::swap(foot.imm, latch.imm);
    f_.blocks[guard].loop_header = f_.blocks[loop_.header].loop_header = false;
    Block& body = f_.blocks[foot.targets[inside_].block];
    body.loop_header = true;
    for (Op& op : body.ops)                // remarks about the loop are said of the place where its first block ends
      if (op.loc == 0 && (op.code == OpCode::Poll || &op == &body.ops.back())) op.loc = foot.loc;
    split(f_, {guard, inside_});
    split(f_, {loop_.header, 1 - inside_});
  }

 private:
  // Does what the header computes go on living behind another way out than its own? Then the joins behind would need parameters.
  bool used_beyond() const {
    BlockId exit = f_.blocks[loop_.header].term().targets[1 - inside_].block;
    auto beyond = [&](ValueId v) {
      for (const Position& p : a_.uses.uses(v))
        if (!a_.loops.contains(id_, p.block) && !a_.dom.dominates(exit, p.block)) return true;
      auto states = a_.state_uses.find(v);
      return states != a_.state_uses.end() && std::any_of(states->second.begin(), states->second.end(), [&](BlockId b) {
        return !a_.loops.contains(id_, b) && !a_.dom.dominates(exit, b);
      });
    };
    const Block& header = f_.blocks[loop_.header];
    if (std::any_of(header.params.begin(), header.params.end(), beyond)) return true;
    return std::any_of(header.ops.begin(), header.ops.end(),
                       [&](const Op& op) { return std::any_of(op.results.begin(), op.results.end(), beyond); });
  }

  Function& f_;
  Analyses& a_;
  LoopId id_;
  const Loop& loop_;
  uint32_t inside_;
};

bool only_computes(const Op& op) { return !op.results.empty() && !op.has(Raises) && !op.has(Reads) && !op.has(Writes) && op.targets.empty(); }

// Of the header stays what the test needs: constants go in front of the loop, what only the body uses (the next value of the counter) into the body.
// `first`: the first block of the body, as dom knows it; it may be the header of another loop, and `body` the block made in front of that.
void slim(Function& f, const Loop& loop, BlockId before, BlockId first, BlockId body, const DomTree& dom, const DefUse& uses) {
  std::vector<Op> kept, constants, computed;
  for (Op& op : f.blocks[loop.header].ops) {
    auto in_body = [&](ValueId v) {
      return std::all_of(uses.uses(v).begin(), uses.uses(v).end(), [&](const Position& p) { return dom.dominates(first, p.block); });
    };
    bool computes = only_computes(op) && !f.blocks[body].on_error.valid();     // a handler sees nothing of what its block computes
    auto* to = op.code == OpCode::Const                                                             ? &constants
               : computes && std::all_of(op.results.begin(), op.results.end(), in_body) ? &computed
                                                                                                    : &kept;
    to->push_back(std::move(op));
  }
  f.blocks[loop.header].ops = std::move(kept);
  auto insert = [&](BlockId b, std::vector<Op>& ops, bool in_front) {
    for (const Op& op : ops)
      for (ValueId v : op.results) f.values[v].block = b;
    std::vector<Op>& at = f.blocks[b].ops;
    at.insert(in_front ? at.begin() : at.end() - 1, std::make_move_iterator(ops.begin()), std::make_move_iterator(ops.end()));
  };
  insert(before, constants, false);
  insert(body, computed, true);
}

// Blocks of their own in front of the loops to be rotated and behind them: what a rotation adds parameters to is no other loop's header then.
bool make_room(Function& f) {
  Cfg cfg(f);
  DomTree dom(f, cfg);
  LoopInfo loops(f, cfg, dom);
  if (loops.irreducible()) return false;
  struct Found {
    const Loop* loop;
    uint32_t inside;
    BlockId first, before;
  };
  std::vector<Found> found;
  for (LoopId id = 0; id < loops.loops().size(); ++id) {
    const Loop& loop = loops.loops()[id];
    uint32_t inside = edge_inside(f, loops, id);
    if (inside != kNoId) found.push_back({&loop, inside, f.blocks[loop.header].term().targets[inside].block, kNoId});
  }
  if (found.empty()) return false;
  DefUse uses(f);
  for (Found& l : found) l.before = add_preheader(f, *l.loop);
  for (Found& l : found) slim(f, *l.loop, l.before, l.first, f.blocks[l.loop->header].term().targets[l.inside].block, dom, uses);
  for (Found& l : found) split(f, {l.loop->header, 1 - l.inside});
  return true;
}

}  // namespace

void run_rotate(Function& f, const PassOptions&) {
  if (!f.typed || f.blocks.size() < 3 || !make_room(f)) return;
  Analyses a(f);
  for (LoopId id = 0; id < a.loops.loops().size(); ++id)
    if (uint32_t inside = edge_inside(f, a.loops, id); inside != kNoId) Rotation(f, a, id, inside).run();
}

}  // namespace coluber::ir
