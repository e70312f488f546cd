// Calls between functions, given as bytecode: recursion, functions as arguments, arity.
#include "tests/unit/typing/fixture.h"

namespace coluber::typing {
namespace {

using ir::Code;

constexpr int kLess = 2;                   // COMPARE_OP of 3.12: < is 0, in the high nibble; the low one is the mask of the specialiser
constexpr int kAdd = 0, kMultiply = 5, kSubtract = 10;

// def NAME(n): if n < 2: return BASE;  return CALLEE(n - 1) OP n
Code countdown(const char* callee, int op) {
  Code code({"n"}, {{"LOAD_FAST", 0}, {"LOAD_CONST", 0}, {"COMPARE_OP", kLess}, {"POP_JUMP_IF_FALSE", 1}, {"RETURN_CONST", 1},
                    {"LOAD_GLOBAL", 1}, {"LOAD_FAST", 0}, {"LOAD_CONST", 2}, {"BINARY_OP", kSubtract}, {"CALL", 1},
                    {"LOAD_FAST", 0}, {"BINARY_OP", op}, {"RETURN_VALUE", 0}});
  code.name(callee);
  return code;
}

Code& with(Code& code, clb_const limit, clb_const base, clb_const step) { return code.constant(limit).constant(base).constant(step); }

TEST(Recursion, OfItself) {
  FakeHost host;
  Code code = countdown("fact", kMultiply);
  host.add("fact", with(code, integer(2), integer(1), integer(1)));
  Inferred r = infer_function(host, "fact", {"pyint"});
  EXPECT_EQ(r.error, "");
  EXPECT_EQ(r.ret, "pyint");
  EXPECT_NE(r.text().find(" recursive"), std::string::npos) << r.text();
  // One specialisation: a float that goes down stays a float, and so does what comes back.
  Inferred f = infer_function(host, "fact", {"pyfloat"});
  EXPECT_EQ(f.ret, "pyfloat");
}

TEST(Recursion, TheResultGrowsWhileItIsInferred) {
  FakeHost host;                           // the base case gives an int, the other one adds a float to it
  Code code = countdown("f", kAdd);
  host.add("f", with(code, integer(2), integer(1), integer(1)));
  EXPECT_EQ(infer_function(host, "f", {"float32"}).ret, "float32");
  FakeHost none;
  Code broken = countdown("g", kAdd);
  none.add("g", with(broken, integer(2), clb_const{}, integer(1)));
  Inferred r = infer_function(none, "g", {"pyint"});
  EXPECT_EQ(r.error.substr(0, 10), "NoOperator") << r.error << " " << r.ret;    // None + int
}

TEST(Recursion, OfEachOther) {
  FakeHost host;
  Code even = countdown("odd", kAdd), odd = countdown("even", kMultiply);
  host.add("even", with(even, integer(2), integer(1), integer(1)));
  host.add("odd", with(odd, integer(2), real(0.5), integer(1)));
  for (const char* name : {"even", "odd"}) {
    Inferred r = infer_function(host, name, {"pyint"});
    EXPECT_EQ(r.error, "") << name;
    EXPECT_EQ(r.ret, "pyfloat") << name;   // odd's base case makes both of them floats, whichever is asked first
  }
}

TEST(Recursion, WithoutAnEndHasNoType) {
  FakeHost host;
  Code code({"n"}, {{"LOAD_GLOBAL", 1}, {"LOAD_FAST", 0}, {"CALL", 1}, {"RETURN_VALUE", 0}});
  code.name("forever");
  host.add("forever", code);
  Inferred r = infer_function(host, "forever", {"pyint"});
  EXPECT_EQ(r.error, "");                  // it raises RecursionError when it is run
}

TEST(Recursion, WithEverNewTypesIsRefused) {
  FakeHost host;                           // def f(n): return f((n, n))
  Code code({"n"}, {{"LOAD_GLOBAL", 1}, {"LOAD_FAST", 0}, {"BUILD_TUPLE", 1}, {"CALL", 1}, {"RETURN_VALUE", 0}});
  code.name("f");
  host.add("f", code);
  Inferred r = infer_function(host, "f", {"pyint"});
  EXPECT_EQ(r.error.substr(0, 7), "TooDeep") << r.error;
}

TEST(Calls, AFunctionIsAnArgument) {
  FakeHost host;
  Code twice({"x"}, {{"LOAD_FAST", 0}, {"LOAD_FAST", 0}, {"BINARY_OP", kAdd}, {"RETURN_VALUE", 0}});
  Code apply({"f", "x"}, {{"PUSH_NULL", 0}, {"LOAD_FAST", 0}, {"LOAD_FAST", 1}, {"CALL", 1}, {"RETURN_VALUE", 0}});
  Code outer({"x"}, {{"LOAD_GLOBAL", 1}, {"LOAD_GLOBAL", 2}, {"LOAD_FAST", 0}, {"CALL", 2}, {"RETURN_VALUE", 0}});
  outer.name("apply").name("twice");
  host.add("twice", twice);
  host.add("apply", apply);
  host.add("outer", outer);
  Inferred r = infer_function(host, "outer", {"float32"});
  EXPECT_EQ(r.error, "");
  EXPECT_EQ(r.ret, "float32");
  EXPECT_EQ(r.text().find("call"), std::string::npos) << r.text();              // known callees come in
}

TEST(Calls, OneSpecialisationPerTypes) {
  FakeHost host;
  Code twice({"x"}, {{"LOAD_FAST", 0}, {"LOAD_FAST", 0}, {"BINARY_OP", kAdd}, {"RETURN_VALUE", 0}});
  Code outer({"x", "y"}, {{"LOAD_GLOBAL", 1}, {"LOAD_FAST", 0}, {"CALL", 1}, {"LOAD_GLOBAL", 1}, {"LOAD_FAST", 1}, {"CALL", 1}, {"BINARY_OP", kAdd}, {"RETURN_VALUE", 0}});
  outer.name("twice");
  host.add("twice", twice);
  host.add("outer", outer);
  Inferred r = infer_function(host, "outer", {"pyint", "float32"});
  EXPECT_EQ(r.error, "");
  EXPECT_EQ(r.ret, "float32");
  EXPECT_EQ(infer_function(host, "outer", {"int8", "int16"}).ret, "int16");
}

TEST(Calls, WrongNumberOfArguments) {
  FakeHost host;
  Code one({"x"}, {{"LOAD_FAST", 0}, {"RETURN_VALUE", 0}});
  Code outer({"x"}, {{"LOAD_GLOBAL", 1}, {"LOAD_FAST", 0}, {"LOAD_FAST", 0}, {"CALL", 2}, {"RETURN_VALUE", 0}});
  outer.name("one");
  host.add("one", one);
  host.add("outer", outer);
  Inferred r = infer_function(host, "outer", {"pyint"});
  EXPECT_EQ(r.error.substr(0, 15), "WrongArguments:") << r.error;
  EXPECT_NE(r.error.find("one"), std::string::npos) << r.error;
}

}  // namespace
}  // namespace coluber::typing
