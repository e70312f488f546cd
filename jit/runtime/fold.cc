// Reductions of vectors by NumPy's own loops, on one thread or on several. How a vector is cut depends on its length alone, never on the threads,
// and sums of floats are cut at the nodes of NumPy's pairwise tree and put together along it: the result is NumPy's to the bit.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "jit/runtime/parallel.h"
#include "jit/runtime/runtime.h"

namespace coluber::jit {
namespace {

enum How : int64_t { kAny, kPairwise, kPairwiseComplex, kBuffered, kBufferedComplex };   // as the intrinsic fold_shared has them
constexpr int64_t kSplit = 32768, kPiece = 16384, kMostPieces = 256, kBuffer = 8192;
constexpr int64_t kCost = 4;                         // of one item, in the unit of parallel_least()

struct Fold {
  void *function, *data;
  char *acc, *items;
  int64_t n, step, item, how, pieces;
  char* found = nullptr;                             // one item per piece

  bool buffered() const { return how >= kBuffered; }

  int64_t half(int64_t count) const { return how == kPairwiseComplex ? (count - count % 8) / 2 : count / 2 - count / 2 % 8; }

  void place(int64_t k, int64_t* first, int64_t* count) const {
    if (buffered()) {
      *first = k * kBuffer;
      *count = std::min(kBuffer, n - *first);
    } else if (how == kAny) {
      *first = n / pieces * k + n % pieces * k / pieces;
      *count = n / pieces * (k + 1) + n % pieces * (k + 1) / pieces - *first;
    } else {                                         // the bits of k tell the way down the tree
      *first = 0;
      *count = n;
      for (int64_t bit = pieces / 2; bit > 0; bit /= 2) {
        int64_t left = half(*count);
        if (k & bit) *first += left, *count -= left;
        else *count = left;
      }
    }
  }

  void piece(int64_t k) const {
    int64_t first, count;
    place(k, &first, &count);
    char* to = found + k * item;
    if (how == kAny) {
      memcpy(to, acc, static_cast<size_t>(item));    // twice does no harm
    } else {                                         // -0.0, what added to x is x
      int64_t width = how == kPairwiseComplex || how == kBufferedComplex ? item / 2 : item;
      memset(to, 0, static_cast<size_t>(item));
      for (int64_t end = width - 1; end < item; end += width) to[end] = static_cast<char>(0x80);
    }
    coluber_fold(function, data, to, items + first * step, count, step);
  }

  // out[i] = x[i] op y[i] of items that lie so many bytes apart.
  void combine(char* x, char* y, char* out, int64_t count, int64_t apart) const {
    using Loop = void (*)(char**, const int64_t*, const int64_t*, void*);
    char* args[3] = {x, y, out};
    int64_t steps[3] = {apart, apart, item};
    reinterpret_cast<Loop>(function)(args, &count, steps, data);
  }

  void put_together() {
    if (how == kPairwise || how == kPairwiseComplex) {
      for (int64_t left = pieces; left > 1; left /= 2) {
        char* sums = found + left * item;            // the next level lies behind this one
        combine(found, found + item, sums, left / 2, 2 * item);
        found = sums;
      }
      return combine(acc, found, acc, 1, item);
    }
    for (int64_t k = 0; k < pieces; k++) combine(acc, found + k * item, acc, 1, item);
  }
};

int32_t body(coluber_ctx*, const uint64_t* cells, uint64_t*) {
  const Fold* fold = reinterpret_cast<const Fold*>(cells[2]);
  for (uint64_t k = cells[0]; k < cells[1]; k++) fold->piece(static_cast<int64_t>(k));
  return 0;
}

int64_t pieces_of(int64_t n, int64_t how) {
  if (how >= kBuffered) return (n + kBuffer - 1) / kBuffer;
  if (how == kAny) return std::min(n / kPiece, kMostPieces);
  int64_t m = 2;
  while (m < kMostPieces && n / m > kPiece) m *= 2;
  return m;
}

}  // namespace
}  // namespace coluber::jit

using namespace coluber::jit;

extern "C" {

// A ufunc's loop whose first input and output are one item is NumPy's reduction: pairwise sums, vector minima.
void coluber_fold(void* function, void* loop_data, void* acc, void* items, int64_t n, int64_t step) {
  using Loop = void (*)(char**, const int64_t*, const int64_t*, void*);
  char* args[3] = {static_cast<char*>(acc), static_cast<char*>(items), static_cast<char*>(acc)};
  int64_t steps[3] = {0, step, 0};
  reinterpret_cast<Loop>(function)(args, &n, steps, loop_data);
}

int32_t coluber_fold_shared(coluber_ctx* ctx, void* function, void* loop_data, void* acc, void* items, int64_t n, int64_t step, int64_t item, int64_t how) {
  Fold fold{function, loop_data, static_cast<char*>(acc), static_cast<char*>(items), n, step, item, how, pieces_of(n, how)};
  bool few = n < kSplit || n < *parallel_least() / kCost;
  if (!few) fold.found = static_cast<char*>(malloc(static_cast<size_t>(2 * fold.pieces * item)));
  if (!fold.found && fold.buffered()) {             // in order, as below
    for (int64_t at = 0; at < n; at += kBuffer) coluber_fold(function, loop_data, acc, fold.items + at * step, std::min(kBuffer, n - at), step);
    return 0;
  }
  if (!fold.found) return coluber_fold(function, loop_data, acc, items, n, step), 0;
  char* memory = fold.found;
  uint64_t cells[3] = {0, static_cast<uint64_t>(fold.pieces), reinterpret_cast<uint64_t>(&fold)};
  coluber_loop loop{};
  loop.body = body;
  loop.ncells = 3;
  int32_t status = coluber_parallel_for(ctx, &loop, cells, 0, 0, 0);
  if (!status) fold.put_together();
  free(memory);
  return status;
}

}  // extern "C"
