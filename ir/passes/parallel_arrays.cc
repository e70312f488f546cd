// Part of parallel: arrays that rounds only add to. Where stores to an array collide, or may, and all that the rounds do with it is
//
//   acc[k] += x, acc[k] -= x, acc[k] *= x, acc[k] &= x, ...      an item is read, one kind of operator applied, and stored at the same place
//   acc += row, acc[k] += row                                    the same with all of the array, or of a view
//
// each thread gets an array of its own, which begins with what changes nothing, and they are added to the array behind the loop. So it is with those
// that a function of the user's reduces (parallel_reduced.cc).
#include <algorithm>

#include "ir/passes/parallel.h"

namespace coluber::ir::parallel {
namespace {

class Accumulates {
 public:
  Accumulates(const Program& p, const Function& f, const Analyses& a, const Candidate& c, fuse::Summary& summary, ValueId array)
      : p_(p), f_(f), a_(a), c_(c), summary_(summary), array_(array) {}

  bool run(PrivateArray* out) {
    TypeRef t = f_.type_of(array_);
    if (!t->is(Kind::Array) || t->readonly || is_bool(t->elem) || t->ndim == 0 || part_of_another()) return false;
    add(array_);
    while (!work_.empty()) {
      ValueId v = work_.back();
      work_.pop_back();
      for (const Position& at : a_.uses.uses(v))
        if (!use(v, at)) return false;
    }
    if (!known_) return false;
    *out = {array_, how_, whole_ && !items_, {}, {}, {}};
    return true;
  }

 private:
  const Op* def(ValueId v) const { return a_.uses.def_op(f_, v); }
  void add(ValueId v) {
    if (std::find(seen_.begin(), seen_.end(), v) == seen_.end()) seen_.push_back(v), work_.push_back(v);
  }

  // A view of an array that the loop may use by another name, or one that has such views.
  bool part_of_another() {
    const Op* op = def(array_);
    if (!op) return f_.values[array_].block != 0;          // a merge
    if (op->code == OpCode::Call) return !summary_.of(op->sym).fresh;
    if (op->code != OpCode::ArrayMake) return op->code != OpCode::Elementwise && op->code != OpCode::Bound;
    return !lies_alone(f_, a_, c_.loop, array_) || !unused_inside(op->args[0], 0);
  }

  // Uses outside of the loop say nothing, but what they make of the array must not be used inside.
  bool use(ValueId v, const Position& at) {
    bool inside = c_.contains(at.block);
    if (at.op == Position::kHead) return !inside;
    const Op& op = f_.blocks[at.block].ops[at.op];
    switch (op.code) {
      case OpCode::ArrayShape: case OpCode::ArrayStride:
        return true;
      case OpCode::ArrayOwner: case OpCode::OwnerData: case OpCode::ArrayData: case OpCode::ArrayAs: case OpCode::ArrayMake: case OpCode::PtrAdd:
      case OpCode::PtrCast:
        if (inside) return add(op.result()), true;
        return unused_inside(op.result(), 0);
      default:
        return !inside || access(v, op, at);
    }
  }

  bool unused_inside(ValueId v, int depth) const {
    for (const Position& at : a_.uses.uses(v)) {
      if (c_.contains(at.block)) return false;
      if (at.op == Position::kHead || depth > 8) return false;
      const Op& op = f_.blocks[at.block].ops[at.op];
      bool carries = op.code == OpCode::ArrayOwner || op.code == OpCode::OwnerData || op.code == OpCode::ArrayData || op.code == OpCode::ArrayAs ||
                     op.code == OpCode::ArrayMake || op.code == OpCode::PtrAdd || op.code == OpCode::PtrCast;
      if (carries && op.result() != array_ && !unused_inside(op.result(), depth + 1)) return false;
      if (op.has(Term) && !op.targets.empty()) return false;
    }
    return true;
  }

  bool access(ValueId v, const Op& op, const Position& at) {
    if (!f_.type_of(v)->is(Kind::Array)) return false;
    switch (op.code) {
      case OpCode::ArrayLoad: return load(op, at.block);
      case OpCode::ArrayStore: return op.args[0] == v && std::find(stores_.begin(), stores_.end(), &op) != stores_.end() ? true : later_store(op);
      case OpCode::Elementwise: return whole(v, op);
      case OpCode::ArrayAssign: return op.args[0] == v && op.args[1] != v && assigned(v, op);
      default: return false;
    }
  }

  // The load is looked at when it comes: a store belongs to one.
  bool later_store(const Op& store) {
    const Op* made = def(store.args[1]);
    for (ValueId x : made ? made->args : std::vector<ValueId>())
      if (const Op* l = def(x); l && l->code == OpCode::ArrayLoad && l->args[0] == store.args[0] && same_place(*l, store)) return true;
    return false;
  }
  static bool same_place(const Op& load, const Op& store) {
    return load.args.size() + 1 == store.args.size() && std::equal(load.args.begin() + 1, load.args.end(), store.args.begin() + 2);
  }

  bool load(const Op& op, BlockId block) {
    if (a_.uses.count(op.result()) != 1) return false;
    Position at = a_.uses.uses(op.result())[0];
    if (at.op == Position::kHead || at.block != block) return false;
    const Op& applied = f_.blocks[at.block].ops[at.op];
    Combine how;
    if (applied.results.size() != 1 || !operation(applied, op.result(), &how) || !note(how) || a_.uses.count(applied.result()) != 1) return false;
    Position to = a_.uses.uses(applied.result())[0];
    if (to.op == Position::kHead || to.block != block) return false;
    const Op& store = f_.blocks[to.block].ops[to.op];
    if (store.code != OpCode::ArrayStore || store.args[0] != op.args[0] || store.args[1] != applied.result() || !same_place(op, store)) return false;
    stores_.push_back(&store);
    return items_ = true;
  }

  static bool operation(const Op& op, ValueId v, Combine* how) {
    size_t times = static_cast<size_t>(std::count(op.args.begin(), op.args.end(), v));
    if (times != 1) return false;
    switch (op.code) {
      case OpCode::Add: return *how = Combine::Add, true;
      case OpCode::Sub: return *how = Combine::Add, op.args[0] == v;
      case OpCode::Mul: return *how = Combine::Mul, true;
      case OpCode::And: return *how = Combine::And, true;
      case OpCode::Or: return *how = Combine::Or, true;
      case OpCode::Xor: return *how = Combine::Xor, true;
      default: return false;
    }
  }

  bool note(Combine how) {
    if (how == Combine::And) return false;                          // begins with all bits: of the item type's own, not worth a case
    if (known_ && how_ != how) return false;
    how_ = how;
    return known_ = true;
  }

  // ew(v, ...) that is assigned to v and used nowhere else.
  bool whole(ValueId v, const Op& op) {
    if (std::count(op.args.begin(), op.args.end(), v) != 1 || a_.uses.count(op.result()) != 1) return false;
    Position at = a_.uses.uses(op.result())[0];
    if (at.op == Position::kHead) return false;
    const Op& assign = f_.blocks[at.block].ops[at.op];
    if (assign.code != OpCode::ArrayAssign || assign.args[0] != v || assign.args[1] != op.result()) return false;
    const Function* kernel = p_.find(op.sym);
    if (!kernel || kernel->blocks.size() != 1 || kernel->blocks[0].term().code != OpCode::Return) return false;
    size_t k = static_cast<size_t>(std::find(op.args.begin(), op.args.end(), v) - op.args.begin());
    ValueId param = kernel->blocks[0].params[k], result = kernel->blocks[0].term().args[0];
    Combine how = Combine::Add;
    int applied = 0, used = 0;
    for (const Op& inner : kernel->blocks[0].ops) {
      used += static_cast<int>(std::count(inner.args.begin(), inner.args.end(), param));
      if (inner.results.size() == 1 && inner.results[0] == result && operation(inner, param, &how)) ++applied;
    }
    if (applied != 1 || used != 1 || kernel->type_of(result) != f_.type_of(v)->elem || !note(how)) return false;
    (v == array_ ? whole_ : items_) = true;
    return true;
  }
  bool assigned(ValueId v, const Op& assign) const {
    const Op* ew = def(assign.args[1]);
    return ew && ew->code == OpCode::Elementwise && std::count(ew->args.begin(), ew->args.end(), v) == 1;
  }

  const Program& p_;
  const Function& f_;
  const Analyses& a_;
  const Candidate& c_;
  fuse::Summary& summary_;
  const ValueId array_;
  std::vector<ValueId> seen_, work_;
  std::vector<const Op*> stores_;
  Combine how_ = Combine::Add;
  bool known_ = false, whole_ = false, items_ = false;
};

// A kernel of two items, or (neutral) of one that is not looked at.
std::string make_kernel(Program& p, const std::string& name, Combine how, TypeRef elem, bool neutral) {
  p.functions.push_back(std::make_unique<Function>());
  Function* k = p.functions.back().get();
  k->name = name;
  k->typed = k->always_inline = true;
  k->result = elem;
  k->scopes.push_back(Scope{-1, name, {}, kNoId, 0});
  Builder b(k);
  b.set_block(k->add_block());
  ValueId x = b.param(elem);
  if (neutral) {
    b.ret(neutral_of(b, how, elem));
    return name;
  }
  ValueId y = b.param(elem);
  OpCode code = how == Combine::Add ? OpCode::Add : how == Combine::Mul ? OpCode::Mul : how == Combine::Or ? OpCode::Or : OpCode::Xor;
  ValueId result = b.emit(code, {x, y}, elem);
  b.ret(result);
  return name;
}

// Of an array that a function reduces: what a thread begins with, of the same shape.
ValueId fill(Program& p, const Function& f, Builder& b, const PrivateArray& one, const std::string& name, ValueId given, TypeRef made) {
  ValueId array = b.emit(OpCode::Elementwise, {given}, made, 0, make_kernel(p, name, Combine::Or, made->elem, true));
  ValueId identity = one.identity_function.empty() ? make_identity(b, one.identity, f) : b.emit(OpCode::Call, {given}, p.find(one.identity_function)->result, 0, one.identity_function);
  b.op(OpCode::ArrayAssign, {array, identity});
  return array;
}

Function* make_function(Program& p, const std::string& name, const Function& of) {
  p.functions.push_back(std::make_unique<Function>());
  Function* made = p.functions.back().get();
  made->name = name;
  made->typed = made->by_cells = true;
  made->scopes.push_back(of.scopes.empty() ? Scope{-1, of.name, {}, kNoId, 0} : of.scopes[0]);
  made->add_block();
  return made;
}

}  // namespace

ValueId make_identity(Builder& b, const std::vector<Op>& identity, const Function& from) {
  std::unordered_map<ValueId, ValueId> made;
  for (Op op : identity) {
    ValueId old = op.result();
    TypeRef type = from.type_of(old);
    for (ValueId& v : op.args) v = made.at(v);
    op.results[0] = made[old] = b.function().add_value(type, b.block());
    op.loc = b.loc();
    b.function().blocks[b.block()].ops.push_back(std::move(op));
  }
  return made.at(identity.back().result());
}

ValueId neutral_of(Builder& b, Combine how, TypeRef type) {
  bool sum = how == Combine::Add;
  if (how == Combine::Xor || how == Combine::Or) return b.const_int(0, type);
  if (is_complex(type)) return sum ? b.const_complex(-0.0, -0.0, type) : b.const_complex(1.0, 0.0, type);
  if (is_float(type)) return b.const_float(sum ? -0.0 : 1.0, type);          // x + -0.0 is x, of 0.0 as well
  return b.const_int(how == Combine::Mul ? 1 : 0, type);
}

bool find_private(const Program& p, const Function& f, const Analyses& a, const Candidate& c, fuse::Summary& summary, ValueId array, PrivateArray* out) {
  return Accumulates(p, f, a, c, summary, array).run(out);
}

void make_private_functions(Program& p, const Function& f, const Candidate& c, const std::string& name) {
  Function* init = make_function(p, name + ".init", f);
  Function* merge = make_function(p, name + ".merge", f);
  Builder i(init), m(merge);
  i.set_block(0);
  m.set_block(0);
  std::vector<TypeRef> types;
  std::vector<ValueId> given, into, from, fresh;
  for (const PrivateArray& one : c.arrays) types.push_back(f.type_of(one.array));
  for (TypeRef t : types) given.push_back(i.param(t)), into.push_back(m.param(t));
  for (TypeRef t : types) from.push_back(m.param(t));
  for (size_t k = 0; k < types.size(); ++k) {
    TypeRef t = types[k], made = array_of(t->elem, t->ndim, t->layout == Layout::F ? Layout::F : Layout::C);
    Combine how = c.arrays[k].how;
    std::string number = std::to_string(k);
    if (how == Combine::Function) {
      fresh.push_back(fill(p, f, i, c.arrays[k], name + ".neutral" + number, given[k], made));
      ValueId both = m.emit(OpCode::Call, {into[k], from[k]}, p.find(c.arrays[k].function)->result, 0, c.arrays[k].function);
      m.op(OpCode::ArrayAssign, {into[k], both});
      continue;
    }
    ValueId filled = i.emit(OpCode::Elementwise, {given[k]}, made, 0, make_kernel(p, name + ".neutral" + number, how, t->elem, true));
    fresh.push_back(made == t ? filled : i.emit(OpCode::ArrayAs, {filled}, t));
    ValueId sum = m.emit(OpCode::Elementwise, {into[k], from[k]}, made, 0, make_kernel(p, name + ".merge" + number, how, t->elem, false));
    m.op(OpCode::ArrayAssign, {into[k], sum});
  }
  init->result = types.size() == 1 ? types[0] : tuple_of(types);
  ValueId all = fresh.size() == 1 ? fresh[0] : i.emit(OpCode::TupleMake, fresh, init->result);
  i.ret(all);
  merge->result = none();
  ValueId nothing = m.emit(OpCode::Zero, {}, none());
  m.ret(nothing);
}

}  // namespace coluber::ir::parallel
