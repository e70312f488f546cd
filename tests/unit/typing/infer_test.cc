// Inference and lowering on untyped IR text: promotion, joins, narrowing, dead branches, literals, messages.
#include "tests/unit/typing/fixture.h"

namespace coluber::typing {
namespace {

TEST(Infer, AddPromotesByNep50) {
  const char* text = R"(func @f(%0: bottom, %1: bottom) untyped {
^0(%0: bottom, %1: bottom):
  %2 = py.binop %0, %1, "add"
  return %2
}
)";
  struct { const char *a, *b, *r; } rows[] = {
      {"pyint", "pyint", "pyint"}, {"pyint", "pyfloat", "pyfloat"}, {"pyint", "float32", "float32"}, {"pyfloat", "float32", "float32"},
      {"pyfloat", "int8", "float64"}, {"int8", "uint8", "int16"}, {"int64", "uint64", "float64"}, {"pybool", "pybool", "pyint"},
      {"bool", "bool", "bool"}, {"pycomplex", "float32", "complex64"}, {"int32", "float32", "float64"}, {"int16", "float32", "float32"}};
  for (auto& row : rows) {
    Inferred r = infer_text(text, {row.a, row.b});
    EXPECT_EQ(r.error, "") << row.a << " + " << row.b;
    EXPECT_EQ(r.ret, row.r) << row.a << " + " << row.b;
  }
}

TEST(Infer, SumLoopOverRange) {
  Inferred r = infer_text(R"(func @total(%0: bottom) untyped {
^0(%0: bottom):
  %1 = py.const
  %2 = py.global "range"
  %3 = py.attr %0, "shape"
  %4 = py.global "len"
  %5 = py.call %4, %0
  %6 = py.call %2, %5
  %7 = py.iter %6
  jump ^1(%7, %1)
^1(%8: bottom, %9: bottom) loop:
  %10, %11, %12 = py.next %8 
  br %12, ^2, ^3
^2:
  %13 = py.getitem %0, %11
  %14 = py.inplace %9, %13, "add"
  jump ^1(%10, %14)
^3:
  return %9
}
)", {"array(float64,1,C)"}, {real(0.0)});
  EXPECT_EQ(r.error, "");
  EXPECT_EQ(r.ret, "float64");
  EXPECT_NE(r.text().find("array.load"), std::string::npos) << r.text();
}

// ---- what a condition decides

std::string when(const char* test, const char* yes, const char* no) {
  return std::string("func @f(%0: bottom, %1: bottom) untyped {\n^0(%0: bottom, %1: bottom):\n  %2 = py.const\n") + test + "\n  br %9, ^1, ^2\n^1:\n" + yes + "\n^2:\n" +
         no + "\n}\n";
}

size_t count(const Inferred& r, const char* what) {
  size_t n = 0;
  std::string text = r.text();
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

constexpr const char* kReturnSum = "  %20 = py.binop %0, %1, \"add\"\n  return %20";
constexpr const char* kReturnSecond = "  return %1";

TEST(Flow, ABranchThatIsNotTakenIsNotTyped) {
  std::string text = when("  %9 = py.is %0, %2", kReturnSecond, kReturnSum);
  EXPECT_EQ(infer_text(text, {"none", "pyint"}, {clb_const{}}).ret, "pyint");
  EXPECT_EQ(infer_text(text, {"none", "pyint"}, {clb_const{}}).error, "");          // None + int is never looked at
  EXPECT_EQ(infer_text(text, {"pyfloat", "pyint"}, {clb_const{}}).ret, "pyfloat");
  Inferred live = infer_text(when("  %9 = py.truth %1", kReturnSum, kReturnSecond), {"none", "pyint"}, {clb_const{}});
  EXPECT_EQ(live.error.substr(0, 10), "NoOperator") << live.error;
}

TEST(Flow, TestsOnNoneNarrowOptionals) {
  std::string is = when("  %9 = py.is %0, %2", kReturnSecond, kReturnSum);
  Inferred r = infer_text(is, {"optional(pyint)", "pyint"}, {clb_const{}});
  EXPECT_EQ(r.error, "");
  EXPECT_EQ(r.ret, "pyint");
  EXPECT_EQ(count(r, "NoneValue"), 0) << r.text();          // nothing left to be tested
  std::string is_not = when("  %9 = py.is %0, %2, 1", kReturnSum, kReturnSecond);
  EXPECT_EQ(count(infer_text(is_not, {"optional(pyint)", "pyint"}, {clb_const{}}), "NoneValue"), 0);
  std::string wrong = when("  %9 = py.is %0, %2, 1", kReturnSecond, "  %20 = py.binop %0, %1, \"add\"\n  return %20");
  Inferred none = infer_text(wrong, {"optional(pyint)", "pyint"}, {clb_const{}});
  EXPECT_EQ(count(none, "NoneValue"), 1) << none.text();    // raises when it is run, as in CPython
}

TEST(Flow, TruthNarrowsOptionals) {
  std::string text = when("  %9 = py.truth %0", kReturnSum, kReturnSecond);
  Inferred r = infer_text(text, {"optional(pyint)", "pyint"}, {clb_const{}});
  EXPECT_EQ(r.error, "");
  EXPECT_EQ(r.ret, "pyint");
  EXPECT_EQ(count(r, "NoneValue"), 0) << r.text();
}

TEST(Flow, TypesDecideIsinstance) {
  std::string text = when("  %3 = py.global \"isinstance\"\n  %4 = py.global \"float\"\n  %5 = py.call %3, %0, %4\n  %9 = py.truth %5", kReturnSum, kReturnSecond);
  EXPECT_EQ(infer_text(text, {"pyfloat", "pyint"}, {clb_const{}}).ret, "pyfloat");
  EXPECT_EQ(infer_text(text, {"pyint", "pyint"}, {clb_const{}}).ret, "pyint");
  EXPECT_EQ(infer_text(text, {"none", "pyint"}, {clb_const{}}).ret, "pyint");
}

TEST(Flow, TheRankOfAnArrayIsALiteral) {
  std::string text = when("  %3 = py.attr %0, \"ndim\"\n  %4 = py.const 1\n  %5 = py.compare %3, %4, \"eq\"\n  %9 = py.truth %5",
                          "  %20 = py.getitem %0, %1\n  return %20", kReturnSecond);
  EXPECT_EQ(infer_text(text, {"array(int8,1,C)", "pyint"}, {clb_const{}, integer(1)}).ret, "int8");
  EXPECT_EQ(infer_text(text, {"array(int8,2,C)", "pyint"}, {clb_const{}, integer(1)}).ret, "pyint");
}

TEST(Flow, LiteralsFoldThroughOperators) {
  Inferred r = infer_text(R"(func @f(%0: bottom) untyped {
^0(%0: bottom):
  %1 = py.const 0
  %2 = py.const 1
  %3 = py.binop %1, %2, "add"
  %4 = py.getitem %0, %3
  return %4
}
)", {"tuple(int8,float32,pyint,none)"}, {integer(1), integer(2)});
  EXPECT_EQ(r.error, "");
  EXPECT_EQ(r.ret, "none");                                 // an item of a tuple of several types: the index must be known
  Inferred unknown = infer_text("func @f(%0: bottom, %1: bottom) untyped {\n^0(%0: bottom, %1: bottom):\n  %2 = py.getitem %0, %1\n  return %2\n}\n",
                                {"tuple(int8,float32)", "pyint"});
  EXPECT_EQ(unknown.error, "TupleIndex: tuple(int8, float32) holds different types: it can be indexed by a literal only");
}

// ---- joins

std::string choose(const char* a, const char* b) {
  return std::string("func @f(%0: bottom, %1: bottom, %2: bottom) untyped {\n^0(%0: bottom, %1: bottom, %2: bottom):\n  %3 = py.truth %2\n  br %3, ^1, ^2\n^1:\n") +
         "  jump ^3(" + a + ")\n^2:\n  jump ^3(" + b + ")\n^3(%4: bottom):\n  return %4\n}\n";
}

TEST(Join, OfTwoPaths) {
  struct { const char *a, *b, *joined; } rows[] = {
      {"pyint", "pyint", "pyint"}, {"pyint", "pyfloat", "pyfloat"}, {"pyfloat", "pycomplex", "pycomplex"}, {"int8", "int32", "int32"},
      {"int32", "float32", "float64"}, {"float32", "float64", "float64"}, {"int64", "uint64", "float64"}, {"none", "pyint", "optional(pyint)"},
      {"array(float64,1,C)", "none", "optional(array(float64,1,C))"}, {"optional(pyint)", "pyfloat", "optional(pyfloat)"},
      {"array(float64,2,C)", "array(float64,2,F)", "array(float64,2,A)"}, {"array(float64,1,C)", "array(float64,1,C,ro)", "array(float64,1,C,ro)"},
      {"tuple(pyint,pyint)", "tuple(pyint,pyfloat)", "tuple(pyint,pyfloat)"}, {"tuple(none,pyint)", "tuple(pyint,none)", "tuple(optional(pyint),optional(pyint))"},
  };
  std::string text = choose("%0", "%1");
  for (auto& row : rows)
    for (bool swap : {false, true}) {
      Inferred r = infer_text(text, {swap ? row.b : row.a, swap ? row.a : row.b, "pybool"});
      EXPECT_EQ(r.error, "") << row.a << " and " << row.b;
      EXPECT_EQ(r.ret, row.joined) << row.a << " and " << row.b << (swap ? ", swapped" : "");
    }
}

TEST(Join, OfTypesThatHaveNone) {
  for (auto [a, b] : {std::pair{"pyint", "str"}, {"array(float64,1,C)", "array(float64,2,C)"}, {"array(float64,1,C)", "array(float32,1,C)"},
                      {"tuple(pyint,pyint)", "tuple(pyint)"}, {"pyint", "array(int64,1,C)"}, {"list(pyint)", "list(pyfloat)"}}) {
    Inferred r = infer_text(choose("%0", "%1"), {a, b, "pybool"});
    EXPECT_TRUE(r.error.starts_with("CannotUnify") || r.error.starts_with("CannotJoin")) << a << " and " << b << ": " << r.error << " " << r.ret;
  }
}

TEST(Join, IsALattice) {
  const char* texts[] = {"pybool", "pyint", "pyfloat", "pycomplex", "bool", "int8", "uint8", "int32", "uint64", "int64", "float32", "float64", "complex64", "complex128",
                         "none", "optional(pyint)", "optional(float32)", "array(float64,1,C)", "array(float64,1,A)", "tuple(pyint,float32)", "str"};
  std::vector<ir::TypeRef> types;
  for (const char* t : texts) types.push_back(ir::parse_type(t));
  auto join2 = [](ir::TypeRef a, ir::TypeRef b) { return a && b ? join_types(a, nullptr, b, nullptr) : nullptr; };
  for (ir::TypeRef a : types) {
    EXPECT_EQ(join2(a, a), a) << a->text;
    EXPECT_EQ(join2(a, ir::bottom()), a) << a->text;
    for (ir::TypeRef b : types) {
      ir::TypeRef ab = join2(a, b);
      EXPECT_EQ(ab, join2(b, a)) << a->text << " " << b->text;
      if (!ab) continue;
      EXPECT_EQ(join2(ab, a), ab) << a->text << " " << b->text << ": " << ab->text;     // an upper bound
      EXPECT_EQ(join2(ab, b), ab) << a->text << " " << b->text << ": " << ab->text;
    }
  }
}

TEST(Join, AWeakLiteralThatFitsDoesNotWiden) {
  clb_const three = integer(3), big = integer(300), half = real(0.5), tenth = real(0.1);
  auto joined = [](const char* strong, const clb_const* literal) {
    ir::TypeRef weak = literal->kind == CLB_INT ? ir::pyint() : ir::pyfloat();
    ir::TypeRef t = join_types(ir::parse_type(strong), nullptr, weak, literal);
    return t ? t->text : "";
  };
  EXPECT_EQ(joined("int8", &three), "int8");
  EXPECT_EQ(joined("float32", &half), "float32");
  EXPECT_NE(joined("int8", &big), "int8");
  EXPECT_NE(joined("float32", &tenth), "float32");
  EXPECT_TRUE(fits(&three, ir::parse_type("uint8")) && !fits(&big, ir::parse_type("uint8")) && !fits(&tenth, ir::parse_type("float32")));
}

TEST(Join, ALoopWidensUntilItHolds) {
  Inferred r = infer_text(R"(func @f(%0: bottom) untyped {
^0(%0: bottom):
  %1 = py.const 0
  %2 = py.const 1
  jump ^1(%1, %0)
^1(%3: bottom, %4: bottom) loop:
  %5 = py.truth %4
  br %5, ^2, ^3
^2:
  %6 = py.binop %3, %2, "add"
  %7 = py.binop %4, %1, "sub"
  jump ^1(%6, %7)
^3:
  return %3
}
)", {"pyint"}, {integer(0), real(0.5)});
  EXPECT_EQ(r.error, "");
  EXPECT_EQ(r.ret, "pyfloat");                              // 0, then 0 + 0.5
}

// ---- messages

TEST(Messages, NameTheTypes) {
  const char* add = "func @f(%0: bottom, %1: bottom) untyped {\n^0(%0: bottom, %1: bottom):\n  %2 = py.binop %0, %1, \"add\"\n  return %2\n}\n";
  EXPECT_EQ(infer_text(add, {"pyint", "none"}).error, "NoOperator: operator + does not take int and None");
  const char* call = "func @f(%0: bottom) untyped {\n^0(%0: bottom):\n  %1 = py.call %0\n  return %1\n}\n";
  EXPECT_EQ(infer_text(call, {"pyint"}).error, "NotCallable: int is not callable");
  const char* name = "func @f() untyped {\n^0:\n  %0 = py.global \"undefined\"\n  return %0\n}\n";
  EXPECT_EQ(infer_text(name, {}).error, "UnknownName: name 'undefined' is not defined");
  const char* iter = "func @f(%0: bottom) untyped {\n^0(%0: bottom):\n  %1 = py.iter %0\n  return %1\n}\n";
  EXPECT_EQ(infer_text(iter, {"pyfloat"}).error, "NotIterable: float is not iterable");
  EXPECT_EQ(infer_text(choose("%0", "%1"), {"pyint", "str", "pybool"}).error.substr(0, 11), "CannotUnify");
}

}  // namespace
}  // namespace coluber::typing
