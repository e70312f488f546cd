// The callbacks through which the engine asks for Python objects, and the log of what it was told.
#include "jit/host/snapshot.h"

#include "jit/host/dispatcher.h"
#include "jit/host/numpy_api.h"

namespace coluber::jit {
namespace {

Snapshot* of(void* self) { return static_cast<Snapshot*>(self); }

// Takes the GIL for a callback and gives it back.
class Entered {
 public:
  explicit Entered(void* self) : snapshot_(of(self)) { snapshot_->take_gil(); }
  ~Entered() { snapshot_->release_gil(); }
  Snapshot* operator->() { return snapshot_; }

 private:
  Snapshot* snapshot_;
};

clb_host make_host(Snapshot* self) {
  clb_host h{};
  h.self = self;
  h.function = [](void* s, int64_t f, const clb_function** out) { return Entered(s)->function(f, out); };
  h.global = [](void* s, int64_t f, const char* name, clb_const* out) { return Entered(s)->global(f, name, out); };
  h.cell = [](void* s, int64_t f, int32_t i, clb_const* out) { return Entered(s)->cell(f, i, out); };
  h.attr = [](void* s, int64_t o, const char* name, clb_const* out) { return Entered(s)->attr(o, name, out); };
  h.implementation = [](void* s, int64_t o, const char* key, clb_const* out) { return Entered(s)->implementation(o, key, out); };
  h.overload = [](void* s, int64_t o, const char* key, const char* const* types, int32_t n, clb_const* out) {
    return Entered(s)->overload(o, key, types, n, out);
  };
  h.subclass = [](void* s, int64_t cls, int64_t base) { return Entered(s)->subclass(cls, base); };
  h.nested = [](void* s, int64_t outer, const clb_code* code) { return Entered(s)->nested(outer, code); };
  h.ufunc_loop = [](void* s, int64_t u, const char* signature, clb_const* out) { return Entered(s)->ufunc_loop(u, signature, out); };
  h.hint = [](void* s, int64_t o, const char* about, const char* name, clb_const* out) { return Entered(s)->hint(o, about, name, out); };
  return h;
}

PyObject* call_python(const char* module_name, const char* name, PyObject* a, PyObject* b, PyObject* c) {
  PyObject* module = PyImport_ImportModule(module_name);
  PyObject* function = module ? PyObject_GetAttrString(module, name) : nullptr;
  PyObject* result = function ? PyObject_CallFunctionObjArgs(function, a, b, c, nullptr) : nullptr;
  Py_XDECREF(module);
  Py_XDECREF(function);
  return result;
}

PyObject* key_object(const char* key) { return key ? PyUnicode_FromString(key) : Py_NewRef(Py_None); }

// A function of a user's that was registered with implements(..., library=True).
bool is_registered_library(PyObject* f) {
  PyObject* attributes = reinterpret_cast<PyFunctionObject*>(f)->func_dict;
  PyObject* entry = attributes ? PyDict_GetItemString(attributes, "__coluber_implementation__") : nullptr;
  PyObject* flag = entry ? PyObject_GetAttrString(entry, "library") : nullptr;
  bool yes = flag && PyObject_IsTrue(flag) > 0;
  Py_XDECREF(flag);
  PyErr_Clear();                              // something else of that name
  return yes;
}

}  // namespace

void* Arena::allocate(size_t bytes) {
  bytes = (bytes + 15) & ~size_t{15};
  if (bytes > left_) {
    size_t block = bytes > 16384 ? bytes : 16384;
    blocks_.push_back(std::make_unique<char[]>(block));
    at_ = blocks_.back().get();
    left_ = block;
  }
  void* result = at_;
  at_ += bytes;
  left_ -= bytes;
  return result;
}

const char* Arena::text(std::string_view s) {
  char* copy = static_cast<char*>(allocate(s.size() + 1));
  memcpy(copy, s.data(), s.size());
  copy[s.size()] = 0;
  return copy;
}

Snapshot::Snapshot() { host = make_host(this); }

Snapshot::~Snapshot() {
  for (PyObject* code : codes) Py_DECREF(code);
  Py_XDECREF(error_);
}

PyObject* Snapshot::take_error() {
  PyObject* error = error_;
  error_ = nullptr;
  return error;
}

int Snapshot::fail() {
  PyObject* error = take_exception();
  if (error_) Py_XDECREF(error);              // the first one is the cause
  else error_ = error;
  return -1;
}

int64_t Snapshot::add_function(PyObject* f) {
  PyObject* identity = constant_identity(f);
  int64_t handle = held.add(identity);
  if (is_dispatcher(f)) options_[handle] = reinterpret_cast<Dispatcher*>(f)->state->options;
  return handle;
}

PyObject* Snapshot::function_object(int64_t handle) {
  PyObject* f = object_of(handle);
  return f && PyFunction_Check(f) ? f : nullptr;
}

bool Snapshot::is_own_library(int64_t handle) {
  PyObject* f = function_object(handle);
  PyObject* module = f ? PyDict_GetItemString(PyFunction_GET_GLOBALS(f), "__name__") : nullptr;
  return module && PyUnicode_Check(module) && strncmp(PyUnicode_AsUTF8(module), "coluber.lib.", 12) == 0;
}

// Arrays inside a tuple get their numbers in the order of the items.
void Snapshot::number_arrays(const clb_const& tuple) {
  for (int64_t k = 0; k < tuple.n; k++) {
    const clb_const& item = tuple.items[k];
    if (item.kind == CLB_ARRAY) log.add_object(item.handle);
    if (item.kind == CLB_TUPLE) number_arrays(item);
  }
}

// What object mode takes for constants (typing/objects.cc): all else it reads when it is asked for.
static bool is_name(const clb_const* c) { return c->kind == CLB_MODULE || c->kind == CLB_BUILTIN || c->kind == CLB_CLASS; }
static Digest digest_of_name(const clb_const* c) {
  bool constant = c && is_name(c);
  return Hasher().text(!c ? "nothing" : constant ? "named" : "value").text(constant ? c->s : "").finish();
}

// Logs a read once. `out` tells whether the value travels by handle, and so gets a number for later reads. What our own library reads is not
// logged: all its files are part of each key, and a cached function should not have to import them.
void Snapshot::record(Read read, PyObject* value, const clb_const* out) {
  if (read.subject < 0 && read.kind != ReadKind::Implementation && read.kind != ReadKind::Overload) return;
  std::string key = std::to_string(static_cast<int>(read.kind)) + ":" + std::to_string(read.subject) + ":" + std::to_string(read.index) + ":" + read.name;
  if (!recorded_.insert(key).second) return;
  std::string why;
  bool name = read.kind == ReadKind::Global || read.kind == ReadKind::Attr;
  if (objects && name) read.digest = digest_of_name(out);
  else if (value && !digest_of(value, &read.digest, &why)) {
    // Of an object that is no constant the compiler sees the class alone.
    if (out && out->kind == CLB_OBJECT) read.digest = Hasher().text("object").text(out->s).finish();
    else log.refuse(read.name + ": " + why);
  }
  if (out && out->handle > 0) read.object = log.add_object(out->handle);
  if (out && out->kind == CLB_TUPLE) number_arrays(*out);
  log.reads.push_back(std::move(read));
}

void Snapshot::snapshot_locals(const HostOptions& options, clb_function* out) {
  size_t n = options.local_names.size();
  if (!n) return;
  auto *names = arena.array<const char*>(n), *types = arena.array<const char*>(n);
  for (size_t i = 0; i < n; i++) {
    names[i] = arena.text(options.local_names[i]);
    types[i] = arena.text(options.local_types[i]);
  }
  out->local_names = names;
  out->local_types = types;
  out->nlocal_types = static_cast<int32_t>(n);
}

int Snapshot::function(int64_t handle, const clb_function** out) {
  if (auto it = functions_.find(handle); it != functions_.end()) return *out = it->second, 0;
  PyObject* f = function_object(handle);
  if (!f) return 1;
  auto* made = arena.array<clb_function>(1);
  made->handle = handle;
  made->code = snapshot_code(PyFunction_GET_CODE(f));
  if (!made->code) return fail();
  if (PyObject* defaults = PyFunction_GET_DEFAULTS(f)) made->defaults = snapshot_tuple(defaults, &made->ndefaults, 0);
  PyObject *kwdefaults = PyFunction_GET_KW_DEFAULTS(f), *name, *value;
  if (kwdefaults && PyDict_Size(kwdefaults)) {
    auto n = static_cast<size_t>(PyDict_Size(kwdefaults));
    auto* names = arena.array<const char*>(n);
    auto* values = arena.array<clb_const>(n);
    for (Py_ssize_t at = 0; PyDict_Next(kwdefaults, &at, &name, &value); made->nkwdefaults++) {
      names[made->nkwdefaults] = arena.text(PyUnicode_AsUTF8(name));
      to_const(value, &values[made->nkwdefaults]);
    }
    made->kwdefault_names = names;
    made->kwdefaults = values;
  }
  made->library = is_own_library(handle) || is_registered_library(f);
  auto known = options_.find(handle);
  made->options = known != options_.end() ? known->second.engine : default_options().engine;
  if (known != options_.end()) snapshot_locals(known->second, made);
  if (!is_own_library(handle)) record({ReadKind::Function, log.add_object(handle), "", 0, {}, -1}, objects ? PyFunction_GET_CODE(f) : f, nullptr);
  functions_.emplace(handle, made);
  *out = made;
  return 0;
}

int Snapshot::global(int64_t function, const char* name, clb_const* out) {
  PyObject* f = function_object(function);
  PyObject* key = f ? PyUnicode_InternFromString(name) : nullptr;
  if (!key) return PyErr_Occurred() ? fail() : 1;
  PyObject* globals = PyFunction_GET_GLOBALS(f);
  PyObject* value = PyDict_GetItemWithError(globals, key);
  if (PyErr_Occurred()) return Py_DECREF(key), fail();
  if (!objects || !value) guards.add_dict(globals, key, value);
  if (!value) {
    PyObject* builtins = PyEval_GetBuiltins();
    value = PyDict_GetItemWithError(builtins, key);
  }
  if (value) to_const(value, out);
  if (objects && value && is_name(out)) guards.add_dict(globals, key, PyDict_GetItem(globals, key));   // others are read when they are wanted
  Py_DECREF(key);
  record({ReadKind::Global, log.number_of(function), name, 0, {}, -1}, value, value ? out : nullptr);
  return value ? 0 : 1;
}

int Snapshot::cell(int64_t function, int32_t index, clb_const* out) {
  PyObject* f = function_object(function);
  PyObject* closure = f ? PyFunction_GET_CLOSURE(f) : nullptr;
  if (!closure || index >= PyTuple_GET_SIZE(closure)) return 1;
  PyObject* cell = PyTuple_GET_ITEM(closure, index);
  PyObject* value = PyCell_GET(cell);
  guards.add_cell(cell, value);
  if (value) to_const(value, out);
  record({ReadKind::Cell, log.number_of(function), "", index, {}, -1}, value, value ? out : nullptr);
  return value ? 0 : 1;
}

int Snapshot::attr(int64_t handle, const char* name, clb_const* out) {
  PyObject* object = object_of(handle);
  if (!object) return 1;
  PyObject* value = PyObject_GetAttrString(object, name);
  if (!value && !PyErr_ExceptionMatches(PyExc_AttributeError)) return fail();
  PyErr_Clear();
  if (PyModule_Check(object)) {               // NumPy's and the builtin modules are taken to be constant
    PyObject* key = PyUnicode_InternFromString(name);
    std::string module = qualified_name(object);
    PyObject* dict = PyModule_GetDict(object);
    bool constant = module.starts_with("numpy") || module == "math" || module == "cmath" || module == "operator" || module == "builtins";
    if (key && !constant) guards.add_dict(dict, key, PyDict_GetItem(dict, key));
    Py_XDECREF(key);
  }
  if (value) {
    to_const(value, out);
    if (out->handle <= 0 && out->kind != CLB_INT) held.add(value);   // texts of the constant may point into it
  }
  record({ReadKind::Attr, log.number_of(handle), name, 0, {}, -1}, value, value ? out : nullptr);
  Py_XDECREF(value);
  return value ? 0 : 1;
}

// flags bit 0: an elementwise kernel.
int Snapshot::library_function(PyObject* found, bool elementwise, clb_const* out, Read read) {
  if (!found) return fail();
  bool there = found != Py_None;
  if (there) to_const(found, out);
  if (elementwise) out->flags |= 1;
  // Functions of our own library and the absence of any are part of the key (cached.cc).
  if (there && !is_own_library(out->handle)) record(std::move(read), found, out);
  Py_DECREF(found);
  return there ? 0 : 1;
}

int Snapshot::implementation(int64_t handle, const char* key, clb_const* out) {
  PyObject* object = handle >= 0 ? object_of(handle) : nullptr;
  PyObject* key_text = key_object(key);
  PyObject* entry = call_python("coluber._registry", "implementation", object ? object : Py_None, key_text, nullptr);
  Py_XDECREF(key_text);
  bool there = entry && entry != Py_None;
  PyObject* found = there ? PyObject_GetAttrString(entry, "function") : Py_XNewRef(entry);
  PyObject* elementwise = there ? PyObject_GetAttrString(entry, "elementwise") : nullptr;
  bool kernel = elementwise && PyObject_IsTrue(elementwise) > 0;
  Py_XDECREF(entry);
  Py_XDECREF(elementwise);
  return library_function(found, kernel, out, {ReadKind::Implementation, object ? log.number_of(handle) : -1, key ? key : "", 0, {}, -1});
}

int Snapshot::overload(int64_t handle, const char* key, const char* const* types, int32_t n, clb_const* out) {
  PyObject* object = handle >= 0 ? object_of(handle) : nullptr;
  PyObject *key_text = key_object(key), *texts = PyTuple_New(n);
  std::string name = key ? key : "";
  for (int32_t i = 0; texts && i < n; i++) {
    PyTuple_SET_ITEM(texts, i, PyUnicode_FromString(types[i]));
    name += std::string(";") + types[i];
  }
  PyObject* found = texts && key_text ? call_python("coluber._support", "overload", object ? object : Py_None, key_text, texts) : nullptr;
  Py_XDECREF(key_text);
  Py_XDECREF(texts);
  return library_function(found, false, out, {ReadKind::Overload, object ? log.number_of(handle) : -1, name, 0, {}, -1});
}

int Snapshot::subclass(int64_t cls, int64_t base) {
  PyObject *a = object_of(cls), *b = object_of(base);
  if (!a || !b || !PyType_Check(a) || !PyType_Check(b)) return 0;
  int yes = PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(a), reinterpret_cast<PyTypeObject*>(b));
  if (log.number_of(base) >= 0) record({ReadKind::Subclass, log.number_of(cls), "", log.number_of(base), {}, -1}, yes ? Py_True : Py_False, nullptr);
  return yes;
}

// An inner function: a function object that is never called, only looked at for its code and globals.
int64_t Snapshot::nested(int64_t outer, const clb_code* code) {
  std::string key = std::to_string(outer) + ":" + std::to_string(reinterpret_cast<uintptr_t>(code));
  if (auto it = nested_.find(key); it != nested_.end()) return it->second;
  PyObject* f = function_object(outer);
  auto it = object_of_code_.find(code);
  if (!f || it == object_of_code_.end()) return -1;
  PyObject* made = PyFunction_New(it->second, PyFunction_GET_GLOBALS(f));
  if (!made) return fail();
  int64_t handle = held.add(made);
  Py_DECREF(made);
  log.numbers[handle] = log.number_of(outer);   // its code is part of the outer one's, its globals are the outer one's
  nested_.emplace(key, handle);
  return handle;
}

// For a message: nothing is compiled from it, so that it is no read of the log. But what objmode was seen to do is of this process.
int Snapshot::hint(int64_t handle, const char* about, const char* name, clb_const* out) {
  if (!strcmp(about, "objmode")) log.refuse(*name ? "types of variables are those that a body of objmode had when it first ran" : "an inner function has a body of objmode");
  PyObject* object = handle >= 0 ? object_of(handle) : nullptr;
  PyObject *about_text = key_object(about), *name_text = key_object(name);
  PyObject* found = about_text && name_text ? call_python("coluber._support", "hint", object ? object : Py_None, about_text, name_text) : nullptr;
  Py_XDECREF(about_text);
  Py_XDECREF(name_text);
  if (!found) return fail();
  bool there = found != Py_None;
  if (there) to_const(found, out);
  if (there) held.add(found);
  Py_DECREF(found);
  return there ? 0 : 1;
}

int Snapshot::ufunc_loop(int64_t handle, const char* signature, clb_const* out) {
  PyObject* ufunc = object_of(handle);
  if (!ufunc || !resolve_numpy()) return PyErr_Occurred() ? fail() : 1;
  int index = numpy_ufunc_loop(ufunc, signature);
  PyObject* number = PyLong_FromLong(index);
  record({ReadKind::UfuncLoop, log.number_of(handle), signature, 0, {}, -1}, number, nullptr);
  Py_XDECREF(number);
  *out = {};
  out->kind = CLB_INT;
  out->i = index;
  return index >= 0 ? 0 : 1;
}

}  // namespace coluber::jit
