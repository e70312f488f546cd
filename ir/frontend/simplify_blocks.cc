// The pass over blocks: unreachable ones, handlers that only raise again, blocks that only jump, and blocks that follow one another.
#include <algorithm>

#include "ir/analysis/cfg.h"
#include "ir/frontend/simplify.h"

namespace coluber::ir::frontend {

std::vector<BlockId> reverse_postorder(const Function& f) {
  struct Step {
    BlockId block;
    size_t next;                           // which successor; the error edge first, then the targets from the last to the first
  };
  std::vector<BlockId> order;
  std::vector<bool> seen(f.blocks.size(), false);
  std::vector<Step> stack{{0, 0}};
  seen[0] = true;
  while (!stack.empty()) {
    Step& top = stack.back();
    const Block& b = f.blocks[top.block];
    size_t targets = b.ops.empty() ? 0 : b.ops.back().targets.size();
    if (top.next > targets) {
      order.push_back(top.block);
      stack.pop_back();
      continue;
    }
    BlockId to = top.next == 0 ? b.on_error.block : b.ops.back().targets[targets - top.next].block;
    ++top.next;
    if (to == kNoId || seen[to]) continue;
    seen[to] = true;
    stack.push_back({to, 0});
  }
  std::reverse(order.begin(), order.end());
  return order;
}

namespace {

class Blocks {
 public:
  explicit Blocks(Function* f) : f_(*f) {}

  bool run() {
    forget_unreachable();
    count();
    if (drop_error_edges()) {
      forget_unreachable();
      count();
    }
    skip_reraising();
    forget_unreachable();
    count();
    replace_ = Replacements(f_.values.size());
    thread_jumps();
    same_targets();
    forget_unreachable();
    count();
    for (BlockId b : order_) merge(b);
    replace_.apply(&f_);
    return changed_;
  }

 private:
  // The head of a loop keeps its edge: Ctrl-C may be looked for in each round.
  bool drop_error_edges() {
    bool any = false;
    for (BlockId b : order_)
      if (f_.blocks[b].on_error.valid() && !raises(f_.blocks[b]) && !header_[b]) f_.blocks[b].on_error = {}, any = true;
    return any;
  }

  // A handler that raises what it caught and nothing else: errors may as well go where its own error edge leads.
  void skip_reraising() {
    constexpr int kHops = 100;
    for (BlockId b : order_)
      for (int hop = 0; hop < kHops && f_.blocks[b].on_error.valid(); ++hop) {
        BlockId h = f_.blocks[b].on_error.block;
        const Block& handler = f_.blocks[h];
        bool only = handler.ops.size() == 2 && handler.ops[0].code == OpCode::PyCatch && handler.ops[1].code == OpCode::PyReraise &&
                    handler.ops[1].args[0] == handler.ops[0].results[0];
        if (!only || h == b || handler.on_error.block == h) break;
        if (handler.on_error.valid()) hand_on_params(h);
        f_.blocks[b].on_error = edge_through(f_.blocks[b].on_error, handler, handler.on_error);
        changed_ = true;
      }
  }

  // Code behind the handler `h` may use its parameters, when all ways to the next handler lead through it. Before it is skipped, they become
  // parameters of that next handler; `h` gets others in their place.
  void hand_on_params(BlockId h) {
    Block& handler = f_.blocks[h];
    BlockId next = handler.on_error.block;
    for (ValueId& param : handler.params) {
      ptrdiff_t here = std::count(handler.on_error.args.begin(), handler.on_error.args.end(), param);
      if (static_cast<ptrdiff_t>(uses_[param]) == here) continue;
      ValueId old = param;
      param = f_.add_value(bottom(), h, f_.values[old].name);
      uses_.resize(f_.values.size(), 1);
      for (ValueId& v : handler.on_error.args)
        if (v == old) v = param;
      uses_[param] = static_cast<uint32_t>(here) + 1;
      uses_[old] += static_cast<uint32_t>(ways_in_[next] + errors_in_[next]);
      f_.values[old].block = next;
      f_.blocks[next].params.push_back(old);
      for (BlockId b : order_)
        for_edges(f_.blocks[b], [&](Edge& e, bool) {
          if (e.block == next) e.args.push_back(b == h ? param : old);
        });
    }
  }

  void forget_unreachable() {
    order_ = reverse_postorder(f_);
    std::vector<bool> reached(f_.blocks.size(), false);
    for (BlockId b : order_) reached[b] = true;
    for (BlockId b = 0; b < f_.blocks.size(); ++b)
      if (!reached[b]) f_.blocks[b] = {};
  }

  void count() {
    uses_.assign(f_.values.size(), 0);
    ways_in_.assign(f_.blocks.size(), 0);
    errors_in_.assign(f_.blocks.size(), 0);
    header_.assign(f_.blocks.size(), false);
    is_param_.assign(f_.values.size(), false);
    position_.assign(f_.blocks.size(), 0);
    used_in_.clear();
    merged_.assign(f_.blocks.size(), kNoId);
    for (size_t i = 0; i < order_.size(); ++i) position_[order_[i]] = i;
    for (BlockId b : order_) {
      Block& block = f_.blocks[b];
      for (ValueId v : block.params) is_param_[v] = true;
      for (Op& op : block.ops)
        for (ValueId v : op.args) ++uses_[v];
      for_edges(block, [&](Edge& e, bool error) {
        for (ValueId v : e.args) ++uses_[v];
        ++(error ? errors_in_ : ways_in_)[e.block];
        if (position_[e.block] <= position_[b]) header_[e.block] = true;
      });
    }
  }

  bool only_jumps(BlockId b) {
    const Block& block = f_.blocks[b];
    if (b == 0 || block.ops.size() != 1 || block.ops[0].code != OpCode::Jump || header_[b] || errors_in_[b]) return false;
    const Edge& out = block.ops[0].targets[0];
    if (out.block == b) return false;
    return std::all_of(block.params.begin(), block.params.end(), [&](ValueId p) {
      return std::count(out.args.begin(), out.args.end(), p) == static_cast<ptrdiff_t>(uses_[p]);
    });
  }

  void thread_jumps() {
    constexpr int kHops = 100;
    for (BlockId b : order_) {
      if (f_.blocks[b].ops.empty()) continue;
      for (Edge& e : f_.blocks[b].ops.back().targets)
        for (int hop = 0; hop < kHops && only_jumps(e.block); ++hop) {
          const Block& via = f_.blocks[e.block];
          e = edge_through(e, via, via.ops[0].targets[0]);
          changed_ = true;
        }
    }
  }

  void same_targets() {
    for (BlockId b : order_) {
      if (f_.blocks[b].ops.empty()) continue;
      Op& last = f_.blocks[b].ops.back();
      if (last.code != OpCode::Branch || last.targets[0].block != last.targets[1].block || last.targets[0].args != last.targets[1].args) continue;
      last.code = OpCode::Jump;
      last.args.clear();
      last.loc = 0;
      last.targets.pop_back();
      changed_ = true;
    }
  }

  // Is the value made by an op of block b?
  bool made_in(ValueId v, BlockId b) const { return f_.values[v].block == b && !is_param_[v]; }

  // What block b's error edge would be with block c at its end; false when one edge cannot serve both.
  bool common_edge(const Block& block, BlockId b, const Block& next, const Edge& jump, Edge* out) {
    bool here = raises(block) || header_[b], there = raises(next);
    *out = block.on_error;
    if (!there) return true;
    Edge theirs;
    if (next.on_error.valid()) theirs = edge_through(jump, next, next.on_error);
    for (ValueId& v : theirs.args) v = replace_.find(v);
    if (std::any_of(theirs.args.begin(), theirs.args.end(), [&](ValueId v) { return made_in(v, b); })) return false;
    if (here) {
      Edge ours = block.on_error;
      for (ValueId& v : ours.args) v = replace_.find(v);
      return ours.block == theirs.block && ours.args == theirs.args;
    }
    if (theirs.valid() && wanted_behind(block, b, jump.block, theirs.block)) return false;
    *out = std::move(theirs);
    return true;
  }

  // Does code behind the handler use a value that block b makes? Once b has the error edge, that value may not exist there. Ways that
  // come through b or c again make it anew.
  bool wanted_behind(const Block& block, BlockId b, BlockId c, BlockId handler) {
    if (used_in_.empty()) find_users();
    std::vector<BlockId> users;
    for (const Op& op : block.ops)
      for (ValueId v : op.results)
        for (BlockId user : used_in_[v])
          if (home(user) != b && home(user) != c) users.push_back(home(user));
    if (users.empty()) return false;
    std::vector<bool> seen(f_.blocks.size(), false);
    std::vector<BlockId> work{handler};
    seen[b] = seen[c] = true;
    while (!work.empty()) {
      BlockId at = work.back();
      work.pop_back();
      if (seen[at]) continue;
      seen[at] = true;
      if (std::find(users.begin(), users.end(), at) != users.end()) return true;
      for_edges(f_.blocks[at], [&](Edge& e, bool) { work.push_back(e.block); });
    }
    return false;
  }
  // Where the code of a block is now.
  BlockId home(BlockId b) const {
    while (merged_[b] != kNoId) b = merged_[b];
    return b;
  }
  void find_users() {
    used_in_.resize(f_.values.size());
    for (BlockId b : order_) {
      auto use = [&](const std::vector<ValueId>& list) {
        for (ValueId v : list) {
          std::vector<BlockId>& users = used_in_[replace_.find(v)];
          if (users.empty() || users.back() != b) users.push_back(b);
        }
      };
      for (Op& op : f_.blocks[b].ops) use(op.args);
      for_edges(f_.blocks[b], [&](Edge& e, bool) { use(e.args); });
    }
  }

  void merge(BlockId b) {
    for (;;) {
      Block& block = f_.blocks[b];
      if (block.ops.empty() || block.ops.back().code != OpCode::Jump) return;
      Edge jump = block.ops.back().targets[0];
      BlockId c = jump.block;
      if (c == b || c == 0 || ways_in_[c] != 1 || errors_in_[c]) return;
      Block& next = f_.blocks[c];
      for (ValueId& v : jump.args) v = replace_.find(v);
      Edge edge;
      if (!common_edge(block, b, next, jump, &edge)) return;
      for (size_t i = 0; i < next.params.size(); ++i) stand_for(next.params[i], jump.args[i]);
      block.ops.pop_back();
      for (Op& op : next.ops) {
        for (ValueId v : op.results) f_.values[v].block = b;
        block.ops.push_back(std::move(op));
      }
      block.on_error = std::move(edge);
      next = {};
      merged_[c] = b;
      changed_ = true;
    }
  }

  void stand_for(ValueId param, ValueId value) {
    replace_.replace(param, value);
    if (used_in_.empty()) return;
    used_in_[value].insert(used_in_[value].end(), used_in_[param].begin(), used_in_[param].end());
  }

  Function& f_;
  Replacements replace_{0};
  std::vector<BlockId> order_;
  std::vector<size_t> position_;           // of blocks in that order
  std::vector<uint32_t> uses_, ways_in_, errors_in_;
  std::vector<std::vector<BlockId>> used_in_;   // value -> blocks, as they were before merging; found when wanted
  std::vector<BlockId> merged_;            // into which block
  std::vector<bool> header_, is_param_;
  bool changed_ = false;
};

}  // namespace

bool simplify_blocks(Function* f) { return Blocks(f).run(); }

}  // namespace coluber::ir::frontend
