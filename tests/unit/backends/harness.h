// Compiles typed IR given as text and runs it against a runtime of the tests' own, which records what it is asked to do.
#pragma once
#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "backends/cpu/cpu.h"
#include "ir/function.h"
#include "jit/runtime/abi.h"

namespace coluber::backend {

// What the fake runtime saw since it was last cleared.
struct RuntimeLog {
  std::vector<std::string> events;  // "raise_diag 3 [1, 2, 0]", "drop", "poll", ...
  std::vector<std::string> frames;  // "name file:line:col", innermost first
  int allocations = 0, drops = 0;
  bool fail_allocations = false;
  bool fail_poll = false;
  std::vector<coluber_value> raised;  // arguments of the last raise
};
RuntimeLog& runtime_log();

// A borrowed array argument: its slots in cells, with an owner on the test's stack.
struct TestOwner {
  coluber_owner head{COLUBER_BORROWED_COUNT, COLUBER_PYOBJECT, 0, nullptr, 0, {}};
};

class Compiled {
 public:
  // `body`: one or more functions; one of them is exported.
  explicit Compiled(const std::string& text, Options options = {});
  // Calls the entry; returns the status. Results are in `result`.
  int call(std::vector<uint64_t> cells);
  const std::string& llvm_text() const { return object_.llvm_text; }
  const std::string& asm_text() const { return object_.asm_text; }
  const CompiledObject& object() const { return object_; }

  uint64_t result[16] = {};
  coluber_ctx ctx{};
  uint8_t poll_word = 0;

 private:
  CompiledObject object_;
};

void* test_import(const std::string& key);  // what a key of the import table stands for here
void fill_imports(const CompiledObject& object);

inline uint64_t cell(int64_t v) { return static_cast<uint64_t>(v); }
inline uint64_t cell(int v) { return static_cast<uint64_t>(static_cast<int64_t>(v)); }
inline uint64_t cell(uint64_t v) { return v; }
inline uint64_t cell(bool v) { return v; }
inline uint64_t cell(double v) { return std::bit_cast<uint64_t>(v); }
inline uint64_t cell(float v) { return std::bit_cast<uint32_t>(v); }
inline uint64_t cell(const void* v) { return reinterpret_cast<uint64_t>(v); }

inline double as_double(uint64_t c) { return std::bit_cast<double>(c); }
inline float as_float(uint64_t c) { return std::bit_cast<float>(static_cast<uint32_t>(c)); }

// func @f(params) -> result exported { ^0: <ops> }
std::string function_text(const std::string& params, const std::string& result, const std::string& ops);

// Whether two doubles are the same value in every bit that counts (all nans are alike).
bool same_bits(double a, double b);

}  // namespace coluber::backend
