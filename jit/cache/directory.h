// Where entries live: COLUBER_CACHE_DIR or the user's cache directory, then a private temporary one, then nowhere (memory).
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace coluber::jit {

struct Directory {
  std::string path;              // empty: memory only
  bool writable = false;
  std::vector<std::string> refused;    // "path: reason" of the candidates that were passed over
};

// Never fails: at worst the path is empty. Creates what is missing unless `read_only`.
Directory choose_directory(bool read_only);

struct TrimResult {
  int64_t bytes = 0, entries = 0, removed = 0;
};
// Removes the least recently used entries until the directory holds 4/5 of `limit`, when it holds more than `limit`; and work files that
// a writer who died left behind.
TrimResult trim(const std::string& directory, int64_t limit);

int64_t size_limit();            // bytes: COLUBER_CACHE_SIZE in MB, 512 by default

}  // namespace coluber::jit
