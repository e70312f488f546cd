// What regions.cc (lifted loops) and withs.cc (bodies of with statements) share: pieces of the graph that take the place of others.
#pragma once
#include "ir/frontend/blocks.h"
#include "ir/frontend/regions.h"

namespace coluber::ir::frontend {

class Splicer {
 protected:
  using Vars = std::vector<bool>;
  Splicer(Unit* unit, Cfg* cfg) : unit_(*unit), cfg_(*cfg) {}

  CfgBlock& at(int b) { return cfg_.blocks[static_cast<size_t>(b)]; }

  static Inst make(Micro op, const Inst& like, int a = 0, int b = 0) {
    Inst i;
    i.op = op;
    i.a = a;
    i.b = b;
    i.loc = like.loc;
    i.offset = like.offset;
    return i;
  }

  int add_block(const CfgBlock& like) {
    CfgBlock b;
    b.handler = like.handler;
    b.handler_depth = like.handler_depth;
    b.handler_kind = like.handler_kind;
    b.depth = like.depth;
    b.block_stack = like.block_stack;
    cfg_.blocks.push_back(std::move(b));
    return static_cast<int>(cfg_.blocks.size()) - 1;
  }

  // No copy of the block begins with the same instruction.
  bool alone(int block) {
    for (size_t b = 0; b < cfg_.blocks.size(); ++b)
      if (static_cast<int>(b) != block && !cfg_.blocks[b].insts.empty() && cfg_.blocks[b].insts[0].offset == at(block).insts[0].offset) return false;
    return true;
  }

  // From the end of `block` on, the variables of an exit are set to results *out and following of a lift: for each whether it is bound, and its
  // value. Returns the block where that ends.
  int set_variables(const EntryPoint::Exit& exit, int lift, int* out, int block, const Inst& like) {
    for (int v : exit.vars) {
      int bound = add_block(CfgBlock{}), unbound = add_block(CfgBlock{}), next = add_block(CfgBlock{});
      at(block).insts.push_back(make(Micro::LiftResult, like, lift, (*out)++));
      at(block).insts.push_back(make(Micro::Branch, like));
      at(block).next = bound;
      at(block).other = unbound;
      at(bound).insts = {make(Micro::LiftResult, like, lift, (*out)++), make(Micro::SetLocal, like, v)};
      at(unbound).insts = {make(Micro::LocalClear, like, v), make(Micro::Pop, like)};
      at(bound).next = at(unbound).next = next;
      block = next;
    }
    return block;
  }

  Unit& unit_;
  Cfg& cfg_;
};

}  // namespace coluber::ir::frontend
