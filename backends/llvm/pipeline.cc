// LLVM's -O3 for the code we make, without what costs time and finds nothing there. Measured against the default pipeline: see
// backends/README.md. What is left out and why:
//   - passes for C++ (coroutines, devirtualisation, exceptions, OpenMP, profile data): there is nothing for them;
//   - whole-program passes: all but one function of a module are internal and mostly inlined, so GlobalOpt, IPSCCP and argument promotion
//     only walk over it. Modules of one function do not even need the inliner;
//   - second and third runs of JumpThreading, CVP, SimplifyCFG and InstCombine where the passes in between change nothing for us.
// The SLP vectoriser is off unless asked for: it makes the Julia loop 47% slower.
#include "backends/llvm/pipeline.h"

#include "backends/llvm/late_rewrites.h"
#include "backends/llvm/split_function.h"

#include <cstdlib>
#include <mutex>
#include <sstream>

#include <llvm/Analysis/AliasAnalysis.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Support/CommandLine.h>
#include <llvm/Transforms/IPO/AlwaysInliner.h>
#include <llvm/Transforms/IPO/FunctionAttrs.h>
#include <llvm/Transforms/IPO/GlobalDCE.h>
#include <llvm/Transforms/IPO/Inliner.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/ADCE.h>
#include <llvm/Transforms/Scalar/BDCE.h>
#include <llvm/Transforms/Scalar/CorrelatedValuePropagation.h>
#include <llvm/Transforms/Scalar/DeadStoreElimination.h>
#include <llvm/Transforms/Scalar/DivRemPairs.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/GVN.h>
#include <llvm/Transforms/Scalar/IndVarSimplify.h>
#include <llvm/Transforms/Scalar/InferAlignment.h>
#include <llvm/Transforms/Scalar/InstSimplifyPass.h>
#include <llvm/Transforms/Scalar/JumpThreading.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopDeletion.h>
#include <llvm/Transforms/Scalar/LoopDistribute.h>
#include <llvm/Transforms/Scalar/LoopIdiomRecognize.h>
#include <llvm/Transforms/Scalar/LoopInstSimplify.h>
#include <llvm/Transforms/Scalar/LoopLoadElimination.h>
#include <llvm/Transforms/Scalar/LoopPassManager.h>
#include <llvm/Transforms/Scalar/LoopRotation.h>
#include <llvm/Transforms/Scalar/LoopSimplifyCFG.h>
#include <llvm/Transforms/Scalar/LoopUnrollPass.h>
#include <llvm/Transforms/Scalar/Reassociate.h>
#include <llvm/Transforms/Scalar/SCCP.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimpleLoopUnswitch.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>
#include <llvm/Transforms/Scalar/TailRecursionElimination.h>
#include <llvm/Transforms/Utils/InjectTLIMappings.h>
#include <llvm/Transforms/Utils/LoopUtils.h>
#include <llvm/Transforms/Vectorize/LoopVectorize.h>
#include <llvm/Transforms/Vectorize/SLPVectorizer.h>
#include <llvm/Transforms/Vectorize/VectorCombine.h>

namespace coluber::backend {
namespace {

using llvm::createFunctionToLoopPassAdaptor;
using llvm::FunctionPassManager;
using llvm::LoopPassManager;
using llvm::SimplifyCFGOptions;

// As if `-name=value` were on the command line: LLVM looks at whether an option was given, not only at its value.
void set_option(const char* name, const char* value) {
  llvm::StringMap<llvm::cl::Option*>& options = llvm::cl::getRegisteredOptions();
  auto it = options.find(name);
  if (it != options.end() && it->second->getNumOccurrences() == 0) it->second->addOccurrence(1, name, value);
}

// Until loops are canonical and inlined: scalars out of memory, redundancies, control flow, then the loop passes that need it.
FunctionPassManager simplification(bool loops) {
  FunctionPassManager fpm;
  fpm.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
  fpm.addPass(llvm::EarlyCSEPass(true));
  fpm.addPass(llvm::CorrelatedValuePropagationPass());
  fpm.addPass(llvm::SimplifyCFGPass(SimplifyCFGOptions().convertSwitchRangeToICmp(true)));
  fpm.addPass(llvm::InstCombinePass());
  if (!loops) return fpm;
  fpm.addPass(llvm::TailCallElimPass());
  fpm.addPass(llvm::ReassociatePass());
  LoopPassManager rotate;
  rotate.addPass(llvm::LoopInstSimplifyPass());
  rotate.addPass(llvm::LoopSimplifyCFGPass());
  rotate.addPass(llvm::LICMPass(100, 250, false));
  rotate.addPass(llvm::LoopRotatePass(true, false));
  rotate.addPass(llvm::LICMPass(100, 250, true));
  rotate.addPass(llvm::SimpleLoopUnswitchPass(true, false));
  fpm.addPass(createFunctionToLoopPassAdaptor(std::move(rotate), true, true));
  fpm.addPass(llvm::SimplifyCFGPass(SimplifyCFGOptions().convertSwitchRangeToICmp(true)));
  fpm.addPass(llvm::InstCombinePass());
  LoopPassManager indices;
  indices.addPass(llvm::LoopIdiomRecognizePass());
  indices.addPass(llvm::IndVarSimplifyPass());
  indices.addPass(llvm::LoopDeletionPass());
  indices.addPass(llvm::LoopFullUnrollPass(3, false, false));
  fpm.addPass(createFunctionToLoopPassAdaptor(std::move(indices), false, false));
  fpm.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
  fpm.addPass(llvm::GVNPass());
  fpm.addPass(llvm::SCCPPass());
  fpm.addPass(llvm::BDCEPass());
  fpm.addPass(llvm::InstCombinePass());
  fpm.addPass(llvm::JumpThreadingPass());
  fpm.addPass(llvm::CorrelatedValuePropagationPass());
  fpm.addPass(llvm::ADCEPass());
  fpm.addPass(llvm::DSEPass());
  fpm.addPass(createFunctionToLoopPassAdaptor(llvm::LICMPass(100, 250, true), true, false));
  fpm.addPass(llvm::SimplifyCFGPass(SimplifyCFGOptions().convertSwitchRangeToICmp(true).hoistCommonInsts(true).sinkCommonInsts(true)));
  fpm.addPass(llvm::InstCombinePass());
  return fpm;
}

// A float sum in order waits for its own last addition, three or four cycles a turn. Where what it adds takes less than that, vectors and unrolling gain
// nothing, and are most of what such a loop takes to compile. Divisions, roots and calls take more: there vectors do gain.
struct KeepShortSums : llvm::PassInfoMixin<KeepShortSums> {
  static constexpr long kShort = 12;  // instructions of a turn that fit into the wait
  static llvm::PreservedAnalyses run(llvm::Function& f, llvm::FunctionAnalysisManager& analyses) {
    for (llvm::Loop* loop : analyses.getResult<llvm::LoopAnalysis>(f).getLoopsInPreorder())
      if (loop->getNumBlocks() == 1 && waits(*loop->getHeader())) llvm::addStringMetadataToLoop(loop, "llvm.loop.isvectorized", 1);
    return llvm::PreservedAnalyses::all();
  }

 private:
  static bool waits(const llvm::BasicBlock& turn) {
    if (std::distance(turn.begin(), turn.end()) > kShort) return false;
    bool sum = false;
    for (const llvm::Instruction& i : turn) {
      unsigned code = i.getOpcode();
      bool slow = code == llvm::Instruction::FDiv || code == llvm::Instruction::FRem || code == llvm::Instruction::SDiv ||
                  code == llvm::Instruction::UDiv || code == llvm::Instruction::SRem || code == llvm::Instruction::URem;
      if (slow || i.mayWriteToMemory() || llvm::isa<llvm::CallBase>(i)) return false;
      bool adds = (code == llvm::Instruction::FAdd || code == llvm::Instruction::FSub) && !i.hasAllowReassoc();
      const auto* last = adds ? llvm::dyn_cast<llvm::PHINode>(i.getOperand(0)) : nullptr;
      sum |= last && last->getParent() == &turn && last->getIncomingValueForBlock(&turn) == &i;
    }
    return sum;
  }
};

// The loop vectoriser, which in functions of plain loops makes no vector form of the rest. A loop that is not in another one leaves once per call
// what is less than a full turn; with numbers of 8 bytes that is 15 of them when turns are two vectors long. A third form of the loop for those is a
// quarter of what it takes to compile. Rows of a few dozen elements, again and again, do need it.
// LLVM has a process-wide option for that and nothing else, so compilations take turns here.
struct Vectorise : llvm::PassInfoMixin<Vectorise> {
  static llvm::PreservedAnalyses run(llvm::Function& f, llvm::FunctionAnalysisManager& analyses) {
    static std::mutex turn;
    static auto* rests = static_cast<llvm::cl::opt<bool>*>(llvm::cl::getRegisteredOptions().lookup("enable-epilogue-vectorization"));
    static const bool usual = *rests;
    std::lock_guard lock(turn);
    bool plain = only_plain(analyses.getResult<llvm::LoopAnalysis>(f));
    rests->setValue(usual && !plain);
    return llvm::LoopVectorizePass(llvm::LoopVectorizeOptions(false, false)).run(f, analyses);
  }

 private:
  // No nests, and all accesses to memory in loops are of 8 bytes. Such loops, where they carry nothing on, get turns of two vectors.
  static bool only_plain(const llvm::LoopInfo& loops) {
    for (const llvm::Loop* loop : loops) {
      if (!loop->isInnermost()) return false;
      for (llvm::BasicBlock* b : loop->blocks())
        for (llvm::Instruction& i : *b)
          if (i.mayReadOrWriteMemory() && !moves_8_bytes(i)) return false;
    }
    for (llvm::Loop* loop : loops)
      if (std::distance(loop->getHeader()->phis().begin(), loop->getHeader()->phis().end()) == 1)
        llvm::addStringMetadataToLoop(loop, "llvm.loop.interleave.count", 2);
    return true;
  }

  static bool moves_8_bytes(llvm::Instruction& i) {
    return llvm::isa<llvm::LoadInst, llvm::StoreInst>(i) && llvm::getLoadStoreType(&i)->getPrimitiveSizeInBits() == 64;
  }
};

// What the vectoriser leaves as a scalar loop (the rest of the iterations, or all of them when arrays overlap) is not worth unrolling.
struct KeepRemaindersSmall : llvm::PassInfoMixin<KeepRemaindersSmall> {
  static llvm::PreservedAnalyses run(llvm::Function& f, llvm::FunctionAnalysisManager& analyses) {
    for (llvm::Loop* loop : analyses.getResult<llvm::LoopAnalysis>(f).getLoopsInPreorder())
      if (llvm::getBooleanLoopAttribute(loop, "llvm.loop.isvectorized"))
        llvm::addStringMetadataToLoop(loop, "llvm.loop.unroll.runtime.disable");
    return llvm::PreservedAnalyses::all();
  }
};

// Last: vectorise, unroll, clean up behind both.
FunctionPassManager vectorisation(bool slp, llvm::TargetMachine* machine) {
  FunctionPassManager fpm;
  LoopPassManager rotate;
  rotate.addPass(llvm::LoopRotatePass(true, false));
  fpm.addPass(createFunctionToLoopPassAdaptor(std::move(rotate), false, false));
  fpm.addPass(llvm::InjectTLIMappings());
  fpm.addPass(KeepShortSums());
  fpm.addPass(Vectorise());
  fpm.addPass(KeepRemaindersSmall());
  fpm.addPass(llvm::InferAlignmentPass());
  fpm.addPass(llvm::LoopLoadEliminationPass());
  fpm.addPass(llvm::InstCombinePass());
  fpm.addPass(llvm::SimplifyCFGPass(SimplifyCFGOptions()
                                        .forwardSwitchCondToPhi(true)
                                        .convertSwitchRangeToICmp(true)
                                        .convertSwitchToLookupTable(true)
                                        .needCanonicalLoops(false)
                                        .hoistCommonInsts(true)
                                        .sinkCommonInsts(true)));
  if (slp) fpm.addPass(llvm::SLPVectorizerPass());
  fpm.addPass(llvm::VectorCombinePass());
  fpm.addPass(llvm::LoopUnrollPass(llvm::LoopUnrollOptions(3, false, false)));
  fpm.addPass(llvm::SROAPass(llvm::SROAOptions::PreserveCFG));
  fpm.addPass(llvm::InstCombinePass());
  fpm.addPass(createFunctionToLoopPassAdaptor(llvm::LICMPass(100, 250, true), true, false));
  fpm.addPass(llvm::InstSimplifyPass());
  fpm.addPass(llvm::DivRemPairsPass());
  fpm.addPass(LateRewrites(machine));
  fpm.addPass(llvm::SimplifyCFGPass(SimplifyCFGOptions().convertSwitchRangeToICmp(true)));
  return fpm;
}

// In a module of several functions that do not call each other, one without loops hands loops to the runtime or combines what they found: a few instructions
// that run once.
struct WholeFunction : llvm::PassInfoMixin<WholeFunction> {
  WholeFunction(int level, bool slp, llvm::TargetMachine* machine) : once(simplification(false)), all(simplification(level > 0)) {
    if (level > 2) all.addPass(vectorisation(slp, machine));
  }
  llvm::PreservedAnalyses run(llvm::Function& f, llvm::FunctionAnalysisManager& analyses) {
    bool several = llvm::count_if(*f.getParent(), [](const llvm::Function& g) { return !g.isDeclaration() && !g.hasFnAttribute(llvm::Attribute::Cold); }) > 1;
    if (!several || f.hasFnAttribute(kPartAttribute) || !analyses.getResult<llvm::LoopAnalysis>(f).empty()) return all.run(f, analyses);
    f.addFnAttr(llvm::Attribute::NoInline);
    f.addFnAttr(llvm::Attribute::OptimizeNone);              // of the code generator: it takes as long over these as over the loop
    return once.run(f, analyses);
  }
  FunctionPassManager once, all;
};

llvm::ModulePassManager single_function(int level, bool slp, llvm::TargetMachine* machine) {
  llvm::ModulePassManager mpm;
  mpm.addPass(llvm::createModuleToFunctionPassAdaptor(WholeFunction(level, slp, machine)));
  return mpm;
}

// Callees first: each function is simplified before it is considered for inlining into its callers.
llvm::ModulePassManager several_functions(int level, bool slp, llvm::TargetMachine* machine) {
  llvm::ModulePassManager mpm;
  mpm.addPass(llvm::AlwaysInlinerPass(false));
  if (level < 0) return mpm;
  if (level == 0) {
    mpm.addPass(llvm::createModuleToFunctionPassAdaptor(simplification(false)));
    return mpm;
  }
  FunctionPassManager early;
  early.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
  early.addPass(llvm::EarlyCSEPass());
  early.addPass(llvm::SimplifyCFGPass());
  mpm.addPass(llvm::createModuleToFunctionPassAdaptor(std::move(early)));
  llvm::ModuleInlinerWrapperPass inliner(llvm::getInlineParams(level > 2 ? 3 : 2, 0), true, {}, llvm::InliningAdvisorMode::Default, 2);
  inliner.getPM().addPass(llvm::PostOrderFunctionAttrsPass());
  inliner.getPM().addPass(llvm::createCGSCCToFunctionPassAdaptor(simplification(true), false));
  mpm.addPass(std::move(inliner));
  mpm.addPass(llvm::GlobalDCEPass());
  if (level > 2) mpm.addPass(llvm::createModuleToFunctionPassAdaptor(vectorisation(slp, machine)));
  return mpm;
}

}  // namespace

void set_llvm_options() {
  // Float sums are not reordered, but their operands may be computed as vectors and added in order: twice the speed.
  set_option("force-ordered-reductions", "true");
  // Loop strength reduction takes up to two thirds of code generation and gains nothing on this processor: addressing modes are free.
  set_option("disable-lsr", "true");
  // Unswitching makes a copy of the loop for each invariant condition; with conditions of its own making it trebled loops (Julia: a third of
  // the compile time) and gained nothing. Small bodies still get it: there an invariant branch may be what stops vectorisation.
  set_option("simple-loop-unswitch-inject-invariant-conditions", "false");
  set_option("unswitch-threshold", "25");
  // What is left of a row of 8-wide turns unrolled four times is up to 31 elements: in halves of a vector, not one by one (LLVM does so from
  // 16 elements on). Rows of 60 and 120 take a half and three quarters of the time.
  set_option("epilogue-vectorization-minimum-VF", "4");
  // How many blocks of a value's life the register allocator looks at for each register it could be split for. Ten times that by default: in functions
  // of thousands of blocks that is a tenth of the compilation.
  set_option("grow-region-complexity-budget", "1000");
  // A stride that is known at run time only (a row's length, a view's step) is hardly ever one element; LLVM would make a vector loop for that case
  // and leave all others to a scalar one. Without: sqrt(x) / (1 + y) of x[::2] in a quarter of the time, bodies in rows of three 1.5 times as fast.
  set_option("enable-mem-access-versioning", "false");
  // Short loops that cross a line of the cache of decoded instructions take a fifth longer on processors of before 2024: 2**5 bytes.
  set_option("x86-experimental-pref-innermost-loop-alignment", "5");
  // Developers' own: COLUBER_LLVM_OPTIONS="name=value name=value".
  if (const char* more = std::getenv("COLUBER_LLVM_OPTIONS")) {
    std::stringstream words(more);
    for (std::string word; words >> word;) {
      size_t split = word.find('=');
      set_option(word.substr(0, split).c_str(), split == std::string::npos ? "" : word.substr(split + 1).c_str());
    }
  }
}

void optimise(llvm::Module& module, llvm::TargetMachine* machine, int opt_level, bool slp) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager sccs;
  llvm::ModuleAnalysisManager modules;
  llvm::PipelineTuningOptions tuning;
  tuning.SLPVectorization = slp;
  llvm::PassBuilder builder(machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  if (opt_level > 0) split_large_functions(module);
  // Functions that call none of the others (bodies of parallel loops are called by the runtime) need no inliner.
  bool calls = false;
  for (llvm::Function& f : module)
    if (!f.isDeclaration() && !f.hasFnAttribute(llvm::Attribute::Cold) && !f.hasFnAttribute(kPartAttribute))
      for (llvm::User* user : f.users())
        if (auto* call = llvm::dyn_cast<llvm::CallBase>(user)) calls |= call->getCalledFunction() == &f;
  llvm::ModulePassManager passes = !calls && opt_level >= 0 ? single_function(opt_level, slp, machine) : several_functions(opt_level, slp, machine);
  passes.run(module, modules);
}

}  // namespace coluber::backend
