// What passes have to say to the user: errors that only show in typed IR, and what became of parallel loops.
#pragma once
#include <string>
#include <vector>

#include "ir/function.h"

namespace coluber::ir {

struct UserError {
  std::string id;                          // row of ir/diag.def
  std::vector<std::string> args;
  std::string function, file;
  Loc place;
};

struct LoopNote {                          // a loop that was to be parallel
  std::string kind = "prange";             // or "array expression", "library function", "comprehension"
  int64_t operations = 0;                  // of arrays, that became one loop
  std::vector<Loc> others;                 // further statements or loops that are one with it
  std::string apart;                       // why it is not one with the loop in front of it; empty: there is none, or it is
  std::string function, file;
  Loc place;
  bool parallel = false;
  std::string schedule, why;               // why: what keeps it from being parallel
  std::vector<std::string> reductions;     // "s (+)"
  std::vector<std::pair<Loc, std::string>> unproved;   // stores of which it is not known whether rounds collide
};

struct Report {
  std::vector<UserError> errors;
  std::vector<LoopNote> loops;
};

}  // namespace coluber::ir
