// What fuse must know before it moves the evaluation of an array expression: where arrays lie in memory and what calls do to it.
#include <algorithm>

#include "ir/passes/fuse.h"

namespace coluber::ir::fuse {

Arrays::Arrays(const Function& f, Summary& summary) : index_(f.values.size(), kNoId), argument_(f.values.size(), 0), summary_(summary) {
  for (ValueId v : f.blocks[0].params) argument_[v] = 1;
  for (const Block& b : f.blocks)
    for (const Op& op : b.ops) note(op);
}

void Arrays::note(const Op& op) {
  if (op.code == OpCode::Bound) {          // as an argument: it was there before the function
    argument_.resize(std::max<size_t>(argument_.size(), op.result() + 1));
    argument_[op.result()] = 1;
    return;
  }
  switch (op.code) {
    case OpCode::Const: case OpCode::ArrayMake: case OpCode::ArrayOwner: case OpCode::ArrayData: case OpCode::ArrayAs:
    case OpCode::PtrAdd: case OpCode::PtrCast: case OpCode::OwnerData: case OpCode::Alloc: case OpCode::StackAlloc:
    case OpCode::Elementwise: case OpCode::ArrayRoll:
      break;
    case OpCode::Call: {
      Effects callee = summary_.of(op.sym);
      if (!callee.fresh && callee.view < 0) return;
      break;
    }
    default:
      return;
  }
  ValueId v = op.result();
  if (v >= index_.size()) index_.resize(v + 64, kNoId);
  if (index_[v] == kNoId) {
    index_[v] = static_cast<uint32_t>(ops_.size());
    ops_.push_back(op);
  } else {
    ops_[index_[v]] = op;                  // an `ew` that became an array.make
  }
}

const Op* Arrays::made_by(ValueId v, OpCode code) const {
  const Op* op = def(v);
  return op && op->code == code ? op : nullptr;
}

bool Arrays::is_const(ValueId v, int64_t value) const {
  const Op* op = made_by(v, OpCode::Const);
  return op && op->imm == value;
}

bool Arrays::same_const(ValueId a, ValueId b) const {
  const Op *x = made_by(a, OpCode::Const), *y = made_by(b, OpCode::Const);
  return x && y && x->imm == y->imm;
}

ValueId Arrays::root_of_pointer(ValueId v) const {
  while (const Op* op = def(v)) {
    switch (op->code) {
      case OpCode::PtrAdd: case OpCode::PtrCast: case OpCode::OwnerData:
        v = op->args[0];
        break;
      case OpCode::ArrayData: case OpCode::ArrayOwner:
        return root(op->args[0]);
      case OpCode::Call:
        return root(v);
      default:
        return v;
    }
  }
  return v;
}

ValueId Arrays::root(ValueId v) const {
  while (const Op* op = def(v)) {
    switch (op->code) {
      case OpCode::ArrayMake: return root_of_pointer(op->args[1]);
      case OpCode::ArrayAs: v = op->args[0]; break;
      case OpCode::Elementwise: case OpCode::ArrayRoll: return v;
      case OpCode::Call: {
        int view = summary_.of(op->sym).view;
        if (view < 0) return v;
        v = op->args[static_cast<size_t>(view)];
        break;
      }
      default: return root_of_pointer(v);
    }
  }
  return v;
}

bool Arrays::fresh(ValueId root) const {
  const Op* op = def(root);
  if (!op) return std::find(fresh_.begin(), fresh_.end(), root) != fresh_.end();
  return op->code == OpCode::Alloc || op->code == OpCode::StackAlloc || op->code == OpCode::Elementwise ||
         op->code == OpCode::ArrayRoll || (op->code == OpCode::Call && summary_.of(op->sym).fresh);
}

bool Arrays::disjoint(ValueId a, ValueId b) const {
  if (a == b) return false;
  auto argument = [&](ValueId v) { return v < argument_.size() && argument_[v]; };
  return (fresh(a) && (fresh(b) || argument(b))) || (argument(a) && fresh(b));
}

namespace {
bool memory(TypeRef t) { return t && (t->is(Kind::Array) || t->is(Kind::Ptr) || t->is(Kind::Owner)); }
}  // namespace

Summary::Summary(Program& p) {
  rows_.reserve(p.functions.size());
  for (auto& f : p.functions) rows_[f->name].f = f.get();
}

Function* Summary::function(std::string_view name) const {
  auto it = rows_.find(name);
  return it == rows_.end() ? nullptr : it->second.f;
}

Effects Summary::of(std::string_view name) {
  auto it = rows_.find(name);
  constexpr Effects kAll{true, true, true, false};
  if (it == rows_.end() || it->second.busy) return kAll;    // unknown, or part of a cycle
  Row& row = it->second;                                    // references into the map stay valid: nothing is added
  if (row.known) return row.effects;
  row.busy = true;
  Effects all;
  all.raises = row.f->recursive;
  all.fresh = true;
  constexpr int kUnknown = -2;
  all.view = kUnknown;
  const std::vector<ValueId>& params = row.f->blocks[0].params;
  Arrays arrays(*row.f, *this);
  for (const Block& b : row.f->blocks)
    for (const Op& op : b.ops) {
      Effects one = of(arrays, op);
      all.raises |= one.raises;
      all.arrays |= one.arrays;
      all.other |= one.other;
      if (op.code != OpCode::Return) continue;
      ValueId root = arrays.root(op.args[0]);
      auto at = std::find(params.begin(), params.end(), root);
      int view = at == params.end() ? -1 : static_cast<int>(at - params.begin());
      all.view = all.view == kUnknown || all.view == view ? view : -1;
      all.fresh = all.fresh && arrays.fresh(root);
    }
  if (all.view < 0 || !memory(row.f->result)) all.view = -1;
  all.fresh = all.fresh && memory(row.f->result);
  if (all.other) all.fresh = false;        // it may have put it elsewhere too
  row.busy = false;
  row.known = true;
  return row.effects = all;
}

Effects Summary::of(const Arrays& arrays, const Op& op) {
  Effects e;
  e.raises = op.has(Raises);
  if (!op.has(Writes)) {
    if (op.code != OpCode::Elementwise) return e;
    Effects kernel = of(op.sym);
    e.arrays = kernel.arrays;
    e.other = kernel.other;
    return e;
  }
  switch (op.code) {
    case OpCode::Call: return of(op.sym);
    case OpCode::Store: case OpCode::MemCopy: case OpCode::MemZero: case OpCode::ArrayStore: case OpCode::ArrayAssign:
    case OpCode::ArrayAtomic: case OpCode::ArrayCas:
      e.arrays = !arrays.fresh(arrays.root(op.args[0]));
      break;
    case OpCode::Retain: case OpCode::Release:
      break;
    case OpCode::CallRt: case OpCode::CallPtr: case OpCode::ParFor: case OpCode::ObjMode:
      e.arrays = e.other = true;
      break;
    default:                               // lists, print, exceptions: never the memory of an array
      e.other = true;
  }
  return e;
}

}  // namespace coluber::ir::fuse
