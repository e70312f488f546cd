// Builder: appends ops to a function, block by block. It adds nothing to what Function holds; it only saves writing the bookkeeping.
//
//   Builder b(&f);
//   b.set_block(f.add_block());
//   ValueId x = b.param(pyint(), "x");
//   b.ret(b.emit(OpCode::Add, {x, b.const_int(1)}, pyint()));
#pragma once
#include <initializer_list>
#include <span>
#include <string>
#include <utility>

#include "ir/function.h"

namespace coluber::ir {

class Builder {
 public:
  explicit Builder(Function* f) : f_(f) {}

  Function& function() { return *f_; }
  void set_block(BlockId b) { block_ = b; }
  BlockId block() const { return block_; }
  void set_loc(uint32_t loc) { loc_ = loc; }
  uint32_t loc() const { return loc_; }
  // Makes `loc` the location of what follows; consecutive equal ones share an entry.
  void set_loc(const Loc& loc) {
    const Loc& last = f_->locs.back();
    bool same = last.line == loc.line && last.col == loc.col && last.end_line == loc.end_line && last.end_col == loc.end_col &&
                last.scope == loc.scope;
    if (!same) f_->locs.push_back(loc);
    loc_ = static_cast<uint32_t>(f_->locs.size() - 1);
  }
  bool terminated() const { return !ops().empty() && ops().back().has(Term); }

  ValueId param(TypeRef type, std::string name = {}) {
    ValueId v = f_->add_value(type, block_, std::move(name));
    f_->blocks[block_].params.push_back(v);
    return v;
  }

  // Appends an op. The reference is good until the next op is appended to this block or a block is added.
  Op& op(OpCode code, std::span<const ValueId> args) {
    Op& made = ops().emplace_back();
    made.code = code;
    made.args.assign(args.begin(), args.end());
    made.loc = loc_;
    return made;
  }
  Op& op(OpCode code, std::initializer_list<ValueId> args = {}) { return op(code, std::span<const ValueId>(args.begin(), args.size())); }

  // An op with one result.
  ValueId emit(OpCode code, std::span<const ValueId> args, TypeRef type, int64_t imm = 0, std::string sym = {}) {
    ValueId v = f_->add_value(type, block_);
    Op& made = op(code, args);
    made.results.push_back(v);
    made.imm = imm;
    made.sym = std::move(sym);
    return v;
  }
  ValueId emit(OpCode code, std::initializer_list<ValueId> args, TypeRef type, int64_t imm = 0, std::string sym = {}) {
    return emit(code, std::span<const ValueId>(args.begin(), args.size()), type, imm, std::move(sym));
  }
  // One more result for the op appended last.
  ValueId add_result(TypeRef type) {
    ValueId v = f_->add_value(type, block_);
    ops().back().results.push_back(v);
    return v;
  }

  ValueId const_int(int64_t value, TypeRef type = pyint()) { return emit(OpCode::Const, {}, type, value); }
  ValueId const_bool(bool value, TypeRef type = pybool()) { return emit(OpCode::Const, {}, type, value ? 1 : 0); }
  ValueId const_float(double value, TypeRef type = pyfloat()) {
    ValueId v = emit(OpCode::Const, {}, type);
    ops().back().fimm = value;
    return v;
  }
  ValueId const_complex(double real, double imag, TypeRef type = pycomplex()) {
    ValueId v = const_float(real, type);
    ops().back().fimm2 = imag;
    return v;
  }
  ValueId const_str(std::string text) { return emit(OpCode::StrConst, {}, str(), 0, std::move(text)); }

  void jump(BlockId to, std::vector<ValueId> args = {}) { op(OpCode::Jump).targets.push_back({to, std::move(args)}); }
  void br(ValueId cond, BlockId yes, BlockId no) { br(cond, Edge{yes, {}}, Edge{no, {}}); }
  void br(ValueId cond, Edge yes, Edge no) {
    Op& made = op(OpCode::Branch, {cond});
    made.targets.reserve(2);
    made.targets.push_back(std::move(yes));
    made.targets.push_back(std::move(no));
  }
  void ret(ValueId v) { op(OpCode::Return, {v}); }

 private:
  std::vector<Op>& ops() { return f_->blocks[block_].ops; }
  const std::vector<Op>& ops() const { return f_->blocks[block_].ops; }

  Function* f_;
  BlockId block_ = 0;
  uint32_t loc_ = 0;
};

}  // namespace coluber::ir
