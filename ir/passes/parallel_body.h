// Between the two halves of making a loop parallel: the function of its rounds (parallel_body.cc), and the call of it (parallel_outline.cc).
#pragma once
#include "ir/passes/parallel.h"

namespace coluber::ir::parallel {

// What goes from part to part: the accumulators of all loops, in order, and where there are last values the round they come from, in front of them.
struct Accumulators {
  std::vector<Carried> carried;
  std::vector<TypeRef> types;
  bool rounds = false;                     // there are last values
  size_t first() const { return rounds ? 1 : 0; }
};
Accumulators accumulators_of(const Function& f, const Together& t);

ValueId pack(Builder& b, const std::vector<ValueId>& values, const std::vector<TypeRef>& types);
TypeRef packed(const std::vector<TypeRef>& types);
ValueId length_of(Builder& b, ValueId start, ValueId stop);

// Makes the function; the values that its parameters behind start and stop stand for. `which` is one more, behind them, where t asks.
std::vector<ValueId> make_body(Program& p, Function& from, const Analyses& a, const Together& t, const Accumulators& all, const std::string& name);

}  // namespace coluber::ir::parallel
