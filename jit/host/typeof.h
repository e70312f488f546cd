// The type of a Python value, as text: the slow path, taken once per new combination of argument types.
#pragma once
#include <Python.h>

#include <string>

#include "jit/host/handles.h"
#include "jit/host/type_text.h"

namespace coluber::jit {

struct TypeofFailure {
  std::string what;                           // "a masked array", "dict", "ndarray of dtype object"
  std::string remedy;
  int depth = 0;                              // of the tuple that is looked at: lists and tuples may hold themselves
};

// Appends the type's text to *out. Objects that types name (functions, classes) are added to `held`. False: *why says so (no Python error).
bool type_of(PyObject* value, HandleSet* held, std::string* out, TypeofFailure* why);

// The kind that all items of a list share (weak and strong join to strong); Bottom: empty. False: there is none.
bool list_kind(PyObject* list, Kind* kind, TypeofFailure* why);
// The layout letter of an array: C, F, S or A (ir/type.h).
char array_layout(PyObject* array);
// Whether `type` is a subclass of tuple made by namedtuple, and its field names.
bool is_namedtuple_class(PyTypeObject* type);

}  // namespace coluber::jit
