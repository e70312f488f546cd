// Nested functions capture variables by value, when they are made. Python captures the variable itself; the difference shows when the
// variable is assigned afterwards while the function is still in use:
//
//   - a nested function assigns it (nonlocal): an error, if inference comes to where the nested function is made
//   - the function that owns it assigns it, and a function that captured it before may be used behind that: likewise
//   - `def g(): ... g() ...`: g is assigned right after it was made. The capture is told in the op (ints[3...]: indices of captures that
//     are the function itself) and its operand is unbound.
//
// Stores to captured variables are marked by `retain` ops (sym: the variable) until here.
#include <algorithm>

#include "ir/frontend/simplify.h"

namespace coluber::ir::frontend {
namespace {

struct Place {
  BlockId block;
  uint32_t op;
};

class Closures {
 public:
  Closures(Function* f, const Unit& unit) : f_(*f), unit_(unit) {}

  bool run() {
    collect();
    for (Place p : functions_) function(p);
    for (Block& b : f_.blocks) {
      std::erase_if(b.ops, [](const Op& op) { return op.code == OpCode::Retain; });
      for (Op& op : b.ops)
        if (op.code == OpCode::PyDeref) op.ints.clear();
    }
    for (auto& [op_result, index] : selves_) detach(op_result, index);
    return !stores_.empty();
  }

 private:
  Op& at(Place p) { return f_.blocks[p.block].ops[p.op]; }

  void collect() {
    for (BlockId b = 0; b < f_.blocks.size(); ++b)
      for (uint32_t i = 0; i < f_.blocks[b].ops.size(); ++i) {
        OpCode code = f_.blocks[b].ops[i].code;
        if (code == OpCode::PyFunction) functions_.push_back({b, i});
        if (code == OpCode::Retain) stores_.push_back({b, i});
      }
  }

  void function(Place p) {
    const Op& op = at(p);
    size_t captures = static_cast<size_t>(op.ints[1]), first = op.names.size() - captures;
    const clb_code& code = *unit_.consts[static_cast<size_t>(op.imm)]->code;
    if (!captures) return;
    std::vector<ValueId> holders = holders_of(op.results[0]);
    std::vector<std::vector<bool>> live(holders.size());
    for (size_t k = 0; k < captures; ++k) {
      const std::string& name = op.names[first + k];
      if (stores_free(code, name.c_str())) return refuse(p, "NonlocalStore", name, code.name, op.loc);
      for (Place s : stores_) {
        const Op& store = at(s);
        if (store.sym != name) continue;
        if (store.args[0] == op.results[0]) {
          selves_.emplace_back(op.results[0], k);
          continue;
        }
        for (size_t h = 0; h < holders.size(); ++h) {
          if (live[h].empty()) live[h] = live_in(holders[h]);
          if (store.args[0] != holders[h] && live_after(holders[h], live[h], s))
            return refuse(p, "CapturedRebound", name, code.name, store.loc);
        }
      }
    }
  }

  // It may be code that is not reached, such as the body of objmode: an error if inference comes here.
  void refuse(Place p, const char* id, const std::string& variable, const char* function, uint32_t loc) {
    Op& op = at(p);
    std::erase_if(selves_, [&](const auto& self) { return self.first == op.results[0]; });
    op.code = OpCode::PyUnsupported;
    op.args.clear();
    op.ints.clear();
    op.imm = 0;
    op.names = {id, variable, function};
    op.loc = loc;
  }

  // The function's value and all that may hold it: parameters it is passed to, containers.
  std::vector<ValueId> holders_of(ValueId v) {
    std::vector<ValueId> holders{v};
    for (size_t i = 0; i < holders.size(); ++i)
      for (Block& b : f_.blocks) {
        auto hold = [&](ValueId h) {
          if (std::find(holders.begin(), holders.end(), h) == holders.end()) holders.push_back(h);
        };
        for (Op& op : b.ops) {
          bool keeps = op.code == OpCode::PyTuple || op.code == OpCode::PyList || op.code == OpCode::PyDict || op.code == OpCode::PySet ||
                       op.code == OpCode::PyFunction || op.code == OpCode::PyRefine || op.code == OpCode::PyCheckBound;
          bool uses = std::find(op.args.begin(), op.args.end(), holders[i]) != op.args.end();
          if (keeps && uses) hold(op.results[0]);
          if (op.code == OpCode::PyListAppend && op.args[1] == holders[i]) hold(op.args[0]);
        }
        for_edges(b, [&](Edge& e, bool) {
          for (size_t k = 0; k < e.args.size(); ++k)
            if (e.args[k] == holders[i]) hold(f_.blocks[e.block].params[k]);
        });
      }
    return holders;
  }

  static bool counts(const Op& op) { return op.code != OpCode::Retain; }

  // At the head of which blocks the value may still be used.
  std::vector<bool> live_in(ValueId v) {
    std::vector<std::vector<BlockId>> preds(f_.blocks.size());
    std::vector<BlockId> work;
    std::vector<bool> live(f_.blocks.size(), false);
    for (BlockId b = 0; b < f_.blocks.size(); ++b) {
      for_edges(f_.blocks[b], [&](Edge& e, bool) { preds[e.block].push_back(b); });
      if (f_.values[v].block != b && used_from({b, 0}, v)) work.push_back(b);
    }
    while (!work.empty()) {
      BlockId b = work.back();
      work.pop_back();
      if (live[b]) continue;
      live[b] = true;
      for (BlockId p : preds[b])
        if (f_.values[v].block != p) work.push_back(p);
    }
    return live;
  }

  // Is there a use in the block of `p`, from that op on?
  bool used_from(Place p, ValueId v) {
    Block& b = f_.blocks[p.block];
    for (size_t i = p.op; i < b.ops.size(); ++i)
      if (counts(b.ops[i]) && std::find(b.ops[i].args.begin(), b.ops[i].args.end(), v) != b.ops[i].args.end()) return true;
    bool used = false;
    for_edges(b, [&](Edge& e, bool error) { used |= (!error || p.op == 0) && std::find(e.args.begin(), e.args.end(), v) != e.args.end(); });
    return used;
  }

  bool live_after(ValueId v, const std::vector<bool>& live, Place p) {
    if (f_.values[v].block == p.block && defined_behind(v, p)) return live[p.block];
    if (used_from({p.block, p.op + 1}, v)) return true;
    bool out = false;
    for_edges(f_.blocks[p.block], [&](Edge& e, bool) { out |= live[e.block]; });
    return out;
  }
  bool defined_behind(ValueId v, Place p) {
    const Block& b = f_.blocks[p.block];
    for (size_t i = p.op; i < b.ops.size(); ++i)
      if (std::find(b.ops[i].results.begin(), b.ops[i].results.end(), v) != b.ops[i].results.end()) return true;
    return false;
  }

  void detach(ValueId function, size_t capture) {
    ValueId none = unbound();              // before the loop: it may move the ops of block 0
    for (Block& b : f_.blocks)
      for (Op& op : b.ops) {
        if (op.code != OpCode::PyFunction || op.results[0] != function) continue;
        if (std::find(op.ints.begin() + 3, op.ints.end(), static_cast<int64_t>(capture)) != op.ints.end()) return;
        op.ints.push_back(static_cast<int64_t>(capture));
        op.args[op.args.size() - static_cast<size_t>(op.ints[1]) + capture] = none;
        return;
      }
  }

  ValueId unbound() {
    for (Op& op : f_.blocks[0].ops)
      if (op.code == OpCode::PyUnbound) return op.results[0];
    Op op;
    op.code = OpCode::PyUnbound;
    op.results = {f_.add_value(bottom(), 0)};
    ValueId v = op.results[0];
    f_.blocks[0].ops.insert(f_.blocks[0].ops.begin(), std::move(op));
    return v;
  }

  Function& f_;
  const Unit& unit_;
  std::vector<Place> functions_, stores_;
  std::vector<std::pair<ValueId, size_t>> selves_;
};

}  // namespace

bool check_closures(Function* f, const Unit& unit) { return Closures(f, unit).run(); }

}  // namespace coluber::ir::frontend
