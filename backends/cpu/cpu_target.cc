// Optimises modules for the host and makes objects of them.
#include "backends/cpu/cpu_target.h"

#include <llvm/IR/LegacyPassManager.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>

namespace coluber::backend {
namespace {

struct Pool {
  std::mutex mutex;
  std::vector<std::unique_ptr<CpuTarget>> free;
};
// Never destroyed: threads may still compile while the process ends.
Pool& pool() {
  static Pool* p = new Pool;
  return *p;
}
constexpr size_t kKept = 2;   // workers that stay when they are not in use; each holds about a megabyte

}  // namespace

PooledTarget::PooledTarget() {
  {
    std::lock_guard lock(pool().mutex);
    if (!pool().free.empty()) {
      target_ = std::move(pool().free.back());
      pool().free.pop_back();
    }
  }
  if (!target_) target_ = std::make_unique<CpuTarget>();
}

PooledTarget::~PooledTarget() {
  std::lock_guard lock(pool().mutex);
  if (pool().free.size() < kKept) pool().free.push_back(std::move(target_));
}

CpuTarget::Level& CpuTarget::level(int opt_level) {
  Level& l = levels_[std::clamp(opt_level, 0, 3)];
  if (!l.machine) l.machine = make_target_machine(host_, opt_level);
  return l;
}

void CpuTarget::run_pipeline(llvm::Module& module, const Options& options) {
  current_ = std::clamp(options.opt_level, 0, 3);
  Level& l = level(current_);
  if (options.vector_width > 0) {
    for (llvm::Function& f : module)
      if (!f.isDeclaration()) f.addFnAttr("prefer-vector-width", std::to_string(options.vector_width));
  }
  static const bool full = std::getenv("COLUBER_LLVM_DEFAULT_PIPELINE") != nullptr;   // for comparing ours with LLVM's
  std::unique_ptr<Pipeline>& pipeline = options.slp ? l.with_slp : l.pipeline;
  if (!pipeline) pipeline = std::make_unique<Pipeline>(l.machine.get(), current_, options.slp, full);
  pipeline->run(module);
}

bool CpuTarget::emit(llvm::Module& module, bool text, llvm::SmallVectorImpl<char>* out, std::string* error) {
  llvm::raw_svector_ostream stream(*out);
  llvm::legacy::PassManager passes;
  auto kind = text ? llvm::CodeGenFileType::AssemblyFile : llvm::CodeGenFileType::ObjectFile;
  if (level(current_).machine->addPassesToEmitFile(passes, stream, nullptr, kind, true)) {
    *error = "the target cannot emit this kind of file";
    return false;
  }
  passes.run(module);
  return true;
}

}  // namespace coluber::backend
