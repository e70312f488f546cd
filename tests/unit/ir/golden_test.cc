// Golden files: tests/ir/*.cir hold IR, the passes to run (first line: // passes: a,b) and, behind a line of // ----, the expected
// result. COLUBER_BLESS=1 writes what comes out as what is expected.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "helpers.h"

namespace coluber::ir {
namespace {

constexpr std::string_view kSeparator = "// ----\n";

std::string slurp(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

std::vector<std::string> golden_files() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(COLUBER_SOURCE_DIR) / "tests/ir"))
    if (entry.path().extension() == ".cir") files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  return files;
}

std::string passes_of(const std::string& text) {
  constexpr std::string_view kKey = "// passes: ";
  if (text.substr(0, kKey.size()) != kKey) return "?";
  return text.substr(kKey.size(), text.find('\n') - kKey.size());
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, File) {
  std::string text = slurp(GetParam());
  size_t split = text.find("\n" + std::string(kSeparator));
  std::string input = split == std::string::npos ? text : text.substr(0, split + 1);
  std::string got = after(passes_of(text), input);
  EXPECT_EQ(print(*parse_ok(got)), got);
  if (std::getenv("COLUBER_BLESS")) {
    std::ofstream(GetParam(), std::ios::binary) << input << kSeparator << got;
    return;
  }
  ASSERT_NE(split, std::string::npos) << GetParam() << " has no expected result; COLUBER_BLESS=1 writes it";
  EXPECT_EQ(got, text.substr(split + 1 + kSeparator.size())) << "COLUBER_BLESS=1 accepts the new result";
}

INSTANTIATE_TEST_SUITE_P(Cir, Golden, testing::ValuesIn(golden_files()), [](const testing::TestParamInfo<std::string>& p) {
  return std::filesystem::path(p.param).stem().string();
});

TEST(GoldenFiles, AreThere) { EXPECT_GE(golden_files().size(), 8u); }

}  // namespace
}  // namespace coluber::ir
