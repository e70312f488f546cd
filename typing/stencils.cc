// Stencils. Inside of a stencil's kernel an array that is indexed relative to the present place is a view, view#stencil_MODE:
//   (array, place, reach, padding)     place: the indices that (0, 0, ...) stands for; reach: per axis how far indices go, ((low, high), ...)
// so that the kernel is compiled as it stands: its array accesses are calls of the library function "op:getitem:stencil_MODE" (lib/stencils.py).
// How far indices go is read off the kernel once its values are inferred: those of all accesses have to be known then.
#include <algorithm>

#include "typing/session.h"

namespace coluber::typing {
using namespace ir;

bool is_stencil_view(TypeRef t) { return t->is(Kind::View) && t->name.rfind("stencil_", 0) == 0; }

// (mode, array, place, reach, padding)
TV make_stencil_view(Emit& e, std::vector<TV>& a) {
  if (!a.at(0).c || a[0].c->kind != CLB_STR) fail("NeedLiteral", {describe(a[0])});
  std::vector<TV> parts(a.begin() + 1, a.end());
  std::vector<TypeRef> types;
  for (const TV& p : parts) types.push_back(p.type);
  return e.make(parts, view_of("stencil_" + std::string(a[0].c->s, static_cast<size_t>(a[0].c->n)), types));
}

TV stencil_view_part(Emit& e, std::vector<TV>& a) {
  int k = a.at(1).c ? static_cast<int>(a[1].c->i) : -1;
  if (!is_stencil_view(a[0].type) || k < 0 || k >= static_cast<int>(a[0].type->items.size())) fail("NeedLiteral", {describe(a[1])});
  return e.get(a[0], k, a[0].type->items[static_cast<size_t>(k)]);
}

namespace {

// The kernel for arguments of these types (a tuple); null: nothing is known of its result yet.
Spec* kernel_of(Emit& e, const std::vector<TV>& a) {
  const clb_const* c = a.at(0).c ? a[0].c : e.session().object(a[0].type->handle);
  FunctionInfo* fn = e.session().function(c->handle);
  std::vector<AbsVal> args;
  for (size_t k = 0; k < a.at(1).type->items.size(); k++) {
    AbsVal arg;
    TV item = e.item(a[1], static_cast<int>(k));
    arg.type = item.type;
    if (!has_slots(arg.type)) arg.c = item.c;
    args.push_back(arg);
  }
  const clb_code* code = fn->snapshot->code;
  if (code->argcount != static_cast<int>(args.size()) || code->kwonlyargcount || code->flags & 12)
    fail("WrongArguments", {fn->name + "()", "takes " + std::to_string(code->argcount) + " positional arguments but " + std::to_string(args.size()) + " were given"});
  Spec* spec = e.session().specialise(fn, args, {}, &e.spec());
  if (spec->state == Spec::Running) e.spec().waiting_on.insert(spec);
  if (!spec->ret.is_bottom()) return spec;
  if (!e.dry()) e.session().lower_later(spec, &e);         // reports why
  return nullptr;
}

struct Reach {
  std::vector<int64_t> low, high;

  // One access. False: an index is not known.
  bool add(const AbsVal& key) {
    if (!key.c || (key.c->kind != CLB_INT && key.c->kind != CLB_TUPLE)) return false;
    bool tuple = key.c->kind == CLB_TUPLE;
    size_t n = tuple ? static_cast<size_t>(key.c->n) : 1;
    for (size_t k = 0; k < n && k < low.size(); k++) {
      const clb_const& i = tuple ? key.c->items[k] : *key.c;
      if (i.kind != CLB_INT) return false;
      low[k] = std::min(low[k], i.i);
      high[k] = std::max(high[k], i.i);
    }
    return true;
  }
};

}  // namespace

// (kernel, arguments): ((low, high), ...) of the indices that the kernel uses, 0 among them.
TV stencil_reach(Emit& e, std::vector<TV>& a) {
  Spec* spec = kernel_of(e, a);
  if (!spec) return TV();
  Reach reach;
  for (TypeRef t : a[1].type->items)
    if (is_stencil_view(t)) reach.low.resize(static_cast<size_t>(t->items[0]->ndim));
  reach.high = reach.low;
  const Function& f = *spec->fn->ir;
  for (BlockId b = 0; b < f.blocks.size(); b++) {
    if (b < spec->reached.size() && !spec->reached[b]) continue;
    for (const Op& op : f.blocks[b].ops)
      for (size_t k = 0; k < op.args.size(); k++) {
        if (!is_stencil_view(spec->vals[op.args[k]].type)) continue;
        bool access = op.code == OpCode::PyGetItem && k == 0;
        bool use = access || op.code == OpCode::PyCall || op.code == OpCode::PyCallEx || op.code == OpCode::PyTuple;
        if (use && !(access && reach.add(spec->vals[op.args[1]]))) fail("StencilReach", {spec->fn->name + "()", std::to_string(f.locs[op.loc].line)});
      }
  }
  std::vector<const clb_const*> axes;
  for (size_t k = 0; k < reach.low.size(); k++) {
    const clb_const* ends[] = {e.session().make_int(reach.low[k]), e.session().make_int(reach.high[k])};
    axes.push_back(e.session().make_tuple(ends));
  }
  return e.constant(e.session().make_tuple(axes));
}

// (kernel, arguments): the dtype of what it returns.
TV stencil_dtype(Emit& e, std::vector<TV>& a) {
  Spec* spec = kernel_of(e, a);
  if (!spec) return TV();
  if (!is_number(spec->ret.type)) fail("StencilResult", {spec->fn->name + "()", describe(spec->ret)});
  clb_const c{};
  c.kind = CLB_DTYPE;
  const clb_const* s = e.session().make_str(strong(spec->ret.type)->text);
  c.s = s->s;
  c.n = s->n;
  return e.constant(e.session().make_const(c));
}

}  // namespace coluber::typing
