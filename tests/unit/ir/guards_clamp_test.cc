// Loops that end in front of the turn whose index check would fail (passes/guards_clamp.cc), by running them with and without the pass.
#include "compare.h"

namespace coluber::ir::test {
namespace {

// for i in range(START, n): a[i + C] = b[i + D] + 1, with a third array that is read at an index that does not change.
std::string copy_loop(int64_t start, int64_t c, int64_t d, int64_t fixed) {
  auto constant = [](int v, int64_t k) { return "  %" + std::to_string(v) + " = const " + std::to_string(k) + " : pyint\n"; };
  return R"(func @f(%0: array(int64,1,C), %1: array(int64,1,C), %2: array(int64,1,C), %3: pyint) -> pyint exported {
^0:
)" + constant(4, start) + constant(5, 1) + constant(6, c) + constant(7, d) + constant(8, fixed) + R"(  jump ^1(%4)
^1(%10: pyint) loop:
  %11 = lt %10, %3 : pybool
  br %11, ^2, ^3
^2:
  %12 = add %10, %7 : pyint
  %13 = array.shape %1, 0 : pyint
  %14 = index_check %12, %13, 0 : pyint
  %15 = array.load %1, %14 : int64
  %16 = array.shape %2, 0 : pyint
  %17 = index_check %8, %16, 0 : pyint
  %18 = array.load %2, %17 : int64
  %19 = add %15, %18 : int64
  %20 = add %10, %6 : pyint
  %21 = array.shape %0, 0 : pyint
  %22 = index_check %20, %21, 0 : pyint
  array.store %0, %19, %22
  %23 = add %10, %5, 1 : pyint
  jump ^1(%23)
^3:
  return %10
}
)";
}

TEST(Guards, LoopsEndInFrontOfTheTurnThatFails) {
  for (int64_t start : {0, 2})
    for (int64_t c : {0, 1, 3, -1, -2})
      for (int64_t d : {0, 2, -2})
        for (int64_t fixed : {0, 2})
          for (int64_t n : {int64_t{-1}, int64_t{0}, int64_t{2}, int64_t{5}, int64_t{9}, INT64_MAX}) {
            std::vector<std::vector<Arg>> inputs;
            for (int64_t a : {0, 4, 9})
              for (int64_t b : {0, 3, 9}) inputs.push_back({arr({a}, 0), arr({b}, 40), arr({2}, 80), num(n)});
            compare(copy_loop(start, c, d, fixed), inputs);
            compare(copy_loop(start, c, d, fixed), {inputs.back()}, "cleanup,guards,cleanup,polls,latches,rotate,refcount");
          }
  uint64_t had = 0;
  EXPECT_EQ(compare(copy_loop(2, 1, 0, 1), {{arr({9}, 0), arr({9}, 40), arr({2}, 80), num(8)}}, kGuards, &had), 0u);
  EXPECT_EQ(had, 18u);                     // three in each of six turns
  EXPECT_LE(compare(copy_loop(2, 1, 0, 1), {{arr({5}, 0), arr({9}, 40), arr({2}, 80), num(8)}}), 3u);      // behind the loop
}

TEST(Guards, NoCopyOfALoopThatEndsInTime) {
  std::unique_ptr<Program> made = parse_ok(after(kGuards, copy_loop(2, 1, -2, 0)));
  std::string text = print(*made);
  size_t loads = 0;
  for (size_t at = text.find("array.load"); at != std::string::npos; at = text.find("array.load", at + 1)) ++loads;
  EXPECT_EQ(loads, 2u) << text;
  EXPECT_NE(text.find("[1, 1]"), std::string::npos) << text;
}

}  // namespace
}  // namespace coluber::ir::test
