// Resolving NumPy, and the tables between its dtypes, scalar classes and our kinds.
#define COLUBER_NUMPY_MAIN
#include "jit/host/numpy_api.h"

#include <cstring>

namespace coluber::jit {

NumpyTypes g_numpy;

namespace {

struct Row {
  Kind kind;
  int number, scalar_slot;                    // dtype number; index of the scalar class in NumPy's API table
};
// Two rows may share a kind (long and long long): the first is the one we make.
PyTypeObject* class_of_number(int number) {
  switch (number) {
    case NPY_BOOL: return &PyBoolArrType_Type;
    case NPY_BYTE: return &PyByteArrType_Type;
    case NPY_UBYTE: return &PyUByteArrType_Type;
    case NPY_SHORT: return &PyShortArrType_Type;
    case NPY_USHORT: return &PyUShortArrType_Type;
    case NPY_INT: return &PyIntArrType_Type;
    case NPY_UINT: return &PyUIntArrType_Type;
    case NPY_LONG: return &PyLongArrType_Type;
    case NPY_ULONG: return &PyULongArrType_Type;
    case NPY_LONGLONG: return &PyLongLongArrType_Type;
    case NPY_ULONGLONG: return &PyULongLongArrType_Type;
    case NPY_FLOAT: return &PyFloatArrType_Type;
    case NPY_DOUBLE: return &PyDoubleArrType_Type;
    case NPY_CFLOAT: return &PyCFloatArrType_Type;
    case NPY_CDOUBLE: return &PyCDoubleArrType_Type;
    default: return nullptr;
  }
}
constexpr int kNumbers[] = {NPY_BOOL, NPY_BYTE, NPY_UBYTE, NPY_SHORT, NPY_USHORT, NPY_INT, NPY_UINT, NPY_LONG, NPY_ULONG,
                            NPY_LONGLONG, NPY_ULONGLONG, NPY_FLOAT, NPY_DOUBLE, NPY_CFLOAT, NPY_CDOUBLE};
ScalarClass g_classes[sizeof(kNumbers) / sizeof(kNumbers[0])];

void fill_memmap() {                          // numpy.memmap is loaded with numpy itself
  PyObject* numpy = PyImport_ImportModule("numpy");
  PyObject* memmap = numpy ? PyObject_GetAttrString(numpy, "memmap") : nullptr;
  if (memmap && PyType_Check(memmap)) g_numpy.memmap = reinterpret_cast<PyTypeObject*>(memmap);   // kept for ever
  Py_XDECREF(numpy);
  PyErr_Clear();                              // a NumPy without memmap only means that there are none
}

}  // namespace

bool numpy_loaded() {
  if (g_numpy.array) return true;
  PyObject* modules = PyImport_GetModuleDict();
  return modules && PyDict_GetItemString(modules, "numpy") != nullptr;
}

bool resolve_numpy() {
  if (g_numpy.array) return true;
  if (PyArray_ImportNumPyAPI() < 0) return false;
  for (size_t i = 0; i < sizeof(kNumbers) / sizeof(kNumbers[0]); i++) {
    g_classes[i] = {class_of_number(kNumbers[i]), kind_of_type_number(kNumbers[i])};
    PyArray_Descr*& descr = g_numpy.descr[static_cast<int>(g_classes[i].kind)];
    if (!descr) descr = PyArray_DescrFromType(kNumbers[i]);
  }
  fill_memmap();
  PyObject* numpy = PyImport_ImportModule("numpy");
  PyObject* add = numpy ? PyObject_GetAttrString(numpy, "add") : nullptr;
  Py_XDECREF(numpy);
  if (!add) return false;
  g_numpy.ufunc = Py_TYPE(add);
  Py_DECREF(add);
  g_numpy.array = &PyArray_Type;              // last: it says that all is there
  return true;
}

Kind kind_of_type_number(int number) {
  switch (number) {
    case NPY_BOOL: return Kind::Bool;
    case NPY_BYTE: return Kind::Int8;
    case NPY_UBYTE: return Kind::UInt8;
    case NPY_SHORT: return Kind::Int16;
    case NPY_USHORT: return Kind::UInt16;
    case NPY_INT: return Kind::Int32;
    case NPY_UINT: return Kind::UInt32;
    case NPY_LONG: case NPY_LONGLONG: return Kind::Int64;
    case NPY_ULONG: case NPY_ULONGLONG: return Kind::UInt64;
    case NPY_FLOAT: return Kind::Float32;
    case NPY_DOUBLE: return Kind::Float64;
    case NPY_CFLOAT: return Kind::Complex64;
    case NPY_CDOUBLE: return Kind::Complex128;
    default: return Kind::Bottom;
  }
}

int type_number(Kind kind) {
  switch (kind) {
    case Kind::PyBool: case Kind::Bool: return NPY_BOOL;
    case Kind::Int8: return NPY_BYTE;
    case Kind::UInt8: return NPY_UBYTE;
    case Kind::Int16: return NPY_SHORT;
    case Kind::UInt16: return NPY_USHORT;
    case Kind::Int32: return NPY_INT;
    case Kind::UInt32: return NPY_UINT;
    case Kind::PyInt: case Kind::Int64: return NPY_LONG;
    case Kind::UInt64: return NPY_ULONG;
    case Kind::Float32: return NPY_FLOAT;
    case Kind::PyFloat: case Kind::Float64: return NPY_DOUBLE;
    case Kind::Complex64: return NPY_CFLOAT;
    case Kind::PyComplex: case Kind::Complex128: return NPY_CDOUBLE;
    default: return -1;
  }
}

PyTypeObject* scalar_class(Kind kind) {
  int number = type_number(kind);
  return g_numpy.array && number >= 0 ? class_of_number(number) : nullptr;
}

Kind kind_of_scalar_class(PyTypeObject* type) {
  if (!g_numpy.array) return Kind::Bottom;
  for (const ScalarClass& row : g_classes) {
    if (row.type == type) return row.kind;
  }
  return Kind::Bottom;
}

bool is_native(PyArray_Descr* descr) { return PyArray_ISNBO(descr->byteorder); }

const void* scalar_data(PyObject* scalar, Kind kind) {
  switch (kind) {                             // the value lies behind the object's head, aligned as its C type
    case Kind::Complex64: return &PyArrayScalar_VAL(scalar, CFloat);
    case Kind::Complex128: return &PyArrayScalar_VAL(scalar, CDouble);
    case Kind::Float64: return &PyArrayScalar_VAL(scalar, Double);
    case Kind::Int64: case Kind::UInt64: return &PyArrayScalar_VAL(scalar, Long);
    default: return &PyArrayScalar_VAL(scalar, Byte);
  }
}

void* numpy_sort_function(Kind kind, bool merge, bool indirect) {
  if (!resolve_numpy()) return nullptr;
  PyArray_Descr* descr = g_numpy.descr[static_cast<int>(kind)];
  if (!descr) return nullptr;
  PyArray_ArrFuncs* functions = PyDataType_GetArrFuncs(descr);
  NPY_SORTKIND which = merge ? NPY_STABLESORT : NPY_QUICKSORT;
  return indirect ? reinterpret_cast<void*>(functions->argsort[which]) : reinterpret_cast<void*>(functions->sort[which]);
}

void* numpy_item_function(Kind kind, std::string_view what) {
  if (!resolve_numpy()) return nullptr;
  PyArray_Descr* descr = g_numpy.descr[static_cast<int>(kind)];
  if (!descr) return nullptr;
  PyArray_ArrFuncs* functions = PyDataType_GetArrFuncs(descr);
  if (what == "dot") return reinterpret_cast<void*>(functions->dotfunc);
  return reinterpret_cast<void*>(what == "argmax" ? functions->argmax : functions->argmin);
}

int numpy_ufunc_loop(PyObject* object, const char* signature) {
  if (!g_numpy.ufunc || !PyObject_TypeCheck(object, g_numpy.ufunc)) return -1;
  auto* ufunc = reinterpret_cast<PyUFuncObject*>(object);
  std::string letters;
  for (const char* p = signature; *p; p++) {
    if (*p != '-' && *p != '>') letters += *p;
  }
  if (static_cast<int>(letters.size()) != ufunc->nargs) return -1;
  for (int i = 0; i < ufunc->ntypes; i++) {
    bool same = true;
    for (int j = 0; same && j < ufunc->nargs; j++) {
      PyArray_Descr* descr = PyArray_DescrFromType(static_cast<unsigned char>(ufunc->types[i * ufunc->nargs + j]));
      same = descr && descr->type == letters[static_cast<size_t>(j)] && descr->type != 'O';
      Py_XDECREF(descr);
    }
    if (same) return i;
  }
  PyErr_Clear();
  return -1;
}

void* numpy_loop_function(PyObject* object, int64_t index) {
  auto* ufunc = reinterpret_cast<PyUFuncObject*>(object);
  if (!g_numpy.ufunc || !PyObject_TypeCheck(object, g_numpy.ufunc) || index < 0 || index >= ufunc->ntypes) return nullptr;
  return reinterpret_cast<void*>(ufunc->functions[index]);
}

void* numpy_loop_data(PyObject* object, int64_t index) {
  auto* ufunc = reinterpret_cast<PyUFuncObject*>(object);
  return ufunc->data ? const_cast<void*>(static_cast<const void*>(ufunc->data[index])) : nullptr;
}

std::string numpy_ufunc_name(PyObject* object) {
  if (!g_numpy.ufunc || !PyObject_TypeCheck(object, g_numpy.ufunc)) return "";
  std::string bare = reinterpret_cast<PyUFuncObject*>(object)->name;
  for (const char* module : {"numpy", "scipy.special", "numpy.linalg._umath_linalg", "numpy.fft._pocketfft_umath"}) {
    PyObject* loaded = PyDict_GetItemString(PyImport_GetModuleDict(), module);
    PyObject* found = loaded ? PyObject_GetAttrString(loaded, bare.c_str()) : nullptr;
    PyErr_Clear();                            // not there: try the next
    Py_XDECREF(found);
    if (found == object) return std::string(module) + "." + bare;
  }
  return "ufunc." + bare;
}

}  // namespace coluber::jit
