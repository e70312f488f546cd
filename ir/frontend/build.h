// The bytecode frontend: from the snapshot of a code object to untyped IR. Needs neither Python nor LLVM.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ir/function.h"
#include "jit/engine_api.h"

namespace coluber::ir {

// Why there is no IR: a row of ir/diag.def, filled in, and where.
struct BuildError {
  std::string id, message, hint;
  Loc location;                            // line 0: unknown; end_line 0: the code object has no columns
};

// Untyped IR of a function; `handle` becomes that of scope 0. Null and *error when there is none; any bytes are safe.
//
// The parameters of block 0 are all parameters of the function in the order of co_varnames: positional, keyword-only, *args as one
// tuple, **kwargs as one dict. Lines count from 1, columns from 0 in UTF-8 bytes.
//
// debug: stores to variables are marked by py.debug_local.
//
// What py.const and py.function count in `imm` is *constants: the code's own, then those the frontend added (None, items of constant
// tuples, constants of comprehensions that were inlined). They point into `code` or to statics.
//
// objects: for object mode. What only objects can do is py.object instead of py.unsupported; py.keep and py.handled say what CPython's frames
// hold and which exception is being handled.
//
// entry: the text of an EntryPoint (regions.h): code that begins there; its ints leave for object mode rather than 64 bits.
//
// Each value that is stored to a variable named in `typed_locals` goes through a py.local.
std::unique_ptr<Function> build_function(const clb_code& code, int64_t handle, BuildError* error,
                                         std::vector<const clb_const*>* constants = nullptr, std::span<const char* const> typed_locals = {},
                                         bool debug = false, bool objects = false, std::string_view entry = {});

}  // namespace coluber::ir
