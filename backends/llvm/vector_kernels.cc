// exp, log, sin and cos in float64, with errors below 0.85 units in the last place; made for processors with fused multiply-add.
//
// All of them take the nearest multiple of a constant off the argument, so exactly that what remains is known to more than 53 bits (Cody and Waite;
// the first product is exact because of the fused operation), and evaluate a polynomial in the rest r. The polynomials were fitted by Remez'
// algorithm in 300 bits, for the relative error of the function; their own error is below 0.04 units. What is rounded before the last addition is small
// against the sum, or its rounding error is carried along.
#include "backends/llvm/vector_kernels.h"

#include <cmath>
#include <limits>

namespace coluber::backend {
namespace {

using llvm::Value;

// (exp(r) - 1 - r) / r^2 for |r| <= log(2) / 2
constexpr double kExp[] = {0x1.000000000000bp-1,  0x1.5555555555561p-3,  0x1.555555555004bp-5,  0x1.111111110d5f7p-7,  0x1.6c16c185a6170p-10,
                           0x1.a01a01baf9caap-13, 0x1.a019968e80bc5p-16, 0x1.71dddf97c96abp-19, 0x1.28b053c6e9ee0p-22, 0x1.af85d7e5d2750p-26};
// (sin(r) - r) / r^3 and (cos(r) - 1 + r^2 / 2) / r^4 for |r| <= pi / 4, in r^2
constexpr double kSin[] = {-0x1.5555555555549p-3, 0x1.111111110f869p-7,   -0x1.a01a019c0f1b0p-13,
                           0x1.71de357553909p-19, -0x1.ae5e6436f9c44p-26, 0x1.5d92623b6c7abp-33};
constexpr double kCos[] = {0x1.555555555554cp-5,   -0x1.6c16c16c15199p-10, 0x1.a01a019cb3996p-16,
                           -0x1.27e4f80ad13f3p-22, 0x1.1ee9ec418114dp-29,  -0x1.8faeaeb95d6f6p-37};
// (log((1 + s) / (1 - s)) - 2 s) / s^3 for |s| <= (sqrt(2) - 1) / (sqrt(2) + 1), in s^2
constexpr double kLog[] = {0x1.5555555555592p-1, 0x1.999999997fe62p-2, 0x1.24924941f1defp-2, 0x1.c71c5202be724p-3,
                           0x1.7466413faac5ep-3, 0x1.39a16910d5e92p-3, 0x1.2f09545bc51aap-3};
// Adding it rounds to an integer, which is in the low bits of the sum then.
constexpr double kToInteger = 0x1.8p52;

// Arithmetic of one width.
class Lanes {
 public:
  Lanes(Builder& b, llvm::Type* type, KernelTables::Table& table)
      : b_(b), type_(type), bits_(type->getWithNewType(b.getInt64Ty())), table_(table) {}

  // The next one of the table; functions of one kind ask for theirs in one order.
  Value* number(double v) {
    llvm::Constant* constant = llvm::ConstantFP::get(type_, v);
    if (!type_->isVectorTy()) return constant;
    size_t at = next_++;
    if (at == table_.content.size()) table_.content.push_back(constant);
    if (table_.content[at] != constant) return constant;
    llvm::LoadInst* load = b_.CreateAlignedLoad(type_, b_.CreateConstGEP1_64(type_, table_.place, at), table_.place->getAlign().valueOrOne());
    load->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(b_.getContext(), {}));
    return load;
  }
  Value* integer(uint64_t v) { return llvm::ConstantInt::get(bits_, v); }
  Value* fma(Value* x, Value* y, Value* z) { return b_.CreateIntrinsic(llvm::Intrinsic::fma, {type_}, {x, y, z}); }
  Value* minus_product(Value* x, Value* y, Value* z) { return fma(b_.CreateFNeg(x), y, z); }  // z - x * y
  Value* bits(Value* x) { return b_.CreateBitCast(x, bits_); }
  Value* from_bits(Value* x) { return b_.CreateBitCast(x, type_); }

  // As two sums, of the even and of the odd powers: they do not wait for each other, and callers have the square at hand.
  template <size_t n>
  Value* polynomial(const double (&c)[n], Value* x, Value* square) {
    static_assert(n >= 3);
    Value *high = number(c[n - 1]), *low = number(c[n - 2]);
    for (size_t k = n - 2; k-- > 0;) {
      Value* sum = fma(high, square, number(c[k]));
      high = low;
      low = sum;
    }
    return fma(high, x, low);
  }

  // The integer nearest to x * factor, as a number; the low 51 bits of *low are those of the integer.
  Value* nearest(Value* x, double factor, Value** low) {
    Value* shifted = fma(x, number(factor), number(kToInteger));
    *low = bits(shifted);
    return b_.CreateFSub(shifted, number(kToInteger));
  }

  Value* exp(Value* x) {
    // Beyond these the result is infinite or zero; nan stays.
    Value* high = number(710.0);
    Value* low = number(-746.0);
    x = b_.CreateSelect(b_.CreateFCmpOGT(x, high), high, x);
    x = b_.CreateSelect(b_.CreateFCmpOLT(x, low), low, x);
    Value* n;
    Value* k = nearest(x, 0x1.71547652b82fep+0, &n);
    Value* r = minus_product(k, number(0x1.62e42fefa39efp-1), x);
    r = minus_product(k, number(0x1.abc9e3b39803fp-56), r);
    // 1 + r, and what that rounds off with the rest.
    Value* sum = b_.CreateFAdd(number(1.0), r);
    Value* rest = b_.CreateFSub(r, b_.CreateFSub(sum, number(1.0)));
    Value* square = b_.CreateFMul(r, r);
    Value* value = b_.CreateFAdd(sum, fma(square, polynomial(kExp, r, square), rest));
    // 2^n in two factors: one alone may be out of range where the result is subnormal or about to overflow. One of them is 2^128 or 2^-128.
    Value* negative = b_.CreateICmpSLT(bits(x), integer(0));
    Value* first = b_.CreateSelect(negative, bits(number(0x1p128)), bits(number(0x1p-128)));
    Value* second = b_.CreateSelect(negative, number(0x1p-128), number(0x1p128));
    value = b_.CreateFMul(value, from_bits(b_.CreateAdd(first, b_.CreateShl(n, integer(52)))));
    return b_.CreateFMul(value, second);
  }

  Value* log(Value* x) {
    Value* subnormal = b_.CreateFCmpOLT(x, number(0x1p-1022));
    Value* scaled = b_.CreateSelect(subnormal, b_.CreateFMul(x, number(0x1p54)), x);
    // scaled = 2^n (1 + f) with 1 + f from sqrt(1/2) to sqrt(2); n as a number is k.
    Value* n = b_.CreateAShr(b_.CreateSub(bits(scaled), integer(0x3fe6a09e667f3bcd)), integer(52));
    Value* f = b_.CreateFSub(from_bits(b_.CreateSub(bits(scaled), b_.CreateShl(n, integer(52)))), number(1.0));
    Value* k = b_.CreateFSub(from_bits(b_.CreateAdd(n, integer(llvm::bit_cast<uint64_t>(kToInteger)))), number(kToInteger));
    k = b_.CreateSelect(subnormal, b_.CreateFSub(k, number(54.0)), k);
    // With s = f / (2 + f), log(1 + f) = f - (h - s (h + r)), where h = f^2 / 2 and r = s^2 kLog(s^2).
    Value* s = b_.CreateFDiv(f, b_.CreateFAdd(f, number(2.0)));
    Value* z = b_.CreateFMul(s, s);
    Value* half = b_.CreateFMul(f, number(0.5));
    Value* r = fma(z, polynomial(kLog, z, b_.CreateFMul(z, z)), b_.CreateFMul(half, f));
    Value* tail = minus_product(half, f, b_.CreateFMul(s, r));
    tail = fma(k, number(0x1.ef35793c76730p-45), tail);
    // k log(2) + f, and what that rounds off with the rest. The product is exact.
    Value* whole = b_.CreateFMul(k, number(0x1.62e42fefa3800p-1));
    Value* sum = b_.CreateFAdd(whole, f);
    Value* rest = b_.CreateFSub(f, b_.CreateFSub(sum, whole));
    Value* value = b_.CreateFAdd(sum, b_.CreateFAdd(rest, tail));
    Value* infinity = number(std::numeric_limits<double>::infinity());
    value = b_.CreateSelect(b_.CreateFCmpOEQ(x, infinity), infinity, value);
    Value* at_zero = b_.CreateSelect(b_.CreateFCmpOEQ(x, number(0.0)), number(-std::numeric_limits<double>::infinity()), number(std::nan("")));
    return b_.CreateSelect(b_.CreateFCmpOGT(x, number(0.0)), value, at_zero);
  }

  // sin(x + quarters * pi / 2)
  Value* sine(Value* x, uint64_t quarters) {
    Value* n;
    Value* k = nearest(x, 0x1.45f306dc9c883p-1, &n);
    Value* first = minus_product(k, number(0x1.921fb54442d18p+0), x);  // exact
    Value* second = b_.CreateFMul(k, number(0x1.1a62633145c07p-54));
    Value* second_rest = fma(k, number(0x1.1a62633145c07p-54), b_.CreateFNeg(second));
    Value* r = b_.CreateFSub(first, second);
    // Exact where `first` is the larger, or so near to `second` that r is; else r is as large as both and does not mind.
    Value* rest = b_.CreateFSub(b_.CreateFSub(first, r), second);
    rest = minus_product(k, number(-0x1.f1976b7ed8fbcp-110), b_.CreateFSub(rest, second_rest));
    n = b_.CreateAdd(n, integer(quarters));
    Value* odd = b_.CreateICmpNE(b_.CreateAnd(n, integer(1)), integer(0));
    Value* z = b_.CreateFMul(r, r);
    Value* square = b_.CreateFMul(z, z);
    Value *cosine = cosine_of(r, rest, z, square), *sine = sine_of(r, rest, z, square);
    Value* value = b_.CreateSelect(odd, cosine, sine);
    Value* sign = b_.CreateShl(b_.CreateAnd(n, integer(2)), integer(62));
    value = from_bits(b_.CreateXor(bits(value), sign));
    if (quarters != 0) return value;
    Value* tiny = b_.CreateFCmpOLT(b_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, x), number(0x1p-27));
    return b_.CreateSelect(tiny, x, value);  // zeros keep their sign
  }

 private:
  // Of r + rest, with |r| <= pi / 4; z is r^2, square z^2.
  Value* sine_of(Value* r, Value* rest, Value* z, Value* square) {
    Value* tail = fma(b_.CreateFMul(z, number(-0.5)), rest, rest);
    return b_.CreateFAdd(r, fma(b_.CreateFMul(r, z), polynomial(kSin, z, square), tail));
  }
  Value* cosine_of(Value* r, Value* rest, Value* z, Value* square) {
    Value* z_rest = fma(r, r, b_.CreateFNeg(z));
    Value* head = fma(z, number(-0.5), number(1.0));
    Value* rounded = fma(z, number(-0.5), b_.CreateFSub(number(1.0), head));
    Value* tail = minus_product(r, rest, fma(z_rest, number(-0.5), rounded));
    return b_.CreateFAdd(head, fma(square, polynomial(kCos, z, square), tail));
  }

  Builder& b_;
  llvm::Type *type_, *bits_;
  KernelTables::Table& table_;
  size_t next_ = 0;
};

}  // namespace

llvm::GlobalVariable* KernelTables::made(llvm::Type* type, llvm::Type* vector, llvm::Constant* content) {
  auto linkage = content ? llvm::GlobalValue::PrivateLinkage : llvm::GlobalValue::ExternalLinkage;
  auto* global = new llvm::GlobalVariable(module_, type, true, linkage, content, "coluber.constants");
  global->setAlignment(llvm::Align(vector->getPrimitiveSizeInBits().getFixedValue() / 8));
  return global;
}

KernelTables::Table& KernelTables::of(Value* argument, char kind) {
  llvm::Type* type = argument->getType();
  auto [it, added] = known_.try_emplace({argument, type, kind}, tables_.size());
  if (added) tables_.push_back({made(type, type, nullptr), {}});
  return tables_[it->second];
}

void KernelTables::finish() {
  for (Table& table : tables_) {
    llvm::Type* vector = table.place->getValueType();
    auto* all = llvm::ArrayType::get(vector, table.content.size());
    if (!table.content.empty()) table.place->replaceAllUsesWith(made(all, vector, llvm::ConstantArray::get(all, table.content)));
    table.place->eraseFromParent();
  }
  tables_.clear();
  known_.clear();
}

Value* emit_vector_kernel(Builder& b, llvm::StringRef symbol, Value* x, KernelTables* tables) {
  llvm::IRBuilderBase::FastMathFlagGuard guard(b);
  b.clearFastMathFlags();
  llvm::Type* type = x->getType();
  if (!type->getScalarType()->isDoubleTy()) return nullptr;
  bool circular = symbol == "sin" || symbol == "cos";
  if (!circular && symbol != "exp" && symbol != "log") return nullptr;
  Lanes lanes(b, type, tables->of(x, circular ? 'c' : symbol[0]));
  return circular ? lanes.sine(x, symbol == "cos" ? 1 : 0) : symbol == "exp" ? lanes.exp(x) : lanes.log(x);
}

}  // namespace coluber::backend
