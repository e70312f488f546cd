// Memory of arrays and strings: a 64-byte head, then the data, aligned to 64 bytes. It comes from malloc or,
// when it is large, from the spare blocks (spare.cc), so that arrays made and dropped in a loop cost no page faults; large ones ask for huge
// pages. Needs no GIL.
#include <sys/mman.h>

#include <atomic>
#include <cstdlib>
#include <cstring>

#include "jit/runtime/races.h"
#include "jit/runtime/runtime.h"
#include "jit/runtime/spare.h"

namespace coluber::jit {
namespace {

constexpr int64_t kHead = sizeof(coluber_owner);
constexpr int64_t kHuge = int64_t{1} << 20;          // from here on: huge pages
constexpr int64_t kPage = 4096;
constexpr int64_t kLimit = int64_t{1} << 47;         // beyond what can be addressed: refused before the sum with the head overflows
static_assert(sizeof(coluber_owner) == 64);
static_assert(alignof(std::max_align_t) == 16);

std::atomic<int64_t> g_blocks{0}, g_bytes{0}, g_total{0};

// malloc's own pointer is kept in the head, which is shifted to a multiple of 64.
void set_raw(coluber_owner* owner, void* raw) { owner->pad[3] = static_cast<int64_t>(reinterpret_cast<uintptr_t>(raw)); }
void* raw_of(const coluber_owner* owner) { return reinterpret_cast<void*>(static_cast<uintptr_t>(owner->pad[3])); }

coluber_owner* place(void* raw, int64_t bytes, int32_t kind) {
  auto address = (reinterpret_cast<uintptr_t>(raw) + 63) & ~uintptr_t{63};
  auto* owner = reinterpret_cast<coluber_owner*>(address);
  owner->count = 1;
  owner->kind = kind;
  owner->flags = 0;
  owner->object = nullptr;
  owner->size = bytes;
  set_raw(owner, raw);
  return owner;
}

void advise_huge(void* raw, int64_t bytes) {
  if (bytes < kHuge) return;
  auto start = (reinterpret_cast<uintptr_t>(raw) + kPage - 1) & ~uintptr_t{kPage - 1};
  auto end = (reinterpret_cast<uintptr_t>(raw) + static_cast<uintptr_t>(bytes)) & ~uintptr_t{kPage - 1};
  madvise(reinterpret_cast<void*>(start), end - start, MADV_HUGEPAGE);   // a wish: failing does no harm
}

}  // namespace

void count_block(int64_t blocks, int64_t bytes) {
  g_blocks.fetch_add(blocks, std::memory_order_relaxed);
  g_bytes.fetch_add(bytes, std::memory_order_relaxed);
  if (blocks > 0) g_total.fetch_add(blocks, std::memory_order_relaxed);
}

RuntimeStats runtime_stats() { return {g_blocks.load(), g_bytes.load(), g_total.load()}; }

// Of a spare block an eighth may be wasted.
static void* new_memory(size_t whole, bool zeroed) {
  if (void* raw = take_spare(whole, whole + whole / 8)) return zeroed ? memset(raw, 0, whole) : raw;
  void* raw = zeroed ? calloc(1, whole) : malloc(whole);
  if (raw) advise_huge(raw, static_cast<int64_t>(whole));
  return raw;
}

coluber_owner* new_owner(int64_t bytes, bool zeroed, int32_t kind) {
  if (bytes < 0 || bytes > kLimit) return nullptr;
  int64_t whole = bytes + kHead + 48;                // malloc aligns to 16: at most 48 are lost
  void* raw = new_memory(static_cast<size_t>(whole), zeroed);
  if (!raw) return nullptr;
  count_block(1, bytes);
  return place(raw, bytes, kind);
}

coluber_owner* resize_owner(coluber_owner* owner, int64_t bytes) {
  coluber_owner* fresh = new_owner(bytes, false, owner->kind);
  if (!fresh) return nullptr;
  memcpy(fresh + 1, owner + 1, static_cast<size_t>(bytes < owner->size ? bytes : owner->size));
  release(owner);
  return fresh;
}

static void free_memory(coluber_owner* owner, bool in_call) {
  count_block(-1, -owner->size);
  note_freed(owner + 1, owner->size);
  drop_block(raw_of(owner), in_call);
}

void drop_list(coluber_list* list);        // list.cc
void drop_exception(coluber_exc* exc);     // exception.cc
void drop_object(coluber_owner* owner);    // foreign.cc

static void drop(coluber_owner* owner, bool in_call) {
  switch (owner->kind) {
    case COLUBER_LIST: drop_list(reinterpret_cast<coluber_list*>(owner)); break;
    case COLUBER_EXC: drop_exception(reinterpret_cast<coluber_exc*>(owner)); break;
    case COLUBER_PYOBJECT: drop_object(owner); break;   // one that owns: others lie on somebody's stack, and their count never gets here
    default: free_memory(owner, in_call);
  }
}

void drop_outside(coluber_owner* owner) { drop(owner, false); }

}  // namespace coluber::jit

using namespace coluber::jit;

extern "C" {

coluber_owner* coluber_alloc(coluber_ctx* ctx, int64_t bytes, int64_t zeroed) {
  coluber_owner* owner = new_owner(bytes, zeroed != 0, COLUBER_MEMORY);
  if (!owner) [[unlikely]] {
    coluber_raise_diag(ctx, -1, &bytes, 1);          // MemoryError
  }
  return owner;
}

void coluber_drop(coluber_owner* owner) { drop(owner, true); }

}  // extern "C"
