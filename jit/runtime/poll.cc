// The slow side of a poll: something is wanted of this thread. A call of an empty Python function lets the interpreter do all of it (signal
// handlers, pending calls, handing over the GIL, the garbage collector), whatever the version keeps such requests in.
#include <Python.h>

#include "jit/runtime/runtime.h"

namespace coluber::jit {

static PyObject* g_breathe = nullptr;

bool prepare_poll() {
  if (g_breathe) return true;
  PyObject *globals = PyDict_New(), *code = Py_CompileString("None", "<coluber>", Py_eval_input);
  if (globals && code) g_breathe = PyFunction_New(code, globals);
  Py_XDECREF(globals);
  Py_XDECREF(code);
  return g_breathe != nullptr;
}

}  // namespace coluber::jit

using namespace coluber::jit;

extern "C" int32_t coluber_poll(coluber_ctx* ctx) {
  if (ctx->gil_held == COLUBER_IN_REGION) {          // another thread's exception ends the loop; this one is dropped with the thread's context
    raise_message(ctx, PyExc_KeyboardInterrupt, "the parallel loop has ended");
    return 1;
  }
  GilScope gil;
  PyObject* result = PyObject_CallNoArgs(g_breathe);
  if (result) {
    Py_DECREF(result);
    return 0;
  }
  int32_t status = raise_python_error(ctx);
  if (ctx->error->object) {
    ctx->error->interrupts = 1;
    PyException_SetTraceback(static_cast<PyObject*>(ctx->error->object), Py_None);   // that function is no place of the user's
  }
  return status;
}
