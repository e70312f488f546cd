// Part of parallel: what the rounds of a loop store to memory from outside of it, and read there. Indices are sums of multiples of the counter, of
// counters of inner loops, and of values from outside; a view is an address of that kind.
#include "ir/passes/parallel_accesses.h"

#include <algorithm>

namespace coluber::ir::parallel {
namespace {

// Which critical sections a round is in, on all ways to a block. Those of what is behind an error are not known, except that it was in them before.
class Locks {
 public:
  Locks(const Function& f, const Analyses& a, const Candidate& c) : f_(f), a_(a), c_(c) {
    bool any = false;
    for (BlockId b : c.blocks)
      for (const Op& op : f.blocks[b].ops) any |= is_enter(op);
    if (!any) return;
    known_.assign(f.blocks.size(), 0);
    in_.resize(f.blocks.size());
    arrive(c.header, {});
    for (changed_ = true; changed_;) {
      changed_ = false;
      for (BlockId b : a.cfg.rpo())
        if (c.contains(b) && known_[b]) walk(b);
    }
  }
  std::vector<int64_t> at_begin(BlockId b) const { return in_.empty() ? std::vector<int64_t>() : in_[b]; }
  void pass(const Op& op, std::vector<int64_t>* held) const {
    if (op.code != OpCode::CallRt || op.sym.rfind("coluber_critical_", 0) != 0) return;
    const Op* key = a_.uses.def_op(f_, op.args[0]);
    if (!key || key->code != OpCode::Const) return;
    if (is_enter(op)) held->push_back(key->imm);
    else if (auto it = std::find(held->rbegin(), held->rend(), key->imm); it != held->rend()) held->erase(std::next(it).base());
  }

 private:
  static bool is_enter(const Op& op) { return op.code == OpCode::CallRt && op.sym == "coluber_critical_enter"; }

  void walk(BlockId b) {
    std::vector<int64_t> held = in_[b], at_error = held;
    for (const Op& op : f_.blocks[b].ops) {
      if (op.has(Raises)) std::erase_if(at_error, [&](int64_t k) { return std::find(held.begin(), held.end(), k) == held.end(); });
      pass(op, &held);
    }
    for (const Edge& e : f_.blocks[b].term().targets) arrive(e.block, held);
    if (f_.blocks[b].on_error.valid()) arrive(f_.blocks[b].on_error.block, at_error);
  }
  void arrive(BlockId b, const std::vector<int64_t>& held) {
    if (!c_.contains(b)) return;
    if (!known_[b]) {
      known_[b] = 1;
      in_[b] = held;
      changed_ = true;
    } else if (std::erase_if(in_[b], [&](int64_t k) { return std::find(held.begin(), held.end(), k) == held.end(); })) {
      changed_ = true;
    }
  }

  const Function& f_;
  const Analyses& a_;
  const Candidate& c_;
  std::vector<uint8_t> known_;
  std::vector<std::vector<int64_t>> in_;
  bool changed_ = false;
};

Varies both(Varies a, Varies b) {
  if (a == Varies::Unknown || b == Varies::Unknown) return Varies::Unknown;
  return a == Varies::Never ? b : b == Varies::Never ? a : Varies::Unknown;
}

}  // namespace

void Accesses::collect() {
  Locks locks(f_, a_, c_);
  for (BlockId b : c_.blocks) {
    held_ = locks.at_begin(b);
    for (const Op& op : f_.blocks[b].ops) {
      collect(op, b);
      locks.pass(op, &held_);
    }
  }
}

// ---- what is accessed

void Accesses::collect(const Op& op, BlockId b) {
  auto access = [&](ValueId array, size_t first_index) {
    Access x = find(array);
    x.block = b;
    x.loc = op.loc;
    x.locks = held_;
    for (size_t k = first_index; first_index && k < op.args.size(); ++k) x.indices.push_back(op.args[k]);
    return x;
  };
  switch (op.code) {
    case OpCode::ArrayStore: stores_.push_back(access(op.args[0], 2)); return;
    case OpCode::ArrayLoad: reads_.push_back(access(op.args[0], 1)); return;
    case OpCode::ListStore: stores_.push_back(access(op.args[0], 0)), stores_.back().indices = {op.args[1]}; return;
    case OpCode::ListLoad: reads_.push_back(access(op.args[0], 0)), reads_.back().indices = {op.args[1]}; return;
    case OpCode::ArrayAssign:
      stores_.push_back(access(op.args[0], 0));
      if (f_.type_of(op.args[1])->is(Kind::Array)) reads_.push_back(access(op.args[1], 0));
      return;
    case OpCode::Elementwise:
      for (ValueId v : op.args)
        if (f_.type_of(v)->is(Kind::Array)) reads_.push_back(access(v, 0));
      return;
    case OpCode::ListPush: case OpCode::ListSetLen: case OpCode::ListReserve: {
      Access list = access(op.args[0], 0);
      if (list.root != kNoId) certain(list, "all of them change the length of the list " + name(list));
      return;
    }
    case OpCode::Load: read_by_pointer(op.args[0], op, b); return;
    case OpCode::Store: case OpCode::MemCopy: case OpCode::MemZero: {
      if (op.code == OpCode::MemCopy) read_by_pointer(op.args[1], op, b);
      Access x = of_pointer(op.args[0]);
      x.block = b;
      x.loc = op.loc;
      if (x.root == kNoId) return;
      if (!held_.empty()) store_perhaps(std::move(x));
      else if (x.view != Varies::Injective) unproved(x, "a store to " + name(x));
      return;
    }
    case OpCode::Call: return call(op, b);
    case OpCode::CallRt: case OpCode::CallPtr:           // NumPy's loops and the runtime's: what they store to is mostly the round's own
      for (ValueId v : op.args)
        if (f_.type_of(v)->is(Kind::Ptr)) read_by_pointer(v, op, b);
      return;
    default: return;
  }
}

// As the library does it: of a view, from its first item on. (Where slices begin is no multiple of the counter, but a choice.)
void Accesses::read_by_pointer(ValueId pointer, const Op& op, BlockId b) {
  Access x = of_pointer(pointer);
  if (x.root == kNoId) return;
  x.whole_axis = x.view == Varies::Injective && f_.type_of(x.root)->is(Kind::Array) && f_.type_of(x.root)->ndim > 1;
  x.block = b;
  x.loc = op.loc;
  x.locks = held_;
  x.perhaps = true;
  reads_.push_back(std::move(x));
}

// In a critical section, no two rounds do this at once, but others may access the memory without its lock; and of a round's own row, others may
// read.
void Accesses::store_perhaps(Access x) {
  x.perhaps = true;
  x.locks = held_;
  stores_.push_back(std::move(x));
}

void Accesses::call(const Op& op, BlockId b) {
  bool stores = summary_.of(op.sym).arrays;
  for (ValueId v : op.args) {
    if (!f_.type_of(v)->is(Kind::Array) && !f_.type_of(v)->is(Kind::List)) continue;
    Access x = find(v);
    x.block = b;
    x.loc = op.loc;
    if (x.root == kNoId) continue;
    if (!stores || f_.type_of(v)->readonly) {
      x.locks = held_;
      reads_.push_back(std::move(x));
    } else if (!held_.empty() || (x.view == Varies::Injective && x.whole_axis)) {
      store_perhaps(std::move(x));
    } else {
      unproved(x, "a call may store to " + name(x));
    }
  }
}

// The array (or list) behind a value, and how its place varies.
Access Accesses::find(ValueId v) {
  Access x;
  x.array = v;
  for (int steps = 0; steps < 64; ++steps) {
    if (outside(v)) {
      x.root = v;
      return x;
    }
    const Op* op = def(v);
    if (!op) return x.root = v, x.view = Varies::Unknown, x;          // a merge of several
    switch (op->code) {
      case OpCode::ArrayAs: case OpCode::ArrayOwner: case OpCode::RefCast: v = op->args[0]; break;
      case OpCode::ArrayMake: {
        Access p = of_pointer(op->args[1]);
        p.array = x.array;
        if (p.root != kNoId && f_.type_of(p.root)->is(Kind::Array)) p.whole_axis = f_.type_of(x.array)->ndim < f_.type_of(p.root)->ndim;
        return p;
      }
      case OpCode::Alloc: case OpCode::Elementwise: case OpCode::ListNew: return x;
      case OpCode::Call: {
        fuse::Effects effects = summary_.of(op->sym);
        if (effects.fresh) return x;
        if (effects.view < 0) return x.root = v, x.view = Varies::Unknown, x;
        v = op->args[static_cast<size_t>(effects.view)];
        x.view = Varies::Unknown;
        break;
      }
      default: return x.root = v, x.view = Varies::Unknown, x;
    }
  }
  return x.root = v, x.view = Varies::Unknown, x;
}

Access Accesses::of_pointer(ValueId p) {
  Access x;
  Varies view = Varies::Never;
  ValueId part = kNoId;
  for (int steps = 0; steps < 64; ++steps) {
    const Op* op = def(p);
    if (!op) break;
    switch (op->code) {
      case OpCode::PtrAdd:
        if (Varies by = varies(op->args[1], 0); by != Varies::Never) {
          part = telling_part(op->args[1]);
          view = both(view, by);
        }
        p = op->args[0];
        continue;
      case OpCode::PtrCast: p = op->args[0]; continue;
      case OpCode::OwnerData: case OpCode::ArrayData: case OpCode::ListData: {
        x = find(op->args[0]);
        x.view = both(x.view, view);
        if (part != kNoId) x.part = part;
        return x;
      }
      case OpCode::StackAlloc: return x;
      default: break;
    }
    break;
  }
  x.root = x.array = p;
  x.view = outside(p) ? view : Varies::Unknown;
  return x;
}

// Of a sum: the operand that the rounds differ by.
ValueId Accesses::telling_part(ValueId v) {
  const Op* op = def(v);
  while (op && op->code == OpCode::Add && !outside(v)) {
    v = op->args[varies(op->args[0], 0) == Varies::Never ? 1 : 0];
    op = def(v);
  }
  return v;
}

// ---- indices

// A counter of an inner loop that goes through the same values in each round.
bool Accesses::same_counter(ValueId v, int depth) {
  LoopId inner = a_.loops.loop_of(f_.values[v].block);
  if (inner == kNoId || inner == id_ || a_.loops.loops()[inner].header != f_.values[v].block || def(v)) return false;
  const std::vector<ValueId>& params = f_.blocks[f_.values[v].block].params;
  size_t k = static_cast<size_t>(std::find(params.begin(), params.end(), v) - params.begin());
  for (const Pred& p : a_.loops.loops()[inner].latches) {
    const Op* step = p.error() ? nullptr : def(edge_of(f_, p).args[k]);
    if (!step || (step->code != OpCode::Add && step->code != OpCode::Sub) || step->args[0] != v || !def(step->args[1]) ||
        def(step->args[1])->code != OpCode::Const)
      return false;
  }
  for (const Pred& p : a_.loops.loops()[inner].entries)
    if (p.error() || varies(edge_of(f_, p).args[k], depth + 1) != Varies::Never) return false;
  return true;
}

Varies Accesses::varies(ValueId v, int depth) {
  if (v == counter_) return Varies::Injective;
  if (outside(v)) return Varies::Never;
  const Op* op = def(v);
  if (depth > 16) return Varies::Unknown;
  if (!op) return same_counter(v, depth) ? Varies::Never : Varies::Unknown;
  auto arg = [&](size_t k) { return varies(op->args[k], depth + 1); };
  switch (op->code) {
    case OpCode::Const: return Varies::Never;
    case OpCode::IndexCheck: case OpCode::Neg: return arg(0);
    case OpCode::Cast: return is_integer(f_.type_of(v)) && item_size(f_.type_of(v)) == 8 ? arg(0) : Varies::Unknown;
    case OpCode::Add: case OpCode::Sub: {
      Varies x = arg(0), y = arg(1);
      if (x == Varies::Never && y == Varies::Never) return x;
      // A counter of an inner loop may make up for the round's.
      bool fixed = (x == Varies::Injective && steady(op->args[1], 0)) || (y == Varies::Injective && steady(op->args[0], 0));
      return fixed ? Varies::Injective : Varies::Unknown;
    }
    case OpCode::Mul: {
      Varies x = arg(0), y = arg(1);
      if (x == Varies::Never && y == Varies::Never) return x;
      bool fixed = (x == Varies::Injective && factor(op->args[1])) || (y == Varies::Injective && factor(op->args[0]));
      return fixed ? Varies::Injective : Varies::Unknown;
    }
    case OpCode::ArrayShape: case OpCode::ArrayStride: return outside(op->args[0]) ? Varies::Never : Varies::Unknown;
    default: return steady(v, 0) ? Varies::Never : Varies::Unknown;
  }
}

// One value for all of the loop.
bool Accesses::steady(ValueId v, int depth) const {
  if (outside(v)) return true;
  const Op* op = def(v);
  if (!op || depth > 8) return false;
  if (!op->has(Pure) && op->code != OpCode::IndexCheck) return false;
  return std::all_of(op->args.begin(), op->args.end(), [&](ValueId x) { return steady(x, depth + 1); });
}
// Not zero: strides of arrays with items are taken for such, numbers that are not known are not.
bool Accesses::factor(ValueId v) const {
  const Op* op = def(v);
  if (op && op->code == OpCode::Const) return op->imm != 0;
  return op && (op->code == OpCode::ArrayStride || op->code == OpCode::ArrayShape) && steady(v, 0);
}

Sum Accesses::sum(ValueId v, int depth) const {
  Sum s;
  const Op* op = def(v);
  if (op && op->code == OpCode::Const) return s.constant = op->imm, s;
  if (op && op->code == OpCode::IndexCheck && depth < 16) return sum(op->args[0], depth + 1);
  if (op && (op->code == OpCode::Add || op->code == OpCode::Sub) && depth < 16) {
    s = sum(op->args[0], depth + 1);
    Sum t = sum(op->args[1], depth + 1);
    int64_t sign = op->code == OpCode::Add ? 1 : -1;
    for (auto [x, n] : t.terms) s.terms[x] += sign * n;
    s.constant += sign * t.constant;
    std::erase_if(s.terms, [](const auto& term) { return term.second == 0; });
    return s;
  }
  if (op && op->code == OpCode::Mul && depth < 16)
    for (size_t k : {0u, 1u}) {
      const Op* n = def(op->args[k]);
      if (!n || n->code != OpCode::Const || n->imm < -1'000'000 || n->imm > 1'000'000) continue;
      s = sum(op->args[1 - k], depth + 1);
      for (auto& [x, count] : s.terms) count *= n->imm;
      s.constant *= n->imm;
      return s;
    }
  s.terms[v] = 1;
  return s;
}

// The same value, perhaps computed twice.
bool Accesses::same(ValueId a, ValueId b) const {
  if (a == b) return a != kNoId;
  if (a == kNoId || b == kNoId) return false;
  const Op *x = def(a), *y = def(b);
  if (!x || !y || x->code != y->code || x->args.size() != y->args.size() || x->imm != y->imm) return false;
  if (!x->has(Pure) && x->code != OpCode::IndexCheck) return false;
  for (size_t k = 0; k < x->args.size(); ++k)
    if (!same(x->args[k], y->args[k])) return false;
  return true;
}

std::string Accesses::name(const Access& x) const {
  const std::string& n = f_.values[x.root].name.empty() ? f_.values[x.array].name : f_.values[x.root].name;
  return n.empty() ? f_.type_of(x.root)->is(Kind::List) ? "a list" : "an array" : "'" + n + "'";
}
void Accesses::about(const Access& x) {
  if (std::find(out_.arrays.begin(), out_.arrays.end(), x.root) == out_.arrays.end()) out_.arrays.push_back(x.root);
}
void Accesses::certain(const Access& x, const std::string& what) {
  about(x);
  if (out_.race_loc == kNoId) out_.race_loc = x.loc, out_.race = what;
}
void Accesses::unproved(const Access& x, const std::string& what) {
  about(x);
  for (auto& [loc, text] : out_.unproved)
    if (loc == x.loc && text == what) return;
  out_.unproved.emplace_back(x.loc, what);
}

}  // namespace coluber::ir::parallel
