// Parallel loops: deals the rounds of a loop out to threads of libomp, in parts that the body runs one at a time.
//
// - Threads: each has a context and a copy of the cells of its own; results per thread are combined in the order of the threads. One that is inside
//   of a parallel loop already runs an inner one by itself.
// - The GIL is released for the whole of it. The thread that entered looks for Ctrl-C, also while it waits for the others.
// - Errors: of the rounds that raise, the lowest one's exception is the loop's, as if the rounds had come in order. Threads with later rounds stop:
//   at the end of their part, or at their next poll, whose word is the thread's own; those with earlier rounds go on, since they may raise, too.
// - Parts are sized by the clock: large enough that dealing out costs nothing, small enough that stopping and balance come soon.
// - Deterministic loops are dealt out in blocks whose size depends on the number of rounds alone. Each begins with neutral values, and they are
//   combined in order: the same operations on any number of threads, one included.
#include <Python.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <mutex>
#include <optional>
#include <vector>

#include "ir/schedule.h"
#include "jit/runtime/combine.h"
#include "jit/runtime/critical.h"
#include "jit/runtime/openmp.h"
#include "jit/runtime/parallel.h"
#include "jit/runtime/races.h"
#include "jit/runtime/runtime.h"

namespace coluber::jit {

const volatile uint8_t* (*g_signal_word)(void* thread_state) = nullptr;

namespace {

using namespace coluber::ir;                         // schedules

constexpr uint64_t kEnd = UINT64_MAX;
constexpr int64_t kOwnPart = 500'000;                // nanoseconds: of a thread's own share
constexpr int64_t kSharedPart = 40'000;              // of what all threads take from
constexpr int64_t kAlonePart = 5'000'000;            // of one thread that does it all
constexpr int64_t kFewItems = 8192;                  // of arrays that each thread gets a copy of, however few rounds there are
constexpr uint64_t kFirstPart = 64;
constexpr uint64_t kBlocks = 1024, kArrayBlocks = 16; // of a deterministic loop, each with results of its own
constexpr int64_t kLeastWork = 250'000;              // of an array expression: less (some 15 us) is done before it pays to wake the other threads
constexpr int64_t kLook = 20'000'000;                // between two looks for Ctrl-C, in nanoseconds
constexpr size_t kLine = 128;                        // two cache lines: they are fetched in pairs

thread_local int t_wanted = 0;                       // set_num_threads, 0: not called
thread_local int t_chunk = 0;                        // set_parallel_chunksize, 0: not called
thread_local int t_inside = 0;                       // loops around
thread_local int t_number = 0, t_team = 1;           // in the loop around
thread_local char* t_stack_limit = nullptr;
const volatile uint8_t g_quiet = 0;

int64_t now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

char* stack_limit() { return t_stack_limit ? t_stack_limit : t_stack_limit = thread_stack_limit(); }

// What a thread has to itself; followed by its cells and results.
struct alignas(kLine) Thread {
  std::atomic<uint64_t> at{kEnd};                    // the part it runs
  volatile uint8_t stop = 0;                         // its poll word
  bool any = false;                                  // it ran a part
  bool has_arrays = false;                           // of its own, in its cells
  uint64_t* cells = nullptr;
  uint64_t* results = nullptr;
};

// Sizes parts so that one takes about `aim`.
class Pace {
 public:
  Pace(int64_t aim, uint64_t first) : aim_(aim), size_(first) {}
  uint64_t size() const { return size_; }
  void took(uint64_t rounds, int64_t time) {
    if (rounds < size_ && time < aim_ * 2) return;   // the last one, or one that was cut
    if (time < aim_ / 2 && size_ < uint64_t{1} << 40) size_ *= time < aim_ / 8 ? 4 : 2;
    else if (time > aim_ * 2 && size_ > 1) size_ /= 2;
  }

 private:
  int64_t aim_;
  uint64_t size_;
};

// A loop that is entered.
struct Run {
  const coluber_loop& loop;
  uint64_t* cells;
  int64_t items, chunk, threads;
  uint64_t rounds() const { return cells[1] - cells[0]; }
  uint64_t* accumulators() const { return cells + loop.ncells; }
};

class Region {
 public:
  Region(coluber_ctx* outer, const Run& run, int64_t schedule, int64_t chunk)
      : outer_(outer), loop_(run.loop), cells_(run.cells), accumulators_(run.accumulators()), ncells_(static_cast<size_t>(loop_.ncells)), naccs_(static_cast<size_t>(loop_.naccumulators)),
        array_(static_cast<size_t>(loop_.array_cell)), narrays_(static_cast<size_t>(loop_.narray_cells)), schedule_(schedule),
        chunk_(static_cast<uint64_t>(chunk)), start_(cells_[0]), count_(run.rounds()) {}
  ~Region() {
    free(memory_);
    free(blocks_);
  }

  // Blocks for deterministic results, where there are any.
  bool allocate_blocks() {
    if (!naccs_ && !narrays_) return true;
    uint64_t most = narrays_ ? kArrayBlocks : kBlocks;
    block_ = count_ / most + (count_ % most != 0);
    nblocks_ = count_ / block_ + (count_ % block_ != 0);
    blocks_ = static_cast<uint64_t*>(calloc(nblocks_, 8 * block_cells()));
    return blocks_ != nullptr;
  }
  void check(Shadow* shadow) { shadow_ = shadow; }

  bool allocate(int threads) {
    size_t one = sizeof(Thread) + (8 * (ncells_ + naccs_) + kLine - 1) / kLine * kLine;
    size_t pair = (16 * std::max(naccs_, narrays_) + kLine - 1) / kLine * kLine;
    memory_ = static_cast<char*>(aligned_alloc(kLine, one * static_cast<size_t>(threads) + pair));
    if (!memory_) return false;
    one_ = one;
    asked_ = threads;
    for (int t = 0; t < threads; t++) {
      auto* thread = new (memory_ + one * static_cast<size_t>(t)) Thread;
      thread->cells = reinterpret_cast<uint64_t*>(thread + 1);
      thread->results = thread->cells + ncells_;
    }
    return true;
  }
  Thread& thread(int t) { return *reinterpret_cast<Thread*>(memory_ + one_ * static_cast<size_t>(t)); }

  // What the threads (or the blocks) arrived at, one after the other, goes to what was there before the loop. Frees their arrays.
  int32_t finish(coluber_ctx* ctx) {
    int32_t status = error_ ? 1 : 0;
    ctx->error = error_;
    for (uint64_t b = 0; b < nblocks_; b++) {
      uint64_t* own = blocks_ + b * block_cells();
      add_up(ctx, own[0], own + 2, own[1] ? own + 2 + naccs_ : nullptr, &status);
    }
    for (int t = 0; t < asked_ && !nblocks_; t++) {
      Thread& one = thread(t);
      add_up(ctx, one.any, one.results, one.has_arrays ? one.cells + array_ : nullptr, &status);
    }
    return status;
  }

  void run(int number, int team) {
    Thread& me = thread(number);
    coluber_ctx ctx = *outer_;
    ctx.error = nullptr;
    if (number > 0) {
      ctx.poll = &me.stop;
      ctx.stack_limit = stack_limit();
      ctx.gil_held = COLUBER_IN_REGION;
      ctx.thread_state = nullptr;
    }
    memcpy(me.cells, cells_, 8 * ncells_);
    size_t entries = critical_entries();
    std::optional<CheckedThread> checked;
    if (nblocks_) in_blocks(me, &ctx, static_cast<uint64_t>(number), static_cast<uint64_t>(team));
    else if (!own_arrays(me, &ctx, me.cells + array_)) failed(&ctx, 0);
    else if (check_on(&checked, me.cells + array_); schedule_ == kDynamic || schedule_ == kGuided || schedule_ == kMeasured) shared(me, &ctx, team);
    else own(me, &ctx, static_cast<uint64_t>(number), static_cast<uint64_t>(team));
    checked.reset();
    critical_leave(entries);                         // of a round that was stopped inside
    me.at.store(kEnd);
    if (number > 0) arrive();
    else wait(&ctx, team);
  }

 private:
  // Of a block: was it run to its end, has it arrays, its results, its arrays.
  size_t block_cells() const { return 2 + naccs_ + narrays_; }

  bool own_arrays(Thread& me, coluber_ctx* ctx, uint64_t* cells) {
    if (!narrays_) return true;
    if (make_arrays(ctx, loop_, cells_ + array_, cells)) return false;
    return me.has_arrays = true;
  }

  void check_on(std::optional<CheckedThread>* checked, const uint64_t* arrays) {
    if (!shadow_) return;
    checked->emplace(shadow_, 0);
    for (size_t k = 0; k < narrays_; k++)
      if (loop_.owners >> k & 1 && arrays[k]) (*checked)->own(reinterpret_cast<coluber_owner*>(arrays[k]));
  }

  void add_up(coluber_ctx* ctx, bool any, const uint64_t* results, uint64_t* arrays, int32_t* status) {
    auto* pair = reinterpret_cast<uint64_t*>(memory_ + one_ * static_cast<size_t>(asked_));
    if (!*status && any && naccs_) {
      memcpy(pair, accumulators_, 8 * naccs_);
      memcpy(pair + naccs_, results, 8 * naccs_);
      *status = combine(ctx, loop_, pair, accumulators_);
    }
    if (!arrays) return;
    memcpy(pair, cells_ + array_, 8 * narrays_);
    memcpy(pair + narrays_, arrays, 8 * narrays_);
    if (!*status && any) *status = merge_arrays(ctx, loop_, pair);
    for (size_t k = 0; k < narrays_; k++)
      if (loop_.owners >> k & 1) release(reinterpret_cast<void*>(arrays[k]));
  }

  // Who takes which block does not matter to the result.
  void in_blocks(Thread& me, coluber_ctx* ctx, uint64_t number, uint64_t team) {
    if (schedule_ == kDynamic || schedule_ == kGuided || schedule_ == kMeasured) {
      for (uint64_t b; (b = next_.fetch_add(1, std::memory_order_relaxed)) < nblocks_;)
        if (!block(me, ctx, b)) return;
      return;
    }
    uint64_t share = nblocks_ / team, rest = nblocks_ % team;
    uint64_t first = chunk_ ? number : share * number + std::min(number, rest), step = chunk_ ? team : 1;
    uint64_t end = chunk_ ? nblocks_ : first + share + (number < rest ? 1 : 0);
    for (uint64_t b = first; b < end; b += step)
      if (!block(me, ctx, b)) return;
  }

  bool block(Thread& me, coluber_ctx* ctx, uint64_t b) {
    uint64_t *own = blocks_ + b * block_cells(), *arrays = own + 2 + naccs_, at = b * block_;
    memcpy(me.cells, cells_, 8 * ncells_);
    if (at >= limit_.load()) return false;
    if (!own_arrays(me, ctx, arrays)) return failed(ctx, at), false;
    own[1] = narrays_ != 0;
    memcpy(me.cells + array_, arrays, 8 * narrays_);
    std::optional<CheckedThread> checked;
    check_on(&checked, arrays);
    if (!part(me, ctx, at, std::min(block_, count_ - at))) return false;
    memcpy(own + 2, me.results, 8 * naccs_);
    own[0] = 1;
    return true;
  }

  // Parts of the thread's own share: equal parts of the whole, or every team-th of `chunk` rounds.
  void own(Thread& me, coluber_ctx* ctx, uint64_t number, uint64_t team) {
    uint64_t share = count_ / team, rest = count_ % team;
    Pace pace(kOwnPart, std::clamp<uint64_t>(share / 64, 1, kFirstPart));
    if (chunk_) {
      for (uint64_t k = number; k < count_ / chunk_ + (count_ % chunk_ != 0); k += team)
        if (!parts(me, ctx, &pace, k * chunk_, std::min(chunk_, count_ - k * chunk_))) return;
      return;
    }
    parts(me, ctx, &pace, share * number + std::min(number, rest), share + (number < rest ? 1 : 0));
  }

  // n rounds, one piece after the other.
  bool parts(Thread& me, coluber_ctx* ctx, Pace* pace, uint64_t at, uint64_t n) {
    for (uint64_t end = at + n; at < end; at += n) {
      n = std::min(pace->size(), end - at);
      if (end - at - n < n / 2) n = end - at;        // no short one at the end
      int64_t began = now();
      if (!part(me, ctx, at, n)) return false;
      pace->took(n, now() - began);
    }
    return true;
  }

  // Parts that all threads take from one counter.
  void shared(Thread& me, coluber_ctx* ctx, int team) {
    uint64_t threads = static_cast<uint64_t>(team);
    Pace pace(kSharedPart, std::clamp<uint64_t>(count_ / (threads * 256), 1, kFirstPart));
    while (true) {
      uint64_t at = next_.load(std::memory_order_relaxed), n = 0;
      do {
        if (at >= count_) return;
        uint64_t left = count_ - at;
        if (schedule_ == kGuided) n = std::max<uint64_t>(left / (2 * threads), std::max<uint64_t>(chunk_, 1));
        else n = chunk_ ? chunk_ : std::min(pace.size(), std::max<uint64_t>(left / (2 * threads), 1));
        n = std::min(n, left);
      } while (!next_.compare_exchange_weak(at, at + n, std::memory_order_relaxed));
      bool fixed = chunk_ || schedule_ == kGuided;
      int64_t began = fixed ? 0 : now();
      if (!(fixed ? parts(me, ctx, &pace, at, n) : part(me, ctx, at, n))) return;
      if (!fixed) pace.took(n, now() - began);
    }
  }

  // False: this thread's later parts are not wanted any more.
  bool part(Thread& me, coluber_ctx* ctx, uint64_t at, uint64_t n) {
    me.at.store(at);
    if (at >= limit_.load()) return false;           // in this order: who sets the limit sees the place, or the place's owner the limit
    if (*ctx->poll) [[unlikely]] {
      if (ctx->gil_held == COLUBER_IN_REGION) return false;
      if (coluber_poll(ctx)) return failed(ctx, at), false;
    }
    me.cells[0] = start_ + at;
    me.cells[1] = me.cells[0] + n;
    me.any = true;
    if (loop_.body(ctx, me.cells, me.results)) [[unlikely]] {
      failed(ctx, at);
      return false;
    }
    if (naccs_) memcpy(me.cells + (ncells_ - naccs_), me.results, 8 * naccs_);
    return true;
  }

  void failed(coluber_ctx* ctx, uint64_t at) {
    coluber_exc* exc = ctx->error;
    ctx->error = nullptr;
    bool forced = ctx->gil_held != COLUBER_IN_REGION && exc && exc->interrupts;   // all of it ends
    {
      std::lock_guard lock(mutex_);
      if (!error_ || forced || (at < limit_.load() && !forced_)) std::swap(exc, error_);
      forced_ |= forced;
      limit_.store(forced_ ? 0 : std::min(at, limit_.load()));
      for (int t = 1; t < asked_; t++) {
        uint64_t its = thread(t).at.load();
        if (its != kEnd && (forced_ || its > limit_.load())) thread(t).stop = 1;
      }
    }
    release(exc);                                    // the one that is not the loop's
  }

  void arrive() {
    arrived_.fetch_add(1);
    if (waiting_.load()) syscall(SYS_futex, reinterpret_cast<int*>(&arrived_), FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  }

  // Until the others are done. libomp would wait as well, but not look for Ctrl-C.
  void wait(coluber_ctx* ctx, int team) {
    static_assert(sizeof(std::atomic<int>) == sizeof(int));
    for (int k = 0; k < 2000 && arrived_.load() < team - 1; k++) __builtin_ia32_pause();
    waiting_.store(true);
    for (int there = arrived_.load(); there < team - 1; there = arrived_.load()) {
      timespec time{0, kLook};
      syscall(SYS_futex, reinterpret_cast<int*>(&arrived_), FUTEX_WAIT_PRIVATE, there, &time, nullptr, 0);
      if (*ctx->poll && coluber_poll(ctx)) failed(ctx, 0);
    }
  }

  coluber_ctx* const outer_;
  const coluber_loop& loop_;
  uint64_t *const cells_, *const accumulators_;
  const size_t ncells_, naccs_, array_, narrays_;
  const int64_t schedule_;
  const uint64_t chunk_;
  const uint64_t start_, count_;
  char* memory_ = nullptr;
  uint64_t* blocks_ = nullptr;
  uint64_t nblocks_ = 0, block_ = 0;                 // of so many rounds
  Shadow* shadow_ = nullptr;
  size_t one_ = 0;
  int asked_ = 0;
  bool forced_ = false;
  std::mutex mutex_;
  coluber_exc* error_ = nullptr;
  alignas(kLine) std::atomic<uint64_t> next_{0};
  alignas(kLine) std::atomic<uint64_t> limit_{kEnd};
  alignas(kLine) std::atomic<int> arrived_{0};
  std::atomic<bool> waiting_{false};
};

OmpPlace g_place{0, 2, 0, 0, ";coluber;prange;0;0;;"};     // 2: called by code of __kmpc form

// libomp orders what is done before a region, in it and behind it, but ThreadSanitizer does not see how: this it does.
std::atomic<uint32_t> g_order{0};

void task(int32_t*, int32_t*, Region* region) {
  (void)g_order.load(std::memory_order_acquire);
  const OpenMp* omp = openmp();
  t_number = omp->thread_num();
  t_team = omp->num_threads();
  t_inside++;
  region->run(t_number, t_team);
  t_inside--;
  t_number = 0;
  t_team = 1;
  g_order.fetch_add(1, std::memory_order_release);
}

// What OMP_SCHEDULE, or omp_set_schedule, says.
void runtime_schedule(const OpenMp* omp, int64_t* schedule, int64_t* chunk) {
  int kind = 0, size = 0;
  omp->schedule(&kind, &size);
  kind &= 0x7fffffff;                                // the top bit asks for monotonic order
  *schedule = kind == 2 ? kDynamic : kind == 3 ? kGuided : kind == 4 ? kMeasured : kStatic;
  if (!*chunk && size > 0) *chunk = size;
}

int threads_for(int64_t asked, uint64_t rounds) {
  int64_t threads = asked > 0 ? asked : num_threads();
  return static_cast<int>(std::min<uint64_t>(static_cast<uint64_t>(std::min<int64_t>(threads, kMostThreads)), rounds));
}

// Says once that loops run on one thread. False: the warning was made an error.
bool warn_without_openmp(coluber_ctx* ctx, const std::string& why) {
  static std::atomic<bool> said{false};
  if (said.exchange(true)) return true;
  GilScope gil;
  if (PyErr_WarnFormat(PyExc_RuntimeWarning, 1, "parallel loops run on one thread: %s", why.c_str()) == 0) return true;
  raise_python_error(ctx);
  return false;
}

// Copies of large arrays for the sake of few rounds: not worth it.
bool too_large(const Run& run) {
  return run.loop.narray_cells && run.items > kFewItems && static_cast<uint64_t>(run.items) > 4 * run.rounds();
}

// By so many threads; one is this one alone. 0 or 1; -1: there is no memory for it.
int32_t run_region(coluber_ctx* ctx, const Run& run, const OpenMp* omp, int threads, int64_t schedule, int64_t chunk) {
  const coluber_loop& loop = run.loop;
  Region region(ctx, run, schedule, chunk);
  std::optional<Shadow> shadow;
  if (!region.allocate(threads) || (loop.schedule & kDeterministic && !region.allocate_blocks())) return -1;
  if (loop.schedule & kChecked && !checking_races()) region.check(&shadow.emplace());
  if (threads == 1) {
    region.run(0, 1);
  } else {
    g_order.fetch_add(1, std::memory_order_release);
    omp->push_num_threads(&g_place, omp->global_thread_num(&g_place), threads);
    omp->fork_call(&g_place, 1, reinterpret_cast<OmpTask>(&task), &region);
    (void)g_order.load(std::memory_order_acquire);
  }
  return region.finish(ctx);
}

// Without the GIL. 0 or 1; -1: it has to run on this thread.
int32_t run_threads(coluber_ctx* ctx, const Run& run) {
  std::string why;
  const OpenMp* omp = openmp(&why);
  if (!omp) return warn_without_openmp(ctx, why) ? -1 : 1;
  int64_t schedule = run.loop.schedule & kSchedule, chunk = run.chunk;
  if (schedule == kRuntime) runtime_schedule(omp, &schedule, &chunk);
  if (!chunk && schedule != kWorth) chunk = t_chunk;
  int threads = threads_for(run.threads, run.rounds());
  if (threads > 1) threads = threads_there(threads);
  return threads < 2 ? -1 : run_region(ctx, run, omp, threads, schedule, chunk);
}

// All of it on this thread, beginning with what is in accs.
int32_t run_parts(coluber_ctx* ctx, const Run& run, uint64_t* accs) {
  const coluber_loop& loop = run.loop;
  uint64_t *cells = run.cells, at = cells[0], end = cells[1], n = 0;
  size_t naccs = static_cast<size_t>(loop.naccumulators), first = static_cast<size_t>(loop.ncells) - naccs;
  Pace pace(kAlonePart, kFirstPart);
  for (; at != end; at += n) {
    n = std::min(pace.size(), end - at);
    cells[0] = at;
    cells[1] = at + n;
    memcpy(cells + first, accs, 8 * naccs);
    int64_t began = now();
    if (loop.body(ctx, cells, accs) || (*ctx->poll && coluber_poll(ctx))) return 1;
    pace.took(n, now() - began);
  }
  return 0;
}

int32_t run_here(coluber_ctx* ctx, const Run& run) {
  const coluber_loop& loop = run.loop;
  bool within = checking_races();                    // it is a part of a round
  std::optional<InnerLoop> inner;
  if (within) inner.emplace();
  if (loop.schedule & kDeterministic || (loop.schedule & kChecked && !within)) {
    int32_t status = run_region(ctx, run, nullptr, 1, kStatic, 0);
    if (status < 0) coluber_raise_diag(ctx, -1, nullptr, 0);      // MemoryError
    return status != 0;
  }
  uint64_t* accumulators = run.accumulators();
  if (!(loop.schedule & kFromNeutral)) return run_parts(ctx, run, accumulators);
  size_t naccs = static_cast<size_t>(loop.naccumulators);
  std::vector<uint64_t> pair(accumulators, accumulators + naccs);
  pair.insert(pair.end(), accumulators - naccs, accumulators);
  return run_parts(ctx, run, pair.data() + naccs) || combine(ctx, loop, pair.data(), accumulators);
}

}  // namespace

int num_threads() { return t_inside ? t_team : t_wanted ? t_wanted : default_threads(); }
void set_num_threads(int count) { t_wanted = count; }
int chunk_size() { return t_chunk; }
void set_chunk_size(int count) { t_chunk = count; }
int thread_number() { return t_number; }

int64_t* parallel_least() {
  static int64_t least = [] {
    const char* text = getenv("COLUBER_PARALLEL_THRESHOLD");
    char* end = nullptr;
    int64_t given = text ? strtoll(text, &end, 10) : 0;
    return text && *text && *end == '\0' ? given : kLeastWork;
  }();
  return &least;
}

}  // namespace coluber::jit

using namespace coluber::jit;

extern "C" {

int32_t coluber_parallel_for(coluber_ctx* ctx, const coluber_loop* loop, uint64_t* cells, int64_t items, int64_t chunk, int64_t threads) {
  if (static_cast<int64_t>(cells[0]) >= static_cast<int64_t>(cells[1])) return 0;
  if (loop->schedule == kWorth) {                    // its rounds raise for themselves, and have no accumulators
    if (threads < *parallel_least()) return loop->body(ctx, cells, cells + loop->ncells);
    threads = 0;
  }
  const Run run{*loop, cells, items, chunk, threads};
  int32_t status = -1;
  size_t entries = critical_entries();
  if (!t_inside && !checking_races() && threads != 1 && run.rounds() > 1 && !too_large(run)) {
    int64_t held = ctx->gil_held;
    coluber_ctx released = *ctx;
    released.gil_held = 0;
    if (held && g_signal_word) released.poll = g_signal_word(ctx->thread_state);
    PyThreadState* saved = held ? PyEval_SaveThread() : nullptr;
    status = run_threads(&released, run);
    if (saved) PyEval_RestoreThread(saved);
    ctx->error = released.error;
  }
  if (status < 0) status = run_here(ctx, run);
  if (status) critical_leave(entries);               // of a round that ended inside
  return status;
}

int64_t coluber_num_threads() { return num_threads(); }
void coluber_set_num_threads(int64_t count) { set_num_threads(static_cast<int>(count)); }
int64_t coluber_chunk_size() { return chunk_size(); }
void coluber_set_chunk_size(int64_t count) { set_chunk_size(static_cast<int>(std::min<int64_t>(count, INT_MAX))); }
int64_t coluber_thread_number() { return thread_number(); }

}  // extern "C"
