// Part of fuse: the loop of a group. The code that comes out, for `a + b` of two arrays of one dimension:
//
//   at:         %same = eq a.shape, b.shape;  br likely %same, ready(a.shape), broadcast
//   broadcast:  sizes must be equal or 1, else ValueError;  jump ready(the larger one)
//   ready(%n):  %out = array.make (alloc %n * 8), ...;  br %same, fast, general
//   fast:       for i < %n: %out[i] = kernel(a[i], b[i])                                          jump done
//   general:    for i < %n: %out[i] = kernel(a[i * (a.shape == 1 ? 0 : 1)], b[i * ...])           jump done
//   done:
//
// Only one array, or shapes that are known to agree: no tests, one loop. Axes that are known to be of size 1 need no test either.
// Several dimensions, all arrays in C order (or all in Fortran order): the fast loop is a flat one.
#include <algorithm>
#include <map>

#include "ir/passes/fuse.h"
#include "ir/schedule.h"

namespace coluber::ir::fuse {
namespace {

using Values = std::vector<ValueId>;

struct Leaf {
  ValueId array;
  TypeRef type;
  Values shape;
  std::vector<uint8_t> one;                // per axis: surely of size 1, where the loop's axis may be longer
  uint32_t path = 0;                       // of rolls on the way to it
  std::vector<Turn> turns;                 // per axis, where it is rolled
  Turn flat;                               // ... and of all its items
};

class Expansion {
 public:
  Expansion(Emitter& e, const Arrays& arrays, Summary& summary, std::span<const Op> ops, const Shapes& shapes, bool seldom, const Folded* folded)
      : e_(e), arrays_(arrays), summary_(summary), ops_(ops), root_(ops.back()), shapes_(shapes), assign_(root_.code == OpCode::ArrayAssign),
        seldom_(seldom), folded_(folded), what_(seldom ? kIndependent | kSeldom : kIndependent), rolls_(e), path_(ops.size(), 0) {
    for (size_t k = 0; k < ops.size(); ++k)
      if (is_lazy(ops[k].code)) node_[ops[k].result()] = k;
    for (size_t k = ops.size(); k-- > 0;)  // users come behind
      for (ValueId v : ops[k].args)
        if (auto it = node_.find(v); it != node_.end()) path_[it->second] = path_below(k);
  }

  void run() {
    e_.set_loc(root_.loc);
    type_ = e_.type(assign_ ? root_.args[0] : root_.result());
    rank_ = type_->ndim;
    collect();
    reference_shape();
    compare_shapes();
    if (!assign_) return new_array();
    if (plain_copy()) return copy();
    assign();
  }

 private:
  struct Difference {
    int axis;
    ValueId a, b;
  };

  // ---- what there is ---------------------------------------------------------------------------------------------------------------
  void collect() {
    for (size_t n = 0; n < ops_.size(); ++n) {
      const Op& op = ops_[n];
      for (size_t k = assign_ && &op == &root_ ? 1 : 0; k < op.args.size(); ++k) {
        ValueId v = op.args[k];
        TypeRef t = e_.type(v);
        uint32_t path = path_below(n);
        if (node_.count(v) || value_.count(v) || leaf_.count({v, path}) || !t->is(Kind::Array)) continue;
        if (t->ndim == 0) {
          value_[v] = e_.op(OpCode::ArrayLoad, {v}, t->elem);
          continue;
        }
        leaf_[{v, path}] = static_cast<uint32_t>(leaves_.size());
        Leaf leaf{v, t, {}, std::vector<uint8_t>(static_cast<size_t>(t->ndim), 0), path, {}, {}};
        for (int axis = 0; axis < t->ndim; ++axis) leaf.shape.push_back(e_.lasting_shape(v, axis));
        leaves_.push_back(std::move(leaf));
      }
      if (op.code != OpCode::Elementwise) continue;
      Function* kernel = summary_.function(op.sym);
      if (kernel && !kernel->recursive) kernel->always_inline = true;
      raises_ |= summary_.of(op.sym).raises;
    }
  }

  // How the operands of op k are reached.
  uint32_t path_below(size_t k) { return ops_[k].code == OpCode::ArrayRoll ? rolls_.under(path_[k], ops_[k]) : path_[k]; }

  int offset(const Leaf& leaf) const { return rank_ - leaf.type->ndim; }
  bool is_one(ValueId v) const { return arrays_.is_const(v, 1); }

  // The sizes if no axis but those known to be 1 is broadcast: the destination's, or those of the first array that has the axis.
  void reference_shape() {
    counts_.assign(static_cast<size_t>(rank_), kNoId);
    for (int axis = 0; axis < rank_; ++axis) {
      ValueId& n = counts_[static_cast<size_t>(axis)];
      if (assign_) {
        n = e_.lasting_shape(root_.args[0], axis);
        continue;
      }
      for (const Leaf& leaf : leaves_) {
        int k = axis - offset(leaf);
        if (k < 0) continue;
        ValueId s = leaf.shape[static_cast<size_t>(k)];
        if (n == kNoId || (is_one(n) && !is_one(s))) n = s;
      }
      if (n == kNoId) n = e_.integer(1);
    }
  }

  // One condition over all the axes where arrays may differ.
  void compare_shapes() {
    for (Leaf& leaf : leaves_)
      for (int k = 0; k < leaf.type->ndim; ++k) {
        int axis = k + offset(leaf);
        ValueId s = leaf.shape[static_cast<size_t>(k)], n = counts_[static_cast<size_t>(axis)];
        if (s == n || arrays_.same_const(s, n)) continue;
        if (is_one(s)) {
          leaf.one[static_cast<size_t>(k)] = 1;
          stretched_ = true;
          continue;
        }
        auto known = [&](const Difference& d) { return d.axis == axis && d.a == s && d.b == n; };
        if (std::any_of(differences_.begin(), differences_.end(), known)) continue;
        differences_.push_back({axis, s, n});
        same_ = e_.both(same_, e_.eq(s, n));
      }
  }

  bool may_differ(int axis) const {
    return std::any_of(differences_.begin(), differences_.end(), [&](const Difference& d) { return d.axis == axis; });
  }

  // ---- the way in: raises when the shapes do not go together -----------------------------------------------------------------------
  // Ends the present block; afterwards counts_ holds the sizes of the result in all cases.
  void ready() {
    agree();
    turn();
  }

  // What is rolled is of the result's size, or of size 1, where its index is 0 anyway.
  void turn() {
    for (Leaf& leaf : leaves_) {
      if (leaf.path == 0) continue;
      if (rolls_.flat(leaf.path)) {
        leaf.flat = rolls_.turn(leaf.path, Rolls::kFlat, e_.product(leaf.shape));
        continue;
      }
      for (int k = 0; k < leaf.type->ndim; ++k) {
        int axis = k + offset(leaf);
        leaf.turns.push_back(leaf.one[static_cast<size_t>(k)] ? Turn{} : rolls_.turn(leaf.path, axis, counts_[static_cast<size_t>(axis)]));
      }
    }
  }

  void agree() {
    if (same_ == kNoId) return;
    BlockId broadcast = e_.new_block(true), go = e_.new_block(true);
    Values fast, params;
    for (int axis = 0; axis < rank_; ++axis)
      if (!assign_ && may_differ(axis)) fast.push_back(counts_[static_cast<size_t>(axis)]);
    e_.branch(same_, true, Edge{go, fast}, Edge{broadcast, {}});
    e_.set_block(broadcast);
    Values result = broadcast_shapes(), slow;
    if (!assign_) e_.product_checked(result, item_size(type_->elem));
    for (int axis = 0; axis < rank_; ++axis)
      if (!assign_ && may_differ(axis)) slow.push_back(result[static_cast<size_t>(axis)]);
    e_.jump(go, slow);
    e_.set_block(go);
    for (int axis = 0; axis < rank_; ++axis)
      if (!assign_ && may_differ(axis)) counts_[static_cast<size_t>(axis)] = e_.param(pyint());
  }

  // Checks what has not been checked yet; the shape of the value that the root makes.
  Values broadcast_shapes() {
    Shapes shapes = shapes_;               // what is found here holds in this block only
    for (const Op& op : ops_)
      if (is_lazy(op.code) && !shapes.count(op.result())) check_shapes(e_, op, &shapes);
    if (!assign_) return shapes[root_.result()];
    ValueId source = root_.args[1];
    auto known = shapes.find(source);
    Values from;
    auto leaf = leaf_.find({source, 0});
    if (known != shapes.end()) from = known->second;
    else if (leaf != leaf_.end()) from = leaves_[leaf->second].shape;
    for (size_t k = 0; k < from.size(); ++k) {
      size_t axis = k + static_cast<size_t>(rank_) - from.size();
      if (from[k] == counts_[axis] || is_one(from[k])) continue;
      ValueId fits = e_.either(e_.eq(from[k], counts_[axis]), e_.eq(from[k], e_.integer(1)));
      e_.guard(fits, "BroadcastInto", {from[k], counts_[axis], e_.integer(static_cast<int64_t>(axis))});
    }
    return counts_;
  }

  // ---- loops -----------------------------------------------------------------------------------------------------------------------
  // Each round stores one element, and what it loads no other round stores: an overlapping destination is written by way of a temporary.
  enum Mode { Fast, General };
  static constexpr int kSeldom = 1, kIndependent = 2;       // as the imm of jump says

  // Both loops where the shapes may differ, else one.
  void loops(ValueId out) {
    if (same_ == kNoId || seldom_) return loop(out, same_ == kNoId ? Fast : General);
    BlockId fast = e_.new_block(true), general = e_.new_block(true), done = e_.new_block(true);
    e_.branch(same_, true, Edge{fast, {}}, Edge{general, {}});
    e_.set_block(fast);
    loop(out, Fast);
    e_.jump(done);
    e_.set_block(general);
    loop(out, General);
    e_.jump(done);
    e_.set_block(done);
  }

  // The axis along which the outermost loop goes.
  int outer_axis() const { return type_->layout == Layout::F ? rank_ - 1 : 0; }
  int inner_axis() const { return type_->layout == Layout::F ? 0 : rank_ - 1; }

  // Can the nest be one loop over all elements, in memory order?
  bool flat() const {
    if (rank_ < 2 || stretched_ || (type_->layout != Layout::C && type_->layout != Layout::F)) return false;
    return std::all_of(leaves_.begin(), leaves_.end(), [&](const Leaf& l) {
      return l.type->ndim == rank_ && l.type->layout == type_->layout && (l.flat.any() || rolls_.only(l.path, outer_axis()));
    });
  }

  void loop(ValueId out, Mode mode) {
    current_ = value_;
    loaded_.assign(leaves_.size(), kNoId);
    if (assign_ && !e_.type(root_.args[1])->is(Kind::Array)) current_[root_.args[1]] = cast(root_.args[1], type_->elem);
    if (mode == Fast && flat()) return flat_loop(out);
    if (mode == General) multipliers();
    if (stretched_) zero_ = e_.integer(0);
    flat_.assign(leaves_.size(), kNoId);
    for (size_t k = 0; k < leaves_.size(); ++k)
      if (leaves_[k].flat.any()) flat_[k] = flat_view(e_, leaves_[k].array, leaves_[k].flat.size);
    bool reversed = type_->layout == Layout::F;
    Values counts = counts_;
    if (reversed) std::reverse(counts.begin(), counts.end());
    std::vector<Turn> inner(leaves_.size());
    for (size_t k = 0; k < leaves_.size(); ++k) {
      int axis = inner_axis() - offset(leaves_[k]);
      if (mode == Fast && axis >= 0 && !leaves_[k].turns.empty()) inner[k] = leaves_[k].turns[static_cast<size_t>(axis)];
    }
    bool pieces = std::any_of(inner.begin(), inner.end(), [](const Turn& t) { return t.any(); });
    int what = mode == General ? kIndependent | kSeldom : what_;
    auto body = [&](std::span<const ValueId> index, std::span<const ValueId> own) {
      Values at(index.begin(), index.end());
      if (reversed) std::reverse(at.begin(), at.end());
      for (size_t k = 0; k < leaves_.size(); ++k) load(k, at, mode, own.empty() || !inner[k].any() ? kNoId : own[k]);
      store(out, at);
    };
    ValueId first = mode == Fast && (!pieces || counts.size() > 1) ? start(counts) : kNoId;
    if (!pieces) return e_.nest(counts, raises_, what, [&](std::span<const ValueId> index) { body(index, {}); }, first);
    auto rows = [&](std::span<const ValueId> index) {
      in_pieces(counts.back(), inner, first == kNoId, [&](ValueId i, std::span<const ValueId> own) {
        Values all(index.begin(), index.end());
        all.push_back(i);
        body(all, own);
      });
    };
    e_.nest(std::span(counts).first(counts.size() - 1), raises_, what, rows, first);
  }

  // What the outermost loop begins with: kNoId, 0, for one thread.
  ValueId start(const Values& counts, ValueId from = kNoId) {
    if (!e_.function().parallel || counts.empty() || seldom_ || (!assign_ && root_.imm == kOneThread)) return kNoId;
    int64_t operations = static_cast<int64_t>(ops_.size());
    return e_.shared_start(from == kNoId ? e_.integer(0) : from, counts, element_cost(summary_, ops_, leaves_.size()), operations);
  }

  void flat_loop(ValueId out) {
    ValueId total = e_.product(counts_);
    ValueId to = flat_view(e_, out, total);
    Values from;
    std::vector<Turn> turns;
    Values rest = counts_;
    rest.erase(rest.begin() + outer_axis());
    for (const Leaf& leaf : leaves_) {
      from.push_back(leaf.array == out ? to : flat_view(e_, leaf.array, total));
      const Turn* outer = leaf.turns.empty() ? &leaf.flat : &leaf.turns[static_cast<size_t>(outer_axis())];
      turns.push_back(leaf.turns.empty() ? *outer : rolls_.scaled(*outer, rows(rest)));
    }
    in_pieces(total, turns, true, [&](ValueId i, std::span<const ValueId> own) {
      for (size_t k = 0; k < leaves_.size(); ++k)
        loaded_[k] = e_.op(OpCode::ArrayLoad, Values{from[k], own[k]}, leaves_[k].type->elem, 1);
      store(to, Values{i});
    });
  }

  ValueId rows(const Values& rest) {
    if (rows_ == kNoId) rows_ = e_.product(rest);
    return rows_;
  }

  // One loop to n. The body gets the index and that under which each leaf is read; where some are turned, there is a loop for each stretch in
  // which no index goes round. shared: may run on several threads.
  template <class Body>
  void in_pieces(ValueId n, const std::vector<Turn>& turns, bool shared, Body body) {
    Values cuts;
    for (const Turn& t : turns)
      if (t.any() && std::find(cuts.begin(), cuts.end(), t.low) == cuts.end()) cuts.push_back(t.low);
    if (cuts.empty()) {
      auto whole = [&](std::span<const ValueId> i) { body(i[0], Values(turns.size(), i[0])); };
      return e_.nest(Values{n}, raises_, what_, whole, shared ? start({n}) : kNoId);
    }
    e_.pieces(n, cuts, raises_, kIndependent, [&](ValueId first, ValueId end) {
      Values offset;                       // per cut
      for (ValueId cut : cuts) {
        const Turn& t = *std::find_if(turns.begin(), turns.end(), [&](const Turn& x) { return x.low == cut; });
        offset.push_back(e_.select(e_.op(OpCode::Lt, {first, cut}, pybool()), t.back, e_.op(OpCode::Neg, {cut}, pyint())));
      }
      ValueId from = shared && e_.function().parallel ? start({e_.op(OpCode::Sub, {end, first}, pyint())}, first) : kNoId;
      e_.range(from == kNoId ? first : from, end, raises_, kIndependent, [&](ValueId i) {
        Values own, moved;
        for (ValueId o : offset) moved.push_back(e_.op(OpCode::Add, {i, o}, pyint(), 1));
        for (const Turn& t : turns) {
          auto cut = std::find(cuts.begin(), cuts.end(), t.low);
          own.push_back(cut == cuts.end() ? i : moved[static_cast<size_t>(cut - cuts.begin())]);
        }
        body(i, own);
      });
    });
  }

  // Per array and axis: 0 where the array is of size 1, else 1. kNoId: no test needed.
  void multipliers() {
    ValueId one = e_.integer(1), two = e_.integer(2);
    factor_.clear();
    for (const Leaf& leaf : leaves_) {
      Values& list = factor_.emplace_back();
      for (int k = 0; k < leaf.type->ndim; ++k) {
        ValueId s = leaf.shape[static_cast<size_t>(k)];
        size_t axis = static_cast<size_t>(k + offset(leaf));
        bool test = !leaf.one[static_cast<size_t>(k)] && s != counts_[axis] && may_differ(static_cast<int>(axis));
        // min(size, 2) - 1: a number that LLVM does not take for a condition, of which it would make a loop for each case.
        if (!test) list.push_back(kNoId);
        else list.push_back(e_.op(OpCode::Sub, {e_.op(OpCode::Math, {s, two}, pyint(), 0, "imin"), one}, pyint()));
      }
    }
  }

  // own: the index along the inner axis, where that is known already.
  void load(size_t which, const Values& at, Mode mode, ValueId own) {
    const Leaf& leaf = leaves_[which];
    Values args{leaf.array};
    for (size_t k = 0; k < leaf.shape.size(); ++k) {
      size_t axis = k + static_cast<size_t>(offset(leaf));
      ValueId i = leaf.one[k] ? zero_ : at[axis];
      if (own != kNoId && static_cast<int>(axis) == inner_axis()) i = own;
      else if (!leaf.turns.empty() && leaf.turns[k].any()) i = rolls_.index(i, leaf.turns[k]);
      if (mode == General && factor_[which][k] != kNoId) i = e_.op(OpCode::Mul, {i, factor_[which][k]}, pyint(), 1);
      args.push_back(i);
    }
    if (leaf.flat.any()) {
      ValueId i = args[1];
      for (size_t k = 1; k < leaf.shape.size(); ++k) i = e_.add(e_.mul(i, leaf.shape[k]), args[k + 1]);
      args = {flat_[which], rolls_.index(i, leaf.flat)};
    }
    loaded_[which] = e_.op(OpCode::ArrayLoad, args, leaf.type->elem, 1);
  }

  ValueId cast(ValueId v, TypeRef to) { return e_.type(v) == to ? v : e_.op(OpCode::Cast, {v}, to); }

  // Evaluates the group for one element and stores it.
  void store(ValueId out, std::span<const ValueId> at) {
    auto value = [&](ValueId v, size_t user) {
      auto leaf = leaf_.find({v, path_below(user)});
      if (leaf != leaf_.end()) return loaded_[leaf->second];
      auto it = current_.find(v);
      return it == current_.end() ? v : it->second;
    };
    ValueId last = kNoId;
    for (size_t k = 0; k < ops_.size(); ++k) {
      const Op& op = ops_[k];
      if (op.code != OpCode::Elementwise) {
        last = value(op.args[op.code == OpCode::ArrayAssign ? 1 : 0], k);
        if (op.code == OpCode::ArrayRoll) current_[op.result()] = last;
        continue;
      }
      Values args;
      for (ValueId v : op.args) args.push_back(value(v, k));
      Function* kernel = summary_.function(op.sym);
      TypeRef elem = e_.type(op.result())->elem;
      last = cast(e_.op(OpCode::Call, args, kernel && kernel->result ? kernel->result : elem, 0, op.sym), elem);
      current_[op.result()] = last;
    }
    Values args{out, cast(last, type_->elem)};
    args.insert(args.end(), at.begin(), at.end());
    e_.effect(OpCode::ArrayStore, args, {}, 1);
  }

  // ---- a new array -----------------------------------------------------------------------------------------------------------------
  void new_array() {
    ready();
    if (folded_ && (rank_ == 1 || flat()) && std::all_of(leaves_.begin(), leaves_.end(), [](const Leaf& l) { return l.path == 0; })) return folded();
    make_array(root_.result());
    loops(root_.result());
    if (folded_) fold_all(e_, *folded_, root_.result(), folded_->fold.result());
  }

  // Appends an array; its items are not there yet.
  void make_array(ValueId result) {
    bool real = std::any_of(leaves_.begin(), leaves_.end(), [&](const Leaf& l) {
      return l.type->ndim == rank_ && (l.type->layout == Layout::C || l.type->layout == Layout::F);
    });
    int64_t item = item_size(type_->elem);
    // As many elements as an array that exists cannot be too many; broadcasting has been checked by ready().
    ValueId bytes = stretched_ || !real ? e_.product_checked(counts_, item) : e_.mul(e_.product(counts_), e_.integer(item));
    Op make;
    make.code = OpCode::ArrayMake;
    make.args = {e_.op(OpCode::Alloc, {bytes}, owner()), kNoId};
    make.args[1] = e_.op(OpCode::PtrCast, {e_.op(OpCode::OwnerData, {make.args[0]}, ptr_to(scalar(Kind::UInt8)))}, ptr_to(type_->elem));
    make.args.insert(make.args.end(), counts_.begin(), counts_.end());
    make.results = {result};
    make.loc = root_.loc;
    e_.append(std::move(make));
  }

  // ---- a new array that is folded ----------------------------------------------------------------------------------------------------
  void folded() {
    const bool kept = folded_->kept;
    TypeRef item = type_->elem;
    if (kept) make_array(root_.result());
    else make_shape(e_, root_, counts_);
    if (same_ == kNoId) return blocks(folded_->fold.result());
    ValueId cell = e_.op(OpCode::StackAlloc, {}, ptr_to(item), 16);
    BlockId fast = e_.new_block(true), general = e_.new_block(true), done = e_.new_block(true);
    e_.branch(same_, true, Edge{fast, {}}, Edge{general, {}});
    e_.set_block(fast);
    ValueId one = e_.function().add_value(item, fast), other = e_.function().add_value(item, general);
    blocks(one);
    e_.effect(OpCode::Store, Values{cell, one});
    e_.jump(done);
    e_.set_block(general);
    ValueId out = kept ? root_.result() : e_.function().add_value(type_, e_.block());
    if (!kept) make_array(out);
    loop(out, General);
    fold_all(e_, *folded_, out, other);
    e_.effect(OpCode::Store, Values{cell, other});
    e_.jump(done);
    e_.set_block(done);
    load_item(e_, cell, folded_->fold.result());
  }

  // Computed and folded by blocks: in the array's memory, or each in the same piece of memory.
  void blocks(ValueId result) {
    const bool kept = folded_->kept, in_row = rank_ > 1;
    current_ = value_;
    loaded_.assign(leaves_.size(), kNoId);
    if (stretched_) zero_ = e_.integer(0);
    ValueId total = e_.product(counts_), to = kNoId;
    if (!kept) to = make_block(e_, type_->elem, total);
    else to = in_row ? flat_view(e_, root_.result(), total) : root_.result();
    Values from;
    for (const Leaf& leaf : leaves_) from.push_back(in_row ? flat_view(e_, leaf.array, total) : leaf.array);
    Op fold = fold_again(e_, *folded_, result);
    ValueId cell = fold_blocks(e_, fold, e_.data(to), total, kept, [&](ValueId first, ValueId n) {
      e_.nest(Values{n}, raises_, kIndependent, [&](std::span<const ValueId> i) {
        ValueId at = e_.op(OpCode::Add, {first, i[0]}, pyint(), 1);
        for (size_t k = 0; k < leaves_.size(); ++k) {
          if (in_row) loaded_[k] = e_.op(OpCode::ArrayLoad, Values{from[k], at}, leaves_[k].type->elem, 1);
          else load(k, Values{at}, Fast, kNoId);
        }
        store(to, Values{kept ? at : i[0]});
      });
    });
    load_item(e_, cell, result);
  }

  // ---- assignment ------------------------------------------------------------------------------------------------------------------
  // The source itself, as it is in memory: one move, which also takes care of overlap.
  bool plain_copy() const {
    if (e_.function().parallel) return false;       // a loop that several threads share is as fast, or faster
    if (ops_.size() != 1 || leaves_.size() != 1 || stretched_ || leaves_[0].type->elem != type_->elem) return false;
    const Type* from = leaves_[0].type;
    return from->ndim == rank_ && from->layout == type_->layout && (type_->layout == Layout::C || type_->layout == Layout::F);
  }

  void move_all(ValueId to, ValueId from) {
    ValueId bytes = e_.mul(e_.product(counts_), e_.integer(item_size(type_->elem)));
    e_.effect(OpCode::MemCopy, Values{e_.data(to), e_.data(from), bytes});
  }

  void copy() {
    if (same_ == kNoId) return move_all(root_.args[0], leaves_[0].array);
    BlockId fast = e_.new_block(true), general = e_.new_block(true), done = e_.new_block(true);
    e_.branch(same_, true, Edge{fast, {}}, Edge{general, {}});
    e_.set_block(fast);
    move_all(root_.args[0], leaves_[0].array);
    e_.jump(done);
    e_.set_block(general);
    broadcast_shapes();
    ValueId touch = overlap();
    ValueId out = output(touch);
    loop(out, General);
    finish(out, touch);
    e_.jump(done);
    e_.set_block(done);
  }

  void assign() {
    ready();
    ValueId touch = overlap();
    ValueId out = output(touch);
    loops(out);
    finish(out, touch);
  }

  ValueId overlap() {
    Values sources, moved;
    for (const Leaf& leaf : leaves_) {
      if (leaf.path == 0 && leaf.array != root_.args[0]) sources.push_back(leaf.array);
      if (leaf.path != 0 && std::find(moved.begin(), moved.end(), leaf.array) == moved.end()) moved.push_back(leaf.array);
    }
    return overlap_test(e_, arrays_, root_.args[0], sources, moved);
  }

  // The destination, or where it must not be written yet, an array of its own for the result.
  ValueId output(ValueId touch) {
    ValueId dst = root_.args[0];
    if (touch == kNoId) return dst;
    BlockId apart = e_.new_block(true), go = e_.new_block(true);
    TypeRef pointer = ptr_to(type_->elem);
    Values direct{e_.op(OpCode::Zero, {}, owner()), e_.data(dst)}, temporary;
    int strides = type_->layout == Layout::A ? rank_ : type_->layout == Layout::S ? rank_ - 1 : 0;
    for (int k = 0; k < strides; ++k) direct.push_back(e_.stride(dst, k));
    e_.branch(touch, false, Edge{apart, {}}, Edge{go, direct});
    e_.set_block(apart);
    ValueId item = e_.integer(item_size(type_->elem));
    Values step(static_cast<size_t>(rank_), item);
    for (int k = rank_ - 1; k-- > 0;) step[static_cast<size_t>(k)] = e_.mul(step[static_cast<size_t>(k + 1)], counts_[static_cast<size_t>(k + 1)]);
    ValueId own = e_.op(OpCode::Alloc, {e_.product_checked(counts_, item_size(type_->elem))}, owner());
    temporary = {own, e_.op(OpCode::PtrCast, {e_.op(OpCode::OwnerData, {own}, ptr_to(scalar(Kind::UInt8)))}, pointer)};
    temporary.insert(temporary.end(), step.begin(), step.begin() + strides);
    e_.jump(go, temporary);
    e_.set_block(go);
    Values make{e_.param(owner()), e_.param(pointer)}, carried;
    for (int k = 0; k < strides; ++k) carried.push_back(e_.param(pyint()));
    make.insert(make.end(), counts_.begin(), counts_.end());
    make.insert(make.end(), carried.begin(), carried.end());
    return e_.op(OpCode::ArrayMake, make, array_of(type_->elem, rank_, type_->layout));
  }

  void finish(ValueId out, ValueId touch) {
    if (touch == kNoId) return;
    BlockId back = e_.new_block(true), done = e_.new_block(true);
    e_.branch(touch, false, Edge{back, {}}, Edge{done, {}});
    e_.set_block(back);
    if (type_->layout == Layout::C || type_->layout == Layout::F) {
      move_all(root_.args[0], out);
    } else {
      e_.nest(counts_, false, kIndependent | kSeldom, [&](std::span<const ValueId> at) {
        Values from{out};
        from.insert(from.end(), at.begin(), at.end());
        Values to{root_.args[0], e_.op(OpCode::ArrayLoad, from, type_->elem, 1)};
        to.insert(to.end(), at.begin(), at.end());
        e_.effect(OpCode::ArrayStore, to, {}, 1);
      });
    }
    e_.jump(done);
    e_.set_block(done);
  }

  Emitter& e_;
  const Arrays& arrays_;
  Summary& summary_;
  std::span<const Op> ops_;
  const Op& root_;
  const Shapes& shapes_;                   // of members that were checked where they stood
  const bool assign_, seldom_;
  const Folded* const folded_;
  const int what_;                         // as the imm of jump says, of loops where no axis is broadcast
  TypeRef type_ = nullptr;                 // of the array that is written
  int rank_ = 0;
  std::vector<Leaf> leaves_;
  std::map<std::pair<ValueId, uint32_t>, uint32_t> leaf_;   // array and path -> index into leaves_
  std::unordered_map<ValueId, size_t> node_;                // value of an `ew` or roll of the group
  Rolls rolls_;
  std::vector<uint32_t> path_;             // per op: the rolls that its value goes through
  std::unordered_map<ValueId, ValueId> value_, current_;    // arrays without dimensions, nodes -> the element: from before the loop, and in it
  Values loaded_, flat_;                   // per leaf: its element, and a view of it in one dimension where all its items are rolled
  ValueId rows_ = kNoId;                   // items per index of the outermost axis
  Values counts_;
  std::vector<Difference> differences_;
  ValueId same_ = kNoId, zero_ = kNoId;    // pybool: no axis is broadcast but those known to be; kNoId: surely
  bool stretched_ = false;                 // some axis is known to be broadcast
  bool raises_ = false;
  std::vector<Values> factor_;
};

}  // namespace

void expand(Emitter& e, const Arrays& arrays, Summary& summary, std::span<const Op> ops, const Shapes& shapes, bool seldom, const Folded* folded) {
  Expansion(e, arrays, summary, ops, shapes, seldom, folded).run();
}

}  // namespace coluber::ir::fuse
