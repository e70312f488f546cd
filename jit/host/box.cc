// Boxing of everything but arrays.
#include "jit/host/box.h"

#include <cstring>

#include "jit/host/handles.h"
#include "jit/host/numpy_api.h"
#include "jit/host/unbox.h"
#include "jit/runtime/runtime.h"

namespace coluber::jit {
namespace {

template <class T>
T load(const uint64_t* slot) {
  T value;
  memcpy(&value, slot, sizeof value);
  return value;
}

PyObject* box_scalar(Kind kind, const uint64_t* slots) {
  switch (kind) {
    case Kind::PyBool: case Kind::Bool: return Py_NewRef(load<uint8_t>(slots) & 1 ? Py_True : Py_False);
    case Kind::PyInt: case Kind::Int64: return PyLong_FromLongLong(load<int64_t>(slots));
    case Kind::PyFloat: case Kind::Float64: return PyFloat_FromDouble(load<double>(slots));
    case Kind::Int8: return PyLong_FromLong(load<int8_t>(slots));
    case Kind::Int16: return PyLong_FromLong(load<int16_t>(slots));
    case Kind::Int32: return PyLong_FromLong(load<int32_t>(slots));
    case Kind::UInt8: return PyLong_FromLong(load<uint8_t>(slots));
    case Kind::UInt16: return PyLong_FromLong(load<uint16_t>(slots));
    case Kind::UInt32: return PyLong_FromUnsignedLong(load<uint32_t>(slots));
    case Kind::UInt64: return PyLong_FromUnsignedLongLong(load<uint64_t>(slots));
    case Kind::Float32: return PyFloat_FromDouble(static_cast<double>(load<float>(slots)));
    case Kind::Complex64: return PyComplex_FromDoubles(static_cast<double>(load<float>(slots)), static_cast<double>(load<float>(slots + 1)));
    default: return PyComplex_FromDoubles(load<double>(slots), load<double>(slots + 1));
  }
}

PyObject* box_str(const uint64_t* slots) {
  auto* data = reinterpret_cast<const char*>(slots[0]);
  auto length = static_cast<Py_ssize_t>(slots[1]);
  auto* owner = reinterpret_cast<coluber_owner*>(slots[2]);
  if (owner && owner->kind == COLUBER_PYOBJECT && owner->object) {   // an argument that was passed through
    auto* object = static_cast<PyObject*>(owner->object);
    Py_ssize_t known;
    if (PyUnicode_AsUTF8AndSize(object, &known) == data && known == length) {
      Py_INCREF(object);
      if (owner->flags & COLUBER_OWNS) release(owner);
      return object;
    }
  }
  PyObject* text = PyUnicode_DecodeUTF8(data, length, nullptr);
  release(owner);
  return text;
}

PyObject* box_list(const HostType* type, const uint64_t* slots, bool numpy) {
  auto* list = reinterpret_cast<coluber_list*>(slots[0]);
  PyObject* result;
  if (list->origin) {                         // an argument: what changed has been written back
    result = Py_NewRef(static_cast<PyObject*>(list->origin));
  } else {
    const HostType* item = type->elem;
    const char* at = static_cast<const char*>(list->data);
    int size = item_size(item);
    result = PyList_New(static_cast<Py_ssize_t>(list->length));
    for (int64_t i = 0; result && i < list->length; i++, at += size) {
      PyObject* object = box_item(item, at, numpy);
      if (object) PyList_SET_ITEM(result, static_cast<Py_ssize_t>(i), object);
      else Py_CLEAR(result);
    }
  }
  release(list);
  return result;
}

PyObject* box_tuple(const HostType* type, const uint64_t* slots, BoxContext& context) {
  PyObject* tuple = PyTuple_New(static_cast<Py_ssize_t>(type->items.size()));
  context.shared = true;
  for (size_t i = 0; i < type->items.size(); i++) {
    PyObject* item = nullptr;
    if (tuple) item = box(type->items[i], slots, context);
    else release_slots(type->items[i], slots);   // an earlier item failed: the rest only gives up its references
    slots += type->items[i]->slots;
    if (item) {
      PyTuple_SET_ITEM(tuple, static_cast<Py_ssize_t>(i), item);
    } else {
      Py_CLEAR(tuple);
      context.arrays.clear();                 // they went with the tuple
    }
  }
  if (!tuple || type->handle < 0) return tuple;
  auto* cls = reinterpret_cast<PyTypeObject*>(object_of(type->handle));
  PyObject* args = cls ? PyTuple_Pack(1, tuple) : nullptr;
  Py_DECREF(tuple);
  if (!cls) PyErr_SetString(PyExc_SystemError, "the class of a named tuple is gone");
  if (!args) return nullptr;
  PyObject* named = PyTuple_Type.tp_new(cls, args, nullptr);   // not the class's own __new__, which takes the items one by one
  Py_DECREF(args);
  return named;
}

PyObject* box_integers(PyTypeObject* cls, const HostType* type, const uint64_t* slots) {
  PyObject* parts[3];
  for (int i = 0; i < 3; i++) {
    bool none = type->is(Kind::Slice) && type->items[static_cast<size_t>(i)]->is(Kind::None);
    parts[i] = none ? Py_NewRef(Py_None) : PyLong_FromLongLong(load<int64_t>(slots));
    slots += none ? 0 : 1;
  }
  PyObject* result = parts[0] && parts[1] && parts[2] ? PyObject_CallFunctionObjArgs(reinterpret_cast<PyObject*>(cls), parts[0], parts[1], parts[2], nullptr) : nullptr;
  for (PyObject* part : parts) Py_XDECREF(part);
  return result;
}

PyObject* box_constant(const HostType* type) {
  PyObject* object = type->is(Kind::None) ? Py_None : type->is(Kind::Ellipsis) ? Py_Ellipsis : type->is(Kind::Const) ? object_of(type->handle) : nullptr;
  if (type->is(Kind::DType) && resolve_numpy()) object = reinterpret_cast<PyObject*>(scalar_class(type->elem->kind));
  if (!object && !PyErr_Occurred()) PyErr_Format(PyExc_SystemError, "a value of type %s has no Python form", type->text.c_str());
  return Py_XNewRef(object);
}

}  // namespace

bool can_box(const HostType* type, std::string* error) {
  switch (type->kind) {
    case Kind::None: case Kind::Ellipsis: case Kind::Const: case Kind::DType: case Kind::Str: case Kind::Range: case Kind::Slice: case Kind::Array:
    case Kind::Object:
      return true;
    case Kind::List:
      if (type->elem->is(Kind::Bottom) || item_size(type->elem) > 0) return true;
      break;
    case Kind::Unbound:
      if (type->elem->is(Kind::Bottom)) return true;
      [[fallthrough]];
    case Kind::Optional: return can_box(type->elem, error);
    case Kind::Tuple:
      for (const HostType* item : type->items) {
        if (!can_box(item, error)) return false;
      }
      return true;
    default:
      if (is_scalar(type->kind)) return true;
  }
  *error = type->text;
  return false;
}

PyObject* box(const HostType* type, const uint64_t* slots, BoxContext& context) {
  if (is_scalar(type->kind)) return context.numpy && type->kind > Kind::PyComplex ? box_numpy_scalar(type->kind, slots) : box_scalar(type->kind, slots);
  switch (type->kind) {
    case Kind::Object: return reinterpret_cast<PyObject*>(slots[0]);
    case Kind::Array: return box_array(type, slots, context);
    case Kind::Tuple: return box_tuple(type, slots, context);
    case Kind::List: return box_list(type, slots, context.numpy);
    case Kind::Str: return box_str(slots);
    case Kind::Range: return box_integers(&PyRange_Type, type, slots);
    case Kind::Slice: return box_integers(&PySlice_Type, type, slots);
    case Kind::Optional: return load<uint8_t>(slots) & 1 ? box(type->elem, slots + 1, context) : Py_NewRef(Py_None);
    default: return box_constant(type);
  }
}

PyObject* box_as_python(const HostType* type, const uint64_t* slots, BoxContext& context) {
  context.numpy = true;
  return box(type, slots, context);
}

void retain_slots(const HostType* type, const uint64_t* slots) {
  auto retain = [](uint64_t slot) {
    if (slot) __atomic_add_fetch(&reinterpret_cast<coluber_owner*>(slot)->count, 1, __ATOMIC_RELAXED);
  };
  switch (type->kind) {
    case Kind::Array: case Kind::List: return retain(slots[0]);
    case Kind::Str: return retain(slots[2]);
    case Kind::Object: return Py_XINCREF(reinterpret_cast<PyObject*>(slots[0]));
    case Kind::Optional:
      if (load<uint8_t>(slots) & 1) retain_slots(type->elem, slots + 1);
      return;
    case Kind::Tuple:
      for (const HostType* item : type->items) {
        retain_slots(item, slots);
        slots += item->slots;
      }
      return;
    default: return;
  }
}

void release_slots(const HostType* type, const uint64_t* slots) {
  switch (type->kind) {
    case Kind::Array: case Kind::List: release(reinterpret_cast<void*>(slots[0])); break;
    case Kind::Str: release(reinterpret_cast<void*>(slots[2])); break;
    case Kind::Object: Py_XDECREF(reinterpret_cast<PyObject*>(slots[0])); break;
    case Kind::Optional:
      if (load<uint8_t>(slots) & 1) release_slots(type->elem, slots + 1);
      break;
    case Kind::Tuple:
      for (const HostType* item : type->items) {
        release_slots(item, slots);
        slots += item->slots;
      }
      break;
    default: break;
  }
}

}  // namespace coluber::jit
