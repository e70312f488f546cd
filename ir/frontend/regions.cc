// Entry points, and cutting a function's graph at them. See regions.h.
#include "ir/frontend/regions.h"

#include <algorithm>
#include <charconv>

#include "ir/frontend/blocks.h"
#include "ir/frontend/fail.h"
#include "ir/frontend/liveness.h"
#include "ir/frontend/splice.h"

namespace coluber::ir::frontend {
namespace {

template <class T>
std::string join(const std::vector<T>& numbers) {
  std::string out;
  for (T n : numbers) out += (out.empty() ? "" : ",") + std::to_string(n);
  return out;
}

// Reads the parts of the text one by one.
struct Reader {
  std::string_view rest;
  bool ok = true;

  std::string_view until(char end) {
    size_t at = rest.find(end);
    std::string_view part = rest.substr(0, at);
    rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + 1);
    return part;
  }
  template <class T>
  T number(std::string_view part) {
    T value{};
    auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    ok = ok && error == std::errc() && end == part.data() + part.size();
    return value;
  }
  template <class T>
  std::vector<T> list(std::string_view part) {
    std::vector<T> out;
    Reader items{part};
    while (!items.rest.empty()) out.push_back(items.number<T>(items.until(',')));
    ok = ok && items.ok;
    return out;
  }
};

}  // namespace

std::string EntryPoint::text() const {
  std::string out = std::to_string(offset) + ";" + join(vars) + ";" + std::to_string(nulls) + ";" + std::to_string(stack);
  if (!holes.empty() || !markers.empty() || !again.empty()) out += ":" + join(holes);
  if (!markers.empty() || !again.empty()) out += ":" + join(markers);
  for (size_t k = 0; k < again.size(); ++k) out += (k ? "," : ":") + std::to_string(again[k].slot) + "=" + std::to_string(again[k].offset);
  out += ";";
  for (size_t k = 0; k < exits.size(); ++k) out += (k ? "/" : "") + std::to_string(exits[k].offset) + ":" + join(exits[k].vars);
  out += ";" + join(cuts) + ";";
  if (resume) out += std::to_string(resume);
  for (const Block& b : blocks) out += "/" + std::to_string(b.target) + ":" + std::to_string(b.depth);
  return out + ";" + join(on_objects);
}

bool EntryPoint::parse(std::string_view text, EntryPoint* out) {
  Reader r{text};
  out->offset = r.number<uint32_t>(r.until(';'));
  out->vars = r.list<int>(r.until(';'));
  out->nulls = r.number<int>(r.until(';'));
  Reader stack{r.until(';')};
  out->stack = stack.number<int>(stack.until(':'));
  out->holes = stack.list<int>(stack.until(':'));
  out->markers = stack.list<int>(stack.until(':'));
  while (!stack.rest.empty()) {
    Reader one{stack.until(',')};
    int slot = one.number<int>(one.until('='));
    out->again.push_back({slot, one.number<uint32_t>(one.rest)});
    stack.ok = stack.ok && one.ok;
  }
  r.ok = r.ok && stack.ok;
  Reader exits{r.until(';')};
  while (!exits.rest.empty()) {
    Reader one{exits.until('/')};
    Exit e;
    e.offset = one.number<uint32_t>(one.until(':'));
    e.vars = one.list<int>(one.rest);
    r.ok = r.ok && one.ok;
    out->exits.push_back(std::move(e));
  }
  out->cuts = r.list<uint32_t>(r.until(';'));
  Reader resume{r.until(';')};
  std::string_view how = resume.until('/');
  if (!how.empty()) out->resume = resume.number<int>(how);
  while (!resume.rest.empty()) {
    Reader one{resume.until('/')};
    Block b{one.number<uint32_t>(one.until(':')), one.number<int>(one.rest)};
    resume.ok = resume.ok && one.ok;
    out->blocks.push_back(b);
  }
  r.ok = r.ok && resume.ok;
  out->on_objects = r.list<uint32_t>(r.rest);
  return r.ok;
}

bool resumes_generator(std::string_view entry) {
  EntryPoint at;
  return !entry.empty() && EntryPoint::parse(entry, &at) && at.resume != 0;
}

namespace {

int block_at(const Cfg& cfg, uint32_t offset) {
  for (size_t b = 0; b < cfg.blocks.size(); ++b)
    if (!cfg.blocks[b].insts.empty() && cfg.blocks[b].insts[0].offset == offset) return static_cast<int>(b);
  fail_bytecode("there is no instruction at byte " + std::to_string(offset));
}

bool can_be_done_anew(const Inst& i) { return i.op == Micro::Global || i.op == Micro::Const; }

Inst anew(const Cfg& cfg, uint32_t offset) {
  for (const CfgBlock& b : cfg.blocks)
    for (const Inst& i : b.insts)
      if (i.offset == offset && can_be_done_anew(i)) return i;
  fail_bytecode("there is no global or constant at byte " + std::to_string(offset));
}

void move_up(Cfg* cfg) {
  for (CfgBlock& b : cfg->blocks) {
    for (int* to : {&b.next, &b.other, &b.handler})
      if (*to >= 0) ++*to;
    for (Inst& i : b.insts)
      if (i.op == Micro::PushHandler && i.target >= 0) ++i.target;
  }
}

Inst make(Micro op, int a = 0, int b = 0) {
  Inst i;
  i.op = op;
  i.a = a;
  i.b = b;
  return i;
}

}  // namespace

namespace {

// The block where a generator goes on behind the yield at `offset`: the value sent in comes first, or what is thrown in is raised there.
int behind_yield(Cfg* cfg, uint32_t offset) {
  for (const CfgBlock& b : cfg->blocks) {
    if (b.insts.empty() || b.insts.back().op != Micro::Suspend || b.insts.back().offset != offset || b.behind < 0) continue;
    CfgBlock sent;
    sent.insts = {make(Micro::Sent)};
    sent.insts[0].loc = b.insts.back().loc;
    sent.insts[0].offset = offset;
    sent.next = b.behind;
    sent.handler = b.handler;
    sent.handler_depth = b.handler_depth;
    sent.handler_kind = b.handler_kind;
    cfg->blocks.push_back(std::move(sent));
    return static_cast<int>(cfg->blocks.size()) - 1;
  }
  fail_bytecode("there is no yield at byte " + std::to_string(offset));
}

}  // namespace

void enter_at(Unit* unit, Cfg* cfg, const EntryPoint& entry) {
  for (int v : entry.vars)
    if (v < 0 || static_cast<size_t>(v) >= unit->own_vars) fail_bytecode("there is no variable " + std::to_string(v));
  std::vector<int> handlers;
  for (uint32_t at : entry.cuts)
    if (at != EntryPoint::kBegun) handlers.push_back(block_at(*cfg, at));
  int first = entry.resume ? behind_yield(cfg, entry.offset) : block_at(*cfg, entry.offset);
  for (size_t k = 0; k < entry.exits.size(); ++k) {
    CfgBlock& b = cfg->blocks[static_cast<size_t>(block_at(*cfg, entry.exits[k].offset))];
    Inst exit = make(Micro::Exit, static_cast<int>(k));
    exit.loc = b.insts[0].loc;
    exit.offset = b.insts[0].offset;
    b = CfgBlock{};
    b.insts.push_back(exit);
  }
  for (CfgBlock& b : cfg->blocks)
    if (std::find(handlers.begin(), handlers.end(), b.handler) != handlers.end()) b.handler = -1;
  move_up(cfg);
  CfgBlock head;
  head.next = first + 1;
  for (int k = 0; k < entry.nulls; ++k) head.insts.push_back(make(Micro::PushNull));
  for (int k = 0; k < entry.slots(); ++k) {
    auto again = std::find_if(entry.again.begin(), entry.again.end(), [&](const EntryPoint::Again& a) { return a.slot == k; });
    if (again != entry.again.end()) {
      head.insts.push_back(anew(*cfg, again->offset));
      continue;
    }
    if (std::find(entry.holes.begin(), entry.holes.end(), k) != entry.holes.end()) {
      head.insts.push_back(make(Micro::PushNull));
      continue;
    }
    head.insts.push_back(make(Micro::Local, static_cast<int>(unit->vars.size())));
    unit->vars.push_back({".stack", false});
    if (std::find(entry.markers.begin(), entry.markers.end(), k) != entry.markers.end()) head.insts.push_back(make(Micro::Mark));
  }
  if (entry.resume) head.insts.push_back(make(Micro::Const, unit->none()));   // in whose place Sent leaves the value
  for (const EntryPoint::Block& b : entry.blocks) {
    head.insts.push_back(make(Micro::PushHandler, 0, entry.slots() + 1 - b.depth));
    head.insts.back().target = b.target == EntryPoint::kBegun ? -1 : block_at(*cfg, b.target) + 1;
  }
  for (uint32_t at : entry.cuts)
    if (at == EntryPoint::kBegun) {
      head.insts.push_back(make(Micro::PushHandler));
      head.insts.back().target = kNoHandler;
    }
  cfg->blocks.insert(cfg->blocks.begin(), std::move(head));
}

namespace {

class Lifts : Splicer {
 public:
  Lifts(Unit* unit, Cfg* cfg, int version) : Splicer(unit, cfg), version_(version), live_(*cfg, unit->vars.size(), 0, unit), before_(cfg->blocks.size()) {}

  void run() {
    size_t n = cfg_.blocks.size();
    std::vector<std::vector<int>> latches(n);
    for (size_t b = 0; b < n; ++b)
      for (int to : {cfg_.blocks[b].next, cfg_.blocks[b].other, cfg_.blocks[b].handler}) {
        if (to < 0) continue;
        before_[static_cast<size_t>(to)].push_back(static_cast<int>(b));
        if (to <= static_cast<int>(b)) latches[static_cast<size_t>(to)].push_back(static_cast<int>(b));
      }
    carried_.assign(n, 0);
    for (size_t h = 0; h < n; ++h) {
      if (latches[h].empty()) continue;
      std::vector<bool> in = body_of(static_cast<int>(h), latches[h]);
      for (size_t b = 0; b < n; ++b)
        if (in[b]) carried_[b] = std::max(carried_[b], cfg_.blocks[h].depth);
    }
    for (size_t h = 0; h < n; ++h)
      if (!latches[h].empty()) loop(static_cast<int>(h), latches[h]);
    for (size_t k = plans_.size(); k-- > 0;) insert(plans_[k]);   // of two in one block, the later place first
    if (!plans_.empty()) order_blocks(&cfg_);
  }

 private:
  struct Plan {
    Lift lift;
    int header = -1, block = -1;           // where: in front of the header, or within the block that ends in front of it
    size_t at = 0;                         // which instruction of it
    std::vector<int> targets;              // of the exits
    std::vector<int> ended;                // of each: slots without a value that the end of a for loop leaves on the stack
    bool again = false;                    // the expression may have no native form: a second lift behind it, with its value
    std::vector<int> entering;             // while loops: blocks that lead to the header from outside
  };

  std::vector<bool> body_of(int header, std::vector<int> work) {
    std::vector<bool> in(cfg_.blocks.size(), false);
    in[static_cast<size_t>(header)] = true;
    while (!work.empty()) {
      int b = work.back();
      work.pop_back();
      if (in[static_cast<size_t>(b)]) continue;
      in[static_cast<size_t>(b)] = true;
      work.insert(work.end(), before_[static_cast<size_t>(b)].begin(), before_[static_cast<size_t>(b)].end());
    }
    return in;
  }

  // Blocks that the loop leads to and that end by raising whatever happens belong to it: the ends of its handlers. around: the handler that it stands in.
  void add_raising(std::vector<bool>* in, int around) {
    for (size_t b = 0; b < in->size(); ++b) {
      if (!(*in)[b]) continue;
      for (int to : {cfg_.blocks[b].next, cfg_.blocks[b].other, cfg_.blocks[b].handler}) {
        if (to < 0 || (*in)[static_cast<size_t>(to)] || to == around) continue;
        std::vector<bool> seen = *in;
        if (!raises(to, around, &seen)) continue;
        *in = std::move(seen);
        b = 0;
      }
    }
  }

  // Marks what it goes through.
  bool raises(int from, int around, std::vector<bool>* seen) {
    std::vector<int> work{from};
    while (!work.empty()) {
      int b = work.back();
      work.pop_back();
      if (b < 0 || b == around || (*seen)[static_cast<size_t>(b)]) continue;
      (*seen)[static_cast<size_t>(b)] = true;
      const std::vector<Inst>& insts = at(b).insts;
      bool ends = !insts.empty() && (insts.back().op == Micro::Raise || insts.back().op == Micro::Reraise);
      if (!ends && at(b).next < 0) return false;
      work.insert(work.end(), {at(b).next, at(b).other, at(b).handler});
    }
    return true;
  }

  // A generator yields in it: what the native loop has is not all that is wanted when it goes on.
  bool suspends(const std::vector<bool>& in) {
    for (size_t b = 0; b < in.size() && !cfg_.suspended.empty(); ++b)
      if (in[b])
        for (const Inst& i : cfg_.blocks[b].insts)
          if (std::find(cfg_.suspended.begin(), cfg_.suspended.end(), i.offset) != cfg_.suspended.end()) return true;
    return false;
  }

  void loop(int header, const std::vector<int>& latches) {
    std::vector<bool> in = body_of(header, latches);
    if (suspends(in)) return;
    add_raising(&in, at(header).handler);
    if (in[0] || at(header).foreign || at(header).is_handler) return;
    Plan p;
    p.header = header;
    for (int b : before_[static_cast<size_t>(header)])
      if (!in[static_cast<size_t>(b)]) p.entering.push_back(b);
    if (p.entering.empty() || !place(&p)) return;
    Vars reads(unit_.vars.size(), false), sets(unit_.vars.size(), false);
    if (!effects(p, in, &reads, &sets) || !handlers(&p, in, sets) || !exits(&p, in, sets)) return;
    for (uint32_t cut : unit_.entry.cuts)  // of the body of a with statement: not in this graph any more
      if (cut != EntryPoint::kBegun) p.lift.entry.cuts.push_back(cut);
    const Plan whole = p;
    parameters(&p, reads);
    plans_.push_back(p);
    if (!p.again) return;
    const std::vector<Inst>& insts = at(p.block).insts;
    size_t iter = insts.size() - 1;
    for (size_t from = first_call(p);; from = iter) {
      Plan rest = whole;                   // values in place of what they come from
      rest.again = false;
      rest.at = from;
      rest.lift.entry.offset = insts[from].offset;
      on_stack(&rest, makers(whole.at, from, insts));
      std::fill(reads.begin(), reads.end(), false);
      if (!effects(rest, in, &reads, &sets)) return;
      parameters(&rest, reads);
      plans_.push_back(std::move(rest));
      if (from == iter) return;
    }
  }

  // Of the calls of globals (zip, enumerate, range, len ...) at the end of the expression, with values that are there by then: the first.
  size_t first_call(const Plan& p) {
    const std::vector<Inst>& insts = at(p.block).insts;
    size_t first = insts.size() - 1;
    while (first > p.at) {
      const Inst& call = insts[first - 1];
      bool plain = call.op == Micro::CallPlain;
      if ((!plain && (call.op != Micro::Call || call.b)) || (first > 1 && insts[first - 2].offset == call.offset)) break;
      std::vector<int> made = makers(p.at, first - 1, insts);
      auto below = made.end() - call.a - (plain ? 1 : 2);
      bool global = std::any_of(below, made.end() - call.a, [&](int k) { return k >= 0 && insts[static_cast<size_t>(k)].op == Micro::Global; });
      if (!global) break;
      --first;
    }
    return first;
  }

  // Of each slot that the expression has on the stack in front of instruction `end` of it, the instruction that alone made it; -1: several, or it is not
  // just that.
  static std::vector<int> makers(size_t begin, size_t end, const std::vector<Inst>& insts) {
    std::vector<int> made;
    for (size_t k = begin; k < end; ++k) {
      size_t drop = std::min(made.size(), static_cast<size_t>(pops(insts[k])));
      bool moves = insts[k].op == Micro::Copy || insts[k].op == Micro::Swap || insts[k].op == Micro::Rot || insts[k].op == Micro::DupTwo;
      if (moves) std::fill(made.begin(), made.end(), -1);
      made.resize(made.size() - drop);
      int count = pushes(insts[k]);
      made.insert(made.end(), static_cast<size_t>(count), count == 1 && !moves ? static_cast<int>(k) : -1);
    }
    return made;
  }

  // What is on the stack where a plan begins in the middle of the expression: values, nulls, and what can be made anew.
  void on_stack(Plan* p, const std::vector<int>& made) {
    EntryPoint& e = p->lift.entry;
    for (size_t k = 0; k < made.size(); ++k) {
      const Inst* maker = made[k] < 0 ? nullptr : &at(p->block).insts[static_cast<size_t>(made[k])];
      if (maker && maker->op == Micro::PushNull) e.holes.push_back(static_cast<int>(k));
      else if (maker && can_be_done_anew(*maker)) e.again.push_back({static_cast<int>(k), maker->offset});
      else ++e.stack;
    }
  }

  // Where the loop's statement begins. A for loop takes in the expression that it iterates over, when that is one piece of code.
  bool place(Plan* p) {
    CfgBlock& before = at(p->entering[0]);
    EntryPoint& e = p->lift.entry;
    bool iterates = p->entering.size() == 1 && before.next == p->header && before.other < 0 && !before.insts.empty() && before.insts.back().op == Micro::Iter;
    const std::vector<Inst>& insts = iterates ? before.insts : at(p->header).insts;
    if (insts.empty() || before.foreign) return false;
    if (!iterates && insts.back().op == Micro::ForIter) return false;   // a comprehension: its list lies on the stack
    if (!iterates) {                       // while: in front of the header
      e.offset = insts[0].offset;
      e.nulls = at(p->header).depth;
      return at(p->header).depth >= 0;
    }
    std::vector<int> depth{before.depth};
    for (const Inst& i : insts) depth.push_back(depth.back() + pushes(i) - pops(i));
    size_t iter = insts.size() - 1, from = iter;
    e.nulls = depth[iter] - 1;
    for (size_t k = iter + 1; k-- > 0;)
      if (depth[k] == e.nulls && (k == 0 || insts[k - 1].offset != insts[k].offset)) {
        from = k;
        break;
      }
    e.stack = from == iter;                // the expression began in another block: only its value
    if (e.stack && iter > 0 && insts[iter - 1].offset == insts[iter].offset) return false;
    e.offset = insts[from].offset;
    p->block = p->entering[0];
    p->at = from;
    bool apart = iter > 0 && insts[iter - 1].offset != insts[iter].offset;
    for (size_t k = from; k < iter && apart; ++k) p->again = p->again || insts[k].op == Micro::Attr || insts[k].op == Micro::GetItem || insts[k].op == Micro::Call || insts[k].op == Micro::CallPlain;
    return e.nulls >= 0;
  }

  // What the loop reads and sets; false when it does what native code does not.
  bool effects(const Plan& p, const std::vector<bool>& in, Vars* reads, Vars* sets) {
    bool ok = true;
    auto look = [&](const Inst& i) {
      bool variable = i.op == Micro::Local || i.op == Micro::Closure || i.op == Micro::SetLocal || i.op == Micro::DelLocal || i.op == Micro::LocalClear;
      if (i.op == Micro::Return || i.op == Micro::WithEnter || i.op == Micro::BuildClass || i.op == Micro::Import || i.op == Micro::SetGlobal) ok = false;
      if (!variable) return;
      size_t v = static_cast<size_t>(i.a);
      bool stores = i.op == Micro::SetLocal || i.op == Micro::DelLocal || i.op == Micro::LocalClear;
      ok = ok && !unit_.vars[v].cell;
      if (stores) (*sets)[v] = true;
      if (i.op != Micro::SetLocal) (*reads)[v] = true;
    };
    if (p.block >= 0)
      for (size_t k = p.at; k < at(p.block).insts.size(); ++k) look(at(p.block).insts[k]);
    for (size_t b = 0; b < in.size(); ++b)
      if (in[b])
        for (const Inst& i : cfg_.blocks[b].insts) look(i);
    return ok;
  }

  // Exceptions go to handlers outside the loop with the variables as they were before it.
  bool handlers(Plan* p, const std::vector<bool>& in, const Vars& sets) {
    for (size_t b = 0; b < in.size(); ++b) {
      if (!in[b] && static_cast<int>(b) != p->block) continue;
      int h = cfg_.blocks[b].handler;
      if (h < 0 || in[static_cast<size_t>(h)]) continue;
      if (version_ == 310 || at(h).insts.empty()) return false;
      for (size_t v = 0; v < sets.size(); ++v)
        if (sets[v] && live_.live(h, static_cast<int>(v))) return false;
      uint32_t offset = at(h).insts[0].offset;
      std::vector<uint32_t>& cuts = p->lift.entry.cuts;
      if (std::find(cuts.begin(), cuts.end(), offset) == cuts.end()) cuts.push_back(offset);
    }
    return true;
  }

  bool exits(Plan* p, const std::vector<bool>& in, const Vars& sets) {
    for (size_t b = 0; b < in.size(); ++b) {
      if (!in[b]) continue;
      for (bool second : {false, true}) {
        int to = second ? cfg_.blocks[b].other : cfg_.blocks[b].next;
        bool ends = second && !cfg_.blocks[b].insts.empty() && cfg_.blocks[b].insts.back().op == Micro::ForIter;
        while (to >= 0 && !in[static_cast<size_t>(to)] && at(to).insts.empty()) to = at(to).next;
        if (to < 0 || in[static_cast<size_t>(to)] || std::find(p->targets.begin(), p->targets.end(), to) != p->targets.end()) continue;
        EntryPoint::Exit e;
        e.offset = at(to).insts[0].offset;
        int nulls = ends ? cfg_.blocks[b].insts.back().b : 0;
        if (at(to).depth - nulls > carried_[b]) return false;    // a value that is returned, within a try statement
        if (!alone(to) || at(to).foreign || at(to).depth < p->lift.entry.nulls || raises_again(to, p->lift.entry.nulls)) return false;
        for (size_t v = 0; v < std::min(sets.size(), unit_.own_vars); ++v)
          if (sets[v] && live_.live(to, static_cast<int>(v))) e.vars.push_back(static_cast<int>(v));
        p->targets.push_back(to);
        p->ended.push_back(nulls);
        p->lift.entry.exits.push_back(std::move(e));
      }
    }
    return !p->targets.empty() && p->targets.size() <= 8;
  }
  // The way out is within a handler and needs the exception, which the native loop does not hand over.
  bool raises_again(int from, int depth) {
    std::vector<bool> seen(cfg_.blocks.size(), false);
    std::vector<int> work{from};
    while (!work.empty()) {
      int b = work.back();
      work.pop_back();
      if (b < 0 || seen[static_cast<size_t>(b)] || at(b).depth <= depth) continue;
      seen[static_cast<size_t>(b)] = true;
      for (const Inst& i : at(b).insts)
        if (i.op == Micro::Reraise || i.op == Micro::WithExit || (i.op == Micro::Raise && !i.a)) return true;
      work.insert(work.end(), {at(b).next, at(b).other});
    }
    return false;
  }

  void parameters(Plan* p, const Vars& reads) {
    Vars wanted = reads;
    for (const EntryPoint::Exit& e : p->lift.entry.exits)
      for (int v : e.vars) wanted[static_cast<size_t>(v)] = true;
    for (size_t v = 0; v < unit_.own_vars; ++v) {
      bool in_expression = false;
      if (p->block >= 0)
        for (size_t k = p->at; k < at(p->block).insts.size(); ++k) in_expression |= at(p->block).insts[k].op == Micro::Local && at(p->block).insts[k].a == static_cast<int>(v);
      if (wanted[v] && (in_expression || live_.live(p->header, static_cast<int>(v)))) p->lift.entry.vars.push_back(static_cast<int>(v));
    }
  }

  void insert(const Plan& p) {
    int lift = static_cast<int>(unit_.lifts.size()), rest = p.header;
    unit_.lifts.push_back(p.lift);
    Inst like = p.block >= 0 ? at(p.block).insts[p.at] : at(p.header).insts[0];
    if (p.block >= 0) {                    // the block is cut in two
      rest = add_block(at(p.block));
      at(rest).insts.assign(at(p.block).insts.begin() + static_cast<ptrdiff_t>(p.at), at(p.block).insts.end());
      at(p.block).insts.resize(p.at);
      at(rest).next = at(p.block).next;
    }
    int head = add_block(p.block >= 0 ? at(p.block) : at(p.header));
    at(head).insts.push_back(make(Micro::Lift, like, lift));
    if (p.block >= 0) at(p.block).next = head;
    else
      for (int b : p.entering) redirect(b, p.header, head);
    int out = 0;
    for (size_t e = 0; e < p.targets.size(); ++e) {
      at(head).insts.push_back(make(Micro::LiftResult, like, lift, out++));
      at(head).insts.push_back(make(Micro::Branch, like, 0));
      int taken = add_block(CfgBlock{}), other = e + 1 < p.targets.size() ? add_block(CfgBlock{}) : rest;
      at(head).next = taken;
      at(head).other = other;
      head = other;
      leave_by(p, e, lift, &out, taken, like);
    }
  }

  // Sets the variables that the native loop has set, then goes where it was left.
  void leave_by(const Plan& p, size_t exit, int lift, int* out, int block, const Inst& like) {
    const EntryPoint& entry = p.lift.entry;
    if (entry.slots()) at(block).insts.push_back(make(Micro::PopN, like, entry.slots()));
    block = set_variables(entry.exits[exit], lift, out, block, like);
    // Iterators of the loops that were left: what follows drops them.
    int depth = at(p.targets[exit]).depth;
    for (int k = entry.nulls; k < depth; ++k)
      at(block).insts.push_back(k < depth - p.ended[exit] ? make(Micro::Const, like, unit_.none()) : make(Micro::PushNull, like, 0));
    at(block).next = p.targets[exit];
  }

  void redirect(int b, int from, int to) {
    if (at(b).next == from) at(b).next = to;
    if (at(b).other == from) at(b).other = to;
  }

  int version_;
  Liveness live_;
  std::vector<std::vector<int>> before_;
  std::vector<int> carried_;               // of each block, how much of the stack the loops around it carry: iterators
  std::vector<Plan> plans_;
};

}  // namespace

void insert_lifts(Unit* unit, Cfg* cfg, int version) { Lifts(unit, cfg, version).run(); }

}  // namespace coluber::ir::frontend
