// The parts of the pass parallel (see parallel.cc): which loops may run on several threads, what they carry from round to round, and their body
// as a function of its own.
#pragma once
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/analysis/loops.h"
#include "ir/analysis/uses.h"
#include "ir/builder.h"
#include "ir/passes/fuse.h"
#include "ir/passes/report.h"
#include "ir/schedule.h"

namespace coluber::ir::parallel {

struct Analyses {
  Cfg cfg;
  DomTree dom;
  LoopInfo loops;
  DefUse uses;
  explicit Analyses(const Function& f) : cfg(f), dom(f, cfg), loops(f, cfg, dom), uses(f) {}
};

// How the values that the threads arrived at become one. Last: the value of the last round. With: of the thread that an extremum is from.
// Function: by a function of the user's. FloorDiv: threads multiply their divisors up.
enum class Combine : uint8_t { Add, Mul, And, Or, Xor, Min, Max, Set, Last, With, Function, FloorDiv };
const char* text(Combine c);

// A variable that goes from round to round: a parameter of the header other than the counter.
struct Carried {
  size_t param = 0;
  Combine how = Combine::Add;
  ValueId set = kNoId;                     // Set: the constant
  size_t with = 0;                         // With: index of the extremum among what is carried
  std::string function;                    // Function: of two accumulators
  std::vector<Op> identity;                // Function: the ops that make the value to begin with, the last one
  std::vector<ValueId> quotients;          // FloorDiv: in the loop
  size_t loop = 0;                         // of several that are one
};

// An array from outside that rounds only add to: each thread has one of its own.
struct PrivateArray {
  ValueId array = kNoId;
  Combine how = Combine::Add;
  bool whole = false;                      // each round adds to all of it: a copy costs no more than a round
};

// A loop that began with a par.loop.
struct Candidate {
  LoopId loop = kNoId;
  BlockId header = kNoId;
  Pred entry;
  const Op* mark = nullptr;
  size_t counter = 0;                      // which parameter of the header
  size_t test = 0;                         // index of the comparison in the header
  ValueId start = kNoId, stop = kNoId;
  Edge on_error;                           // where errors of its rounds go
  std::vector<BlockId> blocks;             // the loop's, and those behind it that do nothing but raise
  std::vector<uint8_t> inside;             // by block
  bool contains(BlockId b) const { return b < inside.size() && inside[b]; }
  std::vector<Carried> carried;
  std::vector<PrivateArray> arrays;
  std::vector<Candidate> nest;             // loops inside that are one with it, from the outside in
  bool checked = false;                    // for races, while it runs
  bool raises = false;                     // known only for those that may be one with others
  std::vector<Position> answered;          // checks that hold where they are one
};

// Finds the form of a marked loop. On failure *why says what stands in the way.
bool find_form(const Function& f, const Analyses& a, LoopId loop, size_t counter, Candidate* out, std::string* why);
// Does the loop count in steps of one from a value to one that is known before it? Finds start and stop.
bool is_counted(const Function& f, const Analyses& a, LoopId loop, size_t counter, Candidate* out);
// How many rounds such a loop has; of more than lists and arrays can have items, so many that there is no memory for them.
ValueId rounds_of(Builder& b, const Candidate& c);
// The blocks of the loop; ways out of a round that end in an exception belong to it. False: break or return leaves it.
bool find_region(const Function& f, const Analyses& a, Candidate* c);
// Where each round appends one item to a list: gives each its place. False: there was nothing.
bool push_by_place(Function& f, const Analyses& a, LoopId loop, size_t counter);
// Marks a loop that does nothing but that. False: there was none.
bool mark_lists(Function& f, fuse::Summary& summary);
// The `further` loops inside of it that are one with it (parallel_nest.cc). On failure *id and *why say what stands in the way.
bool find_nest(const Function& f, const Analyses& a, Candidate* c, int64_t further, std::string* id, std::string* why);
// Moves what these blocks of the loop compute from outside values alone in front of it. False: there was nothing.
bool hoist(Function& f, const Analyses& a, LoopId loop, const std::vector<BlockId>& blocks);
// So with what the bounds of the `further` loops inside are computed of.
bool hoist_bounds(Function& f, const Analyses& a, LoopId loop, int64_t further);
// Makes views in the loop of the arrays that they are views of, where those are of this function's making. False: there was nothing.
bool name_arrays(Function& f, const Analyses& a, LoopId loop);
// Is an array from outside no view of another one? Other views of its memory are not looked for.
bool lies_alone(const Function& f, const Analyses& a, LoopId loop, ValueId array);
// Do two views from outside have no item in common, since they are two rows, or columns, of one array?
bool lie_apart(const Function& f, const Analyses& a, ValueId x, ValueId y);
// The values it carries. On failure *variable is the parameter that is no reduction, *why what is done to it; kNoId: it has to stay as it is.
bool find_carried(const Function& f, const Analyses& a, Candidate* c, ValueId* variable, std::string* why);
// Do its rounds differ in length?
bool varies(const Function& f, const Analyses& a, const Candidate& c);

// What is known of rounds that store to the same memory; places are locations.
struct Findings {
  uint32_t race_loc = kNoId;
  std::string race;                        // certain; empty: none. Of a loop that is one with others: in rounds of all of them
  std::vector<std::pair<uint32_t, std::string>> unproved;
  std::vector<ValueId> arrays;             // that these are about
};
void find_races(const Function& f, const Analyses& a, const Candidate& c, fuse::Summary& summary, Findings* out);

// Do rounds only add to the array?
bool find_private(const Program& p, const Function& f, const Analyses& a, const Candidate& c, fuse::Summary& summary, ValueId array, PrivateArray* out);
// name.init and name.merge, for the arrays of the loop.
void make_private_functions(Program& p, const Function& f, const Candidate& c, const std::string& name);
// What x can be combined with without a change: of sums and products, 0 of bits.
ValueId neutral_of(Builder& b, Combine how, TypeRef type);

// Neighbouring loops over one range that become one parallel loop (parallel_together.cc); mostly there is but one.
struct Together {
  std::vector<Candidate> loops;
  // What is asked in front of them, where they can be one or not; else they run one after the other:
  std::vector<Op> code;                    // values of this are of no block yet
  std::vector<ValueId> conditions;         // pybool
  struct Pair {
    ValueId x, y;
    bool may_be_one;                       // all of them
  };
  std::vector<Pair> apart;                 // arrays that must have no memory in common
  bool independent = false;                // no access of a round is to what another round of any of them stores to; known if what is asked is so
  bool seldom = false;                     // little code counts more than speed
  bool asks() const { return !conditions.empty() || !apart.empty(); }
};

// The marked loop that stands next behind another one, and the blocks between them.
struct Next {
  LoopId loop = kNoId;
  size_t counter = 0;
  std::vector<BlockId> between;
};
bool find_next(const Function& f, const Analyses& a, LoopId loop, Next* out);
// Moves what the last of the loops needs of what is computed between them in front of the first one. False: there was nothing.
bool bring_forward(Function& f, const Analyses& a, LoopId first, const std::vector<BlockId>& between, const Next& last);
// May the rounds of `next`, which stands behind them, run with those of the loops in *t? Then adds it; else *why says what stands in the way.
bool join(Function& f, const Analyses& a, fuse::Summary& summary, const Candidate& next, const std::vector<BlockId>& between, Together* t, std::string* why);

// Moves the loops' rounds into a function of their own, `name`; f calls it by par.for.
void outline(Program& p, Function& f, const Analyses& a, fuse::Summary& summary, Together& t, const std::string& name, int64_t schedule);

}  // namespace coluber::ir::parallel
