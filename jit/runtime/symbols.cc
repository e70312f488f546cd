// The table of what compiled code may call, by name.
#include "jit/runtime/objects.h"

namespace coluber::jit {

void* find_symbol(std::string_view name) {
  struct Entry {
    std::string_view name;
    void* address;
  };
  static const Entry table[] = {
#define SYMBOL(name, result, arguments, flags) {#name, reinterpret_cast<void*>(&name)},
#include "jit/runtime/symbols.def"
#define OBJECT(name, doc) {"coluber_object_" #name, reinterpret_cast<void*>(&coluber_object_##name)},
#include "jit/runtime/objects.def"
  };
  for (const Entry& entry : table) {
    if (entry.name == name) return entry.address;
  }
  return nullptr;
}

static_assert(offsetof(coluber_ctx, poll) == 0 && offsetof(coluber_ctx, stack_limit) == 8 && offsetof(coluber_ctx, error) == 16);
static_assert(sizeof(coluber_value) == 24 && offsetof(coluber_value, v) == 8);
static_assert(offsetof(coluber_exc, cls) == 64 && offsetof(coluber_exc, args) == 96 && sizeof(coluber_frame) == 24);

}  // namespace coluber::jit
