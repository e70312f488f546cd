// Part of fuse: rolls (see array.roll in ops.def) as indices. Where `roll(a, shift, axis)` is an operand of a group, no array is made of it: at
// index i the loop reads a[(i - shift) mod n]. The remainder is computed once; from then on an index is turned by a select, and the innermost
// loop, which is to stay a plain one that vectorises, runs in pieces between the places where an index goes round (Emitter::pieces):
//
//   %low = mod shift, max(n, 1);  %back = n - %low
//   for j = 0; j < n; j = end:  end = j < %low ? min(n, %low) : n;  offset = j < %low ? %back : -%low
//     for i from j to end:      a[i + offset]
#include "ir/passes/fuse.h"

namespace coluber::ir::fuse {

uint32_t Rolls::under(uint32_t path, const Op& roll) {
  std::vector<Roll> list = paths_[path];
  list.push_back({static_cast<int>(roll.imm), roll.args[1]});
  for (uint32_t k = 0; k < paths_.size(); ++k)
    if (paths_[k] == list) return k;
  paths_.push_back(std::move(list));
  return static_cast<uint32_t>(paths_.size() - 1);
}

bool Rolls::only(uint32_t path, int axis) const {
  for (const Roll& r : paths_[path])
    if (r.axis != axis) return false;
  return true;
}

template <class Make>
ValueId Rolls::once(int what, ValueId a, ValueId b, ValueId c, Make make) {
  for (const Known& k : known_)
    if (k.what == what && k.a == a && k.b == b && k.c == c) return k.value;
  ValueId v = make();
  known_.push_back({what, a, b, c, v});
  return v;
}

Turn Rolls::turn(uint32_t path, int axis, ValueId size) {
  enum { Low, Sum, Back };
  Turn t{kNoId, kNoId, size};
  for (const Roll& r : paths_[path]) {
    if (r.axis != axis) continue;
    ValueId low = once(Low, r.shift, size, kNoId, [&] {
      ValueId divisor = e_.op(OpCode::Math, {size, e_.integer(1)}, pyint(), 0, "imax");
      return e_.op(OpCode::Mod, {r.shift, divisor}, pyint());
    });
    if (!t.any()) {
      t.low = low;
      continue;
    }
    t.low = once(Sum, t.low, low, size, [&] {
      ValueId sum = e_.op(OpCode::Add, {t.low, low}, pyint());
      return e_.select(e_.op(OpCode::Lt, {sum, size}, pybool()), sum, e_.op(OpCode::Sub, {sum, size}, pyint()));
    });
  }
  if (t.any()) t.back = once(Back, size, t.low, kNoId, [&] { return e_.op(OpCode::Sub, {size, t.low}, pyint()); });
  return t;
}

Turn Rolls::scaled(const Turn& t, ValueId rows) {
  enum { Scaled = 3 };
  auto times = [&](ValueId v) { return once(Scaled, v, rows, kNoId, [&] { return e_.mul(v, rows); }); };
  return {times(t.low), times(t.back), times(t.size)};
}

ValueId Rolls::index(ValueId i, const Turn& t) {
  return e_.select(e_.op(OpCode::Lt, {i, t.low}, pybool()), e_.op(OpCode::Add, {i, t.back}, pyint(), 1), e_.op(OpCode::Sub, {i, t.low}, pyint(), 1));
}

}  // namespace coluber::ir::fuse
