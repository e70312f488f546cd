// From argument types to a specialisation: one compilation per signature at a time, without the GIL, published under it.
#include <pthread.h>

#include <condition_variable>
#include <mutex>
#include <new>

#include "jit/host/box.h"
#include "jit/host/cached.h"
#include "jit/host/code_size.h"
#include "jit/host/dispatcher.h"
#include "jit/host/engine.h"
#include "jit/host/imports.h"
#include "jit/host/lift.h"
#include "jit/host/mixed.h"
#include "jit/host/object_mode.h"
#include "jit/host/raise.h"
#include "jit/host/snapshot.h"
#include "jit/runtime/runtime.h"

namespace coluber::jit {
namespace {

// ---- who compiles what ------------------------------------------------------------------------------------------------------------------

struct InFlight {
  Dispatcher* dispatcher;
  std::string key;
  pthread_t thread;
};

struct Queue {
  std::mutex mutex;
  std::condition_variable done;
  std::vector<InFlight> entries;
};
alignas(Queue) char g_queue_memory[sizeof(Queue)];
Queue* g_queue = new (g_queue_memory) Queue;

// In a forked child only the forking thread lives on: what others were compiling will never be done.
void before_fork() { g_queue->mutex.lock(); }
void after_fork_in_parent() { g_queue->mutex.unlock(); }
void after_fork_in_child() {
  std::vector<InFlight> mine;
  for (InFlight& entry : g_queue->entries) {
    if (pthread_equal(entry.thread, pthread_self())) mine.push_back(std::move(entry));
  }
  g_queue = new (g_queue_memory) Queue;       // a locked mutex is not unlocked but made anew
  g_queue->entries = std::move(mine);
}

// True: the caller compiles, and calls leave_queue. False: somebody else has just finished, look again. Called with the GIL.
bool enter_queue(Dispatcher* self, const std::string& key) {
  std::unique_lock lock(g_queue->mutex);
  bool busy = false, mine = false;
  for (const InFlight& entry : g_queue->entries) {
    mine = mine || pthread_equal(entry.thread, pthread_self());
    busy = busy || (entry.dispatcher == self && entry.key == key);
  }
  if (busy && !mine) {                        // a thread that compiles itself never waits for another: it does the work twice instead
    lock.unlock();
    PyThreadState* saved = PyEval_SaveThread();
    lock.lock();
    auto still = [&] {
      for (const InFlight& entry : g_queue->entries) {
        if (entry.dispatcher == self && entry.key == key) return true;
      }
      return false;
    };
    g_queue->done.wait(lock, [&] { return !still(); });
    lock.unlock();
    PyEval_RestoreThread(saved);
    return false;
  }
  g_queue->entries.push_back({self, key, pthread_self()});
  return true;
}

void leave_queue(Dispatcher* self, const std::string& key) {
  std::lock_guard lock(g_queue->mutex);
  auto& entries = g_queue->entries;
  for (size_t i = 0; i < entries.size(); i++) {
    if (entries[i].dispatcher != self || entries[i].key != key || !pthread_equal(entries[i].thread, pthread_self())) continue;
    entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(i));
    break;
  }
  g_queue->done.notify_all();
}

// ---- one compilation ----------------------------------------------------------------------------------------------------------------

struct Request {
  clb_request c{};
  std::vector<const char*> types;
  std::vector<clb_const> consts;
};

bool fill_request(Snapshot& snapshot, Dispatcher* self, const std::vector<std::string>& types, const std::string& return_type, Request* out) {
  out->c.function = snapshot.add_function(reinterpret_cast<PyObject*>(self));
  snapshot.log.add_object(out->c.function);
  for (const std::string& text : types) {
    const HostType* type = parse_type(text);
    if (!type) return PyErr_Format(PyExc_SystemError, "%s is not a type", text.c_str()), false;
    clb_const constant{};
    constant.kind = -1;
    if (type->is(Kind::None)) snapshot.to_const(Py_None, &constant);
    if (type->is(Kind::Ellipsis)) snapshot.to_const(Py_Ellipsis, &constant);
    if (type->is(Kind::Const) && object_of(type->handle)) snapshot.to_const(object_of(type->handle), &constant);
    if (type->is(Kind::DType)) {
      constant.kind = CLB_DTYPE;
      constant.flags = 1;
      constant.s = snapshot.arena.text(type->elem->text);
      constant.n = static_cast<int64_t>(type->elem->text.size());
    }
    if (constant.handle > 0) snapshot.log.add_object(constant.handle);
    out->types.push_back(text.c_str());
    out->consts.push_back(constant);
  }
  out->c.arg_types = out->types.data();
  out->c.arg_consts = out->consts.data();
  out->c.nargs = static_cast<int32_t>(types.size());
  out->c.return_type = return_type.empty() ? nullptr : return_type.c_str();
  out->c.options = self->state->options.engine;
  return true;
}

}  // namespace

// Completes what does not depend on where the code comes from: plan, result type. False with a Python error.
bool finish_specialization(Dispatcher* self, Specialization* spec, const std::vector<std::string>& types, const std::string& return_type) {
  std::vector<const HostType*> parsed;
  for (const std::string& text : types) parsed.push_back(parse_type(text));
  std::string error;
  if (!make_plan(parsed, &spec->plan, &error)) return raise_typing_error(self, error, ""), false;
  spec->result = parse_type(return_type);
  if (!spec->result) return PyErr_Format(PyExc_SystemError, "%s is not a type", return_type.c_str()), false;
  if (!spec->constant && !can_box(spec->result, &error)) {
    raise_typing_error(self, "returns a value of type " + error + ", which has no form in Python", "return numbers, arrays, tuples or lists");
    return false;
  }
  spec->result_slots = spec->result->slots;
  spec->nogil = self->state->options.engine.nogil != 0;
  spec->small = spec->plan.slots + spec->result_slots + 8 * spec->plan.owners <= kSmallFrame;
  Kind kind = spec->result->kind;
  if (spec->constant) spec->way = BoxWay::Constant;
  else if (kind == Kind::None) spec->way = BoxWay::None;
  else if (kind == Kind::PyFloat || kind == Kind::Float64) spec->way = BoxWay::Float;
  else if (kind == Kind::PyInt || kind == Kind::Int64) spec->way = BoxWay::Int;
  spec->arg_types = types;
  spec->return_type = return_type;
  return spec->guards.arm() || (PyErr_Occurred() ? false : (spec->guards.invalidate(), true));
}

namespace {

// The constant result of code without result slots, as a Python object (borrowed or new: *out is new); false with an error.
bool constant_result(const clb_result* result, Specialization* spec) {
  const clb_const* c = result->return_const;
  const HostType* type = parse_type(result->return_type);
  if (!c || (type && type->slots > 0)) return true;
  if (c->handle > 0) spec->constant = Py_XNewRef(object_of(c->handle));
  if (c->kind == CLB_STR) spec->constant = PyUnicode_DecodeUTF8(c->s, static_cast<Py_ssize_t>(c->n), nullptr);
  return !PyErr_Occurred();
}

// A list that comes empty has the type of what the code puts in. False with an error when that cannot go back into it.
bool type_empty_lists(Dispatcher* self, UnboxPlan* plan, const std::vector<std::string>& types, const char* const* filled) {
  for (size_t i = 0; i < types.size(); i++) {
    if (types[i] == filled[i] || types[i] != "list(bottom)") continue;
    plan->ops[i].type = parse_type(filled[i]);
    plan->ops[i].empty = true;
    std::string error;
    if (can_box(plan->ops[i].type, &error)) continue;
    raise_typing_error(self, "an argument becomes a " + error + ", which has no form in Python", "put numbers or tuples of them into the list");
    return false;
  }
  return true;
}

}  // namespace

bool finish_part(Specialization* spec, Form form, const std::vector<std::string>& types, const std::string& return_type) {
  std::vector<const HostType*> parsed;
  std::string error;
  for (const std::string& text : types) parsed.push_back(parse_type(text));
  if (form == Form::Loop && !make_plan(parsed, &spec->plan, &error)) return PyErr_SetString(PyExc_TypeError, error.c_str()), false;
  spec->result = parse_type(return_type);
  if (!spec->result) return PyErr_Format(PyExc_SystemError, "%s is not a type", return_type.c_str()), false;
  if (form == Form::Loop && !can_box(spec->result, &error)) return PyErr_Format(PyExc_TypeError, "a value of type %s has no form in Python", error.c_str()), false;
  spec->result_slots = spec->result->slots;
  spec->arg_types = types;
  spec->return_type = return_type;
  return spec->guards.arm() || (PyErr_Occurred() ? false : (spec->guards.invalidate(), true));
}

namespace {

Specialization* publish(Dispatcher* self, Snapshot& snapshot, const clb_result* result, const std::vector<std::string>& types, Form form) {
  auto* spec = new Specialization;
  spec->code = result->code;
  spec->entry = reinterpret_cast<coluber_entry>(result->entry);
  spec->mutated = result->mutated;
  spec->code_size = object_code_size(result->object, result->object_size);
  for (int32_t i = 0; i < result->ntimes; i++) spec->times.emplace_back(result->times[i].stage, result->times[i].seconds);
  spec->dispatcher = self;
  spec->held = std::move(snapshot.held);      // before the imports, which add to it
  bool ok = constant_result(result, spec) && fill_imports(spec, result->import_keys, result->nimports, result->imports);
  spec->guards.move_from(snapshot.guards);
  spec->codes.swap(snapshot.codes);
  ok = ok && (form == Form::Function ? finish_specialization(self, spec, types, result->return_type) : finish_part(spec, form, types, result->return_type));
  ok = ok && (form == Form::Objects || !result->arg_types || type_empty_lists(self, &spec->plan, types, result->arg_types));
  if (!ok) {
    delete spec;
    return nullptr;
  }
  return spec;
}

// Runs the engine; `after` is called with the result, under the GIL, while the session lives.
template <class After>
auto run_engine(Dispatcher* self, Snapshot& snapshot, const Request& request, After after) -> decltype(after(nullptr, nullptr)) {
  const Engine* engine = load_engine();
  if (!engine) return nullptr;
  snapshot.release_gil();
  clb_session* session = engine->session_new(&snapshot.host);
  const clb_result* result = engine->compile(session, &request.c);
  snapshot.take_gil();
  decltype(after(nullptr, nullptr)) out = nullptr;
  if (!result || result->status != 0) {
    PyObject* cause = snapshot.take_error();
    if (result) raise_diag(result->diag, cause);
    else PyErr_SetString(PyExc_SystemError, "the engine gave no result");
    Py_XDECREF(cause);
  } else {
    PyObject* stray = snapshot.take_error();  // a callback failed, and the engine did without: not worth stopping for, but not silent
    if (stray) set_exception(stray), PyErr_WriteUnraisable(self->py_func);
    out = after(session, result);
  }
  PyObject* error = take_exception();         // freeing must not run with an error pending
  engine->session_free(session);
  if (error) set_exception(error);
  return out;
}

// What jit promises beyond njit: results have CPython's types, and where nothing is changed that would show, its ints have no limit.
void make_exact(Dispatcher* self, const std::vector<std::string>& types, const std::string& return_type, clb_request* c) {
  if (!may_fall_back(self) || !return_type.empty()) return;
  bool arrays = false, lists = false;
  for (const std::string& t : types) {
    arrays = arrays || t.find("array(") != std::string::npos;
    lists = lists || t.find("list(") != std::string::npos;
  }
  if (arrays) return;
  c->options.exact = 1;
  if (lists) return;
  c->restarts = 1;
  c->options.overflow = 1;
}

// Out of the cache, or by the engine.
Specialization* find_or_compile(Dispatcher* self, Snapshot& snapshot, const Request& request, const std::vector<std::string>& types, Form form) {
  CacheTicket ticket;
  Specialization* made = cache_lookup(self, snapshot, request.c, &ticket, form);
  if (made || PyErr_Occurred()) return made;
  made = run_engine(self, snapshot, request, [&](clb_session*, const clb_result* result) {
    cache_store(self, snapshot, request.c, *result, &ticket);
    return publish(self, snapshot, result, types, form);
  });
  if (!made && (form != Form::Function || may_fall_back(self))) cache_store_refusal(self, snapshot, request.c, &ticket);
  return made;
}

Specialization* compile(Dispatcher* self, const std::vector<std::string>& types, const std::string& return_type, HandleSet* held) {
  if (!prepare_poll()) return nullptr;
  Snapshot snapshot;
  if (held) snapshot.held = std::move(*held);
  Request request;
  if (!fill_request(snapshot, self, types, return_type, &request)) return nullptr;
  make_exact(self, types, return_type, &request.c);
  Specialization* made = find_or_compile(self, snapshot, request, types, Form::Function);
  if (made) made->restarts = request.c.restarts != 0;
  return made;
}

Specialization* find(Dispatcher* self, const std::string& key) {
  for (Specialization* spec : self->state->table) {
    if (spec->key == key) return spec;
  }
  return nullptr;
}

std::string join(const std::vector<std::string>& types) {
  std::string key;
  for (const std::string& type : types) key += (key.empty() ? "" : ";") + type;
  return key;
}

}  // namespace

Specialization* get_specialization(Dispatcher* self, const std::vector<std::string>& types, const std::string& return_type, HandleSet* held) {
  std::string key = join(types);
  while (true) {
    Specialization* known = find(self, key);
    if (known && (known->guards.hold() || known->guards.recheck())) return known;
    if (known) drop_specialization(self, known);   // a global or a cell has been rebound
    if (enter_queue(self, key)) break;
  }
  Specialization* made = compile(self, types, return_type, held);
  leave_queue(self, key);
  if (!made) return nullptr;
  made->key = key;
  if (Specialization* twin = find(self, key)) drop_specialization(self, twin);   // the work was done twice
  self->state->table.push_back(made);
  return made;
}

Specialization* compile_mixed(Dispatcher* self, const std::vector<std::string>& types, const std::string& entry) {
  if (!prepare_poll()) return nullptr;
  Snapshot snapshot;
  snapshot.objects = true;
  Request request;
  if (!fill_request(snapshot, self, types, "", &request)) return nullptr;
  request.c.objects = entry.empty() && self->state->options.forceobj ? CLB_FORCED_OBJECTS : CLB_OBJECTS;
  request.c.entry = entry.empty() ? nullptr : entry.c_str();
  Specialization* made = find_or_compile(self, snapshot, request, types, Form::Objects);
  if (made) made->objects = true, made->part = entry;
  return made;
}

Specialization* compile_loop(Dispatcher* self, const std::vector<std::string>& types, const std::string& text) {
  if (!prepare_poll()) return nullptr;
  Snapshot snapshot;
  Request request;
  if (!fill_request(snapshot, self, types, "", &request)) return nullptr;
  request.c.entry = text.c_str();
  Specialization* made = find_or_compile(self, snapshot, request, types, Form::Loop);
  if (made) made->part = text;
  return made;
}

PyObject* dump_specialization(Dispatcher* self, Specialization* spec, const char* stage) {
  Snapshot snapshot;
  Request request;
  std::vector<std::string> types = spec->arg_types;   // the specialisation may be dropped meanwhile
  std::string part = spec->part;
  snapshot.objects = spec->objects;
  if (!fill_request(snapshot, self, types, "", &request)) return nullptr;
  request.c.objects = spec->objects ? CLB_FORCED_OBJECTS : 0;
  request.c.entry = part.empty() ? nullptr : part.c_str();
  return run_engine(self, snapshot, request, [&](clb_session* session, const clb_result* result) -> PyObject* {
    const char* text = load_engine()->dump(session, stage);
    PyObject* out = text ? PyUnicode_DecodeUTF8(text, static_cast<Py_ssize_t>(strlen(text)), "replace") : PyUnicode_FromString("");
    if (result->code) load_engine()->release(result->code);
    return out;
  });
}

void install_fork_handlers() { pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child); }

Specialization::~Specialization() {
  for (PyObject* object : codes) Py_DECREF(object);
  if (table) leave_table(table);
  Py_XDECREF(constant);
  if (code) loaded_engine()->release(code);
  delete shifts;
}

}  // namespace coluber::jit
