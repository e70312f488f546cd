// Lowering of one typed function. The ops are spread over files by area; each lower_* sets the slots of the op's results.
#pragma once
#include "backends/llvm/module_lowering.h"

namespace coluber::backend {

class FunctionLowering {
 public:
  // direct_entry: `f` has the signature of coluber_entry and the parameters come from its cells.
  FunctionLowering(ModuleLowering& module, const ir::Function& fn, llvm::Function* f, bool direct_entry);
  void run();

 private:
  using Op = ir::Op;
  using V = llvm::Value*;

  // ---- function_lowering.cc: blocks, parameters, terminators, dispatch
  void find_order();
  void bind_parameters();
  void create_phis(ir::BlockId id);
  void lower_block(ir::BlockId id);
  void lower_op(const Op& op);
  void lower_scalar_op(const Op& op);
  void lower_memory_op(const Op& op);
  void lower_effect_op(const Op& op);
  void lower_jump(const Op& op);
  void mark_loop(llvm::Instruction* branch, int64_t what);
  void lower_branch(const Op& op);
  void lower_return(const Op& op);
  void add_incoming(const ir::Edge& edge, llvm::BasicBlock* from);
  void check_stack();

  // ---- values
  const Slots& slots(ir::ValueId v);
  V one(ir::ValueId v) { return slots(v)[0]; }
  void set(ir::ValueId v, Slots s);
  void set(const Op& op, V v) { set(op.results[0], Slots{v}); }
  const std::vector<Slot>& slots_of(ir::TypeRef t) { return module_.slots().of(t); }
  ir::TypeRef type_of(ir::ValueId v) const { return fn_.type_of(v); }
  ir::TypeRef arg_type(const Op& op, size_t k) const { return fn_.type_of(op.args[k]); }
  ir::TypeRef result_type(const Op& op, size_t k = 0) const { return fn_.type_of(op.results[k]); }
  llvm::Type* scalar_type(ir::TypeRef t) { return ssa_type(context_, slots_of(t)[0]); }
  V zero_of(const Slot& slot) { return llvm::Constant::getNullValue(ssa_type(context_, slot)); }
  Slots zeros(ir::TypeRef t);
  void fail(const Op& op, const std::string& why);

  // ---- memory access, slot by slot
  V load_slot(const Slot& slot, V address, llvm::Align align, Memory memory);
  void store_slot(const Slot& slot, V value, V address, llvm::Align align, Memory memory);
  // A value of type `t` as it lies in memory: numbers at their own size, everything else 8 bytes per slot.
  Slots load_value(ir::TypeRef t, V address, Memory memory);
  void store_value(ir::TypeRef t, const Slots& value, V address, Memory memory);
  V byte_offset(V base, int64_t bytes);
  V load_field(V base, int64_t offset, llvm::Type* type, Memory memory);
  void store_field(V base, int64_t offset, V value, Memory memory);
  llvm::AllocaInst* stack_bytes(uint64_t bytes, unsigned align);
  V scratch(uint64_t bytes);  // one buffer per function, for values handed to the runtime
  // A value for the runtime (coluber_value) at index `k` of the array at `base`.
  void store_tagged(const Op& op, ir::ValueId v, V base, int k);
  V tagged_values(const Op& op, size_t first, int* count);

  // ---- errors.cc
  // Goes on when `ok` is true; otherwise leaves by the op's error edge, with the exception already in the context.
  void leave_unless(V ok, const Op& op);
  void leave(const Op& op);  // unconditionally
  void check_status(V status, const Op& op) { leave_unless(b_.CreateICmpEQ(status, b_.getInt32(0)), op); }
  void raise_unless(V ok, const Op& op, int diag, llvm::ArrayRef<V> values);
  bool leaves_function_directly(const Op& op) const;
  uint32_t handler_scope(const ir::Edge& edge) const;
  int32_t frame_of(const Op& op) const;
  llvm::BasicBlock* exit_block();
  llvm::BasicBlock* raise_block();
  llvm::BasicBlock* cold_block(const char* name);
  void emit_traceback(V index);
  void finish_exit_block();
  void release_all(const std::vector<ir::ValueId>& values);
  void lower_guard(const Op& op);
  void lower_index_check(const Op& op);
  void lower_poll(const Op& op);
  void lower_raise_new(const Op& op);
  void lower_raise_exc(const Op& op);
  void lower_exc(const Op& op);

  // ---- lower_arith.cc, lower_division.cc, lower_complex.cc, lower_cast.cc, lower_math.cc
  void lower_const(const Op& op);
  void lower_arith(const Op& op);
  void lower_bits(const Op& op);
  void lower_shift(const Op& op);
  void lower_overflow(const Op& op);
  void lower_compare(const Op& op);
  void lower_select(const Op& op);
  void lower_division(const Op& op);
  V floor_div_by(V a, const llvm::APInt& c);
  V int_floor_div(V a, V d);
  V int_mod(V a, V d);
  V safe_divisor(V d);
  V float_rem(V x, V y);
  V float_mod(V x, V y);
  V float_floor_div(V x, V y);
  void lower_complex(const Op& op);
  Slots complex_mul(const Slots& x, const Slots& y);
  Slots complex_div(const Slots& x, const Slots& y, bool reciprocal);
  void lower_cast(const Op& op);
  V cast_scalar(V v, ir::TypeRef from, ir::TypeRef to);
  V float_to_int(V v, ir::TypeRef to);
  V truth(const Slots& v, ir::TypeRef t);
  void lower_bitcast(const Op& op);
  void lower_math(const Op& op);
  V lower_math_code(const Op& op, llvm::StringRef name);
  V call_libm(llvm::StringRef symbol, llvm::ArrayRef<V> arguments);
  V call_vector_math(llvm::StringRef symbol, llvm::ArrayRef<V> arguments, int64_t loop);

  // ---- lower_memory.cc
  void lower_debug_local(const Op& op);
  ir::TypeRef shown_type(uint32_t scope, const std::string& name, ir::TypeRef type);
  uint32_t scope_of(const Op& op) const;
  // ---- lower_aggregate.cc
  void lower_aggregate(const Op& op);
  // ---- lower_memory.cc
  void lower_pointer(const Op& op);
  void lower_alloc(const Op& op);
  // ---- lower_array.cc
  void lower_array(const Op& op);
  V element_address(const Op& op, size_t first_index);
  Slots strides_of(ir::TypeRef t, const Slots& array);
  void lower_array_as(const Op& op);
  // ---- lower_list.cc
  void lower_list(const Op& op);
  void lower_list_push(const Op& op);
  V list_item_address(ir::TypeRef list, V data, V index);
  // ---- lower_call.cc
  void lower_call(const Op& op);
  void lower_call_runtime(const Op& op);
  void lower_call_pointer(const Op& op);
  void lower_str_format(const Op& op);
  void lower_print(const Op& op);
  // ---- lower_object.cc
  void lower_object(const Op& op);
  void lower_box(const Op& op);
  void lower_suspend(const Op& op);
  void lower_objmode(const Op& op);
  // ---- lower_atomic.cc
  void lower_atomic(const Op& op);
  // ---- lower_parallel.cc
  void lower_parallel(const Op& op);
  void lower_race_check(const Op& op);
  // ---- lower_ownership.cc
  void lower_ownership(const Op& op);
  void retain(V owner);
  void release_cold(V owner);

  ModuleLowering& module_;
  const ir::Function& fn_;
  llvm::Function* f_;
  const bool direct_entry_;
  llvm::LLVMContext& context_;
  Builder b_;
  V ctx_ = nullptr, result_ = nullptr;
  std::vector<Slots> values_;
  std::vector<uint8_t> defined_;
  std::vector<ir::BlockId> order_;  // reverse postorder, error edges included
  std::vector<llvm::BasicBlock*> blocks_;
  std::vector<llvm::SmallVector<llvm::PHINode*, 4>> phis_;
  llvm::DenseMap<ir::ValueId, int64_t> likely_;  // results of `likely` ops
  ir::BlockId current_ = 0;
  llvm::BasicBlock* entry_ = nullptr;  // allocas and arguments
  struct ShownLocal {
    llvm::AllocaInst* memory = nullptr;
    ir::TypeRef type = nullptr;
  };
  std::map<std::tuple<uint32_t, std::string, ir::TypeRef>, ShownLocal> locals_;  // scope, name, type (null: a number)
  llvm::AllocaInst* scratch_ = nullptr;
  uint64_t scratch_bytes_ = 0;
  llvm::BasicBlock* exit_ = nullptr;  // adds a traceback frame and returns 1
  llvm::PHINode* exit_frame_ = nullptr;
  llvm::BasicBlock* raise_ = nullptr;                // raises a diag row, then goes to exit_
  llvm::SmallVector<llvm::PHINode*, 5> raise_phis_;  // id, three values, frame
};

// Loads a parameter of type `t` from the 8-byte cells of an entry, from cell *cell on.
Slots load_argument_cells(ModuleLowering& module, Builder& b, llvm::Value* cells, ir::TypeRef t, int* cell);

}  // namespace coluber::backend
