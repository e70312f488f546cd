// The parts of the cleanup pass. Each returns whether it changed anything that may give the others work.
#pragma once
#include "ir/function.h"

namespace coluber::ir {

// Branches on constants, error edges of blocks that cannot raise, jumps to empty blocks, straight lines of blocks, unreachable blocks.
bool simplify_blocks(Function& f);
// Parameters that always get the same value; with `split`, parameters of tuple-like types become one per item.
bool simplify_params(Function& f, bool owned);
bool split_tuple_params(Function& f);
// Folds, forwards what was just put together, and finds what was computed before. Typed IR. Managed values are left alone when `owned`:
// their references are counted by then.
bool simplify_values(Function& f, bool owned);
// What edges bring over which nobody comes to read it.
bool drop_unread_args(Function& f);
// Ops and parameters that nothing needs.
bool remove_dead(Function& f, bool owned);

}  // namespace coluber::ir
