// The pipeline of one compilation: from a request to machine code.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "backends/cpu/cpu.h"
#include "ir/passes/report.h"
#include "jit/engine_api.h"
#include "typing/session.h"

namespace coluber::jit {

struct StageTime { std::string stage; double seconds; };

// What came out; kept until the session ends, except for the machine code, which lives until clb_release.
struct Compilation {
  clb_result result{};
  typing::Diag diag;
  std::vector<clb_span> spans;
  std::vector<const char*> keys, arg_types;
  std::vector<clb_stage_time> times;
  std::vector<StageTime> stages;
  std::unique_ptr<typing::Session> session;   // constants of the result live in it
  backend::CompiledObject object;
  std::string return_type;
  std::unique_ptr<ir::Program> program;     // after the last pass
  ir::Report report;
  std::string typed_text;
};

void compile(const clb_host* host, const clb_request& request, Compilation* out);
backend::Options backend_options(const clb_options& options);

}  // namespace coluber::jit
