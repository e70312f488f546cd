// Reference counts, inline. Other threads may hold references to the same memory, so both directions are atomic: taking one needs no
// ordering, giving one back must be seen before the memory is freed (acquire and release).
#include "backends/llvm/function_lowering.h"

namespace coluber::backend {

using ir::OpCode;

namespace {
constexpr int64_t kCount = offsetof(coluber_owner, count);
}

void FunctionLowering::retain(V owner) {
  llvm::BasicBlock *add = llvm::BasicBlock::Create(context_, "", f_), *next = llvm::BasicBlock::Create(context_, "", f_);
  b_.CreateCondBr(b_.CreateIsNotNull(owner), add, next);
  b_.SetInsertPoint(add);
  module_.tag(b_.CreateAtomicRMW(llvm::AtomicRMWInst::Add, byte_offset(owner, kCount), b_.getInt64(1), llvm::Align(8),
                                 llvm::AtomicOrdering::Monotonic),
              Memory::Header);
  b_.CreateBr(next);
  b_.SetInsertPoint(next);
}

// if (owner && --owner->count == 0) drop(owner). Leaves the builder in the block behind.
void ModuleLowering::emit_release(Builder& b, llvm::Value* owner) {
  llvm::Function* f = b.GetInsertBlock()->getParent();
  auto block = [&] { return llvm::BasicBlock::Create(context_, "", f); };
  llvm::BasicBlock *sub = block(), *drop = block(), *next = block();
  b.CreateCondBr(b.CreateIsNotNull(owner), sub, next);
  b.SetInsertPoint(sub);
  llvm::Value* count = b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), owner, kCount);
  llvm::Value* before =
      tag(b.CreateAtomicRMW(llvm::AtomicRMWInst::Sub, count, b.getInt64(1), llvm::Align(8), llvm::AtomicOrdering::AcquireRelease),
          Memory::Header);
  b.CreateCondBr(b.CreateICmpEQ(before, b.getInt64(1)), drop, next);
  b.SetInsertPoint(drop);
  call_runtime(b, "coluber_drop", {owner});
  b.CreateBr(next);
  b.SetInsertPoint(next);
}

llvm::Function* ModuleLowering::cold_release() {
  if (cold_release_) return cold_release_;
  Builder b(context_);
  auto* type = llvm::FunctionType::get(b.getVoidTy(), {b.getPtrTy()}, false);
  cold_release_ = llvm::Function::Create(type, llvm::GlobalValue::InternalLinkage, "coluber.release", module_);
  cold_release_->setDoesNotThrow();
  cold_release_->addFnAttr(llvm::Attribute::Cold);
  cold_release_->addFnAttr(llvm::Attribute::NoInline);
  cold_release_->addFnAttr(llvm::Attribute::MinSize);
  cold_release_->addFnAttr(llvm::Attribute::OptimizeForSize);
  b.SetInsertPoint(llvm::BasicBlock::Create(context_, "", cold_release_));
  emit_release(b, cold_release_->getArg(0));
  b.CreateRetVoid();
  return cold_release_;
}

// On error paths one internal function does it: small code counts there, speed does not.
void FunctionLowering::release_cold(V owner) {
  if (llvm::isa<llvm::ConstantPointerNull>(owner)) return;
  b_.CreateCall(module_.cold_release(), {owner})->setDoesNotThrow();
}

void FunctionLowering::lower_ownership(const Op& op) {
  const std::vector<Slot>& types = slots_of(arg_type(op, 0));
  const Slots s = slots(op.args[0]);
  for (size_t k = 0; k < types.size(); ++k) {
    if (!types[k].is_owner || llvm::isa<llvm::ConstantPointerNull>(s[k])) continue;
    if (types[k].is_object)
      module_.call_runtime(b_, op.code == OpCode::Retain ? "coluber_object_retain" : "coluber_object_release", {s[k]});
    else if (op.code == OpCode::Retain)
      retain(s[k]);
    else
      module_.emit_release(b_, s[k]);
  }
}

}  // namespace coluber::backend
