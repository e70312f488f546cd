// Resolving imports: the keys are listed in abi.h.
#include "jit/host/imports.h"

#include <dlfcn.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

#include "jit/host/engine.h"
#include "jit/host/lift.h"
#include "jit/host/numpy_api.h"
#include "jit/host/objmode.h"
#include "jit/runtime/runtime.h"

namespace coluber::jit {
namespace {

// "12:rest" -> 12, and what follows the colon.
PyObject* take_object(Specialization* spec, std::string_view* rest) {
  int64_t handle = -1;
  auto end = std::from_chars(rest->data(), rest->data() + rest->size(), handle).ptr;
  rest->remove_prefix(static_cast<size_t>(end - rest->data()));
  if (!rest->empty() && rest->front() == ':') rest->remove_prefix(1);
  PyObject* object = object_of(handle);
  if (object) spec->held.add(object);
  return object;
}

void* loop_address(Specialization* spec, std::string_view rest, bool* ok) {
  PyObject* ufunc = take_object(spec, &rest);
  int64_t index = -1;
  auto end = std::from_chars(rest.data(), rest.data() + rest.size(), index).ptr;
  rest.remove_prefix(static_cast<size_t>(end - rest.data()));
  *ok = ufunc && resolve_numpy() && numpy_loop_function(ufunc, index);
  if (!*ok) return nullptr;
  return rest == ":data" ? numpy_loop_data(ufunc, index) : numpy_loop_function(ufunc, index);   // a loop's data may be null
}

void* sort_address(std::string_view rest, bool indirect) {
  size_t colon = rest.find(':');
  const HostType* type = parse_type(rest.substr(0, colon));
  if (!type || colon == std::string_view::npos) return nullptr;
  return numpy_sort_function(type->kind, rest.substr(colon + 1) == "merge", indirect);
}

void* item_function(std::string_view what, std::string_view dtype) {
  const HostType* type = parse_type(dtype);
  return type ? numpy_item_function(type->kind, what) : nullptr;
}

// A C function given as a ctypes function pointer, a capsule or a number.
void* c_address(PyObject* object) {
  if (PyCapsule_CheckExact(object)) return PyCapsule_GetPointer(object, PyCapsule_GetName(object));
  if (PyLong_Check(object)) return PyLong_AsVoidPtr(object);
  PyObject* support = PyImport_ImportModule("coluber._support");
  PyObject* number = support ? PyObject_CallMethod(support, "c_address", "O", object) : nullptr;
  void* address = number ? PyLong_AsVoidPtr(number) : nullptr;
  Py_XDECREF(support);
  Py_XDECREF(number);
  return address;
}

void* array_address(Specialization* spec, PyObject* object, std::string_view type) {
  std::unique_ptr<BoundArray> array = BoundArray::make(object, type);   // spec->held keeps the object
  if (!array) return nullptr;
  void* slots = array->slots();
  spec->guards.add_array(std::move(array));
  return slots;
}

// Objects that a name is enough for: "name:x" the interned string, "names:x,y" a tuple of them, "py:None" and the like.
void* named_object(Specialization* spec, std::string_view what, std::string_view text) {
  if (what == "py") return text == "None" ? Py_None : text == "True" ? Py_True : text == "False" ? Py_False : text == "Ellipsis" ? Py_Ellipsis : nullptr;
  auto interned = [](std::string_view name) {
    PyObject* s = PyUnicode_FromStringAndSize(name.data(), static_cast<Py_ssize_t>(name.size()));
    if (s) PyUnicode_InternInPlace(&s);
    return s;
  };
  PyObject* made = what == "name" ? interned(text) : PyTuple_New(static_cast<Py_ssize_t>(std::count(text.begin(), text.end(), ',')) + 1);
  for (Py_ssize_t i = 0; made && what == "names"; i++) {
    size_t comma = text.find(',');
    PyObject* name = interned(text.substr(0, comma));
    if (name) PyTuple_SET_ITEM(made, i, name);
    else Py_CLEAR(made);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  if (!made) return nullptr;
  spec->held.add(made);
  Py_DECREF(made);
  return made;
}

// A vector math function: glibc's by its name in the vector ABI, or SLEEF's, whose library lies beside the extension. They are loaded when code
// first asks for one of theirs.
void* vector_function(const std::string& name) {
  auto load = [](const std::string& path) { return dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL); };
  bool glibc = name.starts_with("_ZGV");
  static void* libraries[2];
  void*& library = libraries[glibc];
  if (!library) {
    std::string here = extension_path();
    library = load(glibc ? "libmvec.so.1" : here.substr(0, here.rfind('/') + 1) + "libcoluber_sleef.so");
    if (!library) PyErr_Format(PyExc_ImportError, "the library of vector math functions cannot be loaded: %s", dlerror());
  }
  return library ? dlsym(library, name.c_str()) : nullptr;
}

void* resolve(Specialization* spec, std::string_view key, bool* ok) {
  size_t colon = key.find(':');
  if (colon == std::string_view::npos) return nullptr;
  std::string_view what = key.substr(0, colon), rest = key.substr(colon + 1);
  if (what == "rt") return find_symbol(rest);
  if (what == "entry") return site_of(spec->dispatcher, std::string(rest));
  if (what == "type") return const_cast<HostType*>(parse_type(rest));
  if (what == "name" || what == "names" || what == "py") return named_object(spec, what, rest);
  if (what == "vec") return vector_function(std::string(rest));
  if (what == "loop") return loop_address(spec, rest, ok);
  if (what == "sort" || what == "argsort") return sort_address(rest, what == "argsort");
  if (what == "dot" || what == "argmax" || what == "argmin") return item_function(what, rest);
  if (what != "obj" && what != "addr" && what != "array" && what != "objmode") return nullptr;
  PyObject* object = take_object(spec, &rest);
  if (!object) return nullptr;
  if (what == "objmode") return objmode_site(spec, object, rest);
  return what == "obj" ? object : what == "addr" ? c_address(object) : array_address(spec, object, rest);
}

}  // namespace

bool fill_imports(Specialization* spec, const char* const* keys, int32_t n, void** table) {
  for (int32_t i = 0; i < n; i++) {
    bool may_be_null = false;
    table[i] = resolve(spec, keys[i], &may_be_null);
    if (table[i] || may_be_null) continue;
    if (!PyErr_Occurred()) PyErr_Format(PyExc_ImportError, "compiled code asks for %s, which there is not", keys[i]);
    return false;
  }
  return true;
}

}  // namespace coluber::jit
