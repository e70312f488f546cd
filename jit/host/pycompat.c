// What needs CPython's internal headers: the words that say that the interpreter wants something of the running thread.
#define Py_BUILD_CORE_MODULE 1
#include "jit/host/pycompat.h"

#include "internal/pycore_interp.h"
#include "internal/pycore_runtime.h"

#if PY_VERSION_HEX >= 0x030D0000

/* One word per thread; its low byte holds the events, the rest the instrumentation version. */
const volatile uint8_t *coluber_eval_breaker(PyThreadState *tstate) { return (const volatile uint8_t *)&tstate->eval_breaker; }
const volatile uint8_t *coluber_signal_word(PyThreadState *tstate) { return (const volatile uint8_t *)&tstate->eval_breaker; }

#else

const volatile uint8_t *coluber_eval_breaker(PyThreadState *tstate) {
  return (const volatile uint8_t *)&tstate->interp->ceval.eval_breaker;
}
const volatile uint8_t *coluber_signal_word(PyThreadState *tstate) {
  return (const volatile uint8_t *)&_PyRuntime.ceval.signals_pending;
}

#endif
