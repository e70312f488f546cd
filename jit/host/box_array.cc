// Arrays as results. Our memory goes over to an ndarray that owns it, without a copy: NumPy frees an array's data through the memory
// handler that the array names, and ours knows the head in front of the data. A view of an argument becomes a view of that ndarray.
#include <cstring>

#include "jit/host/box.h"
#include "jit/host/numpy_api.h"
#include "jit/runtime/runtime.h"

namespace coluber::jit {
namespace {

// ---- the memory handler -------------------------------------------------------------------------------------------------------------

coluber_owner* owner_of(void* data) { return static_cast<coluber_owner*>(data) - 1; }

void* handler_malloc(void*, size_t size) {
  coluber_owner* owner = new_owner(static_cast<int64_t>(size), false, COLUBER_MEMORY);
  return owner ? owner + 1 : nullptr;
}
void* handler_calloc(void*, size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) return nullptr;
  coluber_owner* owner = new_owner(static_cast<int64_t>(bytes), true, COLUBER_MEMORY);
  return owner ? owner + 1 : nullptr;
}
void* handler_realloc(void*, void* data, size_t size) {
  if (!data) return handler_malloc(nullptr, size);
  coluber_owner* owner = resize_owner(owner_of(data), static_cast<int64_t>(size));
  return owner ? owner + 1 : nullptr;
}
void handler_free(void*, void* data, size_t) {
  if (data) release(owner_of(data));
}

PyDataMem_Handler g_handler = {"coluber", 1, {nullptr, handler_malloc, handler_calloc, handler_realloc, handler_free}};

PyObject* handler_capsule() {
  static PyObject* capsule = nullptr;
  if (!capsule) capsule = PyCapsule_New(&g_handler, "mem_handler", nullptr);
  return capsule;
}

// ---- shapes -------------------------------------------------------------------------------------------------------------------------

struct ArrayValue {
  coluber_owner* owner;
  char* data;
  npy_intp shape[NPY_MAXDIMS], strides[NPY_MAXDIMS];
  int64_t bytes;
};

void read_array(const HostType* type, const uint64_t* slots, ArrayValue* out) {
  out->owner = reinterpret_cast<coluber_owner*>(slots[0]);
  out->data = reinterpret_cast<char*>(slots[1]);
  int n = type->ndim;
  out->bytes = item_size(type->elem);
  for (int i = 0; i < n; i++) out->shape[i] = static_cast<npy_intp>(slots[2 + i]);
  const uint64_t* given = slots + 2 + n;
  npy_intp step = item_size(type->elem);
  for (int j = 0; j < n; j++) {
    int i = type->layout == 'F' ? j : n - 1 - j;
    out->strides[i] = step;                   // what the layout implies, also for S's last axis
    step *= out->shape[i] ? out->shape[i] : 1;
    out->bytes *= out->shape[i];
  }
  if (type->layout == 'A') memcpy(out->strides, given, 8 * static_cast<size_t>(n));
  if (type->layout == 'S' && n > 0) memcpy(out->strides, given, 8 * static_cast<size_t>(n - 1));
}

PyObject* new_array(const HostType* type, const ArrayValue& v, int flags) {
  PyArray_Descr* descr = g_numpy.descr[static_cast<int>(type->elem->kind)];
  Py_INCREF(descr);
  return PyArray_NewFromDescr(g_numpy.array, descr, type->ndim, v.shape, v.strides, v.data, flags, nullptr);
}

// ---- the three cases ------------------------------------------------------------------------------------------------------------------

bool same_memory(PyArrayObject* array, const HostType* type, const ArrayValue& v) {
  if (PyArray_DATA(array) != v.data || PyArray_NDIM(array) != type->ndim) return false;
  if (kind_of_type_number(PyArray_DESCR(array)->type_num) != type->elem->kind) return false;
  if (type->readonly == static_cast<bool>(PyArray_ISWRITEABLE(array))) return false;
  size_t bytes = sizeof(npy_intp) * static_cast<size_t>(type->ndim);
  if (memcmp(PyArray_DIMS(array), v.shape, bytes) != 0) return false;
  return memcmp(PyArray_STRIDES(array), v.strides, bytes) == 0 || PyArray_SIZE(array) <= 1 ||
         (type->layout == 'C' && PyArray_IS_C_CONTIGUOUS(array)) || (type->layout == 'F' && PyArray_IS_F_CONTIGUOUS(array));
}

PyObject* box_view_of(PyObject* base, const HostType* type, const ArrayValue& v) {
  if (same_memory(reinterpret_cast<PyArrayObject*>(base), type, v)) return Py_NewRef(base);
  PyObject* view = new_array(type, v, type->readonly ? 0 : NPY_ARRAY_WRITEABLE);
  if (!view) return nullptr;
  if (PyArray_SetBaseObject(reinterpret_cast<PyArrayObject*>(view), Py_NewRef(base)) < 0) Py_CLEAR(view);
  return view;
}

void release_capsule(PyObject* capsule) { release(PyCapsule_GetPointer(capsule, nullptr)); }

// A part of memory of ours: the capsule holds the reference.
PyObject* box_part(const HostType* type, const ArrayValue& v) {
  PyObject* capsule = PyCapsule_New(v.owner, nullptr, release_capsule);
  if (!capsule) {
    release(v.owner);
    return nullptr;
  }
  PyObject* view = new_array(type, v, type->readonly ? 0 : NPY_ARRAY_WRITEABLE);
  if (!view) Py_DECREF(capsule);
  else if (PyArray_SetBaseObject(reinterpret_cast<PyArrayObject*>(view), capsule) < 0) Py_CLEAR(view);
  return view;
}

// All of a block of ours: the array owns it.
PyObject* box_whole(const HostType* type, const ArrayValue& v) {
  PyObject* handler = handler_capsule();
  PyObject* array = handler ? new_array(type, v, type->readonly ? 0 : NPY_ARRAY_WRITEABLE) : nullptr;
  if (!array) {
    release(v.owner);
    return nullptr;
  }
  auto* fields = reinterpret_cast<PyArrayObject_fields*>(array);
  Py_XDECREF(fields->mem_handler);
  fields->mem_handler = Py_NewRef(handler);
  fields->flags |= NPY_ARRAY_OWNDATA;
  return array;
}

// An array without an owner (a constant of the code, or empty): a copy.
PyObject* box_copy(const HostType* type, const ArrayValue& v) {
  PyObject* view = new_array(type, v, NPY_ARRAY_WRITEABLE);
  PyObject* copy = view ? PyArray_NewCopy(reinterpret_cast<PyArrayObject*>(view), NPY_KEEPORDER) : nullptr;
  Py_XDECREF(view);
  return copy;
}

}  // namespace

PyObject* box_array(const HostType* type, const uint64_t* slots, BoxContext& context) {
  ArrayValue v;
  read_array(type, slots, &v);
  if (!resolve_numpy()) {
    release(v.owner);
    return nullptr;
  }
  if (!v.owner) return box_copy(type, v);
  if (v.owner->kind == COLUBER_PYOBJECT) {
    PyObject* view = box_view_of(static_cast<PyObject*>(v.owner->object), type, v);
    if (v.owner->flags & COLUBER_OWNS) release(v.owner);
    return view;
  }
  for (const BoxedArray& known : context.arrays) {   // already boxed in this result: the same object, or a view of it
    if (known.owner != v.owner) continue;
    PyObject* result = box_view_of(known.array, type, v);
    release(v.owner);
    return result;
  }
  bool contiguous = type->layout == 'C' || type->layout == 'F';
  bool whole = contiguous && v.data == reinterpret_cast<char*>(v.owner + 1) && (v.bytes == v.owner->size || v.bytes == 0);
  if (!whole) return box_part(type, v);
  void* owner = v.owner;
  PyObject* array = box_whole(type, v);
  if (array && context.shared) context.arrays.push_back({owner, array});
  return array;
}

PyObject* numpy_scalar(Kind kind, const void* data) {
  if (!resolve_numpy()) return nullptr;
  return PyArray_Scalar(const_cast<void*>(data), g_numpy.descr[static_cast<int>(kind)], nullptr);
}

PyObject* box_numpy_scalar(Kind kind, const uint64_t* slots) {
  uint64_t data[2] = {slots[0], 0};
  if (kind == Kind::Complex128) data[1] = slots[1];
  if (kind == Kind::Complex64) data[0] = (slots[0] & 0xffffffff) | slots[1] << 32;
  return numpy_scalar(kind, data);
}

}  // namespace coluber::jit
