// Critical sections: one lock for each name, for compiled code and Python alike. Found without a lock of its own: names are 64-bit keys in
// lists that only grow. A thread that has a lock may enter it again. Each thread keeps a record per entry, of the same lock too, so that what is
// stopped inside takes back its own entries and no more.
//
// Who waits has given the GIL back, so that the owner may take it; and looks for Ctrl-C, or, inside of a parallel loop, whether it is still wanted.
#include <Python.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <ctime>
#include <mutex>
#include <set>
#include <vector>

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
  int depth = 0;                                     // the owner's: how often it has entered
};

constexpr size_t kLists = 64;
std::atomic<Lock*> g_lists[kLists];
thread_local std::vector<Lock*> t_entries;           // that it has not left, the last one at the end
thread_local const LockSet* t_locks = nullptr;       // of those of a round, once somebody has asked
thread_local char t_self = 0;                        // its address stands for the thread

std::mutex g_sets_mutex;
std::set<LockSet> g_sets;                            // only grows: there are as many as ways to nest sections

void before_fork() { g_sets_mutex.lock(); }
void after_fork_in_parent() { g_sets_mutex.unlock(); }

// In the child there is one thread: nobody gives back what others had.
void after_fork_in_child() {
  g_sets_mutex.unlock();
  for (std::atomic<Lock*>& list : g_lists)
    for (Lock* l = list.load(); l; l = l->next) {
      if (l->owner.load() == &t_self) continue;
      l->owner.store(nullptr);
      l->state.store(kFree);
    }
}

Lock* find(uint64_t key) {
  static std::once_flag once;
  std::call_once(once, [] { pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child); });
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

bool has(Lock* l) { return l->owner.load(std::memory_order_relaxed) == &t_self; }

void note_entry(Lock* l) {
  l->depth++;
  t_entries.push_back(l);
  t_locks = nullptr;
}

void taken(Lock* l) {
  l->owner.store(&t_self, std::memory_order_relaxed);
  l->depth = 0;
  note_entry(l);
}

bool again(Lock* l) {
  if (!has(l)) return false;
  note_entry(l);
  return true;
}

// Takes back the last entry of a lock that this thread has.
void leave(Lock* l) {
  auto at = std::find(t_entries.rbegin(), t_entries.rend(), l);   // nearly always the first
  t_entries.erase(std::next(at).base());
  t_locks = nullptr;
  if (--l->depth > 0) return;
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
  taken(l);
  return true;
}

bool exit_critical(const char* name, size_t length) {
  Lock* l = find(critical_key(name, length));
  if (!has(l)) return false;
  leave(l);
  return true;
}

size_t critical_entries() { return t_entries.size(); }
void critical_leave(size_t entries) {
  while (t_entries.size() > entries) leave(t_entries.back());
}

// What is kept was made for this `since`: another round begins with no entries of its own, and the first one clears it.
const LockSet* critical_locks(size_t since) {
  if (t_entries.size() <= since) return nullptr;
  if (t_locks) return t_locks;
  LockSet keys;
  for (size_t k = since; k < t_entries.size(); k++) keys.push_back(t_entries[k]->key);
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  std::lock_guard lock(g_sets_mutex);
  return t_locks = &*g_sets.insert(std::move(keys)).first;
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
  taken(l);
  return 0;
}

void coluber_critical_exit(int64_t key) {
  Lock* l = find(static_cast<uint64_t>(key));
  if (has(l)) leave(l);
}

}  // extern "C"
