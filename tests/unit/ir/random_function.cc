// See random_function.h. First the graph and the blocks' parameters, then, down the dominator tree, ops and edge arguments out of what
// is defined there.
#include "random_function.h"

#include "ir/analysis/dominators.h"
#include "ir/builder.h"

namespace coluber::ir {
namespace {

TypeRef list_type() { return list_of(pyint()); }
TypeRef pair_type() { return tuple_of({list_of(pyint()), list_of(pyint())}); }
TypeRef maybe_type() { return optional_of(list_of(pyint())); }
TypeRef array_type() { return array_of(pyint(), 1, Layout::C); }

class Maker {
 public:
  Maker(uint32_t seed, uint32_t blocks) : random_(seed), n_(blocks), f_(std::make_unique<Function>()), b_(f_.get()) {}

  std::unique_ptr<Function> make() {
    f_->name = "random";
    f_->typed = true;
    f_->result = list_type();
    for (uint32_t i = 0; i < n_; ++i) f_->add_block();
    for (BlockId b = 0; b < n_; ++b) head(b);
    for (BlockId b = 0; b < n_; ++b) terminator(b);
    Cfg cfg(*f_);
    DomTree dom(*f_, cfg);
    std::vector<Available> at;             // stack along the path in the dominator tree
    for (uint32_t i = 0; i < dom.preorder().size(); ++i) {
      while (!at.empty() && at.back().end <= i) at.pop_back();
      NodeId node = dom.preorder()[i];
      at.push_back(at.empty() ? Available{} : at.back());
      at.back().end = dom.last(node);
      BlockId b = dom.block(node);
      if (node == dom.head(b)) {
        for (ValueId v : f_->blocks[b].params) at.back().values.push_back(v);
        if (f_->blocks[b].on_error.valid()) arguments(f_->blocks[b].on_error, at.back());
      }
      if (dom.is_tail(node)) body(b, at.back());
    }
    for (BlockId b = 0; b < n_; ++b)
      if (!cfg.reachable(b)) clear(b);
    return std::move(f_);
  }

 private:
  struct Available {
    std::vector<ValueId> values;
    uint32_t end = 0;
  };

  uint32_t pick(uint32_t n) { return random_() % n; }
  bool chance(uint32_t percent) { return pick(100) < percent; }
  BlockId other_block() { return 1 + pick(n_ - 1); }
  TypeRef any_type() {
    switch (pick(7)) {
      case 0: return pyint();
      case 1: return pair_type();
      case 2: return maybe_type();
      case 3: return array_type();
      case 4: return owner();
      default: return list_type();
    }
  }

  void head(BlockId b) {
    b_.set_block(b);
    if (b == 0) {                          // one value of each type is available everywhere
      for (TypeRef t : {pyint(), pybool(), list_type(), pair_type(), maybe_type(), array_type(), owner()}) b_.param(t);
      return;
    }
    for (uint32_t i = pick(4); i > 0; --i) b_.param(any_type());
    if (b > 1 && chance(20)) f_->blocks[b].params.clear();
  }

  void terminator(BlockId b) {
    b_.set_block(b);
    if (chance(35)) f_->blocks[b].on_error.block = other_block();
    Op& op = b_.op(OpCode::Unreachable);
    uint32_t kind = pick(10);
    if (kind < 3) op.targets.push_back({other_block(), {}});
    else if (kind < 7) op.targets.push_back({other_block(), {}}), op.targets.push_back({other_block(), {}});
    op.imm = kind;
    op.code = kind < 3 ? OpCode::Jump : kind < 7 ? OpCode::Branch : kind < 9 ? OpCode::Return : OpCode::RaiseNew;
    op.imm = op.code == OpCode::RaiseNew ? 1 : 0;
  }

  ValueId value(const Available& at, TypeRef t) {
    std::vector<ValueId> good;
    for (ValueId v : at.values)
      if (f_->type_of(v) == t) good.push_back(v);
    // Rather a late one: those of the entry are borrowed parameters.
    return chance(70) ? good.back() : good[pick(static_cast<uint32_t>(good.size()))];
  }

  void arguments(Edge& e, const Available& at) {
    for (ValueId p : f_->blocks[e.block].params) e.args.push_back(value(at, f_->type_of(p)));
  }

  void body(BlockId b, Available& at) {
    b_.set_block(b);
    Op term = std::move(f_->blocks[b].ops.back());
    f_->blocks[b].ops.pop_back();
    for (uint32_t i = pick(6); i > 0; --i) op(at);
    if (term.code == OpCode::Branch) term.args = {value(at, pybool())};
    if (term.code == OpCode::Return) term.args = {value(at, list_type())};
    for (Edge& e : term.targets) arguments(e, at);
    f_->blocks[b].ops.push_back(std::move(term));
  }

  void op(Available& at) {
    auto made = [&](ValueId v) { at.values.push_back(v); };
    ValueId n = value(at, pyint()), list = value(at, list_type());
    switch (pick(18)) {
      case 0: made(b_.emit(OpCode::ListNew, {n}, list_type())); break;
      case 1: b_.op(OpCode::Poll); break;
      case 2: made(b_.emit(OpCode::ListLen, {list}, pyint())); break;
      case 3: b_.op(OpCode::ListPush, {list, n}); break;
      case 4: made(b_.emit(OpCode::TupleMake, {list, value(at, list_type())}, pair_type())); break;
      case 5: made(b_.emit(OpCode::TupleGet, {value(at, pair_type())}, list_type(), pick(2))); break;
      case 6: made(b_.emit(OpCode::Some, {list}, maybe_type())); break;
      case 7: made(b_.emit(OpCode::Payload, {value(at, maybe_type())}, list_type())); break;
      case 8: made(b_.emit(OpCode::Absent, {}, maybe_type())); break;
      case 9: made(b_.emit(OpCode::Select, {value(at, pybool()), list, value(at, list_type())}, list_type())); break;
      case 10: made(b_.emit(OpCode::Alloc, {n}, owner())); break;
      case 11: {
        ValueId memory = value(at, owner());
        ValueId data = b_.emit(OpCode::OwnerData, {memory}, ptr_to(pyint()));
        made(b_.emit(OpCode::ArrayMake, {memory, data, n}, array_type()));
        break;
      }
      case 12: made(b_.emit(OpCode::ArrayOwner, {value(at, array_type())}, owner())); break;
      case 13: made(b_.emit(OpCode::ArrayAs, {value(at, array_type())}, array_type())); break;
      case 14: nested(at, n, list); break;
      case 15: made(b_.emit(OpCode::Present, {value(at, maybe_type())}, pybool())); break;
      case 16: {
        ValueId data = b_.emit(OpCode::ArrayData, {value(at, array_type())}, ptr_to(pyint()));
        if (chance(30)) made(b_.emit(OpCode::PtrToInt, {data}, pyint()));
        b_.op(OpCode::Poll);
        made(b_.emit(OpCode::Load, {data}, pyint()));
        break;
      }
      default: made(b_.emit(OpCode::CallRt, {list, n}, list_type(), 0, "f")); break;
    }
  }

  // A list of lists: takes references over, and gives copies away.
  void nested(Available& at, ValueId n, ValueId list) {
    ValueId outer = b_.emit(OpCode::ListNew, {n}, list_of(list_type()));
    b_.op(OpCode::ListPush, {outer, list});
    if (chance(50)) b_.op(OpCode::ListPush, {outer, list});
    at.values.push_back(b_.emit(OpCode::ListLoad, {outer, n}, list_type()));
  }

  void clear(BlockId b) {
    Block& block = f_->blocks[b];
    block.on_error = {};
    block.ops.clear();
    block.ops.emplace_back().code = OpCode::Unreachable;
  }

  std::mt19937 random_;
  uint32_t n_;
  std::unique_ptr<Function> f_;
  Builder b_;
};

}  // namespace

std::unique_ptr<Function> random_function(uint32_t seed, uint32_t blocks) { return Maker(seed, blocks).make(); }

}  // namespace coluber::ir
