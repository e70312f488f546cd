// Part of parallel: do rounds collide? Looks at what the rounds store to memory from outside of the loop.
//
//   out[i] = ..., out[2 * i + k, j] = ...     an index on some axis tells the rounds apart: independent
//   out[0] = ..., acc[j] += ...               each round stores to the same places: a race
//   a[i] = a[i - 1] + ...                     a round reads what another one stores: a race
//   out[idx[i]] = ...                         not known
//
// A race is one that happens in every round. Only what is certain is an error; what is not known is told where the user asks for it.
#include "ir/passes/parallel_accesses.h"

#include <algorithm>

namespace coluber::ir::parallel {
namespace {

bool share(const std::vector<int64_t>& a, const std::vector<int64_t>& b) {
  return std::any_of(a.begin(), a.end(), [&](int64_t k) { return std::find(b.begin(), b.end(), k) != b.end(); });
}

class Races : public Accesses {
 public:
  using Accesses::Accesses;

  void run() {
    collect();
    for (const Access& s : stores_) {
      if (s.root == kNoId || is_private(s.root)) continue;
      if (!stored(s)) continue;
      for (const Access& r : reads_)
        if (meet(s, r) && !read(s, r)) break;
      for (const Access& other : stores_)
        if (&other != &s && meet(s, other) && !read(s, other)) break;
    }
  }

 private:
  // May they touch the same memory at the same time? Two arguments are taken for two arrays, as in Python's own loops over rows of both.
  bool meet(const Access& s, const Access& other) const {
    if (other.root == kNoId || share(s.locks, other.locks)) return false;
    if (s.root == other.root) return true;
    bool arrays = f_.type_of(s.root)->is(Kind::Array) && f_.type_of(other.root)->is(Kind::Array) && outside(s.root) && outside(other.root);
    return arrays && arrays_.root(s.root) == arrays_.root(other.root) && !lie_apart(f_, a_, s.root, other.root);
  }

  // Of one store in all rounds. False: it has been told.
  bool stored(const Access& s) {
    if (!s.locks.empty()) return true;       // one round after the other
    bool never = s.view == Varies::Never;
    if (s.view == Varies::Injective && s.whole_axis) return true;
    if (s.view != Varies::Never) return unproved(s, "a store to " + name(s)), false;
    for (ValueId v : s.indices) {
      Varies x = varies(v, 0);
      if (x == Varies::Injective) return true;
      never = never && x == Varies::Never;
    }
    if (!never) return unproved(s, "a store to " + name(s)), false;
    if (always(s.block)) return certain(s, "each stores to the same place of " + name(s)), false;
    unproved(s, "a store to " + name(s));
    return false;
  }

  // What one round stores and another access, of any round. False: it has been told.
  bool read(const Access& s, const Access& r) {
    if (same_row(s, r)) return true;
    if (s.perhaps || r.perhaps) return unproved(r, "an access to " + name(r) + ", which other rounds may store to"), false;
    if (s.indices.size() != r.indices.size() || s.view != Varies::Never || r.view != Varies::Never || s.array != r.array)
      return unproved(r, "an access to " + name(r) + ", which other rounds may store to"), false;
    bool crosses = true, known = true;
    for (size_t k = 0; k < s.indices.size(); ++k) {
      Sum x = sum(s.indices[k], 0), y = sum(r.indices[k], 0);
      int64_t apart = y.constant - x.constant;
      auto at = x.terms.find(counter_);
      int64_t factor = at == x.terms.end() ? 0 : at->second;
      bool plain = x.terms == y.terms && std::all_of(x.terms.begin(), x.terms.end(), [&](auto& t) { return t.first == counter_ || steady(t.first, 0); });
      if (plain && factor == 0 && apart != 0) return true;                 // two columns
      if (plain && factor != 0 && (apart == 0 || apart % factor != 0)) return true;
      if (plain) crosses = crosses && (factor != 0 || apart == 0);
      else known = known && varies(s.indices[k], 0) == Varies::Never && x.terms == y.terms;
    }
    if (crosses && known && always(s.block) && always(r.block))
      return certain(r, "a round " + std::string("uses the place of ") + name(r) + " that another one stores to"), false;
    return unproved(r, "an access to " + name(r) + ", which other rounds may store to"), false;
  }

  // Do both stay within the row, column, ... that is the round's own?
  bool same_row(const Access& x, const Access& y) const {
    if (!x.whole_axis && !y.whole_axis) return false;
    if (x.whole_axis && y.whole_axis) return x.view == Varies::Injective && y.view == Varies::Injective && same(x.part, y.part);
    const Access &row = x.whole_axis ? x : y, &item = x.whole_axis ? y : x;
    const Op* part = row.view == Varies::Injective ? def(row.part) : nullptr;
    if (!part || part->code != OpCode::Mul || item.array != row.root || item.view != Varies::Never) return false;
    for (size_t k : {0u, 1u}) {
      const Op* stride = def(part->args[1 - k]);
      bool of_it = stride && stride->code == OpCode::ArrayStride && stride->args[0] == row.root && static_cast<size_t>(stride->imm) < item.indices.size();
      if (of_it && same(part->args[k], item.indices[static_cast<size_t>(stride->imm)])) return true;
    }
    return false;
  }

  // In every round, as far as loops within it have rounds.
  bool always(BlockId b) const {
    for (LoopId l = a_.loops.loop_of(b); l != kNoId; l = a_.loops.loops()[l].parent) {
      for (const Pred& latch : a_.loops.loops()[l].latches)
        if (latch.error() || !a_.dom.dominates(b, latch.block)) return false;
      if (l == id_) return true;
      b = a_.loops.loops()[l].header;
    }
    return false;
  }

  bool is_private(ValueId root) const {
    return std::any_of(c_.arrays.begin(), c_.arrays.end(), [&](const PrivateArray& p) { return p.array == root; });
  }
};

}  // namespace

void find_races(const Function& f, const Analyses& a, const Candidate& c, fuse::Summary& summary, Findings* out) {
  Races(f, a, c, summary, out).run();
}

}  // namespace coluber::ir::parallel
