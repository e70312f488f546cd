// Object mode: exceptions, with and match statements. See objects.def.
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

// ---- match statements ---------------------------------------------------------------------------------------------------------------------

OBJECT_OP(match_mapping) { return answer(ctx, out, PyType_HasFeature(Py_TYPE(static_cast<PyObject*>(cells[0])), Py_TPFLAGS_MAPPING)); }
OBJECT_OP(match_sequence) { return answer(ctx, out, PyType_HasFeature(Py_TYPE(static_cast<PyObject*>(cells[0])), Py_TPFLAGS_SEQUENCE)); }

// Whether it is the first of its name; false with an error: also when it is not.
static bool first_time(PyObject* seen, PyObject* name) {
  int known = PySet_Contains(seen, name);
  return known == 0 && PySet_Add(seen, name) == 0;
}

static PyObject* values_of(PyObject* mapping, PyObject* keys) {
  Py_ssize_t n = PyTuple_GET_SIZE(keys);
  PyObject *get = n ? PyObject_GetAttrString(mapping, "get") : nullptr, *seen = PySet_New(nullptr), *values = PyTuple_New(n);
  PyObject* absent = PyObject_CallNoArgs(reinterpret_cast<PyObject*>(&PyBaseObject_Type));
  bool ok = seen && values && absent && (get || !n), all = true;
  for (Py_ssize_t i = 0; ok && all && i < n; i++) {
    PyObject* key = PyTuple_GET_ITEM(keys, i);
    ok = first_time(seen, key);
    if (!ok && !PyErr_Occurred()) PyErr_Format(PyExc_ValueError, "mapping pattern checks duplicate key (%R)", key);
    PyObject* value = ok ? PyObject_CallFunctionObjArgs(get, key, absent, nullptr) : nullptr;
    ok = value != nullptr;
    all = value != absent;
    if (ok && all) PyTuple_SET_ITEM(values, i, value);
    else Py_XDECREF(value);
  }
  if (!ok) Py_CLEAR(values);
  else if (!all) Py_SETREF(values, Py_NewRef(Py_None));
  for (PyObject* o : {get, seen, absent}) Py_XDECREF(o);
  return values;
}
OBJECT_OP(match_keys) {
  Operands a{cells, n};
  return give(ctx, out, values_of(a[0], a[1]));
}

// The attributes that patterns ask for go to `attributes`. 1: all are there, 0: not all, -1: an error.
static int add_attribute(PyObject* subject, PyTypeObject* cls, PyObject* name, PyObject* seen, PyObject* attributes) {
  if (!first_time(seen, name)) {
    if (!PyErr_Occurred()) PyErr_Format(PyExc_TypeError, "%s() got multiple sub-patterns for attribute %R", cls->tp_name, name);
    return -1;
  }
  PyObject* value = PyObject_GetAttr(subject, name);
  if (!value) {
    if (!PyErr_ExceptionMatches(PyExc_AttributeError)) return -1;
    PyErr_Clear();
    return 0;
  }
  int failed = PyList_Append(attributes, value);
  Py_DECREF(value);
  return failed ? -1 : 1;
}

static int add_positional(PyObject* subject, PyTypeObject* cls, Py_ssize_t count, PyObject* seen, PyObject* attributes) {
  constexpr unsigned long kMatchSelf = 1UL << 22;   // of builtin classes such as int: the subject itself is the one positional pattern's
  PyObject* names = PyObject_GetAttrString(reinterpret_cast<PyObject*>(cls), "__match_args__");
  bool self = false;
  if (!names && PyErr_ExceptionMatches(PyExc_AttributeError)) {
    PyErr_Clear();
    names = PyTuple_New(0);
    self = cls->tp_flags & kMatchSelf;
  }
  if (!names) return -1;
  int found = 1;
  if (!PyTuple_CheckExact(names)) {
    PyErr_Format(PyExc_TypeError, "%s.__match_args__ must be a tuple (got %s)", cls->tp_name, Py_TYPE(names)->tp_name);
    found = -1;
  }
  Py_ssize_t allowed = found < 0 || self ? 1 : PyTuple_GET_SIZE(names);
  if (found > 0 && allowed < count) {
    PyErr_Format(PyExc_TypeError, "%s() accepts %zd positional sub-pattern%s (%zd given)", cls->tp_name, allowed, allowed == 1 ? "" : "s", count);
    found = -1;
  }
  if (found > 0 && self) found = PyList_Append(attributes, subject) ? -1 : 1;
  for (Py_ssize_t i = 0; found > 0 && !self && i < count; i++) {
    PyObject* name = PyTuple_GET_ITEM(names, i);
    if (PyUnicode_CheckExact(name)) found = add_attribute(subject, cls, name, seen, attributes);
    else PyErr_Format(PyExc_TypeError, "__match_args__ elements must be strings (got %s)", Py_TYPE(name)->tp_name), found = -1;
  }
  Py_DECREF(names);
  return found;
}

OBJECT_OP(match_class) {
  Operands a{cells, n};
  auto* cls = reinterpret_cast<PyTypeObject*>(a[1]);
  if (!PyType_Check(a[1])) {
    PyErr_SetString(PyExc_TypeError, "called match pattern must be a class");
    return raise_python_error(ctx);
  }
  int found = PyObject_IsInstance(a[0], a[1]);
  PyObject *seen = PySet_New(nullptr), *attributes = PyList_New(0);
  if (!seen || !attributes) found = -1;
  if (found > 0 && imm) found = add_positional(a[0], cls, imm, seen, attributes);
  for (Py_ssize_t i = 0; found > 0 && i < PyTuple_GET_SIZE(a[2]); i++) found = add_attribute(a[0], cls, PyTuple_GET_ITEM(a[2], i), seen, attributes);
  PyObject* result = found < 0 ? nullptr : found ? PyList_AsTuple(attributes) : Py_NewRef(Py_None);
  Py_XDECREF(seen);
  Py_XDECREF(attributes);
  return give(ctx, out, result);
}

OBJECT_OP(dict_without) {
  Operands a{cells, n};
  PyObject* rest = PyDict_New();
  bool ok = rest && PyDict_Update(rest, a[0]) == 0;
  for (Py_ssize_t i = 0; ok && i < PyTuple_GET_SIZE(a[1]); i++) ok = PyDict_DelItem(rest, PyTuple_GET_ITEM(a[1], i)) == 0;
  if (!ok) Py_CLEAR(rest);
  return give(ctx, out, rest);
}
