// Dominators, loops, liveness and def-use: known shapes, and random graphs against the definitions computed the slow way.
#include <algorithm>
#include <random>
#include <set>

#include "helpers.h"
#include "ir/analysis/dominators.h"
#include "ir/analysis/liveness.h"
#include "ir/analysis/loops.h"
#include "ir/analysis/uses.h"
#include "ir/builder.h"

namespace coluber::ir {
namespace {

// A function of blocks with the given successors; the last of a block's list is its error edge when it is marked.
struct Shape {
  std::vector<std::vector<BlockId>> to;
  std::vector<BlockId> error;              // kNoId: none
};

std::unique_ptr<Function> build(const Shape& s) {
  auto f = std::make_unique<Function>();
  f->name = "g";
  Builder b(f.get());
  for (size_t i = 0; i < s.to.size(); ++i) f->add_block();
  b.set_block(0);
  ValueId cond = b.param(bottom());
  for (BlockId i = 0; i < s.to.size(); ++i) {
    b.set_block(i);
    if (s.to[i].empty()) b.ret(cond);
    else if (s.to[i].size() == 1) b.jump(s.to[i][0]);
    else b.br(cond, s.to[i][0], s.to[i][1]);
    if (s.error[i] != kNoId) f->blocks[i].on_error.block = s.error[i];
  }
  return f;
}

Shape random_shape(std::mt19937& random, uint32_t n) {
  Shape s;
  auto pick = [&] { return static_cast<BlockId>(1 + random() % (n - 1)); };
  for (uint32_t i = 0; i < n; ++i) {
    std::vector<BlockId> to;
    for (uint32_t k = random() % 3; k > 0; --k) to.push_back(pick());
    s.to.push_back(to);
    s.error.push_back(random() % 4 == 0 ? pick() : kNoId);
  }
  return s;
}

// Nodes reached from the entry without passing `without`. A node is (block, tail).
std::set<NodeId> reach(const Function& f, const DomTree& dom, NodeId without) {
  std::set<NodeId> seen;
  std::vector<NodeId> work;
  auto visit = [&](NodeId n) {
    if (n != without && seen.insert(n).second) work.push_back(n);
  };
  visit(0);
  while (!work.empty()) {
    NodeId n = work.back();
    work.pop_back();
    BlockId b = dom.block(n);
    if (n == dom.head(b) && dom.tail(b) != n) {
      visit(dom.tail(b));
      visit(f.blocks[b].on_error.block);
      continue;
    }
    for (const Edge& e : f.blocks[b].term().targets) visit(e.block);
  }
  return seen;
}

TEST(Dominators, AgreeWithTheirDefinition) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    std::unique_ptr<Function> f = build(random_shape(random, 2 + round % 14));
    Cfg cfg(*f);
    DomTree dom(*f, cfg);
    std::set<NodeId> all = reach(*f, dom, kNoId);
    ASSERT_EQ(all.size(), dom.preorder().size());
    for (NodeId a : all) {
      std::set<NodeId> without = reach(*f, dom, a);
      for (NodeId b : all) {
        bool dominated = a == b || !without.count(b);
        ASSERT_EQ(dom.dominates_node(a, b), dominated) << print(*f) << a << " " << b;
      }
    }
    for (NodeId n : all)                   // the immediate one is dominated by all the others
      for (NodeId a : all) {
        if (n != 0 && a != n && dom.dominates_node(a, n)) { ASSERT_TRUE(dom.dominates_node(a, dom.idom(n))); }
      }
  }
}

TEST(Dominators, HandlersSeeTheHeadOnly) {
  std::unique_ptr<Function> f = build({{{1}, {2}, {}, {}}, {kNoId, 3, kNoId, kNoId}});
  Cfg cfg(*f);
  DomTree dom(*f, cfg);
  EXPECT_TRUE(dom.available(1, true, 3));  // a parameter of ^1 in its handler
  EXPECT_FALSE(dom.available(1, false, 3));
  EXPECT_TRUE(dom.available(1, false, 2));
  EXPECT_FALSE(dom.available(1, false, 1));
  EXPECT_EQ(dom.idom_block(3), 1u);
  EXPECT_EQ(dom.idom_block(0), kNoId);
}

TEST(Dominators, LongChainsWithOneHandlerAreFast) {
  constexpr BlockId kBlocks = 100'000;
  Shape s;
  for (BlockId b = 0; b < kBlocks; ++b) {
    s.to.push_back(b + 2 < kBlocks ? std::vector<BlockId>{b + 1} : std::vector<BlockId>{});
    s.error.push_back(b && b + 2 < kBlocks ? kBlocks - 1 : kNoId);
  }
  std::unique_ptr<Function> f = build(s);
  Cfg cfg(*f);
  DomTree dom(*f, cfg);
  EXPECT_EQ(dom.idom_block(kBlocks - 1), 1u);
  EXPECT_EQ(dom.idom_block(kBlocks - 2), kBlocks - 3);
}

TEST(Loops, NestedOnes) {
  // 0 -> 1 (outer) -> 2 (inner) -> 3 -> 2 | 4 -> 1 | 5
  std::unique_ptr<Function> f = build({{{1}, {2}, {3, 4}, {2}, {1, 5}, {}}, {kNoId, kNoId, kNoId, 5, kNoId, kNoId}});
  Cfg cfg(*f);
  DomTree dom(*f, cfg);
  LoopInfo info(*f, cfg, dom);
  ASSERT_EQ(info.loops().size(), 2u);
  const Loop &outer = info.loops()[0], &inner = info.loops()[1];
  EXPECT_EQ(outer.header, 1u);
  EXPECT_EQ(inner.header, 2u);
  EXPECT_EQ(inner.parent, 0u);
  EXPECT_EQ(outer.depth, 1u);
  EXPECT_EQ(inner.depth, 2u);
  EXPECT_EQ(outer.blocks, (std::vector<BlockId>{1, 2, 3, 4}));
  EXPECT_EQ(inner.blocks, (std::vector<BlockId>{2, 3}));
  EXPECT_EQ(outer.preheader, 0u);
  EXPECT_EQ(inner.preheader, 1u);
  EXPECT_EQ(info.depth(3), 2u);
  EXPECT_EQ(info.depth(5), 0u);
  ASSERT_EQ(inner.exits.size(), 2u);       // 2 -> 4 and the error edge of 3
  EXPECT_TRUE(inner.exits[1].error());
  EXPECT_EQ(outer.exits.size(), 2u);
  EXPECT_FALSE(info.irreducible());
}

TEST(Loops, PreheadersAreMade) {
  std::unique_ptr<Function> f = function_ok(
      "func @f(%0: pybool, %1: pyint) -> pyint {\n^0:\n  br %0, ^1(%1), ^2\n^1(%2: pyint):\n  br %0, ^1(%2), ^2\n^2:\n  return %1\n}");
  Cfg cfg(*f);
  DomTree dom(*f, cfg);
  LoopInfo info(*f, cfg, dom);
  ASSERT_EQ(info.loops().size(), 1u);
  EXPECT_EQ(info.loops()[0].preheader, kNoId);
  BlockId made = add_preheader(*f, info.loops()[0]);
  EXPECT_EQ(verify(*f), "");
  Cfg cfg2(*f);
  DomTree dom2(*f, cfg2);
  EXPECT_EQ(LoopInfo(*f, cfg2, dom2).loops()[0].preheader, made);
}

TEST(Loops, IrreducibleOnesAreReported) {
  std::unique_ptr<Function> f = build({{{1, 2}, {2}, {1, 3}, {}}, {kNoId, kNoId, kNoId, kNoId}});
  Cfg cfg(*f);
  DomTree dom(*f, cfg);
  LoopInfo info(*f, cfg, dom);
  EXPECT_TRUE(info.irreducible());
  EXPECT_TRUE(info.loops().empty());
}

// Loops by definition: a header and the blocks that reach a latch without passing the header.
TEST(Loops, AgreeWithTheirDefinition) {
  std::mt19937 random(2);
  for (int round = 0; round < 200; ++round) {
    std::unique_ptr<Function> f = build(random_shape(random, 2 + round % 12));
    Cfg cfg(*f);
    DomTree dom(*f, cfg);
    LoopInfo info(*f, cfg, dom);
    std::set<BlockId> headers;
    for (LoopId id = 0; id < info.loops().size(); ++id) {
      const Loop& loop = info.loops()[id];
      headers.insert(loop.header);
      std::set<BlockId> body{loop.header};
      std::vector<BlockId> work;
      for (const Pred& p : cfg.preds(loop.header))
        if (dom.dominates(loop.header, p.block)) work.push_back(p.block);
      while (!work.empty()) {
        BlockId b = work.back();
        work.pop_back();
        if (!body.insert(b).second) continue;
        for (const Pred& p : cfg.preds(b)) work.push_back(p.block);
      }
      ASSERT_EQ(std::set<BlockId>(loop.blocks.begin(), loop.blocks.end()), body) << print(*f);
      for (BlockId b : body) ASSERT_TRUE(info.contains(id, b));
    }
    for (BlockId b : cfg.rpo())
      for (const Pred& p : cfg.preds(b)) {
        if (dom.dominates(b, p.block)) { ASSERT_TRUE(headers.count(b)); }
      }
  }
}

TEST(Liveness, FollowsUsesBackToTheDefinition) {
  std::unique_ptr<Function> f = function_ok(R"(func @f(%0: pyint, %1: pybool) -> pyint {
^0:
  %2 = const 1 : pyint
  %3 = const 2 : pyint
  jump ^1(%0)
^1(%4: pyint):
  br %1, ^2, ^3
^2:
  %5 = add %4, %2 : pyint
  jump ^1(%5)
^3:
  return %3
}
)");
  Cfg cfg(*f);
  Liveness live(*f, cfg);
  auto set = [&](BlockId b) { return std::set<ValueId>(live.live_in(b).begin(), live.live_in(b).end()); };
  EXPECT_EQ(set(0), (std::set<ValueId>{}));
  EXPECT_EQ(set(1), (std::set<ValueId>{1, 2, 3}));
  EXPECT_EQ(set(2), (std::set<ValueId>{1, 2, 3, 4}));
  EXPECT_EQ(set(3), (std::set<ValueId>{3}));
  EXPECT_TRUE(live.is_live_in(4, 2));
  EXPECT_FALSE(live.is_live_in(4, 3));
}

TEST(Liveness, HandlersCount) {
  std::unique_ptr<Function> f = function_ok(R"(func @f(%0: pyint) -> pyint {
^0:
  %1 = const 1 : pyint
  %2 = const 1 : pyint
  jump ^1
^1 !err ^2(%2):
  poll
  return %0
^2(%3: pyint):
  %4 = add %1, %3 : pyint
  return %4
}
)");
  Cfg cfg(*f);
  Liveness live(*f, cfg);
  EXPECT_TRUE(live.is_live_in(1, 1));
  EXPECT_TRUE(live.is_live_in(2, 1));
  EXPECT_TRUE(live.is_live_in(1, 2));
  EXPECT_FALSE(live.is_live_in(2, 2));
}

TEST(DefUse, CountsAndPlaces) {
  std::unique_ptr<Function> f = function_ok(
      "func @f(%0: pyint) -> pyint {\n^0 !err ^1(%0):\n  %1 = add %0, %0 : pyint\n  poll\n  jump ^2(%1)\n^1(%2: pyint):\n  return %2\n^2(%3: "
      "pyint):\n  return %3\n}");
  DefUse uses(*f);
  EXPECT_EQ(uses.count(0), 3u);
  EXPECT_EQ(uses.count(1), 1u);
  EXPECT_EQ(uses.uses(1)[0].op, 2u);
  EXPECT_EQ(uses.uses(0)[0].op, Position::kHead);
  EXPECT_EQ(uses.def(1).op, 0u);
  EXPECT_EQ(uses.def_op(*f, 1)->code, OpCode::Add);
  EXPECT_EQ(uses.def_op(*f, 3), nullptr);
}

TEST(Cfg, PredecessorsKnowTheirEdges) {
  std::unique_ptr<Function> f = build({{{1, 2}, {2}, {}, {2}}, {2, kNoId, kNoId, kNoId}});
  Cfg cfg(*f);
  EXPECT_FALSE(cfg.reachable(3));
  ASSERT_EQ(cfg.preds(2).size(), 3u);
  EXPECT_EQ(cfg.preds(2)[0].index, 1u);
  EXPECT_TRUE(cfg.preds(2)[1].error());
  EXPECT_EQ(cfg.preds(2)[2].block, 1u);
  EXPECT_EQ(cfg.rpo().front(), 0u);
}

}  // namespace
}  // namespace coluber::ir
