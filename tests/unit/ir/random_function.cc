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
TypeRef two_type() { return tuple_of({pyint(), pybool()}); }
TypeRef maybe_int() { return optional_of(pyint()); }

// The graph, and what is common to both kinds of functions; what they hold is up to the kind.
class Maker {
 public:
  Maker(uint32_t seed, uint32_t blocks, std::string name, TypeRef result)
      : random_(seed), n_(blocks), f_(std::make_unique<Function>()), b_(f_.get()) {
    f_->name = std::move(name);
    f_->typed = true;
    f_->result = result;
  }
  virtual ~Maker() = default;

  std::unique_ptr<Function> make() {
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

 protected:
  struct Available {
    std::vector<ValueId> values;
    uint32_t end = 0;
  };

  virtual std::vector<TypeRef> parameters() const = 0;     // one value of each type is available everywhere
  virtual TypeRef any_type() = 0;
  virtual void op(Available& at) = 0;

  uint32_t pick(uint32_t n) { return random_() % n; }
  bool chance(uint32_t percent) { return pick(100) < percent; }
  BlockId other_block() { return 1 + pick(n_ - 1); }
  void head(BlockId b) {
    b_.set_block(b);
    if (b == 0) {
      for (TypeRef t : parameters()) b_.param(t);
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
    if (term.code == OpCode::Return) term.args = {value(at, f_->result)};
    for (Edge& e : term.targets) arguments(e, at);
    f_->blocks[b].ops.push_back(std::move(term));
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

class Counted : public Maker {
 public:
  Counted(uint32_t seed, uint32_t blocks) : Maker(seed, blocks, "random", list_type()) {}

 private:
  std::vector<TypeRef> parameters() const override {
    return {pyint(), pybool(), list_type(), pair_type(), maybe_type(), array_type(), owner()};
  }
  TypeRef any_type() override {
    switch (pick(7)) {
      case 0: return pyint();
      case 1: return pair_type();
      case 2: return maybe_type();
      case 3: return array_type();
      case 4: return owner();
      default: return list_type();
    }
  }

  void op(Available& at) override {
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
};

class Scalars : public Maker {
 public:
  Scalars(uint32_t seed, uint32_t blocks, uint32_t index, uint32_t functions)
      : Maker(seed, blocks, "f" + std::to_string(index), pyint()), index_(index), functions_(functions) {}

 private:
  std::vector<TypeRef> parameters() const override { return {pyint(), pybool(), two_type(), maybe_int()}; }
  TypeRef any_type() override {
    switch (pick(6)) {
      case 0: return pybool();
      case 1: return two_type();
      case 2: return maybe_int();
      default: return pyint();
    }
  }

  void op(Available& at) override {
    ValueId a = value(at, pyint()), b = value(at, pyint()), c = value(at, pybool());
    at.values.push_back(chance(50) ? arithmetic(a, b, c) : other(at, a, b, c));
  }

  ValueId arithmetic(ValueId a, ValueId b, ValueId c) {
    constexpr OpCode kInts[] = {OpCode::Add, OpCode::Sub, OpCode::Mul, OpCode::And, OpCode::Or, OpCode::Xor, OpCode::Shl, OpCode::Shr};
    constexpr OpCode kTests[] = {OpCode::Eq, OpCode::Ne, OpCode::Lt, OpCode::Le, OpCode::Gt, OpCode::Ge};
    switch (pick(6)) {
      case 0: return b_.const_int(static_cast<int64_t>(pick(5)) - 1);
      case 1: return b_.emit(kTests[pick(6)], {a, b}, pybool());
      case 2: return b_.emit(pick(2) ? OpCode::Neg : OpCode::Not, {a}, pyint());
      case 3: return b_.emit(OpCode::Select, {c, a, b}, pyint());
      default: return b_.emit(kInts[pick(8)], {a, b}, pyint());
    }
  }

  ValueId other(Available& at, ValueId a, ValueId b, ValueId c) {
    switch (pick(14)) {
      case 0: return b_.emit(OpCode::TupleMake, {a, c}, two_type());
      case 1: return b_.emit(OpCode::TupleGet, {value(at, two_type())}, pyint(), 0);
      case 2: return b_.emit(OpCode::TupleGet, {value(at, two_type())}, pybool(), 1);
      case 3: return b_.emit(OpCode::Some, {a}, maybe_int());
      case 4: return b_.emit(OpCode::Absent, {}, maybe_int());
      case 5: return b_.emit(OpCode::Present, {value(at, maybe_int())}, pybool());
      case 6: return b_.emit(OpCode::Payload, {value(at, maybe_int())}, pyint());
      case 7: return b_.emit(pick(2) ? OpCode::And : OpCode::Or, {c, value(at, pybool())}, pybool());
      case 8: return b_.emit(OpCode::Not, {c}, pybool());
      case 9: return b_.emit(OpCode::IndexCheck, {a, b}, pyint(), pick(2));
      case 10: b_.op(OpCode::Guard, {c}).sym = "ZeroDiv"; return b_.const_bool(pick(2));
      case 11: {
        ValueId wrapped = b_.emit(OpCode::MulOvf, {a, b}, pyint());
        at.values.push_back(b_.add_result(pybool()));
        return wrapped;
      }
      case 12: return b_.emit(OpCode::Cast, {b_.emit(OpCode::Cast, {a}, scalar(Kind::Int8))}, pyint());
      default: return call(at, a, c);
    }
  }

  ValueId call(Available& at, ValueId a, ValueId c) {
    if (index_ + 1 >= functions_) return b_.const_int(7);
    std::string callee = "f" + std::to_string(index_ + 1 + pick(functions_ - index_ - 1));
    return b_.emit(OpCode::Call, {a, c, value(at, two_type()), value(at, maybe_int())}, pyint(), 0, callee);
  }

  uint32_t index_, functions_;
};

}  // namespace

std::unique_ptr<Function> random_function(uint32_t seed, uint32_t blocks) { return Counted(seed, blocks).make(); }

std::unique_ptr<Program> random_program(uint32_t seed, uint32_t functions, uint32_t blocks) {
  auto p = std::make_unique<Program>();
  for (uint32_t i = 0; i < functions; ++i) p->functions.push_back(Scalars(seed * 31 + i, blocks, i, functions).make());
  p->functions[0]->exported = true;
  return p;
}

}  // namespace coluber::ir
