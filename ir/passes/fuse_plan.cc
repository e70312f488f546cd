// Which ops of a block become one loop. An `ew` or roll joins the group of those who use it when nobody else does, when they all want it at the
// same index (what two rolls need would be computed twice), when they are in the same
// block, and when evaluating it later, at the group's root, can be told by nothing: its kernel neither raises nor writes, and between the
// two places no op writes to memory that it reads. Where an op in between may raise, the check of its shapes stays where it was.
#include <algorithm>

#include "ir/passes/fuse.h"

namespace coluber::ir::fuse {
namespace {

constexpr uint32_t kMaxMembers = 48;       // beyond that a loop runs out of registers and the compiler out of time

class Planner {
 public:
  Planner(const Function& f, BlockId b, const std::vector<uint32_t>& use_count, const Arrays& arrays, Summary& summary)
      : f_(f), ops_(f.blocks[b].ops), count_(use_count), arrays_(arrays), summary_(summary) {}

  Plan run() {
    bool any = false;
    for (const Op& op : ops_) any |= is_lazy(op.code) || op.code == OpCode::ArrayAssign || op.code == OpCode::Fold;
    if (!any) return {};
    plan_.group_of.assign(ops_.size(), kNoId);
    plan_.early.assign(ops_.size(), 0);
    measure();
    for (uint32_t i = static_cast<uint32_t>(ops_.size()); i-- > 0;) {
      const Op& op = ops_[i];
      if (!is_lazy(op.code) && op.code != OpCode::ArrayAssign) continue;
      if (op.code == OpCode::ArrayAssign || !join(i)) start(i);
      see_operands(i);
    }
    for (Group& g : plan_.groups) {
      std::reverse(g.members.begin(), g.members.end());
      if (ops_[g.root].code == OpCode::ArrayRoll && g.members.empty()) plan_.group_of[g.root] = kNoId;       // a copy and nothing else
    }
    return std::move(plan_);
  }

 private:
  struct Uses {
    uint32_t seen = 0, group = kNoId;
    uint32_t path = 0;                     // 0, or 1 + the innermost roll on the way from the root
    bool mixed = false;                    // several groups or paths
  };

  // Arrays made here count as well: only calls can be forgiven for writing to their own.
  static bool stores(OpCode code) {
    switch (code) {
      case OpCode::Store: case OpCode::MemCopy: case OpCode::MemZero: case OpCode::ArrayStore: case OpCode::ArrayAssign:
        return true;
      default:
        return false;
    }
  }

  // How many ops in front of each place write to arrays, and how many raise.
  void measure() {
    writes_.assign(ops_.size() + 1, 0);
    raises_.assign(ops_.size() + 1, 0);
    for (uint32_t i = 0; i < ops_.size(); ++i) {
      Effects e = summary_.of(arrays_, ops_[i]);
      writes_[i + 1] = writes_[i] + (e.arrays || stores(ops_[i].code));
      raises_[i + 1] = raises_[i] + e.raises;
    }
  }

  void start(uint32_t i) {
    plan_.group_of[i] = static_cast<uint32_t>(plan_.groups.size());
    plan_.groups.push_back({i, {}});
  }

  // Notes that op i, of a group, uses its operands.
  void see_operands(uint32_t i) {
    const Op& op = ops_[i];
    size_t first = op.code == OpCode::ArrayAssign ? 1 : 0;
    bool root = plan_.groups[plan_.group_of[i]].root == i;
    uint32_t path = op.code == OpCode::ArrayRoll ? i + 1 : root ? 0 : uses_[op.result()].path;
    for (size_t k = first; k < op.args.size(); ++k) {
      Uses& u = uses_[op.args[k]];
      ++u.seen;
      u.mixed |= u.group != kNoId && (u.group != plan_.group_of[i] || u.path != path);
      u.group = plan_.group_of[i];
      u.path = path;
    }
  }

  // Rolls of all items are told by the index among all items, others by that along the axis: they do not mix on one path.
  bool goes_with(const Op& op, uint32_t path) const {
    if (path == 0) return true;
    bool flat = ops_[path - 1].imm == Rolls::kFlat;
    return flat == (op.code == OpCode::ArrayRoll && op.imm == Rolls::kFlat);
  }

  // A kernel that raises leaves a destination as it was, unless nobody looks at it then.
  bool may_join(const Op& op, const Op& root) const {
    const Effects& e = summary_.of(op.sym);
    bool partly = root.code == OpCode::ArrayAssign && root.imm == 1 && root.args[1] == op.result();
    return e.pure() || (partly && !e.arrays && !e.other);
  }

  bool join(uint32_t i) {
    const Op& op = ops_[i];
    auto it = uses_.find(op.result());
    if (it == uses_.end() || it->second.mixed || it->second.seen != count_[op.result()]) return false;
    uint32_t group = it->second.group;
    Group& g = plan_.groups[group];
    const Op& root = ops_[g.root];
    TypeRef shape = f_.type_of(root.code == OpCode::ArrayAssign ? root.args[0] : root.result());
    // Of fewer dimensions: it would be computed again for each row.
    if (f_.type_of(op.result())->ndim != shape->ndim || g.members.size() >= kMaxMembers) return false;
    if (!goes_with(op, it->second.path)) return false;
    if (op.code == OpCode::Elementwise && !may_join(op, root)) return false;
    if (root.code == OpCode::Elementwise && (summary_.of(root.sym).arrays || summary_.of(root.sym).other)) return false;
    if (writes_[g.root] != writes_[i + 1]) return false;
    plan_.early[i] = raises_[g.root] - raises_[i + 1] != g.members.size();   // members lie in between, and count as raising
    plan_.group_of[i] = group;
    g.members.push_back(i);
    return true;
  }

  const Function& f_;
  const std::vector<Op>& ops_;
  const std::vector<uint32_t>& count_;
  const Arrays& arrays_;
  Summary& summary_;
  Plan plan_;
  std::vector<uint32_t> writes_, raises_;
  std::unordered_map<ValueId, Uses> uses_;
};

}  // namespace

Plan plan_block(const Function& f, BlockId b, const std::vector<uint32_t>& use_count, const Arrays& arrays, Summary& summary) {
  return Planner(f, b, use_count, arrays, summary).run();
}

}  // namespace coluber::ir::fuse
