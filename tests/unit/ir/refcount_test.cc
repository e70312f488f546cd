// Reference counts: the cases with a name, and random functions, of which the verifier must find every path balanced.
#include <random>

#include "helpers.h"
#include "ir/analysis/dominators.h"
#include "ir/builder.h"
#include "random_function.h"

namespace coluber::ir {
namespace {

// Runs the pass and checks the balance, also where nothing had to be inserted.
std::string counted(std::string_view text) {
  std::string out = after("refcount", text);
  std::unique_ptr<Program> p = parse_ok(out);
  for (const auto& f : p->functions) EXPECT_EQ(verify_ownership(*f), "") << out;
  return out;
}

TEST(Refcount, SwapsInALoopMoveOnly) {
  std::string out = counted(R"(func @f(%0: list(pyint), %1: list(pyint), %2: pybool) -> list(pyint) {
^0:
  jump ^1(%0, %1)
^1(%3: list(pyint), %4: list(pyint)):
  br %2, ^1(%4, %3), ^2
^2:
  return %3
}
)");
  EXPECT_EQ(count_of(out, "retain"), 2) << out;            // one per borrowed parameter, in front of the loop
  EXPECT_EQ(count_of(out, "release"), 1) << out;
}

TEST(Refcount, NewArrayPerIteration) {
  std::string out = counted(R"(func @f(%0: pyint, %1: pybool) -> owner {
^0:
  %2 = alloc %0 : owner
  jump ^1(%2)
^1(%3: owner):
  %4 = alloc %0 : owner
  br %1, ^1(%4), ^2
^2:
  return %4
}
)");
  EXPECT_EQ(count_of(out, "retain"), 0) << out;
  EXPECT_NE(out.find("^1(%3: owner):\n  release %3\n  %4 = alloc"), std::string::npos) << out;   // before the next one is made
}

TEST(Refcount, ParametersAreNeverReleased) {
  std::string out = counted("func @f(%0: list(pyint)) -> pyint {\n^0:\n  %1 = list.len %0 : pyint\n  poll\n  return %1\n}");
  EXPECT_EQ(count_of(out, "release") + count_of(out, "retain") + count_of(out, "on_error"), 0) << out;
}

TEST(Refcount, UnusedResultsGoAtOnce) {
  std::string out = counted("func @f(%0: pyint) -> pyint {\n^0:\n  %1 = list.new %0 : list(pyint)\n  poll\n  return %0\n}");
  EXPECT_NE(out.find("list(pyint)\n  release %1\n  poll\n"), std::string::npos) << out;
}

TEST(Refcount, UnusedBlockParameters) {
  std::string out = counted(R"(func @f(%0: pyint) -> pyint {
^0:
  %1 = list.new %0 : list(pyint)
  jump ^1(%1)
^1(%2: list(pyint)) !err ^2(%2):
  poll
  return %0
^2(%3: list(pyint)):
  %4 = exc.catch : exc#1
  return %0
}
)");
  // The handler's parameter and the exception are dead there; exc.catch stays in front.
  EXPECT_NE(out.find("^2(%3: list(pyint)):\n  %4 = exc.catch : exc#1\n  release"), std::string::npos) << out;
}

TEST(Refcount, HandlersKeepWhatTheyUse) {
  std::string out = counted(R"(func @f(%0: pyint) -> list(pyint) {
^0:
  %1 = list.new %0 : list(pyint)
  %2 = list.new %0 : list(pyint)
  jump ^1
^1 !err ^2:
  %3 = list.len %1 : pyint
  %4 = tuple.make %2, %2 : tuple(list(pyint),list(pyint))
  poll
  poll
  %5 = list.new %3 : list(pyint)
  return %5
^2:
  %6 = exc.catch : exc#1
  return %2
}
)");
  // %2 is needed by the handler up to the last op that raises; it goes behind it. The tuple, never used, goes at once.
  EXPECT_NE(out.find("%5 = list.new %3 : list(pyint)\n  release %2\n"), std::string::npos) << out;
  EXPECT_EQ(count_of(out, "on_error(%1)"), 1) << out;      // in the entry; %1 is dead before the first poll
}

TEST(Refcount, MovedOperandsOfRaise) {
  std::string out = counted(R"(func @f(%0: pyint) -> pyint {
^0 !err ^1:
  %1 = exc.new %0, 3 : exc#3
  %2 = list.new %0 : list(pyint)
  %4 = tuple.make %1, %2 : tuple(exc#3,list(pyint))
  %5 = tuple.get %4, 0 : exc#3
  raise.exc %5
^1:
  %3 = exc.catch : exc#3
  raise.exc %3
}
)");
  // The part gets a reference of its own, which the raise takes; the tuple dies with it.
  EXPECT_NE(out.find("retain %5\n  raise.exc %5 on_error(%4)"), std::string::npos) << out;
  EXPECT_EQ(count_of(out, "raise.exc %3\n"), 1) << out;
  EXPECT_EQ(count_of(out, "retain"), 1) << out;
}

TEST(Refcount, RaiseTakesItsOperand) {
  std::string out = counted("func @f(%0: pyint) -> pyint {\n^0:\n  %1 = exc.new %0, 3 : exc#3\n  raise.exc %1\n}");
  EXPECT_NE(out.find("  raise.exc %1\n"), std::string::npos) << out;
  EXPECT_EQ(count_of(out, "retain"), 0) << out;
}

TEST(Refcount, SelectCopiesAReference) {
  std::string out = counted(R"(func @f(%0: pybool, %1: list(pyint), %2: list(pyint)) -> list(pyint) {
^0:
  %3 = select %0, %1, %2 : list(pyint)
  return %3
}
)");
  EXPECT_NE(out.find("retain %3\n  return %3"), std::string::npos) << out;
}

TEST(Refcount, NullReferencesAreNotCounted) {
  std::string out = counted(R"(func @f(%0: pybool, %1: list(pyint)) -> optional(list(pyint)) {
^0:
  %2 = absent : optional(list(pyint))
  br %0, ^1(%2), ^2
^1(%3: optional(list(pyint))):
  return %3
^2:
  %4 = some %1 : optional(list(pyint))
  jump ^1(%4)
}
)");
  EXPECT_EQ(count_of(out, "retain"), 1) << out;
  EXPECT_EQ(count_of(out, "release"), 0) << out;
}

TEST(Refcount, OnePartOfATupleIsTheTuple) {
  std::string out = counted(R"(func @f(%0: pyint) -> list(pyint) {
^0:
  %1 = call %0, "g" : tuple(pyint,list(pyint))
  %2 = tuple.get %1, 1 : list(pyint)
  return %2
}
func @g(%0: pyint) -> tuple(pyint,list(pyint)) {
^0:
  %1 = list.new %0 : list(pyint)
  %2 = tuple.make %0, %1 : tuple(pyint,list(pyint))
  return %2
}
)");
  EXPECT_EQ(count_of(out, "retain") + count_of(out, "release"), 0) << out;
}

// A pointer that merges with one to elsewhere cannot be followed; what it points into is held as long as it can be.
TEST(Refcount, MergedPointersPinTheirOwners) {
  std::string out = counted(R"(func @f(%0: pyint, %1: pybool) -> pyint {
^0:
  %2 = alloc %0 : owner
  %3 = owner.data %2 : ptr(pyint)
  %4 = alloc %0 : owner
  %5 = owner.data %4 : ptr(pyint)
  br %1, ^1(%3), ^1(%5)
^1(%6: ptr(pyint)):
  %7 = load %6 : pyint
  poll
  return %7
}
)");
  EXPECT_NE(out.find("poll on_error(%2, %4)"), std::string::npos) << out;
  EXPECT_NE(out.find("poll on_error(%2, %4)\n  release %2\n  release %4\n  return %7"), std::string::npos) << out;
}

TEST(Refcount, RunsOnce) {
  std::string once = after("refcount", "func @f(%0: list(pyint)) -> list(pyint) {\n^0:\n  return %0\n}");
  EXPECT_EQ(after("refcount", once), once);
  EXPECT_EQ(after("cleanup", once), once);
}

TEST(Refcount, BalancesRandomFunctions) {
  for (uint32_t seed = 0; seed < 3000; ++seed) {
    Program p;
    p.functions.push_back(random_function(seed, 3 + seed % 12));
    Function& f = *p.functions[0];
    std::string before = print(f);
    ASSERT_EQ(verify(f, nullptr), "") << before;
    if (seed % 2) run_cleanup(f, {});
    ASSERT_EQ(verify(f, nullptr), "") << "seed " << seed << "\n" << before << print(f);
    run_refcount(f, {});
    ASSERT_EQ(verify(f, nullptr), "") << "seed " << seed << "\n" << before << print(f);
    ASSERT_EQ(verify_ownership(f), "") << "seed " << seed << "\n" << before << print(f);
    run_cleanup(f, {});
    ASSERT_EQ(verify(f, nullptr), "") << "seed " << seed << ", cleaned up\n" << before << print(f);
    ASSERT_EQ(verify_ownership(f), "") << "seed " << seed << ", cleaned up\n" << before << print(f);
  }
}

}  // namespace
}  // namespace coluber::ir
