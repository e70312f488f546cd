// Sizes of machine code, from the ELF headers: executable sections of an object, executable segments of a loaded library.
#include "jit/host/code_size.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include <cstring>

namespace coluber::jit {

int64_t object_code_size(const uint8_t* object, size_t size) {
  Elf64_Ehdr header;
  if (!object || size < sizeof header) return 0;
  memcpy(&header, object, sizeof header);
  if (header.e_shentsize != sizeof(Elf64_Shdr) || header.e_shoff > size || header.e_shnum > (size - header.e_shoff) / sizeof(Elf64_Shdr)) return 0;
  int64_t total = 0;
  for (size_t i = 0; i < header.e_shnum; i++) {
    Elf64_Shdr section;
    memcpy(&section, object + header.e_shoff + i * sizeof section, sizeof section);
    if (section.sh_flags & SHF_EXECINSTR) total += static_cast<int64_t>(section.sh_size);
  }
  return total;
}

int64_t library_code_size(void* library) {
  link_map* map = nullptr;
  if (!library || dlinfo(library, RTLD_DI_LINKMAP, &map) != 0 || !map->l_addr) return 0;
  const auto* base = reinterpret_cast<const uint8_t*>(map->l_addr);   // the first segment begins with the file's header
  const auto* header = reinterpret_cast<const Elf64_Ehdr*>(base);
  const auto* segments = reinterpret_cast<const Elf64_Phdr*>(base + header->e_phoff);
  int64_t total = 0;
  for (size_t i = 0; i < header->e_phnum; i++) {
    if (segments[i].p_type == PT_LOAD && (segments[i].p_flags & PF_X)) total += static_cast<int64_t>(segments[i].p_memsz);
  }
  return total;
}

}  // namespace coluber::jit
