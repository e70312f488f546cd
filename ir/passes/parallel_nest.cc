// Part of parallel: loops that are one iteration space, prange(n, collapse=2) around prange(m).
//
//   for i in prange(n, collapse=2):          rounds 0 .. n * m; a part of them is rows of the rectangle, the first and the last of which are
//       for j in prange(m):                  cut: for i in [from // m, (to - 1) // m], for j in [max(0, from - i * m), min(m, to - i * m)]
//           ...
//
// So the loops stay what they are, and the innermost vectorises as it did: only bounds change (parallel_outline.cc). Between the loops there may be
// nothing but what has no effect, since a row that is cut runs twice; and all that goes from round to round goes through all of the loops.
#include <algorithm>

#include "ir/passes/parallel.h"

namespace coluber::ir::parallel {
namespace {

// The only loop directly inside of another one; kNoId: there are none or several.
LoopId only_child(const Analyses& a, LoopId loop) {
  LoopId found = kNoId;
  for (LoopId id = 0; id < a.loops.loops().size(); ++id) {
    if (a.loops.loops()[id].parent != loop) continue;
    if (found != kNoId) return kNoId;
    found = id;
  }
  return found;
}

// Which parameter of its header begins with a par.loop.
bool find_counter(const Function& f, const Analyses& a, const Loop& loop, size_t* counter) {
  if (loop.entries.size() != 1 || loop.entries[0].error()) return false;
  const std::vector<ValueId>& args = edge_of(f, loop.entries[0]).args;
  for (size_t k = 0; k < args.size(); ++k)
    if (const Op* mark = a.uses.def_op(f, args[k]); mark && mark->code == OpCode::ParLoop) return *counter = k, true;
  return false;
}

// Blocks of the loop that are not the inner one's: a way without branches and effects.
bool only_leads_in(const Function& f, const Analyses& a, LoopId outer, LoopId inner) {
  for (BlockId b : a.loops.loops()[outer].blocks) {
    if (a.loops.contains(inner, b)) continue;
    if (b != a.loops.loops()[outer].header && f.blocks[b].term().code != OpCode::Jump) return false;
    for (const Op& op : f.blocks[b].ops)
      if (!op.has(Pure) && !op.has(Term) && op.code != OpCode::Poll) return false;
  }
  return true;
}

// What the inner loop carries comes from the outer loop's parameter and goes back to it.
bool carried_through(const Function& f, const Analyses& a, const Candidate& outer, const Candidate& inner) {
  const std::vector<ValueId>&params = f.blocks[outer.header].params, &inner_params = f.blocks[inner.header].params;
  for (const Carried& k : inner.carried) {
    if (k.how == Combine::Last) continue;
    ValueId begin = edge_of(f, inner.entry).args[k.param];
    auto at = std::find(params.begin(), params.end(), begin);
    if (at == params.end()) return false;
    for (const Pred& latch : a.loops.loops()[outer.loop].latches)
      if (latch.error() || edge_of(f, latch).args[static_cast<size_t>(at - params.begin())] != inner_params[k.param]) return false;
  }
  return true;
}

}  // namespace

bool find_nest(const Function& f, const Analyses& a, Candidate* c, int64_t further, std::string* id, std::string* why) {
  if (further == 0) return true;
  auto fail = [&](const std::string& text) { return *id = "CollapseNest", *why = text, false; };
  LoopId child = only_child(a, c->loop);
  size_t counter = 0;
  if (child == kNoId) return fail("there is not just one loop directly inside of another");
  if (!find_counter(f, a, a.loops.loops()[child], &counter)) return fail("a loop inside is no prange");
  Candidate inner;
  if (!find_form(f, a, child, counter, &inner, why)) return fail("of a loop inside, " + *why);
  if (!find_nest(f, a, &inner, further - 1, id, why)) return false;
  auto depends = [&](const Candidate& k) { return c->contains(f.values[k.start].block) || c->contains(f.values[k.stop].block); };
  if (depends(inner) || std::any_of(inner.nest.begin(), inner.nest.end(), depends)) return *id = "CollapseBounds", false;
  if (!only_leads_in(f, a, c->loop, child)) return fail("there is work between the loops");
  ValueId variable = kNoId;
  if (!find_carried(f, a, &inner, &variable, why)) return fail("a variable goes from round to round of a loop inside, and " + *why);
  if (!carried_through(f, a, *c, inner)) return fail("a variable begins anew in each round of the outer loop");
  std::vector<Candidate> deeper = std::move(inner.nest);
  c->nest.push_back(std::move(inner));
  c->nest.insert(c->nest.end(), std::make_move_iterator(deeper.begin()), std::make_move_iterator(deeper.end()));
  return true;
}

bool hoist(Function& f, const Analyses& a, LoopId id, const std::vector<BlockId>& blocks) {
  const Loop& loop = a.loops.loops()[id];
  if (loop.entries.size() != 1 || loop.entries[0].error()) return false;
  BlockId front = loop.entries[0].block;
  bool any = false;
  for (bool more = true; more;) {                    // blocks may stand in any order
    more = false;
    for (BlockId b : blocks) {
      std::vector<Op> stay;
      for (Op& op : f.blocks[b].ops) {
        bool free = op.has(Pure);
        for (ValueId v : op.args) free = free && !a.loops.contains(id, f.values[v].block);
        if (!free) {
          stay.push_back(std::move(op));
          continue;
        }
        for (ValueId v : op.results) f.values[v].block = front;
        f.blocks[front].ops.insert(f.blocks[front].ops.end() - 1, std::move(op));
        any = more = true;
      }
      f.blocks[b].ops = std::move(stay);
    }
  }
  return any;
}

bool hoist_bounds(Function& f, const Analyses& a, LoopId id, int64_t further) {
  LoopId innermost = id;
  for (int64_t k = 0; k < further && innermost != kNoId; ++k) innermost = only_child(a, innermost);
  if (innermost == kNoId) return false;
  std::vector<BlockId> around;
  for (BlockId b : a.loops.loops()[id].blocks)
    if (!a.loops.contains(innermost, b)) around.push_back(b);
  return hoist(f, a, id, around);
}

}  // namespace coluber::ir::parallel
