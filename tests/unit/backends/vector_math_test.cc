// Vector math by the width of vectors: 256 and 512 bits, and elements that come one by one, have the same bits.
#include <cmath>
#include <cstring>
#include <random>

#include "tests/unit/backends/harness.h"

namespace coluber::backend {
namespace {

// f(x, out): out[i] = name(x[i]), in loop 1.
std::string loop_text(const std::string& name, const std::string& type) {
  const std::string a = "array(" + type + ",1,C)";
  return "func @f(%0: " + a + ", %1: " + a + ") -> none exported {\n^0(%0: " + a + ", %1: " + a + "):\n" +
         "  %2 = array.shape %0, 0 : pyint\n  %3 = const 0 : pyint\n  %4 = const 1 : pyint\n  jump ^1(%3)\n" +
         "^1(%5: pyint) loop:\n  %6 = lt %5, %2 : pybool\n  br %6, ^2, ^3\n^2:\n  %7 = array.load %0, %5 : " + type +
         "\n  %8 = math %7, 1, \"" + name + "\" : " + type + "\n  array.store %1, %8, %5\n  %9 = add %5, %4, 1 : pyint\n  jump ^1(%9)\n" +
         "^3:\n  %10 = zero : none\n  return %10\n}\n";
}

template <typename T>
std::vector<T> run(Compiled& c, const std::vector<T>& x, size_t start, size_t count) {
  std::vector<T> out(count);
  TestOwner owner;
  auto array = [&](const T* data) {
    return std::vector<uint64_t>{cell(&owner), cell(static_cast<const void*>(data)), cell(static_cast<int64_t>(count))};
  };
  std::vector<uint64_t> cells = array(x.data() + start), more = array(out.data());
  cells.insert(cells.end(), more.begin(), more.end());
  EXPECT_EQ(c.call(cells), 0);
  return out;
}

template <typename T>
std::vector<T> arguments() {
  std::mt19937_64 random(7);
  std::vector<T> x;
  for (double v : {0.0, -0.0, 1.0, -1.0, 1e-300, 5e-324, 709.5, 710.3, -710.3, 711.0, -745.2, -750.0, 88.5, 1e9, 1e10, -1e300, HUGE_VAL, -HUGE_VAL})
    x.push_back(static_cast<T>(v));
  for (int k = 0; k < 3000; ++k) x.push_back(static_cast<T>(std::ldexp(std::uniform_real_distribution<>(-1, 1)(random), k % 40 - 20)));
  return x;
}

template <typename T>
bool same(T a, T b) {
  return (std::isnan(a) && std::isnan(b)) || std::memcmp(&a, &b, sizeof a) == 0;
}

template <typename T>
void expect_near_truth(const std::string& name, T x, T got) {
  const std::map<std::string, double (*)(double)> functions = {{"sin", std::sin}, {"cos", std::cos}, {"exp", std::exp}, {"log", std::log}, {"tanh", std::tanh}, {"sinh", std::sinh}};
  double truth = functions.at(name)(double{x});
  T rounded = static_cast<T>(truth);
  if (std::isfinite(rounded)) {
    EXPECT_LE(std::abs(got - truth), 3 * (std::nextafter(std::abs(rounded), T(HUGE_VAL)) - std::abs(rounded))) << name << "(" << x << ")";
  } else {
    EXPECT_TRUE(same(got, rounded)) << name << "(" << x << ")";
  }
}

template <typename T>
void compare_widths(const std::string& name, const std::string& type) {
  const std::vector<T> x = arguments<T>();
  std::vector<T> first;
  for (int width : {256, 512}) {
    Options options;
    options.vector_width = width;
    options.keep_llvm = true;
    Compiled c(loop_text(name, type), options);
    std::vector<T> all = run(c, x, 0, x.size());
    if (first.empty()) first = all;
    for (size_t k = 0; k < x.size(); ++k) {
      EXPECT_TRUE(same(all[k], first[k])) << name << "(" << x[k] << ") with " << width << " bits";
      if (k % 50 != 0) continue;
      EXPECT_TRUE(same(run(c, x, k, 1)[0], all[k])) << name << "(" << x[k] << ") alone";
      expect_near_truth(name, x[k], all[k]);
    }
    EXPECT_EQ(c.llvm_text().find("coluber.sin.1"), std::string::npos) << "names that stood in are left";
  }
}

TEST(VectorMath, SameBitsAtAnyWidth) {
  for (const char* name : {"sin", "cos", "exp", "log", "tanh", "sinh"}) {
    compare_widths<double>(name, "float64");
    compare_widths<float>(name, "float32");
  }
}

TEST(VectorMath, ALoopThatIsNotVectorisedCallsTheLibrary) {
  Options options;
  options.keep_llvm = true;
  // Each turn needs the last one's result.
  Compiled c(
      "func @f(%0: float64, %1: pyint) -> float64 exported {\n^0(%0: float64, %1: pyint):\n  %2 = const 0 : pyint\n  %3 = const 1 : pyint\n"
      "  jump ^1(%2, %0)\n^1(%4: pyint, %5: float64) loop:\n  %6 = lt %4, %1 : pybool\n  br %6, ^2, ^3\n^2:\n"
      "  %7 = math %5, 1, \"sin\" : float64\n  %8 = add %4, %3, 1 : pyint\n  jump ^1(%8, %7)\n^3:\n  return %5\n}\n",
      options);
  EXPECT_NE(c.llvm_text().find("@sin("), std::string::npos);
  EXPECT_TRUE(c.object().import_keys.empty());
  EXPECT_EQ(c.call({cell(0.7), cell(3)}), 0);
  EXPECT_TRUE(same_bits(as_double(c.result[0]), std::sin(std::sin(std::sin(0.7)))));
}

}  // namespace
}  // namespace coluber::backend
