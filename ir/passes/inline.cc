// Inlining: a `call` of a function of the same program becomes its body, when the function is always_inline, small, or called at this one place
// only (LLVM would simplify it twice, by itself and in its caller), and not part of a call-graph cycle. Callees are done before their callers, so that a body is inlined in its final form. Functions that nobody refers to
// afterwards are dropped.
//
//   before                                      after
//   ^0(%0: pyint) !err ^7(%0):                  ^0(%0: pyint) !err ^7(%0):
//     %1 = call %0, "g" : pyint                   jump ^2(%0)
//     return %1                                 ^2(%5: pyint) !err ^7(%0):      g's blocks; where g has no handler of its own, errors
//                                                 ...                           go where the call's went
//                                                 jump ^1(%6)
//                                               ^1(%1: pyint) !err ^7(%0):
//                                                 return %1
//
// A callee of one block without handler goes straight into the caller's block. Each inlined call gets a Scope whose parent is the call's,
// so that tracebacks name both functions. Requires typed IR before refcount (parameters are borrowed, results owned: the same inside one
// function as across a call). Must not inline functions that check the stack limit (recursive ones).
#include <algorithm>
#include <unordered_map>

#include "ir/analysis/uses.h"
#include "ir/passes/manager.h"

namespace coluber::ir {
namespace {

uint32_t op_count(const Function& f) {
  size_t n = 0;
  for (const Block& b : f.blocks) n += b.ops.size();
  return static_cast<uint32_t>(n);
}

// The functions of a program in an order that has callees first, and which of them are in cycles (Tarjan's algorithm, without recursion).
class CallGraph {
 public:
  explicit CallGraph(const Program& p) : p_(p) {
    size_t n = p.functions.size();
    by_name_.reserve(n);
    for (uint32_t i = 0; i < n; ++i) by_name_.emplace(p.functions[i]->name, i);
    calls_.resize(n);
    for (uint32_t i = 0; i < n; ++i)
      for (const Block& b : p.functions[i]->blocks)
        for (const Op& op : b.ops)
          if (op.code == OpCode::Call) note(i, find(op.sym));
    state_.resize(n);
    for (uint32_t i = 0; i < n; ++i)
      if (state_[i].index == kNoId) search(i);
  }

  uint32_t find(std::string_view name) const {
    auto it = by_name_.find(name);
    return it == by_name_.end() ? kNoId : it->second;
  }
  const std::vector<uint32_t>& callees_first() const { return order_; }
  bool in_cycle(uint32_t i) const { return state_[i].cyclic; }

 private:
  struct State {
    uint32_t index = kNoId, low = 0;
    bool on_stack = false, cyclic = false;
  };

  void note(uint32_t caller, uint32_t callee) {
    if (callee == kNoId) return;
    if (callee == caller) self_.push_back(caller);
    else calls_[caller].push_back(callee);
  }

  void search(uint32_t root) {
    std::vector<std::pair<uint32_t, uint32_t>> frames;     // function, next callee
    auto open = [&](uint32_t i) {
      state_[i].index = state_[i].low = next_++;
      state_[i].on_stack = true;
      stack_.push_back(i);
      frames.emplace_back(i, 0);
    };
    open(root);
    while (!frames.empty()) {
      auto& [i, next] = frames.back();
      if (next < calls_[i].size()) {
        uint32_t callee = calls_[i][next++];
        if (state_[callee].index == kNoId) open(callee);
        else if (state_[callee].on_stack) state_[i].low = std::min(state_[i].low, state_[callee].index);
        continue;
      }
      uint32_t done = i;
      frames.pop_back();
      if (!frames.empty()) state_[frames.back().first].low = std::min(state_[frames.back().first].low, state_[done].low);
      if (state_[done].low == state_[done].index) close(done);
    }
    for (uint32_t i : self_) state_[i].cyclic = true;
  }

  void close(uint32_t root) {
    bool cycle = stack_.back() != root;
    for (uint32_t i = kNoId; i != root;) {
      i = stack_.back();
      stack_.pop_back();
      state_[i].on_stack = false;
      state_[i].cyclic |= cycle;
      order_.push_back(i);
    }
  }

  const Program& p_;
  std::unordered_map<std::string_view, uint32_t> by_name_;
  std::vector<std::vector<uint32_t>> calls_;
  std::vector<uint32_t> self_, stack_, order_;
  std::vector<State> state_;
  uint32_t next_ = 0;
};

// Copies one callee's body into the caller, at one call.
class Copy {
 public:
  Copy(Function& caller, const Function& callee, const Op& call, const Edge& on_error)
      : to_(caller), from_(callee), on_error_(on_error), value_(callee.values.size(), kNoId) {
    scope_base_ = static_cast<uint32_t>(to_.scopes.size());
    loc_base_ = static_cast<uint32_t>(to_.locs.size());
    copy_scopes(call.loc);
    for (const Loc& l : from_.locs) {
      Loc& made = to_.locs.emplace_back(l);
      made.scope += scope_base_;
    }
    const std::vector<ValueId>& params = from_.blocks[0].params;
    if (!single_block()) return;
    for (size_t i = 0; i < params.size(); ++i) value_[params[i]] = call.args[i];
  }

  bool single_block() const { return from_.blocks.size() == 1 && from_.blocks[0].term().code == OpCode::Return; }

  // The ops of a callee of one block, appended to block `b`. Returns the value that is returned.
  ValueId splice(BlockId b) {
    const std::vector<Op>& ops = from_.blocks[0].ops;
    for (size_t i = 0; i + 1 < ops.size(); ++i) copy_op(ops[i], b);
    return map(ops.back().args[0], b);
  }

  // The callee's blocks, appended to the caller's; returns lead to `behind`. Returns the first.
  BlockId enter(BlockId behind) {
    block_base_ = static_cast<BlockId>(to_.blocks.size());
    for (size_t i = 0; i < from_.blocks.size(); ++i) to_.add_block();
    for (BlockId i = 0; i < from_.blocks.size(); ++i) {
      const Block& b = from_.blocks[i];
      BlockId at = block_base_ + i;
      for (ValueId v : b.params) to_.blocks[at].params.push_back(map(v, at));
      for (const Op& op : b.ops)
        for (ValueId v : op.results) map(v, at);           // before uses in other blocks would give them a wrong one
    }
    for (BlockId i = 0; i < from_.blocks.size(); ++i) copy_block(from_.blocks[i], block_base_ + i, behind);
    return block_base_;
  }

 private:
  void copy_scopes(uint32_t call_loc) {
    Scope own;
    if (from_.scopes.empty()) own.name = from_.name;
    else own = from_.scopes[0];
    own.parent = to_.locs[call_loc].scope;
    own.parent_loc = call_loc;
    to_.scopes.push_back(std::move(own));
    for (size_t i = 1; i < from_.scopes.size(); ++i) {
      Scope s = from_.scopes[i];
      s.parent += scope_base_;
      s.parent_loc += loc_base_;
      to_.scopes.push_back(std::move(s));
    }
  }

  void copy_block(const Block& b, BlockId at, BlockId behind) {
    to_.blocks[at].loop_header = b.loop_header;            // its frame state is the callee's and means nothing here
    to_.blocks[at].on_error = b.on_error.valid() ? edge(b.on_error, at) : on_error_;
    to_.blocks[at].ops.reserve(b.ops.size());
    for (const Op& op : b.ops) {
      if (op.code != OpCode::Return) {
        copy_op(op, at);
        continue;
      }
      Op& jump = to_.blocks[at].ops.emplace_back();
      jump.code = OpCode::Jump;
      jump.targets.push_back({behind, {map(op.args[0], at)}});
      jump.loc = loc_base_ + op.loc;
    }
  }

  void copy_op(const Op& op, BlockId at) {
    Op made = op;
    made.loc = loc_base_ + op.loc;
    for (ValueId& v : made.args) v = map(v, at);
    for (ValueId& v : made.results) v = map(v, at);
    for (Edge& e : made.targets) e = edge(e, at);
    to_.blocks[at].ops.push_back(std::move(made));
  }

  Edge edge(const Edge& e, BlockId at) {
    Edge out{block_base_ + e.block, {}};
    out.args.reserve(e.args.size());
    for (ValueId v : e.args) out.args.push_back(map(v, at));
    return out;
  }

  ValueId map(ValueId v, BlockId at) {
    if (value_[v] == kNoId) value_[v] = to_.add_value(from_.values[v].type, at, from_.values[v].name);
    return value_[v];
  }

  Function& to_;
  const Function& from_;
  const Edge on_error_;
  std::vector<ValueId> value_;
  uint32_t scope_base_ = 0, loc_base_ = 0;
  BlockId block_base_ = 0;
};

class Inliner {
 public:
  Inliner(Program& p, const PassOptions& options) : p_(p), options_(options), graph_(p) {}

  void run() {
    sizes_.resize(p_.functions.size());
    for (size_t i = 0; i < sizes_.size(); ++i) sizes_[i] = op_count(*p_.functions[i]);
    count_uses();
    for (uint32_t i : graph_.callees_first()) function(i);
    drop_unused();
  }

 private:
  bool wanted(uint32_t caller, uint32_t callee) const {
    if (callee == kNoId || graph_.in_cycle(callee)) return false;
    const Function& f = *p_.functions[callee];
    if (f.recursive || !f.typed || f.blocks.empty() || forks_[callee]) return false;
    if (f.always_inline) return true;
    if (f.parallel && !p_.functions[caller]->parallel) return false;       // the option is one of the function, not of its callers
    uint32_t most = uses_[callee] == 1 && !f.exported ? options_.inline_max_once : options_.inline_max_ops;
    return sizes_[callee] <= most && sizes_[caller] <= options_.inline_max_caller;
  }

  void count_uses() {
    uses_.resize(p_.functions.size());
    for (const auto& f : p_.functions)
      for (const Block& b : f->blocks)
        for (const Op& op : b.ops)
          if (uint32_t i = op.sym.empty() ? kNoId : graph_.find(op.sym); i != kNoId) ++uses_[i];
    forks_.resize(p_.functions.size(), 0);
    for (uint32_t i = 0; i < forks_.size(); ++i)
      for (const Block& b : p_.functions[i]->blocks)
        for (const Op& op : b.ops) forks_[i] |= op.code == OpCode::ParFor;
  }

  void function(uint32_t index) {
    Function& f = *p_.functions[index];
    replaced_.clear();
    BlockId blocks = static_cast<BlockId>(f.blocks.size());
    for (BlockId b = 0; b < blocks; ++b) block(index, f, b);
    if (replaced_.empty()) return;
    std::vector<ValueId> with(f.values.size(), kNoId);
    for (auto [v, by] : replaced_) with[v] = by;
    auto map = [&](ValueId& v) {
      while (with[v] != kNoId) v = with[v];                // the result of a call may be returned by the next callee
    };
    for (Block& b : f.blocks) {
      for (Op& op : b.ops) for_each_use(op, map);
      for (ValueId& v : b.on_error.args) map(v);
      if (!b.state) continue;
      for (ValueId& v : b.state->locals) if (v != kNoId) map(v);
      for (ValueId& v : b.state->stack) if (v != kNoId) map(v);
    }
  }

  // Takes block b apart at the calls to inline. Each op is moved once, however many there are.
  void block(uint32_t index, Function& f, BlockId b) {
    bool any = false;
    for (const Op& op : f.blocks[b].ops) any |= op.code == OpCode::Call && wanted(index, graph_.find(op.sym));
    if (!any) return;
    if (f.scopes.empty()) f.scopes.push_back(Scope{-1, f.name, {}, kNoId, 0});
    std::vector<Op> ops = std::move(f.blocks[b].ops);
    f.blocks[b].ops.clear();
    const Edge on_error = f.blocks[b].on_error;
    BlockId at = b;
    for (Op& op : ops) {
      uint32_t callee = op.code == OpCode::Call ? graph_.find(op.sym) : kNoId;
      if (op.code == OpCode::Call && wanted(index, callee)) {
        at = call(f, *p_.functions[callee], op, at, on_error);
        sizes_[index] += sizes_[callee];
        continue;
      }
      for (ValueId v : op.results) f.values[v].block = at;
      f.blocks[at].ops.push_back(std::move(op));
    }
  }

  // Returns the block in which the caller goes on.
  BlockId call(Function& f, const Function& callee, const Op& op, BlockId at, const Edge& on_error) {
    f.parallel |= callee.parallel;
    Copy copy(f, callee, op, on_error);
    if (copy.single_block()) {
      replaced_.emplace_back(op.result(), copy.splice(at));
      return at;
    }
    BlockId behind = f.add_block();
    f.blocks[behind].on_error = on_error;
    f.blocks[behind].params.push_back(op.result());
    f.values[op.result()].block = behind;
    Op& jump = f.blocks[at].ops.emplace_back();
    jump.code = OpCode::Jump;
    jump.loc = op.loc;
    BlockId first = copy.enter(behind);
    f.blocks[at].ops.back().targets.push_back({first, op.args});
    return behind;
  }

  void drop_unused() {
    std::vector<uint8_t> used(p_.functions.size(), 0);
    std::vector<uint32_t> work;
    auto use = [&](uint32_t i) {
      if (i == kNoId || used[i]) return;
      used[i] = 1;
      work.push_back(i);
    };
    for (uint32_t i = 0; i < used.size(); ++i)
      if (p_.functions[i]->exported) use(i);
    if (work.empty()) return;              // nothing is exported: not a whole program
    while (!work.empty()) {
      const Function& f = *p_.functions[work.back()];
      work.pop_back();
      for (const Block& b : f.blocks)
        for (const Op& op : b.ops) {
          if (!op.sym.empty()) use(graph_.find(op.sym));
          if (op.code == OpCode::ParFor || op.code == OpCode::Reduce)
            for (const std::string& name : op.names) use(graph_.find(name));
        }
    }
    size_t kept = 0;
    for (size_t i = 0; i < used.size(); ++i)
      if (used[i]) std::swap(p_.functions[kept++], p_.functions[i]);
    p_.functions.resize(kept);
  }

  Program& p_;
  const PassOptions& options_;
  CallGraph graph_;
  std::vector<uint32_t> sizes_;            // ops, growing as callees come in
  std::vector<uint32_t> uses_;             // places in the program that name a function, before this run
  std::vector<uint8_t> forks_;             // has parallel loops: tracebacks of their rounds end where the function does
  std::vector<std::pair<ValueId, ValueId>> replaced_;      // results of calls, and what stands for them
};

}  // namespace

void run_inline(Program& p, const PassOptions& options) { Inliner(p, options).run(); }

}  // namespace coluber::ir
