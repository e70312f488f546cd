// The interface between the engine's driver and what makes code for one kind of machine. A backend is a folder with one class that
// implements Target; the common lowering (backends/llvm) asks it what it needs to know and hands it the module. LLVM is only named here,
// never included, so that the driver may include this header.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ir/function.h"

namespace llvm {
class Module;
template <typename T>
class SmallVectorImpl;
}  // namespace llvm

namespace coluber::backend {

// Bits of Options::fastmath, as in clb_options.
enum FastMath : uint32_t { kNnan = 1, kNinf = 2, kNsz = 4, kArcp = 8, kContract = 16, kAfn = 32, kReassoc = 64 };

struct Options {
  uint32_t fastmath = 0;   // floating-point liberties of the whole program
  int opt_level = 3;       // 0: no LLVM passes but those that are needed; 1 and 2: without vectorisation; 3: all
  bool slp = false;        // the SLP vectoriser: measured to do harm more often than good
  int vector_width = 0;    // bits; 0: what the target prefers
  bool verify = false;     // run LLVM's verifier before and after the pipeline
  int debug = 0;           // 1: line tables (for listings); 2: lines and variables, nothing optimised (for debuggers)
  bool keep_llvm = false;  // keep the optimised module's text
  bool keep_asm = false;   // keep the assembly text
  bool keep_listing = false;  // keep the code by line and LLVM's remarks; wants debug 1
};

// One line of LLVM IR or assembly, and the line of Python it was made for. line 0: none.
struct ListedLine {
  std::string file;
  uint32_t line;
  std::string text;
};
// What an optimisation says of a place. kind: "passed", "missed" (with the reason) or "analysis".
struct Remark {
  std::string file;
  uint32_t line, col;
  std::string kind, pass, text;
};
struct Listing {
  std::vector<ListedLine> llvm, assembly;
  std::vector<Remark> remarks;
};

struct StageTime {
  const char* stage;
  double seconds;
};

// The vector functions that stand in for a C function: names for the import key vec:NAME, by number of lanes. One lane is an ordinary function
// of the same results. An empty name: llvm/vector_kernels.h. Arguments whose magnitude is beyond `limit` (unless it is 0) are the C function's.
struct VectorMath {
  std::map<int, std::string> functions;
  double limit = 0;
};

class Target {
 public:
  virtual ~Target() = default;
  virtual const char* triple() const = 0;
  virtual const char* data_layout() const = 0;
  // Whether the target can carry out this op; what it cannot is an error that names the op.
  virtual bool supports(const ir::Op& op) const = 0;
  // Whether a fused multiply-add is one instruction: exact algorithms that need one are written with it then.
  virtual bool has_fma() const = 0;
  // The C symbol that stands for a row of intrinsics.def on this target ("sin" -> "sin", "__nv_sin", ...); empty: none.
  virtual std::string lower_intrinsic(const char* symbol, bool single) const = 0;
  // What vectorised loops call instead of that C function; nothing where they call it for each element.
  virtual VectorMath vector_math(const std::string&, bool, size_t, const Options&) { return {}; }
  // Bitcode to be linked in before optimisation (device libraries); empty: none.
  virtual std::string extra_bitcode() const { return {}; }
  // Optimises the module in place.
  virtual void run_pipeline(llvm::Module& module, const Options& options) = 0;
  // Makes machine code (text: its assembly). Returns false and says why in *error when it cannot.
  virtual bool emit(llvm::Module& module, bool text, llvm::SmallVectorImpl<char>* out, std::string* error) = 0;
};

}  // namespace coluber::backend
