// Micro-ops of control flow and exceptions.
#include "ir/frontend/stack_to_ssa.h"

namespace coluber::ir::frontend {

// Branches and loops end a block: end_block does them once its last instruction is known.
void Builder::do_Jump(const Inst&) {}
void Builder::do_Branch(const Inst&) {}
void Builder::do_ForIter(const Inst&) {}
void Builder::do_PushHandler(const Inst&) {}
void Builder::do_PopHandler(const Inst&) {}

void Builder::do_Return(const Inst&) {
  ValueId result = pop();
  std::vector<ValueId> variables;
  for (size_t v = 0; unit_.objects && v < unit_.own_vars; ++v) variables.push_back(var(static_cast<int>(v)));
  variables.insert(variables.end(), cells_.begin(), cells_.end());
  keep(variables);
  effect(OpCode::Return, {result});
}

void Builder::branch(const Inst& i, const CfgBlock& block) {
  loc_ = i.loc;
  Slot top = pop_slot();
  if (top.kind == Slot::Null) bad("it uses a stack slot without a value");
  for (Slot& s : stack_) materialise(&s);
  ValueId cond = known_bool(top.value) ? top.value : value(OpCode::PyTruth, {top.value});
  refine_edge(block.next, cond, true);
  refine_edge(block.other, cond, false);
  Edge yes = edge_to(block.next, 0), no = edge_to(block.other, 1);
  Op& op = emit(OpCode::Branch, {cond}, 0);
  op.targets.push_back(std::move(yes));
  op.targets.push_back(std::move(no));
}

void Builder::for_iter(const Inst& i, const CfgBlock& block) {
  loc_ = i.loc;
  ValueId it = pop();
  for (Slot& s : stack_) materialise(&s);
  std::vector<ValueId> r = emit(OpCode::PyNext, {it}, 3).results;
  std::vector<Slot> rest = stack_;
  push(r[0]);
  push(r[1]);
  Edge body = edge_to(block.next, 0);
  stack_ = std::move(rest);
  for (int n = 0; n < i.b; ++n) push_slot({Slot::Null});
  Edge end = edge_to(block.other, 1);
  Op& op = emit(OpCode::Branch, {r[2]}, 0);
  op.targets.push_back(std::move(body));
  op.targets.push_back(std::move(end));
}

// The value that a condition tells something of: x in `x is None`, `isinstance(x, ...)`, `x`, and `not` of these.
ValueId Builder::subject_of(ValueId cond) {
  for (;;) {
    Op* op = def_of(cond);
    if (!op) return cond;
    switch (op->code) {
      case OpCode::PyTruth: cond = op->args[0]; continue;
      case OpCode::PyIs: {
        const clb_const* c = constant_of(op->args[1]);
        return c && c->kind == CLB_NONE ? op->args[0] : kNoId;
      }
      case OpCode::PyUnary:
        if (op->sym != "not") return cond;
        cond = op->args[0];
        continue;
      case OpCode::PyCall: {
        Op* callee = def_of(op->args[0]);
        bool test = callee && callee->code == OpCode::PyGlobal && callee->sym == "isinstance" && op->args.size() == 3;
        return test ? op->args[1] : cond;
      }
      default: return cond;
    }
  }
}

void Builder::refine_edge(int to, ValueId cond, bool truth) {
  BlockInfo& info = info_[static_cast<size_t>(to)];
  ValueId subject = subject_of(cond);
  if (subject == kNoId || subject == unbound_ || info.ways_in != 1) return;
  int v = var_of_[subject];
  if (v < 0 || var(v) != subject || !live_.live(to, v)) return;
  info.refined_var = v;
  info.refined_cond = cond;
  info.refined_truth = truth;
}

// ---- exceptions -----------------------------------------------------------------------------------------------------------------------

void Builder::do_PushExcInfo(const Inst&) {
  ValueId e = pop();
  push_slot({Slot::Marker, false, e});
  push(e);
}
void Builder::do_ExcMatch(const Inst&) {
  ValueId cls = pop(), e = below(1);
  push(value(OpCode::PyExcMatch, {e, cls}));
}
void Builder::do_ExcMatchPop(const Inst&) { simple(OpCode::PyExcMatch, 2); }
void Builder::do_PopExcept(const Inst& i) {
  for (int n = 0; n < i.b; ++n) pop_slot();
  if (unit_.objects) handled();
}

void Builder::do_Raise(const Inst& i) {
  if (i.a > 2) bad("a raise of more than an exception and its cause");
  if (i.a) return effect(OpCode::PyRaise, pop_many(static_cast<size_t>(i.a)));
  for (size_t n = stack_.size(); n-- > 0;)   // in a handler: what it handles
    if (stack_[n].kind == Slot::Marker) return effect(OpCode::PyReraise, {stack_[n].value});
  effect(OpCode::PyRaise, {});
}

void Builder::do_Reraise(const Inst& i) {
  ValueId e = pop();
  for (int n = 1; n < i.b; ++n) pop_slot();
  effect(OpCode::PyReraise, {e});
}

}  // namespace coluber::ir::frontend
