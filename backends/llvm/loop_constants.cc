// The code generator moves the constants of a loop in front of the outermost loop around it, because the register allocator can always compute them anew.
// Where many inner loops stand in one outer loop (the statements of a time step), that makes more of them than there are registers, and the allocator
// takes two thirds of the compilation to move them back. So those are loaded in front of the inner loop by something that the code generator does not
// move: an assembler statement without text.
#include "backends/llvm/loop_constants.h"

#include <llvm/Analysis/LoopInfo.h>
#include <llvm/IR/InlineAsm.h>

namespace coluber::backend {
namespace {

constexpr int kMany = 12;                                    // innermost loops in one outer loop: fewer have their constants in registers

// What comes out of memory: float64 and vectors in registers that the statement can name.
bool is_loaded(const llvm::Value* v) {
  const auto* constant = llvm::dyn_cast<llvm::Constant>(v);
  if (!constant || constant->isNullValue() || llvm::isa<llvm::UndefValue, llvm::ConstantExpr, llvm::GlobalValue>(constant)) return false;
  llvm::Type* type = v->getType();
  if (type->isDoubleTy() || type->isFloatTy()) return true;
  return llvm::isa<llvm::ConstantDataVector>(v) && (type->getPrimitiveSizeInBits() == 128 || type->getPrimitiveSizeInBits() == 256);
}

bool takes_registers(const llvm::Instruction& i) { return llvm::isa<llvm::BinaryOperator, llvm::FCmpInst, llvm::ICmpInst, llvm::SelectInst>(i); }

bool keep_in(const llvm::Loop& loop) {
  llvm::BasicBlock* before = loop.getLoopPreheader();
  if (!before) return false;
  llvm::IRBuilder<> b(before->getTerminator());
  llvm::SmallDenseMap<llvm::Value*, llvm::Value*, 8> kept;
  for (llvm::BasicBlock* block : loop.blocks())
    for (llvm::Instruction& i : *block) {
      if (!takes_registers(i)) continue;
      for (llvm::Use& use : i.operands()) {
        if (!is_loaded(use)) continue;
        llvm::Value*& v = kept[use];
        if (!v) {
          auto* type = llvm::FunctionType::get(use->getType(), {use->getType()}, false);
          v = b.CreateCall(type, llvm::InlineAsm::get(type, "", "=x,0", true), {use});
        }
        use.set(v);
      }
    }
  return !kept.empty();
}

}  // namespace

bool keep_loop_constants(llvm::Function& f, const llvm::LoopInfo& loops) {
  bool changed = false;
  for (const llvm::Loop* outer : loops) {
    llvm::SmallVector<const llvm::Loop*, 16> inner;
    for (const llvm::Loop* loop : outer->getLoopsInPreorder())
      if (loop != outer && loop->isInnermost()) inner.push_back(loop);
    if (inner.size() < kMany) continue;
    for (const llvm::Loop* loop : inner) changed |= keep_in(*loop);
  }
  return changed;
}

}  // namespace coluber::backend
