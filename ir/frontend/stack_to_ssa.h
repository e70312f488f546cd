// From micro-ops on a stack to SSA values. Blocks are walked in reverse postorder. What the ways into a block bring is kept until the block
// begins; then it gets parameters for the live variables and stack slots that differ, and a loop header also for those that the loop
// assigns. So the number of parameters follows the code, not the number of variables.
//
// Error edges carry the variables as they are at the head of a block. So where a variable that the handler needs has changed, the block
// is cut before the next op that may raise.
#pragma once
#include <vector>

#include "ir/frontend/blocks.h"
#include "ir/frontend/liveness.h"
#include "ir/function.h"

namespace coluber::ir::frontend {

class Builder {
 public:
  Builder(Unit* unit, const Cfg& cfg, Function* fn);
  void run(const clb_code& code);

 private:
  struct Slot {
    enum Kind : uint8_t {
      Plain,
      Null,                                // no value
      Marker                               // the exception that is being handled; the value is that exception
    } kind = Plain;
    bool to_bool = false;                  // 3.13's TO_BOOL was here and its user is yet to come
    ValueId value = kNoId;
  };
  struct WayIn {                           // an edge to a block that has not begun
    BlockId from;
    int target;                            // which of the terminator's; -1: the error edge
    std::vector<ValueId> values;           // of BlockInfo::live, then of the stack slots that have one
  };
  struct BlockInfo {
    BlockId ir = kNoId;
    int ways_in = 0;                       // counting a handler as several
    bool shaped = false, begun = false;
    bool back_edge = false;                // a block behind it leads here
    HandlerKind handler_kind = HandlerKind::Plain;
    std::vector<Slot::Kind> kinds;         // of the stack
    std::vector<int> live;
    std::vector<WayIn> incoming;
    std::vector<bool> has_param;           // once begun: which of WayIn::values
    int refined_var = -1;                  // with one way in: what the branch said of a variable
    ValueId refined_cond = kNoId;
    bool refined_truth = false;
  };
  struct Def {
    BlockId block = kNoId;                 // kNoId: a parameter of the function
    uint32_t op = kNoId;                   // kNoId: a block parameter
  };

  // Blocks and edges (stack_to_ssa.cc)
  void count_ways_in();
  void entry_block(const clb_code& code);
  void part_entry();
  void own(ValueId* value);
  void build_block(int b);
  void begin_block(int b);
  std::vector<ValueId> join(int b);
  void begin_handler(HandlerKind kind);
  void before_raising();
  void keep_state(int b);
  Edge edge_to(int b, int target = 0);     // `target`: which of the terminator's it will be
  Edge error_edge();
  Edge leave(int b, size_t depth, int target);
  void check_shape(BlockInfo* to, size_t depth);
  BlockId ir_block(int b);
  void end_block(const CfgBlock& block);
  void jump(Edge e);

  // Ops and values
  Op& emit(OpCode code, std::vector<ValueId> args, int results);
  ValueId value(OpCode code, std::vector<ValueId> args, std::string_view sym = {}, int64_t imm = 0);
  ValueId add_param(BlockId block, int var);
  ValueId constant(int index);
  Op* def_of(ValueId v);                   // the op that makes it, if one does; good until the next emit
  const clb_const* constant_of(ValueId v); // null: not a constant
  bool known_bool(ValueId v);
  void drop(ValueId v);                    // makes its op a useless pure one: it became a part of another
  ValueId unbound();

  // The stack
  void push(ValueId v) { push_slot({Slot::Plain, false, v}); }
  void push_slot(Slot s);
  Slot pop_slot();
  ValueId pop();
  std::vector<ValueId> pop_many(size_t n);
  ValueId materialise(Slot* slot);
  void touched(size_t index);              // slot `index` changes: does the handler need it?

  // Variables
  ValueId var(int v) const { return stamps_[static_cast<size_t>(v)] == stamp_ ? vars_[static_cast<size_t>(v)] : kNoId; }
  ValueId read(int v, bool checked);
  void write(int v, ValueId value);
  void make_cells();                       // object mode (build_objects.cc)
  bool in_cell(int v) const { return unit_.objects && static_cast<size_t>(v) < unit_.own_vars && unit_.vars[static_cast<size_t>(v)].cell; }
  ValueId cell_of(int v);
  void keep(const std::vector<ValueId>& values);
  ValueId object(std::string_view what, std::vector<ValueId> args, std::string_view name = {}, int64_t imm = 0);
  void object_effect(std::string_view what, std::vector<ValueId> args, std::string_view name = {}, int64_t imm = 0);
  ValueId frame(const Inst& i);            // kNoId: execution cannot go on elsewhere from here
  Op& with_op(ValueId context, int results);
  ValueId arithmetic(OpCode code, size_t operands, const Inst& i);
  void push_found(ValueId found, bool flag);
  bool super_arguments(std::vector<ValueId>* args);
  void handled();                          // what is being handled, once a handler is left
  const char* looks_at_frames(std::string_view name) const;
  ValueId typed(int v, ValueId value);     // as the variable's type, when the user gave it one

  // Pieces of several micro-ops (build_*.cc)
  void simple(OpCode code, size_t operands, std::string_view sym = {}, int64_t imm = 0);
  void effect(OpCode code, std::vector<ValueId> args, std::string_view sym = {});
  ValueId below(int n);                    // the value n slots below the top
  void call(ValueId callee, std::vector<ValueId> args, std::vector<std::string> names, bool generator);
  std::pair<ValueId, ValueId> pop_callee();
  std::vector<std::string> strings(const clb_const* tuple);
  std::vector<ValueId> items_of(ValueId tuple);
  void function_part(Op* op, int flag, ValueId part);
  void branch(const Inst& i, const CfgBlock& block);
  void for_iter(const Inst& i, const CfgBlock& block);
  void refine_edge(int to, ValueId cond, bool truth);
  ValueId subject_of(ValueId cond);
  [[noreturn]] void bad(std::string_view why);

  void step(const Inst& i);
#define MICRO(Name, pops, pushes, flags) void do_##Name(const Inst& i);
#include "ir/frontend/micro_ops.def"

  Unit& unit_;
  const Cfg& cfg_;
  Function& fn_;
  Liveness live_;
  LoopEffects loops_;
  std::vector<BlockInfo> info_;
  std::vector<Def> defs_;                  // of values
  std::vector<int> var_of_;                // of values: the variable that last held it
  std::vector<ValueId> vars_;
  std::vector<uint32_t> stamps_;
  std::vector<Slot> stack_;
  uint32_t stamp_ = 0;
  BlockId block_ = 0;
  const CfgBlock* cfg_block_ = nullptr;
  bool dirty_ = false;                     // what the error edge carries has changed since the head of the IR block
  uint32_t loc_ = 0;
  ValueId unbound_ = kNoId;
  std::vector<std::vector<ValueId>> lift_results_;
  bool has_self_ = false;                  // the function has a first parameter
  std::vector<ValueId> cells_;             // object mode: of variables that inner functions capture
  struct {
    BlockId block = kNoId;
    ValueId start = kNoId, stop = kNoId, slice = kNoId;
  } last_slice_;                           // of two parts
};

}  // namespace coluber::ir::frontend
