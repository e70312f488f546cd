// Critical sections: one lock for each name, for compiled code and Python alike. Found without a lock of its own: names are 64-bit keys in
// lists that only grow. A thread that has a lock may enter it again.
//
// Who waits has given the GIL back, so that the owner may take it; and looks for Ctrl-C, or, inside of a parallel loop, whether it is still wanted.
#include <Python.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <ctime>
#include <mutex>

#include "jit/runtime/critical.h"
#include "jit/runtime/parallel.h"
#include "jit/runtime/runtime.h"

namespace coluber::jit {
namespace {

enum State : int { kFree, kTaken, kWanted };         // wanted: taken, and somebody sleeps
constexpr int64_t kLook = 20'000'000;                // between two looks for Ctrl-C, in nanoseconds

struct Lock {
  explicit Lock(uint64_t k) : key(k) {}
  const uint64_t key;
  Lock* next = nullptr;                              // of the same list
  std::atomic<int> state{kFree};
  std::atomic<const void*> owner{nullptr};
  int depth = 0;                                     // these two: the owner's
  Lock* outer = nullptr;                             // that it took before
  const void* call = nullptr;                        // of compiled code, in which it took it; null: Python did
};

constexpr size_t kLists = 64;
std::atomic<Lock*> g_lists[kLists];
thread_local Lock* t_held = nullptr;                 // the one it took last
thread_local char t_self = 0;                        // its address stands for the thread

// After fork() there is one thread: nobody gives back what others had.
void forget_others() {
  for (std::atomic<Lock*>& list : g_lists)
    for (Lock* l = list.load(); l; l = l->next) {
      if (l->owner.load() == &t_self) continue;
      l->owner.store(nullptr);
      l->state.store(kFree);
    }
}

Lock* find(uint64_t key) {
  static std::once_flag once;
  std::call_once(once, [] { pthread_atfork(nullptr, nullptr, forget_others); });
  std::atomic<Lock*>& list = g_lists[key % kLists];
  Lock* head = list.load(std::memory_order_acquire);
  for (Lock* l = head; l; l = l->next)
    if (l->key == key) return l;
  auto* made = new Lock(key);                        // never freed: there are as many as names
  for (Lock* seen = nullptr;;) {
    for (Lock* l = head; l != seen; l = l->next)     // what came in the meantime
      if (l->key == key) return delete made, l;
    made->next = seen = head;
    if (list.compare_exchange_weak(head, made, std::memory_order_acq_rel)) return made;
  }
}

bool try_take(Lock* l) {
  int free = kFree;
  return l->state.compare_exchange_strong(free, kTaken, std::memory_order_acquire);
}

// Some time for the owner. True: the lock is this thread's.
bool wait_a_while(Lock* l) {
  for (int k = 0; k < 200; k++) {
    if (try_take(l)) return true;
    __builtin_ia32_pause();
  }
  if (l->state.exchange(kWanted, std::memory_order_acquire) == kFree) return true;
  timespec time{0, kLook};
  syscall(SYS_futex, reinterpret_cast<int*>(&l->state), FUTEX_WAIT_PRIVATE, kWanted, &time, nullptr, 0);
  return l->state.exchange(kWanted, std::memory_order_acquire) == kFree;
}

void taken(Lock* l, const void* call) {
  l->call = call;
  l->owner.store(&t_self, std::memory_order_relaxed);
  l->depth = 1;
  l->outer = t_held;
  t_held = l;
}

bool again(Lock* l) {
  if (l->owner.load(std::memory_order_relaxed) != &t_self) return false;
  l->depth++;
  return true;
}

void give_back(Lock* l) {
  Lock** at = &t_held;
  while (*at != l) at = &(*at)->outer;               // nearly always the first
  *at = l->outer;
  l->owner.store(nullptr, std::memory_order_relaxed);
  if (l->state.exchange(kFree, std::memory_order_release) == kWanted)
    syscall(SYS_futex, reinterpret_cast<int*>(&l->state), FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

}  // namespace

// As typing's text_hash.
uint64_t critical_key(const char* name, size_t length) {
  uint64_t h = 14695981039346656037u;
  for (size_t k = 0; k < length; k++) h = (h ^ static_cast<unsigned char>(name[k])) * 1099511628211u;
  return h;
}

bool enter_critical(const char* name, size_t length) {
  Lock* l = find(critical_key(name, length));
  if (again(l)) return true;
  for (bool mine = try_take(l); !mine;) {
    Py_BEGIN_ALLOW_THREADS;
    mine = wait_a_while(l);
    Py_END_ALLOW_THREADS;
    if (mine || PyErr_CheckSignals() == 0) continue;
    return false;
  }
  taken(l, nullptr);
  return true;
}

bool exit_critical(const char* name, size_t length) {
  Lock* l = find(critical_key(name, length));
  if (l->owner.load() != &t_self) return false;
  coluber_critical_exit(static_cast<int64_t>(l->key));
  return true;
}

const void* critical_held() { return t_held; }
uint64_t critical_held_key() { return t_held ? t_held->key : 0; }
void critical_end(const void* call) {
  while (t_held && t_held->call == call) give_back(t_held);
}
void critical_leave(const void* outer) {
  while (t_held && t_held != outer) give_back(t_held);
}

}  // namespace coluber::jit

using namespace coluber::jit;

extern "C" {

int32_t coluber_critical_enter(coluber_ctx* ctx, int64_t key) {
  Lock* l = find(static_cast<uint64_t>(key));
  if (again(l)) return 0;
  if (!try_take(l)) {
    bool held = ctx->gil_held == 1;
    coluber_ctx released = *ctx;
    if (held) released.gil_held = 0;
    if (held && g_signal_word) released.poll = g_signal_word(ctx->thread_state);
    PyThreadState* saved = held ? PyEval_SaveThread() : nullptr;
    bool mine = false, stop = false;
    while (!mine && !stop) {
      mine = wait_a_while(l);
      stop = !mine && *released.poll && coluber_poll(&released);
    }
    if (saved) PyEval_RestoreThread(saved);
    ctx->error = released.error;
    if (stop) return 1;
  }
  taken(l, ctx);
  return 0;
}

void coluber_critical_exit(int64_t key) {
  Lock* l = find(static_cast<uint64_t>(key));
  if (l->owner.load(std::memory_order_relaxed) == &t_self && --l->depth == 0) give_back(l);
}

}  // extern "C"
