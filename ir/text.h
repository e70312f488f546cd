// Shared by the printers and parsers of types and of the IR, and by whoever writes messages about single ops.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "ir/function.h"
#include "ir/type.h"

namespace coluber::ir {

// Parses a type at text[*pos] and moves *pos behind it; nullptr when there is none.
TypeRef parse_type_at(std::string_view text, size_t* pos);

// Deeper types than this are refused, so that hostile text cannot exhaust the stack.
inline constexpr int kMaxTypeDepth = 200;

void append_quoted(std::string* out, std::string_view s);     // "..." with escapes; any byte survives
void append_double(std::string* out, double value);           // shortest text that reads back the same bits

std::string print(const Function& f, const Op& op);           // one line, without indentation and newline

}  // namespace coluber::ir
