// Falling back to the interpreter. It happens before anything of the call has run, so that the original function gives what it always gave:
// its integers without limit, its exceptions, the identity of its objects.
#include "jit/host/object_mode.h"

#include <algorithm>

#include "jit/host/mixed.h"

namespace coluber::jit {
namespace {

enum Fallback { kError, kWarn, kSilent };     // the words of the option

// coluber.errors.ColuberError, or null with an error.
PyObject* compiler_error() {
  PyObject* module = PyImport_ImportModule("coluber.errors");
  PyObject* cls = module ? PyObject_GetAttrString(module, "ColuberError") : nullptr;
  Py_XDECREF(module);
  return cls;
}

std::string text_of(PyObject* error) {
  PyObject* text = PyObject_Str(error);
  const char* utf8 = text ? PyUnicode_AsUTF8(text) : nullptr;
  std::string out = utf8 ? utf8 : "?";
  Py_XDECREF(text);
  PyErr_Clear();                              // a message that cannot be made is no reason to fail
  return out;
}

// False when the warning has become an exception.
bool warn(Dispatcher* self, PyObject* error, bool mixed) {
  PyObject* module = PyImport_ImportModule("coluber._support");
  PyObject* done = module ? PyObject_CallMethod(module, "warn_of_object_mode", "OOO", reinterpret_cast<PyObject*>(self), error, mixed ? Py_True : Py_False) : nullptr;
  Py_XDECREF(module);
  Py_XDECREF(done);
  return done != nullptr;
}

}  // namespace

bool may_fall_back(Dispatcher* self) { return self->state->options.fallback != kError; }

bool runs_in_python(Dispatcher* self, const std::vector<std::string>& types) {
  const auto& known = self->state->in_python;
  return std::any_of(known.begin(), known.end(), [&](const InPython& s) { return s.types == types; });
}

bool fall_back(Dispatcher* self, const std::vector<std::string>* types, PyObject* const* args) {
  if (!may_fall_back(self)) return false;
  PyObject *error = take_exception(), *cls = compiler_error();
  // An argument beyond 64 bits is no error of the compiler's, but Python has no such limit.
  bool ours = cls && (PyObject_TypeCheck(error, reinterpret_cast<PyTypeObject*>(cls)) || PyObject_TypeCheck(error, reinterpret_cast<PyTypeObject*>(PyExc_OverflowError)));
  Py_XDECREF(cls);
  if (!ours) {
    set_exception(error);
    return false;
  }
  DispatcherState* state = self->state;
  std::string reason = text_of(error);
  if (types && !runs_in_python(self, *types)) state->in_python.push_back({*types, reason});
  bool known = std::find(state->reasons.begin(), state->reasons.end(), reason) != state->reasons.end();
  bool ok = true;
  if (!known) {
    state->reasons.push_back(std::move(reason));
    bool mixed = args && mixed_for(self, args);
    bool silent = state->options.fallback == kSilent || (args && silently_in_python(self, args));
    ok = !PyErr_Occurred() && (silent || warn(self, error, mixed));
  }
  Py_DECREF(error);
  return ok;
}

bool known_untyped(Dispatcher* self, int32_t argument, const std::string& what) {
  if (!may_fall_back(self)) return false;
  auto& known = self->state->untyped;
  std::string key = std::to_string(argument) + ":" + what;
  if (std::find(known.begin(), known.end(), key) != known.end()) return true;
  known.push_back(std::move(key));
  return false;
}

PyObject* call_in_python(Dispatcher* self, PyObject* const* args, Py_ssize_t nargs, PyObject* keywords) {
  return PyObject_Vectorcall(self->py_func, args, static_cast<size_t>(nargs), keywords);
}

bool wants_first_run() {
  PyObject* error = take_exception();
  PyObject* id = PyObject_GetAttrString(error, "id");
  bool untyped = id && PyUnicode_Check(id) && PyUnicode_CompareWithASCIIString(id, "ObjmodeUntyped") == 0;
  PyErr_Clear();
  Py_XDECREF(id);
  if (untyped) Py_DECREF(error);
  else set_exception(error);
  return untyped;
}

PyObject* first_run(Dispatcher* self, PyObject* const* args, Py_ssize_t nargs, PyObject* keywords) {
  PyObject* module = PyImport_ImportModule("coluber._objmode");
  auto note = [&](PyObject* active) {
    PyObject* done = module ? PyObject_CallMethod(module, "first_run", "O", active) : nullptr;
    Py_XDECREF(done);
    return done != nullptr;
  };
  PyObject* result = note(Py_True) ? call_in_python(self, args, nargs, keywords) : nullptr;
  PyObject* error = result || !module ? nullptr : take_exception();
  if (module && !note(Py_False)) PyErr_Clear();
  Py_XDECREF(module);
  if (error) set_exception(error);
  return result;
}

PyObject* object_signatures(Dispatcher* self) {
  PyObject* list = PyList_New(0);
  for (const InPython& s : self->state->in_python) {
    PyObject* types = PyTuple_New(static_cast<Py_ssize_t>(s.types.size()));
    for (size_t i = 0; types && i < s.types.size(); i++) {
      PyObject* text = PyUnicode_FromString(s.types[i].c_str());
      if (text) PyTuple_SET_ITEM(types, static_cast<Py_ssize_t>(i), text);
      else Py_CLEAR(types);
    }
    PyObject* row = types ? Py_BuildValue("(Ns)", types, s.reason.c_str()) : nullptr;
    if (!list || !row || PyList_Append(list, row) < 0) Py_CLEAR(list);
    Py_XDECREF(row);
  }
  return list;
}

}  // namespace coluber::jit
