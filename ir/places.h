// Places in the user's source: what was inlined from the library in Python belongs to the line that called it.
#pragma once
#include <string_view>

#include "ir/function.h"

namespace coluber::ir {

bool is_library_file(std::string_view file);
// The location, out of the library's functions it was inlined from; one in the library when the whole function is the library's.
uint32_t user_place(const Function& f, uint32_t loc);

}  // namespace coluber::ir
