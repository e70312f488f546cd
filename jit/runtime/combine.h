// Results of the threads of a parallel loop (parallel.cc).
#pragma once
#include <cstdint>

#include "jit/runtime/abi.h"

namespace coluber::jit {

// Of two sets of accumulators one; out may be the first. As all here: 0, or 1 with an exception.
int32_t combine(coluber_ctx* ctx, const coluber_loop& loop, const uint64_t* pair, uint64_t* out);

// Arrays that a thread has of its own: owner, data and sizes in a row of cells, as those given stand there.
int32_t make_arrays(coluber_ctx* ctx, const coluber_loop& loop, const uint64_t* given, uint64_t* cells);
int32_t merge_arrays(coluber_ctx* ctx, const coluber_loop& loop, uint64_t* pair);     // adds the second ones, a thread's, to the first

}  // namespace coluber::jit
