// Arithmetic that takes more than an instruction and is seldom needed.
#include <cmath>
#include <cstdint>

#include "jit/runtime/runtime.h"

extern "C" {

// a / b rounded once, b != 0: 63 bits of the quotient at least, and one that tells of the rest.
double coluber_int_quotient(int64_t a, int64_t b) {
  bool negative = (a < 0) != (b < 0);
  if (a == 0) return negative ? -0.0 : 0.0;
  uint64_t x = a < 0 ? 0 - static_cast<uint64_t>(a) : static_cast<uint64_t>(a);
  uint64_t y = b < 0 ? 0 - static_cast<uint64_t>(b) : static_cast<uint64_t>(b);
  int left_x = __builtin_clzll(x), left_y = __builtin_clzll(y);
  unsigned __int128 n = static_cast<unsigned __int128>(x << left_x) << 63;
  y <<= left_y;
  auto q = static_cast<uint64_t>(n / y) | (n % y != 0);
  double r = std::ldexp(static_cast<double>(q), left_y - left_x - 63);
  return negative ? -r : r;
}

}  // extern "C"
