// How many bytes of machine code a specialisation has.
#pragma once
#include <cstddef>
#include <cstdint>

namespace coluber::jit {

int64_t object_code_size(const uint8_t* object, size_t size);   // a relocatable ELF object, as the engine hands it over
int64_t library_code_size(void* library);                       // a library of the cache, loaded

}  // namespace coluber::jit
