// Parts of functions: code that begins in the middle of a function, and loops as functions of their own.
// (Generators: all their code is parts, from one yield to the next ones.)
//
// Object mode enters a loop with the types that its variables have at that moment ("lifting"): where a loop begins, a py.lift hands the variables
// over; when the host finds or makes native code for their types, that runs, and execution goes on behind the loop with what it set. And native
// code that cannot go on, because an int would leave 64 bits, is left in front of that very instruction: the rest of the function (or loop) is
// compiled in object mode from there. And native code has the body of `with objmode()` run in object mode. All are the function's own bytecode
// with another entry, named by an EntryPoint.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace coluber::ir::frontend {

struct Cfg;
struct Unit;

struct EntryPoint {
  struct Exit {
    uint32_t offset = 0;                   // of the instruction behind the loop
    std::vector<int> vars;                 // that the loop sets and that are read later
  };
  uint32_t offset = 0;                     // of the first instruction, in bytes
  std::vector<int> vars;                   // the parameters: variables, by their number in co_varnames and the cells behind them
  int nulls = 0;                           // slots of the stack that code from here on does not look at
  int stack = 0;                           // further parameters: what lies on the stack above those
  std::vector<int> holes;                  // which slots above the nulls have no value, counted from there
  struct Again {
    int slot;                              // above the nulls, counted likewise
    uint32_t offset;                       // of the instruction that puts there what it did before: a global or a constant
  };
  std::vector<Again> again;
  std::vector<Exit> exits;                 // of a loop or body: where it is left
  std::vector<uint32_t> cuts;              // of a loop or body: handlers outside of it; kBegun: one that the code ends, but does not begin (3.10)
  std::vector<int> markers;                // which slots above the nulls have an exception that is being handled, counted likewise
  struct Block {
    uint32_t target;                       // of the handler's first instruction; kBegun: it is running
    int depth;                             // of the stack below it
  };
  int resume = 0;                          // 1: of a generator, behind the yield at `offset`; 2: it is a `yield from`
  std::vector<Block> blocks;               // then: 3.10's block stack
  std::vector<uint32_t> on_objects;        // instructions whose ints have left 64 bits before

  static constexpr uint32_t kBegun = ~uint32_t{0};

  int slots() const { return stack + static_cast<int>(holes.size() + again.size()); }
  bool region() const { return !exits.empty(); }
  // "offset;vars;nulls;stack:holes:markers:slot=again,...;offset:vars/...;cuts;resume/target:depth/...;on_objects"
  std::string text() const;
  static bool parse(std::string_view text, EntryPoint* out);
};

// A loop that object mode may enter natively; the body of a with statement in native code.
struct Lift {
  EntryPoint entry;
  std::vector<uint8_t> sure;               // of a body: which of the exits' variables are bound for certain
};

// Why the body of a with statement cannot be cut out.
enum class WithProblem : uint8_t { None, Shape, As, Returns, Raises, Handler };

// Makes the graph that of the code from `entry` on, with exits instead of what is behind a region.
void enter_at(Unit* unit, Cfg* cfg, const EntryPoint& entry);
// Puts lifts in front of the loops of a graph in reverse postorder.
void insert_lifts(Unit* unit, Cfg* cfg, int version);
// Cuts the bodies of with statements out of native code (withs.cc).
void cut_withs(Unit* unit, Cfg* cfg);

// Is this text of an entry point that of a generator's rest?
bool resumes_generator(std::string_view entry);

}  // namespace coluber::ir::frontend
