// One function: order of blocks, parameters as phis (one per slot), terminators. Blocks are emitted in reverse postorder over all edges,
// error edges included, so that every value is lowered before its uses; phi operands are added as the edges are met.
#include "backends/llvm/function_lowering.h"

namespace coluber::backend {

using ir::OpCode;

FunctionLowering::FunctionLowering(ModuleLowering& module, const ir::Function& fn, llvm::Function* f, bool direct_entry)
    : module_(module), fn_(fn), f_(f), direct_entry_(direct_entry), context_(module.context()), b_(module.context()) {
  b_.setFastMathFlags(module.fast_math());
}

void FunctionLowering::run() {
  if (fn_.blocks.empty()) return module_.fail("function " + fn_.name + " has no blocks");
  values_.resize(fn_.values.size());
  defined_.resize(fn_.values.size());
  find_order();
  entry_ = llvm::BasicBlock::Create(context_, "entry", f_);
  blocks_.resize(fn_.blocks.size());
  phis_.resize(fn_.blocks.size());
  for (ir::BlockId id : order_) blocks_[id] = llvm::BasicBlock::Create(context_, "b" + llvm::Twine(id), f_);
  b_.SetInsertPoint(entry_);
  if (DebugInfo* debug = module_.debug()) {
    debug->attach(fn_, f_);
    b_.SetCurrentDebugLocation(debug->location(fn_, fn_.blocks[0].ops.empty() ? 0 : fn_.blocks[0].ops[0].loc));
  }
  bind_parameters();
  if (fn_.recursive) check_stack();
  b_.CreateBr(blocks_[0]);
  for (ir::BlockId id : order_) create_phis(id);
  for (ir::BlockId id : order_) lower_block(id);
  finish_exit_block();
}

void FunctionLowering::find_order() {
  struct Visit {
    ir::BlockId block;
    size_t next;
  };
  std::vector<uint8_t> seen(fn_.blocks.size());
  std::vector<Visit> stack{{0, 0}};
  seen[0] = 1;
  while (!stack.empty()) {
    Visit& v = stack.back();
    const ir::Block& block = fn_.blocks[v.block];
    const std::vector<ir::Edge>& targets = block.term().targets;
    // Later successors first, so that in the reversed order the first successor comes next and handlers come last.
    size_t total = targets.size() + 1, k = v.next++;
    if (k >= total) {
      order_.push_back(v.block);
      stack.pop_back();
      continue;
    }
    const ir::Edge& edge = k == 0 ? block.on_error : targets[targets.size() - k];
    if (!edge.valid() || seen[edge.block]) continue;
    seen[edge.block] = 1;
    stack.push_back({edge.block, 0});
  }
  std::reverse(order_.begin(), order_.end());
}

void FunctionLowering::bind_parameters() {
  ctx_ = f_->getArg(0);
  result_ = f_->getArg(f_->arg_size() - 1);
  unsigned next = 1;
  int cell = 0;
  for (ir::ValueId p : fn_.blocks[0].params) {
    if (direct_entry_) {
      set(p, load_argument_cells(module_, b_, f_->getArg(1), type_of(p), &cell));
      continue;
    }
    Slots s;
    for (size_t k = slots_of(type_of(p)).size(); k > 0; --k) s.push_back(f_->getArg(next++));
    set(p, std::move(s));
  }
}

void FunctionLowering::create_phis(ir::BlockId id) {
  if (id == 0) return;
  b_.SetInsertPoint(blocks_[id]);
  for (ir::ValueId p : fn_.blocks[id].params) {
    Slots s;
    for (const Slot& slot : slots_of(type_of(p))) {
      llvm::PHINode* phi = b_.CreatePHI(ssa_type(context_, slot), 2);
      phis_[id].push_back(phi);
      s.push_back(phi);
    }
    set(p, std::move(s));
  }
}

void FunctionLowering::lower_block(ir::BlockId id) {
  current_ = id;
  b_.SetInsertPoint(blocks_[id]);
  for (const Op& op : fn_.blocks[id].ops) {
    if (DebugInfo* debug = module_.debug()) b_.SetCurrentDebugLocation(debug->location(fn_, op.loc));
    if (!module_.target().supports(op)) fail(op, "the target does not support it");
    lower_op(op);
  }
}

const Slots& FunctionLowering::slots(ir::ValueId v) {
  if (v >= values_.size() || !defined_[v]) {
    module_.fail("in " + fn_.name + ": value %" + std::to_string(v) + " is used before it is defined");
    if (v >= values_.size()) {
      values_.resize(v + 1);
      defined_.resize(v + 1);
    }
    Slots poison;
    for (const Slot& slot : slots_of(v < fn_.values.size() ? type_of(v) : ir::pyint()))
      poison.push_back(llvm::PoisonValue::get(ssa_type(context_, slot)));
    if (poison.empty()) poison.push_back(llvm::PoisonValue::get(b_.getInt64Ty()));
    values_[v] = poison;
    defined_[v] = 1;
  }
  return values_[v];
}

void FunctionLowering::set(ir::ValueId v, Slots s) {
  size_t expected = slots_of(type_of(v)).size();
  if (s.size() != expected) {
    module_.fail("in " + fn_.name + ": value %" + std::to_string(v) + " of type " + type_of(v)->text + " has " + std::to_string(expected) +
                 " slots, not " + std::to_string(s.size()));
    s = zeros(type_of(v));
  }
  values_[v] = std::move(s);
  defined_[v] = 1;
}

Slots FunctionLowering::zeros(ir::TypeRef t) {
  Slots s;
  for (const Slot& slot : slots_of(t)) s.push_back(zero_of(slot));
  return s;
}

void FunctionLowering::fail(const Op& op, const std::string& why) {
  module_.fail("in " + fn_.name + ": " + ir::info(op.code).text + (op.sym.empty() ? "" : " " + op.sym) + ": " + why);
  for (ir::ValueId r : op.results)
    if (!defined_[r]) set(r, zeros(type_of(r)));
}

void FunctionLowering::add_incoming(const ir::Edge& edge, llvm::BasicBlock* from) {
  size_t k = 0;
  for (ir::ValueId arg : edge.args)
    for (V slot : Slots(slots(arg))) {
      if (k >= phis_[edge.block].size() || phis_[edge.block][k]->getType() != slot->getType())
        return module_.fail("in " + fn_.name + ": an edge to block " + std::to_string(edge.block) + " passes values of other types");
      phis_[edge.block][k++]->addIncoming(slot, from);
    }
  if (k != phis_[edge.block].size())
    module_.fail("in " + fn_.name + ": an edge to block " + std::to_string(edge.block) + " passes too few values");
}

// What an edge back says of its loop. 1: it is seldom run, so no vector form of it and no unrolling. 2: the accesses to elements in it are
// independent from round to round, so that no test for overlap is needed. 4: it is the library's: what is not vectorised is not worth unrolling.
// 8: it is not often run, so one vector at a time and no more, for the sake of the time that compiling it takes. (No width: LLVM takes that for leave
// to reorder float sums.)
void FunctionLowering::mark_loop(llvm::Instruction* branch, int64_t what) {
  if (what == 0) return;
  auto flag = [&](const char* name, llvm::Metadata* value) -> llvm::Metadata* {
    llvm::SmallVector<llvm::Metadata*, 2> parts{llvm::MDString::get(context_, name)};
    if (value) parts.push_back(value);
    return llvm::MDNode::get(context_, parts);
  };
  llvm::SmallVector<llvm::Metadata*, 4> parts{nullptr};
  if (what & 1) {
    parts.push_back(flag("llvm.loop.vectorize.enable", llvm::ConstantAsMetadata::get(b_.getFalse())));
    parts.push_back(flag("llvm.loop.unroll.disable", nullptr));
  }
  if (what & 8) {
    parts.push_back(flag("llvm.loop.interleave.count", llvm::ConstantAsMetadata::get(b_.getInt32(1))));
    parts.push_back(flag("llvm.loop.unroll.disable", nullptr));
  }
  if (what & 4) parts.push_back(flag("llvm.loop.unroll.runtime.disable", nullptr));
  if (what & 2) parts.push_back(flag("llvm.loop.parallel_accesses", module_.independent()));
  llvm::MDNode* loop = llvm::MDNode::getDistinct(context_, parts);
  loop->replaceOperandWith(0, loop);
  branch->setMetadata(llvm::LLVMContext::MD_loop, loop);
}

void FunctionLowering::lower_jump(const Op& op) {
  add_incoming(op.targets[0], b_.GetInsertBlock());
  llvm::BranchInst* branch = b_.CreateBr(blocks_[op.targets[0].block]);
  mark_loop(branch, op.imm);
}

void FunctionLowering::lower_branch(const Op& op) {
  const ir::Edge &yes = op.targets[0], &no = op.targets[1];
  V cond = one(op.args[0]);
  llvm::MDNode* weights = nullptr;
  if (auto it = likely_.find(op.args[0]); it != likely_.end()) weights = it->second ? module_.unlikely_false() : module_.unlikely_true();
  llvm::BasicBlock* to_no = blocks_[no.block];
  llvm::BasicBlock* here = b_.GetInsertBlock();
  if (yes.block == no.block && !phis_[no.block].empty()) {
    // Both edges lead to one block with different values: a block of its own for one of them keeps the phis apart.
    to_no = llvm::BasicBlock::Create(context_, "", f_);
    llvm::BranchInst::Create(blocks_[no.block], to_no);
    add_incoming(no, to_no);
  } else if (yes.block != no.block) {
    add_incoming(no, here);
  } else {
    b_.CreateBr(to_no);
    return;
  }
  add_incoming(yes, here);
  llvm::BranchInst* branch = b_.CreateCondBr(cond, blocks_[yes.block], to_no, weights);
  mark_loop(branch, op.imm);
}

void FunctionLowering::lower_return(const Op& op) {
  const Slots value = slots(op.args[0]);
  const std::vector<Slot>& types = slots_of(type_of(op.args[0]));
  if (fn_.result && slots_of(fn_.result).size() != types.size()) return fail(op, "the value is not of the function's result type");
  for (size_t k = 0; k < types.size(); ++k)
    store_slot(types[k], value[k], byte_offset(result_, 8 * static_cast<int64_t>(k)), llvm::Align(8), Memory::Anything);
  b_.CreateRet(b_.getInt32(0));
}

// Recursive functions compare the address of a local with the limit in the context.
void FunctionLowering::check_stack() {
  V here = b_.CreatePtrToInt(stack_bytes(1, 1), b_.getInt64Ty());
  V limit = load_field(ctx_, offsetof(coluber_ctx, stack_limit), b_.getInt64Ty(), Memory::Context);
  llvm::BasicBlock* next = llvm::BasicBlock::Create(context_, "", f_, blocks_[0]);
  llvm::BasicBlock* overflow = cold_block("stack_overflow");
  b_.CreateCondBr(b_.CreateICmpUGT(here, limit), next, overflow, module_.unlikely_false());
  b_.SetInsertPoint(overflow);
  module_.call_runtime(b_, "coluber_stack_overflow", {ctx_});
  uint32_t loc = fn_.blocks[0].ops.empty() ? 0 : fn_.blocks[0].ops[0].loc;
  exit_block();
  exit_frame_->addIncoming(b_.getInt32(module_.frame(fn_, loc, 0, false)), b_.GetInsertBlock());
  b_.CreateBr(exit_);
  b_.SetInsertPoint(next);
}

llvm::AllocaInst* FunctionLowering::stack_bytes(uint64_t bytes, unsigned align) {
  Builder at_entry(entry_, entry_->begin());
  llvm::AllocaInst* memory = at_entry.CreateAlloca(llvm::ArrayType::get(at_entry.getInt8Ty(), bytes));
  memory->setAlignment(llvm::Align(align));
  return memory;
}

llvm::Value* FunctionLowering::scratch(uint64_t bytes) {
  if (!scratch_) scratch_ = stack_bytes(8, 16);
  if (bytes > scratch_bytes_) {
    scratch_bytes_ = bytes;
    scratch_->setAllocatedType(llvm::ArrayType::get(b_.getInt8Ty(), bytes));
  }
  return scratch_;
}

Slots load_argument_cells(ModuleLowering& module, Builder& b, llvm::Value* cells, ir::TypeRef t, int* cell) {
  llvm::LLVMContext& context = b.getContext();
  llvm::MDNode* empty = llvm::MDNode::get(context, {});
  llvm::MDBuilder md(context);
  auto number = [&](uint64_t n) { return llvm::MDNode::get(context, md.createConstant(b.getInt64(n))); };
  Slots s;
  for (const Slot& slot : module.slots().of(t)) {
    llvm::Type* type = memory_type(context, slot);
    llvm::Value* address = b.CreateConstInBoundsGEP1_64(b.getInt64Ty(), cells, (*cell)++);
    llvm::LoadInst* load = b.CreateAlignedLoad(type, address, llvm::Align(8));
    load->setMetadata(llvm::LLVMContext::MD_noundef, empty);
    load->setMetadata(llvm::LLVMContext::MD_invariant_load, empty);
    if (t->is(ir::Kind::List)) {           // the caller holds it: its header may be read in front of a loop
      load->setMetadata(llvm::LLVMContext::MD_nonnull, empty);
      load->setMetadata(llvm::LLVMContext::MD_dereferenceable, number(sizeof(coluber_list)));
      load->setMetadata(llvm::LLVMContext::MD_align, number(alignof(coluber_list)));
    }
    if (slot.fact == SlotFact::NotNegative)
      load->setMetadata(llvm::LLVMContext::MD_range, md.createRange(llvm::APInt(64, 0), llvm::APInt::getSignedMinValue(64)));
    s.push_back(slot.kind == SlotKind::Bool ? b.CreateIsNotNull(load) : static_cast<llvm::Value*>(load));
  }
  return s;
}

}  // namespace coluber::backend
