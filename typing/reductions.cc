// coluber.reduction(op, identity): a function of an accumulator and a value. Under the option parallel its call is a `reduce`, in which
// passes/parallel finds the reduction of a loop; else it is a call of op.
#include "typing/session.h"

namespace coluber::typing {
using namespace ir;

namespace {

bool plain(TypeRef t) {
  if (!t->is(Kind::Tuple)) return is_number(t);
  for (TypeRef item : t->items)
    if (!plain(item)) return false;
  return !t->items.empty();
}

// The step for an accumulator and a value of these types.
Spec* step(Emit& e, FunctionInfo* kernel, TypeRef accumulator, TypeRef value) {
  std::vector<AbsVal> args(2);
  args[0].type = accumulator;
  args[1].type = value;
  Spec* spec = e.session().specialise(kernel, args, {}, &e.spec());
  if (spec->state == Spec::Running) e.spec().waiting_on.insert(spec);
  for (Spec* w : spec->waiting_on)
    if (w != &e.spec()) e.spec().waiting_on.insert(w);
  if (!e.dry()) e.session().lower_later(spec, &e);
  return spec;
}

}  // namespace

TV call_reduction(Emit& e, const TV& callee, const std::vector<TV>& args, const std::vector<std::string>& keywords) {
  const clb_const* self = callee.c ? callee.c : e.session().object(callee.type->handle);
  const clb_const *op = e.session().attr(self->handle, "op"), *identity = e.session().attr(self->handle, "identity");
  if (args.size() != 2 || !keywords.empty()) fail("WrongArguments", {"a reduction", "takes an accumulator and a value"});
  if (!op || !identity) fail("UnknownFunction", {self->s});
  if (!e.spec().fn->options.parallel) return call(e, e.constant(op), args, {});
  TypeRef type = args[0].type;
  for (const TV& v : args)
    if (!plain(v.type)) fail("ReductionValue", {describe(v.type)});
  FunctionInfo* kernel = e.session().call_kernel(op);
  Spec* one = step(e, kernel, type, args[1].type);
  for (int k = 0; k < 3 && !one->ret.is_bottom() && one->ret.type != type; k++) {   // an int that floats are added to begins as a float
    TypeRef wider = join_types(type, nullptr, one->ret.type, nullptr);
    if (!wider || !plain(wider)) break;
    one = step(e, kernel, type = wider, args[1].type);
  }
  Spec* both = step(e, kernel, type, type);
  TV r(one->ret);
  r.c = nullptr;
  r.site = ~0u;
  if (e.dry() || one->ret.is_bottom()) return r;
  for (const Spec* s : {one, both})
    if (s->ret.type != type || s->ret.c) fail("ReductionType", {describe(type), describe(s->ret)});
  TV neutral = e.constant(identity);
  if (join_types(neutral.type, neutral.c, type, nullptr) != type) fail("ReductionType", {describe(type), "a value other than its identity, " + describe(neutral)});
  r = e.op(OpCode::Reduce, {convert(e, args[0], type), args[1], convert(e, neutral, type)}, type, 0, one->name);
  e.last_op()->names = {both->name};
  return r;
}

}  // namespace coluber::typing
