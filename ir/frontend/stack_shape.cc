// Runs the shape of the stack through the graph before any value is built: how deep it is at the head of each block, where 3.10's
// handlers are (its block stack is dynamic), and which calls are calls of comprehensions, so that these can be inlined first.
#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <span>
#include <unordered_map>

#include "ir/frontend/blocks.h"
#include "ir/frontend/fail.h"

namespace coluber::ir::frontend {
namespace {

struct Tag {
  enum Kind : uint8_t { Value, Null, Constant, Code, Function, Global, GeneratorCall } kind = Value;
  int index = -1;                          // Constant, Code, Function: constant. Global: name. GeneratorCall: into Cfg::sites
  bool operator==(const Tag&) const = default;
};

struct Handler {                           // an entry of 3.10's block stack
  int target, depth;                       // target kRunning: a handler that has been entered
  auto operator<=>(const Handler&) const = default;
};

constexpr int kRunning = -1;

struct State {
  std::vector<Tag> stack;
  std::vector<Handler> handlers;
};

class Shapes {
 public:
  Shapes(const Unit& unit, Cfg* cfg) : unit_(unit), cfg_(*cfg), heads_(cfg->blocks.size()), seen_(cfg->blocks.size()) {}

  void run() {
    enter(0, State{});
    while (!work_.empty()) {
      block_ = work_.front();
      work_.pop_front();
      queued_[static_cast<size_t>(block_)] = false;
      walk();
    }
    for (size_t b = 0; b < seen_.size(); ++b)
      for (int to : {cfg_.blocks[b].next, cfg_.blocks[b].other})
        if (seen_[b] && to >= 0 && cfg_.blocks[static_cast<size_t>(to)].is_handler) bad("it jumps into a handler");
    keep_block_stacks();
    accept_generators();
  }

 private:
  CfgBlock& block() { return cfg_.blocks[static_cast<size_t>(block_)]; }
  [[noreturn]] void bad(const char* why, const Inst* inst = nullptr) {
    fail_bytecode(why, inst ? unit_.locs[inst->loc] : Loc{});
  }

  void enter(int to, State state) {
    size_t b = static_cast<size_t>(to);
    if (queued_.empty()) queued_.resize(cfg_.blocks.size());
    bool changed = !seen_[b];
    State& head = heads_[b];
    if (!seen_[b]) {
      seen_[b] = true;
      cfg_.blocks[b].depth = static_cast<int>(state.stack.size());
      head = std::move(state);
    } else {
      if (head.stack.size() != state.stack.size() || head.handlers != state.handlers) bad("the stack is not as deep, or the handlers not the same, on all ways to an instruction");
      for (size_t i = 0; i < head.stack.size(); ++i) changed |= join(&head.stack[i], state.stack[i]);
    }
    if (changed && !queued_[b]) {
      queued_[b] = true;
      work_.push_back(to);
    }
  }
  bool join(Tag* into, Tag tag) {
    if (*into == tag) return false;
    if ((into->kind == Tag::Null) != (tag.kind == Tag::Null)) bad("the nulls on the stack are not the same on all ways to an instruction");
    if (into->kind == Tag::Value) return false;
    *into = Tag{};
    return true;
  }

  // The innermost handler of a 3.10 block; versions with tables have set it before.
  void dynamic_handler(const State& s) {
    auto it = std::find_if(s.handlers.rbegin(), s.handlers.rend(), [](const Handler& h) { return h.target >= 0; });
    if (it == s.handlers.rend() || !block().raises()) return;
    block().handler = it->target;
    block().handler_depth = it->depth;
    block().handler_kind = HandlerKind::Six;
  }

  void enter_handler(const State& s) {
    CfgBlock& b = block();
    if (b.handler < 0) return;
    size_t depth = static_cast<size_t>(b.handler_depth);
    if (depth > s.stack.size()) bad("a handler wants more than is on the stack");
    State to;
    to.stack.assign(s.stack.begin(), s.stack.begin() + b.handler_depth);
    if (b.handler_kind == HandlerKind::Six) {
      auto it = std::find_if(s.handlers.rbegin(), s.handlers.rend(), [](const Handler& h) { return h.target >= 0; });
      to.handlers.assign(s.handlers.begin(), it.base() - 1);
      to.handlers.push_back({kRunning, b.handler_depth});
      for (Tag::Kind k : {Tag::Value, Tag::Null, Tag::Null, Tag::Null, Tag::Value, Tag::Value}) to.stack.push_back({k, -1});
    } else {
      if (b.handler_kind == HandlerKind::Lasti) to.stack.push_back({Tag::Null, -1});
      to.stack.push_back(Tag{});
    }
    cfg_.blocks[static_cast<size_t>(b.handler)].is_handler = true;
    enter(b.handler, std::move(to));
  }

  void walk() {
    State s = heads_[static_cast<size_t>(block_)];
    dynamic_handler(s);
    enter_handler(s);
    CfgBlock& b = block();
    for (size_t i = 0; i < b.insts.size(); ++i) {
      const Inst& inst = b.insts[i];
      int need = std::max(pops(inst), reach(inst));
      if (need > static_cast<int>(s.stack.size())) bad("it takes more from the stack than there is", &inst);
      if (static_cast<int>(s.stack.size()) + pushes(inst) > kMaxStack) bad("its stack is too deep", &inst);
      if (inst.op == Micro::ForIter) {
        State end = s;
        end.stack.pop_back();
        end.stack.insert(end.stack.end(), static_cast<size_t>(inst.b), Tag{Tag::Null, -1});
        enter(b.other, std::move(end));
      }
      step(&s, inst, static_cast<int>(i));
    }
    b.block_stack = block_stacks_.emplace(s.handlers, static_cast<int>(block_stacks_.size())).first->second;
    bool branch = !b.insts.empty() && b.insts.back().op == Micro::Branch;
    if (branch && b.other >= 0) enter(b.other, s);
    if (b.next >= 0) enter(b.next, std::move(s));
  }

  void keep_block_stacks() {
    cfg_.block_stacks.assign(block_stacks_.size(), {});
    for (const auto& [handlers, number] : block_stacks_)
      for (const Handler& h : handlers) {
        const CfgBlock* to = h.target >= 0 ? &cfg_.blocks[static_cast<size_t>(h.target)] : nullptr;
        cfg_.block_stacks[static_cast<size_t>(number)].push_back({to && !to->insts.empty() ? to->insts[0].offset : EntryPoint::kBegun, h.depth});
      }
  }

  // How far below the top an instruction looks.
  static int reach(const Inst& i) {
    switch (i.op) {
      case Micro::Copy: case Micro::Swap: case Micro::Rot: return std::max(1, i.a);
      case Micro::DupTwo: case Micro::ExcMatch: return 2;
      case Micro::ListAppend: case Micro::SetAdd: case Micro::ListExtend: return i.a + 1;
      case Micro::MapAdd: return i.a + 2;
      case Micro::Update: return i.a + 1 + (i.b == kDictMerge ? 2 : 0);
      case Micro::WithExit: return i.a;
      case Micro::ImportFrom: case Micro::Peek: return 1;
      case Micro::MatchKeys: case Micro::DictWithout: case Micro::Send: return 2;
      case Micro::PushHandler: return i.b;
      default: return 0;
    }
  }

  void step(State* s, const Inst& inst, int index) {
    std::vector<Tag>& stack = s->stack;
    size_t n = stack.size(), a = static_cast<size_t>(inst.a);
    switch (inst.op) {
      case Micro::Copy: case Micro::Swap: case Micro::Rot:
        if (inst.a < 1) bad("it counts stack slots from zero", &inst);
        if (inst.op == Micro::Copy) stack.push_back(stack[n - a]);
        if (inst.op == Micro::Swap) std::swap(stack[n - 1], stack[n - a]);
        if (inst.op == Micro::Rot) std::rotate(stack.end() - inst.a, stack.end() - 1, stack.end());
        return;
      case Micro::DupTwo:
        stack.push_back(stack[n - 2]);
        stack.push_back(stack[n - 1]);
        return;
      case Micro::PushHandler: s->handlers.push_back({inst.target, static_cast<int>(n) - inst.b}); return;
      case Micro::PopHandler:
        if (s->handlers.empty() || s->handlers.back().target == kRunning) bad("it ends a handler that it did not begin", &inst);
        s->handlers.pop_back();
        return;
      case Micro::PopExcept:
        if (inst.b == 3 && (s->handlers.empty() || s->handlers.back().target != kRunning)) bad("it leaves a handler that it did not enter", &inst);
        if (inst.b == 3) s->handlers.pop_back();
        break;
      default: break;
    }
    Tag result = tag_of(*s, inst, index);
    stack.resize(n - static_cast<size_t>(pops(inst)));
    stack.insert(stack.end(), static_cast<size_t>(pushes(inst)), Tag{});
    if (pushes(inst) == 1) stack.back() = result;
  }

  // What is worth knowing of an instruction's result.
  Tag tag_of(const State& s, const Inst& inst, int index) {
    const std::vector<Tag>& stack = s.stack;
    size_t n = stack.size(), a = static_cast<size_t>(inst.a);
    switch (inst.op) {
      case Micro::PushNull: return {Tag::Null, -1};
      case Micro::Global: return {Tag::Global, inst.a};
      case Micro::Const: {
        const clb_const* c = unit_.consts[static_cast<size_t>(inst.a)];
        bool comprehension = c->kind == CLB_CODE && c->code && c->code->name && c->code->name[0] == '<' && std::strcmp(c->code->name, "<lambda>");
        return {comprehension ? Tag::Code : Tag::Constant, inst.a};
      }
      case Micro::Function: {
        Tag code = stack[n - static_cast<size_t>(inst.b)];
        return code.kind == Tag::Code ? Tag{Tag::Function, code.index} : Tag{};
      }
      case Micro::FunctionAttr: return stack[n - 1].kind == Tag::Function ? stack[n - 1] : Tag{};
      case Micro::CallPlain: return call(stack[n - a - 1], arguments(stack, n - a), index);
      case Micro::CallKwPlain: return consumer(stack[n - a - 2], arguments(stack, n - a - 1), index);
      case Micro::Call: case Micro::CallKw: {
        bool keywords = inst.op == Micro::CallKw || inst.b;
        size_t first_arg = n - a - (inst.op == Micro::CallKw);
        Tag first = stack[first_arg - 2], second = stack[first_arg - 1];
        bool has_self = first.kind != Tag::Null && second.kind != Tag::Null;
        Tag callee = first.kind == Tag::Null ? second : first;
        std::span<const Tag> args = arguments(stack, has_self ? first_arg - 1 : first_arg);
        return keywords ? consumer(callee, args, index) : call(callee, args, index);
      }
      default: return {};
    }
  }

  static std::span<const Tag> arguments(const std::vector<Tag>& stack, size_t from) { return std::span(stack).subspan(from); }
  int64_t key_of(int index) const { return static_cast<int64_t>(block_) << 32 | index; }

  // A call may be looked at again when less is known of its operands; what was found last counts.
  // A generator expression as the first argument, if the others are constants: making a list of it beforehand changes no order.
  Tag consumer(Tag callee, std::span<const Tag> args, int index) {
    consumers_.erase(key_of(index));
    bool fits = callee.kind == Tag::Global && !args.empty() && args[0].kind == Tag::GeneratorCall &&
                std::all_of(args.begin() + 1, args.end(), [](Tag t) { return t.kind == Tag::Constant; });
    if (fits) consumers_[key_of(index)] = {args[0].index, callee.index, block_, index};
    return {};
  }

  Tag call(Tag callee, std::span<const Tag> args, int index) {
    consumer(callee, args, index);
    if (args.size() != 1) return {};
    int64_t key = key_of(index);
    auto known = site_of_.find(key);
    if (known != site_of_.end()) cfg_.sites[static_cast<size_t>(known->second)].code = -1;
    if (callee.kind != Tag::Function) return {};
    const char* name = unit_.consts[static_cast<size_t>(callee.index)]->code->name;
    bool generator = !std::strcmp(name, "<genexpr>");
    bool comprehension = !std::strcmp(name, "<listcomp>") || !std::strcmp(name, "<setcomp>") || !std::strcmp(name, "<dictcomp>");
    if (!generator && !comprehension) return {};
    if (known == site_of_.end()) {
      known = site_of_.emplace(key, static_cast<int>(cfg_.sites.size())).first;
      cfg_.sites.push_back({block_, index, -1, ComprehensionSite::Comprehension});
      accepted_.push_back(comprehension);
    }
    cfg_.sites[static_cast<size_t>(known->second)].code = callee.index;
    return generator ? Tag{Tag::GeneratorCall, known->second} : Tag{};
  }

  // Generator expressions that are nothing but the argument of a builtin which takes all items, or all up to a true or false one, in
  // order: such a one can be a loop that fills a list.
  void accept_generators() {
    struct Consumer {
      const char* name;
      ComprehensionSite::Kind kind;
    };
    static constexpr Consumer kConsumers[] = {{"sum", ComprehensionSite::CollectAll}, {"min", ComprehensionSite::CollectAll},
        {"max", ComprehensionSite::CollectAll}, {"sorted", ComprehensionSite::CollectAll}, {"tuple", ComprehensionSite::CollectAll},
        {"list", ComprehensionSite::CollectAll}, {"any", ComprehensionSite::UntilTrue}, {"all", ComprehensionSite::UntilFalse}};
    if (unit_.objects) consumers_.clear();   // generators there are generators
    for (const auto& [key, use] : consumers_) {
      const char* name = unit_.names[static_cast<size_t>(use.global)];
      for (const Consumer& c : kConsumers) {
        if (std::strcmp(name, c.name)) continue;
        accepted_[static_cast<size_t>(use.site)] = true;
        cfg_.sites[static_cast<size_t>(use.site)].kind = c.kind;
        cfg_.blocks[static_cast<size_t>(use.block)].insts[static_cast<size_t>(use.inst)].flag = true;
      }
    }
    std::vector<ComprehensionSite> kept;
    for (size_t i = 0; i < cfg_.sites.size(); ++i)
      if (accepted_[i] && cfg_.sites[i].code >= 0) kept.push_back(cfg_.sites[i]);
    cfg_.sites = std::move(kept);
  }

  struct Use {
    int site, global, block, inst;
  };
  const Unit& unit_;
  Cfg& cfg_;
  std::vector<State> heads_;
  std::vector<bool> seen_, queued_;
  std::deque<int> work_;
  std::vector<bool> accepted_;             // of sites
  std::map<std::vector<Handler>, int> block_stacks_;
  std::unordered_map<int64_t, int> site_of_;   // block and instruction -> site
  std::map<int64_t, Use> consumers_;
  int block_ = 0;
};

}  // namespace

void find_shapes(const Unit& unit, Cfg* cfg) { Shapes(unit, cfg).run(); }

}  // namespace coluber::ir::frontend
