// The bodies of with statements in native code. Such a statement may be `with objmode(...)`, whose body Python runs; the frontend does not know
// what a name stands for, so that every with statement gets a second form, in which one instruction names its body as a part of the function
// (regions.h). Inference knows, and takes one of the two (typing/with.cc):
//
//   with C:              block:  C; WithKind; Branch apart, inside
//     body               apart:  WithBody #k             k: the entry point of the body
//   rest                         per way out, the variables that the body has set (LiftResult); what follows `body`, without the call of __exit__
//                        inside: WithEnter; body; the call of __exit__; rest
//
// Of a body that cannot be cut out, `apart` is a WithEnter that tells the reason.
#include <algorithm>

#include "ir/frontend/liveness.h"
#include "ir/frontend/splice.h"

namespace coluber::ir::frontend {
namespace {

class Withs : Splicer {
 public:
  Withs(Unit* unit, Cfg* cfg) : Splicer(unit, cfg), live_(without_handlers(*cfg), unit->vars.size()) {}

  void run() {
    std::vector<Plan> plans;
    for (size_t b = 0; b < cfg_.blocks.size(); ++b) {        // those in the body of another one, too: that may be no objmode
      int at_inst = with_in(static_cast<int>(b));
      if (at_inst < 0) continue;
      Plan p;
      p.block = static_cast<int>(b);
      p.inst = at_inst;
      find(&p);
      plans.push_back(std::move(p));
    }
    for (const Plan& p : plans)
      if (p.depth >= 0) p.why == WithProblem::None ? cut(p) : refuse(p);
    if (!plans.empty()) order_blocks(&cfg_);
  }

 private:
  struct Plan {
    int block = -1, inst = -1;             // of WithEnter
    int depth = -1;                        // of the stack below the statement; -1: nothing is known of it
    EntryPoint entry;
    std::vector<bool> body;                // which blocks; the first one from its Pop on
    std::vector<int> targets;              // of the exits
    std::vector<uint8_t> sure;             // of the exits' variables: it is bound whatever way was taken
    WithProblem why = WithProblem::None;
    uint32_t loc = 0;                      // where
  };

  // objmode lets all exceptions pass: no way leads from its handler to what follows the statement.
  static Cfg without_handlers(const Cfg& cfg) {
    Cfg out = cfg;
    for (CfgBlock& b : out.blocks)
      if (b.handler >= 0 && calls_exit(cfg.blocks[static_cast<size_t>(b.handler)])) b.handler = -1;
    return out;
  }
  static bool calls_exit(const CfgBlock& handler) {
    size_t k = !handler.insts.empty() && handler.insts[0].op == Micro::PushExcInfo ? 1 : 0;
    return k < handler.insts.size() && handler.insts[k].op == Micro::WithExit;
  }

  // The first block from here on that does something; -1: there is none, as in `while True: pass`.
  int behind_empty(int b) {
    for (size_t k = 0; k < cfg_.blocks.size() && b >= 0; ++k) {
      if (!at(b).insts.empty()) return b;
      b = at(b).next;
    }
    return -1;
  }

  int with_in(int b) {
    const std::vector<Inst>& insts = at(b).insts;
    for (size_t k = 0; k < insts.size(); ++k)
      if (insts[k].op == Micro::WithEnter) return static_cast<int>(k);
    return -1;
  }

  void stop(Plan* p, WithProblem why, uint32_t loc) {
    if (p->why != WithProblem::None) return;
    p->why = why;
    p->loc = loc;
  }

  void find(Plan* p) {
    const CfgBlock& b = at(p->block);
    uint32_t loc = b.insts[static_cast<size_t>(p->inst)].loc;
    p->body.assign(cfg_.blocks.size(), false);
    int first = behind_empty(b.next);
    bool last = static_cast<size_t>(p->inst) + 1 == b.insts.size() || b.insts[static_cast<size_t>(p->inst) + 1].op == Micro::PushHandler;
    if (first >= 0 && at(first).depth >= 2) p->depth = at(first).depth - 2;
    if (p->depth < 0 || !last) return stop(p, WithProblem::Shape, loc);
    if (at(first).insts[0].op != Micro::Pop) return stop(p, WithProblem::As, loc);
    if (b.insts.back().op == Micro::PushHandler) p->entry.cuts.push_back(EntryPoint::kBegun);
    p->entry.nulls = p->depth + 1;
    int start = at(first).insts.size() == 1 ? behind_empty(at(first).next) : first;
    if (start < 0) return stop(p, WithProblem::Shape, loc);
    p->entry.offset = at(start).insts[start == first ? 1 : 0].offset;
    collect(p, start);
    if (p->targets.empty() && p->why == WithProblem::None) stop(p, WithProblem::Raises, loc);
    if (p->why != WithProblem::None) return;
    Vars reads(unit_.vars.size(), false), sets(unit_.vars.size(), false);
    effects(*p, &reads, &sets);
    int outer = b.handler;                 // of another with statement: it lets exceptions pass, as all context managers of native code do
    while (outer >= 0 && calls_exit(at(outer))) outer = at(outer).handler;
    if (outer >= 0) handlers(p, outer, sets);
    variables(p, start, reads, sets);
  }

  // The blocks from `start` on up to the calls of __exit__.
  void collect(Plan* p, int start) {
    std::vector<int> work{start};
    while (!work.empty()) {
      int b = behind_empty(work.back());
      work.pop_back();
      if (b < 0 || p->body[static_cast<size_t>(b)]) continue;
      if (exit_call(b) && at(b).depth == p->depth + 1) {
        if (std::find(p->targets.begin(), p->targets.end(), b) != p->targets.end()) continue;
        if (!alone(b) || p->targets.size() == 8) stop(p, WithProblem::Shape, at(b).insts[0].loc);
        p->targets.push_back(b);
        p->entry.exits.push_back({at(b).insts[0].offset, {}});
        continue;
      }
      if (at(b).foreign && b == start) stop(p, WithProblem::Shape, at(b).insts[0].loc);
      p->body[static_cast<size_t>(b)] = true;
      for (const Inst& i : at(b).insts) {
        if (i.op == Micro::Return) stop(p, WithProblem::Returns, i.loc);
        if (i.op == Micro::Yield) stop(p, WithProblem::Shape, i.loc);
      }
      work.insert(work.end(), {at(b).next, at(b).other});
      if (at(b).handler >= 0) handler(p, at(b).handler, at(b).handler_depth, &work);
    }
  }

  // Of the statement itself, or of one inside.
  void handler(Plan* p, int h, int depth, std::vector<int>* work) {
    const std::vector<Inst>& insts = at(h).insts;
    bool own = depth <= p->depth || (depth == p->depth + 1 && calls_exit(at(h)));
    if (!own) return work->push_back(h);
    if (insts.empty()) return stop(p, WithProblem::Shape, 0);
    std::vector<uint32_t>& cuts = p->entry.cuts;
    if (std::find(cuts.begin(), cuts.end(), insts[0].offset) == cuts.end()) cuts.push_back(insts[0].offset);
  }

  // A block that begins with the call of __exit__(None, None, None). What follows drops the result.
  bool exit_call(int b) {
    const std::vector<Inst>& insts = at(b).insts;
    auto is = [&](size_t k, Micro op) { return k < insts.size() && insts[k].op == op; };
    auto none = [&](size_t k) { return is(k, Micro::Const) && unit_.consts[static_cast<size_t>(insts[k].a)]->kind == CLB_NONE; };
    bool copies = is(1, Micro::Copy) && is(2, Micro::Copy);
    if (!none(0) || !((none(1) && none(2)) || copies)) return false;
    return (is(3, Micro::Call) && insts[3].a == 2 && !insts[3].b) || (is(3, Micro::CallPlain) && insts[3].a == 3);
  }

  void effects(const Plan& p, Vars* reads, Vars* sets) {
    for (size_t b = 0; b < p.body.size(); ++b) {
      if (!p.body[b]) continue;
      for (const Inst& i : cfg_.blocks[b].insts) {
        size_t v = static_cast<size_t>(i.a);
        bool stores = i.op == Micro::SetLocal || i.op == Micro::DelLocal || i.op == Micro::LocalClear;
        if (stores) (*sets)[v] = true;
        if (i.op == Micro::Local || i.op == Micro::Closure || i.op == Micro::DelLocal || i.op == Micro::LocalClear) (*reads)[v] = true;
      }
    }
  }

  // An exception leaves the statement with the variables as they were before it: none that a handler reads may have been set by then.
  void handlers(Plan* p, int outer, const Vars& sets) {
    for (size_t b = 0; b < p->body.size(); ++b) {
      if (!p->body[b]) continue;
      const std::vector<Inst>& insts = cfg_.blocks[b].insts;
      for (size_t k = 0; k < insts.size(); ++k) {
        if (insts[k].op != Micro::SetLocal && insts[k].op != Micro::DelLocal) continue;
        size_t v = static_cast<size_t>(insts[k].a);
        if (sets[v] && live_.live(outer, static_cast<int>(v)) && raises_after(*p, static_cast<int>(b), k + 1)) stop(p, WithProblem::Handler, insts[k].loc);
      }
    }
  }
  bool raises_after(const Plan& p, int block, size_t from) {
    std::vector<bool> seen(cfg_.blocks.size(), false);
    std::vector<int> work;
    auto raises = [&](int b, size_t k) {
      for (; k < at(b).insts.size(); ++k)
        if (micro_flags(at(b).insts[k].op) & MicroRaises) return true;
      for (int to : {at(b).next, at(b).other, at(b).handler}) work.push_back(to);
      return false;
    };
    if (raises(block, from)) return true;
    while (!work.empty()) {
      int b = work.back();
      work.pop_back();
      if (b < 0 || !p.body[static_cast<size_t>(b)] || seen[static_cast<size_t>(b)]) continue;
      seen[static_cast<size_t>(b)] = true;
      if (raises(b, 0)) return true;
    }
    return false;
  }

  // Parameters of the body, and what it sets that is read later. Variables that inner functions capture go in as cells, bound or not.
  void variables(Plan* p, int start, const Vars& reads, const Vars& sets) {
    Vars wanted = reads;
    std::vector<Vars> assigned = sure_sets(*p, start);
    for (size_t e = 0; e < p->targets.size(); ++e)
      for (size_t v = 0; v < std::min(sets.size(), unit_.own_vars); ++v) {
        if (!sets[v] || !live_.live(p->targets[e], static_cast<int>(v))) continue;
        wanted[v] = true;
        p->entry.exits[e].vars.push_back(static_cast<int>(v));
        p->sure.push_back(assigned[static_cast<size_t>(p->targets[e])][v]);
      }
    for (size_t v = 0; v < unit_.own_vars; ++v) {
      bool captured = unit_.vars[v].cell && (reads[v] || sets[v]);
      if (captured || (wanted[v] && live_.live(start, static_cast<int>(v)))) p->entry.vars.push_back(static_cast<int>(v));
    }
  }

  // Per block: which variables have been assigned on all ways there from the body's start.
  std::vector<Vars> sure_sets(const Plan& p, int start) {
    size_t n = unit_.vars.size();
    std::vector<Vars> in(cfg_.blocks.size(), Vars(n, true));
    in[static_cast<size_t>(start)].assign(n, false);
    for (bool changed = true; changed;) {
      changed = false;
      auto meet = [&](int to, const Vars& with) {
        to = behind_empty(to);
        if (to < 0) return;
        Vars& into = in[static_cast<size_t>(to)];
        for (size_t v = 0; v < n; ++v)
          if (into[v] && !with[v]) into[v] = false, changed = true;
      };
      for (size_t b = 0; b < p.body.size(); ++b) {
        if (!p.body[b]) continue;
        Vars now = in[b];
        for (const Inst& i : cfg_.blocks[b].insts)
          if (i.op == Micro::DelLocal || i.op == Micro::LocalClear) now[static_cast<size_t>(i.a)] = false;
        Vars error = now;                  // an exception may come before anything is assigned
        for (size_t v = 0; v < n; ++v) error[v] = error[v] && in[b][v];
        for (const Inst& i : cfg_.blocks[b].insts)
          if (i.op == Micro::SetLocal) now[static_cast<size_t>(i.a)] = true;
          else if (i.op == Micro::DelLocal || i.op == Micro::LocalClear) now[static_cast<size_t>(i.a)] = false;
        meet(cfg_.blocks[b].next, now);
        meet(cfg_.blocks[b].other, now);
        meet(cfg_.blocks[b].handler, error);
      }
    }
    return in;
  }

  // Divides the statement's block: objmode goes on in a block of its own, which is returned, any other context manager as it was.
  int divide(const Plan& p) {
    Inst like = at(p.block).insts[static_cast<size_t>(p.inst)];
    int apart = add_block(CfgBlock(at(p.block))), inside = add_block(CfgBlock(at(p.block)));
    CfgBlock &from = at(p.block), &to = at(inside);
    to.insts.assign(from.insts.begin() + p.inst, from.insts.end());
    to.next = from.next;
    to.other = from.other;
    to.depth = at(apart).depth = p.depth + 1;
    from.insts.resize(static_cast<size_t>(p.inst));
    from.insts.push_back(make(Micro::WithKind, like));
    from.insts.push_back(make(Micro::Branch, like));
    from.next = apart;
    from.other = inside;
    return apart;
  }

  void refuse(const Plan& p) {
    int apart = divide(p);
    Inst enter = at(at(p.block).other).insts[0];
    enter.b = static_cast<int>(p.why);
    if (p.loc) enter.loc = p.loc;
    at(apart).insts = {enter, make(Micro::Return, enter)};   // inference ends at the first of them
  }

  // A way out without the call of __exit__. A None stays in place of its result.
  int past_exit(int target, int depth) {
    int made = add_block(CfgBlock(at(target)));
    at(made).insts = at(target).insts;
    at(made).insts.erase(at(made).insts.begin() + 1, at(made).insts.begin() + 4);
    at(made).next = at(target).next;
    at(made).other = at(target).other;
    at(made).depth = depth;
    return made;
  }

  void cut(const Plan& p) {
    Inst like = at(p.block).insts[static_cast<size_t>(p.inst)];
    int lift = static_cast<int>(unit_.lifts.size());
    unit_.lifts.push_back({p.entry, p.sure});
    int block = divide(p), out = 0;
    at(block).insts.push_back(make(Micro::WithBody, like, lift));
    for (size_t e = 0; e < p.targets.size(); ++e) {
      int result = out++, next = -1;
      if (e + 1 < p.targets.size()) {      // another way out is left if not by this one
        at(block).insts.push_back(make(Micro::LiftResult, like, lift, result));
        at(block).insts.push_back(make(Micro::Branch, like));
        int taken = add_block(CfgBlock{});
        next = add_block(CfgBlock{});
        at(block).next = taken;
        at(block).other = next;
        block = taken;
      }
      block = set_variables(p.entry.exits[e], lift, &out, block, like);
      int past = past_exit(p.targets[e], p.depth);
      at(block).next = past;
      block = next;
    }
  }

  Liveness live_;
};

}  // namespace

void cut_withs(Unit* unit, Cfg* cfg) {
  for (const CfgBlock& b : cfg->blocks)
    for (const Inst& i : b.insts)
      if (i.op == Micro::WithEnter) return Withs(unit, cfg).run();
}

}  // namespace coluber::ir::frontend
