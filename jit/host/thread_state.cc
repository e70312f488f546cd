// Per-thread data of calls, found once per thread.
#include "jit/host/thread_state.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

namespace coluber::jit {
namespace {

constexpr size_t kMargin = 256 * 1024;        // what the runtime, NumPy's loops and error handling may need below the limit

const volatile uint8_t g_never = 0;           // the poll word of threads that nothing can be wanted of

char* find_stack_limit() {
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

}  // namespace

thread_local ThreadInfo t_info;

void fill_thread_info(PyThreadState* tstate) {
  if (!t_info.stack_limit) {
    t_info.stack_limit = find_stack_limit();
    t_info.is_main = getpid() == static_cast<pid_t>(gettid());
  }
  t_info.tstate = tstate;
  t_info.poll = coluber_eval_breaker(tstate);
}

// Without the GIL only signals matter, and those only to the main thread.
const volatile uint8_t* nogil_poll_word(PyThreadState* tstate) { return t_info.is_main ? coluber_signal_word(tstate) : &g_never; }

}  // namespace coluber::jit
