// coluber-opt: reads IR text, runs passes, prints the result. For looking at one pass, for reducing bug reports, for writing goldens.
//
//   coluber-opt [-p PASS,PASS...] [--each] [--no-verify] [--list] [FILE]
//     --each       print the program after every pass, not only at the end
//     --no-verify  trust the input and the passes
//     --list       name the passes
//   Without FILE or with -: standard input. Exit status 1: the text does not parse, or the verifier complains.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

#include "ir/passes/manager.h"

using namespace coluber::ir;

namespace {

struct Arguments {
  std::vector<PassId> passes;
  std::string file = "-";
  bool each = false, verify = true;
};

int usage(const std::string& why) {
  std::cerr << "coluber-opt: " << why << "\nusage: coluber-opt [-p PASS,PASS...] [--each] [--no-verify] [--list] [FILE]\n";
  return 2;
}

void list_passes() {
#define PASS(Enum, id, level, text) std::cout << #id << "\t" << text << "\n";
#include "ir/passes/passes.def"
}

bool read_file(const std::string& name, std::string* out) {
  if (name == "-") {
    out->assign(std::istreambuf_iterator<char>(std::cin), {});
    return true;
  }
  std::ifstream in(name, std::ios::binary);
  if (!in) return false;
  out->assign(std::istreambuf_iterator<char>(in), {});
  return true;
}

int run(const Arguments& args) {
  std::string text, error;
  if (!read_file(args.file, &text)) return usage("cannot read " + args.file);
  std::unique_ptr<Program> program = parse_program(text, &error);
  if (!program) {
    std::cerr << args.file << ": " << error << "\n";
    return 1;
  }
  PassOptions options;
  options.verify = args.verify;
  if (args.each)
    options.after = [](PassId pass, const Program& p, double) { std::cout << "// after " << info(pass).name << "\n" << print(p) << "\n"; };
  error = run_passes(*program, args.passes, options);
  if (!args.each || args.passes.empty()) std::cout << print(*program);
  if (error.empty()) return 0;
  std::cerr << args.file << ": " << error << "\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments args;
  for (int i = 1; i < argc; ++i) {
    std::string arg = argv[i], error;
    if (arg == "--list") {
      list_passes();
      return 0;
    }
    if (arg == "--each") args.each = true;
    else if (arg == "--no-verify") args.verify = false;
    else if (arg == "-p" && i + 1 < argc) {
      if (!parse_passes(argv[++i], &args.passes, &error)) return usage(error);
    } else if (arg.size() > 1 && arg[0] == '-') return usage("unknown option " + arg);
    else args.file = arg;
  }
  return run(args);
}
