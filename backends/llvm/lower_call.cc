// Calls: of functions of this program, of the runtime, of foreign C functions; and the string ops, which are runtime calls.
#include "backends/llvm/function_lowering.h"

namespace coluber::backend {

using ir::OpCode;

// status f(ctx, slots..., result): each call has a result buffer of its own, which goes away when the call is inlined.
void FunctionLowering::lower_call(const Op& op) {
  const ir::Function* callee_ir = nullptr;
  llvm::Function* callee = module_.function(op.sym, &callee_ir);
  if (!callee) return fail(op, "unknown function");
  llvm::SmallVector<V, 16> arguments{ctx_};
  for (ir::ValueId v : op.args) arguments.append(slots(v));
  const std::vector<Slot>& types = slots_of(result_type(op));
  V buffer = types.empty() ? static_cast<V>(ctx_) : stack_bytes(8 * types.size(), 16);  // without slots: never used, but not null
  arguments.push_back(buffer);
  llvm::FunctionType* type = callee->getFunctionType();
  bool fits = type->getNumParams() == arguments.size();
  for (size_t k = 0; fits && k < arguments.size(); ++k) fits = type->getParamType(k) == arguments[k]->getType();
  if (!fits) return fail(op, "the arguments do not fit its parameters");
  llvm::CallInst* status = b_.CreateCall(callee, arguments);
  status->setDoesNotThrow();
  check_status(status, op);
  Slots s;
  for (size_t k = 0; k < types.size(); ++k)
    s.push_back(load_slot(types[k], byte_offset(buffer, 8 * static_cast<int64_t>(k)), llvm::Align(8), Memory::Anything));
  set(op.results[0], std::move(s));
}

void FunctionLowering::lower_call_runtime(const Op& op) {
  const RuntimeSymbol* symbol = find_runtime_symbol(op.sym);
  if (!symbol) return fail(op, "no such row in symbols.def");
  llvm::FunctionType* type = runtime_type(context_, *symbol);
  llvm::SmallVector<V, 8> arguments;
  if (symbol->takes_ctx()) arguments.push_back(ctx_);
  for (ir::ValueId v : op.args)
    for (V slot : Slots(slots(v))) {
      size_t k = arguments.size();
      if (k < type->getNumParams() && slot->getType()->isIntegerTy() && type->getParamType(k)->isIntegerTy())
        slot = b_.CreateIntCast(slot, type->getParamType(k), ir::is_signed(type_of(v)));
      arguments.push_back(slot);
    }
  bool fits = type->getNumParams() == arguments.size();
  for (size_t k = 0; fits && k < arguments.size(); ++k) fits = type->getParamType(k) == arguments[k]->getType();
  if (!fits) return fail(op, "the arguments do not fit its row");
  llvm::CallInst* call = module_.call_runtime(b_, symbol->name, arguments);
  if (symbol->flags & kRtRaises)
    check_status(call, op);
  else if (symbol->null_is_error())
    leave_unless(b_.CreateIsNotNull(call), op);
  if (op.results.empty()) return;
  const std::vector<Slot>& types = slots_of(result_type(op));
  if (symbol->result == 's' && (symbol->flags & kRtRaises) && types.empty()) return set(op.results[0], {});
  if (types.empty()) return set(op.results[0], {});
  if (types.size() != 1 || symbol->result == 'v') return fail(op, "a result of type " + result_type(op)->text);
  V value = call;
  if (types[0].kind == SlotKind::Bool)
    value = b_.CreateIsNotNull(value);
  else if (value->getType()->isIntegerTy())
    value = b_.CreateIntCast(value, ssa_type(context_, types[0]), true);
  if (value->getType() != ssa_type(context_, types[0])) return fail(op, "a result of type " + result_type(op)->text);
  set(op, value);
}

// A C function of the operands' slots. imm 1: its value is the result (one scalar, a complex128, or nothing). imm 0: it returns a status
// like a runtime function, and there is no result.
void FunctionLowering::lower_call_pointer(const Op& op) {
  llvm::SmallVector<V, 8> arguments;
  llvm::SmallVector<llvm::Type*, 8> types;
  llvm::AttributeList attributes;
  for (size_t k = 1; k < op.args.size(); ++k)
    for (V slot : Slots(slots(op.args[k]))) {
      llvm::Type* type = slot->getType();
      if (type->isIntegerTy() && type->getIntegerBitWidth() < 32) {  // the C ABI wants narrow integers extended
        auto kind = ir::is_signed(arg_type(op, k)) ? llvm::Attribute::SExt : llvm::Attribute::ZExt;
        attributes = attributes.addParamAttribute(context_, arguments.size(), kind);
      }
      arguments.push_back(slot);
      types.push_back(type);
    }
  bool may_raise = op.imm != 1;
  Slots s;
  llvm::Type* result = b_.getVoidTy();
  const std::vector<Slot> result_slots = op.results.empty() ? std::vector<Slot>{} : slots_of(result_type(op));
  if (may_raise) {
    if (!result_slots.empty()) return fail(op, "a function that may raise returns its status and nothing else");
    result = b_.getInt32Ty();
  } else if (result_slots.size() == 1) {
    result = ssa_type(context_, result_slots[0]);
  } else if (result_slots.size() == 2 && result_slots[0].kind == SlotKind::F64) {
    result = llvm::StructType::get(b_.getDoubleTy(), b_.getDoubleTy());
  } else if (!result_slots.empty()) {
    return fail(op, "C functions do not return " + result_type(op)->text);
  }
  llvm::CallInst* call = b_.CreateCall(llvm::FunctionType::get(result, types, false), one(op.args[0]), arguments);
  call->setAttributes(attributes);
  call->setDoesNotThrow();
  if (may_raise)
    check_status(call, op);
  else if (result_slots.size() == 1)
    s.push_back(call);
  else if (result_slots.size() == 2)
    s = {b_.CreateExtractValue(call, 0), b_.CreateExtractValue(call, 1)};
  if (!op.results.empty()) set(op.results[0], std::move(s));
}

void FunctionLowering::lower_str_format(const Op& op) {
  if (op.code == OpCode::StrEq) {
    const Slots x = slots(op.args[0]), y = slots(op.args[1]);
    // Equal lengths first; the bytes are compared by memcmp, which LLVM expands for short constants.
    V same_length = b_.CreateICmpEQ(x[1], y[1]);
    V length = b_.CreateSelect(same_length, x[1], b_.getInt64(0));
    auto* type = llvm::FunctionType::get(b_.getInt32Ty(), {b_.getPtrTy(), b_.getPtrTy(), b_.getInt64Ty()}, false);
    llvm::CallInst* compared = b_.CreateCall(module_.module().getOrInsertFunction("memcmp", type), {x[0], y[0], length});
    compared->setDoesNotThrow();
    compared->setMemoryEffects(llvm::MemoryEffects::argMemOnly(llvm::ModRefInfo::Ref));
    return set(op, b_.CreateAnd(same_length, b_.CreateIsNull(compared)));
  }
  int count = 0;
  V values = tagged_values(op, 0, &count);
  V conversions = stack_bytes(8 * std::max<size_t>(count, 1), 8), out = stack_bytes(24, 8);
  for (int k = 0; k < count; ++k)
    store_field(conversions, 8 * k, b_.getInt64(k < static_cast<int>(op.ints.size()) ? op.ints[k] : 0), Memory::Anything);
  check_status(module_.call_runtime(b_, "coluber_format", {ctx_, values, conversions, b_.getInt64(count), out}), op);
  set(op.results[0], load_value(ir::str(), out, Memory::Anything));
}

void FunctionLowering::lower_print(const Op& op) {
  int count = 0;
  V values = tagged_values(op, 0, &count);
  V options = stack_bytes(16, 8);
  for (size_t k = 0; k < 2; ++k)
    store_field(options, 8 * static_cast<int64_t>(k), b_.getInt64(k < op.ints.size() ? static_cast<uint64_t>(op.ints[k]) : ~uint64_t{0}),
                Memory::Anything);
  check_status(module_.call_runtime(b_, "coluber_print", {ctx_, values, options, b_.getInt64(count)}), op);
}

}  // namespace coluber::backend
