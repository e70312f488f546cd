// The ownership rule of the verifier (O1 of verify.cc): counts the references of each unit along the paths (ir/analysis/ownership.h says
// what units are). All edges into a block must bring the same counts; where the function is left, by return or by an error, none is left.
#include <algorithm>

#include "ir/analysis/ownership.h"
#include "ir/verify.h"

namespace coluber::ir {
namespace {

using State = std::vector<std::pair<ValueId, int32_t>>;   // units with references, ascending

class Balance {
 public:
  explicit Balance(const Function& f)
      : f_(f), cfg_(f), own_(f, cfg_), count_(f.values.size(), 0), seen_(f.values.size(), false), entry_(f.blocks.size()), known_(f.blocks.size(), false) {}

  std::string run() {
    known_[0] = true;
    for (BlockId b : cfg_.rpo()) {
      block(b);
      if (!why_.empty()) return why_;
    }
    return {};
  }

 private:
  void block(BlockId b) {
    b_ = b;
    op_ = nullptr;
    for (auto [unit, n] : entry_[b]) add(unit, n);
    for (ValueId v : f_.blocks[b].params)
      if (own_.managed(v) && own_.source(v) == Source::Owned) add(v, 1);
    for (const Op& op : f_.blocks[b].ops) {
      op_ = &op;
      step(op);
      if (!why_.empty()) return;
    }
    for (ValueId v : touched_) count_[v] = 0, seen_[v] = false;
    touched_.clear();
  }

  void step(const Op& op) {
    for (ValueId v : op.args)
      if (!alive(v)) return fail("%" + std::to_string(v) + " is used when it is no longer held");
    if (op.code == OpCode::Retain) {
      if (tracked(op.args[0])) add(own_.unit(op.args[0]), 1);
      return;
    }
    fresh_ = kNoId;
    if (op.code == OpCode::Release) return take(op.args[0], "released");
    bool early = consumes_on_error(op);
    if (early) consume(op);
    if (op.has(Raises)) error_path(op);
    if (!early) consume(op);
    for (ValueId v : op.results)
      if (own_.managed(v) && own_.unit(v) == v) define(v);
    if (op.has(Term)) leave(op);
  }

  void define(ValueId v) {
    if (own_.source(v) == Source::Owned) add(v, 1);
    if (own_.source(v) == Source::Copied) fresh_ = v;
  }

  void consume(const Op& op) {
    for (size_t i = 0; i < op.args.size(); ++i)
      if (own_.managed(op.args[i]) && consumes(op, i)) take(op.args[i], "moved");
  }

  // Takes references away for the length of `fn`.
  template <class Fn>
  void with_taken(const std::vector<ValueId>& first, const char* how, const std::vector<ValueId>& second, Fn fn) {
    for (ValueId v : first) take(v, how);
    for (ValueId v : second) take(v, "moved");
    if (why_.empty()) fn();
    for (ValueId v : first) if (tracked(v)) add(own_.unit(v), 1);
    for (ValueId v : second) if (tracked(v)) add(own_.unit(v), 1);
  }

  void error_path(const Op& op) {
    const Edge& e = f_.blocks[b_].on_error;
    with_taken(op.on_error, "released on error", e.args, [&] { if (e.valid()) arrive(e); else nothing_left("by an error"); });
  }

  void leave(const Op& op) {
    for (const Edge& e : op.targets) with_taken({}, "", e.args, [&] { arrive(e); });
    if (op.code == OpCode::Return) nothing_left("by return");
  }

  void arrive(const Edge& e) {
    State now = state();
    if (!known_[e.block]) {
      known_[e.block] = true;
      entry_[e.block] = std::move(now);
      return;
    }
    if (now == entry_[e.block]) return;
    fail("the edge to ^" + std::to_string(e.block) + " brings other references than another edge: " + text(now) + " against " +
         text(entry_[e.block]));
  }

  void nothing_left(const char* how) {
    State now = state();
    if (!now.empty()) fail("the function is left " + std::string(how) + " with references to " + text(now));
  }

  State state() {
    State out;
    for (ValueId v : touched_)
      if (count_[v]) out.emplace_back(v, count_[v]);
    std::sort(out.begin(), out.end());
    return out;
  }

  static std::string text(const State& s) {
    std::string out;
    for (auto [unit, n] : s) out += (out.empty() ? "%" : ", %") + std::to_string(unit) + (n > 1 ? " x" + std::to_string(n) : "");
    return out.empty() ? "nothing" : out;
  }

  bool tracked(ValueId v) const { return own_.managed(v) && own_.source(own_.unit(v)) != Source::Static; }

  bool alive(ValueId v) const {
    for (;;) {
      ValueId u = own_.unit(v);
      if (u != kNoId) {
        // What was copied is held elsewhere until the retain directly behind it.
        bool copied = u == fresh_ && op_->code == OpCode::Retain;
        if (count_[u] > 0 || own_.source(u) == Source::Static || own_.source(u) == Source::Borrowed || copied) return true;
      }
      v = own_.base(u != kNoId ? u : v);
      if (v == kNoId) return u == kNoId;
    }
  }

  void take(ValueId v, const char* how) {
    if (!tracked(v)) return;
    ValueId u = own_.unit(v);
    if (count_[u] <= 0) return fail("%" + std::to_string(v) + " is " + how + " but no reference to it is held");
    add(u, -1);
  }

  void add(ValueId unit, int32_t n) {
    if (!seen_[unit]) touched_.push_back(unit);
    seen_[unit] = true;
    count_[unit] += n;
  }

  void fail(const std::string& why) {
    if (why_.empty()) why_ = verify_message(f_, b_, op_, why);
  }

  const Function& f_;
  Cfg cfg_;
  Ownership own_;
  std::vector<int32_t> count_;              // references held now, of units
  std::vector<bool> seen_;                  // is in touched_
  std::vector<ValueId> touched_;            // units counted in this block, each once
  std::vector<State> entry_;                // at the head of each block, without its parameters
  std::vector<bool> known_;
  BlockId b_ = 0;
  const Op* op_ = nullptr;
  ValueId fresh_ = kNoId;                   // a copied reference that was just made
  std::string why_;
};

}  // namespace

std::string verify_ownership(const Function& f) { return Balance(f).run(); }

}  // namespace coluber::ir
