// Flattening of types into slots. The only place that knows the order of the slots of a type; the ops that take values apart
// (lower_array.cc, lower_aggregate.cc) count from here.
#include "backends/llvm/slots.h"

namespace coluber::backend {
namespace {

using ir::Kind;
using ir::TypeRef;

Slot int_slot(int bits, SlotFact fact = SlotFact::Nothing) { return {SlotKind::Int, static_cast<uint8_t>(bits), fact}; }
Slot bool_slot() { return {SlotKind::Bool, 8}; }
Slot pointer(SlotFact fact = SlotFact::Nothing, bool is_owner = false) { return {SlotKind::Ptr, 64, fact, is_owner}; }
Slot float_slot(int bits) { return {bits == 32 ? SlotKind::F32 : SlotKind::F64, static_cast<uint8_t>(bits)}; }

void append(TypeRef t, std::vector<Slot>* out);

// The payload of an optional that is absent is all zeros, so nothing is known of its slots.
void append_without_facts(TypeRef t, std::vector<Slot>* out) {
  size_t first = out->size();
  append(t, out);
  for (size_t k = first; k < out->size(); ++k) (*out)[k].fact = SlotFact::Nothing;
}

void append_array(TypeRef t, std::vector<Slot>* out) {
  out->push_back(pointer(SlotFact::Nothing, true));
  out->push_back(pointer());
  for (int k = 0; k < t->ndim; ++k) out->push_back(int_slot(64, SlotFact::NotNegative));
  for (int k = 0; k < stride_slots(t); ++k) out->push_back(int_slot(64));
}

void append_number(TypeRef t, std::vector<Slot>* out) {
  int bits = 8 * ir::item_size(t);
  if (ir::is_bool(t))
    out->push_back(bool_slot());
  else if (ir::is_integer(t))
    out->push_back(int_slot(bits));
  else if (ir::is_float(t))
    out->push_back(float_slot(bits));
  else
    out->insert(out->end(), 2, float_slot(bits / 2));  // complex
}

void append(TypeRef t, std::vector<Slot>* out) {
  if (ir::is_number(t)) return append_number(t, out);
  switch (t->kind) {
    case Kind::Bottom:
    case Kind::None:
    case Kind::Ellipsis:
    case Kind::DType:
    case Kind::Const:
      return;
    case Kind::Str:
      out->push_back(pointer());
      out->push_back(int_slot(64, SlotFact::NotNegative));
      return out->push_back(pointer(SlotFact::Nothing, true));
    case Kind::Range:
      out->insert(out->end(), 3, int_slot(64));
      return;
    case Kind::Tuple:
    case Kind::Slice:
    case Kind::Closure:
    case Kind::View:
      for (TypeRef item : t->items) append(item, out);
      return;
    case Kind::Method:
      return append(t->elem, out);
    case Kind::Iter:  // what is iterated over, then the position
      append(t->elem, out);
      return out->push_back(int_slot(64));
    case Kind::Optional:
    case Kind::Unbound:
      out->push_back(bool_slot());
      return append_without_facts(t->elem, out);
    case Kind::Array:
      return append_array(t, out);
    case Kind::List:
    case Kind::Exc:
    case Kind::Owner:
      return out->push_back(pointer(SlotFact::Nothing, true));
    case Kind::Object:
      out->push_back(pointer(SlotFact::Nothing, true));
      out->back().is_object = true;
      return;
    case Kind::Ptr:
      return out->push_back(pointer());
    default:  // numbers
      return;
  }
}

}  // namespace

int stride_slots(TypeRef t) {
  switch (t->layout) {
    case ir::Layout::A:
      return t->ndim;
    case ir::Layout::S:
      return t->ndim > 0 ? t->ndim - 1 : 0;
    default:
      return 0;
  }
}

const std::vector<Slot>& SlotTable::of(TypeRef t) {
  std::unique_ptr<std::vector<Slot>>& entry = by_type_[t];
  if (!entry) {
    auto slots = std::make_unique<std::vector<Slot>>();
    append(t, slots.get());
    entry = std::move(slots);
  }
  return *entry;
}

int SlotTable::offset_of_item(TypeRef t, int index, int* item_slots) {
  if (t->is(Kind::Range)) {
    *item_slots = 1;
    return index;
  }
  if (t->is(Kind::Method) || t->is(Kind::Iter)) {  // item 0: self, or what is iterated over; item 1: the position
    int of_elem = count(t->elem);
    *item_slots = index == 0 ? of_elem : 1;
    return index == 0 ? 0 : of_elem;
  }
  int offset = 0;
  for (int k = 0; k < index && k < static_cast<int>(t->items.size()); ++k) offset += count(t->items[k]);
  *item_slots = index < static_cast<int>(t->items.size()) ? count(t->items[index]) : -1;
  return offset;
}

llvm::Type* ssa_type(llvm::LLVMContext& context, const Slot& slot) {
  switch (slot.kind) {
    case SlotKind::Bool:
      return llvm::Type::getInt1Ty(context);
    case SlotKind::Int:
      return llvm::Type::getIntNTy(context, slot.bits);
    case SlotKind::F32:
      return llvm::Type::getFloatTy(context);
    case SlotKind::F64:
      return llvm::Type::getDoubleTy(context);
    case SlotKind::Ptr:
      return llvm::PointerType::getUnqual(context);
  }
  return nullptr;
}

llvm::Type* memory_type(llvm::LLVMContext& context, const Slot& slot) {
  return slot.kind == SlotKind::Bool ? llvm::Type::getInt8Ty(context) : ssa_type(context, slot);
}

}  // namespace coluber::backend
