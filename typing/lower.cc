// From untyped to typed IR: walks the blocks that inference reached, runs each rule again with a live Emit, and converts values to the
// types that inference settled on where edges and results ask for it. Tuples and iterators that travel through block parameters are taken
// apart, so that later passes see their scalars.
#include <algorithm>

#include "ir/analysis/loops.h"
#include "ir/analysis/uses.h"
#include "ir/frontend/regions.h"
#include "typing/session.h"

namespace coluber::typing {
using namespace ir;

namespace {

class Lowering {
 public:
  Lowering(Session& session, Spec& spec, Program& program) : session_(session), spec_(spec), src_(*spec.fn->ir), e_(session, spec) {
    program.functions.push_back(std::make_unique<Function>());
    out_ = program.functions.back().get();
  }

  void run() {
    start_function();
    for (BlockId b : spec_.fn->order)
      if (spec_.reached[b]) make_block(b);
    for (BlockId b : spec_.fn->order)
      if (spec_.reached[b]) fill_block(b);
  }

 private:
  Session& session_;
  Spec& spec_;
  Function& src_;
  Function* out_ = nullptr;
  Emit e_;
  std::vector<TV> map_;                        // untyped value -> typed
  std::vector<uint8_t> whole_;                  // values that are not taken apart
  std::vector<std::vector<TV>> leaves_;        // untyped block parameters that were taken apart
  std::vector<BlockId> block_of_;
  struct Pending { TV it; ValueId value; };
  std::vector<std::pair<ValueId, Pending>> pending_;   // `has` of a py.next -> the value to make behind the test
  std::vector<uint32_t> rank_;
  std::vector<uint8_t> polls_;                 // per block: a loop header whose back edges poll

  void start_function() {
    out_->name = spec_.name;
    out_->typed = true;
    out_->recursive = spec_.recursive;
    out_->always_inline = src_.always_inline;
    out_->parallel = spec_.parallel;
    out_->result = spec_.ret.is_bottom() ? ir::none() : spec_.ret.type;
    out_->locs = src_.locs;
    out_->scopes = src_.scopes;
    if (out_->scopes.empty()) out_->scopes.push_back({spec_.fn->handle, spec_.fn->name, "", kNoId, 0});
    if (spec_.fn->snapshot) out_->scopes[0].file = spec_.fn->snapshot->code->filename;
    map_.assign(src_.values.size(), TV());
    leaves_.assign(src_.values.size(), {});
    find_whole();
    block_of_.assign(src_.blocks.size(), kNoId);
    rank_.assign(src_.blocks.size(), 0);
    for (size_t k = 0; k < spec_.fn->order.size(); k++) rank_[spec_.fn->order[k]] = static_cast<uint32_t>(k);
    find_polls();
    e_.start(out_);
    e_.use_map(&map_);
  }

  // While loops poll, and for loops that contain another loop; innermost counted loops are left to be vectorised.
  void find_polls() {
    polls_.assign(src_.blocks.size(), 0);
    std::vector<uint8_t> known(src_.blocks.size(), 0);
    std::vector<BlockId> headers;
    for (BlockId b : spec_.fn->order)
      for (const Edge& t : src_.blocks[b].term().targets)
        if (rank_[t.block] <= rank_[b] && !known[t.block]) {
          known[t.block] = 1;
          headers.push_back(t.block);
        }
    for (BlockId h : headers) {
      bool counted = false;
      for (const Op& op : src_.blocks[h].ops) counted = counted || op.code == OpCode::PyNext;
      polls_[h] = !counted;
    }
    if (headers.size() < 2) return;
    // What is behind a loop may come before its body in this order, so that the order does not say what is inside.
    ir::Cfg cfg(src_);
    ir::LoopInfo loops(src_, cfg, ir::DomTree(src_, cfg));
    for (const ir::Loop& loop : loops.loops())
      if (loop.parent != ir::kNoId) polls_[loops.loops()[loop.parent].header] = 1;
  }

  // Object mode: all parameters come as objects; those whose types are known are unboxed at once.
  TV object_param(const AbsVal& a, BlockId nb, const std::string& name) {
    TV whole, v(a);
    whole.type = scalar(Kind::Object);
    whole.id = out_->add_value(whole.type, nb, name);
    out_->blocks[nb].params.push_back(whole.id);
    if (a.is(Kind::Object)) return whole;
    if (a.is(Kind::Unbound)) return e_.op(OpCode::Absent, {}, a.type);
    v.obj = whole.id;
    if (a.c || !has_slots(a.type)) return v;
    const char* unbox = a.is(Kind::PyInt) ? "as_int" : a.is(Kind::PyFloat) ? "as_float" : "as_bool";
    e_.op(OpCode::ObjOp, {whole}, ir::none(), 0, unbox);
    v.id = out_->add_value(a.type, nb, name);
    e_.last_op()->results.push_back(v.id);
    return v;
  }

  // The rest of a generator: parameters come as they were kept (o_suspend).
  TV kept_param(const AbsVal& a, BlockId nb, const std::string& name) {
    if (a.is(Kind::Unbound)) return e_.op(OpCode::Absent, {}, a.type);
    TV v(a);
    if (!runtime(a)) return v;
    std::vector<TV> leaves;
    if (composite(a.type)) return make_parts(a.type, nb, &leaves);
    v.id = out_->add_value(a.type, nb, name);
    out_->blocks[nb].params.push_back(v.id);
    return v;
  }

  bool runtime(const AbsVal& a) { return !a.c && has_slots(a.type); }

  static bool composite(TypeRef t) {
    switch (t->kind) {
      case Kind::Tuple: case Kind::Slice: case Kind::View: case Kind::Closure: case Kind::Iter: case Kind::Range: case Kind::Method: return true;
      default: return false;
    }
  }
  static std::vector<TypeRef> parts(TypeRef t) {
    if (t->is(Kind::Iter)) return iter_items(t->elem);
    if (t->is(Kind::Range)) return {pyint(), pyint(), pyint()};
    if (t->is(Kind::Method)) return {t->elem};
    return t->items;
  }

  void make_block(BlockId b) {
    BlockId nb = block_of_[b] = out_->add_block();
    out_->blocks[nb].loop_header = src_.blocks[b].loop_header;
    Block& from = src_.blocks[b];
    e_.set_block(nb);
    bool resumed = b == 0 && e_.objects() && ir::frontend::resumes_generator(spec_.fn->entry);
    for (size_t k = 0; k < from.params.size(); k++) {
      ValueId p = from.params[k];
      AbsVal a = spec_.vals[p];
      map_[p] = TV(a);
      if (b == 0 && e_.objects()) {
        map_[p] = resumed ? kept_param(a, nb, src_.values[p].name) : object_param(a, nb, src_.values[p].name);
        continue;
      }
      if (a.is_bottom() || !runtime(a)) continue;
      if (b != 0 && composite(a.type) && !whole_[p]) {
        map_[p] = make_parts(a.type, nb, &leaves_[p]);
        map_[p].site = a.site;
        continue;
      }
      ValueId v = out_->add_value(a.type, nb, src_.values[p].name);
      out_->blocks[nb].params.push_back(v);
      map_[p].id = v;
    }
    if (b != 0) return;
    add_captures(nb);
    if (!e_.objects() || !from.on_error.valid()) return;
    // What parameters became has to be there before a block whose error edge takes it.
    block_of_[0] = out_->add_block();
    terminate(OpCode::Jump, {}, {Edge{block_of_[0], {}}}, 0);
  }

  void add_captures(BlockId nb) {
    spec_.capture_values.clear();
    for (const AbsVal& c : spec_.captures) {
      TV v(c);
      if (runtime(c)) {
        v.id = out_->add_value(c.type, nb);
        out_->blocks[nb].params.push_back(v.id);
      }
      spec_.capture_values.push_back(v);
    }
  }

  // Parameters for the leaves of a composite type, and the composite made of them at the head of the block.
  TV make_parts(TypeRef t, BlockId nb, std::vector<TV>* leaves) {
    if (!composite(t)) {
      TV v;
      v.type = t;
      if (!has_slots(t)) return t->is(Kind::None) ? e_.none() : t->is(Kind::Const) ? e_.constant(session_.object(t->handle)) : v;
      v.id = out_->add_value(t, nb);
      out_->blocks[nb].params.push_back(v.id);
      leaves->push_back(v);
      return v;
    }
    std::vector<TV> items;
    for (TypeRef i : parts(t)) items.push_back(make_parts(i, nb, leaves));
    if (t->is(Kind::Method)) { items[0].type = t; return items[0]; }   // carried by its self
    TV r = e_.make(items, t->is(Kind::Iter) ? tuple_of(parts(t)) : t);
    r.type = t;
    return r;
  }

  void take_apart(const TV& v, TypeRef t, std::vector<ValueId>* out) {
    if (!composite(t)) {
      if (has_slots(t)) out->push_back(e_.use(v));
      return;
    }
    std::vector<TypeRef> ps = parts(t);
    if (t->is(Kind::Method)) {
      TV self = v;
      self.type = t->elem;
      take_apart(self, t->elem, out);
      return;
    }
    for (size_t k = 0; k < ps.size(); k++) {
      TV i = v.is(Kind::Tuple) || (v.c && v.c->kind == CLB_TUPLE) ? item_of(v, k, ps[k]) : e_.get(v, static_cast<int>(k), ps[k]);
      take_apart(i, ps[k], out);
    }
  }
  // What a block gets for its parameter.
  void hand_over(ValueId param, const TV& v, std::vector<ValueId>* out) {
    if (whole_[param]) out->push_back(e_.use(v));
    else take_apart(v, spec_.vals[param].type, out);
  }

  bool is_reduction(const Op& op) {
    if (op.code != OpCode::PyCall || op.args.size() != 3 || !spec_.fn->options.parallel) return false;
    const AbsVal& callee = spec_.vals[op.args[0]];
    const clb_const* c = callee.c ? callee.c : callee.is(Kind::Const) ? session_.object(callee.type->handle) : nullptr;
    return c && c->kind == CLB_FUNCTION && c->s && std::string_view(c->s) == kReductionStep;
  }

  // Accumulators of reductions are not taken apart: passes/parallel follows them through the loop.
  void find_whole() {
    whole_.assign(src_.values.size(), 0);
    bool any = false;
    for (const Block& b : src_.blocks)
      for (const Op& op : b.ops)
        if (is_reduction(op)) whole_[op.args[1]] = whole_[op.result()] = any = true;
    if (any) mark_through_params(src_, &whole_);
  }

  TV item_of(const TV& v, size_t k, TypeRef t) {
    if (v.c && v.c->kind == CLB_TUPLE) {
      TV r = e_.constant(&v.c->items[k]);
      r.type = t;
      return r;
    }
    return e_.get(v, static_cast<int>(k), t);
  }

  std::vector<ValueId> edge_args(const Edge& edge) {
    std::vector<ValueId> r;
    Block& to = src_.blocks[edge.block];
    for (size_t k = 0; k < to.params.size(); k++) {
      const AbsVal& want = spec_.vals[to.params[k]];
      if (want.is_bottom() || !runtime(want)) continue;
      TV v = map_[edge.args[k]];
      if (v.is_bottom()) throw TypeFail{"InternalNoValue", {"an edge"}, {}};
      v = convert_to(v, want.type);
      hand_over(to.params[k], v, &r);
    }
    return r;
  }

  TV convert_to(TV v, TypeRef t) {
    if (v.type == t) return v;
    if (v.is(Kind::Iter) && t->is(Kind::Iter)) {
      std::vector<TypeRef> from = iter_items(v.type->elem), to = iter_items(t->elem);
      std::vector<TV> items;
      for (size_t k = 0; k < to.size(); k++) items.push_back(convert(e_, e_.get(v, static_cast<int>(k), from[k]), to[k]));
      TV r = e_.make(items, tuple_of(to));
      r.type = t;
      return r;
    }
    return convert(e_, v, t);
  }

  void terminate(OpCode code, std::vector<ValueId> args, std::vector<Edge> targets, uint32_t loc) {
    Op op;
    op.code = code;
    op.args = std::move(args);
    op.targets = std::move(targets);
    op.loc = loc;
    out_->blocks[e_.block()].ops.push_back(std::move(op));
  }

  // The error edge of a block. Its arguments must exist before the block: conversions go into a block of their own on the way.
  void set_error_edge(BlockId b, BlockId nb) {
    const Edge& edge = src_.blocks[b].on_error;
    if (!edge.valid() || !spec_.reached[edge.block]) return;
    BlockId adapter = out_->add_block();
    Block& to = src_.blocks[edge.block];
    std::vector<ValueId> pass;
    std::vector<TV> arrived(edge.args.size());
    e_.set_block(adapter);
    for (size_t k = 0; k < edge.args.size(); k++) {
      const AbsVal& want = spec_.vals[to.params[k]];
      if (want.is_bottom() || !runtime(want)) continue;
      ValueId src = edge.args[k];
      TV v = map_[src];
      if (!leaves_[src].empty()) {
        std::vector<TV> fresh;
        TV whole = make_parts(v.type, adapter, &fresh);
        for (const TV& l : leaves_[src]) pass.push_back(l.id);
        arrived[k] = whole;
        arrived[k].site = v.site;
      } else if (v.id != kNoId) {
        TV in = v;
        in.c = nullptr;
        in.id = out_->add_value(out_->type_of(v.id), adapter);
        out_->blocks[adapter].params.push_back(in.id);
        pass.push_back(v.id);
        arrived[k] = in;
      } else {
        arrived[k] = v;
      }
    }
    std::vector<ValueId> args;
    for (size_t k = 0; k < edge.args.size(); k++) {
      const AbsVal& want = spec_.vals[to.params[k]];
      if (want.is_bottom() || !runtime(want)) continue;
      hand_over(to.params[k], convert_to(arrived[k], want.type), &args);
    }
    terminate(OpCode::Jump, {}, {Edge{block_of_[edge.block], args}}, 0);
    out_->blocks[nb].on_error = Edge{adapter, pass};
  }

  void fill_block(BlockId b) {
    Block& from = src_.blocks[b];
    BlockId nb = block_of_[b];
    set_error_edge(b, nb);
    e_.set_block(nb);
    if (polls_in_rounds(b) && !has_next(from)) e_.op(OpCode::Poll, {}, ir::none());
    for (uint32_t k = 0; k < from.ops.size(); k++) {
      const Op& op = from.ops[k];
      e_.set_loc(op.loc);
      try {
        if (op.has(Term)) { lower_term(b, op); return; }
        if (!lower_op(b, k, op)) { terminate(OpCode::Unreachable, {}, {}, op.loc); return; }
      } catch (TypeFail& f) {
        throw CompileError{make_diag(session_, spec_, f, op.loc)};
      } catch (CompileError& error) {        // of a callee
        add_caller(&error.diag, spec_, op.loc);
        throw;
      }
    }
  }

  // False when nothing behind the op is reached.
  bool lower_op(BlockId b, uint32_t index, const Op& op) {
    std::vector<TV> args, results;
    bool bottom_arg = false;
    for (ValueId a : op.args) {
      args.push_back(map_[a]);
      bottom_arg = bottom_arg || map_[a].is_bottom();
    }
    if (bottom_arg) return false;
    if (op.code == OpCode::PyNext && !args[0].is(Kind::Object)) {
      results.resize(3);
      next_iter(e_, args[0], &results[0], &results[2]);
      pending_.push_back({op.results[2], {args[0], op.results[1]}});
      map_[op.results[0]] = results[0];
      map_[op.results[2]] = results[2];
      const std::string& range = args[0].type->elem->name;
      if (args[0].type->elem->is(Kind::View) && range.rfind("range", 0) == 0) {
        map_[op.results[1]] = iter_value(e_, args[0]);
        pending_.pop_back();
      }
      return true;
    }
    eval_op(e_, op, static_cast<uint64_t>(b) << 32 | index, args, &results);
    for (size_t r = 0; r < op.results.size(); r++) {
      TV v = r < results.size() ? results[r] : TV();
      AbsVal want = spec_.vals[op.results[r]];
      if (v.is_bottom()) return false;
      if (want.c) { v.c = want.c; v.type = want.type; if (!v.c) v.id = kNoId; }
      else if (v.type != want.type && !want.is_bottom()) v = convert_to(v, want.type);
      if (v.id != kNoId && out_->values[v.id].name.empty()) out_->values[v.id].name = src_.values[op.results[r]].name;
      map_[op.results[r]] = v;
    }
    return true;
  }

  bool polls(BlockId b, const Edge& edge) { return polls_[edge.block] && rank_[edge.block] <= rank_[b]; }
  // Inside of a handler a loop polls at the head of its rounds, which the handler sees the variables of, else at its back edges.
  bool handled(BlockId header) { return out_->blocks[block_of_[header]].on_error.valid(); }
  bool polls_in_rounds(BlockId b) { return polls_[b] && handled(b); }
  static bool has_next(const Block& b) {
    return std::any_of(b.ops.begin(), b.ops.end(), [](const Op& op) { return op.code == OpCode::PyNext; });
  }

  Edge make_edge(BlockId b, const Edge& edge) {
    if (!polls(b, edge) || handled(edge.block)) return Edge{block_of_[edge.block], edge_args(edge)};
    if (out_->blocks[e_.block()].on_error.valid()) {       // of a handler within the loop
      BlockId middle = out_->add_block();
      terminate(OpCode::Jump, {}, {Edge{middle, {}}}, 0);
      e_.set_block(middle);
    }
    e_.op(OpCode::Poll, {}, ir::none());
    return Edge{block_of_[edge.block], edge_args(edge)};
  }
  // One side of a branch. A poll has a block of its own: the branch may be the test of an inner loop.
  Edge make_side(BlockId b, const Edge& edge, uint32_t loc) {
    bool first = &edge == &src_.blocks[b].term().targets[0] && polls_in_rounds(b) && has_next(src_.blocks[b]);
    if (!first && (!polls(b, edge) || handled(edge.block))) return make_edge(b, edge);
    BlockId here = e_.block(), middle = out_->add_block();
    if (first) out_->blocks[middle].on_error = out_->blocks[here].on_error;
    e_.set_block(middle);
    if (first) e_.op(OpCode::Poll, {}, ir::none());
    Edge back = make_edge(b, edge);
    terminate(OpCode::Jump, {}, {back}, loc);
    e_.set_block(here);
    return Edge{middle, {}};
  }

  void lower_term(BlockId b, const Op& op) {
    switch (op.code) {
      case OpCode::Jump: {
        Edge edge = make_edge(b, op.targets[0]);
        terminate(OpCode::Jump, {}, {edge}, op.loc);
        bool back = rank_[op.targets[0].block] <= rank_[b];
        if (back && spec_.fn->library && !polls_[op.targets[0].block]) out_->blocks[e_.block()].term().imm = 4;   // see jump in ops.def
        return;
      }
      case OpCode::Branch: lower_branch(b, op); return;
      case OpCode::Return: {
        TV v = map_[op.args[0]];
        if (v.is_bottom()) { terminate(OpCode::Unreachable, {}, {}, op.loc); return; }
        ValueId id = e_.use(convert_to(v, out_->result));
        terminate(OpCode::Return, {id}, {}, op.loc);
        return;
      }
      case OpCode::PyRaise: case OpCode::PyReraise: {
        std::vector<TV> args, results;
        for (ValueId a : op.args) args.push_back(map_[a]);
        for (const TV& a : args) if (a.is_bottom()) { terminate(OpCode::Unreachable, {}, {}, op.loc); return; }
        eval_op(e_, op, 0, args, &results);
        if (e_.objects()) terminate(OpCode::Unreachable, {}, {}, op.loc);
        return;
      }
      default: terminate(OpCode::Unreachable, {}, {}, op.loc); return;
    }
  }

  void lower_branch(BlockId b, const Op& op) {
    TV c = map_[op.args[0]];
    const Pending* next = nullptr;
    for (auto& [has, p] : pending_)
      if (has == op.args[0]) next = &p;
    bool live0 = spec_.edge_live[b] & 1, live1 = spec_.edge_live[b] & 2;
    if (c.is_bottom() || (!live0 && !live1)) { terminate(OpCode::Unreachable, {}, {}, op.loc); return; }
    if (!next && live0 != live1) {
      Edge edge = make_edge(b, op.targets[live0 ? 0 : 1]);
      terminate(OpCode::Jump, {}, {edge}, op.loc);
      return;
    }
    BlockId here = e_.block();
    ValueId cond = e_.use(c);
    Edge yes, no;
    if (next) {
      Pending p = *next;
      BlockId middle = out_->add_block();
      out_->blocks[middle].on_error = out_->blocks[here].on_error;
      e_.set_block(middle);
      if (polls_in_rounds(b)) e_.op(OpCode::Poll, {}, ir::none());
      TV v = spec_.vals[p.value].is_bottom() ? TV() : iter_value(e_, p.it);
      if (v.is_bottom() || !live0) {
        terminate(OpCode::Unreachable, {}, {}, op.loc);
      } else {
        AbsVal want = spec_.vals[p.value];
        if (v.type != want.type) v = convert_to(v, want.type);
        if (want.c) v.c = want.c;
        map_[p.value] = v;
        if (v.id != kNoId && out_->values[v.id].name.empty()) out_->values[v.id].name = src_.values[p.value].name;
        Edge edge = make_edge(b, op.targets[0]);
        terminate(OpCode::Jump, {}, {edge}, op.loc);
      }
      e_.set_block(here);
      yes = Edge{middle, {}};
    } else {
      yes = make_side(b, op.targets[0], op.loc);
    }
    no = make_side(b, op.targets[1], op.loc);
    terminate(OpCode::Branch, {cond}, {yes, no}, op.loc);
  }
};

}  // namespace

void lower_spec(Session& session, Spec& spec, Program& program) { Lowering(session, spec, program).run(); }

}  // namespace coluber::typing
