// Single points of SSA construction that the corpus of tests/versions does not pin down by itself.
#include "tests/unit/frontend/assemble.h"

namespace coluber::ir {
namespace {

TEST(Build, ScopeAndName) {
  Code code({"a"}, {{"LOAD_FAST", 0}, {"RETURN_VALUE", 0}});
  std::unique_ptr<Function> f = code.build();
  ASSERT_TRUE(f);
  EXPECT_EQ(f->name, "f");
  ASSERT_EQ(f->scopes.size(), 1u);
  EXPECT_EQ(f->scopes[0].code, 7);
  EXPECT_EQ(f->scopes[0].file, "test.py");
  EXPECT_EQ(f->values[0].name, "a");
  EXPECT_FALSE(f->typed);
}

TEST(Build, ParametersComeInTheOrderOfTheVariables) {
  Code code({"a"}, {{"LOAD_FAST", 3}, {"RETURN_VALUE", 0}});
  code.local("k").local("args").local("kwargs").local("x");
  clb_code c = code.get();
  c.kwonlyargcount = 1;
  c.flags = 3 | 4 | 8;
  std::unique_ptr<Function> f = build_function(c, 0, nullptr);
  ASSERT_TRUE(f);
  ASSERT_EQ(f->blocks[0].params.size(), 4u);
  EXPECT_EQ(f->values[2].name, "args");
  EXPECT_EQ(f->blocks[0].ops[0].args[0], 3u);
}

TEST(Build, NoneIsAddedToTheConstants) {
  Code code({"a"}, {{"LOAD_FAST", 0}, {"POP_JUMP_IF_NONE", 1}, {"RETURN_CONST", 0}, {"RETURN_CONST", 1}});
  std::unique_ptr<Function> f = code.integer(1).integer(2).build();
  ASSERT_TRUE(f);
  const Op& none = f->blocks[0].ops[0];
  ASSERT_EQ(none.code, OpCode::PyConst);
  ASSERT_LT(static_cast<size_t>(none.imm), code.constants().size());
  EXPECT_GE(none.imm, 2);
  EXPECT_EQ(code.constants()[static_cast<size_t>(none.imm)]->kind, CLB_NONE);
  EXPECT_EQ(code.constants()[1]->i, 2);
}

TEST(Build, ItemsOfConstantTuplesAreConstants) {
  clb_const items[2] = {{.kind = CLB_INT, .i = 5}, {.kind = CLB_INT, .i = 6}};
  Code code({}, {{"BUILD_LIST", 0}, {"LOAD_CONST", 0}, {"LIST_EXTEND", 1}, {"RETURN_VALUE", 0}});
  clb_const tuple = {.kind = CLB_TUPLE, .n = 2, .items = items};
  clb_code c = code.get();
  c.consts = &tuple;
  c.nconsts = 1;
  std::vector<const clb_const*> constants;
  std::unique_ptr<Function> f = build_function(c, 0, nullptr, &constants);
  ASSERT_TRUE(f);
  EXPECT_EQ(body(*f),
            "func @f() untyped {\n"
            "^0:\n"
            "  %0 = py.const 1\n"
            "  %1 = py.const 2\n"
            "  %2 = py.list %0, %1\n"
            "  return %2\n"
            "}\n");
  EXPECT_EQ(constants[1], &items[0]);
  EXPECT_EQ(constants[2], &items[1]);
}

TEST(Build, LoopHeaderHasAFrameState) {
  // while a: a = b
  Code code({"a", "b"}, {{"LOAD_FAST", 0}, {"POP_JUMP_IF_FALSE", 3}, {"LOAD_FAST", 1}, {"STORE_FAST", 0}, {"JUMP_BACKWARD", 5}, {"LOAD_FAST", 0}, {"RETURN_VALUE", 0}});
  std::unique_ptr<Function> f = code.build();
  ASSERT_TRUE(f);
  size_t headers = 0;
  for (const Block& b : f->blocks) {
    EXPECT_EQ(b.loop_header, b.state != nullptr);
    if (!b.loop_header) continue;
    ++headers;
    ASSERT_EQ(b.state->locals.size(), 2u);
    EXPECT_EQ(b.state->locals[0], b.params[0]);
    EXPECT_EQ(b.state->locals[1], 1u);
    EXPECT_EQ(b.state->bytecode_offset, 0u);
  }
  EXPECT_EQ(headers, 1u);
}

TEST(Build, TheFirstBlockMayBeALoop) {
  Code code({"a"}, {{"LOAD_FAST", 0}, {"POP_TOP", 0}, {"JUMP_BACKWARD", 3}});
  std::unique_ptr<Function> f = code.build();
  ASSERT_TRUE(f);
  EXPECT_TRUE(f->blocks[0].params.size() == 1 && !f->blocks[0].loop_header);
}

TEST(Build, TwoWaysIntoALoop) {
  // Irreducible: no compiler makes it, but it must be sound (build() runs the verifier).
  Code code({"a", "b"}, {{"LOAD_FAST", 0}, {"POP_JUMP_IF_FALSE", 2}, {"LOAD_FAST", 1}, {"STORE_FAST", 0}, {"LOAD_FAST", 0}, {"POP_JUMP_IF_FALSE", 1}, {"JUMP_BACKWARD", 5},
                         {"LOAD_FAST", 0}, {"RETURN_VALUE", 0}});
  EXPECT_TRUE(code.build());
}

TEST(Build, HandlerSeesTheVariablesBeforeTheBlock) {
  // try: a = a.x; a = a.x   except: return a
  Code code({"a"}, {{"LOAD_FAST", 0}, {"LOAD_ATTR", 0}, {"STORE_FAST", 0}, {"LOAD_FAST", 0}, {"LOAD_ATTR", 0}, {"STORE_FAST", 0}, {"RETURN_CONST", 0},
                    {"PUSH_EXC_INFO", 0}, {"POP_TOP", 0}, {"POP_EXCEPT", 0}, {"LOAD_FAST", 0}, {"RETURN_VALUE", 0}});
  code.name("x").none().exceptions({0x80, 24, 25, 0});
  std::unique_ptr<Function> f = code.build();
  ASSERT_TRUE(f) << code.error().message;
  EXPECT_EQ(body(*f),
            "func @f(%0) untyped {\n"
            "^0(%0 \"a\") !err ^2(%0):\n"
            "  %1 \"a\" = py.attr %0, \"x\"\n"
            "  jump ^1\n"
            "^1 !err ^2(%1):\n"
            "  %2 \"a\" = py.attr %1, \"x\"\n"
            "  %3 = py.const\n"
            "  return %3\n"
            "^2(%4 \"a\"):\n"
            "  %5 = py.catch\n"
            "  return %4\n"
            "}\n");
}

TEST(Build, JumpIntoAHandlerIsRefused) {
  Code code({"a"}, {{"LOAD_FAST", 0}, {"LOAD_ATTR", 0}, {"JUMP_FORWARD", 0}, {"RETURN_VALUE", 0}});
  code.name("x").exceptions({0x80, 11, 12, 0});
  EXPECT_FALSE(code.build());
  EXPECT_NE(code.error().message.find("handler"), std::string::npos);
}

TEST(Build, KeywordsMustBeNames) {
  Code code({"a"}, {{"PUSH_NULL", 0}, {"LOAD_FAST", 0}, {"KW_NAMES", 0}, {"CALL", 0}, {"RETURN_VALUE", 0}});
  EXPECT_FALSE(code.integer(3).build());
  EXPECT_EQ(code.error().id, "BadBytecode");
}

}  // namespace
}  // namespace coluber::ir
