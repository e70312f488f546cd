// Iteration. A for loop over anything that has a length and items is a counted loop; the iterator is a plain tuple of values threaded
// through the loop. In typed IR an iterator's type is that tuple:
//   view#range (step 1), view#range_down (step -1)   (current, stop)
//   range                                              (index, count, start, step)
//   view#prange_SCHEDULE (step 1)                      (current, stop); current begins with a par.loop
//   view#prange_by_SCHEDULE                            as range; index begins with a par.loop
//     in front of SCHEDULE: xN_ (that many loops are one), same_ (reductions are deterministic)
//   everything else                                    (container, index); the length is asked again each time, as Python does for lists
// Views are lazy composites: zip(a, b), enumerate(a, start), reversed(a), map(f, a), flat(a): item i is made of the items i of their parts.
#include "ir/schedule.h"
#include "typing/session.h"

namespace coluber::typing {
using namespace ir;

std::vector<TypeRef> iter_items(TypeRef iterable) {
  if (iterable->is(Kind::View) && (iterable->name == "range" || iterable->name == "range_down")) return {pyint(), pyint()};
  if (iterable->is(Kind::Range)) return {pyint(), pyint(), pyint(), pyint()};
  if (is_prange(iterable)) return std::vector<TypeRef>(iterable->items.size() == 4 ? 2 : 4, pyint());
  return {iterable, pyint()};
}

// The parts of a prange: start, stop, then the step where it is not 1, then chunk and threads (0: not given).
const std::vector<std::string>& schedules() {
  static const std::vector<std::string> kNames{"auto", "measured", "static", "dynamic", "guided", "runtime", "worth"};   // as in ir/schedule.h
  return kNames;
}

bool is_prange(TypeRef t) { return t->is(Kind::View) && t->name.rfind("prange_", 0) == 0; }

static int64_t schedule_of(TypeRef t) {
  std::string name = t->name.substr(t->name.rfind('_') + 1);
  int64_t form = t->name.find("_same_") != std::string::npos ? int64_t{kDeterministic} : 0;
  if (size_t x = t->name.find("_x"); x != std::string::npos) form += kFurtherLoop * (std::stoll(t->name.substr(x + 2)) - 1);
  for (size_t k = 0; k < schedules().size(); k++)
    if (schedules()[k] == name) return form + static_cast<int64_t>(k);
  return form;
}

namespace {

TV max0(Emit& e, TV v) { return e.select(e.cmp(OpCode::Lt, v, e.const_int(0)), e.const_int(0), v); }

TV part(Emit& e, const TV& v, int k) { return e.get(v, k, v.type->items[static_cast<size_t>(k)]); }

// len(range(start, stop, step))
TV range_count(Emit& e, TV start, TV stop, TV step) {
  TV up = e.cmp(OpCode::Gt, step, e.const_int(0));
  TV lo = e.select(up, start, stop), hi = e.select(up, stop, start);
  TV size = e.select(up, step, e.op(OpCode::Neg, {step}, pyint()));
  TV span = e.sub(e.sub(hi, lo), e.const_int(1));
  TV n = e.add(e.op(OpCode::FloorDiv, {span, size}, pyint()), e.const_int(1));
  return e.select(e.cmp(OpCode::Lt, lo, hi), n, e.const_int(0));
}

// len() of a prange whose step is not 1, as that of the range.
TV prange_count(Emit& e, const TV& v) { return range_count(e, part(e, v, 0), part(e, v, 1), part(e, v, 2)); }

bool unit_prange(TypeRef t) { return is_prange(t) && t->items.size() == 4; }

bool homogeneous(TypeRef t) {
  for (TypeRef i : t->items)
    if (i != t->items[0]) return false;
  return !t->items.empty();
}

}  // namespace

TV length(Emit& e, const TV& v) {
  const Type* t = v.type;
  if (v.c && v.c->kind == CLB_STR) {
    int64_t n = 0;
    for (int64_t k = 0; k < v.c->n; k++) n += (static_cast<uint8_t>(v.c->s[k]) & 0xC0) != 0x80;
    return e.const_int(n);
  }
  switch (t->kind) {
    case Kind::Tuple: return e.const_int(static_cast<int64_t>(t->items.size()));
    case Kind::List: return e.op(OpCode::ListLen, {v}, pyint());
    case Kind::Array:
      if (t->ndim == 0) fail("NoLength", {describe(v)});
      return e.shape(v, 0);
    case Kind::Range: return range_count(e, e.get(v, 0, pyint()), e.get(v, 1, pyint()), e.get(v, 2, pyint()));
    case Kind::View: {
      const std::string& n = t->name;
      if (n == "range" || unit_prange(t)) return max0(e, e.sub(part(e, v, 1), part(e, v, 0)));
      if (is_prange(t)) return prange_count(e, v);
      if (n == "range_down") return max0(e, e.sub(part(e, v, 0), part(e, v, 1)));
      if (n == "enumerate" || n == "reversed") return length(e, part(e, v, 0));
      if (n == "map") return length(e, part(e, v, 1));
      if (n == "flat") {
        TV size = e.const_int(1), a = part(e, v, 0);
        for (int k = 0; k < a.type->ndim; k++) size = e.mul(size, e.shape(a, k));
        return size;
      }
      TV r = length(e, part(e, v, 0));
      for (size_t k = 1; k < t->items.size(); k++) {
        TV l = length(e, part(e, v, static_cast<int>(k)));
        r = e.select(e.cmp(OpCode::Lt, l, r), l, r);
      }
      return r;
    }
    default: fail("NoLength", {describe(v)});
  }
}

TV item_at(Emit& e, const TV& v, const TV& index) {
  const Type* t = v.type;
  switch (t->kind) {
    case Kind::List: {
      if (t->elem->is(Kind::Bottom)) return TV();
      return e.op(OpCode::ListLoad, {v, index}, t->elem);
    }
    case Kind::Array: {
      if (t->ndim == 1) return e.op(OpCode::ArrayLoad, {v, index}, t->elem);
      return get_item(e, v, index);
    }
    case Kind::Range: return e.add(e.get(v, 0, pyint()), e.mul(index, e.get(v, 2, pyint())));
    case Kind::Tuple: {
      if (index.c && index.c->kind == CLB_INT) return e.item(v, static_cast<int>(index.c->i));
      if (!homogeneous(t)) fail("TupleIndex", {describe(v)});
      TV r = e.item(v, static_cast<int>(t->items.size()) - 1);
      for (size_t k = t->items.size() - 1; k-- > 0;)
        r = e.select(e.cmp(OpCode::Eq, index, e.const_int(static_cast<int64_t>(k))), e.item(v, static_cast<int>(k)), r);
      if (!e.dry()) r.id = e.use(r);
      r.c = nullptr;
      return r;
    }
    case Kind::View: {
      const std::string& n = t->name;
      if (n == "range" || unit_prange(t)) return e.add(part(e, v, 0), index);
      if (is_prange(t)) return e.add(part(e, v, 0), e.mul(index, part(e, v, 2)));
      if (n == "range_down") return e.sub(part(e, v, 0), index);
      if (n == "reversed") {
        TV in = part(e, v, 0);
        return item_at(e, in, e.sub(e.sub(length(e, in), e.const_int(1)), index));
      }
      if (n == "enumerate") {
        std::vector<TV> pair{e.add(part(e, v, 1), index), item_at(e, part(e, v, 0), index)};
        if (pair[1].is_bottom()) return TV();
        return e.tuple(pair);
      }
      if (n == "map") {
        std::vector<TV> args;
        for (size_t k = 1; k < t->items.size(); k++) args.push_back(item_at(e, part(e, v, static_cast<int>(k)), index));
        return call(e, part(e, v, 0), args, {});
      }
      if (n == "flat") return call_library(e, "flat:item", {part(e, v, 0), index});
      std::vector<TV> items;
      for (size_t k = 0; k < t->items.size(); k++) items.push_back(item_at(e, part(e, v, static_cast<int>(k)), index));
      for (const TV& i : items) if (i.is_bottom()) return TV();
      return e.tuple(items);
    }
    default: fail("NotIterable", {describe(v)});
  }
}

TypeRef element_type(Emit& e, const TV& v) {
  const Type* t = v.type;
  if (t->is(Kind::List)) return t->elem;
  if (t->is(Kind::Array) && t->ndim == 1) return t->elem;
  if (t->is(Kind::Tuple) && homogeneous(t)) return t->items[0];
  Emit dry(e.session(), e.spec());
  TV index;
  index.type = pyint();
  TV in = v;
  return item_at(dry, in, index).type;
}

TV start_iter(Emit& e, const TV& v) {
  const Type* t = v.type;
  TV it;
  if (t->is(Kind::View) && (t->name == "range" || t->name == "range_down")) {
    TV parts[] = {part(e, v, 0), part(e, v, 1)};
    it = e.make(parts, tuple_of({pyint(), pyint()}));
  } else if (t->is(Kind::Range)) {
    TV start = e.get(v, 0, pyint()), step = e.get(v, 2, pyint());
    TV parts[] = {e.const_int(0), length(e, v), start, step};
    it = e.make(parts, tuple_of({pyint(), pyint(), pyint(), pyint()}));
  } else if (is_prange(t)) {
    bool unit = unit_prange(t);
    int rest = unit ? 2 : 3;                   // chunk and threads
    bool checked = e.spec().fn->options.check_races && !e.spec().fn->library;        // rounds of the library do not collide
    TV first = e.op(OpCode::ParLoop, {unit ? part(e, v, 0) : e.const_int(0), part(e, v, rest), part(e, v, rest + 1)}, pyint(), schedule_of(t) + (checked ? int64_t{kChecked} : 0));
    std::vector<TV> parts{first, unit ? part(e, v, 1) : prange_count(e, v)};
    if (!unit) parts.push_back(part(e, v, 0)), parts.push_back(part(e, v, 2));
    it = e.make(parts, tuple_of(std::vector<TypeRef>(parts.size(), pyint())));
  } else if (t->is(Kind::List) || t->is(Kind::Array) || t->is(Kind::Tuple) || t->is(Kind::View)) {
    if (t->is(Kind::Array) && t->ndim == 0) fail("NotIterable", {describe(v)});
    TV parts[] = {v, e.const_int(0)};
    it = e.make(parts, tuple_of({t, pyint()}));
  } else if (t->is(Kind::Optional)) {
    return start_iter(e, e.not_none(v, "'NoneType' object is not iterable"));
  } else {
    fail("NotIterable", {describe(v)});
  }
  it.type = iter_of(t);
  it.site = v.site;
  return it;
}

TV iter_value(Emit& e, const TV& it) {
  TypeRef over = it.type->elem;
  std::vector<TypeRef> types = iter_items(over);
  auto at = [&](int k) {
    TV p = e.get(it, k, types[static_cast<size_t>(k)]);
    p.site = it.site;
    return p;
  };
  if (over->is(Kind::View) && (over->name == "range" || over->name == "range_down" || unit_prange(over))) return at(0);
  if (over->is(Kind::Range) || is_prange(over)) return e.add(at(2), e.mul(at(0), at(3)));
  if (over->is(Kind::Tuple) && over->items.empty()) return TV();
  return item_at(e, at(0), at(1));
}

void next_iter(Emit& e, const TV& it, TV* next, TV* has) {
  TypeRef over = it.type->elem;
  std::vector<TypeRef> types = iter_items(over);
  auto at = [&](int k) {
    TV p = e.get(it, k, types[static_cast<size_t>(k)]);
    p.site = it.site;
    return p;
  };
  auto again = [&](std::initializer_list<TV> parts) {
    std::vector<TV> all(parts);
    TV n = e.make(all, tuple_of(types));
    n.type = it.type;
    n.site = it.site;
    return n;
  };
  auto moved = [&](TV i, OpCode code) {   // cannot overflow: the test behind it says that i is not at the end
    TV r = e.bin(code, i, e.const_int(1));
    if (Op* o = e.last_op()) if (o->code == code) o->imm = 1;
    return r;
  };
  if (over->is(Kind::View) && (over->name == "range" || over->name == "range_down" || unit_prange(over))) {
    bool up = over->name != "range_down";
    TV cur = at(0), stop = at(1);
    *has = e.cmp(up ? OpCode::Lt : OpCode::Gt, cur, stop);
    *next = again({moved(cur, up ? OpCode::Add : OpCode::Sub), stop});
  } else if (over->is(Kind::Range) || is_prange(over)) {
    TV i = at(0), n = at(1), start = at(2), by = at(3);
    *has = e.cmp(OpCode::Lt, i, n);
    *next = again({moved(i, OpCode::Add), n, start, by});
  } else {
    TV container = at(0), i = at(1);
    *has = over->is(Kind::Tuple) && over->items.empty() ? e.const_bool(false) : e.cmp(OpCode::Lt, i, length(e, container));
    *next = again({container, moved(i, OpCode::Add)});
    if (!e.dry()) {            // what cannot be typed left the loop's body untyped: say so here
      Emit probe(e.session(), e.spec());
      iter_value(probe, it);
    }
  }
}

}  // namespace coluber::typing
