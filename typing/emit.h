// Emit: how rules make IR. In a dry run (inference) it only computes types and folds constants; when lowering it appends ops to the typed
// function. A rule is written once and serves both.
#pragma once
#include <initializer_list>
#include <map>

#include "typing/value.h"

namespace coluber::typing {

class Session;
struct Spec;

// A failure of a rule: a row of ir/diag.def with what fills its places.
struct TypeFail {
  const char* id;
  std::vector<std::string> args;
  std::vector<std::pair<uint32_t, std::string>> notes;   // location index, text
  std::string hint;                                      // instead of the row's
};

class Emit {
 public:
  Emit(Session& session, Spec& spec) : session_(session), spec_(spec) {}
  Session& session() { return session_; }
  Spec& spec() { return spec_; }
  bool objects() const;                    // object mode

  bool dry() const { return fn_ == nullptr; }
  void start(ir::Function* fn) { fn_ = fn; }
  void set_block(ir::BlockId b) { block_ = b; }
  ir::BlockId block() const { return block_; }
  void set_loc(uint32_t loc) { loc_ = loc; }
  uint32_t loc() const { return loc_; }
  ir::Function* function() { return fn_; }
  // The typed value of an untyped one, for rules that look beyond their operands.
  void use_map(const std::vector<TV>* map) { map_ = map; }
  // Where execution goes on in object mode in front of the op at hand (a py.frame); null: nowhere.
  const ir::Op* frame() const { return frame_; }
  void set_frame(const ir::Op* op) { frame_ = op; }
  // Leaves for object mode where `flag` is true.
  void leave_if(TV flag);
  // Goes on in a fresh block, reached by a jump or branch that the caller makes; errors go where they went.
  ir::BlockId fresh_block();
  void terminate(ir::OpCode code, std::vector<ir::ValueId> args, std::vector<ir::Edge> targets);
  TV value_of(ir::ValueId untyped) const;

  // The IR value of `v`, made from its constant when it has none yet.
  ir::ValueId use(const TV& v);

  // Appends an op with one result of type `type` (none() for ops without).
  TV op(ir::OpCode code, std::initializer_list<TV> args, TypeRef type, int64_t imm = 0, std::string sym = {}) {
    return op(code, std::span<const TV>(args.begin(), args.size()), type, imm, std::move(sym));
  }
  TV op(ir::OpCode code, std::span<const TV> args, TypeRef type, int64_t imm = 0, std::string sym = {});
  ir::Op* last_op();                       // the op just appended; null in a dry run

  // Constants.
  TV const_int(int64_t v, TypeRef type = ir::pyint());
  TV const_float(double v, TypeRef type = ir::pyfloat());
  TV const_bool(bool v, TypeRef type = ir::pybool());
  TV const_str(std::string_view s);
  TV none();
  TV constant(const clb_const* c);         // any compile-time value

  // Scalar arithmetic on operands of one type; constants fold.
  TV bin(ir::OpCode code, TV a, TV b, TypeRef result = nullptr);
  TV cmp(ir::OpCode code, TV a, TV b, TypeRef result = ir::pybool());
  TV add(TV a, TV b) { return bin(ir::OpCode::Add, a, b); }
  TV sub(TV a, TV b) { return bin(ir::OpCode::Sub, a, b); }
  TV mul(TV a, TV b) { return bin(ir::OpCode::Mul, a, b); }
  TV select(TV c, TV a, TV b);
  TV logic_not(TV a);
  TV logic_and(TV a, TV b);
  TV logic_or(TV a, TV b);
  TV c_neg(TV v) { return op(ir::OpCode::Neg, {v}, v.type); }
  TV cast(TV v, TypeRef type);             // between numbers
  TV to_index(TV v);                       // any integer or bool -> pyint; fails for others
  void guard(TV cond, const char* diag, std::initializer_list<TV> args = {}, std::vector<std::string> names = {});

  // The value of an optional; TypeError (or another row) with this text when it is None.
  TV not_none(const TV& v, std::string message, const char* diag = "NoneValue");

  // Aggregates. `make` for any type whose slots are those of its items.
  TV make(std::span<const TV> items, TypeRef type);
  TV get(const TV& aggregate, int index, TypeRef item_type);
  TV tuple(std::span<const TV> items);     // keeps constants when all items are
  TV item(const TV& tuple, int index);

  // Arrays.
  TV shape(const TV& array, int axis);
  TV stride(const TV& array, int axis);
  TV array_make(TypeRef type, TV owner, TV data, std::span<const TV> shape, std::span<const TV> strides);

 private:
  ir::ValueId bound_array(const TV& v);

  Session& session_;
  Spec& spec_;
  ir::Function* fn_ = nullptr;
  std::map<std::pair<ir::BlockId, int64_t>, ir::ValueId> bound_;   // block and handle -> the array
  const std::vector<TV>* map_ = nullptr;
  const ir::Op* frame_ = nullptr;
  ir::BlockId block_ = 0;
  uint32_t loc_ = 0;
};

// Implicit conversion of a value to a type that join_types said holds it; fails with NoConversion.
TV convert(Emit& e, const TV& v, TypeRef type);

}  // namespace coluber::typing
