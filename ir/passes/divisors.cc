// Divisors: floor divisions of int64 in a loop by a number that the loop does not change become multiplications, if the divisor is positive.
//
//   before   ^2:  ... %q = floordiv %x, %d ...           %d from outside of the loop
//   after    ^P:  %k = ge %d, 1    %p = select %k, %d, 1    %m = call.rt coluber_reciprocal %p    %s = 64 - clz(%p - 1)        in front of the loop
//            ^2:  ... br %k, ^4, ^5
//            ^4:  %h = shr %x, 63    %t = umulh(%m, (%x ^ %h) << 1) >> %s    jump ^6(%t ^ %h)
//            ^5:  jump ^6(floordiv %x, %d)               ^6(%q): ...
//
// The method is Granlund and Montgomery's (1994): with l the bits of d - 1 and m = ceil(2**(63 + l) / d), which has 64 bits, m * x >> (63 + l) is x // d for
// all 0 <= x < 2**63. A negative x goes by ~(~x // d). mod with the same operands is what is left over. A division takes 10 to 40 cycles, this 7.
//
// Of nested loops it is the outermost that does not change the divisor in front of which the reciprocal is made. Constants are LLVM's to do.
// Requires typed IR without reference counts, and goes behind passes that want to see divisions.
#include <algorithm>
#include <map>
#include <optional>

#include "ir/analysis/loops.h"
#include "ir/builder.h"
#include "ir/passes/manager.h"

namespace coluber::ir {
namespace {

bool is_long(TypeRef t) { return t->is(Kind::PyInt) || t->is(Kind::Int64); }

bool divides(const Function& f, const Op& op) {
  return (op.code == OpCode::FloorDiv || op.code == OpCode::Mod) && is_long(f.type_of(op.args[0])) && is_long(f.type_of(op.args[1])) &&
         is_long(f.type_of(op.result()));
}

bool may_trap(OpCode code) {
  return code == OpCode::FloorDiv || code == OpCode::Mod || code == OpCode::TruncDiv || code == OpCode::TruncRem;
}

// A division by what is no constant, in a function with loops.
bool may_gain(const Function& f) {
  std::vector<uint8_t> constant(f.values.size(), 0);
  bool loops = false, any = false;
  for (const Block& b : f.blocks) {
    loops |= b.loop_header;
    for (const Op& op : b.ops)
      if (op.code == OpCode::Const) constant[op.result()] = 1;
  }
  for (const Block& b : f.blocks)
    for (const Op& op : b.ops) any |= loops && divides(f, op) && !constant[op.args[1]];
  return any;
}

class Divisors {
  static constexpr int kDeep = 4;

 public:
  explicit Divisors(Function& f) : f_(f), cfg_(f), dom_(f, cfg_), loops_(f, cfg_, dom_), defs_(f.values.size()) {
    for (const Value& v : f.values) home_.push_back(v.block);
    for (const Block& b : f.blocks)
      for (const Op& op : b.ops)
        if (op.has(Pure) && op.results.size() == 1) defs_[op.result()] = op;      // only these are looked at
  }

  void run() {
    if (loops_.irreducible()) return;
    const BlockId blocks = static_cast<BlockId>(f_.blocks.size());
    // Reciprocals first: they want the edges into the loops as the analysis knows them.
    for (BlockId b = 0; b < blocks; ++b)
      if (loops_.loop_of(b) != kNoId) prepare(b);
    if (reciprocals_.empty()) return;
    for (BlockId b = 0; b < blocks; ++b)
      if (loops_.loop_of(b) != kNoId) rewrite(b);
  }

 private:
  // What is made once in front of a loop.
  struct Reciprocal {
    ValueId positive, factor, shift;
  };

  // The outermost loop around b that does not change d, a number that is no constant; kNoId: there is none.
  LoopId outermost(BlockId b, ValueId d) const {
    LoopId found = kNoId;
    if (is_constant(d)) return kNoId;
    for (LoopId id = loops_.loop_of(b); id != kNoId && unchanged(id, d, kDeep); id = loops_.loops()[id].parent)
      if (enters_by_jumps(id)) found = id;
    return found;
  }

  // From outside of the loop, or computed in it from such numbers alone (a divisor of NumPy's: d == 0 ? 1 : d).
  bool unchanged(LoopId id, ValueId v, int deep) const {
    if (v >= home_.size()) return false;
    if (!loops_.contains(id, home_[v])) return true;
    const std::optional<Op>& op = defs_[v];
    bool repeatable = op && deep > 0 && op->targets.empty() && is_number(f_.type_of(v)) && !may_trap(op->code);
    return repeatable &&
           std::all_of(op->args.begin(), op->args.end(), [&](ValueId arg) { return unchanged(id, arg, deep - 1); });
  }

  // v, computed once more where b appends.
  ValueId in_front(Builder& b, LoopId id, ValueId v) {
    if (!loops_.contains(id, home_[v])) return v;
    Op copy = *defs_[v];
    for (ValueId& arg : copy.args) arg = in_front(b, id, arg);
    copy.results = {f_.add_value(f_.type_of(v), b.block())};
    f_.blocks[b.block()].ops.push_back(std::move(copy));
    return f_.blocks[b.block()].ops.back().result();
  }

  bool is_constant(ValueId v) const { return v < defs_.size() && defs_[v] && defs_[v]->code == OpCode::Const; }

  bool enters_by_jumps(LoopId id) const {
    const std::vector<Pred>& entries = loops_.loops()[id].entries;
    return !entries.empty() && std::none_of(entries.begin(), entries.end(), [](const Pred& p) { return p.error(); });
  }

  void prepare(BlockId b) {
    for (size_t k = 0; k < f_.blocks[b].ops.size(); ++k) {         // a preheader may be a block of an outer loop
      const Op& op = f_.blocks[b].ops[k];
      if (!divides(f_, op) || is_constant(op.args[0])) continue;
      if (LoopId loop = outermost(b, op.args[1]); loop != kNoId) make_reciprocal(loop, op.args[1]);
    }
  }

  void make_reciprocal(LoopId id, ValueId d) {
    auto [it, made] = reciprocals_.try_emplace({id, d});
    if (!made) return;
    auto [at, first] = preheaders_.try_emplace(id, kNoId);
    if (first) at->second = add_preheader(f_, loops_.loops()[id]);
    std::vector<Op>& ops = f_.blocks[at->second].ops;
    Op jump = std::move(ops.back());
    ops.pop_back();
    Builder b(&f_);
    b.set_block(at->second);
    b.set_loc(jump.loc);
    d = in_front(b, id, d);
    TypeRef t = f_.type_of(d), wide = scalar(Kind::UInt64);
    ValueId one = b.const_int(1, t);
    Reciprocal r;
    r.positive = b.emit(OpCode::Ge, {d, one}, pybool());
    ValueId divisor = b.emit(OpCode::Select, {r.positive, d, one}, t);
    r.factor = b.emit(OpCode::Cast, {b.emit(OpCode::CallRt, {divisor}, pyint(), 0, "coluber_reciprocal")}, wide);
    ValueId zeros = b.emit(OpCode::Math, {b.emit(OpCode::Sub, {divisor, one}, t)}, t, 0, "clz");
    r.shift = b.emit(OpCode::Cast, {b.emit(OpCode::Sub, {b.const_int(64, t), zeros}, t)}, wide);
    f_.blocks[at->second].ops.push_back(std::move(jump));
    it->second = r;
  }

  // b and what is split off it: each division divides a block in two, with the ways to the quotient in between.
  void rewrite(BlockId at) {
    BlockId b = at;
    std::map<std::pair<ValueId, ValueId>, ValueId> quotients;
    for (size_t k = 0; k < f_.blocks[b].ops.size(); ++k) {
      const Op& op = f_.blocks[b].ops[k];
      if (!divides(f_, op) || op.args[1] >= home_.size()) continue;
      ValueId x = op.args[0], d = op.args[1];
      auto known = quotients.find({x, d});
      if (known == quotients.end()) {
        LoopId loop = is_constant(x) ? kNoId : outermost(at, d);
        if (loop == kNoId) continue;
        BlockId rest = divide(b, k, reciprocals_.at({loop, d}));
        known = quotients.emplace(std::pair{x, d}, f_.blocks[rest].params[0]).first;
        b = rest;
        k = 0;
      }
      k += replace(b, k, known->second);
    }
  }

  // Ops from k on go to a block of their own, which takes the quotient.
  BlockId divide(BlockId b, size_t k, const Reciprocal& r) {
    BlockId fast = f_.add_block(), slow = f_.add_block(), rest = f_.add_block();
    Block &from = f_.blocks[b], &to = f_.blocks[rest];
    to.ops.assign(std::make_move_iterator(from.ops.begin() + static_cast<std::ptrdiff_t>(k)), std::make_move_iterator(from.ops.end()));
    from.ops.resize(k);
    to.on_error = from.on_error;
    for (const Op& op : to.ops)
      for (ValueId v : op.results) f_.values[v].block = rest;
    const Op& division = to.ops.front();
    ValueId x = division.args[0], d = division.args[1];
    TypeRef t = f_.type_of(division.result()), given = f_.type_of(x), wide = scalar(Kind::UInt64);
    uint32_t loc = division.loc;
    Builder build(&f_);
    build.set_loc(loc);
    build.set_block(rest);
    build.param(t);
    build.set_block(b);
    build.br(r.positive, fast, slow);
    build.set_block(fast);
    ValueId sign = build.emit(OpCode::Shr, {x, build.const_int(63, given)}, given);
    ValueId magnitude = build.emit(OpCode::Cast, {build.emit(OpCode::Xor, {x, sign}, given)}, wide);
    ValueId doubled = build.emit(OpCode::Shl, {magnitude, build.const_int(1, wide)}, wide);
    ValueId high = build.emit(OpCode::Math, {doubled, r.factor}, wide, 0, "umulh");
    ValueId whole = build.emit(OpCode::Cast, {build.emit(OpCode::Shr, {high, r.shift}, wide)}, t);
    ValueId back = f_.type_of(sign) == t ? sign : build.emit(OpCode::Cast, {sign}, t);
    build.jump(rest, {build.emit(OpCode::Xor, {whole, back}, t)});
    build.set_block(slow);
    build.jump(rest, {build.emit(OpCode::FloorDiv, {x, d}, t)});
    return rest;
  }

  // The division at k is the quotient, or what it leaves. How many ops more there are.
  size_t replace(BlockId b, size_t k, ValueId quotient) {
    std::vector<Op>& ops = f_.blocks[b].ops;
    Op op = std::move(ops[k]);
    TypeRef t = f_.type_of(op.result());
    std::vector<Op> made;
    auto emit = [&](OpCode code, std::vector<ValueId> args, ValueId result) {
      Op& o = made.emplace_back();
      o.code = code;
      o.args = std::move(args);
      o.loc = op.loc;
      o.results = {result};
      return result;
    };
    auto of_type = [&](ValueId v) { return f_.type_of(v) == t ? v : emit(OpCode::Cast, {v}, f_.add_value(t, b)); };
    if (op.code == OpCode::FloorDiv) {
      emit(OpCode::Cast, {quotient}, op.result());
    } else {
      ValueId product = emit(OpCode::Mul, {of_type(quotient), of_type(op.args[1])}, f_.add_value(t, b));
      emit(OpCode::Sub, {of_type(op.args[0]), product}, op.result());
    }
    ops[k] = std::move(made.front());
    ops.insert(ops.begin() + static_cast<std::ptrdiff_t>(k) + 1, std::make_move_iterator(made.begin() + 1), std::make_move_iterator(made.end()));
    return made.size() - 1;
  }

  Function& f_;
  Cfg cfg_;
  DomTree dom_;
  LoopInfo loops_;
  std::vector<std::optional<Op>> defs_;     // by value: what defined it at first, and where
  std::vector<BlockId> home_;
  std::map<std::pair<LoopId, ValueId>, Reciprocal> reciprocals_;
  std::map<LoopId, BlockId> preheaders_;
};

}  // namespace

void run_divisors(Function& f, const PassOptions&) {
  if (f.typed && may_gain(f)) Divisors(f).run();
}

}  // namespace coluber::ir
