// Bytecode of one Python version -> micro-ops (micro_ops.def), with variables, constants and names numbered function-wide, so that the
// code of an inlined comprehension mixes with its function's.
#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/frontend/regions.h"
#include "ir/function.h"
#include "jit/engine_api.h"

namespace coluber::ir::frontend {

enum class Micro : uint8_t {
#define MICRO(Name, pops, pushes, flags) Name,
#include "ir/frontend/micro_ops.def"
};

enum MicroFlag : uint8_t {
  MicroRaises = 1,                         // may leave by the error edge
  MicroEnds = 2,                           // nothing follows
  MicroJumps = 4,                          // has a target (and, but for Jump, goes on as well)
  MicroCuts = 8,                           // the handler changes behind it
};

enum Operator : uint8_t {                  // immediate of Binary, Inplace, Unary, Compare
  kAdd, kSub, kMul, kTrueDiv, kFloorDiv, kMod, kPow, kMatMul, kAnd, kOr, kXor, kLShift, kRShift,
  kNeg, kPos, kInvert, kNot,
  kLt, kLe, kEq, kNe, kGt, kGe,            // in the order of Python's comparison numbers
};
enum Peeks : uint8_t { kLength, kIsMapping, kIsSequence };
enum UpdateKind : uint8_t { kSetUpdate, kDictUpdate, kDictMerge };
const char* operator_text(int op);         // as in Op::sym

struct Inst {
  Micro op = Micro::Nop;
  bool flag = false;                       // calls: the first argument is a generator expression that became a list
  int32_t a = 0, b = 0;
  int32_t target = -1;                     // index of a micro-op (decode), then of a block (blocks.cc)
  uint32_t loc = 0;                        // into Unit::locs
  uint32_t offset = 0;                     // of the opcode, in bytes
};
int pops(const Inst& inst);
int pushes(const Inst& inst);
uint8_t micro_flags(Micro op);
int popcount(int bits);

// An exception table entry, in micro-ops.
struct Region {
  int start, end, target, depth;
  bool lasti;
};

// What all code objects that are built into one function share.
struct Unit {
  struct Var {
    const char* name;
    bool cell;                             // captured by a nested function
  };
  std::vector<Var> vars;                   // the function's fast locals, its cells, then those of inlined comprehensions
  std::vector<const clb_const*> consts;
  std::vector<const char*> names;
  std::vector<const char*> frees;          // free variables of the function
  std::vector<Loc> locs{1};
  std::vector<std::string> typed_locals;   // names of variables whose stores convert
  bool debug = false;                      // stores to variables are marked by py.debug_local
  bool objects = false;                    // for object mode
  bool frames = false;                     // ops of ints say where execution goes on in object mode (py.frame)
  EntryPoint entry;                        // where the code begins, when it is a part
  bool part = false;                       // it is
  std::vector<Lift> lifts;
  bool generator = false;                  // of object mode, or of a loop in one: code ends where it yields
  size_t own_vars = 0;                     // how many of vars the function itself has
  size_t budget = 4'000'000;               // micro-ops that may still be made: inlining must end

  int none();
  int boolean(bool value);
  int add_const(const clb_const* c);

 private:
  std::unordered_map<const clb_const*, int> added_;
};

// Where the variables of a code object are in the unit.
struct CodeScope {
  std::vector<int> slots;                  // of 3.11's localsplus (locals, other cells, free): index into vars, or ~index into frees
  std::vector<int> cells;                  // of 3.10's cell numbers
  int const_base = 0, name_base = 0;
  bool comprehension = false;              // inlined: exception tables, which only restore names or wrap StopIteration, are left out
};
CodeScope root_scope(Unit* unit, const clb_code& code);
// Of a comprehension made in `outer`; its variable `.0` is the first slot.
CodeScope nested_scope(Unit* unit, const clb_code& code, const clb_code& outer_code, const CodeScope& outer);

struct Decoded {
  std::vector<Inst> insts;
  std::vector<Region> regions;
};
Decoded decode(Unit* unit, const clb_code& code, const CodeScope& scope);

bool version_known(int version);
// Does the code assign (or delete) its free variable `name`, itself or in a function nested in it?
bool stores_free(const clb_code& code, const char* name);
// Where the first opcode called `name` is; unknown if there is none.
Loc find_opcode(const clb_code& code, const char* name);

// positions.cc: line and column of each code unit. Tables may be short or broken: what they do not tell is unknown.
std::vector<Loc> read_positions(const clb_code& code);
// blocks.cc's reading of the exception table, in code units.
std::vector<Region> read_exception_table(const clb_code& code);

}  // namespace coluber::ir::frontend
