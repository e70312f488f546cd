// Entering loops natively from object mode, and going on in object mode where native code has left.
#include "jit/host/lift.h"

#include <algorithm>
#include <optional>

#include "jit/host/box.h"
#include "jit/host/dispatcher.h"
#include "jit/host/generator.h"
#include "jit/host/mixed.h"
#include "jit/host/raise.h"
#include "jit/host/thread_state.h"
#include "jit/host/typeof.h"
#include "jit/host/unbox.h"
#include "jit/runtime/objects.h"
#include "jit/runtime/spare.h"

namespace coluber::jit {
namespace {

constexpr size_t kGiveUp = 4;                 // failures at a loop after which it is not tried any more

// How many variables each exit has: the fifth field, "offset:1,2/offset:".
std::vector<int> exit_vars_of(const std::string& text) {
  size_t from = 0;
  for (int k = 0; k < 4; k++) from = text.find(';', from) + 1;
  std::string exits = text.substr(from, text.find(';', from) - from);
  std::vector<int> out;
  for (size_t at = 0; at < exits.size();) {
    size_t end = std::min(exits.find('/', at), exits.size()), colon = exits.find(':', at);
    auto commas = static_cast<int>(std::count(exits.begin() + static_cast<std::ptrdiff_t>(at), exits.begin() + static_cast<std::ptrdiff_t>(end), ','));
    out.push_back(colon + 1 < end ? commas + 1 : 0);
    at = end + 1;
  }
  return out;
}

// What the text says of a generator's frame.
void read_frame(Site* site) {
  size_t first = site->text.find('|'), second = site->text.find('|', first + 1);
  site->entry = site->text.substr(0, first);
  if (first == std::string::npos) return;
  site->cells = site->text.substr(first + 1, second - first - 1);
  for (size_t at = second + 1; at < site->text.size();) {
    size_t end = std::min(site->text.find(';', at), site->text.size());
    site->types.push_back(site->text.substr(at, end - at));
    at = end + 1;
  }
  for (size_t k = 0; k < site->cells.size(); k++) {
    if (site->cells[k] != 'x') site->objects.push_back(static_cast<int>(k));
    if (site->cells[k] == 'm') site->maybe = true;
  }
}

// The cells of a call of a loop; on the stack, when they are few.
struct Call {
  static constexpr size_t kFew = 64;
  std::optional<Frame> frame;
  uint64_t* slots = nullptr;
  alignas(16) uint64_t few[kFew];
  std::vector<uint64_t> many;

  // Unboxes the variables for it. False: it is not for these.
  bool prepare(const Specialization* spec, PyObject* const* args) {
    auto before = static_cast<size_t>(spec->plan.slots + spec->result_slots) + 1, owners = static_cast<size_t>(spec->plan.owners);
    size_t cells = before + owners * sizeof(coluber_owner) / sizeof(uint64_t);
    if (cells > kFew) many.resize(cells);
    slots = cells > kFew ? many.data() : few;
    frame.emplace(slots, reinterpret_cast<coluber_owner*>(slots + before));
    frame->numpy_items = true;            // what comes back is as Python would have it
    return unbox_all(spec->plan, args, *frame);
  }
};

// The variables' types as texts; null: unbound. False: one has none.
bool types_of(PyObject* const* args, int64_t n, std::vector<std::string>* types, HandleSet* held, std::string* key) {
  bool ok = true;
  for (int64_t i = 0; i < n; i++) {
    std::string text;
    TypeofFailure why;
    if (!args[i]) text = "unbound(bottom)";
    else if (!type_of(args[i], held, &text, &why)) ok = false, text = std::string("?") + Py_TYPE(args[i])->tp_name;
    *key += text + ";";
    types->push_back(std::move(text));
  }
  return ok;
}

Specialization* find_loop(Site* site, PyObject* const* args, Call* call) {
  bool held = true;
  for (Specialization* spec : site->loops) {   // unboxing calls no Python
    if (!spec->guards.hold()) held = false;
    else if (call->prepare(spec, args)) return spec;
  }
  if (held) return nullptr;
  for (Specialization* spec : std::vector<Specialization*>(site->loops)) {
    if (!spec->guards.hold() && !spec->guards.recheck()) {   // a global has been rebound
      std::erase(site->loops, spec);
      spec->doomed = true;
      if (spec->entered == spec->left) delete spec;
      continue;
    }
    if (call->prepare(spec, args)) return spec;
  }
  return nullptr;
}

// Lists of one class of items: as native lists, others would change the items.
bool plain_lists(PyObject* const* args, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    if (!args[i] || !PyList_CheckExact(args[i])) continue;
    for (Py_ssize_t k = 1; k < PyList_GET_SIZE(args[i]); k++) {
      if (Py_TYPE(PyList_GET_ITEM(args[i], k)) != Py_TYPE(PyList_GET_ITEM(args[i], 0))) return false;
    }
  }
  return true;
}

// The loop for these variables; null: it runs on objects, or (with an error pending) not at all.
Specialization* loop_for(Site* site, PyObject* const* args, int64_t n, Call* call) {
  if (!plain_lists(args, n)) return nullptr;
  if (Specialization* known = find_loop(site, args, call)) return known;
  if (site->failed.size() >= kGiveUp && site->loops.empty()) return nullptr;
  std::vector<std::string> types;
  std::string key;
  HandleSet held;
  bool typed = types_of(args, n, &types, &held, &key);
  if (std::find(site->failed.begin(), site->failed.end(), key) != site->failed.end()) return nullptr;
  Specialization* made = typed ? compile_loop(site->dispatcher, types, site->text) : nullptr;
  if (!made) {
    site->failed.push_back(key);
    if (!PyErr_Occurred()) {
      if (site->why.empty()) site->why = "a variable of the loop has no type: " + key;
      return nullptr;
    }
    if (!PyErr_ExceptionMatches(PyExc_Exception)) return nullptr;   // KeyboardInterrupt and the like
    PyObject* error = take_exception();
    PyObject* text = PyObject_Str(error);
    const char* utf8 = text ? PyUnicode_AsUTF8(text) : nullptr;
    if (site->why.empty()) site->why = utf8 ? utf8 : "?";
    PyErr_Clear();
    Py_XDECREF(text);
    Py_DECREF(error);
    return nullptr;
  }
  site->loops.push_back(made);
  Specialization* found = find_loop(site, args, call);
  if (found) return found;
  site->loops.pop_back();                     // its own variables do not fit it: an item was changed meanwhile
  site->failed.push_back(key);
  delete made;
  return nullptr;
}

// What the loop has set goes to the cells: for the exit that was taken, each variable and whether it is bound.
bool give_results(Site* site, int64_t taken, const std::vector<PyObject*>& values, int64_t* out) {
  size_t at = 0, cell = 0;
  for (size_t e = 0; e < site->exit_vars.size(); e++) {
    bool here = static_cast<int64_t>(e) == taken;
    out[cell++] = here;
    for (int k = 0; k < site->exit_vars[e]; k++, at++) {
      PyObject* value = values.at(at);
      out[cell] = here && value;
      out[cell + 1] = reinterpret_cast<intptr_t>(here ? value : nullptr);
      if (!here) Py_XDECREF(value);
      cell += 2;
    }
  }
  return true;
}

bool box_results(const HostType* type, const uint64_t* slots, std::vector<PyObject*>* values) {
  BoxContext context;
  context.shared = true;
  bool ok = true;
  for (size_t i = 0; i < type->items.size(); i++) {
    const HostType* item = type->items[i];
    const uint64_t* from = slots;
    slots += item->slots;
    if (i == 0) continue;
    bool unbound = item->is(Kind::Unbound), there = !unbound || (*from & 1);
    const HostType* inner = unbound ? item->elem : item;
    if (unbound) from++;
    if (!there) {
      values->push_back(nullptr);
    } else if (!ok) {
      release_slots(inner, from);
    } else {
      PyObject* made = box_as_python(inner, from, context);
      ok = made != nullptr;
      values->push_back(made);
    }
  }
  if (!ok)
    for (PyObject* value : *values) Py_XDECREF(value);
  return ok;
}

PyObject* unbound_mark() {
  static PyObject* mark = PyObject_CallNoArgs(reinterpret_cast<PyObject*>(&PyBaseObject_Type));
  return mark;
}

// The text that compiles the rest after ints have left 64 bits at the site's instruction, and wherever they have before.
std::string with_overflows(Dispatcher* self, const std::string& text) {
  uint32_t offset = static_cast<uint32_t>(std::stoul(text));
  auto& known = self->state->overflows;
  if (std::find(known.begin(), known.end(), offset) == known.end()) known.push_back(offset);
  std::string out = text.substr(0, text.rfind(';') + 1);
  for (size_t k = 0; k < known.size(); k++) out += (k ? "," : "") + std::to_string(known[k]);
  return out;
}

}  // namespace

void unpack_exit(PyObject* tuple, int64_t* taken, std::vector<PyObject*>* values) {
  *taken = PyLong_AsLongLong(PyTuple_GET_ITEM(tuple, 0));
  for (Py_ssize_t i = 1; i < PyTuple_GET_SIZE(tuple); i++) {
    PyObject* value = PyTuple_GET_ITEM(tuple, i);
    values->push_back(value == unbound_mark() ? nullptr : Py_NewRef(value));
  }
  Py_DECREF(tuple);
}

Site* site_of(Dispatcher* self, const std::string& text) {
  for (Site* site : self->state->sites) {
    if (site->text == text) return site;
  }
  auto* made = new Site{self, text, exit_vars_of(text), {}, {}, "", {}, {}, {}, {}, false, {}, 0};
  read_frame(made);
  self->state->most_cells = std::max(self->state->most_cells, made->cells.size());
  self->state->sites.push_back(made);
  return made;
}

void drop_loops(Dispatcher* self) {
  for (Site* site : self->state->sites) {
    std::vector<Specialization*> loops;
    loops.swap(site->loops);
    site->failed.clear();
    site->why.clear();
    for (Specialization* spec : loops) {
      spec->doomed = true;
      if (spec->entered == spec->left) delete spec;
    }
  }
}

void free_sites(Dispatcher* self) {
  std::vector<Site*> all;
  all.swap(self->state->sites);
  for (Site* site : all) delete site;
}

PyObject* loop_list(Dispatcher* self) {
  PyObject* list = PyList_New(0);
  for (Site* site : self->state->sites) {
    if (site->exit_vars.empty()) continue;
    PyObject* types = PyList_New(0);
    for (Specialization* spec : site->loops) {
      std::string text;
      for (const std::string& t : spec->arg_types) text += (text.empty() ? "" : ";") + t;
      PyObject* row = PyUnicode_FromString(text.c_str());
      if (!types || !row || PyList_Append(types, row) < 0) Py_CLEAR(types);
      Py_XDECREF(row);
    }
    PyObject* row = types ? Py_BuildValue("(sNs)", site->text.c_str(), types, site->why.c_str()) : nullptr;
    if (!list || !row || PyList_Append(list, row) < 0) Py_CLEAR(list);
    Py_XDECREF(row);
  }
  return list;
}

}  // namespace coluber::jit

using namespace coluber::jit;

OBJECT_OP(lift) {
  auto* site = static_cast<Site*>(import);
  std::fill(out, out + imm, 0);
  auto* args = reinterpret_cast<PyObject* const*>(cells);
  if (ctx->generator && !worth_lists(ctx->generator, args, n)) return 0;
  Call call;
  Specialization* spec = loop_for(site, args, n, &call);
  if (!spec) return PyErr_Occurred() ? raise_python_error(ctx) : 0;
  coluber_ctx inner;
  init_part_context(&inner, spec, ctx->handled, &*call.frame);
  uint64_t* result = call.slots + spec->plan.slots;
  spec->entered++;
  int32_t status = spec->entry(&inner, call.slots, result);
  if (has_spares()) trim_spares();
  std::vector<PyObject*> values;
  int64_t taken = -1;
  bool ok = status != COLUBER_RAISED;
  if (status == COLUBER_RAISED) {             // the frames so far are the loop's own
    PyObject* exception = take_with_traceback(&inner);
    if (exception) set_exception(exception);
  } else if (status == COLUBER_LEFT) {
    unpack_exit(static_cast<PyObject*>(inner.left), &taken, &values);
  } else {
    taken = static_cast<int64_t>(result[0]);
  }
  if (call.frame->lists && status != COLUBER_LEFT) {
    PyObject* error = take_exception();
    bool written = write_back_lists(*call.frame, spec->mutated != 0);
    if (error && written) set_exception(error);
    else Py_XDECREF(error);
    if (!written && ok) release_slots(spec->result, result);
    ok = ok && written;
  }
  if (ok && status == COLUBER_DONE) ok = box_results(spec->result, result, &values);
  spec->left++;
  if (spec->doomed && spec->left == spec->entered) delete spec;
  if (!ok) return raise_python_error(ctx);
  give_results(site, taken, values, out);
  return 0;
}

OBJECT_OP(leave) {
  auto* site = static_cast<Site*>(import);
  auto* args = reinterpret_cast<PyObject* const*>(cells);
  if (ctx->frame && static_cast<Frame*>(ctx->frame)->lists && !write_back_lists(*static_cast<Frame*>(ctx->frame), true)) return raise_python_error(ctx);
  Mixed* rest = mixed_part(site->dispatcher, with_overflows(site->dispatcher, site->text), args, n);
  if (!rest) {
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_OverflowError, "an int leaves 64 bits where execution cannot go on with Python's");
    return raise_python_error(ctx);
  }
  if (ctx->generator) make_room(ctx->generator);
  PyObject* result = call_mixed(site->dispatcher, rest, args, ctx->generator);
  if (!result) return raise_python_error(ctx);
  ctx->left = result;
  return 0;
}

OBJECT_OP(exit_with) {
  PyObject* tuple = PyTuple_New(n + 1);
  PyObject* which = tuple ? PyLong_FromLongLong(imm) : nullptr;
  if (!which) {
    Py_XDECREF(tuple);
    return raise_python_error(ctx);
  }
  PyTuple_SET_ITEM(tuple, 0, which);
  for (int64_t i = 0; i < n; i++) PyTuple_SET_ITEM(tuple, i + 1, Py_NewRef(cells[i] ? static_cast<PyObject*>(cells[i]) : unbound_mark()));
  return give(ctx, out, tuple);
}

extern "C" int32_t coluber_box(coluber_ctx* ctx, void* type, void* slots, void* out) {
  BoxContext context;
  PyObject* made = box_as_python(static_cast<const HostType*>(type), static_cast<const uint64_t*>(slots), context);
  if (!made) return raise_python_error(ctx);
  *static_cast<PyObject**>(out) = made;
  return 0;
}
