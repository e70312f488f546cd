// Pointers, loads and stores, allocation. Numbers lie in memory at their own size (complex: both parts in a row, bools as a byte); values
// of all other types take 8 bytes per slot.
#include "backends/llvm/function_lowering.h"

namespace coluber::backend {

using ir::OpCode;

namespace {
bool is_packed(ir::TypeRef t) { return ir::is_number(t); }
}  // namespace

llvm::Value* FunctionLowering::byte_offset(V base, int64_t bytes) {
  return bytes == 0 ? base : b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), base, static_cast<uint64_t>(bytes));
}

llvm::Value* FunctionLowering::load_slot(const Slot& slot, V address, llvm::Align align, Memory memory) {
  llvm::LoadInst* load = b_.CreateAlignedLoad(memory_type(context_, slot), address, align);
  module_.tag(load, memory);
  return slot.kind == SlotKind::Bool ? b_.CreateIsNotNull(load) : static_cast<V>(load);
}

void FunctionLowering::store_slot(const Slot& slot, V value, V address, llvm::Align align, Memory memory) {
  if (slot.kind == SlotKind::Bool) value = b_.CreateZExt(value, b_.getInt8Ty());
  module_.tag(b_.CreateAlignedStore(value, address, align), memory);
}

Slots FunctionLowering::load_value(ir::TypeRef t, V address, Memory memory) {
  Slots s;
  int64_t at = 0;
  for (const Slot& slot : slots_of(t)) {
    int64_t size = is_packed(t) ? slot.bits / 8 : 8;
    s.push_back(load_slot(slot, byte_offset(address, at), llvm::Align(size), memory));
    at += size;
  }
  return s;
}

void FunctionLowering::store_value(ir::TypeRef t, const Slots& value, V address, Memory memory) {
  int64_t at = 0;
  const std::vector<Slot>& types = slots_of(t);
  for (size_t k = 0; k < types.size(); ++k) {
    int64_t size = is_packed(t) ? types[k].bits / 8 : 8;
    store_slot(types[k], value[k], byte_offset(address, at), llvm::Align(size), memory);
    at += size;
  }
}

llvm::Value* FunctionLowering::load_field(V base, int64_t offset, llvm::Type* type, Memory memory) {
  llvm::Align align(type->isPointerTy() ? 8 : type->getPrimitiveSizeInBits() / 8);
  llvm::LoadInst* load = b_.CreateAlignedLoad(type, byte_offset(base, offset), align);
  module_.tag(load, memory);
  return load;
}

void FunctionLowering::store_field(V base, int64_t offset, V value, Memory memory) {
  llvm::Type* type = value->getType();
  llvm::Align align(type->isPointerTy() ? 8 : type->getPrimitiveSizeInBits() / 8);
  module_.tag(b_.CreateAlignedStore(value, byte_offset(base, offset), align), memory);
}

void FunctionLowering::lower_pointer(const Op& op) {
  switch (op.code) {
    case OpCode::PtrAdd:
      return set(op, b_.CreateGEP(b_.getInt8Ty(), one(op.args[0]), one(op.args[1])));
    case OpCode::PtrCast:
    case OpCode::RefCast:
      return set(op, one(op.args[0]));
    case OpCode::PtrToInt:
      return set(op, b_.CreatePtrToInt(one(op.args[0]), b_.getInt64Ty()));
    case OpCode::Load:
      return set(op.results[0], load_value(result_type(op), one(op.args[0]), Memory::Anything));
    case OpCode::Store:
      return store_value(arg_type(op, 1), Slots(slots(op.args[1])), one(op.args[0]), Memory::Anything);
    case OpCode::StackAlloc:
      return op.imm > 0 ? set(op, stack_bytes(static_cast<uint64_t>(op.imm), 16)) : fail(op, "the size must be positive");
    case OpCode::MemCopy:
      b_.CreateMemMove(one(op.args[0]), llvm::Align(1), one(op.args[1]), llvm::Align(1), one(op.args[2]));
      return;
    default:
      b_.CreateMemSet(one(op.args[0]), b_.getInt8(0), one(op.args[1]), llvm::Align(1));
      return;
  }
}

void FunctionLowering::lower_alloc(const Op& op) {
  if (op.code == OpCode::OwnerData) return set(op, byte_offset(one(op.args[0]), sizeof(coluber_owner)));
  llvm::CallInst* owner = module_.call_runtime(b_, "coluber_alloc", {ctx_, one(op.args[0]), b_.getInt64(op.imm & 1)});
  owner->addRetAttr(llvm::Attribute::getWithAlignment(context_, llvm::Align(64)));
  leave_unless(b_.CreateIsNotNull(owner), op);
  set(op, owner);
}

// A variable that holds numbers of several types is shown as the widest of them: a debugger has one type for a name.
ir::TypeRef FunctionLowering::shown_type(uint32_t scope, const std::string& name, ir::TypeRef type) {
  if (!ir::is_number(type)) return type;
  bool same = true;
  int rank = 0;
  for (const ir::Block& block : fn_.blocks)
    for (const Op& op : block.ops) {
      if (op.code != OpCode::DebugLocal || op.sym != name || scope_of(op) != scope) continue;
      ir::TypeRef t = ir::strong(arg_type(op, 0));
      if (!ir::is_number(t)) continue;
      same = same && t == ir::strong(type);
      rank = std::max(rank, ir::is_complex(t) ? 3 : ir::is_float(t) ? 2 : ir::is_integer(t) ? 1 : 0);
    }
  if (same) return ir::strong(type);
  return ir::strong(rank == 3 ? ir::pycomplex() : rank == 2 ? ir::pyfloat() : rank == 1 ? ir::pyint() : ir::pybool());
}

uint32_t FunctionLowering::scope_of(const Op& op) const { return op.loc < fn_.locs.size() ? fn_.locs[op.loc].scope : 0; }

// A store to a Python variable, kept in memory under its name for the debugger. Passes may have moved the op into other functions: without
// debug information it means nothing.
void FunctionLowering::lower_debug_local(const Op& op) {
  DebugInfo* debug = module_.debug();
  if (!debug || debug->level() != DebugLevel::Variables) return;
  auto& [memory, type] = locals_[{scope_of(op), op.sym, ir::is_number(arg_type(op, 0)) ? nullptr : arg_type(op, 0)}];
  if (!memory) {
    type = shown_type(scope_of(op), op.sym, arg_type(op, 0));
    memory = stack_bytes(ir::is_number(type) ? static_cast<size_t>(ir::item_size(type)) : slots_of(type).size() * 8, 16);
    debug->declare(fn_, op.loc, op.sym, type, memory, entry_->getTerminator());
  }
  Slots value = slots(op.args[0]);
  ir::TypeRef from = ir::is_number(type) ? ir::strong(arg_type(op, 0)) : type;
  if (from != type && ir::is_complex(type)) {
    ir::TypeRef part = ir::real_of(type), from_part = ir::is_complex(from) ? ir::real_of(from) : from;
    llvm::Value* imag = value.size() > 1 ? cast_scalar(value[1], from_part, part) : llvm::ConstantFP::get(b_.getDoubleTy(), 0.0);
    value = {cast_scalar(value[0], from_part, part), imag};
  } else if (from != type) {
    value = {cast_scalar(value[0], from, type)};
  }
  store_value(type, value, memory, Memory::Anything);
}

}  // namespace coluber::backend
