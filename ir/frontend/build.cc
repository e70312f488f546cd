// The frontend from top to bottom.
#include "ir/frontend/build.h"

#include "ir/frontend/blocks.h"
#include "ir/frontend/fail.h"
#include "ir/frontend/simplify.h"
#include "ir/frontend/stack_to_ssa.h"

namespace coluber::ir::frontend {
namespace {

std::string text(const char* s) { return s ? s : ""; }

std::unique_ptr<Function> new_function(const clb_code& code, int64_t handle) {
  auto f = std::make_unique<Function>();
  f->name = text(code.qualname ? code.qualname : code.name);
  Scope scope;
  scope.code = handle;
  scope.name = f->name;
  scope.file = text(code.filename);
  f->scopes.push_back(std::move(scope));
  return f;
}

constexpr int kGenerator = 0x20, kCoroutine = 0x80, kIterableCoroutine = 0x100, kAsyncGenerator = 0x200;

// Coroutines run in another way altogether; generators run in object mode only.
void refuse_generators(const clb_code& code, bool parts) {
  if (parts && (code.flags & (kGenerator | kIterableCoroutine)) == kGenerator) return;
  const char* what = code.flags & kAsyncGenerator ? "an async generator" : code.flags & kCoroutine ? "a coroutine" : code.flags & kGenerator ? "a generator" : nullptr;
  if (!what) return;
  Loc loc = find_opcode(code, code.flags & kCoroutine ? "GET_AWAITABLE" : "YIELD_VALUE");
  if (!loc.line && code.firstlineno > 0) loc.line = static_cast<uint32_t>(code.firstlineno);
  fail("GeneratorFunction", {what}, loc);
}

void build(const clb_code& code, Unit* unit, Function* f) {
  if (!version_known(code.version)) fail("PythonVersion", {std::to_string(code.version / 100) + "." + std::to_string(code.version % 100)});
  unit->generator = (unit->objects || unit->entry.region()) && (code.flags & kGenerator);   // no loop that is entered natively yields
  refuse_generators(code, unit->generator);
  CodeScope scope = root_scope(unit, code);
  Cfg cfg = build_cfg(unit, code, scope);
  normalise(*unit, &cfg);
  Builder(unit, cfg, f).run(code);
  f->locs = unit->locs;
  drop_sure_checks(f, unit->part);
  simplify(f);
  if (drop_sure_checks(f, unit->part)) simplify(f);    // fewer ways lead to handlers now
  if (!unit->objects && check_closures(f, *unit)) simplify(f);   // it wants to see no function that is not used
  canonicalise(f);
}

}  // namespace
}  // namespace coluber::ir::frontend

namespace coluber::ir {

std::unique_ptr<Function> build_function(const clb_code& code, int64_t handle, BuildError* error, std::vector<const clb_const*>* constants,
                                         std::span<const char* const> typed_locals, bool debug, bool objects, std::string_view entry) {
  frontend::Unit unit;
  unit.objects = objects;
  unit.part = !entry.empty();
  unit.frames = objects || unit.part;
  if (unit.part && !frontend::EntryPoint::parse(entry, &unit.entry)) unit.entry = {};
  unit.typed_locals.assign(typed_locals.begin(), typed_locals.end());
  unit.debug = debug;
  std::unique_ptr<Function> f = frontend::new_function(code, handle);
  try {
    frontend::build(code, &unit, f.get());
  } catch (frontend::Fail& failed) {
    if (error) *error = std::move(failed.error);
    return nullptr;
  }
  if (constants) *constants = std::move(unit.consts);
  return f;
}

}  // namespace coluber::ir
