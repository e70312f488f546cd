// Part of cleanup: block parameters. One that gets the same value over every edge is that value. One of a tuple-like type (iterators
// threaded through a loop are such) becomes one parameter per item, so that the items that do not change can go the same way:
//
//   ^1(%4: tuple(array(float64,1,C),pyint)):        ^1(%9: pyint):
//     %5 = tuple.get %4, 0 : array(...)               ... %0 instead of %5, %9 instead of tuple.get %4, 1
//
// A variable that may be unbound (or an optional) which is bound on each edge is its value.
#include <algorithm>

#include "ir/analysis/uses.h"
#include "ir/passes/cleanup.h"
#include "ir/passes/rewrite.h"

namespace coluber::ir {
namespace {

class TrivialParams {
 public:
  TrivialParams(Function& f, bool owned) : f_(f), cfg_(f), map_(f.values.size()), dead_(f.values.size(), 0), owned_(owned) {}

  bool run() {
    find_receivers();
    for (BlockId b : cfg_.rpo())
      for (uint32_t i = 0; b != 0 && i < f_.blocks[b].params.size(); ++i) work_.push_back(f_.blocks[b].params[i]);
    std::reverse(work_.begin(), work_.end());             // taken from the end: first blocks first
    bool any = false;
    while (!work_.empty()) {
      ValueId v = work_.back();
      work_.pop_back();
      any |= visit(v);
    }
    if (!any) return false;
    remove_params(f_, dead_);
    map_.apply(f_);
    return true;
  }

 private:
  // For each value the list of parameters that get it over an edge; and each parameter's place among its block's.
  void find_receivers() {
    index_.assign(f_.values.size(), 0);
    head_.assign(f_.values.size(), kNoId);
    tail_.assign(f_.values.size(), kNoId);
    for (BlockId b : cfg_.rpo()) {
      for (uint32_t i = 0; i < f_.blocks[b].params.size(); ++i) index_[f_.blocks[b].params[i]] = i;
      for_each_edge(f_, b, [&](const Edge& e, Pred) {
        for (size_t i = 0; i < e.args.size(); ++i) receive(e.args[i], f_.blocks[e.block].params[i]);
      });
    }
  }

  void receive(ValueId from, ValueId to) {
    uint32_t item = static_cast<uint32_t>(receivers_.size());
    receivers_.push_back({to, kNoId});
    if (head_[from] == kNoId) head_[from] = item; else receivers_[tail_[from]].next = item;
    tail_[from] = item;
  }

  bool visit(ValueId v) {
    if (dead_[v] || (owned_ && is_managed(f_.type_of(v)))) return false;
    ValueId same = kNoId;
    for (const Pred& p : cfg_.preds(f_.values[v].block)) {
      ValueId arg = map_.find(edge_of(f_, p).args[index_[v]]);
      if (arg == v || arg == same) continue;
      if (same != kNoId) return false;
      same = arg;
    }
    if (same == kNoId) return false;       // only itself: the block cannot be reached
    map_.replace(f_, v, same);
    dead_[v] = 1;
    // Parameters that got v get `same` from now on, and may have become trivial by it.
    if (head_[v] == kNoId) return true;
    for (uint32_t i = head_[v]; i != kNoId; i = receivers_[i].next) work_.push_back(receivers_[i].param);
    if (head_[same] == kNoId) head_[same] = head_[v]; else receivers_[tail_[same]].next = head_[v];
    tail_[same] = tail_[v];
    return true;
  }

  Function& f_;
  Cfg cfg_;
  ValueMap map_;
  std::vector<uint8_t> dead_;
  struct Receiver {
    ValueId param;
    uint32_t next;
  };
  std::vector<Receiver> receivers_;        // linked, so that lists join at no cost
  std::vector<uint32_t> index_, head_, tail_;
  std::vector<ValueId> work_;
  bool owned_;
};

// ---- splitting ---------------------------------------------------------------------------------------------------------------------

// The item types of values that tuple.make can put together again from items; empty for others.
std::vector<TypeRef> items_of(TypeRef t) {
  switch (t->kind) {
    case Kind::Tuple: case Kind::View: case Kind::Slice: case Kind::Closure: return t->items;
    case Kind::Range: return {pyint(), pyint(), pyint()};
    default: return {};
  }
}

bool wraps(TypeRef t) { return t->is(Kind::Unbound) || t->is(Kind::Optional); }

class SplitParams {
 public:
  explicit SplitParams(Function& f) : f_(f) {}

  bool run() {
    bool candidates = false;
    for (BlockId b = 1; b < f_.blocks.size(); ++b)
      for (ValueId v : f_.blocks[b].params) candidates |= !items_of(f_.type_of(v)).empty() || wraps(f_.type_of(v));
    if (!candidates) return false;
    find_whole();
    // New parameters may be tuples again: those are split in turn.
    bool any = false;
    while (step()) any = true;
    return any;
  }

 private:
  // Accumulators of reductions stay whole, so that passes/parallel sees what happens to them.
  void find_whole() {
    whole_.assign(f_.values.size(), 0);
    bool any = false;
    for (const Block& b : f_.blocks)
      for (const Op& op : b.ops)
        if (op.code == OpCode::Reduce) whole_[op.args[0]] = whole_[op.result()] = any = true;
    if (any) mark_through_params(f_, &whole_);
  }

  // Parameters that are bound on all ways to them: all until an edge brings something else.
  void find_bound(const Cfg& cfg) {
    bound_.assign(f_.values.size(), 0);
    std::vector<uint8_t> made(f_.values.size(), 0);
    bool any = false;
    for (BlockId b : cfg.rpo()) {
      for (const Op& op : f_.blocks[b].ops)
        if (op.code == OpCode::Some) made[op.result()] = 1;
      for (ValueId v : f_.blocks[b].params)
        if (b != 0 && wraps(f_.type_of(v))) bound_[v] = any = true;
    }
    for (bool more = any; more;) {
      more = false;
      for (BlockId b : cfg.rpo())
        for (size_t k = 0; k < f_.blocks[b].params.size(); ++k) {
          ValueId v = f_.blocks[b].params[k];
          auto brings = [&](const Pred& p) { return !p.error() && (made[edge_of(f_, p).args[k]] || bound_[edge_of(f_, p).args[k]]); };
          if (!bound_[v] || std::all_of(cfg.preds(b).begin(), cfg.preds(b).end(), brings)) continue;
          bound_[v] = 0;
          more = true;
        }
    }
  }
  std::vector<TypeRef> parts_of(ValueId v) const {
    return bound_[v] ? std::vector<TypeRef>{f_.type_of(v)->elem} : items_of(f_.type_of(v));
  }

  bool step() {
    Cfg cfg(f_);
    items_.clear();
    find_bound(cfg);
    dead_.assign(f_.values.size(), 0);
    for (BlockId b : cfg.rpo())
      if (b != 0) split_block(cfg, b);
    if (items_.empty()) return false;
    first_.assign(f_.blocks.size(), kNoId);
    for (size_t s = items_.size(); s-- > 0;) first_[items_[s].block] = static_cast<uint32_t>(s);
    makes_.assign(f_.values.size(), nullptr);
    for (BlockId b : cfg.rpo())
      for (const Op& op : f_.blocks[b].ops)
        if (op.code == OpCode::TupleMake || op.code == OpCode::Some) makes_[op.result()] = &op;
    for (BlockId b : cfg.rpo())
      for (const Pred& p : cfg.preds(b))
        if (first_[b] != kNoId) extend_edge(b, p);
    flush_gets();
    dead_.resize(f_.values.size(), 0);
    remove_params(f_, dead_);
    put_together();
    return true;
  }

  void split_block(const Cfg& cfg, BlockId b) {
    for (const Pred& p : cfg.preds(b))
      if (p.error()) return;               // items cannot be taken apart on an error edge
    Block& block = f_.blocks[b];
    if (block.loop_header && block.on_error.valid()) return;   // they are what its edge takes along
    size_t n = block.params.size();
    for (size_t i = 0; i < n; ++i) {
      ValueId v = block.params[i];
      std::vector<TypeRef> types = parts_of(v);
      if (types.empty() || used_by_state(block, v) || (v < whole_.size() && whole_[v])) continue;
      Split& split = items_.emplace_back(Split{v, b, static_cast<uint32_t>(i), {}});
      for (TypeRef t : types) split.items.push_back(f_.add_value(t, b));
      block.params.insert(block.params.end(), split.items.begin(), split.items.end());
      dead_[v] = 1;
    }
  }

  // A frame state names values that are there when the block begins.
  static bool used_by_state(const Block& block, ValueId v) {
    auto has = [&](const std::vector<ValueId>& list) { return std::find(list.begin(), list.end(), v) != list.end(); };
    return block.state && (has(block.state->locals) || has(block.state->stack));
  }

  struct Split {
    ValueId param;
    BlockId block;
    uint32_t index;                        // among the block's parameters
    std::vector<ValueId> items;
  };

  void extend_edge(BlockId b, const Pred& p) {
    for (size_t s = first_[b]; s < items_.size() && items_[s].block == b; ++s) {
      const Split& split = items_[s];
      ValueId arg = edge_of(f_, p).args[split.index];
      for (uint32_t k = 0; k < split.items.size(); ++k) {
        ValueId item = item_of(arg, k, f_.type_of(split.items[k]), split.items.size(), p.block);
        edge_of(f_, p).args.push_back(item);
      }
    }
  }

  // Item k of an aggregate, at the end of block b.
  ValueId item_of(ValueId aggregate, uint32_t k, TypeRef type, size_t count, BlockId b) {
    const Op* make = aggregate < makes_.size() ? makes_[aggregate] : nullptr;
    if (make && make->args.size() == count && f_.type_of(make->args[k]) == type) return make->args[k];
    ValueId v = f_.add_value(type, b);
    Op get;
    get.code = wraps(f_.type_of(aggregate)) ? OpCode::Payload : OpCode::TupleGet;
    get.args = {aggregate};
    get.results = {v};
    get.imm = k;
    get.loc = f_.blocks[b].term().loc;
    gets_.emplace_back(b, std::move(get));
    return v;
  }

  // Ops are inserted only now: makes_ points into the blocks.
  void flush_gets() {
    for (auto& [b, get] : gets_) {
      std::vector<Op>& ops = f_.blocks[b].ops;
      ops.insert(ops.end() - 1, std::move(get));
    }
    gets_.clear();
  }

  // The parameter becomes a tuple.make of its items at the head of its block; if only its items are used, it is dead. The handler of
  // a block with an error edge may use the parameter, so there the tuple.make gets a block of its own in front of the ops.
  void put_together() {
    for (size_t s = 0; s < items_.size();) {
      BlockId b = items_[s].block;
      std::vector<Op> ops;
      for (; s < items_.size() && items_[s].block == b; ++s) {
        Op& make = ops.emplace_back();
        make.code = wraps(f_.type_of(items_[s].param)) ? OpCode::Some : OpCode::TupleMake;
        make.results = {items_[s].param};
        make.args = items_[s].items;
      }
      std::vector<Op> rest = std::move(f_.blocks[b].ops);
      f_.blocks[b].ops = std::move(ops);
      BlockId behind = b;
      if (f_.blocks[b].on_error.valid()) {
        behind = f_.add_block();
        f_.blocks[behind].on_error = std::move(f_.blocks[b].on_error);
        f_.blocks[b].on_error = {};
        Op& jump = f_.blocks[b].ops.emplace_back();
        jump.code = OpCode::Jump;
        jump.targets.push_back({behind, {}});
      }
      move_ops(f_, behind, rest, 0, rest.size());
    }
  }

  Function& f_;
  std::vector<Split> items_;               // grouped by block
  std::vector<uint8_t> whole_;             // values that stay
  std::vector<uint8_t> bound_;             // parameters that are the value within
  std::vector<uint32_t> first_;            // of each block; kNoId: none
  std::vector<const Op*> makes_;
  std::vector<std::pair<BlockId, Op>> gets_;
  std::vector<uint8_t> dead_;
};

}  // namespace

bool simplify_params(Function& f, bool owned) { return TrivialParams(f, owned).run(); }
bool split_tuple_params(Function& f) { return SplitParams(f).run(); }

}  // namespace coluber::ir
