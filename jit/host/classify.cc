// What kind of compile-time value an object is.
#include "jit/host/snapshot.h"

#include "jit/host/dispatcher.h"
#include "jit/host/numpy_api.h"
#include "jit/host/typeof.h"

namespace coluber::jit {
namespace {

std::string text_attribute(PyObject* object, const char* name) {
  PyObject* value = PyObject_GetAttrString(object, name);
  const char* text = value && PyUnicode_Check(value) ? PyUnicode_AsUTF8(value) : nullptr;
  std::string out = text ? text : "";
  Py_XDECREF(value);
  PyErr_Clear();                              // no such attribute: empty
  return out;
}

void set_text(Arena& arena, clb_const* out, std::string_view text) {
  out->s = arena.text(text);
  out->n = static_cast<int64_t>(text.size());
}

bool is_constant_callable(PyObject* object) {
  return PyCFunction_Check(object) || PyFunction_Check(object) || is_dispatcher(object) || (PyCallable_Check(object) && !PyType_Check(object));
}

}  // namespace

std::string module_of(PyObject* object) { return text_attribute(object, "__module__"); }

std::string qualified_name(PyObject* object) {
  if (PyModule_Check(object)) return text_attribute(object, "__name__");
  if (is_dispatcher(object)) object = constant_identity(object);
  if (std::string ufunc = numpy_ufunc_name(object); !ufunc.empty()) return ufunc;
  std::string module = module_of(object), name = text_attribute(object, "__qualname__");
  if (name.empty()) name = text_attribute(object, "__name__");
  if (PyCFunction_Check(object) && module.empty()) {
    PyObject* self = PyCFunction_GET_SELF(object);   // a method of an object or of a class
    if (self) module = text_attribute(reinterpret_cast<PyObject*>(Py_TYPE(self)), "__module__");
  }
  if (module.empty()) module = "builtins";
  return module + "." + (name.empty() ? Py_TYPE(object)->tp_name : name);
}

void Snapshot::classify_callable(PyObject* object, clb_const* out) {
  bool function = PyFunction_Check(object) || is_dispatcher(object);
  out->kind = function ? CLB_FUNCTION : CLB_BUILTIN;
  out->handle = function ? add_function(object) : held.add(object);
  set_text(arena, out, qualified_name(object));
}

void Snapshot::classify_class(PyObject* object, clb_const* out) {
  auto* type = reinterpret_cast<PyTypeObject*>(object);
  out->kind = CLB_CLASS;
  out->handle = held.add(object);
  set_text(arena, out, qualified_name(object));
  if (PyExceptionClass_Check(object)) out->flags |= 1;
  if (!is_namedtuple_class(type)) return;
  out->flags |= 2;
  PyObject* fields = PyObject_GetAttrString(object, "_fields");
  int32_t n = 0;
  out->items = snapshot_tuple(fields, &n, 0);
  out->n = n;                                 // of items; s is NUL-terminated
  Py_XDECREF(fields);
}

bool Snapshot::classify_numpy(PyObject* object, clb_const* out) {
  if (!g_numpy.array && (!numpy_loaded() || !resolve_numpy())) {
    PyErr_Clear();                            // without a usable NumPy nothing is NumPy's
    return false;
  }
  if (PyType_Check(object)) {
    Kind kind = kind_of_scalar_class(reinterpret_cast<PyTypeObject*>(object));
    if (kind == Kind::Bottom) return false;
    out->kind = CLB_DTYPE;
    out->flags = 1;
    out->handle = held.add(object);
    set_text(arena, out, kind_text(kind));
    return true;
  }
  if (PyArray_DescrCheck(object)) {
    auto* descr = reinterpret_cast<PyArray_Descr*>(object);
    Kind kind = kind_of_type_number(descr->type_num);
    if (kind == Kind::Bottom || !is_native(descr)) return false;
    out->kind = CLB_DTYPE;
    out->handle = held.add(object);
    set_text(arena, out, kind_text(kind));
    return true;
  }
  if (Kind kind = kind_of_scalar_class(Py_TYPE(object)); kind != Kind::Bottom) {
    const void* data = scalar_data(object, kind);
    out->kind = CLB_SCALAR;
    set_text(arena, out, kind_text(kind));
    if (kind == Kind::Float64) memcpy(out->f, data, 8);
    else if (kind == Kind::Complex128) memcpy(out->f, data, 16);
    else if (kind == Kind::Float32) out->f[0] = static_cast<double>(*static_cast<const float*>(data));
    else if (kind == Kind::Complex64) out->f[0] = static_cast<double>(static_cast<const float*>(data)[0]), out->f[1] = static_cast<double>(static_cast<const float*>(data)[1]);
    else if (kind == Kind::UInt64) memcpy(&out->i, data, 8);
    else out->i = PyNumber_Check(object) ? PyLong_AsLongLong(object) : 0;
    if (kind == Kind::Bool) out->i = *static_cast<const uint8_t*>(data), PyErr_Clear();
    return true;
  }
  if (!PyObject_TypeCheck(object, g_numpy.array)) return false;
  std::string text;
  TypeofFailure why;
  out->handle = held.add(object);
  bool known = type_of(object, &held, &text, &why);
  out->kind = known ? CLB_ARRAY : CLB_OBJECT;
  set_text(arena, out, known ? text : why.what);
  return true;
}

// Objects of this package: intrinsics and types.
bool Snapshot::classify_ours(PyObject* object, clb_const* out) {
  if (!PyType_HasFeature(Py_TYPE(object), Py_TPFLAGS_HEAPTYPE)) return false;
  std::string module = module_of(reinterpret_cast<PyObject*>(Py_TYPE(object)));
  if (module == "coluber.lib.intrinsics") {
    out->kind = CLB_INTRINSIC;
    out->handle = held.add(object);
    set_text(arena, out, text_attribute(object, "name"));
    return true;
  }
  if (module != "coluber.types") return false;
  out->kind = CLB_TYPE;
  out->handle = held.add(object);
  set_text(arena, out, text_attribute(object, "text"));
  return true;
}

void Snapshot::classify_list(PyObject* object, clb_const* out, int depth) {
  auto n = static_cast<size_t>(PyList_GET_SIZE(object));
  auto* items = arena.array<clb_const>(n);
  for (size_t i = 0; i < n && static_cast<Py_ssize_t>(i) < PyList_GET_SIZE(object); i++) to_const(PyList_GET_ITEM(object, static_cast<Py_ssize_t>(i)), &items[i], depth + 1);
  out->kind = CLB_LIST;
  out->handle = held.add(object);
  out->items = items;
  out->n = static_cast<int64_t>(n);
}

void Snapshot::to_const(PyObject* object, clb_const* out, int depth) {
  *out = {};
  out->handle = -1;
  classify(object, out, depth);
  bool plain = out->kind == CLB_STR || out->kind == CLB_BYTES || out->kind == CLB_BIGINT || out->kind == CLB_TUPLE || out->kind == CLB_COMPLEX || out->kind == CLB_CODE;
  if (objects && plain && out->handle <= 0) out->handle = held.add(object);
}

void Snapshot::classify(PyObject* object, clb_const* out, int depth) {
  if (object == Py_None) return void(out->kind = CLB_NONE);
  if (object == Py_Ellipsis) return void(out->kind = CLB_ELLIPSIS);
  if (PyBool_Check(object)) {
    out->kind = CLB_BOOL;
    out->i = object == Py_True;
  } else if (PyLong_CheckExact(object)) {
    out->kind = CLB_INT;
    if (long_as_int64(object, &out->i)) return;
    out->kind = CLB_BIGINT;
    PyObject* text = PyObject_Str(object);
    set_text(arena, out, text ? PyUnicode_AsUTF8(text) : "0");
    Py_XDECREF(text);
    PyErr_Clear();                            // beyond the interpreter's limit of digits: the engine reports any big int
  } else if (PyFloat_CheckExact(object)) {
    out->kind = CLB_FLOAT;
    out->f[0] = PyFloat_AS_DOUBLE(object);
  } else if (PyComplex_CheckExact(object)) {
    out->kind = CLB_COMPLEX;
    memcpy(out->f, &reinterpret_cast<PyComplexObject*>(object)->cval, 16);
  } else if (PyUnicode_CheckExact(object)) {
    Py_ssize_t length = 0;
    const char* text = PyUnicode_AsUTF8AndSize(object, &length);
    if (!text) PyErr_Clear(), text = "", length = 0;   // lone surrogates
    out->kind = CLB_STR;
    set_text(arena, out, {text, static_cast<size_t>(length)});
  } else if (PyBytes_CheckExact(object)) {
    out->kind = CLB_BYTES;
    set_text(arena, out, {PyBytes_AS_STRING(object), static_cast<size_t>(PyBytes_GET_SIZE(object))});
  } else if (PyTuple_CheckExact(object) && depth < 32) {
    int32_t n = 0;
    out->kind = CLB_TUPLE;
    out->items = snapshot_tuple(object, &n, depth);
    out->n = n;
  } else if (PyCode_Check(object)) {
    out->kind = CLB_CODE;
    out->code = snapshot_code(object);
  } else if (PyModule_Check(object)) {
    out->kind = CLB_MODULE;
    out->handle = held.add(object);
    set_text(arena, out, qualified_name(object));
  } else if (PyList_CheckExact(object) && depth < 32) {
    classify_list(object, out, depth);
  } else if (!classify_ours(object, out) && !classify_numpy(object, out)) {
    if (PyType_Check(object)) return classify_class(object, out);
    if (is_constant_callable(object)) return classify_callable(object, out);
    out->kind = CLB_OBJECT;
    out->handle = held.add(object);
    set_text(arena, out, Py_TYPE(object)->tp_name);
  }
}

}  // namespace coluber::jit
