// Polls and latches: loops that are cut do what they did, over the border of a piece too, and what can run for long polls.
#include "helpers.h"
#include "interpret.h"

namespace coluber::ir {
namespace {

using test::Interpreter;
using test::Outcome;
using test::Slots;

// for i in range(start, bound, step): s = s * 3 ^ i, by a call, so that the pieces are of 256 rounds.
std::string counted(int64_t step) {
  return R"(func @f(%0: pyint, %1: pyint) -> pyint {
^0:
  %2 = const )" + std::to_string(step) + R"( : pyint
  jump ^1(%0, %0)
^1(%3 "i": pyint, %4 "s": pyint) loop:
  %5 = )" + (step > 0 ? "lt" : "gt") + R"( %3, %1 : pybool
  br %5, ^2, ^3
^2:
  %6 = call %4, %3, "g" : pyint
  %7 = add %3, %2 : pyint
  jump ^1(%7, %6)
^3:
  return %4
}
func @g(%0: pyint, %1: pyint) -> pyint {
^0:
  %2 = const 3 : pyint
  %3 = mul %0, %2 : pyint
  %4 = xor %3, %1 : pyint
  return %4
}
)";
}

TEST(Polls, PiecesMakeTheSameRounds) {
  for (int64_t step : {1, 2, 7, 255, 256, 257, 1000, -1, -3, -256, -300}) {
    std::string text = counted(step), made = after("polls,latches", text);
    EXPECT_EQ(count_of(made, "  poll\n"), 1) << made;
    std::unique_ptr<Program> before = parse_ok(text), cut = parse_ok(made);
    for (int64_t rounds : {0, 1, 2, 255, 256, 257, 511, 512, 513, 1500}) {
      int64_t start = step > 0 ? -100 : 100, bound = start + rounds * step;
      std::vector<Slots> args{test::int_slots(start), test::int_slots(bound)};
      Outcome want = Interpreter(*before).run("f", args), got = Interpreter(*cut).run("f", args);
      ASSERT_TRUE(want == got) << step << " " << rounds << ": " << got.error << got.fault << "\n" << made;
    }
  }
}

// The distance to the bound wraps; the loop ends where it did.
TEST(Polls, BoundsAtTheEndsOfTheRange) {
  std::string text = counted(std::numeric_limits<int64_t>::max() / 2), made = after("polls", text);
  std::unique_ptr<Program> before = parse_ok(text), cut = parse_ok(made);
  int64_t low = std::numeric_limits<int64_t>::min(), high = std::numeric_limits<int64_t>::max() / 4;
  for (auto [start, bound] : {std::pair{low, high}, {low, low + 1}, {low, int64_t{0}}, {high, low}, {int64_t{-1}, high}}) {
    std::vector<Slots> args{test::int_slots(start), test::int_slots(bound)};
    Outcome want = Interpreter(*before).run("f", args), got = Interpreter(*cut).run("f", args);
    EXPECT_TRUE(want == got) << start << " " << bound << ": " << got.error << got.fault;
  }
}

std::string nest(const char* bound, const char* type, const char* how) {
  return std::string("func @f(%0: ") + type + ", %1: pyint) -> pyint {\n^0:\n  %2 = const 0 : pyint\n  %3 = const 1 : pyint\n  %4 = " + bound + R"( : pyint
  jump ^1(%2, %2)
^1(%5 "j": pyint, %6 "s": pyint) loop:
  %7 = lt %5, %1 : pybool
  br %7, ^2(%2, %6), ^5
^2(%8 "i": pyint, %9 "s": pyint) loop:
  %10 = lt %8, %4 : pybool
  br %10, ^3, ^4
^3:
  %11 = add %8, %3 : pyint
  %12 = add %9, %8 : pyint
  jump )" + how + R"(^2(%11, %12)
^4:
  %13 = add %5, %3 : pyint
  poll
  jump ^1(%13, %9)
^5:
  return %6
}
)";
}

TEST(Polls, InnerLoopsAreCutWhereTheyMayBeLong) {
  struct { const char *bound, *type, *how; int polls; } rows[] = {
      {"add %1, %3", "pyint", "", 2},
      {"const 100000000000", "pyint", "", 2},
      {"const 1000", "pyint", "", 1},
      {"array.shape %0, 1", "array(pyfloat,2,C)", "", 1},
      {"list.len %0", "list(pyint)", "", 1},
      {"sub %1, %3", "pyint", "2, ", 1},                    // elements of an array expression
  };
  for (auto& row : rows) {
    std::string made = after("polls", nest(row.bound, row.type, row.how));
    EXPECT_EQ(count_of(made, "  poll\n"), row.polls) << row.bound << "\n" << made;
  }
}

TEST(Polls, ALoopAroundALoopPollsAtItsBackEdgesOnce) {
  std::string text = nest("const 1000", "pyint", "");
  std::string without = text;
  without.erase(without.find("  poll\n"), 7);
  std::string made = after("polls", without);
  EXPECT_EQ(after("polls", text), made);                    // where typing/lower.cc would have put it
  EXPECT_EQ(after("polls", made), made);
}

TEST(Polls, ABackEdgeOfABranchGetsABlock) {
  std::string made = after("polls", R"(func @f(%0: pyint) -> pyint {
^0:
  %1 = const 0 : pyint
  %2 = const 1 : pyint
  %3 = const 9 : pyint
  jump ^1(%1)
^1(%4: pyint) loop:
  jump ^2(%1)
^2(%5: pyint) loop:
  %6 = add %5, %2 : pyint
  %7 = lt %6, %3 : pybool
  br %7, ^2(%6), ^3
^3:
  %8 = add %4, %2 : pyint
  %9 = lt %8, %0 : pybool
  br %9, ^1(%8), ^4
^4:
  return %8
}
)");
  EXPECT_EQ(count_of(made, "  poll\n  jump ^1(%8)"), 1) << made;
  Outcome out = Interpreter(*parse_ok(made)).run("f", {test::int_slots(5)});
  EXPECT_EQ(out.result, test::int_slots(5)) << out.fault;
}

TEST(Polls, RecursionPollsInFrontOfCallsOnly) {
  constexpr std::string_view kText = R"(func @f(%0: pyint) -> pyint recursive {
^0:
  %1 = const 2 : pyint
  %2 = lt %0, %1 : pybool
  br %2, ^1, ^2
^1:
  return %0
^2:
  %3 = sub %0, %1 : pyint
  %4 = call %3, "f" : pyint
  %5 = call %4, "f" : pyint
  return %5
}
)";
  std::string made = after("polls", kText);
  EXPECT_EQ(count_of(made, "  poll\n"), 1) << made;
  EXPECT_NE(made.find("  poll\n  %4 = call"), std::string::npos) << made;
  std::string plain(kText);
  plain.erase(plain.find(" recursive"), 10);
  EXPECT_EQ(count_of(after("polls", plain), "poll"), 0);
}

TEST(Latches, OneBackEdgeThatSaysWhatAllOfThemSay) {
  auto loop = [](const char* first, const char* second) {
    return std::string("func @f(%0: pyint) -> pyint {\n^0:\n  %1 = const 0 : pyint\n  %2 = const 1 : pyint\n  %3 = const 3 : pyint\n  jump ^1(%1, %1)\n") +
           "^1(%4: pyint, %5: pyint) loop:\n  %6 = lt %4, %0 : pybool\n  br %6, ^2, ^5\n^2:\n  %7 = add %4, %2 : pyint\n  %8 = gt %4, %3 : pybool\n" +
           "  br %8, ^3, ^4\n^3:\n  %9 = add %5, %4 : pyint\n  jump " + first + "^1(%7, %9)\n^4:\n  jump " + second + "^1(%7, %5)\n^5:\n  return %5\n}\n";
  };
  for (auto [first, second, both] : {std::tuple{"3, ", "2, ", "jump 2, ^1("}, {"1, ", "2, ", "jump ^1("}, {"3, ", "3, ", "jump 3, ^1("}}) {
    std::string made = after("latches", loop(first, second));
    EXPECT_EQ(count_of(made, both), std::string_view(both) == "jump ^1(" ? 2 : 1) << made;      // the entry is a plain jump too
    Outcome out = Interpreter(*parse_ok(made)).run("f", {test::int_slots(7)});
    EXPECT_EQ(out.result, test::int_slots(4 + 5 + 6)) << out.fault;
    EXPECT_EQ(after("latches", made), made);
  }
}

}  // namespace
}  // namespace coluber::ir
