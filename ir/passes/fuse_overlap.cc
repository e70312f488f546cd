// Part of fuse: must the right-hand side of `destination[...] = f(sources)` be evaluated as a whole before anything is stored?
// Not when they are different pieces of memory, nor when a source is the destination itself, element for element.
#include <algorithm>

#include "ir/passes/fuse.h"

namespace coluber::ir::fuse {
namespace {

class Overlap {
 public:
  Overlap(Emitter& e, const Arrays& arrays, ValueId destination) : e_(e), arrays_(arrays), to_(destination), root_(arrays.root(destination)) {}

  ValueId run(std::span<const ValueId> sources, std::span<const ValueId> moved) {
    ValueId any = kNoId;
    for (ValueId v : moved)
      if (!arrays_.disjoint(root_, arrays_.root(v))) any = e_.either(any, overlaps(extent(to_), extent(v)));
    for (ValueId v : sources) {
      ValueId root = arrays_.root(v);
      if (arrays_.disjoint(root_, root)) continue;
      ValueId touch;
      if (root != root_ && e_.type(root)->is(Kind::Array) && e_.type(root_)->is(Kind::Array) && views_of(root, sources) > 1) {
        // Several views of another array: one test of that does for all of them.
        if (std::find(done_.begin(), done_.end(), root) != done_.end()) continue;
        done_.push_back(root);
        touch = overlaps(extent(root_), extent(root));
      } else {
        touch = overlaps(extent(to_), extent(v));
        ValueId same = identical(v);
        if (same != kNoId) touch = e_.both(touch, e_.op(OpCode::Not, {same}, pybool()));
      }
      any = e_.either(any, touch);
    }
    return any;
  }

 private:
  struct Extent {
    ValueId array, low, high;              // bytes [low, high)
  };

  size_t views_of(ValueId root, std::span<const ValueId> sources) const {
    return static_cast<size_t>(std::count_if(sources.begin(), sources.end(), [&](ValueId v) { return arrays_.root(v) == root; }));
  }

  ValueId bytes_pointer(ValueId array) { return e_.op(OpCode::PtrCast, {e_.data(array)}, bytes_); }

  const Extent extent(ValueId array) {
    for (const Extent& x : extents_)
      if (x.array == array) return x;
    TypeRef t = e_.type(array);
    ValueId data = bytes_pointer(array), item = e_.integer(item_size(t->elem));
    Extent x{array, data, data};
    if (t->layout == Layout::C || t->layout == Layout::F) {
      std::vector<ValueId> shape;
      for (int k = 0; k < t->ndim; ++k) shape.push_back(e_.shape(array, k));
      x.high = e_.op(OpCode::PtrAdd, {data, e_.mul(e_.product(shape), item)}, bytes_);
    } else {
      ValueId zero = e_.integer(0), low = kNoId, high = item;
      for (int k = 0; k < t->ndim; ++k) {
        ValueId last = e_.op(OpCode::Sub, {e_.shape(array, k), e_.integer(1)}, pyint());
        ValueId reach = e_.mul(last, e_.stride(array, k));
        bool up = t->layout == Layout::S && k == t->ndim - 1;
        ValueId down = up ? kNoId : e_.op(OpCode::Lt, {reach, zero}, pybool());
        high = e_.add(high, up ? reach : e_.select(down, zero, reach));
        if (up) continue;
        ValueId below = e_.select(down, reach, zero);
        low = low == kNoId ? below : e_.add(low, below);
      }
      if (low != kNoId) x.low = e_.op(OpCode::PtrAdd, {data, low}, bytes_);
      x.high = e_.op(OpCode::PtrAdd, {data, high}, bytes_);
    }
    extents_.push_back(x);
    return x;
  }

  ValueId overlaps(const Extent& a, const Extent& b) {
    return e_.both(e_.op(OpCode::Lt, {a.low, b.high}, pybool()), e_.op(OpCode::Lt, {b.low, a.high}, pybool()));
  }

  // The same elements in the same order; kNoId: surely not.
  ValueId identical(ValueId v) {
    TypeRef a = e_.type(to_), b = e_.type(v);
    if (a->ndim != b->ndim || item_size(a->elem) != item_size(b->elem)) return kNoId;
    ValueId same = e_.eq(bytes_pointer(to_), bytes_pointer(v));
    bool strides = a->layout != b->layout || a->layout == Layout::S || a->layout == Layout::A;
    for (int k = 0; k < a->ndim; ++k) {
      ValueId x = e_.shape(to_, k), y = e_.shape(v, k);
      if (x != y) same = e_.both(same, e_.eq(x, y));
      if (strides) same = e_.both(same, e_.eq(e_.stride(to_, k), e_.stride(v, k)));
    }
    return same;
  }

  Emitter& e_;
  const Arrays& arrays_;
  const ValueId to_, root_;
  const TypeRef bytes_ = ptr_to(scalar(Kind::UInt8));
  std::vector<Extent> extents_;
  std::vector<ValueId> done_;
};

}  // namespace

ValueId overlap_test(Emitter& e, const Arrays& arrays, ValueId destination, std::span<const ValueId> sources, std::span<const ValueId> moved) {
  return Overlap(e, arrays, destination).run(sources, moved);
}

}  // namespace coluber::ir::fuse
