// coluber-frontend-dump FILE [--raw] [--time] [--mutate COUNT SEED]
//
// Builds the IR of the code objects in FILE (written by tests/versions/serialise_code.py), verifies and prints it, nested functions after
// their function. Without --raw in the form of the golden files: constants as text, neither locations nor bytecode offsets, so that it is
// the same for all Python versions. --time prints the processor time that each function took. --mutate builds each function COUNT times with some of its
// bytes changed and prints how many were refused: whatever the bytes, there must be IR or a BuildError.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <random>

#include "ir/frontend/build.h"
#include "ir/frontend/tools/read_code.h"
#include "ir/text.h"

namespace {

using namespace coluber::ir;

std::string constant_text(const clb_const& c) {
  std::string out;
  switch (c.kind) {
    case CLB_NONE: return "None";
    case CLB_BOOL: return c.i ? "True" : "False";
    case CLB_INT: return std::to_string(c.i);
    case CLB_FLOAT: append_double(&out, c.f[0]); return out;
    case CLB_COMPLEX:
      append_double(&out, c.f[0]);
      if (!std::signbit(c.f[1])) out += "+";
      append_double(&out, c.f[1]);
      return out + "j";
    case CLB_ELLIPSIS: return "...";
    case CLB_CODE: return std::string("code ") + c.code->name;
    case CLB_STR: return "'" + std::string(c.s, static_cast<size_t>(c.n)) + "'";
    case CLB_TUPLE:
      out = "(";
      for (int64_t i = 0; i < c.n; ++i) out += (i ? ", " : "") + constant_text(c.items[i]);
      return out + ")";
    default: return c.s ? std::string(c.s, static_cast<size_t>(c.n)) : "?";
  }
}

// Leaves out what may differ between versions without a difference in meaning.
void make_golden(Function* f, const std::vector<const clb_const*>& constants) {
  f->locs.resize(1);
  f->scopes.clear();
  for (Block& b : f->blocks) {
    b.state = nullptr;
    for (Op& op : b.ops) {
      op.loc = 0;
      if (op.code != OpCode::PyConst && op.code != OpCode::PyFunction) continue;
      op.sym = constant_text(*constants[static_cast<size_t>(op.imm)]);
      op.imm = 0;
    }
  }
}

bool show(const std::string& label, const clb_code& code, bool raw) {
  BuildError error;
  std::vector<const clb_const*> constants;
  std::unique_ptr<Function> f = build_function(code, 0, &error, &constants);
  std::printf("== %s\n", label.c_str());
  if (!f) {
    std::printf("error %s: %s\n", error.id.c_str(), error.message.c_str());
    if (raw) std::printf("  at %u:%u-%u:%u\n  %s\n", error.location.line, error.location.col, error.location.end_line, error.location.end_col, error.hint.c_str());
    return true;
  }
  std::string wrong = verify(*f);
  std::vector<const clb_code*> nested;
  for (const Block& b : f->blocks)
    for (const Op& op : b.ops)
      if (op.code == OpCode::PyFunction) nested.push_back(constants[static_cast<size_t>(op.imm)]->code);
  std::erase_if(nested, [](const clb_code* c) { return !(c->flags & 1); });   // class bodies
  if (!raw) make_golden(f.get(), constants);
  std::string text = print(*f);
  std::fputs(text.c_str(), stdout);
  if (!wrong.empty()) std::fprintf(stderr, "%s: %s\n", label.c_str(), wrong.c_str());
  bool good = wrong.empty();
  for (const clb_code* c : nested) good &= show(label + "." + c->name, *c, raw);
  return good;
}

void time_it(const CodeFile::Entry& entry) {
  std::clock_t begin = std::clock();       // of this process alone
  std::unique_ptr<Function> f = build_function(*entry.code, 0, nullptr);
  double took = 1e3 * static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  std::printf("%s %.3f ms %zu values\n", entry.label.c_str(), took, f ? f->values.size() : 0);
}

// Changes a few bytes of the code and of its tables.
bool survives(const clb_code& code, std::mt19937* random, bool* refused) {
  std::string bytes[3] = {{reinterpret_cast<const char*>(code.code), code.code_size},
                          {reinterpret_cast<const char*>(code.linetable), code.linetable_size},
                          {reinterpret_cast<const char*>(code.exceptiontable), code.exceptiontable_size}};
  auto pick = [&](size_t n) { return static_cast<size_t>((*random)() % n); };
  for (size_t n = 1 + pick(4); n > 0; --n) {
    std::string& s = bytes[std::min<size_t>(2, pick(8) < 6 ? 0 : 1 + pick(2))];
    if (s.empty()) continue;
    switch (pick(4)) {
      case 0: s[pick(s.size())] = static_cast<char>((*random)()); break;
      case 1: s[pick(s.size())] ^= static_cast<char>(1 << pick(8)); break;
      case 2: s.resize(pick(s.size()) + 1); break;
      default: {
        size_t from = pick(s.size()) & ~size_t{1}, to = pick(s.size()) & ~size_t{1};
        if (from + 2 <= s.size() && to + 2 <= s.size()) s.replace(to, 2, s.substr(from, 2));
      }
    }
  }
  // Exact copies on the heap, so that a sanitizer sees every byte read beyond them.
  std::vector<std::vector<uint8_t>> exact;
  for (const std::string& s : bytes) exact.emplace_back(s.begin(), s.end());
  clb_code changed = code;
  changed.code = exact[0].data();
  changed.code_size = exact[0].size();
  changed.linetable = exact[1].data();
  changed.linetable_size = exact[1].size();
  changed.exceptiontable = exact[2].data();
  changed.exceptiontable_size = exact[2].size();
  BuildError error;
  std::unique_ptr<Function> f = build_function(changed, 0, &error);
  *refused = !f;
  if (!f) return !error.id.empty() && !error.message.empty();
  std::string wrong = verify(*f);
  if (!wrong.empty()) std::fprintf(stderr, "%s\n", wrong.c_str());
  return wrong.empty();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s FILE [--raw] [--time] [--mutate COUNT SEED]\n", argv[0]);
    return 2;
  }
  CodeFile file;
  std::string error;
  if (!file.read(argv[1], &error)) {
    std::fprintf(stderr, "%s\n", error.c_str());
    return 2;
  }
  const char* mode = argc > 2 ? argv[2] : "";
  bool good = true;
  if (!std::strcmp(mode, "--mutate") && argc > 4) {
    std::mt19937 random(static_cast<uint32_t>(std::atoi(argv[4])));
    int built = 0, refused = 0;
    for (const CodeFile::Entry& e : file.entries())
      for (int i = 0; i < std::atoi(argv[3]); ++i) {
        bool no = false;
        if (!survives(*e.code, &random, &no)) {
          std::fprintf(stderr, "%s: mutation %d is neither built nor refused\n", e.label.c_str(), i);
          good = false;
        }
        ++(no ? refused : built);
      }
    std::printf("%d built, %d refused\n", built, refused);
    return good ? 0 : 1;
  }
  for (const CodeFile::Entry& e : file.entries()) {
    if (!std::strcmp(mode, "--time")) time_it(e); else good &= show(e.label, *e.code, !std::strcmp(mode, "--raw"));
  }
  return good ? 0 : 1;
}
