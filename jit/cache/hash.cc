// MurmurHash3_x64_128 by Austin Appleby (public domain), seed 0, as an incremental hasher.
#include "jit/cache/hash.h"

#include <cstring>

namespace coluber::jit {
namespace {

constexpr uint64_t kC1 = 0x87c37b91114253d5ull, kC2 = 0x4cf5ad432745937full;

uint64_t rotate(uint64_t x, int by) { return (x << by) | (x >> (64 - by)); }

uint64_t load(const unsigned char* p) {
  uint64_t x;
  std::memcpy(&x, p, 8);
  return x;
}

uint64_t final_mix(uint64_t k) {
  k = (k ^ (k >> 33)) * 0xff51afd7ed558ccdull;
  k = (k ^ (k >> 33)) * 0xc4ceb9fe1a85ec53ull;
  return k ^ (k >> 33);
}

uint64_t scramble1(uint64_t k) { return rotate(k * kC1, 31) * kC2; }
uint64_t scramble2(uint64_t k) { return rotate(k * kC2, 33) * kC1; }

}  // namespace

void Hasher::block(const unsigned char* data) {
  h1_ ^= scramble1(load(data));
  h1_ = (rotate(h1_, 27) + h2_) * 5 + 0x52dce729;
  h2_ ^= scramble2(load(data + 8));
  h2_ = (rotate(h2_, 31) + h1_) * 5 + 0x38495ab5;
}

Hasher& Hasher::bytes(const void* data, size_t size) {
  const unsigned char* p = static_cast<const unsigned char*>(data);
  total_ += size;
  if (kept_) {
    const size_t take = size < 16 - kept_ ? size : 16 - kept_;
    if (take) std::memcpy(rest_ + kept_, p, take);
    kept_ += take, p += take, size -= take;
    if (kept_ < 16) return *this;
    block(rest_);
    kept_ = 0;
  }
  for (; size >= 16; p += 16, size -= 16) block(p);
  if (size) std::memcpy(rest_, p, size);
  kept_ = size;
  return *this;
}

Hasher& Hasher::number(uint64_t value) { return bytes(&value, sizeof value); }
Hasher& Hasher::field(std::string_view data) { return number(data.size()).bytes(data.data(), data.size()); }
Hasher& Hasher::hash(Hash128 value) { return number(value.low).number(value.high); }

Hash128 Hasher::finish() const {
  unsigned char tail[16] = {};
  std::memcpy(tail, rest_, kept_);
  uint64_t h1 = h1_, h2 = h2_;
  h2 ^= scramble2(load(tail + 8));             // of zero: zero
  h1 ^= scramble1(load(tail));
  h1 ^= total_, h2 ^= total_;
  h1 += h2, h2 += h1;
  h1 = final_mix(h1), h2 = final_mix(h2);
  h1 += h2, h2 += h1;
  return {h1, h2};
}

Hash128 hash_of(std::string_view data) { return Hasher().bytes(data.data(), data.size()).finish(); }

std::string Hash128::hex() const {
  static const char kDigits[] = "0123456789abcdef";
  std::string text(32, '0');
  for (int i = 0; i < 16; i++) {
    text[15 - i] = kDigits[(high >> (4 * i)) & 15];
    text[31 - i] = kDigits[(low >> (4 * i)) & 15];
  }
  return text;
}

bool Hash128::from_hex(std::string_view text, Hash128* out) {
  if (text.size() != 32) return false;
  uint64_t words[2] = {};
  for (int i = 0; i < 32; i++) {
    const char c = text[i];
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) return false;
    words[i / 16] = words[i / 16] << 4 | static_cast<uint64_t>(digit);
  }
  *out = {words[1], words[0]};
  return true;
}

}  // namespace coluber::jit
