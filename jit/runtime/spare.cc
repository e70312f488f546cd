// Spare blocks: malloc gives blocks of some 100 kB and more back to the kernel as soon as they are freed, or lie on top of its heap, and the next
// one pays for each of its pages again: 1.6 ms for two arrays of 2 MB, against 40 us for filling one. So the large blocks that are dropped, by
// compiled code or by NumPy, are kept here for the next array or list of about that size.
//
// What is kept stays bounded: 65 MB between calls (malloc's own limit for what it keeps on top of its heap is 64). Within a call it may be more,
// but together with what is alive no more than was alive at once before: a loop with temporaries of 100 MB keeps them all. Nothing is kept for
// longer than a second without use, as seen at the end of any call or by the next large block. The oldest goes first. A lock that is taken means: do without. So nobody waits, and a child of fork() whose parent held it only keeps nothing.
#include "jit/runtime/spare.h"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include "jit/runtime/runtime.h"

namespace coluber::jit {

std::atomic<int> g_spare_count{0};

namespace {

struct Spare {
  void* raw;
  size_t size;
  int64_t since;                                     // milliseconds
};

constexpr size_t kMost = size_t{65} << 20;           // two arrays of 32 MB with their heads
constexpr int64_t kIdle = 1000;                      // milliseconds
constexpr int kSlots = 32;

Spare g_spares[kSlots];                              // the oldest first
std::atomic<size_t> g_spare_bytes{0};
std::atomic<int64_t> g_oldest{0};                    // when the first of them came
std::atomic<int64_t> g_peak{0};                      // the most that was alive at once since a call ended
std::atomic_flag g_lock = ATOMIC_FLAG_INIT;

int64_t now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &t);         // a few ns: a call may ask each time it ends
  return int64_t{t.tv_sec} * 1000 + t.tv_nsec / 1000000;
}

// Holds the lock, or does not.
class Attempt {
 public:
  Attempt() : held_(!g_lock.test_and_set(std::memory_order_acquire)) {}
  ~Attempt() {
    if (held_) g_lock.clear(std::memory_order_release);
  }
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;
  explicit operator bool() const { return held_; }

 private:
  bool held_;
};

// What is to be freed once the lock is open.
struct Out {
  void* raw[kSlots + 1];
  int count = 0;
  void add(void* block) { raw[count++] = block; }
  ~Out() {
    for (int i = 0; i < count; i++) free(raw[i]);
  }
};

void remove_at(int at) {
  int count = g_spare_count.load(std::memory_order_relaxed);
  g_spare_bytes -= g_spares[at].size;
  std::move(g_spares + at + 1, g_spares + count, g_spares + at);
  g_spare_count.store(count - 1, std::memory_order_relaxed);
  if (at == 0 && count > 1) g_oldest.store(g_spares[0].since, std::memory_order_relaxed);
}

void drop_oldest(Out& out) {
  out.add(g_spares[0].raw);
  remove_at(0);
}

void drop_idle(Out& out, int64_t time) {
  while (g_spare_count.load(std::memory_order_relaxed) > 0 && time - g_spares[0].since > kIdle) drop_oldest(out);
}

// The one that fits best; of equals the last that was dropped, which the caches know.
int best_fit(size_t least, size_t most) {
  int best = -1;
  for (int i = g_spare_count.load(std::memory_order_relaxed) - 1; i >= 0; i--) {
    size_t size = g_spares[i].size;
    if (size >= least && size <= most && (best < 0 || size < g_spares[best].size)) best = i;
  }
  return best;
}

// Races lose a maximum now and then: a limit that is too low for one call.
void note_peak(size_t fresh) {
  int64_t alive = runtime_stats().live_bytes + static_cast<int64_t>(fresh);
  if (alive > g_peak.load(std::memory_order_relaxed)) g_peak.store(alive, std::memory_order_relaxed);
}

size_t most_within_call() {
  int64_t more = g_peak.load(std::memory_order_relaxed) - runtime_stats().live_bytes;
  return std::max(kMost, static_cast<size_t>(std::max(more, int64_t{0})));
}

}  // namespace

void* take_spare(size_t least, size_t most) {
  if (least < kSpareFrom) return nullptr;
  note_peak(least);
  if (!has_spares()) return nullptr;
  Attempt attempt;
  if (!attempt) return nullptr;
  int at = best_fit(least, most);
  if (at < 0) return nullptr;
  void* raw = g_spares[at].raw;
  remove_at(at);
  return raw;
}

void drop_block(void* raw, bool in_call) {
  size_t size = raw ? malloc_usable_size(raw) : 0;
  if (size < kSpareFrom) return free(raw);
  size_t limit = in_call ? most_within_call() : kMost;
  Out out;
  Attempt attempt;                                   // opened before `out` is freed
  if (size > limit || !attempt) return out.add(raw);
  int64_t time = now();
  drop_idle(out, time);
  while (g_spare_count.load(std::memory_order_relaxed) == kSlots || spare_bytes() + size > limit) drop_oldest(out);
  int count = g_spare_count.load(std::memory_order_relaxed);
  g_spares[count] = {raw, size, time};
  g_spare_bytes += size;
  if (count == 0) g_oldest.store(time, std::memory_order_relaxed);
  g_spare_count.store(count + 1, std::memory_order_relaxed);
}

size_t spare_bytes() { return g_spare_bytes.load(std::memory_order_relaxed); }

void trim_spares() {
  g_peak.store(0, std::memory_order_relaxed);
  int64_t time = now();
  if (time - g_oldest.load(std::memory_order_relaxed) <= kIdle && spare_bytes() <= kMost) return;   // a race only trims a call later
  Out out;
  Attempt attempt;
  if (!attempt) return;
  drop_idle(out, time);
  while (spare_bytes() > kMost) drop_oldest(out);
}

}  // namespace coluber::jit
