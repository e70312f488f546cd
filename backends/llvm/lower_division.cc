// Division and remainder with Python's meaning: rounding towards minus infinity, remainder with the sign of the divisor. The float forms
// repeat CPython's float_floor_div and float_rem step by step, so that results agree in every bit.
#include "backends/llvm/function_lowering.h"

#include <llvm/IR/PatternMatch.h>

namespace coluber::backend {

using ir::OpCode;

namespace {

// Whether v is the same positive integer in all cases; its value in *out.
bool positive_constant(llvm::Value* v, llvm::APInt* out) {
  auto* c = llvm::dyn_cast<llvm::ConstantInt>(v);
  if (!c || !c->getValue().isStrictlyPositive()) return false;
  *out = c->getValue();
  return true;
}

}  // namespace

// The divisor, with -1 replaced by 1: the processor traps on the least integer divided by -1. By -1 the quotient is the negated dividend
// and the remainder 0 (the same as by 1). Where 0 has been replaced by 1 too, as NumPy's division has it, one comparison finds both.
llvm::Value* FunctionLowering::safe_divisor(V d) {
  using namespace llvm::PatternMatch;
  llvm::Value* whole;
  llvm::ICmpInst::Predicate predicate;
  if (match(d, m_Select(m_ICmp(predicate, m_Value(whole), m_Zero()), m_Deferred(whole), m_One())) && predicate == llvm::ICmpInst::ICMP_NE) {
    V above = b_.CreateAdd(whole, llvm::ConstantInt::get(d->getType(), 1));
    return b_.CreateSelect(b_.CreateICmpULT(above, llvm::ConstantInt::get(d->getType(), 2)), llvm::ConstantInt::get(d->getType(), 1), whole);
  }
  V minus_one = llvm::Constant::getAllOnesValue(d->getType()), one = llvm::ConstantInt::get(d->getType(), 1);
  return b_.CreateSelect(b_.CreateICmpEQ(d, minus_one), one, d);
}

// floor(a / c) = ~(~a / c) for negative a; the dividend of the division is never negative. So with l the bits of c - 1 and m = ceil(2**(63 + l) / c), which
// has 64 bits, it is m * a >> (63 + l) (Granlund and Montgomery 1994). LLVM, which does not know the dividend's sign, needs one to three instructions more.
// Shorter integers are left to it, for the sake of vectors.
llvm::Value* FunctionLowering::floor_div_by(V a, const llvm::APInt& c) {
  unsigned bits = a->getType()->getIntegerBitWidth();
  if (c.isPowerOf2()) return b_.CreateAShr(a, c.logBase2());
  V sign = b_.CreateAShr(a, bits - 1), whole = b_.CreateXor(a, sign);
  if (bits != 64) return b_.CreateXor(b_.CreateUDiv(whole, llvm::ConstantInt::get(a->getType(), c)), sign);
  unsigned shift = 63 + (c - 1).getActiveBits();
  llvm::APInt factor = llvm::APInt::getOneBitSet(128, shift).udiv(c.zext(128)) + 1;
  V product = b_.CreateMul(b_.CreateZExt(whole, b_.getInt128Ty()), b_.getInt(factor), "", true, false);
  return b_.CreateXor(b_.CreateTrunc(b_.CreateLShr(product, shift), a->getType()), sign);
}

llvm::Value* FunctionLowering::int_floor_div(V a, V d) {
  llvm::APInt c;
  if (positive_constant(d, &c)) return floor_div_by(a, c);
  V zero = llvm::ConstantInt::get(a->getType(), 0);
  V safe = safe_divisor(d);
  V quotient = b_.CreateSDiv(a, safe), remainder = b_.CreateSRem(a, safe);
  V inexact = b_.CreateICmpNE(remainder, zero);
  V differ = b_.CreateICmpSLT(b_.CreateXor(remainder, safe), zero);
  V floored = b_.CreateAdd(quotient, b_.CreateSExt(b_.CreateAnd(inexact, differ), a->getType()));
  V is_minus_one = b_.CreateICmpEQ(d, llvm::Constant::getAllOnesValue(d->getType()));
  return b_.CreateSelect(is_minus_one, b_.CreateNeg(a), floored);
}

llvm::Value* FunctionLowering::int_mod(V a, V d) {
  unsigned bits = a->getType()->getIntegerBitWidth();
  V zero = llvm::ConstantInt::get(a->getType(), 0);
  llvm::APInt c;
  if (positive_constant(d, &c)) {
    if (c.isPowerOf2()) return b_.CreateAnd(a, llvm::ConstantInt::get(a->getType(), c - 1));
    if (bits == 64) return b_.CreateSub(a, b_.CreateMul(floor_div_by(a, c), d));
    V remainder = b_.CreateSRem(a, d);
    return b_.CreateAdd(remainder, b_.CreateAnd(b_.CreateAShr(remainder, bits - 1), d));
  }
  V safe = safe_divisor(d);
  V remainder = b_.CreateSRem(a, safe);
  V adjust = b_.CreateAnd(b_.CreateICmpNE(remainder, zero), b_.CreateICmpSLT(b_.CreateXor(remainder, safe), zero));
  return b_.CreateSelect(adjust, b_.CreateAdd(remainder, safe), remainder);
}

// C's fmod. Where the quotient is below 2^51 its integer part q is exact or one too large, and x - q*y fits a float, so that one fused
// multiply-add computes it without error; the library function is a bitwise loop and stays for the rest (nan, inf, huge quotients).
// Below the divisor the dividend is the result, which also covers an infinite divisor.
llvm::Value* FunctionLowering::float_rem(V x, V y) {
  llvm::IRBuilder<>::FastMathFlagGuard guard(b_);
  b_.clearFastMathFlags();
  llvm::Type* type = x->getType();
  if (!module_.target().has_fma()) return b_.CreateFRem(x, y);
  llvm::BasicBlock *fast = llvm::BasicBlock::Create(context_, "", f_), *slow = cold_block("fmod"),
                   *join = llvm::BasicBlock::Create(context_, "", f_);
  V ax = b_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, x), ay = b_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, y);
  V quotient = b_.CreateFDiv(ax, ay);
  V limit = llvm::ConstantFP::get(type, type->isFloatTy() ? 0x1p22 : 0x1p51);
  b_.CreateCondBr(b_.CreateFCmpOLT(quotient, limit), fast, slow, module_.unlikely_false());

  b_.SetInsertPoint(fast);
  V whole = b_.CreateUnaryIntrinsic(llvm::Intrinsic::trunc, quotient);
  V rest = b_.CreateIntrinsic(llvm::Intrinsic::fma, {type}, {b_.CreateFNeg(whole), ay, ax});
  V fixed = b_.CreateSelect(b_.CreateFCmpOLT(rest, llvm::ConstantFP::get(type, 0.0)), b_.CreateFAdd(rest, ay), rest);
  V quick = b_.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, b_.CreateSelect(b_.CreateFCmpOLT(ax, ay), ax, fixed), x);
  b_.CreateBr(join);

  b_.SetInsertPoint(slow);
  V exact = b_.CreateFRem(x, y);
  b_.CreateBr(join);

  b_.SetInsertPoint(join);
  llvm::PHINode* result = b_.CreatePHI(type, 2);
  result->addIncoming(quick, fast);
  result->addIncoming(exact, slow);
  return result;
}

llvm::Value* FunctionLowering::float_mod(V x, V y) {
  V zero = llvm::ConstantFP::get(x->getType(), 0.0);
  V rem = float_rem(x, y);
  // A remainder that is not zero takes the divisor's sign by one addition; zero takes it directly. nan counts as not zero.
  V differ = b_.CreateXor(b_.CreateFCmpOLT(y, zero), b_.CreateFCmpOLT(rem, zero));
  V moved = b_.CreateSelect(differ, b_.CreateFAdd(rem, y), rem);
  V signed_zero = b_.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, zero, y);
  V mod = b_.CreateSelect(b_.CreateFCmpUNE(rem, zero), moved, signed_zero);
  // NumPy's remainder by zero is fmod's nan, which the lines above keep: nan is not below zero, but the sum with y is nan as well.
  return mod;
}

llvm::Value* FunctionLowering::float_floor_div(V x, V y) {
  llvm::Type* type = x->getType();
  V zero = llvm::ConstantFP::get(type, 0.0), one_c = llvm::ConstantFP::get(type, 1.0), half = llvm::ConstantFP::get(type, 0.5);
  V rem = float_rem(x, y);
  V div = b_.CreateFDiv(b_.CreateFSub(x, rem), y);
  V differ = b_.CreateXor(b_.CreateFCmpOLT(y, zero), b_.CreateFCmpOLT(rem, zero));
  V adjust = b_.CreateAnd(b_.CreateFCmpUNE(rem, zero), differ);
  div = b_.CreateSelect(adjust, b_.CreateFSub(div, one_c), div);
  V floored = b_.CreateUnaryIntrinsic(llvm::Intrinsic::floor, div);
  V up = b_.CreateFCmpOGT(b_.CreateFSub(div, floored), half);
  floored = b_.CreateSelect(up, b_.CreateFAdd(floored, one_c), floored);
  V ratio = b_.CreateFDiv(x, y);
  V signed_zero = b_.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, zero, ratio);
  V result = b_.CreateSelect(b_.CreateFCmpUNE(div, zero), floored, signed_zero);
  // By zero (where the error model allows it): inf or nan, as NumPy.
  return b_.CreateSelect(b_.CreateFCmpOEQ(y, zero), ratio, result);
}

void FunctionLowering::lower_division(const Op& op) {
  ir::TypeRef t = result_type(op);
  V x = one(op.args[0]), y = one(op.args[1]);
  if (ir::is_float(t)) {
    switch (op.code) {
      case OpCode::FloorDiv:
        return set(op, float_floor_div(x, y));
      case OpCode::Mod:
        return set(op, float_mod(x, y));
      case OpCode::TruncDiv:
        return set(op, b_.CreateUnaryIntrinsic(llvm::Intrinsic::trunc, b_.CreateFDiv(x, y)));
      default:
        return set(op, float_rem(x, y));
    }
  }
  if (!ir::is_integer(t)) return fail(op, "operands of type " + t->text);
  bool quotient = op.code == OpCode::FloorDiv || op.code == OpCode::TruncDiv;
  if (!ir::is_signed(t)) return set(op, quotient ? b_.CreateUDiv(x, y) : b_.CreateURem(x, y));
  switch (op.code) {
    case OpCode::FloorDiv:
      return set(op, int_floor_div(x, y));
    case OpCode::Mod:
      return set(op, int_mod(x, y));
    case OpCode::TruncDiv: {
      V by_minus_one = b_.CreateICmpEQ(y, llvm::Constant::getAllOnesValue(y->getType()));
      return set(op, b_.CreateSelect(by_minus_one, b_.CreateNeg(x), b_.CreateSDiv(x, safe_divisor(y))));
    }
    default:
      return set(op, b_.CreateSRem(x, safe_divisor(y)));
  }
}

}  // namespace coluber::backend
