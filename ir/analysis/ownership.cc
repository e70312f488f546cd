// One walk in reverse postorder (definitions before uses) finds units and roots; pointers that are block parameters need a fixpoint.
#include "ir/analysis/ownership.h"

namespace coluber::ir {
namespace {

constexpr ValueId kTop = kNoId - 1;         // root of a pointer parameter of which nothing is known yet

bool follows_pointer(OpCode code) {
  switch (code) {
    case OpCode::OwnerData: case OpCode::ArrayData: case OpCode::ListData: case OpCode::PtrAdd: case OpCode::PtrCast:
      return true;
    default:
      return false;
  }
}

Source source_of(OpCode code) {
  switch (code) {
    case OpCode::StrConst: case OpCode::Zero: case OpCode::Absent: case OpCode::Bound:
      return Source::Static;
    case OpCode::Select: case OpCode::Load: case OpCode::ListLoad: case OpCode::ArrayLoad:
      return Source::Copied;
    case OpCode::ObjImport:
      return Source::Borrowed;
    default:
      return Source::Owned;
  }
}

int managed_items(TypeRef t) {
  int n = 0;
  for (TypeRef item : t->items) n += is_managed(item) ? 1 : 0;
  return n;
}

}  // namespace

bool consumes(const Op& op, size_t operand) {
  switch (op.code) {
    case OpCode::Store: case OpCode::ListPush: case OpCode::ArrayStore:
      return operand == 1;
    case OpCode::ListStore:
      return operand == 2;
    default:
      return op.has(Takes);
  }
}

bool consumes_on_error(const Op& op) { return op.has(Takes); }

Ownership::Ownership(const Function& f, const Cfg& cfg)
    : unit_(f.values.size(), kNoId), base_(f.values.size(), kNoId), root_(f.values.size(), kNoId), source_(f.values.size(), Source::None),
      conflict_(f.values.size(), 0), pinned_mark_(f.values.size(), 0) {
  bool pointer_params = false;
  for (BlockId b : cfg.rpo())
    for (ValueId v : f.blocks[b].params) {
      if (b != 0 && f.type_of(v)->is(Kind::Ptr)) {
        pointer_params = true;
        root_[v] = kTop;
      }
      if (!is_managed(f.type_of(v))) continue;
      unit_[v] = root_[v] = v;
      source_[v] = b == 0 ? Source::Borrowed : Source::Owned;
    }
  do {
    for (BlockId b : cfg.rpo())
      for (const Op& op : f.blocks[b].ops) define(f, op);
  } while (pointer_params && merge_pointers(f, cfg));
  for (ValueId& r : root_)
    if (r == kTop) r = kNoId;
  for (BlockId b : cfg.rpo()) {
    for (const Op& op : f.blocks[b].ops) escapes(op);
    if (pointer_params) merged(f, cfg, b);
  }
}

// Pins what a parameter merges when it is more than one thing.
void Ownership::merged(const Function& f, const Cfg& cfg, BlockId b) {
  const std::vector<ValueId>& params = f.blocks[b].params;
  for (size_t i = 0; i < params.size(); ++i) {
    if (!conflict_[params[i]]) continue;
    for (const Pred& p : cfg.preds(b)) pin(edge_of(f, p).args[i]);
  }
}

void Ownership::define(const Function& f, const Op& op) {
  if (follows_pointer(op.code)) {
    ValueId from = op.args[0];
    root_[op.result()] = root_[from];
    base_[op.result()] = unit_[from] != kNoId ? unit_[from] : base_[from];
    return;
  }
  for (ValueId v : op.results)
    if (unit_[v] != kNoId || is_managed(f.type_of(v))) define_managed(f, op, v);
}

void Ownership::define_managed(const Function& f, const Op& op, ValueId v) {
  bool view = op.has(View) || op.code == OpCode::ArrayMake;
  if (!view) {
    unit_[v] = root_[v] = v;
    source_[v] = source_of(op.code);
    return;
  }
  ValueId from = op.args[0];
  if (whole_view(f, op)) return share(v, from);
  unit_[v] = v;
  source_[v] = Source::Part;
  base_[v] = from;
  root_[v] = root_[from];
}

void Ownership::share(ValueId v, ValueId operand) {
  unit_[v] = unit_[operand];
  root_[v] = root_[operand];
}

bool Ownership::whole_view(const Function& f, const Op& op) const {
  if (op.code != OpCode::TupleGet) return true;
  TypeRef t = f.type_of(op.args[0]);
  return t->items.empty() || managed_items(t) == 1;         // method and iter: item 0 is all that is managed
}

// A pointer parameter points into what all its arguments point into, when that is one thing.
bool Ownership::merge_pointers(const Function& f, const Cfg& cfg) {
  bool changed = false;
  for (BlockId b : cfg.rpo()) {
    const std::vector<ValueId>& params = f.blocks[b].params;
    for (size_t i = 0; b != 0 && i < params.size(); ++i) {
      if (!f.type_of(params[i])->is(Kind::Ptr)) continue;
      for (const Pred& p : cfg.preds(b)) merge_into(params[i], edge_of(f, p).args[i], &changed);
    }
  }
  return changed;
}

void Ownership::merge_into(ValueId v, ValueId from, bool* changed) {
  if (from == v || conflict_[v] || root_[from] == kTop || root_[v] == root_[from]) return;
  *changed = true;
  if (root_[v] == kTop && root_[from] != kNoId) {
    root_[v] = base_[v] = root_[from];
  } else {                                  // several things, or one and a pointer to elsewhere
    conflict_[v] = 1;
    root_[v] = base_[v] = kNoId;
  }
}

void Ownership::escapes(const Op& op) {
  switch (op.code) {
    case OpCode::PtrToInt: case OpCode::Select: case OpCode::TupleMake: case OpCode::Some: case OpCode::Store: case OpCode::ListPush:
    case OpCode::ListStore: case OpCode::Return: case OpCode::Bitcast:
      for (size_t i = 0; i < op.args.size(); ++i)
        if (unit_[op.args[i]] == kNoId && !(op.code == OpCode::Store && i == 0)) pin(op.args[i]);
      break;
    default:
      break;
  }
}

void Ownership::pin(ValueId pointer) {
  ValueId r = root_[pointer];
  if (r == kNoId || unit_[pointer] != kNoId) return;
  if ((source_[r] != Source::Owned && source_[r] != Source::Copied) || pinned_mark_[r]) return;
  pinned_mark_[r] = 1;
  pinned_.push_back(r);
}

}  // namespace coluber::ir
