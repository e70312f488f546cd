// Complex numbers: two slots, real and imaginary. Products are the textbook formula, without the recovery of infinities that C does, as in
// CPython and NumPy; quotients are Smith's method, as in both.
#include "backends/llvm/function_lowering.h"

namespace coluber::backend {

using ir::OpCode;

Slots FunctionLowering::complex_mul(const Slots& x, const Slots& y) {
  V re = b_.CreateFSub(b_.CreateFMul(x[0], y[0]), b_.CreateFMul(x[1], y[1]));
  V im = b_.CreateFAdd(b_.CreateFMul(x[0], y[1]), b_.CreateFMul(x[1], y[0]));
  return {re, im};
}

// Smith's two cases differ in which part of the divisor is the larger one. They are merged by choosing operands first, so that there is
// one division chain and no branch. CPython divides by the denominator, NumPy multiplies by its reciprocal: `reciprocal` says which.
// A divisor of 0 (CPython raises before it comes here) gives what NumPy gives: each part divided by +0, which is the part times inf.
Slots FunctionLowering::complex_div(const Slots& x, const Slots& y, bool reciprocal) {
  llvm::Type* type = x[0]->getType();
  V abs_re = b_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, y[0]), abs_im = b_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, y[1]);
  V re_larger = b_.CreateFCmpOGE(abs_re, abs_im);
  V large = b_.CreateSelect(re_larger, y[0], y[1]), small = b_.CreateSelect(re_larger, y[1], y[0]);
  V ratio = b_.CreateFDiv(small, large);
  V denominator = b_.CreateFAdd(large, b_.CreateFMul(small, ratio));
  V first = b_.CreateSelect(re_larger, x[0], x[1]), second = b_.CreateSelect(re_larger, x[1], x[0]);
  V re_sum = b_.CreateFAdd(first, b_.CreateFMul(second, ratio));
  V minuend = b_.CreateSelect(re_larger, x[1], b_.CreateFMul(x[1], ratio));
  V subtrahend = b_.CreateSelect(re_larger, b_.CreateFMul(x[0], ratio), x[0]);
  V im_sum = b_.CreateFSub(minuend, subtrahend);
  V re, im;
  if (reciprocal) {
    V scale = b_.CreateFDiv(llvm::ConstantFP::get(type, 1.0), denominator);
    re = b_.CreateFMul(re_sum, scale);
    im = b_.CreateFMul(im_sum, scale);
  } else {
    re = b_.CreateFDiv(re_sum, denominator);
    im = b_.CreateFDiv(im_sum, denominator);
  }
  V zero = llvm::ConstantFP::get(type, 0.0);
  V by_zero = b_.CreateAnd(b_.CreateFCmpOEQ(abs_re, zero), b_.CreateFCmpOEQ(abs_im, zero));
  V infinity = llvm::ConstantFP::getInfinity(type);
  return {b_.CreateSelect(by_zero, b_.CreateFMul(x[0], infinity), re), b_.CreateSelect(by_zero, b_.CreateFMul(x[1], infinity), im)};
}

void FunctionLowering::lower_complex(const Op& op) {
  switch (op.code) {
    case OpCode::ComplexMake:
      return set(op.results[0], {one(op.args[0]), one(op.args[1])});
    case OpCode::ComplexReal:
      return set(op, slots(op.args[0])[0]);
    case OpCode::ComplexImag: {
      const Slots& s = slots(op.args[0]);
      return s.size() == 2 ? set(op, s[1]) : fail(op, "the operand is not complex");
    }
    default:
      break;
  }
  const Slots x = slots(op.args[0]), y = op.args.size() > 1 ? slots(op.args[1]) : Slots{};
  switch (op.code) {
    case OpCode::Add:
      return set(op.results[0], {b_.CreateFAdd(x[0], y[0]), b_.CreateFAdd(x[1], y[1])});
    case OpCode::Sub:
      return set(op.results[0], {b_.CreateFSub(x[0], y[0]), b_.CreateFSub(x[1], y[1])});
    case OpCode::Mul:
      return set(op.results[0], complex_mul(x, y));
    case OpCode::Neg:
      return set(op.results[0], {b_.CreateFNeg(x[0]), b_.CreateFNeg(x[1])});
    case OpCode::FDiv:
      return set(op.results[0], complex_div(x, y, !result_type(op)->is(ir::Kind::PyComplex)));
    default:
      return fail(op, "complex numbers have no such operation");
  }
}

}  // namespace coluber::backend
