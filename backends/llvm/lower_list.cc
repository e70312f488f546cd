// Lists: coluber_list (jit/runtime/abi.h) with its items in one block of memory. Everything but growth is inline.
#include "backends/llvm/function_lowering.h"

namespace coluber::backend {

using ir::OpCode;

namespace {
constexpr int64_t kData = offsetof(coluber_list, data), kLength = offsetof(coluber_list, length),
                  kCapacity = offsetof(coluber_list, capacity), kChanged = offsetof(coluber_list, changed);
}

llvm::Value* FunctionLowering::list_item_address(ir::TypeRef list, V data, V index) {
  int64_t item = ir::item_size(list->elem);
  const std::vector<Slot>& parts = slots_of(list->elem);
  llvm::Type* element =
      parts.size() == 1 && parts[0].bits == 8 * item ? memory_type(context_, parts[0]) : llvm::ArrayType::get(b_.getInt8Ty(), item);
  return b_.CreateInBoundsGEP(element, data, index);
}

// if (length == capacity) grow; items[length] = value; ++length. Without the first where room has been made.
void FunctionLowering::lower_list_push(const Op& op) {
  V list = one(op.args[0]);
  ir::TypeRef t = arg_type(op, 0);
  V length = load_field(list, kLength, b_.getInt64Ty(), Memory::List);
  V wanted = b_.CreateAdd(length, b_.getInt64(1), "", true, true);
  if (op.imm == 0) {
    V capacity = load_field(list, kCapacity, b_.getInt64Ty(), Memory::List);
    llvm::BasicBlock *grow = cold_block("grow"), *store = llvm::BasicBlock::Create(context_, "", f_);
    b_.CreateCondBr(b_.CreateICmpSLT(length, capacity), store, grow, module_.unlikely_false());
    b_.SetInsertPoint(grow);
    check_status(module_.call_runtime(b_, "coluber_list_grow", {ctx_, list, wanted}), op);
    b_.CreateBr(store);
    b_.SetInsertPoint(store);
  }
  V data = load_field(list, kData, b_.getPtrTy(), Memory::List);
  store_value(t->elem, Slots(slots(op.args[1])), list_item_address(t, data, length), Memory::Element);
  store_field(list, kLength, wanted, Memory::List);
  store_field(list, kChanged, b_.getInt64(1), Memory::List);
}

void FunctionLowering::lower_list(const Op& op) {
  if (op.code == OpCode::ListNew) {
    V item = b_.getInt64(ir::item_size(result_type(op)->elem));
    llvm::CallInst* list = module_.call_runtime(b_, "coluber_list_new", {ctx_, one(op.args[0]), item});
    list->addRetAttr(llvm::Attribute::getWithDereferenceableOrNullBytes(context_, sizeof(coluber_list)));
    list->addRetAttr(llvm::Attribute::getWithAlignment(context_, llvm::Align(alignof(coluber_list))));
    leave_unless(b_.CreateIsNotNull(list), op);
    return set(op, list);
  }
  ir::TypeRef t = arg_type(op, 0);
  if (!t->is(ir::Kind::List)) return fail(op, "the operand is of type " + t->text);
  V list = one(op.args[0]);
  auto data = [&] { return load_field(list, kData, b_.getPtrTy(), Memory::List); };
  switch (op.code) {
    case OpCode::ListLen: {
      auto* length = llvm::cast<llvm::LoadInst>(load_field(list, kLength, b_.getInt64Ty(), Memory::List));
      length->setMetadata(llvm::LLVMContext::MD_range,
                          llvm::MDBuilder(context_).createRange(llvm::APInt(64, 0), llvm::APInt::getSignedMinValue(64)));
      return set(op, length);
    }
    case OpCode::ListSetLen:
      store_field(list, kLength, one(op.args[1]), Memory::List);
      return store_field(list, kChanged, b_.getInt64(1), Memory::List);
    case OpCode::ListReserve: {
      V capacity = load_field(list, kCapacity, b_.getInt64Ty(), Memory::List), wanted = one(op.args[1]);
      llvm::BasicBlock *grow = cold_block("grow"), *next = llvm::BasicBlock::Create(context_, "", f_);
      b_.CreateCondBr(b_.CreateICmpSLE(wanted, capacity), next, grow, module_.unlikely_false());
      b_.SetInsertPoint(grow);
      check_status(module_.call_runtime(b_, "coluber_list_grow", {ctx_, list, wanted}), op);
      b_.CreateBr(next);
      return b_.SetInsertPoint(next);
    }
    case OpCode::ListPush:
      return lower_list_push(op);
    case OpCode::ListLoad:
      return set(op.results[0], load_value(t->elem, list_item_address(t, data(), one(op.args[1])), Memory::Element));
    case OpCode::ListStore:
      store_value(t->elem, Slots(slots(op.args[2])), list_item_address(t, data(), one(op.args[1])), Memory::Element);
      return store_field(list, kChanged, b_.getInt64(1), Memory::List);
    default:  // ListData
      return set(op, data());
  }
}

}  // namespace coluber::backend
