// The verifier, in the three parts that verify() puts together.
#pragma once
#include <string>

#include "ir/function.h"

namespace coluber::ir {

std::string verify_structure(const Function& f);                              // any IR
std::string verify_types(const Function& f, const Program* program);          // typed IR of sound structure
// Typed IR of sound structure after passes/refcount. Before it, nothing is owned and this would complain.
std::string verify_ownership(const Function& f);
// Has passes/refcount been here? Seen by retain, release or an on_error list.
bool has_ownership(const Function& f);

// "@f ^3 `%4 = add %1, %2 : pyint`: why"
std::string verify_message(const Function& f, BlockId b, const Op* op, const std::string& why);

}  // namespace coluber::ir
