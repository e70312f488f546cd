// The pass manager: a table of passes and the loop that runs, verifies and reports them.
#include "ir/passes/manager.h"

#include <chrono>
#include <cstdlib>
#include <cstring>

namespace coluber::ir {
namespace {

struct Row {
  PassInfo info;
  void (*run)(Program&, const PassOptions&);
};

#define PASS_Function(id) \
  [](Program& p, const PassOptions& o) { for (auto& f : p.functions) run_##id(*f, o); }
#define PASS_Program(id) [](Program& p, const PassOptions& o) { run_##id(p, o); }
constexpr Row kPasses[] = {
#define PASS(Enum, id, level, text) {{#id, text}, PASS_##level(id)},
#include "ir/passes/passes.def"
};
#undef PASS_Function
#undef PASS_Program

std::string verify_program(const Program& p) {
  for (const auto& f : p.functions) {
    std::string why = verify(*f, &p);
    if (!why.empty()) return why;
  }
  return {};
}

}  // namespace

bool PassOptions::verify_by_default() {
  if (const char* set = std::getenv("COLUBER_VERIFY")) return std::strcmp(set, "0") != 0 && *set != '\0';
#ifdef __OPTIMIZE__
  return false;
#else
  return true;
#endif
}

const PassInfo& info(PassId pass) { return kPasses[static_cast<size_t>(pass)].info; }

bool pass_from_name(std::string_view name, PassId* out) {
  for (size_t i = 0; i < sizeof(kPasses) / sizeof(kPasses[0]); ++i)
    if (name == kPasses[i].info.name) {
      *out = static_cast<PassId>(i);
      return true;
    }
  return false;
}

bool parse_passes(std::string_view list, std::vector<PassId>* out, std::string* error) {
  while (!list.empty()) {
    size_t comma = list.find(',');
    std::string_view name = list.substr(0, comma);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    while (!name.empty() && name.front() == ' ') name.remove_prefix(1);
    while (!name.empty() && name.back() == ' ') name.remove_suffix(1);
    if (name.empty()) continue;
    PassId pass;
    if (!pass_from_name(name, &pass)) {
      *error = "no such pass: " + std::string(name);
      return false;
    }
    out->push_back(pass);
  }
  return true;
}

std::string run_passes(Program& program, std::span<const PassId> passes, const PassOptions& options) {
  if (options.verify) {
    std::string why = verify_program(program);
    if (!why.empty()) return "before the first pass: " + why;
  }
  for (PassId pass : passes) {
    auto start = std::chrono::steady_clock::now();
    kPasses[static_cast<size_t>(pass)].run(program, options);
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    if (options.after) options.after(pass, program, took.count());
    if (!options.verify) continue;
    std::string why = verify_program(program);
    if (!why.empty()) return std::string("after pass ") + info(pass).name + ": " + why;
  }
  return {};
}

}  // namespace coluber::ir
