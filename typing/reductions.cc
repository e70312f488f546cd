// coluber.reduction(op, identity): a function of an accumulator and a value. Under the option parallel its call is a `reduce`, in which
// passes/parallel finds the reduction of a loop; else it is a call of op. Accumulators are numbers, tuples of them, or arrays; of arrays the identity is one
// item for all, or a function, of the array or of nothing, that makes it.
#include "typing/session.h"

#include <algorithm>

namespace coluber::typing {
using namespace ir;

namespace {

bool plain(TypeRef t) {
  if (!t->is(Kind::Tuple)) return is_number(t);
  for (TypeRef item : t->items)
    if (!plain(item)) return false;
  return !t->items.empty();
}

bool array(TypeRef t) { return t->is(Kind::Array) && is_number(t->elem) && t->ndim > 0; }

// The kernel for operands of these types.
Spec* step(Emit& e, FunctionInfo* kernel, std::initializer_list<TypeRef> operands) {
  std::vector<AbsVal> args(operands.size());
  std::transform(operands.begin(), operands.end(), args.begin(), [](TypeRef t) { AbsVal v; v.type = t; return v; });
  Spec* spec = e.session().specialise(kernel, args, {}, &e.spec());
  if (spec->state == Spec::Running) e.spec().waiting_on.insert(spec);
  for (Spec* w : spec->waiting_on)
    if (w != &e.spec()) e.spec().waiting_on.insert(w);
  if (!e.dry()) e.session().lower_later(spec, &e);
  return spec;
}

// Does a constant do as one of this type, as NumPy takes Python's numbers for its own?
bool is_one(const TV& v, TypeRef type) {
  auto rank = [](TypeRef t) { return is_complex(t) ? 3 : is_float(t) ? 2 : is_integer(t) ? 1 : 0; };
  if (is_number(type) && is_weak(v.type)) return rank(v.type) <= rank(type);
  return join_types(v.type, v.c, type, nullptr) == type;
}

// How many of `most` operands the function gets: a lambda without parameters none.
size_t operands_of(Emit& e, const clb_const* function, size_t most) {
  const FunctionInfo* info = function->kind == CLB_FUNCTION ? e.session().function(function->handle) : nullptr;
  return info && info->snapshot && info->snapshot->code && info->snapshot->code->argcount == 0 ? 0 : most;
}

bool is_function(const clb_const* c) { return c->kind == CLB_FUNCTION || c->kind == CLB_BUILTIN; }

// The function that makes an array for threads to begin with.
Spec* identity_of(Emit& e, const clb_const* identity, TypeRef type) {
  Spec* made = step(e, e.session().call_kernel(identity, 1, operands_of(e, identity, 1)), {type});
  TypeRef t = made->ret.type;
  bool fits = made->ret.is_bottom() || made->ret.c || is_number(t) || (array(t) && t->ndim <= type->ndim && t->elem == type->elem);
  if (!fits) fail("ReductionType", {describe(type), "a value other than its identity, " + describe(made->ret)});
  return made;
}

}  // namespace

TV call_reduction(Emit& e, const TV& callee, const std::vector<TV>& args, const std::vector<std::string>& keywords) {
  const clb_const* self = callee.c ? callee.c : e.session().object(callee.type->handle);
  const clb_const *op = e.session().attr(self->handle, "op"), *identity = e.session().attr(self->handle, "identity");
  if (args.size() != 2 || !keywords.empty()) fail("WrongArguments", {"a reduction", "takes an accumulator and a value"});
  if (!op || !identity) fail("UnknownFunction", {self->s});
  if (!e.spec().fn->options.parallel) return call(e, e.constant(op), args, {});
  TypeRef type = args[0].type;
  const bool of_arrays = array(type);
  for (const TV& v : args)
    if (!plain(v.type) && !(of_arrays && array(v.type))) fail("ReductionValue", {describe(v.type)});
  FunctionInfo* kernel = e.session().call_kernel(op);
  Spec* one = step(e, kernel, {type, args[1].type});
  for (int k = 0; k < 3 && !one->ret.is_bottom() && one->ret.type != type; k++) {   // an int that floats are added to begins as a float
    TypeRef wider = join_types(type, nullptr, one->ret.type, nullptr);
    if (!wider || !plain(wider)) break;
    one = step(e, kernel, {type = wider, args[1].type});
  }
  Spec *both = step(e, kernel, {type, type}), *made = of_arrays && is_function(identity) ? identity_of(e, identity, type) : nullptr;
  TV r(one->ret);
  r.c = nullptr;
  r.site = ~0u;
  if (e.dry() || one->ret.is_bottom()) return r;
  for (const Spec* s : {one, both})
    if (s->ret.type != type || s->ret.c) fail("ReductionType", {describe(type), describe(s->ret)});
  if (made && made->ret.c) identity = made->ret.c, made = nullptr;         // one number after all
  TypeRef item = of_arrays ? type->elem : type;
  TV neutral = made ? e.op(OpCode::Zero, {}, item) : e.constant(identity);
  if (!is_one(neutral, item)) fail("ReductionType", {describe(type), "a value other than its identity, " + describe(neutral)});
  r = e.op(OpCode::Reduce, {convert(e, args[0], type), args[1], convert(e, neutral, item)}, type, 0, one->name);
  e.last_op()->names = {both->name};
  if (made) e.last_op()->names.push_back(made->name);
  return r;
}

}  // namespace coluber::typing
