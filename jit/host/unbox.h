// From Python arguments to the slots of compiled code, driven by descriptors made once per specialisation. One pass both matches and
// converts: an argument that does not match ends the attempt, and the next specialisation is tried.
#pragma once
#include <Python.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "jit/host/pycompat.h"
#include "jit/host/type_text.h"
#include "jit/runtime/abi.h"

namespace coluber::jit {

// How a parameter is matched and unboxed.
enum class UnboxOp : uint8_t {
  Nothing,        // a constant object, by identity (None, Ellipsis, functions, classes)
  Bool, Int, Float, Complex, Str,
  Scalar1, Scalar2, Scalar4, Scalar8, Scalar2x4, Scalar2x8,   // NumPy scalars by the bytes of their value (2x: complex)
  ArrayPlain,     // C or F: no strides
  ArrayStrided,   // S or A
  Tuple, List, Range, Slice, DType, Optional,
  Unbound,        // a variable of a lifted loop that is not bound: null
};

struct Unbox {
  UnboxOp op;
  bool sign_extend = false;                   // Scalar1..4
  bool empty = false;                         // List: takes empty ones only, whatever its items are
  char layout = 'C';
  int16_t ndim = 0;
  int16_t strides = 0;                        // how many are passed
  int32_t slot = 0;                           // the first one
  int32_t flags_mask = 0, flags_want = 0;     // arrays
  int32_t item_size = 0;                      // ArrayStrided: the last stride of layout S
  PyTypeObject* cls = nullptr;                // exact class of the argument (null: looked at by the op); kept by the specialisation
  void* what = nullptr;                       // arrays: the native dtype; Nothing: the object
  const HostType* type = nullptr;
  int32_t first_child = 0, children = 0;      // Tuple, Optional: descriptors of the items
};

struct UnboxPlan {
  std::vector<Unbox> ops;                     // the parameters' descriptors first, then their children
  int32_t parameters = 0;
  int32_t slots = 0;
  int32_t owners = 0;                         // coluber_owner structs needed on the stack (arrays, strings)
  bool has_lists = false;
};

struct ListArgument {
  coluber_list* list;
  PyObject* object;                           // borrowed from the caller
  const HostType* type;
};

// Where an attempt puts its results. Owners and slots lie on the caller's stack.
struct Frame {
  uint64_t* slots;
  coluber_owner* owners;
  int32_t used_owners = 0;
  std::vector<ListArgument>* lists = nullptr;   // made when the first list shows up
  bool numpy_items = false;                     // NumPy's scalars go back into lists as such, not as numbers of Python

  Frame(uint64_t* s, coluber_owner* o) : slots(s), owners(o) {}
  Frame(const Frame&) = delete;
  ~Frame() {
    if (lists) [[unlikely]] drop_lists();
  }
  void drop_lists();
};

// The plan for parameters of these types; false with a message when a type cannot be an argument.
bool make_plan(const std::vector<const HostType*>& types, UnboxPlan* plan, std::string* error);

// Exact match. No Python error is ever set; false: this specialisation is not for these arguments.
bool unbox_exact(const UnboxPlan& plan, const Unbox& op, PyObject* value, Frame& frame);

// The same for all arguments of a call, with the commonest kinds in line.
inline bool unbox_all(const UnboxPlan& plan, PyObject* const* args, Frame& frame) {
  const Unbox* op = plan.ops.data();
  for (const Unbox* end = op + plan.parameters; op != end; op++, args++) {
    PyObject* value = *args;
    if (!value) {
      if (op->op != UnboxOp::Unbound) return false;
      frame.slots[op->slot] = 0;
      continue;
    }
    if (op->op == UnboxOp::Float) {
      if (!PyFloat_CheckExact(value)) return false;
      memcpy(frame.slots + op->slot, &reinterpret_cast<PyFloatObject*>(value)->ob_fval, 8);
    } else if (op->op == UnboxOp::Int) {
      int64_t number;
      if (!PyLong_CheckExact(value) || !long_as_int64(value, &number)) return false;
      frame.slots[op->slot] = static_cast<uint64_t>(number);
    } else if (!unbox_exact(plan, *op, value, frame)) {
      return false;
    }
  }
  return true;
}

// With the conversions that an explicit signature or a subclass asks for. 1: done; 0: not convertible; -1: a Python error is set.
int unbox_convert(const UnboxPlan& plan, const Unbox& op, PyObject* value, Frame& frame);

// Lists (unbox_list.cc).
bool unbox_list(const Unbox& op, PyObject* value, Frame& frame, bool convert);
// Writes what compiled code changed (or, with `all`, may have changed) back into the Python lists. False with a Python error.
bool write_back_lists(Frame& frame, bool all);
// A list that Python code is about to see, and after it has: what compiled code changed goes into the Python list `object`, and back.
bool show_list(coluber_list* list, const HostType* item, PyObject* object);
int reload_list(coluber_ctx* ctx, coluber_list* list, const HostType* item, PyObject* object);   // 0; 1: items of other types; -1: a Python error
// A native item as a Python object, and whether an object already is that value (so that it keeps its identity).
PyObject* box_item(const HostType* type, const char* at, bool numpy);

}  // namespace coluber::jit
