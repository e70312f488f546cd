// k = int(x * scale); if 0 <= k < n: counts[k] += 1
// asks twice in each turn: does x * scale fit into an int64 (its conversion is not the least int64, see late_rewrites.cc), and is k in the range. The
// least int64 is in no such range, nor is it an index of an array. So the first question is asked only where the second one's answer is no.
// What the two have in between must be free of effects, since it is done now for the least int64 too.
#include "backends/llvm/sink_checks.h"

#include <optional>

#include <llvm/Analysis/AssumptionCache.h>
#include <llvm/Analysis/ValueTracking.h>
#include <llvm/IR/ConstantRange.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/IR/Operator.h>

namespace coluber::backend {
namespace {

// Which values a value has where `result` is the least int64, as far as ranges tell.
class Ranges {
 public:
  Ranges(llvm::Instruction* result, llvm::Instruction* at, llvm::DominatorTree& tree, llvm::AssumptionCache& assumptions)
      : result_(result), at_(at), tree_(tree), assumptions_(assumptions) {}

  llvm::ConstantRange of(llvm::Value* v, int depth = 0) const {
    if (v == result_) return llvm::ConstantRange(llvm::APInt::getSignedMinValue(64));
    const unsigned bits = v->getType()->getIntegerBitWidth();
    llvm::ConstantRange range = known(v);
    auto* i = llvm::dyn_cast<llvm::Instruction>(v);
    if (!i || depth == 6 || !tree_.dominates(result_, i)) return range;
    auto part = [&](unsigned n) { return of(i->getOperand(n), depth + 1); };
    if (llvm::isa<llvm::FreezeInst>(i)) return part(0);
    if (auto* cast = llvm::dyn_cast<llvm::CastInst>(i))
      return cast->isIntegerCast() ? range.intersectWith(part(0).castOp(cast->getOpcode(), bits)) : range;
    if (auto* compare = llvm::dyn_cast<llvm::ICmpInst>(i)) {
      std::optional<bool> answer = compares(compare, depth);
      return answer ? llvm::ConstantRange(llvm::APInt(1, *answer)) : range;
    }
    if (auto* select = llvm::dyn_cast<llvm::SelectInst>(i)) {
      llvm::ConstantRange condition = part(0);
      if (condition.isSingleElement()) return of(condition.getSingleElement()->isOne() ? select->getTrueValue() : select->getFalseValue(), depth + 1);
      return range.intersectWith(part(1).unionWith(part(2)));
    }
    // Flags are promises for the values that pass the check; the result for the others is poison then, and nobody may look at it.
    if (auto* binary = llvm::dyn_cast<llvm::BinaryOperator>(i)) return range.intersectWith(part(0).binaryOp(binary->getOpcode(), part(1)));
    return range;
  }

 private:
  std::optional<bool> compares(llvm::ICmpInst* compare, int depth) const {
    if (!compare->getOperand(0)->getType()->isIntegerTy()) return std::nullopt;
    llvm::ConstantRange left = of(compare->getOperand(0), depth + 1), right = of(compare->getOperand(1), depth + 1);
    if (left.icmp(compare->getPredicate(), right)) return true;
    if (left.icmp(compare->getInversePredicate(), right)) return false;
    return std::nullopt;
  }

  // By itself, and by the branches on the way here: `if n < 0: raise` in front of the loop.
  llvm::ConstantRange known(llvm::Value* v) const {
    llvm::ConstantRange range = llvm::computeConstantRange(v, true, true, &assumptions_, at_, &tree_);
    for (llvm::User* user : v->users()) {
      auto* compare = llvm::dyn_cast<llvm::ICmpInst>(user);
      auto* bound = compare && compare->getOperand(0) == v ? llvm::dyn_cast<llvm::ConstantInt>(compare->getOperand(1)) : nullptr;
      if (!bound || compare->getFunction() != at_->getFunction()) continue;
      for (llvm::User* decision : compare->users()) {
        auto* branch = llvm::dyn_cast<llvm::BranchInst>(decision);
        if (!branch || branch->getSuccessor(0) == branch->getSuccessor(1)) continue;
        for (unsigned way : {0u, 1u}) {
          if (!tree_.dominates(llvm::BasicBlockEdge(branch->getParent(), branch->getSuccessor(way)), at_->getParent())) continue;
          auto predicate = way == 0 ? compare->getPredicate() : compare->getInversePredicate();
          range = range.intersectWith(llvm::ConstantRange::makeExactICmpRegion(predicate, bound->getValue()));
        }
      }
    }
    return range;
  }

  llvm::Instruction *result_, *at_;
  llvm::DominatorTree& tree_;
  llvm::AssumptionCache& assumptions_;
};

// Without effects, and not undefined for a value that the check would have kept away.
bool may_be_done_for_all(llvm::BasicBlock* block) {
  for (llvm::Instruction& i : *block) {
    if (&i == block->getTerminator()) return true;
    if (i.mayReadOrWriteMemory() || !llvm::isSafeToSpeculativelyExecute(&i)) return false;
  }
  return true;
}

}  // namespace

bool sink_check(llvm::Instruction* result, llvm::ICmpInst* fits, llvm::DominatorTree& tree, llvm::AssumptionCache& assumptions) {
  auto* check = fits->hasOneUse() ? llvm::dyn_cast<llvm::BranchInst>(fits->user_back()) : nullptr;
  if (!check || !check->isConditional() || check->getSuccessor(0) == check->getSuccessor(1)) return false;
  const unsigned good = fits->getPredicate() == llvm::ICmpInst::ICMP_NE ? 0 : 1;
  llvm::BasicBlock *front = check->getParent(), *between = check->getSuccessor(good), *failed = check->getSuccessor(1 - good);
  auto* next = llvm::dyn_cast<llvm::BranchInst>(between->getTerminator());
  if (!next || !next->isConditional() || between->getSinglePredecessor() != front || !may_be_done_for_all(between)) return false;
  if (next->getSuccessor(0) == next->getSuccessor(1) || !next->getCondition()->getType()->isIntegerTy(1)) return false;
  // A condition that may be poison for the least int64 may not be branched on. What was computed before the check is no such.
  if (!llvm::isGuaranteedNotToBeUndefOrPoison(next->getCondition(), &assumptions, next, &tree)) return false;
  llvm::ConstantRange condition = Ranges(result, next, tree, assumptions).of(next->getCondition());
  if (!condition.isSingleElement()) return false;
  const unsigned side = condition.getSingleElement()->isOne() ? 0 : 1;
  llvm::BasicBlock* end = next->getSuccessor(side);
  if (end == failed) return false;

  auto* edge = llvm::BasicBlock::Create(front->getContext(), "", front->getParent(), end);
  llvm::BranchInst* old = check;
  check = llvm::cast<llvm::BranchInst>(check->clone());
  check->insertInto(edge, edge->end());
  check->setSuccessor(good, end);
  fits->moveBefore(check);
  end->replacePhiUsesWith(between, edge);
  failed->replacePhiUsesWith(front, edge);
  next->setSuccessor(side, edge);
  llvm::BranchInst::Create(between, old->getIterator());
  old->eraseFromParent();
  using Update = llvm::DominatorTree::UpdateType;
  tree.applyUpdates({Update{llvm::DominatorTree::Insert, between, edge}, Update{llvm::DominatorTree::Insert, edge, end},
                     Update{llvm::DominatorTree::Insert, edge, failed}, Update{llvm::DominatorTree::Delete, between, end},
                     Update{llvm::DominatorTree::Delete, front, failed}});
  return true;
}

}  // namespace coluber::backend
