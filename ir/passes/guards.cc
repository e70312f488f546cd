// Guards: removes checks. What is left of safety by default should cost nothing in loops.
//
//   before                                            after
//   ^1(%i) loop:                                      ^1(%i) loop:
//     br (lt %i, %n), ^2, ^3                            br (lt %i, %n), ^2, ^3
//   ^2:                                               ^2:
//     %j = index_check %i, (array.shape %a, 0), 0       %x = array.load %a, %i
//     %x = array.load %a, %j                            jump ^1(%i + 1)
//     jump ^1(%i + 1)
//
// The ways, in this order:
//   1. What ir/analysis/ranges proves goes: here. An index that may only be negative becomes a select; mod and floordiv by something positive
//      become cheaper ops when the dividend is known not to be negative, or to be off by less than the divisor.
//   2. A check of a loop's counter ends the loop in front of the turn where it would fail, and fails behind it: guards_clamp.cc.
//   3. What can be computed before a loop nest from where its counters begin and end is tested there, once: guards_version.cc. If all is
//      well a copy of the nest without the checks runs, else the nest as it was.
//   4. What depends on data, in innermost loops that only compute: guards_speculate.cc. The loop runs without and notes what would have failed;
//      if anything did, it runs again from the start with its guards, which then raise what there is to raise.
// What is left of the tests of a float that becomes an int is made one where all goes well: guards_merge.cc.
// Before all this, lengths of lists that a loop does not change are read in front of it: guards_lists.cc.
//
// Requires typed IR before refcount; best after inlining and cleanup. Must keep: which exception is raised, and everything that could be seen
// by then. So checks are never moved to an earlier place, only answered there.
#include "ir/passes/guards.h"

#include <optional>

#include "ir/analysis/uses.h"
#include "ir/passes/manager.h"
#include "ir/passes/rewrite.h"

namespace coluber::ir {
namespace guards {

bool is_usual(const Op& op) { return op.code == OpCode::Likely && !op.ints.empty() && op.imm == 1; }
bool is_check(const Op& op) { return op.code == OpCode::IndexCheck || op.code == OpCode::Guard || is_usual(op); }

namespace {

// What is to be done is noted first and done at the end: the analysis refers to the ops as they are.
class Remover {
 public:
  Remover(Function& f, Analyses& a) : f_(f), a_(a) {}

  bool run() {
    for (BlockId b : a_.cfg.rpo())
      for (uint32_t i = 0; i < f_.blocks[b].ops.size(); ++i) look({b, i});
    if (notes_.empty()) return false;
    ValueMap map(f_.values.size());
    size_t done = 0;
    for (BlockId b : a_.cfg.rpo())
      if (done < notes_.size() && notes_[done].at.block == b) rewrite(b, &done, map);
    map.grow(f_.values.size());
    map.apply(f_);
    return true;
  }

 private:
  // What becomes of an op with operands x and n.
  enum Action { Drop, IsTrue, IsOperand, WrapIndex, NoWrap, PlusDivisor, AsTruncated, IsZeroAt };
  struct Note {
    Place at;
    Action action;
  };

  void look(Place at) {
    const Op& op = f_.blocks[at.block].ops[at.op];
    switch (op.code) {
      case OpCode::Guard:
        if (a_.ranges.proves(op.args[0], at)) notes_.push_back({at, Drop});
        break;
      case OpCode::Likely:
        if (is_usual(op) && a_.ranges.proves(op.args[0], at)) notes_.push_back({at, IsTrue});
        break;
      case OpCode::IndexCheck: index(op, at); break;
      case OpCode::Mod: case OpCode::FloorDiv: {
        size_t before = notes_.size();
        division(op, at);
        if (notes_.size() == before && op.code == OpCode::Mod && is_zero_test(op.result())) notes_.push_back({at, AsTruncated});
        break;
      }
      default: break;
    }
  }

  // x % n == 0: whose sign a remainder has does not matter then. NumPy's remainder by zero is zero: `select n != 0, x % n, 0` is looked through.
  bool is_zero_test(ValueId v, int depth = 0) {
    if (!is_integer(f_.type_of(v)) || depth > 2) return false;
    if (!uses_) uses_.emplace(f_);
    auto is_zero = [&](ValueId other) {
      int64_t zero = 1;
      return a_.ranges.constant(other, &zero) && zero == 0;
    };
    for (const Position& p : uses_->uses(v)) {
      const Op* op = p.op == Position::kHead ? nullptr : &f_.blocks[p.block].ops[p.op];
      if (!op) return false;
      if (op->code == OpCode::Select) {
        if (op->args[0] == v || !is_zero(op->args[op->args[1] == v ? 2 : 1]) || !is_zero_test(op->result(), depth + 1)) return false;
      } else if ((op->code != OpCode::Eq && op->code != OpCode::Ne) || !is_zero(op->args[op->args[0] == v ? 1 : 0])) {
        return false;
      }
    }
    return uses_->count(v) > 0;
  }

  void index(const Op& op, Place at) {
    ValueId x = op.args[0], n = op.args[1];
    Ranges& r = a_.ranges;
    bool low = r.at_least(x, 0, at), high = r.at_most(x, n, -1, at);
    if (low && high) return notes_.push_back({at, IsOperand});
    if (low && op.ints.empty()) return notes_.push_back({at, NoWrap});
    if (!high || low) return;
    Wide least = r.interval(x, at).low;                     // -k: then a size of k makes the wrapped index right
    for (Wide k : {Wide{-1}, least})
      if (k > -(Wide{1} << 40) && r.at_least(x, k, at) && r.at_least(n, -k, at)) return notes_.push_back({at, WrapIndex});
  }

  void division(const Op& op, Place at) {
    TypeRef t = f_.type_of(op.result());
    if (!is_integer(t) || !is_signed(t)) return;
    ValueId x = op.args[0], m = op.args[1];
    Ranges& r = a_.ranges;
    if (!r.at_least(m, 1, at)) return;
    bool low = r.at_least(x, 0, at);
    if (op.code == OpCode::FloorDiv) return low ? notes_.push_back({at, AsTruncated}) : void();
    int64_t k;
    if (a_.ranges.constant(m, &k)) return low ? notes_.push_back({at, AsTruncated}) : void();
    if (low) {
      if (r.at_most(x, m, -1, at)) return notes_.push_back({at, IsOperand});
      if (r.at_most(x, m, 0, at)) return notes_.push_back({at, IsZeroAt});
      return notes_.push_back({at, AsTruncated});
    }
    if (r.at_least(x, -1, at) && r.at_most(x, m, -1, at)) notes_.push_back({at, PlusDivisor});
  }

  void rewrite(BlockId b, size_t* done, ValueMap& map) {
    std::vector<Op> ops;
    std::vector<Op>& old = f_.blocks[b].ops;
    ops.reserve(old.size() + 8);
    for (uint32_t i = 0; i < old.size(); ++i) {
      bool noted = *done < notes_.size() && notes_[*done].at.block == b && notes_[*done].at.op == i;
      if (!noted) {
        ops.push_back(std::move(old[i]));
        continue;
      }
      act(notes_[(*done)++].action, std::move(old[i]), b, &ops, map);
    }
    old = std::move(ops);
  }

  ValueId emit(std::vector<Op>* ops, BlockId b, OpCode code, std::vector<ValueId> args, TypeRef type, const Op& like, int64_t imm = 0) {
    Op& made = ops->emplace_back();
    made.code = code;
    made.args = std::move(args);
    made.imm = imm;
    made.loc = like.loc;
    made.results = {f_.add_value(type, b)};
    return made.result();
  }

  void act(Action action, Op op, BlockId b, std::vector<Op>* ops, ValueMap& map) {
    if (action == Drop) return;
    if (action == IsTrue) {
      ValueId truth = emit(ops, b, OpCode::Const, {}, pybool(), op, 1);
      map.grow(f_.values.size());
      return map.replace(f_, op.result(), truth);
    }
    if (action == IsOperand) return map.replace(f_, op.result(), op.args[0]);
    if (action == NoWrap) {
      op.ints = {1};
      ops->push_back(std::move(op));
      return;
    }
    ValueId x = op.args[0], n = op.args[1];
    TypeRef t = f_.type_of(op.result());
    switch (action) {
      case AsTruncated: op.code = op.code == OpCode::Mod ? OpCode::TruncRem : OpCode::TruncDiv; break;
      case WrapIndex: case PlusDivisor: {                   // x < 0 ? x + n : x
        ValueId zero = emit(ops, b, OpCode::Const, {}, t, op);
        ValueId below = emit(ops, b, OpCode::Lt, {x, zero}, pybool(), op);
        op.args = {below, emit(ops, b, OpCode::Add, {x, n}, t, op), x};
        break;
      }
      case IsZeroAt: {                                      // x == n ? 0 : x
        ValueId zero = emit(ops, b, OpCode::Const, {}, t, op);
        op.args = {emit(ops, b, OpCode::Eq, {x, n}, pybool(), op), zero, x};
        break;
      }
      default: break;
    }
    if (action != AsTruncated) op.code = OpCode::Select;
    op.imm = 0;
    op.ints.clear();
    ops->push_back(std::move(op));
  }

  Function& f_;
  Analyses& a_;
  std::optional<DefUse> uses_;             // made when first asked for
  std::vector<Note> notes_;                // in the order of the blocks and ops
};

// Is there a check left in a loop?
bool checks_in_loops(const Function& f, const Analyses& a) {
  for (const Loop& loop : a.loops.loops())
    for (BlockId b : loop.blocks)
      for (const Op& op : f.blocks[b].ops)
        if (is_check(op)) return true;
  return false;
}

bool has_work(const Function& f) {
  for (const Block& b : f.blocks)
    for (const Op& op : b.ops)
      if (is_check(op) || op.code == OpCode::Mod || op.code == OpCode::FloorDiv || op.code == OpCode::ListLen) return true;
  return false;
}

}  // namespace

bool remove_proven(Function& f, Analyses& a) { return Remover(f, a).run(); }

}  // namespace guards

namespace {

void remove_checks(Function& f) {
  using namespace guards;
  hoist_list_reads(f);
  SlowLoops slow;
  {
    auto a = std::make_unique<Analyses>(f);
    if (remove_proven(f, *a)) a = std::make_unique<Analyses>(f);
    if (a->loops.irreducible() || !checks_in_loops(f, *a)) return;
    if (clamp_loops(f, *a)) {
      a = std::make_unique<Analyses>(f);
      if (!checks_in_loops(f, *a)) return;
    }
    version_loops(f, *a, &slow);
  }
  Analyses a(f, false);                    // guards that are dropped say nothing of what is behind them
  if (!checks_in_loops(f, a)) return;
  SlowLoops again;
  speculate_loops(f, a, slow, &again);
  if (!again.empty()) {
    Analyses behind(f, false);
    speculate_again(f, behind, again);
  }
  merge_guards(f);
}

// What is worth a second copy of a loop is not worth its code anywhere else.
void drop_second_choices(Function& f) {
  for (Block& b : f.blocks)
    for (Op& op : b.ops) {
      if (!guards::is_usual(op) || op.ints[0] != 2) continue;
      op.code = OpCode::Const;
      op.args.clear();
      op.ints.clear();
      op.imm = 0;
    }
}

}  // namespace

void run_guards(Function& f, const PassOptions&) {
  if (!f.typed || !guards::has_work(f)) return;
  remove_checks(f);
  drop_second_choices(f);
}

}  // namespace coluber::ir
