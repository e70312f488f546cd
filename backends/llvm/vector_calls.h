// Calls of math functions in loops, before and after the vectoriser.
//
// LLVM takes apart a vector call of a function it knows (sin), so such a call gets a name that LLVM does not know, with the vector
// functions that may stand in for it named in the attribute "vector-function-abi-variant". What is behind the names is settled when LLVM is
// done: a loop of which any copy was vectorised takes the vector functions' algorithm in all of its copies and remainders, lane by lane the
// same; any other loop calls the C library, as if nothing had been.
#pragma once
#include "backends/llvm/pch.h"
#include "backends/target.h"

namespace coluber::backend {

// Declares what stands for a call of the C function `symbol` in loop `loop`, with vector functions of these numbers of lanes.
llvm::Function* declare_vector_math(llvm::Module& module, llvm::StringRef symbol, llvm::FunctionType* type, int64_t loop,
                                    llvm::ArrayRef<int> lanes);

// Puts real functions behind the declarations, after optimisation. Vector functions are called through the table of imports, which grows.
void bind_vector_math(llvm::Module& module, Target& target, const Options& options, std::vector<std::string>* import_keys);

// Free of side effects, of errors, and ends: may be moved and run where it was not asked for.
void mark_pure(llvm::Function* f);

}  // namespace coluber::backend
