// Part of parallel: which arrays from outside of a loop share memory, and which of the array that a function made itself is which.
//
// Cleanup leaves a view of an array made here as one of the allocation:      %64 = ptr.cast owner.data %62;  %65 = array.make %62, %64, %n, %m
//                                                                     loop:  %44 = array.make %62, (ptr.add %64, %offset), %m
// In loops it is made of %65 again (array.owner %65, array.data %65), so that all that rounds do with the array is found by its uses.
#include <algorithm>

#include "ir/passes/parallel.h"

namespace coluber::ir::parallel {
namespace {

// The allocation whose first item a pointer is to.
ValueId memory_of(const Function& f, const Analyses& a, ValueId pointer) {
  const Op* op = a.uses.def_op(f, pointer);
  while (op && op->code == OpCode::PtrCast) op = a.uses.def_op(f, op->args[0]);
  return op && op->code == OpCode::OwnerData ? op->args[0] : kNoId;
}

bool is_whole(const Function& f, const Analyses& a, const Op& make) {
  const Op* owner = a.uses.def_op(f, make.args[0]);
  return make.code == OpCode::ArrayMake && owner && owner->code == OpCode::Alloc && memory_of(f, a, make.args[1]) == make.args[0];
}

// The first array of all of an allocation, among those that `fits` takes.
template <class Fits>
ValueId whole_array(const Function& f, const Analyses& a, ValueId owner, Fits fits) {
  for (const Position& at : a.uses.uses(owner)) {
    if (at.op == Position::kHead || !fits(at.block)) continue;
    const Op& op = f.blocks[at.block].ops[at.op];
    if (op.code == OpCode::ArrayMake && op.args[0] == owner && is_whole(f, a, op)) return op.result();
  }
  return kNoId;
}

// That is there when the loop begins.
ValueId array_of(const Function& f, const Analyses& a, LoopId loop, ValueId owner) {
  BlockId header = a.loops.loops()[loop].header;
  return whole_array(f, a, owner, [&](BlockId b) { return !a.loops.contains(loop, b) && a.dom.dominates(b, header); });
}

// Where an array from outside begins: an offset from the beginning of another one.
struct Place {
  ValueId of = kNoId;
  std::vector<ValueId> offsets;
};

Place place_of(const Function& f, const Analyses& a, ValueId array) {
  Place place;
  const Op* make = a.uses.def_op(f, array);
  if (!make || make->code != OpCode::ArrayMake) return {array, {}};
  ValueId p = make->args[1];
  for (const Op* op; (op = a.uses.def_op(f, p));) {
    if (op->code == OpCode::PtrAdd) place.offsets.push_back(op->args[1]);
    else if (op->code == OpCode::ArrayData) return place.of = op->args[0], place;
    else if (op->code == OpCode::OwnerData) return place.of = whole_array(f, a, op->args[0], [](BlockId) { return true; }), place;
    else if (op->code != OpCode::PtrCast) break;
    p = op->args[0];
  }
  return place;                            // nobody knows of what
}

// Of a[k], a[:, k], ...: the axis that the view does not go along, and the index there. axis < 0: it is not of this kind.
struct Index {
  int axis = -1;
  int64_t at = 0;
};

Index index_of(const Function& f, const Analyses& a, ValueId view, const Place& place) {
  auto def = [&](ValueId v) { return a.uses.def_op(f, v); };
  auto constant = [&](ValueId v, int64_t* out) {
    const Op* op = def(v);
    if (op && op->code == OpCode::IndexCheck) op = def(op->args[0]);
    return op && op->code == OpCode::Const && op->imm >= 0 ? (*out = op->imm, true) : false;
  };
  TypeRef t = f.type_of(view), whole = f.type_of(place.of);
  int last = whole->ndim - 1;
  if (!whole->is(Kind::Array) || t->ndim != last || place.offsets.size() > 1) return {};
  int64_t item = static_cast<int64_t>(item_size(whole->elem));
  // The axis whose stride this is.
  auto axis_of = [&](ValueId stride) {
    const Op* op = def(stride);
    if (op && op->code == OpCode::ArrayStride && op->args[0] == place.of) return static_cast<int>(op->imm);
    return op && op->code == OpCode::Const && op->imm == item && whole->layout == Layout::C ? last : -1;
  };
  int axis = 0;                            // that is left out
  if (t->layout == Layout::A) {
    std::vector<uint8_t> there(static_cast<size_t>(last) + 1, 0);
    const Op* make = def(view);
    for (size_t k = 2 + static_cast<size_t>(last); k < make->args.size(); ++k) {
      int along = axis_of(make->args[k]);
      if (along < 0 || there[static_cast<size_t>(along)]++) return {};
    }
    while (there[static_cast<size_t>(axis)]) ++axis;
  } else if (t->layout != Layout::C || whole->layout != Layout::C) {
    return {};
  }
  if (place.offsets.empty()) return {axis, 0};
  int64_t n = 0;
  ValueId offset = place.offsets[0];
  if (axis_of(offset) == axis) return {axis, 1};
  if (constant(offset, &n)) return axis == last && whole->layout == Layout::C && n % item == 0 ? Index{axis, n / item} : Index{};
  const Op* op = def(offset);
  for (size_t k : {0u, 1u})
    if (op && op->code == OpCode::Mul && axis_of(op->args[1 - k]) == axis && constant(op->args[k], &n)) return {axis, n};
  return {};
}

}  // namespace

bool name_arrays(Function& f, const Analyses& a, LoopId loop) {
  bool any = false;
  for (BlockId b : a.loops.loops()[loop].blocks) {
    std::vector<Op> ops;
    Builder make(&f);
    make.set_block(b);
    std::swap(ops, f.blocks[b].ops);
    for (Op& op : ops) {
      for (ValueId& v : op.args) {
        TypeRef t = f.type_of(v);
        bool owner = t->is(Kind::Owner);
        if (a.loops.contains(loop, f.values[v].block) || (!owner && !t->is(Kind::Ptr))) continue;
        ValueId memory = owner ? v : memory_of(f, a, v), array = memory == kNoId ? kNoId : array_of(f, a, loop, memory);
        if (array == kNoId) continue;
        make.set_loc(op.loc);
        TypeRef data = ptr_to(f.type_of(array)->elem);
        ValueId part = make.emit(owner ? OpCode::ArrayOwner : OpCode::ArrayData, {array}, owner ? t : data);
        v = owner || data == t ? part : make.emit(OpCode::PtrCast, {part}, t);
        any = true;
      }
      f.blocks[b].ops.push_back(std::move(op));
    }
  }
  return any;
}

bool lies_alone(const Function& f, const Analyses& a, LoopId loop, ValueId array) {
  const Op* make = a.uses.def_op(f, array);
  return !make || make->code != OpCode::ArrayMake || (is_whole(f, a, *make) && array_of(f, a, loop, make->args[0]) == array);
}

bool lie_apart(const Function& f, const Analyses& a, ValueId x, ValueId y) {
  Place p = place_of(f, a, x), q = place_of(f, a, y);
  if (p.of == kNoId || p.of != q.of) return false;
  Index i = index_of(f, a, x, p), k = index_of(f, a, y, q);
  return i.axis >= 0 && i.axis == k.axis && i.at != k.at;
}

}  // namespace coluber::ir::parallel
