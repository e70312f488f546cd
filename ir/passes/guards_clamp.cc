// Part of guards: loops over one array by a length that may be another's.
//
//   before                                   after
//     jump ^1(0)                               %l = min(%n, (array.shape %a, 0))       jump ^1(0)
//   ^1(%i) loop:                             ^1(%i) loop:
//     br (lt %i, %n), ^2, ^3                   br (lt %i, %l), ^2, ^X
//   ^2:                                      ^2:
//     %j = index_check %i, (shape of %a)       ... array.store %a, %x, %i
//     ... array.store %a, %x, %j               jump ^1(%i + 1)
//     jump ^1(%i + 1)                        ^X: br (likely not lt %i, %n), ^3, ^F
//                                            ^F: %j = index_check %i, (shape of %a)          which fails
//
// The turn whose check would fail ends the loop, and the check fails behind it. That spares the copy of the loop that guards_version would
// make: half of what a small loop takes to compile. Conditions: the loop is in no other one and counts up by one; each of its checks is of the counter
// plus a number (or of what the loop does not change), is known not to see negative indices, and stands where every turn passes before
// anything of the turn can be seen from outside: no store, no call and no other guard is in front of it.
#include <algorithm>
#include <optional>

#include "ir/passes/guards.h"
#include "ir/passes/rewrite.h"

namespace coluber::ir::guards {
namespace {

constexpr int64_t kMaxDistance = int64_t{1} << 20;

struct Check {
  size_t at;                               // index in the body's first block
  Op op;
  bool counts;                             // the index is the counter plus `distance`; else it does not change
  int64_t distance;
  ValueId array;                           // whose shape the length is, read in the loop; kNoId: the length does not change
  int64_t axis;
};

struct Plan {
  const Loop* loop;
  BlockId body, before;
  ValueId counter, bound;
  std::vector<Check> checks;
};

class Planner {
 public:
  Planner(const Function& f, Analyses& a, LoopId id) : f_(f), a_(a), id_(id), loop_(a.loops.loops()[id]) {}

  std::optional<Plan> plan() {
    Plan p{&loop_, kNoId, kNoId, kNoId, kNoId, {}};
    if (!counted(&p)) return {};
    const Block& body = f_.blocks[p.body];
    if (body.on_error.valid()) return {};
    bool visible = false;                  // something of the turn has been seen by then
    for (BlockId b : loop_.blocks)
      for (size_t i = 0; i < f_.blocks[b].ops.size(); ++i) {
        const Op& op = f_.blocks[b].ops[i];
        if (b == p.body && op.code == OpCode::IndexCheck && !visible) {
          if (!index(op, {b, static_cast<uint32_t>(i)}, i, &p)) return {};
          continue;
        }
        if (is_check(op)) return {};       // another way has to be found for that one, then for all
        visible = visible || (b == p.body && (op.has(Writes) || op.has(Raises)));
      }
    return p.checks.empty() ? std::nullopt : std::optional(std::move(p));
  }

 private:
  bool outside(ValueId v) const { return !a_.loops.contains(id_, f_.values[v].block); }

  // A counter upwards by one against a bound from outside, tested at the head, where nothing else happens.
  bool counted(Plan* p) {
    const Block& header = f_.blocks[loop_.header];
    const Op& term = header.term();
    if (term.code != OpCode::Branch || loop_.latches.size() != 1 || loop_.latches[0].error()) return false;
    for (const Op& op : header.ops)
      if (op.has(Writes) || op.has(Raises)) return false;
    for (const Pred& e : loop_.entries)
      if (e.error()) return false;
    p->body = term.targets[0].block;
    const Op* test = a_.ranges.def(term.args[0]);
    if (!a_.loops.contains(id_, p->body) || p->body == loop_.header || a_.preds[p->body].size() != 1) return false;
    if (a_.uses.count(term.args[0]) != 1 || f_.values[term.args[0]].block != loop_.header) return false;
    if (a_.loops.contains(id_, term.targets[1].block) || !test || test->code != OpCode::Lt || !outside(test->args[1])) return false;
    auto at = std::find(header.params.begin(), header.params.end(), test->args[0]);
    if (at == header.params.end() || !f_.type_of(*at)->is(Kind::PyInt)) return false;
    p->counter = *at;
    p->bound = test->args[1];
    const Op* next = a_.ranges.def(edge_of(f_, loop_.latches[0]).args[static_cast<size_t>(at - header.params.begin())]);
    int64_t k;
    return next && next->code == OpCode::Add && next->args[0] == *at && a_.ranges.constant(next->args[1], &k) && k == 1;
  }

  bool index(const Op& op, Place at, size_t i, Plan* p) {
    ValueId x = op.args[0], n = op.args[1];
    bool array_or_list = op.imm >= -1 || op.imm == -4;      // lengths of what is in memory: a distance less or more is a number still
    if (!array_or_list || !a_.ranges.at_least(x, 0, at)) return false;
    Check c{i, op, !outside(x), 0, kNoId, 0};
    if (c.counts && x != p->counter) {
      const Op* sum = a_.ranges.def(x);
      if (!sum || (sum->code != OpCode::Add && sum->code != OpCode::Sub) || sum->args[0] != p->counter) return false;
      if (!a_.ranges.constant(sum->args[1], &c.distance) || c.distance < -kMaxDistance || c.distance > kMaxDistance) return false;
      if (sum->code == OpCode::Sub) c.distance = -c.distance;
    }
    if (!outside(n)) {
      const Op* shape = a_.ranges.def(n);
      if (!shape || shape->code != OpCode::ArrayShape || !outside(shape->args[0])) return false;
      c.array = shape->args[0];
      c.axis = shape->imm;
    }
    p->checks.push_back(std::move(c));
    return true;
  }

  const Function& f_;
  Analyses& a_;
  const LoopId id_;
  const Loop& loop_;
};

class Clamp {
 public:
  Clamp(Function& f, const Plan& plan) : f_(f), plan_(plan) {}

  void apply(ValueMap& map) {
    block_ = plan_.before;
    loc_ = f_.blocks[plan_.loop->header].term().loc;
    ValueId limit = plan_.bound;
    for (const Check& c : plan_.checks) limit = smaller(limit, last(c));
    std::vector<Op>& before = f_.blocks[plan_.before].ops;
    before.insert(before.end() - 1, std::make_move_iterator(ops_.begin()), std::make_move_iterator(ops_.end()));
    test(limit);
    drop_checks(map);
  }

 private:
  ValueId emit(OpCode code, std::vector<ValueId> args, TypeRef type, int64_t imm = 0) {
    Op& made = ops_.emplace_back();
    made.code = code;
    made.args = std::move(args);
    made.imm = imm;
    made.loc = loc_;
    made.results = {f_.add_value(type, block_)};
    return made.result();
  }
  ValueId number(int64_t k) { return emit(OpCode::Const, {}, pyint(), k); }
  ValueId length(const Check& c) { return c.array == kNoId ? c.op.args[1] : emit(OpCode::ArrayShape, {c.array}, pyint(), c.axis); }

  // The counter has to stay below this for the check to hold.
  ValueId last(const Check& c) {
    ValueId n = length(c);
    if (!c.counts) return emit(OpCode::Select, {emit(OpCode::Lt, {c.op.args[0], n}, pybool()), plan_.bound, number(INT64_MIN)}, pyint());
    return c.distance == 0 ? n : emit(OpCode::Sub, {n, number(c.distance)}, pyint());
  }
  ValueId smaller(ValueId a, ValueId b) { return emit(OpCode::Select, {emit(OpCode::Lt, {b, a}, pybool()), b, a}, pyint()); }

  void terminate(BlockId b, OpCode code, std::vector<ValueId> args, std::vector<Edge> targets) {
    Op term;
    term.code = code;
    term.args = std::move(args);
    term.targets = std::move(targets);
    term.loc = loc_;
    ops_.push_back(std::move(term));
    f_.blocks[b].ops = std::move(ops_);
    ops_.clear();
  }

  void test(ValueId limit) {
    ops_.clear();
    BlockId behind = f_.add_block(), fails = f_.add_block();
    std::vector<Op>& header = f_.blocks[plan_.loop->header].ops;
    auto was = std::find_if(header.begin(), header.end(), [&](const Op& op) { return !op.results.empty() && op.result() == header.back().args[0]; });
    was->args[1] = limit;                  // the test has no other use: see plan()
    Edge exit = std::move(header.back().targets[1]);
    header.back().targets[1] = Edge{behind, {}};
    block_ = behind;
    ValueId more = emit(OpCode::Lt, {plan_.counter, plan_.bound}, pybool());
    terminate(behind, OpCode::Branch, {emit(OpCode::Likely, {more}, pybool(), 0)}, {Edge{fails, {}}, std::move(exit)});
    block_ = fails;
    for (const Check& c : plan_.checks) {
      ValueId x = !c.counts ? c.op.args[0] : c.distance == 0 ? plan_.counter : emit(OpCode::Add, {plan_.counter, number(c.distance)}, pyint());
      ValueId n = length(c);
      Op check = c.op;
      check.args = {x, n};
      check.results = {f_.add_value(f_.type_of(c.op.result()), fails)};
      ops_.push_back(std::move(check));
    }
    ops_.back().ints = {1, 1};             // whoever comes here has not been stopped by the others, so it is the last check that fails
    terminate(fails, OpCode::Unreachable, {}, {});
  }

  void drop_checks(ValueMap& map) {
    std::vector<Op> kept;
    std::vector<Op>& ops = f_.blocks[plan_.body].ops;
    auto check = plan_.checks.begin();
    for (size_t i = 0; i < ops.size(); ++i) {
      if (check == plan_.checks.end() || check->at != i) {
        kept.push_back(std::move(ops[i]));
        continue;
      }
      map.grow(f_.values.size());
      map.replace(f_, ops[i].result(), ops[i].args[0]);
      ++check;
    }
    ops = std::move(kept);
  }

  Function& f_;
  const Plan& plan_;
  std::vector<Op> ops_;
  BlockId block_ = kNoId;
  uint32_t loc_ = 0;
};

}  // namespace

bool clamp_loops(Function& f, Analyses& a) {
  const std::vector<Loop>& loops = a.loops.loops();
  std::vector<uint8_t> nested(loops.size(), 0);
  for (LoopId id = 0; id < loops.size(); ++id)
    if (loops[id].parent != kNoId) nested[id] = nested[loops[id].parent] = 1;
  std::vector<Plan> plans;                 // all of them before anything changes: the analyses refer to the ops as they are
  for (LoopId id = 0; id < loops.size(); ++id)
    if (!nested[id])
      if (std::optional<Plan> p = Planner(f, a, id).plan()) plans.push_back(std::move(*p));
  if (plans.empty()) return false;
  for (Plan& p : plans) p.before = add_preheader(f, *p.loop);
  ValueMap map(f.values.size());
  for (const Plan& p : plans) Clamp(f, p).apply(map);
  map.grow(f.values.size());
  map.apply(f);
  return true;
}

}  // namespace coluber::ir::guards
