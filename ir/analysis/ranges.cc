// See ranges.h. Two things need care. The same name stands for a new value on each turn of a loop: what is known of x and y together is only
// carried over a block parameter when the other one was defined before the block. And an induction over a loop may use what it is about to
// prove for the turn before, never more than that: see prove_param.
#include "ir/analysis/ranges.h"

#include <algorithm>

#include "ir/passes/fold.h"

namespace coluber::ir {
namespace {

constexpr int kBudget = 120;               // steps per question
constexpr Wide kMin = INT64_MIN, kMax = INT64_MAX;
constexpr uint32_t kZeroNode = kNoId;

bool is_int(TypeRef t) { return is_integer(t) || is_bool(t); }

}  // namespace

Ranges::Ranges(const Function& f, const Cfg& cfg, const DomTree& dom, const DefUse& uses, bool trust_guards)
    : f_(f), cfg_(cfg), dom_(dom), defs_(f.values.size()), param_index_(f.values.size(), 0), node_(f.values.size(), kNoId - 1),
      upper_(f.values.size(), kNoId), lower_(f.values.size(), kNoId) {
  for (ValueId v = 0; v < uses.values(); ++v) defs_[v] = uses.def_op(f, v);
  for (const Block& b : f.blocks)
    for (uint32_t i = 0; i < b.params.size(); ++i) param_index_[b.params[i]] = i;
  collect(trust_guards);
}

bool Ranges::constant(ValueId v, int64_t* value) const {
  const Op* op = def(v);
  if (!op || op->code != OpCode::Const || !is_int(f_.type_of(v))) return false;
  *value = op->imm;
  return true;
}

Wide Ranges::fold(uint32_t* node) const {
  int64_t k;
  if (*node == kZeroNode || !is_value(*node) || !constant(*node, &k)) return 0;
  *node = kZeroNode;
  return k;
}

// ---- conditions ---------------------------------------------------------------------------------------------------------------------

void Ranges::collect(bool trust_guards) {
  for (BlockId b : cfg_.rpo()) {
    const Block& block = f_.blocks[b];
    for (uint32_t i = 0; i < block.ops.size(); ++i) {
      const Op& op = block.ops[i];
      if (op.code == OpCode::Guard && trust_guards) learn(op.args[0], true, b, i);
      if (op.code == OpCode::IndexCheck) learning_ = kNoId, add_fact(op.args[0], op.args[1], -1, b, i);
    }
    const Op& term = block.term();
    if (term.code != OpCode::Branch || term.targets[0].block == term.targets[1].block) continue;
    for (size_t k = 0; k < 2; ++k) {
      // An edge that is the only way to its block, but for those round a loop, says the same throughout what the block dominates.
      BlockId to = term.targets[k].block;
      size_t ways = 0;
      for (const Pred& p : cfg_.preds(to)) ways += !dom_.dominates(to, p.block);
      if (ways == 1 && !dom_.dominates(to, b)) learn(term.args[0], k == 0, to, Position::kHead);
    }
  }
}

void Ranges::learn(ValueId cond, bool truth, BlockId block, uint32_t op, int depth) {
  if (depth == 0) start();                 // for what != says
  if (depth == 0) learning_ = truth ? cond : kNoId;
  const Op* c = def(cond);
  if (!c || depth > 4) return;
  auto both = [&](bool negate) {
    for (ValueId v : c->args) learn(v, truth != negate, block, op, depth + 1);
  };
  switch (c->code) {
    case OpCode::Likely: return both(false);
    case OpCode::Not: return both(true);
    case OpCode::And: return truth ? both(false) : void();
    case OpCode::Or: return truth ? void() : both(false);
    default: break;
  }
  if (c->args.size() != 2 || !is_int(f_.type_of(c->args[0]))) return;
  ValueId a = c->args[0], b = c->args[1];
  auto le = [&](ValueId x, ValueId y, int k) { add_fact(x, y, k, block, op); };
  switch (c->code) {
    case OpCode::Lt: return truth ? le(a, b, -1) : le(b, a, 0);
    case OpCode::Le: return truth ? le(a, b, 0) : le(b, a, -1);
    case OpCode::Gt: return truth ? le(b, a, -1) : le(a, b, 0);
    case OpCode::Ge: return truth ? le(b, a, 0) : le(a, b, -1);
    case OpCode::Eq: case OpCode::Ne:
      if ((c->code == OpCode::Eq) == truth) {
        le(a, b, 0);
        le(b, a, 0);
        return;
      }
      // Not equal to the end of its range: beyond it.
      for (int k = 0; k < 2; ++k, std::swap(a, b)) {
        int64_t limit;
        if (!constant(b, &limit)) continue;
        Interval r = interval(a, {block, op == Position::kHead ? 0 : op}, 3);
        if (r.low == limit) le(b, a, -1);
        if (r.high == limit) le(a, b, -1);
        return;
      }
      if (prove(node(a), node(b), 0, {block, op == Position::kHead ? 0 : op})) le(a, b, -1);
      if (prove(node(b), node(a), 0, {block, op == Position::kHead ? 0 : op})) le(b, a, -1);
      return;
    default: return;
  }
}

// Does what is being learned say that v, a flag, is false?
bool Ranges::denied(ValueId v, ValueId by, int depth) const {
  const Op* op = def(by);
  if (!op || depth > 8) return false;
  if (op->code == OpCode::Not) return op->args[0] == v;
  bool all = op->code == OpCode::And || op->code == OpCode::Likely;
  return all && std::any_of(op->args.begin(), op->args.end(), [&](ValueId x) { return denied(v, x, depth + 1); });
}

// Of x + k, whose overflow is denied beside: x and k.
Wide Ranges::take_step(ValueId* v) const {
  const Op* op = def(*v);
  int64_t k;
  bool sum = op && (op->code == OpCode::AddOvf || op->code == OpCode::SubOvf) && *v == op->results[0];
  if (!sum || learning_ == kNoId || !constant(op->args[1], &k) || !denied(op->results[1], learning_)) return 0;
  *v = op->args[0];
  return op->code == OpCode::AddOvf ? Wide{k} : -Wide{k};
}

void Ranges::add_fact(ValueId x, ValueId y, Wide c, BlockId block, uint32_t op) {
  c -= take_step(&x);
  c += take_step(&y);
  uint32_t a = node(x), b = node(y);
  c -= fold(&a);
  c += fold(&b);
  if (a == b) return;
  uint32_t id = static_cast<uint32_t>(facts_.size());
  facts_.push_back({a, b, c, block, op, kNoId, kNoId, assumed_ ? static_cast<int>(active_.size()) : -1});
  if (a != kZeroNode) facts_[id].next_a = upper_[slot(a)], upper_[slot(a)] = id;
  if (b != kZeroNode) facts_[id].next_b = lower_[slot(b)], lower_[slot(b)] = id;
}

bool Ranges::holds(const Fact& fact, Place at) const {
  if (fact.level >= 0 && fact.level != static_cast<int>(active_.size())) return false;   // assumed of another turn of a loop
  if (fact.op == Position::kHead) return dom_.dominates(fact.block, at.block);
  if (fact.block == at.block) return fact.op < at.op;
  return dom_.dominates_node(dom_.tail(fact.block), dom_.head(at.block));
}

// ---- sizes of arrays ------------------------------------------------------------------------------------------------------------------

uint32_t Ranges::node(ValueId v) {
  if (v == kNoId) return kZeroNode;
  if (v >= node_.size()) return v;
  if (node_[v] != kNoId - 1) return node_[v];
  node_[v] = v;                            // what is asked again in a cycle
  const Op* op = defs_[v];
  if (op && op->code == OpCode::ArrayShape) return node_[v] = shape_node(op->args[0], static_cast<int>(op->imm));
  if (op && op->code == OpCode::ParLoop) return node_[v] = node(op->args[0]);
  if (op && op->code == OpCode::Cast) {
    TypeRef from = f_.type_of(op->args[0]), to = f_.type_of(v);
    bool whole = is_int(from) && is_integer(to) &&
                 (is_signed(from) == is_signed(to) ? item_size(from) <= item_size(to) : is_signed(to) && item_size(from) < item_size(to));
    if (whole) return node_[v] = node(op->args[0]);
  }
  return v;
}

uint32_t Ranges::new_node(ValueId array, int axis) {
  shapes_.push_back({array, axis});
  upper_.push_back(kNoId);
  lower_.push_back(kNoId);
  return kShapes + static_cast<uint32_t>(shapes_.size() - 1);
}

uint32_t Ranges::shape_node(ValueId array, int axis) {
  uint64_t key = uint64_t{array} << 8 | static_cast<uint64_t>(axis);
  auto [it, added] = shape_nodes_.try_emplace(key, kNoId);
  if (!added && it->second != kNoId) return it->second;
  if (added) {
    const Op* op = defs_[array];
    uint32_t n = kNoId;
    if (op && op->code == OpCode::ArrayMake) n = node(op->args[static_cast<size_t>(2 + axis)]);
    else if (op && op->code == OpCode::ArrayAs) n = shape_node(op->args[0], axis);
    else if (!op && f_.values[array].block != 0) n = merged_shape(array, axis);
    if (n == kNoId) n = new_node(array, axis);
    shape_nodes_[key] = n;
    return n;
  }
  return shape_nodes_[key] = new_node(array, axis);         // in a cycle of views
}

// Arrays that go round loops (cur, nxt = nxt, cur) keep their size when all that come in have the same one.
uint32_t Ranges::merged_shape(ValueId param, int axis) {
  std::vector<ValueId> params{param};
  uint32_t all = kNoId;
  for (size_t k = 0; k < params.size(); ++k) {
    if (params.size() > 32) return kNoId;
    BlockId b = f_.values[params[k]].block;
    for (const Pred& p : cfg_.preds(b)) {
      ValueId in = edge_of(f_, p).args[param_index_[params[k]]];
      while (defs_[in] && defs_[in]->code == OpCode::ArrayAs) in = defs_[in]->args[0];
      if (!defs_[in] && f_.values[in].block != 0) {
        if (std::find(params.begin(), params.end(), in) == params.end()) params.push_back(in);
        continue;
      }
      uint32_t n = shape_node(in, axis);
      if (all != kNoId && all != n) {
        int64_t x, y;
        if (!is_value(all) || !is_value(n) || !constant(all, &x) || !constant(n, &y) || x != y) return kNoId;
      }
      all = n;
    }
  }
  int64_t k;
  if (all == kNoId || (is_value(all) && constant(all, &k))) return all;
  for (ValueId v : params)
    if (!defined_before(all, f_.values[v].block)) return kNoId;
  return all;
}

bool Ranges::defined_before(uint32_t n, BlockId b) const {
  if (n == kZeroNode) return true;
  ValueId v = is_shape(n) ? shapes_[n - kShapes].array : n;
  if (!is_value(v)) return false;
  BlockId at = f_.values[v].block;
  return at != b && dom_.available(at, defs_[v] == nullptr, b);
}

// ---- numbers ----------------------------------------------------------------------------------------------------------------------------

Ranges::Interval Ranges::type_range(uint32_t n) const {
  if (n == kZeroNode) return {0, 0};
  if (is_shape(n)) return {0, kMax};
  TypeRef t = f_.type_of(n);
  if (is_bool(t)) return {0, 1};
  if (!is_integer(t)) return {kMin, kMax};
  int bits = item_size(t) * 8;
  if (!is_signed(t)) return {0, (Wide{1} << bits) - 1};
  return {-(Wide{1} << (bits - 1)), (Wide{1} << (bits - 1)) - 1};
}

Ranges::Interval Ranges::interval(ValueId v, Place at) {
  start();
  return interval(v, at, 4);
}

Ranges::Interval Ranges::interval(ValueId v, Place at, int depth) {
  uint32_t n = node(v);
  Wide k = fold(&n);
  if (n == kZeroNode) return {k, k};
  Interval r = type_range(n);
  if (depth == 0) return r;
  auto meet = [&](Wide low, Wide high) {
    r.low = std::max(r.low, low);
    r.high = std::min(r.high, high);
  };
  int less = depth > 2 ? depth - 2 : 0;
  any_fact(n, true, at, [&](uint32_t other, Wide c) { meet(r.low, interval(other, at, less).high + c); return false; });
  any_fact(n, false, at, [&](uint32_t other, Wide c) { meet(interval(other, at, less).low - c, r.high); return false; });
  const Op* op = def_of(n);
  if (!op) {
    if (is_param(n) && r.low < 0 && prove(kZeroNode, n, 0, at)) r.low = 0;
    return r;
  }
  Interval range = type_range(n);
  auto arg = [&](size_t i) { return interval(op->args[i], at, depth - 1); };
  auto exact = [&](Wide low, Wide high) {                   // of an op that wraps
    if (low >= range.low && high <= range.high) meet(low, high);
  };
  switch (op->code) {
    case OpCode::Add: { Interval a = arg(0), b = arg(1); exact(a.low + b.low, a.high + b.high); break; }
    case OpCode::Sub: { Interval a = arg(0), b = arg(1); exact(a.low - b.high, a.high - b.low); break; }
    case OpCode::Mul: {
      Interval a = arg(0), b = arg(1);
      constexpr Wide kBig = Wide{1} << 62;
      if (a.low < -kBig || a.high > kBig || b.low < -kBig || b.high > kBig) break;
      Wide p[] = {a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high};
      exact(*std::min_element(p, p + 4), *std::max_element(p, p + 4));
      if (op->args[0] == op->args[1] && p[0] <= kMax && p[3] <= kMax) meet(0, r.high);
      break;
    }
    case OpCode::Select: { Interval a = arg(1), b = arg(2); meet(std::min(a.low, b.low), std::max(a.high, b.high)); break; }
    case OpCode::Mod: { Interval b = arg(1); if (b.low >= 1) meet(0, b.high - 1); break; }
    case OpCode::And: {
      Interval a = arg(0), b = arg(1);
      if (a.low >= 0) meet(0, a.high);
      if (b.low >= 0) meet(0, b.high);
      break;
    }
    case OpCode::FloorDiv: case OpCode::TruncDiv: case OpCode::Shr: case OpCode::TruncRem: {
      Interval a = arg(0), b = arg(1);
      if (a.low < 0 || b.low < (op->code == OpCode::Shr ? 0 : 1)) break;
      meet(0, op->code == OpCode::TruncRem ? std::min(a.high, b.high - 1) : op->code == OpCode::Shr ? a.high : a.high / b.low);
      break;
    }
    case OpCode::IndexCheck: meet(0, arg(1).high - 1); break;
    case OpCode::ListLen: meet(0, kMax); break;
    default: break;
  }
  return r;
}

// ---- differences ------------------------------------------------------------------------------------------------------------------------

void Ranges::start() {
  budget_ = kBudget;
  active_.clear();
  path_.clear();
}

bool Ranges::at_most(ValueId x, ValueId y, Wide c, Place at) {
  start();
  return prove(node(x), node(y), c, at);
}

bool Ranges::prove(uint32_t x, uint32_t y, Wide c, Place at) {
  c -= fold(&x);
  c += fold(&y);
  if (x == y) return c >= 0;
  if (--budget_ < 0) return false;
  if (type_range(x).high <= type_range(y).low + c) return true;
  for (const Active& a : active_)
    if (a.x == x && a.y == y && c >= a.c) return true;      // by induction: see prove_param
  for (const Active& a : path_)
    if (a.x == x && a.y == y && c <= a.c) return false;     // in a circle
  path_.push_back({x, y, c});
  bool ok = prove_by_facts(x, y, c, at) || (x != kZeroNode && prove_upper(x, y, c, at)) || (y != kZeroNode && prove_lower(x, y, c, at));
  path_.pop_back();
  return ok;
}

bool Ranges::prove_by_facts(uint32_t x, uint32_t y, Wide c, Place at) {
  return any_fact(x, true, at, [&](uint32_t b, Wide d) { return b == y ? d <= c : prove(b, y, c - d, at); }) ||
         any_fact(y, false, at, [&](uint32_t a, Wide d) { return a == x ? d <= c : prove(x, a, c - d, at); });
}

bool Ranges::shape_of(uint32_t node, ValueId* array, int* axis) const {
  if (!is_shape(node)) return false;
  *array = shapes_[node - kShapes].array;
  *axis = shapes_[node - kShapes].axis;
  return true;
}

bool Ranges::never_wraps(const Op& op, Place at) {
  start();
  return no_wrap(op, at);
}

// An add or sub of a constant that stays in the type's range.
bool Ranges::no_wrap(const Op& op, Place at) {
  if (op.imm == 1) return true;
  int64_t k;
  if (!constant(op.args[1], &k)) return false;
  Wide step = op.code == OpCode::Sub ? -Wide{k} : Wide{k};
  Interval range = type_range(op.result());
  uint32_t from = node(op.args[0]);
  return step >= 0 ? prove(from, kZeroNode, range.high - step, at) : prove(kZeroNode, from, -(range.low - step), at);
}

int Ranges::extreme(const Op& select) const {
  const Op* c = def(select.args[0]);
  while (c && c->code == OpCode::Likely) c = def(c->args[0]);
  if (!c || c->args.size() != 2) return 0;
  bool less = c->code == OpCode::Lt || c->code == OpCode::Le, greater = c->code == OpCode::Gt || c->code == OpCode::Ge;
  if (!less && !greater) return 0;
  auto same = [&](ValueId p, ValueId q) {
    int64_t i, j;
    return p == q || (constant(p, &i) && constant(q, &j) && i == j);
  };
  if (same(c->args[0], select.args[1]) && same(c->args[1], select.args[2])) return less ? -1 : 1;
  if (same(c->args[0], select.args[2]) && same(c->args[1], select.args[1])) return less ? 1 : -1;
  return 0;
}

bool Ranges::sum_fits(const Op& op, Place at) {
  if (op.imm == 1) return true;
  Interval a = interval(op.args[0], at, 4), b = interval(op.args[1], at, 4), range = type_range(op.result());
  return a.low + b.low >= range.low && a.high + b.high <= range.high;
}

// Each side of a select is needed only where the condition says so; the smaller of two is at most what either is.
bool Ranges::prove_select(const Op& op, uint32_t x, uint32_t y, Wide c, Place at, bool upper) {
  auto side = [&](size_t i) { return upper ? prove(node(op.args[i]), y, c, at) : prove(x, node(op.args[i]), c, at); };
  if (extreme(op) == (upper ? -1 : 1) && (side(1) || side(2))) return true;
  auto given = [&](bool truth, size_t i) {
    size_t known = facts_.size();
    if (++assumed_ <= 3) learn(op.args[0], truth, at.block, Position::kHead, 1);
    bool ok = side(i);
    --assumed_;
    while (facts_.size() > known) {        // the newest first, so that the lists are as they were
      const Fact& fact = facts_.back();
      if (fact.a != kZeroNode) upper_[slot(fact.a)] = fact.next_a;
      if (fact.b != kZeroNode) lower_[slot(fact.b)] = fact.next_b;
      facts_.pop_back();
    }
    return ok;
  };
  return given(true, 1) && given(false, 2);
}

bool Ranges::prove_upper(uint32_t x, uint32_t y, Wide c, Place at) {
  const Op* op = def_of(x);
  if (!op) return is_param(x) && prove_param(x, y, c, true);
  auto arg = [&](size_t i) { return node(op->args[i]); };
  auto positive = [&](uint32_t n, Wide least) { return prove(kZeroNode, n, -least, at); };
  int64_t k;
  switch (op->code) {
    case OpCode::Add: case OpCode::Sub: {
      bool add = op->code == OpCode::Add;
      if (constant(op->args[1], &k)) return no_wrap(*op, at) && prove(arg(0), y, c - (add ? Wide{k} : -Wide{k}), at);
      // z + w is at most w + c where z is at most c
      if (add && y != kZeroNode && (y == arg(0) || y == arg(1)) && sum_fits(*op, at)) return prove(arg(y == arg(0) ? 1 : 0), kZeroNode, c, at);
      // z - w with neither below 0 does not wrap and is at most z
      if (add || !positive(arg(1), 0) || !positive(arg(0), 0)) return false;
      return prove(arg(0), y, c, at) || (y == kZeroNode && prove(arg(0), arg(1), c, at));
    }
    case OpCode::Select: return prove_select(*op, x, y, c, at, true);
    case OpCode::Mod:
      return positive(arg(1), 1) && (prove(arg(1), y, c + 1, at) || (positive(arg(0), 0) && prove(arg(0), y, c, at)));
    case OpCode::TruncRem:
      return positive(arg(0), 0) && positive(arg(1), 1) && (prove(arg(1), y, c + 1, at) || prove(arg(0), y, c, at));
    case OpCode::FloorDiv: case OpCode::TruncDiv:
      return positive(arg(1), 1) && positive(arg(0), 0) && prove(arg(0), y, c, at);
    case OpCode::Shr: return positive(arg(0), 0) && prove(arg(0), y, c, at);
    case OpCode::And:
      return (positive(arg(1), 0) && prove(arg(1), y, c, at)) || (positive(arg(0), 0) && prove(arg(0), y, c, at));
    case OpCode::IndexCheck: return prove(arg(1), y, c + 1, at);
    case OpCode::Mul: return y == kZeroNode && interval(x, at, 4).high <= c;
    default: return false;
  }
}

bool Ranges::prove_lower(uint32_t x, uint32_t y, Wide c, Place at) {
  const Op* op = def_of(y);
  if (!op) return is_param(y) && prove_param(x, y, c, false);
  auto arg = [&](size_t i) { return node(op->args[i]); };
  auto positive = [&](uint32_t n, Wide least) { return prove(kZeroNode, n, -least, at); };
  auto from_zero = [&] { return prove(x, kZeroNode, c, at); };
  int64_t k;
  switch (op->code) {
    case OpCode::Add: case OpCode::Sub: {
      bool add = op->code == OpCode::Add;
      if (constant(op->args[1], &k)) return no_wrap(*op, at) && prove(x, arg(0), c + (add ? Wide{k} : -Wide{k}), at);
      if (add && x != kZeroNode && (x == arg(0) || x == arg(1)) && sum_fits(*op, at)) return prove(kZeroNode, arg(x == arg(0) ? 1 : 0), c, at);
      if (x != kZeroNode) return false;
      if (-interval(y, at, 4).low <= c) return true;
      return !add && positive(arg(0), 0) && positive(arg(1), 0) && prove(arg(1), arg(0), c, at);
    }
    case OpCode::Select: return prove_select(*op, x, y, c, at, false);
    case OpCode::Mod: return positive(arg(1), 1) && from_zero();
    case OpCode::TruncRem: case OpCode::Shr: return positive(arg(0), 0) && from_zero();
    case OpCode::FloorDiv: case OpCode::TruncDiv: return positive(arg(1), 1) && positive(arg(0), 0) && from_zero();
    case OpCode::And: return (positive(arg(0), 0) || positive(arg(1), 0)) && from_zero();
    case OpCode::IndexCheck: case OpCode::ListLen: return from_zero();
    case OpCode::Mul: return x == kZeroNode && -interval(y, at, 4).low <= c;
    default: return false;
  }
}

// A block parameter: all that comes in must hold. On the way round a loop the question comes back to the parameter: if it asks for no more
// than what is being proved, it holds by induction; if it asks for more, it would take ever more turns.
bool Ranges::prove_param(uint32_t x, uint32_t y, Wide c, bool upper) {
  uint32_t param = upper ? x : y, other = upper ? y : x;
  BlockId b = f_.values[param].block;
  if (!defined_before(other, b)) return false;
  for (const Active& a : active_)
    if (a.x == x && a.y == y) return false;                 // it asks for more
  if (active_.size() > 6) return false;
  active_.push_back({x, y, c});
  bool all = true;
  for (const Pred& p : cfg_.preds(b)) {
    uint32_t in = node(edge_of(f_, p).args[param_index_[param]]);
    Place at{p.block, p.error() ? 0 : static_cast<uint32_t>(f_.blocks[p.block].ops.size() - 1)};
    all = all && (upper ? prove(in, y, c, at) : prove(x, in, c, at));
    if (!all) break;
  }
  active_.pop_back();
  return all;
}

// ---- conditions asked for ----------------------------------------------------------------------------------------------------------------

int Ranges::parity(ValueId v, int depth) const {
  int64_t k;
  if (constant(v, &k)) return static_cast<int>(k & 1);
  const Op* op = def(v);
  if (!op || depth == 0 || !is_integer(f_.type_of(v))) return -1;
  auto arg = [&](size_t i) { return parity(op->args[i], depth - 1); };
  switch (op->code) {
    case OpCode::Add: case OpCode::Sub: case OpCode::Xor: {
      int a = arg(0), b = arg(1);
      return a < 0 || b < 0 ? -1 : a ^ b;
    }
    case OpCode::Mul: case OpCode::And: {
      int a = arg(0), b = arg(1);
      return a == 0 || b == 0 ? 0 : a < 0 || b < 0 ? -1 : 1;
    }
    case OpCode::Or: {
      int a = arg(0), b = arg(1);
      return a == 1 || b == 1 ? 1 : a < 0 || b < 0 ? -1 : 0;
    }
    case OpCode::Shl: return constant(op->args[1], &k) && k >= 1 ? 0 : -1;
    case OpCode::Neg: return arg(0);
    case OpCode::Cast: return is_integer(f_.type_of(op->args[0])) ? arg(0) : -1;
    default: return -1;
  }
}

bool Ranges::nonzero(ValueId v, Place at) {
  TypeRef t = f_.type_of(v);
  if (is_integer(t)) return parity(v, 6) == 1 || at_most(v, kZero, -1, at) || at_most(kZero, v, -1, at);
  const Op* op = def(v);
  if (!op || !is_float(t)) return false;
  if (op->code == OpCode::Const) return op->fimm != 0;
  if (op->code == OpCode::Neg) return nonzero(op->args[0], at);
  return op->code == OpCode::Cast && is_integer(f_.type_of(op->args[0])) && nonzero(op->args[0], at);
}

bool Ranges::not_below_zero(ValueId v, Place at, int depth) {
  const Op* op = def(v);
  if (!op || depth == 0) return false;
  auto arg = [&](size_t i) { return not_below_zero(op->args[i], at, depth - 1); };
  switch (op->code) {
    case OpCode::Const: return !(op->fimm < 0);
    case OpCode::Mul: return op->args[0] == op->args[1] || (arg(0) && arg(1));
    case OpCode::Add: return arg(0) && arg(1);
    case OpCode::Select: return arg(1) && arg(2);
    case OpCode::Math: return op->sym == "fabs" || op->sym == "sqrt" || op->sym == "exp" || (op->sym == "rint" && arg(0));
    case OpCode::Cast:
      if (is_float(f_.type_of(op->args[0]))) return arg(0);
      return is_int(f_.type_of(op->args[0])) && at_least(op->args[0], 0, at);
    default: return false;
  }
}

bool Ranges::decides(ValueId cond, bool truth, Place at) {
  const Op* c = def(cond);
  if (!c) return false;
  auto arg = [&](size_t i, bool want) { return decides(c->args[i], want, at); };
  switch (c->code) {
    case OpCode::Const: return (c->imm != 0) == truth;
    case OpCode::Likely: return arg(0, truth);
    case OpCode::Not: return arg(0, !truth);
    case OpCode::And: return is_bool(f_.type_of(cond)) && (truth ? arg(0, true) && arg(1, true) : arg(0, false) || arg(1, false));
    case OpCode::Or: return is_bool(f_.type_of(cond)) && (truth ? arg(0, true) || arg(1, true) : arg(0, false) && arg(1, false));
    default: break;
  }
  if (c->code < OpCode::Eq || c->code > OpCode::Ge) return false;
  ValueId a = c->args[0], b = c->args[1];
  if (is_float(f_.type_of(a))) {
    bool is_less = c->code == OpCode::Lt, is_greater = c->code == OpCode::Gt;
    const Op* limit = def(is_less ? b : a);
    bool below_zero = (is_less || is_greater) && limit && limit->code == OpCode::Const && limit->fimm <= 0;
    if (below_zero && !truth) return not_below_zero(is_less ? a : b, at, 5);
    bool unequal = (c->code == OpCode::Ne) == truth && (c->code == OpCode::Ne || c->code == OpCode::Eq);
    auto zero = [&](ValueId v) { return def(v) && def(v)->code == OpCode::Const && def(v)->fimm == 0; };
    return unequal && ((zero(b) && nonzero(a, at)) || (zero(a) && nonzero(b, at)));
  }
  if (!is_int(f_.type_of(a))) return false;
  auto le = [&](ValueId p, ValueId q, int k) { return at_most(p, q, k, at); };
  switch (c->code) {
    case OpCode::Lt: return truth ? le(a, b, -1) : le(b, a, 0);
    case OpCode::Le: return truth ? le(a, b, 0) : le(b, a, -1);
    case OpCode::Gt: return truth ? le(b, a, -1) : le(a, b, 0);
    case OpCode::Ge: return truth ? le(b, a, 0) : le(a, b, -1);
    default: break;
  }
  if ((c->code == OpCode::Eq) == truth) return le(a, b, 0) && le(b, a, 0);
  int p = parity(a, 6), q = parity(b, 6);
  return (p >= 0 && q >= 0 && p != q) || le(a, b, -1) || le(b, a, -1);
}

}  // namespace coluber::ir
