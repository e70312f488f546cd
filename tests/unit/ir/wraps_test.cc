// Wraps: divided loops do what they did, from any start, to any bound, with any end to go round at, with exits in between.
#include <limits>

#include "helpers.h"
#include "interpret.h"

namespace coluber::ir {
namespace {

using test::Interpreter;
using test::Outcome;

// for i in range(start, bound): s = s * 3 ^ wrapped(i); two questions, against an end of its own; leaves early at i == stop.
const char* const kText = R"(func @f(%0: pyint, %1: pyint, %2: pyint, %20: pyint) -> pyint {
^0:
  %3 = const 0 : pyint
  %4 = const 1 : pyint
  %21 = const 3 : pyint
  %22 = const 2 : pyint
  jump ^1(%0, %3)
^1(%5: pyint, %6: pyint) loop:
  %7 = lt %5, %1 : pybool
  br %7, ^2, ^3
^2:
  %8 = sub %5, %22 : pyint
  %9 = lt %8, %3 : pybool
  %10 = add %8, %2 : pyint
  %11 = select %9, %10, %8 : pyint
  %12 = add %5, %4 : pyint
  %13 = eq %12, %2 : pybool
  %14 = select %13, %3, %12 : pyint
  %15 = mul %6, %21 : pyint
  %16 = xor %15, %11 : pyint
  %17 = mul %16, %21 : pyint
  %18 = xor %17, %14 : pyint
  %23 = eq %5, %20 : pybool
  br %23, ^4, ^5
^3:
  return %6
^4:
  %24 = add %18, %11 : pyint
  return %24
^5:
  %19 = add %5, %4 : pyint
  jump ^1(%19, %18)
}
)";

TEST(Wraps, DividedLoopsMakeTheSameTurns) {
  std::string made = after("wraps", kText), clean = after("wraps,cleanup,polls,latches", kText);
  ASSERT_NE(made, after("", kText));
  std::unique_ptr<Program> before = parse_ok(kText);
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min(), kGreatest = std::numeric_limits<int64_t>::max();
  for (const std::string& text : {made, clean}) {
    std::unique_ptr<Program> divided = parse_ok(text);
    for (int64_t start : {int64_t{-3}, int64_t{0}, int64_t{1}, int64_t{2}, int64_t{5}})
      for (int64_t bound : {kLeast, int64_t{-1}, int64_t{0}, int64_t{1}, int64_t{2}, int64_t{3}, int64_t{9}})
        for (int64_t end : {kLeast, int64_t{0}, int64_t{1}, int64_t{2}, int64_t{7}, int64_t{9}, int64_t{12}, kGreatest})
          for (int64_t stop : {int64_t{-9}, int64_t{0}, int64_t{4}, int64_t{8}}) {
            std::vector<test::Slots> args{test::int_slots(start), test::int_slots(bound), test::int_slots(end), test::int_slots(stop)};
            Outcome want = Interpreter(*before).run("f", args), got = Interpreter(*divided).run("f", args);
            ASSERT_TRUE(want == got) << start << " " << bound << " " << end << " " << stop << ": " << got.error << got.fault << "\n" << text;
          }
  }
}

}  // namespace
}  // namespace coluber::ir
