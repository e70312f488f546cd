// The parts of the fuse pass (see fuse.cc): what functions do to memory, where arrays lie, which ops become one loop, and the loop.
#pragma once
#include <deque>
#include <functional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ir/builder.h"

namespace coluber::ir::fuse {

// How the arrays and pointers of a function were made.
class Summary;

class Arrays {
 public:
  Arrays(const Function& f, Summary& summary);
  void note(const Op& op);                                  // remembers the op if it says something about arrays

  const Op* made_by(ValueId v, OpCode code) const;
  bool is_const(ValueId v, int64_t value) const;
  bool same_const(ValueId a, ValueId b) const;              // constants of one value
  // The value at the bottom of a view or pointer: an allocation, or an array or owner of which nothing more is known.
  // A view lies within the array it was made from.
  ValueId root(ValueId array_or_pointer) const;
  bool fresh(ValueId root) const;                           // memory that this function allocated
  bool disjoint(ValueId root_a, ValueId root_b) const;      // certainly two pieces of memory
  void note_fresh(ValueId pointer) { fresh_.push_back(pointer); }   // a merge of such memory

 private:
  ValueId root_of_pointer(ValueId v) const;
  const Op* def(ValueId v) const { return v < index_.size() && index_[v] != kNoId ? &ops_[index_[v]] : nullptr; }

  std::deque<Op> ops_;
  std::vector<uint32_t> index_;
  std::vector<uint8_t> argument_;                           // is a parameter of the function, or bound
  std::vector<ValueId> fresh_;
  Summary& summary_;
};

// What calling a function may do.
struct Effects {
  bool raises = false;
  bool arrays = false;                                      // writes arrays that the caller may see
  bool other = false;                                       // writes anything else: lists, output, the runtime's state
  bool fresh = false;                                       // what it returns is memory of its own making
  int view = -1;                                            // what it returns lies in the memory of this argument
  bool pure() const { return !raises && !arrays && !other; }
};

class Summary {
 public:
  explicit Summary(Program& p);
  Function* function(std::string_view name) const;
  Effects of(std::string_view name);
  Effects of(const Arrays& arrays, const Op& op);           // of one op

 private:
  struct Row {
    Function* f = nullptr;
    bool known = false, busy = false;
    Effects effects;
  };
  std::unordered_map<std::string_view, Row> rows_;
};

constexpr int64_t kOneThread = 1;          // imm of `ew`: is not worth several threads

// Ops of one block that become one loop nest. The root is an `ew`, roll or `array.assign`; members are the `ew` and rolls whose values only it
// needs.
struct Group {
  uint32_t root = kNoId;
  std::vector<uint32_t> members;                            // ascending
  uint32_t bundle = kNoId;                                  // the loop that it is a part of, with other groups
};

struct Plan {
  std::vector<Group> groups;
  std::vector<uint32_t> group_of;                           // per op of the block; kNoId: stays as it is
  std::vector<uint8_t> early;                               // members whose shapes are to be checked where they stand
  std::vector<std::vector<uint32_t>> bundles;               // of groups, in order
};
Plan plan_block(const Function& f, BlockId b, const std::vector<uint32_t>& use_count, const Arrays& arrays, Summary& summary);
// Finds the bundles among the groups.
void plan_bundles(const Function& f, BlockId b, const Arrays& arrays, Summary& summary, Plan* plan);

// Appends ops to a block, and makes blocks that have the same error edge.
class Emitter {
 public:
  Emitter(Function& f, Arrays& arrays, BlockId at, Edge on_error) : f_(f), arrays_(arrays), b_(&f), on_error_(std::move(on_error)) {
    b_.set_block(at);
  }

  Function& function() { return f_; }
  const Function& function() const { return f_; }
  BlockId block() const { return b_.block(); }
  void set_block(BlockId b) { b_.set_block(b); }
  void set_loc(uint32_t loc) { b_.set_loc(loc); }
  TypeRef type(ValueId v) const { return f_.type_of(v); }
  BlockId new_block(bool raises);
  void append(Op op);                                       // one that exists already

  ValueId op(OpCode code, std::initializer_list<ValueId> args, TypeRef type, int64_t imm = 0, std::string sym = {});
  ValueId op(OpCode code, std::span<const ValueId> args, TypeRef type, int64_t imm = 0, std::string sym = {});
  void effect(OpCode code, std::span<const ValueId> args, std::string sym = {}, int64_t imm = 0);
  ValueId integer(int64_t v) { return op(OpCode::Const, {}, pyint(), v); }
  ValueId add(ValueId a, ValueId b) { return op(OpCode::Add, {a, b}, pyint()); }
  ValueId mul(ValueId a, ValueId b);
  ValueId eq(ValueId a, ValueId b) { return op(OpCode::Eq, {a, b}, pybool()); }
  ValueId both(ValueId a, ValueId b) { return a == kNoId ? b : op(OpCode::And, {a, b}, pybool()); }
  ValueId either(ValueId a, ValueId b) { return a == kNoId ? b : op(OpCode::Or, {a, b}, pybool()); }
  ValueId select(ValueId c, ValueId a, ValueId b) { return op(OpCode::Select, {c, a, b}, type(a)); }
  // The size that two sizes on `axis` broadcast to; raises Broadcast when they do not.
  ValueId broadcast(ValueId a, ValueId b, int axis);
  ValueId product(std::span<const ValueId> list);
  ValueId product_checked(std::span<const ValueId> list, int64_t item);       // ArrayTooBig when it does not fit
  void guard(ValueId cond, const char* diag, std::initializer_list<ValueId> args);
  void jump(BlockId to, std::vector<ValueId> args = {}) { b_.jump(to, std::move(args)); }
  void branch(ValueId cond, bool expected, Edge yes, Edge no);
  ValueId param(TypeRef type) { return b_.param(type); }

  ValueId shape(ValueId array, int axis);
  // The same for a place that everything which follows comes by: the next one who asks gets the same value.
  ValueId lasting_shape(ValueId array, int axis);
  ValueId stride(ValueId array, int axis);
  ValueId data(ValueId array) { return op(OpCode::ArrayData, {array}, ptr_to(type(array)->elem)); }

  // A loop nest; counts and indices from the outermost to the innermost. `body` fills the innermost block and may add blocks to it.
  // what: as the imm of jump says.
  template <class Body>
  void nest(std::span<const ValueId> counts, bool raises, int what, Body body, ValueId first = kNoId) {
    std::vector<ValueId> index;
    std::vector<Open> loops;
    ValueId zero = counts.empty() ? kNoId : integer(0);
    for (ValueId n : counts) {
      loops.push_back(open(loops.empty() && first != kNoId ? first : zero, n, raises));
      index.push_back(loops.back().index);
    }
    body(std::span<const ValueId>(index));
    for (size_t k = loops.size(); k-- > 0;) close(loops[k], next(loops[k].index), what);
  }
  // What a loop begins with that may run on several threads, where all elements together are worth it. cost: of one; operations: of arrays, in it.
  // others: locations of further statements that are in it.
  ValueId shared_start(ValueId first, std::span<const ValueId> counts, int64_t cost, int64_t operations, std::span<const uint32_t> others = {});
  // The rounds from `first` to below `end`.
  template <class Body>
  void range(ValueId first, ValueId end, bool raises, int what, Body body) {
    Open loop = open(first, end, raises);
    body(loop.index);
    close(loop, next(loop.index), what);
  }
  // 0 to n in pieces that begin at the cuts (in any order; those beyond n do not count). `body` gets where a piece begins and ends.
  template <class Body>
  void pieces(ValueId n, std::span<const ValueId> cuts, bool raises, int what, Body body) {
    Open loop = open(integer(0), n, raises);
    ValueId end = n;
    for (ValueId cut : cuts)
      end = select(op(OpCode::Lt, {loop.index, cut}, pybool()), op(OpCode::Math, {end, cut}, pyint(), 0, "imin"), end);
    body(loop.index, end);
    close(loop, end, what);
  }

 private:
  struct Open {
    ValueId index;
    BlockId header, exit;
  };
  Open open(ValueId first, ValueId end, bool raises);
  void close(const Open& loop, ValueId next, int what);
  ValueId next(ValueId index) { return op(OpCode::Add, {index, integer(1)}, pyint(), 1); }

  Function& f_;
  Arrays& arrays_;
  Builder b_;
  const Edge on_error_;
  std::unordered_map<uint64_t, ValueId> lasting_;           // by array and axis
};

// Which ops fuse takes away: those that stand for the items of a new array.
inline bool is_lazy(OpCode code) { return code == OpCode::Elementwise || code == OpCode::ArrayRoll; }

// By how much indices along one axis of `size` are turned: i < low is i + back of the operand, any other i is i - low.
struct Turn {
  ValueId low = kNoId, back = kNoId, size = kNoId;          // 0 <= low < size, back = size - low; kNoId: not turned
  bool any() const { return low != kNoId; }
};

// The rolls between the root of a group and what they are rolls of, outermost first. One path, one number; 0: none. Turns are made where the
// emitter is when they are asked for, and are the same values for whoever asks again.
class Rolls {
 public:
  static constexpr int kFlat = -1;         // as the imm of array.roll

  explicit Rolls(Emitter& e) : e_(e) {}
  uint32_t under(uint32_t path, const Op& roll);            // the path of the roll's operand
  bool flat(uint32_t path) const { return !paths_[path].empty() && paths_[path][0].axis == kFlat; }
  bool only(uint32_t path, int axis) const;                 // nothing else is turned
  // What the rolls along `axis` of a path come to, for this size.
  Turn turn(uint32_t path, int axis, ValueId size);
  // The same for items of which `rows` lie together.
  Turn scaled(const Turn& t, ValueId rows);
  ValueId index(ValueId i, const Turn& t);                  // which item of the operand is at i

 private:
  struct Roll {
    int axis;
    ValueId shift;
    bool operator==(const Roll&) const = default;
  };
  struct Known {
    int what;
    ValueId a, b, c, value;
  };
  template <class Make>
  ValueId once(int what, ValueId a, ValueId b, ValueId c, Make make);

  Emitter& e_;
  std::vector<std::vector<Roll>> paths_{1};
  std::vector<Known> known_;
};

// What is known of the shapes of members while a block is expanded, by the value that the member had.
using Shapes = std::unordered_map<ValueId, std::vector<ValueId>>;

// Checks the shapes of an `ew` and notes that of its result.
void check_shapes(Emitter& e, const Op& op, Shapes* shapes);

// What the group's operations and the loads of that many arrays take for one element; see fuse_threads.cc for the unit.
int64_t element_cost(const Summary& summary, std::span<const Op> ops, size_t arrays);
// Does the kernel call functions whose last bit is another one in vectorised loops?
bool has_vector_functions(const Summary& summary, const std::string& kernel);

// The same of one op, and of what it calls.
int64_t cost_of(const Summary& summary, const Op& op);
// The operand `threads` of a par.loop of kWorth: what so many rounds of that cost come to.
ValueId work_of(Builder& b, ValueId rounds, int64_t cost);

// NumPy's reduction of what a group makes, or of an array that is there.
struct Folded {
  Op fold;
  std::vector<Op> needs;                   // constants and imports that are its operands, made again
  bool kept = false;                       // the array is used otherwise, too
};
// The folds of arrays that elementwise groups make and that can be done where those are made, by array. (fuse_fold.cc)
std::unordered_map<ValueId, Folded> find_folds(const Function& f, const std::vector<uint32_t>& uses, Summary& summary);
// Folds an array, at the emitter's place.
void expand_fold(Emitter& e, const Op& fold, ValueId array);
void fold_all(Emitter& e, const Folded& folded, ValueId array, ValueId result);
Op fold_again(Emitter& e, const Folded& folded, ValueId result);       // the fold, where what it needs is made again
void make_shape(Emitter& e, const Op& root, std::span<const ValueId> shape);       // an array of which only that is asked: without memory
ValueId make_block(Emitter& e, TypeRef item, ValueId n);               // memory for a block of n items
ValueId flat_view(Emitter& e, ValueId array, ValueId total);           // all items of one that lies in a row, as a vector
void load_item(Emitter& e, ValueId cell, ValueId result);
// Computes items block by block and folds each block. fill(first, n, to): items first to first + n into memory from `to` on.
// What they arrive at is in the cell that is returned.
ValueId fold_blocks(Emitter& e, const Op& fold, ValueId items, ValueId n, bool in_place, const std::function<void(ValueId first, ValueId n)>& fill);

// Writes the loop of a group at the emitter's place. `ops`: the members, then the root. seldom: little code counts more than speed.
void expand(Emitter& e, const Arrays& arrays, Summary& summary, std::span<const Op> ops, const Shapes& shapes, bool seldom = false,
            const Folded* folded = nullptr);

// A group of a bundle. kept: what it makes is used behind the bundle, too.
struct Bundled {
  std::vector<Op> ops;
  bool kept = false;
};
void expand_together(Emitter& e, Arrays& arrays, Summary& summary, std::span<const Bundled> statements);

// Is the memory of `destination` touched by reading `sources` in such a way that they must be read first? kNoId: surely not.
// moved: sources of which other items are read than those at the index that is written.
ValueId overlap_test(Emitter& e, const Arrays& arrays, ValueId destination, std::span<const ValueId> sources, std::span<const ValueId> moved);

}  // namespace coluber::ir::fuse
