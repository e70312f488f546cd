// Rewrites, each of which was seen in profiles of ordinary loops:
//   - vectors of int64 become float64 by five instructions on whole vectors where the processor has none for it (AVX2). LLVM takes the vector apart,
//     converts one by one and puts it together again, which costs more than all the rest of most loops;
//   - a float64 that becomes an int64 if it fits is checked by the result of the conversion, not by comparisons of its own; where what follows looks at
//     the result anyway, behind that (sink_checks.cc);
//   - the step of a loop's counter goes to where the latch first uses it, behind the uses of the counter. Otherwise both live at once, and a register is
//     copied in each turn;
//   - constants of loops in a loop of many stay in front of the inner one (loop_constants.cc).
#include "backends/llvm/late_rewrites.h"

#include "backends/llvm/loop_constants.h"
#include "backends/llvm/sink_checks.h"

#include <llvm/Analysis/AssumptionCache.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/CodeGen/TargetSubtargetInfo.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/IntrinsicsX86.h>
#include <llvm/IR/PatternMatch.h>
#include <llvm/Target/TargetMachine.h>

namespace coluber::backend {
namespace {

using namespace llvm::PatternMatch;

// ---- int64 to float64 ----------------------------------------------------------------------------------------------------------------
// An integer below 2**32 put into the low bits of the float 2**52 makes the float 2**52 + integer; in 2**84, whose last bit is worth 2**32, the upper half
// of an int64 does likewise. With its sign bit turned over, the upper half is that of x + 2**63, which is not negative. So
//     upper = float(2**84 + 2**63 + upper half * 2**32) - (2**84 + 2**63 + 2**52)       exact
//     x     = upper + float(2**52 + lower half)                                         rounded once, as an instruction does
// Numbers that are known not to be negative are uitofp by now; LLVM writes those in the same way itself.

bool is_vector_of_ints_to_floats(const llvm::Instruction& i) {
  auto* from = llvm::isa<llvm::SIToFPInst>(i) ? llvm::dyn_cast<llvm::FixedVectorType>(i.getOperand(0)->getType()) : nullptr;
  return from && from->getElementType()->isIntegerTy(64) && i.getType()->getScalarType()->isDoubleTy();
}

void convert_whole(llvm::Instruction* conversion) {
  llvm::IRBuilder<> b(conversion);
  llvm::Value* x = conversion->getOperand(0);
  llvm::Type *ints = x->getType(), *floats = conversion->getType();
  auto bits = [&](uint64_t value) { return llvm::ConstantInt::get(ints, value); };
  llvm::Value* low = b.CreateOr(b.CreateAnd(x, bits(0xffffffff)), bits(0x4330000000000000));
  llvm::Value* high = b.CreateXor(b.CreateLShr(x, 32), bits(0x4530000080000000));
  llvm::Value* offset = b.CreateBitCast(bits(0x4530000080100000), floats);
  llvm::Value* upper = b.CreateFSub(b.CreateBitCast(high, floats), offset);
  conversion->replaceAllUsesWith(b.CreateFAdd(upper, b.CreateBitCast(low, floats)));
  conversion->eraseFromParent();
}

// ---- float64 to int64, checked ---------------------------------------------------------------------------------------------------------
// The instruction gives the least int64 for what does not fit, nan included. So abs(x) < 2**63 is the same as "the result is another one"; of the floats
// that fit, -2**63 alone has that result, and for it abs(x) < 2**63 does not hold either.

// The comparison of abs(x) with 2**63, if it is one that nan fails as well.
llvm::FCmpInst* range_check(llvm::Value* x) {
  for (llvm::User* magnitude : x->users()) {
    if (!match(magnitude, m_FAbs(m_Specific(x)))) continue;
    for (llvm::User* user : magnitude->users()) {
      auto* compare = llvm::dyn_cast<llvm::FCmpInst>(user);
      llvm::FCmpInst::Predicate predicate{};
      if (compare && match(compare, m_FCmp(predicate, m_Specific(magnitude), m_SpecificFP(0x1p63))) &&
          (predicate == llvm::FCmpInst::FCMP_UGE || predicate == llvm::FCmpInst::FCMP_OLT))
        return compare;
    }
  }
  return nullptr;
}

// Returns the conversion and the check as they are now.
std::pair<llvm::Instruction*, llvm::ICmpInst*> check_result(llvm::Instruction* conversion, llvm::FCmpInst* check) {
  llvm::IRBuilder<> b(check);
  auto* pair = llvm::FixedVectorType::get(b.getDoubleTy(), 2);
  llvm::Value* x = b.CreateInsertElement(llvm::PoisonValue::get(pair), conversion->getOperand(0), uint64_t{0});
  llvm::Value* result = b.CreateIntrinsic(llvm::Intrinsic::x86_sse2_cvttsd2si64, {}, {x});
  llvm::Value* least = b.getInt64(uint64_t{1} << 63);
  llvm::Value* outcome = check->getPredicate() == llvm::FCmpInst::FCMP_UGE ? b.CreateICmpEQ(result, least) : b.CreateICmpNE(result, least);
  conversion->replaceAllUsesWith(result);
  conversion->eraseFromParent();
  auto* magnitude = llvm::cast<llvm::Instruction>(check->getOperand(0));
  check->replaceAllUsesWith(outcome);
  check->eraseFromParent();
  if (magnitude->use_empty()) magnitude->eraseFromParent();
  return {llvm::cast<llvm::Instruction>(result), llvm::cast<llvm::ICmpInst>(outcome)};
}

enum class Change { none, values, blocks };

Change rewrite_conversions(llvm::Function& f, const llvm::TargetMachine& machine, llvm::FunctionAnalysisManager& analyses) {
  std::vector<llvm::Instruction*> vectors, scalars;
  for (llvm::BasicBlock& block : f)
    for (llvm::Instruction& i : block) {
      if (is_vector_of_ints_to_floats(i)) vectors.push_back(&i);
      if (llvm::isa<llvm::FPToSIInst>(i) && i.getType()->isIntegerTy(64) && i.getOperand(0)->getType()->isDoubleTy()) scalars.push_back(&i);
    }
  bool instruction = machine.getSubtargetImpl(f)->checkFeatures("+avx512dq");
  if (!instruction)
    for (llvm::Instruction* i : vectors) convert_whole(i);
  Change change = !instruction && !vectors.empty() ? Change::values : Change::none;
  if (scalars.empty()) return change;
  auto& tree = analyses.getResult<llvm::DominatorTreeAnalysis>(f);
  for (llvm::Instruction* i : scalars) {
    llvm::FCmpInst* check = range_check(i->getOperand(0));
    if (!check || !tree.dominates(check, i)) continue;
    auto [result, fits] = check_result(i, check);
    change = std::max(change, sink_check(result, fits, tree, analyses.getResult<llvm::AssumptionAnalysis>(f)) ? Change::blocks : Change::values);
  }
  return change;
}

// ---- counters --------------------------------------------------------------------------------------------------------------------------

// To its first use in the latch, if nothing else of the loop wants the stepped counter.
bool sink_step(llvm::PHINode& counter, llvm::BasicBlock* latch) {
  auto* step = llvm::dyn_cast<llvm::BinaryOperator>(counter.getIncomingValueForBlock(latch));
  if (!step || step->getOpcode() != llvm::Instruction::Add || step->getOperand(0) != &counter || !llvm::isa<llvm::Constant>(step->getOperand(1)))
    return false;
  llvm::Instruction* place = latch->getTerminator();
  for (llvm::Use& use : step->uses()) {
    auto* user = llvm::cast<llvm::Instruction>(use.getUser());
    if (auto* phi = llvm::dyn_cast<llvm::PHINode>(user)) {
      if (phi->getIncomingBlock(use) != latch) return false;
    } else if (user->getParent() != latch) {
      return false;
    } else if (user->comesBefore(place)) {
      place = user;
    }
  }
  if (step->getNextNode() == place) return false;
  step->moveBefore(place);
  return true;
}

bool sink_steps(llvm::Function& f, llvm::FunctionAnalysisManager& analyses) {
  bool changed = false;
  for (llvm::Loop* loop : analyses.getResult<llvm::LoopAnalysis>(f).getLoopsInPreorder())
    if (llvm::BasicBlock* latch = loop->getLoopLatch())
      for (llvm::PHINode& counter : loop->getHeader()->phis())
        if (counter.getType()->isIntegerTy()) changed |= sink_step(counter, latch);
  return changed;
}

}  // namespace

llvm::PreservedAnalyses LateRewrites::run(llvm::Function& f, llvm::FunctionAnalysisManager& analyses) {
  Change change = sink_steps(f, analyses) ? Change::values : Change::none;
  if (machine && machine->getTargetTriple().isX86()) {
    if (keep_loop_constants(f, analyses.getResult<llvm::LoopAnalysis>(f))) change = std::max(change, Change::values);
    change = std::max(change, rewrite_conversions(f, *machine, analyses));
  }
  if (change == Change::none) return llvm::PreservedAnalyses::all();
  if (change == Change::blocks) return llvm::PreservedAnalyses::none();
  llvm::PreservedAnalyses kept;
  kept.preserveSet<llvm::CFGAnalyses>();
  return kept;
}

}  // namespace coluber::backend
