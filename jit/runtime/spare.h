// Large blocks of malloc that were dropped, kept for the next block of about that size (why, and for how long: spare.cc).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace coluber::jit {

constexpr size_t kSpareFrom = size_t{128} << 10;     // smaller ones malloc itself reuses without page faults

// A block of at least `least` bytes and, to waste little, at most `most`; null when there is none. Its content is anything.
void* take_spare(size_t least, size_t most);

// Instead of free(). By compiled code (in_call) more may be kept.
void drop_block(void* raw, bool in_call);

// What is kept, in bytes.
size_t spare_bytes();

// At the end of a call: what is beyond the limit goes, and what lay idle.
void trim_spares();

extern std::atomic<int> g_spare_count;
inline bool has_spares() { return g_spare_count.load(std::memory_order_relaxed) != 0; }

}  // namespace coluber::jit
