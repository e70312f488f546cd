// Polls: whatever may run for long looks at the poll word now and then, so that Ctrl-C stops it.
//
// 1. An innermost counted loop is cut into pieces of a few million rounds; the piece itself stays a plain counted loop that the backend can
//    vectorise. That is not done where the number of rounds is bounded by the length of an array, a list or a constant: inside another loop; and
//    outside of all others where a round is short and the length one of memory, so that the whole is a matter of a second. Pieces double
//    what a small loop takes to compile: two loops for LLVM to analyse, a call that may fail, and a traceback.
//
//   before   ^1(%i, ...) loop:  %c = lt %i, %n      br %c, ^body, ^exit
//   after    ^O(%i', ...) loop: %l = min(%i' + 4194304, %n)   jump ^1(%i', ...)
//            ^1(%i, ...) loop:  %c = lt %i, %l      br %c, ^body, ^X
//            ^X:                %m = lt %i, %n      br %m, ^P, ^exit
//            ^P:                poll                jump ^O(%i, ...)
//
// 2. A loop with another one in it polls at its back edges. typing/lower.cc sees to those of the source; these came in by inlining and by
//    array expressions. One with calls in it is cut as in 1, into smaller pieces.
//    The outermost one of a parallel loop's body does not: the runtime looks between its parts, which are short.
// 3. A recursive function polls in front of its calls: its depth is limited, the number of its calls is not.
// 4. A function of many loops polls in front of every eighth. That is no matter of interruptions: where two ways meet, LLVM stops looking back
//    for what may be known of a loop, which it does for each loop several times; along a hundred loops that took minutes.
//
// What a poll raises goes where the error edge of the loop's head leads, which other passes keep for that (keeps_error_edge), with the variables of
// that moment: a handler may use those of the head by themselves.
//
// Requires typed IR without reference counts.
#include <algorithm>
#include <unordered_map>

#include "ir/analysis/loops.h"
#include "ir/builder.h"
#include "ir/passes/manager.h"
#include "ir/passes/rewrite.h"

namespace coluber::ir {
namespace {

constexpr int64_t kPiece = int64_t{1} << 22;
constexpr int64_t kPieceOfCalls = 256;     // a call may take long without being stopped by itself
constexpr int64_t kFew = int64_t{1} << 24; // rounds of an inner loop that nobody waits for
constexpr size_t kManyLoops = 16, kStride = 8;
constexpr size_t kShortRound = 48;         // ops of a round that takes a few nanoseconds

struct Counted {
  size_t test = 0;                         // index of the comparison in the header
  size_t param = 0;                        // which parameter counts
  ValueId bound = kNoId;
  bool up = true;
};

// In its own rounds, not in those of a loop in it.
bool has(const Function& f, const LoopInfo& loops, LoopId id, std::initializer_list<OpCode> codes) {
  for (BlockId b : loops.loops()[id].blocks) {
    if (loops.loop_of(b) != id) continue;
    for (const Op& op : f.blocks[b].ops)
      if (std::find(codes.begin(), codes.end(), op.code) != codes.end()) return true;
  }
  return false;
}

void remove_polls(Function& f, const LoopInfo& loops, LoopId id) {
  for (BlockId b : loops.loops()[id].blocks)
    if (loops.loop_of(b) == id) std::erase_if(f.blocks[b].ops, [](const Op& op) { return op.code == OpCode::Poll; });
}

// Loops over the elements of an array expression, and the library's innermost ones, are as long as the arrays; NumPy does not look in its own
// either.
bool of_elements(const Function& f, const Loop& loop) {
  for (const Pred& latch : loop.latches)
    if (latch.error() || !(f.blocks[latch.block].term().imm & 6)) return false;
  return true;
}

bool find_count(const Function& f, const LoopInfo& loops, LoopId id, Counted* out) {
  const Loop& loop = loops.loops()[id];
  const Block& h = f.blocks[loop.header];
  const Op& term = h.term();
  if (term.code != OpCode::Branch || loops.contains(id, term.targets[1].block) || !loops.contains(id, term.targets[0].block)) return false;
  for (size_t k = 0; k < h.ops.size(); ++k) {
    const Op& op = h.ops[k];
    if (op.results.empty() || op.results[0] != term.args[0]) continue;
    if (op.code != OpCode::Lt && op.code != OpCode::Gt) return false;
    if (!f.type_of(op.args[0])->is(Kind::PyInt) || loops.contains(id, f.values[op.args[1]].block)) return false;
    for (size_t p = 0; p < h.params.size(); ++p)
      if (h.params[p] == op.args[0]) {
        *out = {k, p, op.args[1], op.code == OpCode::Lt};
        return true;
      }
  }
  return false;
}

bool contiguous(TypeRef array) { return array->layout == Layout::C || array->layout == Layout::F; }

// Which loops are counted, and by how much.
class Counts {
 public:
  Counts(const Function& f, const LoopInfo& loops) : f_(f), loops_(loops) {
    defs_.assign(f.values.size(), nullptr);
    for (const Block& b : f.blocks)
      for (const Op& op : b.ops)
        for (ValueId r : op.results) defs_[r] = &op;
  }

  // Is the number of rounds that small? Where a counter begins counts when it goes down; else it is hardly far below zero, but that is looked at too
  // where the loop is not in another one.
  bool few_rounds(const Loop& loop, const Counted& c) const {
    bool in_memory = loop.depth == 1;
    if (!small(c.bound, in_memory)) return false;
    if (c.up && loop.depth > 1) return true;
    return std::all_of(loop.entries.begin(), loop.entries.end(), [&](const Pred& p) {
      return !p.error() && small(f_.blocks[p.block].term().targets[p.index].args[c.param], in_memory);
    });
  }

  // Is it a piece of a loop already, which begins at some x and ends at x + a constant at the latest?
  bool is_piece(const Loop& loop, const Counted& c) const {
    const Op* end = defs_[c.bound];
    const Op* at = end && end->code == OpCode::Select ? defs_[end->args[1]] : nullptr;
    if (!at || at->code != OpCode::Add || !small(at->args[1], false)) return false;
    return std::all_of(loop.entries.begin(), loop.entries.end(),
                       [&](const Pred& p) { return !p.error() && edge_of(f_, p).args[c.param] == at->args[0]; });
  }

 private:
  // Is v at most a few millions, or the length of an array or list? `in_memory`: and all of it is there, as not of an array that was broadcast.
  // A guess: what it says decides about interruptions alone.
  bool small(ValueId v, bool in_memory, int depth = 0) const {
    const Op* op = defs_[v];
    if (depth > 6) return false;
    if (!op) return counter(v, in_memory, depth);
    switch (op->code) {
      case OpCode::Const: return f_.type_of(v)->is(Kind::PyInt) && op->imm >= -kFew && op->imm <= kFew;
      case OpCode::ArrayShape: return !in_memory || contiguous(f_.type_of(op->args[0]));
      case OpCode::ListLen: return true;
      case OpCode::Add: case OpCode::Sub: return small(op->args[0], in_memory, depth + 1) && small(op->args[1], in_memory, depth + 1);
      case OpCode::Select: return select(*op, in_memory, depth);
      default: return false;
    }
  }

  // The counter of a loop around is no larger than its bound.
  bool counter(ValueId v, bool in_memory, int depth) const {
    LoopId id = loops_.loop_of(f_.values[v].block);
    Counted c;
    return id != kNoId && loops_.loops()[id].header == f_.values[v].block && find_count(f_, loops_, id, &c) &&
           f_.blocks[f_.values[v].block].params[c.param] == v && small(c.bound, in_memory, depth + 1);
  }

  bool select(const Op& op, bool in_memory, int depth) const {
    const Op* test = defs_[op.args[0]];
    bool a = small(op.args[1], in_memory, depth + 1), b = small(op.args[2], in_memory, depth + 1);
    if (a == b || !test || (test->code != OpCode::Lt && test->code != OpCode::Gt)) return a && b;
    bool same = test->args[0] == op.args[1] && test->args[1] == op.args[2], swapped = test->args[0] == op.args[2] && test->args[1] == op.args[1];
    return test->code == OpCode::Lt ? same : swapped;       // the smaller of the two
  }

  const Function& f_;
  const LoopInfo& loops_;
  std::vector<const Op*> defs_;
};

// Header of a loop -> blocks that have an edge of it now: out of a loop that was cut, into one that polls in its rounds.
using Moved = std::unordered_multimap<BlockId, BlockId>;

void cut(Function& f, const Loop& loop, const Counted& c, int64_t rounds, Moved* moved) {
  BlockId outer = f.add_block(), behind = f.add_block(), poll = f.add_block();
  BlockId header = loop.header;
  uint32_t loc = f.blocks[header].term().loc;
  Builder b(&f);
  b.set_loc(loc);
  b.set_block(outer);
  std::vector<ValueId> started;
  for (ValueId p : std::vector<ValueId>(f.blocks[header].params)) started.push_back(b.param(f.type_of(p), f.values[p].name));
  ValueId i = started[c.param], piece = b.const_int(rounds);
  ValueId left = c.up ? b.emit(OpCode::Sub, {c.bound, i}, pyint()) : b.emit(OpCode::Sub, {i, c.bound}, pyint());
  ValueId inside = b.emit(c.up ? OpCode::Lt : OpCode::Gt, {i, c.bound}, pybool());    // else `left` may have wrapped
  ValueId more = b.emit(OpCode::And, {b.emit(OpCode::Gt, {left, piece}, pybool()), inside}, pybool());
  ValueId cut_at = b.emit(c.up ? OpCode::Add : OpCode::Sub, {i, piece}, pyint());
  ValueId limit = b.emit(OpCode::Select, {more, cut_at, c.bound}, pyint());
  b.jump(header, started);
  f.blocks[outer].loop_header = true;

  Block& h = f.blocks[header];
  ValueId now = h.params[c.param];
  Edge exit = h.term().targets[1];
  ValueId test = f.add_value(pybool(), header);
  Op compare;
  compare.code = c.up ? OpCode::Lt : OpCode::Gt;
  compare.args = {now, limit};
  compare.results = {test};
  compare.loc = loc;
  f.blocks[header].ops.insert(f.blocks[header].ops.end() - 1, std::move(compare));
  f.blocks[header].term().args[0] = test;
  f.blocks[header].term().targets[1] = Edge{behind, {}};

  b.set_block(behind);
  ValueId again = b.emit(c.up ? OpCode::Lt : OpCode::Gt, {now, c.bound}, pybool());
  Op& branch = b.op(OpCode::Branch, {again});
  branch.targets = {Edge{poll, {}}, exit};

  b.set_block(poll);
  f.blocks[poll].on_error = f.blocks[header].on_error;
  b.op(OpCode::Poll, {});
  b.jump(outer, f.blocks[header].params);
  f.blocks[poll].term().imm = 1;           // seldom run
  for (const Pred& entry : loop.entries) {
    std::vector<BlockId> from{entry.block};
    for (auto [at, end] = moved->equal_range(entry.block); at != end; ++at) from.push_back(at->second);
    for (BlockId b : from)
      for (Edge& e : f.blocks[b].term().targets)
        if (e.block == header) e.block = outer;
  }
  moved->emplace(header, behind);
}

// A block with a poll on an edge.
BlockId poll_between(Function& f, BlockId from, uint32_t index, const Edge& on_error) {
  Builder b(&f);
  Edge onward = f.blocks[from].term().targets[index];
  BlockId between = f.add_block();
  f.blocks[between].on_error = on_error;
  b.set_loc(f.blocks[from].term().loc);
  b.set_block(between);
  b.op(OpCode::Poll, {});
  b.jump(onward.block, onward.args);
  f.blocks[from].term().targets[index] = Edge{between, {}};
  return between;
}

// Inside of a handler behind the head, whose variables the handler sees; else at the back edges.
void poll_each_round(Function& f, const LoopInfo& loops, const Loop& loop, Moved* moved) {
  const Edge around = f.blocks[loop.header].on_error;
  if (around.valid()) {
    for (uint32_t k = 0; k < f.blocks[loop.header].term().targets.size(); ++k)
      if (loops.contains(loops.loop_of(loop.header), f.blocks[loop.header].term().targets[k].block))
        moved->emplace(loop.header, poll_between(f, loop.header, k, around));
    return;
  }
  for (const Pred& latch : loop.latches) {
    if (latch.error()) continue;
    Op& term = f.blocks[latch.block].term();
    if (term.code != OpCode::Jump || f.blocks[latch.block].on_error.valid()) {
      poll_between(f, latch.block, latch.index, {});
      continue;
    }
    Op poll;
    poll.code = OpCode::Poll;
    poll.loc = term.loc;
    f.blocks[latch.block].ops.insert(f.blocks[latch.block].ops.end() - 1, std::move(poll));
  }
}

void poll_before_calls(Function& f) {
  for (Block& block : f.blocks) {
    auto call = std::find_if(block.ops.begin(), block.ops.end(), [](const Op& op) { return op.code == OpCode::Call; });
    if (call == block.ops.end() || std::any_of(block.ops.begin(), call, [](const Op& op) { return op.code == OpCode::Poll; })) continue;
    Op poll;
    poll.code = OpCode::Poll;
    poll.loc = call->loc;
    block.ops.insert(call, std::move(poll));
  }
}

constexpr std::initializer_list<OpCode> kCalls = {OpCode::Call, OpCode::CallRt, OpCode::CallPtr, OpCode::ParFor, OpCode::ObjMode};

// Does a round take a few nanoseconds?
bool short_round(const Function& f, const LoopInfo& loops, LoopId id) {
  size_t ops = 0;
  for (BlockId b : loops.loops()[id].blocks) ops += f.blocks[b].ops.size();
  return ops <= kShortRound && !has(f, loops, id, kCalls);
}

// Only plain entries: those by error edges are none of ours.
bool plain_entries(const Function& f, const Loop& loop) {
  for (const Pred& entry : loop.entries)
    if (f.blocks[entry.block].on_error.block == loop.header) return false;
  return true;
}

// Not where there are handlers: a block without errors of its own does not say which of them is around it.
void poll_between_loops(Function& f) {
  for (const Block& b : f.blocks)
    if (b.on_error.valid()) return;
  Cfg cfg(f);
  DomTree dom(f, cfg);
  LoopInfo loops(f, cfg, dom);
  std::unordered_map<LoopId, size_t> count;                 // of loops side by side, by the loop they are in
  for (const Loop& loop : loops.loops()) {
    if (++count[loop.parent] % kStride) continue;
    BlockId before = add_preheader(f, loop);
    Op poll;
    poll.code = OpCode::Poll;
    poll.loc = f.blocks[loop.header].term().loc;
    f.blocks[before].ops.insert(f.blocks[before].ops.end() - 1, std::move(poll));
  }
}

void add_polls(Function& f) {
  if (f.recursive) poll_before_calls(f);
  if (f.blocks.size() < 3) return;
  Cfg cfg(f);
  DomTree dom(f, cfg);
  LoopInfo loops(f, cfg, dom);
  if (loops.irreducible() || loops.loops().empty()) return;
  std::vector<uint8_t> outer(loops.loops().size(), 0), cuts(loops.loops().size(), 0);
  std::vector<Counted> counted(loops.loops().size());
  Counts counts(f, loops);
  for (LoopId id = 0; id < loops.loops().size(); ++id) {    // all that is asked comes before all that is changed
    const Loop& loop = loops.loops()[id];
    if (loop.parent != kNoId) outer[loop.parent] = 1;
    cuts[id] = find_count(f, loops, id, &counted[id]) && !of_elements(f, loop) && plain_entries(f, loop) &&
               !(f.by_cells && loop.depth == 1) &&       // the runtime gives it small parts, and looks between them
               !(counts.few_rounds(loop, counted[id]) && (loop.depth > 1 || short_round(f, loops, id))) &&
               (loop.depth == 1 || !counts.is_piece(loop, counted[id]));
  }
  Moved moved;
  for (LoopId id = 0; id < loops.loops().size(); ++id) {
    const Loop& loop = loops.loops()[id];
    if (f.by_cells && loop.depth == 1) {                     // as above
      remove_polls(f, loops, id);
      continue;
    }
    if (has(f, loops, id, {OpCode::Poll})) continue;
    if (outer[id])
      poll_each_round(f, loops, loop, &moved);
    else if (cuts[id])
      cut(f, loop, counted[id], has(f, loops, id, kCalls) ? kPieceOfCalls : kPiece, &moved);
  }
  if (loops.loops().size() >= kManyLoops) poll_between_loops(f);
}

// Heads of loops in which nothing raises have no use for an error edge any more.
bool drop_error_edges(Function& f) {
  bool any = false;
  for (Block& b : f.blocks) {
    if (!b.on_error.valid() || has_raising_op(b)) continue;
    b.on_error = {};
    any = true;
  }
  return any;
}

}  // namespace

void run_polls(Function& f, const PassOptions& options) {
  if (!f.typed) return;
  add_polls(f);
  if (drop_error_edges(f)) run_cleanup(f, options);
}

}  // namespace coluber::ir
