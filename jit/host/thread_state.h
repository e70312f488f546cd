// The context of a call: the poll word and the stack limit of the running thread.
#pragma once
#include <Python.h>

#include "jit/host/pycompat.h"
#include "jit/runtime/abi.h"

namespace coluber::jit {

struct ThreadInfo {
  char* stack_limit;                          // null: this thread has not called yet
  const volatile uint8_t* poll;               // of calls that hold the GIL
  PyThreadState* tstate;
  bool is_main;
};
// The extension is small and loaded once: the static model saves a call per access.
extern thread_local ThreadInfo t_info __attribute__((tls_model("initial-exec")));

void fill_thread_info(PyThreadState* tstate);
const volatile uint8_t* nogil_poll_word(PyThreadState* tstate);

// For a call from this thread, with the GIL or (nogil) about to release it.
inline void init_context(coluber_ctx* ctx, bool nogil) {
  PyThreadState* tstate = nogil || kPollPerThread ? current_thread_state() : t_info.tstate;
  if (!t_info.stack_limit || t_info.tstate != tstate) [[unlikely]] fill_thread_info(tstate = current_thread_state());
  ctx->poll = t_info.poll;
  ctx->stack_limit = t_info.stack_limit;
  ctx->error = nullptr;
  ctx->gil_held = !nogil;
  ctx->thread_state = tstate;
  ctx->overflowed = 0;
  if (nogil) [[unlikely]] ctx->poll = nogil_poll_word(tstate);
}

// Likewise, for what only object mode and lifted loops look at.
inline void init_part_context(coluber_ctx* ctx, void* specialization, void* handled, void* frame) {
  init_context(ctx, false);
  ctx->specialization = specialization;
  ctx->handled = handled;
  ctx->frame = frame;
  ctx->generator = nullptr;
  ctx->left = nullptr;
}

}  // namespace coluber::jit
