// Polls: outermost counted loops without one look at the poll word every few million rounds, so that Ctrl-C stops them. The loop is cut
// into pieces; the piece itself stays a plain counted loop that the backend can vectorise.
//
//   before   ^1(%i, ...) loop:  %c = lt %i, %n      br %c, ^body, ^exit
//   after    ^O(%i', ...) loop: %l = min(%i' + 4194304, %n)   jump ^1(%i', ...)
//            ^1(%i, ...) loop:  %c = lt %i, %l      br %c, ^body, ^X
//            ^X:                %m = lt %i, %n      br %m, ^P, ^exit
//            ^P:                poll                jump ^O(%i, ...)
//
// Requires typed IR without reference counts. Inner loops are left alone: the loop around them polls (typing/lower.cc puts those in).
#include <unordered_map>

#include "ir/analysis/loops.h"
#include "ir/builder.h"
#include "ir/passes/manager.h"

namespace coluber::ir {
namespace {

constexpr int64_t kPiece = int64_t{1} << 22;

struct Counted {
  size_t test = 0;                         // index of the comparison in the header
  size_t param = 0;                        // which parameter counts
  ValueId bound = kNoId;
  bool up = true;
};

bool has_poll(const Function& f, const Loop& loop) {
  for (BlockId b : loop.blocks)
    for (const Op& op : f.blocks[b].ops)
      if (op.code == OpCode::Poll) return true;
  return false;
}

// Loops over the elements of an array expression are as long as the arrays; NumPy does not look in its own either.
bool of_elements(const Function& f, const Loop& loop) {
  for (const Pred& latch : loop.latches)
    if (latch.error() || !(f.blocks[latch.block].term().imm & 2)) return false;
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

// moved: header of a loop that was cut -> the block that has its exit edge now.
void cut(Function& f, const Loop& loop, const Counted& c, std::unordered_map<BlockId, BlockId>* moved) {
  BlockId outer = f.add_block(), behind = f.add_block(), poll = f.add_block();
  BlockId header = loop.header;
  uint32_t loc = f.blocks[header].term().loc;
  Builder b(&f);
  b.set_loc(loc);
  b.set_block(outer);
  std::vector<ValueId> started;
  for (ValueId p : std::vector<ValueId>(f.blocks[header].params)) started.push_back(b.param(f.type_of(p), f.values[p].name));
  ValueId i = started[c.param], piece = b.const_int(kPiece);
  ValueId left = c.up ? b.emit(OpCode::Sub, {c.bound, i}, pyint()) : b.emit(OpCode::Sub, {i, c.bound}, pyint());
  ValueId more = b.emit(OpCode::Gt, {left, piece}, pybool());
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
  for (const Pred& entry : loop.entries) {
    auto at = moved->find(entry.block);    // the loop may be entered from the exit of one that was cut before
    for (BlockId from : {entry.block, at == moved->end() ? entry.block : at->second})
      for (Edge& e : f.blocks[from].term().targets)
        if (e.block == header) e.block = outer;
  }
  moved->emplace(header, behind);
}

}  // namespace

void run_polls(Function& f, const PassOptions&) {
  if (!f.typed || f.blocks.size() < 3) return;
  Cfg cfg(f);
  DomTree dom(f, cfg);
  LoopInfo loops(f, cfg, dom);
  if (loops.irreducible()) return;
  std::vector<BlockId> exit_of(f.blocks.size(), kNoId);
  std::vector<uint8_t> inner(loops.loops().size(), 0);
  for (const Loop& l : loops.loops())
    if (l.parent != kNoId) inner[l.parent] = 1;
  std::unordered_map<BlockId, BlockId> moved;
  for (LoopId id = 0; id < loops.loops().size(); ++id) {
    const Loop& loop = loops.loops()[id];
    Counted c;
    if (loop.depth != 1 || inner[id] || has_poll(f, loop) || of_elements(f, loop) || !find_count(f, loops, id, &c)) continue;
    bool plain = true;                     // entries by error edges are none of ours
    for (const Pred& entry : loop.entries) plain = plain && f.blocks[entry.block].on_error.block != loop.header;
    if (plain) cut(f, loop, c, &moved);
  }
}

}  // namespace coluber::ir
