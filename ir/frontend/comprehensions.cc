// Inlines comprehensions. Up to 3.11 (generator expressions: in all versions) the body of a comprehension is a function of its own that
// is made and called on the spot; 3.12 has it inline. Here calls are replaced by bodies, so that later stages see one form.
//
//   MAKE_FUNCTION <listcomp>; xs; GET_ITER; CALL     ->     ...; SetLocal .0; Pop; <body, its result left on the stack>
//
// A generator expression that feeds sum, any and so on becomes a loop that appends what it yields to a list. For any and all it ends at
// the first item that decides, so that what would not run in Python does not run here.
#include <cstring>

#include "ir/frontend/blocks.h"
#include "ir/frontend/fail.h"

namespace coluber::ir {
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

// Puts `body` in place of the call; its blocks follow those that are there.
void splice(Cfg* cfg, const ComprehensionSite& site, Cfg body, int argument) {
  int base = static_cast<int>(cfg->blocks.size());
  CfgBlock rest;
  int depth = 0;
  {
    CfgBlock& caller = cfg->blocks[static_cast<size_t>(site.block)];
    Inst call = caller.insts[static_cast<size_t>(site.inst)];
    depth = caller.depth;
    for (int i = 0; i < site.inst; ++i) depth += pushes(caller.insts[static_cast<size_t>(i)]) - pops(caller.insts[static_cast<size_t>(i)]);
    depth -= 2;
    rest = caller;
    rest.is_handler = false;
    rest.insts.erase(rest.insts.begin(), rest.insts.begin() + site.inst + 1);
    rest.depth = depth + 1;
    caller.insts.resize(static_cast<size_t>(site.inst));
    caller.insts.push_back(make(Micro::SetLocal, call, argument));
    caller.insts.push_back(make(Micro::Pop, call));
    caller.next = base;
    caller.other = -1;
  }
  int after = base + static_cast<int>(body.blocks.size());
  const CfgBlock caller = cfg->blocks[static_cast<size_t>(site.block)];
  for (CfgBlock& b : body.blocks) {
    if (b.next >= 0) b.next += base;
    if (b.other >= 0) b.other += base;
    b.depth += depth;
    b.foreign = true;
    if (!b.insts.empty() && b.insts.back().op == Micro::Return) {
      b.insts.pop_back();
      int left = b.depth;
      for (const Inst& i : b.insts) left += pushes(i) - pops(i);
      if (left != depth + 1) fail_bytecode("a comprehension that leaves the stack changed");
      b.next = after;
    }
    b.handler = b.raises() ? rest.handler : -1;
    b.handler_depth = caller.handler_depth;
    b.handler_kind = caller.handler_kind;
    cfg->blocks.push_back(std::move(b));
  }
  if (!rest.raises()) rest.handler = -1;
  cfg->blocks.push_back(std::move(rest));
}

}  // namespace

void inline_comprehensions(Unit* unit, Cfg* cfg, const clb_code& code, const CodeScope& scope) {
  for (auto site = cfg->sites.rbegin(); site != cfg->sites.rend(); ++site) {
    // Sites of a block come in the order of its instructions; from the last on, the indices before stay right.
    const clb_code& nested = *unit->consts[static_cast<size_t>(site->code)]->code;
    CodeScope inner = nested_scope(unit, nested, code, scope);
    Cfg body = build_cfg(unit, nested, inner);
    for (const CfgBlock& b : body.blocks)
      if (b.handler >= 0 || (!b.insts.empty() && b.insts.back().op == Micro::PushHandler)) fail_bytecode("a comprehension with handlers of its own");
    if (site->kind != ComprehensionSite::Comprehension) Collector(unit, &body, site->kind).run();
    splice(cfg, *site, std::move(body), inner.slots[0]);
  }
  cfg->sites.clear();
}

}  // namespace coluber::ir
