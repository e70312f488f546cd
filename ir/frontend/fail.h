// How the frontend gives up: an exception that build_function turns into a BuildError.
#pragma once
#include <initializer_list>
#include <string_view>

#include "ir/frontend/build.h"

namespace coluber::ir::frontend {

struct Fail {
  BuildError error;
};

// Throws row `id` of ir/diag.def with {0}, {1}... filled in.
[[noreturn]] void fail(std::string_view id, std::initializer_list<std::string_view> args, const Loc& location = {});
[[noreturn]] void fail_bytecode(std::string_view why, const Loc& location = {});

}  // namespace coluber::ir::frontend
