// Which function lowers which op, by area.  An op that none of the switches names is reported at once, as a bug of ours.
#include "backends/llvm/function_lowering.h"

namespace coluber::backend {

using ir::OpCode;

// Arithmetic and what else has neither effects nor memory.
void FunctionLowering::lower_scalar_op(const Op& op) {
  switch (op.code) {
    case OpCode::Const:
    case OpCode::StrConst:
    case OpCode::Zero:
    case OpCode::Import:
    case OpCode::Bound:
    case OpCode::FuncAddr:
      return lower_const(op);
    case OpCode::Add:
    case OpCode::Sub:
    case OpCode::Mul:
    case OpCode::Neg:
    case OpCode::FDiv:
      return lower_arith(op);
    case OpCode::FloorDiv:
    case OpCode::Mod:
    case OpCode::TruncDiv:
    case OpCode::TruncRem:
      return lower_division(op);
    case OpCode::And:
    case OpCode::Or:
    case OpCode::Xor:
    case OpCode::Not:
      return lower_bits(op);
    case OpCode::Shl:
    case OpCode::Shr:
      return lower_shift(op);
    case OpCode::AddOvf:
    case OpCode::SubOvf:
    case OpCode::MulOvf:
      return lower_overflow(op);
    case OpCode::Eq:
    case OpCode::Ne:
    case OpCode::Lt:
    case OpCode::Le:
    case OpCode::Gt:
    case OpCode::Ge:
      return lower_compare(op);
    case OpCode::Select:
      return lower_select(op);
    case OpCode::Cast:
      return lower_cast(op);
    case OpCode::Bitcast:
      return lower_bitcast(op);
    case OpCode::Math:
      return lower_math(op);
    case OpCode::ComplexMake:
    case OpCode::ComplexReal:
    case OpCode::ComplexImag:
      return lower_complex(op);
    case OpCode::Likely:
      likely_[op.results[0]] = op.imm;
      return set(op, one(op.args[0]));
    default:
      return fail(op, "not a scalar op");
  }
}

// Aggregates, memory, arrays, lists.
void FunctionLowering::lower_memory_op(const Op& op) {
  switch (op.code) {
    case OpCode::TupleMake:
    case OpCode::TupleGet:
    case OpCode::Some:
    case OpCode::Absent:
    case OpCode::Present:
    case OpCode::Payload:
      return lower_aggregate(op);
    case OpCode::PtrAdd:
    case OpCode::PtrCast:
    case OpCode::RefCast:
    case OpCode::PtrToInt:
    case OpCode::Load:
    case OpCode::Store:
    case OpCode::StackAlloc:
    case OpCode::MemCopy:
    case OpCode::MemZero:
      return lower_pointer(op);
    case OpCode::Alloc:
    case OpCode::OwnerData:
      return lower_alloc(op);
    case OpCode::ArrayMake:
    case OpCode::ArrayOwner:
    case OpCode::ArrayData:
    case OpCode::ArrayShape:
    case OpCode::ArrayStride:
    case OpCode::ArrayLoad:
    case OpCode::ArrayStore:
    case OpCode::ArrayAs:
      return lower_array(op);
    case OpCode::ArrayAtomic:
    case OpCode::ArrayCas:
      return lower_atomic(op);
    case OpCode::ListNew:
    case OpCode::ListLen:
    case OpCode::ListSetLen:
    case OpCode::ListReserve:
    case OpCode::ListPush:
    case OpCode::ListLoad:
    case OpCode::ListStore:
    case OpCode::ListData:
      return lower_list(op);
    default:
      return lower_scalar_op(op);
  }
}

// Calls, errors, ownership, control flow.
void FunctionLowering::lower_effect_op(const Op& op) {
  switch (op.code) {
    case OpCode::Call:
      return lower_call(op);
    case OpCode::CallRt:
      return lower_call_runtime(op);
    case OpCode::CallPtr:
      return lower_call_pointer(op);
    case OpCode::ObjOp:
    case OpCode::ObjMode:
    case OpCode::ObjImport:
    case OpCode::ObjKeep:
    case OpCode::ObjTake:
    case OpCode::ObjSuspend:
    case OpCode::Box:
      return lower_object(op);
    case OpCode::ParFor:
      return lower_parallel(op);
    case OpCode::RaceCheck:
      return lower_race_check(op);
    case OpCode::StrFormat:
    case OpCode::StrEq:
      return lower_str_format(op);
    case OpCode::Print:
      return lower_print(op);
    case OpCode::IndexCheck:
      return lower_index_check(op);
    case OpCode::Guard:
      return lower_guard(op);
    case OpCode::RaiseNew:
      return lower_raise_new(op);
    case OpCode::RaiseExc:
      return lower_raise_exc(op);
    case OpCode::ExcNew:
    case OpCode::ExcCatch:
    case OpCode::ExcMatch:
      return lower_exc(op);
    case OpCode::Poll:
      return lower_poll(op);
    case OpCode::DebugLocal:
      return lower_debug_local(op);
    case OpCode::Retain:
    case OpCode::Release:
      return lower_ownership(op);
    case OpCode::Jump:
      return lower_jump(op);
    case OpCode::Branch:
      return lower_branch(op);
    case OpCode::Return:
      return lower_return(op);
    case OpCode::Left:
      b_.CreateRet(b_.getInt32(COLUBER_LEFT));
      return;
    case OpCode::Unreachable:
      b_.CreateUnreachable();
      return;
    default:
      return lower_memory_op(op);
  }
}

void FunctionLowering::lower_op(const Op& op) {
  if (op.code <= OpCode::PyUnsupported) return fail(op, "an untyped op in typed IR");
  if (op.code == OpCode::Elementwise) return fail(op, "it should have been expanded by passes/fuse");
  lower_effect_op(op);
}

}  // namespace coluber::backend
