// Floats and complex numbers, bit for bit against CPython's own algorithms written out here.
#include <cmath>
#include <limits>
#include <random>

#include "tests/unit/backends/harness.h"

namespace coluber::backend {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
const double kNan = std::nan("");

std::string binary(const std::string& op, const std::string& type) {
  return function_text("%0: " + type + ", %1: " + type, type, "  %2 = " + op + " %0, %1 : " + type + "\n  return %2");
}
double run(Compiled& c, double a, double b) {
  EXPECT_EQ(c.call({cell(a), cell(b)}), 0);
  return as_double(c.result[0]);
}

// Objects/floatobject.c, _float_div_mod and float_rem.
void python_div_mod(double vx, double wx, double* floordiv, double* mod) {
  *mod = std::fmod(vx, wx);
  double div = (vx - *mod) / wx;
  if (*mod) {
    if ((wx < 0) != (*mod < 0)) {
      *mod += wx;
      div -= 1.0;
    }
  } else {
    *mod = std::copysign(0.0, wx);
  }
  if (div) {
    *floordiv = std::floor(div);
    if (div - *floordiv > 0.5) *floordiv += 1.0;
  } else {
    *floordiv = std::copysign(0.0, vx / wx);
  }
}

std::vector<std::pair<double, double>> pairs() {
  const double special[] = {0.0,
                            -0.0,
                            1.0,
                            -1.0,
                            0.5,
                            3.0,
                            -3.0,
                            5.5,
                            -5.5,
                            1e300,
                            -1e300,
                            5e-324,
                            -5e-324,
                            kInf,
                            -kInf,
                            kNan,
                            0.1,
                            0.3,
                            4503599627370497.0,
                            1e16,
                            0.7,
                            2.2250738585072014e-308};
  std::vector<std::pair<double, double>> all;
  for (double a : special)
    for (double b : special) all.push_back({a, b});
  std::mt19937_64 random(1);
  for (int k = 0; k < 20000; ++k) {  // any bits at all, and quotients near integers
    double a = std::bit_cast<double>(random()), b = std::bit_cast<double>(random());
    all.push_back({a, b});
    double c = static_cast<double>(random() % 1000) * 0.1, d = static_cast<double>(random() % 100 + 1) * 0.1;
    all.push_back({random() & 1 ? c : -c, random() & 1 ? d : -d});
    double whole = d * static_cast<double>(random() % (1ull << 50));
    all.push_back({whole, d});
    all.push_back({std::nextafter(whole, 0.0), d});
  }
  return all;
}

TEST(Floats, FloorDivisionAndModuloAsInCPython) {
  Compiled div(binary("floordiv", "pyfloat")), mod(binary("mod", "pyfloat")), rem(binary("truncrem", "pyfloat"));
  for (auto [a, b] : pairs()) {
    EXPECT_TRUE(same_bits(run(rem, a, b), std::fmod(a, b))) << a << " fmod " << b;
    if (b == 0) continue;
    double q, r;
    python_div_mod(a, b, &q, &r);
    EXPECT_TRUE(same_bits(run(div, a, b), q)) << a << " // " << b << " = " << as_double(div.result[0]) << ", not " << q;
    EXPECT_TRUE(same_bits(run(mod, a, b), r)) << a << " % " << b << " = " << as_double(mod.result[0]) << ", not " << r;
  }
}

TEST(Floats, DivisionByZeroAsInNumPy) {
  Compiled div(binary("floordiv", "float64")), mod(binary("mod", "float64")), fdiv(binary("fdiv", "float64"));
  EXPECT_EQ(run(div, 1.0, 0.0), kInf);
  EXPECT_EQ(run(div, 1.0, -0.0), -kInf);
  EXPECT_TRUE(std::isnan(run(div, 0.0, 0.0)));
  EXPECT_TRUE(std::isnan(run(mod, 1.0, 0.0)));
  EXPECT_EQ(run(fdiv, -1.0, 0.0), -kInf);
}

TEST(Floats, SingleModulo) {
  Compiled mod(binary("mod", "float32"));
  std::mt19937 random(2);
  for (int k = 0; k < 20000; ++k) {
    float a = std::bit_cast<float>(static_cast<uint32_t>(random())), b = std::bit_cast<float>(static_cast<uint32_t>(random()));
    if (k & 1) a = static_cast<float>(random() % 1000) * 0.1f, b = static_cast<float>(random() % 50 + 1) * -0.1f;
    float r = std::fmod(a, b);
    if (r) {
      if ((b < 0) != (r < 0)) r += b;
    } else {
      r = std::copysign(0.0f, b);
    }
    ASSERT_EQ(mod.call({cell(a), cell(b)}), 0);
    EXPECT_TRUE(same_bits(as_float(mod.result[0]), r)) << a << " % " << b;
  }
}

TEST(Floats, NoFusedMultiplyAdd) {
  const std::string text = function_text("%0: pyfloat, %1: pyfloat, %2: pyfloat", "pyfloat",
                                         "  %3 = mul %0, %1 : pyfloat\n  %4 = add %3, %2 : pyfloat\n  return %4");
  Compiled strict(text);
  const double x = 1.0 + 0x1p-30, expected_strict = 0.0 + 0x1p-29;  // x*x rounds away 2^-60
  ASSERT_EQ(strict.call({cell(x), cell(x), cell(-1.0)}), 0);
  EXPECT_EQ(as_double(strict.result[0]), expected_strict);
  Options fast;
  fast.fastmath = kContract;
  Compiled fused(text, fast);
  ASSERT_EQ(fused.call({cell(x), cell(x), cell(-1.0)}), 0);
  EXPECT_EQ(as_double(fused.result[0]), std::fma(x, x, -1.0));
}

TEST(Floats, MathFunctions) {
  struct Row {
    const char* name;
    double (*f)(double);
  };
  const Row rows[] = {{"sqrt", std::sqrt},     {"fabs", std::fabs},    {"floor", std::floor}, {"ceil", std::ceil},   {"trunc", std::trunc},
                      {"rint", std::rint},     {"round", std::round},  {"sin", std::sin},     {"cos", std::cos},     {"tan", std::tan},
                      {"asin", std::asin},     {"acos", std::acos},    {"atan", std::atan},   {"sinh", std::sinh},   {"cosh", std::cosh},
                      {"tanh", std::tanh},     {"asinh", std::asinh},  {"acosh", std::acosh}, {"atanh", std::atanh}, {"exp", std::exp},
                      {"exp2", std::exp2},     {"expm1", std::expm1},  {"log", std::log},     {"log2", std::log2},   {"log10", std::log10},
                      {"log1p", std::log1p},   {"logb", std::logb},    {"cbrt", std::cbrt},   {"erf", std::erf},     {"erfc", std::erfc},
                      {"tgamma", std::tgamma}, {"lgamma", std::lgamma}};
  for (const Row& row : rows) {
    Compiled c(function_text("%0: pyfloat", "pyfloat", std::string("  %1 = math %0, \"") + row.name + "\" : pyfloat\n  return %1"));
    for (double x : {0.0, -0.0, 0.5, -0.5, 1.0, 2.5, -2.5, 3.5, 100.25, kInf, -kInf, kNan})
      EXPECT_TRUE(same_bits(run(c, x, 0), row.f(x))) << row.name << "(" << x << ") = " << as_double(c.result[0]);
  }
  struct Row2 {
    const char* name;
    double (*f)(double, double);
  };
  const Row2 rows2[] = {{"pow", std::pow},   {"atan2", std::atan2},         {"hypot", std::hypot},        {"copysign", std::copysign},
                        {"fmod", std::fmod}, {"remainder", std::remainder}, {"nextafter", std::nextafter}};
  for (const Row2& row : rows2) {
    Compiled c(function_text("%0: pyfloat, %1: pyfloat", "pyfloat",
                             std::string("  %2 = math %0, %1, \"") + row.name + "\" : pyfloat\n  return %2"));
    for (double x : {0.0, -0.0, 0.5, -2.5, 1e10, kInf, kNan})
      for (double y : {1.0, -0.0, 2.0, 0.5, -3.0, kInf})
        EXPECT_TRUE(same_bits(run(c, x, y), row.f(x, y))) << row.name << "(" << x << ", " << y << ")";
  }
  Compiled single(function_text("%0: float32", "float32", "  %1 = math %0, \"sin\" : float32\n  return %1"));
  ASSERT_EQ(single.call({cell(0.7f)}), 0);
  EXPECT_EQ(as_float(single.result[0]), std::sin(0.7f));
}

TEST(Floats, ClassesAndParts) {
  Compiled c(
      function_text("%0: pyfloat", "tuple(pybool,pybool,pybool,pybool,pyfloat,pyfloat,pyfloat,pyint)",
                    "  %1 = math %0, \"isnan\" : pybool\n  %2 = math %0, \"isinf\" : pybool\n  %3 = math %0, \"isfinite\" : pybool\n"
                    "  %4 = math %0, \"signbit\" : pybool\n  %5 = math %0, \"modf_frac\" : pyfloat\n"
                    "  %6 = math %0, \"modf_int\" : pyfloat\n  %7 = math %0, \"frexp_mantissa\" : pyfloat\n"
                    "  %8 = math %0, \"frexp_exponent\" : pyint\n"
                    "  %9 = tuple.make %1, %2, %3, %4, %5, %6, %7, %8 : tuple(pybool,pybool,pybool,pybool,pyfloat,pyfloat,pyfloat,pyint)\n"
                    "  return %9"));
  for (double x : {0.0, -0.0, 1.5, -1.5, 1e300, 5e-324, kInf, -kInf, kNan, -kNan, 1234.5678}) {
    ASSERT_EQ(c.call({cell(x)}), 0);
    EXPECT_EQ(c.result[0] & 0xff, static_cast<uint64_t>(std::isnan(x)));
    EXPECT_EQ(c.result[1] & 0xff, static_cast<uint64_t>(std::isinf(x)));
    EXPECT_EQ(c.result[2] & 0xff, static_cast<uint64_t>(std::isfinite(x)));
    EXPECT_EQ(c.result[3] & 0xff, static_cast<uint64_t>(std::signbit(x)));
    double whole, frac = std::modf(x, &whole);
    EXPECT_TRUE(same_bits(as_double(c.result[4]), frac)) << x;
    EXPECT_TRUE(same_bits(as_double(c.result[5]), whole)) << x;
    int exponent = 0;
    double mantissa = std::frexp(x, &exponent);
    EXPECT_TRUE(same_bits(as_double(c.result[6]), mantissa)) << x;
    EXPECT_EQ(static_cast<int64_t>(c.result[7]), std::isfinite(x) ? exponent : 0) << x;
  }
  Compiled ldexp(function_text("%0: pyfloat, %1: pyint", "pyfloat", "  %2 = math %0, %1, \"ldexp\" : pyfloat\n  return %2"));
  const int64_t exponents[] = {0, 10, -1074, 2000, std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()};
  for (int64_t n : exponents) {
    ASSERT_EQ(ldexp.call({cell(1.25), cell(n)}), 0);
    int clamped = static_cast<int>(std::clamp<int64_t>(n, -10000, 10000));
    EXPECT_TRUE(same_bits(as_double(ldexp.result[0]), std::ldexp(1.25, clamped))) << n;
  }
}

struct Complex {
  double re, im;
};

// Objects/complexobject.c, _Py_c_quot.
Complex python_quotient(Complex a, Complex b) {
  Complex r;
  const double abs_breal = std::fabs(b.re), abs_bimag = std::fabs(b.im);
  if (abs_breal >= abs_bimag) {
    const double ratio = b.im / b.re, denom = b.re + b.im * ratio;
    r = {(a.re + a.im * ratio) / denom, (a.im - a.re * ratio) / denom};
  } else if (abs_bimag >= abs_breal) {
    const double ratio = b.re / b.im, denom = b.re * ratio + b.im;
    r = {(a.re * ratio + a.im) / denom, (a.im * ratio - a.re) / denom};
  } else {
    r = {kNan, kNan};
  }
  return r;
}

// NumPy's loops_umath: the same with one reciprocal, and a division by zero that gives inf or nan.
Complex numpy_quotient(Complex a, Complex b) {
  const double abs_re = std::fabs(b.re), abs_im = std::fabs(b.im);
  if (abs_re >= abs_im) {
    if (abs_re == 0 && abs_im == 0) return {a.re / abs_re, a.im / abs_re};
    const double rat = b.im / b.re, scl = 1.0 / (b.re + b.im * rat);
    return {(a.re + a.im * rat) * scl, (a.im - a.re * rat) * scl};
  }
  const double rat = b.re / b.im, scl = 1.0 / (b.im + b.re * rat);
  return {(a.re * rat + a.im) * scl, (a.im * rat - a.re) * scl};
}

TEST(ComplexNumbers, ArithmeticAsInCPythonAndNumPy) {
  const double parts[] = {0.0, -0.0, 1.0, -2.5, 1e200, -1e-200, kInf, kNan, 3.7};
  Compiled mul(binary("mul", "pycomplex")), py(binary("fdiv", "pycomplex")), np(binary("fdiv", "complex128")),
      eq(function_text("%0: pycomplex, %1: pycomplex", "pybool", "  %2 = eq %0, %1 : pybool\n  return %2"));
  for (double a : parts)
    for (double b : parts)
      for (double c : parts)
        for (double d : parts) {
          std::vector<uint64_t> cells{cell(a), cell(b), cell(c), cell(d)};
          ASSERT_EQ(mul.call(cells), 0);
          EXPECT_TRUE(same_bits(as_double(mul.result[0]), a * c - b * d) && same_bits(as_double(mul.result[1]), a * d + b * c));
          if (c != 0 || d != 0) {
            Complex q = python_quotient({a, b}, {c, d});
            ASSERT_EQ(py.call(cells), 0);
            EXPECT_TRUE(same_bits(as_double(py.result[0]), q.re) && same_bits(as_double(py.result[1]), q.im))
                << "(" << a << "," << b << ") / (" << c << "," << d << ")";
          }
          Complex q = numpy_quotient({a, b}, {c, d});
          ASSERT_EQ(np.call(cells), 0);
          EXPECT_TRUE(same_bits(as_double(np.result[0]), q.re) && same_bits(as_double(np.result[1]), q.im))
              << "(" << a << "," << b << ") / (" << c << "," << d << ") = " << as_double(np.result[0]) << "," << as_double(np.result[1])
              << ", not " << q.re << "," << q.im;
          ASSERT_EQ(eq.call(cells), 0);
          EXPECT_EQ(eq.result[0] & 0xff, static_cast<uint64_t>(a == c && b == d));
        }
}

}  // namespace
}  // namespace coluber::backend
