// The control-flow graph of micro-ops, what is known of the stack at the head of each block, and the rewrites that make the graphs of
// all Python versions alike.
#pragma once
#include <string>
#include <vector>

#include "ir/frontend/decode.h"

namespace coluber::ir::frontend {

enum class HandlerKind : uint8_t {
  Plain,                                   // 3.11: the exception is pushed
  Lasti,                                   // 3.11: and below it the offset of the instruction
  Six                                      // 3.10: the exception that was handled before, then the new one, as three slots each
};

struct CfgBlock {
  std::vector<Inst> insts;                 // jumps have become `next`; Branch and ForIter are the last if they are there
  int next = -1;                           // where it goes; of a Branch: when true; of a ForIter: with an item
  int other = -1;                          // of a Branch: when false; of a ForIter: at the end
  int handler = -1, handler_depth = 0;     // where errors go, and how much of the stack stays
  HandlerKind handler_kind = HandlerKind::Plain;
  bool is_handler = false;
  bool foreign = false;                    // of an inlined comprehension
  bool head = false;                       // a jump leads back to it, and looks for Ctrl-C
  int behind = -1;                         // of a Suspend: where the generator goes on; good until enter_at
  int depth = -1;                          // of the stack at its head
  int block_stack = 0;                     // which of 3.10's block stacks it ends with
  bool raises() const {
    for (const Inst& i : insts)
      if (micro_flags(i.op) & MicroRaises) return true;
    return head;
  }
};

// A call of a comprehension's function: the call is instruction `inst` of block `block`.
struct ComprehensionSite {
  int block, inst;
  int code;                                // its code object in Unit::consts
  enum Kind : uint8_t { Comprehension, CollectAll, UntilTrue, UntilFalse } kind;
};

struct BlockStackEntry {
  uint32_t target;                         // the handler's first instruction, in bytes, or EntryPoint::kBegun: a handler that is running
  int depth;                               // of the stack below it
};

struct Cfg {
  std::vector<CfgBlock> blocks;            // block 0 is the entry
  std::vector<ComprehensionSite> sites;
  std::vector<std::vector<BlockStackEntry>> block_stacks;   // of CfgBlock::block_stack
  std::vector<uint32_t> suspended;         // heads of loops that a generator yields in: offsets of their first instructions
};

// Blocks begin at these bytes, too.
Cfg build_blocks(Decoded decoded, const std::vector<uint32_t>& leaders);
// Runs the stack's shape through the graph: depths, 3.10's handlers, comprehension calls. Fails where depths do not agree.
void find_shapes(const Unit& unit, Cfg* cfg);
// Replaces calls of comprehensions by their bodies.
void inline_comprehensions(Unit* unit, Cfg* cfg, const clb_code& code, const CodeScope& scope);
// Drops what cannot be reached and numbers the rest in reverse postorder.
void order_blocks(Cfg* cfg);
// Undoes what compilers did to the layout: rotated while conditions, copied exits, tests of what was just tested.
void normalise(const Unit& unit, Cfg* cfg);

// All of the above: the graph of a code object, ready for SSA.
Cfg build_cfg(Unit* unit, const clb_code& code, const CodeScope& scope);

inline constexpr int kMaxStack = 20'000;
inline constexpr int kNoHandler = -2;      // target of a PushHandler that protects nothing that raises

}  // namespace coluber::ir::frontend
