// Vector functions of our own, written out where they are called: for those that loops call most, where a call and what it spills costs as much as
// the function. The same operations at any number of lanes, and so the same bits.
#pragma once
#include <deque>
#include <map>
#include <tuple>

#include "backends/llvm/module_lowering.h"

namespace coluber::backend {

// The constants of such functions, in memory as whole vectors: an instruction reads its own as an operand. LLVM would keep one number, and spread it over a
// register by an instruction of its own in each turn, since there are more constants than registers. Two functions of one kind with the same argument
// (sine and cosine) have one table, so that LLVM sees what they have in common; others have tables of their own, so that it sees nothing in common
// that it would keep in a register.
class KernelTables {
 public:
  explicit KernelTables(llvm::Module& module) : module_(module) {}

  struct Table {
    llvm::GlobalVariable* place;           // a placeholder until all of it is known
    std::vector<llvm::Constant*> content;
  };
  Table& of(llvm::Value* argument, char kind);
  // Puts the tables into the module.
  void finish();

 private:
  llvm::GlobalVariable* made(llvm::Type* type, llvm::Type* vector, llvm::Constant* content);

  llvm::Module& module_;
  std::map<std::tuple<llvm::Value*, llvm::Type*, char>, size_t> known_;
  std::deque<Table> tables_;
};

// Of float64. Correct for arguments up to the limit in the target's table. Null: there is none for that C function.
llvm::Value* emit_vector_kernel(Builder& b, llvm::StringRef symbol, llvm::Value* x, KernelTables* tables);

}  // namespace coluber::backend
