// Undoes what the compilers of the different versions did to the layout of code, on micro-ops, where equal code is equal text:
//
//   - `is not` and `not` before a branch change the branch instead
//   - a test of what was just tested is jumped over: (a and b) or c
//   - a while condition that is there twice, before the loop and at its end, is merged into one loop header
//   - copies of a short exit (`return x`, `raise`) are merged
//
// The last two are one operation: blocks that end alike share their end.
#include <algorithm>
#include <map>
#include <tuple>

#include "ir/frontend/blocks.h"

namespace coluber::ir::frontend {
namespace {

class Normaliser {
 public:
  Normaliser(const Unit& unit, Cfg* cfg) : unit_(unit), cfg_(*cfg) {}

  void run() {
    pull_branches();
    for (size_t b = 0; b < cfg_.blocks.size(); ++b) polarity(&cfg_.blocks[b]);
    size_t blocks = cfg_.blocks.size();
    for (size_t b = 0; b < blocks; ++b) thread_tests(static_cast<int>(b));
    skip_empty();
    for (int round = 0; round < kRounds && merge_ends(); ++round) skip_empty();
  }

 private:
  static constexpr int kRounds = 30;       // an `and` of more operands keeps its loop rotated
  static constexpr size_t kCandidates = 8; // compared with each block of a group: keeps this linear

  CfgBlock& at(int b) { return cfg_.blocks[static_cast<size_t>(b)]; }
  static bool branches(const CfgBlock& b) { return !b.insts.empty() && b.insts.back().op == Micro::Branch; }

  static bool exits(const CfgBlock& b) { return !b.insts.empty() && (micro_flags(b.insts.back().op) & MicroEnds); }
  static bool ends(const CfgBlock& b) { return branches(b) || exits(b); }

  // A test and its branch may be in two blocks, since the branch cannot raise any more and so is not covered by the handler.
  void pull_branches() {
    std::vector<int> ways_in(cfg_.blocks.size(), 0);
    for (const CfgBlock& b : cfg_.blocks)
      for (int to : {b.next, b.other, b.handler})
        if (to >= 0) ++ways_in[static_cast<size_t>(to)];
    for (CfgBlock& b : cfg_.blocks) {
      if (b.insts.empty() || b.other >= 0 || b.next <= 0 || !gives_bool(b.insts.back())) continue;
      CfgBlock& test = at(b.next);
      if (test.insts.size() != 1 || !branches(test) || ways_in[static_cast<size_t>(b.next)] != 1 || b.foreign != test.foreign) continue;
      b.insts.push_back(test.insts[0]);
      b.next = test.next;
      b.other = test.other;
    }
  }
  static bool gives_bool(const Inst& i) {
    return i.op == Micro::Is || i.op == Micro::Contains || i.op == Micro::ToBool || i.op == Micro::ExcMatch || i.op == Micro::ExcMatchPop ||
           (i.op == Micro::Unary && i.a == kNot) || (i.op == Micro::Compare && i.b);
  }

  static void polarity(CfgBlock* b) {
    while (branches(*b) && b->insts.size() >= 2) {
      Inst& before = b->insts[b->insts.size() - 2];
      bool is_not = before.op == Micro::Is && before.a == 1, negated = before.op == Micro::Unary && before.a == kNot;
      if (!is_not && !negated) return;
      std::swap(b->next, b->other);
      if (is_not) before.a = 0; else b->insts.erase(b->insts.end() - 2);
    }
  }

  // How many instructions of the end of a block are [Copy 1] [ToBool] Branch; 0 when there is no copy.
  static size_t copied_test(const std::vector<Inst>& insts) {
    size_t n = insts.size();
    if (n < 2 || insts[n - 1].op != Micro::Branch) return 0;
    size_t k = insts[n - 2].op == Micro::ToBool ? 3 : 2;
    return n >= k && insts[n - k].op == Micro::Copy && insts[n - k].a == 1 ? k : 0;
  }
  static bool only_test(const std::vector<Inst>& insts) {
    return (insts.size() == 1 && insts[0].op == Micro::Branch) || (insts.size() == 2 && insts[0].op == Micro::ToBool && insts[1].op == Micro::Branch);
  }

  void thread_tests(int b) {
    if (!copied_test(at(b).insts)) return;
    for (bool truth : {true, false})
      for (int hops = 0; hops < kRounds; ++hops) {
        int to = truth ? at(b).next : at(b).other;
        const CfgBlock& tested = at(to);
        int beyond = truth ? tested.next : tested.other;
        bool keeps = copied_test(tested.insts) == tested.insts.size() && !tested.insts.empty();
        if (!keeps && !only_test(tested.insts)) break;
        if (!keeps) {
          CfgBlock drop;
          Inst pop = tested.insts.back();
          pop.op = Micro::Pop;
          drop.insts = {pop};
          drop.next = beyond;
          drop.depth = tested.depth;
          drop.foreign = tested.foreign;
          drop.block_stack = tested.block_stack;
          beyond = static_cast<int>(cfg_.blocks.size());
          cfg_.blocks.push_back(std::move(drop));
        }
        (truth ? at(b).next : at(b).other) = beyond;
        if (!keeps) break;
      }
  }

  // Edges to blocks without instructions go on to where those lead.
  void skip_empty() {
    auto skip = [&](int* to) {
      for (int hops = 0; *to >= 0 && hops < kRounds; ++hops) {
        const CfgBlock& b = at(*to);
        if (!b.insts.empty() || b.next < 0 || b.is_handler) return;
        *to = b.next;
      }
    };
    for (CfgBlock& b : cfg_.blocks) {
      skip(&b.next);
      skip(&b.other);
    }
  }

  bool same_place(const Inst& x, const Inst& y) const {
    const Loc &p = unit_.locs[x.loc], &q = unit_.locs[y.loc];
    return p.line == q.line && p.col == q.col && p.end_line == q.end_line && p.end_col == q.end_col;
  }

  // How much of the ends of two blocks can be shared. It begins between statements: where the stack is as deep as behind it. Copies of
  // the end of one return or raise statement (all at one place) may begin within its expression.
  size_t shared(const CfgBlock& x, const CfgBlock& y) const {
    bool branch = branches(x);
    if (!ends(x) || branch != branches(y) || x.next != y.next || x.other != y.other || x.block_stack != y.block_stack) return 0;
    size_t limit = std::min(x.insts.size(), y.insts.size()), best = 0;
    int depth = 0;                         // at the start of the piece, counted from its end
    bool raises = false, one_place = !branch;
    for (size_t n = 1; n <= limit; ++n) {
      const Inst &p = x.insts[x.insts.size() - n], &q = y.insts[y.insts.size() - n];
      if (p.op != q.op || p.a != q.a || p.b != q.b || p.flag != q.flag) break;
      bool can_raise = micro_flags(p.op) & MicroRaises;
      bool same = same_place(p, q);
      one_place &= same;
      // 3.13 fuses loads with the instruction before them, whose place they then have.
      if ((branch || can_raise) && p.op != Micro::Local && !same) break;
      raises |= can_raise;
      if (raises && (x.handler != y.handler || x.handler_depth != y.handler_depth || x.handler_kind != y.handler_kind)) break;
      depth += pops(p) - pushes(p);
      if (((n >= 2 && depth == 0) || one_place) && x.foreign == y.foreign) best = n;
    }
    return best;
  }

  static int end_depth(const CfgBlock& b) {
    int depth = b.depth;
    for (const Inst& i : b.insts) depth += pushes(i) - pops(i);
    return depth;
  }

  // Moves the last n instructions of a block into a block of their own, unless that is all it has.
  int split_end(int b, size_t n) {
    if (at(b).insts.size() == n && !at(b).is_handler) return b;
    CfgBlock end;
    CfgBlock& block = at(b);
    end.insts.assign(block.insts.end() - static_cast<ptrdiff_t>(n), block.insts.end());
    block.insts.resize(block.insts.size() - n);
    end.depth = block.depth;
    for (const Inst& i : block.insts) end.depth += pushes(i) - pops(i);
    end.next = block.next;
    end.other = block.other;
    end.foreign = block.foreign;
    end.block_stack = block.block_stack;
    end.handler = end.raises() ? block.handler : -1;
    end.handler_depth = block.handler_depth;
    end.handler_kind = block.handler_kind;
    block.next = static_cast<int>(cfg_.blocks.size());
    block.other = -1;
    if (!block.raises()) block.handler = -1;
    int id = block.next;
    cfg_.blocks.push_back(std::move(end));
    return id;
  }

  // Blocks that may have an end in common: by the branch's successors, by what is returned, by the place of the return or raise statement.
  enum Likeness { Successors, Returned, Place };
  bool merge_ends() {
    std::map<std::tuple<Likeness, int, int>, std::vector<int>> groups;
    for (size_t i = 0; i < cfg_.blocks.size(); ++i) {
      const CfgBlock& b = cfg_.blocks[i];
      if (b.insts.empty() || b.depth < 0) continue;
      const Inst& last = b.insts.back();
      int id = static_cast<int>(i);
      if (last.op == Micro::Branch) groups[{Successors, b.next, b.other}].push_back(id);
      if (!exits(b)) continue;
      const Loc& loc = unit_.locs[last.loc];
      if (last.op == Micro::Return && b.insts.size() >= 2) groups[{Returned, static_cast<int>(b.insts[b.insts.size() - 2].op), b.insts[b.insts.size() - 2].a}].push_back(id);
      if (loc.line) groups[{Place, static_cast<int>(loc.line), static_cast<int>(loc.col)}].push_back(id);
    }
    bool changed = false;
    for (auto& [key, members] : groups) {
      std::vector<int> kept;
      for (int b : members) changed |= merge_into(&kept, b);
    }
    return changed;
  }

  bool merge_into(std::vector<int>* kept, int b) {
    int with = -1;
    size_t best = 0;
    if (!ends(at(b))) return false;        // it gave its end away in another group
    for (size_t i = 0; i < kept->size() && i < kCandidates; ++i) {
      size_t n = shared(at((*kept)[i]), at(b));
      if (n > best && end_depth(at((*kept)[i])) == end_depth(at(b))) {
        best = n;
        with = static_cast<int>(i);
      }
    }
    if (with < 0) {
      kept->push_back(b);
      return false;
    }
    int end = split_end((*kept)[static_cast<size_t>(with)], best);
    (*kept)[static_cast<size_t>(with)] = end;
    CfgBlock& block = at(b);
    block.insts.resize(block.insts.size() - best);
    block.next = end;
    block.other = -1;
    if (!block.raises()) block.handler = -1;
    return true;
  }

  const Unit& unit_;
  Cfg& cfg_;
};

}  // namespace

void normalise(const Unit& unit, Cfg* cfg) {
  Normaliser(unit, cfg).run();
  order_blocks(cfg);
}

}  // namespace coluber::ir::frontend
