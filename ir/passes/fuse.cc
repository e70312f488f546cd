// Fuse: array expressions become loops. An `ew` applies a kernel, a function of scalars, to arrays and numbers with broadcasting;
// `array.assign` stores into an array, with broadcasting and conversion. What only another one needs is computed inside its loop, so that
// a whole expression is one loop nest without temporaries, which loads each array once and calls the kernels one after the other.
//
//   before                                                    after (sizes known to agree; see fuse_expand.cc for the rest)
//     %3 = ew @mul %a, %b : array(float64,1,C)                  %n = array.shape %a
//     %4 = ew @add %3, %c : array(float64,1,C)                  %4 = array.make (alloc %n * 8), ..., %n
//                                                               jump ^1(0)
//                                                             ^1(%i):  br (lt %i, %n), ^2, ^3
//                                                             ^2:      %x = call @mul (array.load %a, %i), (array.load %b, %i)
//                                                                      array.store %4, (call @add %x, (array.load %c, %i)), %i
//                                                                      jump ^1(%i + 1)
//
// `array.roll` in an expression is nothing but other indices (fuse_roll.cc).
//
// Kernels are marked always_inline for the pass that follows. Requires typed IR before refcount; kernels in the same program. Cleanup before
// it finds equal subexpressions, and so that two views are one.
// Must keep: the exception that is raised, and that the right-hand side is evaluated before anything is stored. Kernels that raise or
// write get loops of their own, in order; a destination that its sources overlap gets the result by way of a temporary, decided at run time.
// Neighbouring statements that go over the same shape become one loop nest (fuse_neighbours.cc says when).
// Parts: fuse_plan (what goes together), fuse_expand (the loop), fuse_together (that of several statements), fuse_roll (indices that go round), fuse_threads
// (for several threads), fuse_overlap, fuse_effects, fuse_emit.
#include "ir/passes/fuse.h"

#include <unordered_set>

#include "ir/analysis/uses.h"
#include "ir/passes/cleanup.h"
#include "ir/passes/manager.h"

namespace coluber::ir {
namespace {

using namespace fuse;

bool has_work(const Block& b) {
  for (const Op& op : b.ops)
    if (is_lazy(op.code) || op.code == OpCode::ArrayAssign || op.code == OpCode::Fold) return true;
  return false;
}

// Uses of each value; frame states count, since they must keep finding it.
std::vector<uint32_t> count_uses(const Function& f) {
  std::vector<uint32_t> count(f.values.size(), 0);
  auto use = [&](ValueId v) {
    if (v != kNoId) ++count[v];
  };
  for (const Block& b : f.blocks) {
    for (ValueId v : b.on_error.args) use(v);
    for (const Op& op : b.ops) for_each_use(op, use);
    if (!b.state) continue;
    for (ValueId v : b.state->locals) use(v);
    for (ValueId v : b.state->stack) use(v);
  }
  return count;
}

// In array operations, a view of all of an array (`c[:]`) is that array.
void name_whole_arrays(Function& f) {
  std::vector<const Op*> made(f.values.size(), nullptr);
  for (const Block& b : f.blocks)
    for (const Op& op : b.ops)
      if (op.results.size() == 1) made[op.result()] = &op;
  auto asks = [&](ValueId v, OpCode code, ValueId array, int64_t axis) {
    return made[v] && made[v]->code == code && made[v]->args[0] == array && made[v]->imm == axis;
  };
  auto whole = [&](ValueId v) {
    const Op* view = made[v];
    const Op* from = view && view->code == OpCode::ArrayMake ? made[view->args[0]] : nullptr;
    if (!from || from->code != OpCode::ArrayOwner || f.type_of(from->args[0]) != f.type_of(v)) return v;
    ValueId array = from->args[0];
    if (!asks(view->args[1], OpCode::ArrayData, array, 0)) return v;
    int64_t rank = f.type_of(v)->ndim, given = static_cast<int64_t>(view->args.size()) - 2;
    for (int64_t k = 0; k < given; ++k)
      if (!asks(view->args[static_cast<size_t>(2 + k)], k < rank ? OpCode::ArrayShape : OpCode::ArrayStride, array, k < rank ? k : k - rank)) return v;
    return array;
  };
  for (Block& b : f.blocks)
    for (Op& op : b.ops)
      if (is_lazy(op.code) || op.code == OpCode::ArrayAssign)
        for (ValueId& v : op.args) v = whole(v);
}

// In folds, a view of all items of an array in one row is that array. True: there was one.
bool name_rows(Function& f) {
  std::vector<const Op*> made(f.values.size(), nullptr);
  std::vector<Op*> folds;
  for (Block& b : f.blocks)
    for (Op& op : b.ops) {
      if (op.results.size() == 1) made[op.result()] = &op;
      if (op.code == OpCode::Fold) folds.push_back(&op);
    }
  bool any = false;
  for (Op* fold : folds) {
    const Op* view = made[fold->args[3]];
    const Op* from = view && view->code == OpCode::ArrayMake && view->args.size() == 3 ? made[view->args[0]] : nullptr;
    const Op* data = from && from->code == OpCode::ArrayOwner ? made[view->args[1]] : nullptr;
    if (!data || data->code != OpCode::ArrayData || data->args[0] != from->args[0]) continue;
    ValueId array = from->args[0];
    TypeRef t = f.type_of(array);
    if ((t->layout != Layout::C && t->layout != Layout::F) || t->elem != f.type_of(fold->args[3])->elem) continue;
    std::vector<ValueId> factors{view->args[2]};
    uint64_t axes = 0;
    bool product = true;
    for (size_t k = 0; k < factors.size() && product; ++k) {        // grows meanwhile
      const Op* op = made[factors[k]];
      if (op && op->code == OpCode::Mul) factors.insert(factors.end(), op->args.begin(), op->args.end());
      else product = op && op->code == OpCode::ArrayShape && op->args[0] == array && !(axes >> op->imm & 1);
      if (product && op->code == OpCode::ArrayShape) axes |= uint64_t{1} << op->imm;
    }
    if (!product || axes != (uint64_t{1} << t->ndim) - 1) continue;
    fold->args[3] = array;
    any = true;
  }
  return any;
}

// A roll that is an array of its own: no loop copies faster than what it brings.
void make_call(Op& roll) {
  roll.code = OpCode::Call;
  roll.imm = 0;
}

// Which of them make something that others use, too.
void find_kept(const std::vector<uint32_t>& uses, std::vector<Bundled>* bundle) {
  std::unordered_map<ValueId, uint32_t> within;
  for (const Bundled& s : *bundle)
    for (const Op& op : s.ops)
      for (ValueId v : op.args) ++within[v];
  for (Bundled& s : *bundle) {
    const Op& root = s.ops.back();
    s.kept = root.code != OpCode::ArrayAssign && uses[root.result()] != within[root.result()];
  }
}

// Folds of what groups make, and those that have been done with it.
struct Folds {
  std::unordered_map<ValueId, Folded> found;
  std::unordered_set<ValueId> done;
};

// Takes the block apart at its groups' roots. What follows the last loop, the terminator included, ends up in the last block made.
void rewrite(Function& f, BlockId b, const Plan& plan, const std::vector<uint32_t>& uses, Arrays& arrays, Summary& summary, Folds* folds) {
  std::vector<Op> ops = std::move(f.blocks[b].ops);
  f.blocks[b].ops.clear();
  Emitter e(f, arrays, b, f.blocks[b].on_error);
  Shapes shapes;
  std::vector<Bundled> waiting;            // for the last one of their bundle
  for (uint32_t i = 0; i < ops.size(); ++i) {
    uint32_t group = plan.group_of[i];
    if (group == kNoId) {
      if (ops[i].code == OpCode::Fold) {
        if (!folds->done.count(ops[i].result())) e.set_loc(ops[i].loc), expand_fold(e, ops[i], ops[i].args[3]);
        continue;
      }
      if (ops[i].code == OpCode::ArrayRoll) make_call(ops[i]);
      e.append(std::move(ops[i]));
      continue;
    }
    e.set_loc(ops[i].loc);
    if (plan.groups[group].root != i) {
      if (plan.early[i]) check_shapes(e, ops[i], &shapes);
      continue;
    }
    std::vector<Op> together;
    for (uint32_t k : plan.groups[group].members) together.push_back(std::move(ops[k]));
    together.push_back(std::move(ops[i]));
    uint32_t bundle = plan.groups[group].bundle;
    if (bundle == kNoId) {
      const Op& root = together.back();
      auto folded = root.code == OpCode::Elementwise ? folds->found.find(root.result()) : folds->found.end();
      bool any = folded != folds->found.end();
      if (any) folds->done.insert(folded->second.fold.result());
      expand(e, arrays, summary, together, shapes, false, any ? &folded->second : nullptr);
      continue;
    }
    waiting.push_back({std::move(together)});
    if (plan.bundles[bundle].back() != group) continue;
    find_kept(uses, &waiting);
    expand_together(e, arrays, summary, waiting);
    waiting.clear();
  }
}

}  // namespace

void run_fuse(Program& p, const PassOptions&) {
  std::vector<Function*> list;
  for (auto& f : p.functions) {
    bool any = false;
    for (const Block& b : f->blocks) any |= has_work(b);
    if (any && f->typed) list.push_back(f.get());
  }
  if (list.empty()) return;
  Summary summary(p);
  for (auto& f : p.functions) summary.of(f->name);          // of the functions as they are now, before any is expanded
  for (Function* f : list) {
    Arrays arrays(*f, summary);
    name_whole_arrays(*f);
    if (name_rows(*f)) remove_dead(*f, false);
    std::vector<uint32_t> uses = count_uses(*f);
    Folds folds{find_folds(*f, uses, summary), {}};
    BlockId blocks = static_cast<BlockId>(f->blocks.size());
    for (BlockId b = 0; b < blocks; ++b) {
      if (!has_work(f->blocks[b])) continue;
      Plan plan = plan_block(*f, b, uses, arrays, summary);
      plan_bundles(*f, b, arrays, summary, &plan);
      rewrite(*f, b, plan, uses, arrays, summary, &folds);
    }
  }
}

}  // namespace coluber::ir
