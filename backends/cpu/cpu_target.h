// The host's processor as a Target: a worker with its own target machines. A worker serves one compilation at a time;
// compilations in parallel use several, kept in a pool.
#pragma once
#include "backends/cpu/host.h"
#include "backends/target.h"

namespace coluber::backend {

class CpuTarget : public Target {
 public:
  CpuTarget() : layout_(machine(3)->createDataLayout().getStringRepresentation()) {}
  const char* triple() const override { return host_.triple.c_str(); }
  const char* data_layout() const override { return layout_.c_str(); }
  bool supports(const ir::Op&) const override { return true; }
  bool has_fma() const override { return host_.has_fma; }
  std::string lower_intrinsic(const char* symbol, bool single) const override { return std::string(symbol) + (single ? "f" : ""); }
  VectorMath vector_math(const std::string& symbol, bool single, size_t operands, const Options& options) override;
  void run_pipeline(llvm::Module& module, const Options& options) override;
  bool emit(llvm::Module& module, bool text, llvm::SmallVectorImpl<char>* out, std::string* error) override;

 private:
  llvm::TargetMachine* machine(int opt_level);

  const Host& host_ = host();
  std::unique_ptr<llvm::TargetMachine> machines_[4];  // by level, made when first needed
  std::string layout_;
  int current_ = 3;  // level of the last run_pipeline; emit uses its machine
};

// Borrowed from the pool of the process for the length of a compilation.
class PooledTarget {
 public:
  PooledTarget();
  ~PooledTarget();
  void drop() { target_.reset(); }  // after a failure inside LLVM: its state is not to be trusted
  PooledTarget(const PooledTarget&) = delete;
  PooledTarget& operator=(const PooledTarget&) = delete;
  CpuTarget* operator->() { return target_.get(); }
  CpuTarget& operator*() { return *target_; }

 private:
  std::unique_ptr<CpuTarget> target_;
};

}  // namespace coluber::backend
