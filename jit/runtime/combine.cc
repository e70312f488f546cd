// How what threads arrived at in a parallel loop becomes one: by a function of the loop's, or where it takes no more than plain steps (ir/schedule.h) here.
#include "jit/runtime/combine.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "ir/schedule.h"
#include "jit/runtime/runtime.h"

namespace coluber::jit {
namespace {

using namespace coluber::ir;                         // steps

template <class T> T step(uint8_t how, T x, T y) {
  switch (how) {
    case kStepAdd: return x + y;
    case kStepMul: return x * y;
    case kStepMin: return y < x ? y : x;
    default: return y > x ? y : x;
  }
}

uint64_t step_of_bits(uint8_t how, uint64_t x, uint64_t y) {
  switch (how) {
    case kStepAdd: return x + y;
    case kStepMul: return x * y;
    case kStepAnd: return x & y;
    case kStepOr: return x | y;
    case kStepXor: return x ^ y;
    default: return static_cast<uint64_t>(step(how, static_cast<int64_t>(x), static_cast<int64_t>(y)));
  }
}

uint8_t byte_of(int64_t list, size_t k) { return static_cast<uint8_t>(static_cast<uint64_t>(list) >> 8 * k); }

uint64_t items_of(const uint64_t* cells, size_t rank) {
  uint64_t n = 1;
  for (size_t axis = 0; axis < rank; axis++) n *= cells[2 + axis];
  return n;
}

uint64_t neutral(uint8_t how) {
  switch (how) {
    case kStepAdd | kOfFloats: return std::bit_cast<uint64_t>(-0.0);       // x + -0.0 is x, of 0.0 as well
    case kStepMul | kOfFloats: return std::bit_cast<uint64_t>(1.0);
    case kStepMul: return 1;
    default: return 0;
  }
}

}  // namespace

int32_t combine(coluber_ctx* ctx, const coluber_loop& loop, const uint64_t* pair, uint64_t* out) {
  if (loop.combine) return loop.combine(ctx, pair, out);
  size_t n = static_cast<size_t>(loop.naccumulators);
  for (size_t k = 0; k < n; k++) {
    uint8_t how = byte_of(loop.steps, k);
    bool floats = how & kOfFloats;
    out[k] = floats ? std::bit_cast<uint64_t>(step(how & 7, std::bit_cast<double>(pair[k]), std::bit_cast<double>(pair[n + k])))
                    : step_of_bits(how, pair[k], pair[n + k]);
  }
  return 0;
}

int32_t make_arrays(coluber_ctx* ctx, const coluber_loop& loop, const uint64_t* given, uint64_t* cells) {
  if (loop.init) return loop.init(ctx, given, cells);
  size_t n = static_cast<size_t>(loop.narray_cells);
  for (size_t k = 0, at = 0; at < n; k++) {
    size_t rank = byte_of(loop.array_ranks, k);
    uint64_t items = items_of(given + at, rank);
    memcpy(cells + at, given + at, 8 * (2 + rank));
    void* owner = coluber_alloc(ctx, static_cast<int64_t>(8 * items), 0);
    if (!owner) {
      for (size_t done = 0; done < at; done++)
        if (loop.owners >> done & 1) release(reinterpret_cast<void*>(cells[done]));
      return 1;
    }
    auto* data = reinterpret_cast<uint64_t*>(static_cast<char*>(owner) + sizeof(coluber_owner));
    std::fill_n(data, items, neutral(byte_of(loop.array_steps, k)));
    cells[at] = reinterpret_cast<uint64_t>(owner);
    cells[at + 1] = reinterpret_cast<uint64_t>(data);
    at += 2 + rank;
  }
  return 0;
}

int32_t merge_arrays(coluber_ctx* ctx, const coluber_loop& loop, uint64_t* pair) {
  if (loop.merge) return loop.merge(ctx, pair, pair);
  size_t n = static_cast<size_t>(loop.narray_cells);
  for (size_t k = 0, at = 0; at < n; k++) {
    size_t rank = byte_of(loop.array_ranks, k);
    uint8_t how = byte_of(loop.array_steps, k);
    uint64_t items = items_of(pair + at, rank);
    auto *into = reinterpret_cast<uint64_t*>(pair[at + 1]), *from = reinterpret_cast<uint64_t*>(pair[n + at + 1]);
    if (how & kOfFloats) {
      auto *x = reinterpret_cast<double*>(into), *y = reinterpret_cast<double*>(from);
      for (uint64_t i = 0; i < items; i++) x[i] = step(how & 7, x[i], y[i]);
    } else {
      for (uint64_t i = 0; i < items; i++) into[i] = step_of_bits(how, into[i], from[i]);
    }
    at += 2 + rank;
  }
  return 0;
}

}  // namespace coluber::jit
