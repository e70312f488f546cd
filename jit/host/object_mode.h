// What @jit does with a call that cannot be compiled: the original function runs, and one warning says why.
#pragma once
#include <Python.h>

#include <string>
#include <vector>

#include "jit/host/dispatcher.h"

namespace coluber::jit {

// Whether calls that cannot be compiled may run the original function (the option `fallback`).
bool may_fall_back(Dispatcher* self);
// These types are known not to compile.
bool runs_in_python(Dispatcher* self, const std::vector<std::string>& types);
// A compilation has failed, with its error pending. True: it was the compiler's, and is now a warning; the call is to run in Python.
// False: an error is pending. types: null when not even the arguments have types.
// args: the bound arguments, when object mode may compile the call.
bool fall_back(Dispatcher* self, const std::vector<std::string>* types, PyObject* const* args = nullptr);
// Whether the same argument of the same type was refused before in a call that fell back: no error need be made for it again.
bool known_untyped(Dispatcher* self, int32_t argument, const std::string& what);
PyObject* call_in_python(Dispatcher* self, PyObject* const* args, Py_ssize_t nargs, PyObject* keywords);
// A compilation has failed, with its error pending. True: for lack of types of variables that a body of objmode sets, and the error is gone.
bool wants_first_run();
// The call in Python, which makes a record of those types (coluber/_objmode.py).
PyObject* first_run(Dispatcher* self, PyObject* const* args, Py_ssize_t nargs, PyObject* keywords);
// [(argument type texts, reason), ...]
PyObject* object_signatures(Dispatcher* self);

}  // namespace coluber::jit
