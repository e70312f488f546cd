// Rules of the operators. On numbers: NEP 50 and, where both operands are Python's own, Python's errors; where one is NumPy's, NumPy's
// results (no ZeroDivisionError). On everything else: arrays go element by element, the rest to the library by the key "op:...".
#include <algorithm>
#include <cmath>
#include <cstring>

#include "typing/session.h"

namespace coluber::typing {
using namespace ir;

namespace {

// Can execution go on in object mode from here? Part functions check all ints; what cannot be handed over raises OverflowError instead.
bool may_leave(Emit& e) {
  if (!e.frame()) return false;
  for (ValueId v : e.frame()->args)
    if (!can_be_object(e.value_of(v))) return false;
  return true;
}
bool checks_ints(Emit& e) { return e.session().options.overflow == 1 || e.frame() || (e.session().part && !e.objects() && !e.spec().fn->library); }

TV nonzero(Emit& e, const TV& v) {
  if (is_bool(v.type)) return e.cast(v, pybool());
  if (is_complex(v.type)) {
    TypeRef f = real_of(v.type);
    TV re = e.op(OpCode::ComplexReal, {v}, f), im = e.op(OpCode::ComplexImag, {v}, f);
    TV zero = e.const_float(0, f);
    return e.logic_or(e.cmp(OpCode::Ne, re, zero), e.cmp(OpCode::Ne, im, zero));
  }
  TV zero = is_float(v.type) ? e.const_float(0, v.type) : e.const_int(0, v.type);
  return e.cmp(OpCode::Ne, v, zero);
}

bool numpy_errors(Emit& e) { return e.session().options.error_model == 1; }

void check_divisor(Emit& e, const TV& b, bool weak, const char* diag) {
  if (weak && !numpy_errors(e)) e.guard(nonzero(e, b), diag);
}

// A bool, or a literal that a float holds.
bool exact_float(const TV& v) { return is_bool(v.type) || (v.c && v.c->kind == CLB_INT && std::abs(v.c->i) <= int64_t{1} << 53); }

TV true_division(Emit& e, TV a, TV b, bool weak) {
  TypeRef t = promote(a.type, b.type);
  if (is_integer(t) || is_bool(t)) t = weak ? pyfloat() : scalar(Kind::Float64);
  bool ints = weak && t->is(Kind::PyFloat) && !is_float(a.type) && !is_float(b.type);
  check_divisor(e, b, weak, is_complex(t) ? "ZeroDivComplex" : is_float(a.type) || is_float(b.type) ? "ZeroDivFloat" : "ZeroDiv");
  if (ints && !numpy_errors(e) && !(exact_float(a) && exact_float(b))) return call_library(e, "op:int_quotient", {e.cast(a, pyint()), e.cast(b, pyint())});
  return e.bin(OpCode::FDiv, e.cast(a, t), e.cast(b, t), t);
}

// Integer // and %: NumPy gives 0 for a zero divisor, Python raises.
TV int_division(Emit& e, OpCode code, TV a, TV b, TypeRef t, bool weak) {
  a = e.cast(a, t);
  b = e.cast(b, t);
  if (b.c && b.c->i != 0) return e.bin(code, a, b, t);
  if (code == OpCode::FloorDiv && t->is(Kind::PyInt) && checks_ints(e)) {
    TV lost = e.logic_and(e.cmp(OpCode::Eq, a, e.const_int(INT64_MIN)), e.cmp(OpCode::Eq, b, e.const_int(-1)));
    if (may_leave(e)) e.leave_if(lost);
    else e.guard(e.logic_not(lost), "IntOverflow");
  }
  if (weak && !numpy_errors(e)) {
    e.guard(nonzero(e, b), code == OpCode::Mod ? "ZeroDivMod" : "ZeroDivInt");
    return e.bin(code, a, b, t);
  }
  TV ok = nonzero(e, b);
  TV safe = e.select(ok, b, e.const_int(1, t));
  return e.select(ok, e.bin(code, a, safe, t), e.const_int(0, t));
}

TV floor_division(Emit& e, OpCode code, TV a, TV b, bool weak) {
  TypeRef t = promote(a.type, b.type);
  if (is_complex(t)) fail("NoOperator", {code == OpCode::Mod ? "%" : "//", describe(a), describe(b)});
  if (is_bool(t)) t = weak ? pyint() : scalar(Kind::Int8);
  if (is_integer(t)) return int_division(e, code, a, b, t, weak);
  a = e.cast(a, t);
  b = e.cast(b, t);
  if (weak) check_divisor(e, b, true, code == OpCode::Mod ? "ZeroDivFloatMod" : "ZeroDivFloatFloor");
  TV r = e.op(code, {a, b}, t);
  if (weak && !numpy_errors(e)) return r;
  if (code == OpCode::Mod) return r;
  return e.select(nonzero(e, b), r, e.op(OpCode::FDiv, {a, b}, t));   // numpy: a // 0.0 is inf or nan
}

TV shift(Emit& e, const std::string& op, TV a, TV b, bool weak) {
  TypeRef t = promote(a.type, b.type);
  if (is_bool(t)) t = weak ? pyint() : scalar(Kind::Int8);
  if (!is_integer(t)) fail("NoOperator", {op == "lshift" ? "<<" : ">>", describe(a), describe(b)});
  a = e.cast(a, t);
  b = e.cast(b, t);
  if (weak) e.guard(e.cmp(OpCode::Ge, b, e.const_int(0, t)), "NegativeShift");
  if (op == "lshift" && t->is(Kind::PyInt) && checks_ints(e)) {
    TV r = e.op(OpCode::Shl, {a, b}, t), back = e.op(OpCode::Shr, {r, b}, t);
    TV lost = e.logic_or(e.cmp(OpCode::Gt, b, e.const_int(62)), e.cmp(OpCode::Ne, back, a));
    if (may_leave(e)) e.leave_if(lost);
    else e.guard(e.logic_not(lost), "IntOverflow");
    return r;
  }
  return e.op(op == "lshift" ? OpCode::Shl : OpCode::Shr, {a, b}, t);
}

TV checked_arith(Emit& e, OpCode code, TV a, TV b, TypeRef t);

TV power_by_squaring(Emit& e, TV a, int64_t n) {
  if (n == 0) return is_float(a.type) ? e.const_float(1, a.type) : e.const_int(1, a.type);
  TV base = a, r;
  bool have = false;
  while (true) {
    if (n & 1) {
      r = have ? checked_arith(e, OpCode::Mul, r, base, r.type) : base;
      have = true;
    }
    n >>= 1;
    if (!n) return r;
    base = checked_arith(e, OpCode::Mul, base, base, base.type);
  }
}

TV power(Emit& e, const TV& a, const TV& b, bool weak) {
  TypeRef t = promote(a.type, b.type);
  if (is_bool(t)) t = weak ? pyint() : scalar(Kind::Int8);
  bool literal = b.c && (b.c->kind == CLB_INT || b.c->kind == CLB_BOOL);
  bool two = literal && b.c->i == 2;
  if (!literal && b.c && b.c->kind == CLB_FLOAT && b.c->f[0] == 2.0 && is_float(t)) two = true;
  if (two) {
    TV x = e.cast(a, t), r = checked_arith(e, OpCode::Mul, x, x, t);
    if (t->is(Kind::PyFloat) && weak && !numpy_errors(e)) {
      auto finite = [&](TV v) { return e.cmp(OpCode::Lt, e.op(OpCode::Math, {v}, t, 0, "fabs"), e.const_float(HUGE_VAL)); };
      e.guard(e.logic_or(finite(r), e.logic_not(finite(x))), "PowRange", {e.const_int(34)});
    }
    return r;
  }
  if (is_integer(t) && literal && b.c->i >= 0) return power_by_squaring(e, e.cast(a, t), b.c->i);
  if (t->is(Kind::PyInt) && !literal && e.frame()) fail("NoOperator", {"**", describe(a), describe(b)});   // no limit is known
  if (is_integer(t) && literal && weak) return call_library(e, "op:pow", {e.cast(a, pyfloat()), e.cast(b, pyfloat())});
  if (is_float(t) && literal && b.c->i == 1) return e.cast(a, t);
  return call_library(e, "op:pow", {e.cast(a, t), is_integer(t) ? e.cast(b, t) : e.cast(b, t)});
}

TV checked_arith(Emit& e, OpCode code, TV a, TV b, TypeRef t) {
  if (!checks_ints(e) || !t->is(Kind::PyInt)) return e.bin(code, a, b, t);
  int64_t folded = 0;
  bool constants = a.c && b.c && a.c->kind == CLB_INT && b.c->kind == CLB_INT;
  bool fits = constants && !(code == OpCode::Add ? __builtin_add_overflow(a.c->i, b.c->i, &folded) : code == OpCode::Sub ? __builtin_sub_overflow(a.c->i, b.c->i, &folded)
                                                                                            : __builtin_mul_overflow(a.c->i, b.c->i, &folded));
  if (fits || (a.c && b.c && e.session().options.overflow != 1 && !e.frame())) return e.bin(code, a, b, t);
  OpCode checked = code == OpCode::Add ? OpCode::AddOvf : code == OpCode::Sub ? OpCode::SubOvf : OpCode::MulOvf;
  if (e.dry()) { TV r; r.type = t; return r; }
  TV r = e.op(checked, {a, b}, t);
  ValueId flag = e.function()->add_value(pybool(), e.block());
  e.last_op()->results.push_back(flag);
  TV o;
  o.type = pybool();
  o.id = flag;
  if (may_leave(e)) e.leave_if(o);
  else e.guard(e.logic_not(o), "IntOverflow");
  return r;
}

TV arithmetic(Emit& e, const std::string& op, TV a, TV b, bool weak) {
  TypeRef t = promote(a.type, b.type);
  OpCode code = op == "add" ? OpCode::Add : op == "sub" ? OpCode::Sub : OpCode::Mul;
  if (is_bool(t)) {
    if (weak) t = pyint();
    else if (code == OpCode::Sub) fail("NoOperator", {"-", describe(a), describe(b)});
    else return e.op(code == OpCode::Add ? OpCode::Or : OpCode::And, {e.cast(a, t), e.cast(b, t)}, t);
  }
  return checked_arith(e, code, e.cast(a, t), e.cast(b, t), t);
}

TV bitwise(Emit& e, const std::string& op, TV a, TV b) {
  TypeRef t = promote(a.type, b.type);
  if (!is_integer(t) && !is_bool(t)) fail("NoOperator", {operator_text(op), describe(a), describe(b)});
  OpCode code = op == "and" ? OpCode::And : op == "or" ? OpCode::Or : OpCode::Xor;
  return e.bin(code, e.cast(a, t), e.cast(b, t), t);
}

bool is_arrayish(const TV& v) { return v.is(Kind::Array); }

OpCode compare_code(const std::string& op) {
  static const std::pair<const char*, OpCode> kTable[] = {{"eq", OpCode::Eq}, {"ne", OpCode::Ne}, {"lt", OpCode::Lt},
                                                          {"le", OpCode::Le}, {"gt", OpCode::Gt}, {"ge", OpCode::Ge}};
  for (auto& [name, code] : kTable)
    if (op == name) return code;
  fail("InternalNoValue", {op});
}

// A signed and an unsigned integer of 64 bits compare by value.
TV compare_mixed_sign(Emit& e, OpCode code, TV s, TV u, bool swapped, TypeRef result) {
  TypeRef u64 = scalar(Kind::UInt64);
  TV negative = e.cmp(OpCode::Lt, s, e.const_int(0, s.type));
  TV x = e.cast(s, u64), y = e.cast(u, u64);
  TV plain = swapped ? e.cmp(code, y, x, result) : e.cmp(code, x, y, result);
  bool less = code == OpCode::Ne || (swapped ? code == OpCode::Gt || code == OpCode::Ge : code == OpCode::Lt || code == OpCode::Le);
  return e.select(negative, e.const_bool(less, result), plain);
}

TV number_compare(Emit& e, const std::string& op, TV a, TV b) {
  TypeRef result = is_weak(a.type) && is_weak(b.type) ? pybool() : scalar(Kind::Bool);
  OpCode code = compare_code(op);
  TypeRef t = promote(a.type, b.type);
  if (is_bool(a.type) && is_bool(b.type)) { t = scalar(Kind::UInt8); return e.cmp(code, e.cast(a, t), e.cast(b, t), result); }
  if (is_complex(t)) {
    if (code != OpCode::Eq && code != OpCode::Ne) fail("NoOperator", {operator_text(op), describe(a), describe(b)});
    a = e.cast(a, t);
    b = e.cast(b, t);
    TypeRef f = real_of(t);
    TV re = e.cmp(OpCode::Eq, e.op(OpCode::ComplexReal, {a}, f), e.op(OpCode::ComplexReal, {b}, f), result);
    TV im = e.cmp(OpCode::Eq, e.op(OpCode::ComplexImag, {a}, f), e.op(OpCode::ComplexImag, {b}, f), result);
    TV both = e.logic_and(re, im);
    return code == OpCode::Eq ? both : e.logic_not(both);
  }
  if (is_integer(a.type) && is_integer(b.type) && is_signed(a.type) != is_signed(b.type)) {
    TypeRef u = is_signed(a.type) ? b.type : a.type;
    const TV& s = is_signed(a.type) ? a : b;
    if (s.c && s.c->i >= 0 && fits(s.c, u)) t = u;
    else if (item_size(u) < 8) t = scalar(Kind::Int64);
    else return is_signed(a.type) ? compare_mixed_sign(e, code, a, b, false, result) : compare_mixed_sign(e, code, b, a, true, result);
  } else if (is_integer(t) && (is_weak(a.type) != is_weak(b.type))) {
    const TV& w = is_weak(a.type) ? a : b;
    if (!fits(w.c, t)) t = is_signed(t) ? scalar(Kind::Int64) : t;   // a Python int beyond the NumPy type compares by value
  }
  return e.cmp(code, e.cast(a, t), e.cast(b, t), result);
}

std::string key_of(const std::string& op, const TV& a, const TV& b) {
  return "op:" + op + ":" + kind_text(a.type->kind) + "," + kind_text(b.type->kind);
}

}  // namespace

// NEP 50: a Python integer beside a NumPy one must fit the NumPy type. Other values of v stay as they are.
TV bounded(Emit& e, const TV& v, TypeRef t) {
  if (!v.is(Kind::PyInt) || !is_integer(t) || is_weak(t) || t->is(Kind::Int64)) return v;
  if (v.c && fits(v.c, t)) return e.cast(v, t);
  TV x = e.cast(v, t), holds = e.const_bool(false);
  if (!v.c) holds = t->is(Kind::UInt64) ? e.cmp(OpCode::Ge, v, e.const_int(0)) : e.cmp(OpCode::Eq, e.cast(x, pyint()), v);
  e.guard(holds, "IntBounds", {v}, {t->text});
  return x;
}

// Operators and ufuncs that compute in the type of their operands.
bool keeps_type(const std::string& op) {
  static const char* const kNames[] = {"add", "sub", "mul", "floordiv", "mod", "pow", "and", "or", "xor", "lshift", "rshift", "subtract", "multiply",
                                       "floor_divide", "remainder", "fmod", "power", "bitwise_and", "bitwise_or", "bitwise_xor", "left_shift",
                                       "right_shift", "maximum", "minimum", "fmax", "fmin", "gcd", "lcm", "divmod"};
  return std::find(std::begin(kNames), std::end(kNames), op) != std::end(kNames);
}

// Python's integers among the operands, once for a whole array.
void bound_operands(Emit& e, const std::string& op, std::vector<TV>* args) {
  if (!keeps_type(op)) return;
  TypeRef t = nullptr;
  for (const TV& a : *args) {
    TypeRef item = a.is(Kind::Array) ? a.type->elem : a.type;
    if (!is_number(item)) return;
    if (!is_weak(item)) t = t ? promote(t, item) : item;
  }
  for (TV& a : *args)
    if (t) a = bounded(e, a, t);
}

TV number_binary(Emit& e, const std::string& op, TV a, TV b) {
  bool weak = is_weak(a.type) && is_weak(b.type);
  if (is_weak(a.type) != is_weak(b.type) && keeps_type(op)) {
    a = bounded(e, a, b.type);
    b = bounded(e, b, a.type);
  }
  if (op == "add" || op == "sub" || op == "mul") return arithmetic(e, op, a, b, weak);
  if (op == "truediv") return true_division(e, a, b, weak);
  if (op == "floordiv") return floor_division(e, OpCode::FloorDiv, a, b, weak);
  if (op == "mod") return floor_division(e, OpCode::Mod, a, b, weak);
  if (op == "pow") return power(e, a, b, weak);
  if (op == "lshift" || op == "rshift") return shift(e, op, a, b, weak);
  if (op == "and" || op == "or" || op == "xor") return bitwise(e, op, a, b);
  fail("NoOperator", {operator_text(op), describe(a), describe(b)});
}

TV binary(Emit& e, const std::string& op, const TV& a, const TV& b, bool inplace) {
  if (is_number(a.type) && is_number(b.type)) return number_binary(e, op, a, b);
  if (op != "matmul" && ((is_arrayish(a) && (is_arrayish(b) || is_number(b.type))) || (is_arrayish(b) && is_number(a.type)))) {
    std::vector<TV> both{a, b};
    bound_operands(e, op, &both);
    TV out = a;
    return call_elementwise(e, e.session().operator_kernel(op, 2), both, inplace && is_arrayish(a) ? &out : nullptr);
  }
  const clb_const* impl = nullptr;
  if (inplace && find_library(e, key_of("i" + op, a, b), &impl)) {
    if (a.is(Kind::List) && b.is(Kind::List)) { AbsVal i; i.type = b.type->elem; widen_list(e, a, i); }
    call_function(e, e.session().function(impl->handle), {a, b}, {});
    return a;
  }
  if (a.is(Kind::Tuple) && b.is(Kind::Tuple) && op == "add") {
    std::vector<TV> items;
    for (size_t k = 0; k < a.type->items.size(); k++) items.push_back(e.item(a, static_cast<int>(k)));
    for (size_t k = 0; k < b.type->items.size(); k++) items.push_back(e.item(b, static_cast<int>(k)));
    return e.tuple(items);
  }
  if (a.is(Kind::Tuple) && op == "mul" && b.c && b.c->kind == CLB_INT && b.c->i <= 64) {
    std::vector<TV> items;
    for (int64_t r = 0; r < b.c->i; r++)
      for (size_t k = 0; k < a.type->items.size(); k++) items.push_back(e.item(a, static_cast<int>(k)));
    return e.tuple(items);
  }
  if (find_library(e, key_of(op, a, b), &impl)) {
    TV r = call_function(e, e.session().function(impl->handle), {a, b}, {});
    return r;
  }
  if (a.is(Kind::Optional) || b.is(Kind::Optional)) {
    std::string text = "unsupported operand type(s) for " + operator_text(op) + (inplace ? "=: '" : op == "pow" ? " or pow(): '" : ": '");
    auto cls = [](const TV& v) { return python_class(v.is(Kind::Optional) ? none() : v.type); };
    text += cls(a) + "' and '" + cls(b) + "'";
    auto strip = [&](const TV& v) { return v.is(Kind::Optional) ? e.not_none(v, text) : v; };
    return binary(e, op, strip(a), strip(b), inplace);
  }
  fail("NoOperator", {operator_text(op), describe(a), describe(b)});
}

TV truth(Emit& e, const TV& a) {
  if (a.c) switch (a.c->kind) {
    case CLB_NONE: return e.const_bool(false);
    case CLB_BOOL: case CLB_INT: return e.const_bool(a.c->i != 0);
    case CLB_FLOAT: return e.const_bool(a.c->f[0] != 0);
    case CLB_STR: case CLB_TUPLE: return e.const_bool(a.c->n != 0);
    case CLB_FUNCTION: case CLB_BUILTIN: case CLB_CLASS: case CLB_MODULE: case CLB_DTYPE: return e.const_bool(true);
    default: break;
  }
  if (is_number(a.type)) return a.is(Kind::PyBool) ? a : nonzero(e, a);
  switch (a.type->kind) {
    case Kind::None: return e.const_bool(false);
    case Kind::Closure: case Kind::Method: case Kind::Const: case Kind::Exc: return e.const_bool(true);
    case Kind::Tuple: return e.const_bool(!a.type->items.empty());
    case Kind::List: case Kind::Str: case Kind::Range: case Kind::View:
      return e.cmp(OpCode::Ne, length(e, a), e.const_int(0));
    case Kind::Optional: {
      TV has = e.op(OpCode::Present, {a}, pybool());
      TV in = e.op(OpCode::Payload, {a}, a.type->elem);
      if (!is_number(a.type->elem)) {
        if (a.type->elem->is(Kind::Array)) fail("ArrayTruth", {describe(a)});
        if (a.type->elem->is(Kind::List) || a.type->elem->is(Kind::Str)) fail("NoTruth", {describe(a)});
        return has;
      }
      return e.logic_and(has, truth(e, in));
    }
    case Kind::Array:
      if (a.type->ndim == 0) { TV i = e.op(OpCode::ArrayLoad, {a}, a.type->elem); return truth(e, i); }
      return call_library(e, "op:truth:array", {a});
    default: fail("NoTruth", {describe(a)});
  }
}

TV unary(Emit& e, const std::string& op, const TV& a) {
  if (op == "not") return e.logic_not(truth(e, a));
  if (a.is(Kind::Array)) return call_elementwise(e, e.session().operator_kernel(op, 1), {a}, nullptr);
  if (!is_number(a.type)) {
    const clb_const* impl = nullptr;
    if (!find_library(e, "op:" + op + ":" + kind_text(a.type->kind), &impl)) fail("NoUnary", {operator_text(op), describe(a)});
    return call_function(e, e.session().function(impl->handle), {a}, {});
  }
  TypeRef t = a.is(Kind::PyBool) ? pyint() : a.type;
  TV x = e.cast(a, t);
  if (op == "pos") {
    if (t->is(Kind::Bool)) fail("NoUnary", {"+", describe(a)});
    return x;
  }
  if (op == "invert") {
    if (!is_integer(t) && !t->is(Kind::Bool)) fail("NoUnary", {"~", describe(a)});
    if (x.c && t->is(Kind::PyInt)) return e.const_int(~x.c->i, t);
    return e.op(OpCode::Not, {x}, t);
  }
  if (t->is(Kind::Bool)) fail("NoUnary", {"-", describe(a)});
  if (x.c && x.c->kind == CLB_INT && t->is(Kind::PyInt) && x.c->i != INT64_MIN) return e.const_int(-x.c->i, t);
  if (x.c && x.c->kind == CLB_FLOAT && item_size(t) == 8 && is_float(t)) return e.const_float(-x.c->f[0], t);
  if (t->is(Kind::PyInt) && checks_ints(e)) return number_binary(e, "sub", e.const_int(0), x);
  return e.op(OpCode::Neg, {x}, t);
}

namespace {

TV compare_tuples(Emit& e, const std::string& op, const TV& a, const TV& b) {
  size_t n = std::min(a.type->items.size(), b.type->items.size());
  if (op == "eq" || op == "ne") {
    if (a.type->items.size() != b.type->items.size()) return e.const_bool(op == "ne");
    TV all = e.const_bool(true);
    for (size_t k = 0; k < n; k++)
      all = e.logic_and(all, e.cast(truth(e, compare(e, "eq", e.item(a, static_cast<int>(k)), e.item(b, static_cast<int>(k)))), pybool()));
    return op == "eq" ? all : e.logic_not(all);
  }
  bool sizes = op == "lt" ? a.type->items.size() < b.type->items.size() : op == "le" ? a.type->items.size() <= b.type->items.size()
             : op == "gt" ? a.type->items.size() > b.type->items.size() : a.type->items.size() >= b.type->items.size();
  TV r = e.const_bool(sizes);
  std::string strict = op.substr(0, 1) == "l" ? "lt" : "gt";
  for (size_t k = n; k-- > 0;) {
    TV x = e.item(a, static_cast<int>(k)), y = e.item(b, static_cast<int>(k));
    TV eq = truth(e, compare(e, "eq", x, y)), less = truth(e, compare(e, strict, x, y));
    r = e.select(eq, r, less);
  }
  return r;
}

}  // namespace

TV compare(Emit& e, const std::string& op, const TV& a, const TV& b) {
  bool equality = op == "eq" || op == "ne";
  if (is_number(a.type) && is_number(b.type)) return number_compare(e, op, a, b);
  if ((a.is(Kind::Array) && (b.is(Kind::Array) || is_number(b.type))) || (b.is(Kind::Array) && is_number(a.type)))
    return call_elementwise(e, e.session().operator_kernel(op, 2), {a, b}, nullptr);
  if (a.is(Kind::Tuple) && b.is(Kind::Tuple)) return compare_tuples(e, op, a, b);
  if (a.is(Kind::Str) && b.is(Kind::Str) && equality) {
    if (a.c && b.c) return e.const_bool(same_const(a.c, b.c) == (op == "eq"));
    TV r = e.op(OpCode::StrEq, {a, b}, pybool());
    return op == "eq" ? r : e.logic_not(r);
  }
  if (equality && a.is(Kind::DType) && b.is(Kind::DType)) return e.const_bool((a.type == b.type) == (op == "eq"));
  if (equality && a.c && b.c && a.type->kind == b.type->kind && (a.is(Kind::Const) || a.is(Kind::None)))
    return e.const_bool(same_const(a.c, b.c) == (op == "eq"));
  if (equality && (a.is_none() || b.is_none())) {
    const TV& o = a.is_none() ? b : a;
    if (o.is(Kind::Optional)) {
      TV has = e.op(OpCode::Present, {o}, pybool());
      return op == "ne" ? has : e.logic_not(has);
    }
    return e.const_bool((a.is_none() && b.is_none()) == (op == "eq"));
  }
  if (equality && a.is(Kind::Optional) && is_number(a.type->elem) && is_number(b.type)) {
    TV has = e.op(OpCode::Present, {a}, pybool());
    TV eq = e.cast(number_compare(e, "eq", e.op(OpCode::Payload, {a}, a.type->elem), b), pybool());
    TV r = e.logic_and(has, eq);
    return op == "eq" ? r : e.logic_not(r);
  }
  if (equality && b.is(Kind::Optional) && is_number(a.type)) return compare(e, op, b, a);
  const clb_const* impl = nullptr;
  if (find_library(e, key_of(op, a, b), &impl)) return call_function(e, e.session().function(impl->handle), {a, b}, {});
  if (equality && a.type->kind != b.type->kind) return e.const_bool(op == "ne");
  fail("NoOperator", {operator_text(op), describe(a), describe(b)});
}

TV to_number(Emit& e, const TV& a, TypeRef type) {
  if (!is_number(a.type)) fail("NoConversion", {describe(a), describe(type)});
  if (is_complex(a.type) && !is_complex(type) && !is_bool(type)) fail("NoConversion", {describe(a), describe(type)});
  if (is_bool(type)) return e.cast(truth(e, a), type);
  if (type->is(Kind::PyInt) && is_float(a.type)) {
    TV x = e.cast(a, pyfloat());
    e.guard(e.cmp(OpCode::Eq, x, x), "FloatNanToInt");
    TV big = e.op(OpCode::Math, {x}, pyfloat(), 0, "fabs");
    e.guard(e.cmp(OpCode::Ne, big, e.const_float(HUGE_VAL)), "FloatInfToInt");
    e.guard(e.cmp(OpCode::Lt, big, e.const_float(9.2233720368547758e18)), "IntOverflow");
    return e.op(OpCode::Cast, {x}, pyint());
  }
  return e.cast(a, type);
}

}  // namespace coluber::typing
