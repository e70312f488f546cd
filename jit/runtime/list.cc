// Lists of compiled code: a counted head that points to a growing buffer of unboxed items.
#include <malloc.h>

#include <cstdlib>
#include <cstring>

#include "jit/runtime/races.h"
#include "jit/runtime/runtime.h"
#include "jit/runtime/spare.h"

namespace coluber::jit {

static_assert(offsetof(coluber_list, data) == 64 && offsetof(coluber_list, length) == 72 && offsetof(coluber_list, capacity) == 80);
static_assert(offsetof(coluber_list, item_size) == 88 && offsetof(coluber_list, changed) == 96 && offsetof(coluber_list, origin) == 104);

void drop_list(coluber_list* list) {
  count_block(-1, -list->head.size);
  note_freed(list->data, list->head.size);
  drop_block(list->data, true);
  free(list);
}

// A growing list may take a spare block that is larger than it asks for: it will grow further, and the block is there.
constexpr size_t kSpareTimes = 64;

static bool reserve(coluber_list* list, int64_t capacity) {
  if (capacity > (INT64_MAX >> 8) / list->item_size) return false;
  note_freed(list->data, list->head.size);           // before another thread may get it
  auto least = static_cast<size_t>(capacity * list->item_size);
  void* data = take_spare(least, least * kSpareTimes);
  if (data) {
    capacity = static_cast<int64_t>(malloc_usable_size(data)) / list->item_size;
    if (list->length > 0) memcpy(data, list->data, static_cast<size_t>(list->length * list->item_size));
    free(list->data);
  } else {
    data = realloc(list->data, least);
  }
  if (!data) return false;
  int64_t bytes = capacity * list->item_size;
  count_block(0, bytes - list->head.size);
  list->head.size = bytes;
  list->data = data;
  list->capacity = capacity;
  return true;
}

}  // namespace coluber::jit

using namespace coluber::jit;

extern "C" {

coluber_list* coluber_list_new(coluber_ctx* ctx, int64_t capacity, int64_t item_size) {
  auto* list = static_cast<coluber_list*>(calloc(1, sizeof(coluber_list)));
  if (list) {
    list->head.count = 1;
    list->head.kind = COLUBER_LIST;
    list->item_size = item_size;
    count_block(1, 0);
    if (capacity <= 0 || reserve(list, capacity)) return list;
    drop_list(list);
  }
  if (ctx) coluber_raise_diag(ctx, -1, nullptr, 0);  // MemoryError
  return nullptr;
}

int32_t coluber_list_grow(coluber_ctx* ctx, coluber_list* list, int64_t capacity) {
  if (capacity <= list->capacity) return 0;
  int64_t grown = list->capacity + (list->capacity >> 1) + 8;   // amortised; Python grows by an eighth, at a higher cost per append
  if (reserve(list, grown > capacity ? grown : capacity)) return 0;
  coluber_raise_diag(ctx, -1, nullptr, 0);
  return 1;
}

}  // extern "C"
