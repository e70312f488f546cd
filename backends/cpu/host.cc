// Features of the host's processor, as `-march=native` finds them, and target machines for it.
#include "backends/cpu/host.h"

#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/ErrorHandling.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Target/TargetOptions.h>
#include <llvm/TargetParser/Host.h>

#include "backends/llvm/pipeline.h"

namespace coluber::backend {
namespace {

// LLVM ends the process when it meets what it cannot do (an instruction it cannot select, say). A compiler inside a user's process must
// not: the error travels up to compile_program as an exception, at the price of what LLVM leaks on the way.
[[noreturn]] void throw_fatal_error(void*, const char* reason, bool) { throw LlvmFatalError{reason}; }

Host find_host() {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  llvm::install_fatal_error_handler(throw_fatal_error);
  set_llvm_options();
  Host h;
  h.triple = llvm::sys::getProcessTriple();
  h.cpu = llvm::sys::getHostCPUName().str();
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  std::map<std::string, bool> sorted;  // by name, so that the text is the same in every process: it is part of the cache's key
  for (const auto& feature : features) sorted.emplace(feature.first().str(), feature.second);
  for (const auto& [name, on] : sorted) h.features += (h.features.empty() ? "" : ",") + std::string(on ? "+" : "-") + name;
  // AMD's gathers and scatters take longer than the same accesses one by one, which LLVM 19 does not know: columns of an array 1.2 to 1.4 times.
  if (h.cpu.rfind("znver", 0) == 0) h.features += ",+prefer-no-gather,+prefer-no-scatter";
  h.has_fma = features.lookup("fma") || llvm::Triple(h.triple).isAArch64();
  std::string error;
  h.target = llvm::TargetRegistry::lookupTarget(h.triple, error);
  return h;
}

}  // namespace

const Host& host() {
  static const Host* h = new Host(find_host());
  return *h;
}

std::unique_ptr<llvm::TargetMachine> make_target_machine(const Host& h, int opt_level) {
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;  // a fused multiply-add rounds once where Python rounds twice
  auto level = opt_level == 0   ? llvm::CodeGenOptLevel::None
               : opt_level == 1 ? llvm::CodeGenOptLevel::Less
               : opt_level == 2 ? llvm::CodeGenOptLevel::Default
                                : llvm::CodeGenOptLevel::Aggressive;
  return std::unique_ptr<llvm::TargetMachine>(
      h.target->createTargetMachine(h.triple, h.cpu, h.features, options, llvm::Reloc::PIC_, llvm::CodeModel::Small, level));
}

}  // namespace coluber::backend
