// Who holds the references of managed values: what passes/refcount inserts by and the verifier checks by. The scheme:
//
//   A managed value's references belong to its unit. Most values are their own unit. A view that carries all the references of what it
//   views (array.make, array.as, array.owner, ref.cast, payload, tuple.get out of a tuple with one managed item) shares the unit of its operand:
//   moving it moves the operand's reference. A view of a part (tuple.get out of several) is a unit of its own that starts with no
//   reference and lives as long as its base, the operand, does.
//   A pointer into counted memory (owner.data, array.data, list.data and what ptr.add and ptr.cast make of them) has a base as well.
//   The root of a value is the unit at the end of its bases: while the value is used, its root must be held.
//
// Sources of units:
//   Static    str_const, zero, absent, bound: null references, or memory that outlives the code. retain and release do nothing.
//   Borrowed  a function's parameter: the caller holds it during the call; an obj.import: the specialisation holds it
//   Owned     any other result or block parameter: holds one reference where it is defined
//   Copied    select, load, list.load: a copy of a reference held elsewhere; the pass puts a retain behind it, then it is as Owned
//   Part      see above
//
// Consuming positions take a reference over: operands of ops that Take, arguments of edges, values stored to memory (store, list.store,
// list.push: memory holds references of its own). When such a store raises it has not taken the reference; an op flagged Takes has.
#pragma once
#include <cstdint>
#include <vector>

#include "ir/analysis/cfg.h"

namespace coluber::ir {

enum class Source : uint8_t { None, Static, Borrowed, Owned, Copied, Part };

bool consumes(const Op& op, size_t operand);        // is this operand a consuming position (when of managed type)?
bool consumes_on_error(const Op& op);               // ... even when the op raises

class Ownership {
 public:
  Ownership(const Function& f, const Cfg& cfg);

  bool managed(ValueId v) const { return unit_[v] != kNoId; }
  ValueId unit(ValueId v) const { return unit_[v]; }        // kNoId: not managed
  Source source(ValueId unit) const { return source_[unit]; }
  ValueId base(ValueId v) const { return base_[v]; }        // of parts and of pointers; kNoId: none
  ValueId root(ValueId v) const { return root_[v]; }        // kNoId: neither managed nor pointing into what is
  // Roots (Owned or Copied) whose pointers went where they cannot be followed (to_int, memory, a tuple, a merge with another pointer).
  // They are held as long as their definition dominates.
  const std::vector<ValueId>& pinned() const { return pinned_; }

 private:
  void define(const Function& f, const Op& op);
  void define_managed(const Function& f, const Op& op, ValueId v);
  bool whole_view(const Function& f, const Op& op) const;
  bool merge_pointers(const Function& f, const Cfg& cfg);
  void merge_into(ValueId v, ValueId from, bool* changed);
  void share(ValueId v, ValueId operand);
  void escapes(const Op& op);
  void merged(const Function& f, const Cfg& cfg, BlockId b);
  void pin(ValueId pointer);

  std::vector<ValueId> unit_, base_, root_, pinned_;
  std::vector<Source> source_;
  std::vector<uint8_t> conflict_, pinned_mark_;     // of values: a pointer that merges several roots; of roots: in pinned_
};

}  // namespace coluber::ir
