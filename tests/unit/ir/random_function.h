// Makes random functions that are sound: any graph of blocks, error edges included, over values of counted and plain types.
#pragma once
#include <memory>
#include <random>

#include "ir/function.h"

namespace coluber::ir {

// Typed, not yet counted. The same seed gives the same function.
std::unique_ptr<Function> random_function(uint32_t seed, uint32_t blocks);

// Functions @f0, @f1, ... (pyint, pybool, tuple(pyint,pybool), optional(pyint)) -> pyint of numbers and tuples, with checks that may
// raise; each may call those behind it. They can be run (interpret.h), and may not end.
std::unique_ptr<Program> random_program(uint32_t seed, uint32_t functions, uint32_t blocks);

}  // namespace coluber::ir
