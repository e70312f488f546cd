// Fills in the frontend's diagnostics from their rows in ir/diag.def.
#include "ir/frontend/fail.h"

#include <algorithm>

namespace coluber::ir::frontend {
namespace {

struct Row {
  std::string_view id, message, hint;
};
constexpr Row kRows[] = {
#define DIAG(Id, kind, message, hint) {#Id, message, hint},
#include "ir/diag.def"
};

std::string fill(std::string_view text, std::initializer_list<std::string_view> args) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    bool place = text[i] == '{' && i + 2 < text.size() && text[i + 2] == '}' && text[i + 1] >= '0' && text[i + 1] <= '9';
    size_t which = place ? static_cast<size_t>(text[i + 1] - '0') : 0;
    if (place && which < args.size()) {
      out += args.begin()[which];
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

void fail(std::string_view id, std::initializer_list<std::string_view> args, const Loc& location) {
  auto row = std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& r) { return r.id == id; });
  BuildError error{std::string(id), "no row in diag.def", "", location};
  if (row != std::end(kRows)) {
    error.message = fill(row->message, args);
    error.hint = fill(row->hint, args);
  }
  throw Fail{std::move(error)};
}

void fail_bytecode(std::string_view why, const Loc& location) { fail("BadBytecode", {why}, location); }

}  // namespace coluber::ir::frontend
