// Blocks, edges, variables and the stack of the SSA builder. What single micro-ops mean is in build_*.cc.
#include "ir/frontend/stack_to_ssa.h"

#include "ir/frontend/fail.h"

namespace coluber::ir::frontend {

Builder::Builder(Unit* unit, const Cfg& cfg, Function* fn)
    : unit_(*unit), cfg_(cfg), fn_(*fn), live_(cfg, unit->vars.size(), unit->objects && !unit->entry.region() ? unit->own_vars : 0, unit), loops_(cfg, unit->vars.size()), info_(cfg.blocks.size()), vars_(unit->vars.size(), kNoId), stamps_(unit->vars.size(), 0) {}

void Builder::run(const clb_code& code) {
  count_ways_in();
  entry_block(code);
  for (size_t b = 0; b < cfg_.blocks.size(); ++b) build_block(static_cast<int>(b));
  if (unbound_ == kNoId) return;
  Op op;
  op.code = OpCode::PyUnbound;
  op.results = {unbound_};
  fn_.blocks[0].ops.insert(fn_.blocks[0].ops.begin(), std::move(op));
}

void Builder::count_ways_in() {
  info_[0].ways_in = 1;
  for (size_t b = 0; b < cfg_.blocks.size(); ++b) {
    const CfgBlock& block = cfg_.blocks[b];
    info_[b].live = live_.list(static_cast<int>(b));
    info_[b].back_edge = loops_.header(static_cast<int>(b));
    for (int to : {block.next, block.other})
      if (to >= 0) ++info_[static_cast<size_t>(to)].ways_in;
    if (block.handler < 0) continue;
    info_[static_cast<size_t>(block.handler)].ways_in += 2;
    info_[static_cast<size_t>(block.handler)].handler_kind = block.handler_kind;
  }
}

void Builder::entry_block(const clb_code& code) {
  constexpr int kVarArgs = 4, kVarKeywords = 8;
  int64_t n = int64_t{code.argcount} + code.kwonlyargcount + ((code.flags & kVarArgs) != 0) + ((code.flags & kVarKeywords) != 0);
  if (code.argcount < 0 || code.kwonlyargcount < 0 || n > code.nvarnames) fail_bytecode("it has more parameters than variables");
  block_ = fn_.add_block();
  stamp_ = 1;
  has_self_ = code.argcount > 0;
  if (unit_.part) return part_entry();
  for (int i = 0; i < static_cast<int>(n); ++i) {
    ValueId v = typed(i, add_param(block_, i));
    vars_[static_cast<size_t>(i)] = v;
    stamps_[static_cast<size_t>(i)] = stamp_;
    if (unit_.debug) effect(OpCode::PyDebugLocal, {v}, unit_.vars[static_cast<size_t>(i)].name);
  }
  if (unit_.objects) make_cells();
  jump(edge_to(0));
}

void Builder::build_block(int b) {
  if (!info_[static_cast<size_t>(b)].shaped) return;   // a handler of reads that turned out to be sure
  begin_block(b);
  const CfgBlock& block = cfg_.blocks[static_cast<size_t>(b)];
  for (const Inst& i : block.insts) step(i);
  end_block(block);
}

void Builder::begin_block(int b) {
  BlockInfo& info = info_[static_cast<size_t>(b)];
  const CfgBlock& block = cfg_.blocks[static_cast<size_t>(b)];
  cfg_block_ = &block;
  block_ = ir_block(b);
  dirty_ = false;
  loc_ = block.insts.empty() ? 0 : block.insts[0].loc;
  ++stamp_;
  stack_.clear();
  std::vector<ValueId> values = join(b);
  size_t at = 0;
  for (int v : info.live) {
    vars_[static_cast<size_t>(v)] = values[at++];
    stamps_[static_cast<size_t>(v)] = stamp_;
  }
  for (Slot::Kind k : info.kinds) stack_.push_back({k, false, k == Slot::Null ? kNoId : values[at++]});
  if (info.back_edge && !block.foreign) keep_state(b);
  if (info.back_edge && !block.is_handler) before_raising();   // Ctrl-C may be looked for here
  if (block.is_handler) begin_handler(info.handler_kind);
  if (info.refined_var >= 0) {
    size_t v = static_cast<size_t>(info.refined_var);
    ValueId refined = value(OpCode::PyRefine, {vars_[v], info.refined_cond}, {}, info.refined_truth);
    fn_.values[refined].name = unit_.vars[v].name;
    var_of_[refined] = info.refined_var;
    vars_[v] = refined;
    if (block.handler >= 0 && live_.live(block.handler, info.refined_var)) dirty_ = true;
  }
}

// What the live variables and the stack are at the head of a block: what all ways bring, or a parameter.
std::vector<ValueId> Builder::join(int b) {
  BlockInfo& info = info_[static_cast<size_t>(b)];
  info.begun = true;
  std::vector<ValueId> out = info.incoming[0].values;
  info.has_param.assign(out.size(), false);
  for (size_t i = 0; i < out.size(); ++i) {
    bool variable = i < info.live.size();
    bool param = info.back_edge && (!variable || loops_.assigns(b, info.live[i]));
    for (const WayIn& way : info.incoming) param |= way.values[i] != out[i];
    if (!param) continue;
    info.has_param[i] = true;
    out[i] = add_param(block_, variable ? info.live[i] : -1);
  }
  for (const WayIn& way : info.incoming) {
    Block& from = fn_.blocks[way.from];
    Edge& edge = way.target < 0 ? from.on_error : from.ops.back().targets[static_cast<size_t>(way.target)];
    for (size_t i = 0; i < out.size(); ++i)
      if (info.has_param[i]) edge.args.push_back(way.values[i]);
  }
  info.incoming = {};
  return out;
}

void Builder::begin_handler(HandlerKind kind) {
  ValueId e = value(OpCode::PyCatch, {});
  if (kind == HandlerKind::Lasti) push_slot({Slot::Null});
  if (kind == HandlerKind::Six) {
    push_slot({Slot::Marker, false, e});
    for (int i = 0; i < 3; ++i) push_slot({Slot::Null});
    push(e);
  }
  push(e);
  dirty_ = true;                           // the exception may be among what an outer handler keeps of the stack
}

void Builder::keep_state(int b) {
  auto state = std::make_unique<FrameState>();
  const CfgBlock& block = cfg_.blocks[static_cast<size_t>(b)];
  state->bytecode_offset = block.insts.empty() ? 0 : block.insts[0].offset;
  for (size_t v = 0; v < unit_.own_vars; ++v) state->locals.push_back(var(static_cast<int>(v)));
  for (const Slot& s : stack_) state->stack.push_back(s.value);
  fn_.blocks[block_].state = std::move(state);
}

BlockId Builder::ir_block(int b) {
  BlockInfo& info = info_[static_cast<size_t>(b)];
  if (info.ir == kNoId) info.ir = fn_.add_block();
  return info.ir;
}

// The stack must look the same on all ways to a block; the first one tells how.
void Builder::check_shape(BlockInfo* to, size_t depth) {
  if (depth > stack_.size()) bad("a handler wants more than is on the stack");
  if (!to->shaped) {
    to->shaped = true;
    for (size_t i = 0; i < depth; ++i) to->kinds.push_back(stack_[i].kind);
    return;
  }
  bool same = to->kinds.size() == depth;
  for (size_t i = 0; same && i < depth; ++i) same = to->kinds[i] == stack_[i].kind;
  if (!same) bad("the stack is not the same on all ways to an instruction");
}

// An edge to block b with the state of now; `depth` slots of the stack go along.
Edge Builder::leave(int b, size_t depth, int target) {
  BlockInfo& to = info_[static_cast<size_t>(b)];
  check_shape(&to, depth);
  std::vector<ValueId> values;
  values.reserve(to.live.size() + depth);
  for (int v : to.live) values.push_back(read(v, false));
  for (size_t i = 0; i < depth; ++i)
    if (stack_[i].kind != Slot::Null) values.push_back(stack_[i].value);
  Edge e;
  e.block = ir_block(b);
  if (!to.begun) {
    to.incoming.push_back({block_, target, std::move(values)});
    return e;
  }
  for (size_t i = 0; i < values.size(); ++i)
    if (to.has_param[i]) e.args.push_back(values[i]);
  return e;
}

Edge Builder::edge_to(int b, int target) { return leave(b, stack_.size(), target); }
Edge Builder::error_edge() { return leave(cfg_block_->handler, static_cast<size_t>(cfg_block_->handler_depth), -1); }

// An op that may raise is about to be emitted. The error edge must carry the state of now, but values from before this IR block.
void Builder::before_raising() {
  if (!cfg_block_ || cfg_block_->handler < 0) return;   // null: block 0, which only takes the parameters
  if (dirty_) {
    BlockId next = fn_.add_block();
    Edge e;
    e.block = next;
    jump(std::move(e));
    block_ = next;
    dirty_ = false;
  }
  Block& block = fn_.blocks[block_];
  if (!block.on_error.valid()) {
    Edge e = error_edge();
    fn_.blocks[block_].on_error = std::move(e);
  }
}

void Builder::end_block(const CfgBlock& block) {
  const Inst* last = block.insts.empty() ? nullptr : &block.insts.back();
  if (last && last->op == Micro::Branch) return branch(*last, block);
  if (last && last->op == Micro::ForIter) return for_iter(*last, block);
  if (last && (micro_flags(last->op) & MicroEnds)) return;
  for (Slot& s : stack_) materialise(&s);
  jump(edge_to(block.next));
}

void Builder::jump(Edge e) {
  Op op;
  op.code = OpCode::Jump;
  op.targets.push_back(std::move(e));
  fn_.blocks[block_].ops.push_back(std::move(op));
}

// ---- ops and values -------------------------------------------------------------------------------------------------------------------

Op& Builder::emit(OpCode code, std::vector<ValueId> args, int results) {
  if (info(code).flags & Raises) before_raising();
  Block& block = fn_.blocks[block_];
  uint32_t index = static_cast<uint32_t>(block.ops.size());
  Op& op = block.ops.emplace_back();
  op.code = code;
  op.args = std::move(args);
  op.loc = loc_;
  for (int i = 0; i < results; ++i) {
    ValueId v = fn_.add_value(bottom(), block_);
    defs_.resize(fn_.values.size());
    var_of_.resize(fn_.values.size(), -1);
    defs_[v] = {block_, index};
    op.results.push_back(v);
  }
  return op;
}

ValueId Builder::value(OpCode code, std::vector<ValueId> args, std::string_view sym, int64_t imm) {
  Op& op = emit(code, std::move(args), 1);
  op.sym = sym;
  op.imm = imm;
  return op.results[0];
}

ValueId Builder::add_param(BlockId block, int var) {
  const char* name = var >= 0 ? unit_.vars[static_cast<size_t>(var)].name : "";
  ValueId v = fn_.add_value(bottom(), block, name[0] == '.' ? "" : name);
  fn_.blocks[block].params.push_back(v);
  defs_.resize(fn_.values.size());
  var_of_.resize(fn_.values.size(), -1);
  defs_[v] = {block, kNoId};
  var_of_[v] = var;
  return v;
}

ValueId Builder::constant(int index) { return value(OpCode::PyConst, {}, {}, index); }

Op* Builder::def_of(ValueId v) {
  const Def& d = defs_[v];
  return d.op == kNoId ? nullptr : &fn_.blocks[d.block].ops[d.op];
}

const clb_const* Builder::constant_of(ValueId v) {
  Op* op = def_of(v);
  return op && op->code == OpCode::PyConst ? unit_.consts[static_cast<size_t>(op->imm)] : nullptr;
}

bool Builder::known_bool(ValueId v) {
  Op* op = def_of(v);
  if (!op) return false;
  switch (op->code) {
    case OpCode::PyIs: case OpCode::PyContains: case OpCode::PyTruth: case OpCode::PyExcMatch: return true;
    case OpCode::PyUnary: return op->sym == "not";
    case OpCode::PyNext: return op->results[2] == v;
    case OpCode::PyLift: case OpCode::PyWith: return true;
    default: return false;
  }
}

void Builder::drop(ValueId v) {
  Op* op = def_of(v);
  op->code = OpCode::PyTuple;
  op->args.clear();
  op->names.clear();
  op->ints.clear();
  op->imm = 0;
}

ValueId Builder::unbound() {
  if (unbound_ == kNoId) {
    unbound_ = fn_.add_value(bottom(), 0);
    defs_.resize(fn_.values.size());
    var_of_.resize(fn_.values.size(), -1);
  }
  return unbound_;
}

// ---- the stack ------------------------------------------------------------------------------------------------------------------------

void Builder::touched(size_t index) {
  if (cfg_block_ && cfg_block_->handler >= 0 && index < static_cast<size_t>(cfg_block_->handler_depth)) dirty_ = true;
}

void Builder::push_slot(Slot s) {
  touched(stack_.size());
  stack_.push_back(s);
}

Builder::Slot Builder::pop_slot() {
  if (stack_.empty()) bad("it takes more from the stack than there is");
  Slot s = stack_.back();
  stack_.pop_back();
  touched(stack_.size());
  return s;
}

ValueId Builder::materialise(Slot* slot) {
  if (slot->kind == Slot::Null) return kNoId;
  if (slot->to_bool && !known_bool(slot->value)) slot->value = value(OpCode::PyTruth, {slot->value});
  slot->to_bool = false;
  return slot->value;
}

ValueId Builder::pop() {
  Slot s = pop_slot();
  if (s.kind == Slot::Null) bad("it uses a stack slot without a value");
  return materialise(&s);
}

std::vector<ValueId> Builder::pop_many(size_t n) {
  std::vector<ValueId> out(n);
  for (size_t i = n; i-- > 0;) out[i] = pop();
  return out;
}

// ---- variables ------------------------------------------------------------------------------------------------------------------------

ValueId Builder::read(int v, bool checked) {
  ValueId value = var(v);
  if (value == kNoId) value = unbound();
  if (!checked) return value;
  // A parameter of a block may have got the unbound value on some way. simplify.cc drops the checks of those that have not.
  const Def& d = defs_[value];
  bool sure = value != unbound_ && (d.op != kNoId || d.block == 0) && !(unit_.entry.resume && d.block == 0);
  if (sure) {
    var_of_[value] = v;
    return value;
  }
  const char* name = unit_.vars[static_cast<size_t>(v)].name;
  ValueId bound = this->value(OpCode::PyCheckBound, {value}, name);
  fn_.values[bound].name = name;
  var_of_[bound] = v;
  vars_[static_cast<size_t>(v)] = bound;
  stamps_[static_cast<size_t>(v)] = stamp_;
  return bound;
}

void Builder::write(int v, ValueId value) {
  size_t at = static_cast<size_t>(v);
  if (unit_.objects && at < unit_.own_vars) keep({var(v)});
  vars_[at] = value;
  stamps_[at] = stamp_;
  if (cfg_block_->handler >= 0 && live_.live(cfg_block_->handler, v)) dirty_ = true;
  if (value == unbound_) return;
  var_of_[value] = v;
  std::string& name = fn_.values[value].name;
  if (name.empty() && unit_.vars[at].name[0] != '.') name = unit_.vars[at].name;
}

void Builder::bad(std::string_view why) { fail_bytecode(why, unit_.locs[loc_]); }

}  // namespace coluber::ir::frontend
