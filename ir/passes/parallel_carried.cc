// Part of parallel: what goes from round to round. A parameter of the header is
//   a reduction       all that happens to it in a round is that one kind of operator is applied to it (or nothing): s += x, if c: s += x,
//                     m = max(m, x), if x > m: m = x, found = True under a condition, ok = ok and test, a //= x, what coluber.reduction made
//   a companion       of a minimum or maximum: it is assigned where that is, if x < low: low, place = x, i
//   a last value      each round assigns it and none reads what an earlier one left
//   anything else     the rounds depend on each other
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "ir/passes/parallel.h"

namespace coluber::ir::parallel {

const char* text(Combine c) {
  constexpr const char* kText[] = {"+", "*", "&", "|", "^", "min", "max", "set", "last value", "with the extremum", "function", "//"};
  return kText[static_cast<size_t>(c)];
}

namespace {

bool ordered(OpCode code) { return code == OpCode::Lt || code == OpCode::Le || code == OpCode::Gt || code == OpCode::Ge; }

// Follows one parameter of the header through a round.
class Follow {
 public:
  Follow(const Function& f, const Analyses& a, const Candidate& c, size_t param, bool array = false)
      : f_(f), a_(a), c_(c), header_(c.header), param_(param), start_(f.blocks[c.header].params[param]), array_(array) {}

  bool run(Carried* out) {
    if (!array_ && is_last()) {
      out->how = Combine::Last;
      return true;
    }
    TypeRef type = f_.type_of(start_);
    if (!array_ && !is_number(type) && (!type->is(Kind::Tuple) || is_managed(type))) return why_ = type->is(Kind::Array) ? "it is no number, nor an array that one function of coluber.reduction makes" : "it is not a number", false;
    add(start_);
    while (!work_.empty()) {
      ValueId v = work_.back();
      work_.pop_back();
      for (const Position& at : a_.uses.uses(v))
        if (c_.contains(at.block) && !use(v, at)) return false;
    }
    return merges() && conditions() && decide(out);
  }
  const std::string& why() const { return why_; }
  // Edges by which the extremum gets a new value; other variables that get one where it may.
  const std::vector<Pred>& taken() const { return taken_; }
  const std::vector<ValueId>& companions() const { return companions_; }
  bool strict() const { return strict_; }
  bool checked() const { return checked_; }
  std::vector<ValueId> chain() const { return {chain_.begin(), chain_.end()}; }

 private:
  bool inside(ValueId v) const { return chain_.count(v) != 0; }
  void add(ValueId v) {
    if (chain_.insert(v).second) work_.push_back(v);
  }
  bool fail(const char* why) { return why_ = why, false; }

  bool is_last() const {
    for (const Position& at : a_.uses.uses(start_))
      if (c_.contains(at.block) && !leaves(start_, at) && !enters_nest(at)) return false;
    return !is_managed(f_.type_of(start_));
  }
  // The header's way out takes it along, or what is made of it there for what is behind the loop.
  bool leaves(ValueId v, const Position& at) const {
    if (at.block != header_ || at.op == Position::kHead) return false;
    const Op& op = f_.blocks[at.block].ops[at.op];
    if (op.has(Pure) && op.results.size() == 1 && at.op != c_.test) {
      std::span<const Position> uses = a_.uses.uses(op.result());
      return std::all_of(uses.begin(), uses.end(), [&](const Position& use) { return !c_.contains(use.block) || (use.block == header_ && use.op != at.op && leaves(op.result(), use)); });
    }
    return op.code == OpCode::Branch && op.args[0] != v &&
           std::find(op.targets[0].args.begin(), op.targets[0].args.end(), v) == op.targets[0].args.end();
  }

  // It only goes on to the loop inside that is one with this, of which it is a last value as well: each part has rounds of both.
  bool enters_nest(const Position& at) const {
    if (c_.nest.empty() || at.block != c_.nest[0].entry.block || at.op == Position::kHead) return false;
    const Candidate& inner = c_.nest[0];
    const Op& op = f_.blocks[at.block].ops[at.op];
    if (!op.has(Term) || std::find(op.args.begin(), op.args.end(), start_) != op.args.end()) return false;
    for (size_t t = 0; t < op.targets.size(); ++t)
      for (size_t k = 0; k < op.targets[t].args.size(); ++k) {
        if (op.targets[t].args[k] != start_) continue;
        auto last = [&](const Carried& one) { return one.param == k && one.how == Combine::Last; };
        if (t != inner.entry.index || std::none_of(inner.carried.begin(), inner.carried.end(), last)) return false;
      }
    return true;
  }

  bool combine(Combine how, ValueId result) {
    if (how_known_ && how != how_) return fail("different operators are applied to it");
    how_ = how;
    how_known_ = true;
    add(result);
    return true;
  }

  // (a // x) // y is a // (x * y) for whole numbers with y > 0; of floats each quotient is rounded.
  bool divide(const Op& op) {
    if (!is_integer(f_.type_of(start_))) return fail("floor division of floats depends on the order: multiply the divisors up, and divide behind the loop");
    quotients_.push_back(op.result());
    return combine(Combine::FloorDiv, op.result());
  }

  // NumPy's division by zero, select(y != 0, x // y, 0).
  bool zero_instead(ValueId quotient, ValueId other) const {
    const Op *division = a_.uses.def_op(f_, quotient), *zero = a_.uses.def_op(f_, other);
    return division && division->code == OpCode::FloorDiv && zero && zero->code == OpCode::Const && zero->imm == 0;
  }

  bool reduce(const Op& op) {
    if (how_known_ && (how_ != Combine::Function || function_ != op.names[0])) return fail("different operators are applied to it");
    function_ = op.names[0];
    if (op.names.size() > 1) identity_function_ = op.names[1];
    identity_.clear();
    return collect(op.args[2], 0) ? combine(Combine::Function, op.result()) : fail("the identity of its reduction is no constant");
  }
  bool collect(ValueId v, int depth) {
    const Op* op = a_.uses.def_op(f_, v);
    if (!op || depth > 8 || !op->has(Pure)) return false;
    for (ValueId arg : op->args)
      if (!collect(arg, depth + 1)) return false;
    identity_.push_back(*op);
    return true;
  }

  // Position of v in a use: is it operand `i` and no other?
  static bool only(const Op& op, ValueId v, size_t i) {
    for (size_t k = 0; k < op.args.size(); ++k)
      if ((op.args[k] == v) != (k == i)) return false;
    return true;
  }

  bool use(ValueId v, const Position& at) {
    if (at.op == Position::kHead) return fail("an exception handler uses it");
    const Op& op = f_.blocks[at.block].ops[at.op];
    if (op.has(Pure) && leaves(v, at)) return true;
    bool first = only(op, v, 0), second = only(op, v, 1);
    switch (op.code) {
      case OpCode::Add: return first || second ? combine(Combine::Add, op.result()) : fail("it is added to itself");
      case OpCode::Sub: return first ? combine(Combine::Add, op.result()) : fail("it is subtracted from something");
      case OpCode::Mul: return first || second ? combine(Combine::Mul, op.result()) : fail("it is multiplied by itself");
      case OpCode::FDiv: return first ? combine(Combine::Mul, op.result()) : fail("something is divided by it");
      case OpCode::FloorDiv: return first ? divide(op) : fail("something is divided by it");
      case OpCode::Reduce: return first ? reduce(op) : fail("its value is used in the loop");
      case OpCode::And: return combine(Combine::And, op.result());
      case OpCode::Or: return combine(Combine::Or, op.result());
      case OpCode::Xor: return first || second ? combine(Combine::Xor, op.result()) : fail("it is combined with itself");
      case OpCode::Select:
        if (op.args[0] == v) return fail("a condition depends on it");
        selects_.push_back(&op);
        add(op.result());
        return true;
      case OpCode::Lt: case OpCode::Le: case OpCode::Gt: case OpCode::Ge:
        compares_.push_back(&op);
        return true;
      case OpCode::Cast:
        if (!is_bool(f_.type_of(v)) || !is_bool(f_.type_of(op.result()))) return fail("its value is used in the loop");
        add(op.result());
        return true;
      case OpCode::DebugLocal: return true;
      case OpCode::ArrayShape: return array_ || fail("its value is used in the loop");
      case OpCode::AddOvf: case OpCode::SubOvf: case OpCode::MulOvf:
        checked_ = true;
        return fail("each step of it is checked for overflow");
      case OpCode::Jump: case OpCode::Branch: return edges(v, op, at.block);
      default: return fail("its value is used in the loop");
    }
  }

  bool edges(ValueId v, const Op& op, BlockId from) {
    if (op.code == OpCode::Branch && op.args[0] == v) branches_.push_back(from);
    for (const Edge& e : op.targets) {
      if (!c_.contains(e.block)) continue;
      for (size_t k = 0; k < e.args.size(); ++k) {
        if (e.args[k] != v) continue;
        if (e.block == header_ && k != param_) return fail("another variable gets its value");
        ValueId to = f_.blocks[e.block].params[k];
        if (to != start_) merged_.push_back(to);
        add(to);
      }
    }
    return true;
  }

  // Values that come in where the chain's do: of comparisons with it (minimum, maximum), a constant, or the test behind `and` and `or`.
  bool merges() {
    merged_.push_back(start_);
    std::sort(merged_.begin(), merged_.end());
    merged_.erase(std::unique(merged_.begin(), merged_.end()), merged_.end());
    for (ValueId q : merged_) {
      BlockId b = f_.values[q].block;
      size_t k = static_cast<size_t>(std::find(f_.blocks[b].params.begin(), f_.blocks[b].params.end(), q) - f_.blocks[b].params.begin());
      for (const Pred& p : a_.cfg.preds(b)) {
        if (b == header_ && !c_.contains(p.block)) continue;
        if (p.error()) return fail("an exception handler uses it");
        ValueId v = edge_of(f_, p).args[k];
        if (!inside(v) && !foreign(v, p)) return false;
      }
    }
    for (const Op* op : selects_) {
      bool a = inside(op->args[1]), b = inside(op->args[2]);
      if (a && b) continue;
      if (how_ == Combine::FloorDiv && a && zero_instead(op->args[1], op->args[2])) {
        quotients_.push_back(op->result());
        continue;
      }
      if (!extreme(op->args[0], op->args[a ? 2 : 1], !a)) return constant(op->args[a ? 2 : 1]) || fail("another value takes its place");
    }
    return true;
  }

  // v comes in by the edge p. What decided that it does?
  bool foreign(ValueId v, const Pred& p) {
    BlockId below = kNoId;
    BlockId at = p.block;
    for (int steps = 0; steps < 64 && c_.contains(at); ++steps) {
      const Op& term = f_.blocks[at].term();
      if (term.code == OpCode::Branch) {
        int side = below == kNoId ? static_cast<int>(p.index) : a_.dom.dominates(term.targets[0].block, below) ? 0 : 1;
        if (inside(term.args[0])) return logical(side == 0);
        if (extreme(term.args[0], v, side == 0)) return taken_.push_back(p), true;
      }
      if (at == header_) break;
      below = at;
      at = a_.dom.idom_block(at);
      if (at == kNoId) break;
    }
    return constant(v) || fail("another value takes its place");
  }

  // `ok and x`, `ok or x`: the second is asked for where the first is true, or false.
  bool logical(bool where_true) {
    logical_ = true;
    Combine how = where_true ? Combine::And : Combine::Or;
    if (!is_bool(f_.type_of(start_)) || (how_known_ && how_ != how)) return fail("a condition depends on it");
    how_ = how;
    how_known_ = true;
    return true;
  }

  // Does the test say that v, which is taken where it is true (or false), is smaller or greater than the chain's value?
  bool extreme(ValueId cond, ValueId v, bool where_true) {
    const Op* test = a_.uses.def_op(f_, cond);
    for (; test && passes_on(*test); test = a_.uses.def_op(f_, test->args[0])) where_true ^= test->code == OpCode::Not;
    if (!test || !ordered(test->code)) return false;
    bool left = inside(test->args[1]) && same(test->args[0], v, 0), right = inside(test->args[0]) && same(test->args[1], v, 0);
    if (!left && !right) return false;
    bool less = test->code == OpCode::Lt || test->code == OpCode::Le;
    Combine how = (less == left) == where_true ? Combine::Min : Combine::Max;
    if (how_known_ && how_ != how) return false;
    how_ = how;
    how_known_ = true;
    used_.insert(test);
    strict_ = strict_ && (test->code == OpCode::Lt || test->code == OpCode::Gt) == where_true;
    return true;
  }

  // `tested`, or the same computed again: `if x[i] > m: m = x[i]`.
  bool same(ValueId tested, ValueId v, int depth) const {
    if (tested == v) return true;
    const Op *a = a_.uses.def_op(f_, tested), *b = a_.uses.def_op(f_, v);
    bool load = a && (a->code == OpCode::ArrayLoad || a->code == OpCode::ListLoad || a->code == OpCode::ListLen);
    if (!a || !b || depth > 8 || a->code != b->code || a->args.size() != b->args.size() || f_.type_of(tested) != f_.type_of(v)) return false;
    if (!(load ? unwritten(f_.values[tested].block, f_.values[v].block) : a->has(Pure)) || a->imm != b->imm || a->sym != b->sym) return false;
    if (a->fimm != b->fimm || a->fimm2 != b->fimm2 || a->ints != b->ints) return false;
    for (size_t k = 0; k < a->args.size(); ++k)
      if (!same(a->args[k], b->args[k], depth + 1)) return false;
    return true;
  }
  // Nothing is stored on the way from one block down to another.
  bool unwritten(BlockId from, BlockId to) const {
    for (int steps = 0; steps < 16; ++steps) {
      for (const Op& op : f_.blocks[to].ops)
        if (op.has(Writes)) return false;
      if (to == from) return true;
      if (a_.cfg.preds(to).size() != 1 || to == header_) return false;
      to = a_.cfg.preds(to)[0].block;
    }
    return false;
  }

  // The same condition, as another type or turned round.
  bool passes_on(const Op& op) const {
    return op.code == OpCode::Not || op.code == OpCode::Likely || (op.code == OpCode::Cast && is_bool(f_.type_of(op.args[0])) && is_bool(f_.type_of(op.result())));
  }

  bool constant(ValueId v) {
    const Op* op = a_.uses.def_op(f_, v);
    if (!op || op->code != OpCode::Const || (how_known_ && how_ != Combine::Set && !logical_)) return false;
    if (logical_) return true;                                      // checked in decide
    if (set_ && (set_->imm != op->imm || set_->fimm != op->fimm || set_->fimm2 != op->fimm2)) return false;
    set_ = op;
    how_ = Combine::Set;
    how_known_ = true;
    return true;
  }

  // Comparisons and branches that read the value serve nothing but the reduction.
  bool conditions() {
    for (const Op* test : compares_)
      if (!used_.count(test) || !only_decides(test->result())) return fail("its value is compared in the loop");
    for (BlockId b : branches_)
      if (!logical_ || !only_moves(b)) return fail("a condition depends on it");
    return true;
  }

  bool only_decides(ValueId cond) {
    for (const Position& at : a_.uses.uses(cond)) {
      if (at.op == Position::kHead) return false;
      const Op& op = f_.blocks[at.block].ops[at.op];
      if (op.code == OpCode::Select && std::find(selects_.begin(), selects_.end(), &op) != selects_.end()) continue;
      if (passes_on(op) ? !only_decides(op.result()) : op.code != OpCode::Branch || op.args[0] != cond || !only_moves(at.block)) return false;
    }
    return true;
  }

  // On the sides of the branch at the end of b nothing happens that would be seen elsewhere. Other variables that get another value there may be
  // companions of this one.
  bool only_moves(BlockId b) {
    std::unordered_map<ValueId, ValueId> arrives;                   // parameters where the sides meet, and what comes
    for (const Edge& side : f_.blocks[b].term().targets) {
      BlockId s = side.block;
      if (a_.cfg.preds(s).size() != 1) {                            // where the ways meet
        if (!arrive(side, &arrives)) return false;
        continue;
      }
      for (BlockId k : c_.blocks) {
        if (!a_.dom.dominates(s, k)) continue;
        for (const Op& op : f_.blocks[k].ops)
          if (op.has(Writes)) return false;
        for (const Edge& out : f_.blocks[k].term().targets)
          if (!a_.dom.dominates(s, out.block) && !arrive(out, &arrives)) return false;
      }
    }
    return true;
  }
  bool arrive(const Edge& e, std::unordered_map<ValueId, ValueId>* arrives) {
    if (!c_.contains(e.block)) return false;
    for (size_t k = 0; k < e.args.size(); ++k) {
      ValueId param = f_.blocks[e.block].params[k];
      if (inside(param)) continue;
      auto [at, first] = arrives->emplace(param, e.args[k]);
      if (!first && at->second != e.args[k] && std::find(companions_.begin(), companions_.end(), param) == companions_.end()) companions_.push_back(param);
    }
    return true;
  }

  bool decide(Carried* out) {
    if (!how_known_) return fail("it is not changed");
    if (how_ == Combine::Set && !set_) return fail("another value takes its place");
    bool bits = how_ == Combine::And || how_ == Combine::Or || how_ == Combine::Xor;
    if (bits && !is_integer(f_.type_of(start_)) && !is_bool(f_.type_of(start_))) return fail("it is not a number");
    out->how = how_;
    if (how_ == Combine::Set) out->set = set_->result();
    out->function = function_;
    out->identity = identity_;
    out->identity_function = identity_function_;
    out->quotients = quotients_;
    return true;
  }

  const Function& f_;
  const Analyses& a_;
  const Candidate& c_;
  const BlockId header_;
  const size_t param_;
  const ValueId start_;
  const bool array_;
  std::unordered_set<ValueId> chain_;
  std::vector<ValueId> work_, merged_;
  std::vector<const Op*> selects_, compares_;
  std::unordered_set<const Op*> used_;
  std::vector<BlockId> branches_;
  std::vector<Pred> taken_;
  std::vector<ValueId> companions_, quotients_;
  std::string function_, identity_function_;
  std::vector<Op> identity_;
  bool strict_ = true;                     // of equals, the first one stays
  const Op* set_ = nullptr;
  Combine how_ = Combine::Add;
  bool how_known_ = false, logical_ = false, checked_ = false;
  std::string why_;
};

// A variable that only moves, and gets a new value exactly where an extremum does. `moved`: the parameters it goes through.
bool follows(const Function& f, const Analyses& a, const Candidate& c, size_t param, const Follow& extremum, std::vector<ValueId>* moved) {
  *moved = {f.blocks[c.header].params[param]};
  auto inside = [&](ValueId v) { return std::find(moved->begin(), moved->end(), v) != moved->end(); };
  for (size_t i = 0; i < moved->size(); ++i)
    for (const Position& at : a.uses.uses((*moved)[i])) {
      if (!c.contains(at.block)) continue;
      if (at.op == Position::kHead) return false;
      const Op& op = f.blocks[at.block].ops[at.op];
      if (std::find(op.args.begin(), op.args.end(), (*moved)[i]) != op.args.end()) return false;
      for (const Edge& e : op.targets)
        for (size_t k = 0; c.contains(e.block) && k < e.args.size(); ++k) {
          ValueId to = f.blocks[e.block].params[k];
          if (e.args[k] != (*moved)[i] || inside(to)) continue;
          if (e.block == c.header) return false;
          moved->push_back(to);
        }
    }
  size_t assigned = 0;
  for (ValueId q : *moved) {
    BlockId b = f.values[q].block;
    size_t k = static_cast<size_t>(std::find(f.blocks[b].params.begin(), f.blocks[b].params.end(), q) - f.blocks[b].params.begin());
    for (const Pred& p : a.cfg.preds(b)) {
      if ((b == c.header && !c.contains(p.block)) || inside(edge_of(f, p).args[k])) continue;
      bool there = std::any_of(extremum.taken().begin(), extremum.taken().end(), [&](const Pred& t) { return t.block == p.block && t.index == p.index; });
      if (!there) return false;
      ++assigned;
    }
  }
  return assigned == extremum.taken().size() && assigned > 0;
}

}  // namespace

bool find_reduced(const Function& f, const Analyses& a, const Candidate& c, size_t param, Carried* out, std::vector<ValueId>* chain) {
  Follow follow(f, a, c, param, true);
  if (!follow.run(out) || out->how != Combine::Function) return false;
  *chain = follow.chain();
  return true;
}

bool find_carried(const Function& f, const Analyses& a, Candidate* c, ValueId* variable, std::string* why) {
  const std::vector<ValueId>& params = f.blocks[c->header].params;
  std::vector<Follow> known;
  std::vector<size_t> rest;
  std::string first_why;
  for (size_t k = 0; k < params.size(); ++k) {
    if (k == c->counter) continue;
    Carried one;
    one.param = k;
    Follow follow(f, a, *c, k);
    if (follow.run(&one)) {
      c->carried.push_back(one);
      known.push_back(std::move(follow));
    } else if (follow.checked()) {                         // as many threads, so many sums: which one overflows depends on them
      return *variable = kNoId, *why = follow.why(), false;
    } else {
      if (rest.empty()) first_why = follow.why();
      rest.push_back(k);
    }
  }
  std::vector<ValueId> moved;                              // by companions
  for (size_t k : rest) {
    bool found = false;
    for (size_t i = 0; i < known.size() && !found; ++i) {
      bool extremum = c->carried[i].how == Combine::Min || c->carried[i].how == Combine::Max;
      std::vector<ValueId> through;
      if (!extremum || !known[i].strict() || is_managed(f.type_of(params[k])) || !follows(f, a, *c, k, known[i], &through)) continue;
      moved.insert(moved.end(), through.begin(), through.end());
      Carried one;
      one.param = k;
      one.how = Combine::With;
      one.with = i;
      c->carried.push_back(one);
      found = true;
    }
    if (!found) return *variable = params[k], *why = first_why, false;
  }
  for (size_t i = 0; i < known.size(); ++i)
    for (ValueId v : known[i].companions())
      if (std::find(moved.begin(), moved.end(), v) == moved.end())
        return *variable = params[c->carried[i].param], *why = "what happens in the loop depends on it", false;
  return true;
}

}  // namespace coluber::ir::parallel
