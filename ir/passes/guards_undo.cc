// Part of guards: a loop that stores runs in pieces, each of which can be taken back.
//
//   before                                   after
//     jump ^1(0)                               jump ^5(0)
//   ^1(%i) loop:                             ^5(%k) loop:                      a piece: from %k to %l
//     br (lt %i, %n), ^2, ^3                   %l = min(%k + 512, %n)
//   ^2:                                        br (lt (sub %n, %k), 8), ^1(%k), ^6(%k)
//     guard (gt %x, 0.0), "MathDomain"       ^6(%j) loop: while %j < %l: memory[%j - %k] = %a[%j]; then ^7(%k, false)
//     array.store %a, %y, %i                 ^7(%i', %bad) loop: br (lt %i', %l), ^8, ^9     the copy without guards, see guards_speculate
//     jump ^1(%i + 1)                        ^9: br (likely not %bad), ^10, ^11
//   ^3: ...                                  ^10: br (lt %i', %n), ^5(%i'), ^3
//                                            ^11(%j) loop: while %j < %l: %a[%j] = memory[%j - %k]; then ^1(%k)
//                                            ^1(%i) loop: as it was
//
// What was overwritten is put back exactly, so the loop as it was meets the state that the piece began with, and whatever its loads and stores
// have to do with one another. Which elements a piece may overwrite follows from the counter alone; that they are inside of their arrays is known
// for each turn, also of those stores that some turns leave out.
#include "ir/passes/guards_undo.h"

#include <algorithm>

#include "ir/builder.h"

namespace coluber::ir::guards {
namespace {

constexpr int64_t kTurns = 512;            // of a piece: its copies stay in the cache
constexpr int64_t kFew = 8;                // turns that are not worth a piece
constexpr size_t kPlaces = 4;

}  // namespace

std::unique_ptr<Undo> Undo::of(Function& f, Analyses& a, const Loop& loop, ValueId counter, ValueId bound) {
  if (bound == kNoId) return nullptr;
  std::unique_ptr<Undo> undo(new Undo(f, a, loop, counter, bound));
  return undo->suitable() ? std::move(undo) : nullptr;
}

bool Undo::suitable() {
  const Block& header = f_.blocks[loop_.header];
  if (loop_.exits.size() != 1 || loop_.exits[0].error() || loop_.exits[0].block != loop_.header) return false;
  param_ = static_cast<size_t>(std::find(header.params.begin(), header.params.end(), counter_) - header.params.begin());
  if (!only_sums()) return false;
  const Op* size = a_.ranges.def(bound_);
  bool outside = !a_.loops.contains(a_.loops.loop_of(loop_.header), f_.values[bound_].block);
  if (!outside && !(size && size->code == OpCode::ArrayShape)) return false;
  if (!a_.ranges.at_least(counter_, 0, {header.term().targets[0].block, 0})) return false;
  for (BlockId b : loop_.blocks) {
    if (f_.blocks[b].on_error.valid()) return false;
    for (const Op& op : f_.blocks[b].ops)
      if (op.code == OpCode::ArrayStore && !add_store(op)) return false;
  }
  // An element that an earlier turn has stored: turns that follow one another, which are no vectors.
  for (BlockId b : loop_.blocks)
    for (const Op& op : f_.blocks[b].ops) {
      std::vector<Index> index;
      if (op.code != OpCode::ArrayLoad) continue;
      for (const Place& p : places_)
        if (p.array == op.args[0] && (!indices_of(op, 1, &index) || stored_before(index, p.index))) return false;
    }
  return !places_.empty();
}

bool Undo::stored_before(const std::vector<Index>& load, const std::vector<Index>& store) {
  for (size_t k = 0; k < load.size(); ++k) {
    if (load[k].v != store[k].v) return false;              // another row, as far as one can see
    if (load[k].k != store[k].k) return load[k].k < store[k].k;
  }
  return false;
}

// What goes from turn to turn, besides the counter, is added to or the like.
bool Undo::only_sums() const {
  const std::vector<ValueId>& params = f_.blocks[loop_.header].params;
  for (size_t k = 0; k < params.size(); ++k) {
    if (k == param_) continue;
    for (const Pred& p : loop_.latches) {
      ValueId next = f_.blocks[p.block].term().targets[p.index].args[k];
      const Op* op = a_.ranges.def(next);
      if (next != params[k] && (!op || std::find(op->args.begin(), op->args.end(), params[k]) == op->args.end())) return false;
    }
  }
  return true;
}

bool Undo::add_store(const Op& op) {
  LoopId id = a_.loops.loop_of(loop_.header);
  Place place{op.args[0], {}};
  TypeRef item = f_.type_of(op.args[0])->elem;
  if (!is_number(item) || a_.loops.contains(id, f_.values[place.array].block) || !indices_of(op, 2, &place.index)) return false;
  for (const Place& p : places_)
    if (p.array == place.array && p.index == place.index) return true;
  for (size_t k = 0; k < place.index.size(); ++k)
    if (!inside(place.index[k], a_.ranges.shape_node(place.array, static_cast<int>(k)))) return false;
  places_.push_back(std::move(place));
  return places_.size() <= kPlaces;
}

bool Undo::indices_of(const Op& op, size_t from, std::vector<Index>* out) const {
  out->assign(op.args.size() - from, {});
  for (size_t k = from; k < op.args.size(); ++k)
    if (!index_of(op.args[k], &(*out)[k - from])) return false;
  return true;
}

bool Undo::index_of(ValueId v, Index* out) const {
  if (v == counter_) return true;
  if (!a_.loops.contains(a_.loops.loop_of(loop_.header), f_.values[v].block)) {
    out->v = v;
    return true;
  }
  const Op* op = a_.ranges.def(v);
  if (!op) return false;
  if (op->code == OpCode::Select) {        // of an index whose check was answered in front of the loop
    const Op* test = a_.ranges.def(op->args[0]);
    return test && test->code == OpCode::Const && index_of(op->args[test->imm ? 1 : 2], out);
  }
  int64_t k;
  if ((op->code != OpCode::Add && op->code != OpCode::Sub) || !a_.ranges.constant(op->args[1], &k) || !index_of(op->args[0], out)) return false;
  out->k += op->code == OpCode::Add ? k : -k;
  return out->v == kNoId && out->k > -(int64_t{1} << 32) && out->k < int64_t{1} << 32;
}

// In each turn, from where the body begins.
bool Undo::inside(const Index& index, uint32_t size) const {
  ValueId v = index.v == kNoId ? counter_ : index.v;
  ir::Place body{f_.blocks[loop_.header].term().targets[0].block, 0};
  return a_.ranges.at_least(v, -index.k, body) && a_.ranges.at_most(v, size, -1 - Wide{index.k}, body);
}

BlockId Undo::begin(BlockId dispatch, const Region& region) {
  dispatch_ = dispatch;
  Block& header = f_.blocks[region.block_copy(loop_.header)];
  next_ = header.params;
  next_.resize(f_.blocks[dispatch].params.size());                   // without what is noted of the guards
  for (const Pred& p : loop_.latches) f_.blocks[region.block_copy(p.block)].term().imm |= 4;
  Builder b(&f_);
  b.set_loc(header.term().loc);
  b.set_block(dispatch);
  f_.blocks[dispatch].loop_header = true;
  ValueId first = f_.blocks[dispatch].params[param_];
  const Op* size = a_.ranges.def(bound_);
  stop_ = a_.loops.contains(a_.loops.loop_of(loop_.header), f_.values[bound_].block) ? b.emit(OpCode::ArrayShape, size->args, pyint(), size->imm) : bound_;
  for (Place& p : places_) {
    TypeRef item = f_.type_of(p.array)->elem;
    p.memory = b.emit(OpCode::StackAlloc, {}, ptr_to(item), kTurns * item_size(item));
  }
  ValueId end = b.emit(OpCode::Add, {first, b.const_int(kTurns)}, pyint());
  limit_ = b.emit(OpCode::Select, {b.emit(OpCode::Lt, {end, stop_}, pybool()), end, stop_}, pyint());
  ValueId few = b.emit(OpCode::Lt, {b.emit(OpCode::Sub, {stop_, first}, pyint()), b.const_int(kFew)}, pybool());
  b.op(OpCode::Branch, {few});
  add_target(f_, a_, dispatch, loop_.header, f_.blocks[dispatch].params);
  BlockId entered = copy_loop(false, dispatch);
  for (Op& op : f_.blocks[region.block_copy(loop_.header)].ops)      // the copy ends where the piece does
    for (ValueId& v : op.args)
      if ((op.code == OpCode::Lt) && op.args[0] == next_[param_] && &v == &op.args[1] && v == region.value_copy(bound_)) v = limit_;
  return entered;
}

BlockId Undo::back() {
  if (back_ != kNoId) return back_;
  back_ = f_.add_block();
  a_.preds.resize(f_.blocks.size());
  Builder b(&f_);
  b.set_loc(f_.blocks[loop_.header].term().loc);
  b.set_block(back_);
  b.op(OpCode::Jump);
  BlockId done = copy_loop(true, back_);
  b.set_block(done);
  b.op(OpCode::Jump);
  add_target(f_, a_, done, loop_.header, f_.blocks[dispatch_].params);
  return back_;
}

void Undo::end(BlockId ask, Edge out) {
  BlockId more = f_.add_block();
  a_.preds.resize(f_.blocks.size());
  add_target(f_, a_, ask, more, {});
  Builder b(&f_);
  b.set_loc(f_.blocks[loop_.header].term().loc);
  b.set_block(more);
  b.op(OpCode::Branch, {b.emit(OpCode::Lt, {next_[param_], stop_}, pybool())});
  add_target(f_, a_, more, dispatch_, next_);
  add_target(f_, a_, more, out.block, std::move(out.args));
}

// A loop over the piece, entered from `from`, that copies the elements out or back; gives the block behind it.
BlockId Undo::copy_loop(bool restore, BlockId from) {
  BlockId head = f_.add_block(), body = f_.add_block(), behind = f_.add_block();
  a_.preds.resize(f_.blocks.size());
  ValueId first = f_.blocks[dispatch_].params[param_];
  add_target(f_, a_, from, head, {first});
  Builder b(&f_);
  b.set_loc(f_.blocks[loop_.header].term().loc);
  b.set_block(head);
  f_.blocks[head].loop_header = true;
  ValueId k = b.param(pyint());
  b.op(OpCode::Branch, {b.emit(OpCode::Lt, {k, limit_}, pybool())});
  add_target(f_, a_, head, body, {});
  add_target(f_, a_, head, behind, {});
  b.set_block(body);
  ValueId offset = b.emit(OpCode::Sub, {k, first}, pyint());
  for (const Place& p : places_) {
    TypeRef item = f_.type_of(p.array)->elem;
    ValueId bytes = b.emit(OpCode::Mul, {offset, b.const_int(item_size(item))}, pyint());
    ValueId at = b.emit(OpCode::PtrAdd, {p.memory, bytes}, ptr_to(item));
    std::vector<ValueId> args{p.array};
    if (restore) args.push_back(b.emit(OpCode::Load, {at}, item));
    for (const Index& i : p.index)
      args.push_back(i.v != kNoId ? i.v : i.k == 0 ? k : b.emit(OpCode::Add, {k, b.const_int(i.k)}, pyint()));
    if (restore) b.op(OpCode::ArrayStore, args);
    else b.op(OpCode::Store, {at, b.emit(OpCode::ArrayLoad, args, item)});
  }
  ValueId next = b.emit(OpCode::Add, {k, b.const_int(1)}, pyint(), 1);
  b.op(OpCode::Jump).imm = restore ? 5 : 4;
  add_target(f_, a_, body, head, {next});
  return behind;
}

}  // namespace coluber::ir::guards
