// Generated code may have thousands of lines in one function, and much of what LLVM does for a function takes longer than in proportion to its size:
// for each loop it renumbers the dominator tree, for each value it looks at all loops behind. So large functions are divided before they are optimised,
// by LLVM's own extractor of code: a part has one entry and any number of exits, what it needs comes as arguments, what it makes goes back through memory,
// and which of its exits was taken is what it returns. A part has hundreds of blocks, beside which the call is nothing.
//
// A part is what a block dominates, less the parts that lie further down: nothing else can jump into it. Going up the dominator tree, a part is
// taken out as soon as there is enough of it. Loops are divided only if they are large themselves.
#include "backends/llvm/split_function.h"

#include <llvm/ADT/PostOrderIterator.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/IR/Dominators.h>
#include <llvm/Transforms/Utils/CodeExtractor.h>

namespace coluber::backend {
namespace {

constexpr size_t kLarge = 800, kPart = 250;  // blocks

// What is known of a value where it is passed on.
void copy_facts(const llvm::Value* passed, llvm::Function* part, unsigned k) {
  using llvm::Attribute;
  if (const auto* from = llvm::dyn_cast<llvm::Argument>(passed)) {
    // Not noalias: two arguments of the part may come from one here.
    for (Attribute::AttrKind kind : {Attribute::NonNull, Attribute::NoUndef, Attribute::Alignment, Attribute::Dereferenceable, Attribute::Range})
      if (from->hasAttribute(kind)) part->addParamAttr(k, from->getAttribute(kind));
  }
  if (const auto* load = llvm::dyn_cast<llvm::LoadInst>(passed))
    if (const llvm::MDNode* range = load->getMetadata(llvm::LLVMContext::MD_range); range && range->getNumOperands() == 2)
      part->addParamAttr(k, Attribute::get(part->getContext(), Attribute::Range, llvm::getConstantRangeFromMetadata(*range)));
}

class Splitter {
 public:
  explicit Splitter(llvm::Function& f) : f_(f), tree_(f), loops_(tree_), known_(f) {}

  void run() {
    for (llvm::DomTreeNode* node : llvm::depth_first(&tree_)) preorder_.push_back(node->getBlock());
    size_t at = 0;
    for (llvm::BasicBlock* block : preorder_) place_[block] = at++;
    llvm::DenseMap<llvm::DomTreeNode*, Subtree> subtrees;
    for (llvm::DomTreeNode* node : llvm::post_order(&tree_)) {
      Subtree all{1, 1};
      for (llvm::DomTreeNode* child : node->children()) {
        all.blocks += subtrees[child].blocks;
        all.left += subtrees[child].left;
      }
      if (all.left >= kPart && node != tree_.getRootNode() && may_begin(node->getBlock()) && take_out(node->getBlock(), all.blocks)) all.left = 0;
      subtrees[node] = all;
    }
  }

 private:
  struct Subtree {
    size_t blocks, left;  // all, and those that are in no part yet
  };

  bool may_begin(const llvm::BasicBlock* block) const {
    const llvm::Loop* loop = loops_.getLoopFor(block);
    return !loop || loop->getNumBlocks() > kLarge;
  }

  bool take_out(llvm::BasicBlock* entry, size_t blocks) {
    llvm::SmallVector<llvm::BasicBlock*, 0> part;
    size_t first = place_[entry];
    for (size_t k = first; k < first + blocks; ++k)
      if (!taken_.contains(preorder_[k])) part.push_back(preorder_[k]);
    llvm::CodeExtractor extractor(part);
    if (!extractor.isEligible()) return false;
    llvm::Function* made = extractor.extractCodeRegion(known_);
    if (!made) return false;
    taken_.insert(part.begin(), part.end());
    made->addFnAttr(llvm::Attribute::NoInline);
    made->addFnAttr(kPartAttribute);
    made->setDSOLocal(true);
    f_.addFnAttr(kPartAttribute);
    if (auto* call = llvm::dyn_cast<llvm::CallInst>(made->user_back()))
      for (unsigned k = 0; k < call->arg_size(); ++k) copy_facts(call->getArgOperand(k), made, k);
    return true;
  }

  llvm::Function& f_;
  llvm::DominatorTree tree_;  // as it was before the first part was taken out
  llvm::LoopInfo loops_;
  llvm::CodeExtractorAnalysisCache known_;
  std::vector<llvm::BasicBlock*> preorder_;
  llvm::DenseMap<const llvm::BasicBlock*, size_t> place_;
  llvm::DenseSet<const llvm::BasicBlock*> taken_;
};

}  // namespace

void split_large_functions(llvm::Module& module) {
  llvm::SmallVector<llvm::Function*, 4> large;
  for (llvm::Function& f : module)
    if (f.size() > kLarge) large.push_back(&f);
  for (llvm::Function* f : large) Splitter(*f).run();
}

}  // namespace coluber::backend
