// Per-thread data of calls, found once per thread.
#include "jit/host/thread_state.h"

#include <pthread.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <unistd.h>

#include "jit/runtime/runtime.h"

namespace coluber::jit {
namespace {

constexpr size_t kMargin = 256 * 1024;        // what the runtime, NumPy's loops and error handling may need below the limit

const volatile uint8_t g_never = 0;           // the poll word of threads that nothing can be wanted of

// The main thread's stack may grow to the limit that is set, counted from its top, where the kernel put the program's name.
// (pthread_getattr_np would read all of /proc/self/maps to find the top, a third of a millisecond.)
char* main_stack_limit() {
  rlimit limit{};
  auto* top = reinterpret_cast<char*>(getauxval(AT_EXECFN));
  if (!top || getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > size_t{1} << 30) return nullptr;
  return top - limit.rlim_cur;
}

}  // namespace

char* thread_stack_limit() {
  if (getpid() == static_cast<pid_t>(gettid())) {
    if (char* low = main_stack_limit()) return low + kMargin;
  }
  pthread_attr_t attributes;
  void* low = nullptr;
  size_t size = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
    pthread_attr_getstack(&attributes, &low, &size);
    pthread_attr_destroy(&attributes);
  }
  if (!low) low = static_cast<char*>(__builtin_frame_address(0)) - 512 * 1024;   // unknown: assume little
  return static_cast<char*>(low) + kMargin;
}

thread_local ThreadInfo t_info;

void fill_thread_info(PyThreadState* tstate) {
  if (!t_info.stack_limit) {
    t_info.stack_limit = thread_stack_limit();
    t_info.is_main = getpid() == static_cast<pid_t>(gettid());
  }
  t_info.tstate = tstate;
  t_info.poll = coluber_eval_breaker(tstate);
}

// Without the GIL only signals matter, and those only to the main thread.
const volatile uint8_t* nogil_poll_word(PyThreadState* tstate) { return t_info.is_main ? coluber_signal_word(tstate) : &g_never; }

}  // namespace coluber::jit
