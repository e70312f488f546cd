// Emit: appending typed ops, folding constants on the way.
#include "typing/emit.h"

#include <cmath>

#include "typing/session.h"

namespace coluber::typing {
using namespace ir;

void fail(const char* id, std::vector<std::string> args) { throw TypeFail{id, std::move(args), {}}; }

void fail_name(Emit& e, const char* id, std::vector<std::string> args, int64_t object, const char* about, const std::string& name) {
  throw TypeFail{id, std::move(args), {}, e.dry() ? std::string() : e.session().hint(object, about, name)};
}

bool Emit::objects() const { return spec_.fn->objects; }

TV Emit::op(OpCode code, std::span<const TV> args, TypeRef type, int64_t imm, std::string sym) {
  TV r;
  r.type = type;
  if (dry()) return r;
  Op op;
  op.code = code;
  op.imm = imm;
  op.sym = std::move(sym);
  op.loc = loc_;
  op.args.reserve(args.size());
  for (const TV& a : args) op.args.push_back(use(a));
  if (info(code).results > 0) {
    r.id = fn_->add_value(type, block_);
    op.results.push_back(r.id);
  }
  fn_->blocks[block_].ops.push_back(std::move(op));
  return r;
}

Op* Emit::last_op() { return dry() ? nullptr : &fn_->blocks[block_].ops.back(); }

TV Emit::value_of(ValueId untyped) const { return map_ ? (*map_)[untyped] : TV(spec_.vals[untyped]); }

ValueId Emit::use(const TV& v) {
  if (dry() || v.id != kNoId) return v.id;
  const clb_const* c = v.c;
  if (!c && !has_slots(v.type)) return op(OpCode::Zero, {}, v.type).id;
  if (!c) throw TypeFail{"InternalNoValue", {describe(v)}, {}};
  if (c->kind == CLB_ARRAY) return bound_array(v);
  if (v.is(Kind::Str)) return op(OpCode::StrConst, {}, v.type, 0, std::string(c->s, static_cast<size_t>(c->n))).id;
  if (is_number(v.type)) {
    TV r = op(OpCode::Const, {}, v.type);
    Op* o = last_op();
    switch (c->kind) {
      case CLB_FLOAT: o->fimm = c->f[0]; o->imm = static_cast<int64_t>(c->f[0]); break;
      case CLB_COMPLEX: o->fimm = c->f[0]; o->fimm2 = c->f[1]; break;
      case CLB_SCALAR: o->imm = c->i; o->fimm = c->f[0]; o->fimm2 = c->f[1]; break;
      default: o->imm = c->i; o->fimm = static_cast<double>(c->i); break;
    }
    if (!is_float(v.type) && !is_complex(v.type)) o->fimm = o->fimm2 = 0;
    else o->imm = 0;
    return r.id;
  }
  if ((v.is(Kind::Tuple) || v.is(Kind::Slice)) && c->kind == CLB_TUPLE) {
    std::vector<TV> items;
    for (int64_t k = 0; k < c->n; k++) {
      items.push_back(TV(session_.of_const(&c->items[k])));
      items.back().type = v.type->items[static_cast<size_t>(k)];   // a constant of a NumPy type is kept as Python's number
    }
    return op(OpCode::TupleMake, items, v.type).id;
  }
  return op(OpCode::Zero, {}, v.type).id;
}

// A global array: one op at the head of the function, so that loops over it are like loops over an argument. Where block 0 has an error
// edge, whose handler could not use it, one op per block.
ValueId Emit::bound_array(const TV& v) {
  TypeRef t = parse_type(v.c->s);
  BlockId at = fn_->blocks[0].on_error.valid() ? block_ : 0;
  auto [it, fresh] = bound_.try_emplace({at, v.c->handle}, kNoId);
  if (fresh) {
    Op o;
    o.code = OpCode::Bound;
    o.sym = "array:" + std::to_string(v.c->handle) + ":" + t->text;
    o.loc = loc_;
    it->second = fn_->add_value(t, at);
    o.results.push_back(it->second);
    std::vector<Op>& ops = fn_->blocks[at].ops;
    ops.insert(at == 0 ? ops.begin() : ops.end(), std::move(o));
  }
  if (v.type == t) return it->second;
  TV self;                                  // a method, carried by the array
  self.type = t;
  self.id = it->second;
  return op(OpCode::TupleMake, {self}, v.type).id;
}

TV Emit::constant(const clb_const* c) { return TV(session_.of_const(c)); }
TV Emit::const_int(int64_t v, TypeRef type) { TV r; r.type = type; r.c = session_.make_int(v); return r; }
TV Emit::const_float(double v, TypeRef type) { TV r; r.type = type; r.c = session_.make_float(v); return r; }
TV Emit::const_bool(bool v, TypeRef type) { TV r; r.type = type; r.c = session_.make_bool(v); return r; }
TV Emit::const_str(std::string_view s) { TV r; r.type = str(); r.c = session_.make_str(s); return r; }
TV Emit::none() { TV r; r.type = ir::none(); r.c = session_.make_none(); return r; }

namespace {

bool int_const(const TV& v, int64_t* out) {
  if (!v.c || (v.c->kind != CLB_INT && v.c->kind != CLB_BOOL)) return false;
  if (!is_integer(v.type) && !is_bool(v.type)) return false;
  *out = v.c->i;
  return true;
}
bool float_const(const TV& v, double* out) {
  if (!v.c || !is_float(v.type)) return false;
  if (v.c->kind == CLB_FLOAT) *out = v.c->f[0];
  else if (v.c->kind == CLB_INT || v.c->kind == CLB_BOOL) *out = static_cast<double>(v.c->i);
  else return false;
  return true;
}

int64_t wrap(int64_t v, TypeRef t) {
  switch (t->kind) {
    case Kind::Int8: return static_cast<int8_t>(v);
    case Kind::Int16: return static_cast<int16_t>(v);
    case Kind::Int32: return static_cast<int32_t>(v);
    case Kind::UInt8: return static_cast<uint8_t>(v);
    case Kind::UInt16: return static_cast<uint16_t>(v);
    case Kind::UInt32: return static_cast<uint32_t>(v);
    default: return v;
  }
}

bool fold_int(OpCode code, int64_t a, int64_t b, int64_t* r) {
  uint64_t x = static_cast<uint64_t>(a), y = static_cast<uint64_t>(b);
  switch (code) {
    case OpCode::Add: *r = static_cast<int64_t>(x + y); return true;
    case OpCode::Sub: *r = static_cast<int64_t>(x - y); return true;
    case OpCode::Mul: *r = static_cast<int64_t>(x * y); return true;
    case OpCode::And: *r = a & b; return true;
    case OpCode::Or: *r = a | b; return true;
    case OpCode::Xor: *r = a ^ b; return true;
    case OpCode::FloorDiv: case OpCode::Mod: {
      if (b == 0 || (b == -1 && a == INT64_MIN)) return false;
      int64_t q = a / b, m = a % b;
      if (m && ((m < 0) != (b < 0))) { q--; m += b; }
      *r = code == OpCode::Mod ? m : q;
      return true;
    }
    default: return false;
  }
}
bool fold_float(OpCode code, double a, double b, double* r) {
  switch (code) {
    case OpCode::Add: *r = a + b; return true;
    case OpCode::Sub: *r = a - b; return true;
    case OpCode::Mul: *r = a * b; return true;
    case OpCode::FDiv: *r = a / b; return true;
    default: return false;
  }
}
template <class T> bool fold_cmp(OpCode code, T a, T b) {
  switch (code) {
    case OpCode::Eq: return a == b;
    case OpCode::Ne: return a != b;
    case OpCode::Lt: return a < b;
    case OpCode::Le: return a <= b;
    case OpCode::Gt: return a > b;
    default: return a >= b;
  }
}
bool wide_signed(TypeRef t) { return is_signed(t) || item_size(t) < 8 || is_bool(t); }

}  // namespace

TV Emit::bin(OpCode code, TV a, TV b, TypeRef result) {
  TypeRef t = result ? result : a.type;
  int64_t x, y, r;
  double p, q, s;
  if (int_const(a, &x) && int_const(b, &y) && wide_signed(t) && fold_int(code, x, y, &r)) {
    TV v = is_bool(t) ? const_bool(r, t) : const_int(wrap(r, t), t);
    return v;
  }
  if (item_size(t) == 8 && float_const(a, &p) && float_const(b, &q) && fold_float(code, p, q, &s)) return const_float(s, t);
  return op(code, {a, b}, t);
}

TV Emit::cmp(OpCode code, TV a, TV b, TypeRef result) {
  int64_t x, y;
  double p, q;
  if (int_const(a, &x) && int_const(b, &y) && wide_signed(a.type)) return const_bool(fold_cmp(code, x, y), result);
  if (float_const(a, &p) && float_const(b, &q)) return const_bool(fold_cmp(code, p, q), result);
  return op(code, {a, b}, result);
}

TV Emit::select(TV c, TV a, TV b) {
  if (c.c) return c.c->i ? a : b;
  if (a.c && same_const(a.c, b.c) && a.type == b.type) return a;
  return op(OpCode::Select, {c, a, b}, a.type);
}
TV Emit::logic_not(TV a) {
  if (a.c) return const_bool(!a.c->i, a.type);
  return op(OpCode::Not, {a}, a.type);
}
TV Emit::logic_and(TV a, TV b) {
  if (a.c) return a.c->i ? b : a;
  if (b.c) return b.c->i ? a : b;
  return op(OpCode::And, {a, b}, a.type);
}
TV Emit::logic_or(TV a, TV b) {
  if (a.c) return a.c->i ? a : b;
  if (b.c) return b.c->i ? b : a;
  return op(OpCode::Or, {a, b}, a.type);
}

TV Emit::cast(TV v, TypeRef type) {
  if (v.type == type) return v;
  int64_t x;
  double p;
  if (int_const(v, &x) && wide_signed(v.type)) {
    if (is_integer(type)) return const_int(wrap(x, type), type);
    if (is_bool(type)) return const_bool(x != 0, type);
    if (is_float(type)) {
      double d = static_cast<double>(x);
      return const_float(type->is(Kind::Float32) ? static_cast<double>(static_cast<float>(d)) : d, type);
    }
  }
  if (float_const(v, &p) && is_float(type)) return const_float(type->is(Kind::Float32) ? static_cast<double>(static_cast<float>(p)) : p, type);
  return op(OpCode::Cast, {v}, type);
}

TV Emit::to_index(TV v) {
  if (v.is(Kind::PyInt)) return v;
  if (!is_integer(v.type) && !is_bool(v.type)) fail("BadIndex", {describe(v)});
  return cast(v, pyint());
}

void Emit::guard(TV cond, const char* diag, std::initializer_list<TV> args, std::vector<std::string> names) {
  if (cond.c && cond.c->i) return;
  std::vector<TV> all{cond};
  all.insert(all.end(), args.begin(), args.end());
  op(OpCode::Guard, all, ir::none(), 0, diag);
  if (Op* guard = last_op()) guard->names = std::move(names);
}

TV Emit::not_none(const TV& v, std::string message, const char* diag) {
  guard(op(OpCode::Present, {v}, pybool()), diag, {}, {std::move(message)});
  return op(OpCode::Payload, {v}, v.type->elem);
}

TV Emit::make(std::span<const TV> items, TypeRef type) { return op(OpCode::TupleMake, items, type); }

TV Emit::get(const TV& aggregate, int index, TypeRef item_type) {
  if (!has_slots(item_type)) {
    TV r;
    r.type = item_type;
    if (item_type->is(Kind::None)) return none();
    if (item_type->is(Kind::Const)) r.c = session_.object(item_type->handle);
    return r;
  }
  TV r = op(OpCode::TupleGet, {aggregate}, item_type, index);
  if (item_type->is(Kind::List)) r.site = aggregate.site;
  return r;
}

TV Emit::tuple(std::span<const TV> items) {
  std::vector<TypeRef> types;
  std::vector<const clb_const*> consts;
  bool all = true;
  for (const TV& i : items) {
    types.push_back(i.type);
    consts.push_back(i.c);
    all = all && i.c;
  }
  TypeRef t = tuple_of(types);
  if (all) {
    TV r;
    r.type = t;
    r.c = session_.make_tuple(consts);
    return r;
  }
  return op(OpCode::TupleMake, items, t);
}

TV Emit::item(const TV& tuple, int index) {
  TypeRef t = tuple.type->items[static_cast<size_t>(index)];
  if (tuple.c && tuple.c->kind == CLB_TUPLE) {
    TV r(session_.of_const(&tuple.c->items[index]));
    r.type = t;
    return r;
  }
  return get(tuple, index, t);
}

TV Emit::shape(const TV& array, int axis) { return op(OpCode::ArrayShape, {array}, pyint(), axis); }
TV Emit::stride(const TV& array, int axis) {
  const Type* t = array.type;
  bool rows = t->layout == Layout::C || t->layout == Layout::S;
  if ((rows && axis == t->ndim - 1) || (t->layout == Layout::F && axis == 0)) return const_int(item_size(t->elem));
  return op(OpCode::ArrayStride, {array}, pyint(), axis);
}

TV Emit::array_make(TypeRef type, TV owner, TV data, std::span<const TV> shape, std::span<const TV> strides) {
  std::vector<TV> all{owner, data};
  all.insert(all.end(), shape.begin(), shape.end());
  size_t n = type->layout == Layout::A ? strides.size() : type->layout == Layout::S ? strides.size() - 1 : 0;
  all.insert(all.end(), strides.begin(), strides.begin() + static_cast<std::ptrdiff_t>(n));
  return op(OpCode::ArrayMake, all, type);
}

ir::BlockId Emit::fresh_block() {
  Edge on_error = fn_->blocks[block_].on_error;
  BlockId made = fn_->add_block();
  fn_->blocks[made].on_error = std::move(on_error);
  return made;
}

void Emit::terminate(OpCode code, std::vector<ValueId> args, std::vector<Edge> targets) {
  Op op;
  op.code = code;
  op.args = std::move(args);
  op.targets = std::move(targets);
  op.loc = loc_;
  fn_->blocks[block_].ops.push_back(std::move(op));
}

void Emit::leave_if(TV flag) {
  if (dry() || (flag.c && !flag.c->i)) return;
  ValueId cond = use(op(OpCode::Likely, {flag}, pybool(), 0));
  BlockId out = fn_->add_block(), next = fresh_block();
  terminate(OpCode::Branch, {cond}, {Edge{out, {}}, Edge{next, {}}});
  block_ = out;
  leave(*this, *frame_);
  block_ = next;
}

TV convert(Emit& e, const TV& v, TypeRef type) {
  if (v.type == type) return v;
  TV r;
  r.type = type;
  r.site = v.site;
  if (v.is_bottom()) return r;
  if (type->is(Kind::Object)) return as_object(e, v);
  if (type->is(Kind::Unbound)) {
    if (v.is(Kind::Unbound)) {
      if (v.type->elem->is(Kind::Bottom)) return e.op(OpCode::Absent, {}, type);
      TV has = e.op(OpCode::Present, {v}, pybool());
      TV in = convert(e, e.op(OpCode::Payload, {v}, v.type->elem), type->elem);
      return e.op(OpCode::TupleMake, {has, in}, type);
    }
    return e.op(OpCode::Some, {convert(e, v, type->elem)}, type);
  }
  if (type->is(Kind::Optional)) {
    if (v.is_none()) return e.op(OpCode::Absent, {}, type);
    if (v.is(Kind::Optional)) {
      TV has = e.op(OpCode::Present, {v}, pybool());
      TV in = convert(e, e.op(OpCode::Payload, {v}, v.type->elem), type->elem);
      return e.op(OpCode::TupleMake, {has, in}, type);
    }
    return e.op(OpCode::Some, {convert(e, v, type->elem)}, type);
  }
  if (is_number(v.type) && is_number(type)) {
    if (is_complex(v.type) && !is_complex(type)) fail("NoConversion", {describe(v.type), describe(type)});
    return e.cast(v, type);
  }
  if (type->is(Kind::Range) && is_range(v.type)) {
    TV parts[] = {e.get(v, 0, pyint()), e.get(v, 1, pyint()), e.const_int(v.type->name == "range" ? 1 : -1)};
    return e.make(parts, type);
  }
  if (v.type->kind == type->kind) switch (type->kind) {
    case Kind::Array:
      if (v.type->elem == type->elem && v.type->ndim == type->ndim) {
        TV a = e.op(OpCode::ArrayAs, {v}, type);
        return a;
      }
      break;
    case Kind::List:
      if (v.type->elem->is(Kind::Bottom)) return e.op(OpCode::RefCast, {v}, type);
      break;
    case Kind::Tuple: case Kind::Slice: case Kind::View: case Kind::Closure: {
      if (v.type->items.size() != type->items.size()) break;
      std::vector<TV> items;
      for (size_t k = 0; k < type->items.size(); k++) {
        TV i = v.is(Kind::Tuple) ? e.item(v, static_cast<int>(k)) : e.get(v, static_cast<int>(k), v.type->items[k]);
        items.push_back(convert(e, i, type->items[k]));
      }
      return e.op(OpCode::TupleMake, items, type);
    }
    case Kind::Exc: return e.op(OpCode::RefCast, {v}, type);
    default: break;
  }
  fail("NoConversion", {describe(v), describe(type)});
}

}  // namespace coluber::typing
