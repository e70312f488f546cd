// Atomic updates of items of arrays: one instruction, or what LLVM makes of it (a loop of compare and exchange for floats). Monotonic: they order
// nothing but themselves; the end of a parallel loop orders the rest.
#include "backends/llvm/function_lowering.h"

namespace coluber::backend {

using ir::OpCode;

namespace {

bool find_operation(const std::string& name, bool is_float, bool is_signed, llvm::AtomicRMWInst::BinOp* out) {
  using Rmw = llvm::AtomicRMWInst;
  struct Row {
    const char* name;
    Rmw::BinOp of_float, of_signed, of_unsigned;
  };
  static const Row kRows[] = {{"add", Rmw::FAdd, Rmw::Add, Rmw::Add},
                              {"sub", Rmw::FSub, Rmw::Sub, Rmw::Sub},
                              {"xchg", Rmw::Xchg, Rmw::Xchg, Rmw::Xchg},
                              {"min", Rmw::BAD_BINOP, Rmw::Min, Rmw::UMin},
                              {"max", Rmw::BAD_BINOP, Rmw::Max, Rmw::UMax},
                              {"and", Rmw::BAD_BINOP, Rmw::And, Rmw::And},
                              {"or", Rmw::BAD_BINOP, Rmw::Or, Rmw::Or},
                              {"xor", Rmw::BAD_BINOP, Rmw::Xor, Rmw::Xor}};
  for (const Row& row : kRows)
    if (name == row.name) *out = is_float ? row.of_float : is_signed ? row.of_signed : row.of_unsigned;
  return *out != Rmw::BAD_BINOP;
}

}  // namespace

void FunctionLowering::lower_atomic(const Op& op) {
  ir::TypeRef elem = arg_type(op, 0)->elem;
  bool is_float = ir::is_float(elem), cas = op.code == OpCode::ArrayCas;
  size_t first_index = cas ? 3 : 2;
  if (!is_float && !ir::is_integer(elem)) return fail(op, "items of type " + elem->text);
  if (op.args.size() != first_index + static_cast<size_t>(arg_type(op, 0)->ndim)) return fail(op, "takes one index per axis");
  V address = element_address(op, first_index);
  llvm::Align align(static_cast<uint64_t>(ir::item_size(elem)));
  auto order = llvm::AtomicOrdering::Monotonic;
  if (cas) {
    llvm::Type* bits = b_.getIntNTy(static_cast<unsigned>(8 * ir::item_size(elem)));
    V expected = b_.CreateBitCast(one(op.args[1]), bits), value = b_.CreateBitCast(one(op.args[2]), bits);
    V before = b_.CreateExtractValue(b_.CreateAtomicCmpXchg(address, expected, value, align, order, order), 0);
    return set(op, b_.CreateBitCast(before, scalar_type(elem)));
  }
  llvm::AtomicRMWInst::BinOp operation = llvm::AtomicRMWInst::BAD_BINOP;
  if (!find_operation(op.sym, is_float, ir::is_signed(elem), &operation)) return fail(op, "no such operation on " + elem->text);
  set(op, b_.CreateAtomicRMW(operation, address, one(op.args[1]), align, order));
}

}  // namespace coluber::backend
