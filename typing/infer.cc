// Inference: a fixpoint over the blocks of an untyped function. Types and constants propagate together along the edges that can be taken;
// a branch on a known condition leaves the other side untyped. Rules run dry here; a rule that fails leaves its result unknown, and the
// failure is reported when lowering meets it again (what looks wrong on partial types may be right in the end).
#include <queue>
#include <stdexcept>

#include "typing/session.h"

namespace coluber::typing {
using namespace ir;

uint32_t find_site(Spec& spec, uint32_t s);
bool grow_site(Spec& spec, uint32_t s, const AbsVal& item);

void index_function(FunctionInfo& info) {
  Function& f = *info.ir;
  info.uses.assign(f.values.size(), {});
  info.defs.assign(f.values.size(), {kNoId, kNoId});
  auto use = [&](ValueId v, BlockId b) {
    auto& u = info.uses[v];
    if (u.empty() || u.back() != b) u.push_back(b);
  };
  for (BlockId b = 0; b < f.blocks.size(); b++) {
    Block& block = f.blocks[b];
    for (ValueId p : block.params) info.defs[p] = {b, kNoId};
    for (uint32_t k = 0; k < block.ops.size(); k++) {
      for (ValueId a : block.ops[k].args) use(a, b);
      for (ValueId r : block.ops[k].results) info.defs[r] = {b, k};
      for (Edge& t : block.ops[k].targets) for (ValueId a : t.args) use(a, b);
    }
    for (ValueId a : block.on_error.args) use(a, b);
  }
  info.star_list.assign(f.values.size(), 0);
  for (Block& block : f.blocks)
    for (Op& op : block.ops)
      if (op.code == OpCode::PyListToTuple) info.star_list[op.args[0]] = 1;
  // reverse postorder, without recursion
  std::vector<uint8_t> seen(f.blocks.size(), 0);
  std::vector<std::pair<BlockId, size_t>> stack{{0, 0}};
  std::vector<BlockId> post;
  seen[0] = 1;
  while (!stack.empty()) {
    auto& [b, next] = stack.back();
    Block& block = f.blocks[b];
    size_t n = block.term().targets.size() + (block.on_error.valid() ? 1 : 0);
    if (next == n) { post.push_back(b); stack.pop_back(); continue; }
    BlockId to = next < block.term().targets.size() ? block.term().targets[next].block : block.on_error.block;
    next++;
    if (!seen[to]) { seen[to] = 1; stack.push_back({to, 0}); }
  }
  info.order.assign(post.rbegin(), post.rend());
}

namespace {

class Inference {
 public:
  Inference(Session& session, Spec& spec) : session_(session), spec_(spec), fn_(*spec.fn->ir), emit_(session, spec) {
    rank_.assign(fn_.blocks.size(), 0);
    for (size_t k = 0; k < spec.fn->order.size(); k++) rank_[spec.fn->order[k]] = static_cast<uint32_t>(k);
    incoming_.resize(fn_.blocks.size());
    queued_.assign(fn_.blocks.size(), 0);
  }

  void run() {
    spec_.vals.assign(fn_.values.size(), {});
    spec_.reached.assign(fn_.blocks.size(), 0);
    spec_.edge_live.assign(fn_.blocks.size(), 0);
    spec_.changes.assign(fn_.values.size(), 0);
    spec_.failures.clear();
    Block& entry = fn_.blocks[0];
    for (size_t k = 0; k < entry.params.size(); k++) spec_.vals[entry.params[k]] = spec_.args.at(k);
    for (uint32_t k : spec_.empty_args) make_site(entry.params[k], k);
    reach(0);
    do {
      while (!work_.empty()) {
        BlockId b = work_.top().second;
        work_.pop();
        queued_[b] = 0;
        visit(b);
        if (spec_.sites_grew) revisit_sites();
      }
    } while (feed_empty_lists());
    for (uint32_t k : spec_.empty_args) spec_.args[k].type = spec_.vals[entry.params[k]].type;
    join_returns();
    if (!ret_.is_bottom() || !spec_.recursive) spec_.ret = ret_;
    spec_.ret.site = ~0u;
  }

 private:
  Session& session_;
  Spec& spec_;
  Function& fn_;
  Emit emit_;
  std::vector<uint32_t> rank_;
  std::vector<std::vector<std::pair<BlockId, int>>> incoming_;   // live edges into a block
  std::vector<uint8_t> queued_;
  std::priority_queue<std::pair<int64_t, BlockId>> work_;
  AbsVal ret_;
  std::vector<TV> args_, results_;

  // A list that comes empty is like one that is made here.
  void make_site(ValueId param, uint32_t arg) {
    auto site = static_cast<uint32_t>(spec_.sites.size());
    AbsVal elem;
    elem.type = spec_.args[arg].type->elem;
    spec_.sites.push_back({site, elem, {}});
    spec_.vals[param] = spec_.args[arg];
    spec_.vals[param].site = site;
  }

  void revisit_sites() {
    spec_.sites_grew = false;
    for (uint32_t k : spec_.empty_args) {
      AbsVal list = spec_.vals[fn_.blocks[0].params[k]];
      list.type = list_of(spec_.sites[find_site(spec_, list.site)].elem.type);
      set(fn_.blocks[0].params[k], list);
    }
    for (auto& [key, site] : spec_.site_of_op) queue(static_cast<BlockId>(key >> 32));
  }

  // When something still waits for its operands' types, lists that nothing was put into become lists of int. True when one did.
  bool feed_empty_lists() {
    bool waits = false;
    for (BlockId b = 0; b < fn_.blocks.size() && !waits; b++) {
      if (!spec_.reached[b]) continue;
      for (const Op& op : fn_.blocks[b].ops)
        for (ValueId r : op.results) waits = waits || spec_.vals[r].is_bottom();
    }
    bool fed = false;
    AbsVal item;
    item.type = pyint();
    for (uint32_t k = 0; k < spec_.sites.size() && waits; k++)
      if (spec_.sites[k].parent == k && spec_.sites[k].elem.is_bottom()) fed = grow_site(spec_, k, item) || fed;
    if (fed) revisit_sites();
    return fed;
  }

  void queue(BlockId b) {
    if (!spec_.reached[b] || queued_[b]) return;
    queued_[b] = 1;
    work_.push({-static_cast<int64_t>(rank_[b]), b});
  }
  void reach(BlockId b) {
    if (!spec_.reached[b]) { spec_.reached[b] = 1; queue(b); }
  }

  void set(ValueId v, AbsVal now) {
    AbsVal& old = spec_.vals[v];
    if (now.site != ~0u) now.site = find_site(spec_, now.site);
    if (same(old, now)) return;
    if (++spec_.changes[v] > 12) {
      AbsVal j;
      if (spec_.fn->objects) now = join_objects(old, now);
      else if (join(old, now, &j)) now = j;
      if (same(old, now)) return;
      if (spec_.changes[v] > 200) throw std::runtime_error("in " + spec_.name + " the type of %" + std::to_string(v) + " does not settle");   // types only grow
    }
    old = now;
    for (BlockId b : spec_.fn->uses[v]) queue(b);
  }

  const Edge& edge(BlockId from, int k) {
    Block& b = fn_.blocks[from];
    return k == 7 ? b.on_error : b.term().targets[static_cast<size_t>(k)];
  }

  void take(BlockId from, int k) {
    const Edge& e = edge(from, k);
    if (!(spec_.edge_live[from] >> k & 1)) {
      spec_.edge_live[from] |= static_cast<uint8_t>(1u << k);
      incoming_[e.block].push_back({from, k});
    }
    reach(e.block);
    Block& to = fn_.blocks[e.block];
    for (size_t p = 0; p < to.params.size(); p++) join_param(e.block, p);
  }

  void join_param(BlockId b, size_t p) {
    AbsVal all;
    ValueId param = fn_.blocks[b].params[p];
    for (auto& [from, k] : incoming_[b]) {
      const AbsVal& in = spec_.vals[edge(from, k).args[p]];
      if (in.is_bottom()) continue;
      merge_sites(all, in);
      AbsVal j;
      if (spec_.fn->objects) j = join_objects(all, in);
      else if (!spec_.fn->entry.empty() && is_number(all.type) && is_number(in.type) && all.type != in.type) j.type = promote(all.type, in.type);   // what a loop begins with is weak, as a literal would be
      else if (!join(all, in, &j)) throw_join(all, in, b, param);
      all = j;
    }
    set(param, all);
  }

  void merge_sites(const AbsVal& a, const AbsVal& b) {
    if (a.site == ~0u || b.site == ~0u) return;
    uint32_t x = find_site(spec_, a.site), y = find_site(spec_, b.site);
    if (x == y) return;
    AbsVal elem = spec_.sites[y].elem;
    spec_.sites[y].parent = x;
    if (!elem.is_bottom()) grow_site(spec_, x, elem);
    spec_.sites_grew = true;
  }

  [[noreturn]] void throw_join(const AbsVal& a, const AbsVal& b, BlockId block, ValueId param) {
    TypeFail f{"CannotUnify", {fn_.values[param].name.empty() ? "a value" : "variable '" + fn_.values[param].name + "'", describe(a), describe(b)}, {}};
    for (auto& [from, k] : incoming_[block]) {
      ValueId v = edge(from, k).args[p_index(block, param)];
      auto [db, di] = spec_.fn->defs[v];
      if (di != kNoId) f.notes.push_back({fn_.blocks[db].ops[di].loc, describe(spec_.vals[v]) + " here"});
    }
    uint32_t loc = fn_.blocks[block].ops.empty() ? 0 : fn_.blocks[block].ops[0].loc;
    throw CompileError{make_diag(session_, spec_, f, f.notes.empty() ? loc : f.notes.back().first)};
  }
  size_t p_index(BlockId block, ValueId param) {
    auto& ps = fn_.blocks[block].params;
    for (size_t k = 0; k < ps.size(); k++) if (ps[k] == param) return k;
    return 0;
  }

  void visit(BlockId b) {
    Block& block = fn_.blocks[b];
    bool stuck = false;
    if (block.on_error.valid()) take(b, 7);
    for (uint32_t k = 0; k < block.ops.size() && !stuck; k++) {
      const Op& op = block.ops[k];
      if (op.has(Term)) { visit_term(b, op); return; }
      args_.clear();
      for (ValueId a : op.args) args_.push_back(TV(spec_.vals[a]));
      results_.clear();
      try {
        eval_op(emit_, op, static_cast<uint64_t>(b) << 32 | k, args_, &results_);
      } catch (TypeFail& f) {
        results_.assign(op.results.size(), TV());
        stuck = true;
      } catch (CompileError& error) {        // of a callee
        add_caller(&error.diag, spec_, op.loc);
        throw;
      }
      for (size_t r = 0; r < op.results.size(); r++) set(op.results[r], r < results_.size() ? results_[r] : AbsVal());
      // a call that does not return (yet): nothing behind it is reached
      if (!op.results.empty() && op.code == OpCode::PyCall && spec_.vals[op.results[0]].is_bottom()) stuck = true;
    }
  }

  // Not before all is settled: the element types of lists grow.
  void join_returns() {
    uint32_t first = 0;                        // where a value was returned first
    for (BlockId b : spec_.fn->order) {
      if (!spec_.reached[b] || fn_.blocks[b].term().code != OpCode::Return) continue;
      const Op& op = fn_.blocks[b].term();
      const AbsVal& v = spec_.vals[op.args[0]];
      AbsVal j;
      if (spec_.fn->objects) {
        ret_ = join_objects(ret_, v);
        if (!ret_.is_none() && !is_number(ret_.type) && !ret_.is_bottom()) ret_ = AbsVal{scalar(Kind::Object)};
        continue;
      }
      bool exact = session_.options.exact && spec_.depth == 0 && is_number(ret_.type) && is_number(v.type) && ret_.type != v.type;
      if (exact || !join(ret_, v, &j)) {
        TypeFail f{"CannotReturn", {describe(ret_), describe(v)}, {{op.loc, describe(v) + " here"}, {first, describe(ret_) + " here"}}};
        throw CompileError{make_diag(session_, spec_, f, op.loc)};
      }
      if (ret_.is_bottom()) first = op.loc;
      ret_ = j;
    }
    if (spec_.depth == 0) ret_.type = for_python(ret_.type);
  }

  void visit_term(BlockId b, const Op& op) {
    switch (op.code) {
      case OpCode::Jump: take(b, 0); break;
      case OpCode::Branch: {
        const AbsVal& c = spec_.vals[op.args[0]];
        if (c.is_bottom()) break;
        if (c.c && (c.c->kind == CLB_BOOL || c.c->kind == CLB_INT)) take(b, c.c->i ? 0 : 1);
        else { take(b, 0); take(b, 1); }
        break;
      }
      case OpCode::Return: {
        break;                             // join_returns
      }
      default: break;   // raise: leaves by the error edge
    }
  }
};

}  // namespace

void infer(Session& session, Spec& spec) {
  spec.site_of_op.clear();
  spec.sites.clear();
  Inference(session, spec).run();
}

}  // namespace coluber::typing
