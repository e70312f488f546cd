// Part of parallel: the form of a marked loop, and whether its rounds take about the same time.
#include <algorithm>

#include "ir/passes/parallel.h"

namespace coluber::ir::parallel {
namespace {

// The rounds begin anew for each value of the counter: header(counter, ...): br lt(counter, stop), body, exit.
bool find_test(const Function& f, const Analyses& a, Candidate* c) {
  const Block& h = f.blocks[c->header];
  const Op& term = h.term();
  if (term.code != OpCode::Branch || !a.loops.contains(c->loop, term.targets[0].block) || a.loops.contains(c->loop, term.targets[1].block)) return false;
  for (size_t k = 0; k < h.ops.size(); ++k) {
    const Op& op = h.ops[k];
    if (op.results.empty() || op.results[0] != term.args[0]) continue;
    if (op.code != OpCode::Lt || op.args[0] != h.params[c->counter] || a.loops.contains(c->loop, f.values[op.args[1]].block)) return false;
    c->test = k;
    c->stop = op.args[1];
    return true;
  }
  return false;
}

bool counts_by_one(const Function& f, const Analyses& a, const Candidate& c) {
  ValueId counter = f.blocks[c.header].params[c.counter];
  for (const Pred& latch : a.loops.loops()[c.loop].latches) {
    if (latch.error()) return false;
    const Op* add = a.uses.def_op(f, edge_of(f, latch).args[c.counter]);
    if (!add || add->code != OpCode::Add || add->args[0] != counter) return false;
    const Op* one = a.uses.def_op(f, add->args[1]);
    if (!one || one->code != OpCode::Const || one->imm != 1) return false;
  }
  return true;
}

// A handler of errors that does nothing but go on raising (the end of a `with` or `finally` within a round) belongs to the round. The one around the loop,
// to which the mark's block leads, does not, though it may be as short.
bool take_handlers(const Function& f, Candidate* c) {
  bool any = false;
  const Edge& around = f.blocks[f.values[c->mark->result()].block].on_error;
  auto outside = [&](BlockId b) { return around.valid() && b == around.block; };
  for (size_t i = 0; i < c->blocks.size(); ++i) {         // grows meanwhile
    const Edge& e = f.blocks[c->blocks[i]].on_error;
    if (!e.valid() || c->inside[e.block] || outside(e.block)) continue;
    std::vector<BlockId> reached{e.block};
    std::vector<uint8_t> seen = c->inside;
    seen[e.block] = 1;
    bool raises = true;
    for (size_t k = 0; k < reached.size(); ++k) {
      const Block& b = f.blocks[reached[k]];
      raises = raises && b.term().code != OpCode::Return;
      auto go = [&](const Edge& to) {
        if (to.valid() && !seen[to.block]) seen[to.block] = 1, reached.push_back(to.block);
      };
      for (const Edge& to : b.term().targets) raises = raises && !outside(to.block), go(to);
      if (b.on_error.valid() && !outside(b.on_error.block)) go(b.on_error);
    }
    if (!raises) continue;
    c->inside = seen;
    c->blocks.insert(c->blocks.end(), reached.begin(), reached.end());
    any = true;
  }
  return any;
}

// Errors of all rounds go to one place, which needs nothing of the loop's own.
bool find_handler(const Function& f, const Analyses& a, Candidate* c) {
  bool first = true;
  c->on_error = {};
  const Edge& around = f.blocks[f.values[c->mark->result()].block].on_error;
  for (BlockId b : c->blocks) {
    const Edge& e = f.blocks[b].on_error;
    bool raises = f.blocks[b].loop_header && e.valid() && e.block != around.block;      // Ctrl-C in a loop of the round
    for (const Op& op : f.blocks[b].ops) raises |= op.has(Raises);
    if (!raises || (e.valid() && c->contains(e.block))) continue;
    if (!first && (e.block != c->on_error.block || e.args != c->on_error.args)) return false;
    for (ValueId v : e.args)
      if (c->contains(f.values[v].block)) return false;
    c->on_error = e;
    first = false;
  }
  return true;
}

// Behind the loop its values are those at its end: nobody uses them who comes from an exception in it.
bool used_at_end_only(const Function& f, const Analyses& a, const Candidate& c) {
  BlockId exit = f.blocks[c.header].term().targets[1].block;
  bool only = a.cfg.preds(exit).size() == 1;
  auto ok = [&](ValueId v) {
    for (const Position& at : a.uses.uses(v)) {
      if (c.contains(at.block)) continue;
      if (!only || !a.dom.dominates(exit, at.block)) return false;
    }
    return true;
  };
  for (ValueId v : f.blocks[c.header].params)
    if (!ok(v)) return false;
  for (const Op& op : f.blocks[c.header].ops)
    for (ValueId v : op.results)
      if (!ok(v)) return false;
  return true;
}

// Is the list one from outside?
bool grown_outside(const Function& f, const Analyses& a, const Candidate& c, ValueId list) {
  while (c.contains(f.values[list].block)) {
    const Op* op = a.uses.def_op(f, list);
    if (!op || op->code != OpCode::RefCast) return false;
    list = op->args[0];
  }
  return true;
}

}  // namespace

bool find_region(const Function& f, const Analyses& a, Candidate* c) {
  const Loop& loop = a.loops.loops()[c->loop];
  c->blocks = loop.blocks;
  c->inside.assign(f.blocks.size(), 0);
  for (BlockId b : loop.blocks) c->inside[b] = 1;
  for (size_t i = 0; i < c->blocks.size(); ++i) {         // grows meanwhile
    const Op& term = f.blocks[c->blocks[i]].term();
    if (term.code == OpCode::Return) return false;
    for (const Edge& e : term.targets) {
      if (c->inside[e.block] || c->blocks[i] == c->header) continue;
      c->inside[e.block] = 1;
      c->blocks.push_back(e.block);
    }
  }
  return !c->inside[f.blocks[c->header].term().targets[1].block];
}

bool is_counted(const Function& f, const Analyses& a, LoopId id, size_t counter, Candidate* out) {
  const Loop& loop = a.loops.loops()[id];
  if (loop.entries.size() != 1 || loop.entries[0].error() || !is_integer(f.type_of(f.blocks[loop.header].params[counter]))) return false;
  out->loop = id;
  out->header = loop.header;
  out->counter = counter;
  out->entry = loop.entries[0];
  out->start = edge_of(f, out->entry).args[counter];
  const Op* mark = a.uses.def_op(f, out->start);
  if (mark && mark->code == OpCode::ParLoop) out->mark = mark, out->start = mark->args[0];
  return find_test(f, a, out) && counts_by_one(f, a, *out);
}

ValueId rounds_of(Builder& b, const Candidate& c) {
  constexpr int64_t kMost = int64_t{1} << 48;            // more than there is memory for; times a few it is a number
  ValueId zero = b.const_int(0), most = b.const_int(kMost);
  ValueId rounds = b.emit(OpCode::Sub, {c.stop, c.start}, pyint());
  ValueId wrapped = b.emit(OpCode::Lt, {rounds, zero}, pybool());
  ValueId many = b.emit(OpCode::Or, {wrapped, b.emit(OpCode::Gt, {rounds, most}, pybool())}, pybool());
  rounds = b.emit(OpCode::Select, {many, most, rounds}, pyint());
  return b.emit(OpCode::Select, {b.emit(OpCode::Lt, {c.start, c.stop}, pybool()), rounds, zero}, pyint());
}

bool find_form(const Function& f, const Analyses& a, LoopId id, size_t counter, Candidate* out, std::string* why) {
  const Loop& loop = a.loops.loops()[id];
  const char* shape = "it has a form that is not known";
  if (!is_counted(f, a, id, counter, out)) return *why = shape, false;
  for (const Op& op : f.blocks[loop.header].ops)
    if (!op.has(Pure) && !op.has(Term)) return *why = shape, false;
  if (!find_region(f, a, out)) return *why = "break or return leaves it", false;
  for (BlockId b : out->blocks)
    for (const Op& op : f.blocks[b].ops) {
      bool grows = op.code == OpCode::ListPush || op.code == OpCode::ListSetLen || op.code == OpCode::ListReserve;
      if (grows && grown_outside(f, a, *out, op.args[0])) return *why = "its rounds fill a list in order", false;
    }
  bool handled = find_handler(f, a, out) || (take_handlers(f, out) && find_handler(f, a, out));
  if (!handled || (out->on_error.valid() && !used_at_end_only(f, a, *out))) return *why = "an exception handler around it uses variables that are assigned in it", false;
  if (!out->on_error.valid()) out->on_error = f.blocks[f.values[out->mark->result()].block].on_error;     // for Ctrl-C
  return true;
}

// An inner loop whose number of rounds depends on data, one that is not always entered, or a call of which nothing is known.
bool varies(const Function& f, const Analyses& a, const Candidate& c) {
  const Loop& loop = a.loops.loops()[c.loop];
  auto invariant = [&](ValueId v) { return !c.contains(f.values[v].block); };
  for (BlockId b : loop.blocks)
    for (const Op& op : f.blocks[b].ops)
      if (op.code == OpCode::Call || op.code == OpCode::CallPtr || op.code == OpCode::Print || op.code == OpCode::ObjMode) return true;
  for (const Loop& inner : a.loops.loops()) {
    if (inner.header == c.header || !a.loops.contains(c.loop, inner.header)) continue;
    const Op& term = f.blocks[inner.header].term();
    const Op* test = term.code == OpCode::Branch ? a.uses.def_op(f, term.args[0]) : nullptr;
    bool counted = test && (test->code == OpCode::Lt || test->code == OpCode::Gt) && invariant(test->args[1]) && f.values[test->args[0]].block == inner.header;
    bool always = std::all_of(loop.latches.begin(), loop.latches.end(), [&](const Pred& l) { return a.dom.dominates(inner.header, l.block); });
    bool plain = std::all_of(inner.exits.begin(), inner.exits.end(), [&](const Pred& e) { return e.error() || e.block == inner.header; });
    if (!counted || !always || !plain) return true;
    const std::vector<ValueId>& params = f.blocks[inner.header].params;
    size_t at = static_cast<size_t>(std::find(params.begin(), params.end(), test->args[0]) - params.begin());
    for (const Pred& entry : inner.entries)
      if (at < params.size()) {
        ValueId from = edge_of(f, entry).args[at];
        const Op* op = a.uses.def_op(f, from);
        if (!invariant(from) && !(op && op->code == OpCode::Const)) return true;
      }
  }
  return false;
}

}  // namespace coluber::ir::parallel
