// Part of parallel: the rounds of a loop, or of neighbouring ones that are one (parallel_together.cc), as a function
//
//   body(start, stop, captured..., accumulators...) -> accumulators     the loop from start to stop, which lie within the whole loop's
//
// Values from outside that are cheap to make again (constants, sizes of arrays, sums of such) are made again, so that what is proved of the counter
// and the sizes of arrays holds inside, too. For the same reason arrays that were found to have the sizes of others are put together anew of these.
//
// Of several loops a round is the first one's and then the next one's; or there are pieces, small enough for what the first one stores to be near when the
// next one reads it, in which the loops stand one after the other as they were, so that they vectorise as before.
#include "ir/passes/parallel_body.h"

#include <algorithm>

#include "ir/analysis/ranges.h"
#include "ir/passes/rewrite.h"

namespace coluber::ir::parallel {
namespace {

constexpr int64_t kPiece = 512;            // rounds that only compute: a few KB of each array

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

class Outline {
 public:
  Outline(Program& p, Function& from, const Analyses& a, const Together& t, const Accumulators& all, const std::string& name)
      : from_(from), t_(t), loops_(t.loops), c_(t.loops[0]), all_(all), uses_(a.uses), dom_(a.dom), ranges_(from, a.cfg, a.dom, a.uses),
        map_(from.values.size(), kNoId) {
    p.functions.push_back(std::make_unique<Function>());
    to_ = p.functions.back().get();
    to_->name = name;
    to_->typed = to_->by_cells = true;
    to_->result = packed(all_.types);
    to_->locs = from.locs;
    to_->scopes = from.scopes;
    if (to_->scopes.empty()) to_->scopes.push_back(Scope{-1, from.name, {}, kNoId, 0});
    to_->add_block();
  }

  void run() {
    ValueId start = to_->add_value(pyint(), 0), stop = to_->add_value(pyint(), 0);
    for (TypeRef t : all_.types) accumulators_.push_back(to_->add_value(t, 0));
    for (const PrivateArray& one : c_.arrays) {
      map_[one.array] = to_->add_value(from_.type_of(one.array), 0, from_.values[one.array].name);
      arrays_.push_back(map_[one.array]);
    }
    for (const Candidate& c : loops_)
      for (BlockId b : c.blocks) define_block(b);
    Builder entry(to_);
    entry.set_block(0);
    from_round_ = start_ = start;
    to_round_ = stop_ = stop;
    if (!c_.nest.empty()) outer_rows(entry);
    clamp(entry, &start_, map(c_.start), true);
    clamp(entry, &stop_, map(c_.stop), false);
    if (c_.nest.empty()) from_round_ = start_, to_round_ = stop_;
    done_ = to_->add_block();
    if (loops_.size() > 1) {
      several(entry);
    } else {
      for (BlockId b : c_.blocks) copy_block(c_, b, done_);
      enter(c_, entry, start_, accumulators_);
      finish(values_of(c_));
    }
    if (!answered_.empty()) {
      ValueMap answers(to_->values.size());
      for (auto [check, index] : answered_) answers.replace(*to_, check, index);
      answers.apply(*to_);
    }
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

  bool outside(ValueId v) const {
    return std::none_of(loops_.begin(), loops_.end(), [&](const Candidate& c) { return c.contains(from_.values[v].block); });
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
      bool reachable = !own && other < from_.values.size() && outside(other) &&
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

  Edge target(const Candidate& c, BlockId b, size_t t, const Edge& e, BlockId done) {
    if (merged_ && e.block == c.header) {
      Edge end{done, {}};
      for (const Carried& k : c.carried) end.args.push_back(map(e.args[k.param]));
      return end;
    }
    Edge made = edge(e);
    for (size_t k = 0; k < c_.nest.size(); ++k)
      if (c_.nest[k].entry.block == b && c_.nest[k].entry.index == t) made.args[c_.nest[k].counter] = starts_[k];
    return made;
  }

  // The end of the part, where op k of the block is the test of a loop.
  ValueId stop_of(const Candidate& c, BlockId b, size_t k) const {
    if (b == c.header && k == c.test) return stop_;
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

  // done: where the loop's way out leads; of rounds that are merged, where they end, with what the loop carries.
  void copy_block(const Candidate& c, BlockId b, BlockId done) {
    BlockId at = block_[b];
    const Block& old = from_.blocks[b];
    const bool header = b == c.header;
    std::vector<ValueId> params;
    for (ValueId v : old.params) params.push_back(map_[v]);
    to_->blocks[at].params = std::move(params);
    to_->blocks[at].loop_header = old.loop_header && !(header && merged_);
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
      if (is_answered(c, b, k)) {          // in front of the loops
        if (!old.ops[k].results.empty()) answered_.emplace_back(map_[old.ops[k].result()], map(old.ops[k].args[0]));
        continue;
      }
      Op made = old.ops[k];
      ValueId stop = stop_of(c, b, k);
      for (size_t i = 0; i < made.args.size(); ++i) made.args[i] = stop != kNoId && i == 1 ? stop : map(made.args[i]);
      for (ValueId& v : made.results) v = map_[v];
      for (size_t t = 0; t < made.targets.size(); ++t) made.targets[t] = block_.count(old.ops[k].targets[t].block) ? target(c, b, t, old.ops[k].targets[t], done) : Edge{done, {}};
      if (header && merged_ && made.has(Term)) {
        made.code = OpCode::Jump;          // the round is known to be one
        made.args.clear();
        made.targets.resize(1);
      }
      if (made.code == OpCode::Jump && goes_back(b, old.ops[k].targets[0].block)) made.imm |= (t_.seldom ? 1 : 0) | (independent_ ? 2 : 0);
      if (independent_ && (made.code == OpCode::ArrayLoad || made.code == OpCode::ArrayStore)) made.imm = 1;
      ops.push_back(std::move(made));
    }
    to_->blocks[at].ops = std::move(ops);
  }

  bool goes_back(BlockId from, BlockId to) const { return from_.blocks[to].loop_header && dom_.dominates(to, from); }

  static bool is_answered(const Candidate& c, BlockId b, size_t k) {
    return std::any_of(c.answered.begin(), c.answered.end(), [&](const Position& p) { return p.block == b && p.op == k; });
  }

  bool is_quotient(const Op& op) const {
    return (op.code == OpCode::FloorDiv || op.code == OpCode::Select) && std::any_of(all_.carried.begin(), all_.carried.end(), [&](const Carried& k) {
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

  // ---- ways in and out

  // Jumps to a loop; `values`: all accumulators.
  void enter(const Candidate& c, Builder& b, ValueId start, const std::vector<ValueId>& values) {
    std::vector<ValueId> args(from_.blocks[c.header].params.size(), kNoId);
    args[c.counter] = start;
    for (size_t k = 0; k < all_.carried.size(); ++k)
      if (&loops_[all_.carried[k].loop] == &c) args[all_.carried[k].param] = values[all_.first() + k];
    b.jump(block_[c.header], args);
  }

  // What the loop's accumulators are at its end; empty for those of others.
  std::vector<ValueId> values_of(const Candidate& c) const {
    std::vector<ValueId> values;
    for (const Carried& k : all_.carried) values.push_back(&loops_[k.loop] == &c ? map_[from_.blocks[c.header].params[k.param]] : kNoId);
    return values;
  }

  void finish(std::vector<ValueId> values) {
    Builder b(to_);
    b.set_block(done_);
    if (all_.rounds) {
      ValueId some = b.emit(OpCode::Lt, {from_round_, to_round_}, pybool());
      values.insert(values.begin(), b.emit(OpCode::Select, {some, to_round_, accumulators_[0]}, pyint()));
    }
    ValueId result = pack(b, values, all_.types);
    b.ret(result);
  }

  // ---- several loops
  //
  //   ^head(%p, accumulators...): br (lt %p, %stop), ^round, ^done
  // merged      ^round: a round of the first one    ^next: one of the second    ^next': jump ^head(%p + 1, accumulators...)
  // in pieces   ^round: the first loop from %p to %end = min(%p + 512, %stop)    ^next: the second one    ^next': jump ^head(%end, accumulators...)

  static bool works_long(const Op& op) {
    return op.code == OpCode::Call || op.code == OpCode::Elementwise || op.code == OpCode::ArrayAssign || op.code == OpCode::Alloc;
  }

  // Rounds that have loops of their own are merged, and those of loops that all are one block and cannot raise, since these vectorise together as well as
  // apart.
  bool find_merged() {
    bool straight = true;
    for (const Candidate& c : loops_) {
      straight = straight && c.blocks.size() == 2 && !c.raises;
      for (BlockId b : c.blocks) {
        if (b != c.header && from_.blocks[b].loop_header) return true;
        if (std::any_of(from_.blocks[b].ops.begin(), from_.blocks[b].ops.end(), works_long)) return true;
      }
    }
    return straight;
  }

  bool find_independent() const {
    for (const Candidate& c : loops_)
      for (BlockId b : c.blocks) {
        if (b != c.header && from_.blocks[b].loop_header) return false;
        if (std::any_of(from_.blocks[b].ops.begin(), from_.blocks[b].ops.end(), works_long)) return false;     // memory of a round may be the next one's
      }
    return t_.independent;
  }

  std::vector<ValueId> without_round(const std::vector<ValueId>& values) const {
    return {values.begin() + static_cast<std::ptrdiff_t>(all_.first()), values.end()};
  }

  // How far the next piece goes: p + that has to be a number.
  ValueId size_of_piece(Builder& b, ValueId part_stop) {
    ValueId one = b.const_int(1);
    if (merged_) return one;
    ValueId near = b.emit(OpCode::Gt, {part_stop, b.const_int(INT64_MAX - kPiece)}, pybool());
    return b.emit(OpCode::Select, {near, one, b.const_int(kPiece)}, pyint());
  }

  void several(Builder& b) {
    merged_ = find_merged();
    independent_ = find_independent();
    ValueId size = size_of_piece(b, stop_), part_start = start_, part_stop = stop_;
    BlockId head = to_->add_block(), round = to_->add_block();
    b.set_block(head);
    to_->blocks[head].loop_header = true;
    ValueId at = b.param(pyint()), first = at;
    std::vector<ValueId> values(all_.first(), kNoId);
    for (size_t k = all_.first(); k < all_.types.size(); ++k) values.push_back(b.param(all_.types[k]));
    const std::vector<ValueId> last = without_round(values);
    b.br(b.emit(OpCode::Lt, {at, part_stop}, pybool()), round, done_);
    b.set_block(round);
    if (merged_) {
      stop_ = b.emit(OpCode::Add, {at, size}, pyint(), 1);
    } else {
      clamp(b, &first, part_start, true);
      ValueId end = b.emit(OpCode::Add, {first, size}, pyint());
      stop_ = b.emit(OpCode::Select, {b.emit(OpCode::Lt, {end, part_stop}, pybool()), end, part_stop}, pyint());
    }
    for (const Candidate& c : loops_) {
      BlockId behind = to_->add_block();
      for (BlockId block : c.blocks) copy_block(c, block, behind);
      enter(c, b, first, values);
      b.set_block(behind);
      for (size_t k = 0; k < all_.carried.size(); ++k) {
        const Carried& one = all_.carried[k];
        if (&loops_[one.loop] != &c) continue;
        ValueId param = from_.blocks[c.header].params[one.param];
        values[all_.first() + k] = merged_ ? b.param(from_.type_of(param)) : map_[param];
      }
    }
    b.jump(head, before(stop_, without_round(values)));
    to_->blocks[b.block()].term().imm = merged_ && independent_ ? 2 : 0;
    b.set_block(0);                        // more values may have been made there meanwhile
    b.jump(head, before(part_start, without_round(accumulators_)));
    finish(last);
  }

  static std::vector<ValueId> before(ValueId first, std::vector<ValueId> rest) {
    rest.insert(rest.begin(), first);
    return rest;
  }

  Function& from_;
  const Together& t_;
  const std::vector<Candidate>& loops_;
  const Candidate& c_;                     // the first one; the only one where it is a nest or has arrays
  const Accumulators& all_;
  const DefUse& uses_;
  const DomTree& dom_;
  Ranges ranges_;
  Function* to_ = nullptr;
  std::vector<ValueId> map_;
  std::unordered_map<BlockId, BlockId> block_;
  std::vector<std::pair<ValueId, ValueId>> captured_;
  std::vector<std::pair<ValueId, ValueId>> answered_;  // results of checks that are superfluous, and what was checked
  std::vector<ValueId> accumulators_, arrays_;
  ValueId start_ = kNoId, stop_ = kNoId;               // of the loop's counter
  ValueId from_round_ = kNoId, to_round_ = kNoId;      // the part; the same without a nest
  std::vector<ValueId> sizes_, starts_, stops_;        // of a nest
  bool merged_ = false, independent_ = false;          // of several loops: round by round; see Together
  BlockId done_ = kNoId;
};

}  // namespace

Accumulators accumulators_of(const Function& f, const Together& t) {
  Accumulators all;
  for (size_t k = 0; k < t.loops.size(); ++k) {
    size_t before = all.carried.size();
    for (Carried one : t.loops[k].carried) {
      one.loop = k;
      if (one.how == Combine::With) one.with += before;
      all.rounds |= one.how == Combine::Last;
      all.carried.push_back(std::move(one));
    }
  }
  if (all.rounds) all.types.push_back(pyint());
  for (const Carried& k : all.carried) all.types.push_back(f.type_of(f.blocks[t.loops[k.loop].header].params[k.param]));
  return all;
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

std::vector<ValueId> make_body(Program& p, Function& from, const Analyses& a, const Together& t, const Accumulators& all, const std::string& name) {
  Outline body(p, from, a, t, all, name);
  body.run();
  return body.captured();
}

}  // namespace coluber::ir::parallel
