// Reading of instructions: prefixes, caches, jumps, tables, and everything that can be wrong with them.
#include "tests/unit/frontend/assemble.h"

namespace coluber::ir {
namespace {

TEST(Decode, ExtendedArgument) {
  Code code({}, {{"EXTENDED_ARG", 1}, {"RETURN_CONST", 2}});
  for (int i = 0; i < 300; ++i) code.integer(i);
  std::unique_ptr<Function> f = code.build();
  ASSERT_TRUE(f);
  EXPECT_EQ(f->blocks[0].ops[0].imm, 258);
}

TEST(Decode, JumpToThePrefix) {
  Code code({"a"}, {{"LOAD_FAST", 0}, {"POP_JUMP_IF_TRUE", 1}, {"RETURN_CONST", 0}, {"EXTENDED_ARG", 0}, {"RETURN_CONST", 1}});
  EXPECT_TRUE(code.integer(1).integer(2).build());
}

TEST(Decode, JumpIntoAnInstruction) {
  Code code({"a"}, {{"LOAD_FAST", 0}, {"POP_JUMP_IF_TRUE", 2}, {"LOAD_FAST", 0}, {"LOAD_ATTR", 0}, {"RETURN_VALUE", 0}});
  EXPECT_FALSE(code.name("x").build());
  EXPECT_EQ(code.error().id, "BadBytecode");
  EXPECT_NE(code.error().message.find("middle"), std::string::npos);
}

TEST(Decode, JumpOutOfTheCode) {
  EXPECT_FALSE(Code({"a"}, {{"LOAD_FAST", 0}, {"POP_JUMP_IF_TRUE", 200}, {"RETURN_CONST", 0}}).none().build());
  EXPECT_FALSE(Code({"a"}, {{"JUMP_BACKWARD", 9}}).build());
}

TEST(Decode, RunsOffTheEnd) {
  EXPECT_FALSE(Code({"a"}, {{"LOAD_FAST", 0}}).build());
  EXPECT_FALSE(Code({}, {}).build());
  EXPECT_FALSE(Code({"a"}, {{"EXTENDED_ARG", 0}}).build());
  Code cut({"a"}, {{"LOAD_FAST", 0}, {"LOAD_ATTR", 0}});
  cut.name("x").bytes().resize(6);
  EXPECT_FALSE(cut.build());
  EXPECT_NE(cut.error().message.find("cache"), std::string::npos);
}

TEST(Decode, IndicesAreChecked) {
  EXPECT_FALSE(Code({}, {{"RETURN_CONST", 0}}).build());
  EXPECT_FALSE(Code({}, {{"LOAD_FAST", 3}, {"RETURN_VALUE", 0}}).build());
  EXPECT_FALSE(Code({}, {{"LOAD_GLOBAL", 2}, {"RETURN_VALUE", 0}}).build());
  EXPECT_FALSE(Code({}, {{"LOAD_DEREF", 0}, {"RETURN_VALUE", 0}}).build());
}

TEST(Decode, StackIsChecked) {
  EXPECT_FALSE(Code({}, {{"RETURN_VALUE", 0}}).build());
  EXPECT_FALSE(Code({"a"}, {{"LOAD_FAST", 0}, {"SWAP", 2}, {"RETURN_VALUE", 0}}).build());
  EXPECT_FALSE(Code({"a"}, {{"PUSH_NULL", 0}, {"RETURN_VALUE", 0}}).build());
  EXPECT_FALSE(Code({"a"}, {{"PUSH_NULL", 0}, {"PUSH_NULL", 0}, {"CALL", 0}, {"RETURN_VALUE", 0}}).build());
  // Two ways with different depths.
  EXPECT_FALSE(Code({"a"}, {{"LOAD_FAST", 0}, {"POP_JUMP_IF_TRUE", 1}, {"LOAD_FAST", 0}, {"LOAD_FAST", 0}, {"RETURN_VALUE", 0}}).build());
}

TEST(Decode, MoreParametersThanVariables) {
  Code code({"a"}, {{"RETURN_CONST", 0}});
  code.none();
  clb_code c = code.get();
  c.argcount = 5;
  BuildError error;
  EXPECT_FALSE(build_function(c, 0, &error));
  EXPECT_EQ(error.id, "BadBytecode");
}

TEST(Decode, UnknownVersion) {
  Code code({}, {{"RETURN_CONST", 0}});
  clb_code c = code.none().get();
  c.version = 399;
  BuildError error;
  EXPECT_FALSE(build_function(c, 0, &error));
  EXPECT_EQ(error.id, "PythonVersion");
  EXPECT_EQ(error.message, "bytecode of Python 3.99 is not supported");
}

TEST(Decode, Positions) {
  // LOAD_FAST: short form, columns 4 to 5 of the line after the first; the rest: long form, lines 12 to 13.
  Code code({"a"}, {{"LOAD_FAST", 0}, {"LOAD_ATTR", 0}, {"RETURN_VALUE", 0}});
  code.name("x").positions({0x80 | 11 << 3 | 0, 4, 5, 0x80 | 14 << 3 | 7, 2, 1, 3, 21, 0x80 | 14 << 3 | 1, 0, 1, 3, 21, 0x80 | 15 << 3 | 0});
  std::unique_ptr<Function> f = code.build();
  ASSERT_TRUE(f);
  const Loc& loc = f->locs[f->blocks[0].ops[0].loc];
  EXPECT_EQ(loc.line, 12u);
  EXPECT_EQ(loc.col, 2u);
  EXPECT_EQ(loc.end_line, 13u);
  EXPECT_EQ(loc.end_col, 20u);
  EXPECT_EQ(f->blocks[0].ops[1].code, OpCode::Return);
  EXPECT_EQ(f->locs[f->blocks[0].ops[1].loc].line, 0u);
}

TEST(Decode, BrokenTablesOnlyLosePositions) {
  for (std::vector<uint8_t> table : {std::vector<uint8_t>{0xff}, {0xf0, 0xff, 0xff, 0xff}, {0x80 | 10 << 3}, {0}}) {
    Code code({"a"}, {{"LOAD_FAST", 0}, {"RETURN_VALUE", 0}});
    EXPECT_TRUE(code.positions(table).build());
  }
}

TEST(Decode, BrokenExceptionTable) {
  for (std::vector<uint8_t> table : {std::vector<uint8_t>{0x80, 1, 60, 0}, {0x80, 63, 1, 0}, {0x80, 1, 1, 40}, {0x80, 1}}) {
    Code code({"a"}, {{"LOAD_FAST", 0}, {"LOAD_ATTR", 0}, {"RETURN_VALUE", 0}});
    std::unique_ptr<Function> f = code.name("x").exceptions(table).build();
    EXPECT_EQ(f ? "BadBytecode" : code.error().id, "BadBytecode");
  }
}

}  // namespace
}  // namespace coluber::ir
