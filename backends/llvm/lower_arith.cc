// Constants and arithmetic of one LLVM instruction or a few: integers wrap, floats follow IEEE in the order written.
#include "backends/llvm/function_lowering.h"

namespace coluber::backend {

using ir::OpCode;

void FunctionLowering::lower_const(const Op& op) {
  ir::TypeRef t = result_type(op);
  switch (op.code) {
    case OpCode::Zero:
      return set(op.results[0], zeros(t));
    case OpCode::StrConst:
      return set(op.results[0], {module_.string(op.sym), b_.getInt64(op.sym.size()), llvm::ConstantPointerNull::get(b_.getPtrTy())});
    case OpCode::Import:
      return set(op, module_.import(b_, op.sym));
    case OpCode::Bound: {
      int cell = 0;
      V cells = module_.import(b_, op.sym);
      llvm::Metadata* bytes = llvm::ConstantAsMetadata::get(b_.getInt64(8 * slots_of(t).size()));
      llvm::cast<llvm::Instruction>(cells)->setMetadata(llvm::LLVMContext::MD_dereferenceable, llvm::MDNode::get(context_, bytes));
      return set(op.results[0], load_argument_cells(module_, b_, cells, t, &cell));
    }
    case OpCode::FuncAddr: {
      llvm::Function* f = module_.function(op.sym, nullptr);
      return f ? set(op, f) : fail(op, "unknown function");
    }
    default:
      break;
  }
  if (!ir::is_number(t)) return fail(op, "a constant of type " + t->text);
  llvm::Type* type = scalar_type(t);
  if (ir::is_complex(t)) return set(op.results[0], {llvm::ConstantFP::get(type, op.fimm), llvm::ConstantFP::get(type, op.fimm2)});
  if (ir::is_float(t)) return set(op, llvm::ConstantFP::get(type, op.fimm));
  if (ir::is_bool(t)) return set(op, b_.getInt1(op.imm != 0));
  set(op, llvm::ConstantInt::get(type, static_cast<uint64_t>(op.imm), true));
}

void FunctionLowering::lower_arith(const Op& op) {
  ir::TypeRef t = result_type(op);
  if (!ir::is_number(t)) return fail(op, "operands of type " + t->text);
  if (ir::is_complex(t)) return lower_complex(op);
  V x = one(op.args[0]), y = op.args.size() > 1 ? one(op.args[1]) : nullptr;
  if (ir::is_float(t)) {
    switch (op.code) {
      case OpCode::Add:
        return set(op, b_.CreateFAdd(x, y));
      case OpCode::Sub:
        return set(op, b_.CreateFSub(x, y));
      case OpCode::Mul:
        return set(op, b_.CreateFMul(x, y));
      case OpCode::FDiv:
        return set(op, b_.CreateFDiv(x, y));
      default:
        return set(op, b_.CreateFNeg(x));
    }
  }
  bool nsw = op.imm & 1;  // known not to wrap
  bool is_bool = ir::is_bool(t);
  switch (op.code) {
    case OpCode::Add:
      return set(op, is_bool ? b_.CreateOr(x, y) : b_.CreateAdd(x, y, "", false, nsw));
    case OpCode::Sub:
      return set(op, is_bool ? b_.CreateXor(x, y) : b_.CreateSub(x, y, "", false, nsw));
    case OpCode::Mul:
      return set(op, is_bool ? b_.CreateAnd(x, y) : b_.CreateMul(x, y, "", false, nsw));
    case OpCode::Neg:
      return set(op, is_bool ? x : b_.CreateNeg(x));
    default:
      return fail(op, "integers have no such operation");
  }
}

void FunctionLowering::lower_bits(const Op& op) {
  if (!ir::is_integer(result_type(op)) && !ir::is_bool(result_type(op))) return fail(op, "operands of type " + result_type(op)->text);
  V x = one(op.args[0]);
  switch (op.code) {
    case OpCode::And:
      return set(op, b_.CreateAnd(x, one(op.args[1])));
    case OpCode::Or:
      return set(op, b_.CreateOr(x, one(op.args[1])));
    case OpCode::Xor:
      return set(op, b_.CreateXor(x, one(op.args[1])));
    default:
      return set(op, b_.CreateNot(x));
  }
}

// LLVM's shifts are poison for counts that are too large, so the count is made harmless first and the result chosen afterwards. With a
// constant count both fold away.
void FunctionLowering::lower_shift(const Op& op) {
  ir::TypeRef t = result_type(op);
  if (!ir::is_integer(t)) return fail(op, "operands of type " + t->text);
  V x = one(op.args[0]), n = one(op.args[1]);
  llvm::Type* type = x->getType();
  llvm::Constant* bits = llvm::ConstantInt::get(type, type->getIntegerBitWidth());
  V in_range = b_.CreateICmpULT(n, bits);
  if (op.code == OpCode::Shr && ir::is_signed(t)) {
    V last = llvm::ConstantInt::get(type, type->getIntegerBitWidth() - 1);
    return set(op, b_.CreateAShr(x, b_.CreateSelect(in_range, n, last)));
  }
  V zero = llvm::ConstantInt::get(type, 0);
  V count = b_.CreateSelect(in_range, n, zero);
  V shifted = op.code == OpCode::Shl ? b_.CreateShl(x, count) : b_.CreateLShr(x, count);
  set(op, b_.CreateSelect(in_range, shifted, zero));
}

void FunctionLowering::lower_overflow(const Op& op) {
  ir::TypeRef t = result_type(op);
  if (!ir::is_integer(t)) return fail(op, "operands of type " + t->text);
  bool is_signed = ir::is_signed(t);
  llvm::Intrinsic::ID id = llvm::Intrinsic::sadd_with_overflow;
  switch (op.code) {
    case OpCode::AddOvf:
      id = is_signed ? llvm::Intrinsic::sadd_with_overflow : llvm::Intrinsic::uadd_with_overflow;
      break;
    case OpCode::SubOvf:
      id = is_signed ? llvm::Intrinsic::ssub_with_overflow : llvm::Intrinsic::usub_with_overflow;
      break;
    default:
      id = is_signed ? llvm::Intrinsic::smul_with_overflow : llvm::Intrinsic::umul_with_overflow;
      break;
  }
  V both = b_.CreateBinaryIntrinsic(id, one(op.args[0]), one(op.args[1]));
  set(op.results[0], {b_.CreateExtractValue(both, 0)});
  set(op.results[1], {b_.CreateExtractValue(both, 1)});
}

void FunctionLowering::lower_compare(const Op& op) {
  using Pred = llvm::CmpInst::Predicate;
  ir::TypeRef t = arg_type(op, 0);
  const Slots x = slots(op.args[0]), y = slots(op.args[1]);
  if (x.empty() || x.size() != y.size() || x[0]->getType() != y[0]->getType()) return fail(op, "operands of type " + t->text);
  int row = static_cast<int>(op.code) - static_cast<int>(OpCode::Eq);  // eq ne lt le gt ge
  static constexpr Pred kFloat[] = {Pred::FCMP_OEQ, Pred::FCMP_UNE, Pred::FCMP_OLT, Pred::FCMP_OLE, Pred::FCMP_OGT, Pred::FCMP_OGE};
  static constexpr Pred kSigned[] = {Pred::ICMP_EQ, Pred::ICMP_NE, Pred::ICMP_SLT, Pred::ICMP_SLE, Pred::ICMP_SGT, Pred::ICMP_SGE};
  static constexpr Pred kUnsigned[] = {Pred::ICMP_EQ, Pred::ICMP_NE, Pred::ICMP_ULT, Pred::ICMP_ULE, Pred::ICMP_UGT, Pred::ICMP_UGE};
  if (ir::is_complex(t)) {
    if (row > 1) return fail(op, "complex numbers have no order");
    V re = b_.CreateFCmp(kFloat[row], x[0], y[0]), im = b_.CreateFCmp(kFloat[row], x[1], y[1]);
    return set(op, row == 0 ? b_.CreateAnd(re, im) : b_.CreateOr(re, im));
  }
  if (x.size() != 1) return fail(op, "operands of type " + t->text);
  if (ir::is_float(t)) return set(op, b_.CreateFCmp(kFloat[row], x[0], y[0]));
  set(op, b_.CreateICmp(ir::is_signed(t) ? kSigned[row] : kUnsigned[row], x[0], y[0]));
}

void FunctionLowering::lower_select(const Op& op) {
  V cond = one(op.args[0]);
  const Slots x = slots(op.args[1]), y = slots(op.args[2]);
  Slots s;
  for (size_t k = 0; k < x.size() && k < y.size(); ++k) s.push_back(b_.CreateSelect(cond, x[k], y[k]));
  set(op.results[0], std::move(s));
}

}  // namespace coluber::backend
