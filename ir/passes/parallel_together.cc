// Part of parallel: neighbouring loops of prange that become one.
//
//   for i in prange(n): c[i] = a[i] * 2        one region, and each piece of c is read while it is still near
//   s = 0.0
//   for i in prange(n): s += c[i]
//
// The rounds of one run while others of the next one do, so that
//   - their ranges, schedules and error handlers are the same;
//   - what a round stores, rounds of the other loop use in the same round alone. Arrays of which it is not known are asked at run time whether they share
//     memory: two arguments may be views of one array;
//   - one that raises leaves nothing behind that would not have been there: if one may raise, the other neither raises nor stores. Index checks and tests
//     that hold for all rounds if they hold for the first and the last (guards_bounds) are asked for in front;
//   - between them is nothing but what can be computed in front of the first, or, if the next one does not need it, behind the last.
// Where the answer is no, they run one after the other, as written: functions of their own, which are not worth vector forms.
#include <algorithm>
#include <memory>
#include <unordered_set>

#include "ir/passes/guards_bounds.h"
#include "ir/passes/parallel_accesses.h"

namespace coluber::ir::parallel {
namespace {

constexpr size_t kMostBlocks = 8;          // between two loops
constexpr size_t kMostLoops = 6, kMostApart = 16, kMostConditions = 24;

// Which parameter of its header begins with a mark of prange?
bool find_mark(const Function& f, const Analyses& a, const Loop& loop, size_t* counter) {
  if (loop.entries.size() != 1 || loop.entries[0].error()) return false;
  const std::vector<ValueId>& args = edge_of(f, loop.entries[0]).args;
  for (size_t k = 0; k < args.size(); ++k)
    if (const Op* mark = a.uses.def_op(f, args[k]); mark && mark->code == OpCode::ParLoop) return *counter = k, mark->imm != kWorth;
  return false;
}

bool is_movable(const Op& op) { return (op.has(Pure) && op.code != OpCode::ParLoop) || op.code == OpCode::Alloc; }

// What the loop and its entry use from outside.
std::vector<ValueId> used_from_outside(const Function& f, const Candidate& c) {
  std::vector<ValueId> used;
  auto use = [&](ValueId v) {
    if (!c.contains(f.values[v].block)) used.push_back(v);
  };
  for (BlockId b : c.blocks) {
    for (const Op& op : f.blocks[b].ops)
      if (b != c.header || !op.has(Term)) for_each_use(op, use);
    for (ValueId v : f.blocks[b].on_error.args) use(v);
  }
  const Op& exit = f.blocks[c.header].term();
  for (ValueId v : exit.args) use(v);
  for (ValueId v : exit.targets[0].args) use(v);
  const std::vector<ValueId>& begin = edge_of(f, c.entry).args;
  for (size_t k = 0; k < begin.size(); ++k) used.push_back(k == c.counter ? c.start : begin[k]);
  return used;
}

class Join {
 public:
  Join(Function& f, const Analyses& a, fuse::Summary& summary, const Candidate& next, const std::vector<BlockId>& between, Together* t)
      : f_(f), a_(a), summary_(summary), arrays_(f, summary), first_(t->loops[0]), next_(next), between_(between), t_(*t) {}

  bool run(std::string* why) {
    made_.loops = t_.loops;
    made_.loops.push_back(next_);
    bool ok = same_form() && stands_free() && collect() && ask() && memory() && raises();
    if (!ok) return *why = why_, false;
    t_.loops = std::move(made_.loops);
    t_.independent = std::none_of(t_.loops.begin(), t_.loops.end(), [](const Candidate& c) { return c.raises; });
    t_.code.insert(t_.code.end(), std::make_move_iterator(made_.code.begin()), std::make_move_iterator(made_.code.end()));
    t_.conditions.insert(t_.conditions.end(), made_.conditions.begin(), made_.conditions.end());
    t_.apart.insert(t_.apart.end(), made_.apart.begin(), made_.apart.end());
    return true;
  }

 private:
  bool fail(const char* why) { return why_ = why, false; }

  // Is it there when the first loop begins?
  bool available(ValueId v) const {
    BlockId b = f_.values[v].block;
    return b != first_.header && a_.dom.dominates(b, first_.header);
  }

  const Op* constant(ValueId v) const {
    const Op* op = a_.uses.def_op(f_, v);
    return op && op->code == OpCode::Const ? op : nullptr;
  }
  bool equal(ValueId x, ValueId y) const {
    const Op *a = constant(x), *b = constant(y);
    return x == y || (a && b && a->imm == b->imm);
  }

  bool same_form() {
    if (t_.loops.size() >= kMostLoops) return fail("there are many in one already");
    if ((first_.mark->imm | next_.mark->imm) & kChecked) return fail("their rounds are checked for races");
    for (const Candidate* c : {static_cast<const Candidate*>(&t_.loops.back()), &next_})
      if (!c->nest.empty()) return fail("one of them is several loops in one (collapse)");
      else if (!c->arrays.empty()) return fail("threads have arrays of their own in one of them");
    if (first_.mark->imm != next_.mark->imm || !equal(first_.mark->args[1], next_.mark->args[1])) return fail("their schedules differ");
    if (!equal(first_.mark->args[2], next_.mark->args[2])) return fail("their numbers of threads differ");
    if (first_.on_error.block != next_.on_error.block || first_.on_error.args != next_.on_error.args)
      return fail("their exceptions are handled at different places");
    return same_bound(first_.start, next_.start) && same_bound(first_.stop, next_.stop);
  }

  bool same_bound(ValueId x, ValueId y) {
    if (equal(x, y)) return true;
    if (constant(x) && constant(y)) return fail("their ranges differ");
    ranges_.emplace_back(x, y);
    return true;
  }

  bool stands_free() {
    for (BlockId b : between_)
      for (const Op& op : f_.blocks[b].ops)
        if (!op.has(Pure) && !op.has(Term)) return fail("what stands between them comes first");
    for (ValueId v : used_from_outside(f_, next_))
      if (!available(v)) return fail("it uses what is computed of the results of the one in front");
    return true;
  }

  // ---- what rounds do

  struct Rounds {
    Candidate* loop;
    Accesses accesses;
    Findings findings;
    std::vector<Place> checks;             // what may raise, but can be asked
    bool stores = false;
    Rounds(const Function& f, const Analyses& a, Candidate& c, fuse::Summary& summary) : loop(&c), accesses(f, a, c, summary, &findings) {}
  };

  bool collect() {
    for (Candidate& c : made_.loops) {
      Rounds& r = *rounds_.emplace_back(std::make_unique<Rounds>(f_, a_, c, summary_));
      r.accesses.collect();
      if (!r.findings.unproved.empty() || r.findings.race_loc != kNoId) return fail("it is not known whether their own rounds collide");
      for (BlockId b : c.blocks)
        for (uint32_t i = 0; i < f_.blocks[b].ops.size(); ++i)
          if (!look(&r, f_.blocks[b].ops[i], {b, i})) return false;
      for (const Access& s : r.accesses.stores()) r.stores |= s.root != kNoId;
    }
    return true;
  }

  bool look(Rounds* r, const Op& op, Place at) {
    switch (op.code) {
      case OpCode::IndexCheck: case OpCode::Guard: r->checks.push_back(at); return true;
      // No memory, and Ctrl-C, may come at any time.
      case OpCode::ArrayLoad: case OpCode::ListLoad: case OpCode::ListLen: case OpCode::ArrayStore: case OpCode::Alloc: case OpCode::Poll: return true;
      case OpCode::Load: case OpCode::Store: case OpCode::MemZero:
        if (r->accesses.of_pointer(op.args[0]).root != kNoId) return fail("their memory is used through pointers");
        return true;
      case OpCode::ArrayAssign: return r->loop->raises = true;
      case OpCode::Elementwise: case OpCode::Call: case OpCode::Reduce: {
        fuse::Effects e = summary_.of(op.sym);
        if (e.arrays || e.other) return fail("what is called in them may have other effects");
        r->loop->raises |= op.code == OpCode::Elementwise || e.raises;      // of the shapes
        return true;
      }
      default:
        if (op.has(Writes)) return fail("their rounds have other effects than stores to arrays");
        r->loop->raises |= op.has(Raises);
        return true;
    }
  }

  // ---- memory

  bool memory() {
    const Rounds& next = *rounds_.back();
    auto pairs = [&](const Rounds& x, const Rounds& y, const std::vector<Access>& others) {
      for (const Access& s : x.accesses.stores())
        for (const Access& o : others)
          if (!meets_in_round(x, s, y, o)) return false;
      return true;
    };
    for (size_t k = 0; k + 1 < rounds_.size(); ++k) {
      const Rounds& front = *rounds_[k];
      if (!pairs(front, next, next.accesses.reads()) || !pairs(front, next, next.accesses.stores())) return false;
      if (!pairs(next, front, front.accesses.reads())) return false;
    }
    if (t_.loops.size() == 1) pairs_within(*rounds_.front());
    pairs_within(next);
    return made_.apart.size() + t_.apart.size() <= kMostApart || fail("they use many arrays that may share memory");
  }

  // Rounds of one loop are taken not to collide; of arrays that are apart it is known, which saves the backend tests of its own.
  void pairs_within(const Rounds& r) {
    for (const Access& s : r.accesses.stores())
      for (const auto* others : {&r.accesses.reads(), &r.accesses.stores()})
        for (const Access& o : *others)
          if (s.root != o.root) meets_in_round(r, s, r, o);
  }

  // A store and what another loop uses: is it the same memory in the same round only?
  bool meets_in_round(const Rounds& x, const Access& s, const Rounds& y, const Access& o) {
    if (s.root == kNoId || o.root == kNoId) return true;
    if (s.root != o.root) {
      if (f_.type_of(s.root)->is(Kind::List) != f_.type_of(o.root)->is(Kind::List)) return true;
      if (!f_.type_of(s.root)->is(Kind::Array) || !f_.type_of(o.root)->is(Kind::Array)) return fail("their memory is used through pointers");
      if (!available(s.root) || !available(o.root)) return fail("it uses what is computed of the results of the one in front");
      if (arrays_.disjoint(arrays_.root(s.root), arrays_.root(o.root)) || lie_apart(f_, a_, s.root, o.root)) return true;
      note_apart(std::min(s.root, o.root), std::max(s.root, o.root), same_item(x, s, y, o));
      return true;
    }
    if (same_row(x, s, y, o) || same_item(x, s, y, o)) return true;
    why_ = "its rounds use parts of " + y.accesses.name(o) + " that other rounds of the one in front store to";
    if (y.loop < x.loop) why_ = "its rounds store to parts of " + x.accesses.name(s) + " that other rounds of the one in front use";
    return false;
  }

  // same: if they are one array, they meet in the same round only.
  void note_apart(ValueId x, ValueId y, bool same) {
    for (auto* list : {&made_.apart, &t_.apart})
      for (Together::Pair& pair : *list)
        if (pair.x == x && pair.y == y) return void(pair.may_be_one &= same);
    made_.apart.push_back({x, y, same});
  }

  bool same_item(const Rounds& x, const Access& s, const Rounds& y, const Access& o) const {
    if (s.perhaps || o.perhaps || s.view != Varies::Never || o.view != Varies::Never || s.array != s.root || o.array != o.root) return false;
    if (s.indices.size() != o.indices.size()) return false;
    ValueId i = counter(*x.loop), j = counter(*y.loop);
    for (size_t k = 0; k < s.indices.size(); ++k) {
      if (s.root != o.root && k > 0 && f_.type_of(s.root)->ndim != f_.type_of(o.root)->ndim) return false;
      Sum p = x.accesses.sum(s.indices[k], 0), q = y.accesses.sum(o.indices[k], 0);
      int64_t by = take(&p, i), with = take(&q, j);
      auto fixed = [&](const std::pair<const ValueId, int64_t>& term) { return available(term.first); };
      if (by != with || p.terms != q.terms || !std::all_of(p.terms.begin(), p.terms.end(), fixed)) continue;
      if (by != 0 && p.constant == q.constant) return true;
      bool never = by == 0 ? p.constant != q.constant : (p.constant - q.constant) % by != 0;
      if (never && !x.loop->raises && !y.loop->raises) return true;            // unless negative indices count from the end: then checks stay
    }
    return false;
  }
  static int64_t take(Sum* s, ValueId v) {
    auto at = s->terms.find(v);
    int64_t n = at == s->terms.end() ? 0 : at->second;
    if (n) s->terms.erase(at);
    return n;
  }

  // Both stay within the row, column, ... that is the round's own.
  bool same_row(const Rounds& x, const Access& s, const Rounds& y, const Access& o) const {
    auto row = [](const Access& r) { return r.whole_axis && r.view == Varies::Injective; };
    if (row(s) && row(o)) return alike(x, s.part, y, o.part, 0);
    return row(s) ? in_row(x, s, y, o) : row(o) && in_row(y, o, x, s);
  }
  bool in_row(const Rounds& x, const Access& row, const Rounds& y, const Access& item) const {
    const Op* part = x.accesses.def(row.part);
    if (!part || part->code != OpCode::Mul || item.array != row.root || item.view != Varies::Never || item.perhaps) return false;
    for (size_t k : {0u, 1u}) {
      const Op* stride = x.accesses.def(part->args[1 - k]);
      if (!stride || stride->code != OpCode::ArrayStride || stride->args[0] != row.root) continue;
      size_t axis = static_cast<size_t>(stride->imm);
      if (axis < item.indices.size() && alike(x, part->args[k], y, item.indices[axis], 0)) return true;
    }
    return false;
  }

  ValueId counter(const Candidate& c) const { return f_.blocks[c.header].params[c.counter]; }

  // The same value in the same round of the two loops.
  bool alike(const Rounds& x, ValueId v, const Rounds& y, ValueId w, int depth) const {
    if (v == kNoId || w == kNoId || depth > 12) return false;
    if (v == counter(*x.loop) && w == counter(*y.loop)) return true;
    if (v == w) return available(v);
    const Op *p = x.accesses.def(v), *q = y.accesses.def(w);
    if (p && p->code == OpCode::IndexCheck) return alike(x, p->args[0], y, w, depth + 1);
    if (q && q->code == OpCode::IndexCheck) return alike(x, v, y, q->args[0], depth + 1);
    if (!p || !q || p->code != q->code || p->args.size() != q->args.size() || p->imm != q->imm || !p->has(Pure)) return false;
    if (p->sym != q->sym || p->fimm != q->fimm || p->ints != q->ints) return false;
    for (size_t k = 0; k < p->args.size(); ++k)
      if (!alike(x, p->args[k], y, q->args[k], depth + 1)) return false;
    return true;
  }

  // ---- what is asked

  bool ask() {
    bool checks = std::any_of(rounds_.begin(), rounds_.end(), [](const auto& r) { return !r->checks.empty(); });
    if (ranges_.empty() && !checks) return true;
    guards::Analyses ga(f_);
    Place front{first_.header, 0};
    for (auto [x, y] : ranges_) {
      if (ga.ranges.at_most(x, y, -1, front) || ga.ranges.at_most(y, x, -1, front)) return fail("their ranges differ");
      if (ga.ranges.node(x) != ga.ranges.node(y) && !(ga.ranges.at_most(x, y, 0, front) && ga.ranges.at_most(y, x, 0, front)))
        return fail("their ranges are not known to be equal");
    }
    size_t known = t_.loops.size() > 1 ? t_.loops.size() : 0;      // they were asked about when they became one
    for (size_t k = known; k < rounds_.size(); ++k) ask(ga, rounds_[k].get());
    return made_.conditions.size() <= kMostConditions || fail("there is much to ask in front of them");
  }

  // Checks of which nothing can be asked may raise.
  void ask(guards::Analyses& ga, Rounds* r) {
    std::vector<ValueId> entry = edge_of(f_, r->loop->entry).args;
    entry[r->loop->counter] = r->loop->start;
    guards::LoopBounds bounds(f_, ga, ga.loops.loop_of(r->loop->header), entry);
    guards::Condition all;
    // What is known where a round begins asks for less than what other checks have told by then.
    const Place first{f_.blocks[r->loop->header].term().targets[0].block, 0};
    for (Place at : r->checks) {
      guards::Condition c;
      if (!told(bounds, first, at, &c) && (c = {}, !told(bounds, at, at, &c))) {
        r->loop->raises = true;
        continue;
      }
      guards::LoopBounds::append(&all, c);
      r->loop->answered.push_back({at.block, at.op});
    }
    ValueId whole = bounds.whole(all);
    if (whole == kNoId) return;
    if (take_code(bounds.take_code(), whole)) return made_.conditions.push_back(whole);
    r->loop->raises = true;
    r->loop->answered.clear();
  }

  // By what is known at a place.
  bool told(guards::LoopBounds& bounds, Place known, Place at, guards::Condition* c) const {
    const Op& op = f_.blocks[at.block].ops[at.op];
    bool there = known.block == at.block && known.op == at.op;
    auto before = [&](ValueId v) { return f_.values[v].block != known.block && a_.dom.dominates(f_.values[v].block, known.block); };
    if (!there && !std::all_of(op.args.begin(), op.args.end(), before)) return false;
    bool wraps = false;
    return op.code == OpCode::Guard ? bounds.guard(op.args[0], true, known, c) : bounds.index(op, known, &wraps, c) && !wraps;
  }

  // What one raises keeps the others from what they would have done, or would not.
  bool raises() {
    for (const auto& x : rounds_)
      for (const auto& y : rounds_) {
        if (x == y || !x->loop->raises) continue;
        if (y->loop->raises) return fail("both may raise");
        if (y->stores) return fail(x->loop < y->loop ? "the one in front may raise" : "its rounds may raise");
        if (x->loop > y->loop && first_.on_error.valid()) return fail("its rounds may raise");
      }
    return true;
  }

  // What `wanted` is computed of. False: it takes what is not there in front of the loops.
  bool take_code(std::vector<Op> code, ValueId wanted) {
    std::unordered_set<ValueId> needed{wanted};
    std::vector<Op> taken;
    for (size_t k = code.size(); k-- > 0;) {
      if (std::none_of(code[k].results.begin(), code[k].results.end(), [&](ValueId v) { return needed.count(v); })) continue;
      for (ValueId v : code[k].args) {
        if (f_.values[v].block != kNoId && !available(v)) return false;
        needed.insert(v);
      }
      taken.push_back(std::move(code[k]));
    }
    made_.code.insert(made_.code.end(), std::make_move_iterator(taken.rbegin()), std::make_move_iterator(taken.rend()));
    return f_.values[wanted].block == kNoId || available(wanted);
  }

  Function& f_;
  const Analyses& a_;
  fuse::Summary& summary_;
  const fuse::Arrays arrays_;
  const Candidate &first_, &next_;
  const std::vector<BlockId>& between_;
  Together& t_;
  Together made_;
  std::vector<std::pair<ValueId, ValueId>> ranges_;        // bounds that have to be known to be equal
  std::vector<std::unique_ptr<Rounds>> rounds_;
  std::string why_;
};

}  // namespace

bool find_next(const Function& f, const Analyses& a, LoopId loop, Next* out) {
  const Loop& front = a.loops.loops()[loop];
  const Op& exit = f.blocks[front.header].term();
  if (exit.code != OpCode::Branch) return false;
  BlockId at = exit.targets[1].block;
  for (size_t k = 0; k < kMostBlocks; ++k) {
    LoopId inside = a.loops.loop_of(at);
    if (inside != front.parent || a.cfg.preds(at).size() != 1 || f.blocks[at].term().code != OpCode::Jump) return false;
    out->between.push_back(at);
    at = f.blocks[at].term().targets[0].block;
    LoopId next = a.loops.loop_of(at);
    if (next == kNoId || a.loops.loops()[next].header != at || a.loops.loops()[next].parent != front.parent) continue;
    out->loop = next;
    return find_mark(f, a, a.loops.loops()[next], &out->counter);
  }
  return false;
}

bool bring_forward(Function& f, const Analyses& a, LoopId first, const std::vector<BlockId>& between, const Next& last) {
  const Loop& loop = a.loops.loops()[first];
  Candidate c;
  if (loop.entries.size() != 1 || loop.entries[0].error() || !is_counted(f, a, last.loop, last.counter, &c) || !find_region(f, a, &c)) return false;
  BlockId front = loop.entries[0].block;
  auto there = [&](ValueId v) { return f.values[v].block != loop.header && a.dom.dominates(f.values[v].block, loop.header); };
  std::unordered_set<ValueId> needed, moved;
  for (ValueId v : used_from_outside(f, c)) needed.insert(v);
  for (size_t k = between.size(); k-- > 0;)
    for (size_t i = f.blocks[between[k]].ops.size(); i-- > 0;) {
      const Op& op = f.blocks[between[k]].ops[i];
      if (std::any_of(op.results.begin(), op.results.end(), [&](ValueId v) { return needed.count(v); })) needed.insert(op.args.begin(), op.args.end());
    }
  bool waits = false;                      // an allocation, for what may raise in front of it
  for (BlockId b : between) {
    const Edge &here = f.blocks[b].on_error, &before = f.blocks[front].on_error;
    bool same_handler = here.block == before.block && here.args == before.args;
    std::vector<Op> stay;
    for (Op& op : f.blocks[b].ops) {
      bool moves = is_movable(op) && (op.has(Pure) || (same_handler && !waits));
      moves = moves && std::any_of(op.results.begin(), op.results.end(), [&](ValueId v) { return needed.count(v); });
      for (ValueId v : op.args) moves = moves && (there(v) || moved.count(v));
      if (!moves) {
        waits |= !op.has(Pure);
        stay.push_back(std::move(op));
        continue;
      }
      for (ValueId v : op.results) f.values[v].block = front, moved.insert(v);
      f.blocks[front].ops.insert(f.blocks[front].ops.end() - 1, std::move(op));
    }
    f.blocks[b].ops = std::move(stay);
  }
  return !moved.empty();
}

bool join(Function& f, const Analyses& a, fuse::Summary& summary, const Candidate& next, const std::vector<BlockId>& between, Together* t, std::string* why) {
  return Join(f, a, summary, next, between, t).run(why);
}

}  // namespace coluber::ir::parallel
