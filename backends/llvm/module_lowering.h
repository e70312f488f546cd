// Lowering of a whole program to one LLVM module, and the services its functions share: imports, traceback frames, strings, alias metadata.
#pragma once
#include "backends/llvm/debug_info.h"
#include "backends/llvm/pch.h"
#include "backends/llvm/runtime_calls.h"
#include "backends/llvm/slots.h"
#include "backends/target.h"
#include "ir/function.h"
#include "jit/runtime/abi.h"

namespace coluber::backend {

using Builder = llvm::IRBuilder<>;

// Names of the exported symbols of an object (see jit/runtime/abi.h).
inline constexpr char kEntrySymbol[] = "coluber_entry";
inline constexpr char kImportsSymbol[] = "coluber_imports";
inline constexpr char kImportKeysSymbol[] = "coluber_import_keys";

// Which memory an access may touch. Elements of arrays and lists are one class whatever their dtype: two arguments may be views of the
// same memory under different dtypes, and a wrong answer would be the price of telling them apart.
// Independent: elements in a loop whose rounds do not depend on one another. List: a header too, of a list, which some calls leave alone.
enum class Memory : uint8_t { Anything, Element, Independent, Header, List, Context };

struct LoweredProgram {
  std::vector<std::string> import_keys;
  std::string error;  // empty: done
};

// Makes the table that the host fills in, and the list of its keys, in the place of those of an earlier call; its users become those of the new
// one. Null: there are no keys.
llvm::GlobalVariable* make_import_table(llvm::Module& module, const std::vector<std::string>& keys);

class ModuleLowering {
 public:
  ModuleLowering(llvm::Module& module, const ir::Program& program, Target& target, const Options& options);
  LoweredProgram run();

  llvm::LLVMContext& context() { return context_; }
  llvm::Module& module() { return module_; }
  Target& target() { return target_; }
  const Options& options() const { return options_; }
  SlotTable& slots() { return slots_; }
  DebugInfo* debug() { return debug_.get(); }                       // null: none is wanted
  llvm::FastMathFlags fast_math() const { return fast_math_; }

  // A function of this program; null after reporting that there is none.
  llvm::Function* function(const std::string& name, const ir::Function** ir);
  // The address that the host filled in for `key`.
  llvm::Value* import(Builder& b, const std::string& key);
  // Calls a row of symbols.def; `arguments` includes the context where the row has one.
  llvm::CallInst* call_runtime(Builder& b, const char* name, llvm::ArrayRef<llvm::Value*> arguments);
  // Says of a call that it touches no list's length, capacity or address of items.
  void leaves_lists(llvm::CallInst* call);
  // A C function that LLVM itself may also name, called directly (libm): free of side effects.
  llvm::FunctionCallee pure_function(llvm::StringRef name, llvm::FunctionType* type);
  // void f(owner or null): gives a reference back, out of line.
  llvm::Function* cold_release();
  void emit_release(Builder& b, llvm::Value* owner);  // the same in line
  // Bytes of `text` as a constant; equal texts share it.
  llvm::Constant* string(const std::string& text);
  // A struct of these fields, of 8 bytes each, in the module's data.
  llvm::Constant* record(llvm::ArrayRef<llvm::Constant*> fields);
  // Index of the traceback frame for a location of `fn`, frames of callers it was inlined into behind it, up to (and with) scope
  // `until`; kNoFrame when `skip` leaves none.
  static constexpr int32_t kNoFrame = -1;
  int32_t frame(const ir::Function& fn, uint32_t loc, uint32_t until_scope, bool skip_first);
  // What coluber_traceback reads them from.
  llvm::Value* frame_rows() { return frame_table_; }
  llvm::Value* frame_text() { return frame_text_; }

  llvm::Instruction* tag(llvm::Instruction* access, Memory memory);
  llvm::MDNode* unlikely_false() const { return unlikely_false_; }  // weights of a branch that is nearly always true
  llvm::MDNode* unlikely_true() const { return unlikely_true_; }
  llvm::MDNode* independent() const { return independent_; }        // the access group of Memory::Independent
  // Says that the program cannot be lowered (a bug of an earlier stage). Lowering goes on with poison; the first message wins.
  void fail(const std::string& message) {
    if (error_.empty()) error_ = message;
  }

 private:
  struct Frame {
    int32_t name, file, line, col, parent;
  };

  void declare(const ir::Function& fn, bool by_cells);
  void emit_entry_wrapper(const ir::Function& fn);
  void emit_frame_table();
  void emit_import_table(LoweredProgram* result);
  int32_t intern_frame(const Frame& frame);
  int32_t intern_text(const std::string& text);
  const ir::Function* find_exported();
  bool is_called(const std::string& name) const;

  llvm::LLVMContext& context_;
  llvm::Module& module_;
  const ir::Program& program_;
  Target& target_;
  const Options options_;
  SlotTable slots_;
  llvm::FastMathFlags fast_math_;
  std::unique_ptr<DebugInfo> debug_;
  std::string error_;
  llvm::StringMap<std::pair<llvm::Function*, const ir::Function*>> functions_;
  std::vector<std::string> import_keys_;
  llvm::StringMap<int> import_index_;
  llvm::GlobalVariable* imports_ = nullptr;      // placeholder until their number is known
  llvm::GlobalVariable* frame_table_ = nullptr;  // likewise
  llvm::GlobalVariable* frame_text_ = nullptr;
  std::vector<Frame> frames_;
  std::map<std::vector<int32_t>, int32_t> frame_index_;
  std::string text_;  // NUL-terminated names and files
  llvm::StringMap<int32_t> text_index_;
  llvm::StringMap<llvm::Constant*> strings_;
  llvm::MDNode *element_tag_, *header_tag_, *lists_, *context_tag_, *unlikely_false_, *unlikely_true_, *independent_;
  llvm::AttributeList cold_call_, plain_call_;
  llvm::Function* cold_release_ = nullptr;
};

}  // namespace coluber::backend
