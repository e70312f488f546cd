// Calls. The fast path tries the table's specialisations in order with a plain positional argument list; all else is behind it.
#include "jit/host/dispatcher.h"

#include "jit/host/box.h"
#include "jit/host/generator.h"
#include "jit/host/mixed.h"
#include "jit/host/numpy_api.h"
#include "jit/host/object_mode.h"
#include "jit/host/raise.h"
#include "jit/host/thread_state.h"
#include "jit/host/typeof.h"
#include "jit/runtime/runtime.h"
#include "jit/runtime/spare.h"

namespace coluber::jit {
namespace {

// The answer of an attempt that does not fit: no object and no error.
PyObject* const kNoMatch = reinterpret_cast<PyObject*>(1);
// Likewise: the original function is to run.
PyObject* const kInPython = reinterpret_cast<PyObject*>(2);
// Likewise: an int has left 64 bits, and the call is to be done again in object mode.
PyObject* const kRestart = reinterpret_cast<PyObject*>(3);

// Likewise: Python is to run it once, to see what types a body of objmode leaves.
PyObject* const kFirstRun = reinterpret_cast<PyObject*>(4);

inline void leave(Specialization* spec) {
  spec->left++;
  if (spec->doomed && spec->left == spec->entered) [[unlikely]] delete spec;
}

PyObject* in_object_mode(Dispatcher* self, PyObject* const* args);

[[gnu::noinline]] PyObject* restart(Specialization* spec, coluber_ctx* ctx, int32_t status, const uint64_t* result) {
  if (status) release(ctx->error);
  else release_slots(spec->result, result);
  leave(spec);
  return kRestart;
}

[[gnu::noinline]] PyObject* fail_call(Specialization* spec, coluber_ctx* ctx, Frame& frame) {
  raise_from_context(spec, ctx);
  if (frame.lists) {                          // lists are written back on the way out of an exception, too
    PyObject* error = take_exception();
    bool ok = write_back_lists(frame, spec->mutated != 0);
    if (ok) set_exception(error);
    else Py_XDECREF(error);
  }
  leave(spec);
  return nullptr;
}

[[gnu::noinline]] PyObject* box_general(Specialization* spec, const uint64_t* result) {
  BoxContext context;
  return box(spec->result, result, context);
}

inline PyObject* box_result(Specialization* spec, const uint64_t* result) {
  switch (spec->way) {
    case BoxWay::Float: return PyFloat_FromDouble(*reinterpret_cast<const double*>(result));
    case BoxWay::Int: return PyLong_FromLongLong(static_cast<int64_t>(*result));
    case BoxWay::None: Py_RETURN_NONE;
    case BoxWay::Constant: return Py_NewRef(spec->constant);
    default: return box_general(spec, result);
  }
}

[[gnu::noinline]] int32_t enter_without_gil(Specialization* spec, coluber_ctx* ctx, Frame& frame, uint64_t* result) {
  PyThreadState* saved = PyEval_SaveThread();
  int32_t status = spec->entry(ctx, frame.slots, result);
  PyEval_RestoreThread(saved);
  return status;
}

// The arguments are in the frame: call, box.
inline PyObject* enter(Specialization* spec, Frame& frame, uint64_t* result) {
  coluber_ctx ctx;
  init_context(&ctx, spec->nogil);
  spec->entered++;
  int32_t status = spec->nogil ? enter_without_gil(spec, &ctx, frame, result) : spec->entry(&ctx, frame.slots, result);
  if (has_spares()) [[unlikely]] trim_spares();
  if (ctx.overflowed && spec->restarts) [[unlikely]] return restart(spec, &ctx, status, result);
  if (status) [[unlikely]] return fail_call(spec, &ctx, frame);
  PyObject* boxed;
  if (frame.lists && !write_back_lists(frame, spec->mutated != 0)) [[unlikely]] {
    release_slots(spec->result, result);
    boxed = nullptr;
  } else {
    boxed = box_result(spec, result);
  }
  leave(spec);
  return boxed;
}

[[gnu::noinline]] PyObject* attempt_large(Specialization* spec, PyObject* const* args) {
  std::vector<uint64_t> slots(static_cast<size_t>(spec->plan.slots + spec->result_slots) + 1);
  std::vector<coluber_owner> owners(static_cast<size_t>(spec->plan.owners) + 1);
  Frame frame(slots.data(), owners.data());
  if (!unbox_all(spec->plan, args, frame) || !spec->guards.hold()) return kNoMatch;
  return enter(spec, frame, slots.data() + spec->plan.slots);
}

// One specialisation: match, convert, call, box.
inline PyObject* attempt(Specialization* spec, PyObject* const* args) {
  if (!spec->small) [[unlikely]] return attempt_large(spec, args);
  alignas(16) uint64_t cells[kSmallFrame];
  Frame frame(cells, reinterpret_cast<coluber_owner*>(cells + spec->plan.slots + spec->result_slots));
  if (!unbox_all(spec->plan, args, frame) || !spec->guards.hold()) return kNoMatch;
  return enter(spec, frame, cells + spec->plan.slots);
}

// In object mode: compiled, or else in the interpreter.
PyObject* in_object_mode(Dispatcher* self, PyObject* const* args) {
  note_object_mode(self, args);
  Mixed* mixed = mixed_for(self, args);
  if (!mixed) return PyErr_Occurred() ? nullptr : kInPython;
  if (!self->state->generator) return call_mixed(self, mixed, args);
  self->state->generates = true;
  return new_generator(self, args);
}

// ---- the slow path ------------------------------------------------------------------------------------------------------------------

// An error on one argument: names it and keeps the class.
void name_argument(Dispatcher* self, int32_t index) {
  PyObject* error = take_exception();
  PyObject* text = PyObject_Str(error);
  PyErr_Format(reinterpret_cast<PyObject*>(Py_TYPE(error)), "%s() argument '%s': %U", self->state->name.c_str(), parameter_name(self, index), text);
  Py_XDECREF(text);
  Py_XDECREF(error);
}

// With conversions. kNoMatch, a result, or null with an error; *entered: it is not of a conversion.
PyObject* attempt_converting(Dispatcher* self, Specialization* spec, PyObject* const* args, bool* entered) {
  std::vector<uint64_t> slots(static_cast<size_t>(spec->plan.slots + spec->result_slots) + 1);
  std::vector<coluber_owner> owners(static_cast<size_t>(spec->plan.owners) + 1);
  Frame frame(slots.data(), owners.data());
  for (int32_t i = 0; i < spec->plan.parameters; i++) {
    int done = unbox_convert(spec->plan, spec->plan.ops[static_cast<size_t>(i)], args[i], frame);
    if (done == 0) return kNoMatch;
    if (done < 0) return name_argument(self, i), nullptr;
  }
  *entered = true;
  return enter(spec, frame, slots.data() + spec->plan.slots);
}

PyObject* no_signature_fits(Dispatcher* self, PyObject* const* args) {
  std::string given, declared;
  for (int32_t i = 0; i < self->state->nparams; i++) {
    std::string text;
    TypeofFailure why;
    HandleSet held;
    if (!type_of(args[i], &held, &text, &why)) text = why.what;
    given += (i ? ", " : "") + text;
  }
  for (const Specialization* spec : self->state->table) {
    declared += "\n    (";
    for (size_t i = 0; i < spec->arg_types.size(); i++) declared += (i ? ", " : "") + spec->arg_types[i];
    declared += ") -> " + spec->return_type;
  }
  PyErr_Format(PyExc_TypeError, "%s(): no matching signature for (%s); there are:%s", self->state->name.c_str(), given.c_str(), declared.c_str());
  return nullptr;
}

bool compile_declared(Dispatcher* self) {
  while (!self->state->declared.empty()) {    // compiled at the first call, when all that they refer to is defined
    Declared declared = self->state->declared.front();
    if (!get_specialization(self, declared.args, declared.return_type, nullptr) && !fall_back(self, &declared.args)) return false;
    self->state->declared.erase(self->state->declared.begin());
  }
  self->state->can_compile = false;
  return true;
}

PyObject* call_declared(Dispatcher* self, PyObject* const* args) {
  if (self->state->can_compile && !compile_declared(self)) return nullptr;
  std::vector<Specialization*> table = self->state->table;
  for (Specialization* spec : table) {
    if (spec->guards.hold()) continue;
    std::vector<std::string> types = spec->arg_types;
    if (!get_specialization(self, types, spec->return_type, nullptr)) return nullptr;
  }
  for (Specialization* spec : self->state->table) {
    PyObject* result = attempt(spec, args);
    if (result != kNoMatch) return result;
  }
  bool overflow = false;
  for (Specialization* spec : std::vector<Specialization*>(self->state->table)) {
    bool entered = false;
    PyObject* result = attempt_converting(self, spec, args, &entered);
    overflow = !result && PyErr_ExceptionMatches(PyExc_OverflowError) && self->state->table.size() > 1;
    if (overflow) PyErr_Clear();              // a later signature may be wider
    else if (!result && !entered && fall_back(self, nullptr)) return kInPython;
    else if (result != kNoMatch) return result;
  }
  if (!self->state->in_python.empty() || (overflow && may_fall_back(self))) return kInPython;   // a signature that did not compile, or is too narrow
  return no_signature_fits(self, args);
}

constexpr size_t kClassArguments = 16;        // specialisations

bool argument_types(Dispatcher* self, PyObject* const* args, std::vector<std::string>* types, HandleSet* held) {
  for (int32_t i = 0; i < self->state->nparams; i++) {
    std::string text;
    TypeofFailure why;
    // Each class as an argument is a type of its own: jit does not compile for all there are.
    if (may_fall_back(self) && PyType_Check(args[i]) && self->state->table.size() >= kClassArguments) return false;
    if (!type_of(args[i], held, &text, &why)) {
      if (known_untyped(self, i, why.what)) return false;
      raise_typing_error(self, std::string("argument '") + parameter_name(self, i) + "' is " + why.what + ", which compiled code does not take", why.remedy);
      return false;
    }
    types->push_back(std::move(text));
  }
  return true;
}

PyObject* call_bound(Dispatcher* self, PyObject* const* args) {
  if (!self->state->declared.empty() || !self->state->can_compile) return call_declared(self, args);
  for (Specialization* spec : self->state->table) {
    PyObject* result = attempt(spec, args);
    if (result != kNoMatch) return result;
  }
  while (true) {
    std::vector<std::string> types;
    HandleSet held;
    if (!argument_types(self, args, &types, &held)) return !PyErr_Occurred() || fall_back(self, nullptr, args) ? in_object_mode(self, args) : nullptr;
    if (!self->state->in_python.empty() && runs_in_python(self, types)) return in_object_mode(self, args);
    Specialization* spec = get_specialization(self, types, "", &held);
    if (!spec && wants_first_run()) return kFirstRun;
    if (!spec) return fall_back(self, &types, args) ? in_object_mode(self, args) : nullptr;
    spec->entered++;                          // the table may change while arguments are converted
    PyObject* result = attempt(spec, args);
    bool again = result == kNoMatch && !spec->guards.hold();
    bool entered = false;
    if (result == kNoMatch && !again) {
      result = attempt_converting(self, spec, args, &entered);
      if (!result && !entered && fall_back(self, nullptr)) result = kInPython;
    }
    spec->entered--, spec->left--;            // that was no call
    leave(spec);
    if (again) continue;
    if (result != kNoMatch) return result;
    PyErr_Format(PyExc_SystemError, "%s(): the arguments do not fit their own types; was one changed by another thread?", self->state->name.c_str());
    return nullptr;
  }
}

[[gnu::noinline]] PyObject* call_slow(Dispatcher* self, PyObject* const* args, Py_ssize_t nargs, PyObject* keywords) {
  std::vector<PyObject*> bound;
  PyObject* gathered = nullptr;
  PyObject* result = nullptr;
  PyObject* dispatcher = Py_NewRef(reinterpret_cast<PyObject*>(self));
  bool forced = self->state->options.forceobj, generator = self->state->generator;
  if (forced && (!generator || self->state->varkeywords)) result = kInPython;
  else if (bind_arguments(self, args, nargs, keywords, &bound, &gathered)) {
    result = forced ? in_object_mode(self, bound.data()) : call_bound(self, bound.data());
    if (result == kRestart) result = in_object_mode(self, bound.data());
  }
  else if (fall_back(self, nullptr)) result = kInPython;   // **keywords
  if (result == kInPython) result = call_in_python(self, args, nargs, keywords);
  else if (result == kFirstRun) result = first_run(self, args, nargs, keywords);
  Py_XDECREF(gathered);
  Py_DECREF(dispatcher);
  return result;
}

}  // namespace

PyObject* dispatcher_call(PyObject* callable, PyObject* const* args, size_t nargsf, PyObject* keywords) {
  auto* self = reinterpret_cast<Dispatcher*>(callable);
  DispatcherState* state = self->state;
  Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
  if (!keywords && nargs == state->nparams && state->simple) [[likely]] {
    if (!state->object_classes.empty()) [[unlikely]] {
      if (Mixed* mixed = seen_in_object_mode(self, args)) return call_mixed(self, mixed, args);
    }
    for (Specialization* spec : state->table) {
      PyObject* result = attempt(spec, args);
      if (result == kRestart) [[unlikely]] {
        result = in_object_mode(self, args);
        return result == kInPython ? call_in_python(self, args, nargs, keywords) : result;
      }
      if (result != kNoMatch) [[likely]] return result;
    }
  }
  return call_slow(self, args, nargs, keywords);
}

PyObject* generator_call(PyObject* callable, PyObject* const* args, size_t nargsf, PyObject* keywords) {
  auto* self = reinterpret_cast<Dispatcher*>(callable);
  Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
  bool plain = !keywords && nargs == self->state->nparams && self->state->simple;
  if (plain && self->state->silent && silently_in_python(self, args)) return PyObject_Vectorcall(self->py_func, args, nargsf, nullptr);
  plain = plain && self->state->generates;
  if (!plain || !start_of_generator(self, args)) return PyErr_Occurred() ? nullptr : dispatcher_call(callable, args, nargsf, keywords);
  return new_generator(self, args);
}

void drop_specialization(Dispatcher* self, Specialization* spec) {
  std::erase(self->state->table, spec);
  spec->doomed = true;
  if (spec->entered == spec->left) delete spec;
}

}  // namespace coluber::jit
