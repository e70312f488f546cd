// Types: interned, immutable, compared by pointer. The table lives as long as the process and may be used from several threads.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace coluber::ir {

enum class Kind : uint8_t {
#define TYPE(Enum, text) Enum,
#include "ir/types.def"
};

// C and F: contiguous. S: C order, each last-axis row contiguous (the last stride is the item size), other strides free. A: any strides.
enum class Layout : uint8_t { C, F, S, A };

struct Type {
  Kind kind = Kind::Bottom;
  uint32_t id = 0;                         // dense, in order of creation
  const Type* elem = nullptr;              // Array, List, Optional, Unbound, DType, Ptr, Iter, Method (self)
  std::vector<const Type*> items;          // Tuple, Slice (3), Closure (captures), View
  std::vector<std::string> names;          // fields of a named tuple
  int ndim = 0;                            // Array
  Layout layout = Layout::C;               // Array
  bool readonly = false;                   // Array
  int64_t handle = -1;                     // Const, Exc, Closure: the host's object; named tuple: its class
  std::string name;                        // Method: attribute; View: which
  std::string text;                        // canonical spelling, parsed back by parse_type

  bool is(Kind k) const { return kind == k; }
};
using TypeRef = const Type*;

TypeRef scalar(Kind kind);                 // any kind without parameters
TypeRef bottom();
TypeRef none();
TypeRef pybool();
TypeRef pyint();
TypeRef pyfloat();
TypeRef pycomplex();
TypeRef str();
TypeRef owner();
TypeRef tuple_of(std::vector<TypeRef> items);
TypeRef namedtuple_of(int64_t cls, std::vector<std::string> names, std::vector<TypeRef> items);
TypeRef list_of(TypeRef elem);
TypeRef array_of(TypeRef elem, int ndim, Layout layout, bool readonly = false);
TypeRef slice_of(TypeRef start, TypeRef stop, TypeRef step);
TypeRef optional_of(TypeRef elem);         // of an Optional or None: itself
TypeRef unbound_of(TypeRef elem);
TypeRef iter_of(TypeRef iterable);
TypeRef dtype_of(TypeRef elem);
TypeRef object_const(int64_t handle);
TypeRef closure_of(int64_t handle, std::vector<TypeRef> captures);
TypeRef method_of(TypeRef self, std::string_view name);
TypeRef exc_of(int64_t handle);
TypeRef ptr_to(TypeRef elem);
TypeRef view_of(std::string_view name, std::vector<TypeRef> items);

// Parses the canonical spelling; nullptr when it is not one.
TypeRef parse_type(std::string_view text);

// Questions about kinds.
bool is_weak(TypeRef t);                   // pybool, pyint, pyfloat, pycomplex
bool is_bool(TypeRef t);                   // pybool, bool
bool is_integer(TypeRef t);                // pyint and (u)intN; not the bools
bool is_signed(TypeRef t);                 // pyint, intN
bool is_float(TypeRef t);                  // pyfloat, float32, float64
bool is_complex(TypeRef t);
bool is_number(TypeRef t);                 // any of the above
bool is_managed(TypeRef t);                // holds a counted reference in one of its slots (array, list, str, owner, exc, or contains one)
int item_size(TypeRef t);                  // bytes of a number in memory (bool 1, complex128 16); of a tuple: 8 per slot
TypeRef real_of(TypeRef t);                // float type of a complex one
TypeRef strong(TypeRef t);                 // pyint -> int64, pyfloat -> float64, pybool -> bool, pycomplex -> complex128
const char* kind_text(Kind k);

}  // namespace coluber::ir
