// What the rounds of a loop store and read (see parallel_accesses.cc): for parallel_races.cc, within one loop, and parallel_together.cc, between two.
#pragma once
#include <map>

#include "ir/passes/parallel.h"

namespace coluber::ir::parallel {

struct Sum {                               // of values times factors, and a constant
  std::map<ValueId, int64_t> terms;
  int64_t constant = 0;
};

// How an index or an address differs between rounds: not at all (or in each round it goes through the same values), by a multiple of the counter
// that nothing else can make up for, or nobody knows.
enum class Varies : uint8_t { Never, Injective, Unknown };

// What is stored or read: an array from outside, by indices or as a view.
struct Access {
  ValueId root = kNoId;                    // kNoId: memory of the round's own
  ValueId array = kNoId;
  Varies view = Varies::Never;             // how the view's place varies
  ValueId part = kNoId;                    // Injective: the part of its offset that tells rounds apart
  bool whole_axis = false;                 // the view leaves out an axis of the array
  std::vector<ValueId> indices;            // of an item; empty: all of the view
  bool perhaps = false;                    // of anything in it, or nothing: by a call, or through a pointer
  BlockId block = kNoId;
  uint32_t loc = 0;
  std::vector<int64_t> locks;              // critical sections that it is in
};

class Accesses {
 public:
  Accesses(const Function& f, const Analyses& a, const Candidate& c, fuse::Summary& summary, Findings* out)
      : f_(f), a_(a), c_(c), id_(c.loop), counter_(f.blocks[c.header].params[c.counter]), summary_(summary), arrays_(f, summary), out_(*out) {}

  void collect();
  const std::vector<Access>& stores() const { return stores_; }
  const std::vector<Access>& reads() const { return reads_; }
  const Op* def(ValueId v) const { return a_.uses.def_op(f_, v); }
  bool steady(ValueId v, int depth) const;   // one value for all of the loop
  Sum sum(ValueId v, int depth) const;
  std::string name(const Access& x) const;
  // The pointer's memory: kNoId as root where it is the round's own.
  Access of_pointer(ValueId p);

 protected:
  bool outside(ValueId v) const { return !c_.contains(f_.values[v].block); }
  Varies varies(ValueId v, int depth);
  bool same(ValueId a, ValueId b) const;
  void certain(const Access& x, const std::string& what);
  void unproved(const Access& x, const std::string& what);

  const Function& f_;
  const Analyses& a_;
  const Candidate& c_;
  const LoopId id_;
  const ValueId counter_;
  fuse::Summary& summary_;
  const fuse::Arrays arrays_;
  Findings& out_;
  std::vector<Access> stores_, reads_;

 private:
  void collect(const Op& op, BlockId b);
  void read_by_pointer(ValueId pointer, const Op& op, BlockId b);
  void store_perhaps(Access x);
  void call(const Op& op, BlockId b);
  Access find(ValueId v);
  ValueId telling_part(ValueId v);
  bool same_counter(ValueId v, int depth);
  bool factor(ValueId v) const;
  void about(const Access& x);

  std::vector<int64_t> held_;              // where collect is
};

}  // namespace coluber::ir::parallel
