// The host's processor and what code generators need to know of it. Computed once per process.
#pragma once
#include "backends/llvm/pch.h"
#include "backends/target.h"

namespace coluber::backend {

struct Host {
  std::string triple, cpu, features;
  bool has_fma = false;
  const llvm::Target* target = nullptr;
};

// Thrown where LLVM would have ended the process.
struct LlvmFatalError {
  std::string reason;
};

// Registers the target with LLVM on first use.
const Host& host();
std::unique_ptr<llvm::TargetMachine> make_target_machine(const Host& host, int opt_level);

}  // namespace coluber::backend
