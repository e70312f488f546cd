// The last step: one numbering for equal functions, whatever the order in which a compiler laid out their code.
#include <algorithm>

#include "ir/analysis/dominators.h"
#include "ir/frontend/simplify.h"

namespace coluber::ir::frontend {
namespace {

class Canonical {
 public:
  explicit Canonical(Function* f) : f_(*f), number_(f->values.size(), kNoId) {}

  void run() {
    order_ = reverse_postorder(f_);
    position_.assign(f_.blocks.size(), kNoId);
    for (size_t i = 0; i < order_.size(); ++i) position_[order_[i]] = static_cast<uint32_t>(i);
    ways_in_.resize(f_.blocks.size());
    for (BlockId b : order_)
      for_edges(f_.blocks[b], [&](Edge& e, bool) {
        ways_in_[e.block].push_back({position_[b], &e});
        f_.blocks[e.block].loop_header |= position_[e.block] <= position_[b];
      });
    for (BlockId b : order_) {
      if (b) sort_params(b);
      for (ValueId v : f_.blocks[b].params) define(v, b);
      for (Op& op : f_.blocks[b].ops)
        for (ValueId v : op.results) define(v, b);
    }
    rebuild();
  }

 private:
  struct WayIn {
    uint32_t from;                         // position of the block
    Edge* edge;
  };

  void define(ValueId v, BlockId b) {
    number_[v] = static_cast<uint32_t>(values_.size());
    values_.push_back(std::move(f_.values[v]));
    values_.back().block = position_[b];
  }

  // Parameters in the order of what the ways from above bring; the variable's name decides between equals.
  void sort_params(BlockId b) {
    Block& block = f_.blocks[b];
    size_t n = block.params.size();
    if (n < 2) return;
    std::vector<uint32_t> by(n);
    for (uint32_t i = 0; i < n; ++i) by[i] = i;
    std::stable_sort(by.begin(), by.end(), [&](uint32_t x, uint32_t y) {
      for (const WayIn& way : ways_in_[b]) {
        if (way.from >= position_[b]) continue;
        uint32_t p = number_[way.edge->args[x]], q = number_[way.edge->args[y]];
        if (p != q) return p < q;
      }
      return f_.values[block.params[x]].name < f_.values[block.params[y]].name;
    });
    auto permute = [&](std::vector<ValueId>* list) {
      std::vector<ValueId> sorted(n);
      for (size_t i = 0; i < n; ++i) sorted[i] = (*list)[by[i]];
      *list = std::move(sorted);
    };
    permute(&block.params);
    for (const WayIn& way : ways_in_[b]) permute(&way.edge->args);
  }

  void renumber(std::vector<ValueId>* list) {
    for (ValueId& v : *list)
      if (v != kNoId) v = number_[v];
  }

  void rebuild() {
    std::vector<Block> blocks;
    blocks.reserve(order_.size());
    for (BlockId b : order_) {
      Block& block = f_.blocks[b];
      if (!block.loop_header) block.state = nullptr;
      renumber(&block.params);
      for (Op& op : block.ops) {
        renumber(&op.args);
        renumber(&op.results);
      }
      for_edges(block, [&](Edge& e, bool) {
        renumber(&e.args);
        e.block = position_[e.block];
      });
      if (block.state) {
        renumber(&block.state->locals);
        renumber(&block.state->stack);
      }
      blocks.push_back(std::move(block));
    }
    f_.blocks = std::move(blocks);
    f_.values = std::move(values_);
    clean_states();
  }

  // Values in frame states did not count as uses. What was removed as dead has no number now; what is not there at the head of the loop on
  // all ways is set again before it is read.
  void clean_states() {
    bool any = std::any_of(f_.blocks.begin(), f_.blocks.end(), [](const Block& b) { return b.state != nullptr; });
    if (!any) return;
    ir::Cfg cfg(f_);
    DomTree tree(f_, cfg);
    std::vector<bool> parameter(f_.values.size(), false);
    for (const Block& b : f_.blocks)
      for (ValueId v : b.params) parameter[v] = true;
    for (BlockId b = 0; b < f_.blocks.size(); ++b) {
      if (!f_.blocks[b].state) continue;
      for (auto* list : {&f_.blocks[b].state->locals, &f_.blocks[b].state->stack})
        for (ValueId& v : *list)
          if (v != kNoId && !tree.available(f_.values[v].block, parameter[v], b)) v = kNoId;
    }
  }

  Function& f_;
  std::vector<uint32_t> number_, position_;
  std::vector<BlockId> order_;
  std::vector<std::vector<WayIn>> ways_in_;
  std::vector<Value> values_;
};

}  // namespace

void canonicalise(Function* f) { Canonical(f).run(); }

}  // namespace coluber::ir::frontend
