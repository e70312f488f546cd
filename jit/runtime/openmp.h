// LLVM's OpenMP runtime, for its threads alone: found in the process, or loaded at the first parallel loop.
#pragma once
#include <cstdint>
#include <string>

namespace coluber::jit {

struct OmpPlace {                                    // ident_t of libomp: where a region is in the source
  int32_t reserved_1, flags, reserved_2, reserved_3;
  const char* text;
};
using OmpTask = void (*)(int32_t* thread, int32_t* bound, ...);

struct OpenMp {
  void (*fork_call)(OmpPlace*, int32_t nargs, OmpTask, ...) = nullptr;
  void (*push_num_threads)(OmpPlace*, int32_t thread, int32_t count) = nullptr;
  int32_t (*global_thread_num)(OmpPlace*) = nullptr;
  int (*max_threads)() = nullptr;
  int (*num_threads)() = nullptr;
  int (*thread_num)() = nullptr;
  void (*schedule)(int* kind, int* chunk) = nullptr;
  size_t (*stack_size)() = nullptr;                  // of its threads; may be missing
  std::string path;                                  // of the library
  bool found = false;                                // it was in the process already
};

// Null: there is none; *why says so. Called without the GIL.
const OpenMp* openmp(std::string* why = nullptr);

// Of `wanted` threads for a loop of this one, so many as the system lets the process have. libomp ends the process when it cannot start one; so
// before it is asked for more than it has, as many are started to see whether that works. Where that fails, a wish of as many is answered for a
// second without another try.
int threads_there(int wanted);

// How many threads a parallel loop gets when nobody says otherwise: OMP_NUM_THREADS, or as many processors as this process may use.
int default_threads();

}  // namespace coluber::jit
