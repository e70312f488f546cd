// Descriptors of parameters, and the exact match: the path of every call.
#include "jit/host/unbox.h"

#include <cstring>

#include "jit/host/dispatcher.h"
#include "jit/host/handles.h"
#include "jit/host/numpy_api.h"
#include "jit/host/pycompat.h"

namespace coluber::jit {
namespace {

constexpr int kLayoutFlags = NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_F_CONTIGUOUS;

// ---- making plans -----------------------------------------------------------------------------------------------------------------

// The classes and dtypes that a plan compares with are NumPy's. A declared type may be met before anybody has imported it.
bool have_numpy(const HostType* t, std::string* error) {
  if (g_numpy.array || resolve_numpy()) return true;
  PyErr_Clear();
  return *error = "a value of type " + t->text + " needs NumPy, which cannot be imported", false;
}

bool plan_array(const HostType* t, Unbox* op, std::string* error) {
  if (!have_numpy(t, error)) return false;
  op->op = t->layout == 'C' || t->layout == 'F' ? UnboxOp::ArrayPlain : UnboxOp::ArrayStrided;
  op->cls = g_numpy.array;
  op->what = g_numpy.descr[static_cast<int>(t->elem->kind)];
  op->ndim = static_cast<int16_t>(t->ndim);
  op->layout = t->layout;
  op->strides = static_cast<int16_t>(t->slots - 2 - t->ndim);
  op->item_size = item_size(t->elem);
  op->flags_mask = NPY_ARRAY_ALIGNED | NPY_ARRAY_WRITEABLE | kLayoutFlags;
  op->flags_want = NPY_ARRAY_ALIGNED | (t->readonly ? 0 : NPY_ARRAY_WRITEABLE);
  if (t->layout == 'C') {                     // an array that is both is called C
    op->flags_mask &= ~NPY_ARRAY_F_CONTIGUOUS;
    op->flags_want |= NPY_ARRAY_C_CONTIGUOUS;
  } else if (t->layout == 'F') {
    op->flags_want |= NPY_ARRAY_F_CONTIGUOUS;
  }
  return true;
}

bool plan_scalar(const HostType* t, Unbox* op, std::string* error) {
  switch (t->kind) {
    case Kind::PyBool: op->op = UnboxOp::Bool; op->cls = &PyBool_Type; return true;
    case Kind::PyInt: op->op = UnboxOp::Int; op->cls = &PyLong_Type; return true;
    case Kind::PyFloat: op->op = UnboxOp::Float; op->cls = &PyFloat_Type; return true;
    case Kind::PyComplex: op->op = UnboxOp::Complex; op->cls = &PyComplex_Type; return true;
    default: break;
  }
  if (!have_numpy(t, error)) return false;
  op->cls = scalar_class(t->kind);
  op->sign_extend = t->kind == Kind::Int8 || t->kind == Kind::Int16 || t->kind == Kind::Int32;
  if (t->kind == Kind::Complex64 || t->kind == Kind::Complex128) {
    op->op = t->kind == Kind::Complex64 ? UnboxOp::Scalar2x4 : UnboxOp::Scalar2x8;
    return true;
  }
  switch (item_size(t)) {
    case 1: op->op = UnboxOp::Scalar1; break;
    case 2: op->op = UnboxOp::Scalar2; break;
    case 4: op->op = UnboxOp::Scalar4; break;
    default: op->op = UnboxOp::Scalar8; break;
  }
  return true;
}

bool is_list_item(const HostType* t) {
  if (is_scalar(t->kind) || t->is(Kind::Bottom)) return true;
  if (!t->is(Kind::Tuple)) return false;
  for (const HostType* item : t->items) {
    if (!is_scalar(item->kind)) return false;
  }
  return true;
}

bool plan_one(UnboxPlan* plan, size_t index, const HostType* t, int32_t slot, std::string* error);

bool plan_children(UnboxPlan* plan, size_t index, const std::vector<const HostType*>& items, int32_t slot, std::string* error) {
  size_t first = plan->ops.size();
  plan->ops[index].first_child = static_cast<int32_t>(first);
  plan->ops[index].children = static_cast<int32_t>(items.size());
  plan->ops.resize(first + items.size());
  for (size_t i = 0; i < items.size(); i++) {
    if (!plan_one(plan, first + i, items[i], slot, error)) return false;
    slot += items[i]->slots;
  }
  return true;
}

bool plan_one(UnboxPlan* plan, size_t index, const HostType* t, int32_t slot, std::string* error) {
  Unbox op{UnboxOp::Nothing};
  op.type = t;
  op.slot = slot;
  switch (t->kind) {
    case Kind::None: op.what = Py_None; break;
    case Kind::Ellipsis: op.what = Py_Ellipsis; break;
    case Kind::Unbound: op.op = UnboxOp::Unbound; break;
    case Kind::Const: op.what = object_of(t->handle); break;
    case Kind::DType: op.op = UnboxOp::DType; break;
    case Kind::Str: op.op = UnboxOp::Str; op.cls = &PyUnicode_Type; plan->owners++; break;
    case Kind::Range: op.op = UnboxOp::Range; op.cls = &PyRange_Type; break;
    case Kind::Slice: op.op = UnboxOp::Slice; op.cls = &PySlice_Type; break;
    case Kind::Array:
      if (!plan_array(t, &op, error)) return false;
      plan->owners++;
      break;
    case Kind::List:
      if (!is_list_item(t->elem)) return *error = "a list of " + t->elem->text + " cannot be an argument", false;
      op.op = UnboxOp::List;
      op.cls = &PyList_Type;
      plan->has_lists = true;
      break;
    case Kind::Tuple:
      op.op = UnboxOp::Tuple;
      op.cls = t->handle >= 0 ? reinterpret_cast<PyTypeObject*>(object_of(t->handle)) : &PyTuple_Type;
      break;
    case Kind::Optional: op.op = UnboxOp::Optional; break;
    default:
      if (!is_scalar(t->kind)) return *error = "a value of type " + t->text + " cannot be an argument", false;
      if (!plan_scalar(t, &op, error)) return false;
  }
  plan->ops[index] = op;
  if (t->is(Kind::Tuple)) return plan_children(plan, index, t->items, slot, error);
  if (t->is(Kind::Optional)) return plan_children(plan, index, {t->elem}, slot + 1, error);
  return true;
}

// ---- matching ---------------------------------------------------------------------------------------------------------------------

inline void borrow(coluber_owner* owner, PyObject* object) {
  owner->count = COLUBER_BORROWED_COUNT;
  owner->kind = COLUBER_PYOBJECT;
  owner->flags = 0;
  owner->object = object;
}

// Another dtype object or number for the same values (long long, a dtype with metadata).
[[gnu::noinline]] bool same_dtype(PyArray_Descr* descr, const HostType* t) {
  return kind_of_type_number(descr->type_num) == t->elem->kind && is_native(descr);
}

inline bool unbox_array(const Unbox& op, PyObject* value, Frame& frame) {
  auto* array = reinterpret_cast<PyArrayObject*>(value);
  if (PyArray_DESCR(array) != op.what && !same_dtype(PyArray_DESCR(array), op.type)) return false;
  if ((PyArray_FLAGS(array) & op.flags_mask) != op.flags_want || PyArray_NDIM(array) != op.ndim) return false;
  const npy_intp* shape = PyArray_DIMS(array);
  coluber_owner* owner = &frame.owners[frame.used_owners++];
  borrow(owner, value);
  uint64_t* slot = frame.slots + op.slot;
  slot[0] = reinterpret_cast<uint64_t>(owner);
  slot[1] = reinterpret_cast<uint64_t>(PyArray_DATA(array));
  for (int i = 0; i < op.ndim; i++) slot[2 + i] = static_cast<uint64_t>(shape[i]);
  if (op.op == UnboxOp::ArrayPlain) return true;
  const npy_intp* strides = PyArray_STRIDES(array);
  bool rows = op.ndim > 1 && strides[op.ndim - 1] == op.item_size;
  if (rows != (op.layout == 'S')) return false;
  for (int i = 0; i < op.strides; i++) slot[2 + op.ndim + i] = static_cast<uint64_t>(strides[i]);
  return true;
}

bool unbox_str(const Unbox& op, PyObject* value, Frame& frame) {
  Py_ssize_t length;
  const char* data = PyUnicode_AsUTF8AndSize(value, &length);
  if (!data) {                                // lone surrogates; the conversion says so
    PyErr_Clear();
    return false;
  }
  coluber_owner* owner = &frame.owners[frame.used_owners++];
  borrow(owner, value);
  uint64_t* slot = frame.slots + op.slot;
  slot[0] = reinterpret_cast<uint64_t>(data);
  slot[1] = static_cast<uint64_t>(length);
  slot[2] = reinterpret_cast<uint64_t>(owner);
  return true;
}

bool unbox_range(const Unbox& op, PyObject* value, Frame& frame) {
  static const char* const parts[] = {"start", "stop", "step"};
  for (int i = 0; i < 3; i++) {
    PyObject* part = PyObject_GetAttrString(value, parts[i]);
    int64_t number = 0;
    bool ok = part && PyLong_Check(part) && long_as_int64(part, &number);
    Py_XDECREF(part);
    PyErr_Clear();
    if (!ok) return false;
    frame.slots[op.slot + i] = static_cast<uint64_t>(number);
  }
  return true;
}

bool unbox_slice(const Unbox& op, PyObject* value, Frame& frame) {
  auto* slice = reinterpret_cast<PySliceObject*>(value);
  PyObject* parts[] = {slice->start, slice->stop, slice->step};
  uint64_t* slot = frame.slots + op.slot;
  for (int i = 0; i < 3; i++) {
    bool none = op.type->items[static_cast<size_t>(i)]->is(Kind::None);
    if (none != (parts[i] == Py_None)) return false;
    if (none) continue;
    PyObject* index = PyNumber_Index(parts[i]);
    int64_t number = 0;
    bool ok = index && long_as_int64(index, &number);
    Py_XDECREF(index);
    PyErr_Clear();
    if (!ok) return false;
    *slot++ = static_cast<uint64_t>(number);
  }
  return true;
}

bool match_dtype(const Unbox& op, PyObject* value) {
  if (PyType_Check(value)) return kind_of_scalar_class(reinterpret_cast<PyTypeObject*>(value)) == op.type->elem->kind;
  if (!g_numpy.array || !PyArray_DescrCheck(value)) return false;
  auto* descr = reinterpret_cast<PyArray_Descr*>(value);
  return kind_of_type_number(descr->type_num) == op.type->elem->kind && is_native(descr);
}

bool unbox_scalar(const Unbox& op, PyObject* value, Frame& frame) {
  const void* data = scalar_data(value, op.type->kind);
  uint64_t* slot = frame.slots + op.slot;
  switch (op.op) {
    case UnboxOp::Scalar1: *slot = op.sign_extend ? static_cast<uint64_t>(*static_cast<const int8_t*>(data)) : *static_cast<const uint8_t*>(data); return true;
    case UnboxOp::Scalar2: *slot = op.sign_extend ? static_cast<uint64_t>(*static_cast<const int16_t*>(data)) : *static_cast<const uint16_t*>(data); return true;
    case UnboxOp::Scalar4: *slot = op.sign_extend ? static_cast<uint64_t>(*static_cast<const int32_t*>(data)) : *static_cast<const uint32_t*>(data); return true;
    case UnboxOp::Scalar8: memcpy(slot, data, 8); return true;
    case UnboxOp::Scalar2x8: memcpy(slot, data, 16); return true;
    default:
      slot[0] = static_cast<const uint32_t*>(data)[0];
      slot[1] = static_cast<const uint32_t*>(data)[1];
      return true;
  }
}

// The rarer kinds, out of the way of the common ones.
[[gnu::noinline]] bool unbox_other(const UnboxPlan& plan, const Unbox& op, PyObject* value, Frame& frame) {
  switch (op.op) {
    case UnboxOp::Unbound: return false;
    case UnboxOp::Complex: {
      Py_complex c = reinterpret_cast<PyComplexObject*>(value)->cval;
      memcpy(frame.slots + op.slot, &c, 16);
      return true;
    }
    case UnboxOp::Str: return unbox_str(op, value, frame);
    case UnboxOp::Tuple: {
      if (PyTuple_GET_SIZE(value) != op.children) return false;
      for (int32_t i = 0; i < op.children; i++) {
        if (!unbox_exact(plan, plan.ops[static_cast<size_t>(op.first_child + i)], PyTuple_GET_ITEM(value, i), frame)) return false;
      }
      return true;
    }
    case UnboxOp::List: return unbox_list(op, value, frame, false);
    case UnboxOp::Range: return unbox_range(op, value, frame);
    case UnboxOp::Slice: return unbox_slice(op, value, frame);
    case UnboxOp::DType: return match_dtype(op, value);
    case UnboxOp::Optional: {
      frame.slots[op.slot] = value != Py_None;
      if (value != Py_None) return unbox_exact(plan, plan.ops[static_cast<size_t>(op.first_child)], value, frame);
      memset(frame.slots + op.slot + 1, 0, 8 * static_cast<size_t>(op.type->elem->slots));
      return true;
    }
    default: return unbox_scalar(op, value, frame);
  }
}

}  // namespace

bool make_plan(const std::vector<const HostType*>& types, UnboxPlan* plan, std::string* error) {
  plan->parameters = static_cast<int32_t>(types.size());
  plan->ops.resize(types.size());
  for (size_t i = 0; i < types.size(); i++) {
    if (!plan_one(plan, i, types[i], plan->slots, error)) return false;
    plan->slots += types[i]->slots;
  }
  return true;
}

bool unbox_exact(const UnboxPlan& plan, const Unbox& op, PyObject* value, Frame& frame) {
  if (op.cls && Py_TYPE(value) != op.cls) {
    bool memmap = (op.op == UnboxOp::ArrayPlain || op.op == UnboxOp::ArrayStrided) && Py_TYPE(value) == g_numpy.memmap && g_numpy.memmap;
    if (!memmap) return false;
  }
  switch (op.op) {
    case UnboxOp::Nothing: return value == op.what || (is_dispatcher(value) && constant_identity(value) == op.what);
    case UnboxOp::Float: memcpy(frame.slots + op.slot, &reinterpret_cast<PyFloatObject*>(value)->ob_fval, 8); return true;
    case UnboxOp::Int: {
      int64_t number;
      if (!long_as_int64(value, &number)) return false;
      frame.slots[op.slot] = static_cast<uint64_t>(number);
      return true;
    }
    case UnboxOp::Bool: frame.slots[op.slot] = value == Py_True; return true;
    case UnboxOp::ArrayPlain: case UnboxOp::ArrayStrided: return unbox_array(op, value, frame);
    default: return unbox_other(plan, op, value, frame);
  }
}

}  // namespace coluber::jit
