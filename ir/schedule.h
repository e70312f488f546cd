// How the rounds of a parallel loop are dealt out, as `par.loop` and `par.for` say it (ops.def) and the runtime reads it: a schedule, and bits beside it.
#pragma once
#include <cstdint>

namespace coluber::ir {

enum Schedule : int64_t {
  kEqual,                                  // one part for each thread
  kMeasured,                               // parts by measured time
  kStatic,
  kDynamic,
  kGuided,
  kRuntime,                                // as OMP_SCHEDULE says
  kWorth,                                  // of an array expression or the library, where its work is worth it: the runtime is told that, not a number of threads
};

enum ScheduleBits : int64_t {
  kSchedule = 7,                           // the schedule itself
  kDeterministic = 8,                      // blocks of rounds by their number alone, combined in order
  kFromNeutral = 16,                       // threads begin with neutral values, one thread too
  kChecked = 32,                           // rounds are checked for races
  kFurtherLoop = 256,                      // for each loop within that is one iteration space with it
};

// How accumulators of 8 bytes are combined without a function of the loop's own: a CombineStep, + kOfFloats.
enum CombineStep : uint8_t { kStepAdd, kStepMul, kStepAnd, kStepOr, kStepXor, kStepMin, kStepMax, kOfFloats = 8 };

// How NumPy's loop reduces a vector that is cut: what comes of the pieces does not depend on how (extrema, products in order), sums along NumPy's pairwise
// tree, of floats and complex numbers, and sums of what a buffer of NumPy's holds.
enum FoldHow : int64_t {
  kAny, kPairwise, kPairwiseComplex, kBuffered, kBufferedComplex,
  kFold = 7,                               // these
  kFoldShared = 8,                         // on several threads
  kFoldFromFirst = 16,                     // begins with the first item
  kFoldInPlace = 32,                       // (of blocks) lie where they belong, not one over the other
  kFoldSearch = 64,                        // over as soon as it is another one than at the beginning
};

constexpr int64_t kFoldBlock = 1024;       // items that are computed and folded at a time, at most
constexpr int64_t kFoldState = 2560;       // bytes of the runtime's state between blocks

}  // namespace coluber::ir
