// Aggregates, pointers, arrays of every layout, lists, allocation and reference counts.
#include <cstring>

#include "tests/unit/backends/harness.h"

namespace coluber::backend {
namespace {

TEST(Aggregates, TuplesAndOptionalsAreSlots) {
  Compiled c(function_text("%0: tuple(pyint,complex128,pybool), %1: optional(pyfloat)", "tuple(pybool,pyfloat,complex128,pyint)",
                           "  %2 = tuple.get %0, 1 : complex128\n  %3 = tuple.get %0, 0 : pyint\n  %4 = present %1 : pybool\n"
                           "  %5 = payload %1 : pyfloat\n  %6 = tuple.make %4, %5, %2, %3 : tuple(pybool,pyfloat,complex128,pyint)\n"
                           "  return %6"));
  ASSERT_EQ(c.call({cell(7), cell(1.0), cell(2.0), cell(1), cell(true), cell(3.5)}), 0);
  EXPECT_EQ(c.result[0] & 0xff, 1u);
  EXPECT_EQ(as_double(c.result[1]), 3.5);
  EXPECT_EQ(as_double(c.result[2]), 1.0);
  EXPECT_EQ(as_double(c.result[3]), 2.0);
  EXPECT_EQ(c.result[4], 7u);
}

TEST(Aggregates, SomeAbsentSelectZero) {
  Compiled c(function_text("%0: pybool, %1: pyint", "optional(pyint)",
                           "  %2 = some %1 : optional(pyint)\n  %3 = absent : optional(pyint)\n"
                           "  %4 = select %0, %2, %3 : optional(pyint)\n  return %4"));
  ASSERT_EQ(c.call({cell(true), cell(5)}), 0);
  EXPECT_EQ(c.result[0] & 0xff, 1u);
  EXPECT_EQ(c.result[1], 5u);
  ASSERT_EQ(c.call({cell(false), cell(5)}), 0);
  EXPECT_EQ(c.result[0] & 0xff, 0u);
}

TEST(Constants, StringsAndNumbers) {
  Compiled c(
      function_text("", "tuple(str,complex128,float32,uint8)",
                    "  %0 = str_const \"h\\xc3\\xa9!\" : str\n  %1 = const 1.5, -2.0 : complex128\n  %2 = const 0.25 : float32\n"
                    "  %3 = const 200 : uint8\n  %4 = tuple.make %0, %1, %2, %3 : tuple(str,complex128,float32,uint8)\n  return %4"));
  ASSERT_EQ(c.call({}), 0);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(c.result[0]), c.result[1]), "h\xc3\xa9!");
  EXPECT_EQ(c.result[2], 0u);
  EXPECT_EQ(as_double(c.result[3]), 1.5);
  EXPECT_EQ(as_double(c.result[4]), -2.0);
  EXPECT_EQ(as_float(c.result[5]), 0.25f);
  EXPECT_EQ(c.result[6] & 0xff, 200u);
}

TEST(Constants, StringEquality) {
  Compiled c(function_text("%0: str", "pybool", "  %1 = str_const \"mean\" : str\n  %2 = str.eq %0, %1 : pybool\n  return %2"));
  for (const char* s : {"mean", "mea", "meam", "", "meanx"}) {
    ASSERT_EQ(c.call({cell(s), cell(static_cast<int64_t>(std::strlen(s))), 0}), 0);
    EXPECT_EQ(c.result[0] & 0xff, static_cast<uint64_t>(std::strcmp(s, "mean") == 0)) << s;
  }
}

TEST(Pointers, LoadStoreAndStack) {
  Compiled c(function_text("%0: pyint, %1: complex64", "tuple(pyint,complex64,pyint)",
                           "  %2 = stack_alloc 64 : ptr(pyint)\n  %3 = const 0 : pyint\n  store %2, %0\n  %4 = const 16 : pyint\n"
                           "  %5 = ptr.add %2, %4 : ptr(complex64)\n  store %5, %1\n  %6 = const 32 : pyint\n"
                           "  %7 = ptr.add %2, %6 : ptr(pyint)\n  mem.copy %7, %2, %4\n  %8 = load %7 : pyint\n  %9 = load %5 : complex64\n"
                           "  mem.zero %2, %4\n  %10 = load %2 : pyint\n"
                           "  %11 = tuple.make %8, %9, %10 : tuple(pyint,complex64,pyint)\n  return %11"));
  ASSERT_EQ(c.call({cell(42), cell(1.0f), cell(2.0f)}), 0);
  EXPECT_EQ(c.result[0], 42u);
  EXPECT_EQ(as_float(c.result[1]), 1.0f);
  EXPECT_EQ(as_float(c.result[2]), 2.0f);
  EXPECT_EQ(c.result[3], 0u);
}

// sum over i, j of a[i, j] * (10 i + j), and a[i, j] += 1.
std::string walk(const std::string& layout) {
  const std::string a = "array(float64,2," + layout + ")";
  return "func @f(%0: " + a + ") -> pyfloat exported {\n^0(%0: " + a +
         "):\n"
         "  %1 = array.shape %0, 0 : pyint\n  %2 = array.shape %0, 1 : pyint\n  %3 = const 0 : pyint\n  %4 = const 0.0 : pyfloat\n"
         "  %5 = const 1 : pyint\n  %26 = const 10 : pyint\n  jump ^1(%3, %4)\n"
         "^1(%6: pyint, %7: pyfloat):\n  %8 = lt %6, %1 : pybool\n  br %8, ^2(%3, %7), ^5\n"
         "^2(%9: pyint, %10: pyfloat):\n  %11 = lt %9, %2 : pybool\n  br %11, ^3, ^4\n"
         "^3:\n  %12 = array.load %0, %6, %9 : float64\n  %13 = mul %6, %26 : pyint\n  %14 = add %13, %9 : pyint\n"
         "  %15 = cast %14 : pyfloat\n  %16 = cast %12 : pyfloat\n  %17 = mul %15, %16 : pyfloat\n  %18 = add %10, %17 : pyfloat\n"
         "  %19 = const 1.0 : float64\n  %20 = add %12, %19 : float64\n  array.store %0, %20, %6, %9\n"
         "  %21 = add %9, %5 : pyint\n  jump ^2(%21, %18)\n"
         "^4:\n  %22 = add %6, %5 : pyint\n  jump ^1(%22, %10)\n"
         "^5:\n  return %7\n}\n";
}

struct LayoutCase {
  const char* name;
  int64_t step0, step1;
};  // strides in elements

TEST(Arrays, EveryLayoutFindsItsElements) {
  constexpr int64_t n = 3, m = 4;
  for (const LayoutCase& t :
       {LayoutCase{"C", m, 1}, LayoutCase{"F", 1, n}, LayoutCase{"S", 7, 1}, LayoutCase{"A", 9, 2}, LayoutCase{"A", -9, -2}}) {
    Compiled c(walk(t.name));
    std::vector<double> memory(100, 0.0);
    double* data = memory.data() + 50 - (t.step0 > 0 ? 25 : 0) + (t.step0 < 0 ? 10 : 0);
    double expected = 0;
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < m; ++j) {
        data[i * t.step0 + j * t.step1] = static_cast<double>(i + j + 1);
        expected += static_cast<double>((10 * i + j) * (i + j + 1));
      }
    TestOwner owner;
    std::vector<uint64_t> cells{cell(&owner), cell(data), cell(n), cell(m)};
    if (t.name[0] != 'C' && t.name[0] != 'F') cells.push_back(cell(8 * t.step0));
    if (t.name[0] == 'A') cells.push_back(cell(8 * t.step1));
    ASSERT_EQ(c.call(cells), 0);
    EXPECT_EQ(as_double(c.result[0]), expected) << t.name;
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < m; ++j) EXPECT_EQ(data[i * t.step0 + j * t.step1], static_cast<double>(i + j + 2)) << t.name;
  }
}

TEST(Arrays, StridesAndConversions) {
  Compiled c(function_text("%0: array(int16,3,C)", "tuple(pyint,pyint,pyint,array(int16,3,A))",
                           "  %1 = array.stride %0, 0 : pyint\n  %2 = array.stride %0, 1 : pyint\n  %3 = array.stride %0, 2 : pyint\n"
                           "  %4 = array.as %0 : array(int16,3,S)\n  %5 = array.as %4 : array(int16,3,A)\n"
                           "  retain %5\n  %6 = tuple.make %1, %2, %3, %5 : tuple(pyint,pyint,pyint,array(int16,3,A))\n  return %6"));
  TestOwner owner;
  int16_t data[24];
  ASSERT_EQ(c.call({cell(&owner), cell(data), cell(2), cell(3), cell(4)}), 0);
  EXPECT_EQ(c.result[0], 24u);
  EXPECT_EQ(c.result[1], 8u);
  EXPECT_EQ(c.result[2], 2u);
  EXPECT_EQ(c.result[3], cell(&owner));
  EXPECT_EQ(c.result[4], cell(data));
  EXPECT_EQ(c.result[5], 2u);
  EXPECT_EQ(c.result[8], 24u);
  EXPECT_EQ(c.result[9], 8u);
  EXPECT_EQ(c.result[10], 2u);
  EXPECT_EQ(owner.head.count, COLUBER_BORROWED_COUNT + 1);
  Compiled f(function_text("%0: array(complex128,2,F)", "tuple(pyint,pyint)",
                           "  %1 = array.stride %0, 0 : pyint\n  %2 = array.stride %0, 1 : pyint\n"
                           "  %3 = tuple.make %1, %2 : tuple(pyint,pyint)\n  return %3"));
  ASSERT_EQ(f.call({cell(&owner), cell(data), cell(5), cell(6)}), 0);
  EXPECT_EQ(f.result[0], 16u);
  EXPECT_EQ(f.result[1], 80u);
}

TEST(Arrays, BoolAndComplexElements) {
  Compiled c(function_text("%0: array(bool,1,C), %1: array(complex64,1,C)", "tuple(bool,complex64)",
                           "  %2 = const 1 : pyint\n  %3 = array.load %0, %2 : bool\n  %4 = array.load %1, %2 : complex64\n"
                           "  %5 = not %3 : bool\n  array.store %0, %5, %2\n  %6 = neg %4 : complex64\n  array.store %1, %6, %2\n"
                           "  %7 = tuple.make %3, %4 : tuple(bool,complex64)\n  return %7"));
  TestOwner owner;
  uint8_t flags[2] = {0, 1};
  float values[4] = {1, 2, 3, 4};
  ASSERT_EQ(c.call({cell(&owner), cell(flags), cell(2), cell(&owner), cell(values), cell(2)}), 0);
  EXPECT_EQ(c.result[0] & 0xff, 1u);
  EXPECT_EQ(flags[1], 0);
  EXPECT_EQ(as_float(c.result[1]), 3.0f);
  EXPECT_EQ(as_float(c.result[2]), 4.0f);
  EXPECT_EQ(values[2], -3.0f);
  EXPECT_EQ(values[3], -4.0f);
}

TEST(Ownership, AllocateFillReturn) {
  const std::string a = "array(float64,1,C)";
  Compiled c("func @f(%0: pyint) -> " + a +
             " exported {\n^0(%0: pyint):\n"
             "  %1 = const 8 : pyint\n  %2 = mul %0, %1 : pyint\n  %3 = alloc %2, 1 : owner\n  %4 = owner.data %3 : ptr(float64)\n"
             "  %5 = array.make %3, %4, %0 : " +
             a +
             "\n  %6 = const 2.5 : float64\n  %7 = const 0 : pyint\n"
             "  array.store %5, %6, %7\n  retain %5\n  release %3\n  return %5\n}\n");
  ASSERT_EQ(c.call({cell(4)}), 0);
  auto* owner = reinterpret_cast<coluber_owner*>(c.result[0]);
  EXPECT_EQ(owner->count, 1);
  EXPECT_EQ(c.result[1], cell(owner + 1));
  EXPECT_EQ(reinterpret_cast<double*>(c.result[1])[0], 2.5);
  EXPECT_EQ(reinterpret_cast<double*>(c.result[1])[3], 0.0);
  EXPECT_EQ(c.result[2], 4u);
  EXPECT_EQ(runtime_log().drops, 0);
  std::free(owner);
  runtime_log().fail_allocations = true;
  EXPECT_EQ(c.call({cell(4)}), 1);
  EXPECT_NE(c.ctx.error, nullptr);
}

TEST(Ownership, LastReleaseDrops) {
  Compiled c(function_text("%0: pyint", "pyint", "  %1 = alloc %0 : owner\n  retain %1\n  release %1\n  release %1\n  return %0"));
  ASSERT_EQ(c.call({cell(100)}), 0);
  EXPECT_EQ(runtime_log().allocations, 1);
  EXPECT_EQ(runtime_log().drops, 1);
  const std::string t = "optional(array(float64,1,C))";
  Compiled n(function_text("%0: " + t, t, "  retain %0\n  retain %0\n  release %0\n  return %0"));
  ASSERT_EQ(n.call({cell(false), 0, 0, 0}), 0);  // an absent one has no owner
  TestOwner owner;
  ASSERT_EQ(n.call({cell(true), cell(&owner), cell(&owner), cell(1)}), 0);
  EXPECT_EQ(owner.head.count, COLUBER_BORROWED_COUNT + 1);
}

TEST(Lists, PushLoadStoreLen) {
  Compiled c(
      "func @f(%0: pyint) -> list(pyfloat) exported {\n^0(%0: pyint):\n"
      "  %1 = const 0 : pyint\n  %2 = list.new %1 : list(pyfloat)\n  %3 = const 1 : pyint\n  jump ^1(%1)\n"
      "^1(%4: pyint):\n  %5 = lt %4, %0 : pybool\n  br %5, ^2, ^3\n"
      "^2:\n  %6 = cast %4 : pyfloat\n  list.push %2, %6\n  %7 = add %4, %3 : pyint\n  jump ^1(%7)\n"
      "^3:\n  %8 = list.len %2 : pyint\n  %9 = sub %8, %3 : pyint\n  %10 = list.load %2, %9 : pyfloat\n"
      "  %11 = add %10, %10 : pyfloat\n  list.store %2, %1, %11\n  return %2\n}\n");
  ASSERT_EQ(c.call({cell(100)}), 0);
  auto* list = reinterpret_cast<coluber_list*>(c.result[0]);
  ASSERT_EQ(list->length, 100);
  EXPECT_EQ(list->item_size, 8);
  EXPECT_EQ(list->changed, 1);
  EXPECT_EQ(static_cast<double*>(list->data)[0], 198.0);
  for (int k = 1; k < 100; ++k) EXPECT_EQ(static_cast<double*>(list->data)[k], k);
  EXPECT_LT(runtime_log().events.size(), 10u);  // it grows by doubling
  std::free(list->data);
  std::free(list);
}

TEST(Lists, TuplesTakeEightBytesPerSlot) {
  const std::string item = "tuple(uint8,float32)";
  Compiled c("func @f(%0: " + item + ") -> list(" + item + ") exported {\n^0(%0: " + item +
             "):\n"
             "  %1 = const 2 : pyint\n  %2 = list.new %1 : list(" +
             item +
             ")\n  list.push %2, %0\n  list.push %2, %0\n"
             "  %3 = const 1 : pyint\n  list.set_len %2, %3\n  %4 = const 50 : pyint\n  list.reserve %2, %4\n  return %2\n}\n");
  ASSERT_EQ(c.call({cell(200), cell(1.5f)}), 0);
  auto* list = reinterpret_cast<coluber_list*>(c.result[0]);
  EXPECT_EQ(list->item_size, 16);
  EXPECT_EQ(list->length, 1);
  EXPECT_GE(list->capacity, 50);
  auto* bytes = static_cast<char*>(list->data);
  EXPECT_EQ(static_cast<uint8_t>(bytes[16]), 200);
  float f;
  std::memcpy(&f, bytes + 24, 4);
  EXPECT_EQ(f, 1.5f);
  std::free(list->data);
  std::free(list);
}

}  // namespace
}  // namespace coluber::backend
