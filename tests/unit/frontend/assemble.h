// Code objects made by hand: 3.12 opcodes, given as (name, argument), so that a test says what it is about and no more.
#pragma once
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "ir/frontend/build.h"

namespace coluber::ir {

class Code {
 public:
  using Row = std::pair<const char*, int>;
  Code(std::initializer_list<const char*> params, std::initializer_list<Row> rows) : vars_(params) {
    code_.version = 312;
    code_.argcount = static_cast<int>(params.size());
    code_.flags = 3;
    code_.firstlineno = 10;
    for (const Row& row : rows) add(row.first, row.second);
    code_.filename = "test.py";
    code_.name = "f";
  }

  Code& local(const char* name) { vars_.push_back(name); return *this; }
  Code& name(const char* name) { names_.push_back(name); return *this; }
  Code& constant(const clb_const& c) {
    consts_.push_back(c);
    return *this;
  }
  Code& integer(int64_t v) {
    clb_const c{};
    c.kind = CLB_INT;
    c.i = v;
    return constant(c);
  }
  Code& none() {
    consts_.push_back(clb_const{});
    return *this;
  }
  Code& positions(std::vector<uint8_t> table) { table_ = std::move(table); return *this; }
  Code& exceptions(std::vector<uint8_t> table) { exceptions_ = std::move(table); return *this; }
  std::vector<uint8_t>& bytes() { return bytes_; }

  const clb_code& get() {
    code_.code = bytes_.data();
    code_.code_size = bytes_.size();
    code_.linetable = table_.data();
    code_.linetable_size = table_.size();
    code_.exceptiontable = exceptions_.data();
    code_.exceptiontable_size = exceptions_.size();
    code_.consts = consts_.data();
    code_.nconsts = static_cast<int>(consts_.size());
    code_.names = names_.data();
    code_.nnames = static_cast<int>(names_.size());
    code_.varnames = vars_.data();
    code_.nvarnames = code_.nlocals = static_cast<int>(vars_.size());
    return code_;
  }

  std::unique_ptr<Function> build() {
    std::unique_ptr<Function> f = build_function(get(), 7, &error_, &constants_);
    EXPECT_EQ(f ? verify(*f) : "", "");
    return f;
  }
  const BuildError& error() const { return error_; }
  const std::vector<const clb_const*>& constants() const { return constants_; }

 private:
  void add(const std::string& name, int arg) {
    struct Opcode {
      const char* name;
      int number, caches;
    };
    static constexpr Opcode kOpcodes[] = {
#define OPCODE(number, name, lowering, argument, caches, jump, extra) {#name, number, caches},
#include "ir/frontend/opcodes_312.def"
    };
    for (const Opcode& op : kOpcodes) {
      if (op.name != name) continue;
      bytes_.insert(bytes_.end(), {static_cast<uint8_t>(op.number), static_cast<uint8_t>(arg)});
      bytes_.insert(bytes_.end(), static_cast<size_t>(op.caches) * 2, 0);
      return;
    }
    ADD_FAILURE() << "no opcode " << name;
  }

  clb_code code_{};
  std::vector<uint8_t> bytes_, table_, exceptions_;
  std::vector<clb_const> consts_;
  std::vector<const char*> vars_, names_;
  std::vector<const clb_const*> constants_;
  BuildError error_;
};

// The text of a function without locations and frame states, which it loses.
inline std::string body(Function& f) {
  for (Block& b : f.blocks) {
    b.state = nullptr;
    for (Op& op : b.ops) op.loc = 0;
  }
  f.locs.resize(1);
  f.scopes.clear();
  return print(f);
}

}  // namespace coluber::ir
