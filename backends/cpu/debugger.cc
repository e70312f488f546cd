// gdb's JIT interface (its manual, "JIT Compilation Interface"): a list of object files that it reads from this process's memory when the
// function with the agreed name is called. The objects are relocatable ones whose section headers carry the addresses; gdb relocates their
// debug sections itself.
#include "backends/cpu/debugger.h"

#include <elf.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>

extern "C" {
struct jit_code_entry {
  jit_code_entry *next_entry, *prev_entry;
  const char* symfile_addr;
  uint64_t symfile_size;
};
struct jit_descriptor {
  uint32_t version, action_flag;
  jit_code_entry *relevant_entry, *first_entry;
};
enum { kNoAction = 0, kRegister = 1, kUnregister = 2 };

// gdb looks these two up by name in the engine and sets a breakpoint in the function.
__attribute__((visibility("default"), used)) jit_descriptor __jit_debug_descriptor = {1, kNoAction, nullptr, nullptr};
__attribute__((visibility("default"), used, noinline)) void __jit_debug_register_code() { asm volatile("" ::: "memory"); }
}

namespace coluber::backend {
namespace {

std::mutex& lock() {
  static auto* m = new std::mutex;             // threads may still unload code while the process ends
  return *m;
}

void place_sections(std::string* object, const std::vector<LoadedRange>& sections) {
  if (object->size() < sizeof(Elf64_Ehdr)) return;
  auto* header = reinterpret_cast<Elf64_Ehdr*>(object->data());
  if (header->e_shoff + uint64_t{header->e_shnum} * sizeof(Elf64_Shdr) > object->size() || header->e_shstrndx >= header->e_shnum) return;
  auto* table = reinterpret_cast<Elf64_Shdr*>(object->data() + header->e_shoff);
  const char* names = object->data() + table[header->e_shstrndx].sh_offset;
  for (int k = 0; k < header->e_shnum; ++k)
    for (const LoadedRange& s : sections)
      if ((table[k].sh_flags & SHF_ALLOC) && s.name == names + table[k].sh_name) table[k].sh_addr = s.start;
}

void announce(jit_code_entry* entry, uint32_t action) {
  __jit_debug_descriptor.relevant_entry = entry;
  __jit_debug_descriptor.action_flag = action;
  __jit_debug_register_code();
}

}  // namespace

struct GdbEntry::Node {
  std::string object;
  jit_code_entry entry{};
};

GdbEntry::GdbEntry(std::string object, const std::vector<LoadedRange>& sections) : node_(std::make_unique<Node>()) {
  place_sections(&object, sections);
  node_->object = std::move(object);
  jit_code_entry& e = node_->entry;
  e.symfile_addr = node_->object.data();
  e.symfile_size = node_->object.size();
  std::lock_guard guard(lock());
  e.next_entry = __jit_debug_descriptor.first_entry;
  if (e.next_entry) e.next_entry->prev_entry = &e;
  __jit_debug_descriptor.first_entry = &e;
  announce(&e, kRegister);
}

GdbEntry::~GdbEntry() {
  std::lock_guard guard(lock());
  jit_code_entry& e = node_->entry;
  if (e.prev_entry) e.prev_entry->next_entry = e.next_entry;
  else __jit_debug_descriptor.first_entry = e.next_entry;
  if (e.next_entry) e.next_entry->prev_entry = e.prev_entry;
  announce(&e, kUnregister);
}

bool wants_perf_map() {
  static const bool wanted = [] {
    const char* text = std::getenv("COLUBER_PERF");
    return text && *text && std::strcmp(text, "0") != 0;
  }();
  return wanted;
}

void add_to_perf_map(const std::vector<LoadedRange>& functions) {
  char path[64];
  std::snprintf(path, sizeof path, "/tmp/perf-%d.map", static_cast<int>(getpid()));   // the place is perf's
  std::lock_guard guard(lock());
  std::FILE* out = std::fopen(path, "a");
  if (!out) return;                            // a profiler's help only: no reason to fail a compilation
  for (const LoadedRange& f : functions) std::fprintf(out, "%lx %lx %s\n", static_cast<unsigned long>(f.start), static_cast<unsigned long>(f.size), f.name.c_str());
  std::fclose(out);
}

}  // namespace coluber::backend
