// Polls: whatever may run for long looks at the poll word now and then, so that Ctrl-C stops it.
//
// 1. An innermost counted loop is cut into pieces of a few million rounds; the piece itself stays a plain counted loop that the backend can
//    vectorise. Inside another loop that is done where the number of rounds is not bounded by the length of an array, a list or a constant.
//
//   before   ^1(%i, ...) loop:  %c = lt %i, %n      br %c, ^body, ^exit
//   after    ^O(%i', ...) loop: %l = min(%i' + 4194304, %n)   jump ^1(%i', ...)
//            ^1(%i, ...) loop:  %c = lt %i, %l      br %c, ^body, ^X
//            ^X:                %m = lt %i, %n      br %m, ^P, ^exit
//            ^P:                poll                jump ^O(%i, ...)
//
// 2. A loop with another one in it polls at its back edges. typing/lower.cc sees to those of the source; these came in by inlining and by
//    array expressions. One with calls in it is cut as in 1, into smaller pieces.
// 3. A recursive function polls in front of its calls: its depth is limited, the number of its calls is not.
//
// Requires typed IR without reference counts.
#include <algorithm>
#include <unordered_map>

#include "ir/analysis/loops.h"
#include "ir/builder.h"
#include "ir/passes/manager.h"

namespace coluber::ir {
namespace {

constexpr int64_t kPiece = int64_t{1} << 22;
constexpr int64_t kPieceOfCalls = 256;     // a call may take long without being stopped by itself
constexpr int64_t kFew = int64_t{1} << 24; // rounds of an inner loop that nobody waits for

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

// Which loops are counted, and by how much.
class Counts {
 public:
  Counts(const Function& f, const LoopInfo& loops) : f_(f), loops_(loops) {
    defs_.assign(f.values.size(), nullptr);
    for (const Block& b : f.blocks)
      for (const Op& op : b.ops)
        for (ValueId r : op.results) defs_[r] = &op;
  }

  // Is v at most a few millions, or the length of something that is in memory? A guess: what it says decides about interruptions alone.
  bool small(ValueId v, int depth = 0) const {
    const Op* op = defs_[v];
    if (depth > 6) return false;
    if (!op) return counter(v, depth);
    switch (op->code) {
      case OpCode::Const: return f_.type_of(v)->is(Kind::PyInt) && op->imm >= -kFew && op->imm <= kFew;
      case OpCode::ArrayShape: case OpCode::ListLen: return true;
      case OpCode::Add: case OpCode::Sub: return small(op->args[0], depth + 1) && small(op->args[1], depth + 1);
      case OpCode::Select: return select(*op, depth);
      default: return false;
    }
  }

 private:
  // The counter of a loop around is no larger than its bound.
  bool counter(ValueId v, int depth) const {
    LoopId id = loops_.loop_of(f_.values[v].block);
    Counted c;
    return id != kNoId && loops_.loops()[id].header == f_.values[v].block && find_count(f_, loops_, id, &c) &&
           f_.blocks[f_.values[v].block].params[c.param] == v && small(c.bound, depth + 1);
  }

  bool select(const Op& op, int depth) const {
    const Op* test = defs_[op.args[0]];
    bool a = small(op.args[1], depth + 1), b = small(op.args[2], depth + 1);
    if (a == b || !test || (test->code != OpCode::Lt && test->code != OpCode::Gt)) return a && b;
    bool same = test->args[0] == op.args[1] && test->args[1] == op.args[2], swapped = test->args[0] == op.args[2] && test->args[1] == op.args[1];
    return test->code == OpCode::Lt ? same : swapped;       // the smaller of the two
  }

  const Function& f_;
  const LoopInfo& loops_;
  std::vector<const Op*> defs_;
};

// moved: header of a loop that was cut -> the block that has its exit edge now.
void cut(Function& f, const Loop& loop, const Counted& c, int64_t rounds, std::unordered_map<BlockId, BlockId>* moved) {
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
    auto at = moved->find(entry.block);    // the loop may be entered from the exit of one that was cut before
    for (BlockId from : {entry.block, at == moved->end() ? entry.block : at->second})
      for (Edge& e : f.blocks[from].term().targets)
        if (e.block == header) e.block = outer;
  }
  moved->emplace(header, behind);
}

void poll_at_back_edges(Function& f, const Loop& loop) {
  Builder b(&f);
  for (const Pred& latch : loop.latches) {
    if (latch.error()) continue;
    Op& term = f.blocks[latch.block].term();
    if (term.code == OpCode::Jump) {
      Op poll;
      poll.code = OpCode::Poll;
      poll.loc = term.loc;
      f.blocks[latch.block].ops.insert(f.blocks[latch.block].ops.end() - 1, std::move(poll));
      continue;
    }
    uint32_t loc = term.loc;
    Edge back = term.targets[latch.index];
    BlockId between = f.add_block();
    f.blocks[between].on_error = f.blocks[latch.block].on_error;
    b.set_loc(loc);
    b.set_block(between);
    b.op(OpCode::Poll, {});
    b.jump(back.block, back.args);
    f.blocks[latch.block].term().targets[latch.index] = Edge{between, {}};
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

// Only plain entries: those by error edges are none of ours.
bool plain_entries(const Function& f, const Loop& loop) {
  for (const Pred& entry : loop.entries)
    if (f.blocks[entry.block].on_error.block == loop.header) return false;
  return true;
}

}  // namespace

void run_polls(Function& f, const PassOptions&) {
  if (!f.typed) return;
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
               (loop.depth == 1 || !counts.small(counted[id].bound));
  }
  std::unordered_map<BlockId, BlockId> moved;
  for (LoopId id = 0; id < loops.loops().size(); ++id) {
    const Loop& loop = loops.loops()[id];
    if (has(f, loops, id, {OpCode::Poll})) continue;
    if (outer[id])
      poll_at_back_edges(f, loop);
    else if (cuts[id])
      cut(f, loop, counted[id], has(f, loops, id, {OpCode::Call, OpCode::CallRt, OpCode::CallPtr, OpCode::ParFor}) ? kPieceOfCalls : kPiece, &moved);
  }
}

}  // namespace coluber::ir
