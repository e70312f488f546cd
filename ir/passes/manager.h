// Runs passes by name over a program.
#pragma once
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/function.h"
#include "ir/passes/report.h"

namespace coluber::ir {

enum class PassId : uint8_t {
#define PASS(Enum, id, level, text) Enum,
#include "ir/passes/passes.def"
};

struct PassOptions {
  uint32_t inline_max_ops = 40;            // larger functions are inlined only when always_inline
  uint32_t inline_max_once = 400;          // ... or when one place calls them, and they are no larger than this
  uint32_t inline_max_caller = 20'000;     // ... and only into functions below that many ops
  bool verify = verify_by_default();       // after each pass: in debug builds, and with COLUBER_VERIFY=1
  // Called after each pass, e.g. to dump the program or to note the time.
  std::function<void(PassId, const Program&, double seconds)> after;

  bool unproved_is_error = false;          // parallel: stores of which it is not known whether rounds collide
  Report* report = nullptr;                // filled in, where there is one

  static bool verify_by_default();
};

struct PassInfo {
  const char* name;
  const char* text;
};
const PassInfo& info(PassId pass);
bool pass_from_name(std::string_view name, PassId* out);

// "cleanup,inline,refcount". On failure false, and *error names what is no pass.
bool parse_passes(std::string_view list, std::vector<PassId>* out, std::string* error);

// Runs the passes in order. Empty when all went well; else what the verifier found, and after which pass: an internal error.
std::string run_passes(Program& program, std::span<const PassId> passes, const PassOptions& options = {});

// The passes themselves. Each needs sound typed IR and leaves such; cleanup takes untyped IR too.
#define PASS_Function(id) void run_##id(Function& f, const PassOptions& options);
#define PASS_Program(id) void run_##id(Program& p, const PassOptions& options);
#define PASS(Enum, id, level, text) PASS_##level(id)
#include "ir/passes/passes.def"
#undef PASS_Function
#undef PASS_Program

}  // namespace coluber::ir
