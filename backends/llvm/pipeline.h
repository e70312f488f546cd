// The optimisation pipelines, and the LLVM options they need. One Pipeline serves many modules, one at a time.
#pragma once
#include "backends/llvm/pch.h"
#include "backends/target.h"

namespace coluber::backend {

// Options of LLVM that only its command line knows. Called once per process, before the first pipeline is built.
void set_llvm_options();

class Pipeline {
 public:
  // `full`: LLVM's own default pipeline of that level instead of ours, for comparison.
  Pipeline(llvm::TargetMachine* machine, int opt_level, bool slp, bool full = false);
  void run(llvm::Module& module);

 private:
  llvm::LoopAnalysisManager loops_;
  llvm::FunctionAnalysisManager functions_;
  llvm::CGSCCAnalysisManager sccs_;
  llvm::ModuleAnalysisManager modules_;
  llvm::ModulePassManager single_, many_;      // for modules of one function; of several
};

}  // namespace coluber::backend
