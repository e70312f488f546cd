// Compiles typed IR from a file for the host and reports what each stage took; a tool for working on the backend.
//   coluber-compile [--llvm] [--asm] [--slp] [--width=256] [--level=3] [--fastmath=BITS] [--repeat=20] file.cir
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>

#include "backends/cpu/cpu.h"

namespace {

using coluber::backend::CompiledObject;
using coluber::backend::Options;

struct Arguments {
  Options options;
  int repeat = 20;
  const char* file = nullptr;
};

bool parse(int argc, char** argv, Arguments* a) {
  for (int k = 1; k < argc; ++k) {
    std::string s = argv[k];
    auto number = [&](const char* prefix, auto* out) {
      if (s.rfind(prefix, 0) != 0) return false;
      *out = std::atoi(s.c_str() + std::strlen(prefix));
      return true;
    };
    if (s == "--llvm")
      a->options.keep_llvm = true;
    else if (s == "--asm")
      a->options.keep_asm = true;
    else if (s == "--slp")
      a->options.slp = true;
    else if (number("--width=", &a->options.vector_width) || number("--level=", &a->options.opt_level) ||
             number("--fastmath=", &a->options.fastmath) || number("--repeat=", &a->repeat))
      continue;
    else if (s[0] != '-')
      a->file = argv[k];
    else
      return false;
  }
  return a->file != nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments a;
  if (!parse(argc, argv, &a)) {
    std::fprintf(stderr, "usage: coluber-compile [--llvm] [--asm] [--slp] [--width=N] [--level=N] [--fastmath=N] [--repeat=N] file\n");
    return 2;
  }
  std::ifstream in(a.file);
  std::stringstream text;
  text << in.rdbuf();
  std::string error;
  auto program = coluber::ir::parse_program(text.str(), &error);
  if (!program) {
    std::fprintf(stderr, "%s: %s\n", a.file, error.c_str());
    return 1;
  }
  if (a.options.keep_llvm || a.options.keep_asm) {
    CompiledObject out = coluber::backend::compile_program(*program, a.options);
    std::fputs(out.error.c_str(), stderr);
    std::fputs(out.llvm_text.c_str(), stdout);
    std::fputs(out.asm_text.c_str(), stdout);
    return !out.error.empty();
  }
  std::map<std::string, std::vector<double>> times;
  std::vector<std::string> order;
  for (int k = 0; k < a.repeat; ++k) {
    auto start = std::chrono::steady_clock::now();
    CompiledObject out = coluber::backend::compile_program(*program, a.options);
    if (!out.error.empty()) {
      std::fprintf(stderr, "%s\n", out.error.c_str());
      return 1;
    }
    out.times.push_back({"all", std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()});
    for (auto& t : out.times) {
      if (k == 0) order.push_back(t.stage);
      times[t.stage].push_back(1e3 * t.seconds);
    }
    if (k == 0) std::printf("%zu bytes of object\n", out.object.size());
  }
  std::printf("%-10s %8s %8s %8s   (ms)\n", "stage", "first", "least", "median");
  for (const std::string& stage : order) {
    std::vector<double> t = times[stage], sorted = t;
    std::sort(sorted.begin(), sorted.end());
    std::printf("%-10s %8.3f %8.3f %8.3f\n", stage.c_str(), t[0], sorted[0], sorted[sorted.size() / 2]);
  }
}
