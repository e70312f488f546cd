// A compilation: the functions met, their specialisations, and the way to ask the host for more. One thread uses a session at a time.
#pragma once
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/frontend/build.h"
#include "typing/emit.h"
#include "typing/value.h"

namespace coluber::typing {

// A Python function as the compiler sees it: snapshot and untyped IR, shared by all its specialisations.
struct FunctionInfo {
  int64_t handle = -1;
  const clb_function* snapshot = nullptr;   // null for functions made by the compiler (operator kernels)
  std::unique_ptr<ir::Function> ir;         // untyped
  std::string name;
  bool library = false;
  bool objects = false;                     // object mode: see objects.cc
  std::string entry;                        // a part of the function: text of an EntryPoint (ir/frontend/regions.h)
  clb_options options{};
  std::vector<const clb_const*> consts;     // of the code
  std::unordered_map<std::string, TypeRef> local_types;   // the option `locals`
  std::vector<std::vector<ir::BlockId>> uses;   // value -> blocks that read it
  std::vector<ir::BlockId> order;           // reverse postorder
  // Inner functions: default values travel in the closure in front of its captures; captures that are the function itself.
  size_t inner_defaults = 0;
  std::vector<std::string> inner_kwdefaults;
  std::vector<int64_t> self_captures;
  std::vector<uint8_t> star_list;           // value: a list that only becomes a tuple, (a, *b): its items are known one by one
  std::vector<std::pair<ir::BlockId, uint32_t>> defs;   // value -> block and op index (kNoId: parameter)
};

// Where an empty list was made: its element type grows with what is put in.
struct ListSite {
  uint32_t parent;                          // union-find
  AbsVal elem;
  std::vector<ir::ValueId> values;          // values of this spec that carry the site
};

struct Spec {
  FunctionInfo* fn = nullptr;
  std::string name;                         // of the typed function
  std::vector<AbsVal> args;                 // one per parameter
  std::vector<AbsVal> captures;             // closures: values of free variables, passed as further parameters
  std::vector<TV> capture_values;           // while lowering
  AbsVal ret;
  enum State { New, Running, Done } state = New;
  bool recursive = false;                   // met while running
  bool parallel = false;                    // the option of its function; of the library's functions that of the caller
  bool provisional = false;                 // done on the estimate of a running one
  bool emitted = false;
  int depth = 0;                            // calls from the root, on the way it was met first
  std::vector<AbsVal> vals;                 // per untyped value
  std::vector<uint8_t> reached;             // per block
  std::vector<uint8_t> edge_live;           // per block: bit k: successor k is live; bit 7: error edge
  std::vector<ListSite> sites;
  std::unordered_map<uint64_t, uint32_t> site_of_op;   // block << 32 | op -> site
  std::vector<uint16_t> changes;            // per value, to force convergence
  bool sites_grew = false;
  std::vector<std::pair<uint32_t, TypeFail>> failures; // of the last round: location, what
  std::set<Spec*> waiting_on;               // running specs whose estimate was used
  Spec* caller = nullptr;                   // who asked for its code first, and where: for messages
  uint32_t caller_loc = 0;
  uint32_t mutated_params = 0;
  std::vector<uint32_t> empty_args;         // parameters that were asked for as empty lists; what is put in decides their types
};

struct Diag {                               // an error, ready for the user
  std::string id, kind, message, hint;
  struct Span { std::string file, function; int line = 0, col = 0, end_line = 0, end_col = 0; std::string note; };
  std::vector<Span> spans;                  // the place, explanations, then the calls that led there
  bool library = false;                     // so far all is inside the library: its source is not the user's concern
};
struct CompileError { Diag diag; };         // thrown out of infer and lower

class Session {
 public:
  explicit Session(const clb_host* host) : host_(host) {}

  // The specialisation of a function for these argument values, inferred (or, when it is running already, its estimate so far).
  Spec* specialise(FunctionInfo* fn, std::vector<AbsVal> args, std::vector<AbsVal> captures = {}, const Spec* caller = nullptr);
  // Emits the typed functions of `root` and of all it calls.
  std::unique_ptr<ir::Program> lower(Spec* root);
  // Its code is needed by what `caller` is doing now.
  void lower_later(Spec* spec, Emit* caller = nullptr) {
    if (spec->emitted) return;
    spec->emitted = true;
    if (caller) { spec->caller = &caller->spec(); spec->caller_loc = caller->loc(); }
    pending_.push_back(spec);
  }

  // Snapshot and frontend, once per function; `objects`: in object mode; `entry`: of a part of it.
  FunctionInfo* function(int64_t handle, bool objects = false, const std::string& entry = {});
  FunctionInfo* operator_kernel(const std::string& op, int operands);   // lambda a, b: a <op> b
  FunctionInfo* cast_kernel(TypeRef to);
  // lambda a, b: function(a, b), and so for other numbers; takes: how many of them the function gets
  FunctionInfo* call_kernel(const clb_const* function, size_t operands = 2, size_t takes = 2);

  // The host. The returned constants live as long as the session; null: there is none.
  const clb_const* global(int64_t fn, const std::string& name);
  const clb_const* cell(int64_t fn, int index);
  const clb_const* attr(int64_t object, const std::string& name);
  const clb_const* implementation(int64_t object, const std::string& key);
  const clb_const* overload(int64_t object, const std::string& key, std::span<const TV> args);
  int64_t nested(int64_t outer, const clb_code* code);
  bool is_inner(int64_t fn) const { return inner_.count(fn) != 0; }   // a result of nested()
  bool subclass(int64_t cls, int64_t base);
  const clb_const* object(int64_t handle);               // the constant a handle stands for
  int64_t class_handle(const char* name);                // of a builtin class, e.g. "ValueError"
  int64_t ufunc_loop(int64_t ufunc, const std::string& signature);

  std::string hint(int64_t object, const char* about, const std::string& name);   // see engine_api.h; may be empty

  const clb_const* make_const(const clb_const& c);       // copies into the arena
  const clb_const* make_int(int64_t v);
  const clb_const* make_float(double v);
  const clb_const* make_bool(bool v);
  const clb_const* make_str(std::string_view s);
  const clb_const* make_none();
  const clb_const* make_tuple(std::span<const clb_const* const> items);
  AbsVal of_const(const clb_const* c);                   // the abstract value of a constant

  clb_options options{};
  bool part = false;                                     // of a lifted loop: ints of users' functions are checked
  ir::Program* program() { return program_.get(); }
  std::string unique_name(const std::string& base);
  // Calls f for every specialisation.
  template <class F>
  void each_spec(F&& f) const {
    for (const auto& [key, spec] : specs_) f(*spec);
  }
  int spec_count() const { return static_cast<int>(specs_.size()); }

 private:
  const clb_host* host_;
  std::unordered_map<int64_t, std::unique_ptr<FunctionInfo>> functions_;
  std::unordered_map<std::string, std::unique_ptr<FunctionInfo>> parts_;   // of object mode, or with an entry
  std::unordered_map<std::string, std::unique_ptr<FunctionInfo>> kernels_;
  std::unordered_map<std::string, std::unique_ptr<Spec>> specs_;
  std::unordered_map<std::string, const clb_const*> lookups_;   // memo of host answers
  std::unordered_map<int64_t, const clb_const*> objects_;
  std::deque<clb_const> arena_;
  std::deque<std::string> strings_;
  std::deque<std::vector<clb_const>> vectors_;
  std::set<int64_t> inner_;
  std::vector<Spec*> running_;
  std::deque<Spec*> pending_;
  std::unique_ptr<ir::Program> program_;
  int names_ = 0;
  void note_object(const clb_const* c);
};

void infer(Session& session, Spec& spec);                // infer.cc
void lower_spec(Session& session, Spec& spec, ir::Program& program);   // lower.cc
void index_function(FunctionInfo& info);                 // uses, order, defs

// explain.cc: messages.
Diag make_diag(Session& session, Spec& spec, const TypeFail& fail, uint32_t loc);
Diag make_diag(const char* id, const std::vector<std::string>& args);   // without a place
Diag make_diag(const FunctionInfo& fn, const ir::BuildError& error);   // of the frontend
void add_caller(Diag* diag, Spec& caller, uint32_t loc);   // on the way out: the call at `loc` led there
std::string operator_text(const std::string& op);          // "add" -> "+"
std::string library_text(const std::string& key);          // "op:contains:list" -> "operator in"
std::string python_class(TypeRef t);                       // as CPython's messages name it: "NoneType", "numpy.float64"

// One py.* op: the heart of inference and of lowering. `args` are the operands; results are pushed to *out.
void eval_op(Emit& e, const ir::Op& op, uint64_t op_key, std::span<const TV> args, std::vector<TV>* out);   // rules.cc

void eval_native_op(Emit& e, const ir::Op& op, uint64_t op_key, std::span<const TV> args, std::vector<TV>* out);

bool is_objmode(const TV& callee);                                                                   // with.cc
void eval_with(Emit& e, const ir::Op& op, std::span<const TV> args, std::vector<TV>* out);   // with.cc

// objects.cc: object mode.
void eval_object_op(Emit& e, const ir::Op& op, uint64_t op_key, std::span<const TV> args, std::vector<TV>* out);
TV as_object(Emit& e, const TV& v);
bool can_be_object(const TV& v);
TypeRef kept_type(const AbsVal& v);           // object mode: as what a generator keeps it between its yields
void leave(Emit& e, const ir::Op& frame);                 // the block ends: execution goes on in object mode
AbsVal join_objects(const AbsVal& a, const AbsVal& b);

// Rules by area. Each throws TypeFail.
TV binary(Emit& e, const std::string& op, const TV& a, const TV& b, bool inplace);   // numbers.cc
void bound_operands(Emit& e, const std::string& op, std::vector<TV>* args);
TV unary(Emit& e, const std::string& op, const TV& a);
TV compare(Emit& e, const std::string& op, const TV& a, const TV& b);
TV number_binary(Emit& e, const std::string& op, TV a, TV b);
TV truth(Emit& e, const TV& a);
TV to_number(Emit& e, const TV& a, TypeRef type);        // int(), float(), np.float64() ... of a number
TV get_item(Emit& e, const TV& container, const TV& key);   // index.cc
void set_item(Emit& e, const TV& container, const TV& key, const TV& value);
TV atomic_item(Emit& e, const std::string& op, const TV& array, const TV& key, std::vector<TV> values);
TV get_attr(Emit& e, const TV& object, const std::string& name);   // attributes.cc
std::string library_kind(TypeRef t);                      // of values, in keys like "method:KIND.name"
TV length(Emit& e, const TV& v);                         // iterate.cc
TV item_at(Emit& e, const TV& v, const TV& index);       // item of an iterable at an index in range
TV start_iter(Emit& e, const TV& v);
void next_iter(Emit& e, const TV& it, TV* next, TV* has);   // the value: iter_value, only where has is true
TV iter_value(Emit& e, const TV& it);
std::vector<TypeRef> iter_items(TypeRef iterable);
bool is_prange(TypeRef t);
const std::vector<std::string>& schedules();             // of prange, in the order of par.for's
TypeRef element_type(Emit& e, const TV& iterable);
TV make_stencil_view(Emit& e, std::vector<TV>& args);   // stencils.cc
TV stencil_view_part(Emit& e, std::vector<TV>& args);
TV stencil_reach(Emit& e, std::vector<TV>& args);
TV stencil_dtype(Emit& e, std::vector<TV>& args);
TV call(Emit& e, const TV& callee, std::vector<TV> args, const std::vector<std::string>& keywords);   // calls.cc
size_t carried_defaults(const FunctionInfo& fn);
TV call_function(Emit& e, FunctionInfo* fn, std::vector<TV> args, const std::vector<std::string>& keywords, const std::vector<TV>& captures = {},
                 const std::vector<TV>& inner_defaults = {});
TV call_library(Emit& e, const std::string& key, std::vector<TV> args, const std::vector<std::string>& keywords = {});
bool find_library(Emit& e, const std::string& key, const clb_const** out);
TV call_elementwise(Emit& e, FunctionInfo* kernel, std::vector<TV> args, const TV* out_array);
bool call_builtin(Emit& e, const std::string& name, const TV& callee, std::vector<TV>& args, const std::vector<std::string>& keywords, TV* out);   // builtins.cc
inline constexpr const char kReductionStep[] = "coluber.reduction.step";   // what coluber.reduction() returns
TV call_reduction(Emit& e, const TV& callee, const std::vector<TV>& args, const std::vector<std::string>& keywords);   // reductions.cc
TV make_slice(Emit& e, TV start, TV stop, TV step);
TV to_string(Emit& e, const TV& v);                       // str() of a number, string, None or tuple of them
bool call_intrinsic(Emit& e, const std::string& name, std::vector<TV>& args, const std::vector<std::string>& keywords, TV* out);   // intrinsics.cc
void widen_list(Emit& e, const TV& list, const AbsVal& item);   // lists.cc: an item is put into the list
[[noreturn]] void fail(const char* id, std::vector<std::string> args);
// The same, with what the host knows about the name; it is asked only when the message will be shown.
[[noreturn]] void fail_name(Emit& e, const char* id, std::vector<std::string> args, int64_t object, const char* about, const std::string& name);

}  // namespace coluber::typing
