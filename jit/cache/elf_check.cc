// The symbol table of an ELF object, every offset checked against the size of the file.
#include "jit/cache/elf_check.h"

#include <elf.h>

#include <cstring>
#include <set>

namespace coluber::jit {
namespace {

template <typename T>
bool load(std::string_view bytes, uint64_t offset, T* out) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return false;
  std::memcpy(out, bytes.data() + offset, sizeof(T));
  return true;
}

bool section_bytes(std::string_view bytes, const Elf64_Shdr& s, std::string_view* out) {
  if (s.sh_offset > bytes.size() || bytes.size() - s.sh_offset < s.sh_size) return false;
  *out = bytes.substr(s.sh_offset, s.sh_size);
  return true;
}

bool read_symbols(std::string_view symbols, std::string_view names, ObjectFacts* out) {
  for (size_t at = sizeof(Elf64_Sym); at + sizeof(Elf64_Sym) <= symbols.size(); at += sizeof(Elf64_Sym)) {
    Elf64_Sym symbol;
    std::memcpy(&symbol, symbols.data() + at, sizeof symbol);
    if (ELF64_ST_TYPE(symbol.st_info) == STT_TLS) out->thread_local_storage = true;
    if (ELF64_ST_BIND(symbol.st_info) == STB_LOCAL) continue;
    if (symbol.st_name >= names.size()) return false;
    const std::string_view rest = names.substr(symbol.st_name);
    const size_t end = rest.find('\0');
    if (end == std::string_view::npos) return false;
    (symbol.st_shndx == SHN_UNDEF ? out->undefined : out->defined).emplace_back(rest.substr(0, end));
  }
  return true;
}

const std::set<std::string_view>& allowed() {
  static const std::set<std::string_view> names = {
#define ALLOWED(name) #name,
#include "jit/cache/allowed_symbols.def"
  };
  return names;
}

}  // namespace

bool is_elf(std::string_view bytes) {
  Elf64_Ehdr header;
  return load(bytes, 0, &header) && !std::memcmp(header.e_ident, ELFMAG, SELFMAG) && header.e_ident[EI_CLASS] == ELFCLASS64 &&
         header.e_ident[EI_DATA] == ELFDATA2LSB;
}

bool read_object(std::string_view bytes, ObjectFacts* out) {
  Elf64_Ehdr header;
  if (!is_elf(bytes) || !load(bytes, 0, &header) || header.e_type != ET_REL) return false;
  for (int i = 0; i < header.e_shnum; i++) {
    Elf64_Shdr section, strings;
    if (!load(bytes, header.e_shoff + static_cast<uint64_t>(i) * sizeof section, &section)) return false;
    if (section.sh_type != SHT_SYMTAB) continue;
    std::string_view symbols, names;
    if (section.sh_link >= header.e_shnum || !load(bytes, header.e_shoff + section.sh_link * sizeof strings, &strings)) return false;
    if (!section_bytes(bytes, section, &symbols) || !section_bytes(bytes, strings, &names) || !read_symbols(symbols, names, out)) return false;
  }
  return true;
}

std::string objection_to_object(std::string_view bytes) {
  ObjectFacts facts;
  if (!read_object(bytes, &facts)) return "not an ELF object";
  if (facts.thread_local_storage) return "thread-local storage";
  for (const std::string& name : facts.undefined)
    if (!allowed().count(name) && name.rfind("_ZGV", 0) != 0) return name;
  return "";
}

}  // namespace coluber::jit
