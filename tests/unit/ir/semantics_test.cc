// What passes must not change: random programs are run before and after, on several arguments, and must return or raise the same.
#include "helpers.h"
#include "interpret.h"
#include "random_function.h"

namespace coluber::ir {
namespace {

using test::Interpreter;
using test::Outcome;
using test::Slots;

// (pyint, pybool, tuple(pyint,pybool), optional(pyint))
std::vector<std::vector<Slots>> arguments() {
  std::vector<std::vector<Slots>> out;
  for (int64_t n : {int64_t{0}, int64_t{1}, int64_t{-1}, int64_t{5}, std::numeric_limits<int64_t>::min()})
    for (uint64_t flag : {0, 1}) out.push_back({{static_cast<uint64_t>(n)}, {flag}, {static_cast<uint64_t>(n + 3), 1 - flag}, {flag, flag ? 9u : 0u}});
  return out;
}

class SameMeaning : public testing::TestWithParam<const char*> {};

TEST_P(SameMeaning, OfRandomPrograms) {
  constexpr uint64_t kLimit = 3000;        // steps; what does not end by then is not compared
  std::vector<PassId> passes;
  std::string error;
  ASSERT_TRUE(parse_passes(GetParam(), &passes, &error));
  int compared = 0, raised = 0;
  for (uint32_t seed = 0; seed < 500; ++seed) {
    std::unique_ptr<Program> p = random_program(seed, 3, 2 + seed % 9);
    std::string before = print(*p);
    Program copy = std::move(*parse_ok(before));
    PassOptions options;
    options.verify = true;
    options.inline_max_ops = 60;
    ASSERT_EQ(run_passes(copy, passes, options), "") << "seed " << seed << "\n" << before;
    for (const std::vector<Slots>& args : arguments()) {
      Outcome a = Interpreter(*p).run("f0", args, kLimit);
      if (!a.fault.empty()) continue;
      Outcome b = Interpreter(copy).run("f0", args, 10 * kLimit);
      ASSERT_TRUE(a == b) << "seed " << seed << ": " << a.error << " against " << b.error << " " << b.fault << "\n" << before << "\n" << print(copy);
      ++compared;
      raised += a.error.empty() ? 0 : 1;
    }
  }
  EXPECT_GT(compared, 1000);
  EXPECT_GT(raised, 100);
}

INSTANTIATE_TEST_SUITE_P(Passes, SameMeaning, testing::Values("cleanup", "inline", "inline,cleanup,refcount,cleanup", "guards", "cleanup,guards,cleanup,refcount",
                                                                 "polls,latches,refcount,cleanup", "inline,cleanup,lanes,empty,guards,polls,wraps,latches,room,sums,divisors,refcount", "latches,rotate", "empty",
                                                                 "divisors", "inline,cleanup,lanes,empty,guards,polls,wraps,latches,room,sums,divisors,steps,rotate,refcount", "latches,steps"),
                         [](const testing::TestParamInfo<const char*>& p) {
                           std::string name = p.param;
                           for (char& c : name)
                             if (c == ',') c = '_';
                           return name;
                         });

}  // namespace
}  // namespace coluber::ir
