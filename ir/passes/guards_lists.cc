// Part of guards: where a list's length is read. A loop asks for it again on each turn, as Python does; where nothing in the loop can change
// it, it is read once in front of the loop, and reads in a row become one. Then it is a number like any other to ir/analysis/ranges.
#include "ir/passes/guards.h"
#include "ir/passes/rewrite.h"

namespace coluber::ir::guards {
namespace {

bool reads(const Op& op) { return op.code == OpCode::ListLen || op.code == OpCode::ListData; }

// May the op change the length or place of some list? Of the given item type, when it is one of the list ops; of any, when it is a call.
enum class Change { None, OneType, Any };
Change change_by(const Op& op) {
  switch (op.code) {
    case OpCode::ListPush: case OpCode::ListSetLen: case OpCode::ListReserve: return Change::OneType;
    case OpCode::Call: case OpCode::CallRt: case OpCode::CallPtr: case OpCode::ParFor: case OpCode::ObjMode: case OpCode::Release: return Change::Any;
    default: return Change::None;
  }
}

class ListReads {
 public:
  explicit ListReads(Function& f) : f_(f) {}

  bool run() {
    bool any = false;
    for (const Block& b : f_.blocks)
      for (const Op& op : b.ops) any |= reads(op);
    if (!any) return false;
    {
      Cfg cfg(f_);
      DomTree dom(f_, cfg);
      LoopInfo loops(f_, cfg, dom);
      hoist(loops);
    }
    join();
    return changed_;
  }

 private:
  bool changed_in(const std::vector<BlockId>& blocks, TypeRef list) const {
    for (BlockId b : blocks)
      for (const Op& op : f_.blocks[b].ops) {
        Change c = change_by(op);
        if (c == Change::Any || (c == Change::OneType && f_.type_of(op.args[0]) == list)) return true;
      }
    return false;
  }

  // Outer loops first: what can leave them does so at once. Reading earlier, or where it would not have been read, does no harm: a list that is
  // at hand in front of the loop is alive there.
  void hoist(const LoopInfo& loops) {
    for (LoopId id = 0; id < loops.loops().size(); ++id) {
      const Loop& loop = loops.loops()[id];
      BlockId preheader = loop.preheader;
      std::unordered_map<TypeRef, bool> stays;
      for (BlockId b : loop.blocks) {
        for (size_t i = 0; i < f_.blocks[b].ops.size(); ++i) {
          std::vector<Op>& ops = f_.blocks[b].ops;
          if (!reads(ops[i])) continue;
          ValueId list = ops[i].args[0];
          if (loops.contains(id, f_.values[list].block)) continue;
          TypeRef type = f_.type_of(list);
          auto [it, added] = stays.try_emplace(type, false);
          if (added) it->second = !changed_in(loop.blocks, type);
          if (!it->second) continue;
          Op op = std::move(ops[i]);
          ops.erase(ops.begin() + static_cast<std::ptrdiff_t>(i--));
          if (preheader == kNoId) preheader = add_preheader(f_, loop);
          f_.values[op.result()].block = preheader;
          std::vector<Op>& before = f_.blocks[preheader].ops;
          before.insert(before.end() - 1, std::move(op));
          changed_ = true;
        }
      }
    }
  }

  // Within a block, with nothing in between that could change it, the second read gives what the first one gave.
  void join() {
    ValueMap map(f_.values.size());
    for (Block& b : f_.blocks) {
      std::vector<std::pair<OpCode, ValueId>> seen;
      std::vector<ValueId> value;
      for (Op& op : b.ops) {
        Change c = change_by(op);
        if (c != Change::None) seen.clear(), value.clear();
        if (!reads(op)) continue;
        std::pair<OpCode, ValueId> key{op.code, map.find(op.args[0])};
        size_t k = 0;
        while (k < seen.size() && seen[k] != key) ++k;
        if (k < seen.size()) {
          map.replace(f_, op.result(), value[k]);           // the op is dead, and cleanup takes it away
        } else if (seen.size() < 64) {
          seen.push_back(key);
          value.push_back(op.result());
        }
      }
    }
    changed_ |= map.any();
    map.apply(f_);
  }

  Function& f_;
  bool changed_ = false;
};

}  // namespace

bool hoist_list_reads(Function& f) { return ListReads(f).run(); }

}  // namespace coluber::ir::guards
