// What the tests of ir/ share.
#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "ir/passes/manager.h"
#include "ir/verify.h"

namespace coluber::ir {

inline std::unique_ptr<Program> parse_ok(std::string_view text) {
  std::string error;
  std::unique_ptr<Program> p = parse_program(text, &error);
  EXPECT_TRUE(p) << error << "\n" << text;
  return p ? std::move(p) : std::make_unique<Program>();
}

inline std::unique_ptr<Function> function_ok(std::string_view text) {
  std::string error;
  std::unique_ptr<Function> f = parse_function(text, &error);
  EXPECT_TRUE(f) << error << "\n" << text;
  return f ? std::move(f) : std::make_unique<Function>();
}

// Runs passes with the verifier on; the printed result.
inline std::string after(std::string_view passes, std::string_view text, PassOptions options = {}) {
  std::unique_ptr<Program> p = parse_ok(text);
  std::vector<PassId> list;
  std::string error;
  EXPECT_TRUE(parse_passes(passes, &list, &error)) << error;
  options.verify = true;
  error = run_passes(*p, list, options);
  EXPECT_EQ(error, "") << print(*p);
  return print(*p);
}

inline int count_of(std::string_view text, std::string_view what) {
  int n = 0;
  for (size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

}  // namespace coluber::ir
