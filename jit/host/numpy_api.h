// NumPy's C API, resolved when the first array shows up (or the first compilation asks), so that importing coluber costs nothing for it.
// Until then all pointers are null and no object is taken for an array.
#pragma once
#include <Python.h>

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_2_0_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL coluber_numpy_api
#ifndef COLUBER_NUMPY_MAIN
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>
#include <numpy/arrayscalars.h>
#include <numpy/ufuncobject.h>

#include "jit/host/type_text.h"

namespace coluber::jit {

struct NumpyTypes {
  PyTypeObject* array = nullptr;
  PyTypeObject* memmap = nullptr;             // null until numpy.memmap has been seen
  PyTypeObject* ufunc = nullptr;
  PyArray_Descr* descr[32] = {};              // by Kind: the native descriptor
};
extern NumpyTypes g_numpy;

bool numpy_loaded();                          // NumPy is in the process
bool resolve_numpy();                         // imports it when need be; false with a Python error

struct ScalarClass {                          // a NumPy scalar class: np.float64, ...
  PyTypeObject* type;
  Kind kind;
};
// The kind of values of a NumPy scalar class / of a dtype number; Kind::Bottom: not one of ours.
Kind kind_of_scalar_class(PyTypeObject* type);
Kind kind_of_type_number(int number);
int type_number(Kind kind);                   // the dtype number for a kind; weak kinds: that of their strong one
PyTypeObject* scalar_class(Kind kind);
bool is_native(PyArray_Descr* descr);

// The value inside a NumPy scalar.
const void* scalar_data(PyObject* scalar, Kind kind);

// NumPy's own sort function for import keys "sort:float64:quick": address or null.
void* numpy_sort_function(Kind kind, bool merge, bool indirect);
// Another function of a dtype, "argmax", "argmin" or "dot": address or null.
void* numpy_item_function(Kind kind, std::string_view what);
// A ufunc's loop for "dd->d": its index, or -1. The loop's function and data.
int numpy_ufunc_loop(PyObject* ufunc, const char* signature);
void* numpy_loop_function(PyObject* ufunc, int64_t index);
void* numpy_loop_data(PyObject* ufunc, int64_t index);
// "numpy.add" for a ufunc (which knows only its bare name); empty when it is none.
std::string numpy_ufunc_name(PyObject* object);

}  // namespace coluber::jit
