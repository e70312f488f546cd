// The differences between CPython versions: the only place with version tests. Functions whose layouts come from CPython's internal
// headers are in pycompat.c, since those headers are C only.
#pragma once
#include <Python.h>
#include <frameobject.h>
#include <stdint.h>

#ifdef Py_GIL_DISABLED
#error "free-threaded builds of Python are not supported"
#endif

#ifdef __cplusplus
extern "C" {
#endif

// The byte that becomes non-zero when the interpreter wants something of the running thread (a signal, the GIL, ...).
const volatile uint8_t *coluber_eval_breaker(PyThreadState *tstate);
// The same for code that runs without the GIL on the main thread: signals only.
const volatile uint8_t *coluber_signal_word(PyThreadState *tstate);

#ifdef __cplusplus
}

namespace coluber::jit {

#if PY_VERSION_HEX >= 0x030D0000
inline PyThreadState* current_thread_state() { return PyThreadState_GetUnchecked(); }
#else
inline PyThreadState* current_thread_state() { return _PyThreadState_UncheckedGet(); }
#endif

// An exact int as int64; false when it does not fit.
inline bool long_as_int64(PyObject* o, int64_t* out) {
#if PY_VERSION_HEX >= 0x030C0000
  if (PyUnstable_Long_IsCompact(reinterpret_cast<PyLongObject*>(o))) {
    *out = PyUnstable_Long_CompactValue(reinterpret_cast<PyLongObject*>(o));
    return true;
  }
#endif
  int overflow = 0;
  *out = PyLong_AsLongLongAndOverflow(o, &overflow);
  return overflow == 0;
}

// The pending exception as one normalised object, new reference, or null.
inline PyObject* take_exception() {
#if PY_VERSION_HEX >= 0x030C0000
  return PyErr_GetRaisedException();
#else
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  if (!type) return nullptr;
  PyErr_NormalizeException(&type, &value, &traceback);
  if (traceback) PyException_SetTraceback(value, traceback);
  Py_DECREF(type);
  Py_XDECREF(traceback);
  return value;
#endif
}

// Makes `exception` (the reference is taken) the pending one, with the traceback it has.
inline void set_exception(PyObject* exception) {
#if PY_VERSION_HEX >= 0x030C0000
  PyErr_SetRaisedException(exception);
#else
  PyObject* type = Py_NewRef(reinterpret_cast<PyObject*>(Py_TYPE(exception)));
  PyErr_Restore(type, exception, PyException_GetTraceback(exception));
#endif
}

// Whether an exception is pending in a thread, which may be without the GIL when it is the running one.
inline bool error_pending(const PyThreadState* thread) {
#if PY_VERSION_HEX >= 0x030C0000
  return thread->current_exception != nullptr;
#else
  return thread->curexc_type != nullptr;
#endif
}

// The exception that is being handled (sys.exception()): new reference, or null; and setting it (null: none).
inline PyObject* handled_exception() {
#if PY_VERSION_HEX >= 0x030B0000
  return PyErr_GetHandledException();
#else
  PyObject *type, *value, *traceback;
  PyErr_GetExcInfo(&type, &value, &traceback);
  Py_XDECREF(type);
  Py_XDECREF(traceback);
  if (value == Py_None) Py_CLEAR(value);
  return value;
#endif
}
// Likewise, borrowed: cheap.
inline PyObject* peek_handled(PyThreadState* thread) {
#if PY_VERSION_HEX >= 0x030B0000
  const _PyErr_StackItem* item = thread->exc_info;
  while ((!item->exc_value || item->exc_value == Py_None) && item->previous_item) item = item->previous_item;
  return item->exc_value == Py_None ? nullptr : item->exc_value;
#else
  const _PyErr_StackItem* item = thread->exc_info;
  while ((!item->exc_type || item->exc_type == Py_None) && item->previous_item) item = item->previous_item;
  return item->exc_value == Py_None ? nullptr : item->exc_value;
#endif
}
inline void set_handled_exception(PyObject* exception) {
#if PY_VERSION_HEX >= 0x030B0000
  PyErr_SetHandledException(exception);
#else
  PyObject* type = exception ? Py_NewRef(reinterpret_cast<PyObject*>(Py_TYPE(exception))) : nullptr;
  PyErr_SetExcInfo(type, Py_XNewRef(exception), exception ? PyException_GetTraceback(exception) : nullptr);
#endif
}

// An empty frame for a traceback, without a caller: 3.10 would keep that one's variables alive for as long as the exception.
inline PyFrameObject* new_frame(PyCodeObject* code, PyObject* globals) {
  PyFrameObject* frame = PyFrame_New(PyThreadState_Get(), code, globals, nullptr);
#if PY_VERSION_HEX < 0x030B0000
  if (frame) Py_CLEAR(frame->f_back);
#endif
  return frame;
}

// Py_EnterRecursiveCall, inline where its counter is public.
inline bool enter_call(PyThreadState* thread) {
#if PY_VERSION_HEX >= 0x030C0000
  if (thread->c_recursion_remaining > 0) return thread->c_recursion_remaining--, true;
#endif
  (void)thread;
  return !Py_EnterRecursiveCall(" while calling a Python object");
}
inline void leave_call(PyThreadState* thread) {
#if PY_VERSION_HEX >= 0x030C0000
  thread->c_recursion_remaining++;
#else
  (void)thread;
  Py_LeaveRecursiveCall();
#endif
}

// Dictionaries that are read once and then watched. From 3.12 the interpreter tells of changes; before, each dict has a version tag.
#if PY_VERSION_HEX >= 0x030C0000
constexpr bool kHasDictWatchers = true;
inline uint64_t dict_version(PyObject*) { return 0; }
#else
constexpr bool kHasDictWatchers = false;
inline uint64_t dict_version(PyObject* dict) { return reinterpret_cast<PyDictObject*>(dict)->ma_version_tag; }
#endif

// on_change(dict, key or null for all keys, new value or null) is called before the change. Returns 0, or -1 with a Python error.
using DictCallback = void (*)(PyObject* dict, PyObject* key, PyObject* value);
int watch_dict(PyObject* dict, DictCallback on_change);

// Whether the poll word belongs to the thread state (else to the interpreter).
constexpr bool kPollPerThread = PY_VERSION_HEX >= 0x030D0000;

constexpr int kPythonVersion = (PY_VERSION_HEX >> 24) * 100 + ((PY_VERSION_HEX >> 16) & 255);   // 311
constexpr bool kHasColumns = PY_VERSION_HEX >= 0x030B0000;

}  // namespace coluber::jit
#endif
