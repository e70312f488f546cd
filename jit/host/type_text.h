// Types as the host sees them: parsed from their canonical text (ir/types.def), interned, with the number of slots a value takes.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace coluber::jit {

enum class Kind : uint8_t {
#define TYPE(Enum, text) Enum,
#include "ir/types.def"
};

struct HostType {
  Kind kind = Kind::Bottom;
  const HostType* elem = nullptr;           // list, array, optional, dtype, ...
  std::vector<const HostType*> items;       // tuple, slice (3), closure
  std::vector<std::string> names;           // fields of a named tuple
  int ndim = 0;
  char layout = 'C';
  bool readonly = false;
  int64_t handle = -1;                      // obj, exc, closure, named tuple
  int slots = 0;                            // 8-byte cells of a value
  std::string text;

  bool is(Kind k) const { return kind == k; }
};

// nullptr when the text is not a type's. The caller holds the GIL (it guards the table). Never freed.
const HostType* parse_type(std::string_view text);

bool is_scalar(Kind k);                     // pybool .. complex128
int item_size(const HostType* t);           // bytes in an array or list; a tuple is 8 per slot; 0: not storable
const char* kind_text(Kind k);
// "obj#12" -> the result of `map` on 12, for texts that leave the process.
std::string map_handles(std::string_view text, int64_t (*map)(void*, int64_t), void* arg, const char* mark);

}  // namespace coluber::jit
