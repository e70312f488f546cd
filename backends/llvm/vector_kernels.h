// Vector functions of our own, written out where they are called: for those that loops call most, where a call and what it spills costs as much as
// the function. The same operations at any number of lanes, and so the same bits.
#pragma once
#include "backends/llvm/module_lowering.h"

namespace coluber::backend {

// Of float64. Correct for arguments up to the limit in the target's table. Null: there is none for that C function.
llvm::Value* emit_vector_kernel(Builder& b, llvm::StringRef symbol, llvm::Value* x);

}  // namespace coluber::backend
