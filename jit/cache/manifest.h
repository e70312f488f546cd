// What an entry says about itself: enough to judge it (dependencies) and to call it (types, descriptors, imports) without the engine.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "jit/cache/hash.h"

namespace coluber::jit {

// One read of the compilation: a global, a closure cell, an attribute, a callee, by name and by content. The host computes the digest anew
// at a look-up; `path` is how it finds the value again (its own notation), `digest` what it was.
struct Dependency {
  std::string path;
  Hash128 digest;
  bool operator==(const Dependency&) const = default;
};

struct Manifest {
  std::string function;                  // qualified name and place, for cache_info() and for people
  std::string signature, result_type;
  std::string descriptors;               // opaque: the host's, what boxing and unboxing need
  std::string entry_symbol = "coluber_entry";
  uint32_t mutated = 0;                  // as in clb_result
  std::vector<std::string> imports;      // keys of coluber_imports, handles already replaced by what the host can resolve anew
  std::vector<Dependency> dependencies;
  Hash128 object_digest;                 // of the object before linking: COLUBER_CACHE=check compares it
  bool operator==(const Manifest&) const = default;
};

std::string encode(const Manifest& manifest);
// False when the bytes are not a manifest of this version, to the last byte.
bool decode(std::string_view bytes, Manifest* out);

}  // namespace coluber::jit
