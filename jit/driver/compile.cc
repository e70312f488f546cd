// The driver, top to bottom: inference, typed IR, passes, LLVM, machine code. Each stage is timed and can be dumped:
//   COLUBER_DUMP=ir,types,passes,llvm,asm   to standard error, COLUBER_DUMP_FILTER=name limits it to functions whose name contains that
//   COLUBER_TIME=1                          a line per compilation with the time of each stage
#include "jit/driver/compile.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <stdexcept>

#include "ir/passes/manager.h"

namespace coluber::jit {

namespace {

using Clock = std::chrono::steady_clock;

class Stages {
 public:
  explicit Stages(Compilation* out) : out_(out), last_(Clock::now()) {}
  void done(const char* stage) {
    Clock::time_point now = Clock::now();
    out_->stages.push_back({stage, std::chrono::duration<double>(now - last_).count()});
    last_ = now;
  }
  void add(const char* stage, double seconds) { out_->stages.push_back({stage, seconds}); }
  void restart() { last_ = Clock::now(); }

 private:
  Compilation* out_;
  Clock::time_point last_;
};

bool wants_dump(const char* stage, const std::string& name) {
  const char* list = std::getenv("COLUBER_DUMP");
  if (!list) return false;
  const char* filter = std::getenv("COLUBER_DUMP_FILTER");
  if (filter && name.find(filter) == std::string::npos) return false;
  std::string all = std::string(",") + list + ",";
  return all.find(std::string(",") + stage + ",") != std::string::npos;
}

void dump(const char* stage, const std::string& name, const std::string& text) {
  if (wants_dump(stage, name)) std::fprintf(stderr, "; ---- %s of %s\n%s\n", stage, name.c_str(), text.c_str());
}

void report_times(const Compilation& c, const std::string& name) {
  if (!std::getenv("COLUBER_TIME")) return;
  std::string line = "coluber: " + name;
  double total = 0;
  for (const StageTime& s : c.stages) {
    char part[80];
    std::snprintf(part, sizeof part, " %s %.2f", s.stage.c_str(), s.seconds * 1e3);
    line += part;
    total += s.seconds;
  }
  std::fprintf(stderr, "%s total %.2f ms\n", line.c_str(), total * 1e3);
}

constexpr int kGenerator = 0x20;              // co_flags
constexpr int kEnoughGain = 2;                // operations of native numbers that outweigh what entering and leaving a part costs

std::vector<typing::AbsVal> arguments(typing::Session& session, const clb_request& request) {
  std::vector<typing::AbsVal> args;
  for (int32_t k = 0; k < request.nargs; k++) {
    typing::AbsVal a;
    const clb_const* c = request.arg_consts ? &request.arg_consts[k] : nullptr;
    bool constant = c && c->kind >= 0;
    if (constant) a = session.of_const(session.make_const(*c));
    if (!constant || typing::has_slots(a.type)) {
      a.c = nullptr;
      a.type = ir::parse_type(request.arg_types[k]);
      if (!a.type) throw std::runtime_error(std::string("the engine does not know the type ") + request.arg_types[k]);
    }
    args.push_back(a);
  }
  return args;
}

const ir::PassId kPipeline[] = {
#define PIPELINE(name) ir::PassId::name,
#include "jit/driver/pipeline.def"
};

typing::Diag internal(const std::string& what) {
  typing::Diag d;
  d.id = "InternalError";
  d.kind = "InternalError";
  d.message = what;
  d.hint = "this is a bug of Coluber; please report it with the function";
  return d;
}

// A call that may have to be done again must not have shown anything.
void refuse_effects(const ir::Program& program) {
  for (const auto& f : program.functions)
    for (const ir::Block& b : f->blocks)
      for (const ir::Op& op : b.ops) {
        bool shows = op.code == ir::OpCode::Print || op.code == ir::OpCode::Bound || op.code == ir::OpCode::ObjMode;
        if (!shows) continue;
        typing::Diag d;
        d.id = "NotRepeatable";
        d.kind = "UnsupportedError";
        d.message = "print, objmode and global arrays beside ints that may leave 64 bits are not compiled by jit without array arguments";
        d.hint = "use njit: its ints have 64 bits";
        throw typing::CompileError{d};
      }
}

// An error that a pass found becomes a diagnostic at its place.
typing::Diag user_error(const ir::UserError& e) {
  typing::Diag d = typing::make_diag(e.id.c_str(), e.args);
  typing::Diag::Span span;
  span.file = e.file;
  span.function = e.function;
  span.line = static_cast<int>(e.place.line);
  span.col = static_cast<int>(e.place.col);
  span.end_line = static_cast<int>(e.place.end_line);
  span.end_col = static_cast<int>(e.place.end_col);
  d.spans.push_back(std::move(span));
  return d;
}

// What there is to gain by compiling a part of a generator, in operations: of native numbers, and loops that are entered natively.
int gain_of(const typing::Spec& spec) {
  int native = 0, loops = 0, all = 0;
  for (const ir::Block& b : spec.fn->ir->blocks)
    for (const ir::Op& op : b.ops) {
      loops += op.code == ir::OpCode::PyLift;
      if (op.code != ir::OpCode::PyBinop && op.code != ir::OpCode::PyInplace && op.code != ir::OpCode::PyUnary) continue;
      const typing::AbsVal& r = spec.vals[op.result()];
      all++;
      native += !r.c && (r.is(ir::Kind::PyInt) || r.is(ir::Kind::PyFloat));
    }
  return native + (loops && all ? kEnoughGain : 0);
}

// No generator begins whose rest would not compile: each part is typed, for the types that its variables have at the yield in front of it, and for
// objects, as which they can always come. Whether there is anything to gain by it.
bool check_rests(typing::Session& session, const typing::Spec& start) {
  constexpr size_t kMany = 64;                // variants, beyond which only the yields are looked at
  std::set<std::string> known, places;
  std::vector<const typing::Spec*> work{&start};
  int gain = 0;
  while (!work.empty()) {
    const typing::Spec* from = work.back();
    work.pop_back();
    gain = std::max(gain, gain_of(*from));
    for (const ir::Block& b : from->fn->ir->blocks)
      for (const ir::Op& op : b.ops) {
        if (op.code != ir::OpCode::PySuspend) continue;
        typing::FunctionInfo* rest = session.function(start.fn->handle, true, op.sym);
        std::vector<typing::AbsVal> args, objects;
        std::string key = op.sym;
        for (size_t k = 1; k < op.args.size(); k++) {
          typing::AbsVal a, object;
          a.type = typing::kept_type(from->vals[op.args[k]]);
          object.type = ir::scalar(ir::Kind::Object);
          if (a.is(ir::Kind::Unbound) && !a.type->elem->is(ir::Kind::Bottom)) a = object;
          key += ";" + a.type->text;
          args.push_back(a);
          objects.push_back(object);
        }
        if (places.insert(op.sym).second) session.specialise(rest, std::move(objects));
        if (known.size() < kMany && known.insert(key).second) work.push_back(session.specialise(rest, std::move(args)));
      }
  }
  return gain >= kEnoughGain;
}

// A decision by cost: what Python's own generators do as fast.
void refuse_generator() {
  typing::Diag d;
  d.id = "GeneratorAsFast";
  d.kind = "UnsupportedError";
  d.message = "a generator without arithmetic on native numbers between its yields runs as fast in the interpreter";
  throw typing::CompileError{d};
}

void check_return_type(const clb_request& request, const typing::Spec& spec) {
  if (!request.return_type) return;
  ir::TypeRef want = ir::parse_type(request.return_type);
  if (!want) throw std::runtime_error(std::string("the engine does not know the type ") + request.return_type);
  if (want == spec.ret.type) return;
  bool numbers = ir::is_number(want) && ir::is_number(spec.ret.type) && (ir::is_complex(want) || !ir::is_complex(spec.ret.type));
  bool same_kind = want->kind == spec.ret.type->kind;
  if (!numbers && !same_kind) throw typing::TypeFail{"WrongReturnType", {typing::describe(want), typing::describe(spec.ret.type)}, {}};
}

void run(const clb_host* host, const clb_request& request, Compilation* out, std::string* name) {
  Stages stages(out);
  out->session = std::make_unique<typing::Session>(host);
  typing::Session& session = *out->session;
  session.options = request.options;
  session.part = request.entry != nullptr;
  typing::Spec* spec = nullptr;
  try {
    typing::FunctionInfo* fn = session.function(request.function, request.objects != 0, request.entry ? request.entry : "");
    *name = fn->name;
    dump("ir", *name, wants_dump("ir", *name) ? ir::print(*fn->ir) : "");
    stages.done("frontend");
    spec = session.specialise(fn, arguments(session, request));
    bool generates = request.objects && !request.entry && (fn->snapshot->code->flags & kGenerator);
    if (generates && !check_rests(session, *spec) && request.objects == CLB_OBJECTS) refuse_generator();
    check_return_type(request, *spec);
    stages.done("inference");
  } catch (typing::TypeFail& f) {
    typing::Spec place;
    place.fn = session.function(request.function, request.objects != 0, request.entry ? request.entry : "");
    throw typing::CompileError{typing::make_diag(session, place, f, 0)};
  }
  out->program = session.lower(spec);
  if (request.restarts) refuse_effects(*out->program);
  stages.done("lowering");
  for (const typing::AbsVal& a : spec->args) out->arg_types.push_back(a.type->text.c_str());
  out->return_type = (spec->ret.is_bottom() ? ir::none() : spec->ret.type)->text;
  if (spec->ret.c && !typing::has_slots(spec->ret.type)) out->result.return_const = spec->ret.c;
  dump("types", *name, wants_dump("types", *name) ? ir::print(*out->program) : "");
  ir::PassOptions pass_options;
  pass_options.report = &out->report;
  pass_options.unproved_is_error = request.options.races == 1;
  std::string broken = ir::run_passes(*out->program, kPipeline, pass_options);
  stages.done("passes");
  dump("passes", *name, wants_dump("passes", *name) ? ir::print(*out->program) : "");
  if (broken.empty() && !out->report.errors.empty()) throw typing::CompileError{user_error(out->report.errors[0])};
  if (!broken.empty()) throw typing::CompileError{internal(broken)};
  backend::Options options = backend_options(request.options);
  options.keep_llvm = wants_dump("llvm", *name);
  options.keep_asm = wants_dump("asm", *name);
  stages.restart();
  out->object = backend::compile_program(*out->program, options);
  for (const backend::StageTime& t : out->object.times) stages.add(t.stage, t.seconds);
  if (!out->object.error.empty()) throw typing::CompileError{internal(out->object.error)};
  dump("llvm", *name, out->object.llvm_text);
  dump("asm", *name, out->object.asm_text);
}

void fill_diag(Compilation* out) {
  clb_diag& d = out->result.diag;
  d.id = out->diag.id.c_str();
  d.kind = out->diag.kind.c_str();
  d.message = out->diag.message.c_str();
  d.hint = out->diag.hint.c_str();
  for (const typing::Diag::Span& s : out->diag.spans)
    out->spans.push_back({s.file.c_str(), s.function.c_str(), s.line, s.col, s.end_line, s.end_col, s.note.c_str()});
  d.spans = out->spans.data();
  d.nspans = static_cast<int32_t>(out->spans.size());
}

void fill_result(Compilation* out) {
  clb_result& r = out->result;
  backend::CompiledObject& o = out->object;
  r.entry = reinterpret_cast<void*>(o.entry);
  r.imports = o.imports;
  for (const std::string& k : o.import_keys) out->keys.push_back(k.c_str());
  r.import_keys = out->keys.data();
  r.nimports = static_cast<int32_t>(out->keys.size());
  r.return_type = out->return_type.c_str();
  r.arg_types = out->arg_types.data();
  r.object = reinterpret_cast<const uint8_t*>(o.object.data());
  r.object_size = o.object.size();
  r.code = o.code.release();
}

}  // namespace

backend::Options backend_options(const clb_options& options) {
  backend::Options o;
  o.fastmath = static_cast<uint32_t>(options.fastmath);
  o.opt_level = options.opt_level;
  o.debug = options.debug ? 2 : 0;
  return o;
}

void compile(const clb_host* host, const clb_request& request, Compilation* out) {
  std::string name = "?";
  try {
    run(host, request, out, &name);
    fill_result(out);
  } catch (typing::CompileError& e) {
    out->diag = e.diag;
    out->result.status = 1;
  } catch (typing::TypeFail& f) {
    out->diag = internal(std::string(f.id) + (f.args.empty() ? "" : " " + f.args[0]));
    out->result.status = 1;
  } catch (std::exception& e) {
    out->diag = internal(e.what());
    out->result.status = 1;
  }
  if (out->result.status) fill_diag(out);
  for (const StageTime& s : out->stages) out->times.push_back({s.stage.c_str(), s.seconds});
  out->result.times = out->times.data();
  out->result.ntimes = static_cast<int32_t>(out->times.size());
  report_times(*out, name);
}

}  // namespace coluber::jit
