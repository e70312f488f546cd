// The context of a call: the poll word and the stack limit of the running thread.
#pragma once
#include <Python.h>

#include "jit/runtime/abi.h"

namespace coluber::jit {

// For a call from this thread, with the GIL or (nogil) about to release it.
void init_context(coluber_ctx* ctx, bool nogil);

}  // namespace coluber::jit
