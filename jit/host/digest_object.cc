// Digests of Python values by content, for the cache's manifest. Shallow for functions: what they read in turn is in the log itself.
#include "jit/host/dispatcher.h"
#include "jit/host/numpy_api.h"
#include "jit/host/snapshot.h"
#include "jit/host/typeof.h"

namespace coluber::jit {
namespace {

bool add_value(Hasher& h, PyObject* value, std::string* why, int depth);

bool add_attribute(Hasher& h, PyObject* object, const char* name, std::string* why, int depth) {
  PyObject* value = PyObject_GetAttrString(object, name);
  if (!value) return PyErr_Clear(), h.text("absent"), true;   // co_exceptiontable and co_qualname are new in 3.11
  bool ok = add_value(h, value, why, depth);
  Py_DECREF(value);
  return ok;
}

// Where a function stands in its file does not matter: line tables are relative to its first line.
bool add_code(Hasher& h, PyObject* code, std::string* why, int depth) {
  h.text("code");
  for (const char* name : {"co_argcount", "co_posonlyargcount", "co_kwonlyargcount", "co_flags", "co_code", "co_linetable", "co_exceptiontable",
                           "co_names", "co_varnames", "co_cellvars", "co_freevars", "co_name", "co_consts"}) {
    if (!add_attribute(h, code, name, why, depth)) return false;
  }
  return true;
}

bool add_function(Hasher& h, PyObject* f, std::string* why, int depth) {
  h.text("function");
  if (is_dispatcher(f)) {
    const HostOptions& options = reinterpret_cast<Dispatcher*>(f)->state->options;
    h.bytes(&options.engine, sizeof options.engine);
    for (size_t i = 0; i < options.local_names.size(); i++) {
      if (options.local_types[i].find('#') != std::string::npos) return *why = "the option locals names a class", false;
      h.text(options.local_names[i]).text(options.local_types[i]);
    }
  }
  f = constant_identity(f);
  PyObject *defaults = PyFunction_GET_DEFAULTS(f), *kwdefaults = PyFunction_GET_KW_DEFAULTS(f);
  if (!add_code(h, PyFunction_GET_CODE(f), why, depth)) return false;
  if (defaults && !add_value(h, defaults, why, depth)) return false;
  if (!kwdefaults) return true;
  PyObject* items = PyDict_Items(kwdefaults);
  bool ok = items && PyList_Sort(items) == 0 && add_value(h, items, why, depth);
  Py_XDECREF(items);
  PyErr_Clear();
  return ok;
}

bool add_sequence(Hasher& h, PyObject* value, std::string* why, int depth) {
  PyObject* fast = PySequence_Fast(value, "a sequence");
  bool ok = fast != nullptr;
  if (ok) h.number(static_cast<uint64_t>(PySequence_Fast_GET_SIZE(fast)));
  for (Py_ssize_t i = 0; ok && i < PySequence_Fast_GET_SIZE(fast); i++) ok = add_value(h, PySequence_Fast_GET_ITEM(fast, i), why, depth);
  Py_XDECREF(fast);
  return ok;
}

bool add_set(Hasher& h, PyObject* value, std::string* why, int depth) {   // order must not matter
  PyObject *iterator = PyObject_GetIter(value), *item;
  uint64_t hi = 0, lo = 0;
  bool ok = iterator != nullptr;
  while (ok && (item = PyIter_Next(iterator))) {
    Hasher one;
    ok = add_value(one, item, why, depth);
    Digest d = one.finish();
    hi += d.hi, lo += d.lo;
    Py_DECREF(item);
  }
  Py_XDECREF(iterator);
  h.number(hi).number(lo);
  return ok;
}

// Returns 1: added, 0: not NumPy's, -1: refused.
int add_numpy(Hasher& h, PyObject* value, std::string* why) {
  if (!g_numpy.array) return 0;
  if (Kind kind = kind_of_scalar_class(Py_TYPE(value)); kind != Kind::Bottom) {
    HostType t;
    t.kind = kind;
    h.text(kind_text(kind)).bytes(scalar_data(value, kind), static_cast<size_t>(item_size(&t)));
    return 1;
  }
  if (!PyObject_TypeCheck(value, g_numpy.array) && !PyObject_TypeCheck(value, &PyArrayDescr_Type)) return 0;
  HandleSet held;
  std::string text;                           // of an array only the type: its data are bound when the code is loaded
  TypeofFailure failure;
  if (!type_of(value, &held, &text, &failure)) return *why = failure.what, -1;
  h.text(text);
  return 1;
}

bool add_value(Hasher& h, PyObject* value, std::string* why, int depth) {
  if (depth > 32) return *why = "nested too deeply", false;
  depth++;
  PyTypeObject* type = Py_TYPE(value);
  if (value == Py_None || value == Py_Ellipsis || PyBool_Check(value)) return h.text(value == Py_None ? "None" : value == Py_True ? "True" : value == Py_False ? "False" : "..."), true;
  if (PyLong_CheckExact(value)) {
    int64_t number;
    if (long_as_int64(value, &number)) return h.text("int").number(static_cast<uint64_t>(number)), true;
    PyObject* text = PyNumber_ToBase(value, 16);
    if (text) h.text("bigint").text(PyUnicode_AsUTF8(text));
    Py_XDECREF(text);
    return text != nullptr;
  }
  if (PyFloat_CheckExact(value)) return h.text("float").real(PyFloat_AS_DOUBLE(value)), true;
  if (PyComplex_CheckExact(value)) return h.text("complex").real(PyComplex_RealAsDouble(value)).real(PyComplex_ImagAsDouble(value)), true;
  if (PyUnicode_CheckExact(value)) {
    Py_ssize_t length;
    const char* text = PyUnicode_AsUTF8AndSize(value, &length);
    if (!text) return PyErr_Clear(), *why = "a str that is no UTF-8", false;
    return h.text("str").bytes(text, static_cast<size_t>(length)), true;
  }
  if (PyBytes_CheckExact(value)) return h.text("bytes").bytes(PyBytes_AS_STRING(value), static_cast<size_t>(PyBytes_GET_SIZE(value))), true;
  if (type == &PyTuple_Type || type == &PyList_Type) return h.text(type->tp_name), add_sequence(h, value, why, depth);
  if (PyAnySet_CheckExact(value)) return h.text("set"), add_set(h, value, why, depth);
  if (PyCode_Check(value)) return add_code(h, value, why, depth);
  if (PyFunction_Check(value) || is_dispatcher(value)) return add_function(h, value, why, depth);
  if (PyModule_Check(value) || PyType_Check(value) || PyCFunction_Check(value) || !numpy_ufunc_name(value).empty()) {
    return h.text("named").text(qualified_name(value)), true;
  }
  if (int numpy = add_numpy(h, value, why)) return numpy > 0;
  std::string module = module_of(reinterpret_cast<PyObject*>(type));
  if (module.starts_with("numpy") && PyCallable_Check(value)) return h.text("named").text(qualified_name(value)), true;
  if (module == "coluber.types" || module == "coluber.lib.intrinsics") {
    PyObject* text = PyObject_Str(value);
    if (text) h.text(module).text(PyUnicode_AsUTF8(text));
    Py_XDECREF(text);
    return text != nullptr;
  }
  *why = std::string("an object of type ") + type->tp_name + " has no content that another process could compare";
  return false;
}

}  // namespace

bool digest_of(PyObject* value, Digest* out, std::string* why) {
  Hasher h;
  bool ok = add_value(h, value, why, 0);
  PyErr_Clear();                              // an attribute that raises: not cacheable, and `why` or its absence says so
  *out = h.finish();
  return ok;
}

}  // namespace coluber::jit
