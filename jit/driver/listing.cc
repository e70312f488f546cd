// The listing: types from inference (each value of the untyped IR has its place in the source), effects from the IR after the last pass,
// code and remarks from the backend.
#include "jit/driver/listing.h"

#include <cstdio>

#include "ir/analysis/loops.h"
#include "ir/places.h"

namespace coluber::jit {
namespace {

class Json {
 public:
  std::string take() { return std::move(text_); }
  void raw(const char* s) { text_ += s; }
  void begin(char bracket) { separate(), text_ += bracket, first_ = true; }
  void end(char bracket) { text_ += bracket, first_ = false; }
  void key(const char* name) { string(name), text_ += ':', first_ = true; }
  void number(int64_t n) { separate(), text_ += std::to_string(n); }
  void string(const std::string& s) {
    separate();
    text_ += '"';
    for (char c : s) {
      auto u = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') text_ += '\\', text_ += c;
      else if (u >= 0x20) text_ += c;
      else {
        char code[8];
        std::snprintf(code, sizeof code, "\\u%04x", u);
        text_ += code;
      }
    }
    text_ += '"';
  }

 private:
  void separate() {
    if (!first_) text_ += ',';
    first_ = false;
  }
  std::string text_;
  bool first_ = true;
};

// ---- types

void list_value(Json& json, const ir::Loc& loc, const typing::AbsVal& v, const std::string& variable) {
  if (!loc.line || v.is_bottom()) return;
  json.begin('[');
  for (uint32_t n : {loc.line, loc.col, loc.end_line, loc.end_col}) json.number(n);
  json.string(typing::describe(v));
  json.string(variable);
  json.end(']');
}

void list_values(Json& json, const typing::Spec& spec) {
  const ir::Function& f = *spec.fn->ir;
  for (ir::BlockId b = 0; b < f.blocks.size(); b++) {
    if (b < spec.reached.size() && !spec.reached[b]) continue;
    for (const ir::Op& op : f.blocks[b].ops) {
      if (op.code == ir::OpCode::PyRefine) continue;
      for (size_t r = 0; r < op.results.size(); r++) {
        if (op.code == ir::OpCode::PyNext && r != 1) continue;   // the item only
        list_value(json, f.locs[op.loc], spec.vals[op.results[r]], f.values[op.results[r]].name);
      }
    }
  }
}

void list_types(Json& json, const Compilation& c) {
  json.key("types");
  json.begin('[');
  c.session->each_spec([&](const typing::Spec& spec) {
    const typing::FunctionInfo& fn = *spec.fn;
    if (!spec.emitted || !fn.ir || !fn.snapshot || ir::is_library_file(fn.snapshot->code->filename)) return;
    json.begin('{');
    json.key("file"), json.string(fn.snapshot->code->filename);
    json.key("function"), json.string(fn.snapshot->code->qualname ? fn.snapshot->code->qualname : fn.name);
    json.key("line"), json.number(fn.snapshot->code->firstlineno);
    json.key("args"), json.begin('[');
    for (size_t k = 0; k < spec.args.size(); k++) {
      json.begin('[');
      const ir::Block& entry = fn.ir->blocks[0];
      bool part = !fn.entry.empty() && k < entry.params.size();   // its parameters are variables of the function
      json.string(part ? fn.ir->values[entry.params[k]].name.c_str() : static_cast<int32_t>(k) < fn.snapshot->code->nvarnames ? fn.snapshot->code->varnames[k] : "");
      json.string(typing::describe(spec.args[k]));
      json.end(']');
    }
    json.end(']');
    json.key("result"), json.string(typing::describe(spec.ret));
    json.key("values"), json.begin('[');
    list_values(json, spec);
    json.end(']'), json.end('}');
  });
  json.end(']');
}

// ---- effects

const char* effect_of(const ir::Op& op) {
  switch (op.code) {
    case ir::OpCode::IndexCheck: return "bounds check";
    case ir::OpCode::Guard: return op.sym.find("Bounds") != std::string::npos || op.sym.find("Index") != std::string::npos ? "bounds check" : "check";
    case ir::OpCode::ObjOp: case ir::OpCode::Box: case ir::OpCode::ObjMode: return "python";
    case ir::OpCode::Alloc: case ir::OpCode::ListNew: case ir::OpCode::ListReserve: return "allocation";
    case ir::OpCode::Retain: case ir::OpCode::Release: return "reference";
    case ir::OpCode::Call: case ir::OpCode::CallPtr: case ir::OpCode::ParFor: return "call";
    default: return nullptr;
  }
}

// The user's place of an op; null in a function of the library's own.
const ir::Loc* place_of(const ir::Function& f, uint32_t loc, const std::string** file) {
  loc = ir::user_place(f, loc);
  if (loc >= f.locs.size() || f.locs[loc].scope >= f.scopes.size()) return nullptr;
  *file = &f.scopes[f.locs[loc].scope].file;
  return ir::is_library_file(**file) ? nullptr : &f.locs[loc];
}

// Copies of loops that run only where a check may fail, and checks that only raise, do not count: the fast one is what the user asks about.
std::vector<uint8_t> seldom_run(const ir::Function& f) {
  std::vector<uint8_t> seldom(f.blocks.size());
  ir::Cfg cfg(f);
  ir::DomTree dom(f, cfg);
  ir::LoopInfo loops(f, cfg, dom);
  for (const ir::Loop& loop : loops.loops()) {
    bool marked = false;
    for (const ir::Pred& latch : loop.latches) marked = marked || (f.blocks[latch.block].term().imm & 1);
    if (marked)
      for (ir::BlockId b : loop.blocks) seldom[b] = 1;
  }
  return seldom;
}

void list_effects(Json& json, const ir::Program& program) {
  json.key("effects");
  json.begin('[');
  for (const auto& f : program.functions) {
    std::vector<uint8_t> seldom = seldom_run(*f);
    for (ir::BlockId b = 0; b < f->blocks.size(); b++) {
      if (seldom[b] || f->blocks[b].term().code == ir::OpCode::Unreachable) continue;
      for (const ir::Op& op : f->blocks[b].ops) {
        const char* what = effect_of(op);
        const std::string* file = nullptr;
        const ir::Loc* place = what ? place_of(*f, op.loc, &file) : nullptr;
        if (!place || !place->line) continue;
        json.begin('['), json.string(*file), json.number(place->line), json.string(what), json.end(']');
      }
    }
  }
  json.end(']');
}

// ---- code

void list_lines(Json& json, const char* name, const std::vector<backend::ListedLine>& lines) {
  json.key(name);
  json.begin('[');
  for (const backend::ListedLine& l : lines) json.begin('['), json.string(l.file), json.number(l.line), json.string(l.text), json.end(']');
  json.end(']');
}

void list_remarks(Json& json, const std::vector<backend::Remark>& remarks) {
  json.key("remarks");
  json.begin('[');
  for (const backend::Remark& r : remarks) {
    json.begin('['), json.string(r.file), json.number(r.line), json.number(r.col);
    json.string(r.kind), json.string(r.pass), json.string(r.text), json.end(']');
  }
  json.end(']');
}

}  // namespace

std::string listing_json(Compilation& c, const clb_options& options) {
  backend::Options o = backend_options(options);
  o.debug = 1;
  o.keep_listing = true;
  backend::CompiledObject again = backend::compile_program(*c.program, o);
  Json json;
  json.begin('{');
  list_types(json, c);
  list_effects(json, *c.program);
  list_lines(json, "llvm", again.listing.llvm);
  list_lines(json, "asm", again.listing.assembly);
  list_remarks(json, again.listing.remarks);
  json.end('}');
  return json.take();
}

std::string loops_json(const Compilation& c) {
  Json json;
  json.begin('[');
  for (const ir::LoopNote& note : c.report.loops) {
    json.begin('{');
    json.key("kind"), json.string(note.kind);
    json.key("operations"), json.number(note.operations);
    json.key("fused"), json.begin('[');
    for (const ir::Loc& place : note.others) json.number(place.line);
    json.end(']');
    json.key("apart"), json.string(note.apart);
    json.key("function"), json.string(note.function);
    json.key("file"), json.string(note.file);
    json.key("line"), json.number(note.place.line);
    json.key("parallel"), json.number(note.parallel);
    json.key("schedule"), json.string(note.schedule);
    json.key("why"), json.string(note.why);
    json.key("reductions"), json.begin('[');
    for (const std::string& r : note.reductions) json.string(r);
    json.end(']');
    json.key("unproved"), json.begin('[');
    for (const auto& [place, what] : note.unproved) json.begin('['), json.number(place.line), json.string(what), json.end(']');
    json.end(']'), json.end('}');
  }
  json.end(']');
  return json.take();
}

}  // namespace coluber::jit
