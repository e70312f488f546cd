// Finding libomp. One that is in the process already is used, whoever brought it: two of them would each start their threads. Else the one beside
// the extension, which the wheels carry, else the system's.
#include "jit/runtime/openmp.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <mutex>
#include <string_view>
#include <vector>

#include "jit/runtime/runtime.h"

namespace coluber::jit {
namespace {

// After a loop its threads look for another one for so long, then they sleep: starting them again from sleep takes some 6 us instead of 1, and
// while they look they take other libraries' processors.
constexpr const char* kPassive = "KMP_BLOCKTIME=50us";

constexpr int kSpareThreads = 2;           // that others may start meanwhile
constexpr int64_t kNotAgain = 1'000'000'000; // nanoseconds: a wish that could not be granted is not tried again for so long
constexpr size_t kStackSlack = 64 << 10;   // libomp's stacks are a little larger, each by another amount

int note_library(dl_phdr_info* info, size_t, void* out) {
  std::string_view path = info->dlpi_name ? info->dlpi_name : "";
  std::string_view name = path.substr(path.rfind('/') + 1);
  if (!name.starts_with("libomp.") && !name.starts_with("libomp-") && !name.starts_with("libomp5.") && !name.starts_with("libiomp5")) return 0;
  *static_cast<std::string*>(out) = path;
  return 1;
}

std::string beside_extension() {
  Dl_info info{};
  if (!dladdr(reinterpret_cast<void*>(&beside_extension), &info) || !info.dli_fname) return "";
  std::string path = info.dli_fname;
  return path.substr(0, path.rfind('/') + 1) + "libomp.so.5";
}

template <class F>
bool find(void* library, const char* name, F* out) {
  *out = reinterpret_cast<F>(dlsym(library, name));
  return *out != nullptr;
}

bool resolve(void* library, OpenMp* omp) {
  find(library, "kmp_get_stacksize_s", &omp->stack_size);
  return find(library, "__kmpc_fork_call", &omp->fork_call) && find(library, "__kmpc_push_num_threads", &omp->push_num_threads) &&
         find(library, "__kmpc_global_thread_num", &omp->global_thread_num) && find(library, "omp_get_max_threads", &omp->max_threads) &&
         find(library, "omp_get_num_threads", &omp->num_threads) && find(library, "omp_get_thread_num", &omp->thread_num) &&
         find(library, "omp_get_schedule", &omp->schedule);
}

struct Loaded {
  OpenMp omp;
  bool ok = false;
  std::string why;
};

Loaded load() {
  Loaded out;
  void* library = nullptr;
  dl_iterate_phdr(note_library, &out.omp.path);
  if (!out.omp.path.empty()) {
    library = dlopen(out.omp.path.c_str(), RTLD_NOW | RTLD_NOLOAD);
    out.omp.found = library && resolve(library, &out.omp);
    if (out.omp.found) return out.ok = true, out;
  }
  for (const std::string& path : {beside_extension(), std::string("libomp.so.5"), std::string("/usr/lib/llvm-19/lib/libomp.so.5")}) {
    if (path.empty() || !(library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL))) continue;
    out.omp.path = path;
    if (!resolve(library, &out.omp)) continue;
    // A second one that comes into the process later, with another library, would end it. They do not know of each other's threads, and get on.
    setenv("KMP_DUPLICATE_LIB_OK", "TRUE", 0);
    void (*set_defaults)(const char*) = nullptr;
    if (!std::getenv("KMP_BLOCKTIME") && !std::getenv("OMP_WAIT_POLICY") && find(library, "kmp_set_defaults", &set_defaults)) set_defaults(kPassive);
    return out.ok = true, out;
  }
  const char* error = dlerror();
  out.why = error ? error : "libomp.so.5 was not found";
  return out;
}

const Loaded& loaded() {
  static const Loaded* it = new Loaded(load());      // never unloaded: its threads may be at work when the process ends
  return *it;
}

// ---- processors that a container's limit leaves

// The first line of a small file; empty where there is none. (Streams of the C++ library would double the size of the extension.)
std::string first_line(const std::string& path) {
  char line[256] = "";
  if (FILE* file = std::fopen(path.c_str(), "re")) {
    if (!std::fgets(line, sizeof line, file)) line[0] = 0;
    std::fclose(file);
  }
  return line;
}

double quota_of(const std::string& directory) {
  double quota = 0, period = 0;                      // "max 100000" or "200000 100000"
  return std::sscanf(first_line(directory + "/cpu.max").c_str(), "%lf %lf", &quota, &period) == 2 && period > 0 ? quota / period : 0;
}

// The group of this process: "0::/path" in a list of lines.
std::string own_group() {
  std::string group;
  char line[1024];
  FILE* file = std::fopen("/proc/self/cgroup", "re");
  while (file && std::fgets(line, sizeof line, file))
    if (std::strncmp(line, "0::", 3) == 0) group.assign(line + 3, std::strcspn(line + 3, "\n"));
  if (file) std::fclose(file);
  return group;
}

int container_limit() {
  double least = 0;
  auto note = [&](double quota) {
    if (quota > 0 && (least == 0 || quota < least)) least = quota;
  };
  std::string group = own_group();
  while (group.size() > 1 && group[0] == '/') {      // the limits of groups around hold as well
    note(quota_of("/sys/fs/cgroup" + group));
    group.resize(group.rfind('/'));
  }
  note(quota_of("/sys/fs/cgroup"));
  double quota = std::atof(first_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").c_str());           // groups of the first kind
  double period = std::atof(first_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us").c_str());
  if (quota > 0 && period > 0) note(quota / period);
  return least > 0 ? std::max(1, static_cast<int>(least + 0.999)) : 0;
}

// ---- threads that can be started

std::mutex g_growing;
int g_started = 0, g_held = 0;             // threads that libomp has had to start, and those that it keeps for threads of ours

// What libomp keeps for this thread's loops, and the least wish of it that was too much lately.
struct Team {
  int workers = 0;
  int refused = 0;                         // 0: none was
  int64_t refused_at = 0;
  ~Team() {
    std::lock_guard lock(g_growing);
    g_held -= workers;
  }
};
thread_local Team t_team;

// In a child of fork() there are none.
void before_fork() { g_growing.lock(); }
void after_fork_in_parent() { g_growing.unlock(); }
void after_fork_in_child() {
  g_started = g_held = t_team.workers = t_team.refused = 0;
  g_growing.unlock();
}

struct Trial {
  std::mutex lock;
  std::condition_variable changed;
  int running = 0;
  bool done = false;
};

// As a thread of libomp it has memory of its own: malloc reserves some for each of the first threads.
void* stay_until_done(void* argument) {
  auto* trial = static_cast<Trial*>(argument);
  void* volatile some = std::malloc(64);
  {
    std::unique_lock lock(trial->lock);
    trial->running++;
    trial->changed.notify_all();
    trial->changed.wait(lock, [&] { return trial->done; });
  }
  std::free(some);
  return nullptr;
}

// How many of so many threads can run at once. Each has taken its memory before the next is started: that it could be started alone says too little.
int start_some(const OpenMp* omp, int count) {
  Trial trial;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  size_t stack = omp->stack_size ? omp->stack_size() : 0;
  if (stack) pthread_attr_setstacksize(&attributes, stack + kStackSlack);
  std::vector<pthread_t> threads;
  threads.reserve(static_cast<size_t>(count));
  for (pthread_t thread; static_cast<int>(threads.size()) < count && pthread_create(&thread, &attributes, stay_until_done, &trial) == 0;) {
    threads.push_back(thread);
    std::unique_lock lock(trial.lock);
    trial.changed.wait(lock, [&] { return trial.running == static_cast<int>(threads.size()); });
  }
  pthread_attr_destroy(&attributes);
  {
    std::lock_guard lock(trial.lock);
    trial.done = true;
  }
  trial.changed.notify_all();
  for (pthread_t thread : threads) pthread_join(thread, nullptr);
  return static_cast<int>(threads.size());
}

int64_t now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
  return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

// Trying again takes milliseconds and holds up other threads' teams, and every loop would: so only now and then.
bool refused_lately(int wanted) { return t_team.refused && wanted >= t_team.refused && now() - t_team.refused_at < kNotAgain; }

void nothing(int32_t*, int32_t*, ...) {}

// libomp starts this thread's team now, while no other thread of ours takes the room that was found.
void make_team(const OpenMp* omp, int threads) {
  static OmpPlace place{0, 2, 0, 0, ";coluber;threads;0;0;;"};
  omp->push_num_threads(&place, omp->global_thread_num(&place), threads);
  omp->fork_call(&place, 0, &nothing);
}

}  // namespace

int threads_there(int wanted) {
  if (wanted - 1 <= t_team.workers) return wanted;
  if (refused_lately(wanted)) return 1 + t_team.workers;
  const OpenMp* omp = openmp();
  static std::once_flag once;
  std::call_once(once, [] { pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child); });
  std::lock_guard lock(g_growing);
  int more = wanted - 1 - t_team.workers, spare = std::max(0, g_started - g_held);
  if (more > spare) {
    int fresh = start_some(omp, more - spare + kSpareThreads) - kSpareThreads;
    g_started += std::max(0, fresh);
    more = spare + std::max(0, fresh);
  }
  t_team.workers += more;
  g_held += more;
  if (more > 0) make_team(omp, 1 + t_team.workers);
  bool refused = wanted - 1 > t_team.workers;
  t_team.refused = refused ? wanted : 0;
  if (refused) t_team.refused_at = now();
  return 1 + t_team.workers;
}

const OpenMp* openmp(std::string* why) {
  const Loaded& it = loaded();
  if (!it.ok && why) *why = it.why;
  return it.ok ? &it.omp : nullptr;
}

int default_threads() {
  static const int count = [] {
    const OpenMp* omp = openmp();
    if (!omp) return 1;
    int threads = std::max(1, omp->max_threads());
    int limit = std::getenv("OMP_NUM_THREADS") ? 0 : container_limit();
    return limit ? std::min(threads, limit) : threads;
  }();
  return count;
}

}  // namespace coluber::jit
