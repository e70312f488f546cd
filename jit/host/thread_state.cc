// Per-thread data of calls, found once per thread.
#include "jit/host/thread_state.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "jit/host/pycompat.h"

namespace coluber::jit {
namespace {

constexpr size_t kMargin = 256 * 1024;        // what the runtime, NumPy's loops and error handling may need below the limit

struct ThreadInfo {
  char* stack_limit = nullptr;
  bool is_main = false;
};
// The extension is small and loaded once: the static model saves a call per access.
thread_local ThreadInfo t_info __attribute__((tls_model("initial-exec")));

const volatile uint8_t g_never = 0;           // the poll word of threads that nothing can be wanted of

void fill_thread_info() {
  pthread_attr_t attributes;
  void* low = nullptr;
  size_t size = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
    pthread_attr_getstack(&attributes, &low, &size);
    pthread_attr_destroy(&attributes);
  }
  char* here = static_cast<char*>(__builtin_frame_address(0));
  if (!low) low = here - 512 * 1024;          // unknown: assume little
  t_info.is_main = getpid() == static_cast<pid_t>(gettid());
  t_info.stack_limit = static_cast<char*>(low) + kMargin;
}

}  // namespace

void init_context(coluber_ctx* ctx, bool nogil) {
  if (!t_info.stack_limit) [[unlikely]] fill_thread_info();
  PyThreadState* tstate = current_thread_state();
  ctx->stack_limit = t_info.stack_limit;
  ctx->error = nullptr;
  ctx->gil_held = !nogil;
  ctx->thread_state = tstate;
  if (!nogil) {
    ctx->poll = coluber_eval_breaker(tstate);
  } else {
    ctx->poll = t_info.is_main ? coluber_signal_word(tstate) : &g_never;
  }
}

}  // namespace coluber::jit
