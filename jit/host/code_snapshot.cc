// Code objects as plain structs.
#include "jit/host/snapshot.h"

namespace coluber::jit {
namespace {

int32_t int_attribute(PyObject* code, const char* name) {
  PyObject* value = PyObject_GetAttrString(code, name);
  int32_t number = value ? static_cast<int32_t>(PyLong_AsLong(value)) : 0;
  Py_XDECREF(value);
  return number;
}

}  // namespace

const char* const* Snapshot::snapshot_names(PyObject* owner, const char* attribute, int32_t* n) {
  PyObject* tuple = PyObject_GetAttrString(owner, attribute);
  if (!tuple) return nullptr;
  auto count = static_cast<size_t>(PyTuple_GET_SIZE(tuple));
  auto* names = arena.array<const char*>(count);
  for (size_t i = 0; i < count; i++) {
    Py_ssize_t length;
    const char* text = PyUnicode_AsUTF8AndSize(PyTuple_GET_ITEM(tuple, static_cast<Py_ssize_t>(i)), &length);
    names[i] = text ? arena.text({text, static_cast<size_t>(length)}) : "";
  }
  Py_DECREF(tuple);
  *n = static_cast<int32_t>(count);
  return names;
}

const clb_const* Snapshot::snapshot_tuple(PyObject* tuple, int32_t* n, int depth) {
  auto count = static_cast<size_t>(PyTuple_GET_SIZE(tuple));
  auto* items = arena.array<clb_const>(count);
  for (size_t i = 0; i < count; i++) to_const(PyTuple_GET_ITEM(tuple, static_cast<Py_ssize_t>(i)), &items[i], depth + 1);
  *n = static_cast<int32_t>(count);
  return items;
}

// Attributes instead of fields: they are the same in all versions, and co_code is the code as compiled, not the adaptive copy.
const clb_code* Snapshot::snapshot_code(PyObject* code) {
  if (auto it = code_of_.find(code); it != code_of_.end()) return it->second;
  auto* out = arena.array<clb_code>(1);
  code_of_.emplace(code, out);
  object_of_code_.emplace(out, code);
  codes.push_back(Py_NewRef(code));
  out->version = kPythonVersion;
  out->argcount = int_attribute(code, "co_argcount");
  out->posonlyargcount = int_attribute(code, "co_posonlyargcount");
  out->kwonlyargcount = int_attribute(code, "co_kwonlyargcount");
  out->nlocals = int_attribute(code, "co_nlocals");
  out->stacksize = int_attribute(code, "co_stacksize");
  out->flags = int_attribute(code, "co_flags");
  out->firstlineno = int_attribute(code, "co_firstlineno");
  auto bytes = [&](const char* name, const uint8_t** data, size_t* size) {
    PyObject* value = PyObject_GetAttrString(code, name);
    if (!value) return PyErr_Clear();         // the exception table is new in 3.11
    *size = static_cast<size_t>(PyBytes_GET_SIZE(value));
    *data = reinterpret_cast<const uint8_t*>(arena.text({PyBytes_AS_STRING(value), *size}));
    Py_DECREF(value);
  };
  bytes("co_code", &out->code, &out->code_size);
  bytes("co_linetable", &out->linetable, &out->linetable_size);
  bytes("co_exceptiontable", &out->exceptiontable, &out->exceptiontable_size);
  out->names = snapshot_names(code, "co_names", &out->nnames);
  out->varnames = snapshot_names(code, "co_varnames", &out->nvarnames);
  out->cellvars = snapshot_names(code, "co_cellvars", &out->ncellvars);
  out->freevars = snapshot_names(code, "co_freevars", &out->nfreevars);
  auto text = [&](const char* name) -> const char* {
    PyObject* value = PyObject_GetAttrString(code, name);
    const char* utf8 = value ? PyUnicode_AsUTF8(value) : nullptr;
    const char* copy = utf8 ? arena.text(utf8) : nullptr;
    Py_XDECREF(value);
    PyErr_Clear();                            // a file name that is no UTF-8, or co_qualname before 3.11
    return copy;
  };
  out->filename = text("co_filename");
  out->name = text("co_name");
  out->qualname = text("co_qualname");
  if (!out->filename) out->filename = "?";
  if (!out->qualname) out->qualname = out->name;
  PyObject* consts = PyObject_GetAttrString(code, "co_consts");
  if (!consts) return nullptr;
  out->consts = snapshot_tuple(consts, &out->nconsts, 0);
  Py_DECREF(consts);
  return PyErr_Occurred() ? nullptr : out;
}

}  // namespace coluber::jit
