// Calls, guards, handlers, tracebacks, polls, recursion: every way out of a function.
#include <fstream>
#include <thread>

#include "tests/unit/backends/harness.h"

namespace coluber::backend {
namespace {

const char* const kLocs =
    "  scope 0 \"outer\" \"a.py\" 1\n  scope 1 \"inner\" \"b.py\" 2 at 0 !1\n"
    "  loc 1 10:4-10:9\n  loc 2 20:8-20:12 in 1\n  loc 3 30:2-30:3\n";

// How the fake runtime writes down that this row was raised: by the row's place among the RUNTIME rows.
std::string diag(const std::string& name) {
  const char* const rows[] = {
#define RUNTIME(Id, exception, message) #Id,
#include "ir/diag.def"
  };
  int id = 0;
  while (name != rows[id]) ++id;
  return "raise_diag " + std::to_string(id);
}

std::string with_locs(const std::string& head, const std::string& body) {
  return "func @f" + head + " exported {\n" + kLocs + body + "}\n";
}

TEST(Errors, GuardRaisesWithValuesAndFrame) {
  Compiled c(
      with_locs("(%0: pyint, %1: pyint) -> pyint",
                "^0(%0: pyint, %1: pyint):\n  %2 = const 0 : pyint\n  %3 = ne %1, %2 : pybool\n  guard %3, %0, %1, \"ZeroDivInt\" !1\n"
                "  %4 = floordiv %0, %1 : pyint\n  return %4\n"));
  EXPECT_EQ(c.call({cell(7), cell(2)}), 0);
  EXPECT_EQ(c.result[0], 3u);
  EXPECT_TRUE(runtime_log().events.empty());
  EXPECT_EQ(c.call({cell(7), cell(0)}), 1);
  ASSERT_EQ(runtime_log().events.size(), 1u);
  EXPECT_EQ(runtime_log().events[0].rfind(diag("ZeroDivInt") + " [7, 0", 0), 0u) << runtime_log().events[0];
  EXPECT_EQ(runtime_log().frames, std::vector<std::string>{"outer a.py:10:4"});
  EXPECT_NE(c.ctx.error, nullptr);
}

TEST(Errors, InlinedCodeShowsEveryFrame) {
  Compiled c(with_locs("(%0: pybool) -> none", "^0(%0: pybool):\n  guard %0, \"AssertionFailed\" !2\n  %1 = zero : none\n  return %1\n"));
  EXPECT_EQ(c.call({cell(true)}), 0);
  EXPECT_EQ(c.call({cell(false)}), 1);
  EXPECT_EQ(runtime_log().frames, (std::vector<std::string>{"inner b.py:20:8", "outer a.py:10:4"}));
}

TEST(Errors, IndexChecksWrapAndRaise) {
  Compiled c(
      with_locs("(%0: pyint, %1: pyint) -> pyint", "^0(%0: pyint, %1: pyint):\n  %2 = index_check %0, %1, 2 : pyint !1\n  return %2\n"));
  for (int64_t i = -5; i <= 5; ++i) {
    runtime_log() = RuntimeLog{};
    bool in_range = i >= -4 && i < 4;
    EXPECT_EQ(c.call({cell(i), cell(4)}), !in_range) << i;
    if (in_range)
      EXPECT_EQ(static_cast<int64_t>(c.result[0]), i < 0 ? i + 4 : i);
    else
      EXPECT_EQ(runtime_log().events, std::vector<std::string>{diag("IndexArray") + " [" + std::to_string(i) + ", 4, 2]"});
  }
  Compiled no_wrap(
      with_locs("(%0: pyint, %1: pyint) -> pyint", "^0(%0: pyint, %1: pyint):\n  %2 = index_check %0, %1, -1, [1] : pyint\n  return %2\n"));
  EXPECT_EQ(no_wrap.call({cell(3), cell(4)}), 0);
  EXPECT_EQ(no_wrap.call({cell(-1), cell(4)}), 1);
  EXPECT_EQ(runtime_log().events[0].rfind(diag("IndexList") + " [", 0), 0u);
}

TEST(Errors, HandlersCatchReleaseAndGoOn) {
  // An allocation is alive when the guard fails: it is released on the way to the handler, which gets the block's values.
  Compiled c(with_locs("(%0: pyint) -> pyint",
                       "^0(%0: pyint):\n  %1 = const 5 : pyint\n  %2 = add %0, %1 : pyint\n  jump ^1(%2)\n"
                       "^1(%3: pyint) !err ^2(%3):\n  %4 = const 64 : pyint\n  %5 = alloc %4 : owner !1\n  %6 = ne %0, %1 : pybool\n"
                       "  guard %6, \"ZeroDiv\" !2 on_error(%5)\n  release %5\n  return %0\n"
                       "^2(%7: pyint):\n  %8 = exc.catch : exc#-1 !3\n  %9 = exc.match %8, 7 : pybool\n  release %8\n"
                       "  %10 = const 1000 : pyint\n  %11 = add %7, %10 : pyint\n  %12 = select %9, %11, %7 : pyint\n  return %12\n"));
  EXPECT_EQ(c.call({cell(1)}), 0);
  EXPECT_EQ(c.result[0], 1u);
  EXPECT_EQ(runtime_log().drops, 1);
  runtime_log() = RuntimeLog{};
  EXPECT_EQ(c.call({cell(5)}), 0);
  EXPECT_EQ(c.result[0], 1010u);
  EXPECT_GE(runtime_log().drops, 1);
  EXPECT_EQ(runtime_log().frames, (std::vector<std::string>{"inner b.py:20:8", "outer a.py:10:4"}));
  ASSERT_EQ(runtime_log().events.size(), 2u);
  EXPECT_EQ(runtime_log().events[1], "catch");
}

TEST(Errors, RaiseWithArguments) {
  Compiled c(with_locs("(%0: pyint, %1: float32, %2: bool) -> none",
                       "^0(%0: pyint, %1: float32, %2: bool):\n  %3 = str_const \"bad\" : str\n  raise.new %3, %0, %1, %2, 12 !3\n"));
  EXPECT_EQ(c.call({cell(-4), cell(0.5f), cell(true)}), 1);
  const auto& args = runtime_log().raised;
  ASSERT_EQ(args.size(), 4u);
  EXPECT_EQ(runtime_log().events[0], "raise 12");
  EXPECT_EQ(args[0].tag, COLUBER_TAG_STR);
  EXPECT_EQ(args[0].v.s.length, 3);
  EXPECT_EQ(std::string(args[0].v.s.data, 3), "bad");
  EXPECT_EQ(args[1].tag, COLUBER_TAG_INT);
  EXPECT_EQ(args[1].v.i, -4);
  EXPECT_EQ(args[2].tag, COLUBER_TAG_FLOAT32);
  EXPECT_EQ(args[2].v.f32, 0.5f);
  EXPECT_EQ(args[3].tag, COLUBER_TAG_NPBOOL);
  EXPECT_EQ(args[3].v.i, 1);
  EXPECT_EQ(runtime_log().frames, std::vector<std::string>{"outer a.py:30:2"});
}

TEST(Errors, CalledFunctionsAddTheirFrames) {
  const std::string callee =
      "func @g(%0: pyint) -> pyint {\n  scope 0 \"g\" \"g.py\" 3\n  loc 1 5:1-5:2\n^0(%0: pyint):\n  %1 = const 0 : pyint\n"
      "  %2 = ge %0, %1 : pybool\n  guard %2, %0, \"NegativeShift\" !1\n  %3 = add %0, %0 : pyint\n  return %3\n}\n";
  Compiled c(callee + with_locs("(%0: pyint) -> pyint",
                                "^0(%0: pyint):\n  %1 = call %0, \"g\" : pyint !1\n  %2 = call %1, \"g\" : pyint !3\n  return %2\n"));
  EXPECT_EQ(c.call({cell(3)}), 0);
  EXPECT_EQ(c.result[0], 12u);
  EXPECT_EQ(c.call({cell(-3)}), 1);
  EXPECT_EQ(runtime_log().frames, (std::vector<std::string>{"g g.py:5:1", "outer a.py:10:4"}));
}

TEST(Errors, ReraiseAddsNoFrameOfItsOwn) {
  Compiled c(with_locs("(%0: pybool) -> none",
                       "^0(%0: pybool):\n  jump ^1\n^1 !err ^2:\n  guard %0, \"ZeroDiv\" !1\n  %1 = zero : none\n  return %1\n"
                       "^2:\n  %2 = exc.catch : exc#-1 !3\n  raise.exc %2, 1 !3\n"));
  EXPECT_EQ(c.call({cell(false)}), 1);
  EXPECT_EQ(runtime_log().frames, std::vector<std::string>{"outer a.py:10:4"});
}

TEST(Errors, PollCallsTheRuntimeWhenTheWordIsSet) {
  Compiled c(with_locs("(%0: pyint) -> pyint", "^0(%0: pyint):\n  poll !1\n  return %0\n"));
  EXPECT_EQ(c.call({cell(1)}), 0);
  EXPECT_TRUE(runtime_log().events.empty());
  c.poll_word = 1;
  EXPECT_EQ(c.call({cell(1)}), 0);
  EXPECT_EQ(runtime_log().events, std::vector<std::string>{"poll"});
  runtime_log().fail_poll = true;
  EXPECT_EQ(c.call({cell(1)}), 1);
  EXPECT_EQ(runtime_log().frames, std::vector<std::string>{"outer a.py:10:4"});
}

const char* const kFib =
    "func @fib(%0: pyint) -> pyint exported recursive {\n  scope 0 \"fib\" \"f.py\" 1\n  loc 1 2:1-2:2\n^0(%0: pyint):\n"
    "  %1 = const 2 : pyint !1\n  %2 = lt %0, %1 : pybool\n  br %2, ^1, ^2\n^1:\n  return %0\n"
    "^2:\n  %3 = const 1 : pyint\n  %4 = sub %0, %3 : pyint\n  %5 = sub %0, %1 : pyint\n  %6 = call %4, \"fib\" : pyint !1\n"
    "  %7 = call %5, \"fib\" : pyint !1\n  %8 = add %6, %7 : pyint\n  return %8\n}\n";

TEST(Errors, RecursionStopsAtTheLimit) {
  Compiled c(kFib);
  EXPECT_EQ(c.call({cell(20)}), 0);
  EXPECT_EQ(c.result[0], 6765u);
  char here[1];
  c.ctx.stack_limit = reinterpret_cast<char*>(reinterpret_cast<uintptr_t>(here) - 2000);
  EXPECT_EQ(c.call({cell(500)}), 1);
  ASSERT_FALSE(runtime_log().events.empty());
  EXPECT_EQ(runtime_log().events[0], "stack_overflow");
  EXPECT_GT(runtime_log().frames.size(), 1u);
}

TEST(Calls, ForeignFunctionsAndLoops) {
  Compiled loop(function_text(
      "%0: array(float64,1,C), %1: array(float64,1,C)", "none",
      "  %2 = import \"loop:1:0:fn\" : ptr(pyint)\n  %3 = stack_alloc 16 : ptr(ptr(float64))\n  %4 = array.data %0 : ptr(float64)\n"
      "  %5 = array.data %1 : ptr(float64)\n  %6 = const 8 : pyint\n  %7 = ptr.add %3, %6 : ptr(ptr(float64))\n  store %3, %4\n  store %7, "
      "%5\n"
      "  %8 = stack_alloc 8 : ptr(pyint)\n  %9 = array.shape %0, 0 : pyint\n  store %8, %9\n  %10 = stack_alloc 16 : ptr(pyint)\n"
      "  %11 = ptr.add %10, %6 : ptr(pyint)\n  store %10, %6\n  store %11, %6\n  %12 = zero : ptr(pyint)\n"
      "  %13 = call_ptr %2, %3, %8, %10, %12, 1 : none\n  %14 = zero : none\n  return %14"));
  TestOwner owner;
  double in[3] = {1, 2, 3}, out[3] = {};
  ASSERT_EQ(loop.call({cell(&owner), cell(in), cell(3), cell(&owner), cell(out), cell(3)}), 0);
  EXPECT_EQ(out[2], 6.0);
  Compiled scale(function_text("%0: pyfloat, %1: int32, %2: pybool", "pyfloat",
                               "  %3 = import \"addr:1\" : ptr(pyint)\n  %4 = call_ptr %3, %0, %1, %2, 1 : pyfloat\n  return %4"));
  ASSERT_EQ(scale.call({cell(2.0), cell(-3), cell(true)}), 0);
  EXPECT_EQ(as_double(scale.result[0]), 6.0);
  Compiled runtime(function_text("%0: pyint", "pyint", "  %1 = call_rt \"coluber_fpe_test\" : pyint\n  return %1"));
  ASSERT_EQ(runtime.call({cell(0)}), 0);
  EXPECT_EQ(runtime.result[0], 5u);
}

TEST(Calls, Format) {
  Compiled c(function_text("%0: pyint", "str", "  %1 = str.format %0, [2] : str\n  return %1"));
  ASSERT_EQ(c.call({cell(77)}), 0);
  EXPECT_EQ(runtime_log().events, std::vector<std::string>{"format 1 77 2"});
  EXPECT_EQ(std::string(reinterpret_cast<char*>(c.result[0]), c.result[1]), "formatted");
}

TEST(Objects, LoadAgainAndFreely) {
  Compiled c(kFib);
  CompiledObject again = load_object(c.object().object);
  ASSERT_EQ(again.error, "");
  again.import_keys = c.object().import_keys;
  fill_imports(again);
  coluber_ctx ctx{};
  uint64_t arg = 10, result = 0;
  EXPECT_EQ(again.entry(&ctx, &arg, &result), 0);
  EXPECT_EQ(result, 55u);
  EXPECT_NE(again.entry, c.object().entry);
  EXPECT_NE(load_object("no object").error, "");
}

TEST(Objects, CompileInSeveralThreadsAtOnce) {
  std::string error;
  auto program = ir::parse_program(kFib, &error);
  ASSERT_TRUE(program) << error;
  std::vector<std::thread> threads;
  std::vector<uint64_t> results(8);
  for (uint64_t& slot : results)
    threads.emplace_back([&program, &slot] {
      for (int k = 0; k < 3; ++k) {
        CompiledObject out = compile_program(*program);
        if (!out.error.empty()) return;
        fill_imports(out);
        coluber_ctx ctx{};
        uint64_t arg = 15;
        if (out.entry(&ctx, &arg, &slot) != 0) return;
      }
    });
  for (std::thread& t : threads) t.join();
  for (uint64_t r : results) EXPECT_EQ(r, 610u);
}

int mappings() {
  std::ifstream maps("/proc/self/maps");
  int count = 0;
  for (std::string line; std::getline(maps, line);) ++count;
  return count;
}

TEST(Objects, CodeIsGivenBack) {
  std::string error;
  auto program = ir::parse_program(kFib, &error);
  ASSERT_TRUE(program) << error;
  std::vector<CompiledObject> kept;
  int before = mappings();
  for (int k = 0; k < 20; ++k) kept.push_back(compile_program(*program));
  int during = mappings();
  kept.clear();
  EXPECT_GE(during, before + 20);
  EXPECT_LE(mappings(), before + 4);  // the heap may have grown by a piece or two
}

TEST(Objects, MistakesOfEarlierStagesAreErrorsNotCrashes) {
  for (const char* ops : {"  %1 = math %0, \"no_such\" : pyint\n  return %1", "  %1 = call %0, \"nobody\" : pyint\n  return %1",
                          "  %1 = call_rt %0, \"coluber_nothing\" : pyint\n  return %1",
                          "  %1 = cast %0 : uint8\n  %2 = math %1, \"bswap\" : uint8\n  return %0",
                          "  %1 = ew %0, \"k\" : pyint\n  return %1", "  %1 = py.neg_nothing %0 : pyint\n  return %1"}) {
    std::string error;
    auto program = ir::parse_program(function_text("%0: pyint", "pyint", ops), &error);
    if (!program) continue;  // the last one does not even parse
    CompiledObject out = compile_program(*program);
    EXPECT_NE(out.error, "") << ops;
    EXPECT_EQ(out.entry, nullptr);
  }
}

}  // namespace
}  // namespace coluber::backend
