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

// Calls the rounds of t's loops, where the builder is. Makes the accumulators of `values`, those before it, the ones behind it.
void call_rounds(Builder& b, Program& p, Function& f, const Analyses& a, const Together& t, const std::string& name, int64_t schedule,
                 std::vector<ValueId>* values) {
  const Accumulators all = accumulators_of(f, t);
  const Candidate& c = t.loops[0];
  const Op mark = *c.mark;
  std::vector<ValueId> captured = make_body(p, f, a, t, all, name), initial;
  Results results = combine_results(p, f, a, c, all, name);
  ValueId begin = c.start, end = c.stop;
  if (!c.nest.empty()) {
    begin = b.const_int(0);
    end = length_of(b, c.start, c.stop);
    for (const Candidate& inner : c.nest) end = b.emit(OpCode::Mul, {end, length_of(b, inner.start, inner.stop)}, pyint());
  }
  std::vector<ValueId> args{begin, end, mark.args[1], mark.args[2], count_items(b, f, c)};
  args.insert(args.end(), captured.begin(), captured.end());
  for (const PrivateArray& one : c.arrays) args.push_back(one.array);
  if (all.rounds) initial.push_back(b.const_int(kNoRound));
  initial.insert(initial.end(), values->begin(), values->end());
  if (all.rounds) args.push_back(initial[0]);
  for (size_t k = 0; k < all.carried.size(); ++k) args.push_back(neutral(b, all.carried[k], all.types[all.first() + k], initial[all.first() + k]));
  args.insert(args.end(), initial.begin(), initial.end());
  Op& made = b.op(OpCode::ParFor, args);
  made.sym = name;
  made.names = results.functions;
  made.ints = {schedule, static_cast<int64_t>(captured.size()), static_cast<int64_t>(c.arrays.size()), static_cast<int64_t>(all.types.size()),
               results.steps, results.array_steps, results.array_ranks};
  std::vector<ValueId> last;
  for (TypeRef t : all.types) last.push_back(b.add_result(t));
  values->assign(last.begin() + static_cast<std::ptrdiff_t>(all.first()), last.end());
}

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
  for (const Together::Pair& pair : t.apart) {
    std::span<const ValueId> other(&pair.y, 1), none;
    ValueId touch = fuse::overlap_test(e, arrays, pair.x, pair.may_be_one ? other : none, pair.may_be_one ? none : other);
    if (touch != kNoId) all = e.both(all, e.op(OpCode::Not, {touch}, pybool()));
  }
  return b.emit(OpCode::Likely, {all}, pybool(), 1);
}

// In the place of the loops: one call, or where they turn out not to be one, a call for each.
std::vector<ValueId> call_loops(Builder& b, Program& p, Function& f, const Analyses& a, fuse::Summary& summary, Together& t, const std::string& name,
                                int64_t schedule, std::vector<ValueId> values) {
  if (!t.asks()) return call_rounds(b, p, f, a, t, name, schedule, &values), values;
  ValueId together = ask(b, f, summary, t);
  BlockId one = f.add_block(), each = f.add_block(), behind = f.add_block();
  for (BlockId made : {one, each, behind}) f.blocks[made].on_error = t.loops[0].on_error;
  b.br(together, one, each);
  std::vector<ValueId> at_end = values;
  b.set_block(one);
  call_rounds(b, p, f, a, t, name, schedule, &at_end);
  b.jump(behind, at_end);
  b.set_block(each);
  at_end.clear();
  for (size_t k = 0, first = 0; k < t.loops.size(); ++k) {
    Together alone;
    alone.loops.push_back(t.loops[k]);
    alone.loops[0].answered.clear();
    alone.seldom = true;
    auto from = values.begin() + static_cast<std::ptrdiff_t>(first);
    std::vector<ValueId> own(from, from + static_cast<std::ptrdiff_t>(t.loops[k].carried.size()));
    first += own.size();
    call_rounds(b, p, f, a, alone, name + "." + std::to_string(k + 1), schedule, &own);
    at_end.insert(at_end.end(), own.begin(), own.end());
  }
  b.jump(behind, at_end);
  b.set_block(behind);
  for (ValueId& v : values) v = b.param(f.type_of(v));
  return values;
}

}  // namespace

void outline(Program& p, Function& f, const Analyses& a, fuse::Summary& summary, Together& t, const std::string& name, int64_t schedule) {
  std::vector<ValueId> values, counters, accumulators;
  for (const Candidate& c : t.loops)
    for (const Carried& k : c.carried) {
      accumulators.push_back(f.blocks[c.header].params[k.param]);
      values.push_back(edge_of(f, c.entry).args[k.param]);
    }
  // The calls come into a block of their own: the bodies are copied from what is there.
  ValueMap map(f.values.size());
  BlockId front = f.add_block();
  f.blocks[front].on_error = t.loops[0].on_error;
  Builder b(&f);
  b.set_block(front);
  b.set_loc(t.loops[0].mark->loc);
  values = call_loops(b, p, f, a, summary, t, name, schedule, std::move(values));
  BlockId behind = b.block();
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
  b.set_block(t.loops[0].header);
  b.jump(front);
  b.set_block(behind);
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
