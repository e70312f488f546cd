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

// What is left to do of a reduction's step.
void call_reductions(Function& f) {
  for (Block& b : f.blocks)
    for (Op& op : b.ops) {
      if (op.code != OpCode::Reduce) continue;
      op.code = OpCode::Call;
      op.args.resize(2);
      op.names.clear();
    }
}

class Parallel {
 public:
  Parallel(Program& p, const PassOptions& options)
      : p_(p), options_(options), summary_(p), strict_(options.unproved_is_error), report_(options.report ? *options.report : unread_) {}

  void run() {
    find_objects();
    size_t written = p_.functions.size();
    for (size_t i = 0; i < written; ++i) {
      Function& f = *p_.functions[i];
      int made = 0;
      while (f.typed && f.parallel && !f.by_cells && mark_lists(f, summary_)) {}
      while (f.typed && has_marks(f)) next(f, &made);
      apart_.clear();
      calls_reduced_ = calls_reduced_ || !reduced_.empty();
      reduced_.clear();
    }
    for (size_t i = written; i < p_.functions.size(); ++i) remove_marks(*p_.functions[i]);   // nobody begins with them any more
    for (auto& f : p_.functions) call_reductions(*f);
    if (calls_reduced_) inline_reductions(written);
  }

 private:
  // The functions that reduce arrays come into the rounds, for fuse to see that what they make is assigned and used nowhere else.
  void inline_reductions(size_t written) {
    std::unordered_set<const Function*> old;
    for (size_t i = 0; i < written; ++i) old.insert(p_.functions[i].get());
    run_inline(p_, options_);
    for (auto& f : p_.functions)
      if (!old.count(f.get())) run_cleanup(*f, options_);
  }

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
    return op.code == OpCode::ObjOp || op.code == OpCode::ObjImport || op.code == OpCode::ObjKeep || op.code == OpCode::ObjTake || op.code == OpCode::ObjSuspend || op.code == OpCode::Box || op.code == OpCode::Left;
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

  void loop_found(Function& f, const Analyses& a, LoopId id, size_t counter, const Op& mark, int* made) {
    int64_t further = mark.imm / kFurtherLoop;
    bool moved = hoist(f, a, id, {a.loops.loops()[id].header});         // an exception handler may use what the header computes
    if (moved || (further && hoist_bounds(f, a, id, further)) || push_by_place(f, a, id, counter) || name_arrays(f, a, id) ||
        (mark.imm != kWorth && reduce_in_place(p_, f, a, id, counter, &reduced_))) {
      return;                              // positions of ops have changed
    }
    if (mark.imm == kWorth) return shared_loop(f, a, id, counter, mark);
    std::vector<Next> behind;
    if (find_neighbours(f, a, id, &behind)) return;
    Together t;
    std::vector<LoopNote> notes;
    LoopNote& note = notes.emplace_back(new_note(f, mark.loc));
    if (auto why = apart_.extract(mark.loc)) note.apart = why.mapped();
    Candidate first;
    bool runs = judge(f, a, id, counter, mark, &first, &note, true);
    unmark(f, a, id, counter);
    t.loops.push_back(first);
    if (runs) join_neighbours(f, a, behind, &t, &notes);
    if (runs) for_threads(f, a, id, t, &notes, made);
    else report_.loops.push_back(std::move(note));
  }

  // Marked loops that stand behind this one, one after the other. True: ops have moved.
  bool find_neighbours(Function& f, const Analyses& a, LoopId id, std::vector<Next>* behind) {
    std::vector<BlockId> between;
    Next next;
    for (LoopId last = id; find_next(f, a, last, &next); last = next.loop, next = Next()) {
      between.insert(between.end(), next.between.begin(), next.between.end());
      if (hoist(f, a, next.loop, {a.loops.loops()[next.loop].header}) || name_arrays(f, a, next.loop) || bring_forward(f, a, id, between, next)) return true;
      behind->push_back(next);
    }
    return false;
  }

  // Can the loop's rounds run on several threads? told: an error is reported, else it will be when the loop's own turn comes.
  bool judge(Function& f, const Analyses& a, LoopId id, size_t counter, const Op& mark, Candidate* c, LoopNote* note, bool told) {
    int64_t further = mark.imm / kFurtherLoop;
    size_t errors = report_.errors.size();
    bool form = find_form(f, a, id, counter, c, &note->why);
    if (form && uses_objects(f, *c)) form = false, note->why = "its rounds work with Python objects";
    std::string nest_error;
    if (form && further && !find_nest(f, a, c, further, &nest_error, &note->why)) form = false;
    if (!nest_error.empty()) add_error(nest_error, {std::to_string(further + 1), note->why}, f, mark.loc);
    ValueId variable = kNoId;
    if (form && !find_carried(f, a, c, &variable, &note->why)) {
      form = false;
      if (variable != kNoId) carried_error(f, a, id, variable, note->why);
    }
    form = form && races(f, a, *c, note);
    if (!told) report_.errors.resize(errors);
    return form;
  }

  void join_neighbours(Function& f, const Analyses& a, const std::vector<Next>& behind, Together* t, std::vector<LoopNote>* notes) {
    for (const Next& next : behind) {
      const Op& mark = *a.uses.def_op(f, edge_of(f, a.loops.loops()[next.loop].entries[0]).args[next.counter]);
      Candidate c;
      LoopNote note = new_note(f, mark.loc);
      if (!judge(f, a, next.loop, next.counter, mark, &c, &note, false)) return;
      std::string why;
      if (!join(f, a, summary_, c, next.between, t, &why)) return void(apart_[mark.loc] = why);
      unmark(f, a, next.loop, next.counter);
      notes->push_back(std::move(note));
    }
  }

  void for_threads(Function& f, const Analyses& a, LoopId id, Together& t, std::vector<LoopNote>* notes, int* made) {
    const Op& mark = *t.loops[0].mark;
    int64_t schedule = mark.imm & kSchedule, form_bits = mark.imm & (kDeterministic | kChecked);
    auto any = [&](auto of_loop) { return std::any_of(t.loops.begin(), t.loops.end(), of_loop); };
    auto carries = [&](Combine how) {
      return any([&](const Candidate& c) { return std::any_of(c.carried.begin(), c.carried.end(), [&](const Carried& k) { return k.how == how; }); });
    };
    bool in_order = carries(Combine::Function) || any([](const Candidate& c) {           // the function may not commute
                      return std::any_of(c.arrays.begin(), c.arrays.end(), [](const PrivateArray& k) { return k.how == Combine::Function; });
                    });
    if (schedule == kEqual && !in_order && any([&](const Candidate& c) { return varies(f, a, c); })) schedule = kMeasured;
    if (carries(Combine::With)) schedule = kEqual;        // of equals the first
    if (carries(Combine::FloorDiv)) form_bits |= kFromNeutral;
    std::vector<Loc> places;
    for (const LoopNote& note : *notes) places.push_back(note.place);
    for (size_t k = 0; k < notes->size(); ++k) {
      describe(f, t.loops[k], schedule | form_bits, &(*notes)[k]);
      for (size_t i = 0; i < places.size(); ++i)
        if (i != k) (*notes)[k].others.push_back(places[i]);
      report_.loops.push_back(std::move((*notes)[k]));
    }
    for (Candidate& c : t.loops) inner_loops(f, a, c.loop, c);
    t.loops[0].checked = form_bits & kChecked;
    outline(p_, f, a, summary_, t, f.name + ".par" + std::to_string(++*made), schedule | form_bits);
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
    inner_loops(f, a, id, c);
    std::string name;
    do name = f.name + ".all" + std::to_string(++shared_);
    while (p_.find(name));
    Together alone;
    alone.loops.push_back(std::move(c));
    outline(p_, f, a, summary_, alone, name, kWorth);
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
  void inner_loops(Function& f, const Analyses& a, LoopId outer, const Candidate& c) {
    for (LoopId id = 0; id < a.loops.loops().size(); ++id) {
      const Loop& loop = a.loops.loops()[id];
      if (id == outer || !a.loops.contains(outer, loop.header)) continue;
      for (size_t k = 0; k < f.blocks[loop.header].params.size(); ++k) {
        if (loop.entries[0].error()) break;
        const Op* mark = a.uses.def_op(f, edge_of(f, loop.entries[0]).args[k]);
        if (!mark || mark->code != OpCode::ParLoop) continue;
        add_note(f, f.blocks[loop.header].term().loc, mark).why = is_nested(c, id) ? "it is one with the loop around it" : kInside;
        unmark(f, a, id, k);
      }
    }
    if (f.parallel) array_operations(f, a, outer);
  }

  static bool is_nested(const Candidate& c, LoopId id) {
    return std::any_of(c.nest.begin(), c.nest.end(), [&](const Candidate& k) { return k.loop == id; });
  }

  void add_error(const std::string& id, std::vector<std::string> args, const Function& f, uint32_t loc) {
    UserError& e = report_.errors.emplace_back();
    e.id = id;
    e.args = std::move(args);
    place(f, loc, &e.function, &e.file, &e.place);
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
    return report_.loops.emplace_back(new_note(f, loc, mark));
  }
  static LoopNote new_note(const Function& f, uint32_t loc, const Op* mark = nullptr) {
    LoopNote note;
    place(f, loc, &note.function, &note.file, &note.place);
    if (!mark || mark->imm != kWorth) return note;
    note.kind = !mark->names.empty() ? mark->names[0] : mark->ints.empty() ? "library function" : kArrays;
    if (!mark->ints.empty()) note.operations = mark->ints[0];
    std::string function, file;
    for (size_t k = 1; k < mark->ints.size(); ++k) place(f, static_cast<uint32_t>(mark->ints[k]), &function, &file, &note.others.emplace_back());
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
    add_reduced(f, c, reduced_, &c.arrays);
    find_all_races(f, a, c, &found);
    for (ValueId array : found.arrays) {
      PrivateArray one;
      if (c.arrays.size() < kMostArrays && find_private(p_, f, a, c, summary_, array, &one)) c.arrays.push_back(one);
    }
    if (!c.arrays.empty()) {
      found = Findings();
      find_all_races(f, a, c, &found);
    }
    for (auto& [loc, what] : found.unproved) {
      std::string function, file;
      place(f, loc, &function, &file, &note->unproved.emplace_back(Loc{}, what).first);
    }
    bool unproved = strict_ && !found.unproved.empty(), race = !found.race.empty();
    if (!race && !unproved) return true;
    note->why = race ? found.race : found.unproved[0].second;
    add_error(race ? "PrangeRace" : "PrangeUnproved", {note->why}, f, race ? found.race_loc : found.unproved[0].first);
    return false;
  }

  // Rounds of loops that are one differ in one of the counters: in the outermost, whatever the others are, or in an inner one alone.
  void find_all_races(const Function& f, const Analyses& a, Candidate& c, Findings* found) {
    find_races(f, a, c, summary_, found);
    for (Candidate& inner : c.nest) {
      inner.arrays = c.arrays;
      find_races(f, a, inner, summary_, found);
    }
  }

  static void describe(const Function& f, const Candidate& c, int64_t schedule, LoopNote* note) {
    constexpr const char* kNames[] = {"equal parts", "parts by measured time", "static", "dynamic", "guided", "runtime", "where it is worth it"};
    note->parallel = true;
    note->schedule = kNames[schedule & kSchedule];
    if (schedule & kDeterministic) note->schedule += ", deterministic";
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
    add_error("PrangeCarried", {name.empty() ? "a value" : "variable '" + name + "'", why}, f, loc);
  }

  Program& p_;
  const PassOptions& options_;
  fuse::Summary summary_;                  // of the functions as they were: bodies are called by nobody here
  std::unordered_set<std::string> objects_;
  std::unordered_map<uint32_t, std::string> apart_;        // by location of the mark: why a loop is not one with that in front of it
  std::vector<PrivateArray> reduced_;      // by functions; of this function
  bool calls_reduced_ = false;
  int shared_ = 0;                         // loops of array expressions and library functions so far
  const bool strict_;
  Report unread_;
  Report& report_;
};

}  // namespace

void run_parallel(Program& p, const PassOptions& options) {
  for (const auto& f : p.functions)
    if (f->typed && (has_marks(*f) || f->parallel)) return Parallel(p, options).run();
  for (const auto& f : p.functions) call_reductions(*f);
}

}  // namespace coluber::ir
