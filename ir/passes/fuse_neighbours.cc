// Part of fuse: neighbouring statements. Groups of one block whose loops go over the same shape become a bundle, one loop (fuse_together.cc), when one
// of them has an array in common with those before it, and
//   - nothing in between can tell that they are evaluated where the last one stands: no op there raises, or reads or writes memory, or uses a result;
//   - items depend on each other index by index: an array that is stored to is, for the others, the same array or memory of its own, as far as is known
//     here. What is not known is asked at run time;
//   - kernels neither raise nor write, and no array is rolled;
//   - they give the same bits in vectorised loops and others: which way is taken depends on what shares memory.
// What is raised, and what is stored before that, stays as it was but for memory: all new arrays are made in front of the loop.
#include <algorithm>

#include "ir/passes/fuse.h"

namespace coluber::ir::fuse {
namespace {

constexpr size_t kMostArrays = 12;         // that one loop reads and writes
constexpr size_t kMostOps = 48;

// Along which way a loop goes over memory: those that differ do not gain by being one.
enum class Way : uint8_t { Rows, Columns, FlatRows, FlatColumns };

struct Statement {
  TypeRef type = nullptr;
  Way way = Way::Rows;
  ValueId stored = kNoId;                  // the array that it assigns to, or makes
  bool makes = false;
  std::vector<ValueId> arrays;             // that it reads
};

class Neighbours {
 public:
  Neighbours(const Function& f, BlockId b, const Arrays& arrays, Summary& summary, Plan* plan)
      : f_(f), ops_(f.blocks[b].ops), arrays_(arrays), summary_(summary), plan_(*plan) {}

  void run() {
    if (plan_.groups.size() < 2) return;
    for (uint32_t i = 0; i < ops_.size(); ++i) {
      uint32_t group = plan_.group_of[i];
      bool root = group != kNoId && plan_.groups[group].root == i;
      if (root) see(group);
      else if (!open_.empty() && !passes(i)) close();
    }
    close();
  }

 private:
  // May this op come before the statements that are open?
  bool passes(uint32_t i) const {
    const Op& op = ops_[i];
    if (plan_.group_of[i] != kNoId) return !plan_.early[i];          // it goes to its root
    if (op.has(Raises) || op.has(Writes) || op.has(Reads) || op.has(Term) || is_lazy(op.code)) return false;
    return std::none_of(op.args.begin(), op.args.end(), [&](ValueId v) { return made(v); });
  }

  bool made(ValueId v) const {
    return std::any_of(statements_.begin(), statements_.end(), [&](const Statement& s) { return s.makes && s.stored == v; });
  }

  void see(uint32_t group) {
    Statement s;
    bool ok = describe(plan_.groups[group], &s);
    if (!open_.empty() && !(ok && fits(s))) close();
    if (!ok) return;
    open_.push_back(group);
    members_ += plan_.groups[group].members.size() + 1;
    statements_.push_back(std::move(s));
  }

  void close() {
    if (open_.size() > 1) {
      for (uint32_t g : open_) plan_.groups[g].bundle = static_cast<uint32_t>(plan_.bundles.size());
      plan_.bundles.push_back(open_);
    }
    open_.clear();
    statements_.clear();
    members_ = 0;
  }

  // False: its loop has to be one of its own.
  bool describe(const Group& g, Statement* s) {
    const Op& root = ops_[g.root];
    bool assign = root.code == OpCode::ArrayAssign;
    s->makes = !assign;
    s->stored = assign ? root.args[0] : root.result();
    s->type = f_.type_of(s->stored);
    if (s->type->ndim == 0 || (!assign && root.code != OpCode::Elementwise)) return false;
    bool flat = s->type->layout == Layout::C || s->type->layout == Layout::F;
    std::vector<uint32_t> all = g.members;
    all.push_back(g.root);
    std::vector<ValueId> inner;
    for (uint32_t i : all) {
      const Op& op = ops_[i];
      if (op.code == OpCode::ArrayRoll || (i != g.root && plan_.early[i])) return false;
      if (op.code == OpCode::Elementwise && (!summary_.of(op.sym).pure() || has_vector_functions(summary_, op.sym))) return false;
      for (size_t k = op.code == OpCode::ArrayAssign ? 1 : 0; k < op.args.size(); ++k) {
        ValueId v = op.args[k];
        TypeRef t = f_.type_of(v);
        if (!t->is(Kind::Array) || std::find(inner.begin(), inner.end(), v) != inner.end()) continue;
        if (t->ndim == 0) return false;
        flat = flat && t->ndim == s->type->ndim && t->layout == s->type->layout;
        if (std::find(s->arrays.begin(), s->arrays.end(), v) == s->arrays.end()) s->arrays.push_back(v);
      }
      if (i != g.root) inner.push_back(op.result());
    }
    flat = flat && s->type->ndim > 1;
    bool columns = s->type->layout == Layout::F && s->type->ndim > 1;
    s->way = columns ? flat ? Way::FlatColumns : Way::Columns : flat ? Way::FlatRows : Way::Rows;
    return true;
  }

  bool fits(const Statement& s) const {
    const Statement& first = statements_[0];
    if (s.type->ndim != first.type->ndim || s.way != first.way || members_ + s.arrays.size() > kMostOps) return false;
    std::vector<ValueId> all = touched(s);
    bool common = false;
    for (const Statement& other : statements_)
      for (ValueId v : touched(other)) {
        bool known = std::find(all.begin(), all.end(), v) != all.end();
        common |= known && f_.type_of(v)->ndim == s.type->ndim;
        if (!known) all.push_back(v);
      }
    if (!common || all.size() > kMostArrays) return false;
    return std::all_of(statements_.begin(), statements_.end(), [&](const Statement& other) { return apart(s, other) && apart(other, s); });
  }

  static std::vector<ValueId> touched(const Statement& s) {
    std::vector<ValueId> all = s.arrays;
    if (std::find(all.begin(), all.end(), s.stored) == all.end()) all.push_back(s.stored);
    return all;
  }

  // Are what one assigns to and another view that the other uses surely not parts of the same array?
  bool apart(const Statement& s, const Statement& other) const {
    if (s.makes) return true;
    std::vector<ValueId> all = touched(other);
    ValueId root = arrays_.root(s.stored);
    return std::all_of(all.begin(), all.end(), [&](ValueId v) { return v == s.stored || arrays_.root(v) != root; });
  }

  const Function& f_;
  const std::vector<Op>& ops_;
  const Arrays& arrays_;
  Summary& summary_;
  Plan& plan_;
  std::vector<uint32_t> open_;             // groups
  std::vector<Statement> statements_;      // of these
  size_t members_ = 0;
};

}  // namespace

void plan_bundles(const Function& f, BlockId b, const Arrays& arrays, Summary& summary, Plan* plan) {
  Neighbours(f, b, arrays, summary, plan).run();
}

}  // namespace coluber::ir::fuse
