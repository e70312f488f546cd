// Arithmetic that takes more than an instruction and is seldom needed.
#include <bit>
#include <cstdint>

#include "jit/runtime/runtime.h"

namespace {

// high:low / y and its remainder, where the quotient fits: high < y.
uint64_t divide(uint64_t high, uint64_t low, uint64_t y, uint64_t* rest) {
#ifdef __x86_64__
  uint64_t q;
  asm("divq %4" : "=a"(q), "=d"(*rest) : "a"(low), "d"(high), "r"(y) : "cc");          // the compiler calls functions for each of the two
  return q;
#else
  unsigned __int128 n = static_cast<unsigned __int128>(high) << 64 | low;
  *rest = static_cast<uint64_t>(n % y);
  return static_cast<uint64_t>(n / y);
#endif
}

}  // namespace

extern "C" {

// a / b rounded once, b != 0: 61 bits of the quotient at least, and one that tells of the rest.
double coluber_int_quotient(int64_t a, int64_t b) {
  uint64_t sign = (a < 0) != (b < 0) ? uint64_t{1} << 63 : 0;
  if (a == 0) return std::bit_cast<double>(sign);
  uint64_t x = a < 0 ? 0 - static_cast<uint64_t>(a) : static_cast<uint64_t>(a);
  uint64_t y = b < 0 ? 0 - static_cast<uint64_t>(b) : static_cast<uint64_t>(b);
  int left_x = __builtin_clzll(x), left_y = __builtin_clzll(y);
  x <<= left_x;
  y <<= left_y;
  uint64_t rest, q = divide(x >> 1, x << 63, y, &rest);     // between 2**62 and 2**64
  q = q >> 1 | (q & 1) | (rest != 0);                       // as a signed number, which converts in one instruction
  // Times a power of two: the result is between 2**-63 and 2**63, so nothing is lost.
  uint64_t scale = static_cast<uint64_t>(1023 + left_y - left_x - 62) << 52;
  return std::bit_cast<double>(std::bit_cast<uint64_t>(static_cast<double>(static_cast<int64_t>(q)) * std::bit_cast<double>(scale)) | sign);
}

// ceil(2**(63 + n) / d) for n = the bits of d - 1: the upper half of the dividend is 2**(n - 1) at most, less than d.
int64_t coluber_reciprocal(int64_t d) {
  uint64_t less = static_cast<uint64_t>(d) - 1, rest;
  int n = std::bit_width(less);
  uint64_t high = n == 0 ? 0 : uint64_t{1} << (n - 1), low = n == 0 ? uint64_t{1} << 63 : 0;
  return static_cast<int64_t>(divide(high, low + less, static_cast<uint64_t>(d), &rest));
}

}  // extern "C"
