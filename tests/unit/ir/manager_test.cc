// The pass manager: names, order, hooks, and that a pass that breaks the IR is named.
#include "helpers.h"

namespace coluber::ir {
namespace {

constexpr const char* kText = "func @f(%0: pyint) -> pyint exported {\n^0:\n  %1 = add %0, %0 : pyint\n  return %0\n}\n";

TEST(Manager, NamesOfPasses) {
  std::vector<PassId> list;
  std::string error;
  EXPECT_TRUE(parse_passes(" cleanup, inline,,refcount ", &list, &error));
  EXPECT_EQ(list, (std::vector<PassId>{PassId::Cleanup, PassId::Inline, PassId::Refcount}));
  EXPECT_FALSE(parse_passes("cleanup,tidy", &list, &error));
  EXPECT_EQ(error, "no such pass: tidy");
#define PASS(Enum, id, level, words)            \
  {                                             \
    PassId found;                               \
    EXPECT_TRUE(pass_from_name(#id, &found));   \
    EXPECT_EQ(found, PassId::Enum);             \
    EXPECT_STREQ(info(found).name, #id);        \
    EXPECT_STRNE(info(found).text, "");         \
  }
#include "ir/passes/passes.def"
}

TEST(Manager, ReportsEachPass) {
  std::unique_ptr<Program> p = parse_ok(kText);
  PassOptions options;
  std::vector<std::string> seen;
  options.after = [&](PassId pass, const Program& program, double seconds) {
    seen.push_back(std::string(info(pass).name) + " " + std::to_string(program.functions[0]->blocks[0].ops.size()));
    EXPECT_GE(seconds, 0);
  };
  const PassId passes[] = {PassId::Inline, PassId::Cleanup};
  EXPECT_EQ(run_passes(*p, passes, options), "");
  EXPECT_EQ(seen, (std::vector<std::string>{"inline 2", "cleanup 1"}));
}

TEST(Manager, NamesThePassThatBrokeIt) {
  std::unique_ptr<Program> p = parse_ok(kText);
  PassOptions options;
  options.verify = true;
  const PassId passes[] = {PassId::Inline, PassId::Cleanup};
  options.after = [](PassId pass, const Program& program, double) {
    if (pass == PassId::Cleanup) const_cast<Program&>(program).functions[0]->blocks[0].ops.clear();
  };
  EXPECT_EQ(run_passes(*p, passes, options), "after pass cleanup: @f ^0: the block is empty");
  EXPECT_EQ(run_passes(*p, passes, options), "before the first pass: @f ^0: the block is empty");
}

}  // namespace
}  // namespace coluber::ir
