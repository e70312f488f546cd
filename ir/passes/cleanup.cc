// Cleanup: leaves the shortest IR that says the same. Runs after whatever makes IR carelessly: frontend, typing, inlining, expansion.
//
//   before                                   after
//   ^0(%0: pyint):                           ^0(%0: pyint):
//     %1 = const 1 : pybool                    %3 = const 2 : pyint
//     br %1, ^1, ^2(%0)                        %4 = add %0, %3 : pyint
//   ^1:                                        return %4
//     %3 = const 2 : pyint
//     %4 = add %0, %3 : pyint
//     return %4
//   ^2(%5: pyint):
//     return %5
//
// Requires sound IR, untyped or typed, before or after refcount. On untyped IR it only touches blocks, parameters and dead ops: what
// py.* ops mean is for inference to say. Must not reorder ops that raise, read or write, nor drop errors. The parts are in cleanup_*.cc
// and simplify.cc; they feed each other, so they are repeated, a few rounds at most.
#include "ir/passes/cleanup.h"

#include "ir/passes/manager.h"
#include "ir/verify.h"

namespace coluber::ir {

void run_cleanup(Function& f, const PassOptions&) {
  constexpr int kMaxRounds = 5;            // what is left after that is rare, and the next cleanup gets it
  bool owned = f.typed && has_ownership(f);
  bool blocks_settled = false, asked = !f.typed || owned;
  for (int round = 0; round < kMaxRounds; ++round) {
    for (int again = 0; again < kMaxRounds && !blocks_settled; ++again) blocks_settled = !simplify_blocks(f);
    bool changed = simplify_params(f, owned);
    if (f.typed && !owned) changed |= split_tuple_params(f);
    if (f.typed) changed |= simplify_values(f, owned);
    bool removed = remove_dead(f, owned);
    blocks_settled = !changed && !(removed && simplify_blocks(f));
    if (!blocks_settled) continue;
    if (asked || !drop_unread_args(f)) break;              // ops that went, and no block with them: nothing for the others
    asked = true;
  }
}

}  // namespace coluber::ir
