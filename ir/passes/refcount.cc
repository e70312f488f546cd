// Reference counts: makes ownership explicit. Before this pass nothing is retained or released; after it every path releases or moves each
// reference exactly once, error paths included, and the verifier checks that (rule O1). ir/analysis/ownership.h tells what holds what.
//
//   before                                          after
//   ^1(%4: array(..), %5: array(..)):               ^1(%4: array(..), %5: array(..)):
//     %6 = alloc %1 : owner                           %6 = alloc %1 : owner on_error(%4, %5)
//     %7 = array.make %6, .. : array(..)              %7 = array.make %6, .. : array(..)
//     %8 = lt ..                                      release %4                  dead from here on
//     br %8, ^1(%5, %7), ^2                           br %8, ^1(%5, %7), ^3       both moved: no counting on this edge
//   ^2:                                             ^3:
//     return %0                                       release %5
//                                                     release %6                  what %7 views
//                                                     jump ^2
//                                                   ^2:
//                                                     retain %0                   a parameter is borrowed: the caller gets its own
//                                                     return %0
//
// Where references go:
//   - The last use of an owned root is followed by its release; a consuming position that is the last use takes the reference over (a
//     move), any other is preceded by a retain.
//   - An edge into a block where a root is dead that is held at the branch releases it: at the head of the block when this is its only
//     edge, else in a block put onto the edge.
//   - Errors. An op that raises lists in on_error what is held there and the handler does not need: operands that die with it and values
//     moved later on, too. What the handler uses stays held until the last op of the block that raises. The arguments of an error edge
//     may need retains, and there is no place for them on the edge: such an edge is led through a block of its own first, which jumps
//     to the handler with the arguments; from there on it is an edge like others.
// Requires typed IR without ownership. Null references (str_const, zero, absent) are not counted, but may flow into values that are:
// retain and release of null do nothing at run time.
#include <algorithm>

#include "ir/analysis/dominators.h"
#include "ir/analysis/liveness.h"
#include "ir/analysis/ownership.h"
#include "ir/passes/manager.h"
#include "ir/passes/rewrite.h"
#include "ir/verify.h"

namespace coluber::ir {
namespace {

bool has_managed_values(const Function& f) {
  for (const Value& v : f.values)
    if (v.type && is_managed(v.type)) return true;
  return false;
}

// Leads error edges with managed arguments through blocks of their own; equal edges to one handler share the block.
void add_error_blocks(Function& f) {
  std::vector<std::vector<BlockId>> made(f.blocks.size());
  BlockId n = static_cast<BlockId>(f.blocks.size());
  for (BlockId b = 0; b < n; ++b) {
    Edge& e = f.blocks[b].on_error;
    if (!e.valid()) continue;
    if (!has_raising_op(f.blocks[b])) {
      e = {};
      continue;
    }
    if (std::none_of(e.args.begin(), e.args.end(), [&](ValueId v) { return is_managed(f.type_of(v)); })) continue;
    BlockId through = kNoId;
    const std::vector<BlockId>& there = made[e.block];
    for (size_t i = there.size(); i > 0 && i + 4 > there.size(); --i)      // the last few: neighbours tend to be alike
      if (f.blocks[there[i - 1]].term().targets[0].args == e.args) through = there[i - 1];
    if (through == kNoId) {
      Edge edge = e;
      through = f.add_block();
      made[edge.block].push_back(through);
      Op& jump = f.blocks[through].ops.emplace_back();
      jump.code = OpCode::Jump;
      jump.targets.push_back(std::move(edge));
    }
    f.blocks[b].on_error = {through, {}};
  }
}

// A set of values with constant-time operations that can be walked.
class ValueSet {
 public:
  explicit ValueSet(size_t values) : place_(values, kNoId) {}
  bool has(ValueId v) const { return place_[v] != kNoId; }
  void add(ValueId v) {
    if (has(v)) return;
    place_[v] = static_cast<uint32_t>(items_.size());
    items_.push_back(v);
  }
  void remove(ValueId v) {
    if (!has(v)) return;
    place_[items_.back()] = place_[v];
    items_[place_[v]] = items_.back();
    items_.pop_back();
    place_[v] = kNoId;
  }
  void clear() {
    for (ValueId v : items_) place_[v] = kNoId;
    items_.clear();
  }
  const std::vector<ValueId>& items() const { return items_; }

 private:
  std::vector<uint32_t> place_;
  std::vector<ValueId> items_;
};

class Refcount {
 public:
  explicit Refcount(Function& f)
      : f_(f), cfg_(f), own_(f, cfg_), live_in_(Liveness(f, cfg_, tracked_roots()).take()), live_(f.values.size()),
        needed_(f.values.size()), front_(f.blocks.size()), use_(f.values.size()) {
    spread_pinned();
  }

  void run() {
    BlockId n = static_cast<BlockId>(f_.blocks.size());    // blocks put onto edges come later and are complete
    for (BlockId b = 0; b < n; ++b) block(b);
    for (BlockId b = 0; b < n; ++b)
      if (!front_[b].empty()) prepend(f_.blocks[b], front_[b]);
  }

 private:
  // How one op uses a root.
  struct Use {
    uint32_t moves = 0;                    // consuming positions that take the root's own references
    bool borrowed = false;
  };

  // The root whose references uses of v depend on and that is counted here; kNoId: borrowed from the caller, static, unmanaged.
  ValueId tracked(ValueId v) const {
    ValueId r = own_.root(v);
    return r != kNoId && (own_.source(r) == Source::Owned || own_.source(r) == Source::Copied) ? r : kNoId;
  }
  std::vector<ValueId> tracked_roots() const {
    std::vector<ValueId> key(f_.values.size());
    for (ValueId v = 0; v < key.size(); ++v) key[v] = tracked(v);
    return key;
  }

  // Pinned roots are live wherever their definition dominates.
  void spread_pinned() {
    if (own_.pinned().empty()) return;
    DomTree dom(f_, cfg_);
    pinned_in_.resize(f_.blocks.size());
    std::vector<uint8_t> parameter(f_.values.size(), 0);
    for (const Block& b : f_.blocks)
      for (ValueId v : b.params) parameter[v] = 1;
    for (ValueId r : own_.pinned()) {
      BlockId def = f_.values[r].block;
      pinned_in_[def].push_back(r);
      NodeId node = parameter[r] ? dom.head(def) : dom.tail(def);
      for (uint32_t i = dom.first(node) + 1; i < dom.last(node); ++i) {
        NodeId at = dom.preorder()[i];
        BlockId b = dom.block(at);
        if (at != dom.head(b) || b == def) continue;
        pinned_in_[b].push_back(r);
        if (std::find(live_in_[b].begin(), live_in_[b].end(), r) == live_in_[b].end()) live_in_[b].push_back(r);
      }
    }
  }

  // ---- one block, backwards --------------------------------------------------------------------------------------------------------
  void block(BlockId b) {
    b_ = b;
    live_.clear();
    needed_.clear();
    std::vector<Op> ops = std::move(f_.blocks[b].ops);
    out_.clear();
    out_.reserve(ops.size() + ops.size() / 4 + 4);
    const Edge& handler = f_.blocks[b].on_error;
    if (handler.valid())
      for (ValueId v : live_in_[handler.block]) needed_.add(v);
    for (size_t i = ops.size(); i-- > 0;) step(std::move(ops[i]));
    release_dead_params(f_.blocks[b]);
    std::reverse(out_.begin(), out_.end());
    f_.blocks[b].ops.assign(std::make_move_iterator(out_.begin()), std::make_move_iterator(out_.end()));
  }

  // Parameters nobody uses. An exc.catch stays the first op.
  void release_dead_params(const Block& b) {
    size_t end = out_.size();
    if (end > 0 && out_.back().code == OpCode::ExcCatch) --end;
    std::vector<Op> releases;
    for (ValueId v : b.params) {
      if (tracked(v) != v || own_.source(v) != Source::Owned) continue;
      if (!live_.has(v)) releases.push_back(count(OpCode::Release, v, out_.empty() ? 0 : out_.back().loc));
      live_.remove(v);
    }
    out_.insert(out_.begin() + static_cast<std::ptrdiff_t>(end), std::make_move_iterator(releases.begin()),
                std::make_move_iterator(releases.end()));
  }

  void step(Op op) {
    if (!op.targets.empty()) return branch(std::move(op));
    bool leaves = op.has(Term), raises = op.has(Raises);
    if (leaves && !pinned_in_.empty())
      for (ValueId r : pinned_in_[b_]) dying_.push_back(r), live_.add(r);
    results(op);
    if (raises) need_for_handler();
    moved_.clear();
    extra_.clear();
    operands(op);
    if (raises) list_on_error(op);
    // Backwards: what follows the op comes first. A copied reference is retained before what it was copied from may go.
    uint32_t loc = op.loc;
    if (!leaves) releases(loc);
    for (ValueId v : copied_) out_.push_back(count(OpCode::Retain, v, loc));
    copied_.clear();
    bool returns = op.code == OpCode::Return;
    out_.push_back(std::move(op));
    if (returns) releases(loc);
    retains(loc);
    for (ValueId r : moved_) live_.add(r);
    dying_.clear();
    retain_.clear();
  }

  void results(const Op& op) {
    for (ValueId v : op.results) {
      if (!own_.managed(v) || own_.unit(v) != v || tracked(v) != v) continue;
      bool live = live_.has(v);
      live_.remove(v);
      if (own_.source(v) == Source::Copied && live) copied_.push_back(v);
      if (own_.source(v) == Source::Owned && !live) out_.push_back(count(OpCode::Release, v, op.loc));
    }
  }

  // What the handler uses is held until here; when nothing on the normal path uses it any more, it is released behind the op.
  void need_for_handler() {
    for (ValueId r : needed_.items()) {
      if (live_.has(r)) continue;
      live_.add(r);
      dying_.push_back(r);
    }
  }

  // Sorts out what happens to each operand's root: retains in front, moves, releases behind.
  void operands(const Op& op) {
    roots_.clear();
    for (size_t i = 0; i < op.args.size(); ++i) {
      ValueId v = op.args[i], r = tracked(v);
      bool taken = own_.managed(v) && consumes(op, i);
      bool whole = r != kNoId && own_.unit(v) == r;
      if (r != kNoId) {
        if (!use_[r].moves && !use_[r].borrowed) roots_.push_back(r);
        if (taken && whole) ++use_[r].moves; else use_[r].borrowed = true;
      }
      if (!taken || whole || own_.source(own_.unit(v)) == Source::Static) continue;
      retain_.push_back(v);                // a part, or something borrowed
      if (op.has(Raises) && !consumes_on_error(op)) extra_.push_back(v);
    }
    for (ValueId r : roots_) settle(op, r);
  }

  void settle(const Op& op, ValueId r) {
    Use use = use_[r];
    use_[r] = {};
    bool live_after = live_.has(r);        // or needed by the handler: need_for_handler has been here
    bool keep = live_after || use.borrowed;
    for (uint32_t k = keep ? 0 : 1; k < use.moves; ++k) retain_.push_back(r);
    if (op.has(Raises) && !consumes_on_error(op)) extra_.insert(extra_.end(), use.moves, r);
    if (live_after) return;
    if (keep) {
      live_.add(r);
      dying_.push_back(r);
    } else {
      moved_.push_back(r);                 // live in front of the op, but gone when it raises
    }
  }

  void list_on_error(Op& op) {
    for (ValueId r : live_.items())
      if (!needed_.has(r)) op.on_error.push_back(r);
    op.on_error.insert(op.on_error.end(), extra_.begin(), extra_.end());
    std::sort(op.on_error.begin(), op.on_error.end());
  }

  void releases(uint32_t loc) {
    for (size_t i = dying_.size(); i-- > 0;) out_.push_back(count(OpCode::Release, dying_[i], loc));
  }
  void retains(uint32_t loc) {
    for (size_t i = retain_.size(); i-- > 0;) out_.push_back(count(OpCode::Retain, retain_[i], loc));
  }

  // ---- edges -----------------------------------------------------------------------------------------------------------------------
  void branch(Op op) {
    for (const Edge& e : op.targets) {
      for (ValueId r : live_in_[e.block]) live_.add(r);
      for (ValueId v : e.args)
        if (tracked(v) != kNoId) live_.add(tracked(v));
    }
    if (!pinned_in_.empty())
      for (ValueId r : pinned_in_[b_]) live_.add(r);
    uint32_t loc = op.loc;
    bool jump = op.targets.size() == 1;
    std::vector<Op> here;
    for (Edge& e : op.targets) {
      bool retains = balance(e, loc);
      if (counts_.empty()) continue;
      if (jump) {
        here = std::move(counts_);
      } else if (!retains && cfg_.preds(e.block).size() == 1) {
        front_[e.block] = std::move(counts_);
      } else {
        put_on_edge(e, loc);
      }
      counts_.clear();
    }
    out_.push_back(std::move(op));
    for (size_t i = here.size(); i-- > 0;) out_.push_back(std::move(here[i]));
  }

  // Puts what has to be counted along an edge into counts_: retains first, since a part needs its base. Returns whether there are any.
  bool balance(const Edge& e, uint32_t loc) {
    const std::vector<ValueId>& live = live_in_[e.block];
    for (ValueId r : live) use_[r].moves = 1;
    for (ValueId v : e.args) {
      if (!own_.managed(v) || own_.source(own_.unit(v)) == Source::Static) continue;
      ValueId r = tracked(v);
      bool whole = r != kNoId && own_.unit(v) == r;
      if (whole) ++use_[r].moves;
      if (!whole || use_[r].moves > 1) counts_.push_back(count(OpCode::Retain, v, loc));
    }
    bool retains = !counts_.empty();
    dead_.clear();
    for (ValueId r : live_.items())
      if (use_[r].moves == 0) dead_.push_back(r);
    std::sort(dead_.begin(), dead_.end());
    for (ValueId r : dead_) counts_.push_back(count(OpCode::Release, r, loc));
    for (ValueId r : live_.items()) use_[r] = {};
    return retains;
  }

  void put_on_edge(Edge& e, uint32_t loc) {
    BlockId made = f_.add_block();
    Block& block = f_.blocks[made];
    block.ops = std::move(counts_);
    Op& jump = block.ops.emplace_back();
    jump.code = OpCode::Jump;
    jump.loc = loc;
    jump.targets.push_back(std::move(e));
    e = Edge{made, {}};
  }

  // ---- helpers ---------------------------------------------------------------------------------------------------------------------
  static Op count(OpCode code, ValueId v, uint32_t loc) {
    Op op;
    op.code = code;
    op.args.push_back(v);
    op.loc = loc;
    return op;
  }

  static void prepend(Block& b, std::vector<Op>& ops) {
    b.ops.insert(b.ops.begin(), std::make_move_iterator(ops.begin()), std::make_move_iterator(ops.end()));
  }

  Function& f_;
  Cfg cfg_;
  Ownership own_;
  std::vector<std::vector<ValueId>> live_in_;              // roots
  std::vector<std::vector<ValueId>> pinned_in_;            // pinned roots available in a block; empty when there are none at all
  ValueSet live_, needed_;                                 // held where the walk is; what the handler of this block uses
  std::vector<std::vector<Op>> front_;                     // releases for the heads of blocks
  std::vector<Use> use_;                                   // of roots, by the op or edge at hand
  std::vector<ValueId> roots_, dying_, moved_, retain_, copied_, extra_, dead_;
  std::vector<Op> out_, counts_;                           // the block's new ops, last first
  BlockId b_ = 0;
};

}  // namespace

void run_refcount(Function& f, const PassOptions&) {
  if (!f.typed || !has_managed_values(f) || has_ownership(f)) return;
  remove_unreachable(f);
  add_error_blocks(f);
  remove_unreachable(f);                   // handlers of blocks that cannot raise
  Refcount(f).run();
}

}  // namespace coluber::ir
