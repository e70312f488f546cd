// What came of a look-up or a store, with the reason.
#pragma once
#include <string>

namespace coluber::jit {

enum class Reason {
#define REASON(Id, text) Id,
#include "jit/cache/reasons.def"
};
inline constexpr int kReasons = 0
#define REASON(Id, text) +1
#include "jit/cache/reasons.def"
    ;
const char* text_of(Reason reason);

struct Outcome {
  Reason reason = Reason::Hit;
  std::string detail = {};

  bool hit() const { return reason == Reason::Hit; }
  std::string text() const { return detail.empty() ? text_of(reason) : std::string(text_of(reason)) + ": " + detail; }
};

}  // namespace coluber::jit
