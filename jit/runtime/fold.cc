// Reductions of vectors by NumPy's own loops, on one thread or on several. How a vector is cut depends on its length alone, never on the threads,
// and sums of floats are cut at the nodes of NumPy's pairwise tree and put together along it: the result is NumPy's to the bit.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "ir/schedule.h"
#include "jit/runtime/parallel.h"
#include "jit/runtime/runtime.h"

namespace coluber::jit {
namespace {

using namespace coluber::ir;                         // FoldHow

constexpr int64_t kSplit = 32768, kPiece = 16384, kMostPieces = 256, kBuffer = 8192;
constexpr int64_t kCost = 4;                         // of one item, in the unit of parallel_least()

// Where NumPy's pairwise sum of so many items parts them.
int64_t half_of(int64_t count, int64_t how) { return how == kPairwiseComplex ? (count - count % 8) / 2 : count / 2 - count / 2 % 8; }

using Item = unsigned char[16];

// -0.0, what added to x is x; of complex numbers both parts.
void neutral_sum(void* to, int64_t item, int64_t how) {
  int64_t width = how == kPairwiseComplex || how == kBufferedComplex ? item / 2 : item;
  memset(to, 0, static_cast<size_t>(item));
  for (int64_t end = width - 1; end < item; end += width) static_cast<char*>(to)[end] = static_cast<char>(0x80);
}

// out = x op y, one item each.
void apply(void* function, void* data, void* x, void* y, void* out) {
  using Loop = void (*)(char**, const int64_t*, const int64_t*, void*);
  char* args[3] = {static_cast<char*>(x), static_cast<char*>(y), static_cast<char*>(out)};
  int64_t count = 1, steps[3] = {0, 0, 0};
  reinterpret_cast<Loop>(function)(args, &count, steps, data);
}

// A vector that is computed block by block. Of pairwise sums a block is a node of the tree that is small enough, the blocks come from left to right, and
// the sums of left halves wait for their right ones.
struct Blocks {
  void *function, *data;
  char* acc;
  int64_t left, item, how, bits;                     // left: items that no block has had
  int64_t at = 0, size = 0;                          // the last block
  int depth = 0;
  alignas(8) Item before;                                // of a search: what it began with
  struct Node {
    int64_t right;                                   // items of the right half
    bool waits;                                      // the left half's sum is there
    alignas(8) Item sum;
  } nodes[64];

  void descend(int64_t count) {
    while (count > kFoldBlock) {
      int64_t first = half_of(count, how);
      nodes[depth].right = count - first;
      nodes[depth++].waits = false;
      count = first;
    }
    size = count;
  }

  // The last block's sum goes up the tree; false: that was all.
  bool climb(Item sum) {
    while (depth > 0) {
      Node& top = nodes[depth - 1];
      if (!top.waits) {
        memcpy(top.sum, sum, sizeof(Item));
        top.waits = true;
        return descend(top.right), true;
      }
      apply(function, data, top.sum, sum, sum);
      depth--;
    }
    apply(function, data, acc, sum, acc);
    return false;
  }

  int64_t next(char* items) {
    bool tree = how != kAny;
    char* last = items + (bits & kFoldInPlace ? at * item : 0);
    if (size == 0) {                                 // nothing yet
      if (left == 0) return 0;
      memcpy(before, acc, static_cast<size_t>(item));
      if (tree) descend(left);
      else size = std::min(left, kFoldBlock);
      return size;
    }
    if (at == 0 && bits & kFoldFromFirst) memcpy(acc, last, static_cast<size_t>(item));
    at += size;
    left -= size;
    if (tree) {
      alignas(8) Item sum;
      neutral_sum(sum, item, how);
      coluber_fold(function, data, sum, last, size, item);
      return climb(sum) ? size : 0;
    }
    coluber_fold(function, data, acc, last, size, item);
    if (bits & kFoldSearch && memcmp(before, acc, static_cast<size_t>(item)) != 0 && !(bits & kFoldInPlace)) return 0;
    return size = std::min(left, kFoldBlock);
  }
};
static_assert(sizeof(Blocks) <= kFoldState);

struct Fold {
  void *function, *data;
  char *acc, *items;
  int64_t n, step, item, how, pieces;
  char* found = nullptr;                             // one item per piece

  bool buffered() const { return how >= kBuffered; }

  int64_t half(int64_t count) const { return half_of(count, how); }

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
    } else {
      neutral_sum(to, item, how);
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

void coluber_fold_begin(void* state, void* function, void* loop_data, void* acc, int64_t n, int64_t item, int64_t how) {
  auto* b = new (state) Blocks;                      // the nodes are filled when they are needed
  b->function = function;
  b->data = loop_data;
  b->acc = static_cast<char*>(acc);
  b->left = n;
  b->item = item;
  b->how = how & kFold;
  b->bits = how;
}

int64_t coluber_fold_next(void* state, void* items) { return static_cast<Blocks*>(state)->next(static_cast<char*>(items)); }

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
