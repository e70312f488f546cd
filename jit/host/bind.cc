// Binding: from the arguments of a call to one value per parameter, in the order of co_varnames (positional, keyword-only, then *args).
#include "jit/host/dispatcher.h"
#include "jit/host/raise.h"

namespace coluber::jit {
namespace {

PyObject* code_of(Dispatcher* self) { return PyFunction_GET_CODE(self->py_func); }

// A function with the same parameters and no body raises what CPython would raise for this call.
bool refuse_like_python(Dispatcher* self, PyObject* const* args, Py_ssize_t nargs, PyObject* keywords) {
  PyObject *support = PyImport_ImportModule("coluber._support"), *positional = PyTuple_New(nargs), *named = PyDict_New();
  for (Py_ssize_t i = 0; positional && i < nargs; i++) PyTuple_SET_ITEM(positional, i, Py_NewRef(args[i]));
  for (Py_ssize_t i = 0; named && keywords && i < PyTuple_GET_SIZE(keywords); i++) PyDict_SetItem(named, PyTuple_GET_ITEM(keywords, i), args[nargs + i]);
  PyObject* done = support && positional && named ? PyObject_CallMethod(support, "refuse_call", "OOO", self->py_func, positional, named) : nullptr;
  Py_XDECREF(support);
  Py_XDECREF(positional);
  Py_XDECREF(named);
  Py_XDECREF(done);
  if (!PyErr_Occurred()) PyErr_Format(PyExc_TypeError, "%s(): wrong arguments", self->state->name.c_str());
  return false;
}

int32_t find_parameter(PyObject* names, PyObject* name, int32_t from, int32_t to) {
  for (int32_t i = from; i < to; i++) {
    if (PyTuple_GET_ITEM(names, i) == name) return i;
  }
  for (int32_t i = from; i < to; i++) {
    if (PyUnicode_Compare(PyTuple_GET_ITEM(names, i), name) == 0) return i;
  }
  return -1;
}

bool place_keywords(Dispatcher* self, PyObject* const* values, PyObject* keywords, std::vector<PyObject*>* bound) {
  DispatcherState* s = self->state;
  PyObject* names = PyObject_GetAttrString(code_of(self), "co_varnames");
  if (!names) return false;
  bool ok = true;
  for (Py_ssize_t i = 0; ok && i < PyTuple_GET_SIZE(keywords); i++) {
    int32_t at = find_parameter(names, PyTuple_GET_ITEM(keywords, i), s->nposonly, s->npositional + s->nkwonly);
    ok = at >= 0 && !(*bound)[static_cast<size_t>(at)];
    if (ok) (*bound)[static_cast<size_t>(at)] = values[i];
  }
  Py_DECREF(names);
  return ok;
}

bool fill_defaults(Dispatcher* self, std::vector<PyObject*>* bound) {
  DispatcherState* s = self->state;
  PyObject *defaults = PyFunction_GET_DEFAULTS(self->py_func), *kwdefaults = PyFunction_GET_KW_DEFAULTS(self->py_func);
  int32_t ndefaults = defaults ? static_cast<int32_t>(PyTuple_GET_SIZE(defaults)) : 0;
  for (int32_t i = 0; i < s->npositional; i++) {
    int32_t which = i - (s->npositional - ndefaults);
    PyObject*& slot = (*bound)[static_cast<size_t>(i)];
    if (!slot && which >= 0) slot = PyTuple_GET_ITEM(defaults, which);
    if (!slot) return false;
  }
  for (int32_t i = 0; i < s->nkwonly; i++) {
    PyObject*& slot = (*bound)[static_cast<size_t>(s->npositional + i)];
    if (!slot && kwdefaults) slot = PyDict_GetItemString(kwdefaults, parameter_name(self, s->npositional + i));
    if (!slot) return false;
  }
  return true;
}

}  // namespace

const char* parameter_name(Dispatcher* self, int32_t index) {
  PyObject* names = PyObject_GetAttrString(code_of(self), "co_varnames");
  const char* name = names && index < PyTuple_GET_SIZE(names) ? PyUnicode_AsUTF8(PyTuple_GET_ITEM(names, index)) : "?";
  Py_XDECREF(names);                          // the code object keeps the strings
  return name;
}

bool bind_arguments(Dispatcher* self, PyObject* const* args, Py_ssize_t nargs, PyObject* keywords, std::vector<PyObject*>* bound, PyObject** gathered) {
  DispatcherState* s = self->state;
  if (s->varkeywords) return raise_typing_error(self, "takes **keywords, which compiled code does not support", "name the keyword parameters"), false;
  bound->assign(static_cast<size_t>(s->nparams), nullptr);
  if (nargs > s->npositional && !s->varargs) return refuse_like_python(self, args, nargs, keywords);
  for (Py_ssize_t i = 0; i < nargs && i < s->npositional; i++) (*bound)[static_cast<size_t>(i)] = args[i];
  if (s->varargs) {
    Py_ssize_t extra = nargs > s->npositional ? nargs - s->npositional : 0;
    *gathered = PyTuple_New(extra);
    if (!*gathered) return false;
    for (Py_ssize_t i = 0; i < extra; i++) PyTuple_SET_ITEM(*gathered, i, Py_NewRef(args[s->npositional + i]));
    bound->back() = *gathered;
  }
  bool ok = (!keywords || place_keywords(self, args + nargs, keywords, bound)) && fill_defaults(self, bound);
  return ok || refuse_like_python(self, args, nargs, keywords);
}

}  // namespace coluber::jit
