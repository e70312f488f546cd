// The forgiving match, for explicit signatures (safe casts only) and subclasses of int and float.
#include <cstring>

#include "jit/host/numpy_api.h"
#include "jit/host/pycompat.h"
#include "jit/host/unbox.h"

namespace coluber::jit {
namespace {

struct IntLimits {
  int64_t low;
  uint64_t high;
};
bool int_limits(Kind k, IntLimits* out) {
  switch (k) {
    case Kind::Int8: *out = {INT8_MIN, INT8_MAX}; return true;
    case Kind::Int16: *out = {INT16_MIN, INT16_MAX}; return true;
    case Kind::Int32: *out = {INT32_MIN, INT32_MAX}; return true;
    case Kind::PyInt: case Kind::Int64: *out = {INT64_MIN, INT64_MAX}; return true;
    case Kind::UInt8: *out = {0, UINT8_MAX}; return true;
    case Kind::UInt16: *out = {0, UINT16_MAX}; return true;
    case Kind::UInt32: *out = {0, UINT32_MAX}; return true;
    case Kind::UInt64: *out = {0, UINT64_MAX}; return true;
    default: return false;
  }
}

// A Python int (any index) as a value of the integer kind. 0: it is a NumPy integer whose type does not fit safely.
int convert_int(PyObject* value, Kind kind, uint64_t* slot) {
  IntLimits limits;
  int_limits(kind, &limits);
  Kind strong = kind_of_scalar_class(Py_TYPE(value));
  if (strong == Kind::Bool) return *slot = *static_cast<const uint8_t*>(scalar_data(value, strong)), 1;
  IntLimits from;
  if (strong != Kind::Bottom && (!int_limits(strong, &from) || from.low < limits.low || from.high > limits.high)) return 0;
  PyObject* index = PyNumber_Index(value);
  if (!index) return PyErr_Clear(), 0;
  int64_t number;
  bool fits = long_as_int64(index, &number);
  bool ok = fits && number >= limits.low && (number < 0 || static_cast<uint64_t>(number) <= limits.high);
  if (!fits && kind == Kind::UInt64) {
    unsigned long long big = PyLong_AsUnsignedLongLong(index);
    ok = !PyErr_Occurred();
    PyErr_Clear();
    number = static_cast<int64_t>(big);
  }
  if (!ok) {
    bool python = kind == Kind::PyInt;
    PyErr_Format(PyExc_OverflowError, python ? "the int %R does not fit 64 bits" : "the int %R does not fit %s", index, kind_text(kind));
    Py_DECREF(index);
    return -1;
  }
  Py_DECREF(index);
  *slot = static_cast<uint64_t>(number);
  return 1;
}

// Ranks for safe casts: bool < integers < floats < complex.
int family(Kind k) {
  switch (k) {
    case Kind::PyBool: case Kind::Bool: return 0;
    case Kind::PyFloat: case Kind::Float64: case Kind::Float32: return 2;
    case Kind::PyComplex: case Kind::Complex128: case Kind::Complex64: return 3;
    default: return 1;
  }
}

Kind kind_of_value(PyObject* value) {
  if (PyBool_Check(value)) return Kind::PyBool;
  if (PyLong_CheckExact(value)) return Kind::PyInt;
  if (PyFloat_CheckExact(value)) return Kind::PyFloat;
  if (PyComplex_CheckExact(value)) return Kind::PyComplex;
  if (Kind k = kind_of_scalar_class(Py_TYPE(value)); k != Kind::Bottom) return k;
  if (PyLong_Check(value)) return Kind::PyInt;
  return PyFloat_Check(value) ? Kind::PyFloat : Kind::Bottom;
}

int significant_bits(Kind k) {                // what a value of the kind may need of a mantissa
  switch (k) {
    case Kind::PyBool: case Kind::Bool: return 1;
    case Kind::Int8: case Kind::UInt8: return 8;
    case Kind::Int16: case Kind::UInt16: return 16;
    case Kind::Float32: case Kind::Complex64: return 24;
    case Kind::Int32: case Kind::UInt32: return 32;
    case Kind::Float64: case Kind::Complex128: return 53;
    default: return 0;                        // weak kinds, and 64-bit integers: accepted as NumPy does for float64
  }
}

int convert_scalar(const Unbox& op, PyObject* value, Frame& frame) {
  Kind to = op.type->kind, from = kind_of_value(value);
  uint64_t* slot = frame.slots + op.slot;
  if (from == Kind::Bottom || family(from) > family(to)) return 0;
  if (family(to) == 0) return *slot = static_cast<uint64_t>(PyObject_IsTrue(value)), 1;
  if (family(to) == 1) return convert_int(value, to, slot);
  bool narrow = to == Kind::Float32 || to == Kind::Complex64;
  if (narrow && significant_bits(from) > 24) return 0;
  if (narrow && (from == Kind::Int64 || from == Kind::UInt64)) return 0;
  Py_complex c = family(from) == 3 ? PyComplex_AsCComplex(value) : Py_complex{PyFloat_AsDouble(value), 0};
  if (PyErr_Occurred()) return -1;
  if (narrow) {
    float parts[2] = {static_cast<float>(c.real), static_cast<float>(c.imag)};
    slot[0] = 0;
    memcpy(slot, &parts[0], 4);
    if (family(to) == 3) slot[1] = 0, memcpy(slot + 1, &parts[1], 4);
  } else {
    memcpy(slot, &c, family(to) == 3 ? 16 : 8);
  }
  return 1;
}

// Any array whose memory the declared layout can describe.
int convert_array(const UnboxPlan& plan, const Unbox& op, PyObject* value, Frame& frame) {
  if (!g_numpy.array || (Py_TYPE(value) != g_numpy.array && Py_TYPE(value) != g_numpy.memmap)) return 0;
  auto* array = reinterpret_cast<PyArrayObject*>(value);
  if (kind_of_type_number(PyArray_DESCR(array)->type_num) != op.type->elem->kind || !is_native(PyArray_DESCR(array))) return 0;
  if (PyArray_NDIM(array) != op.ndim || !PyArray_ISALIGNED(array)) return 0;
  if (!op.type->readonly && !PyArray_ISWRITEABLE(array)) return 0;
  if (op.layout == 'C' && !PyArray_IS_C_CONTIGUOUS(array)) return 0;
  if (op.layout == 'F' && !PyArray_IS_F_CONTIGUOUS(array)) return 0;
  if (op.layout == 'S' && op.ndim > 0 && PyArray_STRIDES(array)[op.ndim - 1] != op.item_size) return 0;
  coluber_owner* owner = &frame.owners[frame.used_owners++];
  *owner = {};
  owner->count = COLUBER_BORROWED_COUNT;
  owner->kind = COLUBER_PYOBJECT;
  owner->object = value;
  uint64_t* slot = frame.slots + op.slot;
  slot[0] = reinterpret_cast<uint64_t>(owner);
  slot[1] = reinterpret_cast<uint64_t>(PyArray_DATA(array));
  for (int i = 0; i < op.ndim; i++) slot[2 + i] = static_cast<uint64_t>(PyArray_DIMS(array)[i]);
  for (int i = 0; i < op.strides; i++) slot[2 + op.ndim + i] = static_cast<uint64_t>(PyArray_STRIDES(array)[i]);
  return 1;
}

}  // namespace

int unbox_convert(const UnboxPlan& plan, const Unbox& op, PyObject* value, Frame& frame) {
  int32_t owners = frame.used_owners;
  if (unbox_exact(plan, op, value, frame)) return 1;
  frame.used_owners = owners;
  switch (op.op) {
    case UnboxOp::Bool: case UnboxOp::Int: case UnboxOp::Float: case UnboxOp::Complex: case UnboxOp::Scalar1: case UnboxOp::Scalar2:
    case UnboxOp::Scalar4: case UnboxOp::Scalar8: case UnboxOp::Scalar2x4: case UnboxOp::Scalar2x8:
      return convert_scalar(op, value, frame);
    case UnboxOp::ArrayPlain: case UnboxOp::ArrayStrided: return convert_array(plan, op, value, frame);
    case UnboxOp::List: {
      if (!PyList_CheckExact(value)) return 0;
      if (unbox_list(op, value, frame, true)) return 1;
      for (Py_ssize_t i = 0; i < PyList_GET_SIZE(value); i++) {   // why not? a number out of range is worth its own error
        int64_t number;
        PyObject* item = PyList_GET_ITEM(value, i);
        if (!PyLong_CheckExact(item) || long_as_int64(item, &number)) continue;
        PyErr_Format(PyExc_OverflowError, "the int %R (item %zd of the list) does not fit 64 bits", item, i);
        return -1;
      }
      return 0;
    }
    case UnboxOp::Tuple:
      if (!PyTuple_Check(value) || PyTuple_GET_SIZE(value) != op.children || Py_TYPE(value) != op.cls) return 0;
      for (int32_t i = 0; i < op.children; i++) {
        int done = unbox_convert(plan, plan.ops[static_cast<size_t>(op.first_child + i)], PyTuple_GET_ITEM(value, i), frame);
        if (done != 1) return done;
      }
      return 1;
    case UnboxOp::Optional:
      frame.slots[op.slot] = value != Py_None;
      return unbox_convert(plan, plan.ops[static_cast<size_t>(op.first_child)], value, frame);
    case UnboxOp::Range: case UnboxOp::Slice:
      if (Py_TYPE(value) != op.cls) return 0;
      PyErr_Format(PyExc_OverflowError, "the bounds of %R do not fit 64 bits", value);
      return -1;
    default: return 0;
  }
}

}  // namespace coluber::jit
