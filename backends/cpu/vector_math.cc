// Which vector functions this processor's loops call: vector_math.def by the width of its vectors.
//
// Of SLEEF's functions those are taken that give the same bits at any number of lanes ("finz": with fused multiply-add); the others may let
// a lane's result depend on its neighbours. glibc's differ by width, so that one width of them serves all.
#include <llvm/MC/MCSubtargetInfo.h>

#include <string_view>

#include "backends/cpu/cpu_target.h"

namespace coluber::backend {
namespace {

struct Row {
  std::string_view symbol, precise;
  int least;
  double limit64, limit32;
};
constexpr Row kRows[] = {
#define VECTOR_MATH(symbol, precise, least, limit64, limit32) {#symbol, precise, least, limit64, limit32},
#include "backends/cpu/vector_math.def"
};

const Row* find_row(const std::string& symbol, bool single) {
  for (const Row& row : kRows)
    if (symbol == row.symbol && !(single && row.precise == "own")) return &row;
  return nullptr;
}

// Bits of the vectors that loops are made of; 0 where there are no fused multiply-adds.
int vector_bits(const llvm::TargetMachine& machine, int wanted) {
  const llvm::MCSubtargetInfo& cpu = *machine.getMCSubtargetInfo();
  if (!machine.getTargetTriple().isX86() || !cpu.checkFeatures("+avx2,+fma")) return 0;
  bool wide = cpu.checkFeatures("+avx512f") && (wanted > 256 || (wanted == 0 && !cpu.checkFeatures("+prefer-256-bit")));
  return wide ? 512 : 256;
}

}  // namespace

VectorMath CpuTarget::vector_math(const std::string& symbol, bool single, size_t operands, const Options& options) {
  const Row* row = find_row(symbol, single);
  int widest = row ? vector_bits(*machine(3), options.vector_width) : 0, item = single ? 32 : 64;
  bool fast = options.fastmath & kAfn;
  if (widest == 0 || (!fast && widest < row->least)) return {};
  VectorMath found;
  if (fast || row->precise == "libmvec") {
    int lanes = widest / item;
    found.functions[lanes] = std::string(widest == 512 ? "_ZGVeN" : "_ZGVdN") + std::to_string(lanes) + std::string(operands, 'v') + "_" + symbol +
                             (single ? "f" : "");
    return found;
  }
  found.limit = single ? row->limit32 : row->limit64;
  if (row->precise == "own") {
    for (int lanes = 1; lanes <= widest / item; lanes *= 2) found.functions[lanes];
    return found;
  }
  auto add = [&](int lanes, const char* kind) {
    found.functions[lanes] = "Sleef_finz_" + symbol + (single ? "f" : "d") + std::to_string(lanes) + "_" + std::string(row->precise) + kind;
  };
  add(1, "purecfma");
  add(128 / item, "avx2128");
  add(256 / item, "avx2");
  if (widest == 512) add(512 / item, "avx512f");
  return found;
}

}  // namespace coluber::backend
