// Part of fuse: NumPy's reductions (`fold`) of arrays. One of an array that an elementwise group makes is done with it, block by block: the items of a
// block are computed into memory that stays in the cache, or to where they belong if the array is used otherwise as well, and NumPy's loop goes over them.
//
//   %2 = ew %0, "kernel"                           fold_begin %state, loop, data, %cell, %n, ...
//   %3 = fold loop, data, 0.0, %2        ^1(%at):  %m = fold_next %state, %buffer;  br gt %m, 0, ^2, ^3
//                                        ^2:       for i < %m: %buffer[i] = kernel(%0[%at + i]);  jump ^1(%at + %m)
//                                        ^3:       %3 = load %cell
//
// The runtime knows how large the blocks are: sums of floats are NumPy's to the bit. The fold moves up to where the array is made, since it only reads. In
// functions for several threads array and fold stay two loops, each on all of them.
#include <algorithm>

#include "ir/analysis/cfg.h"
#include "ir/passes/fuse.h"
#include "ir/schedule.h"

namespace coluber::ir::fuse {
namespace {

using Values = std::vector<ValueId>;

bool one_row(TypeRef t) { return t->is(Kind::Array) && t->ndim > 0 && (t->layout == Layout::C || t->layout == Layout::F); }

class Finder {
 public:
  Finder(const Function& f, const std::vector<uint32_t>& uses, Summary& summary) : f_(f), uses_(uses), summary_(summary), cfg_(f), arrays_(f, summary), made_(f.values.size()), shapes_(f.values.size(), 0) {
    for (BlockId b = 0; b < f.blocks.size(); ++b)
      for (uint32_t i = 0; i < f.blocks[b].ops.size(); ++i) {
        const Op& op = f.blocks[b].ops[i];
        for (ValueId v : op.results) made_[v] = {b, i, &op};
        if (op.code == OpCode::ArrayShape) ++shapes_[op.args[0]];
      }
  }

  std::unordered_map<ValueId, Folded> run() {
    std::unordered_map<ValueId, Folded> found;
    if (f_.parallel) return found;
    for (BlockId b = 0; b < f_.blocks.size(); ++b)
      for (uint32_t i = 0; i < f_.blocks[b].ops.size(); ++i) {
        const Op& op = f_.blocks[b].ops[i];
        if (op.code != OpCode::Fold || found.count(op.args[3]) || !cfg_.reachable(b)) continue;
        Folded one;
        if (look(op, b, i, &one)) found.emplace(op.args[3], std::move(one));
      }
    return found;
  }

 private:
  struct Made {
    BlockId block = kNoId;
    uint32_t index = 0;
    const Op* op = nullptr;
  };

  bool look(const Op& fold, BlockId b, uint32_t i, Folded* out) const {
    ValueId array = fold.args[3];
    const Made& made = made_[array];
    if (!made.op || made.op->code != OpCode::Elementwise || !one_row(f_.type_of(array)) || (fold.imm & kFold) >= kBuffered || !still(made, b, i)) return false;
    out->fold = fold;
    uint32_t known = 1 + shapes_[array];
    for (size_t k = 0; k < 3; ++k) {
      const Made& operand = made_[fold.args[k]];
      if (k == 2 && is_first(fold.args[2], array)) {
        out->fold.imm |= kFoldFromFirst;
        ++known;
      } else if (operand.op && (operand.op->code == OpCode::Const || operand.op->code == OpCode::Import)) {
        out->needs.push_back(*operand.op);
      } else if (!before(fold.args[k], operand, made)) {
        return false;
      }
    }
    out->kept = uses_[array] != known;
    return true;
  }

  // Is nothing stored to an array on the way from where it is made to the fold, by the one way that there is?
  bool still(const Made& made, BlockId b, uint32_t i) const {
    for (int steps = 0; steps < 16; ++steps) {
      uint32_t first = b == made.block ? made.index + 1 : 0;
      for (uint32_t k = first; k < i; ++k)
        if (stores(f_.blocks[b].ops[k])) return false;
      if (b == made.block) return made.index < i;
      if (cfg_.preds(b).size() != 1 || cfg_.preds(b)[0].error()) return false;
      b = cfg_.preds(b)[0].block;
      i = static_cast<uint32_t>(f_.blocks[b].ops.size());
    }
    return false;
  }
  bool stores(const Op& op) const {
    bool own = op.code == OpCode::Store || op.code == OpCode::MemCopy || op.code == OpCode::MemZero || op.code == OpCode::ArrayStore || op.code == OpCode::ArrayAssign;
    return own || summary_.of(arrays_, op).arrays || op.code == OpCode::ArrayAtomic || op.code == OpCode::ArrayCas;
  }

  // The item that the reduction begins with is the array's first one, of which nobody else knows.
  bool is_first(ValueId v, ValueId array) const {
    const Op* load = made_[v].op;
    if (!load || load->code != OpCode::ArrayLoad || load->args[0] != array || uses_[v] != 1) return false;
    return std::all_of(load->args.begin() + 1, load->args.end(), [&](ValueId k) { return arrays_.is_const(k, 0) || is_zero(k); });
  }
  bool is_zero(ValueId v) const { return made_[v].op && made_[v].op->code == OpCode::Const && made_[v].op->imm == 0; }

  // Is v there where the array is made?
  bool before(ValueId v, const Made& operand, const Made& made) const {
    if (!operand.op) return f_.values[v].block == 0 || f_.values[v].block == made.block;
    return operand.block == made.block && operand.index < made.index;
  }

  const Function& f_;
  const std::vector<uint32_t>& uses_;
  Summary& summary_;
  Cfg cfg_;
  Arrays arrays_;
  std::vector<Made> made_;
  std::vector<uint32_t> shapes_;           // how often each value is asked for its shape
};

ValueId item_cell(Emitter& e, const Op& fold) {
  TypeRef item = e.type(fold.result());
  ValueId cell = e.op(OpCode::StackAlloc, {}, ptr_to(item), 16);
  if (!(fold.imm & kFoldFromFirst)) e.effect(OpCode::Store, Values{cell, fold.args[2]});
  return cell;
}

}  // namespace

std::unordered_map<ValueId, Folded> find_folds(const Function& f, const std::vector<uint32_t>& uses, Summary& summary) {
  bool any = false;
  for (const Block& b : f.blocks)
    for (const Op& op : b.ops) any |= op.code == OpCode::Fold;
  return any ? Finder(f, uses, summary).run() : std::unordered_map<ValueId, Folded>();
}

void expand_fold(Emitter& e, const Op& fold, ValueId array) {
  TypeRef t = e.type(array), item = t->elem;
  Values shape;
  for (int axis = 0; axis < t->ndim; ++axis) shape.push_back(e.shape(array, axis));
  ValueId n = e.product(shape), step = t->ndim == 1 ? e.stride(array, 0) : e.integer(item_size(item)), cell = item_cell(e, fold);
  Values args{fold.args[0], fold.args[1], cell, e.data(array), n, step};
  if (fold.imm & kFoldShared) {
    args.push_back(e.integer(item_size(item)));
    args.push_back(e.integer(fold.imm & kFold));
  }
  e.op(OpCode::CallRt, args, none(), 0, fold.imm & kFoldShared ? "coluber_fold_shared" : "coluber_fold");
  load_item(e, cell, fold.result());
}

void load_item(Emitter& e, ValueId cell, ValueId result) {
  Op load;
  load.code = OpCode::Load;
  load.args = {cell};
  load.results = {result};
  e.append(std::move(load));
}

void make_shape(Emitter& e, const Op& root, std::span<const ValueId> shape) {
  Op make;
  make.code = OpCode::ArrayMake;
  make.args = {e.op(OpCode::Zero, {}, owner()), e.op(OpCode::Zero, {}, ptr_to(e.type(root.result())->elem))};
  make.args.insert(make.args.end(), shape.begin(), shape.end());
  make.results = root.results;
  make.loc = root.loc;
  e.append(std::move(make));
}

ValueId make_block(Emitter& e, TypeRef item, ValueId n) {
  ValueId size = e.op(OpCode::Math, {n, e.integer(kFoldBlock)}, pyint(), 0, "imin");
  ValueId memory = e.op(OpCode::Alloc, {e.mul(size, e.integer(item_size(item)))}, owner());
  ValueId data = e.op(OpCode::PtrCast, {e.op(OpCode::OwnerData, {memory}, ptr_to(scalar(Kind::UInt8)))}, ptr_to(item));
  return e.op(OpCode::ArrayMake, {memory, data, size}, array_of(item, 1, Layout::C));
}

ValueId flat_view(Emitter& e, ValueId array, ValueId total) {
  TypeRef t = e.type(array);
  return e.op(OpCode::ArrayMake, {e.op(OpCode::ArrayOwner, {array}, owner()), e.data(array), total}, array_of(t->elem, 1, Layout::C, t->readonly));
}

Op fold_again(Emitter& e, const Folded& folded, ValueId result) {
  Op fold = folded.fold;
  for (const Op& need : folded.needs) {
    Op op = need;
    op.results = {e.function().add_value(e.type(need.result()), e.block())};
    std::replace(fold.args.begin(), fold.args.end(), need.result(), op.result());
    e.append(std::move(op));
  }
  fold.results = {result};
  return fold;
}

// All of an array that is there. One that begins with the first item begins with it twice.
void fold_all(Emitter& e, const Folded& folded, ValueId array, ValueId result) {
  Op fold = fold_again(e, folded, result);
  if (!(fold.imm & kFoldFromFirst)) return expand_fold(e, fold, array);
  Values shape;
  for (int axis = 0; axis < e.type(array)->ndim; ++axis) shape.push_back(e.shape(array, axis));
  load_item(e, fold_blocks(e, fold, e.data(array), e.product(shape), true, [](ValueId, ValueId) {}), result);
}

ValueId fold_blocks(Emitter& e, const Op& fold, ValueId items, ValueId n, bool in_place, const std::function<void(ValueId first, ValueId n)>& fill) {
  ValueId cell = item_cell(e, fold), state = e.op(OpCode::StackAlloc, {}, ptr_to(scalar(Kind::UInt8)), kFoldState);
  ValueId how = e.integer(fold.imm | (in_place ? int64_t{kFoldInPlace} : 0)), size = e.integer(item_size(e.type(fold.result())));
  e.op(OpCode::CallRt, Values{state, fold.args[0], fold.args[1], cell, n, size, how}, none(), 0, "coluber_fold_begin");
  BlockId next = e.new_block(true), block = e.new_block(true), done = e.new_block(true);
  e.function().blocks[next].loop_header = true;
  e.jump(next, {e.integer(0)});
  e.set_block(next);
  ValueId at = e.param(pyint()), m = e.op(OpCode::CallRt, Values{state, items}, pyint(), 0, "coluber_fold_next");
  e.branch(e.op(OpCode::Gt, {m, e.integer(0)}, pybool()), true, Edge{block, {}}, Edge{done, {}});
  e.set_block(block);
  fill(at, m);
  e.jump(next, {e.op(OpCode::Add, {at, m}, pyint(), 1)});
  e.set_block(done);
  return cell;
}

}  // namespace coluber::ir::fuse
