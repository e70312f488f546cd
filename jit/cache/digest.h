// A 128-bit content digest (MurmurHash3 x64): fast, not cryptographic. Depends on nothing.
#pragma once
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace coluber::jit {

struct Digest {
  uint64_t hi = 0, lo = 0;
  auto operator<=>(const Digest&) const = default;
  std::string hex() const {
    static const char* digits = "0123456789abcdef";
    std::string s(32, '0');
    for (int i = 0; i < 16; i++) s[15 - i] = digits[(hi >> (4 * i)) & 15], s[31 - i] = digits[(lo >> (4 * i)) & 15];
    return s;
  }
};

// Collects what is hashed as a byte string (every add is self-delimiting, so that ("ab","c") differs from ("a","bc")).
class Hasher {
 public:
  Hasher& bytes(const void* data, size_t n) {
    number(n);
    buffer_.append(static_cast<const char*>(data), n);
    return *this;
  }
  Hasher& text(std::string_view s) { return bytes(s.data(), s.size()); }
  Hasher& number(uint64_t v) {
    buffer_.append(reinterpret_cast<const char*>(&v), 8);
    return *this;
  }
  Hasher& real(double v) {
    uint64_t bits;
    std::memcpy(&bits, &v, 8);
    return number(bits);
  }
  Hasher& digest(const Digest& d) { return number(d.hi).number(d.lo); }
  Digest finish() const { return hash(buffer_.data(), buffer_.size()); }

  static Digest hash(const char* data, size_t n) {
    const uint64_t c1 = 0x87c37b91114253d5ull, c2 = 0x4cf5ad432745937full;
    uint64_t h1 = 0, h2 = 0;
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
      uint64_t k1, k2;
      std::memcpy(&k1, data + i, 8);
      std::memcpy(&k2, data + i + 8, 8);
      h1 = (rotate(h1 ^ (rotate(k1 * c1, 31) * c2), 27) + h2) * 5 + 0x52dce729;
      h2 = (rotate(h2 ^ (rotate(k2 * c2, 33) * c1), 31) + h1) * 5 + 0x38495ab5;
    }
    char tail[16] = {};
    std::memcpy(tail, data + i, n - i);
    uint64_t k1, k2;
    std::memcpy(&k1, tail, 8);
    std::memcpy(&k2, tail + 8, 8);
    h1 ^= rotate(k1 * c1, 31) * c2;
    h2 ^= rotate(k2 * c2, 33) * c1;
    h1 ^= n, h2 ^= n;
    h1 += h2, h2 += h1;
    h1 = mix(h1), h2 = mix(h2);
    h1 += h2, h2 += h1;
    return {h1, h2};
  }

 private:
  static uint64_t rotate(uint64_t x, int r) { return (x << r) | (x >> (64 - r)); }
  static uint64_t mix(uint64_t k) {
    k = (k ^ (k >> 33)) * 0xff51afd7ed558ccdull;
    k = (k ^ (k >> 33)) * 0xc4ceb9fe1a85ec53ull;
    return k ^ (k >> 33);
  }
  std::string buffer_;
};

inline Digest digest_bytes(std::string_view bytes) { return Hasher::hash(bytes.data(), bytes.size()); }

}  // namespace coluber::jit
