// What inference knows of a value: its type and, where it is known at compile time, the value itself. TV adds the typed IR value that
// carries it, once IR is being emitted.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "ir/function.h"
#include "jit/engine_api.h"

namespace coluber::typing {

using ir::TypeRef;

struct AbsVal {
  TypeRef type = ir::bottom();
  const clb_const* c = nullptr;   // the compile-time value; lives as long as the session
  uint32_t site = ~0u;            // lists: where the list was made (Spec::sites), so that later appends can decide its element type

  bool is_bottom() const { return type->is(ir::Kind::Bottom); }
  bool is(ir::Kind k) const { return type->is(k); }
  bool is_none() const { return type->is(ir::Kind::None); }
};

struct TV : AbsVal {
  ir::ValueId id = ir::kNoId;     // kNoId in a dry run, and for constants not yet needed at run time
  ir::ValueId obj = ir::kNoId;    // object mode: the same value as the Python object that it came as
  TV() = default;
  explicit TV(AbsVal a, ir::ValueId v = ir::kNoId) : AbsVal(a), id(v) {}
};

bool same_const(const clb_const* a, const clb_const* b);
bool same(const AbsVal& a, const AbsVal& b);
std::string const_text(const clb_const* c);   // part of a specialisation's key
std::string describe(const AbsVal& v);        // for messages: "int64", "array(float64, 2d, C)", "the literal 3"
bool is_stencil_view(TypeRef t);              // what an array is inside of a stencil's kernel: stencils.cc
std::string describe(TypeRef t);
bool is_range(TypeRef t);                     // range, or a view of one whose step is known
TypeRef for_python(TypeRef t);                // as it is returned to Python: ranges with their step
bool has_slots(TypeRef t);                    // false: a value of this type needs nothing at run time
int slot_count(TypeRef t);

// The least type that holds both; nullptr when there is none. Constants matter: a weak literal joins a strong type without widening it
// where the type holds the literal exactly.
TypeRef join_types(TypeRef a, const clb_const* ca, TypeRef b, const clb_const* cb);
bool join(const AbsVal& a, const AbsVal& b, AbsVal* out);

// NEP 50 promotion of two number types; the result type of a + b.
TypeRef promote(TypeRef a, TypeRef b);
bool fits(const clb_const* c, TypeRef t);     // the number is exactly representable

}  // namespace coluber::typing
