// Bounds of values over all turns of a loop nest, as ops that can run in front of it.
#pragma once
#include <map>
#include <optional>

#include "ir/passes/guards.h"

namespace coluber::ir::guards {

// v + k, or k when there is no v; it is only right when none of the overflow flags in `flags` is set.
struct Bound {
  ValueId v = kNoId;
  Wide k = 0;
  std::vector<ValueId> flags;
  bool is_const() const { return v == kNoId; }
};
using MaybeBound = std::optional<Bound>;

// What must hold for a check to be superfluous throughout.
struct Condition {
  std::vector<ValueId> all;                // pybool, each must be true
  std::vector<ValueId> flags;              // overflow flags, each must be false
};

class LoopBounds {
 public:
  // `entry`: values that stand for the parameters of the loop's header when it is entered.
  LoopBounds(Function& f, Analyses& a, LoopId loop, std::vector<ValueId> entry) : f_(f), a_(a), loop_(loop), entry_(std::move(entry)) {}

  // False when there is no way to tell, or when it is known to fail. Appends to *c.
  bool index(const Op& check, Place at, bool* wraps, Condition* c);
  bool guard(ValueId cond, bool truth, Place at, Condition* c, int depth = 0);

  // The ops that compute all this; their values have no block yet.
  std::vector<Op> take_code() { return std::move(code_); }
  ValueId emit(OpCode code, std::vector<ValueId> args, TypeRef type, int64_t imm = 0);
  ValueId whole(const Condition& c);       // kNoId: it always holds
  static void append(Condition* to, const Condition& from);

 private:
  struct Key {
    uint32_t node;
    BlockId block;
    bool upper;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key& k) const { return (size_t{k.node} << 33) ^ (size_t{k.block} << 1) ^ k.upper; }
  };

  MaybeBound bound(uint32_t node, bool upper, Place at);
  MaybeBound compute(uint32_t node, bool upper, Place at);
  MaybeBound by_op(const Op& op, bool upper, Place at);
  MaybeBound by_arith(const Op& op, bool upper, Place at);
  MaybeBound product(const Op& op, bool upper, Place at);
  MaybeBound by_select(const Op& op, bool upper, Place at);
  MaybeBound by_facts(uint32_t node, bool upper, Place at);
  MaybeBound by_counting(ValueId param, bool upper);
  bool invariant(ValueId v) const { return !a_.loops.contains(loop_, f_.values[v].block); }
  bool not_negative(ValueId v, Place at) { return a_.ranges.at_least(v, 0, at); }

  ValueId constant(Wide k);
  MaybeBound solid(const Bound& b);        // with k = 0
  Bound plain(ValueId v);
  MaybeBound add(const Bound& x, const Bound& y);
  MaybeBound subtract(const Bound& x, const Bound& y);
  MaybeBound multiply(const Bound& x, const Bound& y);
  MaybeBound extreme(const Bound& x, const Bound& y, bool upper);
  MaybeBound checked(OpCode code, const Bound& x, const Bound& y);
  static MaybeBound number(Wide k);

  // x <= y + c. 1: surely, 0: surely not, -1: *c says when.
  int at_most(const Bound& x, const Bound& y, int c, Condition* out);
  bool ordered(ValueId x, ValueId y, int c, Place at, Condition* out);       // x <= y + c over all turns
  bool apart(ValueId x, ValueId y, Place at, Condition* out);
  bool different(ValueId x, Wide k, Place at, Condition* out);

  Function& f_;
  Analyses& a_;
  const LoopId loop_;
  const std::vector<ValueId> entry_;
  std::vector<Op> code_;
  std::unordered_map<Key, MaybeBound, KeyHash> known_;
  std::unordered_map<int64_t, ValueId> constants_;
  std::map<std::pair<ValueId, int64_t>, std::pair<ValueId, ValueId>> sums_;  // of a value and a number: sum, overflow
  int depth_ = 0;
};

}  // namespace coluber::ir::guards
