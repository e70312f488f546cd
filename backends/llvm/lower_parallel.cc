// Parallel loops: what the rounds need goes into cells of 8 bytes, and the runtime calls the body with copies of them, from several threads.
//
//   cells         start, stop, captured values, neutral accumulators: the body's parameters
//   accumulators  the values before the loop; the runtime leaves those behind it there
#include "backends/llvm/function_lowering.h"

namespace coluber::backend {

using ir::OpCode;

void FunctionLowering::lower_parallel(const Op& op) {
  llvm::Function* body = module_.function(op.sym, nullptr);
  llvm::Function* combine = op.names.empty() ? nullptr : module_.function(op.names[0], nullptr);
  if (!body || (!op.names.empty() && !combine) || op.ints.size() != 3) return fail(op, "no such function");
  size_t captured = static_cast<size_t>(op.ints[1]), accumulators = static_cast<size_t>(op.ints[2]);
  if (op.args.size() != 4 + captured + 2 * accumulators || op.results.size() != accumulators) return fail(op, "operands are missing");
  auto store_all = [&](V base, size_t first, size_t last, size_t cell) {
    for (size_t k = first; k < last; ++k) {
      const std::vector<Slot>& types = slots_of(arg_type(op, k));
      const Slots s = slots(op.args[k]);
      for (size_t i = 0; i < types.size(); ++i)
        store_slot(types[i], s[i], byte_offset(base, 8 * static_cast<int64_t>(cell++)), llvm::Align(8), Memory::Anything);
    }
    return cell;
  };
  size_t ncells = 2, naccs = 0;
  for (size_t k = 4; k < 4 + captured + accumulators; ++k) {
    size_t n = slots_of(arg_type(op, k)).size();
    ncells += n;
    if (k >= 4 + captured) naccs += n;
  }
  V cells = stack_bytes(8 * ncells, 16), accs = stack_bytes(8 * std::max<size_t>(naccs, 1), 16);
  store_all(cells, 0, 2, 0);
  store_all(cells, 4, 4 + captured + accumulators, 2);
  store_all(accs, 4 + captured + accumulators, op.args.size(), 0);
  V none = llvm::ConstantPointerNull::get(b_.getPtrTy());
  check_status(module_.call_runtime(b_, "coluber_parallel_for",
                                    {ctx_, body, combine ? static_cast<V>(combine) : none, cells, accs, b_.getInt64(ncells), b_.getInt64(naccs),
                                     b_.getInt64(static_cast<uint64_t>(op.ints[0])), one(op.args[2]), one(op.args[3])}),
               op);
  size_t cell = 0;
  for (ir::ValueId r : op.results) {
    Slots s;
    for (const Slot& slot : slots_of(type_of(r))) s.push_back(load_slot(slot, byte_offset(accs, 8 * static_cast<int64_t>(cell++)), llvm::Align(8), Memory::Anything));
    set(r, std::move(s));
  }
}

}  // namespace coluber::backend
