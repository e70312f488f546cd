// Parallel: the rounds of a prange loop become a function that the runtime calls for parts of the range, on several threads.
//
//   before   ^0: %s = par.loop %start, %chunk, %threads        after   ^0: jump ^1(%init)
//                jump ^1(%s, %init)                                   ^1(%init): %sum = par.for %start, %stop, %chunk, %threads, %x, %zero, %init, "f.par1"
//            ^1(%i, %acc) loop: br lt(%i, %stop), ^2, ^3                  jump ^3(%sum)
//            ^2: %acc2 = add %acc, f(%x, %i)                          @f.par1(%start', %stop', %x, %acc'): the loop, from %start' to %stop'
//                jump ^1(add(%i, 1), %acc2)                           @f.par1.combine(%a, %b): return add %a, %b
//            ^3(%acc): ...
//
// Loops that array expressions became (fuse) and those of library functions begin with a mark of the schedule kWorth: their rounds are known not
// to collide and to carry nothing, so that only their form is looked at. The pass runs in front of fuse, and for what fuse made behind it.
// Outer loops come first; one inside of another runs within a round of it. Loops that cannot run so stay as they are, and the report says why.
// The rounds of prange are taken out while array operations are still whole, and in front of the passes that prove and move index checks: they
// treat them as any loop. Requires typed IR without reference counts. Leaves no par.loop.
#include "ir/passes/parallel.h"

#include <algorithm>
#include <unordered_set>

#include "ir/passes/manager.h"
#include "ir/passes/rewrite.h"
#include "ir/places.h"

namespace coluber::ir {
namespace {

using namespace parallel;

constexpr size_t kMostArrays = 4;          // that threads have of their own
constexpr const char* kInside = "it is inside of a parallel loop";
constexpr const char* kArrays = "array expression";

bool has_marks(const Function& f) {
  for (const Block& b : f.blocks)
    for (const Op& op : b.ops)
      if (op.code == OpCode::ParLoop) return true;
  return false;
}

// What is left of them: those of loops that are gone.
void remove_marks(Function& f) {
  ValueMap map(f.values.size());
  for (Block& b : f.blocks)
    std::erase_if(b.ops, [&](const Op& op) {
      if (op.code != OpCode::ParLoop) return false;
      map.replace(f, op.result(), op.args[0]);
      return true;
    });
  map.apply(f);
}

class Parallel {
 public:
  Parallel(Program& p, const PassOptions& options)
      : p_(p), summary_(p), strict_(options.unproved_is_error), report_(options.report ? *options.report : unread_) {}

  void run() {
    find_objects();
    size_t written = p_.functions.size();
    for (size_t i = 0; i < written; ++i) {
      Function& f = *p_.functions[i];
      int made = 0;
      while (f.typed && has_marks(f)) next(f, &made);
    }
    for (size_t i = written; i < p_.functions.size(); ++i) remove_marks(*p_.functions[i]);   // nobody begins with them any more
  }

 private:
  // The outermost loop that is left.
  void next(Function& f, int* made) {
    Analyses a(f);
    for (LoopId id = 0; id < a.loops.loops().size() && !a.loops.irreducible(); ++id) {
      const Loop& loop = a.loops.loops()[id];
      for (const Pred& entry : loop.entries)
        for (size_t k = 0; !entry.error() && k < edge_of(f, entry).args.size(); ++k) {
          const Op* mark = a.uses.def_op(f, edge_of(f, entry).args[k]);
          if (mark && mark->code == OpCode::ParLoop) return loop_found(f, a, id, k, *mark, made);
        }
    }
    remove_marks(f);
  }

  // Python objects need the GIL, by themselves or in what is called.
  bool uses_objects(const Function& f, const Candidate& c) const {
    for (BlockId b : c.blocks)
      for (const Op& op : f.blocks[b].ops)
        if (is_object_op(op) || (op.code == OpCode::Call && objects_.count(op.sym))) return true;
    return false;
  }
  static bool is_object_op(const Op& op) {
    return op.code == OpCode::ObjOp || op.code == OpCode::ObjImport || op.code == OpCode::ObjKeep || op.code == OpCode::Box || op.code == OpCode::Left;
  }
  // Functions that do, callees included.
  void find_objects() {
    for (bool more = true; more;) {
      more = false;
      for (const auto& f : p_.functions)
        for (const Block& b : f->blocks)
          for (const Op& op : b.ops)
            if (is_object_op(op) || (op.code == OpCode::Call && objects_.count(op.sym))) more |= objects_.insert(f->name).second;
    }
  }

  // What the header computes from outside values alone goes in front of the loop; an exception handler may use it. False: there was nothing.
  static bool hoist(Function& f, const Analyses& a, LoopId id) {
    const Loop& loop = a.loops.loops()[id];
    if (loop.entries.size() != 1 || loop.entries[0].error()) return false;
    std::vector<Op>& from = f.blocks[loop.header].ops;
    std::vector<Op>& to = f.blocks[loop.entries[0].block].ops;
    bool any = false;
    std::vector<Op> stay;
    for (Op& op : from) {
      bool free = op.has(Pure);
      for (ValueId v : op.args) free = free && !a.loops.contains(id, f.values[v].block);
      if (!free) {
        stay.push_back(std::move(op));
        continue;
      }
      for (ValueId v : op.results) f.values[v].block = loop.entries[0].block;
      to.insert(to.end() - 1, std::move(op));
      any = true;
    }
    from = std::move(stay);
    return any;
  }

  void loop_found(Function& f, const Analyses& a, LoopId id, size_t counter, const Op& mark, int* made) {
    if (hoist(f, a, id)) return;                          // positions of ops have changed
    if (mark.imm == kWorth) return shared_loop(f, a, id, counter, mark);
    LoopNote& note = add_note(f, mark.loc);
    Candidate c;
    bool form = find_form(f, a, id, counter, &c, &note.why);
    if (form && uses_objects(f, c)) form = false, note.why = "its rounds work with Python objects";
    unmark(f, a, id, counter);
    ValueId variable = kNoId;
    if (form && !find_carried(f, a, &c, &variable, &note.why)) {
      if (variable != kNoId) carried_error(f, a, id, variable, note.why);
      return;
    }
    if (!form || !races(f, a, c, &note)) return;
    int64_t schedule = mark.imm == kEqual && varies(f, a, c) ? static_cast<int64_t>(kMeasured) : mark.imm;
    if (std::any_of(c.carried.begin(), c.carried.end(), [](const Carried& k) { return k.how == Combine::With; })) schedule = kEqual;   // of equals the first
    describe(f, c, schedule, &note);
    inner_loops(f, a, id);
    outline(p_, f, a, c, f.name + ".par" + std::to_string(++*made), schedule);
  }

  // Of an array expression or a library function.
  void shared_loop(Function& f, const Analyses& a, LoopId id, size_t counter, const Op& mark) {
    LoopNote& note = add_note(f, mark.loc, &mark);
    Candidate c;
    bool form = find_form(f, a, id, counter, &c, &note.why);
    if (form && f.blocks[c.header].params.size() != 1) form = false, note.why = "its rounds need values of the round before";
    unmark(f, a, id, counter);
    if (!form) return;
    describe(f, c, kWorth, &note);
    inner_loops(f, a, id);
    std::string name;
    do name = f.name + ".all" + std::to_string(++shared_);
    while (p_.find(name));
    outline(p_, f, a, c, name, kWorth);
  }

  // Of this loop only: the mark may be another one's as well, since what is the same is computed once.
  static void unmark(Function& f, const Analyses& a, LoopId id, size_t counter) {
    for (const Pred& entry : a.loops.loops()[id].entries) {
      if (entry.error()) continue;
      ValueId& begin = edge_of(f, entry).args[counter];
      const Op* mark = a.uses.def_op(f, begin);
      if (mark && mark->code == OpCode::ParLoop) begin = mark->args[0];
    }
  }

  // Loops within the rounds of one that is parallel.
  void inner_loops(Function& f, const Analyses& a, LoopId outer) {
    for (LoopId id = 0; id < a.loops.loops().size(); ++id) {
      const Loop& loop = a.loops.loops()[id];
      if (id == outer || !a.loops.contains(outer, loop.header)) continue;
      for (size_t k = 0; k < f.blocks[loop.header].params.size(); ++k) {
        if (loop.entries[0].error()) break;
        const Op* mark = a.uses.def_op(f, edge_of(f, loop.entries[0]).args[k]);
        if (!mark || mark->code != OpCode::ParLoop) continue;
        add_note(f, f.blocks[loop.header].term().loc, mark).why = kInside;
        unmark(f, a, id, k);
      }
    }
    if (f.parallel) array_operations(f, a, outer);
  }

  // Those within the rounds, one note for a line of them.
  void array_operations(const Function& f, const Analyses& a, LoopId outer) {
    std::unordered_set<uint32_t> lines;
    for (BlockId b : a.loops.loops()[outer].blocks)
      for (const Op& op : f.blocks[b].ops) {
        if (op.code != OpCode::Elementwise && op.code != OpCode::ArrayAssign) continue;
        if (!lines.insert(f.locs[user_place(f, op.loc)].line).second) continue;
        LoopNote& note = add_note(f, op.loc);
        note.kind = kArrays;
        note.why = kInside;
      }
  }

  // mark: what the loop began with, where it is known.
  LoopNote& add_note(const Function& f, uint32_t loc, const Op* mark = nullptr) {
    LoopNote& note = report_.loops.emplace_back();
    place(f, loc, &note.function, &note.file, &note.place);
    if (!mark || mark->imm != kWorth) return note;
    note.kind = mark->ints.empty() ? "library function" : kArrays;
    if (!mark->ints.empty()) note.operations = mark->ints[0];
    return note;
  }

  static void place(const Function& f, uint32_t loc, std::string* function, std::string* file, Loc* out) {
    uint32_t at = user_place(f, loc);
    *out = at < f.locs.size() ? f.locs[at] : Loc{};
    if (out->scope >= f.scopes.size()) return;
    *function = f.scopes[out->scope].name;
    *file = f.scopes[out->scope].file;
  }

  // False: an error.
  bool races(const Function& f, const Analyses& a, Candidate& c, LoopNote* note) {
    Findings found;
    find_races(f, a, c, summary_, &found);
    for (ValueId array : found.arrays) {
      PrivateArray one;
      if (c.arrays.size() < kMostArrays && find_private(p_, f, a, c, summary_, array, &one)) c.arrays.push_back(one);
    }
    if (!c.arrays.empty()) {
      found = Findings();
      find_races(f, a, c, summary_, &found);
    }
    for (auto& [loc, what] : found.unproved) {
      std::string function, file;
      place(f, loc, &function, &file, &note->unproved.emplace_back(Loc{}, what).first);
    }
    bool unproved = strict_ && !found.unproved.empty();
    if (found.race.empty() && !unproved) return true;
    UserError& e = report_.errors.emplace_back();
    e.id = found.race.empty() ? "PrangeUnproved" : "PrangeRace";
    e.args = {found.race.empty() ? found.unproved[0].second : found.race};
    place(f, found.race.empty() ? found.unproved[0].first : found.race_loc, &e.function, &e.file, &e.place);
    note->why = e.args[0];
    return false;
  }

  static void describe(const Function& f, const Candidate& c, int64_t schedule, LoopNote* note) {
    constexpr const char* kNames[] = {"equal parts", "parts by measured time", "static", "dynamic", "guided", "runtime", "where it is worth it"};
    note->parallel = true;
    note->schedule = kNames[schedule];
    for (const Carried& k : c.carried)
      note->reductions.push_back(f.values[f.blocks[c.header].params[k.param]].name + " (" + text(k.how) + ")");
    for (const PrivateArray& k : c.arrays) note->reductions.push_back((f.values[k.array].name.empty() ? "an array" : f.values[k.array].name + "[]") + (" (" + std::string(text(k.how)) + ")"));
  }

  // Where the variable is assigned: what comes around to the header.
  void carried_error(const Function& f, const Analyses& a, LoopId id, ValueId variable, const std::string& why) {
    const Loop& loop = a.loops.loops()[id];
    const std::vector<ValueId>& params = f.blocks[loop.header].params;
    size_t k = static_cast<size_t>(std::find(params.begin(), params.end(), variable) - params.begin());
    uint32_t loc = f.blocks[loop.header].term().loc;
    for (const Pred& latch : loop.latches)
      if (const Op* op = latch.error() ? nullptr : a.uses.def_op(f, edge_of(f, latch).args[k]); op && op->loc) loc = op->loc;
    std::string name = f.values[variable].name;
    UserError& e = report_.errors.emplace_back();
    e.id = "PrangeCarried";
    e.args = {name.empty() ? "a value" : "variable '" + name + "'", why};
    place(f, loc, &e.function, &e.file, &e.place);
  }

  Program& p_;
  fuse::Summary summary_;                  // of the functions as they were: bodies are called by nobody here
  std::unordered_set<std::string> objects_;
  int shared_ = 0;                         // loops of array expressions and library functions so far
  const bool strict_;
  Report unread_;
  Report& report_;
};

}  // namespace

void run_parallel(Program& p, const PassOptions& options) {
  for (const auto& f : p.functions)
    if (f->typed && has_marks(*f)) return Parallel(p, options).run();
}

}  // namespace coluber::ir
