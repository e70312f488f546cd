// Vector math calls: names that LLVM does not know in front of the optimiser, real functions behind it. See the header.
#include "backends/llvm/vector_calls.h"

#include <llvm/ADT/MapVector.h>
#include <llvm/ADT/SmallPtrSet.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>
#include <llvm/Transforms/Utils/ModuleUtils.h>

#include <algorithm>
#include <set>

#include "backends/llvm/vector_kernels.h"

namespace coluber::backend {
namespace {

constexpr char kSymbol[] = "coluber-symbol", kLoop[] = "coluber-loop";  // attributes of a declaration: the C function, the loop

int lanes_of(llvm::Type* type) {
  auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(type);
  return vector ? static_cast<int>(vector->getNumElements()) : 1;
}

llvm::Type* lanes_type(llvm::Type* scalar, int lanes) { return lanes == 1 ? scalar : llvm::FixedVectorType::get(scalar, lanes); }

// `lanes` of v, from the first; more than it has are the first again, so that they cost nothing that the others do not.
llvm::Value* with_lanes(Builder& b, llvm::Value* v, int lanes) {
  int has = lanes_of(v->getType());
  if (has == lanes) return v;
  if (has == 1) return b.CreateVectorSplat(static_cast<unsigned>(lanes), v);
  if (lanes == 1) return b.CreateExtractElement(v, uint64_t{0});
  llvm::SmallVector<int, 16> mask;
  for (int k = 0; k < lanes; ++k) mask.push_back(k < has ? k : 0);
  return b.CreateShuffleVector(v, mask);
}

// The scalar floating-point type, and the name of the C function.
struct Called {
  llvm::StringRef symbol;
  llvm::Type* type = nullptr;
  VectorMath math;
};

// Turns the declarations of one module into calls.
class Binder {
 public:
  Binder(llvm::Module& module, Target& target, const Options& options, std::vector<std::string>* keys)
      : module_(module), target_(target), options_(options), keys_(keys), keys_before_(keys->size()), tables_(module) {}

  void run() {
    std::vector<llvm::Function*> stand_ins;
    std::set<std::string> vectorised;
    for (llvm::Function& f : module_) {
      if (!f.hasFnAttribute(kSymbol)) continue;
      stand_ins.push_back(&f);
      if (lanes_of(f.getReturnType()) > 1 && is_called(f)) vectorised.insert(loop_of(f));
    }
    if (stand_ins.empty()) return;
    module_.getNamedGlobal("llvm.compiler.used")->eraseFromParent();
    table_ = new llvm::GlobalVariable(module_, llvm::PointerType::getUnqual(module_.getContext()), false, llvm::GlobalValue::ExternalLinkage, nullptr);
    for (llvm::Function* f : stand_ins) {
      Called called{f->getFnAttribute(kSymbol).getValueAsString(), f->getReturnType()->getScalarType(), {}};
      bool vector = vectorised.count(loop_of(*f)) != 0;
      f->removeDeadConstantUsers();
      if (vector) called.math = target_.vector_math(called.symbol.str(), called.type->isFloatTy(), f->arg_size(), options_);
      for (llvm::User* user : llvm::make_early_inc_range(f->users())) replace(llvm::cast<llvm::CallInst>(user), called, vector);
      f->eraseFromParent();
    }
    tables_.finish();
    check_limits();
    if (keys_->size() > keys_before_) table_->replaceAllUsesWith(make_import_table(module_, *keys_));
    table_->eraseFromParent();
  }

 private:
  // A result that is right where the arguments are within its limit.
  struct Limited {
    Called called;
    llvm::SmallVector<llvm::Value*, 2> arguments;
    llvm::Instruction* result;
  };

  static std::string loop_of(const llvm::Function& f) { return f.getFnAttribute(kLoop).getValueAsString().str(); }
  // By more than the list of what is to be kept.
  static bool is_called(const llvm::Function& f) {
    return llvm::any_of(f.users(), [](const llvm::User* u) { return llvm::isa<llvm::CallInst>(u); });
  }

  void replace(llvm::CallInst* call, const Called& called, bool vector) {
    Builder b(call);
    b.setFastMathFlags(call->getFastMathFlags());
    llvm::SmallVector<llvm::Value*, 2> arguments(call->args());
    llvm::Value* result = vector ? call_lanes(b, called, arguments) : call_library(b, called, arguments);
    result->takeName(call);
    call->replaceAllUsesWith(result);
    call->eraseFromParent();
  }

  llvm::Value* call_library(Builder& b, const Called& called, llvm::ArrayRef<llvm::Value*> arguments) {
    std::string name = target_.lower_intrinsic(called.symbol.str().c_str(), called.type->isFloatTy());
    llvm::SmallVector<llvm::Type*, 2> types(arguments.size(), called.type);
    llvm::FunctionCallee callee = module_.getOrInsertFunction(name, llvm::FunctionType::get(called.type, types, false));
    mark_pure(llvm::cast<llvm::Function>(callee.getCallee()));
    llvm::CallInst* call = b.CreateCall(callee, arguments);
    if (!b.getFastMathFlags().approxFunc()) call->addFnAttr(llvm::Attribute::NoBuiltin);
    return call;
  }

  llvm::Value* call_lanes(Builder& b, const Called& called, llvm::ArrayRef<llvm::Value*> arguments) {
    if (!called.math.functions.begin()->second.empty()) return limited(b, called, arguments, call_vector(b, called, arguments));
    int lanes = lanes_of(arguments[0]->getType()), wide = called.math.functions.rbegin()->first;
    if (lanes == wide) return limited(b, called, arguments, emit_vector_kernel(b, called.symbol, arguments[0], &tables_));
    return with_lanes(b, b.CreateCall(own_function(called, wide), {with_lanes(b, arguments[0], wide)}), lanes);
  }

  // What is written out in loops, as a function for remainders and copies that are seldom run: few turns go there.
  llvm::Function* own_function(const Called& called, int lanes) {
    std::string name = ("coluber.own." + called.symbol).str();
    if (llvm::Function* made = module_.getFunction(name)) return made;
    llvm::Function* f = internal_function(name, lanes_type(called.type, lanes), 1);
    Builder b(llvm::ReturnInst::Create(module_.getContext(), f->getArg(0), llvm::BasicBlock::Create(module_.getContext(), "", f)));
    llvm::Value* result = limited(b, called, {f->getArg(0)}, emit_vector_kernel(b, called.symbol, f->getArg(0), &tables_));
    llvm::cast<llvm::ReturnInst>(&*b.GetInsertPoint())->setOperand(0, result);
    return f;
  }

  llvm::Function* internal_function(const std::string& name, llvm::Type* type, size_t operands) {
    llvm::SmallVector<llvm::Type*, 3> types(operands, type);
    auto* f = llvm::Function::Create(llvm::FunctionType::get(type, types, false), llvm::GlobalValue::InternalLinkage, name, module_);
    f->setDSOLocal(true);
    f->setDoesNotThrow();
    f->addFnAttr(llvm::Attribute::NoInline);
    return f;
  }

  // Behind the vector function, once all calls are there: where an argument is beyond its limit the result is the C library's.
  llvm::Value* limited(Builder& b, const Called& called, llvm::ArrayRef<llvm::Value*> arguments, llvm::Value* result) {
    if (called.math.limit == 0) return result;
    auto* last = llvm::dyn_cast<llvm::Instruction>(result);
    if (!last) return mend(b, called, arguments, result);          // of constants
    limited_[last->getParent()].push_back({called, {arguments.begin(), arguments.end()}, last});
    return result;
  }

  void check_limits() {
    for (auto& [block, all] : limited_) {
      llvm::sort(all, [](const Limited& a, const Limited& b) { return a.result->comesBefore(b.result); });
      llvm::ArrayRef<Limited> left = all;
      while (!left.empty()) left = left.drop_front(check_together(left));
    }
  }

  // One test for as many of the results as there are in front of the first use that cannot wait: the processor has their instructions to choose
  // from, which wait for each other within one result. What is computed of them meanwhile goes behind the test. Returns how many those are.
  size_t check_together(llvm::ArrayRef<Limited> all) {
    llvm::SmallPtrSet<const llvm::Value*, 32> ours;
    std::vector<llvm::Instruction*> wait;              // of them, in order
    ours.insert(all[0].result);
    size_t count = 1;
    llvm::Instruction* at = all[0].result->getNextNode();
    for (; !at->isTerminator(); at = at->getNextNode()) {
      if (llvm::any_of(at->operands(), [&](const llvm::Use& use) { return ours.contains(use.get()); })) {
        if (llvm::isa<llvm::PHINode>(at) || at->mayReadOrWriteMemory() || at->mayHaveSideEffects()) break;
        ours.insert(at);
        wait.push_back(at);
      } else if (count < all.size() && at == all[count].result) {
        ours.insert(at);
        count++;
      }
    }
    for (llvm::Instruction* i : wait) i->moveBefore(at);
    test(all.take_front(count), wait.empty() ? at : wait.front());
    return count;
  }

  // In front of `at`: where an argument is beyond its limit the result becomes the C library's.
  void test(llvm::ArrayRef<Limited> all, llvm::Instruction* at) {
    Builder b(at);
    llvm::Value* any = nullptr;
    for (const Limited& one : all) {
      llvm::Value* over = any_over(b, one);
      any = any ? b.CreateOr(any, over) : over;
    }
    llvm::BasicBlock* before = at->getParent();
    llvm::MDNode* seldom = llvm::MDBuilder(module_.getContext()).createBranchWeights(1, 1 << 20);
    llvm::Instruction* end = llvm::SplitBlockAndInsertIfThen(any, at, false, seldom);
    for (const Limited& one : all) {
      Builder beyond(end);
      beyond.SetCurrentDebugLocation(one.result->getDebugLoc());
      llvm::Value* mended = mend(beyond, one.called, one.arguments, one.result);
      Builder join(&at->getParent()->front());
      llvm::PHINode* phi = join.CreatePHI(one.result->getType(), 2);
      one.result->replaceUsesWithIf(phi, [&](const llvm::Use& use) { return llvm::cast<llvm::Instruction>(use.getUser())->getParent() != end->getParent(); });
      phi->addIncoming(one.result, before);
      phi->addIncoming(mended, end->getParent());
    }
  }

  llvm::Value* mend(Builder& b, const Called& called, llvm::ArrayRef<llvm::Value*> arguments, llvm::Value* result) {
    int lanes = lanes_of(result->getType()), wide = called.math.functions.rbegin()->first;
    llvm::SmallVector<llvm::Value*, 3> passed;
    for (llvm::Value* v : arguments) passed.push_back(with_lanes(b, v, wide));
    passed.push_back(with_lanes(b, result, wide));
    return with_lanes(b, b.CreateCall(mender(called, arguments.size(), lanes_type(called.type, wide)), passed), lanes);
  }

  llvm::Value* any_over(Builder& b, const Limited& one) {
    llvm::Type* type = one.result->getType();
    llvm::Value* size = b.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, one.arguments[0]);
    llvm::Value* over = b.CreateFCmpOGT(size, llvm::ConstantFP::get(type, one.called.math.limit));
    int lanes = lanes_of(type);
    return lanes == 1 ? over : b.CreateICmpNE(b.CreateBitCast(over, b.getIntNTy(lanes)), b.getIntN(lanes, 0));
  }

  // By the function of so many lanes, or of the next more.
  llvm::Value* call_vector(Builder& b, const Called& called, llvm::ArrayRef<llvm::Value*> arguments) {
    int lanes = lanes_of(arguments[0]->getType());
    const auto& [wide, name] = *called.math.functions.lower_bound(lanes);
    llvm::Type* type = lanes_type(called.type, wide);
    llvm::SmallVector<llvm::Value*, 2> widened;
    for (llvm::Value* v : arguments) widened.push_back(with_lanes(b, v, wide));
    llvm::SmallVector<llvm::Type*, 2> types(arguments.size(), type);
    llvm::CallInst* call = b.CreateCall(llvm::FunctionType::get(type, types, false), import(b, "vec:" + name), widened);
    call->setDoesNotThrow();
    call->setDoesNotAccessMemory();
    return with_lanes(b, call, lanes);
  }

  llvm::Value* import(Builder& b, const std::string& key) {
    size_t index = static_cast<size_t>(std::find(keys_->begin(), keys_->end(), key) - keys_->begin());
    if (index == keys_->size()) keys_->push_back(key);
    llvm::LoadInst* load = b.CreateAlignedLoad(b.getPtrTy(), b.CreateConstGEP1_64(b.getPtrTy(), table_, index), llvm::Align(8));
    load->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(module_.getContext(), {}));
    return load;
  }

  // (arguments..., results): the results, with the C library's for arguments beyond the limit.
  llvm::Function* mender(const Called& called, size_t operands, llvm::Type* type) {
    int lanes = lanes_of(type);
    std::string name = ("coluber.beyond." + called.symbol + (called.type->isFloatTy() ? "f" : "")).str();
    if (llvm::Function* made = module_.getFunction(name)) return made;
    llvm::Function* f = internal_function(name, type, operands + 1);
    f->addFnAttr(llvm::Attribute::Cold);
    llvm::BasicBlock* start = llvm::BasicBlock::Create(module_.getContext(), "", f);
    llvm::BasicBlock* lane = llvm::BasicBlock::Create(module_.getContext(), "lane", f);
    llvm::BasicBlock* done = llvm::BasicBlock::Create(module_.getContext(), "done", f);
    Builder b(start);
    llvm::SmallVector<llvm::Value*, 3> memory;              // one by one, through memory: small code for what is seldom run
    for (llvm::Argument& a : f->args()) {
      memory.push_back(b.CreateAlloca(type));
      b.CreateStore(&a, memory.back());
    }
    b.CreateBr(lane);
    b.SetInsertPoint(lane);
    llvm::PHINode* k = b.CreatePHI(b.getInt64Ty(), 2);
    auto item = [&](size_t i) { return b.CreateInBoundsGEP(called.type, memory[i], k); };
    llvm::SmallVector<llvm::Value*, 2> scalars;
    for (size_t i = 0; i < operands; ++i) scalars.push_back(b.CreateLoad(called.type, item(i)));
    llvm::Value* size = b.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, scalars[0]);
    llvm::Value* over = b.CreateFCmpOGT(size, llvm::ConstantFP::get(called.type, called.math.limit));
    llvm::Value* right = call_library(b, called, scalars);
    b.CreateStore(b.CreateSelect(over, right, b.CreateLoad(called.type, item(operands))), item(operands));
    llvm::Value* next = b.CreateAdd(k, b.getInt64(1));
    b.CreateCondBr(b.CreateICmpEQ(next, b.getInt64(static_cast<uint64_t>(lanes))), done, lane);
    k->addIncoming(b.getInt64(0), start);
    k->addIncoming(next, lane);
    b.SetInsertPoint(done);
    b.CreateRet(b.CreateLoad(type, memory[operands]));
    return f;
  }

  llvm::Module& module_;
  Target& target_;
  const Options& options_;
  std::vector<std::string>* keys_;
  size_t keys_before_;
  KernelTables tables_;
  llvm::MapVector<llvm::BasicBlock*, std::vector<Limited>> limited_;
  llvm::GlobalVariable* table_ = nullptr;  // placeholder of the table of imports until all its keys are known
};

}  // namespace

void mark_pure(llvm::Function* f) {
  f->setDoesNotThrow();
  f->setWillReturn();
  f->setDoesNotAccessMemory();
  f->addFnAttr(llvm::Attribute::Speculatable);
  f->addFnAttr(llvm::Attribute::NoSync);
  f->addFnAttr(llvm::Attribute::NoFree);
}

llvm::Function* declare_vector_math(llvm::Module& module, llvm::StringRef symbol, llvm::FunctionType* type, int64_t loop,
                                    llvm::ArrayRef<int> lanes) {
  llvm::Type* scalar = type->getReturnType();
  std::string name = ("coluber." + symbol + (scalar->isFloatTy() ? "f." : ".") + llvm::Twine(loop)).str();
  if (llvm::Function* made = module.getFunction(name)) return made;
  auto declare = [&](const std::string& as, int n) {
    llvm::SmallVector<llvm::Type*, 2> types(type->getNumParams(), lanes_type(scalar, n));
    auto* f = llvm::Function::Create(llvm::FunctionType::get(types[0], types, false), llvm::GlobalValue::ExternalLinkage, as, module);
    mark_pure(f);
    f->addFnAttr(kSymbol, symbol);
    f->addFnAttr(kLoop, std::to_string(loop));
    return f;
  };
  llvm::Function* f = declare(name, 1);
  std::string variants;
  llvm::SmallVector<llvm::GlobalValue*, 4> kept;
  for (int n : lanes) {
    std::string with = name + ".x" + std::to_string(n);
    kept.push_back(declare(with, n));
    variants += (variants.empty() ? "" : ",") + ("_ZGV_LLVM_N" + std::to_string(n)) + std::string(type->getNumParams(), 'v') + "_" + name + "(" + with + ")";
  }
  f->addFnAttr("vector-function-abi-variant", variants);
  llvm::appendToCompilerUsed(module, kept);
  return f;
}

void bind_vector_math(llvm::Module& module, Target& target, const Options& options, std::vector<std::string>* import_keys) {
  Binder(module, target, options, import_keys).run();
}

}  // namespace coluber::backend
