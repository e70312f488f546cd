// The passes over values: checks of bound variables, parameters that are always the same, whatever nobody uses.
#include <algorithm>
#include <deque>

#include "ir/frontend/simplify.h"

namespace coluber::ir::frontend {

bool raises(const Block& block) {
  return std::any_of(block.ops.begin(), block.ops.end(), [](const Op& op) { return op.has(Raises); });
}

void Replacements::apply(Function* f) {
  if (!any_) return;
  auto all = [&](std::vector<ValueId>* list) {
    for (ValueId& v : *list)
      if (v != kNoId) v = find(v);
  };
  for (Block& b : f->blocks) {
    for (Op& op : b.ops) all(&op.args);
    for_edges(b, [&](Edge& e, bool) { all(&e.args); });
    if (b.state) {
      all(&b.state->locals);
      all(&b.state->stack);
    }
  }
}

bool drop_sure_checks(Function* f, bool part) {
  bool any = std::any_of(f->blocks.begin(), f->blocks.end(), [](const Block& b) {
    return std::any_of(b.ops.begin(), b.ops.end(), [](const Op& op) { return op.code == OpCode::PyCheckBound; });
  });
  if (!any) return false;
  std::vector<std::vector<ValueId>> feeds(f->values.size());   // value -> parameters it is passed to
  std::vector<bool> maybe(f->values.size(), false);
  std::vector<ValueId> work;
  auto mark = [&](ValueId v) {
    if (maybe[v]) return;
    maybe[v] = true;
    work.push_back(v);
  };
  for (Block& b : f->blocks)
    for_edges(b, [&](Edge& e, bool) {
      for (size_t i = 0; i < e.args.size(); ++i) feeds[e.args[i]].push_back(f->blocks[e.block].params[i]);
    });
  for (Block& b : f->blocks)
    for (Op& op : b.ops)
      if (op.code == OpCode::PyUnbound) mark(op.results[0]);
  if (part)
    for (ValueId p : f->blocks[0].params) mark(p);
  if (part)
    for (Op& op : f->blocks[0].ops)
      if (op.code == OpCode::PyObject && op.sym == "own" && maybe[op.args[0]]) mark(op.results[0]);
  while (!work.empty()) {
    ValueId v = work.back();
    work.pop_back();
    for (ValueId p : feeds[v]) mark(p);
  }
  Replacements replace(f->values.size());
  for (Block& b : f->blocks)
    std::erase_if(b.ops, [&](Op& op) {
      if (op.code != OpCode::PyCheckBound || maybe[op.args[0]]) return false;
      replace.replace(op.results[0], op.args[0]);
      return true;
    });
  replace.apply(f);
  return replace.any();
}

namespace {

// A parameter that gets one value on all ways is that value. Ways that bring it in refined form (py.refine) count as bringing the value
// itself, when they differ: otherwise a test inside a loop would turn an invariant into a loop-carried value.
class TrivialParams {
 public:
  explicit TrivialParams(Function* f)
      : f_(*f), replace_(f->values.size()), refined_(f->values.size(), kNoId), where_(f->values.size()), users_(f->values.size()), ways_in_(f->blocks.size()) {}

  bool run() {
    index();
    while (!work_.empty()) {
      ValueId p = work_.front();
      work_.pop_front();
      if (!replace_.replaced(p)) look_at(p);
    }
    if (!replace_.any()) return false;
    erase();
    replace_.apply(&f_);
    return true;
  }

 private:
  void index() {
    for (BlockId b = 0; b < f_.blocks.size(); ++b) {
      Block& block = f_.blocks[b];
      for (size_t i = 0; i < block.params.size(); ++i) where_[block.params[i]] = {b, i};
      for (Op& op : block.ops)
        if (op.code == OpCode::PyRefine) refined_[op.results[0]] = op.args[0];
      for_edges(block, [&](Edge& e, bool) { ways_in_[e.block].push_back(&e); });
      if (b) work_.insert(work_.end(), block.params.begin(), block.params.end());
    }
    for (BlockId b = 0; b < f_.blocks.size(); ++b)
      for (Edge* e : ways_in_[b])
        for (size_t i = 0; i < e->args.size(); ++i) {
          ValueId p = f_.blocks[b].params[i], base = strip(e->args[i]);
          users_[e->args[i]].push_back(p);
          if (base != e->args[i]) users_[base].push_back(p);
        }
  }

  ValueId strip(ValueId v) {
    v = replace_.find(v);
    while (refined_[v] != kNoId) v = replace_.find(refined_[v]);
    return v;
  }

  void look_at(ValueId p) {
    auto [block, index] = where_[p];
    ValueId one = kNoId, base = kNoId;
    bool same = true;
    for (Edge* e : ways_in_[block]) {
      ValueId v = replace_.find(e->args[index]), s = strip(v);
      if (s == p) {
        same &= v == p;
        continue;
      }
      if (base == kNoId) {
        one = v;
        base = s;
      } else if (s != base) {
        return;
      }
      same &= v == one;
    }
    if (base == kNoId) return;
    ValueId by = same ? one : base;
    replace_.replace(p, by);
    std::vector<ValueId> again = std::move(users_[p]);
    for (ValueId user : again) work_.push_back(user);
    users_[by].insert(users_[by].end(), again.begin(), again.end());
    if (by != base) users_[base].insert(users_[base].end(), again.begin(), again.end());
  }

  void erase() {
    for (BlockId b = 1; b < f_.blocks.size(); ++b) {
      Block& block = f_.blocks[b];
      auto gone = [&](size_t i) { return replace_.replaced(block.params[i]); };
      for (Edge* e : ways_in_[b]) {
        size_t kept = 0;
        for (size_t i = 0; i < e->args.size(); ++i)
          if (!gone(i)) e->args[kept++] = e->args[i];
        e->args.resize(kept);
      }
      std::erase_if(block.params, [&](ValueId p) { return replace_.replaced(p); });
    }
  }

  struct Place {
    BlockId block = 0;
    size_t index = 0;
  };
  Function& f_;
  Replacements replace_;
  std::vector<ValueId> refined_;           // result of a py.refine -> its operand
  std::vector<Place> where_;               // of parameters
  std::vector<std::vector<ValueId>> users_;
  std::vector<std::vector<Edge*>> ways_in_;
  std::deque<ValueId> work_;
};

// Pure ops and parameters without a use. py.catch stays: it takes the exception.
class Dead {
 public:
  explicit Dead(Function* f) : f_(*f), live_(f->values.size(), false), def_(f->values.size()), ways_in_(f->blocks.size()) {}

  bool run() {
    for (BlockId b = 0; b < f_.blocks.size(); ++b) {
      Block& block = f_.blocks[b];
      for (uint32_t i = 0; i < block.params.size(); ++i) def_[block.params[i]] = {b, i, true};
      for (uint32_t i = 0; i < block.ops.size(); ++i)
        for (ValueId v : block.ops[i].results) def_[v] = {b, i, false};
      for_edges(block, [&](Edge& e, bool) { ways_in_[e.block].push_back(&e); });
    }
    for (Block& b : f_.blocks)
      for (Op& op : b.ops)
        if (!removable(op)) mark_all(op.args);
    while (!work_.empty()) {
      ValueId v = work_.back();
      work_.pop_back();
      follow(v);
    }
    return erase();
  }

 private:
  static bool removable(const Op& op) {
    if (op.code == OpCode::PyDeref) return !op.ints.empty();   // captured by a function that is gone
    return op.has(Pure) && !op.has(Term) && op.code != OpCode::PyCatch;
  }

  void mark(ValueId v) {
    if (live_[v]) return;
    live_[v] = true;
    work_.push_back(v);
  }
  void mark_all(const std::vector<ValueId>& list) {
    for (ValueId v : list) mark(v);
  }
  void follow(ValueId v) {
    const Def& d = def_[v];
    if (d.block == kNoId) return;
    if (!d.param) return mark_all(f_.blocks[d.block].ops[d.index].args);
    for (Edge* e : ways_in_[d.block]) mark(e->args[d.index]);
  }

  bool erase() {
    bool changed = false;
    for (BlockId b = 0; b < f_.blocks.size(); ++b) {
      Block& block = f_.blocks[b];
      changed |= std::erase_if(block.ops, [&](const Op& op) {
        return removable(op) && std::none_of(op.results.begin(), op.results.end(), [&](ValueId v) { return live_[v]; });
      }) > 0;
      if (b == 0 || std::all_of(block.params.begin(), block.params.end(), [&](ValueId v) { return live_[v]; })) continue;
      for (Edge* e : ways_in_[b]) {
        size_t kept = 0;
        for (size_t i = 0; i < e->args.size(); ++i)
          if (live_[block.params[i]]) e->args[kept++] = e->args[i];
        e->args.resize(kept);
      }
      std::erase_if(block.params, [&](ValueId v) { return !live_[v]; });
      changed = true;
    }
    return changed;
  }

  struct Def {
    BlockId block = kNoId;
    uint32_t index = 0;
    bool param = false;
  };
  Function& f_;
  std::vector<bool> live_;
  std::vector<Def> def_;
  std::vector<std::vector<Edge*>> ways_in_;
  std::vector<ValueId> work_;
};

}  // namespace

bool remove_trivial_params(Function* f) { return TrivialParams(f).run(); }
bool remove_dead(Function* f) { return Dead(f).run(); }

void simplify(Function* f) {
  constexpr int kRounds = 20;              // each one shrinks the function; few are ever needed
  for (int round = 0; round < kRounds; ++round) {
    bool changed = remove_trivial_params(f);
    changed |= remove_dead(f);
    changed |= simplify_blocks(f);
    if (!changed) return;
  }
}

}  // namespace coluber::ir::frontend
