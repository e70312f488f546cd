// See interpret.h.
#include "interpret.h"

#include <bit>
#include <cmath>
#include <cstring>

namespace coluber::ir::test {

Slots int_slots(int64_t v) { return {static_cast<uint64_t>(v)}; }
Slots float_slots(double v) { return {std::bit_cast<uint64_t>(v)}; }
double to_double(uint64_t slot) { return std::bit_cast<double>(slot); }

int slot_count(TypeRef t) {
  switch (t->kind) {
    case Kind::None: case Kind::Const: case Kind::DType: case Kind::Ellipsis: return 0;
    case Kind::PyComplex: case Kind::Complex64: case Kind::Complex128: return 2;
    case Kind::Optional: case Kind::Unbound: return 1 + slot_count(t->elem);
    case Kind::Array: return 2 + t->ndim + (t->layout == Layout::A ? t->ndim : t->layout == Layout::S && t->ndim ? t->ndim - 1 : 0);
    case Kind::Range: case Kind::Str: return 3;
    case Kind::Tuple: case Kind::View: case Kind::Closure: case Kind::Slice: {
      int n = 0;
      for (TypeRef i : t->items) n += slot_count(i);
      return n;
    }
    default: return 1;
  }
}

Slots array_slots(uint64_t data, std::vector<int64_t> shape, std::vector<int64_t> strides) {
  Slots s{data, data};
  for (int64_t n : shape) s.push_back(static_cast<uint64_t>(n));
  for (int64_t n : strides) s.push_back(static_cast<uint64_t>(n));
  return s;
}

uint8_t* Interpreter::allocate(size_t bytes) {
  blocks_.push_back(std::make_unique<uint8_t[]>(bytes + 1));
  std::memset(blocks_.back().get(), 0, bytes + 1);
  extents_[reinterpret_cast<uint64_t>(blocks_.back().get())] = bytes;
  return blocks_.back().get();
}

Outcome Interpreter::run(const std::string& function, std::vector<Slots> args, uint64_t limit) {
  out_ = {};
  limit_ = limit;
  depth_ = 0;
  const Function* f = program_.find(function);
  if (!f) {
    fault("no function @" + function);
    return out_;
  }
  call(*f, args, &out_.result);
  if (!out_.error.empty() || !out_.fault.empty()) out_.result.clear();
  return out_;
}

bool Interpreter::raise(const std::string& what) {
  out_.error = what;
  return false;
}
bool Interpreter::fault(const std::string& what) {
  if (out_.fault.empty()) out_.fault = what;
  return false;
}

bool Interpreter::call(const Function& f, const std::vector<Slots>& args, Slots* result) {
  if (++depth_ > 100) return fault("the calls are too deep");
  Frame fr{&f, std::vector<Slots>(f.values.size())};
  BlockId b = 0;
  std::vector<Slots> incoming = args;
  for (;;) {
    const Block& block = f.blocks[b];
    if (incoming.size() != block.params.size()) return fault("wrong number of arguments");
    for (size_t k = 0; k < incoming.size(); ++k) fr.values[block.params[k]] = incoming[k];
    const Edge* next = nullptr;
    for (const Op& o : block.ops) {
      if (++out_.steps > limit_) return fault("it does not end");
      if (o.code == OpCode::Jump) next = &o.targets[0];
      else if (o.code == OpCode::Branch) next = &o.targets[integer(fr, o.args[0]) ? 0 : 1];
      else if (o.code == OpCode::Return) {
        *result = fr.values[o.args[0]];
        --depth_;
        return true;
      } else if (o.code == OpCode::Unreachable) return fault("unreachable code is reached");
      else if (!op(fr, o)) {
        if (!out_.fault.empty()) return false;
        if (!block.on_error.valid()) {
          --depth_;
          return false;
        }
        next = &block.on_error;
        break;
      }
    }
    incoming.clear();
    for (ValueId v : next->args) incoming.push_back(fr.values[v]);
    b = next->block;
  }
}

Number Interpreter::number_of(TypeRef t, const Slots& s) {
  Number n;
  if (is_float(t) || is_complex(t)) n.f = to_double(s[0]);
  if (is_complex(t)) n.f2 = to_double(s[1]);
  if (!is_float(t) && !is_complex(t)) n.i = static_cast<int64_t>(s[0]);
  return n;
}

Slots Interpreter::slots_of(TypeRef t, const Number& n) {
  if (is_complex(t)) return {std::bit_cast<uint64_t>(n.f), std::bit_cast<uint64_t>(n.f2)};
  return is_float(t) ? float_slots(n.f) : int_slots(n.i);
}

bool Interpreter::op(Frame& fr, const Op& op) {
  if (op.code >= OpCode::Const && op.code <= OpCode::Likely) return scalar(fr, op);
  if (op.code >= OpCode::TupleMake && op.code <= OpCode::Payload) return aggregate(fr, op);
  if (op.code >= OpCode::PtrAdd && op.code <= OpCode::OwnerData) return memory(fr, op);
  if (op.code == OpCode::Elementwise) return elementwise(fr, op);
  if (op.code == OpCode::ArrayRoll) return roll(fr, op);
  if (op.code == OpCode::ArrayAssign) return assign(fr, op);
  if (op.code >= OpCode::ArrayMake && op.code <= OpCode::ArrayAs) return array(fr, op);
  if (op.code >= OpCode::ListNew && op.code <= OpCode::ListData) return list(fr, op);
  return checked(fr, op);
}

Slots Interpreter::convert(TypeRef from, TypeRef to, const Slots& v) {
  Number n = number_of(from, v), r;
  if (is_complex(to)) {
    r.f = is_float(from) || is_complex(from) ? n.f : static_cast<double>(n.i);
    r.f2 = n.f2;
  } else if (is_bool(to)) {
    r.i = is_float(from) || is_complex(from) ? n.f != 0 || n.f2 != 0 : n.i != 0;
  } else if (!fold_unary(OpCode::Cast, from, to, n, &r)) {
    r.i = INT64_MIN;                       // as the processor does it
  }
  return slots_of(to, r);
}

static int64_t reciprocal(uint64_t d) {
  unsigned __int128 power = static_cast<unsigned __int128>(1) << (63 + std::bit_width(d - 1));
  return static_cast<int64_t>(static_cast<uint64_t>((power + d - 1) / d));
}

bool Interpreter::math(Frame& fr, const Op& op) {
  Number a = number(fr, op.args[0]), b = op.args.size() > 1 ? number(fr, op.args[1]) : Number{}, r;
  const std::string& s = op.sym;
  if (s == "sqrt") r.f = std::sqrt(a.f);
  else if (s == "fabs") r.f = std::fabs(a.f);
  else if (s == "floor") r.f = std::floor(a.f);
  else if (s == "rint") r.f = std::rint(a.f);
  else if (s == "sin") r.f = std::sin(a.f);
  else if (s == "isnan") r.i = std::isnan(a.f);
  else if (s == "isinf") r.i = std::isinf(a.f);
  else if (s == "isfinite") r.i = std::isfinite(a.f);
  else if (s == "clz") r.i = std::countl_zero(static_cast<uint64_t>(a.i));
  else if (s == "umulh") r.i = static_cast<int64_t>(static_cast<unsigned __int128>(static_cast<uint64_t>(a.i)) * static_cast<uint64_t>(b.i) >> 64);
  else if (s == "imin") r.i = std::min(a.i, b.i);
  else if (s == "imax") r.i = std::max(a.i, b.i);
  else return fault("math " + s + " is not known here");
  set_number(fr, op.result(), r);
  return true;
}

bool Interpreter::aggregate(Frame& fr, const Op& op) {
  const Function& f = *fr.f;
  switch (op.code) {
    case OpCode::Absent:
      fr.values[op.result()].assign(static_cast<size_t>(slot_count(f.type_of(op.result()))), 0);
      return true;
    case OpCode::TupleMake: case OpCode::Some: {
      Slots all;
      if (op.code == OpCode::Some) all.push_back(1);
      for (ValueId v : op.args) all.insert(all.end(), fr.values[v].begin(), fr.values[v].end());
      fr.values[op.result()] = all;
      return true;
    }
    case OpCode::TupleGet: {
      TypeRef t = f.type_of(op.args[0]);
      int at = 0;
      for (int64_t k = 0; k < op.imm; ++k) at += t->is(Kind::Range) ? 1 : slot_count(t->items[static_cast<size_t>(k)]);
      auto from = fr.values[op.args[0]].begin() + at;
      fr.values[op.result()] = Slots(from, from + slot_count(f.type_of(op.result())));
      return true;
    }
    case OpCode::Present: fr.values[op.result()] = {fr.values[op.args[0]][0]}; return true;
    case OpCode::Payload: fr.values[op.result()] = Slots(fr.values[op.args[0]].begin() + 1, fr.values[op.args[0]].end()); return true;
    default: return fault(std::string(info(op.code).text) + " is not known here");
  }
}

bool Interpreter::scalar(Frame& fr, const Op& op) {
  const Function& f = *fr.f;
  switch (op.code) {
    case OpCode::Const: {
      Number n{op.imm, op.fimm, op.fimm2};
      set_number(fr, op.result(), n);
      return true;
    }
    case OpCode::Zero:
      fr.values[op.result()].assign(static_cast<size_t>(slot_count(f.type_of(op.result()))), 0);
      return true;
    case OpCode::Select:
      fr.values[op.result()] = fr.values[op.args[integer(fr, op.args[0]) ? 1 : 2]];
      return true;
    case OpCode::Cast: fr.values[op.result()] = convert(f.type_of(op.args[0]), f.type_of(op.result()), fr.values[op.args[0]]); return true;
    case OpCode::Math: return math(fr, op);
    case OpCode::CallRt:
      if (op.sym != "coluber_reciprocal") return fault("call of " + op.sym);
      fr.values[op.result()] = int_slots(reciprocal(static_cast<uint64_t>(integer(fr, op.args[0]))));
      return true;
    case OpCode::Neg: case OpCode::Not: case OpCode::Likely: case OpCode::ComplexReal: case OpCode::ComplexImag: {
      Number r;
      if (!fold_unary(op.code, f.type_of(op.args[0]), f.type_of(op.result()), number(fr, op.args[0]), &r)) return fault(info(op.code).text);
      set_number(fr, op.result(), r);
      return true;
    }
    case OpCode::AddOvf: case OpCode::SubOvf: case OpCode::MulOvf: {
      int64_t wrapped;
      bool over;
      if (!fold_overflow(op.code, f.type_of(op.args[0]), integer(fr, op.args[0]), integer(fr, op.args[1]), &wrapped, &over))
        return fault("overflow of no integers");
      fr.values[op.results[0]] = int_slots(wrapped);
      fr.values[op.results[1]] = int_slots(over);
      return true;
    }
    default: break;
  }
  if (op.args.size() != 2) return fault(std::string(info(op.code).text) + " is not known here");
  TypeRef t = f.type_of(op.args[0]);
  if (t->is(Kind::Ptr)) t = ir::scalar(Kind::UInt64);
  Number a, b, r;
  a = f.type_of(op.args[0])->is(Kind::Ptr) ? Number{integer(fr, op.args[0])} : number(fr, op.args[0]);
  b = f.type_of(op.args[1])->is(Kind::Ptr) ? Number{integer(fr, op.args[1])} : number(fr, op.args[1]);
  if (op.imm == 1 && is_integer(t)) {
    int64_t wrapped;
    bool over = false;
    OpCode code = op.code == OpCode::Add ? OpCode::AddOvf : op.code == OpCode::Sub ? OpCode::SubOvf : OpCode::MulOvf;
    if ((op.code == OpCode::Add || op.code == OpCode::Sub || op.code == OpCode::Mul) && fold_overflow(code, t, a.i, b.i, &wrapped, &over) && over)
      return fault(std::string(info(op.code).text) + " wraps, and was said not to");
  }
  if (op.code == OpCode::FDiv && is_float(t)) r.f = t->is(Kind::Float32) ? static_cast<float>(a.f / b.f) : a.f / b.f;
  else if (!fold_binary(op.code, t, a, b, &r)) return fault(std::string(info(op.code).text) + " of these operands");
  set_number(fr, op.result(), r);
  return true;
}

bool Interpreter::touch(uint64_t address, size_t bytes) {
  auto it = extents_.upper_bound(address);
  if (it != extents_.begin()) {
    --it;
    if (address >= it->first && address + bytes <= it->first + it->second) return true;
  }
  return fault("an access outside of all memory");
}

namespace {
// Bytes of one slot in memory.
size_t slot_bytes(TypeRef t) { return is_complex(t) ? static_cast<size_t>(item_size(t) / 2) : is_number(t) ? static_cast<size_t>(item_size(t)) : 8; }
}  // namespace

bool Interpreter::load(TypeRef t, uint64_t address, Slots* out) {
  size_t n = static_cast<size_t>(slot_count(t)), size = slot_bytes(t);
  if (!touch(address, n * size)) return false;
  out->clear();
  for (size_t k = 0; k < n; ++k, address += size) {
    uint64_t raw = 0;
    std::memcpy(&raw, reinterpret_cast<const void*>(address), size);
    bool single = size == 4 && (is_float(t) || is_complex(t));
    if (single) raw = std::bit_cast<uint64_t>(static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(raw))));
    else if (is_integer(t)) raw = static_cast<uint64_t>(wrap_to(t, static_cast<int64_t>(raw)));
    out->push_back(raw);
  }
  return true;
}

bool Interpreter::store(TypeRef t, uint64_t address, const Slots& value) {
  size_t size = slot_bytes(t);
  if (!touch(address, value.size() * size)) return false;
  for (uint64_t raw : value) {
    if (size == 4 && (is_float(t) || is_complex(t))) raw = std::bit_cast<uint32_t>(static_cast<float>(to_double(raw)));
    std::memcpy(reinterpret_cast<void*>(address), &raw, size);
    address += size;
  }
  return true;
}

bool Interpreter::memory(Frame& fr, const Op& op) {
  const Function& f = *fr.f;
  switch (op.code) {
    case OpCode::PtrAdd: fr.values[op.result()] = int_slots(integer(fr, op.args[0]) + integer(fr, op.args[1])); return true;
    case OpCode::PtrCast: case OpCode::PtrToInt: case OpCode::OwnerData: fr.values[op.result()] = fr.values[op.args[0]]; return true;
    case OpCode::Load: return load(f.type_of(op.result()), fr.values[op.args[0]][0], &fr.values[op.result()]);
    case OpCode::Store: return store(f.type_of(op.args[1]), fr.values[op.args[0]][0], fr.values[op.args[1]]);
    case OpCode::StackAlloc: fr.values[op.result()] = {reinterpret_cast<uint64_t>(allocate(static_cast<size_t>(op.imm)))}; return true;
    case OpCode::Alloc: {
      int64_t n = integer(fr, op.args[0]);
      if (n < 0 || n > (int64_t{1} << 30)) return raise("NoMemory");
      ++out_.allocations;
      fr.values[op.result()] = {reinterpret_cast<uint64_t>(allocate(static_cast<size_t>(n)))};
      return true;
    }
    case OpCode::MemCopy: case OpCode::MemZero: {
      size_t n = static_cast<size_t>(integer(fr, op.args.back()));
      uint64_t to = fr.values[op.args[0]][0];
      if (n == 0) return true;
      if (!touch(to, n) || (op.code == OpCode::MemCopy && !touch(fr.values[op.args[1]][0], n))) return false;
      if (op.code == OpCode::MemZero) std::memset(reinterpret_cast<void*>(to), 0, n);
      else std::memmove(reinterpret_cast<void*>(to), reinterpret_cast<const void*>(fr.values[op.args[1]][0]), n);
      return true;
    }
    default: return fault(std::string(info(op.code).text) + " is not known here");
  }
}

std::vector<int64_t> Interpreter::strides(TypeRef t, const Slots& array) const {
  size_t n = static_cast<size_t>(t->ndim);
  std::vector<int64_t> out(n, item_size(t->elem));
  auto shape = [&](size_t k) { return static_cast<int64_t>(array[2 + k]); };
  switch (t->layout) {
    case Layout::C: for (size_t k = n; k-- > 1;) out[k - 1] = out[k] * shape(k); break;
    case Layout::F: for (size_t k = 1; k < n; ++k) out[k] = out[k - 1] * shape(k - 1); break;
    case Layout::S: for (size_t k = 0; k + 1 < n; ++k) out[k] = static_cast<int64_t>(array[2 + n + k]); break;
    case Layout::A: for (size_t k = 0; k < n; ++k) out[k] = static_cast<int64_t>(array[2 + n + k]); break;
  }
  return out;
}

uint64_t Interpreter::element(const Frame& fr, const Op& op, size_t first) {
  TypeRef t = fr.f->type_of(op.args[0]);
  const Slots& a = fr.values[op.args[0]];
  std::vector<int64_t> s = strides(t, a);
  int64_t at = static_cast<int64_t>(a[1]);
  for (size_t k = 0; k < s.size(); ++k) {
    int64_t i = integer(fr, op.args[first + k]);
    if (i < 0 || i >= static_cast<int64_t>(a[2 + k])) fault("an index outside of the array");
    at += i * s[k];
  }
  return static_cast<uint64_t>(at);
}

bool Interpreter::array(Frame& fr, const Op& op) {
  const Function& f = *fr.f;
  const Slots& a = fr.values[op.args[0]];
  TypeRef t = f.type_of(op.args[0]);
  switch (op.code) {
    case OpCode::ArrayMake: {
      Slots all;
      for (ValueId v : op.args) all.insert(all.end(), fr.values[v].begin(), fr.values[v].end());
      fr.values[op.result()] = all;
      return true;
    }
    case OpCode::ArrayOwner: fr.values[op.result()] = {a[0]}; return true;
    case OpCode::ArrayData: fr.values[op.result()] = {a[1]}; return true;
    case OpCode::ArrayShape: fr.values[op.result()] = {a[2 + static_cast<size_t>(op.imm)]}; return true;
    case OpCode::ArrayStride: fr.values[op.result()] = int_slots(strides(t, a)[static_cast<size_t>(op.imm)]); return true;
    case OpCode::ArrayLoad: {
      uint64_t at = element(fr, op, 1);
      return out_.fault.empty() && load(t->elem, at, &fr.values[op.result()]);
    }
    case OpCode::ArrayStore: {
      uint64_t at = element(fr, op, 2);
      return out_.fault.empty() && store(t->elem, at, fr.values[op.args[1]]);
    }
    case OpCode::ArrayAs: {
      TypeRef to = f.type_of(op.result());
      Slots all(a.begin(), a.begin() + 2 + t->ndim);
      std::vector<int64_t> s = strides(t, a);
      int n = slot_count(to) - 2 - to->ndim;
      for (int k = 0; k < n; ++k) all.push_back(static_cast<uint64_t>(s[static_cast<size_t>(k)]));
      fr.values[op.result()] = all;
      return true;
    }
    default: return fault(std::string(info(op.code).text) + " should not be here any more");
  }
}

bool Interpreter::list(Frame& fr, const Op& op) {
  if (op.code == OpCode::ListNew) {
    lists_.push_back(std::make_unique<List>());
    fr.values[op.result()] = {reinterpret_cast<uint64_t>(lists_.back().get())};
    return true;
  }
  List& l = *reinterpret_cast<List*>(fr.values[op.args[0]][0]);
  size_t i = op.code == OpCode::ListLoad || op.code == OpCode::ListStore ? fr.values[op.args[1]][0] : 0;
  switch (op.code) {
    case OpCode::ListLen: fr.values[op.result()] = {l.items.size()}; return true;
    case OpCode::ListPush: l.items.push_back(fr.values[op.args[1]]); return true;
    case OpCode::ListReserve: return true;
    case OpCode::ListLoad:
      if (i >= l.items.size()) return fault("an index outside of the list");
      fr.values[op.result()] = l.items[i];
      return true;
    case OpCode::ListStore:
      if (i >= l.items.size()) return fault("an index outside of the list");
      l.items[i] = fr.values[op.args[2]];
      return true;
    default: return fault(std::string(info(op.code).text) + " is not known here");
  }
}

bool Interpreter::checked(Frame& fr, const Op& op) {
  switch (op.code) {
    case OpCode::IndexCheck: {
      ++out_.checks;
      int64_t i = integer(fr, op.args[0]), n = integer(fr, op.args[1]);
      bool no_wrap = !op.ints.empty() && op.ints[0];
      if (no_wrap && i < 0) return fault("an index below 0 that was said not to be");
      int64_t at = i < 0 ? static_cast<int64_t>(static_cast<uint64_t>(i) + static_cast<uint64_t>(n)) : i;
      if (at < 0 || at >= n) return raise("Index " + std::to_string(i) + " " + std::to_string(n) + " " + std::to_string(op.imm));
      fr.values[op.result()] = int_slots(at);
      return true;
    }
    case OpCode::Guard: {
      ++out_.checks;
      if (integer(fr, op.args[0])) return true;
      std::string what = op.sym;
      for (size_t k = 1; k < op.args.size(); ++k) what += " " + std::to_string(integer(fr, op.args[k]));
      return raise(what);
    }
    case OpCode::Call: {
      const Function* callee = program_.find(op.sym);
      if (!callee) return fault("no function @" + op.sym);
      std::vector<Slots> args;
      for (ValueId v : op.args) args.push_back(fr.values[v]);
      return call(*callee, args, &fr.values[op.result()]);
    }
    case OpCode::Poll: case OpCode::Retain: case OpCode::Release: return true;
    case OpCode::RaiseNew: return raise("class " + std::to_string(op.imm));
    case OpCode::ExcCatch:
      fr.values[op.result()] = {0};
      out_.error.clear();
      return true;
    default: return fault(std::string(info(op.code).text) + " is not known here");
  }
}

// ---- array expressions, as their definition says: what fuse must come up to --------------------------------------------------------------
namespace {

// The positions of a row-major walk over `shape`, as flat offsets into an array of `strides` that is broadcast to it.
std::vector<int64_t> offsets(const std::vector<int64_t>& shape, const std::vector<int64_t>& own, const std::vector<int64_t>& strides) {
  int64_t total = 1;
  for (int64_t n : shape) total *= n;
  std::vector<int64_t> out;
  for (int64_t flat = 0; flat < total; ++flat) {
    int64_t rest = flat, at = 0;
    for (size_t k = shape.size(); k-- > 0;) {
      int64_t i = rest % shape[k];
      rest /= shape[k];
      if (k + own.size() < shape.size()) continue;
      size_t axis = k + own.size() - shape.size();
      if (own[axis] != 1) at += i * strides[axis];
    }
    out.push_back(at);
  }
  return out;
}

std::vector<int64_t> shape_of(TypeRef t, const Slots& a) {
  std::vector<int64_t> s;
  for (int k = 0; k < t->ndim; ++k) s.push_back(static_cast<int64_t>(a[2 + static_cast<size_t>(k)]));
  return s;
}

}  // namespace

bool Interpreter::elements(const Frame& fr, ValueId v, const std::vector<int64_t>& shape, std::vector<Slots>* out) {
  TypeRef t = fr.f->type_of(v);
  const Slots& a = fr.values[v];
  int64_t total = 1;
  for (int64_t n : shape) total *= n;
  out->assign(static_cast<size_t>(total), a);
  if (!t->is(Kind::Array)) return true;
  std::vector<int64_t> at = offsets(shape, shape_of(t, a), strides(t, a));
  for (size_t k = 0; k < at.size(); ++k)
    if (!load(t->elem, a[1] + static_cast<uint64_t>(at[k]), &(*out)[k])) return false;
  return true;
}

bool Interpreter::elementwise(Frame& fr, const Op& op) {
  TypeRef type = fr.f->type_of(op.result());
  std::vector<int64_t> shape(static_cast<size_t>(type->ndim), -1);
  for (ValueId v : op.args) {
    if (!fr.f->type_of(v)->is(Kind::Array)) continue;
    std::vector<int64_t> own = shape_of(fr.f->type_of(v), fr.values[v]);
    for (size_t k = 0; k < own.size(); ++k) {
      size_t axis = k + shape.size() - own.size();
      int64_t a = shape[axis], b = own[k];
      if (a >= 0 && a != b && a != 1 && b != 1) return raise("Broadcast " + std::to_string(a) + " " + std::to_string(b) + " " + std::to_string(axis));
      shape[axis] = a < 0 || a == 1 ? b : a;
    }
  }
  std::vector<std::vector<Slots>> in(op.args.size());
  for (size_t k = 0; k < in.size(); ++k)
    if (!elements(fr, op.args[k], shape, &in[k])) return false;
  int64_t total = item_size(type->elem);
  for (int64_t n : shape) total *= n;
  Slots a = array_slots(reinterpret_cast<uint64_t>(allocate(static_cast<size_t>(total))), shape);
  const Function* kernel = program_.find(op.sym);
  std::vector<int64_t> at = offsets(shape, shape, strides(type, a));
  for (size_t k = 0; k < at.size(); ++k) {
    std::vector<Slots> args;
    for (auto& list : in) args.push_back(list[k]);
    Slots r;
    if (!call(*kernel, args, &r) || !store(type->elem, a[1] + static_cast<uint64_t>(at[k]), r)) return false;
  }
  fr.values[op.result()] = a;
  return true;
}

bool Interpreter::roll(Frame& fr, const Op& op) {
  TypeRef type = fr.f->type_of(op.result());
  std::vector<int64_t> shape = shape_of(type, fr.values[op.args[0]]);
  std::vector<Slots> items;
  if (!elements(fr, op.args[0], shape, &items)) return false;
  Slots a = array_slots(reinterpret_cast<uint64_t>(allocate(items.size() * static_cast<size_t>(item_size(type->elem)))), shape);
  fr.values[op.result()] = a;
  int64_t total = static_cast<int64_t>(items.size()), n = op.imm < 0 ? total : shape[static_cast<size_t>(op.imm)], below = 1;
  if (total == 0) return true;
  if (op.imm >= 0)
    for (size_t k = static_cast<size_t>(op.imm) + 1; k < shape.size(); ++k) below *= shape[k];
  int64_t shift = (integer(fr, op.args[1]) % n + n) % n;
  std::vector<int64_t> at = offsets(shape, shape, strides(type, a));
  for (int64_t to = 0; to < total; ++to) {
    int64_t i = to / below % n, from = to + ((i - shift + n) % n - i) * below;
    if (!store(type->elem, a[1] + static_cast<uint64_t>(at[static_cast<size_t>(to)]), items[static_cast<size_t>(from)])) return false;
  }
  return true;
}

bool Interpreter::assign(Frame& fr, const Op& op) {
  TypeRef to = fr.f->type_of(op.args[0]), from = fr.f->type_of(op.args[1]);
  const Slots& d = fr.values[op.args[0]];
  std::vector<int64_t> shape = shape_of(to, d), own;
  if (from->is(Kind::Array)) own = shape_of(from, fr.values[op.args[1]]);
  for (size_t k = 0; k < own.size(); ++k) {
    size_t axis = k + shape.size() - own.size();
    if (own[k] != shape[axis] && own[k] != 1)
      return raise("BroadcastInto " + std::to_string(own[k]) + " " + std::to_string(shape[axis]) + " " + std::to_string(axis));
  }
  std::vector<Slots> values;
  if (!elements(fr, op.args[1], shape, &values)) return false;
  std::vector<int64_t> at = offsets(shape, shape, strides(to, d));
  for (size_t k = 0; k < at.size(); ++k) {
    Slots v = convert(from->is(Kind::Array) ? from->elem : from, to->elem, values[k]);
    if (!store(to->elem, d[1] + static_cast<uint64_t>(at[k]), v)) return false;
  }
  return true;
}

}  // namespace coluber::ir::test
