// Constants of inner loops: registers that are loaded in front of their loop, not in front of all loops.
#pragma once
#include "backends/llvm/pch.h"

namespace llvm {
class LoopInfo;
}  // namespace llvm

namespace coluber::backend {

// For x86. Says whether something changed; blocks stay as they are.
bool keep_loop_constants(llvm::Function& f, const llvm::LoopInfo& loops);

}  // namespace coluber::backend
