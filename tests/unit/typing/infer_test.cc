// Inference and lowering on untyped IR text, with a host that knows a few builtins.
#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "ir/function.h"
#include "ir/passes/manager.h"
#include "typing/session.h"

using namespace coluber;
using ir::TypeRef;

namespace {

struct FakeHost {
  clb_host host{};
  std::map<std::string, int64_t> names;
  FakeHost() {
    host.self = this;
    host.global = [](void* self, int64_t, const char* name, clb_const* out) {
      auto* h = static_cast<FakeHost*>(self);
      std::string full = std::string("builtins.") + name;
      auto [it, fresh] = h->names.try_emplace(full, 100 + static_cast<int64_t>(h->names.size()));
      std::memset(out, 0, sizeof *out);
      out->kind = CLB_BUILTIN;
      out->handle = it->second;
      out->s = it->first.c_str();
      out->n = static_cast<int64_t>(it->first.size());
      return 0;
    };
    host.implementation = [](void*, int64_t, const char*, clb_const*) { return 1; };
    host.subclass = [](void*, int64_t, int64_t) { return 0; };
  }
};

// Parses `text`, infers for `types`, lowers, and returns the program; the result type goes to *ret.
struct Inferred {
  FakeHost host;
  typing::Session session{&host.host};
  typing::FunctionInfo info;
  std::unique_ptr<ir::Program> program;
  std::string ret, error;

  Inferred(const char* text, std::vector<const char*> types, std::vector<const clb_const*> consts = {}) {
    session.options.boundscheck = 1;
    std::string why;
    info.ir = ir::parse_function(text, &why);
    if (!info.ir) { error = why; return; }
    info.name = info.ir->name;
    info.handle = 1;
    info.consts = consts;
    typing::index_function(info);
    std::vector<typing::AbsVal> args;
    for (const char* t : types) {
      typing::AbsVal a;
      a.type = ir::parse_type(t);
      args.push_back(a);
    }
    try {
      typing::Spec* spec = session.specialise(&info, args);
      ret = spec->ret.type->text;
      program = session.lower(spec);
      ir::PassId passes[] = {ir::PassId::Cleanup, ir::PassId::Inline, ir::PassId::Cleanup, ir::PassId::Refcount};
      for (auto& f : program->functions) error += ir::verify(*f, program.get());
      if (error.empty()) {
        ir::PassOptions o;
        o.verify = true;
        error = ir::run_passes(*program, passes, o);
      }
    } catch (typing::CompileError& e) {
      error = e.diag.id + ": " + e.diag.message;
    } catch (typing::TypeFail& f) {
      error = f.id;
    }
  }
};

TEST(Infer, AddPromotesByNep50) {
  const char* text = R"(func @f(%0: bottom, %1: bottom) untyped {
^0(%0: bottom, %1: bottom):
  %2 = py.binop %0, %1, "add"
  return %2
}
)";
  struct { const char *a, *b, *r; } rows[] = {
      {"pyint", "pyint", "pyint"}, {"pyint", "pyfloat", "pyfloat"}, {"pyint", "float32", "float32"}, {"pyfloat", "float32", "float32"},
      {"pyfloat", "int8", "float64"}, {"int8", "uint8", "int16"}, {"int64", "uint64", "float64"}, {"pybool", "pybool", "pyint"},
      {"bool", "bool", "bool"}, {"pycomplex", "float32", "complex64"}, {"int32", "float32", "float64"}, {"int16", "float32", "float32"}};
  for (auto& row : rows) {
    Inferred r(text, {row.a, row.b});
    EXPECT_EQ(r.error, "") << row.a << " + " << row.b;
    EXPECT_EQ(r.ret, row.r) << row.a << " + " << row.b;
  }
}

TEST(Infer, SumLoopOverRange) {
  clb_const zero{};
  zero.kind = CLB_FLOAT;
  Inferred r(R"(func @total(%0: bottom) untyped {
^0(%0: bottom):
  %1 = py.const
  %2 = py.global "range"
  %3 = py.attr %0, "shape"
  %4 = py.global "len"
  %5 = py.call %4, %0
  %6 = py.call %2, %5
  %7 = py.iter %6
  jump ^1(%7, %1)
^1(%8: bottom, %9: bottom) loop:
  %10, %11, %12 = py.next %8 
  br %12, ^2, ^3
^2:
  %13 = py.getitem %0, %11
  %14 = py.inplace %9, %13, "add"
  jump ^1(%10, %14)
^3:
  return %9
}
)", {"array(float64,1,C)"}, {&zero});
  EXPECT_EQ(r.error, "");
  EXPECT_EQ(r.ret, "float64");
  if (r.program) printf("%s\n", ir::print(*r.program).c_str());
}

}  // namespace
