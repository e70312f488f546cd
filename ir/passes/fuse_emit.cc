// The Emitter of fuse: single ops with the obvious simplifications, and loop nests.
#include "ir/passes/fuse.h"

namespace coluber::ir::fuse {

BlockId Emitter::new_block(bool raises) {
  BlockId b = f_.add_block();
  if (raises) f_.blocks[b].on_error = on_error_;
  return b;
}

void Emitter::append(Op op) {
  for (ValueId v : op.results) f_.values[v].block = block();
  if (!op.results.empty()) arrays_.note(op);
  f_.blocks[block()].ops.push_back(std::move(op));
}

ValueId Emitter::op(OpCode code, std::span<const ValueId> args, TypeRef type, int64_t imm, std::string sym) {
  ValueId v = b_.emit(code, args, type, imm, std::move(sym));
  arrays_.note(f_.blocks[block()].ops.back());
  return v;
}
ValueId Emitter::op(OpCode code, std::initializer_list<ValueId> args, TypeRef type, int64_t imm, std::string sym) {
  return op(code, std::span<const ValueId>(args.begin(), args.size()), type, imm, std::move(sym));
}

void Emitter::effect(OpCode code, std::span<const ValueId> args, std::string sym, int64_t imm) {
  Op& made = b_.op(code, args);
  made.sym = std::move(sym);
  made.imm = imm;
}

ValueId Emitter::mul(ValueId a, ValueId b) {
  if (arrays_.is_const(a, 1)) return b;
  if (arrays_.is_const(b, 1)) return a;
  return op(OpCode::Mul, {a, b}, pyint());
}

ValueId Emitter::broadcast(ValueId a, ValueId b, int axis) {
  if (a == b || arrays_.same_const(a, b) || arrays_.is_const(b, 1)) return a;
  if (arrays_.is_const(a, 1)) return b;
  ValueId one = integer(1), first = eq(a, one);
  guard(either(either(eq(a, b), first), eq(b, one)), "Broadcast", {a, b, integer(axis)});
  return select(first, b, a);
}

ValueId Emitter::product(std::span<const ValueId> list) {
  ValueId p = list.empty() ? integer(1) : list[0];
  for (size_t k = 1; k < list.size(); ++k) p = mul(p, list[k]);
  return p;
}

ValueId Emitter::product_checked(std::span<const ValueId> list, int64_t item) {
  ValueId p = integer(item);
  for (ValueId n : list) {
    if (arrays_.is_const(n, 1)) continue;
    p = op(OpCode::MulOvf, {p, n}, pyint());
    ValueId over = b_.add_result(pybool());
    guard(op(OpCode::Not, {over}, pybool()), "ArrayTooBig", {});
  }
  return p;
}

void Emitter::guard(ValueId cond, const char* diag, std::initializer_list<ValueId> args) {
  std::vector<ValueId> all{cond};
  all.insert(all.end(), args.begin(), args.end());
  effect(OpCode::Guard, all, diag);
}

void Emitter::branch(ValueId cond, bool expected, Edge yes, Edge no) {
  b_.br(op(OpCode::Likely, {cond}, pybool(), expected ? 1 : 0), std::move(yes), std::move(no));
}

ValueId Emitter::shape(ValueId array, int axis) {
  if (const Op* made = arrays_.made_by(array, OpCode::ArrayMake)) return made->args[static_cast<size_t>(2 + axis)];
  if (const Op* as = arrays_.made_by(array, OpCode::ArrayAs)) return shape(as->args[0], axis);
  return op(OpCode::ArrayShape, {array}, pyint(), axis);
}

ValueId Emitter::lasting_shape(ValueId array, int axis) {
  auto [at, added] = lasting_.try_emplace(uint64_t{array} << 8 | static_cast<uint64_t>(axis), kNoId);
  if (added) at->second = shape(array, axis);
  return at->second;
}

ValueId Emitter::stride(ValueId array, int axis) {
  TypeRef t = type(array);
  bool rows = t->layout == Layout::C || t->layout == Layout::S;
  if ((rows && axis == t->ndim - 1) || (t->layout == Layout::F && axis == 0)) return integer(item_size(t->elem));
  return op(OpCode::ArrayStride, {array}, pyint(), axis);
}

//   at: jump head(first)    head(i): br i < end, body, exit    body: ... jump head(next)    exit:
Emitter::Open Emitter::open(ValueId first, ValueId end, bool raises) {
  BlockId head = new_block(true), body = new_block(raises), out = new_block(true);
  f_.blocks[head].loop_header = true;
  jump(head, {first});
  set_block(head);
  ValueId i = param(pyint());
  b_.br(op(OpCode::Lt, {i, end}, pybool()), body, out);
  set_block(body);
  return {i, head, out};
}

void Emitter::close(const Open& loop, ValueId next, int what) {
  jump(loop.header, {next});
  f_.blocks[block()].term().imm = what;
  set_block(loop.exit);
}

void check_shapes(Emitter& e, const Op& op, Shapes* shapes) {
  std::vector<ValueId> result(static_cast<size_t>(e.type(op.result())->ndim), kNoId);
  for (ValueId v : op.args) {
    TypeRef t = e.type(v);
    if (!t->is(Kind::Array)) continue;
    for (int k = 0; k < t->ndim; ++k) {
      auto known = shapes->find(v);
      ValueId s = known != shapes->end() ? known->second[static_cast<size_t>(k)] : e.shape(v, k);
      int axis = k + static_cast<int>(result.size()) - t->ndim;
      ValueId& n = result[static_cast<size_t>(axis)];
      n = n == kNoId ? s : e.broadcast(n, s, axis);
    }
  }
  for (ValueId& n : result)
    if (n == kNoId) n = e.integer(1);
  (*shapes)[op.result()] = std::move(result);
}

}  // namespace coluber::ir::fuse
