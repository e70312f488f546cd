// Object mode, compiled: specialisations in which values without a type are Python objects. See docs/design.md, decision 4.
#pragma once
#include <Python.h>

#include <string>
#include <vector>

#include "jit/runtime/abi.h"

namespace coluber::jit {

struct Dispatcher;
struct Specialization;

// A specialisation of object mode by what its arguments are: 'i' an int of 64 bits, 'f' a float, 'b' a bool, 'n' None, 'o' any other object.
struct Mixed {
  std::string key;                            // the letters, 'u' for an unbound variable; of a part behind its entry point
  Specialization* spec = nullptr;             // null: it does not compile either, and runs in the interpreter
  std::string why;                            // then
  bool silent = false;                        // it is a decision by cost, nothing to warn of
};

// The specialisation for these bound arguments, compiled if need be; null: the interpreter is to run the call, or (with an error pending) none.
Mixed* mixed_for(Dispatcher* self, PyObject* const* args);
// Is it the interpreter by a decision of cost?
bool silently_in_python(Dispatcher* self, PyObject* const* args);
// Of a part of the function (the text of an entry point), for these variables; null: unbound. Null when it does not compile (*why) or with an error.
Mixed* mixed_part(Dispatcher* self, const std::string& entry, PyObject* const* args, int64_t n, std::string* why = nullptr);
// Calls it. The result, or null with an error. generator: whose code it is, or null.
PyObject* call_mixed(Dispatcher* self, Mixed* mixed, PyObject* const* args, coluber_suspended* generator = nullptr);
// Do the values fit it?
bool fits_mixed(const Mixed* mixed, PyObject* const* args, size_t n);
// The rest of a generator, for a frame of these types.
Mixed* mixed_rest(Dispatcher* self, const std::string& entry, const std::vector<std::string>& types, std::string* why);

// For calls known to run in object mode, before anything else is tried: the specialisation, where these classes of arguments have been seen to
// need it and its globals are as they were; else null.
Mixed* seen_in_object_mode(Dispatcher* self, PyObject* const* args);
void note_object_mode(Dispatcher* self, PyObject* const* args);
void drop_mixed(Dispatcher* self);
// [(key, result type or None, why it runs in the interpreter or None), ...]
PyObject* mixed_list(Dispatcher* self);

// compile.cc. A specialisation of object mode, or null with an error.
Specialization* compile_mixed(Dispatcher* self, const std::vector<std::string>& types, const std::string& entry);

}  // namespace coluber::jit
