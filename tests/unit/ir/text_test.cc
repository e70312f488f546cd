// The text form: what is printed reads back as the same, for every op and every immediate; what is wrong is refused with its place.
#include <bit>
#include <cmath>
#include <limits>

#include "helpers.h"

namespace coluber::ir {
namespace {

constexpr OpCode kAll[] = {
#define OP(Enum, text, operands, results, flags) OpCode::Enum,
#include "ir/ops.def"
};

// Operands, results, targets and every immediate, whether the row has a use for them or not.
Op full_op(Function& f, OpCode code, std::vector<ValueId> values) {
  Op op;
  op.code = code;
  int operands = info(code).operands < 0 ? 3 : info(code).operands, results = info(code).results < 0 ? 2 : info(code).results;
  for (int i = 0; i < operands; ++i) op.args.push_back(values[static_cast<size_t>(i) % values.size()]);
  for (int i = 0; i < results; ++i) op.results.push_back(f.add_value(i ? pyint() : pyfloat(), 0, i ? "" : "a \"name\"\n"));
  op.imm = -42;
  op.fimm = 0.1;
  op.fimm2 = -0.0;
  op.sym = "sym // \\ \"q\" ; \x01 \xc3\xa9";
  op.type = array_of(pyfloat(), 2, Layout::A);
  op.ints = {0, -1, std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()};
  op.names = {"", "x", "y z"};
  op.loc = 1;
  if (op.has(Raises)) op.on_error = values;
  if (code == OpCode::Jump || code == OpCode::Branch) op.targets.push_back({1, values});
  if (code == OpCode::Branch) op.targets.push_back({1, {}});
  return op;
}

void expect_same(const Op& a, const Op& b) {
  EXPECT_EQ(a.code, b.code);
  EXPECT_EQ(a.args, b.args);
  EXPECT_EQ(a.results, b.results);
  EXPECT_EQ(a.imm, b.imm);
  EXPECT_EQ(std::bit_cast<uint64_t>(a.fimm), std::bit_cast<uint64_t>(b.fimm));
  EXPECT_EQ(std::bit_cast<uint64_t>(a.fimm2), std::bit_cast<uint64_t>(b.fimm2));
  EXPECT_EQ(a.sym, b.sym);
  EXPECT_EQ(a.type, b.type);
  EXPECT_EQ(a.ints, b.ints);
  EXPECT_EQ(a.names, b.names);
  EXPECT_EQ(a.on_error, b.on_error);
  EXPECT_EQ(a.loc, b.loc);
  ASSERT_EQ(a.targets.size(), b.targets.size());
  for (size_t i = 0; i < a.targets.size(); ++i) {
    EXPECT_EQ(a.targets[i].block, b.targets[i].block);
    EXPECT_EQ(a.targets[i].args, b.targets[i].args);
  }
}

class EveryOp : public testing::TestWithParam<OpCode> {};

TEST_P(EveryOp, ReadsBack) {
  for (bool bare : {false, true}) {
    Function f;
    f.name = "f";
    f.typed = true;
    f.locs.push_back({1, 2, 3, 4, 0});
    f.add_block();
    std::vector<ValueId> values;
    for (int i = 0; i < 3; ++i) {
      values.push_back(f.add_value(pyint(), 0));
      f.blocks[0].params.push_back(values.back());
    }
    Op op = full_op(f, GetParam(), values);
    if (bare) op.imm = 0, op.fimm = op.fimm2 = 0, op.sym.clear(), op.type = nullptr, op.ints.clear(), op.names.clear(), op.loc = 0, op.on_error.clear();
    f.blocks[0].ops.push_back(op);
    std::string text = print(f), error;
    std::unique_ptr<Function> back = parse_function(text, &error);
    ASSERT_TRUE(back) << error << "\n" << text;
    EXPECT_EQ(print(*back), text);
    ASSERT_EQ(back->blocks[0].ops.size(), 1u);
    expect_same(back->blocks[0].ops[0], op);
    for (ValueId v = 0; v < f.values.size(); ++v) {
      EXPECT_EQ(back->values[v].type, f.values[v].type);
      EXPECT_EQ(back->values[v].block, f.values[v].block);
    }
  }
}

std::string test_name(const testing::TestParamInfo<OpCode>& p) {
  std::string name = info(p.param).text;
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}
INSTANTIATE_TEST_SUITE_P(Ops, EveryOp, testing::ValuesIn(kAll), test_name);

TEST(OpTable, TextsAreUniqueAndFound) {
  for (OpCode code : kAll) {
    OpCode found = OpCode::Unreachable;
    ASSERT_TRUE(op_from_text(info(code).text, &found)) << info(code).text;
    EXPECT_EQ(found, code) << info(code).text;
  }
  OpCode none;
  EXPECT_FALSE(op_from_text("no.such.op", &none));
}

TEST(Text, FloatsKeepTheirBits) {
  const double values[] = {0.0, -0.0, 1.0, -1.0, 0.1, 1e300, 5e-324, 1e22, 123456789.0, std::numeric_limits<double>::max(),
                           std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(),
                           std::numeric_limits<double>::quiet_NaN(), std::bit_cast<double>(uint64_t{0xfff8000000000123})};
  for (double value : values) {
    Function f;
    f.typed = true;
    f.name = "f";
    f.add_block();
    Op op;
    op.code = OpCode::Const;
    op.fimm = value;
    op.results = {f.add_value(pyfloat(), 0)};
    f.blocks[0].ops.push_back(op);
    std::unique_ptr<Function> back = function_ok(print(f));
    ASSERT_EQ(back->blocks.size(), 1u);
    EXPECT_EQ(std::bit_cast<uint64_t>(back->blocks[0].ops[0].fimm), std::bit_cast<uint64_t>(value)) << print(f);
  }
}

constexpr const char* kEverything = R"ir(func @"f(int64)" -> pyint exported recursive always_inline {
  scope 0 "f" "a file.py" 17
  scope 1 "g" "b.py" -1 at 0 !1
  scope 2 "h" "" 3 at _ !2
  loc 1 3:4-3:10
  loc 2 5:0-6:1 in 1
^0(%0 "x": pyint, %1: array(pyfloat,2,C)):
  %2 "y" = add %0, %0 : pyint !1
  jump ^1(%2)
^1(%3: pyint) !err ^2(%3, %1) loop state 12 [%0, _, %3 | %1]:
  %4, %5 = mul_ovf %3, %0 : pyint, pybool !2
  %6 = call %1, %4, "g" : none on_error(%1)
  br %5, ^1(%4), ^3
^2(%7: pyint, %8: array(pyfloat,2,C)):
  unreachable
^3:
  return %4
}
)ir";

TEST(Text, FunctionsReadBack) {
  std::string text = kEverything;
  std::string with_head = text;
  with_head.replace(with_head.find(" ->"), 3, "(%0: pyint, %1: array(pyfloat,2,C)) ->");
  std::unique_ptr<Function> f = function_ok(text);
  EXPECT_EQ(print(*f), with_head);
  EXPECT_EQ(print(*function_ok(with_head)), with_head);
  EXPECT_EQ(f->name, "f(int64)");
  EXPECT_TRUE(f->typed && f->exported && f->recursive && f->always_inline);
  EXPECT_EQ(f->values[0].name, "x");
  EXPECT_EQ(f->values[3].block, 1u);
  ASSERT_TRUE(f->blocks[1].state);
  EXPECT_EQ(f->blocks[1].state->bytecode_offset, 12u);
  EXPECT_EQ(f->blocks[1].state->locals, (std::vector<ValueId>{0, kNoId, 3}));
  EXPECT_EQ(f->scopes[1].parent_loc, 1u);
  EXPECT_EQ(f->locs[2].scope, 1u);
}

TEST(Text, UntypedFunctionsSayNoTypes) {
  constexpr const char* kText = R"(func @f(%0, %1) untyped {
^0(%0 "a", %1 "b"):
  %2 = py.binop %0, %1, "add"
  %3, %4, %5 = py.next %2
  return %4
}
)";
  std::unique_ptr<Function> f = function_ok(kText);
  EXPECT_EQ(print(*f), kText);
  EXPECT_EQ(f->values[3].type, bottom());
  EXPECT_EQ(verify(*f), "");
}

TEST(Text, ParametersMayStandInTheHeadOnly) {
  std::unique_ptr<Function> f = function_ok("func @f(%0 \"n\": pyint) -> pyint {\n^0:\n  return %0\n}");
  EXPECT_EQ(f->blocks[0].params, std::vector<ValueId>{0});
  EXPECT_EQ(verify(*f), "");
}

TEST(Text, CommentsAndGapsInNumbers) {
  std::unique_ptr<Function> f = function_ok("; before\nfunc @f() -> pyint { // head\n^0: ; block\n  %9 = const 3 : pyint // op\n\n  return %9\n}\n// end\n");
  EXPECT_EQ(f->values.size(), 10u);
  EXPECT_EQ(f->values[4].block, kNoId);
  EXPECT_EQ(print(*function_ok(print(*f))), print(*f));
}

TEST(Text, ProgramsReadBack) {
  std::unique_ptr<Program> p = parse_ok("func @a() -> none {\n^0:\n  %0 = zero : none\n  return %0\n}\nfunc @b() untyped {\n^0:\n  unreachable\n}\n");
  ASSERT_EQ(p->functions.size(), 2u);
  EXPECT_EQ(p->find("b"), p->functions[1].get());
  EXPECT_EQ(p->find("c"), nullptr);
  EXPECT_EQ(print(*parse_ok(print(*p))), print(*p));
}

struct BadText {
  const char* text;
  const char* error;
};

TEST(Text, SaysWhereItIsWrong) {
  const BadText cases[] = {
      {"fun @f", "line 1, column 1: expected `func`"},
      {"func @f() -> foo {", "expected a type"},
      {"func @f() {\n^1:\n", "line 2, column 3: blocks must be numbered in order"},
      {"func @f() {\n^0:\n  %0 = nothing\n}", "line 3, column 8: no such operation: nothing"},
      {"func @f() {\n^0:\n  %0 = zero : pyint\n  %0 = zero : pyint\n}", "%0 is defined twice"},
      {"func @f() {\n^0:\n  %0 = zero : pyint, pyint\n}", "more types than results"},
      {"func @f() {\n^0:\n  %0, %1 = add_ovf : pyint\n}", "fewer types than results"},
      {"func @f() {\n^0:\n  jump ^1 ^2\n}", "unexpected text after the operation"},
      {"func @f() {\n^0:\n  %0 = const 1.5.5 : pyfloat\n}", "not a number"},
      {"func @f() {\n^0:\n  %0 = const 1, 99999999999999999999 : pyint\n}", "expected an integer"},
      {"func @f() {\n^0:\n  %0 = str_const \"abc", "expected `\"`"},
      {"func @f() {\n^0:\n  %0 = str_const \"\\xzz\"", "bad \\x escape"},
      {"func @f() {\n^0:\n  return %4000000000\n}", "value number too large"},
      {"func @f(%0: pyint) {\n^0(%1: pyint):\n  unreachable\n}", "not those of the function"},
      {"func @f() {\n  scope 1 \"f\" \"f\" 1\n}", "scopes must be numbered in order"},
      {"func @f() {\n  loc 2 1:1-1:1\n}", "locs must be numbered in order"},
      {"func @f() {\n^0:\n  unreachable\n", "expected `}`"},
      {"func @f() {\n}\nx", "unexpected text after the function"},
  };
  for (const BadText& c : cases) {
    std::string error;
    EXPECT_EQ(parse_function(c.text, &error), nullptr) << c.text;
    EXPECT_NE(error.find(c.error), std::string::npos) << c.text << "\n" << error;
  }
}

// Cut and damaged text must be refused or read, never crash.
TEST(Text, SurvivesDamage) {
  std::string text = kEverything;
  for (size_t i = 0; i < text.size(); ++i) {
    std::string error, cut = text.substr(0, i), damaged = text;
    damaged[i] = static_cast<char>(33 + (i * 7) % 90);
    for (const std::string& t : {cut, damaged}) {
      std::unique_ptr<Function> f = parse_function(t, &error);
      EXPECT_EQ(f == nullptr, !error.empty());
      if (f) (void)verify(*f);
    }
  }
}

}  // namespace
}  // namespace coluber::ir
