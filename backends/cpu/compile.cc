// The stages of compiling a program for the host, from top to bottom.
#include <llvm/IR/Verifier.h>
#include <llvm/Transforms/Utils/Cloning.h>

#include <chrono>

#include "backends/cpu/cpu.h"
#include "backends/cpu/cpu_target.h"
#include "backends/cpu/listing.h"
#include "backends/cpu/link.h"
#include "backends/llvm/module_lowering.h"
#include "backends/llvm/vector_calls.h"

namespace coluber::backend {
namespace {

class Stopwatch {
 public:
  explicit Stopwatch(std::vector<StageTime>* times) : times_(times) {}
  void lap(const char* stage) {
    auto now = std::chrono::steady_clock::now();
    times_->push_back({stage, std::chrono::duration<double>(now - last_).count()});
    last_ = now;
  }

 private:
  std::vector<StageTime>* times_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

std::string module_text(const llvm::Module& module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream, nullptr);
  return text;
}

// Empty when LLVM accepts the module.
std::string verify_module(const llvm::Module& module, const char* when) {
  std::string why;
  llvm::raw_string_ostream stream(why);
  if (!llvm::verifyModule(module, &stream)) return {};
  return std::string("LLVM rejects the module ") + when + ": " + why + "\n" + module_text(module);
}

// Code generation rewrites the module, so the text is made from a copy.
std::string assembly_of(CpuTarget& target, const llvm::Module& module) {
  std::unique_ptr<llvm::Module> copy = llvm::CloneModule(module);
  llvm::SmallVector<char, 0> text;
  std::string error;
  if (!target.emit(*copy, true, &text, &error)) return "; " + error;
  return std::string(text.begin(), text.end());
}

std::string exported_name(const ir::Program& program) {
  for (const auto& fn : program.functions)
    if (fn->exported) return fn->scopes.empty() ? fn->name : fn->scopes[0].name;
  return "coluber_entry";
}

// From top to bottom; stops at the first error.
void run_stages(const ir::Program& program, const Options& options, CpuTarget& target, Stopwatch* watch, CompiledObject* out) {
  llvm::LLVMContext context;
  context.setDiscardValueNames(!options.keep_llvm);
  llvm::Module module("coluber", context);
  module.setTargetTriple(target.triple());
  module.setDataLayout(target.data_layout());
  module.setPICLevel(llvm::PICLevel::SmallPIC);
  LoweredProgram lowered = ModuleLowering(module, program, target, options).run();
  out->error = lowered.error;
  out->import_keys = std::move(lowered.import_keys);
  if (out->error.empty() && options.verify) out->error = verify_module(module, "before optimisation");
  watch->lap("build");
  if (!out->error.empty()) return;

  if (options.keep_listing) collect_remarks(context, &out->listing);
  target.run_pipeline(module, options);
  bind_vector_math(module, target, options, &out->import_keys);
  if (options.verify) out->error = verify_module(module, "after optimisation");
  watch->lap("optimise");
  if (!out->error.empty()) return;
  if (options.keep_llvm) out->llvm_text = module_text(module);
  if (options.keep_asm) out->asm_text = assembly_of(target, module);
  if (options.keep_listing) list_lines(module, [&](const llvm::Module& m) { return assembly_of(target, m); }, &out->listing);
  if (options.keep_llvm || options.keep_asm || options.keep_listing) watch->lap("dump");

  llvm::SmallVector<char, 0> object;
  if (!target.emit(module, false, &object, &out->error)) return;
  out->object.assign(object.begin(), object.end());
  watch->lap("codegen");

  link_object(out->object, out, exported_name(program), options.debug == 2);
  watch->lap("link");
}

}  // namespace

CompiledObject compile_program(const ir::Program& program, const Options& options) {
  CompiledObject out;
  Stopwatch watch(&out.times);
  PooledTarget target;
  watch.lap("target");
  try {
    run_stages(program, options, *target, &watch, &out);
  } catch (const LlvmFatalError& e) {
    target.drop();
    out.error = "LLVM: " + e.reason;
  }
  return out;
}

CompiledObject load_object(const std::string& object) {
  CompiledObject out;
  link_object(object, &out);
  return out;
}

const std::string& cpu_text() {
  static const auto* text = new std::string(host().cpu + ":" + host().features);
  return *text;
}

void warm_up() { PooledTarget target; }

}  // namespace coluber::backend
