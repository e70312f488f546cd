// Rewrites of optimised IR for code generation: what LLVM would otherwise write badly for this processor.
#pragma once
#include "backends/llvm/pch.h"

namespace coluber::backend {

// Behind the passes that compute something else or elsewhere; only empty blocks are still removed. The results are the same bits.
struct LateRewrites : llvm::PassInfoMixin<LateRewrites> {
  const llvm::TargetMachine* machine;
  explicit LateRewrites(const llvm::TargetMachine* target) : machine(target) {}
  llvm::PreservedAnalyses run(llvm::Function& f, llvm::FunctionAnalysisManager& analyses);
};

}  // namespace coluber::backend
