// What an entry says about itself: enough to judge it (dependencies) and to call it (types, descriptors, imports) without the engine.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "jit/cache/digest.h"
#include "jit/cache/read_log.h"

namespace coluber::jit {

struct Manifest {
  std::string function;                  // qualified name and place, for cache_info() and for people
  std::string signature, result_type;
  std::string descriptors;               // opaque: the host's, what boxing and unboxing need
  std::string entry_symbol = "coluber_entry";   // empty: the function does not compile
  uint32_t mutated = 0;                  // as in clb_result
  std::vector<std::string> imports;      // keys of coluber_imports, handles already replaced by what the host can resolve anew
  std::vector<Read> reads;               // what must still read the same for the entry to hold; the host replays them
  Digest object_digest;                 // of the object before linking: COLUBER_CACHE=check compares it
  bool operator==(const Manifest&) const = default;
};

std::string encode(const Manifest& manifest);
// False when the bytes are not a manifest of this version, to the last byte.
bool decode(std::string_view bytes, Manifest* out);

}  // namespace coluber::jit
