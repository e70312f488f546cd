// Loops that are checked for races (option check_races): each access of a round to the memory of arrays and lists comes here first. Two accesses
// collide when they are of different rounds, one of them stores, and no critical section is around both. Atomic updates do not come here, and arrays
// that threads have to themselves are left out. It is rounds that are compared, not threads: one thread finds the same.
#include <Python.h>

#include "jit/runtime/races.h"

#include <algorithm>

namespace coluber::jit {

std::atomic<int> g_shadows{0};

namespace {

constexpr int64_t kItem = 16;              // the largest one; more bytes are several
constexpr int64_t kStep = 4;

struct State {                             // of a thread
  Shadow* shadow = nullptr;
  int inner = 0;                           // loops within the round
  int64_t round = 0;
  size_t entries = 0;                      // of critical sections that are around the loop: they keep no two rounds apart
  std::vector<std::pair<uintptr_t, uintptr_t>> own;
};
thread_local State t_state;

// All shadows there are, for memory that is given back by whatever thread.
std::mutex g_mutex;
std::vector<Shadow*> g_all;

// One lock of both is enough, whatever else they are in.
bool share_lock(const Use& a, const Use& b) {
  if (!a.locks || !b.locks) return false;
  return a.locks == b.locks || std::any_of(a.locks->begin(), a.locks->end(), [&](uint64_t key) { return std::binary_search(b.locks->begin(), b.locks->end(), key); });
}

bool collide(const Use& a, const Use& b) { return a.place && a.round != b.round && !share_lock(a, b); }

int32_t raise_race(coluber_ctx* ctx, const Use& first, bool first_stores, const Use& second, bool second_stores) {
  GilScope gil;
  PyObject* errors = PyImport_ImportModule("coluber.errors");
  PyObject* made = errors ? PyObject_CallMethod(errors, "race_error", "(LOs)(LOs)", static_cast<long long>(first.round), first_stores ? Py_True : Py_False, first.place,
                                                static_cast<long long>(second.round), second_stores ? Py_True : Py_False, second.place)
                          : nullptr;
  if (made) PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(made)), made);
  Py_XDECREF(errors);
  Py_XDECREF(made);
  return raise_python_error(ctx);
}

}  // namespace

Shadow::Shadow() {
  std::lock_guard lock(g_mutex);
  g_all.push_back(this);
  g_shadows++;
}

Shadow::~Shadow() {
  std::lock_guard lock(g_mutex);
  std::erase(g_all, this);
  g_shadows--;
}

bool Shadow::note(uintptr_t address, bool store, const Use& use, Use* other, bool* other_stores) {
  Shard& s = shard(address);
  std::lock_guard lock(s.mutex);
  Cell& cell = s.cells[address];
  *other_stores = collide(cell.store, use);
  if (*other_stores) return *other = cell.store, false;
  for (const Use& read : cell.reads)
    if (store && collide(read, use)) return *other = read, false;
  if (store) cell.store = use;
  else if (!cell.reads[0].place || cell.reads[0].round == use.round) cell.reads[0] = use;
  else cell.reads[1] = use;
  return true;
}

void Shadow::forget(uintptr_t first, uintptr_t last) {
  for (uintptr_t at = first, end = 0; at < last; at = end) {
    end = std::min(last, (at / kPage + 1) * kPage);
    Shard& s = shard(at);
    std::lock_guard lock(s.mutex);
    if (s.cells.size() < end - at) std::erase_if(s.cells, [&](const auto& cell) { return cell.first >= at && cell.first < end; });
    else for (uintptr_t k = at; k < end; k++) s.cells.erase(k);
  }
}

CheckedThread::CheckedThread(Shadow* shadow, int64_t round) {
  t_state.shadow = shadow;
  t_state.round = round;
  t_state.entries = critical_entries();
}
CheckedThread::~CheckedThread() { t_state = State(); }
void CheckedThread::own(const coluber_owner* memory) {
  auto first = reinterpret_cast<uintptr_t>(memory + 1);
  t_state.own.emplace_back(first, first + static_cast<uintptr_t>(memory->size));
}

InnerLoop::InnerLoop() { t_state.inner++; }
InnerLoop::~InnerLoop() { t_state.inner--; }

bool checking_races() { return t_state.shadow != nullptr; }

void memory_freed(const void* memory, int64_t bytes) {
  auto first = reinterpret_cast<uintptr_t>(memory);
  std::lock_guard lock(g_mutex);
  for (Shadow* s : g_all) s->forget(first, first + static_cast<uintptr_t>(bytes));
}

}  // namespace coluber::jit

using namespace coluber::jit;

extern "C" {

void coluber_race_round(int64_t round) {
  if (t_state.inner == 0) t_state.round = round;
}

int32_t coluber_race_access(coluber_ctx* ctx, const void* memory, int64_t bytes, int64_t store, const char* place) {
  if (!t_state.shadow) return 0;
  auto first = reinterpret_cast<uintptr_t>(memory);
  for (auto [begin, end] : t_state.own)
    if (first >= begin && first < end) return 0;
  Use use{t_state.round, place, critical_locks(t_state.entries)}, other;
  bool other_stores = false;
  int64_t step = bytes <= kItem ? kItem : kStep;
  for (int64_t at = 0; at < bytes; at += step)
    if (!t_state.shadow->note(first + static_cast<uintptr_t>(at), store != 0, use, &other, &other_stores))
      return raise_race(ctx, other, other_stores, use, store != 0);
  return 0;
}

}  // extern "C"
