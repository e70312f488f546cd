// Cuts micro-ops into blocks: at jump targets, behind jumps, and where the handler of errors changes.
#include "ir/frontend/blocks.h"

#include <algorithm>

#include "ir/frontend/fail.h"

namespace coluber::ir::frontend {
namespace {

bool ends_block(const Inst& inst) { return micro_flags(inst.op) & (MicroEnds | MicroJumps | MicroCuts); }

std::vector<int> block_numbers(const Decoded& code, const std::vector<uint32_t>& leaders) {
  size_t n = code.insts.size();
  std::vector<bool> leader(n + 1, false);
  leader[0] = true;
  for (size_t i = 0; i < n; ++i) {
    if (code.insts[i].target >= 0) leader[static_cast<size_t>(code.insts[i].target)] = true;
    if (ends_block(code.insts[i])) leader[i + 1] = true;
  }
  for (size_t i = 1; i < n && !leaders.empty(); ++i)
    if (code.insts[i].offset != code.insts[i - 1].offset && std::find(leaders.begin(), leaders.end(), code.insts[i].offset) != leaders.end()) leader[i] = true;
  for (const Region& r : code.regions)
    for (int at : {r.start, r.end, r.target}) leader[static_cast<size_t>(at)] = true;
  std::vector<int> number(n + 1);
  int count = -1;
  for (size_t i = 0; i <= n; ++i) number[i] = leader[i] ? ++count : count;
  return number;
}

// Successors of a block whose last instruction is `last`, and what falls through to block `fall` (-1: nothing there).
void connect(CfgBlock* block, int fall, const std::vector<int>& number) {
  const Inst& last = block->insts.back();
  int target = last.target >= 0 ? number[static_cast<size_t>(last.target)] : -1;
  uint8_t flags = micro_flags(last.op);
  if (last.op == Micro::Suspend) block->behind = fall;
  if (flags & MicroEnds) return;
  block->next = fall;
  if (last.op == Micro::Jump) {
    block->next = target;
    block->insts.pop_back();
  } else if (last.op == Micro::PushHandler) {
    block->insts.back().target = target;
  } else if (flags & MicroJumps) {
    block->other = target;
    if (last.op == Micro::Branch && last.a) std::swap(block->next, block->other);
    if (last.op == Micro::Branch) block->insts.back().a = 0;
    block->insts.back().target = -1;
  }
  if (fall < 0 && (block->next < 0 || block->other >= 0 || last.op == Micro::Branch)) fail_bytecode("it runs off its end");
}

// `all`: as the whole function has it, through the yields of generators.
void dfs(const Cfg& cfg, std::vector<int>* postorder, bool all = false) {
  struct Step {
    int block, next;
  };
  std::vector<bool> seen(cfg.blocks.size(), false);
  std::vector<Step> stack{{0, 0}};
  seen[0] = true;
  while (!stack.empty()) {
    Step& top = stack.back();
    const CfgBlock& b = cfg.blocks[static_cast<size_t>(top.block)];
    int succ = -1;
    if (top.next == 4) {
      postorder->push_back(top.block);
      stack.pop_back();
      continue;
    }
    if (top.next == 0) succ = b.handler;
    if (top.next == 1) succ = b.other;
    if (top.next == 2) succ = b.next;
    if (top.next == 3 && all) succ = b.behind;
    ++top.next;
    if (succ >= 0 && !seen[static_cast<size_t>(succ)]) {
      seen[static_cast<size_t>(succ)] = true;
      stack.push_back({succ, 0});
    }
  }
}

// Does a generator yield in the loop of this head and these jumps back to it?
bool suspends(const Cfg& cfg, int head, std::vector<int> work) {
  std::vector<bool> seen(cfg.blocks.size(), false);
  seen[static_cast<size_t>(head)] = true;
  if (cfg.blocks[static_cast<size_t>(head)].behind >= 0) return true;
  while (!work.empty()) {
    int b = work.back();
    work.pop_back();
    if (seen[static_cast<size_t>(b)]) continue;
    seen[static_cast<size_t>(b)] = true;
    if (cfg.blocks[static_cast<size_t>(b)].behind >= 0) return true;
    for (size_t from = 0; from < cfg.blocks.size(); ++from) {
      const CfgBlock& f = cfg.blocks[from];
      if (f.next == b || f.other == b || f.handler == b || f.behind == b) work.push_back(static_cast<int>(from));
    }
  }
  return false;
}

// Marks where jumps lead back to. A loop may begin with a try statement, which is not around the loop: then it gets a head of its own, with
// the handler that is around the jump.
void find_heads(Cfg* cfg) {
  int count = static_cast<int>(cfg->blocks.size());
  auto at = [&](int b) -> CfgBlock& { return cfg->blocks[static_cast<size_t>(b)]; };
  std::vector<int> postorder, position(cfg->blocks.size(), -1);        // code behind a handler may lie in front of it: no loop
  dfs(*cfg, &postorder, true);
  for (size_t i = 0; i < postorder.size(); ++i) position[static_cast<size_t>(postorder[i])] = static_cast<int>(i);
  std::vector<std::vector<int>> jumps(cfg->blocks.size());
  bool generator = std::any_of(cfg->blocks.begin(), cfg->blocks.end(), [](const CfgBlock& b) { return b.behind >= 0; });
  for (int b : postorder)
    for (int to : {at(b).next, at(b).other, at(b).behind})
      if (to >= 0 && position[static_cast<size_t>(to)] >= position[static_cast<size_t>(b)]) jumps[static_cast<size_t>(to)].push_back(b);
  for (int h = 0; h < count; ++h) {
    const std::vector<int>& from = jumps[static_cast<size_t>(h)];
    if (from.empty()) continue;
    at(h).head = true;
    if (generator && !at(h).insts.empty() && suspends(*cfg, h, from)) cfg->suspended.push_back(at(h).insts[0].offset);
    if (at(h).insts.empty() || std::any_of(from.begin(), from.end(), [&](int b) { return at(b).handler == at(h).handler; })) continue;
    CfgBlock body = std::move(at(h)), &around = at(from[0]);
    CfgBlock head;
    head.insts = {body.insts[0]};
    head.insts[0].op = Micro::Nop;
    head.next = static_cast<int>(cfg->blocks.size());
    head.handler = around.handler;
    head.handler_depth = around.handler_depth;
    head.handler_kind = around.handler_kind;
    head.head = true;
    body.head = false;
    at(h) = std::move(head);
    cfg->blocks.push_back(std::move(body));
  }
}

}  // namespace

Cfg build_blocks(Decoded decoded, const std::vector<uint32_t>& leaders) {
  Cfg cfg;
  if (decoded.insts.empty()) fail_bytecode("there is none");
  std::vector<int> number = block_numbers(decoded, leaders);
  size_t n = decoded.insts.size();
  int count = number[n - 1] + 1;
  cfg.blocks.resize(static_cast<size_t>(count));
  for (size_t i = 0; i < n; ++i) cfg.blocks[static_cast<size_t>(number[i])].insts.push_back(decoded.insts[i]);
  for (int b = 0; b < count; ++b) connect(&cfg.blocks[static_cast<size_t>(b)], b + 1 < count ? b + 1 : -1, number);
  for (const Region& r : decoded.regions)
    for (int b = number[static_cast<size_t>(r.start)]; b < count && b < number[static_cast<size_t>(r.end)]; ++b) {
      CfgBlock& block = cfg.blocks[static_cast<size_t>(b)];
      block.handler = number[static_cast<size_t>(r.target)];
      block.handler_depth = r.depth;
      block.handler_kind = r.lasti ? HandlerKind::Lasti : HandlerKind::Plain;
    }
  find_heads(&cfg);
  for (CfgBlock& b : cfg.blocks)
    if (b.handler >= 0 && !b.raises()) b.handler = -1;
  return cfg;
}

void order_blocks(Cfg* cfg) {
  std::vector<int> postorder;
  dfs(*cfg, &postorder);
  std::vector<int> number(cfg->blocks.size(), -1);
  std::vector<CfgBlock> blocks;
  blocks.reserve(postorder.size());
  for (auto it = postorder.rbegin(); it != postorder.rend(); ++it) {
    number[static_cast<size_t>(*it)] = static_cast<int>(blocks.size());
    blocks.push_back(std::move(cfg->blocks[static_cast<size_t>(*it)]));
  }
  auto renumber = [&](int* block) {
    if (*block >= 0) *block = number[static_cast<size_t>(*block)];
  };
  for (CfgBlock& b : blocks) {
    renumber(&b.next);
    renumber(&b.other);
    renumber(&b.handler);
    for (Inst& i : b.insts)
      if (i.op == Micro::PushHandler && i.target >= 0) i.target = number[static_cast<size_t>(i.target)] < 0 ? kNoHandler : number[static_cast<size_t>(i.target)];
  }
  std::erase_if(cfg->sites, [&](const ComprehensionSite& s) { return number[static_cast<size_t>(s.block)] < 0; });
  for (ComprehensionSite& s : cfg->sites) renumber(&s.block);
  cfg->blocks = std::move(blocks);
}

Cfg build_cfg(Unit* unit, const clb_code& code, const CodeScope& scope) {
  std::vector<uint32_t> leaders;
  bool part = unit->part && !scope.comprehension;
  if (part) leaders.push_back(unit->entry.offset);
  if (part)
    for (const EntryPoint::Exit& e : unit->entry.exits) leaders.push_back(e.offset);
  Cfg cfg = build_blocks(decode(unit, code, scope), leaders);
  if (part) enter_at(unit, &cfg, unit->entry);
  find_shapes(*unit, &cfg);
  if (!cfg.sites.empty()) {                // calls of comprehensions may be among the copies of short exits
    normalise(*unit, &cfg);
    cfg.sites.clear();
    find_shapes(*unit, &cfg);
    inline_comprehensions(unit, &cfg, code, scope);
  }
  order_blocks(&cfg);
  bool body = part && (unit->entry.resume || (unit->entry.region() && unit->entry.on_objects.empty()));   // of `with objmode()`, or of a generator
  if (unit->objects && (!unit->part || body) && !scope.comprehension) insert_lifts(unit, &cfg, code.version);
  if (!unit->objects && !scope.comprehension) cut_withs(unit, &cfg);
  return cfg;
}

}  // namespace coluber::ir::frontend
