// The files of the cache. An entry is one file, so that it appears and disappears as a whole:
//
//   ELF shared object | manifest | Trailer
//
// A loader reads an ELF file by its headers and does not mind what follows. A job for the linker is the same with an ELF object in front
// (the linker does not mind either) and the entry's future name behind the manifest.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "jit/cache/digest.h"
#include "jit/cache/outcome.h"

namespace coluber::jit {

struct Trailer {
  char magic[8];                 // "CLBENTR1"
  uint64_t elf_size, manifest_size, name_size;
  Digest key;
  Digest checksum;              // of all before the trailer, and of the key
};

struct EntryBytes {
  std::string all;               // owns what the views look at
  std::string_view elf, manifest, name;
  Digest key;
};

std::string pack(std::string_view elf, std::string_view manifest, std::string_view name, Digest key);

// Reads and checks a whole file. `recent`: mark the file as used now (when it was not lately), for the eviction of the least recently used.
Outcome read_file(const std::string& path, bool touch, EntryBytes* out);

// Writes a new file under a name nobody knows yet. 0 or errno.
int write_file(const std::string& path, std::string_view bytes, int mode);

// <key>-<variant>.so in a folder named by the key's first two digits, relative to the cache directory. Entries of one key that differ in
// their dependencies lie side by side; one name always has the same content (the loader of the process remembers names).
std::string entry_folder(Digest key);
std::string entry_name(Digest key, Digest content);

}  // namespace coluber::jit
