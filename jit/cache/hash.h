// The content hash of the cache: MurmurHash3 (x64, 128 bits), fed piece by piece. It mixes without losing state and runs at several bytes a
// cycle; keys need no protection against an attacker, since only the user may write to the directory. Fields are fed with their length, so
// that ("ab", "c") and ("a", "bc") differ.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace coluber::jit {

struct Hash128 {
  uint64_t low = 0, high = 0;
  bool operator==(const Hash128&) const = default;
  auto operator<=>(const Hash128&) const = default;
  std::string hex() const;                     // 32 digits
  static bool from_hex(std::string_view text, Hash128* out);
};

class Hasher {
 public:
  Hasher& bytes(const void* data, size_t size);            // as they are
  Hasher& field(std::string_view data);                    // length, then the bytes
  Hasher& number(uint64_t value);
  Hasher& hash(Hash128 value);
  Hash128 finish() const;

 private:
  void block(const unsigned char* data);

  uint64_t h1_ = 0, h2_ = 0, total_ = 0;
  unsigned char rest_[16] = {};
  size_t kept_ = 0;                            // bytes in rest_
};

Hash128 hash_of(std::string_view data);

}  // namespace coluber::jit
