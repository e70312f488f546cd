// Fuse, by running: whatever fuse and the passes behind it make of array expressions must give what the ops are defined to give, and in
// the memory of the arguments too. Shapes, layouts and aliasing are gone through in all combinations.
#include <cmath>
#include <random>

#include "helpers.h"
#include "interpret.h"

namespace coluber::ir::test {
namespace {

constexpr const char* kKernels = R"(
func @add(%0: float64, %1: float64) -> float64 {
^0:
  %2 = add %0, %1 : float64
  return %2
}
func @mul(%0: float64, %1: float64) -> float64 {
^0:
  %2 = mul %0, %1 : float64
  return %2
}
func @less(%0: float64, %1: float64) -> pybool {
^0:
  %2 = lt %0, %1 : pybool
  return %2
}
func @checked(%0: float64, %1: float64) -> float64 {
^0:
  %2 = const 3.0 : float64
  %3 = lt %0, %2 : pybool
  guard %3, "ZeroDiv"
  %4 = add %0, %1 : float64
  return %4
}
)";

// An argument: its type, its shape, and where it begins in one common piece of memory (so that arguments can overlap).
struct Argument {
  TypeRef type;
  std::vector<int64_t> shape;
  int64_t at = 0;                          // bytes
  std::vector<int64_t> strides;
};

struct Result {
  Outcome outcome;
  std::vector<uint8_t> memory;
  std::vector<double> returned;            // elements of a returned array of float64 or bool
  std::vector<int64_t> shape;
};

Result run(const Program& p, const std::string& name, const std::vector<Argument>& arguments) {
  Interpreter machine(p);
  constexpr size_t kBytes = 4096;
  uint8_t* memory = machine.allocate(kBytes);
  for (size_t k = 0; k < kBytes / 8; ++k) reinterpret_cast<double*>(memory)[k] = static_cast<double>((k * 7) % 31) - 9.5;
  std::vector<Slots> args;
  for (const Argument& a : arguments) args.push_back(array_slots(reinterpret_cast<uint64_t>(memory) + static_cast<uint64_t>(a.at), a.shape, a.strides));
  Result r;
  r.outcome = machine.run(name, args);
  r.memory.assign(memory, memory + kBytes);
  const Function* f = p.find(name);
  if (!r.outcome.result.empty() && f->result->is(Kind::Array)) {
    size_t n = 1;
    for (int k = 0; k < f->result->ndim; ++k) {
      r.shape.push_back(static_cast<int64_t>(r.outcome.result[2 + static_cast<size_t>(k)]));
      n *= static_cast<size_t>(r.shape.back());
    }
    if (is_bool(f->result->elem))
      for (uint8_t b : machine.read<uint8_t>(r.outcome.result[1], n)) r.returned.push_back(b);
    else r.returned = machine.read<double>(r.outcome.result[1], n);
  }
  r.outcome.result.clear();                // addresses
  return r;
}

constexpr const char* kPipeline = "cleanup,fuse,inline,cleanup";

// Runs @f before and after the passes and compares everything.
Outcome compare(const std::string& text, const std::vector<Argument>& arguments, const std::string& passes = kPipeline) {
  std::unique_ptr<Program> before = parse_ok(text), after_ = parse_ok(after(passes, text));
  Result a = run(*before, "f", arguments), b = run(*after_, "f", arguments);
  EXPECT_EQ(a.outcome.error, b.outcome.error) << text;
  EXPECT_EQ(a.outcome.fault, b.outcome.fault) << print(*after_);
  EXPECT_EQ(a.outcome.fault, "");
  EXPECT_EQ(a.memory, b.memory) << print(*after_);
  EXPECT_EQ(a.returned, b.returned) << print(*after_);
  EXPECT_EQ(a.shape, b.shape);
  return b.outcome;
}

// Arrays of the given layout over the common memory; strides as the layout has them, every other row where it may.
Argument make(const char* layout, std::vector<int64_t> shape, int64_t at) {
  std::string text = "array(float64," + std::to_string(shape.size()) + "," + layout + ")";
  Argument a{parse_type(text), shape, at, {}};
  if (*layout == 'S' || *layout == 'A') {
    int64_t step = *layout == 'A' ? 16 : 8;
    a.strides.assign(shape.size(), 8);
    for (size_t k = shape.size(); k-- > 0;) {
      a.strides[k] = step;
      step *= shape[k] + (*layout == 'S' && k + 1 == shape.size() ? 1 : 0);
    }
    if (*layout == 'S') a.strides.pop_back();
  }
  return a;
}

std::string parameters(const std::vector<Argument>& arguments) {
  std::string s;
  for (size_t k = 0; k < arguments.size(); ++k) s += (k ? ", %" : "%") + std::to_string(k) + ": " + arguments[k].type->text;
  return s;
}

std::string array_text(int ndim, const char* layout, const char* elem = "float64") {
  return std::string("array(") + elem + "," + std::to_string(ndim) + "," + layout + ")";
}

const std::vector<std::vector<int64_t>> kShapes = {{3, 4}, {1, 4}, {3, 1}, {1, 1}, {0, 4}, {4}, {1}, {3}, {0}};

TEST(Fuse, TreesOfAllShapesAndLayouts) {
  for (const char* l0 : {"C", "F", "S", "A"})
    for (const char* l1 : {"C", "F"})
      for (auto& s0 : kShapes)
        for (auto& s1 : kShapes) {
          if ((s0.size() == 1 && (*l0 == 'F' || *l0 == 'S')) || (s1.size() == 1 && *l1 == 'F')) continue;
          std::vector<Argument> args{make(l0, s0, 0), make(l1, s1, 1024), make("C", {3, 4}, 2048)};
          std::string ab = array_text(static_cast<int>(std::max(s0.size(), s1.size())), "C"), all = array_text(2, "C");
          compare("func @f(" + parameters(args) + ") -> " + all + " exported {\n^0:\n  %3 = const 2.5 : float64\n  %4 = ew %0, %1, \"add\" : " + ab +
                      "\n  %5 = ew %4, %3, \"mul\" : " + ab + "\n  %6 = ew %2, %5, \"add\" : " + all + "\n  return %6\n}" + kKernels,
                  args);
        }
}

TEST(Fuse, FortranResult) {
  std::vector<Argument> args{make("F", {3, 4}, 0), make("F", {3, 4}, 512)};
  Outcome o = compare("func @f(" + parameters(args) + ") -> array(bool,2,F) exported {\n^0:\n  %2 = ew %0, %1, \"add\" : array(float64,2,F)\n"
                      "  %3 = ew %2, %1, \"less\" : array(bool,2,F)\n  return %3\n}" + std::string(kKernels), args);
  EXPECT_EQ(o.allocations, 1u);
}

TEST(Fuse, AssignmentOfAllShapesAndLayouts) {
  for (const char* l0 : {"C", "F", "S", "A"})
    for (const char* l1 : {"C", "F", "S", "A"})
      for (auto& shape : kShapes) {
        if (shape.size() == 1 && (*l1 == 'F' || *l1 == 'S')) continue;
        for (int64_t at : {0, 8, 32, 1024}) {                // identical, overlapping, apart
          std::vector<Argument> args{make(l0, {3, 4}, 0), make(l1, shape, at), make("C", {3, 4}, 2048)};
          std::string head = "func @f(" + parameters(args) + ") -> none exported {\n^0:\n  %9 = zero : none\n", tail = "  return %9\n}";
          compare(head + "  array.assign %0, %1\n" + tail, args);
          std::string type = array_text(2, "C");
          compare(head + "  %3 = ew %1, %2, \"add\" : " + type + "\n  %4 = ew %3, %3, \"mul\" : " + type + "\n  array.assign %0, %4\n" + tail + kKernels, args);
        }
      }
}

TEST(Fuse, InPlaceNeedsNoTemporary) {
  std::vector<Argument> args{make("S", {3, 4}, 0), make("S", {3, 4}, 1024)};
  Outcome o = compare("func @f(" + parameters(args) + ") -> none exported {\n^0:\n  %9 = zero : none\n"
                      "  %2 = ew %0, %1, \"add\" : array(float64,2,C)\n  array.assign %0, %2\n  return %9\n}" + std::string(kKernels), args);
  EXPECT_EQ(o.allocations, 0u);
}

TEST(Fuse, OverlapGoesByATemporary) {
  std::vector<Argument> args{make("C", {12}, 0), make("C", {12}, 8)};
  std::string text = "func @f(" + parameters(args) + ") -> none exported {\n^0:\n  %9 = zero : none\n"
                     "  %2 = ew %1, %1, \"add\" : array(float64,1,C)\n  array.assign %0, %2\n  return %9\n}" + kKernels;
  EXPECT_EQ(compare(text, args).allocations, 1u);
  args[1].at = 96;
  EXPECT_EQ(compare(text, args).allocations, 0u);
  args[1].at = 0;
  EXPECT_EQ(compare(text, args).allocations, 0u);
}

TEST(Fuse, ConversionAndScalars) {
  std::vector<Argument> args{make("C", {2, 3}, 0), make("C", {2, 3}, 512)};
  args[0].type = parse_type("array(int32,2,C)");
  for (const char* type : {"int32", "bool", "uint8", "complex128", "float32"}) {
    args[0].type = parse_type(std::string("array(") + type + ",2,C)");
    std::string head = "func @f(" + parameters(args) + ") -> none exported {\n^0:\n  %9 = zero : none\n", tail = "  return %9\n}";
    compare(head + "  array.assign %0, %1\n" + tail, args);
    compare(head + "  %3 = const 7 : pyint\n  array.assign %0, %3\n" + tail, args);
  }
}

TEST(Fuse, ZeroDimensions) {
  std::vector<Argument> args{make("C", {}, 0), make("C", {3}, 64), make("C", {}, 128)};
  std::string text = "func @f(" + parameters(args) + ") -> array(float64,1,C) exported {\n^0:\n  %3 = ew %0, %1, \"mul\" : array(float64,1,C)\n"
                     "  array.assign %2, %0\n  array.assign %1, %2\n  return %3\n}" + kKernels;
  compare(text, args);
}

TEST(Fuse, WritesInBetweenKeepTheOrder) {
  std::vector<Argument> args{make("C", {4}, 0), make("C", {4}, 64)};
  std::string head = "func @f(" + parameters(args) + ") -> array(float64,1,C) exported {\n^0:\n  %2 = ew %0, %1, \"add\" : array(float64,1,C)\n"
                     "  %3 = const 1 : pyint\n  %4 = const 100.0 : float64\n";
  compare(head + "  array.store %0, %4, %3\n  %5 = ew %2, %1, \"mul\" : array(float64,1,C)\n  return %5\n}" + kKernels, args);
  compare(head + "  array.assign %1, %4\n  %5 = ew %2, %1, \"mul\" : array(float64,1,C)\n  return %5\n}" + kKernels, args);
  // The array is used elsewhere too: all of them are one loop, which has it at hand.
  Outcome o = compare(head + "  %5 = ew %2, %1, \"mul\" : array(float64,1,C)\n  array.assign %0, %2\n  return %5\n}" + kKernels, args);
  EXPECT_EQ(o.allocations, 1u);
}

TEST(Fuse, ErrorsComeInOrder) {
  for (int64_t n : {4, 1, 5})
    for (int64_t index : {0, 9}) {
      std::vector<Argument> args{make("C", {4}, 0), make("C", {n}, 64), make("C", {4}, 128)};
      std::string text = "func @f(" + parameters(args) + ") -> array(float64,1,C) exported {\n^0:\n  %3 = ew %0, %1, \"add\" : array(float64,1,C)\n"
                         "  %4 = const " + std::to_string(index) + " : pyint\n  %5 = array.shape %2, 0 : pyint\n  %6 = index_check %4, %5, 0 : pyint\n"
                         "  %7 = array.load %2, %6 : float64\n  %8 = ew %3, %7, \"mul\" : array(float64,1,C)\n  return %8\n}" + kKernels;
      Outcome o = compare(text, args);
      EXPECT_EQ(o.error, n == 5 ? "Broadcast 4 5 0" : index == 9 ? "Index 9 4 0" : "");
      EXPECT_EQ(o.allocations, o.error.empty() ? 1u : 0u);
    }
}

TEST(Fuse, KernelsThatRaise) {
  std::vector<Argument> args{make("C", {8}, 0), make("C", {8}, 64)};
  std::string text = "func @f(" + parameters(args) + ") -> none exported {\n^0:\n  %9 = zero : none\n  %2 = ew %0, %1, \"checked\" : array(float64,1,C)\n"
                     "  array.assign %0, %2\n  return %9\n}" + std::string(kKernels);
  Outcome o = compare(text, args);         // the destination keeps its values: compared with the memory of the definition
  EXPECT_EQ(o.error, "ZeroDiv");
}

TEST(Fuse, HandlersSeeErrors) {
  std::vector<Argument> args{make("C", {4}, 0), make("C", {5}, 64)};
  std::string text = "func @f(" + parameters(args) + ") -> pyint exported {\n^0 !err ^1:\n  %2 = ew %0, %1, \"add\" : array(float64,1,C)\n"
                     "  %3 = array.shape %2, 0 : pyint\n  return %3\n^1:\n  %4 = exc.catch : exc#1\n  %5 = const 77 : pyint\n  return %5\n}" + kKernels;
  compare(text, args);
}

// heat by slices: one nest, no temporary, no test but that of the shapes and the overlap.
std::string heat(const char* extra) {
  std::string s = "func @f(%0: array(float64,2,C), %1: array(float64,2,C)) -> none exported {\n^0:\n  %9 = zero : none\n"
                  "  %10 = array.shape %0, 0 : pyint\n  %11 = array.shape %0, 1 : pyint\n  %12 = const 2 : pyint\n  %13 = sub %10, %12 : pyint\n"
                  "  %14 = sub %11, %12 : pyint\n  %15 = array.stride %0, 0 : pyint\n  %16 = array.owner %0 : owner\n  %17 = array.data %0 : ptr(float64)\n"
                  "  %18 = const 8 : pyint\n  %19 = const 4.0 : float64\n";
  int next = 20;
  auto view = [&](const char* owner, const char* data, int row, int col) {
    int offset = next;
    s += "  %" + std::to_string(next) + " = const " + std::to_string(row) + " : pyint\n  %" + std::to_string(next + 1) + " = mul %" + std::to_string(next) +
         ", %15 : pyint\n  %" + std::to_string(next + 2) + " = const " + std::to_string(col * 8) + " : pyint\n  %" + std::to_string(next + 3) + " = add %" +
         std::to_string(next + 1) + ", %" + std::to_string(next + 2) + " : pyint\n  %" + std::to_string(next + 4) + " = ptr.add " + data + ", %" +
         std::to_string(next + 3) + " : ptr(float64)\n  %" + std::to_string(next + 5) + " = array.make " + owner + ", %" + std::to_string(next + 4) +
         ", %13, %14, %15 : array(float64,2,S)\n";
    next += 6;
    return "%" + std::to_string(offset + 5);
  };
  std::string mid = view("%16", "%17", 1, 1), up = view("%16", "%17", 0, 1), left = view("%16", "%17", 1, 0);
  s += "  %8 = array.owner %1 : owner\n  %7 = array.data %1 : ptr(float64)\n";
  std::string out = view("%8", "%7", 1, 1);
  std::string t = " : array(float64,2,C)\n";
  s += "  %100 = ew " + up + ", " + left + ", \"add\"" + t + "  %101 = ew " + mid + ", %19, \"mul\"" + t + "  %102 = ew %100, %101, \"add\"" + t +
       "  %103 = ew " + mid + ", %102, \"add\"" + t + "  array.assign " + out + ", %103\n";
  return s + extra + "  return %9\n}" + kKernels;
}

TEST(Fuse, HeatIsOneNest) {
  std::string out = after(kPipeline, heat(""));
  EXPECT_EQ(count_of(out, "call "), 0);
  EXPECT_EQ(count_of(out, "array.load"), 4) << out;        // three views, and the copy that is made when they overlap
  EXPECT_EQ(count_of(out, "array.store"), 2);
  EXPECT_EQ(count_of(out, "guard"), 2) << out;             // the size of the temporary
  for (int64_t at : {0, 8, 280, 2048})
    for (int64_t n : {6, 3, 2}) compare(heat(""), {make("C", {n, 7}, 0), make("C", {n, 7}, at)});
  EXPECT_EQ(compare(heat(""), {make("C", {6, 7}, 0), make("C", {6, 7}, 2048)}).allocations, 0u);
}

// What rolls become that are part of no expression: @roll_<layout><axis>, for arrays of two dimensions.
std::string roll_copies() {
  std::string s;
  for (const char* layout : {"C", "F", "S", "A"})
    for (int axis : {0, 1, -1}) {
      if (axis < 0 && *layout != 'C') continue;
      std::string name = std::string("roll_") + layout + (axis < 0 ? "x" : std::to_string(axis));
      // From (%4, %5) to (%7, %8).
      std::string to = axis == 0 ? "%10 = add %4, %1 : pyint\n  %11 = imax\n  %7 = mod %10, %11 : pyint\n  %8 = add %5, %13 : pyint\n"
                       : axis == 1 ? "%10 = add %5, %1 : pyint\n  %11 = imax\n  %8 = mod %10, %11 : pyint\n  %7 = add %4, %13 : pyint\n"
                                   : "%10 = mul %4, %3 : pyint\n  %20 = add %10, %5 : pyint\n  %21 = add %20, %1 : pyint\n  %22 = mul %2, %3 : pyint\n"
                                     "  %11 = imax\n  %23 = mod %21, %11 : pyint\n  %7 = floordiv %23, %3 : pyint\n  %8 = mod %23, %3 : pyint\n";
      to.replace(to.find("imax"), 4, std::string("add ") + (axis == 0 ? "%2" : axis == 1 ? "%3" : "%22") + ", %13 : pyint");
      s += "func @" + name + "(%0: " + array_text(2, layout) + ", %1: pyint) -> " + array_text(2, "C") + " {\n^0:\n  %2 = array.shape %0, 0 : pyint\n"
           "  %3 = array.shape %0, 1 : pyint\n  %13 = const 0 : pyint\n  %14 = const 1 : pyint\n  %15 = const 8 : pyint\n  %16 = mul %2, %3 : pyint\n"
           "  %17 = mul %16, %15 : pyint\n  %18 = alloc %17 : owner\n  %19 = owner.data %18 : ptr(float64)\n"
           "  %6 = array.make %18, %19, %2, %3 : " + array_text(2, "C") + "\n  jump ^1(%13)\n^1(%4: pyint) loop:\n  %30 = lt %4, %2 : pybool\n"
           "  br %30, ^2, ^5\n^2:\n  jump ^3(%13)\n^3(%5: pyint) loop:\n  %31 = lt %5, %3 : pybool\n  br %31, ^4, ^6\n^4:\n  " + to +
           "  %32 = array.load %0, %4, %5 : float64\n  array.store %6, %32, %7, %8\n  %33 = add %5, %14 : pyint\n  jump ^3(%33)\n^5:\n  return %6\n"
           "^6:\n  %34 = add %4, %14 : pyint\n  jump ^1(%34)\n}\n";
    }
  return s;
}

std::string roll_op(int result, int operand, int shift, const std::string& layout, int axis, const char* to = "C") {
  return "  %" + std::to_string(result) + " = array.roll %" + std::to_string(operand) + ", %" + std::to_string(shift) + ", " + std::to_string(axis) +
         ", \"roll_" + layout + (axis < 0 ? "x" : std::to_string(axis)) + "\" : " + array_text(2, to) + "\n";
}

// Each axis and all the items, by any shift, of any layout and shape, next to an array that broadcasts, into a new array and into its operand.
TEST(Fuse, Rolls) {
  for (const char* layout : {"C", "F", "S", "A"})
    for (int axis : {0, 1, -1})
      for (int64_t shift : {0, 1, -1, 2, 7, -11})
        for (auto& shape : kShapes) {
          if (shape.size() != 2 || (axis < 0 && *layout != 'C')) continue;
          std::vector<Argument> args{make(layout, shape, 0), make("C", {3, 4}, 1024)};
          std::string head = "func @f(" + parameters(args) + ") -> array(float64,2,C) exported {\n^0:\n  %2 = const " + std::to_string(shift) + " : pyint\n" +
                             roll_op(3, 0, 2, layout, axis);
          Outcome o = compare(head + "  %4 = ew %3, %1, \"add\" : array(float64,2,C)\n  return %4\n}" + kKernels + roll_copies(), args);
          if (o.error.empty()) {
            EXPECT_EQ(o.allocations, 1u);
          }
          compare(head + "  %4 = ew %3, %0, \"add\" : array(float64,2,C)\n  array.assign %0, %4\n  return %1\n}" + kKernels + roll_copies(), args);
          compare(head + "  array.assign %1, %3\n  return %3\n}" + kKernels + roll_copies(), args);
        }
}

// Rolls of rolls and of expressions add up; what two rolls are of is computed once.
TEST(Fuse, RollsOfExpressions) {
  for (auto& shape : kShapes) {
    if (shape.size() != 2) continue;
    std::vector<Argument> args{make("C", shape, 0), make("C", {1, 4}, 1024)};
    std::string t = " : array(float64,2,C)\n";
    std::string head = "func @f(" + parameters(args) + ") -> array(float64,2,C) exported {\n^0:\n  %2 = const 2 : pyint\n  %3 = const -1 : pyint\n"
                       "  %4 = ew %0, %1, \"add\"" + t;
    Outcome chain = compare(head + roll_op(5, 4, 2, "C", 0) + roll_op(6, 5, 3, "C", 1) + "  %7 = ew %6, %0, \"mul\"" + t + roll_op(8, 7, 2, "C", 1) +
                                "  return %8\n}" + kKernels + roll_copies(), args);
    if (chain.error.empty()) {
      EXPECT_EQ(chain.allocations, 1u);
    }
    Outcome two = compare(head + roll_op(5, 4, 2, "C", 0) + roll_op(6, 4, 3, "C", 0) + "  %7 = ew %6, %5, \"mul\"" + t + "  return %7\n}" + kKernels +
                              roll_copies(), args);
    if (two.error.empty()) {
      EXPECT_EQ(two.allocations, 2u);
    }
    compare(head + roll_op(5, 4, 2, "C", -1) + roll_op(6, 5, 3, "C", -1) + "  %7 = ew %6, %0, \"mul\"" + t + roll_op(8, 7, 2, "C", 0) + "  return %8\n}" +
                kKernels + roll_copies(), args);
  }
}

// A store between a roll and its use: the roll is what was there before.
TEST(Fuse, RollsSeeNoLaterStores) {
  std::vector<Argument> args{make("C", {3, 4}, 0), make("C", {3, 4}, 64)};
  std::string head = "func @f(" + parameters(args) + ") -> array(float64,2,C) exported {\n^0:\n  %2 = const 1 : pyint\n";
  compare(head + roll_op(3, 0, 2, "C", 1) + "  array.assign %0, %1\n  %4 = ew %3, %0, \"add\" : array(float64,2,C)\n  return %4\n}" + kKernels + roll_copies(),
          args);
}

// Random expressions over arrays that overlap at random.
TEST(Fuse, RandomPrograms) {
  std::mt19937 random(12345);
  auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int round = 0; round < 600; ++round) {
    std::vector<Argument> args;
    for (int k = 0; k < 4; ++k) {
      const char* layout = std::array{"C", "F", "S", "A"}[static_cast<size_t>(pick(4))];
      args.push_back(make(layout, {pick(4) ? 3 : 1, pick(4) ? 4 : 1}, 8 * pick(3) + 700 * 8 * 0 + 1024 * pick(3)));
    }
    std::string s = "func @f(" + parameters(args) + ") -> array(float64,2,C) exported {\n^0:\n";
    s += "  %90 = const " + std::to_string(pick(9) - 4) + " : pyint\n  %91 = const " + std::to_string(pick(3)) + " : pyint\n";
    int values = 4;
    std::vector<int> pool{0, 1, 2, 3};
    for (int k = 0; k < 8; ++k) {
      auto any = [&] { return "%" + std::to_string(pool[static_cast<size_t>(pick(static_cast<int>(pool.size())))]); };
      if (pick(4) == 0) {
        s += "  array.assign %" + std::to_string(pick(4)) + ", " + any() + "\n";
      } else if (pick(3) == 0) {
        int of = pool[static_cast<size_t>(pick(static_cast<int>(pool.size())))];
        std::string layout = of < 4 ? std::string(1, args[static_cast<size_t>(of)].type->text[16]) : "C";
        s += roll_op(values, of, 90 + pick(2), layout, layout == "C" ? pick(3) - 1 : pick(2));
        pool.push_back(values++);
      } else {
        s += "  %" + std::to_string(values) + " = ew " + any() + ", " + any() + ", \"" + std::array{"add", "mul", "checked"}[static_cast<size_t>(pick(7) % 3)] +
             "\" : array(float64,2,C)\n";
        pool.push_back(values++);
      }
    }
    s += "  %99 = ew %" + std::to_string(pool.back()) + ", %0, \"add\" : array(float64,2,C)\n  return %99\n}";
    s += kKernels + roll_copies();
    compare(s, args);
    compare(s, args, "cleanup,fuse,inline,cleanup,refcount");
    if (testing::Test::HasFailure()) FAIL() << "round " << round << "\n" << s;
  }
}

}  // namespace
}  // namespace coluber::ir::test
