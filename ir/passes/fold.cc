// See fold.h. Integers are computed in 64 bits without a sign and wrapped to their type; float32 is computed in double and rounded, which
// for + - * / gives the same as computing in float32.
#include "ir/passes/fold.h"

#include <cmath>
#include <limits>

namespace coluber::ir {
namespace {

int bits_of(TypeRef t) { return item_size(t) * 8; }

double round_to(TypeRef t, double v) { return t->is(Kind::Float32) ? static_cast<double>(static_cast<float>(v)) : v; }

bool less(TypeRef t, int64_t a, int64_t b) {
  return is_integer(t) && !is_signed(t) ? static_cast<uint64_t>(a) < static_cast<uint64_t>(b) : a < b;
}

bool compare(OpCode code, bool lt, bool eq, bool ordered) {
  switch (code) {
    case OpCode::Eq: return eq;
    case OpCode::Ne: return !eq;
    case OpCode::Lt: return lt;
    case OpCode::Le: return ordered && (lt || eq);
    case OpCode::Gt: return ordered && !lt && !eq;
    default: return ordered && !lt;        // Ge
  }
}

bool is_comparison(OpCode code) { return code >= OpCode::Eq && code <= OpCode::Ge; }

// Division of integers; the divisor is not zero. The one overflow, INT_MIN / -1, wraps.
int64_t divide(OpCode code, TypeRef t, int64_t a, int64_t b) {
  if (!is_signed(t)) {
    uint64_t ua = static_cast<uint64_t>(a), ub = static_cast<uint64_t>(b);
    return static_cast<int64_t>(code == OpCode::FloorDiv || code == OpCode::TruncDiv ? ua / ub : ua % ub);
  }
  if (b == -1) return code == OpCode::FloorDiv || code == OpCode::TruncDiv ? static_cast<int64_t>(0 - static_cast<uint64_t>(a)) : 0;
  int64_t q = a / b, r = a % b;
  bool adjust = r != 0 && (r < 0) != (b < 0);
  switch (code) {
    case OpCode::TruncDiv: return q;
    case OpCode::TruncRem: return r;
    case OpCode::FloorDiv: return q - (adjust ? 1 : 0);
    default: return adjust ? r + b : r;    // Mod
  }
}

int64_t shift(OpCode code, TypeRef t, int64_t a, int64_t count) {
  bool inside = static_cast<uint64_t>(count) < static_cast<uint64_t>(bits_of(t));
  if (code == OpCode::Shl) return inside ? static_cast<int64_t>(static_cast<uint64_t>(a) << count) : 0;
  if (!is_signed(t)) return inside ? static_cast<int64_t>(static_cast<uint64_t>(a) >> count) : 0;
  return inside ? a >> count : (a < 0 ? -1 : 0);
}

bool fold_integers(OpCode code, TypeRef t, int64_t a, int64_t b, int64_t* out) {
  if (is_bool(t) && code != OpCode::And && code != OpCode::Or && code != OpCode::Xor) return false;
  uint64_t ua = static_cast<uint64_t>(a), ub = static_cast<uint64_t>(b), r = 0;
  switch (code) {
    case OpCode::Add: r = ua + ub; break;
    case OpCode::Sub: r = ua - ub; break;
    case OpCode::Mul: r = ua * ub; break;
    case OpCode::And: r = ua & ub; break;
    case OpCode::Or: r = ua | ub; break;
    case OpCode::Xor: r = ua ^ ub; break;
    case OpCode::Shl: case OpCode::Shr:
      r = static_cast<uint64_t>(shift(code, t, a, b));
      break;
    case OpCode::FloorDiv: case OpCode::Mod: case OpCode::TruncDiv: case OpCode::TruncRem:
      if (b == 0) return false;
      r = static_cast<uint64_t>(divide(code, t, a, b));
      break;
    default: return false;
  }
  *out = wrap_to(t, static_cast<int64_t>(r));
  return true;
}

bool fold_floats(OpCode code, TypeRef t, double a, double b, double* out) {
  switch (code) {
    case OpCode::Add: *out = a + b; break;
    case OpCode::Sub: *out = a - b; break;
    case OpCode::Mul: *out = a * b; break;
    case OpCode::FDiv: *out = a / b; break;
    default: return false;
  }
  *out = round_to(t, *out);
  return true;
}

bool float_to_integer(TypeRef to, double v, int64_t* out) {
  if (!std::isfinite(v)) return false;
  v = std::trunc(v);
  int bits = bits_of(to);
  double low = is_signed(to) ? -std::ldexp(1.0, bits - 1) : 0.0, high = std::ldexp(1.0, is_signed(to) ? bits - 1 : bits);
  if (v < low || v >= high) return false;
  *out = is_signed(to) ? static_cast<int64_t>(v) : static_cast<int64_t>(static_cast<uint64_t>(v));
  return true;
}

double integer_to_float(TypeRef from, TypeRef to, int64_t v) {
  bool wide_unsigned = is_integer(from) && !is_signed(from);
  if (to->is(Kind::Float32)) return wide_unsigned ? static_cast<float>(static_cast<uint64_t>(v)) : static_cast<float>(v);
  return wide_unsigned ? static_cast<double>(static_cast<uint64_t>(v)) : static_cast<double>(v);
}

bool fold_cast(TypeRef from, TypeRef to, const Number& a, Number* out) {
  bool integral = is_integer(from) || is_bool(from);
  if (is_complex(from) || is_complex(to)) return false;
  if (is_bool(to)) {
    out->i = integral ? a.i != 0 : a.f != 0;
  } else if (is_integer(to)) {
    if (!integral) return float_to_integer(to, a.f, &out->i);
    out->i = wrap_to(to, a.i);
  } else {
    out->f = integral ? integer_to_float(from, to, a.i) : round_to(to, a.f);
  }
  return true;
}

}  // namespace

int64_t wrap_to(TypeRef t, int64_t v) {
  if (is_bool(t)) return v & 1;
  switch (bits_of(t)) {
    case 8: return is_signed(t) ? static_cast<int64_t>(static_cast<int8_t>(v)) : static_cast<int64_t>(static_cast<uint8_t>(v));
    case 16: return is_signed(t) ? static_cast<int64_t>(static_cast<int16_t>(v)) : static_cast<int64_t>(static_cast<uint16_t>(v));
    case 32: return is_signed(t) ? static_cast<int64_t>(static_cast<int32_t>(v)) : static_cast<int64_t>(static_cast<uint32_t>(v));
    default: return v;
  }
}

bool fold_unary(OpCode code, TypeRef from, TypeRef to, const Number& a, Number* out) {
  *out = {};
  switch (code) {
    case OpCode::Neg:
      if (is_complex(from)) return false;
      if (is_float(from)) out->f = -a.f;
      else out->i = wrap_to(from, static_cast<int64_t>(0 - static_cast<uint64_t>(a.i)));
      return true;
    case OpCode::Not:
      out->i = is_bool(from) ? !a.i : wrap_to(from, ~a.i);
      return true;
    case OpCode::Cast: return fold_cast(from, to, a, out);
    case OpCode::ComplexReal:
      out->f = a.f;
      return true;
    case OpCode::ComplexImag:
      out->f = a.f2;
      return true;
    case OpCode::Likely:
      out->i = a.i;
      return true;
    default: return false;
  }
}

bool fold_binary(OpCode code, TypeRef from, const Number& a, const Number& b, Number* out) {
  *out = {};
  if (is_complex(from)) return false;
  if (code == OpCode::ComplexMake) {
    out->f = a.f;
    out->f2 = b.f;
    return true;
  }
  if (is_comparison(code)) {
    if (is_float(from)) out->i = compare(code, a.f < b.f, a.f == b.f, !std::isnan(a.f) && !std::isnan(b.f));
    else out->i = compare(code, less(from, a.i, b.i), a.i == b.i, true);
    return true;
  }
  return is_float(from) ? fold_floats(code, from, a.f, b.f, &out->f) : fold_integers(code, from, a.i, b.i, &out->i);
}

bool fold_overflow(OpCode code, TypeRef t, int64_t a, int64_t b, int64_t* wrapped, bool* overflow) {
  if (!is_integer(t)) return false;
  __extension__ using Wide = __int128;
  bool sign = is_signed(t);
  Wide wa = sign ? Wide(a) : Wide(static_cast<uint64_t>(a)), wb = sign ? Wide(b) : Wide(static_cast<uint64_t>(b));
  // The product of two uint64 does not fit 127 bits, but that it overflows shows all the same.
  if (code == OpCode::MulOvf && !sign && wa != 0 && wb > (~static_cast<uint64_t>(0)) / wa) {
    *overflow = true;
    *wrapped = wrap_to(t, static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b)));
    return true;
  }
  Wide r = code == OpCode::AddOvf ? wa + wb : code == OpCode::SubOvf ? wa - wb : wa * wb;
  *wrapped = wrap_to(t, static_cast<int64_t>(r));
  Wide back = sign ? Wide(*wrapped) : Wide(static_cast<uint64_t>(*wrapped));
  *overflow = back != r;
  return true;
}

}  // namespace coluber::ir
