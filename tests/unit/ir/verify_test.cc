// The verifier: a suite of bad IR, each with what it must complain about; and good IR that must pass.
#include "helpers.h"

namespace coluber::ir {
namespace {

struct Bad {
  const char* name;
  const char* text;
  const char* why;                         // a part of the message
};

// Wraps ops of a block 0 with a few parameters of common types.
std::string typed(const std::string& ops) {
  return "func @f(%0: pyint, %1: pyfloat, %2: pybool, %3: array(pyfloat,2,C), %4: list(pyint), %5: owner, %6: ptr(pyfloat)) -> pyint {\n^0:\n" +
         ops + "\n}\n";
}

const Bad kStructure[] = {
    {"no block", "func @f() {\n}", "a function needs a block"},
    {"empty block", "func @f() untyped {\n^0:\n}", "the block is empty"},
    {"no terminator", "func @f() untyped {\n^0:\n  %0 = py.const 1\n}", "does not end with a terminator"},
    {"terminator inside", "func @f() untyped {\n^0:\n  unreachable\n  unreachable\n}", "a terminator in the middle"},
    {"operand count", "func @f(%0, %1) untyped {\n^0:\n  %2 = py.binop %0, \"add\"\n  return %2\n}", "takes 2 operands, has 1"},
    {"result count", "func @f(%0) untyped {\n^0:\n  py.attr %0, \"x\"\n  return %0\n}", "has 1 results, not 0"},
    {"target count", "func @f(%0) untyped {\n^0:\n  br %0, ^1\n^1:\n  return %0\n}", "wrong number of targets"},
    {"targets of a return", "func @f(%0) untyped {\n^0:\n  return %0, ^1\n^1:\n  return %0\n}", "wrong number of targets"},
    {"edge to nowhere", "func @f() untyped {\n^0:\n  jump ^7\n}", "a block that does not exist"},
    {"edge to the entry", "func @f() untyped {\n^0:\n  jump ^0\n}", "an edge to the entry block"},
    {"error edge to the entry", "func @f() untyped {\n^0 !err ^0:\n  unreachable\n}", "an edge to the entry block"},
    {"too few arguments", "func @f() untyped {\n^0:\n  jump ^1\n^1(%0):\n  return %0\n}", "brings 0 arguments for 1 parameters"},
    {"too many error arguments", "func @f(%0) untyped {\n^0 !err ^1(%0):\n  return %0\n^1:\n  unreachable\n}", "brings 1 arguments for 0"},
    {"undefined", "func @f() untyped {\n^0:\n  return %3\n}", "%3 is not defined"},
    {"use before definition", "func @f() untyped {\n^0:\n  %1 = py.iter %0\n  %0 = py.const 1\n  return %1\n}", "%0 is used before its definition"},
    {"use of itself", "func @f() untyped {\n^0:\n  %0 = py.iter %0\n  return %0\n}", "%0 is used before its definition"},
    {"one arm only",
     "func @f(%0) untyped {\n^0:\n  br %0, ^1, ^2\n^1:\n  %1 = py.const 1\n  jump ^3\n^2:\n  jump ^3\n^3:\n  return %1\n}", "does not dominate"},
    {"edge argument of one arm",
     "func @f(%0) untyped {\n^0:\n  br %0, ^1, ^2(%1)\n^1:\n  %1 = py.const 1\n  return %1\n^2(%2):\n  return %2\n}", "does not dominate"},
    {"error argument defined inside", "func @f() untyped {\n^0 !err ^1(%0):\n  %0 = py.const 1\n  return %0\n^1(%1):\n  return %1\n}",
     "argument of the error edge %0 is not defined before the block begins"},
    {"handler uses what the block defines", "func @f() untyped {\n^0 !err ^1:\n  %0 = py.const 1\n  return %0\n^1:\n  return %0\n}",
     "does not dominate"},
    {"on_error without raising", "func @f(%0) untyped {\n^0:\n  return %0 on_error(%0)\n}", "on_error on an op that does not raise"},
    {"on_error undefined", "func @f() untyped {\n^0:\n  py.raise on_error(%9)\n}", "%9 is not defined"},
    {"no such location", "func @f(%0) untyped {\n^0:\n  return %0 !3\n}", "no such location"},
    {"no such scope", "func @f(%0) untyped {\n  loc 1 1:1-1:1 in 2\n^0:\n  return %0 !1\n}", "names no scope"},
    {"scope order", "func @f(%0) untyped {\n  scope 0 \"f\" \"f\" 1 at 0 !0\n^0:\n  return %0\n}", "does not come before it"},
    {"frame state", "func @f() untyped {\n^0:\n  jump ^1\n^1 loop state 3 [%0 | ]:\n  %0 = py.const 1\n  return %0\n}",
     "value of the frame state %0 is not defined before"},
};

const Bad kTypes[] = {
    {"typed op in untyped", "func @f(%0, %1) untyped {\n^0:\n  %2 = add %0, %1\n  return %2\n}", "a typed op in an untyped function"},
    {"untyped op in typed", "func @f(%0: pyint) -> pyint {\n^0:\n  %1 = py.iter %0 : pyint\n  return %1\n}", "an untyped op in a typed function"},
    {"value without type", "func @f() -> none {\n^0:\n  %0 = zero\n  return %0\n}", "%0 has no type"},
    {"parameter without type", "func @f() -> none {\n^0:\n  unreachable\n^1(%0):\n  unreachable\n}", "%0 has no type"},
    {"edge type", "func @f(%0: pyint) -> pyint {\n^0:\n  jump ^1(%0)\n^1(%1: pyfloat):\n  return %0\n}", "brings pyint for %1: pyfloat"},
    {"error edge type", "func @f(%0: pyint) -> pyint {\n^0 !err ^1(%0):\n  poll\n  return %0\n^1(%1: pyfloat):\n  return %0\n}",
     "brings pyint for %1: pyfloat"},
};

// Ops in the block of typed(), which ends with `return %0` if need be.
const Bad kRules[] = {
    {"return type", "  return %1", "result type"},
    {"mixed operands", "  %7 = add %0, %1 : pyint", "numbers of one type"},
    {"other result", "  %7 = add %0, %0 : pyfloat", "numbers of one type"},
    {"bits of a float", "  %7 = and %1, %1 : pyfloat", "integers or bools"},
    {"comparison result", "  %7 = lt %0, %0 : pyint", "gives a bool"},
    {"comparison operands", "  %7 = lt %0, %1 : pybool", "operands of one type"},
    {"constant", "  %7 = const 1 : list(pyint)", "a number or bool"},
    {"select condition", "  %7 = select %0, %0, %0 : pyint", "select takes a bool"},
    {"select sides", "  %7 = select %2, %0, %1 : pyint", "select takes a bool"},
    {"cast of an array", "  %7 = cast %3 : pyint", "between numbers"},
    {"bitcast size", "  %7 = bitcast %0 : int32", "keeps the size"},
    {"complex parts", "  %7 = complex.make %0, %0 : pycomplex", "two floats"},
    {"real part", "  %7 = complex.real %1 : pyfloat", "complex operand"},
    {"branch condition", "  br %0, ^1, ^1\n^1:", "the condition is a bool"},
    {"guard condition", "  guard %0, \"ZeroDiv\"", "the condition is a bool"},
    {"tuple item", "  %7 = tuple.make %0, %1 : tuple(pyint,pyint)", "operand 1"},
    {"tuple index", "  %7 = tuple.make %0, %1 : tuple(pyint,pyfloat)\n  %8 = tuple.get %7, 2 : pyfloat", "no item"},
    {"tuple item type", "  %7 = tuple.make %0, %1 : tuple(pyint,pyfloat)\n  %8 = tuple.get %7, 1 : pyint", "no item"},
    {"some", "  %7 = some %0 : optional(pyfloat)", "optional or unbound of the operand's type"},
    {"absent", "  %7 = absent : pyint", "an optional or unbound"},
    {"payload", "  %7 = payload %0 : pyint", "optional or unbound"},
    {"load", "  %7 = load %6 : pyint", "what the ptr points to"},
    {"store", "  store %6, %0", "what the ptr points to"},
    {"alloc", "  %7 = alloc %1 : owner", "(pyint) -> owner"},
    {"array rank", "  %7 = array.make %5, %6, %0 : array(pyfloat,2,C)", "strides of the layout"},
    {"array strides", "  %7 = array.make %5, %6, %0, %0 : array(pyfloat,2,S)", "strides of the layout"},
    {"shape axis", "  %7 = array.shape %3, 2 : pyint", "axis"},
    {"item of a list as an array", "  %7 = array.load %4, %0 : pyint", "(array, pyint per axis)"},
    {"too few indices", "  %7 = array.load %3, %0 : pyfloat", "(array, pyint per axis)"},
    {"item type", "  array.store %3, %0, %0, %0", "(array, item, pyint per axis)"},
    {"array.as rank", "  %7 = array.as %3 : array(pyfloat,1,C)", "same item type and rank"},
    {"index_check", "  %7 = index_check %1, %0, 0 : pyint", "(pyint, pyint)"},
    {"list item", "  list.push %4, %1", "(list, item)"},
    {"list load", "  %7 = list.load %4, %0 : pyfloat", "(list, pyint) -> item"},
    {"raise", "  raise.exc %0\n^1:", "an exception"},
    {"retain of a number", "  retain %0", "not counted"},
    {"bound", "  %7 = bound \"array:1:x\" : pyint", "an array"},
    {"to_int of an array", "  %7 = ptr.to_int %3 : pyint", "ptr or list"},
    {"ref.cast to other items", "  %7 = ref.cast %4 : list(pyfloat)", "an empty one"},
    {"ref.cast to an exception", "  %7 = ref.cast %4 : exc#1", "an empty one"},
    {"ptr.add", "  %7 = ptr.add %6, %1 : ptr(pyfloat)", "(ptr, pyint)"},
};

TEST(Verify, Structure) {
  for (const Bad& bad : kStructure) {
    std::string why = verify(*function_ok(bad.text));
    EXPECT_NE(why.find(bad.why), std::string::npos) << bad.name << ": " << why;
  }
}

TEST(Verify, Types) {
  for (const Bad& bad : kTypes) {
    std::string why = verify(*function_ok(bad.text));
    EXPECT_NE(why.find(bad.why), std::string::npos) << bad.name << ": " << why;
  }
}

TEST(Verify, RulesOfOps) {
  for (const Bad& bad : kRules) {
    std::string text = bad.text;
    if (text.find("return") == std::string::npos) text += "\n  return %0";
    std::string why = verify(*function_ok(typed(text)));
    EXPECT_NE(why.find(bad.why), std::string::npos) << bad.name << ": " << why;
  }
}

TEST(Verify, ValuesSayWhereTheyAreDefined) {
  std::unique_ptr<Function> f = function_ok("func @f() untyped {\n^0:\n  %0 = py.const 1\n  jump ^1\n^1:\n  return %0\n}");
  EXPECT_EQ(verify(*f), "");
  f->values[0].block = 1;
  EXPECT_NE(verify(*f).find("Value::block"), std::string::npos);
}

TEST(Verify, DefinedOnce) {
  std::unique_ptr<Function> f = function_ok("func @f() untyped {\n^0:\n  %0 = py.const 1\n  return %0\n}");
  f->blocks[0].params.push_back(0);
  EXPECT_NE(verify(*f).find("%0 is defined twice"), std::string::npos);
}

TEST(Verify, Calls) {
  auto check = [](const char* call) {
    std::unique_ptr<Program> p = parse_ok(std::string("func @f(%0: pyint, %1: pyfloat) -> pyint {\n^0:\n  ") + call +
                                          "\n  return %0\n}\nfunc @g(%0: pyint) -> pyint {\n^0:\n  return %0\n}");
    return verify(*p->functions[0], p.get());
  };
  EXPECT_EQ(check("%2 = call %0, \"g\" : pyint"), "");
  EXPECT_NE(check("%2 = call %0, \"h\" : pyint").find("no function @h"), std::string::npos);
  EXPECT_NE(check("%2 = call %0, %0, \"g\" : pyint").find("takes 1 arguments"), std::string::npos);
  EXPECT_NE(check("%2 = call %1, \"g\" : pyint").find("argument 0"), std::string::npos);
  EXPECT_NE(check("%2 = call %0, \"g\" : pyfloat").find("result type"), std::string::npos);
}

// What the handler may use: parameters of the block that raises and what dominates it; and uses in unreachable blocks are not judged.
constexpr const char* kGood[] = {
    "func @f(%0) untyped {\n^0:\n  %1 = py.const 1\n  jump ^1(%0)\n^1(%2) !err ^2(%2):\n  %3 = py.iter %0\n  return %3\n^2(%4):\n"
    "  %5 = py.tuple %1, %2, %4\n  return %5\n}",
    "func @f(%0) untyped {\n^0:\n  return %0\n^1:\n  %1 = py.const 1\n  return %2\n^2:\n  %2 = py.iter %1\n  jump ^1\n}",
    "func @f(%0) untyped {\n^0:\n  br %0, ^1, ^1\n^1:\n  return %0\n}",
};

TEST(Verify, GoodOnes) {
  for (const char* text : kGood) EXPECT_EQ(verify(*function_ok(text)), "") << text;
}

// ---- ownership -----------------------------------------------------------------------------------------------------------------------

std::string counted(const std::string& body) {
  return "func @f(%0: pyint, %1: list(pyint), %2: pybool) -> list(pyint) {\n^0:\n" + body + "\n}\n";
}

const Bad kOwnership[] = {
    {"leak by return", "  %3 = list.new %0 : list(pyint)\n  retain %1\n  return %1", "left by return with references to %3"},
    {"returned but borrowed", "  return %1", "%1 is moved but no reference"},
    {"leak by error", "  %3 = list.new %0 : list(pyint)\n  poll\n  return %3", "left by an error with references to %3"},
    {"released twice", "  %3 = list.new %0 : list(pyint)\n  release %3\n  release %3\n  retain %1\n  return %1", "used when it is no longer held"},
    {"used after release", "  %3 = list.new %0 : list(pyint)\n  release %3\n  %4 = list.len %3 : pyint\n  retain %1\n  return %1",
     "used when it is no longer held"},
    {"used after move", "  %3 = list.new %0 : list(pyint)\n  %4 = some %3 : optional(list(pyint))\n  %5 = list.len %3 : pyint\n  unreachable",
     "used when it is no longer held"},
    {"moved twice", "  %3 = list.new %0 : list(pyint)\n  %4 = tuple.make %3, %3 : tuple(list(pyint),list(pyint))\n  unreachable",
     "moved but no reference"},
    {"one path releases", "  %3 = list.new %0 : list(pyint)\n  br %2, ^1, ^2\n^1:\n  release %3\n  jump ^3\n^2:\n  jump ^3\n^3:\n  retain %1\n  return %1",
     "brings other references"},
    {"a loop releases", "  %3 = list.new %0 : list(pyint)\n  jump ^1\n^1:\n  release %3\n  br %2, ^1, ^2\n^2:\n  retain %1\n  return %1",
     "brings other references"},
    {"a loop leaks", "  jump ^1\n^1:\n  %3 = list.new %0 : list(pyint)\n  br %2, ^1, ^2\n^2:\n  return %3", "brings other references"},
    {"the error list forgets", "  %3 = list.new %0 : list(pyint)\n  %4 = list.new %0 : list(pyint) on_error(%3)\n  poll on_error(%3)\n  release %4\n  return %3",
     "left by an error with references to %4"},
    {"the error list repeats", "  %3 = list.new %0 : list(pyint)\n  poll on_error(%3, %3)\n  return %3", "released on error but no reference"},
    {"copy not retained", "  %3 = list.new %0 : list(list(pyint))\n  %4 = list.load %3, %0 : list(pyint)\n  release %3\n  return %4",
     "used when it is no longer held"},
    {"copy retained too late", "  %3 = list.new %0 : list(list(pyint))\n  %4 = list.load %3, %0 : list(pyint)\n  release %3\n  retain %4\n  return %4",
     "used when it is no longer held"},
    {"part after its tuple",
     "  %3 = call %0, \"g\" : tuple(list(pyint),list(pyint))\n  %4 = tuple.get %3, 0 : list(pyint)\n  release %3\n  retain %4\n  return %4",
     "used when it is no longer held"},
    {"pointer after its owner", "  %3 = alloc %0 : owner\n  %4 = owner.data %3 : ptr(pyint)\n  release %3\n  %5 = load %4 : pyint\n  unreachable",
     "used when it is no longer held"},
};

TEST(Verify, Ownership) {
  for (const Bad& bad : kOwnership) {
    std::unique_ptr<Function> f = function_ok(counted(bad.text));
    ASSERT_EQ(verify_structure(*f), "") << bad.name;
    ASSERT_EQ(verify_types(*f, nullptr), "") << bad.name;
    std::string why = verify_ownership(*f);
    EXPECT_NE(why.find(bad.why), std::string::npos) << bad.name << ": " << why;
  }
}

constexpr const char* kBalanced[] = {
    "  retain %1\n  return %1",
    "  %3 = list.new %0 : list(pyint)\n  poll on_error(%3)\n  return %3",
    "  %3 = list.new %0 : list(pyint)\n  retain %3\n  %4 = tuple.make %3, %3 : tuple(list(pyint),list(pyint))\n  release %4\n  retain %1\n  return %1",
    "  %3 = list.new %0 : list(list(pyint))\n  %4 = list.load %3, %0 : list(pyint)\n  retain %4\n  release %3\n  return %4",
    "  %3 = absent : optional(list(pyint))\n  release %3\n  retain %1\n  return %1",
    "  retain %1\n  %3 = some %1 : optional(list(pyint))\n  unreachable\n^1:\n  unreachable",
};

TEST(Verify, BalancedOnes) {
  for (const char* body : kBalanced) EXPECT_EQ(verify(*function_ok(counted(body))), "") << body;
}

}  // namespace
}  // namespace coluber::ir
