// type_of: from a Python object to the text of its type.
#include "jit/host/typeof.h"

#include "jit/host/dispatcher.h"
#include "jit/host/numpy_api.h"
#include "jit/host/pycompat.h"

namespace coluber::jit {
namespace {

bool refuse(TypeofFailure* why, std::string what, std::string remedy) {
  why->what = std::move(what);
  why->remedy = std::move(remedy);
  return false;
}

std::string class_name(PyObject* value) {
  PyTypeObject* type = Py_TYPE(value);
  PyObject* module = PyObject_GetAttrString(reinterpret_cast<PyObject*>(type), "__module__");
  PyObject* name = PyObject_GetAttrString(reinterpret_cast<PyObject*>(type), "__qualname__");
  std::string out;
  if (module && PyUnicode_Check(module) && PyUnicode_CompareWithASCIIString(module, "builtins") != 0) out = std::string(PyUnicode_AsUTF8(module)) + ".";
  out += name && PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : type->tp_name;
  Py_XDECREF(module);
  Py_XDECREF(name);
  PyErr_Clear();                              // a class without a readable name is named by its C name
  return out;
}

bool type_of_array(PyObject* value, std::string* out, TypeofFailure* why) {
  auto* array = reinterpret_cast<PyArrayObject*>(value);
  PyTypeObject* type = Py_TYPE(value);
  if (type != g_numpy.array && type != g_numpy.memmap) {
    std::string name = class_name(value);
    if (name.find("MaskedArray") != std::string::npos) return refuse(why, "a masked array", "pass x.data and x.mask as two arguments");
    return refuse(why, name + ", a subclass of ndarray", "pass numpy.asarray(x)");
  }
  PyArray_Descr* descr = PyArray_DESCR(array);
  Kind kind = kind_of_type_number(descr->type_num);
  if (kind == Kind::Bottom) {
    PyObject* text = PyObject_Str(reinterpret_cast<PyObject*>(descr));
    std::string name = text ? PyUnicode_AsUTF8(text) : "?";
    Py_XDECREF(text);
    PyErr_Clear();
    return refuse(why, "an array of dtype " + name, "supported are bool, int8-64, uint8-64, float32/64 and complex64/128; convert with x.astype(...)");
  }
  if (!is_native(descr)) return refuse(why, "an array of foreign byte order", "pass x.astype(x.dtype.newbyteorder('='))");
  if (!PyArray_ISALIGNED(array)) return refuse(why, "an array whose data are not aligned", "pass x.copy()");
  *out += "array(";
  *out += kind_text(kind);
  *out += "," + std::to_string(PyArray_NDIM(array)) + "," + array_layout(value);
  *out += PyArray_ISWRITEABLE(array) ? ")" : ",ro)";
  return true;
}

bool type_of_tuple(PyObject* value, HandleSet* held, std::string* out, TypeofFailure* why) {
  PyTypeObject* type = Py_TYPE(value);
  bool named = type != &PyTuple_Type;
  PyObject* fields = nullptr;
  if (named) {
    if (!is_namedtuple_class(type)) return refuse(why, class_name(value) + ", a subclass of tuple", "pass tuple(x)");
    fields = PyObject_GetAttrString(reinterpret_cast<PyObject*>(type), "_fields");
    *out += "namedtuple#" + std::to_string(held->add(reinterpret_cast<PyObject*>(type))) + "(";
  } else {
    *out += "tuple(";
  }
  bool ok = why->depth < 64 || refuse(why, "a tuple nested in others more than 64 deep", "flatten it");
  why->depth++;
  for (Py_ssize_t i = 0; ok && i < PyTuple_GET_SIZE(value); i++) {
    if (i) *out += ",";
    if (named) *out += std::string(PyUnicode_AsUTF8(PyTuple_GET_ITEM(fields, i))) + ":";
    ok = type_of(PyTuple_GET_ITEM(value, i), held, out, why);
    if (!ok) why->what = "a tuple with " + why->what;
  }
  why->depth--;
  Py_XDECREF(fields);
  *out += ")";
  return ok;
}

bool type_of_slice(PyObject* value, HandleSet* held, std::string* out, TypeofFailure* why) {
  auto* slice = reinterpret_cast<PySliceObject*>(value);
  *out += "slice(";
  PyObject* parts[] = {slice->start, slice->stop, slice->step};
  for (int i = 0; i < 3; i++) {
    if (i) *out += ",";
    if (parts[i] == Py_None) {
      *out += "none";
    } else if (PyIndex_Check(parts[i])) {
      *out += "pyint";
    } else {
      return refuse(why, "a slice of " + class_name(parts[i]), "pass ints");
    }
  }
  *out += ")";
  return true;
}

bool type_of_list(PyObject* value, HandleSet* held, std::string* out, TypeofFailure* why) {
  Kind kind;
  PyObject* first = PyList_GET_SIZE(value) ? PyList_GET_ITEM(value, 0) : nullptr;
  if (first && PyTuple_CheckExact(first)) {   // tuples of scalars: all of the type of the first, which unboxing checks
    std::string item;
    if (!type_of(first, held, &item, why)) return false;
    const HostType* type = parse_type(item);
    bool plain = type != nullptr;
    for (size_t i = 0; plain && i < type->items.size(); i++) plain = is_scalar(type->items[i]->kind);
    if (!plain) return refuse(why, "a list of " + item, "lists of scalars and of tuples of scalars are supported; pass an array or a tuple");
    *out += "list(" + item + ")";
    return true;
  }
  if (!list_kind(value, &kind, why)) return false;
  *out += "list(";
  *out += kind_text(kind);
  *out += ")";
  return true;
}

// Values that NumPy defines. Returns 1: done, 0: not one of them, -1: refused.
int type_of_numpy(PyObject* value, HandleSet* held, std::string* out, TypeofFailure* why) {
  if (!g_numpy.array) {
    if (!numpy_loaded() || !resolve_numpy()) {
      PyErr_Clear();                          // a NumPy that cannot be used: its objects are then refused like any other
      return 0;
    }
  }
  if (PyObject_TypeCheck(value, g_numpy.array)) return type_of_array(value, out, why) ? 1 : -1;
  if (Kind kind = kind_of_scalar_class(Py_TYPE(value)); kind != Kind::Bottom) {
    *out += kind_text(kind);
    return 1;
  }
  if (PyArray_CheckScalar(value)) {
    refuse(why, class_name(value), "supported scalars: bool_, int8-64, uint8-64, float32/64, complex64/128");
    return -1;
  }
  Kind kind = Kind::Bottom;
  if (PyArray_DescrCheck(value)) kind = kind_of_type_number(reinterpret_cast<PyArray_Descr*>(value)->type_num);
  if (PyType_Check(value)) kind = kind_of_scalar_class(reinterpret_cast<PyTypeObject*>(value));
  if (kind == Kind::Bottom) return 0;
  *out += std::string("dtype(") + kind_text(kind) + ")";
  return 1;
}

bool is_constant_object(PyObject* value) {
  return PyFunction_Check(value) || PyCFunction_Check(value) || PyType_Check(value) || PyModule_Check(value) || is_dispatcher(value) ||
         !numpy_ufunc_name(value).empty();
}

}  // namespace

bool is_namedtuple_class(PyTypeObject* type) {
  if (!PyType_IsSubtype(type, &PyTuple_Type)) return false;
  PyObject* fields = PyObject_GetAttrString(reinterpret_cast<PyObject*>(type), "_fields");
  PyErr_Clear();                              // without _fields it is none
  bool ok = fields && PyTuple_CheckExact(fields);
  for (Py_ssize_t i = 0; ok && i < PyTuple_GET_SIZE(fields); i++) ok = PyUnicode_Check(PyTuple_GET_ITEM(fields, i));
  Py_XDECREF(fields);
  return ok;
}

char array_layout(PyObject* value) {
  auto* array = reinterpret_cast<PyArrayObject*>(value);
  int ndim = PyArray_NDIM(array);
  if (PyArray_IS_C_CONTIGUOUS(array)) return 'C';
  if (PyArray_IS_F_CONTIGUOUS(array)) return 'F';
  return ndim > 1 && PyArray_STRIDES(array)[ndim - 1] == PyArray_ITEMSIZE(array) ? 'S' : 'A';
}

bool list_kind(PyObject* list, Kind* kind, TypeofFailure* why) {
  // Weak kinds join upwards in the order bool, int, float, complex; one NumPy class with its weak counterpart gives the NumPy one.
  Kind weak = Kind::Bottom, strong = Kind::Bottom;
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
    PyObject* item = PyList_GET_ITEM(list, i);
    PyTypeObject* type = Py_TYPE(item);
    Kind k = type == &PyLong_Type ? Kind::PyInt : type == &PyFloat_Type ? Kind::PyFloat : type == &PyBool_Type ? Kind::PyBool
             : type == &PyComplex_Type ? Kind::PyComplex : Kind::Bottom;
    if (k != Kind::Bottom) {
      if (k > weak) weak = k;
      continue;
    }
    if (!g_numpy.array && numpy_loaded() && !resolve_numpy()) PyErr_Clear();
    k = kind_of_scalar_class(type);
    if (k == Kind::Bottom) return refuse(why, "a list with an item of type " + class_name(item), "lists of scalars are supported; pass an array or a tuple");
    if (strong != Kind::Bottom && strong != k)
      return refuse(why, std::string("a list that mixes ") + kind_text(strong) + " and " + kind_text(k), "pass a list of one type or an array");
    strong = k;
  }
  *kind = weak;
  if (strong == Kind::Bottom) return true;
  Kind counterpart = strong == Kind::Bool ? Kind::PyBool : strong == Kind::Float64 || strong == Kind::Float32 ? Kind::PyFloat
                     : strong == Kind::Complex64 || strong == Kind::Complex128 ? Kind::PyComplex : Kind::PyInt;
  if (weak > counterpart)
    return refuse(why, std::string("a list that mixes ") + kind_text(strong) + " and " + kind_text(weak), "pass a list of one type or an array");
  *kind = strong;
  return true;
}

bool type_of(PyObject* value, HandleSet* held, std::string* out, TypeofFailure* why) {
  if (value == Py_None) return *out += "none", true;
  if (PyBool_Check(value)) return *out += "pybool", true;
  if (PyLong_CheckExact(value)) return *out += "pyint", true;
  if (PyFloat_CheckExact(value)) return *out += "pyfloat", true;
  if (PyComplex_CheckExact(value)) return *out += "pycomplex", true;
  if (PyUnicode_CheckExact(value)) {
    if (!PyUnicode_AsUTF8(value)) return PyErr_Clear(), refuse(why, "a str with lone surrogates", "encode it");
    return *out += "str", true;
  }
  if (value == Py_Ellipsis) return *out += "ellipsis", true;
  if (PyList_CheckExact(value)) return type_of_list(value, held, out, why);
  if (PyTuple_Check(value)) return type_of_tuple(value, held, out, why);
  if (PyRange_Check(value)) return *out += "range", true;
  if (PySlice_Check(value)) return type_of_slice(value, held, out, why);
  int numpy = type_of_numpy(value, held, out, why);
  if (numpy) return numpy > 0;
  if (PyLong_Check(value)) return *out += "pyint", true;         // subclasses (IntEnum, ...) by value
  if (PyFloat_Check(value)) return *out += "pyfloat", true;
  if (is_constant_object(value)) {
    *out += "obj#" + std::to_string(held->add(constant_identity(value)));
    return true;
  }
  const char* remedy = PyDict_Check(value) || PyAnySet_Check(value) ? "pass its contents as arrays or lists"
                       : PyList_Check(value) ? "pass list(x)"
                       : PyMethod_Check(value) || PyCallable_Check(value) ? "pass a function, or call it outside"
                       : "pass its numbers and arrays as separate arguments";
  return refuse(why, "an object of type " + class_name(value), remedy);
}

}  // namespace coluber::jit
