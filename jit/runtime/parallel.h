// Threads of parallel loops, as the host sees them.
#pragma once
#include <cstdint>

namespace coluber::jit {

constexpr int kMostThreads = 1024;

// Of this thread: how many a parallel loop that it enters gets; inside of one, how many run it.
int num_threads();
void set_num_threads(int count);           // 1 to kMostThreads
int chunk_size();                          // of a loop that says none; 0: none
void set_chunk_size(int count);
int thread_number();                       // inside of a parallel loop: 0 is the thread that entered it. Else 0

// The work from which array expressions run on several threads, in the unit of ir/passes/fuse_threads.cc: COLUBER_PARALLEL_THRESHOLD, or what was
// measured. Read once.
int64_t* parallel_least();

// Set by the host: the poll word of the running thread while it does without the GIL.
extern const volatile uint8_t* (*g_signal_word)(void* thread_state);

}  // namespace coluber::jit
