// LLVM's x86 code generator runs about 150 passes over each function. Half of the IR passes in front of instruction selection lower things
// we never make (garbage collection, exceptions, atomics wider than the machine's, vector predication, thread-local variables, AMX), and a
// dozen machine passes serve XRay, debug values, statepoints and the like. For functions as small as ours the walk over them, and setting
// them up, is a good part of the time, so they are left out by name. On other processors the standard list is used.
#include "backends/cpu/codegen.h"

#include <llvm/CodeGen/MachineModuleInfo.h>
#include <llvm/CodeGen/Passes.h>
#include <llvm/CodeGen/TargetPassConfig.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/Target/TargetLoweringObjectFile.h>
#include <llvm/Transforms/Scalar.h>

namespace coluber::backend {
namespace {

// Names the two steps that TargetPassConfig keeps to itself.
struct Steps : llvm::TargetPassConfig {
  using llvm::TargetPassConfig::addCoreISelPasses;
};

void disable_unused(llvm::TargetPassConfig* config) {
  llvm::AnalysisID const unused[] = {
      &llvm::GCMachineCodeAnalysisID,
      &llvm::FEntryInserterID,
      &llvm::XRayInstrumentationID,
      &llvm::PatchableFunctionID,
      &llvm::FuncletLayoutID,
      &llvm::StackMapLivenessID,
      &llvm::LiveDebugValuesID,
      &llvm::MachineSanitizerBinaryMetadataID,
      &llvm::RemoveRedundantDebugValuesID,
      &llvm::FixupStatepointCallerSavedID,
      &llvm::LocalStackSlotAllocationID,
      &llvm::StackFrameLayoutAnalysisPassID,
  };
  for (llvm::AnalysisID id : unused) config->disablePass(id);
}

// Passes without a public identity are left out by name on their way to the manager. This one makes constants in memory shorter; it looks for each of them
// among all others, which is an eighth of the compilation of 5,000 lines.
class Selected : public llvm::legacy::PassManagerBase {
 public:
  explicit Selected(llvm::legacy::PassManagerBase& passes) : passes_(passes) {}
  void add(llvm::Pass* pass) override {
    if (pass->getPassName() == "X86 Fixup Vector Constants") delete pass;
    else passes_.add(pass);
  }

 private:
  llvm::legacy::PassManagerBase& passes_;
};

// TargetPassConfig::addISelPasses, with the IR passes that may find something in our code.
bool add_selection(llvm::LLVMTargetMachine& machine, llvm::TargetPassConfig* config, llvm::legacy::PassManagerBase& passes) {
  passes.add(llvm::createTargetTransformInfoWrapperPass(machine.getTargetIRAnalysis()));
  passes.add(llvm::createPreISelIntrinsicLoweringPass());
  passes.add(llvm::createExpandMemCmpLegacyPass());
  passes.add(llvm::createConstantHoistingPass());
  passes.add(llvm::createScalarizeMaskedMemIntrinLegacyPass());
  passes.add(llvm::createExpandReductionsPass());
  passes.add(llvm::createInterleavedAccessPass());
  config->addCodeGenPrepare();
  return (config->*&Steps::addCoreISelPasses)();
}

}  // namespace

bool add_codegen_passes(llvm::TargetMachine& machine, llvm::legacy::PassManagerBase& all, llvm::raw_pwrite_stream& out,
                        llvm::CodeGenFileType type) {
  if (machine.getTargetTriple().getArch() != llvm::Triple::x86_64 || machine.getOptLevel() == llvm::CodeGenOptLevel::None)
    return !machine.addPassesToEmitFile(all, out, nullptr, type, true);
  Selected passes(all);
  auto& target = static_cast<llvm::LLVMTargetMachine&>(machine);
  auto* info = new llvm::MachineModuleInfoWrapperPass(&target);
  llvm::TargetPassConfig* config = target.createPassConfig(passes);
  config->setDisableVerify(true);
  passes.add(config);
  passes.add(info);
  disable_unused(config);
  if (add_selection(target, config, passes)) return false;
  config->addMachinePasses();
  config->setInitialized();
  llvm::MCContext& context = info->getMMI().getContext();
  const_cast<llvm::TargetLoweringObjectFile*>(target.getObjFileLowering())->Initialize(context, target);
  if (target.addAsmPrinter(passes, out, nullptr, type, context)) return false;
  passes.add(llvm::createFreeMachineFunctionPass());
  return true;
}

}  // namespace coluber::backend
