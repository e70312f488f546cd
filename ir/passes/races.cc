// Races: in loops that are checked for races each access to the memory of arrays and lists is told to the runtime first.
//
//   before   %x = array.load %a, %i              after   %s = array.stride %a axis 0; %o = mul %i, %s; %p = ptr.add (array.data %a), %o
//                                                        race.check %p, 8 "file.py:12"
//                                                        %x = array.load %a, %i
//
// Bodies of such loops (par.for with kChecked) and all that they call. Memory on the stack and atomic updates are left out; arrays that threads have
// to themselves, and what rounds allocate, the runtime knows. Requires that array expressions are loops (behind fuse), and that index checks are
// still in front of what they check (before guards).
#include <string_view>
#include <unordered_set>

#include "ir/builder.h"
#include "ir/passes/manager.h"
#include "ir/passes/rewrite.h"
#include "ir/places.h"
#include "ir/schedule.h"

namespace coluber::ir {
namespace {

// Puts the checks into one function.
class Checks {
 public:
  explicit Checks(Function& f) : f_(f), on_stack_(f.values.size(), 0) {
    for (const Block& b : f.blocks)
      for (const Op& op : b.ops) {
        bool moves = op.code == OpCode::PtrAdd || op.code == OpCode::PtrCast;
        if (op.code == OpCode::StackAlloc || (moves && on_stack_[op.args[0]])) on_stack_[op.result()] = 1;
      }
  }

  void run() {
    for (BlockId b = 0; b < f_.blocks.size(); ++b) {
      std::vector<Op> ops = std::move(f_.blocks[b].ops);
      f_.blocks[b].ops.clear();
      Builder at(&f_);
      at.set_block(b);
      for (Op& op : ops) {
        at.set_loc(op.loc);
        check(at, op);
        f_.blocks[b].ops.push_back(std::move(op));
      }
    }
  }

 private:
  void check(Builder& b, const Op& op) {
    switch (op.code) {
      case OpCode::ArrayLoad: return tell(b, item(b, op, 1), item_size(f_.type_of(op.args[0])->elem), false);
      case OpCode::ArrayStore: return tell(b, item(b, op, 2), item_size(f_.type_of(op.args[0])->elem), true);
      case OpCode::ListLoad: return tell(b, list_item(b, op), item_size(f_.type_of(op.args[0])->elem), false);
      case OpCode::ListStore: return tell(b, list_item(b, op), item_size(f_.type_of(op.args[0])->elem), true);
      case OpCode::Load: return pointer(b, op.args[0], item_size(f_.type_of(op.result())), false);
      case OpCode::Store: return pointer(b, op.args[0], item_size(f_.type_of(op.args[1])), true);
      case OpCode::MemCopy:
        tell_range(b, op.args[1], op.args[2], false);
        return tell_range(b, op.args[0], op.args[2], true);
      case OpCode::MemZero: return tell_range(b, op.args[0], op.args[1], true);
      default: return;
    }
  }

  ValueId item(Builder& b, const Op& op, size_t first) {
    ValueId array = op.args[0];
    TypeRef pointer = ptr_to(f_.type_of(array)->elem);
    ValueId p = b.emit(OpCode::ArrayData, {array}, pointer);
    for (size_t k = first; k < op.args.size(); ++k) {
      ValueId stride = b.emit(OpCode::ArrayStride, {array}, pyint(), static_cast<int64_t>(k - first));
      p = b.emit(OpCode::PtrAdd, {p, b.emit(OpCode::Mul, {op.args[k], stride}, pyint())}, pointer);
    }
    return p;
  }
  ValueId list_item(Builder& b, const Op& op) {
    TypeRef elem = f_.type_of(op.args[0])->elem;
    ValueId p = b.emit(OpCode::ListData, {op.args[0]}, ptr_to(elem));
    return b.emit(OpCode::PtrAdd, {p, b.emit(OpCode::Mul, {op.args[1], b.const_int(item_size(elem))}, pyint())}, ptr_to(elem));
  }
  void pointer(Builder& b, ValueId p, int64_t bytes, bool store) {
    if (p >= on_stack_.size() || !on_stack_[p]) tell(b, p, bytes, store);
  }

  void tell(Builder& b, ValueId p, int64_t bytes, bool store) { tell_range(b, p, b.const_int(bytes), store); }
  void tell_range(Builder& b, ValueId p, ValueId bytes, bool store) {
    if (p < on_stack_.size() && on_stack_[p]) return;
    uint32_t at = user_place(f_, b.loc());
    Loc place = at < f_.locs.size() ? f_.locs[at] : Loc{};
    std::string file = place.scope < f_.scopes.size() ? f_.scopes[place.scope].file : "";
    Op& check = b.op(OpCode::RaceCheck, {p, bytes});
    check.imm = store;
    check.sym = file + ":" + std::to_string(place.line);
  }

  Function& f_;
  std::vector<uint8_t> on_stack_;
};

}  // namespace

void run_races(Program& p, const PassOptions&) {
  std::unordered_set<std::string_view> seen;
  std::vector<Function*> work;
  auto add = [&](std::string_view name) {
    Function* f = p.find(name);
    if (f && f->typed && seen.insert(f->name).second) work.push_back(f);
  };
  for (const auto& f : p.functions)
    for (const Block& b : f->blocks)
      for (const Op& op : b.ops)
        if (op.code == OpCode::ParFor && op.ints[0] & kChecked) add(op.sym);
  for (size_t k = 0; k < work.size(); ++k)
    for (const Block& b : work[k]->blocks)
      for (const Op& op : b.ops)
        if (op.code == OpCode::Call || op.code == OpCode::ParFor) add(op.sym);
  for (Function* f : work) Checks(*f).run();
}

}  // namespace coluber::ir
