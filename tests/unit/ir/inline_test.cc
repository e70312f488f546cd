// Inlining: what is inlined and what not, where errors go, what tracebacks can tell, and that many calls cost no more than they must.
#include "helpers.h"
#include "ir/builder.h"

namespace coluber::ir {
namespace {

constexpr const char* kLeaf = "func @g(%0: pyint) -> pyint {\n^0:\n  %1 = add %0, %0 : pyint\n  return %1\n}\n";

TEST(Inline, SmallFunctionsDisappear) {
  std::string out = after("inline", std::string("func @f(%0: pyint) -> pyint exported {\n^0:\n  %1 = call %0, \"g\" : pyint\n  %2 = call %1, \"g\" : "
                                                "pyint\n  return %2\n}\n") + kLeaf);
  EXPECT_EQ(count_of(out, "call"), 0) << out;
  EXPECT_EQ(count_of(out, "func @"), 1) << out;            // nobody calls g any more
  EXPECT_EQ(count_of(out, "^"), 1) << out;                 // one block
}

TEST(Inline, WhatIsNotExportedStaysInALibrary) {
  std::string out = after("inline", std::string("func @f(%0: pyint) -> pyint {\n^0:\n  %1 = call %0, \"g\" : pyint\n  return %1\n}\n") + kLeaf);
  EXPECT_EQ(count_of(out, "func @"), 2) << out;
}

TEST(Inline, SizeAndTheWord) {
  std::string body;
  for (int i = 1; i < 60; ++i) body += "  %" + std::to_string(i) + " = add %" + std::to_string(i - 1) + ", %0 : pyint\n";
  std::string big = " {\n^0:\n" + body + "  return %59\n}\n";
  std::string caller = "func @f(%0: pyint) -> pyint exported {\n^0:\n  %1 = call %0, \"g\" : pyint\n  %2 = call %1, \"g\" : pyint\n  return %2\n}\n";
  EXPECT_EQ(count_of(after("inline", caller + "func @g(%0: pyint) -> pyint" + big), "call"), 2);
  EXPECT_EQ(count_of(after("inline", caller + "func @g(%0: pyint) -> pyint always_inline" + big), "call"), 0);
  PassOptions options;
  options.inline_max_ops = 100;
  EXPECT_EQ(count_of(after("inline", caller + "func @g(%0: pyint) -> pyint" + big, options), "call"), 0);
}

TEST(Inline, WhatIsCalledOnceComesInWithALargerBody) {
  std::string body;
  for (int i = 1; i < 60; ++i) body += "  %" + std::to_string(i) + " = add %" + std::to_string(i - 1) + ", %0 : pyint\n";
  std::string big = " {\n^0:\n" + body + "  return %59\n}\n";
  std::string caller = "func @f(%0: pyint) -> pyint exported {\n^0:\n  %1 = call %0, \"g\" : pyint\n  return %1\n}\n";
  EXPECT_EQ(count_of(after("inline", caller + "func @g(%0: pyint) -> pyint" + big), "func @"), 1);
  EXPECT_EQ(count_of(after("inline", caller + "func @g(%0: pyint) -> pyint exported" + big), "call"), 1);
  PassOptions options;
  options.inline_max_once = 50;
  EXPECT_EQ(count_of(after("inline", caller + "func @g(%0: pyint) -> pyint" + big, options), "call"), 1);
}

TEST(Inline, CyclesAreLeftAlone) {
  std::string out = after("inline", R"(func @f(%0: pyint) -> pyint exported {
^0:
  %1 = call %0, "a" : pyint
  %2 = call %0, "self" : pyint
  return %1
}
func @a(%0: pyint) -> pyint always_inline {
^0:
  %1 = call %0, "b" : pyint
  return %1
}
func @b(%0: pyint) -> pyint always_inline {
^0:
  %1 = call %0, "a" : pyint
  return %1
}
func @self(%0: pyint) -> pyint {
^0:
  %1 = call %0, "self" : pyint
  return %1
}
)");
  EXPECT_EQ(count_of(out, "func @"), 4) << out;
  EXPECT_EQ(count_of(out, " = call"), 5) << out;
}

TEST(Inline, CalleesFirst) {
  // h into g into f, whatever their order in the program.
  std::string out = after("inline", R"(func @f(%0: pyint) -> pyint exported {
^0:
  %1 = call %0, "g" : pyint
  return %1
}
func @g(%0: pyint) -> pyint {
  scope 0 "g" "x.py" 1
  loc 1 5:0-5:1
^0:
  %1 = call %0, "h" : pyint !1
  return %1
}
func @h(%0: pyint) -> pyint {
  scope 0 "h" "x.py" 2
  loc 1 9:0-9:1
^0:
  %1 = mul %0, %0 : pyint !1
  return %1
}
)");
  EXPECT_EQ(count_of(out, "call"), 0) << out;
  // f <- g (called nowhere known) <- h (called at 5:0).
  std::unique_ptr<Program> p = parse_ok(out);
  const Function& f = *p->functions[0];
  const Loc& loc = f.locs[f.blocks[0].ops[0].loc];
  EXPECT_EQ(loc.line, 9u);
  ASSERT_LT(loc.scope, f.scopes.size());
  const Scope& h = f.scopes[loc.scope];
  EXPECT_EQ(h.name, "h");
  EXPECT_EQ(f.locs[h.parent_loc].line, 5u);
  const Scope& g = f.scopes[h.parent];
  EXPECT_EQ(g.name, "g");
  EXPECT_EQ(g.parent, 0u);
  EXPECT_EQ(f.scopes[0].name, "f");
  EXPECT_EQ(f.locs[h.parent_loc].scope, h.parent);
}

TEST(Inline, ErrorsGoWhereTheCallsWent) {
  std::string out = after("inline", R"(func @f(%0: pyint) -> pyint exported {
^0:
  %9 = const 7 : pyint
  jump ^1
^1 !err ^2(%9):
  poll
  %1 = call %0, "g" : pyint
  poll
  return %1
^2(%2: pyint):
  %3 = exc.catch : exc#1
  return %2
}
func @g(%0: pyint) -> pyint {
^0:
  poll
  jump ^1
^1 !err ^2:
  poll
  return %0
^2:
  %1 = exc.catch : exc#1
  raise.exc %1
}
)");
  // In front of the call, its three blocks but the one with a handler of its own, behind it.
  EXPECT_EQ(count_of(out, "!err ^2(%9)"), 4) << out;
  EXPECT_EQ(count_of(out, "!err"), 5) << out;
}

TEST(Inline, CalleesThatNeverReturn) {
  std::string out = after("inline,cleanup", R"(func @f(%0: pyint) -> pyint exported {
^0:
  %1 = call %0, "fail" : pyint
  %2 = add %1, %0 : pyint
  return %2
}
func @fail(%0: pyint) -> pyint {
^0:
  raise.new %0, 3
}
)");
  EXPECT_EQ(count_of(out, "raise.new"), 1) << out;
  EXPECT_EQ(count_of(out, "return"), 0) << out;
}

TEST(Inline, OwnershipIsThatOfOneFunction) {
  std::string out = after("inline,cleanup,refcount", R"(func @f(%0: pyint) -> list(pyint) exported {
^0:
  %1 = list.new %0 : list(pyint)
  %2 = call %1, "id" : list(pyint)
  return %2
}
func @id(%0: list(pyint)) -> list(pyint) {
^0:
  return %0
}
)");
  EXPECT_EQ(count_of(out, "retain") + count_of(out, "release"), 0) << out;
}

// A thousand calls in one block: each op is moved once, and the program stays sound.
TEST(Inline, ManyCalls) {
  Program p;
  p.functions.push_back(std::make_unique<Function>());
  Function& f = *p.functions[0];
  f.name = "f";
  f.typed = f.exported = true;
  f.result = pyint();
  Builder b(&f);
  b.set_block(f.add_block());
  ValueId v = b.param(pyint());
  constexpr int kCalls = 5000;
  for (int i = 0; i < kCalls; ++i) v = b.emit(OpCode::Call, {v}, pyint(), 0, i % 2 ? "leaf" : "branchy");
  b.ret(v);
  std::string text = "func @leaf(%0: pyint) -> pyint {\n^0:\n  %1 = add %0, %0 : pyint\n  return %1\n}\nfunc @branchy(%0: pyint) -> pyint {\n^0:\n  "
                     "%1 = lt %0, %0 : pybool\n  br %1, ^1, ^2\n^1:\n  poll\n  return %0\n^2:\n  return %0\n}\n";
  std::unique_ptr<Program> callees = parse_ok(text);
  for (auto& g : callees->functions) p.functions.push_back(std::move(g));
  const PassId passes[] = {PassId::Inline};
  PassOptions options;
  options.verify = true;
  options.inline_max_caller = 1'000'000;
  EXPECT_EQ(run_passes(p, passes, options), "");
  ASSERT_EQ(p.functions.size(), 1u);
  EXPECT_EQ(f.blocks.size(), 1u + kCalls / 2 * 4);
  EXPECT_EQ(f.scopes.size(), 1u + kCalls);
}

TEST(Inline, StopsWhereTheCallerIsLarge) {
  PassOptions options;
  options.inline_max_caller = 3;
  std::string out = after("inline", std::string("func @f(%0: pyint) -> pyint exported {\n^0:\n  %1 = call %0, \"g\" : pyint\n  %2 = call %1, \"g\" : "
                                                "pyint\n  return %2\n}\n") + kLeaf, options);
  EXPECT_EQ(count_of(out, " = call"), 1) << out;
}

}  // namespace
}  // namespace coluber::ir
