// Session: memo of functions, specialisations and host answers; constants.
#include "typing/session.h"

#include <cstring>
#include <stdexcept>

#include "ir/builder.h"


namespace coluber::typing {
using namespace ir;

const clb_const* Session::make_const(const clb_const& c) {
  arena_.push_back(c);
  note_object(&arena_.back());
  return &arena_.back();
}
const clb_const* Session::make_int(int64_t v) { clb_const c{}; c.kind = CLB_INT; c.i = v; arena_.push_back(c); return &arena_.back(); }
const clb_const* Session::make_bool(bool v) { clb_const c{}; c.kind = CLB_BOOL; c.i = v; arena_.push_back(c); return &arena_.back(); }
const clb_const* Session::make_float(double v) { clb_const c{}; c.kind = CLB_FLOAT; c.f[0] = v; arena_.push_back(c); return &arena_.back(); }
const clb_const* Session::make_none() { static const clb_const kNone{}; return &kNone; }
const clb_const* Session::make_str(std::string_view s) {
  strings_.emplace_back(s);
  clb_const c{};
  c.kind = CLB_STR;
  c.s = strings_.back().c_str();
  c.n = static_cast<int64_t>(s.size());
  arena_.push_back(c);
  return &arena_.back();
}
const clb_const* Session::make_tuple(std::span<const clb_const* const> items) {
  vectors_.emplace_back();
  for (const clb_const* i : items) vectors_.back().push_back(*i);
  clb_const c{};
  c.kind = CLB_TUPLE;
  c.items = vectors_.back().data();
  c.n = static_cast<int64_t>(items.size());
  arena_.push_back(c);
  return &arena_.back();
}

void Session::note_object(const clb_const* c) {
  switch (c->kind) {
    case CLB_MODULE: case CLB_FUNCTION: case CLB_BUILTIN: case CLB_CLASS: case CLB_OBJECT: case CLB_ARRAY: case CLB_INTRINSIC:
      objects_.emplace(c->handle, c);
      break;
    default: break;
  }
}

AbsVal Session::of_const(const clb_const* c) {
  AbsVal v;
  v.c = c;
  switch (c->kind) {
    case CLB_NONE: v.type = none(); break;
    case CLB_BOOL: v.type = pybool(); break;
    case CLB_INT: v.type = pyint(); break;
    case CLB_FLOAT: v.type = pyfloat(); break;
    case CLB_COMPLEX: v.type = pycomplex(); break;
    case CLB_STR: v.type = str(); break;
    case CLB_ELLIPSIS: v.type = scalar(Kind::Ellipsis); break;
    case CLB_TUPLE: {
      std::vector<TypeRef> types;
      for (int64_t k = 0; k < c->n; k++) types.push_back(of_const(&c->items[k]).type);
      v.type = tuple_of(types);
      break;
    }
    case CLB_DTYPE: v.type = dtype_of(parse_type(c->s)); break;
    case CLB_TYPE: {
      TypeRef t = parse_type(c->s);
      if (!t) fail("BadGlobal", {c->s, "type"});
      v.type = dtype_of(is_weak(t) && is_number(t) ? strong(t) : t);
      break;
    }
    case CLB_SCALAR: v.type = parse_type(c->s); break;
    case CLB_BIGINT: fail("BigInt", {c->s ? c->s : "?"});
    case CLB_ARRAY: v.type = parse_type(c->s); break;
    case CLB_BYTES: case CLB_LIST: fail("BadGlobal", {"value", c->s ? c->s : "object"});
    default:
      objects_.emplace(c->handle, c);
      v.type = object_const(c->handle);
  }
  if (!v.type) fail("BadGlobal", {"value", c->s ? c->s : "object"});
  return v;
}

const clb_const* Session::object(int64_t handle) {
  auto it = objects_.find(handle);
  if (it == objects_.end()) fail("InternalNoValue", {"object " + std::to_string(handle)});
  return it->second;
}

namespace {
template <class Ask> const clb_const* ask(std::unordered_map<std::string, const clb_const*>& memo, std::string key, Session& s, Ask&& question) {
  auto it = memo.find(key);
  if (it != memo.end()) return it->second;
  clb_const c{};
  int rc = question(&c);
  if (rc < 0) fail("HostError", {key.substr(key.find('.') + 1)});
  const clb_const* r = rc == 0 ? s.make_const(c) : nullptr;
  memo.emplace(std::move(key), r);
  return r;
}
}  // namespace

const clb_const* Session::global(int64_t fn, const std::string& name) {
  return ask(lookups_, "g" + std::to_string(fn) + "." + name, *this, [&](clb_const* c) { return host_->global(host_->self, fn, name.c_str(), c); });
}
const clb_const* Session::cell(int64_t fn, int index) {
  return ask(lookups_, "c" + std::to_string(fn) + "." + std::to_string(index), *this, [&](clb_const* c) { return host_->cell(host_->self, fn, index, c); });
}
const clb_const* Session::attr(int64_t object, const std::string& name) {
  return ask(lookups_, "a" + std::to_string(object) + "." + name, *this, [&](clb_const* c) { return host_->attr(host_->self, object, name.c_str(), c); });
}
const clb_const* Session::implementation(int64_t object, const std::string& key) {
  return ask(lookups_, "i" + std::to_string(object) + "." + key, *this,
             [&](clb_const* c) { return host_->implementation(host_->self, object, key.empty() ? nullptr : key.c_str(), c); });
}
const clb_const* Session::overload(int64_t object, const std::string& key, std::span<const TV> args) {
  if (!host_->overload) return nullptr;
  std::vector<const char*> types;
  std::string memo = "o" + std::to_string(object) + "." + key;
  for (const TV& a : args) {
    types.push_back(a.type->text.c_str());
    memo += "," + a.type->text;
  }
  return ask(lookups_, memo, *this, [&](clb_const* c) {
    return host_->overload(host_->self, object, key.empty() ? nullptr : key.c_str(), types.data(), static_cast<int32_t>(types.size()), c);
  });
}
int64_t Session::nested(int64_t outer, const clb_code* code) {
  char key[64];
  snprintf(key, sizeof key, "n%lld.%p", static_cast<long long>(outer), static_cast<const void*>(code));
  const clb_const* c = ask(lookups_, key, *this, [&](clb_const* out) {
    int64_t h = host_->nested(host_->self, outer, code);
    if (h < 0) return -1;
    out->kind = CLB_FUNCTION;
    out->handle = h;
    out->s = code->qualname ? code->qualname : code->name;
    out->n = static_cast<int64_t>(std::strlen(out->s));
    return 0;
  });
  if (c) inner_.insert(c->handle);
  return c->handle;
}
bool Session::subclass(int64_t cls, int64_t base) { return cls == base || host_->subclass(host_->self, cls, base) == 1; }
int64_t Session::class_handle(const char* name) {
  for (auto& [h, f] : functions_) {
    const clb_const* c = global(h, name);
    if (c && c->kind == CLB_CLASS) return c->handle;
  }
  for (auto& [text, f] : parts_) {
    const clb_const* c = global(f->handle, name);
    if (c && c->kind == CLB_CLASS) return c->handle;
  }
  fail("InternalNoValue", {name});
}
int64_t Session::ufunc_loop(int64_t ufunc, const std::string& signature) {
  const clb_const* c = ask(lookups_, "l" + std::to_string(ufunc) + "." + signature, *this,
                           [&](clb_const* out) { return host_->ufunc_loop(host_->self, ufunc, signature.c_str(), out); });
  return c ? c->i : -1;
}

std::string Session::hint(int64_t object, const char* about, const std::string& name) {
  clb_const c{};
  if (!host_->hint || host_->hint(host_->self, object, about, name.c_str(), &c) != 0 || c.kind != CLB_STR) return "";
  return std::string(c.s, static_cast<size_t>(c.n));
}

FunctionInfo* Session::function(int64_t handle, bool objects, const std::string& entry) {
  bool whole = !objects && entry.empty();
  std::string part = std::to_string(handle) + (objects ? "o" : "n") + entry;
  auto it = functions_.find(handle);
  auto known = parts_.find(part);
  if (whole && it != functions_.end()) return it->second.get();
  if (!whole && known != parts_.end()) return known->second.get();
  auto info = std::make_unique<FunctionInfo>();
  info->objects = objects;
  info->entry = entry;
  info->handle = handle;
  if (host_->function(host_->self, handle, &info->snapshot) != 0) fail("HostError", {"function " + std::to_string(handle)});
  const clb_code* code = info->snapshot->code;
  info->name = code->name;
  info->library = info->snapshot->library;
  info->options = info->snapshot->options;
  BuildError error;
  const clb_function& shot = *info->snapshot;
  for (int32_t k = 0; k < shot.nlocal_types; k++) {
    TypeRef t = parse_type(shot.local_types[k]);
    if (!t) throw std::runtime_error(std::string("the engine does not know the type ") + shot.local_types[k]);
    info->local_types.emplace(shot.local_names[k], t);
  }
  info->ir = build_function(*code, handle, &error, &info->consts, {shot.local_names, static_cast<size_t>(shot.nlocal_types)},
                            info->options.debug != 0, objects, entry);
  if (!info->ir) throw CompileError{make_diag(*info, error)};
  index_function(*info);
  FunctionInfo* r = info.get();
  if (whole) functions_.emplace(handle, std::move(info));
  else parts_.emplace(std::move(part), std::move(info));
  return r;
}

FunctionInfo* Session::operator_kernel(const std::string& op, int operands) {
  std::string key = op + "/" + std::to_string(operands);
  auto it = kernels_.find(key);
  if (it != kernels_.end()) return it->second.get();
  auto info = std::make_unique<FunctionInfo>();
  info->name = "op_" + op;
  auto f = std::make_unique<Function>();
  f->name = info->name;
  BlockId b = f->add_block();
  std::vector<ValueId> args;
  for (int k = 0; k < operands; k++) {
    ValueId v = f->add_value(bottom(), b);
    f->blocks[b].params.push_back(v);
    args.push_back(v);
  }
  static const char* kCompare[] = {"eq", "ne", "lt", "le", "gt", "ge"};
  bool compare = false;
  for (const char* c : kCompare) compare = compare || op == c;
  Op o;
  o.code = operands == 1 ? OpCode::PyUnary : compare ? OpCode::PyCompare : OpCode::PyBinop;
  o.sym = op;
  o.args = args;
  ValueId r = f->add_value(bottom(), b);
  o.results.push_back(r);
  f->blocks[b].ops.push_back(o);
  Op ret;
  ret.code = OpCode::Return;
  ret.args.push_back(r);
  f->blocks[b].ops.push_back(ret);
  f->always_inline = true;
  info->ir = std::move(f);
  info->library = true;
  index_function(*info);
  FunctionInfo* p = info.get();
  kernels_.emplace(key, std::move(info));
  return p;
}

FunctionInfo* Session::call_kernel(const clb_const* function, size_t operands, size_t takes) {
  std::string key = "call/" + std::to_string(function->handle) + "/" + std::to_string(operands) + "/" + std::to_string(takes);
  auto it = kernels_.find(key);
  if (it != kernels_.end()) return it->second.get();
  auto info = std::make_unique<FunctionInfo>();
  info->name = "reduction";
  info->consts = {function};
  info->ir = std::make_unique<Function>();
  Function& f = *info->ir;
  f.name = info->name;
  Builder b(&f);
  b.set_block(f.add_block());
  std::vector<ValueId> args{kNoId};
  for (size_t k = 0; k < operands; ++k) args.push_back(b.param(bottom()));
  args[0] = b.emit(OpCode::PyConst, {}, bottom());
  args.resize(1 + takes);
  ValueId result = b.emit(OpCode::PyCall, args, bottom());
  b.ret(result);
  index_function(*info);
  return kernels_.emplace(key, std::move(info)).first->second.get();
}

std::string Session::unique_name(const std::string& base) {
  std::string clean;
  for (char c : base) clean += isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return clean + "_" + std::to_string(names_++);
}

Spec* Session::specialise(FunctionInfo* fn, std::vector<AbsVal> args, std::vector<AbsVal> captures, const Spec* caller) {
  char head[32];
  snprintf(head, sizeof head, "%p", static_cast<void*>(fn));
  std::string key = head;
  auto add = [&](const AbsVal& a) {
    key += "|" + std::to_string(a.type->id);
    if (a.c) key += "=" + const_text(a.c);
  };
  for (const AbsVal& a : args) add(a);
  key += "/";
  for (const AbsVal& a : captures) add(a);
  bool parallel = fn->options.parallel || (fn->library && caller && caller->parallel);
  if (parallel) key += "p";
  auto& slot = specs_[key];
  if (!slot) {
    slot = std::make_unique<Spec>();
    slot->fn = fn;
    slot->args = std::move(args);
    slot->captures = std::move(captures);
    slot->name = unique_name(fn->name);
    slot->parallel = parallel;
    slot->depth = caller ? caller->depth + 1 : 0;
    for (uint32_t k = 0; k < slot->args.size(); k++)
      if (slot->args[k].is(Kind::List) && slot->args[k].type->elem->is(Kind::Bottom)) slot->empty_args.push_back(k);
  }
  Spec* spec = slot.get();
  if (spec->state == Spec::Done) return spec;
  if (spec->state == Spec::Running) { spec->recursive = true; return spec; }
  if (spec->depth > 200) fail("TooDeep", {fn->name + "()"});
  running_.push_back(spec);
  spec->state = Spec::Running;
  for (int round = 0;; round++) {
    AbsVal before = spec->ret;
    spec->waiting_on.clear();
    infer(*this, *spec);
    if (!spec->recursive || (same(before, spec->ret) && round > 0)) break;
    if (round > 20) throw std::runtime_error("the result type of " + spec->name + " does not settle");
    // what was inferred on the old estimate of this one is inferred again
    for (auto& [k, s] : specs_)
      if (s->state == Spec::Done && s->waiting_on.count(spec)) s->state = Spec::New;
  }
  spec->waiting_on.erase(spec);
  running_.pop_back();
  spec->state = Spec::Done;
  if (spec->recursive)
    for (auto& [k, s] : specs_) s->waiting_on.erase(spec);
  return spec;
}

std::unique_ptr<Program> Session::lower(Spec* root) {
  program_ = std::make_unique<Program>();
  lower_later(root);
  while (!pending_.empty()) {
    Spec* s = pending_.front();
    pending_.pop_front();
    try {
      lower_spec(*this, *s, *program_);
    } catch (CompileError& error) {
      for (std::set<Spec*> seen; s->caller && seen.insert(s).second; s = s->caller) add_caller(&error.diag, *s->caller, s->caller_loc);
      throw;
    }
  }
  for (auto& f : program_->functions) f->exported = f->name == root->name;
  return std::move(program_);
}

}  // namespace coluber::typing
