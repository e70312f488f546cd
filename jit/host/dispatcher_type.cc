// The Python type coluber.Dispatcher: construction, attributes, methods. What is rarely used is written in Python (coluber._support and
// coluber.inspect) and called from here.
#include "jit/host/dispatcher.h"
#include "jit/host/lift.h"
#include "jit/host/mixed.h"
#include "jit/host/object_mode.h"
#include "jit/host/objmode.h"

#include <structmember.h>

#include <cstddef>

namespace coluber::jit {

PyTypeObject* g_dispatcher_type = nullptr;

namespace {

Dispatcher* cast(PyObject* o) { return reinterpret_cast<Dispatcher*>(o); }

// ---- construction -------------------------------------------------------------------------------------------------------------------

int32_t code_int(PyObject* code, const char* name) {
  PyObject* value = PyObject_GetAttrString(code, name);
  auto number = value ? static_cast<int32_t>(PyLong_AsLong(value)) : 0;
  Py_XDECREF(value);
  return number;
}

void read_parameters(PyObject* function, DispatcherState* s) {
  PyObject* code = PyFunction_GET_CODE(function);
  int32_t flags = code_int(code, "co_flags");
  s->npositional = code_int(code, "co_argcount");
  s->nposonly = code_int(code, "co_posonlyargcount");
  s->nkwonly = code_int(code, "co_kwonlyargcount");
  s->varargs = flags & CO_VARARGS;
  s->varkeywords = flags & CO_VARKEYWORDS;
  s->nparams = s->npositional + s->nkwonly + (s->varargs ? 1 : 0);
  s->generator = (flags & CO_GENERATOR) && !(flags & (CO_COROUTINE | CO_ITERABLE_COROUTINE | CO_ASYNC_GENERATOR));
  s->simple = !s->varargs && !s->varkeywords && s->nkwonly == 0;
}

bool text_list(PyObject* sequence, std::vector<std::string>* out) {
  PyObject* fast = PySequence_Fast(sequence, "a sequence of type texts is expected");
  if (!fast) return false;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast); i++) {
    const char* text = PyUnicode_AsUTF8(PySequence_Fast_GET_ITEM(fast, i));
    if (text) out->emplace_back(text);
  }
  Py_DECREF(fast);
  return !PyErr_Occurred();
}

bool add_declared(PyObject* signature, DispatcherState* s) {
  PyObject *args, *result;
  Declared declared;
  if (!PyArg_ParseTuple(signature, "OO", &args, &result) || !text_list(args, &declared.args)) return false;
  if (result != Py_None && !PyUnicode_Check(result)) return PyErr_SetString(PyExc_TypeError, "the result's type is a text or None"), false;
  if (result != Py_None) declared.return_type = PyUnicode_AsUTF8(result);
  if (static_cast<int32_t>(declared.args.size()) != s->nparams) {
    PyErr_Format(PyExc_TypeError, "%s(): a signature of %zu arguments is given for a function of %d", s->name.c_str(), declared.args.size(), s->nparams);
    return false;
  }
  s->declared.push_back(std::move(declared));
  return true;
}

// As functools.wraps does, so that whatever looks at functions finds its way.
bool copy_attributes(Dispatcher* self) {
  self->dict = PyDict_New();
  if (!self->dict) return false;
  PyObject* own = reinterpret_cast<PyFunctionObject*>(self->py_func)->func_dict;
  if (own && PyDict_Update(self->dict, own) < 0) return false;
  for (const char* name : {"__module__", "__name__", "__qualname__", "__doc__"}) {
    PyObject* value = PyObject_GetAttrString(self->py_func, name);
    bool ok = value && PyDict_SetItemString(self->dict, name, value) == 0;
    Py_XDECREF(value);
    if (!ok) return false;
  }
  return PyDict_SetItemString(self->dict, "__wrapped__", self->py_func) == 0;
}

// Makes `self` the dispatcher of a function. False with a Python error.
bool set_up(Dispatcher* self, PyObject* function, PyObject* options, PyObject* declared) {
  Py_XSETREF(self->py_func, Py_NewRef(function));
  Py_CLEAR(self->dict);
  delete self->state;
  self->state = new DispatcherState;
  self->state->options = default_options();
  self->state->name = PyUnicode_AsUTF8(reinterpret_cast<PyFunctionObject*>(function)->func_qualname);
  read_parameters(function, self->state);
  if (!copy_attributes(self) || !parse_options(options, &self->state->options)) return false;
  PyObject* list = declared && declared != Py_None ? PySequence_Fast(declared, "a list of signatures is expected") : nullptr;
  bool ok = true;
  for (Py_ssize_t i = 0; list && ok && i < PySequence_Fast_GET_SIZE(list); i++) ok = add_declared(PySequence_Fast_GET_ITEM(list, i), self->state);
  Py_XDECREF(list);
  self->vectorcall = self->state->generator ? generator_call : dispatcher_call;
  return ok && !PyErr_Occurred();
}

PyObject* dispatcher_new(PyTypeObject* type, PyObject* args, PyObject*) {
  PyObject *function, *options, *declared = nullptr;
  if (!PyArg_ParseTuple(args, "O!O!|O", &PyFunction_Type, &function, &PyDict_Type, &options, &declared)) return nullptr;
  auto* self = cast(type->tp_alloc(type, 0));
  if (!self) return nullptr;
  self->vectorcall = dispatcher_call;
  if (set_up(self, function, options, declared)) return reinterpret_cast<PyObject*>(self);
  Py_DECREF(self);
  return nullptr;
}

int dispatcher_traverse(PyObject* o, visitproc visit, void* arg) {
  Dispatcher* self = cast(o);
  Py_VISIT(Py_TYPE(o));
  Py_VISIT(self->py_func);
  Py_VISIT(self->dict);
  if (!self->state) return 0;
  auto visit_all = [&](Specialization* spec) {
    Py_VISIT(spec->constant);
    if (int stop = spec->held.traverse(visit, arg)) return stop;
    return spec->guards.traverse(visit, arg);
  };
  for (Specialization* spec : self->state->table) {
    if (int stop = visit_all(spec)) return stop;
  }
  for (Mixed* mixed : self->state->mixed) {
    if (int stop = mixed->spec ? visit_all(mixed->spec) : 0) return stop;
  }
  for (Site* site : self->state->sites) {
    for (Specialization* spec : site->loops) {
      if (int stop = visit_all(spec)) return stop;
    }
  }
  for (PyTypeObject* cls : self->state->object_classes) Py_VISIT(cls);
  return visit_objmode_sites(self, visit, arg);
}

void drop_all(Dispatcher* self) {
  while (self->state && !self->state->table.empty()) drop_specialization(self, self->state->table.back());
  if (self->state) {
    drop_mixed(self);
    drop_loops(self);
  }
}

int dispatcher_clear(PyObject* o) {
  Dispatcher* self = cast(o);
  drop_all(self);
  if (self->state) drop_objmode_sites(self);   // not with the code: a body may have asked for that to be made anew
  Py_CLEAR(self->dict);
  return 0;                                   // py_func stays: a dispatcher without it could not say what it is
}

void dispatcher_dealloc(PyObject* o) {
  Dispatcher* self = cast(o);
  PyTypeObject* type = Py_TYPE(o);
  PyObject_GC_UnTrack(o);
  if (self->weakrefs) PyObject_ClearWeakRefs(o);
  drop_all(self);
  if (self->state) {
    drop_objmode_sites(self);
    free_sites(self);
  }
  delete self->state;
  Py_CLEAR(self->dict);
  Py_CLEAR(self->py_func);
  type->tp_free(o);
  Py_DECREF(type);
}

// ---- attributes ---------------------------------------------------------------------------------------------------------------------

PyObject* dispatcher_repr(PyObject* o) { return PyUnicode_FromFormat("Dispatcher(%R)", cast(o)->py_func); }

PyObject* dispatcher_get(PyObject* self, PyObject* instance, PyObject*) {
  return instance && instance != Py_None ? PyMethod_New(self, instance) : Py_NewRef(self);
}

// Calls module.name(self, *args, **kwargs).
PyObject* in_python(const char* module_name, const char* name, PyObject* self, PyObject* args, PyObject* kwargs) {
  PyObject* module = PyImport_ImportModule(module_name);
  PyObject* function = module ? PyObject_GetAttrString(module, name) : nullptr;
  PyObject* first = PyTuple_Pack(1, self);
  PyObject* all = first && args ? PySequence_Concat(first, args) : Py_XNewRef(first);
  PyObject* result = function && all ? PyObject_Call(function, all, kwargs) : nullptr;
  Py_XDECREF(module);
  Py_XDECREF(function);
  Py_XDECREF(first);
  Py_XDECREF(all);
  return result;
}

PyObject* get_signature(PyObject* self, void*) { return in_python("coluber._support", "python_signature", self, nullptr, nullptr); }
PyObject* get_signatures(PyObject* self, void*) { return in_python("coluber.inspect", "signatures", self, nullptr, nullptr); }
PyObject* get_nopython_signatures(PyObject* self, void*) { return in_python("coluber.inspect", "nopython_signatures", self, nullptr, nullptr); }
PyObject* get_overloads(PyObject* self, void*) { return in_python("coluber.inspect", "overloads", self, nullptr, nullptr); }
PyObject* get_stats(PyObject* self, void*) { return in_python("coluber.inspect", "stats", self, nullptr, nullptr); }
PyObject* get_options(PyObject* self, void*) { return options_dict(cast(self)->state->options); }

PyObject* text_tuple(const std::vector<std::string>& texts) {
  PyObject* tuple = PyTuple_New(static_cast<Py_ssize_t>(texts.size()));
  for (size_t i = 0; tuple && i < texts.size(); i++) {
    PyObject* text = PyUnicode_FromStringAndSize(texts[i].data(), static_cast<Py_ssize_t>(texts[i].size()));
    if (text) PyTuple_SET_ITEM(tuple, static_cast<Py_ssize_t>(i), text);
    else Py_CLEAR(tuple);
  }
  return tuple;
}

// (argument type texts, result type text, {stage: seconds}, from cache, bytes of code, calls)
PyObject* row_of(const Specialization* spec) {
  PyObject *times = PyDict_New(), *types = text_tuple(spec->arg_types);
  for (const auto& [stage, seconds] : spec->times) {
    PyObject* value = PyFloat_FromDouble(seconds);
    if (times && value) PyDict_SetItemString(times, stage.c_str(), value);
    Py_XDECREF(value);
  }
  auto size = static_cast<long long>(spec->code_size), calls = static_cast<long long>(spec->entered);
  PyObject* cached = spec->from_cache ? Py_True : Py_False;
  PyObject* row = types && times ? Py_BuildValue("(OsOOLL)", types, spec->return_type.c_str(), times, cached, size, calls) : nullptr;
  Py_XDECREF(times);
  Py_XDECREF(types);
  return row;
}

PyObject* specializations(PyObject* o, PyObject*) {
  PyObject* list = PyList_New(0);
  for (Specialization* spec : cast(o)->state->table) {
    PyObject* row = row_of(spec);
    if (!list || !row || PyList_Append(list, row) < 0) Py_CLEAR(list);
    Py_XDECREF(row);
  }
  return list;
}

// What object mode has compiled: the function and parts of it, then lifted loops.
std::vector<Specialization*> parts_of(Dispatcher* self) {
  std::vector<Specialization*> all;
  for (Mixed* mixed : self->state->mixed) {
    if (mixed->spec) all.push_back(mixed->spec);
  }
  for (Site* site : self->state->sites) all.insert(all.end(), site->loops.begin(), site->loops.end());
  return all;
}

// [(object mode, text of the entry point or "", row as above), ...]
PyObject* parts(PyObject* o, PyObject*) {
  PyObject* list = PyList_New(0);
  for (const Specialization* spec : parts_of(cast(o))) {
    PyObject* row = row_of(spec);
    PyObject* part = row ? Py_BuildValue("(OsN)", spec->objects ? Py_True : Py_False, spec->part.c_str(), row) : nullptr;
    if (!list || !part || PyList_Append(list, part) < 0) Py_CLEAR(list);
    Py_XDECREF(part);
  }
  return list;
}

// Explicit signatures not yet compiled, as (types, result or None).
PyObject* declared(PyObject* o, PyObject*) {
  PyObject* list = PyList_New(0);
  for (const Declared& d : cast(o)->state->declared) {
    PyObject* types = text_tuple(d.args);
    PyObject* row = types ? Py_BuildValue("(Oz)", types, d.return_type.empty() ? nullptr : d.return_type.c_str()) : nullptr;
    if (!list || !row || PyList_Append(list, row) < 0) Py_CLEAR(list);
    Py_XDECREF(types);
    Py_XDECREF(row);
  }
  return list;
}

PyObject* compile_types(PyObject* o, PyObject* args) {
  PyObject* types;
  const char* result = nullptr;
  std::vector<std::string> texts;
  if (!PyArg_ParseTuple(args, "O|z", &types, &result) || !text_list(types, &texts)) return nullptr;
  if (static_cast<int32_t>(texts.size()) != cast(o)->state->nparams) return PyErr_Format(PyExc_TypeError, "%s(): a signature of %zu arguments is given for a function of %d", cast(o)->state->name.c_str(), texts.size(), cast(o)->state->nparams);
  if (!get_specialization(cast(o), texts, result ? result : "", nullptr)) return nullptr;
  Py_RETURN_NONE;
}

PyObject* dump(PyObject* o, PyObject* args) {
  Py_ssize_t index;
  const char* stage;
  if (!PyArg_ParseTuple(args, "ns", &index, &stage)) return nullptr;
  std::vector<Specialization*> table = cast(o)->state->table, more = parts_of(cast(o));
  table.insert(table.end(), more.begin(), more.end());
  if (index < 0 || index >= static_cast<Py_ssize_t>(table.size())) return PyErr_Format(PyExc_IndexError, "there is no specialisation %zd", index);
  return dump_specialization(cast(o), table[static_cast<size_t>(index)], stage);
}

PyObject* recompile(PyObject* o, PyObject*) {
  Dispatcher* self = cast(o);
  std::vector<std::pair<std::vector<std::string>, std::string>> known;
  bool fixed = !self->state->can_compile;
  for (Specialization* spec : self->state->table) known.emplace_back(spec->arg_types, fixed ? spec->return_type : "");
  HandleSet held;                             // the objects that the types name
  for (Specialization* spec : self->state->table) held.add_all(spec->held);
  drop_all(self);
  self->state->in_python.clear();             // what did not compile may compile now
  self->state->reasons.clear();
  self->state->untyped.clear();
  for (const auto& [types, result] : known) {
    if (!get_specialization(self, types, result, nullptr)) return nullptr;
  }
  Py_RETURN_NONE;
}

PyObject* disable_compile(PyObject* o, PyObject*) {
  cast(o)->state->can_compile = false;
  Py_RETURN_NONE;
}

PyObject* in_python_signatures(PyObject* o, PyObject*) { return object_signatures(cast(o)); }

PyObject* loops(PyObject* o, PyObject*) { return loop_list(cast(o)); }
PyObject* object_mode(PyObject* o, PyObject*) { return mixed_list(cast(o)); }

PyObject* is_fixed(PyObject* o, PyObject*) { return PyBool_FromLong(!cast(o)->state->can_compile); }

PyObject* cache_state(PyObject* o, PyObject*) {
  DispatcherState* s = cast(o)->state;
  PyObject* notes = text_tuple(s->cache_notes);
  PyObject* result = notes ? Py_BuildValue("(LLO)", static_cast<long long>(s->hits), static_cast<long long>(s->misses), notes) : nullptr;
  Py_XDECREF(notes);
  return result;
}

// Unpickling: a function may refer to its own dispatcher, so that one is made first and filled in when the function is there.
PyObject* fill(PyObject* o, PyObject* args) {
  PyObject *function, *options, *declared = nullptr;
  if (!PyArg_ParseTuple(args, "O!O!|O", &PyFunction_Type, &function, &PyDict_Type, &options, &declared)) return nullptr;
  drop_all(cast(o));
  if (!set_up(cast(o), function, options, declared)) return nullptr;
  Py_RETURN_NONE;
}

// What a copy of the dispatcher is made of: the function, the options, the explicit signatures.
PyObject* reduce(PyObject* self, PyObject*) { return in_python("coluber._support", "reduce", self, nullptr, nullptr); }

#define IN_PYTHON(name) \
  PyObject* py_##name(PyObject* self, PyObject* args, PyObject* kwargs) { return in_python("coluber.inspect", #name, self, args, kwargs); }
IN_PYTHON(compile)
IN_PYTHON(inspect_types)
IN_PYTHON(inspect_llvm)
IN_PYTHON(inspect_asm)
IN_PYTHON(inspect_ir)
IN_PYTHON(inspect_cfg)
IN_PYTHON(annotate)
IN_PYTHON(explain)
IN_PYTHON(vectorization)
IN_PYTHON(parallel_diagnostics)
IN_PYTHON(cache_info)
IN_PYTHON(mode)
#undef IN_PYTHON
#define KEYWORD_METHOD(name, doc) {#name, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(py_##name)), METH_VARARGS | METH_KEYWORDS, doc}

PyMethodDef g_methods[] = {
    {"_specializations", specializations, METH_NOARGS, nullptr},
    {"_parts", parts, METH_NOARGS, nullptr},
    {"_declared", declared, METH_NOARGS, nullptr},
    {"_compile", compile_types, METH_VARARGS, nullptr},
    {"_dump", dump, METH_VARARGS, nullptr},
    {"_fixed", is_fixed, METH_NOARGS, nullptr},
    {"_fill", fill, METH_VARARGS, nullptr},
    {"_in_python", in_python_signatures, METH_NOARGS, nullptr},
    {"_loops", loops, METH_NOARGS, nullptr},
    {"_object_mode", object_mode, METH_NOARGS, nullptr},
    {"_cache_state", cache_state, METH_NOARGS, nullptr},
    {"recompile", recompile, METH_NOARGS, "Compiles all signatures anew."},
    {"disable_compile", disable_compile, METH_NOARGS, "From now on only the signatures compiled so far are accepted."},
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    KEYWORD_METHOD(compile, "compile(signature): compiles for a signature without calling."),
    KEYWORD_METHOD(inspect_types, "inspect_types(file=None, signature=None): prints the source with the type of each variable and expression."),
    KEYWORD_METHOD(inspect_llvm, "inspect_llvm(signature=None): the LLVM IR, as text or as a dict by signature."),
    KEYWORD_METHOD(inspect_asm, "inspect_asm(signature=None): the machine code as assembler text."),
    KEYWORD_METHOD(inspect_ir, "inspect_ir(signature=None): Coluber's own typed IR."),
    KEYWORD_METHOD(mode, "mode(signature): how calls with these types run: 'native' or 'object'."),
    KEYWORD_METHOD(inspect_cfg, "inspect_cfg(signature=None): the blocks and jumps of the typed IR, as SVG."),
    KEYWORD_METHOD(annotate, "annotate(signature=None): a page of what was done line by line; notebooks show it."),
    KEYWORD_METHOD(explain, "explain(what, signature=None): why a variable or expression is of its type."),
    KEYWORD_METHOD(vectorization, "vectorization(signature=None): of each loop whether it was vectorised, or LLVM's reason."),
    KEYWORD_METHOD(parallel_diagnostics, "parallel_diagnostics(signature=None, level=1): prints which prange loops run in parallel, and why others do not."),
    KEYWORD_METHOD(cache_info, "cache_info(): hits and misses of the disk cache, and why not."),
    {nullptr, nullptr, 0, nullptr}};

PyGetSetDef g_getset[] = {{"__signature__", get_signature, nullptr, nullptr, nullptr},
                          {"signatures", get_signatures, nullptr, "the argument types compiled so far", nullptr},
                          {"nopython_signatures", get_nopython_signatures, nullptr, "the argument types that are native code", nullptr},
                          {"overloads", get_overloads, nullptr, "what is known of each signature", nullptr},
                          {"stats", get_stats, nullptr, "time, size and calls by signature, cache hits and misses", nullptr},
                          {"targetoptions", get_options, nullptr, "the options that differ from the defaults", nullptr},
                          {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
                          {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyMemberDef g_members[] = {{"py_func", T_OBJECT_EX, offsetof(Dispatcher, py_func), READONLY, "the Python function"},
                           {"__vectorcalloffset__", T_PYSSIZET, offsetof(Dispatcher, vectorcall), READONLY, nullptr},
                           {"__dictoffset__", T_PYSSIZET, offsetof(Dispatcher, dict), READONLY, nullptr},
                           {"__weaklistoffset__", T_PYSSIZET, offsetof(Dispatcher, weakrefs), READONLY, nullptr},
                           {nullptr, 0, 0, 0, nullptr}};

PyType_Slot g_slots[] = {{Py_tp_new, reinterpret_cast<void*>(dispatcher_new)},
                         {Py_tp_dealloc, reinterpret_cast<void*>(dispatcher_dealloc)},
                         {Py_tp_traverse, reinterpret_cast<void*>(dispatcher_traverse)},
                         {Py_tp_clear, reinterpret_cast<void*>(dispatcher_clear)},
                         {Py_tp_repr, reinterpret_cast<void*>(dispatcher_repr)},
                         {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                         {Py_tp_descr_get, reinterpret_cast<void*>(dispatcher_get)},
                         {Py_tp_methods, g_methods},
                         {Py_tp_getset, g_getset},
                         {Py_tp_members, g_members},
                         {0, nullptr}};

PyType_Spec g_spec = {"coluber.Dispatcher", sizeof(Dispatcher), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR, g_slots};

}  // namespace

bool make_dispatcher_type() {
  g_dispatcher_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&g_spec));
  return g_dispatcher_type != nullptr;
}

}  // namespace coluber::jit
