// Optimises modules for the host and makes objects of them.
#include "backends/cpu/cpu_target.h"

#include <llvm/IR/LegacyPassManager.h>

#include <algorithm>
#include <mutex>

#include "backends/cpu/codegen.h"
#include "backends/llvm/pipeline.h"

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
constexpr size_t kObjectKept = 1 << 20;  // bytes of the buffer for objects that stay allocated
constexpr size_t kKept = 2;  // workers that stay when they are not in use; each holds about a megabyte

}  // namespace

// A code generator that writes objects. Setting up its hundred passes costs as much as running them over a small function, so it is kept and
// run over one module after the other; the passes forget what they knew of a module at its end.
struct ObjectPasses {
  llvm::SmallVector<char, 0> object;
  llvm::raw_svector_ostream stream{object};
  llvm::legacy::PassManager passes;
};

CpuTarget::CpuTarget() : layout_(machine(3)->createDataLayout().getStringRepresentation()) {}
CpuTarget::~CpuTarget() = default;

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
  if (target_ && pool().free.size() < kKept) pool().free.push_back(std::move(target_));
}

llvm::TargetMachine* CpuTarget::machine(int opt_level) {
  std::unique_ptr<llvm::TargetMachine>& m = machines_[opt_level];
  if (!m) m = make_target_machine(host_, opt_level);
  return m.get();
}

void CpuTarget::run_pipeline(llvm::Module& module, const Options& options) {
  current_ = std::clamp(options.opt_level, 0, 3);
  if (options.vector_width > 0) {
    for (llvm::Function& f : module)
      if (!f.isDeclaration()) f.addFnAttr("prefer-vector-width", std::to_string(options.vector_width));
  }
  if (options.debug == 2) current_ = 0;        // what was optimised away, a debugger cannot show
  optimise(module, machine(current_), options.debug == 2 ? -1 : current_, options.slp);
}

bool CpuTarget::emit(llvm::Module& module, bool text, llvm::SmallVectorImpl<char>* out, std::string* error) {
  auto add = [&](llvm::legacy::PassManager& passes, llvm::raw_pwrite_stream& stream, llvm::CodeGenFileType type) {
    bool known = add_codegen_passes(*machine(current_), passes, stream, type);
    if (!known) *error = "the target cannot emit this kind of file";
    return known;
  };
  if (text) {
    llvm::raw_svector_ostream stream(*out);
    llvm::legacy::PassManager passes;
    if (!add(passes, stream, llvm::CodeGenFileType::AssemblyFile)) return false;
    passes.run(module);
    return true;
  }
  std::unique_ptr<ObjectPasses>& kept = objects_[current_];
  if (!kept) {
    auto made = std::make_unique<ObjectPasses>();
    if (!add(made->passes, made->stream, llvm::CodeGenFileType::ObjectFile)) return false;
    kept = std::move(made);
  }
  kept->object.clear();
  kept->passes.run(module);
  out->assign(kept->object.begin(), kept->object.end());
  if (kept->object.capacity() > kObjectKept) kept->object = {};
  return true;
}

}  // namespace coluber::backend
