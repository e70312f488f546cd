// Inlines comprehensions. Up to 3.11 (generator expressions: in all versions) the body of a comprehension is a function of its own that
// is made and called on the spot; 3.12 has it inline. Here calls are replaced by bodies, so that later stages see one form.
//
//   MAKE_FUNCTION <listcomp>; xs; GET_ITER; CALL     ->     ...; SetLocal .0; Pop; <body, its result left on the stack>
//
// A generator expression that feeds sum, any and so on becomes a loop that appends what it yields to a list. For any and all it ends at
// the first item that decides, so that what would not run in Python does not run here.
#include <algorithm>
#include <utility>

#include "ir/frontend/blocks.h"
#include "ir/frontend/fail.h"

namespace coluber::ir::frontend {
namespace {

Inst make(Micro op, const Inst& like, int a = 0) {
  Inst i;
  i.op = op;
  i.a = a;
  i.loc = like.loc;
  i.offset = like.offset;
  return i;
}

// Makes a generator's body collect into variable `list`.
class Collector {
 public:
  Collector(Unit* unit, Cfg* body, ComprehensionSite::Kind kind) : unit_(*unit), body_(*body), kind_(kind) {
    list_ = static_cast<int>(unit_.vars.size());
    unit_.vars.push_back({".list", false});
  }

  void run() {
    size_t blocks = body_.blocks.size();
    for (size_t b = 0; b < blocks; ++b) block(static_cast<int>(b));
    std::vector<Inst>& entry = body_.blocks[0].insts;
    Inst first = entry.empty() ? Inst{} : entry[0];
    entry.insert(entry.begin(), {make(Micro::List, first), make(Micro::SetLocal, first, list_)});
  }

 private:
  void block(int b) {
    for (;;) {
      CfgBlock& blk = body_.blocks[static_cast<size_t>(b)];
      size_t i = 0;
      while (i < blk.insts.size() && blk.insts[i].op != Micro::Yield) ++i;
      if (i < blk.insts.size()) {
        b = yield(b, i);
        continue;
      }
      if (!blk.insts.empty() && blk.insts.back().op == Micro::Return) {
        Inst at = blk.insts.back();
        blk.insts.insert(blk.insts.end() - 1, {make(Micro::Pop, at), make(Micro::Local, at, list_)});
      }
      return;
    }
  }

  // The item is on top. Afterwards None is, as if the generator had been resumed by next(). Returns the block where the rest went.
  int yield(int b, size_t index) {
    CfgBlock rest;
    CfgBlock& blk = body_.blocks[static_cast<size_t>(b)];
    Inst at = blk.insts[index];
    int depth = blk.depth;
    for (size_t i = 0; i < index; ++i) depth += pushes(blk.insts[i]) - pops(blk.insts[i]);
    rest.insts.assign(blk.insts.begin() + static_cast<ptrdiff_t>(index) + 1, blk.insts.end());
    rest.next = blk.next;
    rest.other = blk.other;
    rest.depth = depth - 1;
    blk.insts.resize(index);
    bool stops = kind_ != ComprehensionSite::CollectAll;
    if (stops) blk.insts.push_back(make(Micro::Copy, at, 1));
    blk.insts.insert(blk.insts.end(), {make(Micro::Local, at, list_), make(Micro::Swap, at, 2), make(Micro::ListAppend, at, 1), make(Micro::Pop, at)});
    int rest_id = static_cast<int>(body_.blocks.size());
    blk.next = rest_id;
    blk.other = -1;
    if (stops) {
      blk.insts.push_back(make(Micro::Branch, at));
      blk.other = rest_id + 1;
      if (kind_ == ComprehensionSite::UntilTrue) std::swap(blk.next, blk.other);
    }
    rest.insts.insert(rest.insts.begin(), make(Micro::Const, at, unit_.none()));
    body_.blocks.push_back(std::move(rest));
    if (stops) {
      CfgBlock done;                       // drop the iterators, hand out the list
      done.depth = depth - 1;
      done.insts = {make(Micro::PopN, at, depth - 1), make(Micro::Local, at, list_), make(Micro::Return, at)};
      body_.blocks.push_back(std::move(done));
    }
    return rest_id;
  }

  Unit& unit_;
  Cfg& body_;
  ComprehensionSite::Kind kind_;
  int list_;
};

// Replaces the calls of one block, front to back, so that its instructions are moved once.
class Splicer {
 public:
  Splicer(Cfg* cfg, int block) : cfg_(*cfg), block_(block) {
    CfgBlock& b = cfg_.blocks[static_cast<size_t>(block)];
    insts_ = std::move(b.insts);
    b.insts.clear();
    original_ = b;
    depth_ = b.depth;
  }

  // The call at `index` becomes `body`, whose variable `argument` is what the comprehension runs over.
  void splice(int index, Cfg body, int argument) {
    take(index);
    Inst call = insts_[static_cast<size_t>(at_++)];
    depth_ -= 2;
    CfgBlock& caller = cfg_.blocks[static_cast<size_t>(block_)];
    caller.insts.push_back(make(Micro::SetLocal, call, argument));
    caller.insts.push_back(make(Micro::Pop, call));
    int base = static_cast<int>(cfg_.blocks.size()), after = base + static_cast<int>(body.blocks.size());
    end_block(base, -1);
    for (CfgBlock& b : body.blocks) {
      move_in(&b, base, after);
      cfg_.blocks.push_back(std::move(b));
    }
    CfgBlock rest;
    rest.foreign = original_.foreign;
    rest.block_stack = original_.block_stack;
    rest.depth = ++depth_;
    block_ = after;
    cfg_.blocks.push_back(std::move(rest));
  }

  void finish() {
    take(static_cast<int>(insts_.size()));
    end_block(original_.next, original_.other);
  }

 private:
  void take(int end) {
    CfgBlock& b = cfg_.blocks[static_cast<size_t>(block_)];
    for (; at_ < end; ++at_) {
      const Inst& i = insts_[static_cast<size_t>(at_)];
      depth_ += pushes(i) - pops(i);
      b.insts.push_back(i);
    }
  }
  void end_block(int next, int other) {
    CfgBlock& b = cfg_.blocks[static_cast<size_t>(block_)];
    b.next = next;
    b.other = other;
    take_handler(&b);
  }
  void take_handler(CfgBlock* b) const {
    b->handler = b->raises() ? original_.handler : -1;
    b->handler_depth = original_.handler_depth;
    b->handler_kind = original_.handler_kind;
  }
  void move_in(CfgBlock* b, int base, int after) const {
    if (b->next >= 0) b->next += base;
    if (b->other >= 0) b->other += base;
    b->depth += depth_;
    b->foreign = true;
    b->block_stack = original_.block_stack;
    if (!b->insts.empty() && b->insts.back().op == Micro::Return) {
      b->insts.pop_back();
      b->next = after;
      int left = b->depth;
      for (const Inst& i : b->insts) left += pushes(i) - pops(i);
      if (left != depth_ + 1) fail_bytecode("a comprehension that leaves the stack changed");
    }
    take_handler(b);
  }

  Cfg& cfg_;
  int block_;                              // where the instructions that follow go
  CfgBlock original_;
  std::vector<Inst> insts_;
  int at_ = 0, depth_ = 0;
};

}  // namespace

void inline_comprehensions(Unit* unit, Cfg* cfg, const clb_code& code, const CodeScope& scope) {
  std::vector<ComprehensionSite> sites = std::move(cfg->sites);
  cfg->sites.clear();
  std::sort(sites.begin(), sites.end(), [](const ComprehensionSite& x, const ComprehensionSite& y) { return std::pair(x.block, x.inst) < std::pair(y.block, y.inst); });
  for (size_t i = 0; i < sites.size();) {
    int block = sites[i].block;
    Splicer splicer(cfg, block);
    for (; i < sites.size() && sites[i].block == block; ++i) {
      const clb_code& nested = *unit->consts[static_cast<size_t>(sites[i].code)]->code;
      CodeScope inner = nested_scope(unit, nested, code, scope);
      Cfg body = build_cfg(unit, nested, inner);
      for (const CfgBlock& b : body.blocks)
        if (b.handler >= 0 || (!b.insts.empty() && b.insts.back().op == Micro::PushHandler)) fail_bytecode("a comprehension with handlers of its own");
      if (sites[i].kind != ComprehensionSite::Comprehension) Collector(unit, &body, sites[i].kind).run();
      splicer.splice(sites[i].inst, std::move(body), inner.slots[0]);
    }
    splicer.finish();
  }
}

}  // namespace coluber::ir::frontend
