// Calls of object mode's specialisations: all arguments go in as the objects they are, the result comes out as one.
#include "jit/host/mixed.h"

#include <algorithm>

#include "jit/host/box.h"
#include "jit/host/dispatcher.h"
#include "jit/host/numpy_api.h"
#include "jit/host/raise.h"
#include "jit/host/thread_state.h"
#include "jit/runtime/runtime.h"

namespace coluber::jit {
namespace {

inline char letter_of(PyObject* a) {
  int64_t number;
  if (!a) return 'u';
  bool fits = PyLong_CheckExact(a) && long_as_int64(a, &number);
  return fits ? 'i' : PyFloat_CheckExact(a) ? 'f' : PyBool_Check(a) ? 'b' : a == Py_None ? 'n' : 'o';
}

std::string letters_of(PyObject* const* args, int64_t n) {
  std::string key;
  for (int64_t i = 0; i < n; i++) key += letter_of(args[i]);
  return key;
}

const char* type_of_letter(char letter) {
  switch (letter) {
    case 'i': return "pyint";
    case 'f': return "pyfloat";
    case 'b': return "pybool";
    case 'n': return "none";
    case 'u': return "unbound(bottom)";
    default: return "object";
  }
}

Mixed* find(Dispatcher* self, const std::string& key) {
  for (Mixed* known : self->state->mixed) {
    if (known->key == key) return known;
  }
  return nullptr;
}

// Of which the class alone tells whether compiled code takes it.
bool class_decides(PyTypeObject* cls) {
  if (cls == &PyList_Type || cls == &PyTuple_Type || cls == &PyFunction_Type || cls == g_dispatcher_type || cls == &PyType_Type || cls == &PyCFunction_Type) return false;
  return cls != &PyLong_Type && !(g_numpy.array && PyType_IsSubtype(cls, g_numpy.array));
}

Mixed* known_or_compiled(Dispatcher* self, const std::string& key, const std::string& entry, const std::vector<std::string>& types, std::string* why) {
  Mixed* known = find(self, key);
  if (known && known->spec && !known->spec->guards.hold() && !known->spec->guards.recheck()) {
    drop_specialization(self, known->spec);   // a global has been rebound
    known->spec = nullptr;
    known->why.clear();
  }
  if (known && known->spec) return known;
  if (known && !known->why.empty()) {
    if (why) *why = known->why;
    return nullptr;
  }
  Specialization* made = compile_mixed(self, types, entry);
  known = find(self, key);                    // compiling may have called Python
  if (!known) {
    known = new Mixed{key, nullptr, "", false};
    self->state->mixed.push_back(known);
  }
  if (!made) {
    PyObject* error = take_exception();
    PyObject* text = PyObject_Str(error);
    const char* utf8 = text ? PyUnicode_AsUTF8(text) : nullptr;
    known->why = utf8 && *utf8 ? utf8 : "?";
    if (why) *why = known->why;
    bool ours = PyObject_TypeCheck(error, reinterpret_cast<PyTypeObject*>(PyExc_Exception));
    PyErr_Clear();
    PyObject* id = PyObject_GetAttrString(error, "id");
    known->silent = id && PyUnicode_Check(id) && PyUnicode_CompareWithASCIIString(id, "GeneratorAsFast") == 0;
    self->state->silent = self->state->silent || known->silent;
    PyErr_Clear();
    Py_XDECREF(id);
    Py_XDECREF(text);
    if (ours) Py_DECREF(error);
    else known->why.clear(), set_exception(error);   // KeyboardInterrupt and the like
    return nullptr;
  }
  if (known->spec) drop_specialization(self, known->spec);
  known->spec = made;
  return known;
}

}  // namespace

Mixed* mixed_for(Dispatcher* self, PyObject* const* args) {
  return mixed_part(self, "", args, self->state->nparams);
}

bool silently_in_python(Dispatcher* self, PyObject* const* args) {
  auto n = static_cast<size_t>(self->state->nparams);
  for (const Mixed* known : self->state->mixed) {
    if (known->silent && known->key.size() == n && fits_mixed(known, args, n)) return true;
  }
  return false;
}

Mixed* mixed_part(Dispatcher* self, const std::string& entry, PyObject* const* args, int64_t n, std::string* why) {
  std::string letters = letters_of(args, n);
  std::vector<std::string> types;
  for (char letter : letters) types.emplace_back(type_of_letter(letter));
  return known_or_compiled(self, entry + letters, entry, types, why);
}

Mixed* mixed_rest(Dispatcher* self, const std::string& entry, const std::vector<std::string>& types, std::string* why) {
  std::string key = entry + "|";
  for (const std::string& t : types) key += t + ";";
  return known_or_compiled(self, key, entry, types, why);
}

bool fits_mixed(const Mixed* mixed, PyObject* const* args, size_t n) {
  const char* letters = mixed->key.data() + (mixed->key.size() - n);
  for (size_t i = 0; i < n; i++) {
    if (letters[i] != letter_of(args[i])) return false;
  }
  return true;
}

PyObject* call_mixed(Dispatcher* self, Mixed* mixed, PyObject* const* args, coluber_suspended* generator) {
  Specialization* spec = mixed->spec;
  coluber_ctx ctx;
  init_part_context(&ctx, spec, nullptr, nullptr);
  PyThreadState* thread = current_thread_state();   // the context's may be that of an earlier call from a thread that Python does not know
  ctx.thread_state = thread;
  if (!enter_call(thread)) return nullptr;
  PyObject* handled = Py_XNewRef(peek_handled(thread));
  ctx.handled = handled;
  ctx.generator = generator;
  uint64_t result[4];                         // an object or a number
  spec->entered++;
  int32_t status = spec->entry(&ctx, reinterpret_cast<const uint64_t*>(args), result);
  PyObject* boxed = nullptr;
  if (status == COLUBER_LEFT) {
    boxed = static_cast<PyObject*>(ctx.left);
  } else if (status) {
    raise_from_context(spec, &ctx);
  } else if (spec->result->is(Kind::Object)) {
    boxed = reinterpret_cast<PyObject*>(result[0]);
  } else {
    BoxContext context;
    boxed = spec->constant ? Py_NewRef(spec->constant) : box(spec->result, result, context);
  }
  if (peek_handled(thread) != handled) set_handled_exception(handled);
  Py_XDECREF(handled);
  leave_call(thread);
  spec->left++;
  if (spec->doomed && spec->left == spec->entered) delete spec;
  return boxed;
}

Mixed* seen_in_object_mode(Dispatcher* self, PyObject* const* args) {
  auto n = static_cast<size_t>(self->state->nparams);
  const auto& seen = self->state->object_classes;
  bool known = false;
  for (size_t at = 0; at + n <= seen.size() && n > 0 && !known; at += n) {
    size_t i = 0;
    while (i < n && Py_TYPE(args[i]) == seen[at + i]) i++;
    known = i == n;
  }
  for (Mixed* mixed : self->state->mixed) {
    if (!known || !mixed->spec || mixed->key.size() != n) continue;
    size_t i = 0;
    while (i < n && letter_of(args[i]) == mixed->key[i]) i++;
    if (i == n && mixed->spec->guards.hold()) return mixed;
  }
  return nullptr;
}

void note_object_mode(Dispatcher* self, PyObject* const* args) {
  auto n = static_cast<size_t>(self->state->nparams);
  auto& seen = self->state->object_classes;
  bool decides = false;
  for (size_t i = 0; i < n; i++) {
    PyTypeObject* cls = Py_TYPE(args[i]);
    bool number = cls == &PyLong_Type || cls == &PyFloat_Type || cls == &PyBool_Type || args[i] == Py_None;
    if (!number && !class_decides(cls)) return;
    decides = decides || !number;
  }
  if (!decides || seen.size() >= 8 * n) return;
  for (size_t at = 0; at + n <= seen.size(); at += n) {
    size_t i = 0;
    while (i < n && Py_TYPE(args[i]) == seen[at + i]) i++;
    if (i == n) return;
  }
  for (size_t i = 0; i < n; i++) seen.push_back(reinterpret_cast<PyTypeObject*>(Py_NewRef(Py_TYPE(args[i]))));   // so that no other class comes to lie there
}

PyObject* mixed_list(Dispatcher* self) {
  PyObject* list = PyList_New(0);
  for (Mixed* m : self->state->mixed) {
    PyObject* row = Py_BuildValue("(szz)", m->key.c_str(), m->spec ? m->spec->return_type.c_str() : nullptr, m->spec ? nullptr : m->why.c_str());
    if (!list || !row || PyList_Append(list, row) < 0) Py_CLEAR(list);
    Py_XDECREF(row);
  }
  return list;
}

void drop_mixed(Dispatcher* self) {
  self->state->mixed_dropped++;
  std::vector<Mixed*> all;
  all.swap(self->state->mixed);
  std::vector<PyTypeObject*> classes;
  classes.swap(self->state->object_classes);
  for (PyTypeObject* cls : classes) Py_DECREF(cls);
  for (Mixed* mixed : all) {
    if (mixed->spec) drop_specialization(self, mixed->spec);
    delete mixed;
  }
}

}  // namespace coluber::jit
