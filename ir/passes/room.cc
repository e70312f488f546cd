// Room: what a counted loop appends to a list in every round has its place before the loop begins.
//
//   before                                   after
//     jump ^1(0)                               %w = add (list.len %a), (mul max(sub %n, 0), 1)
//                                              list.reserve %a, %w            jump ^1(0)
//   ^1(%i) loop:                             ^1(%i) loop:
//     br (lt %i, %n), ^2, ^3                   br (lt %i, %n), ^2, ^3
//   ^2:                                      ^2:
//     ... list.push %a, %x                     ... list.push %a, %x, 1        never grows
//     jump ^1(%i + 1)                          jump ^1(%i + 1)
//
// A push that may grow is a call in the loop: length, capacity and place of the items have to be in memory for it, in every round, and the stores of the
// length take the processor's store buffer from those of the items. Without the call all of that lives in registers, and the loop may be vectorised.
//
// Conditions: the loop counts up by one, is left by its test alone (or by raising), and nothing else in it may change the length of a list of that
// type. Not where a handler is around the push: it would see the exception of another place. More rounds than there can be bytes ask for more memory
// than there is, which raises before the first of them.
//
// Requires typed IR without reference counts and one back edge per loop, so behind latches; and behind polls, since a piece of a long loop asks for no
// more than its own rounds then, as a loop that raises or is interrupted half-way would have it.
#include <algorithm>

#include "ir/passes/manager.h"
#include "ir/passes/parallel.h"

namespace coluber::ir {
namespace {

using parallel::Analyses;

constexpr size_t kMostPushes = 64;         // of one loop: rounds times pushes is a number then

struct Pushed {
  ValueId list;
  int64_t times;                           // in a round, to any list of the type: two values may be one list
  uint32_t loc;                            // of its first push
};

struct Plan {
  const Loop* loop = nullptr;
  parallel::Candidate counted;
  std::vector<Pushed> lists;
};

class Planner {
 public:
  Planner(const Function& f, const Analyses& a, LoopId id) : f_(f), a_(a), id_(id), loop_(a.loops.loops()[id]) {}

  bool run() {
    plan_.loop = &loop_;
    if (!pushes() || !counted()) return false;
    return std::all_of(loop_.exits.begin(), loop_.exits.end(), [&](const Pred& p) { return p.block == loop_.header && !p.error(); });
  }
  Plan& plan() { return plan_; }

 private:
  bool outside(ValueId v) const { return !a_.loops.contains(id_, f_.values[v].block); }

  bool counted() {
    const Block& header = f_.blocks[loop_.header];
    if (header.on_error.valid()) return false;
    for (size_t k = 0; k < header.params.size(); ++k)
      if (f_.type_of(header.params[k])->is(Kind::PyInt) && parallel::is_counted(f_, a_, id_, k, &plan_.counted)) return true;
    return false;
  }

  // Every push is one of each round, and no other op of the loop changes how long a list is.
  bool pushes() {
    if (loop_.latches.size() != 1 || loop_.latches[0].error()) return false;
    size_t count = 0;
    for (BlockId b : loop_.blocks)
      for (const Op& op : f_.blocks[b].ops)
        switch (op.code) {
          case OpCode::ListPush: {
            bool each = b != loop_.header && a_.loops.loop_of(b) == id_ && a_.dom.dominates(b, loop_.latches[0].block);
            if (!each || !outside(op.args[0]) || f_.blocks[b].on_error.valid() || ++count > kMostPushes) return false;
            note(op);
            break;
          }
          case OpCode::ListSetLen: case OpCode::ListReserve: case OpCode::Call: case OpCode::CallRt: case OpCode::CallPtr: case OpCode::ParFor:
          case OpCode::ObjMode: case OpCode::Release: return false;
          default: break;
        }
    for (Pushed& p : plan_.lists) {
      TypeRef type = f_.type_of(p.list);
      p.times = std::count_if(types_.begin(), types_.end(), [&](TypeRef t) { return t == type; });
    }
    return count > 0;
  }

  void note(const Op& push) {
    types_.push_back(f_.type_of(push.args[0]));
    bool known = std::any_of(plan_.lists.begin(), plan_.lists.end(), [&](const Pushed& p) { return p.list == push.args[0]; });
    if (!known) plan_.lists.push_back({push.args[0], 0, push.loc});
  }

  const Function& f_;
  const Analyses& a_;
  const LoopId id_;
  const Loop& loop_;
  Plan plan_;
  std::vector<TypeRef> types_;             // of each push
};

void reserve(Function& f, const Plan& plan) {
  BlockId before = add_preheader(f, *plan.loop);
  Op jump = std::move(f.blocks[before].ops.back());
  f.blocks[before].ops.pop_back();
  Builder b(&f);
  b.set_block(before);
  b.set_loc(jump.loc);
  ValueId rounds = parallel::rounds_of(b, plan.counted);
  for (const Pushed& p : plan.lists) {
    b.set_loc(p.loc);
    ValueId more = p.times == 1 ? rounds : b.emit(OpCode::Mul, {rounds, b.const_int(p.times)}, pyint());
    ValueId length = b.emit(OpCode::ListLen, {p.list}, pyint());
    b.op(OpCode::ListReserve, {p.list, b.emit(OpCode::Add, {length, more}, pyint())});
  }
  f.blocks[before].ops.push_back(std::move(jump));
  f.blocks[plan.loop->latches[0].block].term().imm |= 4;    // not unrolled: a push is no matter of a cycle, and copies take long to compile
  for (BlockId block : plan.loop->blocks)
    for (Op& op : f.blocks[block].ops)
      if (op.code == OpCode::ListPush) op.imm = 1;
}

}  // namespace

void run_room(Function& f, const PassOptions&) {
  bool pushes = false;
  for (const Block& b : f.blocks)
    for (const Op& op : b.ops) pushes |= op.code == OpCode::ListPush;
  if (!f.typed || !pushes || f.blocks.size() < 3) return;
  Analyses a(f);
  if (a.loops.irreducible()) return;
  std::vector<Plan> plans;                 // all of them before anything changes: the analyses refer to the ops as they are
  for (LoopId id = 0; id < a.loops.loops().size(); ++id)
    if (Planner p(f, a, id); p.run()) plans.push_back(std::move(p.plan()));
  for (const Plan& plan : plans) reserve(f, plan);
}

}  // namespace coluber::ir
