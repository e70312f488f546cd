// Loops that fill a list, each turn with one item.
//
//   before   loop: list.push %l, %x            after   entry: %n = list.len %l;  list.reserve %l, %n + rounds;  %items = list.data %l
//                                                      loop:  store (ptr.add %items, (%n + i - start) * size), %x
//                                                      exit:  list.set_len %l, %n + rounds
//
// So the loop becomes a vector loop, and rounds of a parallel one may come in any order. Where an exception leaves the loop the list has none of its items:
// other loops than those of prange become so where nobody can see that, since the list is made here and there is no handler. Loops of functions with the
// option parallel that do nothing else, list comprehensions and list(map(f, x)) mostly, get the mark of array expressions: several threads where it is worth it.
#include <algorithm>

#include "ir/passes/manager.h"
#include "ir/passes/parallel.h"

namespace coluber::ir::parallel {
namespace {

constexpr int64_t kInnerRounds = 16;       // for which a loop within a round is taken

// A list.push that each round does once.
struct Push {
  Position at;
  ValueId list = kNoId;
};

bool pushes(const Function& f) {
  auto any = [](const Block& b) { return std::any_of(b.ops.begin(), b.ops.end(), [](const Op& op) { return op.code == OpCode::ListPush; }); };
  return std::any_of(f.blocks.begin(), f.blocks.end(), any);
}

bool holds_lists(TypeRef t) {
  return t->is(Kind::List) || (t->elem && holds_lists(t->elem)) || std::any_of(t->items.begin(), t->items.end(), holds_lists);
}

// Two values may be one list, unless this function made both.
bool apart(const Function& f, const Analyses& a, ValueId x, ValueId y) {
  auto made = [&](ValueId v) {
    const Op* op = a.uses.def_op(f, v);
    while (op && op->code == OpCode::RefCast) op = a.uses.def_op(f, op->args[0]);
    return op && op->code == OpCode::ListNew ? op : nullptr;
  };
  const Op *p = made(x), *q = made(y);
  return p && q && p != q;
}

// Does a turn, or what raises behind it, use the list but for this push?
bool used_otherwise(const Function& f, const Analyses& a, const Candidate& region, const Push& push) {
  auto same = [&](ValueId v) { return holds_lists(f.type_of(v)) && !apart(f, a, v, push.list); };
  for (BlockId b : region.blocks) {
    const Edge& handler = f.blocks[b].on_error;
    if (std::any_of(handler.args.begin(), handler.args.end(), same)) return true;
    for (uint32_t k = 0; k < f.blocks[b].ops.size(); ++k) {
      const Op& op = f.blocks[b].ops[k];
      if (!(b == push.at.block && k == push.at.op) && std::any_of(op.args.begin(), op.args.end(), same)) return true;
      for (const Edge& e : op.targets)
        if (region.contains(e.block) && std::any_of(e.args.begin(), e.args.end(), same)) return true;
    }
  }
  return false;
}

// The first one whose list is used for nothing else.
bool find_push(const Function& f, const Analyses& a, const Candidate& region, Push* out) {
  const Loop& loop = a.loops.loops()[region.loop];
  for (BlockId b : loop.blocks) {
    auto once = [&](const Pred& latch) { return !latch.error() && a.dom.dominates(b, latch.block); };
    if (a.loops.loop_of(b) != region.loop || !std::all_of(loop.latches.begin(), loop.latches.end(), once)) continue;
    for (uint32_t k = 0; k < f.blocks[b].ops.size(); ++k) {
      const Op& op = f.blocks[b].ops[k];
      if (op.code != OpCode::ListPush || a.loops.contains(region.loop, f.values[op.args[0]].block) || !is_number(f.type_of(op.args[0])->elem)) continue;
      *out = {{b, k}, op.args[0]};
      if (!used_otherwise(f, a, region, *out)) return true;
    }
  }
  return false;
}

// The turns of a loop that is entered by a jump and left at the end or by an exception.
bool one_way(const Function& f, const Analyses& a, LoopId id, Candidate* region) {
  const Loop& loop = a.loops.loops()[id];
  region->loop = id;
  region->header = loop.header;
  return loop.preheader != kNoId && f.blocks[loop.header].term().targets.size() == 2 && find_region(f, a, region) &&
         a.cfg.preds(f.blocks[loop.header].term().targets[1].block).size() == 1;
}

// Makes ops in front of one of a block.
template <class Make>
void insert(Function& f, BlockId b, size_t at, uint32_t loc, Make make) {
  std::vector<Op>& ops = f.blocks[b].ops;
  std::vector<Op> rest(std::make_move_iterator(ops.begin() + static_cast<std::ptrdiff_t>(at)), std::make_move_iterator(ops.end()));
  ops.resize(at);
  Builder builder(&f);
  builder.set_block(b);
  builder.set_loc(loc);
  make(builder);
  std::move(rest.begin(), rest.end(), std::back_inserter(f.blocks[b].ops));
}

// Do rounds have no effect but the list? Then nobody can tell in which order they came.
bool only_pushes(const Function& f, const Analyses& a, LoopId id, const Push& push, fuse::Summary& summary) {
  fuse::Arrays arrays(f, summary);
  for (BlockId b : a.loops.loops()[id].blocks)
    for (uint32_t k = 0; k < f.blocks[b].ops.size(); ++k) {
      const Op& op = f.blocks[b].ops[k];
      bool own_list = (op.code == OpCode::ListPush || op.code == OpCode::ListStore || op.code == OpCode::ListReserve || op.code == OpCode::ListSetLen) &&
                      a.loops.contains(id, f.values[op.args[0]].block) && a.uses.def_op(f, op.args[0]) && a.uses.def_op(f, op.args[0])->code == OpCode::ListNew;
      if ((b == push.at.block && k == push.at.op) || own_list || op.code == OpCode::Poll) continue;
      fuse::Effects effects = summary.of(arrays, op);
      if (effects.arrays || effects.other) return false;
      // What it writes to is an allocation of the function's: of this round?
      bool to_memory = op.has(Writes) && op.code != OpCode::Call && !op.args.empty();
      if (to_memory && !a.loops.contains(id, f.values[arrays.root(op.args[0])].block)) return false;
    }
  return true;
}

int64_t cost_of_round(const Function& f, const Analyses& a, LoopId id, const fuse::Summary& summary) {
  int64_t all = 0;
  for (BlockId b : a.loops.loops()[id].blocks) {
    int64_t times = 1;
    for (LoopId l = a.loops.loop_of(b); l != id && times < 1'000'000; l = a.loops.loops()[l].parent) times *= kInnerRounds;
    for (const Op& op : f.blocks[b].ops) all += times * fuse::cost_of(summary, op);
  }
  return all;
}

}  // namespace

bool push_by_place(Function& f, const Analyses& a, LoopId id, size_t counter) {
  const Loop& loop = a.loops.loops()[id];
  Push push;
  Candidate c, region;
  if (!one_way(f, a, id, &region) || !find_push(f, a, region, &push) || !is_counted(f, a, id, counter, &c)) return false;
  BlockId entry = loop.preheader, exit = f.blocks[loop.header].term().targets[1].block;
  TypeRef item = f.type_of(push.list)->elem;
  uint32_t loc = f.blocks[push.at.block].ops[push.at.op].loc;
  ValueId length = kNoId, all = kNoId, items = kNoId;
  insert(f, entry, f.blocks[entry].ops.size() - 1, loc, [&](Builder& b) {
    length = b.emit(OpCode::ListLen, {push.list}, pyint());
    all = b.emit(OpCode::Add, {length, rounds_of(b, c)}, pyint());
    b.op(OpCode::ListReserve, {push.list, all});
    items = b.emit(OpCode::ListData, {push.list}, ptr_to(item));
  });
  ValueId value = f.blocks[push.at.block].ops[push.at.op].args[1];
  f.blocks[push.at.block].ops.erase(f.blocks[push.at.block].ops.begin() + push.at.op);
  insert(f, push.at.block, push.at.op, loc, [&](Builder& b) {
    ValueId round = b.emit(OpCode::Sub, {f.blocks[loop.header].params[counter], c.start}, pyint());
    ValueId place = b.emit(OpCode::Add, {length, round}, pyint());
    ValueId offset = b.emit(OpCode::Mul, {place, b.const_int(static_cast<int64_t>(item_size(item)))}, pyint());
    b.op(OpCode::Store, {b.emit(OpCode::PtrAdd, {items, offset}, ptr_to(item)), value});
  });
  insert(f, exit, 0, loc, [&](Builder& b) { b.op(OpCode::ListSetLen, {push.list, all}); });
  return true;
}

bool mark_lists(Function& f, fuse::Summary& summary) {
  if (!pushes(f)) return false;
  Analyses a(f);
  for (LoopId id = 0; id < a.loops.loops().size() && !a.loops.irreducible(); ++id) {
    const Loop& loop = a.loops.loops()[id];
    Push push;
    Candidate c, region;
    if (f.blocks[loop.header].params.size() != 1 || !one_way(f, a, id, &region) || !find_push(f, a, region, &push)) continue;
    if (!only_pushes(f, a, id, push, summary)) continue;
    if (hoist(f, a, id, {loop.header})) return true;
    if (!is_counted(f, a, id, 0, &c) || c.mark) continue;
    int64_t cost = cost_of_round(f, a, id, summary);
    insert(f, loop.preheader, f.blocks[loop.preheader].ops.size() - 1, f.blocks[loop.header].term().loc, [&](Builder& b) {
      ValueId rounds = b.emit(OpCode::Sub, {c.stop, c.start}, pyint());
      c.start = b.emit(OpCode::ParLoop, {c.start, b.const_int(0), fuse::work_of(b, rounds, cost)}, pyint(), kWorth);
      f.blocks[loop.preheader].ops.back().names = {"comprehension"};
    });
    f.blocks[loop.preheader].term().targets[0].args[0] = c.start;
    return true;
  }
  return false;
}

// Nobody sees the list that a turn with an exception leaves.
static bool unseen(const Function& f, const Analyses& a, LoopId id) {
  Candidate region;
  Push push;
  if (!one_way(f, a, id, &region) || !find_push(f, a, region, &push)) return false;
  for (BlockId b : region.blocks) {
    if (f.blocks[b].on_error.valid()) return false;
    for (const Op& op : f.blocks[b].ops)
      if (op.code == OpCode::Left || op.code == OpCode::ObjOp || op.code == OpCode::ObjMode) return false;      // it may go on as another loop
  }
  const Op* made = a.uses.def_op(f, push.list);
  return made && made->code == OpCode::ListNew;
}

}  // namespace coluber::ir::parallel

namespace coluber::ir {

void run_appends(Function& f, const PassOptions&) {
  if (!f.typed || !parallel::pushes(f)) return;
  for (bool more = true; more;) {
    more = false;
    parallel::Analyses a(f);
    for (LoopId id = 0; id < a.loops.loops().size() && !more && !a.loops.irreducible(); ++id) {
      if (!parallel::unseen(f, a, id)) continue;
      more = parallel::hoist(f, a, id, {a.loops.loops()[id].header});
      for (size_t k = 0; k < f.blocks[a.loops.loops()[id].header].params.size() && !more; ++k) more = parallel::push_by_place(f, a, id, k);
    }
  }
}

}  // namespace coluber::ir
