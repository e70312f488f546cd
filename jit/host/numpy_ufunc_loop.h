// The inner loops of ufuncs made of compiled kernels: what NumPy calls, over what the engine compiled.
//
// NumPy hands an inner loop pointers, lengths and steps. Which code runs is decided per call from those, and compiled when it is first needed:
//   map     independent items: operands contiguous, or one item for all (passed by value), or with any steps; a vector loop
//   walk    items in order: an operand overlaps the output in another way than item by item, as in accumulate
//   fold    the first input and the output are one item: reduce
//   kernel  generalised ufuncs: the user's function, once per round, on views of the core dimensions
// map, walk and fold are loops of coluber._ufunc_loops around the user's function. Other loops of NumPy's machinery are met by these four.
#pragma once
#include <Python.h>

#include <atomic>
#include <string>
#include <vector>

#include "jit/host/dispatcher.h"

namespace coluber::jit {

constexpr int kMostOperands = 32;                     // operands of a ufunc

struct Operand {
  const HostType* item = nullptr;
  int32_t size = 0;                           // bytes
  int32_t ndim = 0;                           // of what the kernel gets; 0: a scalar
  bool readonly = false;
  std::vector<int32_t> core;                  // its core dimensions, as indices into the loop's
};

struct UfuncVersion {
  uint64_t key;
  std::atomic<Specialization*> spec;
  UfuncVersion* next;
};

struct UfuncLoop {
  enum Mode : uint64_t { kMap, kWalk, kFold, kKernel };

  std::string name;                           // of the ufunc, for errors
  std::vector<Operand> operands;
  int32_t nin = 0;
  bool parallel = false;
  Dispatcher* makers[4] = {};                 // by mode; owned
  std::atomic<UfuncVersion*> versions{nullptr};   // read without the GIL, added to with it; one stays for as long as the loop
  std::vector<Specialization*> pinned;        // as if a call were inside of each: a loop may run without the GIL while one is replaced

  UfuncLoop() = default;
  UfuncLoop(const UfuncLoop&) = delete;
  ~UfuncLoop();                               // GIL
  int32_t cells() const;                      // the most that a call passes
};

// The PyUFuncGenericFunction of all of them; `data` is the UfuncLoop.
void run_ufunc_loop(char** args, const Py_ssize_t* dims, const Py_ssize_t* steps, void* data);

}  // namespace coluber::jit
