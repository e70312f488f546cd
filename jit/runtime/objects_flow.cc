// Object mode: exceptions and with statements. See objects.def.
#include "jit/host/pycompat.h"
#include "jit/runtime/objects.h"

using namespace coluber::jit;

namespace {

// An exception instance of what stands behind `raise` or `from`: new reference, or null with an error.
PyObject* instance_of(PyObject* given, const char* complaint) {
  if (PyExceptionClass_Check(given)) {
    PyObject* made = PyObject_CallNoArgs(given);
    if (!made || PyExceptionInstance_Check(made)) return made;
    PyErr_Format(PyExc_TypeError, "calling %R should have returned an instance of BaseException, not %R", given, Py_TYPE(made));
    Py_DECREF(made);
    return nullptr;
  }
  if (PyExceptionInstance_Check(given)) return Py_NewRef(given);
  PyErr_SetString(PyExc_TypeError, complaint);
  return nullptr;
}

bool may_be_caught(PyObject* cls) {
  if (PyExceptionClass_Check(cls)) return true;
  PyErr_SetString(PyExc_TypeError, "catching classes that do not inherit from BaseException is not allowed");
  return false;
}

}  // namespace

OBJECT_OP(raise) {
  Operands a{cells, n};
  if (n == 0) {
    PyErr_SetString(PyExc_RuntimeError, "No active exception to reraise");
    PyObject* current = handled_exception();
    if (current) {                            // of a caller
      PyErr_Clear();
      set_exception(current);
    }
    return raise_python_error(ctx);
  }
  PyObject* exception = instance_of(a[0], "exceptions must derive from BaseException");
  if (exception && n > 1) {
    PyObject* cause = a[1] == Py_None ? nullptr : instance_of(a[1], "exception causes must derive from BaseException");
    if (cause || a[1] == Py_None) PyException_SetCause(exception, cause);
    else Py_CLEAR(exception);
  }
  if (exception) PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception)), exception);   // chains it to what is being handled
  Py_XDECREF(exception);
  return raise_python_error(ctx);
}

OBJECT_OP(catch) {
  bool native = ctx->error && !ctx->error->object;
  PyObject* exception = take_with_traceback(ctx);
  if (exception && native) {                  // raised by compiled code itself: what is being handled becomes its context
    PyObject* traceback = PyException_GetTraceback(exception);
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception)), exception);
    Py_SETREF(exception, take_exception());
    if (traceback) PyException_SetTraceback(exception, traceback);
    Py_XDECREF(traceback);
  }
  if (exception) set_handled_exception(exception);
  return give(ctx, out, exception);
}

OBJECT_OP(exc_match) {
  Operands a{cells, n};
  bool ok = true;
  if (PyTuple_Check(a[1])) {
    for (Py_ssize_t i = 0; ok && i < PyTuple_GET_SIZE(a[1]); i++) ok = may_be_caught(PyTuple_GET_ITEM(a[1], i));
  } else {
    ok = may_be_caught(a[1]);
  }
  if (!ok) return raise_python_error(ctx);
  out[0] = PyErr_GivenExceptionMatches(a[0], a[1]);
  return 0;
}

OBJECT_OP(reraise) {
  set_exception(Py_NewRef(static_cast<PyObject*>(cells[0])));
  return raise_python_error(ctx);
}

OBJECT_OP(handled) {
  set_handled_exception(static_cast<PyObject*>(n ? cells[0] : ctx->handled));
  return 0;
}

// ---- with statements --------------------------------------------------------------------------------------------------------------------

// A special method of the type, bound; null with the interpreter's error when there is none.
static PyObject* special_method(PyObject* manager, const char* name, const char* also) {
  PyObject* function = PyObject_GetAttrString(reinterpret_cast<PyObject*>(Py_TYPE(manager)), name);
  if (!function) {
    if (!PyErr_ExceptionMatches(PyExc_AttributeError)) return nullptr;
    PyErr_Clear();
    bool old = PY_VERSION_HEX < 0x030B0000;
    if (old) PyErr_SetString(PyExc_AttributeError, name);
    else PyErr_Format(PyExc_TypeError, "'%.200s' object does not support the context manager protocol%s", Py_TYPE(manager)->tp_name, also);
    return nullptr;
  }
  Py_DECREF(function);
  PyObject* key = PyUnicode_InternFromString(name);
  function = key ? _PyType_Lookup(Py_TYPE(manager), key) : nullptr;
  Py_XDECREF(key);
  if (!function) return PyObject_GetAttrString(manager, name);
  descrgetfunc get = Py_TYPE(function)->tp_descr_get;
  return get ? get(function, manager, reinterpret_cast<PyObject*>(Py_TYPE(manager))) : Py_NewRef(function);
}

OBJECT_OP(enter) {
  auto* manager = static_cast<PyObject*>(cells[0]);
  PyObject* enter = special_method(manager, "__enter__", "");
  PyObject* exit = enter ? special_method(manager, "__exit__", " (missed __exit__ method)") : nullptr;
  PyObject* value = exit ? PyObject_CallNoArgs(enter) : nullptr;
  Py_XDECREF(enter);
  if (!value) {
    Py_XDECREF(exit);
    return raise_python_error(ctx);
  }
  out[0] = reinterpret_cast<intptr_t>(exit);
  out[1] = reinterpret_cast<intptr_t>(value);
  return 0;
}

OBJECT_OP(exit) {
  Operands a{cells, n};
  PyObject* traceback = PyException_GetTraceback(a[1]);
  PyObject* result = PyObject_CallFunctionObjArgs(a[0], Py_TYPE(a[1]), a[1], traceback ? traceback : Py_None, nullptr);
  Py_XDECREF(traceback);
  return give(ctx, out, result);
}
