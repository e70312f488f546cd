// Exceptions of compiled code become Python's, with one traceback entry per frame; diagnostics become exceptions of coluber.errors.
#include "jit/host/raise.h"

#include <cstring>

#include "jit/host/cached.h"
#include "jit/host/pycompat.h"
#include "jit/runtime/runtime.h"

namespace coluber::jit {
namespace {

PyObject* errors_call(const char* name, PyObject* args) {
  PyObject* module = args ? PyImport_ImportModule("coluber.errors") : nullptr;
  PyObject* function = module ? PyObject_GetAttrString(module, name) : nullptr;
  PyObject* result = function ? PyObject_CallObject(function, args) : nullptr;
  Py_XDECREF(module);
  Py_XDECREF(function);
  Py_XDECREF(args);
  return result;
}

// Where a line of cached code stands now. Frames have qualified names; co_name, as tracebacks give it, is the end of one.
coluber_frame at_present(const Specialization* spec, coluber_frame frame) {
  const char* dot = frame.name ? strrchr(frame.name, '.') : nullptr;
  if (dot) frame.name = dot + 1;
  const LineShift* found = nullptr;
  if (!spec->shifts || !frame.file) return frame;
  for (const LineShift& shift : *spec->shifts) {   // the function that begins last before the line
    if (shift.file == frame.file && shift.first <= frame.line && (!found || shift.first > found->first)) found = &shift;
  }
  if (!found) return frame;
  return {frame.name, found->now.c_str(), frame.line + found->delta, frame.col};
}

// The code object that a frame ran, when it is one of those compiled: it tells the end of the expression.
PyObject* find_code(Specialization* spec, const coluber_frame& frame) {
  for (PyObject* code : spec->codes) {
    PyObject *file = PyObject_GetAttrString(code, "co_filename"), *name = PyObject_GetAttrString(code, "co_name");
    bool same = file && name && PyUnicode_CompareWithASCIIString(name, frame.name) == 0 && frame.file && PyUnicode_CompareWithASCIIString(file, frame.file) == 0;
    Py_XDECREF(file);
    Py_XDECREF(name);
    if (same) return code;
  }
  return nullptr;
}

// A traceback entry: coluber._support.frame_code makes a code object of that name, file and position, and an empty frame of it does the rest.
PyObject* add_entry(PyObject* next, Specialization* spec, const coluber_frame& native) {
  coluber_frame frame = at_present(spec, native);
  PyObject* code = find_code(spec, frame);
  PyObject* support = PyImport_ImportModule("coluber._support");
  PyObject* made = support ? PyObject_CallMethod(support, "frame_code", "ssiiO", frame.name ? frame.name : "?", frame.file ? frame.file : "?",
                                                 frame.line, frame.col, code ? code : Py_None)
                           : nullptr;
  PyObject* globals = PyDict_New();
  PyFrameObject* object = nullptr;
  if (made && globals) object = new_frame(reinterpret_cast<PyCodeObject*>(made), globals);
  PyObject* entry = object ? PyObject_CallFunction(reinterpret_cast<PyObject*>(&PyTraceBack_Type), "OOii", next ? next : Py_None, object, 0, frame.line) : nullptr;
  Py_XDECREF(support);
  Py_XDECREF(made);
  Py_XDECREF(globals);
  Py_XDECREF(object);
  return entry;
}

void add_traceback(PyObject* exception, Specialization* spec, coluber_exc* exc) {
  PyObject* chain = PyException_GetTraceback(exception);
  for (int32_t i = 0; i < exc->nframes; i++) {   // innermost first: each entry goes in front of the ones inside it
    PyObject* entry = add_entry(chain, spec, exc->frames[i]);
    if (!entry) {
      PyErr_Clear();                          // the exception itself matters more than one line of its traceback
      continue;
    }
    Py_XDECREF(chain);
    chain = entry;
  }
  if (chain) PyException_SetTraceback(exception, chain);
  Py_XDECREF(chain);
}

}  // namespace

PyObject* take_with_traceback(coluber_ctx* ctx) {
  coluber_exc* exc = ctx->error;
  ctx->error = nullptr;
  PyObject* made = box_exception(exc);
  if (made) add_traceback(made, static_cast<Specialization*>(ctx->specialization), exc);
  release(exc);
  return made;
}

void raise_from_context(Specialization* spec, coluber_ctx* ctx) {
  coluber_exc* exc = ctx->error;
  ctx->error = nullptr;
  if (!exc) {
    PyErr_SetString(PyExc_SystemError, "compiled code failed without an exception");
    return;
  }
  PyObject* made = box_exception(exc);
  if (made) {
    add_traceback(made, spec, exc);
    set_exception(made);
  }
  release(exc);
}

void raise_diag(const clb_diag& diag, PyObject* cause) {
  PyObject* spans = PyTuple_New(diag.nspans);
  for (int32_t i = 0; spans && i < diag.nspans; i++) {
    const clb_span& s = diag.spans[i];
    PyObject* span = Py_BuildValue("(zziiiiz)", s.file, s.function, s.line, s.col, s.end_line, s.end_col, s.note);
    if (span) PyTuple_SET_ITEM(spans, i, span);
    else Py_CLEAR(spans);
  }
  PyObject* args = spans ? Py_BuildValue("(zzzzN)", diag.id, diag.kind, diag.message, diag.hint, spans) : nullptr;
  PyObject* exception = errors_call("from_diag", args);
  if (!exception) return;
  if (cause) PyException_SetCause(exception, Py_NewRef(cause));
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception)), exception);
  Py_DECREF(exception);
}

void raise_typing_error(Dispatcher* self, const std::string& message, const std::string& hint) {
  std::string text = self->state->name + "() " + message;
  PyObject* exception = errors_call("typing_error", Py_BuildValue("(ssO)", text.c_str(), hint.c_str(), self->py_func));
  if (!exception) return;
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception)), exception);
  Py_DECREF(exception);
}

}  // namespace coluber::jit
