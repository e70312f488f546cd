// Latches: a loop that is continued at several places gets one block in front of its header where they meet. LLVM would otherwise take
// `continue` for the back edge of an inner loop of its own, and vectorise neither.
//
//   before   ^2: jump ^1(%a)   ^3: jump ^1(%b)      after   ^2: jump ^L(%a)   ^3: jump ^L(%b)   ^L(%x): jump ^1(%x)
//
// Requires typed IR without reference counts; nothing that removes empty blocks may run behind it.
#include "ir/analysis/loops.h"
#include "ir/builder.h"
#include "ir/passes/manager.h"

namespace coluber::ir {

void run_latches(Function& f, const PassOptions&) {
  if (!f.typed || f.blocks.size() < 3) return;
  Cfg cfg(f);
  DomTree dom(f, cfg);
  LoopInfo loops(f, cfg, dom);
  for (const Loop& loop : loops.loops()) {
    bool plain = loop.latches.size() > 1;
    for (const Pred& latch : loop.latches) plain = plain && !latch.error();
    if (!plain) continue;
    Builder b(&f);
    b.set_block(f.add_block());
    BlockId made = b.block();
    std::vector<ValueId> passed;
    for (ValueId p : std::vector<ValueId>(f.blocks[loop.header].params)) passed.push_back(b.param(f.type_of(p), f.values[p].name));
    b.jump(loop.header, passed);
    int64_t what = ~int64_t{0};                             // what they say of the loop: see jump in ops.def
    for (const Pred& latch : loop.latches) what &= f.blocks[latch.block].term().imm;
    f.blocks[made].term().imm = what;
    for (const Pred& latch : loop.latches) f.blocks[latch.block].term().targets[latch.index].block = made;
  }
}

}  // namespace coluber::ir
