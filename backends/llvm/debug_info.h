// DWARF for the functions of a program: which line of Python an instruction comes from, and where a debugger finds the variables.
//   kLines      line tables only: for listings of the code by line, and for LLVM's remarks
//   kVariables  lines and variables: for the option debug=True, without optimisation
#pragma once
#include "backends/llvm/pch.h"
#include "ir/function.h"

#include <llvm/IR/DIBuilder.h>

namespace coluber::backend {

enum class DebugLevel : int { None = 0, Lines = 1, Variables = 2 };

// Whether a place is in coluber's own library in Python.
bool is_library_place(const llvm::DILocation* place);

class DebugInfo {
 public:
  DebugInfo(llvm::Module& module, DebugLevel level);
  DebugLevel level() const { return level_; }

  void attach(const ir::Function& fn, llvm::Function* f);
  // The place of an op; functions it was inlined from are told by inlinedAt.
  llvm::DILocation* location(const ir::Function& fn, uint32_t loc);
  // Variable `name` of the function that `loc` is in lies at `memory`, as FunctionLowering::store_value puts it there.
  void declare(const ir::Function& fn, uint32_t loc, const std::string& name, ir::TypeRef type, llvm::AllocaInst* memory, llvm::Instruction* before);
  void finish() { builder_.finalize(); }

 private:
  llvm::DISubprogram* subprogram(const ir::Function& fn, uint32_t scope);
  llvm::DIFile* file(const std::string& path);
  llvm::DIType* type_of(ir::TypeRef type);
  llvm::DIType* number(ir::TypeRef type);
  llvm::DIType* structure(const std::string& name, const std::vector<std::pair<std::string, llvm::DIType*>>& members);
  llvm::DIType* array_struct(ir::TypeRef type);

  DebugLevel level_;
  llvm::DIBuilder builder_;
  llvm::DICompileUnit* unit_ = nullptr;
  llvm::StringMap<llvm::DIFile*> files_;
  llvm::DenseMap<ir::TypeRef, llvm::DIType*> types_;
  std::map<std::pair<const ir::Function*, uint32_t>, llvm::DISubprogram*> subprograms_;
  std::map<std::pair<const ir::Function*, uint32_t>, llvm::DILocation*> locations_;
};

}  // namespace coluber::backend
