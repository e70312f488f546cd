// The CPU backend as the driver sees it: a typed program in, callable machine code and the object file it came from out. No LLVM here.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backends/target.h"
#include "ir/function.h"
#include "jit/runtime/abi.h"

namespace coluber::backend {

// Owns machine code in memory; gives it back when destroyed.
class MachineCode {
 public:
  virtual ~MachineCode() = default;
};

struct CompiledObject {
  std::string error;              // empty: everything below is there. Otherwise a bug of ours, in words
  coluber_entry entry = nullptr;  // may be called once the imports are filled in
  void** imports = nullptr;       // import_keys.size() entries
  std::vector<std::string> import_keys;
  std::string object;  // the relocatable ELF object, position independent
  std::unique_ptr<MachineCode> code;
  std::string llvm_text, asm_text;  // on request
  Listing listing;                  // on request
  std::vector<StageTime> times;     // build, optimise, codegen, link
};

// Compiles all of `program`; one function in it is exported. May be called from several threads at once.
CompiledObject compile_program(const ir::Program& program, const Options& options = {});

// Loads an object made by compile_program (here or in another process of the same build): only entry, imports and code are set.
CompiledObject load_object(const std::string& object);

// Name and features of the host's processor as code is made for it; part of the cache's key.
const std::string& cpu_text();

// Undefined symbols an object may have besides its imports: C library names that LLVM makes calls to by itself.
bool is_process_symbol(const std::string& name);

// Does ahead of time what the first compilation would do: targets, options, one worker. Optional; used to measure start-up.
void warm_up();

}  // namespace coluber::backend
