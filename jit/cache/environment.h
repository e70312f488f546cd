// What every key contains besides the function: the machine and the builds. Known without loading the engine.
#pragma once
#include <string>

#include "jit/cache/digest.h"

namespace coluber::jit {

// Vendor, model and feature bits of the processor, as text. Two machines with the same text run the same code.
std::string cpu_identity();

// The build id of a shared object (the ELF note that the linker writes), in hexadecimal; empty when there is none.
std::string build_id_of(const std::string& shared_object);

// `python` and `numpy` are version texts; `extension` anything that tells builds of the extension apart.
Digest environment_digest(const std::string& engine, const std::string& extension, const std::string& python, const std::string& numpy);

}  // namespace coluber::jit
