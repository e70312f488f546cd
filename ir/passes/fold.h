// Constant folding of scalar ops, with exactly the results the machine code would give.
#pragma once
#include "ir/function.h"

namespace coluber::ir {

struct Number {
  int64_t i = 0;                           // integers (in the type's range; uint64 by its bits) and bools
  double f = 0, f2 = 0;                    // floats (float32: rounded); complex: real, imaginary
};

// The result of `code` on constants. `from`: the operands' type; `to`: the result's. False where it is not known or not worth it
// (division by zero, float to integer out of range, functions of libm).
bool fold_unary(OpCode code, TypeRef from, TypeRef to, const Number& a, Number* out);
bool fold_binary(OpCode code, TypeRef from, const Number& a, const Number& b, Number* out);
// add_ovf, sub_ovf, mul_ovf
bool fold_overflow(OpCode code, TypeRef type, int64_t a, int64_t b, int64_t* wrapped, bool* overflow);

int64_t wrap_to(TypeRef integer, int64_t v);

}  // namespace coluber::ir
