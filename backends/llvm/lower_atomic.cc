// Atomic updates of items of arrays. Sums and exchanges of integers are instructions; all else is a loop of compare and exchange, written out here
// since the code generator runs without the pass that would expand it. Monotonic: they order nothing but themselves; the end of a parallel loop
// orders the rest.
#include "backends/llvm/function_lowering.h"

namespace coluber::backend {

using ir::OpCode;

namespace {

constexpr auto kOrder = llvm::AtomicOrdering::Monotonic;

// What the item becomes; null: no such operation.
llvm::Value* updated(Builder& b, const std::string& op, llvm::Value* old, llvm::Value* value, bool is_signed) {
  bool is_float = old->getType()->isFloatingPointTy();
  if (op == "add") return is_float ? b.CreateFAdd(old, value) : b.CreateAdd(old, value);
  if (op == "sub") return is_float ? b.CreateFSub(old, value) : b.CreateSub(old, value);
  if (is_float) return nullptr;
  if (op == "and") return b.CreateAnd(old, value);
  if (op == "or") return b.CreateOr(old, value);
  if (op == "xor") return b.CreateXor(old, value);
  if (op == "min") return b.CreateSelect(is_signed ? b.CreateICmpSLT(value, old) : b.CreateICmpULT(value, old), value, old);
  if (op == "max") return b.CreateSelect(is_signed ? b.CreateICmpSGT(value, old) : b.CreateICmpUGT(value, old), value, old);
  return nullptr;
}

}  // namespace

void FunctionLowering::lower_atomic(const Op& op) {
  ir::TypeRef elem = arg_type(op, 0)->elem;
  bool is_float = ir::is_float(elem), cas = op.code == OpCode::ArrayCas;
  size_t first_index = cas ? 3 : 2;
  if (!is_float && !ir::is_integer(elem)) return fail(op, "items of type " + elem->text);
  if (op.args.size() != first_index + static_cast<size_t>(arg_type(op, 0)->ndim)) return fail(op, "takes one index per axis");
  V address = element_address(op, first_index);
  llvm::Align align(static_cast<uint64_t>(ir::item_size(elem)));
  llvm::Type *type = scalar_type(elem), *bits = b_.getIntNTy(static_cast<unsigned>(8 * ir::item_size(elem)));
  auto swap = [&](V expected, V value) { return b_.CreateAtomicCmpXchg(address, expected, value, align, kOrder, kOrder); };
  auto as_bits = [&](V v) { return b_.CreateBitCast(v, bits); };
  if (cas) return set(op, b_.CreateBitCast(b_.CreateExtractValue(swap(as_bits(one(op.args[1])), as_bits(one(op.args[2]))), 0), type));
  V value = one(op.args[1]);
  bool exchange = op.sym == "xchg", sum = !is_float && (op.sym == "add" || op.sym == "sub");
  if (exchange || sum) {
    auto operation = exchange ? llvm::AtomicRMWInst::Xchg : op.sym == "add" ? llvm::AtomicRMWInst::Add : llvm::AtomicRMWInst::Sub;
    return set(op, b_.CreateBitCast(b_.CreateAtomicRMW(operation, address, as_bits(value), align, kOrder), type));
  }
  llvm::BasicBlock *before = b_.GetInsertBlock(), *again = llvm::BasicBlock::Create(context_, "", f_),
                   *next = llvm::BasicBlock::Create(context_, "", f_);
  llvm::LoadInst* first = b_.CreateAlignedLoad(bits, address, align);
  first->setAtomic(kOrder);
  b_.CreateBr(again);
  b_.SetInsertPoint(again);
  llvm::PHINode* old = b_.CreatePHI(bits, 2);
  old->addIncoming(first, before);
  V item = b_.CreateBitCast(old, type), made = updated(b_, op.sym, item, value, ir::is_signed(elem));
  if (!made) return fail(op, "no such operation on " + elem->text);
  V seen = swap(old, as_bits(made));
  old->addIncoming(b_.CreateExtractValue(seen, 0), again);
  b_.CreateCondBr(b_.CreateExtractValue(seen, 1), next, again);
  b_.SetInsertPoint(next);
  set(op, item);
}

}  // namespace coluber::backend
