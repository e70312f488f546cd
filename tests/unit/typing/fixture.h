// What the tests of inference share: a host that knows builtins by name and functions given as 3.12 opcodes, and a compilation up to the
// end of the passes, with the verifier on.
#pragma once
#include <cstring>
#include <deque>
#include <map>

#include "ir/passes/manager.h"
#include "tests/unit/frontend/assemble.h"
#include "typing/session.h"

namespace coluber::typing {

// Globals: functions that were added, exception classes, and builtins for any other name.
class FakeHost {
 public:
  clb_host host{};

  FakeHost() {
    host.self = this;
    host.global = [](void* self, int64_t, const char* name, clb_const* out) { return static_cast<FakeHost*>(self)->global(name, out); };
    host.function = [](void* self, int64_t handle, const clb_function** out) {
      auto& known = static_cast<FakeHost*>(self)->functions_;
      auto it = known.find(handle);
      if (it == known.end()) return -1;
      *out = &it->second;
      return 0;
    };
    host.implementation = [](void*, int64_t, const char*, clb_const*) { return 1; };
    host.subclass = [](void*, int64_t cls, int64_t base) { return cls == base ? 1 : 0; };
  }

  int64_t add(const char* name, ir::Code& code) {
    int64_t handle = 1000 + static_cast<int64_t>(functions_.size());
    clb_code& copy = codes_.emplace_back(code.get());
    copy.name = copy.qualname = name;
    clb_function& f = functions_[handle];
    f.handle = handle;
    f.code = &copy;
    f.options.boundscheck = 1;
    named_[name] = handle;
    return handle;
  }
  int64_t handle_of(const char* name) const { return named_.at(name); }

 private:
  int global(const char* name, clb_const* out) {
    std::memset(out, 0, sizeof *out);
    std::string text = name;
    if (text == "undefined") return 1;
    bool is_class = text.size() > 5 && text.ends_with("Error");
    auto function = named_.find(text);
    out->kind = function != named_.end() ? CLB_FUNCTION : is_class ? CLB_CLASS : CLB_BUILTIN;
    out->flags = is_class ? 1 : 0;
    std::string full = function != named_.end() ? text : "builtins." + text;
    auto [it, fresh] = names_.try_emplace(full, 100 + static_cast<int64_t>(names_.size()));
    out->handle = function != named_.end() ? function->second : it->second;
    out->s = it->first.c_str();
    out->n = static_cast<int64_t>(it->first.size());
    return 0;
  }

  std::map<std::string, int64_t> names_, named_;
  std::map<int64_t, clb_function> functions_;
  std::deque<clb_code> codes_;
};

// What came of a compilation: the result type and the program, or an error ("Id: message").
struct Inferred {
  std::unique_ptr<ir::Program> program;
  std::string ret, error;
  const clb_const* constant = nullptr;     // the result, where it is known
  std::string text() const { return program ? ir::print(*program) : ""; }
};

inline std::vector<AbsVal> arguments(std::vector<const char*> types) {
  std::vector<AbsVal> args;
  for (const char* t : types) {
    AbsVal a;
    a.type = ir::parse_type(t);
    args.push_back(a);
  }
  return args;
}

inline void compile(Session& session, FunctionInfo* info, std::vector<AbsVal> args, Inferred* out) {
  try {
    Spec* spec = session.specialise(info, std::move(args));
    out->ret = spec->ret.type->text;
    out->constant = spec->ret.c;
    out->program = session.lower(spec);
    ir::PassId passes[] = {ir::PassId::Cleanup, ir::PassId::Inline, ir::PassId::Cleanup, ir::PassId::Refcount};
    for (auto& f : out->program->functions) out->error += ir::verify(*f, out->program.get());
    if (!out->error.empty()) return;
    ir::PassOptions o;
    o.verify = true;
    out->error = ir::run_passes(*out->program, passes, o);
  } catch (CompileError& e) {
    out->error = e.diag.id + ": " + e.diag.message;
  } catch (TypeFail& f) {
    out->error = f.id;
  }
}

inline clb_const integer(int64_t v) {
  clb_const c{};
  c.kind = CLB_INT;
  c.i = v;
  return c;
}
inline clb_const real(double v) {
  clb_const c{};
  c.kind = CLB_FLOAT;
  c.f[0] = v;
  return c;
}

// Untyped IR text, for these argument types; py.const k is consts[k].
inline Inferred infer_text(const std::string& text, std::vector<const char*> types, const std::vector<clb_const>& consts = {}) {
  FakeHost host;
  Session session(&host.host);
  session.options.boundscheck = 1;
  Inferred out;
  FunctionInfo info;
  info.ir = ir::parse_function(text, &out.error);
  if (!info.ir) return out;
  info.name = info.ir->name;
  info.handle = 1;
  for (const clb_const& c : consts) info.consts.push_back(session.make_const(c));
  index_function(info);
  compile(session, &info, arguments(std::move(types)), &out);
  out.constant = nullptr;                  // it dies with the session
  return out;
}

// The function `name` of a host, for these argument types.
inline Inferred infer_function(FakeHost& host, const char* name, std::vector<const char*> types) {
  Session session(&host.host);
  session.options.boundscheck = 1;
  Inferred out;
  try {
    compile(session, session.function(host.handle_of(name)), arguments(std::move(types)), &out);
  } catch (CompileError& e) {
    out.error = e.diag.id + ": " + e.diag.message;
  }
  out.constant = nullptr;
  return out;
}

}  // namespace coluber::typing
