// From a relocatable object in memory to code that can be called, by JITLink without the rest of ORC: there is one object, its symbols
// are known, and the memory goes back when the specialisation does.
#pragma once
#include "backends/cpu/cpu.h"

namespace coluber::backend {

// Sets entry, imports and code of *out, or its error. `name`: the entry's, for profilers. debug: gdb is told of the object.
void link_object(const std::string& object, CompiledObject* out, const std::string& name = "coluber_entry", bool debug = false);

}  // namespace coluber::backend
