// The slow side of a poll: something is wanted of this thread. A call of an empty Python function lets the interpreter do all of it (signal
// handlers, pending calls, handing over the GIL, the garbage collector), whatever the version keeps such requests in.
#include <Python.h>

#include "jit/runtime/runtime.h"

namespace coluber::jit {

static PyObject* breather() {
  static PyObject* function = nullptr;
  if (function) return function;
  PyObject* globals = PyDict_New();
  PyObject* done = globals ? PyRun_String("def breathe(): pass", Py_file_input, globals, globals) : nullptr;
  if (done) function = Py_XNewRef(PyDict_GetItemString(globals, "breathe"));
  Py_XDECREF(done);
  Py_XDECREF(globals);
  return function;
}

}  // namespace coluber::jit

using namespace coluber::jit;

extern "C" int32_t coluber_poll(coluber_ctx* ctx) {
  GilScope gil;
  PyObject* function = breather();
  PyObject* result = function ? PyObject_CallNoArgs(function) : nullptr;
  if (result) {
    Py_DECREF(result);
    return 0;
  }
  int32_t status = raise_python_error(ctx);
  if (ctx->error->object) PyException_SetTraceback(static_cast<PyObject*>(ctx->error->object), Py_None);   // breathe() is no place of the user's
  return status;
}
