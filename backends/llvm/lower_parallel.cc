// Parallel loops: what the rounds need goes into cells of 8 bytes, and the runtime calls the body with copies of them, from several threads.
//
//   start, stop, captured values, arrays, neutral accumulators: the body's parameters
//   accumulators: the values before the loop; the runtime leaves those behind it there
//
// What is known now (functions, counts, the schedule) is a record in the module's data: stores of it would be most of what a call takes to compile.
#include "backends/llvm/function_lowering.h"
#include "ir/schedule.h"

namespace coluber::backend {

using ir::OpCode;

void FunctionLowering::lower_parallel(const Op& op) {
  auto function = [&](const std::string& name) -> llvm::Constant* {
    if (name.empty()) return llvm::ConstantPointerNull::get(b_.getPtrTy());
    return module_.function(name, nullptr);
  };
  llvm::Constant* functions[] = {function(op.sym), function(op.names.empty() ? "" : op.names[0]), function(op.names.size() == 3 ? op.names[1] : ""),
                   function(op.names.size() == 3 ? op.names[2] : "")};
  for (llvm::Constant* f : functions)
    if (!f) return fail(op, "no such function");
  if (op.ints.size() != 7) return fail(op, "numbers are missing");
  constexpr size_t kFirst = 5;                     // operand
  size_t captured = static_cast<size_t>(op.ints[1]), arrays = static_cast<size_t>(op.ints[2]), accumulators = static_cast<size_t>(op.ints[3]);
  if (op.args.size() != kFirst + captured + arrays + 2 * accumulators || op.results.size() != accumulators) return fail(op, "operands are missing");
  size_t first_array = kFirst + captured, first_neutral = first_array + arrays, first_initial = first_neutral + accumulators;
  auto count = [&](size_t first, size_t last) {
    size_t n = 0;
    for (size_t k = first; k < last; ++k) n += slots_of(arg_type(op, k)).size();
    return n;
  };
  auto store_all = [&](V base, size_t first, size_t last, size_t cell) {
    for (size_t k = first; k < last; ++k) {
      const std::vector<Slot>& types = slots_of(arg_type(op, k));
      const Slots s = slots(op.args[k]);
      for (size_t i = 0; i < types.size(); ++i)
        store_slot(types[i], s[i], byte_offset(base, 8 * static_cast<int64_t>(cell++)), llvm::Align(8), Memory::Anything);
    }
  };
  size_t ncells = 2 + count(kFirst, first_initial), naccs = count(first_neutral, first_initial), narray_cells = count(first_array, first_neutral);
  uint64_t owners = 0;
  for (size_t k = first_array, cell = 0; k < first_neutral; ++k)
    for (const Slot& slot : slots_of(arg_type(op, k))) owners |= uint64_t{slot.is_owner} << cell++;
  if (narray_cells > 64) return fail(op, "too many arrays");
  V cells = stack_bytes(8 * (ncells + naccs), 16);
  store_all(cells, 0, 2, 0);
  store_all(cells, kFirst, op.args.size(), 2);
  auto number = [&](uint64_t n) -> llvm::Constant* { return b_.getInt64(n); };
  llvm::Constant* fields[] = {functions[0], functions[1], functions[2], functions[3], number(ncells), number(naccs),
                              number(2 + count(kFirst, first_array)), number(narray_cells), number(owners),
                              number(static_cast<uint64_t>(op.ints[4])), number(static_cast<uint64_t>(op.ints[5])), number(static_cast<uint64_t>(op.ints[6])),
                              number(static_cast<uint64_t>(op.ints[0]))};
  static_assert(sizeof(coluber_loop) == 8 * std::size(fields) && offsetof(coluber_loop, schedule) == 8 * (std::size(fields) - 1));
  // Such loops carry nothing from round to round.
  if (op.ints[0] == ir::kWorth && naccs) return fail(op, "rounds that are called directly have no accumulators");
  check_status(module_.call_runtime(b_, "coluber_parallel_for", {ctx_, module_.record(fields), cells, one(op.args[4]), one(op.args[2]), one(op.args[3])}), op);
  size_t cell = ncells;
  for (ir::ValueId r : op.results) {
    Slots s;
    for (const Slot& slot : slots_of(type_of(r)))
      s.push_back(load_slot(slot, byte_offset(cells, 8 * static_cast<int64_t>(cell++)), llvm::Align(8), Memory::Anything));
    set(r, std::move(s));
  }
}

void FunctionLowering::lower_race_check(const Op& op) {
  V status = module_.call_runtime(b_, "coluber_race_access", {ctx_, one(op.args[0]), one(op.args[1]), b_.getInt64(op.imm != 0), module_.string(op.sym)});
  check_status(status, op);
}

}  // namespace coluber::backend
