// clb_link: ld.lld as a C function of the engine, for the link helper.
#include <cstring>
#include <string>
#include <vector>

#include "lld/Common/CommonLinkerContext.h"
#include "lld/Common/Driver.h"
#include "lld/Common/ErrorHandler.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Passes/PassPlugin.h"
#include "llvm/Support/raw_ostream.h"

// LLVM was built with Polly as an extension of its link-time optimiser. Nothing here runs that optimiser.
llvm::PassPluginLibraryInfo getPollyPluginInfo() {
  return {LLVM_PLUGIN_API_VERSION, "Polly", "absent", [](llvm::PassBuilder&) {}};
}

// lld's link-time optimiser would draw in all of LLVM's passes, a quarter of the engine. Our objects are machine code: that its parts are
// found here keeps theirs in the archives. The classes are lld's own; only the names of their members matter to the linker.
namespace lld::elf {
class InputFile;
class BitcodeFile;
class BitcodeCompiler {
 public:
  BitcodeCompiler();
  ~BitcodeCompiler();
  void add(BitcodeFile& file);
  std::vector<InputFile*> compile();
};
BitcodeCompiler::BitcodeCompiler() = default;   // made for each link; compile() is asked even when nothing was added
BitcodeCompiler::~BitcodeCompiler() = default;
void BitcodeCompiler::add(BitcodeFile&) { lld::fatal("bitcode cannot be linked"); }
std::vector<InputFile*> BitcodeCompiler::compile() { return {}; }
}  // namespace lld::elf

LLD_HAS_DRIVER(elf)

extern "C" {
// What lld would call for the targets that are not here.
#define ABSENT_NO_PARSER(name)               \
  void LLVMInitialize##name##TargetInfo() {} \
  void LLVMInitialize##name##Target() {}     \
  void LLVMInitialize##name##TargetMC() {}   \
  void LLVMInitialize##name##AsmPrinter() {}
#define ABSENT(name)     \
  ABSENT_NO_PARSER(name) \
  void LLVMInitialize##name##AsmParser() {}
#include "backends/link/absent_targets.def"

// Links by the arguments of ld.lld (argv[0] included). 0: done; else lld's messages are in `message`, cut to `size`.
__attribute__((visibility("default"))) int clb_link(int argc, const char* const* argv, char* message, size_t size) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  const bool done = lld::elf::link(llvm::ArrayRef(argv, argc), stream, stream, /*exitEarly=*/false, /*disableOutput=*/false);
  lld::CommonLinkerContext::destroy();
  stream.flush();
  if (size) {
    const size_t kept = text.size() < size ? text.size() : size - 1;
    std::memcpy(message, text.data(), kept);
    message[kept] = 0;
  }
  return done ? 0 : 1;
}
}
