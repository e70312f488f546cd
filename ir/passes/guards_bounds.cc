// See guards_bounds.h. A bound follows how its value is made: counters go from where they enter to where their loop's condition stops them,
// sums and products of bounds are computed with a test for overflow, so that what is tested is what would have been computed.
#include "ir/passes/guards_bounds.h"

#include <algorithm>

namespace coluber::ir::guards {
namespace {

constexpr int kMaxDepth = 14;

void join(std::vector<ValueId>* to, const std::vector<ValueId>& from) {
  for (ValueId v : from)
    if (std::find(to->begin(), to->end(), v) == to->end()) to->push_back(v);
}

}  // namespace

ValueId LoopBounds::emit(OpCode code, std::vector<ValueId> args, TypeRef type, int64_t imm) {
  Op& made = code_.emplace_back();
  made.code = code;
  made.args = std::move(args);
  made.imm = imm;
  made.results = {f_.add_value(type, kNoId)};
  return made.result();
}

ValueId LoopBounds::constant(Wide k) {
  auto [it, added] = constants_.try_emplace(static_cast<int64_t>(k), kNoId);
  if (added) it->second = emit(OpCode::Const, {}, pyint(), static_cast<int64_t>(k));
  return it->second;
}

// The same bound as one value, which is only right when the sum does not overflow.
MaybeBound LoopBounds::solid(const Bound& b) {
  if (b.k < INT64_MIN || b.k > INT64_MAX) return {};
  Bound r = b;
  r.k = 0;
  if (b.is_const()) r.v = constant(b.k);
  if (b.is_const() || b.k == 0) return r;
  auto [it, added] = sums_.try_emplace({b.v, static_cast<int64_t>(b.k)}, std::pair(kNoId, kNoId));
  if (added) {
    ValueId sum = emit(OpCode::AddOvf, {b.v, constant(b.k)}, pyint()), flag = f_.add_value(pybool(), kNoId);
    code_.back().results.push_back(flag);
    it->second = {sum, flag};
  }
  r.v = it->second.first;
  join(&r.flags, {it->second.second});
  return r;
}

MaybeBound LoopBounds::number(Wide k) {
  if (k < INT64_MIN || k > INT64_MAX) return {};
  Bound b;
  b.k = k;
  return b;
}

// Bounds are computed as pyint.
Bound LoopBounds::plain(ValueId v) {
  Bound b;
  b.v = f_.type_of(v)->is(Kind::PyInt) ? v : emit(OpCode::Cast, {v}, pyint());
  return b;
}

MaybeBound LoopBounds::checked(OpCode code, const Bound& x, const Bound& y) {
  MaybeBound a = solid(x), b = solid(y);
  if (!a || !b) return {};
  Bound r;
  r.v = emit(code, {a->v, b->v}, pyint());
  ValueId flag = f_.add_value(pybool(), kNoId);
  code_.back().results.push_back(flag);
  r.flags = a->flags;
  join(&r.flags, b->flags);
  r.flags.push_back(flag);
  return r;
}

MaybeBound LoopBounds::add(const Bound& x, const Bound& y) {
  if (!x.is_const() && !y.is_const()) return checked(OpCode::AddOvf, x, y);
  Bound r = x.is_const() ? y : x;
  r.k = x.k + y.k;
  join(&r.flags, x.flags);
  join(&r.flags, y.flags);
  return r;
}
MaybeBound LoopBounds::subtract(const Bound& x, const Bound& y) {
  if (!y.is_const() && x.v != y.v) return checked(OpCode::SubOvf, x, y);
  Bound r = x;
  r.k = x.k - y.k;
  if (!y.is_const()) r.v = kNoId;
  join(&r.flags, y.flags);
  return r;
}
MaybeBound LoopBounds::multiply(const Bound& x, const Bound& y) {
  if (x.is_const() && y.is_const()) {
    constexpr Wide kBig = Wide{1} << 63;
    if (x.k > kBig || x.k < -kBig || y.k > kBig || y.k < -kBig) return {};
    MaybeBound r = number(x.k * y.k);
    if (r) join(&r->flags, x.flags), join(&r->flags, y.flags);
    return r;
  }
  if (x.is_const() && x.k == 1) return y;
  if (y.is_const() && y.k == 1) return x;
  if ((x.is_const() && x.k == 0) || (y.is_const() && y.k == 0)) return number(0);
  return checked(OpCode::MulOvf, x, y);
}

MaybeBound LoopBounds::extreme(const Bound& x, const Bound& y, bool upper) {
  MaybeBound r;
  if (x.v == y.v) {
    r = (x.k < y.k) == upper ? y : x;
  } else {
    MaybeBound a = solid(x), b = solid(y);
    if (!a || !b) return {};
    r = a;
    r->v = emit(OpCode::Select, {emit(OpCode::Lt, {a->v, b->v}, pybool()), upper ? b->v : a->v, upper ? a->v : b->v}, pyint());
    join(&r->flags, b->flags);
  }
  join(&r->flags, x.flags);
  join(&r->flags, y.flags);
  return r;
}

// ---- bounds of values -------------------------------------------------------------------------------------------------------------------

MaybeBound LoopBounds::bound(uint32_t node, bool upper, Place at) {
  if (node == Ranges::kZero) return number(0);
  Key key{node, at.block, upper};
  if (auto it = known_.find(key); it != known_.end()) return it->second;
  if (depth_ > kMaxDepth) return {};
  known_[key] = {};                        // asked again on the way: no answer
  ++depth_;
  MaybeBound b = compute(node, upper, at);
  --depth_;
  return known_[key] = b;
}

MaybeBound LoopBounds::compute(uint32_t node, bool upper, Place at) {
  ValueId array;
  int axis;
  if (a_.ranges.shape_of(node, &array, &axis)) {
    if (!invariant(array)) return upper ? by_facts(node, upper, at) : number(0);
    Bound b;
    b.v = emit(OpCode::ArrayShape, {array}, pyint(), axis);
    return b;
  }
  int64_t k;
  if (a_.ranges.constant(node, &k)) return number(k);
  TypeRef t = f_.type_of(node);
  if (!is_integer(t) && !is_bool(t)) return {};
  if (item_size(t) < 8) {
    Ranges::Interval r = a_.ranges.interval(node, at);
    return number(upper ? r.high : r.low);
  }
  if (!is_signed(t)) return {};
  if (invariant(node)) return plain(node);
  if (!upper)
    for (int least : {1, 0})
      if (a_.ranges.at_least(node, least, at)) return number(least);
  MaybeBound b;
  if (const Op* op = a_.ranges.def(node)) b = by_op(*op, upper, at);
  else b = by_counting(node, upper);
  return b ? b : by_facts(node, upper, at);
}

// From a condition that holds there: node <= other + c.
MaybeBound LoopBounds::by_facts(uint32_t node, bool upper, Place at) {
  MaybeBound found;
  a_.ranges.any_fact(node, upper, at, [&](uint32_t other, Wide c) {
    MaybeBound b = bound(other, upper, at), step = number(upper ? c : -c);
    if (b && step) found = add(*b, *step);
    return found.has_value();
  });
  return found;
}

// A parameter of a loop's header that only grows (or only shrinks) is bounded by what it begins with.
MaybeBound LoopBounds::by_counting(ValueId param, bool upper) {
  BlockId header = f_.values[param].block;
  LoopId id = a_.loops.loop_of(header);
  if (id == kNoId || a_.loops.loops()[id].header != header) return {};
  const Loop& loop = a_.loops.loops()[id];
  const std::vector<ValueId>& params = f_.blocks[header].params;
  size_t index = static_cast<size_t>(std::find(params.begin(), params.end(), param) - params.begin());
  for (const Pred& p : loop.latches) {
    ValueId next = edge_of(f_, p).args[index];
    const Op* op = next == param ? nullptr : a_.ranges.def(next);
    if (next == param) continue;
    int64_t k;
    if (!op || (op->code != OpCode::Add && op->code != OpCode::Sub) || op->args[0] != param || !a_.ranges.constant(op->args[1], &k)) return {};
    bool grows = (op->code == OpCode::Add) == (k >= 0);
    Place at{f_.values[next].block, static_cast<uint32_t>(a_.uses.def(next).op)};
    if (grows == upper || (!a_.ranges.never_wraps(*op, at) && !a_.ranges.never_wraps(*op, {p.block, static_cast<uint32_t>(f_.blocks[p.block].ops.size() - 1)})))
      return {};
  }
  if (id == loop_) {
    if (index >= entry_.size()) return {};
    return plain(entry_[index]);
  }
  MaybeBound all;
  for (const Pred& p : loop.entries) {
    Place at{p.block, p.error() ? 0 : static_cast<uint32_t>(f_.blocks[p.block].ops.size() - 1)};
    MaybeBound b = bound(a_.ranges.node(edge_of(f_, p).args[index]), upper, at);
    if (!b) return {};
    all = all ? extreme(*all, *b, upper) : *b;
    if (!all) return {};
  }
  return all;
}

MaybeBound LoopBounds::by_op(const Op& op, bool upper, Place at) {
  auto arg = [&](size_t i, bool side) { return bound(a_.ranges.node(op.args[i]), side, at); };
  int64_t k;
  bool by_number = op.args.size() > 1 && a_.ranges.constant(op.args[1], &k);
  switch (op.code) {
    case OpCode::Add: case OpCode::Sub: return by_arith(op, upper, at);
    case OpCode::Mul: return product(op, upper, at);
    case OpCode::Select: return by_select(op, upper, at);
    case OpCode::Mod: case OpCode::TruncRem: {
      if (!a_.ranges.at_least(op.args[1], 1, at) || (op.code == OpCode::TruncRem && !not_negative(op.args[0], at))) return {};
      if (!upper) return number(0);
      MaybeBound m = arg(1, true);
      return m ? subtract(*m, *number(1)) : m;
    }
    case OpCode::FloorDiv: case OpCode::TruncDiv: case OpCode::Shr: {
      bool shift = op.code == OpCode::Shr;
      if (!by_number || k < (shift ? 0 : 1) || (shift && k > 63)) return {};
      MaybeBound x = arg(0, upper);
      if (x) x = solid(*x);
      if (x) x->v = emit(op.code, {x->v, constant(k)}, pyint());
      return x;
    }
    case OpCode::And:
      if (!by_number || k < 0) return {};
      return upper ? number(k) : number(0);
    case OpCode::IndexCheck: {
      if (!upper) return number(0);
      MaybeBound n = arg(1, true);
      return n ? subtract(*n, *number(1)) : n;
    }
    default: return {};
  }
}

// Where the op may wrap, both of its bounds are computed with tests for overflow: if neither overflows, nothing in between does.
MaybeBound LoopBounds::by_arith(const Op& op, bool upper, Place at) {
  bool sub = op.code == OpCode::Sub;
  auto side = [&](bool up) -> MaybeBound {
    MaybeBound x = bound(a_.ranges.node(op.args[0]), up, at), y = bound(a_.ranges.node(op.args[1]), up != sub, at);
    if (!x || !y) return {};
    return sub ? subtract(*x, *y) : add(*x, *y);
  };
  MaybeBound wanted = side(upper);
  if (!wanted || a_.ranges.never_wraps(op, at)) return wanted;
  MaybeBound other = side(!upper);
  if (other) other = solid(*other);
  wanted = solid(*wanted);
  if (!other || !wanted) return {};
  join(&wanted->flags, other->flags);
  return wanted;
}

MaybeBound LoopBounds::product(const Op& op, bool upper, Place at) {
  uint32_t x = a_.ranges.node(op.args[0]), y = a_.ranges.node(op.args[1]);
  MaybeBound xl = bound(x, false, at), xh = bound(x, true, at), yl = bound(y, false, at), yh = bound(y, true, at);
  if (!xl || !xh || !yl || !yh) return {};
  auto single = [](const Bound& l, const Bound& h) { return l.v == h.v && l.k == h.k; };
  MaybeBound low, high;
  if (not_negative(op.args[0], at) && not_negative(op.args[1], at)) {
    if (!xl->is_const() || xl->k < 0) xl = number(0);
    if (!yl->is_const() || yl->k < 0) yl = number(0);
    low = multiply(*xl, *yl);
    high = multiply(*xh, *yh);
  } else if (single(*yl, *yh) || single(*xl, *xh)) {
    bool by_y = single(*yl, *yh);
    MaybeBound p = by_y ? multiply(*xl, *yl) : multiply(*yl, *xl), q = by_y ? multiply(*xh, *yl) : multiply(*yh, *xl);
    if (!p || !q) return {};
    low = extreme(*p, *q, false);
    high = extreme(*p, *q, true);
  }
  if (low) low = solid(*low);              // both, so that overflow on either side is seen
  if (high) high = solid(*high);
  if (!low || !high) return {};
  MaybeBound r = upper ? high : low;
  join(&r->flags, (upper ? low : high)->flags);
  return r;
}

// A select is often more than the union of its two: x < 0 ? x + n : x stays below n. What it is compared with is tried first.
MaybeBound LoopBounds::by_select(const Op& op, bool upper, Place at) {
  if (upper) {
    for (ValueId from : op.args) {
      const Op* part = a_.ranges.def(from);
      if (!part || part->args.size() != 2 || (part->code != OpCode::Add && part->code != OpCode::Eq && part->code != OpCode::Lt)) continue;
      for (ValueId y : part->args) {
        int64_t k;
        if (f_.type_of(y) != f_.type_of(op.result()) || a_.ranges.constant(y, &k) || !a_.ranges.at_most(op.result(), y, -1, at)) continue;
        MaybeBound b = bound(a_.ranges.node(y), true, at);
        if (b) return add(*b, *number(-1));
      }
    }
  }
  MaybeBound x = bound(a_.ranges.node(op.args[1]), upper, at), y = bound(a_.ranges.node(op.args[2]), upper, at);
  int which = a_.ranges.extreme(op);
  if ((which < 0 && upper) || (which > 0 && !upper)) {      // the smaller of two is below both
    if (x && y) return extreme(*x, *y, !upper);
    return x ? x : y;
  }
  if (!x || !y) return {};
  return extreme(*x, *y, upper);
}

// ---- conditions -------------------------------------------------------------------------------------------------------------------------

int LoopBounds::at_most(const Bound& x, const Bound& y, int c, Condition* out) {
  if (x.v == y.v && x.flags.empty() && y.flags.empty()) return x.k <= y.k + c;
  if (x.v == y.v && x.k > y.k + c) return 0;
  // x.v + delta <= y.v
  Bound left = x, right = y;
  Wide delta = x.k - y.k - c;
  bool less = delta == 1;
  if (y.is_const()) left.k = 0, right.k = -delta;           // x.v <= -delta
  else left.k = less ? 0 : delta, right.k = 0;
  less = less && !y.is_const();
  MaybeBound a = solid(left), b = solid(right);
  if (!a || !b) return 0;
  out->all.push_back(emit(less ? OpCode::Lt : OpCode::Le, {a->v, b->v}, pybool()));
  join(&out->flags, a->flags);
  join(&out->flags, b->flags);
  return -1;
}

bool LoopBounds::ordered(ValueId x, ValueId y, int c, Place at, Condition* out) {
  if (a_.ranges.at_most(x, y, c, at)) return true;
  MaybeBound high = bound(a_.ranges.node(x), true, at), low = bound(a_.ranges.node(y), false, at);
  // Something that varies, of which only a least value is known, will hardly ever be large enough.
  int64_t k;
  if (low && low->is_const() && !a_.ranges.constant(y, &k) && high && !high->is_const()) return false;
  return high && low && at_most(*high, *low, c, out) != 0;
}

bool LoopBounds::index(const Op& check, Place at, bool* wraps, Condition* c) {
  ValueId x = check.args[0], n = check.args[1];
  *wraps = false;
  if (!ordered(x, n, -1, at, c)) return false;
  if (a_.ranges.at_least(x, 0, at)) return true;
  MaybeBound low = bound(a_.ranges.node(x), false, at);
  if (!low) return false;
  if (at_most(*number(0), *low, 0, c) != 0) return true;
  *wraps = true;                           // below 0 somewhere, by a known number
  MaybeBound size = bound(a_.ranges.node(n), false, at), need = number(-low->k);
  return size && need && at_most(*need, *size, 0, c) != 0;
}

// x != k over all turns: above it throughout, or below it.
bool LoopBounds::different(ValueId x, Wide k, Place at, Condition* out) {
  MaybeBound low = bound(a_.ranges.node(x), false, at), high = bound(a_.ranges.node(x), true, at), limit = number(k);
  Condition above, below;
  int up = low ? at_most(*limit, *low, -1, &above) : 0;
  if (up == 1) return true;
  int down = high ? at_most(*high, *limit, -1, &below) : 0;
  if (down == 1) return true;
  if (up == 0 && down == 0) return false;
  if (up == 0 || down == 0) {
    append(out, up == 0 ? below : above);
    return true;
  }
  out->all.push_back(emit(OpCode::Or, {whole(above), whole(below)}, pybool()));
  return true;
}

// A condition as one value.
ValueId LoopBounds::whole(const Condition& c) {
  ValueId all = kNoId;
  auto also = [&](ValueId v) { all = all == kNoId ? v : emit(OpCode::And, {all, v}, pybool()); };
  for (ValueId v : c.all) also(f_.type_of(v) == pybool() ? v : emit(OpCode::Cast, {v}, pybool()));
  ValueId over = kNoId;
  for (ValueId v : c.flags) over = over == kNoId ? v : emit(OpCode::Or, {over, v}, pybool());
  if (over != kNoId) also(emit(OpCode::Not, {over}, pybool()));
  return all;
}

void LoopBounds::append(Condition* to, const Condition& from) {
  join(&to->all, from.all);
  join(&to->flags, from.flags);
}

bool LoopBounds::apart(ValueId x, ValueId y, Place at, Condition* out) {
  int64_t k;
  if (a_.ranges.constant(y, &k)) return different(x, k, at, out);
  if (a_.ranges.constant(x, &k)) return different(y, k, at, out);
  Condition c;
  if (ordered(x, y, -1, at, &c) || (c = {}, ordered(y, x, -1, at, &c))) {
    append(out, c);
    return true;
  }
  return false;
}

bool LoopBounds::guard(ValueId cond, bool truth, Place at, Condition* c, int depth) {
  if (truth ? a_.ranges.proves(cond, at) : a_.ranges.refutes(cond, at)) return true;
  if (depth > 4) return false;
  if (invariant(cond)) {
    c->all.push_back(truth ? cond : emit(OpCode::Not, {cond}, f_.type_of(cond)));
    return true;
  }
  const Op* op = a_.ranges.def(cond);
  if (!op) return false;
  auto all = [&](bool want) {
    for (ValueId v : op->args)
      if (!guard(v, want, at, c, depth + 1)) return false;
    return true;
  };
  switch (op->code) {
    case OpCode::Likely: return guard(op->args[0], truth, at, c, depth + 1);
    case OpCode::Not: return all(!truth);
    case OpCode::And: return truth && all(true);
    case OpCode::Or: return !truth && all(false);
    default: break;
  }
  if (op->code < OpCode::Eq || op->code > OpCode::Ge) return false;
  ValueId x = op->args[0], y = op->args[1];
  TypeRef t = f_.type_of(x);
  bool unequal = (op->code == OpCode::Ne && truth) || (op->code == OpCode::Eq && !truth);
  if (is_float(t)) {
    const Op *a = a_.ranges.def(x), *b = a_.ranges.def(y);
    bool zero = b && b->code == OpCode::Const && b->fimm == 0;
    return unequal && zero && a && a->code == OpCode::Cast && is_integer(f_.type_of(a->args[0])) && different(a->args[0], 0, at, c);
  }
  if (!is_integer(t)) return false;
  switch (op->code) {
    case OpCode::Lt: return truth ? ordered(x, y, -1, at, c) : ordered(y, x, 0, at, c);
    case OpCode::Le: return truth ? ordered(x, y, 0, at, c) : ordered(y, x, -1, at, c);
    case OpCode::Gt: return truth ? ordered(y, x, -1, at, c) : ordered(x, y, 0, at, c);
    case OpCode::Ge: return truth ? ordered(y, x, 0, at, c) : ordered(x, y, -1, at, c);
    default: break;
  }
  return unequal ? apart(x, y, at, c) : ordered(x, y, 0, at, c) && ordered(y, x, 0, at, c);
}

}  // namespace coluber::ir::guards
