// The imports of compiled code: from keys (jit/runtime/abi.h) to addresses.
#pragma once
#include <Python.h>

#include <string>

#include "jit/host/dispatcher.h"

namespace coluber::jit {

// Fills table[i] for keys[i]; handles of objects are looked up among living ones and kept alive by spec->held.
// False with a Python error that names the key.
bool fill_imports(Specialization* spec, const char* const* keys, int32_t n, void** table);

}  // namespace coluber::jit
