// Tables made of jit/runtime/symbols.def and ir/diag.def.
#include "backends/llvm/runtime_calls.h"

namespace coluber::backend {
namespace {

// The letters and words the rows of symbols.def are written with.
constexpr char v = 'v', i = 'i', s = 's', p = 'p', d = 'd', f = 'f';
constexpr uint32_t Raises = kRtRaises, NoAlias = kRtNoAlias, Cold = kRtCold;

constexpr RuntimeSymbol kSymbols[] = {
#define SYMBOL(name, result, arguments, flags) {#name, result, arguments, flags},
#include "jit/runtime/symbols.def"
};
[[maybe_unused]] constexpr char kLetters[] = {v, i, s, p, d, f};

constexpr const char* kRuntimeDiags[] = {
#define RUNTIME(Id, exception, message) #Id,
#include "ir/diag.def"
};

llvm::Type* letter_type(llvm::LLVMContext& context, char letter) {
  switch (letter) {
    case 'v':
      return llvm::Type::getVoidTy(context);
    case 'i':
      return llvm::Type::getInt64Ty(context);
    case 's':
      return llvm::Type::getInt32Ty(context);
    case 'd':
      return llvm::Type::getDoubleTy(context);
    case 'f':
      return llvm::Type::getFloatTy(context);
    default:
      return llvm::PointerType::getUnqual(context);
  }
}

}  // namespace

const RuntimeSymbol* find_runtime_symbol(llvm::StringRef name) {
  for (const RuntimeSymbol& symbol : kSymbols)
    if (name == symbol.name) return &symbol;
  return nullptr;
}

llvm::FunctionType* runtime_type(llvm::LLVMContext& context, const RuntimeSymbol& symbol) {
  llvm::SmallVector<llvm::Type*, 6> arguments;
  for (const char* a = symbol.arguments; *a; ++a) arguments.push_back(letter_type(context, *a));
  return llvm::FunctionType::get(letter_type(context, symbol.result), arguments, false);
}

int runtime_diag_id(llvm::StringRef name) {
  int id = 0;
  for (const char* row : kRuntimeDiags) {
    if (name == row) return id;
    ++id;
  }
  return -1;
}

}  // namespace coluber::backend
