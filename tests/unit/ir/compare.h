// Runs a program before and after passes: it must return the same, raise the same, and leave the same in memory.
#pragma once
#include "helpers.h"
#include "interpret.h"

namespace coluber::ir::test {

constexpr const char* kGuards = "cleanup,guards,cleanup";

struct Ran {
  Outcome outcome;
  std::vector<uint8_t> memory;
};

// Arguments: int64 numbers as they are; arrays {place in the common memory, sizes...}.
struct Arg {
  std::vector<int64_t> shape;              // empty: a number
  int64_t value = 0;                       // or the place, in elements
};
inline Arg num(int64_t v) { return {{}, v}; }
inline Arg arr(std::vector<int64_t> shape, int64_t at) { return {std::move(shape), at}; }

inline Ran run(const Program& p, const std::vector<Arg>& args) {
  Interpreter machine(p);
  constexpr size_t kCells = 512;
  uint8_t* memory = machine.allocate(kCells * 8);
  for (size_t k = 0; k < kCells; ++k) reinterpret_cast<int64_t*>(memory)[k] = static_cast<int64_t>((k * 11) % 23) - 3;
  std::vector<Slots> slots;
  for (const Arg& a : args)
    slots.push_back(a.shape.empty() ? int_slots(a.value) : array_slots(reinterpret_cast<uint64_t>(memory) + static_cast<uint64_t>(a.value * 8), a.shape));
  Ran r;
  r.outcome = machine.run("f", slots, 400'000);
  r.memory.assign(memory, memory + kCells * 8);
  return r;
}

// What happens to a program after the passes, on several inputs. Returns the number of checks that ran, over all of them.
inline uint64_t compare(const std::string& text, const std::vector<std::vector<Arg>>& inputs, const std::string& passes = kGuards, uint64_t* had = nullptr) {
  std::unique_ptr<Program> before = parse_ok(text), made = parse_ok(after(passes, text));
  uint64_t checks = 0;
  for (const std::vector<Arg>& args : inputs) {
    Ran x = run(*before, args), y = run(*made, args);
    EXPECT_EQ(x.outcome.fault, "");
    EXPECT_EQ(x.outcome, y.outcome) << "fault " << y.outcome.fault << "\n" << text << "\n" << print(*made);
    EXPECT_EQ(x.memory, y.memory) << text << "\n" << print(*made);
    checks += y.outcome.checks;
    if (had) *had += x.outcome.checks;
    if (testing::Test::HasFailure()) break;
  }
  return checks;
}

}  // namespace coluber::ir::test
