// Binding of global arrays: as an argument is unboxed, once instead of at each call.
#include "jit/host/bound_array.h"

#include <cstring>

namespace coluber::jit {

std::unique_ptr<BoundArray> BoundArray::make(PyObject* object, std::string_view text) {
  const HostType* type = parse_type(text);
  if (!type || !type->is(Kind::Array)) return nullptr;
  std::unique_ptr<BoundArray> bound(new BoundArray(object));
  std::string error;
  if (!make_plan({type}, &bound->plan_, &error)) return nullptr;
  bound->slots_.resize(static_cast<size_t>(bound->plan_.slots));
  return bound->read(bound->slots_.data(), &bound->owner_) ? std::move(bound) : nullptr;
}

bool BoundArray::read(uint64_t* slots, coluber_owner* owner) const {
  Frame frame(slots, owner);
  return unbox_exact(plan_, plan_.ops[0], object_, frame);
}

bool BoundArray::current() const {
  uint64_t now[kMaxSlots];
  coluber_owner owner;
  size_t n = slots_.size() - 1;               // the first slot is the owner
  return read(now, &owner) && memcmp(now + 1, slots_.data() + 1, n * sizeof now[0]) == 0;
}

}  // namespace coluber::jit
