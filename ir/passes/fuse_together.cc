// Part of fuse: the one loop of neighbouring statements. The code that comes out, for `t = a + b; c[:] = t * 2`:
//
//   at:    %same = eq a.shape, b.shape;  %same2 = eq a.shape, c.shape;  %touch = does c overlap a or b, other than index by index
//          br likely (and %same, %same2, not %touch), fast, slow
//   fast:  %t1 = array.make (alloc ...), ...
//          for i < a.shape: %x = kernel(a[i], b[i]); %t1[i] = %x; c[i] = kernel2(%x)      jump done(%t1's memory, a.shape)
//   slow:  one statement after the other, each with a loop that serves all shapes         jump done(...)
//   done(%owner, %data, %n):  %t = array.make %owner, %data, %n
//
// A new array that nobody uses behind the statements is not made in the fast way. The statements' exceptions are raised in the slow one, in order.
#include <algorithm>

#include "ir/passes/fuse.h"

namespace coluber::ir::fuse {
namespace {

using Values = std::vector<ValueId>;
constexpr int kIndependent = 2;            // as the imm of jump says

struct Leaf {
  ValueId array;
  TypeRef type;
  Values shape;
  size_t last;                             // statement that reads it
  std::vector<uint8_t> one;                // per axis: surely of size 1, where the loop's may be longer
};

class Together {
 public:
  Together(Emitter& e, Arrays& arrays, Summary& summary, std::span<const Bundled> statements)
      : e_(e), arrays_(arrays), summary_(summary), statements_(statements) {}

  void run() {
    e_.set_loc(root(0).loc);
    type_ = e_.type(target(root(0)));
    rank_ = type_->ndim;
    collect();
    ValueId agree = shapes_agree(), apart = overlap(), ok = apart == kNoId ? agree : e_.both(agree, apart);
    if (ok == kNoId) return fast();
    BlockId fast_block = e_.new_block(true), slow_block = e_.new_block(true), done = e_.new_block(true);
    e_.branch(ok, true, Edge{fast_block, {}}, Edge{slow_block, {}});
    e_.set_block(fast_block);
    rename();
    fast();
    e_.jump(done, results());
    e_.set_block(slow_block);
    rename();
    slow();
    e_.jump(done, results());
    e_.set_block(done);
    receive();
  }

 private:
  const Op& root(size_t k) const { return statements_[k].ops.back(); }
  static bool assigns(const Op& op) { return op.code == OpCode::ArrayAssign; }
  static ValueId target(const Op& op) { return assigns(op) ? op.args[0] : op.result(); }
  ValueId renamed(ValueId v) const {
    auto it = name_.find(v);
    return it == name_.end() ? v : it->second;
  }

  // ---- what there is -----------------------------------------------------------------------------------------------------------------
  void collect() {
    for (size_t n = 0; n < statements_.size(); ++n)
      for (const Op& op : statements_[n].ops) {
        for (size_t k = assigns(op) ? 1 : 0; k < op.args.size(); ++k) read(op.args[k], n);
        if (!assigns(op)) inner_.push_back(op.result());
      }
    counts_.assign(static_cast<size_t>(rank_), kNoId);
    for (const Bundled& s : statements_)
      if (assigns(s.ops.back()) && !is_inner(s.ops.back().args[0]))
        for (int axis = 0; axis < rank_; ++axis) count(axis, e_.lasting_shape(s.ops.back().args[0], axis));
    for (const Leaf& leaf : leaves_)
      for (int k = 0; k < leaf.type->ndim; ++k) count(k + offset(leaf), leaf.shape[static_cast<size_t>(k)]);
    for (ValueId& n : counts_)
      if (n == kNoId) n = e_.integer(1);
  }

  bool is_inner(ValueId v) const { return std::find(inner_.begin(), inner_.end(), v) != inner_.end(); }
  int offset(const Leaf& leaf) const { return rank_ - leaf.type->ndim; }
  bool is_one(ValueId v) const { return arrays_.is_const(v, 1); }

  void count(int axis, ValueId size) {
    ValueId& n = counts_[static_cast<size_t>(axis)];
    if (n == kNoId || (is_one(n) && !is_one(size))) n = size;
  }

  void read(ValueId v, size_t statement) {
    TypeRef t = e_.type(v);
    if (!t->is(Kind::Array) || is_inner(v)) return;
    auto known = std::find_if(leaves_.begin(), leaves_.end(), [&](const Leaf& l) { return l.array == v; });
    if (known != leaves_.end()) {
      known->last = statement;
      return;
    }
    Leaf leaf{v, t, {}, statement, std::vector<uint8_t>(static_cast<size_t>(t->ndim), 0)};
    for (int axis = 0; axis < t->ndim; ++axis) leaf.shape.push_back(e_.lasting_shape(v, axis));
    leaves_.push_back(std::move(leaf));
  }

  // ---- may it be one loop? kNoId: surely ----------------------------------------------------------------------------------------------
  ValueId shapes_agree() {
    ValueId all = kNoId;
    std::vector<std::pair<ValueId, ValueId>> asked;
    auto agree = [&](ValueId s, ValueId n) {
      if (s == n || arrays_.same_const(s, n) || std::find(asked.begin(), asked.end(), std::pair(s, n)) != asked.end()) return;
      asked.emplace_back(s, n);
      all = e_.both(all, e_.eq(s, n));
    };
    for (Leaf& leaf : leaves_)
      for (size_t k = 0; k < leaf.shape.size(); ++k) {
        ValueId n = counts_[k + static_cast<size_t>(offset(leaf))];
        if (is_one(leaf.shape[k]) && leaf.shape[k] != n && !is_one(n)) leaf.one[k] = 1, stretched_ = true;
        else agree(leaf.shape[k], n);
      }
    for (const Bundled& s : statements_)
      for (int axis = 0; axis < rank_ && assigns(s.ops.back()) && !is_inner(s.ops.back().args[0]); ++axis)
        agree(e_.lasting_shape(s.ops.back().args[0], axis), counts_[static_cast<size_t>(axis)]);
    bool smaller = stretched_ && std::any_of(statements_.begin(), statements_.end(), [&](const Bundled& s) { return !assigns(s.ops.back()) && !spans(s); });
    return smaller ? e_.op(OpCode::Const, {}, pybool(), 0) : all;
  }

  // Has what it makes the size of the loop along each axis? What stretched arrays alone make has not.
  bool spans(const Bundled& s) const {
    std::vector<uint8_t> axes(static_cast<size_t>(rank_), 0);
    for (const Op& op : s.ops)
      for (ValueId v : op.args) {
        if (is_result(v)) return true;
        auto leaf = std::find_if(leaves_.begin(), leaves_.end(), [&](const Leaf& l) { return l.array == v; });
        for (size_t k = 0; leaf != leaves_.end() && k < leaf->one.size(); ++k) axes[k + static_cast<size_t>(offset(*leaf))] |= !leaf->one[k];
      }
    return std::all_of(axes.begin(), axes.end(), [](uint8_t spanned) { return spanned; });
  }
  bool is_result(ValueId v) const {
    return std::any_of(statements_.begin(), statements_.end(), [&](const Bundled& s) { return !assigns(s.ops.back()) && s.ops.back().result() == v; });
  }

  // Reading at the index that is stored to is fine up to that statement; behind it only by way of the array's own name.
  ValueId overlap() {
    ValueId any = kNoId;
    for (size_t n = 0; n < statements_.size(); ++n) {
      if (!assigns(root(n))) continue;
      ValueId to = root(n).args[0];
      if (is_inner(to)) continue;
      Values sources, moved;
      for (const Leaf& leaf : leaves_)
        if (leaf.array != to) (leaf.last <= n ? sources : moved).push_back(leaf.array);
      for (size_t k = n + 1; k < statements_.size(); ++k)
        if (ValueId other = target(root(k)); assigns(root(k)) && other != to && !is_inner(other)) moved.push_back(other);
      ValueId touch = overlap_test(e_, arrays_, to, sources, moved);
      if (touch != kNoId) any = e_.either(any, touch);
    }
    return any == kNoId ? kNoId : e_.op(OpCode::Not, {any}, pybool());
  }

  // ---- the one loop -------------------------------------------------------------------------------------------------------------------
  bool flat() const {
    if (rank_ < 2 || stretched_ || (type_->layout != Layout::C && type_->layout != Layout::F)) return false;
    auto alike = [&](TypeRef t) { return t->ndim == rank_ && t->layout == type_->layout; };
    return std::all_of(leaves_.begin(), leaves_.end(), [&](const Leaf& l) { return alike(l.type); }) &&
           std::all_of(statements_.begin(), statements_.end(), [&](const Bundled& s) { return alike(e_.type(target(s.ops.back()))); });
  }

  ValueId flat_view(ValueId array, ValueId total) {
    TypeRef t = e_.type(array);
    return e_.op(OpCode::ArrayMake, {e_.op(OpCode::ArrayOwner, {array}, owner()), e_.data(array), total},
                 array_of(t->elem, 1, Layout::C, t->readonly));
  }

  void fast() {
    for (size_t n = 0; n < statements_.size(); ++n)
      if (!assigns(root(n)) && statements_[n].kept) make(root(n));
    Values counts = counts_;
    bool reversed = type_->layout == Layout::F && rank_ > 1;
    if (reversed) std::reverse(counts.begin(), counts.end());
    if (flat()) {
      counts = {e_.product(counts_)};
      auto add = [&](ValueId v) {
        if (!view_.count(v)) view_[v] = flat_view(v, counts[0]);
      };
      for (const Leaf& leaf : leaves_) add(leaf.array);
      for (const Bundled& s : statements_)
        if (assigns(s.ops.back()) || s.kept) add(renamed(target(s.ops.back())));
    }
    if (stretched_) zero_ = e_.integer(0);
    ValueId first = e_.function().parallel ? e_.shared_start(e_.integer(0), counts, cost(), operations(), others()) : kNoId;
    e_.nest(counts, false, kIndependent, [&](std::span<const ValueId> index) {
      Values at(index.begin(), index.end());
      if (reversed && at.size() > 1) std::reverse(at.begin(), at.end());
      round(at);
    }, first);
    view_.clear();
  }

  void make(const Op& root) {
    TypeRef t = e_.type(root.result());
    int64_t item = item_size(t->elem);
    // As many items as an array that exists cannot be too many.
    bool real = std::any_of(leaves_.begin(), leaves_.end(), [&](const Leaf& l) {
      return l.type->ndim == rank_ && !stretched_ && (l.type->layout == Layout::C || l.type->layout == Layout::F);
    });
    ValueId bytes = real ? e_.mul(e_.product(counts_), e_.integer(item)) : e_.product_checked(counts_, item);
    Op made;
    made.code = OpCode::ArrayMake;
    made.args = {e_.op(OpCode::Alloc, {bytes}, owner()), kNoId};
    made.args[1] = e_.op(OpCode::PtrCast, {e_.op(OpCode::OwnerData, {made.args[0]}, ptr_to(scalar(Kind::UInt8)))}, ptr_to(t->elem));
    made.args.insert(made.args.end(), counts_.begin(), counts_.end());
    made.results = {renamed(root.result())};
    made.loc = root.loc;
    e_.append(std::move(made));
  }

  std::vector<Op> all_ops() const {
    std::vector<Op> all;
    for (const Bundled& s : statements_) all.insert(all.end(), s.ops.begin(), s.ops.end());
    return all;
  }
  int64_t operations() const { return static_cast<int64_t>(all_ops().size()); }
  int64_t cost() const {
    auto stores_any = [](const Bundled& s) { return s.kept || assigns(s.ops.back()); };
    size_t stores = static_cast<size_t>(std::count_if(statements_.begin(), statements_.end(), stores_any));
    return element_cost(summary_, all_ops(), leaves_.size() + stores - std::min<size_t>(stores, 1));
  }
  std::vector<uint32_t> others() const {
    std::vector<uint32_t> list;
    for (size_t k = 1; k < statements_.size(); ++k) list.push_back(root(k).loc);
    return list;
  }

  ValueId cast(ValueId v, TypeRef to) { return e_.type(v) == to ? v : e_.op(OpCode::Cast, {v}, to); }
  ValueId view(ValueId array) const {
    auto it = view_.find(array);
    return it == view_.end() ? array : it->second;
  }

  // All statements for one index.
  void round(const Values& at) {
    std::unordered_map<ValueId, ValueId> item;               // of arrays: as it is now
    auto value = [&](ValueId v) {
      if (!e_.type(v)->is(Kind::Array)) return v;
      if (auto it = item.find(v); it != item.end()) return it->second;
      return item[v] = load(v, at);
    };
    for (const Bundled& s : statements_) {
      for (const Op& op : s.ops) {
        e_.set_loc(op.loc);
        if (assigns(op)) {
          item[op.args[0]] = cast(value(op.args[1]), e_.type(op.args[0])->elem);
          continue;
        }
        Values args;
        for (ValueId v : op.args) args.push_back(value(v));
        Function* kernel = summary_.function(op.sym);
        TypeRef elem = e_.type(op.result())->elem;
        if (kernel && !kernel->recursive) kernel->always_inline = true;
        item[op.result()] = cast(e_.op(OpCode::Call, args, kernel && kernel->result ? kernel->result : elem, 0, op.sym), elem);
      }
      const Op& root = s.ops.back();
      if (!assigns(root) && !s.kept) continue;
      ValueId to = target(root);
      if (assigns(root) && is_inner(to) && !kept(to)) continue;
      Values args{view(renamed(to)), item.at(to)};
      args.insert(args.end(), at.begin(), at.end());
      e_.effect(OpCode::ArrayStore, args, {}, 1);
    }
  }

  bool kept(ValueId result) const {
    auto made_by = [&](const Bundled& s) { return s.kept && !assigns(s.ops.back()) && s.ops.back().result() == result; };
    return std::any_of(statements_.begin(), statements_.end(), made_by);
  }

  ValueId load(ValueId array, const Values& at) {
    const Leaf& leaf = *std::find_if(leaves_.begin(), leaves_.end(), [&](const Leaf& l) { return l.array == array; });
    Values args{view(array)};
    if (at.size() == 1) args.push_back(rank_ == 1 && leaf.one[0] ? zero_ : at[0]);
    else
      for (size_t k = 0; k < leaf.shape.size(); ++k) args.push_back(leaf.one[k] ? zero_ : at[k + static_cast<size_t>(offset(leaf))]);
    return e_.op(OpCode::ArrayLoad, args, leaf.type->elem, 1);
  }

  // ---- one after the other ------------------------------------------------------------------------------------------------------------
  // The results have other names on each of the two ways.
  void rename() {
    name_.clear();
    for (size_t n = 0; n < statements_.size(); ++n)
      if (!assigns(root(n))) name_[root(n).result()] = e_.function().add_value(e_.type(root(n).result()), e_.block());
  }

  void slow() {
    const Shapes none;
    for (const Bundled& s : statements_) {
      std::vector<Op> ops = s.ops;
      for (Op& op : ops)
        for (auto* list : {&op.args, &op.results})
          for (ValueId& v : *list) v = renamed(v);
      for (Op& op : ops)
        if (!assigns(op)) arrays_.note(op);
      expand(e_, arrays_, summary_, ops, none, true);
    }
  }

  // ---- where the ways meet: owner, data and shape of each array that is used behind -----------------------------------------------------
  template <class Each> void each_kept(Each each) {
    for (size_t n = 0; n < statements_.size(); ++n)
      if (!assigns(root(n)) && statements_[n].kept) each(root(n));
  }

  Values results() {
    Values list;
    each_kept([&](const Op& root) {
      ValueId v = renamed(root.result());
      list.push_back(e_.op(OpCode::ArrayOwner, {v}, owner()));
      list.push_back(e_.data(v));
      for (int axis = 0; axis < rank_; ++axis) list.push_back(e_.shape(v, axis));
    });
    return list;
  }

  void receive() {
    std::vector<Op> made;
    each_kept([&](const Op& root) {
      Op& op = made.emplace_back();
      op.code = OpCode::ArrayMake;
      op.loc = root.loc;
      op.results = {root.result()};
      op.args = {e_.param(owner()), e_.param(ptr_to(e_.type(root.result())->elem))};
      arrays_.note_fresh(op.args[1]);
      for (int axis = 0; axis < rank_; ++axis) op.args.push_back(e_.param(pyint()));
    });
    for (Op& op : made) e_.append(std::move(op));
  }

  Emitter& e_;
  Arrays& arrays_;
  Summary& summary_;
  const std::span<const Bundled> statements_;
  TypeRef type_ = nullptr;
  int rank_ = 0;
  std::vector<Leaf> leaves_;
  Values inner_, counts_;                  // inner: what the statements make
  bool stretched_ = false;
  ValueId zero_ = kNoId;
  std::unordered_map<ValueId, ValueId> name_, view_;
};

}  // namespace

void expand_together(Emitter& e, Arrays& arrays, Summary& summary, std::span<const Bundled> statements) {
  Together(e, arrays, summary, statements).run();
}

}  // namespace coluber::ir::fuse
