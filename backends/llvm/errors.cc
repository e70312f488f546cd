// Errors leave their block sideways. An op that fails has put its exception into the context; what remains is to release what the op's
// on_error list names, to record where the error passed, and to go to the handler or out of the function.
//
// Code that runs at most once is kept small. Without a handler and with nothing to release, the failing branch goes straight to one block
// per function that adds the traceback frames and returns 1; which frame is a number, its text is in a table of the module. Failed checks
// share one block as well, which passes id and values of the message to the runtime. Texts in a message travel as their address; such a
// check has a block of its own, since the address of a text would be computed before the test.
//
// An exception on its way to a handler of this function gets the frames up to the handler's own function, as in CPython; `raise` without
// an exception (raise.exc with imm 1) adds none for the function it stands in.
#include "backends/llvm/function_lowering.h"

namespace coluber::backend {

using ir::OpCode;

namespace {
constexpr size_t kSharedValues = 3;  // values of a message that the shared raise block can carry
}

bool FunctionLowering::leaves_function_directly(const Op& op) const {
  return op.on_error.empty() && !fn_.blocks[current_].on_error.valid();
}

uint32_t FunctionLowering::handler_scope(const ir::Edge& edge) const {
  const ir::Block& handler = fn_.blocks[edge.block];
  uint32_t loc = handler.ops.empty() ? 0 : handler.ops[0].loc;
  return loc < fn_.locs.size() ? fn_.locs[loc].scope : 0;
}

int32_t FunctionLowering::frame_of(const Op& op) const {
  if (op.code == OpCode::ParFor) return ModuleLowering::kNoFrame;   // the body of the loop has added this function's
  const ir::Edge& handler = fn_.blocks[current_].on_error;
  bool again = op.code == OpCode::ObjMode || (op.code == OpCode::RaiseExc && op.imm == 1) || (op.code == OpCode::ObjOp && (op.sym == "reraise" || op.sym == "lift" || op.sym == "leave"));
  return module_.frame(fn_, op.loc, handler.valid() ? handler_scope(handler) : ir::kNoId, again);
}

llvm::BasicBlock* FunctionLowering::cold_block(const char* name) { return llvm::BasicBlock::Create(context_, name, f_); }

llvm::BasicBlock* FunctionLowering::exit_block() {
  if (!exit_) {
    exit_ = cold_block("error");
    exit_frame_ = llvm::PHINode::Create(b_.getInt32Ty(), 4, "", exit_);
  }
  return exit_;
}

llvm::BasicBlock* FunctionLowering::raise_block() {
  if (raise_) return raise_;
  raise_ = cold_block("raise");
  Builder::InsertPointGuard guard(b_);
  b_.SetInsertPoint(raise_);
  for (size_t k = 0; k < kSharedValues + 1; ++k) raise_phis_.push_back(b_.CreatePHI(b_.getInt64Ty(), 4));
  raise_phis_.push_back(b_.CreatePHI(b_.getInt32Ty(), 4));
  V values = scratch(8 * kSharedValues);
  for (size_t k = 0; k < kSharedValues; ++k) store_field(values, 8 * static_cast<int64_t>(k), raise_phis_[k + 1], Memory::Anything);
  module_.call_runtime(b_, "coluber_raise_diag", {ctx_, raise_phis_[0], values, b_.getInt64(kSharedValues)});
  exit_block();
  exit_frame_->addIncoming(raise_phis_.back(), raise_);
  b_.CreateBr(exit_);
  return raise_;
}

void FunctionLowering::leave_unless(V ok, const Op& op) {
  if (auto* known = llvm::dyn_cast<llvm::ConstantInt>(ok); known && known->isOne()) return;
  llvm::BasicBlock* next = llvm::BasicBlock::Create(context_, "", f_);
  if (leaves_function_directly(op)) {
    exit_block();
    int32_t frame = frame_of(op);
    exit_frame_->addIncoming(b_.getInt32(frame), b_.GetInsertBlock());
    b_.CreateCondBr(ok, next, exit_, module_.unlikely_false());
  } else {
    llvm::BasicBlock* cold = cold_block("");
    b_.CreateCondBr(ok, next, cold, module_.unlikely_false());
    b_.SetInsertPoint(cold);
    leave(op);
  }
  b_.SetInsertPoint(next);
}

void FunctionLowering::leave(const Op& op) {
  release_all(op.on_error);
  int32_t frame = frame_of(op);
  const ir::Edge& handler = fn_.blocks[current_].on_error;
  if (handler.valid()) {
    if (frame != ModuleLowering::kNoFrame) emit_traceback(b_.getInt32(frame));
    add_incoming(handler, b_.GetInsertBlock());
    b_.CreateBr(blocks_[handler.block]);
    return;
  }
  exit_block();
  exit_frame_->addIncoming(b_.getInt32(frame), b_.GetInsertBlock());
  b_.CreateBr(exit_);
}

// Adds the frame `index` and those of the callers it was inlined into.
void FunctionLowering::emit_traceback(V index) {
  module_.call_runtime(b_, "coluber_traceback", {ctx_, module_.frame_rows(), module_.frame_text(), b_.CreateSExt(index, b_.getInt64Ty())});
}

void FunctionLowering::finish_exit_block() {
  if (!exit_) return;
  b_.SetInsertPoint(exit_);
  emit_traceback(exit_frame_);
  b_.CreateRet(b_.getInt32(1));
}

void FunctionLowering::release_all(const std::vector<ir::ValueId>& values) {
  for (ir::ValueId v : values) {
    const std::vector<Slot>& types = slots_of(type_of(v));
    const Slots s = slots(v);
    for (size_t k = 0; k < types.size(); ++k)
      if (types[k].is_object) module_.call_runtime(b_, "coluber_object_release", {s[k]});
      else if (types[k].is_owner) release_cold(s[k]);
  }
}

void FunctionLowering::raise_unless(V ok, const Op& op, int diag, llvm::ArrayRef<V> values) {
  if (auto* known = llvm::dyn_cast<llvm::ConstantInt>(ok); known && known->isOne()) return;
  llvm::BasicBlock* next = llvm::BasicBlock::Create(context_, "", f_);
  if (leaves_function_directly(op) && values.size() <= kSharedValues && op.names.empty()) {
    raise_block();
    llvm::BasicBlock* here = b_.GetInsertBlock();
    int32_t frame = frame_of(op);
    raise_phis_[0]->addIncoming(b_.getInt64(diag), here);
    for (size_t k = 0; k < kSharedValues; ++k)  // values the message does not name may be anything
      raise_phis_[k + 1]->addIncoming(k < values.size() ? values[k] : llvm::PoisonValue::get(b_.getInt64Ty()), here);
    raise_phis_.back()->addIncoming(b_.getInt32(frame), here);
    b_.CreateCondBr(ok, next, raise_, module_.unlikely_false());
  } else {
    llvm::BasicBlock* cold = cold_block("");
    b_.CreateCondBr(ok, next, cold, module_.unlikely_false());
    b_.SetInsertPoint(cold);
    V buffer = scratch(8 * std::max<size_t>(values.size(), 1));
    for (size_t k = 0; k < values.size(); ++k) store_field(buffer, 8 * static_cast<int64_t>(k), values[k], Memory::Anything);
    module_.call_runtime(b_, "coluber_raise_diag", {ctx_, b_.getInt64(diag), buffer, b_.getInt64(values.size())});
    leave(op);
  }
  b_.SetInsertPoint(next);
}

void FunctionLowering::lower_guard(const Op& op) {
  int diag = runtime_diag_id(op.sym);
  if (diag < 0) return fail(op, "no such RUNTIME row in diag.def");
  llvm::SmallVector<V, 4> values;
  for (const std::string& text : op.names) values.push_back(llvm::ConstantExpr::getPtrToInt(module_.string(text), b_.getInt64Ty()));
  for (size_t k = 1; k < op.args.size(); ++k) {
    V v = one(op.args[k]);
    if (!v->getType()->isIntegerTy()) return fail(op, "its values must be integers");
    bool is_signed = ir::is_signed(arg_type(op, k));
    values.push_back(is_signed ? b_.CreateSExt(v, b_.getInt64Ty()) : b_.CreateZExt(v, b_.getInt64Ty()));
  }
  raise_unless(one(op.args[0]), op, diag, values);
}

void FunctionLowering::lower_index_check(const Op& op) {
  static const int kArray = runtime_diag_id("IndexArray");
  static const int kOthers[] = {runtime_diag_id("IndexList"), runtime_diag_id("IndexTuple"), runtime_diag_id("IndexRange"),
                                runtime_diag_id("IndexListStore")};
  V index = one(op.args[0]), length = one(op.args[1]), wrapped = index;
  bool no_wrap = !op.ints.empty() && op.ints[0] == 1;
  if (!no_wrap) wrapped = b_.CreateSelect(b_.CreateICmpSLT(index, b_.getInt64(0)), b_.CreateAdd(index, length), index);
  bool fails = op.ints.size() > 1 && op.ints[1] == 1;
  V ok = fails ? static_cast<V>(b_.getFalse()) : b_.CreateICmpULT(wrapped, length);
  if (op.imm >= 0)
    raise_unless(ok, op, kArray, {index, length, b_.getInt64(op.imm)});
  else if (op.imm >= -4)
    raise_unless(ok, op, kOthers[-1 - op.imm], {});
  else
    return fail(op, "no such kind of index");
  set(op, wrapped);
}

void FunctionLowering::lower_poll(const Op& op) {
  auto* word = llvm::cast<llvm::LoadInst>(load_field(ctx_, offsetof(coluber_ctx, poll), b_.getPtrTy(), Memory::Context));
  word->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(context_, {}));
  llvm::LoadInst* flag = b_.CreateAlignedLoad(b_.getInt8Ty(), word, llvm::Align(1), true);
  llvm::BasicBlock *call = cold_block("poll"), *next = llvm::BasicBlock::Create(context_, "", f_);
  b_.CreateCondBr(b_.CreateIsNull(flag), next, call, module_.unlikely_false());
  b_.SetInsertPoint(call);
  llvm::CallInst* poll = module_.call_runtime(b_, "coluber_poll", {ctx_});
  module_.leaves_lists(poll);             // Python code that handles a signal has lists of its own
  check_status(poll, op);
  b_.CreateBr(next);
  b_.SetInsertPoint(next);
}

void FunctionLowering::store_tagged(const Op& op, ir::ValueId v, V base, int k) {
  using ir::Kind;
  ir::TypeRef t = type_of(v);
  const Slots s = slots(v);
  int64_t at = k * static_cast<int64_t>(sizeof(coluber_value));
  auto put = [&](int64_t tag, V value, V second = nullptr, int64_t second_at = 16) {
    store_field(base, at, b_.getInt64(tag), Memory::Anything);
    if (value) store_field(base, at + 8, value, Memory::Anything);
    if (second) store_field(base, at + second_at, second, Memory::Anything);
  };
  auto wide = [&](bool is_signed) { return b_.CreateIntCast(s[0], b_.getInt64Ty(), is_signed); };
  switch (t->kind) {
    case Kind::None:
      return put(COLUBER_TAG_NONE, nullptr);
    case Kind::PyBool:
      return put(COLUBER_TAG_BOOL, wide(false));
    case Kind::Bool:
      return put(COLUBER_TAG_NPBOOL, wide(false));
    case Kind::PyInt:
    case Kind::Int8:
    case Kind::Int16:
    case Kind::Int32:
    case Kind::Int64:
      return put(COLUBER_TAG_INT, wide(true));
    case Kind::UInt8:
    case Kind::UInt16:
    case Kind::UInt32:
    case Kind::UInt64:
      return put(COLUBER_TAG_UINT, wide(false));
    case Kind::PyFloat:
    case Kind::Float64:
      return put(COLUBER_TAG_FLOAT, s[0]);
    case Kind::Float32:
      return put(COLUBER_TAG_FLOAT32, s[0]);
    case Kind::PyComplex:
    case Kind::Complex128:
      return put(COLUBER_TAG_COMPLEX, s[0], s[1]);
    case Kind::Complex64:  // c[2] holds doubles
      return put(COLUBER_TAG_COMPLEX64, b_.CreateFPExt(s[0], b_.getDoubleTy()), b_.CreateFPExt(s[1], b_.getDoubleTy()));
    case Kind::Str:
      return put(COLUBER_TAG_STR, s[0], s[1]);
    case Kind::Exc:
      return put(COLUBER_TAG_EXC, s[0]);
    default:
      return fail(op, "a value of type " + t->text + " cannot be handed to the runtime");
  }
}

llvm::Value* FunctionLowering::tagged_values(const Op& op, size_t first, int* count) {
  *count = static_cast<int>(op.args.size() - first);
  V base = scratch(sizeof(coluber_value) * std::max(*count, 1));
  for (int k = 0; k < *count; ++k) store_tagged(op, op.args[first + k], base, k);
  return base;
}

void FunctionLowering::lower_raise_new(const Op& op) {
  int count = 0;
  V values = tagged_values(op, 0, &count);
  V cls = module_.import(b_, "obj:" + std::to_string(op.imm));
  module_.call_runtime(b_, "coluber_raise", {ctx_, cls, values, b_.getInt64(count)});
  leave(op);
}

void FunctionLowering::lower_raise_exc(const Op& op) {
  module_.call_runtime(b_, "coluber_raise_exc", {ctx_, one(op.args[0])});
  leave(op);
}

void FunctionLowering::lower_exc(const Op& op) {
  if (op.code == OpCode::ExcCatch) return set(op, module_.call_runtime(b_, "coluber_exc_catch", {ctx_}));
  V cls = module_.import(b_, "obj:" + std::to_string(op.imm));
  if (op.code == OpCode::ExcMatch)
    return set(op, b_.CreateIsNotNull(module_.call_runtime(b_, "coluber_exc_match", {one(op.args[0]), cls})));
  int count = 0;
  V values = tagged_values(op, 0, &count);
  V exc = module_.call_runtime(b_, "coluber_exc_new", {ctx_, cls, values, b_.getInt64(count)});
  leave_unless(b_.CreateIsNotNull(exc), op);
  set(op, exc);
}

}  // namespace coluber::backend
