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
constexpr int64_t kMostRounds = int64_t{1} << 60;    // no list is that long

// A list.push that each round does once.
struct Push {
  Position at;
  ValueId list = kNoId;
};

bool is_push(const Analyses& a, const Function& f, LoopId id, const Op& op) {
  return op.code == OpCode::ListPush && !a.loops.contains(id, f.values[op.args[0]].block);
}

// The first one whose list is used for nothing else in the loop.
bool find_push(const Function& f, const Analyses& a, LoopId id, Push* out) {
  const Loop& loop = a.loops.loops()[id];
  for (BlockId b : loop.blocks) {
    auto once = [&](const Pred& latch) { return !latch.error() && a.dom.dominates(b, latch.block); };
    if (a.loops.loop_of(b) != id || !std::all_of(loop.latches.begin(), loop.latches.end(), once)) continue;
    for (uint32_t k = 0; k < f.blocks[b].ops.size(); ++k) {
      const Op& op = f.blocks[b].ops[k];
      if (!is_push(a, f, id, op) || !is_number(f.type_of(op.args[0])->elem)) continue;
      auto other = [&](const Position& use) { return a.loops.contains(id, use.block) && (use.block != b || use.op != k); };
      auto uses = a.uses.uses(op.args[0]);
      if (std::none_of(uses.begin(), uses.end(), other)) return *out = {{b, k}, op.args[0]}, true;
    }
  }
  return false;
}

// Entered by a jump, left at the end or by an exception.
bool one_way(const Function& f, const Analyses& a, LoopId id) {
  const Loop& loop = a.loops.loops()[id];
  Candidate c;
  c.loop = id;
  c.header = loop.header;
  return loop.preheader != kNoId && f.blocks[loop.header].term().targets.size() == 2 && find_region(f, a, &c) &&
         a.cfg.preds(f.blocks[loop.header].term().targets[1].block).size() == 1;
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
  Candidate c;
  if (!is_counted(f, a, id, counter, &c) || !one_way(f, a, id) || !find_push(f, a, id, &push)) return false;
  BlockId entry = loop.preheader, exit = f.blocks[loop.header].term().targets[1].block;
  TypeRef item = f.type_of(push.list)->elem;
  uint32_t loc = f.blocks[push.at.block].ops[push.at.op].loc;
  // Makes ops in front of those of a block from `at` on.
  auto insert = [&](BlockId b, size_t at, auto make) {
    std::vector<Op>& ops = f.blocks[b].ops;
    std::vector<Op> rest(std::make_move_iterator(ops.begin() + static_cast<std::ptrdiff_t>(at)), std::make_move_iterator(ops.end()));
    ops.resize(at);
    Builder builder(&f);
    builder.set_block(b);
    builder.set_loc(loc);
    make(builder);
    std::move(rest.begin(), rest.end(), std::back_inserter(f.blocks[b].ops));
  };
  ValueId length = kNoId, all = kNoId, items = kNoId;
  insert(entry, f.blocks[entry].ops.size() - 1, [&](Builder& b) {
    length = b.emit(OpCode::ListLen, {push.list}, pyint());
    ValueId zero = b.const_int(0), rounds = b.emit(OpCode::Sub, {c.stop, c.start}, pyint());
    ValueId any = b.emit(OpCode::Lt, {c.start, c.stop}, pybool()), most = b.const_int(kMostRounds);
    // The difference may have wrapped: that, too, is more than there is memory for.
    ValueId wrapped = b.emit(OpCode::Lt, {rounds, zero}, pybool()), many = b.emit(OpCode::Or, {wrapped, b.emit(OpCode::Gt, {rounds, most}, pybool())}, pybool());
    rounds = b.emit(OpCode::Select, {any, b.emit(OpCode::Select, {many, most, rounds}, pyint()), zero}, pyint());
    all = b.emit(OpCode::Add, {length, rounds}, pyint());
    b.op(OpCode::ListReserve, {push.list, all});
    items = b.emit(OpCode::ListData, {push.list}, ptr_to(item));
  });
  ValueId value = f.blocks[push.at.block].ops[push.at.op].args[1];
  f.blocks[push.at.block].ops.erase(f.blocks[push.at.block].ops.begin() + push.at.op);
  insert(push.at.block, push.at.op, [&](Builder& b) {
    ValueId round = b.emit(OpCode::Sub, {f.blocks[loop.header].params[counter], c.start}, pyint());
    ValueId place = b.emit(OpCode::Add, {length, round}, pyint());
    ValueId offset = b.emit(OpCode::Mul, {place, b.const_int(static_cast<int64_t>(item_size(item)))}, pyint());
    b.op(OpCode::Store, {b.emit(OpCode::PtrAdd, {items, offset}, ptr_to(item)), value});
  });
  insert(exit, 0, [&](Builder& b) { b.op(OpCode::ListSetLen, {push.list, all}); });
  return true;
}

bool mark_lists(Function& f, fuse::Summary& summary) {
  auto pushes = [](const Block& b) { return std::any_of(b.ops.begin(), b.ops.end(), [](const Op& op) { return op.code == OpCode::ListPush; }); };
  if (std::none_of(f.blocks.begin(), f.blocks.end(), pushes)) return false;
  Analyses a(f);
  for (LoopId id = 0; id < a.loops.loops().size() && !a.loops.irreducible(); ++id) {
    const Loop& loop = a.loops.loops()[id];
    Push push;
    if (f.blocks[loop.header].params.size() != 1 || !find_push(f, a, id, &push) || !one_way(f, a, id) || !only_pushes(f, a, id, push, summary)) continue;
    if (hoist(f, a, id, {loop.header})) return true;
    Candidate c;
    if (!is_counted(f, a, id, 0, &c) || c.mark) continue;
    int64_t cost = cost_of_round(f, a, id, summary);
    Op jump = std::move(f.blocks[loop.preheader].ops.back());
    f.blocks[loop.preheader].ops.pop_back();
    Builder b(&f);
    b.set_block(loop.preheader);
    b.set_loc(f.blocks[loop.header].term().loc);
    ValueId rounds = b.emit(OpCode::Sub, {c.stop, c.start}, pyint());
    jump.targets[0].args[0] = b.emit(OpCode::ParLoop, {c.start, b.const_int(0), fuse::work_of(b, rounds, cost)}, pyint(), kWorth);
    f.blocks[loop.preheader].ops.back().names = {"comprehension"};
    f.blocks[loop.preheader].ops.push_back(std::move(jump));
    return true;
  }
  return false;
}

// Nobody sees the list that a turn with an exception leaves.
static bool unseen(const Function& f, const Analyses& a, LoopId id) {
  Candidate c;
  c.loop = id;
  c.header = a.loops.loops()[id].header;
  if (!find_region(f, a, &c)) return false;
  for (BlockId b : c.blocks) {
    if (f.blocks[b].on_error.valid()) return false;
    for (const Op& op : f.blocks[b].ops)
      if (op.code == OpCode::Left || op.code == OpCode::ObjOp || op.code == OpCode::ObjMode) return false;      // it may go on as another loop
  }
  Push push;
  const Op* made = find_push(f, a, id, &push) ? a.uses.def_op(f, push.list) : nullptr;
  return made && made->code == OpCode::ListNew;
}

}  // namespace coluber::ir::parallel

namespace coluber::ir {

void run_appends(Function& f, const PassOptions&) {
  auto pushes = [](const Block& b) { return std::any_of(b.ops.begin(), b.ops.end(), [](const Op& op) { return op.code == OpCode::ListPush; }); };
  if (!f.typed || std::none_of(f.blocks.begin(), f.blocks.end(), pushes)) return;
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
