// Runs tests/llvm/*.cir: kernels with the patterns that must, and must not, show up in LLVM IR and assembly (see the README there).
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "tests/unit/backends/harness.h"

namespace coluber::backend {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::stringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

struct Directive {
  std::string text;
  bool assembly, negative;
};

std::vector<Directive> directives_of(const std::string& text) {
  static const std::regex form("^; (LLVM|ASM)(-NOT)?: (.*)$");
  std::vector<Directive> all;
  for (const std::string& line : lines_of(text)) {
    std::smatch m;
    if (std::regex_match(line, m, form)) all.push_back({m[3], m[1] == "ASM", m[2].matched});
  }
  return all;
}

class Patterns : public testing::TestWithParam<std::string> {};

TEST_P(Patterns, Hold) {
  std::ifstream in(GetParam());
  std::stringstream text;
  text << in.rdbuf();
  std::vector<Directive> directives = directives_of(text.str());
  ASSERT_FALSE(directives.empty());
  Options options;
  options.keep_llvm = options.keep_asm = true;
  Compiled c(text.str(), options);
  const std::vector<std::string> llvm = lines_of(c.llvm_text()), assembly = lines_of(c.asm_text());
  size_t at[2] = {0, 0};  // where the last positive match ended, for each text
  for (const Directive& d : directives) {
    const std::vector<std::string>& lines = d.assembly ? assembly : llvm;
    std::regex pattern(d.text);
    auto matches = [&](const std::string& line) { return std::regex_search(line, pattern); };
    size_t& from = at[d.assembly];
    auto found = std::find_if(lines.begin() + (d.negative ? 0 : static_cast<long>(from)), lines.end(), matches);
    if (d.negative) {
      EXPECT_EQ(found, lines.end()) << "found: " << d.text << "\n" << (found == lines.end() ? "" : *found);
    } else {
      EXPECT_NE(found, lines.end()) << "not found: " << d.text << "\n" << (d.assembly ? c.asm_text() : c.llvm_text());
      if (found != lines.end()) from = static_cast<size_t>(found - lines.begin()) + 1;
    }
  }
}

std::vector<std::string> files() {
  std::vector<std::string> all;
  for (const auto& entry : std::filesystem::directory_iterator(COLUBER_SOURCE_DIR "/tests/llvm"))
    if (entry.path().extension() == ".cir") all.push_back(entry.path());
  std::sort(all.begin(), all.end());
  return all;
}
INSTANTIATE_TEST_SUITE_P(Files, Patterns, testing::ValuesIn(files()),
                         [](const testing::TestParamInfo<std::string>& info) { return std::filesystem::path(info.param).stem().string(); });

}  // namespace
}  // namespace coluber::backend
