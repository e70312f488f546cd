// Integers, bits, comparisons, conversions: each op at its extremes, against what Python says.
#include <cmath>
#include <limits>

#include "tests/unit/backends/harness.h"

namespace coluber::backend {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min(), kMax = std::numeric_limits<int64_t>::max();

int64_t int_op(Compiled& c, int64_t a, int64_t b) {
  EXPECT_EQ(c.call({cell(a), cell(b)}), 0);
  return static_cast<int64_t>(c.result[0]);
}

std::string binary(const std::string& op, const std::string& type, const std::string& result = "") {
  std::string r = result.empty() ? type : result;
  return function_text("%0: " + type + ", %1: " + type, r, "  %2 = " + op + " %0, %1 : " + r + "\n  return %2");
}

// Python's floor division and modulo in 128 bits, wrapped to 64.
int64_t python_floor_div(int64_t a, int64_t b) {
  __int128 q = static_cast<__int128>(a) / b, r = static_cast<__int128>(a) % b;
  if (r != 0 && (r < 0) != (b < 0)) --q;
  return static_cast<int64_t>(q);
}
int64_t python_mod(int64_t a, int64_t b) {
  __int128 r = static_cast<__int128>(a) % b;
  if (r != 0 && (r < 0) != (b < 0)) r += b;
  return static_cast<int64_t>(r);
}

const std::vector<int64_t> kInts = {0,
                                    1,
                                    -1,
                                    2,
                                    -2,
                                    3,
                                    -3,
                                    7,
                                    -7,
                                    8,
                                    -8,
                                    63,
                                    64,
                                    100,
                                    -100,
                                    1000003,
                                    -1000003,
                                    kMax,
                                    kMin,
                                    kMax - 1,
                                    kMin + 1,
                                    int64_t{1} << 32,
                                    -(int64_t{1} << 32)};

TEST(Integers, FloorDivisionAndModulo) {
  Compiled div(binary("floordiv", "pyint")), mod(binary("mod", "pyint")), tdiv(binary("truncdiv", "pyint")),
      rem(binary("truncrem", "pyint"));
  for (int64_t a : kInts)
    for (int64_t b : kInts) {
      if (b == 0) continue;
      EXPECT_EQ(int_op(div, a, b), python_floor_div(a, b)) << a << " // " << b;
      EXPECT_EQ(int_op(mod, a, b), python_mod(a, b)) << a << " % " << b;
      EXPECT_EQ(int_op(tdiv, a, b), static_cast<int64_t>(static_cast<__int128>(a) / b)) << a << " / " << b;
      EXPECT_EQ(int_op(rem, a, b), static_cast<int64_t>(static_cast<__int128>(a) % b)) << a << " rem " << b;
    }
}

TEST(Integers, DivisionByConstants) {
  for (int64_t b : kInts) {
    if (b == 0) continue;
    Compiled c(function_text("%0: pyint", "tuple(pyint,pyint)",
                             "  %1 = const " + std::to_string(b) +
                                 " : pyint\n  %2 = floordiv %0, %1 : pyint\n  %3 = mod %0, %1 : pyint\n"
                                 "  %4 = tuple.make %2, %3 : tuple(pyint,pyint)\n  return %4"));
    for (int64_t a : kInts) {
      ASSERT_EQ(c.call({cell(a)}), 0);
      EXPECT_EQ(static_cast<int64_t>(c.result[0]), python_floor_div(a, b)) << a << " // " << b;
      EXPECT_EQ(static_cast<int64_t>(c.result[1]), python_mod(a, b)) << a << " % " << b;
    }
  }
}

TEST(Integers, NarrowDivision) {
  Compiled div(binary("floordiv", "int8")), mod(binary("mod", "int8")), udiv(binary("floordiv", "uint8")), umod(binary("mod", "uint8"));
  for (int a = -128; a < 128; ++a)
    for (int b : {-128, -127, -3, -1, 1, 2, 5, 127}) {
      div.call({cell(a), cell(b)});
      EXPECT_EQ(static_cast<int8_t>(div.result[0]), static_cast<int8_t>(python_floor_div(a, b))) << a << " // " << b;
      mod.call({cell(a), cell(b)});
      EXPECT_EQ(static_cast<int8_t>(mod.result[0]), static_cast<int8_t>(python_mod(a, b))) << a << " % " << b;
      uint8_t ua = static_cast<uint8_t>(a), ub = static_cast<uint8_t>(b);
      udiv.call({cell(int{ua}), cell(int{ub})});
      EXPECT_EQ(static_cast<uint8_t>(udiv.result[0]), ua / ub);
      umod.call({cell(int{ua}), cell(int{ub})});
      EXPECT_EQ(static_cast<uint8_t>(umod.result[0]), ua % ub);
    }
}

TEST(Integers, Wrap) {
  Compiled add(binary("add", "pyint")), sub(binary("sub", "pyint")), mul(binary("mul", "pyint"));
  EXPECT_EQ(int_op(add, kMax, 1), kMin);
  EXPECT_EQ(int_op(sub, kMin, 1), kMax);
  EXPECT_EQ(int_op(mul, kMax, 2), -2);
  Compiled neg(function_text("%0: pyint", "pyint", "  %1 = neg %0 : pyint\n  return %1"));
  EXPECT_EQ(int_op(neg, kMin, 0), kMin);
  EXPECT_EQ(int_op(neg, 5, 0), -5);
}

TEST(Integers, Shifts) {
  Compiled shl(binary("shl", "pyint")), shr(binary("shr", "pyint")), ushr(binary("shr", "uint64")), shl8(binary("shl", "uint8"));
  EXPECT_EQ(int_op(shl, 1, 62), int64_t{1} << 62);
  EXPECT_EQ(int_op(shl, 1, 63), kMin);
  for (int64_t n : {int64_t{64}, int64_t{65}, kMax, int64_t{-1}, kMin}) {
    EXPECT_EQ(int_op(shl, 5, n), 0) << n;
    EXPECT_EQ(int_op(shr, 5, n), 0) << n;
    EXPECT_EQ(int_op(shr, -5, n), -1) << n;
    EXPECT_EQ(int_op(ushr, -5, n), 0) << n;
  }
  EXPECT_EQ(int_op(shr, -7, 1), -4);
  EXPECT_EQ(int_op(ushr, -1, 63), 1);
  shl8.call({cell(0xff), cell(4)});
  EXPECT_EQ(static_cast<uint8_t>(shl8.result[0]), 0xf0);
  shl8.call({cell(0xff), cell(8)});
  EXPECT_EQ(static_cast<uint8_t>(shl8.result[0]), 0);
}

TEST(Integers, Overflow) {
  auto text = [](const std::string& op, const std::string& type) {
    return function_text(
        "%0: " + type + ", %1: " + type, "tuple(" + type + ",pybool)",
        "  %2, %3 = " + op + " %0, %1 : " + type + ", pybool\n  %4 = tuple.make %2, %3 : tuple(" + type + ",pybool)\n  return %4");
  };
  Compiled add(text("add_ovf", "pyint")), sub(text("sub_ovf", "pyint")), mul(text("mul_ovf", "pyint")), uadd(text("add_ovf", "uint64"));
  auto overflows = [](Compiled& c, int64_t a, int64_t b) {
    EXPECT_EQ(c.call({cell(a), cell(b)}), 0);
    return (c.result[1] & 0xff) == 1;
  };
  EXPECT_TRUE(overflows(add, kMax, 1));
  EXPECT_EQ(static_cast<int64_t>(add.result[0]), kMin);
  EXPECT_FALSE(overflows(add, kMax, -1));
  EXPECT_TRUE(overflows(sub, kMin, 1));
  EXPECT_FALSE(overflows(sub, -1, kMax));
  EXPECT_TRUE(overflows(mul, kMin, -1));
  EXPECT_FALSE(overflows(mul, int64_t{1} << 31, int64_t{1} << 31));
  EXPECT_TRUE(overflows(uadd, -1, 1));
  EXPECT_FALSE(overflows(uadd, -2, 1));
}

TEST(Integers, BitsAndIntrinsics) {
  Compiled c(function_text("%0: uint32", "tuple(uint32,uint32,uint32,uint32,uint32)",
                           "  %1 = not %0 : uint32\n  %2 = math %0, \"popcount\" : uint32\n  %3 = math %0, \"clz\" : uint32\n"
                           "  %4 = math %0, \"ctz\" : uint32\n  %5 = math %0, \"bswap\" : uint32\n"
                           "  %6 = tuple.make %1, %2, %3, %4, %5 : tuple(uint32,uint32,uint32,uint32,uint32)\n  return %6"));
  for (uint32_t x : {0u, 1u, 0x80000000u, 0xdeadbeefu}) {
    ASSERT_EQ(c.call({cell(uint64_t{x})}), 0);
    EXPECT_EQ(static_cast<uint32_t>(c.result[0]), ~x);
    EXPECT_EQ(static_cast<uint32_t>(c.result[1]), static_cast<uint32_t>(std::popcount(x)));
    EXPECT_EQ(static_cast<uint32_t>(c.result[2]), static_cast<uint32_t>(std::countl_zero(x)));
    EXPECT_EQ(static_cast<uint32_t>(c.result[3]), static_cast<uint32_t>(std::countr_zero(x)));
    EXPECT_EQ(static_cast<uint32_t>(c.result[4]), __builtin_bswap32(x));
  }
  Compiled s(function_text("%0: pyint, %1: pyint", "tuple(pyint,pyint,pyint,pyint)",
                           "  %2 = math %0, \"iabs\" : pyint\n  %3 = math %0, %1, \"imin\" : pyint\n  %4 = math %0, %1, \"imax\" : pyint\n"
                           "  %5 = math %0, %1, \"umulh\" : pyint\n  %6 = tuple.make %2, %3, %4, %5 : tuple(pyint,pyint,pyint,pyint)\n"
                           "  return %6"));
  ASSERT_EQ(s.call({cell(-5), cell(3)}), 0);
  EXPECT_EQ(s.result[0], 5u);
  EXPECT_EQ(static_cast<int64_t>(s.result[1]), -5);
  EXPECT_EQ(s.result[2], 3u);
  EXPECT_EQ(s.result[3], 2u);  // (2^64 - 5) * 3 >> 64
}

TEST(Bools, AreBytesInMemoryAndLogicInRegisters) {
  Compiled c(function_text("%0: pybool, %1: pybool", "tuple(pybool,pybool,pybool,pybool)",
                           "  %2 = and %0, %1 : pybool\n  %3 = or %0, %1 : pybool\n  %4 = xor %0, %1 : pybool\n  %5 = not %0 : pybool\n"
                           "  %6 = tuple.make %2, %3, %4, %5 : tuple(pybool,pybool,pybool,pybool)\n  return %6"));
  for (int a = 0; a < 2; ++a)
    for (int b = 0; b < 2; ++b) {
      ASSERT_EQ(c.call({cell(a), cell(b)}), 0);
      EXPECT_EQ(c.result[0] & 0xff, static_cast<uint64_t>(a & b));
      EXPECT_EQ(c.result[1] & 0xff, static_cast<uint64_t>(a | b));
      EXPECT_EQ(c.result[2] & 0xff, static_cast<uint64_t>(a ^ b));
      EXPECT_EQ(c.result[3] & 0xff, static_cast<uint64_t>(!a));
    }
}

TEST(Comparisons, OrderAndNan) {
  const double nan = std::nan("");
  struct Row {
    const char* op;
    bool less, equal, greater, unordered;
  };
  for (const Row& row : {Row{"eq", false, true, false, false}, Row{"ne", true, false, true, true}, Row{"lt", true, false, false, false},
                         Row{"le", true, true, false, false}, Row{"gt", false, false, true, false}, Row{"ge", false, true, true, false}}) {
    Compiled f(binary(row.op, "pyfloat", "pybool")), i(binary(row.op, "pyint", "pybool")), u(binary(row.op, "uint64", "pybool"));
    auto test = [](Compiled& c, uint64_t a, uint64_t b) {
      EXPECT_EQ(c.call({a, b}), 0);
      return (c.result[0] & 0xff) != 0;
    };
    EXPECT_EQ(test(f, cell(1.0), cell(2.0)), row.less) << row.op;
    EXPECT_EQ(test(f, cell(0.0), cell(-0.0)), row.equal) << row.op;
    EXPECT_EQ(test(f, cell(2.0), cell(1.0)), row.greater) << row.op;
    EXPECT_EQ(test(f, cell(nan), cell(1.0)), row.unordered) << row.op;
    EXPECT_EQ(test(f, cell(nan), cell(nan)), row.unordered) << row.op;
    EXPECT_EQ(test(i, cell(-1), cell(1)), row.less) << row.op;
    EXPECT_EQ(test(u, cell(-1), cell(1)), row.greater) << row.op;
  }
}

struct CastCase {
  const char *from, *to;
  uint64_t in, out;
  int bits;
};

TEST(Casts, NumbersToNumbers) {
  const double inf = std::numeric_limits<double>::infinity();
  const CastCase cases[] = {
      {"pyint", "int8", cell(300), 44, 8},
      {"int8", "pyint", cell(-1), cell(-1), 64},
      {"uint8", "pyint", cell(255), 255, 64},
      {"int32", "uint64", cell(-1), cell(-1), 64},
      {"pyint", "pyfloat", cell(-3), cell(-3.0), 64},
      {"uint64", "pyfloat", cell(-1), cell(18446744073709551616.0), 64},
      {"pyfloat", "pyint", cell(-3.9), cell(-3), 64},
      {"pyfloat", "uint64", cell(1.8e19), cell(uint64_t{18000000000000000000u}), 64},
      {"pyfloat", "uint64", cell(-1.0), cell(-1), 64},
      {"pyfloat", "uint8", cell(257.0), 1, 8},
      {"pyfloat", "int16", cell(-2.5), static_cast<uint16_t>(-2), 16},
      {"pyfloat", "uint32", cell(4294967295.0), 4294967295u, 32},
      {"pyfloat", "float32", cell(0.1), cell(0.1f), 32},
      {"float32", "pyfloat", cell(0.5f), cell(0.5), 64},
      {"pybool", "pyint", cell(1), 1, 64},
      {"pybool", "pyfloat", cell(1), cell(1.0), 64},
      {"pyint", "pybool", cell(256), 1, 8},
      {"pyfloat", "pybool", cell(std::nan("")), 1, 8},
      {"pyfloat", "pybool", cell(-0.0), 0, 8},
      {"pyfloat", "pybool", cell(inf), 1, 8},
      {"float32", "bool", cell(0.0f), 0, 8},
      {"uint64", "float32", cell(-1), cell(18446744073709551616.0f), 32},
  };
  for (const CastCase& t : cases) {
    Compiled c(function_text(std::string("%0: ") + t.from, t.to, std::string("  %1 = cast %0 : ") + t.to + "\n  return %1"));
    ASSERT_EQ(c.call({t.in}), 0);
    uint64_t mask = t.bits == 64 ? ~uint64_t{0} : (uint64_t{1} << t.bits) - 1;
    EXPECT_EQ(c.result[0] & mask, t.out) << t.from << " -> " << t.to;
  }
}

TEST(Casts, ComplexAndBits) {
  Compiled real(function_text("%0: complex128", "pyfloat", "  %1 = cast %0 : pyfloat\n  return %1"));
  ASSERT_EQ(real.call({cell(1.5), cell(2.5)}), 0);
  EXPECT_EQ(as_double(real.result[0]), 1.5);
  Compiled truth(function_text("%0: complex64", "pybool", "  %1 = cast %0 : pybool\n  return %1"));
  ASSERT_EQ(truth.call({cell(0.0f), cell(-0.0f)}), 0);
  EXPECT_EQ(truth.result[0] & 0xff, 0u);
  ASSERT_EQ(truth.call({cell(0.0f), cell(1.0f)}), 0);
  EXPECT_EQ(truth.result[0] & 0xff, 1u);
  Compiled widen(function_text("%0: int16", "complex128", "  %1 = cast %0 : complex128\n  return %1"));
  ASSERT_EQ(widen.call({cell(-2)}), 0);
  EXPECT_EQ(as_double(widen.result[0]), -2.0);
  EXPECT_TRUE(same_bits(as_double(widen.result[1]), 0.0));
  Compiled bits(function_text("%0: float64", "int64", "  %1 = bitcast %0 : int64\n  return %1"));
  ASSERT_EQ(bits.call({cell(-0.0)}), 0);
  EXPECT_EQ(static_cast<int64_t>(bits.result[0]), kMin);
  Compiled pair(function_text("%0: complex64", "uint64", "  %1 = bitcast %0 : uint64\n  return %1"));
  ASSERT_EQ(pair.call({cell(1.0f), cell(2.0f)}), 0);
  EXPECT_EQ(pair.result[0], 0x400000003f800000u);
}

}  // namespace
}  // namespace coluber::backend
