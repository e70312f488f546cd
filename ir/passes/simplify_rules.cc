// The rules of simplify. To add one: it must not make code worse, must keep the result's type, and must hold for every input, nan and
// wrapping included. What is only a matter of arithmetic and does not decide branches or types is LLVM's business, not ours.
#include "ir/passes/simplify_rules.h"

namespace coluber::ir {

bool Knowledge::is_int(ValueId v, int64_t value) const {
  const Op* c = constant(v);
  return c && c->imm == value && (is_integer(type(v)) || is_bool(type(v)));
}

int Knowledge::truth(ValueId v) const {
  if (const Op* c = constant(v)) return c->imm != 0;
  return truth_[v];
}

void Knowledge::learn(ValueId cond, bool value) {
  if (truth(cond) >= 0) return;
  truth_[cond] = value;
  facts_.push_back(cond);
  if (const Op* op = made_by(cond, OpCode::Not)) learn(op->args[0], !value);
  if (const Op* op = made_by(cond, OpCode::Likely)) learn(op->args[0], value);
  const Op* both = made_by(cond, value ? OpCode::And : OpCode::Or);
  if (!both) return;
  learn(both->args[0], value);
  learn(both->args[1], value);
}

void Knowledge::forget(size_t facts) {
  for (; facts_.size() > facts; facts_.pop_back()) truth_[facts_.back()] = -1;
}

ValueId Knowledge::make_constant(TypeRef type, int64_t value) {
  constexpr size_t kLookBack = 16;         // the same again is rare further back, and does no harm
  for (size_t i = constants_.size(); i-- > 0 && i + kLookBack >= constants_.size() && constants_[i].first == block_;) {
    const Op& op = constants_[i].second;
    if (op.imm == value && this->type(op.result()) == type) return op.result();
  }
  ValueId v = f_.add_value(type, block_);
  map_.grow(f_.values.size());
  defs_.push_back(nullptr);
  truth_.push_back(-1);
  Op& op = constants_.emplace_back(block_, Op()).second;
  op.code = OpCode::Const;
  op.imm = value;
  op.results = {v};
  define(op);
  return v;
}

void Knowledge::finish() {
  for (size_t i = 0; i < constants_.size();) {
    BlockId b = constants_[i].first;
    std::vector<Op>& ops = f_.blocks[b].ops;
    std::vector<Op> all;
    if (ops.front().code == OpCode::ExcCatch) all.push_back(std::move(ops.front()));    // stays the first
    size_t kept = all.size();
    for (; i < constants_.size() && constants_[i].first == b; ++i) all.push_back(std::move(constants_[i].second));
    all.insert(all.end(), std::make_move_iterator(ops.begin() + static_cast<std::ptrdiff_t>(kept)), std::make_move_iterator(ops.end()));
    ops = std::move(all);
  }
  map_.apply(f_);
}

void make_no_op(Op& op) {
  uint32_t loc = op.loc;
  op = Op();
  op.code = OpCode::Const;                 // pure and without results: dead
  op.loc = loc;
}

namespace {

void become_constant(Op& op, const Number& n) {
  std::vector<ValueId> results = std::move(op.results);
  uint32_t loc = op.loc;
  op = Op();
  op.code = OpCode::Const;
  op.results = std::move(results);
  op.imm = n.i;
  op.fimm = n.f;
  op.fimm2 = n.f2;
  op.loc = loc;
}

Number number(const Op& constant) { return {constant.imm, constant.fimm, constant.fimm2}; }

// Constant operands.
bool fold(Knowledge& know, Op& op) {
  Number out;
  if (op.args.empty() || op.args.size() > 2 || op.code == OpCode::Const) return false;
  const Op* a = know.constant(op.args[0]);
  if (!a) return false;
  TypeRef from = know.type(op.args[0]);
  if (op.args.size() == 1) {
    if (!fold_unary(op.code, from, know.type(op.result()), number(*a), &out)) return false;
    become_constant(op, out);
    return true;
  }
  const Op* b = know.constant(op.args[1]);
  if (!b) return false;
  if (op.code == OpCode::AddOvf || op.code == OpCode::SubOvf || op.code == OpCode::MulOvf) {
    int64_t wrapped = 0;
    bool overflow = false;
    if (!fold_overflow(op.code, from, a->imm, b->imm, &wrapped, &overflow)) return false;
    TypeRef flag = know.type(op.results[1]);
    know.map().replace(know.function(), op.results[0], know.make_constant(from, wrapped));
    know.map().replace(know.function(), op.results[1], know.make_constant(flag, overflow));
    return true;
  }
  if (op.code < OpCode::Add || op.code > OpCode::Ge) {
    if (op.code != OpCode::ComplexMake) return false;
  }
  if (!fold_binary(op.code, from, number(*a), number(*b), &out)) return false;
  become_constant(op, out);
  return true;
}

// The operand that an integer op with a neutral constant leaves as it is; kNoId: none.
ValueId neutral(Knowledge& know, const Op& op) {
  ValueId a = op.args[0], b = op.args.size() > 1 ? op.args[1] : kNoId;
  TypeRef t = know.type(a);
  if (is_bool(t)) {
    switch (op.code) {
      case OpCode::And: return know.truth(a) == 1 || a == b ? b : know.truth(b) == 1 ? a : know.truth(a) == 0 ? a : know.truth(b) == 0 ? b : kNoId;
      case OpCode::Or: return know.truth(a) == 0 || a == b ? b : know.truth(b) == 0 ? a : know.truth(a) == 1 ? a : know.truth(b) == 1 ? b : kNoId;
      case OpCode::Ne: return know.is_int(b, 0) ? a : kNoId;
      case OpCode::Eq: return know.is_int(b, 1) ? a : kNoId;
      default: return kNoId;
    }
  }
  if (!is_integer(t)) return kNoId;
  switch (op.code) {
    case OpCode::Add: case OpCode::Or: case OpCode::Xor:
      return know.is_int(b, 0) ? a : know.is_int(a, 0) ? b : kNoId;
    case OpCode::Sub: case OpCode::Shl: case OpCode::Shr:
      return know.is_int(b, 0) ? a : kNoId;
    case OpCode::Mul:
      return know.is_int(b, 1) || know.is_int(a, 0) ? a : know.is_int(a, 1) || know.is_int(b, 0) ? b : kNoId;
    case OpCode::FloorDiv: case OpCode::TruncDiv:
      return know.is_int(b, 1) ? a : kNoId;
    default:
      return kNoId;
  }
}

// A number cast to a type that holds all of its values, and back.
bool round_trip(TypeRef from, TypeRef through) {
  if (is_bool(from)) return is_bool(through) || is_integer(through);
  if (is_integer(from)) return is_integer(through) && item_size(through) >= item_size(from);
  return is_float(from) && is_float(through) && item_size(through) >= item_size(from);
}

ValueId scalar_rule(Knowledge& know, Op& op) {
  switch (op.code) {
    case OpCode::Not: case OpCode::Neg: {
      const Op* inner = know.made_by(op.args[0], op.code);
      return inner ? inner->args[0] : kNoId;
    }
    case OpCode::Cast: {
      TypeRef from = know.type(op.args[0]), to = know.type(op.result());
      if (from == to) return op.args[0];
      const Op* inner = know.made_by(op.args[0], OpCode::Cast);
      return inner && know.type(inner->args[0]) == to && round_trip(to, from) ? inner->args[0] : kNoId;
    }
    case OpCode::Bitcast: case OpCode::PtrCast: case OpCode::RefCast:
      return know.type(op.args[0]) == know.type(op.result()) ? op.args[0] : kNoId;
    case OpCode::PtrAdd: return know.is_int(op.args[1], 0) ? op.args[0] : kNoId;
    case OpCode::Select: {
      int truth = know.truth(op.args[0]);
      return truth >= 0 ? op.args[truth ? 1 : 2] : op.args[1] == op.args[2] ? op.args[1] : kNoId;
    }
    case OpCode::ComplexReal: case OpCode::ComplexImag: {
      const Op* make = know.made_by(op.args[0], OpCode::ComplexMake);
      return make ? make->args[op.code == OpCode::ComplexReal ? 0 : 1] : kNoId;
    }
    default:
      return op.args.empty() ? kNoId : neutral(know, op);
  }
}

// Comparisons of an integer with itself, and of strings.
bool decide(Knowledge& know, Op& op) {
  if (op.code == OpCode::StrEq) {
    const Op *a = know.made_by(op.args[0], OpCode::StrConst), *b = know.made_by(op.args[1], OpCode::StrConst);
    if (!a || !b) return false;
    become_constant(op, {a->sym == b->sym, 0, 0});
    return true;
  }
  if (op.code < OpCode::Eq || op.code > OpCode::Ge || op.args[0] != op.args[1] || is_float(know.type(op.args[0])) ||
      is_complex(know.type(op.args[0])))
    return false;
  become_constant(op, {op.code == OpCode::Eq || op.code == OpCode::Le || op.code == OpCode::Ge, 0, 0});
  return true;
}

ValueId aggregate_rule(Knowledge& know, Op& op) {
  if (op.code == OpCode::TupleGet) {
    const Op* make = know.made_by(op.args[0], OpCode::TupleMake);
    TypeRef t = know.type(op.args[0]);
    size_t items = t->is(Kind::Range) ? 3 : t->items.size();
    size_t k = static_cast<size_t>(op.imm);
    return make && make->args.size() == items && k < items ? make->args[k] : kNoId;
  }
  if (op.code == OpCode::Payload) {
    const Op* some = know.made_by(op.args[0], OpCode::Some);
    return some ? some->args[0] : kNoId;
  }
  return kNoId;
}

bool present_rule(Knowledge& know, Op& op) {
  bool some = know.made_by(op.args[0], OpCode::Some), absent = know.made_by(op.args[0], OpCode::Absent);
  if (!some && !absent) return false;
  become_constant(op, {some, 0, 0});
  return true;
}

// The stride over `axis` of an array that array.make put together; kNoId when it has to be computed.
ValueId stride_of_made(Knowledge& know, const Op& make, int64_t axis) {
  TypeRef t = know.type(make.result());
  size_t first = 2 + static_cast<size_t>(t->ndim);
  if (t->layout == Layout::A || (t->layout == Layout::S && axis < t->ndim - 1)) return make.args[first + static_cast<size_t>(axis)];
  bool contiguous = t->layout == Layout::F ? axis == 0 : axis == t->ndim - 1;
  return contiguous ? know.make_constant(pyint(), item_size(t->elem)) : kNoId;
}

// Does a pointer keep alive what it points into, as the array made with it does? A merged one may point into several things, and the reference
// that holds the memory is another value (analysis/ownership).
bool keeps_memory(Knowledge& know, ValueId pointer) {
  for (;;) {
    const Op* op = know.made_by(pointer, OpCode::PtrAdd);
    if (!op) op = know.made_by(pointer, OpCode::PtrCast);
    if (!op) break;
    pointer = op->args[0];
  }
  return know.made_by(pointer, OpCode::OwnerData) || know.made_by(pointer, OpCode::ArrayData) || know.made_by(pointer, OpCode::ListData);
}

// Questions to an array of which is known how it was made. array.as changes no answer.
ValueId array_rule(Knowledge& know, Op& op, bool* changed) {
  if (op.code != OpCode::ArrayShape && op.code != OpCode::ArrayStride && op.code != OpCode::ArrayData && op.code != OpCode::ArrayOwner)
    return kNoId;
  while (const Op* as = know.made_by(op.args[0], OpCode::ArrayAs)) {
    op.args[0] = as->args[0];
    *changed = true;
  }
  const Op* make = know.made_by(op.args[0], OpCode::ArrayMake);
  if (!make) return kNoId;
  switch (op.code) {
    case OpCode::ArrayShape: return make->args[2 + static_cast<size_t>(op.imm)];
    case OpCode::ArrayStride: return stride_of_made(know, *make, op.imm);
    case OpCode::ArrayData: return keeps_memory(know, make->args[1]) ? make->args[1] : kNoId;
    default: return make->args[0];
  }
}

}  // namespace

bool simplify_op(Knowledge& know, Op& op) {
  if (fold(know, op) || decide(know, op)) return true;
  bool changed = false;
  if (op.code == OpCode::Present) return present_rule(know, op);
  ValueId with = scalar_rule(know, op);
  if (with == kNoId) with = aggregate_rule(know, op);
  if (with == kNoId) with = array_rule(know, op, &changed);
  if (with == kNoId || know.type(with) != know.type(op.result())) return changed;
  know.map().replace(know.function(), op.result(), with);
  return true;
}

}  // namespace coluber::ir
