// Functions of thousands of blocks, divided into parts that the optimiser takes one by one.
#pragma once
#include "backends/llvm/pch.h"

namespace coluber::backend {

// Marks the parts of what was divided, and what is left of it.
inline constexpr char kPartAttribute[] = "coluber-part";

// Divides the large functions of a module. The other ones stay as they are.
void split_large_functions(llvm::Module& module);

}  // namespace coluber::backend
