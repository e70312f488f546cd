// Which rounds of a parallel loop use which memory: shadow memory for loops that are checked for races.
#pragma once
#include <atomic>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "jit/runtime/critical.h"
#include "jit/runtime/runtime.h"

namespace coluber::jit {

struct Use {                               // of some memory
  int64_t round = 0;
  const char* place = nullptr;             // null: there was none
  const LockSet* locks = nullptr;          // the critical sections it was in
};

// Of one loop. Memory is known by the address of the item, as all rounds see the same items.
class Shadow {
 public:
  Shadow();
  ~Shadow();
  // Notes a use. False: another round's collides with it, which *other gets.
  bool note(uintptr_t address, bool store, const Use& use, Use* other, bool* other_stores);
  void forget(uintptr_t first, uintptr_t last);      // memory that was given back: who gets it next is another array

 private:
  struct Cell {
    Use store, reads[2];                   // the last store, and reads of two rounds
  };
  static constexpr size_t kShards = 64, kPage = 4096;
  struct Shard {
    std::mutex mutex;
    std::unordered_map<uintptr_t, Cell> cells;
  };
  Shard& shard(uintptr_t address) { return shards_[address / kPage % kShards]; }
  Shard shards_[kShards];
};

// What this thread does until the end of the scope is of the loop; `own` is memory of its own in all rounds.
class CheckedThread {
 public:
  CheckedThread(Shadow* shadow, int64_t round);
  ~CheckedThread();
  CheckedThread(const CheckedThread&) = delete;
  void own(const coluber_owner* memory);
};

// A loop inside of a round belongs to that round.
class InnerLoop {
 public:
  InnerLoop();
  ~InnerLoop();
  InnerLoop(const InnerLoop&) = delete;
};

bool checking_races();                     // is this thread in a round of a loop that is checked?
extern std::atomic<int> g_shadows;         // how many there are
void memory_freed(const void* memory, int64_t bytes);
// To be called in front of giving memory back: uses of it are no uses of the array or list that gets it next.
inline void note_freed(const void* memory, int64_t bytes) {
  if (g_shadows.load(std::memory_order_relaxed)) [[unlikely]] memory_freed(memory, bytes);
}

}  // namespace coluber::jit
