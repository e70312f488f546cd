// The code of a module by lines of Python, and what LLVM's optimisations say of them: what `annotate` shows.
#pragma once
#include <functional>

#include "backends/llvm/pch.h"
#include "backends/target.h"

namespace coluber::backend {

// From now on the context's remarks go to *listing.
void collect_remarks(llvm::LLVMContext& context, Listing* listing);

// Lists the instructions of the optimised module and of its assembly, which `assemble` makes.
void list_lines(llvm::Module& module, const std::function<std::string(const llvm::Module&)>& assemble, Listing* listing);

}  // namespace coluber::backend
