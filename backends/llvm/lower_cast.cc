// Conversions between numbers: C's, made total. A float outside the range of the integer type gives some integer (freeze), never undefined
// behaviour; integers narrower than 32 bits are cut out of a 32-bit conversion, as C compilers do it for NumPy.
#include "backends/llvm/function_lowering.h"

namespace coluber::backend {

llvm::Value* FunctionLowering::truth(const Slots& v, ir::TypeRef t) {
  if (ir::is_bool(t)) return v[0];
  if (ir::is_integer(t)) return b_.CreateIsNotNull(v[0]);
  V re = b_.CreateFCmpUNE(v[0], llvm::ConstantFP::get(v[0]->getType(), 0.0));  // nan is true
  return v.size() == 1 ? re : b_.CreateOr(re, b_.CreateFCmpUNE(v[1], llvm::ConstantFP::get(v[1]->getType(), 0.0)));
}

llvm::Value* FunctionLowering::float_to_int(V v, ir::TypeRef to) {
  llvm::Type* type = scalar_type(to);
  unsigned bits = type->getIntegerBitWidth();
  if (ir::is_signed(to) && bits >= 32) return b_.CreateFreeze(b_.CreateFPToSI(v, type));
  if (bits == 64) {
    // From 2^63 on the unsigned conversion; below it the signed one, so that negative numbers wrap as they do in C on this machine.
    V high = b_.CreateFCmpOGE(v, llvm::ConstantFP::get(v->getType(), 0x1p63));
    V as_signed = b_.CreateFreeze(b_.CreateFPToSI(v, type)), as_unsigned = b_.CreateFreeze(b_.CreateFPToUI(v, type));
    return b_.CreateSelect(high, as_unsigned, as_signed);
  }
  llvm::Type* wide = bits == 32 ? b_.getInt64Ty() : b_.getInt32Ty();
  return b_.CreateTrunc(b_.CreateFreeze(b_.CreateFPToSI(v, wide)), type);
}

llvm::Value* FunctionLowering::cast_scalar(V v, ir::TypeRef from, ir::TypeRef to) {
  llvm::Type* type = scalar_type(to);
  bool from_int = ir::is_integer(from) || ir::is_bool(from);
  if (ir::is_integer(to)) return from_int ? b_.CreateIntCast(v, type, ir::is_signed(from)) : float_to_int(v, to);
  if (from_int) return ir::is_signed(from) ? b_.CreateSIToFP(v, type) : b_.CreateUIToFP(v, type);
  return b_.CreateFPCast(v, type);
}

void FunctionLowering::lower_cast(const Op& op) {
  ir::TypeRef from = arg_type(op, 0), to = result_type(op);
  if (!ir::is_number(from) || !ir::is_number(to)) return fail(op, "from " + from->text + " to " + to->text);
  const Slots v = slots(op.args[0]);
  if (ir::is_bool(to)) return set(op, truth(v, from));
  ir::TypeRef real = ir::is_complex(from) ? ir::real_of(from) : from;
  if (!ir::is_complex(to)) return set(op, cast_scalar(v[0], real, to));  // of a complex number: its real part, as NumPy
  ir::TypeRef part = ir::real_of(to);
  V im = v.size() == 2 ? cast_scalar(v[1], real, part) : llvm::ConstantFP::get(scalar_type(part), 0.0);
  set(op.results[0], {cast_scalar(v[0], real, part), im});
}

void FunctionLowering::lower_bitcast(const Op& op) {
  ir::TypeRef from = arg_type(op, 0), to = result_type(op);
  const Slots v = slots(op.args[0]);
  const std::vector<Slot>& slots_to = slots_of(to);
  if (!ir::is_number(from) || !ir::is_number(to) || ir::item_size(from) != ir::item_size(to))
    return fail(op, "from " + from->text + " to " + to->text);
  if (v.size() == slots_to.size()) {
    Slots s;
    for (size_t k = 0; k < v.size(); ++k) {
      V bits = v[k]->getType()->isIntegerTy(1) ? b_.CreateZExt(v[k], b_.getInt8Ty()) : v[k];
      s.push_back(slots_to[k].kind == SlotKind::Bool ? b_.CreateIsNotNull(bits) : b_.CreateBitCast(bits, ssa_type(context_, slots_to[k])));
    }
    return set(op.results[0], std::move(s));
  }
  // complex64 against the 8-byte numbers: through memory, which the optimiser sees through.
  V buffer = stack_bytes(16, 16);
  store_value(from, v, buffer, Memory::Anything);
  set(op.results[0], load_value(to, buffer, Memory::Anything));
}

}  // namespace coluber::backend
