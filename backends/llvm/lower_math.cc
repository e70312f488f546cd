// The op `math`: rows of ir/intrinsics.def. Library functions are declared without side effects and as unknown to LLVM: its rewrites of
// known ones (pow(x, 2) into x*x and the like) change the last bit, which fastmath (afn) allows and nothing else does.
#include <cmath>

#include "backends/llvm/function_lowering.h"
#include "backends/llvm/vector_calls.h"

namespace coluber::backend {
namespace {

enum class How { Llvm, Libm, Code };
enum class Domain { Float, Int };
enum class Result { Same, Truth, PyIntR };

struct Row {
  const char* name;
  size_t operands;
  How how;
  const char* symbol;
  Domain domain;
  Result result;
};

using enum How;
using enum Domain;
using enum Result;
constexpr Row kRows[] = {
#define INTRINSIC(name, operands, how, symbol, domain, result) {#name, operands, how, symbol, domain, result},
#include "ir/intrinsics.def"
};

const Row* find_row(llvm::StringRef name) {
  static const auto* table = [] {
    auto* t = new llvm::StringMap<const Row*>;
    for (const Row& row : kRows) t->try_emplace(row.name, &row);
    return t;
  }();
  return table->lookup(name);
}

llvm::Intrinsic::ID intrinsic_id(llvm::StringRef name) { return llvm::Function::lookupIntrinsicID(name); }

// An exponent that LLVM makes products and roots of where it may: 2, -1, 1.5.
bool is_simple_power(llvm::Value* v) {
  auto* exponent = llvm::dyn_cast<llvm::ConstantFP>(v);
  if (!exponent) return false;
  double twice = 2 * (exponent->getType()->isFloatTy() ? double{exponent->getValueAPF().convertToFloat()} : exponent->getValueAPF().convertToDouble());
  return std::fabs(twice) <= 16 && twice == std::trunc(twice);
}

}  // namespace

llvm::Value* FunctionLowering::call_libm(llvm::StringRef symbol, llvm::ArrayRef<V> arguments) {
  llvm::Type* type = arguments[0]->getType();
  std::string name = module_.target().lower_intrinsic(symbol.str().c_str(), type->isFloatTy());
  llvm::SmallVector<llvm::Type*, 3> types(arguments.size(), type);
  llvm::CallInst* call = b_.CreateCall(module_.pure_function(name, llvm::FunctionType::get(type, types, false)), arguments);
  if (!b_.getFastMathFlags().approxFunc()) call->addFnAttr(llvm::Attribute::NoBuiltin);
  return call;
}

// In loop `loop`, which may be vectorised. Null where there are no vector functions, or LLVM does better by knowing what it calls.
llvm::Value* FunctionLowering::call_vector_math(llvm::StringRef symbol, llvm::ArrayRef<V> arguments, int64_t loop) {
  const Options& options = module_.options();
  if (loop == 0 || options.opt_level < 3 || options.debug == 2) return nullptr;
  if (b_.getFastMathFlags().approxFunc() && symbol == "pow" && is_simple_power(arguments[1])) return nullptr;
  llvm::Type* type = arguments[0]->getType();
  VectorMath math = module_.target().vector_math(symbol.str(), type->isFloatTy(), arguments.size(), options);
  if (math.functions.empty()) return nullptr;
  llvm::SmallVector<int, 4> lanes;
  for (int n = 2; n <= math.functions.rbegin()->first; n *= 2) lanes.push_back(n);
  llvm::SmallVector<llvm::Type*, 2> types(arguments.size(), type);
  return b_.CreateCall(declare_vector_math(module_.module(), symbol, llvm::FunctionType::get(type, types, false), loop, lanes), arguments);
}

llvm::Value* FunctionLowering::lower_math_code(const Op& op, llvm::StringRef name) {
  V x = one(op.args[0]);
  llvm::Type* type = x->getType();
  auto flag = [&](bool on) { return b_.getInt1(on); };
  auto test = [&](llvm::FPClassTest classes) { return b_.createIsFPClass(x, classes); };
  bool is_signed = ir::is_signed(arg_type(op, 0));
  if (name == "isnan") return b_.CreateFCmpUNO(x, x);
  if (name == "isinf") return test(llvm::fcInf);
  if (name == "isfinite") return test(llvm::fcFinite);
  if (name == "signbit") {
    llvm::Type* bits = b_.getIntNTy(type->getPrimitiveSizeInBits());
    return b_.CreateICmpSLT(b_.CreateBitCast(x, bits), llvm::ConstantInt::get(bits, 0));
  }
  if (name == "modf_frac") {  // of an infinity: zero; always with the sign of x
    V whole = b_.CreateUnaryIntrinsic(llvm::Intrinsic::trunc, x);
    V rest = b_.CreateSelect(test(llvm::fcInf), llvm::ConstantFP::get(type, 0.0), b_.CreateFSub(x, whole));
    return b_.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, rest, x);
  }
  if (name == "frexp_mantissa" || name == "frexp_exponent") {
    V both = b_.CreateIntrinsic(llvm::Intrinsic::frexp, {type, b_.getInt32Ty()}, {x});
    if (name == "frexp_mantissa") return b_.CreateExtractValue(both, 0);
    V finite = test(llvm::fcFinite);
    return b_.CreateSelect(finite, b_.CreateSExt(b_.CreateExtractValue(both, 1), b_.getInt64Ty()), b_.getInt64(0));
  }
  if (name == "ldexp") {
    V n = one(op.args[1]);
    n = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, n, b_.getInt64(-5000));
    n = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, n, b_.getInt64(5000));
    return b_.CreateIntrinsic(llvm::Intrinsic::ldexp, {type, b_.getInt32Ty()}, {x, b_.CreateTrunc(n, b_.getInt32Ty())});
  }
  if (name == "fmod") return float_rem(x, one(op.args[1]));
  if (name == "iabs") return is_signed ? b_.CreateBinaryIntrinsic(llvm::Intrinsic::abs, x, flag(false)) : x;
  if (name == "clz") return b_.CreateBinaryIntrinsic(llvm::Intrinsic::ctlz, x, flag(false));
  if (name == "ctz") return b_.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, x, flag(false));
  if (name == "imin") return b_.CreateBinaryIntrinsic(is_signed ? llvm::Intrinsic::smin : llvm::Intrinsic::umin, x, one(op.args[1]));
  if (name == "imax") return b_.CreateBinaryIntrinsic(is_signed ? llvm::Intrinsic::smax : llvm::Intrinsic::umax, x, one(op.args[1]));
  if (name == "umulh") {
    unsigned bits = type->getIntegerBitWidth();
    llvm::Type* wide = b_.getIntNTy(2 * bits);
    V product = b_.CreateMul(b_.CreateZExt(x, wide), b_.CreateZExt(one(op.args[1]), wide));
    return b_.CreateTrunc(b_.CreateLShr(product, bits), type);
  }
  return nullptr;
}

void FunctionLowering::lower_math(const Op& op) {
  const Row* row = find_row(op.sym);
  if (!row) return fail(op, "no such row in intrinsics.def");
  if (op.args.size() != row->operands) return fail(op, "takes " + std::to_string(row->operands) + " operands");
  ir::TypeRef t = arg_type(op, 0), result = result_type(op);
  if (row->domain == Float ? !ir::is_float(t) : !ir::is_integer(t)) return fail(op, "operands of type " + t->text);
  bool fits = row->result == Truth    ? ir::is_bool(result)
              : row->result == PyIntR ? result->is(ir::Kind::PyInt)
                                      : ir::is_number(result) && scalar_type(result) == scalar_type(t);
  if (!fits) return fail(op, "a result of type " + result->text);
  if (op.sym == "bswap" && ir::item_size(t) == 1) return fail(op, "operands of type " + t->text);
  llvm::SmallVector<V, 3> arguments;
  for (ir::ValueId v : op.args) arguments.push_back(one(v));
  switch (row->how) {
    case Llvm:
      return set(op, b_.CreateIntrinsic(intrinsic_id(row->symbol), {arguments[0]->getType()}, arguments));
    case Libm:
      if (llvm::Value* v = call_vector_math(row->symbol, arguments, op.imm)) return set(op, v);
      return set(op, call_libm(row->symbol, arguments));
    case Code:
      break;
  }
  V v = lower_math_code(op, row->name);
  return v ? set(op, v) : fail(op, "lower_math_code does not know it");
}

}  // namespace coluber::backend
