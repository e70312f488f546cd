// Machine code from an optimised module: LLVM's code generator with the passes we have a use for.
#pragma once
#include "backends/llvm/pch.h"

namespace coluber::backend {

// Adds the passes that write an object (or assembly) of the module to `out`. False: the target cannot.
bool add_codegen_passes(llvm::TargetMachine& machine, llvm::legacy::PassManagerBase& passes, llvm::raw_pwrite_stream& out,
                        llvm::CodeGenFileType type);

}  // namespace coluber::backend
