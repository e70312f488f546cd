// The rows of jit/runtime/symbols.def as the backends see them: C signatures for calls through the import table.
#pragma once
#include "backends/llvm/pch.h"

namespace coluber::backend {

enum RuntimeFlag : uint32_t { kRtRaises = 1, kRtNoAlias = 2, kRtCold = 4 };

struct RuntimeSymbol {
  const char* name;
  char result;            // v i s p d f, see symbols.def
  const char* arguments;  // c i p d f each
  uint32_t flags;

  bool takes_ctx() const { return arguments[0] == 'c'; }
  // Fresh memory that may be null, with the exception then pending in the context.
  bool null_is_error() const { return result == 'p' && (flags & kRtNoAlias) && takes_ctx(); }
};

const RuntimeSymbol* find_runtime_symbol(llvm::StringRef name);
llvm::FunctionType* runtime_type(llvm::LLVMContext& context, const RuntimeSymbol& symbol);

// Id of a RUNTIME row of ir/diag.def: its position; -1: no such row.
int runtime_diag_id(llvm::StringRef name);

}  // namespace coluber::backend
