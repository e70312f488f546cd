// Cleanup: constant folding against C's arithmetic, the rules one by one, and random functions whose IR must stay sound.
#include <cmath>
#include <cstring>
#include <limits>

#include "helpers.h"
#include "ir/passes/fold.h"
#include "random_function.h"

namespace coluber::ir {
namespace {

int64_t folded(OpCode code, TypeRef t, int64_t a, int64_t b) {
  Number out;
  EXPECT_TRUE(fold_binary(code, t, {a, 0, 0}, {b, 0, 0}, &out)) << info(code).text << " " << a << " " << b;
  return out.i;
}

TEST(Fold, DivisionIsPythons) {
  struct Row {
    int64_t a, b, floordiv, mod, truncdiv, truncrem;
  };
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  const Row rows[] = {{7, 2, 3, 1, 3, 1},    {-7, 2, -4, 1, -3, -1}, {7, -2, -4, -1, -3, 1},      {-7, -2, 3, -1, 3, -1},
                      {6, 3, 2, 0, 2, 0},    {-6, 3, -2, 0, -2, 0},  {0, -5, 0, 0, 0, 0},         {kMin, -1, kMin, 0, kMin, 0},
                      {kMin, 1, kMin, 0, kMin, 0}};
  for (const Row& r : rows) {
    EXPECT_EQ(folded(OpCode::FloorDiv, pyint(), r.a, r.b), r.floordiv) << r.a << " " << r.b;
    EXPECT_EQ(folded(OpCode::Mod, pyint(), r.a, r.b), r.mod) << r.a << " " << r.b;
    EXPECT_EQ(folded(OpCode::TruncDiv, pyint(), r.a, r.b), r.truncdiv) << r.a << " " << r.b;
    EXPECT_EQ(folded(OpCode::TruncRem, pyint(), r.a, r.b), r.truncrem) << r.a << " " << r.b;
  }
  Number out;
  EXPECT_FALSE(fold_binary(OpCode::FloorDiv, pyint(), {1, 0, 0}, {0, 0, 0}, &out));
  EXPECT_FALSE(fold_binary(OpCode::Mod, pyint(), {1, 0, 0}, {0, 0, 0}, &out));
}

TEST(Fold, IntegersWrapToTheirType) {
  EXPECT_EQ(folded(OpCode::Add, scalar(Kind::Int8), 127, 1), -128);
  EXPECT_EQ(folded(OpCode::Mul, scalar(Kind::UInt8), 200, 2), 144);
  EXPECT_EQ(folded(OpCode::Sub, scalar(Kind::UInt32), 0, 1), 0xffffffff);
  EXPECT_EQ(folded(OpCode::Add, pyint(), std::numeric_limits<int64_t>::max(), 1), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(folded(OpCode::FloorDiv, scalar(Kind::UInt64), -1, 2), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(folded(OpCode::Lt, scalar(Kind::UInt64), 1, -1), 1);
  EXPECT_EQ(folded(OpCode::Lt, pyint(), 1, -1), 0);
}

TEST(Fold, ShiftsOutsideTheWidth) {
  EXPECT_EQ(folded(OpCode::Shl, pyint(), 1, 63), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(folded(OpCode::Shl, pyint(), 1, 64), 0);
  EXPECT_EQ(folded(OpCode::Shl, pyint(), 1, -1), 0);
  EXPECT_EQ(folded(OpCode::Shr, pyint(), -8, 1), -4);
  EXPECT_EQ(folded(OpCode::Shr, pyint(), -8, 64), -1);
  EXPECT_EQ(folded(OpCode::Shr, scalar(Kind::UInt8), 200, 3), 25);
  EXPECT_EQ(folded(OpCode::Shr, scalar(Kind::UInt8), 200, 8), 0);
  EXPECT_EQ(folded(OpCode::Shl, scalar(Kind::Int8), 1, 7), -128);
}

TEST(Fold, OverflowIsSeen) {
  auto check = [](OpCode code, TypeRef t, int64_t a, int64_t b, int64_t wrapped, bool overflow) {
    int64_t w = 0;
    bool o = false;
    ASSERT_TRUE(fold_overflow(code, t, a, b, &w, &o));
    EXPECT_EQ(w, wrapped) << info(code).text << t->text << a << " " << b;
    EXPECT_EQ(o, overflow) << info(code).text << t->text << a << " " << b;
  };
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max(), kMin = std::numeric_limits<int64_t>::min();
  check(OpCode::AddOvf, pyint(), kMax, 1, kMin, true);
  check(OpCode::AddOvf, pyint(), kMax, 0, kMax, false);
  check(OpCode::SubOvf, pyint(), kMin, 1, kMax, true);
  check(OpCode::MulOvf, pyint(), kMin, -1, kMin, true);
  check(OpCode::MulOvf, pyint(), 1 << 20, 1 << 20, int64_t{1} << 40, false);
  check(OpCode::SubOvf, scalar(Kind::UInt64), 0, 1, -1, true);
  check(OpCode::MulOvf, scalar(Kind::UInt64), -1, -1, 1, true);
  check(OpCode::MulOvf, scalar(Kind::UInt64), -1, 1, -1, false);
  check(OpCode::AddOvf, scalar(Kind::Int8), 100, 27, 127, false);
  check(OpCode::AddOvf, scalar(Kind::Int8), 100, 28, -128, true);
}

TEST(Fold, FloatsFollowIeee) {
  Number out;
  double nan = std::numeric_limits<double>::quiet_NaN();
  for (OpCode code : {OpCode::Eq, OpCode::Lt, OpCode::Le, OpCode::Gt, OpCode::Ge}) {
    ASSERT_TRUE(fold_binary(code, pyfloat(), {0, nan, 0}, {0, 1, 0}, &out));
    EXPECT_EQ(out.i, 0) << info(code).text;
  }
  ASSERT_TRUE(fold_binary(OpCode::Ne, pyfloat(), {0, nan, 0}, {0, nan, 0}, &out));
  EXPECT_EQ(out.i, 1);
  ASSERT_TRUE(fold_binary(OpCode::FDiv, pyfloat(), {0, 1, 0}, {0, -0.0, 0}, &out));
  EXPECT_EQ(out.f, -std::numeric_limits<double>::infinity());
  ASSERT_TRUE(fold_binary(OpCode::Add, scalar(Kind::Float32), {0, 16777216.0, 0}, {0, 1.0, 0}, &out));
  EXPECT_EQ(out.f, 16777216.0);
  ASSERT_TRUE(fold_binary(OpCode::FDiv, scalar(Kind::Float32), {0, 1, 0}, {0, 3, 0}, &out));
  EXPECT_EQ(out.f, static_cast<double>(1.0f / 3.0f));
  ASSERT_TRUE(fold_unary(OpCode::Neg, pyfloat(), pyfloat(), {0, 0.0, 0}, &out));
  EXPECT_TRUE(std::signbit(out.f));
}

TEST(Fold, Casts) {
  Number out;
  auto cast = [&](TypeRef from, TypeRef to, Number n) { return fold_unary(OpCode::Cast, from, to, n, &out); };
  ASSERT_TRUE(cast(pyfloat(), pyint(), {0, -3.9, 0}));
  EXPECT_EQ(out.i, -3);
  ASSERT_TRUE(cast(pyint(), scalar(Kind::UInt8), {-1, 0, 0}));
  EXPECT_EQ(out.i, 255);
  ASSERT_TRUE(cast(scalar(Kind::UInt64), pyfloat(), {-1, 0, 0}));
  EXPECT_EQ(out.f, 18446744073709551616.0);
  ASSERT_TRUE(cast(pyfloat(), scalar(Kind::Float32), {0, 0.1, 0}));
  EXPECT_EQ(out.f, static_cast<double>(0.1f));
  ASSERT_TRUE(cast(pyfloat(), pybool(), {0, std::numeric_limits<double>::quiet_NaN(), 0}));
  EXPECT_EQ(out.i, 1);
  ASSERT_TRUE(cast(pyint(), scalar(Kind::Bool), {256, 0, 0}));
  EXPECT_EQ(out.i, 1);
  // Out of range is the machine's business.
  EXPECT_FALSE(cast(pyfloat(), pyint(), {0, 9.3e18, 0}));
  EXPECT_FALSE(cast(pyfloat(), scalar(Kind::UInt8), {0, -1.0, 0}));
  EXPECT_FALSE(cast(pyfloat(), pyint(), {0, std::numeric_limits<double>::quiet_NaN(), 0}));
}

// One op of each kind in a function; what is returned says what it became.
std::string returned(const std::string& type, const std::string& ops) {
  std::string out = after("cleanup", "func @f(%0: pyint, %1: pybool, %2: pyfloat, %3: array(pyfloat,2,S), %4: pyint) -> " + type + " {\n^0:\n" +
                                         ops + "\n  return %9\n}");
  size_t body = out.find(":\n") + 2;
  return out.substr(body, out.rfind("}") - body);
}

TEST(Cleanup, Rules) {
  EXPECT_EQ(returned("pyint", "  %5 = const 0 : pyint\n  %9 = add %0, %5 : pyint"), "  return %0\n");
  EXPECT_EQ(returned("pyint", "  %5 = const 1 : pyint\n  %9 = mul %5, %0 : pyint"), "  return %0\n");
  EXPECT_EQ(returned("pyint", "  %5 = neg %0 : pyint\n  %9 = neg %5 : pyint"), "  return %0\n");
  EXPECT_EQ(returned("pyint", "  %9 = select %1, %0, %0 : pyint"), "  return %0\n");
  EXPECT_EQ(returned("pybool", "  %5 = not %1 : pybool\n  %9 = not %5 : pybool"), "  return %1\n");
  EXPECT_EQ(returned("pybool", "  %5 = const 1 : pybool\n  %9 = and %5, %1 : pybool"), "  return %1\n");
  EXPECT_EQ(returned("pyint", "  %5 = cast %0 : int64\n  %9 = cast %5 : pyint"), "  return %0\n");
  EXPECT_EQ(returned("pyfloat", "  %5 = cast %2 : float64\n  %9 = cast %5 : pyfloat"), "  return %2\n");
  EXPECT_EQ(returned("pyint", "  %5 = tuple.make %2, %0 : tuple(pyfloat,pyint)\n  %9 = tuple.get %5, 1 : pyint"), "  return %0\n");
  EXPECT_EQ(returned("pyint", "  %5 = some %0 : unbound(pyint)\n  %9 = payload %5 : pyint"), "  return %0\n");
  EXPECT_EQ(returned("pyfloat", "  %5 = complex.make %2, %2 : pycomplex\n  %9 = complex.imag %5 : pyfloat"), "  return %2\n");
}

TEST(Cleanup, WhatMustStay) {
  for (const char* ops : {"  %5 = const 0.0 : pyfloat\n  %9 = add %2, %5 : pyfloat",       // -0.0 + 0.0 is 0.0
                          "  %5 = const 0.0 : pyfloat\n  %9 = mul %2, %5 : pyfloat",       // nan, inf
                          "  %5 = cast %2 : float32\n  %9 = cast %5 : pyfloat",            // rounds
                          "  %5 = cast %2 : pyint\n  %9 = cast %5 : pyfloat"}) {
    EXPECT_NE(returned("pyfloat", ops).find("%9 = "), std::string::npos) << ops;
  }
  EXPECT_NE(returned("pyint", "  %5 = cast %0 : int32\n  %9 = cast %5 : pyint").find("%9 = cast"), std::string::npos);
  EXPECT_NE(returned("pybool", "  %9 = eq %2, %2 : pybool").find("%9 = eq"), std::string::npos);       // nan
  EXPECT_NE(returned("pyint", "  %5 = const 0 : pyint\n  %9 = floordiv %0, %5 : pyint").find("%9 = floordiv"), std::string::npos);
}

TEST(Cleanup, ErrorsAndEffectsStay) {
  std::string out = after("cleanup", R"(func @f(%0: pyint, %1: list(pyint), %2: ptr(pyint)) -> pyint {
^0:
  %3 = call_rt %0, "f" : pyint
  %4 = index_check %0, %3, 0 : pyint
  list.push %1, %0
  store %2, %0
  %5 = load %2 : pyint
  %6 = alloc %0 : owner
  %7 = stack_alloc 8 : ptr(pyint)
  poll
  return %0
}
)");
  for (const char* kept : {"call_rt", "index_check", "list.push", "store", "poll"}) EXPECT_EQ(count_of(out, kept), 1) << out;
  for (const char* gone : {"load", "alloc"}) EXPECT_EQ(count_of(out, gone), 0) << out;
}

TEST(Cleanup, StackSlotsAreNotShared) {
  std::string out = after("cleanup", R"(func @f(%0: pyint) -> pyint {
^0:
  %1 = stack_alloc 8 : ptr(pyint)
  %2 = stack_alloc 8 : ptr(pyint)
  store %1, %0
  store %2, %0
  return %0
}
)");
  EXPECT_EQ(count_of(out, "stack_alloc"), 2) << out;
}

// A check in a block that can be left by an error proves nothing in the handler.
TEST(Cleanup, HandlersDoNotTrustTheBlockThatFailed) {
  std::string out = after("cleanup", R"(func @f(%0: pyint, %1: pyint) -> pyint {
^0:
  jump ^1
^1 !err ^2:
  %2 = index_check %0, %1, 0 : pyint
  %3 = index_check %0, %1, 0 : pyint
  return %3
^2:
  %4 = exc.catch : exc#1
  %5 = index_check %0, %1, 0 : pyint
  return %5
}
)");
  EXPECT_EQ(count_of(out, "index_check"), 2) << out;
}

TEST(Cleanup, LoopsThatFeedOnlyThemselvesGo) {
  std::string out = after("cleanup", R"(func @f(%0: pyint, %1: pybool) -> pyint {
^0:
  jump ^1(%0, %0)
^1(%2: pyint, %3: pyint) loop:
  %4 = add %2, %3 : pyint
  %5 = add %3, %2 : pyint
  br %1, ^1(%4, %5), ^2
^2:
  return %0
}
)");
  EXPECT_EQ(count_of(out, "add"), 0) << out;
  EXPECT_NE(out.find("^1 loop:\n  br %1, ^1, ^2"), std::string::npos) << out;
}

TEST(Cleanup, FrameStatesFollow) {
  std::string out = after("cleanup", R"(func @f(%0: pyint, %1: pybool) -> pyint {
^0:
  %6 = add %0, %0 : pyint
  jump ^1(%0)
^1(%2: pyint) loop state 4 [%2, %6, %0 | %2]:
  br %1, ^1(%2), ^2
^2:
  return %2
}
)");
  EXPECT_NE(out.find("state 4 [%0, _, %0 | %0]"), std::string::npos) << out;
}

TEST(Cleanup, NamesOfVariablesAreKept) {
  std::string out = after("cleanup", R"(func @f(%0: pyint) -> pyint {
^0:
  %1 = add %0, %0 : pyint
  jump ^1(%1)
^1(%2 "x": pyint):
  return %2
}
)");
  EXPECT_NE(out.find("%1 \"x\" = add"), std::string::npos) << out;
}

TEST(Cleanup, DoingItTwiceChangesNothing) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    Program p;
    p.functions.push_back(random_function(seed, 3 + seed % 9));
    Function& f = *p.functions[0];
    run_cleanup(f, {});
    ASSERT_EQ(verify(f), "") << print(f);
    std::string once = print(f);
    run_cleanup(f, {});
    ASSERT_EQ(print(f), once) << "seed " << seed;
  }
}

}  // namespace
}  // namespace coluber::ir
