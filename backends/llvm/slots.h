// How values of the typed IR become machine values: a value is the list of its slots, each a scalar. See ir/types.def.
#pragma once
#include "backends/llvm/pch.h"
#include "ir/type.h"

namespace coluber::backend {

using Slots = llvm::SmallVector<llvm::Value*, 4>;

enum class SlotKind : uint8_t { Bool, Int, F32, F64, Ptr };
// What is known of a slot beyond its machine type.
enum class SlotFact : uint8_t { Nothing, NotNegative, NotNull };

struct Slot {
  SlotKind kind;
  uint8_t bits;  // of the value in memory: 8, 16, 32, 64
  SlotFact fact = SlotFact::Nothing;
  bool is_owner = false;  // a counted reference, or null
  bool is_object = false;  // an owner that is a Python object: counted by CPython
};

// The slots of each type, computed once per compilation.
class SlotTable {
 public:
  const std::vector<Slot>& of(ir::TypeRef t);
  int count(ir::TypeRef t) { return static_cast<int>(of(t).size()); }
  // The slots before item `index` of an aggregate (tuple, slice, range, closure, method, view, iter), and the item's own type.
  int offset_of_item(ir::TypeRef aggregate, int index, int* item_slots);

 private:
  llvm::DenseMap<ir::TypeRef, std::unique_ptr<std::vector<Slot>>> by_type_;
};

// Strides an array value carries: none for C and F, all but the last for S, all for A.
int stride_slots(ir::TypeRef array);

llvm::Type* ssa_type(llvm::LLVMContext& context, const Slot& slot);     // i1 for bools
llvm::Type* memory_type(llvm::LLVMContext& context, const Slot& slot);  // i8 for bools

}  // namespace coluber::backend
