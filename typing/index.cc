// Indexing. Basic indexing of arrays (integers, slices, None, Ellipsis) is done here, since every loop depends on it: it makes a load, a
// store or a view. Indexing by arrays and masks goes to the library ("op:getitem_fancy", "op:setitem_fancy"), as do list slices.
#include "typing/session.h"

namespace coluber::typing {
using namespace ir;

namespace {

struct Axis {
  enum Kind { Int, Slice, NewAxis, Full } kind;
  TV v;
};

bool is_index_array(const TV& v) { return v.is(ir::Kind::Array) || v.is(ir::Kind::List); }

// The items of a key, with Ellipsis spelt out. Sets *fancy when one of them is an array.
std::vector<Axis> split_key(Emit& e, const TV& array, const TV& key, bool* fancy) {
  std::vector<TV> items;
  if (key.is(ir::Kind::Tuple))
    for (size_t k = 0; k < key.type->items.size(); k++) items.push_back(e.item(key, static_cast<int>(k)));
  else
    items.push_back(key);
  std::vector<Axis> axes;
  int used = 0, ellipsis = -1;
  for (const TV& i : items) {
    if (is_index_array(i)) { *fancy = true; return {}; }
    if (i.is_none()) axes.push_back({Axis::NewAxis, i});
    else if (i.is(ir::Kind::Ellipsis)) {
      if (ellipsis >= 0) fail("TwoEllipses", {});
      ellipsis = static_cast<int>(axes.size());
    } else if (i.is(ir::Kind::Slice)) { axes.push_back({Axis::Slice, i}); used++; }
    else if (is_bool(i.type)) { *fancy = true; return {}; }
    else if (is_integer(i.type)) { axes.push_back({Axis::Int, e.to_index(i)}); used++; }
    else fail("BadIndex", {describe(i)});
  }
  int rest = array.type->ndim - used;
  if (rest < 0) fail("TooManyIndices", {std::to_string(array.type->ndim), std::to_string(used)});
  size_t at = ellipsis >= 0 ? static_cast<size_t>(ellipsis) : axes.size();
  axes.insert(axes.begin() + static_cast<std::ptrdiff_t>(at), static_cast<size_t>(rest), Axis{Axis::Full, TV()});
  return axes;
}

TV checked_index(Emit& e, const TV& index, const TV& length, int64_t axis) {
  if (e.session().options.boundscheck == 0) {
    if (index.c && index.c->i >= 0) return index;
    return e.select(e.cmp(OpCode::Lt, index, e.const_int(0)), e.add(index, length), index);
  }
  return e.op(OpCode::IndexCheck, {index, length}, pyint(), axis);
}

TV clamp(Emit& e, TV v, TV lo, TV hi) {
  v = e.select(e.cmp(OpCode::Lt, v, lo), lo, v);
  return e.select(e.cmp(OpCode::Gt, v, hi), hi, v);
}

}  // namespace

// start, count and step of a slice over a length, by the rules of slice.indices.
struct SliceRange { TV start, count, step; bool unit = false, full = false; };

SliceRange resolve_slice(Emit& e, const TV& slice, const TV& n) {
  auto part = [&](int k) {
    TypeRef t = slice.type->items[static_cast<size_t>(k)];
    if (slice.c && slice.c->kind == CLB_TUPLE) return TV(e.session().of_const(&slice.c->items[k]));
    return t->is(Kind::None) ? e.none() : e.get(slice, k, t);
  };
  TV start = part(0), stop = part(1), step = part(2);
  SliceRange r;
  TV zero = e.const_int(0), one = e.const_int(1);
  r.step = step.is_none() ? one : step;
  bool known = r.step.c != nullptr;
  if (!known) e.guard(e.cmp(OpCode::Ne, r.step, zero), "SliceStep");
  else if (r.step.c->i == 0) e.guard(e.const_bool(false), "SliceStep");
  r.unit = known && r.step.c->i == 1;
  r.full = r.unit && start.is_none() && stop.is_none();
  if (r.full) { r.start = zero; r.count = n; return r; }
  auto wrapped = [&](const TV& v) {
    if (v.c) return v.c->i < 0 ? e.add(n, v) : v;
    return e.select(e.cmp(OpCode::Lt, v, zero), e.add(v, n), v);
  };
  auto up = [&](TV* first, TV* count) {
    TV s = start.is_none() ? zero : clamp(e, wrapped(start), zero, n);
    TV t = stop.is_none() ? n : clamp(e, wrapped(stop), zero, n);
    TV span = e.sub(t, s);
    if (!r.unit) {
      TV c = e.add(e.op(OpCode::FloorDiv, {e.sub(span, one), r.step}, pyint()), one);
      *count = e.select(e.cmp(OpCode::Gt, span, zero), c, zero);
    } else {
      *count = start.is_none() ? span : e.select(e.cmp(OpCode::Lt, span, zero), zero, span);
    }
    *first = s;
  };
  auto down = [&](TV* first, TV* count) {
    TV minus = e.const_int(-1), last = e.sub(n, one);
    TV s = start.is_none() ? last : clamp(e, wrapped(start), minus, last);
    TV t = stop.is_none() ? minus : clamp(e, wrapped(stop), minus, last);
    TV span = e.sub(s, t);
    TV size = e.sub(zero, r.step);
    TV safe = e.select(e.cmp(OpCode::Gt, size, zero), size, one);
    TV c = e.add(e.op(OpCode::FloorDiv, {e.sub(span, one), safe}, pyint()), one);
    *count = e.select(e.cmp(OpCode::Gt, span, zero), c, zero);
    *first = s;
  };
  if (known && r.step.c->i > 0) up(&r.start, &r.count);
  else if (known) down(&r.start, &r.count);
  else {
    TV s1, c1, s2, c2, step_kept = r.step;
    TV positive = e.cmp(OpCode::Gt, step_kept, zero);
    r.step = e.select(positive, step_kept, one);
    up(&s1, &c1);
    r.step = step_kept;
    down(&s2, &c2);
    r.start = e.select(positive, s1, s2);
    r.count = e.select(positive, c1, c2);
  }
  return r;
}

namespace {

// The layout of a view from what is kept of each axis of a C, S or F source.
Layout view_layout(const Type* source, const std::vector<Axis>& axes, const std::vector<SliceRange>& slices, int out_ndim) {
  if (out_ndim == 0) return Layout::C;
  std::vector<char> kept;   // per axis of the result: 'f' full, 's' unit slice, 'x' other
  for (size_t k = 0; k < axes.size(); k++) {
    if (axes[k].kind == Axis::Full || (axes[k].kind == Axis::Slice && slices[k].full)) kept.push_back('f');
    else if (axes[k].kind == Axis::Slice) kept.push_back(slices[k].unit ? 's' : 'x');
    else kept.push_back(axes[k].kind == Axis::Int ? 'i' : 'n');
  }
  bool rows = source->layout == Layout::C || source->layout == Layout::S;
  if (source->ndim == 1 && source->layout == Layout::C && out_ndim == 1 && axes.size() == 1) return kept[0] == 'x' ? Layout::A : Layout::C;
  if (rows) {
    if (kept.back() != 'f' && kept.back() != 's') return Layout::A;
    if (out_ndim == 1) return Layout::C;
    if (source->layout == Layout::S) {
      return Layout::S;
    }
    // C stays C when everything after the first axis that is left (an integer-indexed prefix aside) is whole
    size_t k = 0;
    while (k < kept.size() && (kept[k] == 'i' || kept[k] == 'n')) k++;
    for (size_t j = k + 1; j < kept.size(); j++)
      if (kept[j] != 'f' && kept[j] != 'n') return Layout::S;
    if (kept[k] == 'x') return Layout::S;
    return Layout::C;
  }
  if (source->layout == Layout::F) {
    if (out_ndim == 1) return (kept[0] == 'f' || kept[0] == 's') ? Layout::C : Layout::A;
    size_t k = kept.size();
    while (k > 0 && kept[k - 1] == 'i') k--;
    for (size_t j = 0; j + 1 < k; j++)
      if (kept[j] != 'f') return Layout::A;
    return k > 0 && (kept[k - 1] == 'f' || kept[k - 1] == 's') ? Layout::F : Layout::A;
  }
  return Layout::A;
}

TV make_view(Emit& e, const TV& array, const std::vector<Axis>& axes) {
  std::vector<TV> shape, strides;
  std::vector<SliceRange> slices(axes.size());
  TV offset = e.const_int(0);
  int axis = 0;
  for (size_t k = 0; k < axes.size(); k++) {
    const Axis& a = axes[k];
    if (a.kind == Axis::NewAxis) { shape.push_back(e.const_int(1)); strides.push_back(e.const_int(0)); continue; }
    TV n = e.shape(array, axis), stride = e.stride(array, axis);
    if (a.kind == Axis::Int) {
      offset = e.add(offset, e.mul(checked_index(e, a.v, n, axis), stride));
    } else if (a.kind == Axis::Slice) {
      SliceRange r = slices[k] = resolve_slice(e, a.v, n);
      offset = e.add(offset, e.mul(r.start, stride));
      shape.push_back(r.count);
      strides.push_back(e.mul(stride, r.step));
    } else {
      shape.push_back(n);
      strides.push_back(stride);
    }
    axis++;
  }
  int ndim = static_cast<int>(shape.size());
  TypeRef type = array_of(array.type->elem, ndim, view_layout(array.type, axes, slices, ndim), array.type->readonly);
  TV owner = e.op(OpCode::ArrayOwner, {array}, ir::owner());
  TV data = e.op(OpCode::ArrayData, {array}, ptr_to(array.type->elem));
  if (!(offset.c && offset.c->i == 0)) data = e.op(OpCode::PtrAdd, {data, offset}, data.type);
  if (type->layout == Layout::A && ndim == 0) type = array_of(array.type->elem, 0, Layout::C, array.type->readonly);
  return e.array_make(type, owner, data, shape, strides);
}

bool all_ints(const std::vector<Axis>& axes) {
  for (const Axis& a : axes)
    if (a.kind != Axis::Int) return false;
  return true;
}

std::vector<TV> checked_indices(Emit& e, const TV& array, const std::vector<Axis>& axes) {
  std::vector<TV> idx;
  for (size_t k = 0; k < axes.size(); k++) idx.push_back(checked_index(e, axes[k].v, e.shape(array, static_cast<int>(k)), static_cast<int64_t>(k)));
  return idx;
}

TV list_key(Emit& e, const TV& list, const TV& key, bool store = false) {
  TV i = e.to_index(key);
  return checked_index(e, i, e.op(OpCode::ListLen, {list}, pyint()), store ? -4 : -1);
}

// What is known to raise has no value.
TV never(Emit& e, const char* diag) {
  e.guard(e.const_bool(false), diag);
  return TV();
}

TV tuple_item(Emit& e, const TV& t, const TV& key) {
  int64_t n = static_cast<int64_t>(t.type->items.size());
  if (key.is(Kind::Slice)) {
    if (!key.c || key.c->kind != CLB_TUPLE) fail("TupleSlice", {describe(t)});
    auto bound = [&](int k, int64_t absent) { return key.c->items[k].kind == CLB_INT ? key.c->items[k].i : absent; };
    int64_t step = bound(2, 1);
    if (step == 0) return never(e, "SliceStep");
    int64_t start = bound(0, step > 0 ? 0 : n - 1), stop = bound(1, step > 0 ? n : -n - 1);
    auto fix = [&](int64_t v) {
      if (v < 0) v += n;
      if (step > 0) return std::min(std::max<int64_t>(v, 0), n);
      return std::min(std::max<int64_t>(v, -1), n - 1);
    };
    std::vector<TV> items;
    for (int64_t k = fix(start), last = fix(stop); step > 0 ? k < last : k > last; k += step) items.push_back(e.item(t, static_cast<int>(k)));
    return e.tuple(items);
  }
  if (key.c && key.c->kind == CLB_INT) {
    int64_t k = key.c->i < 0 ? key.c->i + n : key.c->i;
    if (k < 0 || k >= n) return never(e, "IndexTuple");
    return e.item(t, static_cast<int>(k));
  }
  if (n == 0) return never(e, "IndexTuple");
  TV i = e.op(OpCode::IndexCheck, {e.to_index(key), e.const_int(n)}, pyint(), -2);
  return item_at(e, t, i);
}

}  // namespace

TV get_item(Emit& e, const TV& c, const TV& key) {
  if (key.is(Kind::Optional)) {
    const char* what = c.is(Kind::List) ? "list" : c.is(Kind::Tuple) ? "tuple" : c.is(Kind::View) ? "range" : nullptr;
    return get_item(e, c, e.not_none(key, what ? std::string(what) + " indices must be integers or slices, not NoneType" : "the index is None here"));
  }
  switch (c.type->kind) {
    case Kind::Array: {
      bool fancy = false;
      std::vector<Axis> axes = split_key(e, c, key, &fancy);
      if (fancy) return call_library(e, "op:getitem_fancy", {c, key});
      if (all_ints(axes)) {
        std::vector<TV> args{c};
        for (TV& i : checked_indices(e, c, axes)) args.push_back(i);
        return e.op(OpCode::ArrayLoad, args, c.type->elem);
      }
      return make_view(e, c, axes);
    }
    case Kind::List:
      if (key.is(Kind::Slice)) return call_library(e, "op:getitem:list,slice", {c, key});
      if (c.type->elem->is(Kind::Bottom)) { list_key(e, c, key); return TV(); }   // always raises
      return e.op(OpCode::ListLoad, {c, list_key(e, c, key)}, c.type->elem);
    case Kind::Tuple: return tuple_item(e, c, key);
    case Kind::Range: case Kind::View: {
      if (c.type->name == "flat") return call_library(e, "op:getitem:flat", {e.get(c, 0, c.type->items[0]), key});
      if (is_stencil_view(c.type)) return call_library(e, "op:getitem:" + c.type->name, {c, key});
      if (key.is(Kind::Slice)) return call_library(e, "op:getitem:range,slice", {c, key});
      return item_at(e, c, e.op(OpCode::IndexCheck, {e.to_index(key), length(e, c)}, pyint(), -3));
    }
    case Kind::Optional: return get_item(e, e.not_none(c, "'NoneType' object is not subscriptable"), key);
    default: fail("NoGetItem", {describe(c), describe(key)});
  }
}

// One item, all at once in the eyes of other threads. op: of array.atomic, or "cas" with what is expected in front of the value.
TV atomic_item(Emit& e, const std::string& op, const TV& c, const TV& key, std::vector<TV> values) {
  if (!c.is(Kind::Array)) fail("NoSetItem", {describe(c)});
  TypeRef elem = c.type->elem;
  if (c.type->readonly) { e.guard(e.const_bool(false), "ReadOnly"); return values[0]; }
  if (!is_integer(elem) && !is_float(elem)) fail("NoStore", {"an atomic update", describe(c)});
  bool fancy = false;
  std::vector<Axis> axes = split_key(e, c, key, &fancy);
  if (fancy || !all_ints(axes)) fail("BadIndex", {describe(key)});
  std::vector<TV> args{c};
  for (const TV& v : values) {
    if (!is_number(v.type) || is_complex(v.type) || (is_float(v.type) && !is_float(elem))) fail("NoStore", {describe(v), describe(elem)});
    args.push_back(to_number(e, v, elem));
  }
  for (TV& i : checked_indices(e, c, axes)) args.push_back(i);
  return op == "cas" ? e.op(OpCode::ArrayCas, args, elem) : e.op(OpCode::ArrayAtomic, args, elem, 0, op);
}

void set_item(Emit& e, const TV& c, const TV& key, const TV& value) {
  switch (c.type->kind) {
    case Kind::Array: {
      if (c.type->readonly) { e.guard(e.const_bool(false), "ReadOnly"); return; }
      bool fancy = false;
      std::vector<Axis> axes = split_key(e, c, key, &fancy);
      if (fancy) { call_library(e, "op:setitem_fancy", {c, key, value}); return; }
      if (all_ints(axes)) {
        TV v = value;
        if (v.is(Kind::Array) && v.type->ndim == 0) v = e.op(OpCode::ArrayLoad, {v}, v.type->elem);
        if (!is_number(v.type)) fail("NoStore", {describe(value), describe(c.type->elem)});
        v = to_number(e, v, c.type->elem);
        std::vector<TV> args{c, v};
        for (TV& i : checked_indices(e, c, axes)) args.push_back(i);
        e.op(OpCode::ArrayStore, args, ir::none());
        return;
      }
      TV view = make_view(e, c, axes);
      if (value.is(Kind::List) || value.is(Kind::Tuple)) { call_library(e, "op:assign_sequence", {view, value}); return; }
      if (!is_number(value.type) && !value.is(Kind::Array)) fail("NoStore", {describe(value), describe(c)});
      if (value.is(Kind::Array) && value.type->ndim > view.type->ndim) fail("NoStore", {describe(value), describe(view)});
      TypeRef from = value.is(Kind::Array) ? value.type->elem : value.type;
      if (is_complex(from) && !is_complex(c.type->elem)) fail("NoStore", {describe(from), describe(c.type->elem)});
      e.op(OpCode::ArrayAssign, {view, value}, ir::none());
      return;
    }
    case Kind::List: {
      if (key.is(Kind::Slice)) { call_library(e, "op:setitem:list,slice", {c, key, value}); return; }
      widen_list(e, c, value);
      if (c.type->elem->is(Kind::Bottom)) return;
      TV v = convert(e, value, c.type->elem);
      e.op(OpCode::ListStore, {c, list_key(e, c, key, true), v}, ir::none());
      return;
    }
    case Kind::View:
      if (c.type->name != "flat") fail("NoSetItem", {describe(c)});
      call_library(e, "op:setitem:flat", {e.get(c, 0, c.type->items[0]), key, value});
      return;
    case Kind::Tuple: fail("TupleStore", {describe(c)});
    default: fail("NoSetItem", {describe(c)});
  }
}

}  // namespace coluber::typing
