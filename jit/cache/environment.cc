// Identity of processor and builds.
#include "jit/cache/environment.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace coluber::jit {
namespace {

constexpr uint64_t kFormat = 1;                // of keys and entries: one more makes all that is stored unknown

std::string hex(const unsigned char* data, size_t size) {
  std::string text;
  char pair[3];
  for (size_t i = 0; i < size; i++) {
    std::snprintf(pair, sizeof pair, "%02x", data[i]);
    text += pair;
  }
  return text;
}

#if defined(__x86_64__)
void leaf(std::string* out, unsigned number, unsigned sub, const unsigned (&mask)[4]) {
  unsigned r[4] = {};
  if (!__get_cpuid_count(number, sub, &r[0], &r[1], &r[2], &r[3])) return;
  char text[64];
  std::snprintf(text, sizeof text, "-%x.%x:%x,%x,%x,%x", number, sub, r[0] & mask[0], r[1] & mask[1], r[2] & mask[2], r[3] & mask[3]);
  *out += text;
}
#endif

std::string build_id_in(std::string_view notes) {
  while (notes.size() >= sizeof(Elf64_Nhdr)) {
    Elf64_Nhdr n;
    std::memcpy(&n, notes.data(), sizeof n);
    const size_t name = sizeof n, desc = name + ((n.n_namesz + 3) & ~3u), next = desc + ((n.n_descsz + 3) & ~3u);
    if (next > notes.size() || next < desc) return "";
    if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == 4 && !std::memcmp(notes.data() + name, "GNU", 4))
      return hex(reinterpret_cast<const unsigned char*>(notes.data()) + desc, n.n_descsz);
    notes.remove_prefix(next);
  }
  return "";
}

}  // namespace

std::string cpu_identity() {
#if defined(__x86_64__)
  constexpr unsigned kAll = ~0u;
  std::string text = "x86_64";
  leaf(&text, 0, 0, {kAll, kAll, kAll, kAll});                 // vendor
  leaf(&text, 1, 0, {kAll, 0x0000ff00, ~(1u << 27), kAll});    // model, features; not: this core's number, OSXSAVE
  leaf(&text, 7, 0, {kAll, kAll, kAll, kAll});
  leaf(&text, 7, 1, {kAll, kAll, kAll, kAll});
  leaf(&text, 0x80000001, 0, {0, 0, kAll, kAll});
  unsigned low = 0, high = 0, r[4];
  if (__get_cpuid(1, &r[0], &r[1], &r[2], &r[3]) && (r[2] & bit_OSXSAVE)) __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return text + "-xcr0:" + std::to_string(low);                // what the kernel lets us use
#else
  utsname name;
  return uname(&name) ? "unknown" : name.machine;
#endif
}

std::string build_id_of(const std::string& shared_object) {
  const int fd = open(shared_object.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return "";
  std::string id;
  Elf64_Ehdr header;
  if (pread(fd, &header, sizeof header, 0) == static_cast<ssize_t>(sizeof header) && !std::memcmp(header.e_ident, ELFMAG, SELFMAG)) {
    for (int i = 0; i < header.e_phnum && id.empty(); i++) {
      Elf64_Phdr segment;
      const off_t at = static_cast<off_t>(header.e_phoff) + i * static_cast<off_t>(sizeof segment);
      if (pread(fd, &segment, sizeof segment, at) != static_cast<ssize_t>(sizeof segment)) break;
      if (segment.p_type != PT_NOTE || segment.p_filesz > 65536) continue;
      std::string notes(segment.p_filesz, '\0');
      if (pread(fd, notes.data(), notes.size(), static_cast<off_t>(segment.p_offset)) == static_cast<ssize_t>(notes.size()))
        id = build_id_in(notes);
    }
  }
  close(fd);
  return id;
}

Digest environment_digest(const std::string& engine, const std::string& extension, const std::string& python, const std::string& numpy) {
  return Hasher().number(kFormat).text(build_id_of(engine)).text(extension).text(python).text(numpy).text(cpu_identity()).finish();
}

}  // namespace coluber::jit
