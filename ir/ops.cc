// The table of operations made of ops.def, and the way back from an operation's text to its row.
#include <string_view>
#include <unordered_map>

#include "ir/function.h"

namespace coluber::ir {
namespace {

constexpr OpInfo kOps[] = {
#define OP(Enum, text, operands, results, flags) {text, operands, results, flags},
#include "ir/ops.def"
};

}  // namespace

const OpInfo& info(OpCode code) { return kOps[static_cast<size_t>(code)]; }

bool op_from_text(std::string_view text, OpCode* out) {
  static const auto* by_text = [] {
    auto* map = new std::unordered_map<std::string_view, OpCode>;
    for (size_t i = 0; i < sizeof(kOps) / sizeof(kOps[0]); ++i) map->emplace(kOps[i].text, static_cast<OpCode>(i));
    return map;
  }();
  auto it = by_text->find(text);
  if (it == by_text->end()) return false;
  *out = it->second;
  return true;
}

}  // namespace coluber::ir
