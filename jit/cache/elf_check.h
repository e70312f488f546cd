// What an object file needs from outside, read without LLVM.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace coluber::jit {

struct ObjectFacts {
  std::vector<std::string> undefined, defined;     // global symbols
  bool thread_local_storage = false;
};
// False when it is not a well-formed 64-bit little-endian ELF object.
bool read_object(std::string_view bytes, ObjectFacts* out);

// Empty when the object may be stored, else what stands against it.
std::string objection_to_object(std::string_view bytes);

bool is_elf(std::string_view bytes);

}  // namespace coluber::jit
