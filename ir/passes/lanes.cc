// Lanes: calls of the C library's math functions are told which loop they are in.
//
//   before   ^1(%i) loop: ... %y = math %x, "sin"        after   ^1(%i) loop: ... %y = math %x, "sin", 3
//
// A loop that is vectorised takes vector functions, whose results may differ from the C library's in the last bit. All the copies of the loop
// that later passes and the backend make (with and without checks, pieces, remainders, turns that go round an end) have to take the same
// functions then, or a result would depend on its position. So the copies keep the number, and the backend decides by number. Numbers
// are unique in the program and begin at 1; a call outside of loops has 0 and is the C library's.
//
// Requires typed IR; goes behind inlining, since what is inlined into a loop belongs to it, and before passes that copy loops.
#include "ir/analysis/loops.h"
#include "ir/passes/manager.h"

namespace coluber::ir {
namespace {

bool is_library_function(const std::string& name) {
  enum { Llvm = 0, Libm = 1, Code = 0 };
#define INTRINSIC(row, operands, how, symbol, domain, result) \
  if (how && name == #row) return true;
#include "ir/intrinsics.def"
  return false;
}

bool calls_library(const Function& f) {
  for (const Block& b : f.blocks)
    for (const Op& op : b.ops)
      if (op.code == OpCode::Math && is_library_function(op.sym)) return true;
  return false;
}

// There is enough to do in one turn.
void mark(Function& f, const Loop& loop) {
  for (const Pred& p : loop.latches)
    if (!p.error()) f.blocks[p.block].term().imm |= 8;
}

}  // namespace

void run_lanes(Program& p, const PassOptions&) {
  int64_t last = 0;
  for (std::unique_ptr<Function>& fn : p.functions) {
    Function& f = *fn;
    if (!f.typed || !calls_library(f)) continue;
    Cfg cfg(f);
    DomTree dom(f, cfg);
    LoopInfo loops(f, cfg, dom);
    for (BlockId b = 0; b < f.blocks.size(); ++b) {
      LoopId loop = loops.loop_of(b);
      for (Op& op : f.blocks[b].ops) {
        if (op.code != OpCode::Math || !is_library_function(op.sym)) continue;
        op.imm = loop == kNoId ? 0 : last + loop + 1;
        if (loop != kNoId) mark(f, loops.loops()[loop]);
      }
    }
    last += static_cast<int64_t>(loops.loops().size());
  }
}

}  // namespace coluber::ir
