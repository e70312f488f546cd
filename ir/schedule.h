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

}  // namespace coluber::ir
