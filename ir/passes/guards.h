// The parts of the guards pass (see guards.cc): what is proved, what is tested once in front of a loop, copies of loops.
#pragma once
#include <functional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ir/analysis/loops.h"
#include "ir/analysis/ranges.h"

namespace coluber::ir::guards {

// The analyses of a function as it is now. Loops are copied behind its back: what is copied is found by the numbers of blocks and values.
struct Analyses {
  explicit Analyses(const Function& f, bool trust_guards = true);
  Cfg cfg;
  DomTree dom;
  DefUse uses;
  LoopInfo loops;
  Ranges ranges;
  const size_t blocks, values;             // how many there were
  std::vector<std::vector<Pred>> preds;    // kept up to date while loops are copied
  std::vector<uint8_t> touched;            // blocks that got parameters, of which `uses` knows nothing
  std::unordered_map<ValueId, std::vector<BlockId>> state_uses;       // frame states that name a value
};

bool is_check(const Op& op);               // index_check, guard, or a usual condition
bool is_usual(const Op& op);               // a `likely` that is worth a version of the loop

// guards_lists.cc: reads of a list's length and items pointer move in front of loops that do not change them. True: something changed.
bool hoist_list_reads(Function& f);

// guards.cc: drops checks that are proved, and gives mod and floordiv cheaper forms. True: something changed.
bool remove_proven(Function& f, Analyses& a);

// A copy of some blocks of a function beside the original. Edges out of the copy lead to where those of the original do; uses of values
// behind both get block parameters that merge the two.
class Region {
 public:
  Region(Function& f, Analyses& a, const Loop& loop) : f_(f), a_(a), loop_(loop) {}

  // Makes the copy; `edit` may change each block of it (given with the number of the original), as long as no edge goes elsewhere.
  void copy(const std::function<void(Block& made, BlockId from)>& edit);
  BlockId block_copy(BlockId b) const;
  ValueId value_copy(ValueId v) const;
  // Merges what is used behind. To be called when all edges into the copy and out of it are in place.
  void merge_values();

 private:
  bool inside(BlockId b) const { return block_.count(b) != 0; }
  ValueId at_end(BlockId b, ValueId v);
  ValueId at_head(BlockId b, ValueId v);
  BlockId dominating_exit(BlockId b) const;
  void merge(ValueId v);

  Function& f_;
  Analyses& a_;
  const Loop& loop_;
  std::unordered_map<BlockId, BlockId> block_;              // original -> copy
  std::unordered_set<BlockId> copies_;
  std::unordered_map<ValueId, ValueId> value_;
  std::unordered_map<BlockId, ValueId> merged_;             // for the value in hand: what stands for it at the head of a block
  std::vector<BlockId> exits_;
};

// A block in front of a loop to which all the edges that enter it lead now. It has the header's parameters and no terminator yet.
BlockId make_dispatch(Function& f, Analyses& a, const Loop& loop);
// The loop and those in it are seldom run from now on.
void mark_seldom(Function& f, const Analyses& a, LoopId loop);
// Adds a jump or branch target, and makes it known as a predecessor.
void add_target(Function& f, Analyses& a, BlockId from, BlockId to, std::vector<ValueId> args);

// guards_clamp.cc: loops end in front of the turn whose index check would fail; the check fails behind them. True: something changed.
bool clamp_loops(Function& f, Analyses& a);
// What is left of the nests that have a version without checks, by their headers. Unusual: a usual condition may be what failed, and that of
// the whole nest: most of its turns may be as usual.
enum class Slow : uint8_t { No, Unusual, Yes };
using SlowLoops = std::unordered_map<BlockId, Slow>;

// guards_version.cc: a test in front of a loop nest, and a copy of the nest without the checks that the test answers.
// The nests that keep their checks are added to *slow.
void version_loops(Function& f, Analyses& a, SlowLoops* slow);

// guards_speculate.cc: innermost loops that only compute run without their data-dependent guards, and once more with them if one failed.
// *again: those that are worth a second copy, for the turns that are not as usual. It needs analyses of its own.
void speculate_loops(Function& f, Analyses& a, const SlowLoops& slow, SlowLoops* again);
// Will it run on usual conditions, whatever version_loops does? Only what computes from numbers alone: it needs no other version then.
bool speculates(Function& f, Analyses& a, const Loop& loop);
void speculate_again(Function& f, Analyses& a, const SlowLoops& slow);

// guards_merge.cc: tests for nan and for infinity in front of one that fails for those as well become one test where all goes well.
void merge_guards(Function& f);
// The index, behind `guard`, of the guard in the same block that fails whenever this one does; 0: none is known.
using Definitions = std::function<const Op*(ValueId)>;
size_t told_by(const Function& f, const std::vector<Op>& ops, size_t guard, const Definitions& def);

}  // namespace coluber::ir::guards
