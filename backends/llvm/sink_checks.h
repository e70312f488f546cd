// Checks of conversions behind the comparison that follows them, where that one finds what they look for too.
#pragma once
#include "backends/llvm/pch.h"

namespace llvm {
class AssumptionCache;
class DominatorTree;
}  // namespace llvm

namespace coluber::backend {

// `fits`: an i1 that is false only where `result`, an i64, is the least int64. If it decides a branch in front of a comparison that sends the least int64
// to one known side whatever else holds, the branch moves to that side's edge: the other way is taken without it.
bool sink_check(llvm::Instruction* result, llvm::ICmpInst* fits, llvm::DominatorTree& tree, llvm::AssumptionCache& assumptions);

}  // namespace coluber::backend
