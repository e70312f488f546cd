// What a compilation did, line by line, as JSON: the input of `annotate`.
#pragma once
#include <string>

#include "jit/driver/compile.h"

namespace coluber::jit {

// {"types": [{file, function, args, result, values: [[line, col, end_line, end_col, type, variable], ...]}, ...],   one per specialisation
//  "llvm": [[file, line, text], ...], "asm": [[file, line, text], ...],
//  "remarks": [[file, line, col, kind, pass, text], ...],                                                          LLVM's, of loops
//  "effects": [[file, line, what], ...]}      what: "bounds check", "check", "allocation", "reference", "call", "python"; one row per op
// The library's own lines are not told: what it does belongs to the line that called it.
std::string listing_json(Compilation& compilation, const clb_options& options);

// [{function, file, line, parallel, schedule, why, reductions: [text, ...], unproved: [[line, what], ...]}, ...]: the prange loops.
std::string loops_json(const Compilation& compilation);

}  // namespace coluber::jit
