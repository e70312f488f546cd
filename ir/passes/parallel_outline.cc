// Part of parallel: the call of the rounds' function (parallel_body.cc), and
//
//   combine(a..., b...) -> accumulators                                 of what one thread arrived at (after the values before the loop), and another
//
// Where neighbouring loops are one if they can be (parallel_together.cc), a test in front says whether all of their rounds run in one call:
//
//   before   loop 0    loop 1            after    %one = test           %x = par.for(..., select(%one, 3, 1))      br %one, ^behind(%x), ^rest
//                                                 ^rest: %y = par.for(..., 2)      jump ^behind(%y)
#include "ir/passes/parallel_body.h"

#include <algorithm>

#include "ir/passes/rewrite.h"

namespace coluber::ir::parallel {
namespace {

constexpr int64_t kNoRound = INT64_MIN;    // the place of a last value that none was assigned

// x // y, where y is a product of divisors: 0 for one that no int holds, which is larger than any x.
ValueId divided(Builder& b, TypeRef type, ValueId x, ValueId y) {
  ValueId zero = b.const_int(0, type), large = b.emit(OpCode::Eq, {y, zero}, pybool());
  ValueId quotient = b.emit(OpCode::FloorDiv, {x, b.emit(OpCode::Select, {large, b.const_int(1, type), y}, type)}, type);
  ValueId rest = b.emit(OpCode::Select, {b.emit(OpCode::Lt, {x, zero}, pybool()), b.const_int(-1, type), zero}, type);
  return b.emit(OpCode::Select, {large, rest, quotient}, type);
}

// Of one reduction: what a, the earlier thread's, and b become.
ValueId combined(Builder& b, const Carried& k, const Op* set, TypeRef type, ValueId x, ValueId y) {
  switch (k.how) {
    case Combine::Add: return b.emit(OpCode::Add, {x, y}, type);
    case Combine::Mul: return b.emit(OpCode::Mul, {x, y}, type);
    case Combine::And: return b.emit(OpCode::And, {x, y}, type);
    case Combine::Or: return b.emit(OpCode::Or, {x, y}, type);
    case Combine::Xor: return b.emit(OpCode::Xor, {x, y}, type);
    case Combine::Min: return b.emit(OpCode::Select, {b.emit(OpCode::Lt, {y, x}, pybool()), y, x}, type);
    case Combine::Max: return b.emit(OpCode::Select, {b.emit(OpCode::Gt, {y, x}, pybool()), y, x}, type);
    case Combine::Function: return b.emit(OpCode::Call, {x, y}, type, 0, k.function);
    case Combine::FloorDiv: return divided(b, type, x, y);
    default: break;
  }
  ValueId constant = b.emit(OpCode::Const, {}, type, set->imm);
  b.function().blocks[b.block()].ops.back().fimm = set->fimm;
  b.function().blocks[b.block()].ops.back().fimm2 = set->fimm2;
  return b.emit(OpCode::Select, {b.emit(OpCode::Eq, {y, constant}, pybool()), y, x}, type);
}

void make_combine(Program& p, const Function& f, const Analyses& a, const Accumulators& all, const std::string& name) {
  const std::vector<TypeRef>& types = all.types;
  p.functions.push_back(std::make_unique<Function>());
  Function* made = p.functions.back().get();
  made->name = name;
  made->typed = made->by_cells = true;
  made->result = packed(types);
  made->scopes.push_back(Scope{-1, f.name, {}, kNoId, 0});
  Builder b(made);
  b.set_block(made->add_block());
  std::vector<ValueId> x, y, values;
  for (TypeRef t : types) x.push_back(b.param(t));
  for (TypeRef t : types) y.push_back(b.param(t));
  size_t first = all.first();
  ValueId later = first ? b.emit(OpCode::Gt, {y[0], x[0]}, pybool()) : kNoId;
  if (first) values.push_back(b.emit(OpCode::Select, {later, y[0], x[0]}, pyint()));
  for (size_t k = 0; k < all.carried.size(); ++k) {
    size_t i = first + k;
    const Carried& one = all.carried[k];
    const Op* set = one.set == kNoId ? nullptr : a.uses.def_op(f, one.set);
    if (one.how == Combine::With) {
      size_t e = first + one.with;
      ValueId better = b.emit(all.carried[one.with].how == Combine::Min ? OpCode::Lt : OpCode::Gt, {y[e], x[e]}, pybool());
      values.push_back(b.emit(OpCode::Select, {better, y[i], x[i]}, types[i]));
      continue;
    }
    values.push_back(one.how == Combine::Last ? b.emit(OpCode::Select, {later, y[i], x[i]}, types[i]) : combined(b, one, set, types[i], x[i], y[i]));
  }
  ValueId result = pack(b, values, types);
  b.ret(result);
}

// What the runtime does by itself (ir/schedule.h), for the k-th of them, into *steps; false: it takes a function.
bool add_step(Combine how, TypeRef type, size_t k, int64_t* steps) {
  bool floats = type == pyfloat() || type == scalar(Kind::Float64);
  if (k >= sizeof *steps || (!floats && type != pyint() && type != scalar(Kind::Int64))) return false;
  uint64_t step = 0;
  switch (how) {
    case Combine::Add: step = kStepAdd; break;
    case Combine::Mul: step = kStepMul; break;
    case Combine::And: step = kStepAnd; break;
    case Combine::Or: step = kStepOr; break;
    case Combine::Xor: step = kStepXor; break;
    case Combine::Min: step = kStepMin; break;
    case Combine::Max: step = kStepMax; break;
    default: return false;
  }
  *steps |= static_cast<int64_t>((step | (floats ? kOfFloats : 0)) << 8 * k);
  return true;
}

bool find_steps(const Accumulators& all, int64_t* steps) {
  if (all.rounds) return false;
  for (size_t k = 0; k < all.types.size(); ++k)
    if (!add_step(all.carried[k].how, all.types[k], k, steps)) return *steps = 0, false;
  return true;
}

// So with the arrays that threads have of their own; *ranks: their dimensions.
bool find_array_steps(const Function& f, const Candidate& c, int64_t* steps, int64_t* ranks) {
  for (size_t k = 0; k < c.arrays.size(); ++k) {
    TypeRef t = f.type_of(c.arrays[k].array);
    bool together = t->layout == Layout::C || t->layout == Layout::F;
    if (!together || !add_step(c.arrays[k].how, t->elem, k, steps)) return *steps = *ranks = 0, false;
    *ranks |= static_cast<int64_t>(t->ndim) << 8 * k;
  }
  return true;
}

// How what threads arrived at becomes one.
struct Results {
  std::vector<std::string> functions;      // as the names of par.for
  int64_t steps = 0, array_steps = 0, array_ranks = 0;
};

Results combine_results(Program& p, const Function& f, const Analyses& a, const Candidate& c, const Accumulators& all, const std::string& name) {
  Results r;
  std::string combine;
  if (!all.types.empty() && !find_steps(all, &r.steps)) make_combine(p, f, a, all, combine = name + ".combine");
  bool arrays = !c.arrays.empty() && !find_array_steps(f, c, &r.array_steps, &r.array_ranks);
  if (arrays) make_private_functions(p, f, c, name);
  if (arrays) r.functions = {combine, name + ".init", name + ".merge"};
  else if (!combine.empty()) r.functions = {combine};
  return r;
}

// What a thread begins with, so that combining its value with others is right. Of those that may be combined twice: the value before the loop.
ValueId neutral(Builder& b, const Carried& k, TypeRef type, ValueId initial) {
  if (k.how == Combine::FloorDiv) return b.const_int(1, type);
  if (k.how == Combine::Function) {
    std::unordered_map<ValueId, ValueId> made;
    for (Op op : k.identity) {
      ValueId old = op.result(), fresh = b.function().add_value(b.function().type_of(old), b.block());
      for (ValueId& v : op.args) v = made.at(v);
      op.results[0] = made[old] = fresh;
      b.function().blocks[b.block()].ops.push_back(std::move(op));
    }
    return made.at(k.identity.back().result());
  }
  bool once = k.how == Combine::Add || k.how == Combine::Mul || k.how == Combine::Xor;
  return once ? neutral_of(b, k.how, type) : initial;
}

// How many items the arrays have that each thread gets a copy of; 0: never mind.
ValueId count_items(Builder& b, const Function& f, const Candidate& c) {
  ValueId total = b.const_int(0);
  for (const PrivateArray& one : c.arrays) {
    if (one.whole) continue;
    ValueId items = b.emit(OpCode::ArrayShape, {one.array}, pyint(), 0);
    for (int axis = 1; axis < f.type_of(one.array)->ndim; ++axis)
      items = b.emit(OpCode::Mul, {items, b.emit(OpCode::ArrayShape, {one.array}, pyint(), axis)}, pyint());
    total = b.emit(OpCode::Add, {total, items}, pyint());
  }
  return total;
}

void forget_in_states(Function& f, const Candidate& c) {
  for (Block& b : f.blocks) {
    if (!b.state) continue;
    for (auto* list : {&b.state->locals, &b.state->stack})
      for (ValueId& v : *list)
        if (v != kNoId && c.contains(f.values[v].block)) v = kNoId;
  }
}

// The loops' call or calls, in the place of the first one's header.
class Caller {
 public:
  Caller(Function& f, const Together& t, const Accumulators& all, Results results, std::vector<ValueId> captured, const std::string& name, int64_t schedule)
      : f_(f), c_(t.loops[0]), mark_(*c_.mark), all_(all), results_(std::move(results)), captured_(std::move(captured)), name_(name), schedule_(schedule), b_(&f) {
    b_.set_block(c_.header);
    b_.set_loc(mark_.loc);
  }
  Builder& builder() { return b_; }

  // The rounds of all that follows are those of this loop.
  void begin(const Candidate& loop) {
    begin_ = loop.start;
    end_ = loop.stop;
    if (!c_.nest.empty()) {
      begin_ = b_.const_int(0);
      end_ = length_of(b_, c_.start, c_.stop);
      for (const Candidate& inner : c_.nest) end_ = b_.emit(OpCode::Mul, {end_, length_of(b_, inner.start, inner.stop)}, pyint());
    }
    items_ = count_items(b_, f_, c_);
  }

  // Makes the accumulators of `values`, those before it, the ones behind it. which: of several loops, by bits; kNoId: all.
  void call(std::vector<ValueId>* values, ValueId which) {
    std::vector<ValueId> args{begin_, end_, mark_.args[1], mark_.args[2], items_}, initial;
    args.insert(args.end(), captured_.begin(), captured_.end());
    if (which != kNoId) args.push_back(which);
    size_t captured = captured_.size() + (which != kNoId);
    for (const PrivateArray& one : c_.arrays) args.push_back(one.array);
    if (all_.rounds) initial.push_back(b_.const_int(kNoRound));
    initial.insert(initial.end(), values->begin(), values->end());
    if (all_.rounds) args.push_back(initial[0]);
    for (size_t k = 0; k < all_.carried.size(); ++k) args.push_back(neutral(b_, all_.carried[k], all_.types[all_.first() + k], initial[all_.first() + k]));
    args.insert(args.end(), initial.begin(), initial.end());
    Op& made = b_.op(OpCode::ParFor, args);
    made.sym = name_;
    made.names = results_.functions;
    made.ints = {schedule_, static_cast<int64_t>(captured), static_cast<int64_t>(c_.arrays.size()), static_cast<int64_t>(all_.types.size()),
                 results_.steps, results_.array_steps, results_.array_ranks};
    std::vector<ValueId> last;
    for (TypeRef t : all_.types) last.push_back(b_.add_result(t));
    values->assign(last.begin() + static_cast<std::ptrdiff_t>(all_.first()), last.end());
  }

 private:
  Function& f_;
  const Candidate& c_;
  const Op mark_;
  const Accumulators& all_;
  const Results results_;
  const std::vector<ValueId> captured_;
  const std::string& name_;
  const int64_t schedule_;
  Builder b_;
  ValueId begin_ = kNoId, end_ = kNoId, items_ = kNoId;
};

// Can the loops be one? Asked where the builder is.
ValueId ask(Builder& b, Function& f, fuse::Summary& summary, Together& t) {
  BlockId at = b.block();
  for (Op& op : t.code) {
    for (ValueId v : op.results) f.values[v].block = at;
    f.blocks[at].ops.push_back(std::move(op));
  }
  ValueId all = b.const_bool(true);
  for (ValueId v : t.conditions) all = b.emit(OpCode::And, {all, v}, pybool());
  fuse::Arrays arrays(f, summary);
  fuse::Emitter e(f, arrays, at, f.blocks[at].on_error);
  e.set_loc(b.loc());
  for (auto [x, y] : t.apart)
    if (ValueId touch = fuse::overlap_test(e, arrays, x, {}, {&y, 1}); touch != kNoId) all = e.both(all, e.op(OpCode::Not, {touch}, pybool()));
  return b.emit(OpCode::Likely, {all}, pybool(), 1);
}

// In the place of the loops: one call, or where they turn out not to be one, a call for each.
std::vector<ValueId> call_loops(Function& f, fuse::Summary& summary, Together& t, Caller& caller, std::vector<ValueId> values) {
  Builder& b = caller.builder();
  if (!t.asks()) {
    caller.begin(t.loops[0]);
    caller.call(&values, kNoId);
    return values;
  }
  ValueId together = ask(b, f, summary, t);
  caller.begin(t.loops[0]);
  auto bits = [&](int64_t n) { return b.const_int(n); };
  ValueId everything = bits((int64_t{1} << t.loops.size()) - 1), only = bits(1);
  caller.call(&values, b.emit(OpCode::Select, {together, everything, only}, pyint()));
  Edge on_error = t.loops[0].on_error;
  BlockId rest = f.add_block(), behind = f.add_block();
  f.blocks[rest].on_error = f.blocks[behind].on_error = on_error;
  b.br(together, Edge{behind, values}, Edge{rest, {}});
  b.set_block(rest);
  for (size_t k = 1; k < t.loops.size(); ++k) {
    caller.begin(t.loops[k]);
    caller.call(&values, bits(int64_t{1} << k));
  }
  b.jump(behind, values);
  b.set_block(behind);
  for (ValueId& v : values) v = b.param(f.type_of(v));
  return values;
}

}  // namespace

void outline(Program& p, Function& f, const Analyses& a, fuse::Summary& summary, Together& t, const std::string& name, int64_t schedule) {
  const Accumulators all = accumulators_of(f, t);
  std::vector<ValueId> captured = make_body(p, f, a, t, all, name);
  Caller caller(f, t, all, combine_results(p, f, a, t.loops[0], all, name), std::move(captured), name, schedule);
  std::vector<ValueId> values, counters, accumulators;
  for (const Carried& k : all.carried) {
    const Candidate& c = t.loops[k.loop];
    accumulators.push_back(f.blocks[c.header].params[k.param]);
    values.push_back(edge_of(f, c.entry).args[k.param]);
  }
  std::vector<std::vector<Op>> rest;
  for (Candidate& c : t.loops) {
    forget_in_states(f, c);
    Block& h = f.blocks[c.header];
    counters.push_back(h.params[c.counter]);
    rest.push_back(std::move(h.ops));
    h.ops.clear();
    h.state.reset();
    h.loop_header = false;
    h.on_error = c.on_error;
  }
  ValueMap map(f.values.size());
  values = call_loops(f, summary, t, caller, std::move(values));
  Builder& b = caller.builder();
  std::vector<ValueId> ends;
  for (size_t k = 0; k < t.loops.size(); ++k) {
    const Candidate& c = t.loops[k];
    if (k > 0) b.set_block(c.header);
    Op leave = std::move(rest[k].back());
    rest[k].pop_back();
    ValueId some = b.emit(OpCode::Lt, {c.start, c.stop}, pybool());
    ends.push_back(b.emit(OpCode::Select, {some, c.stop, c.start}, pyint()));
    for (Op& op : rest[k]) f.blocks[b.block()].ops.push_back(std::move(op));
    for (const Op& op : f.blocks[b.block()].ops)
      for (ValueId v : op.results) f.values[v].block = b.block();
    b.op(OpCode::Jump, {}).targets.push_back(std::move(leave.targets[1]));
  }
  map.grow(f.values.size());
  for (size_t k = 0; k < t.loops.size(); ++k) map.replace(f, counters[k], ends[k]);
  for (size_t k = 0; k < accumulators.size(); ++k) map.replace(f, accumulators[k], values[k]);
  map.apply(f);
  remove_unreachable(f);
}

}  // namespace coluber::ir::parallel
