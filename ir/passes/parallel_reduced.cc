// Part of parallel: an array that rounds give to a function of the user's and get back changed, acc = step(acc, x), with step from coluber.reduction. The
// variable becomes an array that stays: a copy of what it was, which each result is assigned to, of which each thread has one (parallel_arrays.cc).
//
//   before   jump ^1(%i, %init)                               after   ^4: %acc = ew %init; jump ^1(%i)
//            ^1(%i, %a) loop: ... ^2: %b = reduce %a, %x, %0           ^2: %r = call %acc, %x; array.assign %acc, %r
//                             jump ^1(%i2, %b)                             jump ^1(%i2)
//            ^3: uses %a                                              ^3: uses %acc
//
// What the function gives has the shape of its accumulator, or fits into it.
#include <algorithm>

#include "ir/passes/parallel.h"
#include "ir/passes/rewrite.h"

namespace coluber::ir::parallel {
namespace {

bool together(TypeRef t) { return t->is(Kind::Array) && (t->layout == Layout::C || t->layout == Layout::F) && !t->readonly; }

bool has_arrays(const Function& f, const Candidate& c) {
  return std::any_of(c.blocks.begin(), c.blocks.end(), [&](BlockId b) {
    const std::vector<Op>& ops = f.blocks[b].ops;
    return std::any_of(ops.begin(), ops.end(), [&](const Op& op) { return op.code == OpCode::Reduce && f.type_of(op.args[0])->is(Kind::Array); });
  });
}

// On the way into the loop: a block with a copy of the array.
ValueId copy_in_front(Program& p, Function& f, const Candidate& c, ValueId array, uint32_t loc) {
  TypeRef t = f.type_of(array);
  std::string name = f.name + ".copy_" + t->elem->text;
  if (!p.find(name)) {
    p.functions.push_back(std::make_unique<Function>());
    Function* k = p.functions.back().get();
    k->name = name;
    k->typed = k->always_inline = true;
    k->result = t->elem;
    k->scopes.push_back(Scope{-1, name, {}, kNoId, 0});
    Builder b(k);
    b.set_block(k->add_block());
    ValueId item = b.param(t->elem);
    b.ret(item);
  }
  BlockId front = f.add_block();
  f.blocks[front].on_error = c.on_error;
  Edge in = std::move(edge_of(f, c.entry));
  edge_of(f, c.entry) = Edge{front, {}};
  Builder b(&f);
  b.set_block(front);
  b.set_loc(loc);
  ValueId copy = b.emit(OpCode::Elementwise, {array}, t, fuse::kOneThread, name);
  b.op(OpCode::Jump).targets.push_back(std::move(in));
  return copy;
}

}  // namespace

bool reduce_in_place(Program& p, Function& f, const Analyses& a, LoopId loop, size_t counter, std::vector<PrivateArray>* reduced) {
  Candidate c;
  std::string why;
  if (!is_counted(f, a, loop, counter, &c) || !find_region(f, a, &c) || !has_arrays(f, c) || !find_form(f, a, loop, counter, &c, &why)) return false;
  const std::vector<ValueId>& params = f.blocks[c.header].params;
  for (size_t k = 0; k < params.size(); ++k) {
    Carried how;
    std::vector<ValueId> chain;
    if (k == counter || !together(f.type_of(params[k])) || !find_reduced(f, a, c, k, &how, &chain)) continue;
    auto in_chain = [&](ValueId v) { return std::find(chain.begin(), chain.end(), v) != chain.end(); };
    std::string name = f.values[params[k]].name;
    ValueId array = copy_in_front(p, f, c, edge_of(f, c.entry).args[k], c.mark->loc);
    f.values[array].name = name;
    PrivateArray& one = reduced->emplace_back(PrivateArray{array, Combine::Function, true, how.function, how.identity_function, how.identity});
    for (BlockId b : c.blocks) {
      std::vector<Op> ops;
      for (Op& op : f.blocks[b].ops) {
        bool step = op.code == OpCode::Reduce && in_chain(op.result());
        ops.push_back(std::move(op));
        if (!step) continue;
        Op& call = ops.back();
        ValueId made = f.add_value(f.type_of(array), b);
        call.code = OpCode::Call;
        call.args = {array, call.args[1]};
        call.results = {made};
        call.names.clear();
        Op& assign = ops.emplace_back();
        assign.code = OpCode::ArrayAssign;
        assign.args = {array, made};
        assign.loc = ops[ops.size() - 2].loc;
      }
      f.blocks[b].ops = std::move(ops);
    }
    std::vector<uint8_t> dead(f.values.size(), 0);
    ValueMap map(f.values.size());
    for (ValueId v : chain) {
      dead[v] = 1;
      map.replace(f, v, one.array);
    }
    remove_params(f, dead);
    map.apply(f);
    return true;
  }
  return false;
}

void add_reduced(const Function& f, const Candidate& c, const std::vector<PrivateArray>& reduced, std::vector<PrivateArray>* arrays) {
  for (const PrivateArray& one : reduced) {
    auto stores = [&](BlockId b) {
      const std::vector<Op>& ops = f.blocks[b].ops;
      return std::any_of(ops.begin(), ops.end(), [&](const Op& op) { return op.code == OpCode::ArrayAssign && op.args[0] == one.array; });
    };
    if (!c.contains(f.values[one.array].block) && std::any_of(c.blocks.begin(), c.blocks.end(), stores)) arrays->push_back(one);
  }
}

}  // namespace coluber::ir::parallel
