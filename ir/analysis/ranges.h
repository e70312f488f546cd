// What is known of integers: differences of two values, bounded by constants. A question is answered on demand by walking back over what
// defines the values and over the conditions that hold where it is asked (ABCD, Bodik et al. 2000), within a budget; nothing is computed ahead
// except the list of conditions. Answers are about mathematical integers: an add that may wrap says nothing.
#pragma once
#include <deque>
#include <unordered_map>
#include <vector>

#include "ir/analysis/dominators.h"
#include "ir/analysis/uses.h"

namespace coluber::ir {

__extension__ using Wide = __int128;

// In front of op `op` of `block`.
struct Place {
  BlockId block = 0;
  uint32_t op = 0;
};

class Ranges {
 public:
  static constexpr ValueId kZero = kNoId;  // in place of a value: 0

  // With `trust_guards`, what a guard tests is known behind it.
  Ranges(const Function& f, const Cfg& cfg, const DomTree& dom, const DefUse& uses, bool trust_guards = true);

  // Is x <= y + c, for sure, at `at`?
  bool at_most(ValueId x, ValueId y, Wide c, Place at);
  bool at_least(ValueId x, Wide c, Place at) { return at_most(kZero, x, -c, at); }
  bool nonzero(ValueId x, Place at);
  bool proves(ValueId cond, Place at) { return decides(cond, true, at); }
  bool refutes(ValueId cond, Place at) { return decides(cond, false, at); }

  // Bounds by numbers.
  struct Interval {
    Wide low, high;
  };
  Interval interval(ValueId x, Place at);

  // Equal results mean equal values: sizes of arrays are looked up where the array was made. kZero: no value, 0.
  uint32_t node(ValueId v);
  uint32_t shape_node(ValueId array, int axis);
  // What a node stands for: a value, or (true) the size of an array on an axis.
  bool shape_of(uint32_t node, ValueId* array, int* axis) const;
  // Calls fn(other, c) for each known node <= other + c (upper) or other <= node + c, until it returns true.
  template <class Fn>
  bool any_fact(uint32_t node, bool upper, Place at, Fn fn) {
    if (node == kZero) return false;
    int seen = 0;
    for (uint32_t i = upper ? upper_facts(node) : lower_facts(node); i != kNoId && seen < 12; ++seen) {
      const Fact fact = facts_[i];
      if (holds(fact, at) && fn(upper ? fact.b : fact.a, fact.c)) return true;
      i = upper ? fact.next_a : fact.next_b;
    }
    return false;
  }
  // May an add or sub of a constant leave the range of its type?
  bool never_wraps(const Op& op, Place at);
  // -1: a select of the smaller of its two, 1: of the larger, 0: neither.
  int extreme(const Op& select) const;
  bool constant(ValueId v, int64_t* value) const;
  const Op* def(ValueId v) const { return v < defs_.size() ? defs_[v] : nullptr; }

 private:
  struct Fact {                            // a <= b + c, behind op `op` of block `block` (kHead: from its beginning)
    uint32_t a, b;
    Wide c;
    BlockId block;
    uint32_t op;
    uint32_t next_a, next_b;
    int level;                             // -1; of what is assumed: over how many loops
  };
  struct Active {
    uint32_t x, y;
    Wide c;
  };
  struct Shape {                           // the size of an array on one axis, as a node of its own
    ValueId array;
    int axis;
  };

  void start();
  Interval interval(ValueId x, Place at, int depth);
  void collect(bool trust_guards);
  void learn(ValueId cond, bool truth, BlockId block, uint32_t op, int depth = 0);
  void add_fact(ValueId a, ValueId b, Wide c, BlockId block, uint32_t op);
  bool denied(ValueId v, ValueId by, int depth = 0) const;
  Wide take_step(ValueId* v) const;
  bool holds(const Fact& fact, Place at) const;

  uint32_t merged_shape(ValueId param, int axis);
  uint32_t new_node(ValueId array, int axis);
  bool defined_before(uint32_t node, BlockId b) const;      // outside of b, and dominating it

  bool prove(uint32_t x, uint32_t y, Wide c, Place at);
  bool prove_by_facts(uint32_t x, uint32_t y, Wide c, Place at);
  bool prove_upper(uint32_t x, uint32_t y, Wide c, Place at);         // by what defines x
  bool prove_lower(uint32_t x, uint32_t y, Wide c, Place at);         // by what defines y
  bool prove_param(uint32_t x, uint32_t y, Wide c, bool upper);
  bool prove_select(const Op& op, uint32_t x, uint32_t y, Wide c, Place at, bool upper);
  bool no_wrap(const Op& op, Place at);
  bool sum_fits(const Op& op, Place at);
  bool decides(ValueId cond, bool truth, Place at);
  int parity(ValueId v, int depth) const;                   // 0, 1, or -1: not known
  bool not_below_zero(ValueId v, Place at, int depth);      // of a float: at least 0, or nan

  static constexpr uint32_t kShapes = 1u << 31;             // nodes from here on are sizes of arrays
  // Values that were added to the function later are known by their type alone.
  bool is_value(uint32_t node) const { return node < defs_.size(); }
  bool is_shape(uint32_t node) const { return node >= kShapes && node != kNoId; }
  bool is_param(uint32_t node) const { return is_value(node) && !defs_[node] && f_.values[node].block != 0; }
  const Op* def_of(uint32_t node) const { return is_value(node) ? defs_[node] : nullptr; }
  size_t slot(uint32_t node) const { return is_shape(node) ? defs_.size() + (node - kShapes) : node; }
  uint32_t upper_facts(uint32_t node) const { return is_value(node) || is_shape(node) ? upper_[slot(node)] : kNoId; }
  uint32_t lower_facts(uint32_t node) const { return is_value(node) || is_shape(node) ? lower_[slot(node)] : kNoId; }
  Interval type_range(uint32_t node) const;
  Wide fold(uint32_t* node) const;                          // a constant becomes zero and its value

  const Function& f_;
  const Cfg& cfg_;
  const DomTree& dom_;
  std::vector<const Op*> defs_;
  std::vector<uint32_t> param_index_, node_, upper_, lower_;
  std::vector<Fact> facts_;
  std::vector<Shape> shapes_;              // nodes behind those of the values
  std::unordered_map<uint64_t, uint32_t> shape_nodes_;
  std::vector<Active> active_, path_;      // what is being proved over a loop; what is being asked
  int budget_ = 0, assumed_ = 0;
  ValueId learning_ = kNoId;               // the condition that is known to hold
};

}  // namespace coluber::ir
