// Part of parallel: the rounds become a function.
//
//   body(start, stop, captured..., accumulators...) -> accumulators     the loop from start to stop, which lie within the whole loop's
//   combine(a..., b...) -> accumulators                                 of what one thread arrived at (after the values before the loop), and another
//
// Values from outside that are cheap to make again (constants, sizes of arrays, sums of such) are made again, so that what is proved of the counter
// and the sizes of arrays holds inside, too. For the same reason arrays that were found to have the sizes of others are put together anew of these.
#include <algorithm>

#include "ir/analysis/ranges.h"
#include "ir/passes/parallel.h"
#include "ir/passes/rewrite.h"

namespace coluber::ir::parallel {
namespace {

constexpr int64_t kNoRound = INT64_MIN;    // the place of a last value that none was assigned

bool cheap(const Function& f, const Op& op) {
  switch (op.code) {
    case OpCode::Const: case OpCode::StrConst: case OpCode::Zero: case OpCode::Absent: case OpCode::Import: case OpCode::FuncAddr:
    case OpCode::Bound: case OpCode::ArrayShape: case OpCode::ArrayStride:
      return true;
    case OpCode::Add: case OpCode::Sub: case OpCode::Mul: case OpCode::Neg: case OpCode::Select: case OpCode::Eq: case OpCode::Ne:
    case OpCode::Lt: case OpCode::Le: case OpCode::Gt: case OpCode::Ge: case OpCode::And: case OpCode::Or: case OpCode::Not:
      return f.type_of(op.results[0])->is(Kind::PyInt) || f.type_of(op.results[0])->is(Kind::PyBool);
    default: return false;
  }
}

// What is passed from part to part: the accumulators, and where there are last values the round they come from, in front of them.
std::vector<TypeRef> accumulator_types(const Function& f, const Candidate& c) {
  std::vector<TypeRef> types;
  bool last = std::any_of(c.carried.begin(), c.carried.end(), [](const Carried& k) { return k.how == Combine::Last; });
  if (last) types.push_back(pyint());
  for (const Carried& k : c.carried) types.push_back(f.type_of(f.blocks[c.header].params[k.param]));
  return types;
}

ValueId pack(Builder& b, const std::vector<ValueId>& values, const std::vector<TypeRef>& types) {
  if (values.empty()) return b.emit(OpCode::Zero, {}, none());
  return values.size() == 1 ? values[0] : b.emit(OpCode::TupleMake, values, tuple_of(types));
}

TypeRef packed(const std::vector<TypeRef>& types) { return types.empty() ? none() : types.size() == 1 ? types[0] : tuple_of(types); }

ValueId length_of(Builder& b, ValueId start, ValueId stop) {
  ValueId length = b.emit(OpCode::Sub, {stop, start}, pyint()), zero = b.const_int(0);
  return b.emit(OpCode::Select, {b.emit(OpCode::Lt, {length, zero}, pybool()), zero, length}, pyint());
}

class Outline {
 public:
  Outline(Program& p, Function& from, const Analyses& a, const Candidate& c, const std::string& name)
      : from_(from), c_(c), uses_(a.uses), ranges_(from, a.cfg, a.dom, a.uses), map_(from.values.size(), kNoId), types_(accumulator_types(from, c)) {
    p.functions.push_back(std::make_unique<Function>());
    to_ = p.functions.back().get();
    to_->name = name;
    to_->typed = to_->by_cells = true;
    to_->result = packed(types_);
    to_->locs = from.locs;
    to_->scopes = from.scopes;
    if (to_->scopes.empty()) to_->scopes.push_back(Scope{-1, from.name, {}, kNoId, 0});
    to_->add_block();
  }

  void run() {
    ValueId start = to_->add_value(pyint(), 0), stop = to_->add_value(pyint(), 0);
    for (TypeRef t : types_) accumulators_.push_back(to_->add_value(t, 0));
    for (const PrivateArray& one : c_.arrays) {
      map_[one.array] = to_->add_value(from_.type_of(one.array), 0, from_.values[one.array].name);
      arrays_.push_back(map_[one.array]);
    }
    for (BlockId b : c_.blocks) define_block(b);
    Builder entry(to_);
    entry.set_block(0);
    from_round_ = start_ = start;
    to_round_ = stop_ = stop;
    if (!c_.nest.empty()) outer_rows(entry);
    clamp(entry, &start_, map(c_.start), true);
    clamp(entry, &stop_, map(c_.stop), false);
    if (c_.nest.empty()) from_round_ = start_, to_round_ = stop_;
    done_ = to_->add_block();
    for (BlockId b : c_.blocks) copy_block(b);
    enter(entry);
    finish();
    std::vector<ValueId>& params = to_->blocks[0].params;
    params = {start, stop};
    for (auto [outside, inside] : captured_) params.push_back(inside);
    params.insert(params.end(), arrays_.begin(), arrays_.end());
    params.insert(params.end(), accumulators_.begin(), accumulators_.end());
  }

  std::vector<ValueId> captured() const {
    std::vector<ValueId> list;
    for (auto [outside, inside] : captured_) list.push_back(outside);
    return list;
  }
  const std::vector<TypeRef>& types() const { return types_; }

 private:
  void define_block(BlockId b) {
    BlockId made = block_[b] = to_->add_block();
    auto duplicate = [&](ValueId v) { map_[v] = to_->add_value(from_.type_of(v), made, from_.values[v].name); };
    for (ValueId v : from_.blocks[b].params) duplicate(v);
    for (const Op& op : from_.blocks[b].ops)
      for (ValueId v : op.results) duplicate(v);
  }

  // The part lies within the whole: saying so costs nothing, and lets what is known of the whole hold for the part.
  static void clamp(Builder& b, ValueId* part, ValueId bound, bool lower) {
    ValueId beyond = b.emit(OpCode::Lt, {*part, bound}, pybool());
    *part = lower ? b.emit(OpCode::Select, {beyond, bound, *part}, pyint()) : b.emit(OpCode::Select, {beyond, *part, bound}, pyint());
  }

  // ---- loops that are one: rounds are numbered through all of them

  const Candidate& level(size_t k) const { return k == 0 ? c_ : c_.nest[k - 1]; }

  // start + rounds / size, rounded up for the end of a part.
  static ValueId row(Builder& b, ValueId start, ValueId rounds, ValueId size, bool up) {
    if (up) rounds = b.emit(OpCode::Add, {rounds, b.emit(OpCode::Sub, {size, b.const_int(1)}, pyint())}, pyint());
    return b.emit(OpCode::Add, {start, b.emit(OpCode::TruncDiv, {rounds, size}, pyint())}, pyint());
  }

  // Sizes: how many rounds one of each level's is. The outermost counter goes over the rows that the part touches.
  void outer_rows(Builder& b) {
    sizes_.assign(c_.nest.size() + 1, kNoId);
    sizes_.back() = b.const_int(1);
    for (size_t k = c_.nest.size(); k-- > 0;) {
      ValueId first = map(level(k + 1).start), last = map(level(k + 1).stop);
      sizes_[k] = b.emit(OpCode::Mul, {sizes_[k + 1], length_of(b, first, last)}, pyint());
    }
    ValueId begin = map(c_.start);
    start_ = row(b, begin, from_round_, sizes_[0], false);
    stop_ = row(b, begin, to_round_, sizes_[0], true);
    for (const Candidate& inner : c_.nest) starts_.push_back(to_->add_value(pyint(), block_[inner.entry.block])), stops_.push_back(to_->add_value(pyint(), block_[inner.entry.block]));
  }

  // The round that the counters of the first `levels` loops stand at.
  ValueId round_at(Builder& b, size_t levels) {
    ValueId round = kNoId;
    for (size_t k = 0; k < levels; ++k) {
      ValueId counter = map_[from_.blocks[level(k).header].params[level(k).counter]];
      ValueId part = b.emit(OpCode::Mul, {b.emit(OpCode::Sub, {counter, map(level(k).start)}, pyint()), sizes_[k]}, pyint());
      round = round == kNoId ? part : b.emit(OpCode::Add, {round, part}, pyint());
    }
    return round;
  }

  // In front of loop k of the nest: its bounds within the part.
  void inner_rows(size_t k, BlockId at) {
    Builder b(to_);
    b.set_block(at);
    const Candidate& inner = c_.nest[k];
    ValueId begin = map(inner.start), end = map(inner.stop), round = round_at(b, k + 1);
    ValueId first = row(b, begin, b.emit(OpCode::Sub, {from_round_, round}, pyint()), sizes_[k + 1], false);
    ValueId last = row(b, begin, b.emit(OpCode::Sub, {to_round_, round}, pyint()), sizes_[k + 1], true);
    clamp(b, &first, begin, true);
    to_->blocks[at].ops.back().results[0] = starts_[k];
    clamp(b, &last, end, false);
    to_->blocks[at].ops.back().results[0] = stops_[k];
  }

  // Names the round for the check for races: by the counter, or by its number in all of the loops.
  void name_round(BlockId at) {
    Builder b(to_);
    b.set_block(at);
    ValueId round = c_.nest.empty() ? map_[from_.blocks[c_.header].params[c_.counter]] : round_at(b, c_.nest.size() + 1);
    b.emit(OpCode::CallRt, {round}, none(), 0, "coluber_race_round");
  }

  ValueId map(ValueId v) {
    if (map_[v] != kNoId) return map_[v];
    if (ValueId made = again(v, 0); made != kNoId) return made;
    map_[v] = to_->add_value(from_.type_of(v), 0, from_.values[v].name);
    captured_.emplace_back(v, map_[v]);
    if (from_.type_of(v)->is(Kind::Array)) map_[v] = with_known_sizes(v, map_[v]);
    return map_[v];
  }

  // The array, of the values that its sizes are equal to.
  ValueId with_known_sizes(ValueId v, ValueId array) {
    TypeRef t = from_.type_of(v);
    std::vector<ValueId> sizes;
    bool any = false;
    for (int axis = 0; axis < t->ndim; ++axis) {
      ValueId other = kNoId;
      int at = 0;
      uint32_t node = ranges_.shape_node(v, axis);
      bool shape = ranges_.shape_of(node, &other, &at);
      if (!shape && node != Ranges::kZero) other = node;
      bool own = (shape && other == v && at == axis) || other == kNoId;
      bool reachable = !own && other < from_.values.size() && !c_.contains(from_.values[other].block) &&
                       (shape || from_.type_of(other)->is(Kind::PyInt));         // not what a cast made it of
      ValueId size = reachable ? map(other) : kNoId;
      Builder b(to_);
      b.set_block(0);
      if (size == kNoId) size = b.emit(OpCode::ArrayShape, {array}, pyint(), axis);
      else if (shape) size = b.emit(OpCode::ArrayShape, {size}, pyint(), at);
      any |= reachable;
      sizes.push_back(size);
    }
    if (!any) return array;
    Builder b(to_);
    b.set_block(0);
    std::vector<ValueId> parts{b.emit(OpCode::ArrayOwner, {array}, owner()), b.emit(OpCode::ArrayData, {array}, ptr_to(t->elem))};
    parts.insert(parts.end(), sizes.begin(), sizes.end());
    int strides = t->layout == Layout::A ? t->ndim : t->layout == Layout::S ? t->ndim - 1 : 0;
    for (int axis = 0; axis < strides; ++axis) parts.push_back(b.emit(OpCode::ArrayStride, {array}, pyint(), axis));
    return b.emit(OpCode::ArrayMake, parts, t);
  }

  // Makes a value from outside again; kNoId: it has to be passed.
  ValueId again(ValueId v, int depth) {
    const Op* op = uses_.def_op(from_, v);
    if (op && op->code == OpCode::ParLoop) return map_[v] = map(op->args[0]);
    if (!op || depth > 8 || !cheap(from_, *op)) return kNoId;
    Op made = *op;
    for (ValueId& arg : made.args) {
      ValueId in = map_[arg] != kNoId ? map_[arg] : again(arg, depth + 1);
      arg = in != kNoId ? in : map(arg);
    }
    map_[v] = made.results[0] = to_->add_value(from_.type_of(v), 0, from_.values[v].name);
    to_->blocks[0].ops.push_back(std::move(made));
    return map_[v];
  }

  Edge edge(const Edge& e) {
    Edge made{block_.at(e.block), {}};
    for (ValueId v : e.args) made.args.push_back(map(v));
    return made;
  }

  Edge target(BlockId b, size_t t, const Edge& e) {
    Edge made = edge(e);
    for (size_t k = 0; k < c_.nest.size(); ++k)
      if (c_.nest[k].entry.block == b && c_.nest[k].entry.index == t) made.args[c_.nest[k].counter] = starts_[k];
    return made;
  }

  // The end of the part, where op k of the block is the test of a loop.
  ValueId stop_of(BlockId b, size_t k) const {
    if (b == c_.header && k == c_.test) return stop_;
    for (size_t i = 0; i < c_.nest.size(); ++i)
      if (b == c_.nest[i].header && k == c_.nest[i].test) return stops_[i];
    return kNoId;
  }

  void bounds_of_nest(BlockId b, BlockId at, std::vector<Op>* ops) {
    for (size_t k = 0; k < c_.nest.size(); ++k) {
      if (c_.nest[k].entry.block != b) continue;
      to_->blocks[at].ops = std::move(*ops);
      inner_rows(k, at);
      *ops = std::move(to_->blocks[at].ops);
    }
  }

  void copy_block(BlockId b) {
    BlockId at = block_[b];
    const Block& old = from_.blocks[b];
    std::vector<ValueId> params;
    for (ValueId v : old.params) params.push_back(map_[v]);
    to_->blocks[at].params = std::move(params);
    to_->blocks[at].loop_header = old.loop_header;
    if (old.on_error.valid() && block_.count(old.on_error.block)) {
      Edge handler = edge(old.on_error);
      to_->blocks[at].on_error = std::move(handler);
    }
    const Candidate& innermost = level(c_.nest.size());
    if (c_.checked && b == from_.blocks[innermost.header].term().targets[0].block) name_round(at);
    std::vector<Op> ops = std::move(to_->blocks[at].ops);
    for (size_t k = 0; k < old.ops.size(); ++k) {
      if (old.ops[k].has(Term)) bounds_of_nest(b, at, &ops);
      if (is_quotient(old.ops[k])) {
        multiply_divisor(old.ops[k], at, &ops);
        continue;
      }
      Op made = old.ops[k];
      ValueId stop = stop_of(b, k);
      for (size_t i = 0; i < made.args.size(); ++i) made.args[i] = stop != kNoId && i == 1 ? stop : map(made.args[i]);
      for (ValueId& v : made.results) v = map_[v];
      for (size_t t = 0; t < made.targets.size(); ++t) made.targets[t] = block_.count(old.ops[k].targets[t].block) ? target(b, t, old.ops[k].targets[t]) : Edge{done_, {}};
      ops.push_back(std::move(made));
    }
    to_->blocks[at].ops = std::move(ops);
  }

  bool is_quotient(const Op& op) const {
    return (op.code == OpCode::FloorDiv || op.code == OpCode::Select) && std::any_of(c_.carried.begin(), c_.carried.end(), [&](const Carried& k) {
             return std::find(k.quotients.begin(), k.quotients.end(), op.result()) != k.quotients.end();
           });
  }

  // a // x becomes a * x, or 0 from where that is no int; a divisor that is not positive is an error, and so is zero: select(x != 0, a // x, 0).
  void multiply_divisor(const Op& op, BlockId at, std::vector<Op>* ops) {
    TypeRef type = from_.type_of(op.result());
    if (op.code == OpCode::Select) {
      Op& guard = ops->emplace_back();
      guard.code = OpCode::Guard;
      guard.args = {map(op.args[0])};
      guard.loc = op.loc;
      guard.sym = "PrangeDivisor";
      ops->push_back(op);
      ops->back().args = {map(op.args[0]), map(op.args[1]), map(op.args[1])};
      ops->back().results = {map_[op.result()]};
      return;
    }
    auto add = [&](OpCode code, std::vector<ValueId> args, TypeRef result) -> Op& {
      Op& made = ops->emplace_back();
      made.code = code;
      made.args = std::move(args);
      made.loc = op.loc;
      if (result) made.results.push_back(to_->add_value(result, at));
      return made;
    };
    ValueId product = map(op.args[0]), divisor = map(op.args[1]);
    ValueId zero = add(OpCode::Const, {}, type).result(), positive = add(OpCode::Gt, {divisor, zero}, pybool()).result();
    add(OpCode::Guard, {positive}, nullptr).sym = "PrangeDivisor";
    Op& times = add(OpCode::MulOvf, {product, divisor}, type);
    ValueId more = times.result(), flag = to_->add_value(pybool(), at);
    times.results.push_back(flag);
    ops->push_back(op);
    ops->back().code = OpCode::Select;
    ops->back().args = {flag, zero, more};
    ops->back().results = {map_[op.result()]};
  }

  void enter(Builder& b) {
    b.set_block(0);
    std::vector<ValueId> args(from_.blocks[c_.header].params.size(), kNoId);
    args[c_.counter] = start_;
    size_t first = accumulators_.size() - c_.carried.size();
    for (size_t k = 0; k < c_.carried.size(); ++k) args[c_.carried[k].param] = accumulators_[first + k];
    b.jump(block_[c_.header], args);
  }

  void finish() {
    Builder b(to_);
    b.set_block(done_);
    std::vector<ValueId> values;
    if (accumulators_.size() > c_.carried.size()) {
      ValueId some = b.emit(OpCode::Lt, {from_round_, to_round_}, pybool());
      values.push_back(b.emit(OpCode::Select, {some, to_round_, accumulators_[0]}, pyint()));
    }
    for (const Carried& k : c_.carried) values.push_back(map_[from_.blocks[c_.header].params[k.param]]);
    ValueId result = pack(b, values, types_);
    b.ret(result);
  }

  Function& from_;
  const Candidate& c_;
  const DefUse& uses_;
  Ranges ranges_;
  Function* to_ = nullptr;
  std::vector<ValueId> map_;
  std::unordered_map<BlockId, BlockId> block_;
  std::vector<std::pair<ValueId, ValueId>> captured_;
  std::vector<TypeRef> types_;
  std::vector<ValueId> accumulators_, arrays_;
  ValueId start_ = kNoId, stop_ = kNoId;               // of the loop's counter
  ValueId from_round_ = kNoId, to_round_ = kNoId;      // the part; the same without a nest
  std::vector<ValueId> sizes_, starts_, stops_;        // of a nest
  BlockId done_ = kNoId;
};

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

void make_combine(Program& p, const Function& f, const Analyses& a, const Candidate& c, const std::vector<TypeRef>& types, const std::string& name) {
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
  size_t first = types.size() - c.carried.size();
  ValueId later = first ? b.emit(OpCode::Gt, {y[0], x[0]}, pybool()) : kNoId;
  if (first) values.push_back(b.emit(OpCode::Select, {later, y[0], x[0]}, pyint()));
  for (size_t k = 0; k < c.carried.size(); ++k) {
    size_t i = first + k;
    const Carried& one = c.carried[k];
    const Op* set = one.set == kNoId ? nullptr : a.uses.def_op(f, one.set);
    if (one.how == Combine::With) {
      size_t e = first + one.with;
      ValueId better = b.emit(c.carried[one.with].how == Combine::Min ? OpCode::Lt : OpCode::Gt, {y[e], x[e]}, pybool());
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

bool find_steps(const Candidate& c, const std::vector<TypeRef>& types, int64_t* steps) {
  if (types.size() != c.carried.size()) return false;
  for (size_t k = 0; k < types.size(); ++k)
    if (!add_step(c.carried[k].how, types[k], k, steps)) return *steps = 0, false;
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

Results combine_results(Program& p, const Function& f, const Analyses& a, const Candidate& c, const std::vector<TypeRef>& types, const std::string& name) {
  Results r;
  std::string combine;
  if (!types.empty() && !find_steps(c, types, &r.steps)) make_combine(p, f, a, c, types, combine = name + ".combine");
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

}  // namespace

void outline(Program& p, Function& f, const Analyses& a, const Candidate& c, const std::string& name, int64_t schedule) {
  Outline body(p, f, a, c, name);
  body.run();
  const std::vector<TypeRef>& types = body.types();
  Results results = combine_results(p, f, a, c, types, name);
  forget_in_states(f, c);
  std::vector<ValueId> params = f.blocks[c.header].params, captured = body.captured();
  Op mark = *c.mark, exit = f.blocks[c.header].term();
  Edge leave = exit.targets[1];
  std::vector<Op> rest = std::move(f.blocks[c.header].ops);
  rest.pop_back();
  Block& h = f.blocks[c.header];
  h.ops.clear();
  h.state.reset();
  h.loop_header = false;
  h.on_error = c.on_error;

  Builder b(&f);
  b.set_block(c.header);
  b.set_loc(mark.loc);
  ValueMap map(f.values.size());
  ValueId begin = c.start, end_of_all = c.stop;
  if (!c.nest.empty()) {
    begin = b.const_int(0);
    end_of_all = length_of(b, c.start, c.stop);
    for (const Candidate& inner : c.nest) end_of_all = b.emit(OpCode::Mul, {end_of_all, length_of(b, inner.start, inner.stop)}, pyint());
  }
  std::vector<ValueId> args{begin, end_of_all, mark.args[1], mark.args[2], count_items(b, f, c)}, initial;
  args.insert(args.end(), captured.begin(), captured.end());
  for (const PrivateArray& one : c.arrays) args.push_back(one.array);
  size_t first = types.size() - c.carried.size();
  if (first) initial.push_back(b.const_int(kNoRound));
  for (const Carried& k : c.carried) initial.push_back(params[k.param]);
  if (first) args.push_back(initial[0]);
  for (size_t k = 0; k < c.carried.size(); ++k) args.push_back(neutral(b, c.carried[k], types[first + k], initial[first + k]));
  args.insert(args.end(), initial.begin(), initial.end());

  Op& made = b.op(OpCode::ParFor, {});
  made.sym = name;
  made.names = results.functions;
  made.ints = {schedule, static_cast<int64_t>(captured.size()), static_cast<int64_t>(c.arrays.size()), static_cast<int64_t>(types.size()),
               results.steps, results.array_steps, results.array_ranks};
  std::vector<ValueId> last;
  for (TypeRef t : types) last.push_back(b.add_result(t));
  size_t at = f.blocks[c.header].ops.size() - 1;
  ValueId some = b.emit(OpCode::Lt, {c.start, c.stop}, pybool());
  ValueId end = b.emit(OpCode::Select, {some, c.stop, c.start}, pyint());
  map.grow(f.values.size());
  map.replace(f, params[c.counter], end);
  for (size_t k = 0; k < c.carried.size(); ++k) map.replace(f, params[c.carried[k].param], last[first + k]);
  for (Op& op : rest) f.blocks[c.header].ops.push_back(std::move(op));
  b.op(OpCode::Jump, {}).targets.push_back(std::move(leave));
  map.apply(f);
  f.blocks[c.header].ops[at].args = std::move(args);
  remove_unreachable(f);
}

}  // namespace coluber::ir::parallel
