// Reads bytecode with the opcode tables. A row's argument kind tells how the number behind an opcode is understood; its lowering says
// which micro-ops it becomes: the one of the same name, or those that a lower_ function below appends.
#include "ir/frontend/decode.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "ir/frontend/fail.h"
#include "ir/frontend/opcode_rows.h"

namespace coluber::ir::frontend {
namespace {

enum PopJumpKind { kIfFalse, kIfTrue, kIfNone, kIfNotNone };
constexpr int kEffect(int pops, int pushes) { return pops | pushes << 4; }

struct Table {
  std::array<OpcodeRow, 256> rows{};
  constexpr void set(int number, OpcodeRow row) { rows[static_cast<size_t>(number)] = row; }
};

#define OPCODE(number, name, lowering, argument, caches, jump, extra) \
  t.set(number, {#name, Lowering::lowering, Arg::argument, caches, JumpKind::jump, extra});
constexpr Table kTable310 = [] {
  Table t;
#include "ir/frontend/opcodes_310.def"
  return t;
}();
#define OPCODE(number, name, lowering, argument, caches, jump, extra) \
  t.set(number, {#name, Lowering::lowering, Arg::argument, caches, JumpKind::jump, extra});
constexpr Table kTable311 = [] {
  Table t;
#include "ir/frontend/opcodes_311.def"
  return t;
}();
#define OPCODE(number, name, lowering, argument, caches, jump, extra) \
  t.set(number, {#name, Lowering::lowering, Arg::argument, caches, JumpKind::jump, extra});
constexpr Table kTable312 = [] {
  Table t;
#include "ir/frontend/opcodes_312.def"
  return t;
}();
#define OPCODE(number, name, lowering, argument, caches, jump, extra) \
  t.set(number, {#name, Lowering::lowering, Arg::argument, caches, JumpKind::jump, extra});
constexpr Table kTable313 = [] {
  Table t;
#include "ir/frontend/opcodes_313.def"
  return t;
}();

const Table* table_of(int version) {
  switch (version) {
    case 310: return &kTable310;
    case 311: return &kTable311;
    case 312: return &kTable312;
    case 313: return &kTable313;
    default: return nullptr;
  }
}

// BINARY_OP's numbers; those from 13 on are the in-place forms in the same order.
constexpr int kBinaryOps[] = {kAdd, kAnd, kFloorDiv, kLShift, kMatMul, kMul, kMod, kOr, kPow, kRShift, kSub, kTrueDiv, kXor};
constexpr int kInplace = 13;

class Decoder {
 public:
  Decoder(Unit* unit, const clb_code& code, const CodeScope& scope)
      : unit_(*unit), code_(code), scope_(scope), table_(*table_of(code.version)) {}

  Decoded run() {
    positions_ = read_positions(code_);
    size_t units = code_.code_size / 2;
    starts_.assign(units + 1, -1);
    for (size_t at = 0; at < units;) at = instruction(at);
    starts_[units] = static_cast<int>(out_.insts.size());
    for (Inst& inst : out_.insts)
      if (inst.target >= 0) inst.target = start_of(static_cast<size_t>(inst.target), unit_.locs[inst.loc]);
    for (auto [inst, target] : within_) out_.insts[inst].target = static_cast<int>(target);
    if (!scope_.comprehension) regions();
    return std::move(out_);
  }

 private:
  // One instruction with its EXTENDED_ARG prefixes and caches; returns where the next one begins.
  size_t instruction(size_t at) {
    size_t units = code_.code_size / 2;
    starts_[at] = static_cast<int>(out_.insts.size());
    uint64_t arg = 0;
    for (;; ++at) {
      if (at >= units) fail_bytecode("it ends within an instruction");
      row_ = &table_.rows[code_.code[at * 2]];
      arg = arg << 8 | code_.code[at * 2 + 1];
      if (arg > 0xfffffff) fail_bytecode("an argument is too large", position(at));
      if (!row_->name) fail_bytecode("unknown opcode " + std::to_string(code_.code[at * 2]), position(at));
      if (row_->lowering != Lowering::ExtendedArg) break;
    }
    starts_[at] = static_cast<int>(out_.insts.size());
    offset_ = static_cast<uint32_t>(at * 2);
    set_loc(position(at));
    size_t next = at + 1 + static_cast<size_t>(row_->caches);
    if (next > units) fail_bytecode("it ends within a cache", position(at));
    size_t before = out_.insts.size();
    raw_ = static_cast<int>(arg);
    lower(read_arg(raw_, next), raw_);
    sends_ = row_->lowering == Lowering::Unsupported && !std::strcmp(row_->name, "SEND");
    size_t made = out_.insts.size() - before;
    if (made > unit_.budget) fail("FunctionTooLarge", {});
    unit_.budget -= made;
    return next;
  }

  Loc position(size_t at) const { return at < positions_.size() ? positions_[at] : Loc{}; }
  void set_loc(const Loc& loc) {
    const Loc& last = unit_.locs.back();
    bool same = last.line == loc.line && last.col == loc.col && last.end_line == loc.end_line && last.end_col == loc.end_col;
    if (!same) unit_.locs.push_back(loc);
    loc_ = static_cast<uint32_t>(unit_.locs.size() - 1);
  }

  int bounded(int arg, int size, int base, const char* what) {
    if (arg >= size) fail_bytecode(std::string("there is no ") + what + " " + std::to_string(arg), unit_.locs[loc_]);
    return base + arg;
  }
  int slot(int arg) { return scope_.slots[static_cast<size_t>(bounded(arg, static_cast<int>(scope_.slots.size()), 0, "variable"))]; }
  int const_index(int arg) { return bounded(arg, code_.nconsts, scope_.const_base, "constant"); }
  int name_index(int arg) { return bounded(arg, code_.nnames, scope_.name_base, "name"); }

  int read_arg(int arg, size_t next) {
    switch (row_->arg) {
      case Arg::None: return 0;
      case Arg::Raw: return arg;
      case Arg::Const: return const_index(arg);
      case Arg::Name: return name_index(arg);
      case Arg::NameShift1: return name_index(arg >> 1);
      case Arg::NameShift2: return name_index(arg >> 2);
      case Arg::Local: return slot(arg);
      case Arg::LocalPair: return arg;
      case Arg::Slot: return slot(arg);
      case Arg::Cell: return slot(scope_.cells[static_cast<size_t>(bounded(arg, static_cast<int>(scope_.cells.size()), 0, "cell"))]);
      case Arg::Target: break;
    }
    int64_t base = static_cast<int64_t>(next), target = arg;
    if (row_->jump == JumpKind::Forward) target = base + arg;
    if (row_->jump == JumpKind::Backward) target = base - arg;
    if (target < 0 || target >= static_cast<int64_t>(code_.code_size / 2)) fail_bytecode("a jump leaves the code", unit_.locs[loc_]);
    return static_cast<int>(target);
  }

  Inst& add(Micro op, int a = 0, int b = 0, int target = -1) {
    Inst inst;
    inst.op = op;
    inst.a = a;
    inst.b = b;
    inst.target = target;
    inst.loc = loc_;
    inst.offset = offset_;
    return out_.insts.emplace_back(inst);
  }

  // What objects can do, in object mode; the end of a with statement; otherwise a row of its own.
  bool for_objects(int arg, int raw) {
    std::string_view name = row_->name;
    auto is = [&](const char* text) { return name == text; };
    if (is("WITH_EXCEPT_START")) return add(Micro::WithExit, code_.version == 310 ? 7 : 4), true;
    if (!unit_.objects) return false;
    if (is("SET_UPDATE")) add(Micro::Update, raw, kSetUpdate);
    else if (is("DICT_UPDATE")) add(Micro::Update, raw, kDictUpdate);
    else if (is("DICT_MERGE")) add(Micro::Update, raw, kDictMerge);
    else if (is("DELETE_ATTR")) add(Micro::DelAttr, name_index(raw));
    else if (is("DELETE_GLOBAL")) add(Micro::DelGlobal, name_index(raw));
    else if (is("LOAD_BUILD_CLASS")) add(Micro::BuildClass);
    else if (is("GET_LEN")) add(Micro::Peek, kLength);
    else if (is("MATCH_MAPPING")) add(Micro::Peek, kIsMapping);
    else if (is("MATCH_SEQUENCE")) add(Micro::Peek, kIsSequence);
    else if (is("MATCH_KEYS")) add(Micro::MatchKeys, code_.version == 310);
    else if (is("MATCH_CLASS")) add(Micro::MatchClass, raw, code_.version == 310);
    else if (is("COPY_DICT_WITHOUT_KEYS")) add(Micro::DictWithout);
    else return for_generators(arg);
    return true;
  }

  bool for_generators(int arg) {
    std::string_view name = row_->name;
    if (!unit_.generator || scope_.comprehension) return false;
    if (name == "GET_YIELD_FROM_ITER") return add(Micro::YieldIter), true;
    if (name == "SEND") return send(arg), true;
    if (name == "YIELD_FROM") return yield_from(), true;
    if (name == "END_SEND") return drop_second(), true;
    if (name != "CLEANUP_THROW") return false;
    unit_.names.push_back("StopIteration");   // (iterator, what was sent, exception) -> (None, value), or the exception goes on
    add(Micro::Global, static_cast<int>(unit_.names.size() - 1));
    add(Micro::ExcMatch);
    jump_within(Micro::Branch, 1, 2);
    add(Micro::Reraise, 0, 1);
    add(Micro::StopValue);
    drop_second();
    drop_second();
    add(Micro::Const, unit_.none());
    add(Micro::Swap, 2);
    return true;
  }

  void drop_second() {
    add(Micro::Swap, 2);
    add(Micro::Pop);
  }
  // A jump to another micro-op of the instruction, or behind it.
  void jump_within(Micro op, int a, size_t ahead) {
    within_.emplace_back(out_.insts.size(), out_.insts.size() + ahead);
    add(op, a);
  }

  void yield(bool delegates) {
    if (unit_.generator && !scope_.comprehension) add(Micro::Suspend, static_cast<int>(offset_), delegates);
    else add(Micro::Yield);
  }
  // What the iterator gives is on top, for the YIELD_VALUE that follows; what it returns, at the target (3.11: in its place).
  void send(int target) {
    add(Micro::Send);
    if (code_.version >= 312) return void(add(Micro::Branch, 0, 0, target));
    jump_within(Micro::Branch, 1, 4);
    drop_second();
    add(Micro::Jump, 0, 0, target);
  }
  void yield_from() {
    size_t first = out_.insts.size();
    add(Micro::Send);
    jump_within(Micro::Branch, 0, 3);
    yield(true);
    within_.emplace_back(out_.insts.size(), first);
    add(Micro::Jump);
    drop_second();
  }

  void unsupported(const char* what, int effect) {
    unit_.names.push_back(what);
    add(Micro::Unsupported, effect, static_cast<int>(unit_.names.size() - 1));
  }

  void lower(int arg, int raw);
  void lower_direct(Micro op, int arg);
  void lower_variables(int arg, int raw);
  void lower_nulls(int arg, int raw);
  void lower_operators(int arg, int raw);
  void lower_flow(int arg);
  void load_slot(int slot, bool capture);
  void local(Micro op, int slot);

  int start_of(size_t unit, const Loc& loc) {
    int start = unit < starts_.size() ? starts_[unit] : -1;
    if (start < 0) fail_bytecode("a jump leads into the middle of an instruction", loc);
    if (start >= static_cast<int>(out_.insts.size())) fail_bytecode("a jump leads behind the code", loc);
    return start;
  }

  void regions() {
    for (Region r : read_exception_table(code_)) {
      if (r.start >= r.end || static_cast<size_t>(r.end) >= starts_.size()) fail_bytecode("the exception table is broken");
      r.start = start_at_or_after(r.start);
      r.end = start_at_or_after(r.end);
      if (unit_.generator && wraps_stop_iteration(static_cast<size_t>(r.target))) continue;
      r.target = start_of(static_cast<size_t>(r.target), Loc{});
      if (r.start < r.end) out_.regions.push_back(r);
    }
  }
  // 3.12's handler around a generator, which makes a StopIteration a RuntimeError; whoever calls compiled code does that.
  bool wraps_stop_iteration(size_t unit) const {
    constexpr int kStopIterationError = 3;
    if (unit >= code_.code_size / 2) return false;
    return table_.rows[code_.code[unit * 2]].lowering == Lowering::Intrinsic1 && code_.code[unit * 2 + 1] == kStopIterationError;
  }
  int start_at_or_after(int unit) {
    while (starts_[static_cast<size_t>(unit)] < 0) ++unit;
    return starts_[static_cast<size_t>(unit)];
  }

  Unit& unit_;
  const clb_code& code_;
  const CodeScope& scope_;
  const Table& table_;
  const OpcodeRow* row_ = nullptr;
  std::vector<Loc> positions_;
  std::vector<int> starts_;                // of code units: the micro-op they became; -1 within instructions
  Decoded out_;
  int keywords_ = 0;                       // 1 + constant of a KW_NAMES that waits for its CALL
  uint32_t loc_ = 0, offset_ = 0;
  int raw_ = 0;                            // the instruction's argument as it stands
  bool sends_ = false;                     // the instruction before was a SEND
  std::vector<std::pair<size_t, size_t>> within_;   // jumps between micro-ops of one instruction
};

void Decoder::lower(int arg, int raw) {
  switch (row_->lowering) {
#define MICRO(Name, pops, pushes, flags) \
  case Lowering::Name: return lower_direct(Micro::Name, arg);
#include "ir/frontend/micro_ops.def"
    case Lowering::Invalid: return fail_bytecode(std::string(row_->name) + " is no instruction", unit_.locs[loc_]);
    case Lowering::LoadFast: case Lowering::LoadLoad: case Lowering::StoreStore: case Lowering::StoreLoad: case Lowering::LoadClosure:
    case Lowering::LoadDeref: case Lowering::StoreDeref: case Lowering::DeleteDeref: return lower_variables(arg, raw);
    case Lowering::GlobalNullFirst: case Lowering::GlobalNullLast: case Lowering::AttrNullFirst: case Lowering::AttrNullLast:
    case Lowering::SuperNullFirst: case Lowering::SuperNullLast: case Lowering::Method: return lower_nulls(arg, raw);
    case Lowering::ReturnConst: case Lowering::PopJump: case Lowering::JumpOrPop: case Lowering::ExcMatchJump:
    case Lowering::SetupWith: case Lowering::WithStart: return lower_flow(arg);
    default: return lower_operators(arg, raw);
  }
}

void Decoder::lower_direct(Micro op, int arg) {
  int a = row_->arg == Arg::None ? row_->extra : arg, b = row_->arg == Arg::None ? 0 : row_->extra;
  switch (op) {
    case Micro::Nop: return;
    case Micro::Unsupported: return for_objects(arg, raw_) ? void() : unsupported(row_->name, row_->extra);
    case Micro::SetLocal: case Micro::DelLocal: case Micro::LocalClear: return local(op, arg);
    case Micro::Jump: case Micro::PushHandler: add(op, 0, 0, arg); return;
    case Micro::ForIter: add(op, 0, row_->extra, arg); return;
    case Micro::PopExcept: add(op, 0, row_->extra); return;
    case Micro::Function: add(op, row_->arg == Arg::None ? 0 : arg & 15, row_->extra); return;
    case Micro::Format: add(op, 0, row_->extra); return;
    case Micro::Yield: yield(sends_); return;
    case Micro::UnpackEx: add(op, arg & 255, arg >> 8); return;
    case Micro::CallEx: add(op, arg & 1, row_->extra); return;
    case Micro::Call:
      add(op, arg, keywords_);
      keywords_ = 0;
      return;
    case Micro::Is: case Micro::Contains: add(op, arg & 1); return;
    default: add(op, a, b);
  }
}

void Decoder::load_slot(int slot, bool capture) {
  if (slot < 0) add(Micro::Free, ~slot, capture); else add(capture ? Micro::Closure : Micro::Local, slot);
}

// A local by its slot; free variables have no business here.
void Decoder::local(Micro op, int slot) {
  if (slot < 0) fail_bytecode(std::string(row_->name) + " of a free variable", unit_.locs[loc_]);
  add(op, slot);
}

void Decoder::lower_variables(int arg, int raw) {
  int first = raw >> 4, second = raw & 15;
  switch (row_->lowering) {
    case Lowering::LoadFast:               // 3.13 captures cells with it
      return load_slot(arg, arg < 0 || unit_.vars[static_cast<size_t>(arg)].cell);
    case Lowering::LoadLoad:
      local(Micro::Local, slot(first));
      return local(Micro::Local, slot(second));
    case Lowering::StoreStore:
      local(Micro::SetLocal, slot(first));
      return local(Micro::SetLocal, slot(second));
    case Lowering::StoreLoad:
      local(Micro::SetLocal, slot(first));
      return local(Micro::Local, slot(second));
    case Lowering::LoadClosure: return load_slot(arg, true);
    case Lowering::LoadDeref: return load_slot(arg, false);
    case Lowering::StoreDeref: case Lowering::DeleteDeref: {
      bool store = row_->lowering == Lowering::StoreDeref;
      if (arg < 0 && unit_.objects) return void(add(store ? Micro::SetFree : Micro::DelFree, ~arg));
      if (arg < 0) return unsupported("assignment to a nonlocal variable", kEffect(store, 0));
      add(store ? Micro::SetLocal : Micro::DelLocal, arg);
      return;
    }
    default: return;
  }
}

// Loads that may bring a null for the call that follows: before the value up to 3.12, behind it from 3.13 on.
void Decoder::lower_nulls(int arg, int raw) {
  bool null = raw & 1;
  switch (row_->lowering) {
    case Lowering::GlobalNullFirst:
      if (null) add(Micro::PushNull);
      add(Micro::Global, arg);
      return;
    case Lowering::GlobalNullLast:
      add(Micro::Global, arg);
      if (null) add(Micro::PushNull);
      return;
    case Lowering::Method: case Lowering::AttrNullFirst: case Lowering::AttrNullLast:
      add(Micro::Attr, arg);
      null |= row_->lowering == Lowering::Method;
      break;
    default:
      if (unit_.objects) add(Micro::SuperAttr, arg);
      else unsupported("super", kEffect(3, 1));
  }
  if (!null) return;
  add(Micro::PushNull);
  bool last = row_->lowering == Lowering::AttrNullLast || row_->lowering == Lowering::SuperNullLast;
  if (!last) add(Micro::Swap, 2);
}

void Decoder::lower_operators(int arg, int raw) {
  switch (row_->lowering) {
    case Lowering::AssertionError:
      unit_.names.push_back("AssertionError");
      add(Micro::Global, static_cast<int>(unit_.names.size() - 1));
      return;
    case Lowering::BinaryOp: {
      bool inplace = raw >= kInplace;
      int which = inplace ? raw - kInplace : raw;
      if (which >= kInplace) fail_bytecode("there is no operator " + std::to_string(raw), unit_.locs[loc_]);
      add(inplace ? Micro::Inplace : Micro::Binary, kBinaryOps[which]);
      return;
    }
    case Lowering::Compare310: case Lowering::Compare312: case Lowering::Compare313: {
      int shift = row_->lowering == Lowering::Compare310 ? 0 : row_->lowering == Lowering::Compare312 ? 4 : 5;
      if (raw >> shift > 5) fail_bytecode("there is no comparison " + std::to_string(raw), unit_.locs[loc_]);
      add(Micro::Compare, kLt + (raw >> shift), row_->lowering == Lowering::Compare313 && (raw & 16));
      return;
    }
    case Lowering::BinarySlice:
      add(Micro::Slice, 2);
      add(Micro::GetItem);
      return;
    case Lowering::StoreSlice:
      add(Micro::Slice, 2);
      add(Micro::SetItem);
      return;
    case Lowering::ConvertValue: add(Micro::Format, raw & 3, 0); return;
    case Lowering::FormatValue:            // the conversion by itself when there is a specification: as 3.13 has it
      if ((raw & 3) && (raw & 4)) {
        add(Micro::Swap, 2);
        add(Micro::Format, raw & 3, 0);
        add(Micro::Swap, 2);
      }
      add(Micro::Format, raw & 4 ? 0 : raw & 3, (raw & 4) != 0);
      return;
    case Lowering::KwNames: keywords_ = 1 + arg; return;
    case Lowering::Intrinsic1:
      if (raw == 5) add(Micro::Unary, kPos);
      else if (raw == 6) add(Micro::ListToTuple);
      else unsupported(row_->name, kEffect(1, 1));
      return;
    case Lowering::Intrinsic2: return unsupported(row_->name, kEffect(2, 1));
    default: fail_bytecode(std::string(row_->name) + " cannot be read", unit_.locs[loc_]);
  }
}

void Decoder::lower_flow(int arg) {
  switch (row_->lowering) {
    case Lowering::ReturnConst:
      add(Micro::Const, arg);
      add(Micro::Return);
      return;
    case Lowering::PopJump: {
      bool none = row_->extra == kIfNone || row_->extra == kIfNotNone;
      if (none) {
        add(Micro::Const, unit_.none());
        add(Micro::Is, 0);
      }
      add(Micro::Branch, row_->extra == kIfTrue || row_->extra == kIfNone, 0, arg);
      return;
    }
    case Lowering::JumpOrPop:
      add(Micro::Copy, 1);
      add(Micro::Branch, row_->extra, 0, arg);
      add(Micro::Pop);
      return;
    case Lowering::ExcMatchJump:
      add(Micro::ExcMatchPop);
      add(Micro::Branch, 0, 0, arg);
      return;
    case Lowering::SetupWith:              // leaves __exit__ and __enter__'s result; the handler keeps the first
      add(Micro::WithEnter);
      add(Micro::PushHandler, 0, 1, arg);
      return;
    default:
      if (!std::strcmp(row_->name, "BEFORE_WITH")) add(Micro::WithEnter);
      else unsupported("async with statement", row_->extra);
  }
}

bool scan_stores(const clb_code& code, const char* name, int depth);

// Calls visit(number, argument) for each instruction; wrong code ends the scan.
template <class Visit>
void scan(const clb_code& code, Visit visit) {
  const Table* table = table_of(code.version);
  if (!table) return;
  uint64_t arg = 0;
  for (size_t at = 0; at < code.code_size / 2;) {
    const OpcodeRow& row = table->rows[code.code[at * 2]];
    if (!row.name) return;
    arg = (arg << 8 | code.code[at * 2 + 1]) & 0x7fffffff;
    visit(row, static_cast<int>(arg), at);
    if (row.lowering != Lowering::ExtendedArg) arg = 0;
    at += 1 + static_cast<size_t>(row.caches);
  }
}

bool scan_stores(const clb_code& code, const char* name, int depth) {
  int free = -1;
  for (int i = 0; i < code.nfreevars; ++i)
    if (!std::strcmp(code.freevars[i], name)) free = i;
  if (free < 0) return false;
  int base = code.ncellvars;
  if (code.version >= 311) {
    base = code.nvarnames;
    for (int i = 0; i < code.ncellvars; ++i)
      base += std::none_of(code.varnames, code.varnames + code.nvarnames, [&](const char* v) { return !std::strcmp(v, code.cellvars[i]); });
  }
  bool found = false;
  scan(code, [&](const OpcodeRow& row, int arg, size_t) {
    bool store = row.lowering == Lowering::StoreDeref || row.lowering == Lowering::DeleteDeref;
    found |= store && arg == base + free;
  });
  for (int i = 0; i < code.nconsts && !found && depth < 50; ++i)
    if (code.consts[i].kind == CLB_CODE && code.consts[i].code) found = scan_stores(*code.consts[i].code, name, depth + 1);
  return found;
}

}  // namespace

Decoded decode(Unit* unit, const clb_code& code, const CodeScope& scope) { return Decoder(unit, code, scope).run(); }
bool version_known(int version) { return table_of(version) != nullptr; }
bool stores_free(const clb_code& code, const char* name) { return scan_stores(code, name, 0); }

Loc find_opcode(const clb_code& code, const char* name) {
  std::vector<Loc> positions = read_positions(code);
  Loc found;
  scan(code, [&](const OpcodeRow& row, int, size_t at) {
    if (!found.line && !std::strcmp(row.name, name)) found = positions[at];
  });
  return found;
}

}  // namespace coluber::ir::frontend
