// Arrays. Addresses are written so that the loop passes see plain affine accesses: C and F layouts count in elements,
// ((i*m + j)*k + l), S adds a byte offset for the outer axes and counts in elements on the last, A is all byte strides. The products
// cannot overflow (indices are in range and the array exists), which nsw and nuw say.
#include "backends/llvm/function_lowering.h"

namespace coluber::backend {

using ir::Layout;
using ir::OpCode;

namespace {
constexpr size_t kOwner = 0, kData = 1, kShape = 2;  // slots of an array
}

// The strides in bytes of all axes.
Slots FunctionLowering::strides_of(ir::TypeRef t, const Slots& array) {
  Slots strides(t->ndim, nullptr);
  V item = b_.getInt64(ir::item_size(t->elem));
  auto shape = [&](int axis) { return array[kShape + axis]; };
  auto carried = [&](int axis) { return array[kShape + t->ndim + axis]; };
  V step = item;
  switch (t->layout) {
    case Layout::C:
      for (int k = t->ndim; k-- > 0; step = b_.CreateMul(step, shape(k), "", false, true)) strides[k] = step;
      break;
    case Layout::F:
      for (int k = 0; k < t->ndim; step = b_.CreateMul(step, shape(k), "", false, true), ++k) strides[k] = step;
      break;
    case Layout::S:
      for (int k = 0; k + 1 < t->ndim; ++k) strides[k] = carried(k);
      if (t->ndim > 0) strides[t->ndim - 1] = item;
      break;
    case Layout::A:
      for (int k = 0; k < t->ndim; ++k) strides[k] = carried(k);
      break;
  }
  return strides;
}

llvm::Value* FunctionLowering::element_address(const Op& op, size_t first_index) {
  ir::TypeRef t = arg_type(op, 0);
  const Slots& array = slots(op.args[0]);
  V data = array[kData];
  int64_t item = ir::item_size(t->elem);
  // One element of complex or tuple type is several machine values; count in elements of that many bytes.
  const std::vector<Slot>& parts = slots_of(t->elem);
  llvm::Type* element =
      parts.size() == 1 && parts[0].bits == 8 * item ? memory_type(context_, parts[0]) : llvm::ArrayType::get(b_.getInt8Ty(), item);
  auto index = [&](int axis) { return one(op.args[first_index + axis]); };
  auto shape = [&](int axis) { return array[kShape + axis]; };
  auto stride = [&](int axis) { return array[kShape + t->ndim + axis]; };
  auto times = [&](V x, V y, bool unsigned_too) { return b_.CreateMul(x, y, "", unsigned_too, true); };
  auto plus = [&](V x, V y, bool unsigned_too) { return b_.CreateAdd(x, y, "", unsigned_too, true); };
  if (t->ndim == 0) return data;
  switch (t->layout) {
    case Layout::C:
    case Layout::F: {
      bool c = t->layout == Layout::C;
      int first = c ? 0 : t->ndim - 1, step = c ? 1 : -1;
      V at = index(first);
      for (int k = 1, axis = first + step; k < t->ndim; ++k, axis += step) at = plus(times(at, shape(axis), true), index(axis), true);
      return b_.CreateInBoundsGEP(element, data, at);
    }
    case Layout::S: {
      V bytes = nullptr;
      for (int k = 0; k + 1 < t->ndim; ++k) {
        V part = times(index(k), stride(k), false);
        bytes = bytes ? plus(bytes, part, false) : part;
      }
      V row = bytes ? b_.CreateInBoundsGEP(b_.getInt8Ty(), data, bytes) : data;
      return b_.CreateInBoundsGEP(element, row, index(t->ndim - 1));
    }
    case Layout::A: {
      V bytes = times(index(0), stride(0), false);
      for (int k = 1; k < t->ndim; ++k) bytes = plus(bytes, times(index(k), stride(k), false), false);
      return b_.CreateInBoundsGEP(b_.getInt8Ty(), data, bytes);
    }
  }
  return data;
}

void FunctionLowering::lower_array_as(const Op& op) {
  ir::TypeRef from = arg_type(op, 0), to = result_type(op);
  const Slots array = slots(op.args[0]);
  if (!to->is(ir::Kind::Array) || from->ndim != to->ndim) return fail(op, "from " + from->text + " to " + to->text);
  Slots s(array.begin(), array.begin() + kShape + from->ndim);
  Slots strides = strides_of(from, array);
  s.append(strides.begin(), strides.begin() + stride_slots(to));
  set(op.results[0], std::move(s));
}

void FunctionLowering::lower_array(const Op& op) {
  if (op.code == OpCode::ArrayMake) {
    Slots all;
    for (ir::ValueId v : op.args) all.append(slots(v));
    return set(op.results[0], std::move(all));
  }
  ir::TypeRef t = arg_type(op, 0);
  if (!t->is(ir::Kind::Array)) return fail(op, "the operand is of type " + t->text);
  bool by_axis = op.code == OpCode::ArrayShape || op.code == OpCode::ArrayStride;
  if (by_axis && (op.imm < 0 || op.imm >= t->ndim)) return fail(op, "no axis " + std::to_string(op.imm));
  size_t first_index = op.code == OpCode::ArrayStore ? 2 : 1;
  Memory memory = op.imm & 1 ? Memory::Independent : Memory::Element;
  bool access = op.code == OpCode::ArrayLoad || op.code == OpCode::ArrayStore;
  if (access && op.args.size() != first_index + t->ndim) return fail(op, "takes one index per axis");
  switch (op.code) {
    case OpCode::ArrayOwner:
      return set(op, slots(op.args[0])[kOwner]);
    case OpCode::ArrayData:
      return set(op, slots(op.args[0])[kData]);
    case OpCode::ArrayShape:
      return set(op, slots(op.args[0])[kShape + op.imm]);
    case OpCode::ArrayStride:
      return set(op, strides_of(t, Slots(slots(op.args[0])))[op.imm]);
    case OpCode::ArrayAs:
      return lower_array_as(op);
    case OpCode::ArrayLoad:
      return set(op.results[0], load_value(t->elem, element_address(op, 1), memory));
    default:
      return store_value(t->elem, Slots(slots(op.args[1])), element_address(op, 2), memory);
  }
}

}  // namespace coluber::backend
