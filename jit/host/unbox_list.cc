// Lists at the boundary: their items are converted in one pass with a type check per item; after the call, what changed is written back.
#include <cstring>

#include "jit/host/box.h"
#include "jit/host/pycompat.h"
#include "jit/host/numpy_api.h"
#include "jit/host/typeof.h"
#include "jit/host/unbox.h"
#include "jit/runtime/runtime.h"

namespace coluber::jit {
namespace {

// Exact items of one class. `widened`: items of the kinds below may be among them, but not alone (then the list has another type).
bool read_floats(PyObject* const* items, Py_ssize_t n, double* out, bool convert) {
  bool seen = false;
  for (Py_ssize_t i = 0; i < n; i++) {
    PyObject* item = items[i];
    int64_t number;
    if (PyFloat_CheckExact(item)) {
      out[i] = PyFloat_AS_DOUBLE(item);
      seen = true;
    } else if (PyLong_CheckExact(item) || PyBool_Check(item)) {
      if (long_as_int64(item, &number)) {
        out[i] = static_cast<double>(number);
        continue;
      }
      out[i] = PyLong_AsDouble(item);
      if (PyErr_Occurred()) return PyErr_Clear(), false;
    } else {
      return false;
    }
  }
  return seen || convert;
}

bool read_ints(PyObject* const* items, Py_ssize_t n, int64_t* out, bool convert) {
  bool seen = false;
  for (Py_ssize_t i = 0; i < n; i++) {
    PyObject* item = items[i];
    if (PyLong_CheckExact(item)) {
      seen = true;
    } else if (!PyBool_Check(item)) {
      return false;
    }
    if (!long_as_int64(item, &out[i])) return false;
  }
  return seen || convert;
}

bool read_bools(PyObject* const* items, Py_ssize_t n, uint8_t* out) {
  for (Py_ssize_t i = 0; i < n; i++) {
    if (!PyBool_Check(items[i])) return false;
    out[i] = items[i] == Py_True;
  }
  return true;
}

bool read_complexes(PyObject* const* items, Py_ssize_t n, double* out, bool convert) {
  bool seen = false;
  for (Py_ssize_t i = 0; i < n; i++) {
    PyObject* item = items[i];
    if (PyComplex_CheckExact(item)) {
      memcpy(out + 2 * i, &reinterpret_cast<PyComplexObject*>(item)->cval, 16);
      seen = true;
    } else if (read_floats(&item, 1, out + 2 * i, true)) {
      out[2 * i + 1] = 0;
    } else {
      return false;
    }
  }
  return seen || convert;
}

// NumPy scalars of one class, with weak Python scalars of the same family between them.
bool read_strong(PyObject* const* items, Py_ssize_t n, const HostType* t, char* out, bool convert) {
  PyTypeObject* cls = scalar_class(t->kind);
  int size = item_size(t);
  bool seen = false;
  for (Py_ssize_t i = 0; i < n; i++, out += size) {
    if (cls && Py_TYPE(items[i]) == cls) {
      memcpy(out, scalar_data(items[i], t->kind), static_cast<size_t>(size));
      seen = true;
      continue;
    }
    double real[2];
    int64_t whole;
    if (t->kind == Kind::Float64 || t->kind == Kind::Float32) {
      if (!read_floats(&items[i], 1, real, true)) return false;
      float narrow = static_cast<float>(real[0]);
      if (size == 8) memcpy(out, real, 8); else memcpy(out, &narrow, 4);
    } else if (t->kind == Kind::Complex128 || t->kind == Kind::Complex64) {
      if (!read_complexes(&items[i], 1, real, true)) return false;
      float narrow[2] = {static_cast<float>(real[0]), static_cast<float>(real[1])};
      if (size == 16) memcpy(out, real, 16); else memcpy(out, narrow, 8);
    } else {
      if (!read_ints(&items[i], 1, &whole, true)) return false;
      memcpy(out, &whole, static_cast<size_t>(size));
      if (t->kind == Kind::Bool && !PyBool_Check(items[i])) return false;
    }
  }
  return seen || convert;
}

bool read_items(PyObject* const* items, Py_ssize_t n, const HostType* t, char* out, bool convert);

bool read_tuples(PyObject* const* items, Py_ssize_t n, const HostType* t, char* out, bool convert) {
  for (Py_ssize_t i = 0; i < n; i++) {
    if (!PyTuple_CheckExact(items[i]) || PyTuple_GET_SIZE(items[i]) != static_cast<Py_ssize_t>(t->items.size())) return false;
    for (size_t j = 0; j < t->items.size(); j++) {
      PyObject* part = PyTuple_GET_ITEM(items[i], static_cast<Py_ssize_t>(j));
      char value[16] = {};
      if (!read_items(&part, 1, t->items[j], value, convert)) return false;
      int slots = t->items[j]->slots, size = item_size(t->items[j]) / slots;
      for (int k = 0; k < slots; k++, out += 8) {   // each slot takes 8 bytes
        memset(out, 0, 8);
        memcpy(out, value + k * size, static_cast<size_t>(size));
      }
    }
  }
  return true;
}

bool read_items(PyObject* const* items, Py_ssize_t n, const HostType* t, char* out, bool convert) {
  switch (t->kind) {
    case Kind::PyFloat: return read_floats(items, n, reinterpret_cast<double*>(out), convert);
    case Kind::PyInt: return read_ints(items, n, reinterpret_cast<int64_t*>(out), convert);
    case Kind::PyBool: return read_bools(items, n, reinterpret_cast<uint8_t*>(out));
    case Kind::PyComplex: return read_complexes(items, n, reinterpret_cast<double*>(out), convert);
    case Kind::Tuple: return read_tuples(items, n, t, out, convert);
    case Kind::Bottom: return n == 0;
    default: return read_strong(items, n, t, out, convert);
  }
}

// Whether `object` stands for the native item at `at`, so that it may stay where it is.
bool same_item(const HostType* t, PyObject* object, const char* at) {
  char value[128];
  int size = item_size(t);
  if (size > static_cast<int>(sizeof value)) return false;
  return read_items(&object, 1, t, value, true) && memcmp(value, at, static_cast<size_t>(size)) == 0;
}

bool write_back(const ListArgument& argument, bool numpy) {
  coluber_list* list = argument.list;
  PyObject* target = argument.object;
  int size = item_size(argument.type);
  const char* at = static_cast<const char*>(list->data);
  for (int64_t i = 0; i < list->length; i++, at += size) {
    bool old = i < PyList_GET_SIZE(target);
    if (old && same_item(argument.type, PyList_GET_ITEM(target, i), at)) continue;
    PyObject* item = box_item(argument.type, at, numpy);
    if (!item) return false;
    if (old) {
      if (PyList_SetItem(target, i, item) < 0) return false;   // takes the reference
    } else {
      int failed = PyList_Append(target, item);
      Py_DECREF(item);
      if (failed) return false;
    }
  }
  return PyList_GET_SIZE(target) == list->length || PyList_SetSlice(target, list->length, PyList_GET_SIZE(target), nullptr) == 0;
}

}  // namespace

bool unbox_list(const Unbox& op, PyObject* value, Frame& frame, bool convert) {
  if (frame.lists) {                          // the same list twice is one list inside, too
    for (const ListArgument& known : *frame.lists) {
      if (known.object == value && known.type != op.type->elem && op.empty) return false;   // what goes in by one would be missing in the other
      if (known.object != value || known.type != op.type->elem) continue;
      ListArgument again = known;             // push_back may move what `known` refers to
      again.list->head.count++;
      frame.lists->push_back(again);
      frame.slots[op.slot] = reinterpret_cast<uint64_t>(again.list);
      return true;
    }
  }
  const HostType* item = op.type->elem;
  Py_ssize_t n = PyList_GET_SIZE(value);
  if (op.empty && n) return false;
  if ((n == 0) != (op.empty || item->is(Kind::Bottom)) && !convert) return false;
  int size = item_size(item);
  coluber_list* list = coluber_list_new(nullptr, n, size ? size : 8);
  if (!list) return false;
  if (n && !read_items(reinterpret_cast<PyListObject*>(value)->ob_item, n, item, static_cast<char*>(list->data), convert)) {
    release(list);
    return false;
  }
  list->length = n;
  list->origin = value;
  if (!frame.lists) frame.lists = new std::vector<ListArgument>;
  frame.lists->push_back({list, value, item});
  frame.slots[op.slot] = reinterpret_cast<uint64_t>(list);
  return true;
}

void Frame::drop_lists() {
  for (const ListArgument& argument : *lists) {
    argument.list->origin = nullptr;          // borrowed from the caller: not beyond the call
    release(argument.list);
  }
  delete lists;
}

bool write_back_lists(Frame& frame, bool all) {
  if (!frame.lists) return true;
  for (const ListArgument& argument : *frame.lists) {
    if (!argument.list->changed && !all) continue;
    if (!write_back(argument, frame.numpy_items)) return false;
    argument.list->changed = 0;
  }
  return true;
}

bool show_list(coluber_list* list, const HostType* item, PyObject* object) { return write_back({list, object, item}, false); }

int reload_list(coluber_ctx* ctx, coluber_list* list, const HostType* item, PyObject* object) {
  Py_ssize_t n = PyList_GET_SIZE(object);
  int size = item_size(item);
  const char* at = static_cast<const char*>(list->data);
  bool same = n == list->length;
  for (Py_ssize_t i = 0; same && i < n; i++) same = same_item(item, PyList_GET_ITEM(object, i), at + i * size);
  if (same) return 0;
  std::vector<char> fresh(static_cast<size_t>(n) * static_cast<size_t>(size ? size : 1));
  if (n && !read_items(reinterpret_cast<PyListObject*>(object)->ob_item, n, item, fresh.data(), true)) return 1;
  if (n > list->capacity && coluber_list_grow(ctx, list, n) != 0) {
    release(ctx->error);
    ctx->error = nullptr;
    PyErr_NoMemory();
    return -1;
  }
  if (n) memcpy(list->data, fresh.data(), fresh.size());
  list->length = n;
  return 0;
}

PyObject* box_item(const HostType* t, const char* at, bool numpy) {
  if (numpy && is_scalar(t->kind) && t->kind > Kind::PyComplex) return numpy_scalar(t->kind, at);
  auto load = [at](auto zero) {
    memcpy(&zero, at, sizeof zero);
    return zero;
  };
  switch (t->kind) {
    case Kind::PyBool: case Kind::Bool: return PyBool_FromLong(*at != 0);
    case Kind::PyInt: case Kind::Int64: return PyLong_FromLongLong(load(int64_t{}));
    case Kind::Int8: return PyLong_FromLong(load(int8_t{}));
    case Kind::Int16: return PyLong_FromLong(load(int16_t{}));
    case Kind::Int32: return PyLong_FromLong(load(int32_t{}));
    case Kind::UInt8: return PyLong_FromLong(load(uint8_t{}));
    case Kind::UInt16: return PyLong_FromLong(load(uint16_t{}));
    case Kind::UInt32: return PyLong_FromUnsignedLong(load(uint32_t{}));
    case Kind::UInt64: return PyLong_FromUnsignedLongLong(load(uint64_t{}));
    case Kind::PyFloat: case Kind::Float64: return PyFloat_FromDouble(load(double{}));
    case Kind::Float32: return PyFloat_FromDouble(static_cast<double>(load(float{})));
    case Kind::PyComplex: case Kind::Complex128: return PyComplex_FromCComplex(load(Py_complex{}));
    case Kind::Complex64: {
      struct Pair { float re, im; } c = load(Pair{});
      return PyComplex_FromDoubles(static_cast<double>(c.re), static_cast<double>(c.im));
    }
    case Kind::Tuple: {
      PyObject* tuple = PyTuple_New(static_cast<Py_ssize_t>(t->items.size()));
      for (size_t i = 0; tuple && i < t->items.size(); i++) {
        const HostType* part = t->items[i];
        char value[16];
        int size = item_size(part) / part->slots;
        for (int k = 0; k < part->slots; k++) memcpy(value + k * size, at + 8 * k, static_cast<size_t>(size));
        at += 8 * part->slots;
        PyObject* object = box_item(part, value, numpy);
        if (!object) Py_CLEAR(tuple);
        if (tuple) PyTuple_SET_ITEM(tuple, static_cast<Py_ssize_t>(i), object);
      }
      return tuple;
    }
    default: PyErr_Format(PyExc_SystemError, "an item of type %s has no Python form", t->text.c_str()); return nullptr;
  }
}

}  // namespace coluber::jit
