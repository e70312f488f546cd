// Operations on Python objects: calls of the rows of jit/runtime/objects.def, which have one signature,
//   status f(ctx, cells of the operands, their number, imm, import, cells of the results)
// so that a row is all there is to add.
#include "backends/llvm/function_lowering.h"

namespace coluber::backend {

using ir::OpCode;

void FunctionLowering::lower_object(const Op& op) {
  if (op.code == OpCode::ObjKeep) return;      // said what it had to say to passes/refcount
  if (op.code == OpCode::ObjTake) return set(op, one(op.args[0]));
  if (op.code == OpCode::ObjSuspend) return lower_suspend(op);
  if (op.code == OpCode::Box) return lower_box(op);
  if (op.code == OpCode::ObjMode) return lower_objmode(op);
  if (op.code == OpCode::ObjImport) return set(op, module_.import(b_, op.sym));
  size_t n = op.args.size(), results = op.results.size();
  V cells = scratch(8 * std::max<size_t>(n + results, 1)), out = byte_offset(cells, 8 * static_cast<int64_t>(n));
  for (size_t k = 0; k < n; ++k) {
    V v = one(op.args[k]);
    if (v->getType()->isIntegerTy(1)) v = b_.CreateZExt(v, b_.getInt64Ty());
    store_field(cells, 8 * static_cast<int64_t>(k), v, Memory::Anything);
  }
  V function = module_.import(b_, "rt:coluber_object_" + op.sym);
  V extra = op.names.empty() ? static_cast<V>(llvm::ConstantPointerNull::get(b_.getPtrTy())) : module_.import(b_, op.names[0]);
  auto* type = llvm::FunctionType::get(b_.getInt32Ty(), {b_.getPtrTy(), b_.getPtrTy(), b_.getInt64Ty(), b_.getInt64Ty(), b_.getPtrTy(), b_.getPtrTy()}, false);
  llvm::CallInst* status = b_.CreateCall(type, function, {ctx_, cells, b_.getInt64(n), b_.getInt64(static_cast<uint64_t>(op.imm)), extra, out});
  status->setDoesNotThrow();
  check_status(status, op);
  for (size_t k = 0; k < results; ++k) {
    const Slot& slot = slots_of(result_type(op, k))[0];
    llvm::Type* cell = slot.kind == SlotKind::Bool ? b_.getInt64Ty() : ssa_type(context_, slot);
    V v = load_field(out, 8 * static_cast<int64_t>(k), cell, Memory::Anything);
    set(op.results[k], {slot.kind == SlotKind::Bool ? b_.CreateIsNotNull(v) : v});
  }
}

// Fills in the coluber_suspended of the context: no call.
void FunctionLowering::lower_suspend(const Op& op) {
  V at = load_field(ctx_, offsetof(coluber_ctx, generator), b_.getPtrTy(), Memory::Context);
  V cells = load_field(at, offsetof(coluber_suspended, cells), b_.getPtrTy(), Memory::Anything);
  int64_t cell = 0;
  for (size_t k = 0; k < op.args.size(); ++k) {
    const std::vector<Slot>& types = slots_of(arg_type(op, k));
    const Slots s = slots(op.args[k]);
    for (size_t i = 0; i < types.size(); ++i, cell += 8) store_slot(types[i], s[i], byte_offset(cells, cell), llvm::Align(8), Memory::Anything);
  }
  store_field(at, offsetof(coluber_suspended, site), module_.import(b_, op.sym), Memory::Anything);
  store_field(at, offsetof(coluber_suspended, how), b_.getInt64(static_cast<uint64_t>(op.imm | COLUBER_YIELDED)), Memory::Anything);
}

// status coluber_objmode(ctx, site, cells of the operands, cells of the results): a cell of 8 bytes per slot.
void FunctionLowering::lower_objmode(const Op& op) {
  size_t in = 0, out = 0;
  for (size_t k = 0; k < op.args.size(); ++k) in += slots_of(arg_type(op, k)).size();
  for (size_t k = 0; k < op.results.size(); ++k) out += slots_of(result_type(op, k)).size();
  V cells = scratch(8 * (in + out + 1)), results = byte_offset(cells, 8 * static_cast<int64_t>(in));
  int64_t cell = 0;
  for (size_t k = 0; k < op.args.size(); ++k) {
    const std::vector<Slot>& types = slots_of(arg_type(op, k));
    const Slots s = slots(op.args[k]);
    for (size_t i = 0; i < types.size(); ++i, cell += 8) store_slot(types[i], s[i], byte_offset(cells, cell), llvm::Align(8), Memory::Anything);
  }
  V site = module_.import(b_, op.sym);
  check_status(module_.call_runtime(b_, "coluber_objmode", {ctx_, site, cells, results}), op);
  cell = 0;
  for (size_t k = 0; k < op.results.size(); ++k) {
    Slots s;
    for (const Slot& slot : slots_of(result_type(op, k))) {
      s.push_back(load_slot(slot, byte_offset(results, cell), llvm::Align(8), Memory::Anything));
      cell += 8;
    }
    set(op.results[k], std::move(s));
  }
}

// status coluber_box(ctx, type, cells, out): the host's boxing, by the type's text.
void FunctionLowering::lower_box(const Op& op) {
  const Slots s = slots(op.args[0]);
  V cells = scratch(8 * (s.size() + 1)), out = byte_offset(cells, 8 * static_cast<int64_t>(s.size()));
  store_value(arg_type(op, 0), s, cells, Memory::Anything);
  V type = module_.import(b_, "type:" + arg_type(op, 0)->text);
  check_status(module_.call_runtime(b_, "coluber_box", {ctx_, type, cells, out}), op);
  set(op, load_field(out, 0, b_.getPtrTy(), Memory::Anything));
}

}  // namespace coluber::backend
