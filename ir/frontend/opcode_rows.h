// What a row of the opcode tables says, as a struct.
#pragma once
#include <cstdint>

namespace coluber::ir::frontend {

enum class Lowering : uint8_t {            // what an opcode becomes: a micro-op, or what decode.cc makes of it
#define MICRO(Name, pops, pushes, flags) Name,
#define LOWER(Name) Name,
#include "ir/frontend/micro_ops.def"
};

enum class Arg : uint8_t {
  None,                                    // there is none
  Raw,                                     // a number
  Const, Name,                             // index into co_consts, co_names
  NameShift1, NameShift2,                  // index into co_names above one or two bits of flags
  Local,                                   // index into co_varnames (from 3.11 on into localsplus)
  LocalPair,                               // two of them, four bits each
  Cell,                                    // 3.10: index into co_cellvars + co_freevars
  Slot,                                    // 3.11: index into localsplus
  Target                                   // a jump, see JumpKind
};

enum class JumpKind : uint8_t { None, Forward, Backward, Absolute };

struct OpcodeRow {
  const char* name = nullptr;
  Lowering lowering = Lowering::Nop;
  Arg arg = Arg::None;
  int caches = 0;
  JumpKind jump = JumpKind::None;
  int extra = 0;
};

}  // namespace coluber::ir::frontend
