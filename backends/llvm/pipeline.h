// The optimisation pipelines, and the LLVM options they need.
#pragma once
#include "backends/llvm/pch.h"

namespace coluber::backend {

// Options of LLVM that only its command line knows. Called once per process, before the first pipeline runs.
void set_llvm_options();

// Optimises the module in place. The passes are made anew each time: some of LLVM's may run only once, and making them takes 11 us.
void optimise(llvm::Module& module, llvm::TargetMachine* machine, int opt_level, bool slp);

}  // namespace coluber::backend
