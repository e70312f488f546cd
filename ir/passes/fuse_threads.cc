// Part of fuse: loops for several threads. In functions with the option parallel, the outermost loop of a group begins with a par.loop, the mark
// that prange loops begin with, and the pass parallel that follows makes a par.for of it. It runs on one thread where it is not worth more:
//
//   %work = mul (size of the result), (what one element costs, known here)
//   %first = par.loop 0, 0, %work            imm kWorth: the runtime compares, and calls the rounds like any function where it is too little
//
// The unit of work is about what an addition of two arrays takes for one element in the cache, a quarter of a nanosecond.
#include "ir/passes/fuse.h"
#include "ir/passes/parallel.h"

namespace coluber::ir::fuse {
namespace {

constexpr int64_t kMathCost = 16, kDivisionCost = 6, kCallCost = 40, kMemoryCost = 2;
enum How { Llvm, Code, Libm };
bool is_library_function(const std::string& math) {
  static const std::unordered_map<std::string, How> kHow{
#define INTRINSIC(name, operands, how, symbol, domain, result) {#name, how},
#include "ir/intrinsics.def"
  };
  auto at = kHow.find(math);
  return at != kHow.end() && at->second == Libm;
}

constexpr int kDeepest = 4;                // of calls that are looked into

int64_t cost_of(const Summary& summary, const Op& op, int depth);

int64_t cost_of(const Summary& summary, const Function& f, int depth) {
  int64_t all = 0;
  for (const Block& b : f.blocks)
    for (const Op& op : b.ops) all += cost_of(summary, op, depth);
  return all;
}

int64_t cost_of(const Summary& summary, const Op& op, int depth) {
  switch (op.code) {
    case OpCode::Const: case OpCode::Cast: case OpCode::Return: case OpCode::Jump: case OpCode::TupleMake: case OpCode::TupleGet: return 0;
    case OpCode::Math: return op.sym == "sqrt" ? kDivisionCost : is_library_function(op.sym) ? kMathCost : 1;
    case OpCode::FDiv: case OpCode::FloorDiv: case OpCode::Mod: case OpCode::TruncDiv: case OpCode::TruncRem: return kDivisionCost;
    case OpCode::Call: {
      const Function* callee = depth < kDeepest ? summary.function(op.sym) : nullptr;
      return callee ? cost_of(summary, *callee, depth + 1) : kCallCost;
    }
    case OpCode::CallRt: case OpCode::CallPtr: case OpCode::Fold: return kCallCost;
    default: return 1;
  }
}

}  // namespace

int64_t element_cost(const Summary& summary, std::span<const Op> ops, size_t arrays) {
  int64_t all = kMemoryCost * static_cast<int64_t>(arrays + 1);
  for (const Op& op : ops)
    if (op.code == OpCode::Elementwise)
      if (const Function* kernel = summary.function(op.sym)) all += cost_of(summary, *kernel, 0);
  return all;
}

bool has_vector_functions(const Summary& summary, const std::string& kernel) {
  const Function* f = summary.function(kernel);
  if (!f) return false;
  for (const Block& b : f->blocks)
    for (const Op& op : b.ops) {
      if (op.code == OpCode::Math && is_library_function(op.sym)) return true;
      if (op.code == OpCode::Call && op.sym != kernel && has_vector_functions(summary, op.sym)) return true;
    }
  return false;
}

int64_t cost_of(const Summary& summary, const Op& op) { return cost_of(summary, op, 0); }

ValueId work_of(Builder& b, ValueId rounds, int64_t cost) { return b.emit(OpCode::Mul, {rounds, b.const_int(cost)}, pyint()); }

ValueId Emitter::shared_start(ValueId first, std::span<const ValueId> counts, int64_t cost, int64_t operations, std::span<const uint32_t> others) {
  ValueId work = work_of(b_, product(counts), cost);
  ValueId start = op(OpCode::ParLoop, {first, integer(0), work}, pyint(), kWorth);
  std::vector<int64_t>& ints = f_.blocks[block()].ops.back().ints;
  ints = {operations};
  ints.insert(ints.end(), others.begin(), others.end());
  return start;
}

}  // namespace coluber::ir::fuse
