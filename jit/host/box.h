// From the result slots of compiled code to a Python object, driven by the result's type. Boxing consumes the references in the slots.
#pragma once
#include <Python.h>

#include <cstdint>
#include <string>
#include <vector>

#include "jit/host/type_text.h"

namespace coluber::jit {

struct BoxedArray {
  void* owner;
  PyObject* array;                            // the ndarray that owns the memory; alive in the result that is being built
};

// Inside tuples, remembers the arrays boxed so far, so that one array in two places is one object.
struct BoxContext {
  bool shared = false;
  bool numpy = false;                         // NumPy's scalars in lists and tuples stay what they are
  std::vector<BoxedArray> arrays;
};

// False when values of this type have no Python form; *error says which part.
bool can_box(const HostType* type, std::string* error);

// New reference, or null with a Python error. The slots are consumed either way.
PyObject* box(const HostType* type, const uint64_t* slots, BoxContext& context);

PyObject* box_array(const HostType* type, const uint64_t* slots, BoxContext& context);   // box_array.cc
PyObject* box_numpy_scalar(Kind kind, const uint64_t* slots);    // box_array.cc: NumPy's own scalar
PyObject* numpy_scalar(Kind kind, const void* data);             // the same out of memory
// As it is for Python: NumPy's scalars stay what they are. Consumes the slots.
PyObject* box_as_python(const HostType* type, const uint64_t* slots, BoxContext& context);
// Takes references for slots that will be boxed and are used further.
void retain_slots(const HostType* type, const uint64_t* slots);
// Gives up the references in slots that will not be boxed.
void release_slots(const HostType* type, const uint64_t* slots);

}  // namespace coluber::jit
