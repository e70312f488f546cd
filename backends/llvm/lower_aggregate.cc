// Tuples, optionals and the like: values are slots in a row, so making and taking apart is choosing slots and costs nothing.
#include "backends/llvm/function_lowering.h"

namespace coluber::backend {

using ir::OpCode;

void FunctionLowering::lower_aggregate(const Op& op) {
  if (op.code == OpCode::Absent) return set(op.results[0], zeros(result_type(op)));
  Slots all;
  for (ir::ValueId v : op.args) all.append(slots(v));
  switch (op.code) {
    case OpCode::TupleMake:
      return set(op.results[0], std::move(all));
    case OpCode::TupleGet: {
      int count = 0;
      int offset = module_.slots().offset_of_item(arg_type(op, 0), static_cast<int>(op.imm), &count);
      if (count < 0 || offset + count > static_cast<int>(all.size())) return fail(op, "no item " + std::to_string(op.imm));
      return set(op.results[0], Slots(all.begin() + offset, all.begin() + offset + count));
    }
    case OpCode::Some:
      all.insert(all.begin(), b_.getTrue());
      return set(op.results[0], std::move(all));
    case OpCode::Present:
      return set(op, all[0]);
    default:  // Payload
      return set(op.results[0], Slots(all.begin() + 1, all.end()));
  }
}

}  // namespace coluber::backend
